/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_cells - the cells of a table, each behind its heading
 *
 * "457555462" far below "name,ssn" is nothing by itself, "ssn: 457555462" is. Rows are taken some
 * at a time, and become lines of "<heading>: <cell>", column by column.
 *
 * Work and memory are bounded by the rows that are read. Thread: any; a struct has one user.
 */
#ifndef LAC_MATCH_CELLS_H
#define LAC_MATCH_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_match_rows.h"

enum {
    LAC_MATCH_CELLS_ROWS = 128,       /* taken at once */
    LAC_MATCH_CELLS_BYTES = 64 << 10, /* most of lines made at once */
};

/* A table and its headings, which are copied: their text may go. */
struct lac_match_table {
    struct lac_match_rows rows;
    char names[LAC_MATCH_ROWS_HEADINGS]; /* in turn; of a column that is not read: none */
    unsigned name_len[LAC_MATCH_ROWS_COLUMNS];
};

/* The columns of a CREATE TABLE, for INSERTs without a list of them. columns == 0: none. */
struct lac_match_created {
    char of[64]; /* the table's name */
    unsigned of_len;
    size_t read_to; /* up to here, no other one begins */
    struct lac_match_table columns;
};

/* Rows in hand, slices of the text; and the cell whose turn it is. */
struct lac_match_cells {
    struct lac_str row[LAC_MATCH_CELLS_ROWS][LAC_MATCH_ROWS_COLUMNS];
    size_t count, at;
    unsigned column;
    size_t name; /* where its heading is in `names` */
};

/* Whether a table begins at `at`, where a line does. */
bool lac_match_table_open(struct lac_match_table *t, struct lac_str text, size_t at);

/* Whether CREATE TABLE begins at `at`; a name or columns that are too long are forgotten. */
bool lac_match_table_create(struct lac_match_created *c, struct lac_str text, size_t at);

/* Whether an INSERT without columns into that table begins at `at`. */
bool lac_match_table_insert(struct lac_match_table *t, const struct lac_match_created *c,
                            struct lac_str text, size_t at);

/*
 * Takes the next rows that begin before `to`, as far as there is room, and keeps those that reach
 * behind `from`. False: the table has ended; rows.row is behind it then, and some may be in hand
 * all the same.
 */
bool lac_match_cells_take(struct lac_match_cells *c, struct lac_match_table *t, struct lac_str text,
                          size_t from, size_t to);

/*
 * Makes lines of the next cells in hand, all of one column. Byte i of lines comes from the text's
 * bytes [map[i], map[i + 1]), or is none of it where both are the same; a line's end is where the
 * cell ends. Returns how many bytes there are; 0: there are no more.
 */
size_t lac_match_cells_lines(struct lac_match_cells *c, const struct lac_match_table *t,
                             struct lac_str text, char lines[LAC_MATCH_CELLS_BYTES],
                             uint32_t map[LAC_MATCH_CELLS_BYTES + 1]);

#endif
