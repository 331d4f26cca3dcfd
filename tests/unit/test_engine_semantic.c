/* SPDX-License-Identifier: Apache-2.0 */
/* Tier 2 speaks where rules are silent, never looser than it may be, and the same in any company.
 */
#include "lac_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_model_folder.h"
#include "lac_pack.h"
#include "lac_test.h"
#include "lac_tiny_tier2.h"

enum { BATCH_MAX = 32 };

static struct lac_tiny tiny;
static struct lac_engine *engine;
static struct lac_arena arena;

static void begin_as(bool with_model, enum lac_strategy strategy)
{
    struct lac_engine_options options = {.strategy = strategy,
                                         .commitment_key = LAC_STR("0123456789abcdef"),
                                         .commitment_key_id = LAC_STR("t")};
    struct lac_err err = {0};

    lac_tiny_open(&tiny, with_model, "");
    options.semantic = tiny.semantic;
    options.semantic_tokens = 64; /* small calls, so that batches need several */
    LAC_TEST_NEED(lac_engine_open(&engine, &options, &err) == LAC_OK);
    LAC_TEST_NEED(lac_arena_init(&arena, 16 << 20, &err) == LAC_OK);
}

static void begin(void)
{
    begin_as(true, LAC_STRATEGY_BALANCED);
}

static void end(void)
{
    lac_engine_close(engine);
    lac_arena_deinit(&arena);
    lac_tiny_close(&tiny);
}

static struct lac_engine_out run_in(const struct lac_engine_in *in)
{
    struct lac_engine_out out = {0};
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_engine_run(engine, tiny.pack, in, 1, &arena, &out, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    return out;
}

static struct lac_engine_out ask(struct lac_request *r, const char *text)
{
    struct lac_engine_in in = {.request = r, .raw = lac_str_from(text)};

    r->text = in.raw;
    return run_in(&in);
}

static struct lac_engine_out ask_text(const char *text)
{
    struct lac_request r;

    lac_request_init(&r);
    return ask(&r, text);
}

static const struct lac_opinion *opinion_of(const struct lac_engine_out *out, const char *source)
{
    for (size_t i = 0; i < out->core.opinions_count; i++)
        if (lac_str_is(out->core.opinions[i].layer, "semantic") &&
            lac_str_is(out->core.opinions[i].source, source))
            return &out->core.opinions[i];
    return NULL;
}

static bool observed(const struct lac_engine_out *out, const char *kind, const char *name)
{
    for (size_t i = 0; i < out->core.observations_count; i++)
        if (lac_str_is(out->core.observations[i].kind, kind) &&
            lac_str_is(out->core.observations[i].name, name))
            return true;
    return false;
}

static void head_decides_what_rules_leave_open(void)
{
    static const struct {
        const char *text;
        enum lac_tier tier;
        const char *exemplar;
    } cases[] = {
        {"sea", LAC_TIER_PUBLIC, "p-1"},
        {"the", LAC_TIER_INTERNAL, "i-1"},
        {"plan", LAC_TIER_PROPRIETARY, "x-1"},
        {"sea sea seas", LAC_TIER_PUBLIC, "p-1"},
    };

    begin();
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        struct lac_engine_out out = ask_text(cases[i].text);
        const struct lac_opinion *o = opinion_of(&out, "tiny");

        lac_test_row("%s", cases[i].text);
        LAC_TEST_EQ(out.core.tier, cases[i].tier);
        CU_ASSERT(lac_str_is(out.core.engine, "rules/1+tiny/1"));
        CU_ASSERT(out.core.has_model_hash &&
                  memcmp(out.core.model_hash.bytes, tiny.hash, sizeof(tiny.hash)) == 0);
        LAC_TEST_NEED(o);
        LAC_TEST_EQ(o->exemplars_count, 1);
        CU_ASSERT(lac_str_is(o->exemplars[0], cases[i].exemplar));
        LAC_TEST_EQ(out.core.stop, LAC_STOP_SETTLED);
        LAC_TEST_EQ(out.core.observations_count, 1); /* the strategy */
    }
    end();
}

