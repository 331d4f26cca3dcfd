/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_record_json.h"

#include "lac_assert.h"

/* Where we are in the document: a chain of stack frames, as deep as the schema. */
struct place {
    const struct place *parent;
    const char *name; /* of the field; NULL: an item */
    size_t index;
};

struct reader {
    struct lac_arena *arena;
    struct lac_err *err;
};

static void put_place(struct lac_buf *b, const struct place *at)
{
    if (!at)
        return;
    put_place(b, at->parent);
    if (at->name)
        lac_buf_printf(b, "/%s", at->name);
    else
        lac_buf_printf(b, "/%zu", at->index);
}

static enum lac_status reject(const struct reader *r, const struct place *at, const char *why)
{
    char text[256];
    struct lac_buf b;

    lac_buf_init_fixed(&b, text, sizeof(text));
    put_place(&b, at);
    return lac_err_set(r->err, LAC_REJECT, 0, "%.*s%s%s", LAC_STR_FMT(lac_buf_str(&b)),
                       b.len ? ": " : "", why);
}

static enum lac_status expected(const struct reader *r, const struct place *at, const char *what,
                                const struct lac_json *v)
{
    char why[96];
    struct lac_buf b;

    lac_buf_init_fixed(&b, why, sizeof(why));
    lac_buf_printf(&b, "expected %s, not %s", what, lac_json_kind_name(lac_json_kind(v)));
    return reject(r, at, lac_buf_cstr(&b));
}

static void *take(const struct reader *r, size_t size, enum lac_status *status)
{
    void *p = lac_arena_alloc(r->arena, size ? size : 1);

    *status = p ? LAC_OK : lac_err_set(r->err, LAC_AGAIN, 0, "record: arena is full");
    return p;
}

static enum lac_status copy_text(const struct reader *r, struct lac_str text, struct lac_str *out)
{
    enum lac_status status;
    char *copy = take(r, text.len, &status);

    if (!copy)
        return status;
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    *out = (struct lac_str){copy, text.len};
    return LAC_OK;
}

static enum lac_status read_hex(const struct reader *r, const struct place *at,
                                const struct lac_json *v, const struct lac_field *f, void *to)
{
    struct lac_str text = lac_json_string(v);
    enum lac_status status;
    void *bytes = to;

    if (!text.ptr)
        return expected(r, at, "a string of hex digits", v);
    if (f->kind == LAC_FIELD_FIXED && text.len != 2 * (size_t)f->fixed_size)
        return reject(r, at, "expected a different number of hex digits");
    if (f->kind == LAC_FIELD_BYTES) {
        bytes = take(r, text.len / 2, &status);
        if (!bytes)
            return status;
        *(struct lac_str *)to = (struct lac_str){bytes, text.len / 2};
    }
    if (text.len % 2 != 0 || !lac_hex_decode(bytes, text.len / 2, text))
        return reject(r, at, "expected hex digits, two a byte");
    return LAC_OK;
}

static enum lac_status read_enum(const struct reader *r, const struct place *at,
                                 const struct lac_json *v, const struct lac_enum_type *type,
                                 void *to)
{
    struct lac_str text = lac_json_string(v);
    char why[160];
    struct lac_buf b;

    for (size_t i = 0; text.ptr && i < type->symbol_count; i++) {
        if (lac_str_eq_nocase(text, type->symbols[i])) {
            *(int *)to = (int)i;
            return LAC_OK;
        }
    }
    lac_buf_init_fixed(&b, why, sizeof(why));
    lac_buf_put_text(&b, "expected one of");
    for (size_t i = 0; i < type->symbol_count; i++)
        lac_buf_printf(&b, "%s %s", i ? "," : "", type->symbols[i]);
    return reject(r, at, lac_buf_cstr(&b));
}

static enum lac_status read_number(const struct reader *r, const struct place *at,
                                   const struct lac_json *v, enum lac_field_kind kind, void *to)
{
    int64_t n = lac_json_int(v);

    if (lac_json_kind(v) != LAC_JSON_INT)
        return expected(r, at, "an integer", v);
    if (kind == LAC_FIELD_LONG) {
        *(int64_t *)to = n;
        return LAC_OK;
    }
    if (n < INT32_MIN || n > INT32_MAX)
        return reject(r, at, "number does not fit into 32 bits");
    *(int32_t *)to = (int32_t)n;
    return LAC_OK;
}

static enum lac_status read_record(const struct reader *r, const struct place *at,
                                   const struct lac_json *v, const struct lac_record_type *t,
                                   void *to);

