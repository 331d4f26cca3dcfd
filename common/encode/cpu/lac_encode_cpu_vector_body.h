/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_cpu_vector_body - the vector functions, in terms of sixteen floats at a time
 *
 * Included by lac_encode_cpu_vector*.c only, after each has defined for its processor: TARGET,
 * BLOCK, the type `vec` and the v_ operations. Nothing here may depend on which processor it is;
 * that no compiler contracts a * b + c by itself is said in CMakeLists.txt.
 */
#ifndef LAC_ENCODE_CPU_VECTOR_BODY_H
#define LAC_ENCODE_CPU_VECTOR_BODY_H

#include <math.h>
#include <string.h>

#include "lac_encode_cpu_gelu.h"
#include "lac_encode_cpu_vector.h"

#define LANES LAC_ENCODE_CPU_LANES
#define ROWS  LAC_ENCODE_CPU_ROWS
#define KEYS  LAC_ENCODE_CPU_KEYS

#define UNROLL _Pragma("GCC unroll 8")

#define LAC_ENCODE_CPU_VECTOR(form)                                                       \
    {                                                                                     \
        .name = (form), .attend = attend, .norm = norm, .gelu = gelu_all, .add = add_all, \
        .finish = finish, .bf16 = bf16_all,                                               \
    }

/* Lanes of the vector that begins at `i` of `count`. */
TARGET static inline size_t part(size_t i, size_t count)
{
    return count - i < LANES ? count - i : LANES;
}

/*
 * e^x for x <= 0, as softmax wants it: 2^n * e^r with n = round(x / ln 2), |r| <= ln 2 / 2; e^r by
 * Taylor's series to the seventh power, whose remainder is below half a unit in the last place.
 * ln 2 is given as two floats, the first short enough that n times it is exact.
 */
TARGET static inline vec v_exp(vec x)
{
    const vec magic = v_set(0x1.8p23f); /* adding it rounds to an integer in the low bits */
    vec t, n, r, p;

    x = v_max(x, v_set(-87.0f)); /* below, 2^n would be no normal number */
    t = v_fma(x, v_set(0x1.715476p0f), magic);
    n = v_sub(t, magic);
    r = v_fma(n, v_set(-0x1.62e4p-1f), x);
    r = v_fma(n, v_set(-0x1.7f7d1cp-20f), r);
    p = v_fma(r, v_set(1.0f / 5040), v_set(1.0f / 720));
    p = v_fma(p, r, v_set(1.0f / 120));
    p = v_fma(p, r, v_set(1.0f / 24));
    p = v_fma(p, r, v_set(1.0f / 6));
    p = v_fma(p, r, v_set(0.5f));
    p = v_fma(p, r, v_set(1.0f));
    p = v_fma(p, r, v_set(1.0f));
    return v_mul(p, v_pow2(t));
}

TARGET static void gelu_all(float *x, size_t count)
{
    size_t i = 0;

    for (; i + LANES <= count; i += LANES)
        v_store(x + i, v_gelu(v_load(x + i)));
    if (i < count)
        v_store_part(x + i, v_gelu(v_load_part(x + i, count - i)), count - i);
}

TARGET static void add_all(float *sum, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i += LANES) {
        size_t n = part(i, count);
        v_store_part(sum + i, v_add(v_load_part(sum + i, n), v_load_part(x + i, n)), n);
    }
}

TARGET static void scale(float *x, size_t count, float by)
{
    for (size_t i = 0; i < count; i += LANES) {
        size_t n = part(i, count);
        v_store_part(x + i, v_mul(v_load_part(x + i, n), v_set(by)), n);
    }
}

TARGET static void finish(float *x, size_t count, float divisor, bool normalize)
{
    vec squares = v_set(0);
    float length;

    scale(x, count, 1.0f / divisor);
    if (!normalize)
        return;
    for (size_t i = 0; i < count; i += LANES) {
        vec v = v_load_part(x + i, part(i, count));
        squares = v_fma(v, v, squares);
    }
    length = sqrtf(v_sum(squares));
    scale(x, count, 1.0f / (length > 1e-12f ? length : 1e-12f));
}

TARGET static void bf16_all(uint16_t *out, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i += LANES) {
        size_t n = part(i, count);
        v_store_bf16(out + i, v_load_part(x + i, n), n);
    }
}

/* A vector of which `n` lanes count; `whole`: all of them do. */
TARGET static inline __attribute__((always_inline)) vec take(const float *x, size_t n, bool whole)
{
    return whole ? v_load(x) : v_load_part(x, n);
}

TARGET static inline __attribute__((always_inline)) void put(float *out, vec v, size_t n,
                                                             bool whole)
{
    if (whole)
        v_store(out, v);
    else
        v_store_part(out, v, n);
}

