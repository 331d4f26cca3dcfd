/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arms on Vectorscan.
 *
 * naive: one database of all rules as they are written. It reports ends; where a match of a pattern
 * starts is found in the bytes before them.
 *
 * tuned: the same rules as somebody writes them who knows what Vectorscan is good at: literals and
 * short fixed shapes that only say where to look, each once however many rules want it, and no
 * repeats. A rule that counts only near a context word may be looked for around such words, or only
 * in messages with such a word; what is fastest on the corpus is taken.
 */
#include "bench_tier1_vs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"

enum { EXPRESSION_MAX = 2 * LAC_MATCH_REGEX_PATTERN };

/* ---- a database that is put together ---- */

void bench_vs_close(void *ctx)
{
    struct bench_vs *v = ctx;

    if (!v)
        return;
    for (size_t i = 0; i < v->expression_count; i++)
        free(v->expressions[i]);
    for (size_t i = 0; v->rule_keywords && i < v->set->count; i++)
        free(v->rule_keywords[i]);
    hs_free_database(v->db);
    hs_free_scratch(v->scratch);
    free(v->rule_keywords);
    free(v->keywords);
    free(v->keyword_seen);
    free(v->expressions);
    free(v->flags);
    free(v->first);
    free(v->targets);
    free(v->regions);
    free(v->phrase_text);
    free(v);
}

struct bench_vs *bench_vs_new(struct bench_set *s)
{
    struct bench_vs *v = calloc(1, sizeof(*v));
    size_t phrases = 0, bytes = 1;

    if (!v)
        return NULL;
    v->set = s;
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < s->rules[i].phrase_count; k++, phrases++)
            bytes += s->rules[i].phrases[k].len * 11 + 1; /* folding grows a text at most so much */
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < s->rules[i].context_count; k++)
            bytes += s->rules[i].context[k].len * 11 + 1;
    v->expressions = calloc(BENCH_VS_MAX, sizeof(*v->expressions));
    v->flags = calloc(BENCH_VS_MAX, sizeof(*v->flags));
    v->first = calloc(BENCH_VS_MAX, sizeof(*v->first));
    v->targets = calloc(BENCH_VS_MAX, sizeof(*v->targets));
    v->regions = calloc(s->count + 1, sizeof(*v->regions));
    v->keywords = calloc(BENCH_VS_MAX, sizeof(*v->keywords));
    v->keyword_seen = calloc(BENCH_VS_MAX, sizeof(*v->keyword_seen));
    v->rule_keywords = calloc(s->count + 1, sizeof(*v->rule_keywords));
    v->phrase_text = malloc(bytes);
    v->phrase_room = bytes;
    if (v->expressions && v->flags && v->first && v->targets && v->regions && v->phrase_text &&
        v->keywords && v->keyword_seen && v->rule_keywords)
        return v;
    bench_vs_close(v);
    return NULL;
}

/* (?i) is for letters of any script only in expressions that are UTF-8; the others gain nothing. */
static unsigned utf8_if_needed(const char *expression)
{
    for (const char *at = expression; *at; at++)
        if ((unsigned char)*at >= 0x80)
            return HS_FLAG_UTF8;
    return 0;
}

/* An expression that others may want too; all who want it are told of its matches. */
static bool add(struct bench_vs *v, const char *expression, unsigned flags, struct bench_target t)
{
    size_t i = 0;

    flags |= utf8_if_needed(expression);
    while (i < v->expression_count &&
           (v->flags[i] != flags || strcmp(v->expressions[i], expression) != 0))
        i++;
    if (i == BENCH_VS_MAX || v->target_count + 1 >= BENCH_VS_MAX)
        return false;
    if (i == v->expression_count) {
        v->expressions[i] = strdup(expression);
        if (!v->expressions[i])
            return false;
        v->flags[i] = flags;
        v->expression_count++;
    }
    t.next = v->first[i];
    v->targets[++v->target_count] = t; /* the first is none: 0 ends a list */
    v->first[i] = (uint32_t)v->target_count;
    return true;
}

