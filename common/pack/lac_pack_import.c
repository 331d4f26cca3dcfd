/* SPDX-License-Identifier: Apache-2.0 */
/* Drafts of rules, whatever the source: named, compiled, and written as YAML. */
#include "lac_pack_import.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lac_pack_import_draft.h"

enum {
    PATTERN_MAX = 16 << 10,
    WINDOW = 64, /* characters to either side for context words */
};

void lac_pack_draft_say(const struct lac_pack_draft *d, bool lost, const char *fmt, ...)
{
    char why[LAC_ERR_TEXT_SIZE];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    d->im->lost += lost;
    if (d->im->say)
        d->im->say(d->im->ctx, &(struct lac_pack_import_remark){
                                   .line = d->at ? d->at->line : 0,
                                   .rule = d->name,
                                   .lost = lost,
                                   .why = why,
                               });
}

/* ---- writing YAML ---- */

/* A text in single quotes, or in double ones when it holds control characters. */
static void put_text(struct lac_buf *out, struct lac_str s)
{
    bool plain = true;

    for (size_t i = 0; i < s.len; i++)
        plain = plain && (unsigned char)s.ptr[i] >= ' ' && s.ptr[i] != 0x7f;
    lac_buf_put_char(out, plain ? '\'' : '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (plain && c == '\'')
            lac_buf_put_text(out, "''");
        else if (!plain && (c < ' ' || c == 0x7f))
            lac_buf_printf(out, "\\x%02x", c);
        else if (!plain && (c == '"' || c == '\\'))
            lac_buf_printf(out, "\\%c", c);
        else
            lac_buf_put_char(out, (char)c);
    }
    lac_buf_put_char(out, plain ? '\'' : '"');
}

static void put_list(struct lac_buf *out, const struct lac_str *at, size_t count)
{
    lac_buf_put_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        lac_buf_put_text(out, i ? ", " : "");
        put_text(out, at[i]);
    }
    lac_buf_put_char(out, ']');
}

static void put_ppm(struct lac_buf *out, const char *key, uint32_t ppm)
{
    lac_buf_printf(out, "%s%u.%06u", key, ppm / 1000000, ppm % 1000000);
}

static void put_rule(const struct lac_pack_draft *d, struct lac_buf *out)
{
    const struct lac_match_rule *r = &d->rule;

    lac_buf_printf(out, "\n  - id: %s\n    entity: %s\n    tier: PROPRIETARY\n", d->id, d->entity);
    put_ppm(out, "    score: ", r->score);
    lac_buf_put_char(out, '\n');
    if (r->description.len > 0) {
        lac_buf_put_text(out, "    description: ");
        put_text(out, r->description);
        lac_buf_put_char(out, '\n');
    }
    if (r->pattern.len > 0) {
        lac_buf_put_text(out, "    pattern: ");
        put_text(out, r->pattern);
        lac_buf_put_char(out, '\n');
    }
    if (r->phrase_count > 0) {
        lac_buf_put_text(out, "    phrases: ");
        put_list(out, r->phrases, r->phrase_count);
        lac_buf_put_char(out, '\n');
    }
    if (r->min_entropy > 0)
        lac_buf_printf(out, "    min_entropy: %u.%03u\n", r->min_entropy / 1000,
                       r->min_entropy % 1000);
    if (r->context_count > 0) {
        lac_buf_put_text(out, "    context:\n      words: ");
        put_list(out, r->context, r->context_count);
        lac_buf_printf(out, "\n      window: %u\n", r->context_window);
        if (r->context_boost > 0) {
            put_ppm(out, "      boost: ", r->context_boost);
            lac_buf_put_char(out, '\n');
        }
    }
    if (r->allow_count > 0) {
        lac_buf_put_text(out, "    allow: ");
        put_list(out, r->allow, r->allow_count);
        lac_buf_put_char(out, '\n');
    }
    if (r->tag_count > 0) {
        lac_buf_put_text(out, "    tags: ");
        put_list(out, r->tags, r->tag_count);
        lac_buf_put_char(out, '\n');
    }
}

