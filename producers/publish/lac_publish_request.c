/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_publish_request.h"

#include <stdio.h>
#include <string.h>

#include "lac_args.h"
#include "lac_json.h"
#include "lac_record.h"
#include "lac_record_json.h"
#include "lac_utf8.h"

static const struct lac_field *find_field(const struct lac_record_type *t, struct lac_str name)
{
    for (size_t i = 0; i < t->field_count; i++) {
        const struct lac_field *f = &t->fields[i];

        if (lac_str_is(name, f->name))
            return f;
        for (size_t k = 0; f->aliases && f->aliases[k]; k++)
            if (lac_str_is(name, f->aliases[k]))
                return f;
    }
    return NULL;
}

static bool find_kind(const char *name, int *kind)
{
    const struct lac_enum_type *e = find_field(&lac_request_type, LAC_STR("kind"))->enum_type;

    for (size_t i = 0; i < e->symbol_count; i++) {
        if (strcmp(name, e->symbols[i]) == 0) {
            *kind = (int)i;
            return true;
        }
    }
    return false;
}

enum lac_status lac_publish_defaults_check(const struct lac_publish_defaults *d,
                                           struct lac_err *err)
{
    int kind;

    if (d->kind && !find_kind(d->kind, &kind))
        return lac_err_set(err, LAC_REJECT, 0, "--kind is query, document or operation, not \"%s\"",
                           d->kind);
    if (d->tenant && !*d->tenant)
        return lac_err_set(err, LAC_REJECT, 0, "--tenant needs a name");
    return LAC_OK;
}

static void set_text(struct lac_str *field, const char *value)
{
    if (value && !field->ptr)
        *field = lac_str_from(value);
}

/* `said` is what the source said, NULL when it is plain text. */
static void apply(struct lac_request *r, const struct lac_publish_defaults *d,
                  const struct lac_json *said)
{
    int kind;

    set_text(&r->project, d->project);
    set_text(&r->environment, d->environment);
    set_text(&r->purpose, d->purpose);
    set_text(&r->session, d->session);
    if (d->tenant && !lac_json_get(said, "tenant"))
        r->tenant = lac_str_from(d->tenant);
    if (d->kind && !lac_json_get(said, "kind") && find_kind(d->kind, &kind))
        r->kind = (enum lac_kind)kind;
    if (d->user && !r->has_user) {
        r->has_user = true;
        r->user = (struct lac_user){.id = lac_str_from(d->user)};
    }
}

enum lac_status lac_publish_from_json(struct lac_request *out, struct lac_str json,
                                      const struct lac_publish_defaults *d, struct lac_arena *a,
                                      struct lac_err *err)
{
    struct lac_json *doc;
    enum lac_status status = lac_json_parse(&doc, json, err);

    if (status != LAC_OK)
        return status;
    if (lac_json_kind(doc) != LAC_JSON_OBJECT) {
        status = lac_err_set(err, LAC_REJECT, 0, "a JSON %s where a request object is expected",
                             lac_json_kind_name(lac_json_kind(doc)));
        goto out;
    }
    status = lac_record_from_json(&lac_request_type, out, doc, a, err);
    if (status == LAC_OK)
        apply(out, d, doc);
out:
    lac_json_free(doc);
    return status;
}

/* A file's name as a request can hold it: a byte that is no part of UTF-8 as "\xff", as people are
 * shown it. */
static struct lac_str well_formed(struct lac_str name, struct lac_arena *a)
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0, len = 0;
    char *text;

    if (lac_utf8_valid(name))
        return name;
    text = lac_arena_alloc(a, 4 * name.len);
    while (text && at < name.len) {
        size_t from = at;

        if (lac_utf8_next(name, &at) == LAC_UTF8_BAD) {
            unsigned char byte = (unsigned char)name.ptr[from];

            text[len++] = '\\';
            text[len++] = 'x';
            text[len++] = digits[byte >> 4];
            text[len++] = digits[byte & 15];
        } else {
            memcpy(text + len, name.ptr + from, at - from);
            len += at - from;
        }
    }
    return (struct lac_str){text, len};
}

