/* SPDX-License-Identifier: Apache-2.0 */
/* The first four bytes say where head.json ends, the rest is exemplars.vec. What opens answers
 * every vector within its contract, and never says PUBLIC when the gate is closed. */
#include <stdint.h>
#include <stdlib.h>

#include "lac_digest.h"
#include "lac_head_params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct lac_head *h, const uint8_t *data, size_t size)
{
    float v[LAC_HEAD_WIDTH_MAX] = {0};
    const int32_t ids[] = {7, 9, data[0], 7, -1, INT32_MAX};
    struct lac_head_out out;

    for (uint32_t i = 0; i < lac_head_width(h) && i < size; i++)
        v[i] = (float)(int8_t)data[i] / 100;
    for (int round = 0; round < 2; round++) {
        lac_head_ask(h, v, ids, sizeof(ids) / sizeof(*ids), &out);
        for (int t = 0; t < LAC_TIER_COUNT; t++)
            if (out.likelihood[t] < 1 || out.likelihood[t] > 1000000)
                abort();
        if (out.gate != LAC_HEAD_PASSED && out.likelihood[2] < out.likelihood[0])
            abort();
        for (uint32_t i = 0; i < out.nearest_count; i++)
            if (lac_head_exemplar_id(h, out.nearest[i].exemplar).len == 0)
                abort();
        for (uint32_t i = 0; i < lac_head_width(h); i++)
            v[i] = i == 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lac_head_exemplars e;
    struct lac_head *h;
    struct lac_str json, vec;
    size_t at;

    if (size < 4)
        return 0;
    at = (size_t)(data[0] | data[1] << 8 | data[2] << 16);
    data += 4;
    size -= 4;
    at = at > size ? size : at;
    json = (struct lac_str){(const char *)data, at};
    vec = (struct lac_str){(const char *)data + at, size - at};
    if (lac_head_open(&h, json, vec, NULL) == LAC_OK) {
        ask(h, data, size);
        lac_head_close(h);
    }
    if (lac_head_exemplars_read(&e, vec, NULL) == LAC_OK)
        for (uint32_t i = 0; i < e.count; i++)
            if (lac_head_exemplars_id(&e, i).len > LAC_HEAD_ID_MAX)
                abort();
    (void)lac_head_english((struct lac_str){(const char *)data, size});
    return 0;
}
