/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "lac_conf_impl.h"

enum { WIDTH = 80 };

/* Breaks `text` at blanks; every line begins with `indent`. */
static void put_wrapped(struct lac_buf *b, const char *indent, const char *text)
{
    size_t room = WIDTH - strlen(indent);

    while (*text) {
        size_t n = strlen(text), cut = n;

        if (n > room) {
            for (cut = room; cut > 0 && text[cut] != ' '; cut--)
                ;
            if (cut == 0)
                cut = n;
        }
        lac_buf_printf(b, "%s%.*s\n", indent, (int)cut, text);
        text += cut;
        text += strspn(text, " ");
    }
}

/* What stands for a value: the words of an enum, else the type. */
static void put_kind(struct lac_buf *b, const struct lac_conf_key *key, bool file_form)
{
    static const char *const kinds[] = {"TEXT", "N", "DURATION", "SIZE", "", ""};
    const char *bar = "";

    if (file_form) {
        lac_buf_put_text(b, "FILE");
    } else if (key->type == LAC_CONF_ENUM) {
        for (size_t i = 0;; i++) {
            struct lac_str word = lac_conf_word(key, i);

            if (!word.ptr)
                break;
            if (word.len == 0)
                continue;
            lac_buf_printf(b, "%s%.*s", bar, LAC_STR_FMT(word));
            bar = "|";
        }
    } else {
        lac_buf_put_text(b, kinds[key->type]);
    }
}

static const char *default_text(const struct lac_conf_key *key)
{
    return key->deflt_note ? key->deflt_note : key->deflt;
}

static void put_option(struct lac_buf *b, size_t index)
{
    const struct lac_conf_key *key = &lac_conf_keys[index];
    struct lac_conf_name name = {index, (key->flags & LAC_CONF_SECRET) != 0};
    char flag[LAC_CONF_NAME_MAX], text[512];

    lac_conf_spell(flag, LAC_CONF_IN_FLAG, name);
    lac_buf_printf(b, "  %s", flag);
    if (key->type != LAC_CONF_BOOL) {
        lac_buf_put_char(b, '=');
        put_kind(b, key, name.file_form);
    }
    lac_buf_put_char(b, '\n');
    if (default_text(key)[0])
        (void)snprintf(text, sizeof(text), "%s [%s]", key->help, default_text(key));
    else
        (void)snprintf(text, sizeof(text), "%s", key->help);
    put_wrapped(b, "        ", text);
}

void lac_conf_help(struct lac_buf *buf, enum lac_conf_program program)
{
    const char *last = "";

    lac_buf_put_text(buf, "  -c, --config=FILE\n"
                          "        Configuration file. [$LACUNA_CONFIG_PATH,\n"
                          "        ~/.config/lacuna/lacuna.conf, /etc/lacuna/lacuna.conf]\n"
                          "  -h, --help\n"
                          "  --version\n");
    for (size_t i = 0; i < lac_conf_key_count; i++) {
        const struct lac_conf_key *key = &lac_conf_keys[i];
        size_t n = strcspn(key->name, ".") + 1;

        if (!(key->programs & (unsigned)program))
            continue;
        if (strncmp(last, key->name, n) != 0)
            lac_buf_printf(buf, "\n%.*s\n", (int)n - 1, key->name);
        last = key->name;
        put_option(buf, i);
    }
    lac_buf_put_text(buf, "\nEvery setting can also stand in the file (kafka.topic_prefix) or in "
                          "the environment\n(LACUNA__KAFKA__TOPIC_PREFIX). A flag wins over the "
                          "environment, that over the file.\n");
}

static void put_sample_setting(struct lac_buf *b, size_t index)
{
    const struct lac_conf_key *key = &lac_conf_keys[index];
    size_t n = strcspn(key->name, ".") + 1;
    char env[LAC_CONF_NAME_MAX];
    bool quoted = key->type != LAC_CONF_BOOL && key->type != LAC_CONF_NUMBER;

    put_wrapped(b, "    # ", key->help);
    if (key->type == LAC_CONF_ENUM) {
        lac_buf_put_text(b, "    # One of ");
        put_kind(b, key, false);
        lac_buf_put_text(b, ".\n");
    }
    if (key->deflt_note)
        lac_buf_printf(b, "    # Default: %s.\n", key->deflt_note);
    lac_conf_spell(env, LAC_CONF_IN_ENV, (struct lac_conf_name){index, false});
    lac_buf_printf(b, "    # %s", env);
    if (key->aliases)
        lac_buf_printf(b, " (also %s)", key->aliases);
    if (key->flags & LAC_CONF_SECRET)
        lac_buf_printf(b, "; a file that holds it: %s_file", key->name + n);
    lac_buf_printf(b, "\n    # %s = %s%s%s;\n\n", key->name + n, quoted ? "\"" : "", key->deflt,
                   quoted ? "\"" : "");
}

void lac_conf_sample(struct lac_buf *buf)
{
    lac_buf_put_text(
        buf, "# Lacuna: settings of all its programs. Each one is shown with its default.\n"
             "# A flag wins over the environment, that over this file, that over the default.\n");
    for (size_t i = 0; i < lac_conf_key_count; i++) {
        size_t n = strcspn(lac_conf_keys[i].name, ".") + 1;

        if (i == 0 || strncmp(lac_conf_keys[i - 1].name, lac_conf_keys[i].name, n) != 0)
            lac_buf_printf(buf, "%s\n%.*s: {\n", i ? "};\n" : "", (int)n - 1,
                           lac_conf_keys[i].name);
        put_sample_setting(buf, i);
    }
    lac_buf_put_text(buf, "};\n");
}
