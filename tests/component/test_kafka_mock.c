/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: what goes into a topic comes out of it as it was, and every refusal has the status that
 * its caller can act on. On librdkafka's in-process broker. */
#include "lac_kafka.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lac_clock.h"
#include "lac_kafka_admin.h"
#include "lac_kafka_mock.h"
#include "lac_log.h"
#include "lac_test.h"

enum { WAIT_MS = 20000, NOT_LEADER = 6 /* of the protocol */ };

static struct lac_kafka_mock *mock;
static struct lac_kafka_options options;
static struct lac_err err;

static void open_mock(void)
{
    lac_log_open("test", LAC_LOG_ERROR, LAC_LOG_KEY_VALUE);
    LAC_TEST_NEED(lac_kafka_mock_new(&mock, 1, &err) == LAC_OK);
    LAC_TEST_NEED(lac_kafka_mock_topic(mock, "t", 3, &err) == LAC_OK);
    options = (struct lac_kafka_options){
        .bootstrap_servers = lac_kafka_mock_bootstrap(mock),
        .compression = "none",
        .fetch_wait_max_ms = 5,
        .session_timeout_ms = 6000,
        .queue_bytes = 8 << 20,
    };
}

static struct lac_kafka_producer *open_producer(const struct lac_kafka_producer_setup *setup,
                                                int *topic)
{
    struct lac_kafka_producer *p = NULL;

    LAC_TEST_NEED(lac_kafka_producer_open(&p, &options, setup, &err) == LAC_OK);
    LAC_TEST_NEED(lac_kafka_producer_topic(p, "t", topic, &err) == LAC_OK);
    return p;
}

static struct lac_kafka_consumer *open_reader(void)
{
    const struct lac_kafka_position all[] = {{"t", 0, LAC_KAFKA_BEGINNING},
                                             {"t", 1, LAC_KAFKA_BEGINNING},
                                             {"t", 2, LAC_KAFKA_BEGINNING}};
    struct lac_kafka_consumer *c = NULL;

    LAC_TEST_NEED(lac_kafka_consumer_assign(&c, &options, all, 3, &err) == LAC_OK);
    return c;
}

static bool next(struct lac_kafka_consumer *c, struct lac_kafka_msg *msg)
{
    uint64_t until = lac_clock_mono_ms() + WAIT_MS;

    while (lac_clock_mono_ms() < until)
        if (lac_kafka_poll(c, 100, msg, &err) == LAC_OK)
            return true;
    return false;
}

static void a_record_comes_back_as_it_was(void)
{
    const struct lac_kafka_producer_setup setup = {0};
    const struct lac_kafka_header headers[] = {{LAC_STR("one"), LAC_STR("1")},
                                               {LAC_STR("nothing"), LAC_STR_NULL},
                                               {LAC_STR("one"), LAC_STR("2")}};
    struct lac_kafka_record r = {.key = LAC_STR("k"),
                                 .value = LAC_STR("v\0w"),
                                 .partition = 2,
                                 .timestamp = 1700000000123,
                                 .headers = headers,
                                 .header_count = 3};
    struct lac_kafka_producer *p;
    struct lac_kafka_consumer *c;
    struct lac_kafka_msg msg = {0};
    struct lac_kafka_header h;
    struct lac_str v;
    int topic;

    open_mock();
    p = open_producer(&setup, &topic);
    LAC_TEST_EQ(lac_kafka_produce(p, topic, &r, true, &err), LAC_OK);
    LAC_TEST_EQ(lac_kafka_flush(p, WAIT_MS, &err), LAC_OK);
    LAC_TEST_EQ(lac_kafka_producer_failed(p, &err), 0);
    c = open_reader();
    LAC_TEST_NEED(next(c, &msg));
    LAC_TEST_STR(msg.topic, "t");
    LAC_TEST_EQ(msg.partition, 2);
    LAC_TEST_EQ(msg.offset, 0);
    LAC_TEST_EQ(msg.timestamp, 1700000000123);
    CU_ASSERT(lac_str_eq(msg.key, r.key) && lac_str_eq(msg.value, r.value));
    CU_ASSERT(lac_kafka_msg_header(&msg, "one", &v) && lac_str_is(v, "2"));
    CU_ASSERT(lac_kafka_msg_header_at(&msg, 1, &h) && !h.value.ptr);
    CU_ASSERT(!lac_kafka_msg_header_at(&msg, 3, &h));
    lac_kafka_msg_release(&msg);
    lac_kafka_msg_release(&msg); /* twice is fine */
    lac_kafka_consumer_close(c);
    lac_kafka_producer_close(p);
    lac_kafka_mock_free(mock);
}

