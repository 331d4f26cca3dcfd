pkg_check_modules(AVRO REQUIRED IMPORTED_TARGET avro-c)  # Debian: libavro-dev
lac_test(avro USES record LABELS component SOURCES ../support/lac_record_random.c
    LINK PkgConfig::AVRO)
