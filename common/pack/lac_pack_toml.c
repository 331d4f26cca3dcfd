/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pack_toml.h"

#include <errno.h>
#include <string.h>

#include "lac_buf.h"
#include "lac_utf8.h"

struct reader {
    struct lac_pack_pool *pool;
    struct lac_str file;
    struct lac_str data;
    size_t at;
    unsigned line;
    size_t nodes;
    struct lac_yaml *root;
    struct lac_buf text; /* of the string in hand */
    struct lac_err *err;
};

static enum lac_status fail(const struct reader *r, const char *why)
{
    return lac_err_set(r->err, LAC_REJECT, 0, "%.*s:%u: %s", LAC_STR_FMT(r->file), r->line, why);
}

static enum lac_status no_memory(const struct reader *r)
{
    return lac_err_set(r->err, LAC_FATAL, ENOMEM, "pack: no memory");
}

/* ---- bytes ---- */

static int peek(const struct reader *r)
{
    return r->at < r->data.len ? (unsigned char)r->data.ptr[r->at] : -1;
}

static int next(struct reader *r)
{
    int c = peek(r);

    if (c >= 0)
        r->at++;
    if (c == '\n')
        r->line++;
    return c;
}

static bool starts(const struct reader *r, const char *text)
{
    size_t n = strlen(text);

    return r->data.len - r->at >= n && memcmp(r->data.ptr + r->at, text, n) == 0;
}

static void skip(struct reader *r, size_t n)
{
    while (n-- > 0)
        (void)next(r);
}

