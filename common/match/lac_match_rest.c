/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nothing cheaper nominates: one Vectorscan database that reports where units end, never
 * where they start. Starts are looked for in the bytes before, by the unit's own program, or by
 * Vectorscan for the few whose syntax our compiler leaves to it.
 */
#include "lac_match_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "lac_assert.h"

static enum lac_status compile_failed(hs_compile_error_t *why, struct lac_err *err)
{
    lac_err_set(err, LAC_REJECT, 0, "match: the patterns do not compile together: %s",
                why ? why->message : "unknown");
    hs_free_compile_error(why);
    return LAC_REJECT;
}

/* Appends one database, serialized: its size, then its bytes. */
static enum lac_status put_database(struct lac_buf *out, hs_database_t *db, struct lac_err *err)
{
    char *bytes = NULL;
    size_t n = 0;
    uint64_t size;

    if (hs_serialize_database(db, &bytes, &n) != HS_SUCCESS) {
        free(bytes);
        return lac_err_set(err, LAC_FATAL, 0, "match: the database cannot be serialized");
    }
    size = n;
    lac_buf_put(out, &size, sizeof(size));
    lac_buf_put(out, bytes, n);
    free(bytes);
    return lac_buf_ok(out) ? LAC_OK
                           : lac_err_set(err, LAC_FATAL, ENOMEM, "match: no memory for patterns");
}

static enum lac_status put_compiled(struct lac_match_build *b, const char *const *expressions,
                                    const unsigned *flags, const unsigned *ids, size_t count,
                                    struct lac_err *err)
{
    hs_compile_error_t *why = NULL;
    hs_database_t *db = NULL;
    enum lac_status status;

    if (hs_compile_multi(expressions, flags, ids, (unsigned)count, HS_MODE_BLOCK, NULL, &db,
                         &why) != HS_SUCCESS)
        return compile_failed(why, err);
    status = put_database(&b->section[LAC_MATCH_S_REST], db, err);
    hs_free_database(db);
    return status;
}

enum lac_status lac_match_rest_compile(struct lac_match_build *b, struct lac_err *err)
{
    const struct lac_buf *rest = &b->section[LAC_MATCH_S_REST_UNITS];
    const struct lac_match_unit *units = (const void *)b->section[LAC_MATCH_S_UNITS].ptr;
    const uint32_t *unit = (const void *)rest->ptr;
    size_t count = rest->len / sizeof(*unit);
    const char **expressions = calloc(count + 1, sizeof(*expressions));
    unsigned *numbers = calloc(count * 2 + 1, sizeof(*numbers)); /* flags, ids */
    enum lac_status status = LAC_OK;

    if (!expressions || !numbers)
        status = lac_err_set(err, LAC_FATAL, ENOMEM, "match: no memory for patterns");
    for (size_t i = 0; status == LAC_OK && i < count; i++) {
        expressions[i] = b->expressions[unit[i]];
        numbers[i] = b->expression_flags[unit[i]];
        numbers[count + i] = (unsigned)i;
    }
    if (status == LAC_OK && count > 0)
        status = put_compiled(b, expressions, numbers, numbers + count, count, err);
    for (size_t i = 0; status == LAC_OK && i < count; i++)
        if (units[unit[i]].flags & LAC_MATCH_UNIT_UNSUPPORTED) {
            numbers[i] |= HS_FLAG_SOM_LEFTMOST;
            status = put_compiled(b, &expressions[i], &numbers[i], &numbers[count + i], 1, err);
        }
    free(expressions);
    free(numbers);
    return status;
}

/* Takes the next database off `from`. AGAIN: another version or machine made it. */
static enum lac_status take_database(struct lac_str *from, hs_database_t **out, struct lac_err *err)
{
    uint64_t size;
    hs_error_t rc;

    if (from->len < sizeof(size))
        return lac_err_set(err, LAC_REJECT, 0, "match: the image is damaged");
    memcpy(&size, from->ptr, sizeof(size));
    if (size > from->len - sizeof(size))
        return lac_err_set(err, LAC_REJECT, 0, "match: the image is damaged");
    rc = hs_deserialize_database(from->ptr + sizeof(size), (size_t)size, out);
    if (rc == HS_NOMEM)
        return lac_err_set(err, LAC_FATAL, rc, "match: no memory for patterns");
    if (rc != HS_SUCCESS)
        return lac_err_set(err, LAC_AGAIN, rc, "match: the patterns were compiled elsewhere (%d)",
                           rc);
    *from = lac_str_slice(*from, sizeof(size) + (size_t)size, from->len);
    return LAC_OK;
}

