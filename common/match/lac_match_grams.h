/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_grams - which pairs of neighbouring bytes a short text has
 *
 * Private to common/match. Lists of words that may be anywhere in a value are long, values short,
 * and hardly any word is there: made once, the pairs refute nearly all of a list's words by their
 * first two and last two bytes, and only what is left is compared. Letters count in either case.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_GRAMS_H
#define LAC_MATCH_GRAMS_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lac_str.h"

enum { LAC_MATCH_GRAMS = 1024 };

struct lac_match_grams {
    bool has[LAC_MATCH_GRAMS]; /* bytes, as the next one need not wait for the one before */
};

/* Both bytes but for bit 0x20, which is a letter's case. */
static inline unsigned lac_match_gram(const char *p)
{
    uint16_t pair;

    memcpy(&pair, p, sizeof(pair));
    return ((le16toh(pair) & 0xDFDFu) * 0x9E3779B1u) >> 22;
}

static inline void lac_match_grams_of(struct lac_match_grams *g, struct lac_str text)
{
    memset(g, 0, sizeof(*g));
    for (size_t i = 0; i + 1 < text.len; i++)
        g->has[lac_match_gram(text.ptr + i)] = true;
}

/* False: a word of two bytes or more is not in the text: it lacks the first pair or the last. */
static inline bool lac_match_grams_word(const struct lac_match_grams *g, const char *word)
{
    return g->has[lac_match_gram(word)] && g->has[lac_match_gram(word + strlen(word) - 2)];
}

#endif
