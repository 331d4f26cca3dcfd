/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_schema.h"

#include "lac_assert.h"
#include "lac_json.h"

struct parser {
    struct lac_arena *arena;
    struct lac_err *err;
    struct lac_schema_node *types[LAC_SCHEMA_TYPES_MAX];
    size_t type_count;
};

static const char *const kind_names[] = {
    "null",   "boolean", "int",  "long",  "float", "double", "bytes",
    "string", "record",  "enum", "fixed", "array", "map",    "union",
};

/* Shared by all trees: nothing in them is ever written. */
static struct lac_schema_node primitives[] = {
    {.kind = LAC_SCHEMA_NULL, .measured = true, .min_bytes = 0},
    {.kind = LAC_SCHEMA_BOOLEAN, .measured = true, .min_bytes = 1},
    {.kind = LAC_SCHEMA_INT, .measured = true, .min_bytes = 1},
    {.kind = LAC_SCHEMA_LONG, .measured = true, .min_bytes = 1},
    {.kind = LAC_SCHEMA_FLOAT, .measured = true, .min_bytes = 4},
    {.kind = LAC_SCHEMA_DOUBLE, .measured = true, .min_bytes = 8},
    {.kind = LAC_SCHEMA_BYTES, .measured = true, .min_bytes = 1},
    {.kind = LAC_SCHEMA_STRING, .measured = true, .min_bytes = 1},
};

size_t lac_schema_arena_size(size_t text_size)
{
    /* Densest is an array type, {"type":"array","items":...}: 25 bytes of text for one node. A
     * symbol of 4 bytes of text takes 16, its copied name 16 more, and arrays are rounded up. */
    return 16 * text_size + 16384;
}

const char *lac_schema_kind_name(enum lac_schema_kind kind)
{
    return kind_names[kind];
}

struct lac_str lac_schema_short_name(struct lac_str fullname)
{
    for (size_t i = fullname.len; i > 0; i--) {
        if (fullname.ptr[i - 1] == '.')
            return (struct lac_str){fullname.ptr + i, fullname.len - i};
    }
    return fullname;
}

static enum lac_status reject(const struct parser *p, const char *why)
{
    return lac_err_set(p->err, LAC_REJECT, 0, "schema: %s", why);
}

static void *take(struct parser *p, size_t size)
{
    return lac_arena_alloc(p->arena, size ? size : 1);
}

static enum lac_status too_large(const struct parser *p)
{
    return reject(p, "too large");
}

/* Letters, digits and '_', not a digit first; also with dots between such parts. */
static bool good_name(struct lac_str name, bool dots)
{
    bool first = true;

    if (name.len == 0 || name.len > LAC_SCHEMA_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

        if (c == '.' && dots && !first) {
            first = true;
            continue;
        }
        if (!letter && (first || c < '0' || c > '9'))
            return false;
        first = false;
    }
    return !first;
}

static bool has_dot(struct lac_str name)
{
    return name.len > 0 && memchr(name.ptr, '.', name.len);
}

/* Joins namespace and name into the arena. */
static enum lac_status full_name(struct parser *p, struct lac_str space, struct lac_str name,
                                 struct lac_str *out)
{
    size_t prefix = has_dot(name) || space.len == 0 ? 0 : space.len + 1;
    char *text;

    if (!good_name(name, true) || prefix + name.len > LAC_SCHEMA_NAME_MAX)
        return reject(p, "a name is not allowed");
    text = take(p, prefix + name.len);
    if (!text)
        return too_large(p);
    if (prefix) {
        memcpy(text, space.ptr, space.len);
        text[space.len] = '.';
    }
    memcpy(text + prefix, name.ptr, name.len);
    *out = (struct lac_str){text, prefix + name.len};
    return LAC_OK;
}

static struct lac_str namespace_of(struct lac_str fullname)
{
    struct lac_str name = lac_schema_short_name(fullname);

    return (struct lac_str){fullname.ptr,
                            fullname.len > name.len ? fullname.len - name.len - 1 : 0};
}

static struct lac_schema_node *find_type(const struct parser *p, struct lac_str fullname)
{
    for (size_t i = 0; i < p->type_count; i++) {
        if (lac_str_eq(p->types[i]->fullname, fullname))
            return p->types[i];
    }
    return NULL;
}

