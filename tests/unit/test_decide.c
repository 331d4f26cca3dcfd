/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the properties that DESIGN promises hold for every policy that is accepted and all
 * evidence. Method: a few worked examples, then random policies and evidence from a seeded
 * generator (LAC_TEST_SEED, printed).
 */
#include "lac_decide.h"

#include <string.h>

#include "decide_fixture.h"
#include "lac_test.h"

enum { ROUNDS = 4000 };

static struct lac_decide_opinion rnd_opinion(void)
{
    struct lac_decide_opinion o;

    for (int t = 0; t < LAC_TIER_COUNT; t++)
        o.likelihood[t] = 1 + lac_test_random(lac_test_random(4) ? LAC_DECIDE_PPM : 10);
    return o;
}

/* A random policy that the check accepts. */
static struct lac_decide_policy rnd_policy(void)
{
    for (;;) {
        struct lac_decide_policy p = fixture_policy;
        struct lac_err err;

        p.prior[0] = 1 + lac_test_random(600000);
        p.prior[1] = 1 + lac_test_random(LAC_DECIDE_PPM - p.prior[0] - 1);
        p.prior[2] = LAC_DECIDE_PPM - p.prior[0] - p.prior[1];
        for (int s = 0; s < LAC_STRATEGY_COUNT; s++)
            for (int t = 0; t < LAC_TIER_COUNT; t++)
                for (int a = 0; a < LAC_TIER_COUNT; a++)
                    p.cost[s][t][a] = a == t ? 0 : p.cost[s][t][a] + lac_test_random(4);
        if (p.prior[2] > 0 && lac_decide_policy_check(&p, &err) == LAC_OK)
            return p;
    }
}

static void without_evidence_each_strategy_keeps_its_promise(void)
{
    static const enum lac_tier want[] = {LAC_TIER_PROPRIETARY, LAC_TIER_INTERNAL,
                                         LAC_TIER_INTERNAL};
    struct lac_err err;

    LAC_TEST_EQ(lac_decide_policy_check(&fixture_policy, &err), LAC_OK);
    for (int s = 0; s < LAC_STRATEGY_COUNT; s++) {
        struct lac_decide_in in = {.strategy = (enum lac_strategy)s};
        struct lac_decide_out out;

        lac_decide(&fixture_policy, &in, &out);
        lac_test_row("%s", lac_strategy_name((enum lac_strategy)s));
        LAC_TEST_EQ(out.tier, want[s]);
        LAC_TEST_EQ(out.posterior[0], 350000);
        LAC_TEST_EQ(out.posterior[2], 150000);
        LAC_TEST_EQ(out.confidence, want[s] == LAC_TIER_PROPRIETARY ? 1000000 : 850000);
    }
}

static void rules_alone_never_say_public(void)
{
    struct lac_decide_opinion public = {{1000000, 1, 1}};
    struct lac_decide_in in = {
        .opinions = &public, .opinion_count = 1, .strategy = LAC_STRATEGY_AGGRESSIVE};
    struct lac_decide_out out;

    lac_decide(&fixture_policy, &in, &out);
    LAC_TEST_EQ(out.tier, LAC_TIER_INTERNAL);
    in.public_permitted = true;
    lac_decide(&fixture_policy, &in, &out);
    LAC_TEST_EQ(out.tier, LAC_TIER_PUBLIC);
    in.degraded = true;
    lac_decide(&fixture_policy, &in, &out);
    LAC_TEST_EQ(out.tier, LAC_TIER_INTERNAL);
}

static void a_failed_tier_means_the_conservative_matrix(void)
{
    for (int s = 0; s < LAC_STRATEGY_COUNT; s++) {
        struct lac_decide_in in = {.strategy = (enum lac_strategy)s, .degraded = true};
        struct lac_decide_out out;

        lac_decide(&fixture_policy, &in, &out);
        LAC_TEST_EQ(out.tier, LAC_TIER_PROPRIETARY);
    }
}

static void ties_go_to_the_stricter_tier(void)
{
    struct lac_decide_policy p = fixture_policy;
    struct lac_decide_in in = {.strategy = LAC_STRATEGY_AGGRESSIVE, .public_permitted = true};
    struct lac_decide_out out;

    memset(p.cost[LAC_STRATEGY_AGGRESSIVE], 0, sizeof(p.cost[LAC_STRATEGY_AGGRESSIVE]));
    lac_decide(&p, &in, &out);
    LAC_TEST_EQ(out.tier, LAC_TIER_PROPRIETARY);
}

