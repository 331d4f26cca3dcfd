/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what the two outputs on Kafka ask of a producer, call by call, for each of its answers. The
 * producer is a script: it answers as it is told, else well, and writes down what it was asked.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lac_lane.h"
#include "lac_test.h"
#include "lane_fixture.h"

enum {
    TIMEOUT_MS = 300,
    LIMIT = 100,    /* bytes of a record */
    TOO_LARGE = 10, /* librdkafka's codes: of a record, */
    DOWN = -195,    /* and of a connection */
    ANSWERS = 8,
    RECORDS = 600,
};

enum call { PRODUCE, FLUSH, FAILED, REOPEN, INIT, BEGIN, OFFSETS, COMMIT, GROUP, CALLS };

static struct {
    struct {
        int status[ANSWERS], code[ANSWERS];
        size_t taken[ANSWERS];
        size_t count, at;
    } script[CALLS];
    uint64_t now_ms;
    uint32_t call_ms; /* that a transactional call takes */
    bool interrupted; /* a connection broke, of this producer */
    char log[4096];
    char keys[RECORDS + 1]; /* first letters of what was taken */
    size_t key_count;
} world;

static struct lac_output_kafka state;
static struct lac_output output;
static struct lac_err err;
static struct lac_arena arena;
static struct lac_batch batch;

/* ---- the script ---- */

static void LAC_PRINTF(1, 2) note(const char *format, ...)
{
    size_t at = strlen(world.log);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(world.log + at, sizeof(world.log) - at, format, args);
    va_end(args);
}

/* The next time that `call` is made, after what it was told before, it answers so. */
static void will(enum call call, int status, int code)
{
    size_t i = world.script[call].count++;

    LAC_TEST_NEED(i < ANSWERS);
    world.script[call].status[i] = status;
    world.script[call].code[i] = code;
    world.script[call].taken[i] = 0;
}

static void will_take(size_t taken)
{
    will(PRODUCE, LAC_AGAIN, 0);
    world.script[PRODUCE].taken[world.script[PRODUCE].count - 1] = taken;
}

/* Index of the scripted answer, ANSWERS: none. */
static size_t next_answer(enum call call)
{
    return world.script[call].at < world.script[call].count ? world.script[call].at++ : ANSWERS;
}

static int answer(enum call call, struct lac_err *e)
{
    size_t i = next_answer(call);

    if (i == ANSWERS)
        return 0; /* LAC_OK, LAC_KAFKA_TXN_DONE */
    (void)lac_err_set(e, LAC_RETRY, world.script[call].code[i], "as scripted");
    return world.script[call].status[i];
}

static uint64_t now_ms(void *io)
{
    (void)io;
    return world.now_ms;
}

static enum lac_status produce(void *io, int topic, const struct lac_kafka_record *r, size_t n,
                               size_t *taken, struct lac_err *e)
{
    size_t i = next_answer(PRODUCE);
    enum lac_status status = LAC_OK;

    (void)io;
    note("produce %d x %zu; ", topic, n);
    *taken = n;
    if (i < ANSWERS) {
        status = (enum lac_status)world.script[PRODUCE].status[i];
        *taken = world.script[PRODUCE].taken[i];
        (void)lac_err_set(e, status, world.script[PRODUCE].code[i], "as scripted");
    }
    for (size_t k = 0; k < *taken; k++)
        world.keys[world.key_count++] = r[k].key.ptr[0];
    return status;
}

static enum lac_status flush(void *io, uint32_t timeout_ms, struct lac_err *e)
{
    (void)io;
    note("flush %u; ", (unsigned)timeout_ms);
    world.now_ms += timeout_ms;
    return (enum lac_status)answer(FLUSH, e);
}

/* The script's status is how many failed. */
static size_t failed(void *io, struct lac_err *e)
{
    (void)io;
    note("failed; ");
    return (size_t)answer(FAILED, e);
}

static size_t record_limit(void *io)
{
    (void)io;
    return LIMIT;
}

static enum lac_status reopen(void *io, struct lac_err *e)
{
    (void)io;
    note("reopen; ");
    world.interrupted = false;
    return (enum lac_status)answer(REOPEN, e);
}

