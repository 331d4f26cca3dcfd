/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a validated candidate: exceptions, documented examples, context, bookkeeping. */
#include "lac_match_internal.h"

#include <string.h>

enum { NEIGHBOURS = 16, SHADOW_MAX = 4096 };

struct lac_match_rule_state *lac_match_state_new(struct lac_match_scratch *s, uint32_t rule)
{
    struct lac_match_rule_state *state = &s->states[rule];

    *state = (struct lac_match_rule_state){0};
    s->seen[rule / 64] |= (uint64_t)1 << (rule % 64);
    s->rule_hit[rule] = false;
    s->touched[s->touched_count++] = rule;
    return state;
}

/* Whether `e` describes the surroundings of the hit [start, end). */
static bool is_around(const struct lac_match *m, struct lac_str t, size_t start, size_t end,
                      const struct lac_match_around *e)
{
    size_t from = lac_match_same_to(t, start, lac_match_text_of(m, e->before));
    size_t to;

    if (from == SIZE_MAX || (e->before.len > 0 && !lac_match_boundary(t, from)))
        return false;
    to = lac_match_same_from(t, end, lac_match_text_of(m, e->after));
    return to != SIZE_MAX && (e->after.len == 0 || lac_match_boundary(t, to));
}

/* Whether `what` may begin at `i`: most do not, by their first byte. */
static bool may_begin(struct lac_str text, size_t i, struct lac_str what)
{
    return what.len == 0 ||
           (i < text.len && lac_match_fold_byte(text.ptr[i]) == (unsigned char)what.ptr[0]);
}

/* Whether the hit is a documented example that is told by its beginning. */
static bool is_allowed(const struct lac_match *m, struct lac_str hit,
                       const struct lac_match_around *a)
{
    struct lac_str before = lac_match_text_of(m, a->before);
    struct lac_str after = lac_match_text_of(m, a->after);
    size_t from;

    if (!may_begin(hit, 0, before))
        return false;
    from = lac_match_same_from(hit, 0, before);
    if (from == SIZE_MAX)
        return false;
    if (!(a->flags & LAC_MATCH_AROUND_STAR))
        return from == hit.len;
    if (after.len == 0)
        return true;
    hit = lac_str_slice(hit, from, hit.len);
    return lac_match_same_to(hit, hit.len, after) != SIZE_MAX;
}

/* Whether one of the rule's examples that may be anywhere begins at `at` of the hit. `buckets`: of
 * those that may. */
static bool is_inside(const struct lac_match *m, const struct lac_match_live *r, struct lac_str hit,
                      size_t at, unsigned buckets)
{
    for (uint32_t i = 0; i < r->allow_count; i++) {
        const struct lac_match_around *a = &m->around[r->allow + i];
        struct lac_str example = lac_match_text_of(m, a->before);

        if (!(buckets >> i % LAC_MATCH_TRIO_BUCKETS & 1) || !(a->flags & LAC_MATCH_AROUND_INSIDE) ||
            hit.len - at < example.len ||
            (hit.len > LAC_MATCH_CHANCE_MAX && example.len < LAC_MATCH_CHANCE_MIN))
            continue;
        if (may_begin(hit, at, example) && lac_match_same_from(hit, at, example) != SIZE_MAX)
            return true;
    }
    return false;
}

static bool has_example(const struct lac_match *m, const struct lac_match_live *r,
                        struct lac_str hit)
{
    const struct lac_match_trio *trio = &m->allow_lists[r->allow_list].inside;

    for (size_t i = 0; i < hit.len; i += LAC_MATCH_TRIO_STEP) {
        const unsigned char *bytes = (const unsigned char *)hit.ptr + i;
        unsigned char last[LAC_MATCH_TRIO_READ] = {0};
        uint8_t buckets[LAC_MATCH_TRIO_STEP];
        unsigned places;

        if (hit.len - i < LAC_MATCH_TRIO_READ)
            bytes = memcpy(last, bytes, hit.len - i);
        places = lac_match_trio_at(trio, bytes, buckets);
        if (hit.len - i < LAC_MATCH_TRIO_STEP)
            places &= ((unsigned)1 << (hit.len - i)) - 1;
        for (; places; places &= places - 1) {
            unsigned k = (unsigned)__builtin_ctz(places);

            if (is_inside(m, r, hit, i + k, buckets[k]))
                return true;
        }
    }
    return false;
}

static bool is_example(const struct lac_match *m, const struct lac_match_live *r,
                       struct lac_str hit)
{
    const struct lac_match_allow_list *list = &m->allow_lists[r->allow_list];
    unsigned char c = hit.len > 0 ? (unsigned char)hit.ptr[0] : 0;

    if (r->allow_count == 0)
        return false;
    for (size_t i = 0; i < r->allow_count && list->first[c / 64] >> (c % 64) & 1; i++)
        if (!(m->around[r->allow + i].flags & LAC_MATCH_AROUND_INSIDE) &&
            is_allowed(m, hit, &m->around[r->allow + i]))
            return true;
    return has_example(m, r, hit);
}

