/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_clock.h"
#include "lac_kafka_priv.h"
#include "lac_log.h"

enum {
    DELIVERY_TIMEOUT_MS = 30000,
    QUEUE_RECORDS = 100000,
    QUEUE_KBYTES = 262144,
    CHUNK = 512,               /* records of one library call */
    HEADERS_MAX = 64,          /* of one record */
    RECORD_OVERHEAD = 512,     /* framing of a batch with one record, generously */
    PARTITIONS_AGE_MS = 30000, /* how long a topic's partition count is believed */
    PARTITIONS_WAIT_MS = 5000,
    PURGE_WAIT_MS = 5000,
};

struct topic {
    char name[LAC_KAFKA_TOPIC_SIZE];
    rd_kafka_topic_t *rkt;
    int32_t partitions; /* 0: not asked yet */
    uint64_t asked_ms;
};

struct lac_kafka_producer {
    rd_kafka_t *rk;
    rd_kafka_conf_t *conf; /* what every incarnation starts from */
    rd_kafka_queue_t *queue;
    struct lac_kafka_producer_setup setup;
    struct topic topics[LAC_KAFKA_PRODUCER_TOPICS];
    size_t topic_count;
    size_t record_limit;
    size_t queue_records;
    size_t failed;
    struct lac_err first_failure;
    int wake_fd;
    struct lac_kafka_side side;
    rd_kafka_message_t chunk[CHUNK];
};

rd_kafka_t *lac_kafka_producer_handle(struct lac_kafka_producer *p)
{
    return p->rk;
}

/* ---- life ---- */

static enum lac_status put_producer_settings(rd_kafka_conf_t *conf,
                                             const struct lac_kafka_options *o,
                                             const struct lac_kafka_producer_setup *setup,
                                             struct lac_err *err)
{
    uint32_t timeout =
        setup->delivery_timeout_ms ? setup->delivery_timeout_ms : DELIVERY_TIMEOUT_MS;
    const struct {
        const char *name;
        const char *value;
    } settings[] = {
        {"enable.idempotence", setup->may_repeat ? "false" : "true"},
        {"acks", "all"},
        {"partitioner", "murmur2_random"}, /* Java's: keys land where Java clients put them */
        {"compression.codec", o->compression},
        {"batch.num.messages", "10000"},
        /* Above what brokers take by default, so that a topic may be given more (a dead letter is
         * larger than the record it was); batches stay within batch.size's 1 MB. */
        {"message.max.bytes", "2097152"},
        {"transactional.id", setup->transactional_id},
        /* Without a callback only failures are worth a report: success is an empty queue. */
        {"delivery.report.only.error", setup->delivered ? "false" : "true"},
    };
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"linger.ms", o->linger_ms},
        {"queue.buffering.max.messages",
         setup->queue_records ? setup->queue_records : QUEUE_RECORDS},
        {"queue.buffering.max.kbytes", QUEUE_KBYTES},
    };
    enum lac_status status = LAC_OK;

    for (size_t i = 0; i < LAC_COUNT(settings) && status == LAC_OK; i++)
        status = lac_kafka_conf_put(conf, settings[i].name, settings[i].value, err);
    for (size_t i = 0; i < LAC_COUNT(numbers) && status == LAC_OK; i++)
        status = lac_kafka_conf_put_number(conf, numbers[i].name, numbers[i].value, err);
    if (status == LAC_OK && setup->requests)
        status = lac_kafka_conf_put_number(conf, "max.in.flight.requests.per.connection",
                                           setup->requests, err);
    if (status == LAC_OK && setup->transactional_id) {
        uint32_t transaction = o->transaction_timeout_ms ? o->transaction_timeout_ms : 10000;

        status = lac_kafka_conf_put_number(conf, "transaction.timeout.ms", transaction, err);
        timeout = timeout < transaction ? timeout : transaction;
    }
    if (status == LAC_OK)
        status = lac_kafka_conf_put_number(conf, "message.timeout.ms", timeout, err);
    if (status == LAC_OK)
        status = lac_kafka_conf_properties(conf, o, true, err);
    return status;
}

static size_t read_record_limit(const rd_kafka_conf_t *conf)
{
    char text[32] = "1000000";
    size_t size = sizeof(text);
    uint64_t limit = 0;

    (void)rd_kafka_conf_get(conf, "message.max.bytes", text, &size);
    if (!lac_str_to_u64(lac_str_from(text), &limit) || limit < (uint64_t)2 * RECORD_OVERHEAD)
        limit = 1000000;
    return (size_t)limit - RECORD_OVERHEAD;
}

