/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree becomes a DAG: each class, literal and assertion is one element, repeats of more than a
 * class are written out, and an edge says that one element may follow another (as in Glushkov's
 * construction). Which alternative comes first means nothing where the longest match counts, so
 * alternatives that begin alike are joined first.
 */
#include "lac_match_regex_internal.h"

#include <string.h>

#include "lac_assert.h"

/* ---- alternatives that begin alike ---- */

/* The alternative's first byte: its class; REGEX_NONE when it begins with anything else. */
static int32_t first_set(const struct lac_match_regex_work *w, int32_t alternative)
{
    const struct lac_match_regex_node *n = &w->nodes[alternative];
    int32_t child = n->child;

    if (n->kind == REGEX_SET)
        return n->set;
    if (n->kind != REGEX_CAT || child < 0 || w->nodes[child].kind != REGEX_SET)
        return REGEX_NONE;
    return w->nodes[child].set;
}

/* Takes the first byte off; what is left. */
static int32_t without_first(struct lac_match_regex_work *w, int32_t alternative)
{
    struct lac_match_regex_node *n = &w->nodes[alternative];

    if (n->kind == REGEX_SET) {
        *n = (struct lac_match_regex_node){
            .kind = REGEX_CAT, .child = REGEX_NONE, .last = REGEX_NONE, .next = REGEX_NONE};
        return alternative;
    }
    n->child = w->nodes[n->child].next;
    if (n->child < 0)
        n->last = REGEX_NONE;
    return alternative;
}

/* Alternatives of alternatives are alternatives of the same. */
static void flatten(struct lac_match_regex_work *w, int32_t alt)
{
    int32_t old = w->nodes[alt].child;

    w->nodes[alt].child = w->nodes[alt].last = REGEX_NONE;
    while (old >= 0) {
        struct lac_match_regex_node *n = &w->nodes[old];
        int32_t next = n->next;
        bool single = n->kind == REGEX_CAT && n->child >= 0 && n->child == n->last;
        int32_t inner = single ? n->child : old;

        if (w->nodes[inner].kind == REGEX_ALT && w->nodes[inner].child >= 0) {
            /* Its own come first in what is still to be looked at. */
            w->nodes[w->nodes[inner].last].next = next;
            old = w->nodes[inner].child;
            w->nodes[inner].child = w->nodes[inner].last = REGEX_NONE;
            continue;
        }
        lac_match_regex_node_append(w, alt, old);
        old = next;
    }
}

/* Joins all of alt's children from `first` on that begin with its class. */
static void join(struct lac_match_regex_work *w, int32_t alt, int32_t first, int32_t set)
{
    int32_t cat = lac_match_regex_node_new(w, REGEX_CAT);
    int32_t head = lac_match_regex_node_new(w, REGEX_SET);
    int32_t rest = lac_match_regex_node_new(w, REGEX_ALT);
    int32_t before = first;
    int32_t next;

    if (cat < 0 || head < 0 || rest < 0)
        return;
    w->nodes[head].set = (uint16_t)set;
    w->nodes[rest].factor = (uint16_t)(w->nodes[alt].factor + 1);
    for (int32_t c = w->nodes[first].next; c >= 0; c = next) {
        next = w->nodes[c].next;
        if (first_set(w, c) != set) {
            before = c;
            continue;
        }
        w->nodes[before].next = next;
        if (w->nodes[alt].last == c)
            w->nodes[alt].last = before;
        lac_match_regex_node_append(w, rest, without_first(w, c));
    }
    /* `first` becomes the joined one; what it was moves to a new node. */
    w->nodes[cat] = w->nodes[first];
    next = w->nodes[first].next;
    w->nodes[first] = (struct lac_match_regex_node){
        .kind = REGEX_CAT, .child = REGEX_NONE, .last = REGEX_NONE, .next = next};
    lac_match_regex_node_append(w, rest, without_first(w, cat));
    lac_match_regex_node_append(w, first, head);
    lac_match_regex_node_append(w, first, rest);
}

