/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The baseline of lane.passthrough: consume and produce with librdkafka alone, as fast as we
 * know how. The same poll call and settings as a lane, batches of the same size, records
 * produced per topic with produce_batch, delivery reports taken in bulk as events. It commits
 * nothing and handles no error, which is to its advantage.
 */
#include "bench_lane.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_kafka_priv.h" /* the only way to librdkafka's header outside of common/kafka */
#include "lac_lane_kafka.h"

enum { BATCH = 512, RING_BYTES = 64 << 20, POLL_MS = 100, IDLE_POLLS = 50 };

struct loop {
    const struct bench_topics *topics;
    struct bench_meter *meter;
    size_t index;
    int copy;
    rd_kafka_t *consumer, *producer;
    rd_kafka_queue_t *reports;
    rd_kafka_topic_t *out[2];
    char *ring;
    size_t used;
    uint64_t taken, counted; /* inputs read, and those whose outputs are delivered */
    struct lac_kafka_fetch fetch;
    rd_kafka_message_t *in[BATCH];
    rd_kafka_message_t batch[BATCH];
};

static void put(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[256];

    if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) != RD_KAFKA_CONF_OK)
        fprintf(stderr, "bare: %s: %s\n", name, why);
}

static rd_kafka_t *make(rd_kafka_type_t type, const struct bench_topics *t)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char number[16], why[256];

    put(conf, "bootstrap.servers", t->brokers);
    put(conf, "socket.nagle.disable", "true");
    if (type == RD_KAFKA_CONSUMER) {
        put(conf, "group.id", "bench-bare");
        put(conf, "enable.auto.commit", "false");
        put(conf, "enable.auto.offset.store", "false");
        put(conf, "auto.offset.reset", "earliest");
        put(conf, "check.crcs", "true");
        put(conf, "fetch.max.bytes", "33554432");
        (void)snprintf(number, sizeof(number), "%d", BENCH_QUEUE_KBYTES);
        put(conf, "queued.max.messages.kbytes", number);
    } else {
        put(conf, "enable.idempotence", "true");
        put(conf, "partitioner", "murmur2_random");
        put(conf, "batch.num.messages", "10000");
        put(conf, "queue.buffering.max.messages", "1048576");
        (void)snprintf(number, sizeof(number), "%d", LAC_LANE_LINGER_MS);
        put(conf, "linger.ms", number);
        rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR);
    }
    return rd_kafka_new(type, conf, why, sizeof(why));
}

/* Events hold hundreds of reports each. */
static void take_reports(struct loop *l, int wait_ms)
{
    rd_kafka_event_t *ev;

    while ((ev = rd_kafka_queue_poll(l->reports, wait_ms)) != NULL) {
        rd_kafka_event_destroy(ev);
        wait_ms = 0;
    }
}

static void *keep(struct loop *l, const void *data, size_t n)
{
    void *at;

    if (l->copy)
        return (void *)data;
    if (l->used + n > RING_BYTES) { /* from the start again, once nobody reads it */
        while (rd_kafka_outq_len(l->producer) > 0) {
            (void)rd_kafka_flush(l->producer, 1);
            take_reports(l, 0);
        }
        l->used = 0;
    }
    at = memcpy(l->ring + l->used, data, n);
    l->used += n;
    return at;
}

static void send_batch(struct loop *l, int topic, size_t n)
{
    size_t sent = 0;

    for (size_t i = 0; i < n; i++) {
        size_t len = l->in[i]->len;

        if (topic == 0 && len > BENCH_SMALL_SIZE)
            len = BENCH_SMALL_SIZE;
        l->batch[i] = (rd_kafka_message_t){
            .payload = keep(l, l->in[i]->payload, len),
            .len = len,
            .key = l->in[i]->key,
            .key_len = l->in[i]->key_len,
            .partition = RD_KAFKA_PARTITION_UA,
        };
    }
    while (sent < n) {
        sent += (size_t)rd_kafka_produce_batch(l->out[topic], RD_KAFKA_PARTITION_UA,
                                               l->copy ? RD_KAFKA_MSG_F_COPY : 0, l->batch + sent,
                                               (int)(n - sent));
        if (sent < n)
            take_reports(l, 1);
    }
}

