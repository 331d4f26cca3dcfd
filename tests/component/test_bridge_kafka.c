/* SPDX-License-Identifier: Apache-2.0 */
/* The bridge over a broker in this process, with a thread that answers as a worker would. */
#include "lac_bridge_kafka.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "lac_arena.h"
#include "lac_clock.h"
#include "lac_http_client.h"
#include "lac_json.h"
#include "lac_kafka_mock.h"
#include "lac_records.h"
#include "lac_test.h"
#include "lac_wire.h"

enum { PATIENCE_MS = 20000, REQUESTS = 50, BATCH = 60, SLOW_MS = 50 };

#define REQUESTS_TOPIC "c.requests.interactive"
#define REPLIES_TOPIC  "c.replies"

static struct lac_kafka_mock *mock;
static struct lac_kafka_options options;
static struct lac_bridge_kafka *broker_link;
static struct lac_bridge *bridge;
static struct lac_http_client *client;
static atomic_bool stop, silent;
static atomic_int answered, failures;

/* ---- a worker of twenty lines ---- */

struct worker {
    struct lac_kafka_consumer *consumer;
    struct lac_kafka_producer *producer;
    struct lac_wire *wire;
    struct lac_arena arena;
    int replies;
};

static bool answer(struct worker *w, const struct lac_kafka_msg *msg)
{
    struct lac_request request;
    struct lac_str correlation, partition, type, value;
    uint64_t to;
    char bytes[512];
    if (!lac_kafka_msg_header(msg, "lacuna-correlation-id", &correlation) ||
        !lac_kafka_msg_header(msg, "lacuna-reply-partition", &partition) ||
        !lac_kafka_msg_header(msg, "content-type", &type) || !lac_str_to_u64(partition, &to))
        return false;
    lac_arena_reset(&w->arena);
    if (lac_wire_read(w->wire, &lac_request_type, &request, msg->value, type, &w->arena, NULL) !=
        LAC_OK)
        return false;
    struct lac_decision_core core = {.semantics = 1,
                                     .tenant = request.tenant,
                                     .tier = LAC_TIER_PROPRIETARY,
                                     .posterior = {0, 0, 1000000},
                                     .commitment_key = LAC_STR("k"),
                                     .engine = LAC_STR("rules/1")};
    struct lac_decision d = {.final = true,
                             .request_id = request.request_id,
                             .origin = {.origin = LAC_STR("o"), .topic = LAC_STR("t")},
                             .core = {bytes, lac_decision_core_encode(&core, bytes)},
                             .instance = LAC_STR("i"),
                             .program_version = LAC_STR("v")};
    lac_event_id_make(&d.event_id, LAC_STR("here"), lac_str_from(msg->topic), msg->partition,
                      msg->offset, msg->timestamp);
    if (lac_wire_write(w->wire, &lac_decision_type, &d, &w->arena, &value, NULL) != LAC_OK)
        return false;
    const struct lac_kafka_header headers[] = {{LAC_STR("lacuna-correlation-id"), correlation},
                                               {LAC_STR("content-type"), type}};
    const struct lac_kafka_record r = {.key = correlation,
                                       .value = value,
                                       .partition = (int32_t)to,
                                       .headers = headers,
                                       .header_count = LAC_COUNT(headers)};
    return lac_kafka_produce(w->producer, w->replies, &r, true, NULL) == LAC_OK;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    while (!atomic_load(&stop)) {
        struct lac_kafka_msg msg = {0};
        struct lac_err err = {0};
        if (lac_kafka_poll(w->consumer, 20, &msg, &err) == LAC_OK && !atomic_load(&silent)) {
            if (answer(w, &msg))
                atomic_fetch_add(&answered, 1);
            else
                atomic_fetch_add(&failures, 1);
        }
        lac_kafka_msg_release(&msg);
        (void)lac_kafka_producer_poll(w->producer, 0);
    }
    return NULL;
}

