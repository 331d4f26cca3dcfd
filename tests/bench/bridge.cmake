pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.75)  # a baseline
pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka>=2.0.2)            # another
lac_bench(SOURCES bench_bridge.c bench_bridge_bare.c bench_bridge_hops.c bench_bridge_load.c
                  bench_bridge_trip.c
    USES bridge http kafka LINK PkgConfig::MICROHTTPD PkgConfig::RDKAFKA)
