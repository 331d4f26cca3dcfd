/* SPDX-License-Identifier: Apache-2.0 */
/* The half of pg-copy that is about whose a partition is and where reading starts. */
#include <stdio.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_clock.h"
#include "lac_log.h"
#include "lac_output_pg_priv.h"

/* Kafka's answer may be old for a moment after a fail-over; a recreated topic stays shorter. */
enum { PAST_END_PATIENCE = 5 };

/* By how much the clocks of workers, which stamp the records, and the database's may differ. */
enum { CLOCKS_APART_MS = 10000 };

static struct lac_output_pg_part *find(struct lac_output_pg *o, const char *topic,
                                       int32_t partition)
{
    for (size_t i = 0; i < o->part_count; i++)
        if (o->parts[i].partition == partition && strcmp(o->parts[i].topic, topic) == 0)
            return &o->parts[i];
    return NULL;
}

static struct lac_output_pg_part *find_or_add(struct lac_output_pg *o, const char *topic,
                                              int32_t partition)
{
    struct lac_output_pg_part *part = find(o, topic, partition);

    if (part)
        return part;
    LAC_ASSERT(o->part_count < LAC_LANE_PARTITIONS_MAX);
    part = &o->parts[o->part_count++];
    memset(part, 0, sizeof(*part));
    (void)snprintf(part->topic, sizeof(part->topic), "%s", topic);
    part->partition = partition;
    return part;
}

/*
 * Ends the session of whoever claimed this partition before, if it is inside a transaction: its
 * rows can't be committed any more, but its locks would make us wait, for ever if its process is
 * frozen. Also our own former session, when the connection broke. Being refused is no reason to
 * stop: then we wait for lock_timeout and come again.
 */
static enum lac_status end_predecessor(struct lac_output_pg *o,
                                       const struct lac_output_pg_part *part, struct lac_err *err)
{
    static const char sql[] =
        "SELECT pg_terminate_backend(a.pid) FROM sink_offset s"
        " JOIN pg_stat_activity a ON a.pid = s.backend_pid AND a.backend_start = s.backend_start"
        " WHERE s.origin = $1 AND s.topic = $2 AND s.partition = $3"
        " AND a.pid <> pg_backend_pid() AND a.xact_start IS NOT NULL";
    struct lac_pg_param params[] = {lac_pg_text(lac_str_from(o->origin)),
                                    lac_pg_text(lac_str_from(part->topic)),
                                    lac_pg_int(part->partition)};
    struct lac_pg_rows *rows = NULL;
    struct lac_err cause = {0};
    enum lac_status status = lac_pg_query(o->pg, &rows, sql, params, LAC_COUNT(params), &cause);

    if (status == LAC_OK) {
        if (lac_pg_rows_count(rows) > 0)
            lac_log(LAC_LOG_WARN, "sink_predecessor_ended", "topic=%s partition=%d", part->topic,
                    part->partition);
        lac_pg_rows_free(rows);
        return LAC_OK;
    }
    if (!lac_pg_usable(o->pg))
        return lac_err_set(err, LAC_RETRY, cause.code, "%s", cause.text);
    lac_log_err(LAC_LOG_WARN, "sink_predecessor_not_ended", &cause);
    return LAC_OK;
}

/* A new epoch: from here on the predecessor's compare-and-swap misses. */
static enum lac_status take(struct lac_output_pg *o, struct lac_output_pg_part *part,
                            struct lac_err *err)
{
    static const char sql[] =
        "INSERT INTO sink_offset AS s"
        " (origin, topic, partition, epoch, owner, backend_pid, backend_start)"
        " VALUES ($1, $2, $3::integer, 1, $4, pg_backend_pid(), $5)"
        " ON CONFLICT (origin, topic, partition) DO UPDATE SET epoch = s.epoch + 1,"
        " owner = excluded.owner, backend_pid = excluded.backend_pid,"
        " backend_start = excluded.backend_start"
        " RETURNING next_offset, epoch, updated_at";
    struct lac_pg_param params[] = {
        lac_pg_text(lac_str_from(o->origin)), lac_pg_text(lac_str_from(part->topic)),
        lac_pg_int(part->partition), lac_pg_text(lac_str_from(o->options.owner)),
        lac_pg_time_us(o->backend_start_us)};
    struct lac_pg_rows *rows = NULL;
    enum lac_status status = lac_pg_query(o->pg, &rows, sql, params, LAC_COUNT(params), err);

