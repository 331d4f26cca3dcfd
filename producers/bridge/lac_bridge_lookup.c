/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_bridge_lookup.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lac_answer.h"
#include "lac_arena.h"
#include "lac_buf.h"
#include "lac_http_problem.h"
#include "lac_json.h"
#include "lac_log.h"
#include "lac_pg.h"
#include "lac_records.h"
#include "lac_thread.h"
#include "lac_wire.h"

enum {
    ANSWER_BYTES = 16 * 1024 * 1024,
    ARENA_BYTES = 16 * 1024 * 1024,
    PING_S = 10, /* how old what we know about Postgres may get */
    TENANT_MAX = 255,
};

struct query {
    struct lac_http_request *request;
    bool by_event;
    struct lac_event_id event;
    char tenant[TENANT_MAX + 1];
    char id[LAC_BRIDGE_LOOKUP_ID_MAX];
    size_t id_len;
};

struct lac_bridge_lookup {
    struct lac_bridge_lookup_options options;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct query *queue;         /* owned; ring of LAC_BRIDGE_LOOKUPS_MAX, under lock */
    size_t first, count;         /* lock */
    bool stop;                   /* lock */
    bool healthy;                /* lock */
    char why[LAC_ERR_TEXT_SIZE]; /* lock */
    /* The thread's own. */
    struct lac_pg *pg;
    struct lac_wire *wire;
    struct lac_arena arena;
    struct lac_buf answer;
};

/* ---- The thread ---- */

static void note(struct lac_bridge_lookup *l, enum lac_status status, const struct lac_err *err)
{
    static const char lost[] = "postgres_unavailable", back[] = "postgres_available";
    bool healthy = status == LAC_OK;
    pthread_mutex_lock(&l->lock);
    bool changed = l->healthy != healthy;
    l->healthy = healthy;
    snprintf(l->why, sizeof l->why, "%s", healthy ? "" : err->text);
    pthread_mutex_unlock(&l->lock);
    if (changed && healthy)
        lac_log(LAC_LOG_INFO, back, "%s", "");
    if (changed && !healthy)
        lac_log_err(LAC_LOG_WARN, lost, err);
}

static enum lac_status connect_if_needed(struct lac_bridge_lookup *l, struct lac_err *err)
{
    if (l->pg && lac_pg_usable(l->pg))
        return LAC_OK;
    lac_pg_close(l->pg);
    l->pg = NULL;
    return lac_pg_connect(
        &l->pg,
        &(struct lac_pg_options){.url = l->options.url,
                                 .password = l->options.password,
                                 .application = "lacuna-bridge",
                                 .connect_timeout_ms = l->options.connect_timeout_ms,
                                 .statement_timeout_ms = l->options.statement_timeout_ms},
        err);
}

static enum lac_status ask(struct lac_bridge_lookup *l, const struct query *q,
                           struct lac_pg_rows **rows, struct lac_err *err)
{
    static const char by_event[] =
        "SELECT decision, tier::text FROM decisions_joined WHERE event_id = $1 AND tenant = $2 "
        "ORDER BY revision DESC LIMIT 1";
    static const char by_request[] =
        "SELECT decision, tier::text FROM decisions_joined WHERE request_id = $1 AND tenant = $2 "
        "ORDER BY origin_time DESC, event_id, revision DESC LIMIT $3";
    struct lac_pg_param params[3] = {
        q->by_event ? lac_pg_uuid(q->event.bytes) : lac_pg_text((struct lac_str){q->id, q->id_len}),
        lac_pg_text(lac_str_from(q->tenant)), lac_pg_int(LAC_BRIDGE_LOOKUP_ROWS_MAX)};
    return lac_pg_query(l->pg, rows, q->by_event ? by_event : by_request, params,
                        q->by_event ? 2 : 3, err);
}

/* A connection that broke while nobody used it is found out by the first statement: once more. */
static enum lac_status ask_twice(struct lac_bridge_lookup *l, const struct query *q,
                                 struct lac_pg_rows **rows, struct lac_err *err)
{
    enum lac_status status = LAC_RETRY;
    for (int attempt = 0; attempt < 2 && status == LAC_RETRY; attempt++) {
        status = connect_if_needed(l, err);
        if (status != LAC_OK)
            break; /* connecting has its own patience */
        status = ask(l, q, rows, err);
        if (lac_pg_usable(l->pg))
            break;
    }
    note(l, status, err);
    return status;
}

