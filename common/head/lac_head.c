/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_digest.h"
#include "lac_head_params.h"
#include "lac_head_search.h"

struct lac_head {
    struct lac_head_params params;
    struct lac_head_exemplars exemplars;
    struct lac_head_search search;
    uint32_t *words; /* owned; [word_limit]: 1 + place among the known words, 0: unknown */
    uint32_t word_limit;
    uint32_t kernel[LAC_HEAD_KERNEL_SIZE];
};

_Static_assert((int)LAC_HEAD_HASH_SIZE == (int)LAC_SHA256_SIZE, "hashes are SHA-256");

static enum lac_status bad(struct lac_err *err, const char *why)
{
    return lac_err_set(err, LAC_REJECT, 0, "%s", why);
}

/* Both files say which exemplars they are about; the head also says by which bytes. */
static enum lac_status fit(struct lac_head *h, struct lac_str exemplars,
                           const unsigned char *vec_hash, struct lac_err *err)
{
    unsigned char hash[LAC_HEAD_HASH_SIZE];
    const struct lac_head_exemplars *e = &h->exemplars;
    uint32_t of_tier[LAC_TIER_COUNT] = {0}, *multipliers;
    bool directed = true;
    enum lac_status status;

    lac_sha256(hash, exemplars.ptr, exemplars.len);
    if (memcmp(hash, vec_hash, sizeof(hash)) != 0)
        return bad(err, "exemplars.vec is not the file that head.json was trained with");
    if (e->count != h->params.exemplars)
        return bad(err, "head.json and exemplars.vec have different numbers of exemplars");
    if (e->width != h->params.width)
        return bad(err, "head.json and exemplars.vec have different widths");
    if (memcmp(e->texts_hash, h->params.texts_hash, LAC_HEAD_HASH_SIZE) != 0)
        return bad(err, "head.json and exemplars.vec name different texts");
    multipliers = calloc(e->count, sizeof(*multipliers));
    if (!multipliers)
        return lac_err_set(err, LAC_RETRY, ENOMEM, "head: no memory");
    for (uint32_t i = 0; i < e->count; i++) {
        of_tier[e->tiers[i]]++;
        multipliers[i] = lac_head_multiplier(e->vectors + (size_t)i * e->width, e->width);
        directed = directed && multipliers[i] != 0;
    }
    status = lac_head_search_open(&h->search, e, multipliers, h->params.exemplar_weights, err);
    free(multipliers);
    if (status != LAC_OK)
        return status;
    if (!directed)
        return bad(err, "exemplars.vec: a vector has no direction");
    for (int t = 0; t < LAC_TIER_COUNT; t++)
        if (of_tier[t] == 0)
            return bad(err, "exemplars.vec: a tier has no exemplar");
    return LAC_OK;
}

/* A place for each id up to the largest known one. */
static enum lac_status index_words(struct lac_head *h, struct lac_err *err)
{
    const struct lac_head_params *p = &h->params;

    h->word_limit = p->words ? (uint32_t)p->word_ids[p->words - 1] + 1 : 0;
    h->words = calloc((size_t)h->word_limit + 1, sizeof(*h->words));
    if (!h->words)
        return lac_err_set(err, LAC_RETRY, ENOMEM, "head: no memory");
    for (uint32_t i = 0; i < p->words; i++)
        h->words[p->word_ids[i]] = i + 1;
    return LAC_OK;
}

enum lac_status lac_head_open(struct lac_head **out, struct lac_str json, struct lac_str exemplars,
                              struct lac_err *err)
{
    unsigned char vec_hash[LAC_HEAD_HASH_SIZE];
    struct lac_head *h = calloc(1, sizeof(*h));
    enum lac_status status;

    *out = NULL;
    if (!h)
        return lac_err_set(err, LAC_RETRY, ENOMEM, "head: no memory");
    status = lac_head_params_read(&h->params, json, vec_hash, err);
    if (status == LAC_OK)
        status = lac_head_exemplars_read(&h->exemplars, exemplars, err);
    if (status == LAC_OK)
        status = fit(h, exemplars, vec_hash, err);
    if (status == LAC_OK)
        status = index_words(h, err);
    if (status != LAC_OK) {
        lac_head_close(h);
        return status;
    }
    lac_head_kernel(h->params.sharpness, h->kernel);
    *out = h;
    return LAC_OK;
}

