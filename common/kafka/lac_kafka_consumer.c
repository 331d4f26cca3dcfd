/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "lac_assert.h"
#include "lac_clock.h"
#include "lac_kafka_priv.h"
#include "lac_log.h"

/* Before 2.1.0 the timeout of a seek is taken for microseconds. */
enum { SEEK_FIXED_VERSION = 0x020100ff, SEEK_TIMEOUT_MS = 5000 };

/* Where a topic that was subscribed to is missing. librdkafka looks for it each time that it
 * refreshes all it knows, every thirty seconds. */
enum { MISSING_LOOK_MS = 1000, MISSING_ANSWER_MS = 500 };

/* librdkafka's own, which it keeps to however short a session is. */
enum { HEARTBEAT_MS = 3000 };

_Static_assert((int)LAC_KAFKA_BEGINNING == (int)RD_KAFKA_OFFSET_BEGINNING, "passed through");
_Static_assert((int)LAC_KAFKA_END == (int)RD_KAFKA_OFFSET_END, "passed through");
_Static_assert((int)LAC_KAFKA_STORED == (int)RD_KAFKA_OFFSET_STORED, "passed through");
_Static_assert((int)LAC_KAFKA_NONE == (int)RD_KAFKA_OFFSET_INVALID, "passed through");

struct lac_kafka_consumer {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;                 /* only with a wake-up descriptor */
    rd_kafka_topic_partition_list_t *topics; /* subscribed; NULL for an assigned consumer */
    struct lac_kafka_rebalance rebalance;
    rd_kafka_consumer_group_metadata_t *member; /* see lac_kafka_consumer_member() */
    size_t partitions;                          /* assigned, with tell_end; else 0 */
    size_t ended;                               /* of them, how many were read to their end */
    bool *at_end; /* [end_size] by partition, as the same partition ends again and again */
    size_t end_size;
    bool misses_topic; /* a subscribed one was not there when it was last looked for */
    uint64_t looked_ms;
    struct lac_kafka_fetch fetch;
    struct lac_kafka_side side;
};

const rd_kafka_consumer_group_metadata_t *lac_kafka_consumer_member(struct lac_kafka_consumer *c)
{
    return c->member;
}

/* ---- messages ---- */

void lac_kafka_msg_release(struct lac_kafka_msg *msg)
{
    if (msg->_handle)
        rd_kafka_message_destroy(msg->_handle);
    msg->_handle = NULL;
}

bool lac_kafka_msg_header(const struct lac_kafka_msg *msg, const char *name, struct lac_str *value)
{
    rd_kafka_headers_t *headers = NULL;
    const void *data = NULL;
    size_t size = 0;

    if (!msg->_handle) {
        for (size_t i = msg->_header_count; i-- > 0;) {
            if (lac_str_is(msg->_headers[i].name, name)) {
                *value = msg->_headers[i].value;
                return true;
            }
        }
        return false;
    }
    if (rd_kafka_message_headers(msg->_handle, &headers) || !headers ||
        rd_kafka_header_get_last(headers, name, &data, &size))
        return false;
    *value = (struct lac_str){data, data ? size : 0};
    return true;
}

bool lac_kafka_msg_header_at(const struct lac_kafka_msg *msg, size_t index,
                             struct lac_kafka_header *out)
{
    rd_kafka_headers_t *headers = NULL;
    const char *name = NULL;
    const void *data = NULL;
    size_t size = 0;

    if (!msg->_handle) {
        if (index >= msg->_header_count)
            return false;
        *out = msg->_headers[index];
        return true;
    }
    if (rd_kafka_message_headers(msg->_handle, &headers) || !headers ||
        rd_kafka_header_get_all(headers, index, &name, &data, &size))
        return false;
    out->name = lac_str_from(name);
    out->value = (struct lac_str){data, data ? size : 0};
    return true;
}

/* ---- rebalance ---- */

static struct lac_kafka_position *positions_of(const rd_kafka_topic_partition_list_t *list)
{
    struct lac_kafka_position *p = calloc((size_t)list->cnt + 1, sizeof(*p));

    for (int i = 0; p && i < list->cnt; i++)
        p[i] = (struct lac_kafka_position){list->elems[i].topic, list->elems[i].partition,
                                           LAC_KAFKA_STORED};
    return p;
}

static void forget_member(struct lac_kafka_consumer *c)
{
    if (c->member)
        rd_kafka_consumer_group_metadata_destroy(c->member);
    c->member = NULL;
}

