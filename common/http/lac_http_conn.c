/* SPDX-License-Identifier: Apache-2.0 */
/* Connections and their deadlines. */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lac_assert.h"
#include "lac_http_internal.h"

enum { DAWDLERS_TRIED = 8 }; /* connections that may turn out to be busy */

enum lac_status lac_http_conns_init(struct lac_http_server *s, struct lac_err *err)
{
    s->conn_count = (size_t)s->options.connections + LAC_HTTP_SPARE;
    s->conns = calloc(s->conn_count, sizeof *s->conns);
    if (!s->conns)
        return lac_err_set(err, LAC_FATAL, 0, "http: out of memory");
    for (size_t i = s->conn_count; i-- > 0;) {
        s->conns[i].next = s->free_conns;
        s->free_conns = &s->conns[i];
    }
    for (size_t i = 0; i < LAC_HTTP_LINGERS; i++)
        s->lingers[i].fd = -1;
    s->phase_ms[LAC_HTTP_PHASE_IDLE] = s->options.idle_ms;
    s->phase_ms[LAC_HTTP_PHASE_HEADER] = s->options.header_ms;
    s->phase_ms[LAC_HTTP_PHASE_BODY] = s->options.body_ms;
    s->phase_ms[LAC_HTTP_PHASE_HANDLER] = s->options.handler_ms;
    s->phase_ms[LAC_HTTP_PHASE_SEND] = s->options.send_ms;
    return LAC_OK;
}

void lac_http_conns_deinit(struct lac_http_server *s)
{
    free(s->conns);
    s->conns = NULL;
}

static void leave(struct lac_http_conn *c)
{
    if (c->phase == LAC_HTTP_PHASE_NONE)
        return;
    struct lac_http_queue *q = &c->server->queues[c->phase];
    *(c->prev ? &c->prev->next : &q->head) = c->next;
    *(c->next ? &c->next->prev : &q->tail) = c->prev;
    c->prev = c->next = NULL;
    c->phase = LAC_HTTP_PHASE_NONE;
}

void lac_http_conn_enter(struct lac_http_conn *c, enum lac_http_phase phase)
{
    leave(c);
    if (phase == LAC_HTTP_PHASE_NONE)
        return;
    struct lac_http_queue *q = &c->server->queues[phase];
    c->phase = phase;
    c->deadline_ms = c->server->now_ms + c->server->phase_ms[phase];
    c->prev = q->tail;
    *(q->tail ? &q->tail->next : &q->head) = c;
    q->tail = c;
}

static void opened(struct lac_http_server *s, struct MHD_Connection *mhd, void **context)
{
    struct lac_http_conn *c = s->free_conns;
    LAC_ASSERT(c); /* as many as the library may accept */
    s->free_conns = c->next;
    int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    *c = (struct lac_http_conn){.source = {LAC_HTTP_SOURCE_CONN},
                                .server = s,
                                .mhd = mhd,
                                .fd = fd,
                                .phase = LAC_HTTP_PHASE_NONE};
    *context = c;
    /* While a request is kept the library does not look at its socket; we look for one thing
     * only, the peer's leaving. Edge-triggered, so requests on it never wake this epoll. */
    struct epoll_event ev = {.events = EPOLLRDHUP | EPOLLET, .data = {.ptr = c}};
    if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
        (void)shutdown(fd, SHUT_RDWR); /* no memory in the kernel: not a time for new guests */
    lac_http_conn_enter(c, LAC_HTTP_PHASE_HEADER);
    atomic_fetch_add_explicit(&s->connection_count, 1, memory_order_relaxed);
}