static bool compile(struct bench_vs *v)
{
    unsigned *ids = calloc(v->expression_count + 1, sizeof(*ids));
    hs_compile_error_t *why = NULL;
    bool ok;

    for (size_t i = 0; ids && i < v->expression_count; i++)
        ids[i] = (unsigned)i;
    ok = ids && hs_compile_multi((const char *const *)v->expressions, v->flags, ids,
                                 (unsigned)v->expression_count, HS_MODE_BLOCK, NULL, &v->db,
                                 &why) == HS_SUCCESS;
    if (!ok)
        fprintf(stderr, "tier1: %s: %s\n",
                why && why->expression >= 0 ? v->expressions[why->expression] : "the database",
                why ? why->message : "no memory");
    hs_free_compile_error(why);
    free(ids);
    return ok && hs_alloc_scratch(v->db, &v->scratch) == HS_SUCCESS;
}

/* ---- texts as expressions ---- */

static void put_char(char *out, size_t *n, char c)
{
    if (*n + 8 < EXPRESSION_MAX)
        *n += (size_t)sprintf(out + *n, "\\x%02x", (unsigned char)c);
}

static void put_text(char *out, size_t *n, const char *text)
{
    size_t len = strlen(text);

    LAC_ASSERT(*n + len < EXPRESSION_MAX);
    memcpy(out + *n, text, len + 1);
    *n += len;
}

/* A folded text: any run of separators for a blank. */
static void put_folded(char *out, size_t *n, struct lac_str text)
{
    out[*n] = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == ' ')
            put_text(out, n, "[\\x00-\\x20\\x7f_-]+");
        else
            put_char(out, n, text.ptr[i]);
    }
}

struct lac_str bench_vs_fold(struct bench_vs *v, struct lac_str text)
{
    struct lac_str out = {v->phrase_text + v->phrase_used, 0};

    out.len =
        lac_match_fold(v->phrase_text + v->phrase_used, v->phrase_room - v->phrase_used, text);
    LAC_ASSERT(out.len != SIZE_MAX);
    v->phrase_used += out.len;
    while (out.len > 0 && out.ptr[0] == ' ')
        out.ptr++, out.len--;
    while (out.len > 0 && out.ptr[out.len - 1] == ' ')
        out.len--;
    return out;
}

/* ---- what is told of a match ---- */

/* Whether one of the words that the rule needs is in the message, as far as that is known. */
static bool may_count(const struct bench_vs *v, size_t rule)
{
    const uint32_t *k = v->rule_keywords[rule];

    if (!k)
        return true;
    while (*k && !v->keywords[*k - 1].seen)
        k++;
    return *k != 0;
}

static void flush_region(struct bench_vs *v, size_t rule)
{
    struct bench_region *r = &v->regions[rule];

    if (r->open && may_count(v, rule))
        bench_pattern(v->set, rule, r->from, r->to);
    r->open = false;
}

static void note_region(struct bench_vs *v, size_t rule, size_t from, size_t to)
{
    struct bench_region *r = &v->regions[rule];

    /* Whether a word is there is known at the end: such a rule has one region. */
    if (r->open && from > r->to && !v->rule_keywords[rule])
        flush_region(v, rule);
    if (!r->open) {
        *r = (struct bench_region){from, to, true, r->listed};
        if (!r->listed)
            v->listed[v->listed_count++] = (uint32_t)rule;
        r->listed = true;
        return;
    }
    r->to = to > r->to ? to : r->to;
    r->from = from < r->from ? from : r->from;
}

static void note_all(struct bench_vs *v, size_t rule)
{
    struct bench_region *r = &v->regions[rule];

    if (!r->listed)
        v->listed[v->listed_count++] = (uint32_t)rule;
    r->listed = true;
    r->open = true;
    r->from = 0;
    r->to = SIZE_MAX;
}

static void told(struct bench_vs *v, const struct bench_target *t, size_t to)
{
    if (t->in_folded ? !v->folded_now : !v->plain_now)
        return;
    switch (t->kind) {
    case BENCH_WRITTEN: /* a detector's */
        note_all(v, t->rule);
        break;
    case BENCH_TRIGGER:
        bench_detector_at(v->set, t->rule, t->index, to);
        break;
    case BENCH_START:
        note_region(v, t->rule, to > t->back_max ? to - t->back_max : 0,
                    to >= t->back_min ? to - t->back_min + 1 : 0);
        break;
    case BENCH_KEYWORD:
        if (!v->keywords[t->index].seen)
            v->keyword_seen[v->seen_count++] = t->index;
        v->keywords[t->index].seen = true;
        break;
    case BENCH_PHRASE:
        if (to >= t->back_min)
            bench_phrase(v->set, t->rule, t->phrase, t->back_max, to - t->back_min);
        break;
    default:
        if (!v->plain_now) { /* the places of another view */
            note_region(v, t->rule, 0, SIZE_MAX);
            break;
        }
        note_region(v, t->rule, to > t->back_max ? to - t->back_max : 0, to + t->back_min);
        break;
    }
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *arg)
{
    struct bench_vs *v = arg;

    (void)from;
    (void)flags;
    for (uint32_t i = v->first[id]; i; i = v->targets[i].next)
        told(v, &v->targets[i], (size_t)to);
    return 0;
}

