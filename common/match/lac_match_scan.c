/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One field. A text of ASCII, nearly all there are, is scanned as it is: one pass over its bytes,
 * piece by piece, finds words, tokens, symbols and runs that rules ask for, and what it finds is
 * looked at in the order of the text. Any other text is scanned as its two views: words in the
 * folded one, all else in the plain one.
 *
 * Pieces overlap by margins, so that the context words around everything in a piece's core are
 * known before it is looked at.
 */
#include "lac_match_internal.h"

#include <string.h>

enum { CORE_BYTES = LAC_MATCH_CORE_BLOCKS * LAC_MATCH_BLOCK };
enum { MARGIN_BYTES = LAC_MATCH_MARGIN_BLOCKS * LAC_MATCH_BLOCK };

/* ---- tokens, symbols ---- */

/* The bits of one kind from a place on, over the block's edge. */
static uint64_t bits_from(uint64_t now, uint64_t next, size_t at)
{
    return now >> at | next << 1 << (63 - at);
}

static uint64_t alnum_of(const struct lac_match_masks *m)
{
    return m->letter | m->digit;
}

static void shapes_at(struct lac_match_scratch *s, const struct lac_match_shape_ref *list,
                      size_t count, size_t at, unsigned len, uint64_t digits)
{
    unsigned char behind = lac_match_byte(s->view, at + len);
    unsigned kind[2] = {lac_match_kind[lac_match_byte(s->view, at + len + 1)],
                        lac_match_kind[lac_match_byte(s->view, at + len + 2)]};

    for (size_t i = 0; i < count; i++) {
        const struct lac_match_shape *shape;

        if (!lac_match_gate(s, list[i].rule))
            continue;
        shape = &s->m->shapes[list[i].shape];
        if ((shape->digits & ~digits) || (shape->alphas & digits))
            continue;
        if (len == shape->len &&
            (!(shape->next[0] & kind[0]) || !(shape->next[1] & kind[1]) ||
             (!shape->ends && !lac_match_regex_set_has(&shape->follow, behind))))
            continue;
        lac_match_foresee(s, shape->unit, list[i].rule);
        lac_match_unit_at(s, shape->unit, at);
    }
}

/* `bits`: what the sieve let through. */
static void token_at(struct lac_match_scratch *s, size_t block, size_t bit, size_t at,
                     uint32_t bits)
{
    const struct lac_match_masks *m = &s->masks[block];
    const struct lac_match_front_tables *t = &s->m->front;
    uint64_t run = bits_from(alnum_of(m), alnum_of(m + 1), bit);
    unsigned len = run == UINT64_MAX ? 64 : (unsigned)__builtin_ctzll(~run);
    uint64_t digits = bits_from(m->digit, m[1].digit, bit);
    const struct lac_match_shape_class *c;

    if (len < 64)
        digits &= ((uint64_t)1 << len) - 1;
    c = &t->shape_classes[t->shape_index[lac_match_shape_cell(len, digits)]];
    for (uint32_t left = bits; left & LAC_MATCH_SIEVE_OPEN; left &= left - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(left);
        uint32_t n = i == LAC_MATCH_SIEVE_REST ? c->count - i : 1;

        shapes_at(s, s->m->shape_list + c->first + i, n, at, len, digits);
    }
    if (!(bits >> LAC_MATCH_SIEVE_GATED))
        return;
    for (const struct lac_match_group *g = s->m->shape_groups + c->groups,
                                      *end = g + c->group_count;
         g < end; g++)
        if (g->rules & s->enabled[g->block])
            shapes_at(s, s->m->shape_list + g->first, g->count, at, len, digits);
}

static void symbol_at(struct lac_match_scratch *s, size_t block, size_t bit, size_t at)
{
    const unsigned char *base = s->piece.bytes + block * LAC_MATCH_BLOCK + bit;
    const uint32_t *first = &s->m->symbol_first[*base];
    uint32_t bits = lac_match_sieve_bits(&s->m->front.symbol_sieves[*base], base + 1);

    for (size_t n = 0; n < LAC_MATCH_BEFORE; n++)
        bits &=
            s->m->symbol_before[*base][n]
                               [lac_match_beside(at > n ? lac_match_before(s->plain, at - n) : 0)];
    for (; bits; bits &= bits - 1) {
        uint32_t i = first[0] + (uint32_t)__builtin_ctz(bits);
        uint32_t end = bits == (uint32_t)1 << LAC_MATCH_SIEVE_LAST ? first[1] : i + 1;

        for (; i < end; i++)
            lac_match_literal_at(s, at, s->m->symbol_list[i]);
    }
}

