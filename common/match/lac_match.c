/* SPDX-License-Identifier: Apache-2.0 */
/* Turns rules into two databases and the tables that say whose a match is. */
#include "lac_match_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Folding grows a text at most this much: U+FDFA, 3 bytes, becomes 33. */
enum { FOLD_GROWTH = 11, PHRASE_MIN = 2 };

/* ---- folded texts ---- */

static size_t texts_bytes(const struct lac_str *texts, size_t count)
{
    size_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += texts[i].len * FOLD_GROWTH + 1;
    return sum;
}

static enum lac_status text_open(struct lac_match *m, struct lac_err *err)
{
    size_t size = 1;

    for (size_t i = 0; i < m->count; i++) {
        const struct lac_match_rule *r = &m->rules[i];

        m->phrase_count += r->phrase_count;
        size += texts_bytes(r->phrases, r->phrase_count) + texts_bytes(r->except, r->except_count) +
                texts_bytes(r->allow, r->allow_count) + texts_bytes(r->context, r->context_count);
    }
    if (m->phrase_count > LAC_MATCH_PHRASE_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "%zu phrases are more than %d", m->phrase_count,
                           LAC_MATCH_PHRASE_MAX);
    m->text = malloc(size);
    m->text_size = size;
    m->phrases = calloc(m->phrase_count + 1, sizeof(*m->phrases));
    m->phrase_text = calloc(m->phrase_count + 1, sizeof(*m->phrase_text));
    m->phrase_len = calloc(m->phrase_count + 1, sizeof(*m->phrase_len));
    m->phrase_count = 0;
    if (!m->text || !m->phrases || !m->phrase_text || !m->phrase_len)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for the phrases");
    return LAC_OK;
}

/* Folds into the set's own memory. */
static struct lac_str fold(struct lac_match *m, struct lac_str text)
{
    struct lac_str out = {m->text + m->text_used, 0};

    out.len = lac_match_fold(m->text + m->text_used, m->text_size - m->text_used, text);
    if (out.len == SIZE_MAX)
        return LAC_STR_NULL;
    m->text_used += out.len;
    return out;
}

static struct lac_str trim(struct lac_str s)
{
    if (!s.ptr)
        return LAC_STR("");
    while (s.len > 0 && s.ptr[0] == ' ')
        s.ptr++, s.len--;
    while (s.len > 0 && s.ptr[s.len - 1] == ' ')
        s.len--;
    return s;
}

static enum lac_status fold_phrase(struct lac_match *m, struct lac_str text, struct lac_str *out,
                                   struct lac_err *err)
{
    *out = trim(fold(m, text));
    if (out->len < PHRASE_MIN)
        return lac_err_set(err, LAC_REJECT, 0,
                           "'%.*s' is too short to be found: two letters at least",
                           LAC_STR_FMT(text));
    if (out->len > LAC_MATCH_PHRASE_BYTES)
        return lac_err_set(err, LAC_REJECT, 0, "'%.40s...' is longer than %d bytes", text.ptr,
                           LAC_MATCH_PHRASE_BYTES);
    return LAC_OK;
}

static enum lac_status fold_around(struct lac_match *m, const struct lac_str *texts, size_t count,
                                   bool star_needed, struct lac_match_around **out,
                                   struct lac_err *err)
{
    *out = calloc(count + 1, sizeof(**out));
    if (!*out)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for exceptions");
    for (size_t i = 0; i < count; i++) {
        struct lac_str t = texts[i];
        bool inside = !star_needed && t.len > 2 && t.ptr[0] == '*' && t.ptr[t.len - 1] == '*';
        const char *star = t.len ? memchr(t.ptr, '*', t.len) : NULL;
        size_t before = star ? (size_t)(star - t.ptr) : t.len;
        struct lac_match_around *a = &(*out)[i];

        if (!star && star_needed)
            return lac_err_set(err, LAC_REJECT, 0,
                               "exception '%.*s' needs a '*' where the hit stands", LAC_STR_FMT(t));
        if (inside) {
            a->inside = true;
            a->before = trim(fold(m, (struct lac_str){t.ptr + 1, t.len - 2}));
            a->after = LAC_STR("");
            if (a->before.len == 0)
                return lac_err_set(err, LAC_REJECT, 0, "'%.*s' would hold for every hit",
                                   LAC_STR_FMT(t));
            continue;
        }
        a->star = star != NULL;
        a->before = fold(m, (struct lac_str){t.ptr, before});
        a->after = star ? fold(m, (struct lac_str){star + 1, t.len - before - 1}) : LAC_STR("");
        if (!a->before.ptr || !a->after.ptr || a->before.len + a->after.len == 0)
            return lac_err_set(err, LAC_REJECT, 0, "'%.*s' would hold for every hit",
                               LAC_STR_FMT(t));
    }
    return LAC_OK;
}