/* What is only queued is not done yet. */
static void count(struct loop *l, size_t n)
{
    uint64_t delivered;

    l->taken += n;
    delivered = l->taken - (uint64_t)rd_kafka_outq_len(l->producer) / 2;
    if (delivered > l->counted)
        bench_meter_add(l->meter, delivered - l->counted);
    l->counted = delivered > l->counted ? delivered : l->counted;
}

static void *run_loop(void *arg)
{
    struct loop *l = arg;
    int idle = 0, begun = 0;

    while (!bench_meter_ended(l->meter) && idle < IDLE_POLLS) {
        size_t n = 0;

        while (n < BATCH) {
            rd_kafka_message_t *m = rd_kafka_consumer_poll(l->consumer, n ? 0 : 1);

            if (!m && !n) { /* as lac_kafka_poll() does it */
                lac_kafka_fetch_wake(l->consumer, &l->fetch);
                m = rd_kafka_consumer_poll(l->consumer, POLL_MS);
            }
            if (!m)
                break;
            if (m->err)
                rd_kafka_message_destroy(m);
            else
                l->in[n++] = m;
        }
        idle = n ? 0 : idle + 1;
        if (n && !begun) {
            begun = 1;
            bench_meter_begin(l->meter);
        }
        send_batch(l, 0, n);
        send_batch(l, 1, n);
        for (size_t i = 0; i < n; i++)
            rd_kafka_message_destroy(l->in[i]);
        take_reports(l, 0);
        count(l, n);
    }
    return NULL;
}

static int open_loop(struct loop *l, size_t threads)
{
    rd_kafka_topic_partition_list_t *share = rd_kafka_topic_partition_list_new(BENCH_PARTITIONS);

    l->consumer = make(RD_KAFKA_CONSUMER, l->topics);
    l->producer = make(RD_KAFKA_PRODUCER, l->topics);
    l->ring = malloc(RING_BYTES);
    if (!l->consumer || !l->producer || !l->ring) {
        rd_kafka_topic_partition_list_destroy(share);
        return -1;
    }
    (void)rd_kafka_poll_set_consumer(l->consumer);
    l->reports = rd_kafka_queue_get_main(l->producer);
    for (int i = 0; i < 2; i++)
        l->out[i] = rd_kafka_topic_new(l->producer, l->topics->outputs[i], NULL);
    for (int i = 0; i < BENCH_PARTITIONS; i++)
        if ((size_t)i * threads / BENCH_PARTITIONS == l->index)
            rd_kafka_topic_partition_list_add(share, l->topics->input, i)->offset = 0;
    (void)rd_kafka_assign(l->consumer, share);
    l->fetch.sleeps = true;
    lac_kafka_fetch_assigned(&l->fetch, share);
    rd_kafka_topic_partition_list_destroy(share);
    return 0;
}

static void close_loop(struct loop *l)
{
    while (l->producer && rd_kafka_outq_len(l->producer) > 0) {
        (void)rd_kafka_flush(l->producer, 5);
        take_reports(l, 0);
    }
    for (int i = 0; i < 2; i++)
        if (l->out[i])
            rd_kafka_topic_destroy(l->out[i]);
    if (l->reports)
        rd_kafka_queue_destroy(l->reports);
    if (l->producer)
        rd_kafka_destroy(l->producer);
    if (l->consumer) {
        (void)rd_kafka_consumer_close(l->consumer);
        rd_kafka_destroy(l->consumer);
        lac_kafka_fetch_assigned(&l->fetch, NULL);
    }
    free(l->ring);
}

double bench_bare_run(const struct bench_topics *t, size_t threads, int copy, struct bench_meter *m)
{
    struct loop *loops = calloc(BENCH_THREADS_MAX, sizeof(*loops));
    pthread_t ids[BENCH_THREADS_MAX];
    size_t started = 0, opened = 0;

    if (!loops)
        return -1;
    bench_meter_reset(m, threads, t->records);
    for (; opened < threads; opened++) {
        loops[opened].topics = t;
        loops[opened].meter = m;
        loops[opened].index = opened;
        loops[opened].copy = copy;
        if (open_loop(&loops[opened], threads) != 0)
            break;
    }
    for (; started < opened && opened == threads; started++)
        if (pthread_create(&ids[started], NULL, run_loop, &loops[started]) != 0)
            break;
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(ids[i], NULL);
    for (size_t i = 0; i < threads; i++)
        close_loop(&loops[i]);
    free(loops);
    return bench_meter_rate(m);
}
