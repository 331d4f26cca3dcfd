/* SPDX-License-Identifier: Apache-2.0 */
/* The registry client against a registry of our own that can be told to misbehave. */
#include "lac_registry.h"

#include <stdatomic.h>
#include <stdio.h>

#include "lac_clock.h"
#include "lac_http_server.h"
#include "lac_records.h"
#include "lac_test.h"

static struct {
    atomic_uint asked;
    atomic_uint status; /* 0: by id */
    _Atomic(const char *) body;
    _Atomic(const char *) location; /* of an answer by status; NULL: none */
    atomic_bool authorized;         /* the last request carried our credentials */
    atomic_bool slow;               /* keeps the request until close */
} fake;

static struct lac_http_server *server;
static struct lac_err err;
static atomic_size_t memory_limit; /* larger blocks can't be had; 0: they can */

/* NOLINTBEGIN(readability-identifier-naming): the linker's names */
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_realloc(void *p, size_t size)
{
    size_t limit = atomic_load(&memory_limit);

    return limit && size > limit ? NULL : __real_realloc(p, size);
}

/* NOLINTEND(readability-identifier-naming) */

static void answer(struct lac_http_request *r, unsigned status, const char *body)
{
    struct lac_http_header to = {"Location", atomic_load(&fake.location)};
    struct lac_http_answer a = {.status = status,
                                .body = lac_str_from(body),
                                .headers = &to,
                                .header_count = to.value ? 1 : 0};

    lac_http_answer(r, &a);
}

static void gone(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    answer(r, 503, "");
}

static bool misbehaves(struct lac_http_request *r)
{
    unsigned status = atomic_load(&fake.status);

    atomic_fetch_add(&fake.asked, 1);
    /* "user:pass word" in base64 */
    atomic_store(&fake.authorized, lac_str_is(lac_http_request_header(r, "Authorization"),
                                              "Basic dXNlcjpwYXNzIHdvcmQ="));
    if (atomic_load(&fake.slow)) {
        lac_http_request_keep(r, gone);
        return true;
    }
    if (status)
        answer(r, status, atomic_load(&fake.body));
    return status != 0;
}

static void schemas(void *ctx, struct lac_http_request *r)
{
    struct lac_str id = lac_http_request_param(r);

    (void)ctx;
    if (misbehaves(r))
        return;
    if (lac_str_is(id, "1"))
        answer(r, 200,
               "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"Request\\\","
               "\\\"fields\\\":[{\\\"name\\\":\\\"text\\\",\\\"type\\\":\\\"string\\\"}]}\"}");
    else if (lac_str_is(id, "2"))
        answer(r, 200, "{\"schema\":\"message M {}\",\"schemaType\":\"PROTOBUF\"}");
    else if (lac_str_is(id, "3"))
        answer(r, 200, "{\"schema\":\"\\\"X\\\"\",\"references\":[{\"name\":\"X\"}]}");
    else
        answer(r, 404, "{\"error_code\":40403,\"message\":\"Schema not found\"}");
}

static void versions(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    if (misbehaves(r))
        return;
    if (lac_str_is(lac_http_request_param(r), "lacuna.requests-value") &&
        lac_str_is(lac_http_request_body(r), "{\"schema\":\"\\\"string\\\"\"}"))
        answer(r, 200, "{\"id\":7}");
    else
        answer(r, 422, "{\"error_code\":42201,\"message\":\"secret\"}");
}

/* On a busy machine answers come late; only the test of one that never comes gives up soon. */
enum { PATIENCE_MS = 20000, LONG_MS = 3600 * 1000 };

static struct lac_registry *open_with(uint32_t unknown_ttl_ms, uint32_t timeout_ms)
{
    static const struct lac_http_route routes[] = {
        {"GET", "/api/schemas/ids/{id}", NULL, schemas},
        {"POST", "/api/subjects/{subject}/versions", "application/vnd.schemaregistry.v1+json",
         versions},
    };
    static const struct lac_http_server_options options = {
        .listen = "127.0.0.1:0", .routes = routes, .route_count = LAC_COUNT(routes)};
    struct lac_registry_options o = {.username = "user",
                                     .password = "pass word",
                                     .timeout_ms = timeout_ms,
                                     .unknown_ttl_ms = unknown_ttl_ms,
                                     .down_ttl_ms = 1};
    struct lac_registry *r;
    char url[64];

