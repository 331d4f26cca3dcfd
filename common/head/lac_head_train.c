/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_head_train.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lac_digest.h"
#include "lac_head_math.h"
#include "lac_head_train_internal.h"

enum {
    REFUSED_PPM = 5000, /* of the held-out samples, by the gate */
    STEPS = 10, /* kernel regressions: about so many of the grid, and one over all samples */
};

static enum lac_status no_memory(struct lac_err *err)
{
    return lac_err_set(err, LAC_RETRY, ENOMEM, "train: no memory");
}

int32_t lac_head_train_q20(double v, int32_t most)
{
    double scaled = floor(v * LAC_HEAD_ONE + 0.5);

    return scaled > most ? most : scaled < -most ? -most : (int32_t)scaled;
}

/* ---- samples ---- */

static enum lac_status check(const struct lac_head_train_in *in, struct lac_head_report *report,
                             struct lac_err *err)
{
    if (in->count > LAC_HEAD_TRAIN_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "train: more than %d texts", LAC_HEAD_TRAIN_MAX);
    for (size_t i = 0; i < in->count; i++)
        report->tiers[in->samples[i].tier]++;
    for (int t = 0; t < LAC_TIER_COUNT; t++)
        if (report->tiers[t] < LAC_HEAD_TRAIN_LEAST)
            return lac_err_set(
                err, LAC_REJECT, 0, "train: %u texts are %s; at least %d of each tier are needed",
                report->tiers[t], lac_tier_name((enum lac_tier)t), LAC_HEAD_TRAIN_LEAST);
    report->count = (uint32_t)in->count;
    report->domains = in->domains;
    return LAC_OK;
}

/* The fold of a sample that has no domain to speak of: by its id, so that further samples don't
 * move it. */
static uint16_t draw(struct lac_str id, uint64_t seed)
{
    unsigned char message[8 + LAC_HEAD_ID_MAX], hash[LAC_HEAD_HASH_SIZE];

    for (int i = 0; i < 8; i++)
        message[i] = (unsigned char)(seed >> (8 * i));
    memcpy(message + 8, id.ptr, id.len);
    lac_sha256(hash, message, 8 + id.len);
    return (uint16_t)((hash[0] << 8 | hash[1]) % LAC_HEAD_TRAIN_FOLDS);
}

static enum lac_status allocate(struct lac_head_train *t, struct lac_err *err)
{
    size_t n = t->n, squares = n * n;

    t->fold = calloc(n, sizeof(*t->fold));
    t->tiers = calloc(n, sizeof(*t->tiers));
    t->q = calloc(n * t->p->width, sizeof(*t->q));
    t->cosine = calloc(squares, sizeof(*t->cosine));
    t->common = calloc(squares, sizeof(*t->common));
    t->work = calloc(squares, sizeof(*t->work));
    t->f = calloc(n * LAC_HEAD_INPUTS, sizeof(*t->f));
    t->weights = calloc(n * LAC_TIER_COUNT, sizeof(*t->weights));
    t->closeness = calloc(n, sizeof(*t->closeness));
    t->multipliers = calloc(n, sizeof(*t->multipliers));
    if (!t->fold || !t->tiers || !t->q || !t->cosine || !t->common || !t->work || !t->f ||
        !t->weights || !t->closeness || !t->multipliers)
        return no_memory(err);
    return LAC_OK;
}

static void release(struct lac_head_train *t)
{
    free(t->fold);
    free(t->tiers);
    free(t->q);
    free(t->cosine);
    free(t->common);
    free(t->work);
    free(t->f);
    free(t->weights);
    free(t->closeness);
    free(t->multipliers);
    free(t->word_starts);
    free(t->word_at);
    free(t->rarity);
}

static enum lac_status take_samples(struct lac_head_train *t, struct lac_head_report *report,
                                    struct lac_err *err)
{
    const struct lac_head_train_in *in = t->in;

