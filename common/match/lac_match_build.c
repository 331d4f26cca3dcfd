/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the rules: folds their texts, numbers phrases, context words and units. */
#include "lac_match_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lac_match_table.h"

/* Folding grows a text at most this much: U+FDFA, 3 bytes, becomes 33. */
enum { FOLD_GROWTH = 11, PHRASE_MIN = 2, SECTION_MAX = 1 << 29 };

enum lac_status lac_match_build_open(struct lac_match_build *b, struct lac_err *err)
{
    struct lac_match *m = b->m;

    for (int i = 0; i < LAC_MATCH_SECTIONS; i++)
        lac_buf_init(&b->section[i], SECTION_MAX);
    lac_buf_init(&b->word_keys, SECTION_MAX);
    lac_buf_init(&b->prefix_keys, SECTION_MAX);
    lac_buf_init(&b->prefix_texts, SECTION_MAX);
    lac_buf_init(&b->symbols, SECTION_MAX);
    lac_buf_init(&b->shape_gated, SECTION_MAX);
    m->live = lac_match_live_new(m->count);
    b->key_counts = calloc((size_t)1 << LAC_MATCH_KEY_COUNTS_LOG, sizeof(*b->key_counts));
    b->regex_work = lac_match_regex_work_new();
    if (!m->live || !b->key_counts || !b->regex_work)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "match: no memory for %zu rules", m->count);
    return LAC_OK;
}

void lac_match_build_close(struct lac_match_build *b)
{
    for (int i = 0; i < LAC_MATCH_SECTIONS; i++)
        lac_buf_deinit(&b->section[i]);
    lac_buf_deinit(&b->word_keys);
    lac_buf_deinit(&b->prefix_keys);
    lac_buf_deinit(&b->prefix_texts);
    lac_buf_deinit(&b->symbols);
    lac_buf_deinit(&b->shape_gated);
    for (size_t i = 0; i < b->expression_count; i++)
        free(b->expressions[i]);
    free(b->expressions);
    free(b->expression_flags);
    free(b->word_index);
    free(b->key_counts);
    lac_match_regex_work_free(b->regex_work);
}

/* ---- folded texts ---- */

/* Folds into the image's text; blanks at the ends go when `trim`. */
static bool fold(struct lac_match_build *b, struct lac_str text, bool trim,
                 struct lac_match_text *out)
{
    struct lac_buf *t = &b->section[LAC_MATCH_S_TEXT];
    size_t room = text.len * FOLD_GROWTH + 1;
    char *at = lac_buf_reserve(t, room);
    size_t n;

    if (!at)
        return false;
    n = lac_match_fold(at, room, text);
    if (n == SIZE_MAX)
        n = 0; /* cannot be: the room is enough for any text */
    if (trim && n > 0 && at[0] == ' ')
        memmove(at, at + 1, --n);
    if (trim && n > 0 && at[n - 1] == ' ')
        n--;
    *out = (struct lac_match_text){(uint32_t)t->len, (uint32_t)n};
    lac_buf_commit(t, n);
    return true;
}

static enum lac_status fold_phrase(struct lac_match_build *b, struct lac_str text,
                                   struct lac_match_text *out, struct lac_err *err)
{
    if (!fold(b, text, true, out))
        return lac_match_rules_no_memory(err);
    if (out->len < PHRASE_MIN)
        return lac_err_set(err, LAC_REJECT, 0,
                           "'%.*s' is too short to be found: two letters at least",
                           LAC_STR_FMT(text));
    if (out->len > LAC_MATCH_PHRASE_BYTES)
        return lac_err_set(err, LAC_REJECT, 0, "'%.40s...' is longer than %d bytes", text.ptr,
                           LAC_MATCH_PHRASE_BYTES);
    return LAC_OK;
}

static enum lac_status fold_around(struct lac_match_build *b, const struct lac_str *texts,
                                   size_t count, bool star_needed, uint32_t *first,
                                   struct lac_err *err)
{
    struct lac_buf *out = &b->section[LAC_MATCH_S_AROUND];

