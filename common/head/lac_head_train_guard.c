/* SPDX-License-Identifier: Apache-2.0 */
/* The guard, and the measures with it. Everything here is decided by the running code's integers.
 */
#include "lac_head_train_internal.h"

#include <math.h>
#include <string.h>

#include "lac_head_math.h"

enum {
    BINS = 10,
    STEPS_PER_ONE = 20, /* of the guard's search, in nats */
    GUARD_MOST = 20,    /* nats */
    GUARD_LEAST = -4,   /* about the conservative matrix's price of calling INTERNAL texts PUBLIC */
};

enum lac_tier lac_head_train_decide(const struct lac_head_train *t, size_t i,
                                    const int32_t guard[LAC_TIER_COUNT],
                                    double posterior[LAC_TIER_COUNT])
{
    struct lac_head_params p = *t->p;
    int64_t f[LAC_HEAD_INPUTS];
    uint32_t likelihood[LAC_TIER_COUNT];
    double sum = 0, least = INFINITY;
    enum lac_tier answer = LAC_TIER_PROPRIETARY;

    memcpy(p.guard, guard, sizeof(p.guard));
    for (size_t k = 0; k < LAC_HEAD_INPUTS; k++)
        f[k] = (int64_t)floor(t->f[i * LAC_HEAD_INPUTS + k] * LAC_HEAD_ONE);
    lac_head_likelihoods(&p, f, likelihood);
    for (int k = 0; k < LAC_TIER_COUNT; k++)
        sum += posterior[k] = (double)likelihood[k] * t->in->prior[k];
    for (int k = 0; k < LAC_TIER_COUNT; k++)
        posterior[k] /= sum;
    for (int a = LAC_TIER_COUNT - 1; a >= 0; a--) {
        double cost = 0;

        for (int k = 0; k < LAC_TIER_COUNT; k++)
            cost += posterior[k] * t->in->cost[k][a];
        if (cost < least) { /* ties go to the stricter one, which came before */
            least = cost;
            answer = (enum lac_tier)a;
        }
    }
    return answer;
}

/* (leaks + 1) / (n + 1) of a tier's held-out samples. */
static double risk(const struct lac_head_train *t, enum lac_tier tier,
                   const int32_t guard[LAC_TIER_COUNT])
{
    double posterior[LAC_TIER_COUNT];
    size_t n = 0, leaks = 0;

    for (size_t i = 0; i < t->n; i++) {
        if (t->tiers[i] != tier)
            continue;
        n++;
        leaks += lac_head_train_decide(t, i, guard, posterior) < tier;
    }
    return (double)(leaks + 1) / (double)(n + 1);
}

/*
 * The least shift of `tier` and those above it with which its risk is within the bound. Leaks never
 * rise with the shift, so halving finds it. A shift below 0 gives back what the matrix would block
 * beyond the bound.
 */
static void shift_until(const struct lac_head_train *t, enum lac_tier tier,
                        int32_t guard[LAC_TIER_COUNT])
{
    const int32_t step = LAC_HEAD_ONE / STEPS_PER_ONE;
    int low = GUARD_LEAST * STEPS_PER_ONE, high = GUARD_MOST * STEPS_PER_ONE;
    int32_t before[LAC_TIER_COUNT];
    double bound = (double)t->in->bound[tier] / 1e6;

    memcpy(before, guard, sizeof(before));
    while (low < high) {
        int middle = low + (high - low) / 2;

        for (int k = (int)tier; k < LAC_TIER_COUNT; k++)
            guard[k] = before[k] + middle * step;
        if (risk(t, tier, guard) <= bound)
            high = middle;
        else
            low = middle + 1;
    }
    for (int k = (int)tier; k < LAC_TIER_COUNT; k++)
        guard[k] = before[k] + low * step;
}

struct bins {
    double count[BINS], right[BINS], confidence[BINS];
};

static void measure_calibration(struct bins *b, const double posterior[LAC_TIER_COUNT],
                                uint8_t truth)
{
    int top = 0, at;

    for (int k = 1; k < LAC_TIER_COUNT; k++)
        top = posterior[k] > posterior[top] ? k : top;
    at = (int)(posterior[top] * BINS);
    at = at < BINS ? at : BINS - 1;
    b->count[at]++;
    b->right[at] += top == truth;
    b->confidence[at] += posterior[top];
}

