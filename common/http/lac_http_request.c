/* SPDX-License-Identifier: Apache-2.0 */
/* A request from its first line to its answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lac_assert.h"
#include "lac_clock.h"
#include "lac_compiler.h"
#include "lac_digest.h"
#include "lac_http_internal.h"
#include "lac_http_problem.h"

enum {
    KEPT_BODY_BYTES = 64 * 1024,  /* larger buffers go back to the heap after their request */
    FIRST_BODY_BYTES = 16 * 1024, /* a declared length is a claim: memory follows the bytes */
};

void lac_http_refused(struct lac_http_server *s, enum lac_http_refusal why)
{
    if (s->options.refused)
        s->options.refused(s->options.ctx, why);
}

static struct lac_http_request *take(struct lac_http_server *s)
{
    struct lac_http_request *r = s->free_requests;
    if (!r) {
        r = calloc(1, sizeof *r);
        if (r)
            lac_buf_init(&r->body, s->options.body_bytes ? s->options.body_bytes : 1);
        return r;
    }
    s->free_requests = r->next;
    struct lac_buf body = r->body;
    *r = (struct lac_http_request){.body = body};
    lac_buf_reset(&r->body);
    return r;
}

static void give_back(struct lac_http_request *r)
{
    struct lac_http_server *s = r->server;
    if (r->form)
        lac_http_form_give(s, r->form);
    else if (r->response)
        MHD_destroy_response(r->response);
    r->form = NULL;
    r->response = NULL;
    if (r->body.capacity > KEPT_BODY_BYTES) {
        size_t limit = r->body.limit;
        lac_buf_deinit(&r->body);
        lac_buf_init(&r->body, limit);
    }
    r->next = s->free_requests;
    s->free_requests = r;
}

void lac_http_requests_deinit(struct lac_http_server *s)
{
    struct lac_http_request *r;
    while ((r = s->free_requests)) {
        s->free_requests = r->next;
        lac_buf_deinit(&r->body);
        free(r);
    }
}

static struct lac_http_conn *conn_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* The library calls this with each request line; what we return becomes the request's context. */
void *lac_http_request_begin(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct lac_http_server *s = cls;
    struct lac_http_conn *c = conn_of(mhd);
    struct lac_http_request *r = take(s);
    if (!r)
        return NULL; /* lac_http_request_step() closes the connection */
    r->server = s;
    r->conn = c;
    /* What follows would not be seen, or by others taken for the version. */
    r->hollow = strstr(uri, "%00") != NULL || strchr(uri, ' ') != NULL;
    r->uri_end = uri + strlen(uri);
    c->request = r;
    c->used = true;
    /* The first request's headers are timed from the connect on. */
    if (c->phase == LAC_HTTP_PHASE_IDLE)
        lac_http_conn_enter(c, LAC_HTTP_PHASE_HEADER);
    return r;
}

void lac_http_request_end(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)mhd;
    (void)code;
    struct lac_http_request *r = *context;
    if (!r)
        return;
    *context = NULL;
    struct lac_http_conn *c = r->conn;
    c->request = NULL;
    r->conn = NULL;
    lac_http_conn_enter(c, c->server->quiesced ? LAC_HTTP_PHASE_SEND : LAC_HTTP_PHASE_IDLE);
    if (!r->kept)
        give_back(r);
    else if (!r->abandoned) /* only when the server itself is closed over it */
        r->abandoned = true;
}

/* ---- Refusals by the server itself ---- */

static void refuse_now(struct lac_http_request *r)
{
    char allow[64], detail[128];
    switch (r->verdict) {
    case 404:
        lac_http_refuse(r, 404, "not-found", "There is nothing at this path.");
        return;
    case 405:
        lac_http_route_allow(r, allow, sizeof allow);
        lac_http_answer_problem(r,
                                &(struct lac_http_problem){
                                    .status = 405,
                                    .type = "method-not-allowed",
                                    .detail = "This path has other methods, see Allow.",
                                },
                                &(struct lac_http_header){"Allow", allow}, 1);
        return;
    case 413:
        lac_http_refused(r->server, LAC_HTTP_REFUSED_BODY_SIZE);
        lac_http_refuse(r, 413, "body-too-large", "The body is larger than this server accepts.");
        return;
    case 415:
        (void)snprintf(detail, sizeof detail, "The body must be %s, and Content-Type say so.",
                       r->route->content_type);
        lac_http_refuse(r, 415, "unsupported-media-type", detail);
        return;
    case LAC_HTTP_VERDICT_SQUEEZED:
        lac_http_answer_problem(
            r,
            &(struct lac_http_problem){.status = 415,
                                       .type = "unsupported-content-encoding",
                                       .detail = "The body must come as it is: this server takes "
                                                 "no Content-Encoding."},
            &(struct lac_http_header){"Accept-Encoding", "identity"}, 1);
        return;
    case LAC_HTTP_VERDICT_NO_HOST:
        lac_http_refuse(r, 400, "no-host", "A request of HTTP/1.1 must have a header Host.");
        return;
    default:
        lac_http_refuse(r, r->verdict, "bad-request",
                        "The request's path, framing or headers are ambiguous.");
        return;
    }
}

