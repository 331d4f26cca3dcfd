/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: many vectors and exemplars at once come to what one and one come to, in each form. */
#include "lac_head_search.h"

#include "lac_test.h"

enum { SEARCH_COUNT = 50, SEARCH_WIDTH = 131 };

/* Vectors of made-up exemplars, a direction each. */
static void make_exemplars(struct lac_head_exemplars *e, int8_t *vectors, uint32_t *multipliers)
{
    *e = (struct lac_head_exemplars){.count = 1 + (uint32_t)lac_test_random(SEARCH_COUNT),
                                     .width = 1 + (uint32_t)lac_test_random(SEARCH_WIDTH),
                                     .vectors = vectors};
    for (size_t i = 0; i < (size_t)e->count * e->width; i++)
        vectors[i] = (int8_t)((int)lac_test_random(256) - 128);
    for (uint32_t i = 0; i < e->count; i++) {
        int8_t *v = vectors + (size_t)i * e->width;

        v[0] = v[0] ? v[0] : 1;
        multipliers[i] = lac_head_multiplier(v, e->width);
    }
}

enum { EXEMPLAR_WEIGHTS = SEARCH_COUNT * LAC_TIER_COUNT };

static int32_t random_weight(void)
{
    return (int32_t)lac_test_random(2 * LAC_HEAD_WEIGHT_MAX) - LAC_HEAD_WEIGHT_MAX;
}

/* Each form of the search, any number of vectors, whole and partial panels, odd widths. */
static void searches_find_the_same_cosines(void)
{
    static int8_t vectors[SEARCH_COUNT * SEARCH_WIDTH];
    static int16_t q[LAC_HEAD_ROWS * (SEARCH_WIDTH + 1)], rows_of[LAC_HEAD_ROWS][SEARCH_WIDTH];
    static const int32_t weights[EXEMPLAR_WEIGHTS];
    int32_t cosines[LAC_HEAD_ROWS][LAC_HEAD_PANEL];
    uint32_t multipliers[SEARCH_COUNT];

    lac_test_seed();
    for (int round = 0; round < 200; round++) {
        size_t form = (size_t)round % 3, rows = 1 + lac_test_random(LAC_HEAD_ROWS), wrong = 0;
        lac_head_search_fn *look = lac_head_search_at(form);
        struct lac_head_search s = {0};
        struct lac_head_exemplars e;
        struct lac_err err;

        make_exemplars(&e, vectors, multipliers);
        LAC_TEST_NEED(lac_head_search_open(&s, &e, multipliers, weights, &err) == LAC_OK);
        for (size_t r = 0; r < rows; r++) {
            for (size_t i = 0; i < e.width; i++)
                rows_of[r][i] = (int16_t)((int)lac_test_random(3000) - 1500);
            lac_head_search_put(&s, q, r, rows_of[r], e.width);
        }
        for (uint32_t i = 0; look && i < e.count; i++) {
            look(&s, i / LAC_HEAD_PANEL, q, rows, cosines);
            for (size_t r = 0; r < rows; r++)
                wrong += cosines[r][i % LAC_HEAD_PANEL] !=
                         lac_head_similarity_plain(rows_of[r], vectors + (size_t)i * e.width,
                                                   e.width, multipliers[i]);
        }
        lac_test_row("form %zu, %u exemplars of width %u, %zu vectors", form, e.count, e.width,
                     rows);
        LAC_TEST_EQ(wrong, 0);
        lac_head_search_close(&s);
    }
}

/* What score() says about one panel, from the header's words. */
static uint32_t plain_score(const uint32_t *kernel, uint32_t first, uint32_t n,
                            const int32_t *cosines, const uint8_t *tiers, const int32_t *weights,
                            const int32_t *least, int64_t sums[LAC_TIER_COUNT])
{
    uint32_t above = 0;

    for (uint32_t i = 0; i < n; i++) {
        for (int t = 0; t < LAC_TIER_COUNT; t++)
            sums[t] += lac_head_kernel_of(kernel, cosines[i]) *
                       weights[(first + i) * LAC_TIER_COUNT + (uint32_t)t];
        if (cosines[i] > least[tiers[first + i]])
            above |= 1u << i;
    }
    return above;
}

/* Each form, cosines at and beyond both ends and on the kernel's steps among them. */
static void scores_are_the_same_in_each_form(void)
{
    static const int32_t edges[] = {LAC_HEAD_ONE,
                                    LAC_HEAD_ONE - 1,
                                    LAC_HEAD_ONE + 9,
                                    -LAC_HEAD_ONE,
                                    -LAC_HEAD_ONE - 9,
                                    1 - LAC_HEAD_ONE,
                                    0,
                                    1 << LAC_HEAD_KERNEL_PART_BITS};
    static int8_t vectors[SEARCH_COUNT * SEARCH_WIDTH];
    static uint32_t kernel[LAC_HEAD_KERNEL_SIZE];
    uint32_t multipliers[SEARCH_COUNT];
    int32_t weights[EXEMPLAR_WEIGHTS], cosines[LAC_HEAD_PANEL], least[LAC_TIER_COUNT];
    uint8_t tiers[SEARCH_COUNT];

    lac_test_seed();
    for (int round = 0; round < 400; round++) {
        lac_head_score_fn *score = lac_head_score_at((size_t)round % 2);
        int64_t got[LAC_TIER_COUNT][LAC_HEAD_PARTS] = {{0}}, want[LAC_TIER_COUNT] = {0};
        struct lac_head_search s = {0};
        struct lac_head_exemplars e;
        struct lac_err err;

        if (!score)
            continue;
        lac_head_kernel((uint32_t)lac_test_random(LAC_HEAD_SHARPNESS_MAX), kernel);
        make_exemplars(&e, vectors, multipliers);
        for (size_t i = 0; i < e.count; i++)
            tiers[i] = (uint8_t)lac_test_random(LAC_TIER_COUNT);
        for (size_t i = 0; i < EXEMPLAR_WEIGHTS; i++)
            weights[i] = random_weight();
        LAC_TEST_NEED(lac_head_search_open(&s, &e, multipliers, weights, &err) == LAC_OK);
        lac_test_row("form %d, %u exemplars", round % 2, e.count);
        for (uint32_t first = 0; first < e.count; first += LAC_HEAD_PANEL) {
            uint32_t n = e.count - first < LAC_HEAD_PANEL ? e.count - first : LAC_HEAD_PANEL;

            for (size_t i = 0; i < LAC_HEAD_PANEL; i++)
                cosines[i] = lac_test_random(4) == 0
                                 ? edges[lac_test_random(LAC_COUNT(edges))]
                                 : (int32_t)lac_test_random(2 * LAC_HEAD_ONE) - LAC_HEAD_ONE;
            for (size_t t = 0; t < LAC_TIER_COUNT; t++)
                least[t] = lac_test_random(3) == 0 ? INT32_MIN : cosines[lac_test_random(n)];
            LAC_TEST_EQ(score(&s, kernel, first / LAC_HEAD_PANEL, n, cosines, tiers, least, got),
                        plain_score(kernel, first, n, cosines, tiers, weights, least, want));
        }
        for (size_t t = 0; t < LAC_TIER_COUNT; t++) {
            int64_t sum = 0;

            for (size_t i = 0; i < LAC_HEAD_PARTS; i++)
                sum += got[t][i];
            CU_ASSERT(sum == want[t]);
        }
        lac_head_search_close(&s);
    }
}

LAC_TEST_MAIN(head_search, searches_find_the_same_cosines, scores_are_the_same_in_each_form)
