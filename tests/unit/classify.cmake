lac_test(classify USES classify digest TIMEOUT 300)
