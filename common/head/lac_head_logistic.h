/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_head_logistic - multinomial logistic regression, regularised
 *
 *     minimise  mean over samples of -log softmax(b + W f)[tier]
 *               + ridge / 2 x (sum of squares of W)
 *
 * by Newton's method with step halving. All tiers have weights of their own: the ridge makes the
 * solution unique, and the biases' mean is 0.
 *
 * Private to common/head. Thread: any.
 */
#ifndef LAC_HEAD_LOGISTIC_H
#define LAC_HEAD_LOGISTIC_H

#include <stdint.h>

#include "lac_err.h"
#include "lac_tier.h"

enum { LAC_HEAD_LOGISTIC_MAX = 16 }; /* features */

struct lac_head_logistic {
    size_t features;
    double weights[LAC_TIER_COUNT][LAC_HEAD_LOGISTIC_MAX];
    double bias[LAC_TIER_COUNT];
};

/* The samples with groups[i] != but; `but` UINT32_MAX: all of them. f is [count][features]. FATAL:
 * the features are not numbers. */
enum lac_status lac_head_logistic_fit(struct lac_head_logistic *m, const double *f,
                                      const uint8_t *tiers, const uint16_t *groups, size_t count,
                                      uint32_t but, double ridge, struct lac_err *err);

/* Probabilities of one sample. */
void lac_head_logistic_ask(const struct lac_head_logistic *m, const double *f,
                           double out[LAC_TIER_COUNT]);

#endif
