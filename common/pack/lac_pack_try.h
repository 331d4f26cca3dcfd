/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_try - rules against their own examples
 *
 * A rule's examples say what it is for. Here they are run, as they are and against the rule with
 * one part taken away (its validator, its context ...): a part that no example misses is one that
 * can break without anybody noticing.
 *
 * Thread: owner.
 */
#ifndef LAC_PACK_TRY_H
#define LAC_PACK_TRY_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_match.h"
#include "lac_pack.h"
#include "lac_str.h"

/* What can be taken away from a rule. */
enum lac_pack_part {
    LAC_PACK_PART_VALIDATOR,
    LAC_PACK_PART_ENTROPY,
    LAC_PACK_PART_CONTEXT,
    LAC_PACK_PART_EXCEPT,
    LAC_PACK_PART_ALLOW,
    LAC_PACK_PART_COUNT,
    LAC_PACK_PARTS,
};

/* "validator", "min_entropy", "context", ...: the rule's key. */
const char *lac_pack_part_name(enum lac_pack_part part);

struct lac_pack_try;

/* `p` is borrowed until close. FATAL: no memory. */
enum lac_status lac_pack_try_open(struct lac_pack_try **out, const struct lac_pack *p,
                                  struct lac_err *err) LAC_MUST_USE;
/* Accepts NULL. */
void lac_pack_try_close(struct lac_pack_try *t);

/* Scans a text with the whole pack; what it found is borrowed until the next call. */
enum lac_status lac_pack_try_text(struct lac_pack_try *t, struct lac_str text,
                                  const struct lac_match_hits **out,
                                  struct lac_err *err) LAC_MUST_USE;

/* Calls `each` for every example of rule `index` that does not hold: `wanted` says whether it
 * should have been found. `*failed` counts them. */
typedef void lac_pack_try_fn(void *ctx, size_t rule, bool wanted, size_t example,
                             struct lac_str text);
enum lac_status lac_pack_try_rule(struct lac_pack_try *t, size_t index, lac_pack_try_fn *each,
                                  void *ctx, size_t *failed, struct lac_err *err) LAC_MUST_USE;

/* What came of taking one part away. */
struct lac_pack_without {
    bool had;            /* false: there is no such part that examples could miss */
    bool noticed;        /* an example fails now */
    bool shared;         /* the part stands in `defaults:` of the file, for all of its rules */
    struct lac_str file; /* the rule's */
};

/* Takes one part away from rule `index` and runs its examples. Meant for rules whose examples hold
 * as they are. */
enum lac_status lac_pack_try_without(struct lac_pack_try *t, size_t index, enum lac_pack_part part,
                                     struct lac_pack_without *out,
                                     struct lac_err *err) LAC_MUST_USE;

#endif
