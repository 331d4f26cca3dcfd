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
#include "lac_match_front.h"
#include "lac_match_secret.h"
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
    {"to jane.doe\\U00000040example.com", "jane.doe\\U00000040example.com", false},
    {"to jane.doe%u0040example.com", "jane.doe%u0040example.com", false},
    {"to jane.doe\\100example.com", "jane.doe\\100example.com", false},
    {"to jane.doe\\0100example.com", "jane.doe\\0100example.com", false},
    {"jane.doe&#64 example.com jane.doe&#64example.com", "jane.doe&#64example.com", false},
    {"to jane.doe&#0000000000064;example.com", "jane.doe&#0000000000064;example.com", false},
    {"to jane.doe&commat;example.com", "jane.doe&commat;example.com", false},
    {"to jane.doe\\@example.com", "jane.doe\\@example.com", false},
    {"=6A=61ne.doe=40=65xample.com", "=6A=61ne.doe=40=65xample.com", false},
    {"x=40 a=41 b=4A jane.doe=40example.com", NULL, true},
    {"a line of sixty columns and more, that goes on in the next=\r\n one, jane.doe@exa", NULL,
     true},
    {"a line of some sixty columns, that goes on in the next: jane.doe@=\r\nexample.com",
     "jane.doe@=\r\nexample.com", false},
    {"of a few columns jane.doe@=\nexample.com", NULL, true},
    {"ap\x1b[1;31mol\x1b[0mlo", "ap\x1b[1;31mol\x1b[0mlo", false},
    {"\x1b[32mapollo\x1b[0m", "apollo\x1b[0m", false},
    {"\x1b[32", NULL, true},
    {"https://a.example/find?q=my+ssn+536+90+4399&hl=en", "536+90+4399", false},
    {"hl=en&q=ssn%3A+536+90+4399", "536+90+4399", false},
    {"GET "
     "/find?words=the+words+that+somebody+looks+for+are+sometimes+many+more+than+one+would+think+"
     "and+then+at+the+very+end+stands+ssn+536+90+4399 HTTP/1.1",
     "536+90+4399", false},
    {"<a href='/find?hl=en&amp;q=ssn+536+90+4399'>", "536+90+4399", false},
    {"ssn = 536+90+4399", NULL, true},
    {"if (ssn=536+90+4399)", NULL, true},
    {"?q=ssn 536+90+4399", NULL, true},
    {"JABhAD0AIgBhAHAAbwBsAGwAbwAiAA==", "BhAHAAbwBsAGwAbw", false}, /* UTF-16 */
    {"AGEAcABvAGwAbABvACAAaQBzAG4AJwB0", "AGEAcABvAGwAbABv", false},
    {"//5hAHAAbwBsAGwAbwAgACEA", "5hAHAAbwBsAGwAbw", false},
    {"3ABiAGUAcgAgAGEAcABvAGwAbABvAA==", "BhAHAAbwBsAGwAbw", false}, /* with an umlaut */
    {"BB4EPQQwACAAYQBwAG8AbABsAG8=", "GEAcABvAGwAbABv", false},      /* a Russian word before it */
    {"Qf9Q/0//TP9M/0//IQA=", "Qf9Q/0//TP9M/0//", false},             /* full-width */
    {"61 00 61007000 6100700 61007", NULL, true},
    {"610070006f006c006c006f002000", "610070006f006c006c006f00", false},
    {"\\x61706f6c6c6f206973", "61706f6c6c6f", false},
    {"https://a.example/view-all/YXBvbGxvIGlzIHRoZSBuYW1l/edit", "YXBvbGxv", false},
    {"YXBvbGxvIGlzIHRoZSBuYW1lIG9mIHRoZSBwcm9qZWN0/edit/AAAAAAAAAAAAAAAA", "YXBvbGxv", false},
    {"- dGhlIG5hbWUgb2YgdGhlIHByb2plY3QgdG9kYXkgaXMgYXBv\n  bGxvIGFzIHdhcyBzYWlk", "YXBv\n  bGxv",
     false},
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