static void strategies_have_names(void)
{
    static const char *const names[LAC_STRATEGY_COUNT] = {"Conservative", "BALANCED", "aggressive"};

    for (int s = 0; s < LAC_STRATEGY_COUNT; s++) {
        enum lac_strategy got = (enum lac_strategy)((s + 1) % LAC_STRATEGY_COUNT);

        lac_test_row("%s", names[s]);
        LAC_TEST_EQ(lac_strategy_parse(lac_str_from(names[s]), &got), true);
        LAC_TEST_EQ(got, s);
        LAC_TEST_EQ(
            lac_str_eq_nocase(lac_str_from(names[s]), lac_strategy_name((enum lac_strategy)s)),
            true);
    }
    for (const char *const *none = (const char *const[]){"", "balance", "balancedd", NULL}; *none;
         none++) {
        enum lac_strategy got = LAC_STRATEGY_CONSERVATIVE;

        LAC_TEST_EQ(lac_strategy_parse(lac_str_from(*none), &got), false);
    }
}

static void context_is_raised_to_the_highest_below(void)
{
    static const struct {
        struct lac_decide_opinion said, held;
    } rows[] = {
        {{{1, 2, 3}}, {{1, 2, 3}}}, {{{5, 3, 4}}, {{5, 5, 5}}}, {{{1, 7, 3}}, {{1, 7, 7}}},
        {{{7, 1, 9}}, {{7, 7, 9}}}, {{{3, 2, 1}}, {{3, 3, 3}}},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_decide_opinion got = lac_decide_raise_only(rows[i].said);

        lac_test_row("%zu", i);
        LAC_TEST_EQ(memcmp(&got, &rows[i].held, sizeof(got)), 0);
    }
}

/* The largest remainder gets what is missing, the stricter tier among equal ones. */
static void parts_are_rounded_as_the_header_says(void)
{
    static const struct {
        uint32_t prior[LAC_TIER_COUNT];
        struct lac_decide_opinion o;
        uint32_t want[LAC_TIER_COUNT];
    } rows[] = {
        /* weights 1 1 1: one is missing, all remainders equal */
        {{400000, 400000, 200000}, {{1, 1, 2}}, {333333, 333333, 333334}},
        /* 2 5 5: two are missing */
        {{200000, 500000, 300000}, {{3, 3, 5}}, {166666, 416667, 416667}},
        {{500000, 200000, 300000}, {{3, 3, 5}}, {416666, 166667, 416667}},
        /* 3 2 2, and in turn: one is missing, and a remainder is the largest */
        {{300000, 200000, 500000}, {{5, 5, 2}}, {428572, 285714, 285714}},
        {{200000, 300000, 500000}, {{5, 5, 2}}, {285714, 428572, 285714}},
        {{200000, 500000, 300000}, {{5, 2, 5}}, {285714, 285714, 428572}},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_decide_in in = {.opinions = &rows[i].o, .opinion_count = 1};
        struct lac_decide_policy p = fixture_policy;
        struct lac_decide_out out;

        memcpy(p.prior, rows[i].prior, sizeof(p.prior));
        lac_decide(&p, &in, &out);
        lac_test_row("%zu", i);
        for (int t = 0; t < LAC_TIER_COUNT; t++)
            LAC_TEST_EQ(out.posterior[t], rows[i].want[t]);
    }
}

static void join_is_a_lattice(void)
{
    for (int a = 0; a < LAC_TIER_COUNT; a++)
        for (int b = 0; b < LAC_TIER_COUNT; b++)
            for (int c = 0; c < LAC_TIER_COUNT; c++) {
                enum lac_tier x = (enum lac_tier)a, y = (enum lac_tier)b, z = (enum lac_tier)c;

                LAC_TEST_EQ(lac_tier_join(x, y), lac_tier_join(y, x));
                LAC_TEST_EQ(lac_tier_join(x, lac_tier_join(y, z)),
                            lac_tier_join(lac_tier_join(x, y), z));
                LAC_TEST_EQ(lac_tier_join(x, x), x);
                CU_ASSERT(lac_tier_join(x, y) >= x && lac_tier_join(x, y) >= y);
                CU_ASSERT(z < x || z < y || lac_tier_join(x, y) <= z);
            }
}

