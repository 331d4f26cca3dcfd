/* SPDX-License-Identifier: Apache-2.0 */
#include "engine_fixture.h"

#include "lac_test.h"

enum { ARENA = 8 << 20 };

struct lac_pack *fixture_pack;
struct lac_pack *fixture_sharp;
struct lac_engine *fixture_engines[LAC_STRATEGY_COUNT];
struct lac_arena fixture_arena;

bool fixture_open(void)
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

    if (fixture_pack)
        return true;
    status = lac_pack_open(&fixture_pack, NULL, &err);
    if (status == LAC_OK)
        status = lac_pack_open_files(&fixture_sharp, files, LAC_COUNT(files), &err);
    for (int s = 0; s < LAC_STRATEGY_COUNT && status == LAC_OK; s++) {
        options.strategy = (enum lac_strategy)s;
        status = lac_engine_open(&fixture_engines[s], &options, &err);
    }
    if (status == LAC_OK)
        status = lac_arena_init(&fixture_arena, ARENA, &err);
    LAC_TEST_STR(err.text, "");
    return status == LAC_OK;
}

void fixture_close(void)
{
    for (int s = 0; s < LAC_STRATEGY_COUNT; s++)
        lac_engine_close(fixture_engines[s]);
    lac_pack_close(fixture_pack);
    lac_pack_close(fixture_sharp);
    lac_arena_deinit(&fixture_arena);
    LAC_TEST_EQ(fixture_pack != NULL, true);
}

struct lac_request fixture_request(const char *text)
{
    struct lac_request r;

    lac_request_init(&r);
    r.text = lac_str_from(text);
    return r;
}

enum lac_status fixture_run_with(const struct lac_pack *use, enum lac_strategy s,
                                 const struct lac_request *r, struct lac_engine_out *out)
{
    struct lac_engine_in in = {.request = r, .raw = r->text};
    struct lac_err err = {0};
    enum lac_status status =
        lac_engine_run(fixture_engines[s], use, &in, 1, &fixture_arena, out, &err);

    LAC_TEST_STR(err.text, "");
    return status;
}

enum lac_status fixture_run(enum lac_strategy s, const struct lac_request *r,
                            struct lac_engine_out *out)
{
    return fixture_run_with(fixture_pack, s, r, out);
}

enum lac_tier fixture_tier_of(enum lac_strategy s, const struct lac_request *r)
{
    struct lac_engine_out out;

    lac_arena_reset(&fixture_arena);
    LAC_TEST_EQ(fixture_run(s, r, &out), LAC_OK);
    return out.core.tier;
}

bool fixture_observed(const struct lac_engine_out *out, const char *kind, const char *name,
                      const char *value)
{
    for (size_t i = 0; i < out->core.observations_count; i++)
        if (lac_str_is(out->core.observations[i].kind, kind) &&
            lac_str_is(out->core.observations[i].name, name) &&
            lac_str_is(out->core.observations[i].value, value))
            return true;
    return false;
}
