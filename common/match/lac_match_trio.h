/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_trio - where one of a few texts may begin, by its first three bytes
 *
 * Private to common/match. Texts are in eight buckets. For each of the three places two tables say,
 * by a byte's lower and by its upper half, in which buckets a text may have such a byte there; what
 * is in all six may begin here. Sixteen places are looked at with a handful of instructions, which
 * a table of hashes can't do. What is let through has to be compared.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_TRIO_H
#define LAC_MATCH_TRIO_H

#include <stddef.h>
#include <stdint.h>

enum {
    LAC_MATCH_TRIO = 3,
    LAC_MATCH_TRIO_BUCKETS = 8,
    LAC_MATCH_TRIO_STEP = 16,                                      /* places that are looked at */
    LAC_MATCH_TRIO_READ = LAC_MATCH_TRIO_STEP + LAC_MATCH_TRIO - 1 /* bytes that are read */
};

struct lac_match_trio {
    uint8_t low[LAC_MATCH_TRIO][16], high[LAC_MATCH_TRIO][16]; /* a bit per bucket */
};

/* Allows `byte` at place `at` of the texts in `bucket`. */
static inline void lac_match_trio_put(struct lac_match_trio *t, unsigned at, unsigned char byte,
                                      unsigned bucket)
{
    t->low[at][byte & 15] |= (uint8_t)(1u << bucket);
    t->high[at][byte >> 4] |= (uint8_t)(1u << bucket);
}

/* For each of the first LAC_MATCH_TRIO_STEP of LAC_MATCH_TRIO_READ bytes the buckets of which a
 * text may begin there, a bit each. Returns where any may: bit i, byte i. */
unsigned lac_match_trio_at(const struct lac_match_trio *t, const unsigned char *bytes,
                           uint8_t buckets[LAC_MATCH_TRIO_STEP]);

#endif
