/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies become requests; what is wrong with one is said without repeating it. */
#include "lac_bridge_body.h"

#include <stdlib.h>
#include <string.h>

#include "lac_bridge_member.h"
#include "lac_test.h"

static struct lac_arena arena;
static struct lac_bridge_body body;
static struct lac_err err;

static enum lac_status one(const char *text)
{
    lac_bridge_body_deinit(&body);
    if (!arena.base)
        LAC_TEST_NEED(lac_arena_init(&arena, 16 << 20, NULL) == LAC_OK);
    lac_arena_reset(&arena);
    err = (struct lac_err){0};
    return lac_bridge_body_one(&body, lac_str_from(text), &arena, &err);
}

static enum lac_status batch(const char *text)
{
    lac_bridge_body_deinit(&body);
    if (!arena.base)
        LAC_TEST_NEED(lac_arena_init(&arena, 16 << 20, NULL) == LAC_OK);
    lac_arena_reset(&arena);
    err = (struct lac_err){0};
    return lac_bridge_body_batch(&body, lac_str_from(text), &arena, &err);
}

static void done(void)
{
    lac_bridge_body_deinit(&body);
    lac_arena_deinit(&arena);
}

static void older_clients_are_understood(void)
{
    LAC_TEST_NEED(one("{\"query\":\"hello\",\"project\":\"apollo\",\"user_id\":\"eve\","
                      "\"user_role\":\"analyst\",\"environment\":\"production\","
                      "\"conversation\":[{\"role\":\"user\",\"content\":\"hi\"}],"
                      "\"context\":{\"source\":\"chat\",\"turn\":3,\"beta\":true}}") == LAC_OK);
    const struct lac_request *r = &body.items[0].request;
    CU_ASSERT(lac_str_is(r->text, "hello") && lac_str_is(r->project, "apollo"));
    CU_ASSERT(r->has_user && lac_str_is(r->user.id, "eve") && lac_str_is(r->user.role, "analyst"));
    CU_ASSERT(r->user.department.ptr == NULL);
    LAC_TEST_EQ(r->conversation_count, 1);
    CU_ASSERT(lac_str_is(r->conversation[0].content, "hi"));
    LAC_TEST_EQ(r->metadata_count, 3);
    CU_ASSERT(lac_str_is(r->metadata[1].key, "turn") && lac_str_is(r->metadata[1].value, "3"));
    CU_ASSERT(lac_str_is(r->metadata[2].value, "true"));
    LAC_TEST_EQ(r->kind, LAC_KIND_QUERY);
    done();
}

/* Texts without escapes are read without JSON's reader: what is beyond ASCII must not open a way
 * past what that one refuses. */
static void what_is_behind_an_umlaut_is_looked_at(void)
{
    LAC_TEST_NEED(one("{\"text\":\"B\xc3\xa4r\"}") == LAC_OK);
    CU_ASSERT(lac_str_is(body.items[0].request.text, "B\xc3\xa4r"));
    LAC_TEST_NEED(one("{\"text\":\"\xc3\xa4 \\\"x\\n\"}") == LAC_OK);
    CU_ASSERT(lac_str_is(body.items[0].request.text, "\xc3\xa4 \"x\n"));
    LAC_TEST_EQ(one("{\"text\":\"\xc3\xa4\xff\"}"), LAC_REJECT);
    LAC_TEST_EQ(one("{\"text\":\"\xc3\xa4\n\"}"), LAC_REJECT);
    LAC_TEST_EQ(one("{\"text\":\"\xc3\xa4\\x\"}"), LAC_REJECT);
    LAC_TEST_EQ(one("{\"text\":\"\xc3\xa4"), LAC_REJECT);
    done();
}

