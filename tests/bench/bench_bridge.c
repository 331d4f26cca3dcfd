/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bridge.echo: the bridge's whole way (route, body, ids, slot, record, reply, answer) with a
 * fixed decision in the process, against libmicrohttpd's hello world with the same load and
 * answer size. bridge.echo.kept: the same when the reply comes in a later round of the loop, as
 * it does from Kafka. Each has a second line, .cpu: requests per second of the server thread's
 * CPU time, which neighbours on the machine change less. The figure of a bare epoll server stands
 * on stderr.
 */
#include "bench_bridge.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_arena.h"
#include "lac_bench.h"
#include "lac_bridge.h"
#include "lac_records.h"
#include "lac_wire.h"

enum { ROUND_MS = 2000, WAITING_MAX = 1024, ROUNDS = 7 };

struct echo {
    struct lac_bridge *bridge;
    struct bench_hello *hello;
    struct lac_metrics *metrics;
    char reply[1024]; /* a Decision, framed */
    size_t reply_size;
    bool later;
    char waiting[WAITING_MAX][40];
    size_t waiting_count;
    bool pinned;
    clockid_t clock; /* of the server's thread, from its first request on */
    double scale;
    size_t bytes; /* of an answer */
};

static void give(struct echo *e, struct lac_str correlation)
{
    lac_bridge_reply(e->bridge, correlation, LAC_STR(LAC_WIRE_CONTENT_TYPE),
                     (struct lac_str){e->reply, e->reply_size});
}

static enum lac_status send_echo(void *ctx, const struct lac_bridge_message *m, struct lac_err *err)
{
    struct echo *e = ctx;

    (void)err;
    if (!e->pinned) {
        e->pinned = true;
        bench_pin(BENCH_SERVER_CORE);
        (void)pthread_getcpuclockid(pthread_self(), &e->clock);
    }
    if (!e->later) {
        give(e, m->correlation);
        return LAC_OK;
    }
    if (e->waiting_count == WAITING_MAX)
        return LAC_AGAIN;
    memcpy(e->waiting[e->waiting_count++], m->correlation.ptr, m->correlation.len);
    /* As Kafka's descriptor does: one wake-up for all replies that are there. */
    if (e->waiting_count == 1)
        lac_http_server_wake(lac_bridge_server(e->bridge));
    return LAC_OK;
}

