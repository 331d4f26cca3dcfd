/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel ridge regression, and what it says of samples whose domain it has not seen. */
#include "lac_head_train_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "lac_head_math.h"

static enum lac_status no_memory(struct lac_err *err)
{
    return lac_err_set(err, LAC_RETRY, ENOMEM, "train: no memory");
}

/* The running code's kernel, by its own table. Quantisation makes the cosine of i to j differ a
 * little from that of j to i: the mean of both is symmetric. */
static double kernel(const struct lac_head_train *t, const uint32_t *table, double words, size_t i,
                     size_t j)
{
    double a = (double)lac_head_kernel_of(table, t->cosine[i * t->n + j]);
    double b = (double)lac_head_kernel_of(table, t->cosine[j * t->n + i]);
    double common = i < j ? t->common[i * t->n + j] : t->common[j * t->n + i];

    return (a + b) / (2 * 16777216.0) + words * common;
}

/* Targets add up to nothing, so that an unknown text scores 0 for each tier. */
static double target(const struct lac_head_train *t, size_t i, size_t tier)
{
    return (t->tiers[i] == tier) - 1.0 / LAC_TIER_COUNT;
}

/* Weights of all samples; t->work becomes the factor of their matrix A = K + ridge I. */
static enum lac_status fit(struct lac_head_train *t, const struct lac_head_choice *c,
                           const uint32_t *table, struct lac_err *err)
{
    for (size_t i = 0; i < t->n; i++) {
        for (size_t j = i; j < t->n; j++)
            t->work[i * t->n + j] = kernel(t, table, c->word_share, i, j);
        t->work[i * t->n + i] += c->ridge;
        for (size_t tier = 0; tier < LAC_TIER_COUNT; tier++)
            t->weights[i * LAC_TIER_COUNT + tier] = target(t, i, tier);
    }
    if (!lac_head_math_cholesky(t->work, t->n))
        return lac_err_set(err, LAC_FATAL, 0, "train: the kernel's matrix has no factor");
    lac_head_math_solve(t->work, t->n, t->weights, LAC_TIER_COUNT);
    return LAC_OK;
}

/*
 * Scores of a fold's samples by a regression over all others, without fitting one: with B the
 * fold's block of A^-1 and w its weights in the fit over all, what the others would miss the
 * targets by is B^-1 w (leave-out of a block; Cook and Weisberg 1982, section 2). t->work holds
 * U^-1, and A^-1 = U^-1 U^-1'.
 */
static enum lac_status score_fold(struct lac_head_train *t, const uint32_t *members, size_t m,
                                  struct lac_err *err)
{
    double *block = malloc(m * m * sizeof(*block));
    double *missed = malloc(m * LAC_TIER_COUNT * sizeof(*missed));
    enum lac_status status = block && missed ? LAC_OK : no_memory(err);

    for (size_t a = 0; a < m && status == LAC_OK; a++) {
        const double *row = t->work + (size_t)members[a] * t->n;

        for (size_t b = a; b < m; b++) /* members rise: the later row begins later */
            block[a * m + b] = lac_head_math_dot(row + members[b],
                                                 t->work + (size_t)members[b] * t->n + members[b],
                                                 t->n - members[b]);
        for (size_t tier = 0; tier < LAC_TIER_COUNT; tier++)
            missed[a * LAC_TIER_COUNT + tier] =
                t->weights[(size_t)members[a] * LAC_TIER_COUNT + tier];
    }
    if (status == LAC_OK && !lac_head_math_cholesky(block, m))
        status = lac_err_set(err, LAC_FATAL, 0, "train: a fold's matrix has no factor");
    if (status == LAC_OK)
        lac_head_math_solve(block, m, missed, LAC_TIER_COUNT);
    for (size_t a = 0; a < m && status == LAC_OK; a++)
        for (size_t tier = 0; tier < LAC_TIER_COUNT; tier++)
            t->f[(size_t)members[a] * LAC_HEAD_INPUTS + tier] =
                target(t, members[a], tier) - missed[a * LAC_TIER_COUNT + tier];
    free(block);
    free(missed);
    return status;
}

static uint32_t sharpness_q16(double sharpness)
{
    return (uint32_t)(sharpness * 65536);
}

static enum lac_status fit_choice(struct lac_head_train *t, const struct lac_head_choice *c,
                                  struct lac_err *err)
{
    uint32_t *table = malloc(LAC_HEAD_KERNEL_SIZE * sizeof(*table));
    enum lac_status status;

    if (!table)
        return no_memory(err);
    lac_head_kernel(sharpness_q16(c->sharpness), table);
    status = fit(t, c, table, err);
    free(table);
    return status;
}

enum lac_status lac_head_train_scores(struct lac_head_train *t, const struct lac_head_choice *c,
                                      struct lac_err *err)
{
    uint32_t *members = malloc(t->n * sizeof(*members));
    enum lac_status status = members ? fit_choice(t, c, err) : no_memory(err);

    if (status == LAC_OK)
        lac_head_math_invert(t->work, t->n);
    for (uint32_t fold = 0; fold < t->folds && status == LAC_OK; fold++) {
        size_t m = 0;

        for (uint32_t i = 0; i < t->n; i++)
            if (t->fold[i] == fold)
                members[m++] = i;
        if (m > 0) /* a fold drawn by the seed can be empty */
            status = score_fold(t, members, m, err);
    }
    free(members);
    return status;
}

enum lac_status lac_head_train_weights(struct lac_head_train *t, const struct lac_head_choice *c,
                                       struct lac_err *err)
{
    enum lac_status status = fit_choice(t, c, err);

    t->p->sharpness = sharpness_q16(c->sharpness);
    for (size_t i = 0; i < t->n * LAC_TIER_COUNT && status == LAC_OK; i++)
        t->p->exemplar_weights[i] = lac_head_train_q20(t->weights[i], LAC_HEAD_WEIGHT_MAX);
    return status;
}
