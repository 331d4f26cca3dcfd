/* SPDX-License-Identifier: Apache-2.0 */
/* Which path does what, and the pages that need no Kafka. */
#include <stdio.h>

#include "lac_bridge_impl.h"
#include "lac_bridge_pages.h"
#include "lac_json.h"
#include "lac_utf8.h"

enum { READY_BYTES = 64 << 10 }; /* a setting of the greatest length, escaped, and the checks */

/* The documentation page runs its own script and asks this server for the description: nothing
 * else may be loaded, from anywhere. */
#define DOCS_CSP                                                                    \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " \
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

bool lac_bridge_allowed(struct lac_bridge *b, struct lac_http_request *r)
{
    if (lac_http_request_authorized(r, b->options.api_key))
        return true;
    lac_http_answer_problem(
        r,
        &(struct lac_http_problem){.status = 401,
                                   .type = "unauthorized",
                                   .detail = "Send the key as Authorization: Bearer KEY."},
        &(struct lac_http_header){"WWW-Authenticate", "Bearer"}, 1);
    return false;
}

/* ---- Health ---- */

static void put_two(struct lac_http_request *r, const char *status, const char *version)
{
    char memory[256];
    struct lac_buf out;
    struct lac_json_writer w;
    lac_buf_init_fixed(&out, memory, sizeof memory);
    lac_json_begin(&w, &out);
    lac_json_open_object(&w);
    lac_json_key(&w, "status");
    lac_json_put_text(&w, status);
    if (version) {
        lac_json_key(&w, "version");
        lac_json_put_text(&w, version);
    }
    lac_json_close_object(&w);
    lac_http_answer(r, &(struct lac_http_answer){.status = 200, .body = lac_buf_str(&out)});
}

static void get_health(void *ctx, struct lac_http_request *r)
{
    struct lac_bridge *b = ctx;
    put_two(r, "healthy", b->options.version);
}

/* Answered by the loop itself: that it comes at all is the heartbeat. Never asks a dependency,
 * because restarting this process would not heal one. */
static void get_live(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    put_two(r, "alive", NULL);
}

static void put_check(struct lac_json_writer *w, const char *name, bool required, bool ok,
                      const char *why)
{
    lac_json_open_object(w);
    lac_json_key(w, "name");
    lac_json_put_text(w, name);
    lac_json_key(w, "ok");
    lac_json_put_bool(w, ok);
    lac_json_key(w, "required");
    lac_json_put_bool(w, required);
    if (!ok) {
        lac_json_key(w, "why");
        lac_json_put_text(w, why);
    }
    lac_json_close_object(w);
}

/* Ready means: can classify. Postgres and packs are reported and not required: without the one
 * only stored decisions can't be read, without the others nothing is scanned here, and taking all
 * bridges out of service would make it worse. */
