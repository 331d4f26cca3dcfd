/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_scan_utf16 - texts in UTF-16 (RFC 2781), as Windows tools write them, become UTF-8
 *
 * In pieces of any size. Each code unit becomes the bytes of one character or, with its neighbour,
 * of one beyond the first 65,536, so that places can be told back: a character is one unit, of four
 * bytes of UTF-8 two. What is no character (half a pair, half a unit at the end) becomes U+FFFD and
 * is said.
 *
 * Thread: any. The decoder belongs to its owner.
 */
#ifndef LAC_SCAN_UTF16_H
#define LAC_SCAN_UTF16_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_buf.h"
#include "lac_str.h"

enum {
    LAC_SCAN_UTF16_MARK = 2, /* bytes of the byte order mark */
    LAC_SCAN_UTF16_BEGIN = 8 << 10,
};

struct lac_scan_utf16 {
    bool big;       /* the unit's high byte comes first */
    bool malformed; /* something was no character */
};

/*
 * Whether a file whose first bytes are `begin` is UTF-16; then `d` is ready for what follows the
 * mark. The mark alone does not tell: whoever puts one before other text must not hide that. So the
 * first LAC_SCAN_UTF16_BEGIN bytes have to hold a zero, as any blank and line end does, and to be
 * characters without U+0000.
 */
bool lac_scan_utf16_begins(struct lac_scan_utf16 *d, struct lac_str begin);

/*
 * Decodes from `in` as far as the room goes: returns how many bytes of it were taken and adds to
 * `*len` of `out`, which has `capacity`. `last`: nothing follows `in`; otherwise what may be half
 * a character is left. Four bytes of room are enough for progress.
 */
size_t lac_scan_utf16_decode(struct lac_scan_utf16 *d, struct lac_str in, bool last, char *out,
                             size_t *len, size_t capacity);

/* The mark that a text in the decoder's byte order begins with. */
struct lac_str lac_scan_utf16_mark(const struct lac_scan_utf16 *d);

/* The way back: appends well-formed UTF-8 in the decoder's byte order, without a mark. */
void lac_scan_utf16_encode(const struct lac_scan_utf16 *d, struct lac_str in, struct lac_buf *out);

#endif
