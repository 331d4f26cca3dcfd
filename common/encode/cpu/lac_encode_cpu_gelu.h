/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_cpu_gelu - the erf form of GELU on a vector, in terms of the v_ operations
 */
#ifndef LAC_ENCODE_CPU_GELU_H
#define LAC_ENCODE_CPU_GELU_H

/*
 * gelu(x) = max(x, 0) - h(|x|) with h(a) = a/2 * erfc(a / sqrt(2)). h is smooth and small, and
 * nothing beyond 5.75; its Chebyshev interpolant of degree 18 on [0, 5.75], written in powers of
 * s = 2a/5.75 - 1, is within 3.5e-8. tests/golden/encode/gelu.py makes these numbers.
 */
TARGET static inline vec v_gelu(vec x)
{
    static const float c[] = {
        0x1.3540660000000p-12f, 0x1.0483a80000000p-6f,  -0x1.5bf8860000000p-6f,
        -0x1.4a6d380000000p-4f, 0x1.1bbd520000000p-3f,  0x1.097ed60000000p-3f,
        -0x1.91649a0000000p-2f, 0x1.3d564a0000000p-4f,  0x1.06b9ee0000000p-1f,
        -0x1.21d2380000000p-1f, -0x1.837fb60000000p-5f, 0x1.4983ec0000000p-1f,
        -0x1.40ab520000000p-1f, 0x1.1a81220000000p-3f,  0x1.0db1120000000p-2f,
        -0x1.3e30e40000000p-2f, 0x1.534eac0000000p-3f,  -0x1.81a7e60000000p-5f,
        0x1.7ca0500000000p-8f,
    };
    vec a = v_min(v_abs(x), v_set(5.75f));
    vec s = v_fma(a, v_set(2 / 5.75f), v_set(-1.0f));
    vec p = v_set(c[0]);

#pragma GCC unroll 18
    for (size_t i = 1; i < sizeof c / sizeof *c; i++)
        p = v_fma(p, s, v_set(c[i]));
    return v_sub(v_max(x, v_set(0.0f)), p);
}

#endif
