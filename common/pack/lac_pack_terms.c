/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The YAML files of terms/: lists of projects, customers, terms (or internal_terms), paths, tables
 * and columns. An entry is a name, or a mapping {name, aliases, context, tier, common, exact}.
 *
 * A name that is a common word makes no floor by itself: it needs one of the words that go with
 * its kind nearby, unless the entry brings its own `context` or says `common: false`. A bare entry
 * that a mark rule of the pack already weighs, such as "confidential", is left to that rule: as a
 * floor it would make "what is confidential computing" secret.
 */
#include "lac_pack_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "lac_pack_groups.h"
#include "lac_pack_words.h"

enum {
    COMMON_WINDOW = 96, /* characters to either side for the words that go with a kind */
    OWN_WINDOW = 128,   /* for an entry's own context words */
    SHORT_LETTERS = 4,  /* shorter names are worth a remark */
    VARIANT_MAX = 4,
};

#define W(text) LAC_STR(text)

static const struct lac_str project_words[] = {
    W("project"),
    W("projects"),
    W("programme"),
    W("program"),
    W("initiative"),
    W("codename"),
    W("code name"),
    W("roadmap"),
    W("milestone"),
    W("sprint"),
    W("backlog"),
    W("repo"),
    W("repository"),
    W("launch"),
    W("rollout"),
    W("deliverable"),
    W("workstream"),
    W("kickoff"),
    W("steering committee"),
    W("jira"),
    W("confluence"),
    W("epic"),
    W("unreleased"),
};

static const struct lac_str customer_words[] = {
    W("customer"),
    W("customers"),
    W("client"),
    W("clients"),
    W("account"),
    W("contract"),
    W("contracts"),
    W("invoice"),
    W("invoices"),
    W("renewal"),
    W("deal"),
    W("quote"),
    W("purchase order"),
    W("statement of work"),
    W("sow"),
    W("msa"),
    W("nda"),
    W("tenant"),
    W("subscription"),
    W("churn"),
    W("upsell"),
    W("onboarding"),
    W("support case"),
    W("escalation"),
    W("key account"),
    W("account manager"),
    W("procurement"),
    W("crm"),
    W("salesforce"),
};

static const struct lac_str term_words[] = {
    W("confidential"), W("internal"),   W("proprietary"), W("secret"),   W("project"),
    W("product"),      W("unreleased"), W("roadmap"),     W("codename"), W("code name"),
    W("prototype"),    W("patent"),     W("customer"),    W("contract"), W("nda"),
};

static const struct lac_str sql_words[] = {
    W("select"),    W("join"),    W("insert into"), W("delete from"), W("merge into"),
    W("table"),     W("tables"),  W("column"),      W("columns"),     W("schema"),
    W("database"),  W("dataset"), W("sql"),         W("query"),       W("queries"),
    W("warehouse"), W("view"),    W("alter"),       W("truncate"),    W("dbt"),
};

enum shape { NAME, PATH, TABLE };

struct list {
    const char *keys[2]; /* spellings in the file */
    const char *id;
    const char *entity;
    struct lac_str tag;
    enum shape shape;
    bool all_common; /* several common words are as common as one */
    const struct lac_str *words;
    size_t word_count;
};

static const struct list lists[] = {
    {{"projects", NULL},
     "project",
     "PROJECT",
     {"PROJECT", 7},
     NAME,
     false,
     project_words,
     LAC_COUNT(project_words)},
    {{"customers", NULL},
     "customer",
     "CUSTOMER",
     {"CUSTOMER_DATA", 13},
     NAME,
     false,
     customer_words,
     LAC_COUNT(customer_words)},
    {{"terms", "internal_terms"},
     "term",
     "TERM",
     {"PROPRIETARY_TERM", 16},
     NAME,
     false,
     term_words,
     LAC_COUNT(term_words)},
    {{"paths", "file_paths"}, "path", "FILE_PATH", {"FILE_PATH", 9}, PATH, false, NULL, 0},
    {{"tables", NULL},
     "table",
     "TABLE_NAME",
     {"DATA_ASSET", 10},
     TABLE,
     true,
     sql_words,
     LAC_COUNT(sql_words)},
    {{"columns", NULL},
     "column",
     "COLUMN_NAME",
     {"DATA_ASSET", 10},
     TABLE,
     true,
     sql_words,
     LAC_COUNT(sql_words)},
};

