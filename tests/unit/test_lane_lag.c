/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the lag that operators scale by. One partition of a log in which records and what nobody
 * can read lie as each test puts them, and a consumer that tells where it ends, as librdkafka does.
 */
#include <stdlib.h>
#include <string.h>

#include "lac_lane.h"
#include "lac_log.h"
#include "lac_metrics.h"
#include "lac_test.h"

enum { HIDDEN = -1, BATCH = 8 };

struct world {
    struct lac_lane *lane;
    struct lac_metrics *metrics;
    const char *log;       /* by offset: 'r' a record, '.' none that can be read */
    int64_t low, readable; /* where the log begins; what is behind that is not committed yet */
    int64_t at;            /* of the consumer */
    int64_t durable;       /* committed position, LAC_KAFKA_NONE: none */
    int64_t stored;        /* where the group's copy is, with own_position */
    uint64_t now_ms;
    int64_t told; /* where the end was told last, LAC_KAFKA_NONE: not since the last seek */
    bool assigned, broke, own_position;
    bool stuck;       /* no batch gets through */
    bool uncommitted; /* no commit succeeds */
    bool unmoved;     /* no seek succeeds */
    bool mute;        /* ends are not told */
};

static struct lac_err err;

static int64_t log_end(const struct world *w)
{
    return w->low + (int64_t)strlen(w->log);
}

static bool is_record(const struct world *w, int64_t offset)
{
    return offset >= w->low && offset < w->readable && w->log[offset - w->low] == 'r';
}

/* ---- the lane's world ---- */

static uint64_t now_ms(void *ctx)
{
    return ((struct world *)ctx)->now_ms;
}

static void sleep_ms(void *ctx, uint32_t ms)
{
    ((struct world *)ctx)->now_ms += ms;
}

static void tell_end(struct world *w)
{
    if (w->told == w->at || w->mute)
        return;
    w->told = w->at;
    lac_lane_ended(w->lane, "in", 0, w->at);
}

static enum lac_status poll_next(void *ctx, uint32_t timeout_ms, struct lac_kafka_msg *msg,
                                 struct lac_err *e)
{
    struct world *w = ctx;
    struct lac_kafka_position p = {"in", 0, LAC_KAFKA_STORED};

    (void)e;
    if (!w->assigned) {
        w->assigned = true;
        w->broke = false;
        w->told = LAC_KAFKA_NONE;
        w->at = w->own_position ? w->stored : w->durable;
        lac_lane_assigned(w->lane, &p, 1);
        if (w->broke)
            return LAC_AGAIN;
    }
    w->now_ms += timeout_ms;
    if (w->at < w->low)
        w->at = w->low;
    while (w->at < w->readable && !is_record(w, w->at))
        w->at++;
    if (w->at == w->readable) {
        tell_end(w);
        return LAC_AGAIN;
    }
    *msg = (struct lac_kafka_msg){.topic = "in", .offset = w->at++, .value = LAC_STR("value")};
    return LAC_OK;
}

static void poll_break(void *ctx)
{
    ((struct world *)ctx)->broke = true;
}

static enum lac_status seek(void *ctx, const struct lac_kafka_position *p, size_t n,
                            struct lac_err *e)
{
    struct world *w = ctx;

    LAC_TEST_EQ(n, 1);
    if (w->unmoved)
        return lac_err_set(e, LAC_RETRY, 0, "no answer");
    w->at = p[0].offset;
    w->told = LAC_KAFKA_NONE;
    return LAC_OK;
}

static enum lac_status committed(void *ctx, struct lac_kafka_position *p, size_t n,
                                 struct lac_err *e)
{
    (void)e;
    LAC_TEST_EQ(n, 1);
    p[0].offset = ((struct world *)ctx)->durable;
    return LAC_OK;
}

static enum lac_status copy_position(void *ctx, const struct lac_kafka_position *p, size_t n,
                                     bool wait, struct lac_err *e)
{
    (void)n, (void)wait, (void)e;
    ((struct world *)ctx)->stored = p[0].offset;
    return LAC_OK;
}

static bool watermarks(void *ctx, const char *topic, int32_t partition, int64_t *low, int64_t *high)
{
    const struct world *w = ctx;

    (void)topic, (void)partition;
    *low = w->low;
    *high = log_end(w);
    return true;
}

static size_t none_failed(void *ctx, struct lac_err *e)
{
    (void)ctx, (void)e;
    return 0;
}

static const struct lac_lane_io_ops io_ops = {
    .now_ms = now_ms,
    .sleep_ms = sleep_ms,
    .poll = poll_next,
    .poll_break = poll_break,
    .seek = seek,
    .committed = committed,
    .commit = copy_position,
    .watermarks = watermarks,
    .side_failed = none_failed,
};