static void start_worker(struct worker *w, pthread_t *thread)
{
    struct lac_err err = {0};
    struct lac_kafka_position at = {.topic = REQUESTS_TOPIC, .offset = LAC_KAFKA_BEGINNING};
    atomic_store(&stop, false);
    LAC_TEST_NEED(lac_wire_open(&w->wire, NULL, &err) == LAC_OK);
    LAC_TEST_NEED(lac_arena_init(&w->arena, 1 << 20, &err) == LAC_OK);
    LAC_TEST_NEED(lac_kafka_consumer_assign(&w->consumer, &options, &at, 1, &err) == LAC_OK);
    LAC_TEST_NEED(lac_kafka_producer_open(&w->producer, &options,
                                          &(struct lac_kafka_producer_setup){0}, &err) == LAC_OK);
    LAC_TEST_NEED(lac_kafka_producer_topic(w->producer, REPLIES_TOPIC, &w->replies, &err) ==
                  LAC_OK);
    LAC_TEST_NEED(pthread_create(thread, NULL, work, w) == 0);
}

static void end_worker(struct worker *w, pthread_t thread)
{
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    lac_kafka_consumer_close(w->consumer);
    lac_kafka_producer_close(w->producer);
    lac_wire_close(w->wire);
    lac_arena_deinit(&w->arena);
}

/* ---- the bridge ---- */

static void fatal(void *ctx, const struct lac_err *err)
{
    (void)ctx;
    fprintf(stderr, "fatal: %s\n", err->text);
    atomic_fetch_add(&failures, 1);
}

static void set_up(bool topics)
{
    struct lac_err err = {0};
    atomic_store(&answered, 0);
    atomic_store(&failures, 0);
    atomic_store(&silent, false);
    LAC_TEST_NEED(lac_kafka_mock_new(&mock, 1, &err) == LAC_OK);
    options = (struct lac_kafka_options){.bootstrap_servers = lac_kafka_mock_bootstrap(mock),
                                         .fetch_wait_max_ms = 5,
                                         .queue_bytes = 1 << 20};
    if (topics) {
        LAC_TEST_NEED(lac_kafka_mock_topic(mock, REQUESTS_TOPIC, 1, &err) == LAC_OK);
        LAC_TEST_NEED(lac_kafka_mock_topic(mock, REPLIES_TOPIC, 3, &err) == LAC_OK);
    }
    const struct lac_bridge_kafka_options k = {.kafka = options,
                                               .topic_prefix = "c.",
                                               .origin = "here",
                                               .instance = "bridge-2",
                                               .reply_partition = -1,
                                               .fatal = fatal};
    LAC_TEST_NEED(lac_bridge_kafka_open(&broker_link, &k, &err) == LAC_OK);
    const struct lac_bridge_options o = {.http = {.listen = "127.0.0.1:0"},
                                         .version = "test",
                                         .in_flight = 64,
                                         .deadline_ms = PATIENCE_MS,
                                         .idempotency_ttl_ms = 60000,
                                         .link = lac_bridge_kafka_link(broker_link)};
    LAC_TEST_NEED(lac_bridge_open(&bridge, &o, &err) == LAC_OK);
    LAC_TEST_NEED(lac_bridge_kafka_start(broker_link, bridge, &err) == LAC_OK);
    LAC_TEST_NEED(lac_http_server_start(lac_bridge_server(bridge), &err) == LAC_OK);
    LAC_TEST_NEED(lac_http_client_new(&client,
                                      &(struct lac_http_client_options){.total_ms = PATIENCE_MS},
                                      &err) == LAC_OK);
}

static void close_bridge(void)
{
    lac_http_client_free(client);
    lac_bridge_kafka_stop(broker_link);
    lac_bridge_close(bridge);
    lac_bridge_kafka_close(broker_link);
}

static void tear_down(void)
{
    close_bridge();
    lac_kafka_mock_free(mock);
}

