/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_classify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lac_assert.h"
#include "lac_classify_emit.h"
#include "lac_classify_shadow.h"
#include "lac_clock.h"
#include "lac_event_id.h"
#include "lac_log.h"
#include "lac_semantic.h"

struct lac_classify_lane {
    const struct lac_classify *shared;
    const struct lac_control_lineup *lineup; /* held: what counted when the last batch began */
    struct lac_engine_options options;       /* for the two below, opened when they are needed */
    struct lac_engine *engine, *canary;
    struct lac_semantic_counts seen; /* of both, until the last batch */
    struct lac_classify_shadow *shadow;
    struct lac_wire *wire;
    const char *tenant; /* of the topic; NULL: the record's own counts */
    bool may_reply;
    size_t batch_count;
    struct lac_request *requests;    /* [batch_count], those that could be read, in order */
    struct lac_engine_in *in;        /* [batch_count], in the order of requests */
    struct lac_engine_in *split;     /* [batch_count], the current pack's before the canary's */
    size_t *place;                   /* [batch_count]: where a request is in split[] and out[] */
    struct lac_engine_out *out;      /* [batch_count] */
    struct lac_classify_item *items; /* [batch_count], in the order of requests */
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
    c->escalated = lac_metrics_counter(c->metrics, "lacuna_escalated_total",
                                       "Requests that were handed to the LLM tier.", NULL);
    c->canary = lac_metrics_counter(c->metrics, "lacuna_canary_decisions_total",
                                    "Requests that a canary's pack has decided.", NULL);
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

static void open_semantic_metrics(struct lac_classify *c)
{
    static const char *const results[] = {"unasked", "read", "doubted", "unavailable"};
    char labels[96];

    _Static_assert(LAC_COUNT(results) == LAC_CLASSIFY_SEMANTIC_COUNT, "a name for each");
    if (!c->metrics)
        return;
    c->semantic_latency = lac_metrics_histogram(
        c->metrics, "lacuna_classification_latency_seconds",
        "Time of one request in a layer: the batch's time divided by its requests.",
        "layer=\"embedding\"", lac_metrics_latency_seconds, LAC_METRICS_LATENCY_COUNT);
    for (size_t i = 0; i < LAC_COUNT(results); i++) {
        (void)snprintf(labels, sizeof(labels), "result=\"%s\"", results[i]);
        c->semantic[i] = lac_metrics_counter(c->metrics, "lacuna_semantic_decisions_total",
                                             "Decisions by what tier 2 was to them.", labels);
    }
    c->semantic_texts =
        lac_metrics_counter(c->metrics, "lacuna_semantic_texts_total",
                            "Texts that were encoded, equal ones of a batch once.", NULL);
    c->semantic_windows = lac_metrics_counter(c->metrics, "lacuna_semantic_windows_total",
                                              "Windows of these texts.", NULL);
    c->semantic_tokens = lac_metrics_counter(c->metrics, "lacuna_semantic_tokens_total",
                                             "Tokens in these windows.", NULL);
    c->semantic_calls = lac_metrics_counter(c->metrics, "lacuna_semantic_calls_total",
                                            "Calls of the encoder.", NULL);
    c->semantic_failures = lac_metrics_counter(c->metrics, "lacuna_semantic_failures_total",
                                               "Calls of the encoder that failed.", NULL);
    c->semantic_yields =
        lac_metrics_counter(c->metrics, "lacuna_semantic_yields_total",
                            "Calls that let those of interactive lanes go first.", NULL);
}

static void open_shadow_metrics(struct lac_classify *c)
{
    static const char *const drops[] = {"busy", "failed", "unpublished"};
    char labels[96];

    _Static_assert(LAC_COUNT(drops) == LAC_CLASSIFY_SHADOW_DROP_COUNT, "a name for each");
    if (!c->metrics)
        return;
    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        for (int s = 0; s < LAC_TIER_COUNT; s++) {
            (void)snprintf(labels, sizeof(labels), "tier=\"%s\",shadow_tier=\"%s\"",
                           lac_tier_name((enum lac_tier)t), lac_tier_name((enum lac_tier)s));
            c->shadow_tiers[t][s] = lac_metrics_counter(
                c->metrics, "lacuna_shadow_decisions_total",
                "Decisions that the pack in shadow was asked about, by both tiers.", labels);
        }
    }
    for (size_t i = 0; i < LAC_COUNT(drops); i++) {
        (void)snprintf(labels, sizeof(labels), "reason=\"%s\"", drops[i]);
        c->shadow_dropped[i] = lac_metrics_counter(
            c->metrics, "lacuna_shadow_dropped_total",
            "Sampled decisions that the shadow was not asked about, or not heard.", labels);
    }
}

