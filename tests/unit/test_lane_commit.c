/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what a lane makes of a commit. One partition, an output that takes or refuses as it is
 * told, and a clock that only the lane's own waits move.
 */
#include "lac_test.h"
#include "lane_fixture.h"

enum { COMMITS_MAX = 20, SLOW_MS = 12000, TRANSACTION_MS = 10000 };

struct world {
    struct fixture f;
    int refusals;      /* commits that are still answered with REJECT */
    int losses;        /* .. with RETRY, first */
    int commits;       /* commits that were asked for */
    int letters, bare; /* dead letters in the open interval: all, those without a value */
    int kept_letters;  /* in what is committed */
    int kept_bare;     /* of them, without a value */
    size_t batch;      /* messages of a batch; 0: FIXTURE_BATCH */
    int64_t slow;      /* the stage takes SLOW_MS for this message; 0: none */
    uint64_t begun_ms; /* when the open transaction was begun; 0: none is open */
    int timeouts;      /* commits that came too late */
    int seeks;         /* times that the partition was told where to go on */
    int64_t staged;    /* messages that went through the stage */
    int state;         /* the lane's, as others see it, at the last commit */
    int64_t fatal;     /* the write of this message fails for good, half done; 0: none */
    bool own_position; /* the output knows where reading starts, and looks whether it exists */
    int seek_losses;   /* seeks that are answered with RETRY, first */
    bool cut_off;      /* the log ends before the committed position: all of it comes again */
    int64_t bad;       /* no commit with what the stage made of this message succeeds; 0: none */
    bool holds_bad;    /* the open interval has it */
    bool bad_letter;   /* nor one with its whole letter */
    size_t open;       /* messages of the open interval */
    size_t kept;       /* in what is committed */
    int64_t letter;    /* the last dead letter's message */
    int64_t lossy;     /* the first write of this message fails, half done; 0: none */
    size_t room;       /* messages that an interval takes; 0: as many as come */
    int64_t refused;   /* the output takes no row of this message; 0: of all */
    size_t sizes[COMMITS_MAX + 1];      /* of the intervals whose commits were asked for */
    uint64_t asked_ms[COMMITS_MAX + 1]; /* when */
};

static struct lac_err err;

/* ---- the lane's world ---- */

/* All there is is committed, or never will be: the lane may go. */
static enum lac_status poll_next(void *ctx, uint32_t timeout_ms, struct lac_kafka_msg *msg,
                                 struct lac_err *e)
{
    struct world *w = ctx;

    if (w->commits == COMMITS_MAX)
        lac_lane_stop(w->f.lane);
    return fixture_poll(ctx, timeout_ms, msg, e);
}

static enum lac_status seek(void *ctx, const struct lac_kafka_position *p, size_t n,
                            struct lac_err *e)
{
    struct world *w = ctx;

    LAC_TEST_EQ(n, 1);
    if (w->seek_losses && w->seek_losses--)
        return lac_err_set(e, LAC_RETRY, 0, "no answer");
    w->seeks++;
    w->f.next = w->cut_off ? 0 : p[0].offset;
    return LAC_OK;
}

/* ---- the output ---- */

static void close_interval(struct world *w)
{
    w->letters = w->bare = 0;
    w->begun_ms = 0;
    w->open = 0;
    w->holds_bad = false;
}

static int64_t offset_of(const struct lac_kafka_record *letter)
{
    for (size_t i = 0; i < letter->header_count; i++)
        if (lac_str_is(letter->headers[i].name, "lacuna-dlq-offset"))
            return letter->headers[i].value.ptr[0] - '0';
    return LAC_KAFKA_NONE;
}

static enum lac_status output_write(void *ctx, struct lac_batch *b, struct lac_err *e)
{
    struct world *w = ctx;

