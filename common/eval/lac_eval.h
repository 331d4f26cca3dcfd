/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_eval - how good the answers are, counted against labelled texts
 *
 * A finding counts as right when a labelled span of the same entity shares at least the wanted
 * part of their union with it (intersection over union, in bytes); each label and each finding
 * counts once, best pairs first. Shares carry Wilson's 95 % score interval (Wilson 1927); F1 has a
 * 95 % percentile bootstrap over texts (Efron 1979) with a fixed seed, so that a run can be
 * repeated to the digit.
 *
 * How sure a decision was is held against what was true (Guo et al. 2017): texts go into ten equal
 * bins by probability, and the expected calibration error is the mean gap between a bin's mean
 * probability and the share that was right, weighted by texts. The risk-coverage curve (Geifman,
 * El-Yaniv 2017) takes the likeliest tier of the surest texts first, and says how many of them were
 * wrong.
 *
 * Entities that a set never labels say nothing about its texts: what is found of them is counted
 * apart and is no mistake, unless the caller wants it so.
 *
 * Thread: owner.
 */
#ifndef LAC_EVAL_H
#define LAC_EVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"
#include "lac_tier.h"

enum {
    LAC_EVAL_SPAN_MAX = 1024,   /* of one text, labelled or found */
    LAC_EVAL_ENTITY_MAX = 1024, /* different ones */
    LAC_EVAL_TEXT_MAX = 10000000,
    LAC_EVAL_BINS = 10,
    LAC_EVAL_CURVE = 200, /* points */
};

struct lac_eval_span {
    struct lac_str entity;
    uint32_t start, end; /* bytes of the text */
};

struct lac_eval_case {
    struct lac_str id; /* for the list of mistakes; may be empty */
    uint64_t line;     /* of the file, from 1 */
    const struct lac_eval_span *gold, *found;
    size_t gold_count, found_count; /* each at most LAC_EVAL_SPAN_MAX */
    bool has_tier;                  /* the text's true tier is known */
    enum lac_tier gold_tier;
    enum lac_tier tier;               /* the answer */
    bool has_posterior;               /* `posterior` is known */
    double posterior[LAC_TIER_COUNT]; /* adds up to 1 */
};

struct lac_eval;

/* `overlap` in percent, 1 to 100. RETRY: no memory. */
enum lac_status lac_eval_open(struct lac_eval **out, uint32_t overlap,
                              struct lac_err *err) LAC_MUST_USE;
/* Accepts NULL. */
void lac_eval_close(struct lac_eval *e);

/* Counts one text; everything is copied. REJECT: over a limit above. RETRY: no memory. */
enum lac_status lac_eval_add(struct lac_eval *e, const struct lac_eval_case *c,
                             struct lac_err *err) LAC_MUST_USE;

/* `hits` of `of`, and where the true share lies. Without any, everything is possible. */
struct lac_eval_share {
    uint64_t hits, of;
    double value, low, high;
};
struct lac_eval_share lac_eval_share(uint64_t hits, uint64_t of);

struct lac_eval_score {
    const char *name; /* the entity's or tier's; borrowed from `e` */
    uint64_t right, wrong, missed;
    bool labelled; /* false: the set never labels it */
    struct lac_eval_share precision, recall;
    double f1, f1_low, f1_high;
};

enum lac_eval_kind {
    LAC_EVAL_LEAK,   /* the answer is below the text's tier */
    LAC_EVAL_MISSED, /* a label that nothing was found for */
    LAC_EVAL_WRONG,  /* a finding that is no label */
    LAC_EVAL_BLOCK,  /* the answer is above the text's tier */
};

struct lac_eval_mistake {
    enum lac_eval_kind kind;
    uint64_t line;
    const char *id;
    const char *entity; /* of a missed or wrong one; else "" */
    uint32_t start, end;
    enum lac_tier gold_tier, tier; /* of a leak or block */
};

struct lac_eval_bin {
    uint64_t texts, right;
    double sure; /* mean probability */
};

struct lac_eval_calibration {
    struct lac_eval_bin bins[LAC_EVAL_BINS];
    double error; /* expected calibration error */
};

struct lac_eval_point {
    double coverage;     /* share of the texts that are at least so sure */
    double sure;         /* probability of the least sure one */
    double wrong, below; /* shares of the covered: other than the true tier, and less than it */
};

struct lac_eval_report {
    uint64_t texts, tiered;    /* all; with a known tier */
    struct lac_eval_score all; /* over all entities that count */
    struct lac_eval_score tiers[LAC_TIER_COUNT];
    uint64_t confusion[LAC_TIER_COUNT][LAC_TIER_COUNT]; /* [true][answer] */
    struct lac_eval_share leaks;    /* answers below the truth, of texts that are not PUBLIC */
    struct lac_eval_share blocks;   /* answers above the truth, of texts that are not PROPRIETARY */
    struct lac_eval_share accuracy; /* answers that are the truth */
    double macro_f1, macro_low, macro_high; /* mean F1 of the tiers that the set has */
    uint64_t judged;                        /* texts with a posterior and a known tier */
    struct lac_eval_calibration likeliest;  /* of the posterior's likeliest tier */
    struct lac_eval_calibration answer; /* of P(true tier <= answer), the decision's confidence */
    const struct lac_eval_point *curve; /* rising coverage; owned by `e` */
    size_t curve_count;
    double curve_area;                     /* mean of `wrong` over all coverages: less is better */
    const struct lac_eval_score *entities; /* sorted by name; owned by `e` */
    size_t entity_count;
    const struct lac_eval_mistake *mistakes; /* worst first; owned by `e` */
    size_t mistake_count;                    /* listed */
    uint64_t mistake_total;
};

/* Sums up. `count_all`: entities that the set never labels count as mistakes too. At most
 * `mistakes` are listed. Valid until the next call for `e`. RETRY: no memory. */
enum lac_status lac_eval_sum(struct lac_eval *e, bool count_all, size_t mistakes,
                             struct lac_eval_report *out, struct lac_err *err) LAC_MUST_USE;

/* Appends the risk-coverage curve as an SVG picture. */
void lac_eval_svg(const struct lac_eval_report *r, struct lac_buf *out);

#endif
