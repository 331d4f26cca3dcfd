/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lac_cli_stream.h"
#include "lac_json.h"
#include "lac_tier.h"

enum { LINE_BYTES = 96 << 20, IDLE_MS = 1000, FLUSH_BYTES = 32 << 10 };

struct tail_options {
    const char *from, *tier, *tenant;
    struct lac_args_list where;
    uint64_t max, partition;
    bool no_follow, value_only;
};

/* `path` is "a.b.c" below `v`. */
static const struct lac_json *find(const struct lac_json *v, const char *path)
{
    char name[128];

    while (v && *path) {
        size_t len = strcspn(path, ".");

        if (len == 0 || len >= sizeof(name))
            return NULL;
        memcpy(name, path, len);
        name[len] = '\0';
        v = lac_json_get(v, name);
        path += len + (path[len] == '.');
    }
    return v;
}

/* Text and symbols as they are, numbers and booleans as JSON writes them; an array when one of
 * its items is equal. */
static bool equals(const struct lac_json *v, const char *want)
{
    char text[32];

    switch (lac_json_kind(v)) {
    case LAC_JSON_STRING:
        return lac_str_is(lac_json_string(v), want);
    case LAC_JSON_INT:
        snprintf(text, sizeof(text), "%" PRId64, lac_json_int(v));
        return strcmp(text, want) == 0;
    case LAC_JSON_BOOL:
        return strcmp(lac_json_bool(v) ? "true" : "false", want) == 0;
    case LAC_JSON_ARRAY:
        for (size_t i = 0; i < lac_json_size(v); i++)
            if (equals(lac_json_item(v, i), want))
                return true;
        return false;
    default:
        return false;
    }
}

/* A field of the value, of its core, or of the record itself. */
static bool has(const struct lac_json *doc, const char *path, const char *want)
{
    const struct lac_json *value = lac_json_get(doc, "value");
    const struct lac_json *core = lac_json_get(value, "core");

    return equals(find(value, path), want) || equals(find(core, path), want) ||
           equals(find(doc, path), want);
}

static bool filtered(const struct tail_options *o)
{
    return o->tier || o->tenant || o->where.count > 0;
}

static bool matches(const struct tail_options *o, const struct lac_json *doc)
{
    if (o->tier && !has(doc, "tier", o->tier))
        return false;
    if (o->tenant && !has(doc, "tenant", o->tenant))
        return false;
    for (size_t i = 0; i < o->where.count; i++) {
        const char *equal = strchr(o->where.items[i], '=');
        char path[256];

        snprintf(path, sizeof(path), "%.*s", (int)(equal - o->where.items[i]), o->where.items[i]);
        if (!has(doc, path, equal + 1))
            return false;
    }
    return true;
}

/* Appends the record's line to `out` if it matches. True: it did. */
static bool put_line(struct lac_cli_stream *s, const struct tail_options *o,
                     const struct lac_kafka_msg *msg, struct lac_buf *line, struct lac_buf *out)
{
    struct lac_json *doc = NULL;
    struct lac_json_writer w;
    struct lac_err err;
    bool shown = true;

    lac_buf_reset(line);
    lac_cli_stream_json(s, msg, line);
    if (filtered(o) || o->value_only) {
        if (!lac_buf_ok(line) || lac_json_parse(&doc, lac_buf_str(line), &err) != LAC_OK)
            return false;
        shown = matches(o, doc);
    }
    if (shown && o->value_only) {
        lac_json_begin(&w, out);
        lac_json_put_value(&w, lac_json_get(doc, "value"));
    } else if (shown) {
        lac_buf_put_str(out, lac_buf_str(line));
    }
    if (shown)
        lac_buf_put_char(out, '\n');
    lac_json_free(doc);
    return shown;
}

/* Whoever read the output has gone. A write would tell, but the next record may never come. */
static bool reader_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    return poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLNVAL)) != 0;
}

