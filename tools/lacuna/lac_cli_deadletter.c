/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters: which of them are meant, and how they are listed and shown. */
#include "lac_cli_deadletter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_clock.h"
#include "lac_json.h"
#include "lac_table.h"
#include "lac_width.h"

enum {
    IDLE_MS = 1500,
    DUMP_BYTES = 4096, /* shown without --bytes */
    ROWS_MAX = 10000,
    OUT_BYTES = 64 << 20,
};

static void read_letter(const struct lac_kafka_msg *msg, struct lac_cli_deadletter *l)
{
    *l = (struct lac_cli_deadletter){0};
    (void)lac_kafka_msg_header(msg, "lacuna-dlq-topic", &l->topic);
    (void)lac_kafka_msg_header(msg, "lacuna-dlq-partition", &l->partition);
    (void)lac_kafka_msg_header(msg, "lacuna-dlq-offset", &l->offset);
    (void)lac_kafka_msg_header(msg, "lacuna-dlq-reason", &l->reason);
    (void)lac_kafka_msg_header(msg, "lacuna-dlq-detail", &l->detail);
}

static bool parse_id(const char *text, int32_t *partition, int64_t *offset)
{
    const char *colon = strchr(text, ':');
    uint64_t p;

    if (!colon || !lac_str_to_u64((struct lac_str){text, (size_t)(colon - text)}, &p) ||
        p > INT32_MAX || !lac_str_to_i64(lac_str_from(colon + 1), offset) || *offset < 0)
        return false;
    *partition = (int32_t)p;
    return true;
}

static bool wanted(const struct lac_tool *t, const struct lac_cli_deadletter_filter *f,
                   const struct lac_kafka_msg *msg, const struct lac_cli_deadletter *l)
{
    const char *prefix = lac_conf_text(t->conf, "kafka.topic_prefix");

    if (f->topic && !lac_str_is(l->topic, f->topic) &&
        !(l->topic.len > strlen(prefix) && memcmp(l->topic.ptr, prefix, strlen(prefix)) == 0 &&
          lac_str_is((struct lac_str){l->topic.ptr + strlen(prefix), l->topic.len - strlen(prefix)},
                     f->topic)))
        return false;
    if (f->reason && !lac_str_is(l->reason, f->reason))
        return false;
    for (size_t i = 0; i < f->id_count; i++) {
        int32_t partition;
        int64_t offset;

        if (parse_id(f->ids[i], &partition, &offset) && partition == msg->partition &&
            offset == msg->offset)
            return true;
    }
    return f->id_count == 0;
}

/* What comes while we read is not ours: a retried record may be among it once more. */
static bool keep_ends(struct lac_cli_deadletter_filter *f, struct lac_cli_stream *s)
{
    if (!f->ends) {
        f->ends = calloc(s->count + 1, sizeof(*f->ends));
        if (!f->ends)
            return false;
        memcpy(f->ends, s->end, s->count * sizeof(*f->ends));
        f->end_count = s->count;
    }
    for (size_t i = 0; i < s->count; i++)
        s->end[i] = i < f->end_count ? f->ends[i] : 0;
    return true;
}

