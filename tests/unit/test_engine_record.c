/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a core names everything that it depends on. Method: random requests (LAC_TEST_SEED,
 * printed) go through engines that differ in every setting and state that a worker's can differ in:
 * two cores of a request are equal, or differ in what they have recorded. Then what a core has
 * recorded is given to an engine that is set otherwise, and it makes the same bytes. Last, a list
 * of all settings says of each where it stands; one that is new has to be put there.
 */
#include "lac_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_conf_impl.h"
#include "lac_log.h"
#include "lac_pack.h"
#include "lac_test.h"
#include "lac_tiny_tier2.h"

enum {
    ROUNDS = LAC_TEST_ROUNDS(1000, 60),
    TEXT_MAX = 2048,
    TIER2_COUNT = 4,
    VARIANT_COUNT = LAC_STRATEGY_COUNT * TIER2_COUNT * 2,
    MANY_FIELDS = 40, /* more than are noted one by one */
};

/* How tier 2 can be where a request is decided. */
enum tier2 { READY, FAILING, MISSING, OFF };

struct variant {
    enum lac_strategy strategy;
    enum tier2 tier2;
    bool otherwise; /* another key, other calls of the encoder, an interactive lane */
    struct lac_engine *engine;
};

static struct lac_tiny tiny;
static struct lac_pack *dear; /* asks tier 2 about less, and less often when it is strict */
static struct lac_semantic *modelless;
static struct lac_semantic_memo *memo;
static struct variant variants[VARIANT_COUNT];
static struct lac_arena arena;

static struct lac_engine *open_one(const struct variant *v)
{
    static const struct lac_str keys[] = {LAC_STR("0123456789abcdef"), LAC_STR("fedcba9876543210")};
    static const struct lac_str names[] = {LAC_STR("one"), LAC_STR("two")};
    struct lac_engine_options options = {
        .strategy = v->strategy,
        .commitment_key = keys[v->otherwise],
        .commitment_key_id = names[v->otherwise],
        .semantic = v->tier2 == OFF       ? NULL
                    : v->tier2 == MISSING ? modelless
                                          : tiny.semantic,
        .semantic_tokens = v->otherwise ? 64 : 0,
        .interactive = v->otherwise,
        .memo = v->otherwise && v->tier2 == READY ? memo : NULL,
    };
    struct lac_engine *e = NULL;
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_engine_open(&e, &options, &err), LAC_OK);
    return e;
}

static void begin(void)
{
    struct lac_semantic_options options = {.backend = &lac_tiny_cpu};
    struct lac_err err = {0};

    lac_log_open("test", LAC_LOG_ERROR, LAC_LOG_KEY_VALUE); /* devices fail here all the time */
    lac_tiny_open(&tiny, true, "");
    dear = lac_tiny_pack(tiny.hash, "price: {semantic: 1.5, llm: 2}\n");
    options.store = tiny.folder; /* holds no models by hash */
    LAC_TEST_NEED(lac_semantic_open(&modelless, &options, &err) == LAC_OK);
    LAC_TEST_NEED(lac_semantic_memo_new(&memo, 1 << 20, &err) == LAC_OK);
    LAC_TEST_NEED(lac_arena_init(&arena, 32 << 20, &err) == LAC_OK);
    for (size_t i = 0; i < VARIANT_COUNT; i++) {
        variants[i] = (struct variant){
            .strategy = (enum lac_strategy)(i % LAC_STRATEGY_COUNT),
            .tier2 = (enum tier2)(i / LAC_STRATEGY_COUNT % TIER2_COUNT),
            .otherwise = i >= VARIANT_COUNT / 2,
        };
        variants[i].engine = open_one(&variants[i]);
        LAC_TEST_NEED(variants[i].engine);
    }
    lac_test_seed();
}

