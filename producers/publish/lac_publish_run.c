/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_publish_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lac_clock.h"
#include "lac_digest.h"
#include "lac_publish_private.h"
#include "lac_registry.h"
#include "lac_signal.h"

enum {
    ARENA_BYTES = 8 * LAC_PUBLISH_RECORD_MAX, /* a record's copy, its parts, its Avro */
    STARTUP_MS = 10000,
};

/* What a journal belongs to: the same words on the command line, topic and brokers. REJECT: to
 * another run, now. */
static enum lac_status open_journal(struct lac_publish *r, struct lac_err *err)
{
    char path[PATH_MAX];
    struct lac_buf b;
    enum lac_status status = LAC_OK;

    if (!lac_publish_input_resumable(r->input))
        return LAC_OK;
    lac_buf_init(&b, 1 << 20);
    lac_buf_printf(&b, "%s\n%s\n", lac_conf_text(r->t->conf, "kafka.bootstrap_servers"),
                   r->topic_name);
    for (int i = 0; i < r->t->operand_count; i++)
        lac_buf_printf(&b, "%s\n", realpath(r->t->operands[i], path) ? path : r->t->operands[i]);
    if (lac_buf_ok(&b)) /* a command line of a megabyte is not worth a journal */
        status = lac_publish_journal_open(&r->journal, lac_conf_text(r->t->conf, "state.dir"),
                                          lac_buf_str(&b), err);
    lac_buf_deinit(&b);
    if (status == LAC_REJECT)
        return status;
    if (status != LAC_OK)
        lac_tool_warn(r->t, "an interrupted run can't be resumed: %s", err->text);
    return LAC_OK;
}

static void take_shape(struct lac_publish *r)
{
    const struct lac_publish_defaults *d = &r->o->defaults;
    const char *const values[] = {
        [LAC_PUBLISH_SHAPE_FORMAT] = r->o->format_word,
        [LAC_PUBLISH_SHAPE_KEY] = r->o->key_word,
        [LAC_PUBLISH_SHAPE_TENANT] = d->tenant,
        [LAC_PUBLISH_SHAPE_PROJECT] = d->project,
        [LAC_PUBLISH_SHAPE_USER] = d->user,
        [LAC_PUBLISH_SHAPE_ENVIRONMENT] = d->environment,
        [LAC_PUBLISH_SHAPE_PURPOSE] = d->purpose,
        [LAC_PUBLISH_SHAPE_SESSION] = d->session,
        [LAC_PUBLISH_SHAPE_KIND] = d->kind,
    };

    _Static_assert(LAC_COUNT(values) == LAC_PUBLISH_SHAPE_COUNT, "every part has its option");
    for (size_t i = 0; i < LAC_PUBLISH_SHAPE_COUNT; i++)
        lac_publish_shape_set(&r->shape, (enum lac_publish_shape_part)i, values[i]);
    r->shape.known = true;
}

/* Whether this run makes of the rest what the one that saved `m` made of its part. */
static enum lac_status check_shape(struct lac_publish *r, const struct lac_publish_mark *m,
                                   struct lac_err *err)
{
    if (m->shape.known)
        return lac_publish_shape_check(&m->shape, &r->shape, err);
    lac_tool_warn(r->t, "the interrupted run was an earlier version's, which did not keep its "
                        "options: the rest is published with those of this command");
    return LAC_OK;
}

