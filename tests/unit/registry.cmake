lac_test(registry USES registry http LINK -Wl,--wrap=realloc)
