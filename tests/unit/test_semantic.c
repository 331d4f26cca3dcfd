/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes that share a device, models that come later, and who may go first. */
#include "lac_semantic.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lac_model_folder.h"
#include "lac_test.h"
#include "lac_tiny_tier2.h"

static struct lac_tiny tiny;

static const struct lac_semantic_device *device_of(struct lac_semantic *s)
{
    const struct lac_semantic_device *d = NULL;
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_semantic_device(s, lac_pack_head(tiny.pack), &d, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    return d;
}

static struct lac_semantic_lane *lane_of(const struct lac_semantic_device *d, bool interactive)
{
    const struct lac_semantic_lane_options o = {.interactive = interactive};
    struct lac_semantic_lane *l = NULL;
    struct lac_err err = {0};

    LAC_TEST_NEED(d && lac_semantic_lane_open(&l, d, &o, &err) == LAC_OK);
    return l;
}

static enum lac_status ask(struct lac_semantic_lane *l, const char *text,
                           struct lac_semantic_answer *answer)
{
    struct lac_str texts[] = {lac_str_from(text)};
    struct lac_semantic_cover cover;
    struct lac_err err;

    return lac_semantic_ask(l, lac_pack_head(tiny.pack), texts, 1, answer, &cover, &err);
}

/* ---- models ---- */

static void models_may_come_later(void)
{
    struct lac_semantic_options o = {.lenient = true, .pause_ms = 1, .backend = &lac_tiny_cpu};
    const struct lac_semantic_device *d = NULL;
    char later[512], why[LAC_ERR_TEXT_SIZE] = "";
    struct lac_semantic *s = NULL;
    struct lac_err err;

    lac_tiny_open(&tiny, true, "");
    snprintf(later, sizeof(later), "%s.later", tiny.folder);
    o.store = "/nonexistent";
    o.model = later;
    LAC_TEST_EQ(lac_semantic_open(&s, &o, &err), LAC_OK);
    LAC_TEST_NEED(s);
    CU_ASSERT(!lac_semantic_ready(s, tiny.hash, LAC_MODEL_LAYERS, why, sizeof(why)));
    LAC_TEST_EQ(lac_semantic_device(s, lac_pack_head(tiny.pack), &d, &err), LAC_REJECT);
    CU_ASSERT(d == NULL && lac_semantic_missing(s, NULL, 0) > 0);
    CU_ASSERT(!lac_semantic_ready(s, tiny.hash, LAC_MODEL_LAYERS, why, sizeof(why)));
    CU_ASSERT(strstr(why, later) != NULL);
    LAC_TEST_EQ(symlink(tiny.folder, later), 0);
    (void)usleep(5000);
    d = device_of(s);
    LAC_TEST_NEED(d);
    CU_ASSERT(lac_semantic_ready(s, tiny.hash, LAC_MODEL_LAYERS, why, sizeof(why)));
    CU_ASSERT(!lac_semantic_ready(s, tiny.hash, LAC_MODEL_LAYERS + 1, why, sizeof(why)));
    LAC_TEST_EQ(lac_semantic_missing(s, NULL, 0), 0);
    lac_semantic_close(s);
    (void)unlink(later);
    o.lenient = false; /* then it has to be there */
    LAC_TEST_EQ(lac_semantic_open(&s, &o, &err), LAC_REJECT);
    lac_tiny_close(&tiny);
}

static void failing_devices_are_not_ready(void)
{
    char why[LAC_ERR_TEXT_SIZE] = "";
    struct lac_semantic_answer a;
    struct lac_semantic_lane *l;

    lac_tiny_open(&tiny, true, "");
    l = lane_of(device_of(tiny.semantic), false);
    lac_tiny_backend.status = LAC_RETRY;
    LAC_TEST_EQ(ask(l, "sea", &a), LAC_RETRY);
    CU_ASSERT(!lac_semantic_ready(tiny.semantic, tiny.hash, LAC_MODEL_LAYERS, why, sizeof(why)));
    LAC_TEST_STR(why, "the tiny device does as it was told");
    lac_tiny_backend.status = LAC_OK;
    LAC_TEST_EQ(ask(l, "sea", &a), LAC_OK);
    CU_ASSERT(lac_semantic_ready(tiny.semantic, tiny.hash, LAC_MODEL_LAYERS, why, sizeof(why)));
    LAC_TEST_EQ(lac_semantic_lane_counts(l)->failures, 1);
    LAC_TEST_EQ(lac_semantic_lane_counts(l)->calls, 2);
    lac_semantic_lane_close(l);
    lac_tiny_close(&tiny);
}

/* ---- who goes first ---- */

static sem_t urgent_began, urgent_may_end;
static atomic_bool urgent_runs, met, bulk_done;

/* The interactive call lasts until it is told to end. */
static void in_call(bool interactive)
{
    if (!interactive) {
        atomic_store(&met, atomic_load(&met) || atomic_load(&urgent_runs));
        return;
    }
    atomic_store(&urgent_runs, true);
    (void)sem_post(&urgent_began);
    while (sem_wait(&urgent_may_end) != 0)
        ;
    atomic_store(&urgent_runs, false);
}

static void *ask_one(void *arg)
{
    struct lac_semantic_answer a;
    enum lac_status status = ask(arg, "sea", &a);

    return status == LAC_OK ? arg : NULL;
}

static void *ask_bulk(void *arg)
{
    void *result = ask_one(arg);

    atomic_store(&bulk_done, true);
    return result;
}

static void begin_two(struct lac_semantic_lane *lanes[2])
{
    lac_tiny_open(&tiny, true, "");
    lac_tiny_backend.in_call = in_call;
    (void)sem_init(&urgent_began, 0, 0);
    (void)sem_init(&urgent_may_end, 0, 0);
    atomic_store(&met, false);
    atomic_store(&bulk_done, false);
    for (int i = 0; i < 2; i++)
        lanes[i] = lane_of(device_of(tiny.semantic), i == 0);
}

static void end_two(struct lac_semantic_lane *lanes[2])
{
    for (int i = 0; i < 2; i++)
        lac_semantic_lane_close(lanes[i]);
    (void)sem_destroy(&urgent_began);
    (void)sem_destroy(&urgent_may_end);
    lac_tiny_close(&tiny);
}

enum { ROUNDS = 200 };

static void bulk_calls_let_interactive_ones_go_first(void)
{
    struct lac_semantic_lane *lanes[2];
    size_t met_count = 0;

    begin_two(lanes);
    for (int i = 0; i < ROUNDS; i++) {
        pthread_t urgent, bulk;
        void *result;

        LAC_TEST_EQ(pthread_create(&urgent, NULL, ask_one, lanes[0]), 0);
        while (sem_wait(&urgent_began) != 0)
            ;
        LAC_TEST_EQ(pthread_create(&bulk, NULL, ask_bulk, lanes[1]), 0);
        (void)usleep(100); /* far less than what it would wait */
        (void)sem_post(&urgent_may_end);
        (void)pthread_join(urgent, &result);
        CU_ASSERT(result != NULL);
        (void)pthread_join(bulk, &result);
        CU_ASSERT(result != NULL);
        met_count += atomic_exchange(&met, false);
    }
    /* A machine that is busy may keep the interactive call from ending for longer than anybody
     * waits; without the gate they meet in nearly all rounds. */
    CU_ASSERT(met_count < ROUNDS / 2);
    end_two(lanes);
}

static void bulk_calls_do_not_wait_for_ever(void)
{
    struct lac_semantic_lane *lanes[2];
    pthread_t urgent, bulk;
    void *result;

    begin_two(lanes);
    LAC_TEST_EQ(pthread_create(&urgent, NULL, ask_one, lanes[0]), 0);
    while (sem_wait(&urgent_began) != 0)
        ;
    LAC_TEST_EQ(pthread_create(&bulk, NULL, ask_bulk, lanes[1]), 0);
    (void)pthread_join(bulk, &result); /* the interactive call still runs */
    CU_ASSERT(result != NULL && atomic_load(&met) && atomic_load(&bulk_done));
    LAC_TEST_EQ(lac_semantic_lane_counts(lanes[1])->yields, 1);
    LAC_TEST_EQ(lac_semantic_lane_counts(lanes[0])->yields, 0);
    (void)sem_post(&urgent_may_end);
    (void)pthread_join(urgent, &result);
    CU_ASSERT(result != NULL);
    end_two(lanes);
}

/* ---- many lanes ---- */

enum { LANES = 4, ASKS = 300 };

static void *ask_many(void *arg)
{
    static const char *const texts[] = {"sea", "the", "plan", "of of", "sea of plan and the sea"};
    struct lac_semantic_lane *l = arg;
    const struct lac_semantic_device *d = NULL;
    struct lac_semantic_answer first[LAC_COUNT(texts)], a;
    struct lac_err err;
    char why[LAC_ERR_TEXT_SIZE];

    for (int i = 0; i < ASKS; i++) {
        size_t t = (size_t)i % LAC_COUNT(texts);

        if (ask(l, texts[t], i < (int)LAC_COUNT(texts) ? &first[t] : &a) != LAC_OK)
            return NULL;
        if (i >= (int)LAC_COUNT(texts) && memcmp(a.likelihood, first[t].likelihood, 12) != 0)
            return NULL;
        (void)lac_semantic_ready(tiny.semantic, tiny.hash, LAC_MODEL_LAYERS, why, sizeof(why));
        if (lac_semantic_device(tiny.semantic, lac_pack_head(tiny.pack), &d, &err) != LAC_OK)
            return NULL;
    }
    return l;
}

static void ignore(bool interactive)
{
    (void)interactive;
}

static void lanes_share_a_device(void)
{
    struct lac_semantic_lane *lanes[LANES];
    pthread_t threads[LANES];

    lac_tiny_open(&tiny, true, "");
    lac_tiny_backend.in_call = ignore; /* does not count */
    for (int i = 0; i < LANES; i++)
        lanes[i] = lane_of(device_of(tiny.semantic), i == 0);
    for (int i = 0; i < LANES; i++)
        LAC_TEST_EQ(pthread_create(&threads[i], NULL, ask_many, lanes[i]), 0);
    for (int i = 0; i < LANES; i++) {
        void *result;

        (void)pthread_join(threads[i], &result);
        CU_ASSERT(result != NULL);
        LAC_TEST_EQ(lac_semantic_lane_counts(lanes[i])->texts, ASKS);
        lac_semantic_lane_close(lanes[i]);
    }
    lac_tiny_close(&tiny);
}

/* ---- what was said before ---- */

enum { TEXTS = 40 };

static const char *const words[] = {"sea", "the", "plan", "of"};

/* Texts of one to several windows, all different. */
static void make_texts(char memory[TEXTS][160], struct lac_str texts[TEXTS])
{
    for (size_t i = 0; i < TEXTS; i++) {
        size_t n = 0;

        for (size_t k = 0; k < 3 + i % 19; k++)
            n += (size_t)snprintf(memory[i] + n, sizeof(memory[i]) - n, "%s ",
                                  words[(i >> 2 * (k % 3)) % LAC_COUNT(words)]);
        texts[i] = (struct lac_str){memory[i], n};
    }
}

static void ask_list(struct lac_semantic_lane *l, const struct lac_head *head,
                     const struct lac_str *texts, struct lac_semantic_answer *answers,
                     struct lac_semantic_cover *cover)
{
    struct lac_err err;

    LAC_TEST_EQ(lac_semantic_ask(l, head, texts, TEXTS, answers, cover, &err), LAC_OK);
}

/* Answers of lanes with and without a memo of `bytes`; how many texts the one with has encoded. */
static uint64_t compare_with_memo(size_t bytes, const struct lac_head *const heads[2])
{
    static char memory[TEXTS][160];
    static struct lac_semantic_answer plain[TEXTS], again[TEXTS];
    struct lac_semantic_cover cover[2][TEXTS];
    struct lac_str texts[TEXTS];
    struct lac_semantic_lane_options o = {0};
    struct lac_semantic_lane *l = NULL, *without = lane_of(device_of(tiny.semantic), false);
    struct lac_err err;
    uint64_t encoded;

    LAC_TEST_NEED(lac_semantic_memo_new(&o.memo, bytes, &err) == LAC_OK);
    LAC_TEST_NEED(lac_semantic_lane_open(&l, device_of(tiny.semantic), &o, &err) == LAC_OK);
    make_texts(memory, texts);
    for (int i = 0; i < 6; i++) {
        ask_list(without, heads[i % 2], texts, plain, cover[0]);
        ask_list(l, heads[i % 2], texts, again, cover[1]);
        for (size_t k = 0; k < TEXTS; k++) {
            CU_ASSERT(memcmp(again[k].likelihood, plain[k].likelihood, 12) == 0);
            LAC_TEST_EQ(again[k].gate, plain[k].gate);
            LAC_TEST_EQ(again[k].nearest_count, plain[k].nearest_count);
            LAC_TEST_EQ(again[k].nearest[0].exemplar, plain[k].nearest[0].exemplar);
            LAC_TEST_EQ(cover[1][k].tokens, cover[0][k].tokens);
            LAC_TEST_EQ(cover[1][k].windows, cover[0][k].windows);
        }
    }
    encoded = lac_semantic_lane_counts(l)->texts;
    lac_semantic_lane_close(l);
    lac_semantic_lane_close(without);
    lac_semantic_memo_free(o.memo);
    return encoded;
}

static void nothing_that_is_remembered_is_encoded_again(void)
{
    const struct lac_head *heads[2];
    struct lac_tiny other;

    lac_tiny_open(&tiny, true, "");
    lac_tiny_open(&other, true, "");
    heads[0] = lac_pack_head(tiny.pack);
    heads[1] = lac_pack_head(other.pack);
    LAC_TEST_EQ(compare_with_memo(1 << 20, heads), TEXTS);
    /* One that is too small forgets, and answers the same. */
    CU_ASSERT(compare_with_memo(4096, heads) > TEXTS);
    lac_tiny_close(&other);
    lac_tiny_close(&tiny);
}

static void failed_calls_are_not_remembered(void)
{
    struct lac_semantic_lane_options o = {0};
    struct lac_semantic_answer a = {0}, b = {0};
    struct lac_semantic_lane *l = NULL;
    struct lac_err err;

    lac_tiny_open(&tiny, true, "");
    LAC_TEST_NEED(lac_semantic_memo_new(&o.memo, 1 << 16, &err) == LAC_OK);
    LAC_TEST_NEED(lac_semantic_lane_open(&l, device_of(tiny.semantic), &o, &err) == LAC_OK);
    lac_tiny_backend.status = LAC_RETRY;
    LAC_TEST_EQ(ask(l, "sea", &a), LAC_RETRY);
    lac_tiny_backend.status = LAC_OK;
    LAC_TEST_EQ(ask(l, "sea", &a), LAC_OK);
    LAC_TEST_EQ(lac_semantic_lane_counts(l)->windows, 1);
    lac_tiny_backend.status = LAC_RETRY; /* nobody asks it */
    LAC_TEST_EQ(ask(l, "sea", &b), LAC_OK);
    lac_tiny_backend.status = LAC_OK;
    LAC_TEST_EQ(a.likelihood[0], b.likelihood[0]);
    lac_semantic_lane_close(l);
    lac_semantic_memo_free(o.memo);
    lac_tiny_close(&tiny);
}

/* ---- several answers as one ---- */

static struct lac_semantic_answer answer_of(uint32_t pub, uint32_t internal, uint32_t proprietary,
                                            uint32_t exemplar)
{
    return (struct lac_semantic_answer){.likelihood = {pub, internal, proprietary},
                                        .gate = LAC_HEAD_PASSED,
                                        .nearest = {{.exemplar = exemplar}},
                                        .nearest_count = 1};
}

/* Expected: P(tier <= PUBLIC) and P(tier <= INTERNAL) are the least of both, as likelihoods whose
 * largest is a million; the exemplar is that of the one with less under INTERNAL, then PUBLIC. */
static void joined_answers_are_the_strictest_at_each_threshold(void)
{
    static const struct {
        uint32_t a[LAC_TIER_COUNT], b[LAC_TIER_COUNT], both[LAC_TIER_COUNT];
        uint32_t nearest;
    } rows[] = {
        {{500000, 100000, 400000}, {400000, 500000, 100000}, {1000000, 500000, 1000000}, 1},
        {{400000, 500000, 100000}, {500000, 100000, 400000}, {1000000, 500000, 1000000}, 2},
        {{500000, 300000, 200000}, {300000, 500000, 200000}, {600000, 1000000, 400000}, 2},
        {{300000, 500000, 200000}, {500000, 300000, 200000}, {600000, 1000000, 400000}, 1},
        {{1000000, 500000, 500000}, {1000000, 500000, 500000}, {1000000, 500000, 500000}, 1},
        {{1000000, 1, 1}, {1, 1, 1000000}, {1, 1, 1000000}, 2},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_semantic_answer a = answer_of(rows[i].a[0], rows[i].a[1], rows[i].a[2], 1);
        struct lac_semantic_answer b = answer_of(rows[i].b[0], rows[i].b[1], rows[i].b[2], 2);

        lac_test_row("row %zu", i);
        lac_semantic_join(&a, &b);
        for (int t = 0; t < LAC_TIER_COUNT; t++)
            LAC_TEST_EQ(a.likelihood[t], rows[i].both[t]);
        LAC_TEST_EQ(a.nearest[0].exemplar, rows[i].nearest);
    }
}

static void joined_answers_keep_every_doubt(void)
{
    for (int i = 0; i < 4; i++) {
        struct lac_semantic_answer a = answer_of(1000000, 1, 1, 1), b = a;

        lac_test_row("first %d, second %d", i & 1, i >> 1);
        a.cut = i & 1;
        b.cut = i & 2;
        a.gate = i & 1 ? LAC_HEAD_LANGUAGE : LAC_HEAD_PASSED;
        b.gate = i & 2 ? LAC_HEAD_FAR : LAC_HEAD_PASSED;
        lac_semantic_join(&a, &b);
        LAC_TEST_EQ(a.cut, i != 0);
        LAC_TEST_EQ(a.gate, i & 1 ? LAC_HEAD_LANGUAGE : i & 2 ? LAC_HEAD_FAR : LAC_HEAD_PASSED);
    }
}

LAC_TEST_MAIN(semantic, models_may_come_later, failing_devices_are_not_ready,
              bulk_calls_let_interactive_ones_go_first, bulk_calls_do_not_wait_for_ever,
              lanes_share_a_device, nothing_that_is_remembered_is_encoded_again,
              failed_calls_are_not_remembered, joined_answers_are_the_strictest_at_each_threshold,
              joined_answers_keep_every_doubt)
