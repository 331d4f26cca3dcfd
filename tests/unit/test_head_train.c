/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the mathematics is right (against closed forms and small cases worked out by hand), the
 * guard keeps its promise on texts that it has not seen, and a training repeats to the byte. */
#include "lac_head_train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_digest.h"
#include "lac_head_logistic.h"
#include "lac_head_math.h"
#include "lac_head_train_internal.h"
#include "lac_test.h"

static double uniform(void)
{
    return (lac_test_random(1U << 30) + 0.5) / (1U << 30);
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

static void exp_and_log_agree_with_the_library(void)
{
    LAC_TEST_EQ(lac_head_math_exp(-701) == 0, true);
    LAC_TEST_EQ(lac_head_math_exp(0) == 1, true);
    for (double x = -690; x < 690; x += 0.37)
        CU_ASSERT(fabs(lac_head_math_exp(x) / exp(x) - 1) < 1e-15);
    for (double x = 1e-300; x < 1e300; x *= 1.9)
        CU_ASSERT(fabs(lac_head_math_log(x) - log(x)) <= 1e-15 * fabs(log(x)) + 1e-16);
    CU_ASSERT(lac_head_math_log(1) == 0);
}

/* (4 12 -16; 12 37 -43; -16 -43 98) = U' U with U = (2 6 -8; 0 1 5; 0 0 3). */
static void a_known_matrix_has_its_factor(void)
{
    double a[9] = {4, 12, -16, NAN, 37, -43, NAN, NAN, 98};
    double b[3] = {-20, -43, 192}; /* of x = 1, 2, 3 */
    double none[4] = {1, 2, 2, 1};

    CU_ASSERT(lac_head_math_cholesky(a, 3));
    CU_ASSERT(a[0] == 2 && a[1] == 6 && a[2] == -8 && a[4] == 1 && a[5] == 5 && a[8] == 3);
    lac_head_math_solve(a, 3, b, 1);
    CU_ASSERT(fabs(b[0] - 1) < 1e-12 && fabs(b[1] - 2) < 1e-12 && fabs(b[2] - 3) < 1e-12);
    CU_ASSERT(!lac_head_math_cholesky(none, 2));
}

/* The largest difference of U U^-1 from I; `u` becomes the inverse. */
static double inverse_error(double *u, size_t n)
{
    double *factor = calloc(n * n, sizeof(*factor)), worst = 0;

    LAC_TEST_NEED(factor);
    memcpy(factor, u, n * n * sizeof(*factor));
    lac_head_math_invert(u, n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++) {
            double sum = 0;

            for (size_t k = i; k <= j; k++)
                sum += factor[i * n + k] * u[k * n + j];
            worst = fmax(worst, fabs(sum - (i == j)));
        }
    free(factor);
    return worst;
}

/* Sizes around the blocks of the factorisation and the inversion. */
static void large_systems_are_solved(void)
{
    static const size_t sizes[] = {1, 31, 32, 33, 64, 100, 545};

    lac_test_seed();
    for (size_t s = 0; s < LAC_COUNT(sizes); s++) {
        size_t n = sizes[s];
        double *a = calloc(n * n, sizeof(*a)), *u = calloc(n * n, sizeof(*u));
        double *x = calloc(2 * n, sizeof(*x)), *b = calloc(2 * n, sizeof(*b)), worst = 0;

        LAC_TEST_NEED(a && u && x && b);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= i; j++)
                a[i * n + j] = a[j * n + i] = uniform() - 0.5 + (i == j ? (double)n / 4 + 1 : 0);
        for (size_t i = 0; i < 2 * n; i++)
            x[i] = uniform();
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                for (size_t c = 0; c < 2; c++)
                    b[i * 2 + c] += a[i * n + j] * x[j * 2 + c];
        memcpy(u, a, n * n * sizeof(*u));
        CU_ASSERT(lac_head_math_cholesky(u, n));
        lac_head_math_solve(u, n, b, 2);
        for (size_t i = 0; i < 2 * n; i++)
            worst = fmax(worst, fabs(b[i] - x[i]));
        lac_test_row("%zu", n);
        CU_ASSERT(worst < 1e-9);
        CU_ASSERT(inverse_error(u, n) < 1e-9);
        free(a);
        free(u);
        free(x);
        free(b);
    }
}

