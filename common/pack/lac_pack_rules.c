/* SPDX-License-Identifier: Apache-2.0 */
/* rules.yaml and the YAML files of rules/: `rules:`, a list. */
#include "lac_pack_internal.h"

static const char *const rule_keys[] = {
    "id",       "entity",  "tier",        "strength", "score", "likelihoods",
    "detector", "pattern", "phrases",     "except",   "allow", "context",
    "tags",     "source",  "description", "examples", NULL};

/* Names that the engine gives to what is no rule of a pack. */
static const char *const reserved_ids[] = {"project",      "customer", "term",
                                           "claimed-tier", "parent",   NULL};

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
        if (lac_str_eq(p->rules[i].id, id))
            return lac_yaml_fail(node, err, "the id '%.*s' is used on line %u of %.*s already",
                                 LAC_STR_FMT(id), p->where[i]->line,
                                 LAC_STR_FMT(p->where[i]->file));
    return LAC_OK;
}

static enum lac_status load_context(struct lac_pack *p, struct lac_match_rule *r,
                                    const struct lac_yaml *node, struct lac_err *err)
{
    static const char *const keys[] = {"words", "window", NULL};
    uint64_t window = 64;
    enum lac_status status;

    if (!node)
        return LAC_OK;
    status = lac_yaml_keys(node, "context", keys, err);
    if (status == LAC_OK)
        status = lac_yaml_texts(lac_yaml_get(node, "words"), &p->pool, &r->context,
                                &r->context_count, err);
    if (status == LAC_OK)
        status = lac_yaml_number(lac_yaml_get(node, "window"), LAC_MATCH_WINDOW_MAX, &window, err);
    r->context_window = (uint32_t)window;
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
                                     const struct lac_yaml *node, struct lac_err *err)
{
    static const char *const strengths[] = {"floor", "opinion", "allow", NULL};
    const struct lac_yaml *likelihoods = lac_yaml_get(node, "likelihoods");
    unsigned strength = LAC_MATCH_FLOOR;
    enum lac_status status;

    status = lac_yaml_choice(lac_yaml_get(node, "strength"), strengths, &strength, err);
    if (status == LAC_OK)
        status = lac_yaml_tier(lac_yaml_get(node, "tier"), &r->tier, err);
    if (status == LAC_OK)
        status = lac_yaml_by_tier(likelihoods, LAC_DECIDE_PPM, r->likelihood, err);
    if (status != LAC_OK)
        return status;
    r->strength = (enum lac_match_strength)strength;
    if (r->strength != LAC_MATCH_ALLOW && !lac_yaml_get(node, "tier"))
        return lac_yaml_fail(node, err, "a rule needs a tier");
    if (r->strength == LAC_MATCH_FLOOR && r->tier == LAC_TIER_PUBLIC)
        return lac_yaml_fail(node, err,
                             "a floor of PUBLIC says nothing; to call texts public use "
                             "strength: allow");
    if (r->strength == LAC_MATCH_FLOOR && likelihoods)
        return lac_yaml_fail(likelihoods, err, "a floor has no likelihoods");
    if (r->strength != LAC_MATCH_FLOOR && !likelihoods)
        return lac_yaml_fail(node, err, "%s needs likelihoods", strengths[strength]);
    if (r->strength == LAC_MATCH_ALLOW)
        r->tier = LAC_TIER_PUBLIC;
    if (r->strength != LAC_MATCH_FLOOR && ++p->opinion_rules > LAC_PACK_OPINION_RULE_MAX)
        return lac_yaml_fail(node, err, "more than %d rules with likelihoods",
                             LAC_PACK_OPINION_RULE_MAX);
    return LAC_OK;
}

static enum lac_status load_what(struct lac_pack *p, struct lac_match_rule *r,
                                 const struct lac_yaml *node, struct lac_err *err)
{
    const struct lac_yaml *detector = lac_yaml_get(node, "detector");
    enum lac_status status = lac_yaml_text(detector, &r->detector, err);

    if (status == LAC_OK && detector && !lac_match_detector_known(r->detector)) {
        const char *names[64] = {NULL};
        const char *near;

        for (size_t i = 0; i + 1 < LAC_COUNT(names) && lac_match_detector_at(i); i++)
            names[i] = lac_match_detector_at(i);
        near = lac_yaml_nearest(r->detector, names);
        return lac_yaml_fail(detector, err, "there is no detector '%.*s'%s%s%s",
                             LAC_STR_FMT(r->detector), near ? "; did you mean '" : "",
                             near ? near : "", near ? "'?" : "");
    }
    if (status == LAC_OK)
        status = lac_yaml_text(lac_yaml_get(node, "pattern"), &r->pattern, err);
    if (status == LAC_OK)
        status = lac_yaml_texts(lac_yaml_get(node, "phrases"), &p->pool, &r->phrases,
                                &r->phrase_count, err);
    if (status == LAC_OK)
        status = lac_yaml_texts(lac_yaml_get(node, "except"), &p->pool, &r->except,
                                &r->except_count, err);
    if (status == LAC_OK)
        status =
            lac_yaml_texts(lac_yaml_get(node, "allow"), &p->pool, &r->allow, &r->allow_count, err);
    if (status == LAC_OK)
        status = lac_yaml_texts(lac_yaml_get(node, "tags"), &p->pool, &r->tags, &r->tag_count, err);
    return status;
}

static enum lac_status load_rule(struct lac_pack *p, const struct lac_yaml *node,
                                 struct lac_err *err)
{
    struct lac_match_rule *r;
    enum lac_status status = lac_yaml_keys(node, "a rule", rule_keys, err);
    uint64_t score = LAC_DECIDE_PPM;

    if (status != LAC_OK)
        return status;
    r = lac_pack_rule_new(p, node, err);
    if (!r)
        return err->status;
    status = lac_yaml_text(lac_yaml_get(node, "id"), &r->id, err);
    if (status == LAC_OK)
        status = check_id(p, node, r->id, err);
    if (status == LAC_OK)
        status = lac_yaml_text(lac_yaml_get(node, "entity"), &r->entity, err);
    if (status == LAC_OK)
        status = load_strength(p, r, node, err);
    if (status == LAC_OK)
        status = lac_yaml_millionths(lac_yaml_get(node, "score"), LAC_DECIDE_PPM, &score, err);
    r->score = (uint32_t)score;
    if (status == LAC_OK)
        status = load_what(p, r, node, err);
    if (status == LAC_OK)
        status = load_context(p, r, lac_yaml_get(node, "context"), err);
    if (status == LAC_OK)
        status =
            load_examples(p, &p->examples[p->rule_count - 1], lac_yaml_get(node, "examples"), err);
    return status;
}

enum lac_status lac_pack_load_rules(struct lac_pack *p, const struct lac_yaml *root,
                                    struct lac_err *err)
{
    static const char *const keys[] = {"rules", NULL};
    const struct lac_yaml *rules = lac_yaml_get(root, "rules");
    enum lac_status status = lac_yaml_keys(root, "a rules file", keys, err);

    if (status != LAC_OK || !rules)
        return status;
    if (rules->kind != LAC_YAML_SEQUENCE)
        return lac_yaml_fail(rules, err, "rules must be a list");
    for (const struct lac_yaml *c = rules->first; c && status == LAC_OK; c = c->next)
        status = load_rule(p, c, err);
    return status;
}
