/* SPDX-License-Identifier: Apache-2.0 */
/* From a pack's files to its rules, settings, head and compiled form. */
#include "lac_pack_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_head.h"
#include "lac_head_data.h"
#include "lac_pack_builtin.h"
#include "lac_pack_cost.h"
#include "lac_pack_flat.h"
#include "lac_pack_groups.h"

/* Prefix of inherited files in the list that is hashed: what a pack builds upon is part of it. */
#define BASE_PREFIX "base/"

/* ---- what the loaders share ---- */

static bool grow_rules(struct lac_pack *p)
{
    size_t capacity = p->rule_capacity ? p->rule_capacity * 2 : 64;
    struct lac_match_rule *rules = realloc(p->rules, capacity * sizeof(*rules));
    struct lac_pack_examples *examples;
    const struct lac_yaml **where;

    if (!rules)
        return false;
    p->rules = rules;
    examples = realloc(p->examples, capacity * sizeof(*examples));
    if (!examples)
        return false;
    p->examples = examples;
    where = realloc(p->where, capacity * sizeof(const struct lac_yaml *));
    if (!where)
        return false;
    p->where = where;
    p->rule_capacity = capacity;
    return true;
}

struct lac_match_rule *lac_pack_rule_new(struct lac_pack *p, const struct lac_yaml *where,
                                         struct lac_err *err)
{
    if (p->rule_count == LAC_MATCH_RULE_MAX) {
        lac_yaml_fail(where, err, "more than %d rules", LAC_MATCH_RULE_MAX);
        return NULL;
    }
    if (p->rule_count == p->rule_capacity && !grow_rules(p)) {
        lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory");
        return NULL;
    }
    p->rules[p->rule_count] = (struct lac_match_rule){0};
    p->examples[p->rule_count] = (struct lac_pack_examples){0};
    p->where[p->rule_count] = where;
    return &p->rules[p->rule_count++];
}

bool lac_pack_is_inherited(struct lac_str file)
{
    return file.len >= sizeof(BASE_PREFIX) - 1 &&
           memcmp(file.ptr, BASE_PREFIX, sizeof(BASE_PREFIX) - 1) == 0;
}

/* ---- loading ---- */

static bool has_suffix(struct lac_str path, const char *suffix)
{
    size_t n = strlen(suffix);

    return path.len > n && memcmp(path.ptr + path.len - n, suffix, n) == 0;
}

/* A YAML file directly inside `folder`. */
static bool is_yaml_in(struct lac_str path, const char *folder)
{
    size_t n = strlen(folder);

    return path.len > n && memcmp(path.ptr, folder, n) == 0 &&
           !memchr(path.ptr + n, '/', path.len - n) &&
           (has_suffix(path, ".yaml") || has_suffix(path, ".yml"));
}

static enum lac_status parse(struct lac_pack *p, const struct lac_pack_file *file,
                             struct lac_yaml **out, struct lac_err *err)
{
    return lac_yaml_parse(out, &p->pool, file->path, file->data, err);
}

typedef enum lac_status load_fn(struct lac_pack *p, const struct lac_yaml *root,
                                struct lac_err *err);

static enum lac_status load_one(struct lac_pack *p, const struct lac_pack_file *file, load_fn *load,
                                struct lac_err *err)
{
    struct lac_yaml *root = NULL;
    enum lac_status status;

    if (!file) /* not every pack has every file */
        return LAC_OK;
    status = parse(p, file, &root, err);
    if (status == LAC_OK)
        status = load(p, root, err);
    return lac_pack_forgive(p, status, err) ? LAC_OK : status;
}

/* Files of one kind, in the order of their paths: that is the order of rules. */
static enum lac_status load_folder(struct lac_pack *p, const char *folder, load_fn *load,
                                   struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    for (size_t i = 0; i < p->files.count && status == LAC_OK; i++)
        if (is_yaml_in(p->files.at[i].path, folder))
            status = load_one(p, &p->files.at[i], load, err);
    return status;
}