TARGET static inline __attribute__((always_inline)) void norm_of(float *out, const float *x,
                                                                 const float *y, const float *gain,
                                                                 const float *bias, size_t count,
                                                                 float eps, bool whole)
{
    vec sum = v_set(0), squares = v_set(0);
    vec mean, factor;

    for (size_t i = 0; i < count; i += LANES) {
        size_t n = part(i, count);
        vec v = take(x + i, n, whole);
        if (y)
            v = v_add(v, take(y + i, n, whole));
        sum = v_add(sum, v);
        put(out + i, v, n, whole);
    }
    mean = v_set(v_sum(sum) / (float)count);
    for (size_t i = 0; i < count; i += LANES) {
        float centred[LANES] = {0};
        size_t n = part(i, count);
        vec v = v_sub(take(out + i, n, whole), mean);
        if (!whole && n < LANES) { /* lanes beyond the end hold -mean: not part of the sum */
            v_store_part(centred, v, n);
            v = v_load(centred);
        }
        squares = v_fma(v, v, squares);
    }
    factor = v_set(1.0f / sqrtf(v_sum(squares) / (float)count + eps));
    for (size_t i = 0; i < count; i += LANES) {
        size_t n = part(i, count);
        vec v = v_mul(v_sub(take(out + i, n, whole), mean), factor);
        put(out + i, v_fma(v, take(gain + i, n, whole), take(bias + i, n, whole)), n, whole);
    }
}

TARGET static void norm(float *out, const float *x, const float *y, const float *gain,
                        const float *bias, size_t count, float eps)
{
    if (count % LANES == 0)
        norm_of(out, x, y, gain, bias, count, eps, true);
    else
        norm_of(out, x, y, gain, bias, count, eps, false);
}

/* Where the parts of a head's scratch begin. */
struct parts {
    float *keys;   /* [width][padded length]: k transposed, zeroes beyond */
    float *values; /* [length][padded width]: v, zeroes beyond */
    float *scores; /* [ROWS][padded length] */
    float *query;  /* [ROWS][padded width], divided by sqrt(width) */
    size_t keys_stride, values_stride;
};

/* Rows lie too far apart for the processor to see what comes next: the next head's part. */
TARGET static inline void fetch_next(const float *row, size_t width)
{
    for (size_t c = 0; c < width; c += LANES)
        __builtin_prefetch(row + width + c);
}

/* Sixteen keys' sixteen columns, or what is left of them. */
TARGET static inline void pack_keys(const struct lac_encode_cpu_head *h, const struct parts *p,
                                    size_t key, size_t column)
{
    size_t keys = part(key, h->length), columns = part(column, h->width);
    const float *from = h->k + key * h->stride + column;
    float *to = p->keys + column * p->keys_stride + key;

    if (keys == LANES && columns == LANES) {
        v_transpose(to, p->keys_stride, from, h->stride);
        return;
    }
    for (size_t j = 0; j < keys; j++)
        for (size_t c = 0; c < columns; c++)
            to[c * p->keys_stride + j] = from[j * h->stride + c];
}

/* A row of values and zeroes behind it. */
TARGET static inline void pack_value(float *to, const float *from, size_t width, size_t room)
{
    size_t c = 0;

    for (; c + LANES <= width; c += LANES)
        v_store(to + c, v_load(from + c));
    for (; c < room; c += LANES)
        v_store(to + c, c < width ? v_load_part(from + c, width - c) : v_set(0));
}

TARGET static void pack_head(const struct lac_encode_cpu_head *h, struct parts *p)
{
    p->keys_stride = (h->length + KEYS - 1) / KEYS * KEYS;
    p->values_stride = (h->width + KEYS - 1) / KEYS * KEYS;
    p->keys = h->scratch;
    p->values = p->keys + h->width * p->keys_stride;
    p->scores = p->values + h->length * p->values_stride;
    p->query = p->scores + ROWS * p->keys_stride;
    for (size_t j = 0; j < h->length; j += LANES)
        for (size_t c = 0; c < h->width; c += LANES)
            pack_keys(h, p, j, c);
    for (size_t j = 0; j < h->length; j++) {
        float *v = p->values + j * p->values_stride;
        fetch_next(h->k + j * h->stride, h->width);
        fetch_next(h->v + j * h->stride, h->width);
        pack_value(v, h->v + j * h->stride, h->width, p->values_stride);
    }
    for (size_t c = 0; c < h->width; c++)
        memset(p->keys + c * p->keys_stride + h->length, 0,
               (p->keys_stride - h->length) * sizeof(float));
}

