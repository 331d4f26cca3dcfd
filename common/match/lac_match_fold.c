/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two views of a field: plain (NFKC, nothing invisible) and folded (case-folded as well, with
 * separators as single blanks). ASCII, nearly all there is, goes byte by byte through a table;
 * anything else cluster by cluster (a base character and what combines with it) through utf8proc,
 * and what becomes of a character on its own is kept.
 */
#include "lac_match_internal.h"

#include <string.h>
#ifdef __x86_64__
#include <emmintrin.h>
#endif

#include "lac_match_detect.h"
#include "lac_match_glyph.h"
#include "lac_utf8.h"

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

enum { FOLD_STEP = 16 };

/* map[0 .. n) = from, from + 1 ... */
static void put_numbers(uint32_t *map, size_t from, size_t n)
{
    size_t i = 0;

#ifdef __x86_64__
    __m128i x = _mm_add_epi32(_mm_set1_epi32((int)(uint32_t)from), _mm_setr_epi32(0, 1, 2, 3));

    for (; n - i >= 4; i += 4, x = _mm_add_epi32(x, _mm_set1_epi32(4)))
        _mm_storeu_si128((__m128i *)(void *)(map + i), x);
#endif
    for (; i < n; i++)
        map[i] = (uint32_t)(from + i);
}

#ifdef __x86_64__
/* Sixteen bytes of ASCII as the table has them. False: there are blanks to be run together, of
 * which one may be the byte before. */
static bool fold_step(const char *bytes, char before, char *out)
{
    const __m128i blank = _mm_set1_epi8(' ');
    __m128i c = _mm_loadu_si128((const __m128i *)(const void *)bytes);
    __m128i upper = _mm_and_si128(_mm_cmpgt_epi8(c, _mm_set1_epi8('A' - 1)),
                                  _mm_cmplt_epi8(c, _mm_set1_epi8('Z' + 1)));
    __m128i parts = _mm_or_si128(_mm_or_si128(_mm_cmplt_epi8(c, _mm_set1_epi8(' ' + 1)),
                                              _mm_cmpeq_epi8(c, _mm_set1_epi8('-'))),
                                 _mm_or_si128(_mm_cmpeq_epi8(c, _mm_set1_epi8('_')),
                                              _mm_cmpeq_epi8(c, _mm_set1_epi8(0x7F))));
    unsigned blanks = (unsigned)_mm_movemask_epi8(parts);

    c = _mm_or_si128(c, _mm_and_si128(upper, blank)); /* ' ' is a letter's case, too */
    c = _mm_or_si128(_mm_andnot_si128(parts, c), _mm_and_si128(parts, blank));
    _mm_storeu_si128((__m128i *)(void *)out, c);
    return !(blanks & (blanks << 1 | (before == ' ')));
}
#else
static bool fold_step(const char *bytes, char before, char *out)
{
    (void)bytes;
    (void)before;
    (void)out;
    return false;
}
#endif

/* Puts the ASCII at [at, at + n) of the text, which has room. */
static void put_ascii(struct lac_match_view *v, struct lac_str text, size_t at, size_t n)
{
    size_t end = at + n;

    while (at < end) {
        char before = 0;
        size_t step = end - at < FOLD_STEP ? end - at : FOLD_STEP;

        if (v->len > 0)
            before = v->text[v->len - 1];
        if (step == FOLD_STEP && fold_step(text.ptr + at, before, v->text + v->len)) {
            if (v->map)
                put_numbers(v->map + v->len, at, FOLD_STEP);
            v->len += FOLD_STEP;
            at += FOLD_STEP;
            continue;
        }
        for (size_t to = at + step; at < to; at++) {
            char c = (char)lac_match_fold_byte(text.ptr[at]);

            v->text[v->len] = c;
            if (v->map)
                v->map[v->len] = (uint32_t)at;
            v->len += c != ' ' || before != ' ';
            before = c;
        }
    }
}

/* Such a run at once, as far as there is room. Returns how many bytes of it were taken. */
static size_t fold_run(struct lac_match_folder *f, struct lac_str text, size_t at)
{
    struct lac_match_view *plain = f->plain;
    size_t room = f->folded->capacity - f->folded->len;
    size_t n;

    if (plain && plain->capacity - plain->len < room)
        room = plain->capacity - plain->len;
    n = plain_run(text, at, room);
    put_ascii(f->folded, text, at, n);
    if (plain && plain->map)
        put_numbers(plain->map + plain->len, at, n);
    if (plain) {
        memcpy(plain->text + plain->len, text.ptr + at, n);
        plain->len += n;
    }
    return n;
}

/* Returns how many bytes of `text` were taken. */
static size_t fold_text(struct lac_match_folder *f, struct lac_str text, bool *bad)
{
    size_t i = 0;

    while (i < text.len && !f->full) {
        unsigned char c = (unsigned char)text.ptr[i];
        size_t folded_before = f->folded->len;
        size_t plain_before = f->plain ? f->plain->len : 0;
        size_t step = fold_run(f, text, i);

        if (step == 0)
            step = lac_match_fold_glyphs(f, text, i);
        if (step == 0)
            step = lac_match_fold_pile(f, text, i);
        if (step > 0) {
            i += step;
            continue;
        }
        step = 1;
        if (c < 0x80 && (i + 1 == text.len || (unsigned char)text.ptr[i + 1] < 0x80)) {
            lac_match_put_both(f, c, i);
        } else {
            step = lac_match_fold_cluster(f, text, i, bad);
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
    struct lac_match_folder f = {.folded = &s->folded, .plain = &s->copy, .glyphs = s->glyphs};
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
    struct lac_match_folder f = {.folded = &v};
    bool bad = false;

    v.text = out;
    if (fold_text(&f, text, &bad) < text.len || f.full)
        return SIZE_MAX;
    return v.len;
}