/* One value or item. */
static enum lac_status read_value(const struct reader *r, const struct place *at,
                                  const struct lac_json *v, const struct lac_field *f, void *to)
{
    switch (f->kind) {
    case LAC_FIELD_BOOL:
        if (lac_json_kind(v) != LAC_JSON_BOOL)
            return expected(r, at, "true or false", v);
        *(bool *)to = lac_json_bool(v);
        return LAC_OK;
    case LAC_FIELD_INT:
    case LAC_FIELD_LONG:
        return read_number(r, at, v, f->kind, to);
    case LAC_FIELD_STRING:
        if (lac_json_kind(v) != LAC_JSON_STRING)
            return expected(r, at, "a string", v);
        return copy_text(r, lac_json_string(v), to);
    case LAC_FIELD_BYTES:
    case LAC_FIELD_FIXED:
        return read_hex(r, at, v, f, to);
    case LAC_FIELD_ENUM:
        return read_enum(r, at, v, f->enum_type, to);
    case LAC_FIELD_RECORD:
        break;
    }
    LAC_ASSERT(f->kind == LAC_FIELD_RECORD);
    return read_record(r, at, v, f->record_type, to);
}

static enum lac_status read_array(const struct reader *r, const struct place *at,
                                  const struct lac_json *v, const struct lac_field *f, char *record)
{
    size_t n = lac_json_size(v);
    enum lac_status status;
    char *items;

    if (lac_json_kind(v) != LAC_JSON_ARRAY)
        return expected(r, at, "an array", v);
    if (n == 0)
        return LAC_OK;
    items = take(r, n * f->item_size, &status); /* n items were parsed: no overflow */
    if (!items)
        return status;
    for (size_t i = 0; i < n; i++) {
        struct place item = {at, NULL, i};

        status = read_value(r, &item, lac_json_item(v, i), f, items + i * f->item_size);
        if (status != LAC_OK)
            return status;
    }
    *(void **)(void *)(record + f->offset) = items;
    *(size_t *)(void *)(record + f->count_offset) = n;
    return LAC_OK;
}

static enum lac_status read_map(const struct reader *r, const struct place *at,
                                const struct lac_json *v, const struct lac_field *f, char *record)
{
    size_t n = lac_json_size(v), i = 0;
    enum lac_status status;
    struct lac_pair *pairs;

    if (lac_json_kind(v) != LAC_JSON_OBJECT)
        return expected(r, at, "an object", v);
    if (n == 0)
        return LAC_OK;
    pairs = take(r, n * sizeof(*pairs), &status);
    if (!pairs)
        return status;
    for (struct lac_json_member m = {0}; lac_json_next(v, &m); i++) {
        struct place item = {at, NULL, i};

        if (lac_json_kind(m.value) != LAC_JSON_STRING)
            return expected(r, &item, "a string", m.value);
        status = copy_text(r, m.key, &pairs[i].key);
        if (status == LAC_OK)
            status = copy_text(r, lac_json_string(m.value), &pairs[i].value);
        if (status != LAC_OK)
            return status;
    }
    *(void **)(void *)(record + f->offset) = pairs;
    *(size_t *)(void *)(record + f->count_offset) = n;
    return LAC_OK;
}

static enum lac_status read_field(const struct reader *r, const struct place *at,
                                  const struct lac_json *v, const struct lac_field *f, char *record)
{
    /* Null is "not given" wherever something else stands for that. */
    if (lac_json_kind(v) == LAC_JSON_NULL && f->has_default)
        return LAC_OK;
    switch (f->shape) {
    case LAC_SHAPE_ARRAY:
        return read_array(r, at, v, f, record);
    case LAC_SHAPE_MAP:
        return read_map(r, at, v, f, record);
    case LAC_SHAPE_OPTIONAL:
        if (f->kind == LAC_FIELD_RECORD)
            f->record_type->init(record + f->offset);
        if (f->flag_offset)
            *(bool *)(record + f->flag_offset) = true;
        break;
    case LAC_SHAPE_PLAIN:
        break;
    }
    return read_value(r, at, v, f, record + f->offset);
}

static bool has_alias(const struct lac_field *f, struct lac_str key)
{
    for (const char *const *a = f->aliases; a && *a; a++) {
        if (lac_str_is(key, *a))
            return true;
    }
    return false;
}

static const struct lac_field *find_field(const struct lac_record_type *t, struct lac_str key)
{
    for (size_t i = 0; i < t->field_count; i++) {
        if (lac_str_is(key, t->fields[i].name) || has_alias(&t->fields[i], key))
            return &t->fields[i];
    }
    return NULL;
}

enum { NEAR_SIZE = 33 }; /* keys longer than this resemble nothing */

static size_t distance(struct lac_str a, struct lac_str b)
{
    size_t row[NEAR_SIZE];

    if (a.len >= NEAR_SIZE || b.len >= NEAR_SIZE)
        return NEAR_SIZE;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);

            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.len];
}

/* The key itself is the sender's and may be confidential: only our own names are printed. */
static enum lac_status unknown_key(const struct reader *r, const struct place *at,
                                   const struct lac_record_type *t, struct lac_str key)
{
    const char *nearest = t->fields[0].name;
    size_t least = SIZE_MAX;
    char why[128];
    struct lac_buf b;

    for (size_t i = 0; i < t->field_count; i++) {
        size_t d = distance(key, lac_str_from(t->fields[i].name));

        if (d < least) {
            least = d;
            nearest = t->fields[i].name;
        }
    }
    lac_buf_init_fixed(&b, why, sizeof(why));
    lac_buf_printf(&b, "unknown key of %zu bytes in %s; the nearest known one is \"%s\"", key.len,
                   t->name, nearest);
    return reject(r, at, lac_buf_cstr(&b));
}

