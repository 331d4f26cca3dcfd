/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a lane on the real client library gets over what brokers answer in bad moments.
 *
 * The in-process broker keeps no offsets of transactions and shows aborted records, so nothing
 * here is about exactly-once: that every record arrives is.
 */
#include "lac_lane.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lac_clock.h"
#include "lac_fuse.h"
#include "lac_kafka_mock.h"
#include "lac_lane_kafka.h"
#include "lac_log.h"
#include "lac_test.h"

enum { RECORDS = 400, BAD = RECORDS / 50, PARTITIONS = 3, WAIT_MS = 40000 };

/*
 * The in-process broker lets members wait three seconds for a new group, and counts these into
 * their sessions: who outlives one while it waits is forgotten and never gets an answer. A real
 * broker does not expire those whom it makes wait. So a session is longer than a busy machine may
 * stall.
 */
enum { SESSION_MS = 10000 };

/* What a lane writes to, in the order in which it knows them. */
enum { OUT, DEAD, REPLIES, OUTPUTS };
static const char *const topics[] = {"out", "dead", "replies"};

/* Codes of the protocol. */
enum {
    REQUEST_TIMED_OUT = 7,
    NOT_LEADER = 6,
    MSG_SIZE_TOO_LARGE = 10,
    COORDINATOR_LOADING = 14,
    NOT_COORDINATOR = 16,
    INVALID_PRODUCER_EPOCH = 47,
    CONCURRENT_TRANSACTIONS = 51,
    UNKNOWN_MEMBER = 25,
};

static struct lac_err err;

/* A lane with a broker of its own. */
struct run {
    struct lac_kafka_mock *mock;
    struct lac_kafka_options options;
    struct lac_lane_kafka *kafka;
    struct lac_output_kafka output;
    struct lac_lane *lane;
    pthread_t thread, freeing;
    enum lac_status status;
    struct lac_err err;
    int group;               /* which group the lane is in */
    unsigned stage_failures; /* the stage answers RETRY so often first */
    const char *killer;      /* key of a record with which the stage answers FATAL; NULL: none */
    const char *fuse;        /* its path; NULL: none */
    struct lac_kafka_consumer *reader;
    bool seen[OUTPUTS][RECORDS];
    size_t keys[OUTPUTS]; /* how many different ones were seen */
};

static enum lac_status pass_on(void *ctx, struct lac_batch *b, struct lac_err *e)
{
    struct run *r = ctx;

    if (r->stage_failures) {
        r->stage_failures--;
        return lac_err_set(e, LAC_RETRY, 0, "the registry is down");
    }
    for (size_t i = 0; r->killer && i < b->count; i++)
        if (lac_str_is(b->msgs[i].key, r->killer))
            return lac_err_set(e, LAC_FATAL, 0, "the device is broken");
    for (size_t i = 0; i < b->count; i++) {
        struct lac_kafka_record record = {
            .key = b->msgs[i].key, .value = b->msgs[i].value, .partition = LAC_KAFKA_ANY_PARTITION};

        if (lac_str_is(b->msgs[i].value, "bad")) {
            lac_batch_reject(b, i, "undecodable", "no record at all");
            continue;
        }
        if (lac_batch_emit(b, OUT, &record) != LAC_OK ||
            lac_batch_reply(b, REPLIES, &record) != LAC_OK)
            return LAC_AGAIN;
    }
    return LAC_OK;
}

static void fill(struct run *r)
{
    const struct lac_kafka_producer_setup setup = {.may_repeat = true}; /* sooner ready */
    struct lac_kafka_producer *p = NULL;
    char key[16];
    int topic;

    LAC_TEST_NEED(lac_kafka_producer_open(&p, &r->options, &setup, &err) == LAC_OK);
    LAC_TEST_NEED(lac_kafka_producer_topic(p, "in", &topic, &err) == LAC_OK);
    for (int i = 0; i < RECORDS; i++) {
        struct lac_kafka_record record = {
            .key = {key, (size_t)snprintf(key, sizeof(key), "%d", i)},
            .value = i % 50 == 7 ? LAC_STR("bad") : LAC_STR("good"),
            .partition = LAC_KAFKA_ANY_PARTITION,
        };

        LAC_TEST_NEED(lac_kafka_produce(p, topic, &record, true, &err) == LAC_OK);
    }
    LAC_TEST_NEED(lac_kafka_flush(p, WAIT_MS, &err) == LAC_OK);
    LAC_TEST_NEED(lac_kafka_producer_failed(p, &err) == 0);
    lac_kafka_producer_close(p);
}

