/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pg - one connection to Postgres
 *
 * The only folder that knows libpq. It adds what a daemon needs: a connect deadline in
 * milliseconds, dead peers noticed (keep-alives, TCP_USER_TIMEOUT), UTF-8 whatever the locale,
 * statements that end (statement_timeout), and one table from SQLSTATE to lac_status, so that
 * callers never look at a code to decide what to do.
 *
 * Error texts carry the SQLSTATE, the server's primary message and the constraint's name; never
 * DETAIL or CONTEXT, which quote rows, and never the URL or the password.
 *
 * Thread: owner. A connection belongs to one thread; different ones are independent.
 */
#ifndef LAC_PG_H
#define LAC_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

struct lac_pg;
struct lac_pg_rows;

struct lac_pg_options {
    const char *url;      /* postgresql://user@host:port/db?sslmode=verify-full&sslrootcert=FILE */
    const char *password; /* NULL or "": none, or what the URL or ~/.pgpass says */
    const char *application;       /* shown in pg_stat_activity; NULL: "lacuna" */
    uint32_t connect_timeout_ms;   /* per host of the URL; 0: 5000. Name look-up is not bounded. */
    uint32_t statement_timeout_ms; /* 0: none */
    uint32_t lock_timeout_ms;      /* 0: none */
    uint32_t idle_in_transaction_timeout_ms; /* 0: none; the server ends the session */
};

/*
 * A SQLSTATE of five characters as the `code` of a lac_err: err->code ==
 * LAC_PG_SQLSTATE('2', '3', '5', '0', '5'). 0 means that the server did not speak.
 */
#define LAC_PG_SQLSTATE(a, b, c, d, e)                                                   \
    ((((a) - '0') & 0x3f) | ((((b) - '0') & 0x3f) << 6) | ((((c) - '0') & 0x3f) << 12) | \
     ((((d) - '0') & 0x3f) << 18) | ((((e) - '0') & 0x3f) << 24))

#define LAC_PG_UNIQUE_VIOLATION LAC_PG_SQLSTATE('2', '3', '5', '0', '5')
#define LAC_PG_CHECK_VIOLATION  LAC_PG_SQLSTATE('2', '3', '5', '1', '4')
#define LAC_PG_UNDEFINED_TABLE  LAC_PG_SQLSTATE('4', '2', 'P', '0', '1')

/*
 * What a SQLSTATE means for the caller. RETRY: 08 connection, 40 rollback, 53 resources, 57
 * operator, and a few single codes that heal; REJECT: 22 data, 23 integrity, 54000 a row past a
 * limit of the server; FATAL: the rest. `sqlstate` is five characters; anything else is RETRY,
 * as libpq leaves it out when the connection broke. Thread: any. Pure.
 */
enum lac_status lac_pg_status_of(const char *sqlstate);

/*
 * Connects and sets up the session. On LAC_OK `*out` is owned: lac_pg_close(). RETRY: not
 * reachable, starting up, too many connections. FATAL: the URL can't be read, the server
 * refuses the user, the password or the database, or its certificate doesn't verify.
 * Accepts the "postgresql+driver://" spelling of other ecosystems.
 */
enum lac_status lac_pg_connect(struct lac_pg **out, const struct lac_pg_options *options,
                               struct lac_err *err) LAC_MUST_USE;

/* NULL is allowed. An open transaction is rolled back by the server. */
void lac_pg_close(struct lac_pg *pg);

/* False once the connection broke: close it and connect again. */
bool lac_pg_usable(const struct lac_pg *pg);

/* True between BEGIN and its end, failed transactions included. */
bool lac_pg_in_transaction(const struct lac_pg *pg);

/* Server version as 150004 for 15.4. */
int lac_pg_server_version(const struct lac_pg *pg);

/* Runs one or more statements without parameters and drops their rows. `sql` is ours: never
 * built from input, except with lac_pg_quote_name(). */
enum lac_status lac_pg_exec(struct lac_pg *pg, const char *sql, struct lac_err *err) LAC_MUST_USE;

/* COMMIT, and OK only if that is what happened: for a failed transaction the server answers
 * ROLLBACK and calls it success. RETRY: it is not committed, or nobody knows (the connection
 * broke). */
enum lac_status lac_pg_commit(struct lac_pg *pg, struct lac_err *err) LAC_MUST_USE;

/* Parameters travel in binary: nothing is quoted, nothing can break out. */
enum lac_pg_kind {
    LAC_PG_TEXT,  /* text; cast in the statement where another type is wanted: $1::jsonb */
    LAC_PG_BYTES, /* bytea */
    LAC_PG_INT,   /* bigint */
    LAC_PG_BOOL,
    LAC_PG_UUID, /* `bytes` has 16 */
    LAC_PG_TIME, /* timestamptz; `number` is microseconds since 1970 */
};

struct lac_pg_param {
    enum lac_pg_kind kind;
    struct lac_str bytes; /* TEXT, BYTES, UUID; ptr NULL is SQL's NULL */
    int64_t number;       /* INT, BOOL, TIME */
};

static inline struct lac_pg_param lac_pg_text(struct lac_str s)
{
    return (struct lac_pg_param){.kind = LAC_PG_TEXT, .bytes = s};
}

static inline struct lac_pg_param lac_pg_bytes(struct lac_str s)
{
    return (struct lac_pg_param){.kind = LAC_PG_BYTES, .bytes = s};
}

static inline struct lac_pg_param lac_pg_int(int64_t n)
{
    return (struct lac_pg_param){.kind = LAC_PG_INT, .number = n};
}

static inline struct lac_pg_param lac_pg_bool(bool b)
{
    return (struct lac_pg_param){.kind = LAC_PG_BOOL, .number = b};
}

static inline struct lac_pg_param lac_pg_uuid(const uint8_t bytes[16])
{
    return (struct lac_pg_param){.kind = LAC_PG_UUID, .bytes = {(const char *)bytes, 16}};
}

static inline struct lac_pg_param lac_pg_time_us(int64_t us)
{
    return (struct lac_pg_param){.kind = LAC_PG_TIME, .number = us};
}

enum { LAC_PG_PARAMS_MAX = 32 };

/*
 * Runs one statement. `*out` is owned and never NULL on LAC_OK: lac_pg_rows_free(); `out` may
 * be NULL when the rows don't matter. The whole result is held in memory: say LIMIT.
 */
enum lac_status lac_pg_query(struct lac_pg *pg, struct lac_pg_rows **out, const char *sql,
                             const struct lac_pg_param *params, size_t param_count,
                             struct lac_err *err) LAC_MUST_USE;

/* NULL is allowed. */
void lac_pg_rows_free(struct lac_pg_rows *rows);

size_t lac_pg_rows_count(const struct lac_pg_rows *rows);

/* How many rows an INSERT, UPDATE or DELETE touched. */
uint64_t lac_pg_rows_affected(const struct lac_pg_rows *rows);

/*
 * A cell, in Postgres' binary form: exact bytes for text and bytea, 16 bytes for uuid. ptr NULL
 * is SQL's NULL. Borrowed until lac_pg_rows_free(). Indexes out of range abort.
 */
struct lac_str lac_pg_cell(const struct lac_pg_rows *rows, size_t row, size_t column);

/* smallint, int, bigint and bool as a number; NULL and other widths are 0. */
int64_t lac_pg_cell_int(const struct lac_pg_rows *rows, size_t row, size_t column);

/* timestamptz as microseconds since 1970; NULL is 0. */
int64_t lac_pg_cell_time_us(const struct lac_pg_rows *rows, size_t row, size_t column);

#endif
