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
    NEIGHBOURS = 8,        /* findings to either side that may be in the same cell */
    REMARKS_MOST = 8,      /* lines that begin with '#' above the headings */
    READ_AGAIN = 64 << 10, /* bytes before a part's end: the next one may begin so much earlier */
};

static const uint32_t gone = UINT32_MAX; /* the rule of a finding that was taken away */

struct lac_scan_cells {
    struct lac_match_cells cells;
    char lines[LAC_MATCH_CELLS_BYTES];
    uint32_t map[LAC_MATCH_CELLS_BYTES + 1];
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
    t->open = lac_match_table_open(&t->at, text, at);
    return t->open;
}

/* The names stay, of which none are then. */
static void forget(struct lac_scan_table *t)
{
    t->sql = t->open = false;
    t->at.rows = (struct lac_match_rows){0};
    t->made.of_len = 0;
    t->made.read_to = 0;
}

/* Whether and how the text, seen from its first byte, has tables. */
static void begin(struct lac_scan_table *t, struct lac_str text)
{
    size_t at = lac_utf8_mark(text);

    t->sql = is_sql(text, at);
    if (t->sql) {
        t->at.rows.row = at;
        return;
    }
    for (unsigned i = 0; i < REMARKS_MOST && at < text.len &&
                         (text.ptr[at] == '#' || begins_with(text, at, "sep="));
         i++)
        at = next_line(text, at);
    (void)open_at(t, text, at);
}

/* Whether the next table that was found while others were read begins at `at`. */
static bool is_later(struct lac_scan_later *l, size_t at)
{
    while (l->next < l->count && l->at[l->next] < at)
        l->next++;
    return l->next < l->count && l->at[l->next] == at;
}

/* Where the next table is known to begin, or its rows; 0: nowhere. */
static size_t next_known(struct lac_scan *s, size_t row)
{
    const struct lac_scan_queue *q = &s->queue;
    size_t i = 0, later;

    (void)is_later(&s->later, row);
    later = s->later.next < s->later.count ? s->later.at[s->later.next] : 0;
    while (i < q->count && q->at[i].rows.row <= row)
        i++;
    if (i == q->count || (later > 0 && later < q->at[i].rows.row))
        return later;
    return q->at[i].rows.row;
}

/* Of more tables the first are dropped: they end first. */
static void queue_put(struct lac_scan_queue *q, const struct lac_match_table *t)
{
    if (q->count == LAC_SCAN_TABLES_QUEUED) {
        q->count--;
        memmove(&q->at[0], &q->at[1], q->count * sizeof(q->at[0]));
    }
    q->at[q->count++] = *t;
}

static bool queue_take(struct lac_scan_queue *q, struct lac_match_table *t)
{
    if (q->count == 0)
        return false;
    *t = q->at[0];
    q->count--;
    memmove(&q->at[0], &q->at[1], q->count * sizeof(q->at[0]));
    return true;
}

/* Whether the statement at `at` has rows, or makes a table that one behind it may fill. */
static bool open_statement(struct lac_scan_table *t, struct lac_str text, size_t at)
{
    if (begins_with(text, at, "create ")) {
        (void)lac_match_table_create(&t->made, text, at);
        return false;
    }
    if (!begins_with(text, at, "insert ") && !begins_with(text, at, "copy ") &&
        !begins_with(text, at, "replace "))
        return false;
    return open_at(t, text, at) || (t->open = lac_match_table_insert(&t->at, &t->made, text, at));
}

/* Opens the queued table whose rows go on at `row`, if it is there. What was read is dropped. */
static bool open_queued(struct lac_scan *s, size_t row)
{
    struct lac_scan_queue *q = &s->queue;

    while (q->count > 0 && q->at[0].rows.row <= row)
        if (queue_take(q, &s->table.at) && s->table.at.rows.row == row)
            return s->table.open = true;
    return false;
}

/* Opens the next statement with rows that begins before `to`; its table may be queued. */
static bool find_statement(struct lac_scan *s, struct lac_str text, size_t to)
{
    const struct lac_scan_queue *q = &s->queue;
    struct lac_scan_table *t = &s->table;
    size_t at = t->at.rows.row;

    if (open_queued(s, at))
        return true;
    for (; at < to && (q->count == 0 || at < q->at[0].rows.row); at = next_line(text, at))
        if (open_statement(t, text, at) || (is_later(&s->later, at) && open_at(t, text, at)))
            return true;
    t->at.rows.row = at;
    return at < to && open_queued(s, q->at[0].rows.row);
}

