/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what a lane does beside its commits. Dead letters that an output of rows can't carry go
 * apart and before the commit, replies that fail are counted, and what fails on the way back to
 * work is done again.
 */
#include <stdio.h>

#include "lac_lane.h"
#include "lac_log.h"
#include "lac_metrics.h"
#include "lac_test.h"

enum { COUNT = 8 };
enum { OUT = 1, DEAD = 2 }; /* topics */

struct world {
    struct lac_lane *lane;
    struct lac_metrics *metrics;
    uint64_t now_ms;
    int64_t next, durable;
    bool assigned, broke;

    int64_t refused;   /* the output takes no row of this message; 0: of all */
    int64_t rejected;  /* the stage rejects this one */
    bool replies;      /* the stage answers each message */
    bool no_side;      /* what goes apart is not taken */
    int64_t waits;     /* the stage waits for something when it sees this one */
    int losses;        /* commits that are answered with RETRY, first */
    bool last_commit;  /* the next commit fails for good */
    int commits;       /* that were asked for */
    bool homeless;     /* partitions belong to somebody else until the group is joined again */
    int rejoin_losses; /* attempts at that that fail, first */
    int rejoined;
    int apart, unflushed; /* dead letters: all that were sent, and those nobody waited for */
    int64_t letters[COUNT];
};

static struct lac_err err;

static uint64_t now_ms(void *ctx)
{
    return ((struct world *)ctx)->now_ms;
}

static void sleep_ms(void *ctx, uint32_t ms)
{
    ((struct world *)ctx)->now_ms += ms;
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
        lac_lane_assigned(w->lane, &p, 1);
        if (w->broke)
            return LAC_AGAIN;
    }
    if (w->durable == COUNT)
        lac_lane_stop(w->lane);
    w->now_ms += timeout_ms;
    if (w->next == COUNT)
        return LAC_AGAIN;
    *msg = (struct lac_kafka_msg){.topic = "in", .offset = w->next++, .value = LAC_STR("value")};
    return LAC_OK;
}

static void poll_break(void *ctx)
{
    ((struct world *)ctx)->broke = true;
}

static enum lac_status seek(void *ctx, const struct lac_kafka_position *p, size_t n,
                            struct lac_err *e)
{
    (void)n, (void)e;
    ((struct world *)ctx)->next = p[0].offset;
    return LAC_OK;
}

/* For lag: a copy of the position. */
static enum lac_status copy(void *ctx, const struct lac_kafka_position *p, size_t n, bool wait,
                            struct lac_err *e)
{
    (void)ctx, (void)p, (void)n, (void)wait, (void)e;
    return LAC_OK;
}

static bool watermarks(void *ctx, const char *topic, int32_t partition, int64_t *low, int64_t *high)
{
    (void)ctx, (void)topic, (void)partition, (void)low, (void)high;
    return false;
}

static size_t record_limit(void *ctx)
{
    (void)ctx;
    return 1 << 20;
}

static enum lac_status rejoin(void *ctx, struct lac_err *e)
{
    struct world *w = ctx;
    const struct lac_kafka_position p = {"in", 0, LAC_KAFKA_STORED};

    if (w->rejoin_losses && w->rejoin_losses--)
        return lac_err_set(e, LAC_RETRY, 0, "no answer");
    w->rejoined++;
    w->homeless = w->assigned = false;
    lac_lane_revoked(w->lane, &p, 1, true);
    w->next = w->durable;
    return LAC_OK;
}

static enum lac_status side_produce(void *ctx, int topic, const struct lac_kafka_record *r,
                                    struct lac_err *e)
{
    struct world *w = ctx;

    if (w->no_side)
        return lac_err_set(e, LAC_RETRY, 0, "the queue is full");
    if (topic != DEAD)
        return LAC_OK;
    for (size_t i = 0; i < r->header_count; i++)
        if (lac_str_is(r->headers[i].name, "lacuna-dlq-offset") && w->apart < COUNT)
            w->letters[w->apart] = r->headers[i].value.ptr[0] - '0';
    w->apart++;
    w->unflushed++;
    return LAC_OK;
}