static struct lac_schema_node *find_primitive(struct lac_str name)
{
    for (size_t i = 0; i < LAC_COUNT(primitives); i++) {
        if (lac_str_is(name, kind_names[i]))
            return &primitives[i];
    }
    return NULL;
}

static enum lac_status parse_type(struct parser *p, const struct lac_json *json,
                                  struct lac_str space, struct lac_schema_node **out);

static enum lac_status parse_reference(struct parser *p, struct lac_str name, struct lac_str space,
                                       struct lac_schema_node **out)
{
    struct lac_str full;
    enum lac_status status;

    *out = find_primitive(name);
    if (*out)
        return LAC_OK;
    status = full_name(p, space, name, &full);
    if (status != LAC_OK)
        return status;
    *out = find_type(p, full);
    return *out ? LAC_OK : reject(p, "a type is used before it is defined");
}

static enum lac_status parse_fields(struct parser *p, const struct lac_json *json,
                                    struct lac_schema_node *node)
{
    const struct lac_json *fields = lac_json_get(json, "fields");
    size_t n = lac_json_size(fields);

    if (lac_json_kind(fields) != LAC_JSON_ARRAY || n > LAC_SCHEMA_FIELDS_MAX)
        return reject(p, "a record has no list of fields, or too many");
    node->fields = take(p, n * sizeof(*node->fields));
    if (!node->fields)
        return too_large(p);
    for (size_t i = 0; i < n; i++) {
        const struct lac_json *field = lac_json_item(fields, i);
        struct lac_str name = lac_json_string(lac_json_get(field, "name"));
        enum lac_status status;

        if (!name.ptr || !good_name(name, false))
            return reject(p, "a field's name is missing or not allowed");
        for (size_t j = 0; j < i; j++) {
            if (lac_str_eq(node->fields[j].name, name))
                return reject(p, "a record has two fields of one name");
        }
        status = full_name(p, LAC_STR_NULL, name, &node->fields[i].name);
        if (status == LAC_OK)
            status = parse_type(p, lac_json_get(field, "type"), namespace_of(node->fullname),
                                &node->fields[i].type);
        if (status != LAC_OK)
            return status;
        node->count = i + 1;
    }
    return LAC_OK;
}

static enum lac_status parse_symbols(struct parser *p, const struct lac_json *json,
                                     struct lac_schema_node *node)
{
    const struct lac_json *symbols = lac_json_get(json, "symbols");
    size_t n = lac_json_size(symbols);

    if (lac_json_kind(symbols) != LAC_JSON_ARRAY || n == 0 || n > LAC_SCHEMA_FIELDS_MAX)
        return reject(p, "an enum has no list of symbols, or too many");
    node->symbols = take(p, n * sizeof(*node->symbols));
    if (!node->symbols)
        return too_large(p);
    for (size_t i = 0; i < n; i++) {
        struct lac_str name = lac_json_string(lac_json_item(symbols, i));
        enum lac_status status;

        if (!name.ptr || !good_name(name, false))
            return reject(p, "an enum's symbol is not allowed");
        for (size_t j = 0; j < i; j++) {
            if (lac_str_eq(node->symbols[j], name))
                return reject(p, "an enum has one symbol twice");
        }
        status = full_name(p, LAC_STR_NULL, name, &node->symbols[i]);
        if (status != LAC_OK)
            return status;
        node->count = i + 1;
    }
    return LAC_OK;
}

static enum lac_status parse_named(struct parser *p, const struct lac_json *json,
                                   enum lac_schema_kind kind, struct lac_str space,
                                   struct lac_schema_node **out)
{
    struct lac_str name = lac_json_string(lac_json_get(json, "name"));
    const struct lac_json *own_space = lac_json_get(json, "namespace");
    const struct lac_json *size = lac_json_get(json, "size");
    struct lac_schema_node *node = take(p, sizeof(*node));
    enum lac_status status;

