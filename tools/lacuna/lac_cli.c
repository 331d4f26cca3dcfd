/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_cli.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "lac_cli_stamps.h"
#include "lac_topics.h"

enum { CORES_MAX = 64 };

static void sub_help(FILE *to, const char *name, const char *summary,
                     const struct lac_cli_sub *table)
{
    fprintf(to, "Usage: %s COMMAND [OPTION]...\n\n%s\n\nCommands\n", name, summary);
    for (; table->name; table++)
        fprintf(to, "  %-12s %s\n", table->name, table->summary);
    fprintf(to, "\n`%s COMMAND --help` explains one, with examples.\n", name);
}

static const char *next_sub(void *ctx, size_t i)
{
    return ((const struct lac_cli_sub *)ctx)[i].name;
}

int lac_cli_dispatch(const char *name, const char *summary, const struct lac_cli_sub *table,
                     int argc, char **argv)
{
    const char *near;
    int at = 1;

    /* Options before the sub-command stay where they are: they are its own. */
    while (at < argc && argv[at][0] == '-' && strcmp(argv[at], "--help") != 0 &&
           strcmp(argv[at], "-h") != 0)
        at += strcmp(argv[at], "-c") == 0 || strcmp(argv[at], "--config") == 0 ? 2 : 1;
    if (at >= argc) {
        sub_help(stderr, name, summary, table);
        return LAC_EXIT_USAGE;
    }
    for (const struct lac_cli_sub *s = table; s->name; s++) {
        if (strcmp(argv[at], s->name) != 0)
            continue;
        memmove(argv + at, argv + at + 1, (size_t)(argc - at) * sizeof(*argv));
        return s->run(argc - 1, argv);
    }
    if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
        sub_help(stdout, name, summary, table);
        if (fflush(stdout) != 0 && errno != EPIPE) {
            fprintf(stderr, "%s: error: can't write the output: %s\n", name, lac_errno_text(errno));
            return LAC_EXIT_FAILURE;
        }
        return LAC_EXIT_OK;
    }
    near = lac_args_nearest(argv[at], next_sub, (void *)table);
    fprintf(stderr,
            near ? "%s: error: no command \"%.60s\"; did you mean `%s %s`?\n"
                 : "%s: error: no command \"%.60s\"; `%s --help` lists them\n",
            name, argv[at], name, near);
    return LAC_EXIT_USAGE;
}

void lac_cli_postgres_options(const struct lac_conf *c, struct lac_pg_options *o)
{
    *o = (struct lac_pg_options){
        .url = lac_conf_text(c, "postgres.url"),
        .password = lac_conf_text(c, "postgres.password"),
        .application = "lacuna",
        .connect_timeout_ms = (uint32_t)lac_conf_number(c, "postgres.connect_timeout_ms"),
    };
}

int lac_cli_postgres(const struct lac_tool *t, struct lac_pg **pg)
{
    struct lac_pg_options o;
    struct lac_err err;

    lac_cli_postgres_options(t->conf, &o);
    if (lac_pg_connect(pg, &o, &err) == LAC_OK)
        return -1;
    return lac_tool_dependency(t, &err, NULL);
}

int lac_cli_flush(const struct lac_tool *t, struct lac_buf *b)
{
    if (!lac_buf_ok(b)) {
        lac_buf_reset(b);
        return lac_tool_fail(t, LAC_EXIT_FAILURE, "the output is too large", NULL);
    }
    return lac_term_flush(&t->out, b) ? -1 : lac_tool_output_failed(t, errno);
}

int lac_cli_verdict(int written, int verdict)
{
    return written > LAC_EXIT_OK ? written : verdict;
}

/* Leaves in `topics` those that the cluster does not have. Where all are there nothing is asked for
 * that needs the right to create, or a broker that can: the one of `lacuna dev` cannot. */
static enum lac_status drop_existing(struct lac_kafka_admin *admin,
                                     struct lac_kafka_new_topic *topics, size_t *n,
                                     struct lac_err *err)
{
    struct lac_kafka_cluster_info info;
    enum lac_status status = lac_kafka_admin_cluster(admin, LAC_CLI_ASK_MS, &info, err);
    size_t kept = 0;

