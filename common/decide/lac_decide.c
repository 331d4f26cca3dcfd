/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_decide.h"

#include "lac_assert.h"
#include "lac_decide_wide.h"

static const char *const strategy_names[] = {"conservative", "balanced", "aggressive"};

_Static_assert(LAC_COUNT(strategy_names) == LAC_STRATEGY_COUNT, "a name for each strategy");

const char *lac_strategy_name(enum lac_strategy strategy)
{
    LAC_ASSERT((unsigned)strategy < LAC_STRATEGY_COUNT);
    return strategy_names[strategy];
}

bool lac_strategy_parse(struct lac_str text, enum lac_strategy *out)
{
    for (unsigned i = 0; i < LAC_STRATEGY_COUNT; i++)
        if (lac_str_eq_nocase(text, strategy_names[i])) {
            *out = (enum lac_strategy)i;
            return true;
        }
    return false;
}

struct lac_decide_opinion lac_decide_raise_only(struct lac_decide_opinion o)
{
    for (int t = 1; t < LAC_TIER_COUNT; t++)
        if (o.likelihood[t] < o.likelihood[t - 1])
            o.likelihood[t] = o.likelihood[t - 1];
    return o;
}

/* prior x likelihoods, not normalised: exact. */
static void weigh(const struct lac_decide_policy *p, const struct lac_decide_in *in,
                  struct lac_wide weight[LAC_TIER_COUNT])
{
    LAC_ASSERT(in->opinion_count <= LAC_DECIDE_OPINION_MAX);
    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        lac_wide_set(&weight[t], p->prior[t]);
        for (size_t i = 0; i < in->opinion_count; i++) {
            uint32_t likelihood = in->opinions[i].likelihood[t];

            LAC_ASSERT(likelihood >= 1 && likelihood <= LAC_DECIDE_PPM);
            lac_wide_mul(&weight[t], likelihood);
        }
    }
}

/* Sum over t of weight(t) x cost[t][answer]. */
static void cost_of(const struct lac_wide weight[LAC_TIER_COUNT],
                    const uint32_t cost[LAC_TIER_COUNT][LAC_TIER_COUNT], int answer,
                    struct lac_wide *out)
{
    lac_wide_set(out, 0);
    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        struct lac_wide part;

        lac_wide_copy(&part, &weight[t]);
        lac_wide_mul(&part, cost[t][answer]);
        lac_wide_add(out, &part);
    }
}

/* Ties go to the stricter tier: looser ones must be really cheaper. */
static enum lac_tier cheapest(const struct lac_wide weight[LAC_TIER_COUNT],
                              const uint32_t cost[LAC_TIER_COUNT][LAC_TIER_COUNT])
{
    enum lac_tier best = LAC_TIER_PUBLIC;
    struct lac_wide least;

    cost_of(weight, cost, (int)best, &least);
    for (int a = 1; a < LAC_TIER_COUNT; a++) {
        struct lac_wide now;

        cost_of(weight, cost, a, &now);
        if (lac_wide_cmp(&now, &least) > 0)
            continue;
        lac_wide_copy(&least, &now);
        best = (enum lac_tier)a;
    }
    return best;
}

/* Parts per million that add up: floors first, then one each to the largest remainders. */
static void normalise(const struct lac_wide weight[LAC_TIER_COUNT], const struct lac_wide *sum,
                      uint32_t ppm[LAC_TIER_COUNT])
{
    struct lac_wide rest[LAC_TIER_COUNT];
    bool given[LAC_TIER_COUNT] = {false};
    uint32_t missing = LAC_DECIDE_PPM;

    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        struct lac_wide scaled;

        lac_wide_copy(&scaled, &weight[t]);
        lac_wide_mul(&scaled, LAC_DECIDE_PPM);
        ppm[t] = (uint32_t)lac_wide_div(&scaled, sum, 20, &rest[t]);
        missing -= ppm[t];
    }
    LAC_ASSERT(missing < LAC_TIER_COUNT);
    for (; missing > 0; missing--) {
        int best = -1;

        for (int t = LAC_TIER_COUNT - 1; t >= 0; t--)
            if (!given[t] && (best < 0 || lac_wide_cmp(&rest[t], &rest[best]) > 0))
                best = t;
        given[best] = true;
        ppm[best]++;
    }
}

void lac_decide(const struct lac_decide_policy *p, const struct lac_decide_in *in,
                struct lac_decide_out *out)
{
    enum lac_strategy strategy = in->degraded ? LAC_STRATEGY_CONSERVATIVE : in->strategy;
    const uint32_t(*cost)[LAC_TIER_COUNT] = p->cost[strategy];
    struct lac_wide weight[LAC_TIER_COUNT];
    struct lac_wide sum;
    struct lac_wide paid;
    struct lac_wide rest;