/* Starts an incarnation from p->conf. */
static enum lac_status start(struct lac_kafka_producer *p, struct lac_err *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(p->conf);
    char why[256];

    p->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (!p->rk) {
        rd_kafka_conf_destroy(conf);
        return lac_err_set(err, LAC_FATAL, 0, "kafka: cannot make a producer: %s", why);
    }
    p->queue = rd_kafka_queue_get_main(p->rk);
    for (size_t i = 0; i < p->topic_count; i++) {
        p->topics[i].rkt = rd_kafka_topic_new(p->rk, p->topics[i].name, NULL);
        if (!p->topics[i].rkt)
            return lac_kafka_fail(err, "topic", rd_kafka_last_error());
    }
    lac_kafka_producer_wake_fd(p, p->wake_fd);
    return LAC_OK;
}

static void stop(struct lac_kafka_producer *p)
{
    struct lac_err err;

    if (!p->rk)
        return;
    (void)rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    /* Whoever waits for a record hears that it was dropped. */
    if (p->setup.delivered && lac_kafka_flush(p, PURGE_WAIT_MS, &err) != LAC_OK)
        lac_log_err(LAC_LOG_WARN, "producer_stopped_late", &err);
    for (size_t i = 0; i < p->topic_count; i++)
        if (p->topics[i].rkt)
            rd_kafka_topic_destroy(p->topics[i].rkt);
    for (size_t i = 0; i < p->topic_count; i++)
        p->topics[i].rkt = NULL;
    rd_kafka_queue_io_event_enable(p->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(p->queue);
    rd_kafka_destroy(p->rk);
    p->rk = NULL;
    p->queue = NULL;
}

enum lac_status lac_kafka_producer_open(struct lac_kafka_producer **out,
                                        const struct lac_kafka_options *o,
                                        const struct lac_kafka_producer_setup *setup,
                                        struct lac_err *err)
{
    struct lac_kafka_producer *p = calloc(1, sizeof(*p));
    enum lac_status status;

    if (!p)
        return lac_err_set(err, LAC_RETRY, 0, "kafka: out of memory");
    p->setup = *setup;
    p->setup.transactional_id = NULL; /* the caller's; librdkafka has its copy */
    p->queue_records = setup->queue_records ? setup->queue_records : QUEUE_RECORDS;
    p->wake_fd = -1;
    p->conf = lac_kafka_conf_common(o, &p->side, err);
    status = p->conf ? put_producer_settings(p->conf, o, setup, err) : LAC_FATAL;
    if (status == LAC_OK) {
        if (!setup->transactional_id)
            rd_kafka_conf_set_events(p->conf, RD_KAFKA_EVENT_DR);
        p->record_limit = read_record_limit(p->conf);
        status = start(p, err);
    }
    if (status != LAC_OK) {
        lac_kafka_producer_close(p);
        return status;
    }
    *out = p;
    return LAC_OK;
}

void lac_kafka_producer_close(struct lac_kafka_producer *p)
{
    if (!p)
        return;
    stop(p);
    if (p->conf)
        rd_kafka_conf_destroy(p->conf);
    free(p);
}

enum lac_status lac_kafka_producer_reopen(struct lac_kafka_producer *p, struct lac_err *err)
{
    stop(p);
    p->failed = 0;
    __atomic_store_n(&p->side.trouble, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&p->side.broke, false, __ATOMIC_RELAXED); /* stop() has closed them all */
    return start(p, err);
}

enum lac_status lac_kafka_producer_topic(struct lac_kafka_producer *p, const char *name, int *topic,
                                         struct lac_err *err)
{
    struct topic *t;

    for (size_t i = 0; i < p->topic_count; i++) {
        if (strcmp(p->topics[i].name, name) == 0) {
            *topic = (int)i;
            return LAC_OK;
        }
    }
    if (p->topic_count == LAC_KAFKA_PRODUCER_TOPICS || strlen(name) >= sizeof(t->name))
        return lac_err_set(err, LAC_FATAL, 0, "kafka: too many topics, or a name too long: %.80s",
                           name);
    t = &p->topics[p->topic_count];
    t->rkt = rd_kafka_topic_new(p->rk, name, NULL);
    if (!t->rkt)
        return lac_kafka_fail(err, name, rd_kafka_last_error());
    memcpy(t->name, name, strlen(name) + 1);
    *topic = (int)p->topic_count++;
    return LAC_OK;
}

/* ---- at its end ---- */

bool lac_kafka_producer_broken(const struct lac_kafka_producer *p, struct lac_err *err)
{
    char text[256];
    rd_kafka_resp_err_t cause =
        p->rk ? rd_kafka_fatal_error(p->rk, text, sizeof(text)) : RD_KAFKA_RESP_ERR__STATE;

    if (cause == RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    if (!p->rk)
        (void)snprintf(text, sizeof(text), "it could not be replaced");
    (void)lac_err_set(err,
                      lac_kafka_txn_decide(cause, true, false, false) == LAC_KAFKA_TXN_RECREATE
                          ? LAC_RETRY
                          : LAC_FATAL,
                      cause, "kafka: produce: the producer broke: %s", text);
    return true;
}

bool lac_kafka_producer_interrupted(const struct lac_kafka_producer *p)
{
    return __atomic_load_n(&p->side.broke, __ATOMIC_ACQUIRE);
}

/* What ended this producer is told at the next call, whichever that is. It does not end the
 * process, unless a new one would meet the same. */
static enum lac_status why_broken(const struct lac_kafka_producer *p, enum lac_status status,
                                  struct lac_err *err)
{
    struct lac_err why;

    if (status != LAC_FATAL || !lac_kafka_producer_broken(p, &why))
        return status;
    if (err)
        *err = why;
    return why.status;
}

/* ---- producing ---- */

size_t lac_kafka_record_size(const struct lac_kafka_record *r)
{
    size_t size = r->key.len + r->value.len;

    for (size_t i = 0; i < r->header_count; i++)
        size += r->headers[i].name.len + r->headers[i].value.len + 10;
    return size;
}

static enum lac_status check_record(const struct lac_kafka_producer *p,
                                    const struct lac_kafka_record *r, struct lac_err *err)
{
    if (lac_kafka_record_size(r) > p->record_limit)
        return lac_err_set(err, LAC_REJECT, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
                           "kafka: the record is larger than message.max.bytes allows");
    if (r->header_count > HEADERS_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "kafka: more than %d headers", HEADERS_MAX);
    return LAC_OK;
}

/* librdkafka before 2.12 frees a record's headers twice when its partition does not exist, so
 * the partition is looked up before. */
static enum lac_status check_partition(struct lac_kafka_producer *p, struct topic *t,
                                       int32_t partition, struct lac_err *err)
{
    uint64_t now = lac_clock_mono_ms();
    const struct rd_kafka_metadata *m = NULL;
    rd_kafka_resp_err_t code;

    if (partition < t->partitions && now - t->asked_ms < PARTITIONS_AGE_MS)
        return LAC_OK;
    if (partition >= t->partitions && t->partitions && now - t->asked_ms < 1000)
        goto out;
    code = rd_kafka_metadata(p->rk, 0, t->rkt, &m, PARTITIONS_WAIT_MS);
    if (!code && m->topic_cnt == 1)
        code = m->topics[0].err;
    if (!code && m->topic_cnt == 1)
        t->partitions = m->topics[0].partition_cnt;
    if (m)
        rd_kafka_metadata_destroy(m);
    if (code && !t->partitions)
        return lac_kafka_fail(err, t->name, code);
    t->asked_ms = now;
out:
    if (partition < t->partitions)
        return LAC_OK;
    return lac_err_set(err, LAC_REJECT, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
                       "kafka: %s has no partition %d", t->name, (int)partition);
}

static rd_kafka_headers_t *headers_of(const struct lac_kafka_record *r)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(r->header_count);

    for (size_t i = 0; i < r->header_count; i++)
        (void)rd_kafka_header_add(headers, r->headers[i].name.ptr, (ssize_t)r->headers[i].name.len,
                                  r->headers[i].value.ptr, (ssize_t)r->headers[i].value.len);
    return headers;
}

enum lac_status lac_kafka_produce(struct lac_kafka_producer *p, int topic,
                                  const struct lac_kafka_record *r, bool copy, struct lac_err *err)
{
    struct topic *t = &p->topics[topic];
    enum lac_status status = check_record(p, r, err);
    rd_kafka_vu_t v[8];
    size_t n = 0;
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_error_t *e;

    if (status == LAC_OK && !p->rk)
        status = lac_err_set(err, LAC_FATAL, 0, "kafka: produce: the producer is not there");
    if (status == LAC_OK && r->partition >= 0)
        status = check_partition(p, t, r->partition, err);
    if (status != LAC_OK)
        return status;
    v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = t->rkt};
    v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = r->partition};
    v[n++] =
        (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = copy ? RD_KAFKA_MSG_F_COPY : 0};
    v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_KEY,
                             .u.mem = {.ptr = (void *)r->key.ptr, .size = r->key.len}};
    v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_VALUE,
                             .u.mem = {.ptr = (void *)r->value.ptr, .size = r->value.len}};
    v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = r->opaque};
    if (r->timestamp)
        v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = r->timestamp};
    if (r->header_count) {
        headers = headers_of(r);
        v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers};
    }
    e = rd_kafka_produceva(p->rk, v, n);
    if (e && headers)
        rd_kafka_headers_destroy(headers);
    status = lac_kafka_fail_error(err, "produce", e);
    if (status == LAC_FATAL && why_broken(p, status, err) == LAC_RETRY && err)
        err->status = LAC_FATAL; /* the caller has to replace it */
    return status;
}

