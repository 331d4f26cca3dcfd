/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the properties that DESIGN promises hold for every policy that is accepted and all
 * evidence. Method: a few worked examples, then random policies and evidence from a seeded
 * generator (LAC_TEST_SEED, printed), compared to the last digit with the definition in another
 * arithmetic.
 */
#include "lac_decide.h"

#include <string.h>

#include "lac_decide_wide.h"
#include "lac_test.h"

enum { ROUNDS = 4000 };

static const struct lac_decide_policy policy = {
    .prior = {350000, 500000, 150000},
    .cost = {{{0, 1, 4}, {60, 0, 2}, {400, 100, 0}},
             {{0, 1, 5}, {20, 0, 3}, {60, 12, 0}},
             {{0, 1, 3}, {3, 0, 1}, {8, 2, 0}}},
    .price = {0, 100000, 500000},
};

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
        struct lac_decide_policy p = policy;
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

    LAC_TEST_EQ(lac_decide_policy_check(&policy, &err), LAC_OK);
    for (int s = 0; s < LAC_STRATEGY_COUNT; s++) {
        struct lac_decide_in in = {.strategy = (enum lac_strategy)s};
        struct lac_decide_out out;

        lac_decide(&policy, &in, &out);
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

    lac_decide(&policy, &in, &out);
    LAC_TEST_EQ(out.tier, LAC_TIER_INTERNAL);
    in.public_permitted = true;
    lac_decide(&policy, &in, &out);
    LAC_TEST_EQ(out.tier, LAC_TIER_PUBLIC);
    in.degraded = true;
    lac_decide(&policy, &in, &out);
    LAC_TEST_EQ(out.tier, LAC_TIER_INTERNAL);
}

static void a_failed_tier_means_the_conservative_matrix(void)
{
    for (int s = 0; s < LAC_STRATEGY_COUNT; s++) {
        struct lac_decide_in in = {.strategy = (enum lac_strategy)s, .degraded = true};
        struct lac_decide_out out;

        lac_decide(&policy, &in, &out);
        LAC_TEST_EQ(out.tier, LAC_TIER_PROPRIETARY);
    }
}

static void ties_go_to_the_stricter_tier(void)
{
    struct lac_decide_policy p = policy;
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
        struct lac_decide_policy p = policy;
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

/* One failed check per round at most: a flood of them would hide the first. */
static bool expect(bool ok, const char *what, int round)
{
    lac_test_row("%s, round %d", what, round);
    LAC_TEST_EQ(ok, true);
    return ok;
}

static bool same(const struct lac_decide_out *a, const struct lac_decide_out *b)
{
    return a->tier == b->tier && a->confidence == b->confidence &&
           a->expected_cost == b->expected_cost &&
           memcmp(a->posterior, b->posterior, sizeof(a->posterior)) == 0;
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
        if (!expect(out.tier >= in.floor, "floor", round) ||
            !expect(same(&out, &again), "order", round) ||
            !expect(out.posterior[0] + out.posterior[1] + out.posterior[2] == LAC_DECIDE_PPM, "sum",
                    round) ||
            !expect((in.public_permitted && !in.degraded) || out.tier != LAC_TIER_PUBLIC, "public",
                    round))
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
        if (!expect(after.tier >= before.tier, "context", round))
            return;
        in.degraded = true;
        lac_decide(&p, &in, &after);
        if (!expect(after.tier >= LAC_TIER_INTERNAL, "degraded", round))
            return;
    }
}

/* ---- the definition, once more ---- */

/* Whole numbers in another form than lac_decide_wide.c's: billions, all of them always there. */
enum { BILLION = 1000000000, BIG_PARTS = (20 * (LAC_DECIDE_OPINION_MAX + 4)) / 29 + 1 };

struct big {
    uint32_t part[BIG_PARTS]; /* least significant first */
};

static struct big big_times(const struct big *b, uint64_t factor)
{
    struct big out;
    unsigned __int128 carry = 0;

    for (size_t i = 0; i < BIG_PARTS; i++) {
        carry += (unsigned __int128)b->part[i] * factor;
        out.part[i] = (uint32_t)(carry % BILLION);
        carry /= BILLION;
    }
    LAC_TEST_NEED(carry == 0);
    return out;
}