/* ---- drafts ---- */

/* The id and the entity of `name`: lower case with '-', upper case with '_'. The prefix keeps ids
 * apart from built-in ones. */
static void set_name(struct lac_pack_draft *d, struct lac_str name, unsigned number)
{
    const char *prefix = d->im->kind == LAC_PACK_IMPORT_GITLEAKS ? "gitleaks." : "presidio.";
    size_t start = strlen(prefix);
    size_t n = start;

    d->name = name;
    memcpy(d->id, prefix, start);
    for (size_t i = 0; i < name.len && n < LAC_PACK_DRAFT_ID; i++) {
        char c = name.ptr[i];
        bool upper = c >= 'A' && c <= 'Z';
        bool keep = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!keep && (n == start || d->id[n - 1] == '-'))
            continue;
        d->id[n] = c;
        if (!keep)
            d->id[n] = '-';
        else if (upper)
            d->id[n] = (char)(c | 0x20);
        n++;
    }
    while (n > start && d->id[n - 1] == '-')
        n--;
    for (size_t i = start; i < n; i++) {
        char c = d->id[i];

        d->entity[i - start] = c;
        if (c == '-')
            d->entity[i - start] = '_';
        else if (c >= 'a' && c <= 'z')
            d->entity[i - start] = (char)(c & ~0x20);
    }
    d->entity[n - start] = '\0';
    if (number > 1)
        snprintf(d->id + n, sizeof(d->id) - n, "-%u", number);
    else
        d->id[n] = '\0';
}

static enum lac_status compiles(struct lac_pack_draft *d, struct lac_err *why)
{
    struct lac_match *m = NULL;
    enum lac_status status = lac_match_open(&m, &d->rule, 1, NULL, why);

    lac_match_close(m);
    return status;
}

/* Rewrites the pattern, with the widest bound that can be compiled. REJECT: why not. */
static enum lac_status try_pattern(struct lac_pack_draft *d, struct lac_pack_import_regex *r,
                                   struct lac_err *why)
{
    static const unsigned bounds[] = {128, 64, 32, 16, 8};
    bool nocase = r->nocase;
    enum lac_status status = LAC_REJECT;

    for (size_t i = 0; i <= LAC_COUNT(bounds) && status == LAC_REJECT; i++) {
        r->shrink = i > 0; /* the first time, bounds that are there stay */
        r->most = bounds[i > 0 ? i - 1 : 0];
        r->nocase = nocase;
        lac_buf_reset(&d->pattern);
        lac_pack_import_rewrite(r, &d->pattern);
        if (r->bad || !lac_buf_ok(&d->pattern))
            return lac_err_set(why, LAC_REJECT, 0, "the pattern can't be rewritten: %s",
                               r->bad ? r->bad : "it is too long");
        d->rule.pattern = lac_pack_pool_copy(d->pool, lac_buf_str(&d->pattern));
        status = compiles(d, why);
    }
    return status;
}

bool lac_pack_draft_pattern(struct lac_pack_draft *d, struct lac_pack_import_regex *r, bool values)
{
    bool nocase = r->nocase;
    struct lac_err why = {0};
    enum lac_status status = try_pattern(d, r, &why);

    if (status != LAC_OK && values && r->whole) {
        r->whole = false;
        r->nocase = nocase;
        status = try_pattern(d, r, &why);
    }
    if (status != LAC_OK) {
        lac_pack_draft_say(d, true, "%s", why.text);
        return false;
    }
    d->split = r->split;
    if (r->bounded)
        lac_pack_draft_say(d, false, "wide repeats are bounded by %u", r->most);
    if (r->looked)
        lac_pack_draft_say(d, false, "what it demands of its neighbours became a word boundary");
    if (r->split)
        lac_pack_draft_say(
            d, false,
            "only the value is the hit; its keywords became context within %d bytes, each a word "
            "of its own",
            WINDOW);
    return true;
}

