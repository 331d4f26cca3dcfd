/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the pg-copy output share; nobody else includes it. */
#ifndef LAC_OUTPUT_PG_PRIV_H
#define LAC_OUTPUT_PG_PRIV_H

#include "lac_output_pg.h"
#include "lac_pg_copy.h"
#include "lac_pg_migrate.h"

enum {
    LAC_OUTPUT_PG_CHUNK = 65536,    /* sent to the server in one piece */
    LAC_OUTPUT_PG_MONTHS_MAX = 256, /* 2020-01 to 13 months from now, and some */
};

/* A partition that is ours. */
struct lac_output_pg_part {
    char topic[LAC_KAFKA_TOPIC_SIZE];
    int32_t partition;
    int64_t next;      /* as sink_offset has it; what the next commit compares with */
    int64_t epoch;     /* ours */
    int64_t moved_ms;  /* when whoever had it before moved it last; 0: we have since */
    unsigned past_end; /* how often in a row the position lay behind the log's end */
};

struct lac_output_pg {
    struct lac_output_pg_options options;
    struct lac_pg *pg;                      /* NULL: not connected */
    char origin[LAC_OUTPUT_PG_ORIGIN_SIZE]; /* "": not known yet */
    int64_t backend_start_us;
    uint64_t ahead_due_ms; /* when partitions are made ahead again, monotonic */

    struct lac_output_pg_part *parts; /* [LAC_LANE_PARTITIONS_MAX] */
    size_t part_count;

    /* The interval. Row bytes belong to the batches' arena until commit or abort. */
    struct lac_str *rows; /* [options.rows_max] */
    size_t row_count;
    struct lac_buf chunk; /* rows not sent yet */
    bool begun;           /* a transaction is open */
    bool copying;
    enum lac_status copy_status; /* of an interval whose COPY failed before its end */
    struct lac_err copy_err;

    int months[LAC_OUTPUT_PG_MONTHS_MAX]; /* that have a partition, as year * 12 + month */
    size_t month_count;
    int64_t month_first_us, month_end_us; /* of the row before: nearly always of this one too */

    struct lac_output_pg_counts counts;
    struct lac_counter *rows_total, *duplicates_total, *conflicts_total, *fenced_total, *gaps_total;
};

/* Connects unless connected, and sets up what a session needs. */
enum lac_status lac_output_pg_connect(struct lac_output_pg *o, struct lac_err *err);

/* struct lac_output_ops.start */
enum lac_status lac_output_pg_start(void *ctx, struct lac_kafka_position *p, size_t n, bool fresh,
                                    struct lac_err *err);

/* struct lac_output_ops.anew */
enum lac_status lac_output_pg_anew(void *ctx, const char *topic, int32_t partition, int64_t at,
                                   bool sure, struct lac_err *err);

/* struct lac_output_ops.revoked */
void lac_output_pg_revoked(void *ctx, bool lost);

/* Inside the open transaction: moves the positions, or RETRY when one isn't ours any more. */
enum lac_status lac_output_pg_move(struct lac_output_pg *o, const struct lac_kafka_position *p,
                                   size_t n, struct lac_err *err);

/* After the commit: `p` is what the table has. */
void lac_output_pg_moved(struct lac_output_pg *o, const struct lac_kafka_position *p, size_t n);

#endif
