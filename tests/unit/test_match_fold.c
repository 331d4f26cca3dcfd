/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what is kept of characters never changes a view: a field has the same two, with the same
 * places, as where each character is normalised anew; and runs of ASCII are what the table says.
 * Method: every code point alone, before a letter and under a mark; random texts of all kinds of
 * characters, bad bytes among them, in a scratch that has met some of them and in one that has not;
 * texts that grow until there is no more room.
 */
#include <stdlib.h>
#include <string.h>

#include "lac_match_internal.h"
#include "lac_test.h"
#include "lac_utf8.h"

enum { FIELD_BYTES = 4096, TEXTS = LAC_TEST_ROUNDS(20000, 2000), PIECES_MAX = 60 };

static struct lac_match_scratch *kept, *fresh;

static void open_both(void)
{
    struct lac_err err;

    lac_test_seed();
    LAC_TEST_NEED(lac_match_scratch_new(&kept, FIELD_BYTES, &err) == LAC_OK);
    LAC_TEST_NEED(lac_match_scratch_new(&fresh, FIELD_BYTES, &err) == LAC_OK);
    free(fresh->glyphs);
    fresh->glyphs = NULL;
}

static void close_both(void)
{
    lac_match_scratch_close(kept);
    lac_match_scratch_close(fresh);
}

static bool same_view(const struct lac_match_view *a, const struct lac_match_view *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0 &&
           memcmp(a->map, b->map, (a->len + 1) * sizeof(*a->map)) == 0;
}

static bool same(struct lac_str text)
{
    struct lac_match_hits a = {0}, b = {0};

    lac_match_views(kept, text, &a);
    lac_match_views(fresh, text, &b);
    return kept->ascii == fresh->ascii && a.undecodable == b.undecodable &&
           a.over_limit == b.over_limit &&
           (kept->ascii ||
            (same_view(&kept->folded, &fresh->folded) && same_view(&kept->copy, &fresh->copy)));
}

static void every_code_point_is_what_it_was(void)
{
    open_both();
    for (uint32_t code = 0; code < 0x110000; code += LAC_TEST_ROUNDS(1, 17)) {
        char text[32];
        size_t n = lac_utf8_put(text, code);
        bool all = same((struct lac_str){text, n});

        memcpy(text + n, "b\xCC\x81", 3); /* and an accent on the letter */
        all = all && same((struct lac_str){text, n + 1}) && same((struct lac_str){text, n + 3});
        memcpy(text + n, "\xCC\x81 b", 4);
        all = all && same((struct lac_str){text, n + 2}) && same((struct lac_str){text, n + 4});
        if (!all)
            LAC_TEST_EQ(code, 0x110000);
    }
    close_both();
}

/* Ranges of code points that texts are made of, and bytes that are none. */
static size_t put_piece(char *out)
{
    static const struct {
        uint32_t from, count;
    } ranges[] = {{' ', 1},        {'-', 1},        {'a', 26},       {'A', 26},      {'0', 75},
                  {0, 0x80},       {0x80, 0x180},   {0x300, 0x70},   {0x391, 0x40},  {0x400, 0x60},
                  {0x410, 0x40},   {0x5D0, 0x1B},   {0x5B0, 0x10},   {0x660, 10},    {0x905, 0x60},
                  {0xE01, 0x4F},   {0x1100, 0x100}, {0x2000, 0x60},  {0x20E3, 1},    {0x2150, 0x40},
                  {0x3000, 0x100}, {0x4E00, 0x200}, {0xAC00, 0x200}, {0xFDF0, 0x10}, {0xFE00, 0x30},
                  {0xFF00, 0xF0},  {0x1D400, 64},   {0x1F300, 0x80}, {0x1F3FB, 5},   {0x20000, 16},
                  {0x200D, 1},     {0xE0100, 4}};
    uint32_t which = lac_test_random(LAC_COUNT(ranges) + 2);

    if (which == LAC_COUNT(ranges)) {
        *out = (char)(0x80 | lac_test_random(0x80));
        return 1;
    }
    if (which > LAC_COUNT(ranges)) { /* of three bytes, too long a form or a surrogate perhaps */
        out[0] = (char)(lac_test_random(2) ? 0xE0 : 0xED);
        out[1] = (char)(0x80 | lac_test_random(0x40));
        out[2] = (char)(0x80 | lac_test_random(0x40));
        return 3;
    }
    return lac_utf8_put(out, ranges[which].from + lac_test_random(ranges[which].count));
}