static void floors_are_not_asked_about(void)
{
    struct lac_engine_out out;

    begin();
    out = ask_text("sea sea 4111 1111 1111 1111"); /* a card number is a floor */
    LAC_TEST_EQ(out.core.stop, LAC_STOP_FLOOR);
    CU_ASSERT(lac_str_is(out.core.engine, "rules/1") && !out.core.has_model_hash);
    LAC_TEST_EQ(lac_tiny_backend.calls, 0);
    end();
}

static void equal_texts_are_encoded_once(void)
{
    struct lac_engine_out out[BATCH_MAX];
    struct lac_request requests[BATCH_MAX];
    struct lac_engine_in in[BATCH_MAX];
    struct lac_err err = {0};

    begin();
    for (size_t i = 0; i < BATCH_MAX; i++) {
        lac_request_init(&requests[i]);
        requests[i].text = i % 2 ? LAC_STR("the sea") : LAC_STR("sea");
        in[i] = (struct lac_engine_in){.request = &requests[i], .raw = requests[i].text};
    }
    LAC_TEST_EQ(lac_engine_run(engine, tiny.pack, in, BATCH_MAX, &arena, out, &err), LAC_OK);
    LAC_TEST_EQ(lac_tiny_backend.sequences, 2);
    for (size_t i = 2; i < BATCH_MAX; i++)
        CU_ASSERT(memcmp(&out[i].decision_hash, &out[i - 2].decision_hash, 32) == 0);
    end();
}

/* Three strategies with a memo: one pass of the encoder, and the cores of engines without. */
static void memo_saves_the_encoder_and_shows_nowhere(void)
{
    static const char *const texts[] = {"sea", "the plan", "plan of the sea and of the plan",
                                        "the sea"};
    struct lac_engine_options options = {.commitment_key = LAC_STR("0123456789abcdef"),
                                         .commitment_key_id = LAC_STR("t")};
    struct lac_engine *with = NULL;
    struct lac_semantic_counts counts;
    struct lac_err err = {0};

    begin();
    options.semantic = tiny.semantic;
    LAC_TEST_NEED(lac_semantic_memo_new(&options.memo, 1 << 20, &err) == LAC_OK);
    LAC_TEST_NEED(lac_engine_open(&with, &options, &err) == LAC_OK);
    for (int s = 0; s < LAC_STRATEGY_COUNT; s++) {
        struct lac_engine_options plainly = {.strategy = (enum lac_strategy)s,
                                             .commitment_key = options.commitment_key,
                                             .commitment_key_id = options.commitment_key_id,
                                             .semantic = tiny.semantic};

        lac_engine_close(engine);
        LAC_TEST_NEED(lac_engine_open(&engine, &plainly, &err) == LAC_OK);
        lac_engine_set_strategy(with, (enum lac_strategy)s);
        for (size_t i = 0; i < LAC_COUNT(texts); i++) {
            struct lac_engine_out plain = ask_text(texts[i]), out = {0};
            struct lac_request r;
            struct lac_engine_in in = {.request = &r, .raw = lac_str_from(texts[i])};

            lac_request_init(&r);
            r.text = in.raw;
            LAC_TEST_EQ(lac_engine_run(with, tiny.pack, &in, 1, &arena, &out, &err), LAC_OK);
            LAC_TEST_EQ(out.core.tier, plain.core.tier);
            CU_ASSERT(memcmp(&out.decision_hash, &plain.decision_hash, 32) == 0);
        }
    }
    lac_engine_semantic_counts(with, &counts);
    LAC_TEST_EQ(counts.texts, LAC_COUNT(texts));
    lac_engine_close(with);
    lac_semantic_memo_free(options.memo);
    end();
}

