/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: a head says what its numbers say, to the bit, and refuses files that are not right.
 * Expected values are worked out by hand or by the C library's doubles. */
#include "lac_head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "head_fixture.h"
#include "lac_head_search.h"
#include "lac_test.h"

static struct lac_head *open_head(struct fixture *f)
{
    struct lac_head *h = NULL;
    struct lac_err err = {.text = ""};

    LAC_TEST_EQ(lac_head_open(&h, lac_buf_str(&f->json), lac_buf_str(&f->vec), &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(h);
    return h;
}

static void exponentials_agree_with_doubles(void)
{
    LAC_TEST_EQ(lac_head_exp(0), (uint64_t)1 << 32);
    LAC_TEST_EQ(lac_head_exp(5), (uint64_t)1 << 32); /* above 1 there is nothing */
    LAC_TEST_EQ(lac_head_exp(INT64_MIN), 0);
    for (int64_t x = 0; x > -16 * (int64_t)LAC_HEAD_ONE; x -= 4099) {
        double want = ldexp(exp((double)x / LAC_HEAD_ONE), 32);

        lac_test_row("e^(%lld / 2^20)", (long long)x);
        CU_ASSERT(fabs((double)lac_head_exp(x) - want) <= 1 + want * 1e-8);
    }
}

/* By the nearest step of its table alone the kernel would be off by a thousandth and more. */
static void the_kernel_agrees_with_doubles_between_its_steps(void)
{
    static uint32_t table[LAC_HEAD_KERNEL_SIZE];
    const uint32_t sharpness[] = {1 << 16, 3 << 16, LAC_HEAD_SHARPNESS_MAX};

    for (size_t s = 0; s < LAC_COUNT(sharpness); s++) {
        double k = sharpness[s] / 65536.0, least = 2 + k * k / 8; /* h^2 / 8 k''() */
        lac_head_kernel(sharpness[s], table);
        for (int32_t c = -LAC_HEAD_ONE; c < LAC_HEAD_ONE; c += 97) {
            double want = exp(k * (c / (double)LAC_HEAD_ONE - 1)) * 16777216;
            CU_ASSERT(fabs((double)lac_head_kernel_of(table, c) - want) < least);
        }
        CU_ASSERT(fabs((double)lac_head_kernel_of(table, LAC_HEAD_ONE) - 16777216) < k * 16 + 2);
        LAC_TEST_EQ(lac_head_kernel_of(table, LAC_HEAD_ONE + 500),
                    lac_head_kernel_of(table, LAC_HEAD_ONE));
        LAC_TEST_EQ(lac_head_kernel_of(table, -LAC_HEAD_ONE - 500),
                    lac_head_kernel_of(table, -LAC_HEAD_ONE));
    }
}

static void vectors_are_rounded_halves_up(void)
{
    float v[4] = {1, 0, 0, 0};
    int16_t q[4];

    CU_ASSERT(lac_head_quantise(v, 4, q));
    LAC_TEST_EQ(q[0], INT16_MAX); /* 2^15 doesn't fit */
    v[0] = 0.9999F;
    v[1] = 2.5F / 32768;
    v[2] = -2.5F / 32768;
    v[3] = 0.49F / 32768;
    CU_ASSERT(lac_head_quantise(v, 4, q));
    LAC_TEST_EQ(q[1], 3);
    LAC_TEST_EQ(q[2], -2);
    LAC_TEST_EQ(q[3], 0);
    v[0] = 0.97F; /* too short */
    CU_ASSERT(!lac_head_quantise(v, 4, q));
    v[0] = 1.02F;
    CU_ASSERT(!lac_head_quantise(v, 4, q));
    v[0] = NAN;
    CU_ASSERT(!lac_head_quantise(v, 4, q));
    v[0] = INFINITY;
    CU_ASSERT(!lac_head_quantise(v, 4, q));
}

static void random_unit(float *out, size_t width)
{
    double squares = 0;

    for (size_t i = 0; i < width; i++) {
        out[i] = (float)((int)lac_test_random(2001) - 1000);
        squares += (double)out[i] * out[i];
    }
    for (size_t i = 0; i < width; i++)
        out[i] = (float)(out[i] / sqrt(squares));
}

static void cosines_agree_with_doubles_and_between_instructions(void)
{
    float a[LAC_HEAD_WIDTH_MAX], b[LAC_HEAD_WIDTH_MAX];
    int16_t q[LAC_HEAD_WIDTH_MAX];
    int8_t e[LAC_HEAD_WIDTH_MAX];

    lac_test_seed();
    for (int round = 0; round < 400; round++) {
        size_t width = 1 + lac_test_random(LAC_HEAD_WIDTH_MAX);
        double dot = 0, squares = 0;
        uint32_t m;

        random_unit(a, width);
        random_unit(b, width);
        for (size_t i = 0; i < width; i++) {
            e[i] = (int8_t)lrint(b[i] * 127);
            dot += (double)a[i] * e[i];
            squares += (double)e[i] * e[i];
        }
        if (!lac_head_quantise(a, width, q) || squares == 0)
            continue;
        m = lac_head_multiplier(e, width);
        lac_test_row("width %zu", width);
        LAC_TEST_EQ(lac_head_similarity(q, e, width, m), lac_head_similarity_plain(q, e, width, m));
        CU_ASSERT(fabs(lac_head_similarity(q, e, width, m) - dot / sqrt(squares) * LAC_HEAD_ONE) <
                  LAC_HEAD_ONE * 1.01 / 32768 * sqrt((double)width));
    }
}

/* More questions than are answered together, wrong ones between good ones. */
static void questions_together_are_answered_as_alone(void)
{
    enum { COUNT = 3 * LAC_HEAD_ROWS + 1 };
    static const float none[FIXTURE_WIDTH] = {0};
    const int32_t ids[] = {7, 9};
    struct lac_head_question questions[COUNT];
    struct lac_head_out together[COUNT], alone;
    struct fixture f;
    struct lac_head *h;

    fixture_open(&f);
    h = open_head(&f);
    for (size_t i = 0; i < COUNT; i++)
        questions[i] = (struct lac_head_question){
            i % 5 == 4 ? none : fixture_vectors[i % FIXTURE_COUNT], ids, i % 3};
    lac_head_ask_all(h, questions, COUNT, together);
    for (size_t i = 0; i < COUNT; i++) {
        lac_test_row("question %zu", i);
        lac_head_ask(h, questions[i].vector, ids, i % 3, &alone);
        CU_ASSERT(memcmp(&alone, &together[i], sizeof(alone)) == 0);
        LAC_TEST_EQ(alone.gate == LAC_HEAD_INVALID, i % 5 == 4);
    }
    lac_head_close(h);
    fixture_close(&f);
}

static void read_exemplars(const struct fixture *f, struct lac_head_exemplars *e,
                           uint32_t *multipliers)
{
    struct lac_err err;

    LAC_TEST_NEED(lac_head_exemplars_read(e, lac_buf_str(&f->vec), &err) == LAC_OK);
    for (uint32_t i = 0; i < e->count; i++)
        multipliers[i] = lac_head_multiplier(e->vectors + (size_t)i * e->width, e->width);
}

static void neighbours_are_counted_as_the_header_says(void)
{
    struct fixture f;
    struct lac_head_exemplars e;
    struct lac_head_around around;
    uint32_t multipliers[FIXTURE_COUNT];
    const float v[FIXTURE_WIDTH] = {0, 1, 0, 0};
    int16_t q[FIXTURE_WIDTH];
    struct lac_head_leave leave = {.skip = 2};

    fixture_open(&f);
    read_exemplars(&f, &e, multipliers);
    CU_ASSERT(lac_head_quantise(v, FIXTURE_WIDTH, q));
    lac_head_look_around(&e, multipliers, &f.params, q, NULL, NULL, &around);
    LAC_TEST_EQ(around.near_count, 3);
    LAC_TEST_EQ(around.near_index[0], 2); /* itself, then two at 0.6, the lower index first */
    LAC_TEST_EQ(around.near_index[1], 1);
    LAC_TEST_EQ(around.near_index[2], 3);
    CU_ASSERT(abs(around.features[0] - LAC_HEAD_ONE * 6 / 10) < 4000); /* best PUBLIC */
    CU_ASSERT(abs(around.features[1] - LAC_HEAD_ONE) < 4000);
    CU_ASSERT(abs(around.features[2]) < 4000);
    CU_ASSERT(abs(around.features[4] - LAC_HEAD_ONE * 8 / 10) < 4000); /* mean of two */
    LAC_TEST_EQ(around.features[6], LAC_HEAD_ONE / 3);                 /* shares of three */
    LAC_TEST_EQ(around.features[7], LAC_HEAD_ONE * 2 / 3);
    LAC_TEST_EQ(around.features[8], 0);
    CU_ASSERT(abs(around.closeness - LAC_HEAD_ONE * 22 / 30) < 4000);
    lac_head_look_around(&e, multipliers, &f.params, q, &leave, NULL, &around);
    LAC_TEST_EQ(around.near_index[0], 1);
    CU_ASSERT(abs(around.features[1] - LAC_HEAD_ONE * 6 / 10) < 4000);
    fixture_close(&f);
}

enum { SEARCH_COUNT = 50 };

/* The header's words, without any care for time: the highest that was not taken yet. */
static size_t pick(const int32_t *cosines, const uint8_t *tiers, size_t count, int tier,
                   size_t most, uint32_t *index, int64_t *sum)
{
    bool taken[SEARCH_COUNT] = {false};
    size_t n = 0;

    for (*sum = 0; n < most; n++) {
        size_t best = count;

        for (size_t i = 0; i < count; i++)
            if (!taken[i] && (tier < 0 || tiers[i] == tier) &&
                (best == count || cosines[i] > cosines[best]))
                best = i;
        if (best == count)
            break;
        taken[best] = true;
        index[n] = (uint32_t)best;
        *sum += cosines[best];
    }
    return n;
}

/* Few different cosines, so that many are equal; tiers that hardly anybody has. */
static void neighbourhoods_are_those_of_a_plain_search(void)
{
    uint32_t index[SEARCH_COUNT], shuffled[SEARCH_COUNT];
    int32_t cosines[SEARCH_COUNT];
    uint8_t tiers[SEARCH_COUNT];

    lac_test_seed();
    for (int round = 0; round < 500; round++) {
        size_t count = 1 + lac_test_random(SEARCH_COUNT), wrong = 0, n;
        uint32_t rare = 1 + lac_test_random(8);
        struct lac_head_params p = {.per_tier = 1 + lac_test_random(6),
                                    .nearest = 1 + lac_test_random(9)};
        struct lac_head_around around;
        struct lac_head_look l;
        int64_t sum;

        for (size_t i = 0; i < count; i++) {
            cosines[i] = (int32_t)lac_test_random(12) * (LAC_HEAD_ONE / 12);
            tiers[i] = (uint8_t)(lac_test_random(rare) == 0 ? lac_test_random(3) : 1);
        }
        lac_head_look_begin(&l, &around);
        for (uint32_t i = 0; i < count; i++)
            lac_head_look_at(&l, &p, (enum lac_tier)tiers[i], i, cosines[i]);
        lac_head_look_end(&l, tiers);
        lac_test_row("round %d, %zu exemplars", round, count);
        n = pick(cosines, tiers, count, -1, p.nearest, index, &sum);
        LAC_TEST_NEED(n > 0);
        LAC_TEST_EQ(around.near_count, n);
        for (size_t i = 0; i < n && i < around.near_count; i++)
            wrong += around.near_index[i] != index[i];
        LAC_TEST_EQ(around.closeness, sum / (int64_t)n);
        for (int t = 0; t < LAC_TIER_COUNT; t++) {
            n = pick(cosines, tiers, count, t, p.per_tier, shuffled, &sum);
            wrong += around.features[LAC_TIER_COUNT + t] !=
                     (n ? (int32_t)(sum / (int64_t)n) : -LAC_HEAD_ONE);
            wrong += around.features[t] != (n ? cosines[shuffled[0]] : -LAC_HEAD_ONE);
        }
        LAC_TEST_EQ(wrong, 0);
    }
}

/* A text's own domain must not help it in cross-validation. */
static void a_group_that_is_left_out_is_no_neighbour(void)
{
    static const uint16_t groups[FIXTURE_COUNT] = {[1] = 1, [2] = 1};
    const struct lac_head_leave leave = {.skip = UINT32_MAX, .groups = groups, .skip_group = 1};
    const float v[FIXTURE_WIDTH] = {0, 1, 0, 0};
    uint32_t multipliers[FIXTURE_COUNT];
    int32_t cosines[FIXTURE_COUNT];
    struct lac_head_around around;
    struct lac_head_exemplars e;
    int16_t q[FIXTURE_WIDTH];
    struct fixture f;

    fixture_open(&f);
    read_exemplars(&f, &e, multipliers);
    CU_ASSERT(lac_head_quantise(v, FIXTURE_WIDTH, q));
    lac_head_look_around(&e, multipliers, &f.params, q, &leave, cosines, &around);
    LAC_TEST_EQ(around.near_count, 3);
    for (uint32_t i = 0; i < around.near_count; i++)
        LAC_TEST_EQ(groups[around.near_index[i]], 0);
    CU_ASSERT(cosines[2] > around.near_similarity[0]); /* it was looked at all the same */
    fixture_close(&f);
}

/* Logits are 8 x (0.6, 1, 0), so the likelihoods are e^(8 x (-0.4, 0, -1)). */
static void likelihoods_follow_from_the_numbers(void)
{
    struct fixture f;
    struct lac_head *h;
    struct lac_head_out out;

    fixture_open(&f);
    h = open_head(&f);
    lac_head_ask(h, fixture_vectors[2], NULL, 0, &out);
    LAC_TEST_EQ(lac_head_layers(h), 3);
    LAC_TEST_EQ(out.gate, LAC_HEAD_PASSED);
    LAC_TEST_EQ(out.likelihood[1], 1000000);
    CU_ASSERT(fabs(out.likelihood[0] - 1e6 * exp(-3.2)) < 1e6 * 0.001);
    CU_ASSERT(fabs(out.likelihood[2] - 1e6 * exp(-8)) < 5);
    LAC_TEST_EQ(out.nearest_count, 3);
    LAC_TEST_EQ(out.nearest[0].exemplar, 2);
    CU_ASSERT(lac_str_is(lac_head_exemplar_id(h, 2), "i-1"));
    lac_head_close(h);

    f.params.guard[2] = 2 * LAC_HEAD_ONE; /* e^2 for PROPRIETARY, 1 / 0.5 for INTERNAL's prior */
    f.params.log_prior[1] = -726817;
    f.params.floor = 30000;
    fixture_write(&f);
    h = open_head(&f);
    lac_head_ask(h, fixture_vectors[2], NULL, 0, &out);
    LAC_TEST_EQ(out.likelihood[1], 1000000);
    LAC_TEST_EQ(out.likelihood[2], 30000);
    CU_ASSERT(fabs(out.likelihood[0] - 1e6 * exp(-3.2) / 2 - 9600) < 1000 + 9600);
    lac_head_close(h);
    fixture_close(&f);
}

/* Scores are regressed on with weight 1, and nothing else is. */
static void scores_add_exemplars_and_words(void)
{
    struct fixture f;
    struct lac_head *h;
    struct lac_head_out out;
    const int32_t ids[] = {9, 7, 1000000, 9, 8, -5, 7};
    double k, score;

    fixture_open(&f);
    memset(f.params.weights, 0, sizeof(f.params.weights));
    for (size_t t = 0; t < LAC_TIER_COUNT; t++)
        f.params.weights[t][t] = LAC_HEAD_ONE;
    f.params.exemplar_weights[4 * LAC_TIER_COUNT + 2] = 3 * LAC_HEAD_ONE; /* at cosine 0 */
    f.params.word_weights[0] = -LAC_HEAD_ONE / 2;                         /* 7, PUBLIC */
    f.params.word_weights[LAC_TIER_COUNT] = -LAC_HEAD_ONE;                /* 9, PUBLIC */
    fixture_write(&f);
    h = open_head(&f);
    k = 3 * exp(-2);
    lac_head_ask(h, fixture_vectors[0], NULL, 0, &out);
    LAC_TEST_EQ(out.likelihood[2], 1000000);
    CU_ASSERT(fabs(out.likelihood[0] - 1e6 * exp(-k)) < 2000);
    lac_head_ask(h, fixture_vectors[0], ids, LAC_COUNT(ids), &out);
    score = -1.5 / sqrt(2); /* each known word once */
    CU_ASSERT(fabs(out.likelihood[0] - 1e6 * exp(score - k)) < 2000);
    CU_ASSERT(fabs(out.likelihood[1] - 1e6 * exp(-k)) < 2000);
    lac_head_close(h);
    fixture_close(&f);
}

static void tokens_beyond_the_limit_are_refused(void)
{
    static const int32_t ids[LAC_HEAD_TOKEN_MAX + 1];
    struct fixture f;
    struct lac_head *h;
    struct lac_head_out out;

    fixture_open(&f);
    h = open_head(&f);
    lac_head_ask(h, fixture_vectors[0], ids, LAC_HEAD_TOKEN_MAX, &out);
    LAC_TEST_EQ(out.gate, LAC_HEAD_PASSED);
    lac_head_ask(h, fixture_vectors[0], ids, LAC_HEAD_TOKEN_MAX + 1, &out);
    LAC_TEST_EQ(out.gate, LAC_HEAD_INVALID);
    LAC_TEST_EQ(out.likelihood[2], 1000000);
    lac_head_close(h);
    fixture_close(&f);
}

/* Token ids and as many pairs as there are neighbours, both ends included, rising and once each. */
static void words_are_tokens_and_pairs(void)
{
    int32_t ids[LAC_HEAD_TOKEN_MAX], words[LAC_HEAD_TEXT_WORD_MAX];
    size_t n;

    lac_test_seed();
    for (int round = 0; round < 50; round++) {
        bool seen[300] = {false};
        size_t count = lac_test_random(LAC_HEAD_TOKEN_MAX), want = 0, tokens = 0;

        for (size_t i = 0; i < count; i++) {
            ids[i] = (int32_t)lac_test_random(300);
            want += !seen[ids[i]];
            seen[ids[i]] = true;
        }
        n = lac_head_words(ids, count, words);
        CU_ASSERT(n <= want + count + 1);
        for (size_t i = 0; i < n; i++) {
            CU_ASSERT(words[i] <= LAC_HEAD_WORD_ID_MAX && (i == 0 || words[i - 1] < words[i]));
            tokens += words[i] < LAC_HEAD_PAIR_FIRST;
            CU_ASSERT(words[i] >= LAC_HEAD_PAIR_FIRST || seen[words[i]]);
        }
        LAC_TEST_EQ(tokens, want);
    }
    LAC_TEST_EQ(lac_head_words(ids, 0, words), 0);
    memcpy(ids, (const int32_t[]){5, 6, 5, 6}, 4 * sizeof(*ids));
    LAC_TEST_EQ(lac_head_words(ids, 4, words), 2 + 4); /* ^5 56 65 6$ */
    LAC_TEST_EQ(lac_head_words(ids, 2, words), 2 + 3); /* ^5 56 6$ */
    memcpy(ids, (const int32_t[]){-5, 1 << 20}, 2 * sizeof(*ids));
    n = lac_head_words(ids, 2, words);
    LAC_TEST_EQ(n, 3);
    CU_ASSERT(words[0] >= LAC_HEAD_PAIR_FIRST);
}

static void the_gate_never_lets_public_through(void)
{
    struct fixture f;
    struct lac_head *h;
    struct lac_head_out out;
    const float none[FIXTURE_WIDTH] = {0, 0, 0, 0};
    const float away[FIXTURE_WIDTH] = {-1, 0, 0, 0};

    fixture_open(&f);
    h = open_head(&f);
    lac_head_ask(h, none, NULL, 0, &out);
    LAC_TEST_EQ(out.gate, LAC_HEAD_INVALID);
    lac_head_ask(h, away, NULL, 0, &out);
    LAC_TEST_EQ(out.gate, LAC_HEAD_FAR);
    CU_ASSERT(out.closeness < 250000);
    CU_ASSERT(out.likelihood[0] <= out.likelihood[1] && out.likelihood[1] <= out.likelihood[2]);
    lac_head_ask(h, fixture_vectors[0], NULL, 0, &out);
    LAC_TEST_EQ(out.gate, LAC_HEAD_PASSED);
    LAC_TEST_EQ(out.likelihood[0], 1000000);
    CU_ASSERT(out.likelihood[2] < 1000000);
    lac_head_foreign(&out);
    LAC_TEST_EQ(out.gate, LAC_HEAD_LANGUAGE);
    LAC_TEST_EQ(out.likelihood[2], 1000000);
    LAC_TEST_STR(lac_head_gate_name(out.gate), "language");
    lac_head_close(h);
    fixture_close(&f);
}

static void other_languages_are_noticed(void)
{
    static const struct {
        const char *text;
        bool english;
    } cases[] = {
        {"", true},
        {"quarterly margin Northwind", true},
        {"What did we promise Northwind before the merger?", true},
        {"SELECT id, name FROM customers WHERE region = 'EU'", true},
        {"for (size_t i = 0; i < n; i++) sum += x[i]; // \xe2\x86\x92 \xe2\x88\x91", true},
        {"the r\xc3\xa9sum\xc3\xa9 of Ana de la Cruz from El Paso is in the folder that we share",
         true},
        {"Die Preise f\xc3\xbcr das n\xc3\xa4"
         "chste Quartal sind noch nicht mit dem Vertrieb und "
         "der Leitung abgestimmt",
         false},
        {"Nous avons vu que les prix ne sont pas dans le contrat avec la banque", false},
        {"el contrato con la empresa no se puede firmar para el cliente", false},
        {"\xd0\x9a\xd0\xb0\xd0\xba\xd0\xb0\xd1\x8f \xd0\xbc\xd0\xb0\xd1\x80\xd0\xb6\xd0\xb0",
         false},
        {"our plan \xe2\x9c\x93 \xf0\x9f\x98\x80 done", true},
        {"\xe6\x88\x91\xe4\xbb\xac\xe7\x9a\x84\xe4\xbb\xb7\xe6\xa0\xbc and the price", false},
        {"\xff\xfe\xff\xfe ok", false},
        {"Wer hat den Vertrag mit der M\xc3\xbcller GmbH unterschrieben?", false},
        {"Vertrag mit M\xc3\xbcller", false},
        {"Signed the contract: \xe5\xa5\x91\xe7\xb4\x84\xe6\x9b\xb8\xe3\x81\xaf", false},
        {"flights from Gda\xc5\x84sk to S\xc3\xa3o Paulo, 2 \xc3\x97 economy", true},
        {"caf\xc3\xa9 in M\xc3\xbcnchen", true},
        {"while (y) y = y->next;", true},
    };

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("%s", cases[i].text);
        LAC_TEST_EQ(lac_head_english(lac_str_from(cases[i].text)), cases[i].english);
    }
}

/* Each row replaces the first `from` of head.json. */
static void a_wrong_file_is_refused_with_the_place(void)
{
    static const struct {
        const char *from, *to, *error;
    } cases[] = {
        {"{\"format\":1", "[\"format\",1", "line 1"},
        {"\"format\":1", "\"format\":3", "format: must be"},
        {"\"format\":1", "\"format\":2", "sentences.doubt_public: must be"},
        {"\"format\":1", "\"format\":2,\"sentences\":{\"doubt_public\":0,\"doubt_internal\":1}",
         "sentences.doubt_public: must be"},
        {"\"format\":1", "\"format\":2,\"sentences\":{\"doubt_public\":1,\"doubt_internal\":1001}",
         "sentences.doubt_internal: must be"},
        {"\"width\":4", "\"width\":5", "different widths"},
        {"\"width\":4", "\"width\":4.5", "width: must be"},
        {"\"name\":\"tiny\"", "\"name\":\"\"", "model.name"},
        {"\"hash\":\"11", "\"hash\":\"g1", "model.hash"},
        {"\"texts\":\"22", "\"texts\":\"32", "different texts"},
        {"\"layers\":3", "\"layers\":0", "model.layers"},
        {"\"per_tier\":2", "\"per_tier\":0", "features.per_tier"},
        {"\"nearest\":3", "\"nearest\":65", "features.nearest"},
        {"\"sharpness\":131072", "\"sharpness\":0", "kernel.sharpness"},
        {"\"log_prior\":[0", "\"log_prior\":[1", "regression.log_prior"},
        {"\"floor\":1", "\"floor\":0", "regression.floor"},
        {"\"count\":6", "\"count\":7", "exemplars.weights"},
        {"\"count\":2", "\"count\":70000", "words.count"},
        {"[7,9]", "[9,9]", "words.ids: must rise"},
        {"[7,9]", "[7]", "words.ids"},
        {"\"language\":\"en\"", "\"language\":\"xx\"", "gate.language"},
        {"\"bias\":[0,0,0]", "\"bias\":[0,0]", "regression.bias"},
        {"8388608", "999999999", "regression.weights"},
        {"\"sha256\":\"33", "\"sha256\":\"3", "data.sha256"},
    };
    struct fixture f;

    fixture_open(&f);
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        struct lac_head *h = NULL;
        struct lac_err err = {.text = ""};
        struct lac_buf b;
        const char *json = lac_buf_cstr(&f.json), *at = strstr(json, cases[i].from);

        lac_test_row("%s for %s", cases[i].to, cases[i].from);
        LAC_TEST_NEED(at);
        lac_buf_init(&b, LAC_HEAD_JSON_MAX);
        lac_buf_put(&b, json, (size_t)(at - json));
        lac_buf_put_text(&b, cases[i].to);
        lac_buf_put_text(&b, at + strlen(cases[i].from));
        LAC_TEST_EQ(lac_head_open(&h, lac_buf_str(&b), lac_buf_str(&f.vec), &err), LAC_REJECT);
        CU_ASSERT(strstr(err.text, cases[i].error) != NULL);
        CU_ASSERT(h == NULL);
        lac_buf_deinit(&b);
    }
    fixture_close(&f);
}