/* What was lost before it could be learned belongs to nobody: then there is no member. */
static void learn_member(struct lac_kafka_consumer *c)
{
    forget_member(c);
    c->member = rd_kafka_consumer_group_metadata(c->rk);
    if (rd_kafka_assignment_lost(c->rk) == 1)
        forget_member(c);
}

static void on_assigned(struct lac_kafka_consumer *c, rd_kafka_topic_partition_list_t *list)
{
    struct lac_kafka_position *p = positions_of(list);

    if (p && c->rebalance.assigned) {
        c->rebalance.assigned(c->rebalance.ctx, p, (size_t)list->cnt);
        for (int i = 0; i < list->cnt; i++)
            list->elems[i].offset = p[i].offset;
    }
    free(p);
    (void)rd_kafka_assign(c->rk, list);
    learn_member(c);
    lac_kafka_fetch_assigned(&c->fetch, list);
}

static void on_revoked(struct lac_kafka_consumer *c, const rd_kafka_topic_partition_list_t *list)
{
    bool lost = rd_kafka_assignment_lost(c->rk) == 1;
    struct lac_kafka_position *p = positions_of(list);

    /* Without memory the owner can't be told: then nothing may look committed either. */
    if (p && c->rebalance.revoked)
        c->rebalance.revoked(c->rebalance.ctx, p, (size_t)list->cnt, lost);
    free(p);
    forget_member(c);
    (void)rd_kafka_assign(c->rk, NULL);
    lac_kafka_fetch_assigned(&c->fetch, NULL);
}

/* Thread: the one that polls. */
static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct lac_kafka_side *side = opaque;
    struct lac_kafka_consumer *c =
        (struct lac_kafka_consumer *)((char *)side - offsetof(struct lac_kafka_consumer, side));

    c->rk = rk;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        on_assigned(c, list);
    } else {
        if (code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
            lac_log(LAC_LOG_WARN, "rebalance_failed", "code=%s", rd_kafka_err2name(code));
        on_revoked(c, list);
    }
}

/* ---- life ---- */

/* librdkafka refuses a fetch above its receive limit of 100 MB, and one below a message. */
static uint64_t fetch_bytes(uint64_t queue_bytes)
{
    if (queue_bytes < 4u << 20)
        return 4u << 20;
    return queue_bytes > 50u << 20 ? 50u << 20 : queue_bytes;
}

/* Three in a session, so that one may get lost or be late; 0: the library's own. */
static uint64_t heartbeat_ms(uint64_t session_ms)
{
    return session_ms / 3 < HEARTBEAT_MS ? session_ms / 3 : 0;
}

static enum lac_status put_consumer_settings(rd_kafka_conf_t *conf,
                                             const struct lac_kafka_options *o, const char *group,
                                             const char *instance, struct lac_err *err)
{
    uint64_t queue_bytes = o->queue_bytes ? o->queue_bytes : 32u << 20;
    const struct {
        const char *name;
        const char *value;
    } settings[] = {
        {"group.id", group},
        {"group.instance.id", instance},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "earliest"},
        {"isolation.level", "read_committed"},
        {"check.crcs", "true"},
        {"partition.assignment.strategy", "range"},
        {"enable.partition.eof", o->tell_end ? "true" : "false"},
    };
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"session.timeout.ms", o->session_timeout_ms},
        {"heartbeat.interval.ms", heartbeat_ms(o->session_timeout_ms)},
        {"fetch.wait.max.ms", o->fetch_wait_max_ms},
        {"queued.max.messages.kbytes", queue_bytes < 1u << 20 ? 1024 : queue_bytes / 1024},
        /* One fetch must not overrun the queue that it goes into. */
        {"fetch.max.bytes", fetch_bytes(queue_bytes)},
        {"message.max.bytes", 2u << 20},
    };

    for (size_t i = 0; i < LAC_COUNT(settings); i++) {
        enum lac_status status = lac_kafka_conf_put(conf, settings[i].name, settings[i].value, err);

        if (status != LAC_OK)
            return status;
    }
    for (size_t i = 0; i < LAC_COUNT(numbers); i++) {
        enum lac_status status = numbers[i].value ? lac_kafka_conf_put_number(conf, numbers[i].name,
                                                                              numbers[i].value, err)
                                                  : LAC_OK;

        if (status != LAC_OK)
            return status;
    }
    return lac_kafka_conf_properties(conf, o, false, err);
}

