/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether what a pattern matched is a part of something larger that patterns cannot see: digits
 * of a decimal, a group of a UUID, a piece of base64. Such texts are long and hold any short form
 * by chance, so that a check digit in the form only makes it rarer.
 */
#include "lac_match_detect.h"

enum {
    UUID_LEN = 36,
    BLOB_REST = 28,    /* bytes of base64 around a match from which on they are no coincidence */
    BLOB_REACH = 80,   /* of them that are looked at to each side: a line has 64 or 76 */
    BLOB_INSIDE = 48,  /* longer matches are tokens of their own */
    BLOB_DIGIT = 8,    /* percent of neighbours of which one is a digit; random base64 has 26 */
    BLOB_CAPITAL = 15, /* percent that differ in case; random base64 has 33, paths hardly both */
};

/* "-0.4111", ",.4111", "3.9e": the match begins behind the point of a decimal, or it ends before
 * that of one. "No.4111" and the full stop of a sentence are none. */
static bool in_decimal(struct lac_str t, size_t start, size_t end)
{
    unsigned char before = start >= 2 ? (unsigned char)t.ptr[start - 2] : ' ';

    if (!lac_match_is_digit((unsigned char)t.ptr[start]))
        return false;
    if (lac_match_before(t, start) == '.' &&
        (lac_match_is_digit(before) || lac_match_is_in(before, " \t\r\n,;:-+=([{|'\"")))
        return true;
    return lac_match_is_digit((unsigned char)t.ptr[end - 1]) && lac_match_byte(t, end) == '.' &&
           lac_match_is_digit(lac_match_byte(t, end + 1));
}

static bool is_uuid(struct lac_str t, size_t at)
{
    for (size_t i = 0; i < UUID_LEN; i++) {
        unsigned char c = lac_match_byte(t, at + i);

        if (i == 8 || i == 13 || i == 18 || i == 23 ? c != '-' : !lac_match_is_hex(c))
            return false;
    }
    return true;
}

/* Whether the match is some of a UUID's groups, not all of it. */
static bool in_uuid(struct lac_str t, size_t start, size_t end)
{
    size_t from;

    if (end - start >= UUID_LEN ||
        (lac_match_before(t, start) != '-' && lac_match_byte(t, end) != '-'))
        return false;
    for (from = start; from > 0 && end - from < UUID_LEN; from--)
        if (end - from >= 8 && is_uuid(t, from))
            return true;
    return is_uuid(t, from);
}

static bool is_base64(unsigned c)
{
    return lac_match_is_alnum(c) || c == '+' || c == '/';
}

/* Neighbours of which one alone is a digit, and of which one is a capital and one is none. */
struct changes {
    size_t digit, capital;
};

static void count_changes(struct lac_str t, size_t from, size_t to, struct changes *out)
{
    for (size_t i = from + 1; i < to; i++) {
        unsigned a = (unsigned char)t.ptr[i - 1], b = (unsigned char)t.ptr[i];

        out->digit += lac_match_is_digit(a) != lac_match_is_digit(b);
        out->capital += lac_match_is_alpha(a) && lac_match_is_alpha(b) && ((a ^ b) & 0x20);
    }
}

/* Whether a short match stands in a run of base64, behind or before a byte that no word has. */
static bool in_base64(struct lac_str t, size_t start, size_t end)
{
    struct changes found = {0};
    size_t from, to, rest;

    if (end - start > BLOB_INSIDE || (!lac_match_is_in(lac_match_before(t, start), "+/") &&
                                      !lac_match_is_in(lac_match_byte(t, end), "+/")))
        return false;
    from = lac_match_run_start(t, start, BLOB_REACH, is_base64);
    to = lac_match_run_end(t, end, BLOB_REACH, is_base64);
    rest = start - from + to - end;
    if (rest < BLOB_REST)
        return false;
    count_changes(t, from, start, &found);
    count_changes(t, end, to, &found);
    return 100 * found.digit >= BLOB_DIGIT * rest && 100 * found.capital >= BLOB_CAPITAL * rest;
}

/* What marks a secret is no coincidence, and secrets stand in paths and behind one another. */
bool lac_match_place_fits(struct lac_str t, size_t start, size_t end, bool secret)
{
    return !in_decimal(t, start, end) && !in_uuid(t, start, end) &&
           (secret || !in_base64(t, start, end));
}