    for (size_t i = 0; i < b->count; i++)
        if (w->refused && b->msgs[i].offset == w->refused && !lac_batch_rejected(b, i))
            return lac_err_set(e, LAC_REJECT, 0, "one of these");
    if (w->room && w->open + b->count > w->room)
        return lac_err_set(e, LAC_AGAIN, 0, "full");
    if (!w->begun_ms)
        w->begun_ms = w->f.now_ms;
    w->open += b->count;
    for (size_t i = 0; i < b->count; i++)
        if (w->bad && b->msgs[i].offset == w->bad && !lac_batch_rejected(b, i))
            w->holds_bad = true;
    for (size_t i = 0; i < b->record_count; i++) {
        if (b->records[i].topic != FIXTURE_DEAD)
            continue;
        if (w->bad_letter && b->records[i].record.value.ptr)
            w->holds_bad = true;
        w->letter = offset_of(&b->records[i].record);
        w->letters++;
        w->bare += b->records[i].record.value.ptr == NULL;
    }
    for (size_t i = 0; i < b->count; i++)
        if (w->lossy && b->msgs[i].offset == w->lossy) {
            w->lossy = 0;
            return lac_err_set(e, LAC_RETRY, 0, "not all of it");
        }
    if (w->fatal && b->msgs[b->count - 1].offset == w->fatal)
        return lac_err_set(e, LAC_FATAL, 0, "not allowed");
    return LAC_OK;
}

static enum lac_status output_commit(void *ctx, const struct lac_kafka_position *p, size_t n,
                                     struct lac_err *e)
{
    struct world *w = ctx;

    LAC_TEST_EQ(n, 1);
    if (w->commits < COMMITS_MAX) {
        w->sizes[w->commits] = w->open;
        w->asked_ms[w->commits] = w->f.now_ms;
    }
    w->commits++;
    w->state = atomic_load(&lac_lane_health(w->f.lane)->state);
    if (w->f.now_ms - w->begun_ms > TRANSACTION_MS) {
        w->timeouts++;
        return lac_err_set(e, LAC_RETRY, 0, "the transaction is aborted");
    }
    if (w->losses && w->losses--)
        return lac_err_set(e, LAC_RETRY, 0, "nobody knows");
    if (w->holds_bad || (w->refusals && w->refusals--))
        return lac_err_set(e, LAC_REJECT, 0, "no");
    w->f.durable = p[0].offset;
    w->kept += w->open;
    w->kept_letters += w->letters;
    w->kept_bare += w->bare;
    close_interval(w);
    return LAC_OK;
}

static enum lac_status output_abort(void *ctx, struct lac_err *e)
{
    (void)e;
    close_interval(ctx);
    return LAC_OK;
}

static enum lac_status output_start(void *ctx, struct lac_kafka_position *p, size_t n, bool fresh,
                                    struct lac_err *e)
{
    struct world *w = ctx;

    LAC_TEST_EQ(n, 1);
    p[0].offset = w->f.durable;
    return !fresh && w->cut_off ? lac_err_set(e, LAC_FATAL, 0, "another log") : LAC_OK;
}

static enum lac_status pass_on(void *ctx, struct lac_batch *b, struct lac_err *e)
{
    struct world *w = ctx;

    (void)e;
    w->staged += (int64_t)b->count;
    for (size_t i = 0; i < b->count; i++) {
        const struct lac_kafka_record r = {.key = b->msgs[i].key, .value = b->msgs[i].value};

        if (w->slow && b->msgs[i].offset == w->slow)
            w->f.now_ms += SLOW_MS;
        if (lac_batch_emit(b, FIXTURE_OUT, &r) != LAC_OK)
            return LAC_AGAIN;
    }
    return LAC_OK;
}

static void open_lane(struct world *w)
{
    fixture_set_up(&w->f);
    w->f.io.poll = poll_next;
    w->f.io.seek = seek;
    w->f.output.start = w->own_position ? output_start : NULL;
    w->f.output.write = output_write;
    w->f.output.commit = output_commit;
    w->f.output.abort = output_abort;
    w->f.stage = pass_on;
    if (w->batch)
        w->f.options.batch_count = w->batch;
    fixture_open(&w->f);
}

