/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_width.h"

#include <stdio.h>

#include "lac_compiler.h"
#include "lac_utf8.h"

struct range {
    uint32_t first, last;
};

/* Marks that sit on the letter before them. The common blocks: scripts beyond these are shown
 * one column too wide, which costs alignment and nothing else. */
static const struct range combining[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},
    {0x06D6, 0x06DC}, {0x0900, 0x0902}, {0x093C, 0x093C}, {0x0941, 0x0948}, {0x094D, 0x094D},
    {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
    {0x20D0, 0x20FF}, {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
};

/* East Asian Wide and Fullwidth, and the emoji that terminals draw over two columns. */
static const struct range wide[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},   {0x25FD, 0x25FE},
    {0x2614, 0x2615},   {0x26A1, 0x26A1},   {0x2705, 0x2705},   {0x270A, 0x270B},
    {0x2728, 0x2728},   {0x274C, 0x274C},   {0x2753, 0x2755},   {0x2E80, 0x303E},
    {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},
    {0xA960, 0xA97F},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
    {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF},
    {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD},
};

/* Shown as their code: C0 and C1 controls, direction marks and overrides, invisible joiners,
 * line and paragraph separators, tags. Each can make a screen say what the bytes don't. */
static const struct range hidden[] = {
    {0x0000, 0x001F}, {0x007F, 0x009F}, {0x00AD, 0x00AD}, {0x061C, 0x061C},   {0x180E, 0x180E},
    {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF},   {0xFFF9, 0xFFFB},
    {0xE000, 0xF8FF}, {0xFDD0, 0xFDEF}, {0xFFFE, 0xFFFF}, {0xE0000, 0xE0FFF}, {0xF0000, 0x10FFFF},
};

static bool within(const struct range *table, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count && table[i].first <= code; i++)
        if (code <= table[i].last)
            return true;
    return false;
}

/* Columns of one code point: 0 (combining), 1 or 2 (East Asian wide, emoji). */
static unsigned width_of(uint32_t code)
{
    if (code < 0x300)
        return 1;
    if (within(combining, LAC_COUNT(combining), code))
        return 0;
    return within(wide, LAC_COUNT(wide), code) ? 2 : 1;
}

enum { GLYPH_SIZE = 16 };

/* Renders the character at `*at` into `out`; returns its bytes and, in `*columns`, its width. */
static size_t glyph(char out[GLYPH_SIZE], struct lac_str s, size_t *at, size_t *columns, bool ascii)
{
    size_t start = *at;
    uint32_t code = lac_utf8_next(s, at);
    int n;

    if (code == (uint32_t)LAC_UTF8_BAD) {
        n = snprintf(out, GLYPH_SIZE, "\\x%02x", (unsigned char)s.ptr[start]);
    } else if (code == '\n' || code == '\r' || code == '\t') {
        n = snprintf(out, GLYPH_SIZE, "\\%c", code == '\n' ? 'n' : code == '\r' ? 'r' : 't');
    } else if (within(hidden, LAC_COUNT(hidden), code) || (ascii && code > 0x7E)) {
        n = snprintf(out, GLYPH_SIZE, "\\u{%x}", code);
    } else {
        memcpy(out, s.ptr + start, *at - start);
        *columns = width_of(code);
        return *at - start;
    }
    *columns = (size_t)n;
    return (size_t)n;
}

size_t lac_width(struct lac_str s)
{
    char out[GLYPH_SIZE];
    size_t at = 0, used = 0, columns = 0;

    while (at < s.len) {
        (void)glyph(out, s, &at, &columns, false);
        used += columns;
    }
    return used;
}

/* Printable ASCII only, as nearly all names and texts of ours are: shown as it stands there. */
static bool is_plain(struct lac_str s)
{
    bool plain = true;

    for (size_t i = 0; i < s.len; i++)
        plain &= (unsigned char)(s.ptr[i] - 0x20) < 0x7F - 0x20;
    return plain;
}

size_t lac_width_put(struct lac_buf *b, struct lac_str s, size_t columns, bool ascii)
{
    const char *dots = ascii ? "..." : "…";
    size_t dots_width = ascii ? 3 : 1, used = 0, at = 0;
    size_t fit_used = 0, fit_len = b->len; /* the longest prefix that leaves room for the dots */
    char out[GLYPH_SIZE];

    if ((columns == 0 || s.len <= columns) && is_plain(s)) {
        lac_buf_put_str(b, s);
        return s.len;
    }
    while (at < s.len) {
        size_t width = 0, n = glyph(out, s, &at, &width, ascii);

        if (columns > 0 && used + width > columns)
            goto cut;
        lac_buf_put(b, out, n);
        used += width;
        if (used + dots_width <= columns) {
            fit_used = used;
            fit_len = b->len;
        }
    }
    return used;
cut:
    if (b->failed)
        return used;
    b->len = fit_len;
    if (fit_used + dots_width > columns)
        return fit_used;
    lac_buf_put_text(b, dots);
    return fit_used + dots_width;
}