/* An entry of a list, read. */
struct entry {
    const struct lac_yaml *at;
    const struct lac_str *names; /* its name and aliases */
    size_t count;
    const struct lac_str *context;
    size_t context_count;
    enum lac_tier tier;
    bool common_given, common; /* common: false takes a common word at its word */
    bool exact;
    bool bare; /* no mapping */
};

static int by_text(const void *a, const void *b)
{
    return lac_str_cmp(*(const struct lac_str *)a, *(const struct lac_str *)b);
}

/* Folded into the caller's memory; ptr NULL when it is too long. */
struct folded {
    char memory[4 * LAC_MATCH_PHRASE_BYTES];
};

static struct lac_str fold(struct folded *f, struct lac_str text)
{
    size_t n = lac_match_fold(f->memory, sizeof(f->memory), text);
    struct lac_str out = {f->memory, n};

    if (n == SIZE_MAX)
        return LAC_STR_NULL;
    while (out.len > 0 && out.ptr[0] == ' ')
        out = lac_str_slice(out, 1, out.len);
    while (out.len > 0 && out.ptr[out.len - 1] == ' ')
        out.len--;
    return out;
}

/* ---- words that mark rules weigh ---- */

static enum lac_status marks_open(struct lac_pack *p, struct lac_pack_marks *m, struct lac_err *err)
{
    struct folded f;
    size_t most = 1;

    for (size_t i = 0; i < p->rule_count; i++)
        if (p->rules[i].strength == LAC_MATCH_OPINION)
            most += p->rules[i].phrase_count;
    *m = (struct lac_pack_marks){lac_pack_pool_alloc(&p->pool, most * sizeof(*m->at)), 0};
    if (!m->at)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory");
    for (size_t i = 0; i < p->rule_count; i++)
        for (size_t k = 0; k < p->rules[i].phrase_count; k++) {
            struct lac_str folded = fold(&f, p->rules[i].phrases[k]);

            if (p->rules[i].strength != LAC_MATCH_OPINION)
                break;
            if (folded.ptr)
                folded = lac_pack_pool_copy(&p->pool, folded);
            if (folded.ptr)
                m->at[m->count++] = folded;
        }
    qsort(m->at, m->count, sizeof(*m->at), by_text);
    return LAC_OK;
}

static bool is_mark(const struct lac_pack_marks *m, struct lac_str folded)
{
    return m->count > 0 && bsearch(&folded, m->at, m->count, sizeof(*m->at), by_text) != NULL;
}

/* ---- one name ---- */

/* Letters and digits; others count as one, so that two Chinese characters are no short name. */
static size_t letters(struct lac_str folded)
{
    size_t n = 0;

    for (size_t i = 0; i < folded.len; i++) {
        unsigned char c = (unsigned char)folded.ptr[i];

        n += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
    }
    return n;
}

/* What makes a name common, for people. `all`: each of its words was asked for. */
static const char *why_common(struct lac_str folded, bool all, enum lac_pack_word why)
{
    if (why == LAC_PACK_WORD_NONE)
        return "very short";
    for (size_t i = 0; all && i < folded.len; i++)
        if (folded.ptr[i] == ' ' || folded.ptr[i] == '.')
            return "made of common words";
    return lac_pack_word_text(why);
}

/* Whether `name` makes no floor by itself, and says so. */
static bool needs_context(struct lac_pack *p, const struct list *l, const struct entry *e,
                          struct lac_str name, struct lac_str folded)
{
    enum lac_pack_word why;
    struct lac_pack_remark r = {
        .level = LAC_PACK_NOTE, .code = "common-term", .at = e->at, .rule = lac_str_from(l->id)};
    bool common = l->word_count > 0 && lac_pack_words_common(folded, l->all_common, &why);
    const char *what = why_common(folded, l->all_common, common ? why : LAC_PACK_WORD_NONE);

