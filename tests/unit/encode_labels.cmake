lac_test(encode_labels COST 20 USES encode head json pack LINK m
    SOURCES ../bench/bench_encode_texts.c)
target_include_directories(test_encode_labels PRIVATE "${PROJECT_SOURCE_DIR}/tests/bench")
