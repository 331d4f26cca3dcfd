/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pg.h"

#include <ctype.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_pg_private.h"

bool lac_pg_usable(const struct lac_pg *pg)
{
    return pg && PQstatus(pg->conn) == CONNECTION_OK;
}

bool lac_pg_in_transaction(const struct lac_pg *pg)
{
    PGTransactionStatusType s = PQtransactionStatus(pg->conn);

    return s == PQTRANS_INTRANS || s == PQTRANS_INERROR || s == PQTRANS_ACTIVE;
}

int lac_pg_server_version(const struct lac_pg *pg)
{
    return PQserverVersion(pg->conn);
}

void lac_pg_close(struct lac_pg *pg)
{
    if (!pg)
        return;
    PQfinish(pg->conn);
    free(pg);
}

/* libpq ends its texts with a line feed, and a log line has room for one line. */
static int line_length(const char *text)
{
    return (int)strcspn(text, "\n");
}

static int pack_sqlstate(const char *s)
{
    return strlen(s) == 5 ? LAC_PG_SQLSTATE(s[0], s[1], s[2], s[3], s[4]) : 0;
}

enum lac_status lac_pg_fail(struct lac_pg *pg, PGresult *result, const char *what,
                            struct lac_err *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    enum lac_status status;

    if (!state) { /* the connection, or libpq itself: nothing of the server's */
        const char *text = PQerrorMessage(pg->conn);

        status = lac_err_set(err, LAC_RETRY, 0, "pg: %s: %.*s", what,
                             text[0] ? line_length(text) : 15, text[0] ? text : "connection lost");
    } else {
        const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
        /* Messages of class 22 quote the value after a colon: `invalid input syntax for
         * type uuid: "..."`. */
        int length = !message                 ? 0
                     : memcmp(state, "22", 2) ? line_length(message)
                                              : (int)strcspn(message, ":\n");

        status = lac_err_set(err, lac_pg_status_of(state), pack_sqlstate(state),
                             "pg: %s: %s %.*s%s%s", what, state, length, message ? message : "",
                             constraint ? " constraint=" : "", constraint ? constraint : "");
    }
    PQclear(result);
    return status;
}

static void drop_notice(void *ctx, const PGresult *result)
{
    (void)ctx;
    (void)result;
}

void lac_pg_quiet(struct lac_pg *pg)
{
    (void)PQsetNoticeReceiver(pg->conn, drop_notice, NULL);
}

enum lac_status lac_pg_exec(struct lac_pg *pg, const char *sql, struct lac_err *err)
{
    PGresult *r;

    LAC_ASSERT(!pg->copying);
    r = PQexec(pg->conn, sql);
    switch (PQresultStatus(r)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
        PQclear(r);
        return LAC_OK;
    default:
        return lac_pg_fail(pg, r, "statement failed", err);
    }
}

enum lac_status lac_pg_commit(struct lac_pg *pg, struct lac_err *err)
{
    PGresult *r;

    LAC_ASSERT(!pg->copying);
    r = PQexec(pg->conn, "COMMIT");
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        return lac_pg_fail(pg, r, "COMMIT failed", err);
    if (strcmp(PQcmdStatus(r), "COMMIT") != 0) {
        PQclear(r);
        return lac_err_set(err, LAC_RETRY, 0, "pg: the transaction had failed: rolled back");
    }
    PQclear(r);
    return LAC_OK;
}

struct params {
    const char *values[LAC_PG_PARAMS_MAX];
    int lengths[LAC_PG_PARAMS_MAX];
    int formats[LAC_PG_PARAMS_MAX];
    Oid types[LAC_PG_PARAMS_MAX];
    uint64_t numbers[LAC_PG_PARAMS_MAX]; /* network byte order */
    char bools[LAC_PG_PARAMS_MAX];
};

