/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: of the packs in force each has its say where it should: the canary for its keys and no
 * others, the shadow beside the decision and never in it, and a new one from the next batch on.
 */
#include "lac_classify.h"

#include <stdio.h>
#include <string.h>

#include "control_fixture.h"
#include "lac_classify_emit.h"
#include "lac_classify_shadow.h"
#include "lac_control_packs.h"
#include "lac_event_id.h"
#include "lac_test.h"

enum { ARENA_SIZE = 16 << 20, MESSAGES = 64, SHARE = LAC_CONTROL_SHARE_ALL / 2 };

struct fixture {
    struct lac_classify shared;
    struct lac_classify_lane *lane;
    struct lac_stage stage;
    struct lac_arena arena, scratch;
    struct lac_batch batch;
    struct lac_kafka_msg msgs[MESSAGES];
    char keys[MESSAGES][16];
    struct lac_err err;
};

static void open_fixture(struct fixture *f)
{
    const struct lac_classify_lane_options o = {
        .shared = &f->shared,
        .engine = {.strategy = LAC_STRATEGY_BALANCED,
                   .commitment_key = LAC_STR("0123456789abcdef"),
                   .commitment_key_id = LAC_STR("test")},
        .input = LAC_TOPIC_REQUESTS,
        .batch_count = (size_t)2 * MESSAGES, /* so that no batch of a test is a full one */
    };

    fixture_open();
    memset(f, 0, sizeof(*f));
    f->shared = (struct lac_classify){
        .origin = LAC_STR("origin-1"), .instance = LAC_STR("i"), .topic_prefix = "lacuna."};
    LAC_TEST_NEED(lac_metrics_new(&f->shared.metrics, &f->err) == LAC_OK);
    LAC_TEST_NEED(lac_control_packs_new(&f->shared.packs, &f->err) == LAC_OK);
    LAC_TEST_NEED(lac_classify_init(&f->shared, &f->err) == LAC_OK);
    LAC_TEST_NEED(lac_classify_lane_open(&f->lane, &o, &f->err) == LAC_OK);
    f->stage = lac_classify_stage(f->lane);
    LAC_TEST_NEED(lac_arena_init(&f->arena, ARENA_SIZE, &f->err) == LAC_OK);
    LAC_TEST_NEED(lac_arena_init(&f->scratch, ARENA_SIZE, &f->err) == LAC_OK);
    LAC_TEST_NEED(lac_batch_init(&f->batch, &f->arena, MESSAGES, (size_t)8 * MESSAGES, &f->err) ==
                  LAC_OK);
}

static void close_fixture(struct fixture *f)
{
    lac_batch_deinit(&f->batch);
    lac_arena_deinit(&f->arena);
    lac_arena_deinit(&f->scratch);
    lac_classify_lane_close(f->lane);
    lac_control_packs_free(f->shared.packs);
    lac_metrics_free(f->shared.metrics);
}

/* Puts fixture packs in force; -1: none in that role. */
static void publish(struct fixture *f, int current, int shadow, int canary)
{
    const int packs[LAC_CONTROL_ROLE_COUNT] = {current, shadow, canary};
    const int32_t share[LAC_CONTROL_ROLE_COUNT] = {0, LAC_CONTROL_SHARE_ALL, SHARE};
    struct lac_control_pack *at[LAC_CONTROL_ROLE_COUNT] = {NULL};

    for (int i = 0; i < LAC_CONTROL_ROLE_COUNT; i++) {
        struct lac_pack *pack = NULL;

        if (packs[i] < 0)
            continue;
        LAC_TEST_NEED(lac_pack_open_bytes(&pack, lac_buf_str(&fixture_packs[packs[i]]), &f->err) ==
                      LAC_OK);
        LAC_TEST_NEED(lac_control_pack_new(&at[i], pack, &f->err) == LAC_OK);
    }
    LAC_TEST_NEED(lac_control_packs_publish(f->shared.packs, at, share, &f->err) == LAC_OK);
    for (int i = 0; i < LAC_CONTROL_ROLE_COUNT; i++)
        lac_control_pack_drop(at[i]);
}

