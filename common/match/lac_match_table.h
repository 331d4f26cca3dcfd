/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_table - what the files share that make the tables of an image
 *
 * Private to common/match. Thread: any; a build belongs to one.
 */
#ifndef LAC_MATCH_TABLE_H
#define LAC_MATCH_TABLE_H

#include <errno.h>
#include <string.h>

#include "lac_match_internal.h"

static inline enum lac_status lac_match_rules_no_memory(struct lac_err *err)
{
    return lac_err_set(err, LAC_FATAL, ENOMEM, "match: no memory for the rules");
}

static inline enum lac_status lac_match_table_no_memory(struct lac_err *err)
{
    return lac_err_set(err, LAC_FATAL, ENOMEM, "match: no memory for the tables");
}

/* Zeroed bytes at the end of a section; NULL: no memory. */
static inline void *lac_match_section_room(struct lac_match_build *b,
                                           enum lac_match_section section, size_t size)
{
    char *at = lac_buf_reserve(&b->section[section], size);

    if (!at)
        return NULL;
    memset(at, 0, size);
    lac_buf_commit(&b->section[section], size);
    return at;
}

/* What a thing's byte may be: `bit` where it may be of one of these kinds. */
static inline void lac_match_sieve_add(uint32_t behind[LAC_MATCH_KINDS], uint32_t bit,
                                       unsigned kinds)
{
    for (unsigned k = 0; k < LAC_MATCH_KINDS; k++)
        if (kinds >> k & 1)
            behind[k] |= bit;
}

static inline const struct lac_match_unit *lac_match_build_unit(const struct lac_match_build *b,
                                                                uint32_t unit)
{
    return (const struct lac_match_unit *)(const void *)b->section[LAC_MATCH_S_UNITS].ptr + unit;
}

/* The last bit is of all that have none of their own. */
static inline uint32_t lac_match_sieve_bit(size_t index, unsigned last)
{
    return (uint32_t)1 << (index < last ? index : last);
}

/* The index from what a token looks like to the shapes that it may have, and their sieves. */
enum lac_status lac_match_table_shapes(struct lac_match_build *b, struct lac_err *err);

#endif
