/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_kafka_admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_clock.h"
#include "lac_kafka_priv.h"

enum { TOPICS_PER_CALL = 64, STOP_LOOK_MS = 100, LEADER_MS = 50 };

struct lac_kafka_admin {
    rd_kafka_t *rk;
    rd_kafka_conf_t *conf; /* for the short-lived members that ask about a group */
    struct lac_kafka_side side;
    bool (*stopped)(void *ctx);
    void *stopped_ctx;
};

enum lac_status lac_kafka_admin_open(struct lac_kafka_admin **out,
                                     const struct lac_kafka_options *o, struct lac_err *err)
{
    struct lac_kafka_admin *a = calloc(1, sizeof(*a));
    char why[256];

    if (!a)
        return lac_err_set(err, LAC_RETRY, 0, "kafka: out of memory");
    a->stopped = o->stopped;
    a->stopped_ctx = o->stopped_ctx;
    a->conf = lac_kafka_conf_common(o, &a->side, err);
    if (!a->conf || lac_kafka_conf_properties(a->conf, o, true, err) != LAC_OK) {
        lac_kafka_admin_close(a);
        return LAC_FATAL;
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(a->conf);

    a->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (!a->rk) {
        rd_kafka_conf_destroy(conf);
        lac_kafka_admin_close(a);
        return lac_err_set(err, LAC_FATAL, 0, "kafka: cannot make a client: %s", why);
    }
    *out = a;
    return LAC_OK;
}

void lac_kafka_admin_close(struct lac_kafka_admin *a)
{
    if (!a)
        return;
    if (a->rk)
        rd_kafka_destroy(a->rk);
    if (a->conf)
        rd_kafka_conf_destroy(a->conf);
    free(a);
}

/* Nobody answers: which address that is, is what a person wants to know first. */
static const char *servers_of(const struct lac_kafka_admin *a, char *out, size_t size)
{
    if (rd_kafka_conf_get(rd_kafka_conf(a->rk), "bootstrap.servers", out, &size) !=
        RD_KAFKA_CONF_OK)
        out[0] = '\0';
    return out;
}

static enum lac_status no_cluster_id(const struct lac_kafka_admin *a, uint32_t timeout_ms,
                                     struct lac_err *err)
{
    char servers[160], why[LAC_KAFKA_WHY_SIZE];

    (void)servers_of(a, servers, sizeof(servers));
    if (a->stopped && a->stopped(a->stopped_ctx))
        return lac_err_set(err, LAC_RETRY, 0, "kafka: stopped before %s answered", servers);
    lac_kafka_noted_why(&a->side, why);
    return lac_err_set(err, LAC_RETRY, RD_KAFKA_RESP_ERR__TIMED_OUT,
                       "kafka: %s did not tell its cluster id within %u ms%s%s", servers,
                       timeout_ms, why[0] ? ": " : "", why);
}

/* What a broker tells whoever connects. This wait can be cut into slices, as no question of ours is
 * under way meanwhile. NULL: none came up in time, or nobody waits any more. */
static char *await_cluster_id(struct lac_kafka_admin *a, uint32_t timeout_ms)
{
    uint64_t now = lac_clock_mono_ms(), end = now + timeout_ms;
    char *id;

    if (!a->stopped)
        return rd_kafka_clusterid(a->rk, (int)timeout_ms);
    do {
        uint64_t left = end - now;

        id = rd_kafka_clusterid(a->rk, (int)(left < STOP_LOOK_MS ? left : STOP_LOOK_MS));
        now = lac_clock_mono_ms();
    } while (!id && now < end && !a->stopped(a->stopped_ctx));
    return id;
}

enum lac_status lac_kafka_admin_cluster_id(struct lac_kafka_admin *a, uint32_t timeout_ms,
                                           char out[LAC_KAFKA_CLUSTER_ID_SIZE], struct lac_err *err)
{
    char *id = await_cluster_id(a, timeout_ms);

    if (!id)
        return no_cluster_id(a, timeout_ms, err);
    (void)snprintf(out, LAC_KAFKA_CLUSTER_ID_SIZE, "%s", id);
    rd_kafka_mem_free(a->rk, id);
    return LAC_OK;
}

/* ---- metadata ---- */

static struct lac_kafka_topic_info topic_info(const struct rd_kafka_metadata_topic *t)
{
    struct lac_kafka_topic_info info = {.name = t->topic, .partitions = t->partition_cnt};

    for (int i = 0; i < t->partition_cnt; i++)
        info.leaderless += t->partitions[i].leader < 0;
    if (t->partition_cnt > 0)
        info.replicas = t->partitions[0].replica_cnt;
    return info;
}

static enum lac_status no_metadata(const struct lac_kafka_admin *a, rd_kafka_resp_err_t code,
                                   struct lac_err *err)
{
    char servers[160], what[400], why[LAC_KAFKA_WHY_SIZE];

    lac_kafka_noted_why(&a->side, why);
    (void)snprintf(what, sizeof(what), "metadata of %s%s%s",
                   servers_of(a, servers, sizeof(servers)), why[0] ? ": " : "", why);
    return lac_kafka_fail(err, what, code);
}

/* A question can't be given up once it is asked; whoever may be stopped asks when a broker is
 * there. */
static bool can_ask(struct lac_kafka_admin *a, uint32_t timeout_ms)
{
    char *id = a->stopped ? await_cluster_id(a, timeout_ms) : NULL;

    if (id)
        rd_kafka_mem_free(a->rk, id);
    return !a->stopped || id;
}

enum lac_status lac_kafka_admin_cluster(struct lac_kafka_admin *a, uint32_t timeout_ms,
                                        struct lac_kafka_cluster_info *out, struct lac_err *err)
{
    const struct rd_kafka_metadata *m = NULL;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TRANSPORT;

    memset(out, 0, sizeof(*out));
    if (can_ask(a, timeout_ms))
        code = rd_kafka_metadata(a->rk, 1, NULL, &m, (int)timeout_ms);
    else if (a->stopped(a->stopped_ctx))
        return no_cluster_id(a, timeout_ms, err);
    if (code)
        return no_metadata(a, code, err);
    out->_metadata = (void *)m;
    out->topics = calloc((size_t)m->topic_cnt + 1, sizeof(*out->topics));
    if (!out->topics) {
        lac_kafka_cluster_info_deinit(out);
        return lac_err_set(err, LAC_RETRY, 0, "kafka: out of memory");
    }
    out->broker_count = (size_t)m->broker_cnt;
    for (int i = 0; i < m->topic_cnt; i++)
        if (!m->topics[i].err)
            out->topics[out->topic_count++] = topic_info(&m->topics[i]);
    return LAC_OK;
}

void lac_kafka_cluster_info_deinit(struct lac_kafka_cluster_info *info)
{
    free(info->topics);
    if (info->_metadata)
        rd_kafka_metadata_destroy(info->_metadata);
    memset(info, 0, sizeof(*info));
}

const struct lac_kafka_topic_info *
lac_kafka_cluster_topic(const struct lac_kafka_cluster_info *info, const char *name)
{
    for (size_t i = 0; i < info->topic_count; i++)
        if (strcmp(info->topics[i].name, name) == 0)
            return &info->topics[i];
    return NULL;
}

/* ---- topics ---- */

static rd_kafka_NewTopic_t *new_topic(const struct lac_kafka_new_topic *t, struct lac_err *err)
{
    char why[256];
    rd_kafka_NewTopic_t *nt =
        rd_kafka_NewTopic_new(t->name, t->partitions, t->replicas, why, sizeof(why));

    if (!nt) {
        (void)lac_err_set(err, LAC_FATAL, 0, "kafka: topic %s: %s", t->name, why);
        return NULL;
    }
    for (size_t i = 0; i < t->config_count; i++)
        (void)rd_kafka_NewTopic_set_config(nt, t->config[i].name, t->config[i].value);
    return nt;
}

static void take_results(const rd_kafka_event_t *ev, struct lac_kafka_new_topic *topics, size_t n)
{
    size_t count = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result((void *)ev), &count);

    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
        const char *why = rd_kafka_topic_result_error_string(results[i]);

        for (size_t k = 0; k < n; k++) {
            if (strcmp(topics[k].name, rd_kafka_topic_result_name(results[i])) != 0)
                continue;
            topics[k].status = lac_kafka_status(code);
            (void)snprintf(topics[k].why, sizeof(topics[k].why), "%s",
                           why ? why : rd_kafka_err2str(code));
        }
    }
}

