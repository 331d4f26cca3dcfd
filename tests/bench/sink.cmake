lac_bench(SOURCES bench_sink.c USES sink lane pg record digest)
