/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two views of a field: plain (NFKC, nothing invisible) and folded (case-folded as well, with
 * separators as single blanks). ASCII, nearly all there is, goes byte by byte through a table;
 * anything else cluster by cluster (a base character and what combines with it) through utf8proc.
 */
#include "lac_match_internal.h"

#include <string.h>
#include <utf8proc.h>

#include "lac_match_alike.h"
#include "lac_match_detect.h"
#include "lac_utf8.h"

enum {
    CLUSTER_MAX = 32,                /* code points; longer piles of marks are cut */
    EXPANDED_MAX = CLUSTER_MAX * 18, /* NFKC makes at most 18 of one (U+FDFA) */
};

/* ASCII: itself, its lower case, or ' ' for a separator. */
const unsigned char lac_match_fold_table[256] = {
    ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',
    ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',  ' ',
    ' ',  '!',  '"',  '#',  '$',  '%',  '&',  '\'', '(',  ')',  '*',  '+',  ',',  ' ',  '.',  '/',
    '0',  '1',  '2',  '3',  '4',  '5',  '6',  '7',  '8',  '9',  ':',  ';',  '<',  '=',  '>',  '?',
    '@',  'a',  'b',  'c',  'd',  'e',  'f',  'g',  'h',  'i',  'j',  'k',  'l',  'm',  'n',  'o',
    'p',  'q',  'r',  's',  't',  'u',  'v',  'w',  'x',  'y',  'z',  '[',  '\\', ']',  '^',  ' ',
    '`',  'a',  'b',  'c',  'd',  'e',  'f',  'g',  'h',  'i',  'j',  'k',  'l',  'm',  'n',  'o',
    'p',  'q',  'r',  's',  't',  'u',  'v',  'w',  'x',  'y',  'z',  '{',  '|',  '}',  '~',  ' ',
    0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f,
    0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f,
    0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf,
    0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xbb, 0xbc, 0xbd, 0xbe, 0xbf,
    0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf,
    0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf,
    0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xec, 0xed, 0xee, 0xef,
    0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff,
};

struct folder {
    struct lac_match_view *folded;
    struct lac_match_view *plain; /* NULL: not wanted */
    bool full;
};

static void put(struct lac_match_view *v, unsigned char c, size_t from, bool *full)
{
    if (v->len >= v->capacity) {
        *full = true;
        return;
    }
    v->text[v->len] = (char)c;
    if (v->map)
        v->map[v->len] = (uint32_t)from;
    v->len++;
}

/* Separators run together: "project  apollo" and "project -\n apollo" are one phrase. */
static void put_folded(struct folder *f, unsigned char c, size_t from)
{
    struct lac_match_view *v = f->folded;

    c = lac_match_fold_table[c];
    if (c == ' ' && v->len > 0 && v->text[v->len - 1] == ' ')
        return;
    put(v, c, from, &f->full);
}

static void put_plain(struct folder *f, unsigned char c, size_t from)
{
    if (f->plain)
        put(f->plain, c, from, &f->full);
}

/* Blanks that NFKC does not make one: those of other scripts, line and paragraph ends, and what
 * Braille and Hangul leave empty. */
static bool is_blank_code(uint32_t code, const utf8proc_property_t *p)
{
    return p->category == UTF8PROC_CATEGORY_ZS || p->category == UTF8PROC_CATEGORY_ZL ||
           p->category == UTF8PROC_CATEGORY_ZP || code == 0x2800 || code == 0x3164 ||
           code == 0xFFA0;
}

static bool combines(uint32_t code, const utf8proc_property_t *p)
{
    if (is_blank_code(code, p))
        return false;
    return p->combining_class != 0 || p->category == UTF8PROC_CATEGORY_MN ||
           p->category == UTF8PROC_CATEGORY_MC || p->category == UTF8PROC_CATEGORY_ME ||
           p->ignorable || (code >= 0x1160 && code <= 0x11FF); /* Jamo vowels and finals */
}

/* Non-ASCII punctuation, symbols, blanks and controls part words, like their ASCII relatives; the
 * full-width forms become ASCII first. */
static bool separates(uint32_t code, const utf8proc_property_t *p)
{
    if (code >= 0xFF00 && code <= 0xFFEF)
        return false;
    switch (p->category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_CN:
        return false;
    default:
        return true;
    }
}

