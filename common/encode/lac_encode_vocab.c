/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lac_encode_tokenizer_internal.h"

void lac_encode_vocab_init(struct lac_encode_vocab *v)
{
    memset(v, 0, sizeof(*v));
    lac_buf_init(&v->bytes, LAC_ENCODE_VOCAB_BYTES);
}

void lac_encode_vocab_deinit(struct lac_encode_vocab *v)
{
    lac_buf_deinit(&v->bytes);
    free(v->slots);
    memset(v, 0, sizeof(*v));
}

static enum lac_status reach(struct lac_encode_vocab *v, uint32_t id, struct lac_err *err)
{
    uint32_t capacity = v->capacity ? v->capacity : 32 << 10;
    struct lac_encode_slot *larger;

    while (capacity <= id)
        capacity *= 2;
    if (capacity == v->capacity)
        return LAC_OK;
    larger = realloc(v->slots, capacity * sizeof(*larger));
    if (!larger)
        return lac_err_set(err, LAC_RETRY, 0, "no memory for a vocabulary");
    memset(larger + v->capacity, 0, (capacity - v->capacity) * sizeof(*larger));
    v->slots = larger;
    v->capacity = capacity;
    return LAC_OK;
}

enum lac_status lac_encode_vocab_add(struct lac_encode_vocab *v, struct lac_str text, int64_t id,
                                     struct lac_err *err)
{
    enum lac_status status;

    if (id < 0 || id >= LAC_ENCODE_VOCAB_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "an id must be 0 to %d", LAC_ENCODE_VOCAB_MAX - 1);
    if (text.len > LAC_ENCODE_PIECE_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "longer than %d bytes", LAC_ENCODE_PIECE_MAX);
    if (text.len && memchr(text.ptr, 0, text.len))
        return lac_err_set(err, LAC_REJECT, 0, "a NUL in it");
    status = reach(v, (uint32_t)id, err);
    if (status != LAC_OK)
        return status;
    if (v->slots[id].len)
        return lac_err_set(err, LAC_REJECT, 0, "another entry has the id %d", (int)id);
    v->slots[id] = (struct lac_encode_slot){(uint32_t)v->bytes.len, (uint32_t)text.len, false};
    lac_buf_put_str(&v->bytes, text);
    if (!lac_buf_ok(&v->bytes))
        return lac_err_set(err, LAC_RETRY, 0, "no memory for a vocabulary");
    if (v->count <= id)
        v->count = (uint32_t)id + 1;
    return LAC_OK;
}

struct lac_str lac_encode_vocab_at(const struct lac_encode_vocab *v, uint32_t id)
{
    if (id >= v->count || v->slots[id].len == 0)
        return LAC_STR_NULL;
    return (struct lac_str){v->bytes.ptr + v->slots[id].at, v->slots[id].len};
}

int32_t lac_encode_vocab_find(const struct lac_encode_vocab *v, struct lac_str text)
{
    for (uint32_t id = 0; id < v->count; id++)
        if (text.len && lac_str_eq(lac_encode_vocab_at(v, id), text))
            return (int32_t)id;
    return LAC_ENCODE_NO_ID;
}
