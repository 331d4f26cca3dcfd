/* SPDX-License-Identifier: Apache-2.0 */
/* Schema resolution, case by case: what a foreign writer may write and what becomes of it. */
#include "lac_opprogram.h"

#include <stdlib.h>

#include "lac_buf.h"
#include "lac_record_json.h"
#include "lac_records.h"
#include "lac_test.h"

static struct lac_arena arena;
static struct lac_err err;

/* Compiles `schema` for `t`. */
static enum lac_status compile(const struct lac_record_type *t, const char *schema,
                               struct lac_opprogram **out)
{
    size_t size = lac_schema_arena_size(strlen(schema));
    struct lac_schema_node *root;
    enum lac_status status;
    struct lac_arena a;

    *out = NULL;
    err.text[0] = '\0';
    LAC_TEST_NEED(lac_arena_init(&a, size, NULL) == LAC_OK);
    status = lac_schema_parse(&root, lac_str_from(schema), &a, &err);
    if (status == LAC_OK)
        status = lac_opprogram_new(out, t, root, &err);
    lac_arena_deinit(&a);
    return status;
}

/* Runs it over an exact heap copy, so that ASan sees one byte too many. */
static enum lac_status run(const struct lac_opprogram *p, void *out, struct lac_str bytes)
{
    char *copy = malloc(bytes.len ? bytes.len : 1);
    enum lac_status status;

    LAC_TEST_NEED(copy);
    if (!arena.base)
        LAC_TEST_NEED(lac_arena_init(&arena, 1 << 20, NULL) == LAC_OK);
    lac_arena_reset(&arena);
    memcpy(copy, bytes.ptr, bytes.len);
    err.text[0] = '\0';
    status = lac_opprogram_run(p, out, (struct lac_str){copy, bytes.len}, &arena, &err);
    free(copy);
    return status;
}

/* As `run`, and the outcome as JSON text or as the error's text; borrowed until the next call. */
static const char *outcome(const struct lac_record_type *t, const char *schema,
                           struct lac_str bytes)
{
    static union {
        struct lac_request request;
        struct lac_feedback feedback;
        struct lac_routing routing;
        struct lac_decision_core core;
    } record;
    static char text[2048];
    struct lac_json_writer w;
    struct lac_opprogram *p;
    struct lac_buf b;

    if (compile(t, schema, &p) != LAC_OK)
        return err.text;
    lac_arena_reset(&arena);
    if (!arena.base)
        LAC_TEST_NEED(lac_arena_init(&arena, 1 << 20, NULL) == LAC_OK);
    if (lac_opprogram_run(p, &record, bytes, &arena, &err) != LAC_OK) {
        lac_opprogram_free(p);
        return err.text;
    }
    lac_opprogram_free(p);
    lac_buf_init_fixed(&b, text, sizeof(text));
    lac_json_begin(&w, &b);
    lac_record_to_json(&w, t, &record);
    CU_ASSERT_TRUE(lac_json_done(&w));
    return lac_buf_cstr(&b);
}

#define RECORD(name, fields) "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" fields "]}"
#define FIELD(name, type)    "{\"name\":\"" name "\",\"type\":" type "}"

#define TEXT_ONLY                                                                                  \
    "{\"tenant\":\"default\",\"kind\":\"query\",\"text\":\"hi\",\"conversation\":[],\"files\":[]," \
    "\"metadata\":{}}"

static void our_own_schema_gives_the_same_as_the_generated_decoder(void)
{
    static const struct lac_str bytes = LAC_STR("\x00"
                                                "\x02"
                                                "t"
                                                "\x02"
                                                "\x04"
                                                "hi"
                                                "\x00\x00\x00\x00\x00\x00"
                                                "\x00\x00"
                                                "\x02\x02"
                                                "\x00\x02\x05"
                                                "\x00");
    struct lac_request a, b;
    struct lac_opprogram *p;

    LAC_TEST_NEED(compile(&lac_request_type, lac_request_type.schema, &p) == LAC_OK);
    LAC_TEST_EQ(run(p, &a, bytes), LAC_OK);
    LAC_TEST_EQ(lac_request_decode(&b, bytes, &arena, NULL), LAC_OK);
    LAC_TEST_EQ(a.deadline_ms, b.deadline_ms);
    LAC_TEST_EQ(a.claimed_tier, LAC_TIER_INTERNAL);
    LAC_TEST_EQ(a.kind, LAC_KIND_DOCUMENT);
    lac_opprogram_free(p);
}

