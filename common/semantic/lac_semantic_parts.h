/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_semantic_parts - a text's tokens in sentences, or what comes near to them
 *
 * One vector of a whole window says what most of it is about: a secret sentence among nine harmless
 * ones hardly moves it. So what has several sentences is read in parts as well. A part ends with a
 * full stop, a question or an exclamation mark or a semicolon with a blank behind it, and with a
 * line, as soon as it has LAC_SEMANTIC_PART_LEAST tokens; and in any case when it has
 * LAC_SEMANTIC_PART_MOST. What is left at the end and shorter than the least belongs to the part
 * before it. Every token is in one part; parts don't overlap.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_SEMANTIC_PARTS_H
#define LAC_SEMANTIC_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "lac_encode_tokenizer.h"
#include "lac_str.h"

enum {
    /* Shorter ones say little without their neighbours, and are harmless texts' oddest pieces. */
    LAC_SEMANTIC_PART_LEAST = 12,
    LAC_SEMANTIC_PART_MOST = 40, /* longer than nine of ten sentences */
};

/* How many parts `tokens` tokens have at most. */
static inline size_t lac_semantic_parts_most(size_t tokens)
{
    return tokens / LAC_SEMANTIC_PART_LEAST + 1;
}

/*
 * `spans`: the bytes of `text` that each token stands for. Writes where each part ends to `ends`,
 * which has room for lac_semantic_parts_most(tokens), and returns how many there are: 0 where the
 * text is one part alone.
 */
size_t lac_semantic_parts(struct lac_str text, const struct lac_encode_span *spans, size_t tokens,
                          uint32_t *ends);

#endif
