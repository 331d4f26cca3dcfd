/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to a place that an arm has found: the matcher's own code, called as its scan calls
 * it. So all arms validate alike, and differ only in how they find places.
 */
#include "bench_tier1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_match_internal.h"

enum { FIELD_BYTES = 1 << 16, PROGRAM_BYTES = 64 << 20 };

/* ---- the rules ---- */

static bool is_name_rule(const struct lac_match_rule *r)
{
    return r->names; /* an organisation's own terms are measured apart */
}

static void take_examples(struct bench_rules *r, size_t pack_index)
{
    struct lac_pack_examples e = lac_pack_examples(r->pack, pack_index);

    for (size_t i = 0; i < e.match_count; i++)
        r->examples[r->example_count++] = e.match[i];
}

bool bench_rules_open(struct bench_rules *r)
{
    const struct lac_match *m;
    struct lac_err err;
    size_t total, texts = 0;

    *r = (struct bench_rules){0};
    if (lac_pack_open(&r->pack, NULL, &err) != LAC_OK) {
        fprintf(stderr, "tier1: %s\n", err.text);
        return false;
    }
    m = lac_pack_match(r->pack);
    total = lac_match_rule_count(m);
    for (size_t i = 0; i < total; i++)
        texts += lac_pack_examples(r->pack, i).match_count;
    r->rules = calloc(total + 1, sizeof(*r->rules));
    r->examples = calloc(texts + 1, sizeof(*r->examples));
    if (!r->rules || !r->examples) {
        bench_rules_close(r);
        return false;
    }
    for (size_t i = 0; i < total; i++) {
        const struct lac_match_rule *rule = lac_match_rule_at(m, i);

        if (is_name_rule(rule))
            continue;
        if (rule->strength == LAC_MATCH_FLOOR)
            take_examples(r, i);
        r->rules[r->count++] = *rule;
    }
    return true;
}

void bench_rules_close(struct bench_rules *r)
{
    free(r->rules);
    free(r->examples);
    lac_pack_close(r->pack);
    *r = (struct bench_rules){0};
}

/* ---- a set ---- */

const char *bench_trigger(struct lac_str detector, unsigned index)
{
    const struct lac_match_detector *d = lac_match_detector_find(detector);
    const char *t = d && index < LAC_MATCH_TRIGGER_MAX ? d->triggers[index] : NULL;

    return t && *t == '<' ? t + 1 : t; /* the mark of those that begin a part of an identifier */
}

/* Whether a trigger that ends here begins where a word does, or a part like the S of awsSecret. */
static bool begins_part(const struct bench_set *s, size_t program, size_t end)
{
    const struct lac_match_regex *r = (const void *)(s->programs.ptr + program);
    struct lac_str t = s->scratch->plain;
    size_t from = end > lac_match_regex_max_width(r) ? end - lac_match_regex_max_width(r) : 0;

    for (size_t i = from; i < end; i++) {
        size_t stop;

        if ((!lac_match_is_alnum(lac_match_before(t, i)) || lac_match_is_hump(t, i)) &&
            lac_match_regex_at(r, t, i, &stop) && stop == end)
            return true;
    }
    return false;
}

static bool detect_open(struct bench_set *s, size_t rule)
{
    const struct lac_match_detector *d = s->match->live[rule].detector;
    unsigned flags[LAC_MATCH_TRIGGER_MAX] = {0}, ids[LAC_MATCH_TRIGGER_MAX], n = 0;
    const char *triggers[LAC_MATCH_TRIGGER_MAX + 1];
    hs_compile_error_t *why = NULL;

    for (; (triggers[n] = bench_trigger(s->rules[rule].detector, n)); n++)
        ids[n] = n;
    if (hs_compile_multi(triggers, flags, ids, n, HS_MODE_BLOCK, NULL, &s->detect[rule], &why) ==
        HS_SUCCESS)
        return hs_alloc_scratch(s->detect[rule], &s->detect_scratch) == HS_SUCCESS;
    fprintf(stderr, "tier1: %s: %s\n", d->name, why ? why->message : "no database");
    hs_free_compile_error(why);
    return false;
}

static bool program_open(struct bench_set *s, struct lac_str pattern, size_t rule, size_t *at)
{
    struct lac_err err;

    *at = s->programs.len;
    if (lac_match_regex_compile(&s->programs, pattern, &s->info[rule], &err) != LAC_OK) {
        fprintf(stderr, "tier1: %.*s: %s\n", LAC_STR_FMT(s->rules[rule].id), err.text);
        return false;
    }
    if (!s->info[rule].supported)
        fprintf(stderr, "tier1: %.*s: %s\n", LAC_STR_FMT(s->rules[rule].id), s->info[rule].reason);
    return s->info[rule].supported;
}

static bool parts_open(struct bench_set *s, size_t rule)
{
    const struct lac_match_detector *d = s->match->live[rule].detector;

    for (unsigned i = 0; i < LAC_MATCH_TRIGGER_MAX; i++) {
        const char *t = d ? d->triggers[i] : NULL;

        s->parts[rule][i] = SIZE_MAX;
        if (t && *t == '<' && !program_open(s, lac_str_from(t + 1), rule, &s->parts[rule][i]))
            return false;
        if (!t)
            d = NULL;
    }
    return true;
}

/* The programs of the patterns, which begin each at a multiple of their alignment. */
static bool programs_open(struct bench_set *s)
{
    lac_buf_init(&s->programs, PROGRAM_BYTES);
    for (size_t i = 0; i < s->count; i++) {
        s->program[i] = SIZE_MAX;
        if (!parts_open(s, i) || (s->rules[i].pattern.len > 0 &&
                                  !program_open(s, s->rules[i].pattern, i, &s->program[i])))
            return false;
    }
    return true;
}

