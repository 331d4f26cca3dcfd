/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_match_rows.h"

#include <string.h>
#include <strings.h>

#include "lac_match_column.h"
#include "lac_match_insert.h"

/* ---- headings ---- */

static bool begins_with(struct lac_str t, size_t at, const char *what)
{
    size_t n = strlen(what);

    return t.len - at >= n && strncasecmp(t.ptr + at, what, n) == 0;
}

/* The names in the brackets that open at `open`. How many; 0: they are no list of names. */
static unsigned listed(struct lac_str t, size_t open, struct lac_str *names)
{
    size_t limit = t.len - open > LAC_MATCH_ROWS_HEADINGS ? open + LAC_MATCH_ROWS_HEADINGS : t.len;
    size_t from = open + 1;

    for (unsigned n = 0; n < LAC_MATCH_ROWS_COLUMNS;) {
        size_t to = from;

        while (to < limit && !lac_match_is_in((unsigned char)t.ptr[to], ",()\n;"))
            to++;
        if (to == limit || !lac_match_is_in((unsigned char)t.ptr[to], ",)"))
            return 0;
        names[n++] = lac_match_column_name(lac_str_slice(t, from, to));
        if (t.ptr[to] == ')')
            return n;
        from = to + 1;
    }
    return 0;
}

/* COPY public.users (id, name) FROM stdin; */
static bool copy_at(struct lac_str t, size_t at, struct lac_str line, struct lac_match_rows *r,
                    struct lac_str *headings)
{
    static const char end[] = ") FROM stdin;";
    const char *open = memchr(line.ptr, '(', line.len);
    size_t n = sizeof(end) - 1;

    if (!open || line.len < n || strncasecmp(line.ptr + line.len - n, end, n) != 0)
        return false;
    r->columns = listed(t, at + (size_t)(open - line.ptr), headings);
    r->mark = '\t';
    r->copy = true;
    return r->columns > 0;
}

/* INSERT INTO users (id, name) VALUES (1, 'Ana'), (2, 'Bo'); */
static bool insert_at(struct lac_str t, size_t at, struct lac_match_rows *r,
                      struct lac_str *headings)
{
    struct lac_match_column c;
    size_t most = t.len - at < LAC_MATCH_ROWS_HEADINGS ? t.len - at : LAC_MATCH_ROWS_HEADINGS;
    const char *open = memchr(t.ptr + at, '(', most);

    r->columns = open ? listed(t, (size_t)(open - t.ptr), headings) : 0;
    if (r->columns == 0 || headings[0].len == 0 ||
        !lac_match_insert_of(t, (size_t)(headings[0].ptr + headings[0].len - t.ptr), &c))
        return false;
    r->mark = '(';
    r->row = c.row;
    return true;
}

static bool line_of_headings(struct lac_str line, struct lac_match_rows *r,
                             struct lac_str *headings)
{
    static const unsigned char marks[] = {'\t', ';', ',', '|'};
    unsigned count = 0;
    size_t i = 0;

    for (size_t k = 0; k < sizeof(marks); k++)
        if (lac_match_are_headings(line, marks[k], &count)) {
            r->mark = marks[k];
            break;
        }
    if (r->mark == 0)
        return false;
    for (r->columns = 0; r->columns <= count; r->columns++) {
        size_t end = lac_match_field_end(line, i, r->mark);

        headings[r->columns] = lac_match_field_trim(lac_str_slice(line, i, end), r->mark);
        i = end + 1;
    }
    return true;
}

bool lac_match_rows_at(struct lac_str t, size_t at, struct lac_match_rows *r,
                       struct lac_str headings[LAC_MATCH_ROWS_COLUMNS])
{
    struct lac_str line;

    *r = (struct lac_match_rows){0};
    if (at >= t.len)
        return false;
    if (begins_with(t, at, "insert into "))
        return insert_at(t, at, r, headings);
    if (!lac_match_line_at(t, at, LAC_MATCH_ROWS_HEADINGS, &line))
        return false;
    r->row = lac_match_behind_line(t, line);
    return begins_with(t, at, "copy ") ? copy_at(t, at, line, r, headings)
                                       : line_of_headings(line, r, headings);
}

