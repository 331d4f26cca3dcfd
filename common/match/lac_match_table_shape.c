/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the index of tokens' shapes. */
#include "lac_match_table.h"

#include <stdlib.h>

enum { SHAPE_CLASSES = 65535 /* what an index cell can name */ };

struct shape_work {
    struct lac_match_build *b;
    const struct lac_match_shape *shapes;
    const uint8_t *gated;
    size_t count;
    uint32_t *list;                   /* [count], the cell's in hand */
    struct lac_match_shape_ref *refs; /* the same with their rules */
    uint32_t *latest;                 /* [classes of one length]: to find equal ones quickly */
};

/* Whether a token of this length, with these bytes as digits, may be the shape's. `exact`: the
 * digits are known. */
static bool cell_fits(const struct lac_match_shape *s, unsigned len, uint64_t digits, bool exact)
{
    uint64_t in = s->len >= 64 ? UINT64_MAX : ((uint64_t)1 << s->len) - 1;

    if (len < s->len || (len > s->len && !s->longer))
        return false;
    return !exact || ((s->digits & ~digits) == 0 && (s->alphas & in & digits) == 0);
}

/* The shapes of a cell: those that need no context first. Returns how many need none. */
static size_t list_cell(struct shape_work *w, unsigned len, uint64_t digits, bool exact,
                        const uint32_t *of_length, size_t of_length_count, size_t *count)
{
    size_t open = 0;

    *count = 0;
    for (int gated = 0; gated < 2; gated++) {
        for (size_t i = 0; i < of_length_count; i++)
            if (w->gated[of_length[i]] == gated &&
                cell_fits(&w->shapes[of_length[i]], len, digits, exact))
                w->list[(*count)++] = of_length[i];
        if (!gated)
            open = *count;
    }
    return open;
}

/* The kinds of a byte so far behind a token of this length where a shape is matched. */
static unsigned kinds_behind(const struct shape_work *w, const struct lac_match_shape *s,
                             unsigned len, size_t i)
{
    const struct lac_match_unit *u = lac_match_build_unit(w->b, s->unit);
    unsigned kinds = len + i < u->head_len ? u->head[len + i] : UINT16_MAX;

    return i == 0 && len == s->len && !s->ends ? kinds & lac_match_kinds_of(&s->follow) : kinds;
}

/* What a token of this length begins with and has behind it where a shape is matched. */
static void add_shape(const struct shape_work *w, struct lac_match_shape_sieve *sieve,
                      const struct lac_match_shape *s, unsigned len, uint32_t bit)
{
    const struct lac_match_unit *u = lac_match_build_unit(w->b, s->unit);

    for (unsigned c = 0; c < LAC_COUNT(sieve->first); c++)
        if (lac_match_regex_set_has(&u->first, (unsigned char)c))
            sieve->first[c] |= bit;
    for (size_t i = 0; i < LAC_MATCH_SIEVE; i++)
        lac_match_sieve_add(sieve->token.behind[i], bit, kinds_behind(w, s, len, i));
}

static void put_sieve(struct shape_work *w, const struct lac_match_shape_class *c, unsigned len)
{
    struct lac_match_shape_sieve sieve = {0};

    for (uint32_t i = 0; i < c->count + c->gated; i++) {
        const struct lac_match_shape *s = &w->shapes[w->list[i]];
        bool gated = i >= c->count;

        add_shape(w, &sieve, s, len,
                  gated ? (uint32_t)1 << LAC_MATCH_SIEVE_GATED
                        : lac_match_sieve_bit(i, LAC_MATCH_SIEVE_REST));
        sieve.gates |= (uint32_t)gated << (s->rule / 64 % 32);
    }
    lac_buf_put(&w->b->section[LAC_MATCH_S_SHAPE_SIEVES], &sieve, sizeof(sieve));
}

/* The gated ones, which are in the order of their rules, block by block. */
static void put_groups(struct shape_work *w, struct lac_match_shape_class *c)
{
    struct lac_buf *out = &w->b->section[LAC_MATCH_S_SHAPE_GROUPS];
    struct lac_match_group g = {0};

    c->groups = (uint32_t)(out->len / sizeof(g));
    for (uint32_t i = c->count; i < c->count + c->gated; i++) {
        uint32_t rule = w->shapes[w->list[i]].rule;

        if (g.count > 0 && g.block != rule / 64) {
            lac_buf_put(out, &g, sizeof(g));
            g.count = 0;
        }
        if (g.count == 0)
            g = (struct lac_match_group){.block = rule / 64, .first = c->first + i};
        g.rules |= (uint64_t)1 << (rule % 64);
        g.count++;
    }
    if (g.count > 0)
        lac_buf_put(out, &g, sizeof(g));
    c->group_count = (uint32_t)(out->len / sizeof(g)) - c->groups;
}

