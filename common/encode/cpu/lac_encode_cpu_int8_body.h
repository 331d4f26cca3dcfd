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

#include <string.h>

#include "lac_encode_cpu_gelu.h"
#include "lac_encode_cpu_int8.h"

#define LANES LAC_ENCODE_CPU_LANES
#define PANEL LAC_ENCODE_CPU_PANEL
#define GROUP LAC_ENCODE_CPU_GROUP
#define WIDTH (VECTORS * LANES) /* outputs that a block has */

#define LAC_ENCODE_CPU_INT8(form)                               \
    {                                                           \
        .name = (form), .round = round_row, .multiply = product \
    }

TARGET static struct lac_encode_cpu_range round_row(uint8_t *out, const float *x,
                                                    const float *smooth, size_t count)
{
    vec least = v_set(x[0] * smooth[0]), most = least;
    float low, high;
    struct lac_encode_cpu_range r;
    size_t i;

    for (i = 0; i + LANES <= count; i += LANES) {
        vec v = v_mul(v_load(x + i), v_load(smooth + i));
        least = v_min(v, least);
        most = v_max(v, most);
    }
    low = -v_top(v_sub(v_set(0), least));
    high = v_top(most);
    for (; i < count; i++) {
        float f = x[i] * smooth[i];
        low = f < low ? f : low;
        high = f > high ? f : high;
    }
    r.mid = low * 0.5f + high * 0.5f;
    r.scale = high * (1.0f / 254) - low * (1.0f / 254);
    const vec mid = v_set(r.mid), steps = v_set(r.scale > 0 ? 1.0f / r.scale : 0);
    for (i = 0; i + LANES <= count; i += LANES) {
        vec v = v_mul(v_load(x + i), v_load(smooth + i));
        s_bytes(out + i, v_mul(v_sub(v, mid), steps), LANES);
    }
    if (i < count) {
        vec v = v_mul(v_load_part(x + i, count - i), v_load_part(smooth + i, count - i));
        s_bytes(out + i, v_mul(v_sub(v, mid), steps), count - i);
    }
    while (i = count % GROUP, i != 0) { /* their weights are zero */
        out[count] = BIAS;
        count++;
    }
    return r;
}

/* Names and not arrays, because compilers keep those in registers. */
#define START(r, v)  sums sum_##r##_##v = s_start(offset + (v)*LANES);
#define ROW_START(r) EACH_VECTOR(START, r)
#define ROW_FROM(r)  const uint8_t *const x_##r = x + ((r) < rows ? (r) : 0) * w->groups * GROUP;
#define LOAD(r, v)   const sixteen w_##v = s_weights(bytes + (v)*LANES * GROUP);
#define ADD(r, v)    sum_##r##_##v = s_add(sum_##r##_##v, a_##r, w_##v);
#define ROW_ADD(r)                                    \
    {                                                 \
        const four a_##r = s_load(x_##r + g * GROUP); \
        EACH_VECTOR(ADD, r)                           \
    }
#define FACTORS(r, v)                                            \
    const vec scale_##v = v_load(w->scale + output + (v)*LANES); \
    const vec total_##v = v_load(w->total + output + (v)*LANES); \
    const vec bias_##v = v_load(w->bias + output + (v)*LANES);
#define FINISH(r, v)                      \
    v_store(out + (r)*stride + (v)*LANES, \
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
    for (size_t g = 0; g < w->groups; g++, bytes += PANEL * GROUP) {
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