/* They are looked up by their length, so a new one has to be put into two tables. */
static void every_member_is_found_by_its_name(void)
{
    static const char *const members[] = {
        "claimed_tier", "context",   "conversation",   "deadline_ms", "environment", "files",
        "kind",         "metadata",  "operation",      "project",     "purpose",     "query",
        "request_id",   "session",   "subject",        "tenant",      "text",        "user",
        "user_id",      "user_role", "user_department"};
    bool found[LAC_MEMBER_COUNT + 1] = {false};

    LAC_TEST_EQ(LAC_COUNT(members), LAC_MEMBER_COUNT);
    for (size_t i = 0; i < LAC_COUNT(members); i++)
        found[lac_bridge_member_find(lac_str_from(members[i]))] = true;
    for (int i = 0; i <= LAC_MEMBER_COUNT; i++)
        CU_ASSERT(found[i] == (i < LAC_MEMBER_COUNT));
    LAC_TEST_EQ(lac_bridge_member_find(LAC_STR("")), LAC_MEMBER_COUNT);
    LAC_TEST_EQ(lac_bridge_member_find(LAC_STR("a_name_that_is_longer_than_all")),
                LAC_MEMBER_COUNT);
}

static void every_name_of_the_record_is_read(void)
{
    LAC_TEST_NEED(
        one("{\"request_id\":\"r-1\",\"kind\":\"operation\",\"text\":\"\",\"subject\":\"s\","
            "\"user\":{\"id\":\"u\",\"department\":\"sales\"},\"session\":\"x\",\"purpose\":null,"
            "\"files\":[\"a.txt\",\"b\"],\"claimed_tier\":\"internal\",\"deadline_ms\":250,"
            "\"operation\":{\"type\":\"export\",\"resource_type\":\"table\",\"resource\":\"t\","
            "\"destination_encrypted\":true,\"sources\":[\"q\"]},"
            "\"metadata\":{\"k\":\"v\"}}") == LAC_OK);
    const struct lac_request *r = &body.items[0].request;
    CU_ASSERT(lac_str_is(r->request_id, "r-1") && r->text.ptr && r->text.len == 0);
    LAC_TEST_EQ(r->kind, LAC_KIND_OPERATION);
    CU_ASSERT(lac_str_is(r->user.department, "sales") && r->purpose.ptr == NULL);
    LAC_TEST_EQ(r->files_count, 2);
    CU_ASSERT(r->has_claimed_tier && r->claimed_tier == LAC_TIER_INTERNAL);
    CU_ASSERT(r->has_deadline_ms && r->deadline_ms == 250);
    CU_ASSERT(r->has_operation && r->operation.destination_encrypted);
    LAC_TEST_EQ(r->operation.sources_count, 1);
    LAC_TEST_EQ(r->metadata_count, 1);
    done();
}

/* Clients that write out every member they know, the absent ones as null. */
static void null_is_no_spelling_of_a_user(void)
{
    static const char *const texts[] = {
        "{\"text\":\"a\",\"user\":null,\"user_id\":\"u\",\"user_role\":null}",
        "{\"text\":\"a\",\"user_id\":\"u\",\"user_role\":null,\"user\":null}",
        "{\"text\":\"a\",\"user_id\":null,\"user\":{\"id\":\"u\"},\"user_role\":null}",
    };

    for (size_t i = 0; i < LAC_COUNT(texts); i++) {
        lac_test_row("%s", texts[i]);
        LAC_TEST_NEED(one(texts[i]) == LAC_OK);
        const struct lac_request *r = &body.items[0].request;
        CU_ASSERT(r->has_user && lac_str_is(r->user.id, "u") && !r->user.role.ptr);
    }
    LAC_TEST_NEED(one("{\"text\":\"a\",\"user_id\":null,\"user\":null}") == LAC_OK);
    CU_ASSERT(!body.items[0].request.has_user);
    done();
}