static unsigned ask(const char *path, const char *body, struct lac_buf *got)
{
    char url[256];
    unsigned status = 0;
    struct lac_err err = {0};
    snprintf(url, sizeof url, "http://%s%s", lac_http_server_address(lac_bridge_server(bridge)),
             path);
    lac_buf_reset(got);
    if (body)
        (void)!lac_http_post(client, url, "application/json", lac_str_from(body), got, &status,
                             &err);
    else
        (void)!lac_http_get(client, url, got, &status, &err);
    return status;
}

static bool ready_within(uint32_t ms, struct lac_buf *got)
{
    uint64_t end = lac_clock_mono_ms() + ms;
    while (ask("/ready", NULL, got) != 200) {
        if (lac_clock_mono_ms() > end)
            return false;
        lac_clock_sleep_ms(10);
    }
    return true;
}

static void requests_travel_and_come_back(void)
{
    struct worker w = {0};
    struct lac_buf got;
    pthread_t thread;
    lac_buf_init(&got, 1 << 20);
    set_up(true);
    start_worker(&w, &thread);
    LAC_TEST_NEED(ready_within(PATIENCE_MS, &got));
    for (int i = 0; i < REQUESTS; i++) {
        char body[64], id[32];
        struct lac_json *doc = NULL;
        snprintf(id, sizeof id, "r%d", i);
        snprintf(body, sizeof body, "{\"text\":\"x\",\"request_id\":\"%s\"}", id);
        LAC_TEST_EQ(ask("/api/v1/classify", body, &got), 200);
        LAC_TEST_NEED(lac_json_parse(&doc, lac_buf_str(&got), NULL) == LAC_OK);
        CU_ASSERT(lac_str_is(lac_json_string(lac_json_get(doc, "request_id")), id));
        CU_ASSERT(lac_str_is(lac_json_string(lac_json_get(doc, "tier")), "PROPRIETARY"));
        lac_json_free(doc);
    }
    LAC_TEST_EQ(atomic_load(&answered), REQUESTS);
    LAC_TEST_EQ(atomic_load(&failures), 0);
    tear_down();
    end_worker(&w, thread);
    lac_buf_deinit(&got);
}

/* The ids in the 504 are those that the decision will have. */
static void deadline_names_the_event_to_come(void)
{
    struct lac_buf got;
    struct lac_json *doc = NULL;
    struct lac_err err = {0};
    struct lac_kafka_consumer *reader = NULL;
    struct lac_kafka_position at = {.topic = REQUESTS_TOPIC, .offset = LAC_KAFKA_BEGINNING};
    struct lac_kafka_msg msg = {0};
    struct lac_event_id id;
    char text[LAC_EVENT_ID_TEXT_SIZE];
    lac_buf_init(&got, 1 << 20);
    set_up(true);
    LAC_TEST_NEED(ready_within(PATIENCE_MS, &got));
    LAC_TEST_EQ(ask("/api/v1/classify", "{\"text\":\"x\",\"deadline_ms\":1500}", &got), 504);
    LAC_TEST_NEED(lac_json_parse(&doc, lac_buf_str(&got), NULL) == LAC_OK);
    LAC_TEST_NEED(lac_kafka_consumer_assign(&reader, &options, &at, 1, &err) == LAC_OK);
    for (int i = 0; i < 100 && lac_kafka_poll(reader, 100, &msg, &err) != LAC_OK; i++)
        continue;
    LAC_TEST_NEED(msg.topic != NULL);
    lac_event_id_make(&id, LAC_STR("here"), lac_str_from(msg.topic), msg.partition, msg.offset,
                      msg.timestamp);
    lac_event_id_format(text, &id);
    CU_ASSERT(lac_str_is(lac_json_string(lac_json_get(doc, "event_id")), text));
    lac_kafka_msg_release(&msg);
    lac_kafka_consumer_close(reader);
    lac_json_free(doc);
    tear_down();
    lac_buf_deinit(&got);
}

