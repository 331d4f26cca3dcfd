/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lac_assert.h"
#include "lac_width.h"

struct lac_table_cell {
    size_t at, len; /* in _text */
    enum lac_style style;
};

enum {
    GAP = 2,         /* columns between two columns */
    SHRUNK_LEAST = 8 /* a column never gets narrower than this, even if lines wrap then */
};

void lac_table_init(struct lac_table *t, const struct lac_table_column *columns, size_t count,
                    size_t row_limit)
{
    LAC_ASSERT(count > 0 && count <= LAC_TABLE_COLUMNS && row_limit > 0);
    *t = (struct lac_table){.columns = columns, .column_count = count, .row_limit = row_limit};
    lac_buf_init(&t->_text, row_limit * count * 1024 + LAC_TABLE_CELL_BYTES);
}

void lac_table_deinit(struct lac_table *t)
{
    free(t->_cells);
    lac_buf_deinit(&t->_text);
    *t = (struct lac_table){0};
}

static bool grow(struct lac_table *t)
{
    size_t capacity = t->_cell_capacity ? t->_cell_capacity * 2 : 16 * t->column_count;
    struct lac_table_cell *cells;

    if (t->_cell_count < t->_cell_capacity)
        return true;
    cells = reallocarray(t->_cells, capacity, sizeof(*cells));
    if (!cells)
        return false;
    t->_cells = cells;
    t->_cell_capacity = capacity;
    return true;
}

/* Cuts at a character, so that the rest stays well-formed UTF-8. */
static struct lac_str bounded(struct lac_str s)
{
    if (s.len <= LAC_TABLE_CELL_BYTES)
        return s;
    s.len = LAC_TABLE_CELL_BYTES;
    while (s.len > 0 && ((unsigned char)s.ptr[s.len] & 0xC0) == 0x80)
        s.len--;
    return s;
}

void lac_table_add(struct lac_table *t, struct lac_str text, enum lac_style style)
{
    size_t at = t->_text.len;

    if (t->_cell_count / t->column_count >= t->row_limit || !grow(t)) {
        t->dropped += t->_cell_count % t->column_count == 0;
        return;
    }
    text = bounded(text);
    lac_buf_put_str(&t->_text, text);
    if (!lac_buf_ok(&t->_text))
        text.len = 0;
    t->_cells[t->_cell_count++] = (struct lac_table_cell){at, text.len, style};
}

void lac_table_addf(struct lac_table *t, enum lac_style style, const char *fmt, ...)
{
    char text[512];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (n < 0)
        n = 0;
    if ((size_t)n >= sizeof(text))
        n = sizeof(text) - 1;
    lac_table_add(t, (struct lac_str){text, (size_t)n}, style);
}

size_t lac_table_rows(const struct lac_table *t)
{
    return t->_cell_count / t->column_count;
}

static struct lac_str cell_text(const struct lac_table *t, size_t cell)
{
    return (struct lac_str){t->_cells[cell].len ? t->_text.ptr + t->_cells[cell].at : "",
                            t->_cells[cell].len};
}

static void natural_widths(const struct lac_table *t, size_t widths[])
{
    for (size_t c = 0; c < t->column_count; c++) {
        widths[c] = lac_width(lac_str_from(t->columns[c].title));
        for (size_t i = c; i < t->_cell_count; i += t->column_count) {
            size_t w = lac_width(cell_text(t, i));

            if (w > widths[c])
                widths[c] = w;
        }
        if (t->columns[c].limit && widths[c] > t->columns[c].limit)
            widths[c] = t->columns[c].limit;
    }
}

/* Takes columns away from the widest column that may shrink until the line fits. */
static void fit(const struct lac_table *t, size_t widths[], size_t columns)
{
    size_t total = GAP * (t->column_count - 1);

    for (size_t c = 0; c < t->column_count; c++)
        total += widths[c];
    while (columns > 0 && total > columns) {
        size_t widest = t->column_count;

        for (size_t c = 0; c < t->column_count; c++)
            if (t->columns[c].shrinks && widths[c] > SHRUNK_LEAST &&
                (widest == t->column_count || widths[c] > widths[widest]))
                widest = c;
        if (widest == t->column_count)
            return;
        widths[widest]--;
        total--;
    }
}

static void pad(struct lac_buf *b, size_t n)
{
    while (n-- > 0)
        lac_buf_put_char(b, ' ');
}

static void put_cell(struct lac_buf *b, const struct lac_term *term, struct lac_str text,
                     enum lac_style style, size_t width, bool right, bool last)
{
    size_t natural = lac_width(text), used = natural < width ? natural : width;

    if (right)
        pad(b, width - used);
    lac_buf_put_text(b, lac_term_on(term, style));
    used = lac_width_put(b, text, width, !term->utf8);
    lac_buf_put_text(b, lac_term_off(term, style));
    if (!right && !last && used < width)
        pad(b, width - used);
    if (!last)
        pad(b, GAP);
}

void lac_table_print(const struct lac_table *t, const struct lac_term *term, struct lac_buf *b)
{
    size_t widths[LAC_TABLE_COLUMNS], rows = lac_table_rows(t);

    natural_widths(t, widths);
    fit(t, widths, term->columns);
    for (size_t c = 0; c < t->column_count; c++)
        put_cell(b, term, lac_str_from(t->columns[c].title), LAC_STYLE_BOLD, widths[c],
                 t->columns[c].right, c + 1 == t->column_count);
    lac_buf_put_char(b, '\n');
    lac_buf_put_text(b, lac_term_on(term, LAC_STYLE_DIM));
    for (size_t c = 0; c < t->column_count; c++) {
        for (size_t i = 0; i < widths[c]; i++)
            lac_buf_put_text(b, term->utf8 ? "─" : "-");
        if (c + 1 < t->column_count)
            pad(b, GAP);
    }
    lac_buf_put_text(b, lac_term_off(term, LAC_STYLE_DIM));
    lac_buf_put_char(b, '\n');
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < t->column_count; c++) {
            size_t cell = r * t->column_count + c;

            put_cell(b, term, cell_text(t, cell), t->_cells[cell].style, widths[c],
                     t->columns[c].right, c + 1 == t->column_count);
        }
        lac_buf_put_char(b, '\n');
    }
    if (t->dropped)
        lac_buf_printf(b, "(and %zu more rows)\n", t->dropped);
}
