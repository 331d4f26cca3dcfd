lac_test(engine USES engine)
