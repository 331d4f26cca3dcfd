/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a request and a pack give the core that DESIGN promises: floors hold, context only raises,
 * neighbours and orders never show, what can't be read is never PUBLIC. Method: single requests
 * against the built-in pack, then random requests made of known pieces (LAC_TEST_SEED, printed).
 */
#include "lac_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_digest.h"
#include "lac_pack.h"
#include "lac_test.h"

enum { ARENA = 8 << 20, ROUNDS = 1500 };

static struct lac_pack *pack;
static struct lac_pack *sharp;
static struct lac_engine *engines[LAC_STRATEGY_COUNT];
static struct lac_arena arena;

static bool open_all(void)
{
    struct lac_engine_options options = {.commitment_key = LAC_STR("0123456789abcdef"),
                                         .commitment_key_id = LAC_STR("test")};
    /* Evidence so strong that any of it tips the balance. */
    static const struct lac_pack_file files[] = {
        {LAC_STR("pack.yaml"), LAC_STR("name: sharp\nversion: 1\nbase: builtin\n")},
        {LAC_STR("rules/sharp.yaml"),
         LAC_STR("rules:\n"
                 "- {id: learning, entity: X, tier: PUBLIC, strength: opinion, phrases: [learning],"
                 " likelihoods: {public: 1, internal: 0.01, proprietary: 0.0001}}\n"
                 "- {id: middle, entity: X, tier: INTERNAL, strength: opinion, phrases: [public],"
                 " likelihoods: {public: 0.01, internal: 1, proprietary: 0.01}}\n")},
        {LAC_STR("terms/t.yaml"), LAC_STR("customers: [acme_corp]\nprojects: [project_nexus]\n")},
    };
    struct lac_err err = {0};
    enum lac_status status = LAC_OK;

    if (pack)
        return true;
    status = lac_pack_open(&pack, NULL, &err);
    if (status == LAC_OK)
        status = lac_pack_open_files(&sharp, files, LAC_COUNT(files), &err);
    for (int s = 0; s < LAC_STRATEGY_COUNT && status == LAC_OK; s++) {
        options.strategy = (enum lac_strategy)s;
        status = lac_engine_open(&engines[s], &options, &err);
    }
    if (status == LAC_OK)
        status = lac_arena_init(&arena, ARENA, &err);
    LAC_TEST_STR(err.text, "");
    return status == LAC_OK;
}

static void close_all(void)
{
    for (int s = 0; s < LAC_STRATEGY_COUNT; s++)
        lac_engine_close(engines[s]);
    lac_pack_close(pack);
    lac_pack_close(sharp);
    lac_arena_deinit(&arena);
    LAC_TEST_EQ(pack != NULL, true);
}

static struct lac_request request_of(const char *text)
{
    struct lac_request r;

    lac_request_init(&r);
    r.text = lac_str_from(text);
    return r;
}

static enum lac_status run_with(const struct lac_pack *use, enum lac_strategy s,
                                const struct lac_request *r, struct lac_engine_out *out)
{
    struct lac_engine_in in = {.request = r, .raw = r->text};
    struct lac_err err = {0};
    enum lac_status status = lac_engine_run(engines[s], use, &in, 1, &arena, out, &err);

    LAC_TEST_STR(err.text, "");
    return status;
}

static enum lac_status run(enum lac_strategy s, const struct lac_request *r,
                           struct lac_engine_out *out)
{
    return run_with(pack, s, r, out);
}

static enum lac_tier tier_of(enum lac_strategy s, const struct lac_request *r)
{
    struct lac_engine_out out;

    lac_arena_reset(&arena);
    LAC_TEST_EQ(run(s, r, &out), LAC_OK);
    return out.core.tier;
}

static bool observed(const struct lac_engine_out *out, const char *kind, const char *name,
                     const char *value)
{
    for (size_t i = 0; i < out->core.observations_count; i++)
        if (lac_str_is(out->core.observations[i].kind, kind) &&
            lac_str_is(out->core.observations[i].name, name) &&
            lac_str_is(out->core.observations[i].value, value))
            return true;
    return false;
}

