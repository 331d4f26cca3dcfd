/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_lint - what a person who edits a pack should know before anyone else notices
 *
 * Reads a pack as the loader does, but goes on after a mistake, and looks further: examples that
 * are missing or fail, rules that can never matter, names that are common words, patterns that are
 * refused or dear, routes and likelihoods that contradict each other. Rules that are inherited are
 * not looked at: lint the pack that they are of. Each finding has a place and
 * says what to do. Bounded: a pack has at most LAC_PACK_FINDING_MAX findings; the rest is counted.
 *
 * Thread: owner.
 */
#ifndef LAC_PACK_LINT_H
#define LAC_PACK_LINT_H

#include <stddef.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

enum { LAC_PACK_FINDING_MAX = 10000 };

enum lac_pack_level {
    LAC_PACK_NOTE,    /* what was done, for information */
    LAC_PACK_WARNING, /* it works, and is probably not what was meant */
    LAC_PACK_ERROR,   /* the pack is refused, or a rule does not do what it says */
};

/*
 * `code` is one of: source (the loader refuses it), examples-missing, example-fails, never-hits
 * (all that a rule finds another one finds as strictly), source-missing, basis-missing,
 * check-missing, duplicate-pattern, duplicate-term, common-term, common-mark, short-term,
 * pattern-slow, route-contradiction, likelihood, weak-rule, head-stale (exemplars/ was changed
 * since `lacuna train`), head-missing (there are exemplars or a model, and nothing was learned),
 * head-texts (what was learned is there without its texts), image (a file's compiled form is not
 * that of its source), not-read (a file that looks like rules, names or exemplars lies or is called
 * otherwise than those that are read).
 */
struct lac_pack_finding {
    enum lac_pack_level level;
    const char *code;
    struct lac_str file; /* absent: it is about the whole pack */
    unsigned line;       /* from 1; 0 with `file` absent */
    struct lac_str rule; /* id; absent: it is about no rule */
    struct lac_str text;
    struct lac_str todo; /* absent: nothing has to be done */
};

struct lac_pack;
struct lac_pack_lint;

/*
 * Lints a folder or a pack file; NULL or "" is the built-in pack. LAC_OK whatever was found. FATAL:
 * it can't be read, or no memory. REJECT: it has no files that could be a pack's.
 */
enum lac_status lac_pack_lint_open(struct lac_pack_lint **out, const char *path,
                                   struct lac_err *err) LAC_MUST_USE;
/* Accepts NULL. */
void lac_pack_lint_close(struct lac_pack_lint *l);

/* Sorted by file and line; those about the whole pack come first. Borrowed from the lint. */
size_t lac_pack_lint_count(const struct lac_pack_lint *l);
const struct lac_pack_finding *lac_pack_lint_at(const struct lac_pack_lint *l, size_t index);

/* Findings beyond the limit. */
size_t lac_pack_lint_dropped(const struct lac_pack_lint *l);

/* The pack without what is wrong in it; NULL when nothing useful was left. */
const struct lac_pack *lac_pack_lint_pack(const struct lac_pack_lint *l);

#endif