static void missing_topics_are_waited_for(void)
{
    struct lac_buf got;
    struct lac_err err = {0};
    lac_buf_init(&got, 1 << 20);
    set_up(false);
    CU_ASSERT(!ready_within(300, &got));
    LAC_TEST_EQ(ask("/health/live", NULL, &got), 200);
    LAC_TEST_EQ(ask("/api/v1/classify", "{\"text\":\"x\"}", &got), 503);
    LAC_TEST_NEED(lac_kafka_mock_topic(mock, REQUESTS_TOPIC, 1, &err) == LAC_OK);
    LAC_TEST_NEED(lac_kafka_mock_topic(mock, REPLIES_TOPIC, 3, &err) == LAC_OK);
    CU_ASSERT(ready_within(PATIENCE_MS, &got));
    tear_down();
    lac_buf_deinit(&got);
}

/* A broker has lost what an idempotent producer counts on (it answers "out of order"): the request
 * under way is refused, and a new producer carries the next ones. */
static void a_broken_producer_is_replaced(void)
{
    enum { OUT_OF_ORDER_SEQUENCE = 45 };
    struct worker w = {0};
    struct lac_buf got;
    pthread_t thread;
    unsigned status = 503;
    lac_buf_init(&got, 1 << 20);
    set_up(true);
    start_worker(&w, &thread);
    LAC_TEST_NEED(ready_within(PATIENCE_MS, &got));
    LAC_TEST_EQ(ask("/api/v1/classify", "{\"text\":\"x\"}", &got), 200);
    lac_kafka_mock_fail(mock, LAC_KAFKA_API_PRODUCE, OUT_OF_ORDER_SEQUENCE, 1);
    LAC_TEST_EQ(ask("/api/v1/classify", "{\"text\":\"x\"}", &got), 503);
    for (int i = 0; i < 500 && status == 503; i++) {
        status = ask("/api/v1/classify", "{\"text\":\"x\"}", &got);
        lac_clock_sleep_ms(status == 503 ? 10 : 0);
    }
    LAC_TEST_EQ(status, 200);
    LAC_TEST_EQ(atomic_load(&failures), 0);
    tear_down();
    end_worker(&w, thread);
    lac_buf_deinit(&got);
}

/* A body with as many texts as may be under way. */
static void put_batch(struct lac_buf *out, uint32_t deadline_ms)
{
    char number[16];
    lac_buf_reset(out);
    lac_buf_put_text(out, "{\"deadline_ms\":");
    snprintf(number, sizeof number, "%u", deadline_ms);
    lac_buf_put_text(out, number);
    lac_buf_put_text(out, ",\"queries\":[\"x\"");
    for (int i = 1; i < BATCH; i++)
        lac_buf_put_text(out, ",\"x\"");
    lac_buf_put_text(out, "]}");
}

/* On a slow broker most of a batch is held back until the first are acknowledged. */
static void what_is_held_back_is_sent_and_answered(void)
{
    struct worker w = {0};
    struct lac_buf body, got;
    struct lac_json *doc = NULL;
    pthread_t thread;
    lac_buf_init(&body, 1 << 20);
    lac_buf_init(&got, 1 << 20);
    set_up(true);
    start_worker(&w, &thread);
    LAC_TEST_NEED(ready_within(PATIENCE_MS, &got));
    lac_kafka_mock_broker_rtt(mock, 1, SLOW_MS);
    put_batch(&body, PATIENCE_MS);
    for (int round = 1; round <= 3; round++) {
        LAC_TEST_EQ(ask("/api/v1/classify/batch", lac_buf_cstr(&body), &got), 200);
        LAC_TEST_NEED(lac_json_parse(&doc, lac_buf_str(&got), NULL) == LAC_OK);
        const struct lac_json *results = lac_json_get(doc, "results");
        LAC_TEST_EQ(lac_json_size(results), BATCH);
        for (size_t i = 0; i < BATCH; i++)
            CU_ASSERT(lac_str_is(lac_json_string(lac_json_get(lac_json_item(results, i), "tier")),
                                 "PROPRIETARY"));
        lac_json_free(doc);
        LAC_TEST_EQ(atomic_load(&answered), round * BATCH);
    }
    LAC_TEST_EQ(atomic_load(&failures), 0);
    tear_down();
    end_worker(&w, thread);
    lac_buf_deinit(&body);
    lac_buf_deinit(&got);
}