bool lac_match_is_whole(struct lac_str t, size_t start, size_t end)
{
    while (end < t.len && (lac_match_fold_byte(t.ptr[end]) == ' ' ||
                           lac_match_is_in((unsigned char)t.ptr[end], ".?!")))
        end++;
    while (start > 0 && lac_match_fold_byte(t.ptr[start - 1]) == ' ')
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

void lac_match_reported_in(struct lac_match_scratch *s, uint32_t rule, uint32_t start, uint32_t end,
                           size_t *from, size_t *to)
{
    const struct lac_match_rule_state *state = lac_match_state(s, rule);
    const struct lac_match_hit first = {.start =
                                            start > state->longest ? start - state->longest : 0};
    const struct lac_match_hit behind = {.start = end};

    *from = state->reported > 0 ? hit_place(s->hits, &first) : 0;
    *to = state->reported > 0 ? hit_place(s->hits, &behind) : 0;
}

static void hit_insert(struct lac_match_hits *hits, const struct lac_match_hit *h)
{
    size_t place = hit_place(hits, h);

    memmove(&hits->at[place + 1], &hits->at[place], (hits->count - place) * sizeof(*hits->at));
    hits->at[place] = *h;
    hits->count++;
}

/* The score of a hit, 0 for none: a word that must be near and is not. `whole`: the hit is all of
 * a field that is one name. */
static uint32_t score_of(struct lac_match_scratch *s, uint32_t rule, uint32_t start, uint32_t end,
                         bool whole)
{
    const struct lac_match_live *r = &s->m->live[rule];
    uint32_t room = 1000000 - r->score;
    bool near;

    if (r->context_count == 0)
        return r->score;
    near = whole || lac_match_context_near(s, rule, start, end);
    if (r->context_boost == 0)
        return near ? r->score : 0;
    return near ? r->score + (r->context_boost < room ? r->context_boost : room) : r->score;
}

/* Takes a reported hit of the rule back. */
static void retract(struct lac_match_scratch *s, uint32_t rule, size_t index)
{
    struct lac_match_rule_state *state = lac_match_state(s, rule);
    struct lac_match_hits *hits = s->hits;

    if (hits->at[index].score >= LAC_MATCH_SCORE_COUNTS)
        state->total--;
    state->reported--;
    hits->count--;
    memmove(&hits->at[index], &hits->at[index + 1], (hits->count - index) * sizeof(*hits->at));
    s->rule_hit[rule] = state->total > 0;
}

/* An exception also covers what lies inside it: with "what does internal use only mean" excepted,
 * "internal use" in it is no hit of the same rule either. */
static void except(struct lac_match_scratch *s, uint32_t rule, uint32_t start, uint32_t end)
{
    struct lac_match_rule_state *state = lac_match_state(s, rule);
    const struct lac_match_hits *hits = s->hits;
    size_t from, to;

    lac_match_reported_in(s, rule, start, end, &from, &to);
    for (size_t i = to; i-- > from;)
        if (hits->at[i].rule == rule && hits->at[i].start >= start && hits->at[i].end <= end)
            retract(s, rule, i);
    state->except_start = start;
    state->except_end = end;
}

/* Whether one reading of a place is better than another: surer, or longer. */
static bool is_better(const struct lac_match_hit *h, uint32_t score, uint32_t start, uint32_t end)
{
    return h->score > score || (h->score == score && h->end - h->start >= end - start);
}

/* Makes room for a hit among those of its rule that overlap it; false when one of them is as
 * good. */
static bool displace(struct lac_match_scratch *s, const struct lac_match_hit *hit)
{
    struct lac_match_rule_state *state = lac_match_state(s, hit->rule);
    struct lac_match_hits *hits = s->hits;
    size_t from, to;

    if (state->has_last && hit->start < state->last.end && hit->end > state->last.start) {
        if (is_better(&state->last, hit->score, hit->start, hit->end))
            return false;
        state->has_last = false;
        if (state->last.score >= LAC_MATCH_SCORE_COUNTS)
            state->total--;
    }
    if (state->reported == 0 || hit->start >= state->reported_end)
        return true; /* nearly always: hits come nearly in the order of the text */
    lac_match_reported_in(s, hit->rule, hit->start, hit->end, &from, &to);
    for (size_t i = from; i < to; i++)
        if (hits->at[i].rule == hit->rule && hit->start < hits->at[i].end &&
            hit->end > hits->at[i].start &&
            is_better(&hits->at[i], hit->score, hit->start, hit->end))
            return false;
    for (size_t i = to; i-- > from;)
        if (hits->at[i].rule == hit->rule && hit->start < hits->at[i].end &&
            hit->end > hits->at[i].start)
            retract(s, hit->rule, i);
    return true;
}

void lac_match_record(struct lac_match_scratch *s, const struct lac_match_hit *hit)
{
    struct lac_match_rule_state *state = lac_match_state(s, hit->rule);
    struct lac_match_hits *hits = s->hits;
    uint32_t most = hits->per_rule ? hits->per_rule : LAC_MATCH_HITS_PER_RULE;

    if (!displace(s, hit))
        return;
    if (hit->score >= LAC_MATCH_SCORE_COUNTS) {
        state->total++;
        s->rule_hit[hit->rule] = true;
    }
    if (state->reported >= most || hits->count == hits->capacity) {
        hits->truncated = true;
        state->has_last = true;
        state->last = *hit;
        return;
    }
    hit_insert(hits, hit);
    state->reported++;
    if (hit->end > state->reported_end)
        state->reported_end = hit->end;
    if (hit->end - hit->start > state->longest)
        state->longest = hit->end - hit->start;
}

bool lac_match_add(struct lac_match_scratch *s, uint32_t rule, uint32_t start, uint32_t end)
{
    const struct lac_match_live *r = &s->m->live[rule];
    struct lac_str t = lac_match_folded(s);
    size_t from = s->ascii ? start : lac_match_view_find(&s->folded, start);
    size_t to = s->ascii ? end : lac_match_view_find(&s->folded, end);
    const struct lac_match_rule_state *state = lac_match_state(s, rule);
    struct lac_match_hit hit = {rule, 0, start, end};

    if (to < from)
        to = from;
    hit.score = score_of(s, rule, start, end, s->is_name && lac_match_is_whole(t, from, to));
    if (hit.score == 0 || (hit.score < LAC_MATCH_SCORE_COUNTS && !s->hits->want_weak))
        return false;
    if (start >= state->except_start && end <= state->except_end)
        return true;
    for (size_t i = 0; i < r->except_count; i++)
        if (is_around(s->m, t, from, to, &s->m->around[r->except + i])) {
            except(s, rule, start, end);
            return true;
        }
    if (is_example(s->m, r, lac_str_slice(t, from, to)))
        return true;
    if (r->strength == LAC_MATCH_ALLOW) {
        if (s->hits->over_limit || s->hits->undecodable || !lac_match_is_whole(t, from, to))
            return true;
        s->hits->whole_allowed = true;
    }
    lac_match_record(s, &hit);
    return true;
}

static void drop_hits(struct lac_match_hits *hits, uint32_t rule)
{
    size_t kept = 0;

    for (size_t i = 0; i < hits->count; i++)
        if (hits->at[i].rule != rule)
            hits->at[kept++] = hits->at[i];
    hits->count = kept;
}

/* A floor that lies inside a surer one of another rule, which asks for no less, says nothing new:
 * part of an account number is no telephone number. Neighbours in the list are compared, so many
 * that real nesting is seen and a text made of hits costs no more. `alike`: only those of the same
 * entity count. */
static bool is_shadowed(const struct lac_match_scratch *s, size_t index, bool alike)
{
    const struct lac_match_hits *hits = s->hits;
    const struct lac_match_hit *h = &hits->at[index];
    const struct lac_match_live *r = &s->m->live[h->rule];
    size_t first = index > NEIGHBOURS ? index - NEIGHBOURS : 0;

    if (r->strength != LAC_MATCH_FLOOR)
        return false;
    for (size_t i = first; i < hits->count && i <= index + NEIGHBOURS; i++) {
        const struct lac_match_hit *o = &hits->at[i];
        const struct lac_match_live *by = &s->m->live[o->rule];

        if (o->start <= h->start && o->end >= h->end && o->score > h->score &&
            by->strength == LAC_MATCH_FLOOR && by->tier >= r->tier &&
            (!alike || lac_str_eq(s->m->rules[o->rule].entity, s->m->rules[h->rule].entity)))
            return true;
    }
    return false;
}

static void drop_shadowed(struct lac_match_scratch *s)
{
    struct lac_match_hits *hits = s->hits;
    bool shadowed[SHADOW_MAX];
    size_t n = hits->count < SHADOW_MAX ? hits->count : SHADOW_MAX;
    size_t kept = 0;

    if (hits->count < 2 || (hits->keep_shadowed && !hits->want_weak))
        return;
    for (size_t i = 0; i < n; i++)
        shadowed[i] = is_shadowed(s, i, hits->keep_shadowed);
    for (size_t i = 0; i < hits->count; i++) {
        if (i < n && shadowed[i]) {
            struct lac_match_rule_state *state = &s->states[hits->at[i].rule];

            state->total -= hits->at[i].score >= LAC_MATCH_SCORE_COUNTS;
            s->rule_hit[hits->at[i].rule] = state->total > 0;
            continue;
        }
        hits->at[kept++] = hits->at[i];
    }
    hits->count = kept;
}

void lac_match_settle(struct lac_match_scratch *s)
{
    drop_shadowed(s);
    for (size_t i = 0; i < s->touched_count; i++) {
        uint32_t rule = s->touched[i];
        const struct lac_match_live *r = &s->m->live[rule];

        if (s->states[rule].total > 0 && s->states[rule].total < r->count) {
            s->rule_hit[rule] = false;
            drop_hits(s->hits, rule);
        }
        if (s->rule_hit[rule] && r->strength == LAC_MATCH_FLOOR)
            s->hits->floor = lac_tier_join(s->hits->floor, (enum lac_tier)r->tier);
    }
}
