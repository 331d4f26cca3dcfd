/* SPDX-License-Identifier: Apache-2.0 */
/* Makes what the scan reads: bit maps, hash tables, symbols, runs. */
#include "lac_match_table.h"

#include <stdlib.h>

enum {
    BITS_PER_KEY = 20, /* of a bit map: one in a hundred words that are none is looked up */
    BITS_LOG_MIN = 15, /* 4 KiB */
    BITS_LOG_MAX = 22, /* 512 KiB, half of a core's second cache */
};

static unsigned bits_log(size_t keys)
{
    unsigned log = BITS_LOG_MIN;

    while (log < BITS_LOG_MAX && ((size_t)1 << log) < keys * BITS_PER_KEY)
        log++;
    return log;
}

/* ---- hash tables ---- */

static int key_cmp(const void *a, const void *b)
{
    const struct lac_match_key *x = a;
    const struct lac_match_key *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->entry.kind != y->entry.kind)
        return x->entry.kind < y->entry.kind ? -1 : 1;
    return (x->entry.index > y->entry.index) - (x->entry.index < y->entry.index);
}

/* Returns how many different keys there are. */
static size_t sort_keys(struct lac_buf *keys)
{
    struct lac_match_key *k = (void *)keys->ptr;
    size_t count = keys->len / sizeof(*k);
    size_t different = count > 0;

    if (count > 0)
        qsort(k, count, sizeof(*k), key_cmp);
    for (size_t i = 1; i < count; i++)
        different += k[i].key != k[i - 1].key;
    return different;
}

/* Adds to a slot which bytes have to be around the keyed word for the entry to fit. */
static void put_company(struct lac_match_slot *slot, const struct lac_match_entry *e)
{
    bool behind = e->behind[0] && e->behind[1] && e->skip == lac_match_key_len(slot->key);
    const uint8_t *want = behind ? e->behind : e->before;
    uint32_t *company = behind ? &slot->behind : &slot->before;

    *company |= want[0] && want[1] ? (uint32_t)1 << lac_match_company(want[1]) : UINT32_MAX;
    if (want[0] == ' ') /* there may be more than one */
        *company |= (uint32_t)1 << lac_match_company(' ');
}

static enum lac_status make_slots(struct lac_match_build *b, struct lac_buf *keys,
                                  enum lac_match_section section, struct lac_err *err)
{
    struct lac_match_key *k = (void *)keys->ptr;
    size_t count = keys->len / sizeof(*k);
    struct lac_buf *entries = &b->section[LAC_MATCH_S_ENTRIES];
    struct lac_match_slot *slots;
    size_t capacity = 16;

    if (!lac_buf_ok(keys))
        return lac_match_table_no_memory(err);
    while (capacity < sort_keys(keys) * 3 / 2)
        capacity *= 2;
    slots = lac_match_section_room(b, section, capacity * sizeof(*slots));
    if (!slots)
        return lac_match_table_no_memory(err);
    for (size_t i = 0, n; i < count; i += n) {
        size_t at = lac_match_slot_of(k[i].key) & (capacity - 1);

        while (slots[at].count)
            at = (at + 1) & (capacity - 1);
        slots[at].key = k[i].key;
        slots[at].first = (uint32_t)(entries->len / sizeof(struct lac_match_entry));
        for (n = 0; i + n < count && k[i + n].key == k[i].key; n++)
            if (n == 0 || key_cmp(&k[i + n], &k[i + n - 1]) != 0) {
                lac_buf_put(entries, &k[i + n].entry, sizeof(k->entry));
                put_company(&slots[at], &k[i + n].entry);
                slots[at].count++;
            }
    }
    return lac_buf_ok(entries) ? LAC_OK : lac_match_table_no_memory(err);
}

static enum lac_status make_word_bits(struct lac_match_build *b, struct lac_err *err)
{
    const struct lac_match_key *k = (const void *)b->word_keys.ptr;
    size_t count = b->word_keys.len / sizeof(*k);
    unsigned log = bits_log(sort_keys(&b->word_keys));
    uint64_t *bits = lac_match_section_room(b, LAC_MATCH_S_WORD_BITS, ((size_t)1 << log) / 8);

    if (!bits)
        return lac_match_table_no_memory(err);
    b->header.word_shift = 64 - log;
    for (size_t i = 0; i < count; i++)
        lac_match_bits_put(bits, lac_match_hash_word(k[i].key), b->header.word_shift);
    return LAC_OK;
}

