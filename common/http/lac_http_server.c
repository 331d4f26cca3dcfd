/* SPDX-License-Identifier: Apache-2.0 */
/* The loop. */
#include "lac_http_server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lac_assert.h"
#include "lac_clock.h"
#include "lac_http_internal.h"
#include "lac_thread.h"

enum {
    EVENTS = 64,
    READ_STEP = 4096,        /* the library grows its read buffer by this */
    OVERHEAD = 2 * 1024,     /* its own structures and the answer's headers */
    OWNERS_GRACE_MS = 30000, /* for owners in other threads to give requests back at close */
    THREAD_ROUND_MS = 60000, /* upper bound only: every event and deadline ends a wait */
};

/*
 * Up to 0.9 it refuses two things, both of which we see and refuse in JSON: no Host, and a space in
 * the path. From 1.0 on it also decides about ends of lines and folded headers.
 */
#if MHD_VERSION < 0x01000000
enum { STRICT = 0 };
#else
enum { STRICT = 1 };
#endif

static void fill_defaults(struct lac_http_server_options *o)
{
    if (!o->connections)
        o->connections = 1024;
    if (!o->header_bytes)
        o->header_bytes = 8 << 10;
    if (!o->body_bytes)
        o->body_bytes = 1 << 20;
    if (!o->drain_bytes)
        o->drain_bytes = 1 << 20;
    if (!o->header_ms)
        o->header_ms = 5000;
    if (!o->body_ms)
        o->body_ms = 10000;
    if (!o->handler_ms)
        o->handler_ms = 60000;
    if (!o->send_ms)
        o->send_ms = 10000;
    if (!o->idle_ms)
        o->idle_ms = 60000;
}

static enum lac_status start_daemon(struct lac_http_server *s, struct lac_err *err)
{
    const struct lac_http_server_options *o = &s->options;
    struct MHD_OptionItem per_ip[] = {
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, (intptr_t)o->connections_per_ip, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    /* No MHD_USE_ERROR_LOG: its lines could quote a request. */
    s->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        lac_http_request_step, s, MHD_OPTION_LISTEN_SOCKET, s->listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, o->connections + LAC_HTTP_SPARE,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, o->header_bytes + OVERHEAD,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)READ_STEP, MHD_OPTION_URI_LOG_CALLBACK,
        lac_http_request_begin, s, MHD_OPTION_NOTIFY_COMPLETED, lac_http_request_end, s,
        MHD_OPTION_NOTIFY_CONNECTION, lac_http_conn_notify, s, MHD_OPTION_STRICT_FOR_CLIENT, STRICT,
        MHD_OPTION_ARRAY, per_ip + (o->connections_per_ip ? 0 : 1), MHD_OPTION_END);
    if (!s->daemon)
        return lac_err_set(err, LAC_FATAL, errno, "http: the server did not start on %s",
                           s->address);
    return LAC_OK;
}

static enum lac_status add_source(struct lac_http_server *s, int fd, void *source,
                                  struct lac_err *err)
{
    struct epoll_event ev = {.events = EPOLLIN, .data = {.ptr = source}};
    if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
        return lac_err_set(err, LAC_FATAL, errno, "http: epoll_ctl: %s", lac_errno_text(errno));
    return LAC_OK;
}

static enum lac_status start_loop(struct lac_http_server *s, struct lac_err *err)
{
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->epoll_fd < 0 || s->wake_fd < 0)
        return lac_err_set(err, LAC_FATAL, errno, "http: no descriptors: %s",
                           lac_errno_text(errno));
    s->daemon_source.kind = LAC_HTTP_SOURCE_DAEMON;
    s->wake_source.kind = LAC_HTTP_SOURCE_WAKE;
    enum lac_status status = start_daemon(s, err);
    if (status != LAC_OK)
        return status;
    int fd = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    status = add_source(s, fd, &s->daemon_source, err);
    if (status == LAC_OK)
        status = add_source(s, s->wake_fd, &s->wake_source, err);
    return status;
}

