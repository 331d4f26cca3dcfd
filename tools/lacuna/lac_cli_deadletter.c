/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lac_cli_stream.h"
#include "lac_clock.h"
#include "lac_json.h"
#include "lac_signal.h"
#include "lac_table.h"
#include "lac_width.h"

enum {
    IDLE_MS = 1500,
    HEADERS_MAX = 64,
    DUMP_BYTES = 4096, /* shown without --all-bytes */
    DELIVER_MS = 30000,
    ASK_STEP_MS = 100,
    ROWS_MAX = 10000,
    OUT_BYTES = 64 << 20,
};

/* Which records. */
struct filter {
    const char *topic, *reason, *since;
    uint64_t max;
    const char *const *ids; /* "PARTITION:OFFSET" */
    size_t id_count;
    /* Where each partition ended when walk() first looked; later walks go no further. Owned. */
    int64_t *ends;
    size_t end_count;
};

struct letter {
    struct lac_str topic, partition, offset, reason, detail;
};

static void read_letter(const struct lac_kafka_msg *msg, struct letter *l)
{
    *l = (struct letter){0};
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

static bool wanted(const struct lac_tool *t, const struct filter *f,
                   const struct lac_kafka_msg *msg, const struct letter *l)
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
static bool keep_ends(struct filter *f, struct lac_cli_stream *s)
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

/* Calls `each` for every dead letter that is wanted, until it says stop with a status >= 0. */
typedef int each_fn(void *ctx, struct lac_cli_stream *s, const struct lac_kafka_msg *msg,
                    const struct letter *l);

static int walk(const struct lac_tool *t, struct filter *f, each_fn *each, void *ctx,
                uint64_t *seen)
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
        struct letter l;
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

static int check_ids(const struct lac_tool *t, struct filter *f)
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
                            const struct letter *l)
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
                    const struct letter *l)
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

static int list_with(const struct lac_tool *t, struct filter *f, bool json)
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
    status = walk(t, f, list_one, &g, &seen);
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
    struct filter f = {.max = 1000};
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
                    const struct letter *l)
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

