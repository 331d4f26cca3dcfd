lac_test(registry USES registry http)
