/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "lac_conf_impl.h"

/* Names with a meaning outside the table. */
static const char *const special[] = {"LACUNA_CACHE", "LACUNA_CONFIG_PATH", "LACUNA_FAULT"};

/* Is `name` one of the blank-separated words of `list`? */
static bool in_list(const char *list, struct lac_str name)
{
    while (list && *list) {
        size_t n = strcspn(list, " ");

        if (lac_str_eq(name, (struct lac_str){list, n}))
            return true;
        list += n + (list[n] == ' ');
    }
    return false;
}

static bool ends_with(struct lac_str name, const char *end)
{
    size_t n = strlen(end);

    return name.len > n && memcmp(name.ptr + name.len - n, end, n) == 0;
}

static bool find_alias(struct lac_str name, struct lac_conf_name *found)
{
    struct lac_str base = {name.ptr, name.len - (ends_with(name, "_FILE") ? 5 : 0)};

    for (size_t i = 0; i < lac_conf_key_count; i++) {
        const struct lac_conf_key *key = &lac_conf_keys[i];

        *found = (struct lac_conf_name){i, false};
        if (in_list(key->aliases, name))
            return true;
        found->file_form = true;
        if (base.len < name.len && (key->flags & LAC_CONF_SECRET) && in_list(key->aliases, base))
            return true;
    }
    return false;
}

struct env {
    struct lac_conf *c;
    const char **from; /* [lac_conf_key_count]: the variable that set it, as NAME=value */
};

/*
 * The guide's LACUNA_PROMETHEUS_PORT is a bare port, our setting an address. A Kubernetes
 * service called lacuna-prometheus injects the same name with tcp://10.0.0.7:9090, which
 * nobody asked for.
 */
static enum lac_status put_port(struct env *e, size_t key, const char *name, const char *value,
                                struct lac_err *err)
{
    char address[64];
    uint64_t port;

    if (strncmp(value, "tcp://", 6) == 0) {
        lac_conf_warn(e->c, "%s: ignored, it was injected by Kubernetes", name);
        return LAC_OK;
    }
    if (!lac_str_to_u64(lac_str_from(value), &port) || port == 0 || port > 65535)
        return lac_err_set(err, LAC_FATAL, 0, "%s: must be a port from 1 to 65535", name);
    (void)snprintf(address, sizeof(address), "0.0.0.0:%u", (unsigned)port);
    return lac_conf_put(e->c, key, LAC_CONF_FROM_ENV, name, lac_str_from(address), err);
}

static enum lac_status put_variable(struct env *e, struct lac_conf_name found, const char *entry,
                                    struct lac_err *err)
{
    size_t name_len = strcspn(entry, "=");
    const char *value = entry + name_len + 1, *before = e->from[found.key];
    char name[LAC_CONF_NAME_MAX];

    if (*value == '\0')
        return LAC_OK;
    (void)snprintf(name, sizeof(name), "%.*s", (int)name_len, entry);
    /* Two spellings of one setting: equal is harmless, different is a trap. */
    if (before && strcmp(before + strcspn(before, "=") + 1, value) == 0 && !found.file_form)
        return LAC_OK;
    if (before)
        return lac_err_set(err, LAC_FATAL, 0, "%s and %.*s are both set; keep one of them", name,
                           (int)strcspn(before, "="), before);
    if (ends_with(lac_str_from(name), "_PORT") && strncmp(name, "LACUNA__", 8) != 0)
        return put_port(e, found.key, name, value, err);
    e->from[found.key] = entry;
    if (found.file_form)
        return lac_conf_put_secret_file(e->c, found.key, LAC_CONF_FROM_ENV, name, value, err);
    return lac_conf_put(e->c, found.key, LAC_CONF_FROM_ENV, name, lac_str_from(value), err);
}

static void warn_unknown(struct lac_conf *c, struct lac_str name)
{
    struct lac_conf_name found;
    char near[LAC_CONF_NAME_MAX];

    if (name.len > LAC_CONF_NAME_MAX)
        name.len = LAC_CONF_NAME_MAX;
    if (lac_conf_near(name, ~0u, &found)) {
        lac_conf_spell(near, LAC_CONF_IN_ENV, found);
        lac_conf_warn(c, "%.*s: ignored, it is not a setting; did you mean %s?", LAC_STR_FMT(name),
                      near);
    } else {
        lac_conf_warn(c, "%.*s: ignored, it is not a setting", LAC_STR_FMT(name));
    }
}

static enum lac_status read_variable(struct env *e, const char *entry, struct lac_err *err)
{
    struct lac_str name = {entry, strcspn(entry, "=")};
    struct lac_conf_name found;

    if (strncmp(entry, "LACUNA_", 7) != 0 || entry[name.len] != '=')
        return LAC_OK;
    for (size_t i = 0; i < LAC_COUNT(special); i++)
        if (lac_str_is(name, special[i]))
            return LAC_OK;
    if (strncmp(entry, "LACUNA__", 8) == 0) {
        if (!lac_conf_find(LAC_CONF_IN_ENV, name, &found))
            return lac_conf_unknown(LAC_CONF_IN_ENV, "", name, ~0u, err);
        return put_variable(e, found, entry, err);
    }
    if (find_alias(name, &found))
        return put_variable(e, found, entry, err);
    warn_unknown(e->c, name);
    return LAC_OK;
}

enum lac_status lac_conf_read_env(struct lac_conf *c, struct lac_err *err)
{
    struct env e = {.c = c, .from = calloc(lac_conf_key_count, sizeof(*e.from))};
    enum lac_status status = LAC_OK;

    if (!e.from)
        return lac_err_set(err, LAC_FATAL, 0, "configuration: out of memory");
    for (size_t i = 0; c->src.envp && c->src.envp[i] && status == LAC_OK; i++)
        status = read_variable(&e, c->src.envp[i], err);
    free(e.from);
    return status;
}