static enum lac_status await_topics(rd_kafka_queue_t *queue, struct lac_kafka_new_topic *topics,
                                    size_t n, uint32_t timeout_ms, struct lac_err *err)
{
    rd_kafka_event_t *ev;
    rd_kafka_resp_err_t code;

    do {
        ev = rd_kafka_queue_poll(queue, (int)timeout_ms + 1000);
    } while (ev && rd_kafka_event_type(ev) != RD_KAFKA_EVENT_CREATETOPICS_RESULT &&
             (rd_kafka_event_destroy(ev), true));
    if (!ev)
        return lac_err_set(err, LAC_RETRY, 0, "kafka: no answer to create topics");
    code = rd_kafka_event_error(ev);
    if (code) {
        enum lac_status status =
            lac_err_set(err, lac_kafka_status(code), code, "kafka: create topics: %s",
                        rd_kafka_event_error_string(ev));

        rd_kafka_event_destroy(ev);
        return status;
    }
    take_results(ev, topics, n);
    rd_kafka_event_destroy(ev);
    return LAC_OK;
}

static enum lac_status worst_of(const struct lac_kafka_new_topic *topics, size_t n,
                                struct lac_err *err)
{
    enum lac_status worst = LAC_OK;

    for (size_t i = 0; i < n; i++) {
        if (topics[i].status <= LAC_AGAIN || topics[i].status <= worst)
            continue;
        worst = lac_err_set(err, topics[i].status, 0, "kafka: topic %s: %s", topics[i].name,
                            topics[i].why);
    }
    return worst;
}