static bool scan_text(struct bench_vs *v, struct lac_str text, bool plain, bool folded)
{
    v->plain_now = plain;
    v->folded_now = folded;
    return text.len == 0 ||
           hs_scan(v->db, text.ptr, (unsigned)text.len, 0, v->scratch, on_match, v) == HS_SUCCESS;
}

bool bench_vs_scan(void *ctx, struct lac_str message)
{
    struct bench_vs *v = ctx;
    struct lac_str folded, plain = bench_begin(v->set, message, &folded);
    bool same = plain.ptr == folded.ptr;
    bool ok = scan_text(v, plain, true, same);

    if (ok && !same)
        ok = scan_text(v, folded, false, true);
    for (size_t i = 0; i < v->listed_count; i++) {
        size_t rule = v->listed[i];

        if (v->set->rules[rule].detector.len > 0)
            ok = bench_detect(v->set, rule) && ok;
        else
            flush_region(v, rule);
        v->regions[rule].open = v->regions[rule].listed = false;
    }
    v->listed_count = 0;
    while (v->seen_count > 0)
        v->keywords[v->keyword_seen[--v->seen_count]].seen = false;
    bench_end(v->set);
    return ok;
}

/* ---- naive ---- */

static bool naive_rule(struct bench_vs *v, size_t rule)
{
    const struct lac_match_rule *r = &v->set->rules[rule];
    struct bench_target t = {.rule = (uint32_t)rule};
    char text[EXPRESSION_MAX];
    const char *written;

    for (unsigned i = 0; r->detector.len > 0 && (written = bench_written(r->detector, i)); i++) {
        t.kind = BENCH_WRITTEN;
        if (!add(v, written, 0, t))
            return false;
    }
    if (r->pattern.len > 0) {
        (void)snprintf(text, sizeof(text), "%.*s", LAC_STR_FMT(r->pattern));
        t.kind = BENCH_START;
        t.back_max = v->set->info[rule].max_width;
        t.back_min = v->set->info[rule].min_width;
        return add(v, text, 0, t);
    }
    for (size_t i = 0; i < r->phrase_count; i++) {
        size_t n = 0;

        t.kind = BENCH_PHRASE;
        t.in_folded = true;
        t.phrase = bench_vs_fold(v, r->phrases[i]);
        t.back_min = 0;
        t.back_max = (uint32_t)t.phrase.len;
        put_folded(text, &n, t.phrase);
        if (!add(v, text, HS_FLAG_CASELESS, t))
            return false;
    }
    return true;
}

bool bench_arm_naive(struct bench_arm *a, struct bench_set *s)
{
    struct bench_vs *v = bench_vs_new(s);
    bool ok = v != NULL;

    *a = (struct bench_arm){"one Vectorscan database of the rules as written", bench_vs_scan,
                            bench_vs_close, v, s};
    for (size_t i = 0; ok && i < s->count; i++)
        ok = naive_rule(v, i);
    return ok && compile(v);
}

/* ---- tuned ---- */

/* The longest word of a folded text: what is rare enough to be looked for. */
static struct lac_str longest_word(struct lac_str text, size_t *at)
{
    struct lac_str best = {text.ptr, 0};

    for (size_t i = 0; i < text.len;) {
        size_t end = i;

        while (end < text.len && text.ptr[end] != ' ')
            end++;
        if (end - i > best.len) {
            best = lac_str_slice(text, i, end);
            *at = i;
        }
        i = end + 1;
    }
    return best;
}

/* Words of less than so many letters are in every other text: then the phrase as a whole. */
enum { WORD_RARE = 5, KEYWORD_RARE = 4 };

