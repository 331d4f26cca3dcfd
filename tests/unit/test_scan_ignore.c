/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: a path is ignored when git would ignore it. Method: a table per form of pattern; git itself
 * is asked in tests/integration/test_scan.py. */
#include "lac_scan_ignore.h"

#include <stdio.h>
#include <string.h>

#include "lac_test.h"

struct row {
    const char *patterns, *path;
    bool ignored;
};

static bool ignores(const char *patterns, const char *path)
{
    struct lac_scan_ignore *g = lac_scan_ignore_new();
    size_t len = strlen(path);
    bool folder = len > 0 && path[len - 1] == '/', answer;
    struct lac_err err;

    LAC_TEST_NEED(g != NULL);
    LAC_TEST_EQ(lac_scan_ignore_add(g, LAC_STR(""), lac_str_from(patterns), &err), LAC_OK);
    answer = lac_scan_ignored(g, (struct lac_str){path, folder ? len - 1 : len}, folder);
    lac_scan_ignore_free(g);
    return answer;
}

static void patterns_fit_as_git_says(void)
{
    static const struct row rows[] = {
        {"a", "a", true},
        {"a", "x/y/a", true},
        {"a", "ab", false},
        {"a", "a/", true},
        {"a/", "a", false},
        {"a/", "x/a/", true},
        {"/a", "a", true},
        {"/a", "x/a", false},
        {"x/a", "x/a", true},
        {"x/a", "y/x/a", false},
        {"*.o", "x/y.o", true},
        {"*.o", "x/y.oo", false},
        {"*.o", ".o", true},
        {"x/*.o", "x/y.o", true},
        {"x/*.o", "x/z/y.o", false},
        {"**/a", "a", true},
        {"**/a", "x/y/a", true},
        {"**/x/a", "q/x/a", true},
        {"x/**", "x/a/b", true},
        {"x/**", "x/", false},
        {"x/**/b", "x/b", true},
        {"x/**/b", "x/1/2/b", true},
        {"x/**/b", "x/1b", false},
        {"x**b", "xab", true},
        {"x**b", "xa/b", false},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"x?y/z", "x/y/z", false},
        {"[a-c]x", "bx", true},
        {"[!a-c]x", "bx", false},
        {"[^a-c]x", "dx", true},
        {"[c-a]x", "cx", true}, /* a range of nothing begins with a letter all the same */
        {"[c-a]x", "ax", false},
        {"[c-a]x", "bx", false},
        {"[]]", "]", true},
        {"[[:digit:]]", "7", true},
        {"[[:digit:]]", "d", false},
        {"x[!a]y", "x/y", false},
        {"[ab", "[ab", false}, /* never closed: fits nothing */
        {"a\\*", "a*", true},
        {"a\\*", "ab", false},
        {"a\\", "a\\", false},
        {"#a", "#a", false},
        {"\\#a", "#a", true},
        {"\\!a", "!a", true},
        {"a ", "a", true},
        {"a\\ ", "a ", true},
        {"a\r\n", "a", true},
        {"\xef\xbb\xbf"
         "a",
         "a", true},
        {"*\n!a", "a", false},
        {"*\n!a\na", "a", true},
        {"!a", "a", false},
        {"", "a", false},
        {"/", "a", false},
        {"!", "a", false},
        {"*", "anything", true},
        {"\xc3\xbc*",
         "\xc3\xbc"
         "ber",
         true},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("\"%s\" and \"%s\"", rows[i].patterns, rows[i].path);
        LAC_TEST_EQ(ignores(rows[i].patterns, rows[i].path), rows[i].ignored);
    }
}

static void patterns_belong_to_their_folder_and_the_last_word_counts(void)
{
    struct lac_scan_ignore *g = lac_scan_ignore_new();
    struct lac_err err;
    size_t mark;

    LAC_TEST_NEED(g != NULL);
    LAC_TEST_EQ(lac_scan_ignore_add(g, LAC_STR(""), LAC_STR("*.log\nout/\n"), &err), LAC_OK);
    mark = lac_scan_ignore_mark(g);
    LAC_TEST_EQ(lac_scan_ignore_add(g, LAC_STR("sub"), LAC_STR("!keep.log\n/own\n"), &err), LAC_OK);
    LAC_TEST_EQ(lac_scan_ignored(g, LAC_STR("keep.log"), false), true);
    LAC_TEST_EQ(lac_scan_ignored(g, LAC_STR("sub/keep.log"), false), false);
    LAC_TEST_EQ(lac_scan_ignored(g, LAC_STR("sub/own"), false), true);
    LAC_TEST_EQ(lac_scan_ignored(g, LAC_STR("sub/x/own"), false), false);
    LAC_TEST_EQ(lac_scan_ignored(g, LAC_STR("subs/own"), false), false);
    LAC_TEST_EQ(lac_scan_ignored_file(g, LAC_STR("x/out/deep/file")), true);
    LAC_TEST_EQ(lac_scan_ignored_file(g, LAC_STR("x/output/file")), false);
    lac_scan_ignore_forget(g, mark);
    LAC_TEST_EQ(lac_scan_ignored(g, LAC_STR("sub/own"), false), false);
    LAC_TEST_EQ(lac_scan_ignored(g, LAC_STR("sub/keep.log"), false), true);
    lac_scan_ignore_free(g);
}

static void too_many_patterns_are_refused(void)
{
    enum { LINES = LAC_SCAN_IGNORE_PATTERNS_MAX + 1 };
    static char text[2 * LINES];
    struct lac_scan_ignore *g = lac_scan_ignore_new();
    struct lac_err err;

    LAC_TEST_NEED(g != NULL);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 2 ? '\n' : 'a';
    LAC_TEST_EQ(lac_scan_ignore_add(g, LAC_STR(""), (struct lac_str){text, sizeof(text)}, &err),
                LAC_REJECT);
    LAC_TEST_EQ(lac_scan_ignored(g, LAC_STR("a"), false), true);
    lac_scan_ignore_free(g);
}

LAC_TEST_MAIN(scan_ignore, patterns_fit_as_git_says,
              patterns_belong_to_their_folder_and_the_last_word_counts,
              too_many_patterns_are_refused)