    if (status != LAC_OK)
        return status;
    for (size_t i = 0; i < *n; i++) {
        if (!lac_kafka_cluster_topic(&info, topics[i].name))
            topics[kept++] = topics[i];
    }
    lac_kafka_cluster_info_deinit(&info);
    *n = kept;
    return LAC_OK;
}

enum lac_status lac_cli_topic_names(const struct lac_conf *c,
                                    char names[LAC_TOPIC_COUNT][LAC_TOPIC_NAME_SIZE],
                                    struct lac_err *err)
{
    const char *prefix = lac_conf_text(c, "kafka.topic_prefix");

    for (unsigned i = 0; i < LAC_TOPIC_COUNT; i++)
        if (!lac_topic_full_name(names[i], prefix, (enum lac_topic_id)i))
            return lac_err_set(
                err, LAC_FATAL, 0,
                "kafka.topic_prefix \"%.64s\" makes no legal topic name: letters, "
                "digits, '.', '_' and '-', at most %d characters with the name behind it",
                prefix, LAC_TOPIC_NAME_SIZE - 1);
    return LAC_OK;
}

enum lac_status lac_cli_topics_create(const struct lac_conf *c, struct lac_kafka_admin *admin,
                                      int32_t partitions, size_t *made, struct lac_err *err)
{
    struct lac_kafka_new_topic topics[LAC_TOPIC_COUNT];
    struct lac_kafka_topic_config config[LAC_TOPIC_COUNT][4];
    char names[LAC_TOPIC_COUNT][LAC_TOPIC_NAME_SIZE], retention[LAC_TOPIC_COUNT][24];
    enum lac_status status;
    size_t n = LAC_TOPIC_COUNT;

    *made = 0;
    status = lac_cli_topic_names(c, names, err);
    if (status != LAC_OK)
        return status;
    for (unsigned i = 0; i < LAC_TOPIC_COUNT; i++) {
        const struct lac_topic *t = &lac_topics[i];

        snprintf(retention[i], sizeof(retention[i]), "%lld", (long long)t->retention_ms);
        config[i][0] = (struct lac_kafka_topic_config){"cleanup.policy", t->cleanup};
        config[i][1] = (struct lac_kafka_topic_config){"retention.ms", retention[i]};
        config[i][2] = (struct lac_kafka_topic_config){"message.timestamp.type", lac_cli_stamp(t)};
        /* The largest record that a broker takes, and the headers that say why it is there. */
        config[i][3] = (struct lac_kafka_topic_config){"max.message.bytes", "2097152"};
        topics[i] = (struct lac_kafka_new_topic){
            .name = names[i],
            .partitions = partitions && partitions < (int32_t)t->partitions
                              ? partitions
                              : (int32_t)t->partitions,
            .replicas = (int32_t)lac_conf_number(c, "kafka.replication_factor"),
            .config = config[i],
            .config_count = i == LAC_TOPIC_DEADLETTER ? 4 : 3,
        };
    }
    status = drop_existing(admin, topics, &n, err);
    if (status == LAC_OK && n > 0)
        status = lac_kafka_admin_create_topics(admin, topics, n, LAC_CLI_ASK_MS * 3, err);
    for (size_t i = 0; i < n; i++)
        *made += status == LAC_OK && topics[i].status == LAC_OK;
    return status;
}

unsigned lac_cli_cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

    return n < 1 ? 1 : n > CORES_MAX ? CORES_MAX : (unsigned)n;
}

int lac_cli_format(const struct lac_tool *t, const char *format, bool *json)
{
    bool text = format && strcmp(format, "text") == 0;

    if (text && *json)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--format text and --json exclude each other",
                             NULL);
    if (format && !text && strcmp(format, "json") != 0)
        return lac_tool_fail(t, LAC_EXIT_USAGE, "--format is text or json", NULL);
    *json = format ? !text : *json;
    return -1;
}
