lac_test(kafka_mock COST 15 USES base kafka LABELS component
    SOURCES "${PROJECT_SOURCE_DIR}/tests/support/lac_threads_tsan.c")
