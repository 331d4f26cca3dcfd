/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_cpu_ops_avx512 - sixteen floats in one register
 *
 * The v_ operations for lac_encode_cpu_vector_body.h; TARGET is the including file's.
 */
#ifndef LAC_ENCODE_CPU_OPS_AVX512_H
#define LAC_ENCODE_CPU_OPS_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_encode_cpu_vector.h"

typedef __m512 vec;

TARGET static inline __mmask16 first(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}

TARGET static inline vec v_set(float x)
{
    return _mm512_set1_ps(x);
}

TARGET static inline vec v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

TARGET static inline vec v_load_part(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps(first(n), p);
}

TARGET static inline void v_store(float *p, vec v)
{
    _mm512_storeu_ps(p, v);
}

TARGET static inline void v_store_part(float *p, vec v, size_t n)
{
    if (n == LAC_ENCODE_CPU_LANES)
        _mm512_storeu_ps(p, v);
    else
        _mm512_mask_storeu_ps(p, first(n), v);
}

TARGET static inline vec v_add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}

TARGET static inline vec v_sub(vec a, vec b)
{
    return _mm512_sub_ps(a, b);
}

TARGET static inline vec v_mul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}

TARGET static inline vec v_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

TARGET static inline vec v_max(vec a, vec b)
{
    return _mm512_max_ps(a, b);
}

TARGET static inline vec v_min(vec a, vec b)
{
    return _mm512_min_ps(a, b);
}

TARGET static inline vec v_abs(vec a)
{
    return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a);
}

TARGET static inline vec v_pow2(vec a)
{
    __m512i n = _mm512_slli_epi32(_mm512_castps_si512(a), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(n, _mm512_set1_epi32(0x3f800000)));
}

TARGET static inline __m256 low(vec a)
{
    return _mm512_castps512_ps256(a);
}

TARGET static inline __m256 high(vec a)
{
    return _mm512_extractf32x8_ps(a, 1);
}

TARGET static inline float v_sum(vec a)
{
    __m256 e = _mm256_add_ps(low(a), high(a));
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(e), _mm256_extractf128_ps(e, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}

TARGET static inline float v_top(vec a)
{
    __m256 e = _mm256_max_ps(low(a), high(a));
    __m128 q = _mm_max_ps(_mm256_castps256_ps128(e), _mm256_extractf128_ps(e, 1));
    q = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(q, _mm_movehdup_ps(q)));
}

/* out[c][r] = in[r][c], 16 x 16: neighbours by pairs, then fours, then quarters of registers. */
TARGET static inline void v_transpose(float *out, size_t out_stride, const float *in, size_t stride)
{
    __m512 a[16], b[16];

#pragma GCC unroll 16
    for (size_t i = 0; i < 16; i++)
        a[i] = _mm512_loadu_ps(in + i * stride);
#pragma GCC unroll 8
    for (size_t i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < 16; i += 4) {
        a[i] = _mm512_shuffle_ps(b[i], b[i + 2], 0x44);
        a[i + 1] = _mm512_shuffle_ps(b[i], b[i + 2], 0xee);
        a[i + 2] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0x44);
        a[i + 3] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        b[i] = _mm512_shuffle_f32x4(a[i], a[i + 4], 0x88);
        b[i + 4] = _mm512_shuffle_f32x4(a[i], a[i + 4], 0xdd);
        b[i + 8] = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0x88);
        b[i + 12] = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0xdd);
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < 8; i++) {
        _mm512_storeu_ps(out + i * out_stride, _mm512_shuffle_f32x4(b[i], b[i + 8], 0x88));
        _mm512_storeu_ps(out + (i + 8) * out_stride, _mm512_shuffle_f32x4(b[i], b[i + 8], 0xdd));
    }
}

TARGET static inline void v_store_bf16(uint16_t *out, vec a, size_t n)
{
    __m512i bits = _mm512_castps_si512(a);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    bits = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    _mm256_mask_storeu_epi16(out, first(n), _mm512_cvtepi32_epi16(_mm512_srli_epi32(bits, 16)));
}

#endif
