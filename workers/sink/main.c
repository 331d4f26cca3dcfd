/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lacuna-sink - lineage records from Kafka into Postgres, each exactly once
 *
 * Wiring only: sink_stage turns messages into rows, lac_output_pg makes rows and position durable
 * in one transaction, the lane does the rest. Positions live in Postgres (sink_offset), the Kafka
 * group only shares partitions out.
 *
 * Exit status: 0 after an orderly stop, 1 when a person must act; the log's last error says
 * why and what to do (the database is newer; the topic was recreated; credentials are refused).
 */
#include <stdio.h>
#include <stdlib.h>

#include "lac_kafka_admin.h"
#include "lac_lane_kafka.h"
#include "lac_log.h"
#include "lac_output_pg.h"
#include "lac_registry.h"
#include "lac_runtime.h"
#include "lac_topics.h"
#include "sink_row.h"
#include "sink_stage.h"

enum {
    BATCH_COUNT = 256, /* encoded while the server works off what the socket holds */
    BATCH_BYTES = 4 << 20,
    BATCH_AGE_MS = 20, /* small against the commit interval, so batches rarely wait for it */
    ROW_BYTES = 4096,  /* of the arena for one row: record, decoded arrays and the row itself */
    ARENA_FIRST = 2 * SINK_ROW_BYTES_MAX, /* one row of the largest size must fit */
    ARENA_ROWS_MAX = 256 << 20,
    ADMIN_TIMEOUT_MS = 5000,
    NAME_SIZE = 320,
};

struct sink_lane {
    const struct lac_conf *conf;
    struct lac_kafka_admin *admin;
    struct lac_registry *registry; /* NULL: none is configured */
    struct sink_stage stage;
    struct lac_output_pg *output;
    struct lac_lane_kafka *kafka;
    struct lac_lane *lane;
    char name[NAME_SIZE]; /* lacuna-sink-<instance>-<lane> */
    char fuse[NAME_SIZE + 4096];
    const char *topics[LAC_TOPIC_COUNT]; /* NULL but the dead letters */
    char deadletter[LAC_TOPIC_NAME_SIZE];
    char lineage[LAC_TOPIC_NAME_SIZE];
};

static enum lac_status origin_of_log(void *ctx, char out[LAC_OUTPUT_PG_ORIGIN_SIZE],
                                     struct lac_err *err)
{
    const struct sink_lane *s = ctx;
    const char *configured = lac_conf_text(s->conf, "kafka.origin");
    char id[LAC_KAFKA_CLUSTER_ID_SIZE] = "";
    enum lac_status status = LAC_OK;
    int n;

    if (!configured[0])
        status = lac_kafka_admin_cluster_id(s->admin, ADMIN_TIMEOUT_MS, id, err);
    if (status != LAC_OK)
        return status;
    n = snprintf(out, LAC_OUTPUT_PG_ORIGIN_SIZE, "%s", configured[0] ? configured : id);
    if (n >= LAC_OUTPUT_PG_ORIGIN_SIZE)
        return lac_err_set(err, LAC_FATAL, 0, "kafka.origin is longer than %d bytes",
                           LAC_OUTPUT_PG_ORIGIN_SIZE - 1);
    return LAC_OK;
}

static enum lac_status watermarks(void *ctx, const char *topic, int32_t partition, int64_t *low,
                                  int64_t *high, struct lac_err *err)
{
    const struct sink_lane *s = ctx;

    return lac_kafka_admin_watermarks(s->admin, topic, partition, ADMIN_TIMEOUT_MS, low, high, err);
}

static enum lac_status at_time(void *ctx, const char *topic, int32_t partition, int64_t ms,
                               int64_t *offset, struct lac_err *err)
{
    const struct sink_lane *s = ctx;
    struct lac_kafka_position p = {topic, partition, ms};
    enum lac_status status =
        lac_kafka_admin_offsets_for_times(s->admin, &p, 1, ADMIN_TIMEOUT_MS, err);

    *offset = p.offset;
    return status;
}

static enum lac_status open_stage(struct sink_lane *s, struct lac_err *err)
{
    struct lac_registry_options o = lac_registry_options_from_conf(s->conf);
    struct lac_schema_source source;
    enum lac_status status;

    if (!o.url[0])
        return sink_stage_init(&s->stage, NULL, err);
    status = lac_registry_open(&s->registry, &o, err);
    if (status != LAC_OK)
        return status;
    source = lac_registry_source(s->registry);
    return sink_stage_init(&s->stage, &source, err);
}

static enum lac_status open_output(struct sink_lane *s, struct lac_metrics *metrics,
                                   struct lac_err *err)
{
    struct lac_output_pg_options o = {
        .pg = {.url = lac_conf_text(s->conf, "postgres.url"),
               .password = lac_conf_text(s->conf, "postgres.password"),
               .application = s->name,
               .connect_timeout_ms =
                   (uint32_t)lac_conf_number(s->conf, "postgres.connect_timeout_ms")},
        .table = &sink_decisions_table,
        .log = {.ctx = s, .origin = origin_of_log, .watermarks = watermarks, .at_time = at_time},
        .owner = s->name,
        .rows_max = (size_t)lac_conf_number(s->conf, "sink.batch_rows"),
        .months_ahead = (uint32_t)lac_conf_number(s->conf, "postgres.months_ahead"),
        .metrics = metrics,
    };

    return lac_output_pg_new(&s->output, &o, err);
}