/* Row `i` as the answer's JSON. False: its bytes are not what the sink writes. */
static bool write_row(struct lac_bridge_lookup *l, const struct lac_pg_rows *rows, size_t i,
                      struct lac_json_writer *w)
{
    struct lac_decision decision;
    struct lac_decision_core core;
    enum lac_tier joined;
    lac_arena_reset(&l->arena);
    if (lac_wire_read(l->wire, &lac_decision_type, &decision, lac_pg_cell(rows, i, 0), LAC_STR_NULL,
                      &l->arena, NULL) != LAC_OK &&
        lac_decision_decode(&decision, lac_pg_cell(rows, i, 0), &l->arena, NULL) != LAC_OK)
        return false;
    if (lac_decision_core_decode(&core, decision.core, &l->arena, NULL) != LAC_OK)
        return false;
    /* Two decisions for one event are a fault somewhere; the stricter one counts. */
    if (lac_tier_parse(lac_pg_cell(rows, i, 1), &joined))
        core.tier = lac_tier_join(core.tier, joined);
    int64_t us = decision.queued_us + decision.decide_us;
    lac_answer_json(w, &(struct lac_answer){.decision = &decision,
                                            .core = &core,
                                            .latency_us = us > 0 ? (uint64_t)us : 0});
    return true;
}

static bool write_rows(struct lac_bridge_lookup *l, const struct query *q,
                       const struct lac_pg_rows *rows)
{
    struct lac_json_writer w;
    size_t n = lac_pg_rows_count(rows);
    lac_buf_reset(&l->answer);
    lac_json_begin(&w, &l->answer);
    if (q->by_event)
        return write_row(l, rows, 0, &w) && lac_json_done(&w);
    lac_json_open_object(&w);
    lac_json_key(&w, "decisions");
    lac_json_open_array(&w);
    for (size_t i = 0; i < n; i++)
        if (!write_row(l, rows, i, &w))
            return false;
    lac_json_close_array(&w);
    lac_json_close_object(&w);
    return lac_json_done(&w);
}

static void refuse_later(struct lac_http_request *r, const char *type, const char *detail)
{
    lac_http_answer_problem(
        r, &(struct lac_http_problem){.status = 503, .type = type, .detail = detail},
        &(struct lac_http_header){"Retry-After", "5"}, 1);
}

static void answer(struct lac_bridge_lookup *l, const struct query *q)
{
    struct lac_err err = {0};
    struct lac_pg_rows *rows = NULL;
    enum lac_status status = ask_twice(l, q, &rows, &err);
    if (status != LAC_OK && err.code == LAC_PG_UNDEFINED_TABLE)
        refuse_later(q->request, "store-not-ready",
                     "The database has no tables yet; an operator must run: lacuna migrate");
    else if (status != LAC_OK)
        refuse_later(q->request, "store-unavailable", "Stored decisions can't be read now.");
    else if (lac_pg_rows_count(rows) == 0)
        lac_http_refuse(q->request, 404, "unknown-decision",
                        "No decision with this id is stored. One that was just made may take a "
                        "moment to arrive.");
    else if (!write_rows(l, q, rows))
        lac_http_refuse(q->request, 500, "unreadable-decision",
                        "The stored decision can't be read.");
    else
        lac_http_answer(q->request,
                        &(struct lac_http_answer){.status = 200, .body = lac_buf_str(&l->answer)});
    lac_pg_rows_free(rows);
}

static void ping(struct lac_bridge_lookup *l)
{
    struct lac_err err = {0};
    enum lac_status status = connect_if_needed(l, &err);
    if (status == LAC_OK)
        status = lac_pg_exec(l->pg, "SELECT 1", &err);
    note(l, status, &err);
}

/* Waits for a query until the ping is due. False: stop, and nothing is left. */
static bool next(struct lac_bridge_lookup *l, struct query *q, bool *due)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PING_S;
    *due = false;
    pthread_mutex_lock(&l->lock);
    while (l->count == 0 && !l->stop && !*due)
        *due = pthread_cond_timedwait(&l->wake, &l->lock, &until) == ETIMEDOUT;
    bool some = l->count > 0;
    if (some) {
        *q = l->queue[l->first];
        l->first = (l->first + 1) % LAC_BRIDGE_LOOKUPS_MAX;
        l->count--;
        *due = false;
    }
    pthread_mutex_unlock(&l->lock);
    return some || *due;
}