enum lac_status lac_kafka_admin_create_topics(struct lac_kafka_admin *a,
                                              struct lac_kafka_new_topic *topics, size_t n,
                                              uint32_t timeout_ms, struct lac_err *err)
{
    rd_kafka_NewTopic_t *wanted[TOPICS_PER_CALL];
    enum lac_status status = LAC_OK;
    size_t made = 0;

    if (n > TOPICS_PER_CALL)
        return lac_err_set(err, LAC_FATAL, 0, "kafka: more than %d topics at once",
                           TOPICS_PER_CALL);
    for (; made < n; made++) {
        topics[made].status = LAC_RETRY;
        (void)snprintf(topics[made].why, sizeof(topics[made].why), "no answer");
        wanted[made] = new_topic(&topics[made], err);
        if (!wanted[made]) {
            status = LAC_FATAL;
            break;
        }
    }
    if (status == LAC_OK && n > 0) {
        rd_kafka_queue_t *queue = rd_kafka_queue_new(a->rk);
        rd_kafka_AdminOptions_t *options =
            rd_kafka_AdminOptions_new(a->rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
        char why[128];

        (void)rd_kafka_AdminOptions_set_request_timeout(options, (int)timeout_ms, why, sizeof(why));
        (void)rd_kafka_AdminOptions_set_operation_timeout(options, (int)timeout_ms, why,
                                                          sizeof(why));
        rd_kafka_CreateTopics(a->rk, wanted, n, options, queue);
        status = await_topics(queue, topics, n, timeout_ms, err);
        rd_kafka_AdminOptions_destroy(options);
        rd_kafka_queue_destroy(queue);
        if (status == LAC_OK)
            status = worst_of(topics, n, err);
    }
    rd_kafka_NewTopic_destroy_array(wanted, made);
    return status;
}

/* ---- settings of topics ---- */

static void take_settings(const rd_kafka_ConfigResource_t *r, struct lac_kafka_topic_settings *t)
{
    size_t count = 0;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(r, &count);

    for (size_t i = 0; i < count; i++) {
        const char *name = rd_kafka_ConfigEntry_name(entries[i]);
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);

        if (value && strcmp(name, "cleanup.policy") == 0)
            (void)snprintf(t->cleanup, sizeof(t->cleanup), "%s", value);
        if (value && strcmp(name, "retention.ms") == 0)
            t->retention_ms = strtoll(value, NULL, 10);
        if (value && strcmp(name, "message.timestamp.type") == 0)
            (void)snprintf(t->timestamp_type, sizeof(t->timestamp_type), "%s", value);
    }
}

