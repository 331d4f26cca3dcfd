/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_publish_reader - lines and CSV rows out of a stream of bytes
 *
 * Reads what people have: files with either kind of line end, a byte order mark, a last line
 * without an end, rows over several lines. One bad record never takes its neighbours with it:
 * after an error the reader stands at the next line. Every record is bounded, so a file
 * without line ends costs one buffer and an error.
 *
 * Records are valid UTF-8 without NUL; anything else is an error. Error texts give a reason
 * and never a byte of the input.
 *
 * Thread: owner.
 */
#ifndef LAC_PUBLISH_READER_H
#define LAC_PUBLISH_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

enum {
    LAC_PUBLISH_RECORD_MAX = 1 << 20, /* bytes of a line, row or file */
    LAC_PUBLISH_FIELDS_MAX = 256,     /* columns of a CSV file */
};

/* Fills `into` with up to `n` bytes: the count, 0 at the end, -1 with errno. */
typedef int64_t lac_publish_read_fn(void *ctx, void *into, size_t n);

struct lac_publish_reader {
    uint64_t line;     /* of the record returned last, from 1: where it begins */
    uint64_t position; /* bytes of the stream up to the record's end, line end included */
    char separator;    /* of CSV fields; ',' */
    uint64_t lines;    /* of the stream up to there */
    lac_publish_read_fn *_read;
    void *_ctx;
    char *_buffer; /* owned */
    size_t _capacity, _start, _end, _limit;
    bool _eof;
};

/* Takes no input yet. `limit` is the longest record, at most LAC_PUBLISH_RECORD_MAX.
 * `position` and `line` tell where `read` begins: 0 and 0, or what an earlier run had done. */
enum lac_status lac_publish_reader_init(struct lac_publish_reader *r, lac_publish_read_fn *read,
                                        void *ctx, size_t limit, uint64_t position, uint64_t line,
                                        struct lac_err *err) LAC_MUST_USE;
void lac_publish_reader_deinit(struct lac_publish_reader *r); /* safe on a zeroed reader */

/*
 * The next line without its end; empty lines are passed over. OK: `out` is borrowed until the
 * next call. AGAIN: the end. REJECT: this line is bad, `line` says which; call again for the
 * next. FATAL: reading failed.
 */
enum lac_status lac_publish_reader_line(struct lac_publish_reader *r, struct lac_str *out,
                                        struct lac_err *err) LAC_MUST_USE;

/* The next CSV row (RFC 4180), its fields without quotes, at most LAC_PUBLISH_FIELDS_MAX.
 * Answers and lifetimes as above; an unclosed quote costs one line. */
enum lac_status lac_publish_reader_row(struct lac_publish_reader *r,
                                       struct lac_str fields[LAC_PUBLISH_FIELDS_MAX], size_t *count,
                                       struct lac_err *err) LAC_MUST_USE;

/* The first byte that is not blank, without taking it; -1 when there is none in the first
 * buffer. An error shows at the next record. */
int lac_publish_reader_peek(struct lac_publish_reader *r);

/* Which of ',', ';' and tab the next line uses most, ',' on a tie. */
char lac_publish_reader_separator(struct lac_publish_reader *r);

/* All that is left as one record. AGAIN: nothing was left. */
enum lac_status lac_publish_reader_rest(struct lac_publish_reader *r, struct lac_str *out,
                                        struct lac_err *err) LAC_MUST_USE;

#endif