/* a + b, or a - b. */
static struct big big_sum(const struct big *a, const struct big *b, bool minus)
{
    struct big out;
    int64_t carry = 0;

    for (size_t i = 0; i < BIG_PARTS; i++) {
        carry += (int64_t)a->part[i] + (minus ? -(int64_t)b->part[i] : (int64_t)b->part[i]);
        out.part[i] = (uint32_t)((carry + BILLION) % BILLION);
        carry = carry < 0 ? -1 : carry / BILLION;
    }
    LAC_TEST_NEED(carry == 0);
    return out;
}

static int big_cmp(const struct big *a, const struct big *b)
{
    for (size_t i = BIG_PARTS; i-- > 0;)
        if (a->part[i] != b->part[i])
            return a->part[i] < b->part[i] ? -1 : 1;
    return 0;
}

/* floor(a / b), found from its highest decimal digit on; `a` becomes the rest. */
static uint64_t big_divide(struct big *a, const struct big *b)
{
    uint64_t quotient = 0;

    for (uint64_t unit = UINT64_C(1000000000000); unit > 0; unit /= 10) {
        struct big step = big_times(b, unit);

        for (; big_cmp(a, &step) >= 0; quotient += unit)
            *a = big_sum(a, &step, true);
    }
    return quotient;
}

static void define_posterior(const struct big weight[LAC_TIER_COUNT], const struct big *sum,
                             uint32_t posterior[LAC_TIER_COUNT])
{
    struct big rest[LAC_TIER_COUNT];
    uint32_t given = 0;

    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        rest[t] = big_times(&weight[t], LAC_DECIDE_PPM);
        posterior[t] = (uint32_t)big_divide(&rest[t], sum);
        given += posterior[t];
    }
    for (int most = LAC_TIER_COUNT - 1; given < LAC_DECIDE_PPM; given++) {
        for (int t = LAC_TIER_COUNT - 1; t >= 0; t--)
            if (big_cmp(&rest[t], &rest[most]) > 0)
                most = t;
        posterior[most]++;
        rest[most] = (struct big){{0}};
    }
}

static struct lac_decide_out define(const struct lac_decide_policy *p,
                                    const struct lac_decide_in *in)
{
    struct big weight[LAC_TIER_COUNT], cost[LAC_TIER_COUNT] = {0}, sum = {{0}};
    enum lac_strategy s = in->degraded ? LAC_STRATEGY_CONSERVATIVE : in->strategy;
    struct lac_decide_out out = {.tier = LAC_TIER_PUBLIC};

    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        weight[t] = (struct big){{p->prior[t]}};
        for (size_t i = 0; i < in->opinion_count; i++)
            weight[t] = big_times(&weight[t], in->opinions[i].likelihood[t]);
        sum = big_sum(&sum, &weight[t], false);
        for (int a = 0; a < LAC_TIER_COUNT; a++) {
            struct big paid = big_times(&weight[t], p->cost[s][t][a]);

            cost[a] = big_sum(&cost[a], &paid, false);
        }
    }
    define_posterior(weight, &sum, out.posterior);
    for (int a = 1; a < LAC_TIER_COUNT; a++)
        if (big_cmp(&cost[a], &cost[out.tier]) <= 0)
            out.tier = (enum lac_tier)a;
    if (out.tier == LAC_TIER_PUBLIC && (!in->public_permitted || in->degraded))
        out.tier = LAC_TIER_INTERNAL;
    if (out.tier < in->floor)
        out.tier = in->floor;
    cost[out.tier] = big_times(&cost[out.tier], LAC_DECIDE_PPM);
    out.expected_cost = big_divide(&cost[out.tier], &sum);
    out.confidence = LAC_DECIDE_PPM;
    for (int t = LAC_TIER_COUNT - 1; t > (int)out.tier; t--)
        out.confidence -= out.posterior[t];
    return out;
}

