/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a match can begin with: literals, and shapes of the first token. Both follow all ways
 * through the elements side by side, byte by byte, and give up where there are too many.
 */
#include "lac_match_regex_internal.h"

#include <string.h>

enum {
    PLACES = 256,     /* of the elements, at one byte of one prefix */
    FAN_FIRST = 4,    /* a class of more members than this ends a prefix of less than two bytes */
    FAN_LATER = 8,    /* ... and a longer one */
    SHAPE_WAYS = 256, /* through the elements, at one byte of the token */
};

/* Between two bytes of an element: `k` of them are behind. */
struct place {
    uint16_t piece;
    uint16_t k;
};

struct places {
    struct place at[PLACES];
    size_t count;
    bool ends; /* a match may end here */
    bool full;
};

static void places_add(struct places *p, struct place at)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->at[i].piece == at.piece && p->at[i].k == at.k)
            return;
    if (p->count == PLACES)
        p->full = true;
    else
        p->at[p->count++] = at;
}

/* Adds the beginnings of `to`, looking through what takes no bytes. */
static void places_follow(const struct lac_match_regex_work *w, struct places *p,
                          const struct lac_match_regex_bits *to)
{
    struct lac_match_regex_bits seen = *to;

    for (size_t i = 0; i < w->piece_count; i++) {
        if (!lac_match_regex_bit(&seen, i))
            continue;
        if (w->pieces[i].op != REGEX_OP_ASSERT) {
            places_add(p, (struct place){(uint16_t)i, 0});
            continue;
        }
        p->ends = p->ends || w->pieces[i].accepts;
        for (size_t k = 0; k < REGEX_WORDS; k++)
            seen.word[k] |= w->follow[i].word[k];
    }
}

/* Where one is after one byte more of `at`'s element. */
static void places_step(const struct lac_match_regex_work *w, struct places *p, struct place at)
{
    const struct lac_match_regex_piece *e = &w->pieces[at.piece];

    at.k++;
    if (at.k < e->max)
        places_add(p, at);
    if (at.k >= e->min) {
        p->ends = p->ends || e->accepts;
        places_follow(w, p, &w->follow[at.piece]);
    }
}

/* ---- prefixes ---- */

struct prefix {
    struct lac_match_regex_prefix text;
    struct places places;
    bool closed; /* grows no more */
};

struct prefixes {
    struct prefix *at; /* [LAC_MATCH_REGEX_PREFIXES] */
    size_t count;
    bool nocase;
};

