/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_head_logistic.h"

#include <math.h>
#include <string.h>

#include "lac_head_math.h"

enum {
    ROW = LAC_HEAD_LOGISTIC_MAX + 1, /* weights of one tier, then its bias */
    SIZE = LAC_TIER_COUNT * ROW,
    STEPS = 100,
};

struct problem {
    const double *f;
    const uint8_t *tiers;
    const uint16_t *groups;
    size_t count, features, row;
    uint32_t but;
    double ridge;
};

static void softmax(const struct problem *p, const double *w, const double *f,
                    double out[LAC_TIER_COUNT])
{
    double top = -INFINITY, sum = 0;

    for (size_t t = 0; t < LAC_TIER_COUNT; t++) {
        out[t] = w[t * p->row + p->features];
        for (size_t i = 0; i < p->features; i++)
            out[t] += w[t * p->row + i] * f[i];
        top = out[t] > top ? out[t] : top;
    }
    for (size_t t = 0; t < LAC_TIER_COUNT; t++)
        sum += out[t] = lac_head_math_exp(out[t] - top);
    for (size_t t = 0; t < LAC_TIER_COUNT; t++)
        out[t] /= sum;
}

static size_t samples(const struct problem *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->count; i++)
        n += p->groups[i] != p->but;
    return n;
}

/* The biases get a trace of the ridge: without it their mean would be undetermined. */
static double ridge_of(const struct problem *p, size_t i)
{
    return i == p->features ? 1e-9 : p->ridge;
}

static double loss(const struct problem *p, const double *w)
{
    double sum = 0, n = (double)samples(p), out[LAC_TIER_COUNT];

    for (size_t i = 0; i < p->count; i++) {
        if (p->groups[i] == p->but)
            continue;
        softmax(p, w, p->f + i * p->features, out);
        sum -= lac_head_math_log(out[p->tiers[i]] + 1e-300);
    }
    sum /= n;
    for (size_t t = 0; t < LAC_TIER_COUNT; t++)
        for (size_t i = 0; i < p->row; i++)
            sum += ridge_of(p, i) / 2 * w[t * p->row + i] * w[t * p->row + i];
    return sum;
}

/* One sample's share of gradient and Hessian (upper half). */
static void add_sample(const struct problem *p, size_t s, const double out[LAC_TIER_COUNT],
                       double *gradient, double *hessian)
{
    const double *f = p->f + s * p->features;
    size_t size = LAC_TIER_COUNT * p->row;
    double x[ROW];

    memcpy(x, f, p->features * sizeof(*x));
    x[p->features] = 1;
    for (size_t t = 0; t < LAC_TIER_COUNT; t++) {
        lac_head_math_add(gradient + t * p->row, x, out[t] - (p->tiers[s] == t), p->row);
        for (size_t o = t; o < LAC_TIER_COUNT; o++) {
            double c = out[t] * ((t == o) - out[o]);

            for (size_t i = 0; i < p->row; i++)
                lac_head_math_add(hessian + (t * p->row + i) * size + o * p->row, x, c * x[i],
                                  p->row);
        }
    }
}

/* The Newton step from `w` into `step`. False: no direction down. */
static bool newton(const struct problem *p, const double *w, double *step)
{
    static const double tiny = 1e-12;
    size_t size = LAC_TIER_COUNT * p->row;
    double hessian[SIZE * SIZE] = {0}, out[LAC_TIER_COUNT], n = (double)samples(p);

    memset(step, 0, size * sizeof(*step));
    for (size_t i = 0; i < p->count; i++) {
        if (p->groups[i] == p->but)
            continue;
        softmax(p, w, p->f + i * p->features, out);
        add_sample(p, i, out, step, hessian);
    }
    for (size_t i = 0; i < size; i++) {
        for (size_t j = i; j < size; j++)
            hessian[i * size + j] /= n;
        step[i] = -(step[i] / n + ridge_of(p, i % p->row) * w[i]);
        hessian[i * size + i] += ridge_of(p, i % p->row) + tiny;
    }
    if (!lac_head_math_cholesky(hessian, size))
        return false;
    lac_head_math_solve(hessian, size, step, 1);
    return true;
}

static enum lac_status descend(const struct problem *p, double *w, struct lac_err *err)
{
    size_t size = LAC_TIER_COUNT * p->row;
    double step[SIZE], next[SIZE], now = loss(p, w);

    for (int round = 0; round < STEPS; round++) {
        double after = now;

        if (!isfinite(now) || !newton(p, w, step))
            return lac_err_set(err, LAC_FATAL, 0, "train: the regression has no solution");
        for (int half = 0; half < 30; half++) {
            memcpy(next, w, size * sizeof(*next));
            lac_head_math_add(next, step, ldexp(1, -half), size);
            after = loss(p, next);
            if (after < now)
                break;
        }
        if (!(after < now))
            return LAC_OK; /* at the bottom */
        memcpy(w, next, size * sizeof(*w));
        if (now - after < 1e-12)
            return LAC_OK;
        now = after;
    }
    return LAC_OK;
}

enum lac_status lac_head_logistic_fit(struct lac_head_logistic *m, const double *f,
                                      const uint8_t *tiers, const uint16_t *groups, size_t count,
                                      uint32_t but, double ridge, struct lac_err *err)
{
    const struct problem p = {f, tiers, groups, count, m->features, m->features + 1, but, ridge};
    double w[SIZE] = {0};
    enum lac_status status = descend(&p, w, err);

    for (size_t t = 0; t < LAC_TIER_COUNT; t++) {
        memcpy(m->weights[t], w + t * p.row, p.features * sizeof(*w));
        m->bias[t] = w[t * p.row + p.features];
    }
    return status;
}

void lac_head_logistic_ask(const struct lac_head_logistic *m, const double *f,
                           double out[LAC_TIER_COUNT])
{
    struct problem p = {.features = m->features, .row = m->features + 1};
    double w[SIZE];

    for (size_t t = 0; t < LAC_TIER_COUNT; t++) {
        memcpy(w + t * p.row, m->weights[t], p.features * sizeof(*w));
        w[t * p.row + p.features] = m->bias[t];
    }
    softmax(&p, w, f, out);
}