static bool interrupted(void *io)
{
    (void)io;
    return world.interrupted;
}

static enum lac_kafka_txn txn_init(void *io, struct lac_err *e)
{
    (void)io;
    note("init; ");
    return (enum lac_kafka_txn)answer(INIT, e);
}

static enum lac_kafka_txn txn_begin(void *io, struct lac_err *e)
{
    (void)io;
    note("begin; ");
    return (enum lac_kafka_txn)answer(BEGIN, e);
}

static enum lac_kafka_txn txn_send_offsets(void *io, const struct lac_kafka_position *p, size_t n,
                                           struct lac_err *e)
{
    (void)io;
    note("offsets %zu to %lld; ", n, (long long)p[0].offset);
    world.now_ms += world.call_ms;
    return (enum lac_kafka_txn)answer(OFFSETS, e);
}

static enum lac_kafka_txn txn_commit(void *io, struct lac_err *e)
{
    (void)io;
    note("commit; ");
    world.now_ms += world.call_ms;
    return (enum lac_kafka_txn)answer(COMMIT, e);
}

static enum lac_status commit(void *io, const struct lac_kafka_position *p, size_t n, bool wait,
                              struct lac_err *e)
{
    (void)io;
    note("group %zu to %lld%s; ", n, (long long)p[0].offset, wait ? " waits" : "");
    return (enum lac_status)answer(GROUP, e);
}

/* ---- what a lane does ---- */

static void set_up(bool transactional)
{
    static const struct lac_lane_io_ops ops = {
        .now_ms = now_ms,
        .produce = produce,
        .flush = flush,
        .failed = failed,
        .record_limit = record_limit,
        .reopen = reopen,
        .interrupted = interrupted,
        .txn_init = txn_init,
        .txn_begin = txn_begin,
        .txn_send_offsets = txn_send_offsets,
        .txn_commit = txn_commit,
        .commit = commit,
    };
    static const struct lac_kafka_msg msg;
    struct lac_lane_io io = {NULL, &ops};

    memset(&world, 0, sizeof(world));
    if (!arena.base)
        LAC_TEST_NEED(lac_arena_init(&arena, 1 << 20, &err) == LAC_OK &&
                      lac_batch_init(&batch, &arena, 1, RECORDS, &err) == LAC_OK);
    lac_batch_reset(&batch);
    lac_arena_reset(&arena);
    lac_batch_open(&batch, &msg, 1);
    output = transactional ? lac_output_kafka_txn(&state, io, TIMEOUT_MS)
                           : lac_output_kafka_idempotent(&state, io, TIMEOUT_MS);
}

static void put(int topic, struct lac_kafka_record r)
{
    LAC_TEST_EQ(lac_batch_emit(&batch, topic, &r), LAC_OK);
}

/* A record each for the topics, as digits; its key is a letter: "a", "b", ... */
static void put_all(const char *topics)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

    for (size_t i = 0; topics[i]; i++)
        put(topics[i] - '0', (struct lac_kafka_record){.key = {letters + i, 1}});
}

/* What was asked for since the last time. */
static void asked(const char *want)
{
    LAC_TEST_STR(world.log, want);
    world.log[0] = '\0';
}

static enum lac_status open_it(void)
{
    return output.ops->open(output.ctx, &err);
}

static enum lac_status write_it(void)
{
    return output.ops->write(output.ctx, &batch, &err);
}

static enum lac_status commit_it(size_t positions)
{
    static const struct lac_kafka_position p[] = {{"in", 0, 7}, {"in", 1, 8}};

    err.code = 0;
    return output.ops->commit(output.ctx, p, positions, &err);
}

static enum lac_status abort_it(void)
{
    return output.ops->abort(output.ctx, &err);
}

/* A transaction that is open, with a record in it. */
static void set_up_begun(void)
{
    set_up(true);
    LAC_TEST_EQ(open_it(), LAC_OK);
    put_all("0");
    LAC_TEST_EQ(write_it(), LAC_OK);
    asked("init; begin; produce 0 x 1; ");
}

/* ---- kafka-txn ---- */

