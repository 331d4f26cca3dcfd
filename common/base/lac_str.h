/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_str - bytes that belong to somebody else
 *
 * A pointer and a length: not NUL-terminated, never owned. Decoders hand out slices of the
 * message they were given, so a slice is valid exactly as long as that message. `ptr` NULL
 * means "absent", which is not the same as present and empty.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_STR_H
#define LAC_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lac_compiler.h"

struct lac_str {
    const char *ptr;
    size_t len; /* bytes */
};

#define LAC_STR_NULL ((struct lac_str){NULL, 0})

/* A literal or other array whose size the compiler knows. */
#define LAC_STR(literal) ((struct lac_str){(literal), sizeof(literal) - 1})

/* For printf: printf("%.*s", LAC_STR_FMT(s)). Cuts at INT_MAX. */
#define LAC_STR_FMT(s) \
    ((int)((s).len > 0x7fffffff ? 0x7fffffff : (s).len)), ((s).ptr ? (s).ptr : "")

/* NULL gives an absent slice. */
static inline struct lac_str lac_str_from(const char *text)
{
    return (struct lac_str){text, text ? strlen(text) : 0};
}

/* The bytes [from, to), both at most s.len. */
static inline struct lac_str lac_str_slice(struct lac_str s, size_t from, size_t to)
{
    return (struct lac_str){s.ptr + from, to - from};
}

static inline bool lac_str_eq(struct lac_str a, struct lac_str b)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): what has a length is somewhere */
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Whether two lists hold the same texts in the same order. */
bool lac_str_lists_eq(const struct lac_str *a, size_t a_count, const struct lac_str *b,
                      size_t b_count);

/* `text` is NUL-terminated. */
static inline bool lac_str_is(struct lac_str s, const char *text)
{
    return lac_str_eq(s, lac_str_from(text));
}

/* Whether `text`, NUL-terminated, stands at `at`, which may lie behind the end. */
static inline bool lac_str_has_at(struct lac_str s, size_t at, const char *text)
{
    size_t n;

    if (text[0] && (at >= s.len || s.ptr[at] != text[0])) /* nearly always */
        return false;
    n = strlen(text);
    return at <= s.len && s.len - at >= n && (n == 0 || memcmp(s.ptr + at, text, n) == 0);
}

/* Compares ASCII letters without regard to case, all other bytes exactly. */
bool lac_str_eq_nocase(struct lac_str s, const char *text);

/* Order of unsigned bytes, shorter first on a tie: the order in which sorted lists are stored. */
int lac_str_cmp(struct lac_str a, struct lac_str b);

/* A NUL-terminated copy to free(), "" for an absent slice; NULL: out of memory. Not strndup(),
 * which may look for a NUL behind the slice. */
char *lac_str_dup(struct lac_str s) LAC_MUST_USE;

/* Decimal digits only: no sign, no blanks. False on overflow or anything else. */
bool lac_str_to_u64(struct lac_str s, uint64_t *out) LAC_MUST_USE;

/* Decimal digits with an optional leading minus. */
bool lac_str_to_i64(struct lac_str s, int64_t *out) LAC_MUST_USE;

/* Lower-case hex of `size` bytes; `out` holds 2 * size + 1 bytes. */
void lac_hex_encode(char *out, const void *data, size_t size);

/* Decodes exactly 2 * size hex digits of either case. False leaves `out` undefined. */
bool lac_hex_decode(void *out, size_t size, struct lac_str text) LAC_MUST_USE;

#endif
