/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_table - rows and columns for people
 *
 * Collects cells, then prints them aligned. On a terminal that is too narrow the columns that
 * may shrink give way, widest first, and their cells are cut with "…"; into a pipe nothing is
 * cut. Cells hold text from outside: see lac_width.h for what becomes of it.
 *
 * Not thread-safe. Rows are bounded by `row_limit`; a row past it is counted and not kept.
 */
#ifndef LAC_TABLE_H
#define LAC_TABLE_H

#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_str.h"
#include "lac_term.h"

enum { LAC_TABLE_COLUMNS = 12, LAC_TABLE_CELL_BYTES = 4096 };

struct lac_table_column {
    const char *title;
    bool right;     /* numbers */
    bool shrinks;   /* may be cut on a narrow terminal */
    unsigned limit; /* columns at most, 0 = none */
};

struct lac_table_cell;

struct lac_table {
    const struct lac_table_column *columns; /* borrowed */
    size_t column_count;
    struct lac_table_cell *_cells; /* owned; row after row */
    size_t _cell_count, _cell_capacity;
    size_t row_limit;
    size_t dropped; /* rows past the limit or out of memory */
    struct lac_buf _text;
};

void lac_table_init(struct lac_table *t, const struct lac_table_column *columns, size_t count,
                    size_t row_limit);
void lac_table_deinit(struct lac_table *t);

/* Adds the next cell of the current row, copied; a longer one than LAC_TABLE_CELL_BYTES is cut. */
void lac_table_add(struct lac_table *t, struct lac_str text, enum lac_style style);
void lac_table_addf(struct lac_table *t, enum lac_style style, const char *fmt, ...)
    LAC_PRINTF(3, 4);

/* Complete rows so far. */
size_t lac_table_rows(const struct lac_table *t);

/* Appends the whole table for `term`. */
void lac_table_print(const struct lac_table *t, const struct lac_term *term, struct lac_buf *b);

#endif