/* "On its way", as the 504 says, are those as well that were still held at the deadline, and at the
 * bridge's end. */
static void what_is_held_back_outlives_deadline_and_bridge(void)
{
    struct lac_buf body, got;
    struct lac_err err = {0};
    struct lac_kafka_consumer *reader = NULL;
    struct lac_kafka_position at = {.topic = REQUESTS_TOPIC, .offset = LAC_KAFKA_BEGINNING};
    uint64_t end;
    int records = 0;
    lac_buf_init(&body, 1 << 20);
    lac_buf_init(&got, 1 << 20);
    set_up(true);
    LAC_TEST_NEED(ready_within(PATIENCE_MS, &got));
    LAC_TEST_EQ(ask("/api/v1/classify", "{\"text\":\"x\",\"deadline_ms\":1500}", &got), 504);
    lac_kafka_mock_broker_rtt(mock, 1, 10 * SLOW_MS);
    put_batch(&body, SLOW_MS);
    LAC_TEST_EQ(ask("/api/v1/classify/batch", lac_buf_cstr(&body), &got), 200);
    close_bridge();
    lac_kafka_mock_broker_rtt(mock, 1, 0);
    LAC_TEST_NEED(lac_kafka_consumer_assign(&reader, &options, &at, 1, &err) == LAC_OK);
    end = lac_clock_mono_ms() + PATIENCE_MS;
    while (records < 1 + BATCH && lac_clock_mono_ms() < end) {
        struct lac_kafka_msg msg = {0};
        records += lac_kafka_poll(reader, 100, &msg, &err) == LAC_OK;
        lac_kafka_msg_release(&msg);
    }
    LAC_TEST_EQ(records, 1 + BATCH);
    lac_kafka_consumer_close(reader);
    lac_kafka_mock_free(mock);
    lac_buf_deinit(&body);
    lac_buf_deinit(&got);
}

/* One that may not produce would not be allowed to as a new one, either: a person must act. */
static void a_producer_that_is_forbidden_ends_the_program(void)
{
    enum { CLUSTER_AUTHORIZATION_FAILED = 31 };
    struct lac_buf got;
    struct lac_err err = {0};
    lac_buf_init(&got, 1 << 20);
    set_up(false);
    lac_kafka_mock_fail(mock, LAC_KAFKA_API_INIT_PRODUCER_ID, CLUSTER_AUTHORIZATION_FAILED, 64);
    LAC_TEST_NEED(lac_kafka_mock_topic(mock, REQUESTS_TOPIC, 1, &err) == LAC_OK);
    LAC_TEST_NEED(lac_kafka_mock_topic(mock, REPLIES_TOPIC, 3, &err) == LAC_OK);
    for (int i = 0; i < PATIENCE_MS / 10 && !atomic_load(&failures); i++)
        lac_clock_sleep_ms(10);
    LAC_TEST_EQ(atomic_load(&failures), 1);
    LAC_TEST_EQ(ask("/ready", NULL, &got), 503);
    LAC_TEST_EQ(ask("/api/v1/classify", "{\"text\":\"x\"}", &got), 503);
    LAC_TEST_EQ(atomic_load(&failures), 1);
    tear_down();
    lac_buf_deinit(&got);
}

LAC_TEST_MAIN(bridge_kafka, requests_travel_and_come_back, deadline_names_the_event_to_come,
              missing_topics_are_waited_for, a_broken_producer_is_replaced,
              what_is_held_back_is_sent_and_answered,
              what_is_held_back_outlives_deadline_and_bridge,
              a_producer_that_is_forbidden_ends_the_program)
