/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_codec.h"

#include "lac_buf.h"

const uint8_t *lac_decode_fail(struct lac_decoder *d, const uint8_t *at, const char *why)
{
    d->status = LAC_REJECT;
    d->why = why;
    d->at = at;
    d->depth = 0;
    return NULL;
}

const uint8_t *lac_decode_full(struct lac_decoder *d, const uint8_t *at)
{
    (void)lac_decode_fail(d, at, "arena is full");
    d->status = LAC_AGAIN;
    return NULL;
}

const uint8_t *lac_decode_in(struct lac_decoder *d, const char *name)
{
    return lac_decode_in_item(d, name, SIZE_MAX);
}

const uint8_t *lac_decode_in_item(struct lac_decoder *d, const char *name, size_t index)
{
    if (d->depth < LAC_DECODER_DEPTH_MAX) {
        d->path[d->depth].name = name;
        d->path[d->depth].index = index;
        d->depth++;
    }
    return NULL;
}

enum lac_status lac_decode_report(struct lac_decoder *d, const uint8_t *p, const char *name,
                                  struct lac_err *err)
{
    char path[256];
    struct lac_buf b;

    if (p)
        (void)lac_decode_fail(d, p, "bytes behind the record");
    lac_buf_init_fixed(&b, path, sizeof(path));
    for (unsigned i = d->depth; i-- > 0;) {
        lac_buf_printf(&b, "/%s", d->path[i].name);
        if (d->path[i].index != SIZE_MAX)
            lac_buf_printf(&b, "/%zu", d->path[i].index);
    }
    return lac_err_set(err, d->status, 0, "%s: %.*s%sbyte %zu: %s", name,
                       LAC_STR_FMT(lac_buf_str(&b)), b.len ? " at " : "at ",
                       (size_t)(d->at - d->start), d->why);
}

const uint8_t *lac_decode_long_slow(struct lac_decoder *d, const uint8_t *p, int64_t *out)
{
    const uint8_t *at = p;
    uint64_t z = 0;

    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte;

        if (p >= d->end)
            return lac_decode_fail(d, at, "ends in the middle");
        byte = *p++;
        if (shift == 63 && byte > 1)
            break;
        z |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *out = (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
            return p;
        }
    }
    return lac_decode_fail(d, at, "number is longer than 64 bits");
}

const uint8_t *lac_decode_bytes_slow(struct lac_decoder *d, const uint8_t *p, struct lac_str *out)
{
    const uint8_t *at = p;
    int64_t len;

    p = lac_decode_long(d, p, &len);
    if (!p)
        return NULL;
    if (len < 0)
        return lac_decode_fail(d, at, "length is negative");
    if ((uint64_t)len > (size_t)(d->end - p))
        return lac_decode_fail(d, at, "length runs past the end");
    *out = (struct lac_str){(const char *)p, (size_t)len};
    return p + len;
}

const uint8_t *lac_decode_branch_slow(struct lac_decoder *d, const uint8_t *p, bool *present)
{
    const uint8_t *at = p;
    int64_t v;

    p = lac_decode_long(d, p, &v);
    if (!p)
        return NULL;
    if (v != 0 && v != 1)
        return lac_decode_fail(d, at, "union has no such branch");
    *present = v == 1;
    return p;
}

const uint8_t *lac_decode_block_slow(struct lac_decoder *d, const uint8_t *p, size_t item_min_bytes,
                                     struct lac_block *out)
{
    const uint8_t *at = p;
    int64_t count, size;

    p = lac_decode_long(d, p, &count);
    if (!p)
        return NULL;
    *out = (struct lac_block){0};
    if (count < 0) {
        if (count == INT64_MIN)
            return lac_decode_fail(d, at, "item count is out of range");
        count = -count;
        p = lac_decode_long(d, p, &size);
        if (!p)
            return NULL;
        if (size < 0 || (uint64_t)size > (size_t)(d->end - p))
            return lac_decode_fail(d, at, "block runs past the end");
        out->end = p + size;
    }
    if (item_min_bytes > 0 && (uint64_t)count > (size_t)(d->end - p) / item_min_bytes)
        return lac_decode_fail(d, at, "more items than bytes");
    out->count = (size_t)count;
    return p;
}

