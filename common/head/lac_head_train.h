/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_head_train - labelled vectors to a head
 *
 * What lac_head_params.h describes is fitted so:
 *
 * 1. Kernel ridge regression of the tiers over all samples: (K + ridge I) a = targets. Its three
 *    numbers (sharpness, ridge, share of words) are those of a grid with the least loss when each
 *    domain is held out in turn: what counts is how it does on a domain that it has never seen.
 * 2. A multinomial logistic regression over the scores and neighbourhoods that samples got while
 *    their domain was held out. So it is calibrated for texts of new domains, too.
 * 3. The guard: conformal risk control (Angelopoulos, Bates, Fisch, Lei, Schuster 2022). For each
 *    tier the least shift, up or down, with which (leaks + 1) / (n + 1) of its n held-out samples
 * stays within the bound, deciding by the pack's prior and conservative costs. Leaks fall as the
 * shift rises, so the expected leak rate of a further, exchangeable text stays within the bound as
 * well.
 * 4. The gate: the closeness that all but a few of the held-out samples reach.
 *
 * Deterministic: samples are taken in the order given, doubles added in that order; no clocks and
 * no threads. The seed only matters with fewer than LAC_HEAD_TRAIN_DOMAINS domains, which are then
 * folds drawn by it.
 *
 * Thread: any. Takes 20 bytes x count^2 of memory.
 */
#ifndef LAC_HEAD_TRAIN_H
#define LAC_HEAD_TRAIN_H

#include "lac_head_params.h"

enum {
    LAC_HEAD_TRAIN_MAX = 8192,  /* samples */
    LAC_HEAD_TRAIN_LEAST = 20,  /* of each tier */
    LAC_HEAD_TRAIN_DOMAINS = 3, /* fewer than that: folds instead */
    LAC_HEAD_TRAIN_FOLDS = 5,
    LAC_HEAD_DOMAIN_MAX = 64,
};

struct lac_head_sample {
    struct lac_str id; /* unique, 1 to LAC_HEAD_ID_MAX bytes */
    enum lac_tier tier;
    uint16_t domain;     /* 0 .. domains - 1 */
    const float *vector; /* of unit length */
    const int32_t *ids;  /* tokens, as for lac_head_ask() */
    size_t id_count;
};

struct lac_head_train_in {
    const struct lac_head_sample *samples;
    size_t count;
    uint32_t domains; /* at most LAC_HEAD_DOMAIN_MAX */
    /* The pack's, for the guard: prior in ppm and the conservative matrix [true][answer]. */
    uint32_t prior[LAC_TIER_COUNT];
    uint32_t cost[LAC_TIER_COUNT][LAC_TIER_COUNT];
    uint32_t bound[LAC_TIER_COUNT]; /* ppm; PUBLIC's means nothing */
    /* Called before each of the long steps with how many are done; or NULL. False: the training
     * ends with LAC_AGAIN. */
    bool (*step)(void *ctx, uint32_t done, uint32_t total);
    void *ctx;
};

/* What came of the samples while their domain was held out. Shares in 0 .. 1. */
struct lac_head_measured {
    double accuracy, f1, loss;
    double calibration; /* expected calibration error of the answer's confidence, 10 equal bins */
    double leaks[LAC_TIER_COUNT], blocks[LAC_TIER_COUNT]; /* of each tier's, with the guard */
    double leak, block; /* of those that can leak or be over-blocked */
};

struct lac_head_report {
    uint32_t count, tiers[LAC_TIER_COUNT], domains;
    bool folds; /* drawn by the seed, for want of domains */
    double sharpness, ridge, word_share, logistic_ridge;
    uint32_t words;
    struct lac_head_measured held_out;
    double domain_f1[LAC_HEAD_DOMAIN_MAX];
    double gate; /* share of the held-out samples that it refuses */
};

/*
 * Identity, seed, language and features of `p` are the caller's; all else is filled in, arrays
 * included (free them also on failure), and `vec` becomes exemplars.vec. REJECT: too few or too
 * many samples, a vector that is none. RETRY: no memory. AGAIN: `step` said no.
 */
enum lac_status lac_head_train(const struct lac_head_train_in *in, struct lac_head_params *p,
                               struct lac_buf *vec, struct lac_head_report *report,
                               struct lac_err *err) LAC_MUST_USE;

#endif