/* `text` in base64, in lines of `width` characters (0: one line). Returns its length. */
static size_t put_base64(char *out, const char *text, size_t len, size_t width)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0, column = 0;

    for (size_t i = 0; i + 2 < len; i += 3) {
        uint32_t bits = (uint32_t)(unsigned char)text[i] << 16 |
                        (uint32_t)(unsigned char)text[i + 1] << 8 | (unsigned char)text[i + 2];

        for (int k = 18; k >= 0; k -= 6) {
            out[n++] = digits[bits >> k & 63];
            if (width && ++column % width == 0)
                out[n++] = '\n';
        }
    }
    return n;
}

/* Lines of a width that nothing is wrapped to, or of many, may be texts of their own. */
static void lines_of_a_list_are_looked_into_one_by_one(void)
{
    static const struct {
        size_t bytes[4]; /* of the lines' texts, of which the first ends with a name */
    } lists[] = {{{30, 30}},     {{33, 48}},         {{48, 60}},
                 {{30, 33, 30}}, {{48, 57, 54, 48}}, {{120, 30}}};

    open_rules();
    for (size_t i = 0; i < LAC_COUNT(lists); i++) {
        char coded[512];
        size_t len = 0;

        for (size_t k = 0; k < 4 && lists[i].bytes[k]; k++) {
            char text[128];

            memset(text, k ? 'x' : ' ', sizeof(text));
            text[0] = 'a';
            if (k == 0)
                memcpy(text + lists[i].bytes[k] - 6, "apollo", 6);
            if (k > 0)
                coded[len++] = '\n';
            len += put_base64(coded + len, text, lists[i].bytes[k], 0);
        }
        lac_test_row("list %zu", i);
        LAC_TEST_EQ(scan((struct lac_str){coded, len}, true).count, 1);
    }
    close_rules();
}