static void *serve(void *arg)
{
    struct lac_bridge_lookup *l = arg;
    struct query q;
    bool due;
    ping(l);
    while (next(l, &q, &due)) {
        if (due)
            ping(l);
        else
            answer(l, &q);
    }
    return NULL;
}

/* ---- Everybody else ---- */

static enum lac_status start(struct lac_bridge_lookup *l, struct lac_err *err)
{
    enum lac_status status = lac_thread_start(&l->thread, serve, l, err);
    l->started = status == LAC_OK;
    return status;
}

enum lac_status lac_bridge_lookup_open(struct lac_bridge_lookup **out,
                                       const struct lac_bridge_lookup_options *options,
                                       struct lac_err *err)
{
    pthread_condattr_t monotonic;
    *out = NULL;
    struct lac_bridge_lookup *l = calloc(1, sizeof *l);
    if (!l)
        return lac_err_set(err, LAC_FATAL, 0, "bridge: out of memory");
    l->options = *options;
    l->healthy = true; /* until the first ping: no news */
    pthread_mutex_init(&l->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&l->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    lac_buf_init(&l->answer, ANSWER_BYTES);
    l->queue = calloc(LAC_BRIDGE_LOOKUPS_MAX, sizeof *l->queue);
    enum lac_status status = l->queue ? LAC_OK : lac_err_set(err, LAC_FATAL, 0, "out of memory");
    if (status == LAC_OK)
        status = lac_wire_open(&l->wire, NULL, err);
    if (status == LAC_OK)
        status = lac_arena_init(&l->arena, ARENA_BYTES, err);
    if (status == LAC_OK)
        status = start(l, err);
    if (status != LAC_OK) {
        lac_bridge_lookup_close(l);
        return status;
    }
    *out = l;
    return LAC_OK;
}

void lac_bridge_lookup_close(struct lac_bridge_lookup *l)
{
    if (!l)
        return;
    if (l->started) {
        pthread_mutex_lock(&l->lock);
        l->stop = true;
        pthread_cond_signal(&l->wake);
        pthread_mutex_unlock(&l->lock);
        pthread_join(l->thread, NULL);
    }
    lac_pg_close(l->pg);
    lac_wire_close(l->wire);
    lac_arena_deinit(&l->arena);
    lac_buf_deinit(&l->answer);
    pthread_cond_destroy(&l->wake);
    pthread_mutex_destroy(&l->lock);
    free(l->queue);
    free(l);
}

static enum lac_status push(struct lac_bridge_lookup *l, struct lac_http_request *r,
                            const struct query *q)
{
    pthread_mutex_lock(&l->lock);
    bool room = l->count < LAC_BRIDGE_LOOKUPS_MAX && !l->stop;
    if (room) {
        lac_http_request_keep(r, NULL); /* before the thread can answer it */
        l->queue[(l->first + l->count++) % LAC_BRIDGE_LOOKUPS_MAX] = *q;
        pthread_cond_signal(&l->wake);
    }
    pthread_mutex_unlock(&l->lock);
    return room ? LAC_OK : LAC_AGAIN;
}

static void copy_tenant(struct query *q, struct lac_str tenant)
{
    size_t n = tenant.len < TENANT_MAX ? tenant.len : TENANT_MAX;
    memcpy(q->tenant, tenant.ptr, n);
    q->tenant[n] = '\0';
}

enum lac_status lac_bridge_lookup_event(struct lac_bridge_lookup *l, struct lac_http_request *r,
                                        struct lac_str tenant, const struct lac_event_id *id)
{
    struct query q = {.request = r, .by_event = true, .event = *id};
    copy_tenant(&q, tenant);
    return push(l, r, &q);
}

enum lac_status lac_bridge_lookup_request(struct lac_bridge_lookup *l, struct lac_http_request *r,
                                          struct lac_str tenant, struct lac_str request_id)
{
    struct query q = {.request = r, .id_len = request_id.len};
    if (q.id_len > sizeof q.id)
        q.id_len = sizeof q.id;
    memcpy(q.id, request_id.ptr, q.id_len);
    copy_tenant(&q, tenant);
    return push(l, r, &q);
}

bool lac_bridge_lookup_ok(struct lac_bridge_lookup *l, char *why, size_t size)
{
    pthread_mutex_lock(&l->lock);
    bool ok = l->healthy;
    snprintf(why, size, "%s", l->why);
    pthread_mutex_unlock(&l->lock);
    return ok;
}
