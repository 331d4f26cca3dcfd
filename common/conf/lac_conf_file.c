/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a file. libconfig 1.5 is kept away from what it handles badly: the text is read
 * here, with a bound; @include is refused, because it would read any number of any files and
 * secrets have a better way; nesting is bounded before its parser sees it.
 */
#include <errno.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_conf_impl.h"
#include "lac_utf8.h"

struct file {
    struct lac_conf *c;
    const char *label; /* the path, for messages */
    bool has_secret;
    bool *seen; /* [lac_conf_key_count] */
};

/* Skips a comment or a string that begins at `i`; returns the last index of it, or `i`. */
static size_t skip_quiet(const char *text, size_t len, size_t i, unsigned *line)
{
    char c = text[i], next = '\0';

    if (i + 1 < len)
        next = text[i + 1];
    if (c == '#' || (c == '/' && next == '/')) {
        while (i + 1 < len && text[i + 1] != '\n')
            i++;
    } else if (c == '/' && next == '*') {
        for (i += 2; i < len && !(text[i] == '*' && i + 1 < len && text[i + 1] == '/'); i++)
            *line += text[i] == '\n';
        i++;
    } else if (c == '"') {
        for (i++; i < len && text[i] != '"'; i++) {
            if (text[i] == '\\' && i + 1 < len)
                i++;
            *line += text[i] == '\n';
        }
    }
    return i;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+' || c == '*' || c == '.';
}

static unsigned digit_value(char c)
{
    unsigned u = (unsigned char)c, low = u | 0x20;

    if (u >= '0' && u <= '9')
        return u - '0';
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : 16;
}

/*
 * libconfig 1.5 reads 4294967297 as 1: it keeps the low 32 bits unless there is an L behind the
 * digits, and the low 64 bits then. So a whole number must fit what will hold it.
 */
static bool number_fits(struct lac_str word)
{
    struct lac_str digits = word;
    bool hex = false, wide;
    uint64_t value = 0;

    if (digits.len > 0 && (digits.ptr[0] == '-' || digits.ptr[0] == '+'))
        digits = (struct lac_str){digits.ptr + 1, digits.len - 1};
    if (digits.len == 0 || digits.ptr[0] < '0' || digits.ptr[0] > '9')
        return true; /* a name */
    while (digits.len > 0 && digits.ptr[digits.len - 1] == 'L')
        digits.len--;
    wide = digits.ptr + digits.len < word.ptr + word.len;
    if (digits.len > 2 && digits.ptr[0] == '0' && (digits.ptr[1] | 0x20) == 'x') {
        digits = (struct lac_str){digits.ptr + 2, digits.len - 2};
        hex = true;
    }
    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = digit_value(digits.ptr[i]), base = hex ? 16 : 10;

        if (digit >= base)
            return true; /* a fraction or a mistake: refused later, by its kind or the grammar */
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    return value <= (wide ? (uint64_t)INT64_MAX : (uint64_t)INT32_MAX);
}

static enum lac_status check_text(const char *label, const char *text, size_t len,
                                  struct lac_err *err)
{
    unsigned line = 1, depth = 0;

    for (size_t i = 0; i < len; i++) {
        i = skip_quiet(text, len, i, &line);
        if (i >= len)
            break;
        if (is_word(text[i])) {
            size_t first = i;

            while (i + 1 < len && is_word(text[i + 1]))
                i++;
            if (!number_fits((struct lac_str){text + first, i + 1 - first}))
                return lac_err_set(err, LAC_FATAL, 0,
                                   "%s:%u: the number needs more than 32 bits; write it in quotes "
                                   "or with an L behind it",
                                   label, line);
            continue;
        }
        switch (text[i]) {
        case '\n':
            line++;
            break;
        case '\0':
            return lac_err_set(err, LAC_FATAL, 0, "%s:%u: a NUL byte; is this a text file?", label,
                               line);
        case '@':
            return lac_err_set(err, LAC_FATAL, 0,
                               "%s:%u: @include is not supported; secrets have NAME_file settings",
                               label, line);
        case '{':
        case '(':
        case '[':
            if (++depth > LAC_CONF_NESTING_MAX)
                return lac_err_set(err, LAC_FATAL, 0, "%s:%u: nested deeper than %d levels", label,
                                   line, LAC_CONF_NESTING_MAX);
            break;
        case '}':
        case ')':
        case ']':
            depth -= depth > 0;
            break;
        default:
            break;
        }
    }
    return LAC_OK;
}

/*
 * The text of a scalar, so that all sources go through one parser. False for a kind that the type
 * has no use for: a password that is 0123 without quotes would be another one, 83.
 */
