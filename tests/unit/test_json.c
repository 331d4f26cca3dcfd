/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: hostile JSON is refused with a place and without an echo; what we write is JSON. */
#include "lac_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lac_test.h"

static const struct {
    const char *text;
    const char *error;
} refused[] = {
    {"", "line 1 column 1: the text ends too early"},
    {"{", "line 1 column 1: the text ends too early"},
    {"{\"a\":1,\n \"a\":2}", "line 2 column 4: a key occurs twice in one object"},
    {"[1,]", "line 1 column 4: not JSON here"},
    {"[1] []", "line 1 column 5: something follows the value"},
    {"[9223372036854775808]", "line 1 column 20: a number is out of range"},
    {"[-9223372036854775809]", "line 1 column 21: a number is out of range"},
    {"1e999", "line 1 column 5: a number is out of range"},
    {"\"\\u0000\"", "line 1 column 8: a NUL character is not allowed"},
    {"{\"\\u0000\":1}", "line 1 column 9: a NUL character is not allowed"},
    {"\"\\ud800\"", "line 1 column 8: half of a surrogate pair"},
    {"\"\xff\"", "line 1 column 1: not valid UTF-8"},
    {"\"\xed\xa0\x80\"", "line 1 column 1: not valid UTF-8"},
    {"\"a\nb\"", "line 1 column 2: not JSON here"},
    {"NaN", "line 1 column 3: not JSON here"},
    {"'a'", "line 1 column 1: not JSON here"},
    {"01", "line 1 column 1: not JSON here"},
    {"// c\n1", "line 1 column 1: not JSON here"},
};

static void bad_text_is_refused_with_its_place(void)
{
    for (size_t i = 0; i < LAC_COUNT(refused); i++) {
        struct lac_json *v;
        struct lac_err err;

        lac_test_row("%s", refused[i].text);
        LAC_TEST_EQ(lac_json_parse(&v, lac_str_from(refused[i].text), &err), LAC_REJECT);
        LAC_TEST_STR(err.text, refused[i].error);
        CU_ASSERT(!v);
    }
}

static void errors_do_not_quote_the_input(void)
{
    static const char *const texts[] = {
        "{\"k\": zzsecretzz}", "[\"zzsecretzz]", "{\"zzsecretzz\":1,\"zzsecretzz\":2}",
        "zzsecretzz",          "[1 zzsecretzz]", "\"\\uzzsecretzz\"",
    };

    for (size_t i = 0; i < LAC_COUNT(texts); i++) {
        struct lac_json *v;
        struct lac_err err;

        lac_test_row("%s", texts[i]);
        LAC_TEST_EQ(lac_json_parse(&v, lac_str_from(texts[i]), &err), LAC_REJECT);
        CU_ASSERT(!strstr(err.text, "zz") && !strstr(err.text, "secret"));
    }
}

static enum lac_status parse_nested(size_t depth, struct lac_err *err)
{
    char *text = malloc(2 * depth);
    struct lac_json *v;
    enum lac_status status;

    LAC_TEST_NEED(text);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    status = lac_json_parse(&v, (struct lac_str){text, 2 * depth}, err);
    lac_json_free(v);
    free(text);
    return status;
}

