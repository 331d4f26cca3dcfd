/* SPDX-License-Identifier: Apache-2.0 */
/* What stands at a word's start: context words, phrases, names, literals of patterns. */
#include "lac_match_internal.h"

#include <string.h>

/* ---- keys ---- */

/* Letters of two bytes belong to scripts that part words by blanks. */
bool lac_match_in_word(struct lac_str t, size_t i)
{
    unsigned char c = lac_match_byte(t, i);
    unsigned char before = lac_match_before(t, i);

    if (c < 0x80)
        return lac_match_is_alnum(c);
    return (c >= 0xC0 && c < 0xE0) || (c < 0xC0 && before >= 0xC0 && before < 0xE0);
}

uint64_t lac_match_load_last(struct lac_str t, size_t at)
{
    uint64_t x = 0;

    memcpy(&x, t.ptr + at, t.len - at);
    return le64toh(x);
}

uint64_t lac_match_key_of(struct lac_str text, size_t at)
{
    unsigned run = 0;

    for (unsigned i = 0; i < 8 && lac_match_in_word(text, at + i); i++)
        run |= 1u << i;
    return (lac_match_load8(text, at < text.len ? at : text.len) | 0x2020202020202020u) &
           lac_match_key_masks[run];
}

/* The same of a part of an identifier, which ends before the next hump. */
static uint64_t part_key(struct lac_str t, size_t at)
{
    uint64_t key = 0;

    for (size_t i = 0; i < 8 && lac_match_in_word(t, at + i); i++) {
        if (i > 0 && lac_match_is_hump(t, at + i))
            break;
        key |= (uint64_t)(lac_match_byte(t, at + i) | 0x20u) << (8 * i);
    }
    return key;
}

bool lac_match_is_hump(struct lac_str t, size_t i)
{
    unsigned char before = lac_match_before(t, i);

    if (!lac_match_is_upper(lac_match_byte(t, i)))
        return false;
    return lac_match_is_lower(before) || lac_match_is_digit(before) ||
           (lac_match_is_upper(before) && lac_match_is_lower(lac_match_byte(t, i + 1)));
}

static const struct lac_match_slot *find_slot(const struct lac_match_slot *slots, size_t mask,
                                              uint64_t key)
{
    for (size_t i = lac_match_slot_of(key) & mask; slots[i].count; i = (i + 1) & mask)
        if (slots[i].key == key)
            return &slots[i];
    return NULL;
}

/* ---- comparing ---- */

size_t lac_match_same_from(struct lac_str text, size_t at, struct lac_str what)
{
    for (size_t i = 0; i < what.len; i++) {
        if (at >= text.len || lac_match_fold_byte(text.ptr[at]) != (unsigned char)what.ptr[i])
            return SIZE_MAX;
        at++;
        while (what.ptr[i] == ' ' && at < text.len && lac_match_fold_byte(text.ptr[at]) == ' ')
            at++;
    }
    return at;
}

size_t lac_match_same_to(struct lac_str text, size_t at, struct lac_str what)
{
    for (size_t i = what.len; i-- > 0;) {
        if (at == 0 || lac_match_fold_byte(text.ptr[at - 1]) != (unsigned char)what.ptr[i])
            return SIZE_MAX;
        at--;
        while (what.ptr[i] == ' ' && at > 0 && lac_match_fold_byte(text.ptr[at - 1]) == ' ')
            at--;
    }
    return at;
}

static bool is_joint(struct lac_str t, size_t i)
{
    return i < t.len &&
           (lac_match_fold_byte(t.ptr[i]) == ' ' || lac_match_is_in((unsigned char)t.ptr[i], "./"));
}

/* A name, whose blanks may stand for any separator or for none. */
static size_t name_from(struct lac_str text, size_t at, struct lac_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == ' ') {
            while (is_joint(text, at))
                at++;
            continue;
        }
        if (at >= text.len || lac_match_fold_byte(text.ptr[at]) != (unsigned char)name.ptr[i])
            return SIZE_MAX;
        at++;
    }
    return at;
}

static bool name_ends(struct lac_str t, size_t at)
{
    return lac_match_boundary(t, at) || lac_match_is_hump(t, at);
}

