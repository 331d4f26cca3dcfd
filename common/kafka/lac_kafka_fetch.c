/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fetcher that sleeps beside an empty queue. Once a consumer's queue has reached its limit,
 * librdkafka's broker thread sleeps for up to a second and nothing that the consumer does wakes it:
 * whoever empties the queue sooner waits for the rest of that second. From 2.2 on the pause is a
 * setting. Before, a request to the partition's leader is the one thing that wakes the thread.
 */
#include <stdio.h>

#include "lac_clock.h"
#include "lac_kafka_priv.h"

enum { APART_MS = 50, ANSWER_MS = 100, PAUSE_MS = 5 };

bool lac_kafka_fetch_setup(rd_kafka_conf_t *conf)
{
    char value[8], why[256];

    (void)snprintf(value, sizeof(value), "%d", PAUSE_MS);
    return rd_kafka_conf_set(conf, "fetch.queue.backoff.ms", value, why, sizeof(why)) ==
           RD_KAFKA_CONF_OK;
}

/* Whether the broker has told of records behind the position. */
static bool is_behind(rd_kafka_t *rk, const rd_kafka_topic_partition_t *p)
{
    int64_t low = 0, high = 0;

    return !rd_kafka_get_watermark_offsets(rk, p->topic, p->partition, &low, &high) &&
           p->offset >= 0 && high > p->offset;
}

void lac_kafka_fetch_wake(rd_kafka_t *rk, struct lac_kafka_fetch *f)
{
    uint64_t now = lac_clock_mono_ms();
    rd_kafka_topic_partition_list_t *list = f->assigned;

    if (!list || now - f->asked_ms < APART_MS)
        return;
    f->asked_ms = now;
    if (rd_kafka_position(rk, list))
        return;
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[(f->turn + i) % list->cnt];
        int64_t low, high;

        if (!is_behind(rk, p))
            continue;
        /* One at a time: the others' leaders have their turn when this one was not it. */
        (void)rd_kafka_query_watermark_offsets(rk, p->topic, p->partition, &low, &high, ANSWER_MS);
        f->turn = (f->turn + i + 1) % list->cnt;
        return;
    }
}

void lac_kafka_fetch_assigned(struct lac_kafka_fetch *f,
                              const rd_kafka_topic_partition_list_t *list)
{
    if (f->assigned)
        rd_kafka_topic_partition_list_destroy(f->assigned);
    f->assigned =
        f->sleeps && list && list->cnt > 0 ? rd_kafka_topic_partition_list_copy(list) : NULL;
    f->turn = 0;
}
