lac_test(engine USES engine)
lac_test(engine_golden USES engine)
lac_test(engine_lanes USES engine
    LINK -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc)