static void batches_keep_order_and_count(void)
{
    enum { N = 1500 };
    const struct lac_kafka_producer_setup setup = {.queue_records = 1000};
    static struct lac_kafka_record r[N];
    static char values[N][8];
    struct lac_kafka_producer *p;
    struct lac_kafka_consumer *c;
    size_t taken = 0, seen = 0;
    int topic;

    open_mock();
    options.linger_ms = 3000; /* nothing leaves the queue while it is filled */
    p = open_producer(&setup, &topic);
    for (int i = 0; i < N; i++) {
        r[i] = (struct lac_kafka_record){
            .key = LAC_STR("same"),
            .value = {values[i], (size_t)snprintf(values[i], sizeof(values[i]), "%d", i)},
            .partition = LAC_KAFKA_ANY_PARTITION,
        };
    }
    /* The queue holds 1,000: the rest is told to come again. */
    LAC_TEST_EQ(lac_kafka_produce_batch(p, topic, r, N, &taken, &err), LAC_AGAIN);
    LAC_TEST_EQ(taken, 1000);
    LAC_TEST_EQ(lac_kafka_flush(p, WAIT_MS, &err), LAC_OK);
    LAC_TEST_EQ(lac_kafka_produce_batch(p, topic, r + 1000, N - 1000, &taken, &err), LAC_OK);
    LAC_TEST_EQ(taken, N - 1000);
    LAC_TEST_EQ(lac_kafka_flush(p, WAIT_MS, &err), LAC_OK);
    c = open_reader();
    while (seen < N) {
        struct lac_kafka_msg msg = {0};

        LAC_TEST_NEED(next(c, &msg));
        if (!lac_str_is(msg.value, values[seen]))
            CU_FAIL("out of order");
        lac_kafka_msg_release(&msg);
        seen++;
    }
    lac_kafka_consumer_close(c);
    lac_kafka_producer_close(p);
    lac_kafka_mock_free(mock);
}

static void what_can_never_be_sent_is_rejected_at_once(void)
{
    static char large[2 << 20];
    const struct lac_kafka_producer_setup setup = {0};
    const struct lac_kafka_header header = {LAC_STR("h"), LAC_STR("v")};
    struct lac_kafka_record r = {.value = {large, sizeof(large)}, .partition = -1};
    const struct lac_kafka_record fine = {.value = LAC_STR("x"), .partition = -1};
    struct lac_kafka_record three[3];
    struct lac_kafka_producer *p;
    size_t taken;
    int topic;

    open_mock();
    p = open_producer(&setup, &topic);
    LAC_TEST_EQ(lac_kafka_produce(p, topic, &r, true, &err), LAC_REJECT);
    three[0] = three[1] = fine;
    three[2] = r;
    LAC_TEST_EQ(lac_kafka_produce_batch(p, topic, three, 3, &taken, &err), LAC_REJECT);
    LAC_TEST_EQ(taken, 2);
    r = fine;
    r.partition = 3; /* there are 0, 1 and 2 */
    r.headers = &header;
    r.header_count = 1;
    LAC_TEST_EQ(lac_kafka_produce(p, topic, &r, true, &err), LAC_REJECT);
    r.partition = 1;
    LAC_TEST_EQ(lac_kafka_produce(p, topic, &r, true, &err), LAC_OK);
    LAC_TEST_EQ(lac_kafka_flush(p, WAIT_MS, &err), LAC_OK);
    lac_kafka_producer_close(p);
    lac_kafka_mock_free(mock);
}

static size_t delivered_ok, delivered_bad;

static void on_delivered(void *ctx, const struct lac_kafka_delivery *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        CU_ASSERT(d[i].opaque == ctx);
        delivered_ok += d[i].status == LAC_OK && d[i].offset >= 0;
        delivered_bad += d[i].status != LAC_OK && d[i].offset == -1;
    }
}

