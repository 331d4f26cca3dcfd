/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what is said of many bytes at once is what would be said of each of them. Method: random
 * bytes and texts, and the same rules one byte at a time.
 */
#include <string.h>

#include "lac_match_secret.h"
#include "lac_match_trio.h"
#include "lac_test.h"

static unsigned buckets_at(const struct lac_match_trio *t, const unsigned char *p)
{
    unsigned in = 0xFF;

    for (unsigned i = 0; i < LAC_MATCH_TRIO; i++)
        in &= t->low[i][p[i] & 15] & t->high[i][p[i] >> 4];
    return in;
}

static void three_bytes_are_in_the_buckets_of_their_texts(void)
{
    lac_test_seed();
    for (int round = 0; round < 20000; round++) {
        unsigned char bytes[LAC_MATCH_TRIO_READ];
        uint8_t buckets[LAC_MATCH_TRIO_STEP];
        struct lac_match_trio t = {0};
        unsigned any = 0, put = lac_test_random(12), where, bucket;
        unsigned found;

        for (unsigned i = 0; i < sizeof(bytes); i++)
            bytes[i] = (unsigned char)lac_test_random(256);
        for (unsigned i = 0; i < put * LAC_MATCH_TRIO; i++)
            lac_match_trio_put(&t, i % LAC_MATCH_TRIO, (unsigned char)lac_test_random(256),
                               lac_test_random(LAC_MATCH_TRIO_BUCKETS));
        where = lac_test_random(LAC_MATCH_TRIO_STEP);
        bucket = lac_test_random(LAC_MATCH_TRIO_BUCKETS);
        for (unsigned i = 0; put > 0 && i < LAC_MATCH_TRIO; i++)
            lac_match_trio_put(&t, i, bytes[where + i], bucket);
        found = lac_match_trio_at(&t, bytes, buckets);
        for (unsigned i = 0; i < LAC_MATCH_TRIO_STEP; i++) {
            LAC_TEST_EQ(buckets[i], buckets_at(&t, bytes + i));
            any |= (unsigned)(buckets[i] != 0) << i;
        }
        LAC_TEST_EQ(found, any);
        LAC_TEST_EQ(put == 0 || (buckets[where] >> bucket & 1), true);
    }
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_number(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return is_lower(c) || is_upper(c);
}

/* As lac_match_is_random() is described, one byte at a time; of the first 256. */
static bool looks_random(const char *text, size_t len)
{
    size_t letters = 0, digits = 0, swaps = 0, cases = 0;

    if (lac_match_distinct((struct lac_str){text, len}) < 8)
        return false;
    for (size_t i = 0; i < len && i < 256; i++) {
        letters += is_letter(text[i]);
        digits += is_number(text[i]);
        swaps += i > 0 && ((is_letter(text[i]) && is_number(text[i - 1])) ||
                           (is_number(text[i]) && is_letter(text[i - 1])));
        cases += i > 0 && is_upper(text[i]) && is_lower(text[i - 1]);
    }
    if (letters < 4 || (digits == 0 && cases < 4))
        return false;
    return swaps >= 3 || (swaps >= 1 && cases >= 3) || cases >= 5;
}

static void random_looks_the_same_byte_by_byte(void)
{
    static const char *const letters[] = {"abcdefgh1", "abcdefghijA", "abcdef0123456789",
                                          "aB1.-_+/xyzw", "@[`{/:Zz09Aa_h"};
    char text[320];
    size_t taken = 0;

    lac_test_seed();
    for (int round = 0; round < 40000; round++) {
        size_t len = lac_test_random(round % 2 ? sizeof(text) : 24);
        const char *of = letters[lac_test_random(LAC_COUNT(letters))];
        const char *rare = letters[lac_test_random(LAC_COUNT(letters))];
        unsigned seldom = 1 + lac_test_random(100);

        for (size_t i = 0; i < len; i++) {
            const char *from = lac_test_random(seldom) ? of : rare;

            text[i] = from[lac_test_random((unsigned)strlen(from))];
            if (lac_test_random(200) == 0)
                text[i] = (char)(unsigned char)lac_test_random(256);
        }
        LAC_TEST_EQ(lac_match_is_random((struct lac_str){text, len}, 0), looks_random(text, len));
        taken += looks_random(text, len);
    }
    lac_test_row("%zu of them", taken);
    CU_ASSERT(taken > 4000 && taken < 36000);
}

LAC_TEST_MAIN(match_bytes, three_bytes_are_in_the_buckets_of_their_texts,
              random_looks_the_same_byte_by_byte)
