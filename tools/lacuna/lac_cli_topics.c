/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lac_cli_stamps.h"
#include "lac_clock.h"
#include "lac_json.h"
#include "lac_table.h"
#include "lac_topics.h"

enum { LOOK_MS = 50 };

/* How a topic of the cluster differs from the table; "" when it doesn't. */
static void differences(const struct lac_topic *want, const struct lac_kafka_topic_info *have,
                        const struct lac_kafka_topic_settings *settings, uint64_t replicas,
                        char *out, size_t size)
{
    struct lac_buf b;

    lac_buf_init_fixed(&b, out, size - 1);
    if (!have)
        lac_buf_put_text(&b, "missing");
    else if (have->leaderless)
        lac_buf_printf(&b, "%d partitions without a leader", have->leaderless);
    else if (have->partitions != (int32_t)want->partitions)
        lac_buf_printf(&b, "%d partitions, the table says %u", have->partitions, want->partitions);
    else if ((uint64_t)have->replicas < replicas)
        lac_buf_printf(&b, "%d replicas, kafka.replication_factor says %" PRIu64, have->replicas,
                       replicas);
    else if (lac_cli_stamp_differs(want, settings))
        lac_buf_printf(&b, "timestamps are %s, the table says %s", settings->timestamp_type,
                       lac_cli_stamp(want));
    out[b.len] = '\0';
}

struct listing {
    const struct lac_tool *t;
    struct lac_kafka_admin *admin;
    const struct lac_kafka_cluster_info *info;
    bool json;
    char names[LAC_TOPIC_COUNT][LAC_TOPIC_NAME_SIZE]; /* of each */
    struct lac_kafka_topic_settings settings[LAC_TOPIC_COUNT];
    size_t missing;
};

/* What every command here needs; -1 or the exit status. */
static int begin(struct listing *l)
{
    struct lac_kafka_options o;
    struct lac_err err;

    if (lac_cli_topic_names(l->t->conf, l->names, &err) != LAC_OK)
        return lac_tool_fail(l->t, LAC_EXIT_USAGE, err.text, NULL);
    lac_kafka_options_from_conf(&o, l->t->conf);
    if (lac_kafka_admin_open(&l->admin, &o, &err) == LAC_OK)
        return -1;
    return lac_tool_dependency(l->t, &err, NULL);
}

/* Where the broker doesn't tell, as that of `lacuna dev`, nothing is known to differ. */
static void ask_settings(struct listing *l)
{
    struct lac_err err;

    for (unsigned i = 0; i < LAC_TOPIC_COUNT; i++)
        l->settings[i] = (struct lac_kafka_topic_settings){.name = l->names[i]};
    if (lac_kafka_admin_topic_settings(l->admin, l->settings, LAC_TOPIC_COUNT, LAC_CLI_ASK_MS,
                                       &err) != LAC_OK)
        for (unsigned i = 0; i < LAC_TOPIC_COUNT; i++)
            l->settings[i].timestamp_type[0] = '\0';
}

static void put_json(struct lac_json_writer *w, const struct lac_topic *topic, const char *name,
                     const struct lac_kafka_topic_info *have, const char *note)
{
    lac_json_open_object(w);
    lac_json_key(w, "name");
    lac_json_put_text(w, name);
    lac_json_key(w, "value");
    lac_json_put_text(w, topic->value);
    lac_json_key(w, "exists");
    lac_json_put_bool(w, have != NULL);
    lac_json_key(w, "partitions");
    lac_json_put_int(w, have ? have->partitions : 0);
    lac_json_key(w, "replicas");
    lac_json_put_int(w, have ? have->replicas : 0);
    lac_json_key(w, "retention_ms");
    lac_json_put_int(w, topic->retention_ms);
    lac_json_key(w, "cleanup");
    lac_json_put_text(w, topic->cleanup);
    lac_json_key(w, "text");
    lac_json_put_bool(w, topic->text);
    lac_json_key(w, "group");
    lac_json_put_text(w, topic->group);
    lac_json_key(w, "difference");
    if (note[0])
        lac_json_put_text(w, note);
    else
        lac_json_put_null(w);
    lac_json_close_object(w);
}

