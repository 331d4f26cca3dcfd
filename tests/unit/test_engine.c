/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a request and a pack give the core that DESIGN promises: floors hold, context only raises,
 * neighbours and orders never show, what can't be read is never PUBLIC. Method: single requests
 * against the built-in pack, then random requests made of known pieces (LAC_TEST_SEED, printed).
 */
#include "lac_engine.h"

#include <stdio.h>
#include <string.h>

#include "engine_fixture.h"
#include "lac_digest.h"
#include "lac_test.h"

enum { ROUNDS = 1500 };

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

    LAC_TEST_NEED(fixture_open());
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_request r = fixture_request(rows[i].text);

        lac_test_row("%s", rows[i].text);
        LAC_TEST_EQ(fixture_tier_of(LAC_STRATEGY_BALANCED, &r), rows[i].tier);
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
    struct lac_request r = fixture_request("nothing");
    struct lac_engine_out out;

    LAC_TEST_NEED(fixture_open());
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
    lac_arena_reset(&fixture_arena);
    LAC_TEST_EQ(fixture_run(LAC_STRATEGY_AGGRESSIVE, &r, &out), LAC_OK);
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

    LAC_TEST_NEED(fixture_open());
    memset(name, 'k', sizeof(name) - 1);
    (void)snprintf(longest, sizeof(longest), "/metadata/%s", name + 1);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_pair pair = {lac_str_from(rows[i].key), LAC_STR("jane@example.com")};
        struct lac_request r = fixture_request("nothing");
        struct lac_engine_out out;

        r.metadata = &pair;
        r.metadata_count = 1;
        lac_test_row("%s", rows[i].key);
        lac_arena_reset(&fixture_arena);
        LAC_TEST_EQ(fixture_run(LAC_STRATEGY_BALANCED, &r, &out), LAC_OK);
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
    struct lac_request r = fixture_request("hello");
    struct lac_engine_in in = {.request = &r, .observations = &parent, .observation_count = 1};
    struct lac_engine_out out;
    struct lac_err err;

    LAC_TEST_NEED(fixture_open());
    r.has_claimed_tier = true;
    r.claimed_tier = LAC_TIER_INTERNAL;
    LAC_TEST_EQ(fixture_tier_of(LAC_STRATEGY_AGGRESSIVE, &r), LAC_TIER_INTERNAL);
    r.claimed_tier = LAC_TIER_PUBLIC;
    LAC_TEST_EQ(fixture_tier_of(LAC_STRATEGY_AGGRESSIVE, &r), LAC_TIER_PUBLIC);
    lac_arena_reset(&fixture_arena);
    LAC_TEST_EQ(
        lac_engine_run(fixture_engines[1], fixture_pack, &in, 1, &fixture_arena, &out, &err),
        LAC_OK);
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PROPRIETARY);
    in.observations = &unreadable;
    LAC_TEST_EQ(
        lac_engine_run(fixture_engines[1], fixture_pack, &in, 1, &fixture_arena, &out, &err),
        LAC_OK);
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PROPRIETARY);
}

static void what_cannot_be_read_is_conservative_and_observed(void)
{
    static const struct lac_observation down = {LAC_STR("unavailable"), LAC_STR("embedding"),
                                                LAC_STR("")};
    struct lac_request r = fixture_request("hello\xff");
    struct lac_engine_in in = {.request = &r, .observations = &down, .observation_count = 1};
    struct lac_engine_out out, again;
    struct lac_err err;

    LAC_TEST_NEED(fixture_open());
    lac_arena_reset(&fixture_arena);
    LAC_TEST_EQ(fixture_run(LAC_STRATEGY_AGGRESSIVE, &r, &out), LAC_OK);
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PROPRIETARY);
    CU_ASSERT(fixture_observed(&out, "undecodable", "/text", ""));
    /* The strategy that was set, although the conservative matrix counted. */
    CU_ASSERT(fixture_observed(&out, "strategy", "", "aggressive"));
    /* Replay feeds back what was observed, and the core is the same. */
    in.observations = out.core.observations;
    in.observation_count = out.core.observations_count;
    in.raw = r.text;
    LAC_TEST_EQ(
        lac_engine_run(fixture_engines[1], fixture_pack, &in, 1, &fixture_arena, &again, &err),
        LAC_OK);
    CU_ASSERT(lac_str_eq(out.core_bytes, again.core_bytes));
    r = fixture_request("hello");
    in.observations = &down;
    in.observation_count = 1;
    LAC_TEST_EQ(
        lac_engine_run(fixture_engines[2], fixture_pack, &in, 1, &fixture_arena, &out, &err),
        LAC_OK);
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PROPRIETARY);
    LAC_TEST_EQ(out.core.stop, LAC_STOP_UNAVAILABLE);
    in.observation_count = 0;
    in.undecodable = true;
    LAC_TEST_EQ(
        lac_engine_run(fixture_engines[2], fixture_pack, &in, 1, &fixture_arena, &out, &err),
        LAC_OK);
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PROPRIETARY);
}

