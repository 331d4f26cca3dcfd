/* SPDX-License-Identifier: Apache-2.0 */
/* The client sends what it is told to, takes no more than it may, and judges what came back. */
#include "lac_http_client.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "lac_http_server.h"
#include "lac_test.h"

static _Atomic(const char *) location; /* of a redirect */
static atomic_uint echoed;

static void text(struct lac_http_request *r, unsigned status, struct lac_str body)
{
    lac_http_answer(
        r, &(struct lac_http_answer){.status = status, .content_type = "text/plain", .body = body});
}

static void echo(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    atomic_fetch_add(&echoed, 1);
    char out[512];
    int n =
        snprintf(out, sizeof out, "%.*s|%.*s|%.*s|%.*s", LAC_STR_FMT(lac_http_request_method(r)),
                 LAC_STR_FMT(lac_http_request_header(r, "X-One")),
                 LAC_STR_FMT(lac_http_request_header(r, "Authorization")),
                 LAC_STR_FMT(lac_http_request_body(r)));
    text(r, 200, (struct lac_str){out, (size_t)n});
}

static void status(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    uint64_t code = 0;
    if (!lac_str_to_u64(lac_http_request_param(r), &code))
        code = 500;
    struct lac_http_header retry = {"Retry-After", "7"};
    lac_http_answer(r, &(struct lac_http_answer){.status = (unsigned)code,
                                                 .body = LAC_STR("why"),
                                                 .headers = &retry,
                                                 .header_count = 1});
}

static void moved(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    struct lac_http_header to = {"Location", atomic_load(&location)};
    lac_http_answer(r, &(struct lac_http_answer){.status = 302, .headers = &to, .header_count = 1});
}

static void big(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    static char body[100000];
    text(r, 200, (struct lac_str){body, sizeof body});
}

static void never(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    text(r, 200, LAC_STR("gone"));
}

static void hang(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    lac_http_request_keep(r, never);
}

static const struct lac_http_route routes[] = {
    {"GET", "/echo", NULL, echo},   {"POST", "/echo", NULL, echo},
    {"PUT", "/echo", NULL, echo},   {"GET", "/status/{code}", NULL, status},
    {"GET", "/moved", NULL, moved}, {"GET", "/big", NULL, big},
    {"GET", "/hang", NULL, hang},
};

static struct lac_http_server *server;
static struct lac_http_client *client;
static struct lac_buf got;

static void set_up(const struct lac_http_client_options *options)
{
    struct lac_err err = {0};
    struct lac_http_server_options o = {
        .listen = "127.0.0.1:0", .routes = routes, .route_count = LAC_COUNT(routes)};
    LAC_TEST_NEED(lac_http_server_open(&server, &o, &err) == LAC_OK);
    atomic_store(&location, "/echo");
    LAC_TEST_NEED(lac_http_server_start(server, &err) == LAC_OK);
    LAC_TEST_NEED(lac_http_client_new(&client, options, &err) == LAC_OK);
    lac_buf_init(&got, 4096);
}

static void tear_down(void)
{
    lac_buf_deinit(&got);
    lac_http_client_free(client);
    lac_http_server_close(server);
}

static const char *url(const char *path)
{
    static char address[256];
    snprintf(address, sizeof address, "http://%s%s", lac_http_server_address(server), path);
    return address;
}

static void methods_headers_and_credentials_arrive(void)
{
    const char *headers[] = {"X-One: 1"};
    unsigned code = 0;
    struct lac_err err = {0};
    set_up(&(struct lac_http_client_options){.username = "u", .password = "p"});
    struct lac_http_call call = {
        .url = url("/echo"), .headers = headers, .header_count = 1, .into = &got, .status = &code};
    LAC_TEST_EQ(lac_http_client_send(client, &call, &err), LAC_OK);
    LAC_TEST_EQ(code, 200);
    LAC_TEST_STR(lac_buf_cstr(&got), "GET|1|Basic dTpw|");
    lac_buf_reset(&got);
    call.body = LAC_STR("body");
    LAC_TEST_EQ(lac_http_client_send(client, &call, &err), LAC_OK);
    LAC_TEST_STR(lac_buf_cstr(&got), "POST|1|Basic dTpw|body");
    lac_buf_reset(&got);
    call.method = "PUT";
    LAC_TEST_EQ(lac_http_client_send(client, &call, &err), LAC_OK);
    LAC_TEST_STR(lac_buf_cstr(&got), "PUT|1|Basic dTpw|body");
    lac_buf_reset(&got);
    /* Nothing of an earlier call is left. */
    LAC_TEST_EQ(lac_http_get(client, url("/echo"), &got, &code, &err), LAC_OK);
    LAC_TEST_STR(lac_buf_cstr(&got), "GET||Basic dTpw|");
    lac_buf_reset(&got);
    LAC_TEST_EQ(lac_http_post(client, url("/echo"), "text/plain", LAC_STR("x"), &got, &code, &err),
                LAC_OK);
    LAC_TEST_STR(lac_buf_cstr(&got), "POST||Basic dTpw|x");
    tear_down();
}

