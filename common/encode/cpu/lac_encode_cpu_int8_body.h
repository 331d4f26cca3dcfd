/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_cpu_int8_body - products in 8 bits, in terms of a panel of sixteen sums
 *
 * Included by lac_encode_cpu_int8*.c only, after each has defined for its processor: TARGET,
 * BIAS (what is added to a stored activation), the v_ operations, which sums stay in registers
 *
 *     ROWS, VECTORS         as numbers; VECTORS divides PANEL / LANES
 *     EACH_ROW(X)           X(0) .. X(ROWS - 1)
 *     EACH_VECTOR(X, r)     X(r, 0) .. X(r, VECTORS - 1)
 *
 * the types `sums`, `four` and `sixteen`, and
 *
 *     s_start(offsets)      sixteen sums that nothing was added to yet
 *     s_load(x)             four activations, repeated as s_add() wants them
 *     s_weights(w)          16 x 4 weights
 *     s_add(sums, x, w)     adds their products
 *     s_floats(sums)        as floats
 *     s_bytes(out, v, n)    n numbers, rounded to the nearest and within -128 .. 127, plus BIAS
 */
#ifndef LAC_ENCODE_CPU_INT8_BODY_H
#define LAC_ENCODE_CPU_INT8_BODY_H

#include <math.h>
#include <string.h>

#include "lac_encode_cpu_gelu.h"
#include "lac_encode_cpu_int8.h"

#define LANES LAC_ENCODE_CPU_LANES
#define PANEL LAC_ENCODE_CPU_PANEL
#define GROUP LAC_ENCODE_CPU_GROUP
#define WIDTH ((size_t)VECTORS * LANES) /* outputs that a block has */
#define TURN  ((size_t)8)               /* vectors that are spread in registers */

#define LAC_ENCODE_CPU_INT8(form)                               \
    {                                                           \
        .name = (form), .round = round_row, .multiply = product \
    }

/* The smallest and the largest numbers of each lane. */
struct extent {
    vec least, most;
};

/* n vectors, `stride` floats apart, become their Walsh-Hadamard transform: the sum and the
 * difference of neighbours, then of pairs, then of fours. */
TARGET static inline __attribute__((always_inline)) void
turn(float *out, const float *x, const float *smooth, size_t stride, size_t n, struct extent *e)
{
    vec v[TURN];

#pragma GCC unroll 8
    for (size_t i = 0; i < n; i++) {
        v[i] = v_load(x + i * stride);
        if (smooth)
            v[i] = v_mul(v[i], v_load(smooth + i * stride));
    }
#pragma GCC unroll 3
    for (size_t half = 1; half < n; half *= 2)
#pragma GCC unroll 8
        for (size_t i = 0; i < n; i++)
            if ((i & half) == 0) {
                vec a = v[i], b = v[i + half];
                v[i] = v_add(a, b);
                v[i + half] = v_sub(a, b);
            }
#pragma GCC unroll 8
    for (size_t i = 0; i < n; i++) {
        v_store(out + i * stride, v[i]);
        if (e) {
            e->least = v_min(v[i], e->least);
            e->most = v_max(v[i], e->most);
        }
    }
}

/* Vectors of 8 at once, or of all that a group has. */
TARGET static inline __attribute__((always_inline)) void turn_all(float *out, const float *x,
                                                                  const float *smooth,
                                                                  size_t vectors, size_t n,
                                                                  struct extent *e)
{
    for (size_t i = 0; i < vectors * LANES; i += n * LANES)
        turn(out + i, x + i, smooth ? smooth + i : NULL, LANES, n, e);
}

/* The sums and differences of whole eights, which make groups of 16 or 32 vectors. */
TARGET static inline __attribute__((always_inline)) void turn_eights(float *x, size_t vectors,
                                                                     size_t n, struct extent *e)
{
    for (size_t i = 0; i < vectors * LANES; i += n * TURN * LANES)
        for (size_t k = 0; k < TURN * LANES; k += LANES)
            turn(x + i + k, x + i + k, NULL, TURN * LANES, n, e);
}

/* Spreads a row's whole vectors as the header says; out may be x. */
TARGET static inline __attribute__((always_inline)) void
spread_row(float *out, const float *x, const float *smooth, size_t count, struct extent *e)
{
    size_t vectors = count / LANES, group = lac_encode_cpu_int8_group(count);

    switch (group) {
    case 32:
        turn_all(out, x, smooth, vectors, TURN, NULL);
        turn_eights(out, vectors, 4, e);
        break;
    case 16:
        turn_all(out, x, smooth, vectors, TURN, NULL);
        turn_eights(out, vectors, 2, e);
        break;
    case 8:
        turn_all(out, x, smooth, vectors, 8, e);
        break;
    case 4:
        turn_all(out, x, smooth, vectors, 4, e);
        break;
    case 2:
        turn_all(out, x, smooth, vectors, 2, e);
        break;
    default:
        turn_all(out, x, smooth, vectors, 1, e);
        break;
    }
}

