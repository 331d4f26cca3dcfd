/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled form as one block: put together, checked, attached. */
#include "lac_match_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char magic[8] = "LACMATCH";

/* What the elements of the sections are. */
static const uint32_t element_size[LAC_MATCH_SECTIONS] = {
    [LAC_MATCH_S_TEXT] = 1,
    [LAC_MATCH_S_RULES] = sizeof(struct lac_match_image_rule),
    [LAC_MATCH_S_AROUND] = sizeof(struct lac_match_around),
    [LAC_MATCH_S_CONTEXT_IDS] = sizeof(uint32_t),
    [LAC_MATCH_S_CONTEXT_UNITS] = sizeof(uint32_t),
    [LAC_MATCH_S_WORDS] = sizeof(struct lac_match_word),
    [LAC_MATCH_S_GATES] = sizeof(struct lac_match_gates),
    [LAC_MATCH_S_PHRASES] = sizeof(struct lac_match_phrase),
    [LAC_MATCH_S_UNITS] = sizeof(struct lac_match_unit),
    [LAC_MATCH_S_LITERALS] = sizeof(struct lac_match_literal),
    [LAC_MATCH_S_ENTRIES] = sizeof(struct lac_match_entry),
    [LAC_MATCH_S_WORD_BITS] = 1,
    [LAC_MATCH_S_WORD_SLOTS] = sizeof(struct lac_match_slot),
    [LAC_MATCH_S_PREFIX_BITS] = 1,
    [LAC_MATCH_S_PREFIX_MORE] = 1,
    [LAC_MATCH_S_PREFIX_SLOTS] = sizeof(struct lac_match_slot),
    [LAC_MATCH_S_SHAPE_INDEX] = sizeof(uint16_t),
    [LAC_MATCH_S_SHAPE_CLASSES] = sizeof(struct lac_match_shape_class),
    [LAC_MATCH_S_SHAPE_SIEVES] = sizeof(struct lac_match_shape_sieve),
    [LAC_MATCH_S_SHAPE_LIST] = sizeof(struct lac_match_shape_ref),
    [LAC_MATCH_S_SHAPE_GROUPS] = sizeof(struct lac_match_group),
    [LAC_MATCH_S_SHAPES] = sizeof(struct lac_match_shape),
    [LAC_MATCH_S_SYMBOL_SIEVES] = sizeof(struct lac_match_sieve),
    [LAC_MATCH_S_SYMBOL_FIRST] = sizeof(uint32_t),
    [LAC_MATCH_S_SYMBOL_LIST] = sizeof(uint32_t),
    [LAC_MATCH_S_RUNS] = sizeof(struct lac_match_run),
    [LAC_MATCH_S_RUN_GROUPS] = sizeof(struct lac_match_run_group),
    [LAC_MATCH_S_RUN_MARKS] = sizeof(uint64_t),
    [LAC_MATCH_S_RUN_MARKED] = sizeof(uint64_t),
    [LAC_MATCH_S_LOOSE] = sizeof(uint32_t),
    [LAC_MATCH_S_PROGRAMS] = 1,
    [LAC_MATCH_S_REST_UNITS] = sizeof(uint32_t),
    [LAC_MATCH_S_REST] = 1,
};

static size_t aligned(size_t n)
{
    return (n + LAC_MATCH_IMAGE_ALIGN - 1) / LAC_MATCH_IMAGE_ALIGN * LAC_MATCH_IMAGE_ALIGN;
}

enum lac_status lac_match_image_assemble(struct lac_match_build *b, struct lac_err *err)
{
    struct lac_match_image_header *h = &b->header;
    size_t size = aligned(sizeof(*h));
    char *bytes;

