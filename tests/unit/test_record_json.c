/* SPDX-License-Identifier: Apache-2.0 */
/* Records to and from JSON: the schema's names, pointers in errors, never a value in them. */
#include "lac_record_json.h"

#include "lac_records.h"
#include "lac_test.h"

static struct lac_arena arena;
static struct lac_err err;

static enum lac_status read(const struct lac_record_type *t, void *out, const char *text)
{
    struct lac_json *doc = NULL;
    enum lac_status status;

    if (!arena.base)
        LAC_TEST_NEED(lac_arena_init(&arena, 1 << 16, NULL) == LAC_OK);
    lac_arena_reset(&arena);
    err.text[0] = '\0';
    LAC_TEST_NEED(lac_json_parse(&doc, lac_str_from(text), &err) == LAC_OK);
    status = lac_record_from_json(t, out, doc, &arena, &err);
    lac_json_free(doc);
    return status;
}

static void write(const struct lac_record_type *t, const void *record, const char *want)
{
    struct lac_json_writer w;
    struct lac_buf b;

    lac_buf_init(&b, 1 << 16);
    lac_json_begin(&w, &b);
    lac_record_to_json(&w, t, record);
    CU_ASSERT_TRUE(lac_json_done(&w));
    LAC_TEST_STR(lac_buf_cstr(&b), want);
    lac_buf_deinit(&b);
}

static void every_shape_goes_both_ways(void)
{
    static const char text[] =
        "{\"request_id\":\"r\",\"tenant\":\"t\",\"kind\":\"operation\",\"text\":\"x\","
        "\"user\":{\"id\":\"u\",\"role\":\"\"},"
        "\"conversation\":[{\"role\":\"user\",\"content\":\"\xC3\xA4\"}],"
        "\"files\":[\"a\",\"b\"],\"claimed_tier\":\"INTERNAL\","
        "\"operation\":{\"type\":\"export\",\"resource_type\":\"\",\"resource\":\"\","
        "\"destination_encrypted\":true,\"sources\":[\"s\"]},"
        "\"deadline_ms\":-5,\"metadata\":{\"k\":\"v\",\"\":\"w\"}}";
    struct lac_request r;

    LAC_TEST_NEED(read(&lac_request_type, &r, text) == LAC_OK);
    write(&lac_request_type, &r, text);
}

static void query_is_text_and_null_is_not_given(void)
{
    struct lac_request r;

    LAC_TEST_NEED(read(&lac_request_type, &r,
                       "{\"query\":\"hi\",\"user\":null,\"files\":null,\"kind\":\"Document\","
                       "\"claimed_tier\":\"public\"}") == LAC_OK);
    CU_ASSERT(lac_str_is(r.text, "hi"));
    CU_ASSERT(lac_str_is(r.tenant, "default"));
    CU_ASSERT_FALSE(r.has_user);
    LAC_TEST_EQ(r.files_count, 0);
    LAC_TEST_EQ(r.kind, LAC_KIND_DOCUMENT);
    CU_ASSERT(r.has_claimed_tier && r.claimed_tier == LAC_TIER_PUBLIC);
}

static void binary_is_hex(void)
{
    struct lac_control c;
    static const char text[] =
        "{\"name\":\"n\",\"kind\":\"pack\","
        "\"hash\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff\","
        "\"version\":9007199254740993,\"signature\":\"c0ffee\",\"content\":\"\",\"chunk\":0,"
        "\"chunks\":1,"
        "\"role\":\"current\",\"share\":0,\"size\":0}";

    LAC_TEST_NEED(read(&lac_control_type, &c, text) == LAC_OK);
    LAC_TEST_EQ(c.hash.bytes[31], 0xff);
    LAC_TEST_EQ(c.signature.len, 3);
    write(&lac_control_type, &c, text);
}

static void errors_point_at_the_place_and_show_no_content(void)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"[]", "expected an object, not array"},
        {"{}", "/text: is required"},
        {"{\"text\":5}", "/text: expected a string, not integer"},
        {"{\"text\":null}", "/text: expected a string, not null"},
        {"{\"text\":\"secret\",\"query\":\"secret\"}",
         "/text: given twice, by its name and by an alias"},
        {"{\"text\":\"\",\"kind\":\"secret\"}",
         "/kind: expected one of query, document, operation"},
        {"{\"text\":\"\",\"user\":{}}", "/user/id: is required"},
        {"{\"text\":\"\",\"user\":{\"secret\":1}}",
         "unknown key of 6 bytes in User; the nearest known one is \"role\""},
        {"{\"text\":\"\",\"metdata\":{}}",
         "unknown key of 7 bytes in Request; the nearest known one is \"metadata\""},
        {"{\"text\":\"\",\"metadata\":{\"secret\":1}}",
         "/metadata/0: expected a string, not integer"},
        {"{\"text\":\"\",\"conversation\":[{\"role\":\"\",\"content\":\"\"},{\"role\":\"\"}]}",
         "/conversation/1/content: is required"},
        {"{\"text\":\"\",\"deadline_ms\":1.5}", "/deadline_ms: expected an integer, not number"},
        {"{\"text\":\"\",\"files\":\"secret\"}", "/files: expected an array, not string"},
        {"{\"text\":\"\",\"operation\":{\"type\":\"x\",\"destination_encrypted\":1}}",
         "/operation/destination_encrypted: expected true or false, not integer"},
    };
    struct lac_request r;

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("case %zu", i);
        LAC_TEST_EQ(read(&lac_request_type, &r, cases[i].text), LAC_REJECT);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].error));
        LAC_TEST_STR(strstr(err.text, cases[i].error) ? "" : err.text, "");
        CU_ASSERT_PTR_NULL(strstr(err.text, "secret"));
    }
}

static void hex_and_32_bits_are_checked(void)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"{\"event_id\":\"00\"}", "/event_id: expected a different number of hex digits"},
        {"{\"event_id\":\"0000000000000000000000000000000x\"}", "/event_id: expected hex digits"},
        {"{\"revision\":2147483648}", "/revision: number does not fit into 32 bits"},
        {"{\"core\":\"abc\"}", "/core: expected hex digits, two a byte"},
        {"{\"core\":{}}", "/core: expected a string of hex digits, not object"},
    };
    struct lac_decision d;

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        lac_test_row("case %zu", i);
        LAC_TEST_EQ(read(&lac_decision_type, &d, cases[i].text), LAC_REJECT);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].error));
    }
}

LAC_TEST_MAIN(record_json, every_shape_goes_both_ways, query_is_text_and_null_is_not_given,
              binary_is_hex, errors_point_at_the_place_and_show_no_content,
              hex_and_32_bits_are_checked)
