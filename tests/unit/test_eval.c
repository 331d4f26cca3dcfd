/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: labels and findings are paired as the header says, and the figures are the published
 * formulas'. Expected values are worked out by hand. */
#include "lac_eval.h"

#include <math.h>
#include <string.h>

#include "lac_test.h"

#define SPAN(name, from, to)                                             \
    {                                                                    \
        .entity = {name, sizeof(name) - 1}, .start = (from), .end = (to) \
    }

static struct lac_eval *open_eval(uint32_t overlap)
{
    struct lac_eval *e = NULL;
    struct lac_err err;

    LAC_TEST_NEED(lac_eval_open(&e, overlap, &err) == LAC_OK);
    return e;
}

static void add(struct lac_eval *e, const struct lac_eval_span *gold, size_t gold_count,
                const struct lac_eval_span *found, size_t found_count)
{
    static uint64_t line;
    struct lac_eval_case c = {.line = ++line,
                              .gold = gold,
                              .gold_count = gold_count,
                              .found = found,
                              .found_count = found_count};
    struct lac_err err;

    LAC_TEST_EQ(lac_eval_add(e, &c, &err), LAC_OK);
}

static struct lac_eval_report sum(struct lac_eval *e, bool all)
{
    struct lac_eval_report r;
    struct lac_err err;

    LAC_TEST_EQ(lac_eval_sum(e, all, 10, &r, &err), LAC_OK);
    return r;
}

static bool near(double a, double b)
{
    return fabs(a - b) < 5e-5;
}

static void spans_pair_by_entity_and_overlap(void)
{
    const struct lac_eval_span gold[] = {SPAN("A", 0, 10), SPAN("A", 20, 30), SPAN("B", 40, 50)};
    const struct lac_eval_span found[] = {
        SPAN("A", 0, 12),  /* 10 of 12: right */
        SPAN("A", 26, 40), /* 4 of 20: wrong, and the label is missed */
        SPAN("A", 40, 50), /* the place is right, the entity is not */
    };
    struct lac_eval *e = open_eval(50);
    struct lac_eval_report r;

    add(e, gold, 3, found, 3);
    r = sum(e, false);
    LAC_TEST_EQ(r.entity_count, 2);
    LAC_TEST_STR(r.entities[0].name, "A");
    LAC_TEST_EQ(r.entities[0].right, 1);
    LAC_TEST_EQ(r.entities[0].wrong, 2);
    LAC_TEST_EQ(r.entities[0].missed, 1);
    LAC_TEST_EQ(r.entities[1].missed, 1);
    CU_ASSERT(near(r.all.precision.value, 1.0 / 3));
    CU_ASSERT(near(r.all.recall.value, 1.0 / 3));
    lac_eval_close(e);
}

static void one_finding_serves_one_label_and_the_best_pair_wins(void)
{
    const struct lac_eval_span gold[] = {SPAN("A", 0, 10), SPAN("A", 1, 10)};
    const struct lac_eval_span found[] = {SPAN("A", 1, 10)};
    struct lac_eval *e = open_eval(50);
    struct lac_eval_report r;

    add(e, gold, 2, found, 1);
    r = sum(e, false);
    LAC_TEST_EQ(r.entities[0].right, 1);
    LAC_TEST_EQ(r.entities[0].missed, 1);
    LAC_TEST_EQ(r.mistakes[0].start, 0); /* the one that fits less is left over */
    lac_eval_close(e);
}

static void what_is_never_labelled_counts_only_when_asked(void)
{
    const struct lac_eval_span gold[] = {SPAN("A", 0, 4)};
    const struct lac_eval_span found[] = {SPAN("A", 0, 4), SPAN("C", 5, 9)};
    struct lac_eval *e = open_eval(50);
    struct lac_eval_report r;

    add(e, gold, 1, found, 2);
    r = sum(e, false);
    LAC_TEST_EQ(r.all.wrong, 0);
    LAC_TEST_EQ(r.mistake_total, 0);
    CU_ASSERT_FALSE(r.entities[1].labelled);
    r = sum(e, true);
    LAC_TEST_EQ(r.all.wrong, 1);
    LAC_TEST_EQ(r.mistake_total, 1);
    LAC_TEST_STR(r.mistakes[0].entity, "C");
    lac_eval_close(e);
}