static int follow(struct lac_cli_stream *s, const struct tail_options *o)
{
    struct lac_buf line, out;
    uint64_t shown = 0;
    int status = -1;

    lac_buf_init(&line, LINE_BYTES);
    lac_buf_init(&out, 2 * (size_t)LINE_BYTES);
    while (status < 0 && !s->stopped && (o->max == 0 || shown < o->max)) {
        struct lac_kafka_msg msg = {0};
        struct lac_err err;
        /* What is written is shown before anything is waited for. */
        enum lac_status got = lac_cli_stream_next(s, out.len ? 0 : IDLE_MS, &msg, &err);

        if (got == LAC_OK)
            shown += put_line(s, o, &msg, &line, &out);
        lac_kafka_msg_release(&msg);
        if (got == LAC_FATAL)
            status = lac_tool_dependency(s->t, &err, NULL);
        else if (got == LAC_RETRY)
            lac_tool_warn(s->t, "%s", err.text);
        if (out.len && (got != LAC_OK || out.len >= FLUSH_BYTES) && status < 0)
            status = lac_cli_flush(s->t, &out);
        else if (got == LAC_AGAIN && reader_gone())
            break;
        if (o->no_follow && lac_cli_stream_at_end(s))
            break;
        if (o->no_follow && got != LAC_OK && status < 0)
            status = lac_cli_stream_wait(s);
    }
    if (status < 0)
        status = lac_cli_flush(s->t, &out);
    lac_buf_deinit(&line);
    lac_buf_deinit(&out);
    /* Following has no other end; whoever wanted so many, or all that is there, has less. */
    if (status < 0 && s->stopped && (o->no_follow || shown < o->max))
        status = lac_tool_fail(s->t, LAC_EXIT_SIGNAL, "stopped by a signal", NULL);
    return status < 0 ? LAC_EXIT_OK : status;
}

static int check(const struct lac_tool *t, struct tail_options *o, struct lac_cli_from *from)
{
    static char upper[16];
    enum lac_tier tier;

    if (!lac_cli_from_parse(o->from, from))
        return lac_tool_fail(t, LAC_EXIT_USAGE,
                             "--from takes beginning, end, an offset, a time such as "
                             "2026-11-21T05:33:00Z, or how long ago: 10m",
                             NULL);
    if (o->tier && !lac_tier_parse(lac_str_from(o->tier), &tier))
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--tier is PUBLIC, INTERNAL or PROPRIETARY", NULL);
    if (o->tier) {
        snprintf(upper, sizeof(upper), "%s", lac_tier_name(tier));
        o->tier = upper;
    }
    for (size_t i = 0; i < o->where.count; i++)
        if (!strchr(o->where.items[i], '='))
            return lac_tool_fail(t, LAC_EXIT_USAGE, "--where takes FIELD=VALUE", NULL);
    return -1;
}

int lac_cli_tail(int argc, char **argv)
{
    struct tail_options o = {.from = "end", .partition = UINT64_MAX};
    const struct lac_args_option options[] = {
        {'f', "from", LAC_ARGS_TEXT, &o.from, "WHERE",
         "beginning, end (the default), an offset, a time, or 10m (ago)", 0, 0},
        {'n', "max", LAC_ARGS_NUMBER, &o.max, "N", "Stop after N records", 1, 0},
        {0, "no-follow", LAC_ARGS_SWITCH, &o.no_follow, NULL, "Stop at what is there now", 0, 0},
        {0, "partition", LAC_ARGS_NUMBER, &o.partition, "N", "Only this one", 0, 1000000},
        {0, "tier", LAC_ARGS_TEXT, &o.tier, "TIER", "Only decisions of this tier", 0, 0},
        {0, "tenant", LAC_ARGS_TEXT, &o.tenant, "NAME", "Only this tenant's", 0, 0},
        {'w', "where", LAC_ARGS_LIST, &o.where, "FIELD=VALUE",
         "Only where a field has this value; may be repeated", 0, 0},
        {0, "value", LAC_ARGS_SWITCH, &o.value_only, NULL, "The value alone", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna tail",
        .usage = "[OPTION]... TOPIC",
        .summary = "Follow a topic, one JSON object a line, until Ctrl-C.",
        .details = "TOPIC is a name with or without the prefix: requests, routing, lineage ...\n"
                   "Decision cores are decoded. FIELD is a path such as user.id, tier, tags or\n"
                   "partition; of a list, one equal item is enough.",
        .examples = "  lacuna tail routing\n"
                    "  lacuna tail lineage --from 10m --tier PROPRIETARY --where project=apollo\n"
                    "  lacuna tail requests --from beginning --no-follow | wc -l\n",
        .options = options,
        .option_count = LAC_COUNT(options),
        .operands_least = 1,
        .operands_most = 1,
    };
    struct lac_cli_stream s = {0};
    struct lac_cli_from from;
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = check(&t, &o, &from);
    if (status < 0) {
        status = lac_cli_stream_open(&s, &t, t.operands[0],
                                     o.partition == UINT64_MAX ? -1 : (int64_t)o.partition, &from);
        if (status < 0)
            status = follow(&s, &o);
        lac_cli_stream_close(&s);
    }
    lac_tool_close(&t);
    return status;
}
