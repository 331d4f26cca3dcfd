/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The weights' way onto the device: fp32, fp16 or bf16 in the file, bf16 in products and embeddings
 * (to the nearest, ties to even), fp32 in norms; for fp8 the products' weights go on to e4m3 with a
 * scale per output. All of it is one allocation: the layout is walked twice, first for its size.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_encode_cuda.h"

enum { PART = 1 << 20, ALIGN = 256 };

struct upload {
    struct lac_encode_device *d;
    size_t used;
    bool real;        /* second walk: memory is there, fill it */
    float *numbers;   /* [PART] */
    uint16_t *halves; /* [PART] */
    uint16_t *wide;   /* on the device: a product's weights on their way to e4m3 */
    struct lac_err *err;
};

static void *place(struct upload *u, size_t size)
{
    size_t at = u->used;
    u->used += (size + ALIGN - 1) / ALIGN * ALIGN;
    return u->real ? u->d->memory + at : NULL;
}

/* To bf16, to the nearest, ties to even. Infinity for what is too large, NaN stays one. */
static uint16_t to_bf16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

static enum lac_status not_finite(struct upload *u, const char *name)
{
    return lac_err_set(u->err, LAC_REJECT, 0, "cuda: %s holds a number that is not finite", name);
}

/* Copies `count` elements from the tensor's beginning to `to` on the device. */
static enum lac_status put_bf16(struct upload *u, const struct lac_encode_tensor *t, size_t count,
                                uint16_t *to, const char *name)
{
    for (size_t at = 0; at < count; at += PART) {
        size_t n = count - at < PART ? count - at : PART;
        lac_encode_tensor_read(t, at, n, u->numbers);
        for (size_t i = 0; i < n; i++) {
            u->halves[i] = to_bf16(u->numbers[i]);
            if ((u->halves[i] & 0x7f80u) == 0x7f80u)
                return not_finite(u, name);
        }
        cudaError_t status =
            cudaMemcpy(to + at, u->halves, n * sizeof(*to), cudaMemcpyHostToDevice);
        if (status != cudaSuccess)
            return lac_encode_cuda_check(status, name, u->err);
    }
    return LAC_OK;
}

static enum lac_status add_bf16(struct upload *u, const struct lac_encode_tensor *t, size_t count,
                                uint16_t **out, const char *name)
{
    *out = place(u, count * sizeof(**out));
    return u->real ? put_bf16(u, t, count, *out, name) : LAC_OK;
}

static enum lac_status add_fp32(struct upload *u, const struct lac_encode_tensor *t, size_t count,
                                const float **out, const char *name)
{
    float *to = place(u, count * sizeof(*to));
    *out = to;
    if (!u->real)
        return LAC_OK;
    lac_encode_tensor_read(t, 0, count, u->numbers); /* hidden at most: one part */
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &u->numbers[i], sizeof(bits));
        if ((bits & 0x7f800000u) == 0x7f800000u)
            return not_finite(u, name);
    }
    return lac_encode_cuda_check(
        cudaMemcpy(to, u->numbers, count * sizeof(*to), cudaMemcpyHostToDevice), name, u->err);
}

static enum lac_status add_norm(struct upload *u, const struct lac_encode_tensor *weight,
                                const struct lac_encode_tensor *bias, float eps,
                                struct lac_encode_cuda_norm *out, const char *name)
{
    out->eps = eps;
    enum lac_status status = add_fp32(u, weight, u->d->hidden, &out->weight, name);
    if (status == LAC_OK)
        status = add_fp32(u, bias, u->d->hidden, &out->bias, name);
    return status;
}

/* One product whose rows come from `parts` tensors of k columns (q, k and v are three). */
struct source {
    const struct lac_encode_tensor *weight[3], *bias[3];
    size_t parts, n, k; /* n: rows of all parts */
    const char *name;
};

static enum lac_status add_product(struct upload *u, const struct source *from,
                                   struct lac_encode_cuda_weight *out)
{
    size_t rows = from->n / from->parts, count = from->n * from->k;

