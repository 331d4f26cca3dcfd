/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: rules hit where they should and only there, at the right bytes of the original text, and
 * within limits. Method: small rule sets, one for each feature.
 */
#include <stdio.h>
#include <string.h>

#include "lac_test.h"
#include "match_fixture.h"

static void phrases_match_words_in_any_case_and_separation(void)
{
    static const struct lac_str phrases[] = {
        {"project_apollo", 14},
        {"Caf\xc3\xa9 M\xc3\xbcller", 14},
        {"\xe6\x9c\xba\xe5\xaf\x86", 6},
        {"acme corp", 9},
        {"apollo", 6},
    };
    static const struct fixture_row rows[] = {
        {"see Project-Apollo, PROJECT APOLLO and project_apollo.",
         "Project-Apollo|PROJECT APOLLO|project_apollo"},
        {"project \n -apollo", "project \n -apollo"},
        {"CAFE\xcc\x81 M\xc3\x9cLLER!", "CAFE\xcc\x81 M\xc3\x9cLLER"},
        {"\xe8\xbf\x99\xe6\x98\xaf\xe6\x9c\xba\xe5\xaf\x86\xe6\x96\x87",
         "\xe6\x9c\xba\xe5\xaf\x86"},
        {"\xe2\x80\x9c"
         "Acme\xe2\x80\x94"
         "Corp\xe2\x84\xa2\xe2\x80\x9d",
         "Acme\xe2\x80\x94"
         "Corp"},
        {"Ac\xe2\x80\x8bme Corp's", "Ac\xe2\x80\x8bme Corp"},
        {"\xef\xbc\xa1"
         "cme corp",
         "\xef\xbc\xa1"
         "cme corp"},
        {"acmecorp, acme corporation, xacme corp", ""},
        {"apollonian", ""},
        {"bad \xff bytes, acme corp", "acme corp"},
    };
    struct lac_match_rule rule = fixture_rule_of("terms");
    struct fixture_set t;

    rule.phrases = phrases;
    rule.phrase_count = LAC_COUNT(phrases);
    if (fixture_set_open(&t, &rule, 1))
        for (size_t i = 0; i < LAC_COUNT(rows); i++) {
            lac_test_row("%s", rows[i].text);
            LAC_TEST_STR(fixture_found(&t, rows[i].text), rows[i].want);
        }
    LAC_TEST_EQ(t.hits.undecodable, true);
    fixture_set_close(&t);
}

static void exceptions_and_context_suppress_hits(void)
{
    static const struct lac_str phrases[] = {{"confidential", 12}, {"summit", 6}};
    static const struct lac_str except[] = {{"* computing", 11}, {"what is *", 9}, {"non-*", 5}};
    static const struct lac_str context[] = {{"contract", 8}};
    static const struct fixture_row rows[] = {
        {"this is confidential, not for sale", "confidential"},
        {"confidential computing", ""},
        {"What is confidential?", ""},
        {"non-confidential", ""},
        {"unconfidential", ""},
        {"confidential computings", "confidential"},
    };
    struct lac_match_rule rules[2] = {fixture_rule_of("mark"), fixture_rule_of("customer")};
    struct fixture_set t;

    rules[0].phrases = phrases;
    rules[0].phrase_count = 1;
    rules[0].except = except;
    rules[0].except_count = LAC_COUNT(except);
    rules[1].phrases = phrases + 1;
    rules[1].phrase_count = 1;
    rules[1].context = context;
    rules[1].context_count = 1;
    rules[1].context_window = 20;
    if (fixture_set_open(&t, rules, 2)) {
        for (size_t i = 0; i < LAC_COUNT(rows); i++) {
            lac_test_row("%s", rows[i].text);
            LAC_TEST_STR(fixture_found(&t, rows[i].text), rows[i].want);
        }
        LAC_TEST_STR(fixture_found(&t, "the summit of the hill"), "");
        LAC_TEST_STR(fixture_found(&t, "the Contract with Summit"), "Summit");
        LAC_TEST_STR(fixture_found(&t, "summit ........................ contract"), "");
    }
    fixture_set_close(&t);
}

/* As many letters are as near in every script. */
static void context_is_as_near_in_letters_of_more_bytes(void)
{
    static const struct lac_str phrase = {"summit", 6}, context = {"contract", 8};
    static const struct fixture_row rows[] = {
        {"summit жжжжжжжжжж contract", "summit"},   {"contract жжжжжжжжжж summit", "summit"},
        {"summit жжжжжжжжжжж contract", ""},        {"contract жжжжжжжжжжж summit", ""},
        {"ж summit abcdefghij contract", "summit"}, {"ж contract abcdefghijk summit", ""},
    };
    struct lac_match_rule rule = fixture_rule_of("customer");
    struct fixture_set t;

    rule.phrases = &phrase;
    rule.phrase_count = 1;
    rule.context = &context;
    rule.context_count = 1;
    rule.context_window = 20;
    if (fixture_set_open(&t, &rule, 1))
        for (size_t i = 0; i < LAC_COUNT(rows); i++) {
            lac_test_row("%s", rows[i].text);
            LAC_TEST_STR(fixture_found(&t, rows[i].text), rows[i].want);
        }
    fixture_set_close(&t);
}

