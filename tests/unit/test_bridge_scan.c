/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: a text over HTTP is scanned and redacted at once, and errors never repeat it. */
#include "lac_bridge_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_bridge.h"
#include "lac_http_client.h"
#include "lac_json.h"
#include "lac_pack.h"
#include "lac_test.h"

static struct lac_bridge *bridge;
static struct lac_bridge_scan *scan;
static struct lac_pack *pack;
static struct lac_metrics *metrics;
static struct lac_http_client *client;
static struct lac_buf got;
static unsigned http;

static bool never(void *ctx, char *why, size_t size)
{
    (void)ctx;
    snprintf(why, size, "no Kafka here");
    return false;
}

static void set_up(const char *key, bool with_scan)
{
    struct lac_err err = {0};
    LAC_TEST_NEED(lac_pack_open(&pack, NULL, &err) == LAC_OK);
    LAC_TEST_NEED(lac_metrics_new(&metrics, &err) == LAC_OK);
    const struct lac_bridge_scan_options so = {.pack = pack, .metrics = metrics};
    if (with_scan)
        LAC_TEST_NEED(lac_bridge_scan_open(&scan, &so, &err) == LAC_OK);
    const struct lac_bridge_options o = {.http = {.listen = "127.0.0.1:0", .body_bytes = 65536},
                                         .api_key = key,
                                         .version = "1.2.3",
                                         .in_flight = 8,
                                         .deadline_ms = 100,
                                         .metrics = metrics,
                                         .link = {.usable = never, .ready = never},
                                         .scan = scan};
    LAC_TEST_NEED(lac_bridge_open(&bridge, &o, &err) == LAC_OK);
    LAC_TEST_NEED(lac_http_server_start(lac_bridge_server(bridge), &err) == LAC_OK);
    LAC_TEST_NEED(lac_http_client_new(&client, NULL, &err) == LAC_OK);
    lac_buf_init(&got, 1 << 20);
}

static void tear_down(void)
{
    lac_http_client_free(client);
    lac_buf_deinit(&got);
    lac_bridge_scan_close(scan);
    scan = NULL;
    lac_bridge_close(bridge);
    lac_metrics_free(metrics);
    lac_pack_close(pack);
}

/* The answer's text; NUL-terminated, until the next one. */
static const char *ask(const char *path, const char *body, const char *header)
{
    char url[512];
    struct lac_err err = {0};
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
    return lac_buf_cstr(&got);
}

#define EMAIL                                                                                  \
    "\"rule\":\"email\",\"entity\":\"EMAIL_ADDRESS\",\"start\":3,\"end\":14,\"start_char\":2," \
    "\"end_char\":13,\"score\":0.98,\"tier\":\"PROPRIETARY\",\"strength\":\"floor\","          \
    "\"validated\":true"

static void texts_are_scanned_and_redacted(void)
{
    set_up(NULL, true);
    LAC_TEST_STR(ask("/api/v1/scan", "{\"text\":\"\xc3\xbc kim@acme.io\"}", NULL),
                 "{\"tier\":\"PROPRIETARY\",\"findings\":[{" EMAIL "}]}");
    LAC_TEST_EQ(http, 200);
    LAC_TEST_STR(ask("/api/v1/scan", "{\"texts\":[\"nothing\",\"\xc3\xbc kim@acme.io\"]}", NULL),
                 "{\"results\":[{\"tier\":\"PUBLIC\",\"findings\":[]},"
                 "{\"tier\":\"PROPRIETARY\",\"findings\":[{" EMAIL "}]}]}");
    LAC_TEST_STR(
        ask("/api/v1/redact", "{\"text\":\"\xc3\xbc kim@acme.io\",\"mode\":\"mask\"}", NULL),
        "{\"text\":\"\xc3\xbc ***********\",\"findings\":[{" EMAIL "}]}");
    LAC_TEST_STR(ask("/api/v1/redact", "{\"texts\":[\"\xc3\xbc kim@acme.io\"]}", NULL),
                 "{\"results\":[{\"text\":\"\xc3\xbc <EMAIL_ADDRESS>\",\"findings\":[{" EMAIL
                 "}]}]}");
    LAC_TEST_STR(
        ask("/api/v1/scan", "{\"text\":\"kim@acme.io\",\"entities\":[\"CREDIT_CARD\"]}", NULL),
        "{\"tier\":\"PUBLIC\",\"findings\":[]}");
    LAC_TEST_STR(ask("/api/v1/scan", "{\"text\":\"kim@acme.io\",\"min_score\":1}", NULL),
                 "{\"tier\":\"PROPRIETARY\",\"findings\":[]}");
    tear_down();
}