static void texts_get_the_tiers_that_people_expect(void)
{
    static const struct {
        const char *text;
        enum lac_tier tier; /* balanced */
    } rows[] = {
        {"What is the capital of France?", LAC_TIER_PUBLIC},
        {"hello", LAC_TIER_PUBLIC},
        {"What is confidential computing?", LAC_TIER_INTERNAL},
        {"How do I reverse a list in Python?", LAC_TIER_INTERNAL},
        {"How do I configure the staging deployment?", LAC_TIER_INTERNAL},
        {"unclassified and declassified documents, open source", LAC_TIER_INTERNAL},
        {"what is a trade secret", LAC_TIER_INTERNAL},
        {"Summarise the contract of Acme Corp", LAC_TIER_PROPRIETARY},
        {"status of Project-Apollo", LAC_TIER_PROPRIETARY},
        {"mail jane.doe@example.com", LAC_TIER_PROPRIETARY},
        {"STRICTLY CONFIDENTIAL: figures", LAC_TIER_PROPRIETARY},
        {"this memo is confidential", LAC_TIER_PROPRIETARY},
        {"for internal use only", LAC_TIER_INTERNAL},
        {"", LAC_TIER_INTERNAL},
    };

    LAC_TEST_NEED(open_all());
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_request r = request_of(rows[i].text);

        lac_test_row("%s", rows[i].text);
        LAC_TEST_EQ(tier_of(LAC_STRATEGY_BALANCED, &r), rows[i].tier);
    }
}

static void every_field_is_looked_at_and_named(void)
{
    static struct lac_message turn = {LAC_STR("user"), LAC_STR("my ssn is 536-90-4399")};
    static struct lac_str file = LAC_STR("report for megacorp.pdf");
    static struct lac_pair pairs[] = {{LAC_STR("note"), LAC_STR("jane@example.com")},
                                      {LAC_STR("jane@example.com"), LAC_STR("x")}};
    static const char *const want[] = {"/conversation/0/content",
                                       "/files/0",
                                       "/metadata",
                                       "/metadata/note",
                                       "/operation/destination",
                                       "/operation/resource",
                                       "/operation/sources/0",
                                       "/project",
                                       "/purpose",
                                       "/subject"};
    struct lac_request r = request_of("nothing");
    struct lac_engine_out out;

    LAC_TEST_NEED(open_all());
    r.conversation = &turn;
    r.conversation_count = 1;
    r.files = &file;
    r.files_count = 1;
    r.metadata = pairs;
    r.metadata_count = 2;
    r.has_operation = true;
    r.operation.resource = LAC_STR("db.acme_corp.orders");
    r.operation.destination = LAC_STR("mailto:x@example.com");
    r.operation.sources = &file;
    r.operation.sources_count = 1;
    r.project = LAC_STR("project_apollo");
    r.purpose = LAC_STR("for megacorp");
    r.subject = LAC_STR("acme_corp");
    lac_arena_reset(&arena);
    LAC_TEST_EQ(run(LAC_STRATEGY_AGGRESSIVE, &r, &out), LAC_OK);
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PROPRIETARY);
    LAC_TEST_EQ(out.core.stop, LAC_STOP_FLOOR);
    LAC_TEST_EQ(out.core.findings_count, LAC_COUNT(want));
    for (size_t i = 0; i < LAC_COUNT(want) && i < out.core.findings_count; i++)
        CU_ASSERT(lac_str_is(out.core.findings[i].field, want[i]));
}

/* Lineage holds no text, and a key may be one. */
static void metadata_keys_are_shown_only_if_they_look_like_names(void)
{
    static char name[64 + 2];
    const struct {
        const char *key, *field;
    } rows[] = {{"note", "/metadata/note"}, {"a-B_9.z", "/metadata/a-B_9.z"},
                {"", "/metadata"},          {"1234", "/metadata"},
                {"two words", "/metadata"}, {"a/b", "/metadata"},
                {"\xc3\xa4", "/metadata"},  {name + 1, NULL}, /* 64 letters */
                {name, "/metadata"}};
    char longest[80];

    LAC_TEST_NEED(open_all());
    memset(name, 'k', sizeof(name) - 1);
    (void)snprintf(longest, sizeof(longest), "/metadata/%s", name + 1);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_pair pair = {lac_str_from(rows[i].key), LAC_STR("jane@example.com")};
        struct lac_request r = request_of("nothing");
        struct lac_engine_out out;

        r.metadata = &pair;
        r.metadata_count = 1;
        lac_test_row("%s", rows[i].key);
        lac_arena_reset(&arena);
        LAC_TEST_EQ(run(LAC_STRATEGY_BALANCED, &r, &out), LAC_OK);
        LAC_TEST_EQ(out.core.findings_count, 1);
        CU_ASSERT(lac_str_is(out.core.findings[0].field, rows[i].field ? rows[i].field : longest));
    }
}

