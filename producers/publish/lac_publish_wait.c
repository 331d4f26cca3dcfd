/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_publish_wait.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lac_event_id.h"
#include "lac_pg.h"
#include "lac_table.h"

struct expected {
    uint64_t number;
    struct lac_event_id id;
};

struct lac_publish_wait {
    struct expected *items; /* owned; the first `missing` are not found yet */
    size_t count, capacity, missing;
    char (*texts)[LAC_PUBLISH_TEXT_BYTES]; /* owned, by number */
    uint16_t *text_lens;                   /* owned */
};

enum { CHUNK = 1000, UUID_TEXT = 33 }; /* ids in one query; 32 digits and a comma */

enum lac_status lac_publish_wait_open(struct lac_publish_wait **out, struct lac_err *err)
{
    struct lac_publish_wait *w = calloc(1, sizeof(*w));

    *out = w;
    if (w) {
        w->texts = calloc(LAC_PUBLISH_TEXTS_MAX, sizeof(*w->texts));
        w->text_lens = calloc(LAC_PUBLISH_TEXTS_MAX, sizeof(*w->text_lens));
    }
    if (w && w->texts && w->text_lens)
        return LAC_OK;
    lac_publish_wait_close(w);
    *out = NULL;
    return lac_err_set(err, LAC_FATAL, ENOMEM, "out of memory");
}

void lac_publish_wait_close(struct lac_publish_wait *w)
{
    if (!w)
        return;
    free(w->items);
    free(w->texts);
    free(w->text_lens);
    free(w);
}

void lac_publish_wait_text(struct lac_publish_wait *w, uint64_t number, struct lac_str text)
{
    if (number >= LAC_PUBLISH_TEXTS_MAX)
        return;
    if (text.len > LAC_PUBLISH_TEXT_BYTES) {
        text.len = LAC_PUBLISH_TEXT_BYTES;
        while (text.len > 0 && ((unsigned char)text.ptr[text.len] & 0xC0) == 0x80)
            text.len--;
    }
    memcpy(w->texts[number], text.ptr, text.len);
    w->text_lens[number] = (uint16_t)text.len;
}

enum lac_status lac_publish_wait_add(struct lac_publish_wait *w, uint64_t number,
                                     const struct lac_event_id *id, struct lac_err *err)
{
    if (w->count == w->capacity) {
        size_t capacity = w->capacity ? w->capacity * 2 : 1024;
        struct expected *grown = capacity <= 2 * (size_t)LAC_PUBLISH_WAIT_MAX
                                     ? reallocarray(w->items, capacity, sizeof(*grown))
                                     : NULL;

        if (!grown)
            return lac_err_set(err, LAC_FATAL, ENOMEM, "too many records to wait for");
        w->items = grown;
        w->capacity = capacity;
    }
    w->items[w->count++] = (struct expected){number, *id};
    w->missing = w->count;
    return LAC_OK;
}

size_t lac_publish_wait_count(const struct lac_publish_wait *w)
{
    return w->count;
}

/* "{id,id,...}": what Postgres reads as an array. */
static struct lac_str id_array(char out[CHUNK * UUID_TEXT + 2], const struct expected *items,
                               size_t n)
{
    size_t len = 0;

    out[len++] = '{';
    for (size_t i = 0; i < n; i++) {
        char id[LAC_EVENT_ID_TEXT_SIZE];

        lac_event_id_format(id, &items[i].id);
        if (i > 0)
            out[len++] = ',';
        memcpy(out + len, id, sizeof(id) - 1);
        len += sizeof(id) - 1;
    }
    out[len++] = '}';
    return (struct lac_str){out, len};
}

static int by_id(const void *a, const void *b)
{
    return memcmp(((const struct expected *)a)->id.bytes, ((const struct expected *)b)->id.bytes,
                  sizeof(struct lac_event_id));
}

static int by_number(const void *a, const void *b)
{
    const struct expected *x = a, *y = b;

    return x->number < y->number ? -1 : x->number > y->number;
}

/* Moves those of [from, from + n) that the query found behind the missing ones. */
static void sort_out(struct lac_publish_wait *w, size_t from, size_t n,
                     const struct lac_pg_rows *rows)
{
    bool found[CHUNK] = {false};

    for (size_t r = 0; r < lac_pg_rows_count(rows); r++) {
        struct expected key = {0};
        struct lac_str id = lac_pg_cell(rows, r, 0);
        const struct expected *hit;

        if (id.len != sizeof(key.id.bytes))
            continue;
        memcpy(key.id.bytes, id.ptr, id.len);
        hit = bsearch(&key, w->items + from, n, sizeof(key), by_id);
        if (hit)
            found[hit - (w->items + from)] = true;
    }
    for (size_t i = n; i-- > 0;) {
        struct expected moved = w->items[from + i];

        if (!found[i])
            continue;
        w->missing--;
        w->items[from + i] = w->items[w->missing];
        w->items[w->missing] = moved;
    }
}

