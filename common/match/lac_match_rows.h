/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_rows - tables as programs export them, row by row
 *
 * A line of headings and lines of as many fields, between commas, semicolons or tabs (RFC 4180, in
 * quotes with line ends in them, too) or between '|'; PostgreSQL's COPY ... FROM stdin; SQL's
 * INSERT with a list of columns. What a cell means is said by its heading, which may stand
 * megabytes before it: whoever looks at a table needs both.
 *
 * Every row is read once, at most LAC_MATCH_ROWS_BYTES of it. Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_ROWS_H
#define LAC_MATCH_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_str.h"

enum {
    LAC_MATCH_ROWS_COLUMNS = 33,
    LAC_MATCH_ROWS_HEADINGS = 1024, /* bytes of a line of headings */
    LAC_MATCH_ROWS_BYTES = 4096,    /* of a row; a longer one is not looked into */
    LAC_MATCH_ROWS_STRANGE = 64,    /* rows in turn that are none end a table */
};

struct lac_match_rows {
    size_t row; /* where the next one begins; behind the table when it has ended */
    unsigned columns;
    unsigned strange;   /* lines in turn that were no rows */
    unsigned char mark; /* between two fields; '(': rows of an INSERT */
    bool copy;          /* of COPY: "\." ends them */
    size_t next; /* set by the caller: another table may begin there, and ends this one behind
                    a line that is no row; 0: none */
    bool strict; /* set by the caller: a whole line that is no row ends it, and is not read */
};

/* Whether a table begins at `at`, where a line does. `headings` are slices of `text`, without what
 * is around them; [0, columns) of them are set. */
bool lac_match_rows_at(struct lac_str text, size_t at, struct lac_match_rows *r,
                       struct lac_str headings[LAC_MATCH_ROWS_COLUMNS]);

/* The next row: [0, columns) of `cells`, slices of `text` without quotes and blanks around them.
 * `*filled` is false for a line that has not as many fields; it is skipped. False: there is no row
 * any more. */
bool lac_match_rows_next(struct lac_str text, struct lac_match_rows *r,
                         struct lac_str cells[LAC_MATCH_ROWS_COLUMNS], bool *filled);

#endif