static bool tuned_phrase(struct bench_vs *v, size_t rule, struct lac_str phrase)
{
    struct bench_target t = {.rule = (uint32_t)rule, .kind = BENCH_PHRASE, .in_folded = true};
    char text[EXPRESSION_MAX];
    size_t n = 0, at = 0;
    struct lac_str folded = bench_vs_fold(v, phrase), word = longest_word(folded, &at);

    t.phrase = folded;
    if (word.len < WORD_RARE) {
        t.back_max = (uint32_t)folded.len;
        put_folded(text, &n, folded);
    } else {
        t.back_min = (uint32_t)word.len;
        t.back_max = (uint32_t)at;
        put_folded(text, &n, word);
    }
    return add(v, text, HS_FLAG_CASELESS, t);
}

/* All prefixes have three bytes and more. */
static bool has_prefixes(const struct lac_match_regex_info *info)
{
    for (size_t i = 0; i < info->prefix_count; i++)
        if (info->prefix[i].len < 3)
            return false;
    return info->prefix_count > 0;
}

static bool tuned_prefixes(struct bench_vs *v, size_t rule)
{
    const struct lac_match_regex_info *info = &v->set->info[rule];

    for (size_t i = 0; i < info->prefix_count; i++) {
        const struct lac_match_regex_prefix *p = &info->prefix[i];
        struct bench_target t = {.rule = (uint32_t)rule, .kind = BENCH_START};
        char text[EXPRESSION_MAX];
        size_t n = 0;

        t.back_min = t.back_max = p->len;
        put_text(text, &n, info->word_start ? "\\b" : "");
        for (size_t k = 0; k < p->len; k++)
            put_char(text, &n, p->text[k]);
        if (!add(v, text, info->prefix_nocase ? HS_FLAG_CASELESS : 0, t))
            return false;
    }
    return true;
}

static bool tuned_inner(struct bench_vs *v, size_t rule)
{
    const struct lac_match_regex_info *info = &v->set->info[rule];
    struct bench_target t = {.rule = (uint32_t)rule, .kind = BENCH_START};
    char text[EXPRESSION_MAX];
    size_t n = 0;

    t.back_min = info->inner_min + info->inner_len;
    t.back_max = info->inner_max + info->inner_len;
    for (size_t k = 0; k < info->inner_len; k++)
        put_char(text, &n, info->inner[k]);
    return add(v, text, info->inner_nocase ? HS_FLAG_CASELESS : 0, t);
}

static void put_run(char *out, size_t *n, char kind, unsigned count)
{
    const char *set = kind == '0' ? "[0-9]" : kind == 'a' ? "[A-Za-z]" : "[0-9A-Za-z]";

    if (count > 0)
        *n += (size_t)sprintf(out + *n, count > 1 ? "%s{%u}" : "%s", set, count);
}

/* The token that a match begins with, and the byte behind. */
static bool tuned_shape(struct bench_vs *v, size_t rule, const struct lac_match_regex_shape *s)
{
    struct bench_target t = {.rule = (uint32_t)rule, .kind = BENCH_START};
    char text[EXPRESSION_MAX], last = 0;
    unsigned run = 0;
    size_t n = 0;

    put_text(text, &n, "\\b");
    for (unsigned i = 0; i < s->len; i++) {
        char kind = "xa0"[s->digits >> i & 1 ? 2 : s->alphas >> i & 1];

        if (kind != last) {
            put_run(text, &n, last, run);
            run = 0;
        }
        last = kind;
        run++;
    }
    put_run(text, &n, last, run);
    if (!s->longer)
        put_text(text, &n, "(?:[^0-9A-Za-z]|$)");
    t.back_min = s->len;
    t.back_max = s->len + !s->longer; /* the end may be before that byte or behind it */
    return add(v, text, HS_FLAG_DOTALL, t);
}

static bool tuned_shapes(struct bench_vs *v, size_t rule)
{
    const struct lac_match_regex_info *info = &v->set->info[rule];

    for (size_t i = 0; i < info->shape_count; i++)
        if (!tuned_shape(v, rule, &info->shape[i]))
            return false;
    return true;
}

static bool needs_context(const struct lac_match_rule *r)
{
    return r->context_count > 0 && (r->context_boost == 0 || r->score < LAC_MATCH_SCORE_COUNTS);
}

