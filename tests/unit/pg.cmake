lac_test(pg USES pg)