    weigh(p, in, weight);
    lac_wide_set(&sum, 0);
    for (int t = 0; t < LAC_TIER_COUNT; t++)
        lac_wide_add(&sum, &weight[t]);
    normalise(weight, &sum, out->posterior);
    out->tier = lac_tier_join(in->floor, cheapest(weight, cost));
    if (!in->public_permitted || in->degraded)
        out->tier = lac_tier_join(out->tier, LAC_TIER_INTERNAL);
    cost_of(weight, cost, (int)out->tier, &paid);
    lac_wide_mul(&paid, LAC_DECIDE_PPM);
    out->expected_cost = lac_wide_div(&paid, &sum, 41, &rest);
    out->confidence = 0;
    for (int t = 0; t <= (int)out->tier; t++)
        out->confidence += out->posterior[t];
}

bool lac_decide_wants(const struct lac_decide_policy *p, const struct lac_decide_in *in,
                      const struct lac_decide_out *now, enum lac_decide_stage next)
{
    LAC_ASSERT((unsigned)next < LAC_DECIDE_STAGE_COUNT);
    return in->floor != LAC_TIER_PROPRIETARY && now->expected_cost > p->price[next];
}

/* ---- policy ---- */

static enum lac_status check_prior(const struct lac_decide_policy *p, struct lac_err *err)
{
    uint64_t sum = 0;

    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        if (p->prior[t] == 0)
            return lac_err_set(err, LAC_REJECT, 0, "prior: no tier may be impossible");
        sum += p->prior[t];
    }
    if (sum != LAC_DECIDE_PPM)
        return lac_err_set(err, LAC_REJECT, 0, "prior: the three add up to %llu.%06llu, not to 1",
                           (unsigned long long)(sum / LAC_DECIDE_PPM),
                           (unsigned long long)(sum % LAC_DECIDE_PPM));
    return LAC_OK;
}

static enum lac_status check_costs(enum lac_strategy s,
                                   const uint32_t cost[LAC_TIER_COUNT][LAC_TIER_COUNT],
                                   struct lac_err *err)
{
    const char *name = lac_strategy_name(s);

    for (int t = 0; t < LAC_TIER_COUNT; t++)
        for (int a = 0; a < LAC_TIER_COUNT; a++) {
            if (cost[t][a] > LAC_DECIDE_COST_MAX)
                return lac_err_set(err, LAC_REJECT, 0, "%s: costs are at most %d", name,
                                   LAC_DECIDE_COST_MAX);
            if (cost[t][a] < cost[t][t])
                return lac_err_set(
                    err, LAC_REJECT, 0, "%s: for %s texts the right answer costs more than %s",
                    name, lac_tier_name((enum lac_tier)t), lac_tier_name((enum lac_tier)a));
        }
    for (int t = 0; t + 1 < LAC_TIER_COUNT; t++)
        for (int a = 0; a + 1 < LAC_TIER_COUNT; a++) {
            int64_t step = (int64_t)cost[t][a + 1] - cost[t][a];
            int64_t step_above = (int64_t)cost[t + 1][a + 1] - cost[t + 1][a];

            if (step_above > step)
                return lac_err_set(
                    err, LAC_REJECT, 0,
                    "%s: answering %s instead of %s must not cost more for %s texts "
                    "than for %s ones, or evidence could lower the answer",
                    name, lac_tier_name((enum lac_tier)(a + 1)), lac_tier_name((enum lac_tier)a),
                    lac_tier_name((enum lac_tier)(t + 1)), lac_tier_name((enum lac_tier)t));
        }
    return LAC_OK;
}

/* What each strategy promises for texts without any evidence. */
static enum lac_status check_promise(const struct lac_decide_policy *p, enum lac_strategy s,
                                     struct lac_err *err)
{
    struct lac_decide_in nothing = {.strategy = s, .public_permitted = true};
    enum lac_tier promised = LAC_TIER_PUBLIC;
    struct lac_decide_out out;

    if (s == LAC_STRATEGY_CONSERVATIVE)
        promised = LAC_TIER_PROPRIETARY;
    else if (s == LAC_STRATEGY_BALANCED)
        promised = LAC_TIER_INTERNAL;
    else
        for (int t = 1; t < LAC_TIER_COUNT; t++)
            if (p->prior[t] >= p->prior[promised])
                promised = (enum lac_tier)t;
    lac_decide(p, &nothing, &out);
    if (out.tier == promised)
        return LAC_OK;
    return lac_err_set(err, LAC_REJECT, 0,
                       "%s: a text without evidence must be %s, with these costs it would be %s",
                       lac_strategy_name(s), lac_tier_name(promised), lac_tier_name(out.tier));
}

enum lac_status lac_decide_policy_check(const struct lac_decide_policy *p, struct lac_err *err)
{
    enum lac_status status = check_prior(p, err);

    for (int s = 0; s < LAC_STRATEGY_COUNT && status == LAC_OK; s++) {
        status = check_costs((enum lac_strategy)s, p->cost[s], err);
        if (status == LAC_OK)
            status = check_promise(p, (enum lac_strategy)s, err);
    }
    return status;
}
