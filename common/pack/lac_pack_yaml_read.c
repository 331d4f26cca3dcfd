/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pack_yaml.h"

#include <string.h>

enum { NAME_MAX_BYTES = 32, DECIMALS = 6 };

const struct lac_yaml *lac_yaml_get(const struct lac_yaml *map, const char *key)
{
    if (!map || map->kind != LAC_YAML_MAPPING)
        return NULL;
    for (const struct lac_yaml *c = map->first; c; c = c->next)
        if (lac_str_is(c->key, key))
            return c;
    return NULL;
}

/* Letters to insert, drop or change between the two; large for long texts. */
static unsigned distance(struct lac_str a, const char *b)
{
    unsigned row[NAME_MAX_BYTES + 1];
    size_t n = strlen(b);

    if (a.len > NAME_MAX_BYTES || n > NAME_MAX_BYTES)
        return NAME_MAX_BYTES;
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            unsigned change = diagonal + ((a.ptr[i - 1] | 0x20) != (b[j - 1] | 0x20));
            unsigned least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

            diagonal = row[j];
            row[j] = change < least ? change : least;
        }
    }
    return row[n];
}

const char *lac_yaml_nearest(struct lac_str text, const char *const *names)
{
    const char *best = NULL;
    unsigned least = (unsigned)(text.len / 2) + 1;

    for (; *names; names++) {
        unsigned d = distance(text, *names);

        if (d < least) {
            least = d;
            best = *names;
        }
    }
    return best;
}

