/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_encode_windows.h"

#include <string.h>

#include "lac_assert.h"

enum { SPECIALS = 2 }; /* [CLS] and [SEP] */

struct lac_encode_windows lac_encode_windows_of(size_t tokens, uint32_t window, uint32_t prefix,
                                                uint32_t overlap, size_t limit)
{
    struct lac_encode_windows w = {.tokens = tokens, .count = 1};

    LAC_ASSERT(window > SPECIALS && window - SPECIALS > prefix && limit > 0);
    w.body = window - SPECIALS - prefix;
    LAC_ASSERT(overlap < w.body);
    w.stride = w.body - overlap;
    if (tokens <= w.body)
        return w;
    w.count = 1 + (tokens - w.body + w.stride - 1) / w.stride;
    if (w.count > limit) {
        w.count = limit;
        w.left = tokens - w.body - (limit - 1) * w.stride;
    }
    return w;
}

uint32_t lac_encode_windows_overlap(uint32_t window, uint32_t prefix)
{
    return window > SPECIALS + prefix ? (window - SPECIALS - prefix) / 4 : 0;
}

void lac_encode_windows_at(const struct lac_encode_windows *w, size_t index, size_t *from,
                           size_t *to)
{
    LAC_ASSERT(index < w->count);
    *from = index * w->stride;
    *to = w->tokens - *from < w->body ? w->tokens : *from + w->body;
}

size_t lac_encode_windows_put(const struct lac_encode_windows *w, size_t index,
                              const struct lac_encode_tokenizer *t, const int32_t *prefix,
                              size_t prefix_count, const int32_t *ids, int32_t *out)
{
    const struct lac_encode_tokenizer_info *info = lac_encode_tokenizer_info(t);
    size_t from, to, n = 0;

    lac_encode_windows_at(w, index, &from, &to);
    out[n++] = info->cls;
    if (prefix_count)
        memcpy(out + n, prefix, prefix_count * sizeof(*out));
    n += prefix_count;
    if (to > from)
        memcpy(out + n, ids + from, (to - from) * sizeof(*out));
    n += to - from;
    out[n++] = info->sep;
    return n;
}
