lac_test(sink USES sink lane record digest pg)
