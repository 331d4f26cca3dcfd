/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a line end inside a number or a token does not hide it, and does not make one of two.
 * Method: values cut at every place by every kind of line end; columns, tables and sentences with
 * two numbers; tokens over more lines than two; a text of more cuts than are noted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_match.h"
#include "lac_test.h"

enum { HITS = 64, FIELD_BYTES = 1 << 18, TEXT_MAX = 512 };

#define STR(text)              \
    {                          \
        text, sizeof(text) - 1 \
    }

static struct lac_match *m;
static struct lac_match_scratch *s;
static struct lac_match_hit at[HITS];

static void open_rules(void)
{
    static const struct lac_str secret[] = {STR("SECRET")};
    static const struct lac_str card[] = {STR("card")}, tax[] = {STR("tax")}, nhs[] = {STR("nhs")};
    static const struct lac_match_rule rules[] = {
        {.id = STR("card"),
         .entity = STR("C"),
         .tier = LAC_TIER_PROPRIETARY,
         .score = 950000,
         .detector = STR("credit_card")},
        {.id = STR("ssn"),
         .entity = STR("S"),
         .tier = LAC_TIER_PROPRIETARY,
         .score = 950000,
         .detector = STR("us_ssn")},
        {.id = STR("card-near"),
         .entity = STR("C"),
         .tier = LAC_TIER_PROPRIETARY,
         .score = 600000,
         .pattern = STR("\\b\\d{16}\\b"),
         .validator = STR("payment_card"),
         .context = card,
         .context_count = 1,
         .context_window = 40},
        {.id = STR("tax"),
         .entity = STR("T"),
         .tier = LAC_TIER_PROPRIETARY,
         .score = 900000,
         .pattern = STR("\\b\\d{2} ?\\d{3} ?\\d{3} ?\\d{3}\\b"),
         .validator = STR("de_tax_id"),
         .context = tax,
         .context_count = 1,
         .context_window = 40},
        {.id = STR("nhs"),
         .entity = STR("N"),
         .tier = LAC_TIER_PROPRIETARY,
         .score = 900000,
         .pattern = STR("\\b\\d{3}[ -]?\\d{3}[ -]?\\d{4}\\b"),
         .validator = STR("uk_nhs"),
         .context = nhs,
         .context_count = 1,
         .context_window = 40},
        {.id = STR("token"),
         .entity = STR("K"),
         .tier = LAC_TIER_PROPRIETARY,
         .score = 950000,
         .pattern = STR("\\bacme_[0-9a-z]{24}\\b"),
         .tags = secret,
         .tag_count = 1},
        {.id = STR("aws"),
         .entity = STR("A"),
         .tier = LAC_TIER_PROPRIETARY,
         .score = 950000,
         .detector = STR("aws_access_key"),
         .tags = secret,
         .tag_count = 1},
    };
    struct lac_err err;

    LAC_TEST_NEED(lac_match_open(&m, rules, LAC_COUNT(rules), NULL, &err) == LAC_OK);
    LAC_TEST_NEED(lac_match_scratch_open(&s, FIELD_BYTES, &err) == LAC_OK);
    LAC_TEST_NEED(lac_match_scratch_fit(s, m, &err) == LAC_OK);
}

static void close_rules(void)
{
    lac_match_scratch_close(s);
    lac_match_close(m);
}

static struct lac_match_hits scan(struct lac_str text)
{
    struct lac_match_hits hits = {.at = at, .capacity = HITS, .decode = true};
    struct lac_err err;

    LAC_TEST_EQ(lac_match_scan(m, s, text, &hits, &err), LAC_OK);
    return hits;
}

static const char *const glues[] = {
    "\n",   "\r\n", "\n  ",  "=\n",        "=\r\n", "\\\n",
    "\n> ", "\n\t", "\n * ", "\" +\n  \"", "'\n'",  "\"\n + \"",
};

/* `cut`: the first place at which it is found in two lines; before it nothing tells what it is. */
static const struct {
    const char *before, *value, *behind;
    size_t cut;
} values[] = {
    {"the card ", "4111 1111 1111 1111", " was charged", 1},
    {"the card ", "4111-1111-1111-1111", " was charged", 1},
    {"the card ", "3782 822463 10005", ".", 1},
    {"the card ", "4556737586899855", " was charged", 1},
    {"her ssn is ", "536-90-4399", ", thanks", 1},
    {"her ssn is ", "536904399", ", thanks", 1},
    {"the tax id: ", "86 095 742 719", " it is", 1},
    {"f\xC3\xBCr tax id: ", "86095742719", " it is", 1},
    {"the nhs no. ", "943 476 5919", " of hers", 1},
    {"token: ", "acme_0k3j5h7g9f1d2s4a6q8w0e2r", " in CI", 5},
    {"see \"", "AKIAQ3EGRZQ7WNTB4XKP", "\"", 4},
};

