/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: lanes share a pack without a lock, and a lane that runs allocates nothing. Method: threads
 * with an engine each over one pack, compared core by core (TSan watches); malloc counted through
 * the linker's --wrap, which sees our own calls and not those inside libraries.
 */
#include "lac_engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lac_pack.h"
#include "lac_test.h"

enum { LANES = 4, ROUNDS = 200 };

static const char *const texts[] = {
    "hello",
    "mail jane.doe@example.com or call 415-555-2671",
    "4111 1111 1111 1111 confidential",
    "Caf\xc3\xa9 STRICTLY CONFIDENTIAL: our proprietary plan",
    "bad \xff bytes",
    "DE89370400440532013000 10.1.2.3 acme corp",
    "",
};

static _Thread_local unsigned long allocations;

/* NOLINTBEGIN(readability-identifier-naming): the linker makes these names */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    allocations++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    allocations++;
    return __real_realloc(p, size);
}

/* NOLINTEND(readability-identifier-naming) */

struct lane {
    pthread_t thread;
    const struct lac_pack *pack;
    struct lac_hash256 hashes[LAC_COUNT(texts)]; /* of the last round */
    unsigned long failures;
    unsigned long changes; /* a round differed from the one before */
    unsigned long allocations;
};

static void lane_round(struct lane *l, struct lac_engine *e, struct lac_arena *a, int round)
{
    for (size_t i = 0; i < LAC_COUNT(texts); i++) {
        struct lac_engine_out out;
        struct lac_request r;
        struct lac_engine_in in = {.request = &r, .raw = lac_str_from(texts[i])};
        struct lac_err err;

        lac_arena_reset(a);
        lac_request_init(&r);
        r.text = in.raw;
        if (lac_engine_run(e, l->pack, &in, 1, a, &out, &err) != LAC_OK) {
            l->failures++;
            return;
        }
        l->changes += round > 0 && memcmp(&l->hashes[i], &out.decision_hash, 32) != 0;
        l->hashes[i] = out.decision_hash;
    }
}

static void *lane_main(void *arg)
{
    static const struct lac_engine_options options = {.strategy = LAC_STRATEGY_BALANCED,
                                                      .commitment_key = LAC_STR("0123456789abcdef"),
                                                      .commitment_key_id = LAC_STR("t")};
    struct lane *l = arg;
    struct lac_engine *e = NULL;
    struct lac_arena a = {0};
    struct lac_err err;

    if (lac_engine_open(&e, &options, &err) != LAC_OK ||
        lac_arena_init(&a, 1 << 20, &err) != LAC_OK) {
        l->failures++;
    } else {
        unsigned long before;

        lane_round(l, e, &a, 0); /* takes the pack, which allocates */
        before = allocations;
        for (int round = 1; round < ROUNDS; round++)
            lane_round(l, e, &a, round);
        l->allocations = allocations - before;
    }
    lac_engine_close(e);
    lac_arena_deinit(&a);
    return NULL;
}

static void lanes_share_a_pack_and_allocate_nothing(void)
{
    static struct lane lanes[LANES];
    struct lac_pack *pack = NULL;
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_pack_open(&pack, NULL, &err), LAC_OK);
    LAC_TEST_NEED(pack != NULL);
    CU_ASSERT(allocations > 0); /* the counter counts */
    for (int i = 0; i < LANES; i++) {
        lanes[i].pack = pack;
        LAC_TEST_EQ(pthread_create(&lanes[i].thread, NULL, lane_main, &lanes[i]), 0);
    }
    for (int i = 0; i < LANES; i++) {
        LAC_TEST_EQ(pthread_join(lanes[i].thread, NULL), 0);
        LAC_TEST_EQ(lanes[i].failures, 0);
        LAC_TEST_EQ(lanes[i].changes, 0);
        LAC_TEST_EQ(lanes[i].allocations, 0);
        LAC_TEST_EQ(memcmp(lanes[i].hashes, lanes[0].hashes, sizeof(lanes[0].hashes)), 0);
    }
    lac_pack_close(pack);
}

LAC_TEST_MAIN(engine_lanes, lanes_share_a_pack_and_allocate_nothing)