/*
 * One produce request at a time: with more, librdkafka takes the success of a later one as proof
 * that an earlier one, whose answer was an error, was stored after all. A real broker checks
 * sequence numbers and makes that true; the one in process does not, and a record is gone.
 */
static const char one_at_a_time[] = "max.in.flight.requests.per.connection=1";

static void open_mock(struct run *r, bool produce_fails)
{
    LAC_TEST_NEED(lac_kafka_mock_new(&r->mock, 1, &err) == LAC_OK);
    LAC_TEST_NEED(lac_kafka_mock_topic(r->mock, "in", PARTITIONS, &err) == LAC_OK);
    for (size_t i = 0; i < OUTPUTS; i++)
        LAC_TEST_NEED(lac_kafka_mock_topic(r->mock, topics[i], PARTITIONS, &err) == LAC_OK);
    r->options = (struct lac_kafka_options){
        .bootstrap_servers = lac_kafka_mock_bootstrap(r->mock),
        .compression = "none",
        .fetch_wait_max_ms = 5,
        .session_timeout_ms = SESSION_MS,
        .transaction_timeout_ms = 10000,
        .queue_bytes = 8 << 20,
        .properties = produce_fails ? one_at_a_time : NULL,
    };
    fill(r);
}

static void *run_lane(void *arg)
{
    struct run *r = arg;

    r->status = lac_lane_run(r->lane, &r->err);
    lac_lane_kafka_leave(r->kafka);
    return NULL;
}

static void start(struct run *r, bool transactional)
{
    static const char *const inputs[] = {"in"};
    char group[16];
    const struct lac_lane_kafka_options kafka = {
        .kafka = &r->options,
        .group = group,
        .inputs = inputs,
        .input_count = 1,
        .topics = topics,
        .topic_count = OUTPUTS,
        .transactional_id = transactional ? "g-0" : NULL,
        .timeout_ms = 2000,
    };
    const struct lac_lane_options lane = {
        .name = "lane",
        .topics = topics,
        .topic_count = OUTPUTS,
        .deadletter_topic = DEAD,
        .batch_count = 16,
        .batch_bytes = 1 << 16,
        .batch_age_ms = 5,
        .commit_interval_ms = 20,
        .replies_early = !transactional,
        .fuse_path = r->fuse,
    };
    struct lac_output output;
    struct lac_lane_io io;

    (void)snprintf(group, sizeof(group), "g-%d", r->group);
    LAC_TEST_NEED(lac_lane_kafka_open(&r->kafka, &kafka, &err) == LAC_OK);
    io = lac_lane_kafka_io(r->kafka);
    output = transactional ? lac_output_kafka_txn(&r->output, io, 10000)
                           : lac_output_kafka_idempotent(&r->output, io, 10000);
    LAC_TEST_NEED(
        lac_lane_open(&r->lane, &lane, io, output, (struct lac_stage){r, pass_on}, &err) == LAC_OK);
    r->output.lane = r->lane;
    lac_lane_kafka_bind(r->kafka, r->lane);
    LAC_TEST_NEED(pthread_create(&r->thread, NULL, run_lane, r) == 0);
}

static void *free_mock(void *arg)
{
    lac_kafka_mock_free(arg);
    return NULL;
}

/* A broker takes a second to end; those of several lanes take it together. */
static void stop(struct run *runs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct run *r = &runs[i];

        lac_lane_stop(r->lane);
        (void)pthread_join(r->thread, NULL);
        LAC_TEST_EQ(r->status, LAC_OK);
        lac_lane_close(r->lane);
        lac_lane_kafka_close(r->kafka);
        lac_kafka_consumer_close(r->reader);
        LAC_TEST_NEED(pthread_create(&r->freeing, NULL, free_mock, r->mock) == 0);
    }
    for (size_t i = 0; i < n; i++)
        (void)pthread_join(runs[i].freeing, NULL);
}

