/* SPDX-License-Identifier: Apache-2.0 */
/* Products in 8 bits with AVX-VNNI, which small cores have and servers without AVX-512. */
#include "lac_encode_cpu_int8.h"

#ifdef __x86_64__
#define TARGET __attribute__((target("avx2,fma,avxvnni")))
enum { ROWS = 6, VECTORS = 1, BIAS = 128 }; /* 12 of 16 registers for sums */
#define EACH_ROW(X)       X(0) X(1) X(2) X(3) X(4) X(5)
#define EACH_VECTOR(X, r) X(r, 0)

#include "lac_encode_cpu_ops_avx2.h"

#include "lac_encode_cpu_int8_bytes_avx2.h"

typedef __m256i four;

TARGET static inline sums s_start(const int32_t *offsets)
{
    return (sums){load_bytes(offsets), load_bytes(offsets + 8)};
}

TARGET static inline four s_load(const uint8_t *x)
{
    return repeat(x);
}

TARGET static inline sums s_add(sums s, four x, sixteen w)
{
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(s.a) : "x"(x), "x"(w.a));
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(s.b) : "x"(x), "x"(w.b));
    return s;
}

#include "lac_encode_cpu_int8_body.h"

const struct lac_encode_cpu_int8 lac_encode_cpu_int8_avxvnni = LAC_ENCODE_CPU_INT8("avxvnni");

#else
typedef int lac_encode_cpu_int8_avxvnni_is_empty;
#endif
