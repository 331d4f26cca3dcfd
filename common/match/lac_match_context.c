/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether one of a rule's words stands near a hit. The first pass has noted where context words
 * are, so that this is a look into a short list. Where the list does not reach (a hit longer than
 * the margins of a piece, or a text of context words only), the text itself is searched.
 */
#include "lac_match_internal.h"

void lac_match_gates_close(struct lac_match_scratch *s)
{
    size_t blocks = s->m->count / 64 + 1;

    if (s->is_name) {
        lac_match_gates_open(s);
        return;
    }
    memcpy(s->enabled, s->open[s->hits->want_weak], blocks * sizeof(s->enabled[0]));
    s->gated_blocks = s->hits->want_weak ? UINT32_MAX : 0;
}

void lac_match_gates_open(struct lac_match_scratch *s)
{
    memset(s->enabled, 0xFF, (s->m->count / 64 + 1) * sizeof(s->enabled[0]));
    s->gated_blocks = UINT32_MAX;
}

void lac_match_gates_word(struct lac_match_scratch *s, uint32_t word)
{
    const struct lac_match_word *w = &s->m->words[word];

    for (uint32_t i = w->gates; i < w->gates + w->gates_count; i++) {
        s->enabled[s->m->gates[i].block] |= s->m->gates[i].rules;
        s->gated_blocks |= (uint32_t)1 << (s->m->gates[i].block % 32);
    }
}

/* Whether the rule names the word, whose gates have just been opened. */
static bool has_word(const struct lac_match *m, uint32_t rule, uint32_t word)
{
    const struct lac_match_gates *g = m->gates + m->words[word].gates;
    const struct lac_match_gates *end = g + m->words[word].gates_count;

    while (g < end && g->block < rule / 64) /* ascending */
        g++;
    return g < end && g->block == rule / 64 && g->rules >> (rule % 64) & 1;
}

static bool in_list(struct lac_match_scratch *s, uint32_t rule, size_t from, size_t to)
{
    struct lac_match_rule_state *state = lac_match_state(s, rule);
    size_t low = 0;
    size_t high = s->place_count;

    /* Nearly always in a text with many candidates: the word of the one before is near too. */
    if (state->near_end > 0 && state->near_start >= from && state->near_end <= to)
        return true;
    /* Places are in the order of their keys, each of which lies inside of its place. */
    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (s->places[mid].end + s->place_longest < from)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < s->place_count && s->places[low].start <= to + s->place_longest; low++) {
        const struct lac_match_place *p = &s->places[low];

        if (p->start < from || p->end > to || !has_word(s->m, rule, p->word))
            continue;
        state->near_start = p->start;
        state->near_end = p->end;
        return true;
    }
    return false;
}

/* Behind the last character that ends at `to` or before, as the list's places have to. */
static size_t end_before(const struct lac_match_view *v, size_t to)
{
    size_t end = lac_match_view_find(v, to);

    if (end > 0 && v->map[end] > to)
        for (uint32_t last = v->map[end - 1]; end > 0 && v->map[end - 1] == last;)
            end--;
    return end;
}

/* Reads the text, as the rule's words are written. */
static bool in_text(const struct lac_match_scratch *s, uint32_t rule, size_t from, size_t to)
{
    const struct lac_match_image_rule *r = &s->m->image_rules[rule];
    struct lac_str t = lac_match_folded(s);
    size_t at = s->ascii ? from : lac_match_view_find(&s->folded, from);

    t.len = s->ascii ? to : end_before(&s->folded, to);
    for (; at < t.len; at++) {
        unsigned char first = lac_match_fold_byte(t.ptr[at]);

        if (first == ' ' || !lac_match_boundary(t, at))
            continue;
        for (size_t i = 0; i < r->context_count; i++) {
            uint32_t id = s->m->context_ids[r->context + i];
            struct lac_str word = lac_match_text_of(s->m, s->m->words[id].text);
            size_t stop;

            if ((unsigned char)word.ptr[0] != first)
                continue;
            stop = lac_match_same_from(t, at, word);
            if (stop != SIZE_MAX && lac_match_boundary(lac_match_folded(s), stop))
                return true;
        }
    }
    return false;
}

static bool begins_char(struct lac_str t, size_t i)
{
    return ((unsigned char)t.ptr[i] & 0xC0) != 0x80;
}

size_t lac_match_window_before(const struct lac_match_scratch *s, size_t at, size_t window)
{
    size_t least = at > LAC_MATCH_WINDOW_MAX ? at - LAC_MATCH_WINDOW_MAX : 0;

    if (s->ascii)
        return at > window ? at - window : 0;
    while (at > least && window > 0)
        window -= begins_char(s->text, --at);
    return at;
}

size_t lac_match_window_behind(const struct lac_match_scratch *s, size_t at, size_t window)
{
    size_t rest = s->text.len - at;
    size_t most = at + (rest < LAC_MATCH_WINDOW_MAX ? rest : LAC_MATCH_WINDOW_MAX);

    if (s->ascii)
        return at + (rest < window ? rest : window);
    for (; at < most; at++) {
        if (window == 0 && begins_char(s->text, at))
            break;
        window -= begins_char(s->text, at);
    }
    return at;
}

/*
 * Searching the text costs a window per candidate. A text that is made to need it would make that
 * expensive, so after LAC_MATCH_CONTEXT_CHECKS of them in one field the rest count without: the
 * bound holds and the error is on the strict side.
 */
bool lac_match_context_near(struct lac_match_scratch *s, uint32_t rule, uint32_t start,
                            uint32_t end)
{
    size_t window = s->m->live[rule].context_window;
    size_t from = lac_match_window_before(s, start, window);
    size_t to = lac_match_window_behind(s, end, window);
    struct lac_match_rule_state *state;

    if (from >= s->place_from && to <= s->place_to)
        return in_list(s, rule, from, to);
    state = lac_match_state(s, rule);
    if (state->contexts >= LAC_MATCH_CONTEXT_CHECKS)
        return true;
    state->contexts++;
    /* A hit of many bytes is looked into from both of its ends only. */
    if (to - from > LAC_MATCH_CONTEXT_BYTES)
        return in_text(s, rule, from, from + LAC_MATCH_CONTEXT_BYTES / 2) ||
               in_text(s, rule, to - LAC_MATCH_CONTEXT_BYTES / 2, to);
    return in_text(s, rule, from, to);
}
