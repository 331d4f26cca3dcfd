/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_encode_model_tensors.h"

#include <stdlib.h>

#include "lac_json.h"

enum { LENGTH_SIZE = 8 };

/* Types that the format defines with whole bytes; of the others a size can't be told. */
static const struct {
    const char *name;
    uint32_t size; /* bytes */
} types[] = {
    {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1},
    {"U16", 2},  {"I16", 2}, {"F16", 2}, {"BF16", 2},    {"U32", 4},
    {"I32", 4},  {"F32", 4}, {"U64", 8}, {"I64", 8},     {"F64", 8},
};

/* Printed in errors and logs, so nothing else than what such names consist of is accepted. */
bool lac_encode_tensor_name_ok(struct lac_str name)
{
    if (name.len == 0 || name.len > LAC_ENCODE_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f || name.ptr[i] == '"')
            return false;
    return true;
}

static enum lac_status refuse(struct lac_err *err, const struct lac_encode_entry *e,
                              const char *why)
{
    return lac_err_set(err, LAC_REJECT, 0, "tensor \"%.*s\": %s", LAC_STR_FMT(e->name), why);
}

/* A whole number of at least 0. */
static bool count_of(const struct lac_json *v, uint64_t *out)
{
    if (lac_json_kind(v) != LAC_JSON_INT || lac_json_int(v) < 0)
        return false;
    *out = (uint64_t)lac_json_int(v);
    return true;
}

/* Reads shape and type, and how many bytes they mean. */
static enum lac_status read_shape(struct lac_encode_entry *e, const struct lac_json *v,
                                  uint64_t *bytes, struct lac_err *err)
{
    const struct lac_json *shape = lac_json_get(v, "shape");

    e->dtype = lac_json_string(lac_json_get(v, "dtype"));
    *bytes = 0;
    for (size_t i = 0; i < LAC_COUNT(types); i++)
        if (e->dtype.ptr && lac_str_is(e->dtype, types[i].name))
            *bytes = types[i].size;
    if (*bytes == 0)
        return refuse(err, e, "dtype is none that we know");
    if (lac_json_kind(shape) != LAC_JSON_ARRAY)
        return refuse(err, e, "shape is no list");
    if (lac_json_size(shape) > LAC_ENCODE_RANK_MAX)
        return refuse(err, e, "shape has more than 4 dimensions");
    e->rank = (uint32_t)lac_json_size(shape);
    for (uint32_t i = 0; i < e->rank; i++)
        if (!count_of(lac_json_item(shape, i), &e->shape[i]))
            return refuse(err, e, "shape holds something else than whole numbers");
    for (uint32_t i = 0; i < e->rank; i++)
        if (__builtin_mul_overflow(*bytes, e->shape[i], bytes))
            return refuse(err, e, "shape is too large to be true");
    return LAC_OK;
}

static enum lac_status read_entry(struct lac_encode_entry *e, const struct lac_json *v,
                                  const unsigned char *data, uint64_t size, struct lac_err *err)
{
    const struct lac_json *offsets = lac_json_get(v, "data_offsets");
    uint64_t bytes, from, to;
    enum lac_status status;

    if (lac_json_kind(v) != LAC_JSON_OBJECT)
        return refuse(err, e, "is not described by an object");
    status = read_shape(e, v, &bytes, err);
    if (status != LAC_OK)
        return status;
    if (lac_json_kind(offsets) != LAC_JSON_ARRAY || lac_json_size(offsets) != 2 ||
        !count_of(lac_json_item(offsets, 0), &from) || !count_of(lac_json_item(offsets, 1), &to))
        return refuse(err, e, "data_offsets are not two whole numbers");
    if (from > to)
        return refuse(err, e, "data_offsets end before they begin");
    if (to > size)
        return refuse(err, e, "data_offsets lie beyond the end of the file");
    if (to - from != bytes)
        return refuse(err, e, "data_offsets hold another number of bytes than dtype and shape say");
    e->data = data + from;
    e->size = bytes;
    return LAC_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct lac_encode_entry *x = a, *y = b;

    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    /* Empty ones lie before what begins at the same place. */
    return x->size < y->size ? -1 : x->size > y->size;
}

static int by_name(const void *a, const void *b)
{
    return lac_str_cmp(((const struct lac_encode_entry *)a)->name,
                       ((const struct lac_encode_entry *)b)->name);
}