/* A spelling of `bytes`: bit i of `which` turns the case of letter i. False: there is none. */
static bool respell(uint64_t *bytes, unsigned count, unsigned which)
{
    for (unsigned i = 0; i < count; i++)
        if (which >> i & 1) {
            if (!lac_match_is_alpha(*bytes >> (8 * i) & 0xFF))
                return false;
            *bytes ^= (uint64_t)0x20 << (8 * i);
        }
    return true;
}

/* Every spelling of the first bytes; and in the other map that these four are all, or all
 * spellings of six. */
static void set_prefix_bits(uint64_t *map, uint64_t *more, unsigned shift,
                            const struct lac_match_prefix_text *p)
{
    unsigned keyed = p->len < 4 ? 3 : 4;
    unsigned known = p->len < 6 ? keyed : 6;

    for (unsigned spelling = 0; spelling < (p->nocase ? 1u << keyed : 1u); spelling++) {
        uint64_t bytes = p->bytes;

        if (!respell(&bytes, keyed, spelling))
            continue;
        map[lac_match_hash_short(bytes) >> (shift + 6)] |=
            keyed == 3 ? lac_match_short_bits(bytes) : lac_match_prefix_bits(bytes);
        if (keyed == known && keyed == 4)
            lac_match_bits_put(more, lac_match_hash_prefix(bytes), shift);
    }
    for (unsigned spelling = 0; known == 6 && spelling < (p->nocase ? 64u : 1u); spelling++) {
        uint64_t bytes = p->bytes;

        if (respell(&bytes, 6, spelling))
            lac_match_bits_put(more, lac_match_hash_more(bytes), shift);
    }
}

static enum lac_status make_prefix_bits(struct lac_match_build *b, struct lac_err *err)
{
    const struct lac_match_prefix_text *texts = (const void *)b->prefix_texts.ptr;
    size_t count = b->prefix_texts.len / sizeof(*texts);
    size_t expanded = 0;
    uint64_t *bits, *more;
    unsigned log;

    for (size_t i = 0; i < count; i++)
        expanded += texts[i].nocase ? 8u : 1u;
    log = bits_log(expanded);
    bits = lac_match_section_room(b, LAC_MATCH_S_PREFIX_BITS, ((size_t)1 << log) / 8);
    more = lac_match_section_room(b, LAC_MATCH_S_PREFIX_MORE, ((size_t)1 << log) / 8);
    if (!bits || !more || !lac_buf_ok(&b->prefix_texts))
        return lac_match_table_no_memory(err);
    b->header.prefix_shift = 64 - log;
    for (size_t i = 0; i < count; i++)
        set_prefix_bits(bits, more, b->header.prefix_shift, &texts[i]);
    return LAC_OK;
}

/* ---- symbols ---- */

/* The bytes that a literal has at a place, as kinds. */
static uint16_t kinds_at(const char *text, size_t place, bool nocase)
{
    unsigned char c = (unsigned char)text[place];
    unsigned other = nocase && lac_match_is_alpha(c) ? c ^ 0x20u : c;

    return lac_match_kind[c] | lac_match_kind[other];
}

/* What may stand behind the symbol by which a literal is found: the literal's next bytes, or what
 * the unit's matches have there, or anything. */
static void add_symbol(const struct lac_match_build *b, uint32_t literal, uint32_t bit,
                       struct lac_match_sieve *sieve)
{
    const struct lac_match_literal *l =
        (const struct lac_match_literal *)(const void *)b->section[LAC_MATCH_S_LITERALS].ptr +
        literal;
    const struct lac_match_unit *u = lac_match_build_unit(b, l->unit);
    const char *text = b->section[LAC_MATCH_S_TEXT].ptr + l->text.at;

    for (size_t i = 0; i < LAC_MATCH_SIEVE; i++) {
        size_t place = (size_t)l->key + 1 + i;
        size_t in_match = l->back_min + place;
        unsigned kinds = UINT16_MAX;

        if (l->back_min == l->back_max && in_match < u->head_len)
            kinds = u->head[in_match];
        if (place < l->text.len)
            kinds &= kinds_at(text, place, l->nocase);
        lac_match_sieve_add(sieve->behind[i], bit, kinds);
    }
}

static enum lac_status make_symbols(struct lac_match_build *b, struct lac_err *err)
{
    struct lac_match_key *k = (void *)b->symbols.ptr;
    size_t count = b->symbols.len / sizeof(*k);
    struct lac_buf *list = &b->section[LAC_MATCH_S_SYMBOL_LIST];
    uint32_t *first = lac_match_section_room(b, LAC_MATCH_S_SYMBOL_FIRST, 129 * sizeof(*first));
    struct lac_match_sieve *sieves =
        lac_match_section_room(b, LAC_MATCH_S_SYMBOL_SIEVES, 128 * sizeof(*sieves));
    size_t i = 0;