static void wrong_bodies_are_named(void)
{
    static const struct {
        const char *text, *why;
        int http;
    } cases[] = {
        {"", "JSON", 400},
        {"{\"text\":\"zebra\"", "JSON", 400},
        {"{\"text\":\"zebra\",\"text\":\"b\"}", "JSON", 400},
        {"[]", "/: must be an object", 422},
        {"{}", "/text: is missing", 422},
        {"{\"text\":5}", "/text: must be a string", 422},
        {"{\"text\":\"zebra\",\"query\":\"zebra\"}", "/query: query and text are the same", 422},
        {"{\"text\":\"zebra\",\"tenant\":\"zebra\"}", "/tenant: comes from the credentials", 422},
        {"{\"text\":\"zebra\",\"kind\":\"zebra\"}", "/kind: must be", 422},
        {"{\"text\":\"zebra\",\"claimed_tier\":\"zebra\"}", "/claimed_tier: must be", 422},
        {"{\"text\":\"zebra\",\"deadline_ms\":0}", "/deadline_ms: must be", 422},
        {"{\"text\":\"zebra\",\"deadline_ms\":1.5}", "/deadline_ms: must be", 422},
        {"{\"text\":\"zebra\",\"deadline_ms\":600001}", "/deadline_ms: must be", 422},
        {"{\"text\":\"zebra\",\"clamed_tier\":\"zebra\"}", "nearest known one is \"claimed_tier\"",
         422},
        {"{\"text\":\"a\",\"zebra user\":\"x\"}", "member 2 of the object", 422},
        {"{\"text\":\"zebra\",\"user\":{\"id\":5}}", "/user/id", 422},
        {"{\"text\":\"zebra\",\"user\":{\"idd\":\"zebra\"}}", "/user", 422},
        {"{\"text\":\"zebra\",\"user\":{\"id\":\"a\"},\"user_id\":\"b\"}",
         "/user: user and user_id", 422},
        {"{\"text\":\"zebra\",\"conversation\":[{\"role\":1}]}", "/conversation/0/role", 422},
        {"{\"text\":\"zebra\",\"conversation\":{}}", "/conversation: must be an array", 422},
        {"{\"text\":\"zebra\",\"files\":[\"a\",2]}", "/files/1: must be a string", 422},
        {"{\"text\":\"zebra\",\"metadata\":{\"zebra\":1}}", "/metadata: may hold strings only",
         422},
        {"{\"text\":\"zebra\",\"context\":{\"zebra\":[]}}", "/context: may hold", 422},
        {"{\"text\":\"zebra\",\"request_id\":\"a b\"}", "/request_id: must be printable", 422},
        {"{\"text\":\"zebra\",\"request_id\":\"\"}", "/request_id: must not be empty", 422},
        {"{\"text\":\"zebra\",\"kind\":\"operation\"}", "/operation: is missing", 422},
        {"{\"text\":\"zebra\",\"queries\":[]}", "member 2", 422},
    };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("%s", cases[i].text);
        LAC_TEST_EQ(one(cases[i].text), LAC_REJECT);
        LAC_TEST_EQ(err.code, cases[i].http);
        CU_ASSERT(strstr(err.text, cases[i].why) != NULL);
        CU_ASSERT(strstr(err.text, "zebra") == NULL); /* nothing that was sent */
        CU_ASSERT(body.document == NULL);
    }
    done();
}

static void append(char *text, size_t size, const char *more)
{
    size_t at = strlen(text), len = strlen(more);
    LAC_TEST_NEED(at + len < size);
    memcpy(text + at, more, len + 1);
}

static void too_much_is_refused(void)
{
    size_t n = 400000;
    char *text = malloc(n);
    LAC_TEST_NEED(text != NULL);
    /* More turns, names and entries than allowed. */
    static const char *const heads[] = {"{\"text\":\"a\",\"conversation\":[", "{\"text\":\"a\","
                                                                              "\"files\":["};
    for (size_t k = 0; k < LAC_COUNT(heads); k++) {
        text[0] = '\0';
        append(text, n, heads[k]);
        for (int i = 0; i < 1001; i++)
            append(text, n, i ? ",\"x\"" : "\"x\"");
        append(text, n, "]}");
        LAC_TEST_EQ(one(text), LAC_REJECT);
        CU_ASSERT(strstr(err.text, "too many") != NULL);
    }
    /* A name over its limit; a text of the same size is fine. */
    char *long_name = malloc(2000);
    LAC_TEST_NEED(long_name != NULL);
    memset(long_name, 'x', 1999);
    long_name[1999] = '\0';
    snprintf(text, n, "{\"text\":\"a\",\"project\":\"%s\"}", long_name);
    LAC_TEST_EQ(one(text), LAC_REJECT);
    snprintf(text, n, "{\"text\":\"%s\"}", long_name);
    LAC_TEST_EQ(one(text), LAC_OK);
    free(long_name);
    free(text);
    done();
}