static void end(void)
{
    for (size_t i = 0; i < VARIANT_COUNT; i++)
        lac_engine_close(variants[i].engine);
    lac_semantic_memo_free(memo);
    lac_semantic_close(modelless);
    lac_arena_deinit(&arena);
    lac_pack_close(dear);
    lac_tiny_close(&tiny);
}

/* ---- requests ---- */

struct extras {
    char text[TEXT_MAX];
    char turn_texts[3][TEXT_MAX];
    struct lac_message turns[MANY_FIELDS];
    struct lac_pair pair;
};

static void put_text(char *out)
{
    static const char *const pieces[] = {
        "sea",      "the",          "plan",       "of", "seas", "hi",        "\xff",
        "tutorial", "confidential", "jane@a.com", "",   "x y",  "acme corp", "project_apollo"};
    size_t n = 0;

    out[0] = 0;
    /* More windows than are read, rarely: then tier 2 is cut short. */
    if (lac_test_random(8) == 0)
        for (int i = 0; i < 300; i++)
            n += (size_t)snprintf(out + n, TEXT_MAX - n, "%s ",
                                  lac_test_random(60) ? "sea" : pieces[lac_test_random(4)]);
    for (uint32_t k = lac_test_random(4); k > 0 && n < TEXT_MAX - 32; k--)
        n += (size_t)snprintf(out + n, TEXT_MAX - n, "%s%s", n ? " " : "",
                              pieces[lac_test_random(LAC_COUNT(pieces))]);
}

static struct lac_request random_request(struct extras *x)
{
    struct lac_request r;

    lac_request_init(&r);
    put_text(x->text);
    r.text = lac_str_from(x->text);
    if (lac_test_random(2) == 0) {
        r.conversation = x->turns;
        r.conversation_count = lac_test_random(4);
        for (size_t i = 0; i < r.conversation_count; i++) {
            put_text(x->turn_texts[i]);
            x->turns[i] = (struct lac_message){LAC_STR("user"), lac_str_from(x->turn_texts[i])};
        }
    } else if (lac_test_random(8) == 0) {
        r.conversation = x->turns;
        r.conversation_count = MANY_FIELDS;
        for (size_t i = 0; i < MANY_FIELDS; i++)
            x->turns[i] = (struct lac_message){LAC_STR("user"), LAC_STR("sea \xff")};
    }
    if (lac_test_random(4) == 0) {
        x->pair = (struct lac_pair){LAC_STR("note"), LAC_STR("the plan")};
        r.metadata = &x->pair;
        r.metadata_count = 1;
    }
    r.has_claimed_tier = lac_test_random(8) == 0;
    r.claimed_tier = (enum lac_tier)lac_test_random(LAC_TIER_COUNT);
    r.tenant = lac_test_random(2) ? LAC_STR("acme") : LAC_STR("default");
    return r;
}