static void patterns_report_where_they_start(void)
{
    static const struct fixture_row rows[] = {
        {"id EMP-123456 and EMP-1234.", "EMP-123456|EMP-1234"},
        {"XEMP-1234 EMP-12", ""},
        {"EMP-1234567", ""},
        {"EMP-\xef\xbc\x91\xef\xbc\x92"
         "34",
         "EMP-\xef\xbc\x91\xef\xbc\x92"
         "34"},
    };
    struct lac_match_rule rule = fixture_rule_of("employee");
    static char many[400 * 40];
    struct fixture_set t;
    size_t n = 0;

    rule.pattern = LAC_STR("\\bEMP-[0-9]{4,6}\\b");
    if (!fixture_set_open(&t, &rule, 1))
        return;
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_STR(fixture_found(&t, rows[i].text), rows[i].want);
    }
    /* More places than can be listed are still all looked at. */
    for (int i = 0; i < 400; i++)
        n += (size_t)snprintf(many + n, sizeof(many) - n, "%*s EMP-%04d", 30, "", i);
    fixture_scan(&t, (struct lac_str){many, n});
    LAC_TEST_EQ(t.hits.count, LAC_MATCH_HITS_PER_RULE);
    LAC_TEST_EQ(t.hits.truncated, true);
    LAC_TEST_EQ(t.hits.at[0].end - t.hits.at[0].start, 8);
    /* Who wants more of each rule gets them. */
    t.hits.per_rule = 50;
    fixture_scan(&t, (struct lac_str){many, n});
    LAC_TEST_EQ(t.hits.count, 50);
    LAC_TEST_EQ(t.hits.truncated, true);
    fixture_scan(&t, (struct lac_str){many, 50 * 39});
    LAC_TEST_EQ(t.hits.count, 50);
    LAC_TEST_EQ(t.hits.truncated, false);
    fixture_set_close(&t);
}

static void cut_edges_of_a_region_are_no_edges_of_the_text(void)
{
    struct lac_match_rule rule = fixture_rule_of("edge");
    struct fixture_set t;

    rule.pattern = LAC_STR("(^|x)A");
    if (fixture_set_open(&t, &rule, 1)) {
        LAC_TEST_STR(fixture_found(&t, "bAAAxA"), "xA");
        LAC_TEST_STR(fixture_found(&t, "AbAAAAAxA"), "A|xA");
    }
    fixture_set_close(&t);
}

/* However many candidates there are, each is asked for its own surroundings. A text that has more
 * context words than are noted is read itself, up to a bound: strict rather than slow. */
static void context_is_looked_for_in_bounded_time(void)
{
    static const struct lac_str phrases[] = {{"summit", 6}};
    static const struct lac_str context[] = {{"contract", 8}, {"deal", 4}};
    enum { UNIT = 7, DEALS = 5 * 4000, MANY = 1100 };
    static char text[MANY * UNIT + DEALS];
    struct lac_match_rule rule = fixture_rule_of("customer");
    struct fixture_set t;

    rule.phrases = phrases;
    rule.phrase_count = 1;
    rule.context = context;
    rule.context_count = 2;
    rule.context_window = 20;
    for (size_t i = 0; i < (size_t)MANY * UNIT; i++)
        text[i] = "summit "[i % UNIT];
    if (fixture_set_open(&t, &rule, 1)) {
        fixture_scan(&t, (struct lac_str){text, (size_t)MANY * UNIT});
        LAC_TEST_EQ(t.hits.count, 0);
        for (size_t i = 0; i < DEALS; i++)
            text[i] = "deal "[i % 5];
        for (size_t i = 0; i < (size_t)MANY * UNIT; i++)
            text[DEALS / 2 + i] = "summit "[i % UNIT];
        fixture_scan(&t, (struct lac_str){text, DEALS});
        LAC_TEST_EQ(t.hits.count, 3 + 3); /* beside the deals on both sides */
        t.hits.is_name = true;
        LAC_TEST_STR(fixture_found(&t, "Summit"), "Summit");
        LAC_TEST_STR(fixture_found(&t, "the Summit"), "");
        memset(text, ' ', sizeof(text));
        memcpy(text + DEALS, "Summit", 6);
        fixture_scan(&t, (struct lac_str){text, sizeof(text)});
        LAC_TEST_EQ(t.hits.count, 1);
        /* What is longer than any name is a text. */
        memset(text, '.', sizeof(text));
        memcpy(text, "Summit", 6);
        fixture_scan(&t, (struct lac_str){text, LAC_MATCH_NAME_BYTES});
        LAC_TEST_EQ(t.hits.count, 1);
        fixture_scan(&t, (struct lac_str){text, LAC_MATCH_NAME_BYTES + 1});
        LAC_TEST_EQ(t.hits.count, 0);
    }
    fixture_set_close(&t);
}

