/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_cpu_ops_avx2 - sixteen floats in two registers
 *
 * The v_ operations for lac_encode_cpu_vector_body.h; TARGET is the including file's.
 */
#ifndef LAC_ENCODE_CPU_OPS_AVX2_H
#define LAC_ENCODE_CPU_OPS_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_encode_cpu_vector.h"

struct vec {
    __m256 a, b;
};
typedef struct vec vec;

/* Eight lanes of which the first n count; n may be beyond eight. */
TARGET static inline __m256i first(size_t n)
{
    const __m256i place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), place);
}

TARGET static inline __m256i second(size_t n)
{
    return first(n > 8 ? n - 8 : 0);
}

TARGET static inline vec v_set(float x)
{
    return (vec){_mm256_set1_ps(x), _mm256_set1_ps(x)};
}

TARGET static inline vec v_load(const float *p)
{
    return (vec){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}

TARGET static inline vec v_load_part(const float *p, size_t n)
{
    if (n == LAC_ENCODE_CPU_LANES)
        return v_load(p);
    return (vec){_mm256_maskload_ps(p, first(n)), _mm256_maskload_ps(p + 8, second(n))};
}

TARGET static inline void v_store(float *p, vec v)
{
    _mm256_storeu_ps(p, v.a);
    _mm256_storeu_ps(p + 8, v.b);
}

TARGET static inline void v_store_part(float *p, vec v, size_t n)
{
    if (n == LAC_ENCODE_CPU_LANES) {
        v_store(p, v);
        return;
    }
    _mm256_maskstore_ps(p, first(n), v.a);
    _mm256_maskstore_ps(p + 8, second(n), v.b);
}

TARGET static inline vec v_add(vec x, vec y)
{
    return (vec){_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)};
}

TARGET static inline vec v_sub(vec x, vec y)
{
    return (vec){_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)};
}

TARGET static inline vec v_mul(vec x, vec y)
{
    return (vec){_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)};
}

TARGET static inline vec v_fma(vec x, vec y, vec z)
{
    return (vec){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}

TARGET static inline vec v_max(vec x, vec y)
{
    return (vec){_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)};
}

TARGET static inline vec v_min(vec x, vec y)
{
    return (vec){_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)};
}

TARGET static inline vec v_abs(vec x)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return (vec){_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b)};
}

TARGET static inline __m256 pow2(__m256 x)
{
    __m256i n = _mm256_slli_epi32(_mm256_castps_si256(x), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(n, _mm256_set1_epi32(0x3f800000)));
}

TARGET static inline vec v_pow2(vec x)
{
    return (vec){pow2(x.a), pow2(x.b)};
}

TARGET static inline float v_sum(vec x)
{
    __m256 e = _mm256_add_ps(x.a, x.b);
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(e), _mm256_extractf128_ps(e, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}

TARGET static inline float v_top(vec x)
{
    __m256 e = _mm256_max_ps(x.a, x.b);
    __m128 q = _mm_max_ps(_mm256_castps256_ps128(e), _mm256_extractf128_ps(e, 1));
    q = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(q, _mm_movehdup_ps(q)));
}

/* out[c][r] = in[r][c], 8 x 8: neighbours by pairs, then fours, then halves of registers. */
TARGET static inline void transpose8(float *out, size_t out_stride, const float *in, size_t stride)
{
    __m256 a[8], b[8];

#pragma GCC unroll 8
    for (size_t i = 0; i < 8; i++)
        a[i] = _mm256_loadu_ps(in + i * stride);
#pragma GCC unroll 4
    for (size_t i = 0; i < 8; i += 2) {
        b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
    }
#pragma GCC unroll 2
    for (size_t i = 0; i < 8; i += 4) {
        a[i] = _mm256_shuffle_ps(b[i], b[i + 2], 0x44);
        a[i + 1] = _mm256_shuffle_ps(b[i], b[i + 2], 0xee);
        a[i + 2] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0x44);
        a[i + 3] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        _mm256_storeu_ps(out + i * out_stride, _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
        _mm256_storeu_ps(out + (i + 4) * out_stride, _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
    }
}

TARGET static inline void v_transpose(float *out, size_t out_stride, const float *in, size_t stride)
{
    for (size_t r = 0; r < LAC_ENCODE_CPU_LANES; r += 8)
        for (size_t c = 0; c < LAC_ENCODE_CPU_LANES; c += 8)
            transpose8(out + c * out_stride + r, out_stride, in + r * stride + c, stride);
}

TARGET static inline __m256i bf16(__m256 x)
{
    __m256i bits = _mm256_castps_si256(x);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    bits = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    return _mm256_srli_epi32(bits, 16);
}

TARGET static inline void v_store_bf16(uint16_t *out, vec x, size_t n)
{
    /* packing works within halves of a register: put the quarters in order */
    __m256i packed = _mm256_packus_epi32(bf16(x.a), bf16(x.b));
    uint16_t all[LAC_ENCODE_CPU_LANES];

    packed = _mm256_permute4x64_epi64(packed, 0xd8);
    _mm256_storeu_si256((__m256i *)(void *)all, packed);
    for (size_t i = 0; i < n; i++)
        out[i] = all[i];
}

#endif