static void claims_and_parents_are_floors(void)
{
    static const struct lac_observation parent = {LAC_STR("parent"), LAC_STR("db.x"),
                                                  LAC_STR("PROPRIETARY")};
    static const struct lac_observation unreadable = {LAC_STR("parent"), LAC_STR("db.x"),
                                                      LAC_STR("?")};
    struct lac_request r = request_of("hello");
    struct lac_engine_in in = {.request = &r, .observations = &parent, .observation_count = 1};
    struct lac_engine_out out;
    struct lac_err err;

    LAC_TEST_NEED(open_all());
    r.has_claimed_tier = true;
    r.claimed_tier = LAC_TIER_INTERNAL;
    LAC_TEST_EQ(tier_of(LAC_STRATEGY_AGGRESSIVE, &r), LAC_TIER_INTERNAL);
    r.claimed_tier = LAC_TIER_PUBLIC;
    LAC_TEST_EQ(tier_of(LAC_STRATEGY_AGGRESSIVE, &r), LAC_TIER_PUBLIC);
    lac_arena_reset(&arena);
    LAC_TEST_EQ(lac_engine_run(engines[1], pack, &in, 1, &arena, &out, &err), LAC_OK);
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PROPRIETARY);
    in.observations = &unreadable;
    LAC_TEST_EQ(lac_engine_run(engines[1], pack, &in, 1, &arena, &out, &err), LAC_OK);
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PROPRIETARY);
}

static void what_cannot_be_read_is_conservative_and_observed(void)
{
    static const struct lac_observation down = {LAC_STR("unavailable"), LAC_STR("embedding"),
                                                LAC_STR("")};
    struct lac_request r = request_of("hello\xff");
    struct lac_engine_in in = {.request = &r, .observations = &down, .observation_count = 1};
    struct lac_engine_out out, again;
    struct lac_err err;

    LAC_TEST_NEED(open_all());
    lac_arena_reset(&arena);
    LAC_TEST_EQ(run(LAC_STRATEGY_AGGRESSIVE, &r, &out), LAC_OK);
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PROPRIETARY);
    CU_ASSERT(observed(&out, "undecodable", "/text", ""));
    /* The strategy that was set, although the conservative matrix counted. */
    CU_ASSERT(observed(&out, "strategy", "", "aggressive"));
    /* Replay feeds back what was observed, and the core is the same. */
    in.observations = out.core.observations;
    in.observation_count = out.core.observations_count;
    in.raw = r.text;
    LAC_TEST_EQ(lac_engine_run(engines[1], pack, &in, 1, &arena, &again, &err), LAC_OK);
    CU_ASSERT(lac_str_eq(out.core_bytes, again.core_bytes));
    r = request_of("hello");
    in.observations = &down;
    in.observation_count = 1;
    LAC_TEST_EQ(lac_engine_run(engines[2], pack, &in, 1, &arena, &out, &err), LAC_OK);
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PROPRIETARY);
    LAC_TEST_EQ(out.core.stop, LAC_STOP_UNAVAILABLE);
    in.observation_count = 0;
    in.undecodable = true;
    LAC_TEST_EQ(lac_engine_run(engines[2], pack, &in, 1, &arena, &out, &err), LAC_OK);
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PROPRIETARY);
}

/* Who encodes a text often enough must not make it harmless. */
static void what_is_encoded_too_often_is_conservative_and_observed(void)
{
    struct lac_request r = request_of("What is the capital of %25252546rance?");
    struct lac_engine_out out;

    LAC_TEST_NEED(open_all());
    lac_arena_reset(&arena);
    LAC_TEST_EQ(run(LAC_STRATEGY_AGGRESSIVE, &r, &out), LAC_OK);
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PROPRIETARY);
    CU_ASSERT(observed(&out, "over_limit", "/text", ""));
    r = request_of("What is the capital of %252546rance?");
    LAC_TEST_EQ(run(LAC_STRATEGY_AGGRESSIVE, &r, &out), LAC_OK);
    CU_ASSERT(!observed(&out, "over_limit", "/text", ""));
}

