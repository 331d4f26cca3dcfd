/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a text, through a small pack (some detectors, a pattern, phrases) and the engine.
 * Hits lie inside the text and in order; the core decodes again; a second run gives the same one.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lac_assert.h"
#include "lac_engine.h"
#include "lac_match.h"
#include "lac_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELD_BYTES = 1 << 16, HITS = 64 };

static struct lac_pack *pack;
static struct lac_engine *engine;
static struct lac_match_scratch *scratch;
static struct lac_arena arena;

static const char rules[] =
    "rules:\n"
    "- {id: e, entity: E, tier: PROPRIETARY, detector: email}\n"
    "- {id: i, entity: E, tier: PROPRIETARY, detector: ip_address}\n"
    "- {id: s, entity: E, tier: PROPRIETARY, detector: us_ssn}\n"
    "- {id: c, entity: E, tier: PROPRIETARY, detector: credit_card}\n"
    "- {id: b, entity: E, tier: PROPRIETARY, detector: iban}\n"
    "- {id: p, entity: E, tier: PROPRIETARY, detector: phone}\n"
    "- {id: a, entity: E, tier: PROPRIETARY, detector: aws_access_key, allow: ['*example']}\n"
    "- {id: k, entity: E, tier: PROPRIETARY, detector: aws_secret_key}\n"
    "- {id: g, entity: E, tier: PROPRIETARY, detector: github_token}\n"
    "- {id: l, entity: E, tier: PROPRIETARY, detector: slack_token}\n"
    "- {id: y, entity: E, tier: PROPRIETARY, detector: private_key}\n"
    "- {id: t, entity: E, tier: INTERNAL, pattern: '(^|x)TCK-[0-9]{2,5}(\\b|$)'}\n"
    "- {id: m, entity: E, tier: PROPRIETARY, strength: opinion, phrases: [secret, very secret],\n"
    "   likelihoods: {public: 0.1, internal: 0.5, proprietary: 1}, except: ['not * at all']}\n"
    "- {id: w, entity: E, tier: INTERNAL, phrases: [word], context: {words: [near], window: 9}}\n"
    "- {id: h, entity: E, strength: allow, phrases: [hello],\n"
    "   likelihoods: {public: 1, internal: 0.1, proprietary: 0.1}}\n";

static void open_all(void)
{
    const struct lac_pack_file files[] = {
        {LAC_STR("pack.yaml"), LAC_STR("name: f\nversion: 1\nbase: builtin\nexcerpt: 64\n")},
        {LAC_STR("rules.yaml"), LAC_STR(rules)},
    };
    const struct lac_engine_options options = {.strategy = LAC_STRATEGY_AGGRESSIVE,
                                               .commitment_key = LAC_STR("0123456789abcdef"),
                                               .commitment_key_id = LAC_STR("fuzz"),
                                               .field_bytes = FIELD_BYTES};
    struct lac_err err;

    if (lac_pack_open_files(&pack, files, 2, &err) != LAC_OK ||
        lac_engine_open(&engine, &options, &err) != LAC_OK ||
        lac_match_scratch_open(&scratch, FIELD_BYTES, &err) != LAC_OK ||
        lac_match_scratch_fit(scratch, lac_pack_match(pack), &err) != LAC_OK ||
        lac_arena_init(&arena, 8 << 20, &err) != LAC_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

static void scan(struct lac_str text)
{
    struct lac_match_hit at[HITS];
    struct lac_match_hits hits = {.at = at, .capacity = HITS};
    struct lac_err err;

    LAC_ASSERT(lac_match_scan(lac_pack_match(pack), scratch, text, &hits, &err) == LAC_OK);
    LAC_ASSERT(hits.count <= HITS);
    for (size_t i = 0; i < hits.count; i++) {
        LAC_ASSERT(at[i].start < at[i].end && at[i].end <= text.len);
        LAC_ASSERT(hits.rule_hit[at[i].rule]);
        LAC_ASSERT(i == 0 || at[i - 1].start <= at[i].start);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lac_str text = {(const char *)data, size};
    struct lac_engine_out out, again;
    struct lac_decision_core core;
    struct lac_request request;
    struct lac_engine_in in = {.request = &request, .raw = text};
    struct lac_err err;

    if (!pack)
        open_all();
    scan(text);
    lac_arena_reset(&arena);
    lac_request_init(&request);
    request.text = text;
    LAC_ASSERT(lac_engine_run(engine, pack, &in, 1, &arena, &out, &err) == LAC_OK);
    LAC_ASSERT(lac_decision_core_decode(&core, out.core_bytes, &arena, &err) == LAC_OK);
    /* The strategy, and perhaps that tier 2 was not asked; anything else keeps PUBLIC away. */
    for (size_t i = 0; i < core.observations_count; i++)
        LAC_ASSERT(core.tier >= LAC_TIER_INTERNAL ||
                   lac_str_is(core.observations[i].kind, LAC_OBSERVATION_STRATEGY) ||
                   lac_str_is(core.observations[i].kind, LAC_OBSERVATION_SKIPPED));
    LAC_ASSERT(lac_engine_run(engine, pack, &in, 1, &arena, &again, &err) == LAC_OK);
    LAC_ASSERT(lac_str_eq(out.core_bytes, again.core_bytes));
    return 0;
}