static void deliveries_are_reported_and_wake_the_loop(void)
{
    int fd = eventfd(0, EFD_NONBLOCK);
    const struct lac_kafka_producer_setup setup = {.delivered = on_delivered, .ctx = &fd};
    const struct lac_kafka_record r = {.value = LAC_STR("x"), .partition = 0, .opaque = &fd};
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    struct lac_kafka_producer *p;
    int topic;

    open_mock();
    delivered_ok = delivered_bad = 0;
    p = open_producer(&setup, &topic);
    lac_kafka_producer_wake_fd(p, fd);
    LAC_TEST_EQ(lac_kafka_produce(p, topic, &r, true, &err), LAC_OK);
    LAC_TEST_EQ(poll(&wait, 1, WAIT_MS), 1);
    for (int i = 0; i < 100 && !delivered_ok; i++)
        (void)lac_kafka_producer_poll(p, 100);
    LAC_TEST_EQ(delivered_ok, 1);
    /* Records that a closing producer drops are reported as well: somebody waits for them. */
    lac_kafka_mock_broker_down(mock, 1, true);
    LAC_TEST_EQ(lac_kafka_produce(p, topic, &r, true, &err), LAC_OK);
    lac_kafka_producer_close(p);
    LAC_TEST_EQ(delivered_bad, 1);
    lac_kafka_mock_free(mock);
    (void)close(fd);
}

static void positions_are_committed_and_told(void)
{
    const char *const topics[] = {"t"};
    const struct lac_kafka_group group = {.id = "g", .topics = topics, .topic_count = 1};
    const struct lac_kafka_producer_setup setup = {0};
    const struct lac_kafka_record r = {.value = LAC_STR("x"), .partition = 1};
    struct lac_kafka_position at[] = {{"t", 1, 1}, {"t", 2, LAC_KAFKA_NONE}};
    struct lac_kafka_admin *a = NULL;
    size_t members;
    struct lac_kafka_consumer *c = NULL;
    struct lac_kafka_producer *p;
    struct lac_kafka_msg msg = {0};
    char id[LAC_KAFKA_CLUSTER_ID_SIZE];
    int64_t low, high;
    int topic;

    open_mock();
    p = open_producer(&setup, &topic);
    for (int i = 0; i < 2; i++)
        LAC_TEST_EQ(lac_kafka_produce(p, topic, &r, true, &err), LAC_OK);
    LAC_TEST_EQ(lac_kafka_flush(p, WAIT_MS, &err), LAC_OK);
    LAC_TEST_NEED(lac_kafka_consumer_subscribe(&c, &options, &group, &err) == LAC_OK);
    LAC_TEST_NEED(next(c, &msg));
    lac_kafka_msg_release(&msg);
    LAC_TEST_EQ(lac_kafka_commit(c, at, 1, true, &err), LAC_OK);
    at[0].offset = LAC_KAFKA_NONE;
    LAC_TEST_EQ(lac_kafka_committed(c, at, 2, WAIT_MS, &err), LAC_OK);
    LAC_TEST_EQ(at[0].offset, 1);
    LAC_TEST_EQ(at[1].offset, LAC_KAFKA_NONE);
    at[0].offset = 0;
    LAC_TEST_NEED(next(c, &msg)); /* the second */
    LAC_TEST_EQ(msg.offset, 1);
    lac_kafka_msg_release(&msg);
    LAC_TEST_EQ(lac_kafka_seek(c, at, 1, &err), LAC_OK);
    LAC_TEST_NEED(next(c, &msg)); /* the first again */
    LAC_TEST_EQ(msg.offset, 0);
    lac_kafka_msg_release(&msg);

    LAC_TEST_NEED(lac_kafka_admin_open(&a, &options, &err) == LAC_OK);
    LAC_TEST_EQ(lac_kafka_admin_cluster_id(a, WAIT_MS, id, &err), LAC_OK);
    CU_ASSERT(id[0] != '\0');
    LAC_TEST_EQ(lac_kafka_admin_watermarks(a, "t", 1, WAIT_MS, &low, &high, &err), LAC_OK);
    LAC_TEST_EQ(low, 0);
    LAC_TEST_EQ(high, 2);
    lac_kafka_mock_fail(mock, LAC_KAFKA_API_LIST_OFFSETS, NOT_LEADER, 3);
    LAC_TEST_EQ(lac_kafka_admin_watermarks(a, "t", 1, WAIT_MS, &low, &high, &err), LAC_OK);
    LAC_TEST_EQ(high, 2);
    lac_kafka_mock_fail(mock, LAC_KAFKA_API_LIST_OFFSETS, NOT_LEADER, 1000);
    LAC_TEST_EQ(lac_kafka_admin_watermarks(a, "t", 1, 300, &low, &high, &err), LAC_RETRY);
    at[0].offset = LAC_KAFKA_NONE;
    LAC_TEST_EQ(lac_kafka_admin_committed(a, "g", at, 1, WAIT_MS, &err), LAC_OK);
    LAC_TEST_EQ(at[0].offset, 1);
    CU_ASSERT(lac_kafka_admin_members(a, "g", WAIT_MS, &members, &err) != LAC_OK);
    lac_kafka_admin_close(a);
    lac_kafka_consumer_close(c);
    lac_kafka_producer_close(p);
    lac_kafka_mock_free(mock);
}