/* Replay: a request that is fine today was decided while something could not be looked at. */
static void what_was_not_looked_at_then_is_not_looked_at_in_replay(void)
{
    static const struct {
        const char *kind;
        bool degraded;
        enum lac_stop stop;
    } rows[] = {
        {"over_limit", true, LAC_STOP_EXHAUSTED},    {"undecodable", true, LAC_STOP_EXHAUSTED},
        {"unavailable", true, LAC_STOP_UNAVAILABLE}, {"deadline", false, LAC_STOP_DEADLINE},
        {"gate", false, LAC_STOP_SETTLED},           {"note", false, LAC_STOP_SETTLED}};
    struct lac_request r = request_of("hello");
    struct lac_engine_out out;
    struct lac_err err;

    LAC_TEST_NEED(open_all());
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_observation recorded[] = {
            {LAC_STR("note"), LAC_STR("/text"), LAC_STR("")},
            {lac_str_from(rows[i].kind), LAC_STR("/text"), LAC_STR("x")}};
        struct lac_engine_in in = {
            .request = &r, .raw = r.text, .observations = recorded, .observation_count = 2};

        lac_test_row("%s", rows[i].kind);
        lac_arena_reset(&arena);
        LAC_TEST_EQ(
            lac_engine_run(engines[LAC_STRATEGY_AGGRESSIVE], pack, &in, 1, &arena, &out, &err),
            LAC_OK);
        LAC_TEST_EQ(out.core.tier, rows[i].degraded ? LAC_TIER_PROPRIETARY : LAC_TIER_PUBLIC);
        LAC_TEST_EQ(out.core.stop, rows[i].stop);
        CU_ASSERT(observed(&out, rows[i].kind, "/text", "x"));
        CU_ASSERT(observed(&out, "note", "/text", ""));
    }
}

static void the_core_is_complete_and_hashed(void)
{
    struct lac_request r = request_of("hello");
    struct lac_decision_core core;
    struct lac_engine_out out;
    struct lac_err err = {0};
    unsigned char hash[32];

    LAC_TEST_NEED(open_all());
    r.tenant = LAC_STR("acme");
    lac_arena_reset(&arena);
    LAC_TEST_EQ(run(LAC_STRATEGY_BALANCED, &r, &out), LAC_OK);
    lac_sha256(hash, out.core_bytes.ptr, out.core_bytes.len);
    LAC_TEST_EQ(memcmp(hash, out.decision_hash.bytes, 32), 0);
    LAC_TEST_EQ(lac_decision_core_decode(&core, out.core_bytes, &arena, &err), LAC_OK);
    CU_ASSERT(lac_str_is(core.tenant, "acme"));
    CU_ASSERT(lac_str_is(core.engine, "rules/1"));
    CU_ASSERT(lac_str_is(core.commitment_key, "test"));
    LAC_TEST_EQ(core.route_count, 4);
    LAC_TEST_EQ(core.has_model_hash, false);
    LAC_TEST_EQ(core.semantics, LAC_DECIDE_SEMANTICS);
    LAC_TEST_EQ(memcmp(&core.pack_hash, lac_pack_hash(pack), 32), 0);
    LAC_TEST_EQ(out.final, true);
    CU_ASSERT_PTR_NULL(out.excerpt.ptr);
}

static void findings_are_bounded_and_say_so(void)
{
    enum { MAILS = 3000 };
    char *text = malloc((size_t)MAILS * 32);
    struct lac_engine_out out;
    struct lac_request r;
    size_t n = 0;
    bool tagged = false;

    LAC_TEST_NEED(open_all() && text);
    for (int i = 0; i < MAILS; i++)
        n += (size_t)snprintf(text + n, 32, "u%d@example.com ", i);
    r = request_of(text);
    lac_arena_reset(&arena);
    LAC_TEST_EQ(run(LAC_STRATEGY_BALANCED, &r, &out), LAC_OK);
    LAC_TEST_EQ(out.core.findings_count, 16);
    for (size_t i = 0; i < out.core.tags_count; i++)
        tagged = tagged || lac_str_is(out.core.tags[i], "FINDINGS_TRUNCATED");
    CU_ASSERT(tagged);
    free(text);
}