static void resolution_follows_the_specification(void)
{
    static const struct {
        const char *what;
        const char *schema;
        struct lac_str bytes;
        const char *outcome;
    } cases[] = {
        {"missing fields get our defaults", RECORD("Request", FIELD("text", "\"string\"")),
         LAC_STR("\x04hi"), TEXT_ONLY},
        {"another namespace is the same name",
         "{\"type\":\"record\",\"name\":\"com.acme.Request\",\"fields\":[" FIELD("text",
                                                                                 "\"string\"") "]}",
         LAC_STR("\x04hi"), TEXT_ONLY},
        {"bytes become a string", RECORD("Request", FIELD("text", "\"bytes\"")), LAC_STR("\x04hi"),
         TEXT_ONLY},
        {"bytes that are no UTF-8 do not", RECORD("Request", FIELD("text", "\"bytes\"")),
         LAC_STR("\x04\xC3\x28"), "Request: /text at byte 0: string is not UTF-8"},
        {"our alias matches", RECORD("Request", FIELD("query", "\"string\"")), LAC_STR("\x04hi"),
         TEXT_ONLY},
        {"the name wins over the alias",
         RECORD("Request", FIELD("query", "\"string\"") "," FIELD("text", "\"string\"")),
         LAC_STR("\x04no\x04hi"), TEXT_ONLY},
        {"dropped fields are skipped",
         RECORD(
             "Request",
             FIELD("a", "\"double\"") "," FIELD(
                 "b",
                 "{\"type\":\"array\",\"items\":[\"null\","
                 "\"float\"]}") "," FIELD("c",
                                          "{\"type\":"
                                          "\"map\","
                                          "\"values\":"
                                          "\"bytes\"}") "," FIELD("text",
                                                                  "\"string\"") "," FIELD("d",
                                                                                          RECORD(
                                                                                              "D",
                                                                                              FIELD("x", "\"boolean\"") "," FIELD(
                                                                                                  "y",
                                                                                                  "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":["
                                                                                                  "\"A\"]}"))) "," FIELD("e",
                                                                                                                         "\"D\"") "," FIELD("f",
                                                                                                                                            "{\"type"
                                                                                                                                            "\":"
                                                                                                                                            "\"fixed"
                                                                                                                                            "\","
                                                                                                                                            "\"name"
                                                                                                                                            "\":"
                                                                                                                                            "\"F\","
                                                                                                                                            "\"size"
                                                                                                                                            "\":"
                                                                                                                                            "3}")),
         LAC_STR("12345678"
                 "\x04\x02"
                 "1234"
                 "\x00\x00"
                 "\x01\x08\x02k\x02v\x00"
                 "\x04hi"
                 "\x01\x00"
                 "\x00\x00"
                 "abc"),
         TEXT_ONLY},
        {"int becomes long",
         RECORD("Request", FIELD("text", "\"string\"") "," FIELD("deadline_ms", "\"int\"")),
         LAC_STR("\x04hi\x0A"),
         "{\"tenant\":\"default\",\"kind\":\"query\",\"text\":\"hi\",\"conversation\":[],\"files\":"
         "[],\"deadline_ms\":5,\"metadata\":{}}"},
        {"an int of 33 bits is refused",
         RECORD("Request", FIELD("text", "\"string\"") "," FIELD("deadline_ms", "\"int\"")),
         LAC_STR("\x04hi\x80\x80\x80\x80\x10"),
         "Request: /deadline_ms at byte 3: number does not fit into 32 bits"},
        {"a union may come in another order",
         RECORD("Request", FIELD("text", "[\"int\",\"string\",\"null\"]") "," FIELD(
                               "subject", "[\"string\",\"null\"]")),
         LAC_STR("\x02\x04hi\x02"), TEXT_ONLY},
        {"a branch that does not fit fails when it is written",
         RECORD("Request", FIELD("text", "[\"int\",\"string\",\"null\"]")), LAC_STR("\x00\x02"),
         "Request: /text at byte 1: the writer's type does not fit here"},
        {"null where a value is required",
         RECORD("Request", FIELD("text", "[\"null\",\"string\"]")), LAC_STR("\x00"),
         "Request: /text at byte 1: the writer's type does not fit here"},
        {"a union without any branch that fits",
         RECORD("Request", FIELD("text", "[\"null\",\"int\"]")), LAC_STR("\x00"),
         "Request: text is string here and int in the writer's schema"},
        {"an unknown branch", RECORD("Request", FIELD("text", "[\"null\",\"string\"]")),
         LAC_STR("\x04"), "Request: /text at byte 0: union has no such branch"},
        {"an unknown symbol becomes our default",
         RECORD("Request",
                FIELD("text", "\"string\"") "," FIELD(
                    "kind",
                    "{\"type\":\"enum\",\"name\":\"Kind\",\"symbols\":[\"poem\",\"document\"]}")),
         LAC_STR("\x04hi\x00"), TEXT_ONLY},
        {"symbols are matched by name",
         RECORD("Request",
                FIELD("text", "\"string\"") "," FIELD(
                    "kind",
                    "{\"type\":\"enum\",\"name\":\"Kind\",\"symbols\":[\"poem\",\"document\"]}")),
         LAC_STR("\x04hi\x02"),
         "{\"tenant\":\"default\",\"kind\":\"document\",\"text\":\"hi\",\"conversation\":[],"
         "\"files\":[],\"metadata\":{}}"},
        {"an unknown tier is the strictest",
         RECORD("Request", FIELD("text", "\"string\"") "," FIELD(
                               "claimed_tier",
                               "{\"type\":\"enum\",\"name\":\"Tier\",\"symbols\":[\"SECRET\"]}")),
         LAC_STR("\x04hi\x00"),
         "{\"tenant\":\"default\",\"kind\":\"query\",\"text\":\"hi\",\"conversation\":[],\"files\":"
         "[],\"claimed_tier\":\"PROPRIETARY\",\"metadata\":{}}"},
        {"an enum of another name",
         RECORD("Request",
                FIELD("text", "\"string\"") "," FIELD(
                    "kind", "{\"type\":\"enum\",\"name\":\"Sort\",\"symbols\":[\"query\"]}")),
         LAC_STR(""), "Request: kind is another type here and enum in the writer's schema"},
        {"nested records resolve too",
         RECORD(
             "Request",
             FIELD("user", RECORD("User", FIELD("age", "\"int\"") "," FIELD(
                                              "id", "\"bytes\""))) "," FIELD("text", "\"string\"")),
         LAC_STR("\x02\x02u\x04hi"),
         "{\"tenant\":\"default\",\"kind\":\"query\",\"text\":\"hi\",\"user\":{\"id\":\"u\"},"
         "\"conversation\":[],\"files\":[],\"metadata\":{}}"},
        {"arrays of records, in blocks of both kinds",
         RECORD(
             "Request",
             FIELD("conversation",
                   "{\"type\":\"array\",\"items\":" RECORD(
                       "Message", FIELD("content", "\"string\"") "," FIELD(
                                      "role", "\"string\"")) "}") "," FIELD("text", "\"string\"")),
         LAC_STR("\x02\x02"
                 "a\x02"
                 "b\x01\x08\x02"
                 "c\x02"
                 "d\x00\x04hi"),
         "{\"tenant\":\"default\",\"kind\":\"query\",\"text\":\"hi\",\"conversation\":[{\"role\":"
         "\"b\",\"content\":\"a\"},{\"role\":\"d\",\"content\":\"c\"}],\"files\":[],\"metadata\":{}"
         "}"},
        {"maps, their values promoted",
         RECORD("Request",
                FIELD("metadata", "{\"type\":\"map\",\"values\":[\"bytes\",\"string\"]}") "," FIELD(
                    "text", "\"string\"")),
         LAC_STR("\x04\x02k\x00\x02v\x02l\x02\x00\x00\x04hi"),
         "{\"tenant\":\"default\",\"kind\":\"query\",\"text\":\"hi\",\"conversation\":[],\"files\":"
         "[],\"metadata\":{\"k\":\"v\",\"l\":\"\"}}"},
        {"an array of items that do not fit",
         RECORD("Request", FIELD("files", "{\"type\":\"array\",\"items\":\"int\"}")), LAC_STR(""),
         "Request: files is string here and int in the writer's schema"},
        {"an item of an array that lacks a field",
         RECORD("Request",
                FIELD("conversation",
                      "{\"type\":\"array\",\"items\":" RECORD(
                          "Message", FIELD("role", "\"string\"")) "}") "," FIELD("text",
                                                                                 "\"string\"")),
         LAC_STR("\x02\x02r\x00\x04hi"),
         "Request: /conversation at byte 1: the writer's type does not fit here"},
        {"no item of an array whose items lack a field",
         RECORD("Request",
                FIELD("conversation",
                      "{\"type\":\"array\",\"items\":" RECORD(
                          "Message", FIELD("role", "\"string\"")) "}") "," FIELD("text",
                                                                                 "\"string\"")),
         LAC_STR("\x00\x04hi"), TEXT_ONLY},
        {"a map is no array",
         RECORD("Request", FIELD("files", "{\"type\":\"map\",\"values\":\"string\"}")), LAC_STR(""),
         "Request: files is array here and map in the writer's schema"},
        {"a field without default must be there", RECORD("Request", FIELD("tenant", "\"string\"")),
         LAC_STR(""), "Request: Request.text has no default and is missing in the writer's schema"},
        {"another record", RECORD("Query", FIELD("text", "\"string\"")), LAC_STR(""),
         "Request: the value is another type here and record in the writer's schema"},
        {"no record at all", "\"string\"", LAC_STR(""),
         "Request: the value is record here and string in the writer's schema"},
        {"a union at the top", "[\"null\"," RECORD("Request", FIELD("text", "\"string\"")) "]",
         LAC_STR("\x02\x04hi"), TEXT_ONLY},
        {"logical types are what is under them",
         RECORD("Request", FIELD("text", "{\"type\":\"string\",\"logicalType\":\"uuid\"}")),
         LAC_STR("\x04hi"), TEXT_ONLY},
        {"a type used twice",
         RECORD("Request", FIELD("x", RECORD("P", FIELD("a", "\"int\""))) "," FIELD(
                               "y", "\"P\"") "," FIELD("text", "\"string\"")),
         LAC_STR("\x02\x02\x04hi"), TEXT_ONLY},
        {"a bad boolean in a dropped field",
         RECORD("Request", FIELD("x", "\"boolean\"") "," FIELD("text", "\"string\"")),
         LAC_STR("\x02\x04hi"), "Request: /(dropped) at byte 0: boolean is neither 0 nor 1"},
        {"bytes behind", RECORD("Request", FIELD("text", "\"string\"")), LAC_STR("\x04hi!"),
         "Request: at byte 3: bytes behind the record"},
    };

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("%s", cases[i].what);
        LAC_TEST_STR(outcome(&lac_request_type, cases[i].schema, cases[i].bytes), cases[i].outcome);
    }
}

