/* SPDX-License-Identifier: Apache-2.0 */
/* rules.yaml and the YAML files of rules/: `rules:`, a list, and `defaults:`. */
#include "lac_pack_internal.h"

#include "lac_clock.h"

static const char *const rule_keys[] = {
    "id",       "entity",  "tier",        "strength",  "score",   "likelihoods",
    "detector", "pattern", "validator",   "count",     "phrases", "min_entropy",
    "except",   "allow",   "context",     "redaction", "tags",    "source",
    "basis",    "checked", "description", "examples",  NULL};

/* What `defaults:` may say for all rules of its file that say nothing themselves. Not `checked`:
 * a rule that is added later would inherit a check that nobody made. */
static const char *const default_keys[] = {
    "entity",  "tier",        "strength",  "score", "likelihoods", "except", "allow",
    "context", "min_entropy", "redaction", "tags",  "source",      "basis",  NULL};

/* A rule and the defaults of its file. */
struct rule_node {
    const struct lac_yaml *own;
    const struct lac_yaml *defaults; /* NULL: none */
};

static const struct lac_yaml *get(const struct rule_node *n, const char *key)
{
    const struct lac_yaml *own = lac_yaml_get(n->own, key);

    return own || !n->defaults ? own : lac_yaml_get(n->defaults, key);
}

/* Names that the engine gives to what is no rule of a pack. */
static const char *const reserved_ids[] = {"project", "customer",     "term",   "path", "table",
                                           "column",  "claimed-tier", "parent", NULL};

