/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_match_decode.h"

#include <string.h>

#include "lac_match_detect.h"
#include "lac_match_secret.h"
#include "lac_utf8.h"

enum {
    TEXT_LEAST = 6,     /* decoded bytes that are worth a look */
    LINE_LEAST = 40,    /* characters of a line of wrapped base64 */
    CODE_DIGITS_MAX = 7 /* of a character reference */
};

/* ---- escapes ---- */

bool lac_match_may_escape(struct lac_str text)
{
    return memchr(text.ptr, '%', text.len) || memchr(text.ptr, '\\', text.len) ||
           memchr(text.ptr, '&', text.len);
}

static uint32_t hex_value(unsigned c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* `count` hex digits at `at`; false when they are not there. */
static bool read_hex(struct lac_str t, size_t at, size_t count, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char c = lac_match_byte(t, at + i);

        if (!lac_match_is_hex(c))
            return false;
        *out = *out << 4 | hex_value(c);
    }
    return true;
}

/* Digits up to `last`, of either base; returns the place behind `last`, or 0. */
static size_t read_code(struct lac_str t, size_t at, bool hex, char last, uint32_t *out)
{
    size_t first = at;

    *out = 0;
    while (at - first < CODE_DIGITS_MAX && (hex ? lac_match_is_hex(lac_match_byte(t, at))
                                                : lac_match_is_digit(lac_match_byte(t, at)))) {
        *out = *out * (hex ? 16 : 10) + hex_value((unsigned char)t.ptr[at]);
        at++;
    }
    return at > first && lac_match_byte(t, at) == (unsigned char)last ? at + 1 : 0;
}

/* One byte (percent, \x), or a code point; 0 for what is not an escape. Returns its length. */
static size_t escape_at(struct lac_str t, size_t at, uint32_t *code, bool *is_byte)
{
    static const char plain[] = "nrt\"\\/";
    static const char meant[] = "\n\r\t\"\\/";
    unsigned char kind = lac_match_byte(t, at + 1);
    const char *known;
    size_t end = 0;

    *is_byte = false;
    if (t.ptr[at] == '%') {
        *is_byte = true;
        return read_hex(t, at + 1, 2, code) ? 3 : 0;
    }
    if (t.ptr[at] == '&') {
        bool hex = (lac_match_byte(t, at + 2) | 0x20) == 'x';

        if (kind == '#')
            end = read_code(t, at + (hex ? 3 : 2), hex, ';', code);
        return end ? end - at : 0;
    }
    if (kind == 'x') {
        *is_byte = true;
        return read_hex(t, at + 2, 2, code) ? 4 : 0;
    }
    if (kind == 'u' && lac_match_byte(t, at + 2) == '{') {
        end = read_code(t, at + 3, true, '}', code);
        return end ? end - at : 0;
    }
    if (kind == 'u')
        return read_hex(t, at + 2, 4, code) ? 6 : 0;
    known = kind ? strchr(plain, kind) : NULL;
    if (!known)
        return 0;
    *code = (unsigned char)meant[known - plain];
    return 2;
}

/* A pair of \u escapes that stands for one character beyond the first 65,536. */
static size_t join_surrogates(struct lac_str t, size_t at, size_t len, uint32_t *code)
{
    uint32_t low;

    if (*code < 0xD800 || *code > 0xDBFF || lac_match_byte(t, at + len) != '\\' ||
        lac_match_byte(t, at + len + 1) != 'u' || !read_hex(t, at + len + 2, 4, &low) ||
        low < 0xDC00 || low > 0xDFFF)
        return len;
    *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
    return len + 6;
}

static size_t put_code(char out[4], uint32_t code)
{
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        code = 0xFFFD;
    return lac_utf8_put(out, code);
}

static bool may_begin_escape(char c)
{
    return c == '%' || c == '\\' || c == '&';
}

bool lac_match_unescape(struct lac_str text, struct lac_match_decoded *out)
{
    bool any = false;
    size_t at = 0;

    out->len = 0;
    out->tail = 0;
    while (at < text.len && out->len + 4 <= LAC_MATCH_DECODE_BYTES) {
        uint32_t code = 0;
        bool is_byte = false;
        size_t len = may_begin_escape(text.ptr[at]) ? escape_at(text, at, &code, &is_byte) : 0;
        char bytes[4] = {text.ptr[at]};
        size_t n = 1;

        if (len > 0 && is_byte)
            bytes[0] = (char)code;
        else if (len > 0) {
            len = join_surrogates(text, at, len, &code);
            n = put_code(bytes, code);
        }
        for (size_t i = 0; i < n; i++) {
            out->text[out->len] = bytes[i];
            out->map[out->len++] = (uint32_t)at;
        }
        any = any || len > 0;
        at += len > 0 ? len : 1;
    }
    out->map[out->len] = (uint32_t)at;
    return any;
}

