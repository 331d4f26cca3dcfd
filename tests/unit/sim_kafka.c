/* SPDX-License-Identifier: Apache-2.0 */
/* Output topics, the transaction coordinator, and producers as librdkafka's. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

enum { MSG_SIZE_TOO_LARGE = 10, NO_COORDINATOR = 15, BAD_GENERATION = 22, FENCED_EPOCH = 90 };
enum { TIMED_OUT = -185, MSG_TIMED_OUT = -192, STATE = -172 };

/* ---- logs ---- */

static void see(struct sim *s, const struct sim_out *o)
{
    struct sim_input *in = &s->part[o->part].in[o->index];

    in->seen[o->topic]++;
    in->fused = in->fused || o->fused;
}

static void append(struct sim *s, const struct sim_entry *e, int txn)
{
    struct sim_out *o = &s->log[s->log_count];

    if (s->log_count == SIM_LOG) {
        sim_fail(s, "more than %d records written: the same ones again and again", SIM_LOG);
        return;
    }
    s->log_count++;
    *o = (struct sim_out){e->topic, e->part, e->index, e->fused, txn};
    if (txn < 0)
        see(s, o);
}

/* ---- the transaction coordinator ---- */

static void open_txn(struct sim *s, struct sim_tid *t)
{
    if (t->open)
        return;
    if (s->txn_count == s->txn_capacity) {
        size_t capacity = s->txn_capacity ? 2 * s->txn_capacity : 256;
        void *grown = realloc(s->txns, capacity * sizeof(*s->txns));

        if (!grown)
            abort();
        s->txns = grown;
        s->txn_capacity = capacity;
    }
    s->txns[s->txn_count] = SIM_TXN_OPEN;
    t->txn = (int)s->txn_count++;
    t->open = true;
    t->started_ms = s->now_ms;
    memset(t->has, 0, sizeof(t->has));
}

static void end_txn(struct sim *s, struct sim_tid *t, bool commit)
{
    if (!t->open)
        return;
    s->txns[t->txn] = commit ? SIM_TXN_COMMITTED : SIM_TXN_ABORTED;
    t->open = false;
    for (size_t i = 0; commit && i < s->log_count; i++)
        if (s->log[i].txn == t->txn)
            see(s, &s->log[i]);
    for (size_t i = 0; commit && i < s->part_count; i++)
        if (t->has[i])
            sim_group_apply(s, (int)i, t->offset[i]);
    sim_trace(s, NULL, "transaction %d %s", t->txn, commit ? "committed" : "aborted");
}

static bool is_fenced(struct sim_proc *p)
{
    if (p->epoch == p->s->tid[p->tid].epoch)
        return false;
    sim_hit(p->s, SIM_EV_FENCED_EPOCH);
    p->fatal = true;
    return true;
}

/*
 * The connection breaks while a request is under way, and the transaction is given up before it is
 * sent again: librdkafka (2.0.2 to 2.15, rd_kafka_toppar_purge_queues()) forgets it then, and gives
 * its sequence number to what comes next. The broker may still get it (`late`), or has it (`twin`):
 * then it takes the next record for that one, sent twice.
 */
static void leave_behind(struct sim_proc *p)
{
    struct sim *s = p->s;
    struct sim_tid *t = &s->tid[p->tid];

    if (s->mode != SIM_TXN || !p->queued || p->epoch != t->epoch ||
        !sim_chance(s, s->rate.left_behind))
        return;
    sim_hit(s, SIM_EV_LEFT_BEHIND);
    open_txn(s, t);
    if (sim_below(s, 2)) {
        t->late = p->queue[0];
        t->late_epoch = p->epoch;
    } else {
        t->twin = p->queue[0];
        t->twin_epoch = p->epoch;
        append(s, &t->twin, t->txn);
    }
    memmove(p->queue, p->queue + 1, --p->queued * sizeof(p->queue[0]));
}

