/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_eval_bets.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static enum lac_status no_memory(struct lac_err *err)
{
    return lac_err_set(err, LAC_RETRY, ENOMEM, "eval: no memory");
}

static void note(struct lac_eval_calibration *c, double sure, bool right)
{
    int at = (int)(sure * LAC_EVAL_BINS);

    at = at < 0 ? 0 : at >= LAC_EVAL_BINS ? LAC_EVAL_BINS - 1 : at;
    c->bins[at].texts++;
    c->bins[at].right += right;
    c->bins[at].sure += sure;
}

enum lac_status lac_eval_bets_add(struct lac_eval_bets *b, const struct lac_eval_case *c,
                                  struct lac_err *err)
{
    const double *p = c->posterior;
    int top = LAC_TIER_COUNT - 1;
    double up_to = 0;

    if (!c->has_posterior || !c->has_tier)
        return LAC_OK;
    if (b->count == b->capacity) {
        size_t capacity = b->capacity ? b->capacity * 2 : 1024;
        struct lac_eval_bet *grown = realloc(b->at, capacity * sizeof(*grown));

        if (!grown)
            return no_memory(err);
        b->at = grown;
        b->capacity = capacity;
    }
    for (int t = LAC_TIER_COUNT - 2; t >= 0; t--) /* of equals the stricter */
        top = p[t] > p[top] ? t : top;
    for (int t = 0; t <= (int)c->tier; t++)
        up_to += p[t];
    note(&b->likeliest, p[top], top == (int)c->gold_tier);
    note(&b->answer, up_to, c->gold_tier <= c->tier);
    b->at[b->count++] =
        (struct lac_eval_bet){p[top], top != (int)c->gold_tier, top < (int)c->gold_tier};
    return LAC_OK;
}

static void finish(const struct lac_eval_calibration *sums, struct lac_eval_calibration *out)
{
    double texts = 0, gap = 0;

    *out = *sums;
    for (int i = 0; i < LAC_EVAL_BINS; i++) {
        struct lac_eval_bin *bin = &out->bins[i];

        texts += (double)bin->texts;
        gap += fabs((double)bin->right - bin->sure);
        if (bin->texts)
            bin->sure /= (double)bin->texts;
    }
    out->error = texts > 0 ? gap / texts : 0;
}

static int surest_first(const void *a, const void *b)
{
    double x = ((const struct lac_eval_bet *)a)->sure, y = ((const struct lac_eval_bet *)b)->sure;

    return (x < y) - (x > y);
}

/* Bets that are equally sure count together: who comes first among them means nothing. */
static void draw_curve(struct lac_eval_bets *b, struct lac_eval_report *out)
{
    size_t next = 1; /* in parts of the curve */
    double wrong = 0, below = 0;

    for (size_t i = 0, end = 0; i < b->count; i = end) {
        for (; end < b->count && b->at[end].sure == b->at[i].sure; end++) {
            wrong += b->at[end].wrong;
            below += b->at[end].below;
        }
        out->curve_area += wrong / (double)end * (double)(end - i) / (double)b->count;
        if (end * LAC_EVAL_CURVE < next * b->count)
            continue;
        b->curve[out->curve_count++] =
            (struct lac_eval_point){.coverage = (double)end / (double)b->count,
                                    .sure = b->at[i].sure,
                                    .wrong = wrong / (double)end,
                                    .below = below / (double)end};
        next = end * LAC_EVAL_CURVE / b->count + 1;
    }
    out->curve = b->curve;
}

enum lac_status lac_eval_bets_sum(struct lac_eval_bets *b, struct lac_eval_report *out,
                                  struct lac_err *err)
{
    finish(&b->likeliest, &out->likeliest);
    finish(&b->answer, &out->answer);
    out->judged = b->count;
    free(b->curve);
    b->curve = calloc(LAC_EVAL_CURVE, sizeof(*b->curve));
    if (!b->curve)
        return no_memory(err);
    if (b->count > 0)
        qsort(b->at, b->count, sizeof(*b->at), surest_first);
    draw_curve(b, out);
    return LAC_OK;
}

void lac_eval_bets_free(struct lac_eval_bets *b)
{
    free(b->at);
    free(b->curve);
}