/* The same of those that were found while others were read. */
static bool find_later(struct lac_scan *s, struct lac_str text)
{
    struct lac_scan_table *t = &s->table;
    struct lac_scan_later *l = &s->later;

    if (queue_take(&s->queue, &t->at))
        return t->open = true;
    (void)is_later(l, t->at.rows.row);
    while (l->next < l->count)
        if (open_at(t, text, l->at[l->next++])) {
            t->at.rows.strict = true;
            return true;
        }
    return false;
}

void lac_scan_table_later(struct lac_scan *s, size_t at)
{
    struct lac_scan_later *l = &s->later;

    if (l->count < LAC_SCAN_TABLES_LATER && (l->count == 0 || l->at[l->count - 1] < at))
        l->at[l->count++] = at;
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

/* Looks at lines of cells. */
static enum lac_status look(struct lac_scan *s, const struct part *p, size_t len)
{
    struct lac_scan_cells *c = s->cells;
    struct lac_match_hits hits = {.at = s->hits,
                                  .capacity = LAC_SCAN_WINDOW_HITS,
                                  .per_rule = LAC_SCAN_WINDOW_HITS,
                                  .want_weak = s->plan->want_weak,
                                  .keep_shadowed = s->plan->want_weak,
                                  .decode = true};
    enum lac_status status =
        lac_match_scan(s->plan->m, s->scratch, (struct lac_str){c->lines, len}, &hits, p->err);

    p->out->truncated = p->out->truncated || hits.truncated || hits.over_limit;
    for (size_t i = 0; status == LAC_OK && i < hits.count; i++) {
        const struct lac_match_hit *h = &hits.at[i];
        struct lac_scan_finding f = {
            .start = c->map[h->start], .end = c->map[h->end], .rule = h->rule, .score = h->score};

        if (c->map[h->start + 1] <= f.start || f.end <= f.start)
            continue; /* of a heading */
        f.listed = f.start >= p->from && f.start < p->to && s->plan->listed[h->rule] &&
                   h->score >= s->plan->min_score;
        status = keep(c, &f, p);
    }
    return status;
}

/* Some rows of the open table, those that reach into [from, to). */
static enum lac_status some_rows(struct lac_scan *s, const struct part *p, size_t from, size_t to)
{
    struct lac_scan_cells *c = s->cells;
    struct lac_match_table *t = &s->table.at;
    enum lac_status status = LAC_OK;
    size_t len;

    t->rows.next = next_known(s, t->rows.row);
    if (!lac_match_cells_take(&c->cells, t, p->text, from, to)) {
        s->table.open = false;
        if (t->rows.row < p->text.len && p->text.ptr[t->rows.row - 1] != '\n')
            t->rows.row = next_line(p->text, t->rows.row);
    }
    while (status == LAC_OK &&
           (len = lac_match_cells_lines(&c->cells, t, p->text, c->lines, c->map)) > 0)
        status = look(s, p, len);
    return status;
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

/* The first of the `n` findings that does not begin before `end`. */
static size_t first_behind(const struct lac_scan_finding *at, size_t n, size_t end)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (at[mid].start < end)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Whether `o` says nothing beside `f`, as the matcher sees it where both are in one text. */
static bool is_shadowed(const struct lac_scan *s, const struct lac_scan_finding *o,
                        const struct lac_scan_finding *f)
{
    const struct lac_match_rule *a = lac_match_rule_at(s->plan->m, o->rule);
    const struct lac_match_rule *b = lac_match_rule_at(s->plan->m, f->rule);

    return o->start >= f->start && o->end <= f->end && o->score < f->score && a != b &&
           a->strength == LAC_MATCH_FLOOR && b->strength == LAC_MATCH_FLOOR && a->tier <= b->tier;
}

/* Of the `n` findings, which are in order, one of the same rule there, or one beside which `f` says
 * nothing; NULL: there is none. */
static struct lac_scan_finding *known(const struct lac_scan *s, size_t n,
                                      const struct lac_scan_finding *f)
{
    size_t i = first_behind(s->at, n, f->end);

    for (; i > 0 && s->at[i - 1].reach > f->start; i--) {
        struct lac_scan_finding *o = &s->at[i - 1];

        if (o->rule != gone && o->end > f->start &&
            (o->rule == f->rule || (!s->plan->want_weak && is_shadowed(s, f, o))))
            return o;
    }
    return NULL;
}

/* Takes those of the `n` findings away that say nothing beside `f`. */
static void shadow(struct lac_scan *s, size_t n, const struct lac_scan_finding *f,
                   const struct part *p)
{
    size_t i = first_behind(s->at, n, f->end);

    for (; i > 0 && s->at[i - 1].reach > f->start; i--) {
        struct lac_scan_finding *o = &s->at[i - 1];

        if (o->rule == gone || s->plan->want_weak || !is_shadowed(s, o, f))
            continue;
        p->out->listed -= o->listed;
        o->listed = false;
        o->rule = gone;
    }
}

static enum lac_status add(struct lac_scan *s, size_t n, const struct lac_scan_finding *f,
                           const struct part *p)
{
    struct lac_scan_finding *o = known(s, n, f);

    if (o && o->score >= f->score)
        return LAC_OK;
    if (f->start >= p->from && f->start < p->to)
        lac_scan_hear(s, f->rule, f->score, p->out);
    if (!o) {
        shadow(s, n, f, p);
        return lac_scan_push(s, f, p->out, p->err);
    }
    o->score = f->score; /* weak without the heading */
    p->out->listed += f->listed && !o->listed;
    o->listed = o->listed || f->listed;
    return LAC_OK;
}

/* Whether those around the index-th in a cell say as much: a row that two tables claim was read
 * with both their headings. */
static bool is_told(const struct lac_scan *s, size_t index)
{
    const struct lac_scan_cells *c = s->cells;
    const struct lac_scan_finding *f = &c->found[index];
    size_t i = index > NEIGHBOURS ? index - NEIGHBOURS : 0;

    if (index > 0 && by_place(f - 1, f) == 0)
        return true;
    for (; i < c->found_count && i <= index + NEIGHBOURS && !s->plan->want_weak; i++)
        if (is_shadowed(s, f, &c->found[i]))
            return true;
    return false;
}

static enum lac_status merge(struct lac_scan *s, const struct part *p)
{
    struct lac_scan_cells *c = s->cells;
    size_t n = s->count;
    enum lac_status status = LAC_OK;

    if (c->found_count > 1)
        qsort(c->found, c->found_count, sizeof(*c->found), by_place);
    for (size_t i = 0; status == LAC_OK && i < c->found_count; i++)
        if (!is_told(s, i))
            status = add(s, n, &c->found[i], p);
    c->found_count = 0;
    if (status != LAC_OK || s->count == n)
        return status;
    n = s->count;
    s->count = 0;
    for (size_t i = 0; i < n; i++)
        if (s->at[i].rule != gone)
            s->at[s->count++] = s->at[i];
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
    struct lac_scan_queue opened; /* large, and most texts have none */
    enum lac_status status = LAC_OK;
    bool kept = false;

    opened.count = 0;
    if (from == 0 || !s->shifted) {
        s->queue.count = 0;
        forget(t);
    }
    if (from == 0)
        begin(t, text);
    s->shifted = false;
    if (!t->open && !t->sql && s->later.count + s->queue.count == 0)
        return LAC_OK;
    if (!s->cells)
        s->cells = calloc(1, sizeof(*s->cells));
    if (!s->cells)
        return lac_err_set(err, LAC_RETRY, ENOMEM, "no memory for rows of a table");
    while (status == LAC_OK && t->at.rows.row < high) {
        if (!kept && t->at.rows.row >= again) {
            goes_on = *t;
            kept = true;
        }
        if (t->open) {
            status = some_rows(s, &p, low, kept ? high : again);
        } else if (t->sql ? find_statement(s, text, kept ? high : again) : find_later(s, text)) {
            if (kept)
                queue_put(&opened, &t->at);
        } else if (kept || !t->sql) {
            break;
        }
    }
    while (kept && queue_take(&s->queue, &t->at))
        queue_put(&opened, &t->at);
    s->queue = opened;
    if (kept)
        *t = goes_on;
    return status == LAC_OK ? merge(s, &p) : status;
}

/* Goes on at the first row behind `by`, which is where the text will begin. False: it has none. */
static bool shift(struct lac_match_rows *rows, struct lac_str text, size_t by)
{
    struct lac_str cells[LAC_MATCH_ROWS_COLUMNS];
    bool filled, open = true;

    while (open && rows->row < by)
        open = lac_match_rows_next(text, rows, cells, &filled);
    rows->row = rows->row > by ? rows->row - by : 0;
    return open;
}

void lac_scan_shift(struct lac_scan *s, struct lac_str text, size_t by)
{
    struct lac_scan_table *t = &s->table;
    struct lac_scan_queue *q = &s->queue;
    size_t kept = 0;

    s->shifted = true;
    t->made.read_to = 0;
    if (t->open)
        t->open = shift(&t->at.rows, text, by);
    else
        t->at.rows.row = t->at.rows.row > by ? t->at.rows.row - by : 0;
    for (size_t i = 0; i < q->count; i++)
        if (shift(&q->at[i].rows, text, by))
            q->at[kept++] = q->at[i];
    q->count = kept;
}
