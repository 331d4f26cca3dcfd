/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a validated candidate: exceptions, documented examples, context, bookkeeping. */
#include "lac_match_internal.h"

#include <math.h>
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
    if (a->inside)
        return memmem(hit.ptr, hit.len, a->before.ptr, a->before.len) != NULL;
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

/* An allow rule speaks only about a whole field; a final full stop or question mark is no more. */
static bool is_whole(struct lac_str t, size_t start, size_t end)
{
    while (lac_match_is_in(lac_match_byte(t, end), " .?!"))
        end++;
    while (start > 0 && t.ptr[start - 1] == ' ')
        start--;
    return start == 0 && end == t.len;
}

/*
 * Looking for words costs a window per candidate. A text made of candidates would make that
 * expensive, so after LAC_MATCH_CONTEXT_CHECKS of them in one field the rest count without: the
 * bound holds and the error is on the strict side.
 */
static bool context_near(struct lac_match_scratch *s, uint32_t rule, size_t start, size_t end)
{
    const struct lac_match_rule *r = &s->m->rules[rule];
    struct lac_match_rule_state *state = lac_match_state(s, rule);
    struct lac_str t = folded_text(s);
    size_t from = start > r->context_window ? start - r->context_window : 0;
    size_t to = end + r->context_window < t.len ? end + r->context_window : t.len;

    if (state->contexts >= LAC_MATCH_CONTEXT_CHECKS)
        return true;
    if (s->hits->is_name && is_whole(t, start, end))
        return true;
    state->contexts++;
    for (size_t i = 0; i < r->context_count; i++)
        if (has_word(t, from, to, s->m->compiled[rule].context[i]))
            return true;
    return false;
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

/* The score of a hit, 0 for none: a word that must be near and is not. */
static uint32_t score_of(struct lac_match_scratch *s, uint32_t rule, size_t start, size_t end)
{
    const struct lac_match_rule *r = &s->m->rules[rule];
    bool near = r->context_count > 0 && context_near(s, rule, start, end);
    uint32_t room = 1000000 - r->score;

    if (r->context_count == 0 || (near && r->context_boost == 0))
        return r->score;
    if (near)
        return r->score + (r->context_boost < room ? r->context_boost : room);
    return r->context_boost ? r->score : 0;
}

static struct lac_match_hit last_hit(const struct lac_match_scratch *s, uint32_t rule)
{
    const struct lac_match_rule_state *state = &s->states[rule];

    return (struct lac_match_hit){rule, state->last_score, state->last_start, state->last_end};
}

/* Takes the rule's latest hit back. */
static void retract(struct lac_match_scratch *s, uint32_t rule)
{
    struct lac_match_rule_state *state = lac_match_state(s, rule);
    struct lac_match_hit last = last_hit(s, rule);

    if (state->last_reported) {
        hit_remove(s->hits, &last);
        state->reported--;
    }
    state->has_last = false;
    state->last_reported = false;
    if (last.score >= LAC_MATCH_SCORE_COUNTS)
        state->total--;
    s->rule_hit[rule] = state->total > 0;
}

/* An exception also covers what lies inside it: with "what does internal use only mean" excepted,
 * "internal use" in it is no hit of the same rule either. */
static void except(struct lac_match_scratch *s, uint32_t rule, uint32_t start, uint32_t end)
{
    struct lac_match_rule_state *state = lac_match_state(s, rule);

    if (state->has_last && state->last_start >= start && state->last_end <= end)
        retract(s, rule);
    state->except_start = start;
    state->except_end = end;
}

static void record(struct lac_match_scratch *s, uint32_t rule, uint32_t score, uint32_t start,
                   uint32_t end)
{
    struct lac_match_rule_state *state = lac_match_state(s, rule);
    struct lac_match_hit hit = {rule, score, start, end};
    struct lac_match_hits *hits = s->hits;
    uint32_t most = hits->per_rule ? hits->per_rule : LAC_MATCH_HITS_PER_RULE;

    /* The same place found again, or a longer or shorter reading of it: the longer one stays. */
    if (state->has_last && start < state->last_end && end > state->last_start) {
        if (score < state->last_score ||
            (score == state->last_score && end - start <= state->last_end - state->last_start))
            return;
        retract(s, rule);
    }
    state->has_last = true;
    state->last_start = start;
    state->last_end = end;
    state->last_score = score;
    state->last_reported = false;
    if (score >= LAC_MATCH_SCORE_COUNTS) {
        state->total++;
        s->rule_hit[rule] = true;
    }
    if (state->reported >= most || hits->count == hits->capacity) {
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
    const struct lac_match_rule_state *state = lac_match_state(s, rule);
    uint32_t score;

    if (start >= state->except_start && end <= state->except_end)
        return;
    if (to < from)
        to = from;
    for (size_t i = 0; i < r->except_count; i++)
        if (is_around(t, from, to, &c->except[i])) {
            except(s, rule, start, end);
            return;
        }
    for (size_t i = 0; i < r->allow_count; i++)
        if (is_allowed((struct lac_str){t.ptr + from, to - from}, &c->allow[i]))
            return;
    score = score_of(s, rule, from, to);
    if (score == 0 || (score < LAC_MATCH_SCORE_COUNTS && !s->hits->want_weak))
        return;
    if (r->strength == LAC_MATCH_ALLOW) {
        if (s->hits->over_limit || s->hits->undecodable || !is_whole(t, from, to))
            return;
        s->hits->whole_allowed = true;
    }
    record(s, rule, score, start, end);
}

/* Shannon's entropy of the bytes, thousandths of a bit per byte. */
static uint32_t entropy_of(struct lac_str text)
{
    uint16_t seen[256] = {0};
    double sum = 0;

    for (size_t i = 0; i < text.len; i++)
        seen[(unsigned char)text.ptr[i]]++;
    for (size_t i = 0; i < LAC_COUNT(seen); i++)
        if (seen[i])
            sum += seen[i] * log2((double)text.len / seen[i]);
    return text.len ? (uint32_t)(sum * 1000 / (double)text.len) : 0;
}

bool lac_match_passes(const struct lac_match *m, uint32_t rule, struct lac_str candidate)
{
    const struct lac_match_rule *r = &m->rules[rule];

    if (r->min_entropy > 0 && entropy_of(candidate) < r->min_entropy)
        return false;
    return !m->compiled[rule].validate || m->compiled[rule].validate(candidate);
}

static void drop_hits(struct lac_match_hits *hits, uint32_t rule)
{
    size_t kept = 0;

    for (size_t i = 0; i < hits->count; i++)
        if (hits->at[i].rule != rule)
            hits->at[kept++] = hits->at[i];
    hits->count = kept;
}

void lac_match_settle(struct lac_match_scratch *s)
{
    for (size_t i = 0; i < s->touched_count; i++) {
        uint32_t rule = s->touched[i];
        const struct lac_match_rule *r = &s->m->rules[rule];

        if (s->states[rule].total > 0 && s->states[rule].total < r->count) {
            s->rule_hit[rule] = false;
            drop_hits(s->hits, rule);
        }
        if (s->rule_hit[rule] && r->strength == LAC_MATCH_FLOOR)
            s->hits->floor = lac_tier_join(s->hits->floor, r->tier);
    }
}