    memcpy(h->magic, magic, sizeof(magic));
    h->version = LAC_MATCH_IMAGE_VERSION;
    h->order = LAC_MATCH_IMAGE_ORDER;
    h->rule_count = (uint32_t)b->m->count;
    h->source = lac_match_rules_hash(b->m->rules, b->m->count);
    for (int i = 0; i < LAC_MATCH_SECTIONS; i++) {
        if (!lac_buf_ok(&b->section[i]))
            return lac_err_set(err, LAC_FATAL, ENOMEM, "match: no memory for the rules");
        h->section[i].at = size;
        h->section[i].size = b->section[i].len;
        size += aligned(b->section[i].len);
    }
    h->size = size;
    if (size > LAC_MATCH_IMAGE_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "match: the rules compile to more than %d bytes",
                           LAC_MATCH_IMAGE_MAX);
    bytes = aligned_alloc(LAC_MATCH_IMAGE_ALIGN, size);
    if (!bytes)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "match: no memory for the rules");
    memset(bytes, 0, size);
    memcpy(bytes, h, sizeof(*h));
    for (int i = 0; i < LAC_MATCH_SECTIONS; i++)
        if (b->section[i].len > 0)
            memcpy(bytes + h->section[i].at, b->section[i].ptr, b->section[i].len);
    b->m->memory = bytes;
    return LAC_OK;
}

static size_t count_of(const struct lac_match *m, enum lac_match_section s)
{
    return (size_t)(m->image->section[s].size / element_size[s]);
}

static const void *section_of(const struct lac_match *m, enum lac_match_section s)
{
    return (const char *)m->image + m->image->section[s].at;
}

void lac_match_attach(struct lac_match *m, const void *bytes)
{
    const struct lac_match_image_header *h = bytes;

    m->image = h;
    m->text = section_of(m, LAC_MATCH_S_TEXT);
    m->image_rules = section_of(m, LAC_MATCH_S_RULES);
    m->around = section_of(m, LAC_MATCH_S_AROUND);
    m->context_ids = section_of(m, LAC_MATCH_S_CONTEXT_IDS);
    m->context_units = section_of(m, LAC_MATCH_S_CONTEXT_UNITS);
    m->words = section_of(m, LAC_MATCH_S_WORDS);
    m->gates = section_of(m, LAC_MATCH_S_GATES);
    m->phrases = section_of(m, LAC_MATCH_S_PHRASES);
    m->units = section_of(m, LAC_MATCH_S_UNITS);
    m->literals = section_of(m, LAC_MATCH_S_LITERALS);
    m->entries = section_of(m, LAC_MATCH_S_ENTRIES);
    m->word_slots = section_of(m, LAC_MATCH_S_WORD_SLOTS);
    m->prefix_slots = section_of(m, LAC_MATCH_S_PREFIX_SLOTS);
    m->shape_list = section_of(m, LAC_MATCH_S_SHAPE_LIST);
    m->shape_groups = section_of(m, LAC_MATCH_S_SHAPE_GROUPS);
    m->shapes = section_of(m, LAC_MATCH_S_SHAPES);
    m->symbol_first = section_of(m, LAC_MATCH_S_SYMBOL_FIRST);
    m->symbol_list = section_of(m, LAC_MATCH_S_SYMBOL_LIST);
    m->runs = section_of(m, LAC_MATCH_S_RUNS);
    m->run_groups = section_of(m, LAC_MATCH_S_RUN_GROUPS);
    m->run_marks = section_of(m, LAC_MATCH_S_RUN_MARKS);
    m->run_marked = section_of(m, LAC_MATCH_S_RUN_MARKED);
    m->loose = section_of(m, LAC_MATCH_S_LOOSE);
    m->programs = section_of(m, LAC_MATCH_S_PROGRAMS);
    m->rest_units = section_of(m, LAC_MATCH_S_REST_UNITS);
    m->word_mask = count_of(m, LAC_MATCH_S_WORD_SLOTS) - 1;
    m->prefix_mask = count_of(m, LAC_MATCH_S_PREFIX_SLOTS) - 1;
    m->unit_count = count_of(m, LAC_MATCH_S_UNITS);
    m->run_group_count = count_of(m, LAC_MATCH_S_RUN_GROUPS);
    m->loose_count = count_of(m, LAC_MATCH_S_LOOSE);
    m->rest_count = count_of(m, LAC_MATCH_S_REST_UNITS);
    m->front.word_bits = section_of(m, LAC_MATCH_S_WORD_BITS);
    m->front.prefix_bits = section_of(m, LAC_MATCH_S_PREFIX_BITS);
    m->front.prefix_more = section_of(m, LAC_MATCH_S_PREFIX_MORE);
    m->front.symbol_sieves = section_of(m, LAC_MATCH_S_SYMBOL_SIEVES);
    m->front.shape_index = section_of(m, LAC_MATCH_S_SHAPE_INDEX);
    m->front.shape_classes = section_of(m, LAC_MATCH_S_SHAPE_CLASSES);
    m->front.shape_sieves = section_of(m, LAC_MATCH_S_SHAPE_SIEVES);
    m->front.bare = h->bare;
    m->front.bare_lengths = 0;
    for (unsigned len = 0; len < 64; len++)
        m->front.bare_lengths |= (uint64_t)(h->bare[len][0] && h->bare[len][1]) << len;
    m->front.humps = h->has_humps;
    m->front.names = h->has_names;
    m->front.word_shift = h->word_shift;
    m->front.prefix_shift = h->prefix_shift;
    memcpy(m->front.symbols, h->symbols, sizeof(h->symbols));
}

