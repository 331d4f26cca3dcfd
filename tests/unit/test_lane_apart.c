/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what a lane does beside its commits. Dead letters that an output of rows can't carry go
 * apart and before the commit, replies with their batch or behind it, replies that fail are
 * counted, and what fails on the way back to work is done again.
 */
#include "lac_metrics.h"
#include "lac_test.h"
#include "lane_fixture.h"

enum {
    COUNT = 8,
    TOO_LARGE = 10,      /* librdkafka's codes: of a record, */
    DOWN = -195,         /* and of a connection */
    LETTER_BYTES = 2368, /* of an arena: one takes a little less */
};

struct world {
    struct fixture f;
    int64_t refused;  /* the output takes no row of this message; -1: none at all, 0: all */
    int64_t rejected; /* the stage rejects this one */
    bool replies;     /* the stage answers each message */
    bool no_side;     /* what goes apart is not taken */
    int64_t waits;    /* the stage waits for something when it sees this one */
    int waits_left;   /* times that it does so; 0: for ever */
    int64_t again; /* instead of it, once, what begins the partition comes again; 0: it does not */
    int64_t done;  /* messages 0 .. done are in the table, in this order */
    int losses;    /* commits that are answered with RETRY, first */
    bool last_commit;  /* the next commit fails for good */
    int commits;       /* that were asked for */
    bool homeless;     /* partitions belong to somebody else until the group is joined again */
    int rejoin_losses; /* attempts at that that fail, first */
    int rejoined;
    int apart, unflushed; /* dead letters: all that were sent, and those nobody waited for */
    int64_t letters[COUNT];
    int bare;           /* letters without their value */
    int failures;       /* letters that are not delivered, first; -1: all that have a value */
    int code;           /* why */
    int failed;         /* of those that nobody has asked about */
    int silences;       /* waits for letters that end without an answer, first */
    int flushes;        /* waits that had one */
    int64_t toxic;      /* the stage takes no batch with this message but itself; 0: none */
    bool early;         /* replies go with their batch */
    int replied;        /* replies that were sent: all, */
    int replied_at;     /* and when the first commit was asked for */
    int64_t copied;     /* position that the group was told */
    int waited;         /* times that it was waited for */
    size_t arena_bytes; /* that results and letters have; 0: as usual */
    uint32_t interval_ms, stage_ms; /* between commits, 0: long; of a batch */
};

static struct lac_err err;

static enum lac_status poll_again(void *ctx, uint32_t timeout_ms, struct lac_kafka_msg *msg,
                                  struct lac_err *e)
{
    struct world *w = ctx;

    if (w->again && w->f.next == w->again)
        w->f.next = w->again = 0;
    return fixture_poll(ctx, timeout_ms, msg, e);
}

static enum lac_status rejoin(void *ctx, struct lac_err *e)
{
    struct world *w = ctx;
    const struct lac_kafka_position p = {"in", 0, LAC_KAFKA_STORED};

    if (w->rejoin_losses && w->rejoin_losses--)
        return lac_err_set(e, LAC_RETRY, 0, "no answer");
    w->rejoined++;
    w->homeless = w->f.assigned = false;
    lac_lane_revoked(w->f.lane, &p, 1, true);
    w->f.next = w->f.durable;
    return LAC_OK;
}

static enum lac_status side_produce(void *ctx, int topic, const struct lac_kafka_record *r,
                                    struct lac_err *e)
{
    struct world *w = ctx;

    if (w->no_side)
        return lac_err_set(e, LAC_RETRY, 0, "the queue is full");
    if (topic != FIXTURE_DEAD) {
        w->replied++;
        return LAC_OK;
    }
    for (size_t i = 0; i < r->header_count; i++)
        if (lac_str_is(r->headers[i].name, "lacuna-dlq-offset") && w->apart < COUNT)
            w->letters[w->apart] = r->headers[i].value.ptr[0] - '0';
    w->apart++;
    w->unflushed++;
    w->bare += r->value.ptr == NULL;
    if (w->failures > 0 || (w->failures && r->value.ptr)) {
        w->failures -= w->failures > 0;
        w->failed++;
    }
    return LAC_OK;
}

static enum lac_status side_flush(void *ctx, uint32_t timeout_ms, struct lac_err *e)
{
    struct world *w = ctx;

    (void)timeout_ms;
    if (w->silences && w->silences--)
        return lac_err_set(e, LAC_RETRY, DOWN, "no answer");
    w->flushes++;
    w->unflushed = 0;
    return LAC_OK;
}

static size_t side_failed(void *ctx, struct lac_err *e)
{
    struct world *w = ctx;
    int failed = w->failed;

    if (failed)
        (void)lac_err_set(e, LAC_RETRY, w->code, "not delivered");
    w->failed = 0;
    return (size_t)failed;
}

