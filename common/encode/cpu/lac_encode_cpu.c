/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_encode_cpu_internal.h"

static enum lac_status no_memory(struct lac_err *err)
{
    return lac_err_set(err, LAC_RETRY, 0, "encoder: no memory");
}

static enum lac_status probe(enum lac_encode_class class, struct lac_err *err)
{
    switch (class) {
    case LAC_ENCODE_CPU_FP32:
    case LAC_ENCODE_CPU_INT8:
        return LAC_OK;
    case LAC_ENCODE_CPU_BF16:
        if (lac_encode_cpu_has_bf16())
            return LAC_OK;
        return lac_err_set(err, LAC_REJECT, 0, "cpu-bf16: this processor has no AVX-512 BF16");
    default:
        return lac_err_set(err, LAC_REJECT, 0, "%s: not a class of the CPU's encoder",
                           lac_encode_class_name(class));
    }
}

/* What must hold for the loops and buffers here; the model's reader has checked the tensors. */
static enum lac_status check_shape(const struct lac_encode_weights *w, struct lac_err *err)
{
    if (w->hidden < 1 || w->hidden > LAC_ENCODE_WIDTH_MAX || w->heads < 1 ||
        w->hidden % w->heads != 0)
        return lac_err_set(err, LAC_REJECT, 0,
                           "encoder: hidden size %" PRIu32 " of %" PRIu32 " heads", w->hidden,
                           w->heads);
    if (w->layers < 1 || w->layers > LAC_ENCODE_LAYER_MAX || w->ffn < 1 ||
        w->ffn > LAC_ENCODE_CPU_FFN_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "encoder: %" PRIu32 " layers, ffn %" PRIu32,
                           w->layers, w->ffn);
    if (w->vocab < 1 || w->vocab > INT32_MAX || w->positions < 1 || w->types < 1 ||
        !(w->eps >= 0) || !isfinite(w->eps))
        return lac_err_set(err, LAC_REJECT, 0, "encoder: vocabulary, positions, kinds or eps");
    return LAC_OK;
}

static enum lac_status read_norm(struct lac_encode_cpu_norm *n,
                                 const struct lac_encode_tensor *gain,
                                 const struct lac_encode_tensor *bias, size_t count)
{
    n->gain = malloc(count * sizeof *n->gain);
    n->bias = malloc(count * sizeof *n->bias);
    if (!n->gain || !n->bias)
        return LAC_RETRY;
    lac_encode_tensor_read(gain, 0, count, n->gain);
    lac_encode_tensor_read(bias, 0, count, n->bias);
    return LAC_OK;
}

static void free_norm(struct lac_encode_cpu_norm *n)
{
    free(n->gain);
    free(n->bias);
}

static size_t positions_of(const struct lac_encode_weights *w)
{
    return w->positions < LAC_ENCODE_POSITION_MAX ? w->positions : LAC_ENCODE_POSITION_MAX;
}

/* Position and kind 0 (a single text has no other) are the same for every text: added once. */
static enum lac_status read_places(struct lac_encode_device *d)
{
    const struct lac_encode_weights *w = d->weights;
    size_t hidden = w->hidden;
    float *kind = malloc(hidden * sizeof *kind);

    d->places = malloc(positions_of(w) * hidden * sizeof *d->places);
    if (!kind || !d->places) {
        free(kind);
        return LAC_RETRY;
    }
    lac_encode_tensor_read(&w->kinds, 0, hidden, kind);
    lac_encode_tensor_read(&w->places, 0, positions_of(w) * hidden, d->places);
    for (size_t i = 0; i < positions_of(w); i++)
        for (size_t c = 0; c < hidden; c++)
            d->places[i * hidden + c] += kind[c];
    free(kind);
    return LAC_OK;
}

/* Inputs and outputs of a product. */
static void size_of(const struct lac_encode_weights *w, enum lac_encode_cpu_place place, size_t *in,
                    size_t *out)
{
    *in = lac_encode_cpu_inputs(w, place);
    *out = place == LAC_ENCODE_CPU_QKV  ? 3 * (size_t)w->hidden
           : place == LAC_ENCODE_CPU_UP ? w->ffn
                                        : w->hidden;
}

static enum lac_status open_shapes(struct lac_encode_device *d, struct lac_err *err)
{
    size_t tile;

    d->step = LAC_ENCODE_CPU_TILE;
    if (d->class == LAC_ENCODE_CPU_INT8)
        return lac_encode_cpu_int8_check(d->forms.int8, err);
    for (int i = 0; i < LAC_ENCODE_CPU_PLACES; i++) {
        size_t in, out;
        enum lac_status status;
        size_of(d->weights, (enum lac_encode_cpu_place)i, &in, &out);
        status = lac_encode_cpu_shape_open(&d->shapes[i], d->library, in, out,
                                           d->class == LAC_ENCODE_CPU_BF16, err);
        if (status != LAC_OK)
            return status;
    }
    tile = lac_encode_cpu_shape_tile(d->shapes[LAC_ENCODE_CPU_UP]);
    d->step = LAC_ENCODE_CPU_TILE / tile * tile;
    return LAC_OK;
}