/* Without a transaction a broker from 3.6 on refuses it. */
static void arrive_late(struct sim *s, struct sim_tid *t)
{
    if (!t->late_epoch || (t->late_epoch == t->epoch && !t->open))
        return;
    if (t->late_epoch == t->epoch)
        append(s, &t->late, t->txn);
    sim_trace(s, NULL, "a late record: %s", t->late_epoch == t->epoch ? "taken" : "fenced");
    t->late_epoch = 0;
}

/*
 * The connection breaks while an EndTxn is under way; librdkafka sends it again on another one, and
 * tells nobody. The first may arrive after all, when a later transaction of the epoch is open.
 */
static void send_end_again(struct sim_proc *p)
{
    struct sim_tid *t = &p->s->tid[p->tid];

    if (t->late_end_epoch || !sim_chance(p->s, p->s->rate.resend))
        return;
    t->late_end_epoch = p->epoch;
    p->interrupted = true;
}

/* Where nothing is open, the coordinator takes it for the answered one. */
static void end_late(struct sim *s, struct sim_tid *t)
{
    bool fenced = t->late_end_epoch != t->epoch;

    if (!t->late_end_epoch || (!t->open && !fenced))
        return;
    sim_hit(s, SIM_EV_END_LATE);
    sim_trace(s, NULL, "a late EndTxn: %s", fenced ? "fenced" : "taken");
    if (!fenced)
        end_txn(s, t, true);
    t->late_end_epoch = 0;
}

static bool is_taken_for_its_twin(struct sim_proc *p, const struct sim_entry *e)
{
    struct sim_tid *t = &p->s->tid[p->tid];

    if (t->twin_epoch != p->epoch || t->twin.topic != e->topic)
        return false;
    t->twin_epoch = 0;
    sim_trace(p->s, p, "a record is taken for another one");
    return true;
}

/* ---- delivery ---- */

static void fail_delivery(struct sim_proc *p, int code)
{
    sim_trace(p->s, p, "delivery failed: %d", code);
    sim_hit(p->s, code == MSG_SIZE_TOO_LARGE ? SIM_EV_REFUSED : SIM_EV_DELIVERY_FAILED);
    if (p->s->mode == SIM_TXN) {
        if (!p->broken_code)
            p->broken_code = code;
    } else if (!p->failed++) {
        p->failed_code = code;
    }
}

/* One record reaches the broker, or doesn't. */
static void deliver(struct sim_proc *p, const struct sim_entry *e)
{
    struct sim *s = p->s;
    bool txn = s->mode == SIM_TXN;
    struct sim_tid *t = &s->tid[p->tid];

    sim_check_value(p, e);
    if (txn && (p->fatal || p->broken_code || is_fenced(p)))
        return;
    if (e->refused) {
        fail_delivery(p, MSG_SIZE_TOO_LARGE);
        return;
    }
    if (sim_chance(s, s->rate.delivery)) { /* it may have been written all the same */
        if (!txn && sim_below(s, 2))
            append(s, e, -1);
        fail_delivery(p, MSG_TIMED_OUT);
        return;
    }
    if (txn)
        open_txn(s, t);
    if (!txn || !is_taken_for_its_twin(p, e))
        append(s, e, txn ? t->txn : -1);
}

static void deliver_some(struct sim_proc *p, size_t n)
{
    if (n > p->queued)
        n = p->queued;
    for (size_t i = 0; i < n; i++)
        deliver(p, &p->queue[i]);
    memmove(p->queue, p->queue + n, (p->queued - n) * sizeof(p->queue[0]));
    p->queued -= n;
}

void sim_kafka_in_flight(struct sim_proc *p)
{
    deliver_some(p, (size_t)sim_below(p->s, p->queued + 1));
    p->queued = 0;
    p->side_count = 0;
}

