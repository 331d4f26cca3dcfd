/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_cpu_internal - what the files of the CPU's backend share
 *
 * A device is a model made ready: tables of embeddings, weights packed for products, norms. A
 * session runs a batch in chunks of whole sequences, layer by layer, so that its memory stays
 * within a cache's reach and is bounded by the chunk, not by the batch. Within a layer, what
 * comes after attention runs tile by tile.
 */
#ifndef LAC_ENCODE_CPU_INTERNAL_H
#define LAC_ENCODE_CPU_INTERNAL_H

#include "lac_encode_cpu_int8.h"
#include "lac_encode_cpu_product.h"
#include "lac_encode_cpu_vector.h"
#include "lac_encode_model.h"

/* Tokens of a chunk that is closed, if one sequence isn't longer: few enough that what attention
 * reads is still in the second cache, enough that tails of tiles weigh little. */
enum { LAC_ENCODE_CPU_CHUNK = 384 };

/* Of a feed-forward net's width; the largest models that fit have 4096. */
enum { LAC_ENCODE_CPU_FFN_MAX = 16384 };

/* The four products of a layer: q, k and v as one; attention's output; the two of the ffn. */
enum lac_encode_cpu_place {
    LAC_ENCODE_CPU_QKV,
    LAC_ENCODE_CPU_OUT,
    LAC_ENCODE_CPU_UP,
    LAC_ENCODE_CPU_DOWN,
    LAC_ENCODE_CPU_PLACES,
};

struct lac_encode_cpu_norm {
    float *gain, *bias; /* [hidden] */
};

struct lac_encode_cpu_layer {
    struct lac_encode_cpu_packed *packed[LAC_ENCODE_CPU_PLACES];     /* fp32, bf16 */
    struct lac_encode_cpu_weights8 *weights8[LAC_ENCODE_CPU_PLACES]; /* int8 */
    struct lac_encode_cpu_norm norm1, norm2;
};

/* Which form of the functions a device uses. */
struct lac_encode_cpu_forms {
    const struct lac_encode_cpu_vector *vector;
    const struct lac_encode_cpu_int8 *int8;
};

struct lac_encode_device {
    const struct lac_encode_weights *weights; /* borrowed: the model outlives the device */
    enum lac_encode_class class;
    struct lac_encode_cpu_forms forms;
    struct lac_encode_cpu_onednn *library;                      /* fp32, bf16 */
    struct lac_encode_cpu_shape *shapes[LAC_ENCODE_CPU_PLACES]; /* fp32, bf16 */
    size_t step;   /* rows that go through the rest of a layer together: whole tiles */
    float *places; /* [positions][hidden]: position and kind 0, added */
    struct lac_encode_cpu_norm norm;
    struct lac_encode_cpu_layer *layers;
    char engine[96];
};

/* Sees the inputs of int8's products: x is [rows][inputs]. */
typedef void lac_encode_cpu_watch(struct lac_encode_session *s,
                                  const struct lac_encode_cpu_layer *layer,
                                  enum lac_encode_cpu_place place, const float *x, size_t rows);

struct lac_encode_session {
    const struct lac_encode_device *device;
    size_t tokens, sequences; /* limits of a batch */
    size_t chunk;             /* rows that the buffers have room for, tiles' tails apart: the
                               * longest sequence, or LAC_ENCODE_CPU_CHUNK */
    struct lac_encode_cpu_binding *bindings[LAC_ENCODE_CPU_PLACES];
    float *memory;  /* all of the following, one allocation */
    float *x;       /* [rows][hidden]: the stream between layers */
    float *qkv;     /* [rows][3 * hidden] */
    float *context; /* [rows][hidden]: attention's result */
    float *wide;    /* [step][ffn] */
    float *narrow;  /* [step][hidden] */
    float *attend;  /* scratch of a head */
    /* bf16: [rows][hidden] or [step][ffn], whichever is more; x as bfloat16. int8: [step][hidden
     * or ffn], whichever is more, in whole groups; x in 8 bits. */
    void *rounded;
    float *spread;                       /* int8: [hidden or ffn]: a row before it is rounded */
    struct lac_encode_cpu_range *ranges; /* int8: [step] */
    lac_encode_cpu_watch *watch;         /* during a trial run, else NULL */
    struct lac_encode_cpu_usuals *usuals;
};

/* Like lac_encode_backend's open(), from weights that need no model around them. */
enum lac_status lac_encode_cpu_device_open(struct lac_encode_device **out,
                                           const struct lac_encode_weights *w,
                                           enum lac_encode_class class,
                                           struct lac_err *err) LAC_MUST_USE;

/* The same with given forms of the functions: for tests. */
enum lac_status lac_encode_cpu_device_open_with(struct lac_encode_device **out,
                                                const struct lac_encode_weights *w,
                                                enum lac_encode_class class,
                                                struct lac_encode_cpu_forms forms,
                                                struct lac_err *err) LAC_MUST_USE;

/* Inputs of a product. */
size_t lac_encode_cpu_inputs(const struct lac_encode_weights *w, enum lac_encode_cpu_place place);

/*
 * What the inputs of each product usually are, as means of their squares and of themselves over a
 * made-up text: random words of the model's vocabulary, always the same ones, run by the int8
 * device itself, whose bits are the same on every machine. What matters here is which inputs stick
 * out and which are seldom zero, and these are the same in all texts. lac_encode_cpu_usuals_of()
 * is what a layer's product gets, valid as long as `u`.
 * Thread: none else has the device yet.
 */
struct lac_encode_cpu_usuals;
enum lac_status lac_encode_cpu_usuals_take(struct lac_encode_cpu_usuals **out,
                                           struct lac_encode_device *d,
                                           struct lac_err *err) LAC_MUST_USE;
void lac_encode_cpu_usuals_free(struct lac_encode_cpu_usuals *u); /* accepts NULL */
struct lac_encode_cpu_usual lac_encode_cpu_usuals_of(const struct lac_encode_cpu_usuals *u,
                                                     size_t layer, enum lac_encode_cpu_place place);

/* Runs `count` sequences that fit a chunk; starts[0] is where their ids begin. */
enum lac_status lac_encode_cpu_chunk(struct lac_encode_session *s, const int32_t *ids,
                                     const uint32_t *starts, size_t count, float *out,
                                     struct lac_err *err);

#endif
