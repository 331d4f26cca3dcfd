/* SPDX-License-Identifier: Apache-2.0 */
/* Products in 8 bits with AVX2. */
#include "lac_encode_cpu_int8.h"

#ifdef __x86_64__
#define TARGET __attribute__((target("avx2,fma")))
enum { ROWS = 4, VECTORS = 1, BIAS = 0 }; /* 8 of 16 registers for sums */
#define EACH_ROW(X)       X(0) X(1) X(2) X(3)
#define EACH_VECTOR(X, r) X(r, 0)

#include "lac_encode_cpu_ops_avx2.h"

#include "lac_encode_cpu_int8_bytes_avx2.h"

struct four {
    __m256i x, size; /* as they are; without sign */
};
typedef struct four four;

TARGET static inline sums s_start(const int32_t *offsets)
{
    (void)offsets; /* activations are stored without BIAS */
    return (sums){_mm256_setzero_si256(), _mm256_setzero_si256()};
}

TARGET static inline four s_load(const uint8_t *x)
{
    __m256i all = repeat(x);
    return (four){all, _mm256_abs_epi8(all)};
}

/* Two products of at most 127 * 127 fit 16 bits. */
TARGET static inline __m256i add_half(__m256i sum, four x, __m256i w)
{
    __m256i pairs = _mm256_maddubs_epi16(x.size, _mm256_sign_epi8(w, x.x));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

TARGET static inline sums s_add(sums s, four x, sixteen w)
{
    return (sums){add_half(s.a, x, w.a), add_half(s.b, x, w.b)};
}

#include "lac_encode_cpu_int8_body.h"

const struct lac_encode_cpu_int8 lac_encode_cpu_int8_avx2 = LAC_ENCODE_CPU_INT8("avx2");

#else
typedef int lac_encode_cpu_int8_avx2_is_empty;
#endif