static enum lac_status check_id(const struct lac_pack *p, const struct lac_yaml *node,
                                struct lac_str id, struct lac_err *err)
{
    if (id.len == 0)
        return lac_yaml_fail(node, err, "a rule needs an id");
    for (size_t i = 0; i < id.len; i++) {
        unsigned char c = (unsigned char)id.ptr[i];

        if (id.len > 64 ||
            !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'))
            return lac_yaml_fail(node, err,
                                 "an id is up to 64 of a-z, 0-9, '-', '.' and '_', for example "
                                 "'us-ssn'");
    }
    for (const char *const *r = reserved_ids; *r; r++)
        if (lac_str_is(id, *r))
            return lac_yaml_fail(node, err, "the id '%s' is the engine's own", *r);
    for (size_t i = 0; i + 1 < p->rule_count; i++)
        if (lac_str_eq(p->rules[i].id, id) && lac_pack_is_inherited(node->file) &&
            !lac_pack_is_inherited(p->where[i]->file))
            return lac_yaml_fail(p->where[i], err,
                                 "the id '%.*s' is a built-in rule's; choose another one, or name "
                                 "it in pack.yaml under `disable` to replace that rule",
                                 LAC_STR_FMT(id));
        else if (lac_str_eq(p->rules[i].id, id))
            return lac_yaml_fail(node, err, "the id '%.*s' is used on line %u of %.*s already",
                                 LAC_STR_FMT(id), p->where[i]->line,
                                 LAC_STR_FMT(p->where[i]->file));
    return LAC_OK;
}

static enum lac_status load_context(struct lac_pack *p, struct lac_match_rule *r,
                                    const struct lac_yaml *node, struct lac_err *err)
{
    static const char *const keys[] = {"words", "window", "boost", NULL};
    uint64_t window = 64;
    uint64_t boost = 0;
    enum lac_status status;

    if (!node)
        return LAC_OK;
    status = lac_yaml_keys(node, "context", keys, err);
    if (status == LAC_OK)
        status = lac_yaml_texts(lac_yaml_get(node, "words"), &p->pool, &r->context,
                                &r->context_count, err);
    if (status == LAC_OK)
        status = lac_yaml_number(lac_yaml_get(node, "window"), LAC_MATCH_WINDOW_MAX, &window, err);
    if (status == LAC_OK)
        status = lac_yaml_millionths(lac_yaml_get(node, "boost"), LAC_DECIDE_PPM, &boost, err);
    r->context_window = (uint32_t)window;
    r->context_boost = (uint32_t)boost;
    if (status == LAC_OK && r->context_count == 0)
        return lac_yaml_fail(node, err, "context needs words");
    return status;
}

static enum lac_status load_examples(struct lac_pack *p, struct lac_pack_examples *e,
                                     const struct lac_yaml *node, struct lac_err *err)
{
    static const char *const keys[] = {"match", "no_match", NULL};
    enum lac_status status;

    if (!node)
        return LAC_OK;
    status = lac_yaml_keys(node, "examples", keys, err);
    if (status == LAC_OK)
        status =
            lac_yaml_texts(lac_yaml_get(node, "match"), &p->pool, &e->match, &e->match_count, err);
    if (status == LAC_OK)
        status = lac_yaml_texts(lac_yaml_get(node, "no_match"), &p->pool, &e->no_match,
                                &e->no_match_count, err);
    return status;
}

/* How strong: a floor has a tier, an opinion has likelihoods, an allow rule has both by itself. */
static enum lac_status load_strength(struct lac_pack *p, struct lac_match_rule *r,
                                     const struct rule_node *node, struct lac_err *err)
{
    static const char *const strengths[] = {"floor", "opinion", "allow", NULL};
    const struct lac_yaml *likelihoods = get(node, "likelihoods");
    unsigned strength = LAC_MATCH_FLOOR;
    enum lac_status status;

    status = lac_yaml_choice(get(node, "strength"), strengths, &strength, err);
    if (status == LAC_OK)
        status = lac_yaml_tier(get(node, "tier"), &r->tier, err);
    if (status == LAC_OK)
        status = lac_yaml_by_tier(likelihoods, LAC_DECIDE_PPM, r->likelihood, err);
    if (status != LAC_OK)
        return status;
    r->strength = (enum lac_match_strength)strength;
    if (r->strength != LAC_MATCH_ALLOW && !get(node, "tier"))
        return lac_yaml_fail(node->own, err, "a rule needs a tier");
    if (r->strength == LAC_MATCH_FLOOR && r->tier == LAC_TIER_PUBLIC)
        return lac_yaml_fail(node->own, err,
                             "a floor of PUBLIC says nothing; to call texts public use "
                             "strength: allow");
    if (r->strength == LAC_MATCH_FLOOR && likelihoods)
        return lac_yaml_fail(likelihoods, err, "a floor has no likelihoods");
    if (r->strength != LAC_MATCH_FLOOR && !likelihoods)
        return lac_yaml_fail(node->own, err, "%s needs likelihoods", strengths[strength]);
    if (r->strength == LAC_MATCH_ALLOW)
        r->tier = LAC_TIER_PUBLIC;
    if (r->strength != LAC_MATCH_FLOOR && ++p->opinion_rules > LAC_PACK_OPINION_RULE_MAX)
        return lac_yaml_fail(node->own, err, "more than %d rules with likelihoods",
                             LAC_PACK_OPINION_RULE_MAX);
    return LAC_OK;
}

static enum lac_status unknown(const struct lac_yaml *node, const char *what,
                               const char *(*at)(size_t), struct lac_err *err)
{
    const char *names[256] = {NULL};
    const char *near;

    for (size_t i = 0; i + 1 < LAC_COUNT(names) && at(i); i++)
        names[i] = at(i);
    near = lac_yaml_nearest(node->text, names);
    return lac_yaml_fail(node, err, "there is no %s '%.*s'%s%s%s", what, LAC_STR_FMT(node->text),
                         near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static enum lac_status load_validator(struct lac_match_rule *r, const struct lac_yaml *node,
                                      struct lac_err *err)
{
    enum lac_status status = lac_yaml_text(node, &r->validator, err);

    if (status == LAC_OK && node && !lac_match_validator_known(r->validator))
        return unknown(node, "validator", lac_match_validator_at, err);
    return status;
}

static const char *const basis_names[] = {"none",     "specification", "documented",
                                          "practice", "own",           NULL};

const char *lac_pack_basis_name(enum lac_match_basis basis)
{
    return basis_names[basis];
}

/* ISO 8601, extended form of a calendar date: a day that there is. */
static bool is_date(struct lac_str s)
{
    unsigned part[3] = {0};
    unsigned n = 0;

    if (s.len != 10)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        bool dash = i == 4 || i == 7;

        if (dash ? s.ptr[i] != '-' : s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        if (dash)
            n++;
        else
            part[n] = part[n] * 10 + (unsigned)(s.ptr[i] - '0');
    }
    return lac_clock_is_date(part[0], part[1], part[2]);
}

static enum lac_status load_checked(struct lac_match_rule *r, const struct lac_yaml *at,
                                    struct lac_err *err)
{
    enum lac_status status = lac_yaml_text(at, &r->checked, err);

    if (status != LAC_OK || !at)
        return status;
    if (!is_date(r->checked))
        return lac_yaml_fail(at, err, "checked is a day, for example 2026-11-21");
    if (r->source.len == 0)
        return lac_yaml_fail(at, err, "checked needs a source: which text was read");
    return LAC_OK;
}

/* Where the form is from, how well it is documented there, and when somebody last looked. */
static enum lac_status load_origin(struct lac_match_rule *r, const struct rule_node *node,
                                   struct lac_err *err)
{
    const struct lac_yaml *at = get(node, "basis");
    unsigned basis = 0; /* counted from the second name: nobody writes the first */
    enum lac_status status = lac_yaml_text(get(node, "source"), &r->source, err);

    if (status == LAC_OK && at)
        status = lac_yaml_choice(at, basis_names + 1, &basis, err);
    if (status == LAC_OK)
        status = load_checked(r, lac_yaml_get(node->own, "checked"), err);
    if (status != LAC_OK || !at)
        return status;
    r->basis = (enum lac_match_basis)(basis + 1);
    if (r->source.len == 0 &&
        (r->basis == LAC_MATCH_BASIS_SPECIFICATION || r->basis == LAC_MATCH_BASIS_DOCUMENTED))
        return lac_yaml_fail(at, err, "a basis of %s needs a source: which text states the form",
                             lac_pack_basis_name(r->basis));
    return LAC_OK;
}

/* Numbers and words about a hit that have nothing to do with where it is found. */
static enum lac_status load_rest(struct lac_match_rule *r, const struct rule_node *node,
                                 struct lac_err *err)
{
    static const char *const redactions[] = {"replace", "mask", "last4", "hash", NULL};
    unsigned redaction = LAC_MATCH_REDACT_REPLACE;
    uint64_t entropy = 0;
    uint64_t count = 0;
    enum lac_status status;

    status =
        lac_yaml_millionths(get(node, "min_entropy"), 8 * (uint64_t)LAC_DECIDE_PPM, &entropy, err);
    if (status == LAC_OK)
        status = lac_yaml_number(get(node, "count"), LAC_MATCH_COUNT_MAX, &count, err);
    if (status == LAC_OK)
        status = lac_yaml_choice(get(node, "redaction"), redactions, &redaction, err);
    if (status == LAC_OK)
        status = load_origin(r, node, err);
    if (status == LAC_OK)
        status = lac_yaml_text(get(node, "description"), &r->description, err);
    r->min_entropy = (uint32_t)(entropy / 1000);
    r->count = (uint32_t)count;
    r->redaction = (enum lac_match_redaction)redaction;
    return status;
}

static enum lac_status load_what(struct lac_pack *p, struct lac_match_rule *r,
                                 const struct rule_node *node, struct lac_err *err)
{
    const struct lac_yaml *detector = get(node, "detector");
    enum lac_status status = lac_yaml_text(detector, &r->detector, err);

    if (status == LAC_OK && detector && !lac_match_detector_known(r->detector)) {
        return unknown(detector, "detector", lac_match_detector_at, err);
    }
    if (status == LAC_OK)
        status = lac_yaml_text(get(node, "pattern"), &r->pattern, err);
    if (status == LAC_OK)
        status = load_validator(r, get(node, "validator"), err);
    if (status == LAC_OK)
        status = lac_yaml_texts(get(node, "phrases"), &p->pool, &r->phrases, &r->phrase_count, err);
    if (status == LAC_OK)
        status = lac_yaml_texts(get(node, "except"), &p->pool, &r->except, &r->except_count, err);
    if (status == LAC_OK)
        status = lac_yaml_texts(get(node, "allow"), &p->pool, &r->allow, &r->allow_count, err);
    if (status == LAC_OK)
        status = lac_yaml_texts(get(node, "tags"), &p->pool, &r->tags, &r->tag_count, err);
    return status;
}

static enum lac_status fill_rule(struct lac_pack *p, struct lac_match_rule *r,
                                 const struct rule_node *node, struct lac_err *err)
{
    uint64_t score = LAC_DECIDE_PPM;
    enum lac_status status = lac_yaml_keys(node->own, "a rule", rule_keys, err);

    if (status == LAC_OK)
        status = lac_yaml_text(get(node, "id"), &r->id, err);
    if (status == LAC_OK)
        status = check_id(p, node->own, r->id, err);
    if (status == LAC_OK)
        status = lac_yaml_text(get(node, "entity"), &r->entity, err);
    if (status == LAC_OK)
        status = load_strength(p, r, node, err);
    if (status == LAC_OK)
        status = lac_yaml_millionths(get(node, "score"), LAC_DECIDE_PPM, &score, err);
    r->score = (uint32_t)score;
    if (status == LAC_OK)
        status = load_what(p, r, node, err);
    if (status == LAC_OK)
        status = load_rest(r, node, err);
    if (status == LAC_OK)
        status = load_context(p, r, get(node, "context"), err);
    if (status == LAC_OK)
        status = load_examples(p, &p->examples[p->rule_count - 1], get(node, "examples"), err);
    return status;
}

/* A rule that is inherited and disabled is not even loaded, so that one of the pack's own may have
 * its id. */
static bool is_disabled(struct lac_pack *p, const struct lac_yaml *own)
{
    const struct lac_yaml *id = lac_yaml_get(own, "id");

    for (size_t i = 0; id && lac_pack_is_inherited(own->file) && i < p->disabled_count; i++)
        if (lac_str_eq(p->disabled[i], id->text)) {
            p->disabled_done[i] = true;
            return true;
        }
    return false;
}

static enum lac_status load_rule(struct lac_pack *p, const struct rule_node *node,
                                 struct lac_err *err)
{
    struct lac_match_rule *r;
    enum lac_status status;

    if (is_disabled(p, node->own))
        return LAC_OK;
    r = lac_pack_rule_new(p, node->own, err);
    if (!r)
        return err->status;
    status = fill_rule(p, r, node, err);
    if (lac_pack_forgive(p, status, err)) {
        p->rule_count--;
        status = LAC_OK;
    }
    return status;
}

enum lac_status lac_pack_load_rules(struct lac_pack *p, const struct lac_yaml *root,
                                    struct lac_err *err)
{
    static const char *const keys[] = {"rules", "defaults", NULL};
    const struct lac_yaml *rules = lac_yaml_get(root, "rules");
    const struct lac_yaml *defaults = lac_yaml_get(root, "defaults");
    enum lac_status status = lac_yaml_keys(root, "a rules file", keys, err);

    if (status == LAC_OK && defaults)
        status = lac_yaml_keys(defaults, "defaults", default_keys, err);
    if (lac_pack_forgive(p, status, err))
        status = LAC_OK;
    if (status != LAC_OK || !rules)
        return status;
    if (rules->kind != LAC_YAML_SEQUENCE)
        return lac_yaml_fail(rules, err, "rules must be a list");
    for (const struct lac_yaml *c = rules->first; c && status == LAC_OK; c = c->next) {
        struct rule_node node = {c, defaults};

        status = load_rule(p, &node, err);
    }
    return status;
}
