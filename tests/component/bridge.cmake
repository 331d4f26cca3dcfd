find_package(Threads REQUIRED)
lac_test(bridge_kafka COST 15 LABELS component USES bridge LINK Threads::Threads
    SOURCES "${PROJECT_SOURCE_DIR}/tests/support/lac_threads_tsan.c")
