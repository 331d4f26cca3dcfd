/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare two-hop echo: this thread produces, another consumes and produces back, this thread
 * consumes. Nothing else: no decode, no decision, no HTTP. The settings are the fastest that
 * still acknowledge (acks=all, linger 0, no Nagle, fetches answered as soon as there is a byte).
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_bridge.h"
#include "lac_clock.h"
#include "lac_kafka_priv.h" /* the only way to librdkafka's header outside of common/kafka */

enum { VALUE_BYTES = 300, SETTLE_MS = 30000 };

struct bench_hops {
    rd_kafka_t *client_out, *client_in, *echo_out, *echo_in;
    char there[128], back[128];
    pthread_t thread;
    bool started;
    atomic_bool stop;
};

static rd_kafka_t *make(const char *brokers, rd_kafka_type_t type)
{
    static const char *const settings[][2] = {
        {"linger.ms", "0"},
        {"acks", "all"},
        {"enable.idempotence", "true"},
        {"socket.nagle.disable", "true"},
        {"fetch.wait.max.ms", "100"},
        {"fetch.min.bytes", "1"},
        {"enable.auto.commit", "false"},
        {"group.id", "bench-hops"},
        {"fetch.error.backoff.ms", "10"},
        {"log_level", "3"},
    };
    char why[256];
    rd_kafka_conf_t *c = rd_kafka_conf_new();

    (void)rd_kafka_conf_set(c, "bootstrap.servers", brokers, why, sizeof(why));
    for (size_t i = 0; i < LAC_COUNT(settings); i++)
        (void)rd_kafka_conf_set(c, settings[i][0], settings[i][1], why, sizeof(why));
    rd_kafka_t *rk = rd_kafka_new(type, c, why, sizeof(why));
    if (!rk) {
        rd_kafka_conf_destroy(c);
        fprintf(stderr, "bridge.roundtrip: %s\n", why);
    }
    return rk;
}

static int read_all(rd_kafka_t *rk, const char *topic)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(list, topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    int rc = rd_kafka_assign(rk, list) == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
    (void)rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_destroy(list);
    return rc;
}

static int put(rd_kafka_t *rk, const char *topic, void *value, size_t size)
{
    int rc = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                               RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                               RD_KAFKA_V_VALUE(value, size), RD_KAFKA_V_END);

    (void)rd_kafka_poll(rk, 0);
    return rc == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

static void *echo(void *arg)
{
    struct bench_hops *h = arg;

    while (!atomic_load(&h->stop)) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(h->echo_in, 100);
        if (m && !m->err)
            (void)put(h->echo_out, h->back, m->payload, m->len);
        if (m)
            rd_kafka_message_destroy(m);
    }
    return NULL;
}

/* Takes what has come back; the first eight bytes are when it was due. */
static void take(struct bench_hops *h, struct bench_samples *s, int wait_ms)
{
    rd_kafka_message_t *m;

    while ((m = rd_kafka_consumer_poll(h->client_in, wait_ms))) {
        uint64_t due;
        if (!m->err && m->len >= sizeof(due)) {
            memcpy(&due, m->payload, sizeof(due));
            bench_samples_add(s, lac_clock_mono_ns() - due);
        }
        rd_kafka_message_destroy(m);
        wait_ms = 0;
    }
}

struct listener {
    struct bench_hops *hops;
    struct bench_samples samples;
    atomic_uint_fast64_t heard;
    atomic_bool stop;
};

static void *listen_all(void *arg)
{
    struct listener *l = arg;

    while (!atomic_load(&l->stop)) {
        take(l->hops, &l->samples, 10);
        atomic_store(&l->heard, l->samples.count);
    }
    return NULL;
}

/* Sleeps between sends, as the other side's generator does: one that spins takes a core from
 * what it measures. */
static int send_paced(struct bench_hops *h, double rate, uint64_t wanted)
{
    char value[VALUE_BYTES] = {0};
    uint64_t start = lac_clock_mono_ns();

    for (uint64_t sent = 0; sent < wanted; sent++) {
        uint64_t due = start + (uint64_t)((double)sent * 1e9 / rate);
        struct timespec at = {(time_t)(due / 1000000000u), (long)(due % 1000000000u)};

        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        memcpy(value, &due, sizeof(due));
        if (put(h->client_out, h->there, value, sizeof(value)) != 0)
            return -1;
    }
    return 0;
}

int bench_hops_paced(struct bench_hops *h, double rate, uint32_t ms, struct bench_latency *out)
{
    struct listener l = {.hops = h};
    uint64_t wanted = (uint64_t)(rate * ms / 1000), end;
    pthread_t thread;
    int rc;

    if (pthread_create(&thread, NULL, listen_all, &l) != 0)
        return -1;
    rc = send_paced(h, rate, wanted);
    end = lac_clock_mono_ns() + (uint64_t)SETTLE_MS * 1000000;
    while (rc == 0 && atomic_load(&l.heard) < wanted && lac_clock_mono_ns() < end)
        lac_clock_sleep_ms(10);
    atomic_store(&l.stop, true);
    (void)pthread_join(thread, NULL);
    if (l.samples.count < wanted)
        rc = -1;
    return bench_samples_end(&l.samples, out) == 0 ? rc : -1;
}

struct bench_hops *bench_hops_start(const char *brokers, const char *prefix)
{
    struct bench_hops *h = calloc(1, sizeof(*h));
    struct bench_latency warm;

    if (!h)
        return NULL;
    /* Two topics that are there anyway and that nobody else uses in this run. */
    snprintf(h->there, sizeof(h->there), "%sfeedback", prefix);
    snprintf(h->back, sizeof(h->back), "%saudit", prefix);
    h->client_out = make(brokers, RD_KAFKA_PRODUCER);
    h->client_in = make(brokers, RD_KAFKA_CONSUMER);
    h->echo_out = make(brokers, RD_KAFKA_PRODUCER);
    h->echo_in = make(brokers, RD_KAFKA_CONSUMER);
    if (h->client_out && h->client_in && h->echo_out && h->echo_in &&
        read_all(h->client_in, h->back) == 0 && read_all(h->echo_in, h->there) == 0 &&
        pthread_create(&h->thread, NULL, echo, h) == 0) {
        h->started = true;
        if (bench_hops_paced(h, 100, 500, &warm) == 0)
            return h;
    }
    bench_hops_stop(h);
    return NULL;
}

void bench_hops_stop(struct bench_hops *h)
{
    if (!h)
        return;
    atomic_store(&h->stop, true);
    if (h->started)
        pthread_join(h->thread, NULL);
    rd_kafka_t *all[] = {h->client_in, h->echo_in, h->client_out, h->echo_out};
    for (size_t i = 0; i < LAC_COUNT(all); i++)
        if (all[i])
            rd_kafka_destroy(all[i]);
    free(h);
}
