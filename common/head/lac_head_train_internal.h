/* SPDX-License-Identifier: Apache-2.0 */
/* What the steps of a training hand to each other. Private to common/head. */
#ifndef LAC_HEAD_TRAIN_INTERNAL_H
#define LAC_HEAD_TRAIN_INTERNAL_H

#include "lac_head_logistic.h"
#include "lac_head_train.h"

struct lac_head_train {
    const struct lac_head_train_in *in;
    struct lac_head_params *p;
    size_t n;
    uint32_t folds, steps;
    uint16_t *fold;     /* owned; [n]: the domain, or the fold drawn */
    uint8_t *tiers;     /* owned; [n] */
    int16_t *q;         /* owned; [n][width] */
    int32_t *cosine;    /* owned; [n][n]: of sample i to exemplar j, Q20 */
    double *common;     /* owned; [n][n], upper half: how much of the known words is common */
    double *work;       /* owned; [n][n] */
    double *f;          /* owned; [n][LAC_HEAD_INPUTS]: held-out scores and neighbourhoods */
    double *weights;    /* owned; [n][3]: of the exemplars */
    int32_t *closeness; /* owned; [n]: held out */
    /* Known words of sample i: word_at[word_starts[i] .. word_starts[i + 1]), as places in
     * p->word_ids. */
    uint32_t *word_starts; /* owned; [n + 1] */
    uint32_t *word_at;     /* owned */
    double *rarity;        /* owned; [p->words] */
    struct lac_head_exemplars exemplars;
    uint32_t *multipliers; /* owned; [n] */
    struct lac_head_logistic logistic;
};

struct lac_head_choice {
    double sharpness, ridge, word_share;
};

/* ---- lac_head_train_words.c ---- */
enum lac_status lac_head_train_words(struct lac_head_train *t, struct lac_err *err);
/* p->word_weights of the exemplars' weights. */
enum lac_status lac_head_train_word_weights(struct lac_head_train *t, double share,
                                            struct lac_err *err);

/* ---- lac_head_train_kernel.c ---- */
/* Held-out scores into t->f with this choice. */
enum lac_status lac_head_train_scores(struct lac_head_train *t, const struct lac_head_choice *c,
                                      struct lac_err *err);
/* Weights of all exemplars with this choice. */
enum lac_status lac_head_train_weights(struct lac_head_train *t, const struct lac_head_choice *c,
                                       struct lac_err *err);

/* ---- lac_head_train_guard.c ---- */
void lac_head_train_set_guard(struct lac_head_train *t);
void lac_head_train_measure(const struct lac_head_train *t, struct lac_head_report *report);
/* Posterior of sample i with the guard and the pack's prior, by the running code's arithmetic;
 * returns the conservative answer. */
enum lac_tier lac_head_train_decide(const struct lac_head_train *t, size_t i,
                                    const int32_t guard[LAC_TIER_COUNT],
                                    double posterior[LAC_TIER_COUNT]);

/* Rounded, halves up, and within +-most. */
int32_t lac_head_train_q20(double v, int32_t most);

#endif
