/* SPDX-License-Identifier: Apache-2.0 */
/* The server answers what it should, and ends every wait that a client could drag out. */
#include "lac_http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lac_clock.h"
#include "lac_http_problem.h"
#include "lac_test.h"

enum {
    BODY_LIMIT = 4096,
    DRAIN = 8192,
    SHORT_MS = 150,
    PATIENCE_S = 5,
    PATIENCE_MS = PATIENCE_S * 1000,
    BIG = 8 * 1024 * 1024
};

static atomic_int gone_count;
static atomic_int refusals[LAC_HTTP_REFUSAL_COUNT];
static struct lac_http_request *_Atomic kept_request;

static void text(struct lac_http_request *r, unsigned status, struct lac_str body)
{
    lac_http_answer(
        r, &(struct lac_http_answer){.status = status, .content_type = "text/plain", .body = body});
}

static void get_item(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    char out[128];
    int n = snprintf(out, sizeof out, "%.*s|%.*s", LAC_STR_FMT(lac_http_request_param(r)),
                     LAC_STR_FMT(lac_http_request_query(r, "q")));
    text(r, 200, (struct lac_str){out, (size_t)n});
}

static void post_echo(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    text(r, 200, lac_http_request_body(r));
}

/* An answer without headers of its own, whose form is used again. */
static void post_mirror(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    lac_http_answer(r, &(struct lac_http_answer){.status = 200, .body = lac_http_request_body(r)});
}

static atomic_uint_fast64_t arrived_ns;

static void post_arrived(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    atomic_store(&arrived_ns, lac_http_request_arrived_ns(r));
    text(r, 200, LAC_STR("here"));
}

static void get_private(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    bool in = lac_http_request_authorized(r, "sesame");
    text(r, in ? 200 : 401, in ? LAC_STR("in") : LAC_STR("out"));
}

static void get_nothing(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    (void)r;
}

static void get_big(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    char *big = calloc(1, BIG);
    text(r, 200, (struct lac_str){big, BIG});
    free(big);
}

static void *answer_late(void *arg)
{
    lac_clock_sleep_ms(30);
    text(arg, 200, LAC_STR("late"));
    return NULL;
}

static void get_late(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    pthread_t t;
    lac_http_request_keep(r, NULL);
    if (pthread_create(&t, NULL, answer_late, r) == 0)
        pthread_detach(t);
    else
        text(r, 500, LAC_STR(""));
}

static void on_gone(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    atomic_fetch_add(&gone_count, 1);
    atomic_store(&kept_request, NULL);
    text(r, 200, LAC_STR("to nobody"));
}

static void get_forgotten(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    lac_http_request_keep(r, on_gone);
    atomic_store(&kept_request, r);
}

/* Kept, and answered at once all the same. */
static void get_kept_at_once(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    lac_http_request_keep(r, on_gone);
    text(r, 200, LAC_STR("at once"));
}

static void refused(void *ctx, enum lac_http_refusal why)
{
    (void)ctx;
    atomic_fetch_add(&refusals[why], 1);
}

static const struct lac_http_route routes[] = {
    {"GET", "/items/{id}", NULL, get_item},
    {"POST", "/echo", NULL, post_echo},
    {"POST", "/arrived", NULL, post_arrived},
    {"POST", "/json", "application/json", post_echo},
    {"GET", "/json", NULL, get_private},
    {"POST", "/mirror", NULL, post_mirror},
    {"GET", "/private", NULL, get_private},
    {"GET", "/nothing", NULL, get_nothing},
    {"GET", "/big", NULL, get_big},
    {"GET", "/late", NULL, get_late},
    {"GET", "/forgotten", NULL, get_forgotten},
    {"GET", "/at-once", NULL, get_kept_at_once},
};

static struct lac_http_server *server(struct lac_http_server_options o)
{
    struct lac_http_server *s = NULL;
    struct lac_err err = {0};
    atomic_store(&gone_count, 0);
    for (size_t i = 0; i < LAC_HTTP_REFUSAL_COUNT; i++)
        atomic_store(&refusals[i], 0);
    o.listen = "127.0.0.1:0";
    o.routes = routes;
    o.route_count = LAC_COUNT(routes);
    o.body_bytes = BODY_LIMIT;
    o.drain_bytes = DRAIN;
    o.refused = refused;
    LAC_TEST_NEED(lac_http_server_open(&s, &o, &err) == LAC_OK);
    LAC_TEST_NEED(lac_http_server_start(s, &err) == LAC_OK);
    return s;
}