static struct lac_engine_out decide_as(struct lac_engine *e, enum tier2 tier2,
                                       const struct lac_pack *pack, const struct lac_engine_in *in)
{
    struct lac_engine_out out = {0};
    struct lac_err err = {0};

    lac_tiny_backend.status = tier2 == FAILING ? LAC_RETRY : LAC_OK;
    LAC_TEST_EQ(lac_engine_run(e, pack, in, 1, &arena, &out, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    lac_tiny_backend.status = LAC_OK;
    return out;
}

/* ---- what was recorded ---- */

static bool same_observations(const struct lac_decision_core *a, const struct lac_decision_core *b)
{
    if (a->observations_count != b->observations_count)
        return false;
    for (size_t i = 0; i < a->observations_count; i++)
        if (!lac_str_eq(a->observations[i].kind, b->observations[i].kind) ||
            !lac_str_eq(a->observations[i].name, b->observations[i].name) ||
            !lac_str_eq(a->observations[i].value, b->observations[i].value))
            return false;
    return true;
}

/* Everything but the request that a core says it was made of. */
static bool same_inputs(const struct lac_decision_core *a, const struct lac_decision_core *b)
{
    return a->semantics == b->semantics && lac_str_eq(a->tenant, b->tenant) &&
           same_observations(a, b) && memcmp(&a->pack_hash, &b->pack_hash, 32) == 0 &&
           a->has_model_hash == b->has_model_hash &&
           (!a->has_model_hash || memcmp(&a->model_hash, &b->model_hash, 32) == 0) &&
           lac_str_eq(a->engine, b->engine) && lac_str_eq(a->commitment_key, b->commitment_key) &&
           memcmp(&a->commitment, &b->commitment, 32) == 0;
}

static void cores_of_a_request_are_equal_or_say_why_not(void)
{
    static struct extras x;
    static struct lac_engine_out out[VARIANT_COUNT];
    size_t equal = 0, unlike = 0;

    begin();
    for (int round = 0; round < ROUNDS; round++) {
        struct lac_request r = random_request(&x);
        struct lac_engine_in in = {.request = &r, .raw = r.text};

        lac_arena_reset(&arena);
        for (size_t i = 0; i < VARIANT_COUNT; i++)
            out[i] =
                decide_as(variants[i].engine, variants[i].tier2, round % 2 ? dear : tiny.pack, &in);
        for (size_t i = 0; i < VARIANT_COUNT; i++) {
            for (size_t k = 0; k < i; k++) {
                bool same = lac_str_eq(out[i].core_bytes, out[k].core_bytes);

                equal += same;
                unlike += !same;
                lac_test_row("round %d, %zu and %zu: %.*s", round, i, k, LAC_STR_FMT(r.text));
                if (!same && same_inputs(&out[i].core, &out[k].core))
                    CU_FAIL("cores differ, and nothing that they have recorded");
            }
        }
    }
    CU_ASSERT(equal > 0 && unlike > 0);
    end();
}

/* An engine for the recorded commitment, and otherwise as far from the one before as can be. */
static struct lac_engine *engine_for(const struct lac_decision_core *core)
{
    enum lac_strategy strategy = (enum lac_strategy)lac_test_random(LAC_STRATEGY_COUNT);
    bool two = lac_str_is(core->commitment_key, "two");

    for (size_t i = 0; i < VARIANT_COUNT; i++)
        if (variants[i].tier2 == READY && variants[i].strategy == strategy &&
            variants[i].otherwise == two)
            return variants[i].engine;
    return NULL;
}

static void what_a_core_has_recorded_makes_it_again(void)
{
    static struct extras x;

    begin();
    for (int round = 0; round < ROUNDS * 4; round++) {
        const struct variant *v = &variants[lac_test_random(VARIANT_COUNT)];
        const struct lac_pack *pack = round % 2 ? dear : tiny.pack;
        struct lac_request r = random_request(&x);
        struct lac_engine_in in = {.request = &r, .raw = r.text};
        struct lac_engine_out first, again;
        struct lac_decision_core core;
        struct lac_err err = {0};

        in.undecodable = lac_test_random(8) == 0;
        lac_arena_reset(&arena);
        first = decide_as(v->engine, v->tier2, pack, &in);
        /* As somebody has it who has the bytes and no settings. */
        LAC_TEST_EQ(lac_decision_core_decode(&core, first.core_bytes, &arena, &err), LAC_OK);
        r.tenant = core.tenant;
        in = (struct lac_engine_in){.request = &r,
                                    .raw = r.text,
                                    .observations = core.observations,
                                    .observation_count = core.observations_count};
        again = decide_as(engine_for(&core), READY, pack, &in);
        lac_test_row("round %d, strategy %d, tier 2 %d: %.*s", round, (int)v->strategy,
                     (int)v->tier2, LAC_STR_FMT(r.text));
        LAC_TEST_EQ(lac_str_eq(again.core_bytes, first.core_bytes), true);
        LAC_TEST_EQ(memcmp(&again.decision_hash, &first.decision_hash, 32), 0);
    }
    end();
}

/* A strategy that nobody knows, from a later version: the strictest. */
static void unknown_strategy_in_a_record_is_conservative(void)
{
    static const struct lac_observation odd = {LAC_STR("strategy"), LAC_STR(""), LAC_STR("bold")};
    struct lac_engine_out out;
    struct lac_engine_in in;
    struct lac_request r;

    begin();
    lac_request_init(&r);
    r.text = LAC_STR("nothing special");
    in = (struct lac_engine_in){
        .request = &r, .raw = r.text, .observations = &odd, .observation_count = 1};
    for (size_t i = 0; i < VARIANT_COUNT; i++) {
        if (variants[i].tier2 != OFF)
            continue;
        out = decide_as(variants[i].engine, OFF, tiny.pack, &in);
        LAC_TEST_EQ(out.core.tier, LAC_TIER_PROPRIETARY);
        LAC_TEST_EQ(out.core.observations_count, 2); /* that, and that tier 2 is off */
    }
    end();
}

/* ---- the settings ---- */

/* Those of lacuna-classify that reach a core, and the field of it that names what they did; the
 * table in ARCHITECTURE.md says it in sentences. */
static const char *const recorded[][2] = {
    {"kafka.topic_prefix", "tenant"},
    {"pack.path", "pack_hash"},
    {"pack.follow", "pack_hash"},
    {"pack.name", "pack_hash"},
    {"pack.signers", "pack_hash"},
    {"pack.require_signature", "pack_hash"},
    {"pack.cache_dir", "pack_hash"},
    {"pack.cache_keep", "pack_hash"},
    {"classification.strategy", "observations"},
    {"commitment.key_file", "commitment"},
    {"commitment.key_id", "commitment_key"},
    {"model.store", "model_hash"},
    {"model.plugin", "engine"},
    {"classify.semantic", "observations"},
    {"classify.model", "model_hash"},
    {"classify.engine", "engine"},
};

/* Those that don't: how records travel, when a batch ends, who may listen. */
static const char *const elsewhere[] = {
    "log.",
    "instance.",
    "state.dir",
    "kafka.",
    "registry.",
    "redis.url",
    "drain.",
    "metrics.",
    "classify.lanes",
    "classify.interactive_",
    "classify.delivery",
    "classify.batch_",
    "classify.commit_interval_ms",
    "classify.escalate", /* `final`, which is beside the core */
};

static bool is_accounted_for(const char *name)
{
    for (size_t i = 0; i < LAC_COUNT(recorded); i++)
        if (strcmp(recorded[i][0], name) == 0)
            return true;
    for (size_t i = 0; i < LAC_COUNT(elsewhere); i++)
        if (strncmp(elsewhere[i], name, strlen(elsewhere[i])) == 0)
            return true;
    return false;
}

static void every_setting_of_a_worker_is_accounted_for(void)
{
    const struct lac_record_type *core = lac_record_type_by_name(LAC_STR("DecisionCore"));

    for (size_t i = 0; i < lac_conf_key_count; i++) {
        lac_test_row("%s", lac_conf_keys[i].name);
        if (lac_conf_keys[i].programs & LAC_CONF_CLASSIFY)
            LAC_TEST_EQ(is_accounted_for(lac_conf_keys[i].name), true);
    }
    LAC_TEST_NEED(core);
    for (size_t i = 0; i < LAC_COUNT(recorded); i++) {
        bool there = false;

        lac_test_row("%s", recorded[i][1]);
        for (size_t k = 0; k < core->field_count; k++)
            there = there || strcmp(core->fields[k].name, recorded[i][1]) == 0;
        LAC_TEST_EQ(there, true);
    }
}

LAC_TEST_MAIN(engine_record, cores_of_a_request_are_equal_or_say_why_not,
              what_a_core_has_recorded_makes_it_again, unknown_strategy_in_a_record_is_conservative,
              every_setting_of_a_worker_is_accounted_for)
