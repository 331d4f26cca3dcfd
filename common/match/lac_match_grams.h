/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_grams - which pairs of neighbouring bytes a short text has
 *
 * Private to common/match. Lists of words that may be anywhere in a value are long, values short,
 * and hardly any word is there: made once, the pairs refute nearly all of a list's words by their
 * first, last and middle two bytes, and only what is left is compared. Letters count in either
 * case.
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
#define LAC_MATCH_GRAM_OF(pair) ((((pair)&0xDFDFu) * 0x9E3779B1u) >> 22)

static inline unsigned lac_match_gram(const char *p)
{
    uint16_t pair;

    memcpy(&pair, p, sizeof(pair));
    return LAC_MATCH_GRAM_OF(le16toh(pair));
}

static inline void lac_match_grams_of(struct lac_match_grams *g, struct lac_str text)
{
    memset(g, 0, sizeof(*g));
    for (size_t i = 0; i + 1 < text.len; i++)
        g->has[lac_match_gram(text.ptr + i)] = true;
}

/* A word of a list, of two bytes or more, with the pairs that it begins with, has in its middle and
 * ends with. The compiler finds them: lists are long, and each of their words is asked about. */
struct lac_match_gram_word {
    const char *text; /* NULL behind the last one */
    uint16_t len;
    uint16_t pairs[3];
};

#define LAC_MATCH_GRAM_AT(word, i) \
    (uint16_t) LAC_MATCH_GRAM_OF((uint8_t)(word)[i] | (uint32_t)(uint8_t)(word)[(i) + 1] << 8)
#define LAC_MATCH_GRAM_WORD(word)                                                        \
    {                                                                                    \
        (word), sizeof(word) - 1,                                                        \
        {                                                                                \
            LAC_MATCH_GRAM_AT(word, 0), LAC_MATCH_GRAM_AT(word, (sizeof(word) - 3) / 2), \
                LAC_MATCH_GRAM_AT(word, sizeof(word) - 3)                                \
        }                                                                                \
    }

/* False: the word is not in the text: it lacks one of the pairs. */
static inline bool lac_match_grams_word(const struct lac_match_grams *g,
                                        const struct lac_match_gram_word *word)
{
    return g->has[word->pairs[0]] && g->has[word->pairs[2]] && g->has[word->pairs[1]];
}

#endif