static int show_with(const struct lac_tool *t, struct filter *f, struct showing *g)
{
    uint64_t seen = 0;
    int status = check_ids(t, f);

    g->t = t;
    f->max = f->id_count;
    lac_buf_init(&g->out, OUT_BYTES);
    if (status < 0)
        status = walk(t, f, show_one, g, &seen);
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
    struct filter f = {0};
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

/* ---- retry ---- */

struct retrying {
    const struct lac_tool *t;
    struct lac_kafka_producer *producer;
    struct lac_kafka_cluster_info topics;
    uint64_t sent, kept;
    bool dry;
};

/* The topic a letter came from, if the cluster has it: a header is only what somebody wrote. */
static bool origin_topic(const struct retrying *g, const struct letter *l,
                         char name[LAC_KAFKA_TOPIC_SIZE])
{
    const char *prefix = lac_conf_text(g->t->conf, "kafka.topic_prefix");
    enum lac_topic_id id = lac_topic_find(prefix, l->topic);

    if (!l->topic.ptr || l->topic.len >= LAC_KAFKA_TOPIC_SIZE || id == LAC_TOPIC_COUNT ||
        id == LAC_TOPIC_DEADLETTER)
        return false;
    snprintf(name, LAC_KAFKA_TOPIC_SIZE, "%.*s", LAC_STR_FMT(l->topic));
    return lac_kafka_cluster_topic(&g->topics, name) != NULL;
}

/* Why it can't be published again as it came, or NULL. */
static const char *incomplete(const struct lac_kafka_msg *msg)
{
    struct lac_kafka_header h;
    struct lac_str size;

    if (lac_kafka_msg_header(msg, "lacuna-dlq-truncated", &size))
        return "was too large to be kept whole";
    return lac_kafka_msg_header_at(msg, HEADERS_MAX, &h) ? "has more than 64 headers" : NULL;
}

/* Key, value and headers as they came; only our own dead-letter headers are left out. */
static int retry_one(void *ctx, struct lac_cli_stream *s, const struct lac_kafka_msg *msg,
                     const struct letter *l)
{
    static const char ours[] = "lacuna-dlq-";
    struct lac_kafka_header headers[HEADERS_MAX], h;
    struct lac_kafka_record r = {.key = msg->key,
                                 .value = msg->value,
                                 .partition = LAC_KAFKA_ANY_PARTITION,
                                 .headers = headers};
    const char *why = incomplete(msg);
    struct retrying *g = ctx;
    char topic[LAC_KAFKA_TOPIC_SIZE];
    struct lac_err err;
    enum lac_status status;
    int number;

    (void)s;
    if (!origin_topic(g, l, topic)) {
        lac_tool_warn(g->t,
                      "%d:%" PRId64 " does not say from which topic it came: left where it is",
                      msg->partition, msg->offset);
        g->kept++;
        return -1;
    }
    if (why) {
        lac_tool_warn(g->t, "%d:%" PRId64 " %s: left where it is; %.*s %.*s:%.*s may still have it",
                      msg->partition, msg->offset, why, LAC_STR_FMT(l->topic),
                      LAC_STR_FMT(l->partition), LAC_STR_FMT(l->offset));
        g->kept++;
        return -1;
    }
    if (g->dry) {
        g->sent++;
        return -1;
    }
    for (size_t i = 0; lac_kafka_msg_header_at(msg, i, &h); i++)
        if (h.name.len < sizeof(ours) - 1 || memcmp(h.name.ptr, ours, sizeof(ours) - 1) != 0)
            headers[r.header_count++] = h;
    status = lac_kafka_producer_topic(g->producer, topic, &number, &err);
    while (status == LAC_OK) {
        status = lac_kafka_produce(g->producer, number, &r, true, &err);
        if (status != LAC_AGAIN)
            break;
        (void)lac_kafka_producer_poll(g->producer, 100);
        status = LAC_OK;
    }
    if (status != LAC_OK)
        return lac_tool_dependency(g->t, &err, NULL);
    g->sent++;
    return -1;
}

static int open_retry(const struct lac_tool *t, struct retrying *g)
{
    struct lac_kafka_producer_setup setup = {0};
    struct lac_kafka_options kafka;
    struct lac_kafka_admin *admin;
    struct lac_err err;
    enum lac_status status;

    lac_kafka_options_from_conf(&kafka, t->conf);
    status = lac_kafka_admin_open(&admin, &kafka, &err);
    if (status == LAC_OK) {
        status = lac_kafka_admin_cluster(admin, LAC_CLI_ASK_MS, &g->topics, &err);
        lac_kafka_admin_close(admin);
    }
    if (status == LAC_OK)
        status = lac_kafka_producer_open(&g->producer, &kafka, &setup, &err);
    return status == LAC_OK ? -1 : lac_tool_dependency(t, &err, NULL);
}

/* False: a signal came instead. They are held, so that waiting for a line alone would miss them. */
static bool wait_for_line(void)
{
    struct pollfd terminal = {.fd = STDIN_FILENO, .events = POLLIN};

    do {
        if (lac_signal_came())
            return false;
    } while (poll(&terminal, 1, ASK_STEP_MS) == 0);
    return true;
}

/* Asks a person. No terminal, no person: --yes is needed then. */
static int confirm(const struct lac_tool *t, uint64_t count)
{
    char answer[16] = "";

    if (!isatty(STDIN_FILENO) || !t->err.terminal)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "nobody is there to confirm",
                             "Use --yes to retry without being asked.");
    fprintf(stderr, "Publish %" PRIu64 " record%s again? [y/N] ", count, count == 1 ? "" : "s");
    if (!wait_for_line())
        return lac_tool_fail(t, LAC_EXIT_SIGNAL, "stopped by a signal, nothing was published",
                             NULL);
    if (!fgets(answer, sizeof(answer), stdin) || (answer[0] != 'y' && answer[0] != 'Y'))
        return lac_tool_fail(t, LAC_EXIT_NEGATIVE, "nothing was published", NULL);
    return -1;
}