static enum MHD_Result deliver(struct lac_http_request *r)
{
    LAC_ASSERT(r->response);
    r->stage = LAC_HTTP_STAGE_ANSWER;
    lac_http_conn_enter(r->conn, LAC_HTTP_PHASE_SEND);
    const struct lac_http_server_options *o = &r->server->options;
    if (o->answered)
        o->answered(o->ctx, r->route, r->status, (lac_clock_mono_ns() - r->begun_ns) / 1000);
    enum MHD_Result queued = MHD_queue_response(r->conn->mhd, r->status, r->response);
    if (!r->form)
        MHD_destroy_response(r->response); /* the library holds its own reference */
    r->response = NULL;
    return queued;
}

/* ---- The steps the library leads us through ---- */

/* The path of "http://host/path", which clients of proxies send and a server must take. */
static struct lac_str path_of(const char *url)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < LAC_COUNT(schemes); i++)
        if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0) {
            const char *slash = strchr(url + strlen(schemes[i]), '/');
            return slash ? lac_str_from(slash) : LAC_STR("/");
        }
    return lac_str_from(url);
}

/* What the headers alone decide. */
static void judge_headers(struct lac_http_request *r, const char *version, bool *has_body,
                          bool *early)
{
    struct lac_http_heads h;
    const struct lac_http_server_options *o = &r->server->options;
    uint64_t declared = 0;
    lac_http_heads_read(r->conn->mhd, r->uri_end, version, &h);
    r->header_sizes = h.sizes;
    lac_http_route(r);
    *has_body = h.coding.ptr || (h.length.ptr && !lac_str_is(h.length, "0"));
    *early = false;
    if (h.ambiguous || r->hollow || (h.length.ptr && !lac_str_to_u64(h.length, &declared))) {
        r->verdict = 400;
        *early = true;
        return;
    }
    if (r->current && !h.host.ptr) { /* HTTP/1.1 demands it: who is meant decides who answers */
        r->verdict = LAC_HTTP_VERDICT_NO_HOST;
        *early = true;
        return;
    }
    if (!r->verdict && *has_body && h.squeezed.ptr && !lac_str_eq_nocase(h.squeezed, "identity"))
        r->verdict = LAC_HTTP_VERDICT_SQUEEZED;
    if (!r->verdict && *has_body && r->route->content_type &&
        !lac_http_media_type_is(h.type, r->route->content_type))
        r->verdict = 415;
    if (declared > o->body_bytes) {
        if (!r->verdict)
            r->verdict = 413;
        *early = true;
    }
    /* A client that asks first gets its answer first. */
    if (r->verdict && h.expect.ptr)
        *early = true;
    if (!r->verdict && declared > 0) {
        size_t room = declared < FIRST_BODY_BYTES ? (size_t)declared : FIRST_BODY_BYTES;
        (void)!lac_buf_reserve(&r->body, room);
    }
}

static enum MHD_Result headers_done(struct lac_http_request *r, const char *url, const char *method,
                                    const char *version)
{
    bool has_body, early;
    r->method = lac_str_from(method);
    r->path = path_of(url);
    r->current = strcmp(version, "HTTP/1.0") != 0; /* there is no older one, nor 2 */
    r->begun_ns = lac_clock_mono_ns();
    r->begun_round = r->server->round;
    judge_headers(r, version, &has_body, &early);
    r->stage = LAC_HTTP_STAGE_BODY;
    if (early) {
        r->conn->linger = true;
        refuse_now(r);
        return deliver(r);
    }
    if (has_body)
        lac_http_conn_enter(r->conn, LAC_HTTP_PHASE_BODY);
    return MHD_YES;
}