    if (e->context_count > 0)
        return false; /* it has its own */
    if (e->common_given) {
        if (e->common == common || e->common)
            return e->common && l->word_count > 0;
        r.level = LAC_PACK_WARNING;
        r.todo = "drop `common: false`, or give it context words";
        lac_pack_say(p, &r, "'%.*s' is %s, and hits wherever it stands", LAC_STR_FMT(name), what);
        return false;
    }
    if (!common)
        return false;
    r.todo = "to insist: context words of its own, or `common: false`";
    lac_pack_say(p, &r, "'%.*s' is %s: it counts only near a word such as '%.*s' or '%.*s'",
                 LAC_STR_FMT(name), what, LAC_STR_FMT(l->words[0]), LAC_STR_FMT(l->words[2]));
    return true;
}

/* A path as it may be written: with either slash. */
static size_t path_variants(struct lac_pack *p, struct lac_str name,
                            struct lac_str out[VARIANT_MAX])
{
    struct lac_str copy;
    size_t n = 0;

    while (name.len > 1 && (name.ptr[name.len - 1] == '/' || name.ptr[name.len - 1] == '*' ||
                            name.ptr[name.len - 1] == '\\'))
        name.len--;
    for (const char *slash = "/\\"; *slash; slash++) {
        bool changed = false;

        copy = lac_pack_pool_copy(&p->pool, name);
        if (!copy.ptr)
            return 0;
        for (size_t i = 0; i < copy.len; i++)
            if (copy.ptr[i] == '/' || copy.ptr[i] == '\\') {
                changed = true;
                ((char *)copy.ptr)[i] = *slash;
            }
        out[n++] = copy;
        if (!changed)
            break;
    }
    return n;
}

/* schema.table as the dialects quote it. */
static size_t table_variants(struct lac_pack *p, struct lac_str name,
                             struct lac_str out[VARIANT_MAX])
{
    static const char *const dots[VARIANT_MAX] = {".", "\".\"", "`.`", "].["};
    size_t n = 0, points = 0;

    for (size_t i = 0; i < name.len; i++)
        points += name.ptr[i] == '.';
    for (; n < VARIANT_MAX; n++) {
        char *copy = lac_pack_pool_alloc(&p->pool, name.len + 3 * points + 1);
        size_t len = 0;

        if (!copy)
            return 0;
        for (size_t i = 0; i < name.len; i++) {
            if (name.ptr[i] != '.') {
                copy[len++] = name.ptr[i];
                continue;
            }
            memcpy(copy + len, dots[n], strlen(dots[n]));
            len += strlen(dots[n]);
        }
        out[n] = (struct lac_str){copy, len};
    }
    return n;
}

static enum lac_status add_name(struct lac_pack *p, const struct list *l, const struct entry *e,
                                struct lac_str name, struct lac_err *err)
{
    struct lac_str variants[VARIANT_MAX] = {name};
    struct lac_pack_group_key key = {.list = (unsigned)(l - lists),
                                     .tier = e->tier,
                                     .names = l->shape != PATH && !e->exact,
                                     .context = e->context,
                                     .context_count = e->context_count,
                                     .window = e->context_count ? OWN_WINDOW : 0};
    enum lac_status status = LAC_OK;
    bool qualified = l->shape == TABLE && memchr(name.ptr, '.', name.len);
    size_t count = 1;

