/* SPDX-License-Identifier: Apache-2.0 */
/* pack.yaml and routing.yaml. */
#include "lac_pack_internal.h"

#include <stdlib.h>

static const char *const pack_keys[] = {"name",    "version",    "description", "base",
                                        "prior",   "strategies", "price",       "excerpt",
                                        "disable", "model",      NULL};
static const char *const model_keys[] = {"name", "hash", NULL};
static const char *const strategy_keys[] = {"conservative", "balanced", "aggressive", NULL};
static const char *const answer_keys[] = {"public", "internal", "proprietary", NULL};
static const char *const price_keys[] = {"semantic", "llm", NULL};

enum { EXCERPT_BYTES_MAX = 4096, NAME_BYTES_MAX = 64 };

enum lac_status lac_pack_wants_base(const struct lac_yaml *root, bool *out, struct lac_err *err)
{
    static const char *const bases[] = {"builtin", NULL};
    const struct lac_yaml *base = lac_yaml_get(root, "base");
    unsigned which = 0;

    *out = base != NULL;
    return lac_yaml_choice(base, bases, &which, err);
}

/* A section of the pack, or of the one it builds upon. */
static enum lac_status section(const struct lac_yaml *root, const struct lac_yaml *base,
                               const char *key, const struct lac_yaml **out, struct lac_err *err)
{
    *out = lac_yaml_get(root, key);
    if (!*out)
        *out = lac_yaml_get(base, key);
    if (*out)
        return LAC_OK;
    return lac_yaml_fail(root, err,
                         "%s is missing; `base: builtin` would take it from the built-in "
                         "pack",
                         key);
}

/* strategies: {conservative: {public: {public: 0, internal: 1, ...}, ...}, ...}; the outer tier is
 * the true one, the inner one the answer. */
static enum lac_status load_costs(struct lac_pack *p, const struct lac_yaml *node,
                                  struct lac_err *err)
{
    enum lac_status status = lac_yaml_keys(node, "strategies", strategy_keys, err);

    for (int s = 0; s < LAC_STRATEGY_COUNT && status == LAC_OK; s++) {
        const struct lac_yaml *matrix = lac_yaml_get(node, strategy_keys[s]);

        if (!matrix)
            return lac_yaml_fail(node, err, "the strategy %s is missing", strategy_keys[s]);
        status = lac_yaml_keys(matrix, "a strategy", answer_keys, err);
        for (int t = 0; t < LAC_TIER_COUNT && status == LAC_OK; t++) {
            const struct lac_yaml *row = lac_yaml_get(matrix, answer_keys[t]);

            if (!row)
                return lac_yaml_fail(matrix, err, "the row for %s texts is missing",
                                     answer_keys[t]);
            status = lac_yaml_keys(row, "a row of costs", answer_keys, err);
            for (int a = 0; a < LAC_TIER_COUNT && status == LAC_OK; a++) {
                const struct lac_yaml *cell = lac_yaml_get(row, answer_keys[a]);
                uint64_t cost = 0;

                if (!cell)
                    return lac_yaml_fail(row, err, "the cost of answering %s is missing",
                                         answer_keys[a]);
                status = lac_yaml_number(cell, LAC_DECIDE_COST_MAX, &cost, err);
                p->policy.cost[s][t][a] = (uint32_t)cost;
            }
        }
    }
    return status;
}

static enum lac_status load_price(struct lac_pack *p, const struct lac_yaml *node,
                                  struct lac_err *err)
{
    const uint64_t most = (uint64_t)LAC_DECIDE_COST_MAX * LAC_DECIDE_PPM;
    enum lac_status status = lac_yaml_keys(node, "price", price_keys, err);

    if (status == LAC_OK)
        status = lac_yaml_millionths(lac_yaml_get(node, "semantic"), most,
                                     &p->policy.price[LAC_DECIDE_SEMANTIC], err);
    if (status == LAC_OK)
        status = lac_yaml_millionths(lac_yaml_get(node, "llm"), most,
                                     &p->policy.price[LAC_DECIDE_LLM], err);
    return status;
}

