/* SPDX-License-Identifier: Apache-2.0 */
/* Requests over HTTP against a classifier that answers, dawdles, fails or is silent. */
#include "lac_bridge.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lac_arena.h"
#include "lac_bridge_lookup.h"
#include "lac_clock.h"
#include "lac_http_client.h"
#include "lac_json.h"
#include "lac_records.h"
#include "lac_test.h"
#include "lac_wire.h"

enum { IN_FLIGHT = 8, DEADLINE_MS = 150 };

/* How the classifier behind the link behaves. */
static struct {
    atomic_bool silent, undelivered, unready, too_large, provisional, delivered_only, stopping;
    atomic_uint delay_ms;
    atomic_int core; /* of replies: an enum core */
} mode;

enum core { CORE_WHOLE, CORE_NONE, CORE_CUT, CORE_LONGER, CORES };

static struct lac_bridge *bridge;
static struct lac_bridge_lookup *lookup; /* NULL: none */
static struct lac_metrics *metrics;
static struct lac_http_client *client;
static struct lac_buf got;
static unsigned http;
static struct lac_wire *wire;
static struct lac_arena arena;
static char last_request_id[256], last_traceparent[64], last_tenant[64];
static atomic_int sent;

/* What waits to be answered, in the loop's thread. */
static struct pending {
    bool used;
    uint64_t ref, due_ms;
    char correlation[64], request_id[160];
} pending[64];

static void reply(const struct pending *p, bool final)
{
    struct lac_decision_core core = {.semantics = 1,
                                     .tenant = LAC_STR("default"),
                                     .tier = LAC_TIER_INTERNAL,
                                     .posterior = {100000, 800000, 100000},
                                     .commitment_key = LAC_STR("k"),
                                     .engine = LAC_STR("rules/1")};
    char bytes[512] = "";
    struct lac_str value;
    size_t n = lac_decision_core_encode(&core, bytes);
    const size_t sizes[CORES] = {[CORE_WHOLE] = n, [CORE_CUT] = n - 1, [CORE_LONGER] = n + 1};
    struct lac_decision d = {.event_id = {{0xab}},
                             .final = final,
                             .request_id = lac_str_from(p->request_id),
                             .origin = {.origin = LAC_STR("o"), .topic = LAC_STR("t")},
                             .core = {bytes, sizes[mode.core]},
                             .instance = LAC_STR("i"),
                             .program_version = LAC_STR("v")};
    lac_arena_reset(&arena);
    LAC_TEST_NEED(lac_wire_write(wire, &lac_decision_type, &d, &arena, &value, NULL) == LAC_OK);
    lac_bridge_reply(bridge, lac_str_from(p->correlation), LAC_STR_NULL, value);
}

static enum lac_status send_fake(void *ctx, const struct lac_bridge_message *m, struct lac_err *err)
{
    struct lac_request request;
    (void)ctx;
    sent++;
    if (mode.too_large)
        return lac_err_set(err, LAC_REJECT, 0, "too large");
    lac_arena_reset(&arena);
    if (lac_wire_read(wire, &lac_request_type, &request, m->value, LAC_STR_NULL, &arena, err) !=
        LAC_OK)
        return LAC_REJECT;
    snprintf(last_request_id, sizeof last_request_id, "%.*s", LAC_STR_FMT(m->key));
    snprintf(last_tenant, sizeof last_tenant, "%.*s", LAC_STR_FMT(request.tenant));
    snprintf(last_traceparent, sizeof last_traceparent, "%.*s", LAC_STR_FMT(m->traceparent));
    for (size_t i = 0; i < LAC_COUNT(pending); i++) {
        struct pending *p = &pending[i];
        if (p->used)
            continue;
        *p = (struct pending){
            .used = true, .ref = m->ref, .due_ms = lac_clock_mono_ms() + mode.delay_ms};
        snprintf(p->correlation, sizeof p->correlation, "%.*s", LAC_STR_FMT(m->correlation));
        snprintf(p->request_id, sizeof p->request_id, "%.*s", LAC_STR_FMT(m->key));
        return LAC_OK;
    }
    return LAC_AGAIN;
}

