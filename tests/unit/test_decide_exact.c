/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an answer is the definition's to the last digit, whatever the policy and the evidence.
 * Method: random ones (LAC_TEST_SEED, printed), compared with the definition in another arithmetic;
 * then the division of wide numbers alone.
 */
#include "lac_decide.h"

#include "decide_fixture.h"
#include "lac_decide_wide.h"
#include "lac_test.h"

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
    struct lac_decide_policy p = fixture_policy;

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
        if (!fixture_expect(got.tier == want.tier, "tier", round) ||
            !fixture_expect(got.expected_cost == want.expected_cost, "cost", round) ||
            !fixture_expect(fixture_same(&got, &want), "shares", round))
            return;
        p.price[LAC_DECIDE_LLM] = want.expected_cost;
        p.price[LAC_DECIDE_SEMANTIC] = want.expected_cost - 1;
        if (!fixture_expect(!lac_decide_wants(&p, &in, &got, LAC_DECIDE_LLM), "its own price",
                            round) ||
            !fixture_expect(lac_decide_wants(&p, &in, &got, LAC_DECIDE_SEMANTIC) ==
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
    lac_decide(&fixture_policy, &in, &out);
    LAC_TEST_EQ(out.posterior[1], 500000);
    for (size_t i = 0; i < LAC_COUNT(o); i++)
        o[i] = (struct lac_decide_opinion){{1, LAC_DECIDE_PPM - 1, LAC_DECIDE_PPM}};
    lac_decide(&fixture_policy, &in, &out);
    LAC_TEST_EQ(out.posterior[0], 0);
    LAC_TEST_EQ(out.posterior[1] + out.posterior[2], LAC_DECIDE_PPM);
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

LAC_TEST_MAIN(decide_exact, the_answer_is_the_definition,
              as_many_opinions_as_there_may_be_still_weigh_exactly,
              wide_division_gives_quotient_and_rest,
              division_of_few_words_gives_the_same_as_the_compiler)