bool bench_set_open(struct bench_set *s, const struct lac_match_rule *rules, size_t count)
{
    struct lac_err err;

    *s = (struct bench_set){.rules = rules, .count = count};
    s->hits = (struct lac_match_hits){
        .at = s->hit_array, .capacity = LAC_COUNT(s->hit_array), .keep_shadowed = true};
    s->program = calloc(count + 1, sizeof(*s->program));
    s->info = calloc(count + 1, sizeof(*s->info));
    s->detect = calloc(count + 1, sizeof(hs_database_t *));
    s->parts = calloc(count + 1, sizeof(*s->parts));
    if (!s->program || !s->info || !s->detect || !s->parts)
        return false;
    if (lac_match_open(&s->match, rules, count, NULL, &err) != LAC_OK ||
        lac_match_scratch_open(&s->scratch, FIELD_BYTES, &err) != LAC_OK ||
        lac_match_scratch_fit(s->scratch, s->match, &err) != LAC_OK) {
        fprintf(stderr, "tier1: %s\n", err.text);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (rules[i].detector.len > 0 && !detect_open(s, i))
            return false;
    return programs_open(s);
}

void bench_set_close(struct bench_set *s)
{
    for (size_t i = 0; s->detect && i < s->count; i++)
        hs_free_database(s->detect[i]);
    hs_free_scratch(s->detect_scratch);
    lac_match_scratch_close(s->scratch);
    lac_match_close(s->match);
    lac_buf_deinit(&s->programs);
    free(s->program);
    free(s->info);
    free(s->detect);
    free(s->parts);
    *s = (struct bench_set){0};
}

/* ---- one message ---- */

struct lac_str bench_begin(struct bench_set *s, struct lac_str message, struct lac_str *folded)
{
    struct lac_match_scratch *x = s->scratch;

    lac_match_begin(x, message, &s->hits);
    *folded = lac_match_folded(x);
    return x->plain;
}

void bench_end(struct bench_set *s)
{
    lac_match_settle(s->scratch);
}

/* Before the first place of a rule with context words: where such words are, found as quickly as
 * can be had. */
static void know_context(struct bench_set *s, size_t rule)
{
    if (s->rules[rule].context_count > 0 && s->scratch->place_to == 0)
        lac_match_places(s->scratch);
}

/* Whether the rule's validator agrees; what follows is then looked for behind it. */
static bool candidate(struct bench_set *s, size_t rule, size_t start, size_t end, bool pattern)
{
    struct lac_match_scratch *x = s->scratch;

    if (!lac_match_passes(x, (uint32_t)rule, lac_str_slice(x->plain, start, end)))
        return false;
    if (pattern && !lac_match_place_fits(x->plain, start, end, s->match->live[rule].secret))
        return false;
    know_context(s, rule);
    if (pattern)
        end = lac_match_whole(x, start, end);
    lac_match_add(x, (uint32_t)rule, lac_match_plain_at(x, start), lac_match_plain_at(x, end));
    return true;
}

void bench_pattern(struct bench_set *s, size_t rule, size_t from, size_t to)
{
    struct lac_match_scratch *x = s->scratch;
    struct lac_match_rule_state *state = lac_match_state(x, (uint32_t)rule);
    size_t start, end;

    if (from < state->resume)
        from = state->resume;
    while (from < to &&
           lac_match_regex_find(bench_program(s, rule), x->plain, from, to, &start, &end)) {
        from = start + 1;
        if (candidate(s, rule, start, end, true)) {
            state->resume = (uint32_t)end;
            from = end;
        }
    }
}

void bench_detector_at(struct bench_set *s, size_t rule, unsigned trigger, size_t end)
{
    struct lac_match_scratch *x = s->scratch;
    struct lac_match_rule_state *state = lac_match_state(x, (uint32_t)rule);
    struct lac_match_span span = {0};
    bool found;

    if (end <= state->resume ||
        (s->parts[rule][trigger] != SIZE_MAX && !begins_part(s, s->parts[rule][trigger], end)))
        return;
    found = s->match->live[rule].detector->verify(x->plain, end, trigger, &span);
    if (span.resume > state->resume)
        state->resume = (uint32_t)span.resume;
    if (found)
        candidate(s, rule, span.start, span.end, false);
}

struct detecting {
    struct bench_set *set;
    size_t rule;
};

static int on_trigger(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                      void *arg)
{
    const struct detecting *d = arg;

    (void)from;
    (void)flags;
    bench_detector_at(d->set, d->rule, id, (size_t)to);
    return 0;
}

bool bench_detect(struct bench_set *s, size_t rule)
{
    struct detecting d = {s, rule};
    struct lac_str plain = s->scratch->plain;

    return hs_scan(s->detect[rule], plain.ptr, (unsigned)plain.len, 0, s->detect_scratch,
                   on_trigger, &d) == HS_SUCCESS;
}

static uint32_t folded_at(const struct lac_match_scratch *x, size_t i)
{
    return x->ascii ? (uint32_t)i : x->folded.map[i];
}

void bench_phrase(struct bench_set *s, size_t rule, struct lac_str phrase, size_t skip, size_t at)
{
    struct lac_match_scratch *x = s->scratch;
    struct lac_str t = lac_match_folded(x);
    size_t start = lac_match_same_to(t, at, lac_str_slice(phrase, 0, skip));
    size_t end = lac_match_same_from(t, at, lac_str_slice(phrase, skip, phrase.len));

    if (start == SIZE_MAX || end == SIZE_MAX || !lac_match_boundary(t, start) ||
        !lac_match_boundary(t, end))
        return;
    know_context(s, rule);
    lac_match_add(x, (uint32_t)rule, folded_at(x, start), folded_at(x, end));
}