/* Where the plural of a name ends whose singular ends at `at`, or SIZE_MAX. */
static size_t plural_end(struct lac_str t, size_t at)
{
    unsigned char last = lac_match_fold_byte(t.ptr[at - 1]);
    unsigned char c = at < t.len ? lac_match_fold_byte(t.ptr[at]) : 0;
    bool hisses = lac_match_is_in(last, "sxzh");

    if (c == 's' && name_ends(t, at + 1))
        return at + 1;
    if (c == 'e' && hisses && at + 1 < t.len && lac_match_fold_byte(t.ptr[at + 1]) == 's' &&
        name_ends(t, at + 2))
        return at + 2;
    return SIZE_MAX;
}

/* "companies" of "company": the name without its last letter, then "ies". */
static size_t plural_of_y(struct lac_str t, size_t at, struct lac_str name)
{
    size_t end;

    if (name.len < 3 || name.ptr[name.len - 1] != 'y')
        return SIZE_MAX;
    name.len--;
    end = name_from(t, at, name);
    if (end == SIZE_MAX || lac_match_same_from(t, end, LAC_STR("ies")) != end + 3 ||
        !name_ends(t, end + 3))
        return SIZE_MAX;
    return end + 3;
}

static size_t name_end(struct lac_str t, size_t at, struct lac_str name)
{
    size_t end = name_from(t, at, name);

    if (end == SIZE_MAX)
        return plural_of_y(t, at, name);
    return name_ends(t, end) ? end : plural_end(t, end);
}

static bool phrase_stands(struct lac_str t, struct lac_str what, size_t key, size_t at, bool name,
                          size_t *start, size_t *end)
{
    struct lac_str tail = lac_str_slice(what, key, what.len);

    *start = lac_match_same_to(t, at, lac_str_slice(what, 0, key));
    if (*start == SIZE_MAX)
        return false;
    *end = name ? name_end(t, at, tail) : lac_match_same_from(t, at, tail);
    if (*end == SIZE_MAX || (!name && !lac_match_boundary(t, *end)))
        return false;
    return lac_match_boundary(t, *start) || (name && lac_match_is_hump(t, *start));
}

void lac_match_phrase_at(struct lac_match_scratch *s, const struct lac_match_found *f,
                         uint32_t phrase)
{
    const struct lac_match_phrase *p = &s->m->phrases[phrase];
    bool name = p->flags & LAC_MATCH_PHRASE_NAMES;
    size_t start, end;

    if (f->hump && !name)
        return;
    if (phrase_stands(s->view, lac_match_text_of(s->m, p->text), p->key, f->at, name, &start, &end))
        (void)lac_match_add(s, p->rule, lac_match_view_at(s, start), lac_match_view_at(s, end));
}

/* Bytes of a text next to each other, as they are met walking away from the key: the second may be
 * further away when the first is a blank. */
static bool pair_fits(const uint8_t want[2], unsigned char first, unsigned char second)
{
    return want[0] == 0 || (first == want[0] && (want[1] == 0 || second == want[1] ||
                                                 (want[0] == ' ' && second == ' ')));
}

bool lac_match_entry_fits(const struct lac_match_scratch *s, const struct lac_match_entry *e,
                          size_t at)
{
    struct lac_str t = s->view;
    size_t end = at + e->skip;

    return pair_fits(e->before, lac_match_fold_table[lac_match_before(t, at)],
                     lac_match_fold_table[at > 0 ? lac_match_before(t, at - 1) : 0]) &&
           pair_fits(e->behind, lac_match_fold_table[lac_match_byte(t, end)],
                     lac_match_fold_table[lac_match_byte(t, end + 1)]);
}

/* ---- after the first pass ---- */

static void note_place(struct lac_match_scratch *s, size_t at, uint32_t word)
{
    const struct lac_match_word *w = &s->m->words[word];
    struct lac_match_place *p;
    size_t start = at;
    size_t end = at + w->text.len;

    if (!w->exact &&
        !phrase_stands(s->view, lac_match_text_of(s->m, w->text), w->key, at, false, &start, &end))
        return;
    if (s->place_count == s->place_capacity) {
        /* The list tells nothing any more: the text does, see lac_match_context_near(). */
        s->place_from = s->place_to = 0;
        lac_match_gates_open(s);
        return;
    }
    p = &s->places[s->place_count++];
    *p = (struct lac_match_place){lac_match_view_at(s, start), lac_match_view_at(s, end), word};
    if (p->end - p->start > s->place_longest)
        s->place_longest = p->end - p->start;
    lac_match_gates_word(s, word);
}

