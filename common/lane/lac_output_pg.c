/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_output_pg.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_clock.h"
#include "lac_fault.h"
#include "lac_log.h"
#include "lac_output_pg_priv.h"

enum {
    STATEMENT_TIMEOUT_MS = 60000,
    LOCK_TIMEOUT_MS = 10000,
    IDLE_IN_TRANSACTION_MS = 60000,
    AHEAD_PERIOD_MS = 3600000,
    /* A row starts with its count of fields, then the first one's length and eight bytes. */
    ROW_TIME_AT = 2 + 4,
    ROW_MIN = ROW_TIME_AT + 8,
};

#define DAY_US         INT64_C(86400000000)
#define EPOCH_2000_US  INT64_C(946684800000000)
#define FIRST_MONTH_US INT64_C(1577836800000000) /* 2020-01-01, as lacuna_make_partition() */

/* ---- connection ---- */

static enum lac_status make_ahead(struct lac_output_pg *o, struct lac_err *err)
{
    struct lac_pg_param months = lac_pg_int(o->options.months_ahead);

    o->ahead_due_ms = lac_clock_mono_ms() + AHEAD_PERIOD_MS;
    if (!o->options.table->make_ahead)
        return LAC_OK;
    return lac_pg_query(o->pg, NULL, o->options.table->make_ahead, &months, 1, err);
}

/* "permission denied" alone does not say what helps. */
static void say_what_to_grant(struct lac_err *err)
{
    if (err && err->code == LAC_PG_SQLSTATE('4', '2', '5', '0', '1')) {
        size_t length = strlen(err->text);

        (void)snprintf(err->text + length, sizeof(err->text) - length,
                       ": GRANT lacuna_writer TO this user");
    }
}

static enum lac_status set_up(struct lac_output_pg *o, struct lac_err *err)
{
    struct lac_pg_rows *rows = NULL;
    enum lac_status status = o->options.schema_unchecked ? LAC_OK : lac_pg_schema_check(o->pg, err);

    if (status == LAC_OK)
        status = make_ahead(o, err);
    if (status == LAC_OK)
        status = lac_pg_query(o->pg, &rows,
                              "SELECT backend_start FROM pg_stat_activity"
                              " WHERE pid = pg_backend_pid()",
                              NULL, 0, err);
    if (status != LAC_OK) {
        say_what_to_grant(err);
        return status;
    }
    o->backend_start_us = lac_pg_rows_count(rows) ? lac_pg_cell_time_us(rows, 0, 0) : 0;
    lac_pg_rows_free(rows);
    return LAC_OK;
}

static void disconnect(struct lac_output_pg *o)
{
    lac_pg_close(o->pg);
    o->pg = NULL;
    o->begun = o->copying = false;
    o->month_count = 0; /* of another server, perhaps, after a fail-over */
    o->month_first_us = o->month_end_us = 0;
}

enum lac_status lac_output_pg_connect(struct lac_output_pg *o, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    if (!o->origin[0])
        status = o->options.log.origin(o->options.log.ctx, o->origin, err);
    if (status != LAC_OK || lac_pg_usable(o->pg))
        return status;
    disconnect(o);
    status = lac_pg_connect(&o->pg, &o->options.pg, err);
    if (status != LAC_OK)
        return status;
    o->counts.connects++;
    status = set_up(o, err);
    if (status != LAC_OK)
        disconnect(o);
    return status;
}

/* ---- months ---- */

/* Days since 1970 of the first of a month; `month` counts from zero. Gregorian, proleptic. */
static int64_t days_of(int64_t year, int64_t month)
{
    int64_t y = month < 2 ? year - 1 : year; /* years start in March, leap day last */
    int64_t m = month < 2 ? month + 10 : month - 2;
    int64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5;

    return days - 719468;
}

/* Sets the span of the month that `us` (2020 or later, within PostgreSQL's range) lies in, and
 * returns its number. */
static int month_of(struct lac_output_pg *o, int64_t us)
{
    int64_t days = us / DAY_US;
    int64_t year = 1970 + days / 366; /* never too high; at most a few steps low */
    int64_t month = 0;

    while (days_of(year + 1, 0) <= days)
        year++;
    while (month < 11 && days_of(year, month + 1) <= days)
        month++;
    o->month_first_us = days_of(year, month) * DAY_US;
    o->month_end_us = (month == 11 ? days_of(year + 1, 0) : days_of(year, month + 1)) * DAY_US;
    return (int)(year * 12 + month);
}

static bool month_known(const struct lac_output_pg *o, int month)
{
    for (size_t i = 0; i < o->month_count; i++)
        if (o->months[i] == month)
            return true;
    return false;
}

