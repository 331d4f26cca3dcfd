lac_bench(SOURCES bench_wordpiece.c bench_wordpiece_plain.c USES encode)