/* Thread: the one that polls. */
static void on_committed(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    (void)rk;
    (void)list;
    (void)opaque;
    if (code && code != RD_KAFKA_RESP_ERR__NO_OFFSET)
        lac_log(LAC_LOG_WARN, "offset_commit_failed", "code=%s", rd_kafka_err2name(code));
}

static enum lac_status consumer_open(struct lac_kafka_consumer **out,
                                     const struct lac_kafka_options *o, const char *group,
                                     const char *instance, struct lac_err *err)
{
    struct lac_kafka_consumer *c = calloc(1, sizeof(*c));
    rd_kafka_conf_t *conf;
    char why[256];

    if (!c)
        return lac_err_set(err, LAC_RETRY, 0, "kafka: out of memory");
    conf = lac_kafka_conf_common(o, &c->side, err);
    if (!conf || put_consumer_settings(conf, o, group, instance, err) != LAC_OK) {
        if (conf)
            rd_kafka_conf_destroy(conf);
        free(c);
        return LAC_FATAL;
    }
    c->fetch.sleeps = !lac_kafka_fetch_setup(conf);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_offset_commit_cb(conf, on_committed);
    c->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
    if (!c->rk) {
        rd_kafka_conf_destroy(conf);
        free(c);
        return lac_err_set(err, LAC_FATAL, 0, "kafka: cannot make a consumer: %s", why);
    }
    (void)rd_kafka_poll_set_consumer(c->rk);
    *out = c;
    return LAC_OK;
}

enum lac_status lac_kafka_consumer_subscribe(struct lac_kafka_consumer **out,
                                             const struct lac_kafka_options *o,
                                             const struct lac_kafka_group *group,
                                             struct lac_err *err)
{
    struct lac_kafka_consumer *c = NULL;
    enum lac_status status = consumer_open(&c, o, group->id, group->instance_id, err);
    rd_kafka_resp_err_t code;

    if (status != LAC_OK)
        return status;
    LAC_ASSERT(c); /* the analyzer can't see what lac_err_set() returns */
    c->rebalance = group->rebalance;
    c->topics = rd_kafka_topic_partition_list_new((int)group->topic_count);
    for (size_t i = 0; i < group->topic_count; i++)
        rd_kafka_topic_partition_list_add(c->topics, group->topics[i], RD_KAFKA_PARTITION_UA);
    code = rd_kafka_subscribe(c->rk, c->topics);
    if (code) {
        lac_kafka_consumer_close(c);
        return lac_kafka_fail(err, "subscribe", code);
    }
    *out = c;
    return LAC_OK;
}

/* Of one topic: its partitions are told apart by their number. */
static bool watch_ends(struct lac_kafka_consumer *c, const struct lac_kafka_position *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((size_t)p[i].partition >= c->end_size)
            c->end_size = (size_t)p[i].partition + 1;
    c->at_end = calloc(c->end_size + 1, sizeof(*c->at_end));
    c->partitions = n;
    return c->at_end != NULL;
}

static void note_end(struct lac_kafka_consumer *c, int32_t partition, bool at_end)
{
    if (!c->at_end || partition < 0 || (size_t)partition >= c->end_size ||
        c->at_end[partition] == at_end)
        return;
    c->at_end[partition] = at_end;
    c->ended = at_end ? c->ended + 1 : c->ended - 1;
}

bool lac_kafka_at_end(const struct lac_kafka_consumer *c)
{
    return c->partitions > 0 && c->ended == c->partitions;
}

enum lac_status lac_kafka_consumer_assign(struct lac_kafka_consumer **out,
                                          const struct lac_kafka_options *o,
                                          const struct lac_kafka_position *p, size_t n,
                                          struct lac_err *err)
{
    /* librdkafka wants a group name even where no group is joined. */
    struct lac_kafka_consumer *c = NULL;
    enum lac_status status = consumer_open(&c, o, "lacuna-assigned", NULL, err);
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t code;

    if (status != LAC_OK)
        return status;
    LAC_ASSERT(c); /* as above */
    if (o->tell_end && !watch_ends(c, p, n)) {
        lac_kafka_consumer_close(c);
        return lac_err_set(err, LAC_RETRY, 0, "kafka: out of memory");
    }
    list = lac_kafka_list(p, n);
    code = rd_kafka_assign(c->rk, list);
    lac_kafka_fetch_assigned(&c->fetch, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code) {
        lac_kafka_consumer_close(c);
        return lac_kafka_fail(err, "assign", code);
    }
    *out = c;
    return LAC_OK;
}

