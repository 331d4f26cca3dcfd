/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_head_params.h"

#include <math.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_utf8.h"

static const char magic[8] = {'L', 'A', 'C', 'V', 'E', 'C', '1', '\n'};

enum {
    AT_COUNT = 8,
    AT_WIDTH = 12,
    AT_IDS = 16,
    AT_ZERO = 20,
    AT_HASH = 24,
    HEAD = AT_HASH + LAC_HEAD_HASH_SIZE,
};

static uint32_t get32(const void *at)
{
    const unsigned char *b = at;

    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void put32(struct lac_buf *out, uint32_t v)
{
    unsigned char b[4] = {(unsigned char)v, (unsigned char)(v >> 8), (unsigned char)(v >> 16),
                          (unsigned char)(v >> 24)};

    lac_buf_put(out, b, sizeof(b));
}

struct lac_str lac_head_exemplars_id(const struct lac_head_exemplars *e, uint32_t index)
{
    uint32_t from = get32(e->id_starts + (size_t)index * 4);
    uint32_t to = get32(e->id_starts + (size_t)index * 4 + 4);

    return (struct lac_str){e->ids + from, to - from};
}

static enum lac_status bad(struct lac_err *err, const char *why)
{
    return lac_err_set(err, LAC_REJECT, 0, "exemplars.vec: %s", why);
}

static enum lac_status check_ids(const struct lac_head_exemplars *e, uint32_t size,
                                 struct lac_err *err)
{
    uint32_t last = 0;

    if (get32(e->id_starts) != 0 || get32(e->id_starts + (size_t)e->count * 4) != size)
        return bad(err, "the ids don't fill their place");
    for (uint32_t i = 1; i <= e->count; i++) {
        uint32_t to = get32(e->id_starts + (size_t)i * 4);

        if (to <= last || to - last > LAC_HEAD_ID_MAX || to > size)
            return bad(err, "an id is empty or too long");
        if (!lac_utf8_valid((struct lac_str){e->ids + last, to - last}))
            return bad(err, "an id is no UTF-8");
        last = to;
    }
    return LAC_OK;
}

enum lac_status lac_head_exemplars_read(struct lac_head_exemplars *out, struct lac_str bytes,
                                        struct lac_err *err)
{
    uint32_t ids;
    uint64_t size;

    if (bytes.len < HEAD || memcmp(bytes.ptr, magic, sizeof(magic)) != 0)
        return bad(err, "it is no list of exemplars, or of another version");
    *out = (struct lac_head_exemplars){.count = get32(bytes.ptr + AT_COUNT),
                                       .width = get32(bytes.ptr + AT_WIDTH)};
    ids = get32(bytes.ptr + AT_IDS);
    if (out->count < 1 || out->count > LAC_HEAD_EXEMPLAR_MAX)
        return bad(err, "the number of exemplars is out of range");
    if (out->width < 1 || out->width > LAC_HEAD_WIDTH_MAX)
        return bad(err, "the width is out of range");
    if (get32(bytes.ptr + AT_ZERO) != 0)
        return bad(err, "a reserved field is set");
    size = HEAD + out->count + 4 * ((uint64_t)out->count + 1) + ids +
           (uint64_t)out->count * out->width;
    if (size != bytes.len)
        return bad(err, "it is cut, or longer than it says");
    out->texts_hash = (const unsigned char *)bytes.ptr + AT_HASH;
    out->tiers = (const uint8_t *)bytes.ptr + HEAD;
    out->id_starts = out->tiers + out->count;
    out->ids = (const char *)out->id_starts + 4 * ((size_t)out->count + 1);
    out->vectors = (const int8_t *)(out->ids + ids);
    for (uint32_t i = 0; i < out->count; i++)
        if (out->tiers[i] >= LAC_TIER_COUNT)
            return bad(err, "an exemplar has a tier that doesn't exist");
    return check_ids(out, ids, err);
}

/* The largest element becomes 127; only the direction is kept, and that to 0.01 degrees or so. */
static void put_vector(const float *vector, uint32_t width, struct lac_buf *out)
{
    double largest = 0;

    for (uint32_t i = 0; i < width; i++)
        largest = fabs((double)vector[i]) > largest ? fabs((double)vector[i]) : largest;
    LAC_ASSERT(largest > 0);
    for (uint32_t i = 0; i < width; i++)
        lac_buf_put_char(out, (char)(int8_t)floor((double)vector[i] * 127 / largest + 0.5));
}

void lac_head_exemplars_write(const unsigned char texts_hash[LAC_HEAD_HASH_SIZE], uint32_t count,
                              uint32_t width, const struct lac_str *ids, const enum lac_tier *tiers,
                              const float *vectors, struct lac_buf *out)
{
    uint32_t size = 0;

    for (uint32_t i = 0; i < count; i++) {
        LAC_ASSERT(ids[i].len >= 1 && ids[i].len <= LAC_HEAD_ID_MAX);
        size += (uint32_t)ids[i].len;
    }
    lac_buf_put(out, magic, sizeof(magic));
    put32(out, count);
    put32(out, width);
    put32(out, size);
    put32(out, 0);
    lac_buf_put(out, texts_hash, LAC_HEAD_HASH_SIZE);
    for (uint32_t i = 0; i < count; i++)
        lac_buf_put_char(out, (char)tiers[i]);
    put32(out, size = 0);
    for (uint32_t i = 0; i < count; i++)
        put32(out, size += (uint32_t)ids[i].len);
    for (uint32_t i = 0; i < count; i++)
        lac_buf_put_str(out, ids[i]);
    for (uint32_t i = 0; i < count; i++)
        put_vector(vectors + (size_t)i * width, width, out);
}