/* ---- the output ---- */

static enum lac_status output_done(void *ctx, struct lac_err *e)
{
    (void)ctx, (void)e;
    return LAC_OK;
}

static enum lac_status output_write(void *ctx, struct lac_batch *b, struct lac_err *e)
{
    (void)b;
    return ((struct world *)ctx)->stuck ? lac_err_set(e, LAC_RETRY, 0, "down") : LAC_OK;
}

static enum lac_status output_commit(void *ctx, const struct lac_kafka_position *p, size_t n,
                                     struct lac_err *e)
{
    struct world *w = ctx;

    LAC_TEST_EQ(n, 1);
    if (w->uncommitted)
        return lac_err_set(e, LAC_RETRY, 0, "nobody knows");
    w->durable = p[0].offset;
    return LAC_OK;
}

static enum lac_status output_start(void *ctx, struct lac_kafka_position *p, size_t n, bool fresh,
                                    struct lac_err *e)
{
    (void)fresh, (void)e;
    LAC_TEST_EQ(n, 1);
    p[0].offset = ((struct world *)ctx)->durable;
    return LAC_OK;
}

static void output_close(void *ctx)
{
    (void)ctx;
}

static enum lac_status pass(void *ctx, struct lac_batch *b, struct lac_err *e)
{
    (void)ctx, (void)b, (void)e;
    return LAC_OK;
}

static void begin(struct world *w)
{
    static struct lac_output_ops ops;
    const struct lac_lane_options options = {.name = "lane",
                                             .batch_count = BATCH,
                                             .batch_bytes = 1 << 16,
                                             .commit_interval_ms = 100,
                                             .metrics = w->metrics};

    ops = (struct lac_output_ops){.name = "test",
                                  .carries_records = true,
                                  .open = output_done,
                                  .start = w->own_position ? output_start : NULL,
                                  .write = output_write,
                                  .commit = output_commit,
                                  .abort = output_done,
                                  .close = output_close};
    lac_log_open("test", LAC_LOG_ERROR, LAC_LOG_KEY_VALUE);
    w->readable = w->readable ? w->readable : log_end(w);
    LAC_TEST_NEED(lac_lane_open(&w->lane, &options, (struct lac_lane_io){w, &io_ops},
                                (struct lac_output){w, &ops}, (struct lac_stage){w, pass},
                                &err) == LAC_OK);
}

/* What the page says. */
static int64_t shown(struct world *w, const char *name)
{
    const char *series;
    struct lac_buf b;
    int64_t value = HIDDEN;

    lac_buf_init(&b, 1 << 16);
    lac_metrics_write(w->metrics, &b, LAC_METRICS_PROMETHEUS);
    series = strstr(lac_buf_cstr(&b), name);
    if (series)
        value = strtoll(strchr(series, '}') + 1, NULL, 10);
    lac_buf_deinit(&b);
    return value;
}

/* After a few seconds. */
static int64_t lag(struct world *w)
{
    uint64_t until = w->now_ms + 5000;

    while (w->now_ms < until)
        LAC_TEST_NEED(lac_lane_turn(w->lane, &err) == LAC_OK);
    return shown(w, "lacuna_lane_lag_records{lane=\"lane\",topic=\"in\"");
}

static struct world new_world(const char *log)
{
    struct world w = {
        .log = log, .now_ms = 1000000, .durable = LAC_KAFKA_NONE, .told = LAC_KAFKA_NONE};

    LAC_TEST_NEED(lac_metrics_new(&w.metrics, &err) == LAC_OK);
    return w;
}

static void end(struct world *w)
{
    lac_lane_close(w->lane);
    lac_metrics_free(w->metrics);
}

/* More is written. */
static void grow(struct world *w, const char *log)
{
    w->log = log;
    w->readable = log_end(w);
}

/* ---- tests ---- */

static void who_has_read_all_there_is_has_no_lag(void)
{
    static const char *const logs[] = {"rrr", "rrr.", "r.rr..", "..", "", ".r"};

    for (size_t i = 0; i < LAC_COUNT(logs); i++) {
        for (int64_t durable = LAC_KAFKA_NONE; durable <= (int64_t)strlen(logs[i]);
             durable = durable < 0 ? 0 : durable + 1) {
            struct world w = new_world(logs[i]);

            lac_test_row("\"%s\" from %d", logs[i], (int)durable);
            w.durable = durable;
            begin(&w);
            LAC_TEST_EQ(lag(&w), 0);
            end(&w);
        }
    }
}

