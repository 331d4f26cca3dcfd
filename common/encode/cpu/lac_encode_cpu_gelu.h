/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_cpu_gelu - the erf form of GELU on a vector, in terms of the v_ operations
 *
 * gelu(x) = max(x, 0) - h(|x|) with h(a) = a/2 * erfc(a / sqrt(2)). h is smooth and small, and
 * nothing beyond some end; up to there it is a Chebyshev interpolant, written in powers of
 * s = 2a/end - 1, or of a itself where fewer digits are wanted. tests/golden/encode/gelu.py makes
 * the numbers.
 */
#ifndef LAC_ENCODE_CPU_GELU_H
#define LAC_ENCODE_CPU_GELU_H

#define LAC_ENCODE_CPU_GELU_FORM __attribute__((always_inline)) static inline

TARGET LAC_ENCODE_CPU_GELU_FORM vec power_sum(vec s, const float *powers, size_t count)
{
    vec p = v_set(powers[0]);

#pragma GCC unroll 18
    for (size_t i = 1; i < count; i++)
        p = v_fma(p, s, v_set(powers[i]));
    return p;
}

/* Of degree 18: within 6e-8 of h. */
TARGET LAC_ENCODE_CPU_GELU_FORM vec v_gelu(vec x)
{
    static const float powers[] = {
        0x1.3540660000000p-12f, 0x1.0483a80000000p-6f,  -0x1.5bf8860000000p-6f,
        -0x1.4a6d380000000p-4f, 0x1.1bbd520000000p-3f,  0x1.097ed60000000p-3f,
        -0x1.91649a0000000p-2f, 0x1.3d564a0000000p-4f,  0x1.06b9ee0000000p-1f,
        -0x1.21d2380000000p-1f, -0x1.837fb60000000p-5f, 0x1.4983ec0000000p-1f,
        -0x1.40ab520000000p-1f, 0x1.1a81220000000p-3f,  0x1.0db1120000000p-2f,
        -0x1.3e30e40000000p-2f, 0x1.534eac0000000p-3f,  -0x1.81a7e60000000p-5f,
        0x1.7ca0500000000p-8f,
    };
    const float end = 5.75f;
    vec s = v_fma(v_min(v_abs(x), v_set(end)), v_set(2 / end), v_set(-1.0f));
    return v_sub(v_max(x, v_set(0.0f)), power_sum(s, powers, sizeof powers / sizeof *powers));
}

/* Of degree 7: within 1.8e-4, for what is rounded to 8 bits next, in steps that are a hundred times
 * as large. */
TARGET LAC_ENCODE_CPU_GELU_FORM vec v_gelu_coarse(vec x)
{
    static const float powers[] = {
        -0x1.a40fb60000000p-11f, 0x1.89e27c0000000p-7f,  -0x1.18a9740000000p-4f,
        0x1.58ec020000000p-3f,   -0x1.4b5f820000000p-4f, -0x1.773a1c0000000p-2f,
        0x1.fa944e0000000p-2f,   0x1.424fb20000000p-13f,
    };
    vec a = v_min(v_abs(x), v_set(3.8f));
    return v_sub(v_max(x, v_set(0.0f)), power_sum(a, powers, sizeof powers / sizeof *powers));
}

#endif