static void on_lost(void *ctx, const struct lac_kafka_position *p, size_t n, bool lost)
{
    (void)p;
    (void)n;
    *(size_t *)ctx += lost;
}

/* The library's own heartbeats come every three seconds, whatever the session is. */
static void a_short_session_is_kept_alive(void)
{
    enum { SESSION_MS = 2400 };
    const char *const topics[] = {"t"};
    size_t lost = 0;
    const struct lac_kafka_group group = {.id = "g",
                                          .topics = topics,
                                          .topic_count = 1,
                                          .rebalance = {.ctx = &lost, .revoked = on_lost}};
    const struct lac_kafka_producer_setup setup = {0};
    const struct lac_kafka_record r = {.value = LAC_STR("x"), .partition = 1};
    struct lac_kafka_consumer *c = NULL;
    struct lac_kafka_producer *p;
    struct lac_kafka_msg msg = {0};
    uint64_t until;
    int topic;

    open_mock();
    options.session_timeout_ms = SESSION_MS;
    p = open_producer(&setup, &topic);
    LAC_TEST_EQ(lac_kafka_produce(p, topic, &r, true, &err), LAC_OK);
    LAC_TEST_EQ(lac_kafka_flush(p, WAIT_MS, &err), LAC_OK);
    LAC_TEST_NEED(lac_kafka_consumer_subscribe(&c, &options, &group, &err) == LAC_OK);
    LAC_TEST_NEED(next(c, &msg));
    lac_kafka_msg_release(&msg);
    until = lac_clock_mono_ms() + SESSION_MS + SESSION_MS / 4;
    while (lac_clock_mono_ms() < until)
        if (lac_kafka_poll(c, 100, &msg, &err) == LAC_OK)
            lac_kafka_msg_release(&msg);
    LAC_TEST_EQ(lost, 0);
    lac_kafka_consumer_close(c);
    lac_kafka_producer_close(p);
    lac_kafka_mock_free(mock);
}

static void a_cluster_that_is_away_is_a_retry(void)
{
    struct lac_kafka_admin *a = NULL;
    char id[LAC_KAFKA_CLUSTER_ID_SIZE];

    open_mock();
    options.bootstrap_servers = "127.0.0.1:1";
    LAC_TEST_NEED(lac_kafka_admin_open(&a, &options, &err) == LAC_OK);
    LAC_TEST_EQ(lac_kafka_admin_cluster_id(a, 200, id, &err), LAC_RETRY);
    lac_kafka_admin_close(a);
    lac_kafka_mock_free(mock);
}

static bool count_looks(void *ctx)
{
    return ++*(int *)ctx > 2;
}

/* A program that is told to stop while it waits for a first answer. */
static void a_wait_for_a_cluster_ends_when_it_is_stopped(void)
{
    enum { AN_HOUR_MS = 3600000 };
    struct lac_kafka_cluster_info info;
    struct lac_kafka_admin *a = NULL;
    char id[LAC_KAFKA_CLUSTER_ID_SIZE];
    int looks = 0;

    open_mock();
    options.bootstrap_servers = "127.0.0.1:1";
    options.stopped = count_looks;
    options.stopped_ctx = &looks;
    LAC_TEST_NEED(lac_kafka_admin_open(&a, &options, &err) == LAC_OK);
    LAC_TEST_EQ(lac_kafka_admin_cluster_id(a, AN_HOUR_MS, id, &err), LAC_RETRY);
    CU_ASSERT(strstr(err.text, "stopped") != NULL);
    looks = 0;
    LAC_TEST_EQ(lac_kafka_admin_cluster(a, AN_HOUR_MS, &info, &err), LAC_RETRY);
    CU_ASSERT(strstr(err.text, "stopped") != NULL);
    lac_kafka_admin_close(a);
    lac_kafka_mock_free(mock);
}

/* A successor has its name, or the broker says so: a new producer may go on, the process need not
 * end. The error shows at whatever is called next, so nothing may be asked for in between. */