static int64_t row_time_us(struct lac_str row)
{
    uint64_t n;

    LAC_ASSERT(row.len >= ROW_MIN);
    memcpy(&n, row.ptr + ROW_TIME_AT, sizeof(n));
    return (int64_t)be64toh(n) + EPOCH_2000_US; /* the writer of rows clamps: no overflow */
}

/* The month to make a partition for, or -1: it is there, or the default partition takes it. */
static int month_wanted(struct lac_output_pg *o, struct lac_str row)
{
    int64_t us = row_time_us(row);
    int month;

    if (us >= o->month_first_us && us < o->month_end_us)
        return -1;
    if (!o->options.table->make_partition || us < FIRST_MONTH_US ||
        us > lac_clock_wall_us() + 430 * DAY_US)
        return -1;
    month = month_of(o, us);
    return month_known(o, month) ? -1 : month;
}

/* ---- the interval ---- */

static enum lac_status begin(struct lac_output_pg *o, struct lac_err *err)
{
    enum lac_status status;

    if (o->begun)
        return LAC_OK;
    if (!lac_pg_usable(o->pg))
        return lac_err_set(err, LAC_RETRY, 0, "pg: not connected");
    status = lac_pg_exec(o->pg, "BEGIN", err);
    o->begun = status == LAC_OK;
    return status;
}

static enum lac_status send_chunk(struct lac_output_pg *o, struct lac_err *err)
{
    enum lac_status status = lac_pg_copy_send(o->pg, lac_buf_str(&o->chunk), err);

    lac_buf_reset(&o->chunk);
    if (status == LAC_OK)
        lac_fault("sink.in_copy");
    return status;
}

static enum lac_status end_copy(struct lac_output_pg *o, struct lac_err *err)
{
    enum lac_status status;

    if (!o->copying)
        return LAC_OK;
    status = send_chunk(o, err);
    o->copying = false;
    if (status != LAC_OK) {
        lac_pg_copy_cancel(o->pg);
        return status;
    }
    return lac_pg_copy_end(o->pg, NULL, err);
}

static enum lac_status put_row(struct lac_output_pg *o, const char *copy, struct lac_str row,
                               struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    if (!o->copying) {
        status = lac_pg_copy_begin(o->pg, copy, err);
        o->copying = status == LAC_OK;
    }
    if (status == LAC_OK && o->chunk.len > 0 && o->chunk.len + row.len > LAC_OUTPUT_PG_CHUNK)
        status = send_chunk(o, err);
    if (status != LAC_OK)
        return status;
    if (row.len > LAC_OUTPUT_PG_CHUNK)
        return lac_pg_copy_send(o->pg, row, err);
    lac_buf_put_str(&o->chunk, row);
    return LAC_OK;
}

/*
 * The partitions that the batch needs, each in a transaction of its own: attaching one locks the
 * default partition, and with it all readers, which must not last as long as an interval.
 * AGAIN: an interval is open.
 */
static enum lac_status make_partitions(struct lac_output_pg *o, const struct lac_batch *b,
                                       struct lac_err *err)
{
    for (size_t i = 0; i < b->row_count; i++) {
        int month = month_wanted(o, b->rows[i].row);
        struct lac_pg_param at = lac_pg_time_us(o->month_first_us);
        enum lac_status status;

        if (month < 0)
            continue;
        if (o->begun)
            status = LAC_AGAIN;
        else if (!lac_pg_usable(o->pg))
            status = lac_err_set(err, LAC_RETRY, 0, "pg: not connected");
        else
            status = lac_pg_query(o->pg, NULL, o->options.table->make_partition, &at, 1, err);
        if (status != LAC_OK) {
            o->month_first_us = o->month_end_us = 0;
            return status;
        }
        if (o->month_count < LAC_COUNT(o->months))
            o->months[o->month_count++] = month;
    }
    return LAC_OK;
}

static enum lac_status write_rows(void *ctx, struct lac_batch *b, struct lac_err *err)
{
    struct lac_output_pg *o = ctx;
    enum lac_status status;

    if (o->row_count + b->row_count > o->options.rows_max) {
        if (o->row_count > 0)
            return LAC_AGAIN;
        return lac_err_set(err, LAC_REJECT, 0, "a batch of %zu rows; a transaction takes %zu",
                           b->row_count, o->options.rows_max);
    }
    status = make_partitions(o, b, err);
    if (status == LAC_OK && b->row_count > 0)
        status = begin(o, err);
    if (status != LAC_OK)
        return status;
    for (size_t i = 0; i < b->row_count; i++) {
        o->rows[o->row_count++] = b->rows[i].row;
        if (o->copy_status == LAC_OK)
            o->copy_status = put_row(o, o->options.table->copy, b->rows[i].row, &o->copy_err);
    }
    /* Refused rows are dealt with when the interval is complete; the rest can't wait. */
    if (o->copy_status == LAC_OK || o->copy_status == LAC_REJECT)
        return LAC_OK;
    if (err)
        *err = o->copy_err;
    return o->copy_status;
}

