/* SPDX-License-Identifier: Apache-2.0 */
/* From a POST to records on their way, and from replies and deadlines to last words. */
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_bridge_impl.h"
#include "lac_clock.h"
#include "lac_log.h"

static const struct lac_http_header retry_soon = {"Retry-After", "1"};

static void refuse(struct lac_http_request *r, unsigned status, const char *type,
                   const char *detail, bool retry)
{
    lac_http_answer_problem(
        r, &(struct lac_http_problem){.status = status, .type = type, .detail = detail},
        &retry_soon, retry ? 1 : 0);
}

/* ---- Waiting parts ---- */

static void last_word(struct lac_bridge_job *job, uint32_t index)
{
    struct lac_bridge_part *p = &job->parts[index];
    lac_bridge_slots_give(job->bridge->slots, p->ref);
    p->ref = 0;
    LAC_ASSERT(job->waiting > 0);
    if (--job->waiting == 0)
        lac_bridge_finish(job);
}

/* Nobody wants any of its answers. */
static void cancel(struct lac_bridge_job *job)
{
    struct lac_bridge *b = job->bridge;
    for (uint32_t i = 0; i < job->count; i++)
        if (job->parts[i].ref)
            lac_bridge_slots_give(b->slots, job->parts[i].ref);
    if (job->idem != LAC_BRIDGE_NO_IDEM)
        lac_bridge_idem_drop(b->idem, job->idem);
    lac_bridge_job_free(job);
}

/* The client has left. With an idempotency key it will be back for the answer. */
static void gone(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    struct lac_bridge_job *job = lac_http_request_user(r);
    job->request = NULL;
    refuse(r, 503, "client-gone", NULL, false); /* to nobody: gives the request back */
    if (job->idem == LAC_BRIDGE_NO_IDEM)
        cancel(job);
}

static void expired(void *ctx, void *owner, uint32_t index)
{
    struct lac_bridge *b = ctx;
    struct lac_bridge_job *job = owner;
    struct lac_bridge_part *p = &job->parts[index];
    p->ref = 0; /* given back already */
    if (p->outcome == LAC_BRIDGE_PROVISIONAL) {
        /* The deadline ends the wait for a better answer, not for any: this one is safe. */
        p->outcome = LAC_BRIDGE_DECIDED;
        lac_counter_add(b->m.provisional, 1);
    } else {
        lac_counter_add(b->m.deadline, 1);
        lac_bridge_part_fail(job, index, 504, "deadline",
                             "No decision arrived within the deadline. The request is on its way "
                             "and its decision can be looked up later by these ids.");
    }
    last_word(job, index);
}

void lac_bridge_expire(struct lac_bridge *b, uint64_t now_ms)
{
    lac_bridge_slots_expire(b->slots, now_ms, expired, b);
}

void lac_bridge_delivered(struct lac_bridge *b, uint64_t ref, bool ok, int32_t partition,
                          int64_t offset)
{
    uint32_t index;
    struct lac_bridge_job *job = lac_bridge_slots_owner(b->slots, ref, &index);
    if (!ok)
        lac_counter_add(b->m.undelivered, 1);
    if (!job)
        return; /* decided, late or cancelled */
    struct lac_bridge_part *p = &job->parts[index];
    if (ok) {
        p->placed = true;
        p->partition = partition;
        p->offset = offset;
        return;
    }
    lac_bridge_part_fail(job, index, 503, "not-delivered",
                         "The request could not be handed to Kafka. Nothing was decided.");
    last_word(job, index);
}

void lac_bridge_reply(struct lac_bridge *b, struct lac_str correlation, struct lac_str content_type,
                      struct lac_str value)
{
    uint64_t ref;
    uint32_t index;
    struct lac_err err = {0};
    struct lac_decision decision;
    if (!lac_bridge_slots_parse(b->slots, correlation, &ref)) {
        lac_counter_add(b->m.foreign, 1); /* for a predecessor, or a neighbour on this partition */
        return;
    }
    struct lac_bridge_job *job = lac_bridge_slots_owner(b->slots, ref, &index);
    if (!job) {
        lac_counter_add(b->m.late, 1);
        return;
    }
    lac_arena_reset(&b->arena);
    if (lac_wire_read(b->wire, &lac_decision_type, &decision, value, content_type, &b->arena,
                      &err) != LAC_OK ||
        !lac_bridge_part_decide(job, index, &decision)) {
        static struct lac_log_every every;
        uint64_t swallowed;
        lac_counter_add(b->m.bad, 1);
        if (lac_log_every(&every, 10000, &swallowed))
            lac_log(LAC_LOG_ERROR, "reply_unreadable", "suppressed=%llu reason=\"%s\"",
                    (unsigned long long)swallowed, err.text);
        return; /* the deadline answers; the decision itself is in lineage */
    }
    if (job->parts[index].outcome == LAC_BRIDGE_DECIDED)
        last_word(job, index);
}

