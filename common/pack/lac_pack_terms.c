/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The YAML files of terms/: the lists projects, customers and terms (or internal_terms). An entry
 * is a name, or a mapping {name, aliases, context, tier}; one with context counts only near one of
 * these words. '_', '-' and blanks in names are the same.
 *
 * A bare entry that a mark rule of the pack already weighs, such as "confidential", makes no floor:
 * it is a common word, and as a floor it would make "what is confidential computing" secret. The
 * loader notes it; written as {name: confidential} it is taken at its word.
 */
#include "lac_pack_internal.h"

#include <stdlib.h>

struct list {
    const char *keys[2]; /* spellings in the file */
    const char *id;
    const char *entity;
    const char *tag;
};

static const struct list lists[] = {
    {{"projects", NULL}, "project", "PROJECT", "PROJECT"},
    {{"customers", NULL}, "customer", "CUSTOMER", "CUSTOMER_DATA"},
    {{"terms", "internal_terms"}, "term", "TERM", "PROPRIETARY_TERM"},
};

/* Folded phrases of the mark rules, sorted. */
struct marks {
    struct lac_str *at;
    size_t count;
};

static int by_text(const void *a, const void *b)
{
    return lac_str_cmp(*(const struct lac_str *)a, *(const struct lac_str *)b);
}

static struct lac_str fold(struct lac_pack_pool *pool, struct lac_str text)
{
    char memory[4 * LAC_MATCH_PHRASE_BYTES];
    size_t n = lac_match_fold(memory, sizeof(memory), text);

    if (n == SIZE_MAX)
        return LAC_STR_NULL;
    return lac_pack_pool_copy(pool, (struct lac_str){memory, n});
}

static enum lac_status marks_open(struct lac_pack *p, struct marks *m, struct lac_err *err)
{
    size_t most = 1;

    for (size_t i = 0; i < p->rule_count; i++)
        if (p->rules[i].strength == LAC_MATCH_OPINION)
            most += p->rules[i].phrase_count;
    *m = (struct marks){lac_pack_pool_alloc(&p->pool, most * sizeof(*m->at)), 0};
    if (!m->at)
        return lac_err_set(err, LAC_FATAL, 0, "pack: no memory");
    for (size_t i = 0; i < p->rule_count; i++)
        for (size_t k = 0; k < p->rules[i].phrase_count; k++) {
            struct lac_str folded;

            if (p->rules[i].strength != LAC_MATCH_OPINION)
                break;
            folded = fold(&p->pool, p->rules[i].phrases[k]);
            if (folded.ptr)
                m->at[m->count++] = folded;
        }
    qsort(m->at, m->count, sizeof(*m->at), by_text);
    return LAC_OK;
}

static bool is_mark(const struct marks *m, struct lac_str name)
{
    char memory[4 * LAC_MATCH_PHRASE_BYTES];
    struct lac_str folded = {memory, lac_match_fold(memory, sizeof(memory), name)};

    return folded.len != SIZE_MAX && m->count > 0 &&
           bsearch(&folded, m->at, m->count, sizeof(*m->at), by_text) != NULL;
}

static struct lac_match_rule *list_rule(struct lac_pack *p, const struct list *l,
                                        const struct lac_yaml *at, struct lac_err *err)
{
    static const struct lac_str tags[LAC_COUNT(lists)] = {
        {"PROJECT", 7}, {"CUSTOMER_DATA", 13}, {"PROPRIETARY_TERM", 16}};
    struct lac_match_rule *r = lac_pack_rule_new(p, at, err);

    if (!r)
        return NULL;
    r->id = lac_str_from(l->id);
    r->entity = lac_str_from(l->entity);
    r->tier = LAC_TIER_PROPRIETARY;
    r->strength = LAC_MATCH_FLOOR;
    r->score = LAC_DECIDE_PPM;
    r->tags = &tags[l - lists];
    r->tag_count = 1;
    return r;
}