static enum lac_status run(struct world *w)
{
    open_lane(w);
    return fixture_run(&w->f, &err);
}

/* ---- records that can't be written ---- */

static void a_refused_record_is_dead_lettered_first_whole_then_bare(void)
{
    for (int refusals = 0; refusals <= 2; refusals++) {
        struct world w = {.f.count = 1, .refusals = refusals};

        lac_test_row("%d refusals", refusals);
        LAC_TEST_EQ(run(&w), LAC_OK);
        LAC_TEST_EQ(w.f.durable, 1);
        LAC_TEST_EQ(w.commits, refusals + 1);
        LAC_TEST_EQ(w.kept_letters, refusals > 0);
        LAC_TEST_EQ(w.kept_bare, refusals > 1);
    }
}

/* There is no smaller letter than one without its value: trying again would be for ever. */
static void a_refused_empty_letter_ends_the_lane(void)
{
    struct world w = {.f.count = 1, .refusals = 1000};

    LAC_TEST_EQ(run(&w), LAC_FATAL);
    LAC_TEST_EQ(w.commits, 3); /* the result, its letter, the letter without a value */
    LAC_TEST_EQ(w.f.durable, 0);
    LAC_TEST_EQ(w.kept_letters, 0);
}

/* Halved until it is alone; what was in the interval with it goes one by one, and no more. */
static void a_record_that_cannot_be_written_is_found_among_others(void)
{
    static const size_t whole[] = {8, 4, 4, 2, 1, 1, 1, 1, 1},
                        bare[] = {8, 4, 4, 2, 1, 1, 1, 1, 1, 1};

    for (int bad_letter = 0; bad_letter <= 1; bad_letter++) {
        struct world w = {.f.count = 8, .bad = 5, .bad_letter = bad_letter};
        const size_t *sizes = bad_letter ? bare : whole;
        int searched = bad_letter ? LAC_COUNT(bare) : LAC_COUNT(whole);

        lac_test_row("%s letter", bad_letter ? "bare" : "whole");
        open_lane(&w);
        while (w.f.durable < 8 && w.commits < COMMITS_MAX)
            LAC_TEST_NEED(lac_lane_turn(w.f.lane, &err) == LAC_OK);
        LAC_TEST_EQ(w.commits, searched);
        for (int i = 0; i < searched; i++)
            LAC_TEST_EQ(w.sizes[i], sizes[i]);
        LAC_TEST_EQ(w.kept_letters, 1);
        LAC_TEST_EQ(w.kept_bare, bad_letter);
        w.f.count = 16;
        while (w.f.durable < 16 && w.commits < COMMITS_MAX)
            LAC_TEST_NEED(lac_lane_turn(w.f.lane, &err) == LAC_OK);
        LAC_TEST_EQ(w.sizes[searched], 8);
        fixture_close(&w.f);
    }
}

/* ---- writes that are not taken ---- */

static void what_was_taken_in_part_is_given_up_and_done_again(void)
{
    for (size_t batch = 1; batch <= 4; batch++) {
        struct world w = {.f.count = 8, .lossy = 5, .batch = batch};

        lac_test_row("batches of %zu", batch);
        LAC_TEST_EQ(run(&w), LAC_OK);
        LAC_TEST_EQ(w.f.durable, 8);
        LAC_TEST_EQ(w.kept, 8);
        LAC_TEST_EQ(w.kept_letters, 0);
    }
}

/* A commit makes room, and only for what is alone in an interval there is none; for a dead letter
 * neither. */
