/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "lac_assert.h"
#include "lac_clock.h"
#include "lac_fault.h"
#include "lac_lane_priv.h"

_Static_assert((int)LAC_FUSE_RANGES >= (int)LAC_LANE_PARTITIONS_MAX,
               "what the fuse does not watch may crash the process for ever");

/* ---- one slice ---- */

#ifdef LAC_FAULTS
static void crash_on_key(const struct lac_lane *l)
{
    for (size_t i = 0; l->o.crash_key && i < l->batch.count; i++)
        if (lac_str_is(l->batch.msgs[i].key, l->o.crash_key))
            abort();
}
#else
static void crash_on_key(const struct lac_lane *l)
{
    (void)l;
}
#endif

/* 0: it is none; else as lane_partition's. */
static int culprit_level(struct lac_lane *l, const struct lac_kafka_msg *m)
{
    const struct lane_partition *p = l->culprits ? lane_find(l, m->topic, m->partition) : NULL;

    return p && p->culprit == m->offset ? p->culprit_level : 0;
}

/* True when this record is dead-lettered without anybody looking into it; it is alone then. */
static bool set_aside(struct lac_lane *l, const struct lac_kafka_msg *m)
{
    if (culprit_level(l, m)) {
        lac_batch_reject(&l->batch, 0, "refused", "what the stage made of it can't be written");
        return true;
    }
    if (lac_fuse_any(l->fuse) && lac_fuse_crashes(l->fuse, m) >= LAC_FUSE_ATTEMPTS - 1) {
        lac_batch_reject(&l->batch, 0, "crash", "the worker crashed each time it was processed");
        return true;
    }
    return false;
}

/* Puts the letters of all rejected messages behind the batch's records. */
static enum lac_status add_dead_letters(struct lac_lane *l)
{
    for (size_t i = 0; l->batch.reject_count && i < l->batch.count; i++) {
        struct lac_kafka_record r;
        enum lac_status status;

        if (!lac_batch_rejected(&l->batch, i))
            continue;
        status = lane_dead_letter(l, i, culprit_level(l, &l->batch.msgs[i]) > 1, &r);
        if (status == LAC_OK)
            status = lac_batch_emit(&l->batch, l->o.deadletter_topic, &r);
        if (status != LAC_OK)
            return status;
    }
    return LAC_OK;
}

/* For an output that has just taken the rows. It may have rejected more of the messages than the
 * `known` ones, whose letters begin at `mark`. */
static enum lac_status send_dead_letters(struct lac_lane *l, size_t mark, size_t known,
                                         struct lac_err *err)
{
    if (l->batch.reject_count != known) {
        l->batch.record_count = mark;
        if (add_dead_letters(l) != LAC_OK) { /* the rows can't be taken back one by one */
            l->isolate_limit = l->batch.count > 1 ? l->batch.count / 2 : 1;
            l->isolate_left = l->batch.count;
            return lac_err_set(err, LAC_RETRY, 0, "lane: no room for dead letters");
        }
    }
    for (size_t i = mark; i < l->batch.record_count; i++) {
        enum lac_status status = l->io.ops->side_produce(l->io.ctx, l->batch.records[i].topic,
                                                         &l->batch.records[i].record, err);

        if (status != LAC_OK)
            return status;
        l->side_pending++;
    }
    return LAC_OK;
}

/* AGAIN, REJECT: nothing was taken. From a write on the interval is open, and a failure that is
 * not about the records loses it. Letters are made before: there may be no room for them. */
static enum lac_status write_out(struct lac_lane *l, struct lac_err *err)
{
    size_t mark = l->batch.record_count, known = l->batch.reject_count;
    enum lac_status status = add_dead_letters(l);

    if (status != LAC_OK)
        return status;
    l->dirty = true;
    status = l->output.ops->write(l->output.ctx, &l->batch, err);
    if (status == LAC_OK && !l->output.ops->carries_records)
        status = send_dead_letters(l, mark, known, err);
    if (status == LAC_RETRY || status == LAC_FATAL) /* then perhaps a part of it was taken */
        l->pending.abort = true;
    return status;
}

