/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_pg_fixture - sinks that write to a real Postgres, and a look at it from outside
 *
 * Thread: the test's.
 */
#ifndef OUTPUT_PG_FIXTURE_H
#define OUTPUT_PG_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "lac_arena.h"
#include "lac_metrics.h"
#include "lac_output_pg.h"
#include "lac_records.h"
#include "pg_fixture.h"

enum { FIXTURE_ROWS = 2000, FIXTURE_PARTITION = 3 };
#define FIXTURE_TOPIC   "t.lineage"
#define FIXTURE_TIME_MS INT64_C(1700000000000) /* November 2023 */

extern struct pg_fixture fixture_server;
extern struct lac_pg *fixture_watch;        /* looks from outside */
extern struct lac_metrics *fixture_metrics; /* of sinks that are opened; may be NULL */

/* Empty tables. The first call starts the server; without one the program is skipped. */
void fixture_clean_tables(void);

/* Connects fixture_watch anew. */
void fixture_connect(void);

/* ---- one sink ---- */

struct fixture_sink {
    char url[256];
    struct lac_output_pg *o;
    struct lac_output out;
    struct lac_arena arena;
    struct lac_batch_row rows[FIXTURE_ROWS];
    size_t row_count;
    int64_t at;        /* next to read */
    int64_t low, high; /* of the log */
};

void fixture_open(struct fixture_sink *s);
void fixture_open_at(struct fixture_sink *s, const char *url);
void fixture_close(struct fixture_sink *s);

/* Goes on from where the table says. */
enum lac_status fixture_start(struct fixture_sink *s, bool fresh, struct lac_err *err);

struct fixture_event {
    uint32_t event;
    enum lac_tier tier;
    int64_t time_ms;
    const char *tenant;
    const char *excerpt;
};

/* Number `n`, of November 2023. */
struct fixture_event fixture_event(uint32_t n);

/* Its row, in the sink's arena. */
struct lac_str fixture_row(struct fixture_sink *s, struct fixture_event w);

enum lac_status fixture_write(struct fixture_sink *s, struct lac_str row, struct lac_err *err);
enum lac_status fixture_put(struct fixture_sink *s, struct fixture_event w);
enum lac_status fixture_commit(struct fixture_sink *s, struct lac_err *err);
void fixture_give_up(struct fixture_sink *s);

/* ---- looking from outside ---- */

int64_t fixture_number(const char *sql);
int64_t fixture_row_count(void);
int64_t fixture_next_offset(void);

#endif
