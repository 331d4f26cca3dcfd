/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pack_lint_rules.h"

#include <stdlib.h>
#include <string.h>

#include "lac_pack_cost.h"
#include "lac_pack_internal.h"
#include "lac_pack_try.h"

enum {
    EXAMPLES_MIN = 3,       /* of either kind */
    QUOTE_MAX = 60,         /* bytes of an example in a finding */
    STEPS_WARN = 128,       /* per byte of text: about a microsecond for ten bytes */
    LIKELIHOOD_FLOOR = 500, /* ppm: beyond 1 in 2000 an opinion is as good as a floor */
};

struct context {
    struct lac_pack *p;
    struct lac_err *err;
};

static int quote(struct lac_str text)
{
    return (int)(text.len > QUOTE_MAX ? QUOTE_MAX : text.len);
}

static bool is_terms(const struct lac_match_rule *r)
{
    static const char *const ids[] = {"project", "customer", "term", "path", "table", "column"};

    for (size_t i = 0; i < LAC_COUNT(ids); i++)
        if (lac_str_is(r->id, ids[i]))
            return true;
    return false;
}

static struct lac_pack_remark remark(const struct lac_pack *p, size_t i, enum lac_pack_level level,
                                     const char *code, const char *key, const char *todo)
{
    const struct lac_yaml *at = key ? lac_yaml_get(p->where[i], key) : NULL;

    return (struct lac_pack_remark){.level = level,
                                    .code = code,
                                    .at = at ? at : p->where[i],
                                    .rule = p->rules[i].id,
                                    .todo = todo};
}

/* ---- examples ---- */

static const struct lac_yaml *example_at(const struct lac_yaml *rule, bool wanted, size_t example)
{
    const struct lac_yaml *list =
        lac_yaml_get(lac_yaml_get(rule, "examples"), wanted ? "match" : "no_match");
    const struct lac_yaml *at = list ? list->first : NULL;

    while (at && example-- > 0)
        at = at->next;
    return at ? at : rule;
}

static void on_failure(void *ctx, size_t rule, bool wanted, size_t example, struct lac_str text)
{
    struct context *c = ctx;
    struct lac_pack_remark r = {.level = LAC_PACK_ERROR,
                                .code = "example-fails",
                                .at = example_at(c->p->where[rule], wanted, example),
                                .rule = c->p->rules[rule].id,
                                .todo = wanted ? "widen the rule, or move the text to no_match"
                                               : "narrow the rule, or move the text to match"};

    lac_pack_say(c->p, &r, wanted ? "does not find '%.*s'" : "finds '%.*s'", quote(text), text.ptr);
}

static enum lac_status check_examples(struct context *c, struct lac_pack_try *t, size_t i)
{
    struct lac_pack_examples e = c->p->examples[i];
    size_t failed;

    if (e.match_count < EXAMPLES_MIN || e.no_match_count < EXAMPLES_MIN) {
        struct lac_pack_remark r =
            remark(c->p, i, LAC_PACK_WARNING, "examples-missing", "examples",
                   "add texts under examples: {match: [...], no_match: [...]}; in no_match, what "
                   "looks alike and is not meant");

        lac_pack_say(c->p, &r, "has %zu examples to match and %zu not to; three of each are least",
                     e.match_count, e.no_match_count);
    }
    return lac_pack_try_rule(t, i, on_failure, c, &failed, c->err);
}

/* A form that nobody can look up can't be corrected either. Names and marks are the organisation's
 * own. */
static void check_source(struct context *c, size_t i)
{
    const struct lac_match_rule *r = &c->p->rules[i];
    struct lac_pack_remark why =
        remark(c->p, i, LAC_PACK_NOTE, "source-missing", "pattern",
               "say under source: which page or standard states the form, or who in the "
               "organisation does");

    if (r->source.len == 0 && r->phrase_count == 0 && r->strength == LAC_MATCH_FLOOR)
        lac_pack_say(c->p, &why, "does not say where its form is from");
}

/* Whoever must show that a rule is right needs to know which forms were looked up. Of the built-in
 * pack everything is said; elsewhere a rule with a source may be asked how good that source is. */
