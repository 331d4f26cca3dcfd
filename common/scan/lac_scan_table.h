/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_scan_table - what stands in tables, read with the headings
 *
 * Private to common/scan. "457555462" far below a line "name,ssn" is nothing by itself. So where a
 * text begins with a line of headings, and in SQL, whose first line says what it is, each cell is
 * looked at once more as "<heading>: <cell>". Other tables in a text are what rules make of them.
 *
 * A text in parts is read on where the last call ended, however far above the headings stand.
 * Thread: the scan's.
 */
#ifndef LAC_SCAN_TABLE_H
#define LAC_SCAN_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_match_rows.h"
#include "lac_scan.h"

enum lac_scan_table_kind {
    LAC_SCAN_TABLE_NONE,
    LAC_SCAN_TABLE_LINES, /* one, of the whole text */
    LAC_SCAN_TABLE_SQL,   /* statements with rows among others */
};

/* Where reading goes on. */
struct lac_scan_table {
    enum lac_scan_table_kind kind;
    bool open; /* rows follow; otherwise statements are looked for from rows.row */
    struct lac_match_rows rows;
    char names[LAC_MATCH_ROWS_HEADINGS]; /* the headings of the open one, in turn */
    unsigned name_len[LAC_MATCH_ROWS_COLUMNS];
};

struct lac_scan_cells; /* memory for some rows; NULL until a text has a table */

/* Adds to s->at what cells of rows in and around [from, to) are with their headings, unless it is
 * there. Errors as lac_scan_text(). */
enum lac_status lac_scan_tables(struct lac_scan *s, struct lac_str text, size_t from, size_t to,
                                struct lac_scan_result *out, struct lac_err *err) LAC_MUST_USE;

/* Accepts NULL. */
void lac_scan_cells_close(struct lac_scan_cells *c);

#endif
