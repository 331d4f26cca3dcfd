lac_test(engine COST 15 ONE_THREAD SOURCES engine_fixture.c USES engine)
lac_test(engine_findings COST 15 ONE_THREAD SOURCES engine_fixture.c USES engine)
lac_test(engine_golden USES engine)
lac_test(engine_lanes USES engine
    LINK -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc)
lac_test(engine_semantic COST 15 USES engine semantic encode head
    SOURCES ${PROJECT_SOURCE_DIR}/tests/support/lac_tiny_tier2.c
            ${PROJECT_SOURCE_DIR}/tests/support/lac_model_folder.c
    LINK m)
lac_test(engine_record COST 10 USES engine semantic encode head conf
    SOURCES ${PROJECT_SOURCE_DIR}/tests/support/lac_tiny_tier2.c
            ${PROJECT_SOURCE_DIR}/tests/support/lac_model_folder.c
    LINK m)
