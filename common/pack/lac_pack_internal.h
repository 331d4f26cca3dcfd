/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_internal - what the files of common/pack share
 */
#ifndef LAC_PACK_INTERNAL_H
#define LAC_PACK_INTERNAL_H

#include "lac_pack.h"
#include "lac_pack_bundle.h"
#include "lac_pack_files.h"
#include "lac_pack_findings.h"
#include "lac_pack_lint.h"
#include "lac_pack_pool.h"
#include "lac_pack_yaml.h"
#include "lac_records.h"

enum {
    /* Each rule gives a decision at most one opinion; the rest is for other layers. */
    LAC_PACK_OPINION_RULE_MAX = LAC_DECIDE_OPINION_MAX - 16,
    LAC_PACK_NOTE_MAX = 64,
};

/* What opening it is for; zeroed: everything. */
struct lac_pack_how {
    bool to_train; /* what was learned may be wrong, it is about to be replaced */
    bool headless; /* what a pack file has learned is not wanted */
};

struct lac_pack {
    struct lac_pack_pool pool;
    uint64_t number; /* of this opening; no other of the process has it */
    struct lac_pack_files files;
    struct lac_pack_bundle bundle; /* zeroed when it was opened from a folder's files */
    bool complete;                 /* `files` holds what is inherited, too */
    struct lac_pack_how how;
    bool image_used; /* `match` is the bundle's compiled form */
    struct lac_hash256 hash;
    struct lac_str name;
    uint64_t version;
    struct lac_decide_policy policy;
    size_t excerpt_bytes;
    struct {
        const struct lac_str *at;
        size_t count;
    } routes[LAC_TIER_COUNT];
    /* rules, by index */
    struct lac_match_rule *rules;
    struct lac_pack_examples *examples;
    const struct lac_yaml **where; /* the line that an error names */
    size_t rule_count;
    size_t rule_capacity;
    size_t opinion_rules;
    struct lac_match *match;
    struct lac_head *head;           /* NULL: no tier 2 */
    struct lac_pack_model model;     /* of pack.yaml */
    const struct lac_yaml *model_at; /* NULL: it names none */
    const struct lac_str *disabled;  /* ids of rules that are left out */
    size_t disabled_count;
    const struct lac_yaml *disabled_at;
    bool *disabled_done;            /* [disabled_count]: an inherited rule was left out */
    struct lac_pack_groups *groups; /* while terms are loaded */
    struct lac_str notes[LAC_PACK_NOTE_MAX];
    size_t note_count;
    struct lac_pack_findings *findings; /* NULL unless it is loaded to be linted */
};

/* All of it, once the files are there, and for a pack file whether it is the pack that it says it
 * is. REJECT: the source or the file is wrong. FATAL: no memory. */
enum lac_status lac_pack_load(struct lac_pack *p, struct lac_err *err) LAC_MUST_USE;

/* Appends an empty rule; NULL when there are too many or no memory (`err` is set). */
struct lac_match_rule *lac_pack_rule_new(struct lac_pack *p, const struct lac_yaml *where,
                                         struct lac_err *err);

/* Whether a file is one that `base: builtin` brought in: they are below base/. */
bool lac_pack_is_inherited(struct lac_str file);

/* Whether it holds labelled texts that are not inherited. */
bool lac_pack_has_own_exemplars(const struct lac_pack *p);

/* Whether the pack's own file `path` is read, and does not count for the hash alone. */
bool lac_pack_reads(struct lac_str path);

/* A remark for people: kept as a note of the pack, or as a finding when it is linted. */
struct lac_pack_remark {
    enum lac_pack_level level;
    const char *code; /* see lac_pack_lint.h */
    const struct lac_yaml *at;
    struct lac_str rule; /* absent: it is about no rule */
    const char *todo;    /* what to do about it; NULL: nothing */
};
void lac_pack_say(struct lac_pack *p, const struct lac_pack_remark *r, const char *fmt, ...)
    LAC_PRINTF(3, 4);

/* While linting, a wrong source is one finding more and not the end: true when `status` is REJECT
 * and became a finding. Its place is taken from the text, "file:line: why". */
bool lac_pack_forgive(struct lac_pack *p, enum lac_status status, const struct lac_err *err);

/* Opens a path to be linted: what is wrong becomes a finding and is left out. p->match is NULL when
 * nothing could be compiled. REJECT: no pack's files; FATAL as in lac_pack_open(). */
enum lac_status lac_pack_open_lint(struct lac_pack **out, const char *path,
                                   struct lac_pack_findings *findings,
                                   struct lac_err *err) LAC_MUST_USE;

/* Before and after the files of terms: the latter makes their rules. */
enum lac_status lac_pack_terms_begin(struct lac_pack *p, struct lac_err *err) LAC_MUST_USE;
enum lac_status lac_pack_terms_end(struct lac_pack *p, struct lac_err *err) LAC_MUST_USE;

/* A file of the rules format, of the terms format; pack.yaml, routing.yaml. */
enum lac_status lac_pack_load_rules(struct lac_pack *p, const struct lac_yaml *root,
                                    struct lac_err *err) LAC_MUST_USE;
enum lac_status lac_pack_load_terms(struct lac_pack *p, const struct lac_yaml *root,
                                    struct lac_err *err) LAC_MUST_USE;
enum lac_status lac_pack_load_routing(struct lac_pack *p, const struct lac_yaml *root,
                                      struct lac_err *err) LAC_MUST_USE;

/* pack.yaml. What it lacks is taken from `base`, the same file of the pack it builds upon, or is
 * an error when that is NULL. */
enum lac_status lac_pack_load_settings(struct lac_pack *p, const struct lac_yaml *root,
                                       const struct lac_yaml *base,
                                       struct lac_err *err) LAC_MUST_USE;

/* Whether pack.yaml says `base: builtin`. */
enum lac_status lac_pack_wants_base(const struct lac_yaml *root, bool *out,
                                    struct lac_err *err) LAC_MUST_USE;

#endif