static void tick_fake(void *ctx)
{
    (void)ctx;
    for (size_t i = 0; i < LAC_COUNT(pending); i++) {
        struct pending p = pending[i];
        if (!p.used || p.due_ms > lac_clock_mono_ms())
            continue;
        if (mode.silent)
            continue;
        pending[i].used = false;
        lac_bridge_delivered(bridge, p.ref, !mode.undelivered, 4, 77);
        if (!mode.undelivered && !mode.delivered_only)
            reply(&p, !mode.provisional);
    }
}

static void event_id_fake(void *ctx, int32_t partition, int64_t offset, int64_t timestamp_ms,
                          struct lac_event_id *out)
{
    (void)ctx;
    (void)timestamp_ms;
    *out = (struct lac_event_id){{0xee, (uint8_t)partition, (uint8_t)offset}};
}

static bool ready_fake(void *ctx, char *why, size_t size)
{
    (void)ctx;
    snprintf(why, size, "%s", mode.unready ? "not yet" : "");
    return !mode.unready;
}

static bool stopping_fake(void *ctx)
{
    (void)ctx;
    return mode.stopping;
}

static void set_up(const char *key)
{
    struct lac_err err = {0};
    memset(&mode, 0, sizeof mode);
    memset(pending, 0, sizeof pending);
    sent = 0;
    LAC_TEST_NEED(lac_wire_open(&wire, NULL, &err) == LAC_OK);
    LAC_TEST_NEED(lac_arena_init(&arena, 1 << 20, &err) == LAC_OK);
    LAC_TEST_NEED(lac_metrics_new(&metrics, &err) == LAC_OK);
    struct lac_bridge_options o = {.http = {.listen = "127.0.0.1:0", .body_bytes = 16384},
                                   .api_key = key,
                                   .version = "1.2.3",
                                   .in_flight = IN_FLIGHT,
                                   .deadline_ms = DEADLINE_MS,
                                   .idempotency_ttl_ms = 60000,
                                   .metrics = metrics,
                                   .stopping = stopping_fake,
                                   .lookup = lookup,
                                   .link = {.send = send_fake,
                                            .event_id = event_id_fake,
                                            .usable = ready_fake,
                                            .ready = ready_fake,
                                            .tick = tick_fake}};
    LAC_TEST_NEED(lac_bridge_open(&bridge, &o, &err) == LAC_OK);
    LAC_TEST_NEED(lac_http_server_start(lac_bridge_server(bridge), &err) == LAC_OK);
    LAC_TEST_NEED(lac_http_client_new(&client, NULL, &err) == LAC_OK);
    lac_buf_init(&got, 1 << 20);
}

static void tear_down(void)
{
    lac_http_client_free(client);
    lac_buf_deinit(&got);
    lac_bridge_close(bridge);
    lac_metrics_free(metrics);
    lac_wire_close(wire);
    lac_arena_deinit(&arena);
}

/* POSTs or GETs; returns the parsed answer, which the caller frees. */
static struct lac_json *ask_with(const char *path, const char *body, const char *header)
{
    char url[1024];
    struct lac_err err = {0};
    struct lac_json *doc = NULL;
    const char *headers[] = {"Content-Type: application/json", header};
    snprintf(url, sizeof url, "http://%s%s", lac_http_server_address(lac_bridge_server(bridge)),
             path);
    lac_buf_reset(&got);
    struct lac_http_call call = {.url = url,
                                 .headers = headers,
                                 .header_count = header ? 2 : 1,
                                 .body = lac_str_from(body),
                                 .status = &http,
                                 .into = &got};
    (void)!lac_http_client_send(client, &call, &err);
    (void)!lac_json_parse(&doc, lac_buf_str(&got), &err);
    return doc;
}

static struct lac_json *ask(const char *path, const char *body)
{
    return ask_with(path, body, NULL);
}

static bool is_text(const struct lac_json *doc, const char *key, const char *want)
{
    struct lac_str s = lac_json_string(lac_json_get(doc, key));
    return s.ptr && lac_str_is(s, want);
}