static bool scalar_text(const config_setting_t *s, enum lac_conf_type type, struct lac_buf *out)
{
    bool is_text = type == LAC_CONF_TEXT || type == LAC_CONF_ENUM;
    const char *text;

    switch (config_setting_type(s)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        lac_buf_printf(out, "%" PRId64, (int64_t)config_setting_get_int64(s));
        return !is_text;
    case CONFIG_TYPE_BOOL:
        lac_buf_put_text(out, config_setting_get_bool(s) ? "true" : "false");
        return type == LAC_CONF_BOOL;
    case CONFIG_TYPE_STRING:
        text = config_setting_get_string(s);
        lac_buf_put_text(out, text ? text : "");
        return true;
    default:
        return false;
    }
}

/* A list of words, for settings that are comma-separated: brokers = ["a:9092", "b:9092"]. */
static bool list_text(const config_setting_t *s, struct lac_buf *out)
{
    int n = config_setting_length(s);

    for (int i = 0; i < n; i++) {
        if (i > 0)
            lac_buf_put_char(out, ',');
        if (!scalar_text(config_setting_get_elem(s, (unsigned)i), LAC_CONF_TEXT, out))
            return false;
    }
    return true;
}

static enum lac_status wrong_kind(const struct lac_conf_key *key, const char *where,
                                  struct lac_err *err)
{
    static const char *const kinds[] = {
        [LAC_CONF_TEXT] = "a text in quotes",
        [LAC_CONF_ENUM] = "a text in quotes: one of ",
        [LAC_CONF_BOOL] = "true or false",
        [LAC_CONF_NUMBER] = "a whole number",
        [LAC_CONF_DURATION] = "a whole number, or a text in quotes such as \"10s\"",
        [LAC_CONF_SIZE] = "a whole number, or a text in quotes such as \"64KiB\"",
    };
    char memory[LAC_ERR_TEXT_SIZE / 2];
    struct lac_buf known;

    lac_buf_init_fixed(&known, memory, sizeof(memory));
    if (key->type == LAC_CONF_ENUM)
        lac_conf_words(key, &known);
    else if (key->flags & LAC_CONF_LIST)
        lac_buf_put_text(&known, " or a list of such");
    return lac_err_set(err, LAC_FATAL, 0, "%s: %s must be %s%s", where, key->name, kinds[key->type],
                       lac_buf_cstr(&known));
}

/* The first setting of a section, or NULL when nothing has this name. */
static const char *section_first(const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < lac_conf_key_count; i++)
        if (strncmp(lac_conf_keys[i].name, name, n) == 0 && lac_conf_keys[i].name[n] == '.')
            return lac_conf_keys[i].name + n + 1;
    return NULL;
}

/* A name that is no setting, and what it may have been meant for. */
static enum lac_status no_setting(const char *name, const char *where, struct lac_err *err)
{
    const char *first = section_first(name);

    if (!first)
        return lac_conf_unknown(LAC_CONF_IN_FILE, where, lac_str_from(name), ~0u, err);
    return lac_err_set(err, LAC_FATAL, 0, "%s: %s is a section: %s: { %s = ...; };", where, name,
                       name, first);
}

static enum lac_status put_setting(struct file *f, const char *name, const config_setting_t *s,
                                   struct lac_err *err)
{
    char where[LAC_ERR_TEXT_SIZE / 2];
    const struct lac_conf_key *key;
    struct lac_conf_name found;
    enum lac_status status;
    struct lac_buf text;
    bool ok;

    (void)snprintf(where, sizeof(where), "%s:%u", f->label, s->line);
    if (!lac_conf_find(LAC_CONF_IN_FILE, lac_str_from(name), &found))
        return no_setting(name, where, err);
    key = &lac_conf_keys[found.key];
    if (f->seen[found.key])
        return lac_err_set(err, LAC_FATAL, 0, "%s: %s is set twice", where, key->name);
    f->seen[found.key] = true;
    lac_buf_init(&text, LAC_CONF_VALUE_MAX + 1);
    if ((key->flags & LAC_CONF_LIST) && (config_setting_is_array(s) || config_setting_is_list(s)))
        ok = list_text(s, &text);
    else
        ok = scalar_text(s, key->type, &text);
    if (!lac_buf_ok(&text))
        status = lac_err_set(err, LAC_FATAL, 0, "%s: %s is longer than %d bytes", where, name,
                             LAC_CONF_VALUE_MAX);
    else if (!ok)
        status = wrong_kind(key, where, err);
    else if (found.file_form)
        status = lac_conf_put_secret_file(f->c, found.key, LAC_CONF_FROM_FILE, where,
                                          lac_buf_cstr(&text), err);
    else
        status = lac_conf_put(f->c, found.key, LAC_CONF_FROM_FILE, where, lac_buf_str(&text), err);
    f->has_secret |= !found.file_form &&
                     ((key->flags & LAC_CONF_SECRET) || lac_conf_has_secret(lac_buf_str(&text)));
    if (text.ptr)
        explicit_bzero(text.ptr, text.capacity);
    lac_buf_deinit(&text);
    return status;
}

