find_package(Threads REQUIRED)
lac_test(control COST 30 ONE_THREAD USES control SOURCES control_state_fixture.c control_fixture.c)
lac_test(control_cache ONE_THREAD USES control SOURCES control_state_fixture.c control_fixture.c)
lac_test(control_record USES control digest)
lac_test(control_told USES control SOURCES control_fixture.c)
lac_test(control_lanes USES control engine SOURCES control_fixture.c
    LINK Threads::Threads)
