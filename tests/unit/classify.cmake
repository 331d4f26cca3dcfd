lac_test(classify USES classify digest)
lac_test(classify_packs USES classify control SOURCES control_fixture.c)
