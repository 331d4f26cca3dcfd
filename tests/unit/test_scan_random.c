/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what is found in a text does not depend on the parts in which it is looked at. Method: the
 * built-in rules, on random texts that are put together from the rules' own examples, so that
 * findings overlap, touch and are encoded, each text longer than what is seen around a part.
 */
#include "lac_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_test.h"

enum { TEXT_MAX = 24 << 10, PARTS = 4, FOUND_MAX = 8192 };

static char text[TEXT_MAX];
static struct lac_pack *pack;
static struct lac_scan_plan *plan;
static struct lac_scan *scan;

struct found {
    struct lac_scan_finding at[FOUND_MAX];
    size_t count;
};

static void open_all(void)
{
    const struct lac_scan_options o = {.min_score = LAC_MATCH_SCORE_COUNTS};
    struct lac_err err = {0};

    lac_test_seed();
    LAC_TEST_NEED(lac_pack_open(&pack, NULL, &err) == LAC_OK);
    LAC_TEST_NEED(lac_scan_plan_open(&plan, pack, &o, &err) == LAC_OK);
    LAC_TEST_NEED(lac_scan_open(&scan, plan, &err) == LAC_OK);
}

static void close_all(void)
{
    lac_scan_close(scan);
    lac_scan_plan_close(plan);
    lac_pack_close(pack);
}

static size_t put(size_t n, struct lac_str s)
{
    if (s.len > TEXT_MAX - n)
        s.len = TEXT_MAX - n;
    memcpy(text + n, s.ptr, s.len);
    return n + s.len;
}

/* Two digits for each byte, behind `mark`. */
static size_t put_hex(size_t n, struct lac_str s, const char *mark)
{
    for (size_t i = 0; i < s.len; i++) {
        char code[4];

        (void)snprintf(code, sizeof(code), "%s%02x", mark, (unsigned char)s.ptr[i]);
        n = put(n, lac_str_from(code));
    }
    return n;
}

static size_t put_base64(size_t n, struct lac_str s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0, have = 0;

    for (size_t i = 0; i < s.len; i++) {
        bits = bits << 8 | (unsigned char)s.ptr[i];
        for (have += 8; have >= 6; have -= 6)
            n = put(n, (struct lac_str){&digits[bits >> (have - 6) & 63], 1});
    }
    return have ? put(n, (struct lac_str){&digits[bits << (6 - have) & 63], 1}) : n;
}

static size_t put_example(size_t n)
{
    size_t rule = lac_test_random((uint32_t)lac_scan_rule_count(plan));
    struct lac_pack_examples e = lac_pack_examples(pack, rule);
    struct lac_str s;

    if (e.match_count == 0)
        return n;
    s = e.match[lac_test_random((uint32_t)e.match_count)];
    if (s.len > 4 && lac_test_random(5) == 0)
        s = lac_str_slice(s, lac_test_random((uint32_t)s.len / 2), s.len);
    switch (lac_test_random(12)) {
    case 0:
        return put_hex(n, s, "%");
    case 1:
        return put_hex(n, s, "");
    case 2:
        return put_base64(n, s);
    default:
        return put(n, s);
    }
}

static size_t put_filler(size_t n)
{
    static const char *const words[] = {
        " ",    "\n",       "\n\n",    ", ",          "; ",  "\t",           "\"", "=",
        ": ",   "|",        ".",       "/",           "-",   "\xc3\xa4",     "a",  "0",
        "\r\n", "password", "token: ", "%20",         "\\n", "lorem ipsum ", "<",  ">",
        "(",    ")",        "\xff",    "\xe2\x80\x8b"};

    return put(n, lac_str_from(words[lac_test_random(LAC_COUNT(words))]));
}

/* Rows that go on as long as nothing else stands between them. */
static size_t put_table(size_t n)
{
    static const char *const heads[] = {
        "id;ssn;password\n", "-- dump\nINSERT INTO t (id, ssn, password) VALUES\n",
        "-- dump\nCOPY t (id, ssn, password) FROM stdin;\n", "# of today\nid;\"ssn\";password\r\n",
        "\n| id | ssn | tel |\n|---|---|---|\n"};
    static const char *const rows[] = {"@;4575@;Tr4il-M@x\n", "(@,'4575@','Tr4il-M@x'),\n",
                                       "@\t4575@\tTr4il-M@x\n", "@;\"4575@\";\"Tr4il\nM@x\"\r\n",
                                       "| @ | 4575@ | 02 1@ |\n"};
    uint32_t kind = lac_test_random(LAC_COUNT(heads));
    n = put(n, lac_str_from(heads[kind]));
    for (uint32_t i = lac_test_random(300); i > 0; i--)
        for (const char *c = rows[kind]; *c; c++) {
            char number[16];

            (void)snprintf(number, sizeof(number), "%05u", lac_test_random(100000));
            n = put(n, *c == '@' ? lac_str_from(number) : (struct lac_str){c, 1});
        }
    return n;
}

