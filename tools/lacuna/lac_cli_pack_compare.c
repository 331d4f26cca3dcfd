/* SPDX-License-Identifier: Apache-2.0 */
/* Rules are the same when their ids are; names when they stand for the same list, tier and context
 * words, whatever file they come from. */
#include "lac_cli_pack_diff.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_buf.h"
#include "lac_head.h"
#include "lac_match.h"
#include "lac_records.h"

enum { TEXT_MAX = 64 << 10, LISTED_MAX = 20 };

struct compare {
    const struct lac_pack *a, *b;
    lac_cli_pack_change_fn *say;
    void *ctx;
    struct lac_buf text; /* of the change in hand */
};

static const char *const strength_names[] = {"floor", "opinion", "allow"};
static const char *const redaction_names[] = {"replace", "mask", "last4", "hash"};
static const char *const tier_words[] = {"public", "internal", "proprietary"};

static void say(struct compare *c, const char *kind, struct lac_str subject)
{
    c->say(c->ctx, kind, subject, lac_buf_cstr(&c->text));
    lac_buf_reset(&c->text);
}

static void sayf(struct compare *c, const char *kind, struct lac_str subject, const char *fmt, ...)
    LAC_PRINTF(4, 5);

static void sayf(struct compare *c, const char *kind, struct lac_str subject, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    lac_buf_vprintf(&c->text, fmt, args);
    va_end(args);
    say(c, kind, subject);
}

static bool is_names(struct lac_str id)
{
    static const char *const ids[] = {"project", "customer", "term", "path", "table", "column"};

    for (size_t i = 0; i < LAC_COUNT(ids); i++)
        if (lac_str_is(id, ids[i]))
            return true;
    return false;
}

/* ---- lists ---- */

static int by_text(const void *a, const void *b)
{
    return lac_str_cmp(*(const struct lac_str *)a, *(const struct lac_str *)b);
}

static struct lac_str *sorted(const struct lac_str *at, size_t count)
{
    struct lac_str *copy = malloc((count + 1) * sizeof(*copy));

    if (copy && count > 0) {
        memcpy(copy, at, count * sizeof(*copy));
        qsort(copy, count, sizeof(*copy), by_text);
    }
    return copy;
}

/* Appends what `x` has and `y` lacks; both sorted. */
static void put_missing(struct lac_buf *out, const char *label, const struct lac_str *x, size_t nx,
                        const struct lac_str *y, size_t ny)
{
    size_t k = 0, n = 0;

    for (size_t i = 0; i < nx; i++) {
        while (k < ny && lac_str_cmp(y[k], x[i]) < 0)
            k++;
        if ((k < ny && lac_str_eq(y[k], x[i])) || (i > 0 && lac_str_eq(x[i - 1], x[i])))
            continue;
        if (n < LISTED_MAX)
            lac_buf_printf(out, "%s'%.*s'", n ? ", " : label, LAC_STR_FMT(x[i]));
        n++;
    }
    if (n > LISTED_MAX)
        lac_buf_printf(out, " and %zu more", n - LISTED_MAX);
}

/* "; allow: without 'x', with 'y'". False: no memory. */
static bool put_lists(struct lac_buf *out, const char *what, const struct lac_str *x, size_t nx,
                      const struct lac_str *y, size_t ny)
{
    struct lac_str *a = sorted(x, nx);
    struct lac_str *b = sorted(y, ny);
    size_t start = out->len;

    if (a && b) {
        size_t before;

        lac_buf_printf(out, "%s%s: ", out->len ? "; " : "", what);
        before = out->len;
        put_missing(out, "without ", a, nx, b, ny);
        put_missing(out, out->len > before ? ", with " : "with ", b, ny, a, nx);
        if (out->len == before)
            out->len = start;
    }
    free(a);
    free(b);
    return a && b;
}

/* ---- rules ---- */

static void put_text(struct lac_buf *out, const char *what, struct lac_str x, struct lac_str y)
{
    if (lac_str_eq(x, y))
        return;
    lac_buf_put_text(out, out->len ? "; " : "");
    if (x.len == 0)
        lac_buf_printf(out, "%s '%.*s' added", what, LAC_STR_FMT(y));
    else if (y.len == 0)
        lac_buf_printf(out, "%s '%.*s' removed", what, LAC_STR_FMT(x));
    else
        lac_buf_printf(out, "%s '%.*s' -> '%.*s'", what, LAC_STR_FMT(x), LAC_STR_FMT(y));
}

