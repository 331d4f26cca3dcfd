lac_test(encode_cpu COST 90 USES encode json LINK m
    SOURCES ../support/lac_encode_slow.c ../bench/bench_encode_texts.c)
target_include_directories(test_encode_cpu PRIVATE "${PROJECT_SOURCE_DIR}/tests/bench")
lac_test(encode_cpu_vector USES encode LINK m)
lac_test(encode_cpu_int8 USES encode LINK m)
