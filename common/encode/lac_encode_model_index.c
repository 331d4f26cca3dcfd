/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_encode_model_index.h"

#include <stdlib.h>
#include <string.h>

#include "lac_json.h"

/* A file of the folder itself: such a name leads nowhere else, and may be printed. */
static bool shard_name_ok(struct lac_str name)
{
    static const char end[] = ".safetensors";
    size_t tail = sizeof(end) - 1;

    if (!name.ptr || name.len <= tail || name.len > LAC_ENCODE_SHARD_NAME_MAX ||
        name.ptr[0] == '.' || name.ptr[0] == '-')
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!memchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-",
                    name.ptr[i], 65))
            return false;
    return memcmp(name.ptr + name.len - tail, end, tail) == 0;
}

static enum lac_status find_shard(struct lac_encode_index *x, struct lac_str tensor,
                                  struct lac_str name, uint32_t *shard, struct lac_err *err)
{
    for (*shard = 0; *shard < x->shard_count; ++*shard)
        if (lac_str_is(name, x->shards[*shard]))
            return LAC_OK;
    if (x->shard_count == LAC_ENCODE_SHARD_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "tensor \"%.*s\": is in one of more than %d files",
                           LAC_STR_FMT(tensor), LAC_ENCODE_SHARD_MAX);
    memcpy(x->shards[x->shard_count], name.ptr, name.len);
    x->shards[x->shard_count++][name.len] = 0;
    return LAC_OK;
}

static int by_tensor(const void *a, const void *b)
{
    return lac_str_cmp(((const struct lac_encode_placed *)a)->tensor,
                       ((const struct lac_encode_placed *)b)->tensor);
}

static enum lac_status read_map(struct lac_encode_index *x, const struct lac_json *map,
                                struct lac_err *err)
{
    for (struct lac_json_member m = {0}; lac_json_next(map, &m);) {
        struct lac_encode_placed *p = &x->tensors[x->count];
        struct lac_str name = lac_json_string(m.value);
        enum lac_status status;

        if (!lac_encode_tensor_name_ok(m.key))
            return lac_err_set(err, LAC_REJECT, 0,
                               "tensor %zu has a name that is empty, too long or not printable",
                               x->count + 1);
        if (!shard_name_ok(name))
            return lac_err_set(err, LAC_REJECT, 0,
                               "tensor \"%.*s\": its file is none such as NAME.safetensors",
                               LAC_STR_FMT(m.key));
        p->tensor = m.key;
        status = find_shard(x, m.key, name, &p->shard, err);
        if (status != LAC_OK)
            return status;
        x->count++;
    }
    qsort(x->tensors, x->count, sizeof(*x->tensors), by_tensor);
    return LAC_OK;
}

enum lac_status lac_encode_index_read(struct lac_encode_index *x, struct lac_str json,
                                      struct lac_err *err)
{
    const struct lac_json *map;
    enum lac_status status;
    size_t size;

    memset(x, 0, sizeof(*x));
    status = lac_json_parse(&x->root, json, err);
    if (status != LAC_OK)
        return status;
    map = lac_json_get(x->root, "weight_map");
    size = lac_json_size(map);
    if (lac_json_kind(map) != LAC_JSON_OBJECT || size == 0)
        status = lac_err_set(err, LAC_REJECT, 0, "weight_map must be an object with tensors");
    else if (size > LAC_ENCODE_TENSOR_MAX)
        status = lac_err_set(err, LAC_REJECT, 0, "%zu tensors are over the limit of %d", size,
                             LAC_ENCODE_TENSOR_MAX);
    else
        x->tensors = calloc(size, sizeof(*x->tensors));
    if (status == LAC_OK && !x->tensors)
        status = lac_err_set(err, LAC_RETRY, 0, "out of memory");
    if (status == LAC_OK)
        status = read_map(x, map, err);
    if (status != LAC_OK)
        lac_encode_index_deinit(x);
    return status;
}

void lac_encode_index_deinit(struct lac_encode_index *x)
{
    lac_json_free(x->root);
    free(x->tensors);
    memset(x, 0, sizeof(*x));
}

/* Both are sorted by name: what one has and the other has not stands where they part. */
enum lac_status lac_encode_index_check(const struct lac_encode_index *x, uint32_t shard,
                                       const struct lac_encode_tensors *t, struct lac_err *err)
{
    size_t at = 0;

    for (size_t i = 0; i < x->count; i++) {
        const struct lac_encode_placed *p = &x->tensors[i];
        int order;

        if (p->shard != shard)
            continue;
        order = at < t->count ? lac_str_cmp(t->entries[at].name, p->tensor) : 1;
        if (order > 0)
            return lac_err_set(err, LAC_REJECT, 0, "tensor \"%.*s\": is not in %s",
                               LAC_STR_FMT(p->tensor), x->shards[shard]);
        if (order < 0)
            break;
        at++;
    }
    if (at < t->count)
        return lac_err_set(err, LAC_REJECT, 0,
                           "tensor \"%.*s\": is in %s, where the index has none",
                           LAC_STR_FMT(t->entries[at].name), x->shards[shard]);
    return LAC_OK;
}
