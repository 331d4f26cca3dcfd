/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_tier2 - what the benchmarks of tier 2's path through Kafka share
 *
 * Requests, each {"text": ...}, what is right about them, and the lanes of lacuna-classify that
 * answer them. Texts are those of packs/starter that rules leave open, each with a number behind
 * it: no two are equal. The pack is the built-in one, or the folder LACUNA_BENCH_PACK; the model
 * MiniLM as the tests find it.
 *
 * What is right is what an engine of its own says beforehand. While `check` is set, each decision
 * of the lanes must have the same hash.
 */
#ifndef BENCH_TIER2_H
#define BENCH_TIER2_H

#include <limits.h>

#include "bench_lane.h"
#include "lac_arena.h"
#include "lac_classify.h"
#include "lac_digest.h"
#include "lac_engine.h"
#include "lac_pack.h"
#include "lac_semantic.h"

/* One record of the input with what is right. */
struct bench_tier2_item {
    struct lac_str raw, text; /* in the arena */
    struct lac_hash256 hash;  /* of the decision */
    uint32_t likelihood[LAC_TIER_COUNT];
    int32_t *ids; /* one sequence, in the arena; bench_tier2_open() leaves it NULL */
    uint32_t id_count;
};

struct bench_tier2 {
    const char *name; /* of the benchmark, for messages */
    char model[PATH_MAX];
    struct lac_pack *pack;
    struct lac_semantic *semantic;
    struct lac_engine_options engine;
    struct lac_classify shared;
    struct lac_classify_lane *lanes[BENCH_LANES_MAX];
    struct lac_arena memory;
    struct lac_str *texts;
    size_t text_count;
    struct bench_tier2_item *items;
    size_t count;
    bool check;
    atomic_size_t checked, wrong;
    atomic_uint_fast64_t bytes[2]; /* of the checked requests' records: decisions, lineage */
};

/* `wanted` requests in `items`. False: the reason is on stderr. Close it in any case. */
bool bench_tier2_open(struct bench_tier2 *t, const char *name, size_t wanted);
void bench_tier2_close(struct bench_tier2 *t);

/* The pack's folder. */
const char *bench_tier2_pack(void);

/* For struct bench_lane_work, with a struct bench_tier2 as ctx. */
struct lac_str bench_tier2_value(void *ctx, uint64_t i);
enum lac_status bench_tier2_stage(void *ctx, size_t lane, struct lac_batch *b, struct lac_err *err);

/* To stderr; false. */
bool bench_tier2_say(const struct bench_tier2 *t, const char *what, const struct lac_err *err);

#endif
