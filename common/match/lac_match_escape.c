/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Escapes: what languages, markup and mail write instead of a character. Each is resolved where it
 * stands, whatever the text around it is; what is not one stays as it is.
 */
#include "lac_match_decode.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "lac_compiler.h"
#include "lac_match_detect.h"
#include "lac_utf8.h"

enum {
    CUT_ROOM = 256,      /* bytes in which a good place to cut is looked for */
    CODE_DIGITS_MAX = 7, /* of a character reference, behind its zeros */
    CODE_ZEROS_MAX = 24,
    NAME_MAX = 8, /* bytes of a character reference's name */
    /* Columns of a line of quoted-printable that ends in the middle of something. */
    SOFT_LEAST = 60,
    SOFT_MOST = 80,
    ESC = 0x1B,
    SEQUENCE_MAX = 32, /* bytes of a terminal's control sequence */
    QUERY_REACH = 128, /* bytes from the name of a query's field to the first blank in its value */
};

/* What an escape stands for that is there for the eye alone. */
#define NOTHING UINT32_MAX

/* ---- the bytes that may begin one ---- */

enum { MARKS_STEP = 64 };

/* Which of MARKS_STEP bytes from `base` on may begin an escape, without those that are behind us
 * and those before a blank, as they stand in programs: no escape goes on with one. */
struct marks {
    uint64_t bits;
    size_t base;
};

#if defined(__SSE2__)
static uint64_t marks_of_16(const char *text, unsigned at, uint64_t *blanks)
{
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
    /* '%' and '&' are neighbours. */
    __m128i low = _mm_sub_epi8(x, _mm_set1_epi8('%'));
    __m128i is = _mm_cmpeq_epi8(low, _mm_min_epu8(low, _mm_set1_epi8('&' - '%')));

    is = _mm_or_si128(is, _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
    is = _mm_or_si128(is, _mm_cmpeq_epi8(x, _mm_set1_epi8('=')));
    is = _mm_or_si128(is, _mm_cmpeq_epi8(x, _mm_set1_epi8('+')));
    is = _mm_or_si128(is, _mm_cmpeq_epi8(x, _mm_set1_epi8(ESC)));
    *blanks |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8(' '))) << at;
    return (uint64_t)(unsigned)_mm_movemask_epi8(is) << at;
}

static uint64_t marks_of(const char *text)
{
    uint64_t bits = 0, blanks = 0;

    for (unsigned at = 0; at < MARKS_STEP; at += 16)
        bits |= marks_of_16(text, at, &blanks);
    return bits & ~(blanks >> 1);
}
#else
static uint64_t marks_of(const char *text)
{
    uint64_t bits = 0, blanks = 0;

    for (unsigned i = 0; i < MARKS_STEP; i++) {
        char c = text[i];
        bool is = c == '%' || c == '&' || c == '\\' || c == '=' || c == '+' || c == ESC;

        bits |= (uint64_t)is << i;
        blanks |= (uint64_t)(c == ' ') << i;
    }
    return bits & ~(blanks >> 1);
}
#endif

/* The marks from `at` on, which lies in the text. */
static void read_marks(struct marks *m, struct lac_str t, size_t at)
{
    char rest[MARKS_STEP] = {0};

    m->base = at;
    if (t.len - at >= MARKS_STEP) {
        m->bits = marks_of(t.ptr + at);
        return;
    }
    memcpy(rest, t.ptr + at, t.len - at);
    m->bits = marks_of(rest);
}

/* Where a byte is that may begin an escape, from `at` on, which never goes back; the text's length
 * when there is none. */