/* Stage, dead letters, output: all or nothing of msgs[0 .. n). */
static enum lac_status hand_over(struct lac_lane *l, struct lac_err *err)
{
    uint64_t began = lac_clock_mono_ns();
    enum lac_status status = LAC_OK;

    if (l->batch.count > 1 || !set_aside(l, &l->batch.msgs[0])) {
        lac_fuse_arm(l->fuse, l->batch.msgs, l->batch.count);
        crash_on_key(l);
        status = l->stage.run(l->stage.ctx, &l->batch, err);
        if (status == LAC_FATAL)
            return status; /* as good as a crash: the fuse stays armed and finds the culprit */
    }
    lac_histogram_observe(l->stage_seconds, (double)(lac_clock_mono_ns() - began) / 1e9);
    if (status == LAC_OK)
        status = write_out(l, err);
    lac_fuse_disarm(l->fuse);
    return status;
}

/* Of the same partition, told without comparing names; false may be wrong. */
static bool is_followed(const struct lac_kafka_msg *m)
{
    return m[1].topic == m[0].topic && m[1].partition == m[0].partition;
}

/* `began_ms`: when this batch was begun. */
static void advance(struct lac_lane *l, uint64_t began_ms)
{
    for (size_t i = 0; i < l->batch.count; i++) {
        const struct lac_kafka_msg *m = &l->batch.msgs[i];
        struct lane_partition *p;

        if (l->batch.reject_count && lac_batch_rejected(&l->batch, i))
            lane_count_reject(l, l->batch.rejects[i].reason);
        if (i + 1 < l->batch.count && is_followed(m))
            continue; /* the position is behind the last one */
        p = lane_find(l, m->topic, m->partition);
        LAC_ASSERT(p); /* messages of partitions that left were dropped with them */
        p->next = m->offset + 1;
        lane_heard(l, p, began_ms);
    }
    if (!l->began_ms)
        l->began_ms = began_ms;
    l->interval_count += l->batch.count;
    lac_counter_add(l->records_total, l->batch.count);
    atomic_fetch_add_explicit(&l->health.processed, l->batch.count, memory_order_relaxed);
}

static void note_duration(struct lac_lane *l, uint64_t began_ms)
{
    if (l->io.ops->now_ms(l->io.ctx) - began_ms > LANE_LONG_MS)
        l->long_left = LANE_LONG_FOR;
}

static enum lac_status step(struct lac_lane *l, size_t at, size_t n, struct lac_err *err)
{
    size_t arena_mark = l->arena.used, reply_mark = l->batch.reply_count;
    uint64_t began_ms = l->io.ops->now_ms(l->io.ctx);
    bool was_dirty = l->dirty;
    enum lac_status status;

    lac_batch_open(&l->batch, l->msgs + at, n);
    l->batch.started_wall_us = lac_clock_wall_us();
    status = hand_over(l, err);
    note_duration(l, began_ms);
    if (status == LAC_OK) {
        advance(l, began_ms);
        if (l->o.replies_early)
            lane_send_replies(l);
        lac_fault("lane.after_produce");
        return LAC_OK;
    }
    l->batch.reply_count = reply_mark;
    if (!l->pending.abort) { /* nothing of it was taken */
        l->arena.used = arena_mark;
        l->dirty = was_dirty;
    }
    return status;
}

/* ---- slices of a batch ---- */

/* How many messages from `at` go through the stage together. */
static size_t slice_at(struct lac_lane *l, size_t at, size_t wanted)
{
    size_t n = l->count - at;

    if (n > wanted)
        n = wanted;
    if (l->isolate_limit && n > l->isolate_limit)
        n = l->isolate_limit;
    if (!lac_fuse_any(l->fuse) && !l->culprits)
        return n;
    for (size_t i = 0; i < n; i++) {
        const struct lac_kafka_msg *m = &l->msgs[at + i];

        if (lac_fuse_crashes(l->fuse, m) || culprit_level(l, m))
            return i ? i : 1; /* a suspect is processed alone */
    }
    return n;
}

