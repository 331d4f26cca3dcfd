find_package(PkgConfig REQUIRED)
pkg_check_modules(AVRO REQUIRED IMPORTED_TARGET avro-c)  # Debian: libavro-dev
lac_bench(SOURCES bench_record.c USES record LINK PkgConfig::AVRO)