/* ---- a piece ---- */

static void phrases(struct lac_match_scratch *s)
{
    for (size_t i = 0; i < s->phrase_count; i++) {
        const struct lac_match_found *f = &s->phrases[i];

        for (uint32_t k = f->first; k < f->first + f->count; k++)
            if (lac_match_entry_fits(s, &s->m->entries[k], f->at))
                lac_match_phrase_at(s, f, s->m->entries[k].index);
    }
}

/* A list of places on the way through the core. */
struct walker {
    const struct lac_match_list *list;
    size_t next, end;
};

static struct walker walker_of(const struct lac_match_list *l, size_t from, size_t to)
{
    struct walker w = {l, 0, l->count};

    while (w.next < w.end && l->at[w.next] < from)
        w.next++;
    while (w.end > w.next && l->at[w.end - 1] >= to)
        w.end--;
    return w;
}

static size_t walker_at(const struct walker *w)
{
    return w->next < w->end ? w->list->at[w->next] : SIZE_MAX;
}

/* Units, in the order of the text: a match settles what follows it. */
static void units(struct lac_match_scratch *s, const struct lac_match_range *core, size_t from)
{
    size_t begin = core->from - from;
    size_t end = core->to - from;
    struct walker token, symbol = walker_of(&s->events.symbol, begin, end);
    struct walker run = walker_of(&s->events.run, begin, end);
    size_t literal = 0;

    s->front->sieve_tokens(&s->m->front, &s->piece, s->masks, s->gated_blocks, &s->events);
    token = walker_of(&s->events.token, begin, end);
    for (;;) {
        size_t at = literal < s->literal_count ? s->literals[literal].at - from : SIZE_MAX;
        size_t t = walker_at(&token), y = walker_at(&symbol), r = walker_at(&run);
        size_t other = t < y ? t : y;

        other = r < other ? r : other;
        if (at == SIZE_MAX && other == SIZE_MAX)
            return;
        if (at <= other) {
            const struct lac_match_found *f = &s->literals[literal++];

            for (uint32_t k = f->first; k < f->first + f->count; k++)
                lac_match_literal_at(s, f->at, s->m->entries[k].index);
        } else if (t == other) {
            token_at(s, other / LAC_MATCH_BLOCK, other % LAC_MATCH_BLOCK, from + other,
                     s->events.sieved[token.next]);
            token.next++;
        } else if (y == other) {
            symbol_at(s, other / LAC_MATCH_BLOCK, other % LAC_MATCH_BLOCK, from + other);
            symbol.next++;
        } else {
            lac_match_run_at(s, other, from + other, core->to);
            run.next++;
        }
    }
}

/* What stands in the core. */
static void walk(struct lac_match_scratch *s, const struct lac_match_range *core, size_t from)
{
    phrases(s);
    if (s->units)
        units(s, core, from);
}

/* The first pass over a core and its margins. Returns where the piece begins. */
static size_t first_pass(struct lac_match_scratch *s, const struct lac_match_range *core, bool wide)
{
    size_t from = core->from > MARGIN_BYTES ? core->from - MARGIN_BYTES : 0;
    size_t to = core->to + MARGIN_BYTES < s->view.len ? core->to + MARGIN_BYTES : s->view.len;

    lac_match_piece_init(&s->piece, s->view.ptr + from, to - from);
    s->piece.core = (core->from - from) / LAC_MATCH_BLOCK;
    /* Where what lies beyond ASCII was punctuation, nothing of it is left in the folded view. */
    s->piece.wide = wide && !s->front->is_ascii(s->piece.bytes, to - from);
    s->front->first_pass(&s->m->front, &s->piece, s->masks, &s->events);
    return from;
}

static bool next_core(struct lac_match_range *core, size_t len)
{
    core->from = core->to;
    core->to = len - core->from > CORE_BYTES ? core->from + CORE_BYTES : len;
    return core->from < len;
}

/* ---- units that are looked for around context words ---- */

