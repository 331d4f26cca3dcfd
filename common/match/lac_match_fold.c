/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two views of a field: plain (NFKC, nothing invisible) and folded (case-folded as well, with
 * separators as single blanks). ASCII, nearly all there is, goes byte by byte through a table;
 * anything else cluster by cluster (a base character and what combines with it) through utf8proc.
 */
#include "lac_match_internal.h"

#include <string.h>
#include <utf8proc.h>

#include "lac_utf8.h"

enum {
    CLUSTER_MAX = 32,                /* code points; longer piles of marks are cut */
    EXPANDED_MAX = CLUSTER_MAX * 18, /* NFKC makes at most 18 of one (U+FDFA) */
};

/* What a byte of ASCII is in the folded view: itself, its lower case, or ' ' for a separator. */
static const unsigned char fold_table[128] = {
    ' ', ' ',  ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ',  ' ', ' ',
    ' ', ' ',  ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', '!', '"', '#',  '$', '%',
    '&', '\'', '(', ')', '*', '+', ',', ' ', '.', '/', '0', '1', '2', '3', '4', '5', '6',  '7', '8',
    '9', ':',  ';', '<', '=', '>', '?', '@', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i',  'j', 'k',
    'l', 'm',  'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '[', '\\', ']', '^',
    ' ', '`',  'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',  'p', 'q',
    'r', 's',  't', 'u', 'v', 'w', 'x', 'y', 'z', '{', '|', '}', '~', ' ',
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

    if (c < 0x80)
        c = fold_table[c];
    if (c == ' ' && v->len > 0 && v->text[v->len - 1] == ' ')
        return;
    put(v, c, from, &f->full);
}

static void put_plain(struct folder *f, unsigned char c, size_t from)
{
    if (f->plain)
        put(f->plain, c, from, &f->full);
}

static bool combines(uint32_t code, const utf8proc_property_t *p)
{
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
    size_t n;

    if (len == 0) {
        *bad = true;
        put_folded(f, ' ', at);
        put_plain(f, ' ', at);
        return 1;
    }
    n = normalise(cluster, false, out);
    for (size_t i = 0; i < n; i++)
        put_plain(f, bytes[i], at);
    if (base >= 0x80 && separates(base, utf8proc_get_property((utf8proc_int32_t)base)) && n > 0) {
        put_folded(f, ' ', at);
        return len;
    }
    n = normalise(cluster, true, out);
    for (size_t i = 0; i < n; i++)
        put_folded(f, bytes[i], at);
    return len;
}

/* Returns how many bytes of `text` were taken. */
static size_t fold_text(struct folder *f, struct lac_str text, bool *bad)
{
    size_t i = 0;

    while (i < text.len && !f->full) {
        unsigned char c = (unsigned char)text.ptr[i];
        size_t folded_before = f->folded->len;
        size_t plain_before = f->plain ? f->plain->len : 0;
        size_t step = 1;

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

static bool is_ascii(struct lac_str text)
{
    unsigned char all = 0;

    for (size_t i = 0; i < text.len; i++)
        all |= (unsigned char)text.ptr[i];
    return all < 0x80;
}

/* The usual case: every byte stands for itself and always fits. */
static void fold_pure_ascii(struct lac_match_view *v, struct lac_str text)
{
    unsigned char last = 0;
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = fold_table[(unsigned char)text.ptr[i]];

        v->text[n] = (char)c;
        v->map[n] = (uint32_t)i;
        n += !(c == ' ' && last == ' ');
        last = c;
    }
    v->len = n;
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
    if (is_ascii(text)) {
        fold_pure_ascii(&s->folded, text);
        s->folded.map[s->folded.len] = (uint32_t)text.len;
        s->plain = text;
        s->plain_map = NULL;
        return;
    }
    taken = fold_text(&f, text, &hits->undecodable);
    hits->over_limit = hits->over_limit || taken < text.len;
    s->folded.map[s->folded.len] = (uint32_t)taken;
    s->copy.map[s->copy.len] = (uint32_t)taken;
    s->plain = (struct lac_str){s->copy.text, s->copy.len};
    s->plain_map = s->copy.map;
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
    uint32_t before = char_near(folded, i, false);
    uint32_t behind = char_near(folded, i, true);
    bool word_before = before >= 0x80 || lac_match_is_alnum(before);
    bool word_behind = behind >= 0x80 || lac_match_is_alnum(behind);

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
