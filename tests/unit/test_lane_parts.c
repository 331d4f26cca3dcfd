/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a lane with several partitions keeps them apart. Each message is written once and in order,
 * a commit has the position of each partition that moved, and a record that can't be written is
 * found among those of the others. Messages come from the partitions in turn.
 */
#include <string.h>

#include "lac_test.h"
#include "lane_fixture.h"

enum { PARTS = 3, COUNT = 6 };

/* Two of one topic, and one that has its number from another. */
static const struct lac_kafka_position parts[PARTS] = {
    {"in", 0, LAC_KAFKA_STORED}, {"in", 1, LAC_KAFKA_STORED}, {"more", 1, LAC_KAFKA_STORED}};

struct world {
    struct fixture f;
    size_t batch;
    int64_t run;         /* messages of a partition before it is the next one's turn */
    size_t turn;         /* partition that is polled next */
    int64_t next[PARTS]; /* that poll brings */
    int64_t open[PARTS]; /* behind what is written */
    int64_t durable[PARTS];
    bool wrong;            /* something was written that was not the next one */
    size_t bad;            /* partition and offset of a message that no commit succeeds with; */
    int64_t bad_offset;    /* 0: none */
    bool bad_letter;       /* nor with its whole letter */
    bool holds_bad;        /* the open interval has it */
    int letters, innocent; /* dead letters: all that were committed, those of other messages */
    int open_letters, open_innocent; /* of the open interval */
    int refusals;                    /* commits that failed for it */
};

static struct lac_err err;

static size_t part_of(const char *topic, int32_t partition)
{
    for (size_t i = 0; i < PARTS; i++)
        if (strcmp(parts[i].topic, topic) == 0 && parts[i].partition == partition)
            return i;
    LAC_TEST_NEED(false);
}

/* ---- the lane's world ---- */

static bool is_done(const struct world *w)
{
    for (size_t i = 0; i < PARTS; i++)
        if (w->durable[i] < COUNT)
            return false;
    return true;
}

static enum lac_status poll_in_turn(void *ctx, uint32_t timeout_ms, struct lac_kafka_msg *msg,
                                    struct lac_err *e)
{
    struct world *w = ctx;

    (void)e;
    if (!w->f.assigned) {
        struct lac_kafka_position p[PARTS];

        memcpy(p, parts, sizeof(p));
        w->f.assigned = true;
        lac_lane_assigned(w->f.lane, p, PARTS);
        return LAC_AGAIN;
    }
    if (is_done(w))
        lac_lane_stop(w->f.lane);
    w->f.now_ms += timeout_ms;
    for (size_t i = 0; i < PARTS; i++) {
        size_t at = (w->turn + i) % PARTS;

        if (w->next[at] == COUNT)
            continue;
        *msg = (struct lac_kafka_msg){
            .topic = parts[at].topic,
            .partition = parts[at].partition,
            .offset = w->next[at]++,
            .timestamp = 1,
            .value = LAC_STR("value"),
        };
        w->turn = w->next[at] % w->run ? at : at + 1;
        return LAC_OK;
    }
    return LAC_AGAIN;
}

static enum lac_status seek(void *ctx, const struct lac_kafka_position *p, size_t n,
                            struct lac_err *e)
{
    (void)e;
    for (size_t i = 0; i < n; i++)
        ((struct world *)ctx)->next[part_of(p[i].topic, p[i].partition)] = p[i].offset;
    return LAC_OK;
}

static enum lac_status committed(void *ctx, struct lac_kafka_position *p, size_t n,
                                 struct lac_err *e)
{
    (void)e;
    for (size_t i = 0; i < n; i++)
        p[i].offset = ((struct world *)ctx)->durable[part_of(p[i].topic, p[i].partition)];
    return LAC_OK;
}

/* ---- the output ---- */

static enum lac_status output_write(void *ctx, struct lac_batch *b, struct lac_err *e)
{
    struct world *w = ctx;