    if (!first || !sieves)
        return lac_match_table_no_memory(err);
    if (count > 0)
        qsort(k, count, sizeof(*k), key_cmp);
    for (unsigned c = 0; c < 128; c++) {
        first[c] = (uint32_t)i;
        for (; i < count && k[i].key == c; i++) {
            lac_buf_put(list, &k[i].entry.index, sizeof(uint32_t));
            add_symbol(b, k[i].entry.index, lac_match_sieve_bit(i - first[c], LAC_MATCH_SIEVE_LAST),
                       &sieves[c]);
        }
        if (first[c] < i)
            b->header.symbols[c & 15] = (uint8_t)(b->header.symbols[c & 15] | 1u << (c >> 4));
    }
    first[128] = (uint32_t)i;
    return lac_buf_ok(list) ? LAC_OK : lac_match_table_no_memory(err);
}

/* ---- units that are looked for around their context words ---- */

static enum lac_status make_loose(struct lac_match_build *b, struct lac_err *err)
{
    const struct lac_buf *loose = &b->section[LAC_MATCH_S_LOOSE];
    const uint32_t *list = (const void *)loose->ptr;
    const struct lac_match_unit *units = (const void *)b->section[LAC_MATCH_S_UNITS].ptr;
    const struct lac_match_image_rule *rules = (const void *)b->section[LAC_MATCH_S_RULES].ptr;
    const uint32_t *ids = (const void *)b->section[LAC_MATCH_S_CONTEXT_IDS].ptr;
    struct lac_match_word *words = (void *)b->section[LAC_MATCH_S_WORDS].ptr;
    struct lac_buf *out = &b->section[LAC_MATCH_S_CONTEXT_UNITS];

    for (size_t w = 0; w < b->word_count && loose->len > 0; w++) {
        words[w].units = (uint32_t)(out->len / sizeof(uint32_t));
        for (size_t i = 0; i < loose->len / sizeof(*list); i++) {
            const struct lac_match_image_rule *r = &rules[units[list[i]].rule];

            for (size_t k = 0; k < r->context_count; k++)
                if (ids[r->context + k] == w) {
                    lac_buf_put(out, &list[i], sizeof(*list));
                    words[w].units_count++;
                    break;
                }
        }
    }
    return lac_buf_ok(out) ? LAC_OK : lac_match_table_no_memory(err);
}

/* ---- which rules a context word enables ---- */