static enum lac_status side_flush(void *ctx, uint32_t timeout_ms, struct lac_err *e)
{
    (void)timeout_ms, (void)e;
    ((struct world *)ctx)->unflushed = 0;
    return LAC_OK;
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
    .commit = copy,
    .watermarks = watermarks,
    .record_limit = record_limit,
    .rejoin = rejoin,
    .side_produce = side_produce,
    .side_flush = side_flush,
    .side_failed = none_failed,
};

/* ---- an output of rows, which knows its position ---- */

static enum lac_status open_output(void *ctx, struct lac_err *e)
{
    (void)ctx, (void)e;
    return LAC_OK;
}

static enum lac_status start(void *ctx, struct lac_kafka_position *p, size_t n, bool fresh,
                             struct lac_err *e)
{
    const struct world *w = ctx;

    (void)n, (void)fresh, (void)e;
    p[0].offset = w->homeless ? LAC_KAFKA_NONE : w->durable;
    return LAC_OK;
}

static enum lac_status write_rows(void *ctx, struct lac_batch *b, struct lac_err *e)
{
    const struct world *w = ctx;

    (void)e;
    for (size_t i = 0; i < b->count; i++)
        if (w->refused && b->msgs[i].offset == w->refused)
            lac_batch_reject(b, i, "refused", "the table takes no such row");
    return LAC_OK;
}

static enum lac_status commit(void *ctx, const struct lac_kafka_position *p, size_t n,
                              struct lac_err *e)
{
    struct world *w = ctx;

    LAC_TEST_EQ(n, 1);
    LAC_TEST_EQ(w->unflushed, 0); /* or the position is behind a letter that is nowhere */
    w->commits++;
    if (w->last_commit)
        return lac_err_set(e, LAC_FATAL, 0, "for good");
    if (w->losses && w->losses--)
        return lac_err_set(e, LAC_RETRY, 0, "nobody knows");
    w->durable = p[0].offset;
    return LAC_OK;
}

static enum lac_status abort_rows(void *ctx, struct lac_err *e)
{
    (void)ctx, (void)e;
    return LAC_OK;
}

static void close_output(void *ctx)
{
    (void)ctx;
}

static const struct lac_output_ops output_ops = {
    .name = "rows",
    .open = open_output,
    .start = start,
    .write = write_rows,
    .commit = commit,
    .abort = abort_rows,
    .close = close_output,
};

static enum lac_status stage(void *ctx, struct lac_batch *b, struct lac_err *e)
{
    const struct world *w = ctx;

    for (size_t i = 0; i < b->count; i++) {
        const struct lac_kafka_record r = {.value = b->msgs[i].value};

        if (w->waits && b->msgs[i].offset == w->waits)
            return lac_err_set(e, LAC_RETRY, 0, "not there yet");
        if (w->rejected && b->msgs[i].offset == w->rejected)
            lac_batch_reject(b, i, "undecodable", "byte 0");
        if (w->replies && lac_batch_reply(b, OUT, &r) != LAC_OK)
            return LAC_AGAIN;
    }
    return LAC_OK;
}

static void open_lane(struct world *w, size_t batch)
{
    static const char *const topics[] = {[OUT] = "out", [DEAD] = "dead", [0] = "none"};
    const struct lac_lane_options options = {
        .name = "lane",
        .topics = topics,
        .topic_count = LAC_COUNT(topics),
        .deadletter_topic = DEAD,
        .batch_count = batch,
        .batch_bytes = 1 << 16,
        .commit_interval_ms = 5000,
        .metrics = w->metrics,
    };

    lac_log_open("test", LAC_LOG_ERROR, LAC_LOG_KEY_VALUE);
    w->now_ms = 1;
    LAC_TEST_NEED(lac_lane_open(&w->lane, &options, (struct lac_lane_io){w, &io_ops},
                                (struct lac_output){w, &output_ops}, (struct lac_stage){w, stage},
                                &err) == LAC_OK);
}

static enum lac_status run(struct world *w, size_t batch)
{
    open_lane(w, batch);
    return lac_lane_run(w->lane, &err);
}

static bool page_has(struct world *w, const char *line)
{
    struct lac_buf page;
    bool has;

    lac_buf_init(&page, 1 << 16);
    lac_metrics_write(w->metrics, &page, LAC_METRICS_PROMETHEUS);
    has = strstr(lac_buf_cstr(&page), line) != NULL;
    lac_buf_deinit(&page);
    return has;
}

