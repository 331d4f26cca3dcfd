/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_event_id.h"

#include <inttypes.h>

#include "lac_assert.h"
#include "lac_buf.h"
#include "lac_digest.h"

/* Without the lengths, topic "a" partition 11 and topic "a1" partition 1 would be the same. */
static void put_part(struct lac_buf *b, struct lac_str part)
{
    uint32_t n = (uint32_t)part.len;
    const unsigned char len[4] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16),
                                  (unsigned char)(n >> 8), (unsigned char)n};

    lac_buf_put(b, len, sizeof(len));
    lac_buf_put_str(b, part);
}

static void put_number(struct lac_buf *b, int64_t v)
{
    char text[24];
    struct lac_buf number;

    lac_buf_init_fixed(&number, text, sizeof(text));
    lac_buf_printf(&number, "%" PRId64, v);
    put_part(b, lac_buf_str(&number));
}

void lac_event_id_make(struct lac_event_id *out, struct lac_str origin, struct lac_str topic,
                       int32_t partition, int64_t offset, int64_t timestamp_ms)
{
    unsigned char hash[LAC_SHA256_SIZE];
    char memory[2 * LAC_EVENT_ID_NAME_MAX + 128];
    struct lac_buf b;

    LAC_ASSERT(origin.len <= LAC_EVENT_ID_NAME_MAX && topic.len <= LAC_EVENT_ID_NAME_MAX);
    lac_buf_init_fixed(&b, memory, sizeof(memory));
    put_part(&b, LAC_STR("lacuna/1"));
    put_part(&b, origin);
    put_part(&b, topic);
    put_number(&b, partition);
    put_number(&b, offset);
    put_number(&b, timestamp_ms);
    LAC_ASSERT(lac_buf_ok(&b));
    lac_sha256(hash, b.ptr, b.len);
    memcpy(out->bytes, hash, sizeof(out->bytes));
}

void lac_event_id_format(char out[LAC_EVENT_ID_TEXT_SIZE], const struct lac_event_id *id)
{
    lac_hex_encode(out, id->bytes, sizeof(id->bytes));
}

bool lac_event_id_parse(struct lac_str text, struct lac_event_id *out)
{
    return text.len == 2 * sizeof(out->bytes) &&
           lac_hex_decode(out->bytes, sizeof(out->bytes), text);
}
