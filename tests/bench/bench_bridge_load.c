/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench_bridge.h"
#include "lac_clock.h"

enum { ANSWER_MAX = 16384, PATIENCE_MS = 5000 };

struct client {
    int fd;
    uint64_t due_ns; /* of the question under way; 0: none */
    size_t len;
    char got[ANSWER_MAX];
};

static const char request[] =
    "POST /api/v1/classify HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: bench\r\n"
    "Accept: */*\r\nContent-Type: application/json\r\nContent-Length: 126\r\n\r\n"
    "{\"query\":\"What did we agree with the supplier last quarter?\",\"project\":\"north\","
    "\"user_id\":\"u-104711\",\"user_role\":\"analyst1234\"}";

void bench_pin(int core)
{
    cpu_set_t set;

    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        return;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static int dial(uint16_t port)
{
    const int on = 1;
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static int ask(struct client *c)
{
    c->len = 0;
    return send(c->fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == sizeof(request) - 1 ? 0 : -1;
}

/* 1: a whole answer is there; 0: not yet; -1: broken, or not a 200. */
static int hear(struct client *c, size_t *body_bytes)
{
    ssize_t n = recv(c->fd, c->got + c->len, sizeof(c->got) - 1 - c->len, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n <= 0) {
        fprintf(stderr, "bridge: a connection ended: %s\n", n < 0 ? strerror(errno) : "closed");
        return -1;
    }
    c->len += (size_t)n;
    c->got[c->len] = '\0';
    const char *end = strstr(c->got, "\r\n\r\n");
    if (!end)
        return 0;
    if (strncmp(c->got, "HTTP/1.1 200 ", 13) != 0) {
        fprintf(stderr, "bridge: answered %.200s\n", c->got);
        return -1;
    }
    const char *length = strstr(c->got, "Content-Length: ");
    if (!length)
        return -1;
    *body_bytes = strtoul(length + 16, NULL, 10);
    return c->len >= (size_t)(end + 4 - c->got) + *body_bytes;
}

static int measure(struct client *clients, int epoll_fd, struct bench_load *l)
{
    uint64_t begin = 0, start = lac_clock_mono_ns(), now = start, before = 0;
    uint64_t warm = start + (uint64_t)l->ms * 100000, end = start + (uint64_t)l->ms * 1100000;
    struct epoll_event events[BENCH_CONNECTIONS];

    for (size_t i = 0; i < BENCH_CONNECTIONS; i++)
        if (ask(&clients[i]) != 0)
            return -1;
    while (now < end) {
        int n = epoll_wait(epoll_fd, events, BENCH_CONNECTIONS, PATIENCE_MS);
        if (n <= 0)
            return -1;
        for (int i = 0; i < n; i++) {
            int done = hear(events[i].data.ptr, &l->answer_bytes);
            if (done < 0 || (done > 0 && ask(events[i].data.ptr) != 0))
                return -1;
            l->answered += done > 0;
        }
        now = lac_clock_mono_ns();
        if (!begin && now >= warm) {
            begin = now;
            before = l->answered;
        }
    }
    l->rate = (double)(l->answered - before) * 1e9 / (double)(now - begin);
    return 0;
}

/* Returns how many are connected. */
static size_t dial_all(struct client *clients, int epoll_fd, uint16_t port)
{
    size_t n = 0;

    for (; clients && n < BENCH_CONNECTIONS; n++) {
        struct epoll_event ev = {.events = EPOLLIN, .data = {.ptr = &clients[n]}};
        clients[n].fd = dial(port);
        if (clients[n].fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, clients[n].fd, &ev) < 0)
            break;
    }
    return n;
}

int bench_load(struct bench_load *l)
{
    struct client *clients = calloc(BENCH_CONNECTIONS, sizeof(*clients));
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC), rc = -1;
    size_t n = dial_all(clients, epoll_fd, l->port);

    l->answered = 0;
    if (n == BENCH_CONNECTIONS)
        rc = measure(clients, epoll_fd, l);
    for (size_t i = 0; i < n; i++)
        close(clients[i].fd);
    close(epoll_fd);
    free(clients);
    return rc;
}

/* ---- paced ---- */

void bench_samples_add(struct bench_samples *s, uint64_t ns)
{
    if (s->count == s->capacity) {
        size_t more = s->capacity ? 2 * s->capacity : 4096;
        uint64_t *longer = realloc(s->ns, more * sizeof(*longer));
        if (!longer) {
            s->failed = 1;
            return;
        }
        s->ns = longer;
        s->capacity = more;
    }
    s->ns[s->count++] = ns;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

int bench_samples_end(struct bench_samples *s, struct bench_latency *out)
{
    int rc = s->failed || s->count == 0 ? -1 : 0;

    if (rc == 0) {
        qsort(s->ns, s->count, sizeof(*s->ns), by_value);
        uint64_t p50_ns = s->ns[s->count / 2], p99_ns = s->ns[s->count * 99 / 100];

        out->p50_us = (double)p50_ns / 1000;
        out->p99_us = (double)p99_ns / 1000;
    }
    free(s->ns);
    *s = (struct bench_samples){0};
    return rc;
}

uint16_t bench_free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)bind(fd, (struct sockaddr *)&at, len);
    (void)getsockname(fd, (struct sockaddr *)&at, &len);
    close(fd);
    return ntohs(at.sin_port);
}