static void any_text_has_the_views_that_it_had(void)
{
    size_t ascii = 0;

    open_both();
    for (size_t i = 0; i < TEXTS; i++) {
        char text[PIECES_MAX * 32];
        size_t len = 0;

        for (uint32_t n = lac_test_random(PIECES_MAX); n > 0; n--) {
            char piece[4];
            size_t size = put_piece(piece);

            for (uint32_t times = lac_test_random(8) ? 1 : lac_test_random(8); times > 0;
                 times--, len += size)
                memcpy(text + len, piece, size);
        }
        if (!same((struct lac_str){text, len}))
            LAC_TEST_EQ(i, TEXTS);
        ascii += kept->ascii;
    }
    LAC_TEST_EQ(ascii < TEXTS / 4, true); /* nothing is compared of those */
    close_both();
}

/* Ligatures that become eighteen letters; and so many of them that only a part has room. */
static void a_view_is_full_at_the_same_character(void)
{
    char text[FIELD_BYTES];

    open_both();
    for (size_t lead = 0; lead < 64; lead++) {
        struct lac_match_hits hits = {0};
        size_t len = lead;

        memset(text, 'x', lead);
        while (len + 5 <= sizeof(text)) {
            memcpy(text + len, "\xEF\xB7\xBA\xC3\xA9", 5);
            len += 5;
        }
        LAC_TEST_EQ(same((struct lac_str){text, len}), true);
        lac_match_views(kept, (struct lac_str){text, len}, &hits);
        LAC_TEST_EQ(hits.over_limit, true);
        LAC_TEST_EQ(kept->folded.len <= kept->folded.capacity, true);
    }
    close_both();
}

/* Each with both views. */
static void marks_stay_where_they_make_a_character(void)
{
    static const char *const texts[][3] = {
        {"a \xCC\x81", "a \xCC\x81", "a \xCC\x81"}, /* a blank with an accent is none less */
        {"e\xCC\x81!", "\xC3\xA9!", "\xC3\xA9!"},
        {"1\xE2\x83\xA3 E", "1 E", "1 e"},
        {"\xEF\xBC\xA1-\xC2\xA0-\xEF\xBC\xA2", "A- -B", "a b"},
        {"\xD0\x96\xD0\xB8\xCC\x86", "\xD0\x96\xD0\xB9", "\xD0\xB6\xD0\xB9"},
        /* Strokes through full-width digits, a digit in a circle, a hyphen, a blank. */
        {"\xEF\xBC\x94\xCC\xB6\xE2\x91\xA4\xCC\xB6", "45", "45"},
        {"3-\xCC\xB6 \xCC\xB6x\xCC\xB6", "3- x", "3 x"},
        {"=\xCC\xB8\xC2\xBD",
         "\xE2\x89\xA0"
         "1\xE2\x81\x84"
         "2",
         "\xE2\x89\xA0"
         "1\xE2\x81\x84"
         "2"},
        {"\xEF\xBD\x87\xEF\xBD\x88\xD1\x80", "ghp", "ghp"}, /* full-width, and Cyrillic */
    };

    open_both();
    for (size_t i = 0; i < LAC_COUNT(texts); i++) {
        struct lac_match_hits hits = {0};

        lac_test_row("%zu", i);
        lac_match_views(kept, lac_str_from(texts[i][0]), &hits);
        kept->copy.text[kept->copy.len] = kept->folded.text[kept->folded.len] = '\0';
        LAC_TEST_STR(kept->copy.text, texts[i][1]);
        LAC_TEST_STR(kept->folded.text, texts[i][2]);
    }
    close_both();
}

/* Runs of ASCII in all lengths and places, next to what is none; blanks run together. */
static void runs_are_what_the_table_says(void)
{
    open_both();
    for (size_t i = 0; i < TEXTS; i++) {
        unsigned char text[80];
        size_t len = 1 + lac_test_random(sizeof(text) - 3), out = 0;
        struct lac_match_hits hits = {0};

        for (size_t k = 0; k < len; k++)
            text[k] = (unsigned char)(lac_test_random(6) ? '0' + lac_test_random(0x50)
                                                         : lac_test_random(0x30));
        memcpy(text + len, "\xC3\xA9", 2);
        lac_match_views(kept, (struct lac_str){(const char *)text, len + 2}, &hits);
        for (size_t k = 0; k < len; k++) {
            char c = (char)lac_match_fold_byte((char)text[k]);

            if (c == ' ' && out > 0 && kept->folded.text[out - 1] == ' ')
                continue;
            if (out >= kept->folded.len || kept->folded.text[out] != c ||
                kept->folded.map[out] != k)
                LAC_TEST_EQ(i, TEXTS);
            out++;
        }
        LAC_TEST_EQ(out + 2, kept->folded.len);
        LAC_TEST_EQ(kept->copy.len, len + 2);
        LAC_TEST_EQ(kept->copy.map[len / 2], len / 2);
    }
    close_both();
}

LAC_TEST_MAIN(match_fold, every_code_point_is_what_it_was, any_text_has_the_views_that_it_had,
              a_view_is_full_at_the_same_character, marks_stay_where_they_make_a_character,
              runs_are_what_the_table_says)