static void context_raises_and_never_lowers(void)
{
    struct lac_message messages[2] = {{.role = LAC_STR("user"), .content = LAC_STR("plan plan")},
                                      {.role = LAC_STR("user"), .content = LAC_STR("sea")}};
    struct lac_engine_out out;
    struct lac_request r;

    begin();
    lac_request_init(&r);
    r.conversation = messages;
    r.conversation_count = 2;
    out = ask(&r, "sea");
    CU_ASSERT(out.core.tier > LAC_TIER_PUBLIC);
    LAC_TEST_NEED(opinion_of(&out, "tiny/context"));
    CU_ASSERT(lac_str_is(opinion_of(&out, "tiny/context")->exemplars[0], "x-1"));
    messages[0].content = LAC_STR("sea sea"); /* harmless words about an internal text */
    out = ask(&r, "the");
    LAC_TEST_EQ(out.core.tier, LAC_TIER_INTERNAL);
    LAC_TEST_EQ(opinion_of(&out, "tiny/context")->likelihoods.internal, 1000000);
    out = ask(&r, "sea"); /* harmless in all of it */
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PUBLIC);
    end();
}

static struct lac_engine_out ask_between(const char *const *messages, size_t count)
{
    struct lac_message turns[4];
    struct lac_request r;

    for (size_t i = 0; i < count; i++)
        turns[i] =
            (struct lac_message){.role = LAC_STR("user"), .content = lac_str_from(messages[i])};
    lac_request_init(&r);
    r.conversation = turns;
    r.conversation_count = count;
    return ask(&r, "sea");
}

/* Its exemplar is named, and nothing beside it makes it milder. */
static void strictest_of_a_context_counts_wherever_it_stands(void)
{
    enum { PARTS = 3 };
    static const char *const orders[][PARTS] = {
        {"plan", "sea", "the"}, {"sea", "plan", "the"}, {"the", "sea", "plan"}};
    struct lac_engine_out alone;

    begin();
    alone = ask_between(orders[0], 1); /* "plan" */
    CU_ASSERT(alone.core.tier > LAC_TIER_PUBLIC);
    for (size_t i = 0; i < LAC_COUNT(orders); i++) {
        struct lac_engine_out out = ask_between(orders[i], PARTS);
        const struct lac_opinion *o = opinion_of(&out, "tiny/context");

        lac_test_row("%s, %s, %s", orders[i][0], orders[i][1], orders[i][2]);
        LAC_TEST_NEED(o);
        LAC_TEST_EQ(o->exemplars_count, 1);
        CU_ASSERT(lac_str_is(o->exemplars[0], "x-1"));
        LAC_TEST_EQ(out.core.tier, alone.core.tier);
        CU_ASSERT(out.core.posterior.proprietary + 1 >= alone.core.posterior.proprietary);
    }
    end();
}

/* A request without a text of its own: its context is the one opinion there is. */
static void blank_text_has_no_opinion(void)
{
    struct lac_engine_out out;
    struct lac_request r;

    begin();
    lac_request_init(&r);
    r.subject = LAC_STR("plan");
    out = ask(&r, " ");
    LAC_TEST_NEED(opinion_of(&out, "tiny/context"));
    CU_ASSERT_PTR_NULL(opinion_of(&out, "tiny"));
    CU_ASSERT(out.core.tier > LAC_TIER_PUBLIC);
    end();
}

/* 255 fields beside the text are read; what comes behind them has not been, and is said so. */
static void fields_that_are_left_out_keep_public_away(void)
{
    static struct lac_str files[LAC_ENGINE_SEMANTIC_MAX];
    struct lac_engine_out out;
    struct lac_request r;

    begin();
    for (size_t i = 0; i < LAC_COUNT(files); i++)
        files[i] = LAC_STR("sea");
    lac_request_init(&r);
    r.files = files;
    r.files_count = LAC_COUNT(files) - 1;
    out = ask(&r, "sea");
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PUBLIC);
    LAC_TEST_EQ(out.core.observations_count, 1); /* the strategy */
    r.files_count = LAC_COUNT(files);
    out = ask(&r, "sea");
    CU_ASSERT(out.core.tier > LAC_TIER_PUBLIC);
    CU_ASSERT(observed(&out, "over_limit", "request"));
    files[0] = LAC_STR(" \r\n\t"); /* nothing to read: it takes nobody's place */
    out = ask(&r, "sea");
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PUBLIC);
    end();
}

static void names_that_nobody_reads_keep_public_away(void)
{
    struct lac_engine_out out;
    struct lac_request r;

    begin();
    lac_request_init(&r);
    r.project = LAC_STR("Falcon");
    out = ask(&r, "sea");
    LAC_TEST_EQ(out.core.tier, LAC_TIER_INTERNAL);
    lac_request_init(&r);
    r.subject = LAC_STR("sea"); /* a subject is read */
    out = ask(&r, "sea");
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PUBLIC);
    end();
}

