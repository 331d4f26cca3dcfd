lac_test(publish_kafka LABELS component USES kafka
    SOURCES "${PROJECT_SOURCE_DIR}/tests/support/lac_threads_tsan.c")
target_compile_definitions(test_publish_kafka
    PRIVATE LACUNA_PUBLISH="$<TARGET_FILE:lacuna-publish>")
add_dependencies(test_publish_kafka lacuna-publish)
if(LAC_SANITIZE MATCHES "thread") # the program that the test starts has the library's threads as well
    target_sources(lacuna-publish PRIVATE "${PROJECT_SOURCE_DIR}/tests/support/lac_threads_tsan.c")
endif()
