lac_test(arena USES base)
lac_test(base USES base)
lac_test(log USES base json)