void lac_head_close(struct lac_head *h)
{
    if (!h)
        return;
    lac_head_params_free(&h->params);
    lac_head_search_close(&h->search);
    free(h->words);
    free(h);
}

struct lac_str lac_head_model_name(const struct lac_head *h)
{
    return lac_str_from(h->params.model);
}

const unsigned char *lac_head_model_hash(const struct lac_head *h)
{
    return h->params.model_hash;
}

const unsigned char *lac_head_exemplars_hash(const struct lac_head *h)
{
    return h->params.texts_hash;
}

uint32_t lac_head_width(const struct lac_head *h)
{
    return h->params.width;
}

uint32_t lac_head_layers(const struct lac_head *h)
{
    return h->params.layers;
}

uint32_t lac_head_exemplar_count(const struct lac_head *h)
{
    return h->exemplars.count;
}

const uint32_t *lac_head_doubts(const struct lac_head *h)
{
    return h->params.doubts[0] ? h->params.doubts : NULL;
}

struct lac_str lac_head_exemplar_id(const struct lac_head *h, uint32_t index)
{
    LAC_ASSERT(index < h->exemplars.count);
    return lac_head_exemplars_id(&h->exemplars, index);
}

const char *lac_head_gate_name(enum lac_head_gate gate)
{
    static const char *const names[] = {"passed", "invalid", "far", "language"};

    LAC_ASSERT((size_t)gate < LAC_COUNT(names));
    return names[gate];
}

static int32_t ppm(int32_t q20)
{
    return (int32_t)((int64_t)q20 * 1000000 / LAC_HEAD_ONE);
}

static void refuse(struct lac_head_out *out, enum lac_head_gate gate)
{
    out->gate = gate;
    for (int t = 1; t < LAC_TIER_COUNT; t++)
        if (out->likelihood[t] < out->likelihood[t - 1])
            out->likelihood[t] = out->likelihood[t - 1];
}

void lac_head_foreign(struct lac_head_out *out)
{
    if (out->gate == LAC_HEAD_PASSED)
        refuse(out, LAC_HEAD_LANGUAGE);
}

/* Up to LAC_HEAD_ROWS questions that are answered together. */
struct asking {
    int16_t q[LAC_HEAD_ROWS * (LAC_HEAD_WIDTH_MAX + 1)]; /* as lac_head_search_put() says */
    /* kernel x weight, over the exemplars */
    int64_t sums[LAC_HEAD_ROWS][LAC_TIER_COUNT][LAC_HEAD_PARTS];
    struct lac_head_look looks[LAC_HEAD_ROWS];
    struct lac_head_around around[LAC_HEAD_ROWS];
};

static void look_around(const struct lac_head *h, struct asking *a, size_t rows)
{
    const uint8_t *tiers = h->exemplars.tiers;
    uint32_t count = h->exemplars.count;

    for (size_t r = 0; r < rows; r++)
        lac_head_look_begin(&a->looks[r], &a->around[r]);
    memset(a->sums, 0, rows * sizeof(a->sums[0]));
    for (uint32_t panel = 0; panel < h->search.panels; panel++) {
        int32_t cosines[LAC_HEAD_ROWS][LAC_HEAD_PANEL];
        uint32_t first = panel * LAC_HEAD_PANEL;
        uint32_t n = count - first < LAC_HEAD_PANEL ? count - first : LAC_HEAD_PANEL;

        h->search.look(&h->search, panel, a->q, rows, cosines);
        for (size_t r = 0; r < rows; r++) {
            struct lac_head_look *look = &a->looks[r];
            uint32_t above = h->search.score(&h->search, h->kernel, panel, n, cosines[r], tiers,
                                             look->least, a->sums[r]);

            for (; above; above &= above - 1) {
                uint32_t i = (uint32_t)__builtin_ctz(above);

                lac_head_look_at(look, &h->params, (enum lac_tier)tiers[first + i], first + i,
                                 cosines[r][i]);
            }
        }
    }
    for (size_t r = 0; r < rows; r++)
        lac_head_look_end(&a->looks[r], tiers);
}