static void a_value_is_found_wherever_a_line_ends_in_it(void)
{
    char text[TEXT_MAX];

    open_rules();
    for (size_t v = 0; v < LAC_COUNT(values); v++)
        for (size_t g = 0; g < LAC_COUNT(glues); g++)
            for (size_t cut = values[v].cut; values[v].value[cut]; cut++) {
                size_t start = strlen(values[v].before);
                size_t end = start + strlen(values[v].value) + strlen(glues[g]);
                struct lac_match_hits hits;

                snprintf(text, sizeof(text), "%s%.*s%s%s%s", values[v].before, (int)cut,
                         values[v].value, glues[g], values[v].value + cut, values[v].behind);
                hits = scan(lac_str_from(text));
                lac_test_row("%s", text);
                CU_ASSERT(hits.count > 0);
                if (hits.count == 0)
                    continue;
                LAC_TEST_EQ(at[0].start, start);
                LAC_TEST_EQ(at[0].end, end);
            }
    close_rules();
}

/* What is found over a line end is less sure than what is found in one line, and is found once. */
static void it_is_less_sure(void)
{
    static const struct {
        const char *text;
        uint32_t score;
    } rows[] = {
        {"the card 4111 1111 1111 1111 is it", 950000},
        {"the card 4111 1111 11\n11 1111 is it", 700000},
        {"the card 41111111\n11111111 is it", 700000},
        {"see acme_0k3j5h7g9f1d2s4a6q8w0e2r\nthere", 950000},
        {"see acme_0k3j5h7g9f1d2s\n4a6q8w0e2r there", 700000},
    };

    open_rules();
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_EQ(scan(lac_str_from(rows[i].text)).count, 1);
        LAC_TEST_EQ(at[0].score, rows[i].score);
    }
    close_rules();
}

static void two_numbers_are_not_made_one(void)
{
    static const char *const rows[] = {
        /* no word, no groups */
        "we have 45567375\n86899855 of them",
        "the card of order 45567375\n86899855 pieces",
        /* columns, logs, tables */
        "card\n45567375\n86899855\n12345678\n",
        "the card list: 45567375\n86899855\n12345678\n",
        "id,card\n1,45567375\n86899855,2\n",
        "| card | 45567375\n86899855 | 2\n",
        "card 45567375\n86899855 | 2\n",
        "10:00 card 45567375\n86899855 10:01 ok",
        "the nhs list:\n943 47\n6 5919\n111 22\n",
        /* a wrong check digit, other groups, another line between them */
        "the card 4111 11\n11 1111 1112 was charged",
        "the card 4111 1\n1 1111 111 11 11 was charged",
        "the card 4111 11\n\n11 1111 1111 was charged",
        /* words */
        "the card is in\n4111 houses",
        "token: acme_0k3j5h7g9f1d\nThe next sentence has 4 words",
        "token: acme_\nsome_other_name_that_is_long",
        "see acme_0k3j5h7g9f1d2s4a,\n6q8w0e2r0k3j",
        "see AKIAQ3EGRZQ7\n\nWNTB4XKP",
        "an ssn has 9 digits\n536904399 is one",
    };

    open_rules();
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i]);
        LAC_TEST_EQ(scan(lac_str_from(rows[i])).count, 0);
    }
    close_rules();
}

/* A token over many lines, with and without another word right behind its last one. */
static void a_token_may_go_on_in_many_lines(void)
{
    open_rules();
    LAC_TEST_EQ(scan(LAC_STR("see acme_0k3j5h\n7g9f1d2s\n4a6q8w0e2r there")).count, 1);
    LAC_TEST_EQ(scan(LAC_STR("see acme_0k3j5h\n7g9f1d2s\n4a6q8w0e2r\nthere")).count, 1);
    LAC_TEST_EQ(scan(LAC_STR("see acme_0k3j\n5h7g\n9f1d\n2s4a\n6q8w\n0e2r\n\nthere")).count, 1);
    close_rules();
}

/* What an encoding hides is looked at in the same way. */
static void a_decoded_text_has_lines_too(void)
{
    open_rules();
    LAC_TEST_EQ(scan(LAC_STR("{\"t\": \"the card 4111 11\\n11 1111 1111\"}")).count, 1);
    LAC_TEST_EQ(scan(LAC_STR("dGhlIGNhcmQgNDExMSAxMQoxMSAxMTExIDExMTEgaXQgaXM=")).count, 1);
    close_rules();
}

static void more_than_is_noted_is_said(void)
{
    static const char one[] = "card 4111 11\n11 1111 1111 x\n";
    const size_t count = 3000, len = sizeof(one) - 1;
    char *text = malloc(count * len);
    struct lac_match_hits hits;

    LAC_TEST_NEED(text != NULL);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * len, one, len);
    open_rules();
    hits = scan((struct lac_str){text, 500 * len});
    LAC_TEST_EQ(hits.too_deep, false);
    LAC_TEST_EQ(hits.truncated, true); /* more than are listed of a rule */
    hits = scan((struct lac_str){text, count * len});
    LAC_TEST_EQ(hits.too_deep, true);
    close_rules();
    free(text);
}

LAC_TEST_MAIN(match_join, a_value_is_found_wherever_a_line_ends_in_it, it_is_less_sure,
              two_numbers_are_not_made_one, a_token_may_go_on_in_many_lines,
              a_decoded_text_has_lines_too, more_than_is_noted_is_said)
