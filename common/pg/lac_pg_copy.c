/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pg_copy.h"

#include <endian.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_pg_private.h"

enum { OID_TEXT = 25 };

/* Signature (11 bytes, its NUL included), flags, length of the extension. */
static const char header[] = "PGCOPY\n\377\r\n\0"
                             "\0\0\0\0"
                             "\0\0\0\0";
_Static_assert(sizeof(header) - 1 == 19, "the header of COPY's binary format");
static const char trailer[] = "\377\377";
static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* 1-01-01 and 9999-12-31T23:59:59.999999 in microseconds since 2000: inside what Postgres holds,
 * and what every client library can print. */
#define TIME_MIN (-INT64_C(63082281600000000))
#define TIME_MAX INT64_C(252455615999999999)

static void put_be16(struct lac_buf *b, uint16_t n)
{
    n = htobe16(n);
    lac_buf_put(b, &n, sizeof(n));
}

static void put_be32(struct lac_buf *b, uint32_t n)
{
    n = htobe32(n);
    lac_buf_put(b, &n, sizeof(n));
}

/* Length and value in one piece: a row is forty of these. */
static void put_field(struct lac_buf *b, const void *value, uint32_t size)
{
    char *out = lac_buf_reserve(b, 4 + size);
    uint32_t length = htobe32(size);

    if (!out)
        return;
    memcpy(out, &length, 4);
    memcpy(out + 4, value, size);
    lac_buf_commit(b, 4 + size);
}

void lac_pg_put_row(struct lac_buf *b, int16_t fields)
{
    put_be16(b, (uint16_t)fields);
}

void lac_pg_put_null(struct lac_buf *b)
{
    put_be32(b, UINT32_MAX);
}

void lac_pg_put_bool(struct lac_buf *b, bool value)
{
    char n = value ? 1 : 0;

    put_field(b, &n, 1);
}

void lac_pg_put_int(struct lac_buf *b, int32_t value)
{
    uint32_t n = htobe32((uint32_t)value);

    put_field(b, &n, 4);
}

void lac_pg_put_bigint(struct lac_buf *b, int64_t value)
{
    uint64_t n = htobe64((uint64_t)value);

    put_field(b, &n, 8);
}

void lac_pg_put_bytes(struct lac_buf *b, struct lac_str value)
{
    if (!value.ptr)
        lac_pg_put_null(b);
    else if (value.len > INT32_MAX) /* can't be said in this format; the row is not sent */
        b->failed = true;
    else
        put_field(b, value.ptr, (uint32_t)value.len);
}

void lac_pg_put_uuid(struct lac_buf *b, const uint8_t bytes[16])
{
    lac_pg_put_bytes(b, (struct lac_str){(const char *)bytes, 16});
}

/* `value` contains a NUL somewhere. */
static void put_without_nul(struct lac_buf *b, struct lac_str value)
{
    size_t mark = lac_pg_open_field(b);

    while (value.len > 0) {
        const char *nul = memchr(value.ptr, 0, value.len);
        size_t n = nul ? (size_t)(nul - value.ptr) : value.len;

        lac_buf_put(b, value.ptr, n);
        if (nul) {
            lac_buf_put(b, replacement, sizeof(replacement) - 1);
            n++;
        }
        value.ptr += n;
        value.len -= n;
    }
    lac_pg_close_field(b, mark);
}

void lac_pg_put_text(struct lac_buf *b, struct lac_str value)
{
    if (value.ptr && value.len > 0 && memchr(value.ptr, 0, value.len))
        put_without_nul(b, value);
    else
        lac_pg_put_bytes(b, value);
}

void lac_pg_put_text_cut(struct lac_buf *b, struct lac_str value, size_t limit)
{
    if (value.ptr && value.len > limit) {
        value.len = limit;
        /* Not inside a character: back over its continuation bytes. */
        while (value.len > 0 && ((unsigned char)value.ptr[value.len] & 0xc0) == 0x80)
            value.len--;
    }
    lac_pg_put_text(b, value);
}

void lac_pg_put_text_array(struct lac_buf *b, const struct lac_str *items, size_t count,
                           size_t limit)
{
    size_t mark = lac_pg_open_text_array(b);

    for (size_t i = 0; i < count; i++)
        lac_pg_put_text_cut(b, items[i], limit);
    lac_pg_close_text_array(b, mark, count);
}

void lac_pg_put_time_us(struct lac_buf *b, int64_t us)
{
    if (__builtin_sub_overflow(us, LAC_PG_EPOCH_US, &us) || us < TIME_MIN)
        us = TIME_MIN;
    lac_pg_put_bigint(b, us < TIME_MAX ? us : TIME_MAX);
}

