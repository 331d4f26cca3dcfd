pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.75)  # the baseline
lac_bench(SOURCES bench_bridge.c bench_bridge_bare.c bench_bridge_load.c
    USES bridge http LINK PkgConfig::MICROHTTPD)
