/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_utf8.h"

#include <string.h>

/* Length of the sequence a lead byte opens, 0 if it opens none. */
static unsigned sequence_len(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if ((lead & 0xF0) == 0xE0)
        return 3;
    return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

/* The second byte has a narrower range after four of the lead bytes. */
static bool second_ok(unsigned char lead, unsigned char second)
{
    switch (lead) {
    case 0xE0:
        return second >= 0xA0 && second <= 0xBF;
    case 0xED:
        return second >= 0x80 && second <= 0x9F;
    case 0xF0:
        return second >= 0x90 && second <= 0xBF;
    case 0xF4:
        return second >= 0x80 && second <= 0x8F;
    default:
        return (second & 0xC0) == 0x80;
    }
}

size_t lac_utf8_mark(struct lac_str s)
{
    static const char mark[LAC_UTF8_MARK_SIZE] = {'\xEF', '\xBB', '\xBF'}; /* U+FEFF */

    return s.len >= sizeof(mark) && memcmp(s.ptr, mark, sizeof(mark)) == 0 ? sizeof(mark) : 0;
}

uint32_t lac_utf8_next(struct lac_str s, size_t *at)
{
    static const unsigned char lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    const unsigned char *p = (const unsigned char *)s.ptr + *at;
    unsigned n = sequence_len(p[0]);
    uint32_t code;

    if (n == 0 || n > s.len - *at || (n > 1 && !second_ok(p[0], p[1]))) {
        *at += 1;
        return LAC_UTF8_BAD;
    }
    code = p[0] & lead_bits[n];
    for (unsigned i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            *at += 1;
            return LAC_UTF8_BAD;
        }
        code = code << 6 | (p[i] & 0x3Fu);
    }
    *at += n;
    return code;
}

size_t lac_utf8_valid_prefix(struct lac_str s)
{
    size_t at = 0;

    while (at < s.len) {
        uint64_t word;
        size_t before = at;

        /* Most text is ASCII: eight bytes a step until one is not. */
        if (s.len - at >= sizeof(word)) {
            memcpy(&word, s.ptr + at, sizeof(word));
            if (!(word & 0x8080808080808080u)) {
                at += sizeof(word);
                continue;
            }
        }
        if (lac_utf8_next(s, &at) == LAC_UTF8_BAD)
            return before;
    }
    return at;
}

size_t lac_utf8_put(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

size_t lac_utf8_count(struct lac_str s)
{
    size_t count = 0;

    for (size_t i = 0; i < s.len; i++)
        count += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return count;
}