enum lac_status lac_yaml_unknown(const struct lac_yaml *at, const char *what, struct lac_str text,
                                 const char *const *names, struct lac_err *err)
{
    const char *near = lac_yaml_nearest(text, names);

    return lac_yaml_fail(at, err, "unknown %s '%.*s'%s%s%s", what,
                         (int)(text.len > 40 ? 40 : text.len), text.ptr,
                         near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

enum lac_status lac_yaml_keys(const struct lac_yaml *node, const char *what,
                              const char *const *names, struct lac_err *err)
{
    if (node->kind != LAC_YAML_MAPPING)
        return lac_yaml_fail(node, err, "%s must be a mapping", what);
    for (const struct lac_yaml *c = node->first; c; c = c->next) {
        bool known = false;

        for (const char *const *n = names; *n && !known; n++)
            known = lac_str_is(c->key, *n);
        if (!known)
            return lac_yaml_unknown(c, "key", c->key, names, err);
    }
    return LAC_OK;
}

enum lac_status lac_yaml_text(const struct lac_yaml *node, struct lac_str *out, struct lac_err *err)
{
    if (!node)
        return LAC_OK;
    if (node->kind != LAC_YAML_SCALAR || node->text.len == 0)
        return lac_yaml_fail(node, err, "%.*s must be a text", LAC_STR_FMT(node->key));
    *out = node->text;
    return LAC_OK;
}

enum lac_status lac_yaml_number(const struct lac_yaml *node, uint64_t max, uint64_t *out,
                                struct lac_err *err)
{
    uint64_t value;

    if (!node)
        return LAC_OK;
    if (node->kind != LAC_YAML_SCALAR || !lac_str_to_u64(node->text, &value) || value > max)
        return lac_yaml_fail(node, err, "%.*s must be a whole number up to %llu",
                             LAC_STR_FMT(node->key), (unsigned long long)max);
    *out = value;
    return LAC_OK;
}

enum lac_status lac_yaml_millionths(const struct lac_yaml *node, uint64_t max, uint64_t *out,
                                    struct lac_err *err)
{
    struct lac_str text;
    const char *point;
    uint64_t whole;
    uint64_t parts = 0;
    size_t digits;

    if (!node)
        return LAC_OK;
    text = node->text;
    point = text.len ? memchr(text.ptr, '.', text.len) : NULL;
    digits = point ? text.len - (size_t)(point - text.ptr) - 1 : 0;
    if (node->kind != LAC_YAML_SCALAR || digits > DECIMALS || (point && digits == 0) ||
        !lac_str_to_u64((struct lac_str){text.ptr, point ? (size_t)(point - text.ptr) : text.len},
                        &whole) ||
        (point && !lac_str_to_u64((struct lac_str){point + 1, digits}, &parts)) || whole > 1000000)
        return lac_yaml_fail(node, err, "%.*s must be a number such as 0.35, six decimals at most",
                             LAC_STR_FMT(node->key));
    for (; digits < DECIMALS; digits++)
        parts *= 10;
    if (whole * 1000000 + parts > max)
        return lac_yaml_fail(node, err, "%.*s is at most %llu", LAC_STR_FMT(node->key),
                             (unsigned long long)(max / 1000000));
    *out = whole * 1000000 + parts;
    return LAC_OK;
}

enum lac_status lac_yaml_bool(const struct lac_yaml *node, bool *out, struct lac_err *err)
{
    if (!node)
        return LAC_OK;
    if (node->kind != LAC_YAML_SCALAR ||
        (!lac_str_eq_nocase(node->text, "true") && !lac_str_eq_nocase(node->text, "false")))
        return lac_yaml_fail(node, err, "%.*s must be true or false", LAC_STR_FMT(node->key));
    *out = lac_str_eq_nocase(node->text, "true");
    return LAC_OK;
}

enum lac_status lac_yaml_choice(const struct lac_yaml *node, const char *const *names,
                                unsigned *out, struct lac_err *err)
{
    if (!node)
        return LAC_OK;
    for (unsigned i = 0; node->kind == LAC_YAML_SCALAR && names[i]; i++)
        if (lac_str_eq_nocase(node->text, names[i])) {
            *out = i;
            return LAC_OK;
        }
    return lac_yaml_unknown(node, "value", node->text, names, err);
}

static const char *const tier_names[] = {"PUBLIC", "INTERNAL", "PROPRIETARY", NULL};

enum lac_status lac_yaml_tier(const struct lac_yaml *node, enum lac_tier *out, struct lac_err *err)
{
    unsigned index = *out;
    enum lac_status status = lac_yaml_choice(node, tier_names, &index, err);

    *out = (enum lac_tier)index;
    return status;
}

enum lac_status lac_yaml_texts(const struct lac_yaml *node, struct lac_pack_pool *pool,
                               const struct lac_str **out, size_t *count, struct lac_err *err)
{
    struct lac_str *texts;
    size_t n = 0;

    if (!node)
        return LAC_OK;
    if (node->kind != LAC_YAML_SEQUENCE)
        return lac_yaml_fail(node, err, "%.*s must be a list", LAC_STR_FMT(node->key));
    texts = lac_pack_pool_alloc(pool, (node->count + 1) * sizeof(*texts));
    if (!texts)
        return lac_err_set(err, LAC_FATAL, 0, "pack: no memory");
    for (const struct lac_yaml *c = node->first; c; c = c->next) {
        if (c->kind != LAC_YAML_SCALAR || c->text.len == 0)
            return lac_yaml_fail(c, err, "%.*s holds texts only", LAC_STR_FMT(node->key));
        texts[n++] = c->text;
    }
    *out = texts;
    *count = n;
    return LAC_OK;
}

enum lac_status lac_yaml_by_tier(const struct lac_yaml *node, uint64_t max,
                                 uint32_t out[LAC_TIER_COUNT], struct lac_err *err)
{
    static const char *const names[] = {"public", "internal", "proprietary", NULL};
    enum lac_status status;

    if (!node)
        return LAC_OK;
    status = lac_yaml_keys(node, "this", names, err);
    for (int t = 0; t < LAC_TIER_COUNT && status == LAC_OK; t++) {
        const struct lac_yaml *value = lac_yaml_get(node, names[t]);
        uint64_t number = 0;

        if (!value)
            return lac_yaml_fail(node, err, "%s is missing here", names[t]);
        status = lac_yaml_millionths(value, max, &number, err);
        out[t] = (uint32_t)number;
    }
    return status;
}
