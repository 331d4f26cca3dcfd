lac_test(pg_live USES pg SOURCES pg_fixture.c LABELS component TIMEOUT 120)
lac_test(output_pg USES sink pg record SOURCES pg_fixture.c pg_proxy.c LABELS component TIMEOUT 180)
