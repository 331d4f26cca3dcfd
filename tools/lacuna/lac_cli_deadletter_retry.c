/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters published again, as they came, to the topics they came from. */
#include "lac_cli_deadletter.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lac_signal.h"

enum {
    HEADERS_MAX = 64,
    DELIVER_MS = 30000,
    ASK_STEP_MS = 100,
};

struct retrying {
    const struct lac_tool *t;
    struct lac_kafka_producer *producer;
    struct lac_kafka_cluster_info topics;
    uint64_t sent, kept;
    bool dry;
};

/* The topic a letter came from, if it is one of ours: a header is only what somebody wrote. */
static bool origin_topic(const struct retrying *g, const struct lac_cli_deadletter *l,
                         char name[LAC_KAFKA_TOPIC_SIZE])
{
    const char *prefix = lac_conf_text(g->t->conf, "kafka.topic_prefix");
    enum lac_topic_id id = lac_topic_find(prefix, l->topic);

    if (!l->topic.ptr || l->topic.len >= LAC_KAFKA_TOPIC_SIZE || id == LAC_TOPIC_COUNT ||
        id == LAC_TOPIC_DEADLETTER)
        return false;
    snprintf(name, LAC_KAFKA_TOPIC_SIZE, "%.*s", LAC_STR_FMT(l->topic));
    return true;
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
                     const struct lac_cli_deadletter *l)
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
    if (!lac_kafka_cluster_topic(&g->topics, topic)) {
        lac_tool_warn(g->t, "%d:%" PRId64 " came from %s, which is not there: left where it is",
                      msg->partition, msg->offset, topic);
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
static int publish(const struct lac_tool *t, struct lac_cli_deadletter_filter *f,
                   struct retrying *g)
{
    uint64_t seen;
    int status, delivered;

    g->dry = false;
    g->sent = g->kept = 0; /* the same ones once more */
    status = lac_cli_deadletter_walk(t, f, retry_one, g, &seen);
    delivered = deliver(t, g);
    return status < 0 ? delivered : status;
}

static int retry_with(const struct lac_tool *t, struct lac_cli_deadletter_filter *f, bool all,
                      bool yes, bool dry)
{
    struct retrying g = {.t = t, .dry = true};
    uint64_t seen;
    int status = lac_cli_deadletter_ids(t, f);

    if (status < 0 && (f->id_count > 0) == all)
        status = lac_tool_fail(t, LAC_EXIT_USAGE, "say which: PARTITION:OFFSET..., or --all", NULL);
    if (status < 0)
        status = open_retry(t, &g);
    if (status < 0)
        status = lac_cli_deadletter_walk(t, f, retry_one, &g,
                                         &seen); /* first only counted, for the question */
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

int lac_cli_deadletter_retry(int argc, char **argv)
{
    struct lac_cli_deadletter_filter f = {.max = UINT64_MAX};
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