/* Around each of the rule's context words. */
static bool tuned_context(struct bench_vs *v, size_t rule)
{
    const struct lac_match_rule *r = &v->set->rules[rule];

    for (size_t i = 0; i < r->context_count; i++) {
        struct bench_target t = {.rule = (uint32_t)rule, .kind = BENCH_AROUND, .in_folded = true};
        struct lac_str folded = bench_vs_fold(v, r->context[i]), word;
        char text[EXPRESSION_MAX];
        size_t n = 0, at = 0;

        word = longest_word(folded, &at);
        t.back_max =
            (uint32_t)(word.len + folded.len + r->context_window + v->set->info[rule].max_width);
        t.back_min = (uint32_t)(folded.len + r->context_window);
        put_folded(text, &n, word);
        if (!add(v, text, HS_FLAG_CASELESS, t))
            return false;
    }
    return true;
}

/* The index of a context word, which is looked for from now on; SIZE_MAX: failed. */
static size_t keyword(struct bench_vs *v, struct lac_str word)
{
    struct bench_target t = {.kind = BENCH_KEYWORD, .in_folded = true};
    char text[EXPRESSION_MAX];
    size_t i = 0, n = 0;

    while (i < v->keyword_count && !lac_str_eq(v->keywords[i].word, word))
        i++;
    if (i < v->keyword_count)
        return i;
    v->keywords[v->keyword_count++].word = word;
    t.index = (uint32_t)i;
    put_text(text, &n, word.len < KEYWORD_RARE ? "(?:^|[^a-z0-9])" : "");
    put_folded(text, &n, word);
    put_text(text, &n, word.len < KEYWORD_RARE ? "(?:[^a-z0-9]|$)" : "");
    return add(v, text, HS_FLAG_CASELESS | HS_FLAG_DOTALL, t) ? i : SIZE_MAX;
}

static bool tuned_gate(struct bench_vs *v, size_t rule)
{
    const struct lac_match_rule *r = &v->set->rules[rule];
    uint32_t *list = calloc(r->context_count + 1, sizeof(*list));

    v->rule_keywords[rule] = list;
    for (size_t i = 0; list && i < r->context_count; i++) {
        size_t at = 0;
        size_t k = keyword(v, longest_word(bench_vs_fold(v, r->context[i]), &at));

        if (k == SIZE_MAX)
            return false;
        list[i] = (uint32_t)k + 1;
    }
    return list != NULL;
}

static bool tuned_pattern(struct bench_vs *v, size_t rule, enum bench_tuning how)
{
    const struct lac_match_rule *r = &v->set->rules[rule];
    const struct lac_match_regex_info *info = &v->set->info[rule];
    bool narrow = info->inner_max - info->inner_min <= 64;

    if (has_prefixes(info))
        return tuned_prefixes(v, rule);
    if (info->inner_len >= 3 && narrow)
        return tuned_inner(v, rule);
    if (how == BENCH_AROUND_WORDS && needs_context(r))
        return tuned_context(v, rule);
    if (how == BENCH_GATED && needs_context(r) && !tuned_gate(v, rule))
        return false;
    if (info->shape_count > 0)
        return tuned_shapes(v, rule);
    return naive_rule(v, rule);
}

static bool tuned_rule(struct bench_vs *v, size_t rule, enum bench_tuning how)
{
    const struct lac_match_rule *r = &v->set->rules[rule];
    const char *trigger;

    if (r->pattern.len > 0)
        return tuned_pattern(v, rule, how);
    for (size_t i = 0; i < r->phrase_count; i++)
        if (!tuned_phrase(v, rule, r->phrases[i]))
            return false;
    if (r->detector.len == 0)
        return true;
    for (unsigned i = 0; (trigger = bench_trigger(r->detector, i)); i++) {
        struct bench_target t = {.rule = (uint32_t)rule, .kind = BENCH_TRIGGER, .index = i};

        if (!add(v, trigger, 0, t))
            return false;
    }
    return true;
}

bool bench_arm_tuned(struct bench_arm *a, struct bench_set *s, enum bench_tuning how)
{
    static const char *const names[] = {"the same rules tuned for Vectorscan: shapes",
                                        "the same rules tuned for Vectorscan: around words",
                                        "the same rules tuned for Vectorscan: shapes, if a word"};
    struct bench_vs *v = bench_vs_new(s);
    bool ok = v != NULL;

    *a = (struct bench_arm){names[how], bench_vs_scan, bench_vs_close, v, s};
    for (size_t i = 0; ok && i < s->count; i++)
        ok = tuned_rule(v, i, how);
    return ok && compile(v);
}
