/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_cli_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lac_clock.h"
#include "lac_json.h"
#include "lac_record_json.h"
#include "lac_records.h"
#include "lac_registry.h"
#include "lac_signal.h"
#include "lac_utf8.h"

enum {
    ARENA_BYTES = 64 << 20, /* the largest record as JSON strings and structs; pages on demand */
    VALUE_BYTES = 64 << 20,
    STEP_MS = 100,
    QUIET_MS = 1000,
};

bool lac_cli_from_parse(const char *text, struct lac_cli_from *from)
{
    struct tm tm = {0};
    const char *rest;
    uint64_t ms;

    *from = (struct lac_cli_from){.kind = LAC_CLI_BEGINNING};
    if (strcmp(text, "beginning") == 0)
        return true;
    from->kind = LAC_CLI_END;
    if (strcmp(text, "end") == 0)
        return true;
    from->kind = LAC_CLI_OFFSET;
    if (lac_str_to_i64(lac_str_from(text), &from->number) && from->number >= 0)
        return true;
    from->kind = LAC_CLI_TIME;
    if (lac_args_duration(text, &ms) && ms < INT64_MAX / 2) {
        from->number = lac_clock_wall_ms() - (int64_t)ms;
        return true;
    }
    rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest)
        return false;
    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789"); /* parts of a second don't matter here */
    from->number = (int64_t)timegm(&tm) * 1000;
    return strcmp(rest, "Z") == 0 || *rest == '\0';
}

/* `lacuna dev`'s broker knows no times: to it, nothing is newer than anything. It holds little, so
 * all of it is read. */
static enum lac_status knows_times(struct lac_kafka_admin *admin, bool *knows, struct lac_err *err)
{
    static const char toy[] = "mockCluster";
    char id[LAC_KAFKA_CLUSTER_ID_SIZE] = "";
    enum lac_status status = lac_kafka_admin_cluster_id(admin, LAC_CLI_ASK_MS, id, err);

    *knows = strncmp(id, toy, sizeof(toy) - 1) != 0;
    return status;
}

/* An offset outside of what is there would begin at the beginning, wherever it lies. */
static enum lac_status start_offset(struct lac_kafka_admin *admin, const struct lac_cli_from *from,
                                    struct lac_kafka_position *p, int64_t low, int64_t end,
                                    struct lac_err *err)
{
    enum lac_status status;

    switch (from->kind) {
    case LAC_CLI_BEGINNING:
        p->offset = LAC_KAFKA_BEGINNING;
        return LAC_OK;
    case LAC_CLI_END:
        p->offset = end;
        return LAC_OK;
    case LAC_CLI_OFFSET:
        p->offset = from->number < low ? low : from->number > end ? end : from->number;
        return LAC_OK;
    case LAC_CLI_TIME:
        p->offset = from->number;
        status = lac_kafka_admin_offsets_for_times(admin, p, 1, LAC_CLI_ASK_MS, err);
        if (status == LAC_OK && p->offset < 0)
            p->offset = end;
        return status;
    }
    return lac_err_set(err, LAC_FATAL, 0, "no such start");
}

/* Fills _at and end for the wanted partitions. */
static enum lac_status place(struct lac_cli_stream *s, struct lac_kafka_admin *admin,
                             int64_t partition, const struct lac_cli_from *from,
                             struct lac_err *err)
{
    static const struct lac_cli_from beginning = {.kind = LAC_CLI_BEGINNING};
    struct lac_kafka_cluster_info info;
    const struct lac_kafka_topic_info *topic;
    bool by_time = true;
    enum lac_status status = lac_kafka_admin_cluster(admin, LAC_CLI_ASK_MS, &info, err);
    int32_t count;

    if (status != LAC_OK)
        return status;
    topic = lac_kafka_cluster_topic(&info, s->topic);
    count = topic ? topic->partitions : 0;
    lac_kafka_cluster_info_deinit(&info);
    if (count <= 0 || count > LAC_CLI_PARTITIONS_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "topic %s does not exist", s->topic);
    if (partition >= count)
        return lac_err_set(err, LAC_REJECT, 0, "topic %s has %d partitions, counted from 0",
                           s->topic, count);
    s->_at = calloc((size_t)count, sizeof(*s->_at));
    s->end = calloc((size_t)count, sizeof(*s->end));
    if (!s->_at || !s->end)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "out of memory");
    if (from->kind == LAC_CLI_TIME)
        status = knows_times(admin, &by_time, err);
    if (!by_time) {
        s->_since_ms = from->number;
        from = &beginning;
    }
    for (int32_t i = 0; i < count && status == LAC_OK; i++) {
        struct lac_kafka_position *p = &s->_at[s->count];
        int64_t low;

        if (partition >= 0 && partition != i)
            continue;
        p->topic = s->topic;
        p->partition = i;
        status = lac_kafka_admin_watermarks(admin, s->topic, i, LAC_CLI_ASK_MS, &low,
                                            &s->end[s->count], err);
        if (status == LAC_OK)
            status = start_offset(admin, from, p, low, s->end[s->count], err);
        s->count++;
    }
    return status;
}