    LAC_TEST_NEED(lac_http_server_open(&server, &options, &err) == LAC_OK);
    LAC_TEST_NEED(lac_http_server_start(server, &err) == LAC_OK);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/api/", lac_http_server_port(server));
    o.url = url;
    LAC_TEST_NEED(lac_registry_open(&r, &o, &err) == LAC_OK);
    atomic_store(&fake.asked, 0);
    atomic_store(&fake.status, 0);
    atomic_store(&fake.location, NULL);
    atomic_store(&fake.slow, false);
    return r;
}

static struct lac_registry *open(uint32_t unknown_ttl_ms)
{
    return open_with(unknown_ttl_ms, PATIENCE_MS);
}

static void close_both(struct lac_registry *r)
{
    lac_registry_close(r);
    lac_http_server_close(server);
}

/* Longer than down_ttl_ms. */
static void wait_a_moment(void)
{
    lac_clock_sleep_ms(5);
}

static void a_schema_is_fetched_once(void)
{
    struct lac_registry *r = open(0);
    struct lac_str schema;

    for (int i = 0; i < 3; i++) {
        LAC_TEST_NEED(lac_registry_by_id(r, 1, &schema, &err) == LAC_OK);
        LAC_TEST_EQ(schema.ptr[0], '{');
    }
    LAC_TEST_EQ(atomic_load(&fake.asked), 1);
    CU_ASSERT(atomic_load(&fake.authorized));
    close_both(r);
}

static void what_is_not_avro_is_refused_for_good(void)
{
    struct lac_registry *r = open(1);
    struct lac_str schema;

    for (uint32_t id = 2; id <= 3; id++) {
        lac_test_row("id %u", (unsigned)id);
        LAC_TEST_EQ(lac_registry_by_id(r, id, &schema, &err), LAC_REJECT);
        wait_a_moment();
        LAC_TEST_EQ(lac_registry_by_id(r, id, &schema, &err), LAC_REJECT);
    }
    LAC_TEST_EQ(atomic_load(&fake.asked), 2);
    close_both(r);
}

static void an_unknown_id_is_asked_for_again_after_a_while(void)
{
    struct lac_registry *r = open(LONG_MS);
    struct lac_str schema;

    LAC_TEST_EQ(lac_registry_by_id(r, 9, &schema, &err), LAC_REJECT);
    LAC_TEST_STR(err.text, "registry: schema id 9 is not known");
    LAC_TEST_EQ(lac_registry_by_id(r, 9, &schema, &err), LAC_REJECT);
    LAC_TEST_EQ(atomic_load(&fake.asked), 1);
    close_both(r);
    r = open(1);
    LAC_TEST_EQ(lac_registry_by_id(r, 9, &schema, &err), LAC_REJECT);
    wait_a_moment();
    LAC_TEST_EQ(lac_registry_by_id(r, 9, &schema, &err), LAC_REJECT);
    LAC_TEST_EQ(atomic_load(&fake.asked), 2);
    close_both(r);
}

static void answers_that_prove_nothing_are_never_a_refusal(void)
{
    static const struct {
        unsigned status;
        const char *body;
    } cases[] = {
        {500, "{\"error_code\":50001}"}, {503, ""},       {429, ""},
        {401, "{\"error_code\":40101}"}, {403, ""},       {404, "not here"},
        {404, "{\"error_code\":404}"},   {200, "<html>"}, {200, "{}"},
        {200, "{\"schema\":5}"},         {301, ""},
    };
    struct lac_registry *r = open(0);
    struct lac_str schema;

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("%u %s", cases[i].status, cases[i].body);
        atomic_store(&fake.body, cases[i].body);
        atomic_store(&fake.status, cases[i].status);
        wait_a_moment();
        LAC_TEST_EQ(lac_registry_by_id(r, 1, &schema, &err), LAC_RETRY);
    }
    atomic_store(&fake.status, 0);
    wait_a_moment();
    LAC_TEST_EQ(lac_registry_by_id(r, 1, &schema, &err), LAC_OK);
    close_both(r);
}

