/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_match_glyph.h"

#include <string.h>

#include "lac_match_cluster.h"
#include "lac_utf8.h"

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

void lac_match_put_folded(struct lac_match_folder *f, unsigned char c, size_t from)
{
    struct lac_match_view *v = f->folded;

    c = lac_match_fold_table[c];
    if (c == ' ' && v->len > 0 && v->text[v->len - 1] == ' ')
        return;
    put(v, c, from, &f->full);
}

static void put_plain(struct lac_match_folder *f, unsigned char c, size_t from)
{
    if (f->plain)
        put(f->plain, c, from, &f->full);
}

void lac_match_put_both(struct lac_match_folder *f, unsigned char c, size_t from)
{
    put_plain(f, c, from);
    lac_match_put_folded(f, c, from);
}

/* A cluster that no ASCII character is meant by. */
static void put_cluster(struct lac_match_folder *f, struct lac_str cluster, uint32_t base,
                        size_t at)
{
    union lac_match_cluster_text out;
    size_t n;

    if (lac_match_is_blank(base)) {
        lac_match_put_both(f, ' ', at);
        return;
    }
    n = lac_match_normalise(cluster, false, &out);
    for (size_t i = 0; i < n; i++)
        put_plain(f, out.bytes[i], at);
    if (n > 0 && lac_match_separates(base)) {
        lac_match_put_folded(f, ' ', at);
        return;
    }
    n = lac_match_normalise(cluster, true, &out);
    for (size_t i = 0; i < n; i++)
        lac_match_put_folded(f, out.bytes[i], at);
}

size_t lac_match_fold_cluster(struct lac_match_folder *f, struct lac_str text, size_t at, bool *bad)
{
    uint32_t base;
    size_t len = lac_match_cluster_len(text, at, &base);
    char alike, letter = 0;

    if (len == 0) {
        *bad = true;
        lac_match_put_both(f, ' ', at);
        return 1;
    }
    alike = lac_match_alike_always(base);
    if (!alike)
        letter = lac_match_alike_letter(base);
    if (letter && lac_match_is_disguised(text, at, at + len, &f->word))
        alike = letter;
    if (alike)
        lac_match_put_both(f, (unsigned char)alike, at);
    else
        put_cluster(f, lac_str_slice(text, at, at + len), base, at);
    return len;
}

/* ---- characters that are clusters of their own ---- */

/* Finds out what the folding of one code point is by folding it. */
static struct lac_match_glyph glyph_made(uint32_t code)
{
    char text[4], folded[LAC_MATCH_GLYPH_ROOM + 1], plain[LAC_MATCH_GLYPH_ROOM + 1];
    struct lac_match_view views[2] = {{.text = folded, .capacity = LAC_MATCH_GLYPH_ROOM},
                                      {.text = plain, .capacity = LAC_MATCH_GLYPH_ROOM}};
    struct lac_match_folder f = {.folded = &views[0], .plain = &views[1]};
    struct lac_match_glyph g = {.known = 1};
    struct lac_str cluster = {text, lac_utf8_put(text, code)};
    char alike = lac_match_alike_always(code);

    if (code < 0x80 || alike)
        lac_match_put_both(&f, alike ? (unsigned char)alike : (unsigned char)code, 0);
    else
        put_cluster(&f, cluster, code, 0);
    g.combines = code >= 0x80 && lac_match_combines(code);
    g.alike = 0;
    if (code >= 0x80)
        g.alike = lac_match_alike_letter(code);
    if (f.full || views[0].len == 0 || views[1].len == 0 ||
        (views[0].len > 1 && memchr(folded, ' ', views[0].len)))
        return g;
    g.simple = 1;
    g.folded_len = views[0].len & 3;
    g.plain_len = views[1].len & 3;
    memcpy(g.folded, folded, views[0].len);
    memcpy(g.plain, plain, views[1].len);
    return g;
}

/* A character of the text: where the next one begins, and what is known of it. */
struct seen {
    size_t end;
    const struct lac_match_glyph *glyph;
};

