/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_findings - where findings are kept while a pack is linted
 *
 * Private to common/pack. Texts are in the pack's pool.
 */
#ifndef LAC_PACK_FINDINGS_H
#define LAC_PACK_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_pack_lint.h"

struct lac_pack_findings {
    struct lac_pack_finding *at; /* owned */
    size_t count, capacity;
    size_t dropped;
    bool no_memory;
};

/* Sorts as lac_pack_lint.h says. */
void lac_pack_findings_sort(struct lac_pack_findings *f);

#endif
