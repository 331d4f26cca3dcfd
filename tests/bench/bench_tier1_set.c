/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arm on RE2::Set: all rules as they are written at once, then those that match are looked for
 * with the same code as in the other arms. Messages that are not ASCII are read twice, as both of
 * their views.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_tier1.h"
#include "bench_tier1_re2.h"
#include "lac_compiler.h"

enum { EXPRESSION_MAX = 2 * LAC_MATCH_REGEX_PATTERN, PATTERNS_MAX = 16384, PHRASES_MAX = 16384 };

/* Whose an expression is. */
struct owner {
    uint32_t rule;
    struct lac_str phrase; /* folded; ptr NULL: a pattern or a detector */
};

struct arm {
    struct bench_set *set;
    struct bench_re2 *patterns, *phrases;
    struct owner *of_pattern, *of_phrase;
    size_t pattern_count, phrase_count;
    char *text;
    size_t text_used, text_room;
};

static void arm_free(void *ctx)
{
    struct arm *a = ctx;

    if (!a)
        return;
    bench_re2_free(a->patterns);
    bench_re2_free(a->phrases);
    free(a->of_pattern);
    free(a->of_phrase);
    free(a->text);
    free(a);
}

/* Where the phrase's first byte may be: all places are tried. */
static void find_phrase(struct bench_set *s, const struct owner *o, struct lac_str folded)
{
    unsigned char first = (unsigned char)o->phrase.ptr[0];

    for (size_t i = 0; i < folded.len; i++) {
        unsigned char c = (unsigned char)folded.ptr[i];

        if (c == first || ((unsigned)c - 'A' < 26 && (c | 0x20) == first))
            bench_phrase(s, o->rule, o->phrase, 0, i);
    }
}

static bool scan_patterns(struct arm *a, struct lac_str plain)
{
    size_t count;
    const int *ids = bench_re2_match(a->patterns, plain.ptr, plain.len, &count);

    for (size_t i = 0; ids && i < count; i++) {
        size_t rule = a->of_pattern[ids[i]].rule;

        if (a->set->rules[rule].pattern.len > 0)
            bench_pattern(a->set, rule, 0, SIZE_MAX);
        else if (!bench_detect(a->set, rule))
            return false;
    }
    return ids != NULL;
}

static bool scan_phrases(struct arm *a, struct lac_str folded)
{
    size_t count;
    const int *ids = bench_re2_match(a->phrases, folded.ptr, folded.len, &count);

    for (size_t i = 0; ids && i < count; i++)
        find_phrase(a->set, &a->of_phrase[ids[i]], folded);
    return ids != NULL;
}

static bool scan(void *ctx, struct lac_str message)
{
    struct arm *a = ctx;
    struct lac_str folded, plain = bench_begin(a->set, message, &folded);
    bool ok = scan_patterns(a, plain) && scan_phrases(a, folded);

    bench_end(a->set);
    return ok;
}

/* ---- opening ---- */

static bool add(struct bench_re2 *set, const struct lac_match_rule *r, const char *text, size_t len)
{
    char why[256];

    if (bench_re2_add(set, text, len, why, sizeof(why)))
        return true;
    fprintf(stderr, "tier1.re2: %.*s: %s\n", LAC_STR_FMT(r->id), why);
    return false;
}

/* Folded, any run of separators for a blank, in either case. */
static size_t phrase_text(char *out, struct lac_str phrase)
{
    size_t n = (size_t)sprintf(out, "(?i)");

    for (size_t i = 0; i < phrase.len; i++) {
        if (phrase.ptr[i] == ' ')
            n += (size_t)sprintf(out + n, "[\\x00-\\x20\\x7f_-]+");
        else
            n += (size_t)sprintf(out + n, "\\x%02x", (unsigned char)phrase.ptr[i]);
    }
    return n;
}