static void long_does_not_become_int(void)
{
    LAC_TEST_STR(
        outcome(&lac_routing_type, RECORD("Routing", FIELD("revision", "\"long\"")), LAC_STR("")),
        "Routing: revision is int here and long in the writer's schema");
}

static void hostile_schemas_are_refused(void)
{
    static const struct {
        const char *schema;
        const char *error;
    } cases[] = {
        {"", "schema: line 1"},
        {"{", "schema: line 1"},
        {"{}", "schema: a type is missing"},
        {"{\"type\":\"Missing\"}", "schema: a type is used before it is defined"},
        {"[]", "schema: a union has no branches"},
        {"[\"int\",\"int\"]", "one type twice"},
        {"[[\"int\"]]", "schema: a union has a union in it"},
        {RECORD("R", FIELD("a", "\"int\"") "," FIELD("a", "\"int\"")), "two fields of one name"},
        {RECORD("R", FIELD("a-b", "\"int\"")), "a field's name"},
        {RECORD("R", "5"), "a field's name"},
        {RECORD("0R", ""), "a name is not allowed"},
        {RECORD("a..b", ""), "a name is not allowed"},
        {RECORD("int", ""), "a type is defined twice"},
        {"{\"type\":\"record\",\"name\":\"R\"}", "a record has no list of fields"},
        {"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"A\"]}", "one symbol twice"},
        {"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[]}", "an enum has no list"},
        {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}", "a fixed has no size"},
        {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":99999999999}", "a fixed has no size"},
        {"{\"type\":\"array\"}", "a type is missing"},
        {RECORD("Request", FIELD("text", "\"string\"") "," FIELD("next", "[\"null\",\"Request\"]")),
         "contains itself"},
        {RECORD("Request", FIELD("a", "{\"type\":\"array\",\"items\":\"Request\"}")),
         "contains itself"},
    };
    struct lac_opprogram *p;

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("%s", cases[i].schema);
        LAC_TEST_EQ(compile(&lac_request_type, cases[i].schema, &p), LAC_REJECT);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].error));
        LAC_TEST_STR(strstr(err.text, cases[i].error) ? "" : err.text, "");
    }
}

