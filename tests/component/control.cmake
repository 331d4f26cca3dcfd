lac_test(control_mock COST 15 USES control kafka metrics LABELS component
    SOURCES ../unit/control_fixture.c "${PROJECT_SOURCE_DIR}/tests/support/lac_threads_tsan.c")
