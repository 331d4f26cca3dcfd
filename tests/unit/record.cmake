lac_test(record USES record)
lac_test(record_json USES record)
lac_test(topics USES record)
lac_test(opprogram USES record)
lac_test(wire USES record LINK -Wl,--wrap=realloc)
lac_test(golden USES record)

# Driven by tests/integration/test_schema_resolution.py.
add_executable(record_resolve ../support/record_resolve.c)
target_link_libraries(record_resolve PRIVATE lac_flags lac_record)
set_target_properties(record_resolve PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/bin")