/* -1 or the exit status. */
static int resume(struct lac_publish *r)
{
    char count[LAC_PROGRESS_NUMBER_SIZE], place[48] = "";
    struct lac_publish_mark m;
    struct lac_err err;
    enum lac_status status;

    take_shape(r);
    if (open_journal(r, &err) != LAC_OK)
        return lac_tool_fail(r->t, LAC_EXIT_FAILURE, err.text,
                             "Wait until it has ended, or end it.");
    if (r->o->restart) {
        lac_publish_journal_remove(&r->journal);
        return -1;
    }
    status = lac_publish_journal_load(&r->journal, &m, &err);
    if (status == LAC_AGAIN)
        return -1;
    if (status == LAC_OK && check_shape(r, &m, &err) != LAC_OK)
        return lac_tool_fail(r->t, LAC_EXIT_FAILURE, err.text,
                             "Use the same options to go on where it stopped, or --restart to "
                             "publish everything from the beginning.");
    if (status == LAC_OK)
        status = lac_publish_input_resume(r->input, &m, &err);
    if (status != LAC_OK)
        return lac_tool_fail(r->t, LAC_EXIT_FAILURE, err.text, NULL);
    r->delivered = r->resumed_delivered = m.delivered;
    r->bad = r->resumed_bad = m.bad;
    if (m.line > 0)
        snprintf(place, sizeof(place), "line %" PRIu64 " of ", m.line);
    lac_publish_say(r, "Going on after %s%s: %s record%s delivered before.", place, m.path,
                    lac_progress_count(count, m.delivered), m.delivered == 1 ? " was" : "s were");
    return -1;
}

static enum lac_status open_origin(struct lac_publish *r, struct lac_err *err)
{
    const char *origin = lac_conf_text(r->t->conf, "kafka.origin");
    char id[LAC_KAFKA_CLUSTER_ID_SIZE];
    struct lac_kafka_admin *admin;
    enum lac_status status;

    if (*origin) {
        snprintf(r->origin, sizeof(r->origin), "%s", origin);
        return LAC_OK;
    }
    status = lac_kafka_admin_open(&admin, &r->kafka, err);
    if (status != LAC_OK)
        return status;
    status = lac_kafka_admin_cluster_id(admin, STARTUP_MS, id, err);
    if (status == LAC_OK)
        snprintf(r->origin, sizeof(r->origin), "%s", id);
    lac_kafka_admin_close(admin);
    return status;
}

/* Topic and brokers must be there before a file is read: a typo in the topic's name would
 * otherwise make brokers create it. */
static enum lac_status check_topic(struct lac_publish *r, struct lac_err *err)
{
    const char *prefix = lac_conf_text(r->t->conf, "kafka.topic_prefix");
    enum lac_topic_id id = lac_topic_find(prefix, lac_str_from(r->o->topic));
    struct lac_kafka_cluster_info info;
    struct lac_kafka_admin *admin;
    enum lac_status status;
    bool found;

    if (id == LAC_TOPIC_COUNT || !lac_topics[id].type || lac_topics[id].type != &lac_request_type)
        return lac_err_set(err, LAC_REJECT, 0, "%s is no topic that carries requests", r->o->topic);
    if (!lac_topic_full_name(r->topic_name, prefix, id))
        return lac_err_set(err, LAC_REJECT, 0, "kafka.topic_prefix makes no legal topic name");
    status = lac_kafka_admin_open(&admin, &r->kafka, err);
    if (status != LAC_OK)
        return status;
    status = lac_kafka_admin_cluster(admin, STARTUP_MS, &info, err);
    if (status == LAC_OK) {
        found = lac_kafka_cluster_topic(&info, r->topic_name) != NULL;
        lac_kafka_cluster_info_deinit(&info);
        if (!found)
            status = lac_err_set(err, LAC_RETRY, 0,
                                 "topic %s does not exist; `lacuna topics create` makes it",
                                 r->topic_name);
    }
    lac_kafka_admin_close(admin);
    return status;
}

/* With a registry, values carry the id that it gave our schema. */
static enum lac_status open_registry(struct lac_publish *r, struct lac_err *err)
{
    struct lac_registry_options o = lac_registry_options_from_conf(r->t->conf);
    char subject[LAC_TOPIC_NAME_SIZE + 8];
    struct lac_registry *registry;
    enum lac_status status;
    uint32_t id;

    if (!*o.url)
        return LAC_OK;
    status = lac_registry_open(&registry, &o, err);
    if (status != LAC_OK)
        return status;
    snprintf(subject, sizeof(subject), "%s-value", r->topic_name);
    status = lac_registry_register(registry, lac_str_from(subject),
                                   lac_str_from(lac_request_type.schema), &id, err);
    lac_registry_close(registry);
    if (status == LAC_OK)
        lac_wire_set_id(r->wire, &lac_request_type, id);
    return status == LAC_REJECT ? LAC_FATAL : status;
}