static enum lac_status fold_context(struct lac_match *m, const struct lac_match_rule *r,
                                    struct lac_str **out, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    if (r->context_count == 0)
        return LAC_OK;
    if (r->context_window == 0 || r->context_window > LAC_MATCH_WINDOW_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "a context window is 1 to %d bytes",
                           LAC_MATCH_WINDOW_MAX);
    *out = calloc(r->context_count, sizeof(**out));
    if (!*out)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for context words");
    for (size_t i = 0; i < r->context_count && status == LAC_OK; i++)
        status = fold_phrase(m, r->context[i], &(*out)[i], err);
    return status;
}

/* ---- one rule ---- */

static void add_trigger(struct lac_match *m, size_t rule, size_t index, const char *expression,
                        unsigned flags)
{
    m->triggers[m->trigger_count] = (struct lac_match_trigger){(uint32_t)rule, (uint32_t)index};
    m->trigger_text[m->trigger_count] = expression;
    m->trigger_flags[m->trigger_count] = flags;
    m->trigger_ids[m->trigger_count] = (unsigned)m->trigger_count;
    m->trigger_count++;
}

static bool has_high_bytes(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return true;
    return false;
}

/* A pattern joins the others to find its ends, and stands alone to find its starts. */
static enum lac_status add_pattern(struct lac_match *m, size_t rule, struct lac_err *err)
{
    struct lac_match_compiled_rule *c = &m->compiled[rule];
    struct lac_str pattern = m->rules[rule].pattern;
    hs_compile_error_t *why = NULL;
    hs_expr_info_t *info = NULL;
    unsigned flags;
    unsigned width;

    if (memchr(pattern.ptr, 0, pattern.len))
        return lac_err_set(err, LAC_REJECT, 0, "the pattern holds a NUL byte");
    c->pattern_text = lac_str_dup(pattern);
    if (!c->pattern_text)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for a pattern");
    flags = has_high_bytes(c->pattern_text) ? HS_FLAG_UTF8 : 0;
    if (hs_expression_info(c->pattern_text, flags, &info, &why) != HS_SUCCESS)
        goto bad;
    width = info->max_width;
    free(info);
    if (width > LAC_MATCH_PATTERN_WIDTH)
        return lac_err_set(err, LAC_REJECT, 0,
                           "the pattern can match more than %d bytes: bound its repeats with "
                           "{min,max} instead of * and +",
                           LAC_MATCH_PATTERN_WIDTH);
    if (hs_compile(c->pattern_text, flags | HS_FLAG_SOM_LEFTMOST, HS_MODE_BLOCK, NULL, &c->pattern,
                   &why) != HS_SUCCESS)
        goto bad;
    c->pattern_width = width;
    add_trigger(m, rule, 0, c->pattern_text, flags);
    return LAC_OK;
bad:
    lac_err_set(err, LAC_REJECT, 0, "the pattern does not compile: %s",
                why ? why->message : "unknown");
    hs_free_compile_error(why);
    return LAC_REJECT;
}

static enum lac_status add_phrases(struct lac_match *m, size_t rule, struct lac_err *err)
{
    const struct lac_match_rule *r = &m->rules[rule];