/* model: {name: all-minilm-l6-v2, hash: 64 hex digits}: which encoder semantic/ is for. */
static enum lac_status load_model(struct lac_pack *p, const struct lac_yaml *node,
                                  struct lac_err *err)
{
    const struct lac_yaml *name = lac_yaml_get(node, "name");
    const struct lac_yaml *hash = lac_yaml_get(node, "hash");
    struct lac_str hex = LAC_STR_NULL;
    enum lac_status status;

    if (!node)
        return LAC_OK;
    status = lac_yaml_keys(node, "model", model_keys, err);
    if (status == LAC_OK && (!name || !hash))
        return lac_yaml_fail(node, err,
                             "a model needs a name and a hash; `lacuna model list` "
                             "prints both");
    if (status == LAC_OK)
        status = lac_yaml_text(name, &p->model.name, err);
    if (status == LAC_OK)
        status = lac_yaml_text(hash, &hex, err);
    if (status == LAC_OK && !lac_hex_decode(p->model.hash, sizeof(p->model.hash), hex))
        return lac_yaml_fail(hash, err, "a model's hash is %zu hex digits",
                             2 * sizeof(p->model.hash));
    p->model_at = node;
    return status;
}

static enum lac_status load_identity(struct lac_pack *p, const struct lac_yaml *root,
                                     struct lac_err *err)
{
    const struct lac_yaml *name = lac_yaml_get(root, "name");
    const struct lac_yaml *version = lac_yaml_get(root, "version");
    uint64_t excerpt = 0;
    enum lac_status status;

    if (!name || !version)
        return lac_yaml_fail(root, err, "a pack needs a name and a version (a whole number)");
    status = lac_yaml_text(name, &p->name, err);
    if (status == LAC_OK && p->name.len > NAME_BYTES_MAX)
        return lac_yaml_fail(name, err, "a name is at most %d bytes", NAME_BYTES_MAX);
    if (status == LAC_OK)
        status = lac_yaml_number(version, INT64_MAX, &p->version, err);
    if (status == LAC_OK)
        status = lac_yaml_number(lac_yaml_get(root, "excerpt"), EXCERPT_BYTES_MAX, &excerpt, err);
    p->excerpt_bytes = (size_t)excerpt;
    p->disabled_at = lac_yaml_get(root, "disable");
    if (status == LAC_OK)
        status = lac_yaml_texts(p->disabled_at, &p->pool, &p->disabled, &p->disabled_count, err);
    if (status != LAC_OK)
        return status;
    p->disabled_done = lac_pack_pool_alloc(&p->pool, p->disabled_count + 1);
    if (!p->disabled_done)
        return lac_err_set(err, LAC_FATAL, 0, "pack: no memory");
    return status;
}

enum lac_status lac_pack_load_settings(struct lac_pack *p, const struct lac_yaml *root,
                                       const struct lac_yaml *base, struct lac_err *err)
{
    const struct lac_yaml *node;
    enum lac_status status = lac_yaml_keys(root, "pack.yaml", pack_keys, err);

    if (status == LAC_OK)
        status = load_identity(p, root, err);
    if (status == LAC_OK)
        status = load_model(p, lac_yaml_get(root, "model"), err);
    if (status == LAC_OK)
        status = section(root, base, "prior", &node, err);
    if (status == LAC_OK)
        status = lac_yaml_by_tier(node, LAC_DECIDE_PPM, p->policy.prior, err);
    if (status == LAC_OK)
        status = section(root, base, "price", &node, err);
    if (status == LAC_OK)
        status = load_price(p, node, err);
    if (status == LAC_OK)
        status = section(root, base, "strategies", &node, err);
    if (status == LAC_OK)
        status = load_costs(p, node, err);
    if (status == LAC_OK) {
        struct lac_err why;

        if (lac_decide_policy_check(&p->policy, &why) != LAC_OK)
            return lac_yaml_fail(node, err, "%s", why.text);
    }
    return status;
}