static size_t next_mark(struct marks *m, struct lac_str t, size_t at)
{
    if (at - m->base < MARKS_STEP)
        m->bits &= UINT64_MAX << (at - m->base);
    else if (at < t.len)
        read_marks(m, t, at);
    else
        return t.len;
    while (!m->bits) {
        if (t.len - m->base <= MARKS_STEP)
            return t.len;
        read_marks(m, t, m->base + MARKS_STEP);
    }
    return m->base + (unsigned)__builtin_ctzll(m->bits);
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

/* Digits of either base, behind any zeros; returns the place behind them, or 0. */
static size_t read_code(struct lac_str t, size_t at, bool hex, uint32_t *out)
{
    size_t first = at, digits;

    at = digits = lac_match_skip(t, at, "0", CODE_ZEROS_MAX);
    *out = 0;
    while (at - digits < CODE_DIGITS_MAX && (hex ? lac_match_is_hex(lac_match_byte(t, at))
                                                 : lac_match_is_digit(lac_match_byte(t, at)))) {
        *out = *out * (hex ? 16 : 10) + hex_value((unsigned char)t.ptr[at]);
        at++;
    }
    return at > first ? at : 0;
}

/* ---- one of each kind: its length, 0 for what is none; one byte, or a code point ---- */

/* %41, and %u0041 as JavaScript's escape() has it. */
static size_t percent_at(struct lac_str t, size_t at, uint32_t *code, bool *is_byte)
{
    *is_byte = lac_match_byte(t, at + 1) != 'u';
    if (*is_byte)
        return read_hex(t, at + 1, 2, code) ? 3 : 0;
    return read_hex(t, at + 2, 4, code) ? 6 : 0;
}

/* Of the names that HTML knows those that stand for what parts or joins a value, or is in one. */
static const struct {
    const char name[NAME_MAX];
    uint16_t code;
} names[] = {
    {"nbsp", ' '},   {"amp", '&'},    {"lt", '<'},      {"gt", '>'},     {"quot", '"'},
    {"apos", '\''},  {"shy", 0xAD},   {"zwnj", 0x200C}, {"zwj", 0x200D}, {"lrm", 0x200E},
    {"rlm", 0x200F}, {"ensp", ' '},   {"emsp", ' '},    {"thinsp", ' '}, {"numsp", ' '},
    {"hyphen", '-'}, {"dash", '-'},   {"ndash", '-'},   {"mdash", '-'},  {"minus", '-'},
    {"commat", '@'}, {"period", '.'}, {"lowbar", '_'},  {"colon", ':'},  {"sol", '/'},
    {"equals", '='}, {"num", '#'},    {"dollar", '$'},  {"plus", '+'},   {"excl", '!'},
    {"ast", '*'},    {"lpar", '('},   {"rpar", ')'},    {"comma", ','},  {"semi", ';'},
    {"percnt", '%'}, {"bsol", '\\'},  {"quest", '?'},   {"Tab", '\t'},   {"NewLine", '\n'},
};

/* The length of "nbsp;" at `at`; 0 when there is no such name. Most marks are an operator of some
 * language, and none of the names is compared. */
static size_t name_at(struct lac_str t, size_t at, uint32_t *code)
{
    const char *name = t.ptr + at;
    size_t most = t.len - at < NAME_MAX + 1 ? t.len - at : NAME_MAX + 1;
    const char *end = memchr(name, ';', most);
    char key[NAME_MAX] = {0};

    if (!end || end == name || !lac_match_is_alpha((unsigned char)end[-1]))
        return 0;
    memcpy(key, name, (size_t)(end - name));
    for (size_t i = 0; i < LAC_COUNT(names); i++)
        if (memcmp(key, names[i].name, NAME_MAX) == 0) {
            *code = names[i].code;
            return (size_t)(end + 1 - name);
        }
    return 0;
}

/* &#65; &#x41; &nbsp; a number also without its semicolon, as browsers read it. */
static size_t reference_at(struct lac_str t, size_t at, uint32_t *code)
{
    size_t len;

    if (lac_match_byte(t, at + 1) == '#') {
        bool hex = (lac_match_byte(t, at + 2) | 0x20) == 'x';
        size_t end = read_code(t, at + (hex ? 3 : 2), hex, code);

        return end ? end + (lac_match_byte(t, end) == ';') - at : 0;
    }
    len = name_at(t, at + 1, code);
    return len > 0 ? len + 1 : 0;
}

/* \101, and \0101 as shells have it. */
static size_t octal_at(struct lac_str t, size_t at, uint32_t *code)
{
    size_t first = at + 1, end = first + 3;

    *code = 0;
    for (size_t i = first; i < end; i++) {
        unsigned digit = lac_match_byte(t, i) - (unsigned)'0';

        if (digit > 7 || (i == first && digit > 3))
            return 0;
        *code = *code << 3 | digit;
    }
    /* With a fourth digit, rather what can be seen than a control character before a digit. */
    if (t.ptr[first] == '0' && lac_match_byte(t, end) - (unsigned)'0' <= 7 && *code >= 4 &&
        *code < ' ') {
        *code = *code << 3 | (uint32_t)(t.ptr[end] - '0');
        end++;
    }
    return end - at;
}

/* \x41 \u0041 \u{41} \U00000041 \101, \n \r \t as C and JSON have them, and before punctuation,
 * where they, shells and Markdown mean the character itself. */
static size_t backslash_at(struct lac_str t, size_t at, uint32_t *code, bool *is_byte)
{
    unsigned char kind = lac_match_byte(t, at + 1);
    size_t end;

    switch (kind) {
    case 'x':
        *is_byte = true;
        return read_hex(t, at + 2, 2, code) ? 4 : 0;
    case 'u':
        if (lac_match_byte(t, at + 2) != '{')
            return read_hex(t, at + 2, 4, code) ? 6 : 0;
        end = read_code(t, at + 3, true, code);
        return end && lac_match_byte(t, end) == '}' ? end + 1 - at : 0;
    case 'U':
        return read_hex(t, at + 2, 8, code) ? 10 : 0;
    case 'n':
    case 'r':
    case 't':
        *code = kind == 'n' ? '\n' : kind == 'r' ? '\r' : '\t';
        return 2;
    default:
        break;
    }
    if (lac_match_is_digit(kind)) {
        *is_byte = true;
        return octal_at(t, at, code);
    }
    *code = kind;
    return kind > ' ' && kind < 0x7F && !lac_match_is_alnum(kind) ? 2 : 0;
}

static bool is_quoted_byte(struct lac_str t, size_t at, uint32_t *code)
{
    return lac_match_byte(t, at) == '=' && lac_match_byte(t, at + 1) < 'a' &&
           lac_match_byte(t, at + 2) < 'a' && read_hex(t, at + 1, 2, code);
}

/* RFC 2045's quoted-printable: =41=42, =3D, and a line that goes on. "x=10" is none: alone, only
 * what stands for the mark itself. */
static size_t quoted_at(struct lac_str t, size_t at, uint32_t *code, bool *is_byte)
{
    size_t next = at + 1;
    size_t line = at > SOFT_MOST ? at - SOFT_MOST : 0;
    const char *before;
    uint32_t other;

    if (is_quoted_byte(t, at, code)) {
        *is_byte = true;
        return *code == '=' || is_quoted_byte(t, at + 3, &other) ||
                       (at >= 3 && is_quoted_byte(t, at - 3, &other))
                   ? 3
                   : 0;
    }
    next += lac_match_byte(t, next) == '\r';
    if (lac_match_byte(t, next) != '\n' || lac_match_before(t, at) == '=')
        return 0;
    before = memrchr(t.ptr + line, '\n', at - line);
    if (before ? at - (size_t)(before + 1 - t.ptr) < SOFT_LEAST : line > 0 || at < SOFT_LEAST)
        return 0;
    *code = NOTHING;
    return next + 1 - at;
}

/* ESC [ 1 ; 31 m, a terminal's control sequence (ECMA-48): colours stand right before and behind
 * what they mark. */
static size_t sequence_at(struct lac_str t, size_t at, uint32_t *code)
{
    size_t end = at + 2;

    if (lac_match_byte(t, at + 1) != '[')
        return 0;
    while (end - at < SEQUENCE_MAX && lac_match_byte(t, end) >= ' ' && lac_match_byte(t, end) < '@')
        end++;
    *code = NOTHING;
    return lac_match_byte(t, end) >= '@' && lac_match_byte(t, end) < 0x7F ? end + 1 - at : 0;
}

static bool is_query_byte(unsigned c)
{
    return c > ' ' && c < 0x7F && !lac_match_is_in((unsigned char)c, "\"'<>`\\");
}

static bool is_query(struct lac_str t, size_t from, size_t to)
{
    return lac_match_run_end(t, from, to - from, is_query_byte) == to;
}

static bool is_field_name(unsigned c)
{
    return lac_match_is_alnum(c) || lac_match_is_in((unsigned char)c, "_-.");
}

/* ?q=two+words, in a URL's query or as a form sends it: a blank (WHATWG URL,
 * application/x-www-form-urlencoded). `from`, `known`: whether a query goes on there. */
static size_t plus_at(struct lac_str t, size_t at, size_t from, bool known, uint32_t *code)
{
    size_t low = at > QUERY_REACH ? at - QUERY_REACH : 0, value, name;
    const char *equals;

    *code = ' ';
    if (at == 0 || !is_query_byte(lac_match_before(t, at)) ||
        !is_query_byte(lac_match_byte(t, at + 1)))
        return 0;
    if (known && is_query(t, from, at))
        return 1;
    equals = memrchr(t.ptr + low, '=', at - low);
    if (!equals)
        return 0;
    value = (size_t)(equals - t.ptr) + 1;
    name = lac_match_run_start(t, value - 1, value - 1 - low, is_field_name);
    return name + 1 < value && is_query(t, value, at) &&
                   (name == 0 || lac_match_is_in(lac_match_before(t, name), "?&;\n"))
               ? 1
               : 0;
}

static size_t escape_at(struct lac_str t, size_t at, uint32_t *code, bool *is_byte)
{
    *is_byte = false;
    switch (t.ptr[at]) {
    case '%':
        return percent_at(t, at, code, is_byte);
    case '&':
        return reference_at(t, at, code);
    case '=':
        return quoted_at(t, at, code, is_byte);
    case ESC:
        return sequence_at(t, at, code);
    default:
        return backslash_at(t, at, code, is_byte);
    }
}

/* Half of a character beyond the first 65,536, with what stands before it: "\u", "%u". */
static size_t join_surrogates(struct lac_str t, size_t at, size_t len, uint32_t *code)
{
    uint32_t low;

    if (*code < 0xD800 || *code > 0xDBFF || len != 6 ||
        lac_match_byte(t, at + len) != (unsigned char)t.ptr[at] ||
        lac_match_byte(t, at + len + 1) != 'u' || !read_hex(t, at + len + 2, 4, &low) ||
        low < 0xDC00 || low > 0xDFFF)
        return len;
    *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
    return len + 6;
}

static size_t put_code(char out[4], uint32_t code)
{
    if (code == NOTHING)
        return 0;
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        code = 0xFFFD;
    return lac_utf8_put(out, code);
}

struct escape {
    size_t at, len; /* len 0: there is none, at: the text's length */
    char bytes[4];  /* what it stands for */
    size_t count;
    bool query; /* it stands in a URL's query, which may go on behind it */
};

/* `query`: of the escape that ends at `from`. */
static struct escape next_escape(struct marks *m, struct lac_str t, size_t from, bool query)
{
    struct escape e = {.at = from, .query = query};
    uint32_t code = 0;

    for (e.at = next_mark(m, t, from); e.at < t.len; e.at = next_mark(m, t, e.at + 1)) {
        bool is_plus = t.ptr[e.at] == '+', is_byte = false;

        e.len =
            is_plus ? plus_at(t, e.at, from, e.query, &code) : escape_at(t, e.at, &code, &is_byte);
        if (e.len == 0) {
            e.query = e.query && !is_plus; /* so that each byte is looked at once for it */
            continue;
        }
        e.query = is_plus || (e.query && t.ptr[e.at] == '%' && is_query(t, from, e.at));
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
size_t lac_match_put_plain(struct lac_match_decoded *out, struct lac_str t, size_t at, size_t end)
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
size_t lac_match_stretch_begin(struct lac_str t, size_t from, size_t escape)
{
    const size_t near = LAC_MATCH_DECODE_OVERLAP;
    size_t high = escape - from > near ? escape - near : from;
    size_t low = high - from > CUT_ROOM ? high - CUT_ROOM : from;

    return low < high ? cut_before(t, low, high) : high;
}

/* Where to end, with `near` bytes behind what was decoded up to `at`; soon after those, for each
 * byte more is looked at twice. */
size_t lac_match_stretch_end(struct lac_str t, size_t at)
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
    struct marks marks = {.base = *from};
    struct escape e;
    bool full = false;
    size_t at;

    if (*from < text.len)
        read_marks(&marks, text, *from);
    e = next_escape(&marks, text, *from, false);
    if (e.len == 0)
        return false;
    out->len = 0;
    out->tail = 0;
    at = lac_match_stretch_begin(text, *from, e.at);
    while (e.len > 0 && !full) {
        size_t escape = e.at;

        at = lac_match_put_plain(out, text, at, escape);
        full = at < escape || room(out) < sizeof(e.bytes);
        if (full)
            break;
        put_escape(out, &e);
        at += e.len;
        e = next_escape(&marks, text, at, e.query);
        if (e.at - at > 2 * near + CUT_ROOM)
            break; /* the next stretch begins with that one, behind where this one may end */
    }
    if (!full) {
        size_t end = lac_match_stretch_end(text, at);

        at = lac_match_put_plain(out, text, at, end);
        full = at < end;
    }
    out->map[out->len] = (uint32_t)at;
    *from = full ? at - near : at;
    return true;
}