    for (size_t i = 0; i < r->phrase_count; i++) {
        struct lac_str phrase;
        enum lac_status status = fold_phrase(m, r->phrases[i], &phrase, err);
        size_t n = m->phrase_count;

        if (status != LAC_OK)
            return status;
        m->phrases[n] = (struct lac_match_phrase){(uint32_t)rule, (uint32_t)phrase.len};
        m->phrase_text[n] = phrase.ptr;
        m->phrase_len[n] = phrase.len;
        m->phrase_count++;
    }
    return LAC_OK;
}

static enum lac_status check_rule(const struct lac_match_rule *r, struct lac_err *err)
{
    int ways = (r->detector.len > 0) + (r->pattern.len > 0) + (r->phrase_count > 0);

    if (r->id.len == 0 || r->entity.len == 0)
        return lac_err_set(err, LAC_REJECT, 0, "a rule needs an id and an entity");
    if (ways != 1)
        return lac_err_set(err, LAC_REJECT, 0,
                           "a rule needs exactly one of detector, pattern and phrases");
    if (r->score == 0 || r->score > 1000000)
        return lac_err_set(err, LAC_REJECT, 0, "a score is above 0 and at most 1");
    if (r->strength == LAC_MATCH_ALLOW && r->phrase_count == 0)
        return lac_err_set(err, LAC_REJECT, 0, "an allow rule lists whole texts as phrases");
    if (r->except_count > LAC_MATCH_EXCEPT_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "more than %d exceptions", LAC_MATCH_EXCEPT_MAX);
    if (r->validator.len > 0 && r->pattern.len == 0)
        return lac_err_set(err, LAC_REJECT, 0, "a validator needs a pattern");
    if (r->count > LAC_MATCH_COUNT_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "a count is at most %d", LAC_MATCH_COUNT_MAX);
    for (int t = 0; r->strength != LAC_MATCH_FLOOR && t < LAC_TIER_COUNT; t++)
        if (r->likelihood[t] == 0 || r->likelihood[t] > 1000000)
            return lac_err_set(err, LAC_REJECT, 0, "likelihoods are above 0 and at most 1");
    return LAC_OK;
}

static enum lac_status add_rule(struct lac_match *m, size_t rule, struct lac_err *err)
{
    const struct lac_match_rule *r = &m->rules[rule];
    struct lac_match_compiled_rule *c = &m->compiled[rule];
    enum lac_status status = check_rule(r, err);

    if (status == LAC_OK)
        status = fold_around(m, r->except, r->except_count, true, &c->except, err);
    if (status == LAC_OK)
        status = fold_around(m, r->allow, r->allow_count, false, &c->allow, err);
    if (status == LAC_OK)
        status = fold_context(m, r, &c->context, err);
    if (status == LAC_OK && r->validator.len > 0) {
        c->validate = lac_match_validator_find(r->validator);
        if (!c->validate)
            return lac_err_set(err, LAC_REJECT, 0, "there is no validator '%.*s'",
                               LAC_STR_FMT(r->validator));
    }
    if (status == LAC_OK && r->pattern.len > 0)
        status = add_pattern(m, rule, err);
    if (status == LAC_OK && r->phrase_count > 0)
        status = add_phrases(m, rule, err);
    if (status != LAC_OK || r->detector.len == 0)
        return status;
    c->detector = lac_match_detector_find(r->detector);
    if (!c->detector)
        return lac_err_set(err, LAC_REJECT, 0, "there is no detector '%.*s'",
                           LAC_STR_FMT(r->detector));
    for (size_t i = 0; i < LAC_MATCH_TRIGGER_MAX && c->detector->triggers[i]; i++)
        add_trigger(m, rule, i, c->detector->triggers[i], 0);
    return LAC_OK;
}

/* ---- the set ---- */

static enum lac_status tables_open(struct lac_match *m, struct lac_err *err)
{
    size_t most = m->count * LAC_MATCH_TRIGGER_MAX + 1;

    m->compiled = calloc(m->count + 1, sizeof(*m->compiled));
    m->triggers = calloc(most, sizeof(*m->triggers));
    m->trigger_text = calloc(most, sizeof(*m->trigger_text));
    m->trigger_flags = calloc(most, sizeof(*m->trigger_flags));
    m->trigger_ids = calloc(most, sizeof(*m->trigger_ids));
    if (!m->compiled || !m->triggers || !m->trigger_text || !m->trigger_flags || !m->trigger_ids)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for %zu rules", m->count);
    return text_open(m, err);
}

