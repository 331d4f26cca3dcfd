if(TARGET lac_classify)
    lac_bench(SOURCES bench_tier2.c bench_tier2_pipe.c bench_tier2_python.c
        USES classify decide digest encode engine head json pack record semantic)
endif()