static void a_producer_is_made_ready_once(void)
{
    static const struct {
        enum lac_kafka_txn outcome;
        enum lac_status status;
        const char *then;
    } rows[] = {
        {LAC_KAFKA_TXN_DONE, LAC_OK, ""},
        {LAC_KAFKA_TXN_REPEAT, LAC_RETRY, "init; "}, /* no coordinator: not the producer's fault */
        {LAC_KAFKA_TXN_ABORT, LAC_RETRY, "init; "},
        {LAC_KAFKA_TXN_RECREATE, LAC_RETRY, "reopen; init; "},
        {LAC_KAFKA_TXN_STOP, LAC_FATAL, "init; "},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("outcome %d", (int)rows[i].outcome);
        set_up(true);
        will(INIT, (int)rows[i].outcome, DOWN);
        LAC_TEST_EQ(open_it(), rows[i].status);
        asked("init; ");
        LAC_TEST_EQ(open_it(), LAC_OK);
        asked(rows[i].then);
    }
    set_up(true);
    will(INIT, LAC_KAFKA_TXN_RECREATE, DOWN);
    will(REOPEN, LAC_RETRY, DOWN);
    LAC_TEST_EQ(open_it(), LAC_RETRY);
    LAC_TEST_EQ(open_it(), LAC_RETRY);
    asked("init; reopen; "); /* and not begun with */
    LAC_TEST_EQ(open_it(), LAC_OK);
    asked("reopen; init; ");
}

static void nothing_is_written_before_it_is_ready(void)
{
    set_up(true);
    put_all("0");
    LAC_TEST_EQ(write_it(), LAC_RETRY);
    LAC_TEST_EQ(commit_it(1), LAC_RETRY);
    asked("");
    LAC_TEST_EQ(abort_it(), LAC_OK);
    asked("reopen; init; ");
    LAC_TEST_EQ(write_it(), LAC_OK);
    asked("begin; produce 0 x 1; ");
}

static void a_transaction_is_begun_once_and_committed_with_its_positions(void)
{
    set_up_begun();
    LAC_TEST_EQ(write_it(), LAC_OK);
    asked("produce 0 x 1; ");
    LAC_TEST_EQ(commit_it(2), LAC_OK);
    asked("offsets 2 to 7; commit; ");
    LAC_TEST_EQ(abort_it(), LAC_OK); /* there is nothing left to give up */
    asked("");
    LAC_TEST_EQ(commit_it(1), LAC_OK); /* only the position moved */
    asked("begin; offsets 1 to 7; commit; ");
    LAC_TEST_EQ(commit_it(0), LAC_OK);
    asked("begin; commit; ");
}

static void begin_says_how_it_goes_on(void)
{
    static const struct {
        enum lac_kafka_txn outcome;
        enum lac_status status;
        const char *abort; /* what giving up asks for then */
    } rows[] = {
        {LAC_KAFKA_TXN_ABORT, LAC_RETRY, ""},
        {LAC_KAFKA_TXN_REPEAT, LAC_RETRY, "reopen; init; "},
        {LAC_KAFKA_TXN_RECREATE, LAC_RETRY, "reopen; init; "},
        {LAC_KAFKA_TXN_STOP, LAC_FATAL, ""},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        for (int of_commit = 0; of_commit < 2; of_commit++) {
            lac_test_row("outcome %d, commit %d", (int)rows[i].outcome, of_commit);
            set_up(true);
            LAC_TEST_EQ(open_it(), LAC_OK);
            put_all("0");
            will(BEGIN, (int)rows[i].outcome, DOWN);
            LAC_TEST_EQ(of_commit ? commit_it(1) : write_it(), rows[i].status);
            asked("init; begin; ");
            LAC_TEST_EQ(abort_it(), LAC_OK);
            asked(rows[i].abort);
        }
    }
}