/* Our credentials would go along, and a POST become a GET. */
static void a_redirect_is_told_and_not_followed(void)
{
    struct lac_registry *r = open(0);
    struct lac_str schema;
    uint32_t id;

    atomic_store(&fake.body, "");
    atomic_store(&fake.status, 302);
    atomic_store(&fake.location, "http://127.0.0.1:1/start?state=secret");
    LAC_TEST_EQ(lac_registry_by_id(r, 1, &schema, &err), LAC_RETRY);
    LAC_TEST_STR(err.text, "registry: answered 302 and points to http://127.0.0.1:1/start, "
                           "check registry.url");
    wait_a_moment();
    atomic_store(&fake.location, "/api/schemas/ids/1");
    LAC_TEST_EQ(lac_registry_register(r, LAC_STR("x"), LAC_STR("\"string\""), &id, &err),
                LAC_RETRY);
    LAC_TEST_EQ(atomic_load(&fake.asked), 2);
    wait_a_moment();
    atomic_store(&fake.location, NULL);
    atomic_store(&fake.status, 500);
    LAC_TEST_EQ(lac_registry_by_id(r, 1, &schema, &err), LAC_RETRY);
    LAC_TEST_STR(err.text, "registry: answered 500");
    close_both(r);
}

/* Larger than any schema's answer: `begin`, and then blanks. */
static const char *too_large(const char *begin)
{
    static char text[2 * LAC_WIRE_SCHEMA_BYTES + 8192];

    memset(text, ' ', sizeof(text) - 1);
    memcpy(text, begin, strlen(begin));
    return text;
}

static void only_a_schema_is_too_large_for_good(void)
{
    static const unsigned statuses[] = {200, 401, 404, 429, 500, 503};
    struct lac_registry *r = open(0);
    struct lac_str schema;
    uint32_t id;

    atomic_store(&fake.body, too_large("<html>a proxy's page"));
    for (size_t i = 0; i < LAC_COUNT(statuses); i++) {
        lac_test_row("%u", statuses[i]);
        atomic_store(&fake.status, statuses[i]);
        LAC_TEST_EQ(lac_registry_by_id(r, 1, &schema, &err), LAC_RETRY);
        wait_a_moment();
        LAC_TEST_EQ(lac_registry_register(r, LAC_STR("x"), LAC_STR("\"string\""), &id, &err),
                    LAC_RETRY);
        wait_a_moment();
    }
    atomic_store(&fake.status, 200);
    atomic_store(&fake.body, too_large("{\"schema\":\""));
    LAC_TEST_EQ(lac_registry_by_id(r, 9, &schema, &err), LAC_REJECT);
    atomic_store(&fake.status, 0);
    wait_a_moment();
    LAC_TEST_EQ(lac_registry_by_id(r, 9, &schema, &err), LAC_REJECT);
    LAC_TEST_STR(err.text, "registry: schema id 9 is too large");
    LAC_TEST_EQ(lac_registry_by_id(r, 1, &schema, &err), LAC_OK);
    close_both(r);
}

static void a_lack_of_memory_is_no_refusal(void)
{
    struct lac_registry *r = open(0);
    struct lac_str schema;

    atomic_store(&memory_limit, 16);
    LAC_TEST_EQ(lac_registry_by_id(r, 1, &schema, &err), LAC_RETRY);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "memory"));
    atomic_store(&memory_limit, 0);
    wait_a_moment();
    LAC_TEST_EQ(lac_registry_by_id(r, 1, &schema, &err), LAC_OK);
    close_both(r);
}

/* A schema that is registered a little too late, after its first records. */
static void an_id_that_was_unknown_may_become_known(void)
{
    struct lac_registry *r = open(1);
    struct lac_schema_source source = lac_registry_source(r);
    struct lac_str record = LAC_STR("\0\0\0\0\1\4hi");
    struct lac_request out;
    struct lac_arena a;
    struct lac_wire *w;

    LAC_TEST_NEED(lac_arena_init(&a, 4096, NULL) == LAC_OK);
    LAC_TEST_NEED(lac_wire_open(&w, &source, NULL) == LAC_OK);
    atomic_store(&fake.status, 404);
    atomic_store(&fake.body, "{\"error_code\":40403}");
    LAC_TEST_EQ(lac_wire_read(w, &lac_request_type, &out, record, LAC_STR_NULL, &a, &err),
                LAC_REJECT);
    atomic_store(&fake.status, 0);
    wait_a_moment();
    LAC_TEST_EQ(lac_wire_read(w, &lac_request_type, &out, record, LAC_STR_NULL, &a, &err), LAC_OK);
    CU_ASSERT(lac_str_is(out.text, "hi"));
    lac_wire_close(w);
    lac_arena_deinit(&a);
    close_both(r);
}

