/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_validate_id - what the checks of personal identifiers have in common
 *
 * Private to common/match. An identifier is read into a struct lac_match_code, letters as capitals
 * and digits, without its separators; a check then states the shape and computes. Every check
 * refuses what has another shape, so that any pattern may stand in front of it.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_VALIDATE_ID_H
#define LAC_MATCH_VALIDATE_ID_H

#include "lac_clock.h"
#include "lac_match_validate.h"

enum { LAC_MATCH_CODE_MAX = 40 };

struct lac_match_code {
    char at[LAC_MATCH_CODE_MAX];
    size_t len; /* 0 when it did not fit */
};

/* Letters and digits of `match`. */
struct lac_match_code lac_match_code_of(struct lac_str match);

/* Whether `c` has this shape: '9' a digit, 'A' a letter, '*' either. */
bool lac_match_code_is(const struct lac_match_code *c, const char *shape);

/* Reads `match` and says whether it has this shape. */
bool lac_match_code_read(struct lac_match_code *c, struct lac_str match, const char *shape);

/* The number that `count` digits write. */
unsigned lac_match_value(const char *digits, size_t count);

/* The digit at `p`. */
static inline unsigned lac_match_digit(const char *p)
{
    return (unsigned)(*p - '0');
}

/* What a character counts in codes with letters: 0-9, A = 10 ... Z = 35. */
static inline unsigned lac_match_base36(char c)
{
    return lac_match_is_digit((unsigned char)c) ? (unsigned)(c - '0') : (unsigned)(c - 'A') + 10;
}

/* The digits times the weights, added up. `weights` writes one weight per character: '0' to '9',
 * then 'a' = 10, 'b' = 11 ...; it says how many digits are read. */
unsigned lac_match_weigh(const char *digits, const char *weights);

/* lac_clock_is_date() for six digits, whose century isn't known. */
bool lac_match_is_yymmdd(const char *digits);
bool lac_match_is_ddmmyy(const char *digits);

/* Whether all `count` characters are the same: a placeholder. */
bool lac_match_is_uniform(const char *digits, size_t count);

/* ISO/IEC 7064 MOD 11,10, check digit included. */
bool lac_match_mod11_10(const char *digits, size_t count);

/* The remainder of a number of any length. */
unsigned lac_match_remainder(const char *digits, size_t count, unsigned divisor);

/* Verhoeff's dihedral check, check digit included. */
bool lac_match_verhoeff(const char *digits, size_t count);

/* ICAO Doc 9303: weights 7, 3, 1 over letters and digits; the last one is the check digit. */
bool lac_match_icao_731(const char *code, size_t count);

/* Keccak-256 as Ethereum and Monero use it, which is SHA3-256 with the padding of the submission.
 */
void lac_match_keccak256(unsigned char out[32], const void *data, size_t len);

#endif