static void run(struct fixture *f, bool keyed)
{
    for (int i = 0; i < MESSAGES; i++) {
        (void)snprintf(f->keys[i], sizeof(f->keys[i]), "key-%d", i);
        f->msgs[i] = (struct lac_kafka_msg){
            .topic = "lacuna.requests",
            .partition = 1,
            .offset = 100 + i,
            .timestamp = 1700000000000,
            .key = keyed ? lac_str_from(f->keys[i]) : LAC_STR_NULL,
            .value = LAC_STR("{\"text\":\"about word1 and word2\"}"),
        };
    }
    lac_batch_reset(&f->batch);
    lac_arena_reset(&f->arena);
    lac_arena_reset(&f->scratch);
    lac_batch_open(&f->batch, f->msgs, MESSAGES);
    f->batch.started_wall_us = 1700000000500000;
    LAC_TEST_EQ(f->stage.run(f->stage.ctx, &f->batch, &f->err), LAC_OK);
    LAC_TEST_EQ(f->batch.record_count, 2 * MESSAGES);
}

/* The core of message `i`, whose records stand at their place in the batch. */
static struct lac_decision_core core_of(struct fixture *f, int i)
{
    const struct lac_kafka_record *r = &f->batch.records[2 * i + 1].record;
    struct lac_decision_core core = {0};
    struct lac_decision d = {0};

    LAC_TEST_NEED(lac_wire_read(lac_classify_lane_wire(f->lane), &lac_decision_type, &d, r->value,
                                LAC_STR(LAC_WIRE_CONTENT_TYPE), &f->scratch, &f->err) == LAC_OK);
    LAC_TEST_EQ(d.origin.offset, 100 + i);
    LAC_TEST_NEED(lac_decision_core_decode(&core, d.core, &f->scratch, &f->err) == LAC_OK);
    return core;
}

static bool names(const struct lac_decision_core *core, int pack)
{
    return memcmp(&core->pack_hash, &fixture_hashes[pack], sizeof(core->pack_hash)) == 0;
}

static void a_new_pack_counts_from_the_next_batch_on(void)
{
    struct fixture f;

    open_fixture(&f);
    for (int pack = 0; pack < 4; pack++) {
        publish(&f, pack, -1, -1);
        run(&f, true);
        for (int i = 0; i < MESSAGES; i++) {
            struct lac_decision_core core = core_of(&f, i);

            CU_ASSERT(names(&core, pack));
            LAC_TEST_EQ(core.tier,
                        pack == 1 || pack == 2 ? LAC_TIER_PROPRIETARY : LAC_TIER_INTERNAL);
        }
        LAC_TEST_EQ(lac_control_packs_reap(f.shared.packs), 0); /* the old one is let go */
    }
    close_fixture(&f);
}

static void a_canary_decides_for_its_share_of_keys(void)
{
    struct fixture f;

    open_fixture(&f);
    publish(&f, 0, -1, 1);
    for (int keyed = 0; keyed <= 1; keyed++) {
        int canaries = 0;

        run(&f, keyed);
        for (int i = 0; i < MESSAGES; i++) {
            struct lac_decision_core core = core_of(&f, i);
            struct lac_event_id id;
            bool canary;

            lac_event_id_make(&id, f.shared.origin, LAC_STR("lacuna.requests"), 1, 100 + i,
                              1700000000000);
            canary = keyed ? lac_control_share_has(SHARE, f.keys[i], strlen(f.keys[i]))
                           : lac_classify_sampled(&id, SHARE);
            lac_test_row("keyed %d, message %d", keyed, i);
            CU_ASSERT(names(&core, canary ? 1 : 0));
            LAC_TEST_EQ(core.tier, canary ? LAC_TIER_PROPRIETARY : LAC_TIER_INTERNAL);
            canaries += canary;
        }
        CU_ASSERT(canaries > MESSAGES / 4 && canaries < MESSAGES * 3 / 4);
    }
    close_fixture(&f);
}