static void depth_is_bounded(void)
{
    struct lac_err err;
    struct lac_json *v;

    LAC_TEST_EQ(parse_nested(LAC_JSON_DEPTH_MAX, &err), LAC_OK);
    LAC_TEST_EQ(parse_nested(LAC_JSON_DEPTH_MAX + 1, &err), LAC_REJECT);
    LAC_TEST_STR(err.text, "line 1 column 65: nested deeper than 64 levels");
    LAC_TEST_EQ(parse_nested(1000000, &err), LAC_REJECT);
    /* Brackets in strings are text, also behind an escaped quote. */
    LAC_TEST_EQ(
        lac_json_parse(&v,
                       LAC_STR("\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                               "[[[[[[[[[[[[[[[[[\\\\\""),
                       &err),
        LAC_OK);
    lac_json_free(v);
}

static void a_raw_nul_byte_is_refused(void)
{
    struct lac_json *v;

    LAC_TEST_EQ(lac_json_parse(&v, LAC_STR("\"a\0b\""), NULL), LAC_REJECT);
    LAC_TEST_EQ(lac_json_parse(&v, LAC_STR("[1]\0"), NULL), LAC_REJECT);
}

static void values_are_read_back(void)
{
    static const char text[] = " {\"s\":\"x\\u00e4\",\"i\":-9223372036854775808,\"r\":1.5,"
                               "\"t\":true,\"f\":false,\"n\":null,\"a\":[1,2],\"o\":{}} ";
    struct lac_json *root;
    size_t members = 0;

    LAC_TEST_NEED(lac_json_parse(&root, LAC_STR(text), NULL) == LAC_OK);
    LAC_TEST_EQ(lac_json_kind(root), LAC_JSON_OBJECT);
    LAC_TEST_EQ(lac_json_size(root), 8);
    CU_ASSERT(lac_str_is(lac_json_string(lac_json_get(root, "s")), "x\xc3\xa4"));
    LAC_TEST_EQ(lac_json_kind(lac_json_get(root, "i")), LAC_JSON_INT);
    LAC_TEST_EQ(lac_json_int(lac_json_get(root, "i")), INT64_MIN);
    LAC_TEST_EQ(lac_json_kind(lac_json_get(root, "r")), LAC_JSON_REAL);
    CU_ASSERT(lac_json_real(lac_json_get(root, "r")) == 1.5);
    CU_ASSERT(lac_json_bool(lac_json_get(root, "t")));
    CU_ASSERT(!lac_json_bool(lac_json_get(root, "f")));
    LAC_TEST_EQ(lac_json_kind(lac_json_get(root, "f")), LAC_JSON_BOOL);
    LAC_TEST_EQ(lac_json_kind(lac_json_get(root, "n")), LAC_JSON_NULL);
    CU_ASSERT(lac_json_get(root, "n") && !lac_json_get(root, "absent"));
    LAC_TEST_EQ(lac_json_size(lac_json_get(root, "a")), 2);
    LAC_TEST_EQ(lac_json_int(lac_json_item(lac_json_get(root, "a"), 1)), 2);
    CU_ASSERT(!lac_json_item(lac_json_get(root, "a"), 2));
    for (struct lac_json_member m = {0}; lac_json_next(root, &m); members++)
        CU_ASSERT(m.key.len == 1 && m.key.ptr[0] == "sirtfnao"[members]);
    LAC_TEST_EQ(members, 8);
    lac_json_free(root);
}

static void the_wrong_kind_reads_as_nothing(void)
{
    struct lac_json *v;
    struct lac_json_member m = {0};

    LAC_TEST_NEED(lac_json_parse(&v, LAC_STR("[1]"), NULL) == LAC_OK);
    CU_ASSERT(!lac_json_get(v, "a") && !lac_json_string(v).ptr && !lac_json_bool(v));
    CU_ASSERT(!lac_json_next(v, &m));
    LAC_TEST_EQ(lac_json_int(v), 0);
    LAC_TEST_EQ(lac_json_size(lac_json_item(v, 0)), 0);
    lac_json_free(v);
    CU_ASSERT(!lac_json_get(NULL, "a") && !lac_json_item(NULL, 0) && !lac_json_string(NULL).ptr);
    LAC_TEST_EQ(lac_json_kind(NULL), LAC_JSON_NULL);
    lac_json_free(NULL);
}

static void writer_places_commas_and_escapes(void)
{
    struct lac_json_writer w;
    struct lac_buf b;

    lac_buf_init(&b, 4096);
    lac_json_begin(&w, &b);
    lac_json_open_object(&w);
    lac_json_key(&w, "a");
    lac_json_open_array(&w);
    lac_json_put_int(&w, -1);
    lac_json_put_uint(&w, UINT64_MAX);
    lac_json_open_object(&w);
    lac_json_key_literal(&w, "first");
    lac_json_put_null(&w);
    lac_json_close_object(&w);
    lac_json_open_array(&w);
    lac_json_close_array(&w);
    lac_json_close_array(&w);
    lac_json_key(&w, "q\"\\");
    lac_json_put_str(&w, LAC_STR("\b\t\n\v\f\r\x1f\x7f/\xc3\xa4\xff\xc3"));
    lac_json_key_literal(&w, "n");
    lac_json_put_str(&w, LAC_STR_NULL);
    lac_json_key(&w, "h");
    lac_json_put_hex(&w, "\x00\xab", 2);
    lac_json_key(&w, "raw");
    lac_json_put_raw(&w, LAC_STR("{\"x\":1}"));
    lac_json_key(&w, "b");
    lac_json_put_bool(&w, true);
    CU_ASSERT(!lac_json_done(&w));
    lac_json_close_object(&w);
    CU_ASSERT(lac_json_done(&w));
    LAC_TEST_STR(lac_buf_cstr(&b),
                 "{\"a\":[-1,18446744073709551615,{\"first\":null},[]],\"q\\\"\\\\\":"
                 "\"\\b\\t\\n\\u000b\\f\\r\\u001f\\u007f/\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\","
                 "\"n\":null,\"h\":\"00ab\",\"raw\":{\"x\":1},\"b\":true}");
    lac_buf_deinit(&b);
}

/* Each byte at each place of texts of each length, as long as the steps in which they are read. */
static void a_plain_prefix_ends_where_it_must(void)
{
    char text[40];

    for (size_t len = 0; len < sizeof(text); len++)
        for (size_t at = 0; at < len; at++)
            for (unsigned c = 0; c < 256; c++) {
                bool plain = c >= 0x20 && c < 0x7F && c != '"' && c != '\\';

                memset(text, 'x', sizeof(text));
                text[at] = (char)c;
                LAC_TEST_EQ(lac_json_plain_prefix((struct lac_str){text, len}), plain ? len : at);
            }
}

/* One byte that needs escaping, at each place of texts of each length: strings are looked at
 * sixteen bytes at a time, and what is left over must not be overlooked. */
static void no_place_escapes_unseen(void)
{
    static const char odd[] = {'"', '\\', '\n', '\x1f', '\x7f'};
    char text[40], want[80];

    for (size_t len = 1; len < sizeof(text); len++)
        for (size_t at = 0; at < len * sizeof(odd); at++) {
            char memory[128], c = odd[at % sizeof(odd)];
            struct lac_json_writer w;
            struct lac_buf b;
            int n;

            memset(text, 'x', sizeof(text));
            text[at / sizeof(odd)] = c;
            lac_buf_init_fixed(&b, memory, sizeof(memory));
            lac_json_begin(&w, &b);
            lac_json_put_str(&w, (struct lac_str){text, len});
            n = snprintf(want, sizeof(want), c < ' ' || c == 0x7f ? "\\u%04x" : "\\%c", c);
            if (c == '\n')
                n = snprintf(want, sizeof(want), "\\n");
            CU_ASSERT(lac_json_done(&w) && b.len == len + 1 + (size_t)n);
            CU_ASSERT(memcmp(b.ptr + 1 + at / sizeof(odd), want, (size_t)n) == 0);
        }
}

static const struct {
    uint32_t ppm;
    const char *text;
} ppms[] = {{0, "0"},
            {1, "0.000001"},
            {123456, "0.123456"},
            {500000, "0.5"},
            {999999, "0.999999"},
            {1000000, "1"},
            {1050000, "1.05"},
            {UINT32_MAX, "4294.967295"}};

static void ppm_is_an_exact_decimal(void)
{
    for (size_t i = 0; i < LAC_COUNT(ppms); i++) {
        struct lac_json_writer w;
        char memory[32];
        struct lac_buf b;

        lac_buf_init_fixed(&b, memory, sizeof(memory));
        lac_json_begin(&w, &b);
        lac_json_put_ppm(&w, ppms[i].ppm);
        LAC_TEST_STR(lac_buf_cstr(&b), ppms[i].text);
    }
}

static void reals_read_back_as_themselves(void)
{
    static const double values[] = {0.1, 1.0 / 3, 1e300, 5e-324, -0.0, 123456789, 2};
    struct lac_json_writer w;
    char memory[64];
    struct lac_buf b;

    for (size_t i = 0; i < LAC_COUNT(values); i++) {
        struct lac_json *v;

        lac_buf_init_fixed(&b, memory, sizeof(memory));
        lac_json_begin(&w, &b);
        lac_json_put_real(&w, values[i]);
        lac_test_row("%.*s", LAC_STR_FMT(lac_buf_str(&b)));
        LAC_TEST_NEED(lac_json_parse(&v, lac_buf_str(&b), NULL) == LAC_OK);
        LAC_TEST_EQ(lac_json_kind(v), LAC_JSON_REAL);
        CU_ASSERT(lac_json_real(v) == values[i]);
        lac_json_free(v);
    }
    lac_buf_init_fixed(&b, memory, sizeof(memory));
    lac_json_begin(&w, &b);
    lac_json_put_real(&w, NAN);
    LAC_TEST_STR(lac_buf_cstr(&b), "null");
}

static void a_full_buffer_is_noticed_at_the_end(void)
{
    struct lac_json_writer w;
    char memory[8];
    struct lac_buf b;

    lac_buf_init_fixed(&b, memory, sizeof(memory));
    lac_json_begin(&w, &b);
    lac_json_open_array(&w);
    lac_json_put_text(&w, "longer than eight");
    lac_json_close_array(&w);
    CU_ASSERT(!lac_json_done(&w));
}

static void whole_numbers_that_do_not_fit_are_reals_where_asked_for(void)
{
    struct lac_str text = LAC_STR("{\"a\\\"1000000000000000000000\": -12, \"b\": "
                                  "[1000000000000000019884624838656, -9223372036854775809], "
                                  "\"c\": 1e0000000000000000000001, \"d\": 123456789012345678}");
    struct lac_json *v;
    const struct lac_json *b;

    CU_ASSERT(lac_json_parse(&v, text, NULL) == LAC_REJECT);
    LAC_TEST_NEED(lac_json_parse_wide(&v, text, NULL) == LAC_OK);
    LAC_TEST_EQ(lac_json_int(lac_json_get(v, "a\"1000000000000000000000")), -12);
    b = lac_json_get(v, "b");
    LAC_TEST_EQ(lac_json_kind(lac_json_item(b, 0)), LAC_JSON_REAL);
    CU_ASSERT(lac_json_real(lac_json_item(b, 0)) == 1e30);
    CU_ASSERT(lac_json_real(lac_json_item(b, 1)) == -9223372036854775808.0);
    CU_ASSERT(lac_json_real(lac_json_get(v, "c")) == 10.0);
    LAC_TEST_EQ(lac_json_int(lac_json_get(v, "d")), 123456789012345678);
    lac_json_free(v);
    CU_ASSERT(lac_json_parse_wide(&v, LAC_STR("1000000000000000000000 ["), NULL) == LAC_REJECT);
    CU_ASSERT(lac_json_parse_wide(&v, LAC_STR("\"1000000000000000000000\\"), NULL) == LAC_REJECT);
    CU_ASSERT(v == NULL);
}

LAC_TEST_MAIN(json, bad_text_is_refused_with_its_place, errors_do_not_quote_the_input,
              depth_is_bounded, a_raw_nul_byte_is_refused, values_are_read_back,
              the_wrong_kind_reads_as_nothing, writer_places_commas_and_escapes,
              a_plain_prefix_ends_where_it_must, no_place_escapes_unseen, ppm_is_an_exact_decimal,
              reals_read_back_as_themselves,
              whole_numbers_that_do_not_fit_are_reals_where_asked_for,
              a_full_buffer_is_noticed_at_the_end)
