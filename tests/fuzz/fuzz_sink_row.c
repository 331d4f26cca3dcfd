/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any decision that decodes, as a row of `decisions`: nothing in it is what Postgres refuses. Two
 * bytes say how long the core is that follows them; the rest is the record.
 */
#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_json.h"
#include "lac_utf8.h"
#include "sink_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROW_MAX = 1 << 22, ELEMENT_BYTES = 3 * SINK_TEXT_MAX /* of NULs */, TEXT_OID = 25 };

struct cursor {
    struct lac_str row;
    size_t at;
};

static uint32_t be32(struct cursor *c)
{
    uint32_t n;

    LAC_ASSERT(c->row.len - c->at >= sizeof(n));
    memcpy(&n, c->row.ptr + c->at, sizeof(n));
    c->at += sizeof(n);
    return be32toh(n);
}

/* The next field; ptr NULL: SQL's NULL. */
static struct lac_str field(struct cursor *c)
{
    uint32_t len = be32(c);
    size_t from = c->at;

    if (len == UINT32_MAX)
        return LAC_STR_NULL;
    LAC_ASSERT(len <= c->row.len - c->at);
    c->at += len;
    return lac_str_slice(c->row, from, c->at);
}

static void check_text(struct lac_str s)
{
    LAC_ASSERT(s.len <= ELEMENT_BYTES && lac_utf8_valid(s));
    LAC_ASSERT(s.len == 0 || !memchr(s.ptr, 0, s.len));
}

static void check_texts(struct lac_str s)
{
    struct cursor c = {s, 0};
    uint32_t dimensions = be32(&c), count;

    LAC_ASSERT(dimensions <= 1);
    LAC_ASSERT(be32(&c) <= 1); /* there may be NULLs: a hint */
    LAC_ASSERT(be32(&c) == TEXT_OID);
    if (dimensions == 1) {
        count = be32(&c);
        LAC_ASSERT(be32(&c) == 1); /* counted from 1 */
        for (uint32_t i = 0; i < count; i++) {
            struct lac_str item = field(&c);

            LAC_ASSERT(item.ptr);
            check_text(item);
        }
    }
    LAC_ASSERT(c.at == s.len);
}

static void check_jsonb(struct lac_str s)
{
    struct lac_json *doc = NULL;
    struct lac_err err = {0};

    LAC_ASSERT(s.len > 1 && s.ptr[0] == 1);
    s = lac_str_slice(s, 1, s.len);
    LAC_ASSERT(lac_utf8_valid(s) && !memchr(s.ptr, 0, s.len));
    LAC_ASSERT(!memmem(s.ptr, s.len, "\\u0000", 6) || memmem(s.ptr, s.len, "\\\\u0000", 7));
    LAC_ASSERT(lac_json_parse(&doc, s, &err) == LAC_OK);
    lac_json_free(doc);
}

static void check(struct lac_str row)
{
    /* Of each column: a size, or [t]ext, t[e]xts, [j]sonb, [b]ytes; capitals may be NULL. */
    static const char columns[] = "8u41tt4TTTTTTTTTtt48eeeettbBb888ttTTjb";
    struct cursor c = {row, 2};

    LAC_ASSERT(row.len > 2 && row.ptr[0] == 0 && row.ptr[1] == sizeof(columns) - 1);
    for (size_t i = 0; i < sizeof(columns) - 1; i++) {
        struct lac_str s = field(&c);

        LAC_ASSERT(s.ptr || columns[i] == 'T' || columns[i] == 'B');
        if (columns[i] >= '1' && columns[i] <= '8')
            LAC_ASSERT(s.len == (size_t)(columns[i] - '0'));
        else if (columns[i] == 'u')
            LAC_ASSERT(s.len == 16);
        else if (columns[i] == 'e')
            check_texts(s);
        else if (columns[i] == 'j')
            check_jsonb(s);
        else if (columns[i] == 't' || columns[i] == 'T')
            check_text(s);
    }
    LAC_ASSERT(c.at == row.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lac_arena arena;
    static struct lac_buf row;
    struct lac_str bytes = {(const char *)data, size}, record;
    struct lac_decision_core core;
    struct lac_decision d;
    size_t len;

    if (size < 2)
        return 0;
    if (!arena.base) {
        LAC_ASSERT(lac_arena_init(&arena, 16 << 20, NULL) == LAC_OK);
        lac_buf_init(&row, ROW_MAX);
    }
    len = (size_t)data[0] << 8 | data[1];
    if (len > size - 2)
        return 0;
    record = lac_str_slice(bytes, 2 + len, size);
    lac_arena_reset(&arena);
    if (lac_decision_core_decode(&core, lac_str_slice(bytes, 2, 2 + len), &arena, NULL) != LAC_OK ||
        lac_decision_decode(&d, record, &arena, NULL) != LAC_OK)
        return 0;
    lac_buf_reset(&row);
    sink_row_put(&row, &d, &core, record);
    if (lac_buf_ok(&row))
        check(lac_buf_str(&row));
    return 0;
}
