/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_assert.h"
#include "lac_clock.h"
#include "lac_fault.h"
#include "lac_lane_priv.h"

enum { SIDE_FLUSH_MS = 10000 };

/* ---- back-off ---- */

static uint64_t next_random(struct lac_lane *l)
{
    l->random ^= l->random << 13;
    l->random ^= l->random >> 7;
    l->random ^= l->random << 17;
    return l->random;
}

/* Something outside failed: wait, longer each time, and differently from the other lanes. */
void lane_back_off(struct lac_lane *l, const char *event, const struct lac_err *err)
{
    uint64_t now = l->io.ops->now_ms(l->io.ctx);
    uint32_t wait = LANE_BACKOFF_LAST_MS;

    if (l->attempt < 6 && (uint32_t)LANE_BACKOFF_FIRST_MS << l->attempt < LANE_BACKOFF_LAST_MS)
        wait = (uint32_t)LANE_BACKOFF_FIRST_MS << l->attempt;
    wait = wait / 2 + (uint32_t)(next_random(l) % (wait / 2 + 1));
    l->attempt++;
    l->hold_until_ms = now + wait;
    lac_counter_add(l->retries_total, 1);
    lane_wait_for(l, err);
    if (now < l->say_after_ms)
        return;
    l->say_after_ms = now + LANE_SAY_MS;
    lac_log(LAC_LOG_WARN, event, "lane=%s status=%s code=%d attempt=%u reason=\"%s\"", l->o.name,
            lac_status_name(err->status), err->code, l->attempt, err->text);
}

/* A commit succeeded: whatever was wrong is over. */
void lane_well(struct lac_lane *l)
{
    if (l->attempt)
        lac_log(LAC_LOG_INFO, "lane_recovered", "lane=%s attempts=%u", l->o.name, l->attempt);
    l->attempt = 0;
    l->hold_until_ms = 0;
    l->say_after_ms = 0;
    lane_enter(l, LAC_LANE_RUNNING);
}

/* ---- commit ---- */

void lane_reset_interval(struct lac_lane *l)
{
    lac_batch_reset(&l->batch);
    lac_arena_reset(&l->arena);
    l->dirty = false;
    l->began_ms = 0;
    l->interval_count = 0;
    l->side_pending = 0;
}

/* Whoever waits for a lost reply looks its decision up; so failures are counted, no more. */
void lane_send_replies(struct lac_lane *l)
{
    struct lac_err err;

    for (size_t i = 0; i < l->batch.reply_count; i++)
        if (l->io.ops->side_produce(l->io.ctx, l->batch.replies[i].topic,
                                    &l->batch.replies[i].record, &err) != LAC_OK)
            lac_counter_add(l->replies_lost_total, 1);
    l->batch.reply_count = 0;
}

static size_t moved_positions(struct lac_lane *l)
{
    size_t n = 0;

    for (size_t i = 0; i < l->partition_count; i++) {
        const struct lane_partition *p = &l->partitions[i];

        if (p->next != p->durable)
            l->positions[n++] = (struct lac_kafka_position){p->topic, p->partition, p->next};
    }
    return n;
}

/* Where the position lives elsewhere, the group's offsets are a copy for tools that show lag:
 * nobody reads from them, so nobody waits for them. */
static void copy_to_group(struct lac_lane *l)
{
    struct lac_err err;
    size_t n = l->output.ops->start ? moved_positions(l) : 0;

    if (n && l->io.ops->commit(l->io.ctx, l->positions, n, false, &err) != LAC_OK)
        lac_log_err(LAC_LOG_DEBUG, "group_offsets_not_copied", &err);
}

/* Other records may well be committed before a culprit is read again. */
static void forget_culprits(struct lac_lane *l)
{
    bool left = false;

    for (size_t i = 0; l->culprits && i < l->partition_count; i++) {
        struct lane_partition *p = &l->partitions[i];

        if (p->durable > p->culprit)
            p->culprit_level = 0;
        left = left || p->culprit_level;
    }
    l->culprits = left;
}

static void committed(struct lac_lane *l)
{
    copy_to_group(l);
    for (size_t i = 0; i < l->partition_count; i++) {
        struct lane_partition *p = &l->partitions[i];

        /* Not before: a record set aside in an interval that is redone would crash us again. */
        if (lac_fuse_any(l->fuse) && p->next != p->durable)
            lac_fuse_passed(l->fuse, &(struct lac_kafka_msg){.topic = p->topic,
                                                             .partition = p->partition,
                                                             .offset = p->next - 1});
        p->durable = p->next;
        if (!p->asked) /* it has to be seen there once, and soon */
            l->group_due_ms = 0;
    }
    lane_send_replies(l);
    if (l->isolate_limit) {
        l->isolate_left -=
            l->isolate_left < l->interval_count ? l->isolate_left : l->interval_count;
        if (!l->isolate_left)
            l->isolate_limit = 0;
    }
    forget_culprits(l);
    lac_counter_add(l->commits_total, 1);
    lane_reset_interval(l);
    lane_well(l);
}