static void map_order_does_not_show_in_what_is_left_out(void)
{
    enum { MANY = 300 };
    static struct lac_pair pairs[MANY];
    static char keys[MANY][16];
    struct lac_request r = request_of("x");
    struct lac_engine_out out, again;

    LAC_TEST_NEED(open_all());
    for (int i = 0; i < MANY; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%03d", i);
        pairs[i] = (struct lac_pair){lac_str_from(keys[i]), LAC_STR("mail jane@example.com")};
    }
    r.metadata = pairs;
    r.metadata_count = MANY;
    lac_arena_reset(&arena);
    LAC_TEST_EQ(run(LAC_STRATEGY_BALANCED, &r, &out), LAC_OK);
    LAC_TEST_EQ(out.core.findings_count, LAC_ENGINE_FINDING_MAX);
    for (int i = 0; i < MANY / 2; i++) {
        struct lac_pair swap = pairs[i];

        pairs[i] = pairs[MANY - 1 - i];
        pairs[MANY - 1 - i] = swap;
    }
    LAC_TEST_EQ(run(LAC_STRATEGY_BALANCED, &r, &again), LAC_OK);
    LAC_TEST_EQ(lac_str_eq(out.core_bytes, again.core_bytes), true);
}

/* Puts the `code`-th order of `count` things into `order`. */
static void put_order(size_t *order, size_t count, size_t code)
{
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count; i > 1; i--) {
        size_t j = code % i, swap = order[i - 1];

        code /= i;
        order[i - 1] = order[j];
        order[j] = swap;
    }
}

/* The conversation leaves room for `room` findings, and metadata has one in each of `count`
 * entries: those of the first keys are shown, in whichever order the entries come. */
static void first_keys_are_shown(size_t count, size_t room, size_t code)
{
    static const char *const keys[] = {"a", "b", "ba", "c", "d", "d"}; /* the last: twice */
    static const char *const fields[] = {"/metadata/a", "/metadata/b", "/metadata/ba",
                                         "/metadata/c", "/metadata/d", "/metadata/d"};
    static struct lac_message turns[LAC_ENGINE_FINDING_MAX];
    struct lac_request r = request_of("x");
    struct lac_pair pairs[LAC_COUNT(keys)];
    size_t order[LAC_COUNT(keys)], shown = 0;
    struct lac_engine_out out;

    for (size_t i = 0; i < LAC_COUNT(turns); i++)
        turns[i] = (struct lac_message){LAC_STR("user"), LAC_STR("x@example.com")};
    r.conversation = turns;
    r.conversation_count = LAC_ENGINE_FINDING_MAX - room;
    put_order(order, count, code);
    for (size_t i = 0; i < count; i++)
        pairs[i] = (struct lac_pair){lac_str_from(keys[order[i]]), order[i] == 5
                                                                       ? LAC_STR("y x@example.com")
                                                                       : LAC_STR("x@example.com")};
    r.metadata = pairs;
    r.metadata_count = count;
    lac_arena_reset(&arena);
    LAC_TEST_EQ(run(LAC_STRATEGY_BALANCED, &r, &out), LAC_OK);
    lac_test_row("%zu entries, room for %zu, order %zu", count, room, code);
    for (size_t i = 0; i < out.core.findings_count; i++) {
        const struct lac_finding *f = &out.core.findings[i];

        if (!lac_str_has_at(f->field, 0, "/metadata"))
            continue;
        LAC_TEST_NEED(shown < room && lac_str_is(f->field, fields[shown]));
        CU_ASSERT(shown < 4 || room == count || f->start == 0); /* of two "d", the lower value */
        shown++;
    }
    LAC_TEST_EQ(shown, room < count ? room : count);
}

static void first_keys_are_shown_in_any_order(void)
{
    static const size_t orders[] = {1, 1, 2, 6, 24, 120, 720};

    LAC_TEST_NEED(open_all());
    for (size_t count = 1; count < LAC_COUNT(orders); count++)
        for (size_t room = 0; room <= count; room++)
            for (size_t code = 0; code<orders[count]; code += count> 5 ? 11 : 1)
                first_keys_are_shown(count, room, code);
}

