lac_fuzz(scan_diff USES scan)
lac_fuzz(scan_ignore USES scan)
lac_fuzz(scan_lines USES scan)
lac_fuzz(baseline USES scan redact digest tool match
    SOURCES "${PROJECT_SOURCE_DIR}/tools/lacuna/lac_cli_scan_baseline.c")
target_include_directories(fuzz_baseline PRIVATE "${PROJECT_SOURCE_DIR}/tools/lacuna")
# Looks at each instruction set by the matcher's own header, which includes Vectorscan's.
find_package(PkgConfig REQUIRED)
pkg_check_modules(HS REQUIRED IMPORTED_TARGET libhs)
lac_fuzz(scan_text USES scan redact pack match decide base LINK PkgConfig::HS)
lac_fuzz(scan_utf16 USES scan)