static void bad_rules_are_refused_by_index(void)
{
    static const struct lac_str empty[] = {{"-", 1}};
    static const struct lac_str no_star[] = {{"computing", 9}};
    static const struct lac_str word[] = {{"word", 4}};
    struct lac_match_rule bad[7];

    for (size_t i = 0; i < LAC_COUNT(bad); i++)
        bad[i] = fixture_rule_of("bad");
    bad[1].detector = LAC_STR("nothing");
    bad[2].pattern = LAC_STR("a+b");
    bad[3].pattern = LAC_STR("(");
    bad[4].phrases = empty;
    bad[4].phrase_count = 1;
    bad[5].phrases = bad[6].phrases = word;
    bad[5].phrase_count = bad[6].phrase_count = 1;
    bad[5].except = no_star;
    bad[5].except_count = 1;
    bad[6].detector = LAC_STR("email");
    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        struct lac_match_rule rules[2] = {fixture_rule_of("good"), bad[i]};
        struct lac_match *m = NULL;
        struct lac_err err = {0};
        size_t index;

        rules[0].detector = LAC_STR("email");
        lac_test_row("bad rule %zu", i);
        LAC_TEST_EQ(lac_match_open(&m, rules, 2, &index, &err), LAC_REJECT);
        LAC_TEST_EQ(index, 1);
        CU_ASSERT(err.text[0] != 0);
        CU_ASSERT_PTR_NULL(m);
    }
}

/* The text without its NUL. */
static void put(char *at, const char *text)
{
    while (*text)
        *at++ = *text++;
}

static void a_field_over_the_limit_says_so(void)
{
    struct lac_match_rule rule = fixture_rule_of("email");
    static char big[FIXTURE_FIELD_BYTES + 100];
    struct fixture_set t;

    rule.detector = LAC_STR("email");
    if (!fixture_set_open(&t, &rule, 1))
        return;
    memset(big, ' ', sizeof(big));
    put(big + 10, "a@example.com");
    fixture_scan(&t, (struct lac_str){big, FIXTURE_FIELD_BYTES});
    LAC_TEST_EQ(t.hits.over_limit, false);
    LAC_TEST_EQ(t.hits.count, 1);
    fixture_scan(&t, (struct lac_str){big, sizeof(big)});
    LAC_TEST_EQ(t.hits.over_limit, true);
    LAC_TEST_EQ(t.hits.count, 1);
    /* U+FDFA becomes eighteen characters: no room for a field made of it. */
    for (size_t i = 0; i + 3 <= FIXTURE_FIELD_BYTES; i += 3)
        put(big + i, "\xef\xb7\xba");
    fixture_scan(&t, (struct lac_str){big, FIXTURE_FIELD_BYTES});
    LAC_TEST_EQ(t.hits.over_limit, true);
    fixture_set_close(&t);
}

static void letters_that_chance_puts_into_a_long_hit_excuse_nothing(void)
{
    static const struct lac_str allow[] = {{"*your*", 6}, {"*example*", 9}};
    static const char form[] = "\\bzq-[A-Za-z0-9]{20,300}\\b";
    struct lac_match_rule rule = fixture_rule_of("token");
    char text[2 * LAC_MATCH_CHANCE_MAX];
    struct fixture_set t;

    rule.pattern = lac_str_from(form);
    rule.allow = allow;
    rule.allow_count = LAC_COUNT(allow);
    if (!fixture_set_open(&t, &rule, 1))
        return;
    memset(text, 'k', sizeof(text));
    memcpy(text, "zq-", 3);
    memcpy(text + 20, "YoUr", 4);
    fixture_scan(&t, (struct lac_str){text, LAC_MATCH_CHANCE_MAX});
    LAC_TEST_EQ(t.hits.count, 0);
    fixture_scan(&t, (struct lac_str){text, LAC_MATCH_CHANCE_MAX + 1});
    LAC_TEST_EQ(t.hits.count, 1);
    memcpy(text + 20, "ExaMple", 7);
    fixture_scan(&t, (struct lac_str){text, LAC_MATCH_CHANCE_MAX + 1});
    LAC_TEST_EQ(t.hits.count, 0);
    fixture_set_close(&t);
}

