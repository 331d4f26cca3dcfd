/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_scan_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lac_assert.h"
#include "lac_scan_internal.h"
#include "lac_utf8.h"

enum {
    ROWS = 256,             /* looked at together */
    LINES_BYTES = 64 << 10, /* of cells with their headings */
    CELL_LEAST = 3,
    CELL_MOST = 2048,
    NAME_MOST = 64,
    REMARKS_MOST = 8,      /* lines that begin with '#' above the headings */
    READ_AGAIN = 64 << 10, /* bytes before a part's end: the next one may begin so much earlier */
};

/* A cell in the lines that are looked at. */
struct cell {
    size_t line; /* where it begins there */
    size_t text; /* and in the text */
    size_t len;
};

struct lac_scan_cells {
    struct lac_str row[ROWS][LAC_MATCH_ROWS_COLUMNS];
    struct cell cell[ROWS];
    size_t count; /* of cells */
    size_t len;   /* of lines */
    char lines[LINES_BYTES];
    struct lac_scan_finding *found; /* grows */
    size_t found_count, found_room;
};

/* The part of a text that is looked at. */
struct part {
    struct lac_str text;
    size_t from, to;
    struct lac_scan_result *out;
    struct lac_err *err;
};

void lac_scan_cells_close(struct lac_scan_cells *c)
{
    if (c)
        free(c->found);
    free(c);
}

/* ---- where a table begins ---- */

static size_t next_line(struct lac_str t, size_t at)
{
    const char *end = at < t.len ? memchr(t.ptr + at, '\n', t.len - at) : NULL;

    return end ? (size_t)(end - t.ptr) + 1 : t.len;
}

static bool begins_with(struct lac_str t, size_t at, const char *what)
{
    size_t n = strlen(what);

    return t.len - at >= n && strncasecmp(t.ptr + at, what, n) == 0;
}

static bool is_sql(struct lac_str t, size_t at)
{
    static const char *const words[] = {"--",      "/*!",   "pragma ",  "create ",
                                        "insert ", "copy ", "set ",     "begin",
                                        "drop ",   "use ",  "replace ", "alter "};

    for (size_t i = 0; i < LAC_COUNT(words); i++)
        if (begins_with(t, at, words[i]))
            return true;
    return false;
}

static bool open_at(struct lac_scan_table *t, struct lac_str text, size_t at)
{
    struct lac_str headings[LAC_MATCH_ROWS_COLUMNS];
    struct lac_match_rows rows;
    size_t used = 0;

    if (!lac_match_rows_at(text, at, &rows, headings))
        return false;
    for (unsigned i = 0; i < rows.columns; i++) {
        bool fits = headings[i].len <= NAME_MOST && headings[i].len <= sizeof(t->names) - used;

        t->name_len[i] = fits ? (unsigned)headings[i].len : 0;
        memcpy(t->names + used, headings[i].ptr, t->name_len[i]);
        used += t->name_len[i];
    }
    t->rows = rows;
    t->open = true;
    return true;
}

/* Whether and how the text, seen from its first byte, has tables. */
static void begin(struct lac_scan_table *t, struct lac_str text)
{
    size_t at = lac_utf8_mark(text);

    *t = (struct lac_scan_table){0};
    if (is_sql(text, at)) {
        t->kind = LAC_SCAN_TABLE_SQL;
        t->rows.row = at;
        return;
    }
    for (unsigned i = 0; i < REMARKS_MOST && at < text.len &&
                         (text.ptr[at] == '#' || begins_with(text, at, "sep="));
         i++)
        at = next_line(text, at);
    if (open_at(t, text, at))
        t->kind = LAC_SCAN_TABLE_LINES;
}

/* Opens the next table that begins before `to`. */
static bool find(struct lac_scan_table *t, struct lac_str text, size_t to)
{
    size_t at = t->rows.row;

    for (; at < to; at = next_line(text, at))
        if ((begins_with(text, at, "i") || begins_with(text, at, "c")) && open_at(t, text, at))
            return true;
    t->rows.row = at;
    return false;
}

/* ---- cells ---- */

static enum lac_status keep(struct lac_scan_cells *c, const struct lac_scan_finding *f,
                            const struct part *p)
{
    if (c->found_count == LAC_SCAN_FINDINGS_MAX) {
        p->out->truncated = true;
        return LAC_OK;
    }
    if (c->found_count == c->found_room) {
        size_t more = c->found_room ? 2 * c->found_room : 256;
        struct lac_scan_finding *grown = realloc(c->found, more * sizeof(*grown));

        if (!grown)
            return lac_err_set(p->err, LAC_RETRY, ENOMEM, "no memory for %zu findings", more);
        c->found = grown;
        c->found_room = more;
    }
    c->found[c->found_count++] = *f;
    return LAC_OK;
}