static void shares_carry_wilsons_interval(void)
{
    struct lac_eval_share s = lac_eval_share(8, 10);

    CU_ASSERT(near(s.value, 0.8));
    CU_ASSERT(near(s.low, 0.49016));
    CU_ASSERT(near(s.high, 0.94332));
    s = lac_eval_share(0, 20);
    CU_ASSERT(near(s.low, 0));
    CU_ASSERT(near(s.high, 0.16113));
    s = lac_eval_share(0, 0);
    CU_ASSERT(near(s.low, 0) && near(s.high, 1));
}

static void tier(struct lac_eval *e, enum lac_tier gold, enum lac_tier answer)
{
    struct lac_eval_case c = {.line = 1, .has_tier = true, .gold_tier = gold, .tier = answer};
    struct lac_err err;

    LAC_TEST_EQ(lac_eval_add(e, &c, &err), LAC_OK);
}

static void leaks_and_blocks_are_shares_of_texts_that_could(void)
{
    struct lac_eval *e = open_eval(50);
    struct lac_eval_report r;

    tier(e, LAC_TIER_PUBLIC, LAC_TIER_INTERNAL);
    tier(e, LAC_TIER_INTERNAL, LAC_TIER_INTERNAL);
    tier(e, LAC_TIER_PROPRIETARY, LAC_TIER_INTERNAL);
    tier(e, LAC_TIER_PROPRIETARY, LAC_TIER_PUBLIC);
    r = sum(e, false);
    LAC_TEST_EQ(r.leaks.hits, 2);
    LAC_TEST_EQ(r.leaks.of, 3);
    LAC_TEST_EQ(r.blocks.hits, 1);
    LAC_TEST_EQ(r.blocks.of, 2);
    LAC_TEST_EQ(r.confusion[LAC_TIER_PROPRIETARY][LAC_TIER_PUBLIC], 1);
    LAC_TEST_EQ(r.tiers[LAC_TIER_INTERNAL].wrong, 2);
    LAC_TEST_EQ(r.mistakes[0].kind, LAC_EVAL_LEAK);
    LAC_TEST_EQ(r.mistakes[0].tier, LAC_TIER_PUBLIC); /* two tiers too low comes first */
    LAC_TEST_EQ(r.mistakes[2].kind, LAC_EVAL_BLOCK);
    lac_eval_close(e);
}

static void the_bootstrap_surrounds_f1_and_repeats(void)
{
    const struct lac_eval_span gold[] = {SPAN("A", 0, 4)};
    struct lac_eval *e = open_eval(50);
    struct lac_eval_report a, b;

    for (int i = 0; i < 100; i++)
        add(e, gold, 1, gold, i % 5 != 0);
    a = sum(e, false);
    CU_ASSERT(near(a.all.f1, 160.0 / 180));
    CU_ASSERT(a.all.f1_low < a.all.f1 && a.all.f1 < a.all.f1_high);
    CU_ASSERT(a.all.f1_low > 0.75 && a.all.f1_high < 0.98);
    b = sum(e, false);
    CU_ASSERT(a.all.f1_low == b.all.f1_low && a.all.f1_high == b.all.f1_high);
    lac_eval_close(e);
}