/* Of 0 .. `most`, the ends more often than not. */
static uint32_t rnd_extreme(uint32_t most)
{
    switch (lac_test_random(4)) {
    case 0:
        return lac_test_random(3);
    case 1:
        return most - lac_test_random(3);
    default:
        return lac_test_random(most + 1);
    }
}

/* Any policy in range, also such as the check refuses. */
static struct lac_decide_policy rnd_policy_in_range(void)
{
    struct lac_decide_policy p = policy;

    p.prior[0] = 1 + rnd_extreme(LAC_DECIDE_PPM - 3);
    p.prior[1] = 1 + rnd_extreme(LAC_DECIDE_PPM - p.prior[0] - 2);
    p.prior[2] = LAC_DECIDE_PPM - p.prior[0] - p.prior[1];
    for (int s = 0; s < LAC_STRATEGY_COUNT; s++)
        for (int t = 0; t < LAC_TIER_COUNT; t++)
            for (int a = 0; a < LAC_TIER_COUNT; a++)
                p.cost[s][t][a] = rnd_extreme(LAC_DECIDE_COST_MAX);
    return p;
}

/* Of one kind per case: any; powers of two, with whole words of zeros in their products; and each
 * opinion in turn for each tier, which leaves the prior as it was. */
static void rnd_opinions(struct lac_decide_opinion *o, size_t count)
{
    uint32_t kind = lac_test_random(3);

    for (size_t i = 0; i < count; i++)
        for (int t = 0; t < LAC_TIER_COUNT; t++)
            if (kind == 2 && i % LAC_TIER_COUNT > 0)
                o[i].likelihood[t] = o[i - 1].likelihood[(t + 1) % LAC_TIER_COUNT];
            else
                o[i].likelihood[t] = kind == 1 ? UINT32_C(1) << lac_test_random(20)
                                               : 1 + rnd_extreme(LAC_DECIDE_PPM - 3);
}

static void the_answer_is_the_definition(void)
{
    static const uint32_t counts[] = {0, 1, 2, 3, 4, 5, 6, 7, 9, 15, 63, LAC_DECIDE_OPINION_MAX};

    lac_test_seed();
    for (int round = 0; round < LAC_TEST_ROUNDS(6000, 600); round++) {
        static struct lac_decide_opinion o[LAC_DECIDE_OPINION_MAX];
        struct lac_decide_policy p = rnd_policy_in_range();
        struct lac_decide_in in = {.floor = (enum lac_tier)lac_test_random(3),
                                   .opinions = o,
                                   .opinion_count = counts[lac_test_random(LAC_COUNT(counts))],
                                   .strategy = (enum lac_strategy)lac_test_random(3),
                                   .public_permitted = lac_test_random(2),
                                   .degraded = lac_test_random(4) == 0};
        struct lac_decide_out got, want;

        rnd_opinions(o, in.opinion_count);
        lac_decide(&p, &in, &got);
        want = define(&p, &in);
        if (!expect(got.tier == want.tier, "tier", round) ||
            !expect(got.expected_cost == want.expected_cost, "cost", round) ||
            !expect(same(&got, &want), "shares", round))
            return;
        p.price[LAC_DECIDE_LLM] = want.expected_cost;
        p.price[LAC_DECIDE_SEMANTIC] = want.expected_cost - 1;
        if (!expect(!lac_decide_wants(&p, &in, &got, LAC_DECIDE_LLM), "its own price", round) ||
            !expect(lac_decide_wants(&p, &in, &got, LAC_DECIDE_SEMANTIC) ==
                        (want.expected_cost > 0 && in.floor < LAC_TIER_PROPRIETARY),
                    "a lower price", round))
            return;
    }
}

static void as_many_opinions_as_there_may_be_still_weigh_exactly(void)
{
    static struct lac_decide_opinion o[LAC_DECIDE_OPINION_MAX];
    struct lac_decide_in in = {
        .opinions = o, .opinion_count = LAC_COUNT(o), .strategy = LAC_STRATEGY_BALANCED};
    struct lac_decide_out out;

    for (size_t i = 0; i < LAC_COUNT(o); i++)
        o[i] = (struct lac_decide_opinion){{LAC_DECIDE_PPM, LAC_DECIDE_PPM, LAC_DECIDE_PPM}};
    lac_decide(&policy, &in, &out);
    LAC_TEST_EQ(out.posterior[1], 500000);
    for (size_t i = 0; i < LAC_COUNT(o); i++)
        o[i] = (struct lac_decide_opinion){{1, LAC_DECIDE_PPM - 1, LAC_DECIDE_PPM}};
    lac_decide(&policy, &in, &out);
    LAC_TEST_EQ(out.posterior[0], 0);
    LAC_TEST_EQ(out.posterior[1] + out.posterior[2], LAC_DECIDE_PPM);
}