/* "exemplars/hr.jsonl", inherited or not, is about "hr". */
static bool is_exemplars(struct lac_str path, struct lac_str *stem)
{
    static const char folder[] = "exemplars/", ending[] = ".jsonl";
    const char *slash;

    if (lac_pack_is_inherited(path))
        path = lac_str_slice(path, sizeof(BASE_PREFIX) - 1, path.len);
    if (path.len < sizeof(folder) - 1 || memcmp(path.ptr, folder, sizeof(folder) - 1) != 0 ||
        !has_suffix(path, ending))
        return false;
    slash = memrchr(path.ptr, '/', path.len);
    *stem = lac_str_slice(path, (size_t)(slash - path.ptr) + 1, path.len - (sizeof(ending) - 1));
    return stem->len > 0;
}

bool lac_pack_reads(struct lac_str path)
{
    static const char *const single[] = {"pack.yaml", "rules.yaml", "routing.yaml",
                                         "semantic/head.json", "semantic/exemplars.vec"};
    struct lac_str stem;

    for (size_t i = 0; i < LAC_COUNT(single); i++)
        if (lac_str_is(path, single[i]))
            return true;
    return is_yaml_in(path, "rules/") || is_yaml_in(path, "terms/") || is_exemplars(path, &stem);
}

/* `own`: less what is inherited. */
static enum lac_status read_exemplars(const struct lac_pack *p, bool own,
                                      struct lac_head_data **out, struct lac_err *err)
{
    enum lac_status status = lac_head_data_new(out, err);

    for (size_t i = 0; i < p->files.count && status == LAC_OK; i++) {
        const struct lac_pack_file *f = &p->files.at[i];
        struct lac_str stem;
        char name[256]; /* for errors */

        if (!is_exemplars(f->path, &stem) || (own && lac_pack_is_inherited(f->path)))
            continue;
        (void)snprintf(name, sizeof(name), "%.*s", LAC_STR_FMT(f->path));
        status = lac_head_data_add(*out, name, stem, f->data, err);
    }
    if (status == LAC_OK)
        status = lac_head_data_finish(*out, err);
    return status == LAC_RETRY ? LAC_FATAL : status;
}

/* Whether these are what the head has learned from; without a head, all will do. */
static bool are_learned(const struct lac_pack *p, const struct lac_head_data *texts)
{
    return !p->head || memcmp(lac_head_exemplars_hash(p->head), lac_head_data_hash(texts),
                              LAC_HEAD_HASH_SIZE) == 0;
}

enum lac_status lac_pack_exemplars(const struct lac_pack *p, struct lac_head_data **out,
                                   struct lac_err *err)
{
    enum lac_status status = read_exemplars(p, false, out, err);
    struct lac_head_data *own = NULL;

    if (status != LAC_OK || are_learned(p, *out) || !lac_pack_has_own_exemplars(p))
        return status;
    status = read_exemplars(p, true, &own, err);
    if (status == LAC_OK && are_learned(p, own)) {
        lac_head_data_free(*out);
        *out = own;
        own = NULL;
    }
    lac_head_data_free(own);
    return status;
}

bool lac_pack_has_own_exemplars(const struct lac_pack *p)
{
    struct lac_str stem;

    for (size_t i = 0; i < p->files.count; i++)
        if (!lac_pack_is_inherited(p->files.at[i].path) && is_exemplars(p->files.at[i].path, &stem))
            return true;
    return false;
}

/* A file of the pack, or the one it inherits. */
static const struct lac_pack_file *find(const struct lac_pack *p, const char *path)
{
    const struct lac_pack_file *file = lac_pack_files_find(&p->files, path);
    char inherited[64];

    if (file)
        return file;
    snprintf(inherited, sizeof(inherited), BASE_PREFIX "%s", path);
    return lac_pack_files_find(&p->files, inherited);
}

/* The built-in pack's files, whose bytes are there as long as the program. `f` is empty. */
static enum lac_status builtin_files(struct lac_pack_files *f, struct lac_err *err)
{
    struct lac_pack_bundle b = {0};
    enum lac_status status = lac_pack_bundle_borrow(&b, lac_pack_builtin(), err);

    if (status == LAC_OK)
        status = lac_pack_bundle_files(&b, f, err);
    lac_pack_bundle_deinit(&b);
    return status;
}

/* Whether a file of the built-in pack is left out by one that has its own. Terms are an
 * organisation's own and never inherited, and what was learned is inherited whole or not at all. */