/* Whether the alternative is one byte of a class. */
static bool is_byte(const struct lac_match_regex_work *w, int32_t alternative)
{
    const struct lac_match_regex_node *n = &w->nodes[alternative];

    return n->kind == REGEX_SET || (n->kind == REGEX_CAT && n->child >= 0 && n->child == n->last &&
                                    w->nodes[n->child].kind == REGEX_SET);
}

/* Alternatives of one byte each are one class. */
static void merge_bytes(struct lac_match_regex_work *w, int32_t alt)
{
    struct lac_match_regex_set all = {0};
    int32_t old = w->nodes[alt].child;
    int32_t first = REGEX_NONE, set, next;

    w->nodes[alt].child = w->nodes[alt].last = REGEX_NONE;
    for (; old >= 0; old = next) {
        next = w->nodes[old].next;
        if (is_byte(w, old)) {
            lac_match_regex_set_join(&all, &w->sets[first_set(w, old)]);
            if (first >= 0)
                continue;
            first = old;
        }
        lac_match_regex_node_append(w, alt, old);
    }
    set = first >= 0 ? lac_match_regex_set_index(w, &all) : REGEX_NONE;
    if (set < 0)
        return;
    next = w->nodes[first].next;
    w->nodes[first] = (struct lac_match_regex_node){.kind = REGEX_SET,
                                                    .set = (uint16_t)set,
                                                    .child = REGEX_NONE,
                                                    .last = REGEX_NONE,
                                                    .next = next};
}

static void factor(struct lac_match_regex_work *w, int32_t alt)
{
    flatten(w, alt);
    merge_bytes(w, alt);
    if (w->nodes[alt].factor == REGEX_FACTOR_DEPTH)
        return;
    for (int32_t c = w->nodes[alt].child; c >= 0 && !w->unsupported; c = w->nodes[c].next) {
        int32_t set = first_set(w, c);
        bool alike = false;

        for (int32_t o = w->nodes[c].next; set >= 0 && o >= 0 && !alike; o = w->nodes[o].next)
            alike = first_set(w, o) == set;
        if (alike)
            join(w, alt, c, set);
    }
}

/* ---- pieces ---- */

static struct lac_match_regex_bits bits_join(struct lac_match_regex_bits a,
                                             const struct lac_match_regex_bits *b)
{
    for (size_t i = 0; i < REGEX_WORDS; i++)
        a.word[i] |= b->word[i];
    return a;
}

static size_t bits_count(const struct lac_match_regex_bits *b)
{
    size_t n = 0;

    for (size_t i = 0; i < REGEX_WORDS; i++)
        n += (size_t)__builtin_popcountll(b->word[i]);
    return n;
}

/* The next member from `from` on; SIZE_MAX: none. */
static size_t bits_next(const struct lac_match_regex_bits *b, size_t from)
{
    for (size_t i = from / 64; i < REGEX_WORDS; i++) {
        uint64_t word = b->word[i];

        if (i == from / 64)
            word &= ~(uint64_t)0 << (from % 64);
        if (word)
            return i * 64 + (size_t)__builtin_ctzll(word);
    }
    return SIZE_MAX;
}

static const struct lac_match_regex_frag nothing = {.nullable = true};

/* A fragment of one element. */
static struct lac_match_regex_frag piece(struct lac_match_regex_work *w,
                                         struct lac_match_regex_piece p)
{
    struct lac_match_regex_frag f = {0};

    if (w->piece_count == LAC_MATCH_REGEX_ELEMENTS) {
        w->unsupported = "it needs more than 512 elements";
        return nothing;
    }
    w->pieces[w->piece_count] = p;
    lac_match_regex_bit_set(&f.first, w->piece_count);
    lac_match_regex_bit_set(&f.last, w->piece_count);
    w->piece_count++;
    return f;
}

static void link_all(struct lac_match_regex_work *w, const struct lac_match_regex_bits *from,
                     const struct lac_match_regex_bits *to)
{
    for (size_t i = bits_next(from, 0); i != SIZE_MAX; i = bits_next(from, i + 1))
        w->follow[i] = bits_join(w->follow[i], to);
}