    out->values = place(u, count * (u->d->fp8 ? 1 : sizeof(uint16_t)));
    out->scale = u->d->fp8 ? place(u, from->n * sizeof(float)) : NULL;
    out->bias = place(u, from->n * sizeof(uint16_t));
    if (!u->real)
        return LAC_OK;
    uint16_t *to = u->d->fp8 ? u->wide : out->values;
    for (size_t i = 0; i < from->parts; i++) {
        enum lac_status status =
            put_bf16(u, from->weight[i], rows * from->k, to + i * rows * from->k, from->name);
        if (status == LAC_OK)
            status = put_bf16(u, from->bias[i], rows, out->bias + i * rows, from->name);
        if (status != LAC_OK)
            return status;
    }
    if (!u->d->fp8)
        return LAC_OK;
    struct lac_encode_cuda_rows8 rows8 = {out->values, out->scale};
    cudaError_t status = lac_encode_cuda_rows_to_8(u->wide, (struct lac_encode_cuda_late){0}, false,
                                                   from->n, from->k, rows8, NULL);
    if (status == cudaSuccess)
        status = cudaStreamSynchronize(NULL); /* before `wide` is filled again */
    return lac_encode_cuda_check(status, from->name, u->err);
}

static enum lac_status add_layer(struct upload *u, const struct lac_encode_layer *from, float eps,
                                 size_t index)
{
    struct lac_encode_cuda_layer *to = &u->d->layer[index];
    size_t hidden = u->d->hidden, ffn = u->d->ffn;
    char name[32];
    (void)snprintf(name, sizeof(name), "layer %zu", index);
    const struct source source[LAC_ENCODE_CUDA_KINDS] = {
        [LAC_ENCODE_CUDA_QKV] = {{&from->q, &from->k, &from->v},
                                 {&from->q_bias, &from->k_bias, &from->v_bias},
                                 3,
                                 3 * hidden,
                                 hidden,
                                 name},
        [LAC_ENCODE_CUDA_OUT] = {{&from->out}, {&from->out_bias}, 1, hidden, hidden, name},
        [LAC_ENCODE_CUDA_UP] = {{&from->up}, {&from->up_bias}, 1, ffn, hidden, name},
        [LAC_ENCODE_CUDA_DOWN] = {{&from->down}, {&from->down_bias}, 1, hidden, ffn, name},
    };

    enum lac_status status = LAC_OK;
    for (int i = 0; i < LAC_ENCODE_CUDA_KINDS && status == LAC_OK; i++)
        status = add_product(u, &source[i], &to->weight[i]);
    if (status == LAC_OK)
        status = add_norm(u, &from->norm1, &from->norm1_bias, eps, &to->norm1, name);
    if (status == LAC_OK)
        status = add_norm(u, &from->norm2, &from->norm2_bias, eps, &to->norm2, name);
    return status;
}

static enum lac_status walk(struct upload *u, const struct lac_encode_weights *w)
{
    struct lac_encode_device *d = u->d;
    u->used = 0;
    enum lac_status status =
        add_bf16(u, &w->words, d->vocab * d->hidden, &d->words, "word embeddings");
    if (status == LAC_OK)
        status =
            add_bf16(u, &w->places, d->positions * d->hidden, &d->places, "position embeddings");
    if (status == LAC_OK)
        status = add_bf16(u, &w->kinds, d->hidden, &d->type, "type embeddings");
    if (status == LAC_OK)
        status = add_norm(u, &w->norm, &w->norm_bias, w->eps, &d->norm, "embeddings' norm");
    for (size_t i = 0; i < d->layers && status == LAC_OK; i++)
        status = add_layer(u, &w->layer[i], w->eps, i);
    return status;
}

enum lac_status lac_encode_cuda_upload(struct lac_encode_device *d,
                                       const struct lac_encode_weights *w, struct lac_err *err)
{
    struct upload u = {.d = d, .err = err};
    size_t widest = d->ffn > 3 * d->hidden ? d->ffn : 3 * d->hidden;

    (void)walk(&u, w); /* only adds up sizes */
    u.real = true;
    u.numbers = malloc(PART * sizeof(*u.numbers));
    u.halves = malloc(PART * sizeof(*u.halves));
    enum lac_status status = LAC_OK;
    if (!u.numbers || !u.halves)
        status = lac_err_set(err, LAC_RETRY, 0, "cuda: no memory");
    if (status == LAC_OK)
        status = lac_encode_cuda_check(cudaMalloc((void **)&d->memory, u.used),
                                       "memory for the weights", err);
    if (status == LAC_OK && d->fp8)
        status = lac_encode_cuda_check(
            cudaMalloc((void **)&u.wide, widest * d->hidden * sizeof(*u.wide)),
            "memory for a weight", err);
    if (status == LAC_OK)
        status = walk(&u, w);
    if (u.wide)
        (void)cudaFree(u.wide);
    free(u.numbers);
    free(u.halves);
    return status;
}

void lac_encode_cuda_free_weights(struct lac_encode_device *d)
{
    if (d->memory)
        (void)cudaFree(d->memory);
    d->memory = NULL;
}
