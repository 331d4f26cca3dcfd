/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_kafka_mock.h"

#include <stdlib.h>

#include "lac_kafka_priv.h"

#include <librdkafka/rdkafka_mock.h> /* wants rdkafka.h before it */

enum { ERRORS_MAX = 64 };

struct lac_kafka_mock {
    rd_kafka_t *rk; /* only carries the cluster */
    rd_kafka_mock_cluster_t *cluster;
    struct lac_kafka_side side;
};

enum lac_status lac_kafka_mock_new(struct lac_kafka_mock **out, int brokers, struct lac_err *err)
{
    struct lac_kafka_options none = {0};
    struct lac_kafka_mock *m = calloc(1, sizeof(*m));
    rd_kafka_conf_t *conf;
    char why[256];

    if (!m)
        return lac_err_set(err, LAC_RETRY, 0, "kafka: out of memory");
    conf = lac_kafka_conf_common(&none, &m->side, err);
    m->rk = conf ? rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why)) : NULL;
    if (!m->rk) {
        if (conf)
            rd_kafka_conf_destroy(conf);
        free(m);
        return lac_err_set(err, LAC_FATAL, 0, "kafka: cannot make the in-process broker");
    }
    m->cluster = rd_kafka_mock_cluster_new(m->rk, brokers);
    if (!m->cluster) {
        lac_kafka_mock_free(m);
        return lac_err_set(err, LAC_FATAL, 0, "kafka: cannot start the in-process broker");
    }
    *out = m;
    return LAC_OK;
}

void lac_kafka_mock_free(struct lac_kafka_mock *m)
{
    if (!m)
        return;
    if (m->cluster)
        rd_kafka_mock_cluster_destroy(m->cluster);
    rd_kafka_destroy(m->rk);
    free(m);
}

const char *lac_kafka_mock_bootstrap(const struct lac_kafka_mock *m)
{
    return rd_kafka_mock_cluster_bootstraps(m->cluster);
}

enum lac_status lac_kafka_mock_topic(struct lac_kafka_mock *m, const char *name, int partitions,
                                     struct lac_err *err)
{
    rd_kafka_resp_err_t code = rd_kafka_mock_topic_create(m->cluster, name, partitions, 1);

    return code ? lac_kafka_fail(err, name, code) : LAC_OK;
}

void lac_kafka_mock_fail(struct lac_kafka_mock *m, enum lac_kafka_api api, int code, size_t times)
{
    rd_kafka_resp_err_t codes[ERRORS_MAX];

    if (times > ERRORS_MAX)
        times = ERRORS_MAX;
    for (size_t i = 0; i < times; i++)
        codes[i] = (rd_kafka_resp_err_t)code;
    rd_kafka_mock_push_request_errors_array(m->cluster, (int16_t)api, times, codes);
}

void lac_kafka_mock_broker_down(struct lac_kafka_mock *m, int broker, bool down)
{
    if (down)
        (void)rd_kafka_mock_broker_set_down(m->cluster, broker);
    else
        (void)rd_kafka_mock_broker_set_up(m->cluster, broker);
}

void lac_kafka_mock_broker_rtt(struct lac_kafka_mock *m, int broker, int rtt_ms)
{
    (void)rd_kafka_mock_broker_set_rtt(m->cluster, broker, rtt_ms);
}
