/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_cpu_ops_plain - sixteen floats, one after another
 *
 * The v_ operations for lac_encode_cpu_vector_body.h where there is no faster form, and what the
 * faster ones have to equal.
 */
#ifndef LAC_ENCODE_CPU_OPS_PLAIN_H
#define LAC_ENCODE_CPU_OPS_PLAIN_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lac_encode_cpu_vector.h"

struct vec {
    float f[LAC_ENCODE_CPU_LANES];
};
typedef struct vec vec;

#define EACH_LANE for (size_t i = 0; i < LAC_ENCODE_CPU_LANES; i++)

static inline vec v_set(float x)
{
    vec v;
    EACH_LANE
    v.f[i] = x;
    return v;
}

static inline vec v_load_part(const float *p, size_t n)
{
    vec v = v_set(0);
    memcpy(v.f, p, n * sizeof(float));
    return v;
}

static inline vec v_load(const float *p)
{
    return v_load_part(p, LAC_ENCODE_CPU_LANES);
}

static inline void v_store_part(float *p, vec v, size_t n)
{
    memcpy(p, v.f, n * sizeof(float));
}

static inline void v_store(float *p, vec v)
{
    v_store_part(p, v, LAC_ENCODE_CPU_LANES);
}

static inline vec v_add(vec a, vec b)
{
    EACH_LANE
    a.f[i] += b.f[i];
    return a;
}

static inline vec v_sub(vec a, vec b)
{
    EACH_LANE
    a.f[i] -= b.f[i];
    return a;
}

static inline vec v_mul(vec a, vec b)
{
    EACH_LANE
    a.f[i] *= b.f[i];
    return a;
}

static inline vec v_fma(vec a, vec b, vec c)
{
    EACH_LANE
    c.f[i] = fmaf(a.f[i], b.f[i], c.f[i]);
    return c;
}

static inline vec v_max(vec a, vec b)
{
    EACH_LANE
    a.f[i] = a.f[i] > b.f[i] ? a.f[i] : b.f[i];
    return a;
}

static inline vec v_min(vec a, vec b)
{
    EACH_LANE
    a.f[i] = a.f[i] < b.f[i] ? a.f[i] : b.f[i];
    return a;
}

static inline vec v_abs(vec a)
{
    EACH_LANE
    a.f[i] = fabsf(a.f[i]);
    return a;
}

/* 2^n, n standing in the low bits of a float as exp's rounding leaves it there. */
static inline vec v_pow2(vec a)
{
    EACH_LANE
    {
        uint32_t bits;
        memcpy(&bits, &a.f[i], sizeof bits);
        bits = (bits << 23) + 0x3f800000u;
        memcpy(&a.f[i], &bits, sizeof bits);
    }
    return a;
}

static inline float v_sum(vec a)
{
    for (size_t half = LAC_ENCODE_CPU_LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            a.f[i] += a.f[i + half];
    return a.f[0];
}

static inline float v_top(vec a)
{
    for (size_t half = LAC_ENCODE_CPU_LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            a.f[i] = a.f[i] > a.f[i + half] ? a.f[i] : a.f[i + half];
    return a.f[0];
}

/* out[c][r] = in[r][c], as many rows and columns as there are lanes. */
static inline void v_transpose(float *out, size_t out_stride, const float *in, size_t stride)
{
    for (size_t r = 0; r < LAC_ENCODE_CPU_LANES; r++)
        for (size_t c = 0; c < LAC_ENCODE_CPU_LANES; c++)
            out[c * out_stride + r] = in[r * stride + c];
}

static inline void v_store_bf16(uint16_t *out, vec a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &a.f[i], sizeof bits);
        out[i] = (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
    }
}

#endif
