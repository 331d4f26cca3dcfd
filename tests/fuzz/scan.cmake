lac_fuzz(scan_diff USES scan)
lac_fuzz(scan_ignore USES scan)
lac_fuzz(scan_lines USES scan)
lac_fuzz(baseline USES scan redact digest tool match
    SOURCES "${PROJECT_SOURCE_DIR}/tools/lacuna/lac_cli_scan_baseline.c")
target_include_directories(fuzz_baseline PRIVATE "${PROJECT_SOURCE_DIR}/tools/lacuna")