int lac_cli_deadletter_walk(const struct lac_tool *t, struct lac_cli_deadletter_filter *f,
                            lac_cli_deadletter_fn *each, void *ctx, uint64_t *seen)
{
    struct lac_cli_from from = {.kind = LAC_CLI_BEGINNING};
    struct lac_cli_stream s = {0};
    int status;

    *seen = 0;
    if (f->since && !lac_cli_from_parse(f->since, &from))
        return lac_tool_fail(t, LAC_EXIT_USAGE,
                             "--since takes a time such as 2026-11-21T05:33:00Z, or 10m", NULL);
    status = lac_cli_stream_open(&s, t, "deadletter", -1, &from);
    if (status < 0 && !keep_ends(f, &s))
        status = lac_tool_fail(t, LAC_EXIT_FAILURE, "out of memory", NULL);
    while (status < 0 && !s.stopped && *seen < f->max) {
        struct lac_kafka_msg msg = {0};
        struct lac_cli_deadletter l;
        struct lac_err err;
        enum lac_status got;

        if (lac_cli_stream_at_end(&s))
            break;
        got = lac_cli_stream_next(&s, IDLE_MS, &msg, &err);
        if (got == LAC_OK) {
            read_letter(&msg, &l);
            if (msg.offset < s.end[msg.partition] && wanted(t, f, &msg, &l)) {
                (*seen)++;
                status = each(ctx, &s, &msg, &l);
            }
        }
        lac_kafka_msg_release(&msg);
        if (got == LAC_FATAL)
            status = lac_tool_dependency(t, &err, NULL);
        else if (got == LAC_RETRY)
            lac_tool_warn(t, "%s", err.text);
        if (got != LAC_OK && status < 0 && !lac_cli_stream_at_end(&s))
            status = lac_cli_stream_wait(&s);
    }
    if (status < 0 && s.stopped)
        status = lac_tool_fail(t, LAC_EXIT_SIGNAL, "stopped by a signal", NULL);
    lac_cli_stream_close(&s);
    return status;
}

int lac_cli_deadletter_ids(const struct lac_tool *t, struct lac_cli_deadletter_filter *f)
{
    int32_t partition;
    int64_t offset;
    char what[160];

    f->ids = (const char *const *)t->operands;
    f->id_count = (size_t)t->operand_count;
    for (size_t i = 0; i < f->id_count; i++) {
        if (parse_id(f->ids[i], &partition, &offset))
            continue;
        snprintf(what, sizeof(what), "\"%.60s\" is no PARTITION:OFFSET such as 0:17", f->ids[i]);
        return lac_tool_fail(t, LAC_EXIT_USAGE, what, "`lacuna deadletter list` shows them.");
    }
    return -1;
}

/* ---- list ---- */

struct listing {
    const struct lac_tool *t;
    bool json;
    struct lac_table table;
    struct lac_buf out;
};

static void put_letter_json(struct lac_buf *b, const struct lac_kafka_msg *msg,
                            const struct lac_cli_deadletter *l)
{
    char time[LAC_CLOCK_TEXT_SIZE];
    struct lac_json_writer w;

    lac_clock_format(time, msg->timestamp);
    lac_json_begin(&w, b);
    lac_json_open_object(&w);
    lac_json_key(&w, "partition");
    lac_json_put_int(&w, msg->partition);
    lac_json_key(&w, "offset");
    lac_json_put_int(&w, msg->offset);
    lac_json_key(&w, "timestamp");
    lac_json_put_text(&w, time);
    lac_json_key(&w, "from_topic");
    lac_json_put_str(&w, l->topic);
    lac_json_key(&w, "from_partition");
    lac_json_put_str(&w, l->partition);
    lac_json_key(&w, "from_offset");
    lac_json_put_str(&w, l->offset);
    lac_json_key(&w, "reason");
    lac_json_put_str(&w, l->reason);
    lac_json_key(&w, "detail");
    lac_json_put_str(&w, l->detail);
    lac_json_key(&w, "bytes");
    lac_json_put_uint(&w, msg->value.len);
    lac_json_close_object(&w);
    lac_buf_put_char(b, '\n');
}

static int list_one(void *ctx, struct lac_cli_stream *s, const struct lac_kafka_msg *msg,
                    const struct lac_cli_deadletter *l)
{
    struct listing *g = ctx;
    char time[LAC_CLOCK_TEXT_SIZE];

    (void)s;
    if (g->json) {
        put_letter_json(&g->out, msg, l);
        return -1;
    }
    lac_clock_format(time, msg->timestamp);
    time[19] = '\0'; /* seconds are enough for people */
    lac_table_addf(&g->table, LAC_STYLE_LINK, "%d:%" PRId64, msg->partition, msg->offset);
    lac_table_add(&g->table, lac_str_from(time), LAC_STYLE_NONE);
    lac_table_addf(&g->table, LAC_STYLE_NONE, "%.*s %.*s:%.*s", LAC_STR_FMT(l->topic),
                   LAC_STR_FMT(l->partition), LAC_STR_FMT(l->offset));
    lac_table_addf(&g->table, LAC_STYLE_NONE, "%zu", msg->value.len);
    lac_table_add(&g->table, l->reason, LAC_STYLE_NOTE);
    lac_table_add(&g->table, l->detail, LAC_STYLE_NONE);
    return -1;
}