/* Leaves the transaction. */
static enum lac_status roll_back(struct lac_output_pg *o, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    lac_pg_copy_cancel(o->pg);
    lac_buf_reset(&o->chunk);
    o->copying = false;
    if (o->begun && lac_pg_usable(o->pg))
        status = lac_pg_exec(o->pg, "ROLLBACK", err);
    o->begun = false;
    return status;
}

static enum lac_status run_counted(struct lac_output_pg *o, const char *sql, uint64_t *count,
                                   struct lac_err *err)
{
    struct lac_pg_rows *rows = NULL;
    enum lac_status status = lac_pg_query(o->pg, &rows, sql, NULL, 0, err);

    if (status != LAC_OK)
        return status;
    *count = lac_pg_rows_affected(rows);
    lac_pg_rows_free(rows);
    return LAC_OK;
}

/* The slower way, taken only when a key is there already: half the speed, but it says which. */
static enum lac_status stage(struct lac_output_pg *o, uint64_t *inserted, uint64_t *conflicts,
                             struct lac_err *err)
{
    const struct lac_output_pg_table *t = o->options.table;
    enum lac_status status = roll_back(o, err);

    if (status == LAC_OK)
        status = begin(o, err);
    if (status == LAC_OK)
        status = lac_pg_exec(o->pg, t->stage, err);
    for (size_t i = 0; status == LAC_OK && i < o->row_count; i++)
        status = put_row(o, t->stage_copy, o->rows[i], err);
    if (status == LAC_OK)
        status = end_copy(o, err);
    if (status == LAC_OK)
        status = run_counted(o, t->stage_insert, inserted, err);
    if (status == LAC_OK)
        status = run_counted(o, t->stage_evidence, conflicts, err);
    return status;
}

/* All rows are in the open transaction afterwards. */
static enum lac_status finish_rows(struct lac_output_pg *o, uint64_t *inserted, uint64_t *conflicts,
                                   struct lac_err *err)
{
    enum lac_status status = o->copy_status;
    struct lac_err cause = o->copy_err;

    *inserted = o->row_count;
    *conflicts = 0;
    if (status == LAC_OK)
        status = end_copy(o, &cause);
    if (status == LAC_REJECT && cause.code == LAC_PG_UNIQUE_VIOLATION)
        return stage(o, inserted, conflicts, err);
    /* Another session attached the month's partition under our COPY: nobody's row is bad. */
    if (status == LAC_REJECT && cause.code == LAC_PG_CHECK_VIOLATION)
        status = LAC_RETRY;
    if (status != LAC_OK)
        return lac_err_set(err, status, cause.code, "%s", cause.text);
    return LAC_OK;
}

static void forget_interval(struct lac_output_pg *o)
{
    o->row_count = 0;
    o->begun = o->copying = false;
    o->copy_status = LAC_OK;
    lac_buf_reset(&o->chunk);
}

static void count(struct lac_output_pg *o, uint64_t inserted, uint64_t conflicts)
{
    uint64_t duplicates = o->row_count - inserted;

    o->counts.rows += inserted;
    o->counts.duplicates += duplicates;
    o->counts.conflicts += conflicts;
    lac_counter_add(o->rows_total, inserted);
    lac_counter_add(o->duplicates_total, duplicates);
    lac_counter_add(o->conflicts_total, conflicts);
    if (duplicates)
        lac_log(conflicts ? LAC_LOG_ERROR : LAC_LOG_INFO, "sink_duplicates_skipped",
                "rows=%zu duplicates=%llu conflicts=%llu", o->row_count,
                (unsigned long long)duplicates, (unsigned long long)conflicts);
}

/* Months go by while a sink runs. A failure is repeated in an hour; rows that come first make
 * their partition themselves. */
static void keep_ahead(struct lac_output_pg *o)
{
    struct lac_err err = {0};

    if (lac_clock_mono_ms() >= o->ahead_due_ms && make_ahead(o, &err) != LAC_OK)
        lac_log_err(LAC_LOG_WARN, "partitions_not_made_ahead", &err);
}

static enum lac_status commit(void *ctx, const struct lac_kafka_position *p, size_t n,
                              struct lac_err *err)
{
    struct lac_output_pg *o = ctx;
    uint64_t inserted = 0, conflicts = 0;
    enum lac_status status = begin(o, err);