static enum lac_status copy(void *ctx, const struct lac_kafka_position *p, size_t n, bool wait,
                            struct lac_err *e)
{
    struct world *w = ctx;

    (void)e;
    LAC_TEST_EQ(n, 1);
    w->copied = p[0].offset;
    w->waited += wait;
    return LAC_OK;
}

/* ---- an output of rows, which knows its position ---- */

static enum lac_status start(void *ctx, struct lac_kafka_position *p, size_t n, bool fresh,
                             struct lac_err *e)
{
    const struct world *w = ctx;

    (void)n, (void)fresh, (void)e;
    p[0].offset = w->homeless ? LAC_KAFKA_NONE : w->f.durable;
    return LAC_OK;
}

static enum lac_status write_rows(void *ctx, struct lac_batch *b, struct lac_err *e)
{
    struct world *w = ctx;

    (void)e;
    for (size_t i = 0; i < b->count; i++) {
        if (w->refused == -1 || (w->refused && b->msgs[i].offset == w->refused))
            lac_batch_reject(b, i, "refused", "the table takes no such row");
        if (b->msgs[i].offset == w->done)
            w->done++;
    }
    return LAC_OK;
}

static enum lac_status commit(void *ctx, const struct lac_kafka_position *p, size_t n,
                              struct lac_err *e)
{
    struct world *w = ctx;

    LAC_TEST_EQ(n, 1);
    LAC_TEST_EQ(w->unflushed, 0); /* or the position is behind a letter that is nowhere */
    if (!w->commits++)
        w->replied_at = w->replied;
    if (w->last_commit)
        return lac_err_set(e, LAC_FATAL, 0, "for good");
    if (w->losses && w->losses--)
        return lac_err_set(e, LAC_RETRY, 0, "nobody knows");
    w->f.durable = p[0].offset;
    return LAC_OK;
}

static enum lac_status stage(void *ctx, struct lac_batch *b, struct lac_err *e)
{
    struct world *w = ctx;
    bool toxic = false;

    w->f.now_ms += w->stage_ms;
    for (size_t i = 0; i < b->count; i++) {
        const struct lac_kafka_record r = {.value = b->msgs[i].value};

        if (w->waits && b->msgs[i].offset == w->waits) {
            if (w->waits_left && !--w->waits_left)
                w->waits = 0;
            return lac_err_set(e, LAC_RETRY, 0, "not there yet");
        }
        if (w->rejected && b->msgs[i].offset == w->rejected)
            lac_batch_reject(b, i, "undecodable", "byte 0");
        if (w->replies && lac_batch_reply(b, FIXTURE_OUT, &r) != LAC_OK)
            return LAC_AGAIN;
        toxic = toxic || (w->toxic && b->msgs[i].offset == w->toxic);
    }
    return toxic && b->count > 1 ? lac_err_set(e, LAC_REJECT, 0, "one of these") : LAC_OK;
}

static void open_lane(struct world *w, size_t batch)
{
    fixture_set_up(&w->f);
    w->f.count = COUNT;
    w->f.io.poll = poll_again;
    w->f.io.rejoin = rejoin;
    w->f.io.side_produce = side_produce;
    w->f.io.side_flush = side_flush;
    w->f.io.side_failed = side_failed;
    w->f.io.commit = copy;
    w->f.output.carries_records = false;
    w->f.output.start = start;
    w->f.output.write = write_rows;
    w->f.output.commit = commit;
    w->f.stage = stage;
    w->f.options.batch_count = batch;
    w->f.options.commit_interval_ms = w->interval_ms ? w->interval_ms : 5000;
    w->f.options.replies_early = w->early;
    w->f.options.arena_bytes = w->arena_bytes;
    fixture_open(&w->f);
}

static enum lac_status run(struct world *w, size_t batch)
{
    open_lane(w, batch);
    return lac_lane_run(w->f.lane, &err);
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
        LAC_TEST_EQ(w.f.durable, COUNT);
        LAC_TEST_EQ(w.apart, want);
        LAC_TEST_EQ(w.letters[0], 3);
        LAC_TEST_EQ(w.letters[1], want == 2 ? 5 : 0);
        LAC_TEST_EQ(atomic_load(&lac_lane_health(w.f.lane)->rejected), want);
        LAC_TEST_EQ(atomic_load(&lac_lane_health(w.f.lane)->processed), COUNT);
        fixture_close(&w.f);
    }
}