    if (!node || p->type_count == LAC_SCHEMA_TYPES_MAX)
        return too_large(p);
    if (lac_json_kind(own_space) == LAC_JSON_STRING)
        space = lac_json_string(own_space);
    if (space.len > 0 && !good_name(space, true))
        return reject(p, "a namespace is not allowed");
    if (!name.ptr)
        return reject(p, "a type has no name");
    node->kind = kind;
    status = full_name(p, space, name, &node->fullname);
    if (status != LAC_OK)
        return status;
    if (find_type(p, node->fullname) || find_primitive(node->fullname))
        return reject(p, "a type is defined twice");
    p->types[p->type_count++] = node; /* before its fields: they may refer to it */
    *out = node;
    if (kind == LAC_SCHEMA_RECORD)
        return parse_fields(p, json, node);
    if (kind == LAC_SCHEMA_ENUM)
        return parse_symbols(p, json, node);
    if (lac_json_kind(size) != LAC_JSON_INT || lac_json_int(size) < 0 ||
        lac_json_int(size) > LAC_SCHEMA_FIXED_MAX)
        return reject(p, "a fixed has no size, or too large a one");
    node->size = (uint32_t)lac_json_int(size);
    return LAC_OK;
}

/* The specification's rule: no union directly in a union, and no two of one unnamed kind. */
static bool branch_allowed(const struct lac_schema_node *node, size_t n)
{
    const struct lac_schema_node *b = node->branches[n];

    if (b->kind == LAC_SCHEMA_UNION)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct lac_schema_node *a = node->branches[i];

        if (a == b || (a->kind == b->kind && !a->fullname.ptr))
            return false;
    }
    return true;
}

static enum lac_status parse_union(struct parser *p, const struct lac_json *json,
                                   struct lac_str space, struct lac_schema_node **out)
{
    size_t n = lac_json_size(json);
    struct lac_schema_node *node = take(p, sizeof(*node));

    if (n == 0 || n > LAC_SCHEMA_FIELDS_MAX)
        return reject(p, "a union has no branches, or too many");
    if (!node)
        return too_large(p);
    node->kind = LAC_SCHEMA_UNION;
    node->branches = take(p, n * sizeof(struct lac_schema_node *));
    if (!node->branches)
        return too_large(p);
    for (size_t i = 0; i < n; i++) {
        enum lac_status status = parse_type(p, lac_json_item(json, i), space, &node->branches[i]);

        if (status != LAC_OK)
            return status;
        if (!branch_allowed(node, i))
            return reject(p, "a union has a union in it, or one type twice");
        node->count = i + 1;
    }
    *out = node;
    return LAC_OK;
}

static enum lac_status parse_container(struct parser *p, const struct lac_json *json,
                                       enum lac_schema_kind kind, struct lac_str space,
                                       struct lac_schema_node **out)
{
    struct lac_schema_node *node = take(p, sizeof(*node));

    if (!node)
        return too_large(p);
    node->kind = kind;
    *out = node;
    return parse_type(p, lac_json_get(json, kind == LAC_SCHEMA_ARRAY ? "items" : "values"), space,
                      &node->items);
}

/* Recursion is as deep as the JSON, which the JSON reader has bounded. */
static enum lac_status parse_type(struct parser *p, const struct lac_json *json,
                                  struct lac_str space, struct lac_schema_node **out)
{
    const struct lac_json *type;
    struct lac_str name;

    if (lac_json_kind(json) == LAC_JSON_STRING)
        return parse_reference(p, lac_json_string(json), space, out);
    if (lac_json_kind(json) == LAC_JSON_ARRAY)
        return parse_union(p, json, space, out);
    if (lac_json_kind(json) != LAC_JSON_OBJECT)
        return reject(p, "a type is missing");
    type = lac_json_get(json, "type");
    name = lac_json_string(type);
    if (!name.ptr)
        return parse_type(p, type, space, out);
    if (lac_str_is(name, "record") || lac_str_is(name, "error"))
        return parse_named(p, json, LAC_SCHEMA_RECORD, space, out);
    if (lac_str_is(name, "enum"))
        return parse_named(p, json, LAC_SCHEMA_ENUM, space, out);
    if (lac_str_is(name, "fixed"))
        return parse_named(p, json, LAC_SCHEMA_FIXED, space, out);
    if (lac_str_is(name, "array"))
        return parse_container(p, json, LAC_SCHEMA_ARRAY, space, out);
    if (lac_str_is(name, "map"))
        return parse_container(p, json, LAC_SCHEMA_MAP, space, out);
    /* A logical type is read as the type under it. */
    return parse_reference(p, name, space, out);
}

