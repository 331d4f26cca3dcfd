/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_detect - the hand-written validators behind the rules' `detector:`
 *
 * Private to common/match. A detector is a few cheap triggers, regular expressions that only say
 * "look here" by their end, and a function that decides: it walks backwards and forwards from
 * there, never further than a bound of its own, and validates.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_DETECT_H
#define LAC_MATCH_DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_str.h"

enum {
    LAC_MATCH_TRIGGER_MAX = 13,
    LAC_MATCH_BREAK_MAX = 3, /* bytes between two groups of a number: blank or hyphen, CR, LF */
};

struct lac_match_span {
    size_t start;
    size_t end;
    size_t resume; /* triggers that end up to here tell nothing new; also set when refused */
};

/*
 * `at` is the end of the trigger's match in `text`, `trigger` its index. True: `out` is what was
 * found. False: nothing is there. `out` comes zeroed.
 */
typedef bool lac_match_verify(struct lac_str text, size_t at, unsigned trigger,
                              struct lac_match_span *out);

/* A column of a table, and how far its rows have been read. */
struct lac_match_column {
    size_t row; /* where the next one begins; 0: it is not known yet */
    unsigned index, marks;
    unsigned char mark; /* between two fields; '(': rows of an INSERT */
};

/*
 * Where nothing was verified: what the next row of a table has below the trigger, if that is a
 * heading. False: there is no more. `c` comes zeroed, and then as it was left.
 */
typedef bool lac_match_below(struct lac_str text, size_t at, struct lac_match_column *c,
                             struct lac_match_span *out);

/* What a value may be that a line end has cut in two: put together again, its rule knows it. */
enum lac_match_join {
    LAC_MATCH_JOIN_NONE = 0,
    LAC_MATCH_JOIN_TOKEN = 1,  /* by its beginning, and its length or a checksum */
    LAC_MATCH_JOIN_NUMBER = 2, /* by a checksum, with its groups or a word beside it */
    LAC_MATCH_JOIN_BESIDE = 4, /* of a place: the word stands right before the number */
};

struct lac_match_detector {
    const char *name;
    lac_match_verify *verify;
    const char *triggers[LAC_MATCH_TRIGGER_MAX]; /* up to the first NULL; bounded width. One that
                                                    begins with '<' is looked for where a word
                                                    or a part of an identifier begins */
};

enum lac_match_join lac_match_detector_joins(const struct lac_match_detector *d);

/* NULL for nearly all. */
lac_match_below *lac_match_detector_below(const struct lac_match_detector *d);

/* NULL when there is none of that name. */
const struct lac_match_detector *lac_match_detector_find(struct lac_str name);

/* Decides about all of a pattern's match, as it stands in the plain view, separators included. At
 * most LAC_MATCH_PATTERN_WIDTH bytes; pure and linear in them. */
typedef bool lac_match_validate(struct lac_str match);

/* NULL when there is none of that name. */
lac_match_validate *lac_match_validator_find(struct lac_str name);

/* The bytes around a place; outside the text there is nothing, which is no letter or digit. */
static inline unsigned char lac_match_byte(struct lac_str t, size_t i)
{
    return i < t.len ? (unsigned char)t.ptr[i] : 0;
}

/* The byte before `i`; 0 at the start. */
static inline unsigned char lac_match_before(struct lac_str t, size_t i)
{
    return i > 0 && i <= t.len ? (unsigned char)t.ptr[i - 1] : 0;
}

static inline bool lac_match_is_digit(unsigned c)
{
    return c - '0' < 10;
}

static inline bool lac_match_is_lower(unsigned c)
{
    return c - 'a' < 26;
}

static inline bool lac_match_is_upper(unsigned c)
{
    return c - 'A' < 26;
}

static inline bool lac_match_is_alpha(unsigned c)
{
    return (c | 0x20) - 'a' < 26;
}

static inline bool lac_match_is_alnum(unsigned c)
{
    return lac_match_is_digit(c) || lac_match_is_alpha(c);
}

static inline bool lac_match_is_hex(unsigned c)
{
    return lac_match_is_digit(c) || (c | 0x20) - 'a' < 6;
}

/* A set of ASCII bytes for what is asked of every byte of a value: a bit each, 64 in a word. */
struct lac_match_bytes {
    uint64_t bits[4];
};

#define LAC_MATCH_BIT(c) ((uint64_t)1 << ((c)&63))

static inline bool lac_match_bytes_have(const struct lac_match_bytes *set, unsigned c)
{
    return c < 256 && set->bits[c / 64] >> (c % 64) & 1;
}

/* Whether `c` is one of the characters of `set`; NUL never is. A set that is known when this is
 * compiled becomes two constants; without __builtin_constant_p() a compiler would build them when
 * it runs. */
static inline __attribute__((always_inline)) bool lac_match_is_in(unsigned char c, const char *set)
{
    enum { CONSTANT_MAX = 16 };

    if (__builtin_constant_p(strlen(set)) && strlen(set) <= CONSTANT_MAX) {
        uint64_t bits[2] = {0, 0};

#pragma GCC unroll 16
        for (size_t i = 0; i < CONSTANT_MAX; i++)
            if (i < strlen(set))
                bits[(unsigned char)set[i] / 64 & 1] |= LAC_MATCH_BIT((unsigned char)set[i]);
        return c < 128 && (c < 64 ? bits[0] : bits[1]) >> (c & 63) & 1;
    }
    while (*set && (unsigned char)*set != c)
        set++;
    return *set != 0;
}

