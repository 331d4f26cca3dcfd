/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: every line comes once, with its number, however the bytes arrive; added lines of a diff
 * have the numbers they will have in the file. */
#include "lac_scan_lines.h"

#include <stdio.h>
#include <string.h>

#include "lac_feed.h"
#include "lac_scan_diff.h"
#include "lac_test.h"

static void describe(struct lac_buf *out, const char *data, size_t step, size_t limit)
{
    struct lac_feed feed = {data, strlen(data), 0, step};
    struct lac_scan_block b = {0};
    struct lac_scan_lines l;
    struct lac_err err;

    lac_buf_reset(out);
    lac_buf_init(&b.text, LAC_SCAN_BLOCK_MOST);
    lac_scan_lines_init(&l, lac_feed_read, &feed, limit);
    while (lac_scan_lines_next(&l, &b, &err) == LAC_OK) {
        uint64_t next = b.line, number;
        struct lac_str line;
        size_t at = 0;

        if (b.too_long)
            lac_buf_printf(out, "%llu:!;", (unsigned long long)b.line);
        while (lac_scan_lines_cut(lac_buf_str(&b.text), &at, &next, &line, &number))
            lac_buf_printf(out, line.len > limit ? "%llu:!;" : "%llu:%.*s;",
                           (unsigned long long)number, LAC_STR_FMT(line));
    }
    lac_scan_lines_deinit(&l);
    lac_buf_deinit(&b.text);
}

static void lines_are_numbered_however_they_arrive(void)
{
    static const struct {
        const char *data, *want;
    } rows[] = {
        {"a\nb\n", "1:a;2:b;"},
        {"a\r\n\nb", "1:a;2:;3:b;"},
        {"", ""},
        {"\n", "1:;"},
        {"123456789\nb\n", "1:!;2:b;"},
        {"b\n123456789", "1:b;2:!;"},
        {"b\n12345678901234567890\n\nc", "1:b;2:!;3:;4:c;"},
        {"12345678\n1", "1:12345678;2:1;"},
        {"12345678\r\nb\n", "1:12345678;2:b;"},
        {"b\n12345678\r", "1:b;2:12345678;"},
        {"12345678\rb\n12345678\r1", "1:!;2:!;"},
        {"\xef\xbb\xbf"
         "12345678\nb",
         "1:12345678;2:b;"},
        {"\xef\xbb\xbf", ""},
        {"a\n\xef\xbb\xbf", "1:a;2:\xef\xbb\xbf;"},
        {"\xef\xbb", "1:\xef\xbb;"},
    };
    struct lac_buf out;

    lac_buf_init(&out, 4096);
    for (size_t i = 0; i < LAC_COUNT(rows); i++)
        for (size_t step = 1; step < 30; step++) {
            lac_test_row("row %zu, %zu bytes at a time", i, step);
            describe(&out, rows[i].data, step, 8);
            LAC_TEST_STR(lac_buf_cstr(&out), rows[i].want);
        }
    lac_buf_deinit(&out);
}

static void an_item_needs_a_text_and_an_error_repeats_nothing(void)
{
    static const struct {
        const char *line;
        bool ok;
    } rows[] = {
        {"{\"id\":1,\"text\":\"a\"}", true},
        {"{\"text\":\"\",\"more\":[1]}", true},
        {"{\"id\":1}", false},
        {"{\"text\":5}", false},
        {"[\"secret-word\"]", false},
        {"{\"text\":\"secret-word\"", false},
        {"{\"text\":\"a\",\"text\":\"b\"}", false},
        {"secret-word", false},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_scan_item item;
        struct lac_err err = {0};

        lac_test_row("%s", rows[i].line);
        LAC_TEST_EQ(lac_scan_item_parse(&item, lac_str_from(rows[i].line), &err) == LAC_OK,
                    rows[i].ok);
        CU_ASSERT(rows[i].ok || strstr(err.text, "secret") == NULL);
        lac_scan_item_deinit(&item);
    }
}

