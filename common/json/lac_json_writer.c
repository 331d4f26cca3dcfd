/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "lac_assert.h"
#include "lac_utf8.h"

/* Every value starts here: inside an object it needs a key, elsewhere maybe a comma, which is
 * returned; otherwise 0. */
static char comma_before(struct lac_json_writer *w)
{
    char comma = w->_comma ? ',' : 0;

    LAC_ASSERT(w->_in_object == w->_pending);
    LAC_ASSERT(w->_depth > 0 || !w->_comma); /* one value per document */
    w->_pending = false;
    w->_comma = true;
    return comma;
}

static void before_value(struct lac_json_writer *w)
{
    char comma = comma_before(w);

    if (comma)
        lac_buf_put_char(w->buf, comma);
}

static void open_level(struct lac_json_writer *w, char bracket, bool object)
{
    uint64_t bit;

    before_value(w);
    LAC_ASSERT(w->_depth < LAC_JSON_DEPTH_MAX);
    bit = UINT64_C(1) << w->_depth;
    w->_objects = object ? w->_objects | bit : w->_objects & ~bit;
    w->_in_object = object;
    w->_depth++;
    w->_comma = false;
    lac_buf_put_char(w->buf, bracket);
}

static void close_level(struct lac_json_writer *w, char bracket, bool object)
{
    LAC_ASSERT(w->_depth > 0 && w->_in_object == object && !w->_pending);
    w->_depth--;
    w->_in_object = w->_depth > 0 && (w->_objects >> (w->_depth - 1) & 1);
    w->_comma = true;
    lac_buf_put_char(w->buf, bracket);
}

void lac_json_begin(struct lac_json_writer *w, struct lac_buf *buf)
{
    *w = (struct lac_json_writer){.buf = buf};
}

bool lac_json_done(const struct lac_json_writer *w)
{
    return w->_depth == 0 && w->_comma && lac_buf_ok(w->buf);
}

void lac_json_open_object(struct lac_json_writer *w)
{
    open_level(w, '{', true);
}

void lac_json_close_object(struct lac_json_writer *w)
{
    close_level(w, '}', true);
}

void lac_json_open_array(struct lac_json_writer *w)
{
    open_level(w, '[', false);
}

void lac_json_close_array(struct lac_json_writer *w)
{
    close_level(w, ']', false);
}

/* Whether eight bytes all stand for themselves: no control, quote, backslash, DEL or high byte. */
static bool eight_plain(const char *p)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones * 0x80;
    uint64_t x, quote, slash, del;

    memcpy(&x, p, sizeof(x));
    quote = x ^ ones * '"';
    slash = x ^ ones * '\\';
    del = x ^ ones * 0x7F;
    /* (y - ones) & ~y has a byte's high bit set where y has a zero byte; a borrow can only add
     * marks above a true one, and one is enough. */
    return ((x | ((x - ones * 0x20) & ~x) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
             ((del - ones) & ~del)) &
            highs) == 0;
}

#ifdef __SSE2__ /* every x86-64; others take eight bytes at a time */
/* Those of sixteen bytes that don't. As signed numbers high bytes are below all others. */
static unsigned special_of(const char *p)
{
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i bad = _mm_cmplt_epi8(x, _mm_set1_epi8(0x20));

    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(x, _mm_set1_epi8('"')));
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7F)));
    return (unsigned)_mm_movemask_epi8(bad);
}
#endif

size_t lac_json_plain_prefix(struct lac_str s)
{
    size_t n = 0;

#ifdef __SSE2__
    while (s.len >= 16) {
        unsigned special = special_of(s.ptr + n);

        if (special)
            return n + (unsigned)__builtin_ctz(special);
        if (s.len - n == 16)
            return s.len;
        n = s.len - n > 32 ? n + 16 : s.len - 16; /* the last may overlap the ones before */
    }
#endif
    while (s.len - n >= 8 && eight_plain(s.ptr + n))
        n += 8;
    while (n < s.len) {
        unsigned char c = (unsigned char)s.ptr[n];

        if (c < 0x20 || c == '"' || c == '\\' || c >= 0x7F)
            break;
        n++;
    }
    return n;
}

