/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_match_decode.h"

#include <string.h>

#include "lac_match_detect.h"
#include "lac_match_front.h"
#include "lac_match_secret.h"
#include "lac_utf8.h"

enum {
    TEXT_LEAST = 6,  /* decoded bytes that are worth a look */
    CUT_LEAST = 16,  /* ... although what follows them is no text */
    LINE_LEAST = 40, /* characters of a line of wrapped base64 */
    GLUE_MAX = 24,   /* characters between two of them */
    STARTS_MAX = 8,  /* places of a line where encoded text is looked for */
    FIRST_STEP = 6,  /* bytes after which a run is looked at, first and later */
    STEP_MAX = 256,
    WIDE_FIRST = 96,
    WIDE_BYTES = 32766, /* of UTF-16 at once: groups of 6 are whole characters and whole digits */
};

/* ---- runs ---- */

static bool is_run_byte(unsigned char c)
{
    return lac_match_base64_value(c) >= 0;
}

/* Where the next line of a wrapped run begins, which may be indented, quoted, or the next of a
 * program's strings; 0: none does. */
static size_t next_line(struct lac_str t, size_t at)
{
    size_t next = lac_match_skip(t, at, "\"'\\,+ \r", GLUE_MAX);

    if (lac_match_byte(t, next) != '\n')
        return 0;
    next = lac_match_skip(t, next + 1, " \t>|\"'#*", GLUE_MAX);
    return is_run_byte(lac_match_byte(t, next)) ? next : 0;
}

