/* SPDX-License-Identifier: Apache-2.0 */
/* Framings, content types, foreign schemas by id, and what a missing registry means. */
#include "lac_wire.h"

#include <stdlib.h>

#include "lac_records.h"
#include "lac_test.h"

static struct lac_arena arena;
static struct lac_err err;
static bool no_memory; /* for buffers that grow */

/* NOLINTBEGIN(readability-identifier-naming): the linker's names */
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_realloc(void *p, size_t size)
{
    return no_memory ? NULL : __real_realloc(p, size);
}

/* NOLINTEND(readability-identifier-naming) */

struct registry {
    enum lac_status status;
    const char *schema;
    unsigned asked;
};

static enum lac_status by_id(void *ctx, uint32_t id, struct lac_str *schema, struct lac_err *e)
{
    struct registry *r = ctx;

    r->asked++;
    if (r->status != LAC_OK)
        return lac_err_set(e, r->status, 0, "registry: id %u", (unsigned)id);
    *schema = lac_str_from(r->schema);
    return LAC_OK;
}

static struct lac_wire *open(struct registry *r)
{
    struct lac_schema_source source = {r, by_id};
    struct lac_wire *w;

    if (!arena.base)
        LAC_TEST_NEED(lac_arena_init(&arena, 1 << 16, NULL) == LAC_OK);
    lac_arena_reset(&arena);
    LAC_TEST_NEED(lac_wire_open(&w, r ? &source : NULL, NULL) == LAC_OK);
    return w;
}

#define NEWER                                                                             \
    "{\"type\":\"record\",\"name\":\"Request\",\"fields\":[{\"name\":\"query\",\"type\":" \
    "\"string\"}]}"

static void what_was_written_is_read_in_both_framings(void)
{
    struct lac_wire *w = open(NULL);
    struct lac_request in, out;
    struct lac_str bytes;

    lac_request_init(&in);
    in.text = LAC_STR("hi");
    LAC_TEST_NEED(lac_wire_write(w, &lac_request_type, &in, &arena, &bytes, &err) == LAC_OK);
    LAC_TEST_EQ((unsigned char)bytes.ptr[0], 0xC3);
    LAC_TEST_EQ(bytes.ptr[1], 1);
    LAC_TEST_EQ((unsigned char)bytes.ptr[2], lac_request_type.fingerprint & 0xFF);
    LAC_TEST_EQ((unsigned char)bytes.ptr[9], lac_request_type.fingerprint >> 56);
    LAC_TEST_NEED(lac_wire_read(w, &lac_request_type, &out, bytes, LAC_STR_NULL, &arena, &err) ==
                  LAC_OK);
    CU_ASSERT(lac_str_is(out.text, "hi"));

    lac_wire_set_id(w, &lac_request_type, 0x01020304);
    LAC_TEST_NEED(lac_wire_write(w, &lac_request_type, &in, &arena, &bytes, &err) == LAC_OK);
    CU_ASSERT(memcmp(bytes.ptr, "\0\1\2\3\4", 5) == 0);
    LAC_TEST_NEED(lac_wire_read(w, &lac_request_type, &out, bytes, LAC_STR_NULL, &arena, &err) ==
                  LAC_OK);
    CU_ASSERT(lac_str_is(out.text, "hi"));
    lac_wire_close(w);
}

static void content_type_decides_and_without_it_the_first_byte(void)
{
    static const struct {
        const char *type;
        struct lac_str payload;
        enum lac_status status;
        const char *error;
    } cases[] = {
        {NULL, LAC_STR("{\"text\":\"x\"}"), LAC_OK, ""},
        {NULL, LAC_STR(" \n{\"text\":\"x\"}"), LAC_OK, ""},
        {"", LAC_STR("{\"text\":\"x\"}"), LAC_OK, ""},
        {"application/json", LAC_STR("{\"text\":\"x\"}"), LAC_OK, ""},
        {"Application/JSON ; charset=utf-8", LAC_STR("{\"text\":\"x\"}"), LAC_OK, ""},
        {"application/vnd.acme+json", LAC_STR("{\"text\":\"x\"}"), LAC_OK, ""},
        {"application/octet-stream", LAC_STR("{\"text\":\"x\"}"), LAC_OK, ""},
        {"application/avro", LAC_STR("{\"text\":\"x\"}"), LAC_REJECT, "neither"},
        {"application/json", LAC_STR("\0\0\0\0\1"), LAC_REJECT, "json: line 1"},
        {"application/cloudevents+json", LAC_STR("{\"text\":\"x\"}"), LAC_REJECT, "content type"},
        {"text/plain", LAC_STR("{\"text\":\"x\"}"), LAC_REJECT, "content type"},
        {NULL, LAC_STR("hello"), LAC_REJECT, "neither"},
        {NULL, LAC_STR(""), LAC_REJECT, "neither"},
        {NULL, LAC_STR("\xC3"), LAC_REJECT, "neither"},
        {NULL, LAC_STR("\xC3\x02"), LAC_REJECT, "neither"},
        {NULL,
         LAC_STR("\xC3\x01"
                 "12345"),
         LAC_REJECT, "single-object header"},
        {NULL,
         LAC_STR("\xC3\x01"
                 "12345678"),
         LAC_REJECT, "has fingerprint 3837363534333231"},
        {NULL, LAC_STR("\0\0\0\1"), LAC_REJECT, "registry header"},
        {NULL, LAC_STR("\0\0\0\0\1x"), LAC_REJECT, "no schema registry"},
        {NULL, LAC_STR("{\"text\":5}"), LAC_REJECT, "json: /text"},
        {NULL, LAC_STR("{\"text\":"), LAC_REJECT, "json: line 1"},
    };
    struct lac_wire *w = open(NULL);
    struct lac_request out;

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("case %zu", i);
        err.text[0] = '\0';
        LAC_TEST_EQ(lac_wire_read(w, &lac_request_type, &out, cases[i].payload,
                                  lac_str_from(cases[i].type), &arena, &err),
                    cases[i].status);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].error));
    }
    lac_wire_close(w);
}