void lac_pack_draft_allow(struct lac_pack_draft *d, struct lac_str text, bool inside)
{
    char with_stars[256];

    if (d->allow_count == LAC_PACK_DRAFT_ALLOW || text.len == 0 ||
        text.len + 3 > sizeof(with_stars) || memchr(text.ptr, '*', text.len))
        return;
    snprintf(with_stars, sizeof(with_stars), inside ? "*%.*s*" : "%.*s", LAC_STR_FMT(text));
    text = lac_pack_pool_copy(d->pool, lac_str_from(with_stars));
    if (text.ptr)
        d->allow[d->allow_count++] = text;
}

struct lac_str lac_pack_import_text(const struct lac_yaml *node)
{
    return node && node->kind == LAC_YAML_SCALAR ? node->text : LAC_STR("");
}

void lac_pack_draft_context(struct lac_pack_draft *d, const struct lac_yaml *list)
{
    for (const struct lac_yaml *c = list ? list->first : NULL;
         c && d->rule.context_count < LAC_PACK_DRAFT_WORDS; c = c->next) {
        char folded[4 * LAC_MATCH_PHRASE_BYTES];
        size_t len = c->kind == LAC_YAML_SCALAR && c->text.len <= LAC_MATCH_PHRASE_BYTES
                         ? lac_match_fold(folded, sizeof(folded), c->text)
                         : 0;

        if (len >= 2 && len != SIZE_MAX)
            d->words[d->rule.context_count++] = c->text;
    }
    d->rule.context = d->words;
    d->rule.context_window = d->rule.context_count ? WINDOW : 0;
}

void lac_pack_draft_begin(struct lac_pack_draft *d, const struct lac_yaml *at, struct lac_str name,
                          unsigned number)
{
    d->at = at;
    d->allow_count = 0;
    d->rule = (struct lac_match_rule){
        .tier = LAC_TIER_PROPRIETARY, .strength = LAC_MATCH_FLOOR, .score = 900000};
    set_name(d, name, number);
    d->rule.id = lac_str_from(d->id);
    d->rule.entity = lac_str_from(d->entity);
}

void lac_pack_draft_end(struct lac_pack_draft *d, struct lac_buf *out)
{
    struct lac_err why = {0};

    d->rule.allow = d->allow;
    d->rule.allow_count = d->allow_count;
    if (compiles(d, &why) != LAC_OK) {
        lac_pack_draft_say(d, true, "%s", why.text);
        return;
    }
    put_rule(d, out);
    d->im->taken++;
}

enum lac_status lac_pack_import_run(struct lac_pack_import *im, struct lac_buf *out,
                                    struct lac_err *err)
{
    struct lac_pack_pool pool = {0};
    struct lac_pack_draft *d = lac_pack_pool_alloc(&pool, sizeof(*d));
    enum lac_status status;

    im->taken = im->lost = 0;
    if (!d)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory");
    d->im = im;
    d->pool = &pool;
    lac_buf_init(&d->pattern, PATTERN_MAX);
    lac_buf_printf(
        out,
        "# Made by `lacuna pack import` from %.*s. The rules have no examples yet: add "
        "three texts\n# that each has to find and three that it must not, then run "
        "`lacuna pack lint`. Each makes a text\n# PROPRIETARY: lower its tier where that "
        "is too much.\nrules:",
        LAC_STR_FMT(im->name));
    status = im->kind == LAC_PACK_IMPORT_GITLEAKS ? lac_pack_import_gitleaks(d, out, err)
                                                  : lac_pack_import_presidio(d, out, err);
    lac_buf_put_text(out, im->taken ? "\n" : " []\n");
    lac_buf_deinit(&d->pattern);
    lac_pack_pool_deinit(&pool);
    if (status == LAC_OK && !lac_buf_ok(out))
        return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory for the rules");
    return status;
}