static void check_basis(struct context *c, size_t i)
{
    const struct lac_match_rule *r = &c->p->rules[i];
    bool built_in = lac_str_is(lac_pack_name(c->p), "builtin");
    struct lac_pack_remark why =
        remark(c->p, i, built_in ? LAC_PACK_WARNING : LAC_PACK_NOTE, "basis-missing", "source",
               "say under basis: specification, documented, practice or own");

    if (r->basis == LAC_MATCH_BASIS_NONE && (built_in || r->source.len > 0))
        lac_pack_say(c->p, &why, "does not say how well its form is documented");
}

/* A label of the built-in pack is somebody's word that a text states the form; this says which of
 * them were held against that text. */
static void check_checked(struct context *c, size_t i)
{
    const struct lac_match_rule *r = &c->p->rules[i];
    struct lac_pack_remark why =
        remark(c->p, i, LAC_PACK_NOTE, "check-missing", "basis",
               "read the source, correct the rule, and say under checked: the day (YYYY-MM-DD)");

    if (lac_match_is_stated(r->basis) && r->checked.len == 0 &&
        lac_str_is(lac_pack_name(c->p), "builtin"))
        lac_pack_say(c->p, &why, "does not say when its form was last held against its source");
}

/* ---- rules that can't matter ---- */

/* Whether `hits` has one of rule `other` that covers all of rule `index`'s. */
static bool covered(const struct lac_match_hits *hits, size_t index, size_t other)
{
    for (size_t i = 0; i < hits->count; i++) {
        bool found = false;

        if (hits->at[i].rule != index)
            continue;
        for (size_t k = 0; k < hits->count && !found; k++)
            found = hits->at[k].rule == other && hits->at[k].start <= hits->at[i].start &&
                    hits->at[k].end >= hits->at[i].end;
        if (!found)
            return false;
    }
    return true;
}

static bool may_shadow(const struct lac_match_rule *r, const struct lac_match_rule *other)
{
    return other->strength == LAC_MATCH_FLOOR && other->tier >= r->tier &&
           r->strength != LAC_MATCH_ALLOW && lac_str_eq(r->entity, other->entity) &&
           other->score >= r->score;
}

/* Another rule of the same entity that finds as much in all examples, as strictly. */
static enum lac_status check_shadow(struct context *c, struct lac_pack_try *t, size_t i)
{
    struct lac_pack_examples e = c->p->examples[i];
    enum lac_status status = LAC_OK;
    bool *still = calloc(c->p->rule_count, sizeof(*still));
    bool any = false;

    if (!still)
        return lac_err_set(c->err, LAC_FATAL, 0, "pack: no memory");
    for (size_t k = 0; k < c->p->rule_count; k++) {
        still[k] = k != i && e.match_count >= EXAMPLES_MIN && !is_terms(&c->p->rules[k]) &&
                   may_shadow(&c->p->rules[i], &c->p->rules[k]);
        any = any || still[k];
    }
    for (size_t n = 0; any && n < e.match_count && status == LAC_OK; n++) {
        const struct lac_match_hits *hits;

        status = lac_pack_try_text(t, e.match[n], &hits, c->err);
        any = false;
        for (size_t k = 0; k < c->p->rule_count && status == LAC_OK; k++) {
            still[k] = still[k] && hits->rule_hit[i] && hits->rule_hit[k] && covered(hits, i, k);
            any = any || still[k];
        }
    }
    for (size_t k = 0; any && k < c->p->rule_count; k++)
        if (still[k]) {
            struct lac_pack_remark r =
                remark(c->p, i, LAC_PACK_NOTE, "never-hits", NULL,
                       "leave one of the two out, or add an example that only this one finds");

            lac_pack_say(c->p, &r, "all that its examples find, '%.*s' (%.*s:%u) finds too",
                         LAC_STR_FMT(c->p->rules[k].id), LAC_STR_FMT(c->p->where[k]->file),
                         c->p->where[k]->line);
            break;
        }
    free(still);
    return status;
}

static void check_same(struct context *c, size_t i)
{
    const struct lac_match_rule *r = &c->p->rules[i];

    for (size_t k = 0; k < i; k++) {
        const struct lac_match_rule *o = &c->p->rules[k];

        if (r->phrase_count > 0 || !lac_str_eq(r->pattern, o->pattern) ||
            !lac_str_eq(r->detector, o->detector) || !lac_str_eq(r->validator, o->validator) ||
            r->context_count > 0 || o->context_count > 0)
            continue;
        struct lac_pack_remark m = remark(c->p, i, LAC_PACK_WARNING, "duplicate-pattern", "pattern",
                                          "keep the stricter one");

        lac_pack_say(c->p, &m, "looks for the same as '%.*s' (%.*s:%u)", LAC_STR_FMT(o->id),
                     LAC_STR_FMT(c->p->where[k]->file), c->p->where[k]->line);
        return;
    }
}

