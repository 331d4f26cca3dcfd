/* SPDX-License-Identifier: Apache-2.0 */
/* The two servers that the bridge is measured against. */
#include "lac_http_internal.h" /* the way to microhttpd.h outside of common/http */

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench_bridge.h"
#include "lac_bench.h"

/* ---- libmicrohttpd's hello world ---- */

struct bench_hello {
    struct MHD_Daemon *daemon;
    char *body;
    size_t size;
    clockid_t clock; /* of its thread, from its first request on */
    int pinned;
};

static enum MHD_Result hello(void *cls, struct MHD_Connection *c, const char *url,
                             const char *method, const char *version, const char *data,
                             size_t *size, void **context)
{
    static int seen;
    struct bench_hello *h = cls;

    (void)url;
    (void)method;
    (void)version;
    (void)data;
    if (!h->pinned) {
        h->pinned = 1;
        bench_pin(BENCH_SERVER_CORE);
        (void)pthread_getcpuclockid(pthread_self(), &h->clock);
    }
    if (!*context) { /* headers only */
        *context = &seen;
        return MHD_YES;
    }
    if (*size) {
        *size = 0;
        return MHD_YES;
    }
    struct MHD_Response *r =
        MHD_create_response_from_buffer(h->size, h->body, MHD_RESPMEM_PERSISTENT);
    (void)MHD_add_response_header(r, "Content-Type", "application/json");
    enum MHD_Result queued = MHD_queue_response(c, 200, r);
    MHD_destroy_response(r);
    return queued;
}

struct bench_hello *bench_hello_start(size_t bytes)
{
    struct bench_hello *h = calloc(1, sizeof(*h));
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};

    if (!h)
        return NULL;
    h->body = malloc(bytes + 1);
    h->size = bytes;
    if (h->body)
        memset(h->body, 'x', bytes);
    h->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TURBO, 0, NULL, NULL,
                                 hello, h, MHD_OPTION_SOCK_ADDR, &at, MHD_OPTION_END);
    if (h->daemon && h->body)
        return h;
    bench_hello_stop(h);
    return NULL;
}

uint16_t bench_hello_port(const struct bench_hello *h)
{
    return MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

uint64_t bench_hello_cpu_ns(const struct bench_hello *h)
{
    return h->pinned ? lac_bench_clock_ns(h->clock) : 0;
}

void bench_hello_stop(struct bench_hello *h)
{
    if (!h)
        return;
    if (h->daemon)
        MHD_stop_daemon(h->daemon);
    free(h->body);
    free(h);
}

/* ---- the floor ---- */

struct bench_raw {
    int listen_fd, epoll_fd, stop_fd;
    uint16_t port;
    pthread_t thread;
    char *answer;
    size_t size;
};

static void serve_one(struct bench_raw *r, int fd)
{
    static char in[65536];
    ssize_t n = recv(fd, in, sizeof(in), 0);

    /* One request in one segment, as the load sends it over loopback. */
    if (n <= 0 || send(fd, r->answer, r->size, MSG_NOSIGNAL) < 0)
        close(fd);
}

static void *serve(void *arg)
{
    struct bench_raw *r = arg;
    struct epoll_event events[BENCH_CONNECTIONS];

    bench_pin(BENCH_SERVER_CORE);
    for (;;) {
        int n = epoll_wait(r->epoll_fd, events, BENCH_CONNECTIONS, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == r->stop_fd)
                return NULL;
            if (fd != r->listen_fd) {
                serve_one(r, fd);
                continue;
            }
            fd = accept4(r->listen_fd, NULL, NULL, SOCK_CLOEXEC);
            struct epoll_event ev = {.events = EPOLLIN, .data = {.fd = fd}};
            if (fd >= 0)
                (void)epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
        }
    }
}

static void release(struct bench_raw *r)
{
    close(r->listen_fd);
    close(r->epoll_fd);
    close(r->stop_fd);
    free(r->answer);
    free(r);
}

static bool prepare(struct bench_raw *r, size_t bytes)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    int fds[2];

    r->answer = malloc(bytes + 256);
    r->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    r->stop_fd = eventfd(0, EFD_CLOEXEC);
    fds[0] = r->listen_fd;
    fds[1] = r->stop_fd;
    if (!r->answer || bind(r->listen_fd, (struct sockaddr *)&at, len) < 0 ||
        listen(r->listen_fd, 128) < 0 ||
        getsockname(r->listen_fd, (struct sockaddr *)&at, &len) < 0)
        return false;
    r->port = ntohs(at.sin_port);
    int head = sprintf(r->answer,
                       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n",
                       bytes);
    memset(r->answer + head, 'x', bytes);
    r->size = (size_t)head + bytes;
    for (size_t i = 0; i < 2; i++) {
        struct epoll_event ev = {.events = EPOLLIN, .data = {.fd = fds[i]}};
        if (epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, fds[i], &ev) < 0)
            return false;
    }
    return true;
}

struct bench_raw *bench_raw_start(size_t bytes)
{
    struct bench_raw *r = calloc(1, sizeof(*r));

    if (r && prepare(r, bytes) && pthread_create(&r->thread, NULL, serve, r) == 0)
        return r;
    if (r)
        release(r);
    return NULL;
}

uint16_t bench_raw_port(const struct bench_raw *r)
{
    return r->port;
}

void bench_raw_stop(struct bench_raw *r)
{
    const uint64_t one = 1;

    if (!r)
        return;
    (void)!write(r->stop_fd, &one, sizeof(one));
    pthread_join(r->thread, NULL);
    release(r);
}