TARGET static struct lac_encode_cpu_range
round_row(uint8_t *out, const float *x, const struct lac_encode_cpu_weights8 *w, float *room)
{
    size_t count = w->in, whole = count / LANES * LANES, i;
    float low = x[0] * w->smooth[0], high = low;
    struct lac_encode_cpu_range r;

    if (whole > 0) {
        struct extent e = {v_set(INFINITY), v_set(-INFINITY)};
        spread_row(room, x, w->smooth, count, &e);
        low = -v_top(v_sub(v_set(0), e.least));
        high = v_top(e.most);
    }
    for (i = whole; i < count; i++) {
        room[i] = x[i] * w->smooth[i];
        low = room[i] < low ? room[i] : low;
        high = room[i] > high ? room[i] : high;
    }
    r.mid = low * 0.5f + high * 0.5f;
    r.scale = high * (1.0f / 254) - low * (1.0f / 254);
    const vec mid = v_set(r.mid), steps = v_set(r.scale > 0 ? 1.0f / r.scale : 0);
    for (i = 0; i < whole; i += LANES)
        s_bytes(out + i, v_mul(v_sub(v_load(room + i), mid), steps), LANES);
    if (i < count)
        s_bytes(out + i, v_mul(v_sub(v_load_part(room + i, count - i), mid), steps), count - i);
    while (i = count % GROUP, i != 0) { /* their weights are zero */
        out[count] = BIAS;
        count++;
    }
    return r;
}

/* Names and not arrays, because compilers keep those in registers. */
#define START(r, v)  sums sum_##r##_##v = s_start(offset + (size_t)(v)*LANES);
#define ROW_START(r) EACH_VECTOR(START, r)
#define ROW_FROM(r)  const uint8_t *const x_##r = x + ((r) < rows ? (r) : 0) * w->groups * GROUP;
#define LOAD(r, v)   const sixteen w_##v = s_weights(bytes + (size_t)(v)*LANES * GROUP);
#define ADD(r, v)    sum_##r##_##v = s_add(sum_##r##_##v, a_##r, w_##v);
#define ROW_ADD(r)                                    \
    {                                                 \
        const four a_##r = s_load(x_##r + g * GROUP); \
        EACH_VECTOR(ADD, r)                           \
    }
#define FACTORS(r, v)                                                    \
    const vec scale_##v = v_load(w->scale + output + (size_t)(v)*LANES); \
    const vec total_##v = v_load(w->total + output + (size_t)(v)*LANES); \
    const vec bias_##v = v_load(w->bias + output + (size_t)(v)*LANES);
#define FINISH(r, v)                              \
    v_store(out + (r)*stride + (size_t)(v)*LANES, \
            finish(sum_##r##_##v, scale_##v, total_##v, bias_##v, ranges[r], gelu));
#define ROW_FINISH(r) EACH_VECTOR(FINISH, r)

/* What becomes of one row's sums, as the header's formula says. */
TARGET static inline __attribute__((always_inline)) vec
finish(sums sum, vec scale, vec total, vec bias, struct lac_encode_cpu_range range, bool gelu)
{
    vec rest = v_fma(v_set(range.mid), total, bias);
    vec y = v_fma(s_floats(sum), v_mul(v_set(range.scale), scale), rest);
    return gelu ? v_gelu_coarse(y) : y;
}

/* ROWS x WIDTH results. Where there are fewer rows the first is repeated. */
TARGET static inline __attribute__((always_inline)) void
block(const struct lac_encode_cpu_weights8 *w, size_t output, size_t rows, const uint8_t *x,
      const struct lac_encode_cpu_range *ranges, float *out, size_t stride, bool gelu)
{
    const int8_t *bytes = w->bytes + (output / PANEL * PANEL * w->groups + output % PANEL) * GROUP;
    const int32_t *offset = w->offset + output;

    EACH_ROW(ROW_FROM)
    EACH_ROW(ROW_START)
    for (size_t g = 0; g < w->groups; g++, bytes += (size_t)PANEL * GROUP) {
        EACH_VECTOR(LOAD, 0)
        EACH_ROW(ROW_ADD)
    }
    EACH_VECTOR(FACTORS, 0)
    EACH_ROW(ROW_FINISH)
}

/* A block that reaches beyond the last row or output: the whole of it, then what there is. */
TARGET static inline void part_of_block(const struct lac_encode_cpu_weights8 *w, size_t output,
                                        size_t rows, const uint8_t *x,
                                        const struct lac_encode_cpu_range *ranges, float *out,
                                        bool gelu)
{
    struct lac_encode_cpu_range range[ROWS] = {{0}};
    float whole[ROWS * WIDTH];
    size_t width = w->width - output < WIDTH ? w->width - output : WIDTH;

    memcpy(range, ranges, rows * sizeof *range);
    block(w, output, rows, x, range, whole, WIDTH, gelu);
    for (size_t r = 0; r < rows; r++)
        memcpy(out + r * w->width, whole + r * WIDTH, width * sizeof *out);
}

TARGET static inline __attribute__((always_inline)) void
blocks(const struct lac_encode_cpu_weights8 *w, size_t rows, const uint8_t *x,
       const struct lac_encode_cpu_range *ranges, float *out, bool gelu)
{
    /* A block's weights stay in the cache while all rows pass. */
    for (size_t output = 0; output < w->width; output += WIDTH)
        for (size_t r = 0; r < rows; r += ROWS) {
            size_t n = rows - r < ROWS ? rows - r : ROWS;
            const uint8_t *from = x + r * w->groups * GROUP;
            float *to = out + r * w->width + output;
            if (n == ROWS && w->width - output >= WIDTH)
                block(w, output, ROWS, from, ranges + r, to, w->width, gelu);
            else
                part_of_block(w, output, n, from, ranges + r, to, gelu);
        }
}

TARGET static void product(const struct lac_encode_cpu_weights8 *w, size_t rows, const uint8_t *x,
                           const struct lac_encode_cpu_range *ranges, float *out, bool gelu)
{
    if (gelu)
        blocks(w, rows, x, ranges, out, true);
    else
        blocks(w, rows, x, ranges, out, false);
}

#endif