static enum lac_status open_kafka(struct lac_publish *r, struct lac_err *err)
{
    struct lac_kafka_producer_setup setup = {
        .delivered = lac_publish_delivered, .ctx = r, .queue_records = LAC_PUBLISH_WINDOW};
    unsigned char random[8];
    enum lac_status status;

    lac_kafka_options_from_conf(&r->kafka, r->t->conf);
    if (lac_conf_source(r->t->conf, "kafka.client_id") == LAC_CONF_FROM_DEFAULT)
        r->kafka.client_id = "lacuna-publish";
    lac_random_bytes(random, sizeof(random));
    lac_hex_encode(r->run_id, random, sizeof(random));
    status = check_topic(r, err);
    if (status == LAC_OK)
        status = open_registry(r, err);
    if (status == LAC_OK && r->o->wait)
        status = open_origin(r, err);
    if (status == LAC_OK) {
        lac_signal_hold(); /* until here Ctrl-C ends a wait for a broker that does not answer */
        status = lac_kafka_producer_open(&r->producer, &r->kafka, &setup, err);
    }
    if (status == LAC_OK)
        status = lac_kafka_producer_topic(r->producer, r->topic_name, &r->topic, err);
    return status;
}

static enum lac_status open_all(struct lac_publish *r, struct lac_err *err)
{
    enum lac_status status = lac_publish_input_open(
        &r->input, r->t->operands, (size_t)r->t->operand_count, r->o->format, &r->o->defaults, err);

    if (status == LAC_OK)
        status = lac_publish_window_init(&r->window, err);
    if (status == LAC_OK)
        status = lac_arena_init(&r->arena, ARENA_BYTES, err);
    if (status == LAC_OK)
        status = lac_wire_open(&r->wire, NULL, err);
    if (status == LAC_OK && r->o->wait)
        status = lac_publish_wait_open(&r->wait, err);
    return status;
}

static void close_all(struct lac_publish *r)
{
    lac_publish_lag_stop(r->lag);
    lac_publish_journal_close(&r->journal);
    lac_kafka_producer_close(r->producer);
    lac_publish_again_deinit(&r->again);
    lac_publish_wait_close(r->wait);
    lac_wire_close(r->wire);
    lac_arena_deinit(&r->arena);
    lac_publish_window_deinit(&r->window);
    lac_publish_input_close(r->input);
}

static void summarise(struct lac_publish *r, size_t missing)
{
    char count[LAC_PROGRESS_NUMBER_SIZE], rate[LAC_PROGRESS_NUMBER_SIZE],
        size[LAC_PROGRESS_NUMBER_SIZE], took[LAC_PROGRESS_NUMBER_SIZE],
        bad[LAC_PROGRESS_NUMBER_SIZE];
    uint64_t ms = lac_clock_mono_ms() - r->started_ms;
    uint64_t fresh = r->delivered - r->resumed_delivered;

    if (r->o->json) {
        printf("{\"topic\":\"%s\",\"delivered\":%" PRIu64 ",\"bad\":%" PRIu64 ",\"failed\":%" PRIu64
               ",\"bytes\":%" PRIu64 ",\"milliseconds\":%" PRIu64 ",\"resumed\":%" PRIu64
               ",\"complete\":%s",
               r->topic_name, r->delivered, r->bad, r->failed, r->bytes, ms, r->resumed_delivered,
               r->stopped || r->failed ? "false" : "true");
        if (r->wait)
            printf(",\"decided\":%zu,\"missing\":%zu", lac_publish_wait_count(r->wait) - missing,
                   missing);
        puts("}");
    }
    lac_publish_say(r, "%s record%s delivered to %s in %s (%s/s, %s)%s%s%s",
                    lac_progress_count(count, r->delivered), r->delivered == 1 ? "" : "s",
                    r->topic_name, lac_progress_time(took, ms),
                    lac_progress_count(rate, ms ? fresh * 1000 / ms : fresh * 1000),
                    lac_progress_size(size, r->bytes), r->bad ? ", " : "",
                    r->bad ? lac_progress_count(bad, r->bad) : "", r->bad ? " bad" : "");
}