/* Whatever byte of the exemplars is changed, the hash in head.json tells; and without it the reader
 * alone stays within the bytes (the sanitizers watch). */
static void every_changed_byte_is_noticed(void)
{
    struct fixture f;
    struct lac_head_exemplars e;
    struct lac_head *h = NULL;

    fixture_open(&f);
    for (size_t i = 0; i < f.vec.len; i++) {
        f.vec.ptr[i] = (char)(f.vec.ptr[i] ^ 0x55);
        LAC_TEST_EQ(lac_head_open(&h, lac_buf_str(&f.json), lac_buf_str(&f.vec), NULL), LAC_REJECT);
        (void)!lac_head_exemplars_read(&e, lac_buf_str(&f.vec), NULL);
        f.vec.ptr[i] = (char)(f.vec.ptr[i] ^ 0x55);
    }
    for (size_t n = 0; n < f.vec.len; n++)
        LAC_TEST_EQ(lac_head_exemplars_read(&e, (struct lac_str){f.vec.ptr, n}, NULL), LAC_REJECT);
    fixture_close(&f);
}

static void what_is_written_reads_back_the_same(void)
{
    struct fixture f;
    struct lac_head_params p;
    struct lac_buf b;
    unsigned char hash[LAC_HEAD_HASH_SIZE];
    struct lac_err err;

    fixture_open(&f);
    LAC_TEST_NEED(lac_head_params_read(&p, lac_buf_str(&f.json), hash, &err) == LAC_OK);
    lac_buf_init(&b, LAC_HEAD_JSON_MAX);
    lac_head_params_write(&p, hash, LAC_STR("{\"texts\":6}"), &b);
    CU_ASSERT(lac_str_eq(lac_buf_str(&b), lac_buf_str(&f.json)));
    LAC_TEST_EQ(p.seed, 7);
    lac_buf_deinit(&b);
    lac_head_params_free(&p);
    fixture_close(&f);
}

