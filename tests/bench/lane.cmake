pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka>=2.0.2)  # the baseline is librdkafka alone
lac_bench(SOURCES bench_lane.c bench_lane_bare.c USES base kafka lane LINK PkgConfig::RDKAFKA)