static void tick_echo(void *ctx)
{
    struct echo *e = ctx;

    for (size_t i = 0; i < e->waiting_count; i++)
        give(e, (struct lac_str){e->waiting[i], 32});
    e->waiting_count = 0;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the bridge says what it looks like */
static bool ready_echo(void *ctx, char *why, size_t size)
{
    (void)ctx;
    (void)why;
    (void)size;
    return true;
}

static void event_id_echo(void *ctx, int32_t partition, int64_t offset, int64_t timestamp_ms,
                          struct lac_event_id *out)
{
    (void)ctx;
    (void)partition;
    (void)offset;
    (void)timestamp_ms;
    *out = (struct lac_event_id){{0}};
}

/* What a worker says about a text in which nothing was found. */
static int make_reply(struct echo *e)
{
    struct lac_decision_core core = {.semantics = 1,
                                     .tenant = LAC_STR("default"),
                                     .tier = LAC_TIER_INTERNAL,
                                     .posterior = {300000, 500000, 200000},
                                     .stop = LAC_STOP_EXHAUSTED,
                                     .commitment_key = LAC_STR("default"),
                                     .engine = LAC_STR("rules/1")};
    char bytes[512];
    struct lac_str framed;
    struct lac_arena arena;
    struct lac_wire *wire;
    struct lac_decision d = {
        .final = true,
        .request_id = LAC_STR("0193a5f2-7c1e-7b30-9a55-0e2f6f1c2d3e"),
        .origin = {.origin = LAC_STR("MkU3OEVBNTcwNTJENDM2Qk"),
                   .topic = LAC_STR("lacuna.requests.interactive")},
        .core = {bytes, lac_decision_core_encode(&core, bytes)},
        .instance = LAC_STR("classify-0"),
        .program_version = LAC_STR("0.1.0"),
    };
    int rc = -1;

    if (lac_arena_init(&arena, 65536, NULL) != LAC_OK)
        return -1;
    if (lac_wire_open(&wire, NULL, NULL) == LAC_OK) {
        if (lac_wire_write(wire, &lac_decision_type, &d, &arena, &framed, NULL) == LAC_OK &&
            framed.len <= sizeof(e->reply)) {
            memcpy(e->reply, framed.ptr, framed.len);
            e->reply_size = framed.len;
            rc = 0;
        }
        lac_wire_close(wire);
    }
    lac_arena_deinit(&arena);
    return rc;
}

static int start_bridge(struct echo *e)
{
    struct lac_err err = {0};
    const struct lac_bridge_options o = {.http = {.listen = "127.0.0.1:0"},
                                         .version = "bench",
                                         .in_flight = 4096,
                                         .deadline_ms = 5000,
                                         .idempotency_ttl_ms = 600000,
                                         .metrics = e->metrics,
                                         .link = {.ctx = e,
                                                  .send = send_echo,
                                                  .event_id = event_id_echo,
                                                  .usable = ready_echo,
                                                  .ready = ready_echo,
                                                  .tick = tick_echo}};

    if (lac_bridge_open(&e->bridge, &o, &err) == LAC_OK &&
        lac_http_server_start(lac_bridge_server(e->bridge), &err) == LAC_OK)
        return 0;
    fprintf(stderr, "bridge.echo: %s\n", err.text);
    return -1;
}

/* Rate by the clock on the wall and by that of the server's thread. */
struct figure {
    double wall, cpu;
};

static int run_bridge(struct echo *e, struct figure *f)
{
    struct bench_load l = {.port = lac_http_server_port(lac_bridge_server(e->bridge)),
                           .ms = (uint32_t)(ROUND_MS * e->scale)};
    uint64_t before = e->pinned ? lac_bench_clock_ns(e->clock) : 0;

    if (bench_load(&l) != 0)
        return -1;
    e->bytes = l.answer_bytes;
    *f = (struct figure){l.rate, (double)l.answered * 1e9 /
                                     (double)(lac_bench_clock_ns(e->clock) - before)};
    return 0;
}

static int run_hello(struct echo *e, struct figure *f)
{
    if (!e->hello) /* now the size is known */
        e->hello = bench_hello_start(e->bytes);
    if (!e->hello)
        return -1;
    struct bench_load l = {.port = bench_hello_port(e->hello),
                           .ms = (uint32_t)(ROUND_MS * e->scale)};
    uint64_t before = bench_hello_cpu_ns(e->hello);
    if (bench_load(&l) != 0)
        return -1;
    *f = (struct figure){l.rate, (double)l.answered * 1e9 /
                                     (double)(bench_hello_cpu_ns(e->hello) - before)};
    return 0;
}

static void show_floor(const struct echo *e, const char *name)
{
    struct bench_raw *raw = bench_raw_start(e->bytes);

    if (!raw)
        return;
    struct bench_load l = {.port = bench_raw_port(raw), .ms = (uint32_t)(ROUND_MS * e->scale)};
    if (bench_load(&l) == 0)
        fprintf(stderr, "%s: answers of %zu bytes; bare epoll server %.0f requests/s\n", name,
                e->bytes, l.rate);
    bench_raw_stop(raw);
}

static int run_rounds(struct echo *e, const char *name, size_t rounds)
{
    double ours[2][LAC_BENCH_ROUNDS_MAX], baseline[2][LAC_BENCH_ROUNDS_MAX];
    struct figure a, b;
    char cpu[64];

    if (rounds > LAC_BENCH_ROUNDS_MAX)
        rounds = LAC_BENCH_ROUNDS_MAX;
    if (run_bridge(e, &a) != 0 || run_hello(e, &b) != 0) /* warm */
        return -1;
    for (size_t i = 0; i < rounds; i++) {
        if (run_bridge(e, &a) != 0 || run_hello(e, &b) != 0)
            return -1;
        ours[0][i] = a.wall;
        ours[1][i] = a.cpu;
        baseline[0][i] = b.wall;
        baseline[1][i] = b.cpu;
    }
    snprintf(cpu, sizeof(cpu), "%s.cpu", name);
    lac_bench_report(name, "libmicrohttpd hello", "requests/s", ours[0], baseline[0], rounds);
    lac_bench_report(cpu, "libmicrohttpd hello", "requests/cpu-s", ours[1], baseline[1], rounds);
    return 0;
}

static int run_echo(const struct lac_bench_case *self, const struct lac_bench_options *o,
                    bool later)
{
    struct echo *e = calloc(1, sizeof(*e));
    int rc = -1;

    if (!e)
        return -1;
    e->later = later;
    e->scale = o->scale;
    bench_pin(BENCH_LOAD_CORE);
    if (lac_metrics_new(&e->metrics, NULL) == LAC_OK && make_reply(e) == 0 && start_bridge(e) == 0)
        rc = run_rounds(e, self->name, o->rounds ? o->rounds : ROUNDS);
    if (rc == 0)
        show_floor(e, self->name);
    lac_bridge_close(e->bridge);
    bench_hello_stop(e->hello);
    lac_metrics_free(e->metrics);
    free(e);
    return rc;
}

static int echo(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    return run_echo(self, o, false);
}

static int echo_kept(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    return run_echo(self, o, true);
}

LAC_BENCH_CASES({"bridge.echo", NULL, echo}, {"bridge.echo.kept", NULL, echo_kept});
