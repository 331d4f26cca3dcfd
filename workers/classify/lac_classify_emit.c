/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_classify_emit.h"

#include <stdio.h>
#include <string.h>

#include "lac_clock.h"
#include "lac_event_id.h"
#include "lac_trace.h"

enum {
    HEADERS_MAX = 10,
    ID_TEXT_SIZE = LAC_EVENT_ID_TEXT_SIZE + 12, /* "<event id>-<revision>" */
    CANDIDATES_PPM = 950000,
    PARTITION_MAX = 100000, /* far above what one topic has */
};

struct headers {
    struct lac_kafka_header *items; /* in the arena */
    size_t count;
};

/* All parts of one decision, on their way to the topics. */
struct parts {
    char *event_text;   /* hex, in the arena */
    char *ce_id;        /* in the arena */
    char *trace_parent; /* in the arena, NULL: none */
    struct lac_str trace_id;
    struct lac_str lineage; /* framed Decision */
};

static void add(struct headers *h, const char *name, struct lac_str value)
{
    h->items[h->count++] = (struct lac_kafka_header){lac_str_from(name), value};
}

/* The headers that every record of ours has. False: the arena is full. */
static bool common_headers(struct headers *h, struct lac_arena *a, const struct parts *p,
                           const char *source, const char *type)
{
    h->count = 0;
    h->items = lac_arena_alloc(a, HEADERS_MAX * sizeof(h->items[0]));
    if (!h->items)
        return false;
    add(h, "content-type", LAC_STR(LAC_WIRE_CONTENT_TYPE));
    add(h, "ce_specversion", LAC_STR("1.0"));
    add(h, "ce_id", lac_str_from(p->ce_id));
    add(h, "ce_source", lac_str_from(source));
    add(h, "ce_type", lac_str_from(type));
    if (p->trace_parent)
        add(h, "traceparent", lac_str_from(p->trace_parent));
    return true;
}

static enum lac_status find_parts(struct parts *p, struct lac_arena *a,
                                  const struct lac_classify_item *item)
{
    const struct lac_kafka_msg *m = item->msg;
    char trace[LAC_TRACE_SIZE];
    struct lac_str value;

    *p = (struct parts){0};
    p->event_text = lac_arena_alloc(a, LAC_EVENT_ID_TEXT_SIZE);
    p->ce_id = lac_arena_alloc(a, ID_TEXT_SIZE);
    if (!p->event_text || !p->ce_id)
        return LAC_AGAIN;
    lac_event_id_format(p->event_text, &item->event_id);
    (void)snprintf(p->ce_id, ID_TEXT_SIZE, "%s-0", p->event_text);
    if (lac_kafka_msg_header(m, "traceparent", &value) && lac_trace_read(trace, value)) {
        p->trace_parent = lac_arena_alloc(a, LAC_TRACE_SIZE);
        if (!p->trace_parent)
            return LAC_AGAIN;
        memcpy(p->trace_parent, trace, LAC_TRACE_SIZE);
        p->trace_id = (struct lac_str){p->trace_parent + LAC_TRACE_ID_AT, LAC_TRACE_ID_LEN};
    }
    return LAC_OK;
}

/* "local_rag,web_search": what a gateway filters on without decoding. ptr NULL: arena full. */
static struct lac_str join_route(struct lac_arena *a, const struct lac_decision_core *core)
{
    size_t size = 1, len = 0;
    char *text;

    for (size_t i = 0; i < core->route_count; i++)
        size += core->route[i].len + 1;
    text = lac_arena_alloc(a, size);
    for (size_t i = 0; text && i < core->route_count; i++) {
        if (i > 0)
            text[len++] = ',';
        memcpy(text + len, core->route[i].ptr, core->route[i].len);
        len += core->route[i].len;
    }
    return (struct lac_str){text, len};
}