static int pair_cmp(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* From pairs of a word and a rule, in order. */
static void put_gates(struct lac_match_build *b, const uint64_t *pairs, size_t count)
{
    struct lac_match_word *words = (void *)b->section[LAC_MATCH_S_WORDS].ptr;
    struct lac_buf *out = &b->section[LAC_MATCH_S_GATES];

    for (size_t i = 0; i < count;) {
        uint64_t block = pairs[i] / 64; /* the word's too */
        struct lac_match_word *w = &words[pairs[i] >> 32];
        struct lac_match_gates g = {.block = (uint32_t)pairs[i] / 64};

        for (; i < count && pairs[i] / 64 == block; i++)
            g.rules |= (uint64_t)1 << (pairs[i] % 64);
        if (w->gates_count++ == 0)
            w->gates = (uint32_t)(out->len / sizeof(g));
        lac_buf_put(out, &g, sizeof(g));
    }
}

static enum lac_status make_gates(struct lac_match_build *b, struct lac_err *err)
{
    const struct lac_match_image_rule *rules = (const void *)b->section[LAC_MATCH_S_RULES].ptr;
    const uint32_t *ids = (const void *)b->section[LAC_MATCH_S_CONTEXT_IDS].ptr;
    size_t most = b->section[LAC_MATCH_S_CONTEXT_IDS].len / sizeof(*ids);
    uint64_t *pairs = calloc(most + 1, sizeof(*pairs));
    size_t count = 0;

    if (!pairs)
        return lac_match_table_no_memory(err);
    for (size_t i = 0; i < b->m->count; i++)
        for (uint32_t k = 0; k < rules[i].context_count; k++)
            pairs[count++] = (uint64_t)ids[rules[i].context + k] << 32 | i;
    qsort(pairs, count, sizeof(*pairs), pair_cmp);
    put_gates(b, pairs, count);
    free(pairs);
    return lac_buf_ok(&b->section[LAC_MATCH_S_GATES]) ? LAC_OK : lac_match_table_no_memory(err);
}

static int run_cmp(const void *a, const void *b)
{
    const struct lac_match_run *x = a;
    const struct lac_match_run *y = b;

    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    if (x->least != y->least)
        return x->least < y->least ? -1 : 1;
    return (x->unit > y->unit) - (x->unit < y->unit);
}

/* The literal that every match has, when it begins in the run or right behind it; else NULL. */
static const char *run_literal(const struct lac_match_build *b, const struct lac_match_run *r)
{
    const struct lac_match_unit *u = lac_match_build_unit(b, r->unit);

    return u->inner.len >= LAC_MATCH_TRIO && u->inner_max <= r->least
               ? b->section[LAC_MATCH_S_TEXT].ptr + u->inner.at
               : NULL;
}

/* What is seldom looked at comes together and last: rules that need context, and in a block those
 * with nothing to look for first. */
static uint32_t run_order(const struct lac_match_build *b, const struct lac_match_run *r)
{
    uint32_t gated = lac_match_needs_context(&b->m->rules[r->rule], false);

    return gated << 31 | r->rule / 64 << 1 | (run_literal(b, r) == NULL);
}

/* The run's mark, by the first three bytes of its literal. */
static void mark_run(const struct lac_match_build *b, struct lac_match_run *r, uint32_t mark,
                     uint64_t *marks, uint64_t *marked)
{
    const char *literal = run_literal(b, r);
    size_t i;

    r->mark = literal ? mark : LAC_MATCH_MARK_ALWAYS;
    if (!literal)
        return;
    i = lac_match_marked_of((const unsigned char *)literal);
    marked[i / 64] |= (uint64_t)1 << (i % 64);
    marks[lac_match_mark_of(i)] |= (uint64_t)1 << mark;
}

static enum lac_status make_runs(struct lac_match_build *b, struct lac_err *err)
{
    struct lac_match_run *runs = (void *)b->section[LAC_MATCH_S_RUNS].ptr;
    uint32_t count = (uint32_t)(b->section[LAC_MATCH_S_RUNS].len / sizeof(*runs));
    struct lac_buf *out = &b->section[LAC_MATCH_S_RUN_GROUPS];
    uint64_t *marks =
        lac_match_section_room(b, LAC_MATCH_S_RUN_MARKS, LAC_MATCH_MARKS * sizeof(*marks));
    uint64_t *marked =
        lac_match_section_room(b, LAC_MATCH_S_RUN_MARKED, LAC_MATCH_MARKED / 64 * sizeof(*marked));

    if (!marks || !marked)
        return lac_match_table_no_memory(err);
    for (uint32_t i = 0; i < count; i++)
        runs[i].order = run_order(b, &runs[i]);
    if (count > 0)
        qsort(runs, count, sizeof(*runs), run_cmp);
    for (uint32_t i = 0; i < count;) {
        struct lac_match_run_group g = {
            .block = runs[i].rule / 64, .first = i, .gated = runs[i].order >> 31};

        for (; i < count && runs[i].order == runs[g.first].order; i++) {
            mark_run(b, &runs[i], i % LAC_MATCH_MARK_ALWAYS, marks, marked);
            g.rules |= (uint64_t)1 << (runs[i].rule % 64);
            g.marks |= (uint64_t)1 << runs[i].mark;
            g.count++;
        }
        lac_buf_put(out, &g, sizeof(g));
    }
    return lac_buf_ok(out) ? LAC_OK : lac_match_table_no_memory(err);
}

enum lac_status lac_match_tables(struct lac_match_build *b, struct lac_err *err)
{
    enum lac_status status;

    lac_match_choose_keys(b);
    status = make_word_bits(b, err);
    if (status == LAC_OK)
        status = make_prefix_bits(b, err);
    if (status == LAC_OK)
        status = make_slots(b, &b->word_keys, LAC_MATCH_S_WORD_SLOTS, err);
    if (status == LAC_OK)
        status = make_slots(b, &b->prefix_keys, LAC_MATCH_S_PREFIX_SLOTS, err);
    if (status == LAC_OK)
        status = make_symbols(b, err);
    if (status == LAC_OK)
        status = lac_match_table_shapes(b, err);
    if (status == LAC_OK)
        status = make_loose(b, err);
    if (status == LAC_OK)
        status = make_gates(b, err);
    if (status == LAC_OK)
        status = make_runs(b, err);
    return status;
}