static int dial(const struct lac_http_server *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(lac_http_server_port(s)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    LAC_TEST_NEED(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return fd;
}

static bool say(int fd, const char *bytes)
{
    size_t n = strlen(bytes);
    return send(fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* Everything until the peer closes, or until `marker` has come. */
static const char *hear(int fd, const char *marker)
{
    static char got[65536];
    size_t n = 0;
    got[0] = '\0';
    while (n < sizeof got - 1 && !(marker && strstr(got, marker))) {
        ssize_t more = recv(fd, got + n, sizeof got - 1 - n, 0);
        if (more < 0 && errno == EINTR) /* stopped and continued: a socket with a timeout says so */
            continue;
        if (more <= 0)
            break;
        n += (size_t)more;
        got[n] = '\0';
    }
    return got;
}

/* One request on a connection of its own. */
static const char *ask(const struct lac_http_server *s, const char *request)
{
    int fd = dial(s);
    CU_ASSERT(say(fd, request));
    const char *got = hear(fd, NULL);
    close(fd);
    return got;
}

#define CLOSE "Host: t\r\nConnection: close\r\n"

static void routes_and_their_refusals(void)
{
    static const struct {
        const char *request, *line, *also;
    } cases[] = {
        {"GET /items/7?q=a%20b HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 200 ", "\r\n\r\n7|a b"},
        {"GET /items/7 HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 200 ",
         "X-Content-Type-Options: nosniff"},
        {"GET /items/7 HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 200 ", "Cache-Control: no-store"},
        {"GET /items/7 HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 200 ", "default-src 'none'"},
        {"GET /items/ HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 404 ", "urn:lacuna:problem:not-found"},
        {"GET /items/7/8 HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 404 ", "application/problem+json"},
        {"GET / HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 404 ", "\"status\":404"},
        {"DELETE /json HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 405 ", "Allow: GET, HEAD, POST\r\n"},
        {"POST /json HTTP/1.1\r\n" CLOSE "Content-Length: 2\r\n\r\n{}", "HTTP/1.1 415 ", ""},
        {"POST /json HTTP/1.1\r\n" CLOSE
         "Content-Type: Application/JSON; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}",
         "HTTP/1.1 200 ", "\r\n\r\n{}"},
        {"POST /json HTTP/1.1\r\n" CLOSE
         "Content-Type: application/jsonx\r\nContent-Length: 2\r\n\r\n{}",
         "HTTP/1.1 415 ", ""},
        {"GET /nothing HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 500 ", "internal-error"},
        {"GET /at-once HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 200 ", "at once"},
        {"POST /echo HTTP/1.1\r\n" CLOSE
         "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
         "HTTP/1.1 400 ", ""},
        {"POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 5\r\nContent-Length: 2\r\n\r\nabcde",
         "HTTP/1.1 400 ", ""},
        {"POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: +5\r\n\r\nabcde", "HTTP/1.1 400 ", ""},
        {"POST /echo HTTP/1.1\r\n" CLOSE
         "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
         "HTTP/1.1 400 ", "ambiguous"},
        {"POST /echo HTTP/1.1\r\n" CLOSE
         "Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
         "HTTP/1.1 400 ", "ambiguous"},
        {"GET /items/7 HTTP/1.1\r\n" CLOSE "Host: u\r\n\r\n", "HTTP/1.1 400 ", "ambiguous"},
        {"GET /items/7 HTTP/1.1\r\n" CLOSE "A: b\rc\r\n\r\n", "HTTP/1.1 400 ", ""},
        {"GET /items/7 HTTP/1.1\r\n" CLOSE "A: b\r\n c\r\n\r\n", "HTTP/1.1 400 ", "ambiguous"},
        {"POST /echo HTTP/1.1\r\n" CLOSE "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
         "HTTP/1.1 400 ", "ambiguous"},
        {"POST /echo HTTP/1.0\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "HTTP/1.1 400 ", "ambiguous"},
        {"GET /private HTTP/1.1\r\n" CLOSE
         "Authorization: Bearer sesame\r\nauthorization: Bearer x\r\n\r\n",
         "HTTP/1.1 400 ", "ambiguous"},
        {"GET /items/7 HTTP/1.1\r\n" CLOSE "Idempotency-Key: a\r\nIdempotency-Key: a\r\n\r\n",
         "HTTP/1.1 400 ", "ambiguous"},
        {"POST /json HTTP/1.1\r\n" CLOSE "Content-Type: application/json\r\n"
         "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
         "HTTP/1.1 400 ", "ambiguous"},
        {"POST /echo HTTP/1.1\r\n" CLOSE "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
         "HTTP/1.1 415 ", "Accept-Encoding: identity\r\n"},
        {"POST /json HTTP/1.1\r\n" CLOSE "Content-Type: application/json\r\n"
         "Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
         "HTTP/1.1 415 ", "unsupported-content-encoding"},
        {"POST /echo HTTP/1.1\r\n" CLOSE
         "Content-Encoding: Identity\r\nContent-Length: 2\r\n\r\n{}",
         "HTTP/1.1 200 ", "{}"},
        {"GET /items/7 HTTP/1.0\r\n\r\n", "HTTP/1.1 200 ", "7|"},
        {"GET /items/7 HTTP/1.1\nHost:t\nConnection: close\n\n", "HTTP/1.1 200 ", "7|"},
        {"GET http://t/items/7?q=b HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 200 ", "\r\n\r\n7|b"},
        {"GET HTTPS://u:80/items/7 HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 200 ", "\r\n\r\n7|"},
        {"GET http://t HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 404 ", "not-found"},
        {"GET http:/items/7 HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 404 ", "not-found"},
        {"GET http://t/items/7%00/8 HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 400 ", "ambiguous"},
        {"GET /items/7%00/8 HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 400 ", "ambiguous"},
        {"GET /items/7?q=%00 HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 400 ", "ambiguous"},
    };
    struct lac_http_server *s = server((struct lac_http_server_options){0});
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("%zu", i);
        const char *got = ask(s, cases[i].request);
        LAC_TEST_EQ(strncmp(got, cases[i].line, strlen(cases[i].line)), 0);
        CU_ASSERT(strstr(got, cases[i].also) != NULL);
    }
    lac_http_server_close(s);
}

/* Version 1 of the library answers these by itself, in HTML. */
static void what_the_library_lets_us_refuse_is_a_problem(void)
{
    static const struct {
        const char *request, *also;
    } cases[] = {
        {"GET /items/7 HTTP/1.1\r\nConnection: close\r\n\r\n", "urn:lacuna:problem:no-host"},
        {"POST /echo HTTP/1.1\r\nContent-Length: 2\r\n\r\nab", "urn:lacuna:problem:no-host"},
        {"GET /no/where HTTP/1.1\r\n\r\n", "urn:lacuna:problem:no-host"},
        {"GET /items/7 8 HTTP/1.1\r\n" CLOSE "\r\n", "ambiguous"},
        {"GET /items/7?q=a b HTTP/1.1\r\n" CLOSE "\r\n", "ambiguous"},
        {"GET /items/7?q=a b HTTP/1.1\r\nX: y\r\n\r\n", "ambiguous"},
    };
    struct lac_http_server *s = server((struct lac_http_server_options){0});
    bool ours = strncmp(lac_http_library(), "0.", 2) == 0;
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("%zu", i);
        const char *got = ask(s, cases[i].request);
        LAC_TEST_EQ(strncmp(got, "HTTP/1.1 400 ", 13), 0);
        CU_ASSERT(!ours || (strstr(got, "application/problem+json") && strstr(got, cases[i].also)));
    }
    lac_http_server_close(s);
}

/* A '#' stands for the NUL. */
static void nothing_hides_behind_a_nul(void)
{
    static const struct {
        const char *request, *line;
    } cases[] = {
        {"GET /items/7#/../8 HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 400 "},
        {"GET /items/7?q=a#b HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 400 "},
        {"GET /items/7 HTTP/1.1#x\r\n" CLOSE "\r\n", "HTTP/1.1 400 "},
        {"GET /private HTTP/1.1\r\nAuthorization: Bearer sesame#x\r\n" CLOSE "\r\n",
         "HTTP/1.1 400 "},
        {"GET /private HTTP/1.1\r\n" CLOSE "Authorization: Bearer sesame#x\r\n\r\n",
         "HTTP/1.1 400 "},
        {"GET /items/7 HTTP/1.1\r\n" CLOSE "A: #b\r\n\r\n", "HTTP/1.1 400 "},
        {"GET /items/7 HTTP/1.1\r\n" CLOSE "A: #Content-Length: 5\r\n\r\n", "HTTP/1.1 400 "},
        {"GET /items/7 HTTP/1.1\r\n" CLOSE "A#: b\r\n\r\n", "HTTP/1.1 400 "},
        {"GET /private HTTP/1.1\r\n" CLOSE "Authorization: Bearer sesame\r\n\r\n", "HTTP/1.1 200 "},
    };
    struct lac_http_server *s = server((struct lac_http_server_options){0});
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        char request[256];
        size_t n = strlen(cases[i].request);
        lac_test_row("%zu", i);
        LAC_TEST_NEED(n < sizeof request);
        for (size_t k = 0; k < n; k++)
            request[k] = cases[i].request[k] == '#' ? '\0' : cases[i].request[k];
        int fd = dial(s);
        CU_ASSERT(send(fd, request, n, MSG_NOSIGNAL) == (ssize_t)n);
        LAC_TEST_EQ(strncmp(hear(fd, NULL), cases[i].line, strlen(cases[i].line)), 0);
        close(fd);
    }
    lac_http_server_close(s);
}

/* Some clients say at once that they will ask no more. What is kept is another matter: there it
 * can't be told from leaving. */
static void half_closed_connections_are_answered(void)
{
    static const char *const requests[] = {
        "GET /items/7 HTTP/1.1\r\n" CLOSE "\r\n",
        "GET /items/7 HTTP/1.1\r\nHost: t\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 2\r\n\r\n7|",
    };
    struct lac_http_server *s = server((struct lac_http_server_options){0});
    for (size_t i = 0; i < LAC_COUNT(requests); i++) {
        lac_test_row("%zu", i);
        int fd = dial(s);
        CU_ASSERT(say(fd, requests[i]));
        LAC_TEST_EQ(shutdown(fd, SHUT_WR), 0);
        CU_ASSERT(strstr(hear(fd, NULL), " 200 OK\r\n") != NULL);
        close(fd);
    }
    lac_http_server_close(s);
}

static void head_has_the_length_and_no_body(void)
{
    struct lac_http_server *s = server((struct lac_http_server_options){0});
    const char *got = ask(s, "HEAD /items/7 HTTP/1.1\r\n" CLOSE "\r\n");
    CU_ASSERT(strstr(got, "HTTP/1.1 200 ") == got);
    CU_ASSERT(strstr(got, "Content-Length: 2\r\n") != NULL);
    CU_ASSERT(strcmp(strstr(got, "\r\n\r\n"), "\r\n\r\n") == 0);
    lac_http_server_close(s);
}

static void only_the_right_key_is_let_in(void)
{
    static const struct {
        const char *header;
        bool in;
    } cases[] = {
        {"Authorization: Bearer sesame\r\n", true}, {"authorization: bearer sesame\r\n", true},
        {"Authorization: Bearer sesam\r\n", false}, {"Authorization: Bearer sesame2\r\n", false},
        {"Authorization: Bearer \r\n", false},      {"Authorization: Basic sesame\r\n", false},
        {"Authorization: sesame\r\n", false},       {"", false},
    };
    struct lac_http_server *s = server((struct lac_http_server_options){0});
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        char request[256];
        lac_test_row("%s", cases[i].header);
        snprintf(request, sizeof request, "GET /private HTTP/1.1\r\n" CLOSE "%s\r\n",
                 cases[i].header);
        LAC_TEST_EQ(strstr(ask(s, request), "HTTP/1.1 200 ") != NULL, cases[i].in);
    }
    lac_http_server_close(s);
}

static void declared_length_over_the_limit_is_refused_unread(void)
{
    struct lac_http_server *s = server((struct lac_http_server_options){0});
    const char *got =
        ask(s, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000000\r\n\r\nabc");
    CU_ASSERT(strstr(got, "HTTP/1.1 413 ") == got);
    CU_ASSERT(strstr(got, "body-too-large") != NULL);
    LAC_TEST_EQ(atomic_load(&refusals[LAC_HTTP_REFUSED_BODY_SIZE]), 1);
    lac_http_server_close(s);
}

/* The client sends all of its body before it reads. A closed socket would answer the first piece
 * with a reset, the second would fail, and many clients never look at an answer after that. */
static void answer_survives_an_unread_body(void)
{
    struct lac_http_server *s = server((struct lac_http_server_options){0});
    for (int round = 0; round < 5; round++) {
        static char piece[2500];
        int fd = dial(s);
        memset(piece, 'x', sizeof piece);
        CU_ASSERT(say(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5000\r\n\r\n"));
        lac_clock_sleep_ms(30);
        for (int i = 0; i < 2; i++) {
            CU_ASSERT(send(fd, piece, sizeof piece, MSG_NOSIGNAL) == sizeof piece);
            lac_clock_sleep_ms(10);
        }
        CU_ASSERT(strstr(hear(fd, NULL), "HTTP/1.1 413 ") != NULL);
        close(fd);
    }
    lac_http_server_close(s);
}

static const char *send_chunks(const struct lac_http_server *s, size_t bytes, bool finish,
                               const char *marker)
{
    int fd = dial(s);
    char chunk[1100];
    int head = snprintf(chunk, sizeof chunk, "400\r\n");
    memset(chunk + head, 'x', 1024);
    memcpy(chunk + head + 1024, "\r\n", 2);
    CU_ASSERT(say(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"));
    for (size_t sent = 0; sent < bytes; sent += 1024)
        if (send(fd, chunk, (size_t)head + 1026, MSG_NOSIGNAL) < 0)
            break;
    if (finish)
        (void)say(fd, "0\r\n\r\n");
    const char *got = hear(fd, marker);
    close(fd);
    return got;
}

static void chunks_over_the_limit_are_drained_to_a_bound(void)
{
    struct lac_http_server *s = server((struct lac_http_server_options){0});
    const char *got = send_chunks(s, BODY_LIMIT, true, "\r\n\r\n"); /* exactly the limit */
    CU_ASSERT(strstr(got, "HTTP/1.1 200 ") == got);
    got = send_chunks(s, BODY_LIMIT + 1024, true, "}");
    CU_ASSERT(strstr(got, "HTTP/1.1 413 ") == got);
    CU_ASSERT(strstr(got, "Connection: close") == NULL);
    got = send_chunks(s, 64 << 10, false, "}"); /* never ends: cut off */
    CU_ASSERT(strstr(got, "HTTP/1.1 413 ") == got);
    CU_ASSERT(strstr(got, "Connection: close") != NULL);
    lac_http_server_close(s);
}

static void dripping_headers_end(void)
{
    struct lac_http_server *s = server((struct lac_http_server_options){.header_ms = SHORT_MS});
    int fd = dial(s);
    uint64_t start = lac_clock_mono_ms();
    CU_ASSERT(say(fd, "GET /items/1 HTTP/1.1\r\n"));
    while (say(fd, "X: y\r\n") && lac_clock_mono_ms() - start < PATIENCE_MS)
        lac_clock_sleep_ms(10);
    CU_ASSERT(lac_clock_mono_ms() - start < PATIENCE_MS);
    LAC_TEST_EQ(atomic_load(&refusals[LAC_HTTP_REFUSED_HEADER_TIMEOUT]), 1);
    close(fd);
    lac_http_server_close(s);
}

static void silent_connection_ends(void)
{
    struct lac_http_server *s = server((struct lac_http_server_options){.header_ms = SHORT_MS});
    int fd = dial(s);
    uint64_t start = lac_clock_mono_ms();
    CU_ASSERT(strcmp(hear(fd, NULL), "") == 0);
    CU_ASSERT(lac_clock_mono_ms() - start < PATIENCE_MS);
    close(fd);
    lac_http_server_close(s);
}

static void dripping_body_gets_408(void)
{
    struct lac_http_server *s = server((struct lac_http_server_options){.body_ms = SHORT_MS});
    int fd = dial(s);
    CU_ASSERT(say(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 4000\r\n\r\n"));
    for (int i = 0; i < 10; i++) {
        if (!say(fd, "x"))
            break;
        lac_clock_sleep_ms(10);
    }
    const char *got = hear(fd, NULL);
    CU_ASSERT(strstr(got, "HTTP/1.1 408 ") == got);
    CU_ASSERT(strstr(got, "body-timeout") != NULL);
    LAC_TEST_EQ(atomic_load(&refusals[LAC_HTTP_REFUSED_BODY_TIMEOUT]), 1);
    close(fd);
    lac_http_server_close(s);
}

/* The time that a body takes is not counted among what comes after it. */
static void a_request_has_arrived_when_its_body_has(void)
{
    struct lac_http_server *s = server((struct lac_http_server_options){0});
    int fd = dial(s);
    CU_ASSERT(say(fd, "POST /arrived HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\nx"));
    lac_clock_sleep_ms(50);
    uint64_t sent = lac_clock_mono_ns();
    CU_ASSERT(say(fd, "y"));
    CU_ASSERT(strstr(hear(fd, NULL), "HTTP/1.1 200 ") != NULL);
    CU_ASSERT(atomic_load(&arrived_ns) >= sent);
    close(fd);
    lac_http_server_close(s);
}

static void answer_nobody_takes_ends(void)
{
    struct lac_http_server *s = server((struct lac_http_server_options){.send_ms = SHORT_MS});
    int fd = dial(s);
    CU_ASSERT(say(fd, "GET /big HTTP/1.1\r\nHost: t\r\n\r\n"));
    uint64_t start = lac_clock_mono_ms();
    while (!atomic_load(&refusals[LAC_HTTP_REFUSED_SEND_TIMEOUT]) &&
           lac_clock_mono_ms() - start < PATIENCE_MS)
        lac_clock_sleep_ms(10);
    LAC_TEST_EQ(atomic_load(&refusals[LAC_HTTP_REFUSED_SEND_TIMEOUT]), 1);
    close(fd);
    lac_http_server_close(s);
}

static void idle_connection_ends(void)
{
    struct lac_http_server *s = server((struct lac_http_server_options){.idle_ms = SHORT_MS});
    int fd = dial(s);
    CU_ASSERT(say(fd, "GET /items/1 HTTP/1.1\r\nHost: t\r\n\r\n"));
    uint64_t start = lac_clock_mono_ms();
    CU_ASSERT(strstr(hear(fd, NULL), "HTTP/1.1 200 ") != NULL);
    CU_ASSERT(lac_clock_mono_ms() - start < PATIENCE_MS);
    close(fd);
    lac_http_server_close(s);
}

static void another_thread_answers(void)
{
    struct lac_http_server *s = server((struct lac_http_server_options){0});
    int fds[16];
    for (size_t i = 0; i < LAC_COUNT(fds); i++) {
        fds[i] = dial(s);
        CU_ASSERT(say(fds[i], "GET /late HTTP/1.1\r\n" CLOSE "\r\n"));
    }
    for (size_t i = 0; i < LAC_COUNT(fds); i++) {
        CU_ASSERT(strstr(hear(fds[i], NULL), "\r\n\r\nlate") != NULL);
        close(fds[i]);
    }
    lac_http_server_close(s);
}

static void pipelined_requests_are_answered_in_order(void)
{
    struct lac_http_server *s = server((struct lac_http_server_options){0});
    const char *got = ask(s, "GET /late HTTP/1.1\r\nHost: t\r\n\r\n"
                             "GET /items/2 HTTP/1.1\r\n" CLOSE "\r\n");
    const char *late = strstr(got, "\r\n\r\nlate"), *two = strstr(got, "\r\n\r\n2|");
    CU_ASSERT(late != NULL && two != NULL && late < two);
    lac_http_server_close(s);
}

/* More sizes than forms are kept, each several times in a row. */
static void answers_of_one_size_have_their_own_words(void)
{
    struct lac_http_server *s = server((struct lac_http_server_options){0});
    char words[701] = "", request[1024], want[1024];
    int fd = dial(s);
    for (size_t i = 0; i < 4 * 700; i++) {
        memset(words, 'a' + (int)(i % 10), 1 + i / 4);
        snprintf(request, sizeof request,
                 "POST /mirror HTTP/1.1\r\nHost: t\r\nContent-Length: %zu\r\n\r\n%s", 1 + i / 4,
                 words);
        snprintf(want, sizeof want, "\r\n\r\n%s", words);
        lac_test_row("%zu", i);
        LAC_TEST_NEED(say(fd, request));
        const char *got = hear(fd, want);
        LAC_TEST_NEED(strstr(got, want) != NULL);
        CU_ASSERT(strstr(got, "nosniff\r\n") && strstr(got, "Type: application/json\r\n"));
    }
    close(fd);
    lac_http_server_close(s);
}

static void client_that_leaves_is_noticed(void)
{
    struct lac_http_server *s = server((struct lac_http_server_options){0});
    int fd = dial(s);
    CU_ASSERT(say(fd, "GET /forgotten HTTP/1.1\r\nHost: t\r\n\r\n"));
    while (!atomic_load(&kept_request))
        lac_clock_sleep_ms(1);
    close(fd);
    uint64_t start = lac_clock_mono_ms();
    while ((!atomic_load(&gone_count) || lac_http_server_connections(s)) &&
           lac_clock_mono_ms() - start < PATIENCE_MS)
        lac_clock_sleep_ms(1);
    LAC_TEST_EQ(atomic_load(&gone_count), 1);
    LAC_TEST_EQ(atomic_load(&refusals[LAC_HTTP_CLIENT_GONE]), 1);
    LAC_TEST_EQ(lac_http_server_connections(s), 0);
    lac_http_server_close(s);
}

static void forgotten_request_gets_503(void)
{
    struct lac_http_server *s = server((struct lac_http_server_options){.handler_ms = SHORT_MS});
    const char *got = ask(s, "GET /forgotten HTTP/1.1\r\n" CLOSE "\r\n");
    CU_ASSERT(strstr(got, "HTTP/1.1 503 ") == got);
    LAC_TEST_EQ(atomic_load(&gone_count), 1);
    lac_http_server_close(s);
}

static void quiesce_finishes_what_is_there(void)
{
    struct lac_http_server *s = server((struct lac_http_server_options){0});
    int idle = dial(s), busy = dial(s);
    CU_ASSERT(say(idle, "GET /items/1 HTTP/1.1\r\nHost: t\r\n\r\n"));
    CU_ASSERT(strstr(hear(idle, "1|"), "1|") != NULL);
    CU_ASSERT(say(busy, "GET /forgotten HTTP/1.1\r\nHost: t\r\n\r\n"));
    struct lac_http_request *request;
    while (!(request = atomic_exchange(&kept_request, NULL)))
        lac_clock_sleep_ms(1);
    lac_http_server_quiesce(s);
    text(request, 200, LAC_STR("late"));
    const char *got = hear(busy, NULL);
    CU_ASSERT(strstr(got, "late") != NULL);
    CU_ASSERT(strstr(got, "Connection: close") != NULL);
    CU_ASSERT(strcmp(hear(idle, NULL), "") == 0);
    uint64_t start = lac_clock_mono_ms();
    while (lac_http_server_connections(s) && lac_clock_mono_ms() - start < PATIENCE_MS)
        lac_clock_sleep_ms(1);
    LAC_TEST_EQ(lac_http_server_connections(s), 0);
    close(idle);
    close(busy);
    lac_http_server_close(s);
}

static void close_ends_kept_requests(void)
{
    struct lac_http_server *s = server((struct lac_http_server_options){0});
    int fd = dial(s);
    CU_ASSERT(say(fd, "GET /forgotten HTTP/1.1\r\nHost: t\r\n\r\n"));
    while (!atomic_load(&kept_request))
        lac_clock_sleep_ms(1);
    lac_http_server_close(s);
    LAC_TEST_EQ(atomic_load(&gone_count), 1);
    close(fd);
}

#define SAY_ITEM "GET /items/1 HTTP/1.1\r\nHost: t\r\n\r\n"

/* Two are there in whatever state; a third one is let in, and the older of them is gone. */
static void third_takes_the_place_of_the_oldest(const char *state, const char *heard)
{
    struct lac_http_server *s = server((struct lac_http_server_options){.connections = 2});
    int fds[3];
    for (size_t i = 0; i < 2; i++) {
        fds[i] = dial(s);
        CU_ASSERT(say(fds[i], state));
        if (strcmp(state, SAY_ITEM) == 0) {
            CU_ASSERT(strstr(hear(fds[i], "1|"), "1|") != NULL);
        } else {
            lac_clock_sleep_ms(SHORT_MS / 2); /* its phase is reached */
        }
    }
    fds[2] = dial(s);
    CU_ASSERT(say(fds[2], "GET /forgotten HTTP/1.1\r\nHost: t\r\n\r\n"));
    CU_ASSERT(strstr(hear(fds[0], NULL), heard) != NULL);
    LAC_TEST_EQ(atomic_load(&gone_count), 0);
    LAC_TEST_EQ(atomic_load(&refusals[LAC_HTTP_REFUSED_CROWD]), 1);
    for (size_t i = 0; i < LAC_COUNT(fds); i++)
        close(fds[i]);
    lac_http_server_close(s);
}

static void one_more_than_the_limit_takes_a_place(void)
{
    third_takes_the_place_of_the_oldest(SAY_ITEM, "");
    third_takes_the_place_of_the_oldest("GET /items/1 HTTP/1.1\r\nHost:", "");
    third_takes_the_place_of_the_oldest("", "");
    third_takes_the_place_of_the_oldest("POST /echo HTTP/1.1\r\nHost: t\r\n"
                                        "Content-Length: 9\r\n\r\nhalf",
                                        "HTTP/1.1 503 ");
}

/* Who waits for an answer is not sent away, and a few more are served all the same; the rest waits
 * until somebody leaves. */
static void requests_under_way_keep_their_places(void)
{
    enum { MORE = 40 };
    struct lac_http_server *s = server((struct lac_http_server_options){.connections = 2});
    int busy[MORE], last;
    size_t in = 0;
    for (size_t i = 0; i < MORE; i++) {
        busy[i] = dial(s);
        CU_ASSERT(say(busy[i], "GET /forgotten HTTP/1.1\r\nHost: t\r\n\r\n"));
    }
    uint64_t end = lac_clock_mono_ms() + PATIENCE_MS;
    while (in <= 2 && lac_clock_mono_ms() < end) {
        lac_clock_sleep_ms(SHORT_MS);
        in = lac_http_server_connections(s);
    }
    CU_ASSERT(in > 2 && in < MORE);
    LAC_TEST_EQ(atomic_load(&gone_count), 0);
    last = dial(s);
    CU_ASSERT(say(last, SAY_ITEM));
    for (size_t i = 0; i < MORE; i++)
        close(busy[i]);
    CU_ASSERT(strstr(hear(last, "1|"), "1|") != NULL);
    close(last);
    lac_http_server_close(s);
}

static void listen_texts(void)
{
    static const struct {
        const char *listen;
        bool loopback;
    } cases[] = {
        {"127.0.0.1:8000", true},
        {"127.9.9.9:1", true},
        {"localhost:80", true},
        {"[::1]:8000", true},
        {"0.0.0.0:8000", false},
        {"[::]:8000", false},
        {":8000", false},
        {"10.0.0.1:8000", false},
        {"127.0.0.1.example.com:1", false},
        {"localhost.evil:1", false},
        {"1270.0.0.1:8000", false},
    };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("%s", cases[i].listen);
        LAC_TEST_EQ(lac_http_is_loopback(cases[i].listen), cases[i].loopback);
    }
    static const char *const bad[] = {
        "",          "8000",          "host",      "::1:8000",
        "[::1:8000", "1.2.3.4:99999", "1.2.3.4:x", "256.256.256.256:1"};
    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        struct lac_http_server *s = NULL;
        struct lac_err err = {0};
        lac_test_row("%s", bad[i]);
        struct lac_http_server_options o = {.listen = bad[i]};
        LAC_TEST_EQ(lac_http_server_open(&s, &o, &err), LAC_FATAL);
        CU_ASSERT(err.text[0] != '\0');
    }
}

static void problem_is_json_and_complete(void)
{
    struct lac_buf out;
    lac_buf_init(&out, 4096);
    struct lac_http_member members[] = {{"request_id", LAC_STR("a\"b"), false},
                                        {"events", LAC_STR("[1,2]"), true}};
    lac_http_problem_write(&out, &(struct lac_http_problem){.status = 504,
                                                            .type = "deadline",
                                                            .detail = "Too late.",
                                                            .instance = LAC_STR("urn:x"),
                                                            .members = members,
                                                            .member_count = 2});
    LAC_TEST_STR(lac_buf_cstr(&out),
                 "{\"type\":\"urn:lacuna:problem:deadline\",\"title\":\"Gateway Timeout\","
                 "\"status\":504,\"detail\":\"Too late.\",\"instance\":\"urn:x\","
                 "\"request_id\":\"a\\\"b\",\"events\":[1,2]}");
    lac_buf_deinit(&out);
}

LAC_TEST_MAIN(http_server, routes_and_their_refusals, what_the_library_lets_us_refuse_is_a_problem,
              nothing_hides_behind_a_nul, head_has_the_length_and_no_body,
              half_closed_connections_are_answered, only_the_right_key_is_let_in,
              declared_length_over_the_limit_is_refused_unread, answer_survives_an_unread_body,
              chunks_over_the_limit_are_drained_to_a_bound, dripping_headers_end,
              silent_connection_ends, dripping_body_gets_408,
              a_request_has_arrived_when_its_body_has, answer_nobody_takes_ends,
              idle_connection_ends, another_thread_answers,
              pipelined_requests_are_answered_in_order, answers_of_one_size_have_their_own_words,
              client_that_leaves_is_noticed, forgotten_request_gets_503,
              quiesce_finishes_what_is_there, close_ends_kept_requests,
              one_more_than_the_limit_takes_a_place, requests_under_way_keep_their_places,
              listen_texts, problem_is_json_and_complete)
