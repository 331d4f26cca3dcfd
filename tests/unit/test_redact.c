/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: nothing of a found value remains beyond what was asked for, and nothing else changes. */
#include "lac_redact.h"

#include <string.h>

#include "lac_test.h"

static const struct lac_str key = {"0123456789abcdef0123456789abcdef", 32};

static struct lac_redact_span span(size_t start, size_t end, const char *entity,
                                   enum lac_match_redaction how)
{
    return (struct lac_redact_span){start, end, lac_str_from(entity), how, LAC_TIER_PROPRIETARY,
                                    900000};
}

/* The text with its spans replaced; NUL-terminated, valid until the next call. */
static const char *redacted(struct lac_redact *r, const char *text,
                            const struct lac_redact_span *spans, size_t n, size_t *places)
{
    static char memory[4096];
    struct lac_buf b;

    lac_buf_init_fixed(&b, memory, sizeof(memory));
    *places = lac_redact_text(r, lac_str_from(text), spans, n, &b);
    return lac_buf_cstr(&b);
}

static void each_way_shows_what_it_promises(void)
{
    static const struct {
        const char *text;
        size_t start, end;
        enum lac_match_redaction how;
        const char *want;
    } rows[] = {
        {"a jane@x.io b", 2, 11, LAC_MATCH_REDACT_REPLACE, "a <E> b"},
        {"a jane@x.io b", 2, 11, LAC_MATCH_REDACT_MASK, "a ********* b"},
        {"4111 1111 1111 1234", 0, 19, LAC_MATCH_REDACT_LAST4, "**** **** **** 1234"},
        {"12-34567", 0, 8, LAC_MATCH_REDACT_LAST4, "********"}, /* too few to show four */
        {"12-345678", 0, 9, LAC_MATCH_REDACT_LAST4, "**-**5678"},
        {"\xc3\xa4\xc3\xb6\xc3\xbc", 0, 6, LAC_MATCH_REDACT_MASK, "***"}, /* by character */
        {"\xff\xfe", 0, 2, LAC_MATCH_REDACT_MASK, "**"},
        {"12\n34", 0, 5, LAC_MATCH_REDACT_MASK, "**\n**"}, /* lines keep their numbers */
        {"whole", 0, 5, LAC_MATCH_REDACT_REPLACE, "<E>"},
    };
    struct lac_redact *r;
    struct lac_err err;
    size_t places;

    LAC_TEST_NEED(lac_redact_open(&r, key, &err) == LAC_OK);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_redact_span s = span(rows[i].start, rows[i].end, "E", rows[i].how);

        lac_test_row("row %zu", i);
        LAC_TEST_STR(redacted(r, rows[i].text, &s, 1, &places), rows[i].want);
        LAC_TEST_EQ(places, 1);
    }
    LAC_TEST_STR(redacted(r, "untouched \xff\r\n", NULL, 0, &places), "untouched \xff\r\n");
    LAC_TEST_EQ(places, 0);
    lac_redact_close(r);
}

static void overlapping_places_are_one_and_the_least_telling_way_counts(void)
{
    struct lac_redact_span spans[] = {
        span(2, 6, "LOW", LAC_MATCH_REDACT_LAST4),
        span(4, 10, "HIGH", LAC_MATCH_REDACT_MASK),
        span(12, 14, "NEXT", LAC_MATCH_REDACT_REPLACE),
        span(14, 16, "BESIDE", LAC_MATCH_REDACT_REPLACE),
    };
    struct lac_redact *r;
    struct lac_err err;
    size_t places;

    LAC_TEST_NEED(lac_redact_open(&r, key, &err) == LAC_OK);
    spans[0].tier = LAC_TIER_INTERNAL;
    LAC_TEST_STR(redacted(r, "0123456789abcdefg", spans, 4, &places),
                 "01********ab<NEXT><BESIDE>g");
    LAC_TEST_EQ(places, 3);
    spans[0].how = LAC_MATCH_REDACT_REPLACE;
    LAC_TEST_STR(redacted(r, "0123456789abcdefg", spans, 2, &places), "01<HIGH>abcdefg");
    LAC_TEST_EQ(places, 1);
    lac_redact_close(r);
}

static void hashes_join_under_one_key_and_tell_nothing_under_another(void)
{
    struct lac_redact_span s = span(0, 9, "E", LAC_MATCH_REDACT_HASH);
    struct lac_redact *one, *two, *other, *random;
    char first[64], second[64];
    struct lac_err err;
    size_t places;

    LAC_TEST_NEED(lac_redact_open(&one, key, &err) == LAC_OK);
    LAC_TEST_NEED(lac_redact_open(&two, key, &err) == LAC_OK);
    LAC_TEST_NEED(lac_redact_open(&other, LAC_STR("another key of 24 bytes."), &err) == LAC_OK);
    LAC_TEST_NEED(lac_redact_open(&random, LAC_STR_NULL, &err) == LAC_OK);
    snprintf(first, sizeof(first), "%s", redacted(one, "jane@x.io", &s, 1, &places));
    LAC_TEST_EQ(strlen(first), strlen("<E:>") + LAC_REDACT_HASH_DIGITS);
    LAC_TEST_STR(redacted(two, "jane@x.io", &s, 1, &places), first);
    LAC_TEST_STR(redacted(two, "JANE@x.io", &s, 1, &places), first); /* folded */
    snprintf(second, sizeof(second), "%s", redacted(one, "jane@x.eu", &s, 1, &places));
    CU_ASSERT(strcmp(first, second) != 0);
    CU_ASSERT(strcmp(redacted(other, "jane@x.io", &s, 1, &places), first) != 0);
    CU_ASSERT(strcmp(redacted(random, "jane@x.io", &s, 1, &places), first) != 0);
    s.entity = LAC_STR("F");
    CU_ASSERT(strcmp(redacted(one, "jane@x.io", &s, 1, &places) + 3, first + 3) != 0);
    lac_redact_close(one);
    lac_redact_close(two);
    lac_redact_close(other);
    lac_redact_close(random);
}

static void a_short_key_is_refused(void)
{
    struct lac_redact *r;
    struct lac_err err;

    LAC_TEST_EQ(lac_redact_open(&r, LAC_STR("fifteen bytes.."), &err), LAC_FATAL);
    CU_ASSERT(r == NULL);
    lac_redact_close(NULL);
}

static void names_of_ways_are_known(void)
{
    enum lac_match_redaction how = LAC_MATCH_REDACT_MASK;

    CU_ASSERT(lac_redact_how_parse(LAC_STR("hash"), &how));
    LAC_TEST_EQ(how, LAC_MATCH_REDACT_HASH);
    CU_ASSERT(!lac_redact_how_parse(LAC_STR("Hash"), &how));
    LAC_TEST_EQ(how, LAC_MATCH_REDACT_HASH);
}

LAC_TEST_MAIN(redact, each_way_shows_what_it_promises,
              overlapping_places_are_one_and_the_least_telling_way_counts,
              hashes_join_under_one_key_and_tell_nothing_under_another, a_short_key_is_refused,
              names_of_ways_are_known)
