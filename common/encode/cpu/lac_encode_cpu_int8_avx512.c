/* SPDX-License-Identifier: Apache-2.0 */
/* Products in 8 bits with AVX-512 VNNI. */
#include "lac_encode_cpu_int8.h"

#ifdef __x86_64__
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")))
enum { ROWS = 12, VECTORS = 2, BIAS = 128 }; /* 24 of 32 registers for sums */
#define EACH_ROW(X)       X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define EACH_VECTOR(X, r) X(r, 0) X(r, 1)

#include "lac_encode_cpu_ops_avx512.h"

typedef __m512i sums;
typedef __m512i four;
typedef __m512i sixteen;

TARGET static inline sums s_start(const int32_t *offsets)
{
    return _mm512_loadu_si512(offsets);
}

TARGET static inline four s_load(const uint8_t *x)
{
    int32_t bytes;
    __builtin_memcpy(&bytes, x, sizeof bytes);
    return _mm512_set1_epi32(bytes);
}

TARGET static inline sixteen s_weights(const int8_t *w)
{
    return _mm512_loadu_si512(w);
}

TARGET static inline sums s_add(sums s, four x, sixteen w)
{
    /* As an intrinsic gcc 12 moves every sum through another register and through memory. */
    __asm__("vpdpbusd %2, %1, %0" : "+v"(s) : "v"(x), "v"(w));
    return s;
}

TARGET static inline vec s_floats(sums s)
{
    return _mm512_cvtepi32_ps(s);
}

/* What is too small, infinite or no number becomes the smallest int and that -128. */
TARGET static inline void s_bytes(uint8_t *out, vec v, size_t n)
{
    __m512i rounded = _mm512_cvtps_epi32(v_min(v, v_set(127.0f)));
    __m128i bytes = _mm_xor_si128(_mm512_cvtsepi32_epi8(rounded), _mm_set1_epi8((char)BIAS));

    if (n == LAC_ENCODE_CPU_LANES)
        _mm_storeu_si128((__m128i *)(void *)out, bytes);
    else
        _mm_mask_storeu_epi8(out, first(n), bytes);
}

#include "lac_encode_cpu_int8_body.h"

const struct lac_encode_cpu_int8 lac_encode_cpu_int8_avx512vnni = LAC_ENCODE_CPU_INT8("avx512vnni");

#else
typedef int lac_encode_cpu_int8_avx512_is_empty;
#endif