/* How a place is looked at. */
struct look {
    bool note; /* context words */
    bool core; /* all else */
    bool hump; /* as a part of an identifier */
};

/* Context words are noted at once, the rest is listed until all context words are known. */
static void sort_out(struct lac_match_scratch *s, size_t at, const struct lac_match_slot *slot,
                     struct look look)
{
    const struct lac_match_entry *e = s->m->entries;
    uint32_t i = slot->first;
    uint32_t end = slot->first + slot->count;
    uint32_t from;

    for (; i < end && e[i].kind == LAC_MATCH_ENTRY_CONTEXT; i++)
        if (look.note && lac_match_entry_fits(s, &e[i], at))
            note_place(s, at, e[i].index);
    from = i;
    while (i < end && e[i].kind == LAC_MATCH_ENTRY_PHRASE)
        i++;
    if (!look.core)
        return;
    if (from < i && (s->words || look.hump) && s->phrase_count < LAC_MATCH_FOUND_MAX)
        s->phrases[s->phrase_count++] =
            (struct lac_match_found){(uint32_t)at, from, i - from, look.hump};
    /* The kinds follow each other, but an image from outside may be damaged. */
    for (from = i; i < end && e[i].kind == LAC_MATCH_ENTRY_LITERAL;)
        i++;
    if (from < i && s->units && s->literal_count < LAC_MATCH_FOUND_MAX) {
        s->literals[s->literal_count++] =
            (struct lac_match_found){(uint32_t)at, from, i - from, look.hump};
        __builtin_prefetch(&s->m->literals[e[from].index]);
    }
}

static void look_up_prefix(struct lac_match_scratch *s, size_t at, struct look look)
{
    const struct lac_match *m = s->m;
    const struct lac_match_slot *slot;
    uint32_t bytes = 0;

    if (s->view.len - at >= 4) {
        memcpy(&bytes, s->view.ptr + at, 4);
        slot =
            find_slot(m->prefix_slots, m->prefix_mask, (uint64_t)4 << 32 | (bytes | 0x20202020u));
        if (slot)
            sort_out(s, at, slot, look);
    }
    if (s->view.len - at >= 3) {
        bytes = 0;
        memcpy(&bytes, s->view.ptr + at, 3);
        slot = find_slot(m->prefix_slots, m->prefix_mask, (uint64_t)3 << 32 | bytes | 0x202020u);
        if (slot)
            sort_out(s, at, slot, look);
    }
}

static void look_up_word(struct lac_match_scratch *s, size_t at, uint64_t key, struct look look)
{
    const struct lac_match_slot *slot =
        key ? find_slot(s->m->word_slots, s->m->word_mask, key) : NULL;

    if (slot)
        sort_out(s, at, slot, look);
}

/* The part before a hump may be a name of its own. */
static void look_up_parts(struct lac_match_scratch *s, size_t hump,
                          const struct lac_match_range *core)
{
    const struct look part = {.core = hump >= core->from && hump < core->to, .hump = true};
    size_t before = hump;

    while (s->m->front.names && before > 0 && hump - before < LAC_MATCH_PHRASE_BYTES &&
           lac_match_in_word(s->view, before - 1)) {
        before--;
        if (lac_match_is_hump(s->view, before))
            break;
    }
    if (before < hump && !lac_match_is_hump(s->view, before))
        look_up_word(s, before, part_key(s->view, before), part);
    if (s->m->front.names)
        look_up_word(s, hump, part_key(s->view, hump), part);
    look_up_prefix(s, hump, part);
}

/* The key of the word at `offset` of the piece, which is `at` of the view. */
static uint64_t key_at(const struct lac_match_scratch *s, size_t offset, size_t at)
{
    const struct lac_match_masks *m = &s->masks[offset / LAC_MATCH_BLOCK];
    size_t bit = offset % LAC_MATCH_BLOCK;
    uint64_t run;

    if (s->piece.wide)
        return lac_match_key_of(s->view, at);
    run = (m->letter | m->digit) >> bit | (m[1].letter | m[1].digit) << 1 << (63 - bit);
    return (lac_match_load8(s->view, at) | 0x2020202020202020u) & lac_match_key_masks[run & 0xFF];
}