static void floors_hold_order_never_matters_and_parts_add_up(void)
{
    lac_test_seed();
    for (int round = 0; round < ROUNDS; round++) {
        struct lac_decide_policy p = rnd_policy();
        struct lac_decide_opinion o[12];
        struct lac_decide_in in = {.floor = (enum lac_tier)lac_test_random(3),
                                   .opinions = o,
                                   .opinion_count = lac_test_random(LAC_COUNT(o) + 1),
                                   .strategy = (enum lac_strategy)lac_test_random(3),
                                   .public_permitted = lac_test_random(2),
                                   .degraded = lac_test_random(4) == 0};
        struct lac_decide_out out, again;

        for (size_t i = 0; i < in.opinion_count; i++)
            o[i] = rnd_opinion();
        lac_decide(&p, &in, &out);
        for (size_t i = in.opinion_count; i > 1; i--) {
            size_t j = lac_test_random((uint32_t)i);
            struct lac_decide_opinion swap = o[i - 1];

            o[i - 1] = o[j];
            o[j] = swap;
        }
        lac_decide(&p, &in, &again);
        if (!fixture_expect(out.tier >= in.floor, "floor", round) ||
            !fixture_expect(fixture_same(&out, &again), "order", round) ||
            !fixture_expect(out.posterior[0] + out.posterior[1] + out.posterior[2] ==
                                LAC_DECIDE_PPM,
                            "sum", round) ||
            !fixture_expect((in.public_permitted && !in.degraded) || out.tier != LAC_TIER_PUBLIC,
                            "public", round))
            return;
    }
}

static void evidence_that_only_raises_never_lowers_the_answer(void)
{
    lac_test_seed();
    for (int round = 0; round < ROUNDS; round++) {
        struct lac_decide_policy p = rnd_policy();
        struct lac_decide_opinion o[8];
        struct lac_decide_in in = {.opinions = o,
                                   .strategy = (enum lac_strategy)lac_test_random(3),
                                   .public_permitted = lac_test_random(2)};
        struct lac_decide_out before, after;
        size_t own = lac_test_random(4);

        for (size_t i = 0; i < LAC_COUNT(o); i++) {
            o[i] = rnd_opinion();
            if (i >= own)
                o[i] = lac_decide_raise_only(o[i]);
        }
        in.opinion_count = own;
        lac_decide(&p, &in, &before);
        in.opinion_count = own + 1 + lac_test_random((uint32_t)(LAC_COUNT(o) - own));
        lac_decide(&p, &in, &after);
        if (!fixture_expect(after.tier >= before.tier, "context", round))
            return;
        in.degraded = true;
        lac_decide(&p, &in, &after);
        if (!fixture_expect(after.tier >= LAC_TIER_INTERNAL, "degraded", round))
            return;
    }
}

static void policies_that_could_lower_an_answer_are_refused(void)
{
    struct lac_err err = {0};
    struct lac_decide_policy p = fixture_policy;

    p.prior[0]--;
    LAC_TEST_EQ(lac_decide_policy_check(&p, &err), LAC_REJECT);
    p = fixture_policy;
    p.cost[1][2][2] = 20; /* PROPRIETARY costs more for PROPRIETARY texts than INTERNAL */
    LAC_TEST_EQ(lac_decide_policy_check(&p, &err), LAC_REJECT);
    p = fixture_policy;
    p.cost[1][2][0] = 1; /* PUBLIC for a PROPRIETARY text cheaper than for an INTERNAL one */
    LAC_TEST_EQ(lac_decide_policy_check(&p, &err), LAC_REJECT);
    p = fixture_policy;
    /* ... by the least there is */
    p.cost[1][2][0] = p.cost[1][2][1] + p.cost[1][1][0] - p.cost[1][1][1] - 1;
    LAC_TEST_EQ(lac_decide_policy_check(&p, &err), LAC_REJECT);
    CU_ASSERT(strstr(err.text, "must not cost more") != NULL);
    p = fixture_policy;
    p.cost[0][2][1] = 1; /* conservative would say INTERNAL */
    p.cost[0][2][0] = 100;
    LAC_TEST_EQ(lac_decide_policy_check(&p, &err), LAC_REJECT);
    p = fixture_policy;
    p.prior[0] = 1000000;
    p.prior[1] = p.prior[2] = 0;
    LAC_TEST_EQ(lac_decide_policy_check(&p, &err), LAC_REJECT);
    p = fixture_policy;
    p.cost[2][0][2] = LAC_DECIDE_COST_MAX + 1;
    LAC_TEST_EQ(lac_decide_policy_check(&p, &err), LAC_REJECT);
}

/* `why`: a part of the reason; NULL: it is accepted. */
static void check_policy(const struct lac_decide_policy *p, const char *why)
{
    struct lac_err err = {0};
    enum lac_status status = lac_decide_policy_check(p, &err);

    lac_test_row("%s", why ? why : err.text);
    LAC_TEST_EQ(status, why ? LAC_REJECT : LAC_OK);
    CU_ASSERT(!why || strstr(err.text, why) != NULL);
}

