/* SPDX-License-Identifier: Apache-2.0 */
/* The model's steps in their order, put on a stream or into a graph. */
#include "lac_encode_cuda.h"

static const struct lac_encode_cuda_token *tokens_of(const struct lac_encode_cuda_slot *slot,
                                                     const struct lac_encode_cuda_layout *at)
{
    return (const struct lac_encode_cuda_token *)(const void *)(slot->input + at->tokens);
}

/* The rest of a product of `w` whose rows had the scales `row`; nothing for bf16. */
static struct lac_encode_cuda_late late_of(const struct lac_encode_device *d,
                                           const struct lac_encode_cuda_weight *w,
                                           const struct lac_encode_cuda_rows8 *from)
{
    if (!d->fp8)
        return (struct lac_encode_cuda_late){0};
    return (struct lac_encode_cuda_late){from->scale, w->scale, w->bias};
}

/* What one layer's steps need; `at`: where the input's parts are. */
struct step {
    const struct lac_encode_session *s;
    const struct lac_encode_cuda_slot *slot;
    const struct lac_encode_cuda_layout *at;
    size_t class, rows, layer;
    bool products_only;
};

static enum lac_status multiply(const struct step *p, enum lac_encode_cuda_kind kind, const void *x,
                                void *y, struct lac_err *err)
{
    return lac_encode_cuda_multiply(p->s->d, p->layer, kind, p->class, x, y, p->slot->workspace,
                                    p->slot->stream, err);
}

/* Queries, keys, values; attention; its output on top of the layer's input, normed. */
static enum lac_status attention(const struct step *p, struct lac_err *err)
{
    const struct lac_encode_device *d = p->s->d;
    const struct lac_encode_cuda_slot *slot = p->slot;
    const struct lac_encode_cuda_layer *l = &d->layer[p->layer];
    const void *x = d->fp8 ? (const void *)slot->x8.values : slot->x;
    const void *mixed = d->fp8 ? (const void *)slot->x8.values : slot->attention;
    cudaError_t launched = cudaSuccess;

    enum lac_status status = multiply(p, LAC_ENCODE_CUDA_QKV, x, slot->wide, err);
    if (status == LAC_OK && !p->products_only) {
        launched = lac_encode_cuda_attention(
            slot->wide, late_of(d, &l->weight[LAC_ENCODE_CUDA_QKV], &slot->x8),
            (const struct lac_encode_cuda_head *)(const void *)slot->input,
            (const struct lac_encode_cuda_tile *)(const void *)(slot->input + p->at->tiles),
            d->hidden, d->heads, d->attention_blocks, slot->attention, slot->stream);
        /* The rows' old scales have been used by then: the stream is in order. */
        if (launched == cudaSuccess && d->fp8)
            launched = lac_encode_cuda_rows_to_8(slot->attention, (struct lac_encode_cuda_late){0},
                                                 false, p->rows, d->hidden, slot->x8, slot->stream);
        status = lac_encode_cuda_check(launched, "attention", err);
    }
    if (status == LAC_OK)
        status = multiply(p, LAC_ENCODE_CUDA_OUT, mixed, slot->y, err);
    if (status == LAC_OK && !p->products_only)
        status = lac_encode_cuda_check(
            lac_encode_cuda_add_norm(slot->y,
                                     late_of(d, &l->weight[LAC_ENCODE_CUDA_OUT], &slot->x8),
                                     p->rows, d->hidden, l->norm1, slot->x, slot->x8, slot->stream),
            "a norm", err);
    return status;
}

/* Up, gelu, down; on top of what attention left, normed. */
static enum lac_status feed_forward(const struct step *p, struct lac_err *err)
{
    const struct lac_encode_device *d = p->s->d;
    const struct lac_encode_cuda_slot *slot = p->slot;
    const struct lac_encode_cuda_layer *l = &d->layer[p->layer];
    const void *x = d->fp8 ? (const void *)slot->x8.values : slot->x;
    const void *inner = d->fp8 ? (const void *)slot->wide8.values : slot->wide;

    enum lac_status status = multiply(p, LAC_ENCODE_CUDA_UP, x, slot->wide, err);
    if (status == LAC_OK && d->fp8 && !p->products_only)
        status = lac_encode_cuda_check(
            lac_encode_cuda_rows_to_8(slot->wide,
                                      late_of(d, &l->weight[LAC_ENCODE_CUDA_UP], &slot->x8), true,
                                      p->rows, d->ffn, slot->wide8, slot->stream),
            "gelu", err);
    if (status == LAC_OK)
        status = multiply(p, LAC_ENCODE_CUDA_DOWN, inner, slot->y, err);
    if (status == LAC_OK && !p->products_only)
        status = lac_encode_cuda_check(
            lac_encode_cuda_add_norm(slot->y,
                                     late_of(d, &l->weight[LAC_ENCODE_CUDA_DOWN], &slot->wide8),
                                     p->rows, d->hidden, l->norm2, slot->x, slot->x8, slot->stream),
            "a norm", err);
    return status;
}

enum lac_status lac_encode_cuda_forward(const struct lac_encode_session *s,
                                        const struct lac_encode_cuda_slot *slot, size_t class,
                                        bool products_only, struct lac_err *err)
{
    const struct lac_encode_device *d = s->d;
    size_t rows = lac_encode_cuda_class_rows(class);
    size_t sequences = s->piece_sequences < rows ? s->piece_sequences : rows;
    const struct lac_encode_cuda_layout at = lac_encode_cuda_layout(rows, s->piece_sequences);
    enum lac_status status = LAC_OK;

    if (!products_only)
        status = lac_encode_cuda_check(lac_encode_cuda_embed(tokens_of(slot, &at), rows, d->hidden,
                                                             d->words, d->places, d->type, d->norm,
                                                             slot->x, slot->x8, slot->stream),
                                       "embedding", err);
    for (size_t i = 0; i < d->layers && status == LAC_OK; i++) {
        const struct step step = {s, slot, &at, class, rows, i, products_only};
        status = attention(&step, err);
        if (status == LAC_OK)
            status = feed_forward(&step, err);
    }
    if (status == LAC_OK && !products_only)
        status = lac_encode_cuda_check(
            lac_encode_cuda_pool(
                slot->x, (const struct lac_encode_cuda_head *)(const void *)slot->input,
                (const uint32_t *)(const void *)(slot->input + at.starts), sequences, d->hidden,
                d->pooling == LAC_ENCODE_POOL_CLS, d->normalize, slot->out, slot->stream),
            "pooling", err);
    return status;
}

enum lac_status lac_encode_cuda_capture(const struct lac_encode_session *s,
                                        const struct lac_encode_cuda_slot *slot, size_t class,
                                        bool products_only, cudaGraphExec_t *out,
                                        struct lac_err *err)
{
    cudaGraph_t graph = NULL;

    /* Relaxed: what other lanes do in the meantime is none of the capture's business. */
    enum lac_status status = lac_encode_cuda_check(
        cudaStreamBeginCapture(slot->stream, cudaStreamCaptureModeRelaxed), "capturing", err);
    if (status != LAC_OK)
        return status;
    status = lac_encode_cuda_forward(s, slot, class, products_only, err);
    cudaError_t ended = cudaStreamEndCapture(slot->stream, &graph);
    if (status == LAC_OK)
        status = lac_encode_cuda_check(ended, "capturing", err);
    if (status == LAC_OK)
        status = lac_encode_cuda_check(cudaGraphInstantiate(out, graph, 0), "making a graph", err);
    if (graph)
        (void)cudaGraphDestroy(graph);
    return status;
}