static unsigned char fold(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* The bytes that may come next, folded when letters match in either case. False: too many. */
static bool next_bytes(const struct lac_match_regex_work *w, struct prefixes *all,
                       const struct prefix *p, struct lac_match_regex_set *out)
{
    size_t most = p->text.len < 2 ? FAN_FIRST : FAN_LATER;

    *out = (struct lac_match_regex_set){0};
    for (size_t i = 0; i < p->places.count; i++) {
        struct lac_match_regex_set s, folded = {0};

        lac_match_regex_piece_set(w, p->places.at[i].piece, p->places.at[i].k, &s);
        for (unsigned c = 0; c < 256; c++)
            if (lac_match_regex_set_has(&s, (unsigned char)c))
                lac_match_regex_set_add(&folded, fold((unsigned char)c));
        if (lac_match_regex_set_count(&folded) > most)
            return false;
        if (lac_match_regex_set_count(&folded) < lac_match_regex_set_count(&s))
            all->nocase = true;
        lac_match_regex_set_join(out, all->nocase ? &folded : &s);
    }
    return true;
}

/* `p` with `c` behind it. */
static void grown(const struct lac_match_regex_work *w, const struct prefixes *all,
                  const struct prefix *p, unsigned char c, struct prefix *out)
{
    *out = (struct prefix){.text = p->text};
    out->text.text[out->text.len++] = (char)c;
    for (size_t i = 0; i < p->places.count; i++) {
        struct lac_match_regex_set s;
        bool takes;

        lac_match_regex_piece_set(w, p->places.at[i].piece, p->places.at[i].k, &s);
        takes = lac_match_regex_set_has(&s, c);
        if (all->nocase && c >= 'a' && c <= 'z')
            takes = takes || lac_match_regex_set_has(&s, (unsigned char)(c & ~0x20U));
        if (takes)
            places_step(w, &out->places, p->places.at[i]);
    }
}

/* Replaces the prefix at `i` by all that are a byte longer; false: it stays. */
static bool grow(const struct lac_match_regex_work *w, struct prefixes *all, size_t i,
                 struct prefix *old)
{
    struct lac_match_regex_set next;
    size_t n;
    bool first = true;

    *old = all->at[i];
    if (old->places.ends || old->places.full || old->text.len == LAC_MATCH_REGEX_PREFIX_BYTES ||
        !next_bytes(w, all, old, &next))
        return false;
    n = lac_match_regex_set_count(&next);
    if (n == 0 || all->count + n - 1 > LAC_MATCH_REGEX_PREFIXES)
        return false;
    for (unsigned c = 0; c < 256; c++) {
        if (!lac_match_regex_set_has(&next, (unsigned char)c))
            continue;
        grown(w, all, old, (unsigned char)c, first ? &all->at[i] : &all->at[all->count++]);
        first = false;
    }
    return true;
}

/* One pass per byte of length, so that all grow alike. True: done; false: letters turned out to
 * match in either case, so that it has to begin again. */
static bool grow_all(const struct lac_match_regex_work *w, struct prefixes *all, struct prefix *old)
{
    bool nocase = all->nocase;

    all->count = 1;
    all->at[0] = (struct prefix){0};
    places_follow(w, &all->at[0].places, &w->start);
    for (size_t len = 0; len < LAC_MATCH_REGEX_PREFIX_BYTES; len++)
        for (size_t i = all->count; i-- > 0;) {
            struct prefix *p = &all->at[i];

            if (p->closed || p->text.len != len)
                continue;
            if (!grow(w, all, i, old))
                all->at[i].closed = true;
            if (all->nocase != nocase)
                return false;
        }
    return true;
}

static int prefix_cmp(const struct lac_match_regex_prefix *a,
                      const struct lac_match_regex_prefix *b)
{
    return lac_str_cmp((struct lac_str){a->text, a->len}, (struct lac_str){b->text, b->len});
}

void lac_match_regex_prefixes(const struct lac_match_regex_work *w,
                              struct lac_match_regex_info *info)
{
    struct prefix old, grown_to[LAC_MATCH_REGEX_PREFIXES];
    struct prefixes all = {.at = grown_to};

    if (!grow_all(w, &all, &old))
        (void)grow_all(w, &all, &old);
    for (size_t i = 0; i < all.count; i++)
        if (all.at[i].text.len == 0)
            return;
    info->prefix_nocase = all.nocase;
    for (size_t i = 0; i < all.count; i++) {
        size_t at = info->prefix_count++;

        while (at > 0 && prefix_cmp(&info->prefix[at - 1], &all.at[i].text) > 0) {
            info->prefix[at] = info->prefix[at - 1];
            at--;
        }
        info->prefix[at] = all.at[i].text;
    }
}

/* ---- shapes of the first token ---- */

/* One way through the token's bytes. */
struct way {
    struct place at;
    uint64_t digits, alphas;
};

struct ways {
    struct way at[SHAPE_WAYS];
    size_t count;
    bool full;
};

static void ways_add(struct ways *ways, struct way way)
{
    for (size_t i = 0; i < ways->count; i++) {
        const struct way *o = &ways->at[i];

        if (o->at.piece == way.at.piece && o->at.k == way.at.k && o->digits == way.digits &&
            o->alphas == way.alphas)
            return;
    }
    if (ways->count == SHAPE_WAYS)
        ways->full = true;
    else
        ways->at[ways->count++] = way;
}

/* The shape of these bytes, added if it is new; NULL: too many. */
static struct lac_match_regex_shape *shape_of(struct lac_match_regex_info *info, size_t len,
                                              const struct way *way)
{
    struct lac_match_regex_shape *s = info->shape;

    for (size_t i = 0; i < info->shape_count; i++, s++)
        if (s->len == len && s->digits == way->digits && s->alphas == way->alphas)
            return s;
    if (info->shape_count == LAC_MATCH_REGEX_SHAPES)
        return NULL;
    info->shape_count++;
    *s = (struct lac_match_regex_shape){
        .len = (uint8_t)len, .digits = way->digits, .alphas = way->alphas};
    return s;
}

/* The match may end behind the token's byte `len`: inside of the token unless an assertion says
 * that a word ends there. */
static bool note_end(struct lac_match_regex_info *info, size_t len, const struct way *way,
                     bool edged)
{
    struct lac_match_regex_shape *s = shape_of(info, len, way);

    if (!s)
        return false;
    s->ends = true;
    s->longer = s->longer || !edged;
    return true;
}

/* The element at `to` takes the next byte: one that ends the token, one that goes on with it, or
 * either. */
static bool note_next(const struct lac_match_regex_work *w, struct lac_match_regex_info *info,
                      size_t len, const struct way *way, struct place to, bool edged,
                      struct ways *next)
{
    struct lac_match_regex_set s, others = {0};
    bool digits = false, alphas = false;
    struct way on = *way;

    lac_match_regex_piece_set(w, to.piece, to.k, &s);
    for (unsigned c = 0; c < 256; c++) {
        if (!lac_match_regex_set_has(&s, (unsigned char)c))
            continue;
        if (c - '0' < 10)
            digits = true;
        else if ((c | 0x20) - 'a' < 26)
            alphas = true;
        else
            lac_match_regex_set_add(&others, (unsigned char)c);
    }
    if (lac_match_regex_set_count(&others) > 0 && len > 0) {
        struct lac_match_regex_shape *shape = shape_of(info, len, way);

        if (!shape)
            return false;
        lac_match_regex_set_join(&shape->follow, &others);
    }
    if ((!digits && !alphas) || (edged && len > 0))
        return true;
    if (len == LAC_MATCH_REGEX_SHAPE_BYTES)
        return false;
    on.at = to;
    on.digits |= (uint64_t)(digits && !alphas) << len;
    on.alphas |= (uint64_t)(alphas && !digits) << len;
    ways_add(next, on);
    return !next->full;
}

/* All that may come behind `way`, whose element has been left if `to` is what follows it. */
static bool note_follow(const struct lac_match_regex_work *w, struct lac_match_regex_info *info,
                        size_t len, const struct way *way, const struct lac_match_regex_bits *to,
                        struct ways *next)
{
    struct lac_match_regex_bits seen = *to; /* reached at all */
    struct lac_match_regex_bits open = *to; /* reached without an assertion */

    for (size_t i = 0; i < w->piece_count; i++) {
        const struct lac_match_regex_piece *p = &w->pieces[i];
        bool edged = !lac_match_regex_bit(&open, i);

        if (!lac_match_regex_bit(&seen, i))
            continue;
        if (p->op != REGEX_OP_ASSERT) {
            if (!note_next(w, info, len, way, (struct place){(uint16_t)i, 0}, edged, next))
                return false;
            continue;
        }
        edged = edged || (p->arg != REGEX_ALWAYS && p->arg != REGEX_INSIDE);
        if (p->accepts && len > 0 && !note_end(info, len, way, edged))
            return false;
        for (size_t k = 0; k < REGEX_WORDS; k++) {
            seen.word[k] |= w->follow[i].word[k];
            open.word[k] |= edged ? 0 : w->follow[i].word[k];
        }
    }
    return true;
}

/* Takes the token's byte `len` - 1 along `way`. */
static bool note_byte(const struct lac_match_regex_work *w, struct lac_match_regex_info *info,
                      size_t len, struct way *way, struct ways *next)
{
    const struct lac_match_regex_piece *p = &w->pieces[way->at.piece];
    struct place more = {way->at.piece, (uint16_t)(way->at.k + 1)};

    if (more.k < p->max && !note_next(w, info, len, way, more, false, next))
        return false;
    if (more.k < p->min)
        return true;
    if (p->accepts && !note_end(info, len, way, false))
        return false;
    return note_follow(w, info, len, way, &w->follow[way->at.piece], next);
}

void lac_match_regex_shapes(const struct lac_match_regex_work *w, struct lac_match_regex_info *info)
{
    struct ways both[2];
    struct ways *now = &both[0], *next = &both[1];
    struct way begin = {0};
    bool ok = info->word_start;

    now->count = 0;
    now->full = false;
    for (unsigned c = 0; c < 256 && ok; c++) /* '_' begins a word and no token */
        ok = c != '_' || !lac_match_regex_set_has(&info->first, '_');
    ok = ok && note_follow(w, info, 0, &begin, &w->start, now);
    for (size_t len = 1; ok && now->count > 0; len++) {
        struct ways *other = now;

        next->count = 0;
        next->full = false;
        for (size_t i = 0; i < now->count && ok; i++)
            ok = note_byte(w, info, len, &now->at[i], next);
        now = next;
        next = other;
    }
    if (!ok) {
        info->shape_count = 0;
        memset(info->shape, 0, sizeof(info->shape));
    }
}