static void a_full_arena_asks_for_fewer(void)
{
    struct lac_request r = request_of("mail jane.doe@example.com and 536-90-4399");
    struct lac_engine_in in = {.request = &r, .raw = r.text};
    struct lac_err err = {0};
    int refused = 0;

    LAC_TEST_NEED(open_all());
    for (size_t size = 64; size < 4096; size += 64) {
        struct lac_engine_out out;
        struct lac_arena small;
        enum lac_status status;

        LAC_TEST_EQ(lac_arena_init(&small, size, &err), LAC_OK);
        status = lac_engine_run(engines[1], pack, &in, 1, &small, &out, &err);
        CU_ASSERT(status == LAC_OK || status == LAC_AGAIN);
        refused += status == LAC_AGAIN;
        lac_arena_deinit(&small);
    }
    CU_ASSERT(refused > 3);
    /* And nothing of the refused attempts stays behind. */
    r = request_of("nothing");
    LAC_TEST_EQ(tier_of(LAC_STRATEGY_BALANCED, &r), LAC_TIER_INTERNAL);
}

static void an_excerpt_is_redacted_or_absent(void)
{
    static const char *const yaml = "name: t\nversion: 1\nbase: builtin\nexcerpt: 40\n";
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"mail jane.doe@example.com now", "mail [EMAIL_ADDRESS] now"},
        {"nothing special", "nothing special"},
        {"0123456789012345678901234567890123456789012", "0123456789012345678901234567890123456789"},
        {"012345678901234567890123456789 jane.doe@example.com", "012345678901234567890123456789 "},
        /* The name fits to the byte, and a byte less: what comes behind is not taken either. */
        {"01234567890123456789012 jane.doe@example.com", "01234567890123456789012 [EMAIL_ADDRESS]"},
        {"0123456789012345678901234 jane.doe@example.com", "0123456789012345678901234 "},
        {"0123456789012345678901234567890123456789 jane.doe@example.com x",
         "0123456789012345678901234567890123456789"},
        {"0123456789012345678901234567890123456\xc3\xa4\xc3\xa4 a@b.co ",
         "0123456789012345678901234567890123456\xc3\xa4"},
        {"bad \xff bytes", ""},
        {"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
         "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
         "x\xc3\xa4",
         "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
         "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
         "x"},
    };
    struct lac_pack_file file = {LAC_STR("pack.yaml"), lac_str_from(yaml)};
    struct lac_pack *p = NULL;
    struct lac_err err = {0};

    LAC_TEST_NEED(open_all());
    LAC_TEST_EQ(lac_pack_open_files(&p, &file, 1, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(p != NULL);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_request r = request_of(rows[i].text);
        struct lac_engine_in in = {.request = &r, .raw = r.text};
        struct lac_engine_out out;
        char got[64];

        lac_arena_reset(&arena);
        LAC_TEST_EQ(lac_engine_run(engines[1], p, &in, 1, &arena, &out, &err), LAC_OK);
        snprintf(got, sizeof(got), "%.*s", LAC_STR_FMT(out.excerpt));
        lac_test_row("%s", rows[i].text);
        LAC_TEST_STR(got, rows[i].want);
    }
    lac_pack_close(p);
}

/* The address of a closed pack comes back, here with the same content: it is another one. */
static void a_pack_that_comes_back_is_taken_anew(void)
{
    static const struct lac_pack_file file = {LAC_STR("pack.yaml"),
                                              LAC_STR("name: t\nversion: 1\nbase: builtin\n")};

    LAC_TEST_NEED(open_all());
    for (int i = 0; i < 4; i++) {
        struct lac_request r = request_of("nothing special");
        struct lac_engine_in in = {.request = &r, .raw = r.text};
        struct lac_engine_out out;
        struct lac_pack *p = NULL;
        struct lac_err err = {0};

        LAC_TEST_NEED(lac_pack_open_files(&p, &file, 1, &err) == LAC_OK);
        lac_arena_reset(&arena);
        lac_test_row("%d", i);
        LAC_TEST_EQ(lac_engine_run(engines[1], p, &in, 1, &arena, &out, &err), LAC_OK);
        LAC_TEST_STR(err.text, "");
        lac_pack_close(p);
    }
}

