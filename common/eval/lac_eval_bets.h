/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_eval_bets - whether answers are as sure as they should be
 *
 * Private to common/eval. Each judged text is a bet: on the posterior's likeliest tier, with its
 * probability as the stake, and on the answer, with P(true tier <= answer).
 */
#ifndef LAC_EVAL_BETS_H
#define LAC_EVAL_BETS_H

#include "lac_eval.h"

struct lac_eval_bet {
    double sure; /* probability of the likeliest tier */
    bool wrong, below;
};

struct lac_eval_bets {
    struct lac_eval_bet *at; /* owned */
    size_t count, capacity;
    struct lac_eval_calibration likeliest, answer; /* sums until lac_eval_bets_sum() */
    struct lac_eval_point *curve;                  /* owned */
};

enum lac_status lac_eval_bets_add(struct lac_eval_bets *b, const struct lac_eval_case *c,
                                  struct lac_err *err) LAC_MUST_USE;

/* Calibrations, the curve and the area below it into `out`. */
enum lac_status lac_eval_bets_sum(struct lac_eval_bets *b, struct lac_eval_report *out,
                                  struct lac_err *err) LAC_MUST_USE;

void lac_eval_bets_free(struct lac_eval_bets *b);

#endif
