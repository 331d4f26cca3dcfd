/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_bridge_scan.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_bridge_scan_body.h"
#include "lac_buf.h"
#include "lac_control_follower.h"
#include "lac_digest.h"
#include "lac_file.h"
#include "lac_http_problem.h"
#include "lac_json.h"
#include "lac_log.h"
#include "lac_pack.h"
#include "lac_redact.h"
#include "lac_scan.h"
#include "lac_thread.h"

enum {
    KEY_BYTES = 64 << 10,
    SHOWN_BYTES = 64 << 20,
    READY_WAIT_MS = 3000, /* a program that starts is there sooner */
};

/* One request. Its body is a copy: the request's own goes when the client does. */
struct job {
    struct lac_http_request *request;
    bool redact;
    char *body; /* owned */
    size_t len;
};

struct worker {
    struct lac_bridge_scan *owner;
    pthread_t thread;
    bool started;
    const struct lac_control_lineup *lineup; /* held; NULL without a follower */
    const struct lac_pack *pack;             /* what the next two were made for; NULL: none */
    struct lac_scan_plan *everything;        /* what the scan begins with */
    struct lac_scan *scan;
    struct lac_redact *redact;
    struct lac_buf answer, shown;
};

struct lac_bridge_scan {
    struct lac_bridge_scan_options options;
    struct lac_buf key;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job *queue;   /* ring of LAC_BRIDGE_SCAN_WAITING_MAX, under lock */
    size_t first, count; /* lock */
    bool stop;           /* lock */
    struct worker workers[LAC_BRIDGE_SCAN_THREADS];
    struct lac_counter *texts, *bytes, *findings, *refused;
};

/* ---- The pack in force ---- */

/* Before the pack that they were made for is given back. */
static void forget(struct worker *w)
{
    lac_scan_close(w->scan);
    lac_scan_plan_close(w->everything);
    w->scan = NULL;
    w->everything = NULL;
    w->pack = NULL;
}

static enum lac_status fit(struct worker *w, const struct lac_pack *pack, struct lac_err *err)
{
    const struct lac_scan_options everything = {.min_score = LAC_MATCH_SCORE_COUNTS};
    if (w->pack == pack)
        return LAC_OK;
    forget(w);
    enum lac_status status = lac_scan_plan_open(&w->everything, pack, &everything, err);
    if (status == LAC_OK)
        status = lac_scan_open(&w->scan, w->everything, err);
    if (status == LAC_OK)
        w->pack = pack;
    else
        forget(w);
    return status;
}

/* The old lineup is held until nothing of its pack is used any more. */
static enum lac_status renew(struct worker *w, struct lac_err *err)
{
    struct lac_control_follower *follower = w->owner->options.follower;
    if (!follower)
        return fit(w, w->owner->options.pack, err);
    if (!lac_control_follower_ready(follower, READY_WAIT_MS))
        return lac_err_set(err, LAC_RETRY, 0, "The policy packs are not read to their end yet.");
    struct lac_control_packs *packs = lac_control_follower_packs(follower);
    const struct lac_control_lineup *old = w->lineup;
    w->lineup = lac_control_packs_take(packs, NULL);
    enum lac_status status = fit(w, w->lineup->at[LAC_CONTROL_CURRENT]->pack, err);
    if (old)
        lac_control_packs_release(packs, old);
    return status;
}

/* ---- Answering ---- */

static enum lac_status put_one(struct worker *w, const struct lac_scan_plan *plan,
                               const struct lac_bridge_scan_body *q, bool redact,
                               struct lac_str text, struct lac_json_writer *j, struct lac_err *err)
{
    struct lac_scan_result r;
    size_t places;
    enum lac_status status = lac_scan_text(w->scan, text, 0, text.len, &r, err);
    lac_buf_reset(&w->shown);
    if (status == LAC_OK && redact)
        status = lac_scan_redact(w->scan, &r, text, w->redact, q->has_mode ? &q->mode : NULL,
                                 &w->shown, &places, err);
    if (status != LAC_OK) {
        err->code = status == LAC_REJECT ? 422 : 500;
        return status;
    }
    lac_json_open_object(j);
    lac_json_key(j, redact ? "text" : "tier");
    if (redact)
        lac_json_put_str(j, lac_buf_str(&w->shown));
    else
        lac_json_put_text(j, lac_tier_name(r.tier));
    lac_json_key(j, "findings");
    lac_scan_put_findings(j, plan, &r, text);
    if (r.truncated) {
        lac_json_key(j, "truncated");
        lac_json_put_bool(j, true);
    }
    lac_json_close_object(j);
    lac_counter_add(w->owner->texts, 1);
    lac_counter_add(w->owner->bytes, text.len);
    lac_counter_add(w->owner->findings, r.listed);
    return LAC_OK;
}