/* The tensors cover data without a gap and without an overlap. */
static enum lac_status check_cover(const struct lac_encode_tensors *t, const unsigned char *data,
                                   uint64_t size, struct lac_err *err)
{
    const unsigned char *end = data;

    for (size_t i = 0; i < t->count; i++) {
        const struct lac_encode_entry *e = &t->entries[i];

        if (e->data < end)
            return lac_err_set(err, LAC_REJECT, 0, "tensor \"%.*s\": overlaps tensor \"%.*s\"",
                               LAC_STR_FMT(e->name), LAC_STR_FMT(t->entries[i - 1].name));
        if (e->data > end)
            return refuse(err, e, "bytes before it belong to no tensor");
        end = e->data + e->size;
    }
    if (end != data + size)
        return lac_err_set(err, LAC_REJECT, 0, "%llu bytes at its end belong to no tensor",
                           (unsigned long long)(data + size - end));
    return LAC_OK;
}

/* "__metadata__" is a map of text, and nothing that we need. */
static enum lac_status check_metadata(const struct lac_json *v, struct lac_err *err)
{
    if (lac_json_kind(v) != LAC_JSON_OBJECT)
        return lac_err_set(err, LAC_REJECT, 0, "__metadata__ is no object");
    for (struct lac_json_member m = {0}; lac_json_next(v, &m);)
        if (lac_json_kind(m.value) != LAC_JSON_STRING)
            return lac_err_set(err, LAC_REJECT, 0, "__metadata__ holds something else than text");
    return LAC_OK;
}

static enum lac_status read_entries(struct lac_encode_tensors *t, const unsigned char *data,
                                    uint64_t size, struct lac_err *err)
{
    for (struct lac_json_member m = {0}; lac_json_next(t->header, &m);) {
        struct lac_encode_entry *e = &t->entries[t->count];
        enum lac_status status;

        if (lac_str_is(m.key, "__metadata__")) {
            status = check_metadata(m.value, err);
            if (status != LAC_OK)
                return status;
            continue;
        }
        if (!lac_encode_tensor_name_ok(m.key))
            return lac_err_set(err, LAC_REJECT, 0,
                               "tensor %zu has a name that is empty, too long or not printable",
                               t->count + 1);
        e->name = m.key;
        status = read_entry(e, m.value, data, size, err);
        if (status != LAC_OK)
            return status;
        t->count++;
    }
    qsort(t->entries, t->count, sizeof(*t->entries), by_place);
    return check_cover(t, data, size, err);
}

enum lac_status lac_encode_tensors_init(struct lac_encode_tensors *t, const void *file, size_t size,
                                        struct lac_err *err)
{
    const unsigned char *bytes = file;
    enum lac_status status;
    uint64_t length = 0;
    size_t members;

    *t = (struct lac_encode_tensors){0};
    if (size < LENGTH_SIZE)
        return lac_err_set(err, LAC_REJECT, 0, "is too short for a safetensors file");
    for (int i = LENGTH_SIZE - 1; i >= 0; i--)
        length = length << 8 | bytes[i];
    if (length > LAC_ENCODE_HEADER_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "header of %llu bytes is over the limit of %d",
                           (unsigned long long)length, LAC_ENCODE_HEADER_MAX);
    if (length > size - LENGTH_SIZE)
        return lac_err_set(err, LAC_REJECT, 0, "header is longer than the file");
    if (length == 0 || bytes[LENGTH_SIZE] != '{')
        return lac_err_set(err, LAC_REJECT, 0, "header is no JSON object");
    status = lac_json_parse(
        &t->header, (struct lac_str){(const char *)bytes + LENGTH_SIZE, (size_t)length}, err);
    if (status != LAC_OK)
        return status;
    members = lac_json_size(t->header);
    if (members > LAC_ENCODE_TENSOR_MAX)
        status = lac_err_set(err, LAC_REJECT, 0, "%zu tensors are over the limit of %d", members,
                             LAC_ENCODE_TENSOR_MAX);
    else
        t->entries = calloc(members + 1, sizeof(*t->entries));
    if (status == LAC_OK && !t->entries)
        status = lac_err_set(err, LAC_RETRY, 0, "out of memory");
    if (status == LAC_OK)
        status = read_entries(t, bytes + LENGTH_SIZE + length, size - LENGTH_SIZE - length, err);
    if (status == LAC_OK)
        lac_encode_tensors_sort(t);
    else
        lac_encode_tensors_deinit(t);
    return status;
}

void lac_encode_tensors_sort(struct lac_encode_tensors *t)
{
    qsort(t->entries, t->count, sizeof(*t->entries), by_name);
}

void lac_encode_tensors_deinit(struct lac_encode_tensors *t)
{
    lac_json_free(t->header);
    free(t->entries);
    *t = (struct lac_encode_tensors){0};
}

struct lac_encode_entry *lac_encode_tensors_find(const struct lac_encode_tensors *t,
                                                 struct lac_str name)
{
    struct lac_encode_entry key = {.name = name};

    return t->count ? bsearch(&key, t->entries, t->count, sizeof(key), by_name) : NULL;
}