static enum lac_status emit_routing(const struct lac_classify *c, struct lac_wire *w,
                                    struct lac_batch *b, const struct lac_classify_item *item,
                                    const struct parts *p, struct lac_err *err)
{
    const struct lac_decision_core *core = &item->out->core;
    struct lac_routing routing = {
        .event_id = item->event_id,
        .final = item->out->final,
        .request_id = item->request->request_id,
        .tenant = core->tenant,
        .subject = item->request->subject,
        .tier = core->tier,
        .confidence = item->out->confidence,
        .route = core->route,
        .route_count = core->route_count,
        .tags = core->tags,
        .tags_count = core->tags_count,
        .decision_hash = item->out->decision_hash,
    };
    struct lac_str route = join_route(b->arena, core);
    struct lac_kafka_record r = {.key = item->msg->key, .partition = LAC_KAFKA_ANY_PARTITION};
    enum lac_status status;
    struct headers h;

    if (!route.ptr || !common_headers(&h, b->arena, p, c->routing_source, "lacuna.Routing.v1"))
        return LAC_AGAIN;
    add(&h, "lacuna-tier", lac_str_from(lac_tier_name(core->tier)));
    add(&h, "lacuna-route", route);
    add(&h, "lacuna-event-id", lac_str_from(p->event_text));
    status = lac_wire_write(w, &lac_routing_type, &routing, b->arena, &r.value, err);
    if (status != LAC_OK)
        return status;
    r.headers = h.items;
    r.header_count = h.count;
    return lac_batch_emit(b, LAC_CLASSIFY_ROUTING, &r);
}

static struct lac_origin origin_of(const struct lac_classify *c, const struct lac_kafka_msg *m)
{
    return (struct lac_origin){.origin = c->origin,
                               .topic = lac_str_from(m->topic),
                               .partition = m->partition,
                               .offset = m->offset,
                               .timestamp = m->timestamp};
}

static void fill_decision(struct lac_decision *d, const struct lac_classify *c,
                          const struct lac_classify_item *item, const struct parts *p)
{
    const struct lac_kafka_msg *m = item->msg;
    const struct lac_request *q = item->request;

    *d = (struct lac_decision){
        .event_id = item->event_id,
        .final = item->out->final,
        .request_id = q->request_id,
        .origin = origin_of(c, m),
        .has_user = q->has_user,
        .user = q->user,
        .session = q->session,
        .project = q->project,
        .environment = q->environment,
        .purpose = q->purpose,
        .core = item->out->core_bytes,
        .decision_hash = item->out->decision_hash,
        .decided_at = lac_clock_wall_us(),
        .decide_us = item->decide_us,
        .instance = c->instance,
        .program_version = c->version,
        .trace_id = p->trace_id,
        .excerpt = item->out->excerpt,
    };
    if (q->has_operation)
        d->resource = q->operation.resource;
    /* Another machine's clock may be ahead of ours, or not be one: never negative. */
    if (m->timestamp >= 0 && m->timestamp <= item->started_us / 1000)
        d->queued_us = item->started_us - m->timestamp * 1000;
}

static enum lac_status emit_lineage(const struct lac_classify *c, struct lac_wire *w,
                                    struct lac_batch *b, const struct lac_classify_item *item,
                                    struct parts *p, struct lac_err *err)
{
    struct lac_kafka_record r = {.partition = LAC_KAFKA_ANY_PARTITION};
    struct lac_decision decision;
    enum lac_status status;
    struct headers h;

    fill_decision(&decision, c, item, p);
    status = lac_wire_write(w, &lac_decision_type, &decision, b->arena, &p->lineage, err);
    if (status != LAC_OK)
        return status;
    if (!common_headers(&h, b->arena, p, c->lineage_source, "lacuna.Decision.v1"))
        return LAC_AGAIN;
    r.key = lac_str_from(p->event_text);
    r.value = p->lineage;
    r.headers = h.items;
    r.header_count = h.count;
    return lac_batch_emit(b, LAC_CLASSIFY_LINEAGE, &r);
}

/* The tiers that it may be: the likeliest, until they have 95 % of the posterior; in the order of
 * the lattice. */
