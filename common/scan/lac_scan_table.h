/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_scan_table - what stands in tables, read with the headings
 *
 * Private to common/scan. The matcher reads cells with headings that it sees, of which one is a
 * word that rules ask for. Here they are read however far above the headings stand, and all of
 * them where a text begins with a line of headings or is SQL, whose first line says so.
 *
 * A text in parts is read on where the last call ended. Thread: the scan's.
 */
#ifndef LAC_SCAN_TABLE_H
#define LAC_SCAN_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_match_cells.h"
#include "lac_scan.h"

enum { LAC_SCAN_TABLES_LATER = 16, LAC_SCAN_TABLES_QUEUED = 8 };

/* Where reading goes on. */
struct lac_scan_table {
    bool sql;  /* statements with rows are looked for */
    bool open; /* rows follow; otherwise the next table begins at at.rows.row or behind it */
    struct lac_match_table at;
    struct lac_match_created made; /* the last one that a statement before made */
};

/* Tables that the next call may have rows of, behind the one that it begins with; in turn. */
struct lac_scan_queue {
    struct lac_match_table at[LAC_SCAN_TABLES_QUEUED];
    size_t count;
};

/* Where tables begin that reach over the end of the part that they were found in; ascending. */
struct lac_scan_later {
    size_t at[LAC_SCAN_TABLES_LATER];
    size_t count, next;
};

struct lac_scan_cells; /* memory for some rows; NULL until a text has a table */

/* Adds to s->at what cells of rows in and around [from, to) are with their headings, unless it is
 * there. Errors as lac_scan_text(). */
enum lac_status lac_scan_tables(struct lac_scan *s, struct lac_str text, size_t from, size_t to,
                                struct lac_scan_result *out, struct lac_err *err) LAC_MUST_USE;

/* A table begins at `at` and goes on behind the part. */
void lac_scan_table_later(struct lac_scan *s, size_t at);

/* Accepts NULL. */
void lac_scan_cells_close(struct lac_scan_cells *c);

#endif
