/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The topics of the lane's benchmarks. Every run writes to topics of its own, which go when it is
 * over: gigabytes of outputs that a kernel writes back to a disk disturb whatever is measured then.
 */
#include <stdio.h>

#include "bench_lane.h"
#include "lac_kafka_admin.h"
#include "lac_kafka_priv.h" /* the only way to librdkafka's header outside of common/kafka */

enum { TIMEOUT_MS = 10000, TOPICS_MAX = 4 };

int bench_topics_make(const struct lac_kafka_options *kafka, const char *const *names, size_t n)
{
    struct lac_kafka_new_topic topics[TOPICS_MAX];
    struct lac_kafka_admin *admin = NULL;
    struct lac_err err;
    enum lac_status status;

    for (size_t i = 0; i < n && i < TOPICS_MAX; i++)
        topics[i] = (struct lac_kafka_new_topic){
            .name = names[i], .partitions = BENCH_PARTITIONS, .replicas = -1};
    status = lac_kafka_admin_open(&admin, kafka, &err);
    if (status == LAC_OK)
        status = lac_kafka_admin_create_topics(admin, topics, n < TOPICS_MAX ? n : TOPICS_MAX,
                                               TIMEOUT_MS, &err);
    lac_kafka_admin_close(admin);
    if (status == LAC_OK)
        return 0;
    fprintf(stderr, "lane: %s\n", err.text);
    return -1;
}

static void delete_topics(rd_kafka_t *rk, const char *const *names, size_t n)
{
    rd_kafka_queue_t *answers = rd_kafka_queue_new(rk);
    rd_kafka_DeleteTopic_t *topics[TOPICS_MAX];
    rd_kafka_event_t *answer;

    for (size_t i = 0; i < n; i++)
        topics[i] = rd_kafka_DeleteTopic_new(names[i]);
    rd_kafka_DeleteTopics(rk, topics, n, NULL, answers);
    answer = rd_kafka_queue_poll(answers, TIMEOUT_MS);
    if (!answer || rd_kafka_event_error(answer))
        fprintf(stderr, "lane: topics of the last run were not removed\n");
    if (answer)
        rd_kafka_event_destroy(answer);
    rd_kafka_DeleteTopic_destroy_array(topics, n);
    rd_kafka_queue_destroy(answers);
}

void bench_topics_remove(const struct lac_kafka_options *kafka, const char *const *names, size_t n)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];
    rd_kafka_t *rk = NULL;

    if (!rd_kafka_conf_set(conf, "bootstrap.servers", kafka->bootstrap_servers, why, sizeof(why)))
        rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (!rk) {
        fprintf(stderr, "lane: %s\n", why);
        rd_kafka_conf_destroy(conf);
        return;
    }
    delete_topics(rk, names, n < TOPICS_MAX ? n : TOPICS_MAX);
    rd_kafka_destroy(rk);
}
