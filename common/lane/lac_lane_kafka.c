/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_lane_kafka.h"

#include <stdlib.h>

#include "lac_clock.h"
#include "lac_log.h"

enum {
    CALL_TIMEOUT_MS = 5000,
    ASK_FIRST_MS = 500,      /* then twice as long each time, up to a call's timeout */
    QUEUE_RECORDS = 1 << 20, /* the arena is what bounds an interval */
    SIDE_QUEUE_RECORDS = 1 << 17,
    LAST_REPLIES_MS = 2000,
    REACH_TIMEOUT_MS = 500,
};

struct lac_lane_kafka {
    struct lac_kafka_consumer *consumer;
    struct lac_kafka_producer *producer;
    struct lac_kafka_producer *side;
    struct lac_lane *lane;
    uint32_t timeout_ms;
    uint32_t ask_ms;                       /* how long to wait for the group's offsets */
    int numbers[LAC_LANE_TOPICS_MAX];      /* the producer's, by the lane's */
    int side_numbers[LAC_LANE_TOPICS_MAX]; /* the side producer's */
};

/* ---- time ---- */

static uint64_t io_now_ms(void *io)
{
    (void)io;
    return lac_clock_mono_ms();
}

static void io_sleep_ms(void *io, uint32_t ms)
{
    struct lac_lane_kafka *k = io;

    (void)lac_kafka_producer_poll(k->side, 0);
    lac_clock_sleep_ms(ms);
}

/* ---- consumer ---- */

static void on_assigned(void *ctx, struct lac_kafka_position *p, size_t n)
{
    struct lac_lane_kafka *k = ctx;

    k->ask_ms = ASK_FIRST_MS;
    lac_lane_assigned(k->lane, p, n);
}

static void on_revoked(void *ctx, const struct lac_kafka_position *p, size_t n, bool lost)
{
    struct lac_lane_kafka *k = ctx;

    lac_lane_revoked(k->lane, p, n, lost);
}

static void on_ended(void *ctx, const char *topic, int32_t partition, int64_t offset)
{
    struct lac_lane_kafka *k = ctx;

    lac_lane_ended(k->lane, topic, partition, offset);
}

static enum lac_status io_poll(void *io, uint32_t timeout_ms, struct lac_kafka_msg *msg,
                               struct lac_err *err)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_poll(k->consumer, timeout_ms, msg, err);
}

static void io_poll_break(void *io)
{
    struct lac_lane_kafka *k = io;

    lac_kafka_poll_break(k->consumer);
}

static enum lac_status io_seek(void *io, const struct lac_kafka_position *p, size_t n,
                               struct lac_err *err)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_seek(k->consumer, p, n, err);
}

/* An open transaction can hold the answer back for long, and whoever waits for it holds back the
 * group's next rebalance; but a slow broker must get its time in the end. */
static enum lac_status io_committed(void *io, struct lac_kafka_position *p, size_t n,
                                    struct lac_err *err)
{
    struct lac_lane_kafka *k = io;
    uint32_t wait = k->ask_ms && k->ask_ms < k->timeout_ms ? k->ask_ms : k->timeout_ms;
    enum lac_status status = lac_kafka_committed(k->consumer, p, n, wait, err);

    k->ask_ms = status == LAC_OK ? ASK_FIRST_MS : wait * 2;
    return status;
}

static enum lac_status io_commit(void *io, const struct lac_kafka_position *p, size_t n, bool wait,
                                 struct lac_err *err)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_commit(k->consumer, p, n, wait, err);
}

static enum lac_status io_rejoin(void *io, struct lac_err *err)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_rejoin(k->consumer, err);
}

static bool io_reachable(void *io)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_reachable(k->consumer, REACH_TIMEOUT_MS);
}

static bool io_watermarks(void *io, const char *topic, int32_t partition, int64_t *low,
                          int64_t *high)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_consumer_cached_watermarks(k->consumer, topic, partition, low, high);
}

/* ---- producers ---- */

static enum lac_status io_produce(void *io, int topic, const struct lac_kafka_record *r, size_t n,
                                  size_t *taken, struct lac_err *err)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_produce_batch(k->producer, k->numbers[topic], r, n, taken, err);
}

static enum lac_status io_flush(void *io, uint32_t timeout_ms, struct lac_err *err)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_flush(k->producer, timeout_ms, err);
}

static size_t io_failed(void *io, struct lac_err *err)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_producer_failed(k->producer, err);
}

static size_t io_record_limit(void *io)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_producer_record_limit(k->side);
}

static enum lac_status io_reopen(void *io, struct lac_err *err)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_producer_reopen(k->producer, err);
}

static bool io_interrupted(void *io)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_producer_interrupted(k->producer);
}

static enum lac_kafka_txn io_txn_init(void *io, struct lac_err *err)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_txn_init(k->producer, k->timeout_ms, err);
}

static enum lac_kafka_txn io_txn_begin(void *io, struct lac_err *err)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_txn_begin(k->producer, err);
}