/* The cell that holds [start, end) of the lines; NULL: none does. */
static const struct cell *cell_of(const struct lac_scan_cells *c, size_t start, size_t end)
{
    size_t low = 0, high = c->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (c->cell[mid].line <= start)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0 || end > c->cell[low - 1].line + c->cell[low - 1].len)
        return NULL;
    return &c->cell[low - 1];
}

/* Looks at the lines that were put together. */
static enum lac_status look(struct lac_scan *s, const struct part *p)
{
    struct lac_scan_cells *c = s->cells;
    struct lac_match_hits hits = {.at = s->hits,
                                  .capacity = LAC_SCAN_WINDOW_HITS,
                                  .per_rule = LAC_SCAN_WINDOW_HITS,
                                  .want_weak = s->plan->want_weak,
                                  .keep_shadowed = s->plan->want_weak,
                                  .decode = true};
    enum lac_status status = LAC_OK;

    if (c->count > 0)
        status = lac_match_scan(s->plan->m, s->scratch, (struct lac_str){c->lines, c->len}, &hits,
                                p->err);
    p->out->truncated = p->out->truncated || hits.truncated || hits.over_limit;
    for (size_t i = 0; status == LAC_OK && i < hits.count; i++) {
        const struct lac_match_hit *h = &hits.at[i];
        const struct cell *cell = cell_of(c, h->start, h->end);
        struct lac_scan_finding f = {.rule = h->rule, .score = h->score};

        if (!cell)
            continue;
        f.start = cell->text + (h->start - cell->line);
        f.end = f.start + (h->end - h->start);
        f.listed = f.start >= p->from && f.start < p->to && s->plan->listed[h->rule] &&
                   h->score >= s->plan->min_score;
        status = keep(c, &f, p);
    }
    c->count = c->len = 0;
    return status;
}

/* One column of the rows in hand. */
static enum lac_status column(struct lac_scan *s, const struct part *p, struct lac_str name,
                              unsigned index, size_t rows)
{
    struct lac_scan_cells *c = s->cells;
    enum lac_status status = LAC_OK;

    for (size_t i = 0; status == LAC_OK && i < rows; i++) {
        struct lac_str cell = c->row[i][index];

        if (cell.len < CELL_LEAST || cell.len > CELL_MOST)
            continue;
        if (sizeof(c->lines) - c->len < name.len + cell.len + 3)
            status = look(s, p);
        memcpy(c->lines + c->len, name.ptr, name.len);
        memcpy(c->lines + c->len + name.len, ": ", 2);
        c->len += name.len + 2;
        c->cell[c->count++] = (struct cell){c->len, (size_t)(cell.ptr - p->text.ptr), cell.len};
        memcpy(c->lines + c->len, cell.ptr, cell.len);
        c->len += cell.len;
        c->lines[c->len++] = '\n';
    }
    return status == LAC_OK ? look(s, p) : status;
}

static enum lac_status columns(struct lac_scan *s, const struct part *p, size_t rows)
{
    const struct lac_scan_table *t = &s->table;
    enum lac_status status = LAC_OK;
    size_t at = 0;

    for (unsigned i = 0; status == LAC_OK && rows > 0 && i < t->rows.columns; i++) {
        if (t->name_len[i] > 0)
            status = column(s, p, (struct lac_str){t->names + at, t->name_len[i]}, i, rows);
        at += t->name_len[i];
    }
    return status;
}

/* Some rows of the open table, those that reach into [from, to). How many. */
static size_t some_rows(struct lac_scan *s, struct lac_str text, size_t from, size_t to)
{
    struct lac_scan_table *t = &s->table;
    size_t n = 0;

    while (n < ROWS && t->rows.row < to) {
        size_t line = t->rows.row;
        bool filled;

        if (!lac_match_rows_next(text, &t->rows, s->cells->row[n], &filled)) {
            t->open = false;
            t->rows.row = next_line(text, t->rows.row < line ? line : t->rows.row);
            if (t->kind == LAC_SCAN_TABLE_LINES)
                t->kind = LAC_SCAN_TABLE_NONE;
            break;
        }
        n += filled && t->rows.row > from;
    }
    return n;
}

/* ---- together with what was found without headings ---- */