/* One library call for up to CHUNK records without headers. Nobody else produces here, so
 * room in the queue that is seen now is still there at the call. */
static enum lac_status produce_chunk(struct lac_kafka_producer *p, struct topic *t,
                                     const struct lac_kafka_record *r, size_t n, size_t *taken,
                                     struct lac_err *err)
{
    int queued;

    for (size_t i = 0; i < n; i++)
        p->chunk[i] = (rd_kafka_message_t){
            .payload = (void *)r[i].value.ptr,
            .len = r[i].value.len,
            .key = (void *)r[i].key.ptr,
            .key_len = r[i].key.len,
            .partition = r[i].partition,
            ._private = r[i].opaque,
        };
    queued = rd_kafka_produce_batch(t->rkt, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_PARTITION,
                                    p->chunk, (int)n);
    *taken += (size_t)queued;
    if ((size_t)queued == n)
        return LAC_OK;
    for (size_t i = 0; i < n; i++) {
        if (!p->chunk[i].err)
            continue;
        /* Records behind the failed one may be queued: only a redo of all is in order then. */
        if (i != (size_t)queued)
            return lac_err_set(err, LAC_RETRY, p->chunk[i].err, "kafka: produce: %s",
                               rd_kafka_err2str(p->chunk[i].err));
        return lac_kafka_fail(err, "produce", p->chunk[i].err);
    }
    return lac_err_set(err, LAC_RETRY, 0, "kafka: produce: no reason given");
}