void sim_kafka_tick(struct sim *s)
{
    for (int i = 0; i < SIM_SLOTS; i++) {
        struct sim_proc *p = &s->proc[i];

        if (p->alive && !p->frozen && p->queued && sim_below(s, 3) == 0)
            deliver_some(p, 1 + (size_t)sim_below(s, p->queued));
    }
    for (int i = 0; i < s->tid_count; i++) {
        struct sim_tid *t = &s->tid[i];

        if (sim_below(s, 3) == 0)
            arrive_late(s, t);
        if (sim_below(s, 3) == 0)
            end_late(s, t);
        if (!t->open || s->now_ms - t->started_ms <= SIM_TXN_MS)
            continue;
        sim_hit(s, SIM_EV_TXN_TIMEOUT);
        sim_trace(s, NULL, "transaction %d timed out", t->txn);
        end_txn(s, t, false);
        t->epoch++;
    }
}

static enum lac_status io_produce(void *io, int topic, const struct lac_kafka_record *r, size_t n,
                                  size_t *taken, struct lac_err *e)
{
    struct sim_proc *p = io;
    struct sim *s = p->s;

    *taken = 0;
    if (s->mode == SIM_TXN && !p->begun)
        sim_fail(s, "a record is produced outside of a transaction");
    for (size_t i = 0; i < n; i++) {
        sim_step(p);
        if (p->fatal || p->broken_code)
            return lac_err_set(e, LAC_RETRY, STATE, "sim: the transaction is broken");
        if (p->queued >= s->queue_limit || sim_chance(s, s->rate.queue_full)) {
            sim_hit(s, SIM_EV_QUEUE_FULL);
            return LAC_AGAIN;
        }
        sim_check_record(p, topic, &r[i], &p->queue[p->queued]);
        p->queued++;
        ++*taken;
    }
    return LAC_OK;
}

static enum lac_status io_flush(void *io, uint32_t timeout_ms, struct lac_err *e)
{
    struct sim_proc *p = io;

    sim_step(p);
    if (sim_chance(p->s, p->s->rate.lost_reply)) {
        sim_wait(p, timeout_ms);
        if (p->queued)
            return lac_err_set(e, LAC_RETRY, TIMED_OUT, "sim: not flushed");
    }
    deliver_some(p, p->queued);
    return LAC_OK;
}

static size_t io_failed(void *io, struct lac_err *e)
{
    struct sim_proc *p = io;
    size_t n = p->failed;

    if (n)
        (void)lac_err_set(e, lac_kafka_status(p->failed_code), p->failed_code,
                          "sim: not delivered");
    p->failed = 0;
    return n;
}

static size_t io_record_limit(void *io)
{
    (void)io;
    return SIM_RECORD_LIMIT;
}

static enum lac_status io_reopen(void *io, struct lac_err *e)
{
    struct sim_proc *p = io;
    struct sim *s = p->s;

    sim_step(p);
    if (p->in_revoke)
        sim_fail(s, "a producer is replaced inside of a rebalance callback: the group waits");
    if (sim_chance(s, s->rate.reopen)) {
        sim_hit(s, SIM_EV_REOPEN_FAILED);
        return lac_err_set(e, LAC_RETRY, 0, "sim: no new producer");
    }
    leave_behind(p);
    deliver_some(p, (size_t)sim_below(s, p->queued + 1));
    sim_trace(s, p, "producer replaced, %zu dropped", p->queued);
    p->queued = p->failed = 0;
    p->ready = p->begun = p->fatal = p->ended = p->interrupted = false;
    p->broken_code = 0;
    return LAC_OK;
}

static bool io_interrupted(void *io)
{
    struct sim_proc *p = io;

    return p->interrupted;
}

/* ---- transactions ---- */

/* An answer that does not come: the call took effect, and nobody knows. */
static bool answer_lost(struct sim_proc *p, enum sim_event e)
{
    if (!sim_chance(p->s, p->s->rate.lost_reply))
        return false;
    sim_hit(p->s, e);
    sim_trace(p->s, p, "answer lost (%d)", (int)e);
    sim_wait(p, 1 + sim_below(p->s, SIM_CALL_MS));
    return true;
}

static enum lac_kafka_txn repeat(struct lac_err *e)
{
    (void)lac_err_set(e, LAC_RETRY, TIMED_OUT, "sim: no answer");
    return LAC_KAFKA_TXN_REPEAT;
}