/* The class of w->list, made unless there is one already from `since` on. */
static uint32_t class_of(struct shape_work *w, unsigned len, size_t open, size_t count,
                         size_t since)
{
    struct lac_buf *classes = &w->b->section[LAC_MATCH_S_SHAPE_CLASSES];
    struct lac_buf *list = &w->b->section[LAC_MATCH_S_SHAPE_LIST];
    struct lac_match_shape_class c = {.first = (uint32_t)(list->len / sizeof(*w->refs)),
                                      .count = (uint32_t)open,
                                      .gated = (uint32_t)(count - open)};
    size_t have = classes->len / sizeof(c);

    for (size_t i = 0; i < count; i++)
        w->refs[i] = (struct lac_match_shape_ref){w->list[i], w->shapes[w->list[i]].rule};
    for (size_t i = since; i < have; i++) {
        const struct lac_match_shape_class *o = (const void *)(classes->ptr + i * sizeof(c));

        if (o->count == c.count && o->gated == c.gated &&
            memcmp(list->ptr + o->first * sizeof(*w->refs), w->refs, count * sizeof(*w->refs)) == 0)
            return (uint32_t)i;
    }
    if (have > SHAPE_CLASSES)
        return UINT32_MAX;
    put_sieve(w, &c, len);
    lac_buf_put(list, w->refs, count * sizeof(*w->refs));
    put_groups(w, &c);
    lac_buf_put(classes, &c, sizeof(c));
    return (uint32_t)have;
}

/* Those of w->list that may be a token without any digit. */
static void put_bare(struct shape_work *w, unsigned len, size_t count)
{
    uint16_t *bare = w->b->header.bare[len < 63 ? len : 63];

    for (size_t k = 0; k < count; k++) {
        const struct lac_match_shape *s = &w->shapes[w->list[k]];

        for (size_t i = 0; s->digits == 0 && i < 2; i++)
            bare[i] = (uint16_t)(bare[i] | kinds_behind(w, s, len, i));
    }
}

static bool index_length(struct shape_work *w, uint16_t *index, unsigned len)
{
    bool exact = len <= LAC_MATCH_SHAPE_EXACT;
    uint64_t cells = exact ? (uint64_t)1 << len : 1;
    size_t since =
        w->b->section[LAC_MATCH_S_SHAPE_CLASSES].len / sizeof(struct lac_match_shape_class);
    size_t of_length = 0;

    for (size_t i = 0; i < w->count; i++)
        if (cell_fits(&w->shapes[i], len, 0, false))
            w->latest[of_length++] = (uint32_t)i;
    for (uint64_t digits = 0; of_length > 0 && digits < cells; digits++) {
        size_t count;
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the caller frees all of `w` */
        size_t open = list_cell(w, len, digits, exact, w->latest, of_length, &count);
        uint32_t class;

        if (count == 0)
            continue;
        class = class_of(w, len, open, count, since);
        if (class > SHAPE_CLASSES)
            return false;
        index[lac_match_shape_cell(len, digits)] = (uint16_t) class;
        if (digits == 0)
            put_bare(w, len, count);
    }
    return true;
}

enum lac_status lac_match_table_shapes(struct lac_match_build *b, struct lac_err *err)
{
    struct shape_work w = {.b = b,
                           .shapes = (const void *)b->section[LAC_MATCH_S_SHAPES].ptr,
                           .gated = (const void *)b->shape_gated.ptr,
                           .count = b->shape_gated.len};
    uint16_t *index =
        lac_match_section_room(b, LAC_MATCH_S_SHAPE_INDEX, LAC_MATCH_SHAPE_CELLS * sizeof(*index));
    bool ok = index &&
              lac_match_section_room(b, LAC_MATCH_S_SHAPE_CLASSES,
                                     sizeof(struct lac_match_shape_class)) &&
              lac_match_section_room(b, LAC_MATCH_S_SHAPE_SIEVES,
                                     sizeof(struct lac_match_shape_sieve)); /* 0: nothing */

    w.list = calloc(w.count + 1, sizeof(*w.list));
    w.refs = calloc(w.count + 1, sizeof(*w.refs));
    w.latest = calloc(w.count + 1, sizeof(*w.latest));
    ok = ok && w.list && w.refs && w.latest;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): all three are freed behind it */
    for (unsigned len = 1; ok && len <= LAC_MATCH_SHAPE_LONG; len++)
        ok = index_length(&w, index, len);
    free(w.list);
    free(w.refs);
    free(w.latest);
    return ok && lac_buf_ok(&b->section[LAC_MATCH_S_SHAPE_LIST]) &&
                   lac_buf_ok(&b->section[LAC_MATCH_S_SHAPE_SIEVES]) &&
                   lac_buf_ok(&b->section[LAC_MATCH_S_SHAPE_GROUPS])
               ? LAC_OK
               : lac_match_table_no_memory(err);
}