/* A record of the interval can never be written. Alone it is the culprit; among others half as
 * many are tried next. Each partition remembers its own: they may be read in turns. False: there is
 * nothing left to try. */
static bool isolate(struct lac_lane *l, const struct lac_err *err)
{
    struct lane_partition *p = NULL;

    lac_log(LAC_LOG_WARN, "commit_rejected", "lane=%s records=%zu code=%d reason=\"%s\"", l->o.name,
            l->interval_count, err->code, err->text);
    if (l->interval_count > 1) {
        if (!l->isolate_limit)
            l->isolate_left = l->interval_count;
        l->isolate_limit = l->interval_count / 2;
        return true;
    }
    for (size_t i = 0; i < l->partition_count; i++)
        if (l->partitions[i].next != l->partitions[i].durable)
            p = &l->partitions[i];
    if (!p)
        return true;
    if (p->culprit != p->next - 1)
        p->culprit_level = 0; /* another one than last time */
    p->culprit = p->next - 1;
    l->culprits = true;
    return ++p->culprit_level <= 2;
}

static enum lac_status flush_dead_letters(struct lac_lane *l, struct lac_err *err)
{
    enum lac_status status;

    if (!l->side_pending)
        return LAC_OK;
    status = l->io.ops->side_flush(l->io.ctx, SIDE_FLUSH_MS, err);
    if (status == LAC_OK && l->io.ops->side_failed(l->io.ctx, err)) /* too large even for that? */
        status = lac_kafka_status(err->code) == LAC_REJECT ? LAC_REJECT : LAC_RETRY;
    return status;
}

/* Ends the interval. OK: nothing is open any more. RETRY: it is lost and will be redone. */
enum lac_status lane_commit(struct lac_lane *l, struct lac_err *err)
{
    uint64_t began = lac_clock_mono_ns();
    enum lac_status status;

    if (!l->dirty)
        return LAC_OK;
    lac_fault("lane.before_commit");
    status = l->unsure ? lane_same_topics(l, err) : LAC_OK;
    if (status == LAC_OK)
        status = flush_dead_letters(l, err);
    if (status == LAC_OK)
        status = l->output.ops->commit(l->output.ctx, l->positions, moved_positions(l), err);
    lac_histogram_observe(l->commit_seconds, (double)(lac_clock_mono_ns() - began) / 1e9);
    switch (status) {
    case LAC_OK:
        lac_fault("lane.after_commit");
        committed(l);
        return LAC_OK;
    case LAC_REJECT:
        if (!isolate(l, err))
            return lac_err_set(err, LAC_FATAL, err->code,
                               "lane: not even an empty dead letter is accepted");
        l->pending.abort = true;
        return LAC_RETRY;
    case LAC_FATAL:
        return LAC_FATAL;
    default:
        l->pending.abort = true;
        return LAC_RETRY;
    }
}

/* ---- going back ---- */

bool lane_is_pending(const struct lac_lane *l)
{
    const struct lane_pending *p = &l->pending;

    return p->abort || p->rewind || p->fresh || p->rejoin || p->seek;
}

/* Dead letters that travel apart can't be taken back. What becomes of them is waited for, or the
 * next interval's record would be blamed for one of these that is refused. */
static enum lac_status forget_dead_letters(struct lac_lane *l, struct lac_err *err)
{
    enum lac_status status =
        l->side_pending ? l->io.ops->side_flush(l->io.ctx, SIDE_FLUSH_MS, err) : LAC_OK;

    if (status == LAC_OK && l->side_pending)
        (void)l->io.ops->side_failed(l->io.ctx, NULL);
    return status;
}

static enum lac_status do_abort(struct lac_lane *l, struct lac_err *err)
{
    enum lac_status status = l->output.ops->abort(l->output.ctx, err);

    if (status == LAC_OK)
        status = forget_dead_letters(l, err);
    if (status != LAC_OK)
        return status;
    lac_counter_add(l->aborts_total, 1);
    lane_reset_interval(l);
    l->pending.abort = false;
    l->pending.rewind = true;
    return LAC_OK;
}

/* Positions that the output left to Kafka, from the group's committed offsets. */
static enum lac_status ask_group(struct lac_lane *l, struct lac_err *err)
{
    size_t stored = 0;

    for (size_t i = 0; i < l->partition_count; i++)
        stored += l->positions[i].offset == LAC_KAFKA_STORED;
    LAC_ASSERT(stored == 0 || stored == l->partition_count);
    return stored ? l->io.ops->committed(l->io.ctx, l->positions, stored, err) : LAC_OK;
}

