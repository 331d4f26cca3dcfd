/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_conf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lac_assert.h"
#include "lac_conf_impl.h"
#include "lac_file.h"

const char *lac_conf_getenv(char *const *envp, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; envp && envp[i]; i++)
        if (strncmp(envp[i], name, n) == 0 && envp[i][n] == '=')
            return envp[i][n + 1] ? envp[i] + n + 1 : NULL;
    return NULL;
}

void lac_conf_warn(struct lac_conf *c, const char *fmt, ...)
{
    va_list args;
    char *text;

    if (c->warning_count >= LAC_CONF_WARNINGS_MAX)
        return;
    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) >= 0)
        c->warnings[c->warning_count++] = text;
    va_end(args);
}

static struct lac_conf_value *value_of(const struct lac_conf *c, const char *name)
{
    for (size_t i = 0; i < lac_conf_key_count; i++)
        if (strcmp(lac_conf_keys[i].name, name) == 0)
            return &c->values[i];
    return NULL;
}

static const struct lac_conf_value *need(const struct lac_conf *c, const char *name)
{
    const struct lac_conf_value *v = value_of(c, name);

    LAC_ASSERT(v && "no such setting");
    return v;
}

static enum lac_conf_type type_of(const struct lac_conf *c, const struct lac_conf_value *v)
{
    return lac_conf_keys[v - c->values].type;
}

/* Text of the error for a value that its row does not accept; a secret is never shown. */
static enum lac_status bad_value(const struct lac_conf_key *key, const char *where,
                                 struct lac_str text, const struct lac_err *inner,
                                 struct lac_err *err)
{
    const char *colon = *where ? ": " : "";
    char shown[80];
    struct lac_buf b;

    if ((key->flags & LAC_CONF_SECRET) || text.len == 0 || text.len > 64 ||
        lac_conf_has_secret(text))
        return lac_err_set(err, LAC_FATAL, 0, "%s%s%s %s", where, colon, key->name, inner->text);
    lac_buf_init_fixed(&b, shown, sizeof(shown));
    for (size_t i = 0; i < text.len; i++)
        lac_buf_put_char(&b, (char)(text.ptr[i] >= 0x20 && text.ptr[i] < 0x7F ? text.ptr[i] : '?'));
    return lac_err_set(err, LAC_FATAL, 0, "%s%s%s %s, and \"%.*s\" is not", where, colon, key->name,
                       inner->text, LAC_STR_FMT(lac_buf_str(&b)));
}

enum lac_status lac_conf_put(struct lac_conf *c, size_t key, enum lac_conf_origin origin,
                             const char *where, struct lac_str text, struct lac_err *err)
{
    const struct lac_conf_key *row = &lac_conf_keys[key];
    struct lac_conf_value *v = &c->values[key];
    char *copy, *where_copy = NULL;
    struct lac_err inner = {0};
    enum lac_status status;
    struct lac_buf b;
    int64_t number;

    lac_buf_init(&b, LAC_CONF_VALUE_MAX + 1);
    status = lac_conf_parse(row, text, &b, &number, &inner);
    if (status != LAC_OK) {
        lac_buf_deinit(&b);
        if (origin == LAC_CONF_FROM_PROGRAM) /* who sets it in code says where it is from */
            where = "";
        return bad_value(row, where ? where : "default", text, &inner, err);
    }
    copy = lac_str_dup(lac_buf_str(&b));
    if (b.ptr)
        explicit_bzero(b.ptr, b.capacity);
    if (where)
        where_copy = strdup(where);
    if (b.failed || !copy || (where && !where_copy)) {
        lac_conf_wipe(copy);
        free(where_copy);
        status = lac_err_set(err, LAC_FATAL, 0, "configuration: out of memory");
    } else {
        lac_conf_wipe(v->text);
        free(v->where);
        *v = (struct lac_conf_value){copy, number, origin, where_copy};
    }
    lac_buf_deinit(&b);
    return status;
}

static char *joined(const char *folder, const char *rest)
{
    char *path;

    return asprintf(&path, "%s%s", folder, rest) < 0 ? NULL : path;
}