static void blanks(struct reader *r)
{
    while (peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\r')
        r->at++;
}

/* Blanks, line ends and comments. */
static void space(struct reader *r)
{
    for (;;) {
        blanks(r);
        if (peek(r) == '#')
            while (peek(r) >= 0 && peek(r) != '\n')
                r->at++;
        if (peek(r) != '\n')
            return;
        (void)next(r);
    }
}

/* ---- nodes ---- */

static struct lac_yaml *node_new(struct reader *r, enum lac_yaml_kind kind)
{
    struct lac_yaml *n = NULL;

    if (r->nodes < LAC_YAML_NODE_MAX)
        n = lac_pack_pool_alloc(r->pool, sizeof(*n));
    if (!n)
        return NULL;
    r->nodes++;
    n->kind = kind;
    n->line = r->line;
    n->file = r->file;
    n->text = LAC_STR("");
    return n;
}

static struct lac_yaml *find(struct lac_yaml *map, struct lac_str key)
{
    for (struct lac_yaml *c = map->first; c; c = c->next)
        if (lac_str_eq(c->key, key))
            return c;
    return NULL;
}

static enum lac_status add(struct reader *r, struct lac_yaml *map, struct lac_str key,
                           struct lac_yaml *n)
{
    if (!n)
        return r->nodes < LAC_YAML_NODE_MAX ? no_memory(r)
                                            : fail(r, "the file has too many values");
    if (map->count >= LAC_YAML_KEY_MAX)
        return fail(r, "the table has too many keys");
    if (find(map, key))
        return fail(r, "the same key stands there twice");
    n->key = key;
    lac_yaml_append(map, n);
    return LAC_OK;
}

/* ---- strings ---- */

static bool hex(struct reader *r, unsigned digits, uint32_t *out)
{
    *out = 0;
    while (digits-- > 0) {
        int c = next(r);

        if (c >= '0' && c <= '9')
            c -= '0';
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            c = (c | 0x20) - 'a' + 10;
        else
            return false;
        *out = *out << 4 | (uint32_t)c;
    }
    return *out < 0x110000 && (*out < 0xd800 || *out > 0xdfff);
}

/* Behind the backslash; writes at most four bytes. False: no such escape. */
static bool escape(struct reader *r, char *out, size_t *n)
{
    static const char from[] = "btnfre\"\\", to[] = "\b\t\n\f\r\x1b\"\\";
    int c = next(r);
    const char *found = c > 0 ? strchr(from, c) : NULL;
    uint32_t code;

    if (found) {
        *out = to[found - from];
        *n = 1;
        return true;
    }
    if ((c == 'u' && hex(r, 4, &code)) || (c == 'U' && hex(r, 8, &code))) {
        *n = lac_utf8_put(out, code);
        return true;
    }
    return false;
}

/* A line's end behind a backslash: it and all blanks behind it are nothing. */
static bool line_joined(struct reader *r)
{
    size_t at = r->at;

    while (at < r->data.len &&
           (r->data.ptr[at] == ' ' || r->data.ptr[at] == '\t' || r->data.ptr[at] == '\r'))
        at++;
    if (at >= r->data.len || r->data.ptr[at] != '\n')
        return false;
    while (peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\r' || peek(r) == '\n')
        (void)next(r);
    return true;
}

static enum lac_status string(struct reader *r, struct lac_str *out)
{
    char quote = (char)peek(r);
    const char *triple = quote == '"' ? "\"\"\"" : "'''";
    bool lines = starts(r, triple);
    bool literal = quote == '\'';

    lac_buf_reset(&r->text);
    skip(r, lines ? 3 : 1);
    if (lines && peek(r) == '\r')
        r->at++;
    if (lines && peek(r) == '\n')
        (void)next(r);
    for (;;) {
        char bytes[4];
        size_t n = 1;
        int c = peek(r);

        if (c < 0 || (c == '\n' && !lines))
            return fail(r, "a string has no end");
        if (lines ? starts(r, triple) : c == quote) {
            skip(r, lines ? 3 : 1);
            /* One or two quotes may stand right before the three. */
            for (int i = 0; i < 2 && lines && peek(r) == quote; i++)
                lac_buf_put_char(&r->text, (char)next(r));
            break;
        }
        bytes[0] = (char)next(r);
        if (c == '\\' && !literal) {
            if (lines && line_joined(r))
                continue;
            if (!escape(r, bytes, &n))
                return fail(r, "unknown escape in a string");
        }
        lac_buf_put(&r->text, bytes, n);
    }
    *out = lac_pack_pool_copy(r->pool, lac_buf_str(&r->text));
    if (!out->ptr || !lac_buf_ok(&r->text))
        return no_memory(r);
    return lac_utf8_valid(*out) ? LAC_OK : fail(r, "a string is no UTF-8");
}

/* ---- keys ---- */

static bool bare(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static enum lac_status key_part(struct reader *r, struct lac_str *out)
{
    size_t from = r->at;

    if (peek(r) == '"' || peek(r) == '\'')
        return string(r, out);
    while (bare(peek(r)))
        r->at++;
    *out = lac_str_slice(r->data, from, r->at);
    return r->at > from ? LAC_OK : fail(r, "a key is expected here");
}

/* The table that `parts` name below `map`, made where it is missing; of an array of tables, its
 * last one. */
static enum lac_status enter(struct reader *r, struct lac_yaml **map, struct lac_str key)
{
    struct lac_yaml *found = find(*map, key);
    enum lac_status status = LAC_OK;

    if (!found) {
        found = node_new(r, LAC_YAML_MAPPING);
        status = add(r, *map, key, found);
    } else if (found->kind == LAC_YAML_SEQUENCE && found->last &&
               found->last->kind == LAC_YAML_MAPPING) {
        found = found->last;
    } else if (found->kind != LAC_YAML_MAPPING) {
        return fail(r, "this key is no table");
    }
    *map = found;
    return status;
}

/* a.b.c: enters all but the last one, which is `*key`. */
static enum lac_status dotted(struct reader *r, struct lac_yaml **map, struct lac_str *key)
{
    unsigned depth = 0;
    enum lac_status status = key_part(r, key);

    for (;;) {
        if (status != LAC_OK)
            return status;
        blanks(r);
        if (peek(r) != '.')
            return LAC_OK;
        r->at++;
        blanks(r);
        if (++depth >= LAC_YAML_DEPTH_MAX)
            return fail(r, "nested too deeply");
        status = enter(r, map, *key);
        if (status == LAC_OK)
            status = key_part(r, key);
    }
}

/* ---- values ---- */

static enum lac_status value(struct reader *r, unsigned depth, struct lac_yaml **out);

static enum lac_status pair(struct reader *r, struct lac_yaml *map, unsigned depth)
{
    struct lac_yaml *n = NULL;
    struct lac_str key;
    enum lac_status status = dotted(r, &map, &key);

    if (status != LAC_OK)
        return status;
    if (peek(r) != '=')
        return fail(r, "'=' is expected behind the key");
    r->at++;
    blanks(r);
    status = value(r, depth, &n);
    return status == LAC_OK ? add(r, map, key, n) : status;
}

static enum lac_status array(struct reader *r, unsigned depth, struct lac_yaml *list)
{
    r->at++;
    for (;;) {
        struct lac_yaml *n = NULL;
        enum lac_status status;

        space(r);
        if (peek(r) == ']') {
            r->at++;
            return LAC_OK;
        }
        status = value(r, depth + 1, &n);
        if (status != LAC_OK)
            return status;
        lac_yaml_append(list, n);
        space(r);
        if (peek(r) == ',')
            r->at++;
        else if (peek(r) != ']')
            return fail(r, "',' or ']' is expected in the list");
    }
}

static enum lac_status inline_table(struct reader *r, unsigned depth, struct lac_yaml *map)
{
    r->at++;
    for (;;) {
        enum lac_status status;

        space(r);
        if (peek(r) == '}') {
            r->at++;
            return LAC_OK;
        }
        status = pair(r, map, depth + 1);
        if (status != LAC_OK)
            return status;
        space(r);
        if (peek(r) == ',')
            r->at++;
        else if (peek(r) != '}')
            return fail(r, "',' or '}' is expected in the table");
    }
}

/* Numbers, booleans, dates: kept as they stand. */
static enum lac_status word(struct reader *r, struct lac_str *out)
{
    size_t from = r->at;

    while (bare(peek(r)) || peek(r) == '+' || peek(r) == '.' || peek(r) == ':')
        r->at++;
    *out = lac_str_slice(r->data, from, r->at);
    return r->at > from ? LAC_OK : fail(r, "a value is expected here");
}

static enum lac_status value(struct reader *r, unsigned depth, struct lac_yaml **out)
{
    int c = peek(r);
    enum lac_yaml_kind kind = c == '['   ? LAC_YAML_SEQUENCE
                              : c == '{' ? LAC_YAML_MAPPING
                                         : LAC_YAML_SCALAR;
    struct lac_yaml *n = node_new(r, kind);

    if (depth >= LAC_YAML_DEPTH_MAX)
        return fail(r, "nested too deeply");
    if (!n)
        return r->nodes < LAC_YAML_NODE_MAX ? no_memory(r)
                                            : fail(r, "the file has too many values");
    *out = n;
    if (kind == LAC_YAML_SEQUENCE)
        return array(r, depth, n);
    if (kind == LAC_YAML_MAPPING)
        return inline_table(r, depth, n);
    if (c == '"' || c == '\'')
        return string(r, &n->text);
    n->plain = true;
    return word(r, &n->text);
}

/* ---- the file ---- */

/* [a.b] or [[a.b]]: what follows belongs to it. */
static enum lac_status header(struct reader *r, struct lac_yaml **current)
{
    bool list = starts(r, "[[");
    struct lac_yaml *map = r->root;
    struct lac_yaml *found;
    struct lac_str key;
    enum lac_status status;

    skip(r, list ? 2 : 1);
    blanks(r);
    status = dotted(r, &map, &key);
    if (status != LAC_OK)
        return status;
    if (!starts(r, list ? "]]" : "]"))
        return fail(r, "']' is expected behind the table's name");
    skip(r, list ? 2 : 1);
    if (!list) {
        *current = map;
        return enter(r, current, key);
    }
    found = find(map, key);
    if (!found) {
        found = node_new(r, LAC_YAML_SEQUENCE);
        status = add(r, map, key, found);
        if (status != LAC_OK)
            return status;
    }
    if (found->kind != LAC_YAML_SEQUENCE)
        return fail(r, "this key is no list of tables");
    *current = node_new(r, LAC_YAML_MAPPING);
    if (!*current)
        return r->nodes < LAC_YAML_NODE_MAX ? no_memory(r)
                                            : fail(r, "the file has too many values");
    lac_yaml_append(found, *current);
    return LAC_OK;
}

static enum lac_status file(struct reader *r)
{
    struct lac_yaml *current = r->root;
    enum lac_status status = LAC_OK;

    for (space(r); peek(r) >= 0; space(r)) {
        if (peek(r) == '[')
            status = header(r, &current);
        else
            status = pair(r, current, 0);
        if (status != LAC_OK)
            return status;
        blanks(r);
        if (peek(r) >= 0 && peek(r) != '\n' && peek(r) != '#')
            return fail(r, "something follows the value");
    }
    return LAC_OK;
}

enum lac_status lac_toml_parse(struct lac_yaml **out, struct lac_pack_pool *pool,
                               struct lac_str name, struct lac_str data, struct lac_err *err)
{
    struct reader r = {.pool = pool, .file = name, .data = data, .line = 1, .err = err};
    enum lac_status status;

    r.at = lac_utf8_mark(data);
    r.root = node_new(&r, LAC_YAML_MAPPING);
    if (!r.root)
        return no_memory(&r);
    lac_buf_init(&r.text, data.len + 8);
    status = file(&r);
    lac_buf_deinit(&r.text);
    *out = r.root;
    return status;
}
