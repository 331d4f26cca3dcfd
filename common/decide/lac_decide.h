/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_decide - from evidence to one tier, in exact integer arithmetic
 *
 *     posterior(t) = prior(t) x product of likelihood(t), normalised
 *     answer       = join(floor, argmin over a of sum over t of posterior(t) x cost[t][a])
 *
 * Weights are kept as whole numbers of unlimited (but bounded, see LAC_DECIDE_OPINION_MAX) size,
 * so nothing is rounded before the answer is known: the order of opinions cannot matter, and
 * every machine gets the same bytes. Ties go to the stricter tier.
 *
 * PUBLIC is never said by rules alone. Unless `public_permitted` (the semantic tier spoke, or an
 * allow-list of the pack covers the whole text) the answer is at least INTERNAL, whatever the
 * prior and the strategy: so aggressive without evidence says the prior's best of the tiers that
 * rules may say. When a tier failed or a text could not be decoded (`degraded`), the conservative
 * matrix is used whatever the strategy, and PUBLIC is out of reach too.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_DECIDE_H
#define LAC_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"
#include "lac_tier.h"

enum {
    /* Changes only when the same inputs may give another core; tests/golden/core guards it. 2: the
     * strategy, and that tier 2 is off, are observations. */
    LAC_DECIDE_SEMANTICS = 2,
    LAC_DECIDE_PPM = 1000000,
    LAC_DECIDE_COST_MAX = 1000000,
    LAC_DECIDE_OPINION_MAX = 256, /* of one decision */
};

enum lac_strategy {
    LAC_STRATEGY_CONSERVATIVE,
    LAC_STRATEGY_BALANCED,
    LAC_STRATEGY_AGGRESSIVE,
};

enum { LAC_STRATEGY_COUNT = 3 };

const char *lac_strategy_name(enum lac_strategy strategy);
bool lac_strategy_parse(struct lac_str text, enum lac_strategy *out) LAC_MUST_USE;

/* The tiers of work, cheapest first; each but the first has a price in the pack. */
enum lac_decide_stage { LAC_DECIDE_RULES, LAC_DECIDE_SEMANTIC, LAC_DECIDE_LLM };

enum { LAC_DECIDE_STAGE_COUNT = 3 };

/* What the pack says about deciding. Immutable. */
struct lac_decide_policy {
    uint32_t prior[LAC_TIER_COUNT]; /* ppm, each at least 1, adding up to a million */
    /* cost[strategy][true tier][answer], 0 .. LAC_DECIDE_COST_MAX */
    uint32_t cost[LAC_STRATEGY_COUNT][LAC_TIER_COUNT][LAC_TIER_COUNT];
    uint64_t price[LAC_DECIDE_STAGE_COUNT]; /* millionths of a cost unit; the first is not used */
};

/*
 * Refuses a policy with which evidence of more sensitivity could lower the answer: besides the
 * ranges above, cost[t][a+1] - cost[t][a] must not grow with t, a right answer must cost no more
 * than a wrong one, and without evidence conservative must say PROPRIETARY, balanced INTERNAL and
 * aggressive the prior's best.
 */
enum lac_status lac_decide_policy_check(const struct lac_decide_policy *p,
                                        struct lac_err *err) LAC_MUST_USE;

/* Likelihoods over the tiers, ppm; each 1 .. 1,000,000. */
struct lac_decide_opinion {
    uint32_t likelihood[LAC_TIER_COUNT];
};

/*
 * The same opinion as context may hold it: each likelihood is raised to the highest before it, so
 * that it can make a stricter tier likelier and never a looser one.
 */
struct lac_decide_opinion lac_decide_raise_only(struct lac_decide_opinion o);

struct lac_decide_in {
    enum lac_tier floor; /* join of all floors; PUBLIC when there is none */
    const struct lac_decide_opinion *opinions;
    size_t opinion_count; /* at most LAC_DECIDE_OPINION_MAX */
    enum lac_strategy strategy;
    bool public_permitted; /* see above */
    bool degraded;         /* see above */
};

struct lac_decide_out {
    enum lac_tier tier;
    uint32_t posterior[LAC_TIER_COUNT]; /* ppm, adding up to exactly a million (largest remainder,
                                           ties to the stricter tier) */
    uint32_t confidence;                /* P(true tier <= tier), ppm */
    uint64_t expected_cost;             /* of answering `tier` now: millionths of a cost unit */
};

void lac_decide(const struct lac_decide_policy *p, const struct lac_decide_in *in,
                struct lac_decide_out *out);

/*
 * Whether it is worth running the next stage: false when a floor at the top tier makes it
 * pointless or the expected cost of answering now is not above its price.
 */
bool lac_decide_wants(const struct lac_decide_policy *p, const struct lac_decide_in *in,
                      const struct lac_decide_out *now, enum lac_decide_stage next);

/*
 * Kinds of observations that the engine understands; see DecisionCore.observations.
 *
 * kind         name              value
 * unavailable  a tier of work                      could not be asked: degraded
 * undecodable  a field                             degraded
 * over_limit   a field           "" or "semantic"  was not read to its end, by anybody or by that
 *                                                  tier: degraded
 * parent       of what           a tier            a floor
 * deadline                                         no further tier was started
 * gate         a field           why               tier 2 doubts itself: not PUBLIC by its word
 * strategy                       its name          the configured one, in every core
 * skipped      a tier of work                      is switched off where it would have been asked
 */
#define LAC_OBSERVATION_UNAVAILABLE "unavailable"
#define LAC_OBSERVATION_UNDECODABLE "undecodable"
#define LAC_OBSERVATION_OVER_LIMIT  "over_limit"
#define LAC_OBSERVATION_PARENT      "parent"
#define LAC_OBSERVATION_DEADLINE    "deadline"
#define LAC_OBSERVATION_GATE        "gate"
#define LAC_OBSERVATION_STRATEGY    "strategy"
#define LAC_OBSERVATION_SKIPPED     "skipped"

/* The tier of work that `unavailable`, `over_limit` and `skipped` name. */
#define LAC_OBSERVATION_SEMANTIC "semantic"

#endif