/* Edges from all of one to all of the other; many of them go through one element in between. */
static void link(struct lac_match_regex_work *w, const struct lac_match_regex_bits *from,
                 const struct lac_match_regex_bits *to)
{
    size_t a = bits_count(from), b = bits_count(to);
    struct lac_match_regex_frag middle;

    if (a < 3 || b < 3) {
        link_all(w, from, to);
        return;
    }
    middle = piece(w, (struct lac_match_regex_piece){.op = REGEX_OP_ASSERT, .arg = REGEX_ALWAYS});
    link_all(w, from, &middle.first);
    link_all(w, &middle.last, to);
}

/* One fragment behind another. */
static struct lac_match_regex_frag then(struct lac_match_regex_work *w,
                                        struct lac_match_regex_frag a,
                                        const struct lac_match_regex_frag *b)
{
    link(w, &a.last, &b->first);
    if (a.nullable)
        a.first = bits_join(a.first, &b->first);
    a.last = b->nullable ? bits_join(a.last, &b->last) : b->last;
    a.nullable = a.nullable && b->nullable;
    return a;
}

/* ---- literals ---- */

/* A class that is one byte, or one letter in both cases. */
static bool literal_byte(const struct lac_match_regex_set *s, uint8_t *value, uint8_t *mask)
{
    size_t count = lac_match_regex_set_count(s);
    unsigned c = 0;

    if (count == 0 || count > 2)
        return false;
    while (!lac_match_regex_set_has(s, (unsigned char)c))
        c++;
    *value = (uint8_t)c;
    *mask = 0xFF;
    if (count == 1)
        return true;
    *mask = 0xDF;
    return c >= 'A' && c <= 'Z' && lac_match_regex_set_has(s, (unsigned char)(c | 0x20));
}

/* The run of literal bytes that begins with `*node`, which moves to the last of them. */
static struct lac_match_regex_frag literal(struct lac_match_regex_work *w, int32_t *node)
{
    struct lac_match_regex_piece p = {.op = REGEX_OP_LITERAL, .arg = w->nodes[*node].set};
    uint8_t value[LAC_MATCH_REGEX_WIDTH], mask[LAC_MATCH_REGEX_WIDTH];
    size_t len = 0;
    int32_t c = *node;

    while (c >= 0 && len < LAC_MATCH_REGEX_WIDTH && w->nodes[c].kind == REGEX_SET &&
           literal_byte(&w->sets[w->nodes[c].set], &value[len], &mask[len])) {
        len++;
        *node = c;
        c = w->nodes[c].next;
    }
    if (2 * len > sizeof(w->literals) - w->literal_bytes) {
        w->unsupported = "its literals are too long";
        return nothing;
    }
    p.min = p.max = (uint16_t)len;
    p.literal = (uint32_t)w->literal_bytes;
    memcpy(w->literals + w->literal_bytes, value, len);
    memcpy(w->literals + w->literal_bytes + len, mask, len);
    w->literal_bytes += 2 * len;
    return piece(w, p);
}

/* ---- fragments ---- */

static struct lac_match_regex_frag fragment(struct lac_match_regex_work *w, int32_t node,
                                            unsigned depth);

static struct lac_match_regex_frag set_repeat(struct lac_match_regex_work *w, uint16_t set,
                                              uint16_t min, uint16_t max)
{
    struct lac_match_regex_frag f;

    if (max == 0)
        return nothing;
    f = piece(w, (struct lac_match_regex_piece){
                     .op = REGEX_OP_SET, .arg = set, .min = min ? min : 1, .max = max});
    f.nullable = f.nullable || min == 0;
    return f;
}

/*
 * x{m,n} is n copies in a row, of which a match may leave at m or behind. An x that may be empty
 * may be left anywhere: two copies, one of them empty, are one copy.
 */