static void policies_that_could_lower_an_answer_are_refused(void)
{
    struct lac_err err = {0};
    struct lac_decide_policy p = policy;

    p.prior[0]--;
    LAC_TEST_EQ(lac_decide_policy_check(&p, &err), LAC_REJECT);
    p = policy;
    p.cost[1][2][2] = 20; /* PROPRIETARY costs more for PROPRIETARY texts than INTERNAL */
    LAC_TEST_EQ(lac_decide_policy_check(&p, &err), LAC_REJECT);
    p = policy;
    p.cost[1][2][0] = 1; /* PUBLIC for a PROPRIETARY text cheaper than for an INTERNAL one */
    LAC_TEST_EQ(lac_decide_policy_check(&p, &err), LAC_REJECT);
    p = policy;
    /* ... by the least there is */
    p.cost[1][2][0] = p.cost[1][2][1] + p.cost[1][1][0] - p.cost[1][1][1] - 1;
    LAC_TEST_EQ(lac_decide_policy_check(&p, &err), LAC_REJECT);
    CU_ASSERT(strstr(err.text, "must not cost more") != NULL);
    p = policy;
    p.cost[0][2][1] = 1; /* conservative would say INTERNAL */
    p.cost[0][2][0] = 100;
    LAC_TEST_EQ(lac_decide_policy_check(&p, &err), LAC_REJECT);
    p = policy;
    p.prior[0] = 1000000;
    p.prior[1] = p.prior[2] = 0;
    LAC_TEST_EQ(lac_decide_policy_check(&p, &err), LAC_REJECT);
    p = policy;
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
        p = policy;
        memcpy(p.prior, priors[i].prior, sizeof(p.prior));
        check_policy(&p, priors[i].why);
    }
    for (size_t i = 0; i < LAC_COUNT(costs); i++) {
        p = policy;
        memcpy(p.cost[LAC_STRATEGY_BALANCED], costs[i].cost, sizeof(costs[i].cost));
        check_policy(&p, costs[i].why);
    }
    p = policy; /* aggressive may promise PUBLIC where most texts are */
    memcpy(p.prior, priors[LAC_COUNT(priors) - 1].prior, sizeof(p.prior));
    memcpy(p.cost[LAC_STRATEGY_AGGRESSIVE], lenient, sizeof(lenient));
    check_policy(&p, NULL);
}

static void the_next_stage_runs_only_while_it_is_worth_its_price(void)
{
    struct lac_decide_opinion sure = {{1, 1, 1000000}};
    struct lac_decide_in in = {.strategy = LAC_STRATEGY_BALANCED};
    struct lac_decide_out out;

    lac_decide(&policy, &in, &out);
    LAC_TEST_EQ(out.expected_cost, 350000 * 1 + 150000 * 12);
    LAC_TEST_EQ(lac_decide_wants(&policy, &in, &out, LAC_DECIDE_SEMANTIC), true);
    in.floor = LAC_TIER_PROPRIETARY;
    LAC_TEST_EQ(lac_decide_wants(&policy, &in, &out, LAC_DECIDE_SEMANTIC), false);
    in = (struct lac_decide_in){
        .strategy = LAC_STRATEGY_BALANCED, .opinions = &sure, .opinion_count = 1};
    lac_decide(&policy, &in, &out);
    LAC_TEST_EQ(lac_decide_wants(&policy, &in, &out, LAC_DECIDE_SEMANTIC), false);
}

/* 2^(64 * limbs) + low */
static struct lac_wide power(unsigned limbs, uint64_t low)
{
    struct lac_wide w;

