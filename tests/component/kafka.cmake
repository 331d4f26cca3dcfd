lac_test(kafka_mock USES base kafka LABELS component
    SOURCES "${PROJECT_SOURCE_DIR}/tests/support/lac_threads_tsan.c")