    if (status != LAC_OK)
        return status;
    LAC_ASSERT(lac_pg_rows_count(rows) == 1);
    part->next = lac_pg_cell_int(rows, 0, 0);
    part->epoch = lac_pg_cell_int(rows, 0, 1);
    part->moved_ms = lac_pg_cell_time_us(rows, 0, 2) / 1000;
    lac_pg_rows_free(rows);
    return LAC_OK;
}

/*
 * Reads the position again without taking it. It is an UPDATE, so it waits for a COMMIT of ours
 * whose answer was lost and sees what became of it. `*held` is false when somebody else has a
 * newer epoch.
 */
static enum lac_status look_again(struct lac_output_pg *o, struct lac_output_pg_part *part,
                                  bool *held, struct lac_err *err)
{
    static const char sql[] = "UPDATE sink_offset SET backend_pid = pg_backend_pid(),"
                              " backend_start = $5"
                              " WHERE origin = $1 AND topic = $2 AND partition = $3 AND epoch = $4"
                              " RETURNING next_offset";
    struct lac_pg_param params[] = {
        lac_pg_text(lac_str_from(o->origin)), lac_pg_text(lac_str_from(part->topic)),
        lac_pg_int(part->partition), lac_pg_int(part->epoch), lac_pg_time_us(o->backend_start_us)};
    struct lac_pg_rows *rows = NULL;
    enum lac_status status = lac_pg_query(o->pg, &rows, sql, params, LAC_COUNT(params), err);

    if (status != LAC_OK)
        return status;
    *held = lac_pg_rows_count(rows) == 1;
    if (*held)
        part->next = lac_pg_cell_int(rows, 0, 0);
    lac_pg_rows_free(rows);
    return LAC_OK;
}

/* There is no way on from here that is safe by itself: a person has to say which log it is. */
static enum lac_status recreated(const struct lac_output_pg *o, enum lac_status status,
                                 const struct lac_output_pg_part *part, const char *why,
                                 struct lac_err *err)
{
    return lac_err_set(err, status, 0,
                       "%s[%d] %s: the topic was recreated: set a new kafka.origin, or forget the "
                       "old position with DELETE FROM sink_offset WHERE origin = '%s' AND topic = "
                       "'%s'",
                       part->topic, part->partition, why, o->origin, part->topic);
}

/* A position that the log does not have: before its start records are gone, behind its end it is
 * another log under the same name. */
static enum lac_status check_log(struct lac_output_pg *o, struct lac_output_pg_part *part,
                                 struct lac_err *err)
{
    int64_t low, high;
    enum lac_status status;

    if (!o->options.log.watermarks)
        return LAC_OK;
    status = o->options.log.watermarks(o->options.log.ctx, part->topic, part->partition, &low,
                                       &high, err);
    if (status != LAC_OK)
        return status;
    if (part->next > high) {
        bool sure = ++part->past_end >= PAST_END_PATIENCE;
        char why[96];

        (void)snprintf(why, sizeof(why), "ends at %lld, but the sink has read to %lld",
                       (long long)high, (long long)part->next);
        return recreated(o, sure ? LAC_FATAL : LAC_RETRY, part, why, err);
    }
    part->past_end = 0;
    if (part->next < low && part->next > 0) {
        lac_log(LAC_LOG_ERROR, "sink_records_expired",
                "topic=%s partition=%d first=%lld last=%lld why=\"retention was faster than the "
                "sink\"",
                part->topic, part->partition, (long long)part->next, (long long)low - 1);
        lac_counter_add(o->gaps_total, (uint64_t)(low - part->next));
    }
    return LAC_OK;
}

static enum lac_status start_one(struct lac_output_pg *o, struct lac_kafka_position *p, bool fresh,
                                 struct lac_err *err)
{
    struct lac_output_pg_part *part = find_or_add(o, p->topic, p->partition);
    bool held = true;
    enum lac_status status = end_predecessor(o, part, err);

    if (status == LAC_OK)
        status = fresh ? take(o, part, err) : look_again(o, part, &held, err);
    if (status == LAC_OK && held)
        status = check_log(o, part, err);
    if (status != LAC_OK)
        return status;
    if (!held) {
        o->counts.fenced++;
        lac_counter_add(o->fenced_total, 1);
        lac_log(LAC_LOG_WARN, "sink_partition_lost", "topic=%s partition=%d epoch=%lld",
                part->topic, part->partition, (long long)part->epoch);
        p->offset = LAC_KAFKA_NONE;
    } else {
        p->offset = part->next > 0 ? part->next : LAC_KAFKA_BEGINNING;
    }
    return LAC_OK;
}

