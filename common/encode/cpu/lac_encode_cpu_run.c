/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forward pass of BERT (Devlin et al. 2018) with post-layer norms: embeddings, then per layer
 * attention and a feed-forward net, each with residual and norm; pooling.
 */
#include <string.h>

#include "lac_encode_cpu_internal.h"

size_t lac_encode_cpu_inputs(const struct lac_encode_weights *w, enum lac_encode_cpu_place place)
{
    return place == LAC_ENCODE_CPU_DOWN ? w->ffn : w->hidden;
}

static void multiply8(struct lac_encode_session *s, enum lac_encode_cpu_place place,
                      const struct lac_encode_cpu_layer *layer, size_t rows, const float *x,
                      float *out)
{
    const struct lac_encode_cpu_int8 *form = s->device->forms.int8;
    const struct lac_encode_cpu_weights8 *w = layer->weights8[place];
    size_t row_size = w->groups * LAC_ENCODE_CPU_GROUP;
    uint8_t *bytes = s->rounded;

    while (rows > 0) {
        size_t step = rows < s->device->step ? rows : s->device->step;
        for (size_t i = 0; i < step; i++)
            s->ranges[i] = form->round(bytes + i * row_size, x + i * w->in, w, s->spread);
        if (s->watch)
            s->watch(s, layer, place, x, step);
        form->multiply(w, step, bytes, s->ranges, out, place == LAC_ENCODE_CPU_UP);
        x += step * w->in;
        out += step * w->width;
        rows -= step;
    }
}

/* One product, rounded as the class wants it; the one of the ffn's first half with GELU. */
static enum lac_status multiply(struct lac_encode_session *s, enum lac_encode_cpu_place place,
                                const struct lac_encode_cpu_layer *layer, size_t rows,
                                const float *x, float *out, struct lac_err *err)
{
    const struct lac_encode_device *d = s->device;
    const struct lac_encode_cpu_vector *v = d->forms.vector;
    const void *from = x;
    enum lac_status status;

    if (d->class == LAC_ENCODE_CPU_INT8) {
        multiply8(s, place, layer, rows, x, out);
        return LAC_OK;
    }
    if (d->class == LAC_ENCODE_CPU_BF16) {
        v->bf16(s->rounded, x, rows * lac_encode_cpu_inputs(d->weights, place));
        from = s->rounded;
    }
    status =
        lac_encode_cpu_multiply(s->bindings[place], layer->packed[place], rows, from, out, err);
    if (status == LAC_OK && place == LAC_ENCODE_CPU_UP)
        v->gelu(out, rows * d->weights->ffn);
    return status;
}

static void embed(struct lac_encode_session *s, const int32_t *ids, const uint32_t *starts,
                  size_t count)
{
    const struct lac_encode_device *d = s->device;
    size_t hidden = d->weights->hidden;

    for (size_t i = 0; i < count; i++)
        for (uint32_t t = starts[i]; t < starts[i + 1]; t++) {
            float *x = s->x + (t - starts[0]) * hidden;
            lac_encode_tensor_read(&d->weights->words, (size_t)ids[t] * hidden, hidden, x);
            d->forms.vector->norm(x, x, d->places + (t - starts[i]) * hidden, d->norm.gain,
                                  d->norm.bias, hidden, d->weights->eps);
        }
}

static void attend(struct lac_encode_session *s, const uint32_t *starts, size_t count)
{
    const struct lac_encode_weights *w = s->device->weights;
    size_t width = w->hidden / w->heads;

    for (size_t i = 0; i < count; i++)
        for (size_t head = 0; head < w->heads; head++) {
            size_t first = starts[i] - starts[0];
            const float *qkv = s->qkv + first * 3 * w->hidden + head * width;
            struct lac_encode_cpu_head h = {
                .q = qkv,
                .k = qkv + w->hidden,
                .v = qkv + 2 * (size_t)w->hidden,
                .out = s->context + first * w->hidden + head * width,
                .length = starts[i + 1] - starts[i],
                .width = width,
                .stride = 3 * (size_t)w->hidden,
                .out_stride = w->hidden,
                .scratch = s->attend,
            };
            s->device->forms.vector->attend(&h);
        }
}

/* From attention's result on, `rows` of a tile: row by row nothing depends on others. */
static enum lac_status rest_of_layer(struct lac_encode_session *s,
                                     const struct lac_encode_cpu_layer *layer, size_t rows,
                                     const float *context, float *x, struct lac_err *err)
{
    const struct lac_encode_cpu_vector *v = s->device->forms.vector;
    const struct lac_encode_weights *w = s->device->weights;
    enum lac_status status = multiply(s, LAC_ENCODE_CPU_OUT, layer, rows, context, s->narrow, err);

    if (status != LAC_OK)
        return status;
    for (size_t i = 0; i < rows; i++)
        v->norm(x + i * w->hidden, x + i * w->hidden, s->narrow + i * w->hidden, layer->norm1.gain,
                layer->norm1.bias, w->hidden, w->eps);
    status = multiply(s, LAC_ENCODE_CPU_UP, layer, rows, x, s->wide, err);
    if (status != LAC_OK)
        return status;
    status = multiply(s, LAC_ENCODE_CPU_DOWN, layer, rows, s->wide, s->narrow, err);
    if (status != LAC_OK)
        return status;
    for (size_t i = 0; i < rows; i++)
        v->norm(x + i * w->hidden, x + i * w->hidden, s->narrow + i * w->hidden, layer->norm2.gain,
                layer->norm2.bias, w->hidden, w->eps);
    return LAC_OK;
}

static enum lac_status run_layer(struct lac_encode_session *s,
                                 const struct lac_encode_cpu_layer *layer, const uint32_t *starts,
                                 size_t count, struct lac_err *err)
{
    size_t hidden = s->device->weights->hidden;
    size_t rows = starts[count] - starts[0], step = s->device->step;
    enum lac_status status = multiply(s, LAC_ENCODE_CPU_QKV, layer, rows, s->x, s->qkv, err);

    if (status != LAC_OK)
        return status;
    attend(s, starts, count);
    for (size_t i = 0; i < rows && status == LAC_OK; i += step) {
        size_t left = rows - i;
        status = rest_of_layer(s, layer, left < step ? left : step, s->context + i * hidden,
                               s->x + i * hidden, err);
    }
    return status;
}

static void pool(const struct lac_encode_session *s, const uint32_t *starts, size_t count,
                 float *out)
{
    const struct lac_encode_cpu_vector *v = s->device->forms.vector;
    const struct lac_encode_weights *w = s->device->weights;

    for (size_t i = 0; i < count; i++, out += w->hidden) {
        size_t tokens = w->pooling == LAC_ENCODE_POOL_CLS ? 1 : starts[i + 1] - starts[i];
        const float *x = s->x + (size_t)(starts[i] - starts[0]) * w->hidden;
        memcpy(out, x, w->hidden * sizeof *out);
        for (size_t t = 1; t < tokens; t++)
            v->add(out, x + t * w->hidden, w->hidden);
        v->finish(out, w->hidden, (float)tokens, w->normalize);
    }
}

enum lac_status lac_encode_cpu_chunk(struct lac_encode_session *s, const int32_t *ids,
                                     const uint32_t *starts, size_t count, float *out,
                                     struct lac_err *err)
{
    embed(s, ids, starts, count);
    for (size_t i = 0; i < s->device->weights->layers; i++) {
        enum lac_status status = run_layer(s, &s->device->layers[i], starts, count, err);
        if (status != LAC_OK)
            return status;
    }
    pool(s, starts, count, out);
    return LAC_OK;
}