/* ---- Sending ---- */

/* Encodes and sends one part. What fails here is its last word. */
static void send_part(struct lac_bridge_job *job, uint32_t index, struct lac_request *request)
{
    struct lac_bridge *b = job->bridge;
    struct lac_bridge_part *p = &job->parts[index];
    struct lac_err err;
    struct lac_str value;
    char correlation[LAC_BRIDGE_CORRELATION_SIZE];
    uint64_t wait =
        request->has_deadline_ms ? (uint64_t)request->deadline_ms : b->options.deadline_ms;
    request->request_id = lac_str_from(p->request_id);
    request->has_deadline_ms = true;
    request->deadline_ms = (int64_t)wait;
    if (lac_wire_write(b->wire, &lac_request_type, request, &b->arena, &value, &err) != LAC_OK) {
        lac_bridge_part_fail(job, index, 413, "request-too-large",
                             "The request is larger than one record may be.");
        last_word(job, index);
        return;
    }
    bool taken =
        lac_bridge_slots_take(b->slots, job, index, job->begun_ns / 1000000 + wait, &p->ref);
    LAC_ASSERT(taken); /* lac_bridge_classify counted */
    lac_bridge_slots_correlation(b->slots, p->ref, correlation);
    struct lac_bridge_message m = {.key = request->request_id,
                                   .value = value,
                                   .correlation = {correlation, sizeof correlation - 1},
                                   .traceparent = lac_str_from(job->traceparent),
                                   .timestamp_ms = job->wall_ms,
                                   .ref = p->ref};
    enum lac_status status = b->options.link.send(b->options.link.ctx, &m, &err);
    if (status == LAC_OK)
        return;
    if (status == LAC_REJECT)
        lac_bridge_part_fail(job, index, 413, "request-too-large",
                             "The request is larger than one record may be.");
    else
        lac_bridge_part_fail(job, index, 503, "not-delivered",
                             "The request could not be handed to Kafka. Nothing was decided.");
    last_word(job, index);
}

static void name_part(struct lac_bridge_job *job, uint32_t index, const struct lac_request *request,
                      const struct lac_bridge_digest *key)
{
    struct lac_bridge_part *p = &job->parts[index];
    if (key) {
        lac_bridge_key_request(key, index, p->request_id);
    } else if (request->request_id.ptr) {
        memcpy(p->request_id, request->request_id.ptr, request->request_id.len);
        p->request_id[request->request_id.len] = '\0';
    } else {
        lac_bridge_ids_request(&job->bridge->ids, job->wall_ms, p->request_id);
    }
}

static void submit(struct lac_bridge_job *job, struct lac_bridge_body *body,
                   const struct lac_bridge_digest *key)
{
    struct lac_bridge *b = job->bridge;
    struct lac_str trace = LAC_STR_NULL;
    if (job->request)
        trace = lac_http_request_header(job->request, "traceparent");
    if (!trace.ptr || !lac_trace_read(job->traceparent, trace))
        lac_bridge_ids_trace(&b->ids, job->traceparent);
    job->waiting = job->count + 1; /* ours, so that nothing is finished under our hands */
    for (uint32_t i = 0; i < job->count; i++) {
        struct lac_bridge_item *item = &body->items[i];
        name_part(job, i, &item->request, key);
        if (item->error) {
            lac_bridge_part_fail(job, i, 422, "invalid-request", item->error);
            job->waiting--;
            continue;
        }
        item->request.tenant = LAC_STR(LAC_BRIDGE_TENANT);
        send_part(job, i, &item->request);
    }
    /* Kept before the last word may be spoken: an answer needs its request. */
    if (--job->waiting == 0)
        lac_bridge_finish(job);
}

/* ---- Idempotency ---- */

struct key_use {
    bool given;
    struct lac_bridge_digest digest;
    uint32_t ref;
};

