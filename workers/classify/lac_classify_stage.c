/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_classify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lac_assert.h"
#include "lac_classify_emit.h"
#include "lac_clock.h"

struct lac_classify_lane {
    const struct lac_classify *shared;
    struct lac_engine *engine;
    struct lac_wire *wire;
    const char *tenant; /* of the topic; NULL: the record's own counts */
    bool may_reply;
    size_t batch_count;
    struct lac_request *requests; /* [batch_count], those that could be read, in order */
    size_t *message_of;           /* [batch_count]: index of their message */
    struct lac_engine_in *in;     /* [batch_count] */
    struct lac_engine_out *out;   /* [batch_count] */
};

static void open_metrics(struct lac_classify *c)
{
    static const char *const yes_no[] = {"false", "true"};
    char labels[96];

    if (!c->metrics)
        return;
    c->requests = lac_metrics_counter(c->metrics, "lacuna_requests_total",
                                      "Requests that were decided.", NULL);
    c->errors = lac_metrics_counter(c->metrics, "lacuna_classification_errors_total",
                                    "Requests that could not be read or decided.", NULL);
    c->latency = lac_metrics_histogram(
        c->metrics, "lacuna_classification_latency_seconds",
        "Time of one request in a layer: the batch's time divided by its requests.",
        "layer=\"heuristic\"", lac_metrics_latency_seconds, LAC_METRICS_LATENCY_COUNT);
    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        (void)snprintf(labels, sizeof(labels), "tier=\"%s\"", lac_tier_name((enum lac_tier)t));
        c->tiers[t] = lac_metrics_counter(c->metrics, "lacuna_classification_tier_total",
                                          "Decisions by tier.", labels);
        c->confidence[t] =
            lac_metrics_histogram(c->metrics, "lacuna_classification_confidence",
                                  "P(true tier <= answer) of decisions, by tier.", labels,
                                  lac_metrics_ratio, LAC_METRICS_RATIO_COUNT);
    }
    for (int rag = 0; rag < 2; rag++) {
        for (int web = 0; web < 2; web++) {
            (void)snprintf(labels, sizeof(labels), "local_rag=\"%s\",web_search=\"%s\"",
                           yes_no[rag], yes_no[web]);
            c->routed[rag][web] =
                lac_metrics_counter(c->metrics, "lacuna_routing_decision_total",
                                    "Decisions by whether two destinations are allowed.", labels);
        }
    }
}

enum lac_status lac_classify_init(struct lac_classify *c, struct lac_err *err)
{
    static const enum lac_topic_id ids[LAC_CLASSIFY_TOPIC_COUNT] = {
        [LAC_CLASSIFY_ROUTING] = LAC_TOPIC_ROUTING,
        [LAC_CLASSIFY_LINEAGE] = LAC_TOPIC_LINEAGE,
        [LAC_CLASSIFY_REPLIES] = LAC_TOPIC_REPLIES,
        [LAC_CLASSIFY_DEADLETTER] = LAC_TOPIC_DEADLETTER,
    };

    for (int i = 0; i < LAC_CLASSIFY_TOPIC_COUNT; i++) {
        if (!lac_topic_full_name(c->topic_names[i], c->topic_prefix, ids[i]))
            return lac_err_set(err, LAC_FATAL, 0,
                               "kafka.topic_prefix: \"%s\" makes no legal topic name",
                               c->topic_prefix);
        c->topics[i] = c->topic_names[i];
    }
    (void)snprintf(c->routing_source, sizeof(c->routing_source), "/lacuna/%s",
                   c->topics[LAC_CLASSIFY_ROUTING]);
    (void)snprintf(c->lineage_source, sizeof(c->lineage_source), "/lacuna/%s",
                   c->topics[LAC_CLASSIFY_LINEAGE]);
    open_metrics(c);
    return LAC_OK;
}

enum lac_status lac_classify_lane_open(struct lac_classify_lane **out,
                                       const struct lac_classify_lane_options *o,
                                       struct lac_err *err)
{
    struct lac_classify_lane *l = calloc(1, sizeof(*l));
    enum lac_status status;