static void get_ready(void *ctx, struct lac_http_request *r)
{
    struct lac_bridge *b = ctx;
    char kafka_why[256] = "", pg_why[256] = "", packs_why[256] = "", checks[1200];
    struct lac_buf out, list;
    struct lac_json_writer w;
    bool stopping = b->options.stopping && b->options.stopping(b->options.stopping_ctx);
    bool kafka = b->options.link.ready(b->options.link.ctx, kafka_why, sizeof kafka_why);
    lac_buf_init_fixed(&list, checks, sizeof checks);
    lac_json_begin(&w, &list);
    lac_json_open_array(&w);
    put_check(&w, "kafka", true, kafka, kafka_why);
    if (b->options.lookup)
        put_check(&w, "postgres", false,
                  lac_bridge_lookup_ok(b->options.lookup, pg_why, sizeof pg_why), pg_why);
    if (b->options.scan)
        put_check(&w, "packs", false,
                  lac_bridge_scan_ok(b->options.scan, packs_why, sizeof packs_why), packs_why);
    if (stopping)
        put_check(&w, "stopping", true, false, "the program was told to stop");
    lac_json_close_array(&w);
    struct lac_http_member member = {"checks", lac_buf_str(&list), true};
    if (!kafka || stopping) {
        lac_http_answer_problem(r,
                                &(struct lac_http_problem){.status = 503,
                                                           .type = "not-ready",
                                                           .detail = "Requests can't be classified "
                                                                     "here at the moment.",
                                                           .members = &member,
                                                           .member_count = 1},
                                &(struct lac_http_header){"Retry-After", "1"}, 1);
        return;
    }
    lac_buf_init(&out, READY_BYTES);
    lac_json_begin(&w, &out);
    lac_json_open_object(&w);
    lac_json_key(&w, "status");
    lac_json_put_text(&w, "ready");
    lac_json_key(&w, "version");
    lac_json_put_text(&w, b->options.version);
    if (b->options.environment && b->options.environment[0]) {
        lac_json_key(&w, "environment");
        lac_json_put_text(&w, b->options.environment);
    }
    lac_json_key(&w, "checks");
    lac_json_put_raw(&w, member.value);
    lac_json_close_object(&w);
    lac_http_answer(r, &(struct lac_http_answer){.status = 200, .body = lac_buf_str(&out)});
    lac_buf_deinit(&out);
}

static void get_metrics(void *ctx, struct lac_http_request *r)
{
    struct lac_bridge *b = ctx;
    enum lac_metrics_format format = lac_metrics_negotiate(lac_http_request_header(r, "Accept"));
    lac_buf_reset(&b->scratch);
    if (b->options.metrics)
        lac_metrics_write(b->options.metrics, &b->scratch, format);
    if (!lac_buf_ok(&b->scratch)) {
        lac_http_refuse(r, 500, "internal-error", "The page does not fit.");
        return;
    }
    lac_http_answer(r, &(struct lac_http_answer){.status = 200,
                                                 .content_type = lac_metrics_content_type(format),
                                                 .body = lac_buf_str(&b->scratch)});
}

/* ---- Stored decisions ---- */

static bool lookup_possible(struct lac_bridge *b, struct lac_http_request *r)
{
    if (!lac_bridge_allowed(b, r))
        return false;
    if (b->options.lookup)
        return true;
    lac_http_refuse(r, 503, "store-unavailable", "This bridge has no database to look in.");
    return false;
}

static void queue_full(struct lac_http_request *r)
{
    lac_http_answer_problem(r,
                            &(struct lac_http_problem){.status = 429,
                                                       .type = "too-many-requests",
                                                       .detail = "Too many look-ups are waiting."},
                            &(struct lac_http_header){"Retry-After", "1"}, 1);
}

static void get_decision(void *ctx, struct lac_http_request *r)
{
    struct lac_bridge *b = ctx;
    struct lac_event_id id;
    if (!lookup_possible(b, r))
        return;
    if (!lac_event_id_parse(lac_http_request_param(r), &id)) {
        lac_http_refuse(r, 422, "invalid-request", "An event id has 32 hexadecimal digits.");
        return;
    }
    if (lac_bridge_lookup_event(b->options.lookup, r, LAC_STR(LAC_BRIDGE_TENANT), &id) != LAC_OK)
        queue_full(r);
}

static void get_decisions(void *ctx, struct lac_http_request *r)
{
    struct lac_bridge *b = ctx;
    if (!lookup_possible(b, r))
        return;
    struct lac_str id = lac_http_request_query(r, "request_id");
    if (!id.ptr || id.len == 0 || id.len > LAC_BRIDGE_LOOKUP_ID_MAX) {
        lac_http_refuse(r, 422, "invalid-request",
                        "Give request_id as a query argument, 1 to 512 bytes long.");
        return;
    }
    if (!lac_utf8_valid(id)) { /* the database would refuse it, and the fault look like its own */
        lac_http_refuse(r, 422, "invalid-request", "request_id is not UTF-8.");
        return;
    }
    if (lac_bridge_lookup_request(b->options.lookup, r, LAC_STR(LAC_BRIDGE_TENANT), id) != LAC_OK)
        queue_full(r);
}

