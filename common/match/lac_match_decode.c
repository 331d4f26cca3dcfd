/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_match_decode.h"

#include <endian.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "lac_match_detect.h"
#include "lac_match_front.h"
#include "lac_match_secret.h"
#include "lac_utf8.h"

enum {
    TEXT_LEAST = 6,     /* decoded bytes that are worth a look */
    LINE_LEAST = 40,    /* characters of a line of wrapped base64 */
    SURE_BYTES = 48,    /* of a decoded run that are no text soon if it is none */
    CUT_ROOM = 256,     /* bytes in which a good place to cut is looked for */
    CODE_DIGITS_MAX = 7 /* of a character reference */
};

/* ---- escapes ---- */

static bool may_begin_escape(char c)
{
    return c == '%' || c == '\\' || c == '&';
}

#if defined(__SSE2__)
/* Bytes of 16 that may begin an escape. */
static __m128i marks_of(const char *text)
{
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)text);
    /* '%' and '&' are neighbours. */
    __m128i low = _mm_sub_epi8(x, _mm_set1_epi8('%'));
    __m128i is = _mm_cmpeq_epi8(low, _mm_min_epu8(low, _mm_set1_epi8('&' - '%')));

    return _mm_or_si128(is, _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
}

/* How many bytes from `at` on, in steps of 64, have none. */
static size_t without_mark(struct lac_str t, size_t at)
{
    size_t first = at;

    for (; t.len - at >= 64; at += 64) {
        __m128i a = _mm_or_si128(marks_of(t.ptr + at), marks_of(t.ptr + at + 16));
        __m128i b = _mm_or_si128(marks_of(t.ptr + at + 32), marks_of(t.ptr + at + 48));

        if (_mm_movemask_epi8(_mm_or_si128(a, b)))
            break;
    }
    return at - first;
}
#else
static size_t without_mark(struct lac_str t, size_t at)
{
    (void)t;
    (void)at;
    return 0;
}
#endif

/* In each byte of `x` that is `c` the top bit; above the lowest of those perhaps more. */
static uint64_t bytes_like(uint64_t x, char c)
{
    const uint64_t ones = 0x0101010101010101u;

    x ^= ones * (unsigned char)c;
    return (x - ones) & ~x & ones << 7;
}

