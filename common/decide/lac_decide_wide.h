/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_decide_wide - whole numbers wide enough for a product of all likelihoods
 *
 * Private to common/decide. A prior, LAC_DECIDE_OPINION_MAX likelihoods and a cost have 20 bits
 * each; nothing else is ever multiplied in, so the width is fixed and nothing can overflow.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_DECIDE_WIDE_H
#define LAC_DECIDE_WIDE_H

#include <stdint.h>

#include "lac_decide.h"

enum {
    /* prior + opinions + cost + normalisation, 20 bits each, and 8 bits for sums */
    LAC_WIDE_BITS = 20 * (LAC_DECIDE_OPINION_MAX + 3) + 8,
    LAC_WIDE_LIMBS = (LAC_WIDE_BITS + 63) / 64,
};

struct lac_wide {
    unsigned used;                 /* limbs; the last one is not 0 */
    uint64_t limb[LAC_WIDE_LIMBS]; /* least significant first; undefined from `used` on */
};

void lac_wide_set(struct lac_wide *w, uint64_t value);
void lac_wide_copy(struct lac_wide *to, const struct lac_wide *from);
void lac_wide_mul(struct lac_wide *w, uint64_t factor);
void lac_wide_add(struct lac_wide *w, const struct lac_wide *more);
int lac_wide_cmp(const struct lac_wide *a, const struct lac_wide *b);

/* floor(a / b), which must be below 2^bits, b not 0; `rest` (not NULL) gets the remainder. */
uint64_t lac_wide_div(const struct lac_wide *a, const struct lac_wide *b, unsigned bits,
                      struct lac_wide *rest);

#endif