static bool is_dead_letter(const struct lac_kafka_msg *m)
{
    struct lac_str topic, reason, offset;

    return lac_kafka_msg_header(m, "lacuna-dlq-topic", &topic) && lac_str_is(topic, "in") &&
           lac_kafka_msg_header(m, "lacuna-dlq-reason", &reason) &&
           lac_str_is(reason, lac_str_is(m->value, "bad") ? "undecodable" : "crash") &&
           lac_kafka_msg_header(m, "lacuna-dlq-offset", &offset) && offset.len > 0;
}

/* Not before the lane has read something: a fetch that is to fail is the lane's, not this one's. */
static void open_reader(struct run *r)
{
    struct lac_kafka_position all[OUTPUTS * PARTITIONS];
    uint64_t until = lac_clock_mono_ms() + WAIT_MS;

    for (int i = 0; i < OUTPUTS * PARTITIONS; i++)
        all[i] = (struct lac_kafka_position){topics[i / PARTITIONS], i % PARTITIONS,
                                             LAC_KAFKA_BEGINNING};
    while (!atomic_load(&lac_lane_health(r->lane)->processed) && lac_clock_mono_ms() < until)
        lac_clock_sleep_ms(10);
    LAC_TEST_NEED(lac_kafka_consumer_assign(&r->reader, &r->options, all, LAC_COUNT(all), &err) ==
                  LAC_OK);
}

static void take(struct run *r, const struct lac_kafka_msg *m)
{
    uint64_t key;

    if (!lac_str_to_u64(m->key, &key) || key >= RECORDS)
        return;
    for (size_t i = 0; i < LAC_COUNT(topics); i++)
        if (strcmp(m->topic, topics[i]) == 0 && !r->seen[i][key] &&
            (i != DEAD || is_dead_letter(m))) {
            r->seen[i][key] = true;
            r->keys[i]++;
        }
}

/* Reads until each topic has shown so many different keys, or it takes too long. */
static void read_keys(struct run *r, const size_t count[static OUTPUTS])
{
    uint64_t until = lac_clock_mono_ms() + WAIT_MS;

    while (lac_clock_mono_ms() < until &&
           (r->keys[OUT] < count[OUT] || r->keys[DEAD] < count[DEAD] ||
            r->keys[REPLIES] < count[REPLIES])) {
        struct lac_kafka_msg msg = {0};

        if (lac_kafka_poll(r->reader, 100, &msg, &err) != LAC_OK)
            continue;
        take(r, &msg);
        lac_kafka_msg_release(&msg);
    }
    for (size_t i = 0; i < OUTPUTS; i++)
        if (count[i])
            LAC_TEST_EQ(r->keys[i], count[i]);
}

/* All records, bad ones in the dead-letter topic, and a reply to every good one: unless it was
 * the reply that the broker refused, for nobody redoes those. */
static void check_all(struct run *r, bool replies)
{
    const size_t count[] = {RECORDS - BAD, BAD, replies ? RECORDS - BAD : 0};

    read_keys(r, count);
}

static const struct {
    const char *name;
    enum lac_kafka_api api;
    int code;
    size_t times;
    bool transactional;
} troubles[] = {
    {"fetch: not leader", LAC_KAFKA_API_FETCH, NOT_LEADER, 3, false},
    {"produce: timed out", LAC_KAFKA_API_PRODUCE, REQUEST_TIMED_OUT, 3, false},
    {"commit: not coordinator", LAC_KAFKA_API_OFFSET_COMMIT, NOT_COORDINATOR, 2, false},
    {"init: coordinator loading", LAC_KAFKA_API_INIT_PRODUCER_ID, COORDINATOR_LOADING, 3, true},
    {"add partitions: concurrent", LAC_KAFKA_API_ADD_PARTITIONS_TO_TXN, CONCURRENT_TRANSACTIONS, 2,
     true},
    {"offsets: unknown member", LAC_KAFKA_API_TXN_OFFSET_COMMIT, UNKNOWN_MEMBER, 1, true},
    {"offsets: coordinator loading", LAC_KAFKA_API_ADD_OFFSETS_TO_TXN, COORDINATOR_LOADING, 2,
     true},
    {"end: fenced", LAC_KAFKA_API_END_TXN, INVALID_PRODUCER_EPOCH, 1, true},
    {"produce: fenced", LAC_KAFKA_API_PRODUCE, INVALID_PRODUCER_EPOCH, 1, true},
    {"produce: refused", LAC_KAFKA_API_PRODUCE, MSG_SIZE_TOO_LARGE, 1, true},
};

