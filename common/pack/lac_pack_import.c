/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pack_import.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lac_match.h"
#include "lac_pack_import_regex.h"
#include "lac_pack_internal.h"
#include "lac_pack_toml.h"

enum {
    ID_MAX = 60,
    PATTERN_MAX = 16 << 10,
    WINDOW = 64,      /* bytes to either side for context words */
    WORDS_MAX = 64,   /* context words of a rule */
    ALLOW_MAX = 4096, /* allow-list entries of a rule */
};

/* A rule while it is carried over. */
struct draft {
    struct lac_pack_import *im;
    struct lac_pack_pool *pool;
    const struct lac_yaml *at;
    struct lac_str name; /* in the source */
    char id[ID_MAX + 8];
    char entity[ID_MAX + 8];
    struct lac_match_rule rule;
    struct lac_buf pattern;
    struct lac_str allow[ALLOW_MAX];
    size_t allow_count;
    bool split; /* the pattern is the value alone */
};

static void say(const struct draft *d, bool lost, const char *fmt, ...) LAC_PRINTF(3, 4);

static void say(const struct draft *d, bool lost, const char *fmt, ...)
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

static void put_rule(const struct draft *d, struct lac_buf *out)
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
static void set_name(struct draft *d, struct lac_str name, unsigned number)
{
    const char *prefix = d->im->kind == LAC_PACK_IMPORT_GITLEAKS ? "gitleaks." : "presidio.";
    size_t start = strlen(prefix);
    size_t n = start;

    d->name = name;
    memcpy(d->id, prefix, start);
    for (size_t i = 0; i < name.len && n < ID_MAX; i++) {
        char c = name.ptr[i];
        bool upper = c >= 'A' && c <= 'Z';
        bool keep = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!keep && (n == start || d->id[n - 1] == '-'))
            continue;
        d->id[n] = keep ? (upper ? (char)(c | 0x20) : c) : '-';
        n++;
    }
    while (n > start && d->id[n - 1] == '-')
        n--;
    for (size_t i = start; i < n; i++) {
        char c = d->id[i];

        d->entity[i - start] = c == '-' ? '_' : (c >= 'a' && c <= 'z') ? (char)(c & ~0x20) : c;
    }
    d->entity[n - start] = '\0';
    if (number > 1)
        snprintf(d->id + n, sizeof(d->id) - n, "-%u", number);
    else
        d->id[n] = '\0';
}

static enum lac_status compiles(struct draft *d, struct lac_err *why)
{
    struct lac_match *m = NULL;
    enum lac_status status = lac_match_open(&m, &d->rule, 1, NULL, why);

    lac_match_close(m);
    return status;
}

/* Rewrites the pattern, with the widest bound that can be compiled. False: it is lost, and said. */
static bool set_pattern(struct draft *d, struct lac_str in, bool nocase, unsigned group, bool whole)
{
    static const unsigned bounds[] = {128, 64, 32, 16, 8};
    struct lac_pack_import_regex r = {.in = in, .nocase = nocase, .group = group};
    struct lac_err why = {0};

    for (size_t i = 0; i < LAC_COUNT(bounds); i++) {
        enum lac_status status;

        r.most = bounds[i];
        r.whole = whole;
        r.nocase = nocase;
        lac_buf_reset(&d->pattern);
        lac_pack_import_rewrite(&r, &d->pattern);
        if (r.bad || !lac_buf_ok(&d->pattern)) {
            say(d, true, "the pattern can't be rewritten: %s", r.bad ? r.bad : "it is too long");
            return false;
        }
        d->rule.pattern = lac_pack_pool_copy(d->pool, lac_buf_str(&d->pattern));
        status = compiles(d, &why);
        if (status != LAC_REJECT || !r.bounded)
            break;
    }
    if (why.status == LAC_REJECT) {
        say(d, true, "%s", why.text);
        return false;
    }
    d->split = r.split;
    if (r.bounded)
        say(d, false, "repeats without a bound are bounded by %u", r.most);
    if (r.looked)
        say(d, false, "what it demands of its neighbours became a word boundary");
    if (r.split)
        say(d, false, "only the value is the hit; its keywords became context within %d bytes",
            WINDOW);
    return true;
}