    if (l->shape == PATH)
        count = path_variants(p, name, variants);
    if (qualified) {
        count = table_variants(p, name, variants);
        key.names = false; /* the point is what tells it from a sentence */
    }
    if (count == 0)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory");
    for (size_t i = 0; i < count && status == LAC_OK; i++) {
        struct folded f;
        struct lac_str folded = fold(&f, variants[i]);

        if (!folded.ptr || folded.len > LAC_MATCH_PHRASE_BYTES)
            return lac_yaml_fail(e->at, err, "'%.40s...' is longer than %d bytes", name.ptr,
                                 LAC_MATCH_PHRASE_BYTES);
        if (folded.len < 2 || letters(folded) == 0)
            return lac_yaml_fail(e->at, err,
                                 "'%.*s' is too short to be found: two letters at least",
                                 LAC_STR_FMT(name));
        if (l->shape == PATH && memchr(folded.ptr, '*', folded.len))
            return lac_yaml_fail(e->at, err,
                                 "'%.*s': a star stands at the end of a path only; for others "
                                 "write a rule with a pattern",
                                 LAC_STR_FMT(name));
        if (i == 0 && e->bare && is_mark(&p->groups->marks, folded)) {
            lac_pack_say(p,
                         &(struct lac_pack_remark){.level = LAC_PACK_NOTE,
                                                   .code = "common-mark",
                                                   .at = e->at,
                                                   .rule = lac_str_from(l->id),
                                                   .todo = "write {name: ...} to insist"},
                         "'%.*s' is a common mark: it is weighed, no floor",
                         (int)(name.len > 40 ? 40 : name.len), name.ptr);
            return LAC_OK;
        }
        if (i == 0 && !qualified && needs_context(p, l, e, name, folded)) {
            key.context = l->words;
            key.context_count = l->word_count;
            key.window = COMMON_WINDOW;
        } else if (i == 0 && e->context_count == 0 && letters(folded) < SHORT_LETTERS) {
            lac_pack_say(p,
                         &(struct lac_pack_remark){.level = LAC_PACK_WARNING,
                                                   .code = "short-term",
                                                   .at = e->at,
                                                   .rule = lac_str_from(l->id),
                                                   .todo = "give it context words"},
                         "'%.*s' is short: it will be found in texts that mean something else",
                         LAC_STR_FMT(name));
        }
        status = lac_pack_groups_add(p, &key, e->at, variants[i], folded, i == 0, err);
    }
    return status;
}

/* ---- entries, lists, files ---- */

static enum lac_status read_mapping(struct lac_pack *p, struct entry *e, struct lac_err *err)
{
    static const char *const keys[] = {"name",   "aliases", "context", "tier",
                                       "common", "exact",   NULL};
    const struct lac_yaml *common = lac_yaml_get(e->at, "common");
    const struct lac_str *aliases = NULL;
    struct lac_str name = LAC_STR_NULL;
    struct lac_str *names;
    size_t count = 0;
    enum lac_status status = lac_yaml_keys(e->at, "an entry", keys, err);

    if (status == LAC_OK)
        status = lac_yaml_text(lac_yaml_get(e->at, "name"), &name, err);
    if (status == LAC_OK && !name.ptr)
        return lac_yaml_fail(e->at, err, "an entry needs a name");
    if (status == LAC_OK)
        status = lac_yaml_texts(lac_yaml_get(e->at, "aliases"), &p->pool, &aliases, &count, err);
    if (status == LAC_OK)
        status = lac_yaml_texts(lac_yaml_get(e->at, "context"), &p->pool, &e->context,
                                &e->context_count, err);
    if (status == LAC_OK)
        status = lac_yaml_tier(lac_yaml_get(e->at, "tier"), &e->tier, err);
    if (status == LAC_OK)
        status = lac_yaml_bool(common, &e->common, err);
    if (status == LAC_OK)
        status = lac_yaml_bool(lac_yaml_get(e->at, "exact"), &e->exact, err);
    if (status != LAC_OK)
        return status;
    if (e->tier == LAC_TIER_PUBLIC)
        return lac_yaml_fail(e->at, err, "a floor of PUBLIC says nothing; leave the entry out");
    names = lac_pack_pool_alloc(&p->pool, (count + 1) * sizeof(*names));
    if (!names)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory");
    names[0] = name;
    for (size_t i = 0; i < count; i++)
        names[i + 1] = aliases[i];
    e->common_given = common != NULL;
    e->names = names;
    e->count = count + 1;
    return LAC_OK;
}