/* A product's weights and bias as floats, several tensors one below the other. */
struct stack {
    float *weights, *bias;
    size_t in, rows;
};

static void put(struct stack *s, const struct lac_encode_tensor *weight,
                const struct lac_encode_tensor *bias, size_t rows)
{
    lac_encode_tensor_read(weight, 0, rows * s->in, s->weights + s->rows * s->in);
    lac_encode_tensor_read(bias, 0, rows, s->bias + s->rows);
    s->rows += rows;
}

static enum lac_status pack(struct lac_encode_device *d, size_t layer,
                            enum lac_encode_cpu_place place, struct stack *s,
                            const struct lac_encode_cpu_usuals *usuals, struct lac_err *err)
{
    const struct lac_encode_weights *w = d->weights;
    const struct lac_encode_layer *l = &w->layer[layer];
    struct lac_encode_cpu_usual usual = {0};
    size_t out;

    size_of(w, place, &s->in, &out);
    s->rows = 0;
    switch (place) {
    case LAC_ENCODE_CPU_QKV:
        put(s, &l->q, &l->q_bias, w->hidden);
        put(s, &l->k, &l->k_bias, w->hidden);
        put(s, &l->v, &l->v_bias, w->hidden);
        break;
    case LAC_ENCODE_CPU_OUT:
        put(s, &l->out, &l->out_bias, w->hidden);
        break;
    case LAC_ENCODE_CPU_UP:
        put(s, &l->up, &l->up_bias, w->ffn);
        break;
    default:
        put(s, &l->down, &l->down_bias, w->hidden);
        break;
    }
    if (usuals)
        usual = lac_encode_cpu_usuals_of(usuals, layer, place);
    if (d->class == LAC_ENCODE_CPU_INT8)
        return lac_encode_cpu_weights8_open(&d->layers[layer].weights8[place], s->in, out,
                                            s->weights, s->bias, usuals ? &usual : NULL, err);
    return lac_encode_cpu_packed_open(&d->layers[layer].packed[place], d->shapes[place], s->weights,
                                      s->bias, err);
}

static enum lac_status read_products(struct lac_encode_device *d,
                                     const struct lac_encode_cpu_usuals *usuals,
                                     struct lac_err *err)
{
    const struct lac_encode_weights *w = d->weights;
    size_t hidden = w->hidden, ffn = w->ffn, widest = 3 * hidden > ffn ? 3 * hidden : ffn;
    enum lac_status status = LAC_OK;
    struct stack s = {.weights = malloc(hidden * widest * sizeof(float)),
                      .bias = malloc(widest * sizeof(float))};

    if (!s.weights || !s.bias)
        status = no_memory(err);
    for (size_t i = 0; i < w->layers; i++)
        for (int p = 0; p < LAC_ENCODE_CPU_PLACES && status == LAC_OK; p++)
            status = pack(d, i, (enum lac_encode_cpu_place)p, &s, usuals, err);
    free(s.weights);
    free(s.bias);
    return status;
}

static void free_products(struct lac_encode_cpu_layer *l)
{
    for (int p = 0; p < LAC_ENCODE_CPU_PLACES; p++) {
        lac_encode_cpu_packed_close(l->packed[p]);
        lac_encode_cpu_weights8_close(l->weights8[p]);
        l->packed[p] = NULL;
        l->weights8[p] = NULL;
    }
}

static enum lac_status read_layers(struct lac_encode_device *d, struct lac_err *err)
{
    const struct lac_encode_weights *w = d->weights;

    d->layers = calloc(w->layers, sizeof *d->layers);
    if (!d->layers)
        return no_memory(err);
    for (size_t i = 0; i < w->layers; i++)
        if (read_norm(&d->layers[i].norm1, &w->layer[i].norm1, &w->layer[i].norm1_bias,
                      w->hidden) != LAC_OK ||
            read_norm(&d->layers[i].norm2, &w->layer[i].norm2, &w->layer[i].norm2_bias,
                      w->hidden) != LAC_OK)
            return no_memory(err);
    return read_products(d, NULL, err);
}

/* int8's weights are rounded a second time, once it is known what they are multiplied with. */
static enum lac_status smooth(struct lac_encode_device *d, struct lac_err *err)
{
    struct lac_encode_cpu_usuals *usuals = NULL;
    enum lac_status status = lac_encode_cpu_usuals_take(&usuals, d, err);

    if (status != LAC_OK)
        return status;
    for (size_t i = 0; i < d->weights->layers; i++)
        free_products(&d->layers[i]);
    status = read_products(d, usuals, err);
    lac_encode_cpu_usuals_free(usuals);
    return status;
}