static void batch_takes_queries_or_items(void)
{
    LAC_TEST_NEED(batch("{\"queries\":[\"a\",\"b\",5],\"project\":\"p\",\"user_id\":\"u\"}") ==
                  LAC_OK);
    LAC_TEST_EQ(body.count, 3);
    CU_ASSERT(lac_str_is(body.items[1].request.text, "b"));
    CU_ASSERT(lac_str_is(body.items[1].request.project, "p"));
    CU_ASSERT(lac_str_is(body.items[1].request.user.id, "u"));
    CU_ASSERT(body.items[1].error == NULL && body.items[2].error != NULL);
    LAC_TEST_NEED(batch("{\"items\":[{\"text\":\"a\",\"project\":\"own\"},{\"txt\":\"b\"},{},7],"
                        "\"project\":\"p\",\"deadline_ms\":99}") == LAC_OK);
    LAC_TEST_EQ(body.count, 4);
    CU_ASSERT(lac_str_is(body.items[0].request.project, "own"));
    LAC_TEST_EQ(body.items[0].request.deadline_ms, 99);
    CU_ASSERT(body.items[0].error == NULL);
    CU_ASSERT(body.items[1].error && strstr(body.items[1].error, "\"text\""));
    CU_ASSERT(body.items[2].error && strstr(body.items[2].error, "missing"));
    CU_ASSERT(body.items[3].error && strstr(body.items[3].error, "object"));
    LAC_TEST_NEED(batch("{\"items\":[]}") == LAC_OK);
    LAC_TEST_EQ(body.count, 0);
    done();
}

static void wrong_batches_are_refused_whole(void)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"{}", "either queries or items"},
        {"{\"items\":[],\"queries\":[]}", "either queries or items"},
        {"{\"items\":{}}", "/items: must be an array"},
        {"{\"queries\":\"a\"}", "/queries: must be an array"},
        {"{\"queries\":[],\"text\":\"a\"}", "/text: belongs into items"},
        {"{\"queries\":[],\"request_id\":\"a\"}", "/request_id: belongs"},
        {"{\"queries\":[],\"query\":\"a\"}", "/query: belongs"},
        {"{\"querys\":[]}", "either queries"},
        {"{\"queries\":[],\"itens\":[]}", "nearest known one is \"items\""},
        {"[]", "must be an object"},
    };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("%s", cases[i].text);
        LAC_TEST_EQ(batch(cases[i].text), LAC_REJECT);
        LAC_TEST_EQ(err.code, 422);
        CU_ASSERT(strstr(err.text, cases[i].why) != NULL);
    }
    char text[8192] = "{\"queries\":[\"\"";
    for (int i = 0; i < 999; i++)
        append(text, sizeof text, ",\"\"");
    append(text, sizeof text, "]}");
    LAC_TEST_EQ(batch(text), LAC_OK);
    LAC_TEST_EQ(body.count, 1000);
    text[strlen(text) - 2] = '\0';
    append(text, sizeof text, ",\"\"]}");
    LAC_TEST_EQ(batch(text), LAC_REJECT);
    done();
}