static void a_hash_is_the_same_for_the_same_value(void)
{
    set_up(NULL, true);
    const char *answer =
        ask("/api/v1/redact", "{\"text\":\"kim@acme.io KIM@acme.io\",\"mode\":\"hash\"}", NULL);
    const char *one = strstr(answer, "<EMAIL_ADDRESS:"), *two = one ? strstr(one + 1, "<") : NULL;
    LAC_TEST_NEED(one != NULL && two != NULL);
    LAC_TEST_EQ(memcmp(one, two, strlen("<EMAIL_ADDRESS:") + 16), 0);
    tear_down();
}

static void what_is_wrong_is_said_without_the_text(void)
{
    static const struct {
        const char *path, *body, *pointer;
        unsigned status;
    } rows[] = {
        {"/api/v1/scan", "{\"text\":\"secret-word\"", "line 1", 400},
        {"/api/v1/scan", "[\"secret-word\"]", "expected an object", 422},
        {"/api/v1/scan", "{}", "either text or texts", 422},
        {"/api/v1/scan", "{\"text\":\"a\",\"texts\":[\"secret-word\"]}", "either text or texts",
         422},
        {"/api/v1/scan", "{\"text\":[\"secret-word\"]}", "/text:", 422},
        {"/api/v1/scan", "{\"texts\":[\"a\",7]}", "/texts/1:", 422},
        {"/api/v1/scan", "{\"texts\":[]}", "/texts:", 422},
        {"/api/v1/scan", "{\"text\":\"a\",\"secret-word\":1}", "a member", 422},
        {"/api/v1/scan", "{\"text\":\"a\",\"mode\":\"mask\"}", "a member", 422},
        {"/api/v1/scan", "{\"text\":\"a\",\"min_score\":1.5}", "/min_score:", 422},
        {"/api/v1/scan", "{\"text\":\"a\",\"min_score\":\"1\"}", "/min_score:", 422},
        {"/api/v1/scan", "{\"text\":\"a\",\"entities\":\"X\"}", "/entities:", 422},
        {"/api/v1/scan", "{\"text\":\"a\",\"entities\":[1]}", "/entities/0:", 422},
        {"/api/v1/scan", "{\"text\":\"a\",\"entities\":[\"secret-word\"]}", "/entities:", 422},
        {"/api/v1/redact", "{\"text\":\"a\",\"mode\":\"secret-word\"}", "/mode:", 422},
    };
    set_up(NULL, true);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].body);
        const char *answer = ask(rows[i].path, rows[i].body, NULL);
        LAC_TEST_EQ(http, rows[i].status);
        CU_ASSERT(strstr(answer, rows[i].pointer) != NULL);
        CU_ASSERT(strstr(answer, "secret-word") == NULL);
        CU_ASSERT(strstr(answer, "urn:lacuna:problem:") != NULL);
    }
    tear_down();
}

static void the_key_is_asked_for(void)
{
    set_up("sesame", true);
    (void)ask("/api/v1/scan", "{\"text\":\"a\"}", NULL);
    LAC_TEST_EQ(http, 401);
    (void)ask("/api/v1/redact", "{\"text\":\"a\"}", NULL);
    LAC_TEST_EQ(http, 401);
    (void)ask("/api/v1/redact", "{\"text\":\"a\"}", "Authorization: Bearer sesame");
    LAC_TEST_EQ(http, 200);
    tear_down();
}

static void without_rules_it_is_503(void)
{
    set_up(NULL, false);
    (void)ask("/api/v1/scan", "{\"text\":\"a\"}", NULL);
    LAC_TEST_EQ(http, 503);
    tear_down();
}

static void bodies_are_bounded_and_work_is_counted(void)
{
    static char body[70000];
    set_up(NULL, true);
    memset(body, 'a', sizeof body - 1);
    (void)ask("/api/v1/scan", body, NULL);
    LAC_TEST_EQ(http, 413);
    (void)ask("/api/v1/scan", "{\"texts\":[\"kim@acme.io\",\"x\"]}", NULL);
    LAC_TEST_EQ(http, 200);
    const char *page = ask("/metrics", NULL, NULL);
    CU_ASSERT(strstr(page, "lacuna_bridge_scan_texts_total 2\n") != NULL);
    CU_ASSERT(strstr(page, "lacuna_bridge_scan_bytes_total 12\n") != NULL);
    CU_ASSERT(strstr(page, "lacuna_bridge_scan_findings_total 1\n") != NULL);
    CU_ASSERT(strstr(page, "route=\"/api/v1/scan\",method=\"POST\",status=\"200\"} 1\n") != NULL);
    tear_down();
}

LAC_TEST_MAIN(bridge_scan, texts_are_scanned_and_redacted, a_hash_is_the_same_for_the_same_value,
              what_is_wrong_is_said_without_the_text, the_key_is_asked_for, without_rules_it_is_503,
              bodies_are_bounded_and_work_is_counted)