enum lac_status lac_classify_init(struct lac_classify *c, struct lac_err *err)
{
    static const enum lac_topic_id ids[LAC_CLASSIFY_TOPIC_COUNT] = {
        [LAC_CLASSIFY_ROUTING] = LAC_TOPIC_ROUTING,
        [LAC_CLASSIFY_LINEAGE] = LAC_TOPIC_LINEAGE,
        [LAC_CLASSIFY_REPLIES] = LAC_TOPIC_REPLIES,
        [LAC_CLASSIFY_DEADLETTER] = LAC_TOPIC_DEADLETTER,
        [LAC_CLASSIFY_SHADOW] = LAC_TOPIC_SHADOW,
        [LAC_CLASSIFY_ESCALATIONS] = LAC_TOPIC_ESCALATIONS,
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
    open_semantic_metrics(c);
    open_shadow_metrics(c);
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
    l->in = calloc(o->batch_count, sizeof(l->in[0]));
    l->split = calloc(o->batch_count, sizeof(l->split[0]));
    l->place = calloc(o->batch_count, sizeof(l->place[0]));
    l->out = calloc(o->batch_count, sizeof(l->out[0]));
    l->items = calloc(o->batch_count, sizeof(l->items[0]));
    l->options = o->engine;
    if (!l->requests || !l->in || !l->split || !l->place || !l->out || !l->items)
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
    if (l->lineup)
        lac_control_packs_release(l->shared->packs, l->lineup);
    lac_classify_shadow_close(l->shadow);
    lac_engine_close(l->canary);
    lac_engine_close(l->engine);
    lac_wire_close(l->wire);
    free(l->requests);
    free(l->in);
    free(l->split);
    free(l->place);
    free(l->out);
    free(l->items);
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
        l->items[*n] = (struct lac_classify_item){
            .msg = m,
            .request = q,
            .started_us = b->started_wall_us,
            .may_reply = l->may_reply,
        };
        lac_event_id_make(&l->items[*n].event_id, l->shared->origin, lac_str_from(m->topic),
                          m->partition, m->offset, m->timestamp);
        ++*n;
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

static bool observed(const struct lac_decision_core *core, const char *kind, const char *name)
{
    for (size_t i = 0; i < core->observations_count; i++)
        if (lac_str_is(core->observations[i].kind, kind) &&
            (!name || lac_str_is(core->observations[i].name, name)))
            return true;
    return false;
}

static enum lac_classify_semantic semantic_of(const struct lac_decision_core *core)
{
    if (observed(core, LAC_OBSERVATION_UNAVAILABLE, LAC_OBSERVATION_SEMANTIC))
        return LAC_CLASSIFY_SEMANTIC_UNAVAILABLE;
    if (!core->has_model_hash)
        return LAC_CLASSIFY_SEMANTIC_UNASKED;
    return observed(core, LAC_OBSERVATION_GATE, NULL) ? LAC_CLASSIFY_SEMANTIC_DOUBTED
                                                      : LAC_CLASSIFY_SEMANTIC_READ;
}

/* What the encoder has done since the last batch. */
static void count_encoder(struct lac_classify_lane *l)
{
    const struct lac_classify *c = l->shared;
    struct lac_semantic_counts now, canary = {0}, *was = &l->seen;
    uint64_t texts, busy_ns;

    lac_engine_semantic_counts(l->engine, &now);
    if (l->canary)
        lac_engine_semantic_counts(l->canary, &canary);
    texts = now.texts + canary.texts - was->texts;
    busy_ns = now.busy_ns + canary.busy_ns - was->busy_ns;
    lac_counter_add(c->semantic_texts, texts);
    lac_counter_add(c->semantic_windows, now.windows + canary.windows - was->windows);
    lac_counter_add(c->semantic_tokens, now.tokens + canary.tokens - was->tokens);
    lac_counter_add(c->semantic_calls, now.calls + canary.calls - was->calls);
    lac_counter_add(c->semantic_failures, now.failures + canary.failures - was->failures);
    lac_counter_add(c->semantic_yields, now.yields + canary.yields - was->yields);
    for (uint64_t i = 0; i < texts; i++)
        lac_histogram_observe(c->semantic_latency, (double)busy_ns / 1e9 / (double)texts);
    *was = (struct lac_semantic_counts){
        .texts = now.texts + canary.texts,
        .windows = now.windows + canary.windows,
        .tokens = now.tokens + canary.tokens,
        .calls = now.calls + canary.calls,
        .failures = now.failures + canary.failures,
        .yields = now.yields + canary.yields,
        .busy_ns = now.busy_ns + canary.busy_ns,
    };
}

static void count_one(const struct lac_classify *c, const struct lac_engine_out *out,
                      double seconds)
{
    const struct lac_decision_core *core = &out->core;

    lac_counter_add(c->tiers[core->tier], 1);
    lac_counter_add(c->semantic[semantic_of(core)], 1);
    lac_counter_add(c->escalated, !out->final);
    lac_counter_add(c->routed[allows(core, "local_rag")][allows(core, "web_search")], 1);
    lac_histogram_observe(c->confidence[core->tier], out->confidence / 1e6);
    lac_histogram_observe(c->latency, seconds);
}

/* ---- packs ---- */

/* The packs that count for this batch; before it, the others' reference goes. */
static enum lac_status take_lineup(struct lac_classify_lane *l, struct lac_err *err)
{
    const struct lac_control_lineup *p;
    enum lac_status status = LAC_OK;
    struct lac_err why;

    if (!l->shared->packs)
        return LAC_OK;
    p = l->lineup = lac_control_packs_take(l->shared->packs, l->lineup);
    if (p->at[LAC_CONTROL_CANARY] && !l->canary)
        status = lac_engine_open(&l->canary, &l->options, err);
    if (p->at[LAC_CONTROL_SHADOW] && !l->shadow &&
        lac_classify_shadow_open(&l->shadow, l->shared, &l->options, &why) != LAC_OK)
        lac_log_err(LAC_LOG_WARN, "shadow_not_asked", &why);
    return status;
}

static const struct lac_pack *pack_of(const struct lac_classify_lane *l, enum lac_control_role role)
{
    if (!l->lineup)
        return role == LAC_CONTROL_CURRENT ? l->shared->pack : NULL;
    return l->lineup->at[role] ? l->lineup->at[role]->pack : NULL;
}

static bool is_canary(const struct lac_classify_lane *l, size_t i)
{
    const struct lac_classify_item *item = &l->items[i];
    struct lac_str key = item->msg->key;
    int32_t share = l->lineup->share[LAC_CONTROL_CANARY];

    return key.ptr ? lac_control_share_has(share, key.ptr, key.len)
                   : lac_classify_sampled(&item->event_id, share);
}

/* Fills place[], and split[] where a canary counts; returns how many are the current pack's. */
static size_t split(struct lac_classify_lane *l, size_t n)
{
    bool canary = pack_of(l, LAC_CONTROL_CANARY) != NULL;
    size_t current = 0, at;

    for (size_t i = 0; i < n; i++) {
        l->place[i] = i;
        if (canary) /* n: to be placed behind the others */
            l->place[i] = is_canary(l, i) ? n : current++;
    }
    if (!canary)
        return n;
    at = current;
    for (size_t i = 0; i < n; i++) {
        if (l->place[i] == n)
            l->place[i] = at++;
        l->split[l->place[i]] = l->in[i];
    }
    return current;
}

/* No pack changes within either of the two calls, nor between them. */
static enum lac_status decide(struct lac_classify_lane *l, struct lac_batch *b, size_t n,
                              struct lac_err *err)
{
    const struct lac_engine_in *in;
    enum lac_status status = LAC_OK;
    size_t current = split(l, n);

    in = pack_of(l, LAC_CONTROL_CANARY) ? l->split : l->in;
    if (current)
        status = lac_engine_run(l->engine, pack_of(l, LAC_CONTROL_CURRENT), in, current, b->arena,
                                l->out, err);
    if (status == LAC_OK && current < n)
        status = lac_engine_run(l->canary, pack_of(l, LAC_CONTROL_CANARY), in + current,
                                n - current, b->arena, l->out + current, err);
    if (status == LAC_OK)
        lac_counter_add(l->shared->canary, n - current);
    return status;
}

static enum lac_status emit_all(struct lac_classify_lane *l, struct lac_batch *b, size_t n,
                                uint64_t engine_ns, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    for (size_t i = 0; status == LAC_OK && i < n; i++) {
        struct lac_engine_out *out = &l->out[l->place[i]];

        out->final = !(l->shared->escalate && out->open);
        l->items[i].out = out;
        l->items[i].decide_us = (int64_t)(engine_ns / 1000);
        status = lac_classify_emit(l->shared, l->wire, b, &l->items[i], err);
    }
    return status;
}

static enum lac_status run(void *ctx, struct lac_batch *b, struct lac_err *err)
{
    struct lac_classify_lane *l = ctx;
    const struct lac_classify *c = l->shared;
    uint64_t started_ns, engine_ns;
    enum lac_status status;
    size_t n = 0;

    LAC_ASSERT(b->count <= l->batch_count);
    status = take_lineup(l, err);
    if (status == LAC_OK)
        status = read_all(l, b, &n, err);
    if (status != LAC_OK)
        return status;
    started_ns = lac_clock_mono_ns();
    status = decide(l, b, n, err);
    engine_ns = lac_clock_mono_ns() - started_ns;
    if (status == LAC_OK)
        status = emit_all(l, b, n, engine_ns, err);
    if (status != LAC_OK)
        return status;
    for (size_t i = 0; i < n; i++)
        count_one(c, &l->out[i], (double)engine_ns / 1e9 / (double)n);
    count_encoder(l);
    lac_counter_add(c->requests, n);
    lac_counter_add(c->errors, b->reject_count);
    if (l->shadow && pack_of(l, LAC_CONTROL_SHADOW))
        lac_classify_shadow_run(l->shadow, pack_of(l, LAC_CONTROL_SHADOW),
                                l->lineup->share[LAC_CONTROL_SHADOW], l->wire, b, l->items, n,
                                engine_ns, b->count == l->batch_count);
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