static enum lac_status read_record(const struct reader *r, const struct place *at,
                                   const struct lac_json *v, const struct lac_record_type *t,
                                   void *to)
{
    uint64_t seen = 0;

    LAC_ASSERT(t->field_count <= 64); /* the generator checks */
    if (lac_json_kind(v) != LAC_JSON_OBJECT)
        return expected(r, at, "an object", v);
    t->init(to);
    for (struct lac_json_member m = {0}; lac_json_next(v, &m);) {
        const struct lac_field *f = find_field(t, m.key);
        struct place field = {at, f ? f->name : NULL, 0};
        enum lac_status status;

        if (!f)
            return unknown_key(r, at, t, m.key);
        if (seen & UINT64_C(1) << (f - t->fields))
            return reject(r, &field, "given twice, by its name and by an alias");
        seen |= UINT64_C(1) << (f - t->fields);
        status = read_field(r, &field, m.value, f, to);
        if (status != LAC_OK)
            return status;
    }
    for (size_t i = 0; i < t->field_count; i++) {
        struct place field = {at, t->fields[i].name, 0};

        if (!t->fields[i].has_default && !(seen & UINT64_C(1) << i))
            return reject(r, &field, "is required");
    }
    return LAC_OK;
}

enum lac_status lac_record_from_json(const struct lac_record_type *t, void *out,
                                     const struct lac_json *json, struct lac_arena *a,
                                     struct lac_err *err)
{
    struct reader r = {a, err};

    return read_record(&r, NULL, json, t, out);
}

static void write_record(struct lac_json_writer *w, const struct lac_record_type *t,
                         const char *record);

static void write_value(struct lac_json_writer *w, const struct lac_field *f, const void *from)
{
    const struct lac_str *text = from;

    switch (f->kind) {
    case LAC_FIELD_BOOL:
        lac_json_put_bool(w, *(const bool *)from);
        break;
    case LAC_FIELD_INT:
        lac_json_put_int(w, *(const int32_t *)from);
        break;
    case LAC_FIELD_LONG:
        lac_json_put_int(w, *(const int64_t *)from);
        break;
    case LAC_FIELD_STRING:
        lac_json_put_str(w, text->ptr ? *text : LAC_STR(""));
        break;
    case LAC_FIELD_BYTES:
        lac_json_put_hex(w, text->ptr, text->len);
        break;
    case LAC_FIELD_FIXED:
        lac_json_put_hex(w, from, f->fixed_size);
        break;
    case LAC_FIELD_ENUM:
        LAC_ASSERT(*(const unsigned *)from < f->enum_type->symbol_count);
        lac_json_put_text(w, f->enum_type->symbols[*(const int *)from]);
        break;
    case LAC_FIELD_RECORD:
        write_record(w, f->record_type, from);
        break;
    }
}

static void write_items(struct lac_json_writer *w, const struct lac_field *f, const char *record)
{
    const char *items = *(const char *const *)(const void *)(record + f->offset);
    size_t count = *(const size_t *)(const void *)(record + f->count_offset);
    const struct lac_pair *pair;

    if (f->shape == LAC_SHAPE_ARRAY) {
        lac_json_open_array(w);
        for (size_t i = 0; i < count; i++)
            write_value(w, f, items + i * f->item_size);
        lac_json_close_array(w);
        return;
    }
    pair = (const void *)items;
    lac_json_open_object(w);
    for (size_t i = 0; i < count; i++) {
        lac_json_key_str(w, pair[i].key);
        lac_json_put_str(w, pair[i].value.ptr ? pair[i].value : LAC_STR(""));
    }
    lac_json_close_object(w);
}

static bool is_absent(const struct lac_field *f, const char *record)
{
    if (f->shape != LAC_SHAPE_OPTIONAL)
        return false;
    if (f->flag_offset)
        return !*(const bool *)(record + f->flag_offset);
    return !((const struct lac_str *)(const void *)(record + f->offset))->ptr;
}

static void write_record(struct lac_json_writer *w, const struct lac_record_type *t,
                         const char *record)
{
    lac_json_open_object(w);
    for (size_t i = 0; i < t->field_count; i++) {
        const struct lac_field *f = &t->fields[i];

        if (is_absent(f, record))
            continue;
        lac_json_key(w, f->name);
        if (f->shape == LAC_SHAPE_ARRAY || f->shape == LAC_SHAPE_MAP)
            write_items(w, f, record);
        else
            write_value(w, f, record + f->offset);
    }
    lac_json_close_object(w);
}

void lac_record_to_json(struct lac_json_writer *w, const struct lac_record_type *t,
                        const void *record)
{
    write_record(w, t, record);
}