/* ---- an image from outside ---- */

static bool header_fits(struct lac_str bytes)
{
    const struct lac_match_image_header *h = (const void *)bytes.ptr;
    size_t at = aligned(sizeof(*h));

    if (h->size != bytes.len || h->size > LAC_MATCH_IMAGE_MAX)
        return false;
    for (int i = 0; i < LAC_MATCH_SECTIONS; i++) {
        if (h->section[i].at != at || h->section[i].size > bytes.len - at ||
            h->section[i].size % element_size[i])
            return false;
        at += aligned((size_t)h->section[i].size);
        if (at > bytes.len)
            return false;
    }
    return at == bytes.len;
}

static bool range_fits(const struct lac_match *m, enum lac_match_section s, uint64_t first,
                       uint64_t count)
{
    return first + count <= count_of(m, s);
}

static bool text_fits(const struct lac_match *m, struct lac_match_text t)
{
    return range_fits(m, LAC_MATCH_S_TEXT, t.at, t.len);
}

/* All of a list of indices are below `limit`. */
static bool indices_fit(const uint32_t *list, size_t count, size_t limit)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] >= limit)
            return false;
    return true;
}

static bool rules_fit(const struct lac_match *m)
{
    size_t words = count_of(m, LAC_MATCH_S_WORDS);

    if (count_of(m, LAC_MATCH_S_RULES) != m->count)
        return false;
    for (size_t i = 0; i < m->count; i++) {
        const struct lac_match_image_rule *r = &m->image_rules[i];

        if (!range_fits(m, LAC_MATCH_S_AROUND, r->except, r->except_count) ||
            !range_fits(m, LAC_MATCH_S_AROUND, r->allow, r->allow_count) ||
            !range_fits(m, LAC_MATCH_S_CONTEXT_IDS, r->context, r->context_count))
            return false;
    }
    for (size_t i = 0; i < count_of(m, LAC_MATCH_S_AROUND); i++)
        if (!text_fits(m, m->around[i].before) || !text_fits(m, m->around[i].after))
            return false;
    for (size_t i = 0; i < words; i++)
        if (!text_fits(m, m->words[i].text) || m->words[i].key >= m->words[i].text.len ||
            !range_fits(m, LAC_MATCH_S_CONTEXT_UNITS, m->words[i].units, m->words[i].units_count) ||
            !range_fits(m, LAC_MATCH_S_GATES, m->words[i].gates, m->words[i].gates_count))
            return false;
    for (size_t i = 0; i < count_of(m, LAC_MATCH_S_GATES); i++)
        if (m->gates[i].block > m->count / 64)
            return false;
    for (size_t i = 0; i < count_of(m, LAC_MATCH_S_PHRASES); i++) {
        const struct lac_match_phrase *p = &m->phrases[i];

        if (!text_fits(m, p->text) || p->key >= p->text.len || p->rule >= m->count)
            return false;
    }
    return indices_fit(m->context_ids, count_of(m, LAC_MATCH_S_CONTEXT_IDS), words) &&
           indices_fit(m->context_units, count_of(m, LAC_MATCH_S_CONTEXT_UNITS), m->unit_count);
}

