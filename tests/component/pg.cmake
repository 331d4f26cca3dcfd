lac_test(pg_live USES pg SOURCES pg_fixture.c LABELS component)
lac_test(output_pg USES sink pg record metrics SOURCES output_pg_fixture.c pg_fixture.c pg_proxy.c
    LABELS component)
lac_test(output_pg_owner USES sink pg record metrics SOURCES output_pg_fixture.c pg_fixture.c
    LABELS component)
