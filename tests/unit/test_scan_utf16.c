/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: a text in UTF-16 is the same one in UTF-8, in whatever pieces it comes; what is no
 * character is said, and nothing else is taken for UTF-16. */
#include "lac_scan_utf16.h"

#include <string.h>

#include "lac_test.h"

#define BYTES(literal) ((struct lac_str){(literal), sizeof(literal) - 1})

/* Decodes in pieces of `step` bytes, with `room` bytes of room at a time. */
static size_t decode(struct lac_scan_utf16 *d, struct lac_str in, size_t step, size_t room,
                     char *out)
{
    size_t from = 0, to = 0, total = 0;

    while (from < in.len) {
        size_t len = 0;

        to = to + step < in.len ? to + step : in.len;
        from += lac_scan_utf16_decode(d, lac_str_slice(in, from, to), to == in.len, out + total,
                                      &len, room);
        total += len;
    }
    return total;
}

static void texts_are_the_same_in_all_pieces(void)
{
    static const struct {
        struct lac_str in;
        const char *want;
        bool big, malformed;
    } rows[] = {
        {BYTES("a\0b\0\n\0"), "ab\n", false, false},
        {BYTES("\0a\0b\0\n"), "ab\n", true, false},
        {BYTES("\xe4\0\xac\x20"), "\xc3\xa4\xe2\x82\xac", false, false},
        {BYTES("\x3d\xd8\x00\xde!\0"), "\xf0\x9f\x98\x80!", false, false},
        {BYTES("\xd8\x3d\xde\x00\0!"), "\xf0\x9f\x98\x80!", true, false},
        {BYTES("\x3d\xd8!\0"), "\xef\xbf\xbd!", false, true}, /* a first half alone */
        {BYTES("\x00\xde!\0"), "\xef\xbf\xbd!", false, true}, /* a second one */
        {BYTES("!\0\x3d\xd8"), "!\xef\xbf\xbd", false, true}, /* at the end */
        {BYTES("!\0a"), "!\xef\xbf\xbd", false, true},        /* half a unit */
        {BYTES("\x3d\xd8\x00"), "\xef\xbf\xbd\xef\xbf\xbd", false, true},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++)
        for (size_t step = 1; step <= 8; step++)
            for (size_t room = 4; room <= 8; room++) {
                struct lac_scan_utf16 d = {.big = rows[i].big};
                char out[64];

                out[decode(&d, rows[i].in, step, room, out)] = '\0';
                lac_test_row("row %zu, %zu bytes at a time, room for %zu", i, step, room);
                LAC_TEST_STR(out, rows[i].want);
                LAC_TEST_EQ(d.malformed, rows[i].malformed);
            }
}

static void the_way_back_gives_the_same_bytes(void)
{
    static const struct lac_str rows[] = {BYTES("a\0b\0\n\0"), BYTES("\0a\0b\0\n"),
                                          BYTES("\xe4\0\xac\x20"), BYTES("\xd8\x3d\xde\x00\0!"),
                                          BYTES("")};

    for (size_t i = 0; i < LAC_COUNT(rows); i++)
        for (int big = 0; big < 2; big++) {
            struct lac_scan_utf16 d = {.big = big};
            struct lac_buf back;
            char text[64];
            size_t len = 0;

            lac_buf_init(&back, 256);
            LAC_TEST_EQ(lac_scan_utf16_decode(&d, rows[i], true, text, &len, sizeof(text)),
                        rows[i].len);
            lac_scan_utf16_encode(&d, (struct lac_str){text, len}, &back);
            lac_test_row("row %zu, %d", i, big);
            LAC_TEST_EQ(back.len, rows[i].len);
            if (!d.malformed)
                CU_ASSERT(lac_str_eq(lac_buf_str(&back), rows[i]));
            LAC_TEST_EQ((unsigned char)lac_scan_utf16_mark(&d).ptr[0], big ? 0xFE : 0xFF);
            lac_buf_deinit(&back);
        }
}

static void what_begins_like_it_and_is_not_is_left_alone(void)
{
    static const struct {
        struct lac_str begin;
        bool is, big;
    } rows[] = {
        {BYTES("\xff\xfe"
               "a\0 \0"),
         true, false},
        {BYTES("\xfe\xff\0a\0 "), true, true},
        {BYTES("\xff\xfe"
               "card 4111 1111 1111 1111"),
         false, false},                                      /* no zero: it is what it looks like */
        {BYTES("\xff\xfe\0\0a\0\0\0"), false, false},        /* UTF-32 */
        {BYTES("\xff\xfe\x01\0\0\0\x02\x03"), false, false}, /* a program's data */
        {BYTES("\xff\xfe\x00\xdc\x00\x00"), false, false},
        {BYTES("a\0 \0"), false, false},
        {BYTES("\xff\xfe"), false, false},
        {BYTES("\xff"), false, false},
        {BYTES(""), false, false},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_scan_utf16 d;

        lac_test_row("row %zu", i);
        LAC_TEST_EQ(lac_scan_utf16_begins(&d, rows[i].begin), rows[i].is);
        if (rows[i].is)
            LAC_TEST_EQ(d.big, rows[i].big);
    }
}

LAC_TEST_MAIN(scan_utf16, texts_are_the_same_in_all_pieces, the_way_back_gives_the_same_bytes,
              what_begins_like_it_and_is_not_is_left_alone)