/* What was not found can't be taken out, so nothing is shown: of a text with more findings than
 * are kept, and of one in a request that could not be decoded as a whole. */
static void a_text_that_is_not_known_whole_has_no_excerpt(void)
{
    static const char *const yaml = "name: t\nversion: 1\nbase: builtin\nexcerpt: 40\n";
    static char many[(LAC_ENGINE_FINDING_MAX + 1) * 7 + 1];
    struct lac_pack_file file = {LAC_STR("pack.yaml"), lac_str_from(yaml)};
    struct lac_pack *p = NULL;
    struct lac_err err = {0};

    for (size_t i = 0; i < LAC_ENGINE_FINDING_MAX + 1; i++)
        memcpy(many + 7 * i, "a@b.co ", 7);
    LAC_TEST_NEED(open_all());
    LAC_TEST_NEED(lac_pack_open_files(&p, &file, 1, &err) == LAC_OK);
    for (int i = 0; i < 3; i++) {
        struct lac_request r = request_of(i == 1 ? many : "nothing special");
        struct lac_engine_in in = {.request = &r, .raw = r.text, .undecodable = i == 2};
        struct lac_engine_out out;

        lac_arena_reset(&arena);
        LAC_TEST_EQ(lac_engine_run(engines[1], p, &in, 1, &arena, &out, &err), LAC_OK);
        lac_test_row("%d", i);
        LAC_TEST_STR(err.text, "");
        LAC_TEST_EQ(out.excerpt.len > 0, i == 0);
    }
    lac_pack_close(p);
}

/* ---- random requests ---- */

static const char *const pieces[] = {
    "hello",
    "thank you",
    "what is",
    "tutorial",
    "open source",
    "confidential",
    "internal use only",
    "staging deployment",
    "sales pipeline",
    "do not distribute",
    "acme corp",
    "jane@example.com",
    "\xff\xfe",
    "4111 1111 1111 1111",
    "10.1.2.3",
    "the quick brown fox",
    "wikipedia",
    "",
    " ",
    "proprietary",
    "\xe6\x9c\xba\xe5\xaf\x86",
    "e\xcc\x81",
    "project-nexus",
    "learning",
    "public",
};

static struct lac_str rnd_text(void)
{
    static char memory[64][256];
    static unsigned next;
    char *text = memory[next++ % LAC_COUNT(memory)];
    size_t n = 0;

    text[0] = 0;
    for (uint32_t k = lac_test_random(4); k > 0; k--)
        n += (size_t)snprintf(text + n, 256 - n, "%s%s", n ? " " : "",
                              pieces[lac_test_random((uint32_t)LAC_COUNT(pieces))]);
    return lac_str_from(text);
}

struct extras {
    struct lac_message turns[3];
    struct lac_str files[3];
    struct lac_str sources[3];
    struct lac_pair pairs[4];
};

/* Gives `r` random context beside its text. */
static void rnd_context(struct lac_request *r, struct extras *x)
{
    static const char *const keys[] = {"a", "b", "c", "d"};

    r->conversation = x->turns;
    r->conversation_count = lac_test_random(4);
    for (size_t i = 0; i < r->conversation_count; i++)
        x->turns[i] = (struct lac_message){LAC_STR("user"), rnd_text()};
    r->files = x->files;
    r->files_count = lac_test_random(4);
    for (size_t i = 0; i < r->files_count; i++)
        x->files[i] = rnd_text();
    r->metadata = x->pairs;
    r->metadata_count = lac_test_random(5);
    for (size_t i = 0; i < r->metadata_count; i++)
        x->pairs[i] = (struct lac_pair){lac_str_from(keys[i]), rnd_text()};
    r->has_operation = lac_test_random(2);
    r->operation.resource = rnd_text();
    r->operation.destination = lac_test_random(2) ? rnd_text() : LAC_STR_NULL;
    r->operation.sources = x->sources;
    r->operation.sources_count = lac_test_random(4);
    for (size_t i = 0; i < r->operation.sources_count; i++)
        x->sources[i] = rnd_text();
    r->project = lac_test_random(2) ? rnd_text() : LAC_STR_NULL;
    r->purpose = lac_test_random(2) ? rnd_text() : LAC_STR_NULL;
    r->subject = lac_test_random(2) ? rnd_text() : LAC_STR_NULL;
    r->environment = lac_test_random(2) ? rnd_text() : LAC_STR_NULL;
    r->has_claimed_tier = lac_test_random(3) == 0;
    r->claimed_tier = (enum lac_tier)lac_test_random(3);
}