static enum lac_status await_settings(rd_kafka_queue_t *queue, struct lac_kafka_topic_settings *t,
                                      size_t n, uint32_t timeout_ms, struct lac_err *err)
{
    rd_kafka_event_t *ev = rd_kafka_queue_poll(queue, (int)timeout_ms + 1000);
    const rd_kafka_DescribeConfigs_result_t *result;
    const rd_kafka_ConfigResource_t **all;
    enum lac_status status = LAC_OK;
    size_t count = 0;

    if (!ev)
        return lac_err_set(err, LAC_RETRY, 0, "kafka: no answer to describe configs");
    result = rd_kafka_event_DescribeConfigs_result(ev);
    if (!result || rd_kafka_event_error(ev)) {
        rd_kafka_resp_err_t code = rd_kafka_event_error(ev);

        status = lac_err_set(err, lac_kafka_status(code), code, "kafka: describe configs: %s",
                             rd_kafka_event_error_string(ev));
        rd_kafka_event_destroy(ev);
        return status;
    }
    all = rd_kafka_DescribeConfigs_result_resources(result, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < n; k++)
            if (!rd_kafka_ConfigResource_error(all[i]) &&
                strcmp(t[k].name, rd_kafka_ConfigResource_name(all[i])) == 0)
                take_settings(all[i], &t[k]);
    rd_kafka_event_destroy(ev);
    return status;
}

enum lac_status lac_kafka_admin_topic_settings(struct lac_kafka_admin *a,
                                               struct lac_kafka_topic_settings *t, size_t n,
                                               uint32_t timeout_ms, struct lac_err *err)
{
    rd_kafka_ConfigResource_t *asked[TOPICS_PER_CALL];
    rd_kafka_AdminOptions_t *options;
    rd_kafka_queue_t *queue;
    enum lac_status status;
    char why[128];

    if (n > TOPICS_PER_CALL)
        return lac_err_set(err, LAC_FATAL, 0, "kafka: more than %d topics at once",
                           TOPICS_PER_CALL);
    for (size_t i = 0; i < n; i++) {
        t[i].cleanup[0] = t[i].timestamp_type[0] = '\0';
        t[i].retention_ms = 0;
        asked[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, t[i].name);
    }
    queue = rd_kafka_queue_new(a->rk);
    options = rd_kafka_AdminOptions_new(a->rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, (int)timeout_ms, why, sizeof(why));
    rd_kafka_DescribeConfigs(a->rk, asked, n, options, queue);
    status = await_settings(queue, t, n, timeout_ms, err);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_ConfigResource_destroy_array(asked, n);
    return status;
}

/* ---- offsets ---- */

/* What this client knows of a topic may be minutes old: a partition that was added since is none
 * for it until it has heard of it. It asks about all, as a question about one may make the topic.
 */
