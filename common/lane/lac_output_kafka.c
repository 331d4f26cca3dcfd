/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two outputs on Kafka. A producer that is fenced, or whose call stays unanswered, is
 * replaced, and so is one whose transaction is given up, or one of whose connections broke: after
 * an answer that never came nobody knows what the broker did, and only a new epoch makes sure that
 * nothing of the old one is still on its way.
 */
#include "lac_fault.h"
#include "lac_lane.h"
#include "lac_log.h"

enum { ROOM_WAIT_MS = 100 };

/* ---- both ---- */

/* Queues one topic's records; a full queue is served until there is room. */
static enum lac_status produce_all(struct lac_output_kafka *o, int topic,
                                   const struct lac_kafka_record *r, size_t n, struct lac_err *err)
{
    const struct lac_lane_io_ops *io = o->io.ops;
    uint64_t until = io->now_ms(o->io.ctx) + o->timeout_ms;
    size_t done = 0;

    while (done < n) {
        size_t taken = 0;
        enum lac_status status = io->produce(o->io.ctx, topic, r + done, n - done, &taken, err);

        done += taken;
        if (status == LAC_OK)
            continue;
        if (status != LAC_AGAIN) {
            o->doomed = status == LAC_RETRY;
            return status;
        }
        if (io->now_ms(o->io.ctx) >= until)
            return lac_err_set(err, LAC_RETRY, 0, "lane: the producer's queue stays full");
        if (io->flush(o->io.ctx, ROOM_WAIT_MS, err) == LAC_FATAL)
            return LAC_FATAL;
    }
    return LAC_OK;
}

/*
 * Stages emit message by message (routing, lineage, routing, ..), and the library is quickest
 * with many records of one topic: so topic by topic. The order within a topic stays.
 */
static enum lac_status produce_batch(struct lac_output_kafka *o, struct lac_batch *b,
                                     struct lac_err *err)
{
    enum { RUN = 256 };
    struct lac_kafka_record run[RUN];
    uint32_t topics = 0;

    for (size_t i = 0; i < b->record_count; i++)
        topics |= 1u << b->records[i].topic;
    for (int topic = 0; topic < LAC_LANE_TOPICS_MAX; topic++) {
        size_t n = 0;
        enum lac_status status = LAC_OK;

        if (!(topics >> topic & 1))
            continue;
        for (size_t i = 0; i < b->record_count && status == LAC_OK; i++) {
            if (b->records[i].topic != topic)
                continue;
            run[n++] = b->records[i].record;
            if (n == RUN) {
                status = produce_all(o, topic, run, n, err);
                n = 0;
            }
        }
        if (status == LAC_OK && n)
            status = produce_all(o, topic, run, n, err);
        /* What is queued can't be taken back one by one: the interval is lost. */
        if (status != LAC_OK)
            return status == LAC_FATAL ? LAC_FATAL : LAC_RETRY;
    }
    return LAC_OK;
}

_Static_assert(LAC_LANE_TOPICS_MAX <= 32, "produce_batch() has a bit per topic");

/* A record that can never be sent must be found before the first one is queued: afterwards
 * only losing the whole interval takes it back. */
static enum lac_status check_sizes(struct lac_output_kafka *o, const struct lac_batch *b,
                                   struct lac_err *err)
{
    size_t limit = o->io.ops->record_limit(o->io.ctx);

    for (size_t i = 0; i < b->record_count; i++) {
        size_t size = lac_kafka_record_size(&b->records[i].record);

        if (size > limit)
            return lac_err_set(err, LAC_REJECT, 0,
                               "lane: a result of %zu bytes is larger than message.max.bytes",
                               size);
    }
    return LAC_OK;
}

static enum lac_status replace(struct lac_output_kafka *o, struct lac_err *err)
{
    enum lac_status status = o->io.ops->reopen(o->io.ctx, err);

    if (status != LAC_OK)
        return status;
    o->broken = o->doomed = o->ready = o->begun = false;
    return LAC_OK;
}

static void close_nothing(void *ctx)
{
    (void)ctx; /* the producer is its io's */
}

/* ---- kafka-txn ---- */

/* The status of a transactional call for the lane. `o` remembers what has to happen first. */
static enum lac_status settle(struct lac_output_kafka *o, enum lac_kafka_txn outcome)
{
    switch (outcome) {
    case LAC_KAFKA_TXN_DONE:
        return LAC_OK;
    case LAC_KAFKA_TXN_STOP:
        return LAC_FATAL;
    case LAC_KAFKA_TXN_REPEAT: /* for as long as we are willing to wait, it was repeated */
    case LAC_KAFKA_TXN_RECREATE:
        o->broken = true;
        return LAC_RETRY;
    default:
        return LAC_RETRY;
    }
}

