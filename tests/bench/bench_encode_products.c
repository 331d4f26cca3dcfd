/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "bench_encode.h"
#include "cpu/lac_encode_cpu_onednn.h"

extern void omp_set_num_threads(int count);

enum { PLACES = 4 };

struct product {
    dnnl_primitive_t primitive;
    dnnl_primitive_desc_t desc;
    dnnl_memory_t x, bias, out;
    dnnl_memory_t weights[LAC_ENCODE_LAYER_MAX]; /* a copy per layer: caches see all of them */
};

struct bench_products {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    size_t rows, layers;
    struct product products[PLACES];
    float *x, *out;
};

/* Numbers of a usual size: zeroes could be faster, subnormals slower. */
static void fill(dnnl_memory_t memory)
{
    onednn_layout d = NULL;
    void *bytes = NULL;

    if (dnnl_memory_get_memory_desc(memory, &d) || dnnl_memory_get_data_handle(memory, &bytes))
        return;
    for (size_t i = 0; i < dnnl_memory_desc_get_size(d) / sizeof(float); i++)
        ((float *)bytes)[i] = (float)(i * 7919 % 1999) * 1e-3f - 1;
}

static bool bind(struct bench_products *p, struct product *q, onednn_layout x, onednn_layout bias,
                 onednn_layout out)
{
    return !dnnl_primitive_create(&q->primitive, q->desc) &&
           !dnnl_memory_create(&q->x, x, p->engine, p->x) &&
           !dnnl_memory_create(&q->out, out, p->engine, p->out) &&
           !dnnl_memory_create(&q->bias, bias, p->engine, DNNL_MEMORY_ALLOCATE);
}

static bool make(struct bench_products *p, struct product *q, size_t in, size_t width)
{
    struct onednn_matrix x = {0}, weights = {0}, bias = {0}, out = {0};
    onednn_layout packed;
    bool made = !onednn_matrix_init(&x, p->rows, in, dnnl_f32, dnnl_ab) &&
                !onednn_matrix_init(&weights, in, width, dnnl_f32, dnnl_format_tag_any) &&
                !onednn_matrix_init(&bias, 1, width, dnnl_f32, dnnl_ab) &&
                !onednn_matrix_init(&out, p->rows, width, dnnl_f32, dnnl_ab) &&
                !onednn_matmul(&q->desc, p->engine, onednn_matrix_layout(&x),
                               onednn_matrix_layout(&weights), onednn_matrix_layout(&bias),
                               onednn_matrix_layout(&out), NULL) &&
                bind(p, q, onednn_matrix_layout(&x), onednn_matrix_layout(&bias),
                     onednn_matrix_layout(&out));

    onednn_matrix_drop(&x);
    onednn_matrix_drop(&weights);
    onednn_matrix_drop(&bias);
    onednn_matrix_drop(&out);
    if (!made)
        return false;
    fill(q->bias);
    fill(q->x);
    packed = dnnl_primitive_desc_query_md(q->desc, dnnl_query_weights_md, 0);
    for (size_t i = 0; i < p->layers; i++) {
        if (dnnl_memory_create(&q->weights[i], packed, p->engine, DNNL_MEMORY_ALLOCATE))
            return false;
        fill(q->weights[i]);
    }
    return true;
}

struct bench_products *bench_products_open(const struct lac_encode_weights *w, size_t rows)
{
    struct bench_products *p = calloc(1, sizeof *p);
    size_t hidden = w->hidden, ffn = w->ffn, widest = 3 * hidden > ffn ? 3 * hidden : ffn;

    if (!p)
        return NULL;
    omp_set_num_threads(1);
    p->rows = rows;
    p->layers = w->layers;
    p->x = aligned_alloc(64, (rows * widest * sizeof(float) + 63) / 64 * 64);
    p->out = aligned_alloc(64, (rows * widest * sizeof(float) + 63) / 64 * 64);
    if (p->x && p->out && !dnnl_engine_create(&p->engine, dnnl_cpu, 0) &&
        !dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags) &&
        make(p, &p->products[0], hidden, 3 * hidden) && make(p, &p->products[1], hidden, hidden) &&
        make(p, &p->products[2], hidden, ffn) && make(p, &p->products[3], ffn, hidden))
        return p;
    bench_products_close(p);
    return NULL;
}

bool bench_products_run(struct bench_products *p)
{
    for (size_t i = 0; i < p->layers; i++)
        for (size_t k = 0; k < PLACES; k++) {
            struct product *q = &p->products[k];
            dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, q->x},
                                      {DNNL_ARG_WEIGHTS, q->weights[i]},
                                      {DNNL_ARG_BIAS, q->bias},
                                      {DNNL_ARG_DST, q->out}};
            if (dnnl_primitive_execute(q->primitive, p->stream, 4, args))
                return false;
        }
    return dnnl_stream_wait(p->stream) == dnnl_success;
}

void bench_products_close(struct bench_products *p)
{
    if (!p)
        return;
    for (size_t k = 0; k < PLACES; k++) {
        struct product *q = &p->products[k];
        for (size_t i = 0; i < p->layers; i++)
            if (q->weights[i])
                dnnl_memory_destroy(q->weights[i]);
        if (q->x)
            dnnl_memory_destroy(q->x);
        if (q->bias)
            dnnl_memory_destroy(q->bias);
        if (q->out)
            dnnl_memory_destroy(q->out);
        if (q->primitive)
            dnnl_primitive_destroy(q->primitive);
        if (q->desc)
            dnnl_primitive_desc_destroy(q->desc);
    }
    if (p->stream)
        dnnl_stream_destroy(p->stream);
    if (p->engine)
        dnnl_engine_destroy(p->engine);
    free(p->x);
    free(p->out);
    free(p);
}
