/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights out of a counter. Each value is a sum of four 16-bit integers, which is close to normal,
 * times a power of two or a ratio that one rounding makes: the same bits with every compiler.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lac_encode_model_internal.h"

/* splitmix64 (Steele, Lea, Flood 2014): any number of independent streams by their start. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ull;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/* Around 0 with a standard deviation of 1: the variance of the sum is 4 x (2^32 - 1) / 12. */
static float bell(uint64_t *state)
{
    uint64_t z = next(state);
    int32_t sum =
        (int32_t)((z & 0xffff) + ((z >> 16) & 0xffff) + ((z >> 32) & 0xffff) + (z >> 48)) - 131070;

    return (float)sum * (1.0f / 37837.23f);
}

/* What values a part has: weights keep the size of what goes through them (1 / sqrt(inputs),
 * here as the nearest power of two), norms are close to 1, biases small. */
static void fill(struct lac_encode_tensor *t, bool norm, bool table, float *out, uint64_t *state)
{
    size_t count = (size_t)t->rows * t->cols;
    float scale = 0.0625f, centre = norm ? 1.0f : 0.0f;

    if (t->rows > 1 && !table)
        for (scale = 1.0f; scale * scale * (float)t->cols > 1.5f;)
            scale *= 0.5f;
    for (size_t i = 0; i < count; i++)
        out[i] = centre + scale * bell(state);
    t->data = out;
    t->dtype = LAC_ENCODE_F32;
}

/* Sets rows and columns of parts and counts their values. */
static size_t size_parts(struct lac_encode_weights *w, const struct lac_encode_part *parts,
                         size_t count, void *base)
{
    size_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        struct lac_encode_tensor *t = lac_encode_part_tensor(&parts[i], base);

        t->rows = lac_encode_extent_of(w, parts[i].rows);
        t->cols = lac_encode_extent_of(w, parts[i].cols);
        sum += (size_t)t->rows * t->cols;
    }
    return sum;
}

static float *fill_parts(const struct lac_encode_part *parts, size_t count, void *base, float *at,
                         uint64_t *state)
{
    for (size_t i = 0; i < count; i++) {
        struct lac_encode_tensor *t = lac_encode_part_tensor(&parts[i], base);
        bool norm = parts[i].old_name && t->rows == 1 &&
                    parts[i].old_name[strlen(parts[i].old_name) - 5] == 'g'; /* gamma */
        bool table = parts[i].rows >= LAC_ENCODE_VOCAB;

        fill(t, norm, table, at, state);
        at += (size_t)t->rows * t->cols;
    }
    return at;
}

enum lac_status lac_encode_model_generate(struct lac_encode_model **out,
                                          const struct lac_encode_weights *shape, uint64_t seed,
                                          struct lac_err *err)
{
    struct lac_encode_model *m;
    enum lac_status status;
    struct lac_encode_weights *w;
    uint64_t state = seed;
    size_t count;
    float *at;

    *out = NULL;
    status = lac_encode_shape_check(shape, err);
    if (status != LAC_OK)
        return status;
    m = calloc(1, sizeof(*m));
    if (!m)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for a model");
    w = &m->weights;
    *w = *shape;
    count = size_parts(w, lac_encode_top_parts, LAC_ENCODE_TOP_PARTS, w);
    for (uint32_t i = 0; i < w->layers; i++)
        count += size_parts(w, lac_encode_layer_parts, LAC_ENCODE_LAYER_PARTS, &w->layer[i]);
    m->seed = seed;
    m->size = count * sizeof(float);
    m->memory = malloc(m->size);
    if (!m->memory) {
        free(m);
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for %zu generated weights", count);
    }
    at = fill_parts(lac_encode_top_parts, LAC_ENCODE_TOP_PARTS, w, m->memory, &state);
    for (uint32_t i = 0; i < w->layers; i++)
        at = fill_parts(lac_encode_layer_parts, LAC_ENCODE_LAYER_PARTS, &w->layer[i], at, &state);
    *out = m;
    return LAC_OK;
}