/* Recursion is bounded by check_text(). */
static enum lac_status walk(struct file *f, const char *prefix, const config_setting_t *group,
                            struct lac_err *err)
{
    enum lac_status status = LAC_OK;
    int n = config_setting_length(group);

    for (int i = 0; i < n && status == LAC_OK; i++) {
        const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        char name[LAC_CONF_NAME_MAX];
        char where[LAC_ERR_TEXT_SIZE / 2];

        if ((size_t)snprintf(name, sizeof(name), "%s%s%s", prefix, prefix[0] ? "." : "",
                             config_setting_name(s)) >= sizeof(name)) {
            return lac_err_set(err, LAC_FATAL, 0, "%s:%u: a name of more than %d characters",
                               f->label, s->line, LAC_CONF_NAME_MAX - 1);
        }
        /* A group without any setting in it is still a name that can be mistyped. */
        if (!config_setting_is_group(s)) {
            status = put_setting(f, name, s, err);
        } else if (config_setting_length(s) == 0 && !section_first(name)) {
            (void)snprintf(where, sizeof(where), "%s:%u", f->label, s->line);
            status = lac_conf_unknown(LAC_CONF_IN_FILE, where, lac_str_from(name), ~0u, err);
        } else {
            status = walk(f, name, s, err);
        }
    }
    return status;
}

enum lac_status lac_conf_read_text(struct lac_conf *c, const char *label, const char *text,
                                   size_t len, bool *has_secret, struct lac_err *err)
{
    struct file f = {.c = c, .label = label};
    size_t mark = lac_utf8_mark((struct lac_str){text, len});
    enum lac_status status;
    config_t config;

    *has_secret = false;
    text += mark; /* which some editors put before UTF-8 */
    status = check_text(label, text, len - mark, err);
    if (status != LAC_OK)
        return status;
    f.seen = calloc(lac_conf_key_count, sizeof(*f.seen));
    if (!f.seen)
        return lac_err_set(err, LAC_FATAL, 0, "configuration: out of memory");
    config_init(&config);
    if (!config_read_string(&config, text))
        status = lac_err_set(err, LAC_FATAL, 0, "%s:%d: %s", label, config_error_line(&config),
                             config_error_text(&config) ? config_error_text(&config)
                                                        : "cannot be parsed");
    else
        status = walk(&f, "", config_root_setting(&config), err);
    config_destroy(&config);
    free(f.seen);
    *has_secret = f.has_secret;
    return status;
}

/* What people bring along from the service this one replaces. */
static bool looks_like_yaml(const char *path)
{
    size_t n = strlen(path);

    return (n > 5 && strcmp(path + n - 5, ".yaml") == 0) ||
           (n > 4 && strcmp(path + n - 4, ".yml") == 0);
}

/* The file itself, or lacuna.conf in the folder `path`. NULL: out of memory. */
static char *resolve(const char *path)
{
    struct stat st;
    char *inside;

    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return strdup(path);
    return asprintf(&inside, "%s/lacuna.conf", path) < 0 ? NULL : inside;
}

enum lac_status lac_conf_read_file(struct lac_conf *c, const char *path, bool may_be_absent,
                                   struct lac_err *err)
{
    enum lac_status status;
    bool has_secret = false;
    char *text, *file;
    unsigned mode;
    size_t len;

    if (looks_like_yaml(path))
        return lac_err_set(err, LAC_FATAL, 0,
                           "%s: this is YAML; settings are read from a file that looks like "
                           "kafka: { topic_prefix = \"lacuna.\"; };",
                           path);
    if (may_be_absent && access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return LAC_OK;
    file = resolve(path);
    if (!file)
        return lac_err_set(err, LAC_FATAL, 0, "configuration: out of memory");
    status = lac_conf_slurp(&text, &len, &mode, file, LAC_CONF_FILE_MAX, err);
    if (status != LAC_OK) {
        free(file);
        return status;
    }
    status = lac_conf_read_text(c, file, text, len, &has_secret, err);
    explicit_bzero(text, len);
    free(text);
    if (mode & S_IWOTH)
        lac_conf_warn(c, "%s: every user of this machine can change it", file);
    if (has_secret && (mode & S_IROTH))
        lac_conf_warn(c, "%s: holds a secret, and every user of this machine can read it", file);
    c->path = file;
    return status;
}