    *out = NULL;
    LAC_ASSERT(o->batch_count > 0);
    if (!l)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "classify: cannot allocate a lane");
    l->shared = o->shared;
    l->tenant = lac_topics[o->input].tenant;
    /* Only the bridge writes there; anybody's reply header would be a way to write to a
     * stranger's partition. */
    l->may_reply = o->input == LAC_TOPIC_REQUESTS_INTERACTIVE;
    l->batch_count = o->batch_count;
    l->requests = calloc(o->batch_count, sizeof(l->requests[0]));
    l->message_of = calloc(o->batch_count, sizeof(l->message_of[0]));
    l->in = calloc(o->batch_count, sizeof(l->in[0]));
    l->out = calloc(o->batch_count, sizeof(l->out[0]));
    if (!l->requests || !l->message_of || !l->in || !l->out)
        status = lac_err_set(err, LAC_FATAL, ENOMEM, "classify: cannot allocate %zu requests",
                             o->batch_count);
    else
        status = lac_wire_open(&l->wire, o->schemas, err);
    if (status == LAC_OK)
        status = lac_engine_open(&l->engine, &o->engine, err);
    if (status != LAC_OK) {
        lac_classify_lane_close(l);
        return status;
    }
    *out = l;
    return LAC_OK;
}

void lac_classify_lane_close(struct lac_classify_lane *l)
{
    if (!l)
        return;
    lac_engine_close(l->engine);
    lac_wire_close(l->wire);
    free(l->requests);
    free(l->message_of);
    free(l->in);
    free(l->out);
    free(l);
}

/* Reads all messages; `*n` of them could be. Only RETRY and AGAIN end it early. */
static enum lac_status read_all(struct lac_classify_lane *l, struct lac_batch *b, size_t *n,
                                struct lac_err *err)
{
    *n = 0;
    for (size_t i = 0; i < b->count; i++) {
        const struct lac_kafka_msg *m = &b->msgs[i];
        struct lac_request *q = &l->requests[*n];
        struct lac_str content_type = LAC_STR_NULL;
        enum lac_status status;

        if (!m->value.ptr) {
            lac_batch_reject(b, i, "empty", "a request without a value");
            continue;
        }
        (void)lac_kafka_msg_header(m, "content-type", &content_type);
        status =
            lac_wire_read(l->wire, &lac_request_type, q, m->value, content_type, b->arena, err);
        if (status == LAC_REJECT) {
            lac_batch_reject(b, i, "undecodable", err->text);
            continue;
        }
        if (status != LAC_OK)
            return status;
        if (l->tenant)
            q->tenant = lac_str_from(l->tenant);
        l->in[*n] = (struct lac_engine_in){.request = q, .raw = m->value};
        l->message_of[(*n)++] = i;
    }
    return LAC_OK;
}

static bool allows(const struct lac_decision_core *core, const char *destination)
{
    for (size_t i = 0; i < core->route_count; i++)
        if (lac_str_is(core->route[i], destination))
            return true;
    return false;
}

static void count_one(const struct lac_classify *c, const struct lac_engine_out *out,
                      double seconds)
{
    const struct lac_decision_core *core = &out->core;

    lac_counter_add(c->tiers[core->tier], 1);
    lac_counter_add(c->routed[allows(core, "local_rag")][allows(core, "web_search")], 1);
    lac_histogram_observe(c->confidence[core->tier], out->confidence / 1e6);
    lac_histogram_observe(c->latency, seconds);
}

static enum lac_status run(void *ctx, struct lac_batch *b, struct lac_err *err)
{
    struct lac_classify_lane *l = ctx;
    const struct lac_classify *c = l->shared;
    uint64_t started_ns, engine_ns;
    enum lac_status status;
    size_t n;

    LAC_ASSERT(b->count <= l->batch_count);
    status = read_all(l, b, &n, err);
    if (status != LAC_OK)
        return status;
    started_ns = lac_clock_mono_ns();
    status = n ? lac_engine_run(l->engine, c->pack, l->in, n, b->arena, l->out, err) : LAC_OK;
    engine_ns = lac_clock_mono_ns() - started_ns;
    for (size_t i = 0; status == LAC_OK && i < n; i++) {
        const struct lac_classify_item item = {
            .msg = &b->msgs[l->message_of[i]],
            .request = &l->requests[i],
            .out = &l->out[i],
            .started_us = b->started_wall_us,
            .decide_us = (int64_t)(engine_ns / 1000),
            .may_reply = l->may_reply,
        };

        status = lac_classify_emit(c, l->wire, b, &item, err);
    }
    if (status != LAC_OK)
        return status;
    for (size_t i = 0; i < n; i++)
        count_one(c, &l->out[i], (double)engine_ns / 1e9 / (double)n);
    lac_counter_add(c->requests, n);
    lac_counter_add(c->errors, b->reject_count);
    return LAC_OK;
}

struct lac_wire *lac_classify_lane_wire(struct lac_classify_lane *l)
{
    return l->wire;
}

struct lac_stage lac_classify_stage(struct lac_classify_lane *l)
{
    return (struct lac_stage){.ctx = l, .run = run};
}