enum lac_status lac_schema_parse(struct lac_schema_node **out, struct lac_str text,
                                 struct lac_arena *a, struct lac_err *err)
{
    struct parser p = {.arena = a, .err = err};
    struct lac_json *json = NULL;
    enum lac_status status;
    struct lac_err why;

    *out = NULL;
    if (text.len > LAC_SCHEMA_BYTES_MAX)
        return too_large(&p);
    status = lac_json_parse(&json, text, &why);
    if (status == LAC_OK) {
        status = parse_type(&p, json, LAC_STR_NULL, out);
    } else if (status == LAC_REJECT && find_primitive(text)) {
        *out = find_primitive(text); /* a registry may keep a bare name without its quotes */
        status = LAC_OK;
    } else {
        (void)lac_err_set(err, status, why.code, "schema: %s", why.text);
    }
    lac_json_free(json);
    return status;
}

static void put_name(struct lac_buf *b, struct lac_str name)
{
    lac_buf_put_char(b, '"');
    lac_buf_put_str(b, name);
    lac_buf_put_char(b, '"');
}

static void canonical_named(struct lac_schema_node *node, struct lac_buf *b)
{
    lac_buf_put_text(b, "{\"name\":");
    put_name(b, node->fullname);
    lac_buf_printf(b, ",\"type\":\"%s\"", kind_names[node->kind]);
    if (node->kind == LAC_SCHEMA_FIXED) {
        lac_buf_printf(b, ",\"size\":%u}", (unsigned)node->size);
        return;
    }
    lac_buf_put_text(b, node->kind == LAC_SCHEMA_ENUM ? ",\"symbols\":[" : ",\"fields\":[");
    for (size_t i = 0; i < node->count; i++) {
        if (i > 0)
            lac_buf_put_char(b, ',');
        if (node->kind == LAC_SCHEMA_ENUM) {
            put_name(b, node->symbols[i]);
            continue;
        }
        lac_buf_put_text(b, "{\"name\":");
        put_name(b, node->fields[i].name);
        lac_buf_put_text(b, ",\"type\":");
        lac_schema_canonical(node->fields[i].type, b);
        lac_buf_put_char(b, '}');
    }
    lac_buf_put_text(b, "]}");
}

void lac_schema_canonical(struct lac_schema_node *node, struct lac_buf *b)
{
    switch (node->kind) {
    case LAC_SCHEMA_RECORD:
    case LAC_SCHEMA_ENUM:
    case LAC_SCHEMA_FIXED:
        if (node->written) {
            put_name(b, node->fullname);
            return;
        }
        node->written = true;
        canonical_named(node, b);
        return;
    case LAC_SCHEMA_ARRAY:
    case LAC_SCHEMA_MAP:
        lac_buf_printf(b, "{\"type\":\"%s\",\"%s\":", kind_names[node->kind],
                       node->kind == LAC_SCHEMA_ARRAY ? "items" : "values");
        lac_schema_canonical(node->items, b);
        lac_buf_put_char(b, '}');
        return;
    case LAC_SCHEMA_UNION:
        lac_buf_put_char(b, '[');
        for (size_t i = 0; i < node->count; i++) {
            if (i > 0)
                lac_buf_put_char(b, ',');
            lac_schema_canonical(node->branches[i], b);
        }
        lac_buf_put_char(b, ']');
        return;
    default:
        put_name(b, lac_str_from(kind_names[node->kind]));
        return;
    }
}

uint64_t lac_schema_crc64(struct lac_str text)
{
    const uint64_t empty = UINT64_C(0xC15D213AA4D7A795);
    uint64_t crc = empty;

    /* Bit by bit: a schema is hashed once, a table would be used that often. */
    for (size_t i = 0; i < text.len; i++) {
        crc ^= (unsigned char)text.ptr[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? empty : 0);
    }
    return crc;
}