static uint64_t dropped(const struct fixture *f)
{
    uint64_t n = 0;

    for (int i = 0; i < LAC_CLASSIFY_SHADOW_DROP_COUNT; i++)
        n += lac_counter_value(f->shared.shadow_dropped[i]);
    return n;
}

static void check_shadow(struct fixture *f, const struct lac_batch_record *reply)
{
    struct lac_shadow s = {0};

    LAC_TEST_EQ(reply->topic, LAC_CLASSIFY_SHADOW);
    LAC_TEST_NEED(lac_wire_read(lac_classify_lane_wire(f->lane), &lac_shadow_type, &s,
                                reply->record.value, LAC_STR(LAC_WIRE_CONTENT_TYPE), &f->scratch,
                                &f->err) == LAC_OK);
    LAC_TEST_EQ(s.tier, LAC_TIER_INTERNAL);
    LAC_TEST_EQ(s.shadow_tier, LAC_TIER_PROPRIETARY);
    CU_ASSERT(memcmp(&s.pack_hash, &fixture_hashes[0], 32) == 0);
    CU_ASSERT(memcmp(&s.shadow_pack_hash, &fixture_hashes[1], 32) == 0);
    LAC_TEST_EQ(s.rules_only_count, 0);
    LAC_TEST_NEED(s.shadow_rules_only_count == 1);
    CU_ASSERT(lac_str_is(s.shadow_rules_only[0], "word-1"));
    CU_ASSERT(memmem(reply->record.value.ptr, reply->record.value.len, "about", 5) == NULL);
}

static void a_shadow_tells_where_it_differs_and_changes_nothing(void)
{
    static struct lac_str without[MESSAGES * 2];
    struct lac_counter *counter;
    uint64_t heard = 0;
    struct fixture f, plain;

    open_fixture(&plain);
    publish(&plain, 0, -1, -1);
    run(&plain, true);
    for (int i = 0; i < MESSAGES * 2; i++)
        without[i] = plain.batch.records[i].record.value;

    open_fixture(&f);
    publish(&f, 0, 1, -1);
    counter = f.shared.shadow_tiers[LAC_TIER_INTERNAL][LAC_TIER_PROPRIETARY];
    for (int round = 0; round < 50 && heard < MESSAGES; round++) { /* it may be dropped */
        run(&f, true);
        for (size_t i = 0; i < f.batch.reply_count; i++)
            check_shadow(&f, &f.batch.replies[i]);
        heard = lac_counter_value(counter);
        LAC_TEST_EQ(
            heard + dropped(&f),
            (uint64_t)(round + 1) * MESSAGES +
                lac_counter_value(f.shared.shadow_dropped[LAC_CLASSIFY_SHADOW_UNPUBLISHED]));
        for (int i = 0; i < MESSAGES * 2; i += 2) /* routing records have no times in them */
            CU_ASSERT(lac_str_eq(f.batch.records[i].record.value, without[i]));
    }
    CU_ASSERT(heard > 0);
    close_fixture(&f);
    close_fixture(&plain);
}

/* Replies of the interval leave it no room: it is not heard, and nobody's reply is lost. */
static void a_shadow_leaves_room_for_those_who_wait(void)
{
    struct fixture f;

    open_fixture(&f);
    publish(&f, 0, 1, -1);
    run(&f, true);
    lac_batch_open(&f.batch, f.msgs, MESSAGES);
    f.batch.reply_count = f.batch.reply_capacity / 4;
    LAC_TEST_EQ(f.stage.run(f.stage.ctx, &f.batch, &f.err), LAC_OK);
    LAC_TEST_EQ(f.batch.reply_count, f.batch.reply_capacity / 4);
    CU_ASSERT(lac_counter_value(f.shared.shadow_dropped[LAC_CLASSIFY_SHADOW_UNPUBLISHED]) > 0);
    f.batch.reply_count = 0;
    close_fixture(&f);
    fixture_close(); /* the last test */
}

LAC_TEST_MAIN(classify_packs, a_new_pack_counts_from_the_next_batch_on,
              a_canary_decides_for_its_share_of_keys,
              a_shadow_tells_where_it_differs_and_changes_nothing,
              a_shadow_leaves_room_for_those_who_wait)