/* Behind bytes of `set`, at most `limit` of them. */
static inline size_t lac_match_skip(struct lac_str t, size_t i, const char *set, size_t limit)
{
    size_t stop = i < t.len && t.len - i > limit ? i + limit : t.len;

    while (i < stop && lac_match_is_in((unsigned char)t.ptr[i], set))
        i++;
    return i;
}

/* Before bytes of `set`, at most `limit` of them. */
static inline size_t lac_match_skip_back(struct lac_str t, size_t i, const char *set, size_t limit)
{
    size_t stop = i > limit ? i - limit : 0;

    while (i > stop && lac_match_is_in((unsigned char)t.ptr[i - 1], set))
        i--;
    return i;
}

static inline size_t lac_match_skip_blanks(struct lac_str t, size_t i)
{
    return lac_match_skip(t, i, " \t", SIZE_MAX);
}

static inline bool lac_match_is_no_blank(unsigned c)
{
    return c > ' ';
}

/* Where the run of bytes for which `is` holds ends, at most `limit` bytes behind `from`. */
static inline size_t lac_match_run_end(struct lac_str t, size_t from, size_t limit,
                                       bool (*is)(unsigned))
{
    size_t stop = from < t.len && t.len - from > limit ? from + limit : t.len;
    size_t end = from;

    while (end < stop && is((unsigned char)t.ptr[end]))
        end++;
    return end;
}

/* Where the run that ends at `to` starts, at most `limit` bytes before. */
static inline size_t lac_match_run_start(struct lac_str t, size_t to, size_t limit,
                                         bool (*is)(unsigned))
{
    size_t stop = to > limit ? to - limit : 0;
    size_t start = to;

    while (start > stop && is((unsigned char)t.ptr[start - 1]))
        start--;
    return start;
}

/* Where the last `count` digits before `to` start, whatever stands between them; a trigger's own
 * ones, so they are there. */
size_t lac_match_digits_back(struct lac_str t, size_t to, size_t count);

/*
 * What may stand between two groups of a number: a blank or a hyphen, a line end (LF or CRLF), or
 * one behind the other. Returns its length, at most LAC_MATCH_BREAK_MAX, 0 when there is none;
 * `*kind` is what the line end, if any, was put behind or instead of: '-' or ' '.
 */
size_t lac_match_break(struct lac_str t, size_t i, unsigned char *kind);

/* The length of a line end at `i` with what belongs to it: the mark of a line that goes on, an
 * indentation, a quotation's or a comment's marks, the ends of two strings that are joined. 0:
 * there is none. */
size_t lac_match_glue(struct lac_str t, size_t i);

/* The length of the longest break that ends at `to`; 0 when there is none. */
size_t lac_match_break_back(struct lac_str t, size_t to);

/* Whether a number may start at `i` or end there: not inside a word, a decimal, a version or a
 * longer group of digits. */
bool lac_match_number_may_start(struct lac_str t, size_t i);
bool lac_match_number_may_end(struct lac_str t, size_t i);

/* Whether what a pattern matched stands by itself: not in a decimal, a UUID or, unless it is a
 * `secret`, base64. */
bool lac_match_place_fits(struct lac_str t, size_t start, size_t end, bool secret);

/* Checks that tests also reach alone. `digits` are ASCII digits. */
bool lac_match_luhn(const char *digits, size_t count);
bool lac_match_card_issuer(const char *digits, size_t count);
bool lac_match_ssn_valid(const char *digits9);
bool lac_match_nanp_valid(const char *digits10, bool strict);
bool lac_match_iban_valid(struct lac_str compact);
bool lac_match_ipv4_parse(struct lac_str text, unsigned char out[4]);
bool lac_match_ipv6_valid(struct lac_str text);
bool lac_match_github_checksum(struct lac_str body);             /* what follows "ghp_" */
size_t lac_match_country_code(const char *digits, size_t count); /* its length, 0 = unknown */

lac_match_verify lac_match_verify_email, lac_match_verify_ip, lac_match_verify_ssn,
    lac_match_verify_card, lac_match_verify_iban, lac_match_verify_mac, lac_match_verify_phone,
    lac_match_verify_aws_id, lac_match_verify_aws_secret, lac_match_verify_github,
    lac_match_verify_slack, lac_match_verify_private_key, lac_match_verify_telegram,
    lac_match_verify_openai, lac_match_verify_openai_admin, lac_match_verify_jwt,
    lac_match_verify_jwk, lac_match_verify_password, lac_match_verify_assigned_key,
    lac_match_verify_token, lac_match_verify_native_password, lac_match_verify_key,
    lac_match_verify_connection, lac_match_verify_bearer, lac_match_verify_basic,
    lac_match_verify_command_login, lac_match_verify_samba_login, lac_match_verify_command_password,
    lac_match_verify_command_argument, lac_match_verify_pgpass, lac_match_verify_url_login,
    lac_match_verify_any_url_login, lac_match_verify_sip_login, lac_match_verify_seed_phrase,
    lac_match_verify_long_token, lac_match_verify_dropbox, lac_match_verify_openvpn_key,
    lac_match_verify_putty_key, lac_match_verify_ssh2_key;

lac_match_below lac_match_below_password, lac_match_below_secret;

#endif