static bool stands_back(const struct lac_pack *p, struct lac_str path, bool learned)
{
    char name[128]; /* of the built-in pack's files: all are shorter */

    snprintf(name, sizeof(name), "%.*s", LAC_STR_FMT(path));
    if (strncmp(name, "terms/", sizeof("terms/") - 1) == 0)
        return true;
    if (learned && strncmp(name, "semantic/", sizeof("semantic/") - 1) == 0)
        return true;
    return strcmp(name, "pack.yaml") != 0 && lac_pack_files_find(&p->files, name);
}

static enum lac_status inherit_all(struct lac_pack *p, const struct lac_pack_files *from,
                                   struct lac_err *err)
{
    bool learned = lac_pack_files_find(&p->files, "semantic/head.json") ||
                   lac_pack_files_find(&p->files, "semantic/exemplars.vec");
    enum lac_status status = LAC_OK;

    for (size_t i = 0; i < from->count && status == LAC_OK; i++) {
        const struct lac_pack_file *file = &from->at[i];
        char path[128];
        struct lac_str copy;

        if (stands_back(p, file->path, learned))
            continue;
        snprintf(path, sizeof(path), BASE_PREFIX "%.*s", LAC_STR_FMT(file->path));
        copy = lac_pack_pool_copy(&p->pool, lac_str_from(path));
        if (!copy.ptr)
            return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory");
        status = lac_pack_files_add(&p->files, (struct lac_pack_file){copy, file->data}, err);
    }
    return status;
}

/* Adds what `base: builtin` stands for. */
static enum lac_status inherit(struct lac_pack *p, struct lac_err *err)
{
    struct lac_pack_files *from;
    enum lac_status status;

    if (p->complete)
        return LAC_OK;
    for (size_t i = 0; i < p->files.count; i++)
        if (lac_pack_is_inherited(p->files.at[i].path))
            return lac_err_set(err, LAC_REJECT, 0,
                               "%.*s: the folder base/ is reserved beside `base: builtin`",
                               LAC_STR_FMT(p->files.at[i].path));
    from = calloc(1, sizeof(*from));
    if (!from)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory");
    status = builtin_files(from, err);
    if (status == LAC_OK)
        status = inherit_all(p, from, err);
    free(from);
    return status;
}

static enum lac_status load_settings(struct lac_pack *p, struct lac_err *err)
{
    const struct lac_pack_file *file = lac_pack_files_find(&p->files, "pack.yaml");
    struct lac_yaml *root = NULL;
    struct lac_yaml *base = NULL;
    bool wants_base = false;
    enum lac_status status;

    if (!file)
        return lac_err_set(err, LAC_REJECT, 0,
                           "pack.yaml is missing; the least is: name, version and `base: builtin`");
    status = parse(p, file, &root, err);
    if (status == LAC_OK)
        status = lac_pack_wants_base(root, &wants_base, err);
    if (status == LAC_OK && wants_base) {
        status = inherit(p, err);
        file = lac_pack_files_find(&p->files, BASE_PREFIX "pack.yaml");
        if (status == LAC_OK && !file)
            return lac_err_set(err, LAC_REJECT, 0, "pack file: what it inherits is missing");
        if (status == LAC_OK)
            status = parse(p, file, &base, err);
    }
    return status == LAC_OK ? lac_pack_load_settings(p, root, base, err) : status;
}

static void drop_rule(struct lac_pack *p, size_t index)
{
    size_t behind = --p->rule_count - index;

    memmove(p->rules + index, p->rules + index + 1, behind * sizeof(*p->rules));
    memmove(p->examples + index, p->examples + index + 1, behind * sizeof(*p->examples));
    memmove(p->where + index, p->where + index + 1, behind * sizeof(const struct lac_yaml *));
}

/* AGAIN: there is no compiled form that fits. */
static enum lac_status open_image(struct lac_pack *p, struct lac_err *err)
{
    enum lac_status status;
    struct lac_err why;

    if (!p->bundle.image.ptr || p->bundle.image.len == 0 || p->findings)
        return LAC_AGAIN;
    status = lac_match_open_image(&p->match, p->bundle.image, p->rules, p->rule_count, &why);
    p->image_used = status == LAC_OK;
    if (status == LAC_OK || status == LAC_AGAIN)
        return status;
    return lac_err_set(err, status, why.code, "pack file: its compiled form: %s", why.text);
}