static void statuses_become_decisions(void)
{
    static const struct {
        const char *path;
        unsigned code;
        enum lac_status want;
    } cases[] = {
        {"/status/200", 200, LAC_OK},    {"/status/404", 404, LAC_OK},
        {"/status/409", 409, LAC_OK},    {"/status/500", 500, LAC_OK},
        {"/status/429", 429, LAC_RETRY}, {"/status/502", 502, LAC_RETRY},
        {"/status/503", 503, LAC_RETRY}, {"/status/504", 504, LAC_RETRY},
        {"/moved", 302, LAC_OK},
    };
    set_up(NULL);
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        unsigned code = 0;
        uint32_t after = 0;
        struct lac_err err = {0};
        lac_test_row("%s", cases[i].path);
        lac_buf_reset(&got);
        struct lac_http_call call = {
            .url = url(cases[i].path), .into = &got, .status = &code, .retry_after_s = &after};
        LAC_TEST_EQ(lac_http_client_send(client, &call, &err), cases[i].want);
        LAC_TEST_EQ(code, cases[i].code);
        if (cases[i].code == 503)
            LAC_TEST_EQ(after, 7);
    }
    tear_down();
}

/* Nobody goes there: what is asked for is what is contacted. */
static void a_redirect_is_told_and_not_followed(void)
{
    static const struct {
        const char *path, *location, *want; /* SERVER stands for the server's address */
    } cases[] = {
        {"/moved", "/echo", "SERVER/echo"},
        {"/moved", "https://registry.example.org:8443/api",
         "https://registry.example.org:8443/api"},
        {"/moved", "//other.example.org/x", "http://other.example.org/x"},
        {"/moved", "http://u:secret@example.org/in?token=secret#secret", "http://example.org/in"},
        {"/moved", "/echo?token=secret", "SERVER/echo"},
        {"/moved", "secret:thing", ""},
        {"/moved", "http://example.org/0123456789012345678901234567890123456789",
         "http://example.org/0123456789012345678901234567"},
        {"/status/200", NULL, ""},
    };
    char moved_to[48], want[320];
    set_up(NULL);
    atomic_store(&echoed, 0);
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        bool ours = strncmp(cases[i].want, "SERVER", 6) == 0;
        struct lac_err err = {0};
        lac_test_row("%s", cases[i].location ? cases[i].location : cases[i].path);
        atomic_store(&location, cases[i].location);
        struct lac_http_call call = {
            .url = url(cases[i].path), .moved_to = moved_to, .moved_to_size = sizeof moved_to};
        LAC_TEST_EQ(lac_http_client_send(client, &call, &err), LAC_OK);
        snprintf(want, sizeof want, "%s%s", ours ? url("") : "", cases[i].want + (ours ? 6 : 0));
        LAC_TEST_STR(moved_to, want);
    }
    LAC_TEST_EQ(atomic_load(&echoed), 0);
    tear_down();
}

static void large_answer_is_cut_off(void)
{
    unsigned code;
    struct lac_err err = {0};
    set_up(NULL);
    LAC_TEST_EQ(lac_http_get(client, url("/big"), &got, &code, &err), LAC_REJECT);
    CU_ASSERT(got.capacity <= 4096);
    tear_down();
}

static void silence_ends_with_retry(void)
{
    unsigned code;
    struct lac_err err = {0};
    set_up(&(struct lac_http_client_options){.total_ms = 100});
    LAC_TEST_EQ(lac_http_get(client, url("/hang"), &got, &code, &err), LAC_RETRY);
    LAC_TEST_EQ(code, 0);
    tear_down();
}

static void bad_urls_and_nobody_there(void)
{
    static const struct {
        const char *url;
        enum lac_status want;
    } cases[] = {
        {"http://127.0.0.1:1/", LAC_RETRY},
        {"file:///etc/hosts", LAC_FATAL},
        {"ftp://127.0.0.1/x", LAC_FATAL},
        {"http://", LAC_FATAL},
        {"http://u:secret@127.0.0.1:1/", LAC_FATAL},
    };
    set_up(NULL);
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        unsigned code;
        struct lac_err err = {0};
        lac_test_row("%s", cases[i].url);
        LAC_TEST_EQ(lac_http_get(client, cases[i].url, &got, &code, &err), cases[i].want);
        CU_ASSERT(strstr(err.text, "secret") == NULL);
    }
    tear_down();
}

LAC_TEST_MAIN(http_client, methods_headers_and_credentials_arrive, statuses_become_decisions,
              a_redirect_is_told_and_not_followed, large_answer_is_cut_off, silence_ends_with_retry,
              bad_urls_and_nobody_there)