static enum lac_kafka_txn recreate(struct lac_err *e)
{
    (void)lac_err_set(e, LAC_RETRY, FENCED_EPOCH, "sim: fenced");
    return LAC_KAFKA_TXN_RECREATE;
}

static enum lac_kafka_txn must_abort(struct sim_proc *p, struct lac_err *e)
{
    (void)lac_err_set(e, LAC_RETRY, p->broken_code, "sim: abort required");
    return LAC_KAFKA_TXN_ABORT;
}

static enum lac_kafka_txn io_txn_init(void *io, struct lac_err *e)
{
    struct sim_proc *p = io;
    struct sim *s = p->s;
    struct sim_tid *t = &s->tid[p->tid];

    if (p->ready)
        sim_fail(s, "a producer is initialised twice");
    sim_crucial(p);
    if (!sim_coordinator_up(p))
        return repeat(e);
    end_txn(s, t, false);
    p->epoch = ++t->epoch;
    sim_trace(s, p, "init, epoch %lld", (long long)p->epoch);
    sim_crucial(p);
    if (answer_lost(p, SIM_EV_LOST_INIT))
        return repeat(e);
    p->ready = true;
    return LAC_KAFKA_TXN_DONE;
}

static enum lac_kafka_txn io_txn_begin(void *io, struct lac_err *e)
{
    struct sim_proc *p = io;

    if (!p->ready || p->begun)
        sim_fail(p->s, "begin in the wrong state");
    if (p->fatal)
        return recreate(e);
    p->begun = true;
    p->ended = false;
    return LAC_KAFKA_TXN_DONE;
}

static enum lac_kafka_txn io_txn_send_offsets(void *io, const struct lac_kafka_position *pos,
                                              size_t n, struct lac_err *e)
{
    struct sim_proc *p = io;
    struct sim *s = p->s;
    struct sim_tid *t = &s->tid[p->tid];
    int member = p->member;
    int64_t generation = p->generation;

    if (!p->begun || !n)
        sim_fail(s, "send_offsets in the wrong state");
    sim_crucial(p);
    if (p->fatal || is_fenced(p))
        return recreate(e);
    if (p->broken_code)
        return must_abort(p, e);
    if (!sim_coordinator_up(p))
        return repeat(e);
    if (is_fenced(p))
        return recreate(e);
    if (!sim_group_accepts(s, p, member, generation)) {
        sim_hit(s, SIM_EV_FENCED_GENERATION);
        sim_trace(s, p, "offsets refused: generation %lld", (long long)generation);
        p->broken_code = BAD_GENERATION;
        return must_abort(p, e);
    }
    open_txn(s, t);
    for (size_t i = 0; i < n; i++) {
        int part = sim_part_of(s, pos[i].topic, pos[i].partition);

        t->has[part] = true;
        t->offset[part] = pos[i].offset;
    }
    sim_trace(s, p, "offsets of %zu partitions sent", n);
    sim_crucial(p);
    return answer_lost(p, SIM_EV_LOST_OFFSETS) ? repeat(e) : LAC_KAFKA_TXN_DONE;
}

static enum lac_kafka_txn io_txn_commit(void *io, struct lac_err *e)
{
    struct sim_proc *p = io;
    struct sim *s = p->s;

    if (!p->begun)
        sim_fail(s, "commit in the wrong state");
    sim_crucial(p);
    deliver_some(p, p->queued);
    if (p->fatal)
        return recreate(e);
    if (p->broken_code)
        return must_abort(p, e);
    if (!p->ended) {
        if (!sim_coordinator_up(p))
            return repeat(e);
        if (is_fenced(p))
            return recreate(e);
        if (p->in_revoke)
            sim_hit(s, SIM_EV_COMMIT_IN_REVOKE);
        send_end_again(p);
        end_txn(s, &s->tid[p->tid], true);
        p->ended = true;
    }
    sim_crucial(p);
    if (answer_lost(p, SIM_EV_LOST_COMMIT))
        return repeat(e);
    p->begun = false;
    return LAC_KAFKA_TXN_DONE;
}