/* ---- Scanning and redacting ---- */

static void scan_or_redact(struct lac_bridge *b, struct lac_http_request *r, bool redact)
{
    if (!lac_bridge_allowed(b, r))
        return;
    if (!b->options.scan) {
        lac_http_refuse(r, 503, "scan-unavailable", "This bridge has no rules to scan with.");
        return;
    }
    if (lac_bridge_scan_push(b->options.scan, r, redact) == LAC_OK)
        return;
    lac_http_answer_problem(r,
                            &(struct lac_http_problem){.status = 429,
                                                       .type = "too-many-requests",
                                                       .detail = "Too many texts are waiting."},
                            &(struct lac_http_header){"Retry-After", "1"}, 1);
}

static void post_scan(void *ctx, struct lac_http_request *r)
{
    scan_or_redact(ctx, r, false);
}

static void post_redact(void *ctx, struct lac_http_request *r)
{
    scan_or_redact(ctx, r, true);
}

/* ---- Documentation ---- */

static void put_page(struct lac_http_request *r, const char *type, const char *page, size_t size)
{
    lac_http_answer(r, &(struct lac_http_answer){.status = 200,
                                                 .content_type = type,
                                                 .body = {page, size},
                                                 .content_security_policy = DOCS_CSP});
}

static void get_openapi(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    put_page(r, "application/json", lac_bridge_page_openapi_json,
             lac_bridge_page_openapi_json_size);
}

/* Who types the bare address into a browser wants to know what this is. */
static void get_root(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    lac_http_answer(r, &(struct lac_http_answer){
                           .status = 302,
                           .content_type = "text/plain; charset=utf-8",
                           .body = LAC_STR("See /docs.\n"),
                           .headers = &(struct lac_http_header){"Location", "/docs"},
                           .header_count = 1,
                       });
}

static void get_docs(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    put_page(r, "text/html; charset=utf-8", lac_bridge_page_docs_html,
             lac_bridge_page_docs_html_size);
}

static void get_docs_css(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    put_page(r, "text/css; charset=utf-8", lac_bridge_page_docs_css, lac_bridge_page_docs_css_size);
}

static void get_docs_js(void *ctx, struct lac_http_request *r)
{
    (void)ctx;
    put_page(r, "text/javascript; charset=utf-8", lac_bridge_page_docs_js,
             lac_bridge_page_docs_js_size);
}

const struct lac_http_route lac_bridge_routes[] = {
    {"POST", "/api/v1/classify", "application/json", lac_bridge_classify},
    {"POST", "/api/v1/classify/batch", "application/json", lac_bridge_classify_batch},
    {"POST", "/api/v1/scan", "application/json", post_scan},
    {"POST", "/api/v1/redact", "application/json", post_redact},
    {"GET", "/api/v1/decisions/{event_id}", NULL, get_decision},
    {"GET", "/api/v1/decisions", NULL, get_decisions},
    {"GET", "/health", NULL, get_health},
    {"GET", "/health/live", NULL, get_live},
    {"GET", "/health/ready", NULL, get_ready},
    {"GET", "/ready", NULL, get_ready},
    {"GET", "/metrics", NULL, get_metrics},
    {"GET", "/", NULL, get_root},
    {"GET", "/openapi.json", NULL, get_openapi},
    {"GET", "/docs", NULL, get_docs},
    {"GET", "/docs/page.css", NULL, get_docs_css},
    {"GET", "/docs/page.js", NULL, get_docs_js},
};
const size_t lac_bridge_route_count = LAC_COUNT(lac_bridge_routes);
_Static_assert(LAC_COUNT(lac_bridge_routes) <= LAC_BRIDGE_ROUTES_MAX, "metrics have a row each");
