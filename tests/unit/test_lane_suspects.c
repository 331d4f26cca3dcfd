/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what a lane makes of records that were in hand when its process died: each goes alone, one
 * that did it again and again goes unseen, and what is committed is forgotten, no more and no less.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lac_fuse.h"
#include "lac_test.h"
#include "lane_fixture.h"

struct world {
    struct fixture f;
    const char *fuse; /* path */
    size_t batch;     /* messages of a batch; 0: FIXTURE_BATCH */
    int losses;       /* commits that are answered with RETRY, first */
    int commits;      /* commits that were asked for */
    int letters;      /* dead letters in the open interval, */
    int kept_letters; /* in what is committed */
    int64_t staged;   /* messages that went through the stage */
    size_t largest;   /* of the slices that went through it */
    int64_t watched;  /* this message */
    int64_t first;    /* of the slice that it went through the stage in */
    size_t beside;    /* messages of that slice */
    int64_t fatal;    /* the stage fails for good when it sees this message; 0: none */
};

static struct lac_err err;

/* ---- the output and the stage ---- */

static enum lac_status output_write(void *ctx, struct lac_batch *b, struct lac_err *e)
{
    struct world *w = ctx;

    (void)e;
    for (size_t i = 0; i < b->record_count; i++)
        w->letters += b->records[i].topic == FIXTURE_DEAD;
    return LAC_OK;
}

static enum lac_status output_commit(void *ctx, const struct lac_kafka_position *p, size_t n,
                                     struct lac_err *e)
{
    struct world *w = ctx;

    LAC_TEST_EQ(n, 1);
    w->commits++;
    if (w->losses && w->losses--)
        return lac_err_set(e, LAC_RETRY, 0, "nobody knows");
    w->f.durable = p[0].offset;
    w->kept_letters += w->letters;
    w->letters = 0;
    return LAC_OK;
}

static enum lac_status output_abort(void *ctx, struct lac_err *e)
{
    (void)e;
    ((struct world *)ctx)->letters = 0;
    return LAC_OK;
}

static enum lac_status stage(void *ctx, struct lac_batch *b, struct lac_err *e)
{
    struct world *w = ctx;

    if (b->count > w->largest)
        w->largest = b->count;
    w->staged += (int64_t)b->count;
    for (size_t i = 0; i < b->count; i++) {
        if (b->msgs[i].offset == w->watched) {
            w->first = b->msgs[0].offset;
            w->beside = b->count;
        }
        if (w->fatal && b->msgs[i].offset == w->fatal)
            return lac_err_set(e, LAC_FATAL, 0, "the device is broken");
    }
    return LAC_OK;
}

static void open_lane(struct world *w)
{
    fixture_set_up(&w->f);
    w->f.output.write = output_write;
    w->f.output.commit = output_commit;
    w->f.output.abort = output_abort;
    w->f.stage = stage;
    w->f.options.fuse_path = w->fuse;
    if (w->batch)
        w->f.options.batch_count = w->batch;
    fixture_open(&w->f);
}

static enum lac_status run(struct world *w)
{
    open_lane(w);
    return fixture_run(&w->f, &err);
}

static void make_path(char *path, size_t size)
{
    int fd;

    (void)snprintf(path, size, "/tmp/lac_commit_XXXXXX");
    fd = mkstemp(path);
    LAC_TEST_NEED(fd >= 0);
    (void)close(fd);
}

/* The process died with these in hand, once. */
static void suspect(const char *path, int64_t first, size_t n)
{
    struct lac_kafka_msg msgs[FIXTURE_BATCH];
    struct lac_fuse *f = NULL;

    LAC_TEST_NEED(n <= FIXTURE_BATCH && lac_fuse_open(&f, path, &err) == LAC_OK);
    for (size_t i = 0; i < n; i++)
        msgs[i] = (struct lac_kafka_msg){.topic = "in", .offset = first + (int64_t)i};
    lac_fuse_arm(f, msgs, n);
    lac_fuse_close(f);
}

static uint32_t crashes_of(const char *path, int64_t offset)
{
    const struct lac_kafka_msg msg = {.topic = "in", .offset = offset};
    struct lac_fuse *f = NULL;
    uint32_t crashes;

    LAC_TEST_NEED(lac_fuse_open(&f, path, &err) == LAC_OK);
    crashes = lac_fuse_crashes(f, &msg);
    lac_fuse_close(f);
    return crashes;
}

/* ---- alone, and unseen ---- */