/* Without anything to go by, the probabilities are the shares of the tiers. */
static void regression_without_features_gives_the_shares(void)
{
    const uint8_t tiers[10] = {0, 0, 0, 0, 0, 1, 1, 1, 2, 2};
    const double f[10] = {0};
    const uint16_t groups[10] = {0};
    struct lac_head_logistic m = {.features = 1};
    double p[LAC_TIER_COUNT];

    LAC_TEST_EQ(lac_head_logistic_fit(&m, f, tiers, groups, 10, UINT32_MAX, 1e-4, NULL), LAC_OK);
    lac_head_logistic_ask(&m, f, p);
    CU_ASSERT(fabs(p[0] - 0.5) < 1e-6 && fabs(p[1] - 0.3) < 1e-6 && fabs(p[2] - 0.2) < 1e-6);
}

/* One feature that is 0 or 1: with a vanishing ridge the probabilities are the shares in each half,
 * the closed form of a saturated model. The held-out group does not count. */
static void regression_on_one_bit_gives_the_shares_of_each_half(void)
{
    uint8_t tiers[18] = {0, 0, 0, 1, 1, 2, 0, 1, 1, 2, 2, 2, 2, 2};
    double f[18] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
    uint16_t groups[18] = {0};
    struct lac_head_logistic m = {.features = 1};
    double p[LAC_TIER_COUNT];

    for (int i = 14; i < 18; i++) {
        tiers[i] = 0;
        f[i] = 1;
        groups[i] = 1;
    }
    LAC_TEST_EQ(lac_head_logistic_fit(&m, f, tiers, groups, 18, 1, 1e-10, NULL), LAC_OK);
    lac_head_logistic_ask(&m, &f[0], p);
    CU_ASSERT(fabs(p[0] - 3.0 / 6) < 1e-5 && fabs(p[1] - 2.0 / 6) < 1e-5);
    lac_head_logistic_ask(&m, &f[6], p);
    CU_ASSERT(fabs(p[0] - 1.0 / 8) < 1e-5 && fabs(p[2] - 5.0 / 8) < 1e-5);
}

/* At the minimum no weight can be moved to any gain: the gradient, by its definition, is 0. */
static void regression_ends_where_the_gradient_is_zero(void)
{
    enum { N = 200, F = 3 };
    static double f[N * F];
    static uint8_t tiers[N];
    static const uint16_t groups[N];
    struct lac_head_logistic m = {.features = F};
    double g[LAC_TIER_COUNT][F] = {{0}}, p[LAC_TIER_COUNT];

    lac_test_seed();
    for (int i = 0; i < N; i++) {
        tiers[i] = (uint8_t)lac_test_random(3);
        for (int k = 0; k < F; k++)
            f[i * F + k] = normal() + (k == tiers[i]);
    }
    LAC_TEST_EQ(lac_head_logistic_fit(&m, f, tiers, groups, N, UINT32_MAX, 0.01, NULL), LAC_OK);
    for (int i = 0; i < N; i++) {
        lac_head_logistic_ask(&m, f + i * F, p);
        for (int t = 0; t < LAC_TIER_COUNT; t++)
            for (int k = 0; k < F; k++)
                g[t][k] += (p[t] - (tiers[i] == t)) * f[i * F + k] / N;
    }
    for (int t = 0; t < LAC_TIER_COUNT; t++)
        for (int k = 0; k < F; k++)
            CU_ASSERT(fabs(g[t][k] + 0.01 * m.weights[t][k]) < 1e-7);
}

/* ---- the guard ---- */

enum { DRAWN = 200, GUARDS = 150, ASKED = 300 };

static void draw_sample(double *f, uint8_t *tier)
{
    *tier = (uint8_t)lac_test_random(3);
    memset(f, 0, LAC_HEAD_INPUTS * sizeof(*f));
    for (int t = 0; t < LAC_TIER_COUNT; t++)
        f[t] = 1.5 * normal() + (t == *tier ? 2 : 0);
}

/*
 * Calibration sets of 200 texts from one distribution, each with its guard, and further texts from
 * it: over many repetitions the mean leak rate stays within the bound (that is the theorem), and
 * without the guard it would not (else there would be nothing to see).
 *
 * A third of all texts is of one tier. With a leak rate of b the mean over all guards has a
 * variance of b (1 - b) / (GUARDS * ASKED / 3) by what was asked, and another
 * b (1 - b) / (GUARDS * DRAWN / 3) by what the guards were made of. The margins below are five
 * standard errors and more, so that no seed in a million is beyond them.
 */