static enum lac_status open_wire(struct lac_cli_stream *s, struct lac_err *err)
{
    struct lac_registry_options o = lac_registry_options_from_conf(s->t->conf);
    struct lac_schema_source source;
    enum lac_status status;

    if (!*o.url)
        return lac_wire_open(&s->_wire, NULL, err);
    status = lac_registry_open(&s->_registry, &o, err);
    if (status != LAC_OK)
        return status;
    source = lac_registry_source(s->_registry);
    return lac_wire_open(&s->_wire, &source, err);
}

int lac_cli_stream_open(struct lac_cli_stream *s, const struct lac_tool *t, const char *topic,
                        int64_t partition, const struct lac_cli_from *from)
{
    const char *prefix = lac_conf_text(t->conf, "kafka.topic_prefix");
    enum lac_topic_id id = lac_topic_find(prefix, lac_str_from(topic));
    struct lac_kafka_admin *admin = NULL;
    struct lac_kafka_options kafka;
    struct lac_err err = {0};
    enum lac_status status;

    *s = (struct lac_cli_stream){.t = t, ._since_ms = INT64_MIN};
    lac_buf_init(&s->_value, VALUE_BYTES);
    if (id == LAC_TOPIC_COUNT)
        snprintf(s->topic, sizeof(s->topic), "%s", topic);
    else if (!lac_topic_full_name(s->topic, prefix, id))
        return lac_tool_fail(t, LAC_EXIT_USAGE, "kafka.topic_prefix makes no legal topic name",
                             NULL);
    else
        s->type = lac_topics[id].type;
    lac_kafka_options_from_conf(&kafka, t->conf);
    status = lac_arena_init(&s->_arena, ARENA_BYTES, &err);
    if (status == LAC_OK)
        status = open_wire(s, &err);
    if (status == LAC_OK)
        status = lac_kafka_admin_open(&admin, &kafka, &err);
    if (status == LAC_OK)
        status = place(s, admin, partition, from, &err);
    lac_kafka_admin_close(admin);
    if (status == LAC_OK) {
        lac_signal_hold(); /* until here Ctrl-C ends a wait for a broker that does not answer */
        kafka.tell_end = true;
        s->_heard_ms = lac_clock_mono_ms();
        status = lac_kafka_consumer_assign(&s->_consumer, &kafka, s->_at, s->count, &err);
    }
    if (status == LAC_OK)
        return -1;
    return status == LAC_REJECT ? lac_tool_fail(t, LAC_EXIT_USAGE, err.text,
                                                "`lacuna topics list` shows what there is.")
                                : lac_tool_dependency(t, &err, NULL);
}

void lac_cli_stream_close(struct lac_cli_stream *s)
{
    lac_kafka_consumer_close(s->_consumer);
    lac_wire_close(s->_wire);
    lac_registry_close(s->_registry);
    lac_arena_deinit(&s->_arena);
    lac_buf_deinit(&s->_value);
    free(s->_at);
    free(s->end);
    *s = (struct lac_cli_stream){0};
}

static enum lac_status poll_once(struct lac_cli_stream *s, uint32_t wait_ms,
                                 struct lac_kafka_msg *msg, struct lac_err *err)
{
    enum lac_status status =
        lac_kafka_poll(s->_consumer, wait_ms < STEP_MS ? wait_ms : STEP_MS, msg, err);

    if (status != LAC_OK)
        return status;
    s->_heard_ms = lac_clock_mono_ms();
    for (size_t i = 0; i < s->count; i++)
        if (s->_at[i].partition == msg->partition)
            s->_at[i].offset = msg->offset + 1;
    if (msg->timestamp >= s->_since_ms)
        return LAC_OK;
    lac_kafka_msg_release(msg);
    return LAC_AGAIN;
}

enum lac_status lac_cli_stream_next(struct lac_cli_stream *s, uint32_t wait_ms,
                                    struct lac_kafka_msg *msg, struct lac_err *err)
{
    uint64_t end = lac_clock_mono_ms() + wait_ms;
    enum lac_status status;

    do {
        s->stopped |= lac_signal_came();
        if (s->stopped)
            return LAC_AGAIN;
        status = poll_once(s, wait_ms, msg, err);
    } while (status == LAC_AGAIN && lac_clock_mono_ms() < end);
    return status;
}

bool lac_cli_stream_at_end(const struct lac_cli_stream *s)
{
    /* The last offsets may belong to a transaction's marks, which nobody sees, or to one that is
     * about to end: a moment without a record tells. */
    if (lac_kafka_at_end(s->_consumer) && lac_clock_mono_ms() - s->_heard_ms >= QUIET_MS)
        return true;
    for (size_t i = 0; i < s->count; i++) {
        int64_t low, high, at = s->_at[i].offset;

        if (at >= s->end[i] || s->end[i] == 0)
            continue;
        if (lac_kafka_consumer_cached_watermarks(s->_consumer, s->topic, s->_at[i].partition, &low,
                                                 &high) &&
            low >= s->end[i])
            continue;
        return false;
    }
    return true;
}