/* The library's version and instructions for people, and what its products came to in the trials:
 * machines with the same instructions and other caches may add in another order. */
static void name_engine(struct lac_encode_device *d)
{
    char library[32];
    uint64_t all = 0;

    if (d->class == LAC_ENCODE_CPU_INT8) { /* the same bits everywhere; 3: how it is rounded */
        snprintf(d->engine, sizeof d->engine, "%s/3", lac_encode_class_name(d->class));
        return;
    }
    for (int i = 0; i < LAC_ENCODE_CPU_PLACES; i++)
        all = (all ^ lac_encode_cpu_shape_fingerprint(d->shapes[i])) * 0x9e3779b97f4a7c15u;
    lac_encode_cpu_library(library, sizeof library);
    snprintf(d->engine, sizeof d->engine, "%s/%s/%s/%08" PRIx32, lac_encode_class_name(d->class),
             library, lac_encode_cpu_isa(), (uint32_t)(all >> 32));
}

static void device_close(struct lac_encode_device *d)
{
    if (!d)
        return;
    for (size_t i = 0; d->layers && i < d->weights->layers; i++) {
        struct lac_encode_cpu_layer *l = &d->layers[i];
        free_products(l);
        free_norm(&l->norm1);
        free_norm(&l->norm2);
    }
    free(d->layers);
    free_norm(&d->norm);
    free(d->places);
    for (int i = 0; i < LAC_ENCODE_CPU_PLACES; i++)
        lac_encode_cpu_shape_close(d->shapes[i]);
    lac_encode_cpu_onednn_close(d->library);
    free(d);
}

enum lac_status lac_encode_cpu_device_open_with(struct lac_encode_device **out,
                                                const struct lac_encode_weights *w,
                                                enum lac_encode_class class,
                                                struct lac_encode_cpu_forms forms,
                                                struct lac_err *err)
{
    struct lac_encode_device *d;
    enum lac_status status = probe(class, err);

    if (status == LAC_OK)
        status = check_shape(w, err);
    if (status != LAC_OK)
        return status;
    d = calloc(1, sizeof *d);
    if (!d)
        return no_memory(err);
    d->weights = w;
    d->class = class;
    d->forms = forms;
    if (class != LAC_ENCODE_CPU_INT8)
        status = lac_encode_cpu_onednn_open(&d->library, err);
    if (status == LAC_OK)
        status = open_shapes(d, err);
    if (status == LAC_OK && (read_norm(&d->norm, &w->norm, &w->norm_bias, w->hidden) != LAC_OK ||
                             read_places(d) != LAC_OK))
        status = no_memory(err);
    if (status == LAC_OK)
        status = read_layers(d, err);
    if (status == LAC_OK && class == LAC_ENCODE_CPU_INT8)
        status = smooth(d, err);
    if (status != LAC_OK) {
        device_close(d);
        return status;
    }
    name_engine(d);
    *out = d;
    return LAC_OK;
}

enum lac_status lac_encode_cpu_device_open(struct lac_encode_device **out,
                                           const struct lac_encode_weights *w,
                                           enum lac_encode_class class, struct lac_err *err)
{
    struct lac_encode_cpu_forms forms = {lac_encode_cpu_vector(), lac_encode_cpu_int8_at(0)};
    return lac_encode_cpu_device_open_with(out, w, class, forms, err);
}

static const char *engine(const struct lac_encode_device *d)
{
    return d->engine;
}

static void session_close(struct lac_encode_session *s)
{
    if (!s)
        return;
    for (int i = 0; i < LAC_ENCODE_CPU_PLACES; i++)
        lac_encode_cpu_binding_close(s->bindings[i]);
    free(s->memory);
    free(s);
}

/* One block, cut into the buffers at multiples of 64 bytes. Rows of tiles that reach beyond the
 * last row are computed as well: room for them everywhere. */
/* Floats that x in another type takes. */
static size_t rounded_floats(const struct lac_encode_session *s, size_t rows, size_t step)
{
    const struct lac_encode_weights *w = s->device->weights;
    size_t widest = w->hidden > w->ffn ? w->hidden : w->ffn;
    size_t most = rows * w->hidden > step * w->ffn ? rows * w->hidden : step * w->ffn;

    switch (s->device->class) {
    case LAC_ENCODE_CPU_BF16:
        return (most + 1) / 2;
    case LAC_ENCODE_CPU_INT8:
        return step * ((widest + LAC_ENCODE_CPU_GROUP - 1) / LAC_ENCODE_CPU_GROUP);
    default:
        return 0;
    }
}