static enum lac_status compile(struct lac_pack *p, struct lac_err *err)
{
    for (;;) {
        struct lac_err why = {0};
        size_t bad = SIZE_MAX;
        enum lac_status status = lac_match_open(&p->match, p->rules, p->rule_count, &bad, &why);

        if (status == LAC_OK)
            return LAC_OK;
        if (status != LAC_REJECT || bad >= p->rule_count)
            return lac_err_set(err, status, why.code, "%s", why.text);
        if (!p->where[bad]) /* read when the program was built, by a compiler that took it */
            return lac_err_set(err, LAC_FATAL, why.code, "%.*s: %s", LAC_STR_FMT(p->rules[bad].id),
                               why.text);
        status =
            lac_yaml_fail(p->where[bad], err, "%.*s: %s", LAC_STR_FMT(p->rules[bad].id), why.text);
        if (!lac_pack_forgive(p, status, err))
            return status;
        drop_rule(p, bad); /* each round takes one away */
    }
}

/* The bound counts for what is mapped as well: who made that file may have had another, or none. */
static enum lac_status load_match(struct lac_pack *p, struct lac_err *err)
{
    enum lac_status status = open_image(p, err);

    if (status == LAC_AGAIN)
        status = compile(p, err);
    if (status == LAC_OK)
        status = lac_pack_total_check(p, err);
    return p->match && lac_pack_forgive(p, status, err) ? LAC_OK : status;
}

/* `disable:` of pack.yaml, over all rules there are, inherited or not. */
static enum lac_status disable(struct lac_pack *p, struct lac_err *err)
{
    const char **names = NULL;

    for (size_t k = 0; k < p->disabled_count; k++) {
        bool found = p->disabled_done[k];
        enum lac_status status;

        for (size_t i = 0; i < p->rule_count && !found; i++)
            if (lac_str_eq(p->rules[i].id, p->disabled[k])) {
                if (p->rules[i].strength != LAC_MATCH_FLOOR)
                    p->opinion_rules--;
                drop_rule(p, i);
                found = true;
            }
        if (found)
            continue;
        names = lac_pack_pool_alloc(&p->pool, (p->rule_count + 1) * sizeof(*names));
        if (!names)
            return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory");
        for (size_t i = 0; i < p->rule_count; i++) {
            struct lac_str copy = lac_pack_pool_copy(&p->pool, p->rules[i].id);

            if (!copy.ptr)
                return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory");
            names[i] = copy.ptr; /* the pool ends its copies with a NUL */
        }
        status = lac_yaml_unknown(p->disabled_at, "rule", p->disabled[k], names, err);
        if (!lac_pack_forgive(p, status, err))
            return status;
    }
    return LAC_OK;
}

static enum lac_status load_rules(struct lac_pack *p, struct lac_err *err)
{
    enum lac_status status =
        load_one(p, lac_pack_files_find(&p->files, "rules.yaml"), lac_pack_load_rules, err);

    if (status == LAC_OK)
        status = load_folder(p, "rules/", lac_pack_load_rules, err);
    if (status == LAC_OK)
        status = load_folder(p, BASE_PREFIX "rules/", lac_pack_load_rules, err);
    return status == LAC_OK ? disable(p, err) : status;
}

static enum lac_status load_terms(struct lac_pack *p, struct lac_err *err)
{
    enum lac_status status = lac_pack_terms_begin(p, err);

    if (status == LAC_OK)
        status = load_folder(p, "terms/", lac_pack_load_terms, err);
    if (status == LAC_OK)
        status = lac_pack_terms_end(p, err);
    lac_pack_groups_free(p);
    return status;
}

/* Vectors of two models have nothing to do with each other. */
static enum lac_status check_model(const struct lac_pack *p, struct lac_err *err)
{
    char hex[2 * sizeof(p->model.hash) + 1];
    struct lac_str name = lac_head_model_name(p->head);

    if (!p->model_at ||
        memcmp(p->model.hash, lac_head_model_hash(p->head), sizeof(p->model.hash)) == 0)
        return LAC_OK;
    lac_hex_encode(hex, lac_head_model_hash(p->head), sizeof(p->model.hash));
    return lac_yaml_fail(p->model_at, err,
                         "model: semantic/ was learned for %.*s %s; run `lacuna train` again, or "
                         "name that one",
                         LAC_STR_FMT(name), hex);
}

