/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shannon's entropy of what a pattern matches, in whole numbers, because a decision must be the
 * same on every machine and a mathematics library's last bit is not.
 *
 * In a run in which a pattern matches wherever a word begins, and each match has too little
 * entropy, the next match shares nearly all of its bytes with the one before. So the counts stay
 * where they are and move along: a byte that comes or goes costs the same however long the match
 * is, and the sums are exact, so that it does not matter how they were reached.
 */
#include "lac_match_internal.h"

#include <string.h>

/* The binary logarithm in 2^-20ths, by repeated squaring. */
static uint64_t log2_fixed(uint32_t n)
{
    unsigned whole = 31 - (unsigned)__builtin_clz(n);
    uint64_t x = ((uint64_t)n << 31) >> whole; /* 1 <= x < 2, in 2^-31ths */
    uint64_t result = whole;

    for (int i = 0; i < 20; i++) {
        x = x * x >> 31;
        result = result << 1 | (x >> 32 & 1);
        x >>= x >> 32 & 1;
    }
    return result;
}

/* n * log2(n), which for small n needs no computing. */
static inline uint64_t n_log2(uint32_t n)
{
    static const uint32_t small[] = {
        0,         0,         2097152,   4985859,   8388608,   12173590,  16263174,  20606068,
        25165824,  29915163,  34832940,  39902236,  45109260,  50442496,  55892200,  61450065,
        67108864,  72862255,  78704694,  84631206,  90637400,  96719238,  102873144, 109095854,
        115384344, 121735900, 128147968, 134618220, 141144528, 147724898, 154357410, 161040381,
        167772160, 174551190, 181376094, 188245505, 195158124, 202112759, 209108300, 216143655,
        223217840, 230329800, 237478668, 244663550, 251883632, 259138125, 266426204, 273747176,
        281100336, 288485001, 295900600, 303346419, 310821888, 318326427, 325859544, 333420725,
        341009312, 348624996, 356267204, 363935482, 371629380, 379348508, 387092474, 394860816,
        402653184};

    return n < LAC_COUNT(small) ? small[n] : n * log2_fixed(n);
}

/* By how much the sum over all different bytes grows when one that was there `n` times comes again;
 * its first time adds nothing. */
static uint64_t term(const struct lac_match_entropy *e, uint32_t n)
{
    if (n == 0)
        return 0;
    return n < LAC_MATCH_ENTROPY_TERMS ? e->terms[n] : n_log2(n + 1) - n_log2(n);
}

void lac_match_entropy_init(struct lac_match_entropy *e)
{
    *e = (struct lac_match_entropy){0};
    for (uint32_t n = 1; n < LAC_MATCH_ENTROPY_TERMS; n++)
        e->terms[n] = (uint32_t)(n_log2(n + 1) - n_log2(n));
}

static void come(struct lac_match_entropy *e, const char *from, const char *to)
{
    for (; from < to; from++)
        e->sum += term(e, e->seen[(unsigned char)*from]++);
}

/* The same of a text on its own that has no more bytes than there are terms. */
static void come_first(struct lac_match_entropy *e, const char *from, const char *to)
{
    uint64_t sum = 0;

    memset(e->seen, 0, sizeof(e->seen));
    /* A third of it would be counting. */
#pragma GCC unroll 4
    for (; from < to; from++)
        sum += e->terms[e->seen[(unsigned char)*from]++];
    e->sum = sum;
}

static void leave(struct lac_match_entropy *e, const char *from, const char *to)
{
    for (; from < to; from++)
        e->sum -= term(e, --e->seen[(unsigned char)*from]);
}

static size_t apart(const char *a, const char *b)
{
    return (size_t)(a < b ? b - a : a - b);
}

/* Thousandths of a bit per byte. */
static uint32_t entropy_of(struct lac_match_entropy *e, struct lac_str text)
{
    const char *from = text.ptr, *to = text.ptr + text.len;
    uint32_t len = (uint32_t)text.len;

    if (len == 0)
        return 0;
    if (from < e->to && to > e->from && apart(from, e->from) + apart(to, e->to) < text.len) {
        come(e, from, e->from);
        come(e, e->to, to);
        leave(e, e->from, from);
        leave(e, to, e->to);
    } else if (text.len < LAC_MATCH_ENTROPY_TERMS) {
        come_first(e, from, to);
    } else {
        memset(e->seen, 0, sizeof(e->seen));
        e->sum = 0;
        come(e, from, to);
    }
    e->from = from;
    e->to = to;
    return (uint32_t)(((n_log2(len) - e->sum) * 1000 / len + (1 << 19)) >> 20);
}

bool lac_match_passes(struct lac_match_scratch *s, uint32_t rule, struct lac_str candidate)
{
    const struct lac_match_live *r = &s->m->live[rule];

    if (r->min_entropy > 0 && entropy_of(&s->entropy, candidate) < r->min_entropy)
        return false;
    return !r->validate || r->validate(candidate);
}