    *first = (uint32_t)(out->len / sizeof(struct lac_match_around));
    for (size_t i = 0; i < count; i++) {
        struct lac_str t = texts[i];
        bool inside = !star_needed && t.len > 2 && t.ptr[0] == '*' && t.ptr[t.len - 1] == '*';
        const char *star = t.len && !inside ? memchr(t.ptr, '*', t.len) : NULL;
        size_t before = star ? (size_t)(star - t.ptr) : t.len;
        struct lac_match_around a = {.flags = inside ? LAC_MATCH_AROUND_INSIDE
                                              : star ? LAC_MATCH_AROUND_STAR
                                                     : 0};
        bool ok;

        if (!star && star_needed)
            return lac_err_set(err, LAC_REJECT, 0,
                               "exception '%.*s' needs a '*' where the hit stands", LAC_STR_FMT(t));
        if (inside)
            ok = fold(b, (struct lac_str){t.ptr + 1, t.len - 2}, true, &a.before);
        else
            ok = fold(b, (struct lac_str){t.ptr, before}, false, &a.before);
        if (ok && star)
            ok = fold(b, (struct lac_str){star + 1, t.len - before - 1}, false, &a.after);
        if (!ok)
            return lac_match_rules_no_memory(err);
        if (a.before.len + a.after.len == 0)
            return lac_err_set(err, LAC_REJECT, 0, "'%.*s' would hold for every hit",
                               LAC_STR_FMT(t));
        lac_buf_put(out, &a, sizeof(a));
    }
    return LAC_OK;
}

/* Whether both rules list the same examples. */
static bool same_allow(const struct lac_match_rule *a, const struct lac_match_rule *b)
{
    if (a->allow_count != b->allow_count)
        return false;
    for (size_t i = 0; i < a->allow_count; i++)
        if (!lac_str_eq(a->allow[i], b->allow[i]))
            return false;
    return true;
}

/* Documented examples. Rules of one file mostly list the same: they share one list, which then is
 * in the cache when it is asked for. */
static enum lac_status add_allow(struct lac_match_build *b, size_t rule, uint32_t *first,
                                 struct lac_err *err)
{
    const struct lac_match_rule *r = &b->m->rules[rule];
    const struct lac_match_image_rule *done = (const void *)b->section[LAC_MATCH_S_RULES].ptr;
    size_t i = b->allow_rule_count;

    while (i > 0 && !same_allow(&b->m->rules[b->allow_rules[i - 1]], r))
        i--;
    if (i > 0) {
        *first = done[b->allow_rules[i - 1]].allow;
        return LAC_OK;
    }
    if (r->allow_count > 0 && b->allow_rule_count < LAC_MATCH_ALLOW_LISTS)
        b->allow_rules[b->allow_rule_count++] = (uint32_t)rule;
    return fold_around(b, r->allow, r->allow_count, false, first, err);
}

/* ---- phrases ---- */

static enum lac_status add_phrases(struct lac_match_build *b, size_t rule, struct lac_err *err)
{
    const struct lac_match_rule *r = &b->m->rules[rule];
    struct lac_buf *out = &b->section[LAC_MATCH_S_PHRASES];
    enum lac_status status = LAC_OK;

    for (size_t i = 0; i < r->phrase_count && status == LAC_OK; i++) {
        struct lac_match_phrase p = {.rule = (uint32_t)rule,
                                     .flags = r->names ? LAC_MATCH_PHRASE_NAMES : 0};
        size_t index = out->len / sizeof(p);

        status = fold_phrase(b, r->phrases[i], &p.text, err);
        if (status != LAC_OK)
            return status;
        if (index >= LAC_MATCH_PHRASE_MAX)
            return lac_err_set(err, LAC_REJECT, 0, "more than %d phrases", LAC_MATCH_PHRASE_MAX);
        status = lac_match_check_key(b, lac_match_build_text(b, p.text), err);
        b->header.has_names |= r->names;
        b->header.has_humps |= r->names;
        lac_buf_put(out, &p, sizeof(p));
    }
    return status;
}

/* ---- context words: each once, whatever rules name it ---- */

static uint64_t hash_text(struct lac_str t)
{
    uint64_t h = 0xCBF29CE484222325u;

    for (size_t i = 0; i < t.len; i++)
        h = (h ^ (unsigned char)t.ptr[i]) * 0x100000001B3u;
    return h;
}