/* A single message that can't be processed is the output's or stage's REJECT in person. */
static enum lac_status set_aside_single(struct lac_lane *l, size_t *at, const char *reason,
                                        struct lac_err *err)
{
    char detail[LAC_BATCH_DETAIL_SIZE];
    size_t arena_mark = l->arena.used;
    bool was_dirty = l->dirty;
    enum lac_status status;

    (void)snprintf(detail, sizeof(detail), "%s", err->text);
    lac_batch_open(&l->batch, l->msgs + *at, 1);
    lac_batch_reject(&l->batch, 0, reason, detail);
    status = write_out(l, err);
    if (status == LAC_OK) {
        advance(l, l->io.ops->now_ms(l->io.ctx));
        ++*at;
        return LAC_OK;
    }
    if (status == LAC_RETRY || status == LAC_FATAL)
        return status;
    l->arena.used = arena_mark;
    l->dirty = was_dirty;
    if (was_dirty) /* what came before it fills the interval: alone it may fit */
        return lane_commit(l, err);
    return lac_err_set(err, LAC_FATAL, 0, "lane: a dead letter does not fit: %s", detail);
}

/* What follows a slice that was not taken. OK: try again with `*wanted` messages. */
static enum lac_status shrink(struct lac_lane *l, enum lac_status status, size_t *at, size_t n,
                              size_t *wanted, struct lac_err *err)
{
    if (status == LAC_AGAIN && l->dirty)
        return lane_commit(l, err); /* a fresh arena and an empty queue */
    if (n > 1) {
        *wanted = n / 2;
        return LAC_OK;
    }
    if (status == LAC_AGAIN)
        (void)lac_err_set(err, LAC_REJECT, 0,
                          "lane: its results need more memory than a batch has");
    return set_aside_single(l, at, status == LAC_AGAIN ? "too_large" : "refused", err);
}

/* Releases msgs[0 .. count); those from `done` on are read again. */
static void finish_batch(struct lac_lane *l, size_t done)
{
    lac_batch_open(&l->batch, NULL, 0);
    for (size_t i = 0; i < done; i++)
        lac_kafka_msg_release(&l->msgs[i]);
    lane_drop_batch(l, done);
}

/*
 * Where one slice took long the next may, and a transaction that waits for it uncommitted would
 * reach its age limit, each time it is redone. So after the first such slice the interval before is
 * ended first, for a while.
 */
static enum lac_status clear_the_way(struct lac_lane *l, struct lac_err *err)
{
    if (!l->long_left)
        return LAC_OK;
    l->long_left--;
    return lane_commit(l, err);
}

enum lac_status lane_process(struct lac_lane *l, struct lac_err *err)
{
    enum lac_status status = LAC_OK;
    size_t at = 0, wanted = l->count;

    if (!l->count)
        return LAC_OK;
    lac_fault("lane.after_poll");
    lac_histogram_observe(l->batch_size, (double)l->count);
    lac_counter_add(l->batches_total, 1);
    lac_counter_add(l->bytes_total, l->bytes);
    while (at < l->count && (status == LAC_OK || status == LAC_AGAIN || status == LAC_REJECT)) {
        size_t n = slice_at(l, at, wanted);

        status = clear_the_way(l, err);
        if (status != LAC_OK)
            break;
        status = step(l, at, n, err);
        if (status == LAC_OK)
            at += n;
        else if (status == LAC_AGAIN || status == LAC_REJECT)
            status = shrink(l, status, &at, n, &wanted, err);
        if (status == LAC_OK && (l->isolate_limit || l->culprits))
            status = lane_commit(l, err);
    }
    finish_batch(l, at);
    /* A stage that has to wait does not hold up what came before it. */
    if (status == LAC_RETRY && !l->pending.abort) {
        struct lac_err commit_err;

        if (lane_commit(l, &commit_err) == LAC_FATAL) {
            *err = commit_err;
            return LAC_FATAL;
        }
    }
    return status;
}
