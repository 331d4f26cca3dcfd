/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns and detectors, at places where they could match. */
#include "lac_match_internal.h"

#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "lac_assert.h"

enum { PROGRAM_LINES = 6 }; /* of the cache, that most programs have */

static bool is_token(unsigned c)
{
    return lac_match_is_alnum(c) || (c < 0x80 && lac_match_is_in((unsigned char)c, "-_+/%.~"));
}

/* Where the run of a token's characters ends that goes on at `end`, at most LAC_MATCH_CUT_MAX bytes
 * behind. In a run where a pattern matches wherever a word begins, each byte is looked at once. */
static size_t token_end(struct lac_match_scratch *s, size_t end)
{
    size_t known = end >= s->token_from && end <= s->token_to ? s->token_to : end;

    if (known - end > LAC_MATCH_CUT_MAX)
        return end + LAC_MATCH_CUT_MAX;
    if (known == end)
        s->token_from = end;
    s->token_to = lac_match_run_end(s->plain, known, LAC_MATCH_CUT_MAX - (known - end), is_token);
    return s->token_to;
}

size_t lac_match_whole(struct lac_match_scratch *s, size_t start, size_t end)
{
    struct lac_str text = s->plain;
    size_t stop;

    if (end - start < LAC_MATCH_CUT_MIN || !is_token(lac_match_before(text, end)))
        return end;
    stop = token_end(s, end);
    while (stop > end && text.ptr[stop - 1] == '.')
        stop--; /* the end of a sentence */
    for (unsigned n = 0; stop > end && n < 2 && lac_match_byte(text, stop) == '='; n++)
        stop++;
    return stop;
}

static bool add_found(struct lac_match_scratch *s, uint32_t rule, struct lac_match_span span)
{
    return lac_match_add(s, rule, lac_match_plain_at(s, span.start),
                         lac_match_plain_at(s, span.end));
}

/* What stands in the rows below a heading that ends at `at`. Hardly anything is one. */
static bool add_below(struct lac_match_scratch *s, uint32_t rule, size_t at)
{
    lac_match_below *below = lac_match_detector_below(s->m->live[rule].detector);
    struct lac_match_column column = {0};
    struct lac_match_span span = {0};
    bool added = false;

    while (below(s->plain, at, &column, &span)) {
        LAC_ASSERT(span.start < span.end && span.end <= s->plain.len);
        if (lac_match_passes(s, rule, lac_str_slice(s->plain, span.start, span.end)))
            added = add_found(s, rule, span) || added;
    }
    return added;
}

bool lac_match_nominated(struct lac_match_scratch *s, const struct lac_match_unit *u, size_t start,
                         size_t end)
{
    struct lac_match_rule_state *state = lac_match_state(s, u->rule);
    struct lac_match_span span = {start, end, 0};
    struct lac_str text = s->plain;

    if (u->flags & LAC_MATCH_UNIT_DETECTOR) {
        const struct lac_match_live *live = &s->m->live[u->rule];
        bool found;

        if (end <= state->resume)
            return false;
        span = (struct lac_match_span){0};
        found = live->detector->verify(text, end, u->trigger, &span);
        if (span.resume > state->resume)
            state->resume = (uint32_t)span.resume;
        if (!found) {
            if (live->joins)
                lac_match_seams_behind(s, u, start, end);
            return live->below && add_below(s, u->rule, end);
        }
        LAC_ASSERT(span.start < span.end && span.end <= text.len);
    }
    if (!lac_match_passes(s, u->rule, lac_str_slice(text, span.start, span.end)))
        return false;
    if (!(u->flags & LAC_MATCH_UNIT_DETECTOR)) {
        if (!lac_match_place_fits(text, span.start, span.end, s->m->live[u->rule].secret))
            return false;
        span.end = lac_match_whole(s, span.start, span.end);
    }
    return add_found(s, u->rule, span);
}