/* Mean F1 of the tiers that are there. */
static double f1_of(const size_t confusion[LAC_TIER_COUNT][LAC_TIER_COUNT])
{
    unsigned there = 0;
    double sum = 0;

    for (int k = 0; k < LAC_TIER_COUNT; k++) {
        size_t labelled = 0, answered = 0;

        for (int o = 0; o < LAC_TIER_COUNT; o++) {
            labelled += confusion[k][o];
            answered += confusion[o][k];
        }
        if (labelled == 0)
            continue;
        there++;
        sum += 2 * (double)confusion[k][k] / (double)(labelled + answered);
    }
    return there ? sum / there : 0;
}

/* Plain measures: the likeliest tier by the training's own prior, without guard. */
static void measure_plain(const struct lac_head_train *t, struct lac_head_report *report)
{
    struct lac_head_measured *m = &report->held_out;
    size_t confusion[LAC_TIER_COUNT][LAC_TIER_COUNT] = {0};
    struct bins b = {0};

    m->loss = 0;
    for (uint32_t d = 0; d < t->in->domains; d++) {
        size_t own[LAC_TIER_COUNT][LAC_TIER_COUNT] = {0};

        for (size_t i = 0; i < t->n; i++) {
            double p[LAC_TIER_COUNT];
            int top = 0;

            if (t->in->samples[i].domain != d)
                continue;
            lac_head_logistic_ask(&t->logistic, t->f + i * LAC_HEAD_INPUTS, p);
            for (int k = 1; k < LAC_TIER_COUNT; k++)
                top = p[k] > p[top] ? k : top;
            own[t->tiers[i]][top]++;
            confusion[t->tiers[i]][top]++;
            m->accuracy += (top == t->tiers[i]) / (double)t->n;
            m->loss -= lac_head_math_log(p[t->tiers[i]] + 1e-300) / (double)t->n;
            measure_calibration(&b, p, t->tiers[i]);
        }
        report->domain_f1[d] = f1_of(own);
    }
    m->f1 = f1_of(confusion);
    for (int k = 0; k < BINS; k++)
        m->calibration += fabs(b.right[k] - b.confidence[k]) / (double)t->n;
}

static void measure_guarded(const struct lac_head_train *t, struct lac_head_report *report)
{
    struct lac_head_measured *m = &report->held_out;
    double of[LAC_TIER_COUNT] = {0}, leaks[LAC_TIER_COUNT] = {0}, blocks[LAC_TIER_COUNT] = {0};
    double p[LAC_TIER_COUNT];

    for (size_t i = 0; i < t->n; i++) {
        enum lac_tier answer = lac_head_train_decide(t, i, t->p->guard, p);

        of[t->tiers[i]]++;
        leaks[t->tiers[i]] += answer < (enum lac_tier)t->tiers[i];
        blocks[t->tiers[i]] += answer > (enum lac_tier)t->tiers[i];
    }
    for (int k = 0; k < LAC_TIER_COUNT; k++) {
        m->leaks[k] = leaks[k] / of[k];
        m->blocks[k] = blocks[k] / of[k];
    }
    m->leak = (leaks[1] + leaks[2]) / (of[1] + of[2]);
    m->block = (blocks[0] + blocks[1]) / (of[0] + of[1]);
}

/* INTERNAL's shift is found with PROPRIETARY as low as it may become: whatever the latter's own
 * shift is then, leaks of INTERNAL texts only fall. So each shift depends on texts of its tier
 * alone, and the theorem holds for both. */
void lac_head_train_set_guard(struct lac_head_train *t)
{
    const int32_t least = GUARD_LEAST * LAC_HEAD_ONE;

    memset(t->p->guard, 0, sizeof(t->p->guard));
    t->p->guard[LAC_TIER_PROPRIETARY] = least;
    shift_until(t, LAC_TIER_INTERNAL, t->p->guard);
    t->p->guard[LAC_TIER_PROPRIETARY] -= least;
    shift_until(t, LAC_TIER_PROPRIETARY, t->p->guard);
}

void lac_head_train_measure(const struct lac_head_train *t, struct lac_head_report *report)
{
    measure_plain(t, report);
    measure_guarded(t, report);
}