enum lac_status lac_match_rest_open(struct lac_match *m, struct lac_err *err)
{
    struct lac_str from = {(const char *)m->image + m->image->section[LAC_MATCH_S_REST].at,
                           (size_t)m->image->section[LAC_MATCH_S_REST].size};
    enum lac_status status;

    if (m->rest_count == 0)
        return LAC_OK;
    m->alone = calloc(m->rest_count, sizeof(hs_database_t *));
    if (!m->alone)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "match: no memory for patterns");
    status = take_database(&from, &m->rest, err);
    for (size_t i = 0; status == LAC_OK && i < m->rest_count; i++)
        if (m->units[m->rest_units[i]].flags & LAC_MATCH_UNIT_UNSUPPORTED)
            status = take_database(&from, &m->alone[i], err);
    return status;
}

void lac_match_rest_close(struct lac_match *m)
{
    for (size_t i = 0; m->alone && i < m->rest_count; i++)
        hs_free_database(m->alone[i]);
    free(m->alone);
    hs_free_database(m->rest);
}

/* ---- scanning ---- */

/* Grows the unit's region to hold this end, or opens the next one. */
static int on_end(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                  void *arg)
{
    struct lac_match_scratch *s = arg;
    const struct lac_match_unit *u = &s->m->units[s->m->rest_units[id]];
    uint32_t *latest = &s->rest_region[id];
    uint32_t end = (uint32_t)to;
    uint32_t width = u->width + 1; /* one more: see scan_region() */
    uint32_t start = end > width ? end - width : 0;

    (void)from;
    (void)flags;
    if (*latest &&
        (start <= s->regions[*latest - 1].end || s->region_count == LAC_MATCH_REGION_MAX)) {
        s->regions[*latest - 1].end = end;
        return 0;
    }
    if (s->region_count == LAC_MATCH_REGION_MAX) {
        s->regions_full = true;
        return 0;
    }
    s->regions[s->region_count++] = (struct lac_match_region){id, start, end};
    *latest = (uint32_t)s->region_count;
    return 0;
}

static int on_alone(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *arg)
{
    struct lac_match_scratch *s = arg;
    const struct lac_match_region *r = s->region;

    (void)id;
    (void)flags;
    /* At the region's cut edges `^`, `$` and `\b` see an end of text that is none: what touches
     * them was not among the ends that opened the region, or begins before it. */
    if ((from == 0 && r->start > 0) || r->start + to > r->end || from == to)
        return 0;
    lac_match_nominated(s, &s->m->units[s->m->rest_units[r->rest]], r->start + (size_t)from,
                        r->start + (size_t)to);
    return 0;
}

static enum lac_status scan(struct lac_match_scratch *s, const hs_database_t *db, const char *text,
                            size_t len, match_event_handler on_match, struct lac_err *err)
{
    hs_error_t rc = hs_scan(db, text, (unsigned)len, 0, s->hs, on_match, s);

    if (rc == HS_SUCCESS)
        return LAC_OK;
    return lac_err_set(err, LAC_FATAL, rc, "match: the matcher failed (%d)", rc);
}

/* For Vectorscan the region reaches one byte further to both sides than a match can, so that a
 * match that touches its edges is known to be one that the cut made up. */
static enum lac_status scan_region(struct lac_match_scratch *s, const struct lac_match_region *r,
                                   struct lac_err *err)
{
    size_t end = r->end < s->plain.len ? (size_t)r->end + 1 : r->end;

    if (!s->m->alone[r->rest]) {
        lac_match_unit_in(s, s->m->rest_units[r->rest], r->start, r->end);
        return LAC_OK;
    }
    s->region = r;
    return scan(s, s->m->alone[r->rest], s->plain.ptr + r->start, end - r->start, on_alone, err);
}

enum lac_status lac_match_rest(struct lac_match_scratch *s, struct lac_err *err)
{
    enum lac_status status;

    if (!s->m->rest || s->plain.len == 0)
        return LAC_OK;
    s->region_count = 0;
    s->regions_full = false;
    status = scan(s, s->m->rest, s->plain.ptr, s->plain.len, on_end, err);
    for (size_t i = 0; i < s->region_count; i++)
        s->rest_region[s->regions[i].rest] = 0;
    if (s->regions_full) {
        /* So many places that they can't be listed: every unit once over everything. */
        for (uint32_t i = 0; i < s->m->rest_count && status == LAC_OK; i++) {
            struct lac_match_region all = {i, 0, (uint32_t)s->plain.len};

            status = scan_region(s, &all, err);
        }
        return status;
    }
    for (size_t i = 0; i < s->region_count && status == LAC_OK; i++)
        status = scan_region(s, &s->regions[i], err);
    return status;
}
