/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_secret - what the scanners and validators of secrets share
 *
 * Private to common/match. Formats without a prefix or a checksum leave only two questions: does
 * the text look random, and is it one of the things that people write where a secret would stand.
 * Everything here is linear in its argument and looks at no more than 256 bytes of it, unless a
 * bound of its own is stated.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_SECRET_H
#define LAC_MATCH_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_match_detect.h"
#include "lac_str.h"

/* How many different bytes there are. Placeholders repeat themselves: XXXXXXXX, abcabcabc. */
size_t lac_match_distinct(struct lac_str s);

struct lac_match_span;
/*
 * A password in the sentence of the word at [name, at), which means one in some language: what can
 * hardly be anything else, a few words behind it or, with "as" between, before it.
 */
bool lac_match_said(struct lac_str t, size_t name, size_t at, struct lac_match_span *out);

/* Whether `s` stands in for a secret: "changeme", "<password>", "${DB_PASS}", "none", "sha256". */
bool lac_match_is_placeholder(struct lac_str s);

/* How many bytes from the first on are those of keys: of the alphabets of base64 and hexadecimal,
 * and "-_.~", which join a key's parts. Linear in all of it. */
size_t lac_match_key_bytes(struct lac_str s);

/* Whether `s` looks generated: at least `least` bytes, letters and digits or both cases mixed as
 * words, identifiers, paths and versions don't have them. */
bool lac_match_is_random(struct lac_str s, size_t least);

/*
 * Whether `s` can be a person's or a program's password. `plain`: words without a digit or sign
 * count too, because where it stands leaves no doubt (DB_PASSWORD=sunflower).
 */
bool lac_match_is_password(struct lac_str s, bool plain);

/* Whether `pair` is a user, the byte `between` and a password that is none of the usual
 * stand-ins. */
bool lac_match_is_login(struct lac_str pair, char between);

/* What a character of either base64 alphabet (RFC 4648) stands for: 0 to 63, -1 for none. */
extern const unsigned char lac_match_base64_values[256]; /* and one; 0 of what is none */
static inline int lac_match_base64_value(unsigned char c)
{
    return lac_match_base64_values[c] - 1;
}

/*
 * The bytes of a text whose characters stand for `width` bits each, 5 or 6, the first for the
 * highest; bits that are left over are dropped. `value`: what one stands for, -1 for none. Returns
 * bytes written, 0 when a character stands for nothing or they do not fit.
 */
size_t lac_match_unpack(struct lac_str text, unsigned width, int (*value)(unsigned char),
                        unsigned char *out, size_t capacity);

/*
 * Decodes base64 of either alphabet, padded or not. Returns bytes written, 0 when `text` is none
 * or does not fit.
 */
size_t lac_match_base64_decode(struct lac_str text, unsigned char *out, size_t capacity);

/* Whether `text` is one JSON object and nothing else; nesting of up to 32 is followed. Linear in
 * all of it. */
bool lac_match_is_json_object(struct lac_str text);

#endif