static void records_go_topic_by_topic_in_their_order(void)
{
    set_up(true);
    LAC_TEST_EQ(open_it(), LAC_OK);
    put_all("020250");
    LAC_TEST_EQ(write_it(), LAC_OK);
    asked("init; begin; produce 0 x 3; produce 2 x 2; produce 5 x 1; ");
    LAC_TEST_STR(world.keys, "acfbde");
    for (size_t n = 255; n <= 600; n += n == 257 ? 343 : 1) {
        lac_test_row("%zu records", n);
        set_up(true);
        LAC_TEST_EQ(open_it(), LAC_OK);
        asked("init; ");
        for (size_t i = 0; i < n; i++)
            put(31, (struct lac_kafka_record){.key = LAC_STR("k")});
        LAC_TEST_EQ(write_it(), LAC_OK);
        LAC_TEST_EQ(world.key_count, n);
        asked(n == 255   ? "begin; produce 31 x 255; "
              : n == 256 ? "begin; produce 31 x 256; "
              : n == 257 ? "begin; produce 31 x 256; produce 31 x 1; "
                         : "begin; produce 31 x 256; produce 31 x 256; produce 31 x 88; ");
    }
}

static void a_full_queue_is_served_until_there_is_room(void)
{
    set_up(true);
    LAC_TEST_EQ(open_it(), LAC_OK);
    put_all("0000");
    will_take(1);
    will_take(0);
    will_take(2);
    will(FLUSH, LAC_RETRY, DOWN); /* not all is delivered yet: of no interest here */
    LAC_TEST_EQ(write_it(), LAC_OK);
    asked("init; begin; produce 0 x 4; flush 100; produce 0 x 3; flush 100; produce 0 x 3; "
          "flush 100; produce 0 x 1; ");
    LAC_TEST_STR(world.keys, "abcd");
}

static void a_queue_that_stays_full_loses_the_interval(void)
{
    set_up_begun();
    for (int i = 0; i < ANSWERS; i++)
        will_take(0);
    LAC_TEST_EQ(write_it(), LAC_RETRY);
    asked("produce 0 x 1; flush 100; produce 0 x 1; flush 100; produce 0 x 1; flush 100; "
          "produce 0 x 1; ");
    LAC_TEST_EQ(abort_it(), LAC_OK);
    asked("reopen; init; ");
    set_up_begun();
    will_take(0);
    will(FLUSH, LAC_FATAL, 0);
    LAC_TEST_EQ(write_it(), LAC_FATAL);
    asked("produce 0 x 1; flush 100; ");
}

static void a_producer_that_takes_no_more_is_told_about_at_the_commit(void)
{
    set_up_begun();
    put_all("12");
    will(PRODUCE, LAC_RETRY, DOWN);
    LAC_TEST_EQ(write_it(), LAC_OK);
    asked("produce 0 x 1; "); /* and none of the other topics */
    LAC_TEST_EQ(write_it(), LAC_OK);
    asked("");
    LAC_TEST_EQ(commit_it(1), LAC_RETRY);
    asked("offsets 1 to 7; "); /* half of it is missing: never a commit */
    will(OFFSETS, LAC_KAFKA_TXN_ABORT, TOO_LARGE);
    LAC_TEST_EQ(commit_it(1), LAC_REJECT);
    LAC_TEST_EQ(abort_it(), LAC_OK);
    asked("offsets 1 to 7; reopen; init; ");
    LAC_TEST_EQ(write_it(), LAC_OK);
    asked("begin; produce 0 x 1; produce 1 x 1; produce 2 x 1; ");
    will(PRODUCE, LAC_REJECT, TOO_LARGE); /* what is queued can't be taken back one by one */
    LAC_TEST_EQ(write_it(), LAC_RETRY);
    will(PRODUCE, LAC_FATAL, 0);
    LAC_TEST_EQ(write_it(), LAC_FATAL);
}

