/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's events to a tree. lac_pack_yaml_read.c takes values from it. */
#include "lac_pack_yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct builder {
    struct lac_pack_pool *pool;
    struct lac_str file, data;
    struct lac_yaml *open[LAC_YAML_DEPTH_MAX]; /* sequences and mappings not yet closed */
    size_t depth;
    struct lac_yaml *root;
    size_t nodes;
    struct lac_str key; /* read, its value is due */
    size_t key_line;
    bool has_key;
};

enum lac_status lac_yaml_fail(const struct lac_yaml *at, struct lac_err *err, const char *fmt, ...)
{
    char text[LAC_ERR_TEXT_SIZE];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return lac_err_set(err, LAC_REJECT, 0, "%.*s:%u: %s", LAC_STR_FMT(at->file), at->line, text);
}

static enum lac_status fail_at(const struct builder *b, size_t line, struct lac_err *err,
                               const char *why)
{
    return lac_err_set(err, LAC_REJECT, 0, "%.*s:%zu: %s", LAC_STR_FMT(b->file), line + 1, why);
}

static struct lac_yaml *node_new(struct builder *b, enum lac_yaml_kind kind, size_t line)
{
    struct lac_yaml *n = lac_pack_pool_alloc(b->pool, sizeof(*n));

    if (n) {
        n->kind = kind;
        n->line = (unsigned)line + 1;
        n->file = b->file;
        n->text = LAC_STR("");
        b->nodes++;
    }
    return n;
}

void lac_yaml_append(struct lac_yaml *parent, struct lac_yaml *n)
{
    if (parent->last)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
    parent->count++;
}

/* Hangs `n` where the next value belongs. */
static enum lac_status attach(struct builder *b, struct lac_yaml *n, size_t line,
                              struct lac_err *err)
{
    struct lac_yaml *parent = b->depth ? b->open[b->depth - 1] : NULL;

    if (!n)
        return lac_err_set(err, LAC_FATAL, 0, "pack: no memory");
    if (b->nodes > LAC_YAML_NODE_MAX)
        return fail_at(b, line, err, "the file has too many values");
    if (!parent) {
        b->root = n;
        return LAC_OK;
    }
    if (parent->kind == LAC_YAML_MAPPING) {
        n->key = b->key;
        /* What is wrong with it is looked for at its key: a list may begin a line below. */
        n->line = (unsigned)b->key_line + 1;
        b->has_key = false;
        if (parent->count >= LAC_YAML_KEY_MAX)
            return fail_at(b, b->key_line, err, "the mapping has too many keys");
        for (const struct lac_yaml *c = parent->first; c; c = c->next)
            if (lac_str_eq(c->key, n->key))
                return fail_at(b, b->key_line, err, "the same key stands there twice");
    }
    lac_yaml_append(parent, n);
    return LAC_OK;
}

static enum lac_status on_scalar(struct builder *b, const yaml_event_t *e, struct lac_err *err)
{
    size_t line = e->start_mark.line;
    struct lac_str text = {(const char *)e->data.scalar.value, e->data.scalar.length};
    bool in_mapping = b->depth && b->open[b->depth - 1]->kind == LAC_YAML_MAPPING;
    struct lac_yaml *n;

    if (e->data.scalar.anchor || e->data.scalar.tag)
        return fail_at(b, line, err, "anchors and tags are not used in packs");
    text = lac_pack_pool_copy(b->pool, text);
    if (!text.ptr)
        return lac_err_set(err, LAC_FATAL, 0, "pack: no memory");
    if (in_mapping && !b->has_key) {
        b->key = text;
        b->key_line = line;
        b->has_key = true;
        return LAC_OK;
    }
    n = node_new(b, LAC_YAML_SCALAR, line);
    if (n) {
        n->text = text;
        n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    }
    return attach(b, n, line, err);
}

static enum lac_status on_open(struct builder *b, enum lac_yaml_kind kind, bool marked, size_t line,
                               struct lac_err *err)
{
    struct lac_yaml *n;
    enum lac_status status;

    if (marked)
        return fail_at(b, line, err, "anchors and tags are not used in packs");
    if (b->depth && b->open[b->depth - 1]->kind == LAC_YAML_MAPPING && !b->has_key)
        return fail_at(b, line, err, "a key must be a single word or text");
    if (b->depth == LAC_YAML_DEPTH_MAX)
        return fail_at(b, line, err, "nested too deeply");
    n = node_new(b, kind, line);
    status = attach(b, n, line, err);
    if (status == LAC_OK)
        b->open[b->depth++] = n;
    return status;
}