static enum MHD_Result body_arrives(struct lac_http_request *r, const char *data, size_t *size)
{
    const struct lac_http_server_options *o = &r->server->options;
    r->body_seen += *size;
    if (r->body_seen > o->body_bytes && !r->verdict)
        r->verdict = 413;
    if (r->body_seen > o->body_bytes + o->drain_bytes) {
        /* In the middle of a body the library sends nothing: we do, and close. */
        lac_http_refused(r->server, LAC_HTTP_REFUSED_BODY_SIZE);
        lac_http_send_raw(r->conn->fd, 413, "body-too-large",
                          "The body is larger than this server accepts.");
        r->conn->linger = true;
        return MHD_NO;
    }
    if (!r->verdict)
        lac_buf_put(&r->body, data, *size);
    *size = 0;
    return MHD_YES;
}

static enum MHD_Result body_done(struct lac_http_request *r)
{
    if (!r->verdict && !lac_buf_ok(&r->body))
        return MHD_NO; /* out of memory */
    /* A clock takes longer than most of what is done here. */
    r->arrived_ns = r->begun_round == r->server->round ? r->begun_ns : lac_clock_mono_ns();
    r->stage = LAC_HTTP_STAGE_HANDLER;
    if (r->verdict)
        refuse_now(r);
    else
        r->route->handle(r->server->options.ctx, r);
    if (r->response)
        return deliver(r);
    if (!r->kept) {
        lac_http_refuse(r, 500, "internal-error", "The request was not answered.");
        return r->response ? deliver(r) : MHD_NO;
    }
    r->stage = LAC_HTTP_STAGE_KEPT;
    lac_http_conn_enter(r->conn, LAC_HTTP_PHASE_HANDLER);
    MHD_suspend_connection(r->conn->mhd);
    if (r->conn->gone)
        lac_http_conn_hangup(r->conn);
    return MHD_YES;
}

enum MHD_Result lac_http_request_step(void *cls, struct MHD_Connection *mhd, const char *url,
                                      const char *method, const char *version, const char *data,
                                      size_t *size, void **context)
{
    (void)cls;
    (void)mhd;
    struct lac_http_request *r = *context;
    if (!r || r->conn->closing)
        return MHD_NO;
    switch (r->stage) {
    case LAC_HTTP_STAGE_HEADERS:
        return headers_done(r, url, method, version);
    case LAC_HTTP_STAGE_BODY:
        return *size ? body_arrives(r, data, size) : body_done(r);
    case LAC_HTTP_STAGE_KEPT:
        return r->response ? deliver(r) : MHD_YES;
    default:
        return MHD_NO;
    }
}

/* ---- Later answers ---- */

static void resume(struct lac_http_request *r)
{
    if (r->resumed)
        return;
    r->resumed = true;
    MHD_resume_connection(r->conn->mhd);
}

/* The owner's answer has arrived in the loop's thread. */
static void finish(struct lac_http_request *r, unsigned status, struct MHD_Response *response)
{
    LAC_ASSERT(r->kept);
    r->kept = false;
    r->server->kept--;
    if (r->abandoned || !r->conn) {
        if (response)
            MHD_destroy_response(response);
        if (!r->conn)
            give_back(r);
        return;
    }
    r->status = status;
    r->response = response;
    if (!response)
        r->conn->closing = true; /* out of memory: no answer can be made */
    if (r->stage == LAC_HTTP_STAGE_KEPT)
        resume(r);
}

/* Nobody waits for the owner's answer any more: the client is gone (status 0) or gets another. */
void lac_http_request_abandon(struct lac_http_request *r, unsigned status)
{
    struct lac_http_server *s = r->server;
    if (status) {
        struct lac_buf body;
        char memory[256];
        lac_buf_init_fixed(&body, memory, sizeof memory);
        lac_http_problem_write(
            &body, &(struct lac_http_problem){.status = status,
                                              .type = "handler-timeout",
                                              .detail = "No answer was ready in time."});
        r->status = status;
        r->response = lac_http_response(
            s, &(struct lac_http_answer){.status = status,
                                         .content_type = "application/problem+json",
                                         .body = lac_buf_str(&body)});
    }
    if (!r->response)
        r->conn->closing = true;
    r->abandoned = true;
    resume(r);
    if (r->kept && r->gone)
        r->gone(s->options.ctx, r);
}