static void closed(struct lac_http_server *s, struct lac_http_conn *c)
{
    lac_http_conn_enter(c, LAC_HTTP_PHASE_NONE);
    (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
    if (c->linger)
        lac_http_linger_begin(s, c->fd);
    if (c->cut)
        s->cut_count--;
    c->fd = -1;
    c->mhd = NULL;
    c->next = s->free_conns;
    s->free_conns = c;
    s->again = true;
    atomic_fetch_sub_explicit(&s->connection_count, 1, memory_order_relaxed);
}

void lac_http_conn_notify(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct lac_http_server *s = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        opened(s, mhd, context);
    else if (*context)
        closed(s, *context);
}

void lac_http_conn_hangup(struct lac_http_conn *c)
{
    if (c->fd < 0)
        return; /* closed earlier in this round */
    c->gone = true;
    struct lac_http_request *r = c->request;
    if (r && r->stage == LAC_HTTP_STAGE_KEPT && !r->resumed) {
        lac_http_refused(c->server, LAC_HTTP_CLIENT_GONE);
        lac_http_request_abandon(r, 0);
    }
}

/* The library notices the shutdown as an error of the socket and closes the connection. */
static void cut(struct lac_http_conn *c)
{
    lac_http_conn_enter(c, LAC_HTTP_PHASE_NONE);
    if (!c->cut)
        c->server->cut_count++;
    c->cut = true;
    (void)shutdown(c->fd, SHUT_RDWR);
}

static void expire(struct lac_http_conn *c)
{
    struct lac_http_server *s = c->server;
    switch (c->phase) {
    case LAC_HTTP_PHASE_HEADER:
        lac_http_refused(s, LAC_HTTP_REFUSED_HEADER_TIMEOUT);
        if (c->used) /* somebody who has never sent a line would not expect an answer */
            lac_http_send_raw(c->fd, 408, "header-timeout", "The headers took too long.");
        cut(c);
        return;
    case LAC_HTTP_PHASE_BODY:
        lac_http_refused(s, LAC_HTTP_REFUSED_BODY_TIMEOUT);
        lac_http_send_raw(c->fd, 408, "body-timeout", "The body took too long.");
        cut(c);
        return;
    case LAC_HTTP_PHASE_HANDLER:
        lac_http_conn_enter(c, LAC_HTTP_PHASE_SEND);
        if (c->request->resumed)
            return; /* answered in this very round */
        lac_http_refused(s, LAC_HTTP_REFUSED_HANDLER_TIMEOUT);
        lac_http_request_abandon(c->request, 503);
        return;
    case LAC_HTTP_PHASE_SEND:
        lac_http_refused(s, LAC_HTTP_REFUSED_SEND_TIMEOUT);
        cut(c);
        return;
    default:
        cut(c);
        return;
    }
}

void lac_http_conns_expire(struct lac_http_server *s)
{
    for (size_t p = 0; p < LAC_HTTP_PHASE_COUNT; p++) {
        struct lac_http_conn *c;
        while ((c = s->queues[p].head) && c->deadline_ms <= s->now_ms)
            expire(c);
    }
}

uint64_t lac_http_conns_next(const struct lac_http_server *s)
{
    uint64_t next = UINT64_MAX;
    for (size_t p = 0; p < LAC_HTTP_PHASE_COUNT; p++)
        if (s->queues[p].head && s->queues[p].head->deadline_ms < next)
            next = s->queues[p].head->deadline_ms;
    return next;
}

/* Whether there is something in the socket's buffer that the library has not read yet. */
static bool has_input(const struct lac_http_conn *c)
{
    char byte;
    return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool lac_http_conns_crowded(const struct lac_http_server *s)
{
    return lac_http_server_connections(s) > s->options.connections + s->cut_count;
}

/* The connection that has stood longest in this phase for no good reason, or NULL. */
static struct lac_http_conn *dawdler(const struct lac_http_server *s, enum lac_http_phase phase)
{
    struct lac_http_conn *c = s->queues[phase].head;
    for (int i = 0; c && has_input(c); i++)
        c = i < DAWDLERS_TRIED ? c->next : NULL;
    if (!c || phase == LAC_HTTP_PHASE_IDLE)
        return c;
    return c->deadline_ms - s->phase_ms[phase] + LAC_HTTP_GRACE_MS <= s->now_ms ? c : NULL;
}

/*
 * Whoever opens many connections and says little would otherwise keep all others out until the
 * deadlines. One that rests ends first, then one whose headers, then one whose body is not
 * complete; requests that are being answered stay.
 */
void lac_http_conns_relieve(struct lac_http_server *s)
{
    while (lac_http_conns_crowded(s)) {
        struct lac_http_conn *c = dawdler(s, LAC_HTTP_PHASE_IDLE);
        if (!c)
            c = dawdler(s, LAC_HTTP_PHASE_HEADER);
        if (!c)
            c = dawdler(s, LAC_HTTP_PHASE_BODY);
        if (!c)
            return;
        lac_http_refused(s, LAC_HTTP_REFUSED_CROWD);
        if (c->phase == LAC_HTTP_PHASE_BODY)
            lac_http_send_raw(c->fd, 503, "too-many-connections",
                              "Too many clients are connected. Nothing was decided.");
        cut(c);
    }
}

/* Closes those nobody is talking on. One whose next request is in the socket's buffer already is
 * left alone: that request is served and its answer says that it was the last. */
void lac_http_conns_quiesce(struct lac_http_server *s)
{
    for (size_t i = 0; i < s->conn_count; i++) {
        struct lac_http_conn *c = &s->conns[i];
        if (c->fd < 0 || !c->mhd)
            continue;
        bool resting =
            c->phase == LAC_HTTP_PHASE_IDLE || (c->phase == LAC_HTTP_PHASE_HEADER && !c->used);
        if (resting && !has_input(c))
            cut(c);
    }
}

void lac_http_conns_abandon(struct lac_http_server *s)
{
    for (size_t i = 0; i < s->conn_count; i++) {
        struct lac_http_conn *c = &s->conns[i];
        struct lac_http_request *r = c->mhd ? c->request : NULL;
        if (r && r->stage == LAC_HTTP_STAGE_KEPT && !r->resumed)
            lac_http_request_abandon(r, 0);
    }
}