static int list_with(const struct lac_tool *t, struct lac_cli_deadletter_filter *f, bool json)
{
    static const struct lac_table_column columns[] = {
        {.title = "ID"},
        {.title = "TIME"},
        {.title = "FROM", .shrinks = true},
        {.title = "BYTES", .right = true},
        {.title = "REASON"},
        {.title = "DETAIL", .shrinks = true},
    };
    struct listing g = {.t = t, .json = json};
    uint64_t seen;
    int status;

    lac_buf_init(&g.out, OUT_BYTES);
    lac_table_init(&g.table, columns, LAC_COUNT(columns), ROWS_MAX);
    status = lac_cli_deadletter_walk(t, f, list_one, &g, &seen);
    if (status < 0 && !json && seen > 0)
        lac_table_print(&g.table, &t->out, &g.out);
    else if (status < 0 && !json)
        lac_buf_put_text(&g.out, "no dead letters\n");
    if (status < 0)
        status = lac_cli_flush(t, &g.out);
    lac_table_deinit(&g.table);
    lac_buf_deinit(&g.out);
    return status < 0 ? LAC_EXIT_OK : status;
}

static int list(int argc, char **argv)
{
    struct lac_cli_deadletter_filter f = {.max = 1000};
    bool json = false;
    const struct lac_args_option options[] = {
        {0, "topic", LAC_ARGS_TEXT, &f.topic, "TOPIC", "Only those from this topic", 0, 0},
        {0, "reason", LAC_ARGS_TEXT, &f.reason, "WORD", "Only those for this reason", 0, 0},
        {0, "since", LAC_ARGS_TEXT, &f.since, "WHEN", "Only newer ones: a time, or 10m (ago)", 0,
         0},
        {'n', "max", LAC_ARGS_NUMBER, &f.max, "N", "At most N (1000)", 1, ROWS_MAX},
        {'j', "json", LAC_ARGS_SWITCH, &json, NULL, "One JSON object a line", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna deadletter list",
        .usage = "[OPTION]...",
        .summary = "List records that nobody could read: where they came from, and why.",
        .examples = "  lacuna deadletter list --since 1h\n"
                    "  lacuna deadletter list --topic requests --json\n",
        .options = options,
        .option_count = LAC_COUNT(options),
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = list_with(&t, &f, json);
    free(f.ends);
    lac_tool_close(&t);
    return status;
}

/* ---- show ---- */

struct showing {
    const struct lac_tool *t;
    bool raw, json;
    uint64_t bytes;
    struct lac_buf out;
};

/* Offset, hex and what is printable, sixteen bytes a line. */
static void dump(struct lac_buf *b, struct lac_str bytes, size_t most)
{
    size_t n = bytes.len < most ? bytes.len : most;

    for (size_t at = 0; at < n; at += 16) {
        lac_buf_printf(b, "  %06zx  ", at);
        for (size_t i = at; i < at + 16; i++)
            if (i < n)
                lac_buf_printf(b, "%02x%s", (unsigned char)bytes.ptr[i], i % 8 == 7 ? "  " : " ");
            else
                lac_buf_put_text(b, i % 8 == 7 ? "    " : "   ");
        for (size_t i = at; i < at + 16 && i < n; i++) {
            bool shown = bytes.ptr[i] >= 0x20 && bytes.ptr[i] < 0x7f;

            lac_buf_put(b, shown ? &bytes.ptr[i] : ".", 1);
        }
        lac_buf_put_char(b, '\n');
    }
    if (n < bytes.len)
        lac_buf_printf(b, "  … %zu more bytes; --bytes N shows more, --raw writes all\n",
                       bytes.len - n);
}

static int show_one(void *ctx, struct lac_cli_stream *s, const struct lac_kafka_msg *msg,
                    const struct lac_cli_deadletter *l)
{
    struct showing *g = ctx;
    struct lac_buf *b = &g->out;
    char time[LAC_CLOCK_TEXT_SIZE];
    struct lac_kafka_header h;

    if (g->raw) {
        lac_buf_put_str(b, msg->value);
        return -1;
    }
    if (g->json) {
        lac_cli_stream_json(s, msg, b);
        lac_buf_put_char(b, '\n');
        return -1;
    }
    lac_clock_format(time, msg->timestamp);
    lac_buf_printf(b, "%sdead letter %d:%" PRId64 "%s  %s\n",
                   lac_term_on(&g->t->out, LAC_STYLE_BOLD), msg->partition, msg->offset,
                   lac_term_off(&g->t->out, LAC_STYLE_BOLD), time);
    lac_buf_put_text(b, "reason   ");
    (void)lac_width_put(b, l->reason, 0, !g->t->out.utf8);
    lac_buf_put_text(b, "\ndetail   ");
    (void)lac_width_put(b, l->detail, 0, !g->t->out.utf8);
    lac_buf_put_text(b, "\nheaders\n");
    for (size_t i = 0; lac_kafka_msg_header_at(msg, i, &h); i++) {
        lac_buf_put_text(b, "  ");
        (void)lac_width_put(b, h.name, 0, !g->t->out.utf8);
        lac_buf_put_text(b, ": ");
        (void)lac_width_put(b, h.value, 0, !g->t->out.utf8);
        lac_buf_put_char(b, '\n');
    }
    lac_buf_printf(b, "key (%zu bytes)\n", msg->key.len);
    dump(b, msg->key, g->bytes);
    lac_buf_printf(b, "value (%zu bytes)\n", msg->value.len);
    dump(b, msg->value, g->bytes);
    return -1;
}

static int show_with(const struct lac_tool *t, struct lac_cli_deadletter_filter *f,
                     struct showing *g)
{
    uint64_t seen = 0;
    int status = lac_cli_deadletter_ids(t, f);

    g->t = t;
    f->max = f->id_count;
    lac_buf_init(&g->out, OUT_BYTES);
    if (status < 0)
        status = lac_cli_deadletter_walk(t, f, show_one, g, &seen);
    if (status < 0)
        status = lac_cli_flush(t, &g->out);
    lac_buf_deinit(&g->out);
    if (status < 0 && seen < f->id_count)
        return lac_tool_fail(t, LAC_EXIT_NEGATIVE, "there is no such dead letter (any more)",
                             "`lacuna deadletter list` shows them.");
    return status < 0 ? LAC_EXIT_OK : status;
}

static int show(int argc, char **argv)
{
    struct showing g = {.bytes = DUMP_BYTES};
    struct lac_cli_deadletter_filter f = {0};
    const struct lac_args_option options[] = {
        {0, "raw", LAC_ARGS_SWITCH, &g.raw, NULL, "Write the value's bytes as they are", 0, 0},
        {0, "bytes", LAC_ARGS_NUMBER, &g.bytes, "N", "Show at most N bytes (4096)", 1, 1 << 24},
        {'j', "json", LAC_ARGS_SWITCH, &g.json, NULL, "As JSON", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna deadletter show",
        .usage = "[OPTION]... PARTITION:OFFSET...",
        .summary = "Show dead letters: headers, key and value in hex and as text.",
        .details =
            "Texts of people may be in it. What is shown can't harm the terminal; --raw can.",
        .examples = "  lacuna deadletter show 0:17\n"
                    "  lacuna deadletter show 0:17 --raw > bad.avro\n",
        .negative = "there is no such dead letter",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_least = 1,
        .operands_most = -1,
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = show_with(&t, &f, &g);
    free(f.ends);
    lac_tool_close(&t);
    return status;
}

int lac_cli_deadletter(int argc, char **argv)
{
    static const struct lac_cli_sub table[] = {
        {"list", "List them: where from, and why", list},
        {"show", "Show some, byte by byte", show},
        {"retry", "Publish them again, unchanged", lac_cli_deadletter_retry},
        {NULL, NULL, NULL},
    };

    return lac_cli_dispatch("lacuna deadletter", "Records that nobody could read.", table, argc,
                            argv);
}
