/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exact path: one code point after another, with all that normalising can do to it. What
 * decomposes is put into canonical order, as NFD says, and places follow the library's rule: a
 * code point that comes out of the decomposition first takes the place of the next one of the text,
 * in order, the others share it. So a mark that moved has the place of where it moved to.
 */
#include "lac_encode_tokenizer_internal.h"

#include <string.h>

#include "lac_utf8.h"

enum { REPLACEMENT = 0xFFFD };

/* A code point of the text that cleaning left, and its bytes. */
struct source {
    uint32_t entry, code; /* of the resolved table */
    uint32_t from, to;
};

struct cursor {
    const struct lac_encode_chars *chars;
    const unsigned char *text;
    size_t at, end;
};

/* Length of the well-formed sequence at `p`, or of the maximal subpart of one, then *code is
 * U+FFFD. `p` < `end`. Unicode 15, table 3-7. */
static size_t decode(const unsigned char *p, const unsigned char *end, uint32_t *code)
{
    unsigned lead = p[0], low = 0x80, high = 0xBF, more;
    uint32_t c;

    *code = REPLACEMENT;
    if (lead < 0x80) {
        *code = lead;
        return 1;
    }
    if (lead < 0xC2 || lead > 0xF4)
        return 1;
    more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    c = lead & (0x3Fu >> more);
    if (lead == 0xE0)
        low = 0xA0;
    else if (lead == 0xED)
        high = 0x9F;
    else if (lead == 0xF0)
        low = 0x90;
    else if (lead == 0xF4)
        high = 0x8F;
    for (unsigned i = 1; i <= more; i++) {
        if (p + i == end || p[i] < low || p[i] > high)
            return i;
        c = c << 6 | (p[i] & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    *code = c;
    return more + 1;
}

static bool next(struct cursor *c, struct source *s)
{
    while (c->at < c->end) {
        s->from = (uint32_t)c->at;
        c->at += decode(c->text + c->at, c->text + c->end, &s->code);
        s->to = (uint32_t)c->at;
        s->entry = lac_encode_char(c->chars, s->code);
        if ((s->entry & LAC_ENCODE_CHAR_KIND) != LAC_ENCODE_CHAR_GONE)
            return true;
    }
    return false;
}

static void gather(struct lac_encode_words *w, uint32_t code, uint32_t from, uint32_t to)
{
    struct lac_encode_word *word = &w->word;
    size_t n;

    if (word->chars++ == 0)
        word->from = from;
    word->to = to;
    if (word->chars > w->t->info.word_max)
        return;
    n = lac_utf8_put((char *)word->bytes + word->len, code);
    for (size_t i = 0; i < n; i++)
        word->places[word->len + i] = (struct lac_encode_span){from, to};
    word->len += (uint32_t)n;
}

static void put_plain(struct lac_encode_words *w, enum lac_encode_char_kind kind, uint32_t code,
                      uint32_t from, uint32_t to)
{
    if (kind == LAC_ENCODE_CHAR_SELF) {
        gather(w, code, from, to);
    } else if (kind != LAC_ENCODE_CHAR_GONE) {
        lac_encode_word_end(w);
        if (kind == LAC_ENCODE_CHAR_ALONE) {
            gather(w, code, from, to);
            lac_encode_word_end(w);
        }
    }
}

static __attribute__((noinline)) void put_streaming(struct lac_encode_words *w,
                                                    enum lac_encode_char_kind kind, uint32_t code,
                                                    uint32_t from, uint32_t to)
{
    bool space = kind == LAC_ENCODE_CHAR_BLANK && w->t->info.clean;
    struct lac_encode_added_char c = {kind, space ? ' ' : code, from, to};

    lac_encode_added_put(w, &c);
}

static void put(struct lac_encode_words *w, enum lac_encode_char_kind kind, uint32_t code,
                uint32_t from, uint32_t to)
{
    if (w->streaming)
        put_streaming(w, kind, code, from, to);
    else
        put_plain(w, kind, code, from, to);
}

/* Whether normalising puts a blank before and behind it, as for ideographs: that ends words, as an
 * ideograph itself does, so only a word that was added can tell. */
static inline bool stands_apart(const struct lac_encode_words *w, const struct source *s)
{
    return w->streaming && w->t->info.ideographs && lac_encode_flags_of(s->code) & LAC_ENCODE_CJK;
}

static void put_blank(struct lac_encode_words *w, const struct source *s)
{
    put(w, LAC_ENCODE_CHAR_BLANK, ' ', s->from, s->to);
}

/* The parts of a code point. Returns how many. */
static unsigned parts_of(const struct lac_encode_chars *c, const struct source *s,
                         uint32_t out[LAC_ENCODE_PARTS_MAX])
{
    uint32_t value = s->entry >> LAC_ENCODE_CHAR_SHIFT;
    unsigned count = 1;

    switch ((enum lac_encode_char_kind)(s->entry & LAC_ENCODE_CHAR_KIND)) {
    case LAC_ENCODE_CHAR_PARTS:
        count = c->parts[value];
        memcpy(out, &c->parts[value + 1], count * sizeof(*out));
        break;
    case LAC_ENCODE_CHAR_HANGUL:
        count = lac_encode_hangul(s->code, out);
        break;
    case LAC_ENCODE_CHAR_TO:
        out[0] = value;
        break;
    case LAC_ENCODE_CHAR_ALONE_TO:
        out[0] = value | (uint32_t)LAC_ENCODE_CHAR_ALONE << 21;
        break;
    default:
        out[0] = s->code | (s->entry & LAC_ENCODE_CHAR_KIND) << 21;
    }
    return count;
}

static void put_parts(struct lac_encode_words *w, const struct source *s)
{
    uint32_t parts[LAC_ENCODE_PARTS_MAX];
    unsigned count = parts_of(&w->t->chars, s, parts);
    bool apart = stands_apart(w, s);

    if (apart)
        put_blank(w, s);
    for (unsigned i = 0; i < count; i++)
        put(w, lac_encode_part_kind(parts[i]), lac_encode_part_code(parts[i]), s->from, s->to);
    if (apart)
        put_blank(w, s);
}

/* Which classes occur in the code points of [from, c->end) that join the one before. Leaves `c` at
 * the first that doesn't join. */
static void classes_of(struct cursor *c, uint64_t classes[4])
{
    uint32_t parts[LAC_ENCODE_PARTS_MAX];
    struct source s;

    for (;;) {
        size_t at = c->at;
        unsigned count;

        if (!next(c, &s))
            return;
        if (!(s.entry & LAC_ENCODE_CHAR_JOINING)) {
            c->at = at;
            return;
        }
        count = parts_of(c->chars, &s, parts);
        for (unsigned i = 0; i < count; i++)
            classes[lac_encode_part_class(parts[i]) / 64] |=
                (uint64_t)1 << lac_encode_part_class(parts[i]) % 64;
    }
}

/* What is put of a run in order: the place that was taken last, and from where the next is. */
struct ordered {
    struct lac_encode_words *w;
    struct cursor places;
    uint32_t from, to;
};

static void put_class(struct ordered *o, const struct source *s, uint32_t class)
{
    uint32_t parts[LAC_ENCODE_PARTS_MAX];
    unsigned count = parts_of(o->places.chars, s, parts);

    for (unsigned i = 0; i < count; i++) {
        struct source place;

        if (lac_encode_part_class(parts[i]) != class)
            continue;
        if (i == 0 && next(&o->places, &place)) {
            o->from = place.from;
            o->to = place.to;
        }
        put(o->w, lac_encode_part_kind(parts[i]), lac_encode_part_code(parts[i]), o->from, o->to);
    }
}

/*
 * A code point and the marks that follow it, in canonical order: class by class, each in the
 * order of the text. One pass per class that occurs, so a run may have any length and needs no
 * memory. `first` may be a mark itself, at the start of a text; then it is among those ordered.
 */
static void put_ordered(struct lac_encode_words *w, struct cursor *c, const struct source *first)
{
    uint32_t parts[LAC_ENCODE_PARTS_MAX];
    unsigned count = parts_of(c->chars, first, parts);
    struct ordered o = {.w = w, .places = *c, .from = first->from, .to = first->to};
    uint64_t classes[4] = {0};
    struct cursor run = *c;
    bool mark = lac_encode_part_class(parts[0]) != 0;

    if (mark)
        o.places.at = first->from;
    if (stands_apart(w, first))
        put_blank(w, first);
    for (unsigned i = 0; i < count; i++) {
        uint32_t class = lac_encode_part_class(parts[i]);

        if (class == 0)
            put(w, lac_encode_part_kind(parts[i]), lac_encode_part_code(parts[i]), first->from,
                first->to);
        else
            classes[class / 64] |= (uint64_t)1 << class % 64;
    }
    if (stands_apart(w, first))
        put_blank(w, first);
    classes_of(c, classes);
    for (uint32_t class = 1; class < 256; class ++) {
        struct cursor again = run;
        struct source s;

        if (!(classes[class / 64] >> class % 64 & 1))
            continue;
        for (unsigned i = 0; !mark && i < count; i++)
            if (lac_encode_part_class(parts[i]) == class)
                put(w, lac_encode_part_kind(parts[i]), lac_encode_part_code(parts[i]), o.from,
                    o.to);
        if (mark)
            put_class(&o, first, class);
        while (again.at < c->at && next(&again, &s) && again.at <= c->at)
            put_class(&o, &s, class);
    }
}

void lac_encode_word_put(struct lac_encode_words *w, enum lac_encode_char_kind kind, uint32_t code,
                         uint32_t from, uint32_t to)
{
    put_plain(w, kind, code, from, to);
}

void lac_encode_exact(struct lac_encode_words *w, struct lac_str text, size_t from, size_t to)
{
    struct cursor c = {&w->t->chars, (const unsigned char *)text.ptr, from, to};
    struct source s, ahead;
    bool more = next(&c, &s);

    while (more) {
        size_t at = c.at;

        more = next(&c, &ahead);
        if (s.entry & LAC_ENCODE_CHAR_JOINING || (more && ahead.entry & LAC_ENCODE_CHAR_JOINING)) {
            c.at = at;
            put_ordered(w, &c, &s);
            more = next(&c, &s);
            continue;
        }
        put_parts(w, &s);
        s = ahead;
    }
    if (w->streaming)
        lac_encode_added_end(w);
    lac_encode_word_end(w);
}
