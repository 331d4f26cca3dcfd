/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of gitleaks: a pattern, keywords of which a text has one, and allow-lists, of the rule
 * or of the file.
 */
#include "lac_pack_import_draft.h"

#include <ctype.h>
#include <string.h>

#include "lac_pack_toml.h"

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
    struct lac_str condition = lac_pack_import_text(lac_yaml_get(list, "condition"));
    unsigned count = 0;

    for (size_t i = 0; i < LAC_COUNT(kinds); i++)
        count += lac_yaml_get(list, kinds[i]) != NULL;
    return count > 1 && (lac_str_is(condition, "AND") || lac_str_is(condition, "and") ||
                         lac_str_is(condition, "&&"));
}

/* What is not carried over of one allow-list. */
static void say_allow(const struct lac_pack_draft *d, const struct lac_yaml *list, size_t lost)
{
    if (asks_for_all(list)) {
        lac_pack_draft_say(
            d, false,
            "an allow-list that asks for several things at once is left out: ours hold "
            "texts, whatever the file");
        return;
    }
    if (lost)
        lac_pack_draft_say(d, false,
                           "%zu pattern%s of its allow-list %s left out: ours hold texts only",
                           lost, lost == 1 ? "" : "s", lost == 1 ? "is" : "are");
    if (lac_yaml_get(list, "paths") || lac_yaml_get(list, "commits"))
        lac_pack_draft_say(
            d, false, "allow-lists of paths and commits belong into .lacunaignore and baselines");
}

