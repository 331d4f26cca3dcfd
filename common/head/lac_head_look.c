/* SPDX-License-Identifier: Apache-2.0 */
/* The neighbourhood of a vector: what its cosines to the exemplars come to. */
#include "lac_head_params.h"

/* Keeps the `most` highest, higher similarity first, then lower index (which may be NULL: nobody
 * asks). */
static void keep(uint32_t *index, int32_t *similarity, uint32_t *count, uint32_t most, uint32_t i,
                 int32_t s)
{
    uint32_t at = *count;

    if (at == most) {
        if (s <= similarity[at - 1])
            return;
        at--;
    } else {
        ++*count;
    }
    for (; at > 0 && similarity[at - 1] < s; at--) {
        similarity[at] = similarity[at - 1];
        if (index)
            index[at] = index[at - 1];
    }
    similarity[at] = s;
    if (index)
        index[at] = i;
}

static int32_t mean(const int32_t *values, uint32_t count)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < count; i++)
        sum += values[i];
    return count == 0 ? -LAC_HEAD_ONE : (int32_t)(sum / count);
}

static bool left_out(const struct lac_head_leave *leave, uint32_t i)
{
    return leave && (i == leave->skip || (leave->groups && leave->groups[i] == leave->skip_group));
}

void lac_head_look_begin(struct lac_head_look *l, struct lac_head_around *out)
{
    out->near_count = 0;
    l->out = out;
    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        l->counts[t] = 0;
        l->least[t] = INT32_MIN;
    }
}

void lac_head_look_take(struct lac_head_look *l, const struct lac_head_params *p,
                        enum lac_tier tier, uint32_t index, int32_t cosine)
{
    struct lac_head_around *out = l->out;
    int32_t near;

    keep(out->near_index, out->near_similarity, &out->near_count, p->nearest, index, cosine);
    keep(NULL, l->best[tier], &l->counts[tier], p->per_tier, index, cosine);
    if (out->near_count < p->nearest)
        return;
    near = out->near_similarity[p->nearest - 1];
    for (int t = 0; t < LAC_TIER_COUNT; t++)
        if (l->counts[t] == p->per_tier && p->per_tier > 0)
            l->least[t] = l->best[t][p->per_tier - 1] < near ? l->best[t][p->per_tier - 1] : near;
}

void lac_head_look_end(struct lac_head_look *l, const uint8_t *tiers)
{
    struct lac_head_around *out = l->out;
    uint32_t of_tier[LAC_TIER_COUNT] = {0};

    for (uint32_t i = 0; i < out->near_count; i++)
        of_tier[tiers[out->near_index[i]]]++;
    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        out->features[t] = mean(l->best[t], l->counts[t] > 0);
        out->features[LAC_TIER_COUNT + t] = mean(l->best[t], l->counts[t]);
        out->features[2 * LAC_TIER_COUNT + t] =
            out->near_count ? (int32_t)(of_tier[t] * (uint32_t)LAC_HEAD_ONE / out->near_count) : 0;
    }
    out->closeness = mean(out->near_similarity, out->near_count);
}

void lac_head_look_around(const struct lac_head_exemplars *e, const uint32_t *multipliers,
                          const struct lac_head_params *p, const int16_t *q,
                          const struct lac_head_leave *leave, int32_t *cosines,
                          struct lac_head_around *out)
{
    struct lac_head_look l;

    lac_head_look_begin(&l, out);
    for (uint32_t i = 0; i < e->count; i++) {
        int32_t s =
            lac_head_similarity(q, e->vectors + (size_t)i * e->width, e->width, multipliers[i]);

        if (cosines)
            cosines[i] = s;
        if (!left_out(leave, i))
            lac_head_look_at(&l, p, (enum lac_tier)e->tiers[i], i, s);
    }
    lac_head_look_end(&l, e->tiers);
}
