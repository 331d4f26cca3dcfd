/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_groups - 50,000 names in a handful of rules
 *
 * Private to common/pack. Names that mean the same (list, tier, context words) become one rule
 * with many phrases, over all files of terms/; a name that stands there twice becomes one.
 *
 * Thread: owner.
 */
#ifndef LAC_PACK_GROUPS_H
#define LAC_PACK_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"
#include "lac_tier.h"

struct lac_pack;
struct lac_yaml;

/* Folded phrases of the pack's mark rules, sorted. */
struct lac_pack_marks {
    struct lac_str *at;
    size_t count;
};

struct lac_pack_group_key {
    unsigned list;
    enum lac_tier tier;
    bool names;                    /* as in struct lac_match_rule */
    const struct lac_str *context; /* borrowed from the pack or immutable */
    size_t context_count;
    uint32_t window;
};

struct lac_pack_group {
    struct lac_pack_group_key key;
    uint64_t hash;                /* of the key */
    const struct lac_yaml *where; /* its first name */
    struct lac_str *phrases;      /* owned until lac_pack_groups_keep() */
    size_t count, capacity;
    bool kept;
};

struct lac_pack_groups {
    struct lac_pack_marks marks;
    struct lac_pack_group *at;
    size_t count, capacity;
    struct lac_pack_seen *seen; /* open addressing, a power of two */
    size_t seen_count, seen_capacity;
};

/* Makes p->groups; freed with the pack or by lac_pack_groups_free(). */
enum lac_status lac_pack_groups_open(struct lac_pack *p, struct lac_err *err) LAC_MUST_USE;
void lac_pack_groups_free(struct lac_pack *p);

/* Adds a name; `text` is borrowed from the pack. `report`: say so when it is there already. */
enum lac_status lac_pack_groups_add(struct lac_pack *p, const struct lac_pack_group_key *key,
                                    const struct lac_yaml *where, struct lac_str text,
                                    struct lac_str folded, bool report,
                                    struct lac_err *err) LAC_MUST_USE;

/* Moves a group's phrases into the pack's own memory. */
enum lac_status lac_pack_groups_keep(struct lac_pack *p, size_t index,
                                     struct lac_err *err) LAC_MUST_USE;

#endif