static enum lac_status txn_ready(struct lac_output_kafka *o, struct lac_err *err)
{
    enum lac_kafka_txn outcome;

    if (o->broken) {
        enum lac_status status = replace(o, err);

        if (status != LAC_OK)
            return status;
    }
    if (o->ready)
        return LAC_OK;
    outcome = o->io.ops->txn_init(o->io.ctx, err);
    if (outcome == LAC_KAFKA_TXN_REPEAT)
        return LAC_RETRY; /* no coordinator yet: the same producer goes on later */
    o->ready = outcome == LAC_KAFKA_TXN_DONE;
    return settle(o, outcome);
}

static enum lac_status txn_open(void *ctx, struct lac_err *err)
{
    return txn_ready(ctx, err);
}

/*
 * Before a transaction after one in which a connection broke. librdkafka has sent again what was
 * under way, and all went well; but an EndTxn, or offsets, that arrive late would count in this
 * one, and end it in the middle. In a new epoch they don't. Inside of a rebalance callback nothing
 * is replaced: the group waits.
 */
static enum lac_status txn_renew(struct lac_output_kafka *o, struct lac_err *err)
{
    if (!o->ready || o->broken || !o->io.ops->interrupted(o->io.ctx))
        return LAC_OK;
    o->broken = true;
    if (o->lane && lac_lane_commits_last(o->lane))
        return LAC_OK;
    lac_log(LAC_LOG_INFO, "producer_renewed", "lane=%s reason=\"a connection broke\"",
            o->lane ? lac_lane_name(o->lane) : "");
    return txn_ready(o, err);
}

static enum lac_status txn_begin(struct lac_output_kafka *o, struct lac_err *err)
{
    enum lac_kafka_txn outcome;
    enum lac_status status;

    if (o->begun)
        return LAC_OK;
    status = txn_renew(o, err);
    if (status != LAC_OK)
        return status;
    if (!o->ready || o->broken) { /* abort() makes a new one */
        o->broken = true;
        return lac_err_set(err, LAC_RETRY, 0, "lane: the producer has to be replaced");
    }
    outcome = o->io.ops->txn_begin(o->io.ctx, err);
    o->begun = outcome == LAC_KAFKA_TXN_DONE;
    return settle(o, outcome);
}

static enum lac_status txn_write(void *ctx, struct lac_batch *b, struct lac_err *err)
{
    struct lac_output_kafka *o = ctx;
    enum lac_status status = check_sizes(o, b, err);

    if (status == LAC_OK)
        status = txn_begin(o, err);
    if (status != LAC_OK || o->doomed)
        return status;
    status = produce_batch(o, b, err);
    /* A broker has refused a record of the interval, and no more are taken. Which error it was is
     * told at the commit; as a failed write it would only be tried again, for ever. */
    return status == LAC_RETRY && o->doomed ? LAC_OK : status;
}

/* Calls until the outcome is one that repeating does not change, or time is up. */
static enum lac_kafka_txn insist(struct lac_output_kafka *o, const struct lac_kafka_position *p,
                                 size_t n, bool commit, struct lac_err *err)
{
    const struct lac_lane_io_ops *io = o->io.ops;
    uint64_t until = io->now_ms(o->io.ctx) + o->timeout_ms;
    enum lac_kafka_txn outcome;

    do
        outcome =
            commit ? io->txn_commit(o->io.ctx, err) : io->txn_send_offsets(o->io.ctx, p, n, err);
    while (outcome == LAC_KAFKA_TXN_REPEAT && io->now_ms(o->io.ctx) < until);
    return outcome;
}

static enum lac_status txn_commit(void *ctx, const struct lac_kafka_position *p, size_t n,
                                  struct lac_err *err)
{
    struct lac_output_kafka *o = ctx;
    enum lac_status status = txn_begin(o, err);
    enum lac_kafka_txn outcome = LAC_KAFKA_TXN_DONE;