/* Normalises one cluster into UTF-8; returns bytes at `out`, 0 when nothing visible is left. */
static size_t normalise(struct lac_str cluster, bool fold, utf8proc_int32_t *out)
{
    utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                UTF8PROC_IGNORE | (fold ? UTF8PROC_CASEFOLD : 0);
    utf8proc_ssize_t n;

    n = utf8proc_decompose((const utf8proc_uint8_t *)cluster.ptr, (utf8proc_ssize_t)cluster.len,
                           out, EXPANDED_MAX, options);
    if (n <= 0 || n > EXPANDED_MAX)
        return 0;
    n = utf8proc_reencode(out, n, options);
    return n > 0 ? (size_t)n : 0;
}

/* Marks that make no other character of a letter or digit of ASCII only decorate it: keycaps,
 * strokes through it. */
static size_t without_marks(uint32_t base, const unsigned char *cluster, size_t n)
{
    return n > 1 && cluster[1] >= 0x80 && lac_match_is_alnum(base) && cluster[0] < 0x80 ? 1 : n;
}

/* Length of the cluster at `at`; 0 for a malformed byte. */
static size_t cluster_len(struct lac_str text, size_t at, uint32_t *base)
{
    size_t next = at;
    size_t n = 1;

    *base = lac_utf8_next(text, &next);
    if (*base == LAC_UTF8_BAD)
        return 0;
    while (next < text.len && (unsigned char)text.ptr[next] >= 0x80 && n < CLUSTER_MAX) {
        size_t behind = next;
        uint32_t code = lac_utf8_next(text, &behind);

        if (code == LAC_UTF8_BAD || !combines(code, utf8proc_get_property((utf8proc_int32_t)code)))
            break;
        next = behind;
        n++;
    }
    return next - at;
}

/* Handles what begins at `at` and is not plain ASCII; returns its length. */
static size_t fold_cluster(struct folder *f, struct lac_str text, size_t at, bool *bad)
{
    /* One cell more: utf8proc_reencode() ends its text with a NUL. */
    utf8proc_int32_t out[EXPANDED_MAX + 1];
    const unsigned char *bytes = (const unsigned char *)out;
    uint32_t base;
    size_t len = cluster_len(text, at, &base);
    struct lac_str cluster = {text.ptr + at, len};
    char alike;
    size_t n;

    if (len == 0) {
        *bad = true;
        put_folded(f, ' ', at);
        put_plain(f, ' ', at);
        return 1;
    }
    alike = lac_match_alike(text, at, at + len, base);
    if (alike) {
        put_plain(f, (unsigned char)alike, at);
        put_folded(f, (unsigned char)alike, at);
        return len;
    }
    if (base >= 0x80 && is_blank_code(base, utf8proc_get_property((utf8proc_int32_t)base))) {
        put_plain(f, ' ', at);
        put_folded(f, ' ', at);
        return len;
    }
    n = without_marks(base, bytes, normalise(cluster, false, out));
    for (size_t i = 0; i < n; i++)
        put_plain(f, bytes[i], at);
    if (base >= 0x80 && separates(base, utf8proc_get_property((utf8proc_int32_t)base)) && n > 0) {
        put_folded(f, ' ', at);
        return len;
    }
    n = without_marks(base, bytes, normalise(cluster, true, out));
    for (size_t i = 0; i < n; i++)
        put_folded(f, bytes[i], at);
    return len;
}

/* How many bytes from `at` on, `most` at most, are ASCII with another one behind: nothing combines
 * with them. */
static size_t plain_run(struct lac_str text, size_t at, size_t most)
{
    size_t end = text.len - at > most ? at + most : text.len;
    size_t i = at;

    for (; i + 8 <= end; i += 8) {
        uint64_t x;

        memcpy(&x, text.ptr + i, sizeof(x));
        if (x & 0x8080808080808080u)
            break;
    }
    while (i < end && (unsigned char)text.ptr[i] < 0x80)
        i++;
    return i < text.len && i > at ? i - 1 - at : i - at;
}

/* Such a run at once, as far as there is room. Returns how many bytes of it were taken. */
static size_t fold_run(struct folder *f, struct lac_str text, size_t at)
{
    struct lac_match_view *v = f->folded;
    size_t room = v->capacity - v->len;
    size_t len = v->len;
    unsigned char before = len > 0 ? (unsigned char)v->text[len - 1] : 0;
    size_t n;

    if (f->plain && f->plain->capacity - f->plain->len < room)
        room = f->plain->capacity - f->plain->len;
    n = plain_run(text, at, room);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = lac_match_fold_byte(text.ptr[at + i]);

        v->text[len] = (char)c;
        if (v->map)
            v->map[len] = (uint32_t)(at + i);
        len += c != ' ' || before != ' ';
        before = c;
    }
    v->len = len;
    for (size_t i = 0; f->plain && f->plain->map && i < n; i++)
        f->plain->map[f->plain->len + i] = (uint32_t)(at + i);
    if (f->plain) {
        memcpy(f->plain->text + f->plain->len, text.ptr + at, n);
        f->plain->len += n;
    }
    return n;
}