    (void)e;
    for (size_t i = 0; i < b->count; i++) {
        const struct lac_kafka_msg *m = &b->msgs[i];
        size_t part = part_of(m->topic, m->partition);
        bool bad = w->bad_offset && part == w->bad && m->offset == w->bad_offset;

        w->wrong = w->wrong || m->offset != w->open[part];
        w->open[part] = m->offset + 1;
        if (!lac_batch_rejected(b, i)) {
            w->holds_bad = w->holds_bad || bad;
            continue;
        }
        w->open_letters++;
        w->open_innocent += !bad;
        w->holds_bad = w->holds_bad || (w->bad_letter && b->records[0].record.value.ptr);
    }
    return LAC_OK;
}

static enum lac_status output_abort(void *ctx, struct lac_err *e)
{
    struct world *w = ctx;

    (void)e;
    memcpy(w->open, w->durable, sizeof(w->open));
    w->open_letters = w->open_innocent = 0;
    w->holds_bad = false;
    return LAC_OK;
}

static enum lac_status output_commit(void *ctx, const struct lac_kafka_position *p, size_t n,
                                     struct lac_err *e)
{
    struct world *w = ctx;

    if (w->holds_bad) {
        w->refusals++;
        return lac_err_set(e, LAC_REJECT, 0, "no");
    }
    for (size_t i = 0; i < n; i++)
        w->durable[part_of(p[i].topic, p[i].partition)] = p[i].offset;
    w->wrong = w->wrong || memcmp(w->open, w->durable, sizeof(w->open)) != 0;
    w->letters += w->open_letters;
    w->innocent += w->open_innocent;
    return output_abort(ctx, e); /* nothing is open any more */
}

static enum lac_status run(struct world *w)
{
    fixture_set_up(&w->f);
    w->f.io.poll = poll_in_turn;
    w->f.io.seek = seek;
    w->f.io.committed = committed;
    w->f.output.write = output_write;
    w->f.output.commit = output_commit;
    w->f.output.abort = output_abort;
    w->f.options.batch_count = w->batch;
    fixture_open(&w->f);
    return fixture_run(&w->f, &err);
}

/* ---- tests ---- */

static void each_partition_has_its_own_position(void)
{
    for (int64_t turn = 1; turn <= 3; turn++)
        for (size_t batch = 1; batch <= 8; batch++) {
            struct world w = {.batch = batch, .run = turn};

            lac_test_row("%d in turn, batches of %zu", (int)turn, batch);
            LAC_TEST_EQ(run(&w), LAC_OK);
            CU_ASSERT(is_done(&w));
            CU_ASSERT(!w.wrong);
        }
}

/* However small the batches of an interval are, and whoever is read first when it is done again. */
static void a_record_that_cannot_be_written_is_found_among_others_partitions(void)
{
    for (size_t batch = 1; batch <= 8; batch++)
        for (size_t bad = 0; bad < PARTS; bad++)
            for (int64_t offset = 1; offset < COUNT; offset++)
                for (int bad_letter = 0; bad_letter <= 1; bad_letter++) {
                    struct world w = {.batch = batch,
                                      .run = 1,
                                      .bad = bad,
                                      .bad_offset = offset,
                                      .bad_letter = bad_letter};

                    lac_test_row("batches of %zu, message %d of partition %zu, %s letter", batch,
                                 (int)offset, bad, bad_letter ? "bare" : "whole");
                    LAC_TEST_EQ(run(&w), LAC_OK);
                    CU_ASSERT(is_done(&w));
                    CU_ASSERT(!w.wrong);
                    LAC_TEST_EQ(w.letters, 1);
                    LAC_TEST_EQ(w.innocent, 0);
                    /* Halved from eight to one, twice at most, and a whole letter. */
                    CU_ASSERT(w.refusals <= 8 + bad_letter);
                }
}

LAC_TEST_MAIN(lane_parts, each_partition_has_its_own_position,
              a_record_that_cannot_be_written_is_found_among_others_partitions)