/* What was learned: both files, or neither. Their bytes stay where the pack has them. */
static enum lac_status load_head(struct lac_pack *p, struct lac_err *err)
{
    const struct lac_pack_file *json = find(p, "semantic/head.json");
    const struct lac_pack_file *exemplars = find(p, "semantic/exemplars.vec");
    struct lac_err why = {0};
    enum lac_status status;

    if ((!json && !exemplars) || (p->how.headless && p->bundle.bytes.ptr))
        return LAC_OK;
    if (!json || !exemplars)
        return lac_err_set(
            err, LAC_REJECT, 0,
            "semantic/: head.json and exemplars.vec belong together, one is missing; "
            "`lacuna train` makes both");
    status = lac_head_open(&p->head, json->data, exemplars->data, &why);
    if (status == LAC_OK)
        return check_model(p, err);
    return lac_err_set(err, status == LAC_RETRY ? LAC_FATAL : status, why.code, "semantic/%s",
                       why.text);
}

/* It is about to be replaced. */
static bool pass_over_head(struct lac_pack *p, enum lac_status status)
{
    if (status != LAC_REJECT || !p->how.to_train)
        return false;
    lac_head_close(p->head);
    p->head = NULL;
    return true;
}

/* An empty list of rules is a decision, none at all is a mistake. */
static bool has_rules(const struct lac_pack *p)
{
    for (size_t i = 0; i < p->files.count; i++) {
        struct lac_str path = p->files.at[i].path;

        if (lac_str_is(path, "rules.yaml") || is_yaml_in(path, "rules/") ||
            is_yaml_in(path, BASE_PREFIX "rules/"))
            return true;
    }
    return false;
}

/* The pack's hash. Sorts the files too, so that rules come in the same order from any file
 * system. */
static enum lac_status load_hash(struct lac_pack *p, struct lac_err *err)
{
    if (!lac_pack_bundle_is_own(&p->bundle))
        return lac_pack_files_hash(&p->files, p->hash.bytes, err);
    memcpy(p->hash.bytes, p->bundle.hash, LAC_PACK_HASH_SIZE); /* sorted when it was built */
    return LAC_OK;
}

/* Rules, terms, which become rules, and routes. */
static enum lac_status load_lists(struct lac_pack *p, struct lac_err *err)
{
    bool read = lac_pack_bundle_is_own(&p->bundle) && p->how.headless;
    enum lac_status status;

    if (read)
        status = lac_pack_flat_take(p, lac_pack_builtin_rules(), err);
    else
        status = load_rules(p, err);
    if (status == LAC_OK && !has_rules(p))
        return lac_err_set(err, LAC_REJECT, 0,
                           "there are no rules; `base: builtin` in pack.yaml would inherit them");
    if (status == LAC_OK)
        status = load_one(p, find(p, "routing.yaml"), lac_pack_load_routing, err);
    return status == LAC_OK && !read ? load_terms(p, err) : status;
}

/* All of it, once the files are there. */
static enum lac_status load_files(struct lac_pack *p, struct lac_err *err)
{
    enum lac_status status = load_settings(p, err);

    if (lac_pack_forgive(p, status, err))
        status = LAC_OK;
    if (status == LAC_OK && !find(p, "routing.yaml"))
        return lac_err_set(
            err, LAC_REJECT, 0,
            "routing.yaml is missing; `base: builtin` in pack.yaml would inherit it");
    if (status == LAC_OK)
        status = load_hash(p, err);
    if (status == LAC_OK)
        status = load_lists(p, err);
    if (status == LAC_OK) {
        status = load_head(p, err);
        if (lac_pack_forgive(p, status, err) || pass_over_head(p, status))
            status = LAC_OK;
    }
    return status == LAC_OK ? load_match(p, err) : status;
}

enum lac_status lac_pack_load(struct lac_pack *p, struct lac_err *err)
{
    enum lac_status status = load_files(p, err);

    if (status == LAC_OK && p->bundle.bytes.ptr &&
        memcmp(p->hash.bytes, p->bundle.hash, LAC_PACK_HASH_SIZE) != 0)
        return lac_err_set(err, LAC_REJECT, 0, "pack file: the hash is not that of its source");
    return status;
}