static size_t candidates(const struct lac_posterior *p, enum lac_tier out[LAC_TIER_COUNT])
{
    const int32_t share[LAC_TIER_COUNT] = {p->public, p->internal, p->proprietary};
    bool in[LAC_TIER_COUNT] = {false};
    int32_t sum = 0;
    size_t n = 0;

    while (sum < CANDIDATES_PPM && n < LAC_TIER_COUNT) {
        int best = -1;

        for (int t = LAC_TIER_COUNT - 1; t >= 0; t--)
            if (!in[t] && (best < 0 || share[t] > share[best]))
                best = t;
        in[best] = true;
        sum += share[best];
        n++;
    }
    n = 0;
    for (int t = 0; t < LAC_TIER_COUNT; t++)
        if (in[t])
            out[n++] = (enum lac_tier)t;
    return n;
}

static enum lac_status emit_escalation(const struct lac_classify *c, struct lac_wire *w,
                                       struct lac_batch *b, const struct lac_classify_item *item,
                                       const struct parts *p, struct lac_err *err)
{
    const struct lac_kafka_msg *m = item->msg;
    struct lac_kafka_record r = {.key = lac_str_from(p->event_text),
                                 .partition = LAC_KAFKA_ANY_PARTITION};
    enum lac_tier tiers[LAC_TIER_COUNT];
    struct lac_escalation e;
    enum lac_status status;
    struct headers h;

    if (item->out->final)
        return LAC_OK;
    lac_escalation_init(&e);
    e.event_id = item->event_id;
    e.origin = origin_of(c, m);
    e.request = m->value;
    if (!lac_kafka_msg_header(m, "content-type", &e.content_type))
        e.content_type = LAC_STR("");
    e.posterior = item->out->core.posterior;
    e.candidates = tiers;
    e.candidates_count = candidates(&e.posterior, tiers);
    e.has_deadline_ms = item->request->has_deadline_ms;
    e.deadline_ms = item->request->deadline_ms;
    status = lac_wire_write(w, &lac_escalation_type, &e, b->arena, &r.value, err);
    if (status != LAC_OK)
        return status;
    if (!common_headers(&h, b->arena, p, c->lineage_source, "lacuna.Escalation.v1"))
        return LAC_AGAIN;
    r.headers = h.items;
    r.header_count = h.count;
    return lac_batch_emit(b, LAC_CLASSIFY_ESCALATIONS, &r);
}

static enum lac_status emit_reply(struct lac_batch *b, const struct lac_classify_item *item,
                                  const struct parts *p)
{
    struct lac_kafka_header headers[] = {
        {LAC_STR("content-type"), LAC_STR(LAC_WIRE_CONTENT_TYPE)},
        {LAC_STR("lacuna-correlation-id"), LAC_STR_NULL},
    };
    struct lac_kafka_record r = {.headers = headers, .header_count = LAC_COUNT(headers)};
    struct lac_str correlation, text;
    uint64_t partition;

    if (!item->may_reply ||
        !lac_kafka_msg_header(item->msg, "lacuna-correlation-id", &correlation) ||
        !lac_kafka_msg_header(item->msg, "lacuna-reply-partition", &text) ||
        !lac_str_to_u64(text, &partition) || partition > PARTITION_MAX)
        return LAC_OK; /* nobody waits, or nobody we could answer */
    headers[1].value = correlation;
    r.key = correlation;
    r.value = p->lineage;
    r.partition = (int32_t)partition;
    return lac_batch_reply(b, LAC_CLASSIFY_REPLIES, &r);
}

enum lac_status lac_classify_emit(const struct lac_classify *c, struct lac_wire *w,
                                  struct lac_batch *b, const struct lac_classify_item *item,
                                  struct lac_err *err)
{
    struct parts p;
    enum lac_status status = find_parts(&p, b->arena, item);

    if (status == LAC_OK)
        status = emit_routing(c, w, b, item, &p, err);
    if (status == LAC_OK)
        status = emit_lineage(c, w, b, item, &p, err);
    if (status == LAC_OK)
        status = emit_escalation(c, w, b, item, &p, err);
    if (status == LAC_OK)
        status = emit_reply(b, item, &p);
    return status;
}
