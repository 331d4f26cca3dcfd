/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_cpu_vector - what the CPU's encoder does beside matrix products
 *
 * Three forms of the same functions: AVX-512, AVX2 with FMA, plain C. All of them give the same
 * bits: sums run over sixteen partial sums that are folded in one order, products of sums are
 * fused multiply-adds in one order, and exp and erf are polynomials of our own. So what a vector
 * looks like depends on the machine only as far as its matrix products do.
 *
 * Every function works on one sequence or one row and knows nothing of others, which is half of
 * what makes results independent of the batch (the other half: lac_encode_cpu_product.h).
 *
 * Thread: any; the functions keep nothing.
 */
#ifndef LAC_ENCODE_CPU_VECTOR_H
#define LAC_ENCODE_CPU_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LAC_ENCODE_CPU_LANES = 16, /* floats of a vector; what is padded is padded to this */
    LAC_ENCODE_CPU_ROWS = 4,   /* query rows that attention takes at once */
    LAC_ENCODE_CPU_KEYS = 32,  /* rows of attention's scratch are padded to multiples of this */
};

/* One head of one sequence: out = softmax(q k^T / sqrt(width)) v. */
struct lac_encode_cpu_head {
    const float *q, *k, *v; /* [length] rows of `width` floats, `stride` floats apart */
    float *out;             /* [length] rows of `width` floats, `out_stride` floats apart */
    size_t length, width, stride, out_stride;
    float *scratch; /* lac_encode_cpu_head_floats(), at a multiple of 64 bytes */
};

/* Floats of scratch that a head needs. */
size_t lac_encode_cpu_head_floats(size_t length, size_t width);

struct lac_encode_cpu_vector {
    const char *name; /* "avx512", "avx2", "plain" */

    void (*attend)(const struct lac_encode_cpu_head *h);

    /* out = norm(x + y) * gain + bias over `count` floats, with the population's variance:
     * out may be x or y. y may be NULL. Ba, Kiros, Hinton 2016, "Layer normalization", eq. 3-4. */
    void (*norm)(float *out, const float *x, const float *y, const float *gain, const float *bias,
                 size_t count, float eps);

    /* x * Phi(x), Phi being the normal distribution's: the erf form of GELU (Hendrycks, Gimpel
     * 2016). Absolute error below 3e-7. In place. */
    void (*gelu)(float *x, size_t count);

    /* sum += x. */
    void (*add)(float *sum, const float *x, size_t count);

    /* x /= divisor; then to unit length if asked (a vector of zeroes stays one). */
    void (*finish)(float *x, size_t count, float divisor, bool normalize);

    /* To bfloat16, the nearest, ties to even. */
    void (*bf16)(uint16_t *out, const float *x, size_t count);
};

/* The fastest form that this machine runs. */
const struct lac_encode_cpu_vector *lac_encode_cpu_vector(void);

/* All forms that this machine runs, fastest first: for tests. NULL beyond the last. */
const struct lac_encode_cpu_vector *lac_encode_cpu_vector_at(size_t index);

extern const struct lac_encode_cpu_vector lac_encode_cpu_vector_plain;
#ifdef __x86_64__
extern const struct lac_encode_cpu_vector lac_encode_cpu_vector_avx2;
extern const struct lac_encode_cpu_vector lac_encode_cpu_vector_avx512;
#endif

#endif
