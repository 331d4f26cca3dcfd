lac_test(lane_mock COST 30 USES base kafka lane LABELS component
    SOURCES "${PROJECT_SOURCE_DIR}/tests/support/lac_threads_tsan.c")
