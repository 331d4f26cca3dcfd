/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pack_groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lac_pack_internal.h"

/* A name of a list that was seen. */
struct lac_pack_seen {
    uint64_t hash;
    struct lac_str folded; /* ptr NULL: the slot is free */
    const struct lac_yaml *where;
    size_t group;
    unsigned list;
};

enum { FIRST_SLOTS = 1024, FIRST_PHRASES = 16, FIRST_GROUPS = 8 };

static const uint64_t fnv_start = 14695981039346656037u;

static uint64_t fnv(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash;
}

static enum lac_status no_memory(struct lac_err *err)
{
    return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory for the terms");
}

enum lac_status lac_pack_groups_open(struct lac_pack *p, struct lac_err *err)
{
    p->groups = calloc(1, sizeof(*p->groups));
    if (!p->groups)
        return no_memory(err);
    p->groups->seen = calloc(FIRST_SLOTS, sizeof(*p->groups->seen));
    p->groups->seen_capacity = FIRST_SLOTS;
    return p->groups->seen ? LAC_OK : no_memory(err);
}

void lac_pack_groups_free(struct lac_pack *p)
{
    if (!p->groups)
        return;
    for (size_t i = 0; i < p->groups->count; i++)
        if (!p->groups->at[i].kept)
            free(p->groups->at[i].phrases);
    free(p->groups->at);
    free(p->groups->seen);
    free(p->groups);
    p->groups = NULL;
}

/* ---- names that were seen ---- */

static struct lac_pack_seen *slot(struct lac_pack_seen *table, size_t capacity, uint64_t hash,
                                  unsigned list, struct lac_str folded)
{
    size_t i = (size_t)hash & (capacity - 1);

    while (table[i].folded.ptr &&
           !(table[i].hash == hash && table[i].list == list && lac_str_eq(table[i].folded, folded)))
        i = (i + 1) & (capacity - 1);
    return &table[i];
}

static bool grow_seen(struct lac_pack_groups *g)
{
    size_t capacity = g->seen_capacity * 2;
    struct lac_pack_seen *table = calloc(capacity, sizeof(*table));

    if (!table)
        return false;
    for (size_t i = 0; i < g->seen_capacity; i++)
        if (g->seen[i].folded.ptr)
            *slot(table, capacity, g->seen[i].hash, g->seen[i].list, g->seen[i].folded) =
                g->seen[i];
    free(g->seen);
    g->seen = table;
    g->seen_capacity = capacity;
    return true;
}

/* ---- groups ---- */

static uint64_t key_hash(const struct lac_pack_group_key *k)
{
    uint64_t numbers[] = {k->list, k->tier, k->names, k->window, k->context_count};
    uint64_t hash = fnv(fnv_start, numbers, sizeof(numbers));

    for (size_t i = 0; i < k->context_count; i++)
        hash = fnv(fnv(hash, k->context[i].ptr, k->context[i].len), "", 1);
    return hash;
}

static bool same_key(const struct lac_pack_group_key *a, const struct lac_pack_group_key *b)
{
    if (a->list != b->list || a->tier != b->tier || a->names != b->names ||
        a->window != b->window || a->context_count != b->context_count)
        return false;
    for (size_t i = 0; i < a->context_count; i++)
        if (!lac_str_eq(a->context[i], b->context[i]))
            return false;
    return true;
}

/* Index of the group, made when there is none; SIZE_MAX: no memory. */
static size_t group_of(struct lac_pack_groups *g, const struct lac_pack_group_key *key,
                       const struct lac_yaml *where)
{
    uint64_t hash = key_hash(key);

    for (size_t i = 0; i < g->count; i++)
        if (g->at[i].hash == hash && same_key(&g->at[i].key, key))
            return i;
    if (g->count == g->capacity) {
        size_t capacity = g->capacity ? g->capacity * 2 : FIRST_GROUPS;
        struct lac_pack_group *at = realloc(g->at, capacity * sizeof(*at));

        if (!at)
            return SIZE_MAX;
        g->at = at;
        g->capacity = capacity;
    }
    g->at[g->count] = (struct lac_pack_group){.key = *key, .hash = hash, .where = where};
    return g->count++;
}

static enum lac_status put(struct lac_pack_group *g, struct lac_str text, struct lac_err *err)
{
    if (g->count == g->capacity) {
        size_t capacity = g->capacity ? g->capacity * 2 : FIRST_PHRASES;
        struct lac_str *phrases = realloc(g->phrases, capacity * sizeof(*phrases));

        if (!phrases)
            return no_memory(err);
        g->phrases = phrases;
        g->capacity = capacity;
    }
    g->phrases[g->count++] = text;
    return LAC_OK;
}

enum lac_status lac_pack_groups_add(struct lac_pack *p, const struct lac_pack_group_key *key,
                                    const struct lac_yaml *where, struct lac_str text,
                                    struct lac_str folded, bool report, struct lac_err *err)
{
    struct lac_pack_groups *g = p->groups;
    uint64_t hash = fnv(fnv(fnv_start, &key->list, sizeof(key->list)), folded.ptr, folded.len);
    struct lac_pack_seen *seen;
    size_t group;

    if (g->count >= LAC_MATCH_RULE_MAX)
        return lac_yaml_fail(where, err,
                             "more than %d kinds of entries: let more of them share their context",
                             LAC_MATCH_RULE_MAX);
    if (g->seen_count * 2 >= g->seen_capacity && !grow_seen(g))
        return no_memory(err);
    group = group_of(g, key, where);
    if (group == SIZE_MAX)
        return no_memory(err);
    seen = slot(g->seen, g->seen_capacity, hash, key->list, folded);
    if (seen->folded.ptr) {
        if (report && seen->where != where)
            lac_pack_say(p,
                         &(struct lac_pack_remark){.level = LAC_PACK_WARNING,
                                                   .code = "duplicate-term",
                                                   .at = where,
                                                   .todo = "leave one of them out"},
                         "'%.*s' is on line %u of %.*s already", LAC_STR_FMT(text),
                         seen->where->line, LAC_STR_FMT(seen->where->file));
        if (seen->group == group)
            return LAC_OK;
        return put(&g->at[group], text, err);
    }
    folded = lac_pack_pool_copy(&p->pool, folded);
    if (!folded.ptr)
        return no_memory(err);
    *seen = (struct lac_pack_seen){hash, folded, where, group, key->list};
    g->seen_count++;
    return put(&g->at[group], text, err);
}

enum lac_status lac_pack_groups_keep(struct lac_pack *p, size_t index, struct lac_err *err)
{
    struct lac_pack_group *g = &p->groups->at[index];
    struct lac_str *kept = lac_pack_pool_alloc(&p->pool, (g->count + 1) * sizeof(*kept));

    if (!kept)
        return no_memory(err);
    if (g->count > 0)
        memcpy(kept, g->phrases, g->count * sizeof(*kept));
    free(g->phrases);
    g->phrases = kept;
    g->kept = true;
    return LAC_OK;
}