/* The test's own test: what the end is told for. */
static void without_an_end_marks_look_like_records(void)
{
    struct world w = new_world("rrr..");

    w.mute = true;
    begin(&w);
    LAC_TEST_EQ(lag(&w), 2);
    end(&w);
}

/* With the marks before and between them: only the log's last ones can be told from records. */
static void records_that_wait_are_lag_until_they_are_processed(void)
{
    struct world w = new_world("rr..");

    begin(&w);
    LAC_TEST_EQ(lag(&w), 0);
    w.stuck = true;
    grow(&w, "rr..rrr.");
    LAC_TEST_EQ(lag(&w), 6);
    grow(&w, "rr..rrr.r.");
    LAC_TEST_EQ(lag(&w), 8);
    LAC_TEST_EQ(shown(&w, "lacuna_lane_commit_age_seconds{"), 0); /* nothing was done */
    w.stuck = false;
    LAC_TEST_EQ(lag(&w), 0);
    end(&w);
}

/* They are there, and nobody has processed them. */
static void records_of_an_open_transaction_are_lag(void)
{
    struct world w = new_world("r.rr");

    w.readable = 2;
    begin(&w);
    LAC_TEST_EQ(lag(&w), 2);
    grow(&w, "r.....");
    LAC_TEST_EQ(lag(&w), 0);
    end(&w);
}

/* The end was told when it had been processed, and it will be again. */
static void what_is_aborted_is_lag_again(void)
{
    struct world w = new_world("r.");

    begin(&w);
    LAC_TEST_EQ(lag(&w), 0);
    w.uncommitted = true;
    grow(&w, "r.rr.");
    LAC_TEST_EQ(lag(&w), 4);
    w.uncommitted = false;
    LAC_TEST_EQ(lag(&w), 0);
    end(&w);
}

/* The consumer meets the end behind a record that was dropped and comes again. */
static void an_end_behind_what_was_dropped_says_nothing(void)
{
    struct world w = new_world("rrrrrrrr."); /* a batch, which is closed before the end is met */

    w.durable = 0;
    w.stuck = w.unmoved = true;
    begin(&w);
    LAC_TEST_EQ(lag(&w), 9);
    LAC_TEST_EQ(w.told, 9);
    w.stuck = w.unmoved = false;
    LAC_TEST_EQ(lag(&w), 0);
    end(&w);
}

/* The group's copy is ahead of what the output knows, as after a restored backup. */
static void an_end_met_from_another_beginning_says_nothing(void)
{
    struct world w = new_world("rrr.");

    w.own_position = true;
    w.durable = 1;
    w.stored = 3;
    begin(&w);
    LAC_TEST_EQ(lac_lane_turn(w.lane, &err), LAC_OK); /* assigned */
    lac_lane_ended(w.lane, "in", 0, 4);
    w.stuck = w.mute = true;
    LAC_TEST_EQ(lag(&w), 3);
    w.stuck = w.mute = false;
    LAC_TEST_EQ(lag(&w), 0);
    end(&w);
}

static void what_was_deleted_unread_is_no_lag(void)
{
    struct world w = new_world("rr");

    w.low = 10;
    w.durable = 3;
    w.stuck = true;
    begin(&w);
    LAC_TEST_EQ(lag(&w), 2);
    grow(&w, "");
    w.low = 12;
    w.readable = 12;
    w.stuck = false;
    LAC_TEST_EQ(lag(&w), 0);
    end(&w);
}

/* Somebody else shows it from now on; who gets it back begins anew. */
static void a_partition_that_went_has_no_lag(void)
{
    struct world w = new_world("rr.");
    const struct lac_kafka_position p = {"in", 0, LAC_KAFKA_STORED};

    begin(&w);
    LAC_TEST_EQ(lag(&w), 0);
    lac_lane_revoked(w.lane, &p, 1, false);
    lac_lane_ended(w.lane, "in", 0, 3); /* of nobody's */
    LAC_TEST_EQ(w.durable, 2);
    w.mute = true;
    LAC_TEST_EQ(lag(&w), HIDDEN);
    w.assigned = false;
    LAC_TEST_EQ(lag(&w), 1);
    w.mute = false;
    LAC_TEST_EQ(lag(&w), 0);
    end(&w);
}

LAC_TEST_MAIN(lane_lag, who_has_read_all_there_is_has_no_lag,
              without_an_end_marks_look_like_records,
              records_that_wait_are_lag_until_they_are_processed,
              records_of_an_open_transaction_are_lag, what_is_aborted_is_lag_again,
              an_end_behind_what_was_dropped_says_nothing,
              an_end_met_from_another_beginning_says_nothing, what_was_deleted_unread_is_no_lag,
              a_partition_that_went_has_no_lag)
