lac_test(pg_live USES pg SOURCES pg_fixture.c LABELS component TIMEOUT 120)