/* `p` goes on at `to`, which it has to be told unless it is there already. */
static void go_on_at(struct lac_lane *l, struct lane_partition *p, int64_t to, bool there)
{
    if (to == LAC_KAFKA_NONE && p->grouped) { /* there was an offset: it went with its topic */
        lac_log(LAC_LOG_WARN, "topic_read_anew", "lane=%s topic=%s partition=%d", l->o.name,
                p->topic, (int)p->partition);
        to = p->first = LAC_KAFKA_BEGINNING;
        p->grouped = false;
    }
    /* Another place than that was committed of this log, though nobody heard of it. */
    if (p->first == LAC_KAFKA_BEGINNING && p->durable == LAC_KAFKA_NONE && to == p->stale)
        to = LAC_KAFKA_BEGINNING;
    p->grouped = p->grouped || (to >= 0 && !l->output.ops->start);
    /* Nothing was ever committed: back to where this assignment began to read. */
    if (to == LAC_KAFKA_NONE)
        to = p->first;
    p->next = p->durable = to == LAC_KAFKA_BEGINNING ? LAC_KAFKA_NONE : to;
    p->taken = LAC_KAFKA_NONE;
    if (there && p->seek_to == LAC_KAFKA_NONE)
        return;
    if (p->blank == LAC_KAFKA_NONE) /* it was told of another beginning */
        p->blank_end = LAC_KAFKA_NONE;
    p->seek_to = to;
    l->pending.seek = l->pending.seek || to != LAC_KAFKA_NONE;
}

/* Where each partition goes on after an abort or a new assignment. */
static enum lac_status do_rewind(struct lac_lane *l, struct lac_err *err)
{
    /* Without a start() reading begins at the group's offset, if nothing was dropped since. */
    bool fresh = l->pending.fresh, there = fresh && !l->output.ops->start;
    enum lac_status status = LAC_OK;

    for (size_t i = 0; i < l->partition_count; i++)
        l->positions[i] = (struct lac_kafka_position){l->partitions[i].topic,
                                                      l->partitions[i].partition, LAC_KAFKA_STORED};
    if (l->output.ops->start && l->partition_count)
        status = l->output.ops->start(l->output.ctx, l->positions, l->partition_count, fresh, err);
    for (size_t i = 0; status == LAC_OK && i < l->partition_count; i++) {
        if (l->positions[i].offset != LAC_KAFKA_NONE)
            continue;
        l->pending = (struct lane_pending){.rejoin = true};
        return LAC_OK;
    }
    if (status == LAC_OK)
        status = ask_group(l, err);
    if (status != LAC_OK)
        return status == LAC_REJECT || status == LAC_AGAIN ? LAC_RETRY : status;
    for (size_t i = 0; i < l->partition_count; i++)
        go_on_at(l, &l->partitions[i], l->positions[i].offset, there);
    l->pending.fresh = l->pending.rewind = false;
    return LAC_OK;
}

static enum lac_status do_seek(struct lac_lane *l, struct lac_err *err)
{
    size_t n = 0;
    enum lac_status status = LAC_OK;

    for (size_t i = 0; i < l->partition_count; i++)
        if (l->partitions[i].seek_to != LAC_KAFKA_NONE)
            l->positions[n++] = (struct lac_kafka_position){
                l->partitions[i].topic, l->partitions[i].partition, l->partitions[i].seek_to};
    if (n)
        status = l->io.ops->seek(l->io.ctx, l->positions, n, err);
    if (status != LAC_OK)
        return status;
    for (size_t i = 0; i < l->partition_count; i++)
        l->partitions[i].seek_to = LAC_KAFKA_NONE;
    l->pending.seek = false;
    return LAC_OK;
}

static enum lac_status do_rejoin(struct lac_lane *l, struct lac_err *err)
{
    enum lac_status status = l->io.ops->rejoin(l->io.ctx, err);

    if (status != LAC_OK)
        return status;
    lac_log(LAC_LOG_WARN, "lane_rejoined", "lane=%s", l->o.name);
    l->pending.rejoin = false;
    return LAC_OK;
}

/* Does what is pending, as far as it gets. OK: new records may be processed. */
enum lac_status lane_recover(struct lac_lane *l, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    if (l->pending.abort)
        status = do_abort(l, err);
    if (status == LAC_OK && (l->pending.rewind || l->pending.fresh))
        status = do_rewind(l, err);
    if (status == LAC_OK && l->pending.rejoin)
        status = do_rejoin(l, err);
    if (status == LAC_OK && l->pending.seek)
        status = do_seek(l, err);
    return status;
}
