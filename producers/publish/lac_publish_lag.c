/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_publish_lag.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lac_clock.h"
#include "lac_kafka_admin.h"

enum { PERIOD_MS = 1000, STEP_MS = 50, ASK_MS = 2000 };

struct lac_publish_lag {
    pthread_t thread;
    const struct lac_kafka_options *options;
    const char *topic, *group;
    atomic_bool stop;
    _Atomic int64_t lag;
};

/* The sum over all partitions, or -1. */
static int64_t ask(struct lac_publish_lag *l, struct lac_kafka_admin *admin,
                   struct lac_kafka_position *p, size_t n)
{
    int64_t sum = 0;
    struct lac_err err;

    if (lac_kafka_admin_committed(admin, l->group, p, n, ASK_MS, &err) != LAC_OK)
        return -1;
    for (size_t i = 0; i < n && !atomic_load(&l->stop); i++) {
        int64_t low, high;

        if (lac_kafka_admin_watermarks(admin, p[i].topic, p[i].partition, ASK_MS, &low, &high,
                                       &err) != LAC_OK)
            return -1;
        sum += high - (p[i].offset > low ? p[i].offset : low);
    }
    return sum;
}

/* The topic's partitions; NULL when the cluster doesn't say. */
static struct lac_kafka_position *partitions(const struct lac_publish_lag *l,
                                             struct lac_kafka_admin *admin, size_t *n)
{
    struct lac_kafka_cluster_info info;
    const struct lac_kafka_topic_info *topic;
    struct lac_kafka_position *p = NULL;
    struct lac_err err;

    *n = 0;
    if (lac_kafka_admin_cluster(admin, ASK_MS, &info, &err) != LAC_OK)
        return NULL;
    topic = lac_kafka_cluster_topic(&info, l->topic);
    if (topic && topic->partitions > 0)
        p = calloc((size_t)topic->partitions, sizeof(*p));
    if (p)
        *n = (size_t)topic->partitions;
    for (size_t i = 0; i < *n; i++)
        p[i] = (struct lac_kafka_position){.topic = l->topic, .partition = (int32_t)i};
    lac_kafka_cluster_info_deinit(&info);
    return p;
}

static void *run(void *ctx)
{
    struct lac_publish_lag *l = ctx;
    struct lac_kafka_admin *admin = NULL;
    struct lac_kafka_position *p = NULL;
    struct lac_err err;
    size_t n = 0;

    if (lac_kafka_admin_open(&admin, l->options, &err) != LAC_OK)
        return NULL; /* the lag stays unknown; the progress line leaves it out */
    while (!atomic_load(&l->stop)) {
        if (!p)
            p = partitions(l, admin, &n);
        if (p)
            atomic_store(&l->lag, ask(l, admin, p, n));
        for (int waited = 0; waited < PERIOD_MS && !atomic_load(&l->stop); waited += STEP_MS)
            lac_clock_sleep_ms(STEP_MS);
    }
    free(p);
    lac_kafka_admin_close(admin);
    return NULL;
}

enum lac_status lac_publish_lag_start(struct lac_publish_lag **out,
                                      const struct lac_kafka_options *o, const char *topic,
                                      const char *group, struct lac_err *err)
{
    struct lac_publish_lag *l = calloc(1, sizeof(*l));
    int code;

    *out = NULL;
    if (!l)
        return lac_err_set(err, LAC_RETRY, ENOMEM, "out of memory");
    l->options = o;
    l->topic = topic;
    l->group = group;
    atomic_store(&l->lag, -1);
    code = pthread_create(&l->thread, NULL, run, l);
    if (code != 0) {
        free(l);
        return lac_err_set(err, LAC_RETRY, code, "no thread for the lag");
    }
    *out = l;
    return LAC_OK;
}

void lac_publish_lag_stop(struct lac_publish_lag *l)
{
    if (!l)
        return;
    atomic_store(&l->stop, true);
    (void)pthread_join(l->thread, NULL);
    free(l);
}

int64_t lac_publish_lag_get(const struct lac_publish_lag *l)
{
    return l ? atomic_load(&l->lag) : -1;
}
