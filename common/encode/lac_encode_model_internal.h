/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_model_internal - what the files of a model share
 *
 * lac_encode_model.c and lac_encode_model_generate.c need libc only, so that the encoder can be
 * built and measured on a machine without our libraries.
 */
#ifndef LAC_ENCODE_MODEL_INTERNAL_H
#define LAC_ENCODE_MODEL_INTERNAL_H

#include "lac_encode_model.h"

enum {
    LAC_ENCODE_MODEL_PATH_MAX = 64, /* of the pooling's folder below the model's */
    LAC_ENCODE_HIDDEN_MIN = 8,
    LAC_ENCODE_HEAD_MAX = 64,
    LAC_ENCODE_FFN_MAX = 16384,
    LAC_ENCODE_VOCAB_ROWS_MAX = 1 << 20,
    LAC_ENCODE_PLACES_MAX = 8192, /* rows of the position table; only POSITION_MAX are used */
    LAC_ENCODE_TYPE_MAX = 16,
    LAC_ENCODE_SHARD_MAX = 64, /* files with weights */
    LAC_ENCODE_SHARD_NAME_MAX = 64,
    LAC_ENCODE_NAMES_MAX = LAC_ENCODE_SHARD_MAX + 16,
};

#define LAC_ENCODE_WEIGHTS "model.safetensors"
#define LAC_ENCODE_INDEX   LAC_ENCODE_WEIGHTS ".index.json"

/* A file with weights, mapped. */
struct lac_encode_shard {
    char name[LAC_ENCODE_SHARD_NAME_MAX + 1];
    void *map;
    size_t size;
};

struct lac_encode_model {
    struct lac_encode_weights weights;
    char *folder;  /* owned; NULL: generated */
    void *memory;  /* owned; generated weights */
    size_t size;   /* bytes of them */
    uint64_t seed; /* of generated ones */
    char pooling_folder[LAC_ENCODE_MODEL_PATH_MAX + 1];
    char prefix[2][LAC_ENCODE_PREFIX_MAX + 1];            /* document, query */
    struct lac_encode_shard shards[LAC_ENCODE_SHARD_MAX]; /* of shard_count; 0: generated */
    uint32_t shard_count;
    bool indexed; /* by LAC_ENCODE_INDEX; otherwise there is one, LAC_ENCODE_WEIGHTS */
    bool hash_known;
    unsigned char hash[LAC_ENCODE_HASH_SIZE];
};

/* The names of the files below the folder that shape a vector, but for the pooling's, whether they
 * exist or not. Borrowed. Returns how many. */
size_t lac_encode_model_names(const struct lac_encode_model *m,
                              const char *out[LAC_ENCODE_NAMES_MAX]);

/* One part of a model: where it goes, what it is called, how large it has to be. */
enum lac_encode_extent {
    LAC_ENCODE_ONE,
    LAC_ENCODE_HIDDEN,
    LAC_ENCODE_FFN,
    LAC_ENCODE_VOCAB,
    LAC_ENCODE_PLACES,
    LAC_ENCODE_TYPES,
};

struct lac_encode_part {
    const char *name;
    const char *old_name; /* of norms in the first files of this kind; NULL: none */
    size_t offset;        /* of the tensor in lac_encode_weights or lac_encode_layer */
    enum lac_encode_extent rows, cols;
};

enum { LAC_ENCODE_TOP_PARTS = 5, LAC_ENCODE_LAYER_PARTS = 16 };
extern const struct lac_encode_part lac_encode_top_parts[LAC_ENCODE_TOP_PARTS];
extern const struct lac_encode_part lac_encode_layer_parts[LAC_ENCODE_LAYER_PARTS]; /* names below
                                                                        "encoder.layer.N." */

uint32_t lac_encode_extent_of(const struct lac_encode_weights *w, enum lac_encode_extent extent);

/* The tensor of a part; `base` is the struct that its offset is about. */
struct lac_encode_tensor *lac_encode_part_tensor(const struct lac_encode_part *part, void *base);

/* Whether numbers of a shape are within the limits. REJECT names the one that isn't, as
 * config.json calls it. */
enum lac_status lac_encode_shape_check(const struct lac_encode_weights *w,
                                       struct lac_err *err) LAC_MUST_USE;

#endif
