add_test(NAME component/threads
    COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/threads.sh" "$<TARGET_FILE:lacuna>")
set_tests_properties(component/threads PROPERTIES LABELS component TIMEOUT 240)