static void around_place(struct lac_match_scratch *s, const struct lac_match_place *p)
{
    const struct lac_match_word *w = &s->m->words[p->word];
    size_t searched = 0;
    uint32_t rule = UINT32_MAX; /* of the unit before: a detector's triggers search one range */

    for (uint32_t i = w->units; i < w->units + w->units_count; i++) {
        uint32_t unit = s->m->context_units[i];
        const struct lac_match_unit *u = &s->m->units[unit];
        struct lac_match_rule_state *state = lac_match_state(s, u->rule);
        size_t window = s->m->live[u->rule].context_window;
        size_t from = lac_match_plain_find(s, lac_match_window_before(s, p->start, window));
        size_t to = lac_match_plain_find(s, lac_match_window_behind(s, p->end, window)) + 1;

        from = from > u->width ? from - u->width : 0;
        if (u->rule != rule)
            searched = state->searched;
        rule = u->rule;
        from = from > searched ? from : searched;
        to = to < s->plain.len ? to : s->plain.len;
        if (from < to) {
            lac_match_unit_in(s, unit, from, to);
            state->searched = (uint32_t)to;
        }
    }
}

/* What the words of the piece in hand, or of the text, say about what is around them. */
static void around_words(struct lac_match_scratch *s)
{
    if (s->gated_blocks & s->m->number_blocks)
        lac_match_seams_around_words(s);
    if (s->hits->decode)
        lac_match_headings_around_words(s);
}

/* Around the places in [from, to), original offsets. Where not all are known, everywhere. */
static void loose_units(struct lac_match_scratch *s, size_t from, size_t to)
{
    bool everywhere = s->place_to == 0 || s->is_name || s->hits->want_weak;

    if (s->m->loose_count == 0)
        return;
    for (size_t i = 0; everywhere && i < s->m->loose_count; i++)
        if (lac_match_gate(s, s->m->units[s->m->loose[i]].rule))
            lac_match_unit_in(s, s->m->loose[i], lac_match_plain_find(s, from),
                              lac_match_plain_find(s, to));
    for (size_t i = 0; !everywhere && i < s->place_count; i++)
        if (s->places[i].start >= from && s->places[i].start < to)
            around_place(s, &s->places[i]);
}

/* ---- the field ---- */

static void forget_places(struct lac_match_scratch *s, size_t from, size_t to)
{
    s->place_count = 0;
    s->place_longest = 0;
    s->place_from = from;
    s->place_to = to;
    lac_match_gates_close(s);
}

static void scan_ascii(struct lac_match_scratch *s)
{
    struct lac_match_range core = {0, 0};

    s->view = s->text;
    s->map = NULL;
    s->words = s->units = true;
    while (next_core(&core, s->text.len)) {
        size_t from = first_pass(s, &core, false);

        /* Words that reach over the piece's edges are not known. */
        forget_places(s, from ? from + LAC_MATCH_PHRASE_BYTES : 0,
                      core.to + MARGIN_BYTES < s->text.len ? core.to + LAC_MATCH_PATTERN_WIDTH
                                                           : s->text.len);
        lac_match_words(s, from, &core, true);
        walk(s, &core, from);
        loose_units(s, core.from, core.to);
        around_words(s);
    }
}

/* `note`: context words, `act`: phrases. */
static void scan_folded(struct lac_match_scratch *s, bool note, bool act)
{
    struct lac_match_range core = {0, 0};

    s->view = (struct lac_str){s->folded.text, s->folded.len};
    s->map = s->folded.map;
    s->words = true;
    s->units = false;
    while (next_core(&core, s->view.len)) {
        size_t from = first_pass(s, &core, true);

        lac_match_words(s, from, &core, note);
        if (act)
            walk(s, &core, from);
    }
}

static void scan_plain(struct lac_match_scratch *s)
{
    struct lac_match_range core = {0, 0};

    s->view = s->plain;
    s->map = s->copy.map;
    s->words = false;
    s->units = true;
    while (next_core(&core, s->view.len)) {
        size_t from = first_pass(s, &core, false);

        lac_match_words(s, from, &core, false);
        walk(s, &core, from);
    }
    loose_units(s, 0, s->text.len);
}