static bool grow_index(struct lac_match_build *b)
{
    const struct lac_match_word *words = (const void *)b->section[LAC_MATCH_S_WORDS].ptr;
    size_t capacity = b->word_capacity ? b->word_capacity * 2 : 1024;
    uint32_t *index = calloc(capacity, sizeof(*index));

    if (!index)
        return false;
    for (size_t i = 0; i < b->word_count; i++) {
        size_t at = hash_text(lac_match_build_text(b, words[i].text)) & (capacity - 1);

        while (index[at])
            at = (at + 1) & (capacity - 1);
        index[at] = (uint32_t)i + 1;
    }
    free(b->word_index);
    b->word_index = index;
    b->word_capacity = capacity;
    return true;
}

/* The number of a context word, new or known. */
static enum lac_status word_id(struct lac_match_build *b, struct lac_str word, uint32_t *id,
                               struct lac_err *err)
{
    struct lac_buf *words = &b->section[LAC_MATCH_S_WORDS];
    struct lac_match_word w = {0};
    enum lac_status status = fold_phrase(b, word, &w.text, err);
    struct lac_str t = lac_match_build_text(b, w.text);
    size_t at;

    if (status != LAC_OK)
        return status;
    if (b->word_count * 2 >= b->word_capacity && !grow_index(b))
        return lac_match_rules_no_memory(err);
    for (at = hash_text(t) & (b->word_capacity - 1); b->word_index[at];
         at = (at + 1) & (b->word_capacity - 1)) {
        const struct lac_match_word *known = (const void *)words->ptr;

        *id = b->word_index[at] - 1;
        if (lac_str_eq(lac_match_build_text(b, known[*id].text), t))
            return LAC_OK;
    }
    *id = (uint32_t)b->word_count++;
    b->word_index[at] = *id + 1;
    lac_buf_put(words, &w, sizeof(w));
    return lac_match_check_key(b, t, err);
}

