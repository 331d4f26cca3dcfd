/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: packs change under running lanes without a lock on their way, without a pack being closed
 * that somebody uses, and without one that nobody uses being kept. Method: lanes that decide, one
 * follower that publishes as fast as it can (TSan and ASan watch).
 */
#include "lac_control_packs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "control_fixture.h"
#include "lac_engine.h"
#include "lac_test.h"

enum { LANES = 3, SWAPS = 300 };

struct lane {
    pthread_t thread;
    struct lac_control_packs *packs;
    atomic_bool *stop;
    unsigned long batches, changes, failures, mixed, backwards;
};

/* A batch: some engine runs, all of which must name the pack that counted when it began. */
static void batch(struct lane *l, struct lac_engine *e, struct lac_arena *a,
                  const struct lac_control_lineup *p)
{
    const struct lac_control_pack *pack = p->at[LAC_CONTROL_CURRENT];

    lac_arena_reset(a);
    for (int i = 0; i < 3; i++) {
        struct lac_engine_out out;
        struct lac_request r;
        struct lac_engine_in in = {.request = &r, .raw = LAC_STR("about word1 and word2")};
        struct lac_err err;

        lac_request_init(&r);
        r.text = in.raw;
        if (lac_engine_run(e, pack->pack, &in, 1, a, &out, &err) != LAC_OK) {
            l->failures++;
            return;
        }
        l->mixed += memcmp(&out.core.pack_hash, &fixture_hashes[pack->version % 4],
                           sizeof(out.core.pack_hash)) != 0;
    }
    l->batches++;
}

static void *lane_main(void *arg)
{
    static const struct lac_engine_options options = {.strategy = LAC_STRATEGY_BALANCED,
                                                      .commitment_key = LAC_STR("0123456789abcdef"),
                                                      .commitment_key_id = LAC_STR("t")};
    const struct lac_control_lineup *held = NULL;
    struct lac_engine *e = NULL;
    struct lane *l = arg;
    struct lac_arena a = {0};
    struct lac_err err;
    int64_t version = -1;

    if (lac_engine_open(&e, &options, &err) != LAC_OK ||
        lac_arena_init(&a, 2 << 20, &err) != LAC_OK) {
        l->failures++;
        lac_engine_close(e);
        return NULL;
    }
    while (!atomic_load(l->stop)) {
        held = lac_control_packs_take(l->packs, held);
        l->changes += held->at[LAC_CONTROL_CURRENT]->version != version;
        l->backwards += held->at[LAC_CONTROL_CURRENT]->version < version;
        version = held->at[LAC_CONTROL_CURRENT]->version;
        batch(l, e, &a, held);
    }
    lac_control_packs_release(l->packs, held);
    lac_engine_close(e);
    lac_arena_deinit(&a);
    return NULL;
}

/* Opens pack `version` % 4 and puts it in force. */
static void swap(struct lac_control_packs *packs, int64_t version)
{
    static const int32_t share[LAC_CONTROL_ROLE_COUNT];
    struct lac_control_pack *at[LAC_CONTROL_ROLE_COUNT] = {NULL};
    struct lac_pack *pack = NULL;
    struct lac_err err;

    LAC_TEST_NEED(lac_pack_open_bytes(&pack, lac_buf_str(&fixture_packs[version % 4]), &err) ==
                  LAC_OK);
    LAC_TEST_NEED(lac_control_pack_new(&at[LAC_CONTROL_CURRENT], pack, &err) == LAC_OK);
    at[LAC_CONTROL_CURRENT]->version = version;
    LAC_TEST_NEED(lac_control_packs_publish(packs, at, share, &err) == LAC_OK);
    lac_control_pack_drop(at[LAC_CONTROL_CURRENT]); /* the lineup has its own reference */
}

static void packs_change_under_running_lanes(void)
{
    static struct lane lanes[LANES];
    static atomic_bool stop;
    struct lac_control_packs *packs = NULL;
    struct lac_err err;
    size_t most = 0;

    fixture_open();
    LAC_TEST_NEED(lac_control_packs_new(&packs, &err) == LAC_OK);
    swap(packs, 0);
    for (int i = 0; i < LANES; i++) {
        lanes[i].packs = packs;
        lanes[i].stop = &stop;
        LAC_TEST_NEED(pthread_create(&lanes[i].thread, NULL, lane_main, &lanes[i]) == 0);
    }
    for (int64_t version = 1; version <= SWAPS; version++) {
        size_t held;

        swap(packs, version);
        held = lac_control_packs_reap(packs);
        most = held > most ? held : most;
    }
    atomic_store(&stop, true);
    for (int i = 0; i < LANES; i++) {
        LAC_TEST_EQ(pthread_join(lanes[i].thread, NULL), 0);
        LAC_TEST_EQ(lanes[i].failures, 0);
        LAC_TEST_EQ(lanes[i].mixed, 0);
        LAC_TEST_EQ(lanes[i].backwards, 0);
        CU_ASSERT(lanes[i].batches > 0);
    }
    CU_ASSERT(most <= LANES); /* each lane holds one old lineup at most */
    LAC_TEST_EQ(lac_control_packs_reap(packs), 0);
    lac_control_packs_free(packs);
    fixture_close();
}

LAC_TEST_MAIN(control_lanes, packs_change_under_running_lanes)