static void put_escaped(struct lac_buf *b, unsigned char c)
{
    static const char letters[] = "btn\0fr"; /* 0x08 to 0x0D; 0x0B has none */

    if (c == '"' || c == '\\')
        lac_buf_put(b, (const char[]){'\\', (char)c}, 2);
    else if (c >= 0x08 && c <= 0x0D && c != 0x0B)
        lac_buf_put(b, (const char[]){'\\', letters[c - 0x08]}, 2);
    else
        lac_buf_printf(b, "\\u%04x", c);
}

/* Needs escaping or a look at its UTF-8. */
static void put_quoted_slow(struct lac_buf *b, struct lac_str s)
{
    lac_buf_put_char(b, '"');
    while (s.len > 0) {
        size_t n = lac_json_plain_prefix(s), at = 0;

        lac_buf_put(b, s.ptr, n);
        s.ptr += n;
        s.len -= n;
        if (s.len == 0)
            break;
        if ((unsigned char)s.ptr[0] <= 0x7F) {
            put_escaped(b, (unsigned char)s.ptr[0]);
            at = 1;
        } else if (lac_utf8_next(s, &at) == (uint32_t)LAC_UTF8_BAD) {
            lac_buf_put(b, "\xEF\xBF\xBD", 3); /* U+FFFD */
        } else {
            lac_buf_put(b, s.ptr, at);
        }
        s.ptr += at;
        s.len -= at;
    }
    lac_buf_put_char(b, '"');
}

/* `before` and `after` are single bytes around the quotes, 0 for none. */
static void put_quoted(struct lac_buf *b, char before, struct lac_str s, char after)
{
    char *to = lac_json_plain_prefix(s) == s.len ? lac_buf_reserve(b, s.len + 4) : NULL;

    if (to) {
        char *at = to;
        if (before)
            *at++ = before;
        *at++ = '"';
        if (s.len)
            memcpy(at, s.ptr, s.len);
        at += s.len;
        *at++ = '"';
        if (after)
            *at++ = after;
        lac_buf_commit(b, (size_t)(at - to));
        return;
    }
    if (before)
        lac_buf_put_char(b, before);
    put_quoted_slow(b, s);
    if (after)
        lac_buf_put_char(b, after);
}

/* Decimal digits of `v`, at least `width` of them; returns how many. */
static size_t put_digits(char *to, uint64_t v, size_t width)
{
    char digits[20];
    size_t n = 0;

    if (v < 10 && width <= 1) { /* nearly all there are */
        to[0] = (char)('0' + v);
        return 1;
    }
    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v || n < width);
    for (size_t i = 0; i < n; i++)
        to[i] = digits[n - 1 - i];
    return n;
}

void lac_json_key_str(struct lac_json_writer *w, struct lac_str key)
{
    LAC_ASSERT(w->_in_object && !w->_pending);
    put_quoted(w->buf, w->_comma ? ',' : 0, key, ':');
    w->_comma = false;
    w->_pending = true;
}

void lac_json_key(struct lac_json_writer *w, const char *key)
{
    lac_json_key_str(w, lac_str_from(key));
}

void lac_json_put_str(struct lac_json_writer *w, struct lac_str s)
{
    if (s.ptr)
        put_quoted(w->buf, comma_before(w), s, 0);
    else
        lac_json_put_null(w);
}

void lac_json_put_text(struct lac_json_writer *w, const char *text)
{
    lac_json_put_str(w, lac_str_from(text));
}

void lac_json_put_int(struct lac_json_writer *w, int64_t v)
{
    char text[24];
    size_t n = 0;
    uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    before_value(w);
    if (v < 0)
        text[n++] = '-';
    n += put_digits(text + n, size, 1);
    lac_buf_put(w->buf, text, n);
}

void lac_json_put_uint(struct lac_json_writer *w, uint64_t v)
{
    char text[24];

    before_value(w);
    lac_buf_put(w->buf, text, put_digits(text, v, 1));
}

void lac_json_put_bool(struct lac_json_writer *w, bool v)
{
    before_value(w);
    lac_buf_put_text(w->buf, v ? "true" : "false");
}

