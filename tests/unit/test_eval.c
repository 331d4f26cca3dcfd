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

LAC_TEST_MAIN(eval, spans_pair_by_entity_and_overlap,
              one_finding_serves_one_label_and_the_best_pair_wins,
              what_is_never_labelled_counts_only_when_asked, shares_carry_wilsons_interval,
              leaks_and_blocks_are_shares_of_texts_that_could,
              the_bootstrap_surrounds_f1_and_repeats)
