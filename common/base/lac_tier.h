/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_tier - how sensitive something is
 *
 * Tiers form a lattice. Every place that combines tiers uses lac_tier_join(), so that
 * "the stricter one wins" is true everywhere or nowhere. The values are the ordinals of
 * the Avro enum lacuna.Tier and the index into every likelihood and cost array.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_TIER_H
#define LAC_TIER_H

#include <stdbool.h>

#include "lac_compiler.h"
#include "lac_str.h"

enum lac_tier {
    LAC_TIER_PUBLIC = 0,
    LAC_TIER_INTERNAL = 1,
    LAC_TIER_PROPRIETARY = 2,
};

enum { LAC_TIER_COUNT = 3 };

/* The least tier that is at least as strict as both: commutative, associative, idempotent. */
static inline enum lac_tier lac_tier_join(enum lac_tier a, enum lac_tier b)
{
    return a > b ? a : b;
}

/* "PUBLIC", "INTERNAL" or "PROPRIETARY". Aborts on any other value: it can't come from input. */
const char *lac_tier_name(enum lac_tier tier);

/* Accepts the three names in any letter case. False leaves `*out` untouched. */
bool lac_tier_parse(struct lac_str text, enum lac_tier *out) LAC_MUST_USE;

#endif