    lac_wide_set(&w, 1);
    for (unsigned i = 0; i < 2 * limbs; i++)
        lac_wide_mul(&w, UINT64_C(1) << 32);
    if (low > 0) {
        struct lac_wide more;

        lac_wide_set(&more, low);
        lac_wide_add(&w, &more);
    }
    return w;
}

static void wide_division_gives_quotient_and_rest(void)
{
    struct lac_wide a = power(4, 7), b = power(4, 8), rest, want;

    LAC_TEST_EQ(lac_wide_div(&a, &b, 20, &rest), 0); /* nothing of the one is in the other */
    LAC_TEST_EQ(lac_wide_cmp(&rest, &a), 0);
    LAC_TEST_EQ(lac_wide_div(&b, &a, 20, &rest), 1);
    lac_wide_set(&want, 1);
    LAC_TEST_EQ(lac_wide_cmp(&rest, &want), 0);
    lac_wide_mul(&a, 1000003);
    lac_wide_set(&want, 6);
    lac_wide_add(&a, &want); /* 1000003 times 2^256 + 7, and 6 */
    b = power(4, 7);
    LAC_TEST_EQ(lac_wide_div(&a, &b, 20, &rest), 1000003);
    LAC_TEST_EQ(lac_wide_cmp(&rest, &want), 0);
    b = power(3, 0); /* shorter by a limb: the rest is what lies below it */
    a = power(3, 9);
    lac_wide_set(&want, 9);
    LAC_TEST_EQ(lac_wide_div(&a, &b, 20, &rest), 1);
    LAC_TEST_EQ(lac_wide_cmp(&rest, &want), 0);
    LAC_TEST_EQ(lac_wide_div(&b, &b, 20, &rest), 1); /* nothing is left */
    LAC_TEST_EQ(rest.used, 0);
}

/* 0 to 7 times 2^64, and 0 to 7: of one word, of two, or nothing. */
static void division_of_few_words_gives_the_same_as_the_compiler(void)
{
    for (unsigned x = 0; x < 64; x++)
        for (unsigned y = 1; y < 64; y++) {
            unsigned __int128 a = (unsigned __int128)(x / 8) << 64 | x % 8;
            unsigned __int128 b = (unsigned __int128)(y / 8) << 64 | y % 8;
            struct lac_wide wide_a, wide_b, rest, want = {0};

            if (a / b >= 1 << 20)
                continue;
            wide_a = x / 8 ? power(1, x % 8) : (struct lac_wide){.used = x % 8 != 0, {x % 8}};
            wide_b = y / 8 ? power(1, y % 8) : (struct lac_wide){.used = 1, {y % 8}};
            if (x / 8)
                wide_a.limb[1] = x / 8;
            if (y / 8)
                wide_b.limb[1] = y / 8;
            want.limb[0] = (uint64_t)(a % b);
            want.limb[1] = (uint64_t)(a % b >> 64);
            want.used = want.limb[1] ? 2 : want.limb[0] != 0;
            lac_test_row("%u / %u", x, y);
            LAC_TEST_EQ(lac_wide_div(&wide_a, &wide_b, 20, &rest), (uint64_t)(a / b));
            LAC_TEST_EQ(lac_wide_cmp(&rest, &want), 0);
        }
}

LAC_TEST_MAIN(decide, without_evidence_each_strategy_keeps_its_promise,
              rules_alone_never_say_public, a_failed_tier_means_the_conservative_matrix,
              ties_go_to_the_stricter_tier, strategies_have_names,
              context_is_raised_to_the_highest_below, parts_are_rounded_as_the_header_says,
              join_is_a_lattice, floors_hold_order_never_matters_and_parts_add_up,
              evidence_that_only_raises_never_lowers_the_answer, the_answer_is_the_definition,
              as_many_opinions_as_there_may_be_still_weigh_exactly,
              policies_that_could_lower_an_answer_are_refused, policies_are_refused_for_one_reason,
              the_next_stage_runs_only_while_it_is_worth_its_price,
              wide_division_gives_quotient_and_rest,
              division_of_few_words_gives_the_same_as_the_compiler)
