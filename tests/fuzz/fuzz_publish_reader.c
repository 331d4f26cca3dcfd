/* SPDX-License-Identifier: Apache-2.0 */
/* Lines and CSV rows from arbitrary bytes: nothing crashes, every read makes progress, and what
 * comes out does not depend on how the bytes arrived. The first byte picks limit and step. */
#include "lac_publish_reader.h"

#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_feed.h"
#include "lac_utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A fingerprint of all answers: FNV-1a over statuses, places and contents. */
static uint64_t digest(const uint8_t *data, size_t size, size_t limit, size_t step, bool csv)
{
    struct lac_feed feed = {data, size, 0, step};
    struct lac_str fields[LAC_PUBLISH_FIELDS_MAX];
    struct lac_publish_reader r;
    struct lac_err err = {0};
    uint64_t hash = 14695981039346656037u, before = 0;
    size_t count = 1;

    LAC_ASSERT(lac_publish_reader_init(&r, lac_feed_read, &feed, limit, 0, 0, &err) == LAC_OK);
    for (;;) {
        enum lac_status status = csv ? lac_publish_reader_row(&r, fields, &count, &err)
                                     : lac_publish_reader_line(&r, fields, &err);

        if (status == LAC_AGAIN)
            break;
        LAC_ASSERT(status == LAC_OK || status == LAC_REJECT);
        LAC_ASSERT(r.position > before && r.position <= size);
        before = r.position;
        hash = (hash ^ (uint64_t)status ^ r.position ^ (r.line << 20)) * 1099511628211u;
        for (size_t i = 0; status == LAC_OK && i < count; i++) {
            LAC_ASSERT(fields[i].len <= limit && lac_utf8_valid(fields[i]));
            hash = (hash ^ fields[i].len) * 1099511628211u;
            for (size_t k = 0; k < fields[i].len; k++)
                hash = (hash ^ (uint8_t)fields[i].ptr[k]) * 1099511628211u;
        }
    }
    lac_publish_reader_deinit(&r);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t limit, step;

    if (size < 1 || size > 1 << 16)
        return 0;
    limit = (size_t)(data[0] & 0x3f) * 4 + 4;
    step = (size_t)(data[0] >> 6) + 1;
    for (int csv = 0; csv < 2; csv++)
        LAC_ASSERT(digest(data + 1, size - 1, limit, step, csv) ==
                   digest(data + 1, size - 1, limit, 1 << 16, csv));
    return 0;
}