static void a_full_interval_is_ended_before_anything_is_given_up(void)
{
    for (size_t room = 1; room <= 8; room++)
        for (int64_t refused = 0; refused < 8; refused++) {
            struct world w = {.f.count = 8, .room = room, .refused = refused, .batch = 4};

            lac_test_row("room for %zu, message %d refused", room, (int)refused);
            LAC_TEST_EQ(run(&w), LAC_OK);
            LAC_TEST_EQ(w.f.durable, 8);
            LAC_TEST_EQ(w.kept, 8);
            LAC_TEST_EQ(w.kept_letters, refused > 0);
            LAC_TEST_EQ(w.letter, refused);
        }
}

/* ---- waiting ---- */

/* Twice as long each time, up to a bound; never less than half of it, and then anew. */
static void waits_grow_up_to_a_bound_and_begin_anew_after_a_commit(void)
{
    struct world w = {.f.count = 1, .losses = 10};
    struct world v = {.f.count = 1, .losses = 5};
    bool differ = false;

    LAC_TEST_EQ(run(&w), LAC_OK);
    LAC_TEST_EQ(w.commits, 11);
    for (int i = 0; i < 10; i++) {
        uint64_t most = i < 6 ? 100U << i : 5000, took = w.asked_ms[i + 1] - w.asked_ms[i];

        lac_test_row("wait %d", i);
        /* A nap is longer than what is left, and then a batch is polled for and its age awaited. */
        CU_ASSERT(took >= most / 2 && took <= most + 350);
        differ = differ || took != most;
    }
    CU_ASSERT(differ);
    open_lane(&v);
    while (v.commits < 6)
        LAC_TEST_NEED(lac_lane_turn(v.f.lane, &err) == LAC_OK);
    LAC_TEST_EQ(v.f.durable, 1);
    v.f.count = 2;
    v.losses = 1;
    while (v.commits < 8)
        LAC_TEST_NEED(lac_lane_turn(v.f.lane, &err) == LAC_OK);
    LAC_TEST_EQ(v.f.durable, 2);
    CU_ASSERT(v.asked_ms[7] - v.asked_ms[6] <= 100 + 350);
    fixture_close(&v.f);
}

/* ---- where reading begins ---- */

/* Which it does when librdkafka takes a committed offset that is held back for none. */
static void what_comes_from_before_the_position_is_not_processed_again(void)
{
    struct world w = {.f.count = 6, .f.durable = 4};

    LAC_TEST_EQ(run(&w), LAC_OK);
    LAC_TEST_EQ(w.f.durable, 6);
    LAC_TEST_EQ(w.staged, 2);
    LAC_TEST_EQ(w.seeks, 1);

    w = (struct world){.f.count = 6, .f.durable = 4, .f.next = 4}; /* as it should be */
    LAC_TEST_EQ(run(&w), LAC_OK);
    LAC_TEST_EQ(w.staged, 2);
    LAC_TEST_EQ(w.seeks, 0);
}

/* As long as nobody has committed anything there is no other place. */
static void without_a_position_reading_goes_back_to_where_it_began(void)
{
    struct world w = {.f.count = 3, .f.durable = LAC_KAFKA_NONE, .losses = 1};

    LAC_TEST_EQ(run(&w), LAC_OK);
    LAC_TEST_EQ(w.f.durable, 3);
    LAC_TEST_EQ(w.kept, 3);
}

/* What comes while it is still to be sent on is no reason to begin there. */
static void a_position_stays_where_it_is_until_the_partition_can_be_sent_there(void)
{
    for (int losses = 1; losses <= 3; losses++) {
        struct world w = {.f.count = 6, .f.durable = 4, .seek_losses = losses};

        lac_test_row("%d seeks fail", losses);
        LAC_TEST_EQ(run(&w), LAC_OK);
        LAC_TEST_EQ(w.f.durable, 6);
        LAC_TEST_EQ(w.staged, 2);
        LAC_TEST_EQ(w.seeks, 1);
    }
}

/* Skipping up to the position, as above, would lose what was written since. */
static void a_log_that_ends_before_the_position_is_read_from_its_start(void)
{
    struct world w = {.f.count = 3, .f.durable = 4, .cut_off = true};

    LAC_TEST_EQ(run(&w), LAC_OK);
    LAC_TEST_EQ(w.staged, 3);
    LAC_TEST_EQ(w.f.durable, 3);
    LAC_TEST_EQ(w.seeks, 3);
}