/* Whether an entry of the slot may fit, by what is around the keyed word at `at`. */
static bool in_company(const struct lac_match_scratch *s, const struct lac_match_slot *slot,
                       size_t at)
{
    unsigned char behind = lac_match_byte(s->view, at + lac_match_key_len(slot->key) + 1);
    unsigned char before = at > 0 ? lac_match_before(s->view, at - 1) : 0;

    return (slot->behind >> lac_match_company(lac_match_fold_table[behind]) |
            slot->before >> lac_match_company(lac_match_fold_table[before])) &
           1;
}

/* What the kept words stand for is seldom read, so far away in memory: all of it at once, step by
 * step, not all steps of one word after the other. */
static void foresee_words(const struct lac_match_scratch *s)
{
    const struct lac_match *m = s->m;
    size_t count = s->events.word.count;

    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(&m->entries[m->word_slots[s->word_slots[i]].first]);
    for (size_t i = 0; i < count; i++) {
        const struct lac_match_entry *e = &m->entries[m->word_slots[s->word_slots[i]].first];

        if (e->kind == LAC_MATCH_ENTRY_CONTEXT)
            __builtin_prefetch(&m->words[e->index]);
    }
    for (size_t i = 0; i < count; i++) {
        const struct lac_match_entry *e = &m->entries[m->word_slots[s->word_slots[i]].first];

        if (e->kind == LAC_MATCH_ENTRY_CONTEXT) {
            __builtin_prefetch(&m->gates[m->words[e->index].gates]);
            __builtin_prefetch(m->text + m->words[e->index].text.at);
        }
    }
}

/* Keeps the words that are in the table, in the company in which something asks for them. */
static void keep_words(struct lac_match_scratch *s, size_t from)
{
    enum { STEP = 16 };
    struct lac_match_list *l = &s->events.word;
    const struct lac_match *m = s->m;
    size_t count = l->count, kept = 0;

    for (size_t i = 0; i < count; i += STEP) {
        size_t n = count - i < STEP ? count - i : STEP;
        uint64_t keys[STEP];

        for (size_t k = 0; k < n; k++) {
            keys[k] = key_at(s, l->at[i + k], from + l->at[i + k]);
            __builtin_prefetch(&m->word_slots[lac_match_slot_of(keys[k]) & m->word_mask]);
        }
        for (size_t k = 0; k < n; k++) {
            size_t at = l->at[i + k];
            const struct lac_match_slot *slot =
                keys[k] ? find_slot(m->word_slots, m->word_mask, keys[k]) : NULL;

            if (!slot || !in_company(s, slot, from + at))
                continue;
            l->at[kept] = (uint16_t)at;
            s->word_slots[kept++] = (uint32_t)(slot - m->word_slots);
        }
    }
    l->count = kept;
    foresee_words(s);
}

void lac_match_words(struct lac_match_scratch *s, size_t from, const struct lac_match_range *core,
                     bool note)
{
    const struct lac_match_events *e = &s->events;
    /* A pass for neither words nor units is one for names. */
    size_t words = s->words || !s->units ? e->word.count : 0;
    size_t humps = e->hump.count;
    size_t word = 0, prefix = 0, hump = 0; /* the lists are gone through in the text's order */

    s->phrase_count = s->literal_count = 0;
    if (words > 0) {
        keep_words(s, from);
        words = e->word.count;
    }
    while (word < words || prefix < e->prefix.count || hump < humps) {
        size_t w = word < words ? e->word.at[word] : SIZE_MAX;
        size_t p = prefix < e->prefix.count ? e->prefix.at[prefix] : SIZE_MAX;
        size_t h = hump < humps ? e->hump.at[hump] : SIZE_MAX;
        size_t next = w < p ? w : p;
        size_t at = from + (next < h ? next : h);
        struct look look = {.note = note, .core = at >= core->from && at < core->to};

        if (h < next) {
            look_up_parts(s, at, core);
            hump++;
            continue;
        }
        if (w == next) {
            struct look as = look;

            as.hump = !s->words;
            sort_out(s, at, &s->m->word_slots[s->word_slots[word]], as);
            word++;
        }
        if (p == next) {
            look_up_prefix(s, at, look);
            prefix++;
        }
    }
}