static void what_can_never_be_sent_is_found_before_the_first_is_queued(void)
{
    static const struct lac_kafka_header headers[] = {{LAC_STR("ab"), LAC_STR("cde")},
                                                      {LAC_STR("f"), LAC_STR_NULL}};
    static const char bytes[LIMIT + 1];
    static const struct {
        size_t key, value, headers;
        bool fits;
    } rows[] = {
        {0, LIMIT, 0, true},      {0, LIMIT + 1, 0, false},  {1, LIMIT, 0, false},
        {1, LIMIT - 1, 0, true},  {1, LIMIT - 27, 2, true},  {1, LIMIT - 26, 2, false},
        {1, LIMIT - 16, 1, true}, {1, LIMIT - 15, 1, false},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_kafka_record r = {.key = {bytes, rows[i].key},
                                     .value = {bytes, rows[i].value},
                                     .headers = headers,
                                     .header_count = rows[i].headers};

        for (int transactional = 0; transactional < 2; transactional++) {
            lac_test_row("%zu, %d", i, transactional);
            set_up(transactional);
            LAC_TEST_EQ(open_it(), LAC_OK);
            if (transactional)
                put_all("0");
            put(0, r);
            if (!transactional)
                put_all("0");
            world.log[0] = '\0';
            LAC_TEST_EQ(write_it(), rows[i].fits ? LAC_OK : LAC_REJECT);
            asked(!rows[i].fits   ? ""
                  : transactional ? "begin; produce 0 x 2; "
                                  : "produce 0 x 2; ");
            if (rows[i].fits)
                continue;
            LAC_TEST_EQ(abort_it(), LAC_OK); /* nothing was begun */
            asked("");
        }
    }
}

static void a_commit_that_fails_is_given_up_by_a_new_epoch(void)
{
    static const struct {
        enum call call;
        enum lac_kafka_txn outcome;
        int code;
        enum lac_status status;
        const char *asked;
    } rows[] = {
        {OFFSETS, LAC_KAFKA_TXN_ABORT, DOWN, LAC_RETRY, "offsets 1 to 7; "},
        {OFFSETS, LAC_KAFKA_TXN_ABORT, TOO_LARGE, LAC_REJECT, "offsets 1 to 7; "},
        {OFFSETS, LAC_KAFKA_TXN_RECREATE, TOO_LARGE, LAC_RETRY, "offsets 1 to 7; "},
        {OFFSETS, LAC_KAFKA_TXN_STOP, 0, LAC_FATAL, "offsets 1 to 7; "},
        {COMMIT, LAC_KAFKA_TXN_ABORT, DOWN, LAC_RETRY, "offsets 1 to 7; commit; "},
        {COMMIT, LAC_KAFKA_TXN_ABORT, TOO_LARGE, LAC_REJECT, "offsets 1 to 7; commit; "},
        {COMMIT, LAC_KAFKA_TXN_RECREATE, TOO_LARGE, LAC_RETRY, "offsets 1 to 7; commit; "},
        {COMMIT, LAC_KAFKA_TXN_STOP, 0, LAC_FATAL, "offsets 1 to 7; commit; "},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%zu", i);
        set_up_begun();
        will(rows[i].call, (int)rows[i].outcome, rows[i].code);
        LAC_TEST_EQ(commit_it(1), rows[i].status);
        asked(rows[i].asked);
        will(REOPEN, LAC_RETRY, DOWN);
        LAC_TEST_EQ(abort_it(), LAC_RETRY);
        asked("reopen; ");
        LAC_TEST_EQ(abort_it(), LAC_OK);
        asked("reopen; init; ");
        LAC_TEST_EQ(write_it(), LAC_OK);
        LAC_TEST_EQ(commit_it(1), LAC_OK);
        asked("begin; produce 0 x 1; offsets 1 to 7; commit; ");
    }
}

/* It went well, but what was under way may arrive in the next transaction. */
static void after_a_broken_connection_the_next_transaction_has_a_new_epoch(void)
{
    set_up_begun();
    world.interrupted = true;
    LAC_TEST_EQ(write_it(), LAC_OK); /* the one that is open is ended in its own */
    LAC_TEST_EQ(commit_it(1), LAC_OK);
    asked("produce 0 x 1; offsets 1 to 7; commit; ");
    LAC_TEST_EQ(write_it(), LAC_OK);
    LAC_TEST_EQ(commit_it(1), LAC_OK);
    asked("reopen; init; begin; produce 0 x 1; offsets 1 to 7; commit; ");
    LAC_TEST_EQ(commit_it(1), LAC_OK);
    asked("begin; offsets 1 to 7; commit; ");
    world.interrupted = true; /* also of one that has nothing but a position */
    will(INIT, LAC_KAFKA_TXN_REPEAT, DOWN);
    LAC_TEST_EQ(commit_it(1), LAC_RETRY);
    asked("reopen; init; ");
    LAC_TEST_EQ(abort_it(), LAC_OK);
    asked("init; ");
    LAC_TEST_EQ(commit_it(1), LAC_OK);
    asked("begin; offsets 1 to 7; commit; ");
}