    report->folds = in->domains < LAC_HEAD_TRAIN_DOMAINS;
    t->folds = report->folds ? LAC_HEAD_TRAIN_FOLDS : in->domains;
    for (size_t i = 0; i < t->n; i++) {
        const struct lac_head_sample *s = &in->samples[i];

        t->tiers[i] = (uint8_t)s->tier;
        t->fold[i] = report->folds ? draw(s->id, t->p->seed) : s->domain;
        if (!lac_head_quantise(s->vector, t->p->width, t->q + i * t->p->width))
            return lac_err_set(err, LAC_REJECT, 0, "train: the vector of %.*s is none",
                               LAC_STR_FMT(s->id));
    }
    return LAC_OK;
}

/* Samples become exemplars as the running code will read them. */
static enum lac_status make_exemplars(struct lac_head_train *t, struct lac_buf *vec,
                                      struct lac_err *err)
{
    struct lac_str *ids = calloc(t->n, sizeof(*ids));
    enum lac_tier *tiers = calloc(t->n, sizeof(*tiers));
    float *vectors = calloc(t->n * t->p->width, sizeof(*vectors));
    enum lac_status status = ids && tiers && vectors ? LAC_OK : no_memory(err);

    for (size_t i = 0; i < t->n && status == LAC_OK; i++) {
        ids[i] = t->in->samples[i].id;
        tiers[i] = t->in->samples[i].tier;
        memcpy(vectors + i * t->p->width, t->in->samples[i].vector, t->p->width * sizeof(*vectors));
    }
    if (status == LAC_OK) {
        lac_head_exemplars_write(t->p->texts_hash, (uint32_t)t->n, t->p->width, ids, tiers, vectors,
                                 vec);
        status = lac_buf_ok(vec) ? lac_head_exemplars_read(&t->exemplars, lac_buf_str(vec), err)
                                 : no_memory(err);
    }
    for (size_t i = 0; i < t->n && status == LAC_OK; i++)
        t->multipliers[i] =
            lac_head_multiplier(t->exemplars.vectors + i * t->p->width, t->p->width);
    free(ids);
    free(tiers);
    free(vectors);
    return status;
}

/* Each sample's neighbourhood among those of other folds, and its cosine to all. */
static void look_around(struct lac_head_train *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct lac_head_leave leave = {(uint32_t)i, t->fold, t->fold[i]};
        struct lac_head_around around;
        double *f = t->f + i * LAC_HEAD_INPUTS + LAC_TIER_COUNT;

        lac_head_look_around(&t->exemplars, t->multipliers, t->p, t->q + i * t->p->width, &leave,
                             t->cosine + i * t->n, &around);
        for (int k = 0; k < LAC_HEAD_FEATURES; k++)
            f[k] = (double)around.features[k] / LAC_HEAD_ONE;
        t->closeness[i] = around.closeness;
    }
}

/* ---- choices ---- */

/* Loss of a logistic regression over all inputs, each fold held out: what will decide. */
static enum lac_status held_out_loss(const struct lac_head_train *t, double ridge, double *loss,
                                     struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    *loss = 0;
    for (uint32_t fold = 0; fold < t->folds && status == LAC_OK; fold++) {
        struct lac_head_logistic m = {.features = LAC_HEAD_INPUTS};

        status = lac_head_logistic_fit(&m, t->f, t->tiers, t->fold, t->n, fold, ridge, err);
        for (size_t i = 0; i < t->n && status == LAC_OK; i++) {
            double p[LAC_TIER_COUNT];

            if (t->fold[i] != fold)
                continue;
            lac_head_logistic_ask(&m, t->f + i * LAC_HEAD_INPUTS, p);
            *loss -= lac_head_math_log(p[t->tiers[i]] + 1e-300) / (double)t->n;
        }
    }
    return status;
}

static enum lac_status go_on(struct lac_head_train *t, struct lac_err *err)
{
    const struct lac_head_train_in *in = t->in;

