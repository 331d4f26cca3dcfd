/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pg_copy - rows in COPY's binary format, and sending them
 *
 * A row is built straight into a bounded lac_buf: no allocation per field, and a buffer that is
 * full says so once, at the end (lac_buf_ok). Rows are plain bytes without state, so that a
 * batch can be sent again, in halves or into another table, exactly as it was.
 *
 *     lac_pg_put_row(b, 2);
 *     lac_pg_put_text(b, name);
 *     lac_pg_put_bigint(b, n);
 *
 * Thread: owner.
 */
#ifndef LAC_PG_COPY_H
#define LAC_PG_COPY_H

#include "lac_buf.h"
#include "lac_pg.h"

/* Starts a row of exactly `fields` fields. */
void lac_pg_put_row(struct lac_buf *b, int16_t fields);

void lac_pg_put_null(struct lac_buf *b);
void lac_pg_put_bool(struct lac_buf *b, bool value);
void lac_pg_put_int(struct lac_buf *b, int32_t value);
void lac_pg_put_bigint(struct lac_buf *b, int64_t value);

/* bytea and uuid (16 bytes). ptr NULL is SQL's NULL. */
void lac_pg_put_bytes(struct lac_buf *b, struct lac_str value);
void lac_pg_put_uuid(struct lac_buf *b, const uint8_t bytes[16]);

/* Valid UTF-8, else the server refuses the row. NUL, which Postgres can't hold, becomes U+FFFD.
 * ptr NULL is SQL's NULL. */
void lac_pg_put_text(struct lac_buf *b, struct lac_str value);

/* The same, first cut at a character to at most `limit` bytes: a longer one would not fit an index.
 * NULs make it longer again, up to three times. */
void lac_pg_put_text_cut(struct lac_buf *b, struct lac_str value, size_t limit);

/* text[] with lower bound 1; elements as lac_pg_put_text_cut(). */
void lac_pg_put_text_array(struct lac_buf *b, const struct lac_str *items, size_t count,
                           size_t limit);

/* timestamptz from microseconds since 1970, clamped to the years 1 to 9999. */
void lac_pg_put_time_us(struct lac_buf *b, int64_t us);

/* jsonb: writes what a jsonb value starts with and returns a mark; append the JSON text to `b`,
 * then lac_pg_close_field(b, mark). */
size_t lac_pg_open_jsonb(struct lac_buf *b) LAC_MUST_USE;

/* A field of a length not known in advance: open, append, close. */
size_t lac_pg_open_field(struct lac_buf *b) LAC_MUST_USE;
void lac_pg_close_field(struct lac_buf *b, size_t mark);

/* text[] of a count not known in advance: open, put the elements as fields, close with their
 * count. */
size_t lac_pg_open_text_array(struct lac_buf *b) LAC_MUST_USE;
void lac_pg_close_text_array(struct lac_buf *b, size_t mark, size_t count);

/*
 * `sql` is "COPY t (a, b) FROM STDIN (FORMAT binary)". Until lac_pg_copy_end() or
 * lac_pg_copy_cancel() the connection takes nothing else.
 */
enum lac_status lac_pg_copy_begin(struct lac_pg *pg, const char *sql,
                                  struct lac_err *err) LAC_MUST_USE;

/* Sends whole rows; blocks while the server is slower. RETRY when the connection broke; a row
 * that the server refuses shows in lac_pg_copy_end(). */
enum lac_status lac_pg_copy_send(struct lac_pg *pg, struct lac_str rows,
                                 struct lac_err *err) LAC_MUST_USE;

/* Ends it; `*rows` (may be NULL) is how many the server took. On failure the transaction is
 * failed as usual. */
enum lac_status lac_pg_copy_end(struct lac_pg *pg, uint64_t *rows,
                                struct lac_err *err) LAC_MUST_USE;

/* Gives up a COPY; the transaction is then failed. Harmless when none is open. */
void lac_pg_copy_cancel(struct lac_pg *pg);

#endif