static void score_words(const struct lac_head *h, const int32_t *ids, size_t count, int64_t *score)
{
    int32_t own[LAC_HEAD_TEXT_WORD_MAX];
    int64_t sum[LAC_TIER_COUNT] = {0};
    uint32_t known = 0;
    size_t words = lac_head_words(ids, count, own);

    for (size_t i = 0; i < words; i++) {
        uint32_t at = (uint32_t)own[i] < h->word_limit ? h->words[own[i]] : 0;

        for (uint32_t t = 0; t < LAC_TIER_COUNT && at > 0; t++)
            sum[t] += h->params.word_weights[(at - 1) * LAC_TIER_COUNT + t];
        known += at > 0;
    }
    for (int t = 0; t < LAC_TIER_COUNT && known > 0; t++)
        score[t] += sum[t] * lac_head_root_part(known) >> 20;
}

static void answer(const struct lac_head *h, const struct lac_head_question *question,
                   int64_t sums[LAC_TIER_COUNT][LAC_HEAD_PARTS],
                   const struct lac_head_around *around, struct lac_head_out *out)
{
    const struct lac_head_params *p = &h->params;
    int64_t f[LAC_HEAD_INPUTS];

    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        int64_t sum = 0;

        for (int i = 0; i < LAC_HEAD_PARTS; i++)
            sum += sums[t][i];
        f[t] = sum >> 24; /* the kernel is Q24 */
    }
    score_words(h, question->ids, question->count, f);
    for (int i = 0; i < LAC_HEAD_FEATURES; i++)
        f[LAC_TIER_COUNT + i] = around->features[i];
    lac_head_likelihoods(p, f, out->likelihood);
    for (uint32_t i = 0; i < around->near_count && i < LAC_HEAD_NEAREST; i++)
        out->nearest[out->nearest_count++] =
            (struct lac_head_near){around->near_index[i], ppm(around->near_similarity[i])};
    out->closeness = ppm(around->closeness);
    out->gate = LAC_HEAD_PASSED;
    if (around->closeness < p->closeness)
        refuse(out, LAC_HEAD_FAR);
}

void lac_head_ask_all(const struct lac_head *h, const struct lac_head_question *questions,
                      size_t count, struct lac_head_out *out)
{
    const size_t width = h->params.width;
    int16_t q[LAC_HEAD_WIDTH_MAX];
    size_t of_row[LAC_HEAD_ROWS], rows = 0;
    struct asking a;

    for (size_t i = 0; i < count; i++) {
        out[i] = (struct lac_head_out){.likelihood = {1000000, 1000000, 1000000},
                                       .gate = LAC_HEAD_INVALID};
        if (questions[i].count <= LAC_HEAD_TOKEN_MAX &&
            lac_head_quantise(questions[i].vector, width, q)) {
            lac_head_search_put(&h->search, a.q, rows, q, width);
            of_row[rows++] = i;
        }
        if (rows == 0 || (rows < LAC_HEAD_ROWS && i + 1 < count))
            continue;
        look_around(h, &a, rows);
        for (size_t r = 0; r < rows; r++)
            answer(h, &questions[of_row[r]], a.sums[r], &a.around[r], &out[of_row[r]]);
        rows = 0;
    }
}

void lac_head_ask(const struct lac_head *h, const float *vector, const int32_t *ids, size_t count,
                  struct lac_head_out *out)
{
    const struct lac_head_question question = {vector, ids, count};

    lac_head_ask_all(h, &question, 1, out);
}

bool lac_head_language(const struct lac_head *h, struct lac_str text)
{
    return h->params.language == LAC_HEAD_ANY_LANGUAGE || lac_head_english(text);
}
