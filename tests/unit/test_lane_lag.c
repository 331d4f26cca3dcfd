/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the lag that operators scale by. One partition of a log in which records and what nobody
 * can read lie as each test puts them, and a consumer that tells where it ends, as librdkafka does.
 */
#include <string.h>

#include "lac_metrics.h"
#include "lac_test.h"
#include "lane_fixture.h"

struct world {
    struct fixture f;
    const char *log;       /* by offset: 'r' a record, '.' none that can be read */
    int64_t low, readable; /* where the log begins; what is behind that is not committed yet */
    int64_t stored;        /* where the group's copy is, with own_position */
    int64_t told; /* where the end was told last, LAC_KAFKA_NONE: not since the last seek */
    bool own_position;
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

static void tell_end(struct world *w)
{
    if (w->told == w->f.next || w->mute)
        return;
    w->told = w->f.next;
    lac_lane_ended(w->f.lane, "in", 0, w->f.next);
}

static enum lac_status poll_next(void *ctx, uint32_t timeout_ms, struct lac_kafka_msg *msg,
                                 struct lac_err *e)
{
    struct world *w = ctx;

    (void)e;
    if (!w->f.assigned) {
        w->told = LAC_KAFKA_NONE;
        w->f.next = w->own_position ? w->stored : w->f.durable;
        if (!fixture_assign(&w->f))
            return LAC_AGAIN;
    }
    w->f.now_ms += timeout_ms;
    if (w->f.next < w->low)
        w->f.next = w->low;
    while (w->f.next < w->readable && !is_record(w, w->f.next))
        w->f.next++;
    if (w->f.next == w->readable) {
        tell_end(w);
        return LAC_AGAIN;
    }
    *msg = (struct lac_kafka_msg){.topic = "in", .offset = w->f.next++, .value = LAC_STR("value")};
    return LAC_OK;
}

static enum lac_status seek(void *ctx, const struct lac_kafka_position *p, size_t n,
                            struct lac_err *e)
{
    struct world *w = ctx;

    LAC_TEST_EQ(n, 1);
    if (w->unmoved)
        return lac_err_set(e, LAC_RETRY, 0, "no answer");
    w->f.next = p[0].offset;
    w->told = LAC_KAFKA_NONE;
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

/* ---- the output ---- */

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
    w->f.durable = p[0].offset;
    return LAC_OK;
}

static enum lac_status output_start(void *ctx, struct lac_kafka_position *p, size_t n, bool fresh,
                                    struct lac_err *e)
{
    (void)fresh, (void)e;
    LAC_TEST_EQ(n, 1);
    p[0].offset = ((struct world *)ctx)->f.durable;
    return LAC_OK;
}

static void begin(struct world *w)
{
    fixture_set_up(&w->f);
    w->f.io.poll = poll_next;
    w->f.io.seek = seek;
    w->f.io.commit = copy_position;
    w->f.io.watermarks = watermarks;
    w->f.output.start = w->own_position ? output_start : NULL;
    w->f.output.write = output_write;
    w->f.output.commit = output_commit;
    w->readable = w->readable ? w->readable : log_end(w);
    fixture_open(&w->f);
}

/* After a few seconds. */
static int64_t lag(struct world *w)
{
    uint64_t until = w->f.now_ms + 5000;

    while (w->f.now_ms < until)
        LAC_TEST_NEED(lac_lane_turn(w->f.lane, &err) == LAC_OK);
    return fixture_shown(&w->f, "lacuna_lane_lag_records{lane=\"lane\",topic=\"in\"");
}

static struct world new_world(const char *log)
{
    struct world w = {.log = log, .f.durable = LAC_KAFKA_NONE, .told = LAC_KAFKA_NONE};

    LAC_TEST_NEED(lac_metrics_new(&w.f.metrics, &err) == LAC_OK);
    return w;
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
            w.f.durable = durable;
            begin(&w);
            LAC_TEST_EQ(lag(&w), 0);
            fixture_close(&w.f);
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
    fixture_close(&w.f);
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
    LAC_TEST_EQ(fixture_shown(&w.f, "lacuna_lane_commit_age_seconds{"), 0); /* nothing was done */
    w.stuck = false;
    LAC_TEST_EQ(lag(&w), 0);
    fixture_close(&w.f);
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
    fixture_close(&w.f);
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
    fixture_close(&w.f);
}

/* The consumer meets the end behind a record that was dropped and comes again. */
static void an_end_behind_what_was_dropped_says_nothing(void)
{
    struct world w = new_world("rrrrrrrr."); /* a batch, which is closed before the end is met */

    w.f.durable = 0;
    w.stuck = w.unmoved = true;
    begin(&w);
    LAC_TEST_EQ(lag(&w), 9);
    LAC_TEST_EQ(w.told, 9);
    w.stuck = w.unmoved = false;
    LAC_TEST_EQ(lag(&w), 0);
    fixture_close(&w.f);
}

/* The group's copy is ahead of what the output knows, as after a restored backup. */
static void an_end_met_from_another_beginning_says_nothing(void)
{
    struct world w = new_world("rrr.");

    w.own_position = true;
    w.f.durable = 1;
    w.stored = 3;
    begin(&w);
    LAC_TEST_EQ(lac_lane_turn(w.f.lane, &err), LAC_OK); /* assigned */
    lac_lane_ended(w.f.lane, "in", 0, 4);
    w.stuck = w.mute = true;
    LAC_TEST_EQ(lag(&w), 3);
    w.stuck = w.mute = false;
    LAC_TEST_EQ(lag(&w), 0);
    fixture_close(&w.f);
}

static void what_was_deleted_unread_is_no_lag(void)
{
    struct world w = new_world("rr");

    w.low = 10;
    w.f.durable = 3;
    w.stuck = true;
    begin(&w);
    LAC_TEST_EQ(lag(&w), 2);
    grow(&w, "");
    w.low = 12;
    w.readable = 12;
    w.stuck = false;
    LAC_TEST_EQ(lag(&w), 0);
    fixture_close(&w.f);
}

/* Somebody else shows it from now on; who gets it back begins anew. */
static void a_partition_that_went_has_no_lag(void)
{
    struct world w = new_world("rr.");
    const struct lac_kafka_position p = {"in", 0, LAC_KAFKA_STORED};

    begin(&w);
    LAC_TEST_EQ(lag(&w), 0);
    lac_lane_revoked(w.f.lane, &p, 1, false);
    lac_lane_ended(w.f.lane, "in", 0, 3); /* of nobody's */
    LAC_TEST_EQ(w.f.durable, 2);
    w.mute = true;
    LAC_TEST_EQ(lag(&w), FIXTURE_HIDDEN);
    w.f.assigned = false;
    LAC_TEST_EQ(lag(&w), 1);
    w.mute = false;
    LAC_TEST_EQ(lag(&w), 0);
    fixture_close(&w.f);
}

LAC_TEST_MAIN(lane_lag, who_has_read_all_there_is_has_no_lag,
              without_an_end_marks_look_like_records,
              records_that_wait_are_lag_until_they_are_processed,
              records_of_an_open_transaction_are_lag, what_is_aborted_is_lag_again,
              an_end_behind_what_was_dropped_says_nothing,
              an_end_met_from_another_beginning_says_nothing, what_was_deleted_unread_is_no_lag,
              a_partition_that_went_has_no_lag)