static int deliver(const struct lac_tool *t, struct retrying *g)
{
    struct lac_err err;
    size_t failed;

    if (lac_kafka_flush(g->producer, DELIVER_MS, &err) != LAC_OK)
        return lac_tool_dependency(t, &err,
                                   "Some were not acknowledged; retrying may repeat them.");
    failed = lac_kafka_producer_failed(g->producer, &err);
    if (failed > 0)
        return lac_tool_dependency(t, &err,
                                   "Some were not acknowledged; retrying may repeat them.");
    printf("%" PRIu64 " published again, %" PRIu64 " left\n", g->sent, g->kept);
    return g->kept ? LAC_EXIT_NEGATIVE : -1;
}

/* Whatever ended it: what was sent is delivered and counted, for who goes on from there. */
static int publish(const struct lac_tool *t, struct filter *f, struct retrying *g)
{
    uint64_t seen;
    int status, delivered;

    g->dry = false;
    g->sent = g->kept = 0; /* the same ones once more */
    status = walk(t, f, retry_one, g, &seen);
    delivered = deliver(t, g);
    return status < 0 ? delivered : status;
}

static int retry_with(const struct lac_tool *t, struct filter *f, bool all, bool yes, bool dry)
{
    struct retrying g = {.t = t, .dry = true};
    uint64_t seen;
    int status = check_ids(t, f);

    if (status < 0 && (f->id_count > 0) == all)
        status = lac_tool_fail(t, LAC_EXIT_USAGE, "say which: PARTITION:OFFSET..., or --all", NULL);
    if (status < 0)
        status = open_retry(t, &g);
    if (status < 0)
        status = walk(t, f, retry_one, &g, &seen); /* first only counted, for the question */
    if (status < 0 && g.sent == 0)
        status = lac_tool_fail(t, LAC_EXIT_NEGATIVE, "there is nothing to retry", NULL);
    if (status < 0 && dry) {
        printf("%" PRIu64 " would be published again\n", g.sent);
        status = LAC_EXIT_OK;
    }
    if (status < 0 && !yes)
        status = confirm(t, g.sent);
    if (status < 0)
        status = publish(t, f, &g);
    lac_kafka_producer_close(g.producer);
    lac_kafka_cluster_info_deinit(&g.topics);
    return status < 0 ? LAC_EXIT_OK : status;
}

static int retry(int argc, char **argv)
{
    struct filter f = {.max = UINT64_MAX};
    bool all = false, yes = false, dry = false;
    const struct lac_args_option options[] = {
        {'a', "all", LAC_ARGS_SWITCH, &all, NULL, "All that the filters below leave", 0, 0},
        {0, "topic", LAC_ARGS_TEXT, &f.topic, "TOPIC", "Only those from this topic", 0, 0},
        {0, "reason", LAC_ARGS_TEXT, &f.reason, "WORD", "Only those for this reason", 0, 0},
        {0, "since", LAC_ARGS_TEXT, &f.since, "WHEN", "Only newer ones: a time, or 10m (ago)", 0,
         0},
        {'n', "dry-run", LAC_ARGS_SWITCH, &dry, NULL, "Only say how many", 0, 0},
        {'y', "yes", LAC_ARGS_SWITCH, &yes, NULL, "Don't ask", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna deadletter retry",
        .usage = "[OPTION]... PARTITION:OFFSET...|--all",
        .summary = "Publish dead letters again to the topics they came from, unchanged.",
        .details =
            "Key, value and headers are byte for byte as received. A retried record is a new\n"
            "event; the dead letter stays in its topic until retention removes it.",
        .examples = "  lacuna deadletter retry 0:17\n"
                    "  lacuna deadletter retry --all --reason malformed --since 2h --yes\n",
        .negative = "nothing to retry, not confirmed, or some could not be",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_most = -1,
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = retry_with(&t, &f, all, yes, dry);
    free(f.ends);
    lac_tool_close(&t);
    return status;
}

int lac_cli_deadletter(int argc, char **argv)
{
    static const struct lac_cli_sub table[] = {
        {"list", "List them: where from, and why", list},
        {"show", "Show some, byte by byte", show},
        {"retry", "Publish them again, unchanged", retry},
        {NULL, NULL, NULL},
    };

    return lac_cli_dispatch("lacuna deadletter", "Records that nobody could read.", table, argc,
                            argv);
}