    if (in->step && !in->step(in->ctx, t->steps < STEPS ? t->steps : STEPS - 1, STEPS))
        return lac_err_set(err, LAC_AGAIN, 0, "train: stopped");
    t->steps++;
    return LAC_OK;
}

/* The numbers that were tried last, how they did, and the best so far with their scores. */
struct trial {
    struct lac_head_choice best;
    double least;
    double *scores; /* owned; [n][3] of the best */
};

static void copy_scores(struct lac_head_train *t, double *scores, bool back)
{
    const size_t size = LAC_TIER_COUNT * sizeof(*scores);

    for (size_t i = 0; i < t->n; i++) {
        double *f = t->f + i * LAC_HEAD_INPUTS, *kept = scores + i * LAC_TIER_COUNT;

        memcpy(back ? f : kept, back ? kept : f, size);
    }
}

static enum lac_status try_choice(struct lac_head_train *t, const struct lac_head_choice *c,
                                  struct trial *trial, bool *better, struct lac_err *err)
{
    double loss;
    enum lac_status status = go_on(t, err);

    if (status == LAC_OK)
        status = lac_head_train_scores(t, c, err);
    if (status == LAC_OK)
        status = held_out_loss(t, 1e-4, &loss, err);
    if (status != LAC_OK)
        return status;
    *better = loss < trial->least;
    if (*better) {
        trial->least = loss;
        trial->best = *c;
        copy_scores(t, trial->scores, false);
    }
    return LAC_OK;
}

struct grid {
    const double *values; /* rising; the start is one of them */
    size_t count;
    size_t place; /* in struct lac_head_choice */
};

/* Upwards from the best value as long as the loss falls, else downwards: it has one valley. */
static enum lac_status climb(struct lac_head_train *t, const struct grid *g, struct trial *trial,
                             struct lac_err *err)
{
    const double *start = (const double *)(const void *)((const char *)&trial->best + g->place);
    bool moved = false;
    size_t at = 0;

    while (at + 1 < g->count && g->values[at] != *start)
        at++;
    for (int direction = 1; direction >= -1 && !moved; direction -= 2) {
        bool better = true;

        while (better && (direction > 0 ? at + 1 < g->count : at > 0)) {
            struct lac_head_choice c = trial->best;
            enum lac_status status;

            at = direction > 0 ? at + 1 : at - 1;
            *(double *)(void *)((char *)&c + g->place) = g->values[at];
            status = try_choice(t, &c, trial, &better, err);
            if (status != LAC_OK)
                return status;
            moved = moved || better;
        }
        if (!better)
            at = direction > 0 ? at - 1 : at + 1;
    }
    return LAC_OK;
}

/* One number after the other from a grid, each with the best of those before. */
static enum lac_status choose(struct lac_head_train *t, struct lac_head_choice *best,
                              struct lac_err *err)
{
    static const double sharpness[] = {1.5, 3, 6, 12}, ridge[] = {0.03, 0.1, 0.3, 1},
                        words[] = {0, 0.01, 0.02, 0.04, 0.08};
    const struct grid grids[] = {
        {sharpness, LAC_COUNT(sharpness), offsetof(struct lac_head_choice, sharpness)},
        {ridge, LAC_COUNT(ridge), offsetof(struct lac_head_choice, ridge)},
        {words, LAC_COUNT(words), offsetof(struct lac_head_choice, word_share)},
    };
    const struct lac_head_choice start = {3, 0.1, 0.02};
    struct trial trial = {.least = INFINITY,
                          .scores = calloc(t->n * LAC_TIER_COUNT, sizeof(double))};
    bool better;
    enum lac_status status =
        trial.scores ? try_choice(t, &start, &trial, &better, err) : no_memory(err);

    for (size_t i = 0; i < LAC_COUNT(grids) && status == LAC_OK; i++)
        status = climb(t, &grids[i], &trial, err);
    if (status == LAC_OK)
        copy_scores(t, trial.scores, true);
    *best = trial.best;
    free(trial.scores);
    return status;
}