/* 60 of 80 are right, and each tier has mistakes: an interval of no width would be wrong. */
static void f1_of_tiers_is_surrounded_too(void)
{
    struct lac_eval *e = open_eval(50);
    struct lac_eval_report a, b;
    struct lac_err err;

    for (int i = 0; i < 80; i++) {
        enum lac_tier gold = (enum lac_tier)(i % LAC_TIER_COUNT);
        enum lac_tier answer = (enum lac_tier)((i + (i % 4 == 0)) % LAC_TIER_COUNT);
        struct lac_eval_case c = {.has_tier = true, .gold_tier = gold, .tier = answer};

        LAC_TEST_EQ(lac_eval_add(e, &c, &err), LAC_OK);
    }
    a = sum(e, false);
    b = sum(e, false);
    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        CU_ASSERT(a.tiers[t].f1_low < a.tiers[t].f1 && a.tiers[t].f1 < a.tiers[t].f1_high);
        CU_ASSERT(a.tiers[t].f1_low > 0.5 && a.tiers[t].f1_high < 0.95);
        CU_ASSERT(a.tiers[t].f1_low == b.tiers[t].f1_low);
    }
    CU_ASSERT(a.macro_low > 0.6 && a.macro_low < a.macro_f1);
    CU_ASSERT(a.macro_f1 < a.macro_high && a.macro_high < 0.9);
    lac_eval_close(e);
}

/* A tier that the set does not have says nothing about the answers to the others. */
static void the_mean_is_that_of_the_tiers_that_are_there(void)
{
    struct lac_eval *e = open_eval(50);
    struct lac_eval_report r;
    struct lac_err err;

    for (int i = 0; i < 40; i++) {
        struct lac_eval_case c = {.has_tier = true, .gold_tier = LAC_TIER_PUBLIC};

        if (i % 2)
            c.gold_tier = c.tier = LAC_TIER_INTERNAL;
        else if (i == 0)
            c.tier = LAC_TIER_PROPRIETARY;
        LAC_TEST_EQ(lac_eval_add(e, &c, &err), LAC_OK);
    }
    r = sum(e, false);
    CU_ASSERT(near(r.tiers[LAC_TIER_PUBLIC].f1, 38.0 / 39));
    CU_ASSERT(near(r.macro_f1, (38.0 / 39 + 1) / 2));
    CU_ASSERT(r.macro_low > 0.9 && r.macro_high <= 1);
    CU_ASSERT_FALSE(r.tiers[LAC_TIER_PROPRIETARY].labelled);
    lac_eval_close(e);
}

static void bet(struct lac_eval *e, enum lac_tier gold, enum lac_tier answer, double u, double i)
{
    struct lac_eval_case c = {.has_tier = true,
                              .gold_tier = gold,
                              .tier = answer,
                              .has_posterior = true,
                              .posterior = {u, i, 1 - u - i}};
    struct lac_err err;

    LAC_TEST_EQ(lac_eval_add(e, &c, &err), LAC_OK);
}

/*
 * Four texts. The likeliest tiers: 0.95 right, 0.92 wrong (both in the last bin: |1 - 1.87| =
 * 0.87), 0.6 right (0.4), 0.55 wrong (0.55): 1.82 of 4. P(true <= answer): 1 right; INTERNAL 0.97
 * wrong
 * (|1 - 1.97| in the last bin = 0.97); INTERNAL 0.8 right (0.2); PROPRIETARY 1 right, also in the
 * last bin, which has 3 texts, 2 right, 2.97 sure: 0.97 + 0.2 of 4.
 */