/* Who encodes a text often enough must not make it harmless. */
static void what_is_encoded_too_often_is_conservative_and_observed(void)
{
    struct lac_request r = fixture_request("What is the capital of %25252546rance?");
    struct lac_engine_out out;

    LAC_TEST_NEED(fixture_open());
    lac_arena_reset(&fixture_arena);
    LAC_TEST_EQ(fixture_run(LAC_STRATEGY_AGGRESSIVE, &r, &out), LAC_OK);
    LAC_TEST_EQ(out.core.tier, LAC_TIER_PROPRIETARY);
    CU_ASSERT(fixture_observed(&out, "over_limit", "/text", ""));
    r = fixture_request("What is the capital of %252546rance?");
    LAC_TEST_EQ(fixture_run(LAC_STRATEGY_AGGRESSIVE, &r, &out), LAC_OK);
    CU_ASSERT(!fixture_observed(&out, "over_limit", "/text", ""));
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
    struct lac_request r = fixture_request("hello");
    struct lac_engine_out out;
    struct lac_err err;

    LAC_TEST_NEED(fixture_open());
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_observation recorded[] = {
            {LAC_STR("note"), LAC_STR("/text"), LAC_STR("")},
            {lac_str_from(rows[i].kind), LAC_STR("/text"), LAC_STR("x")}};
        struct lac_engine_in in = {
            .request = &r, .raw = r.text, .observations = recorded, .observation_count = 2};

        lac_test_row("%s", rows[i].kind);
        lac_arena_reset(&fixture_arena);
        LAC_TEST_EQ(lac_engine_run(fixture_engines[LAC_STRATEGY_AGGRESSIVE], fixture_pack, &in, 1,
                                   &fixture_arena, &out, &err),
                    LAC_OK);
        LAC_TEST_EQ(out.core.tier, rows[i].degraded ? LAC_TIER_PROPRIETARY : LAC_TIER_PUBLIC);
        LAC_TEST_EQ(out.core.stop, rows[i].stop);
        CU_ASSERT(fixture_observed(&out, rows[i].kind, "/text", "x"));
        CU_ASSERT(fixture_observed(&out, "note", "/text", ""));
    }
}

static void the_core_is_complete_and_hashed(void)
{
    struct lac_request r = fixture_request("hello");
    struct lac_decision_core core;
    struct lac_engine_out out;
    struct lac_err err = {0};
    unsigned char hash[32];

    LAC_TEST_NEED(fixture_open());
    r.tenant = LAC_STR("acme");
    lac_arena_reset(&fixture_arena);
    LAC_TEST_EQ(fixture_run(LAC_STRATEGY_BALANCED, &r, &out), LAC_OK);
    lac_sha256(hash, out.core_bytes.ptr, out.core_bytes.len);
    LAC_TEST_EQ(memcmp(hash, out.decision_hash.bytes, 32), 0);
    LAC_TEST_EQ(lac_decision_core_decode(&core, out.core_bytes, &fixture_arena, &err), LAC_OK);
    CU_ASSERT(lac_str_is(core.tenant, "acme"));
    CU_ASSERT(lac_str_is(core.engine, "rules/1"));
    CU_ASSERT(lac_str_is(core.commitment_key, "test"));
    LAC_TEST_EQ(core.route_count, 4);
    LAC_TEST_EQ(core.has_model_hash, false);
    LAC_TEST_EQ(core.semantics, LAC_DECIDE_SEMANTICS);
    LAC_TEST_EQ(memcmp(&core.pack_hash, lac_pack_hash(fixture_pack), 32), 0);
    LAC_TEST_EQ(out.final, true);
    CU_ASSERT_PTR_NULL(out.excerpt.ptr);
}