/* What JSON allows and we don't take costs the item that has it, and no other. */
static void an_item_that_is_not_wanted_costs_only_itself(void)
{
    static const struct {
        const char *item, *why;
    } cases[] = {
        {"{\"text\":\"a\\u0000b\"}", "/: line 1 column 18: a NUL character is not allowed"},
        {"{\"text\":\"a\\ud83d\"}", "half of a surrogate pair"},
        {"{\"text\":\"a\",\"text\":\"b\"}", "a key occurs twice"},
        {"{\"text\":\"a\",\"deadline_ms\":1e999}", "a number is out of range"},
        {"{\"text\":\"a\",\"metadata\":{\"b\\u0000\":\"c\"}}", "a NUL character"},
        {" {\"items\":[{\"queries\":[\"\\u0000]\"]}]} ", "a NUL character"},
    };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        char text[512] = "{\"project\":\"[p,\", \"items\" : [{\"text\":\"],\\\"}\"} ,";
        lac_test_row("%s", cases[i].item);
        append(text, sizeof text, cases[i].item);
        append(text, sizeof text,
               ",{\"text\":\"c\",\"files\":[\"1\",\"2\"]},7],\"user_id\":\"u\"}");
        LAC_TEST_NEED(batch(text) == LAC_OK);
        LAC_TEST_EQ(body.count, 4);
        CU_ASSERT(!body.items[0].error && lac_str_is(body.items[0].request.text, "],\"}"));
        CU_ASSERT(body.items[1].error && strstr(body.items[1].error, cases[i].why));
        CU_ASSERT(!body.items[2].error && lac_str_is(body.items[2].request.text, "c"));
        CU_ASSERT(lac_str_is(body.items[2].request.project, "[p,"));
        CU_ASSERT(lac_str_is(body.items[2].request.user.id, "u"));
        CU_ASSERT(body.items[3].error && strstr(body.items[3].error, "object"));
    }
    LAC_TEST_NEED(batch("{\"queries\":[\"a\",\"\\u0000\",\"b\"]}") == LAC_OK);
    CU_ASSERT(!body.items[0].error && body.items[1].error && !body.items[2].error);
    done();
}

/* Beside the items, or where the body is no JSON at all, it concerns everybody. */
static void a_batch_that_is_not_wanted_is_refused_whole(void)
{
    static const char *const cases[] = {
        "{\"queries\":[\"a\"],\"project\":\"\\u0000\"}",
        "{\"project\":\"\\u0000\",\"queries\":[\"a\"]}",
        "{\"queries\":[\"\\u0000\"],\"queries\":[\"\\u0000\"]}",
        "{\"queries\":[\"\\u0000\"],\"queries\":1}",
        "{\"queries\":[\"\\u0000\",]}",
        "{\"queries\":[,\"\\u0000\"]}",
        "{\"queries\":[\"\\u0000\",x]}",
        "{\"queries\":[\"\\u0000\"}",
        "{\"queries\":[\"\\u0000\"]",
        "{\"queries\":[\"\\u0000\"",
        "{\"queries\":[\"\\u0000\"}]",
        "{\"queries\":[\"\\u0000\"]}]",
        "{\"queries\":[\"\\u0000\",\"",
        "{\"queries\":[\"\\u0000\",\"\\",
        "{\"queries\":{\"\\u0000\":1}}",
        "{\"queries\":\"\\u0000\"}",
        "\"\\u0000\"",
    };
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("%s", cases[i]);
        LAC_TEST_EQ(batch(cases[i]), LAC_REJECT);
        LAC_TEST_EQ(err.code, 400);
        CU_ASSERT(err.text[0] && body.document == NULL && body.pieces == NULL);
    }
    char text[16384] = "{\"queries\":[\"\\u0000\"";
    for (int i = 0; i < 1000; i++)
        append(text, sizeof text, ",\"\"");
    append(text, sizeof text, "]}");
    LAC_TEST_EQ(batch(text), LAC_REJECT);
    done();
}

LAC_TEST_MAIN(bridge_body, older_clients_are_understood, what_is_behind_an_umlaut_is_looked_at,
              every_member_is_found_by_its_name, every_name_of_the_record_is_read,
              null_is_no_spelling_of_a_user, wrong_bodies_are_named, too_much_is_refused,
              batch_takes_queries_or_items, wrong_batches_are_refused_whole,
              an_item_that_is_not_wanted_costs_only_itself,
              a_batch_that_is_not_wanted_is_refused_whole)