static void text_comes_back_as_a_decision(void)
{
    set_up(NULL);
    struct lac_json *doc =
        ask_with("/api/v1/classify", "{\"query\":\"hello\"}",
                 "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    LAC_TEST_EQ(http, 200);
    CU_ASSERT(is_text(doc, "tier", "INTERNAL") && is_text(doc, "request_id", last_request_id));
    CU_ASSERT(is_text(doc, "event_id", "ab000000000000000000000000000000"));
    CU_ASSERT(lac_json_bool(lac_json_get(doc, "final")));
    LAC_TEST_STR(last_tenant, "default");
    LAC_TEST_STR(last_traceparent, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    lac_json_free(doc);
    doc = ask("/api/v1/classify", "{\"text\":\"hello\",\"request_id\":\"mine\"}");
    CU_ASSERT(is_text(doc, "request_id", "mine"));
    lac_json_free(doc);
    tear_down();
}

static void batch_answers_item_by_item(void)
{
    set_up(NULL);
    struct lac_json *doc = ask(
        "/api/v1/classify/batch",
        "{\"items\":[{\"text\":\"a\",\"request_id\":\"r1\"},{\"txt\":\"b\"},{\"text\":\"c\"}]}");
    const struct lac_json *results = lac_json_get(doc, "results");
    LAC_TEST_EQ(http, 200);
    LAC_TEST_EQ(lac_json_size(results), 3);
    LAC_TEST_EQ(sent, 2);
    CU_ASSERT(is_text(lac_json_item(results, 0), "request_id", "r1"));
    const struct lac_json *error = lac_json_get(lac_json_item(results, 1), "error");
    LAC_TEST_EQ(lac_json_int(lac_json_get(error, "status")), 422);
    CU_ASSERT(is_text(lac_json_item(results, 2), "tier", "INTERNAL"));
    CU_ASSERT(lac_json_get(doc, "total_latency_ms") != NULL);
    lac_json_free(doc);
    doc = ask("/api/v1/classify/batch", "{\"queries\":[]}");
    LAC_TEST_EQ(http, 200);
    LAC_TEST_EQ(lac_json_size(lac_json_get(doc, "results")), 0);
    lac_json_free(doc);
    tear_down();
}

static void silence_ends_with_504_and_the_ids(void)
{
    set_up(NULL);
    mode.delivered_only = true;
    uint64_t start = lac_clock_mono_ms();
    struct lac_json *doc =
        ask("/api/v1/classify", "{\"text\":\"x\",\"request_id\":\"a/b\",\"deadline_ms\":60}");
    LAC_TEST_EQ(http, 504);
    CU_ASSERT(lac_clock_mono_ms() - start >= 60);
    CU_ASSERT(is_text(doc, "request_id", "a/b"));
    CU_ASSERT(is_text(doc, "event_id", "ee044d00000000000000000000000000"));
    CU_ASSERT(is_text(doc, "instance", "/api/v1/decisions?request_id=a%2Fb"));
    CU_ASSERT(is_text(doc, "type", "urn:lacuna:problem:deadline"));
    lac_json_free(doc);
    mode.silent = true;
    mode.delivered_only = false;
    doc = ask("/api/v1/classify/batch", "{\"queries\":[\"a\",\"b\"]}");
    LAC_TEST_EQ(http, 200);
    const struct lac_json *error =
        lac_json_get(lac_json_item(lac_json_get(doc, "results"), 1), "error");
    LAC_TEST_EQ(lac_json_int(lac_json_get(error, "status")), 504);
    CU_ASSERT(lac_json_get(error, "request_id") && !lac_json_get(error, "event_id"));
    lac_json_free(doc);
    tear_down();
}

/* Zeroes would read as PUBLIC. */
static void reply_whose_core_cannot_be_read_is_no_answer(void)
{
    for (int core = CORE_NONE; core < CORES; core++) {
        lac_test_row("core=%d", core);
        set_up(NULL);
        mode.core = core;
        struct lac_json *doc = ask("/api/v1/classify", "{\"text\":\"x\",\"deadline_ms\":60}");
        LAC_TEST_EQ(http, 504);
        CU_ASSERT(!lac_json_get(doc, "tier"));
        lac_json_free(doc);
        lac_json_free(ask("/metrics", NULL));
        CU_ASSERT(strstr(lac_buf_cstr(&got), "lacuna_bridge_unreadable_replies_total 1\n") != NULL);
        tear_down();
    }
}

static void provisional_answer_is_given_at_the_deadline(void)
{
    set_up(NULL);
    mode.provisional = true;
    uint64_t start = lac_clock_mono_ms();
    struct lac_json *doc = ask("/api/v1/classify", "{\"text\":\"x\",\"deadline_ms\":80}");
    LAC_TEST_EQ(http, 200);
    CU_ASSERT(lac_clock_mono_ms() - start >= 80);
    CU_ASSERT(lac_json_kind(lac_json_get(doc, "final")) == LAC_JSON_BOOL &&
              !lac_json_bool(lac_json_get(doc, "final")));
    lac_json_free(doc);
    tear_down();
}

static void what_kafka_does_not_take_is_503_or_413(void)
{
    set_up(NULL);
    mode.undelivered = true;
    struct lac_json *doc = ask("/api/v1/classify", "{\"text\":\"x\"}");
    LAC_TEST_EQ(http, 503);
    CU_ASSERT(is_text(doc, "type", "urn:lacuna:problem:not-delivered"));
    lac_json_free(doc);
    mode.unready = true;
    lac_json_free(ask("/api/v1/classify", "{\"text\":\"x\"}"));
    LAC_TEST_EQ(http, 503);
    lac_json_free(ask("/ready", NULL));
    LAC_TEST_EQ(http, 503);
    lac_json_free(ask("/health/live", NULL));
    LAC_TEST_EQ(http, 200);
    mode.unready = false;
    mode.too_large = true;
    lac_json_free(ask("/api/v1/classify", "{\"text\":\"x\"}"));
    LAC_TEST_EQ(http, 413);
    lac_json_free(ask("/ready", NULL));
    LAC_TEST_EQ(http, 200);
    tear_down();
}

static void bound_is_429(void)
{
    set_up(NULL);
    mode.silent = true;
    /* A batch of more than fits is refused whole, before anything is sent. */
    struct lac_json *doc = ask("/api/v1/classify/batch",
                               "{\"queries\":[\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"]}");
    LAC_TEST_EQ(http, 429);
    LAC_TEST_EQ(sent, 0);
    CU_ASSERT(is_text(doc, "type", "urn:lacuna:problem:too-many-requests"));
    lac_json_free(doc);
    tear_down();
}

static void same_key_is_answered_once_and_again(void)
{
    set_up(NULL);
    char first[4096];
    struct lac_json *doc =
        ask_with("/api/v1/classify", "{\"text\":\"x\"}", "Idempotency-Key: \"k1\"");
    LAC_TEST_EQ(http, 200);
    snprintf(first, sizeof first, "%s", lac_buf_cstr(&got));
    CU_ASSERT(is_text(doc, "request_id", last_request_id) && last_request_id[14] == '8');
    lac_json_free(doc);
    lac_json_free(ask_with("/api/v1/classify", "{\"text\":\"x\"}", "Idempotency-Key: k1"));
    LAC_TEST_EQ(http, 200);
    LAC_TEST_STR(lac_buf_cstr(&got), first);
    LAC_TEST_EQ(sent, 1);
    lac_json_free(ask_with("/api/v1/classify", "{\"text\":\"y\"}", "Idempotency-Key: k1"));
    LAC_TEST_EQ(http, 422);
    lac_json_free(ask_with("/api/v1/classify", "{\"text\":\"y\",\"request_id\":\"r\"}",
                           "Idempotency-Key: k2"));
    LAC_TEST_EQ(http, 422);
    lac_json_free(ask_with("/api/v1/classify", "{\"text\":\"y\"}", "Idempotency-Key: \"\""));
    LAC_TEST_EQ(http, 400);
    /* A failure is not remembered. */
    mode.silent = true;
    lac_json_free(ask_with("/api/v1/classify", "{\"text\":\"z\"}", "Idempotency-Key: k3"));
    LAC_TEST_EQ(http, 504);
    mode.silent = false;
    lac_json_free(ask_with("/api/v1/classify", "{\"text\":\"z\"}", "Idempotency-Key: k3"));
    LAC_TEST_EQ(http, 200);
    tear_down();
}

static int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(lac_http_server_port(lac_bridge_server(bridge))),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    LAC_TEST_NEED(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

static const char kept_body[] = "{\"text\":\"x\",\"deadline_ms\":500000}";
static const char request_with_key[] =
    "POST /api/v1/classify HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
    "Idempotency-Key: gone\r\nContent-Length: 33\r\n\r\n{\"text\":\"x\",\"deadline_ms\":500000}";

/* The client's connection breaks; it comes back with the same key and gets the one decision. */
static void client_that_left_finds_its_answer(void)
{
    set_up(NULL);
    mode.silent = true;
    int fd = dial();
    CU_ASSERT(send(fd, request_with_key, sizeof request_with_key - 1, 0) > 0);
    for (int n = 0; sent == 0 && n < 5000; n++)
        lac_clock_sleep_ms(1);
    lac_json_free(ask_with("/api/v1/classify", kept_body, "Idempotency-Key: gone"));
    LAC_TEST_EQ(http, 409);
    close(fd);
    while (lac_http_server_connections(lac_bridge_server(bridge)) > 1) /* the asker's stays */
        lac_clock_sleep_ms(1);
    mode.silent = false;
    for (int n = 0; http == 409 && n < 5000; n++) {
        lac_clock_sleep_ms(1);
        lac_json_free(ask_with("/api/v1/classify", kept_body, "Idempotency-Key: gone"));
    }
    LAC_TEST_EQ(http, 200);
    LAC_TEST_EQ(sent, 1);
    tear_down();
}

/* Without a key nobody will come back: its slot is free at once. */
static void client_that_leaves_frees_its_slot(void)
{
    static const char request[] =
        "POST /api/v1/classify HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
        "Content-Length: 33\r\n\r\n{\"text\":\"x\",\"deadline_ms\":500000}";
    set_up(NULL);
    mode.silent = true;
    for (int i = 0; i < 3 * IN_FLIGHT; i++) {
        int fd = dial();
        CU_ASSERT(send(fd, request, sizeof request - 1, 0) > 0);
        for (int n = 0; sent <= i && n < 2000; n++)
            lac_clock_sleep_ms(1);
        LAC_TEST_NEED(sent == i + 1);
        close(fd);
        while (lac_http_server_connections(lac_bridge_server(bridge)) > 0)
            lac_clock_sleep_ms(1);
    }
    mode.silent = false;
    lac_json_free(ask("/api/v1/classify", "{\"text\":\"x\"}"));
    LAC_TEST_EQ(http, 200);
    tear_down();
}

static void close_with_requests_under_way(void)
{
    set_up(NULL);
    mode.silent = true;
    int fd = dial(), other = dial();
    CU_ASSERT(send(fd, request_with_key, sizeof request_with_key - 1, 0) > 0);
    lac_clock_sleep_ms(20);
    close(fd); /* one that would come back, and one that waits */
    CU_ASSERT(send(other, request_with_key, sizeof request_with_key - 1, 0) > 0);
    lac_clock_sleep_ms(20);
    tear_down(); /* leak and address checkers have the say here */
    close(other);
}

static void key_is_asked_for(void)
{
    set_up("sesame");
    struct lac_json *doc = ask("/api/v1/classify", "{\"text\":\"x\"}");
    LAC_TEST_EQ(http, 401);
    CU_ASSERT(is_text(doc, "type", "urn:lacuna:problem:unauthorized"));
    lac_json_free(doc);
    static const char *const closed[] = {"/api/v1/decisions?request_id=1",
                                         "/api/v1/decisions/ab000000000000000000000000000000"};
    for (size_t i = 0; i < LAC_COUNT(closed); i++) {
        lac_json_free(ask(closed[i], NULL));
        LAC_TEST_EQ(http, 401);
    }
    static const char *const open[] = {"/health", "/health/live",  "/health/ready",
                                       "/ready",  "/metrics",      "/openapi.json",
                                       "/docs",   "/docs/page.js", "/docs/page.css"};
    for (size_t i = 0; i < LAC_COUNT(open); i++) {
        lac_test_row("%s", open[i]);
        lac_json_free(ask(open[i], NULL));
        LAC_TEST_EQ(http, 200);
    }
    lac_json_free(ask_with("/api/v1/classify", "{\"text\":\"x\"}", "Authorization: Bearer sesame"));
    LAC_TEST_EQ(http, 200);
    tear_down();
}

/* What comes back, headers and all. */
static void fetch(const char *path, char *out, size_t size)
{
    int fd = dial();
    size_t n = 0;
    ssize_t more;
    char request[256];
    int len = snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", path);
    LAC_TEST_NEED(send(fd, request, (size_t)len, 0) == len);
    while (n + 1 < size && (more = recv(fd, out + n, size - n - 1, 0)) > 0)
        n += (size_t)more;
    out[n] = '\0';
    close(fd);
}

static void pages_say_what_they_are(void)
{
    static char page[1 << 20];
    static const struct {
        const char *path, *status, *header, *body;
        bool unready, stopping;
    } rows[] = {
        {"/health", "200", "application/json",
         "\r\n\r\n{\"status\":\"healthy\",\"version\":\"1.2.3\"}", false, false},
        {"/health/live", "200", "application/json", "\r\n\r\n{\"status\":\"alive\"}", false, false},
        {"/ready", "200", "application/json",
         "\r\n\r\n{\"status\":\"ready\",\"version\":\"1.2.3\",\"checks\":"
         "[{\"name\":\"kafka\",\"ok\":true,\"required\":true}]}",
         false, false},
        {"/health/ready", "503", "Retry-After: 1\r\n",
         "\"checks\":[{\"name\":\"kafka\",\"ok\":false,\"required\":true,\"why\":\"not yet\"}]",
         true, false},
        {"/ready", "503", "Retry-After: 1\r\n",
         "\"checks\":[{\"name\":\"kafka\",\"ok\":true,\"required\":true},"
         "{\"name\":\"stopping\",\"ok\":false,\"required\":true,"
         "\"why\":\"the program was told to stop\"}]",
         false, true},
        {"/health/live", "200", "application/json", "\"alive\"", true, true},
        {"/", "302", "Location: /docs\r\n", "See /docs.\n", false, false},
        {"/docs", "200", "default-src 'none'; script-src 'self'", "<html", false, false},
        {"/docs/page.css", "200", "text/css", "{", false, false},
        {"/docs/page.js", "200", "text/javascript", "(", false, false},
        {"/openapi.json", "200", "application/json", "\"openapi\"", false, false},
        {"/metrics", "200", "text/plain; version=0.0.4", "lacuna_bridge_in_flight", false, false},
        {"/api/v1/decisions?request_id=1", "503", "application/problem+json",
         "urn:lacuna:problem:store-unavailable", false, false},
        {"/api/v1/decisions/ab000000000000000000000000000000", "503", "application/problem+json",
         "urn:lacuna:problem:store-unavailable", false, false},
    };
    set_up(NULL);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        mode.unready = rows[i].unready;
        mode.stopping = rows[i].stopping;
        fetch(rows[i].path, page, sizeof page);
        lac_test_row("%s: %.*s", rows[i].path, 600, page);
        CU_ASSERT(strncmp(page, "HTTP/1.1 ", 9) == 0 && strncmp(page + 9, rows[i].status, 3) == 0);
        CU_ASSERT(strstr(page, rows[i].header) != NULL);
        CU_ASSERT(strstr(page, rows[i].body) != NULL);
    }
    tear_down();
    set_up("sesame");
    fetch("/api/v1/decisions?request_id=1", page, sizeof page);
    CU_ASSERT(strstr(page, "WWW-Authenticate: Bearer\r\n") != NULL);
    tear_down();
}

/* Nothing listens where its database should be: it is asked for nothing that can't be there, says
 * so, and classifies all the same. */
static void ids_are_looked_at_before_the_database_is_asked(void)
{
    static const char *const bad[] = {"/api/v1/decisions/ab",
                                      "/api/v1/decisions/ab00000000000000000000000000000g",
                                      "/api/v1/decisions", "/api/v1/decisions?request_id="};
    static const char *const good[] = {"/api/v1/decisions?request_id=1",
                                       "/api/v1/decisions/ab000000000000000000000000000000"};
    char longest[640] = "/api/v1/decisions?request_id=";
    size_t at = strlen(longest);
    struct lac_err err = {0};
    struct lac_bridge_lookup_options o = {.url = "postgresql://127.0.0.1:1/none",
                                          .connect_timeout_ms = 2000,
                                          .statement_timeout_ms = 2000};
    LAC_TEST_NEED(lac_bridge_lookup_open(&lookup, &o, &err) == LAC_OK);
    set_up(NULL);
    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        lac_test_row("%s", bad[i]);
        struct lac_json *doc = ask(bad[i], NULL);
        LAC_TEST_EQ(http, 422);
        CU_ASSERT(is_text(doc, "type", "urn:lacuna:problem:invalid-request"));
        lac_json_free(doc);
    }
    for (size_t i = 0; i < LAC_COUNT(good); i++) {
        lac_test_row("%s", good[i]);
        lac_json_free(ask(good[i], NULL));
        LAC_TEST_EQ(http, 503);
    }
    memset(longest + at, 'x', LAC_BRIDGE_LOOKUP_ID_MAX);
    lac_json_free(ask(longest, NULL));
    lac_test_row("%zu bytes", strlen(longest) - at);
    LAC_TEST_EQ(http, 503);
    longest[at + LAC_BRIDGE_LOOKUP_ID_MAX] = 'x';
    lac_json_free(ask(longest, NULL));
    lac_test_row("%zu bytes", strlen(longest) - at);
    LAC_TEST_EQ(http, 422);
    lac_json_free(ask("/health/ready", NULL));
    LAC_TEST_EQ(http, 200);
    CU_ASSERT(strstr(lac_buf_cstr(&got), "{\"name\":\"postgres\",\"ok\":false,"
                                         "\"required\":false,\"why\":\"") != NULL);
    lac_bridge_lookup_close(lookup);
    lookup = NULL;
    tear_down();
}

