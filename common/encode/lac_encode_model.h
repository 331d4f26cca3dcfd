/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_model - a BERT-family encoder as Hugging Face folders hold it
 *
 * Reads config.json, model.safetensors (F32, F16, BF16; tensor names with or without "bert."),
 * sentence-transformers' modules.json, its pooling and its sentence_bert_config.json. The weights
 * are mapped, not copied. Formats: https://huggingface.co/docs/safetensors and the files that
 * sentence-transformers 2 and later write. Hostile files are refused with the tensor's or the
 * file's name: overlapping, huge or misshapen tensors, offsets beyond the file, deep JSON.
 *
 * Layout of a weight is the file's: rows = outputs, columns = inputs, row by row (y = x W^T + b).
 */
#ifndef LAC_ENCODE_MODEL_H
#define LAC_ENCODE_MODEL_H

#include "lac_encode.h"

struct lac_hash256;
struct lac_encode_model;

enum lac_encode_dtype { LAC_ENCODE_F32, LAC_ENCODE_F16, LAC_ENCODE_BF16 };

/* Elements may lie at any address: read them with lac_encode_tensor_read(), or by memcpy. */
struct lac_encode_tensor {
    const void *data;
    enum lac_encode_dtype dtype;
    uint32_t rows, cols; /* a vector has one row */
};

/* Converts `count` elements from `at` on (row by row) to floats. Exact for all three types. */
void lac_encode_tensor_read(const struct lac_encode_tensor *t, size_t at, size_t count, float *out);

struct lac_encode_layer {
    struct lac_encode_tensor q, q_bias, k, k_bias, v, v_bias; /* hidden x hidden, 1 x hidden */
    struct lac_encode_tensor out, out_bias;                   /* attention's output */
    struct lac_encode_tensor norm1, norm1_bias;               /* after attention + residual */
    struct lac_encode_tensor up, up_bias;                     /* ffn x hidden */
    struct lac_encode_tensor down, down_bias;                 /* hidden x ffn */
    struct lac_encode_tensor norm2, norm2_bias;               /* after ffn + residual */
};

enum lac_encode_pooling { LAC_ENCODE_POOL_MEAN, LAC_ENCODE_POOL_CLS };

enum { LAC_ENCODE_LAYER_MAX = 48, LAC_ENCODE_PREFIX_MAX = 128 };

struct lac_encode_weights {
    uint32_t hidden, layers, heads, ffn; /* hidden = heads x head size; hidden <= WIDTH_MAX */
    uint32_t vocab, positions, types;    /* rows of the three embedding tables */
    uint32_t window;                     /* tokens that the model was made for, <= positions */
    float eps;                           /* of the layer norms */
    enum lac_encode_pooling pooling;
    bool normalize;                                                 /* to unit length */
    struct lac_encode_tensor words, places, kinds, norm, norm_bias; /* embeddings */
    struct lac_encode_layer layer[LAC_ENCODE_LAYER_MAX];
};

/* Opens and maps a folder. REJECT: something in it is wrong, hidden_act is not gelu (the erf form),
 * or a position embedding is not absolute. FATAL: it can't be read, or no memory. Thread: any. */
enum lac_status lac_encode_model_open(struct lac_encode_model **out, const char *folder,
                                      struct lac_err *err) LAC_MUST_USE;

/* A model of the given shape with generated weights (seeded, small normal values): for
 * benchmarks and checks on machines without one. The tensors of `shape` are ignored. */
enum lac_status lac_encode_model_generate(struct lac_encode_model **out,
                                          const struct lac_encode_weights *shape, uint64_t seed,
                                          struct lac_err *err) LAC_MUST_USE;

/* Accepts NULL. */
void lac_encode_model_close(struct lac_encode_model *m);

/* All of the following are borrowed until lac_encode_model_close(). */
const struct lac_encode_weights *lac_encode_model_weights(const struct lac_encode_model *m);

/* The folder that it came from; NULL for a generated one. The tokenizer's files are there. */
const char *lac_encode_model_folder(const struct lac_encode_model *m);

/* What is put before a text of a query and of a document, as config_sentence_transformers.json
 * says ("query: ", ""). */
struct lac_str lac_encode_model_prefix(const struct lac_encode_model *m, bool query);

/*
 * Identity: SHA-256 over one line `path, size, sha256` (as a pack's hash is made) of exactly the
 * files that shape a vector: config.json, model.safetensors, the tokenizer's files, modules.json,
 * the pooling's and sentence_bert_config.json, as far as they exist. Computed when it is first
 * asked for unless the store (lac_encode_store.h) knew it. Goes into decisions.
 */
enum lac_status lac_encode_model_hash(const struct lac_encode_model *m, struct lac_hash256 *out,
                                      struct lac_err *err) LAC_MUST_USE;

#endif
