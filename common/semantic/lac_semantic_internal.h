/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_semantic_internal - what the files of common/semantic share
 */
#ifndef LAC_SEMANTIC_INTERNAL_H
#define LAC_SEMANTIC_INTERNAL_H

#include "lac_encode_model.h"
#include "lac_encode_tokenizer.h"
#include "lac_semantic.h"
#include "lac_semantic_gate.h"

enum { LAC_SEMANTIC_PREFIX_TOKENS = LAC_ENCODE_PREFIX_MAX };

/* A model with its tokenizer; shared by devices with different numbers of layers. */
struct lac_semantic_source {
    struct lac_encode_model *model;
    struct lac_encode_tokenizer *tokenizer;
    unsigned char hash[LAC_ENCODE_HASH_SIZE];
    int32_t prefix[LAC_SEMANTIC_PREFIX_TOKENS]; /* tokens before each text */
    size_t prefix_count;
};

struct lac_semantic_device {
    struct lac_semantic *owner;
    const struct lac_semantic_source *source;
    struct lac_encode_weights weights; /* the model's with `layers` lowered */
    const struct lac_encode_backend *backend;
    enum lac_encode_class class;
    struct lac_encode_device *device;
    struct lac_semantic_gate *gate;
};

/*
 * ---- a memo (lac_semantic.h), as lac_semantic_ask() uses it ----
 *
 * Each call begins with _begin(); what _list() notes is encoded, and windows are handed to
 * _put_window() with the place in that list as their text. What there is no room for is not
 * remembered.
 */

/* Room for `count` texts. False: no memory; the call goes without a memo. */
bool lac_semantic_memo_begin(struct lac_semantic_memo *m, size_t count) LAC_MUST_USE;

bool lac_semantic_memo_answer(const struct lac_semantic_memo *m, const struct lac_head *head,
                              struct lac_str text, struct lac_semantic_answer *answer,
                              struct lac_semantic_cover *cover) LAC_MUST_USE;
void lac_semantic_memo_put_answer(struct lac_semantic_memo *m, const struct lac_head *head,
                                  struct lac_str text, const struct lac_semantic_answer *answer,
                                  const struct lac_semantic_cover *cover);

/* Hands the text's windows, with its sentences where `parts`, to `each` as those of text `index`.
 * False: they are not remembered. */
bool lac_semantic_memo_replay(const struct lac_semantic_memo *m,
                              const struct lac_semantic_device *d, bool parts, struct lac_str text,
                              size_t index, struct lac_semantic_cover *cover,
                              lac_semantic_window_fn *each, void *ctx) LAC_MUST_USE;
/* `parts`: whether sentences come behind the windows, where there are any. */
void lac_semantic_memo_put_window(struct lac_semantic_memo *m, const struct lac_semantic_device *d,
                                  bool parts, const struct lac_semantic_window *w);

/* The `at`-th text to encode is the call's `index`-th. */
void lac_semantic_memo_list(struct lac_semantic_memo *m, size_t at, size_t index,
                            struct lac_str text);
/* The list: indexes, texts and where their cover goes. Borrowed until the next call. */
const size_t *lac_semantic_memo_todo(const struct lac_semantic_memo *m,
                                     const struct lac_str **texts,
                                     struct lac_semantic_cover **cover);

/* As lac_semantic_encode(), and with `parts` also the sentences of texts that have several. */
enum lac_status lac_semantic_read(struct lac_semantic_lane *l, const struct lac_str *texts,
                                  size_t count, bool parts, struct lac_semantic_cover *cover,
                                  lac_semantic_window_fn *each, void *ctx,
                                  struct lac_err *err) LAC_MUST_USE;

/* Of a lane. */
struct lac_semantic_memo *lac_semantic_lane_memo(const struct lac_semantic_lane *l);
const struct lac_semantic_device *lac_semantic_lane_device(const struct lac_semantic_lane *l);

/* What a call of the device came to, for readiness. Cheap when all is well. */
void lac_semantic_note_call(const struct lac_semantic_device *d, enum lac_status status,
                            const struct lac_err *err);

#endif