    if (status != LAC_OK)
        return status;
    if (n > 0)
        outcome = insist(o, p, n, false, err);
    if (outcome == LAC_KAFKA_TXN_DONE && o->doomed) /* half of it is missing, whatever the cause */
        return lac_err_set(err, LAC_RETRY, 0, "lane: the producer took only a part");
    if (lac_fault_set("lane.in_transaction")) /* then with all its records in the log */
        (void)o->io.ops->flush(o->io.ctx, o->timeout_ms, err);
    lac_fault("lane.in_transaction");
    if (outcome == LAC_KAFKA_TXN_DONE)
        outcome = insist(o, NULL, 0, true, err);
    if (outcome == LAC_KAFKA_TXN_DONE) {
        o->begun = false;
        return LAC_OK;
    }
    /* A delivery that was refused for what it is makes the transaction abortable. */
    if (outcome == LAC_KAFKA_TXN_ABORT && lac_kafka_status(err->code) == LAC_REJECT)
        return LAC_REJECT;
    return settle(o, outcome);
}

/*
 * A transaction is given up by the next epoch, whose start makes the coordinator abort it, and not
 * by an abort in its own. What a broken connection left behind would still count in that one: a
 * request that arrives late becomes part of the next transaction, and one that had arrived already,
 * and was to be sent again, has its sequence number given away by librdkafka (2.0.2 to 2.15,
 * rd_kafka_toppar_purge_queues()), so that the broker takes other records for its copy and drops
 * them. It costs half a second where an abort would take none, and hardly ever happens.
 */
static enum lac_status txn_abort(void *ctx, struct lac_err *err)
{
    struct lac_output_kafka *o = ctx;

    o->broken = o->broken || o->begun;
    return txn_ready(o, err);
}

struct lac_output lac_output_kafka_txn(struct lac_output_kafka *o, struct lac_lane_io io,
                                       uint32_t timeout_ms)
{
    static const struct lac_output_ops ops = {
        .name = "kafka-txn",
        .carries_records = true,
        .open = txn_open,
        .write = txn_write,
        .commit = txn_commit,
        .abort = txn_abort,
        .close = close_nothing,
    };

    *o = (struct lac_output_kafka){.io = io, .timeout_ms = timeout_ms};
    return (struct lac_output){o, &ops};
}

/* ---- kafka-idempotent ---- */

static enum lac_status plain_open(void *ctx, struct lac_err *err)
{
    struct lac_output_kafka *o = ctx;

    return o->broken ? replace(o, err) : LAC_OK;
}

static enum lac_status plain_write(void *ctx, struct lac_batch *b, struct lac_err *err)
{
    struct lac_output_kafka *o = ctx;
    enum lac_status status = check_sizes(o, b, err);

    if (status != LAC_OK)
        return status;
    if (o->broken)
        return lac_err_set(err, LAC_RETRY, 0, "lane: the producer has to be replaced");
    status = produce_batch(o, b, err);
    o->begun = true;
    if (status == LAC_RETRY)
        o->broken = true;
    return status;
}

static enum lac_status plain_commit(void *ctx, const struct lac_kafka_position *p, size_t n,
                                    struct lac_err *err)
{
    struct lac_output_kafka *o = ctx;
    const struct lac_lane_io_ops *io = o->io.ops;
    enum lac_status status;

    if (o->broken)
        return lac_err_set(err, LAC_RETRY, 0, "lane: the producer has to be replaced");
    status = io->flush(o->io.ctx, o->timeout_ms, err);
    if (io->failed(o->io.ctx, err))
        status = lac_kafka_status(err->code) == LAC_REJECT ? LAC_REJECT : LAC_RETRY;
    lac_fault("lane.delivered");
    if (status == LAC_OK && n > 0)
        status = io->commit(o->io.ctx, p, n, !o->lane || lac_lane_commits_last(o->lane), err);
    if (status == LAC_OK)
        o->begun = false;
    return status;
}

/* Records that are still under way must not arrive after the redone ones: later versions of
 * them would be overtaken. A new producer leaves nothing behind. */
static enum lac_status plain_abort(void *ctx, struct lac_err *err)
{
    struct lac_output_kafka *o = ctx;
    enum lac_status status;

    if (!o->begun && !o->broken)
        return LAC_OK;
    status = replace(o, err);
    if (status == LAC_OK)
        (void)o->io.ops->failed(o->io.ctx, NULL);
    return status;
}

struct lac_output lac_output_kafka_idempotent(struct lac_output_kafka *o, struct lac_lane_io io,
                                              uint32_t timeout_ms)
{
    static const struct lac_output_ops ops = {
        .name = "kafka-idempotent",
        .carries_records = true,
        .open = plain_open,
        .write = plain_write,
        .commit = plain_commit,
        .abort = plain_abort,
        .close = close_nothing,
    };

    *o = (struct lac_output_kafka){.io = io, .timeout_ms = timeout_ms};
    return (struct lac_output){o, &ops};
}
