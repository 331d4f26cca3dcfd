/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "lac_conf_impl.h"

struct flags {
    struct lac_conf *c;
    int at;     /* index of the word being read */
    bool apply; /* false: only look for --config, --help and --version */
};

static void keep(struct flags *f, char *word)
{
    if (f->apply)
        f->c->rest[f->c->rest_count++] = word;
}

/* The value of "--name value". A word with two dashes is the next flag, not a value. */
static const char *next_word(struct flags *f)
{
    const struct lac_conf_sources *src = &f->c->src;

    if (f->at + 1 >= src->argc || strncmp(src->argv[f->at + 1], "--", 2) == 0)
        return NULL;
    return src->argv[++f->at];
}

static enum lac_status need_value(const char *flag, size_t len, struct lac_err *err)
{
    return lac_err_set(err, LAC_FATAL, 0, "%.*s needs a value", (int)len, flag);
}

/* --config FILE, --config=FILE, -c FILE, --help, -h, --version. True when `word` was one. */
static bool common_flag(struct flags *f, const char *word, enum lac_status *status,
                        struct lac_err *err)
{
    const char *value = NULL;

    *status = LAC_OK;
    if (strncmp(word, "--config=", 9) == 0)
        value = word + 9;
    else if (strcmp(word, "--config") == 0 || strcmp(word, "-c") == 0)
        value = next_word(f);
    else if (!f->c->src.lenient && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
        f->c->asked = LAC_CONF_ASK_HELP;
        return true;
    } else if (!f->c->src.lenient && strcmp(word, "--version") == 0) {
        f->c->asked = LAC_CONF_ASK_VERSION;
        return true;
    } else {
        return false;
    }
    if (!value || !*value)
        *status = need_value(word, strcspn(word, "="), err);
    else
        f->c->flag_file = value;
    return true;
}

/* The program that runs may take this row as a flag; `lacuna` takes all, it starts the others. */
static bool may_use(const struct lac_conf *c, size_t key)
{
    unsigned program = (unsigned)c->src.program;

    return program == LAC_CONF_CLI || (lac_conf_keys[key].programs & program);
}

static enum lac_status put_flag(struct flags *f, struct lac_conf_name found, const char *flag,
                                const char *value, struct lac_err *err)
{
    const struct lac_conf_key *row = &lac_conf_keys[found.key];
    char env[LAC_CONF_NAME_MAX];

    if (!f->apply)
        return LAC_OK;
    if ((row->flags & LAC_CONF_SECRET) && !found.file_form) {
        lac_conf_spell(env, LAC_CONF_IN_ENV, found);
        return lac_err_set(err, LAC_FATAL, 0,
                           "%s: refused, because every user of this machine can read command "
                           "lines; set %s, or %s_FILE or %s-file to a file that holds it",
                           flag, env, env, flag);
    }
    if (found.file_form)
        return lac_conf_put_secret_file(f->c, found.key, LAC_CONF_FROM_FLAG, flag, value, err);
    if (lac_conf_has_secret(lac_str_from(value)))
        lac_conf_warn(f->c,
                      "%s: holds a password, and every user of this machine can read "
                      "command lines",
                      flag);
    return lac_conf_put(f->c, found.key, LAC_CONF_FROM_FLAG, flag, lac_str_from(value), err);
}

/* "--switch true": read as a switch and a word of its own, the word would be refused without a
 * reason, and "--switch false" be the opposite of what was meant. */
static enum lac_status refuse_word(const struct flags *f, const char *flag, struct lac_err *err)
{
    const struct lac_conf_sources *src = &f->c->src;
    const char *next = f->at + 1 < src->argc ? src->argv[f->at + 1] : "";

    if (strcmp(next, "true") != 0 && strcmp(next, "false") != 0)
        return LAC_OK;
    return lac_err_set(err, LAC_FATAL, 0,
                       "%s is a switch and takes no word behind it: write %s=%s, or --no-%s to "
                       "switch it off",
                       flag, flag, next, flag + 2);
}

/* --name, --name=value, --name value, --no-name. False: nothing of the table, `*status` is OK. */
static bool table_flag(struct flags *f, const char *word, enum lac_status *status,
                       struct lac_err *err)
{
    struct lac_str name = {word, strcspn(word, "=")};
    const char *value = word[name.len] == '=' ? word + name.len + 1 : NULL;
    char flag[LAC_CONF_NAME_MAX], positive[LAC_CONF_NAME_MAX];
    struct lac_conf_name found;
    bool is_bool;

    *status = LAC_OK;
    if (!lac_conf_find(LAC_CONF_IN_FLAG, name, &found)) {
        if (value || strncmp(word, "--no-", 5) != 0)
            return false;
        (void)snprintf(positive, sizeof(positive), "--%s", word + 5);
        if (!lac_conf_find(LAC_CONF_IN_FLAG, lac_str_from(positive), &found) ||
            lac_conf_keys[found.key].type != LAC_CONF_BOOL)
            return false;
        value = "false";
    }
    if (!may_use(f->c, found.key))
        return false;
    is_bool = lac_conf_keys[found.key].type == LAC_CONF_BOOL;
    lac_conf_spell(flag, LAC_CONF_IN_FLAG, found);
    if (!value && is_bool)
        *status = refuse_word(f, flag, err);
    if (*status != LAC_OK)
        return true;
    if (!value)
        value = is_bool ? "true" : next_word(f);
    *status = value ? put_flag(f, found, flag, value, err) : need_value(word, name.len, err);
    return true;
}

static enum lac_status stray(const char *word, struct lac_err *err)
{
    return lac_err_set(err, LAC_FATAL, 0, "unexpected argument \"%.64s\"; see --help", word);
}

static enum lac_status unknown_flag(const struct lac_conf *c, const char *word, struct lac_err *err)
{
    struct lac_str name = {word, strcspn(word, "=")};
    struct lac_conf_name found;
    unsigned programs = c->src.program == LAC_CONF_CLI ? ~0u : (unsigned)c->src.program;

    if (word[0] != '-' || word[1] == '\0')
        return stray(word, err);
    if (word[1] != '-')
        return lac_err_set(err, LAC_FATAL, 0, "%.64s is not a flag; see --help", word);
    if (lac_conf_find(LAC_CONF_IN_FLAG, name, &found))
        return lac_err_set(err, LAC_FATAL, 0, "%.*s is not read by this program; see --help",
                           LAC_STR_FMT(name));
    return lac_conf_unknown(LAC_CONF_IN_FLAG, "", name, programs, err);
}

enum lac_status lac_conf_read_flags(struct lac_conf *c, bool apply, struct lac_err *err)
{
    struct flags f = {.c = c, .apply = apply};
    enum lac_status status = LAC_OK;

    for (f.at = 1; f.at < c->src.argc && status == LAC_OK; f.at++) {
        char *word = c->src.argv[f.at];

        if (strcmp(word, "--") == 0) {
            if (!c->src.lenient && f.at + 1 < c->src.argc && apply)
                return stray(c->src.argv[f.at + 1], err);
            for (f.at++; f.at < c->src.argc; f.at++)
                keep(&f, c->src.argv[f.at]);
            break;
        }
        if (common_flag(&f, word, &status, err) ||
            (strncmp(word, "--", 2) == 0 && table_flag(&f, word, &status, err)))
            continue;
        if (c->src.lenient)
            keep(&f, word);
        else if (apply)
            status = unknown_flag(c, word, err);
    }
    return status;
}
