lac_test(term USES term)