void lac_json_put_null(struct lac_json_writer *w)
{
    before_value(w);
    lac_buf_put_text(w->buf, "null");
}

void lac_json_put_ppm(struct lac_json_writer *w, uint32_t ppm)
{
    enum { PLACES = 6, MOST = 24 };
    char comma = comma_before(w), *text = lac_buf_reserve(w->buf, MOST);
    uint32_t rest = ppm % 1000000;
    size_t n = 0;

    if (!text)
        return;
    if (comma)
        text[n++] = comma;
    n += put_digits(text + n, ppm / 1000000, 1);
    if (rest) {
        text[n++] = '.';
        for (uint32_t unit = 100000; rest; unit /= 10) { /* up to the last one that is not 0 */
            text[n++] = (char)('0' + rest / unit);
            rest %= unit;
        }
    }
    lac_buf_commit(w->buf, n);
}

static void put_thousandths(struct lac_json_writer *w, uint64_t v)
{
    char text[24];
    size_t n = put_digits(text, v / 1000, 1);

    text[n++] = '.';
    n += put_digits(text + n, v % 1000, 3);
    while (text[n - 1] == '0' && text[n - 2] != '.')
        n--;
    before_value(w);
    lac_buf_put(w->buf, text, n);
}

void lac_json_put_real(struct lac_json_writer *w, double v)
{
    char text[40], *comma;

    if (!isfinite(v)) {
        lac_json_put_null(w);
        return;
    }
    /* Thousandths, as latencies are: with at most 15 digits their decimal is exact both ways. */
    double thousandths = v * 1000;
    if (v >= 0 && thousandths < 1e12 && thousandths == floor(thousandths) &&
        thousandths / 1000 == v && !signbit(v)) {
        put_thousandths(w, (uint64_t)thousandths);
        return;
    }
    before_value(w);
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    /* A program may have set a locale whose decimal point is something else. */
    comma = strchr(text, ',');
    if (comma)
        *comma = '.';
    lac_buf_put_text(w->buf, text);
    if (!strpbrk(text, ".e")) /* still a number with a fraction when it is read back */
        lac_buf_put_text(w->buf, ".0");
}

void lac_json_put_hex(struct lac_json_writer *w, const void *data, size_t size)
{
    char *to;

    before_value(w);
    to = size <= SIZE_MAX / 2 - 1 ? lac_buf_reserve(w->buf, 2 * size + 2) : NULL;
    if (!to) {
        w->buf->failed = true;
        return;
    }
    to[0] = '"';
    lac_hex_encode(to + 1, data, size);
    to[2 * size + 1] = '"';
    lac_buf_commit(w->buf, 2 * size + 2);
}

/* Recursion is bounded: a parsed value is at most LAC_JSON_DEPTH_MAX deep. */
void lac_json_put_value(struct lac_json_writer *w, const struct lac_json *v)
{
    switch (lac_json_kind(v)) {
    case LAC_JSON_NULL:
        lac_json_put_null(w);
        break;
    case LAC_JSON_BOOL:
        lac_json_put_bool(w, lac_json_bool(v));
        break;
    case LAC_JSON_INT:
        lac_json_put_int(w, lac_json_int(v));
        break;
    case LAC_JSON_REAL:
        lac_json_put_real(w, lac_json_real(v));
        break;
    case LAC_JSON_STRING:
        lac_json_put_str(w, lac_json_string(v));
        break;
    case LAC_JSON_ARRAY:
        lac_json_open_array(w);
        for (size_t i = 0; i < lac_json_size(v); i++)
            lac_json_put_value(w, lac_json_item(v, i));
        lac_json_close_array(w);
        break;
    case LAC_JSON_OBJECT:
        lac_json_open_object(w);
        for (struct lac_json_member m = {0}; lac_json_next(v, &m);) {
            lac_json_key_str(w, m.key);
            lac_json_put_value(w, m.value);
        }
        lac_json_close_object(w);
        break;
    }
}

void lac_json_put_raw(struct lac_json_writer *w, struct lac_str json)
{
    before_value(w);
    lac_buf_put_str(w->buf, json);
}
