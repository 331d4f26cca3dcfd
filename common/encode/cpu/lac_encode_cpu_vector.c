/* SPDX-License-Identifier: Apache-2.0 */
/* The plain form of the vector functions, and which form is used. */
#include "lac_encode_cpu_vector.h"

#include <math.h>
#include <string.h>

#include "lac_compiler.h"

#define TARGET
enum { BLOCK = 1 }; /* vectors that attention keeps per query row */

struct vec {
    float f[LAC_ENCODE_CPU_LANES];
};
typedef struct vec vec;

#define EACH(i) for (size_t i = 0; i < LAC_ENCODE_CPU_LANES; i++)

static vec v_set(float x)
{
    vec v;
    EACH(i)
    v.f[i] = x;
    return v;
}

static vec v_load_part(const float *p, size_t n)
{
    vec v = v_set(0);
    memcpy(v.f, p, n * sizeof(float));
    return v;
}

static vec v_load(const float *p)
{
    return v_load_part(p, LAC_ENCODE_CPU_LANES);
}

static void v_store_part(float *p, vec v, size_t n)
{
    memcpy(p, v.f, n * sizeof(float));
}

static void v_store(float *p, vec v)
{
    v_store_part(p, v, LAC_ENCODE_CPU_LANES);
}

static vec v_add(vec a, vec b)
{
    EACH(i)
    a.f[i] += b.f[i];
    return a;
}

static vec v_sub(vec a, vec b)
{
    EACH(i)
    a.f[i] -= b.f[i];
    return a;
}

static vec v_mul(vec a, vec b)
{
    EACH(i)
    a.f[i] *= b.f[i];
    return a;
}

static vec v_fma(vec a, vec b, vec c)
{
    EACH(i)
    c.f[i] = fmaf(a.f[i], b.f[i], c.f[i]);
    return c;
}

static vec v_max(vec a, vec b)
{
    EACH(i)
    a.f[i] = a.f[i] > b.f[i] ? a.f[i] : b.f[i];
    return a;
}

static vec v_min(vec a, vec b)
{
    EACH(i)
    a.f[i] = a.f[i] < b.f[i] ? a.f[i] : b.f[i];
    return a;
}

static vec v_abs(vec a)
{
    EACH(i)
    a.f[i] = fabsf(a.f[i]);
    return a;
}

/* 2^n, n standing in the low bits of a float as exp's rounding leaves it there. */
static vec v_pow2(vec a)
{
    EACH(i)
    {
        uint32_t bits;
        memcpy(&bits, &a.f[i], sizeof bits);
        bits = (bits << 23) + 0x3f800000u;
        memcpy(&a.f[i], &bits, sizeof bits);
    }
    return a;
}

static float v_sum(vec a)
{
    for (size_t half = LAC_ENCODE_CPU_LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            a.f[i] += a.f[i + half];
    return a.f[0];
}

static float v_top(vec a)
{
    for (size_t half = LAC_ENCODE_CPU_LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            a.f[i] = a.f[i] > a.f[i + half] ? a.f[i] : a.f[i + half];
    return a.f[0];
}

static void v_store_bf16(uint16_t *out, vec a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &a.f[i], sizeof bits);
        out[i] = (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
    }
}

#include "lac_encode_cpu_vector_body.h"

const struct lac_encode_cpu_vector lac_encode_cpu_vector_plain = LAC_ENCODE_CPU_VECTOR("plain");

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

size_t lac_encode_cpu_head_floats(size_t length, size_t width)
{
    size_t keys = round_up(length, LAC_ENCODE_CPU_KEYS);
    size_t values = round_up(width, LAC_ENCODE_CPU_LANES);

    return keys * width + length * values +
           LAC_ENCODE_CPU_ROWS * (keys + round_up(width, LAC_ENCODE_CPU_LANES));
}

const struct lac_encode_cpu_vector *lac_encode_cpu_vector_at(size_t index)
{
    const struct lac_encode_cpu_vector *forms[4] = {NULL};
    size_t count = 0;

#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        forms[count++] = &lac_encode_cpu_vector_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        forms[count++] = &lac_encode_cpu_vector_avx2;
#endif
    forms[count++] = &lac_encode_cpu_vector_plain;
    return index < count ? forms[index] : NULL;
}

const struct lac_encode_cpu_vector *lac_encode_cpu_vector(void)
{
    return lac_encode_cpu_vector_at(0);
}