/* Takes what texts the list has; what it has else is said if `tell`. */
static void gitleaks_allow(struct lac_pack_draft *d, const struct lac_yaml *list, bool tell)
{
    const struct lac_yaml *stop = lac_yaml_get(list, "stopwords");
    const struct lac_yaml *regexes = lac_yaml_get(list, "regexes");
    bool all = asks_for_all(list);
    bool line = lac_str_is(lac_pack_import_text(lac_yaml_get(list, "regexTarget")), "line");
    size_t lost = 0;

    for (const struct lac_yaml *c = stop && !all ? stop->first : NULL; c; c = c->next)
        lac_pack_draft_allow(d, lac_pack_import_text(c), true);
    for (const struct lac_yaml *c = regexes && !all ? regexes->first : NULL; c; c = c->next) {
        struct lac_str text;
        bool inside;

        if (!line && plain_text(lac_pack_import_text(c), &text, &inside))
            lac_pack_draft_allow(d, text, inside);
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
        if (lac_str_eq(lac_pack_import_text(c), rule))
            return true;
    return !names;
}

/* The lists of a rule, or those of the file that are for the rule in hand. */
static void gitleaks_allows(struct lac_pack_draft *d, const struct lac_yaml *of, bool tell)
{
    const struct lac_yaml *one = lac_yaml_get(of, "allowlist");
    const struct lac_yaml *many = lac_yaml_get(of, "allowlists");

    if (one && one->kind == LAC_YAML_MAPPING)
        gitleaks_allow(d, one, tell);
    for (const struct lac_yaml *c = many ? many->first : NULL; c; c = c->next)
        if (tell || targets(c, d->name))
            gitleaks_allow(d, c, tell);
    if (tell && lac_yaml_get(of, "whitelist"))
        lac_pack_draft_say(d, false,
                           "a [whitelist], as allow-lists were once written, is left out");
}

/* Letters and digits only: "message[_-]?bird" and "message_bird" are the same. */
static struct lac_str letters_of(struct lac_pack_draft *d, struct lac_str s)
{
    char *out = lac_pack_pool_alloc(d->pool, s.len + 1);
    size_t n = 0;

    for (size_t i = 0; out && i < s.len; i++)
        if (isalnum((unsigned char)s.ptr[i]))
            out[n++] = (char)tolower((unsigned char)s.ptr[i]);
    return (struct lac_str){out, n};
}

/* Whether one of the words that a text must hold stands in the pattern itself. */
static bool has_keyword(struct lac_pack_draft *d, struct lac_str regex)
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
static bool gitleaks_limits(const struct lac_pack_draft *d, const struct lac_yaml *root,
                            const struct lac_yaml *node)
{
    bool has_regex = lac_pack_import_text(lac_yaml_get(node, "regex")).len > 0;

    if (d->entity[0] == '\0') {
        lac_pack_draft_say(d, true, "it has neither an id nor a description");
        return false;
    }
    if (!has_regex) {
        lac_pack_draft_say(
            d, true,
            !lac_yaml_get(node, "path") && lac_yaml_get(root, "extend")
                ? "it only changes a rule of the file that is extended: change that one"
                : "it has no pattern for texts; paths belong into terms/, under `paths`");
        return false;
    }
    if (lac_str_is(lac_pack_import_text(lac_yaml_get(node, "skipReport")), "true")) {
        lac_pack_draft_say(d, true, "it is only there for other rules to demand (skipReport)");
        return false;
    }
    if (lac_yaml_get(node, "required"))
        lac_pack_draft_say(
            d, false, "its demand for hits of other rules nearby is left out: it stands alone");
    if (lac_yaml_get(node, "path"))
        lac_pack_draft_say(d, false, "its limit to some paths is left out: it holds for all texts");
    return true;
}

/* Rules had no id once. */
static struct lac_str gitleaks_name(const struct lac_yaml *node)
{
    struct lac_str id = lac_pack_import_text(lac_yaml_get(node, "id"));

    return id.len > 0 ? id : lac_pack_import_text(lac_yaml_get(node, "description"));
}

static uint32_t gitleaks_entropy(const struct lac_pack_draft *d, const struct lac_yaml *node)
{
    uint64_t millionths = 0;

    if (lac_pack_import_text(node).len > 0 &&
        lac_yaml_millionths(node, 8000000, &millionths, NULL) != LAC_OK)
        lac_pack_draft_say(d, false, "its entropy is no number between 0 and 8");
    return (uint32_t)(millionths / 1000);
}

static void gitleaks_rule(struct lac_pack_draft *d, const struct lac_yaml *root,
                          const struct lac_yaml *node, struct lac_buf *out)
{
    static const struct lac_str tags[] = {{"SECRET", 6}};
    struct lac_pack_import_regex r = {.in = lac_pack_import_text(lac_yaml_get(node, "regex"))};
    uint64_t number = 0;

    lac_pack_draft_begin(d, node, gitleaks_name(node), 1);
    if (!gitleaks_limits(d, root, node))
        return;
    d->rule.description = lac_pack_import_text(lac_yaml_get(node, "description"));
    d->rule.tags = tags;
    d->rule.tag_count = 1;
    d->rule.min_entropy = gitleaks_entropy(d, lac_yaml_get(node, "entropy"));
    if (lac_yaml_number(lac_yaml_get(node, "secretGroup"), 63, &number, NULL) == LAC_OK)
        r.group = (unsigned)number;
    lac_pack_draft_context(d, lac_yaml_get(node, "keywords"));
    gitleaks_allows(d, node, true);
    /* Words that excuse a value must not be looked for in its name. */
    r.whole = d->rule.context_count == 0 || d->allow_count == 0;
    if (!lac_pack_draft_pattern(d, &r, d->rule.context_count > 0))
        return;
    if (!d->split && has_keyword(d, r.in)) { /* no need to ask for it again */
        d->rule.context_count = 0;
        d->rule.context_window = 0;
    }
    gitleaks_allows(d, root, false);
    lac_pack_draft_end(d, out);
}

/* What the file says for all rules. */
static void gitleaks_file(struct lac_pack_draft *d, const struct lac_yaml *root)
{
    const struct lac_yaml *extend = lac_yaml_get(root, "extend");

    d->name = LAC_STR("");
    d->at = extend;
    if (lac_str_is(lac_pack_import_text(lac_yaml_get(extend, "useDefault")), "true"))
        lac_pack_draft_say(d, false,
                           "[extend] useDefault is left out: the built-in pack has rules for these "
                           "forms; or import the default configuration, too");
    else if (extend)
        lac_pack_draft_say(d, false, "[extend] is left out: import the file that it names, too");
    if (lac_yaml_get(extend, "disabledRules"))
        lac_pack_draft_say(d, false,
                           "[extend] disabledRules are left out: pack.yaml has `disable` for rules "
                           "that are inherited");
    d->at = lac_yaml_get(root, "allowlist");
    d->at = d->at ? d->at : lac_yaml_get(root, "allowlists");
    gitleaks_allows(d, root, true);
    d->allow_count = 0;
}

enum lac_status lac_pack_import_gitleaks(struct lac_pack_draft *d, struct lac_buf *out,
                                         struct lac_err *err)
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
