/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_scan - every finding in a text of any length
 *
 * lac_match looks at one field and reports a bounded number of hits. A file is no field: it may be
 * larger than a scratch, and a list of addresses has thousands of the same rule. Here a text is
 * looked at in windows that overlap: each reports what begins in its own part, and sees
 * LAC_SCAN_MARGIN bytes more on either side, so that nothing is missed or cut at a seam as long as
 * it and the words it needs around it take no more than that. Where a longer token or finding would
 * be cut, the seam is moved before it, by up to 40 KiB. A window in which more was found
 * than could be listed is looked at again in smaller ones.
 *
 * Cells of a table at the text's begin, and of SQL's INSERT and COPY, are looked at once more
 * together with their headings, wherever those stand.
 *
 * What holds for a field holds for a window: a rule with a count threshold needs that many hits
 * within one (at most LAC_SCAN_WINDOW bytes).
 *
 * A plan says what somebody wants to know: which rules and entities, from which score on. It is
 * immutable and shared; a struct lac_scan belongs to one thread.
 */
#ifndef LAC_SCAN_H
#define LAC_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_json.h"
#include "lac_match.h"
#include "lac_pack.h"
#include "lac_str.h"
#include "lac_tier.h"

enum {
    LAC_SCAN_WINDOW = 128 << 10,       /* bytes of a window, margins included */
    LAC_SCAN_MARGIN = 4 << 10,         /* bytes to either side that are context only */
    LAC_SCAN_WINDOW_LEAST = 1 << 10,   /* without margins, where much is found */
    LAC_SCAN_WINDOW_HITS = 8192,       /* listed in one window, of one rule and of all */
    LAC_SCAN_FINDINGS_MAX = 4 << 20,   /* of one text; more set `truncated` */
    LAC_SCAN_TEXT_MAX = (1 << 30) - 1, /* bytes of one text */
    LAC_SCAN_NAMES_MAX = 256,          /* entities and rules that a plan is limited to, each */
};

struct lac_scan_options {
    const struct lac_str *entities; /* listed are findings of these; none: of all */
    size_t entity_count;
    const struct lac_str *rules; /* the same by rule id; with both a rule of either is listed */
    size_t rule_count;
    uint32_t min_score;     /* ppm; below LAC_MATCH_SCORE_COUNTS weak candidates are listed too */
    enum lac_tier min_tier; /* of the rule */
    bool floors_only;       /* opinions are listed only where a name above asks for them */
};

struct lac_scan_plan;

/* REJECT: an entity or rule that the pack does not have; the text names the nearest one. FATAL: no
 * memory. `pack` is borrowed until the plan is closed, the options are not. */
enum lac_status lac_scan_plan_open(struct lac_scan_plan **out, const struct lac_pack *pack,
                                   const struct lac_scan_options *options,
                                   struct lac_err *err) LAC_MUST_USE;
/* Accepts NULL. */
void lac_scan_plan_close(struct lac_scan_plan *p);

const struct lac_match_rule *lac_scan_rule(const struct lac_scan_plan *p, uint32_t index);
size_t lac_scan_rule_count(const struct lac_scan_plan *p);

/* Whether a finding of this rule was more than a resemblance: code checked it. */
bool lac_scan_validated(const struct lac_match_rule *r);

struct lac_scan_finding {
    size_t start, end; /* bytes of the text */
    uint32_t rule;
    uint32_t score; /* ppm */
    bool listed;    /* the plan asks for it; others are known so that they can be hidden */
    uint32_t reach; /* where it ends, or one before it if that ends later */
};

struct lac_scan;

enum lac_status lac_scan_open(struct lac_scan **out, const struct lac_scan_plan *plan,
                              struct lac_err *err) LAC_MUST_USE;
/* Accepts NULL. */
void lac_scan_close(struct lac_scan *s);
/* From now on for another plan of the same pack. Allocates nothing. */
void lac_scan_use(struct lac_scan *s, const struct lac_scan_plan *plan);

struct lac_scan_result {
    const struct lac_scan_finding *at; /* by start, end, rule; borrowed until the next scan */
    size_t count;                      /* listed or not */
    size_t listed;
    enum lac_tier tier; /* that the findings speak for: the join of all floors and what the pack's
                           balanced costs make of the opinions, at most what one speaks for; PUBLIC
                           when nothing was found.         Nothing found is no decision: `lacuna
                           classify` decides */
    bool undecodable;   /* malformed UTF-8: the well-formed parts were looked at */
    bool too_deep;      /* encodings in encodings in ...: the innermost was not looked at */
    bool truncated;     /* there is more than could be listed */
};

/*
 * Looks at all of `text` and lists what begins in [from, to). What begins in the LAC_SCAN_MARGIN
 * bytes before and behind is listed too, with `listed` false, so that it can be hidden where text
 * is shown. For a text in pieces: a piece needs that margin on both sides, unless the text ends
 * there. The tier counts what is in [from, to).
 *
 * RETRY: no memory for so many findings. FATAL: the matcher failed. Allocates only when there are
 * more findings than ever before.
 */
enum lac_status lac_scan_text(struct lac_scan *s, struct lac_str text, size_t from, size_t to,
                              struct lac_scan_result *out, struct lac_err *err) LAC_MUST_USE;

/*
 * Before a text in pieces loses its first `by` bytes and the next call's piece begins with what is
 * left: `text` is the last call's, still whole. Without it a text whose `from` is not 0 is another
 * one, of whose tables the headings are not known.
 */
void lac_scan_shift(struct lac_scan *s, struct lac_str text, size_t by);

/*
 * Where to cut `text` into pieces that would be cut at `to`, [from, to) being one: there, or before
 * a token that would not be seen to its end, if that is not too far away.
 */
size_t lac_scan_seam(struct lac_str text, size_t from, size_t to);

/*
 * The listed findings as a JSON array: [{"rule","entity","start","end","start_char","end_char",
 * "score","tier","strength","validated"}]; start and end are bytes of `text`, the others code
 * points.
 */
void lac_scan_put_findings(struct lac_json_writer *w, const struct lac_scan_plan *p,
                           const struct lac_scan_result *r, struct lac_str text);

/* The members of one finding, without the places in code points; the object is the caller's. */
void lac_scan_put_rule(struct lac_json_writer *w, const struct lac_scan_plan *p,
                       const struct lac_scan_finding *f);

/* "floor", "opinion" or "allow". */
const char *lac_scan_strength_name(enum lac_match_strength s);

/*
 * Appends `text` with the listed findings of `r` replaced: each in its rule's own way, or all as
 * `how` says unless that is NULL. `*places` counts them, overlapping ones as one. RETRY: no memory.
 * REJECT: `r` is truncated, so a text made of it would show what was not listed.
 */
struct lac_redact;
enum lac_status lac_scan_redact(struct lac_scan *s, const struct lac_scan_result *r,
                                struct lac_str text, struct lac_redact *redact,
                                const enum lac_match_redaction *how, struct lac_buf *out,
                                size_t *places, struct lac_err *err) LAC_MUST_USE;

/*
 * Appends the surroundings of finding `index` within its line, at most LAC_SCAN_EXCERPT_BYTES to
 * either side, for people: with all findings in it hidden, listed or not, unless `bare`.
 */
enum { LAC_SCAN_EXCERPT_BYTES = 40 };
void lac_scan_excerpt(struct lac_scan *s, const struct lac_scan_result *r, size_t index,
                      struct lac_str text, struct lac_redact *redact, bool bare,
                      struct lac_buf *out);

#endif