static void a_foreign_schema_is_asked_for_once(void)
{
    struct registry r = {.schema = NEWER};
    struct lac_wire *w = open(&r);
    struct lac_request out;

    for (int i = 0; i < 3; i++) {
        LAC_TEST_EQ(lac_wire_read(w, &lac_request_type, &out, LAC_STR("\0\0\0\0\7\4hi"),
                                  LAC_STR_NULL, &arena, &err),
                    LAC_OK);
        CU_ASSERT(lac_str_is(out.text, "hi"));
    }
    LAC_TEST_EQ(r.asked, 1);
    lac_wire_close(w);
}

static void our_schema_in_a_registry_is_read_by_generated_code(void)
{
    struct registry r = {.schema = lac_feedback_type.schema};
    struct lac_wire *w = open(&r);
    struct lac_feedback out;

    LAC_TEST_EQ(lac_wire_read(w, &lac_feedback_type, &out,
                              LAC_STR("\0\0\0\0\7"
                                      "0123456789abcdef"
                                      "\4\2x\0\2"),
                              LAC_STR_NULL, &arena, &err),
                LAC_OK);
    LAC_TEST_EQ(out.tier, LAC_TIER_PROPRIETARY);
    lac_wire_close(w);
}

static void a_registry_that_is_down_is_asked_again(void)
{
    struct registry r = {.status = LAC_RETRY, .schema = NEWER};
    struct lac_wire *w = open(&r);
    struct lac_request out;
    const struct lac_str bytes = LAC_STR("\0\0\0\0\7\4hi");

    LAC_TEST_EQ(lac_wire_read(w, &lac_request_type, &out, bytes, LAC_STR_NULL, &arena, &err),
                LAC_RETRY);
    r.status = LAC_OK;
    LAC_TEST_EQ(lac_wire_read(w, &lac_request_type, &out, bytes, LAC_STR_NULL, &arena, &err),
                LAC_OK);
    LAC_TEST_EQ(r.asked, 2);
    lac_wire_close(w);
}

static void a_schema_that_does_not_fit_is_refused_without_asking_again(void)
{
    struct registry r = {.schema = "\"string\""};
    struct lac_wire *w = open(&r);
    struct lac_request out;

    for (int i = 0; i < 2; i++) {
        err.text[0] = '\0';
        LAC_TEST_EQ(lac_wire_read(w, &lac_request_type, &out, LAC_STR("\0\0\0\0\7\4hi"),
                                  LAC_STR_NULL, &arena, &err),
                    LAC_REJECT);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "schema id 7: Request: the value is record here"));
    }
    LAC_TEST_EQ(r.asked, 1);
    lac_wire_close(w);
}

static enum lac_status read_with(struct lac_wire *w, unsigned id)
{
    char bytes[] = "\0\0\0\0\0\4hi";
    struct lac_request out;

    bytes[3] = (char)(id >> 8);
    bytes[4] = (char)id;
    return lac_wire_read(w, &lac_request_type, &out, (struct lac_str){bytes, 8}, LAC_STR_NULL,
                         &arena, &err);
}

static void more_schemas_than_slots_still_work(void)
{
    struct registry r = {.schema = NEWER};
    struct lac_wire *w = open(&r);

    for (unsigned id = 0; id < 2 * LAC_WIRE_SCHEMAS_MAX; id++) {
        LAC_TEST_EQ(read_with(w, id), LAC_OK);
        LAC_TEST_EQ(read_with(w, 0), LAC_OK); /* in use all the time: others give way */
    }
    LAC_TEST_EQ(r.asked, 2 * LAC_WIRE_SCHEMAS_MAX);
    lac_wire_close(w);
}

static void a_lack_of_memory_refuses_no_schema(void)
{
    struct registry r = {.schema = NEWER};
    struct lac_wire *w = open(&r);

    no_memory = true;
    LAC_TEST_EQ(read_with(w, 1), LAC_RETRY);
    no_memory = false;
    LAC_TEST_EQ(read_with(w, 1), LAC_OK);
    lac_wire_close(w);
}

static void json_is_bounded(void)
{
    struct lac_wire *w = open(NULL);
    char *text = malloc(LAC_WIRE_JSON_BYTES + 1);
    struct lac_request out;

    LAC_TEST_NEED(text);
    memset(text, ' ', LAC_WIRE_JSON_BYTES + 1);
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): blanks follow, up to the limit */
    memcpy(text, "{\"text\":\"\"}", 11);
    LAC_TEST_EQ(lac_wire_read(w, &lac_request_type, &out,
                              (struct lac_str){text, LAC_WIRE_JSON_BYTES}, LAC_STR_NULL, &arena,
                              &err),
                LAC_OK);
    LAC_TEST_EQ(lac_wire_read(w, &lac_request_type, &out,
                              (struct lac_str){text, LAC_WIRE_JSON_BYTES + 1}, LAC_STR_NULL, &arena,
                              &err),
                LAC_REJECT);
    free(text);
    lac_wire_close(w);
}

LAC_TEST_MAIN(wire, json_is_bounded, what_was_written_is_read_in_both_framings,
              content_type_decides_and_without_it_the_first_byte,
              a_foreign_schema_is_asked_for_once,
              our_schema_in_a_registry_is_read_by_generated_code,
              a_registry_that_is_down_is_asked_again,
              a_schema_that_does_not_fit_is_refused_without_asking_again,
              more_schemas_than_slots_still_work, a_lack_of_memory_refuses_no_schema)
