lac_test(encode_cpu USES encode SOURCES ../support/lac_encode_slow.c LINK m)
lac_test(encode_cpu_vector USES encode LINK m)
