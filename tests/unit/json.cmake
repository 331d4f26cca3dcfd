lac_test(json USES json)