/* In turn: the bridge closes one that says nothing for long. */
static struct client *idle_client(struct client *clients, uint64_t turn)
{
    for (size_t i = 0; i < BENCH_CONNECTIONS; i++) {
        struct client *c = &clients[(turn + i) % BENCH_CONNECTIONS];
        if (!c->due_ns)
            return c;
    }
    return NULL;
}

/* Sleeps to the nanosecond: a generator that spins takes a core from what it measures. */
static int take_answers(int epoll_fd, struct bench_samples *s, uint64_t wait_ns)
{
    struct epoll_event events[BENCH_CONNECTIONS];
    struct timespec wait = {(time_t)(wait_ns / 1000000000u), (long)(wait_ns % 1000000000u)};
    int n = epoll_pwait2(epoll_fd, events, BENCH_CONNECTIONS, &wait, NULL);

    for (int i = 0; i < n; i++) {
        struct client *c = events[i].data.ptr;
        size_t bytes;
        int done = hear(c, &bytes);
        if (done < 0)
            return -1;
        if (done == 0)
            continue;
        bench_samples_add(s, lac_clock_mono_ns() - c->due_ns);
        c->due_ns = 0;
    }
    return 0;
}

static int pace(struct client *clients, int epoll_fd, double rate, uint32_t ms,
                struct bench_samples *s)
{
    uint64_t start = lac_clock_mono_ns(), sent = 0, wanted = (uint64_t)(rate * ms / 1000);
    uint64_t give_up = start + (uint64_t)(ms + PATIENCE_MS) * 1000000;

    while (s->count < wanted && lac_clock_mono_ns() < give_up) {
        uint64_t due = start + (uint64_t)((double)sent * 1e9 / rate), now = lac_clock_mono_ns();
        struct client *c = sent < wanted && now >= due ? idle_client(clients, sent) : NULL;
        if (c) {
            c->due_ns = due;
            sent++;
            if (ask(c) != 0)
                return -1;
            continue;
        }
        uint64_t wait_ns = sent < wanted && due > now ? due - now : 1000000;
        if (take_answers(epoll_fd, s, wait_ns) != 0)
            return -1;
    }
    if (s->count == wanted)
        return 0;
    fprintf(stderr, "bridge: %zu of %llu answers came\n", s->count, (unsigned long long)wanted);
    return -1;
}

int bench_paced(uint16_t port, double rate, uint32_t ms, struct bench_latency *out)
{
    struct client *clients = calloc(BENCH_CONNECTIONS, sizeof(*clients));
    struct bench_samples s = {0};
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC), rc = -1;
    size_t n = dial_all(clients, epoll_fd, port);

    if (n == BENCH_CONNECTIONS)
        rc = pace(clients, epoll_fd, rate, ms, &s);
    for (size_t i = 0; i < n; i++)
        close(clients[i].fd);
    close(epoll_fd);
    free(clients);
    return bench_samples_end(&s, out) == 0 ? rc : -1;
}
