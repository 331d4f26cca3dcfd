lac_test(decide USES decide)
lac_test(answer USES decide)