/* The rows are taken by then, and can't be taken back one by one. */
static void letters_that_find_no_room_are_made_of_fewer_messages(void)
{
    for (size_t room = 1; room < COUNT; room++) {
        struct world w = {.refused = -1, .arena_bytes = room * LETTER_BYTES};

        lac_test_row("room for %zu", room);
        open_lane(&w, COUNT);
        for (int i = 0; i < 1000 && w.f.durable < COUNT; i++)
            LAC_TEST_NEED(lac_lane_turn(w.f.lane, &err) == LAC_OK);
        LAC_TEST_EQ(w.f.durable, COUNT);
        LAC_TEST_EQ(w.apart, COUNT);
        fixture_close(&w.f);
    }
}

/* One that a broker did not answer for goes again as it is; only a refused one has to be smaller.
 */
static void a_letter_is_cut_down_only_when_it_is_refused(void)
{
    static const struct {
        int code, failures, apart, bare;
    } rows[] = {{DOWN, 5, 6, 0}, {TOO_LARGE, -1, 4, 1}};

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct world w = {.rejected = 1, .code = rows[i].code, .failures = rows[i].failures};

        lac_test_row("code %d", w.code);
        open_lane(&w, COUNT);
        w.f.count = 2;
        while (w.f.durable < 2 && w.apart < COUNT)
            LAC_TEST_NEED(lac_lane_turn(w.f.lane, &err) == LAC_OK);
        LAC_TEST_EQ(w.apart, rows[i].apart);
        LAC_TEST_EQ(w.bare, rows[i].bare);
        fixture_close(&w.f);
    }
}

/* Or what is done again would be blamed for it. */
static void what_becomes_of_a_lost_intervals_letters_is_forgotten_with_it(void)
{
    struct world w = {.rejected = 3, .silences = 1, .failures = 1, .code = TOO_LARGE};

    LAC_TEST_EQ(run(&w, COUNT), LAC_OK);
    LAC_TEST_EQ(w.f.durable, COUNT);
    LAC_TEST_EQ(w.apart, 2);
    LAC_TEST_EQ(w.bare, 0);
    LAC_TEST_EQ(w.commits, 1);
    fixture_close(&w.f);
}

/* Each wait is one for replies, too. */
static void letters_are_waited_for_once(void)
{
    struct world w = {.rejected = 3};

    open_lane(&w, COUNT);
    w.f.count = 4;
    while (w.f.durable < 4)
        LAC_TEST_NEED(lac_lane_turn(w.f.lane, &err) == LAC_OK);
    LAC_TEST_EQ(w.flushes, 1);
    w.f.count = COUNT;
    while (w.f.durable < COUNT)
        LAC_TEST_NEED(lac_lane_turn(w.f.lane, &err) == LAC_OK);
    LAC_TEST_EQ(w.flushes, 1);
    fixture_close(&w.f);
}

/* ---- replies ---- */

static void replies_go_once_with_their_batch_or_behind_the_commit(void)
{
    for (int early = 0; early <= 1; early++)
        for (int losses = 0; losses <= 1; losses++) {
            struct world w = {.replies = true, .early = early, .losses = losses, .toxic = 3};

            lac_test_row("early %d, losses %d", early, losses);
            LAC_TEST_EQ(run(&w, 4), LAC_OK);
            LAC_TEST_EQ(w.f.durable, COUNT);
            LAC_TEST_EQ(w.replied_at > 0, early);
            LAC_TEST_EQ(w.replied, COUNT + (early ? losses * w.replied_at : 0));
            fixture_close(&w.f);
        }
}

/* ---- when ---- */

/* However fast batches follow each other. */
static void an_interval_is_as_old_as_its_first_batch(void)
{
    struct world w = {.interval_ms = 25, .stage_ms = 10};

    LAC_TEST_EQ(run(&w, 1), LAC_OK);
    LAC_TEST_EQ(w.f.durable, COUNT);
    CU_ASSERT(w.commits >= 3);
    fixture_close(&w.f);
}

static void a_stage_that_waits_does_not_hold_up_what_came_before(void)
{
    struct world w = {.waits = 2};

    open_lane(&w, 1);
    while (!w.commits)
        LAC_TEST_NEED(lac_lane_turn(w.f.lane, &err) == LAC_OK);
    LAC_TEST_EQ(w.f.durable, 2);
    CU_ASSERT(w.f.now_ms < 5000);
    fixture_close(&w.f);
}

/* ---- what is counted ---- */

/* Nobody reads from there, so nobody waits for it. */
static void tools_that_show_lag_are_told_the_position(void)
{
    struct world w = {.losses = 1};

    LAC_TEST_EQ(run(&w, COUNT), LAC_OK);
    LAC_TEST_EQ(w.copied, COUNT);
    LAC_TEST_EQ(w.waited, 0);
    fixture_close(&w.f);
}