static void a_fenced_producer_is_to_be_replaced(void)
{
    enum { INVALID_PRODUCER_EPOCH = 47 };
    const struct lac_kafka_producer_setup setup = {.transactional_id = "one"};
    const struct lac_kafka_record r = {.value = LAC_STR("x"), .partition = 0};
    const struct lac_kafka_header header = {LAC_STR("h"), LAC_STR("1")};
    const struct lac_kafka_record with_header = {
        .value = LAC_STR("x"), .partition = 0, .headers = &header, .header_count = 1};
    const struct lac_kafka_record many[] = {
        {.value = LAC_STR("x"), .partition = LAC_KAFKA_ANY_PARTITION},
        {.value = LAC_STR("x"), .partition = LAC_KAFKA_ANY_PARTITION}};
    struct lac_kafka_producer *p;
    enum lac_status status = LAC_OK;
    size_t taken;
    int topic;

    open_mock();
    p = open_producer(&setup, &topic);
    LAC_TEST_NEED(lac_kafka_txn_init(p, WAIT_MS, &err) == LAC_KAFKA_TXN_DONE);
    LAC_TEST_NEED(lac_kafka_txn_begin(p, &err) == LAC_KAFKA_TXN_DONE);
    lac_kafka_mock_fail(mock, LAC_KAFKA_API_PRODUCE, INVALID_PRODUCER_EPOCH, 1);
    for (int i = 0; i < 1000 && status == LAC_OK; i++) {
        status = lac_kafka_produce_batch(p, topic, &r, 1, &taken, &err);
        lac_clock_sleep_ms(10);
    }
    LAC_TEST_EQ(status, LAC_RETRY);
    LAC_TEST_EQ(lac_kafka_produce_batch(p, topic, many, 2, &taken, &err), LAC_RETRY);
    LAC_TEST_EQ(lac_kafka_produce_batch(p, topic, &with_header, 1, &taken, &err), LAC_RETRY);
    CU_ASSERT(strstr(err.text, "fenced") != NULL);
    LAC_TEST_EQ(lac_kafka_producer_reopen(p, &err), LAC_OK);
    LAC_TEST_EQ(lac_kafka_txn_init(p, WAIT_MS, &err), LAC_KAFKA_TXN_DONE);
    LAC_TEST_EQ(lac_kafka_txn_begin(p, &err), LAC_KAFKA_TXN_DONE);
    LAC_TEST_EQ(lac_kafka_produce_batch(p, topic, &r, 1, &taken, &err), LAC_OK);
    LAC_TEST_EQ(lac_kafka_txn_commit(p, WAIT_MS, &err), LAC_KAFKA_TXN_DONE);
    lac_kafka_producer_close(p);
    lac_kafka_mock_free(mock);
}

static bool is_interrupted(const struct lac_kafka_producer *p)
{
    uint64_t until = lac_clock_mono_ms() + WAIT_MS;

    while (!lac_kafka_producer_interrupted(p) && lac_clock_mono_ms() < until)
        lac_clock_sleep_ms(5);
    return lac_kafka_producer_interrupted(p);
}

static void a_connection_that_broke_is_told(void)
{
    const struct lac_kafka_producer_setup setup = {.transactional_id = "one"};
    struct lac_kafka_producer *p;
    int topic;

    open_mock();
    p = open_producer(&setup, &topic);
    LAC_TEST_NEED(lac_kafka_txn_init(p, WAIT_MS, &err) == LAC_KAFKA_TXN_DONE);
    CU_ASSERT(!lac_kafka_producer_interrupted(p));
    lac_kafka_mock_broker_down(mock, 1, true);
    CU_ASSERT(is_interrupted(p));
    LAC_TEST_EQ(lac_kafka_producer_reopen(p, &err), LAC_OK);
    LAC_TEST_EQ(lac_kafka_txn_init(p, 300, &err), LAC_KAFKA_TXN_REPEAT);
    CU_ASSERT(!lac_kafka_producer_interrupted(p)); /* none came up: nothing is under way */
    lac_kafka_mock_broker_down(mock, 1, false);
    LAC_TEST_EQ(lac_kafka_txn_init(p, WAIT_MS, &err), LAC_KAFKA_TXN_DONE);
    CU_ASSERT(!lac_kafka_producer_interrupted(p));
    lac_kafka_producer_close(p);
    lac_kafka_mock_free(mock);
}

LAC_TEST_MAIN(kafka_mock, a_fenced_producer_is_to_be_replaced, a_record_comes_back_as_it_was,
              batches_keep_order_and_count, what_can_never_be_sent_is_rejected_at_once,
              deliveries_are_reported_and_wake_the_loop, positions_are_committed_and_told,
              a_short_session_is_kept_alive, a_cluster_that_is_away_is_a_retry,
              a_wait_for_a_cluster_ends_when_it_is_stopped, a_connection_that_broke_is_told)