/* Each rule of the check, where it is the only one that a policy breaks, and right beside it. */
static void policies_are_refused_for_one_reason(void)
{
    static const struct {
        uint32_t prior[LAC_TIER_COUNT];
        const char *why;
    } priors[] = {
        {{0, 600000, 400000}, "no tier may be impossible"},
        {{600000, 0, 400000}, "no tier may be impossible"},
        {{600000, 400000, 0}, "no tier may be impossible"},
        {{350000, 649999, 1}, "conservative: a text without evidence must be PROPRIETARY"},
        {{350000, 500000, 150001}, "add up to 1.000001"},
        {{400000, 400000, 200000}, NULL}, /* aggressive promises the stricter of two equal ones */
        {{500000, 400000, 100000},
         "aggressive: a text without evidence must be PUBLIC, with these costs it would be "
         "INTERNAL"},
    };
    static const struct {
        uint32_t cost[LAC_TIER_COUNT][LAC_TIER_COUNT]; /* balanced */
        const char *why;
    } costs[] = {
        {{{2, 1, 5}, {20, 0, 3}, {60, 12, 0}}, "for PUBLIC texts the right answer costs more than"},
        {{{0, 1, 5}, {3, 4, 6}, {60, 12, 0}}, "INTERNAL texts the right answer costs more than P"},
        {{{0, 1, 5}, {20, 0, 5}, {60, 12, 0}}, "INTERNAL must not cost more for INTERNAL texts"},
        {{{0, 1, 5}, {20, 0, 4}, {60, 12, 0}}, NULL}, /* equal steps */
        {{{0, 1, 5}, {20, 0, 3}, {LAC_DECIDE_COST_MAX, 12, 0}}, NULL},
        {{{0, 1, 5}, {20, 0, 3}, {LAC_DECIDE_COST_MAX + 1, 12, 0}}, "costs are at most"},
    };
    static const uint32_t lenient[LAC_TIER_COUNT][LAC_TIER_COUNT] = {
        {0, 4, 9}, {1, 0, 1}, {2, 1, 0}};
    struct lac_decide_policy p;

    for (size_t i = 0; i < LAC_COUNT(priors); i++) {
        p = fixture_policy;
        memcpy(p.prior, priors[i].prior, sizeof(p.prior));
        check_policy(&p, priors[i].why);
    }
    for (size_t i = 0; i < LAC_COUNT(costs); i++) {
        p = fixture_policy;
        memcpy(p.cost[LAC_STRATEGY_BALANCED], costs[i].cost, sizeof(costs[i].cost));
        check_policy(&p, costs[i].why);
    }
    p = fixture_policy; /* aggressive may promise PUBLIC where most texts are */
    memcpy(p.prior, priors[LAC_COUNT(priors) - 1].prior, sizeof(p.prior));
    memcpy(p.cost[LAC_STRATEGY_AGGRESSIVE], lenient, sizeof(lenient));
    check_policy(&p, NULL);
}

static void the_next_stage_runs_only_while_it_is_worth_its_price(void)
{
    struct lac_decide_opinion sure = {{1, 1, 1000000}};
    struct lac_decide_in in = {.strategy = LAC_STRATEGY_BALANCED};
    struct lac_decide_out out;

    lac_decide(&fixture_policy, &in, &out);
    LAC_TEST_EQ(out.expected_cost, 350000 * 1 + 150000 * 12);
    LAC_TEST_EQ(lac_decide_wants(&fixture_policy, &in, &out, LAC_DECIDE_SEMANTIC), true);
    in.floor = LAC_TIER_PROPRIETARY;
    LAC_TEST_EQ(lac_decide_wants(&fixture_policy, &in, &out, LAC_DECIDE_SEMANTIC), false);
    in = (struct lac_decide_in){
        .strategy = LAC_STRATEGY_BALANCED, .opinions = &sure, .opinion_count = 1};
    lac_decide(&fixture_policy, &in, &out);
    LAC_TEST_EQ(lac_decide_wants(&fixture_policy, &in, &out, LAC_DECIDE_SEMANTIC), false);
}

LAC_TEST_MAIN(decide, without_evidence_each_strategy_keeps_its_promise,
              rules_alone_never_say_public, a_failed_tier_means_the_conservative_matrix,
              ties_go_to_the_stricter_tier, strategies_have_names,
              context_is_raised_to_the_highest_below, parts_are_rounded_as_the_header_says,
              join_is_a_lattice, floors_hold_order_never_matters_and_parts_add_up,
              evidence_that_only_raises_never_lowers_the_answer,
              policies_that_could_lower_an_answer_are_refused, policies_are_refused_for_one_reason,
              the_next_stage_runs_only_while_it_is_worth_its_price)