size_t lac_pg_open_field(struct lac_buf *b)
{
    put_be32(b, 0);
    return b->len;
}

void lac_pg_close_field(struct lac_buf *b, size_t mark)
{
    uint32_t n;

    if (!lac_buf_ok(b))
        return;
    LAC_ASSERT(mark >= 4 && mark <= b->len);
    if (b->len - mark > INT32_MAX) {
        b->failed = true;
        return;
    }
    n = htobe32((uint32_t)(b->len - mark));
    memcpy(b->ptr + mark - 4, &n, 4);
}

size_t lac_pg_open_jsonb(struct lac_buf *b)
{
    size_t mark = lac_pg_open_field(b);

    lac_buf_put_char(b, 1); /* version of jsonb's binary form */
    return mark;
}

size_t lac_pg_open_text_array(struct lac_buf *b)
{
    size_t mark = lac_pg_open_field(b);

    put_be32(b, 1); /* dimensions */
    put_be32(b, 1); /* has NULLs: only a hint */
    put_be32(b, OID_TEXT);
    put_be32(b, 0); /* count, filled at the end */
    put_be32(b, 1); /* lower bound */
    return mark;
}

void lac_pg_close_text_array(struct lac_buf *b, size_t mark, size_t count)
{
    uint32_t n = htobe32((uint32_t)count);

    if (!lac_buf_ok(b))
        return;
    if (count > INT32_MAX) {
        b->failed = true;
        return;
    }
    if (count == 0) { /* an empty array has no dimension at all */
        memset(b->ptr + mark, 0, 4);
        b->len = mark + 12;
    } else {
        memcpy(b->ptr + mark + 12, &n, 4);
    }
    lac_pg_close_field(b, mark);
}

enum lac_status lac_pg_copy_begin(struct lac_pg *pg, const char *sql, struct lac_err *err)
{
    PGresult *r;

    LAC_ASSERT(!pg->copying);
    r = PQexec(pg->conn, sql);
    if (PQresultStatus(r) != PGRES_COPY_IN)
        return lac_pg_fail(pg, r, "COPY not started", err);
    PQclear(r);
    pg->copying = true;
    return lac_pg_copy_send(pg, (struct lac_str){header, sizeof(header) - 1}, err);
}

enum lac_status lac_pg_copy_send(struct lac_pg *pg, struct lac_str rows, struct lac_err *err)
{
    /* Pieces let the server start on the first while the rest is copied into libpq's buffer,
     * and keep that buffer small. */
    enum { PIECE = 65536 };

    LAC_ASSERT(pg->copying);
    while (rows.len > 0) {
        size_t n = rows.len < PIECE ? rows.len : PIECE;

        if (PQputCopyData(pg->conn, rows.ptr, (int)n) != 1)
            return lac_pg_fail(pg, NULL, "COPY interrupted", err);
        rows.ptr += n;
        rows.len -= n;
    }
    return LAC_OK;
}

/* The results after the end of a COPY: libpq gives NULL after the last. */
static enum lac_status drain(struct lac_pg *pg, uint64_t *rows, struct lac_err *err)
{
    enum lac_status status = LAC_OK;
    PGresult *r;

    while ((r = PQgetResult(pg->conn))) {
        if (PQresultStatus(r) == PGRES_COMMAND_OK) {
            uint64_t n = 0;

            if (!lac_str_to_u64(lac_str_from(PQcmdTuples(r)), &n))
                n = 0;
            if (rows)
                *rows = n;
            PQclear(r);
        } else if (PQresultStatus(r) == PGRES_COPY_IN) {
            PQclear(r); /* libpq repeats this one for ever on a broken connection */
            if (PQstatus(pg->conn) != CONNECTION_OK)
                return lac_pg_fail(pg, NULL, "COPY interrupted", err);
        } else {
            status = lac_pg_fail(pg, r, "COPY failed", err);
        }
    }
    return status;
}

enum lac_status lac_pg_copy_end(struct lac_pg *pg, uint64_t *rows, struct lac_err *err)
{
    enum lac_status status;

    LAC_ASSERT(pg->copying);
    if (rows)
        *rows = 0;
    status = lac_pg_copy_send(pg, (struct lac_str){trailer, sizeof(trailer) - 1}, err);
    pg->copying = false;
    if (status != LAC_OK)
        return status;
    if (PQputCopyEnd(pg->conn, NULL) != 1)
        return lac_pg_fail(pg, NULL, "COPY interrupted", err);
    return drain(pg, rows, err);
}

void lac_pg_copy_cancel(struct lac_pg *pg)
{
    if (!pg || !pg->copying)
        return;
    pg->copying = false;
    if (PQputCopyEnd(pg->conn, "given up") == 1)
        (void)!drain(pg, NULL, NULL);
}
