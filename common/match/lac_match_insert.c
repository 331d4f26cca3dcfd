/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_match_insert.h"

#include <strings.h>

enum {
    HEAD_MAX = 512, /* bytes of the list of columns, to either side of the word */
    COLUMNS_MAX = 32,
    NAME_MAX_BYTES = 128,
    ROW_BYTES_MAX = 4096,
};

static const char blanks[] = " \t\r\n";

static size_t skip(struct lac_str t, size_t i)
{
    return lac_match_skip(t, i, blanks, HEAD_MAX);
}

static size_t skip_back(struct lac_str t, size_t i)
{
    return lac_match_skip_back(t, i, blanks, HEAD_MAX);
}

/* What names of tables and columns are written with, in all databases' quotes. */
static bool is_name(unsigned c)
{
    return lac_match_is_alnum(c) || c >= 0x80 || lac_match_is_in((unsigned char)c, "_$.`\"[]");
}

static bool is_listed(unsigned char c)
{
    return is_name(c) || c == ',' || lac_match_is_in(c, blanks);
}

/* Whether "into <table>" stands before the bracket at `open`. */
static bool is_into(struct lac_str t, size_t open)
{
    size_t end = skip_back(t, open), table = lac_match_run_start(t, end, NAME_MAX_BYTES, is_name);
    size_t into = skip_back(t, table);

    return table < end && into < table && into >= 4 &&
           strncasecmp(t.ptr + into - 4, "into", 4) == 0;
}

bool lac_match_insert_of(struct lac_str t, size_t at, struct lac_match_column *c)
{
    size_t low = at > HEAD_MAX ? at - HEAD_MAX : 0, i = at;
    size_t high = t.len - at > HEAD_MAX ? at + HEAD_MAX : t.len;
    unsigned char behind = lac_match_byte(t, skip(t, lac_match_skip(t, at, "`\"]", 1)));

    if (behind != ',' && behind != ')')
        return false;
    *c = (struct lac_match_column){.mark = '('};
    for (; i > low && is_listed((unsigned char)t.ptr[i - 1]); i--)
        c->index += t.ptr[i - 1] == ',';
    if (lac_match_before(t, i) != '(' || !is_into(t, i - 1))
        return false;
    c->marks = c->index;
    for (i = at; i < high && is_listed((unsigned char)t.ptr[i]); i++)
        c->marks += t.ptr[i] == ',';
    if (lac_match_byte(t, i) != ')' || c->marks >= COLUMNS_MAX)
        return false;
    i = skip(t, i + 1);
    if (t.len - i < 6 || strncasecmp(t.ptr + i, "values", 6) != 0)
        return false;
    c->row = skip(t, i + 6);
    return lac_match_byte(t, c->row) == '(';
}

/* Behind the text in quotes that begins at `i`; two quotes, or one behind a backslash, are one. */
static size_t behind_quoted(struct lac_str row, size_t i)
{
    for (i++; i < row.len; i++) {
        if (row.ptr[i] == '\\')
            i++;
        else if (row.ptr[i] == '\'' && lac_match_byte(row, ++i) != '\'')
            return i;
    }
    return row.len;
}

/* Where the value that begins at `i` ends: at a comma or bracket of the row's own. */
static size_t value_end(struct lac_str row, size_t i)
{
    unsigned depth = 0;

    while (i < row.len) {
        unsigned char c = (unsigned char)row.ptr[i];

        if (c == '\'') {
            i = behind_quoted(row, i);
            continue;
        }
        if (depth == 0 && (c == ',' || c == ')'))
            return i;
        depth += c == '(';
        depth -= c == ')';
        i++;
    }
    return row.len;
}

/* Without blanks and quotes: N'..' and E'..', too. */
static struct lac_str bare(struct lac_str row, size_t from, size_t to)
{
    from = skip(row, from);
    while (to > from && lac_match_is_in((unsigned char)row.ptr[to - 1], blanks))
        to--;
    if (to - from >= 2 && row.ptr[to - 1] == '\'') {
        from += row.ptr[from] != '\'' && row.ptr[from + 1] == '\'';
        if (row.ptr[from] == '\'' && to - from >= 2)
            return lac_str_slice(row, from + 1, to - 1);
    }
    return lac_str_slice(row, from, to);
}

bool lac_match_insert_next(struct lac_str t, struct lac_match_column *c, struct lac_match_value *v)
{
    size_t high, i = c->row;
    struct lac_str row;

    if (lac_match_byte(t, i) != '(')
        return false;
    high = t.len - i > ROW_BYTES_MAX ? i + ROW_BYTES_MAX : t.len;
    row = lac_str_slice(t, 0, high);
    for (unsigned n = 0;; n++) {
        size_t end = value_end(row, i + 1);

        if (n == c->index) {
            v->text = bare(row, i + 1, end);
            v->at = (size_t)(v->text.ptr - t.ptr);
        }
        i = end;
        if (n == c->marks)
            break;
        if (lac_match_byte(row, i) != ',')
            return false;
    }
    if (lac_match_byte(row, i) != ')')
        return false;
    v->quoted = true;
    i = skip(t, i + 1);
    c->row = lac_match_byte(t, i) == ',' ? skip(t, i + 1) : i;
    return true;
}
