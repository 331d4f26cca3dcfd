/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_utf8.h"

enum lac_status lac_batch_init(struct lac_batch *b, struct lac_arena *a, size_t messages_max,
                               size_t capacity, struct lac_err *err)
{
    memset(b, 0, sizeof(*b));
    b->arena = a;
    b->records = calloc(capacity, sizeof(*b->records));
    b->rows = calloc(capacity, sizeof(*b->rows));
    b->replies = calloc(capacity, sizeof(*b->replies));
    b->rejects = calloc(messages_max, sizeof(*b->rejects));
    if (!b->records || !b->rows || !b->replies || !b->rejects) {
        lac_batch_deinit(b);
        return lac_err_set(err, LAC_FATAL, 0, "lane: out of memory for a batch of %zu",
                           messages_max);
    }
    b->record_capacity = capacity;
    b->row_capacity = capacity;
    b->reply_capacity = capacity;
    return LAC_OK;
}

void lac_batch_deinit(struct lac_batch *b)
{
    free(b->records);
    free(b->rows);
    free(b->replies);
    free(b->rejects);
    memset(b, 0, sizeof(*b));
}

void lac_batch_open(struct lac_batch *b, const struct lac_kafka_msg *msgs, size_t n)
{
    /* Only the flags: most batches reject nothing, and the details are large. */
    for (size_t i = 0; i < n; i++)
        b->rejects[i].reason[0] = '\0';
    b->msgs = msgs;
    b->count = n;
    b->record_count = 0;
    b->row_count = 0;
    b->reject_count = 0;
}

void lac_batch_reset(struct lac_batch *b)
{
    lac_batch_open(b, NULL, 0);
    b->reply_count = 0;
}

static bool in_arena(const struct lac_arena *a, const char *ptr)
{
    const unsigned char *at = (const unsigned char *)ptr;

    return at >= a->base && at < a->base + a->size;
}

/* An absent slice stays absent, an empty one present. False: the arena is full. */
static bool keep(struct lac_arena *a, struct lac_str *s)
{
    char *copy;

    if (!s->ptr || in_arena(a, s->ptr))
        return true;
    if (s->len == 0) {
        s->ptr = "";
        return true;
    }
    copy = lac_arena_take(a, s->len);
    if (!copy)
        return false;
    memcpy(copy, s->ptr, s->len);
    s->ptr = copy;
    return true;
}

static bool keep_headers(struct lac_arena *a, struct lac_kafka_record *r, bool deep)
{
    struct lac_kafka_header *headers;

    if (!r->header_count)
        return true;
    headers = lac_arena_take(a, r->header_count * sizeof(*headers));
    if (!headers)
        return false;
    memcpy(headers, r->headers, r->header_count * sizeof(*headers));
    r->headers = headers;
    for (size_t i = 0; deep && i < r->header_count; i++)
        if (!keep(a, &headers[i].name) || !keep(a, &headers[i].value))
            return false;
    return true;
}

enum lac_status lac_batch_emit(struct lac_batch *b, int topic, const struct lac_kafka_record *r)
{
    struct lac_batch_record *out;

    if (b->record_count == b->record_capacity)
        return LAC_AGAIN;
    out = &b->records[b->record_count];
    out->topic = topic;
    out->record = *r;
    if (!keep(b->arena, &out->record.value) || !keep_headers(b->arena, &out->record, false))
        return LAC_AGAIN;
    b->record_count++;
    return LAC_OK;
}

enum lac_status lac_batch_reply(struct lac_batch *b, int topic, const struct lac_kafka_record *r)
{
    struct lac_batch_record *out;

    if (b->reply_count == b->reply_capacity)
        return LAC_AGAIN;
    out = &b->replies[b->reply_count];
    out->topic = topic;
    out->record = *r;
    if (!keep(b->arena, &out->record.key) || !keep(b->arena, &out->record.value) ||
        !keep_headers(b->arena, &out->record, true))
        return LAC_AGAIN;
    b->reply_count++;
    return LAC_OK;
}

enum lac_status lac_batch_row(struct lac_batch *b, size_t index, struct lac_str row)
{
    LAC_ASSERT(index < b->count);
    LAC_ASSERT(row.len == 0 || in_arena(b->arena, row.ptr));
    if (b->row_count == b->row_capacity)
        return LAC_AGAIN;
    b->rows[b->row_count++] = (struct lac_batch_row){index, row};
    return LAC_OK;
}

void lac_batch_reject(struct lac_batch *b, size_t index, const char *reason, const char *detail)
{
    struct lac_batch_reject *r = &b->rejects[index];

    LAC_ASSERT(index < b->count && reason[0]);
    if (r->reason[0])
        return;
    (void)snprintf(r->reason, sizeof(r->reason), "%s", reason);
    (void)snprintf(r->detail, sizeof(r->detail), "%s", detail);
    /* A cut may have split a character. */
    r->detail[lac_utf8_valid_prefix(lac_str_from(r->detail))] = '\0';
    b->reject_count++;
}
