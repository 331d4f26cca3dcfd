/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_import_draft - a rule while it is carried over
 *
 * Private to lac_pack_import*.c. What a source says of a rule is put into a draft; whatever the
 * source, the draft is compiled and written as YAML at its end, and what is lost is said.
 *
 * Thread: any.
 */
#ifndef LAC_PACK_IMPORT_DRAFT_H
#define LAC_PACK_IMPORT_DRAFT_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_match.h"
#include "lac_pack_import.h"
#include "lac_pack_import_regex.h"
#include "lac_pack_pool.h"
#include "lac_pack_yaml.h"
#include "lac_str.h"

enum {
    LAC_PACK_DRAFT_ID = 60,      /* bytes of an id */
    LAC_PACK_DRAFT_WORDS = 64,   /* context words of a rule */
    LAC_PACK_DRAFT_ALLOW = 4096, /* allow-list entries of a rule */
};

struct lac_pack_draft {
    struct lac_pack_import *im;
    struct lac_pack_pool *pool;
    const struct lac_yaml *at;
    struct lac_str name; /* in the source */
    char id[LAC_PACK_DRAFT_ID + 8];
    char entity[LAC_PACK_DRAFT_ID + 8];
    struct lac_match_rule rule;
    struct lac_buf pattern;
    struct lac_str words[LAC_PACK_DRAFT_WORDS];
    struct lac_str allow[LAC_PACK_DRAFT_ALLOW];
    size_t allow_count;
    bool split; /* the pattern is the value alone */
};

/* Reports what is not carried over, or not exactly. `lost`: the whole rule. */
void lac_pack_draft_say(const struct lac_pack_draft *d, bool lost, const char *fmt, ...)
    LAC_PRINTF(3, 4);

/* Starts over, for the rule `name` of the source, at `at`; `number` tells rules of one name apart,
 * from 1 on. */
void lac_pack_draft_begin(struct lac_pack_draft *d, const struct lac_yaml *at, struct lac_str name,
                          unsigned number);

/* The rule's pattern, rewritten. False: it is lost, and said. `values`: the value alone may be the
 * hit, where all of it costs too much. */
bool lac_pack_draft_pattern(struct lac_pack_draft *d, struct lac_pack_import_regex *r, bool values);

/* One more entry of its allow-list, if ours can hold it. `inside`: anywhere in a hit. */
void lac_pack_draft_allow(struct lac_pack_draft *d, struct lac_str text, bool inside);

/* Takes the texts of a list that can be found as context, with two letters at least, beside those
 * it has. NULL: there is no list. */
void lac_pack_draft_context(struct lac_pack_draft *d, const struct lac_yaml *list);

/* Writes the rule and counts it, or says why it is lost. */
void lac_pack_draft_end(struct lac_pack_draft *d, struct lac_buf *out);

/* The text of a scalar; of anything else, or NULL, the empty one. */
struct lac_str lac_pack_import_text(const struct lac_yaml *node);

/* All rules of d->im->data. REJECT: it is not of that kind, "file:line: why". */
enum lac_status lac_pack_import_gitleaks(struct lac_pack_draft *d, struct lac_buf *out,
                                         struct lac_err *err) LAC_MUST_USE;
enum lac_status lac_pack_import_presidio(struct lac_pack_draft *d, struct lac_buf *out,
                                         struct lac_err *err) LAC_MUST_USE;

#endif