/* Whether the first bytes are of the kinds that every match begins with. */
static inline bool head_fits(const struct lac_match_unit *u, struct lac_str t, size_t start)
{
    const unsigned char *p = (const unsigned char *)t.ptr + start;

    if (t.len - start < u->head_len || !lac_match_regex_set_has(&u->first, p[0]))
        return false;
    for (size_t i = 0; i < u->head_len; i++)
        if (!(u->head[i] & lac_match_kind[p[i]]))
            return false;
    return true;
}

/* What a run of the unit reads next, if its head fits. */
static void foresee_run(const struct lac_match_scratch *s, const struct lac_match_unit *u)
{
    const char *program = s->m->programs + u->program;

    for (size_t i = 0; i < PROGRAM_LINES; i++)
        __builtin_prefetch(program + i * LAC_MATCH_LIVE_BYTES);
    __builtin_prefetch(&s->m->live[u->rule]);
    __builtin_prefetch(&s->states[u->rule]);
}

/* The longest match that starts here, where its head does; what follows is looked for behind it. */
static __attribute__((noinline)) void run_program(struct lac_match_scratch *s,
                                                  const struct lac_match_unit *u, size_t start)
{
    const struct lac_match_rule_state *state = &s->states[u->rule];
    bool pattern = !(u->flags & LAC_MATCH_UNIT_DETECTOR);
    size_t end;

    foresee_run(s, u);
    if (pattern && lac_match_seen(s, u->rule) && start < state->resume)
        return;
    if (lac_match_regex_at(lac_match_program(s->m, u), s->plain, start, &end) &&
        lac_match_nominated(s, u, start, end) && pattern)
        lac_match_state(s, u->rule)->resume = (uint32_t)end;
}

/* Hardly any start has the head: to see that should not cost what a call of the rest does. */
static inline void run_at(struct lac_match_scratch *s, const struct lac_match_unit *u, size_t start)
{
    if (start < s->plain.len && head_fits(u, s->plain, start))
        run_program(s, u, start);
}

void lac_match_unit_at(struct lac_match_scratch *s, uint32_t unit, size_t start)
{
    const struct lac_match_unit *u = &s->m->units[unit];

    if (lac_match_gate(s, u->rule))
        run_at(s, u, start);
}

/* All starts in [from, to), where no literal tells more. */
static void each_start(struct lac_match_scratch *s, const struct lac_match_unit *u, size_t from,
                       size_t to)
{
    bool words = u->flags & LAC_MATCH_UNIT_WORD_START;

    to = to < s->plain.len ? to : s->plain.len;
    for (; from < to; from += LAC_MATCH_REGEX_STEP) {
        char last[LAC_MATCH_REGEX_STEP] = {0};
        const char *bytes = s->plain.ptr + from;
        unsigned starts;

        if (to - from < LAC_MATCH_REGEX_STEP)
            bytes = memcpy(last, bytes, to - from);
        starts = lac_match_regex_set_which(&u->first, bytes);
        if (to - from < LAC_MATCH_REGEX_STEP)
            starts &= ((unsigned)1 << (to - from)) - 1;
        for (; starts; starts &= starts - 1) {
            size_t i = from + (unsigned)__builtin_ctz(starts);

            if (!(words && lac_match_is_alnum(lac_match_before(s->plain, i))))
                run_at(s, u, i);
        }
    }
}

/* Where `what`, which is not empty, stands first in the text; NULL: nowhere. What is looked for is
 * short and the texts are runs of letters: memmem() would spend more on getting ready. */
static const char *find(const char *text, size_t len, struct lac_str what)
{
    size_t last = what.len - 1, i = 0, starts;

    if (len < what.len)
        return NULL;
    starts = len - last;
#ifdef __x86_64__
    const __m128i a = _mm_set1_epi8(what.ptr[0]), z = _mm_set1_epi8(what.ptr[last]);

    for (; i + 16 <= starts; i += 16) {
        __m128i first = _mm_loadu_si128((const __m128i *)(const void *)(text + i));
        __m128i end = _mm_loadu_si128((const __m128i *)(const void *)(text + i + last));
        unsigned at = (unsigned)_mm_movemask_epi8(
            _mm_and_si128(_mm_cmpeq_epi8(first, a), _mm_cmpeq_epi8(end, z)));

        for (; at; at &= at - 1) {
            const char *p = text + i + (unsigned)__builtin_ctz(at);

            if (memcmp(p, what.ptr, last) == 0)
                return p;
        }
    }
#endif
    for (; i < starts; i++)
        if (text[i] == what.ptr[0] && text[i + last] == what.ptr[last] &&
            memcmp(text + i, what.ptr, last) == 0)
            return text + i;
    return NULL;
}