static bool hear_again(struct lac_kafka_admin *a, uint32_t timeout_ms)
{
    const struct rd_kafka_metadata *m = NULL;

    if (rd_kafka_metadata(a->rk, 1, NULL, &m, (int)timeout_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    rd_kafka_metadata_destroy(m);
    return true;
}

/* A topic that has just been made, or whose broker has left, has its leader in a moment. */
static bool is_between_leaders(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

static bool is_unheard_of(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
}

enum lac_status lac_kafka_admin_watermarks(struct lac_kafka_admin *a, const char *topic,
                                           int32_t partition, uint32_t timeout_ms, int64_t *low,
                                           int64_t *high, struct lac_err *err)
{
    uint64_t until = lac_clock_mono_ms() + timeout_ms;
    rd_kafka_resp_err_t code;

    for (bool heard = false;; heard = true) {
        code =
            rd_kafka_query_watermark_offsets(a->rk, topic, partition, low, high, (int)timeout_ms);
        if (is_between_leaders(code) && lac_clock_mono_ms() < until)
            lac_clock_sleep_ms(LEADER_MS);
        else if (heard || !is_unheard_of(code))
            break;
        if (!hear_again(a, timeout_ms))
            break;
    }
    return code ? lac_kafka_fail(err, topic, code) : LAC_OK;
}

enum lac_status lac_kafka_admin_committed(struct lac_kafka_admin *a, const char *group,
                                          struct lac_kafka_position *p, size_t n,
                                          uint32_t timeout_ms, struct lac_err *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(a->conf);
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t code;
    rd_kafka_t *member;
    char why[256];

    /* A consumer that never subscribes may ask for its group without joining it. */
    if (lac_kafka_conf_put(conf, "group.id", group, err) != LAC_OK) {
        rd_kafka_conf_destroy(conf);
        return LAC_FATAL;
    }
    member = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
    if (!member) {
        rd_kafka_conf_destroy(conf);
        return lac_err_set(err, LAC_FATAL, 0, "kafka: cannot make a consumer: %s", why);
    }
    list = lac_kafka_list(p, n);
    code = rd_kafka_committed(member, list, (int)timeout_ms);
    if (!code)
        code = lac_kafka_list_error(list);
    for (size_t i = 0; !code && i < n; i++)
        p[i].offset = list->elems[i].offset < 0 ? LAC_KAFKA_NONE : list->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(member);
    return code ? lac_kafka_fail(err, "committed offsets", code) : LAC_OK;
}

/* Not by DescribeConsumerGroups: where a broker doesn't know the request, librdkafka 2.0.2 locks a
 * queue of it that is gone, and never ends. */
enum lac_status lac_kafka_admin_members(struct lac_kafka_admin *a, const char *group,
                                        uint32_t timeout_ms, size_t *members, struct lac_err *err)
{
    const struct rd_kafka_group_list *list = NULL;
    rd_kafka_resp_err_t code = rd_kafka_list_groups(a->rk, group, &list, (int)timeout_ms);

    *members = 0;
    for (int i = 0; list && i < list->group_cnt; i++) {
        *members += (size_t)list->groups[i].member_cnt;
        code = code ? code : list->groups[i].err;
    }
    if (list)
        rd_kafka_group_list_destroy(list);
    return code ? lac_kafka_fail(err, "members of a group", code) : LAC_OK;
}

enum lac_status lac_kafka_admin_offsets_for_times(struct lac_kafka_admin *a,
                                                  struct lac_kafka_position *p, size_t n,
                                                  uint32_t timeout_ms, struct lac_err *err)
{
    rd_kafka_topic_partition_list_t *list = lac_kafka_list(p, n);
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(a->rk, list, (int)timeout_ms);

    if (!code)
        code = lac_kafka_list_error(list);
    for (size_t i = 0; !code && i < n; i++)
        p[i].offset = list->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return code ? lac_kafka_fail(err, "offsets for times", code) : LAC_OK;
}