static enum lac_status compile_failed(hs_compile_error_t *why, const char *what,
                                      struct lac_err *err)
{
    lac_err_set(err, LAC_FATAL, 0, "match: the %s do not compile: %s", what,
                why ? why->message : "unknown");
    hs_free_compile_error(why);
    return LAC_FATAL;
}

static enum lac_status compile(struct lac_match *m, struct lac_err *err)
{
    hs_compile_error_t *why = NULL;
    unsigned *numbers;
    hs_error_t rc;

    if (m->trigger_count > 0 && hs_compile_multi(m->trigger_text, m->trigger_flags, m->trigger_ids,
                                                 (unsigned)m->trigger_count, HS_MODE_BLOCK, NULL,
                                                 &m->plain, &why) != HS_SUCCESS)
        return compile_failed(why, "patterns", err);
    if (m->phrase_count == 0)
        return LAC_OK;
    numbers = calloc(m->phrase_count * 2, sizeof(*numbers)); /* flags, all 0, then ids */
    if (!numbers)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "match: no memory for the phrases");
    for (size_t i = 0; i < m->phrase_count; i++)
        numbers[m->phrase_count + i] = (unsigned)i;
    rc = hs_compile_lit_multi(m->phrase_text, numbers, numbers + m->phrase_count, m->phrase_len,
                              (unsigned)m->phrase_count, HS_MODE_BLOCK, NULL, &m->folded, &why);
    free(numbers);
    return rc == HS_SUCCESS ? LAC_OK : compile_failed(why, "phrases", err);
}

/* What only compiling needed. */
static void tables_trim(struct lac_match *m)
{
    free(m->trigger_text);
    free(m->trigger_flags);
    free(m->trigger_ids);
    free(m->phrase_text);
    free(m->phrase_len);
    m->trigger_text = NULL;
    m->trigger_flags = NULL;
    m->trigger_ids = NULL;
    m->phrase_text = NULL;
    m->phrase_len = NULL;
}

enum lac_status lac_match_open(struct lac_match **out, const struct lac_match_rule *rules,
                               size_t count, size_t *bad_rule, struct lac_err *err)
{
    struct lac_match *m;
    enum lac_status status;

    if (bad_rule)
        *bad_rule = SIZE_MAX;
    if (hs_valid_platform() != HS_SUCCESS)
        return lac_err_set(err, LAC_FATAL, 0, "match: this processor lacks SSSE3");
    if (count > LAC_MATCH_RULE_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "%zu rules are more than %d", count,
                           LAC_MATCH_RULE_MAX);
    m = calloc(1, sizeof(*m));
    if (!m)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "match: no memory");
    m->rules = rules;
    m->count = count;
    status = tables_open(m, err);
    for (size_t i = 0; i < count && status == LAC_OK; i++) {
        status = add_rule(m, i, err);
        if (status != LAC_OK && bad_rule)
            *bad_rule = i;
    }
    if (status == LAC_OK)
        status = compile(m, err);
    tables_trim(m);
    if (status != LAC_OK) {
        lac_match_close(m);
        return status;
    }
    *out = m;
    return LAC_OK;
}

void lac_match_close(struct lac_match *m)
{
    if (!m)
        return;
    for (size_t i = 0; m->compiled && i < m->count; i++) {
        struct lac_match_compiled_rule *c = &m->compiled[i];

        hs_free_database(c->pattern);
        free(c->pattern_text);
        free(c->except);
        free(c->allow);
        free(c->context);
    }
    hs_free_database(m->plain);
    hs_free_database(m->folded);
    free(m->compiled);
    free(m->triggers);
    free(m->phrases);
    free(m->text);
    free(m);
}

size_t lac_match_rule_count(const struct lac_match *m)
{
    return m->count;
}

const struct lac_match_rule *lac_match_rule_at(const struct lac_match *m, size_t index)
{
    return &m->rules[index];
}