/* NULL: out of memory. */
static char *state_dir(char *const *envp)
{
    const char *xdg = lac_conf_getenv(envp, "XDG_STATE_HOME");
    const char *home = lac_conf_getenv(envp, "HOME");

    if (geteuid() == 0)
        return strdup(LAC_FILE_SHARED_FOLDER);
    if (xdg && xdg[0] == '/')
        return joined(xdg, "/lacuna");
    if (home && home[0] == '/')
        return joined(home, "/.local/state/lacuna");
    return strdup(LAC_FILE_SHARED_FOLDER);
}

static char *host_name(void)
{
    char name[256];

    if (gethostname(name, sizeof(name)) != 0 || name[0] == '\0')
        return strdup("localhost");
    name[sizeof(name) - 1] = '\0';
    return strdup(name);
}

static char *compute(const struct lac_conf *c, enum lac_conf_computed what)
{
    switch (what) {
    case LAC_CONF_HOST_NAME:
        return host_name();
    case LAC_CONF_STATE_DIR:
        return state_dir(c->src.envp);
    default:
        return strdup(lac_conf_program_name(c->src.program));
    }
}

static enum lac_status put_default(struct lac_conf *c, size_t key, struct lac_err *err)
{
    const struct lac_conf_key *row = &lac_conf_keys[key];
    enum lac_status status;
    char *computed;

    if (row->computed == LAC_CONF_FIXED)
        return lac_conf_put(c, key, LAC_CONF_FROM_DEFAULT, NULL, lac_str_from(row->deflt), err);
    computed = compute(c, row->computed);
    if (!computed)
        return lac_err_set(err, LAC_FATAL, 0, "configuration: out of memory");
    status = lac_conf_put(c, key, LAC_CONF_FROM_DEFAULT, NULL, lac_str_from(computed), err);
    free(computed);
    return status;
}

/* Not the current folder: a checkout or a download could then choose where texts are sent. */
static enum lac_status fill_search(struct lac_conf *c, struct lac_err *err)
{
    const char *xdg = lac_conf_getenv(c->src.envp, "XDG_CONFIG_HOME");
    const char *home = lac_conf_getenv(c->src.envp, "HOME");
    size_t n = 0;

    if (xdg && xdg[0] == '/')
        c->search[n++] = joined(xdg, "/lacuna/lacuna.conf");
    else if (home && home[0] == '/')
        c->search[n++] = joined(home, "/.config/lacuna/lacuna.conf");
    c->search[n++] = strdup("/etc/lacuna/lacuna.conf");
    for (size_t i = 0; i < n; i++)
        if (!c->search[i])
            return lac_err_set(err, LAC_FATAL, 0, "configuration: out of memory");
    return LAC_OK;
}

static enum lac_status read_some_file(struct lac_conf *c, struct lac_err *err)
{
    const char *named = c->src.file ? c->src.file : c->flag_file;

    if (!named && c->src.no_file)
        return LAC_OK;
    if (!named)
        named = lac_conf_getenv(c->src.envp, "LACUNA_CONFIG_PATH");
    if (named)
        return lac_conf_read_file(c, named, false, err);
    for (size_t i = 0; c->search[i]; i++) {
        enum lac_status status = lac_conf_read_file(c, c->search[i], true, err);

        if (status != LAC_OK || c->path)
            return status;
    }
    return LAC_OK;
}

static enum lac_status load(struct lac_conf *c, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    for (size_t i = 0; i < lac_conf_key_count && status == LAC_OK; i++)
        status = put_default(c, i, err);
    if (status == LAC_OK)
        status = fill_search(c, err);
    if (status == LAC_OK)
        status = lac_conf_read_flags(c, false, err);
    if (status != LAC_OK || c->asked != LAC_CONF_ASK_NOTHING)
        return status;
    status = read_some_file(c, err);
    if (status == LAC_OK)
        status = lac_conf_read_env(c, err);
    if (status == LAC_OK)
        status = lac_conf_read_flags(c, true, err);
    if (status == LAC_OK)
        status = lac_conf_check(c, c->src.program, err);
    if (status == LAC_OK && lac_conf_is_set(c, "redis.url"))
        lac_conf_warn(c, "%s: has no effect, as this version caches no decisions",
                      lac_conf_source_text(c, "redis.url"));
    if (status == LAC_OK)
        lac_conf_doubt_keys(c);
    return status;
}

enum lac_status lac_conf_load(struct lac_conf **out, const struct lac_conf_sources *src,
                              struct lac_err *err)
{
    enum lac_status status;
    struct lac_conf *c;

