pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka>=2.0.2)  # the baseline is librdkafka alone
lac_bench(SOURCES bench_lane.c bench_lane_bare.c bench_lane_meter.c bench_lane_topics.c USES base kafka lane LINK PkgConfig::RDKAFKA)
