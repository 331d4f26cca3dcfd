/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_model_tensors - the table of a safetensors file
 *
 * Format (https://huggingface.co/docs/safetensors): 8 bytes little-endian length of the header, the
 * header as a JSON object of name -> {dtype, shape, data_offsets}, then the tensors' bytes.
 * Checked: the header's length, its JSON, each dtype, that shape and offsets mean the same number
 * of bytes, and that the tensors cover the rest of the file without a gap or an overlap, as the
 * format asks.
 *
 * Thread: a table belongs to one thread until nobody changes it any more.
 */
#ifndef LAC_ENCODE_MODEL_TENSORS_H
#define LAC_ENCODE_MODEL_TENSORS_H

#include "lac_encode_model.h"

enum {
    LAC_ENCODE_HEADER_MAX = 1 << 20, /* bytes; bge-large's is 0.05 of it */
    LAC_ENCODE_TENSOR_MAX = 4096,
    LAC_ENCODE_RANK_MAX = 4,
    LAC_ENCODE_NAME_MAX = 200, /* bytes of a tensor's name */
};

struct lac_encode_entry {
    struct lac_str name;  /* borrowed from the table; printable ASCII without quotes */
    struct lac_str dtype; /* as the file says it: "F32"; borrowed */
    uint32_t rank;
    uint64_t shape[LAC_ENCODE_RANK_MAX];
    const unsigned char *data; /* borrowed from the file */
    uint64_t size;             /* bytes */
    bool used;                 /* for the caller */
};

struct lac_encode_tensors {
    struct lac_json *header;          /* owned */
    struct lac_encode_entry *entries; /* owned; sorted by name */
    size_t count;
};

/* Reads the table of a file in memory, which it borrows. REJECT: the text names the tensor. RETRY:
 * out of memory. Deinit is needed on LAC_OK only. */
enum lac_status lac_encode_tensors_init(struct lac_encode_tensors *t, const void *file, size_t size,
                                        struct lac_err *err) LAC_MUST_USE;

/* Safe on a zeroed one. */
void lac_encode_tensors_deinit(struct lac_encode_tensors *t);

/* Whether a tensor may be called that: what is printed in errors and logs. */
bool lac_encode_tensor_name_ok(struct lac_str name) LAC_MUST_USE;

/* By name, for lac_encode_tensors_find(): needed only for a table that was put together. */
void lac_encode_tensors_sort(struct lac_encode_tensors *t);

/* NULL: there is none of that name. */
struct lac_encode_entry *lac_encode_tensors_find(const struct lac_encode_tensors *t,
                                                 struct lac_str name);

/*
 * Finds all tensors of a model of the shape in `w` (its numbers are filled in and within the
 * limits) and points `w` at them; names may have "bert." in front. REJECT: one is missing, of
 * another shape or type, holds a value that is not finite, or is one that this form of the model
 * does not have.
 */
enum lac_status lac_encode_tensors_bind(struct lac_encode_tensors *t, struct lac_encode_weights *w,
                                        struct lac_err *err) LAC_MUST_USE;

#endif