    if (status == LAC_OK)
        status = finish_rows(o, &inserted, &conflicts, err);
    if (status != LAC_OK)
        return status;
    lac_fault("sink.after_copy");
    status = lac_output_pg_move(o, p, n, err);
    if (status != LAC_OK)
        return status;
    lac_fault("sink.before_commit");
    status = lac_pg_commit(o->pg, err);
    if (status != LAC_OK)
        return status;
    lac_fault("sink.after_commit");
    lac_output_pg_moved(o, p, n);
    count(o, inserted, conflicts);
    forget_interval(o);
    keep_ahead(o);
    return LAC_OK;
}

static enum lac_status abort_interval(void *ctx, struct lac_err *err)
{
    struct lac_output_pg *o = ctx;
    struct lac_err cause;

    /* A session that can't even roll back is given up: the server then does it. */
    if (o->pg && roll_back(o, &cause) != LAC_OK)
        disconnect(o);
    forget_interval(o);
    (void)err;
    return LAC_OK;
}

static enum lac_status open_output(void *ctx, struct lac_err *err)
{
    return lac_output_pg_connect(ctx, err);
}

static void close_output(void *ctx)
{
    struct lac_output_pg *o = ctx;

    disconnect(o);
    forget_interval(o);
    o->part_count = 0;
}

/* ---- life ---- */

static void declare_metrics(struct lac_output_pg *o)
{
    struct lac_metrics *m = o->options.metrics;

    if (!m)
        return;
    o->rows_total =
        lac_metrics_counter(m, "lacuna_sink_rows_total", "Rows inserted into Postgres.", NULL);
    o->duplicates_total = lac_metrics_counter(m, "lacuna_sink_duplicates_total",
                                              "Records whose key Postgres had already.", NULL);
    o->conflicts_total =
        lac_metrics_counter(m, "lacuna_sink_conflicts_total",
                            "Records whose key Postgres had already with another decision.", NULL);
    o->fenced_total = lac_metrics_counter(m, "lacuna_sink_fenced_total",
                                          "Partitions found to belong to another sink.", NULL);
    o->gaps_total =
        lac_metrics_counter(m, "lacuna_sink_expired_records_total",
                            "Records that retention removed before they were read.", NULL);
}

enum lac_status lac_output_pg_new(struct lac_output_pg **out, const struct lac_output_pg_options *o,
                                  struct lac_err *err)
{
    struct lac_output_pg *n = calloc(1, sizeof(*n));

    LAC_ASSERT(o->table && o->log.origin && o->rows_max > 0);
    if (n) {
        n->options = *o;
        n->parts = calloc(LAC_LANE_PARTITIONS_MAX, sizeof(*n->parts));
        n->rows = calloc(o->rows_max, sizeof(*n->rows));
        lac_buf_init(&n->chunk, LAC_OUTPUT_PG_CHUNK);
    }
    if (!n || !n->parts || !n->rows || !lac_buf_reserve(&n->chunk, LAC_OUTPUT_PG_CHUNK)) {
        lac_output_pg_free(n);
        return lac_err_set(err, LAC_FATAL, ENOMEM, "pg-copy: out of memory");
    }
    if (!n->options.owner)
        n->options.owner = "";
    if (!n->options.pg.statement_timeout_ms)
        n->options.pg.statement_timeout_ms = STATEMENT_TIMEOUT_MS;
    if (!n->options.pg.lock_timeout_ms)
        n->options.pg.lock_timeout_ms = LOCK_TIMEOUT_MS;
    if (!n->options.pg.idle_in_transaction_timeout_ms)
        n->options.pg.idle_in_transaction_timeout_ms = IDLE_IN_TRANSACTION_MS;
    declare_metrics(n);
    *out = n;
    return LAC_OK;
}

void lac_output_pg_free(struct lac_output_pg *o)
{
    if (!o)
        return;
    lac_pg_close(o->pg);
    lac_buf_deinit(&o->chunk);
    free(o->parts);
    free(o->rows);
    free(o);
}

struct lac_output lac_output_pg_output(struct lac_output_pg *o)
{
    static const struct lac_output_ops ops = {
        .name = "pg-copy",
        .carries_records = false,
        .open = open_output,
        .start = lac_output_pg_start,
        .anew = lac_output_pg_anew,
        .write = write_rows,
        .commit = commit,
        .abort = abort_interval,
        .revoked = lac_output_pg_revoked,
        .close = close_output,
    };

    return (struct lac_output){.ctx = o, .ops = &ops};
}

struct lac_output_pg_counts lac_output_pg_counts(const struct lac_output_pg *o)
{
    return o->counts;
}
