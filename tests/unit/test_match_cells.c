/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: the cells of a table that stands anywhere in a text are found as if their heading stood
 * before each of them, and nothing else is.
 * Method: lines of cells and where they come from; tables of all kinds with a far heading among
 * other text, with and without `decode`; texts made to cost much.
 */
#include <stdio.h>
#include <string.h>

#include "lac_match_cells.h"
#include "lac_match_create.h"
#include "lac_test.h"
#include "match_fixture.h"

/* ---- lines ---- */

static struct lac_match_table table;
static struct lac_match_cells cells;
static char lines[LAC_MATCH_CELLS_BYTES];
static uint32_t map[LAC_MATCH_CELLS_BYTES + 1];

/* All lines that there are, with '/' between those that come at once. */
static const char *lines_of(struct lac_str text, bool strict)
{
    static char out[LAC_MATCH_CELLS_BYTES];
    bool more = lac_match_table_open(&table, text, 0);
    size_t n = 0, len;

    table.rows.strict = strict;
    out[0] = '\0';
    while (more) {
        more = lac_match_cells_take(&cells, &table, text, 0, text.len) && table.rows.row < text.len;
        while ((len = lac_match_cells_lines(&cells, &table, text, lines, map)) > 0) {
            n +=
                (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s", n ? "/" : "", (int)len, lines);
            for (size_t i = 0; i < len; i++) /* a byte of a cell is the one that it comes from */
                if (map[i + 1] == map[i] + 1)
                    LAC_TEST_EQ(lines[i], text.ptr[map[i]]);
        }
    }
    return out;
}

static void lines_have_a_heading_and_a_cell(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"a,bee\nabc,def\nghi,jkl\n", "a: abc\na: ghi\n/bee: def\nbee: jkl\n"},
        {"a,bee\r\n\"abc\",\"def\"\r\nghi,\"jkl\"", "a: abc\na: ghi\n/bee: def\nbee: jkl\n"},
        {"a;b\n\"a;\"\"c\";\"d\ne\"\n", "a: a;\"\"c\n/b: d\ne\n"},
        {"| a | b |\n|---|---|\n| abc | `def` |\n", "a: ---\na: abc\n/b: ---\nb: def\n"},
        {" a | b\n---+---\n abc | def\n", "a: abc\n/b: def\n"},
        {"a,b\nab,c\n", ""}, /* too short to be anything */
        {"a,b\nabc,d\ne,f,g\n", "a: abc\n"},
        {"a, b\nabc,def\n", ""}, /* no headings */
        {"a,b", ""},
        {"insert into t (a, b) values (abc, 'def'), ('ghi', 1234);",
         "a: abc\na: ghi\n/b: def\nb: 1234\n"},
        {"COPY t (a, b) FROM stdin;\nabc\tdef\n\\.\nghi\tjkl\n", "a: abc\n/b: def\n"},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_STR(lines_of(lac_str_from(rows[i].text), true), rows[i].want);
    }
    /* Lines that are no rows: a strict table has ended. */
    LAC_TEST_STR(lines_of(LAC_STR("a,b\nabc,def\n\nghi,jkl\n"), true), "a: abc\n/b: def\n");
    LAC_TEST_STR(lines_of(LAC_STR("a,b\nabc,def\n\nghi,jkl\n"), false),
                 "a: abc\na: ghi\n/b: def\nb: jkl\n");
}

static const char *columns_of(const char *text)
{
    static char out[1024];
    struct lac_str name, headings[LAC_MATCH_ROWS_COLUMNS];
    unsigned columns;
    size_t n, end;

    if (!lac_match_create_at(lac_str_from(text), 0, &name, headings, &columns, &end))
        return "";
    n = (size_t)snprintf(out, sizeof(out), "%.*s", LAC_STR_FMT(name));
    for (unsigned i = 0; i < columns; i++)
        n += (size_t)snprintf(out + n, sizeof(out) - n, "|%.*s", LAC_STR_FMT(headings[i]));
    return out;
}

static void a_table_that_is_made_has_columns(void)
{
    static const struct fixture_row rows[] = {
        {"CREATE TABLE t (a int, b text)", "t|a|b"},
        {"create temporary table if not exists db.`my t` (\n `a b` enum('x,)','y'),\n key (a),\n"
         " \"key\" numeric(3, 2) DEFAULT 1\n)",
         "my t|a b|key"},
        {"CREATE TABLE [dbo].[t]([a] [int], CONSTRAINT c PRIMARY KEY (a))", "t|a"},
        {"CREATE TABLE t (a int", ""},
        {"CREATE TABLE t (a int,", ""},
        {"CREATE TABLE t (PRIMARY KEY (a))", ""},
        {"CREATE TABLE (a int)", ""},
        {"CREATE TABLE `t (a int)", ""},
        {"CREATE VIEW t (a)", ""},
        {"CREATE TABLE t AS SELECT (1)", ""},
        {"CREATE", ""},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_STR(columns_of(rows[i].text), rows[i].want);
    }
}

/* ---- in texts ---- */

static struct fixture_set set;

static void open_set(bool decode)
{
    static const struct lac_str words[] = {LAC_STR("badge"), LAC_STR("visa")};
    struct lac_match_rule rules[2] = {fixture_rule_of("badge"), fixture_rule_of("weak")};

    rules[0].pattern = LAC_STR("\\bB[0-9]{3}\\b");
    rules[0].context = &words[0];
    rules[1].pattern = LAC_STR("\\bV[0-9]{3}\\b");
    rules[1].context = &words[1];
    rules[1].score = 300000;
    rules[1].context_boost = 500000;
    for (size_t i = 0; i < 2; i++) {
        rules[i].context_count = 1;
        rules[i].context_window = 16;
    }
    LAC_TEST_NEED(fixture_set_open(&set, rules, 2));
    set.hits.decode = decode;
}