void lac_http_requests_finish(struct lac_http_server *s)
{
    pthread_mutex_lock(&s->lock);
    struct lac_http_request *newest = s->done, *oldest = NULL;
    s->done = NULL;
    pthread_mutex_unlock(&s->lock);
    while (newest) { /* turned round: first answered, first sent */
        struct lac_http_request *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct lac_http_request *next = oldest->next;
        finish(oldest, oldest->done_status, oldest->done_response);
        oldest = next;
    }
}

void lac_http_request_keep(struct lac_http_request *r,
                           void (*gone)(void *ctx, struct lac_http_request *r))
{
    LAC_ASSERT(r->stage == LAC_HTTP_STAGE_HANDLER && !r->kept && !r->response);
    r->kept = true;
    r->gone = gone;
    r->server->kept++;
}

void lac_http_answer(struct lac_http_request *r, const struct lac_http_answer *answer)
{
    struct lac_http_server *s = r->server;
    bool here =
        pthread_equal(atomic_load_explicit(&s->loop_thread, memory_order_relaxed), pthread_self());
    LAC_ASSERT(answer->status >= 200 && answer->status < 600);
    if (here && r->abandoned) { /* saves making what nobody gets */
        finish(r, answer->status, NULL);
        return;
    }
    if (here)
        r->form = lac_http_form_take(s, answer);
    struct MHD_Response *response =
        r->form ? lac_http_form_response(r->form) : lac_http_response(s, answer);
    if (here && r->kept) {
        finish(r, answer->status, response);
    } else if (here) {
        LAC_ASSERT(!r->response); /* one answer each */
        r->status = answer->status;
        r->response = response;
    } else {
        r->done_status = answer->status;
        r->done_response = response;
        pthread_mutex_lock(&s->lock);
        bool first = s->done == NULL;
        r->next = s->done;
        s->done = r;
        pthread_mutex_unlock(&s->lock);
        if (first)
            lac_http_server_wake(s); /* one wake-up for all that come before the loop */
    }
}

/* ---- Reading ---- */

struct lac_str lac_http_request_method(const struct lac_http_request *r)
{
    return r->method;
}

struct lac_str lac_http_request_path(const struct lac_http_request *r)
{
    return r->path;
}

struct lac_str lac_http_request_param(const struct lac_http_request *r)
{
    return r->param;
}

struct lac_str lac_http_request_body(const struct lac_http_request *r)
{
    return lac_buf_str(&r->body);
}

uint64_t lac_http_request_arrived_ns(const struct lac_http_request *r)
{
    return r->arrived_ns;
}

static struct lac_str lookup(const struct lac_http_request *r, enum MHD_ValueKind kind,
                             const char *name)
{
    struct lac_str value = LAC_STR_NULL;
    if (!r->conn)
        return value;
    if (MHD_lookup_connection_value_n(r->conn->mhd, kind, name, strlen(name), &value.ptr,
                                      &value.len) != MHD_YES)
        return LAC_STR_NULL;
    if (!value.ptr)
        value.ptr = ""; /* ?name without a value: there, and empty */
    return value;
}

struct lac_str lac_http_request_header(const struct lac_http_request *r, const char *name)
{
    /* Most that are asked for are not there. */
    if (!(r->header_sizes & lac_http_size_bit(strlen(name))))
        return LAC_STR_NULL;
    return lookup(r, MHD_HEADER_KIND, name);
}

struct lac_str lac_http_request_query(const struct lac_http_request *r, const char *name)
{
    return lookup(r, MHD_GET_ARGUMENT_KIND, name);
}

bool lac_http_request_authorized(const struct lac_http_request *r, const char *key)
{
    if (!key || !key[0])
        return true;
    struct lac_str given = lac_http_request_header(r, "Authorization");
    static const char scheme[] = "Bearer ";
    const size_t skip = sizeof scheme - 1;
    struct lac_str head = {given.ptr, given.len < skip ? given.len : skip};
    bool bearer = lac_str_eq_nocase(head, scheme);
    struct lac_str token = bearer ? (struct lac_str){given.ptr + skip, given.len - skip} : head;
    /* Comparing digests hides the key's length and where the two begin to differ. */
    uint8_t a[LAC_SHA256_SIZE], b[LAC_SHA256_SIZE];
    lac_sha256(a, token.ptr ? token.ptr : "", token.len);
    lac_sha256(b, key, strlen(key));
    return lac_digest_equal(a, b, sizeof a) && bearer;
}

void lac_http_request_set_user(struct lac_http_request *r, void *user)
{
    r->user = user;
}

void *lac_http_request_user(const struct lac_http_request *r)
{
    return r->user;
}