static enum lac_status load_entry(struct lac_pack *p, const struct list *l,
                                  const struct lac_yaml *node, struct lac_err *err)
{
    struct entry e = {.at = node, .tier = LAC_TIER_PROPRIETARY};
    enum lac_status status = LAC_OK;

    if (node->kind == LAC_YAML_MAPPING) {
        status = read_mapping(p, &e, err);
    } else if (node->kind == LAC_YAML_SCALAR && node->text.len > 0) {
        e.names = &node->text;
        e.count = 1;
        e.bare = true;
    } else {
        return lac_yaml_fail(node, err,
                             "an entry is a name or {name, aliases, context, tier, common, exact}");
    }
    for (size_t i = 0; i < e.count && status == LAC_OK; i++)
        status = add_name(p, l, &e, e.names[i], err);
    return status;
}

static enum lac_status load_list(struct lac_pack *p, const struct list *l,
                                 const struct lac_yaml *node, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    if (node->kind == LAC_YAML_SCALAR && node->text.len == 0)
        return LAC_OK; /* "customers:" and nothing behind it */
    if (node->kind != LAC_YAML_SEQUENCE)
        return lac_yaml_fail(node, err, "%.*s must be a list", LAC_STR_FMT(node->key));
    for (const struct lac_yaml *c = node->first; c && status == LAC_OK; c = c->next) {
        status = load_entry(p, l, c, err);
        if (lac_pack_forgive(p, status, err))
            status = LAC_OK;
    }
    return status;
}

enum lac_status lac_pack_load_terms(struct lac_pack *p, const struct lac_yaml *root,
                                    struct lac_err *err)
{
    static const char *const keys[] = {"projects",       "customers", "terms",
                                       "internal_terms", "paths",     "file_paths",
                                       "tables",         "columns",   NULL};
    enum lac_status status = lac_yaml_keys(root, "a terms file", keys, err);

    if (lac_pack_forgive(p, status, err))
        status = LAC_OK;
    for (size_t i = 0; i < LAC_COUNT(lists); i++)
        for (size_t k = 0; k < LAC_COUNT(lists[i].keys) && status == LAC_OK; k++) {
            const struct lac_yaml *node =
                lists[i].keys[k] ? lac_yaml_get(root, lists[i].keys[k]) : NULL;

            if (node)
                status = load_list(p, &lists[i], node, err);
            if (lac_pack_forgive(p, status, err))
                status = LAC_OK;
        }
    return status;
}

enum lac_status lac_pack_terms_begin(struct lac_pack *p, struct lac_err *err)
{
    enum lac_status status = lac_pack_groups_open(p, err);

    return status == LAC_OK ? marks_open(p, &p->groups->marks, err) : status;
}

enum lac_status lac_pack_terms_end(struct lac_pack *p, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    for (size_t i = 0; i < p->groups->count && status == LAC_OK; i++) {
        const struct lac_pack_group *g = &p->groups->at[i];
        const struct list *l = &lists[g->key.list];
        struct lac_match_rule *r = lac_pack_rule_new(p, g->where, err);

        if (!r)
            return err->status;
        *r = (struct lac_match_rule){
            .id = lac_str_from(l->id),
            .entity = lac_str_from(l->entity),
            .tier = g->key.tier,
            .strength = LAC_MATCH_FLOOR,
            .basis = LAC_MATCH_BASIS_OWN,
            .score = LAC_DECIDE_PPM,
            .phrases = g->phrases,
            .phrase_count = g->count,
            .names = g->key.names,
            .context = g->key.context,
            .context_count = g->key.context_count,
            .context_window = g->key.window,
            .tags = &l->tag,
            .tag_count = 1,
        };
        status = lac_pack_groups_keep(p, i, err);
        r = &p->rules[p->rule_count - 1];
        r->phrases = p->groups->at[i].phrases;
    }
    return status;
}
