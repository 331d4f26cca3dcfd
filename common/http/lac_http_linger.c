/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lac_http_internal.h"

enum {
    LINGER_MS = 2000, /* an answer of a few hundred bytes has long arrived */
    CHUNK = 16384,
};

static void end(struct lac_http_server *s, struct lac_http_linger *l)
{
    (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, l->fd, NULL);
    close(l->fd);
    l->fd = -1;
    s->linger_count--;
}

/* A free place, or the one that has waited longest: clients can't make us hold more. */
static struct lac_http_linger *place(struct lac_http_server *s)
{
    struct lac_http_linger *oldest = &s->lingers[0];
    for (size_t i = 0; i < LAC_HTTP_LINGERS; i++) {
        if (s->lingers[i].fd < 0)
            return &s->lingers[i];
        if (s->lingers[i].deadline_ms < oldest->deadline_ms)
            oldest = &s->lingers[i];
    }
    end(s, oldest);
    return oldest;
}

void lac_http_linger_begin(struct lac_http_server *s, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return; /* out of descriptors: the reset is the lesser evil */
    (void)shutdown(copy, SHUT_WR);
    struct lac_http_linger *l = place(s);
    *l = (struct lac_http_linger){.source = {LAC_HTTP_SOURCE_LINGER},
                                  .fd = copy,
                                  .deadline_ms = s->now_ms + LINGER_MS,
                                  .budget = s->options.drain_bytes};
    struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP, .data = {.ptr = l}};
    if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, copy, &ev) < 0) {
        close(copy);
        l->fd = -1;
        return;
    }
    s->linger_count++;
}

void lac_http_linger_ready(struct lac_http_server *s, struct lac_http_linger *l)
{
    char sink[CHUNK];
    if (l->fd < 0)
        return; /* ended earlier in this round */
    ssize_t n = recv(l->fd, sink, sizeof sink, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || (size_t)n >= l->budget) {
        end(s, l);
        return;
    }
    l->budget -= (size_t)n;
}

void lac_http_linger_expire(struct lac_http_server *s, bool all)
{
    if (s->linger_count == 0)
        return;
    for (size_t i = 0; i < LAC_HTTP_LINGERS; i++)
        if (s->lingers[i].fd >= 0 && (all || s->lingers[i].deadline_ms <= s->now_ms))
            end(s, &s->lingers[i]);
}

uint64_t lac_http_linger_next(const struct lac_http_server *s)
{
    uint64_t next = UINT64_MAX;
    if (s->linger_count == 0)
        return next;
    for (size_t i = 0; i < LAC_HTTP_LINGERS; i++)
        if (s->lingers[i].fd >= 0 && s->lingers[i].deadline_ms < next)
            next = s->lingers[i].deadline_ms;
    return next;
}
