lac_test(decide SOURCES decide_fixture.c USES decide)
lac_test(decide_exact SOURCES decide_fixture.c USES decide)
lac_test(answer USES decide)