void lac_match_unit_in(struct lac_match_scratch *s, uint32_t unit, size_t from, size_t to)
{
    const struct lac_match_unit *u = &s->m->units[unit];
    struct lac_str inner = lac_match_text_of(s->m, u->inner);
    size_t limit, at;

    if (inner.len == 0) {
        each_start(s, u, from, to);
        return;
    }
    /* A match that starts before `to` has its literal before this. */
    limit = to + u->inner_max + inner.len;
    limit = limit < s->plain.len ? limit : s->plain.len;
    for (at = from; at < limit;) {
        const char *found = find(s->plain.ptr + at, limit - at, inner);
        size_t first, last;

        if (!found)
            return;
        at = (size_t)(found - s->plain.ptr);
        first = at > (size_t)u->inner_max + from ? at - u->inner_max : from;
        last = at >= u->inner_min ? at - u->inner_min + 1 : 0;
        each_start(s, u, first, last < to ? last : to);
        if (last > from)
            from = last; /* each start once */
        at++;
    }
}

static bool has_literal(const char *text, struct lac_str what, bool nocase)
{
    if (!nocase)
        return memcmp(text, what.ptr, what.len) == 0;
    for (size_t i = 0; i < what.len; i++) {
        unsigned char c = (unsigned char)text[i];

        if ((lac_match_is_alpha(c) ? c | 0x20u : c) != (unsigned char)what.ptr[i])
            return false;
    }
    return true;
}

/* Whether what begins with the literal at `at` matches up to a line end, as far as its head tells,
 * and is nothing yet. */
static bool may_be_cut(const struct lac_match_scratch *s, const struct lac_match_literal *l,
                       size_t at, size_t len)
{
    const struct lac_match_unit *u = &s->m->units[l->unit];

    for (size_t i = len; i < u->head_len; i++) {
        unsigned char c = lac_match_byte(s->plain, at + i);

        if (!(u->head[i] & lac_match_kind[c]))
            return lac_match_is_in(c, "\n\r=\\\"'");
    }
    return !(lac_match_seen(s, l->rule) && s->states[l->rule].resume > at);
}

/* The first bytes of the literal stand at `at`. */
static __attribute__((noinline)) void literal_begun(struct lac_match_scratch *s, size_t at,
                                                    const struct lac_match_literal *l)
{
    struct lac_str what = lac_match_text_of(s->m, l->text);
    size_t from;

    if (at < l->key || s->plain.len - (at - l->key) < what.len)
        return;
    lac_match_foresee(s, l->unit, l->rule);
    at -= l->key;
    /* Eight bytes from the first on have been compared. */
    if ((l->key > 0 || what.len > sizeof(l->value)) &&
        !has_literal(s->plain.ptr + at, what, l->nocase))
        return;
    if (at < l->back_min)
        return;
    from = at > l->back_max ? at - l->back_max : 0;
    for (size_t start = from; start <= at - l->back_min; start++)
        run_at(s, &s->m->units[l->unit], start);
    /* What tokens begin with is written in one way, names in any. */
    if (!l->nocase && l->back_max == 0 && s->m->live[l->rule].joins &&
        may_be_cut(s, l, at, what.len))
        lac_match_seams_behind(s, &s->m->units[l->unit], at, at + what.len);
}

void lac_match_literal_at(struct lac_match_scratch *s, size_t at, uint32_t literal)
{
    const struct lac_match_literal *l = &s->m->literals[literal];

    if (lac_match_gate(s, l->rule) && (lac_match_load8(s->plain, at) & l->mask) == l->value)
        literal_begun(s, at, l);
}
