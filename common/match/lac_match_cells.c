/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_match_cells.h"

#include <string.h>

#include "lac_match_create.h"

enum { CELL_LEAST = 3, CELL_MOST = 2048, NAME_MOST = 64 };

_Static_assert(NAME_MOST + CELL_MOST + 3 <= LAC_MATCH_CELLS_BYTES, "a cell has room");

static void keep_names(struct lac_match_table *t, const struct lac_str *headings, unsigned columns)
{
    size_t used = 0;

    for (unsigned i = 0; i < columns; i++) {
        bool fits = headings[i].len <= NAME_MOST && headings[i].len <= sizeof(t->names) - used;

        t->name_len[i] = fits ? (unsigned)headings[i].len : 0;
        memcpy(t->names + used, headings[i].ptr, t->name_len[i]);
        used += t->name_len[i];
    }
}

bool lac_match_table_open(struct lac_match_table *t, struct lac_str text, size_t at)
{
    struct lac_str headings[LAC_MATCH_ROWS_COLUMNS];
    struct lac_match_rows rows;

    if (!lac_match_rows_at(text, at, &rows, headings))
        return false;
    keep_names(t, headings, rows.columns);
    t->rows = rows;
    return true;
}

bool lac_match_table_create(struct lac_match_created *c, struct lac_str text, size_t at)
{
    struct lac_str headings[LAC_MATCH_ROWS_COLUMNS], name;
    unsigned columns;

    if (at < c->read_to || !lac_match_create_at(text, at, &name, headings, &columns, &c->read_to))
        return false;
    c->of_len = name.len <= sizeof(c->of) ? (unsigned)name.len : 0;
    memcpy(c->of, name.ptr, c->of_len);
    keep_names(&c->columns, headings, columns);
    c->columns.rows.columns = columns;
    return true;
}

bool lac_match_table_insert(struct lac_match_table *t, const struct lac_match_created *c,
                            struct lac_str text, size_t at)
{
    struct lac_match_rows rows;

    if (c->of_len == 0 || !lac_match_create_insert(text, at, (struct lac_str){c->of, c->of_len},
                                                   c->columns.rows.columns, &rows))
        return false;
    *t = c->columns;
    t->rows = rows;
    return true;
}

bool lac_match_cells_take(struct lac_match_cells *c, struct lac_match_table *t, struct lac_str text,
                          size_t from, size_t to)
{
    c->count = c->at = c->name = 0;
    c->column = 0;
    while (c->count < LAC_MATCH_CELLS_ROWS && t->rows.row < to) {
        bool filled;

        if (!lac_match_rows_next(text, &t->rows, c->row[c->count], &filled))
            return false;
        c->count += filled && t->rows.row > from;
    }
    return true;
}

/* "<heading>: <cell>\n" behind the `len` bytes that there are. */
static size_t put(char *lines, uint32_t *map, size_t len, struct lac_str name, struct lac_str cell,
                  size_t at)
{
    size_t head = name.len + 2;

    memcpy(lines + len, name.ptr, name.len);
    memcpy(lines + len + name.len, ": ", 2);
    memcpy(lines + len + head, cell.ptr, cell.len);
    lines[len + head + cell.len] = '\n';
    for (size_t i = 0; i < head; i++)
        map[len + i] = (uint32_t)at;
    for (size_t i = 0; i <= cell.len; i++)
        map[len + head + i] = (uint32_t)(at + i);
    return len + head + cell.len + 1;
}

size_t lac_match_cells_lines(struct lac_match_cells *c, const struct lac_match_table *t,
                             struct lac_str text, char lines[LAC_MATCH_CELLS_BYTES],
                             uint32_t map[LAC_MATCH_CELLS_BYTES + 1])
{
    size_t len = 0;

    /* Never of two columns: the words of one would be near the cells of the other. */
    for (; len == 0 && c->column < t->rows.columns; c->column++, c->at = 0) {
        struct lac_str name = {t->names + c->name, t->name_len[c->column]};

        for (; name.len > 0 && c->at < c->count; c->at++) {
            struct lac_str cell = c->row[c->at][c->column];

            if (cell.len < CELL_LEAST || cell.len > CELL_MOST)
                continue;
            if (LAC_MATCH_CELLS_BYTES - len < name.len + cell.len + 3)
                return len;
            len = put(lines, map, len, name, cell, (size_t)(cell.ptr - text.ptr));
            map[len] = map[len - 1];
        }
        c->name += name.len;
    }
    return len;
}