enum lac_status lac_http_server_open(struct lac_http_server **out,
                                     const struct lac_http_server_options *options,
                                     struct lac_err *err)
{
    *out = NULL;
    struct lac_http_server *s = calloc(1, sizeof *s);
    if (!s)
        return lac_err_set(err, LAC_FATAL, 0, "http: out of memory");
    s->options = *options;
    fill_defaults(&s->options);
    s->listen_fd = s->epoll_fd = s->wake_fd = -1;
    s->now_ms = lac_clock_mono_ms();
    atomic_store_explicit(&s->loop_thread, pthread_self(), memory_order_relaxed);
    pthread_mutex_init(&s->lock, NULL);
    enum lac_status status = lac_http_conns_init(s, err);
    if (status == LAC_OK)
        status = lac_http_listen(options->listen, &s->listen_fd, s->address, sizeof s->address,
                                 &s->port, err);
    if (status == LAC_OK)
        status = start_loop(s, err);
    if (status != LAC_OK) {
        lac_http_server_close(s);
        return status;
    }
    *out = s;
    return LAC_OK;
}

const char *lac_http_library(void)
{
    return MHD_get_version();
}

const char *lac_http_server_address(const struct lac_http_server *s)
{
    return s->address;
}

uint16_t lac_http_server_port(const struct lac_http_server *s)
{
    return s->port;
}

size_t lac_http_server_connections(const struct lac_http_server *s)
{
    return atomic_load_explicit(&s->connection_count, memory_order_relaxed);
}

enum lac_status lac_http_server_watch(struct lac_http_server *s, int fd, void (*ready)(void *ctx),
                                      void *ctx, struct lac_err *err)
{
    LAC_ASSERT(s->watch_count < LAC_HTTP_WATCHES);
    struct lac_http_watch *w = &s->watches[s->watch_count];
    *w = (struct lac_http_watch){{LAC_HTTP_SOURCE_WATCH}, ready, ctx};
    enum lac_status status = add_source(s, fd, w, err);
    if (status == LAC_OK)
        s->watch_count++;
    return status;
}

void lac_http_server_wake(struct lac_http_server *s)
{
    const uint64_t one = 1;
    /* Fails only when the counter is full, and then the loop is awake anyway. */
    (void)!write(s->wake_fd, &one, sizeof one);
}

void lac_http_server_quiesce(struct lac_http_server *s)
{
    atomic_store(&s->quiesce_wanted, true);
    lac_http_server_wake(s);
}

static void quiesce(struct lac_http_server *s)
{
    if (!s->quiesced) {
        s->quiesced = true;
        if (MHD_quiesce_daemon(s->daemon) == s->listen_fd) {
            close(s->listen_fd); /* new clients are refused, not left in a queue */
            s->listen_fd = -1;
        }
    }
    lac_http_conns_quiesce(s);
}

/* The library has something to do that no descriptor tells of. */
static bool library_is_due(const struct lac_http_server *s)
{
    MHD_UNSIGNED_LONG_LONG wait;
    return MHD_get_timeout(s->daemon, &wait) == MHD_YES && wait == 0;
}

/* How long nothing needs to be done. */
static int wait_time(const struct lac_http_server *s, uint32_t wait_ms)
{
    MHD_UNSIGNED_LONG_LONG library;
    if (s->again)
        return 0;
    if (lac_http_conns_crowded(s) && wait_ms > LAC_HTTP_GRACE_MS)
        wait_ms = LAC_HTTP_GRACE_MS;
    uint32_t tick = s->options.tick_wait ? s->options.tick_wait(s->options.ctx) : wait_ms;
    if (tick < wait_ms)
        wait_ms = tick;
    if (MHD_get_timeout(s->daemon, &library) == MHD_YES && library < wait_ms)
        wait_ms = (uint32_t)library;
    uint64_t next = lac_http_conns_next(s), linger = lac_http_linger_next(s);
    if (linger < next)
        next = linger;
    if (next == UINT64_MAX)
        return (int)wait_ms;
    if (next <= s->now_ms)
        return 0;
    return next - s->now_ms < wait_ms ? (int)(next - s->now_ms) : (int)wait_ms;
}