/* A rebalance and the end of a program are not held up for it: what is open is given up. */
static void a_lane_that_leaves_begins_nothing_in_an_epoch_that_is_over(void)
{
    struct fixture f = {.count = 1};

    fixture_set_up(&f);
    fixture_open(&f);
    for (int leaves = 0; leaves <= 1; leaves++) {
        lac_test_row("leaves %d", leaves);
        set_up(true);
        state.lane = f.lane;
        LAC_TEST_EQ(open_it(), LAC_OK);
        put_all("0");
        asked("init; ");
        if (leaves)
            lac_lane_stop(f.lane);
        world.interrupted = true;
        LAC_TEST_EQ(write_it(), leaves ? LAC_RETRY : LAC_OK);
        asked(leaves ? "" : "reopen; init; begin; produce 0 x 1; ");
    }
    LAC_TEST_EQ(commit_it(1), LAC_RETRY);
    asked("");
    LAC_TEST_EQ(abort_it(), LAC_OK);
    asked("reopen; init; ");
    fixture_close(&f);
}

static void what_is_to_be_repeated_is_until_time_is_up(void)
{
    set_up_begun();
    will(OFFSETS, LAC_KAFKA_TXN_REPEAT, DOWN);
    will(COMMIT, LAC_KAFKA_TXN_REPEAT, DOWN);
    will(COMMIT, LAC_KAFKA_TXN_REPEAT, DOWN);
    LAC_TEST_EQ(commit_it(1), LAC_OK);
    asked("offsets 1 to 7; offsets 1 to 7; commit; commit; commit; ");
    for (int call = OFFSETS; call <= COMMIT; call++) {
        set_up_begun();
        world.call_ms = TIMEOUT_MS / 3;
        for (int i = 0; i < ANSWERS; i++)
            will((enum call)call, LAC_KAFKA_TXN_REPEAT, TOO_LARGE);
        LAC_TEST_EQ(commit_it(1), LAC_RETRY);
        asked(call == OFFSETS ? "offsets 1 to 7; offsets 1 to 7; offsets 1 to 7; "
                              : "offsets 1 to 7; commit; commit; commit; ");
        LAC_TEST_EQ(abort_it(), LAC_OK);
        asked("reopen; init; ");
    }
}

/* ---- kafka-idempotent ---- */

static void positions_follow_when_all_is_delivered(void)
{
    set_up(false);
    LAC_TEST_EQ(open_it(), LAC_OK);
    put_all("010");
    LAC_TEST_EQ(write_it(), LAC_OK);
    LAC_TEST_EQ(commit_it(2), LAC_OK);
    asked("produce 0 x 2; produce 1 x 1; flush 300; failed; group 2 to 7 waits; ");
    LAC_TEST_EQ(abort_it(), LAC_OK);
    asked("");
    LAC_TEST_EQ(commit_it(0), LAC_OK);
    asked("flush 300; failed; ");
}

/* A lane that goes on commits again soon; the last commit has nobody behind it. */
static void only_the_last_positions_are_waited_for(void)
{
    struct fixture f = {.count = 1};

    fixture_set_up(&f);
    fixture_open(&f);
    set_up(false);
    state.lane = f.lane;
    LAC_TEST_EQ(open_it(), LAC_OK);
    LAC_TEST_EQ(commit_it(1), LAC_OK);
    asked("flush 300; failed; group 1 to 7; ");
    lac_lane_stop(f.lane);
    LAC_TEST_EQ(commit_it(1), LAC_OK);
    asked("flush 300; failed; group 1 to 7 waits; ");
    fixture_close(&f);
}