/* {name, aliases, context, tier}: a rule of its own, since these are a rule's. */
static enum lac_status load_entry(struct lac_pack *p, const struct list *l,
                                  const struct lac_yaml *node, struct lac_err *err)
{
    static const char *const keys[] = {"name", "aliases", "context", "tier", NULL};
    const struct lac_str *aliases = NULL;
    struct lac_match_rule *r;
    struct lac_str *phrases;
    struct lac_str name = LAC_STR_NULL;
    size_t alias_count = 0;
    enum lac_status status = lac_yaml_keys(node, "an entry", keys, err);

    if (status == LAC_OK)
        status = lac_yaml_text(lac_yaml_get(node, "name"), &name, err);
    if (status == LAC_OK && !name.ptr)
        return lac_yaml_fail(node, err, "an entry needs a name");
    if (status == LAC_OK)
        status =
            lac_yaml_texts(lac_yaml_get(node, "aliases"), &p->pool, &aliases, &alias_count, err);
    if (status != LAC_OK)
        return status;
    r = list_rule(p, l, node, err);
    phrases = lac_pack_pool_alloc(&p->pool, (alias_count + 1) * sizeof(*phrases));
    if (!r || !phrases)
        return r ? lac_err_set(err, LAC_FATAL, 0, "pack: no memory") : err->status;
    phrases[0] = name;
    for (size_t i = 0; i < alias_count; i++)
        phrases[i + 1] = aliases[i];
    r->phrases = phrases;
    r->phrase_count = alias_count + 1;
    r->context_window = 128;
    status = lac_yaml_texts(lac_yaml_get(node, "context"), &p->pool, &r->context, &r->context_count,
                            err);
    if (status == LAC_OK)
        status = lac_yaml_tier(lac_yaml_get(node, "tier"), &r->tier, err);
    return status;
}

static enum lac_status load_list(struct lac_pack *p, const struct list *l,
                                 const struct lac_yaml *node, const struct marks *marks,
                                 struct lac_err *err)
{
    enum lac_status status = LAC_OK;
    struct lac_match_rule *r;
    struct lac_str *names;
    size_t count = 0;

    if (node->kind == LAC_YAML_SCALAR && node->text.len == 0)
        return LAC_OK; /* "customers:" and nothing behind it */
    if (node->kind != LAC_YAML_SEQUENCE)
        return lac_yaml_fail(node, err, "%.*s must be a list", LAC_STR_FMT(node->key));
    names = lac_pack_pool_alloc(&p->pool, (node->count + 1) * sizeof(*names));
    if (!names)
        return lac_err_set(err, LAC_FATAL, 0, "pack: no memory");
    for (const struct lac_yaml *c = node->first; c && status == LAC_OK; c = c->next) {
        if (c->kind == LAC_YAML_MAPPING)
            status = load_entry(p, l, c, err);
        else if (c->kind != LAC_YAML_SCALAR || c->text.len == 0)
            return lac_yaml_fail(c, err, "an entry is a name or {name, aliases, context, tier}");
        else if (is_mark(marks, c->text))
            lac_pack_note(p, c,
                          "'%.*s' is a common mark: it is weighed, no floor; write {name: ...} to "
                          "insist",
                          (int)(c->text.len > 40 ? 40 : c->text.len), c->text.ptr);
        else
            names[count++] = c->text;
    }
    if (status != LAC_OK || count == 0)
        return status;
    r = list_rule(p, l, node, err);
    if (!r)
        return err->status;
    r->phrases = names;
    r->phrase_count = count;
    return LAC_OK;
}

enum lac_status lac_pack_load_terms(struct lac_pack *p, const struct lac_yaml *root,
                                    struct lac_err *err)
{
    static const char *const keys[] = {"projects", "customers", "terms", "internal_terms", NULL};
    enum lac_status status = lac_yaml_keys(root, "a terms file", keys, err);
    struct marks marks;

    if (status == LAC_OK)
        status = marks_open(p, &marks, err);
    for (size_t i = 0; i < LAC_COUNT(lists); i++)
        for (size_t k = 0; k < LAC_COUNT(lists[i].keys) && status == LAC_OK; k++) {
            const struct lac_yaml *node =
                lists[i].keys[k] ? lac_yaml_get(root, lists[i].keys[k]) : NULL;

            if (node)
                status = load_list(p, &lists[i], node, &marks, err);
        }
    return status;
}