static void put_row(struct lac_table *table, const struct lac_topic *topic, const char *name,
                    const struct lac_kafka_topic_info *have, const char *note)
{
    char keeps[32];

    lac_table_add(table, lac_str_from(name), LAC_STYLE_NONE);
    lac_table_add(table, lac_str_from(topic->value), LAC_STYLE_NONE);
    if (have)
        lac_table_addf(table, LAC_STYLE_NONE, "%d", have->partitions);
    else
        lac_table_add(table, LAC_STR("-"), LAC_STYLE_DIM);
    if (topic->retention_ms < 0)
        snprintf(keeps, sizeof(keeps), "%s", "for ever");
    else if (topic->retention_ms >= 86400000)
        snprintf(keeps, sizeof(keeps), "%" PRId64 " d", topic->retention_ms / 86400000);
    else
        snprintf(keeps, sizeof(keeps), "%" PRId64 " h", topic->retention_ms / 3600000);
    lac_table_add(table, lac_str_from(keeps), LAC_STYLE_NONE);
    lac_table_add(table, topic->text ? LAC_STR("yes") : LAC_STR("no"),
                  topic->text ? LAC_STYLE_NOTE : LAC_STYLE_NONE);
    lac_table_add(table, note[0] ? lac_str_from(note) : LAC_STR("ok"),
                  !note[0] ? LAC_STYLE_GOOD
                  : have   ? LAC_STYLE_NOTE
                           : LAC_STYLE_BAD);
}

/* What is there is left as it is: a person says when its records change. */
static void put_stamp_command(const struct listing *l, const char *have, const char *want,
                              struct lac_buf *out)
{
    struct lac_buf names;

    lac_buf_init(&names, (size_t)LAC_TOPIC_COUNT * (LAC_TOPIC_NAME_SIZE + 1));
    if (lac_cli_stamps_wrong(l->settings, have, &names) > 0) {
        lac_buf_printf(out, "\nTo set message.timestamp.type to %s:\n  ", want);
        lac_cli_put_stamp_command(out, l->t->conf, lac_buf_str(&names), want);
        lac_buf_put_char(out, '\n');
    }
    lac_buf_deinit(&names);
}

static void put_topic(struct listing *l, unsigned i, struct lac_json_writer *w,
                      struct lac_table *table)
{
    const struct lac_kafka_topic_info *have = lac_kafka_cluster_topic(l->info, l->names[i]);
    char note[160];

    l->missing += !have;
    differences(&lac_topics[i], have, &l->settings[i],
                lac_conf_number(l->t->conf, "kafka.replication_factor"), note, sizeof(note));
    if (l->json)
        put_json(w, &lac_topics[i], l->names[i], have, note);
    else
        put_row(table, &lac_topics[i], l->names[i], have, note);
}

static int print_topics(struct listing *l)
{
    static const struct lac_table_column columns[] = {
        {.title = "TOPIC"}, {.title = "VALUE"}, {.title = "PARTITIONS", .right = true},
        {.title = "KEEPS"}, {.title = "TEXT"},  {.title = "STATE", .shrinks = true},
    };
    struct lac_json_writer w;
    struct lac_table table;
    struct lac_buf b;
    int status;

    ask_settings(l);
    lac_buf_init(&b, 1 << 20);
    lac_table_init(&table, columns, LAC_COUNT(columns), LAC_TOPIC_COUNT);
    lac_json_begin(&w, &b);
    if (l->json)
        lac_json_open_array(&w);
    for (unsigned i = 0; i < LAC_TOPIC_COUNT; i++)
        put_topic(l, i, &w, &table);
    if (l->json) {
        lac_json_close_array(&w);
        lac_buf_put_char(&b, '\n');
    } else {
        lac_table_print(&table, &l->t->out, &b);
        put_stamp_command(l, "CreateTime", "LogAppendTime", &b);
        put_stamp_command(l, "LogAppendTime", "CreateTime", &b);
    }
    status = lac_cli_flush(l->t, &b);
    lac_table_deinit(&table);
    lac_buf_deinit(&b);
    return status;
}

static int list_with(const struct lac_tool *t, bool json)
{
    struct listing l = {.t = t, .json = json};
    struct lac_kafka_cluster_info info;
    struct lac_err err;
    int status = begin(&l);

    if (status >= 0)
        return status;
    if (lac_kafka_admin_cluster(l.admin, LAC_CLI_ASK_MS, &info, &err) != LAC_OK) {
        status = lac_tool_dependency(t, &err, NULL);
    } else {
        l.info = &info;
        status = print_topics(&l);
        lac_kafka_cluster_info_deinit(&info);
    }
    lac_kafka_admin_close(l.admin);
    if (status >= 0)
        return status;
    return l.missing ? LAC_EXIT_NEGATIVE : LAC_EXIT_OK;
}

