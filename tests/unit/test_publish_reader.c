/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: every line and row arrives with its place, and a bad one costs only itself. */
#include "lac_publish_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_buf.h"
#include "lac_feed.h"
#include "lac_test.h"

/* Everything the reader says about `data`, one record a line: "LINE:a|b@POSITION". */
static void describe(struct lac_buf *out, const char *data, size_t len, size_t step, size_t limit,
                     bool csv)
{
    struct lac_feed feed = {data, len, 0, step};
    struct lac_str fields[LAC_PUBLISH_FIELDS_MAX];
    struct lac_publish_reader r;
    struct lac_err err = {0};
    size_t count = 1;

    lac_buf_reset(out);
    LAC_TEST_NEED(lac_publish_reader_init(&r, lac_feed_read, &feed, limit, 0, 0, &err) == LAC_OK);
    for (;;) {
        enum lac_status status = csv ? lac_publish_reader_row(&r, fields, &count, &err)
                                     : lac_publish_reader_line(&r, fields, &err);

        if (status == LAC_AGAIN)
            break;
        lac_buf_printf(out, "%llu:", (unsigned long long)r.line);
        if (status == LAC_OK)
            for (size_t i = 0; i < count; i++)
                lac_buf_printf(out, "%s%.*s", i ? "|" : "", LAC_STR_FMT(fields[i]));
        else
            lac_buf_printf(out, "!%s", err.text);
        lac_buf_printf(out, "@%llu;", (unsigned long long)r.position);
        LAC_TEST_NEED(status != LAC_FATAL);
    }
    lac_publish_reader_deinit(&r);
}

static const struct {
    const char *data, *said;
    bool csv;
} cases[] = {
    {"a\nb\r\n\nc", "1:a@2;2:b@5;4:c@7;", false},
    {"\xef\xbb\xbf"
     "a\n",
     "1:a@5;", false},
    {"", "", false},
    {"\n\n", "", false},
    {"ok\nb\xff\nok\n", "1:ok@3;2:!not UTF-8 at byte 2@6;3:ok@9;", false},
    {"0123456789\nx\n", "1:!longer than 8 bytes@11;2:x@13;", false},
    {"01234567\r\nx\n", "1:01234567@10;2:x@12;", false}, /* the end does not count */
    {"a,b\n1,2\n", "1:a|b@4;2:1|2@8;", true},
    {"\"a\",\"b\"\r\n", "1:a|b@9;", true},
    {"\"a\"\"b\",c", "1:a\"b|c@8;", true},
    {"\"a\n\",c\nd,e\n", "1:a\n|c@7;3:d|e@11;", true}, /* a field over two lines */
    {",\n\n,\"\"\n", "1:|@2;3:|@7;", true},
    {"a\"b\nc\n", "1:!a quote inside a field that does not begin with one@4;2:c@6;", true},
    {"\"a\"b\nc\n", "1:!text after a closing quote; quotes inside a field are doubled@5;2:c@7;",
     true},
    {"\"ab\ncd\n", "1:!a quote is opened and never closed@4;2:cd@7;", true},
    {"\"01234567890\nc\n", "1:!longer than 8 bytes: is a quote never closed?@13;2:c@15;", true},
    {"\"\"\n", "1:@3;", true}, /* one empty field is not an empty line */
};

static void records_come_with_line_and_position_however_the_bytes_arrive(void)
{
    struct lac_buf out;

    lac_buf_init(&out, 4096);
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        size_t limit = strstr(cases[i].said, "8 bytes") || i == 6 ? 8 : 64;

        for (size_t step = 1; step <= 16; step++) {
            lac_test_row("case %zu, %zu bytes at a time", i, step);
            describe(&out, cases[i].data, strlen(cases[i].data), step, limit, cases[i].csv);
            LAC_TEST_STR(lac_buf_cstr(&out), cases[i].said);
        }
    }
    lac_buf_deinit(&out);
}

static void nul_bytes_are_refused(void)
{
    struct lac_buf out;

    lac_buf_init(&out, 4096);
    describe(&out, "a\0b\nc\n", 6, 64, 64, false);
    LAC_TEST_STR(lac_buf_cstr(&out), "1:!holds a NUL byte: is this a text file?@4;2:c@6;");
    lac_buf_deinit(&out);
}

static void too_many_fields_cost_one_row(void)
{
    char data[400];
    struct lac_buf out;

    memset(data, ',', sizeof(data));
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): data is no text, sizes are exact */
    memcpy(data + sizeof(data) - 4, "\nx,y", 4);
    lac_buf_init(&out, 4096);
    describe(&out, data, sizeof(data), 7, 1000, true);
    LAC_TEST_STR(lac_buf_cstr(&out), "1:!more than 256 fields@397;2:x|y@400;");
    lac_buf_deinit(&out);
}

static int64_t broken_read(void *ctx, void *into, size_t n)
{
    (void)ctx;
    (void)into;
    (void)n;
    errno = EIO;
    return -1;
}

static void a_read_error_is_fatal_and_named(void)
{
    struct lac_publish_reader r;
    struct lac_err err = {0};
    struct lac_str out;

    LAC_TEST_NEED(lac_publish_reader_init(&r, broken_read, NULL, 64, 0, 0, &err) == LAC_OK);
    LAC_TEST_EQ(lac_publish_reader_line(&r, &out, &err), LAC_FATAL);
    LAC_TEST_STR(err.text, "can't be read: Input/output error");
    lac_publish_reader_deinit(&r);
}

static void a_whole_file_is_one_record_up_to_the_limit(void)
{
    struct lac_feed feed = {"a\nb\n", 4, 0, 3};
    struct lac_publish_reader r;
    struct lac_err err = {0};
    struct lac_str out = LAC_STR_NULL;

    LAC_TEST_NEED(lac_publish_reader_init(&r, lac_feed_read, &feed, 64, 0, 0, &err) == LAC_OK);
    LAC_TEST_EQ(lac_publish_reader_rest(&r, &out, &err), LAC_OK);
    CU_ASSERT(lac_str_is(out, "a\nb\n"));
    LAC_TEST_EQ(lac_publish_reader_rest(&r, &out, &err), LAC_AGAIN);
    lac_publish_reader_deinit(&r);

    feed = (struct lac_feed){"0123456789", 10, 0, 3};
    LAC_TEST_NEED(lac_publish_reader_init(&r, lac_feed_read, &feed, 4, 0, 0, &err) == LAC_OK);
    LAC_TEST_EQ(lac_publish_reader_rest(&r, &out, &err), LAC_REJECT);
    LAC_TEST_EQ(lac_publish_reader_rest(&r, &out, &err), LAC_AGAIN);
    lac_publish_reader_deinit(&r);
}

LAC_TEST_MAIN(publish_reader, records_come_with_line_and_position_however_the_bytes_arrive,
              nul_bytes_are_refused, too_many_fields_cost_one_row, a_read_error_is_fatal_and_named,
              a_whole_file_is_one_record_up_to_the_limit)
