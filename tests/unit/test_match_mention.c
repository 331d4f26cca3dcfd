/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a word of a list is found wherever it stands, in either case, and nothing else is. Method:
 * texts in which bytes that share a letter's lowest bits stand where the letter would.
 */
#include "lac_match_mention.h"

#include <string.h>

#include "lac_compiler.h"
#include "lac_test.h"

#define W LAC_MATCH_WORDS

static const struct lac_match_mentions list = {
    W('d', "${", "dummy"), W('k', "key", "keyword", "kiosk"), W('n', "..."), W('_', "_id")};

static void words_are_found_in_either_case_and_nothing_else(void)
{
    static const struct {
        const char *text;
        bool there;
    } rows[] = {
        {"", false},
        {"k", false},
        {"ke", false},
        {"key", true},
        {"a Key", true},
        {"monKEY", true},
        {"+ey", false},
        {"ke9", false},
        {"k%y", false},
        {"KIOSK", true},
        {"kios", false},
        {"a${B", true},
        {"$", false},
        {"$[x", false},
        {"d{x", false},
        {"D[", false},
        {"..", false},
        {"x...", true},
        {"nnn", false},
        {"NN.", false},
        {"user_ID", true},
        {"user_i", false},
        {"\x7Fid", false},
        {"\xEB"
         "ey",
         false},
        {"kekekey", true},
        {"dumm dummy", true},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        lac_test_row("%s", rows[i].text);
        LAC_TEST_EQ(lac_match_mentions(lac_str_from(rows[i].text), &list), rows[i].there);
    }
}

static void a_text_ends_where_it_says(void)
{
    LAC_TEST_EQ(lac_match_mentions((struct lac_str){"key", 2}, &list), false);
    LAC_TEST_EQ(lac_match_mentions((struct lac_str){"kiosk", 4}, &list), false);
    LAC_TEST_EQ(lac_match_mentions((struct lac_str){"${", 1}, &list), false);
}

static void one_place_after_another_is_told(void)
{
    struct lac_str text = LAC_STR("keyword ${dummy} my_key");
    static const struct {
        const char *word;
        size_t at;
    } rows[] = {{"key", 0}, {"${", 8}, {"dummy", 10}, {"key", 20}};
    size_t at = 0;

    for (size_t i = 0; i < LAC_COUNT(rows); i++, at++) {
        const char *word = lac_match_mention_next(text, &list, &at);

        lac_test_row("%s", rows[i].word);
        LAC_TEST_EQ(word && strcmp(word, rows[i].word) == 0, true);
        LAC_TEST_EQ(at, rows[i].at);
    }
    LAC_TEST_EQ(lac_match_mention_next(text, &list, &at) == NULL, true);
    at = 100;
    LAC_TEST_EQ(lac_match_mention_next(text, &list, &at) == NULL, true);
}

LAC_TEST_MAIN(match_mention, words_are_found_in_either_case_and_nothing_else,
              a_text_ends_where_it_says, one_place_after_another_is_told)