static void context_never_lowers_and_floors_are_never_undercut(void)
{
    LAC_TEST_NEED(open_all());
    lac_test_seed();
    for (int round = 0; round < ROUNDS; round++) {
        enum lac_strategy s = (enum lac_strategy)lac_test_random(3);
        struct lac_request bare = request_of("");
        struct lac_engine_out alone, with;
        struct lac_request r;
        struct extras x;
        bool ok;

        bare.text = rnd_text();
        r = bare;
        rnd_context(&r, &x);
        lac_arena_reset(&arena);
        LAC_TEST_EQ(run_with(round % 2 ? sharp : pack, s, &bare, &alone), LAC_OK);
        LAC_TEST_EQ(run_with(round % 2 ? sharp : pack, s, &r, &with), LAC_OK);
        ok = with.core.tier >= alone.core.tier &&
             (!r.has_claimed_tier || with.core.tier >= r.claimed_tier);
        for (size_t i = 0; i < with.core.findings_count; i++)
            ok = ok && (with.core.findings[i].strength != LAC_STRENGTH_FLOOR ||
                        with.core.tier >= with.core.findings[i].tier);
        lac_test_row("round %d: %.*s", round, LAC_STR_FMT(r.text));
        LAC_TEST_EQ(ok, true);
        if (!ok)
            return;
    }
}

static void neighbours_and_map_order_never_matter(void)
{
    LAC_TEST_NEED(open_all());
    lac_test_seed();
    for (int round = 0; round < ROUNDS / 4; round++) {
        enum { BATCH = 8 };
        struct lac_request r[BATCH];
        struct lac_engine_in in[BATCH];
        struct lac_engine_out together[BATCH], alone;
        struct extras x[BATCH];
        struct lac_err err;

        lac_arena_reset(&arena);
        for (int i = 0; i < BATCH; i++) {
            r[i] = request_of("");
            r[i].text = rnd_text();
            rnd_context(&r[i], &x[i]);
            in[i] = (struct lac_engine_in){.request = &r[i], .raw = r[i].text};
        }
        LAC_TEST_EQ(lac_engine_run(engines[1], pack, in, BATCH, &arena, together, &err), LAC_OK);
        for (int i = BATCH - 1; i >= 0; i--) {
            if (r[i].metadata_count > 1) {
                struct lac_pair swap = x[i].pairs[0];

                x[i].pairs[0] = x[i].pairs[r[i].metadata_count - 1];
                x[i].pairs[r[i].metadata_count - 1] = swap;
            }
            LAC_TEST_EQ(lac_engine_run(engines[1], pack, &in[i], 1, &arena, &alone, &err), LAC_OK);
            lac_test_row("round %d, item %d", round, i);
            LAC_TEST_EQ(lac_str_eq(alone.core_bytes, together[i].core_bytes), true);
        }
    }
}

LAC_TEST_MAIN(engine, texts_get_the_tiers_that_people_expect, every_field_is_looked_at_and_named,
              metadata_keys_are_shown_only_if_they_look_like_names, claims_and_parents_are_floors,
              what_cannot_be_read_is_conservative_and_observed,
              what_is_encoded_too_often_is_conservative_and_observed,
              what_was_not_looked_at_then_is_not_looked_at_in_replay,
              the_core_is_complete_and_hashed, findings_are_bounded_and_say_so,
              map_order_does_not_show_in_what_is_left_out, first_keys_are_shown_in_any_order,
              a_full_arena_asks_for_fewer, an_excerpt_is_redacted_or_absent,
              a_text_that_is_not_known_whole_has_no_excerpt, a_pack_that_comes_back_is_taken_anew,
              context_never_lowers_and_floors_are_never_undercut,
              neighbours_and_map_order_never_matter, close_all)
