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

enum {
    LAC_MATCH_GRAMS_FIRST = 4, /* of a hint: the first pair is known, its number from bit 10 on */
    LAC_MATCH_GRAMS_LAST = 8,  /* the last pair is, from bit 20 on */
};

/* The first and the last pair of a folded text, to be kept beside it. A blank may be anything that
 * parts words, so pairs with one say nothing. */
static inline uint32_t lac_match_grams_hint(struct lac_str t)
{
    const unsigned char *p = (const unsigned char *)t.ptr;
    uint32_t hint = 0;

    if (t.len >= 2 && p[0] != ' ' && p[1] != ' ')
        hint |= LAC_MATCH_GRAMS_FIRST | lac_match_gram(p[0], p[1]) << 10;
    if (t.len >= 2 && p[t.len - 2] != ' ' && p[t.len - 1] != ' ')
        hint |= LAC_MATCH_GRAMS_LAST | lac_match_gram(p[t.len - 2], p[t.len - 1]) << 20;
    return hint;
}

/* False: the text does not have the one of the hint inside. */
static inline bool lac_match_grams_hinted(const struct lac_match_grams *g, uint32_t hint)
{
    unsigned first = hint >> 10 & 1023, last = hint >> 20 & 1023;

    return (!(hint & LAC_MATCH_GRAMS_FIRST) || g->bits[first / 64] >> (first % 64) & 1) &&
           (!(hint & LAC_MATCH_GRAMS_LAST) || g->bits[last / 64] >> (last % 64) & 1);
}

#endif
