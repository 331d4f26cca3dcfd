/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lac_lane_priv.h"

enum {
    OWN_HEADERS = 7,
    KEPT_HEADERS = 56, /* of the record's own; a record with more loses the rest, and says so */
};

static bool put_text(struct lac_arena *a, struct lac_kafka_header *h, const char *name,
                     const char *text)
{
    size_t len = strlen(text);
    char *copy = lac_arena_alloc(a, len + 1);

    if (!copy)
        return false;
    memcpy(copy, text, len + 1);
    *h = (struct lac_kafka_header){lac_str_from(name), {copy, len}};
    return true;
}

static bool put_number(struct lac_arena *a, struct lac_kafka_header *h, const char *name,
                       long long value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%lld", value);
    return put_text(a, h, name, text);
}

enum lac_status lane_dead_letter(struct lac_lane *l, size_t index, bool bare,
                                 struct lac_kafka_record *out)
{
    const struct lac_kafka_msg *m = &l->batch.msgs[index];
    const struct lac_batch_reject *r = &l->batch.rejects[index];
    struct lac_arena *a = &l->arena;
    struct lac_kafka_header *h = lac_arena_alloc(a, (KEPT_HEADERS + OWN_HEADERS) * sizeof(*h));
    size_t n = 0;
    struct lac_kafka_header more;

    if (!h)
        return LAC_AGAIN;
    while (n < KEPT_HEADERS && lac_kafka_msg_header_at(m, n, &h[n]))
        n++;
    if (!put_text(a, &h[n++], "lacuna-dlq-topic", m->topic) ||
        !put_number(a, &h[n++], "lacuna-dlq-partition", m->partition) ||
        !put_number(a, &h[n++], "lacuna-dlq-offset", m->offset) ||
        !put_number(a, &h[n++], "lacuna-dlq-timestamp", m->timestamp) ||
        !put_text(a, &h[n++], "lacuna-dlq-reason", r->reason) ||
        !put_text(a, &h[n++], "lacuna-dlq-detail", r->detail))
        return LAC_AGAIN;
    *out = (struct lac_kafka_record){
        .key = m->key,
        .value = m->value,
        .partition = LAC_KAFKA_ANY_PARTITION,
        /* Its own time. Under the original's, which is a client's word, brokers may remove it
         * within minutes, or refuse it. */
        .headers = h,
        .header_count = n,
    };
    /* Its headers make it larger than it was: better without its value than never. The other
     * headers say where the original is. */
    bare = bare || lac_kafka_record_size(out) > l->io.ops->record_limit(l->io.ctx);
    if (!bare && !lac_kafka_msg_header_at(m, KEPT_HEADERS, &more))
        return LAC_OK;
    if (!put_number(a, &h[n++], "lacuna-dlq-truncated", (long long)m->value.len))
        return LAC_AGAIN;
    out->header_count = n;
    if (bare)
        out->value = LAC_STR_NULL;
    if (lac_kafka_record_size(out) > l->io.ops->record_limit(l->io.ctx)) {
        out->headers = h + (n - OWN_HEADERS); /* not even its headers fit */
        out->header_count = OWN_HEADERS;
        out->value = LAC_STR_NULL;
    }
    if (lac_kafka_record_size(out) > l->io.ops->record_limit(l->io.ctx))
        out->key = LAC_STR_NULL;
    return LAC_OK;
}

void lane_count_reject(struct lac_lane *l, const char *reason)
{
    char memory[128];
    struct lac_buf labels;

    atomic_fetch_add_explicit(&l->health.rejected, 1, memory_order_relaxed);
    if (!l->o.metrics)
        return;
    lac_buf_init_fixed(&labels, memory, sizeof(memory));
    lac_metrics_label(&labels, "lane", lac_str_from(l->o.name));
    lac_metrics_label(&labels, "reason", lac_str_from(reason));
    lac_counter_add(lac_metrics_counter(l->o.metrics, "lacuna_lane_rejects_total",
                                        "Records sent to the dead-letter topic.",
                                        lac_buf_ok(&labels) ? lac_buf_cstr(&labels) : NULL),
                    1);
}