/* How many of the `n` records, from the start, one library call may take. */
static size_t plain_run(const struct lac_kafka_producer *p, const struct lac_kafka_record *r,
                        size_t n)
{
    size_t count = 0;

    while (count < n && count < CHUNK && !r[count].header_count && !r[count].timestamp &&
           r[count].partition < 0 && lac_kafka_record_size(&r[count]) <= p->record_limit)
        count++;
    return count;
}

enum lac_status lac_kafka_produce_batch(struct lac_kafka_producer *p, int topic,
                                        const struct lac_kafka_record *r, size_t n, size_t *taken,
                                        struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    *taken = 0;
    while (*taken < n && status == LAC_OK) {
        const struct lac_kafka_record *next = &r[*taken];
        size_t pending = lac_kafka_producer_pending(p);
        size_t room = pending < p->queue_records ? p->queue_records - pending : 0;
        size_t run = plain_run(p, next, n - *taken);

        if (!room)
            return lac_err_set(err, LAC_AGAIN, 0, "kafka: the producer's queue is full");
        if (run > 1) {
            status = produce_chunk(p, &p->topics[topic], next, run < room ? run : room, taken, err);
            continue;
        }
        status = lac_kafka_produce(p, topic, next, false, err);
        *taken += status == LAC_OK;
    }
    return why_broken(p, status, err);
}

/* ---- deliveries ---- */

static void note_failure(struct lac_kafka_producer *p, const rd_kafka_message_t *m)
{
    if (p->failed++ == 0)
        (void)lac_kafka_fail(&p->first_failure, rd_kafka_topic_name(m->rkt), m->err);
}

