/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_model_index - which file holds which tensor, where weights are in several
 *
 * model.safetensors.index.json: {"metadata": {...}, "weight_map": {tensor: file}}. Index and files
 * have to agree exactly, so that each tensor is there once and nobody can choose between two.
 * Metadata are passed over: writers differ in what total_size counts, and nothing depends on it.
 *
 * Thread: an index belongs to one thread.
 */
#ifndef LAC_ENCODE_MODEL_INDEX_H
#define LAC_ENCODE_MODEL_INDEX_H

#include "lac_encode_model_internal.h"
#include "lac_encode_model_tensors.h"

struct lac_encode_placed {
    struct lac_str tensor; /* borrowed from the index; as an entry's name */
    uint32_t shard;
};

struct lac_encode_index {
    struct lac_json *root;             /* owned */
    struct lac_encode_placed *tensors; /* owned; sorted by name */
    size_t count;
    char shards[LAC_ENCODE_SHARD_MAX][LAC_ENCODE_SHARD_NAME_MAX + 1]; /* in the model's folder */
    uint32_t shard_count;                                             /* at least 1 */
};

/* REJECT: the text names the tensor or the shard. RETRY: out of memory. Deinit is needed on LAC_OK
 * only. */
enum lac_status lac_encode_index_read(struct lac_encode_index *x, struct lac_str json,
                                      struct lac_err *err) LAC_MUST_USE;

/* Safe on a zeroed one. */
void lac_encode_index_deinit(struct lac_encode_index *x);

/* REJECT: shard number `shard` does not hold exactly what the index says; the text names it and the
 * tensor. */
enum lac_status lac_encode_index_check(const struct lac_encode_index *x, uint32_t shard,
                                       const struct lac_encode_tensors *t,
                                       struct lac_err *err) LAC_MUST_USE;

#endif