static bool groups_fit(const struct lac_match *m)
{
    for (size_t i = 0; i < count_of(m, LAC_MATCH_S_SHAPE_GROUPS); i++) {
        const struct lac_match_group *g = &m->shape_groups[i];

        if (g->block > m->count / 64 || !range_fits(m, LAC_MATCH_S_SHAPE_LIST, g->first, g->count))
            return false;
    }
    return true;
}

static bool runs_fit(const struct lac_match *m)
{
    if (count_of(m, LAC_MATCH_S_RUN_MARKS) != LAC_MATCH_MARKS ||
        count_of(m, LAC_MATCH_S_RUN_MARKED) != LAC_MATCH_MARKED / 64)
        return false;
    for (size_t i = 0; i < count_of(m, LAC_MATCH_S_RUNS); i++) {
        const struct lac_match_run *r = &m->runs[i];

        if (r->unit >= m->unit_count || r->least < LAC_MATCH_RUN_LEAST ||
            r->rule != m->units[r->unit].rule ||
            (r->mark != LAC_MATCH_MARK_ALWAYS && r->mark != i % LAC_MATCH_MARK_ALWAYS))
            return false;
    }
    for (size_t i = 0; i < m->run_group_count; i++) {
        const struct lac_match_run_group *g = &m->run_groups[i];

        if (g->block > m->count / 64 || !range_fits(m, LAC_MATCH_S_RUNS, g->first, g->count))
            return false;
    }
    return true;
}

/* A detector's trigger must be one that it has. */
static bool unit_fits(const struct lac_match *m, const struct lac_match_unit *u)
{
    size_t size = count_of(m, LAC_MATCH_S_PROGRAMS);
    const struct lac_match_regex *program;

    if (u->rule >= m->count || u->head_len > LAC_MATCH_HEAD || u->width > LAC_MATCH_PATTERN_WIDTH ||
        !text_fits(m, u->inner))
        return false;
    if (u->flags & LAC_MATCH_UNIT_DETECTOR &&
        (m->rules[u->rule].detector.len == 0 || u->trigger >= LAC_MATCH_TRIGGER_MAX))
        return false;
    if (u->flags & LAC_MATCH_UNIT_UNSUPPORTED)
        return true;
    if (u->program > size || u->program % LAC_MATCH_REGEX_ALIGN)
        return false;
    program = lac_match_regex_valid((struct lac_str){m->programs + u->program, size - u->program});
    return program && lac_match_regex_max_width(program) <= u->width;
}

static bool units_fit(const struct lac_match *m)
{
    for (size_t i = 0; i < m->unit_count; i++)
        if (!unit_fits(m, &m->units[i]))
            return false;
    for (size_t i = 0; i < count_of(m, LAC_MATCH_S_LITERALS); i++) {
        const struct lac_match_literal *l = &m->literals[i];

        if (!text_fits(m, l->text) || l->key >= l->text.len || l->unit >= m->unit_count ||
            l->back_min > l->back_max || l->rule != m->units[l->unit].rule)
            return false;
    }
    return runs_fit(m) && indices_fit(m->loose, m->loose_count, m->unit_count) &&
           indices_fit(m->rest_units, m->rest_count, m->unit_count);
}

/* A power of two that leaves a slot empty, so that looking for a key ends. */
static bool slots_fit(const struct lac_match *m, enum lac_match_section section)
{
    const struct lac_match_slot *slots = section_of(m, section);
    size_t count = count_of(m, section);
    size_t empty = 0;

    if (count == 0 || count & (count - 1))
        return false;
    for (size_t i = 0; i < count; i++) {
        empty += slots[i].count == 0;
        if (!range_fits(m, LAC_MATCH_S_ENTRIES, slots[i].first, slots[i].count))
            return false;
    }
    return empty > 0;
}