static enum lac_status put_all(struct worker *w, const struct lac_scan_plan *plan,
                               const struct lac_bridge_scan_body *q, bool redact,
                               struct lac_err *err)
{
    struct lac_json_writer j;
    enum lac_status status = LAC_OK;
    lac_buf_reset(&w->answer);
    lac_json_begin(&j, &w->answer);
    if (q->text) {
        status = put_one(w, plan, q, redact, lac_json_string(q->text), &j, err);
    } else {
        lac_json_open_object(&j);
        lac_json_key(&j, "results");
        lac_json_open_array(&j);
        for (size_t i = 0; status == LAC_OK && i < lac_json_size(q->texts); i++)
            status =
                put_one(w, plan, q, redact, lac_json_string(lac_json_item(q->texts, i)), &j, err);
        if (status != LAC_OK)
            return status;
        lac_json_close_array(&j);
        lac_json_close_object(&j);
    }
    if (status == LAC_OK && !lac_buf_ok(&w->answer))
        return lac_err_set(err, LAC_REJECT, 413,
                           "More was found than fits into an answer; send the text in parts.");
    return status;
}

static enum lac_status examine(struct worker *w, const struct job *job, struct lac_json **document,
                               struct lac_err *err)
{
    struct lac_scan_plan *plan;
    struct lac_bridge_scan_body q;
    enum lac_status status = renew(w, err);
    if (status != LAC_OK)
        return status;
    status = lac_json_parse(document, (struct lac_str){job->body, job->len}, err);
    if (status != LAC_OK) {
        err->code = status == LAC_REJECT ? 400 : 503;
        return status;
    }
    status = lac_bridge_scan_body_read(&q, *document, job->redact, err);
    if (status != LAC_OK)
        return status;
    const struct lac_scan_options o = {.entities = q.entities,
                                       .entity_count = q.entity_count,
                                       .min_score = q.min_score,
                                       .min_tier = LAC_TIER_INTERNAL,
                                       .floors_only = job->redact};
    status = lac_scan_plan_open(&plan, w->pack, &o, err);
    if (status == LAC_REJECT) /* its text names what was sent */
        return lac_err_set(err, LAC_REJECT, 422,
                           "/entities: the pack has no rule for one of these");
    if (status != LAC_OK)
        return status;
    lac_scan_use(w->scan, plan);
    status = put_all(w, plan, &q, job->redact, err);
    lac_scan_use(w->scan, w->everything);
    lac_scan_plan_close(plan);
    return status;
}

static const char *type_of(unsigned status)
{
    return status == 400   ? "malformed-body"
           : status == 413 ? "answer-too-large"
           : status == 422 ? "invalid-request"
           : status == 503 ? "scan-unavailable"
                           : "internal-error";
}

static void refuse(struct lac_http_request *r, unsigned status, const char *detail)
{
    lac_http_refuse(r, status, type_of(status), detail);
}

static void answer(struct worker *w, const struct job *job)
{
    struct lac_json *document = NULL;
    struct lac_err err = {0};
    enum lac_status status = examine(w, job, &document, &err);
    if (status == LAC_OK)
        lac_http_answer(job->request,
                        &(struct lac_http_answer){.status = 200, .body = lac_buf_str(&w->answer)});
    else if (status == LAC_REJECT)
        refuse(job->request, err.code ? (unsigned)err.code : 422, err.text);
    else if (status == LAC_RETRY)
        refuse(job->request, 503, err.text);
    else
        refuse(job->request, 500, "The text could not be looked at.");
    lac_json_free(document);
    lac_buf_reset(&w->shown);
}

/* ---- The threads ---- */

/* Waits for a request. False: stop, and nothing is left. */
static bool next(struct lac_bridge_scan *s, struct job *job)
{
    pthread_mutex_lock(&s->lock);
    while (s->count == 0 && !s->stop)
        pthread_cond_wait(&s->wake, &s->lock);
    bool some = s->count > 0;
    if (some) {
        *job = s->queue[s->first];
        s->first = (s->first + 1) % LAC_BRIDGE_SCAN_WAITING_MAX;
        s->count--;
    }
    pthread_mutex_unlock(&s->lock);
    return some;
}

static void *serve(void *ctx)
{
    struct worker *w = ctx;
    struct job job;
    while (next(w->owner, &job)) {
        answer(w, &job);
        free(job.body);
    }
    return NULL;
}

/* ---- The loop's side ---- */

