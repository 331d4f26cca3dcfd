/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_import_regex - patterns of RE2, Go and Python as ours
 *
 * Private to common/pack. Thread: any; pure functions.
 */
#ifndef LAC_PACK_IMPORT_REGEX_H
#define LAC_PACK_IMPORT_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_buf.h"
#include "lac_str.h"

struct lac_pack_import_regex {
    struct lac_str in;
    bool nocase;    /* put (?i) in front */
    bool dotall;    /* ... and (?s): a '.' stands for a line break, too */
    unsigned group; /* the value is this group's; 0: the first group's where it holds all others */
    bool whole;     /* keep what stands around the group */
    unsigned most;  /* bound of what has none */
    bool shrink;    /* bounds that are there are made as narrow, too */
    /* set */
    bool split;      /* what stood around the group was left out: the rule needs context */
    bool bounded;    /* a repeat got a bound */
    bool looked;     /* an assertion about the neighbourhood became \b */
    const char *bad; /* NULL, or why it can't be rewritten */
};

/* Appends the rewritten pattern to `out`; with `bad` set, nothing of use. */
void lac_pack_import_rewrite(struct lac_pack_import_regex *r, struct lac_buf *out);

#endif
