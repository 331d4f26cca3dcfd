lac_bench(SOURCES bench_scan.c USES base)
target_compile_definitions(lacuna-bench PRIVATE LAC_BENCH_SOURCE="${PROJECT_SOURCE_DIR}")
add_dependencies(lacuna-bench lacuna)