/* ---- runs ---- */

static bool is_run_byte(unsigned c)
{
    return lac_match_base64_value((unsigned char)c) >= 0;
}

/* A line end inside wrapped base64: the line before it is long and the next one goes on. */
static size_t line_end(struct lac_str t, size_t line, size_t at)
{
    size_t next = at;

    if (at - line < LINE_LEAST)
        return 0;
    next += lac_match_byte(t, next) == '\r';
    if (lac_match_byte(t, next) != '\n' || !is_run_byte(lac_match_byte(t, next + 1)))
        return 0;
    return next + 1;
}

bool lac_match_next_run(struct lac_str text, size_t *from, size_t *start, size_t *end)
{
    const size_t step = LAC_MATCH_DECODE_RUN_LEAST - 1;
    size_t at = *from + step;

    /* A run of 16 covers one place in 15: only there anything is looked at. */
    for (; at < text.len; at += step) {
        size_t first = at, line;

        if (!is_run_byte((unsigned char)text.ptr[at]))
            continue;
        while (first > *from && is_run_byte((unsigned char)text.ptr[first - 1]))
            first--;
        line = first;
        for (;;) {
            size_t next;

            while (at < text.len && is_run_byte((unsigned char)text.ptr[at]))
                at++;
            next = line_end(text, line, at);
            if (!next)
                break;
            line = at = next;
        }
        *from = at;
        if (at - first < LAC_MATCH_DECODE_RUN_LEAST)
            continue;
        *start = first;
        *end = at;
        return true;
    }
    *from = text.len;
    return false;
}

/* Printable, or a blank, or part of a well-formed character. Nothing that was not text looks like
 * that for long. */
static bool is_text(struct lac_str t)
{
    if (t.len < TEXT_LEAST || !lac_utf8_valid(t))
        return false;
    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.ptr[i];

        if (c < 0x20 ? c != '\n' && c != '\r' && c != '\t' : c == 0x7F)
            return false;
    }
    return true;
}

/* The same for a piece, which may end inside a character. */
static bool is_text_so_far(const struct lac_match_decoded *d, bool whole)
{
    struct lac_str t = {d->text, d->len};

    for (int i = 0; !whole && i < 3 && t.len > 0 && ((unsigned char)t.ptr[t.len - 1] & 0x80); i++)
        t.len--;
    return is_text(t);
}

bool lac_match_unhex(struct lac_str text, size_t start, size_t end, struct lac_match_decoded *out)
{
    size_t at = start;

    out->len = 0;
    out->tail = 2;
    if (text.ptr[at] == '0' && (lac_match_byte(text, at + 1) | 0x20) == 'x')
        at += 2;
    for (; at + 1 < end && out->len < LAC_MATCH_DECODE_BYTES; at += 2) {
        uint32_t byte;

        if (!read_hex(text, at, 2, &byte))
            return false;
        out->text[out->len] = (char)byte;
        out->map[out->len++] = (uint32_t)at;
    }
    out->map[out->len] = (uint32_t)at;
    return (at == end || out->len == LAC_MATCH_DECODE_BYTES) && is_text_so_far(out, at == end);
}

bool lac_match_unbase64(struct lac_str text, size_t start, size_t end,
                        struct lac_match_decoded *out)
{
    uint32_t bits = 0, from[4] = {0};
    unsigned have = 0;
    size_t at = start;

    out->len = 0;
    out->tail = 2;
    for (; at < end && out->len + 3 <= LAC_MATCH_DECODE_BYTES; at++) {
        int value = lac_match_base64_value((unsigned char)text.ptr[at]);

        if (value < 0)
            continue; /* a line end */
        bits = bits << 6 | (uint32_t)value;
        from[have++] = (uint32_t)at;
        if (have < 4)
            continue;
        for (unsigned i = 0; i < 3; i++) {
            out->text[out->len] = (char)(bits >> (16 - 8 * i));
            out->map[out->len++] = from[i];
        }
        have = 0;
        bits = 0;
    }
    if (at == end && have == 1)
        return false; /* six bits are no byte */
    for (unsigned i = 0; at == end && i + 1 < have; i++) {
        out->text[out->len] = (char)(bits << (6 * (4 - have)) >> (16 - 8 * i));
        out->map[out->len++] = from[i];
    }
    out->map[out->len] = (uint32_t)at;
    return is_text_so_far(out, at == end);
}