static enum lac_status on_event(struct builder *b, const yaml_event_t *e, unsigned *documents,
                                struct lac_err *err)
{
    size_t line = e->start_mark.line;

    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++*documents > 1)
            return fail_at(b, line, err, "only one document to a file");
        return LAC_OK;
    case YAML_SCALAR_EVENT:
        return on_scalar(b, e, err);
    case YAML_ALIAS_EVENT:
        return fail_at(b, line, err, "aliases are not used in packs");
    case YAML_SEQUENCE_START_EVENT:
        return on_open(b, LAC_YAML_SEQUENCE,
                       e->data.sequence_start.anchor || e->data.sequence_start.tag, line, err);
    case YAML_MAPPING_START_EVENT:
        return on_open(b, LAC_YAML_MAPPING,
                       e->data.mapping_start.anchor || e->data.mapping_start.tag, line, err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        return LAC_OK;
    default:
        return LAC_OK;
    }
}

/* Whether there is a tab among what the line is indented with. */
static bool line_begins_with_tab(const struct builder *b, size_t line)
{
    size_t i = 0;

    for (; line > 0 && i < b->data.len; i++)
        line -= b->data.ptr[i] == '\n';
    while (i < b->data.len && b->data.ptr[i] == ' ')
        i++;
    return i < b->data.len && b->data.ptr[i] == '\t';
}

/* What libyaml says, in words that tell what to do about what happens to people most. */
static enum lac_status not_yaml(const struct builder *b, const yaml_parser_t *parser,
                                struct lac_err *err)
{
    size_t line = 0;

    if (parser->error == YAML_READER_ERROR) {
        for (size_t i = 0; i < parser->problem_offset && i < b->data.len; i++)
            line += b->data.ptr[i] == '\n';
        return lac_err_set(err, LAC_REJECT, 0, "%.*s:%zu: not UTF-8 (%s): save the file as UTF-8",
                           LAC_STR_FMT(b->file), line + 1, parser->problem);
    }
    line = parser->problem_mark.line;
    if (parser->error == YAML_SCANNER_ERROR && line_begins_with_tab(b, line))
        return fail_at(b, line, err, "indented with a tab: YAML takes blanks only");
    return fail_at(b, line, err, parser->problem ? parser->problem : "not YAML");
}

static enum lac_status run(struct builder *b, yaml_parser_t *parser, struct lac_err *err)
{
    enum lac_status status = LAC_OK;
    unsigned documents = 0;
    bool done = false;

    while (status == LAC_OK && !done) {
        yaml_event_t event;

        if (!yaml_parser_parse(parser, &event)) {
            if (parser->error == YAML_MEMORY_ERROR)
                return lac_err_set(err, LAC_FATAL, 0, "pack: no memory");
            return not_yaml(b, parser, err);
        }
        done = event.type == YAML_STREAM_END_EVENT;
        status = on_event(b, &event, &documents, err);
        yaml_event_delete(&event);
    }
    return status;
}

enum lac_status lac_yaml_parse(struct lac_yaml **out, struct lac_pack_pool *pool,
                               struct lac_str file, struct lac_str data, struct lac_err *err)
{
    static const char mark[3] = "\xef\xbb\xbf"; /* which some editors put before UTF-8 */
    struct builder b = {.pool = pool, .file = file};
    yaml_parser_t parser;
    enum lac_status status;

    if (data.len >= sizeof(mark) && memcmp(data.ptr, mark, sizeof(mark)) == 0)
        data = (struct lac_str){data.ptr + sizeof(mark), data.len - sizeof(mark)};
    b.data = data;

    if (!yaml_parser_initialize(&parser))
        return lac_err_set(err, LAC_FATAL, 0, "pack: no memory");
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)data.ptr, data.len);
    status = run(&b, &parser, err);
    yaml_parser_delete(&parser);
    if (status != LAC_OK)
        return status;
    /* Nothing, or nothing but comments. */
    if (!b.root || (b.root->kind == LAC_YAML_SCALAR && b.root->text.len == 0)) {
        b.root = node_new(&b, LAC_YAML_MAPPING, 0);
        if (!b.root)
            return lac_err_set(err, LAC_FATAL, 0, "pack: no memory");
    }
    *out = b.root;
    return LAC_OK;
}