static void a_suspect_goes_through_the_stage_alone(void)
{
    for (int64_t culprit = 0; culprit < 6; culprit++) {
        char path[32];
        struct world w = {.f.count = 6, .fuse = path, .watched = culprit};

        lac_test_row("message %d", (int)culprit);
        make_path(path, sizeof(path));
        suspect(path, culprit, 1);
        LAC_TEST_EQ(run(&w), LAC_OK);
        LAC_TEST_EQ(w.f.durable, 6);
        LAC_TEST_EQ(w.staged, 6);
        LAC_TEST_EQ(w.beside, 1);
        LAC_TEST_EQ(w.largest, culprit < 3 ? 5 - culprit : culprit);
        LAC_TEST_EQ(w.kept_letters, 0);
        (void)unlink(path);
    }
}

/* That ends the process as a crash does, and so says which record it was. */
static void a_failure_for_good_accuses_what_was_in_hand(void)
{
    char path[32];
    struct world w = {.f.count = 6, .fuse = path, .batch = 2, .fatal = 3, .watched = 3};

    make_path(path, sizeof(path));
    LAC_TEST_EQ(run(&w), LAC_FATAL);
    LAC_TEST_EQ(w.beside, 2);
    for (int64_t offset = 0; offset < 6; offset++) {
        lac_test_row("message %d", (int)offset);
        LAC_TEST_EQ(crashes_of(path, offset),
                    offset >= w.first && offset < w.first + (int64_t)w.beside);
    }
    (void)unlink(path);
}

/* ---- forgotten ---- */

/* Else every later start would go through them one by one, and a crash for another reason would
 * dead-letter what is innocent. */
static void what_is_committed_is_no_suspect_any_more(void)
{
    char path[32];
    struct world w = {.f.count = 6, .fuse = path};

    make_path(path, sizeof(path));
    suspect(path, 0, 4);
    LAC_TEST_EQ(crashes_of(path, 3), 1);
    LAC_TEST_EQ(run(&w), LAC_OK);
    LAC_TEST_EQ(w.f.durable, 6);
    LAC_TEST_EQ(w.kept_letters, 0);
    for (int64_t offset = 0; offset < 6; offset++)
        LAC_TEST_EQ(crashes_of(path, offset), 0);
    (void)unlink(path);
}

/* Whoever comes behind it has not gone through the stage yet. */
static void what_is_committed_takes_no_other_suspect_with_it(void)
{
    char path[32];
    struct world w = {.f.count = 4, .fuse = path, .batch = 1};

    make_path(path, sizeof(path));
    suspect(path, 0, 4);
    open_lane(&w);
    while (w.f.durable < 1)
        LAC_TEST_NEED(lac_lane_turn(w.f.lane, &err) == LAC_OK);
    fixture_close(&w.f);
    for (int64_t offset = 0; offset < 4; offset++) {
        lac_test_row("message %d of %d", (int)offset, (int)w.f.durable);
        LAC_TEST_EQ(crashes_of(path, offset), offset >= w.f.durable);
    }
    (void)unlink(path);
}

static void only_what_is_committed_is_forgotten(void)
{
    char path[32];
    struct world w = {.f.count = 4, .fuse = path, .losses = 2};
    struct lac_err turn;

    make_path(path, sizeof(path));
    suspect(path, 0, 4);
    suspect(path, 0, 4); /* the first crash counts when the file is opened, so this is one more */
    LAC_TEST_EQ(crashes_of(path, 3), 2);
    open_lane(&w);
    /* Its suspects are dead letters, in an interval that is lost, and again. */
    while (w.commits < 2)
        LAC_TEST_NEED(lac_lane_turn(w.f.lane, &turn) == LAC_OK);
    LAC_TEST_EQ(w.f.durable, 0);
    LAC_TEST_EQ(w.staged, 0);
    fixture_close(&w.f);
    LAC_TEST_EQ(crashes_of(path, 3), 2);
    LAC_TEST_EQ(crashes_of(path, 0), 2);
    w = (struct world){.f.count = 4, .fuse = path};
    LAC_TEST_EQ(run(&w), LAC_OK);
    LAC_TEST_EQ(w.kept_letters, 4);
    LAC_TEST_EQ(w.largest, 0);
    LAC_TEST_EQ(crashes_of(path, 3), 0);
    (void)unlink(path);
}

LAC_TEST_MAIN(lane_suspects, a_suspect_goes_through_the_stage_alone,
              a_failure_for_good_accuses_what_was_in_hand, what_is_committed_is_no_suspect_any_more,
              what_is_committed_takes_no_other_suspect_with_it, only_what_is_committed_is_forgotten)