static enum lac_status read_key(struct lac_bridge_scan *s, struct lac_err *err)
{
    unsigned char own[LAC_SHA256_SIZE];
    const char *file = s->options.key_file;
    lac_buf_init(&s->key, KEY_BYTES);
    if (file && *file) {
        enum lac_status status = lac_file_read(file, &s->key, err);
        if (status == LAC_OK && s->key.len < LAC_REDACT_KEY_MIN)
            return lac_err_set(err, LAC_FATAL, 0, "redact.key_file: fewer than %d bytes",
                               LAC_REDACT_KEY_MIN);
        return status;
    }
    lac_random_bytes(own, sizeof own);
    lac_buf_put(&s->key, own, sizeof own);
    lac_digest_wipe(own, sizeof own);
    return lac_buf_ok(&s->key) ? LAC_OK : lac_err_set(err, LAC_FATAL, 0, "bridge: out of memory");
}

static void make_counters(struct lac_bridge_scan *s)
{
    struct lac_metrics *m = s->options.metrics;
    if (!m)
        return; /* every counting function ignores NULL */
    s->texts = lac_metrics_counter(m, "lacuna_bridge_scan_texts_total",
                                   "Texts that were scanned or redacted here.", NULL);
    s->bytes =
        lac_metrics_counter(m, "lacuna_bridge_scan_bytes_total", "Bytes of these texts.", NULL);
    s->findings = lac_metrics_counter(m, "lacuna_bridge_scan_findings_total",
                                      "Findings in these texts.", NULL);
    s->refused =
        lac_metrics_counter(m, "lacuna_bridge_scan_overload_total",
                            "Requests to scan or redact that found the queue full (429).", NULL);
}

static enum lac_status start(struct lac_bridge_scan *s, struct lac_err *err)
{
    enum lac_status status = LAC_OK;
    for (size_t i = 0; status == LAC_OK && i < LAC_BRIDGE_SCAN_THREADS; i++) {
        struct worker *w = &s->workers[i];
        w->owner = s;
        lac_buf_init(&w->answer, LAC_BRIDGE_SCAN_ANSWER);
        lac_buf_init(&w->shown, SHOWN_BYTES);
        status = lac_redact_open(&w->redact, lac_buf_str(&s->key), err);
        if (status == LAC_OK)
            status = lac_thread_start(&w->thread, serve, w, err);
        w->started = status == LAC_OK;
    }
    return status;
}

enum lac_status lac_bridge_scan_open(struct lac_bridge_scan **out,
                                     const struct lac_bridge_scan_options *options,
                                     struct lac_err *err)
{
    struct lac_bridge_scan *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s)
        return lac_err_set(err, LAC_FATAL, 0, "bridge: out of memory");
    s->options = *options;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    s->queue = calloc(LAC_BRIDGE_SCAN_WAITING_MAX, sizeof *s->queue);
    enum lac_status status =
        s->queue ? read_key(s, err) : lac_err_set(err, LAC_FATAL, 0, "bridge: out of memory");
    make_counters(s);
    if (status == LAC_OK)
        status = start(s, err);
    if (status != LAC_OK) {
        lac_bridge_scan_close(s);
        return status;
    }
    *out = s;
    return LAC_OK;
}

void lac_bridge_scan_close(struct lac_bridge_scan *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->wake);
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < LAC_BRIDGE_SCAN_THREADS; i++) {
        struct worker *w = &s->workers[i];
        if (w->started)
            pthread_join(w->thread, NULL);
        forget(w);
        if (w->lineup)
            lac_control_packs_release(lac_control_follower_packs(s->options.follower), w->lineup);
        lac_redact_close(w->redact);
        lac_buf_deinit(&w->answer);
        lac_buf_deinit(&w->shown);
    }
    if (s->key.ptr)
        lac_digest_wipe(s->key.ptr, s->key.len);
    lac_buf_deinit(&s->key);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free(s->queue);
    free(s);
}

bool lac_bridge_scan_ok(struct lac_bridge_scan *s, char *why, size_t size)
{
    if (!s->options.follower || lac_control_follower_ready(s->options.follower, 0))
        return true;
    (void)snprintf(why, size, "the control topic is not read to its end yet");
    return false;
}

enum lac_status lac_bridge_scan_push(struct lac_bridge_scan *s, struct lac_http_request *r,
                                     bool redact)
{
    struct lac_str body = lac_http_request_body(r);
    struct job job = {.request = r, .redact = redact, .len = body.len};
    job.body = malloc(body.len + 1);
    if (!job.body)
        return LAC_AGAIN;
    if (body.len)
        memcpy(job.body, body.ptr, body.len);
    pthread_mutex_lock(&s->lock);
    bool room = s->count < LAC_BRIDGE_SCAN_WAITING_MAX && !s->stop;
    if (room) {
        lac_http_request_keep(r, NULL); /* before a thread can answer it */
        s->queue[(s->first + s->count++) % LAC_BRIDGE_SCAN_WAITING_MAX] = job;
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&s->lock);
    if (room)
        return LAC_OK;
    free(job.body);
    lac_counter_add(s->refused, 1);
    return LAC_AGAIN;
}
