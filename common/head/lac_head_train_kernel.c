/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel ridge regression, and what it says of samples whose domain it has not seen. */
#include "lac_head_train_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "lac_head_math.h"

/* The running code's kernel, by its own table. Quantisation makes the cosine of i to j differ a
 * little from that of j to i: the mean of both is symmetric. */
static double kernel(const struct lac_head_train *t, const uint32_t *table, double words, size_t i,
                     size_t j)
{
    double a = table[lac_head_kernel_at(t->cosine[i * t->n + j])];
    double b = table[lac_head_kernel_at(t->cosine[j * t->n + i])];
    double common = i < j ? t->common[i * t->n + j] : t->common[j * t->n + i];

    return (a + b) / (2 * 16777216.0) + words * common;
}

/* Weights of the `m` samples of `members`, 0 for all others. Targets add up to nothing, so that an
 * unknown text scores 0 for each tier. */
static enum lac_status fit(struct lac_head_train *t, const struct lac_head_choice *c,
                           const uint32_t *table, const uint32_t *members, size_t m,
                           struct lac_err *err)
{
    double *right = malloc(m * LAC_TIER_COUNT * sizeof(*right));

    if (!right)
        return lac_err_set(err, LAC_RETRY, ENOMEM, "train: no memory");
    for (size_t i = 0; i < m; i++) {
        for (size_t j = i; j < m; j++)
            t->work[i * m + j] = kernel(t, table, c->word_share, members[i], members[j]);
        t->work[i * m + i] += c->ridge;
        for (size_t tier = 0; tier < LAC_TIER_COUNT; tier++)
            right[i * LAC_TIER_COUNT + tier] =
                (t->tiers[members[i]] == tier) - 1.0 / LAC_TIER_COUNT;
    }
    if (!lac_head_math_cholesky(t->work, m)) {
        free(right);
        return lac_err_set(err, LAC_FATAL, 0, "train: the kernel's matrix has no factor");
    }
    lac_head_math_solve(t->work, m, right, LAC_TIER_COUNT);
    for (size_t i = 0; i < t->n * LAC_TIER_COUNT; i++)
        t->weights[i] = 0;
    for (size_t i = 0; i < m; i++)
        for (size_t tier = 0; tier < LAC_TIER_COUNT; tier++)
            t->weights[members[i] * LAC_TIER_COUNT + tier] = right[i * LAC_TIER_COUNT + tier];
    free(right);
    return LAC_OK;
}

/* Scores of sample i by the weights that stand. */
static void score(struct lac_head_train *t, const struct lac_head_choice *c, const uint32_t *table,
                  const uint32_t *members, size_t m, size_t i)
{
    double *out = t->f + i * LAC_HEAD_INPUTS;

    for (size_t tier = 0; tier < LAC_TIER_COUNT; tier++)
        out[tier] = 0;
    for (size_t j = 0; j < m; j++)
        lac_head_math_add(out, t->weights + (size_t)members[j] * LAC_TIER_COUNT,
                          kernel(t, table, c->word_share, i, members[j]), LAC_TIER_COUNT);
}

static uint32_t sharpness_q16(double sharpness)
{
    return (uint32_t)(sharpness * 65536);
}

struct room {
    uint32_t *table, *members; /* owned */
};

static enum lac_status take_room(const struct lac_head_train *t, double sharpness, struct room *r,
                                 struct lac_err *err)
{
    r->table = malloc(LAC_HEAD_KERNEL_SIZE * sizeof(*r->table));
    r->members = malloc(t->n * sizeof(*r->members));
    if (!r->table || !r->members) {
        free(r->table);
        free(r->members);
        return lac_err_set(err, LAC_RETRY, ENOMEM, "train: no memory");
    }
    lac_head_kernel(sharpness_q16(sharpness), r->table);
    return LAC_OK;
}

enum lac_status lac_head_train_scores(struct lac_head_train *t, const struct lac_head_choice *c,
                                      struct lac_err *err)
{
    struct room r;
    enum lac_status status = take_room(t, c->sharpness, &r, err);

    if (status != LAC_OK)
        return status;
    for (uint32_t fold = 0; fold < t->folds && status == LAC_OK; fold++) {
        size_t m = 0;

        for (uint32_t i = 0; i < t->n; i++)
            if (t->fold[i] != fold)
                r.members[m++] = i;
        status = fit(t, c, r.table, r.members, m, err);
        for (size_t i = 0; i < t->n && status == LAC_OK; i++)
            if (t->fold[i] == fold)
                score(t, c, r.table, r.members, m, i);
    }
    free(r.table);
    free(r.members);
    return status;
}

enum lac_status lac_head_train_weights(struct lac_head_train *t, const struct lac_head_choice *c,
                                       struct lac_err *err)
{
    struct room r;
    enum lac_status status = take_room(t, c->sharpness, &r, err);

    if (status != LAC_OK)
        return status;
    for (uint32_t i = 0; i < t->n; i++)
        r.members[i] = i;
    status = fit(t, c, r.table, r.members, t->n, err);
    t->p->sharpness = sharpness_q16(c->sharpness);
    for (size_t i = 0; i < t->n * LAC_TIER_COUNT && status == LAC_OK; i++)
        t->p->exemplar_weights[i] = lac_head_train_q20(t->weights[i], LAC_HEAD_WEIGHT_MAX);
    free(r.table);
    free(r.members);
    return status;
}