/* A head of texts as a whole is written as before, so that older programs can read it. */
static void doubts_about_sentences_are_kept(void)
{
    struct fixture f;
    struct lac_head *h;

    fixture_open(&f);
    CU_ASSERT(strstr(lac_buf_cstr(&f.json), "\"format\":1") != NULL);
    CU_ASSERT(strstr(lac_buf_cstr(&f.json), "sentences") == NULL);
    h = open_head(&f);
    CU_ASSERT(lac_head_doubts(h) == NULL);
    lac_head_close(h);
    f.params.doubts[0] = 100;
    f.params.doubts[1] = 30;
    fixture_write(&f);
    CU_ASSERT(strstr(lac_buf_cstr(&f.json), "\"format\":2") != NULL);
    h = open_head(&f);
    LAC_TEST_NEED(lac_head_doubts(h));
    LAC_TEST_EQ(lac_head_doubts(h)[0], 100);
    LAC_TEST_EQ(lac_head_doubts(h)[1], 30);
    lac_head_close(h);
    fixture_close(&f);
}

LAC_TEST_MAIN(head, exponentials_agree_with_doubles,
              the_kernel_agrees_with_doubles_between_its_steps, vectors_are_rounded_halves_up,
              cosines_agree_with_doubles_and_between_instructions,
              questions_together_are_answered_as_alone, neighbours_are_counted_as_the_header_says,
              neighbourhoods_are_those_of_a_plain_search, a_group_that_is_left_out_is_no_neighbour,
              likelihoods_follow_from_the_numbers, scores_add_exemplars_and_words,
              tokens_beyond_the_limit_are_refused, words_are_tokens_and_pairs,
              the_gate_never_lets_public_through, other_languages_are_noticed,
              a_wrong_file_is_refused_with_the_place, every_changed_byte_is_noticed,
              what_is_written_reads_back_the_same, doubts_about_sentences_are_kept)