static void guards_keep_leaks_within_the_bound(void)
{
    static double f[(DRAWN + 1) * LAC_HEAD_INPUTS];
    static uint8_t tiers[DRAWN + 1];
    const struct lac_head_train_in in = {
        .prior = {350000, 500000, 150000},
        .cost = {{0, 2, 5}, {2, 0, 3}, {6, 3, 0}},
        .bound = {0, 50000, 100000},
    };
    static const int32_t none[LAC_TIER_COUNT];
    struct lac_head_params p = {.floor = 1};
    struct lac_head_train t = {.in = &in, .p = &p, .n = DRAWN, .tiers = tiers, .f = f};
    double of[LAC_TIER_COUNT] = {0}, leaks[LAC_TIER_COUNT] = {0}, bare[LAC_TIER_COUNT] = {0};
    double posterior[LAC_TIER_COUNT];

    for (int k = 0; k < LAC_TIER_COUNT; k++)
        p.weights[k][k] = LAC_HEAD_ONE;
    lac_test_seed();
    for (int round = 0; round < GUARDS; round++) {
        for (size_t i = 0; i < DRAWN; i++)
            draw_sample(f + i * LAC_HEAD_INPUTS, &tiers[i]);
        lac_head_train_set_guard(&t);
        LAC_TEST_EQ(p.guard[0], 0);
        for (int k = 0; k < ASKED; k++) {
            draw_sample(f + DRAWN * LAC_HEAD_INPUTS, &tiers[DRAWN]);
            of[tiers[DRAWN]]++;
            leaks[tiers[DRAWN]] +=
                lac_head_train_decide(&t, DRAWN, p.guard, posterior) < tiers[DRAWN];
            bare[tiers[DRAWN]] += lac_head_train_decide(&t, DRAWN, none, posterior) < tiers[DRAWN];
        }
    }
    CU_ASSERT(leaks[1] / of[1] <= 0.05 + 0.015); /* a standard error is 0.0028 */
    CU_ASSERT(leaks[2] / of[2] <= 0.10 + 0.02);  /* 0.0039 */
    CU_ASSERT(bare[1] / of[1] > 0.08);           /* it is 0.097; 0.0024 */
    CU_ASSERT(bare[2] / of[2] > 0.15);           /* it is 0.53; 0.0041 */
}

/* ---- all of it ---- */

enum { TEXTS = 150, DOMAINS = 5, WIDTH = 24 };

struct texts {
    struct lac_head_sample samples[TEXTS];
    char ids[TEXTS][8];
    float vectors[TEXTS][WIDTH];
    int32_t words[TEXTS][4];
};

/* A direction for the tier, one for the domain, and noise; word 10 + tier most of the time. */
static void make_texts(struct texts *x)
{
    lac_test_seed();
    for (uint32_t i = 0; i < TEXTS; i++) {
        double squares = 0;
        float *v = x->vectors[i];
        enum lac_tier tier = (enum lac_tier)(i % 3);

        for (size_t k = 0; k < WIDTH; k++)
            v[k] = (float)(0.25 * normal() + (k == (size_t)tier) + (k == 3 + i % DOMAINS));
        for (size_t k = 0; k < WIDTH; k++)
            squares += (double)v[k] * v[k];
        for (size_t k = 0; k < WIDTH; k++)
            v[k] = (float)(v[k] / sqrt(squares));
        for (int k = 0; k < 4; k++)
            x->words[i][k] = (int32_t)lac_test_random(10);
        x->words[i][0] = lac_test_random(4) ? 10 + (int32_t)tier : 20 + (int32_t)i;
        snprintf(x->ids[i], sizeof(x->ids[i]), "t-%03u", i % 1000);
        x->samples[i] = (struct lac_head_sample){
            {x->ids[i], strlen(x->ids[i])}, tier, (uint16_t)(i % DOMAINS), v, x->words[i], 4};
    }
}

struct trained {
    struct lac_head_params p;
    struct lac_head_report report;
    struct lac_buf vec, json;
    enum lac_status status;
    struct lac_err err;
};

