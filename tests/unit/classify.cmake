lac_test(classify USES classify digest)