static void doubtful_texts_are_never_public(void)
{
    struct lac_engine_out out;
    struct lac_message message = {.role = LAC_STR("user"), .content = LAC_STR("of of")};
    struct lac_request r;

    begin_as(true, LAC_STRATEGY_AGGRESSIVE);
    out = ask_text("of of of");
    CU_ASSERT(out.core.tier > LAC_TIER_PUBLIC);
    CU_ASSERT(observed(&out, "gate", "/text"));
    lac_request_init(&r);
    r.conversation = &message;
    r.conversation_count = 1;
    out = ask(&r, "sea");
    CU_ASSERT(out.core.tier > LAC_TIER_PUBLIC);
    CU_ASSERT(observed(&out, "gate", "/conversation/0/content"));
    end();
}

static void one_window_of_many_decides(void)
{
    char text[4096] = "";
    struct lac_engine_out out;

    begin();
    for (int i = 0; i < 60; i++)
        strcat(text, i == 30 ? "plan plan plan plan plan plan plan " : "sea ");
    out = ask_text(text);
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PROPRIETARY);
    LAC_TEST_NEED(opinion_of(&out, "tiny"));
    CU_ASSERT(lac_str_is(opinion_of(&out, "tiny")->exemplars[0], "x-1"));
    text[0] = 0;
    for (int i = 0; i < 300; i++)
        strcat(text, "sea ");
    out = ask_text(text); /* more than 64 windows of it */
    CU_ASSERT(out.core.tier > LAC_TIER_PUBLIC);
    CU_ASSERT(observed(&out, "over_limit", "/text"));
    end();
}

static void missing_model_is_stricter_and_can_be_replayed(void)
{
    struct lac_observation recorded = {LAC_STR("unavailable"), LAC_STR("semantic"), LAC_STR("")};
    struct lac_engine_in in;
    struct lac_engine_out out, again;
    struct lac_request r;
    char *core;
    size_t size;

    begin_as(false, LAC_STRATEGY_AGGRESSIVE);
    out = ask_text("sea");
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PROPRIETARY); /* conservative, whatever the strategy */
    LAC_TEST_EQ(out.core.stop, LAC_STOP_UNAVAILABLE);
    CU_ASSERT(observed(&out, "unavailable", "semantic"));
    CU_ASSERT(lac_semantic_missing(tiny.semantic, NULL, 0) > 0);
    size = out.core_bytes.len;
    core = malloc(size);
    LAC_TEST_NEED(core);
    memcpy(core, out.core_bytes.ptr, size);
    end();
    begin_as(true, LAC_STRATEGY_AGGRESSIVE);
    lac_request_init(&r);
    r.text = LAC_STR("sea");
    in = (struct lac_engine_in){
        .request = &r, .raw = r.text, .observations = &recorded, .observation_count = 1};
    again = run_in(&in);
    CU_ASSERT(again.core_bytes.len == size && memcmp(again.core_bytes.ptr, core, size) == 0);
    LAC_TEST_EQ(lac_tiny_backend.calls, 0);
    free(core);
    end();
}

static struct lac_engine_out ask_with(const struct lac_pack *pack, const char *text)
{
    struct lac_engine_out out = {0};
    struct lac_err err = {0};
    struct lac_request r;
    struct lac_engine_in in = {.request = &r, .raw = lac_str_from(text)};

