/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked for, compiled to one flag per rule. */
#include "lac_scan_internal.h"

#include <errno.h>
#include <stdlib.h>

static bool is_among(struct lac_str name, const struct lac_str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (lac_str_eq(name, list[i]))
            return true;
    return false;
}

/* Edits between two short names, for a suggestion; `most` and more are all the same. */
static size_t distance(struct lac_str a, struct lac_str b, size_t most)
{
    size_t row[65];

    if (a.len > 64 || b.len > 64)
        return most;
    for (size_t k = 0; k <= b.len; k++)
        row[k] = k;
    for (size_t i = 0; i < a.len; i++) {
        size_t corner = row[0];

        row[0] = i + 1;
        for (size_t k = 0; k < b.len; k++) {
            size_t swap = corner + ((a.ptr[i] | 0x20) != (b.ptr[k] | 0x20));
            size_t step = row[k + 1] < row[k] ? row[k + 1] + 1 : row[k] + 1;

            corner = row[k + 1];
            row[k + 1] = swap < step ? swap : step;
        }
    }
    return row[b.len];
}

static bool begins_with(struct lac_str name, struct lac_str with)
{
    for (size_t i = 0; i < with.len; i++)
        if (i >= name.len || (name.ptr[i] | 0x20) != (with.ptr[i] | 0x20))
            return false;
    return with.len > 2;
}

static struct lac_str name_of(const struct lac_match_rule *r, bool entity)
{
    return entity ? r->entity : r->id;
}

/* A name that nobody has would list nothing, and that would look like a clean text. */
static enum lac_status check_names(const struct lac_match *m, const struct lac_str *names,
                                   size_t count, bool entity, struct lac_err *err)
{
    const char *what = entity ? "entity" : "rule";

    if (count > LAC_SCAN_NAMES_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "more than %d names of %s", LAC_SCAN_NAMES_MAX,
                           entity ? "entities" : "rules");
    for (size_t i = 0; i < count; i++) {
        struct lac_str near = LAC_STR_NULL;
        size_t best = names[i].len / 3 + 1;
        bool found = false;

        for (size_t k = 0; k < lac_match_rule_count(m) && !found; k++) {
            struct lac_str name = name_of(lac_match_rule_at(m, k), entity);
            size_t far = distance(names[i], name, best);

            found = lac_str_eq(names[i], name);
            if (!near.ptr && begins_with(name, names[i]))
                near = name;
            if (far < best) {
                best = far;
                near = name;
            }
        }
        if (!found && near.ptr)
            return lac_err_set(
                err, LAC_REJECT, 0, "the pack has no %s \"%.*s\"; did you mean %.*s?", what,
                (int)(names[i].len > 64 ? 64 : names[i].len), names[i].ptr, LAC_STR_FMT(near));
        if (!found)
            return lac_err_set(err, LAC_REJECT, 0, "the pack has no %s \"%.*s\"", what,
                               (int)(names[i].len > 64 ? 64 : names[i].len), names[i].ptr);
    }
    return LAC_OK;
}

static void compile(struct lac_scan_plan *p, const struct lac_scan_options *o)
{
    bool any = o->entity_count == 0 && o->rule_count == 0;

    for (uint32_t i = 0; i < p->rule_count; i++) {
        const struct lac_match_rule *r = lac_match_rule_at(p->m, i);
        bool named = is_among(r->entity, o->entities, o->entity_count) ||
                     is_among(r->id, o->rules, o->rule_count);

        p->asked[i] = any || named;
        p->listed[i] = p->asked[i] && r->strength != LAC_MATCH_ALLOW && r->tier >= o->min_tier &&
                       (named || !o->floors_only || r->strength == LAC_MATCH_FLOOR);
    }
    p->min_score = o->min_score;
    p->want_weak = o->min_score < LAC_MATCH_SCORE_COUNTS;
}

enum lac_status lac_scan_plan_open(struct lac_scan_plan **out, const struct lac_pack *pack,
                                   const struct lac_scan_options *options, struct lac_err *err)
{
    const struct lac_match *m = lac_pack_match(pack);
    size_t count = lac_match_rule_count(m);
    enum lac_status status;
    struct lac_scan_plan *p;

    *out = NULL;
    status = check_names(m, options->entities, options->entity_count, true, err);
    if (status == LAC_OK)
        status = check_names(m, options->rules, options->rule_count, false, err);
    if (status != LAC_OK)
        return status;
    p = calloc(1, sizeof(*p) + 2 * count * sizeof(bool));
    if (!p)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for a plan");
    *p = (struct lac_scan_plan){.pack = pack, .m = m, .rule_count = (uint32_t)count};
    p->asked = p->flags;
    p->listed = p->flags + count;
    compile(p, options);
    *out = p;
    return LAC_OK;
}

void lac_scan_plan_close(struct lac_scan_plan *p)
{
    free(p);
}

const struct lac_match_rule *lac_scan_rule(const struct lac_scan_plan *p, uint32_t index)
{
    return lac_match_rule_at(p->m, index);
}

size_t lac_scan_rule_count(const struct lac_scan_plan *p)
{
    return p->rule_count;
}

bool lac_scan_validated(const struct lac_match_rule *r)
{
    return r->detector.len > 0 || r->validator.len > 0;
}

const char *lac_scan_strength_name(enum lac_match_strength s)
{
    return s == LAC_MATCH_FLOOR ? "floor" : s == LAC_MATCH_OPINION ? "opinion" : "allow";
}