static void positions_stay_when_something_was_not_delivered(void)
{
    static const struct {
        enum call call;
        int answer, code;
        enum lac_status status;
        const char *asked;
    } rows[] = {
        {FLUSH, LAC_RETRY, DOWN, LAC_RETRY, "flush 300; failed; "},
        {FLUSH, LAC_FATAL, 0, LAC_FATAL, "flush 300; failed; "},
        {FAILED, 1, DOWN, LAC_RETRY, "flush 300; failed; "},
        {FAILED, 2, TOO_LARGE, LAC_REJECT, "flush 300; failed; "},
        {GROUP, LAC_RETRY, DOWN, LAC_RETRY, "flush 300; failed; group 1 to 7 waits; "},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%zu", i);
        set_up(false);
        put_all("0");
        LAC_TEST_EQ(write_it(), LAC_OK);
        asked("produce 0 x 1; ");
        will(rows[i].call, rows[i].answer, rows[i].code);
        LAC_TEST_EQ(commit_it(1), rows[i].status);
        asked(rows[i].asked);
        will(REOPEN, LAC_RETRY, DOWN);
        LAC_TEST_EQ(abort_it(), LAC_RETRY);
        asked("reopen; ");
        LAC_TEST_EQ(abort_it(), LAC_OK);
        asked("reopen; failed; ");
        LAC_TEST_EQ(abort_it(), LAC_OK);
        asked("");
    }
}

static void a_plain_producer_that_takes_no_more_is_replaced(void)
{
    set_up(false);
    put_all("01");
    will(PRODUCE, LAC_RETRY, DOWN);
    LAC_TEST_EQ(write_it(), LAC_RETRY);
    asked("produce 0 x 1; ");
    LAC_TEST_EQ(write_it(), LAC_RETRY);
    LAC_TEST_EQ(commit_it(1), LAC_RETRY);
    asked("");
    will(REOPEN, LAC_FATAL, 0);
    LAC_TEST_EQ(open_it(), LAC_FATAL);
    LAC_TEST_EQ(abort_it(), LAC_OK);
    asked("reopen; reopen; failed; ");
    LAC_TEST_EQ(write_it(), LAC_OK);
    LAC_TEST_EQ(commit_it(1), LAC_OK);
    asked("produce 0 x 1; produce 1 x 1; flush 300; failed; group 1 to 7 waits; ");
    will(PRODUCE, LAC_FATAL, 0);
    LAC_TEST_EQ(write_it(), LAC_FATAL);
    set_up(false);
    put_all("0");
    will(PRODUCE, LAC_REJECT, TOO_LARGE);
    LAC_TEST_EQ(write_it(), LAC_RETRY);
    LAC_TEST_EQ(abort_it(), LAC_OK); /* something of it may be on its way */
    asked("produce 0 x 1; reopen; failed; ");
}

static void close_asks_for_nothing(void)
{
    for (int transactional = 0; transactional < 2; transactional++) {
        set_up(transactional);
        LAC_TEST_STR(output.ops->name, transactional ? "kafka-txn" : "kafka-idempotent");
        CU_ASSERT(output.ops->carries_records && !output.ops->start);
        output.ops->close(output.ctx);
        asked("");
    }
    lac_batch_deinit(&batch);
    lac_arena_deinit(&arena);
}

LAC_TEST_MAIN(output_kafka, a_producer_is_made_ready_once, nothing_is_written_before_it_is_ready,
              a_transaction_is_begun_once_and_committed_with_its_positions,
              begin_says_how_it_goes_on, records_go_topic_by_topic_in_their_order,
              a_full_queue_is_served_until_there_is_room,
              a_queue_that_stays_full_loses_the_interval,
              a_producer_that_takes_no_more_is_told_about_at_the_commit,
              what_can_never_be_sent_is_found_before_the_first_is_queued,
              a_commit_that_fails_is_given_up_by_a_new_epoch,
              after_a_broken_connection_the_next_transaction_has_a_new_epoch,
              a_lane_that_leaves_begins_nothing_in_an_epoch_that_is_over,
              what_is_to_be_repeated_is_until_time_is_up, positions_follow_when_all_is_delivered,
              only_the_last_positions_are_waited_for,
              positions_stay_when_something_was_not_delivered,
              a_plain_producer_that_takes_no_more_is_replaced, close_asks_for_nothing)
