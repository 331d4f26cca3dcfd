find_library(LAC_DNNL dnnl REQUIRED)  # the baseline of encode.fp32 is oneDNN alone
find_library(LAC_GOMP NAMES gomp libgomp.so.1 REQUIRED PATHS ${CMAKE_C_IMPLICIT_LINK_DIRECTORIES})
lac_bench(SOURCES bench_encode.c bench_encode_labels.c bench_encode_products.c bench_encode_texts.c
    USES encode head json pack
    LINK ${LAC_DNNL} ${LAC_GOMP} m)