void lac_publish_from_text(struct lac_request *out, struct lac_str text, struct lac_str name,
                           const struct lac_publish_defaults *d, struct lac_arena *a)
{
    lac_request_init(out);
    out->text = text;
    if (name.ptr) {
        struct lac_str *files = lac_arena_alloc(a, sizeof(*files));

        name = well_formed(name, a);
        out->kind = LAC_KIND_DOCUMENT;
        out->subject = name;
        if (files) {
            *files = name;
            out->files = files;
            out->files_count = 1;
        }
    }
    apply(out, d, NULL);
}

static const char *next_field(void *ctx, size_t i)
{
    const struct lac_record_type *t = ctx;

    return i < t->field_count ? t->fields[i].name : NULL;
}

/* `sure`: another column is called text, so the row is a header and its names are no content. */
static enum lac_status unknown(struct lac_str name, const struct lac_record_type *t,
                               const char *group, bool sure, struct lac_err *err)
{
    char word[64];
    const char *near;

    snprintf(word, sizeof(word), "%.*s", LAC_STR_FMT(name));
    near = lac_args_nearest(word, next_field, (void *)t);
    /* A header is not content, but it may be data when the file has no header at all: the name
     * is shown only when it looks like one. */
    if (near)
        return lac_err_set(err, LAC_REJECT, 0, "no field \"%s%s\"; did you mean \"%s%s\"?", group,
                           word, group, near);
    if (sure)
        return lac_err_set(err, LAC_REJECT, 0,
                           "no field \"%s%s\"; \"metadata.%s\" keeps what has none", group, word,
                           word);
    return lac_err_set(err, LAC_REJECT, 0,
                       "the first row must name the columns (text, user.id, project, ...); "
                       "for a file without a header use --format lines");
}

static enum lac_status cell_of(const struct lac_field *f, enum lac_publish_cell *cell,
                               struct lac_err *err)
{
    if (f->kind == LAC_FIELD_RECORD)
        return lac_err_set(err, LAC_REJECT, 0, "\"%s\" does not fit into a CSV column: use JSONL",
                           f->name);
    if (f->shape == LAC_SHAPE_ARRAY)
        *cell = LAC_PUBLISH_CELL_LIST;
    else if (f->kind == LAC_FIELD_BOOL)
        *cell = LAC_PUBLISH_CELL_BOOL;
    else if (f->kind == LAC_FIELD_INT || f->kind == LAC_FIELD_LONG)
        *cell = LAC_PUBLISH_CELL_NUMBER;
    else
        *cell = LAC_PUBLISH_CELL_TEXT;
    return LAC_OK;
}

static enum lac_status set_column(struct lac_publish_columns *c, size_t i, struct lac_str name,
                                  bool sure, struct lac_err *err)
{
    const char *dot = name.len ? memchr(name.ptr, '.', name.len) : NULL;
    struct lac_str first = {name.ptr, dot ? (size_t)(dot - name.ptr) : name.len};
    struct lac_str rest = dot ? (struct lac_str){dot + 1, name.len - first.len - 1} : LAC_STR_NULL;
    const struct lac_field *f = find_field(&lac_request_type, first);

    if (!f || first.len >= sizeof(c->at[i].group) || name.len >= sizeof(c->at[i].name))
        return unknown(first, &lac_request_type, "", sure, err);
    c->at[i].group[0] = '\0';
    if (!dot) {
        snprintf(c->at[i].name, sizeof(c->at[i].name), "%.*s", LAC_STR_FMT(first));
        if (f->shape == LAC_SHAPE_MAP)
            return lac_err_set(err, LAC_REJECT, 0, "name one entry: \"%s.NAME\"", f->name);
        return cell_of(f, &c->at[i].cell, err);
    }
    snprintf(c->at[i].group, sizeof(c->at[i].group), "%.*s", LAC_STR_FMT(first));
    snprintf(c->at[i].name, sizeof(c->at[i].name), "%.*s", LAC_STR_FMT(rest));
    if (f->shape == LAC_SHAPE_MAP && rest.len > 0) {
        c->at[i].cell = LAC_PUBLISH_CELL_TEXT;
        return LAC_OK;
    }
    if (f->kind != LAC_FIELD_RECORD || f->shape == LAC_SHAPE_ARRAY)
        return lac_err_set(err, LAC_REJECT, 0, "\"%s\" has no parts", f->name);
    f = find_field(f->record_type, rest);
    if (!f) {
        const struct lac_field *outer = find_field(&lac_request_type, first);

        char group[sizeof(c->at[i].group) + 1];

        snprintf(group, sizeof(group), "%s.", outer->name);
        return unknown(rest, outer->record_type, group, sure, err);
    }
    return cell_of(f, &c->at[i].cell, err);
}