/* Whoever sends a new id with each record makes nobody remember them all. */
static void what_is_kept_is_bounded(void)
{
    enum { MORE = LAC_REGISTRY_SCHEMAS_MAX + 8 };
    struct lac_registry *r = open(LONG_MS);
    struct lac_str schema;

    LAC_TEST_EQ(lac_registry_by_id(r, 1, &schema, &err), LAC_OK);
    for (uint32_t id = 100; id < 100 + MORE; id++) {
        LAC_TEST_EQ(lac_registry_by_id(r, id, &schema, &err), LAC_REJECT);
        LAC_TEST_EQ(lac_registry_by_id(r, 1, &schema, &err), LAC_OK); /* in use all the time */
    }
    LAC_TEST_EQ(atomic_load(&fake.asked), 1 + MORE);
    LAC_TEST_EQ(lac_registry_by_id(r, 100 + MORE - 1, &schema, &err), LAC_REJECT);
    LAC_TEST_EQ(atomic_load(&fake.asked), 1 + MORE);
    LAC_TEST_EQ(lac_registry_by_id(r, 100, &schema, &err), LAC_REJECT);
    LAC_TEST_EQ(atomic_load(&fake.asked), 2 + MORE); /* it had given way */
    close_both(r);
}

static void a_registry_that_hangs_or_is_gone_is_a_retry(void)
{
    struct lac_registry *r = open_with(0, 300);
    struct lac_str schema;

    atomic_store(&fake.slow, true);
    LAC_TEST_EQ(lac_registry_by_id(r, 1, &schema, &err), LAC_RETRY);
    lac_http_server_close(server);
    wait_a_moment();
    LAC_TEST_EQ(lac_registry_by_id(r, 1, &schema, &err), LAC_RETRY);
    lac_registry_close(r);
}

static void our_schemas_are_registered(void)
{
    struct lac_registry *r = open(0);
    uint32_t id = 0;

    LAC_TEST_EQ(lac_registry_register(r, LAC_STR("lacuna.requests-value"), LAC_STR("\"string\""),
                                      &id, &err),
                LAC_OK);
    LAC_TEST_EQ(id, 7);
    LAC_TEST_EQ(lac_registry_register(r, LAC_STR("a b-value"), LAC_STR("\"string\""), &id, &err),
                LAC_REJECT);
    CU_ASSERT_PTR_NULL(strstr(err.text, "secret"));
    atomic_store(&fake.body, "{\"id\":-1}");
    atomic_store(&fake.status, 200);
    LAC_TEST_EQ(lac_registry_register(r, LAC_STR("x"), LAC_STR("\"string\""), &id, &err),
                LAC_RETRY);
    close_both(r);
}

static void a_wire_reads_through_it(void)
{
    struct lac_registry *r = open(0);
    struct lac_schema_source source = lac_registry_source(r);
    struct lac_request out;
    struct lac_arena a;
    struct lac_wire *w;

    LAC_TEST_NEED(lac_arena_init(&a, 4096, NULL) == LAC_OK);
    LAC_TEST_NEED(lac_wire_open(&w, &source, NULL) == LAC_OK);
    LAC_TEST_EQ(lac_wire_read(w, &lac_request_type, &out, LAC_STR("\0\0\0\0\1\4hi"), LAC_STR_NULL,
                              &a, &err),
                LAC_OK);
    CU_ASSERT(lac_str_is(out.text, "hi"));
    LAC_TEST_EQ(lac_wire_read(w, &lac_request_type, &out, LAC_STR("\0\0\0\0\2\4hi"), LAC_STR_NULL,
                              &a, &err),
                LAC_REJECT);
    lac_wire_close(w);
    lac_arena_deinit(&a);
    close_both(r);
}

static void a_registry_needs_a_url(void)
{
    struct lac_registry_options o = {.url = "//"};
    struct lac_registry *r;

    LAC_TEST_EQ(lac_registry_open(&r, &o, &err), LAC_FATAL);
    CU_ASSERT_PTR_NULL(r);
}

LAC_TEST_MAIN(registry, a_schema_is_fetched_once, what_is_not_avro_is_refused_for_good,
              an_unknown_id_is_asked_for_again_after_a_while,
              answers_that_prove_nothing_are_never_a_refusal, a_redirect_is_told_and_not_followed,
              only_a_schema_is_too_large_for_good, a_lack_of_memory_is_no_refusal,
              an_id_that_was_unknown_may_become_known, what_is_kept_is_bounded,
              a_registry_that_hangs_or_is_gone_is_a_retry, our_schemas_are_registered,
              a_wire_reads_through_it, a_registry_needs_a_url)
