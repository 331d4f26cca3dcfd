/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_output_pg - pg-copy: rows and position in one Postgres transaction
 *
 * An interval is one transaction: COPY of all its rows, then for each partition
 *
 *     UPDATE sink_offset SET next_offset = new WHERE next_offset = old AND epoch = mine
 *
 * which must hit one row. Taking a partition over raises its epoch, so a predecessor that was
 * frozen and thaws finds its epoch gone and writes nothing; it is rolled back as a whole. A
 * predecessor that still holds a transaction (and with it locks that we would wait for) has its
 * session ended. When COMMIT's answer is lost, start() reads next_offset: it tells which.
 *
 * A key that is there already (23505) sends the interval again through a temporary table with
 * ON CONFLICT DO NOTHING: duplicates are counted, contradictions kept as evidence. Another row
 * that the server refuses is REJECT, and the lane finds it by halving.
 *
 * Rows are tuples of COPY's binary format (lac_pg_copy.h). The table is partitioned by month on
 * the row's first field, a timestamptz; missing partitions are made as rows ask for them.
 *
 * Fault points: sink.in_copy, sink.after_copy, sink.before_commit, sink.after_commit.
 *
 * Thread: lane.
 */
#ifndef LAC_OUTPUT_PG_H
#define LAC_OUTPUT_PG_H

#include "lac_lane.h"
#include "lac_metrics.h"
#include "lac_pg.h"

/* The SQL of a table; immutable text. */
struct lac_output_pg_table {
    const char *copy;           /* COPY t (..) FROM STDIN (FORMAT binary) */
    const char *stage;          /* CREATE TEMP TABLE IF NOT EXISTS .. ON COMMIT DELETE ROWS */
    const char *stage_copy;     /* the same COPY into it */
    const char *stage_insert;   /* INSERT .. SELECT .. ON CONFLICT DO NOTHING */
    const char *stage_evidence; /* INSERT of contradictions, after the other; touches one each */
    const char *make_partition; /* SELECT f($1): for the timestamptz $1 */
    const char *make_ahead;     /* SELECT f($1): this month and $1 more */
};

enum { LAC_OUTPUT_PG_ORIGIN_SIZE = 256 };

/* What the output asks about the log that it reads. */
struct lac_output_pg_log {
    void *ctx;
    /* The identity of the log, NUL-terminated. */
    enum lac_status (*origin)(void *ctx, char out[LAC_OUTPUT_PG_ORIGIN_SIZE], struct lac_err *err);
    /* First offset, and the one behind the last. NULL: positions are not checked. */
    enum lac_status (*watermarks)(void *ctx, const char *topic, int32_t partition, int64_t *low,
                                  int64_t *high, struct lac_err *err);
    /* The first record stamped at `ms` or later; LAC_KAFKA_END: there is none. NULL: a topic that
     * was made anew while nobody read is found by its end only. */
    enum lac_status (*at_time)(void *ctx, const char *topic, int32_t partition, int64_t ms,
                               int64_t *offset, struct lac_err *err);
};

struct lac_output_pg_options {
    struct lac_pg_options pg; /* text borrowed until free; timeouts of 0 become sensible ones */
    const struct lac_output_pg_table *table;
    struct lac_output_pg_log log;
    const char *owner; /* instance and lane, for people; borrowed */
    size_t rows_max;   /* of one transaction */
    uint32_t months_ahead;
    bool schema_unchecked;       /* tests with tables of their own */
    struct lac_metrics *metrics; /* NULL: not counted */
};

struct lac_output_pg;

/* Connects to nothing yet. */
enum lac_status lac_output_pg_new(struct lac_output_pg **out, const struct lac_output_pg_options *o,
                                  struct lac_err *err) LAC_MUST_USE;
void lac_output_pg_free(struct lac_output_pg *o); /* accepts NULL */

/* The seam's view of it. */
struct lac_output lac_output_pg_output(struct lac_output_pg *o);

/* What happened so far. Thread: lane. */
struct lac_output_pg_counts {
    uint64_t rows;       /* inserted */
    uint64_t duplicates; /* keys that were there already */
    uint64_t conflicts;  /* of them, with another content */
    uint64_t fenced;     /* partitions found in other hands */
    uint64_t connects;
};
struct lac_output_pg_counts lac_output_pg_counts(const struct lac_output_pg *o);

#endif
