lac_test(lane_mock USES base kafka lane LABELS component
    SOURCES "${PROJECT_SOURCE_DIR}/tests/support/lac_threads_tsan.c")
