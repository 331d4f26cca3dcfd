/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_scan_utf16.h"

#include <stdint.h>
#include <string.h>

#include "lac_utf8.h"

enum { CHARACTER_MAX = 4 /* bytes of one in UTF-8 */, REPLACEMENT = 0xFFFD };

static uint32_t unit_at(const struct lac_scan_utf16 *d, struct lac_str in, size_t at)
{
    unsigned char first = (unsigned char)in.ptr[at], second = (unsigned char)in.ptr[at + 1];

    return d->big ? (uint32_t)first << 8 | second : (uint32_t)second << 8 | first;
}

/* The character at `at`, its bytes in `*size`; 0 in it: half of one, wait for more. */
static uint32_t character(struct lac_scan_utf16 *d, struct lac_str in, size_t at, bool last,
                          size_t *size)
{
    uint32_t high, low;

    *size = in.len - at < 2 ? in.len - at : 2;
    if (*size == 2) {
        high = unit_at(d, in, at);
        if (high < 0xD800 || high > 0xDFFF)
            return high;
        low = in.len - at >= 4 ? unit_at(d, in, at + 2) : 0;
        if (high < 0xDC00 && low >= 0xDC00 && low <= 0xDFFF) {
            *size = 4;
            return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        }
        if (last || high >= 0xDC00 || in.len - at >= 4) {
            d->malformed = true;
            return REPLACEMENT;
        }
    } else if (last) {
        d->malformed = true;
        return REPLACEMENT;
    }
    *size = 0;
    return 0;
}

bool lac_scan_utf16_begins(struct lac_scan_utf16 *d, struct lac_str begin)
{
    const unsigned char *p = (const unsigned char *)begin.ptr;
    char text[LAC_SCAN_UTF16_BEGIN / 2 * 3 + CHARACTER_MAX];
    size_t len = 0;

    *d = (struct lac_scan_utf16){0};
    if (begin.len > LAC_SCAN_UTF16_BEGIN)
        begin.len = LAC_SCAN_UTF16_BEGIN;
    if (begin.len < LAC_SCAN_UTF16_MARK || !memchr(begin.ptr, 0, begin.len))
        return false;
    d->big = p[0] == 0xFE && p[1] == 0xFF;
    if (!d->big && !(p[0] == 0xFF && p[1] == 0xFE))
        return false;
    (void)lac_scan_utf16_decode(d, lac_str_slice(begin, LAC_SCAN_UTF16_MARK, begin.len), false,
                                text, &len, sizeof(text));
    return !d->malformed && !memchr(text, 0, len);
}

size_t lac_scan_utf16_decode(struct lac_scan_utf16 *d, struct lac_str in, bool last, char *out,
                             size_t *len, size_t capacity)
{
    size_t at = 0;

    while (at < in.len && capacity - *len >= CHARACTER_MAX) {
        size_t size;
        uint32_t code = character(d, in, at, last, &size);

        if (size == 0)
            break;
        *len += lac_utf8_put(out + *len, code);
        at += size;
    }
    return at;
}

struct lac_str lac_scan_utf16_mark(const struct lac_scan_utf16 *d)
{
    return d->big ? LAC_STR("\xFE\xFF") : LAC_STR("\xFF\xFE");
}

static void put_unit(const struct lac_scan_utf16 *d, uint32_t unit, struct lac_buf *out)
{
    char bytes[2] = {(char)(unit >> 8), (char)(unit & 0xFF)};

    if (!d->big) {
        bytes[0] = (char)(unit & 0xFF);
        bytes[1] = (char)(unit >> 8);
    }
    lac_buf_put(out, bytes, sizeof(bytes));
}

void lac_scan_utf16_encode(const struct lac_scan_utf16 *d, struct lac_str in, struct lac_buf *out)
{
    for (size_t at = 0; at < in.len;) {
        uint32_t code = lac_utf8_next(in, &at);

        if (code < 0x10000) {
            put_unit(d, code, out);
            continue;
        }
        put_unit(d, 0xD800 + ((code - 0x10000) >> 10), out);
        put_unit(d, 0xDC00 + ((code - 0x10000) & 0x3FF), out);
    }
}
