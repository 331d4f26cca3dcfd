/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "lac_conf_impl.h"
#include "lac_utf8.h"

static const char *const origins[] = {"default", "file", "env", "flag", "program"};

/* A quoted string; file and JSON agree on these escapes. Values hold no control characters,
 * but paths may, and may be no UTF-8 either. */
static void put_quoted(struct lac_buf *b, struct lac_str s)
{
    bool utf8 = lac_utf8_valid(s);

    lac_buf_put_char(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c == '"' || c == '\\')
            lac_buf_put(b, (const char[]){'\\', (char)c}, 2);
        else if (c < 0x20 || c == 0x7F || (c >= 0x80 && !utf8))
            lac_buf_put_char(b, '?');
        else
            lac_buf_put_char(b, (char)c);
    }
    lac_buf_put_char(b, '"');
}

static bool is_number(enum lac_conf_type type)
{
    return type == LAC_CONF_NUMBER || type == LAC_CONF_DURATION || type == LAC_CONF_SIZE;
}

/* A connection string that is none may be a password that was put into the wrong place. */
static bool is_stray(const struct lac_conf_key *key, const char *text)
{
    const char *last = strrchr(key->name, '.');

    if (!last || strcmp(last, ".url") != 0 || strchr(text, '=') || strstr(text, "://"))
        return false;
    return strchr(text, '@') || strcmp(key->name, "postgres.url") == 0;
}

static bool hidden(const struct lac_conf_key *key, const struct lac_conf_value *v, bool mask)
{
    struct lac_str text = lac_str_from(v->text);

    if (!mask || text.len == 0)
        return false;
    return (key->flags & LAC_CONF_SECRET) || is_stray(key, v->text) || lac_conf_has_secret(text);
}

/* The value as a literal of both formats. */
static void put_literal(struct lac_buf *b, const struct lac_conf_key *key,
                        const struct lac_conf_value *v, bool mask, bool json)
{
    char memory[LAC_CONF_VALUE_MAX * 2];
    struct lac_buf masked;

    if (is_number(key->type)) {
        lac_buf_printf(b, "%" PRId64, v->number);
        /* libconfig reads a bare number as 32 bits. */
        if (!json && (v->number > INT32_MAX || v->number < INT32_MIN))
            lac_buf_put_char(b, 'L');
    } else if (key->type == LAC_CONF_BOOL) {
        lac_buf_put_text(b, v->text);
    } else if (!hidden(key, v, mask)) {
        put_quoted(b, lac_str_from(v->text));
    } else if ((key->flags & LAC_CONF_SECRET) || is_stray(key, v->text)) {
        put_quoted(b, LAC_STR("********"));
    } else {
        lac_buf_init_fixed(&masked, memory, sizeof(memory));
        lac_conf_put_masked(&masked, lac_str_from(v->text));
        put_quoted(b, lac_buf_ok(&masked) ? lac_buf_str(&masked) : LAC_STR("********"));
    }
}

/* A comment ends with its line, so a path with a line end must not. */
static void put_comment(struct lac_buf *b, const char *text)
{
    lac_buf_put_text(b, " # ");
    for (; *text; text++)
        lac_buf_put_char(b, (char)((unsigned char)*text < 0x20 ? '?' : *text));
    lac_buf_put_char(b, '\n');
}

static size_t section_len(const char *name)
{
    return strcspn(name, ".");
}

static bool starts_section(size_t key)
{
    size_t n = section_len(lac_conf_keys[key].name);

    return key == 0 || strncmp(lac_conf_keys[key].name, lac_conf_keys[key - 1].name, n + 1) != 0;
}

static void dump_file(const struct lac_conf *c, struct lac_buf *b, bool mask)
{
    for (size_t i = 0; i < lac_conf_key_count; i++) {
        const struct lac_conf_key *key = &lac_conf_keys[i];
        const struct lac_conf_value *v = &c->values[i];
        size_t n = section_len(key->name);

        if (starts_section(i))
            lac_buf_printf(b, "%s%.*s: {\n", i ? "};\n" : "", (int)n, key->name);
        /* A masked value that was read back would become the value. */
        lac_buf_printf(b, "    %s%s = ", hidden(key, v, mask) ? "# " : "", key->name + n + 1);
        put_literal(b, key, v, mask, false);
        lac_buf_put_char(b, ';');
        put_comment(b, v->where ? v->where : origins[v->origin]);
    }
    lac_buf_put_text(b, "};\n");
}

static void dump_json(const struct lac_conf *c, struct lac_buf *b, bool mask)
{
    lac_buf_put_text(b, "{\"file\":");
    if (c->path)
        put_quoted(b, lac_str_from(c->path));
    else
        lac_buf_put_text(b, "null");
    lac_buf_put_text(b, ",\"settings\":{");
    for (size_t i = 0; i < lac_conf_key_count; i++) {
        const struct lac_conf_value *v = &c->values[i];

        lac_buf_printf(b, "%s\"%s\":{\"value\":", i ? "," : "", lac_conf_keys[i].name);
        put_literal(b, &lac_conf_keys[i], v, mask, true);
        lac_buf_printf(b, ",\"source\":\"%s\"", origins[v->origin]);
        if (v->where) {
            lac_buf_put_text(b, ",\"from\":");
            put_quoted(b, lac_str_from(v->where));
        }
        lac_buf_put_char(b, '}');
    }
    lac_buf_put_text(b, "}}\n");
}

void lac_conf_dump(const struct lac_conf *c, struct lac_buf *buf, enum lac_conf_format format,
                   bool mask)
{
    if (format == LAC_CONF_AS_JSON)
        dump_json(c, buf, mask);
    else
        dump_file(c, buf, mask);
}
