/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_control_topic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_arena.h"
#include "lac_digest.h"
#include "lac_kafka_admin.h"
#include "lac_topics.h"
#include "lac_wire.h"

enum {
    ASK_MS = 5000,
    PARTITIONS_MAX = 64,
    QUEUE_BYTES = 8 << 20, /* some chunks ahead */
    READ_ARENA = 2 << 20,  /* a chunk as JSON is copied there */
    WRITE_ARENA = LAC_CONTROL_CHUNK_BYTES + (64 << 10),
    TRIES = 20, /* of a transactional call, each up to ASK_MS */
};

struct lac_control_reader {
    struct lac_kafka_consumer *consumer;
    struct lac_wire *wire;
    struct lac_arena arena;
    struct lac_kafka_msg msg;
};

/* ---- reading ---- */

static enum lac_status count_partitions(const struct lac_kafka_options *kafka, const char *topic,
                                        int32_t *count, struct lac_err *err)
{
    const struct lac_kafka_topic_info *t;
    struct lac_kafka_cluster_info info;
    struct lac_kafka_admin *admin;
    enum lac_status status = lac_kafka_admin_open(&admin, kafka, err);

    if (status != LAC_OK)
        return status;
    status = lac_kafka_admin_cluster(admin, ASK_MS, &info, err);
    if (status == LAC_OK) {
        t = lac_kafka_cluster_topic(&info, topic);
        *count = t ? t->partitions : 0;
        if (*count <= 0)
            status = lac_err_set(err, LAC_AGAIN, 0, "control: there is no topic %s", topic);
        else if (*count > PARTITIONS_MAX)
            status = lac_err_set(err, LAC_FATAL, 0, "control: %s has more than %d partitions",
                                 topic, PARTITIONS_MAX);
        lac_kafka_cluster_info_deinit(&info);
    }
    lac_kafka_admin_close(admin);
    return status;
}

enum lac_status lac_control_reader_open(struct lac_control_reader **out,
                                        const struct lac_kafka_options *kafka, const char *topic,
                                        struct lac_err *err)
{
    struct lac_kafka_position at[PARTITIONS_MAX];
    struct lac_kafka_options o = *kafka;
    struct lac_control_reader *r;
    int32_t count = 0;
    enum lac_status status = count_partitions(kafka, topic, &count, err);

    *out = NULL;
    if (status != LAC_OK)
        return status;
    r = calloc(1, sizeof(*r));
    if (!r)
        return lac_err_set(err, LAC_FATAL, 0, "control: out of memory");
    for (int32_t i = 0; i < count; i++)
        at[i] = (struct lac_kafka_position){topic, i, LAC_KAFKA_BEGINNING};
    o.tell_end = true;
    o.queue_bytes = QUEUE_BYTES;
    status = lac_arena_init(&r->arena, READ_ARENA, err);
    if (status == LAC_OK)
        status = lac_wire_open(&r->wire, NULL, err);
    if (status == LAC_OK)
        status = lac_kafka_consumer_assign(&r->consumer, &o, at, (size_t)count, err);
    if (status != LAC_OK) {
        lac_control_reader_close(r);
        return status;
    }
    *out = r;
    return LAC_OK;
}

void lac_control_reader_close(struct lac_control_reader *r)
{
    if (!r)
        return;
    lac_kafka_msg_release(&r->msg);
    lac_kafka_consumer_close(r->consumer);
    lac_wire_close(r->wire);
    lac_arena_deinit(&r->arena);
    free(r);
}

bool lac_control_reader_at_end(const struct lac_control_reader *r)
{
    return lac_kafka_at_end(r->consumer);
}

enum lac_status lac_control_reader_next(struct lac_control_reader *r, uint32_t wait_ms,
                                        struct lac_control_read *out, struct lac_err *err)
{
    struct lac_str content_type = LAC_STR_NULL;
    enum lac_status status;
    struct lac_err why;

    lac_kafka_msg_release(&r->msg);
    status = lac_kafka_poll(r->consumer, wait_ms, &r->msg, err);
    if (status != LAC_OK)
        return status;
    lac_arena_reset(&r->arena);
    out->key = r->msg.key;
    out->malformed = false;
    out->deleted = !r->msg.value.ptr;
    if (out->deleted) {
        lac_control_init(&out->record);
        return LAC_OK;
    }
    (void)lac_kafka_msg_header(&r->msg, "content-type", &content_type);
    out->offset = r->msg.offset;
    out->timestamp = r->msg.timestamp;
    status = lac_wire_read(r->wire, &lac_control_type, &out->record, r->msg.value, content_type,
                           &r->arena, &why);
    out->malformed = status != LAC_OK; /* also one that our memory doesn't hold */
    if (out->malformed) {
        lac_control_init(&out->record);
        (void)snprintf(out->why, sizeof(out->why), "%s", why.text);
    }
    return LAC_OK;
}

/* ---- writing ---- */

struct lac_control_writer {
    struct lac_kafka_producer *producer;
    struct lac_wire *wire;
    struct lac_arena arena;
    int topic;
};

/* What a transactional call's answer means to somebody who can start over. */
static enum lac_status outcome(enum lac_kafka_txn t, struct lac_err *err)
{
    switch (t) {
    case LAC_KAFKA_TXN_DONE:
        return LAC_OK;
    case LAC_KAFKA_TXN_REPEAT:
        return LAC_RETRY;
    case LAC_KAFKA_TXN_ABORT:
    case LAC_KAFKA_TXN_RECREATE:
        err->status = LAC_REJECT;
        return LAC_REJECT;
    case LAC_KAFKA_TXN_STOP:
        break;
    }
    return LAC_FATAL;
}