enum lac_status lac_publish_wait_ask(struct lac_publish_wait *w, struct lac_pg *pg, size_t *missing,
                                     struct lac_err *err)
{
    static _Thread_local char ids[CHUNK * UUID_TEXT + 2];
    size_t at = w->missing;

    /* From the end, because what is found moves behind the missing ones. */
    while (at > 0) {
        size_t n = at < CHUNK ? at : CHUNK, from = at - n;
        struct lac_pg_param param;
        struct lac_pg_rows *rows;
        enum lac_status status;

        qsort(w->items + from, n, sizeof(*w->items), by_id);
        param = lac_pg_text(id_array(ids, w->items + from, n));
        status = lac_pg_query(pg, &rows,
                              "SELECT DISTINCT event_id FROM decisions"
                              " WHERE event_id = ANY ($1::uuid[])",
                              &param, 1, err);
        if (status != LAC_OK)
            return status;
        sort_out(w, from, n, rows);
        lac_pg_rows_free(rows);
        at = from;
    }
    *missing = w->missing;
    return LAC_OK;
}

static void add_missing_row(struct lac_table *t)
{
    lac_table_add(t, LAC_STR("-"), LAC_STYLE_DIM);
    lac_table_add(t, LAC_STR(""), LAC_STYLE_NONE);
    lac_table_add(t, LAC_STR("no decision yet"), LAC_STYLE_BAD);
    lac_table_add(t, LAC_STR(""), LAC_STYLE_NONE);
}

static void add_row(struct lac_table *t, const struct lac_pg_rows *rows, size_t r)
{
    struct lac_str tier = lac_pg_cell(rows, r, 1), route = lac_pg_cell(rows, r, 4);

    lac_table_add(t, tier, lac_term_tier_style(tier));
    lac_table_addf(t, LAC_STYLE_NONE, "%.3f", (double)lac_pg_cell_int(rows, r, 2) / 1e6);
    lac_table_add(t, lac_pg_cell(rows, r, 3), LAC_STYLE_NONE);
    lac_table_add(t, route.len ? route : LAC_STR("none"),
                  route.len ? LAC_STYLE_NONE : LAC_STYLE_DIM);
}

/* The newest revision of each; why: the rules that found something, and whether tier 2 was asked.
 */
static const char table_sql[] =
    "SELECT DISTINCT ON (event_id) event_id, tier::text, confidence_ppm,"
    " coalesce(nullif(concat_ws(', ', nullif(array_to_string(rules, ', '), ''),"
    " CASE WHEN model_hash IS NOT NULL THEN 'tier 2'"
    " WHEN stop = 'unavailable' THEN 'a tier is missing' END), ''), 'no evidence'),"
    " array_to_string(route, ', ')"
    " FROM decisions_joined WHERE event_id = ANY ($1::uuid[])"
    " ORDER BY event_id, revision DESC";

enum lac_status lac_publish_wait_table(struct lac_publish_wait *w, struct lac_pg *pg,
                                       struct lac_table *t, struct lac_err *err)
{
    static _Thread_local char ids[CHUNK * UUID_TEXT + 2];
    struct lac_pg_rows *rows;
    struct lac_pg_param param;
    size_t n;
    enum lac_status status;

    qsort(w->items, w->count, sizeof(*w->items), by_number);
    n = w->count < LAC_PUBLISH_TEXTS_MAX ? w->count : LAC_PUBLISH_TEXTS_MAX;
    param = lac_pg_text(id_array(ids, w->items, n));
    status = lac_pg_query(pg, &rows, table_sql, &param, 1, err);
    if (status != LAC_OK)
        return status;
    for (size_t i = 0; i < w->count; i++) {
        const struct expected *e = &w->items[i];
        size_t r = 0;

        if (i >= n || e->number >= LAC_PUBLISH_TEXTS_MAX) {
            t->dropped++;
            continue;
        }
        lac_table_add(t, (struct lac_str){w->texts[e->number], w->text_lens[e->number]},
                      LAC_STYLE_NONE);
        while (r < lac_pg_rows_count(rows) &&
               memcmp(lac_pg_cell(rows, r, 0).ptr, e->id.bytes, sizeof(e->id.bytes)) != 0)
            r++;
        if (r < lac_pg_rows_count(rows))
            add_row(t, rows, r);
        else
            add_missing_row(t);
    }
    lac_pg_rows_free(rows);
    return LAC_OK;
}
