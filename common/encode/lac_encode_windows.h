/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_windows - a text's tokens in pieces that a model can take
 *
 * A text longer than the model's window is split into windows that overlap, so that what stands at
 * the end of one stands in the middle of the next. Each is [CLS] prefix tokens [SEP]; the prefix
 * (of a query, lac_encode_model_prefix()) is in all of them. All windows but the last are full;
 * the last has at least one token that no other has. Nothing is cut off silently: the number of
 * windows is bounded, and what the bound left out is a number in the answer.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_ENCODE_WINDOWS_H
#define LAC_ENCODE_WINDOWS_H

#include "lac_encode_tokenizer.h"

struct lac_encode_windows {
    size_t tokens; /* of the text */
    size_t count;  /* of windows: at least 1, an empty text has an empty one */
    size_t left;   /* tokens at the end of the text that are in no window */
    uint32_t body; /* tokens of the text in a full window */
    uint32_t stride;
};

/*
 * `window`: tokens of a sequence with [CLS] and [SEP] (the model's); `prefix`: tokens of the
 * prefix; `overlap`: tokens that neighbours have in common; `limit` > 0: windows at most. Too much
 * prefix or overlap for the window is our mistake: window - 2 - prefix > overlap is asserted.
 */
struct lac_encode_windows lac_encode_windows_of(size_t tokens, uint32_t window, uint32_t prefix,
                                                uint32_t overlap, size_t limit);

/* A quarter of the body: an eighth on both sides of every token that has any. */
uint32_t lac_encode_windows_overlap(uint32_t window, uint32_t prefix);

/* Which tokens of the text are in window `index`: [*from, *to). */
void lac_encode_windows_at(const struct lac_encode_windows *w, size_t index, size_t *from,
                           size_t *to);

/*
 * Writes window `index` as a sequence: [CLS], `prefix`, its tokens of `ids` (all of the text's),
 * [SEP]. Returns its length, at most `window` tokens, which `out` must have room for.
 */
size_t lac_encode_windows_put(const struct lac_encode_windows *w, size_t index,
                              const struct lac_encode_tokenizer *t, const int32_t *prefix,
                              size_t prefix_count, const int32_t *ids, int32_t *out);

#endif