/* ---- numbers ---- */

static void check_likelihood(struct context *c, size_t i)
{
    const struct lac_match_rule *r = &c->p->rules[i];
    const uint32_t *l = r->likelihood;
    struct lac_pack_remark m = remark(c->p, i, LAC_PACK_WARNING, "likelihood", "likelihoods", NULL);
    uint32_t most = 0, least = UINT32_MAX;

    if (r->strength == LAC_MATCH_FLOOR)
        return;
    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        most = l[t] > most ? l[t] : most;
        least = l[t] < least ? l[t] : least;
    }
    if (most == least) {
        m.todo = "say in which tier such texts are more common, or leave the rule out";
        lac_pack_say(c->p, &m, "the likelihoods are all the same: a hit changes nothing");
    } else if (l[r->tier] < most) {
        m.todo = "give that tier the highest likelihood, or the rule another tier";
        lac_pack_say(c->p, &m, "it says %s, but its likelihoods speak for another tier",
                     lac_tier_name(r->tier));
    } else if (r->strength == LAC_MATCH_OPINION &&
               (uint64_t)least * LAC_DECIDE_PPM / most < LIKELIHOOD_FLOOR) {
        m.todo = "if you are so sure, make it a floor; otherwise a ratio of 100 is a lot";
        lac_pack_say(c->p, &m, "one hit outweighs nearly all other evidence");
    }
}

static void check_score(struct context *c, size_t i)
{
    const struct lac_match_rule *r = &c->p->rules[i];
    struct lac_pack_remark m = remark(c->p, i, LAC_PACK_NOTE, "weak-rule", "score",
                                      "raise the score, or give it context words with a boost");

    if (r->score + r->context_boost < LAC_MATCH_SCORE_COUNTS)
        lac_pack_say(c->p, &m, "a score below 0.5 never counts: only tools that ask see its hits");
}

/* A pattern that nothing announces is tried wherever a byte fits: in the worst text at every one.
 */
static enum lac_status check_cost(struct context *c, size_t i)
{
    struct lac_pack_remark m =
        remark(c->p, i, LAC_PACK_WARNING, "pattern-slow", "pattern",
               "begin it with a literal or with \\b and a fixed shape, or demand context words");
    struct lac_pack_cost cost;
    enum lac_status status = lac_pack_cost(c->p, i, &cost, c->err);

    if (status != LAC_OK)
        return status;
    if (cost.trigger != LAC_PACK_TRIGGER_AUTOMATON && cost.steps <= STEPS_WARN)
        m.level = LAC_PACK_NOTE;
    if (cost.trigger == LAC_PACK_TRIGGER_AUTOMATON)
        lac_pack_say(c->p, &m, "only a slower matcher can carry it: %s", cost.what);
    else if (cost.trigger == LAC_PACK_TRIGGER_BYTES)
        lac_pack_say(c->p, &m, "nothing announces a match: up to %u steps for each byte of text",
                     cost.steps);
    return LAC_OK;
}

static enum lac_status check_all(struct context *c, struct lac_pack_try *t)
{
    enum lac_status status = LAC_OK;

    for (size_t i = 0; i < c->p->rule_count && status == LAC_OK; i++) {
        /* Nobody can do anything about an inherited rule but disable it. */
        if (is_terms(&c->p->rules[i]) || lac_pack_is_inherited(c->p->where[i]->file))
            continue;
        check_source(c, i);
        check_basis(c, i);
        check_checked(c, i);
        status = check_examples(c, t, i);
        if (status == LAC_OK)
            status = check_shadow(c, t, i);
        if (status == LAC_OK)
            status = check_cost(c, i);
        check_same(c, i);
        check_likelihood(c, i);
        check_score(c, i);
    }
    return status;
}

enum lac_status lac_pack_lint_rules(struct lac_pack *p, struct lac_err *err)
{
    struct context c = {p, err};
    struct lac_pack_try *t = NULL;
    enum lac_status status = lac_pack_try_open(&t, p, err);

    if (status == LAC_OK)
        status = check_all(&c, t);
    lac_pack_try_close(t);
    return status;
}
