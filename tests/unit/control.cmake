find_package(Threads REQUIRED)
lac_test(control USES control TIMEOUT 120 SOURCES control_fixture.c)
lac_test(control_lanes USES control engine TIMEOUT 120 SOURCES control_fixture.c
    LINK Threads::Threads)