    *out = NULL;
    if (src->argc > LAC_CONF_ARGUMENTS_MAX)
        return lac_err_set(err, LAC_FATAL, 0, "more than %d arguments", LAC_CONF_ARGUMENTS_MAX);
    c = calloc(1, sizeof(*c));
    if (c) {
        c->src = *src;
        c->values = calloc(lac_conf_key_count, sizeof(*c->values));
        c->rest = calloc((size_t)(src->argc > 0 ? src->argc : 0) + 1, sizeof(*c->rest));
    }
    if (!c || !c->values || !c->rest)
        status = lac_err_set(err, LAC_FATAL, 0, "configuration: out of memory");
    else
        status = load(c, err);
    if (status != LAC_OK) {
        lac_conf_free(c);
        return status;
    }
    *out = c;
    return LAC_OK;
}

void lac_conf_free(struct lac_conf *c)
{
    if (!c)
        return;
    for (size_t i = 0; c->values && i < lac_conf_key_count; i++) {
        lac_conf_wipe(c->values[i].text);
        free(c->values[i].where);
    }
    for (size_t i = 0; i < c->warning_count; i++)
        free(c->warnings[i]);
    for (size_t i = 0; i < LAC_CONF_SEARCH_MAX; i++)
        free(c->search[i]);
    free(c->values);
    free(c->path);
    free(c->rest);
    free(c);
}

enum lac_conf_ask lac_conf_asked(const struct lac_conf *c)
{
    return c->asked;
}

const char *lac_conf_text(const struct lac_conf *c, const char *name)
{
    const struct lac_conf_value *v = need(c, name);

    LAC_ASSERT(type_of(c, v) == LAC_CONF_TEXT || type_of(c, v) == LAC_CONF_ENUM);
    return v->text;
}

int64_t lac_conf_int(const struct lac_conf *c, const char *name)
{
    const struct lac_conf_value *v = need(c, name);

    LAC_ASSERT(type_of(c, v) == LAC_CONF_NUMBER || type_of(c, v) == LAC_CONF_DURATION ||
               type_of(c, v) == LAC_CONF_SIZE);
    return v->number;
}

uint64_t lac_conf_number(const struct lac_conf *c, const char *name)
{
    int64_t number = lac_conf_int(c, name);

    LAC_ASSERT(number >= 0);
    return (uint64_t)number;
}

bool lac_conf_bool(const struct lac_conf *c, const char *name)
{
    const struct lac_conf_value *v = need(c, name);

    LAC_ASSERT(type_of(c, v) == LAC_CONF_BOOL);
    return v->number != 0;
}

unsigned lac_conf_choice(const struct lac_conf *c, const char *name)
{
    const struct lac_conf_value *v = need(c, name);

    LAC_ASSERT(type_of(c, v) == LAC_CONF_ENUM);
    return (unsigned)v->number;
}

bool lac_conf_is_set(const struct lac_conf *c, const char *name)
{
    return need(c, name)->text[0] != '\0';
}

enum lac_conf_origin lac_conf_source(const struct lac_conf *c, const char *name)
{
    return need(c, name)->origin;
}

const char *lac_conf_source_text(const struct lac_conf *c, const char *name)
{
    const struct lac_conf_value *v = need(c, name);

    return v->where ? v->where : "default";
}

enum lac_status lac_conf_set(struct lac_conf *c, const char *name, const char *value,
                             struct lac_err *err)
{
    const struct lac_conf_value *v = value_of(c, name);

    if (!v)
        return lac_conf_unknown(LAC_CONF_IN_FILE, "", lac_str_from(name), ~0u, err);
    return lac_conf_put(c, (size_t)(v - c->values), LAC_CONF_FROM_PROGRAM, "the program",
                        lac_str_from(value), err);
}

const char *lac_conf_path(const struct lac_conf *c)
{
    return c->path;
}

const char *lac_conf_search_path(const struct lac_conf *c, size_t index)
{
    return index < LAC_CONF_SEARCH_MAX ? c->search[index] : NULL;
}

const char *lac_conf_warning(const struct lac_conf *c, size_t index)
{
    return index < c->warning_count ? c->warnings[index] : NULL;
}

char *const *lac_conf_rest(const struct lac_conf *c, size_t *count)
{
    if (count)
        *count = c->rest_count;
    return c->rest;
}
