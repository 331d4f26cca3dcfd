lac_test(control USES control TIMEOUT 120 SOURCES control_fixture.c)