/* Names again, where letter case still says where the parts of an identifier begin and end. */
static void scan_names(struct lac_match_scratch *s)
{
    struct lac_match_range core = {0, 0};

    s->view = s->plain;
    s->map = s->copy.map;
    s->words = s->units = false;
    while (next_core(&core, s->view.len)) {
        size_t from = first_pass(s, &core, true);

        lac_match_words(s, from, &core, false);
        walk(s, &core, from);
    }
}

static void scan_views(struct lac_match_scratch *s)
{
    bool one = s->folded.len <= CORE_BYTES;

    forget_places(s, 0, s->text.len);
    scan_folded(s, true, one);
    if (!one)
        scan_folded(s, false, true);
    if (s->m->front.names)
        scan_names(s);
    scan_plain(s);
    around_words(s);
}

static bool is_blank(const struct lac_match_scratch *s)
{
    struct lac_str t = lac_match_folded(s);

    for (size_t i = 0; i < t.len; i++)
        if (lac_match_fold_byte(t.ptr[i]) != ' ')
            return false;
    return true;
}

/* Whether the field is a name that one hit can be all of: no pattern and no phrase is longer. Every
 * rule is asked about every place in a name, which a text must not be able to make use of. */
static bool is_name(const struct lac_match_scratch *s)
{
    size_t from = 0, to = s->plain.len;

    if (!s->hits->is_name)
        return false;
    while (to > 0 && lac_match_fold_byte(s->plain.ptr[to - 1]) == ' ')
        to--;
    while (from < to && lac_match_fold_byte(s->plain.ptr[from]) == ' ')
        from++;
    return to - from <= LAC_MATCH_NAME_BYTES;
}

static void reset(struct lac_match_scratch *s, struct lac_match_hits *hits)
{
    for (size_t i = 0; i < s->touched_count; i++) {
        s->seen[s->touched[i] / 64] &= ~((uint64_t)1 << (s->touched[i] % 64));
        s->rule_hit[s->touched[i]] = false;
    }
    s->touched_count = 0;
    s->entropy.from = s->entropy.to = NULL; /* of another text at the same place */
    s->token_from = s->token_to = 0;
    s->seam_count = 0;
    s->chain = (struct lac_match_chain){.from = SIZE_MAX};
    s->chains_tried = 0;
    s->heading_count = s->heading_end = 0;
    s->hits = hits;
    hits->count = 0;
    hits->rule_hit = s->rule_hit;
    hits->floor = LAC_TIER_PUBLIC;
    hits->truncated = false;
    hits->over_limit = false;
    hits->undecodable = false;
    hits->too_deep = false;
    hits->tables = s->tables;
    hits->table_count = 0;
    hits->whole_allowed = false;
}

void lac_match_begin(struct lac_match_scratch *s, struct lac_str text, struct lac_match_hits *hits)
{
    reset(s, hits);
    lac_match_views(s, text, hits);
    hits->blank = !hits->over_limit && !hits->undecodable && is_blank(s);
    s->is_name = is_name(s);
    forget_places(s, 0, 0);
}

void lac_match_places(struct lac_match_scratch *s)
{
    struct lac_match_range core = {0, s->text.len};

    if (s->text.len == 0 || s->text.len > CORE_BYTES || s->folded.len > CORE_BYTES)
        return; /* whoever asks for context reads the text */
    forget_places(s, 0, s->text.len);
    if (!s->ascii) {
        scan_folded(s, true, false);
        return;
    }
    s->view = s->text;
    s->map = NULL;
    s->words = true;
    s->units = false;
    lac_match_words(s, first_pass(s, &core, false), &core, true);
}

enum lac_status lac_match_scan(const struct lac_match *m, struct lac_match_scratch *s,
                               struct lac_str text, struct lac_match_hits *hits,
                               struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    if (s->m != m)
        return lac_err_set(err, LAC_FATAL, 0,
                           "match: the scratch was not made fit for these rules");
    lac_match_begin(s, text, hits);
    if (s->text.len > 0 && s->ascii)
        scan_ascii(s);
    else if (s->text.len > 0)
        scan_views(s);
    if (s->text.len > 0)
        status = lac_match_rest(s, err);
    if (status == LAC_OK && hits->decode && s->deep && s->text.len > 0)
        status = lac_match_deep(s, err);
    lac_match_settle(s);
    return status;
}