static enum lac_kafka_txn io_txn_send_offsets(void *io, const struct lac_kafka_position *p,
                                              size_t n, struct lac_err *err)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_txn_send_offsets(k->producer, k->consumer, p, n, k->timeout_ms, err);
}

static enum lac_kafka_txn io_txn_commit(void *io, struct lac_err *err)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_txn_commit(k->producer, k->timeout_ms, err);
}

static enum lac_status io_side_produce(void *io, int topic, const struct lac_kafka_record *r,
                                       struct lac_err *err)
{
    struct lac_lane_kafka *k = io;
    enum lac_status status;

    (void)lac_kafka_producer_poll(k->side, 0);
    status = lac_kafka_produce(k->side, k->side_numbers[topic], r, true, err);
    return status == LAC_AGAIN ? LAC_RETRY : status;
}

static enum lac_status io_side_flush(void *io, uint32_t timeout_ms, struct lac_err *err)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_flush(k->side, timeout_ms, err);
}

static size_t io_side_failed(void *io, struct lac_err *err)
{
    struct lac_lane_kafka *k = io;

    return lac_kafka_producer_failed(k->side, err);
}

static const struct lac_lane_io_ops io_ops = {
    .now_ms = io_now_ms,
    .sleep_ms = io_sleep_ms,
    .poll = io_poll,
    .poll_break = io_poll_break,
    .seek = io_seek,
    .committed = io_committed,
    .commit = io_commit,
    .rejoin = io_rejoin,
    .reachable = io_reachable,
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

/* ---- life ---- */

static enum lac_status open_producers(struct lac_lane_kafka *k,
                                      const struct lac_lane_kafka_options *o, struct lac_err *err)
{
    struct lac_kafka_options kafka = *o->kafka;
    const struct lac_kafka_producer_setup setup = {
        .transactional_id = o->transactional_id,
        .queue_records = QUEUE_RECORDS,
    };
    /* Beside an output on Kafka it carries nothing but replies. An idempotent producer of
     * librdkafka burns a core while five records of a partition are under way and a sixth waits. */
    const struct lac_kafka_producer_setup side = {.queue_records = SIDE_QUEUE_RECORDS,
                                                  .may_repeat = !o->no_producer};
    enum lac_status status = LAC_OK;

    kafka.linger_ms = o->linger_ms;
    if (!o->no_producer) {
        status = lac_kafka_producer_open(&k->producer, &kafka, &setup, err);
        kafka.compression = kafka.interactive_compression;
    }
    kafka.linger_ms = 0;
    if (status == LAC_OK)
        status = lac_kafka_producer_open(&k->side, &kafka, &side, err);
    for (size_t i = 0; status == LAC_OK && i < o->topic_count; i++) {
        if (!o->topics[i])
            continue;
        status = lac_kafka_producer_topic(k->side, o->topics[i], &k->side_numbers[i], err);
        if (status == LAC_OK && k->producer)
            status = lac_kafka_producer_topic(k->producer, o->topics[i], &k->numbers[i], err);
    }
    return status;
}

enum lac_status lac_lane_kafka_open(struct lac_lane_kafka **out,
                                    const struct lac_lane_kafka_options *o, struct lac_err *err)
{
    struct lac_lane_kafka *k = calloc(1, sizeof(*k));
    const struct lac_kafka_group group = {
        .id = o->group,
        .instance_id = o->group_instance,
        .topics = o->inputs,
        .topic_count = o->input_count,
        .rebalance = {.ctx = k, .assigned = on_assigned, .revoked = on_revoked, .ended = on_ended},
    };
    struct lac_kafka_options kafka = *o->kafka;
    enum lac_status status;

    if (!k)
        return lac_err_set(err, LAC_FATAL, 0, "lane: out of memory");
    kafka.tell_end = true;
    k->timeout_ms = o->timeout_ms ? o->timeout_ms : CALL_TIMEOUT_MS;
    status = open_producers(k, o, err);
    if (status == LAC_OK)
        status = lac_kafka_consumer_subscribe(&k->consumer, &kafka, &group, err);
    if (status != LAC_OK) {
        lac_lane_kafka_close(k);
        return status;
    }
    *out = k;
    return LAC_OK;
}

struct lac_lane_io lac_lane_kafka_io(struct lac_lane_kafka *k)
{
    return (struct lac_lane_io){k, &io_ops};
}

void lac_lane_kafka_bind(struct lac_lane_kafka *k, struct lac_lane *lane)
{
    k->lane = lane;
}

void lac_lane_kafka_leave(void *ctx)
{
    struct lac_lane_kafka *k = ctx;

    lac_kafka_consumer_close(k->consumer);
    k->consumer = NULL;
}

void lac_lane_kafka_close(struct lac_lane_kafka *k)
{
    struct lac_err err;

    if (!k)
        return;
    lac_lane_kafka_leave(k);
    if (k->side && lac_kafka_flush(k->side, LAST_REPLIES_MS, &err) != LAC_OK)
        lac_log_err(LAC_LOG_WARN, "replies_lost", &err);
    lac_kafka_producer_close(k->side);
    lac_kafka_producer_close(k->producer);
    free(k);
}