static int list(int argc, char **argv)
{
    bool json = false;
    const struct lac_args_option options[] = {
        {'j', "json", LAC_ARGS_SWITCH, &json, NULL, "As a JSON array", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna topics list",
        .usage = "[OPTION]...",
        .summary = "List the topics of this version and what the cluster has of them.",
        .examples = "  lacuna topics list\n  lacuna --dev topics list --json\n",
        .negative = "a topic is missing",
        .options = options,
        .option_count = LAC_COUNT(options),
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = list_with(&t, json);
    lac_tool_close(&t);
    return status;
}

static size_t known(const struct lac_conf *c, const struct lac_kafka_cluster_info *info)
{
    size_t n = 0;

    for (unsigned i = 0; i < LAC_TOPIC_COUNT; i++) {
        const struct lac_kafka_topic_info *have;
        char name[LAC_TOPIC_NAME_SIZE];

        if (!lac_topic_full_name(name, lac_conf_text(c, "kafka.topic_prefix"),
                                 (enum lac_topic_id)i))
            continue;
        have = lac_kafka_cluster_topic(info, name);
        n += have && !have->leaderless;
    }
    return n;
}

/* A broker says that a topic is made, and for a moment afterwards that there is none. */
static enum lac_status await_topics(const struct lac_tool *t, struct lac_kafka_admin *admin,
                                    struct lac_kafka_cluster_info *info, struct lac_err *err)
{
    uint64_t end = lac_clock_mono_ms() + LAC_CLI_ASK_MS;
    enum lac_status status = lac_kafka_admin_cluster(admin, LAC_CLI_ASK_MS, info, err);

    while (status == LAC_OK && known(t->conf, info) < LAC_TOPIC_COUNT &&
           lac_clock_mono_ms() < end) {
        lac_kafka_cluster_info_deinit(info);
        lac_clock_sleep_ms(LOOK_MS);
        status = lac_kafka_admin_cluster(admin, LAC_CLI_ASK_MS, info, err);
    }
    return status;
}

static void say_made(size_t made)
{
    if (made == LAC_TOPIC_COUNT)
        printf("%d of %d topics created.\n", LAC_TOPIC_COUNT, LAC_TOPIC_COUNT);
    else if (made)
        printf("%zu of %d topics created, the others were there.\n", made, LAC_TOPIC_COUNT);
    else
        printf("0 of %d topics created, all were there.\n", LAC_TOPIC_COUNT);
}

static int create_with(const struct lac_tool *t, bool quiet)
{
    struct listing l = {.t = t};
    struct lac_kafka_cluster_info info;
    struct lac_err err;
    size_t made;
    int status = begin(&l);

    if (status >= 0)
        return status;
    if (lac_cli_topics_create(t->conf, l.admin, 0, &made, &err) != LAC_OK ||
        await_topics(t, l.admin, &info, &err) != LAC_OK) {
        status = lac_tool_dependency(t, &err, NULL);
    } else {
        l.info = &info;
        if (!quiet) {
            say_made(made);
            status = fflush(stdout) == 0 ? print_topics(&l) : lac_tool_output_failed(t, errno);
        }
        lac_kafka_cluster_info_deinit(&info);
    }
    lac_kafka_admin_close(l.admin);
    return status < 0 ? LAC_EXIT_OK : status;
}

static int create(int argc, char **argv)
{
    bool quiet = false;
    const struct lac_args_option options[] = {
        {'q', "quiet", LAC_ARGS_SWITCH, &quiet, NULL, "Say nothing but errors", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna topics create",
        .usage = "[OPTION]...",
        .summary = "Create the topics that are missing.",
        .details = "Topics that exist are left as they are; where they differ from the table, the\n"
                   "list says so. kafka.replication_factor says how many copies to keep.",
        .examples = "  lacuna topics create\n"
                    "  lacuna topics create --kafka-replication-factor 3\n",
        .options = options,
        .option_count = LAC_COUNT(options),
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = create_with(&t, quiet);
    lac_tool_close(&t);
    return status;
}

int lac_cli_topics(int argc, char **argv)
{
    static const struct lac_cli_sub table[] = {
        {"list", "List the topics and what the cluster has of them", list},
        {"create", "Create the topics that are missing", create},
        {NULL, NULL, NULL},
    };

    return lac_cli_dispatch("lacuna topics", "The topics that Lacuna's programs speak over.", table,
                            argc, argv);
}
