lac_test(decide USES decide LINK m)
lac_test(answer USES decide)