void *lac_decode_grow(struct lac_decoder *d, const uint8_t *at, void *items, size_t count,
                      size_t *capacity, size_t more, size_t item_size)
{
    size_t want = count + more; /* both are bounded by the payload's bytes */
    void *grown;

    if (want <= *capacity)
        return items;
    if (want < *capacity * 2)
        want = *capacity * 2;
    if (want > SIZE_MAX / item_size) {
        (void)lac_decode_full(d, at);
        return NULL;
    }
    grown = lac_arena_take(d->arena, want * item_size);
    if (!grown) {
        (void)lac_decode_full(d, at);
        return NULL;
    }
    if (count > 0)
        memcpy(grown, items, count * item_size);
    *capacity = want;
    return grown;
}

const uint8_t *lac_decode_strings(struct lac_decoder *d, const uint8_t *p, struct lac_str **items,
                                  size_t *count, const char *name)
{
    struct lac_str *list = NULL;
    size_t n = 0, capacity = 0;
    struct lac_block b;

    for (;;) {
        p = lac_decode_block(d, p, 1, &b);
        if (!p)
            return lac_decode_in(d, name);
        if (b.count == 0)
            break;
        list = lac_decode_grow(d, p, list, n, &capacity, b.count, sizeof(*list));
        if (!list)
            return lac_decode_in(d, name);
        for (size_t stop = n + b.count; n < stop; n++) {
            p = lac_decode_string(d, p, &list[n]);
            if (!p)
                return lac_decode_in_item(d, name, n);
        }
        p = lac_decode_block_end(d, p, &b);
        if (!p)
            return lac_decode_in(d, name);
    }
    *items = list;
    *count = n;
    return p;
}

const uint8_t *lac_decode_pairs(struct lac_decoder *d, const uint8_t *p, struct lac_pair **items,
                                size_t *count, const char *name)
{
    struct lac_pair *list = NULL;
    size_t n = 0, capacity = 0;
    struct lac_block b;

    for (;;) {
        p = lac_decode_block(d, p, 2, &b);
        if (!p)
            return lac_decode_in(d, name);
        if (b.count == 0)
            break;
        list = lac_decode_grow(d, p, list, n, &capacity, b.count, sizeof(*list));
        if (!list)
            return lac_decode_in(d, name);
        for (size_t stop = n + b.count; n < stop; n++) {
            p = lac_decode_string(d, p, &list[n].key);
            if (p)
                p = lac_decode_string(d, p, &list[n].value);
            if (!p)
                return lac_decode_in_item(d, name, n);
        }
        p = lac_decode_block_end(d, p, &b);
        if (!p)
            return lac_decode_in(d, name);
    }
    *items = list;
    *count = n;
    return p;
}

size_t lac_size_strings(const struct lac_str *items, size_t count)
{
    size_t n = 1;

    if (count > 0)
        n += lac_size_long((int64_t)count);
    for (size_t i = 0; i < count; i++)
        n += lac_size_text(items[i]);
    return n;
}

size_t lac_size_pairs(const struct lac_pair *items, size_t count)
{
    size_t n = 1;

    if (count > 0)
        n += lac_size_long((int64_t)count);
    for (size_t i = 0; i < count; i++)
        n += lac_size_text(items[i].key) + lac_size_text(items[i].value);
    return n;
}

uint8_t *lac_encode_strings(uint8_t *p, const struct lac_str *items, size_t count)
{
    if (count > 0)
        p = lac_encode_long(p, (int64_t)count);
    for (size_t i = 0; i < count; i++)
        p = lac_encode_text(p, items[i]);
    *p = 0;
    return p + 1;
}

uint8_t *lac_encode_pairs(uint8_t *p, const struct lac_pair *items, size_t count)
{
    if (count > 0)
        p = lac_encode_long(p, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        p = lac_encode_text(p, items[i].key);
        p = lac_encode_text(p, items[i].value);
    }
    *p = 0;
    return p + 1;
}