/* ---- dead letters ---- */

static void what_a_table_does_not_take_is_a_letter_too(void)
{
    static const struct {
        int64_t refused, rejected;
    } rows[] = {{3, 0}, {0, 3}, {3, 5}, {5, 3}};

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct world w = {.refused = rows[i].refused, .rejected = rows[i].rejected};
        int want = (w.refused != 0) + (w.rejected != 0);

        lac_test_row("refused %d, rejected %d", (int)w.refused, (int)w.rejected);
        LAC_TEST_EQ(run(&w, COUNT), LAC_OK);
        LAC_TEST_EQ(w.durable, COUNT);
        LAC_TEST_EQ(w.apart, want);
        LAC_TEST_EQ(w.letters[0], 3);
        LAC_TEST_EQ(w.letters[1], want == 2 ? 5 : 0);
        LAC_TEST_EQ(atomic_load(&lac_lane_health(w.lane)->rejected), want);
        LAC_TEST_EQ(atomic_load(&lac_lane_health(w.lane)->processed), COUNT);
        lac_lane_close(w.lane);
    }
}

/* ---- what is counted ---- */

static void replies_that_fail_are_counted_and_hold_nothing_up(void)
{
    for (int fail = 0; fail <= 1; fail++) {
        struct world w = {.replies = true, .no_side = fail};

        LAC_TEST_NEED(lac_metrics_new(&w.metrics, &err) == LAC_OK);
        LAC_TEST_EQ(run(&w, COUNT), LAC_OK);
        LAC_TEST_EQ(w.durable, COUNT);
        CU_ASSERT(page_has(&w, fail ? "lacuna_lane_replies_lost_total{lane=\"lane\"} 8\n"
                                    : "lacuna_lane_replies_lost_total{lane=\"lane\"} 0\n"));
        CU_ASSERT(page_has(&w, "lacuna_lane_records_total{lane=\"lane\"} 8\n"));
        lac_lane_close(w.lane);
        lac_metrics_free(w.metrics);
    }
}

/* ---- back to work ---- */

/* A lane that went on would read what is somebody else's. */
static void leaving_the_group_is_tried_until_it_is_done(void)
{
    struct world w = {.homeless = true, .rejoin_losses = 2};

    LAC_TEST_EQ(run(&w, COUNT), LAC_OK);
    LAC_TEST_EQ(w.rejoined, 1);
    LAC_TEST_EQ(w.rejoin_losses, 0);
    LAC_TEST_EQ(w.durable, COUNT);
    lac_lane_close(w.lane);
}

/* While a stage waits, what came before it is committed; where that can't be, it is the end. */
static void what_ends_a_lane_ends_it_at_once(void)
{
    struct world w = {.waits = 2, .last_commit = true};

    LAC_TEST_EQ(run(&w, 1), LAC_FATAL);
    LAC_TEST_STR(err.text, "for good");
    LAC_TEST_EQ(w.commits, 1);
    LAC_TEST_EQ(w.durable, 0);
    lac_lane_close(w.lane);
}

static void a_lane_that_is_well_again_says_so(void)
{
    struct world w = {.losses = 3};

    open_lane(&w, 1);
    while (w.commits < 3)
        LAC_TEST_NEED(lac_lane_turn(w.lane, &err) == LAC_OK);
    LAC_TEST_EQ(atomic_load(&lac_lane_health(w.lane)->state), LAC_LANE_WAITING);
    while (!w.durable)
        LAC_TEST_NEED(lac_lane_turn(w.lane, &err) == LAC_OK);
    LAC_TEST_EQ(atomic_load(&lac_lane_health(w.lane)->state), LAC_LANE_RUNNING);
    lac_lane_close(w.lane);
}

LAC_TEST_MAIN(lane_apart, what_a_table_does_not_take_is_a_letter_too,
              replies_that_fail_are_counted_and_hold_nothing_up,
              leaving_the_group_is_tried_until_it_is_done, what_ends_a_lane_ends_it_at_once,
              a_lane_that_is_well_again_says_so)
