/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what is pushed on one side of a broker counts on the other, a missing topic or broker
 * keeps nobody from starting who may start, and nobody starts who may not yet.
 *
 * The in-process broker shows aborted records, so that readers see whole pushes only is for
 * tests/integration/test_packs.py.
 */
#include "lac_control_follower.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/control_fixture.h"
#include "lac_clock.h"
#include "lac_control_topic.h"
#include "lac_kafka_mock.h"
#include "lac_test.h"

enum { WAIT_MS = 30000 };

static struct lac_err err;

struct world {
    struct lac_kafka_mock *mock;
    struct lac_kafka_options kafka;
    struct lac_metrics *metrics;
    char path[40], pub[64];
    struct lac_control_follower *follower;
    const struct lac_control_lineup *lineup;
};

static void open_world(struct world *w, bool topic)
{
    *w = (struct world){.path = "/tmp/test_control_mock.XXXXXX"};
    fixture_open();
    LAC_TEST_NEED(mkdtemp(w->path) != NULL);
    (void)snprintf(w->pub, sizeof(w->pub), "%s/pub", w->path);
    LAC_TEST_NEED(lac_sign_public_write(lac_sign_key_public(fixture_key), w->pub, &err) == LAC_OK);
    LAC_TEST_NEED(lac_kafka_mock_new(&w->mock, 1, &err) == LAC_OK);
    if (topic)
        LAC_TEST_NEED(lac_kafka_mock_topic(w->mock, "control", 1, &err) == LAC_OK);
    else
        LAC_TEST_NEED(lac_kafka_mock_topic(w->mock, "other", 1, &err) == LAC_OK);
    w->kafka = (struct lac_kafka_options){.bootstrap_servers = lac_kafka_mock_bootstrap(w->mock),
                                          .fetch_wait_max_ms = 5};
    LAC_TEST_NEED(lac_metrics_new(&w->metrics, &err) == LAC_OK);
}

static void follow(struct world *w)
{
    const struct lac_control_follower_options o = {
        .kafka = &w->kafka,
        .topic = "control",
        .name = "default",
        .signers = w->pub,
        .require_signature = true,
        .cache_dir = w->path,
        .cache_keep = 2,
        .metrics = w->metrics,
    };
    struct lac_pack *fallback = NULL;

    LAC_TEST_NEED(lac_pack_open_bytes(&fallback, lac_buf_str(&fixture_packs[0]), &err) == LAC_OK);
    LAC_TEST_NEED(lac_control_follower_open(&w->follower, &o, fallback, &err) == LAC_OK);
}

static void unfollow(struct world *w)
{
    if (w->lineup)
        lac_control_packs_release(lac_control_follower_packs(w->follower), w->lineup);
    w->lineup = NULL;
    lac_control_follower_close(w->follower);
    w->follower = NULL;
}

static void close_world(struct world *w)
{
    char command[128];

    unfollow(w);
    lac_metrics_free(w->metrics);
    lac_kafka_mock_free(w->mock);
    (void)snprintf(command, sizeof(command), "rm -rf %s", w->path);
    LAC_TEST_EQ(system(command), 0); /* NOLINT(cert-env33-c): a path of mkdtemp() */
}

/* The version that counts now, as a lane sees it. */
static int64_t version(struct world *w)
{
    w->lineup = lac_control_packs_take(lac_control_follower_packs(w->follower), w->lineup);
    return w->lineup->at[LAC_CONTROL_CURRENT]->version;
}

static bool comes(struct world *w, int64_t want)
{
    uint64_t until = lac_clock_mono_ms() + WAIT_MS;

    while (version(w) != want && lac_clock_mono_ms() < until)
        lac_clock_sleep_ms(5);
    return version(w) == want;
}

static enum lac_status push_with(struct lac_control_writer *writer, int64_t v, size_t pack)
{
    struct lac_control_push p = {.content = lac_buf_str(&fixture_packs[pack]), .key = fixture_key};

    p.record = fixture_push(LAC_CONTROL_CURRENT, v, p.content);
    p.record.has_pack = true;
    p.record.pack = fixture_hashes[pack];
    return lac_control_writer_push(writer, &p, &err);
}

static void push(struct world *w, int64_t v, size_t pack)
{
    struct lac_control_writer *writer = NULL;

    LAC_TEST_NEED(
        lac_control_writer_open(&writer, &w->kafka, "control", LAC_STR("default"), &err) == LAC_OK);
    LAC_TEST_EQ(push_with(writer, v, pack), LAC_OK);
    lac_control_writer_close(writer);
}

static void a_push_counts_on_the_other_side(void)
{
    struct world w;

    open_world(&w, true);
    push(&w, 1, 1); /* of several chunks */
    push(&w, 2, 2);
    follow(&w);
    CU_ASSERT(lac_control_follower_ready(w.follower, WAIT_MS));
    LAC_TEST_EQ(version(&w), 2); /* not before, as it was there before */
    for (int64_t v = 3; v <= 6; v++) {
        push(&w, v, (size_t)v);
        CU_ASSERT(comes(&w, v));
        CU_ASSERT(memcmp(lac_pack_hash(w.lineup->at[LAC_CONTROL_CURRENT]->pack), &fixture_hashes[v],
                         sizeof(fixture_hashes[v])) == 0);
    }
    close_world(&w);
}

static void without_a_broker_the_cache_counts(void)
{
    struct world w;

    open_world(&w, true);
    push(&w, 3, 3);
    follow(&w);
    CU_ASSERT(comes(&w, 3));
    unfollow(&w);
    lac_kafka_mock_broker_down(w.mock, 1, true);
    follow(&w);
    LAC_TEST_EQ(version(&w), 3);
    CU_ASSERT(lac_control_follower_ready(w.follower, WAIT_MS)); /* it has waited long enough */
    lac_kafka_mock_broker_down(w.mock, 1, false);
    push(&w, 4, 4);
    CU_ASSERT(comes(&w, 4));
    close_world(&w);
}

static void without_a_topic_the_configured_pack_counts(void)
{
    struct world w;

    open_world(&w, false);
    follow(&w);
    CU_ASSERT(lac_control_follower_ready(w.follower, WAIT_MS));
    LAC_TEST_EQ(version(&w), 0);
    close_world(&w);
}

static void nobody_decides_before_the_topic_was_read(void)
{
    struct world w;

    open_world(&w, true);
    lac_kafka_mock_broker_down(w.mock, 1, true);
    follow(&w);
    CU_ASSERT(!lac_control_follower_ready(w.follower, 300)); /* without a cache, ever */
    lac_kafka_mock_broker_down(w.mock, 1, false);
    CU_ASSERT(lac_control_follower_ready(w.follower, WAIT_MS));
    close_world(&w);
    fixture_close(); /* the last test */
}

LAC_TEST_MAIN(control_mock, a_push_counts_on_the_other_side, without_a_broker_the_cache_counts,
              without_a_topic_the_configured_pack_counts, nobody_decides_before_the_topic_was_read)