static void add_allow(struct draft *d, struct lac_str text, bool inside)
{
    char with_stars[256];

    if (d->allow_count == ALLOW_MAX || text.len == 0 || text.len + 3 > sizeof(with_stars) ||
        memchr(text.ptr, '*', text.len))
        return;
    snprintf(with_stars, sizeof(with_stars), inside ? "*%.*s*" : "%.*s", LAC_STR_FMT(text));
    text = lac_pack_pool_copy(d->pool, lac_str_from(with_stars));
    if (text.ptr)
        d->allow[d->allow_count++] = text;
}

static struct lac_str optional_text(const struct lac_yaml *node)
{
    return node && node->kind == LAC_YAML_SCALAR ? node->text : LAC_STR("");
}

/* Takes the texts of a list that can be found as context: with two letters at least. */
static void set_context(struct draft *d, const struct lac_yaml *list)
{
    struct lac_str *words = lac_pack_pool_alloc(d->pool, WORDS_MAX * sizeof(*words));
    size_t n = 0;

    for (const struct lac_yaml *c = list ? list->first : NULL; words && c && n < WORDS_MAX;
         c = c->next) {
        char folded[4 * LAC_MATCH_PHRASE_BYTES];
        size_t len = c->kind == LAC_YAML_SCALAR && c->text.len <= LAC_MATCH_PHRASE_BYTES
                         ? lac_match_fold(folded, sizeof(folded), c->text)
                         : 0;

        if (len >= 2 && len != SIZE_MAX)
            words[n++] = c->text;
    }
    d->rule.context = words;
    d->rule.context_count = n;
    d->rule.context_window = n ? WINDOW : 0;
}