/* Passing over what comes until the position is met again would lose all of it in silence. */
static void whoever_keeps_the_position_hears_that_the_log_ends_before_it(void)
{
    struct world w = {.f.count = 3, .f.durable = 4, .cut_off = true, .own_position = true};

    LAC_TEST_EQ(run(&w), LAC_FATAL);
    LAC_TEST_STR(err.text, "another log");
    LAC_TEST_EQ(w.staged, 0);
}

/* ---- leaving ---- */

/* Its records are in the interval and its position is not: whoever comes next does it again. */
static void what_was_written_in_part_is_not_committed_on_the_way_out(void)
{
    struct world w = {.f.count = 2, .batch = 1, .fatal = 1};
    const struct lac_kafka_position p = {"in", 0, LAC_KAFKA_STORED};

    open_lane(&w);
    LAC_TEST_EQ(lac_lane_run(w.f.lane, &err), LAC_FATAL);
    LAC_TEST_EQ(w.staged, 2);
    lac_lane_revoked(w.f.lane, &p, 1, false);
    LAC_TEST_EQ(w.commits, 0);
    fixture_close(&w.f);
}

/* What the page of its program shows while it takes its leave, which may take a while. */
static void a_lane_that_stops_drains_before_it_is_stopped(void)
{
    struct world w = {.f.count = 2, .batch = 1};

    open_lane(&w);
    while (!w.staged)
        LAC_TEST_NEED(lac_lane_turn(w.f.lane, &err) == LAC_OK);
    LAC_TEST_EQ(w.commits, 0);
    lac_lane_stop(w.f.lane);
    LAC_TEST_EQ(lac_lane_run(w.f.lane, &err), LAC_OK);
    LAC_TEST_EQ(w.commits, 1);
    LAC_TEST_EQ(w.f.durable, 1);
    LAC_TEST_EQ(w.state, LAC_LANE_DRAINING);
    LAC_TEST_EQ(atomic_load(&lac_lane_health(w.f.lane)->state), LAC_LANE_STOPPED);
    fixture_close(&w.f);
}

/* ---- slices that take long ---- */

/* Once may be too late, because nobody can know before. Not again, or it would be for ever. */
static void what_waits_behind_a_long_batch_is_committed_first(void)
{
    int late = 0;

    for (int64_t slow = 1; slow <= 3; slow++) {
        struct world w = {.f.count = 5, .batch = 1, .slow = slow};

        lac_test_row("message %d takes long", (int)slow);
        LAC_TEST_EQ(run(&w), LAC_OK);
        LAC_TEST_EQ(w.f.durable, 5);
        CU_ASSERT(w.timeouts <= 1);
        late += w.timeouts;
    }
    CU_ASSERT(late > 0); /* or nothing was shown */
}

LAC_TEST_MAIN(lane_commit, a_refused_record_is_dead_lettered_first_whole_then_bare,
              a_refused_empty_letter_ends_the_lane,
              a_record_that_cannot_be_written_is_found_among_others,

              what_was_taken_in_part_is_given_up_and_done_again,
              a_full_interval_is_ended_before_anything_is_given_up,
              waits_grow_up_to_a_bound_and_begin_anew_after_a_commit,
              what_comes_from_before_the_position_is_not_processed_again,
              without_a_position_reading_goes_back_to_where_it_began,
              a_position_stays_where_it_is_until_the_partition_can_be_sent_there,
              a_log_that_ends_before_the_position_is_read_from_its_start,
              whoever_keeps_the_position_hears_that_the_log_ends_before_it,
              what_was_written_in_part_is_not_committed_on_the_way_out,
              a_lane_that_stops_drains_before_it_is_stopped,
              what_waits_behind_a_long_batch_is_committed_first)