void lac_kafka_consumer_close(struct lac_kafka_consumer *c)
{
    if (!c)
        return;
    if (c->queue)
        lac_kafka_consumer_wake_fd(c, -1);
    (void)rd_kafka_consumer_close(c->rk);
    forget_member(c);
    rd_kafka_destroy(c->rk);
    lac_kafka_fetch_assigned(&c->fetch, NULL);
    if (c->topics)
        rd_kafka_topic_partition_list_destroy(c->topics);
    free(c->at_end);
    free(c);
}

/* ---- reading ---- */

static enum lac_status no_message(struct lac_kafka_consumer *c, struct lac_err *err)
{
    int code = __atomic_exchange_n(&c->side.trouble, 0, __ATOMIC_RELAXED);
    char why[256];

    if (!code)
        return LAC_AGAIN;
    if (code != RD_KAFKA_RESP_ERR__FATAL) /* on_error() has logged the reason */
        return lac_err_set(err, LAC_RETRY, code, "kafka: %s",
                           rd_kafka_err2str((rd_kafka_resp_err_t)code));
    code = rd_kafka_fatal_error(c->rk, why, sizeof(why));
    return lac_err_set(err, LAC_FATAL, code, "kafka: the consumer broke: %s", why);
}

/* Whether a broker knows the topic. A few bytes: not all topics of a big cluster, every second. */
static bool exists(struct lac_kafka_consumer *c, const char *topic)
{
    rd_kafka_topic_t *t = rd_kafka_topic_new(c->rk, topic, NULL);
    const struct rd_kafka_metadata *m = NULL;
    bool found = false;

    if (t && rd_kafka_metadata(c->rk, 0, t, &m, MISSING_ANSWER_MS) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        found = m->topic_cnt == 1 && !m->topics[0].err && m->topics[0].partition_cnt > 0;
        rd_kafka_metadata_destroy(m);
    }
    if (t)
        rd_kafka_topic_destroy(t);
    return found;
}

