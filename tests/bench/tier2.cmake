if(TARGET lac_classify)
    lac_bench(SOURCES bench_tier2_pipe.c
        USES classify decide digest encode engine head json pack record semantic)
endif()
