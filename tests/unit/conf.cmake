lac_test(conf USES conf json)
