/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_cpu_int8 - matrix products in 8 bits, with the same bits on every processor
 *
 * Weights are rounded once per output to w = scale * i, i in -127 .. 127. Activations are rounded
 * when they come, row by row, to x = mid + scale * i, where mid and scale span that row's own
 * range: so all 255 steps are used, also where GELU leaves hardly anything below zero. Then
 *
 *     sum(x w) + bias = scale_x * scale_w * sum(i_x i_w) + mid * sum(w) + bias
 *
 * A few inputs of a transformer are much larger than the rest and would take the steps from all
 * others. So inputs are first divided by a factor each, by which the weights are multiplied: some
 * of the range moves to where it costs less (Xiao et al. 2023, "SmoothQuant", eq. 3-4, with the
 * root of the mean square instead of the largest value).
 *
 * What still sticks out within a row is spread: groups of up to 32 vectors of sixteen inputs are
 * replaced by sums and differences of them all, their Walsh-Hadamard transform, and weights by
 * theirs, divided by the group's size, which leaves the products as they are (Ashkboos et al. 2024,
 * "QuaRot", section 3). A row then looks like noise with hardly a tail, and its range and that of
 * the weights shrink by a half and more. Inputs beyond the last whole vector stay as they are.
 *
 * A rounded weight is off by the same in every row, and what that does to inputs which are seldom
 * zero does not vanish in the mean over a text's tokens. So what it does to the mean input is taken
 * off the bias (Nagel et al. 2019, "Data-Free Quantization", section 4.2).
 *
 * The sum of integers is exact, so its order doesn't matter; the rest are two fused multiply-adds
 * in one order. Every row is on its own, so that neighbours can't matter either.
 *
 * Forms: AVX-512 VNNI, AVX-VNNI, AVX2, plain C. VNNI multiplies unsigned by signed bytes: there
 * activations are stored with 128 added, and what that adds is taken off again. AVX2's product of
 * such bytes would saturate; there it is |i_x| times i_w with i_x's sign, which fits 16 bits.
 *
 * Thread: any; weights are immutable once made.
 */
#ifndef LAC_ENCODE_CPU_INT8_H
#define LAC_ENCODE_CPU_INT8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_encode_cpu_vector.h"
#include "lac_err.h"

enum {
    LAC_ENCODE_CPU_PANEL = 32, /* outputs whose weights stand together */
    LAC_ENCODE_CPU_GROUP = 4,  /* inputs that are multiplied by one instruction */
};

/* Weights of `width` outputs and `in` inputs; unused places hold zeroes. */
struct lac_encode_cpu_weights8 {
    size_t in, width;
    size_t groups;   /* of inputs, rounded up */
    size_t panels;   /* of outputs, rounded up */
    int8_t *bytes;   /* [panel][group][output of panel][input of group] */
    float *scale;    /* [output]: of a step */
    float *total;    /* [output]: sum of the weights as rounded */
    float *bias;     /* [output] */
    float *smooth;   /* [input]: what an activation is multiplied by before it is rounded */
    int32_t *offset; /* [output]: -128 times the sum of the steps */
};

/* What the rows of a product were rounded by. */
struct lac_encode_cpu_range {
    float scale, mid;
};

struct lac_encode_cpu_int8 {
    const char *name; /* "avx512vnni", "avxvnni", "avx2", "plain" */

    /* Rounds x, a row of w->in numbers, as w wants it; out has room for whole groups, `room` for
     * w->in floats that are in nobody's use. */
    struct lac_encode_cpu_range (*round)(uint8_t *out, const float *x,
                                         const struct lac_encode_cpu_weights8 *w, float *room);

    /* out[rows][width] = x W^T + bias, with GELU behind it if asked. x: [rows][groups x 4] as
     * round() left them. */
    void (*multiply)(const struct lac_encode_cpu_weights8 *w, size_t rows, const uint8_t *x,
                     const struct lac_encode_cpu_range *ranges, float *out, bool gelu);
};

/* Vectors of a group whose inputs are spread: what divides `in` into groups of equal size, 1 .. 32;
 * 1: nothing is spread. */
size_t lac_encode_cpu_int8_group(size_t in);

/* All forms that this machine runs, fastest first; NULL beyond the last. */
const struct lac_encode_cpu_int8 *lac_encode_cpu_int8_at(size_t index);

/* What a product's inputs usually are: the means of their squares and of themselves, [in] each. */
struct lac_encode_cpu_usual {
    const float *squares, *means;
};

/* Rounds weights [width][in], which it changes, and takes a copy of bias [width]. `usual` NULL: not
 * known, all inputs are alike. RETRY: no memory. REJECT: a weight that is no finite number. */
enum lac_status lac_encode_cpu_weights8_open(struct lac_encode_cpu_weights8 **out, size_t in,
                                             size_t width, float *weights, const float *bias,
                                             const struct lac_encode_cpu_usual *usual,
                                             struct lac_err *err) LAC_MUST_USE;
void lac_encode_cpu_weights8_close(struct lac_encode_cpu_weights8 *w); /* accepts NULL */

/* Whether `form` gives the bits of the plain one, tried on made-up numbers: a processor whose
 * instructions do something else must not decide anything. RETRY: no memory. */
enum lac_status lac_encode_cpu_int8_check(const struct lac_encode_cpu_int8 *form,
                                          struct lac_err *err) LAC_MUST_USE;

extern const struct lac_encode_cpu_int8 lac_encode_cpu_int8_plain;
#ifdef __x86_64__
extern const struct lac_encode_cpu_int8 lac_encode_cpu_int8_avx2;
extern const struct lac_encode_cpu_int8 lac_encode_cpu_int8_avxvnni;
extern const struct lac_encode_cpu_int8 lac_encode_cpu_int8_avx512vnni;
#endif

#endif