static void put_number(struct lac_buf *out, const char *what, uint32_t x, uint32_t y, uint32_t unit)
{
    if (x != y)
        lac_buf_printf(out, "%s%s %.6g -> %.6g", out->len ? "; " : "", what, (double)x / unit,
                       (double)y / unit);
}

static bool put_rule_change(struct lac_buf *out, const struct lac_match_rule *x,
                            const struct lac_match_rule *y)
{
    put_text(out, "entity", x->entity, y->entity);
    if (x->tier != y->tier)
        put_text(out, "tier", lac_str_from(lac_tier_name(x->tier)),
                 lac_str_from(lac_tier_name(y->tier)));
    if (x->strength != y->strength)
        put_text(out, "strength", lac_str_from(strength_names[x->strength]),
                 lac_str_from(strength_names[y->strength]));
    put_number(out, "score", x->score, y->score, LAC_DECIDE_PPM);
    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        char what[40];

        snprintf(what, sizeof(what), "likelihood of %s", tier_words[t]);
        put_number(out, what, x->likelihood[t], y->likelihood[t], LAC_DECIDE_PPM);
    }
    put_text(out, "source", x->source, y->source);
    if (x->basis != y->basis)
        put_text(out, "basis", lac_str_from(lac_pack_basis_name(x->basis)),
                 lac_str_from(lac_pack_basis_name(y->basis)));
    put_text(out, "checked", x->checked, y->checked);
    put_text(out, "detector", x->detector, y->detector);
    put_text(out, "pattern", x->pattern, y->pattern);
    put_text(out, "validator", x->validator, y->validator);
    put_number(out, "min_entropy", x->min_entropy, y->min_entropy, 1000);
    put_number(out, "count", x->count > 1 ? x->count : 1, y->count > 1 ? y->count : 1, 1);
    put_number(out, "context window", x->context_count ? x->context_window : 0,
               y->context_count ? y->context_window : 0, 1);
    put_number(out, "context boost", x->context_boost, y->context_boost, LAC_DECIDE_PPM);
    if (x->redaction != y->redaction)
        put_text(out, "redaction", lac_str_from(redaction_names[x->redaction]),
                 lac_str_from(redaction_names[y->redaction]));
    return put_lists(out, "phrases", x->phrases, x->phrase_count, y->phrases, y->phrase_count) &&
           put_lists(out, "context", x->context, x->context_count, y->context, y->context_count) &&
           put_lists(out, "except", x->except, x->except_count, y->except, y->except_count) &&
           put_lists(out, "allow", x->allow, x->allow_count, y->allow, y->allow_count) &&
           put_lists(out, "tags", x->tags, x->tag_count, y->tags, y->tag_count);
}

static const struct lac_match_rule *find_rule(const struct lac_pack *p, struct lac_str id)
{
    const struct lac_match *m = lac_pack_match(p);

    for (size_t i = 0; i < lac_match_rule_count(m); i++)
        if (lac_str_eq(lac_match_rule_at(m, i)->id, id))
            return lac_match_rule_at(m, i);
    return NULL;
}

static bool compare_rules(struct compare *c)
{
    const struct lac_match *a = lac_pack_match(c->a), *b = lac_pack_match(c->b);

    for (size_t i = 0; i < lac_match_rule_count(a); i++) {
        const struct lac_match_rule *r = lac_match_rule_at(a, i);

        if (!is_names(r->id) && !find_rule(c->b, r->id))
            sayf(c, "rule", r->id, "removed: %.*s, %s", LAC_STR_FMT(r->entity),
                 lac_tier_name(r->tier));
    }
    for (size_t i = 0; i < lac_match_rule_count(b); i++) {
        const struct lac_match_rule *r = lac_match_rule_at(b, i);
        const struct lac_match_rule *before = find_rule(c->a, r->id);

        if (is_names(r->id))
            continue;
        if (!before) {
            sayf(c, "rule", r->id, "added: %.*s, %s", LAC_STR_FMT(r->entity),
                 lac_tier_name(r->tier));
            continue;
        }
        if (!put_rule_change(&c->text, before, r))
            return false;
        if (c->text.len > 0)
            say(c, "rule", r->id);
    }
    return true;
}