static void replies_that_fail_are_counted_and_hold_nothing_up(void)
{
    for (int fail = 0; fail <= 1; fail++) {
        struct world w = {.replies = true, .no_side = fail};

        LAC_TEST_NEED(lac_metrics_new(&w.f.metrics, &err) == LAC_OK);
        LAC_TEST_EQ(run(&w, COUNT), LAC_OK);
        LAC_TEST_EQ(w.f.durable, COUNT);
        LAC_TEST_EQ(fixture_shown(&w.f, "lacuna_lane_replies_lost_total{lane=\"lane\"}"),
                    fail ? COUNT : 0);
        LAC_TEST_EQ(fixture_shown(&w.f, "lacuna_lane_records_total{lane=\"lane\"}"), COUNT);
        fixture_close(&w.f);
    }
}

/* ---- back to work ---- */

/* A partition that went on behind any of them would have lost the ones before. */
static void what_is_dropped_is_read_again_from_its_first(void)
{
    for (size_t batch = 1; batch <= COUNT; batch++) {
        struct world w = {.waits = COUNT - 2, .waits_left = 2};

        lac_test_row("batches of %zu", batch);
        LAC_TEST_EQ(run(&w, batch), LAC_OK);
        LAC_TEST_EQ(w.waits_left, 0);
        LAC_TEST_EQ(w.done, COUNT);
        LAC_TEST_EQ(w.f.durable, COUNT);
        fixture_close(&w.f);
    }
}

/* The batch that was open then is dropped as well. */
static void what_comes_again_costs_nothing_of_the_batch_it_comes_into(void)
{
    for (int64_t again = 2; again < COUNT; again++) {
        struct world w = {.again = again};

        lac_test_row("before message %d", (int)again);
        LAC_TEST_EQ(run(&w, COUNT), LAC_OK);
        LAC_TEST_EQ(w.again, 0);
        LAC_TEST_EQ(w.done, COUNT);
        LAC_TEST_EQ(w.f.durable, COUNT);
        fixture_close(&w.f);
    }
}

/* A lane that went on would read what is somebody else's. */
static void leaving_the_group_is_tried_until_it_is_done(void)
{
    struct world w = {.homeless = true, .rejoin_losses = 2};

    LAC_TEST_EQ(run(&w, COUNT), LAC_OK);
    LAC_TEST_EQ(w.rejoined, 1);
    LAC_TEST_EQ(w.rejoin_losses, 0);
    LAC_TEST_EQ(w.f.durable, COUNT);
    fixture_close(&w.f);
}

/* While a stage waits, what came before it is committed; where that can't be, it is the end. */
static void what_ends_a_lane_ends_it_at_once(void)
{
    struct world w = {.waits = 2, .last_commit = true};

    LAC_TEST_EQ(run(&w, 1), LAC_FATAL);
    LAC_TEST_STR(err.text, "for good");
    LAC_TEST_EQ(w.commits, 1);
    LAC_TEST_EQ(w.f.durable, 0);
    fixture_close(&w.f);
}

static void a_lane_that_is_well_again_says_so(void)
{
    struct world w = {.losses = 3};

    open_lane(&w, 1);
    while (w.commits < 3)
        LAC_TEST_NEED(lac_lane_turn(w.f.lane, &err) == LAC_OK);
    LAC_TEST_EQ(atomic_load(&lac_lane_health(w.f.lane)->state), LAC_LANE_WAITING);
    while (!w.f.durable)
        LAC_TEST_NEED(lac_lane_turn(w.f.lane, &err) == LAC_OK);
    LAC_TEST_EQ(atomic_load(&lac_lane_health(w.f.lane)->state), LAC_LANE_RUNNING);
    fixture_close(&w.f);
}

LAC_TEST_MAIN(lane_apart, what_a_table_does_not_take_is_a_letter_too,
              letters_that_find_no_room_are_made_of_fewer_messages,
              a_letter_is_cut_down_only_when_it_is_refused,
              what_becomes_of_a_lost_intervals_letters_is_forgotten_with_it,
              letters_are_waited_for_once, replies_go_once_with_their_batch_or_behind_the_commit,
              an_interval_is_as_old_as_its_first_batch,
              a_stage_that_waits_does_not_hold_up_what_came_before,
              tools_that_show_lag_are_told_the_position,
              replies_that_fail_are_counted_and_hold_nothing_up,
              what_is_dropped_is_read_again_from_its_first,
              what_comes_again_costs_nothing_of_the_batch_it_comes_into,
              leaving_the_group_is_tried_until_it_is_done, what_ends_a_lane_ends_it_at_once,
              a_lane_that_is_well_again_says_so)