static bool add_phrases(struct arm *a, size_t rule)
{
    const struct lac_match_rule *r = &a->set->rules[rule];

    for (size_t i = 0; i < r->phrase_count; i++) {
        struct lac_str p = {a->text + a->text_used, 0};
        char text[EXPRESSION_MAX];

        p.len = lac_match_fold(a->text + a->text_used, a->text_room - a->text_used, r->phrases[i]);
        if (p.len == SIZE_MAX || a->phrase_count == PHRASES_MAX)
            return false;
        a->text_used += p.len;
        while (p.len > 0 && p.ptr[p.len - 1] == ' ')
            p.len--;
        while (p.len > 0 && p.ptr[0] == ' ')
            p.ptr++, p.len--;
        a->of_phrase[a->phrase_count++] = (struct owner){(uint32_t)rule, p};
        if (!add(a->phrases, r, text, phrase_text(text, p)))
            return false;
    }
    return true;
}

/* The set reads bytes, so that (?i) is for ASCII alone: a small letter of Latin-1, which has two
 * bytes, becomes a choice of both cases. Returns the new length; SIZE_MAX: no room. */
static size_t both_cases(char *out, struct lac_str text)
{
    bool in_class = false, nocase = text.len > 4 && memcmp(text.ptr, "(?i)", 4) == 0;
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        unsigned char d = i + 1 < text.len ? (unsigned char)text.ptr[i + 1] : 0;

        if (n + 16 > EXPRESSION_MAX)
            return SIZE_MAX;
        if (nocase && !in_class && c == 0xc3 && d >= 0xa0 && d <= 0xbe && d != 0xb7) {
            n += (size_t)sprintf(out + n, "(?:%c%c|%c%c)", c, d, c, d - 0x20);
            i++;
            continue;
        }
        out[n++] = (char)c;
        if (c == '\\')
            out[n++] = text.ptr[++i];
        else if (c == '[' || c == ']')
            in_class = c == '[';
    }
    return n;
}

static bool add_pattern(struct arm *a, size_t rule, struct lac_str text)
{
    char spelled[EXPRESSION_MAX];
    size_t n = both_cases(spelled, text);

    if (n == SIZE_MAX || a->pattern_count == PATTERNS_MAX)
        return false;
    a->of_pattern[a->pattern_count++] = (struct owner){.rule = (uint32_t)rule};
    return add(a->patterns, &a->set->rules[rule], spelled, n);
}

static bool add_rule(struct arm *a, size_t rule)
{
    const struct lac_match_rule *r = &a->set->rules[rule];
    struct lac_str text = r->pattern;
    const char *written;

    if (r->phrase_count > 0)
        return add_phrases(a, rule);
    if (text.len > 0)
        return add_pattern(a, rule, text);
    for (unsigned i = 0; (written = bench_written(r->detector, i)); i++)
        if (!add_pattern(a, rule, lac_str_from(written)))
            return false;
    return true;
}

bool bench_arm_re2(struct bench_arm *out, struct bench_set *s)
{
    struct arm *a = calloc(1, sizeof(*a));
    bool ok;

    *out = (struct bench_arm){"RE2::Set of the rules as written", scan, arm_free, a, s};
    if (!a)
        return false;
    a->set = s;
    a->patterns = bench_re2_new();
    a->phrases = bench_re2_new();
    a->of_pattern = calloc(PATTERNS_MAX, sizeof(*a->of_pattern));
    a->of_phrase = calloc(PHRASES_MAX, sizeof(*a->of_phrase));
    a->text_room = (size_t)PHRASES_MAX * LAC_MATCH_PHRASE_BYTES;
    a->text = malloc(a->text_room);
    ok = a->patterns && a->phrases && a->of_pattern && a->of_phrase && a->text;
    for (size_t i = 0; ok && i < s->count; i++)
        ok = add_rule(a, i);
    return ok && bench_re2_compile(a->patterns) && bench_re2_compile(a->phrases);
}