/* As Windows encodes commands, longer than what is decoded at once. */
static void a_long_run_of_utf16_is_looked_into_to_its_end(void)
{
    enum { CHARACTERS = 60000 };
    static const char mail[] = " jane.doe@example.com ";
    char *text = calloc(CHARACTERS, 2), *coded = malloc(8 * (size_t)CHARACTERS);

    LAC_TEST_NEED(text && coded);
    open_rules();
    for (size_t from = 0; from < CHARACTERS - sizeof(mail); from += 3001) {
        struct lac_match_hits hits;
        size_t len;

        for (size_t i = 0; i < CHARACTERS; i++)
            text[2 * i] = "a b "[i % 4];
        for (size_t i = 0; i + 1 < sizeof(mail); i++)
            text[2 * (from + i)] = mail[i];
        len = put_base64(coded, text, 2 * (size_t)CHARACTERS, from % 2 ? 76 : 0);
        hits = scan((struct lac_str){coded, len}, true);
        LAC_TEST_EQ(hits.count, 1);
    }
    close_rules();
    free(text);
    free(coded);
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

/* Pieces of a long run begin where a group of four characters does, and inside of characters. */
static void a_long_run_may_hold_any_language_in_lines_of_any_length(void)
{
    static const char *const letters[] = {"\xD0\xB6", "\xE6\x96\x87", "\xF0\x9F\x98\x80", "a "};
    static const size_t widths[] = {0, 76, 64, 61};
    enum { BYTES = 200000 };
    static const char mail[] = " jane.doe@example.com  "; /* as many as groups of three */
    char *text = malloc(BYTES), *coded = malloc(2 * (size_t)BYTES);

    LAC_TEST_NEED(text && coded);
    open_rules();
    for (size_t i = 0; i < LAC_COUNT(letters) * LAC_COUNT(widths); i++) {
        const char *letter = letters[i / LAC_COUNT(widths)];
        size_t n = strlen(letter), skip = i % 3, len;
        struct lac_match_hits hits;

        memset(text, 'x', skip);
        for (len = skip; len + n + sizeof(mail) <= BYTES; len += n)
            memcpy(text + len, letter, n);
        memcpy(text + len, mail, sizeof(mail) - 1);
        len = put_base64(coded, text, len + sizeof(mail) - 1, widths[i % LAC_COUNT(widths)]);
        lac_test_row("%s in lines of %zu", letter, widths[i % LAC_COUNT(widths)]);
        hits = scan((struct lac_str){coded, len}, true);
        LAC_TEST_EQ(hits.count, 1);
    }
    close_rules();
    free(text);
    free(coded);
}

/* Plain text of `len` bytes, in lines. */
static void put_filler(char *text, size_t len)
{
    static const char line[] = "nothing is said here, and at some length\n";

    for (size_t i = 0; i < len; i++)
        text[i] = line[i % (sizeof(line) - 1)];
}

static void escapes_far_apart_are_each_looked_at(void)
{
    static const char mail[] = " jane.doe%40example.com ";
    static const size_t places[] = {0, 700, 2500, 5700, 9900, 70000, 199000};
    char *text = malloc(200000);

    LAC_TEST_NEED(text != NULL);
    open_rules();
    put_filler(text, 200000);
    for (size_t i = 0; i < LAC_COUNT(places); i++)
        memcpy(text + places[i], mail, sizeof(mail) - 1);
    for (size_t len = 150; len <= 200000; len += 66617) {
        struct lac_match_hits hits = scan((struct lac_str){text, len}, true);
        size_t want = 0;

        while (want < LAC_COUNT(places) && places[want] + sizeof(mail) <= len)
            want++;
        LAC_TEST_EQ(hits.count, want);
        for (size_t i = 0; i < hits.count && i < want; i++) {
            LAC_TEST_EQ(hits.at[i].start, places[i] + 1);
            LAC_TEST_EQ(hits.at[i].end, places[i] + sizeof(mail) - 2);
        }
    }
    close_rules();
    free(text);
}

/* Each escape lies in a stretch with the bytes around it that a finding may reach over. */
static void stretches_hold_what_is_around_their_escapes(void)
{
    static const size_t gaps[] = {0,    1,    831,  832,  833,  1663, 1664, 1665,
                                  1919, 1920, 1921, 2047, 2049, 3072, 9000};
    enum { BYTES = 200000, AROUND = LAC_MATCH_DECODE_OVERLAP };
    struct lac_match_decoded d = {.text = malloc(LAC_MATCH_DECODE_BYTES),
                                  .map = calloc(LAC_MATCH_DECODE_BYTES + 1, sizeof(uint32_t))};
    char *text = malloc(BYTES);
    bool *seen = calloc(BYTES, sizeof(*seen));
    size_t from = 0;

    LAC_TEST_NEED(text && seen && d.text && d.map);
    lac_test_seed();
    put_filler(text, BYTES);
    for (size_t i = 10; i + 3 <= BYTES; i += 3 + gaps[lac_test_random(LAC_COUNT(gaps))])
        memcpy(text + i, "%41", 3);
    while (lac_match_unescape((struct lac_str){text, BYTES}, &from, &d))
        for (size_t i = 0; i < BYTES; i++)
            seen[i] = seen[i] || ((d.map[0] == 0 || i >= d.map[0] + AROUND) &&
                                  (d.map[d.len] == BYTES || i + 3 + AROUND <= d.map[d.len]));
    for (size_t i = 0; i < BYTES; i++)
        CU_ASSERT(text[i] != '%' || seen[i]);
    free(seen);
    free(text);
    free(d.text);
    free(d.map);
}

/* How many characters of base64 stand at `from`. */
static size_t run_length(const char *text, size_t len, size_t from)
{
    size_t n = 0;

    while (from + n < len && lac_match_base64_value((unsigned char)text[from + n]) >= 0)
        n++;
    return n;
}

/* Text is looked at in steps for what may begin an escape: none may fall between two of them, and
 * what only looks like one, here with the escape behind it, must not hide it. */
static void an_escape_is_seen_wherever_it_begins(void)
{
    enum { PLACES = 200, BEHIND = 80 };
    static const char *const like[] = {"", "=", "&&", "%x\\y", "a=b+c&"};
    struct lac_match_decoded d = {.text = malloc(LAC_MATCH_DECODE_BYTES),
                                  .map = calloc(LAC_MATCH_DECODE_BYTES + 1, sizeof(uint32_t))};
    char text[PLACES + BEHIND + 16];

    LAC_TEST_NEED(d.text && d.map);
    for (size_t place = 0; place < PLACES; place++)
        for (size_t behind = 0; behind < BEHIND; behind += BEHIND - 1)
            for (size_t i = 0; i < LAC_COUNT(like); i++) {
                size_t len = place + behind + 3, n = strlen(like[i]), from = 0;

                memset(text, 'x', sizeof(text));
                if (n < place)
                    memcpy(text + place / 2 - n / 2, like[i], n);
                memcpy(text + place, "%41", 3);
                lac_test_row("%s before %zu, %zu behind", like[i], place, behind);
                CU_ASSERT(lac_match_unescape((struct lac_str){text, len}, &from, &d));
                CU_ASSERT(memchr(d.text, 'A', d.len) != NULL && d.map[d.len] == len);
            }
    free(d.text);
    free(d.map);
}

static void runs_are_those_that_a_plain_search_finds(void)
{
    static const char bytes[] = "aZ09+/-_aaaaaaaaaaaaaaaa=. \n";
    char text[300];

    lac_test_seed();
    for (int round = 0; round < 2000; round++) {
        size_t from = 0, start, end, next = 0;

        for (size_t i = 0; i < sizeof(text); i++)
            text[i] = bytes[lac_test_random(sizeof(bytes) - 1)];
        while (lac_match_next_run((struct lac_str){text, sizeof(text)}, &from, &start, &end)) {
            while (next < start &&
                   run_length(text, sizeof(text), next) < LAC_MATCH_DECODE_RUN_LEAST)
                next++;
            LAC_TEST_EQ(next, start);
            CU_ASSERT(run_length(text, sizeof(text), start) >= LAC_MATCH_DECODE_RUN_LEAST);
            CU_ASSERT(end == sizeof(text) || run_length(text, sizeof(text), end) == 0);
            next = end;
        }
        while (next < sizeof(text))
            CU_ASSERT(run_length(text, sizeof(text), next++) < LAC_MATCH_DECODE_RUN_LEAST);
    }
}

/* All processors' ways give the first row of sixteen that the whole blocks show, or where one may
 * begin that goes on behind them. */
static void all_ways_to_find_runs_agree(void)
{
    static const char bytes[] = "aZ09+/-_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=.,:@[`{ \xC3\n";
    enum { ROW = LAC_MATCH_DECODE_RUN_LEAST, SIZE = 300 };
    char text[SIZE];

    lac_test_seed();
    for (int round = 0; round < 20000; round++) {
        size_t from = lac_test_random(SIZE + 1), want = from;
        size_t shown = from + (SIZE - from) / LAC_MATCH_BLOCK * LAC_MATCH_BLOCK;

        for (size_t i = 0; i < SIZE; i++)
            text[i] = bytes[lac_test_random(sizeof(bytes) - 1)];
        while (want < shown && run_length(text, shown, want) < ROW &&
               want + run_length(text, shown, want) < shown)
            want++;
        for (int isa = 0; isa < LAC_MATCH_ISAS; isa++) {
            const struct lac_match_front *front = lac_match_front_of((enum lac_match_isa)isa);
            size_t found = from;
            bool there;

            if (!front)
                continue;
            there = front->find_run((const unsigned char *)text, SIZE, &found);
            LAC_TEST_EQ(found, want);
            LAC_TEST_EQ(there, want + ROW <= shown);
        }
    }
}

static void letters_are_read_by_the_company_they_keep(void)
{
    /* moskva, all Cyrillic, with letters that look like nothing else */
    struct lac_str russian = LAC_STR("\xD0\xBC\xD0\xBE\xD1\x81\xD0\xBA\xD0\xB2\xD0\xB0");
    struct lac_str mixed = LAC_STR("p\xD0\xB0ypal");

    struct lac_match_alike_word word = {0};

    LAC_TEST_EQ(!lac_match_is_disguised(russian, 2, 4, &word), true);
    LAC_TEST_EQ(lac_match_is_disguised(russian, 4, 6, &word), false); /* of the same word */
    word = (struct lac_match_alike_word){0};
    LAC_TEST_EQ(lac_match_is_disguised(mixed, 1, 3, &word), true);
    LAC_TEST_EQ(lac_match_alike_letter(0x0430), 'a');
    LAC_TEST_EQ(lac_match_alike_letter('p'), 0);
    LAC_TEST_EQ(lac_match_alike_always('-'), 0);
    LAC_TEST_EQ(lac_match_alike_always(0x2013), '-');
    LAC_TEST_EQ(lac_match_alike_always(0x0665), '5');
}

/* A letter that looks like none, and 40 that look like "o": who stands far behind it sees only
 * those.
 */
static void a_long_word_is_not_one_answer(void)
{
    char text[2 + 40 * 2 + 3];
    struct lac_str t = {text, sizeof(text)};
    struct lac_match_alike_word word = {0};

    memcpy(text, "\xD0\xB6", 2);
    for (size_t i = 0; i < 40; i++)
        memcpy(text + 2 + 2 * i, "\xD0\xBE", 2);
    memcpy(text + 82, " \xD0\xBE", 3);
    LAC_TEST_EQ(lac_match_is_disguised(t, 2, 4, &word), false);
    LAC_TEST_EQ(lac_match_is_disguised(t, 66, 68, &word), true);
    LAC_TEST_EQ(lac_match_is_disguised(t, 83, 85, &word), true); /* the next word */
    LAC_TEST_EQ(lac_match_is_disguised(t, 2, 4, &word), false);
}

/* Each row is one encoding deeper than what is looked into, but for the last three. */
static void what_lies_deeper_than_is_looked_into_is_said(void)
{
    static const struct {
        const char *text;
        size_t hits;
        bool too_deep;
    } texts[] = {
        {"see V1ZjeFIyUldjRlJPVjNScFRXeGFRbGRzYUc5aF"
         "IwcFpVVzVPWVZWNlZuRlpha2wzVUZFOVBRPT0= ok",
         0, true},
        {"%25252574his", 0, true},
        {"%252574his ssn 536-22-8726", 1, false},
        {"\\\\\\\\\\\\\\\\n and \\\\\\\\\\\\\\\\. nothing", 0, false},
        {"%25252520%2525252E", 0, false},
    };

    open_rules();
    for (size_t i = 0; i < LAC_COUNT(texts); i++) {
        struct lac_match_hits hits = scan(lac_str_from(texts[i].text), true);

        LAC_TEST_EQ(hits.too_deep, texts[i].too_deep);
        LAC_TEST_EQ(hits.count, texts[i].hits);
        LAC_TEST_EQ(scan(lac_str_from(texts[i].text), false).too_deep, false);
    }
    close_rules();
}

LAC_TEST_MAIN(match_decode, hidden_findings_are_found_where_they_are_hidden,
              lines_of_a_list_are_looked_into_one_by_one,
              a_long_run_of_utf16_is_looked_into_to_its_end,
              a_finding_that_is_there_anyway_counts_once, a_long_run_is_looked_into_to_its_end,
              a_long_run_may_hold_any_language_in_lines_of_any_length,
              escapes_far_apart_are_each_looked_at, stretches_hold_what_is_around_their_escapes,
              an_escape_is_seen_wherever_it_begins, runs_are_those_that_a_plain_search_finds,
              all_ways_to_find_runs_agree, letters_are_read_by_the_company_they_keep,
              a_long_word_is_not_one_answer, what_lies_deeper_than_is_looked_into_is_said)
