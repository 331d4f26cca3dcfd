/* SPDX-License-Identifier: Apache-2.0 */
/* Known words: ids of tokens and pairs of at least two samples. One that is in a single sample says
 * nothing about any other. A word weighs the more the rarer it is: log(samples / those with it),
 * after Spärck Jones 1972, in each of the two texts that have it; so what it adds to their
 * likeness is the square. */
#include "lac_head_train_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lac_head_math.h"

static enum lac_status no_memory(struct lac_err *err)
{
    return lac_err_set(err, LAC_RETRY, ENOMEM, "train: no memory");
}

/* Windows of a long text are cut at the limit. */
static size_t words_of(const struct lac_head_sample *s, int32_t out[LAC_HEAD_TEXT_WORD_MAX])
{
    return lac_head_words(s->ids,
                          s->id_count < LAC_HEAD_TOKEN_MAX ? s->id_count : LAC_HEAD_TOKEN_MAX, out);
}

/* In how many samples each word is; two are told from more by nobody. */
static enum lac_status count_words(struct lac_head_train *t, uint8_t *seen, size_t *places,
                                   struct lac_err *err)
{
    int32_t ids[LAC_HEAD_TEXT_WORD_MAX];
    uint32_t known = 0;

    *places = 0;
    for (size_t i = 0; i < t->n; i++) {
        size_t count = words_of(&t->in->samples[i], ids);

        *places += count;
        for (size_t w = 0; w < count; w++)
            if (seen[ids[w]] < 2)
                known += ++seen[ids[w]] == 2;
    }
    if (known > LAC_HEAD_WORD_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "train: more than %d different words",
                           LAC_HEAD_WORD_MAX);
    t->p->words = known;
    return LAC_OK;
}

static void list_words(struct lac_head_train *t, const uint8_t *seen, uint32_t *place)
{
    int32_t ids[LAC_HEAD_TEXT_WORD_MAX];
    uint32_t known = 0, at = 0;

    for (int32_t id = 0; id <= LAC_HEAD_WORD_ID_MAX; id++)
        if (seen[id] == 2) {
            place[id] = known;
            t->p->word_ids[known++] = id;
        }
    for (size_t i = 0; i < t->n; i++) {
        size_t count = words_of(&t->in->samples[i], ids);

        t->word_starts[i] = at;
        for (size_t w = 0; w < count; w++)
            if (seen[ids[w]] == 2)
                t->word_at[at++] = place[ids[w]];
    }
    t->word_starts[t->n] = at;
}

static enum lac_status weigh_words(struct lac_head_train *t, struct lac_err *err)
{
    t->rarity = calloc((size_t)t->p->words + 1, sizeof(*t->rarity));
    if (!t->rarity)
        return no_memory(err);
    for (uint32_t i = 0; i < t->word_starts[t->n]; i++)
        t->rarity[t->word_at[i]]++;
    for (uint32_t w = 0; w < t->p->words; w++) {
        double weight = lac_head_math_log((double)t->n / t->rarity[w]);

        t->rarity[w] = weight * weight;
    }
    return LAC_OK;
}

/* Rarity of the words that both have. Both lists rise. */
static double shared(const struct lac_head_train *t, size_t i, size_t j)
{
    const uint32_t *a = t->word_at + t->word_starts[i], *a_end = t->word_at + t->word_starts[i + 1];
    const uint32_t *b = t->word_at + t->word_starts[j], *b_end = t->word_at + t->word_starts[j + 1];
    double sum = 0;

    while (a < a_end && b < b_end) {
        if (*a < *b)
            a++;
        else if (*a > *b)
            b++;
        else
            sum += t->rarity[*a], a++, b++;
    }
    return sum;
}

static double part(const struct lac_head_train *t, size_t i)
{
    uint32_t count = t->word_starts[i + 1] - t->word_starts[i];

    return count == 0 ? 0 : (double)lac_head_root_part(count) / LAC_HEAD_ONE;
}

enum lac_status lac_head_train_words(struct lac_head_train *t, struct lac_err *err)
{
    uint8_t *seen = calloc(LAC_HEAD_WORD_ID_MAX + 1, sizeof(*seen));
    uint32_t *place = calloc(LAC_HEAD_WORD_ID_MAX + 1, sizeof(*place));
    size_t places;
    enum lac_status status = seen && place ? LAC_OK : no_memory(err);

    if (status == LAC_OK)
        status = count_words(t, seen, &places, err);
    if (status == LAC_OK)
        status = lac_head_params_alloc(t->p, err);
    if (status == LAC_OK) {
        t->word_starts = calloc(t->n + 1, sizeof(*t->word_starts));
        t->word_at = calloc(places + 1, sizeof(*t->word_at));
        status = t->word_starts && t->word_at ? LAC_OK : no_memory(err);
    }
    if (status == LAC_OK)
        list_words(t, seen, place);
    if (status == LAC_OK)
        status = weigh_words(t, err);
    for (size_t i = 0; i < t->n && status == LAC_OK; i++)
        for (size_t j = i; j < t->n; j++)
            t->common[i * t->n + j] = shared(t, i, j) * part(t, i) * part(t, j);
    free(seen);
    free(place);
    return status;
}

enum lac_status lac_head_train_word_weights(struct lac_head_train *t, double share,
                                            struct lac_err *err)
{
    double *sums = calloc((size_t)t->p->words * LAC_TIER_COUNT + 1, sizeof(*sums));

    if (!sums)
        return no_memory(err);
    for (size_t i = 0; i < t->n; i++)
        for (uint32_t w = t->word_starts[i]; w < t->word_starts[i + 1]; w++)
            lac_head_math_add(sums + (size_t)t->word_at[w] * LAC_TIER_COUNT,
                              t->weights + i * LAC_TIER_COUNT, share * part(t, i), LAC_TIER_COUNT);
    for (size_t i = 0; i < (size_t)t->p->words * LAC_TIER_COUNT; i++)
        t->p->word_weights[i] =
            lac_head_train_q20(sums[i] * t->rarity[i / LAC_TIER_COUNT], LAC_HEAD_WEIGHT_MAX);
    free(sums);
    return LAC_OK;
}