static struct lac_str make_text(size_t len)
{
    size_t n = lac_test_random(3) == 0 ? put_table(0) : 0;

    while (n < len) {
        n = put_example(n);
        for (uint32_t i = 1 + lac_test_random(3); i > 0; i--)
            n = put_filler(n);
        if (lac_test_random(8) == 0)
            n = put_table(put(n, LAC_STR("\n")));
        if (lac_test_random(3) == 0)
            for (uint32_t i = lac_test_random(40); i > 0; i--)
                n = put(n, LAC_STR("lorem ipsum dolor\n"));
    }
    if (lac_test_random(2))
        for (size_t i = 0; i < n; i++)
            text[i] = (char)(text[i] & 0x7f);
    return (struct lac_str){text, n};
}

static int by_place(const void *a, const void *b)
{
    const struct lac_scan_finding *x = a, *y = b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return (x->rule > y->rule) - (x->rule < y->rule);
}

/* Adds what is listed in [from, to) of `s`. */
static void look(struct found *f, struct lac_str s, size_t from, size_t to)
{
    struct lac_scan_result r;
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_scan_text(scan, s, from, to, &r, &err), LAC_OK);
    for (size_t i = 0; i < r.count; i++) {
        if (!r.at[i].listed)
            continue;
        LAC_TEST_NEED(f->count < FOUND_MAX);
        f->at[f->count++] = r.at[i];
    }
}

/* Whether all is as short as what is sure to be seen around a part: half a private key behind which
 * another one ends is longer. */
static bool is_short(const struct found *f)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->at[i].end - f->at[i].start > LAC_SCAN_MARGIN - LAC_MATCH_WINDOW_MAX)
            return false;
    return true;
}

/* The first difference, for people. */
static bool equal(const struct found *whole, const struct found *parts, struct lac_str s)
{
    size_t i = 0;

    while (i < whole->count && i < parts->count && by_place(&whole->at[i], &parts->at[i]) == 0 &&
           whole->at[i].score == parts->at[i].score)
        i++;
    if (i == whole->count && i == parts->count)
        return true;
    for (int k = 0; k < 2; k++) {
        const struct found *f = k ? parts : whole;

        if (i < f->count)
            printf("\n%s: %.*s [%zu, %zu) %u '%.*s'", k ? "parts" : "whole",
                   LAC_STR_FMT(lac_scan_rule(plan, f->at[i].rule)->id), f->at[i].start,
                   f->at[i].end, f->at[i].score, (int)(f->at[i].end - f->at[i].start),
                   s.ptr + f->at[i].start);
    }
    return false;
}

static void parts_give_what_the_whole_gives(void)
{
    static struct found whole, parts;

    size_t compared = 0;

    open_all();
    for (int round = 0; round < LAC_TEST_ROUNDS(400, 60); round++) {
        struct lac_str s = make_text(10000 + lac_test_random(8000));
        size_t from = 0;

        whole.count = parts.count = 0;
        look(&whole, s, 0, s.len);
        if (!is_short(&whole))
            continue;
        compared++;
        for (int k = 1; k <= PARTS; k++) {
            size_t left = s.len - from;
            size_t to = k == PARTS ? s.len : from + lac_test_random((uint32_t)left + 1);

            if (from > 0)
                lac_scan_shift(scan, s, 0);
            look(&parts, s, from, to);
            from = to;
        }
        qsort(parts.at, parts.count, sizeof(*parts.at), by_place);
        lac_test_row("round %d", round);
        LAC_TEST_EQ(equal(&whole, &parts, s), true);
    }
    CU_ASSERT(compared > LAC_TEST_ROUNDS(300, 40));
    close_all();
}

LAC_TEST_MAIN(scan_random, parts_give_what_the_whole_gives)
