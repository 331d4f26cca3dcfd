/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_tier.h"

#include "lac_assert.h"

static const char *const names[LAC_TIER_COUNT] = {
    [LAC_TIER_PUBLIC] = "PUBLIC",
    [LAC_TIER_INTERNAL] = "INTERNAL",
    [LAC_TIER_PROPRIETARY] = "PROPRIETARY",
};

const char *lac_tier_name(enum lac_tier tier)
{
    LAC_ASSERT((unsigned)tier < LAC_TIER_COUNT);
    return names[tier];
}

bool lac_tier_parse(struct lac_str text, enum lac_tier *out)
{
    for (int i = 0; i < LAC_TIER_COUNT; i++) {
        if (!lac_str_eq_nocase(text, names[i]))
            continue;
        *out = (enum lac_tier)i;
        return true;
    }
    return false;
}
