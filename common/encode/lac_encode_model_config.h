/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_model_config - the small JSON files of a model's folder
 *
 * What transformers and sentence-transformers write. What would change the vector and is not
 * supported is refused by name; what has no influence on it is passed over. All functions: REJECT
 * names the field, RETRY is out of memory; the caller adds the file's name.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_ENCODE_MODEL_CONFIG_H
#define LAC_ENCODE_MODEL_CONFIG_H

#include "lac_encode_model_internal.h"

enum { LAC_ENCODE_CONFIG_BYTES = 1 << 20 /* of one file */, LAC_ENCODE_MODULE_MAX = 16 };

/* config.json: the shape. Sets the numbers of `w` and `window` to what the positions allow. */
enum lac_status lac_encode_config_read(struct lac_str json, struct lac_encode_weights *w,
                                       struct lac_err *err) LAC_MUST_USE;

/* modules.json: Transformer, Pooling, optionally Normalize, in this order. */
struct lac_encode_modules {
    char pooling_folder[LAC_ENCODE_MODEL_PATH_MAX + 1]; /* relative, without ".." */
    bool normalize;
};
enum lac_status lac_encode_modules_read(struct lac_str json, struct lac_encode_modules *out,
                                        struct lac_err *err) LAC_MUST_USE;

/* The pooling's config.json. */
enum lac_status lac_encode_pooling_read(struct lac_str json, uint32_t hidden,
                                        enum lac_encode_pooling *out,
                                        struct lac_err *err) LAC_MUST_USE;

/* sentence_bert_config.json; leaves `window` alone unless the file says one. */
enum lac_status lac_encode_window_read(struct lac_str json, uint32_t *window,
                                       struct lac_err *err) LAC_MUST_USE;

/* tokenizer_config.json: what counts where sentence_bert_config.json says nothing. Only lowers
 * `window`. */
enum lac_status lac_encode_limit_read(struct lac_str json, uint32_t *window,
                                      struct lac_err *err) LAC_MUST_USE;

/* config_sentence_transformers.json: prefixes of documents (0) and of queries (1). */
enum lac_status lac_encode_prompts_read(struct lac_str json,
                                        char prefix[2][LAC_ENCODE_PREFIX_MAX + 1],
                                        struct lac_err *err) LAC_MUST_USE;

#endif