static struct lac_match_regex_frag repeat(struct lac_match_regex_work *w,
                                          const struct lac_match_regex_node *n, unsigned depth)
{
    struct lac_match_regex_frag all = nothing;
    struct lac_match_regex_bits tail = {0};
    const struct lac_match_regex_node *child = &w->nodes[n->child];
    unsigned min = n->min;

    if (child->kind == REGEX_SET)
        return set_repeat(w, child->set, n->min, n->max);
    for (unsigned i = 0; i < n->max && !w->unsupported; i++) {
        struct lac_match_regex_frag copy = fragment(w, n->child, depth + 1);

        if (copy.nullable)
            min = 0;
        if (i == 0)
            all.first = copy.first;
        else
            link(w, &tail, &copy.first);
        tail = copy.last;
        all.last = i >= min ? bits_join(all.last, &copy.last) : copy.last;
    }
    all.nullable = min == 0;
    return all;
}

static struct lac_match_regex_frag sequence(struct lac_match_regex_work *w, int32_t child,
                                            unsigned depth)
{
    struct lac_match_regex_frag all = nothing;

    for (int32_t c = child; c >= 0 && !w->unsupported; c = w->nodes[c].next) {
        uint8_t value, mask;
        bool is_literal =
            w->nodes[c].kind == REGEX_SET && literal_byte(&w->sets[w->nodes[c].set], &value, &mask);
        struct lac_match_regex_frag f = is_literal ? literal(w, &c) : fragment(w, c, depth + 1);

        all = then(w, all, &f);
    }
    return all;
}

static struct lac_match_regex_frag alternatives(struct lac_match_regex_work *w, int32_t child,
                                                unsigned depth)
{
    struct lac_match_regex_frag all = {0};

    for (int32_t c = child; c >= 0 && !w->unsupported; c = w->nodes[c].next) {
        struct lac_match_regex_frag f = fragment(w, c, depth + 1);

        all.first = bits_join(all.first, &f.first);
        all.last = bits_join(all.last, &f.last);
        all.nullable = all.nullable || f.nullable;
    }
    return all;
}

/* The recursion is as deep as the tree, which the parser and factor() bound. */
static struct lac_match_regex_frag fragment(struct lac_match_regex_work *w, int32_t node,
                                            unsigned depth)
{
    const struct lac_match_regex_node *n = &w->nodes[node];
    int32_t self = node;
    uint8_t value, mask;

    if (depth == REGEX_NODE_DEPTH || ++w->steps > REGEX_STEPS) {
        w->unsupported = "its repeats or alternatives are too deep";
        return nothing;
    }
    switch (n->kind) {
    case REGEX_SET:
        if (literal_byte(&w->sets[n->set], &value, &mask)) {
            /* Alone: its neighbours belong to somebody else. */
            int32_t next = n->next;
            struct lac_match_regex_frag f;

            w->nodes[node].next = REGEX_NONE;
            f = literal(w, &self);
            w->nodes[node].next = next;
            return f;
        }
        return set_repeat(w, n->set, 1, 1);
    case REGEX_ASSERT:
        return piece(w, (struct lac_match_regex_piece){.op = REGEX_OP_ASSERT, .arg = n->assertion});
    case REGEX_CAT:
        return sequence(w, n->child, depth);
    case REGEX_ALT:
        return alternatives(w, n->child, depth);
    default:
        return repeat(w, n, depth);
    }
}

/* ---- order and reach ---- */