/* At least two words of 64 bits, which the hash's top bits choose from. */
static bool bits_fit(const struct lac_match *m, enum lac_match_section section, uint32_t shift)
{
    return shift >= 32 && shift <= 57 && count_of(m, section) == ((size_t)1 << (64 - shift)) / 8;
}

static bool entries_fit(const struct lac_match *m)
{
    for (size_t i = 0; i < count_of(m, LAC_MATCH_S_ENTRIES); i++) {
        const struct lac_match_entry *e = &m->entries[i];
        enum lac_match_section s = e->kind == LAC_MATCH_ENTRY_CONTEXT  ? LAC_MATCH_S_WORDS
                                   : e->kind == LAC_MATCH_ENTRY_PHRASE ? LAC_MATCH_S_PHRASES
                                                                       : LAC_MATCH_S_LITERALS;

        if (e->kind > LAC_MATCH_ENTRY_LITERAL || e->index >= count_of(m, s))
            return false;
    }
    return true;
}

/* Which bits a sieve of `count` things may have. */
static uint32_t sieve_of(uint64_t count, unsigned last)
{
    return count > last ? ((uint32_t)2 << last) - 1 : ((uint32_t)1 << count) - 1;
}

/* What a sieve lets through is looked up in a list, so it must be in the list. */
static bool words_fit(const uint32_t *words, size_t count, uint32_t allowed)
{
    uint32_t all = 0;

    for (size_t i = 0; i < count; i++)
        all |= words[i];
    return (all & ~allowed) == 0;
}

static bool classes_fit(const struct lac_match *m, size_t classes)
{
    for (size_t i = 0; i < classes; i++) {
        const struct lac_match_shape_class *c = &m->front.shape_classes[i];
        uint32_t allowed = sieve_of(c->count, LAC_MATCH_SIEVE_REST);

        if (!range_fits(m, LAC_MATCH_S_SHAPE_LIST, c->first, c->count) ||
            !range_fits(m, LAC_MATCH_S_SHAPE_GROUPS, c->groups, c->group_count) ||
            !words_fit(m->front.shape_sieves[i].first, LAC_COUNT(m->front.shape_sieves[i].first),
                       allowed | (uint32_t)1 << LAC_MATCH_SIEVE_GATED))
            return false;
    }
    return true;
}

static bool shapes_fit(const struct lac_match *m)
{
    size_t classes = count_of(m, LAC_MATCH_S_SHAPE_CLASSES);

    if (count_of(m, LAC_MATCH_S_SHAPE_INDEX) != LAC_MATCH_SHAPE_CELLS ||
        count_of(m, LAC_MATCH_S_SHAPE_SIEVES) != classes)
        return false;
    for (size_t i = 0; i < LAC_MATCH_SHAPE_CELLS; i++)
        if (m->front.shape_index[i] >= classes)
            return false;
    if (!classes_fit(m, classes) || !groups_fit(m))
        return false;
    for (size_t i = 0; i < count_of(m, LAC_MATCH_S_SHAPES); i++)
        if (m->shapes[i].unit >= m->unit_count ||
            m->shapes[i].rule != m->units[m->shapes[i].unit].rule)
            return false;
    for (size_t i = 0; i < count_of(m, LAC_MATCH_S_SHAPE_LIST); i++) {
        const struct lac_match_shape_ref *ref = &m->shape_list[i];

        if (ref->shape >= count_of(m, LAC_MATCH_S_SHAPES) ||
            ref->rule != m->shapes[ref->shape].rule)
            return false;
    }
    return true;
}

static bool symbols_fit(const struct lac_match *m)
{
    size_t count = count_of(m, LAC_MATCH_S_SYMBOL_LIST);

    if (count_of(m, LAC_MATCH_S_SYMBOL_SIEVES) != 128 ||
        count_of(m, LAC_MATCH_S_SYMBOL_FIRST) != 129 || m->symbol_first[128] > count)
        return false;
    for (size_t i = 0; i < 128; i++)
        if (m->symbol_first[i] > m->symbol_first[i + 1] ||
            !words_fit(m->front.symbol_sieves[i].behind[0], LAC_MATCH_KINDS,
                       sieve_of(m->symbol_first[i + 1] - m->symbol_first[i], LAC_MATCH_SIEVE_LAST)))
            return false;
    return indices_fit(m->symbol_list, count, count_of(m, LAC_MATCH_S_LITERALS));
}

