/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_utf8 - well-formed UTF-8 as Unicode 15, table 3-7 defines it
 *
 * No overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_UTF8_H
#define LAC_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_str.h"

enum { LAC_UTF8_BAD = 0xFFFFFFFFu };

/* Bytes at the start of `s` that are well formed; equals s.len when all of it is. */
size_t lac_utf8_valid_prefix(struct lac_str s);

static inline bool lac_utf8_valid(struct lac_str s)
{
    return lac_utf8_valid_prefix(s) == s.len;
}

/* How many bytes of a byte order mark `s` begins with: all of it, or none. */
enum { LAC_UTF8_MARK_SIZE = 3 };
size_t lac_utf8_mark(struct lac_str s);

/* Decodes the code point at `*at` and moves `*at` behind it. Malformed input gives
 * LAC_UTF8_BAD and moves one byte. Requires *at < s.len. */
uint32_t lac_utf8_next(struct lac_str s, size_t *at);

/* Writes `code` (a Unicode scalar value) into `out`, at most 4 bytes; returns how many. */
size_t lac_utf8_put(char *out, uint32_t code);

/* Code points in `s`: every byte counts that does not continue a character. */
size_t lac_utf8_count(struct lac_str s);

#endif
