/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a validated candidate: exceptions, documented examples, context, bookkeeping. */
#include "lac_match_internal.h"

#include <string.h>

struct lac_match_rule_state *lac_match_state(struct lac_match_scratch *s, uint32_t rule)
{
    struct lac_match_rule_state *state = &s->states[rule];

    if (!state->seen) {
        *state = (struct lac_match_rule_state){.seen = true};
        s->rule_hit[rule] = false;
        s->touched[s->touched_count++] = rule;
    }
    return state;
}

static struct lac_str folded_text(const struct lac_match_scratch *s)
{
    return (struct lac_str){s->folded.text, s->folded.len};
}

static bool has_at(struct lac_str t, size_t at, struct lac_str what)
{
    return at <= t.len && what.len <= t.len - at && memcmp(t.ptr + at, what.ptr, what.len) == 0;
}

/* Whether `e` describes the surroundings of the folded hit [start, end). */
static bool is_around(struct lac_str t, size_t start, size_t end, const struct lac_match_around *e)
{
    if (e->before.len > start || !has_at(t, start - e->before.len, e->before) ||
        !has_at(t, end, e->after))
        return false;
    return (e->before.len == 0 || lac_match_boundary(t, start - e->before.len)) &&
           (e->after.len == 0 || lac_match_boundary(t, end + e->after.len));
}

/* Whether the folded hit is a documented example. */
static bool is_allowed(struct lac_str hit, const struct lac_match_around *a)
{
    if (!a->star)
        return lac_str_eq(hit, a->before);
    return hit.len >= a->before.len + a->after.len && has_at(hit, 0, a->before) &&
           has_at(hit, hit.len - a->after.len, a->after);
}

static bool has_word(struct lac_str t, size_t from, size_t to, struct lac_str word)
{
    while (from < to) {
        const char *found = memmem(t.ptr + from, to - from, word.ptr, word.len);
        size_t at;

        if (!found)
            return false;
        at = (size_t)(found - t.ptr);
        if (lac_match_boundary(t, at) && lac_match_boundary(t, at + word.len))
            return true;
        from = at + 1;
    }
    return false;
}

/*
 * Looking for words costs a window per candidate. A text made of candidates would make that
 * expensive, so after LAC_MATCH_CONTEXT_CHECKS of them in one field the rest count without: the
 * bound holds and the error is on the strict side.
 */
static bool context_ok(struct lac_match_scratch *s, uint32_t rule, size_t start, size_t end)
{
    const struct lac_match_rule *r = &s->m->rules[rule];
    struct lac_match_rule_state *state = lac_match_state(s, rule);
    struct lac_str t = folded_text(s);
    size_t from = start > r->context_window ? start - r->context_window : 0;
    size_t to = end + r->context_window < t.len ? end + r->context_window : t.len;

    if (r->context_count == 0 || state->contexts >= LAC_MATCH_CONTEXT_CHECKS)
        return true;
    state->contexts++;
    for (size_t i = 0; i < r->context_count; i++)
        if (has_word(t, from, to, s->m->compiled[rule].context[i]))
            return true;
    return false;
}

/* An allow rule speaks only about a whole field; a final full stop or question mark is no more. */
static bool is_whole(struct lac_str t, size_t start, size_t end)
{
    while (end < t.len && memchr(" .?!", t.ptr[end], 4))
        end++;
    while (start > 0 && t.ptr[start - 1] == ' ')
        start--;
    return start == 0 && end == t.len;
}

static int hit_cmp(const struct lac_match_hit *a, const struct lac_match_hit *b)
{
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->end != b->end)
        return a->end < b->end ? -1 : 1;
    return (a->rule > b->rule) - (a->rule < b->rule);
}

/* Index of the first hit that is not before `h`. */
static size_t hit_place(const struct lac_match_hits *hits, const struct lac_match_hit *h)
{
    size_t low = 0;
    size_t high = hits->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (hit_cmp(&hits->at[mid], h) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void hit_insert(struct lac_match_hits *hits, const struct lac_match_hit *h)
{
    size_t place = hit_place(hits, h);

    memmove(&hits->at[place + 1], &hits->at[place], (hits->count - place) * sizeof(*hits->at));
    hits->at[place] = *h;
    hits->count++;
}

static void hit_remove(struct lac_match_hits *hits, const struct lac_match_hit *h)
{
    size_t place = hit_place(hits, h);

    hits->count--;
    memmove(&hits->at[place], &hits->at[place + 1], (hits->count - place) * sizeof(*hits->at));
}

/* The same place found again, or a longer or shorter reading of it. True when nothing is left to
 * report. */
static bool merge_with_last(struct lac_match_scratch *s, uint32_t rule, uint32_t start,
                            uint32_t end)
{
    struct lac_match_rule_state *state = lac_match_state(s, rule);
    struct lac_match_hit last = {rule, s->m->rules[rule].score, state->last_start, state->last_end};

    if (!s->rule_hit[rule] || start >= state->last_end || end <= state->last_start)
        return false;
    if (end - start <= last.end - last.start)
        return true;
    if (state->last_reported) {
        hit_remove(s->hits, &last);
        state->reported--;
    }
    return false;
}

static void record(struct lac_match_scratch *s, uint32_t rule, uint32_t start, uint32_t end)
{
    struct lac_match_rule_state *state = lac_match_state(s, rule);
    struct lac_match_hit hit = {rule, s->m->rules[rule].score, start, end};
    struct lac_match_hits *hits = s->hits;

    if (merge_with_last(s, rule, start, end))
        return;
    state->last_start = start;
    state->last_end = end;
    state->last_reported = false;
    s->rule_hit[rule] = true;
    if (s->m->rules[rule].strength == LAC_MATCH_FLOOR)
        hits->floor = lac_tier_join(hits->floor, s->m->rules[rule].tier);
    if (state->reported == LAC_MATCH_HITS_PER_RULE || hits->count == hits->capacity) {
        hits->truncated = true;
        return;
    }
    hit_insert(hits, &hit);
    state->reported++;
    state->last_reported = true;
}

void lac_match_add(struct lac_match_scratch *s, uint32_t rule, uint32_t start, uint32_t end)
{
    const struct lac_match_rule *r = &s->m->rules[rule];
    const struct lac_match_compiled_rule *c = &s->m->compiled[rule];
    struct lac_str t = folded_text(s);
    size_t from = lac_match_view_find(&s->folded, start);
    size_t to = lac_match_view_find(&s->folded, end);

    if (to < from)
        to = from;
    for (size_t i = 0; i < r->except_count; i++)
        if (is_around(t, from, to, &c->except[i]))
            return;
    for (size_t i = 0; i < r->allow_count; i++)
        if (is_allowed((struct lac_str){t.ptr + from, to - from}, &c->allow[i]))
            return;
    if (!context_ok(s, rule, from, to))
        return;
    if (r->strength == LAC_MATCH_ALLOW) {
        if (s->hits->over_limit || s->hits->undecodable || !is_whole(t, from, to))
            return;
        s->hits->whole_allowed = true;
    }
    record(s, rule, start, end);
}