enum lac_status lac_match_image_check(struct lac_match *m, struct lac_str bytes,
                                      struct lac_err *err)
{
    const struct lac_match_image_header *h = (const void *)bytes.ptr;

    if (bytes.len < sizeof(*h) || memcmp(h->magic, magic, sizeof(magic)) != 0)
        return lac_err_set(err, LAC_REJECT, 0, "match: this is no compiled rule set");
    if ((uintptr_t)bytes.ptr % LAC_MATCH_IMAGE_ALIGN)
        return lac_err_set(err, LAC_FATAL, 0, "match: the image is not aligned to %d bytes",
                           LAC_MATCH_IMAGE_ALIGN);
    if (h->version != LAC_MATCH_IMAGE_VERSION || h->order != LAC_MATCH_IMAGE_ORDER ||
        h->rule_count != m->count || h->source != lac_match_rules_hash(m->rules, m->count))
        return lac_err_set(err, LAC_AGAIN, 0,
                           "match: the image is of another version, machine or rule set");
    if (!header_fits(bytes))
        return lac_err_set(err, LAC_REJECT, 0, "match: the image is damaged");
    lac_match_attach(m, bytes.ptr);
    if (!rules_fit(m) || !units_fit(m) || !entries_fit(m) || !shapes_fit(m) || !symbols_fit(m) ||
        !slots_fit(m, LAC_MATCH_S_WORD_SLOTS) || !slots_fit(m, LAC_MATCH_S_PREFIX_SLOTS) ||
        !bits_fit(m, LAC_MATCH_S_WORD_BITS, h->word_shift) ||
        !bits_fit(m, LAC_MATCH_S_PREFIX_BITS, h->prefix_shift) ||
        !bits_fit(m, LAC_MATCH_S_PREFIX_MORE, h->prefix_shift))
        return lac_err_set(err, LAC_REJECT, 0, "match: the image is damaged");
    return LAC_OK;
}

/* ---- which rules an image is of ---- */

static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001B3u;
    return h;
}

static uint64_t mix_number(uint64_t h, uint64_t n)
{
    return mix(h, &n, sizeof(n));
}

static uint64_t mix_text(uint64_t h, struct lac_str s)
{
    return mix(mix_number(h, s.len), s.ptr, s.len);
}

static uint64_t mix_texts(uint64_t h, const struct lac_str *texts, size_t count)
{
    h = mix_number(h, count);
    for (size_t i = 0; i < count; i++)
        h = mix_text(h, texts[i]);
    return h;
}

/* With its triggers, which are compiled too. */
static uint64_t mix_detector(uint64_t h, struct lac_str name)
{
    const struct lac_match_detector *d = name.len ? lac_match_detector_find(name) : NULL;

    h = mix_text(h, name);
    for (size_t i = 0; d && i < LAC_MATCH_TRIGGER_MAX && d->triggers[i]; i++)
        h = mix_text(h, lac_str_from(d->triggers[i]));
    return h;
}

uint64_t lac_match_rules_hash(const struct lac_match_rule *rules, size_t count)
{
    uint64_t h = mix_number(0xCBF29CE484222325u, count);

    for (size_t i = 0; i < count; i++) {
        const struct lac_match_rule *r = &rules[i];

        h = mix_text(h, r->id);
        h = mix_number(h, r->strength);
        h = mix_number(h, r->score);
        h = mix_number(h, r->context_boost);
        h = mix_number(h, r->context_window);
        h = mix_number(h, r->names);
        h = mix_detector(h, r->detector);
        h = mix_text(h, r->pattern);
        h = mix_text(h, r->validator);
        h = mix_texts(h, r->phrases, r->phrase_count);
        h = mix_texts(h, r->except, r->except_count);
        h = mix_texts(h, r->allow, r->allow_count);
        h = mix_texts(h, r->context, r->context_count);
    }
    return h;
}