static enum lac_status take_memory(struct lac_encode_session *s)
{
    const struct lac_encode_weights *w = s->device->weights;
    size_t rows = s->chunk + 2 * (size_t)LAC_ENCODE_CPU_TILE;
    size_t step = 2 * (size_t)LAC_ENCODE_CPU_TILE;
    size_t length = s->chunk < positions_of(w) ? s->chunk : positions_of(w);
    size_t total = 0;
    const size_t counts[] = {
        rows * w->hidden,
        3 * rows * w->hidden,
        rows * w->hidden,
        step * w->ffn,
        step * w->hidden,
        lac_encode_cpu_head_floats(length, w->hidden / w->heads),
        rounded_floats(s, rows, step),
        w->hidden > w->ffn ? w->hidden : w->ffn,
        2 * step,
    };
    float *rounded, *ranges;
    float **const buffers[] = {&s->x,      &s->qkv,  &s->context, &s->wide, &s->narrow,
                               &s->attend, &rounded, &s->spread,  &ranges};

    for (size_t i = 0; i < LAC_COUNT(counts); i++)
        total += (counts[i] + 15) / 16 * 16;
    s->memory = aligned_alloc(64, total * sizeof(float));
    if (!s->memory)
        return LAC_RETRY;
    memset(s->memory, 0, total * sizeof(float));
    total = 0;
    for (size_t i = 0; i < LAC_COUNT(counts); i++) {
        *buffers[i] = s->memory + total;
        total += (counts[i] + 15) / 16 * 16;
    }
    s->rounded = rounded;
    s->ranges = (struct lac_encode_cpu_range *)(void *)ranges;
    return LAC_OK;
}

static enum lac_status session_open(struct lac_encode_session **out, struct lac_encode_device *d,
                                    size_t tokens, size_t sequences, bool interactive,
                                    struct lac_err *err)
{
    struct lac_encode_session *s;
    enum lac_status status = LAC_OK;

    (void)interactive; /* each lane computes on its own core: nobody waits in a queue */
    LAC_ASSERT(tokens >= 1 && tokens <= LAC_ENCODE_TOKEN_MAX);
    LAC_ASSERT(sequences >= 1 && sequences <= LAC_ENCODE_SEQUENCE_MAX);
    s = calloc(1, sizeof *s);
    if (!s)
        return no_memory(err);
    s->device = d;
    s->tokens = tokens;
    s->sequences = sequences;
    s->chunk = positions_of(d->weights) > LAC_ENCODE_CPU_CHUNK ? positions_of(d->weights)
                                                               : LAC_ENCODE_CPU_CHUNK;
    s->chunk = tokens < s->chunk ? tokens : s->chunk;
    if (take_memory(s) != LAC_OK)
        status = no_memory(err);
    for (int i = 0; d->library && i < LAC_ENCODE_CPU_PLACES && status == LAC_OK; i++)
        status = lac_encode_cpu_binding_open(&s->bindings[i], d->shapes[i], err);
    if (status != LAC_OK) {
        session_close(s);
        return status;
    }
    *out = s;
    return LAC_OK;
}

/* A batch is made by our own code: a wrong one is a mistake of ours, not of whose text it is. */
static void check_batch(const struct lac_encode_session *s, const struct lac_encode_batch *b)
{
    const struct lac_encode_weights *w = s->device->weights;

    LAC_ASSERT(b->count <= s->sequences);
    LAC_ASSERT(b->count == 0 || b->starts[0] == 0);
    for (size_t i = 0; i < b->count; i++) {
        LAC_ASSERT(b->starts[i] < b->starts[i + 1] && b->starts[i + 1] <= s->tokens);
        LAC_ASSERT(b->starts[i + 1] - b->starts[i] <= positions_of(w));
    }
    for (size_t i = 0; b->count && i < b->starts[b->count]; i++)
        LAC_ASSERT(b->ids[i] >= 0 && (uint32_t)b->ids[i] < w->vocab);
}

static enum lac_status run(struct lac_encode_session *s, const struct lac_encode_batch *b,
                           float *out, struct lac_err *err)
{
    size_t hidden = s->device->weights->hidden;
    size_t first = 0;

    check_batch(s, b);
    while (first < b->count) {
        size_t end = first + 1;
        enum lac_status status;
        while (end < b->count && b->starts[end + 1] - b->starts[first] <= LAC_ENCODE_CPU_CHUNK)
            end++;
        status = lac_encode_cpu_chunk(s, b->ids, b->starts + first, end - first,
                                      out + first * hidden, err);
        if (status != LAC_OK)
            return status;
        first = end;
    }
    return LAC_OK;
}

const struct lac_encode_backend lac_encode_cpu = {
    .abi = LAC_ENCODE_BACKEND_ABI,
    .name = "cpu",
    .probe = probe,
    .open = lac_encode_cpu_device_open,
    .close = device_close,
    .engine = engine,
    .session_open = session_open,
    .session_close = session_close,
    .run = run,
};