/* ---- names ---- */

/* A name with what it means. */
struct name {
    struct lac_str list; /* the rule's id */
    struct lac_str text;
    const struct lac_match_rule *rule;
};

static int compare_texts(const struct lac_str *x, size_t nx, const struct lac_str *y, size_t ny)
{
    if (nx != ny)
        return nx < ny ? -1 : 1;
    for (size_t i = 0; i < nx; i++) {
        int order = lac_str_cmp(x[i], y[i]);

        if (order)
            return order;
    }
    return 0;
}

static int by_name(const void *left, const void *right)
{
    const struct name *x = left;
    const struct name *y = right;
    int order = lac_str_cmp(x->list, y->list);

    if (order == 0)
        order = lac_str_cmp(x->text, y->text);
    if (order == 0)
        order = (x->rule->tier > y->rule->tier) - (x->rule->tier < y->rule->tier);
    if (order == 0)
        order = x->rule->names - y->rule->names;
    return order ? order
                 : compare_texts(x->rule->context, x->rule->context_count, y->rule->context,
                                 y->rule->context_count);
}

static struct name *names_of(const struct lac_pack *p, size_t *count)
{
    const struct lac_match *m = lac_pack_match(p);
    struct name *names;
    size_t n = 0;

    for (size_t i = 0; i < lac_match_rule_count(m); i++)
        if (is_names(lac_match_rule_at(m, i)->id))
            n += lac_match_rule_at(m, i)->phrase_count;
    names = malloc((n + 1) * sizeof(*names));
    *count = 0;
    for (size_t i = 0; names && i < lac_match_rule_count(m); i++) {
        const struct lac_match_rule *r = lac_match_rule_at(m, i);

        for (size_t k = 0; is_names(r->id) && k < r->phrase_count; k++)
            names[(*count)++] = (struct name){r->id, r->phrases[k], r};
    }
    if (names)
        qsort(names, *count, sizeof(*names), by_name);
    return names;
}

static void say_name(struct compare *c, const struct name *n, const char *what)
{
    lac_buf_printf(&c->text, "'%.*s' %s", LAC_STR_FMT(n->text), what);
    if (n->rule->tier != LAC_TIER_PROPRIETARY)
        lac_buf_printf(&c->text, ", %s", lac_tier_name(n->rule->tier));
    if (n->rule->context_count > 0)
        lac_buf_printf(&c->text, ", in context of '%.*s'%s", LAC_STR_FMT(n->rule->context[0]),
                       n->rule->context_count > 1 ? " ..." : "");
    say(c, "names", n->list);
}

static bool compare_names(struct compare *c)
{
    size_t na, nb, i = 0, k = 0;
    struct name *a = names_of(c->a, &na), *b = names_of(c->b, &nb);

    while (a && b && (i < na || k < nb)) {
        int order = i == na ? 1 : k == nb ? -1 : by_name(&a[i], &b[k]);

        if (order < 0)
            say_name(c, &a[i], "removed");
        else if (order > 0)
            say_name(c, &b[k], "added");
        i += order <= 0;
        k += order >= 0;
    }
    free(a);
    free(b);
    return a && b;
}

/* ---- the rest ---- */

