/* SPDX-License-Identifier: Apache-2.0 */
/* {"id","text"} lines from arbitrary bytes: nothing crashes, and lines, numbers and answers do not
 * depend on how the bytes arrived. The first byte picks limit and step. */
#include "lac_scan_lines.h"

#include <string.h>

#include "lac_assert.h"
#include "lac_feed.h"
#include "lac_utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 1099511628211u;
}

static uint64_t take(uint64_t hash, struct lac_str line, uint64_t number)
{
    struct lac_scan_item item;
    struct lac_err err;
    enum lac_status status = lac_scan_item_parse(&item, line, &err);

    LAC_ASSERT(status == LAC_OK || status == LAC_REJECT);
    hash = mix(mix(hash, number), (uint64_t)status);
    if (status == LAC_OK) {
        LAC_ASSERT(lac_utf8_valid(item.text));
        hash = mix(hash, item.text.len);
    }
    lac_scan_item_deinit(&item);
    return hash;
}

static uint64_t digest(const uint8_t *data, size_t size, size_t limit, size_t step)
{
    struct lac_feed feed = {data, size, 0, step};
    struct lac_scan_block b = {0};
    struct lac_scan_lines l;
    uint64_t hash = 14695981039346656037u;
    enum lac_status status;
    struct lac_err err;

    lac_buf_init(&b.text, LAC_SCAN_BLOCK_MOST);
    lac_scan_lines_init(&l, lac_feed_read, &feed, limit);
    while ((status = lac_scan_lines_next(&l, &b, &err)) == LAC_OK) {
        uint64_t next = b.line, number;
        struct lac_str line;
        size_t at = 0;

        if (b.too_long)
            hash = mix(mix(hash, b.line), 77);
        while (lac_scan_lines_cut(lac_buf_str(&b.text), &at, &next, &line, &number))
            hash = line.len > limit ? mix(mix(hash, number), 77) : take(hash, line, number);
    }
    LAC_ASSERT(status == LAC_AGAIN);
    lac_scan_lines_deinit(&l);
    lac_buf_deinit(&b.text);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t limit, step;

    if (size < 1 || size > 1 << 14)
        return 0;
    limit = (size_t)(data[0] & 0x3f) * 4 + 4;
    step = (size_t)(data[0] >> 6) + 1;
    LAC_ASSERT(digest(data + 1, size - 1, limit, step) ==
               digest(data + 1, size - 1, limit, 1 << 16));
    return 0;
}