static void train(const struct texts *x, size_t count, uint32_t domains, struct trained *out)
{
    const struct lac_head_train_in in = {
        .samples = x->samples,
        .count = count,
        .domains = domains,
        .prior = {350000, 500000, 150000},
        .cost = {{0, 1, 4}, {60, 0, 2}, {400, 100, 0}},
        .bound = {0, 100000, 100000},
    };
    unsigned char hash[LAC_HEAD_HASH_SIZE];

    memset(out, 0, sizeof(*out));
    lac_buf_init(&out->vec, LAC_HEAD_VEC_MAX);
    lac_buf_init(&out->json, LAC_HEAD_JSON_MAX);
    memcpy(out->p.model, "made up", 8);
    out->p.layers = 1;
    out->p.width = WIDTH;
    out->p.per_tier = 3;
    out->p.nearest = 7;
    out->p.seed = 1;
    out->status = lac_head_train(&in, &out->p, &out->vec, &out->report, &out->err);
    if (out->status != LAC_OK)
        return;
    lac_sha256(hash, out->vec.ptr, out->vec.len);
    lac_head_params_write(&out->p, hash, LAC_STR("{}"), &out->json);
}

static void drop(struct trained *t)
{
    lac_head_params_free(&t->p);
    lac_buf_deinit(&t->vec);
    lac_buf_deinit(&t->json);
}

static void what_was_learned_is_what_was_there(void)
{
    static struct texts x;
    struct trained t;
    struct lac_head *h = NULL;
    size_t right = 0;

    make_texts(&x);
    train(&x, TEXTS, DOMAINS, &t);
    LAC_TEST_STR(t.err.text, "");
    LAC_TEST_NEED(t.status == LAC_OK);
    CU_ASSERT(t.report.held_out.f1 > 0.9);
    CU_ASSERT(t.report.held_out.calibration < 0.1);
    CU_ASSERT(t.report.held_out.leaks[1] <= 0.1 && t.report.held_out.leaks[2] <= 0.1);
    CU_ASSERT(!t.report.folds);
    LAC_TEST_NEED(lac_head_open(&h, lac_buf_str(&t.json), lac_buf_str(&t.vec), &t.err) == LAC_OK);
    for (size_t i = 0; i < TEXTS; i++) {
        struct lac_head_out out;

        lac_head_ask(h, x.vectors[i], x.words[i], 4, &out);
        right += out.likelihood[x.samples[i].tier] == 1000000;
        LAC_TEST_EQ(out.nearest[0].exemplar, i);
    }
    CU_ASSERT(right > TEXTS * 9 / 10);
    lac_head_close(h);
    drop(&t);
}

/* Of a domain without PROPRIETARY texts, the mean of three would be 2/3 at best. */
static void a_domain_is_measured_by_the_tiers_that_it_has(void)
{
    static struct texts x;
    struct trained t;

    make_texts(&x);
    for (size_t i = 0; i < TEXTS; i++)
        if (x.samples[i].domain == DOMAINS - 1 && x.samples[i].tier == LAC_TIER_PROPRIETARY)
            x.samples[i].domain = 0;
    train(&x, TEXTS, DOMAINS, &t);
    LAC_TEST_NEED(t.status == LAC_OK);
    CU_ASSERT(t.report.domain_f1[DOMAINS - 1] > 0.8);
    drop(&t);
}

/* A word counts the more the rarer it is, and one that all texts have not at all. */
static void a_word_of_all_texts_says_nothing(void)
{
    static struct texts x;
    struct trained t;
    bool everywhere = false, telling = false;

    make_texts(&x);
    for (size_t i = 0; i < TEXTS; i++)
        x.words[i][1] = 5;
    train(&x, TEXTS, DOMAINS, &t);
    LAC_TEST_NEED(t.status == LAC_OK && t.report.word_share > 0);
    for (uint32_t w = 0; w < t.p.words; w++) {
        const int32_t *weights = t.p.word_weights + (size_t)w * LAC_TIER_COUNT;

        if (t.p.word_ids[w] == 5) {
            everywhere = true;
            CU_ASSERT(weights[0] == 0 && weights[1] == 0 && weights[2] == 0);
        }
        if (t.p.word_ids[w] == 10 + LAC_TIER_INTERNAL) {
            telling = true;
            CU_ASSERT(weights[1] > 0 && weights[1] > weights[0] && weights[1] > weights[2]);
        }
    }
    CU_ASSERT(everywhere && telling);
    drop(&t);
}

