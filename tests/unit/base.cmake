lac_test(arena USES base)
lac_test(base USES base LINK -Wl,--wrap=fsync -Wl,--wrap=readdir)
lac_test(log USES base json)