/* lac_utf8_next(), quicker for what texts mostly consist of. */
static inline uint32_t next_code(struct lac_str text, size_t *at)
{
    const unsigned char *p = (const unsigned char *)text.ptr + *at;
    size_t have = text.len - *at;

    if (p[0] < 0x80) {
        *at += 1;
        return p[0];
    }
    if (p[0] >= 0xC2 && p[0] < 0xE0 && have > 1 && (p[1] & 0xC0) == 0x80) {
        *at += 2;
        return (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
    }
    if (p[0] >= 0xE0 && p[0] < 0xED && have > 2 && p[1] >= (p[0] == 0xE0 ? 0xA0 : 0x80) &&
        p[1] < 0xC0 && (p[2] & 0xC0) == 0x80) {
        *at += 3;
        return (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    }
    return lac_utf8_next(text, at);
}

/* NULL for a glyph: malformed, or one that is not kept. */
static inline struct seen see(const struct lac_match_folder *f, struct lac_str text, size_t at)
{
    struct seen c = {at, NULL};
    uint32_t code = next_code(text, &c.end);
    struct lac_match_glyph *g;

    if (code >= LAC_MATCH_GLYPHS)
        return c;
    g = &f->glyphs->one[code];
    if (!g->known)
        *g = glyph_made(code);
    c.glyph = g;
    return c;
}

/* All `room` bytes are written, `n` of them count. */
static inline void put_bytes(struct lac_match_view *v, const unsigned char *bytes, size_t room,
                             size_t n, size_t from)
{
    memcpy(v->text + v->len, bytes, room);
    for (size_t i = 0; v->map && i < room; i++)
        v->map[v->len + i] = (uint32_t)from;
    v->len += n;
}

/* What is read as an ASCII letter where it stands, or else what it always is. */
static void put_glyph(struct lac_match_folder *f, struct lac_str text, size_t at,
                      const struct seen *c)
{
    const struct lac_match_glyph *g = c->glyph;

    if (g->alike && lac_match_is_disguised(text, at, c->end, &f->word)) {
        lac_match_put_both(f, (unsigned char)g->alike, at);
        return;
    }
    if (f->plain)
        put_bytes(f->plain, g->plain, LAC_MATCH_GLYPH_ROOM, g->plain_len, at);
    if (g->folded[0] == ' ')
        lac_match_put_folded(f, ' ', at);
    else
        put_bytes(f->folded, g->folded, LAC_MATCH_GLYPH_ROOM, g->folded_len, at);
}

static inline bool has_room(const struct lac_match_folder *f, size_t n)
{
    return f->folded->capacity - f->folded->len >= n &&
           (!f->plain || f->plain->capacity - f->plain->len >= n);
}

size_t lac_match_fold_glyphs(struct lac_match_folder *f, struct lac_str text, size_t at)
{
    size_t i = at;
    struct seen now;

    if (!f->glyphs)
        return 0;
    now = see(f, text, i);
    while (now.glyph && now.glyph->simple && has_room(f, LAC_MATCH_GLYPH_ROOM)) {
        struct seen next = {now.end, NULL};

        if (now.end < text.len) {
            next = see(f, text, now.end);
            if (!next.glyph || next.glyph->combines)
                break;
        }
        put_glyph(f, text, i, &now);
        if (next.end - i == 2)
            return now.end - at; /* runs of ASCII have a quicker way */
        i = now.end;
        now = next;
    }
    return i - at;
}

/* ---- characters with marks ---- */

/* What two views became of; false: it has to be made each time. */
static bool pile_made(struct lac_match_pile *pile, struct lac_str cluster, uint32_t base)
{
    struct lac_match_view views[2] = {
        {.text = (char *)pile->folded, .capacity = LAC_MATCH_PILE_ROOM},
        {.text = (char *)pile->plain, .capacity = LAC_MATCH_PILE_ROOM}};
    struct lac_match_folder f = {.folded = &views[0], .plain = &views[1]};

    memset(pile, 0, sizeof(*pile));
    if (lac_match_alike_always(base) || lac_match_alike_letter(base))
        return false; /* what it is says the word that it is in */
    put_cluster(&f, cluster, base, 0);
    if (f.full || memchr(pile->folded, ' ', views[0].len))
        return false;
    memcpy(pile->text, cluster.ptr, cluster.len);
    pile->folded_len = (uint8_t)views[0].len;
    pile->plain_len = (uint8_t)views[1].len;
    pile->len = (uint8_t)cluster.len;
    return true;
}

static struct lac_match_pile *pile_of(struct lac_match_glyphs *g, struct lac_str cluster)
{
    uint64_t a = 0, b = 0;

    memcpy(&a, cluster.ptr, cluster.len < sizeof(a) ? cluster.len : sizeof(a));
    if (cluster.len > sizeof(a))
        memcpy(&b, cluster.ptr + sizeof(a), cluster.len - sizeof(a));
    a = (a ^ b << 29) * 0x9E3779B97F4A7C15u;
    return &g->piles[a >> 32 & (LAC_MATCH_PILES - 1)];
}

/* Length of the cluster at `at`, as far as glyphs tell; 0: they don't. */
static size_t pile_len(const struct lac_match_folder *f, struct lac_str text, size_t at,
                       uint32_t *base)
{
    size_t to = at;

    *base = next_code(text, &to);
    if (*base == LAC_UTF8_BAD)
        return 0;
    while (to < text.len && (unsigned char)text.ptr[to] >= 0x80) {
        struct seen mark = see(f, text, to);

        if (!mark.glyph || mark.end - at > LAC_MATCH_PILE_ROOM)
            return 0;
        if (!mark.glyph->combines)
            break;
        to = mark.end;
    }
    return to - at;
}

size_t lac_match_fold_pile(struct lac_match_folder *f, struct lac_str text, size_t at)
{
    struct lac_match_pile *pile;
    struct lac_str cluster;
    uint32_t base;
    size_t len;

    if (!f->glyphs || !has_room(f, LAC_MATCH_PILE_ROOM))
        return 0;
    len = pile_len(f, text, at, &base);
    if (len == 0)
        return 0;
    cluster = lac_str_slice(text, at, at + len);
    pile = pile_of(f->glyphs, cluster);
    if ((pile->len != len || memcmp(pile->text, cluster.ptr, len) != 0) &&
        !pile_made(pile, cluster, base))
        return 0;
    if (f->plain)
        put_bytes(f->plain, pile->plain, LAC_MATCH_PILE_ROOM, pile->plain_len, at);
    put_bytes(f->folded, pile->folded, LAC_MATCH_PILE_ROOM, pile->folded_len, at);
    return len;
}