    lac_request_init(&r);
    r.text = in.raw;
    LAC_TEST_EQ(lac_engine_run(engine, pack, &in, 1, &arena, &out, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    return out;
}

/* Of a model whose words mean something else: "sea" is what "plan" is to the first one. */
static void other_model(unsigned char hash[32], char **folder)
{
    static const struct lac_model_change no_prefix = {"config_sentence_transformers.json", "",
                                                      NULL};
    const struct lac_semantic_device *device = NULL;
    struct lac_err err = {0};
    char path[256];
    FILE *words;

    *folder = lac_model_folder_make(&no_prefix);
    (void)snprintf(path, sizeof(path), "%s/vocab.txt", *folder);
    words = fopen(path, "w");
    LAC_TEST_NEED(words);
    CU_ASSERT(fputs("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nsea\nof\nthe\nplan\n##s\n", words) > 0);
    LAC_TEST_EQ(fclose(words), 0);
    LAC_TEST_EQ(lac_semantic_device_of(tiny.semantic, *folder, 0, &device, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(device);
    memcpy(hash, lac_semantic_hash(device), 32);
}

/* Packs with and without heads, of one model and of another, or of one that is nowhere: each is
 * read by its own, and what was read by the one before is never taken for it. */
static void each_pack_is_read_by_its_own_model(void)
{
    unsigned char hash[32], nowhere[32] = {1};
    struct lac_pack *other, *missing, *plain;
    struct lac_semantic_counts counts;
    struct lac_engine_out out;
    struct lac_err err = {0};
    char *folder;

    begin();
    other_model(hash, &folder);
    other = lac_tiny_pack(hash, "");
    missing = lac_tiny_pack(nowhere, "");
    LAC_TEST_NEED(lac_pack_open_rules(&plain, NULL, &err) == LAC_OK);
    for (int round = 0; round < 2; round++) {
        lac_test_row("round %d", round);
        LAC_TEST_EQ(ask_with(tiny.pack, "sea").core.tier, LAC_TIER_PUBLIC);
        LAC_TEST_EQ(ask_with(other, "sea").core.tier, LAC_TIER_PROPRIETARY);
        LAC_TEST_EQ(ask_with(other, "plan").core.tier, LAC_TIER_PUBLIC);
        out = ask_with(plain, "sea");
        CU_ASSERT(!out.core.has_model_hash && !observed(&out, "unavailable", "semantic"));
        LAC_TEST_EQ(ask_with(other, "sea").core.tier, LAC_TIER_PROPRIETARY);
        out = ask_with(missing, "sea");
        LAC_TEST_EQ(out.core.tier, LAC_TIER_PROPRIETARY);
        CU_ASSERT(observed(&out, "unavailable", "semantic"));
        out = ask_with(plain, "sea");
        CU_ASSERT(!observed(&out, "unavailable", "semantic"));
    }
    LAC_TEST_EQ(lac_tiny_backend.sessions, 4); /* one for each change of the model */
    lac_engine_semantic_counts(engine, &counts);
    LAC_TEST_EQ(counts.texts, 8);
    LAC_TEST_EQ(counts.windows, 8);
    LAC_TEST_EQ(counts.calls, 8);
    LAC_TEST_EQ(counts.failures, 0);
    LAC_TEST_EQ(counts.tokens, lac_tiny_backend.tokens);
    end();
    lac_pack_close(other);
    lac_pack_close(missing);
    lac_pack_close(plain);
    lac_model_folder_remove(folder);
}

static void device_that_fails_is_an_observation_or_the_end(void)
{
    struct lac_engine_out out;
    struct lac_request r;
    struct lac_engine_in in = {.request = &r};
    struct lac_err err = {0};

    begin();
    lac_tiny_backend.status = LAC_RETRY;
    out = ask_text("sea");
    CU_ASSERT(observed(&out, "unavailable", "semantic"));
    CU_ASSERT(out.core.tier > LAC_TIER_PUBLIC && !out.core.has_model_hash);
    LAC_TEST_EQ(lac_semantic_missing(tiny.semantic, NULL, 0), 1);
    lac_tiny_backend.status = LAC_FATAL;
    lac_request_init(&r);
    in.raw = r.text = LAC_STR("sea");
    LAC_TEST_EQ(lac_engine_run(engine, tiny.pack, &in, 1, &arena, &out, &err), LAC_FATAL);
    lac_tiny_backend.status = LAC_OK;
    out = ask_text("sea");
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PUBLIC);
    LAC_TEST_EQ(lac_semantic_missing(tiny.semantic, NULL, 0), 0);
    end();
}

/* ---- the same in any company ---- */

static const char *const vocabulary[] = {"sea ", "the ", "plan ", "of ", "seas ", "ship ", "@a.b "};

static void random_text(char *out, size_t words)
{
    out[0] = 0;
    for (size_t i = 0; i < words; i++)
        strcat(out, vocabulary[lac_test_random(LAC_COUNT(vocabulary))]);
}

enum { TEXTS = 48, ROUNDS = 40 };

static void cores_do_not_depend_on_neighbours_order_or_size(void)
{
    static char texts[TEXTS][256];
    static struct lac_hash256 alone[TEXTS];
    struct lac_request requests[BATCH_MAX];
    struct lac_engine_in in[BATCH_MAX];
    struct lac_engine_out out[BATCH_MAX];
    struct lac_message message = {.role = LAC_STR("user")};
    struct lac_err err = {0};
    size_t pick[BATCH_MAX];

    begin();
    lac_test_seed();
    for (size_t i = 0; i < TEXTS; i++) {
        struct lac_request r;

        random_text(texts[i], 1 + lac_test_random(30));
        lac_request_init(&r);
        message.content = lac_str_from(texts[i ? i - 1 : 0]);
        r.conversation = &message;
        r.conversation_count = i % 3 == 0;
        alone[i] = ask(&r, texts[i]).decision_hash;
        lac_arena_reset(&arena);
    }
    for (int round = 0; round < ROUNDS; round++) {
        struct lac_message messages[BATCH_MAX];
        size_t n = 1 + lac_test_random(BATCH_MAX);

        for (size_t i = 0; i < n; i++) {
            pick[i] = lac_test_random(TEXTS);
            messages[i] = (struct lac_message){
                .role = LAC_STR("user"), .content = lac_str_from(texts[pick[i] ? pick[i] - 1 : 0])};
            lac_request_init(&requests[i]);
            requests[i].text = lac_str_from(texts[pick[i]]);
            requests[i].conversation = &messages[i];
            requests[i].conversation_count = pick[i] % 3 == 0;
            in[i] = (struct lac_engine_in){.request = &requests[i], .raw = requests[i].text};
        }
        lac_arena_reset(&arena);
        LAC_TEST_NEED(lac_engine_run(engine, tiny.pack, in, n, &arena, out, &err) == LAC_OK);
        for (size_t i = 0; i < n; i++) {
            lac_test_row("round %d, place %zu of %zu: %s", round, i, n, texts[pick[i]]);
            CU_ASSERT(memcmp(&out[i].decision_hash, &alone[pick[i]], 32) == 0);
        }
    }
    end();
}

static void full_arena_says_so_and_loses_nothing(void)
{
    struct lac_engine_out out;
    struct lac_request r;
    struct lac_engine_in in = {.request = &r};
    struct lac_err err = {0};
    size_t size = 64, refused = 0;

    begin();
    lac_request_init(&r);
    in.raw = r.text = LAC_STR("the sea of plan");
    for (;; size += 64) {
        struct lac_arena small = {0};
        enum lac_status status;

        LAC_TEST_NEED(lac_arena_init(&small, size, &err) == LAC_OK);
        status = lac_engine_run(engine, tiny.pack, &in, 1, &small, &out, &err);
        lac_arena_deinit(&small);
        if (status == LAC_OK)
            break;
        LAC_TEST_EQ(status, LAC_AGAIN);
        refused++;
        LAC_TEST_NEED(size < LAC_ENGINE_ARENA_MIN);
    }
    CU_ASSERT(refused > 4);
    end();
}

LAC_TEST_MAIN(engine_semantic, head_decides_what_rules_leave_open, floors_are_not_asked_about,
              equal_texts_are_encoded_once, memo_saves_the_encoder_and_shows_nowhere,
              context_raises_and_never_lowers, strictest_of_a_context_counts_wherever_it_stands,
              blank_text_has_no_opinion, fields_that_are_left_out_keep_public_away,
              names_that_nobody_reads_keep_public_away, doubtful_texts_are_never_public,
              one_window_of_many_decides, missing_model_is_stricter_and_can_be_replayed,
              each_pack_is_read_by_its_own_model, device_that_fails_is_an_observation_or_the_end,
              cores_do_not_depend_on_neighbours_order_or_size, full_arena_says_so_and_loses_nothing)