/* ---- the side producer: values are copied, so records are checked when they are queued ---- */

static enum lac_status io_side_produce(void *io, int topic, const struct lac_kafka_record *r,
                                       struct lac_err *e)
{
    struct sim_proc *p = io;
    struct sim *s = p->s;
    struct sim_entry *entry = &p->side[p->side_count];
    const struct sim_input *in;

    sim_step(p);
    if (p->side_count == SIM_QUEUE || sim_chance(s, s->rate.queue_full)) {
        sim_hit(s, SIM_EV_QUEUE_FULL);
        return lac_err_set(e, LAC_RETRY, -184, "sim: the side producer is full");
    }
    sim_check_record(p, topic, r, entry);
    sim_check_value(p, entry);
    p->side_count++;
    if (topic != SIM_REPLIES)
        return LAC_OK;
    in = &s->part[entry->part].in[entry->index];
    if (!s->replies_early && (!in->seen[SIM_ROUTING] || !in->seen[SIM_LINEAGE]))
        sim_fail(s, "a reply before its decision is safe");
    append(s, entry, -1);
    p->side_count--;
    return LAC_OK;
}

static enum lac_status io_side_flush(void *io, uint32_t timeout_ms, struct lac_err *e)
{
    struct sim_proc *p = io;
    struct sim *s = p->s;

    sim_step(p);
    if (sim_chance(s, s->rate.lost_reply)) {
        sim_wait(p, timeout_ms);
        return lac_err_set(e, LAC_RETRY, TIMED_OUT, "sim: not flushed");
    }
    for (size_t i = 0; i < p->side_count; i++) {
        if (p->side[i].refused) {
            sim_hit(s, SIM_EV_REFUSED);
            p->side_code = MSG_SIZE_TOO_LARGE;
            p->side_failed++;
        } else if (sim_chance(s, s->rate.delivery)) {
            sim_hit(s, SIM_EV_DELIVERY_FAILED);
            p->side_code = p->side_failed++ ? p->side_code : MSG_TIMED_OUT;
        } else {
            append(s, &p->side[i], -1);
        }
    }
    p->side_count = 0;
    return LAC_OK;
}

static size_t io_side_failed(void *io, struct lac_err *e)
{
    struct sim_proc *p = io;
    size_t n = p->side_failed;

    if (n)
        (void)lac_err_set(e, lac_kafka_status(p->side_code), p->side_code, "sim: not delivered");
    p->side_failed = 0;
    return n;
}

/* ---- time ---- */

static uint64_t io_now_ms(void *io)
{
    return ((struct sim_proc *)io)->s->now_ms;
}

static void io_sleep_ms(void *io, uint32_t ms)
{
    sim_wait(io, ms);
}

static bool io_watermarks(void *io, const char *topic, int32_t partition, int64_t *low,
                          int64_t *high)
{
    (void)io;
    (void)topic;
    (void)partition;
    *low = *high = 0;
    return false;
}

const struct lac_lane_io_ops sim_io_ops = {
    .now_ms = io_now_ms,
    .sleep_ms = io_sleep_ms,
    .poll = sim_poll,
    .poll_break = sim_poll_break,
    .seek = sim_seek,
    .committed = sim_committed,
    .commit = sim_commit,
    .rejoin = sim_rejoin,
    .watermarks = io_watermarks,
    .produce = io_produce,
    .flush = io_flush,
    .failed = io_failed,
    .record_limit = io_record_limit,
    .reopen = io_reopen,
    .interrupted = io_interrupted,
    .txn_init = io_txn_init,
    .txn_begin = io_txn_begin,
    .txn_send_offsets = io_txn_send_offsets,
    .txn_commit = io_txn_commit,
    .side_produce = io_side_produce,
    .side_flush = io_side_flush,
    .side_failed = io_side_failed,
};