static bool bind_one(struct params *out, size_t i, const struct lac_pg_param *in)
{
    static const Oid types[] = {
        [LAC_PG_TEXT] = 25, [LAC_PG_BYTES] = 17,  [LAC_PG_INT] = 20,
        [LAC_PG_BOOL] = 16, [LAC_PG_UUID] = 2950, [LAC_PG_TIME] = 1184,
    };

    out->types[i] = types[in->kind];
    out->formats[i] = 1;
    switch (in->kind) {
    case LAC_PG_TEXT:
    case LAC_PG_BYTES:
    case LAC_PG_UUID:
        if (in->bytes.len > INT32_MAX)
            return false;
        /* An absent value is NULL, an empty one must not be. */
        out->values[i] = in->bytes.ptr;
        out->lengths[i] = (int)in->bytes.len;
        return true;
    case LAC_PG_BOOL:
        out->bools[i] = (char)(in->number != 0);
        out->values[i] = &out->bools[i];
        out->lengths[i] = 1;
        return true;
    case LAC_PG_INT:
    case LAC_PG_TIME: {
        int64_t n = in->number;

        if (in->kind == LAC_PG_TIME && __builtin_sub_overflow(n, LAC_PG_EPOCH_US, &n))
            return false;
        out->numbers[i] = htobe64((uint64_t)n);
        out->values[i] = (const char *)&out->numbers[i];
        out->lengths[i] = 8;
        return true;
    }
    }
    return false;
}

enum lac_status lac_pg_query(struct lac_pg *pg, struct lac_pg_rows **out, const char *sql,
                             const struct lac_pg_param *params, size_t param_count,
                             struct lac_err *err)
{
    struct params p;
    PGresult *r;

    LAC_ASSERT(!pg->copying && param_count <= LAC_PG_PARAMS_MAX);
    for (size_t i = 0; i < param_count; i++)
        if (!bind_one(&p, i, &params[i]))
            return lac_err_set(err, LAC_REJECT, 0, "pg: parameter %zu is out of range", i + 1);
    r = PQexecParams(pg->conn, sql, (int)param_count, p.types, p.values, p.lengths, p.formats, 1);
    if (PQresultStatus(r) != PGRES_TUPLES_OK && PQresultStatus(r) != PGRES_COMMAND_OK)
        return lac_pg_fail(pg, r, "query failed", err);
    if (out)
        *out = (struct lac_pg_rows *)r;
    else
        PQclear(r);
    return LAC_OK;
}

static const PGresult *result_of(const struct lac_pg_rows *rows)
{
    return (const PGresult *)rows;
}

void lac_pg_rows_free(struct lac_pg_rows *rows)
{
    PQclear((PGresult *)rows);
}

size_t lac_pg_rows_count(const struct lac_pg_rows *rows)
{
    return (size_t)PQntuples(result_of(rows));
}

uint64_t lac_pg_rows_affected(const struct lac_pg_rows *rows)
{
    union {
        const struct lac_pg_rows *rows;
        PGresult *result; /* libpq takes it non-const, but only reads */
    } u = {rows};

    return strtoull(PQcmdTuples(u.result), NULL, 10);
}

struct lac_str lac_pg_cell(const struct lac_pg_rows *rows, size_t row, size_t column)
{
    const PGresult *r = result_of(rows);

    LAC_ASSERT(row < (size_t)PQntuples(r) && column < (size_t)PQnfields(r));
    if (PQgetisnull(r, (int)row, (int)column))
        return LAC_STR_NULL;
    return (struct lac_str){PQgetvalue(r, (int)row, (int)column),
                            (size_t)PQgetlength(r, (int)row, (int)column)};
}

int64_t lac_pg_cell_int(const struct lac_pg_rows *rows, size_t row, size_t column)
{
    struct lac_str s = lac_pg_cell(rows, row, column);
    uint64_t n = 0;

    if (!s.ptr || (s.len != 1 && s.len != 2 && s.len != 4 && s.len != 8))
        return 0;
    for (size_t i = 0; i < s.len; i++)
        n = n << 8 | (unsigned char)s.ptr[i];
    switch (s.len) { /* sign */
    case 2:
        return (int16_t)n;
    case 4:
        return (int32_t)n;
    default:
        return (int64_t)n;
    }
}

int64_t lac_pg_cell_time_us(const struct lac_pg_rows *rows, size_t row, size_t column)
{
    int64_t us;

    if (lac_pg_cell(rows, row, column).len != 8)
        return 0;
    if (__builtin_add_overflow(lac_pg_cell_int(rows, row, column), LAC_PG_EPOCH_US, &us))
        return INT64_MAX; /* 'infinity' */
    return us;
}