static int id_cmp(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static enum lac_status add_context(struct lac_match_build *b, const struct lac_match_rule *r,
                                   struct lac_match_image_rule *image, struct lac_err *err)
{
    struct lac_buf *ids = &b->section[LAC_MATCH_S_CONTEXT_IDS];
    enum lac_status status = LAC_OK;

    image->context = (uint32_t)(ids->len / sizeof(uint32_t));
    if (r->context_count == 0)
        return LAC_OK;
    if (r->context_window == 0 || r->context_window > LAC_MATCH_WINDOW_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "a context window is 1 to %d bytes",
                           LAC_MATCH_WINDOW_MAX);
    for (size_t i = 0; i < r->context_count && status == LAC_OK; i++) {
        uint32_t id = 0;

        status = word_id(b, r->context[i], &id, err);
        lac_buf_put(ids, &id, sizeof(id));
    }
    image->context_count = (uint32_t)r->context_count;
    if (status == LAC_OK && lac_buf_ok(ids))
        qsort(ids->ptr + image->context * sizeof(uint32_t), image->context_count, sizeof(uint32_t),
              id_cmp);
    return status;
}

/* ---- units ---- */

static bool has_high_bytes(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return true;
    return false;
}

/* What Vectorscan thinks of an expression that our compiler does not carry. */
static enum lac_status ask_vectorscan(const char *expression, unsigned flags, uint32_t *width,
                                      struct lac_err *err)
{
    hs_compile_error_t *why = NULL;
    hs_expr_info_t *info = NULL;

    if (hs_expression_info(expression, flags, &info, &why) != HS_SUCCESS) {
        lac_err_set(err, LAC_REJECT, 0, "the pattern does not compile: %s",
                    why ? why->message : "unknown");
        hs_free_compile_error(why);
        return LAC_REJECT;
    }
    *width = info->max_width;
    free(info);
    if (*width > LAC_MATCH_PATTERN_WIDTH)
        return lac_err_set(err, LAC_REJECT, 0,
                           "the pattern can match more than %d bytes: bound its repeats with "
                           "{min,max} instead of * and +",
                           LAC_MATCH_PATTERN_WIDTH);
    return LAC_OK;
}

/* Keeps the expression for the rest's database. */
static bool keep_expression(struct lac_match_build *b, struct lac_str expression)
{
    size_t n = b->expression_count;
    char **grown = realloc(b->expressions, (n + 1) * sizeof(*grown));
    unsigned *flags;

    if (!grown)
        return false;
    b->expressions = grown;
    flags = realloc(b->expression_flags, (n + 1) * sizeof(*flags));
    if (!flags)
        return false;
    b->expression_flags = flags;
    grown[n] = lac_str_dup(expression);
    if (!grown[n])
        return false;
    flags[n] = has_high_bytes(grown[n]) ? HS_FLAG_UTF8 : 0;
    b->expression_count++;
    return true;
}

static enum lac_status add_unit(struct lac_match_build *b, size_t rule, struct lac_str expression,
                                size_t trigger, struct lac_err *err)
{
    const struct lac_match_rule *r = &b->m->rules[rule];
    const struct lac_match_detector *d = b->m->live[rule].detector;
    struct lac_buf *programs = &b->section[LAC_MATCH_S_PROGRAMS];
    struct lac_buf *units = &b->section[LAC_MATCH_S_UNITS];
    struct lac_match_regex_info *info = &b->draft.info;
    struct lac_match_unit u = {.rule = (uint32_t)rule,
                               .trigger = (uint16_t)trigger,
                               .flags = d ? LAC_MATCH_UNIT_DETECTOR : 0};
    uint32_t index = (uint32_t)(units->len / sizeof(u));
    enum lac_status status;

    b->draft.parts = d && expression.len > 0 && expression.ptr[0] == '<';
    if (b->draft.parts)
        expression = lac_str_slice(expression, 1, expression.len);
    if (memchr(expression.ptr, 0, expression.len))
        return lac_err_set(err, LAC_REJECT, 0, "the pattern holds a NUL byte");
    status = lac_match_regex_compile_in(b->regex_work, programs, expression, info, err);
    if (status != LAC_OK)
        return status;
    if (!keep_expression(b, expression))
        return lac_match_rules_no_memory(err);
    if (info->supported) {
        u.width = info->max_width;
        u.first = info->first;
        u.inner = (struct lac_match_text){(uint32_t)b->section[LAC_MATCH_S_TEXT].len, 0};
        if (info->inner_len >= 3 && !info->inner_nocase) {
            u.inner.len = info->inner_len;
            u.inner_min = info->inner_min;
            u.inner_max = info->inner_max;
            lac_buf_put(&b->section[LAC_MATCH_S_TEXT], info->inner, info->inner_len);
        }
        u.flags |= info->word_start ? LAC_MATCH_UNIT_WORD_START : 0;
        u.program = (uint32_t)b->program_at;
        lac_match_head((const void *)(programs->ptr + b->program_at), &u);
    } else {
        u.flags |= LAC_MATCH_UNIT_UNSUPPORTED;
        status = ask_vectorscan(b->expressions[index], b->expression_flags[index], &u.width, err);
        if (status != LAC_OK)
            return status;
    }
    b->program_at =
        (programs->len + LAC_MATCH_REGEX_ALIGN - 1) / LAC_MATCH_REGEX_ALIGN * LAC_MATCH_REGEX_ALIGN;
    b->draft.gated = lac_match_needs_context(r, false);
    b->header.has_humps |= b->draft.parts;
    lac_buf_put(units, &u, sizeof(u));
    return lac_buf_ok(units) ? lac_match_route(b, index, err) : lac_match_rules_no_memory(err);
}

/* ---- one rule ---- */

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

enum lac_status lac_match_build_rule(struct lac_match_build *b, size_t rule, struct lac_err *err)
{
    const struct lac_match_rule *r = &b->m->rules[rule];
    struct lac_match_image_rule image = {.except_count = (uint32_t)r->except_count,
                                         .allow_count = (uint32_t)r->allow_count};
    const struct lac_match_detector *d;
    enum lac_status status = check_rule(r, err);

    if (status == LAC_OK)
        status = fold_around(b, r->except, r->except_count, true, &image.except, err);
    if (status == LAC_OK)
        status = add_allow(b, rule, &image.allow, err);
    if (status == LAC_OK)
        status = add_context(b, r, &image, err);
    if (status == LAC_OK)
        status = lac_match_find_code(b->m, rule, err);
    if (status != LAC_OK)
        return status;
    lac_buf_put(&b->section[LAC_MATCH_S_RULES], &image, sizeof(image));
    if (r->phrase_count > 0)
        return add_phrases(b, rule, err);
    if (r->pattern.len > 0)
        return add_unit(b, rule, r->pattern, 0, err);
    d = b->m->live[rule].detector;
    for (size_t i = 0; i < LAC_MATCH_TRIGGER_MAX && d->triggers[i] && status == LAC_OK; i++)
        status = add_unit(b, rule, lac_str_from(d->triggers[i]), i, err);
    return status;
}