/* ---- rows ---- */

static bool insert_next(struct lac_str t, struct lac_match_rows *r, struct lac_str *cells)
{
    struct lac_match_column c = {.row = r->row};

    for (unsigned i = 0; i < r->columns; i++) {
        struct lac_match_value v = {0};

        c = (struct lac_match_column){
            .row = r->row, .index = i, .marks = r->columns - 1, .mark = '('};
        if (!lac_match_insert_next(t, &c, &v))
            return false;
        cells[i] = v.text;
    }
    r->row = c.row;
    return true;
}

/* Behind the quotes that open at `i`, two of which are one, or `limit`: they are not closed. */
static size_t behind_quotes(struct lac_str t, size_t i, size_t limit)
{
    for (i++; i < limit; i++) {
        if (t.ptr[i] != '"')
            continue;
        if (i + 1 == limit || t.ptr[i + 1] != '"')
            return i + 1;
        i++;
    }
    return limit;
}

/* Where the field that begins at `i` ends, `limit` at most: quotes may hold marks and line ends. */
static size_t cell_end(struct lac_str t, size_t i, size_t limit, const struct lac_match_rows *r)
{
    if (r->mark != '|' && !r->copy && lac_match_byte(t, i) == '"') {
        size_t end = behind_quotes(t, i, limit);

        end += end < limit && t.ptr[end] == '\r';
        if (end < limit ? t.ptr[end] == '\n' || (unsigned char)t.ptr[end] == r->mark : end == t.len)
            return end;
    }
    while (i < limit && t.ptr[i] != '\n' && (unsigned char)t.ptr[i] != r->mark)
        i++;
    return i;
}

/* The row at r->row. How many fields it has, as many as it should at most; `*end` is its end. */
static unsigned cells_of(struct lac_str t, const struct lac_match_rows *r, struct lac_str *cells,
                         size_t *end)
{
    size_t limit = t.len - r->row > LAC_MATCH_ROWS_BYTES ? r->row + LAC_MATCH_ROWS_BYTES : t.len;
    size_t i = r->row;

    for (unsigned n = 0; n < r->columns; i++) {
        size_t to = cell_end(t, i, limit, r), last = to;

        if (to == limit && limit < t.len)
            break;
        *end = to;
        if ((to == t.len || t.ptr[to] == '\n') && last > i && t.ptr[last - 1] == '\r')
            last--;
        cells[n++] = lac_match_field_trim(lac_str_slice(t, i, last), r->mark);
        if (to == t.len || t.ptr[to] == '\n')
            return n;
        i = to;
    }
    *end = r->row;
    return 0;
}

/* Moves behind a line that is no row. False: the table has ended. */
static bool skip_line(struct lac_str t, struct lac_match_rows *r)
{
    struct lac_str line;
    bool fits = lac_match_line_at(t, r->row, LAC_MATCH_ROWS_BYTES, &line);
    const char *end = memchr(t.ptr + r->row, '\n', t.len - r->row);

    if (r->strict && end && fits && !lac_match_is_rule(line, r->mark))
        return false;
    r->row = end ? (size_t)(end - t.ptr) + 1 : t.len + 1;
    return r->strict || ++r->strange <= LAC_MATCH_ROWS_STRANGE;
}

bool lac_match_rows_next(struct lac_str t, struct lac_match_rows *r,
                         struct lac_str cells[LAC_MATCH_ROWS_COLUMNS], bool *filled)
{
    size_t end;

    *filled = false;
    if (r->row >= t.len || (r->strange > 0 && r->next > 0 && r->row == r->next))
        return false;
    if (r->mark == '(')
        return *filled = insert_next(t, r, cells);
    if (r->copy && begins_with(t, r->row, "\\.")) {
        r->row += 2;
        return false;
    }
    *filled = cells_of(t, r, cells, &end) == r->columns;
    if (!*filled)
        return skip_line(t, r);
    r->strange = 0;
    r->row = end + 1;
    return true;
}
