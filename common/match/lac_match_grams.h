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

static inline bool lac_match_grams_pair(const struct lac_match_grams *g, const char *p)
{
    return g->has[lac_match_gram(p)];
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
        hint |= LAC_MATCH_GRAMS_FIRST | lac_match_gram(t.ptr) << 10;
    if (t.len >= 2 && p[t.len - 2] != ' ' && p[t.len - 1] != ' ')
        hint |= LAC_MATCH_GRAMS_LAST | lac_match_gram(t.ptr + t.len - 2) << 20;
    return hint;
}

/* False: the text does not have the one of the hint inside. */
static inline bool lac_match_grams_hinted(const struct lac_match_grams *g, uint32_t hint)
{
    return (!(hint & LAC_MATCH_GRAMS_FIRST) || g->has[hint >> 10 & (LAC_MATCH_GRAMS - 1)]) &&
           (!(hint & LAC_MATCH_GRAMS_LAST) || g->has[hint >> 20 & (LAC_MATCH_GRAMS - 1)]);
}

#endif