/* The exit status of a run that sent what it could. */
static int finish(struct lac_publish *r, enum lac_status status, const struct lac_err *err)
{
    bool resumable = r->journal.path[0] && !r->journal_broken;
    const char *again = resumable ? "Run the same command again to go on from there."
                                  : "What was read from a pipe can't be resumed.";
    uint64_t ended_ms = lac_clock_mono_ms();
    size_t missing = 0;
    int exit_status = LAC_EXIT_OK;
    char what[160];

    if (status == LAC_OK && r->failed == 0 && !r->stopped)
        lac_publish_journal_remove(&r->journal);
    lac_publish_journal_close(&r->journal); /* the waiting is no part of it */
    if (r->wait && status == LAC_OK && r->failed == 0 && !r->stopped)
        exit_status = lac_publish_wait_and_show(r, &missing);
    r->started_ms += lac_clock_mono_ms() - ended_ms; /* the waiting is not part of the rate */
    summarise(r, missing);
    if (r->failed)
        return lac_tool_dependency(r->t, &r->failure, again);
    if (status != LAC_OK)
        return lac_tool_fail(r->t, status == LAC_RETRY ? LAC_EXIT_DEPENDENCY : LAC_EXIT_FAILURE,
                             err->text, again);
    if (r->stopped)
        return lac_tool_fail(r->t, LAC_EXIT_SIGNAL, "stopped by a signal", again);
    if (exit_status != LAC_EXIT_OK)
        return exit_status;
    if (missing > 0) {
        snprintf(what, sizeof(what), "%zu of %zu records have no decision in Postgres yet", missing,
                 lac_publish_wait_count(r->wait));
        return lac_tool_fail(r->t, LAC_EXIT_NEGATIVE, what,
                             "`lacuna deadletter list` shows records nobody could read; "
                             "`lacuna doctor` shows what is not running.");
    }
    return r->bad && !r->o->skip_errors ? LAC_EXIT_NEGATIVE : LAC_EXIT_OK;
}

int lac_publish_run(const struct lac_tool *t, const struct lac_publish_options *o)
{
    struct lac_publish *r = calloc(1, sizeof(*r));
    struct lac_err err = {0};
    char group[LAC_TOPIC_NAME_SIZE];
    int exit_status;
    enum lac_status status;

    if (!r)
        return lac_tool_fail(t, LAC_EXIT_FAILURE, "out of memory", NULL);
    r->t = t;
    r->o = o;
    r->term = t->err;
    lac_progress_init(&r->progress, &r->term);
    status = open_all(r, &err);
    exit_status = status == LAC_OK ? -1 : lac_tool_fail(t, LAC_EXIT_FAILURE, err.text, NULL);
    if (exit_status < 0) {
        status = open_kafka(r, &err);
        if (status != LAC_OK)
            exit_status = status == LAC_REJECT ? lac_tool_fail(t, LAC_EXIT_USAGE, err.text, NULL)
                                               : lac_tool_dependency(t, &err, NULL);
    }
    if (exit_status < 0)
        exit_status = resume(r);
    if (exit_status < 0) {
        const char *prefix = lac_conf_text(t->conf, "kafka.topic_prefix");

        if (r->term.terminal && !o->quiet &&
            lac_topic_group(group, prefix, lac_topic_find(prefix, lac_str_from(o->topic))) &&
            lac_publish_lag_start(&r->lag, &r->kafka, r->topic_name, group, &err) != LAC_OK)
            r->lag = NULL; /* the progress line leaves it out */
        r->started_ms = r->saved_ms = lac_clock_mono_ms();
        status = lac_publish_send_all(r, &err);
        exit_status = finish(r, status, &err);
    }
    close_all(r);
    free(r);
    return exit_status;
}