static void draft_begin(struct draft *d, const struct lac_yaml *at, struct lac_str name,
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

static void draft_end(struct draft *d, struct lac_buf *out)
{
    struct lac_err why = {0};

    d->rule.allow = d->allow;
    d->rule.allow_count = d->allow_count;
    if (compiles(d, &why) != LAC_OK) {
        say(d, true, "%s", why.text);
        return;
    }
    put_rule(d, out);
    d->im->taken++;
}

/* ---- gitleaks ---- */

/* A regular expression of an allow-list that is only a text, perhaps with anchors. */
static bool plain_text(struct lac_str regex, struct lac_str *out, bool *inside)
{
    *inside = true;
    if (regex.len > 2 && memcmp(regex.ptr, "(?i)", regex.len < 4 ? regex.len : 4) == 0)
        regex = lac_str_slice(regex, 4, regex.len);
    if (regex.len > 1 && regex.ptr[0] == '^' && regex.ptr[regex.len - 1] == '$') {
        *inside = false;
        regex = lac_str_slice(regex, 1, regex.len - 1);
    }
    for (size_t i = 0; i < regex.len; i++)
        if (strchr("\\^$.|?*+()[]{}", regex.ptr[i]))
            return false;
    *out = regex;
    return regex.len > 0;
}

static void gitleaks_allow(struct draft *d, const struct lac_yaml *list)
{
    const struct lac_yaml *stop = lac_yaml_get(list, "stopwords");
    const struct lac_yaml *regexes = lac_yaml_get(list, "regexes");
    size_t lost = 0;

    for (const struct lac_yaml *c = stop ? stop->first : NULL; c; c = c->next)
        add_allow(d, c->text, true);
    for (const struct lac_yaml *c = regexes ? regexes->first : NULL; c; c = c->next) {
        struct lac_str text;
        bool inside;

        if (plain_text(c->text, &text, &inside))
            add_allow(d, text, inside);
        else
            lost++;
    }
    if (lost)
        say(d, false, "%zu patterns of its allow-list are left out: ours hold texts only", lost);
    if (lac_yaml_get(list, "paths") || lac_yaml_get(list, "commits"))
        say(d, false, "allow-lists of paths and commits belong into .lacunaignore and baselines");
}

static void gitleaks_allows(struct draft *d, const struct lac_yaml *rule)
{
    const struct lac_yaml *one = lac_yaml_get(rule, "allowlist");
    const struct lac_yaml *many = lac_yaml_get(rule, "allowlists");

    if (one && one->kind == LAC_YAML_MAPPING)
        gitleaks_allow(d, one);
    for (const struct lac_yaml *c = many ? many->first : NULL; c; c = c->next)
        gitleaks_allow(d, c);
}

/* Whether one of the words that a text must hold stands in the pattern itself. */
static bool has_keyword(const struct draft *d, struct lac_str regex)
{
    for (size_t i = 0; i < d->rule.context_count; i++) {
        struct lac_str word = d->rule.context[i];

        for (size_t at = 0; at + word.len <= regex.len; at++)
            if (strncasecmp(regex.ptr + at, word.ptr, word.len) == 0)
                return true;
    }
    return false;
}

static void gitleaks_rule(struct draft *d, const struct lac_yaml *root, const struct lac_yaml *node,
                          struct lac_buf *out)
{
    static const struct lac_str tags[] = {{"SECRET", 6}};
    struct lac_str regex = optional_text(lac_yaml_get(node, "regex"));
    struct lac_str entropy = optional_text(lac_yaml_get(node, "entropy"));
    const struct lac_yaml *group = lac_yaml_get(node, "secretGroup");
    uint64_t number = 0, millionths = 0;

    draft_begin(d, node, optional_text(lac_yaml_get(node, "id")), 1);
    if (d->entity[0] == '\0') {
        say(d, true, "it has no id");
        return;
    }
    if (regex.len == 0) {
        say(d, true, "it has no pattern for texts; paths belong into terms/, under `paths`");
        return;
    }
    if (lac_yaml_get(node, "path"))
        say(d, false, "its limit to some paths is left out: it holds for all texts");
    d->rule.description = optional_text(lac_yaml_get(node, "description"));
    d->rule.tags = tags;
    d->rule.tag_count = 1;
    if (lac_yaml_number(group, 63, &number, NULL) != LAC_OK)
        number = 0;
    if (entropy.len > 0) {
        struct lac_yaml cut = *lac_yaml_get(node, "entropy");

        if (lac_yaml_millionths(&cut, 8000000, &millionths, NULL) != LAC_OK)
            say(d, false, "its entropy is no number between 0 and 8");
    }
    d->rule.min_entropy = (uint32_t)(millionths / 1000);
    set_context(d, lac_yaml_get(node, "keywords"));
    if (!set_pattern(d, regex, false, (unsigned)number, d->rule.context_count == 0))
        return;
    if (!d->split && has_keyword(d, regex)) { /* no need to ask for it again */
        d->rule.context_count = 0;
        d->rule.context_window = 0;
    }
    gitleaks_allows(d, node);
    gitleaks_allows(d, root);
    draft_end(d, out);
}

static enum lac_status gitleaks(struct draft *d, struct lac_buf *out, struct lac_err *err)
{
    struct lac_yaml *root = NULL;
    const struct lac_yaml *rules;
    enum lac_status status = lac_toml_parse(&root, d->pool, d->im->name, d->im->data, err);

    if (status != LAC_OK)
        return status;
    rules = lac_yaml_get(root, "rules");
    if (!rules || rules->kind != LAC_YAML_SEQUENCE)
        return lac_yaml_fail(root, err,
                             "there are no [[rules]]: is this a configuration of gitleaks?");
    if (lac_yaml_get(root, "extend")) {
        d->at = lac_yaml_get(root, "extend");
        d->name = LAC_STR("");
        say(d, false, "[extend] is left out: import the file that it names, too");
    }
    for (const struct lac_yaml *c = rules->first; c; c = c->next)
        gitleaks_rule(d, root, c, out);
    return LAC_OK;
}

/* ---- Presidio ---- */

/* What a context word adds there, and what a hit then has at least. */
enum { PRESIDIO_BOOST = 350000, PRESIDIO_LEAST = 500000 };

static void presidio_words(struct draft *d, const struct lac_yaml *node)
{
    const struct lac_yaml *languages = lac_yaml_get(node, "supported_languages");

    set_context(d, lac_yaml_get(node, "context"));
    for (const struct lac_yaml *c = languages ? languages->first : NULL;
         c && d->rule.context_count == 0; c = c->next)
        set_context(d, lac_yaml_get(c, "context"));
}

static void presidio_pattern(struct draft *d, const struct lac_yaml *node,
                             const struct lac_yaml *pattern, struct lac_str entity, unsigned number,
                             struct lac_buf *out)
{
    uint64_t score = 500000;

    draft_begin(d, pattern, entity, number);
    d->rule.description = optional_text(lac_yaml_get(pattern, "name"));
    if (lac_yaml_millionths(lac_yaml_get(pattern, "score"), LAC_DECIDE_PPM, &score, NULL) !=
            LAC_OK ||
        score == 0)
        score = 10000;
    d->rule.score = (uint32_t)score;
    presidio_words(d, node);
    if (d->rule.context_count > 0) {
        d->rule.context_boost = PRESIDIO_BOOST;
        if (score + PRESIDIO_BOOST < PRESIDIO_LEAST)
            d->rule.context_boost = (uint32_t)(PRESIDIO_LEAST - score);
    } else if (score < LAC_MATCH_SCORE_COUNTS) {
        say(d, false, "a score below 0.5 and no context words: its hits never count");
    }
    if (!set_pattern(d, optional_text(lac_yaml_get(pattern, "regex")), true, 0, true))
        return;
    draft_end(d, out);
}

static void presidio_recognizer(struct draft *d, const struct lac_yaml *node, struct lac_buf *out)
{
    const struct lac_yaml *patterns = lac_yaml_get(node, "patterns");
    const struct lac_yaml *deny = lac_yaml_get(node, "deny_list");
    const struct lac_yaml *entities = lac_yaml_get(node, "supported_entities");
    struct lac_str entity = optional_text(lac_yaml_get(node, "supported_entity"));
    struct lac_str name = optional_text(lac_yaml_get(node, "name"));
    unsigned number = 1;

    if (entity.len == 0 && entities && entities->first)
        entity = optional_text(entities->first);
    draft_begin(d, node, name.len > 0 ? name : entity, 1);
    if (node->kind != LAC_YAML_MAPPING ||
        lac_str_is(optional_text(lac_yaml_get(node, "type")), "predefined") ||
        (!patterns && !deny)) {
        say(d, true,
            "it has neither patterns nor a deny_list; what Presidio has built in, the "
            "built-in pack has too");
        return;
    }
    if (entity.len == 0) {
        say(d, true, "it has no supported_entity");
        return;
    }
    for (const struct lac_yaml *c = patterns ? patterns->first : NULL; c; c = c->next)
        presidio_pattern(d, node, c, entity, number++, out);
    if (deny) {
        draft_begin(d, deny, entity, number);
        d->rule.score = LAC_DECIDE_PPM;
        if (lac_yaml_texts(deny, d->pool, &d->rule.phrases, &d->rule.phrase_count, NULL) !=
                LAC_OK ||
            d->rule.phrase_count == 0) {
            say(d, true, "its deny_list is no list of texts");
            return;
        }
        draft_end(d, out);
    }
}

static enum lac_status presidio(struct draft *d, struct lac_buf *out, struct lac_err *err)
{
    struct lac_yaml *root = NULL;
    const struct lac_yaml *list;
    enum lac_status status = lac_yaml_parse(&root, d->pool, d->im->name, d->im->data, err);

    if (status != LAC_OK)
        return status;
    list = root->kind == LAC_YAML_SEQUENCE ? root : lac_yaml_get(root, "recognizers");
    if (!list || list->kind != LAC_YAML_SEQUENCE)
        return lac_yaml_fail(root, err,
                             "there is no list of recognizers: is this a file of Presidio?");
    for (const struct lac_yaml *c = list->first; c; c = c->next)
        presidio_recognizer(d, c, out);
    return LAC_OK;
}

enum lac_status lac_pack_import_run(struct lac_pack_import *im, struct lac_buf *out,
                                    struct lac_err *err)
{
    struct lac_pack_pool pool = {0};
    struct draft *d = lac_pack_pool_alloc(&pool, sizeof(*d));
    enum lac_status status;

    im->taken = im->lost = 0;
    if (!d)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory");
    d->im = im;
    d->pool = &pool;
    lac_buf_init(&d->pattern, PATTERN_MAX);
    lac_buf_printf(out,
                   "# Made by `lacuna pack import` from %.*s. The rules have no examples yet: add "
                   "three texts\n# that each has to find and three that it must not, then run "
                   "`lacuna pack lint`.\nrules:",
                   LAC_STR_FMT(im->name));
    status = im->kind == LAC_PACK_IMPORT_GITLEAKS ? gitleaks(d, out, err) : presidio(d, out, err);
    lac_buf_put_text(out, im->taken ? "\n" : " []\n");
    lac_buf_deinit(&d->pattern);
    lac_pack_pool_deinit(&pool);
    if (status == LAC_OK && !lac_buf_ok(out))
        return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory for the rules");
    return status;
}