/* "PATH[LINE:text|LINE:text]" for every file of a diff. */
static void describe_diff(struct lac_buf *out, const char *diff)
{
    struct lac_scan_diff d;
    struct lac_err err = {0};
    enum lac_status status;

    lac_buf_reset(out);
    lac_scan_diff_init(&d, lac_str_from(diff));
    while ((status = lac_scan_diff_next(&d, &err)) == LAC_OK) {
        lac_buf_printf(out, "%.*s[", LAC_STR_FMT(d.path));
        for (size_t at = 0; at < d.text.len;) {
            const struct lac_scan_hunk *h = &d.hunks[lac_scan_diff_hunk(&d, at)];
            const char *end = memchr(d.text.ptr + at, '\n', d.text.len - at);
            uint64_t line = h->line;

            for (size_t i = h->at; i < at; i++)
                line += d.text.ptr[i] == '\n';
            lac_buf_printf(out, "%llu:%.*s|", (unsigned long long)line,
                           (int)(end - (d.text.ptr + at)), d.text.ptr + at);
            at = (size_t)(end - d.text.ptr) + 1;
        }
        lac_buf_put_text(out, "]");
    }
    if (status != LAC_AGAIN)
        lac_buf_printf(out, "!%s", err.text);
    lac_scan_diff_deinit(&d);
}

static void added_lines_have_the_numbers_of_the_new_file(void)
{
    static const struct {
        const char *diff, *want;
    } rows[] = {
        {"", ""},
        {"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,0 +2,2 @@ f\n+one\n+two\n@@ -5 +7 "
         "@@\n-old\n+new\n",
         "x[2:one|3:two|7:new|]"},
        /* A line that looks like a header is a line. */
        {"diff --git a/x b/x\n+++ b/x\n@@ -0,0 +1,3 @@\n+++ b/y\n+diff --git a/q b/q\n+@@ -1 +1 "
         "@@\n",
         "x[1:++ b/y|2:diff --git a/q b/q|3:@@ -1 +1 @@|]"},
        {"diff --git a/x b/x\n--- a/x\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n"
         "diff --git a/y b/y\n--- /dev/null\n+++ b/y\n@@ -0,0 +1 @@\n+n\n\\ No newline at end of "
         "file\n",
         "y[1:n|]"},
        {"diff --git \"a/\\303\\274\\tb\" \"b/\\303\\274\\tb\"\n+++ \"b/\\303\\274\\tb\"\n@@ -0,0 "
         "+1 @@\n+n\n",
         "\xc3\xbc\tb[1:n|]"},
        {"diff --git a/a b b/a b\n+++ b/a b\t\n@@ -0,0 +1 @@\n+n\n", "a b[1:n|]"},
        {"diff --git \"a/\\303\\274 b\" \"b/\\303\\274 b\"\n+++ \"b/\\303\\274 b\"\t\n@@ -0,0 +1 "
         "@@\n+n\n",
         "\xc3\xbc b[1:n|]"},
        {"diff --git a/x b/y\nrename from x\nrename to y\n* Unmerged path q\n", ""},
        {"* Unmerged path q\n", ""},
        {"hello\n", "!this is no output of git diff"},
        {"diff --git a/x b/x\n+++ b/x\n@@ -0,0 +1,2 @@\n+n\n", "!the diff ends inside of a hunk"},
        {"diff --git a/x b/x\n+++ b/x\n@@ -1,18446744073709551615 +1,1 @@\n+n\n",
         "!the diff ends inside of a hunk"},
        {"diff --git a/x b/x\n+++ b/x\n@@ -0,0 +1,2 @@\n+n\n q\n",
         "!the diff has a hunk that ends too early"},
        {"diff --git a/x b/x\n@@ -0,0 +1 @@\n+n\n", "!the diff has a hunk without a file"},
        {"diff --git a/x b/x\n+++ b/x\n@@ -0,0 @@\n+n\n",
         "!the diff has a hunk without its line numbers"},
        {"diff --git a/x b/x\n+++ x\n", "!the diff has a name without \"b/\""},
        {"diff --git a/x b/x\n+++ /dev/null\n@@ -0,0 +1 @@\n+n\n",
         "!the diff adds lines to a file that is gone"},
    };
    struct lac_buf out;

    lac_buf_init(&out, 4096);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("row %zu", i);
        describe_diff(&out, rows[i].diff);
        LAC_TEST_STR(lac_buf_cstr(&out), rows[i].want);
    }
    lac_buf_deinit(&out);
}

LAC_TEST_MAIN(scan_lines, lines_are_numbered_however_they_arrive,
              an_item_needs_a_text_and_an_error_repeats_nothing,
              added_lines_have_the_numbers_of_the_new_file)