/* Where a byte is that may begin an escape, from `at` on; the text's length when there is none. */
static size_t next_mark(struct lac_str t, size_t at)
{
    for (at += without_mark(t, at); t.len - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t x, found;

        memcpy(&x, t.ptr + at, sizeof(x));
        x = le64toh(x);
        found = bytes_like(x, '%') | bytes_like(x, '\\') | bytes_like(x, '&');
        if (found)
            return at + (unsigned)__builtin_ctzll(found) / 8;
    }
    while (at < t.len && !may_begin_escape(t.ptr[at]))
        at++;
    return at;
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

struct escape {
    size_t at, len; /* len 0: there is none, at: the text's length */
    char bytes[4];  /* what it stands for */
    size_t count;
};

static struct escape next_escape(struct lac_str t, size_t from)
{
    struct escape e = {.at = from};
    uint32_t code = 0;
    bool is_byte;

    for (e.at = next_mark(t, from); e.at < t.len; e.at = next_mark(t, e.at + 1)) {
        e.len = escape_at(t, e.at, &code, &is_byte);
        if (e.len == 0)
            continue;
        if (is_byte) {
            e.bytes[0] = (char)code;
            e.count = 1;
            break;
        }
        e.len = join_surrogates(t, e.at, e.len, &code);
        e.count = put_code(e.bytes, code);
        break;
    }
    return e;
}

static size_t room(const struct lac_match_decoded *out)
{
    return LAC_MATCH_DECODE_BYTES - out->len;
}

/* As it stands there, as far as there is room. Returns where that ends. */
static size_t put_plain(struct lac_match_decoded *out, struct lac_str t, size_t at, size_t end)
{
    size_t n = end - at < room(out) ? end - at : room(out);

    memcpy(out->text + out->len, t.ptr + at, n);
    for (size_t i = 0; i < n; i++)
        out->map[out->len + i] = (uint32_t)(at + i);
    out->len += n;
    return at + n;
}

static void put_escape(struct lac_match_decoded *out, const struct escape *e)
{
    for (size_t i = 0; i < e->count; i++) {
        out->text[out->len] = e->bytes[i];
        out->map[out->len++] = (uint32_t)e->at;
    }
}

/* The last line end or blank in [low, high): behind it a text can be cut. `high` when it has
 * neither. */
static size_t cut_before(struct lac_str t, size_t low, size_t high)
{
    const char *cut = memrchr(t.ptr + low, '\n', high - low);

    if (!cut)
        cut = memrchr(t.ptr + low, ' ', high - low);
    return cut ? (size_t)(cut - t.ptr) + 1 : high;
}

/* Where to begin, with `near` bytes before the first escape. */
static size_t stretch_begin(struct lac_str t, size_t from, size_t escape)
{
    const size_t near = LAC_MATCH_DECODE_OVERLAP;
    size_t high = escape - from > near ? escape - near : from;
    size_t low = high - from > CUT_ROOM ? high - CUT_ROOM : from;

    return low < high ? cut_before(t, low, high) : high;
}

/* Where to end, with `near` bytes behind what was decoded up to `at`; soon after those, for each
 * byte more is looked at twice. */
static size_t stretch_end(struct lac_str t, size_t at)
{
    const size_t near = LAC_MATCH_DECODE_OVERLAP;
    size_t low = at + near;
    size_t high = t.len - at < near + CUT_ROOM ? t.len : low + CUT_ROOM;
    const char *cut;

    if (t.len - at <= near)
        return t.len;
    cut = memchr(t.ptr + low, '\n', high - low);
    if (!cut)
        cut = memchr(t.ptr + low, ' ', high - low);
    return cut ? (size_t)(cut - t.ptr) + 1 : high;
}

bool lac_match_unescape(struct lac_str text, size_t *from, struct lac_match_decoded *out)
{
    const size_t near = LAC_MATCH_DECODE_OVERLAP;
    struct escape e = next_escape(text, *from);
    bool full = false;
    size_t at;

    if (e.len == 0)
        return false;
    out->len = 0;
    out->tail = 0;
    at = stretch_begin(text, *from, e.at);
    while (e.len > 0 && !full) {
        size_t escape = e.at;

        at = put_plain(out, text, at, escape);
        full = at < escape || room(out) < sizeof(e.bytes);
        if (full)
            break;
        put_escape(out, &e);
        at += e.len;
        e = next_escape(text, at);
        if (e.at - at > 2 * near + CUT_ROOM)
            break; /* the next stretch begins with that one, behind where this one may end */
    }
    if (!full) {
        size_t end = stretch_end(text, at);

        at = put_plain(out, text, at, end);
        full = at < end;
    }
    out->map[out->len] = (uint32_t)at;
    *from = full ? at - near : at;
    return true;
}

/* ---- runs ---- */

/* Those that lac_match_base64_value() knows. */
static const bool run_bytes[256] = {
    ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true, ['+'] = true,
    ['-'] = true,         ['/'] = true,         ['_'] = true,
};

static bool is_run_byte(unsigned char c)
{
    return run_bytes[c];
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

/* Where the run that `at` lies in ends, over the line ends inside it. */
static size_t run_end(struct lac_str t, size_t first, size_t at)
{
    for (size_t line = first;; line = at) {
        size_t next;

        while (at < t.len && is_run_byte((unsigned char)t.ptr[at]))
            at++;
        next = line_end(t, line, at);
        if (!next)
            return at;
        at = next;
    }
}

/* The first run of [*first, text.len), byte by byte. False: there is none. */
static bool run_in_rest(struct lac_str text, size_t *first)
{
    /* Backwards from where the shortest run would end: what breaks it is soon met. */
    while (text.len - *first >= LAC_MATCH_DECODE_RUN_LEAST) {
        size_t at = *first + LAC_MATCH_DECODE_RUN_LEAST;

        while (at > *first && is_run_byte((unsigned char)text.ptr[at - 1]))
            at--;
        if (at == *first)
            return true;
        *first = at;
    }
    return false;
}

bool lac_match_next_run(struct lac_str text, size_t *from, size_t *start, size_t *end)
{
    size_t first = *from;

    _Static_assert(LAC_MATCH_DECODE_RUN_LEAST == 16, "as many as find_run() looks for");
    if (lac_match_front_best()->find_run((const unsigned char *)text.ptr, text.len, &first) ||
        run_in_rest(text, &first)) {
        *start = first;
        *end = *from = run_end(text, first, first + LAC_MATCH_DECODE_RUN_LEAST);
        return true;
    }
    *from = text.len;
    return false;
}

static bool is_control(unsigned char c)
{
    return c < 0x20 ? c != '\n' && c != '\r' && c != '\t' : c == 0x7F;
}

/* Printable, or a blank, or part of a well-formed character. Nothing that was not text looks like
 * that for long. */
static bool is_text(struct lac_str t)
{
    if (t.len < TEXT_LEAST || !lac_utf8_valid(t))
        return false;
    for (size_t i = 0; i < t.len; i++)
        if (is_control((unsigned char)t.ptr[i]))
            return false;
    return true;
}

/* The same for a piece, which may begin and end inside a character. */
static bool is_text_so_far(const struct lac_match_decoded *d, bool goes_on, bool whole)
{
    struct lac_str t = {d->text, d->len};
    size_t n;

    for (int i = 0; goes_on && i < 3 && t.len > 0 && ((unsigned char)t.ptr[0] & 0xC0) == 0x80; i++)
        t = lac_str_slice(t, 1, t.len);
    n = whole ? t.len : lac_utf8_valid_prefix(t);
    return is_text(lac_str_slice(t, 0, t.len - n < 4 ? n : t.len));
}

bool lac_match_unhex(struct lac_str text, size_t start, size_t end, bool goes_on,
                     struct lac_match_decoded *out)
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
    return (at == end || out->len == LAC_MATCH_DECODE_BYTES) &&
           is_text_so_far(out, goes_on, at == end);
}

/* Whether the text that a run would be begins as one can: nearly every name and hash does not. */
static bool may_begin_text(struct lac_str t, size_t start)
{
    char bytes[3];
    uint32_t bits = 0;

    for (size_t i = start; i < start + 4; i++) {
        int value = i < t.len ? lac_match_base64_value((unsigned char)t.ptr[i]) : -1;

        if (value < 0)
            return true;
        bits = bits << 6 | (uint32_t)value;
    }
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(bits >> (16 - 8 * i));
    /* Up to three bytes of a character may be there. */
    if ((unsigned char)bytes[0] >= 0x80)
        return (unsigned char)bytes[0] >= 0xC2 && (unsigned char)bytes[0] <= 0xF4 &&
               ((unsigned char)bytes[1] & 0xC0) == 0x80;
    return !is_control((unsigned char)bytes[0]);
}

/* Whether one byte may follow another in UTF-8, as far as the two tell. */
static bool may_follow(unsigned char before, unsigned char c)
{
    bool inside = (c & 0xC0) == 0x80;

    return inside ? before >= 0x80 : before < 0xC0;
}

/* The same of three bytes. */
static bool may_be_utf8(unsigned char before, uint32_t bits)
{
    unsigned char a = (unsigned char)(bits >> 16), b = (unsigned char)(bits >> 8);

    return may_follow(before, a) && may_follow(a, b) && may_follow(b, (unsigned char)bits);
}

bool lac_match_unbase64(struct lac_str text, size_t start, size_t end, bool goes_on,
                        struct lac_match_decoded *out)
{
    uint32_t bits = 0, from[4] = {0};
    unsigned char before = goes_on ? 0x80 : 0; /* a piece may begin inside of a character */
    unsigned have = 0;
    size_t at = start;

    out->len = 0;
    out->tail = 2;
    if (!goes_on && !may_begin_text(text, start))
        return false;
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
        if (is_control(bits >> 16 & 0xFF) || is_control(bits >> 8 & 0xFF) ||
            is_control(bits & 0xFF) || (out->len < SURE_BYTES && !may_be_utf8(before, bits)))
            return false; /* most words and hashes end here */
        before = (unsigned char)bits;
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
    return is_text_so_far(out, goes_on, at == end);
}
