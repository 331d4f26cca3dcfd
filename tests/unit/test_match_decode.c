/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what people hide a finding in is looked into, and hits lie on the bytes that hide it.
 * Method: texts in each encoding and disguise with the place that must be found; the decoders
 * alone; and a long text that must cost in proportion to its length, counted in decoded bytes.
 */
#include "lac_match_decode.h"

#include <stdlib.h>
#include <string.h>

#include "lac_match.h"
#include "lac_match_alike.h"
#include "lac_test.h"

enum { HITS = 64, FIELD_BYTES = 1 << 20 };

static struct lac_match *m;
static struct lac_match_scratch *s;
static struct lac_match_hit at[HITS];

static void open_rules(void)
{
    static const struct lac_str phrase[] = {{"apollo", 6}};
    static const struct lac_match_rule rules[] = {
        {.id = {"mail", 4},
         .entity = {"M", 1},
         .tier = LAC_TIER_PROPRIETARY,
         .score = 1000000,
         .detector = {"email", 5}},
        {.id = {"name", 4},
         .entity = {"N", 1},
         .tier = LAC_TIER_INTERNAL,
         .score = 1000000,
         .phrases = phrase,
         .phrase_count = 1},
        {.id = {"ssn", 3},
         .entity = {"S", 1},
         .tier = LAC_TIER_PROPRIETARY,
         .score = 1000000,
         .detector = {"us_ssn", 6}},
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

static struct lac_match_hits scan(struct lac_str text, bool decode)
{
    struct lac_match_hits hits = {.at = at, .capacity = HITS, .decode = decode};
    struct lac_err err;

    LAC_TEST_EQ(lac_match_scan(m, s, text, &hits, &err), LAC_OK);
    return hits;
}

/* `part` is what the hit must cover; NULL: there must be none. */
static const struct {
    const char *text, *part;
    bool plain; /* found without decoding too */
} rows[] = {
    {"q=%6Aane.doe%40example.com&x=1", "%6Aane.doe%40example.com", false},
    {"{\"to\": \"jane.doe\\u0040example.com\"}", "jane.doe\\u0040example.com", false},
    {"to jane.doe\\x40example.com", "jane.doe\\x40example.com", false},
    {"<a>jane.doe&#64;example.com</a>", "jane.doe&#64;example.com", false},
    {"<a>jane.doe&#x40;example.com</a>", "jane.doe&#x40;example.com", false},
    {"\\u{6a}ane.doe\\u{40}example.com", "\\u{6a}ane.doe\\u{40}example.com", false},
    {"data: bWFpbCBqYW5lLmRvZUBleGFtcGxlLmNvbSBub3c= end", "BqYW5lLmRvZUBleGFtcGxlLmNvbS", false},
    {"0x6d61696c206a616e652e646f65406578616d706c652e636f6d",
     "6a616e652e646f65406578616d706c652e636f6d", false},
    {"bWFpbCA2YTYxNmU2NTJlNjQ2ZjY1NDA2NTc4NjE2ZDcwNmM2NTJlNjM2ZjZk", /* hex inside base64 */
     "A2YTYxNmU2NTJlNjQ2ZjY1NDA2NTc4NjE2ZDcwNmM2NTJlNjM2ZjZk", false},
    {"project \xD0\x90pollo now", "\xD0\x90pollo", true},           /* Cyrillic A */
    {"project ap\xCE\xBFll\xCE\xBF", "ap\xCE\xBFll\xCE\xBF", true}, /* Greek omicron */
    {"a\xE2\x80\x8Bpollo", "a\xE2\x80\x8Bpollo", true},             /* zero width space */
    {"\xEF\xBD\x81\xEF\xBD\x90\xEF\xBD\x8F\xEF\xBD\x8C\xEF\xBD\x8C\xEF\xBD\x8F",
     "\xEF\xBD\x81\xEF\xBD\x90\xEF\xBD\x8F\xEF\xBD\x8C\xEF\xBD\x8C\xEF\xBD\x8F", true},
    {"ssn 536\xE2\x80\x91"
     "90\xE2\x80\x93"
     "4399",
     "536\xE2\x80\x91"
     "90\xE2\x80\x93"
     "4399",
     true},
    {"ssn \xD9\xA5\xD9\xA3\xD9\xA6-\xD9\xA9\xD9\xA0-\xD9\xA4\xD9\xA3\xD9\xA9\xD9\xA9",
     "\xD9\xA5\xD9\xA3\xD9\xA6-\xD9\xA9\xD9\xA0-\xD9\xA4\xD9\xA3\xD9\xA9\xD9\xA9", true},
    {"sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", NULL, true},
    {"internationalization/counterrevolutionaries", NULL, true},
    {"100% of C:\\users\\name & more", NULL, true},
};

static void hidden_findings_are_found_where_they_are_hidden(void)
{
    open_rules();
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_str text = lac_str_from(rows[i].text);
        struct lac_match_hits hits;
        const char *want = rows[i].part ? strstr(rows[i].text, rows[i].part) : NULL;

        lac_test_row("%s", rows[i].text);
        if (!rows[i].plain)
            LAC_TEST_EQ(scan(text, false).count, 0);
        hits = scan(text, true);
        LAC_TEST_EQ(hits.count, rows[i].part ? 1 : 0);
        if (!want || hits.count != 1)
            continue;
        LAC_TEST_EQ(hits.at[0].start, want - rows[i].text);
        LAC_TEST_EQ(hits.at[0].end, (size_t)(want - rows[i].text) + strlen(rows[i].part));
        CU_ASSERT(hits.floor >= LAC_TIER_INTERNAL && hits.rule_hit[hits.at[0].rule]);
    }
    close_rules();
}

static void a_finding_that_is_there_anyway_counts_once(void)
{
    open_rules();
    LAC_TEST_EQ(scan(LAC_STR("100%25 jane.doe@example.com\\n"), true).count, 1);
    close_rules();
}

static void a_long_run_is_looked_into_to_its_end(void)
{
    enum { BYTES = 300000 };
    static const char tail[] = "bWFpbCBqYW5lLmRvZUBleGFtcGxlLmNvbSBub3c=";
    char *text = malloc(BYTES + sizeof(tail));
    struct lac_match_hits hits;

    LAC_TEST_NEED(text != NULL);
    open_rules();
    for (size_t i = 0; i < BYTES; i += 4)
        memcpy(text + i, "YWJj", 4); /* abc */
    memcpy(text + BYTES, tail, sizeof(tail));
    hits = scan((struct lac_str){text, BYTES + sizeof(tail) - 1}, true);
    LAC_TEST_EQ(hits.count, 1);
    CU_ASSERT(hits.count == 1 && hits.at[0].start >= BYTES);
    for (size_t i = 0; i < BYTES; i += 3)
        memcpy(text + i, "%41", 3);
    memcpy(text + BYTES, " jane.doe%40example.com", 23);
    hits = scan((struct lac_str){text, BYTES + 23}, true);
    LAC_TEST_EQ(hits.count, 1);
    close_rules();
    free(text);
}

static void letters_are_read_by_the_company_they_keep(void)
{
    /* moskva, all Cyrillic, with letters that look like nothing else */
    struct lac_str russian = LAC_STR("\xD0\xBC\xD0\xBE\xD1\x81\xD0\xBA\xD0\xB2\xD0\xB0");
    struct lac_str mixed = LAC_STR("p\xD0\xB0ypal");

    LAC_TEST_EQ(lac_match_alike(russian, 2, 4, 0x043E), 0);
    LAC_TEST_EQ(lac_match_alike(mixed, 1, 3, 0x0430), 'a');
    LAC_TEST_EQ(lac_match_alike(mixed, 0, 1, 'p'), 0);
    LAC_TEST_EQ(lac_match_alike(russian, 0, 2, 0x0665), '5');
}

LAC_TEST_MAIN(match_decode, hidden_findings_are_found_where_they_are_hidden,
              a_finding_that_is_there_anyway_counts_once, a_long_run_is_looked_into_to_its_end,
              letters_are_read_by_the_company_they_keep)