int lac_cli_stream_wait(const struct lac_cli_stream *s)
{
    struct lac_err err = {0};

    if (s->stopped || lac_clock_mono_ms() - s->_heard_ms < LAC_CLI_ASK_MS)
        return -1;
    (void)lac_err_set(&err, LAC_RETRY, ETIMEDOUT,
                      "kafka: topic %s: the end was not reached; nothing came for %d s", s->topic,
                      LAC_CLI_ASK_MS / 1000);
    return lac_tool_dependency(s->t, &err, NULL);
}

static bool printable(struct lac_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 && !memchr("\t\r\n", s.ptr[i], 3))
            return false;
    return lac_utf8_valid(s);
}

/* Bytes as a JSON string when they are printable UTF-8, else as {"hex": ...}. */
static void put_bytes(struct lac_json_writer *w, struct lac_str bytes)
{
    if (!bytes.ptr) {
        lac_json_put_null(w);
    } else if (printable(bytes)) {
        lac_json_put_str(w, bytes);
    } else {
        lac_json_open_object(w);
        lac_json_key(w, "hex");
        lac_json_put_hex(w, bytes.ptr, bytes.len);
        lac_json_close_object(w);
    }
}

/* A decision's core as an object. The generic writer gives it as hex: `"core":"<hex>"`. Inside
 * a JSON string a quote is always escaped, so these bytes can only be the member itself. */
static void put_decision(struct lac_cli_stream *s, struct lac_json_writer *w,
                         const struct lac_decision *d)
{
    static const char mark[] = "\"core\":\"";
    struct lac_decision_core core;
    struct lac_json_writer inner;
    struct lac_str text;
    const char *at;

    lac_buf_reset(&s->_value);
    lac_json_begin(&inner, &s->_value);
    lac_record_to_json(&inner, &lac_decision_type, d);
    text = lac_buf_str(&s->_value);
    at = memmem(text.ptr, text.len, mark, sizeof(mark) - 1);
    if (!at || lac_decision_core_decode(&core, d->core, &s->_arena, NULL) != LAC_OK) {
        lac_json_put_raw(w, text);
        return;
    }
    at += sizeof(mark) - 2; /* the hex's opening quote */
    lac_json_put_raw(w, (struct lac_str){text.ptr, (size_t)(at - text.ptr)});
    lac_json_begin(&inner, w->buf);
    lac_record_to_json(&inner, &lac_decision_core_type, &core);
    at += 2 * d->core.len + 2;
    lac_buf_put(w->buf, at, (size_t)(text.ptr + text.len - at));
}

static void put_value(struct lac_cli_stream *s, struct lac_json_writer *w,
                      const struct lac_kafka_msg *msg)
{
    struct lac_str content_type = LAC_STR_NULL;
    struct lac_err err;
    void *record;

    lac_arena_reset(&s->_arena);
    record = s->type ? lac_arena_alloc(&s->_arena, s->type->size) : NULL;
    if (!record) {
        lac_json_key(w, "value");
        put_bytes(w, msg->value);
        return;
    }
    (void)lac_kafka_msg_header(msg, "content-type", &content_type);
    if (lac_wire_read(s->_wire, s->type, record, msg->value, content_type, &s->_arena, &err) !=
        LAC_OK) {
        lac_json_key(w, "error");
        lac_json_put_text(w, err.text);
        lac_json_key(w, "value");
        put_bytes(w, msg->value);
        return;
    }
    lac_json_key(w, "value");
    if (s->type == &lac_decision_type)
        put_decision(s, w, record);
    else
        lac_record_to_json(w, s->type, record);
}

void lac_cli_stream_json(struct lac_cli_stream *s, const struct lac_kafka_msg *msg,
                         struct lac_buf *out)
{
    char time[LAC_CLOCK_TEXT_SIZE];
    struct lac_json_writer w;
    struct lac_kafka_header h;

    lac_json_begin(&w, out);
    lac_json_open_object(&w);
    lac_json_key(&w, "topic");
    lac_json_put_text(&w, msg->topic);
    lac_json_key(&w, "partition");
    lac_json_put_int(&w, msg->partition);
    lac_json_key(&w, "offset");
    lac_json_put_int(&w, msg->offset);
    lac_json_key(&w, "timestamp");
    if (msg->timestamp >= 0) {
        lac_clock_format(time, msg->timestamp);
        lac_json_put_text(&w, time);
    } else {
        lac_json_put_null(&w);
    }
    lac_json_key(&w, "key");
    put_bytes(&w, msg->key);
    lac_json_key(&w, "headers"); /* names may repeat, so an array of pairs */
    lac_json_open_array(&w);
    for (size_t i = 0; lac_kafka_msg_header_at(msg, i, &h); i++) {
        lac_json_open_array(&w);
        lac_json_put_str(&w, h.name);
        put_bytes(&w, h.value);
        lac_json_close_array(&w);
    }
    lac_json_close_array(&w);
    put_value(s, &w, msg);
    lac_json_close_object(&w);
}
