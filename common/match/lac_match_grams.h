/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_grams - which pairs of neighbouring bytes a short text has, as a few bits
 *
 * Private to common/match. Lists of words that may be anywhere in a value are long, values short,
 * and hardly any word is there: made once, the bits refute nearly all of a list's words by their
 * first two and last two bytes, and only what is left is compared. Letters count in either case.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_GRAMS_H
#define LAC_MATCH_GRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_str.h"

enum { LAC_MATCH_GRAMS_WORDS = 16 };

struct lac_match_grams {
    uint64_t bits[LAC_MATCH_GRAMS_WORDS];
};

/* Both bytes but for bit 0x20, which is a letter's case. */
static inline unsigned lac_match_gram(unsigned char a, unsigned char b)
{
    return ((a & 0x1Fu) * 37 + (a >> 6) * 11 + (b & 0x1Fu) + (b >> 6) * 64) %
           (64 * LAC_MATCH_GRAMS_WORDS);
}

static inline void lac_match_grams_of(struct lac_match_grams *g, struct lac_str text)
{
    *g = (struct lac_match_grams){{0}};
    for (size_t i = 0; i + 1 < text.len; i++) {
        unsigned n = lac_match_gram((unsigned char)text.ptr[i], (unsigned char)text.ptr[i + 1]);

        g->bits[n / 64] |= (uint64_t)1 << (n % 64);
    }
}

static inline bool lac_match_grams_pair(const struct lac_match_grams *g, const char *p)
{
    unsigned n = lac_match_gram((unsigned char)p[0], (unsigned char)p[1]);

    return g->bits[n / 64] >> (n % 64) & 1;
}

/* False: the text does not have `word`, in any case of its letters. */
static inline bool lac_match_grams_may(const struct lac_match_grams *g, struct lac_str word)
{
    return word.len < 2 ||
           (lac_match_grams_pair(g, word.ptr) && lac_match_grams_pair(g, word.ptr + word.len - 2));
}

#endif