/* A bridge that can't scan says so to who may ask, and only to them. */
static void without_rules_nothing_is_scanned(void)
{
    static const char *const paths[] = {"/api/v1/scan", "/api/v1/redact"};
    set_up("sesame");
    for (size_t i = 0; i < LAC_COUNT(paths); i++) {
        lac_test_row("%s", paths[i]);
        lac_json_free(ask(paths[i], "{\"text\":\"x\"}"));
        LAC_TEST_EQ(http, 401);
        struct lac_json *doc =
            ask_with(paths[i], "{\"text\":\"x\"}", "Authorization: Bearer sesame");
        LAC_TEST_EQ(http, 503);
        CU_ASSERT(is_text(doc, "type", "urn:lacuna:problem:scan-unavailable"));
        lac_json_free(doc);
    }
    tear_down();
}

static void open_to_others_needs_a_key(void)
{
    struct lac_bridge *b = NULL;
    struct lac_err err = {0};
    struct lac_bridge_options o = {.http = {.listen = "0.0.0.0:0"}, .in_flight = 1};
    LAC_TEST_EQ(lac_bridge_open(&b, &o, &err), LAC_FATAL);
    CU_ASSERT(strstr(err.text, "LACUNA_API_KEY") != NULL);
    o.api_key = "k";
    LAC_TEST_EQ(lac_bridge_open(&b, &o, &err), LAC_OK);
    lac_bridge_close(b);
}

