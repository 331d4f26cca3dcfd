/* SPDX-License-Identifier: Apache-2.0 */
/* A trial run of an int8 device that tells what the inputs of its products usually are. */
#include <stdlib.h>

#include "lac_encode_cpu_internal.h"

enum { SEQUENCES = 16, LENGTH = 16 };

struct lac_encode_cpu_usuals {
    const struct lac_encode_device *device;
    size_t rows;     /* that each product has seen */
    size_t of_layer; /* floats */
    float *sums;     /* [layer][place][input]: of squares; behind them the same of the inputs */
};

/* Of all layers. */
static size_t count_of(const struct lac_encode_cpu_usuals *u)
{
    return u->device->weights->layers * u->of_layer;
}

static float *sums_of(const struct lac_encode_cpu_usuals *u, size_t layer,
                      enum lac_encode_cpu_place place)
{
    float *sums = u->sums + layer * u->of_layer;

    for (int i = 0; i < (int)place; i++)
        sums += lac_encode_cpu_inputs(u->device->weights, (enum lac_encode_cpu_place)i);
    return sums;
}

static void watch(struct lac_encode_session *s, const struct lac_encode_cpu_layer *layer,
                  enum lac_encode_cpu_place place, const float *x, size_t rows)
{
    size_t in = lac_encode_cpu_inputs(s->device->weights, place);
    float *squares = sums_of(s->usuals, (size_t)(layer - s->device->layers), place);
    float *sums = squares + count_of(s->usuals);

    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < in; k++) {
            squares[k] += x[r * in + k] * x[r * in + k];
            sums[k] += x[r * in + k];
        }
}

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014) as a hash of the place. */
static int32_t word(uint64_t place, uint32_t vocab)
{
    uint64_t z = (place + 1) * 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (int32_t)((z ^ (z >> 31)) % vocab);
}

static enum lac_status run(struct lac_encode_cpu_usuals *u, struct lac_encode_device *d,
                           struct lac_err *err)
{
    const struct lac_encode_weights *w = d->weights;
    size_t length = w->positions < LENGTH ? w->positions : LENGTH;
    struct lac_encode_session *s = NULL;
    uint32_t starts[SEQUENCES + 1];
    int32_t ids[SEQUENCES * LENGTH];
    struct lac_encode_batch b = {.ids = ids, .starts = starts, .count = SEQUENCES};
    float *out = malloc(SEQUENCES * (size_t)w->hidden * sizeof *out);
    enum lac_status status;

    for (size_t i = 0; i <= SEQUENCES; i++)
        starts[i] = (uint32_t)(i * length);
    for (size_t i = 0; i < SEQUENCES * length; i++)
        ids[i] = word(i, w->vocab);
    status = out ? lac_encode_cpu.session_open(&s, d, SEQUENCES * length, SEQUENCES, false, err)
                 : lac_err_set(err, LAC_RETRY, 0, "encoder: no memory");
    if (status == LAC_OK) {
        s->watch = watch;
        s->usuals = u;
        status = lac_encode_cpu.run(s, &b, out, err);
    }
    u->rows = SEQUENCES * length;
    lac_encode_cpu.session_close(s);
    free(out);
    return status;
}

enum lac_status lac_encode_cpu_usuals_take(struct lac_encode_cpu_usuals **out,
                                           struct lac_encode_device *d, struct lac_err *err)
{
    struct lac_encode_cpu_usuals *u = calloc(1, sizeof *u);
    enum lac_status status;

    if (!u)
        return lac_err_set(err, LAC_RETRY, 0, "encoder: no memory");
    u->device = d;
    for (int i = 0; i < LAC_ENCODE_CPU_PLACES; i++)
        u->of_layer += lac_encode_cpu_inputs(d->weights, (enum lac_encode_cpu_place)i);
    u->sums = calloc(2 * count_of(u), sizeof *u->sums);
    status = u->sums ? run(u, d, err) : lac_err_set(err, LAC_RETRY, 0, "encoder: no memory");
    if (status != LAC_OK) {
        lac_encode_cpu_usuals_free(u);
        return status;
    }
    for (size_t i = 0; i < 2 * count_of(u); i++)
        u->sums[i] /= (float)u->rows;
    *out = u;
    return LAC_OK;
}

void lac_encode_cpu_usuals_free(struct lac_encode_cpu_usuals *u)
{
    if (!u)
        return;
    free(u->sums);
    free(u);
}

struct lac_encode_cpu_usual lac_encode_cpu_usuals_of(const struct lac_encode_cpu_usuals *u,
                                                     size_t layer, enum lac_encode_cpu_place place)
{
    const float *squares = sums_of(u, layer, place);

    return (struct lac_encode_cpu_usual){squares, squares + count_of(u)};
}