static size_t report(struct lac_kafka_producer *p, rd_kafka_event_t *ev)
{
    const rd_kafka_message_t *messages[CHUNK];
    struct lac_kafka_delivery d[CHUNK];
    size_t n, total = 0;

    while ((n = rd_kafka_event_message_array(ev, messages, CHUNK)) > 0) {
        total += n;
        for (size_t i = 0; i < n; i++) {
            const rd_kafka_message_t *m = messages[i];

            if (m->err)
                note_failure(p, m);
            d[i] = (struct lac_kafka_delivery){
                .opaque = m->_private,
                .status = lac_kafka_status(m->err),
                .code = m->err,
                .partition = m->partition,
                .offset = m->err ? -1 : m->offset,
                ._message = m,
            };
        }
        if (p->setup.delivered)
            p->setup.delivered(p->setup.ctx, d, n);
    }
    return total;
}

void lac_kafka_delivery_record(const struct lac_kafka_delivery *d, struct lac_kafka_record *r,
                               struct lac_kafka_header *headers, size_t most)
{
    const rd_kafka_message_t *m = d->_message;
    rd_kafka_headers_t *all;

    *r = (struct lac_kafka_record){
        .key = {m->key, m->key_len},
        .value = {m->payload, m->len},
        .partition = LAC_KAFKA_ANY_PARTITION,
        .timestamp = rd_kafka_message_timestamp(m, NULL),
        .headers = headers,
        .opaque = d->opaque,
    };
    if (rd_kafka_message_headers(m, &all) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    r->header_count = rd_kafka_header_cnt(all);
    LAC_ASSERT(r->header_count <= most);
    for (size_t i = 0; i < r->header_count; i++) {
        const char *name;
        const void *value;
        size_t len;

        (void)rd_kafka_header_get_all(all, i, &name, &value, &len);
        headers[i] = (struct lac_kafka_header){lac_str_from(name), {value, len}};
    }
}

static void note_error(struct lac_kafka_producer *p, rd_kafka_event_t *ev)
{
    uint64_t now = lac_clock_mono_ms();

    if (now - p->side.log_window_ms < 5000)
        return;
    p->side.log_window_ms = now;
    lac_log(LAC_LOG_WARN, "kafka_failed", "code=%s reason=\"%s\"",
            rd_kafka_err2name(rd_kafka_event_error(ev)), rd_kafka_event_error_string(ev));
}

size_t lac_kafka_producer_poll(struct lac_kafka_producer *p, uint32_t timeout_ms)
{
    size_t total = 0;
    rd_kafka_event_t *ev;

    if (!p->queue) /* reopening it failed */
        return 0;
    while ((ev = rd_kafka_queue_poll(p->queue, total ? 0 : (int)timeout_ms)) != NULL) {
        if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_DR)
            total += report(p, ev);
        else if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_ERROR)
            note_error(p, ev);
        rd_kafka_event_destroy(ev);
        if (!total)
            timeout_ms = 0;
    }
    return total;
}

enum lac_status lac_kafka_flush(struct lac_kafka_producer *p, uint32_t timeout_ms,
                                struct lac_err *err)
{
    uint64_t deadline = lac_clock_mono_ms() + timeout_ms;

    for (;;) {
        uint64_t now;

        (void)lac_kafka_producer_poll(p, 0);
        if (!lac_kafka_producer_pending(p))
            return LAC_OK;
        now = lac_clock_mono_ms();
        if (now >= deadline)
            return lac_err_set(err, LAC_RETRY, RD_KAFKA_RESP_ERR__TIMED_OUT,
                               "kafka: %zu records are not delivered after %u ms",
                               lac_kafka_producer_pending(p), timeout_ms);
        /* Short, because with reports pending librdkafka waits for us to take them. */
        (void)rd_kafka_flush(p->rk, deadline - now < 5 ? (int)(deadline - now) : 5);
    }
}

size_t lac_kafka_producer_pending(struct lac_kafka_producer *p)
{
    int n = p->rk ? rd_kafka_outq_len(p->rk) : 0;

    return n > 0 ? (size_t)n : 0;
}

size_t lac_kafka_producer_failed(struct lac_kafka_producer *p, struct lac_err *err)
{
    size_t n = p->failed;

    if (n && err)
        *err = p->first_failure;
    p->failed = 0;
    return n;
}

size_t lac_kafka_producer_record_limit(const struct lac_kafka_producer *p)
{
    return p->record_limit;
}

void lac_kafka_producer_wake_fd(struct lac_kafka_producer *p, int fd)
{
    static const uint64_t one = 1;

    p->wake_fd = fd;
    rd_kafka_queue_io_event_enable(p->queue, fd, &one, sizeof(one));
}