enum lac_status lac_control_writer_open(struct lac_control_writer **out,
                                        const struct lac_kafka_options *kafka, const char *topic,
                                        struct lac_str name, struct lac_err *err)
{
    char id[LAC_KAFKA_TOPIC_SIZE + LAC_CONTROL_NAME_MAX + 8];
    const struct lac_kafka_producer_setup setup = {.transactional_id = id};
    struct lac_control_writer *w = calloc(1, sizeof(*w));
    enum lac_status status;

    *out = NULL;
    if (!w)
        return lac_err_set(err, LAC_FATAL, 0, "control: out of memory");
    (void)snprintf(id, sizeof(id), "%s-push-%.*s", topic, LAC_STR_FMT(name));
    status = lac_arena_init(&w->arena, WRITE_ARENA, err);
    if (status == LAC_OK)
        status = lac_wire_open(&w->wire, NULL, err);
    if (status == LAC_OK)
        status = lac_kafka_producer_open(&w->producer, kafka, &setup, err);
    if (status == LAC_OK)
        status = lac_kafka_producer_topic(w->producer, topic, &w->topic, err);
    if (status == LAC_OK) {
        enum lac_kafka_txn t = LAC_KAFKA_TXN_REPEAT;

        for (int i = 0; i < TRIES && t == LAC_KAFKA_TXN_REPEAT; i++)
            t = lac_kafka_txn_init(w->producer, ASK_MS, err);
        status = outcome(t, err);
    }
    if (status != LAC_OK) {
        lac_control_writer_close(w);
        return status;
    }
    *out = w;
    return LAC_OK;
}

void lac_control_writer_close(struct lac_control_writer *w)
{
    if (!w)
        return;
    lac_kafka_producer_close(w->producer);
    lac_wire_close(w->wire);
    lac_arena_deinit(&w->arena);
    free(w);
}

static enum lac_status produce(struct lac_control_writer *w, const char *key, struct lac_str value,
                               struct lac_err *err)
{
    const struct lac_kafka_header header = {LAC_STR("content-type"),
                                            LAC_STR(LAC_WIRE_CONTENT_TYPE)};
    const struct lac_kafka_record r = {.key = lac_str_from(key),
                                       .value = value,
                                       .partition = LAC_KAFKA_ANY_PARTITION,
                                       .headers = &header,
                                       .header_count = value.ptr ? 1 : 0};
    enum lac_status status;

    for (int i = 0; i < TRIES; i++) {
        status = lac_kafka_produce(w->producer, w->topic, &r, true, err);
        if (status != LAC_AGAIN)
            return status == LAC_REJECT ? LAC_FATAL : status;
        (void)lac_kafka_producer_poll(w->producer, ASK_MS);
    }
    return lac_err_set(err, LAC_RETRY, 0, "control: the broker takes no records");
}

static enum lac_status produce_chunk(struct lac_control_writer *w, struct lac_control *r,
                                     const struct lac_sign_key *key, struct lac_err *err)
{
    unsigned char signature[LAC_SIGN_SIZE];
    char name[LAC_CONTROL_KEY_SIZE];
    struct lac_str value;
    enum lac_status status = lac_control_check(r, err);

    if (status == LAC_OK && key)
        status = lac_control_sign(r, key, signature, err);
    lac_arena_reset(&w->arena);
    if (status == LAC_OK)
        status = lac_wire_write(w->wire, &lac_control_type, r, &w->arena, &value, err);
    r->signer = r->signature = LAC_STR_NULL;
    if (status != LAC_OK) /* ours, all of them */
        return err->status = LAC_FATAL;
    lac_control_key(name, r);
    return produce(w, name, value, err);
}

static enum lac_status produce_all(struct lac_control_writer *w, const struct lac_control_push *p,
                                   struct lac_err *err)
{
    struct lac_control r = p->record;
    size_t step = LAC_CONTROL_CHUNK_BYTES;
    enum lac_status status = LAC_OK;

    r.kind = LAC_STR("pack");
    r.size = (int64_t)p->content.len;
    r.chunks = p->content.len ? (int32_t)((p->content.len + step - 1) / step) : 1;
    r.signer = r.signature = LAC_STR_NULL;
    lac_sha256(r.hash.bytes, p->content.ptr, p->content.len);
    for (r.chunk = 0; status == LAC_OK && r.chunk < r.chunks; r.chunk++) {
        size_t from = (size_t)r.chunk * step;
        size_t to = p->content.len - from < step ? p->content.len : from + step;

        r.content = p->content.len ? lac_str_slice(p->content, from, to) : LAC_STR("");
        status = produce_chunk(w, &r, p->key, err);
    }
    for (size_t i = 0; status == LAC_OK && i < p->deletion_count; i++)
        status = produce(w, p->deletions[i], LAC_STR_NULL, err);
    return status;
}

enum lac_status lac_control_writer_push(struct lac_control_writer *w,
                                        const struct lac_control_push *p, struct lac_err *err)
{
    enum lac_status status = outcome(lac_kafka_txn_begin(w->producer, err), err);
    enum lac_kafka_txn t = LAC_KAFKA_TXN_REPEAT;
    struct lac_err ignored;

    if (status != LAC_OK)
        return status;
    status = produce_all(w, p, err);
    if (status != LAC_OK) {
        (void)!lac_kafka_txn_abort(w->producer, ASK_MS, &ignored);
        return status;
    }
    for (int i = 0; i < TRIES && t == LAC_KAFKA_TXN_REPEAT; i++)
        t = lac_kafka_txn_commit(w->producer, ASK_MS, err);
    status = outcome(t, err);
    if (t == LAC_KAFKA_TXN_ABORT)
        (void)!lac_kafka_txn_abort(w->producer, ASK_MS, &ignored);
    return status;
}