/* Renumbers the pieces so that edges only lead forwards. */
static void sort(struct lac_match_regex_work *w)
{
    static const uint16_t unset = UINT16_MAX;
    uint16_t place[LAC_MATCH_REGEX_ELEMENTS], order[LAC_MATCH_REGEX_ELEMENTS];
    uint16_t incoming[LAC_MATCH_REGEX_ELEMENTS] = {0};
    struct lac_match_regex_piece pieces[LAC_MATCH_REGEX_ELEMENTS];
    struct lac_match_regex_bits ready = {0}, start = {0};
    size_t n = w->piece_count, done = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t k = bits_next(&w->follow[i], 0); k != SIZE_MAX;
             k = bits_next(&w->follow[i], k + 1))
            incoming[k]++;
    for (size_t i = 0; i < n; i++) {
        place[i] = unset;
        if (incoming[i] == 0)
            lac_match_regex_bit_set(&ready, i);
    }
    for (size_t i = bits_next(&ready, 0); i != SIZE_MAX; i = bits_next(&ready, 0)) {
        ready.word[i / 64] &= ~((uint64_t)1 << (i % 64));
        place[i] = (uint16_t)done;
        order[done++] = (uint16_t)i;
        for (size_t k = bits_next(&w->follow[i], 0); k != SIZE_MAX;
             k = bits_next(&w->follow[i], k + 1))
            if (--incoming[k] == 0)
                lac_match_regex_bit_set(&ready, k);
    }
    LAC_ASSERT(done == n); /* nothing loops: repeats were written out */
    memcpy(pieces, w->pieces, sizeof(pieces));
    for (size_t i = 0; i < n; i++)
        w->pieces[i] = pieces[order[i]];
    for (size_t i = bits_next(&w->start, 0); i != SIZE_MAX; i = bits_next(&w->start, i + 1))
        lac_match_regex_bit_set(&start, place[i]);
    w->start = start;
    /* The followers, one after the other, into the places' order. */
    for (size_t i = 0; i < n; i++) {
        struct lac_match_regex_bits to = {0};

        for (size_t k = bits_next(&w->follow[i], 0); k != SIZE_MAX;
             k = bits_next(&w->follow[i], k + 1))
            lac_match_regex_bit_set(&to, place[k]);
        w->follow[i] = to;
    }
    /* Now permute the rows themselves, along the cycles of the order. */
    for (size_t i = 0; i < n; i++) {
        size_t at = i;
        struct lac_match_regex_bits row = w->follow[i];

        if (order[i] == unset)
            continue;
        while (order[at] != i) {
            size_t from = order[at];

            w->follow[at] = w->follow[from];
            order[at] = unset;
            at = from;
        }
        w->follow[at] = row;
        order[at] = unset;
    }
}

static void reach_from(struct lac_match_regex_reach *r, uint32_t min, uint32_t max)
{
    r->in_min = min < r->in_min ? min : r->in_min;
    r->in_max = max > r->in_max ? max : r->in_max;
}

static void measure(struct lac_match_regex_work *w)
{
    w->min_width = UINT32_MAX;
    w->max_width = 0;
    for (size_t i = 0; i < w->piece_count; i++) {
        w->reach[i] = (struct lac_match_regex_reach){.in_min = UINT32_MAX};
        if (lac_match_regex_bit(&w->start, i))
            reach_from(&w->reach[i], 0, 0);
    }
    for (size_t i = 0; i < w->piece_count; i++) {
        struct lac_match_regex_reach *r = &w->reach[i];

        r->out_min = r->in_min + w->pieces[i].min;
        r->out_max = r->in_max + w->pieces[i].max;
        if (w->pieces[i].accepts) {
            w->min_width = r->out_min < w->min_width ? r->out_min : w->min_width;
            w->max_width = r->out_max > w->max_width ? r->out_max : w->max_width;
        }
        for (size_t k = bits_next(&w->follow[i], 0); k != SIZE_MAX;
             k = bits_next(&w->follow[i], k + 1))
            reach_from(&w->reach[k], r->out_min, r->out_max);
    }
}

enum lac_status lac_match_regex_build(struct lac_match_regex_work *w, struct lac_err *err)
{
    struct lac_match_regex_frag all;

    /* Joined alternatives are new nodes, so the loop reaches them too. */
    for (int32_t i = 0; i < w->node_count && !w->unsupported; i++)
        if (w->nodes[i].kind == REGEX_ALT)
            factor(w, i);
    if (w->unsupported)
        return LAC_OK;
    all = fragment(w, w->root, 0);
    if (w->unsupported)
        return LAC_OK;
    w->start = all.first;
    for (size_t i = bits_next(&all.last, 0); i != SIZE_MAX; i = bits_next(&all.last, i + 1))
        w->pieces[i].accepts = true;
    sort(w);
    measure(w);
    if (all.nullable || w->min_width == 0)
        return lac_err_set(err, LAC_REJECT, 0, "it can match the empty text");
    LAC_ASSERT(w->max_width <= LAC_MATCH_REGEX_WIDTH);
    return LAC_OK;
}