/* 40 types, each with two fields of the one before: 2^40 leaves, none of which has a byte. */
static void exponential_reuse_is_refused_at_once(void)
{
    struct lac_opprogram *p;
    struct lac_buf b;

    for (int with_bytes = 0; with_bytes < 2; with_bytes++) {
        lac_test_row("leaf %d", with_bytes);
        lac_buf_init(&b, 1 << 16);
        lac_buf_printf(&b,
                       "{\"type\":\"record\",\"name\":\"Request\",\"fields\":["
                       "{\"name\":\"t0\",\"type\":{\"type\":\"record\",\"name\":\"T0\",\"fields\":["
                       "{\"name\":\"x\",\"type\":\"%s\"}]}}",
                       with_bytes ? "int" : "null");
        for (int i = 1; i < 40; i++)
            lac_buf_printf(
                &b,
                ",{\"name\":\"t%d\",\"type\":{\"type\":\"record\",\"name\":\"T%d\",\"fields\":["
                "{\"name\":\"a\",\"type\":\"T%d\"},{\"name\":\"b\",\"type\":\"T%d\"}]}}",
                i, i, i - 1, i - 1);
        lac_buf_put_text(&b, "]}");
        LAC_TEST_EQ(compile(&lac_request_type, lac_buf_cstr(&b), &p), LAC_REJECT);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "too large"));
        lac_buf_deinit(&b);
    }
}