/* A list of all topics makes librdkafka look again what it subscribed to; that of one does not. */
static void look_for_topics(struct lac_kafka_consumer *c)
{
    const struct rd_kafka_metadata *m = NULL;
    uint64_t now = lac_clock_mono_ms();

    if (now - c->looked_ms < MISSING_LOOK_MS)
        return;
    c->looked_ms = now;
    for (int i = 0; i < c->topics->cnt; i++)
        if (!exists(c, c->topics->elems[i].topic))
            return;
    if (rd_kafka_metadata(c->rk, 1, NULL, &m, MISSING_ANSWER_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    rd_kafka_metadata_destroy(m);
    c->misses_topic = false;
}

static rd_kafka_message_t *take(struct lac_kafka_consumer *c, uint32_t timeout_ms)
{
    rd_kafka_message_t *m = rd_kafka_consumer_poll(c->rk, c->fetch.sleeps ? 0 : (int)timeout_ms);

    if (!m && c->fetch.sleeps) {
        lac_kafka_fetch_wake(c->rk, &c->fetch);
        if (timeout_ms)
            m = rd_kafka_consumer_poll(c->rk, (int)timeout_ms);
    }
    return m;
}

enum lac_status lac_kafka_poll(struct lac_kafka_consumer *c, uint32_t timeout_ms,
                               struct lac_kafka_msg *msg, struct lac_err *err)
{
    rd_kafka_message_t *m = take(c, timeout_ms);
    rd_kafka_timestamp_type_t type;
    rd_kafka_resp_err_t code;

    /* One partition's end must not look like the end of all: others' messages may be behind it. */
    while (m && m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        note_end(c, m->partition, true);
        if (c->rebalance.ended)
            c->rebalance.ended(c->rebalance.ctx, rd_kafka_topic_name(m->rkt), m->partition,
                               m->offset);
        rd_kafka_message_destroy(m);
        m = take(c, 0);
    }
    if (!m) {
        if (c->misses_topic)
            look_for_topics(c);
        return no_message(c, err);
    }
    if (m->err) {
        enum lac_status status;

        code = m->err;
        c->misses_topic |= c->topics && code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        status = lac_kafka_status(code);
        (void)lac_err_set(err, status, code, "kafka: %s%s", rd_kafka_message_errstr(m),
                          code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
                              ? "; `lacuna topics create` makes what is missing"
                              : "");
        rd_kafka_message_destroy(m);
        /* A consumer has no record to reject: what the table calls so is a broker's answer. */
        return status == LAC_REJECT || status == LAC_OK ? LAC_RETRY : status;
    }
    note_end(c, m->partition, false);
    msg->topic = rd_kafka_topic_name(m->rkt);
    msg->partition = m->partition;
    msg->offset = m->offset;
    msg->timestamp = rd_kafka_message_timestamp(m, &type);
    msg->key = (struct lac_str){m->key, m->key ? m->key_len : 0};
    msg->value = (struct lac_str){m->payload, m->payload ? m->len : 0};
    msg->_handle = m;
    msg->_headers = NULL;
    msg->_header_count = 0;
    return LAC_OK;
}

void lac_kafka_poll_break(struct lac_kafka_consumer *c)
{
    rd_kafka_yield(c->rk);
}

enum lac_status lac_kafka_seek(struct lac_kafka_consumer *c, const struct lac_kafka_position *p,
                               size_t n, struct lac_err *err)
{
    int timeout =
        rd_kafka_version() < SEEK_FIXED_VERSION ? SEEK_TIMEOUT_MS * 1000 : SEEK_TIMEOUT_MS;
    rd_kafka_topic_partition_list_t *list = lac_kafka_list(p, n);
    rd_kafka_error_t *e = rd_kafka_seek_partitions(c->rk, list, timeout);
    rd_kafka_resp_err_t code = e ? rd_kafka_error_code(e) : lac_kafka_list_error(list);

    rd_kafka_error_destroy(e);
    rd_kafka_topic_partition_list_destroy(list);
    if (!code)
        return LAC_OK;
    return lac_err_set(err, LAC_RETRY, code, "kafka: seek: %s", rd_kafka_err2str(code));
}

enum lac_status lac_kafka_commit(struct lac_kafka_consumer *c, const struct lac_kafka_position *p,
                                 size_t n, bool wait, struct lac_err *err)
{
    rd_kafka_topic_partition_list_t *list = lac_kafka_list(p, n);
    rd_kafka_resp_err_t code = rd_kafka_commit(c->rk, list, !wait);
    rd_kafka_topic_partition_list_destroy(list);
    return code && code != RD_KAFKA_RESP_ERR__NO_OFFSET ? lac_kafka_fail(err, "commit", code)
                                                        : LAC_OK;
}

enum lac_status lac_kafka_committed(struct lac_kafka_consumer *c, struct lac_kafka_position *p,
                                    size_t n, uint32_t timeout_ms, struct lac_err *err)
{
    rd_kafka_topic_partition_list_t *list = lac_kafka_list(p, n);
    rd_kafka_resp_err_t code = rd_kafka_committed(c->rk, list, (int)timeout_ms);

    if (!code)
        code = lac_kafka_list_error(list);
    for (size_t i = 0; !code && i < n; i++)
        p[i].offset = list->elems[i].offset < 0 ? LAC_KAFKA_NONE : list->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(list);
    /* librdkafka asks again until then, whatever the reason, and says no more. */
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT)
        return lac_err_set(err, LAC_RETRY, code,
                           "kafka: committed offsets: no answer within %u ms; a transaction that "
                           "is still open may hold them back",
                           timeout_ms);
    return code ? lac_kafka_fail(err, "committed offsets", code) : LAC_OK;
}

bool lac_kafka_consumer_cached_watermarks(struct lac_kafka_consumer *c, const char *topic,
                                          int32_t partition, int64_t *low, int64_t *high)
{
    return rd_kafka_get_watermark_offsets(c->rk, topic, partition, low, high) ==
               RD_KAFKA_RESP_ERR_NO_ERROR &&
           *high >= 0;
}

bool lac_kafka_reachable(struct lac_kafka_consumer *c, uint32_t timeout_ms)
{
    const struct rd_kafka_metadata *m = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(c->rk, 0, NULL, &m, (int)timeout_ms);

    if (m)
        rd_kafka_metadata_destroy(m);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR;
}

enum lac_status lac_kafka_rejoin(struct lac_kafka_consumer *c, struct lac_err *err)
{
    rd_kafka_resp_err_t code = rd_kafka_unsubscribe(c->rk);

    if (!code)
        code = rd_kafka_subscribe(c->rk, c->topics);
    return code ? lac_kafka_fail(err, "rejoin", code) : LAC_OK;
}

void lac_kafka_consumer_wake_fd(struct lac_kafka_consumer *c, int fd)
{
    static const uint64_t one = 1;

    if (!c->queue)
        c->queue = rd_kafka_queue_get_consumer(c->rk);
    rd_kafka_queue_io_event_enable(c->queue, fd, &one, sizeof(one));
    if (fd < 0) {
        rd_kafka_queue_destroy(c->queue);
        c->queue = NULL;
    }
}