/* Returns how many bytes of `text` were taken. */
static size_t fold_text(struct folder *f, struct lac_str text, bool *bad)
{
    size_t i = 0;

    while (i < text.len && !f->full) {
        unsigned char c = (unsigned char)text.ptr[i];
        size_t folded_before = f->folded->len;
        size_t plain_before = f->plain ? f->plain->len : 0;
        size_t step = fold_run(f, text, i);

        if (step > 0) {
            i += step;
            continue;
        }
        step = 1;
        if (c < 0x80 && (i + 1 == text.len || (unsigned char)text.ptr[i + 1] < 0x80)) {
            put_folded(f, c, i);
            put_plain(f, c, i);
        } else {
            step = fold_cluster(f, text, i, bad);
        }
        if (f->full) { /* take no half cluster */
            f->folded->len = folded_before;
            if (f->plain)
                f->plain->len = plain_before;
            break;
        }
        i += step;
    }
    return i;
}

void lac_match_views(struct lac_match_scratch *s, struct lac_str text, struct lac_match_hits *hits)
{
    struct folder f = {&s->folded, &s->copy, false};
    size_t taken;

    if (text.len > s->field_bytes) {
        hits->over_limit = true;
        text.len = s->field_bytes;
        /* Not in the middle of a character: that would look malformed. */
        while (text.len > 0 && ((unsigned char)text.ptr[text.len] & 0xC0) == 0x80)
            text.len--;
    }
    s->text = text;
    s->folded.len = 0;
    s->copy.len = 0;
    s->ascii = s->front->is_ascii((const unsigned char *)text.ptr, text.len);
    s->plain = text;
    if (s->ascii)
        return;
    taken = fold_text(&f, text, &hits->undecodable);
    hits->over_limit = hits->over_limit || taken < text.len;
    s->folded.map[s->folded.len] = (uint32_t)taken;
    s->copy.map[s->copy.len] = (uint32_t)taken;
    s->plain = (struct lac_str){s->copy.text, s->copy.len};
}

size_t lac_match_view_find(const struct lac_match_view *v, size_t at)
{
    size_t low = 0;
    size_t high = v->len;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (v->map[mid] < at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Scripts that are written without blanks between words, and Hangul, whose particles cling. */
static bool is_unspaced(uint32_t c)
{
    return (c >= 0x0E00 && c <= 0x0EFF) || (c >= 0x1000 && c <= 0x109F) ||
           (c >= 0x1780 && c <= 0x17FF) || (c >= 0x3040 && c <= 0x30FF) ||
           (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xAC00 && c <= 0xD7AF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

/* The character that ends before `i` (or begins at it), 0 at the edge. */
static uint32_t char_near(struct lac_str t, size_t i, bool behind)
{
    size_t at = i;

    if (behind ? i >= t.len : i == 0)
        return 0;
    if (!behind)
        do
            at--;
        while (at > 0 && i - at < 4 && ((unsigned char)t.ptr[at] & 0xC0) == 0x80);
    return lac_utf8_next(t, &at);
}

bool lac_match_boundary(struct lac_str folded, size_t i)
{
    unsigned char left = lac_match_before(folded, i);
    unsigned char right = lac_match_byte(folded, i);

    uint32_t before, behind;
    bool word_before, word_behind;

    if ((left | right) < 0x80) /* nearly always */
        return !lac_match_is_alnum(left) || !lac_match_is_alnum(right);
    before = char_near(folded, i, false);
    behind = char_near(folded, i, true);
    word_before = before >= 0x80 || lac_match_is_alnum(before);
    word_behind = behind >= 0x80 || lac_match_is_alnum(behind);
    return !word_before || !word_behind || is_unspaced(before) || is_unspaced(behind);
}

size_t lac_match_fold(char *out, size_t capacity, struct lac_str text)
{
    struct lac_match_view v = {.capacity = capacity};
    struct folder f = {&v, NULL, false};
    bool bad = false;

    v.text = out;
    if (fold_text(&f, text, &bad) < text.len || f.full)
        return SIZE_MAX;
    return v.len;
}