/* The address of a closed pack comes back, here with the same content: it is another one. */
static void a_pack_that_comes_back_is_taken_anew(void)
{
    static const struct lac_pack_file file = {LAC_STR("pack.yaml"),
                                              LAC_STR("name: t\nversion: 1\nbase: builtin\n")};

    LAC_TEST_NEED(fixture_open());
    for (int i = 0; i < 4; i++) {
        struct lac_request r = fixture_request("nothing special");
        struct lac_engine_in in = {.request = &r, .raw = r.text};
        struct lac_engine_out out;
        struct lac_pack *p = NULL;
        struct lac_err err = {0};

        LAC_TEST_NEED(lac_pack_open_files(&p, &file, 1, &err) == LAC_OK);
        lac_arena_reset(&fixture_arena);
        lac_test_row("%d", i);
        LAC_TEST_EQ(lac_engine_run(fixture_engines[1], p, &in, 1, &fixture_arena, &out, &err),
                    LAC_OK);
        LAC_TEST_STR(err.text, "");
        lac_pack_close(p);
    }
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

/* As people paste them: the question, then rows that no word is near to. */
static void a_table_in_a_text_is_read_with_its_headings(void)
{
    static char text[8192];
    size_t n = (size_t)snprintf(text, sizeof(text),
                                "Which of these towns is the largest?\n\n"
                                "| town | of whom | ssn |\n|---|---|---|\n");
    struct lac_request r;

    for (int i = 0; i < 100; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "| a town | whoever lives there | %s |\n",
                              i == 80 ? "457555462" : "");
    LAC_TEST_NEED(fixture_open());
    r = fixture_request(text);
    LAC_TEST_EQ(fixture_tier_of(LAC_STRATEGY_AGGRESSIVE, &r), LAC_TIER_PROPRIETARY);
    text[strlen("Which of these towns is the largest?\n\n| town | of whom | s")] = 'o';
    LAC_TEST_EQ(fixture_tier_of(LAC_STRATEGY_AGGRESSIVE, &r) == LAC_TIER_PROPRIETARY, false);
}

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
    LAC_TEST_NEED(fixture_open());
    lac_test_seed();
    for (int round = 0; round < ROUNDS; round++) {
        enum lac_strategy s = (enum lac_strategy)lac_test_random(3);
        struct lac_request bare = fixture_request("");
        struct lac_engine_out alone, with;
        struct lac_request r;
        struct extras x;
        bool ok;

        bare.text = rnd_text();
        r = bare;
        rnd_context(&r, &x);
        lac_arena_reset(&fixture_arena);
        LAC_TEST_EQ(fixture_run_with(round % 2 ? fixture_sharp : fixture_pack, s, &bare, &alone),
                    LAC_OK);
        LAC_TEST_EQ(fixture_run_with(round % 2 ? fixture_sharp : fixture_pack, s, &r, &with),
                    LAC_OK);
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
    LAC_TEST_NEED(fixture_open());
    lac_test_seed();
    for (int round = 0; round < ROUNDS / 4; round++) {
        enum { BATCH = 8 };
        struct lac_request r[BATCH];
        struct lac_engine_in in[BATCH];
        struct lac_engine_out together[BATCH], alone;
        struct extras x[BATCH];
        struct lac_err err;

        lac_arena_reset(&fixture_arena);
        for (int i = 0; i < BATCH; i++) {
            r[i] = fixture_request("");
            r[i].text = rnd_text();
            rnd_context(&r[i], &x[i]);
            in[i] = (struct lac_engine_in){.request = &r[i], .raw = r[i].text};
        }
        LAC_TEST_EQ(lac_engine_run(fixture_engines[1], fixture_pack, in, BATCH, &fixture_arena,
                                   together, &err),
                    LAC_OK);
        for (int i = BATCH - 1; i >= 0; i--) {
            if (r[i].metadata_count > 1) {
                struct lac_pair swap = x[i].pairs[0];

                x[i].pairs[0] = x[i].pairs[r[i].metadata_count - 1];
                x[i].pairs[r[i].metadata_count - 1] = swap;
            }
            LAC_TEST_EQ(lac_engine_run(fixture_engines[1], fixture_pack, &in[i], 1, &fixture_arena,
                                       &alone, &err),
                        LAC_OK);
            lac_test_row("round %d, item %d", round, i);
            LAC_TEST_EQ(lac_str_eq(alone.core_bytes, together[i].core_bytes), true);
        }
    }
}

LAC_TEST_MAIN(engine, texts_get_the_tiers_that_people_expect,
              a_table_in_a_text_is_read_with_its_headings, every_field_is_looked_at_and_named,
              metadata_keys_are_shown_only_if_they_look_like_names, claims_and_parents_are_floors,
              what_cannot_be_read_is_conservative_and_observed,
              what_is_encoded_too_often_is_conservative_and_observed,
              what_was_not_looked_at_then_is_not_looked_at_in_replay,
              the_core_is_complete_and_hashed, a_pack_that_comes_back_is_taken_anew,
              context_never_lowers_and_floors_are_never_undercut,
              neighbours_and_map_order_never_matter, fixture_close)
