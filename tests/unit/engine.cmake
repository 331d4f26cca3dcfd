lac_test(engine USES engine)
lac_test(engine_golden USES engine)