static void items_without_bytes_are_bounded(void)
{
    static const char kept[] = RECORD(
        "Request",
        FIELD("text", "\"string\"") "," FIELD("n", "{\"type\":\"array\",\"items\":\"null\"}"));
    struct lac_opprogram *p;
    struct lac_request r;

    LAC_TEST_NEED(compile(&lac_request_type, kept, &p) == LAC_OK);
    /* 2^62 nulls are skipped in no time, and a block size is not needed for it. */
    LAC_TEST_EQ(run(p, &r, LAC_STR("\x04hi\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x00")), LAC_OK);
    LAC_TEST_EQ(run(p, &r, LAC_STR("\x04hi\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01")), LAC_REJECT);
    lac_opprogram_free(p);
}

static void deep_loops_are_refused(void)
{
    struct lac_opprogram *p;
    struct lac_buf b;

    for (int depth = LAC_OPPROGRAM_LOOPS_MAX; depth <= LAC_OPPROGRAM_LOOPS_MAX + 1; depth++) {
        lac_test_row("%d", depth);
        lac_buf_init(&b, 1 << 16);
        lac_buf_put_text(&b, "{\"type\":\"record\",\"name\":\"Request\",\"fields\":[" FIELD(
                                 "text", "\"string\"") ",{\"name\":\"x\",\"type\":");
        for (int i = 0; i < depth; i++)
            lac_buf_put_text(&b, "{\"type\":\"array\",\"items\":");
        lac_buf_put_text(&b, "\"int\"");
        for (int i = 0; i < depth; i++)
            lac_buf_put_char(&b, '}');
        lac_buf_put_text(&b, "}]}");
        LAC_TEST_EQ(compile(&lac_request_type, lac_buf_cstr(&b), &p),
                    depth > LAC_OPPROGRAM_LOOPS_MAX ? LAC_REJECT : LAC_OK);
        lac_opprogram_free(p);
        lac_buf_deinit(&b);
    }
}

static void fingerprints_are_those_of_the_specification(void)
{
    for (const struct lac_record_type *const *t = lac_record_types(); *t; t++) {
        struct lac_schema_node *root;
        struct lac_arena a;
        struct lac_buf b;

        lac_test_row("%s", (*t)->name);
        LAC_TEST_NEED(lac_arena_init(&a, lac_schema_arena_size(strlen((*t)->schema)), NULL) ==
                      LAC_OK);
        LAC_TEST_NEED(lac_schema_parse(&root, lac_str_from((*t)->schema), &a, &err) == LAC_OK);
        lac_buf_init(&b, 1 << 20);
        lac_schema_canonical(root, &b);
        CU_ASSERT(lac_schema_crc64(lac_buf_str(&b)) == (*t)->fingerprint);
        lac_buf_deinit(&b);
        lac_arena_deinit(&a);
    }
    /* The specification's own value for the empty input, and one from its test data. */
    CU_ASSERT(lac_schema_crc64(LAC_STR("")) == UINT64_C(0xC15D213AA4D7A795));
    CU_ASSERT(lac_schema_crc64(LAC_STR("\"null\"")) == UINT64_C(0x63DD24E7CC258F8A));
}

LAC_TEST_MAIN(opprogram, our_own_schema_gives_the_same_as_the_generated_decoder,
              resolution_follows_the_specification, long_does_not_become_int,
              hostile_schemas_are_refused, exponential_reuse_is_refused_at_once,
              items_without_bytes_are_bounded, deep_loops_are_refused,
              fingerprints_are_those_of_the_specification)