static void metrics_count_what_happened(void)
{
    set_up(NULL);
    lac_json_free(ask("/api/v1/classify", "{\"text\":\"x\"}"));
    lac_json_free(ask("/api/v1/classify", "{\"txt\":\"x\"}"));
    mode.silent = true;
    lac_json_free(ask("/api/v1/classify", "{\"text\":\"x\"}"));
    lac_json_free(ask("/metrics", NULL));
    const char *page = lac_buf_cstr(&got);
    static const char *const wanted[] = {
        "lacuna_http_requests_total{route=\"/api/v1/classify\",method=\"POST\",status=\"200\"} 1\n",
        "lacuna_http_requests_total{route=\"/api/v1/classify\",method=\"POST\",status=\"422\"} 1\n",
        "lacuna_http_requests_total{route=\"/api/v1/classify\",method=\"POST\",status=\"504\"} 1\n",
        "lacuna_bridge_deadline_exceeded_total 1\n",
        "lacuna_bridge_in_flight 0\n",
        "lacuna_http_request_seconds_count{route=\"/api/v1/classify\",method=\"POST\"} 3\n",
    };
    for (size_t i = 0; i < LAC_COUNT(wanted); i++) {
        lac_test_row("%s", wanted[i]);
        CU_ASSERT(strstr(page, wanted[i]) != NULL);
    }
    tear_down();
}

LAC_TEST_MAIN(bridge, text_comes_back_as_a_decision, batch_answers_item_by_item,
              silence_ends_with_504_and_the_ids, reply_whose_core_cannot_be_read_is_no_answer,
              provisional_answer_is_given_at_the_deadline, what_kafka_does_not_take_is_503_or_413,
              bound_is_429, same_key_is_answered_once_and_again, client_that_left_finds_its_answer,
              client_that_leaves_frees_its_slot, close_with_requests_under_way, key_is_asked_for,
              pages_say_what_they_are, ids_are_looked_at_before_the_database_is_asked,
              without_rules_nothing_is_scanned, open_to_others_needs_a_key,
              metrics_count_what_happened)
