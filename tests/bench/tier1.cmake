pkg_check_modules(HS REQUIRED IMPORTED_TARGET libhs)  # the baseline is Vectorscan alone
lac_bench(SOURCES bench_tier1.c bench_tier1_check.c bench_tier1_corpus.c bench_tier1_vs.c
                  bench_tier1_written.c
    USES match pack LINK PkgConfig::HS)