static int by_place(const void *a, const void *b)
{
    const struct lac_scan_finding *x = a, *y = b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return (x->rule > y->rule) - (x->rule < y->rule);
}

/* Of the `n` findings, which are in order, the one that says as much of the place as `f` does, or
 * the same rule's; NULL: there is none. */
static struct lac_scan_finding *known(struct lac_scan_finding *at, size_t n,
                                      const struct lac_scan_finding *f)
{
    size_t low = 0, high = n;

    while (low < high) { /* the first that begins behind it */
        size_t mid = low + (high - low) / 2;

        if (at[mid].start < f->end)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low > 0 && at[low - 1].reach > f->start; low--) {
        struct lac_scan_finding *o = &at[low - 1];

        if (o->end > f->start && (o->rule == f->rule || (o->score >= f->score &&
                                                         o->start <= f->start && o->end >= f->end)))
            return o;
    }
    return NULL;
}

static enum lac_status add(struct lac_scan *s, size_t n, const struct lac_scan_finding *f,
                           const struct part *p)
{
    struct lac_scan_finding *o = known(s->at, n, f);

    if (o && o->score >= f->score)
        return LAC_OK;
    if (f->start >= p->from && f->start < p->to)
        lac_scan_hear(s, f->rule, f->score, p->out);
    if (!o)
        return lac_scan_push(s, f, p->out, p->err);
    o->score = f->score; /* weak without the heading */
    p->out->listed += f->listed && !o->listed;
    o->listed = o->listed || f->listed;
    return LAC_OK;
}

static enum lac_status merge(struct lac_scan *s, const struct part *p)
{
    struct lac_scan_cells *c = s->cells;
    size_t n = s->count;
    enum lac_status status = LAC_OK;

    for (size_t i = 0; status == LAC_OK && i < c->found_count; i++)
        status = add(s, n, &c->found[i], p);
    c->found_count = 0;
    if (status != LAC_OK || s->count == n)
        return status;
    qsort(s->at, s->count, sizeof(*s->at), by_place);
    for (size_t i = 0; i < s->count; i++) {
        uint32_t before = i > 0 ? s->at[i - 1].reach : 0;

        s->at[i].reach = s->at[i].end > before ? (uint32_t)s->at[i].end : before;
    }
    return LAC_OK;
}

enum lac_status lac_scan_tables(struct lac_scan *s, struct lac_str text, size_t from, size_t to,
                                struct lac_scan_result *out, struct lac_err *err)
{
    const struct part p = {text, from, to, out, err};
    const size_t low = from > LAC_SCAN_MARGIN ? from - LAC_SCAN_MARGIN : 0;
    const size_t high = text.len - to > LAC_SCAN_MARGIN ? to + LAC_SCAN_MARGIN : text.len;
    const size_t again = to > READ_AGAIN ? to - READ_AGAIN : 0;
    struct lac_scan_table *t = &s->table, goes_on;
    enum lac_status status = LAC_OK;
    bool kept = false;

    if (from == 0)
        begin(t, text);
    else if (!s->shifted)
        t->kind = LAC_SCAN_TABLE_NONE;
    s->shifted = false;
    if (t->kind == LAC_SCAN_TABLE_NONE)
        return LAC_OK;
    if (!s->cells)
        s->cells = calloc(1, sizeof(*s->cells));
    if (!s->cells)
        return lac_err_set(err, LAC_RETRY, ENOMEM, "no memory for rows of a table");
    while (status == LAC_OK && t->rows.row < high) {
        if (!kept && t->rows.row >= again) {
            goes_on = *t;
            kept = true;
        }
        if (t->open)
            status = columns(s, &p, some_rows(s, text, low, kept ? high : again));
        else if (t->kind == LAC_SCAN_TABLE_NONE || (!find(t, text, kept ? high : again) && kept))
            break;
    }
    status = status == LAC_OK ? merge(s, &p) : status;
    if (kept)
        *t = goes_on;
    return status;
}

void lac_scan_shift(struct lac_scan *s, struct lac_str text, size_t by)
{
    struct lac_scan_table *t = &s->table;
    struct lac_str cells[LAC_MATCH_ROWS_COLUMNS];
    bool filled;

    s->shifted = true;
    while (t->open && t->rows.row < by)
        t->open = lac_match_rows_next(text, &t->rows, cells, &filled);
    if (!t->open && t->kind == LAC_SCAN_TABLE_LINES)
        t->kind = LAC_SCAN_TABLE_NONE;
    t->rows.row = t->rows.row > by ? t->rows.row - by : 0;
}