enum lac_status lac_publish_columns_set(struct lac_publish_columns *c, const struct lac_str *names,
                                        size_t count, struct lac_err *err)
{
    bool text = false;

    c->count = 0;
    for (size_t i = 0; i < count; i++)
        text |= lac_str_is(names[i], "text") || lac_str_is(names[i], "query");
    for (size_t i = 0; i < count; i++) {
        if (set_column(c, i, names[i], text, err) != LAC_OK)
            return LAC_REJECT;
        for (size_t k = 0; k < i; k++)
            if (strcmp(c->at[k].group, c->at[i].group) == 0 &&
                strcmp(c->at[k].name, c->at[i].name) == 0)
                return lac_err_set(err, LAC_REJECT, 0, "column \"%s%s%s\" occurs twice",
                                   c->at[i].group, c->at[i].group[0] ? "." : "", c->at[i].name);
    }
    if (!text)
        return lac_err_set(err, LAC_REJECT, 0, "no column is called \"text\"");
    c->count = count;
    return LAC_OK;
}

static void put_list(struct lac_json_writer *w, struct lac_str value)
{
    lac_json_open_array(w);
    while (value.len > 0) {
        const char *end = memchr(value.ptr, ';', value.len);
        size_t len = end ? (size_t)(end - value.ptr) : value.len;

        if (len > 0)
            lac_json_put_str(w, (struct lac_str){value.ptr, len});
        value.ptr += len + (end != NULL);
        value.len -= len + (end != NULL);
    }
    lac_json_close_array(w);
}

static void put_cell(struct lac_json_writer *w, enum lac_publish_cell cell, struct lac_str value)
{
    int64_t number;

    /* What is no number or boolean stays text: the record's reader says what it expected. */
    if (cell == LAC_PUBLISH_CELL_LIST)
        put_list(w, value);
    else if (cell == LAC_PUBLISH_CELL_NUMBER && lac_str_to_i64(value, &number))
        lac_json_put_int(w, number);
    else if (cell == LAC_PUBLISH_CELL_BOOL && lac_str_eq_nocase(value, "true"))
        lac_json_put_bool(w, true);
    else if (cell == LAC_PUBLISH_CELL_BOOL && lac_str_eq_nocase(value, "false"))
        lac_json_put_bool(w, false);
    else
        lac_json_put_str(w, value);
}

/* The group's object, with every column that belongs to it. */
static void put_group(struct lac_json_writer *w, const struct lac_publish_columns *c, size_t first,
                      const struct lac_str *fields)
{
    lac_json_key(w, c->at[first].group);
    lac_json_open_object(w);
    for (size_t i = first; i < c->count; i++) {
        if (fields[i].len == 0 || strcmp(c->at[i].group, c->at[first].group) != 0)
            continue;
        lac_json_key(w, c->at[i].name);
        put_cell(w, c->at[i].cell, fields[i]);
    }
    lac_json_close_object(w);
}

enum lac_status lac_publish_columns_json(const struct lac_publish_columns *c,
                                         const struct lac_str *fields, size_t count,
                                         struct lac_buf *json, struct lac_err *err)
{
    struct lac_json_writer w;

    if (count != c->count)
        return lac_err_set(err, LAC_REJECT, 0, "the row has %zu field%s, the header %zu", count,
                           count == 1 ? "" : "s", c->count);
    lac_buf_reset(json);
    lac_json_begin(&w, json);
    lac_json_open_object(&w);
    for (size_t i = 0; i < count; i++) {
        bool done = false;

        if (fields[i].len == 0)
            continue;
        if (!c->at[i].group[0]) {
            lac_json_key(&w, c->at[i].name);
            put_cell(&w, c->at[i].cell, fields[i]);
            continue;
        }
        for (size_t k = 0; k < i; k++)
            done |= fields[k].len > 0 && strcmp(c->at[k].group, c->at[i].group) == 0;
        if (!done)
            put_group(&w, c, i, fields);
    }
    lac_json_close_object(&w);
    if (!lac_json_done(&w))
        return lac_err_set(err, LAC_REJECT, 0, "the row is too large");
    return LAC_OK;
}
