/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pack_import.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
    struct lac_str words[WORDS_MAX];
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

static enum lac_status compiles(struct draft *d, struct lac_err *why)
{
    struct lac_match *m = NULL;
    enum lac_status status = lac_match_open(&m, &d->rule, 1, NULL, why);

    lac_match_close(m);
    return status;
}

/* Rewrites the pattern, with the widest bound that can be compiled. REJECT: why not. */
static enum lac_status try_pattern(struct draft *d, struct lac_pack_import_regex *r,
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

/* False: it is lost, and said. `values`: the value alone may be the hit, where all of it costs too
 * much. */
static bool set_pattern(struct draft *d, struct lac_pack_import_regex *r, bool values)
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
        say(d, true, "%s", why.text);
        return false;
    }
    d->split = r->split;
    if (r->bounded)
        say(d, false, "wide repeats are bounded by %u", r->most);
    if (r->looked)
        say(d, false, "what it demands of its neighbours became a word boundary");
    if (r->split)
        say(d, false,
            "only the value is the hit; its keywords became context within %d bytes, each a word "
            "of its own",
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

/* Takes the texts of a list that can be found as context, with two letters at least, beside those
 * it has. */
static void add_context(struct draft *d, const struct lac_yaml *list)
{
    for (const struct lac_yaml *c = list ? list->first : NULL;
         c && d->rule.context_count < WORDS_MAX; c = c->next) {
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
    if (lac_str_has_at(regex, 0, "(?i)"))
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

/* Whether a list of more than one kind asks for all of them at once. */
static bool asks_for_all(const struct lac_yaml *list)
{
    static const char *const kinds[] = {"paths", "commits", "regexes", "stopwords"};
    struct lac_str condition = optional_text(lac_yaml_get(list, "condition"));
    unsigned count = 0;

    for (size_t i = 0; i < LAC_COUNT(kinds); i++)
        count += lac_yaml_get(list, kinds[i]) != NULL;
    return count > 1 && (lac_str_is(condition, "AND") || lac_str_is(condition, "and") ||
                         lac_str_is(condition, "&&"));
}

/* What is not carried over of one allow-list. */
static void say_allow(const struct draft *d, const struct lac_yaml *list, size_t lost)
{
    if (asks_for_all(list)) {
        say(d, false,
            "an allow-list that asks for several things at once is left out: ours hold "
            "texts, whatever the file");
        return;
    }
    if (lost)
        say(d, false, "%zu pattern%s of its allow-list %s left out: ours hold texts only", lost,
            lost == 1 ? "" : "s", lost == 1 ? "is" : "are");
    if (lac_yaml_get(list, "paths") || lac_yaml_get(list, "commits"))
        say(d, false, "allow-lists of paths and commits belong into .lacunaignore and baselines");
}

/* Takes what texts the list has; what it has else is said if `tell`. */
static void gitleaks_allow(struct draft *d, const struct lac_yaml *list, bool tell)
{
    const struct lac_yaml *stop = lac_yaml_get(list, "stopwords");
    const struct lac_yaml *regexes = lac_yaml_get(list, "regexes");
    bool all = asks_for_all(list);
    bool line = lac_str_is(optional_text(lac_yaml_get(list, "regexTarget")), "line");
    size_t lost = 0;

    for (const struct lac_yaml *c = stop && !all ? stop->first : NULL; c; c = c->next)
        add_allow(d, optional_text(c), true);
    for (const struct lac_yaml *c = regexes && !all ? regexes->first : NULL; c; c = c->next) {
        struct lac_str text;
        bool inside;

        if (!line && plain_text(optional_text(c), &text, &inside))
            add_allow(d, text, inside);
        else
            lost++;
    }
    if (tell)
        say_allow(d, list, lost);
}

/* Whether a list of all rules is for this one. */
static bool targets(const struct lac_yaml *list, struct lac_str rule)
{
    const struct lac_yaml *names = lac_yaml_get(list, "targetRules");

    for (const struct lac_yaml *c = names ? names->first : NULL; c; c = c->next)
        if (lac_str_eq(optional_text(c), rule))
            return true;
    return !names;
}

/* The lists of a rule, or those of the file that are for the rule in hand. */
static void gitleaks_allows(struct draft *d, const struct lac_yaml *of, bool tell)
{
    const struct lac_yaml *one = lac_yaml_get(of, "allowlist");
    const struct lac_yaml *many = lac_yaml_get(of, "allowlists");

    if (one && one->kind == LAC_YAML_MAPPING)
        gitleaks_allow(d, one, tell);
    for (const struct lac_yaml *c = many ? many->first : NULL; c; c = c->next)
        if (tell || targets(c, d->name))
            gitleaks_allow(d, c, tell);
    if (tell && lac_yaml_get(of, "whitelist"))
        say(d, false, "a [whitelist], as allow-lists were once written, is left out");
}

/* Letters and digits only: "message[_-]?bird" and "message_bird" are the same. */
static struct lac_str letters_of(struct draft *d, struct lac_str s)
{
    char *out = lac_pack_pool_alloc(d->pool, s.len + 1);
    size_t n = 0;

    for (size_t i = 0; out && i < s.len; i++)
        if (isalnum((unsigned char)s.ptr[i]))
            out[n++] = (char)tolower((unsigned char)s.ptr[i]);
    return (struct lac_str){out, n};
}

/* Whether one of the words that a text must hold stands in the pattern itself. */
static bool has_keyword(struct draft *d, struct lac_str regex)
{
    struct lac_str in = letters_of(d, regex);

    for (size_t i = 0; i < d->rule.context_count; i++) {
        struct lac_str word = letters_of(d, d->rule.context[i]);

        if (in.ptr && word.len > 0 && memmem(in.ptr, in.len, word.ptr, word.len))
            return true;
    }
    return false;
}

/* What of a rule has no counterpart; false: nothing would be left of it. */
static bool gitleaks_limits(const struct draft *d, const struct lac_yaml *root,
                            const struct lac_yaml *node)
{
    bool has_regex = optional_text(lac_yaml_get(node, "regex")).len > 0;

    if (d->entity[0] == '\0') {
        say(d, true, "it has neither an id nor a description");
        return false;
    }
    if (!has_regex) {
        say(d, true,
            !lac_yaml_get(node, "path") && lac_yaml_get(root, "extend")
                ? "it only changes a rule of the file that is extended: change that one"
                : "it has no pattern for texts; paths belong into terms/, under `paths`");
        return false;
    }
    if (lac_str_is(optional_text(lac_yaml_get(node, "skipReport")), "true")) {
        say(d, true, "it is only there for other rules to demand (skipReport)");
        return false;
    }
    if (lac_yaml_get(node, "required"))
        say(d, false, "its demand for hits of other rules nearby is left out: it stands alone");
    if (lac_yaml_get(node, "path"))
        say(d, false, "its limit to some paths is left out: it holds for all texts");
    return true;
}

/* Rules had no id once. */
static struct lac_str gitleaks_name(const struct lac_yaml *node)
{
    struct lac_str id = optional_text(lac_yaml_get(node, "id"));

    return id.len > 0 ? id : optional_text(lac_yaml_get(node, "description"));
}

static uint32_t gitleaks_entropy(const struct draft *d, const struct lac_yaml *node)
{
    uint64_t millionths = 0;

    if (optional_text(node).len > 0 &&
        lac_yaml_millionths(node, 8000000, &millionths, NULL) != LAC_OK)
        say(d, false, "its entropy is no number between 0 and 8");
    return (uint32_t)(millionths / 1000);
}

static void gitleaks_rule(struct draft *d, const struct lac_yaml *root, const struct lac_yaml *node,
                          struct lac_buf *out)
{
    static const struct lac_str tags[] = {{"SECRET", 6}};
    struct lac_pack_import_regex r = {.in = optional_text(lac_yaml_get(node, "regex"))};
    uint64_t number = 0;

    draft_begin(d, node, gitleaks_name(node), 1);
    if (!gitleaks_limits(d, root, node))
        return;
    d->rule.description = optional_text(lac_yaml_get(node, "description"));
    d->rule.tags = tags;
    d->rule.tag_count = 1;
    d->rule.min_entropy = gitleaks_entropy(d, lac_yaml_get(node, "entropy"));
    if (lac_yaml_number(lac_yaml_get(node, "secretGroup"), 63, &number, NULL) == LAC_OK)
        r.group = (unsigned)number;
    add_context(d, lac_yaml_get(node, "keywords"));
    gitleaks_allows(d, node, true);
    /* Words that excuse a value must not be looked for in its name. */
    r.whole = d->rule.context_count == 0 || d->allow_count == 0;
    if (!set_pattern(d, &r, d->rule.context_count > 0))
        return;
    if (!d->split && has_keyword(d, r.in)) { /* no need to ask for it again */
        d->rule.context_count = 0;
        d->rule.context_window = 0;
    }
    gitleaks_allows(d, root, false);
    draft_end(d, out);
}

/* What the file says for all rules. */
static void gitleaks_file(struct draft *d, const struct lac_yaml *root)
{
    const struct lac_yaml *extend = lac_yaml_get(root, "extend");

    d->name = LAC_STR("");
    d->at = extend;
    if (lac_str_is(optional_text(lac_yaml_get(extend, "useDefault")), "true"))
        say(d, false,
            "[extend] useDefault is left out: the built-in pack has rules for these "
            "forms; or import the default configuration, too");
    else if (extend)
        say(d, false, "[extend] is left out: import the file that it names, too");
    if (lac_yaml_get(extend, "disabledRules"))
        say(d, false,
            "[extend] disabledRules are left out: pack.yaml has `disable` for rules "
            "that are inherited");
    d->at = lac_yaml_get(root, "allowlist");
    d->at = d->at ? d->at : lac_yaml_get(root, "allowlists");
    gitleaks_allows(d, root, true);
    d->allow_count = 0;
}

static enum lac_status gitleaks(struct draft *d, struct lac_buf *out, struct lac_err *err)
{
    struct lac_yaml *root = NULL;
    const struct lac_yaml *rules;
    enum lac_status status = lac_toml_parse(&root, d->pool, d->im->name, d->im->data, err);

    if (status != LAC_OK)
        return status;
    rules = lac_yaml_get(root, "rules");
    if (!rules && (lac_yaml_get(root, "extend") || lac_yaml_get(root, "allowlist") ||
                   lac_yaml_get(root, "allowlists") || lac_yaml_get(root, "whitelist"))) {
        gitleaks_file(d, root);
        return LAC_OK;
    }
    if (!rules || rules->kind != LAC_YAML_SEQUENCE)
        return lac_yaml_fail(root, err,
                             "there are no [[rules]]: is this a configuration of gitleaks?");
    gitleaks_file(d, root);
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

    add_context(d, lac_yaml_get(node, "context"));
    for (const struct lac_yaml *c = languages ? languages->first : NULL; c; c = c->next)
        add_context(d, lac_yaml_get(c, "context"));
}

static void presidio_pattern(struct draft *d, const struct lac_yaml *node,
                             const struct lac_yaml *pattern, struct lac_str entity, unsigned number,
                             struct lac_buf *out)
{
    struct lac_pack_import_regex r = {.in = optional_text(lac_yaml_get(pattern, "regex")),
                                      .nocase = true,
                                      .dotall = true,
                                      .whole = true};
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
    if (!set_pattern(d, &r, false))
        return;
    draft_end(d, out);
}

/* Whether it has anything to carry over; else it is said why not. */
static bool presidio_usable(const struct draft *d, const struct lac_yaml *node)
{
    bool has = lac_yaml_get(node, "patterns") || lac_yaml_get(node, "deny_list");

    if (lac_str_is(optional_text(lac_yaml_get(node, "enabled")), "false"))
        say(d, true, "it is switched off there (enabled: false)");
    else if (node->kind != LAC_YAML_MAPPING || !has ||
             lac_str_is(optional_text(lac_yaml_get(node, "type")), "predefined"))
        say(d, true,
            "it has neither patterns nor a deny_list of its own: what Presidio's code finds by "
            "its form, the built-in pack finds, too; what a language model finds does not come "
            "over");
    else if (d->entity[0] == '\0')
        say(d, true, "it has no supported_entity");
    else
        return true;
    return false;
}

static void presidio_deny(struct draft *d, const struct lac_yaml *node, struct lac_str entity,
                          unsigned number, struct lac_buf *out)
{
    const struct lac_yaml *deny = lac_yaml_get(node, "deny_list");
    uint64_t score = LAC_DECIDE_PPM;

    if (!deny)
        return;
    draft_begin(d, deny, entity, number);
    if (lac_yaml_millionths(lac_yaml_get(node, "deny_list_score"), LAC_DECIDE_PPM, &score, NULL) !=
            LAC_OK ||
        score == 0)
        score = LAC_DECIDE_PPM;
    d->rule.score = (uint32_t)score;
    if (lac_yaml_texts(deny, d->pool, &d->rule.phrases, &d->rule.phrase_count, NULL) != LAC_OK ||
        d->rule.phrase_count == 0) {
        say(d, true, "its deny_list is no list of texts");
        return;
    }
    if (score < LAC_MATCH_SCORE_COUNTS)
        say(d, false, "a score below 0.5 and no context words: its hits never count");
    draft_end(d, out);
}

static void presidio_recognizer(struct draft *d, const struct lac_yaml *node, struct lac_buf *out)
{
    const struct lac_yaml *patterns = lac_yaml_get(node, "patterns");
    const struct lac_yaml *entities = lac_yaml_get(node, "supported_entities");
    struct lac_str entity = optional_text(lac_yaml_get(node, "supported_entity"));
    struct lac_str name = optional_text(lac_yaml_get(node, "name"));
    unsigned number = 1;

    if (entity.len == 0 && entities && entities->first)
        entity = optional_text(entities->first);
    draft_begin(d, node, entity, 1);
    d->name = name.len > 0 ? name : entity.len > 0 ? entity : optional_text(node);
    if (!presidio_usable(d, node))
        return;
    for (const struct lac_yaml *c = patterns ? patterns->first : NULL; c; c = c->next)
        presidio_pattern(d, node, c, entity, number++, out);
    presidio_deny(d, node, entity, number, out);
}

/* The list of recognizers: of a registry's file, of an analyzer's, of a request, or the file is
 * it. NULL: there is none. */
static const struct lac_yaml *presidio_list(const struct lac_yaml *root)
{
    const struct lac_yaml *registry = lac_yaml_get(root, "recognizer_registry");
    const struct lac_yaml *list = lac_yaml_get(registry ? registry : root, "recognizers");

    if (root->kind == LAC_YAML_SEQUENCE)
        return root;
    if (!list)
        list = lac_yaml_get(root, "ad_hoc_recognizers");
    return list && list->kind == LAC_YAML_SEQUENCE ? list : NULL;
}

static enum lac_status presidio(struct draft *d, struct lac_buf *out, struct lac_err *err)
{
    struct lac_yaml *root = NULL;
    const struct lac_yaml *list;
    enum lac_status status = lac_yaml_parse(&root, d->pool, d->im->name, d->im->data, err);

    if (status != LAC_OK)
        return status;
    list = presidio_list(root);
    if (!list && (lac_yaml_get(root, "patterns") || lac_yaml_get(root, "deny_list"))) {
        presidio_recognizer(d, root, out);
        return LAC_OK;
    }
    if (!list)
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
    lac_buf_printf(
        out,
        "# Made by `lacuna pack import` from %.*s. The rules have no examples yet: add "
        "three texts\n# that each has to find and three that it must not, then run "
        "`lacuna pack lint`. Each makes a text\n# PROPRIETARY: lower its tier where that "
        "is too much.\nrules:",
        LAC_STR_FMT(im->name));
    status = im->kind == LAC_PACK_IMPORT_GITLEAKS ? gitleaks(d, out, err) : presidio(d, out, err);
    lac_buf_put_text(out, im->taken ? "\n" : " []\n");
    lac_buf_deinit(&d->pattern);
    lac_pack_pool_deinit(&pool);
    if (status == LAC_OK && !lac_buf_ok(out))
        return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory for the rules");
    return status;
}