/* One event that is not the library's. */
static void dispatch(struct lac_http_server *s, struct lac_http_source *source)
{
    uint64_t count;
    switch (source->kind) {
    case LAC_HTTP_SOURCE_DAEMON:
        return; /* MHD_run() follows in every round */
    case LAC_HTTP_SOURCE_WAKE:
        (void)!read(s->wake_fd, &count, sizeof count);
        return;
    case LAC_HTTP_SOURCE_WATCH: {
        struct lac_http_watch *w = (struct lac_http_watch *)source;
        w->ready(w->ctx);
        return;
    }
    case LAC_HTTP_SOURCE_CONN:
        lac_http_conn_hangup((struct lac_http_conn *)source);
        return;
    case LAC_HTTP_SOURCE_LINGER:
        lac_http_linger_ready(s, (struct lac_http_linger *)source);
        return;
    }
}

static void go_round(struct lac_http_server *s, uint32_t wait_ms)
{
    struct epoll_event events[EVENTS];
    atomic_store_explicit(&s->loop_thread, pthread_self(), memory_order_relaxed);
    int n = epoll_wait(s->epoll_fd, events, EVENTS, wait_time(s, wait_ms));
    s->now_ms = lac_clock_mono_ms();
    s->round++;
    for (int i = 0; i < n; i++)
        dispatch(s, events[i].data.ptr);
    lac_http_requests_finish(s);
    lac_http_conns_expire(s);
    lac_http_linger_expire(s, false);
    if (s->options.tick)
        s->options.tick(s->options.ctx);
    s->again = false;
    /* An answered connection is looked at once more before the library rests: at once is cheaper
     * than in a round of its own. */
    MHD_run(s->daemon);
    if (library_is_due(s))
        MHD_run(s->daemon);
    lac_http_conns_relieve(s);
    if (atomic_load_explicit(&s->quiesce_wanted, memory_order_relaxed))
        quiesce(s);
}

static void *serve(void *arg)
{
    struct lac_http_server *s = arg;
    atomic_store_explicit(&s->loop_thread, pthread_self(), memory_order_relaxed);
    while (!atomic_load_explicit(&s->stop, memory_order_acquire))
        go_round(s, THREAD_ROUND_MS);
    return NULL;
}

enum lac_status lac_http_server_start(struct lac_http_server *s, struct lac_err *err)
{
    enum lac_status status = lac_thread_start(&s->thread, serve, s, err);
    if (status != LAC_OK)
        return status;
    (void)pthread_setname_np(s->thread, "lac-http"); /* for top and gdb */
    s->threaded = true;
    return LAC_OK;
}

/* Everything kept is told that nobody waits, and comes back; then the library may stop. */
static void stop_daemon(struct lac_http_server *s)
{
    atomic_store_explicit(&s->loop_thread, pthread_self(), memory_order_relaxed);
    s->now_ms = lac_clock_mono_ms();
    uint64_t give_up = s->now_ms + OWNERS_GRACE_MS;
    atomic_store(&s->quiesce_wanted, true);
    quiesce(s);
    lac_http_conns_abandon(s);
    MHD_run(s->daemon);
    while (s->kept > 0) {
        LAC_ASSERT(lac_clock_mono_ms() < give_up); /* an owner broke its promise to answer */
        go_round(s, 10);
        lac_http_conns_abandon(s); /* what a last request in a buffer may have added */
    }
    MHD_stop_daemon(s->daemon);
    s->daemon = NULL;
}

void lac_http_server_close(struct lac_http_server *s)
{
    if (!s)
        return;
    if (s->threaded) {
        atomic_store_explicit(&s->stop, true, memory_order_release);
        lac_http_server_wake(s);
        pthread_join(s->thread, NULL);
    }
    if (s->daemon)
        stop_daemon(s);
    lac_http_linger_expire(s, true);
    lac_http_requests_deinit(s);
    lac_http_forms_deinit(s);
    lac_http_conns_deinit(s);
    if (s->listen_fd >= 0)
        close(s->listen_fd);
    if (s->epoll_fd >= 0)
        close(s->epoll_fd);
    if (s->wake_fd >= 0)
        close(s->wake_fd);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