/* How many texts have a word, and the sum of their weights for a tier, each divided by the root of
 * how many known words it has. */
static double weigh(const struct texts *x, const struct trained *t, int32_t word, int tier,
                    double *texts)
{
    double sum = 0;

    *texts = 0;
    for (size_t i = 0; i < TEXTS; i++) {
        int32_t words[LAC_HEAD_TEXT_WORD_MAX];
        size_t count = lac_head_words(x->words[i], 4, words), known = 0;
        bool has = false;

        for (size_t w = 0; w < count; w++) {
            has = has || words[w] == word;
            for (uint32_t k = 0; k < t->p.words; k++)
                known += t->p.word_ids[k] == words[w];
        }
        if (!has)
            continue;
        ++*texts;
        sum += t->p.exemplar_weights[i * LAC_TIER_COUNT + (size_t)tier] / sqrt((double)known);
    }
    return sum;
}

/* Both texts that have a word weigh it by its rarity. */
static void a_word_counts_by_the_square_of_its_rarity(void)
{
    static struct texts x;
    struct trained t;
    double most = 0;

    make_texts(&x);
    train(&x, TEXTS, DOMAINS, &t);
    LAC_TEST_NEED(t.status == LAC_OK && t.report.word_share > 0);
    for (uint32_t w = 0; w < t.p.words; w++)
        for (int tier = 0; tier < LAC_TIER_COUNT; tier++) {
            double texts, sum = weigh(&x, &t, t.p.word_ids[w], tier, &texts);
            double rarity = log(TEXTS / texts);
            double off = t.p.word_weights[(size_t)w * LAC_TIER_COUNT + (size_t)tier] -
                         t.report.word_share * rarity * rarity * sum;

            most = fmax(most, fabs(off));
        }
    CU_ASSERT(most < 8); /* of 2^20: rounding of the weights and of the root */
    drop(&t);
}

static void the_same_texts_give_the_same_bytes(void)
{
    static struct texts x;
    struct trained a, b;

    make_texts(&x);
    train(&x, TEXTS, DOMAINS, &a);
    train(&x, TEXTS, DOMAINS, &b);
    LAC_TEST_NEED(a.status == LAC_OK && b.status == LAC_OK);
    CU_ASSERT(lac_str_eq(lac_buf_str(&a.json), lac_buf_str(&b.json)));
    CU_ASSERT(lac_str_eq(lac_buf_str(&a.vec), lac_buf_str(&b.vec)));
    drop(&b);
    for (size_t i = 0; i < TEXTS; i++)
        x.samples[i].domain = 0;
    train(&x, TEXTS, 1, &b); /* too few domains: folds */
    LAC_TEST_EQ(b.status, LAC_OK);
    CU_ASSERT(b.report.folds);
    drop(&a);
    drop(&b);
}

static void impossible_trainings_are_refused(void)
{
    static struct texts x;
    struct trained t;

    make_texts(&x);
    train(&x, 45, DOMAINS, &t);
    LAC_TEST_EQ(t.status, LAC_REJECT);
    CU_ASSERT(strstr(t.err.text, "at least 20 of each tier") != NULL);
    drop(&t);
    x.vectors[7][0] = NAN;
    train(&x, TEXTS, DOMAINS, &t);
    LAC_TEST_EQ(t.status, LAC_REJECT);
    CU_ASSERT(strstr(t.err.text, "t-007") != NULL);
    drop(&t);
}

LAC_TEST_MAIN(head_train, exp_and_log_agree_with_the_library, a_known_matrix_has_its_factor,
              large_systems_are_solved, regression_without_features_gives_the_shares,
              regression_on_one_bit_gives_the_shares_of_each_half,
              regression_ends_where_the_gradient_is_zero, guards_keep_leaks_within_the_bound,
              what_was_learned_is_what_was_there, a_domain_is_measured_by_the_tiers_that_it_has,
              a_word_of_all_texts_says_nothing, a_word_counts_by_the_square_of_its_rarity,
              the_same_texts_give_the_same_bytes, impossible_trainings_are_refused)