/* All at once: each waits some seconds for its group, and they may as well wait together. */
static void every_record_arrives_whatever_the_broker_answers(void)
{
    static struct run runs[LAC_COUNT(troubles)];

    lac_log_open("test", LAC_LOG_ERROR, LAC_LOG_KEY_VALUE); /* once, before threads start */
    for (size_t i = 0; i < LAC_COUNT(troubles); i++) {
        lac_test_row("%s", troubles[i].name);
        open_mock(&runs[i], troubles[i].api == LAC_KAFKA_API_PRODUCE);
        lac_kafka_mock_fail(runs[i].mock, troubles[i].api, troubles[i].code, troubles[i].times);
        start(&runs[i], troubles[i].transactional);
    }
    for (size_t i = 0; i < LAC_COUNT(troubles); i++)
        open_reader(&runs[i]);
    for (size_t i = 0; i < LAC_COUNT(troubles); i++) {
        lac_test_row("%s", troubles[i].name);
        check_all(&runs[i], troubles[i].api != LAC_KAFKA_API_PRODUCE);
    }
    stop(runs, LAC_COUNT(runs));
}

static void a_stage_that_waits_loses_and_dead_letters_nothing(void)
{
    static struct run runs[] = {{.stage_failures = 3}, {.stage_failures = 3}};

    for (size_t i = 0; i < LAC_COUNT(runs); i++) {
        open_mock(&runs[i], false);
        start(&runs[i], i == 1);
    }
    for (size_t i = 0; i < LAC_COUNT(runs); i++)
        open_reader(&runs[i]);
    for (size_t i = 0; i < LAC_COUNT(runs); i++) {
        lac_test_row("transactional %zu", i);
        check_all(&runs[i], true);
        LAC_TEST_EQ(runs[i].stage_failures, 0);
    }
    stop(runs, LAC_COUNT(runs));
}

static void a_broker_that_comes_back_is_enough(void)
{
    static struct run r;
    int state;

    open_mock(&r, false);
    lac_kafka_mock_broker_down(r.mock, 1, true);
    start(&r, true); /* it cannot even initialise its transactions */
    lac_clock_sleep_ms(2500);
    state = atomic_load(&lac_lane_health(r.lane)->state);
    CU_ASSERT(state == LAC_LANE_WAITING || state == LAC_LANE_STARTING);
    CU_ASSERT(!atomic_load(&lac_lane_health(r.lane)->joined));
    lac_kafka_mock_broker_down(r.mock, 1, false);
    open_reader(&r);
    check_all(&r, true);
    LAC_TEST_EQ(atomic_load(&lac_lane_health(r.lane)->state), LAC_LANE_RUNNING);
    CU_ASSERT(atomic_load(&lac_lane_health(r.lane)->joined));
    stop(&r, 1);
}

/* What a sticky error of a device comes to: the process ends, until the fuse knows the record. */
static void a_stage_that_ends_the_process_is_found_out(void)
{
    static struct run r = {.killer = "11"};
    const size_t count[] = {RECORDS - BAD - 1, BAD + 1, 0};
    char folder[] = "/tmp/lacuna-fuse-XXXXXX", path[64];

    LAC_TEST_NEED(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/fuse", folder);
    r.fuse = path;
    open_mock(&r, false);
    for (int i = 0; i < LAC_FUSE_ATTEMPTS - 1; i++) {
        start(&r, true);
        (void)pthread_join(r.thread, NULL);
        LAC_TEST_EQ(r.status, LAC_FATAL);
        lac_lane_close(r.lane);
        lac_lane_kafka_close(r.kafka);
        r.group++; /* the in-process broker waits nearly a session for those who left */
    }
    start(&r, true);
    open_reader(&r);
    read_keys(&r, count);
    LAC_TEST_EQ(atomic_load(&lac_lane_health(r.lane)->state), LAC_LANE_RUNNING);
    stop(&r, 1);
    (void)unlink(path);
    (void)rmdir(folder);
}

LAC_TEST_MAIN(lane_mock, every_record_arrives_whatever_the_broker_answers,
              a_stage_that_waits_loses_and_dead_letters_nothing, a_broker_that_comes_back_is_enough,
              a_stage_that_ends_the_process_is_found_out)
