lac_bench(SOURCES bench_peer.c bench_wordpiece.c bench_wordpiece_plain.c USES encode)