static enum lac_status open_kafka(struct sink_lane *s, struct lac_runtime *rt, struct lac_err *err)
{
    struct lac_kafka_options kafka;
    const char *const inputs[] = {s->lineage};
    char group[LAC_TOPIC_NAME_SIZE];
    const struct lac_lane_kafka_options o = {
        .kafka = &kafka,
        .group = group,
        .group_instance = lac_conf_bool(s->conf, "kafka.static_membership") ? s->name : NULL,
        .inputs = inputs,
        .input_count = 1,
        .topics = s->topics,
        .topic_count = LAC_TOPIC_COUNT,
        .no_producer = true,
    };
    enum lac_status status;

    if (!lac_topic_group(group, lac_conf_text(s->conf, "kafka.topic_prefix"), LAC_TOPIC_LINEAGE))
        return lac_err_set(err, LAC_FATAL, 0, "kafka.topic_prefix is too long");
    lac_runtime_kafka(rt, &kafka);
    status = lac_kafka_admin_open(&s->admin, &kafka, err);
    return status == LAC_OK ? lac_lane_kafka_open(&s->kafka, &o, err) : status;
}

static enum lac_status open_lane(struct sink_lane *s, struct lac_runtime *rt, struct lac_err *err)
{
    size_t rows = (size_t)lac_conf_number(s->conf, "sink.batch_rows");
    size_t arena = rows < ARENA_ROWS_MAX / ROW_BYTES ? rows * ROW_BYTES : ARENA_ROWS_MAX;
    struct lac_lane_options o = {
        .name = s->name,
        .topics = s->topics,
        .topic_count = LAC_TOPIC_COUNT,
        .deadletter_topic = LAC_TOPIC_DEADLETTER,
        .batch_count = rows < BATCH_COUNT ? rows : BATCH_COUNT,
        .batch_bytes = BATCH_BYTES,
        .batch_age_ms = BATCH_AGE_MS,
        .commit_interval_ms = (uint32_t)lac_conf_number(s->conf, "sink.commit_interval_ms"),
        .arena_bytes = arena + ARENA_FIRST,
        .fuse_path = s->fuse,
        .metrics = lac_runtime_metrics(rt),
    };
    enum lac_status status =
        lac_lane_open(&s->lane, &o, lac_lane_kafka_io(s->kafka), lac_output_pg_output(s->output),
                      (struct lac_stage){&s->stage, sink_stage_run}, err);

    if (status != LAC_OK)
        return status;
    lac_lane_kafka_bind(s->kafka, s->lane);
    lac_runtime_add_lane(rt, s->lane, lac_lane_kafka_leave, s->kafka);
    return LAC_OK;
}

static enum lac_status open_all(struct sink_lane *s, size_t index, struct lac_runtime *rt,
                                struct lac_err *err)
{
    const char *prefix;
    enum lac_status status;

    s->conf = lac_runtime_conf(rt);
    prefix = lac_conf_text(s->conf, "kafka.topic_prefix");
    (void)snprintf(s->name, sizeof(s->name), "lacuna-sink-%s-%zu", lac_runtime_instance(rt), index);
    (void)snprintf(s->fuse, sizeof(s->fuse), "%s/%s.fuse", lac_runtime_state_dir(rt), s->name);
    if (!lac_topic_full_name(s->lineage, prefix, LAC_TOPIC_LINEAGE) ||
        !lac_topic_full_name(s->deadletter, prefix, LAC_TOPIC_DEADLETTER))
        return lac_err_set(err, LAC_FATAL, 0, "kafka.topic_prefix makes no legal topic name");
    s->topics[LAC_TOPIC_DEADLETTER] = s->deadletter;
    status = open_stage(s, err);
    if (status == LAC_OK)
        status = open_output(s, lac_runtime_metrics(rt), err);
    if (status == LAC_OK)
        status = open_kafka(s, rt, err);
    return status == LAC_OK ? open_lane(s, rt, err) : status;
}

static void close_all(struct sink_lane *s)
{
    lac_lane_close(s->lane);
    lac_lane_kafka_close(s->kafka);
    lac_output_pg_free(s->output);
    sink_stage_deinit(&s->stage);
    lac_registry_close(s->registry);
    lac_kafka_admin_close(s->admin);
}

static int run(struct lac_runtime *rt)
{
    size_t count = (size_t)lac_conf_number(lac_runtime_conf(rt), "sink.lanes");
    struct sink_lane *lanes = calloc(count, sizeof(*lanes));
    struct lac_err err = {0};
    enum lac_status status = LAC_OK;
    int exit_status = 1;

    if (!lanes) {
        lac_log(LAC_LOG_ERROR, "sink_not_started", "reason=\"out of memory for %zu lanes\"", count);
        return 1;
    }
    for (size_t i = 0; status == LAC_OK && i < count; i++)
        status = open_all(&lanes[i], i, rt, &err);
    if (status == LAC_OK)
        exit_status = lac_runtime_run(rt, &err);
    else
        lac_log_err(LAC_LOG_ERROR, "sink_not_started", &err);
    for (size_t i = 0; i < count; i++)
        close_all(&lanes[i]);
    free(lanes);
    return exit_status;
}

int main(int argc, char **argv)
{
    static const struct lac_runtime_program program = {
        .name = "lacuna-sink",
        .id = LAC_CONF_SINK,
        .summary = "copies decisions from Kafka into Postgres, each exactly once",
    };
    struct lac_runtime *rt = NULL;
    struct lac_err err = {0};
    enum lac_status status = lac_runtime_open(&rt, &program, argc, argv, &err);
    int exit_status;

    if (status != LAC_OK)
        return status == LAC_AGAIN ? 0 : 1;
    exit_status = run(rt);
    lac_runtime_close(rt);
    return exit_status;
}
