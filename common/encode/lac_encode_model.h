/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_model - a BERT-family encoder as Hugging Face folders hold it
 *
 * Reads config.json, model.safetensors (F32, F16, BF16; tensor names with or without "bert.") or,
 * where there is none, the files that model.safetensors.index.json names; sentence-transformers'
 * modules.json, its pooling and its sentence_bert_config.json. The weights are mapped, not copied.
 * Formats: https://huggingface.co/docs/safetensors and the files that sentence-transformers 2 and
 * later write. Hostile files are refused with the tensor's or the file's name: overlapping, huge or
 * misshapen tensors, offsets beyond the file, deep JSON.
 *
 * Refused besides: what would be ignored silently and make another vector, such as a tensor below
 * encoder. or embeddings. that this form of the model does not have, a Dense module, or weights
 * that are not finite numbers. Tensors of heads that an encoder does not need (pooler., cls.) and
 * the constant position_ids are passed over.
 *
 * The file must not be changed in place while it is open: replace it by rename.
 *
 * Thread: any. A model is immutable once it is open.
 *
 * Layout of a weight is the file's: rows = outputs, columns = inputs, row by row (y = x W^T + b).
 */
#ifndef LAC_ENCODE_MODEL_H
#define LAC_ENCODE_MODEL_H

#include "lac_encode.h"

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

enum { LAC_ENCODE_LAYER_MAX = 48, LAC_ENCODE_PREFIX_MAX = 128, LAC_ENCODE_HASH_SIZE = 32 };

struct lac_encode_weights {
    uint32_t hidden, layers, heads, ffn; /* hidden = heads x head size; hidden <= WIDTH_MAX */
    uint32_t vocab, positions, types;    /* rows of the three embedding tables */
    uint32_t window;                     /* tokens that the model was made for, with [CLS] and
                                            [SEP]; <= positions and <= POSITION_MAX */
    float eps;                           /* of the layer norms */
    enum lac_encode_pooling pooling;
    bool normalize;                                                 /* to unit length */
    struct lac_encode_tensor words, places, kinds, norm, norm_bias; /* embeddings */
    struct lac_encode_layer layer[LAC_ENCODE_LAYER_MAX];
};

/* Opens and maps a folder. REJECT: something in it is wrong, hidden_act is not gelu (the erf form),
 * or a position embedding is not absolute; the text names file, tensor or field. FATAL: it can't be
 * read, or no memory. */
enum lac_status lac_encode_model_open(struct lac_encode_model **out, const char *folder,
                                      struct lac_err *err) LAC_MUST_USE;

/* A model of the given shape with generated F32 weights (seeded, bell-shaped around 0, norms around
 * 1; the same bits everywhere): for benchmarks and checks on machines without one. The tensors of
 * `shape` are ignored. Needs libc only. REJECT: a shape out of range. */
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
 * Identity: SHA-256 over one line `path, size, sha256` (as a pack's hash is made), sorted by path,
 * of exactly the files that shape a vector, as far as they exist: all with weights, their index,
 * the configurations and the tokenizer's. Goes into decisions. A generated model's
 * is made of its shape and seed. Reads all of the files (0.4 s a gigabyte) unless the store
 * (lac_encode_store.h) has checked them and knew it: ask once. FATAL: a file can't be read.
 */
enum lac_status lac_encode_model_hash(const struct lac_encode_model *m,
                                      unsigned char out[LAC_ENCODE_HASH_SIZE],
                                      struct lac_err *err) LAC_MUST_USE;

#endif