static void a_token_is_found_to_its_end_however_long(void)
{
    static const char form[] = "\\bzq_[A-Za-z0-9.]{60,200}";
    enum { SHORT = LAC_MATCH_CUT_MIN - 1, LONG = 3000 };
    struct lac_match_rule rule = fixture_rule_of("token");
    char text[LONG + 16];
    struct fixture_set t;

    rule.pattern = lac_str_from(form);
    if (!fixture_set_open(&t, &rule, 1))
        return;
    memset(text, 'k', sizeof(text));
    memcpy(text, "zq_", 3);
    memcpy(text + LONG, "==, and so on.", 14);
    fixture_scan(&t, (struct lac_str){text, LONG + 14});
    LAC_TEST_EQ(t.hits.count, 1);
    LAC_TEST_EQ(t.hits.at[0].end, LONG + 2);
    memcpy(text + LONG, ". It is", 7);
    fixture_scan(&t, (struct lac_str){text, LONG + 7});
    LAC_TEST_EQ(t.hits.at[0].end, LONG);
    memcpy(text + SHORT, "/path", 5); /* a short one ends where its pattern does */
    fixture_scan(&t, (struct lac_str){text, LONG});
    LAC_TEST_EQ(t.hits.at[0].end, SHORT);
    memcpy(text + SHORT, "kkkkk", 5);
    memset(text + 200, ' ', 8); /* the alphabet ended: nothing was cut */
    fixture_scan(&t, (struct lac_str){text, LONG});
    LAC_TEST_EQ(t.hits.count, 1);
    LAC_TEST_EQ(t.hits.at[0].end, 200);
    fixture_set_close(&t);
}

static void an_allow_rule_speaks_for_whole_fields_only(void)
{
    static const struct lac_str phrases[] = {{"What is the capital of France", 29}};
    struct lac_match_rule rule = fixture_rule_of("public");
    struct fixture_set t;

    rule.strength = LAC_MATCH_ALLOW;
    rule.phrases = phrases;
    rule.phrase_count = 1;
    if (!fixture_set_open(&t, &rule, 1))
        return;
    fixture_scan(&t, LAC_STR(" what is the capital of France? "));
    LAC_TEST_EQ(t.hits.whole_allowed, true);
    fixture_scan(&t, LAC_STR("what is the capital of France and our margin"));
    LAC_TEST_EQ(t.hits.whole_allowed, false);
    LAC_TEST_EQ(t.hits.count, 0);
    fixture_scan(&t, LAC_STR("what is the capital of France\xff"));
    LAC_TEST_EQ(t.hits.whole_allowed, false);
    fixture_scan(&t, LAC_STR(" \n "));
    LAC_TEST_EQ(t.hits.blank, true);
    fixture_set_close(&t);
}

/* A form beside the rule that checks it: with weak hits, too, one finding of a kind at a place. */
static void of_one_entity_the_surer_hit_is_kept(void)
{
    struct lac_match_rule rules[] = {fixture_rule_of("checked"), fixture_rule_of("form"),
                                     fixture_rule_of("other"), fixture_rule_of("part")};
    static const struct {
        bool weak, keep;
        const char *found;
    } rows[] = {
        {false, false, "AB123456"},
        {true, true, "AB123456|AB123456"},
        {false, true, "AB123456|AB123456|AB123456|123456"},
    };
    struct fixture_set t;

    rules[0].pattern = LAC_STR("\\bAB[0-9]{6}\\b");
    rules[0].score = 900000;
    rules[1].pattern = LAC_STR("\\b[A-Z]{2}[0-9]{6}\\b");
    rules[1].score = 600000;
    rules[2] = rules[1];
    rules[2].id = LAC_STR("other");
    rules[2].entity = LAC_STR("Y");
    rules[3].pattern = LAC_STR("123456");
    rules[3].score = 600000;
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%zu", i);
        if (!fixture_set_open(&t, rules, LAC_COUNT(rules)))
            return;
        t.hits.want_weak = rows[i].weak;
        t.hits.keep_shadowed = rows[i].keep;
        LAC_TEST_STR(fixture_found(&t, "no. AB123456"), rows[i].found);
        fixture_set_close(&t);
    }
}

LAC_TEST_MAIN(match, phrases_match_words_in_any_case_and_separation,
              exceptions_and_context_suppress_hits, context_is_as_near_in_letters_of_more_bytes,
              patterns_report_where_they_start, cut_edges_of_a_region_are_no_edges_of_the_text,
              context_is_looked_for_in_bounded_time, bad_rules_are_refused_by_index,
              a_field_over_the_limit_says_so,
              letters_that_chance_puts_into_a_long_hit_excuse_nothing,
              a_token_is_found_to_its_end_however_long, an_allow_rule_speaks_for_whole_fields_only,
              of_one_entity_the_surer_hit_is_kept)