static void compare_policy(struct compare *c)
{
    const struct lac_decide_policy *a = lac_pack_policy(c->a), *b = lac_pack_policy(c->b);
    static const char *const stages[LAC_DECIDE_STAGE_COUNT] = {"rules", "semantic", "llm"};

    for (int t = 0; t < LAC_TIER_COUNT; t++)
        if (a->prior[t] != b->prior[t])
            sayf(c, "policy", LAC_STR("prior"), "%s %.6g -> %.6g", tier_words[t], a->prior[t] / 1e6,
                 b->prior[t] / 1e6);
    for (int s = 0; s < LAC_STRATEGY_COUNT; s++)
        for (int t = 0; t < LAC_TIER_COUNT; t++)
            for (int n = 0; n < LAC_TIER_COUNT; n++)
                if (a->cost[s][t][n] != b->cost[s][t][n])
                    sayf(c, "policy", lac_str_from(lac_strategy_name((enum lac_strategy)s)),
                         "answering %s for what is %s costs %u -> %u",
                         lac_tier_name((enum lac_tier)n), lac_tier_name((enum lac_tier)t),
                         a->cost[s][t][n], b->cost[s][t][n]);
    for (int i = 1; i < LAC_DECIDE_STAGE_COUNT; i++)
        if (a->price[i] != b->price[i])
            sayf(c, "policy", LAC_STR("price"), "%s %.6g -> %.6g", stages[i],
                 (double)a->price[i] / 1e6, (double)b->price[i] / 1e6);
    if (lac_pack_excerpt_bytes(c->a) != lac_pack_excerpt_bytes(c->b))
        sayf(c, "policy", LAC_STR("excerpt"), "%zu -> %zu bytes", lac_pack_excerpt_bytes(c->a),
             lac_pack_excerpt_bytes(c->b));
}

static bool compare_routes(struct compare *c)
{
    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        size_t na, nb;
        const struct lac_str *a = lac_pack_route(c->a, (enum lac_tier)t, &na);
        const struct lac_str *b = lac_pack_route(c->b, (enum lac_tier)t, &nb);

        if (!put_lists(&c->text, "may go", a, na, b, nb))
            return false;
        if (c->text.len > 0)
            say(c, "route", lac_str_from(lac_tier_name((enum lac_tier)t)));
    }
    return true;
}

/* What was learned. */
static void compare_heads(struct compare *c)
{
    const struct lac_head *a = lac_pack_head(c->a), *b = lac_pack_head(c->b);

    if (!a && !b)
        return;
    if (!a || !b) {
        sayf(c, "head", LAC_STR("semantic"), "%s", a ? "is gone: rules alone" : "is new");
        return;
    }
    put_text(&c->text, "model", lac_head_model_name(a), lac_head_model_name(b));
    if (c->text.len > 0)
        say(c, "head", LAC_STR("semantic"));
    else if (memcmp(lac_head_model_hash(a), lac_head_model_hash(b), LAC_HEAD_HASH_SIZE) != 0)
        sayf(c, "head", LAC_STR("semantic"), "another model of the same name");
    if (lac_head_layers(a) != lac_head_layers(b))
        sayf(c, "head", LAC_STR("semantic"), "layers %u -> %u", lac_head_layers(a),
             lac_head_layers(b));
    if (lac_head_exemplar_count(a) != lac_head_exemplar_count(b))
        sayf(c, "head", LAC_STR("semantic"), "exemplars %u -> %u", lac_head_exemplar_count(a),
             lac_head_exemplar_count(b));
    else if (memcmp(lac_head_exemplars_hash(a), lac_head_exemplars_hash(b), LAC_HEAD_HASH_SIZE) !=
             0)
        sayf(c, "head", LAC_STR("semantic"), "learned from other texts");
}

static void compare_identity(struct compare *c)
{
    put_text(&c->text, "name", lac_pack_name(c->a), lac_pack_name(c->b));
    if (c->text.len > 0)
        say(c, "pack", LAC_STR("name"));
    if (lac_pack_version(c->a) != lac_pack_version(c->b))
        sayf(c, "pack", LAC_STR("version"), "%llu -> %llu",
             (unsigned long long)lac_pack_version(c->a),
             (unsigned long long)lac_pack_version(c->b));
}

enum lac_status lac_cli_pack_compare(const struct lac_pack *a, const struct lac_pack *b,
                                     lac_cli_pack_change_fn *say_it, void *ctx, struct lac_err *err)
{
    struct compare c = {a, b, say_it, ctx, {0}};
    bool good;

    lac_buf_init(&c.text, TEXT_MAX);
    compare_identity(&c);
    good = compare_rules(&c) && compare_names(&c);
    if (good) {
        compare_policy(&c);
        compare_heads(&c);
        good = compare_routes(&c);
    }
    lac_buf_deinit(&c.text);
    return good ? LAC_OK : lac_err_set(err, LAC_FATAL, ENOMEM, "out of memory");
}