/* ---- routing ---- */

static int by_text(const void *a, const void *b)
{
    return lac_str_cmp(*(const struct lac_str *)a, *(const struct lac_str *)b);
}

/* A list of destinations, or the older form {local_rag: true, web_search: false}. */
static enum lac_status read_route(const struct lac_yaml *node, struct lac_str *out, size_t *count,
                                  struct lac_err *err)
{
    if (node->kind == LAC_YAML_SCALAR)
        return lac_yaml_fail(node, err, "%.*s: a list of destinations, [] for none",
                             LAC_STR_FMT(node->key));
    for (const struct lac_yaml *c = node->first; c; c = c->next) {
        bool allowed = true;

        if (node->kind == LAC_YAML_MAPPING) {
            enum lac_status status = lac_yaml_bool(c, &allowed, err);

            if (status != LAC_OK)
                return status;
        } else if (c->kind != LAC_YAML_SCALAR || c->text.len == 0) {
            return lac_yaml_fail(c, err, "a destination is a name such as local_rag");
        }
        if (!allowed)
            continue;
        if (*count == LAC_PACK_ROUTE_MAX)
            return lac_yaml_fail(c, err, "more than %d destinations", LAC_PACK_ROUTE_MAX);
        out[(*count)++] = node->kind == LAC_YAML_MAPPING ? c->key : c->text;
    }
    return LAC_OK;
}

static enum lac_status load_route(struct lac_pack *p, enum lac_tier tier,
                                  const struct lac_yaml *node, struct lac_err *err)
{
    struct lac_str *route = lac_pack_pool_alloc(&p->pool, LAC_PACK_ROUTE_MAX * sizeof(*route));
    size_t count = 0;
    size_t kept = 0;
    enum lac_status status;

    if (!route)
        return lac_err_set(err, LAC_FATAL, 0, "pack: no memory");
    status = read_route(node, route, &count, err);
    if (status != LAC_OK)
        return status;
    qsort(route, count, sizeof(*route), by_text);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || !lac_str_eq(route[kept - 1], route[i]))
            route[kept++] = route[i];
    p->routes[tier].at = route;
    p->routes[tier].count = kept;
    return LAC_OK;
}

static bool may_go(const struct lac_pack *p, enum lac_tier tier, struct lac_str destination)
{
    for (size_t i = 0; i < p->routes[tier].count; i++)
        if (lac_str_eq(p->routes[tier].at[i], destination))
            return true;
    return false;
}

enum lac_status lac_pack_load_routing(struct lac_pack *p, const struct lac_yaml *root,
                                      struct lac_err *err)
{
    static const char *const keys[] = {"PUBLIC", "INTERNAL", "PROPRIETARY", NULL};
    enum lac_status status = lac_yaml_keys(root, "routing.yaml", keys, err);

    for (int t = 0; t < LAC_TIER_COUNT && status == LAC_OK; t++) {
        const struct lac_yaml *node = lac_yaml_get(root, keys[t]);

        if (!node)
            return lac_yaml_fail(root, err, "%s is missing; [] allows nothing", keys[t]);
        status = load_route(p, (enum lac_tier)t, node, err);
    }
    for (int t = 1; t < LAC_TIER_COUNT && status == LAC_OK; t++)
        for (size_t i = 0; i < p->routes[t].count; i++)
            if (!may_go(p, (enum lac_tier)(t - 1), p->routes[t].at[i]))
                lac_pack_say(p,
                             &(struct lac_pack_remark){
                                 .level = LAC_PACK_WARNING,
                                 .code = "route-contradiction",
                                 .at = lac_yaml_get(root, keys[t]),
                                 .todo = "allow it for the looser tier, or for neither"},
                             "%s may go to %.*s, but %s may not", keys[t],
                             LAC_STR_FMT(p->routes[t].at[i]), keys[t - 1]);
    return status;
}