static enum lac_status regress(struct lac_head_train *t, struct lac_head_report *report,
                               struct lac_err *err)
{
    static const double ridges[] = {1e-5, 1e-4, 1e-3, 1e-2};
    double least = INFINITY;
    enum lac_status status = LAC_OK;

    for (size_t i = 0; i < LAC_COUNT(ridges) && status == LAC_OK; i++) {
        double loss;

        status = held_out_loss(t, ridges[i], &loss, err);
        if (status == LAC_OK && loss < least) {
            least = loss;
            report->logistic_ridge = ridges[i];
        }
    }
    t->logistic.features = LAC_HEAD_INPUTS;
    if (status == LAC_OK)
        status = lac_head_logistic_fit(&t->logistic, t->f, t->tiers, t->fold, t->n, UINT32_MAX,
                                       report->logistic_ridge, err);
    return status;
}

/* ---- results ---- */

static void fill_params(struct lac_head_train *t, const struct lac_head_report *report)
{
    struct lac_head_params *p = t->p;

    for (int k = 0; k < LAC_TIER_COUNT; k++) {
        double share = (double)report->tiers[k] / report->count;

        for (int i = 0; i < LAC_HEAD_INPUTS; i++)
            p->weights[k][i] = lac_head_train_q20(t->logistic.weights[k][i], LAC_HEAD_VALUE_MAX);
        p->bias[k] = lac_head_train_q20(t->logistic.bias[k], LAC_HEAD_VALUE_MAX);
        p->log_prior[k] = lac_head_train_q20(lac_head_math_log(share), LAC_HEAD_VALUE_MAX);
    }
    /* So many texts can't tell a probability below one in their number from nothing. */
    p->floor = 1000000 / (report->count + 1) + 1;
}

static int by_value(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

static void set_gate(struct lac_head_train *t, struct lac_head_report *report)
{
    size_t refused = t->n * REFUSED_PPM / 1000000;

    qsort(t->closeness, t->n, sizeof(*t->closeness), by_value);
    t->p->closeness = t->closeness[refused];
    while (refused > 0 && t->closeness[refused - 1] == t->p->closeness)
        refused--;
    report->gate = (double)refused / (double)t->n;
}

static enum lac_status run(struct lac_head_train *t, struct lac_buf *vec,
                           struct lac_head_report *report, struct lac_err *err)
{
    struct lac_head_choice choice;
    enum lac_status status = allocate(t, err);

    if (status == LAC_OK)
        status = take_samples(t, report, err);
    if (status == LAC_OK)
        status = make_exemplars(t, vec, err);
    if (status == LAC_OK)
        status = lac_head_train_words(t, err);
    if (status != LAC_OK)
        return status;
    look_around(t);
    status = choose(t, &choice, err);
    if (status == LAC_OK)
        status = regress(t, report, err);
    if (status != LAC_OK)
        return status;
    fill_params(t, report);
    set_gate(t, report);
    lac_head_train_set_guard(t);
    lac_head_train_measure(t, report);
    status = go_on(t, err);
    if (status == LAC_OK)
        status = lac_head_train_weights(t, &choice, err);
    if (status == LAC_OK)
        status = lac_head_train_word_weights(t, choice.word_share, err);
    report->sharpness = choice.sharpness;
    report->ridge = choice.ridge;
    report->word_share = choice.word_share;
    report->words = t->p->words;
    return status;
}

enum lac_status lac_head_train(const struct lac_head_train_in *in, struct lac_head_params *p,
                               struct lac_buf *vec, struct lac_head_report *report,
                               struct lac_err *err)
{
    struct lac_head_train t = {.in = in, .p = p, .n = in->count};
    enum lac_status status;

    *report = (struct lac_head_report){.count = 0};
    p->exemplars = (uint32_t)in->count;
    status = check(in, report, err);
    if (status == LAC_OK)
        status = run(&t, vec, report, err);
    release(&t);
    return status;
}
