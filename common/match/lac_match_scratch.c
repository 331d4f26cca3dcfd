/* SPDX-License-Identifier: Apache-2.0 */
/* A lane's memory for scanning: sized here, never while text is scanned. */
#include "lac_match_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "lac_assert.h"
#include "lac_match_glyph.h"

/* Room for text that grows under NFKC; a field that grows by more counts as over the limit. */
static size_t view_capacity(size_t field_bytes)
{
    return field_bytes + field_bytes / 2 + 1024;
}

static bool view_open(struct lac_match_view *v, size_t field_bytes)
{
    v->capacity = view_capacity(field_bytes);
    v->text = malloc(v->capacity + 1);
    v->map = malloc((v->capacity + 1) * sizeof(*v->map));
    return v->text && v->map;
}

static void view_close(struct lac_match_view *v)
{
    free(v->text);
    free(v->map);
}

enum lac_status lac_match_scratch_open(struct lac_match_scratch **out, size_t field_bytes,
                                       struct lac_err *err)
{
    enum lac_status status = lac_match_scratch_new(out, field_bytes, err);

    if (status == LAC_OK)
        status = lac_match_deep_open(&(*out)->deep, err);
    if (status == LAC_OK)
        return LAC_OK;
    lac_match_scratch_close(*out);
    *out = NULL;
    return status;
}

enum lac_status lac_match_scratch_new(struct lac_match_scratch **out, size_t field_bytes,
                                      struct lac_err *err)
{
    struct lac_match_scratch *s = calloc(1, sizeof(*s));
    size_t places = field_bytes / LAC_MATCH_PLACE_BYTES;

    LAC_ASSERT(field_bytes > 0 && field_bytes <= (1u << 30));
    if (s) {
        s->place_capacity = places > LAC_MATCH_PLACES_LEAST ? places : LAC_MATCH_PLACES_LEAST;
        s->places = malloc(s->place_capacity * sizeof(*s->places));
        s->glyphs = calloc(1, sizeof(*s->glyphs)); /* touched where it is used */
    }
    if (!s || !s->places || !s->glyphs || !view_open(&s->folded, field_bytes) ||
        !view_open(&s->copy, field_bytes)) {
        lac_match_scratch_close(s);
        *out = NULL;
        return lac_err_set(err, LAC_FATAL, ENOMEM, "match: no memory for a scratch");
    }
    s->field_bytes = field_bytes;
    lac_match_entropy_init(&s->entropy);
    s->front = lac_match_front_best();
    *out = s;
    return LAC_OK;
}

void lac_match_scratch_close(struct lac_match_scratch *s)
{
    if (!s)
        return;
    hs_free_scratch(s->hs);
    lac_match_deep_close(s->deep);
    view_close(&s->folded);
    view_close(&s->copy);
    free(s->places);
    free(s->glyphs);
    free(s->states);
    free(s->rule_hit);
    free(s->touched);
    free(s->rest_region);
    free(s);
}

static bool fit_rules(struct lac_match_scratch *s, const struct lac_match *m)
{
    free(s->states);
    free(s->rule_hit);
    free(s->touched);
    free(s->rest_region);
    s->states = calloc(m->count + 1, sizeof(*s->states));
    s->rule_hit = calloc(m->count + 1, sizeof(*s->rule_hit));
    s->touched = calloc(m->count + 1, sizeof(*s->touched));
    s->rest_region = calloc(m->rest_count + 1, sizeof(*s->rest_region));
    s->touched_count = 0;
    memset(s->seen, 0, sizeof(s->seen));
    return s->states && s->rule_hit && s->touched && s->rest_region;
}

static void fit_gates(struct lac_match_scratch *s, const struct lac_match *m)
{
    memset(s->open, 0, sizeof(s->open));
    for (size_t i = 0; i < m->count; i++)
        for (int weak = 0; weak < 2; weak++)
            if (!lac_match_needs_context(&m->rules[i], weak))
                s->open[weak][i / 64] |= (uint64_t)1 << (i % 64);
}

static enum lac_status fit_database(struct lac_match_scratch *s, const hs_database_t *db,
                                    struct lac_err *err)
{
    hs_error_t rc = db ? hs_alloc_scratch(db, &s->hs) : HS_SUCCESS;

    if (rc == HS_SUCCESS)
        return LAC_OK;
    return lac_err_set(err, LAC_FATAL, rc, "match: cannot size the matcher's scratch (%d)", rc);
}

enum lac_status lac_match_scratch_fit(struct lac_match_scratch *s, const struct lac_match *m,
                                      struct lac_err *err)
{
    enum lac_status status;

    s->m = NULL;
    if (!fit_rules(s, m))
        return lac_err_set(err, LAC_FATAL, ENOMEM, "match: no memory for %zu rules", m->count);
    fit_gates(s, m);
    status = fit_database(s, m->rest, err);
    for (size_t i = 0; status == LAC_OK && i < m->rest_count; i++)
        status = fit_database(s, m->alone[i], err);
    if (status == LAC_OK && s->deep)
        status = lac_match_deep_fit(s->deep, m, err);
    if (status == LAC_OK)
        s->m = m;
    return status;
}