/* False: `r` has been answered, with what was said before or with why not. */
static bool begin_key(struct lac_bridge *b, struct lac_http_request *r, struct key_use *use)
{
    struct lac_str header = lac_http_request_header(r, "Idempotency-Key"), key, answer;
    struct lac_bridge_digest body;
    *use = (struct key_use){.ref = LAC_BRIDGE_NO_IDEM};
    if (!header.ptr)
        return true;
    if (!lac_bridge_key_parse(header, &key)) {
        refuse(r, 400, "idempotency-key",
               "Idempotency-Key must have 1 to 255 printable ASCII characters.", false);
        return false;
    }
    use->given = true;
    lac_bridge_key_digest(&use->digest, LAC_STR(LAC_BRIDGE_TENANT), key);
    lac_bridge_body_digest(&body, lac_http_request_path(r), lac_http_request_body(r));
    switch (lac_bridge_idem_begin(b->idem, &use->digest, &body, lac_clock_mono_ms(), &use->ref,
                                  &answer)) {
    case LAC_BRIDGE_IDEM_NEW:
        return true;
    case LAC_BRIDGE_IDEM_STORED:
        lac_counter_add(b->m.replayed, 1);
        lac_http_answer(r, &(struct lac_http_answer){
                               .status = 200,
                               .body = answer,
                               .headers = &(struct lac_http_header){"Idempotency-Replayed", "true"},
                               .header_count = 1});
        return false;
    case LAC_BRIDGE_IDEM_BUSY:
        refuse(r, 409, "idempotency-key-in-use",
               "A request with this Idempotency-Key is under way. Ask again for its answer.", true);
        return false;
    case LAC_BRIDGE_IDEM_MISMATCH:
        refuse(r, 422, "idempotency-key-reused",
               "This Idempotency-Key came with another body before.", false);
        return false;
    case LAC_BRIDGE_IDEM_FULL:
        break;
    }
    refuse(r, 429, "too-many-requests", "Too many requests are under way.", true);
    return false;
}

static void end_key(struct lac_bridge *b, const struct key_use *use)
{
    if (use->ref != LAC_BRIDGE_NO_IDEM)
        lac_bridge_idem_drop(b->idem, use->ref);
}

/* ---- Handlers ---- */

/* False: answered. What can be said before the body is read, cheapest first. */
static bool admit(struct lac_bridge *b, struct lac_http_request *r)
{
    char why[256];
    if (!lac_bridge_allowed(b, r))
        return false;
    if (lac_bridge_slots_free_count(b->slots) == 0) {
        lac_counter_add(b->m.overload, 1);
        refuse(r, 429, "too-many-requests", "Too many requests are under way.", true);
        return false;
    }
    if (!b->options.link.usable(b->options.link.ctx, why, sizeof why)) {
        refuse(r, 503, "not-ready", "Requests can't be sent at the moment.", true);
        return false;
    }
    return true;
}

static void refuse_body(struct lac_http_request *r, enum lac_status status,
                        const struct lac_err *err)
{
    if (status != LAC_REJECT) {
        refuse(r, 503, "not-ready", "The request can't be read at the moment.", true);
        return;
    }
    unsigned http = err->code == 400 ? 400 : 422;
    lac_http_refuse(r, http, http == 400 ? "malformed-json" : "invalid-request", err->text);
}

/* False: answered. */
static bool read_body(struct lac_bridge *b, struct lac_http_request *r, bool batch, bool key,
                      struct lac_bridge_body *body)
{
    struct lac_err err = {0};
    struct lac_str text = lac_http_request_body(r);
    lac_arena_reset(&b->arena);
    enum lac_status status = batch ? lac_bridge_body_batch(body, text, &b->arena, &err)
                                   : lac_bridge_body_one(body, text, &b->arena, &err);
    if (status != LAC_OK) {
        refuse_body(r, status, &err);
        return false;
    }
    for (size_t i = 0; key && i < body->count; i++) {
        if (!body->items[i].request.request_id.ptr)
            continue;
        lac_http_refuse(r, 422, "invalid-request",
                        "/request_id: Idempotency-Key gives the request its id; send one of them");
        lac_bridge_body_deinit(body);
        return false;
    }
    if (body->count > lac_bridge_slots_free_count(b->slots)) {
        lac_counter_add(b->m.overload, 1);
        refuse(r, 429, "too-many-requests", "Too many requests are under way.", true);
        lac_bridge_body_deinit(body);
        return false;
    }
    return true;
}

static void classify(struct lac_bridge *b, struct lac_http_request *r, bool batch)
{
    struct key_use use;
    struct lac_bridge_body body;
    if (!admit(b, r) || !begin_key(b, r, &use))
        return;
    if (!read_body(b, r, batch, use.given, &body)) {
        end_key(b, &use);
        return;
    }
    struct lac_bridge_job *job = lac_bridge_job_new(b, r, (uint32_t)body.count, batch);
    if (!job) {
        end_key(b, &use);
        lac_bridge_body_deinit(&body);
        refuse(r, 503, "not-ready", "The request can't be read at the moment.", true);
        return;
    }
    job->begun_ns = lac_http_request_arrived_ns(r);
    job->idem = use.ref;
    lac_http_request_set_user(r, job);
    lac_http_request_keep(r, gone);
    submit(job, &body, use.given ? &use.digest : NULL);
    lac_bridge_body_deinit(&body);
}

void lac_bridge_classify(void *ctx, struct lac_http_request *r)
{
    classify(ctx, r, false);
}

void lac_bridge_classify_batch(void *ctx, struct lac_http_request *r)
{
    classify(ctx, r, true);
}