/* scores = query x keys; each sum runs over the head's width from first to last. */
TARGET static inline void score(const struct parts *p, size_t width)
{
    for (size_t j = 0; j < p->keys_stride; j += (size_t)BLOCK * LANES) {
        vec sum[ROWS][BLOCK];
        UNROLL
        for (size_t r = 0; r < ROWS; r++)
            UNROLL
        for (size_t b = 0; b < BLOCK; b++)
            sum[r][b] = v_set(0);
        for (size_t c = 0; c < width; c++) {
            const float *keys = p->keys + c * p->keys_stride + j;
            vec k[BLOCK];
            UNROLL
            for (size_t b = 0; b < BLOCK; b++)
                k[b] = v_load(keys + b * LANES);
            UNROLL
            for (size_t r = 0; r < ROWS; r++) {
                vec q = v_set(p->query[r * p->values_stride + c]);
                UNROLL
                for (size_t b = 0; b < BLOCK; b++)
                    sum[r][b] = v_fma(q, k[b], sum[r][b]);
            }
        }
        UNROLL
        for (size_t r = 0; r < ROWS; r++)
            UNROLL
        for (size_t b = 0; b < BLOCK; b++)
            v_store(p->scores + r * p->keys_stride + j + b * LANES, sum[r][b]);
    }
}

/* Scores become weights without their common divisor, which is returned. */
TARGET static inline float soften(float *scores, size_t length)
{
    vec top = v_load_part(scores, part(0, length)), sum = v_set(0);
    float most = scores[0];
    size_t i;

    if (length >= LANES) {
        for (i = LANES; i + LANES <= length; i += LANES)
            top = v_max(v_load(scores + i), top);
        most = v_top(top);
    }
    for (i = length < LANES ? 0 : length / LANES * LANES; i < length; i++)
        most = scores[i] > most ? scores[i] : most;
    for (i = 0; i < length; i += LANES) {
        size_t n = part(i, length);
        vec e = v_exp(v_sub(v_load(scores + i), v_set(most)));
        v_store(scores + i, e);
        if (n < LANES) { /* keys that don't exist weigh nothing */
            memset(scores + i + n, 0, (LANES - n) * sizeof *scores);
            e = v_load(scores + i);
        }
        sum = v_add(sum, e);
    }
    return v_sum(sum);
}

/* out = weights x values x factors; each sum runs over the keys from first to last. */
TARGET static inline void weigh(const struct lac_encode_cpu_head *h, const struct parts *p,
                                size_t first, size_t rows, const float *factors)
{
    for (size_t c = 0; c < h->width; c += (size_t)BLOCK * LANES) {
        vec sum[ROWS][BLOCK];
        UNROLL
        for (size_t r = 0; r < ROWS; r++)
            UNROLL
        for (size_t b = 0; b < BLOCK; b++)
            sum[r][b] = v_set(0);
        for (size_t j = 0; j < h->length; j++) {
            const float *values = p->values + j * p->values_stride + c;
            vec v[BLOCK];
            UNROLL
            for (size_t b = 0; b < BLOCK; b++)
                v[b] = v_load(values + b * LANES);
            UNROLL
            for (size_t r = 0; r < ROWS; r++) {
                vec weight = v_set(p->scores[r * p->keys_stride + j]);
                UNROLL
                for (size_t b = 0; b < BLOCK; b++)
                    sum[r][b] = v_fma(weight, v[b], sum[r][b]);
            }
        }
        UNROLL
        for (size_t r = 0; r < ROWS; r++)
            UNROLL
        for (size_t b = 0; b < BLOCK; b++)
            if (r < rows && c + b * LANES < h->width)
                v_store_part(h->out + (first + r) * h->out_stride + c + b * LANES,
                             v_mul(sum[r][b], v_set(factors[r])), part(c + b * LANES, h->width));
    }
}

TARGET static void attend(const struct lac_encode_cpu_head *h)
{
    float scale_by = 1.0f / sqrtf((float)h->width);
    struct parts p;

    pack_head(h, &p);
    for (size_t i = 0; i < h->length; i += ROWS) {
        size_t rows = h->length - i < ROWS ? h->length - i : ROWS;
        float factors[ROWS];
        for (size_t r = 0; r < ROWS; r++) {
            /* the last block is filled up with its own first row */
            const float *q = h->q + (r < rows ? i + r : i) * h->stride;
            fetch_next(q, h->width);
            for (size_t c = 0; c < h->width; c += LANES)
                v_store(p.query + r * p.values_stride + c,
                        v_mul(v_load_part(q + c, part(c, h->width)), v_set(scale_by)));
        }
        score(&p, h->width);
        for (size_t r = 0; r < ROWS; r++)
            factors[r] = 1.0f / soften(p.scores + r * p.keys_stride, h->length);
        weigh(h, &p, i, rows, factors);
    }
}

#endif
