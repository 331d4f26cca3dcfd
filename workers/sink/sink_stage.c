/* SPDX-License-Identifier: Apache-2.0 */
#include "sink_stage.h"

#include <string.h>

#include "lac_digest.h"
#include "lac_records.h"
#include "sink_row.h"

enum lac_status sink_stage_init(struct sink_stage *s, const struct lac_schema_source *source,
                                struct lac_err *err)
{
    *s = (struct sink_stage){0};
    lac_buf_init(&s->row, SINK_ROW_BYTES_MAX);
    return lac_wire_open(&s->wire, source, err);
}

void sink_stage_deinit(struct sink_stage *s)
{
    lac_wire_close(s->wire);
    lac_buf_deinit(&s->row);
    *s = (struct sink_stage){0};
}

/* REJECT: `err` says why; nothing of the record's content is in it. */
static enum lac_status read_one(struct sink_stage *s, const struct lac_kafka_msg *m,
                                struct lac_decision *d, struct lac_decision_core *core,
                                struct lac_arena *a, struct lac_err *err)
{
    struct lac_str content_type = LAC_STR_NULL;
    unsigned char hash[LAC_SHA256_SIZE];
    enum lac_status status;

    if (!m->value.ptr)
        return lac_err_set(err, LAC_REJECT, 0, "no value");
    if (!lac_kafka_msg_header(m, "content-type", &content_type))
        content_type = LAC_STR_NULL;
    status = lac_wire_read(s->wire, &lac_decision_type, d, m->value, content_type, a, err);
    if (status != LAC_OK)
        return status;
    status = lac_decision_core_decode(core, d->core, a, err);
    if (status != LAC_OK)
        return status;
    lac_sha256(hash, d->core.ptr, d->core.len);
    if (!lac_digest_equal(hash, d->decision_hash.bytes, sizeof(hash)))
        return lac_err_set(err, LAC_REJECT, 0, "decision_hash is not that of core");
    return LAC_OK;
}

static enum lac_status hand_over(struct sink_stage *s, struct lac_batch *b, size_t index,
                                 const struct lac_decision *d, const struct lac_decision_core *core)
{
    struct lac_str row;
    char *copy;

    lac_buf_reset(&s->row);
    sink_row_put(&s->row, d, core, b->msgs[index].value);
    if (!lac_buf_ok(&s->row)) {
        lac_batch_reject(b, index, "too_large", "the row would pass 8 MiB");
        return LAC_OK;
    }
    row = lac_buf_str(&s->row);
    copy = lac_arena_alloc(b->arena, row.len);
    if (!copy)
        return LAC_AGAIN;
    memcpy(copy, row.ptr, row.len);
    return lac_batch_row(b, index, (struct lac_str){copy, row.len});
}

enum lac_status sink_stage_run(void *ctx, struct lac_batch *b, struct lac_err *err)
{
    struct sink_stage *s = ctx;

    for (size_t i = 0; i < b->count; i++) {
        struct lac_decision d;
        struct lac_decision_core core;
        struct lac_err why = {0};
        enum lac_status status;

        if (lac_batch_rejected(b, i))
            continue;
        status = read_one(s, &b->msgs[i], &d, &core, b->arena, &why);
        if (status == LAC_OK)
            status = hand_over(s, b, i, &d, &core);
        else if (status == LAC_REJECT) {
            lac_batch_reject(b, i, "undecodable", why.text);
            continue;
        }
        if (status != LAC_OK) {
            if (err)
                *err = why;
            return status;
        }
    }
    return LAC_OK;
}