static void sureness_is_held_against_the_truth(void)
{
    struct lac_eval *e = open_eval(50);
    struct lac_eval_report r;

    bet(e, LAC_TIER_PUBLIC, LAC_TIER_PROPRIETARY, 0.95, 0.03);
    bet(e, LAC_TIER_PROPRIETARY, LAC_TIER_INTERNAL, 0.92, 0.05);
    bet(e, LAC_TIER_INTERNAL, LAC_TIER_INTERNAL, 0.2, 0.6);
    bet(e, LAC_TIER_PUBLIC, LAC_TIER_PROPRIETARY, 0.2, 0.25);
    r = sum(e, false);
    LAC_TEST_EQ(r.judged, 4);
    CU_ASSERT(near(r.likeliest.error, 1.82 / 4));
    CU_ASSERT(near(r.answer.error, 1.17 / 4));
    LAC_TEST_EQ(r.likeliest.bins[9].texts, 2);
    LAC_TEST_EQ(r.likeliest.bins[9].right, 1);
    CU_ASSERT(near(r.likeliest.bins[9].sure, 1.87 / 2));
    /* Surest first: right, wrong and below, right, wrong and above. */
    LAC_TEST_NEED(r.curve_count == 4);
    CU_ASSERT(near(r.curve[0].coverage, 0.25) && near(r.curve[0].wrong, 0));
    CU_ASSERT(near(r.curve[1].sure, 0.92) && near(r.curve[1].wrong, 1.0 / 2));
    CU_ASSERT(near(r.curve[1].below, 1.0 / 2));
    CU_ASSERT(near(r.curve[2].wrong, 1.0 / 3));
    CU_ASSERT(near(r.curve[3].wrong, 2.0 / 4) && near(r.curve[3].below, 1.0 / 4));
    CU_ASSERT(near(r.curve_area, (0 + 1.0 / 2 + 1.0 / 3 + 2.0 / 4) / 4));
    lac_eval_close(e);
}

/* Whatever the order in which they came. */
static void equally_sure_texts_are_one_step(void)
{
    struct lac_eval *e = open_eval(50);
    struct lac_eval_report r;

    bet(e, LAC_TIER_PUBLIC, LAC_TIER_PUBLIC, 0.8, 0.1);
    bet(e, LAC_TIER_INTERNAL, LAC_TIER_PUBLIC, 0.8, 0.1);
    r = sum(e, false);
    LAC_TEST_EQ(r.curve_count, 1);
    CU_ASSERT(near(r.curve[0].coverage, 1) && near(r.curve[0].wrong, 0.5));
    CU_ASSERT(near(r.curve_area, 0.5));
    CU_ASSERT(near(r.accuracy.value, 0.5));
    CU_ASSERT(near(r.macro_f1, (2.0 / 3 + 0) / 2)); /* no text is PROPRIETARY */
    lac_eval_close(e);
}

static void the_curve_becomes_a_picture(void)
{
    struct lac_eval *e = open_eval(50);
    struct lac_eval_report r;
    struct lac_buf b;

    bet(e, LAC_TIER_PUBLIC, LAC_TIER_PUBLIC, 0.9, 0.05);
    bet(e, LAC_TIER_INTERNAL, LAC_TIER_PUBLIC, 0.8, 0.1);
    r = sum(e, false);
    lac_buf_init(&b, 1 << 16);
    lac_eval_svg(&r, &b);
    lac_buf_put_char(&b, '\0');
    LAC_TEST_NEED(lac_buf_ok(&b));
    CU_ASSERT(strncmp(b.ptr, "<svg xmlns=", 11) == 0);
    CU_ASSERT(strstr(b.ptr, "d=\"M340.0 350.0L620.0 40.0\"") != NULL); /* half right, then half */
    CU_ASSERT(strstr(b.ptr, "</svg>") != NULL);
    lac_buf_deinit(&b);
    lac_eval_close(e);
}

LAC_TEST_MAIN(eval, spans_pair_by_entity_and_overlap,
              one_finding_serves_one_label_and_the_best_pair_wins,
              what_is_never_labelled_counts_only_when_asked, shares_carry_wilsons_interval,
              leaks_and_blocks_are_shares_of_texts_that_could,
              the_bootstrap_surrounds_f1_and_repeats, f1_of_tiers_is_surrounded_too,
              the_mean_is_that_of_the_tiers_that_are_there, sureness_is_held_against_the_truth,
              equally_sure_texts_are_one_step, the_curve_becomes_a_picture)
