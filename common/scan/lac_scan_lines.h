/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_scan_lines - {"id": ..., "text": "..."} lines, in blocks for several threads
 *
 * The reader cuts a stream at line ends into blocks that a thread can work on; a line that is too
 * long costs only itself. Lines are numbered from 1. A UTF-8 byte order mark that the stream begins
 * with is no content: editors and shells of some systems write one (RFC 8259, 8.1, lets a reader
 * pass over it).
 *
 * Thread: owner.
 */
#ifndef LAC_SCAN_LINES_H
#define LAC_SCAN_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_json.h"
#include "lac_str.h"

enum {
    LAC_SCAN_LINE_BYTES = 8 << 20,    /* of one line */
    LAC_SCAN_BLOCK_BYTES = 256 << 10, /* of a block, unless one line is longer */
    LAC_SCAN_BLOCK_MOST = LAC_SCAN_LINE_BYTES + 2 * LAC_SCAN_BLOCK_BYTES,
};

/* Reads up to `n` bytes: 0 at the end, negative with errno set when it failed. */
typedef int64_t lac_scan_read(void *ctx, void *into, size_t n);

/* From a file descriptor: `ctx` points to an int. */
lac_scan_read lac_scan_read_fd;

struct lac_scan_lines {
    /* private */
    lac_scan_read *_read;
    void *_ctx;
    struct lac_buf _buf;
    size_t _at;     /* bytes of it that were given away */
    uint64_t _line; /* number of the line at `_at` */
    size_t _most;   /* bytes of one line */
    bool _begun;    /* past a byte order mark, if there was one */
    bool _ended, _skipping;
};

struct lac_scan_block {
    struct lac_buf text; /* whole lines; owned by who holds the block */
    uint64_t line;       /* number of the first one */
    bool too_long;       /* instead of text: that line is longer than allowed */
};

/* `line_bytes` 0: LAC_SCAN_LINE_BYTES. */
void lac_scan_lines_init(struct lac_scan_lines *l, lac_scan_read *read, void *ctx,
                         size_t line_bytes);
void lac_scan_lines_deinit(struct lac_scan_lines *l);

/* Fills `b`, whose text is initialised with the limit LAC_SCAN_BLOCK_MOST. A line in it may still
 * be longer than allowed, by what was read with it: its length says so. AGAIN: the stream has
 * ended. FATAL: it can't be read, or no memory. */
enum lac_status lac_scan_lines_next(struct lac_scan_lines *l, struct lac_scan_block *b,
                                    struct lac_err *err) LAC_MUST_USE;

/* The next line of a block's text, without its end; false: there is none. `*at` begins with 0 and
 * `*line` with the block's. */
bool lac_scan_lines_cut(struct lac_str text, size_t *at, uint64_t *line, struct lac_str *out,
                        uint64_t *number);

/* One parsed line. */
struct lac_scan_item {
    struct lac_json *document; /* owned */
    const struct lac_json *id; /* any value; NULL: absent */
    struct lac_str text;       /* borrowed from the document */
};

/* REJECT: no JSON object with a string "text"; the reason never holds a byte of the line. Other
 * members are left alone. RETRY: no memory. Deinit in any case. */
enum lac_status lac_scan_item_parse(struct lac_scan_item *item, struct lac_str line,
                                    struct lac_err *err) LAC_MUST_USE;
void lac_scan_item_deinit(struct lac_scan_item *item);

/* Appends {"line":N,"error":"..."} and a line break. */
void lac_scan_put_error(struct lac_buf *out, uint64_t line, const char *why);

#endif