/* Behind a table, but for what it is given: enough for no word to be near. */
#define FAR "and nothing of what is here is near to it\n"

static void a_table_is_found_wherever_it_stands(void)
{
    static const struct fixture_row rows[] = {
        {"name,badge\nthe first of them,B001\nthe second,B002\n", "B001|B002"},
        {FAR "\nname,badge\nthe first of them,B001\nthe second,B002\n\n" FAR "B003", "B001|B002"},
        {FAR "badge;number of it\r\nB001;long enough to be away\r\nB002;so is this\r\nB003",
         "B001|B002"},
        {FAR "\xC3\xA4\nname\tbadge\nthe first of them\t\"B001\"\n" FAR "B003", "B001"},
        {FAR "| name | badge |\n|---|---|\n| the first of them | B001 |\n" FAR "| B003 |", "B001"},
        {FAR "+----+----+\n| name | badge |\n+----+----+\n| the first of them | B001 "
             "|\n+----+----+\n" FAR "B003",
         "B001"},
        {FAR "INSERT INTO t (name, badge) VALUES\n('the first of them all', 'B001');\n" FAR "B003",
         "B001"},
        {FAR
         "{\"text\": \"see:\\n| name | badge |\\n|---|---|\\n| the first of them | B001 |\\n\\n" FAR
         "B003\"}",
         "B001"},
        {"YmFkZ2UsdGhlIG5hbWUgb2YgYWxsIG9mIHRoZW0KQjAwMSx4CkIwMDIseQo=", "QjAwMS|kIwMDI"},
        /* Two, of as many columns. */
        {"name,badge\nof the first and the last B001,nothing\nname,of a visa\n" FAR
         "badge,whose it is by name\nB002,the second\nthe third of them,B003\n",
         "B002"},
        /* What is no heading, and what no rule asks for. */
        {FAR "the badge, and so on\nthe first of them,B001\n", ""},
        {FAR "name,colour\nthe first of them,B001\n", ""},
        {FAR "name,badge\n\nthe first of them all,B001\n", ""},
    };

    open_set(false);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_STR(fixture_found(&set, rows[i].text), "");
    }
    fixture_set_close(&set);
    open_set(true);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_STR(fixture_found(&set, rows[i].text), rows[i].want);
    }
    fixture_set_close(&set);
}

static void where_tables_are_is_told(void)
{
    static const char text[] = FAR "name,badge\na,b\nc,d\n\n" FAR "visa,x\ne,f";
    size_t first = strlen(FAR), second = first + strlen("name,badge\na,b\nc,d\n\n" FAR);

    open_set(true);
    fixture_scan(&set, lac_str_from(text));
    LAC_TEST_EQ(set.hits.table_count, 2);
    LAC_TEST_EQ(set.hits.tables[0].start, first);
    LAC_TEST_EQ(set.hits.tables[0].end, first + strlen("name,badge\na,b\nc,d\n"));
    LAC_TEST_EQ(set.hits.tables[1].start, second);
    LAC_TEST_EQ(set.hits.tables[1].end, strlen(text));
    fixture_scan(&set, LAC_STR(FAR));
    LAC_TEST_EQ(set.hits.table_count, 0);
    fixture_set_close(&set);
}

/* What was weak without its heading is not, and stands there once. */
static void a_heading_makes_sure(void)
{
    open_set(true);
    for (int weak = 0; weak < 2; weak++) {
        set.hits.want_weak = weak;
        LAC_TEST_STR(fixture_found(&set, FAR "name,visa\nthe first of them,V001\n"), "V001");
        LAC_TEST_EQ(set.hits.at[0].score, 800000);
        LAC_TEST_EQ(set.hits.rule_hit[1], true);
    }
    fixture_set_close(&set);
}

/* ---- cost ---- */

/* Four times the text may take eight times as long, as in test_match_time.c. */
static void time_grows_with_length_only(void)
{
    static const char *const units[] = {
        "badge,a\n",
        "badge,a\n\n",
        "badge,a\nb,c\n",
        "badge\nvisa,",
        "badge,\"",
        "badge ",
        "\nbadge,a\n\"",
        "|badge|a|\n|---|---|\n",
        "insert into t (badge, b) values (",
        "COPY t (badge, b) FROM stdin;\n",
        "badge,a,b,c,d,e,f,g,h\nabc,abc,abc,abc,abc,abc,abc,abc,abc\n"};
    static char text[FIXTURE_FIELD_BYTES / 4];

    open_set(true);
    for (size_t u = 0; u < LAC_COUNT(units); u++) {
        size_t len = strlen(units[u]);
        uint64_t part, whole;

        for (size_t i = 0; i < sizeof(text); i++)
            text[i] = units[u][i % len];
        part = fixture_cost_ns(&set, (struct lac_str){text, sizeof(text) / 4});
        whole = fixture_cost_ns(&set, (struct lac_str){text, sizeof(text)});
        lac_test_row("%s: %llu us, a quarter of it %llu us", units[u],
                     (unsigned long long)(whole / 1000), (unsigned long long)(part / 1000));
        LAC_TEST_EQ(whole < part * 8 + 10000000, true);
    }
    fixture_set_close(&set);
}

LAC_TEST_MAIN(match_cells, lines_have_a_heading_and_a_cell, a_table_that_is_made_has_columns,
              a_table_is_found_wherever_it_stands, where_tables_are_is_told, a_heading_makes_sure,
              time_grows_with_length_only)