enum lac_status lac_output_pg_start(void *ctx, struct lac_kafka_position *p, size_t n, bool fresh,
                                    struct lac_err *err)
{
    struct lac_output_pg *o = ctx;
    enum lac_status status = lac_output_pg_connect(o, err);

    for (size_t i = 0; status == LAC_OK && i < n; i++)
        status = start_one(o, &p[i], fresh, err);
    return status;
}

/*
 * `at` was reached, and the group does not know. Another log is there for sure where that is news,
 * and where it holds records before `at` that are younger than our getting there. Else nobody has
 * read for so long that the brokers forgot the group.
 */
enum lac_status lac_output_pg_anew(void *ctx, const char *topic, int32_t partition, int64_t at,
                                   bool sure, struct lac_err *err)
{
    struct lac_output_pg *o = ctx;
    const struct lac_output_pg_part *part = find(o, topic, partition);
    int64_t younger = LAC_KAFKA_END;
    enum lac_status status = LAC_OK;

    LAC_ASSERT(part);
    if (sure)
        return recreated(o, LAC_FATAL, part, "is another log than the one that was read", err);
    if (o->options.log.at_time && part->moved_ms)
        status = o->options.log.at_time(o->options.log.ctx, topic, partition,
                                        part->moved_ms + CLOCKS_APART_MS, &younger, err);
    if (status != LAC_OK)
        return status;
    if (younger >= 0 && younger < at) {
        char why[128];

        (void)snprintf(why, sizeof(why),
                       "holds %lld, which is younger than the sink's reading to %lld",
                       (long long)younger, (long long)at);
        return recreated(o, LAC_FATAL, part, why, err);
    }
    lac_log(LAC_LOG_INFO, "sink_group_forgotten", "topic=%s partition=%d position=%lld", topic,
            partition, (long long)at);
    return LAC_OK;
}

enum lac_status lac_output_pg_move(struct lac_output_pg *o, const struct lac_kafka_position *p,
                                   size_t n, struct lac_err *err)
{
    static const char sql[] = "UPDATE sink_offset SET next_offset = $6, updated_at = now()"
                              " WHERE origin = $1 AND topic = $2 AND partition = $3"
                              " AND next_offset = $4 AND epoch = $5";

    for (size_t i = 0; i < n; i++) {
        struct lac_output_pg_part *part = find(o, p[i].topic, p[i].partition);
        struct lac_pg_rows *rows = NULL;
        enum lac_status status;
        uint64_t hit;

        LAC_ASSERT(part && p[i].offset >= part->next);
        status = lac_pg_query(
            o->pg, &rows, sql,
            (struct lac_pg_param[]){lac_pg_text(lac_str_from(o->origin)),
                                    lac_pg_text(lac_str_from(part->topic)),
                                    lac_pg_int(part->partition), lac_pg_int(part->next),
                                    lac_pg_int(part->epoch), lac_pg_int(p[i].offset)},
            6, err);
        if (status != LAC_OK)
            return status;
        hit = lac_pg_rows_affected(rows);
        lac_pg_rows_free(rows);
        if (hit != 1)
            return lac_err_set(
                err, LAC_RETRY, 0, "%s[%d] is not at %lld of epoch %lld any more: rolled back",
                part->topic, part->partition, (long long)part->next, (long long)part->epoch);
    }
    return LAC_OK;
}

void lac_output_pg_moved(struct lac_output_pg *o, const struct lac_kafka_position *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct lac_output_pg_part *part = find(o, p[i].topic, p[i].partition);

        part->next = p[i].offset;
        part->moved_ms = 0;
    }
}

void lac_output_pg_revoked(void *ctx, bool lost)
{
    struct lac_output_pg *o = ctx;
    struct lac_pg_param start = lac_pg_time_us(o->backend_start_us);

    o->part_count = 0;
    /* So that a successor doesn't end a session of ours that is busy with other partitions. Not
     * done: it does, and we redo an interval. */
    if (!lost && lac_pg_usable(o->pg) && !lac_pg_in_transaction(o->pg))
        (void)!lac_pg_query(o->pg, NULL,
                            "UPDATE sink_offset SET backend_pid = NULL, backend_start = NULL"
                            " WHERE backend_pid = pg_backend_pid() AND backend_start = $1",
                            &start, 1, NULL);
}