/* Where the run that `at` lies in ends, over the line ends inside it. */
static size_t run_end(struct lac_str t, size_t first, size_t at)
{
    for (size_t line = first;; line = at) {
        size_t next;

        while (at < t.len && is_run_byte((unsigned char)t.ptr[at]))
            at++;
        next = at - line < LINE_LEAST ? 0 : next_line(t, at);
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

/* ---- what they decode into ---- */

static bool is_control(unsigned char c)
{
    return c < 0x20 ? c != '\n' && c != '\r' && c != '\t' : c == 0x7F;
}

/* How many bytes of `t` are text: printable, or a blank, or part of a well-formed character.
 * Nothing that was not text looks like that for long. */
static size_t text_length(struct lac_str t)
{
    size_t n = lac_utf8_valid_prefix(t);

    for (size_t i = 0; i < n; i++)
        if (is_control((unsigned char)t.ptr[i]))
            return i;
    return n;
}

/* The digits of a run on their way to bytes. */
struct digits {
    struct lac_str text;
    size_t at, end;
    bool hex;
    bool stopped; /* at what is no digit */
};

static int hex_digit(unsigned char c)
{
    return !lac_match_is_hex(c) ? -1 : c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Behind what parts two lines of a run that ends at `end`. */
static size_t line_behind(struct lac_str t, size_t at, size_t end)
{
    size_t next = next_line(t, at);

    return next && next < end ? next : end;
}

bool lac_match_run_line(struct lac_str text, size_t *from, size_t end, size_t *start, size_t *stop)
{
    if (*from >= end)
        return false;
    *start = *stop = *from;
    while (*stop < end && is_run_byte((unsigned char)text.ptr[*stop]))
        ++*stop;
    *from = line_behind(text, *stop, end);
    return true;
}

bool lac_match_run_is_wrapped(struct lac_str text, size_t start, size_t end)
{
    static const unsigned char widths[] = {60, 64, 68, 70, 72, 76, 78, 80, 96, 100, 120, 128};
    size_t from = start, at, stop, width = 0, line = 0;

    if (end - start <= LINE_LEAST) /* what follows a shorter line is no part of its run */
        return true;
    while (lac_match_run_line(text, &from, end, &at, &stop)) {
        if (from >= end) /* the last, or the only one */
            return line == 0 || (stop - at <= width && memchr(widths, (int)width, sizeof(widths)));
        if (line > 1 && stop - at != width)
            return false;
        /* What the first is shorter by may stand before it. */
        if (line < 2 && (stop - at < width || stop - at > widths[sizeof(widths) - 1]))
            return false;
        width = stop - at;
        line++;
    }
    return true;
}

/* The next digit, over what stands between lines; its place is `*from`. -1: none. */
static int next_digit(struct digits *d, size_t *from)
{
    while (d->at < d->end) {
        unsigned char c = (unsigned char)d->text.ptr[d->at];
        int value = d->hex ? hex_digit(c) : lac_match_base64_value(c);

        if (value >= 0) {
            *from = d->at++;
            return value;
        }
        if (is_run_byte(c)) {
            d->stopped = true;
            return -1;
        }
        d->at = line_behind(d->text, d->at, d->end);
    }
    return -1;
}

/* Four digits of base64 one behind the other, which nearly all are. */
static bool put_four(struct digits *d, struct lac_match_decoded *out)
{
    const unsigned char *p = (const unsigned char *)d->text.ptr + d->at;
    char *to = out->text + out->len;
    uint32_t *map = out->map + out->len;
    uint32_t bits = 0;
    int any = 0;

    if (d->end - d->at < 4)
        return false;
    for (unsigned i = 0; i < 4; i++) {
        int value = lac_match_base64_value(p[i]);

        any |= value; /* below 0: one of them is none */
        bits = bits << 6 | (uint32_t)value;
    }
    if (any < 0)
        return false;
    for (unsigned i = 0; i < 3; i++) {
        to[i] = (char)(bits >> (16 - 8 * i));
        map[i] = (uint32_t)(d->at + i);
    }
    out->len += 3;
    d->at += 4;
    return true;
}

/* Two digits are a byte, or four are three; at the end of a run two or three are one or two. False:
 * there are no more. */
static bool put_group(struct digits *d, struct lac_match_decoded *out)
{
    const unsigned size = d->hex ? 2 : 4, width = d->hex ? 4 : 6;
    size_t from[4], begin = d->at;
    uint32_t bits = 0;
    unsigned have = 0;

    if (!d->hex && put_four(d, out))
        return true;
    for (int value; have < size && (value = next_digit(d, &from[have])) >= 0; have++)
        bits = bits << width | (uint32_t)value;
    if (have < size) {
        /* six bits are no byte */
        if (d->stopped || d->hex || have == 1) {
            d->stopped = d->stopped || have > 0;
            d->at = have > 0 ? from[0] : begin;
            return false;
        }
        bits <<= width * (size - have);
    }
    for (unsigned i = 0; have > 0 && i < have * width / 8; i++) {
        out->text[out->len] = (char)(bits >> (width * size - 8 - 8 * i));
        out->map[out->len++] = (uint32_t)from[i];
    }
    return have == size;
}

/* ---- UTF-16, as Windows encodes commands and Java's programs texts ---- */

/* Whether texts begin with such a unit: of an alphabet, a punctuation mark, a full-width form, half
 * of a character beyond them. */
static bool is_text_unit(unsigned char high, unsigned char low)
{
    if (high == 0)
        return low >= 0xA0 || (low != 0 && low != 0x7F && low < 0x80 && !is_control(low));
    if (high == 0x20)
        return low < 0x70;
    if (high == 0xFF)
        return low > 0 && low < 0x5F;
    return high < 0x0F || high == 0x1E || high == 0x24 || high == 0xD8 || high >> 2 == 0xDC >> 2;
}

/* Whether three units begin a text, two of them in the same block: what is no UTF-16 has that once
 * in some ten thousand times. `high`: the upper byte of the first. */
static bool is_spread(const unsigned char *high, const unsigned char *low)
{
    for (size_t i = 0; i < FIRST_STEP; i += 2)
        if (!is_text_unit(high[i], low[i]))
            return false;
    return high[0] == high[2] || high[2] == high[4] || high[0] == high[4];
}

static enum lac_match_wide wide_of(const struct lac_match_decoded *d)
{
    const unsigned char *b = (const unsigned char *)d->text;

    if (d->len < FIRST_STEP)
        return LAC_MATCH_NARROW;
    if ((b[0] == 0xFF && b[1] == 0xFE) || is_spread(b + 1, b))
        return LAC_MATCH_WIDE_LITTLE;
    if ((b[0] == 0xFE && b[1] == 0xFF) || is_spread(b, b + 1))
        return LAC_MATCH_WIDE_BIG;
    return LAC_MATCH_NARROW;
}

static uint32_t unit_at(const struct lac_match_decoded *d, size_t at)
{
    const unsigned char *b = (const unsigned char *)d->text + at;

    return d->wide == LAC_MATCH_WIDE_LITTLE ? (uint32_t)b[1] << 8 | b[0]
                                            : (uint32_t)b[0] << 8 | b[1];
}

/* The bytes in the upper half become characters from the beginning on: three of two at most, so
 * that none is written over before it is read. */
static size_t narrow(struct lac_match_decoded *out, size_t from, size_t count)
{
    size_t len = 0, at = from;

    while (from + count - at >= 2) {
        uint32_t code = unit_at(out, at), place = out->map[at];
        size_t next = at + 2;

        if (code >= 0xD800 && code <= 0xDBFF && from + count - next >= 2) {
            uint32_t low = unit_at(out, next);

            if (low >= 0xDC00 && low <= 0xDFFF) {
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                next += 2;
            }
        }
        at = next;
        if (code == 0xFEFF)
            continue;
        if (code >= 0xD800 && code <= 0xDFFF)
            code = 0xFFFD;
        for (size_t n = lac_utf8_put(out->text + len, code); n > 0; n--)
            out->map[len++] = place;
    }
    return len;
}

/* Decodes `most` bytes at most. True: all of them are text, and there are more. */
static bool widen(struct digits *d, struct lac_match_decoded *out, size_t most)
{
    const size_t from = LAC_MATCH_DECODE_BYTES / 2;
    size_t count, end, good;

    out->len = from;
    while (out->len - from < most && put_group(d, out))
        continue;
    count = out->len - from;
    end = out->next = d->at;
    if (count == WIDE_BYTES) /* six bytes are whole characters and whole groups */
        out->next = out->map[from + (count - 2 * (size_t)LAC_MATCH_DECODE_OVERLAP) / 6 * 6];
    out->len = narrow(out, from, count);
    good = text_length((struct lac_str){out->text, out->len});
    if (good < out->len)
        out->next = end = out->map[good];
    out->goes_on = good == out->len && count >= most && !d->stopped && d->at < d->end;
    out->len = good;
    out->map[good] = (uint32_t)end;
    return out->goes_on;
}

/* In steps that are longer and longer, so that the work is some times what turns out to be text. */
static bool decode_wide(struct digits d, struct lac_match_decoded *out)
{
    size_t most = WIDE_FIRST;
    struct digits again;

    out->tail = 0; /* a character is of several digits */
    for (again = d; widen(&again, out, most) && most < WIDE_BYTES; again = d)
        most = most * 8 < WIDE_BYTES ? most * 8 : WIDE_BYTES;
    return out->len >= (out->next == d.end || out->goes_on ? TEXT_LEAST : CUT_LEAST);
}

/* ---- a run ---- */

/* Whether the text that a run would be begins as one can: nearly every name and hash does not. */
static bool may_begin_text(struct lac_str t, size_t start)
{
    unsigned char bytes[3];
    uint32_t bits = 0;

    for (size_t i = start; i < start + 4; i++) {
        int value = i < t.len ? lac_match_base64_value((unsigned char)t.ptr[i]) : -1;

        if (value < 0)
            return true;
        bits = bits << 6 | (uint32_t)value;
    }
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(bits >> (16 - 8 * i));
    /* Up to three bytes of a character may be there, or a mark or the first unit of UTF-16. */
    if (is_text_unit(bytes[1], bytes[0]) ||
        (bytes[0] == bytes[2] && is_text_unit(bytes[0], bytes[1])))
        return true;
    if (bytes[0] >= 0x80)
        return (bytes[0] >= 0xC2 && bytes[0] <= 0xF4 && (bytes[1] & 0xC0) == 0x80) ||
               bytes[0] >= 0xFE;
    return !is_control(bytes[0]) || (bytes[0] == 0 && bytes[2] == 0);
}

/* Decodes step by step, as long as it is text. `*good`: so many bytes are. True: that is all there
 * is, or as much as there is room for. */
static bool decode_text(struct digits *d, struct lac_match_decoded *out, bool goes_on, size_t *good)
{
    size_t step = FIRST_STEP;
    bool more = true;

    *good = 0;
    while (more && out->len + step + 3 <= LAC_MATCH_DECODE_BYTES) {
        size_t upto = out->len + step, least = *good;

        while (more && out->len < upto)
            more = put_group(d, out);
        /* A piece may begin inside of a character. */
        for (int i = 0; goes_on && *good == 0 && i < 3 && least < out->len &&
                        ((unsigned char)out->text[least] & 0xC0) == 0x80;
             i++)
            least++;
        *good = least + text_length((struct lac_str){out->text + least, out->len - least});
        /* ... and a step end there. */
        if (out->len - *good > 3 || (!more && *good < out->len) ||
            (*good < out->len && is_control((unsigned char)out->text[*good])))
            return false;
        step = step < STEP_MAX ? step * 4 : STEP_MAX;
    }
    return !d->stopped;
}

static bool decode(struct digits d, bool goes_on, struct lac_match_decoded *out)
{
    size_t begin = d.at, good;
    bool all;

    out->len = 0;
    out->tail = 2;
    out->goes_on = false;
    if (goes_on && out->wide != LAC_MATCH_NARROW)
        return decode_wide(d, out);
    all = decode_text(&d, out, goes_on, &good);
    out->wide = good < TEXT_LEAST && !goes_on ? wide_of(out) : LAC_MATCH_NARROW;
    if (out->wide != LAC_MATCH_NARROW) {
        d.at = begin;
        d.stopped = false;
        return decode_wide(d, out);
    }
    if (good < (all ? TEXT_LEAST : CUT_LEAST))
        return false;
    out->next = good < out->len ? out->map[good] : d.at;
    out->goes_on = all && d.at < d.end;
    out->len = good;
    out->map[good] = (uint32_t)out->next;
    if (out->goes_on) { /* four characters of base64 are three bytes, wherever lines end */
        good -= LAC_MATCH_DECODE_OVERLAP;
        out->next = out->map[good - good % 3];
    }
    return true;
}

/* Whether enough hex digits for a text stand there, as far as the run's first line tells: nearly
 * every name that begins with one goes on with another letter. */
static bool may_be_hex(struct lac_str t, size_t start, size_t end)
{
    for (size_t i = start; i < end && i < start + 2 * (size_t)TEXT_LEAST; i++)
        if (!lac_match_is_hex((unsigned char)t.ptr[i]))
            return !is_run_byte((unsigned char)t.ptr[i]);
    return true;
}

bool lac_match_decode(struct lac_str text, size_t start, size_t end, bool goes_on,
                      struct lac_match_decoded *out)
{
    struct digits d = {text, start, end, true, false};
    unsigned char first = lac_match_byte(text, start);

    if (!goes_on && first == '0' && (lac_match_byte(text, start + 1) | 0x20) == 'x')
        d.at += 2;
    else if (!goes_on && (first | 0x20) == 'x')
        d.at++;
    if (goes_on ? out->hex
                : lac_match_is_hex(lac_match_byte(text, d.at)) && may_be_hex(text, d.at, end)) {
        out->hex = true;
        if (decode(d, goes_on, out))
            return true;
    }
    if ((goes_on && out->hex) || (!goes_on && !may_begin_text(text, start)))
        return false;
    d.at = start;
    d.hex = out->hex = false;
    return decode(d, goes_on, out);
}

/* Where names and paths are joined. */
static bool is_joint(unsigned char c)
{
    return c == '/' || c == '-' || c == '_' || c == '+';
}

bool lac_match_decode_part(struct lac_str text, size_t *from, size_t end, bool refused,
                           struct lac_match_decoded *out)
{
    unsigned starts = 0; /* of a line: what does not decode is soon known not to */
    size_t at = *from;

    while (end - at >= LAC_MATCH_DECODE_RUN_LEAST) {
        bool joint = false;

        if (starts++ < STARTS_MAX && !refused && lac_match_decode(text, at, end, false, out)) {
            *from = out->next;
            return true;
        }
        refused = false;
        while (at < end && is_run_byte((unsigned char)text.ptr[at]) && !joint)
            joint = is_joint((unsigned char)text.ptr[at++]) && starts < STARTS_MAX;
        if (joint || at == end)
            continue;
        at = line_behind(text, at, end);
        starts = 0;
    }
    *from = end;
    return false;
}
