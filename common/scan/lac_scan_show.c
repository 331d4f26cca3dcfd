/* SPDX-License-Identifier: Apache-2.0 */
/* Texts without what was found in them: whole ones, and the few words around a finding. */
#include <errno.h>
#include <stdlib.h>

#include "lac_scan_internal.h"
#include "lac_utf8.h"

enum { EXCERPT_SPANS = 128, STARS_MOST = 64 };

static struct lac_redact_span span_of(const struct lac_scan_plan *p,
                                      const struct lac_scan_finding *f)
{
    const struct lac_match_rule *r = lac_match_rule_at(p->m, f->rule);

    return (struct lac_redact_span){f->start, f->end, r->entity, r->redaction, r->tier, f->score};
}

static enum lac_status span_room(struct lac_scan *s, size_t count, struct lac_err *err)
{
    struct lac_redact_span *grown;

    if (count <= s->span_capacity)
        return LAC_OK;
    grown = realloc(s->spans, count * sizeof(*grown));
    if (!grown)
        return lac_err_set(err, LAC_RETRY, ENOMEM, "no memory for %zu places", count);
    s->spans = grown;
    s->span_capacity = count;
    return LAC_OK;
}

enum lac_status lac_scan_redact(struct lac_scan *s, const struct lac_scan_result *r,
                                struct lac_str text, struct lac_redact *redact,
                                const enum lac_match_redaction *how, struct lac_buf *out,
                                size_t *places, struct lac_err *err)
{
    enum lac_status status;
    size_t n = 0;

    *places = 0;
    if (r->truncated)
        return lac_err_set(err, LAC_REJECT, 0,
                           "more was found than can be listed, so not all of it can be hidden");
    status = span_room(s, r->listed, err);
    if (status != LAC_OK)
        return status;
    for (size_t i = 0; i < r->count; i++) {
        if (!r->at[i].listed)
            continue;
        s->spans[n] = span_of(s->plan, &r->at[i]);
        if (how)
            s->spans[n].how = *how;
        n++;
    }
    *places = lac_redact_text(redact, text, s->spans, n, out);
    if (!lac_buf_ok(out))
        return lac_err_set(err, LAC_RETRY, ENOMEM, "no memory for the redacted text");
    return LAC_OK;
}

/* ---- Excerpts ---- */

static bool is_break(char c)
{
    return c == '\n' || c == '\r';
}

static bool is_inside(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* Whether it has to be hidden from who reads an excerpt: hard evidence, and what was asked for. */
static bool is_hidden(const struct lac_scan_plan *p, const struct lac_scan_finding *f)
{
    return f->listed || lac_match_rule_at(p->m, f->rule)->strength == LAC_MATCH_FLOOR;
}

/* The spans that touch [lo, hi), which grows until it cuts none, however far before one of them
 * begins. False: too many to show. */
static bool gather(const struct lac_scan *s, const struct lac_scan_result *r, size_t index,
                   size_t *lo, size_t *hi, struct lac_redact_span *spans, size_t *n)
{
    size_t first = index;

    while (first > 0 && r->at[first - 1].reach > *lo)
        first--;
    *n = 0;
    for (size_t i = first; i < r->count && r->at[i].start < *hi; i++) {
        const struct lac_scan_finding *f = &r->at[i];

        if (f->end <= *lo || !is_hidden(s->plan, f))
            continue;
        if (*n == EXCERPT_SPANS)
            return false;
        if (f->start < *lo)
            *lo = f->start;
        if (f->end > *hi)
            *hi = f->end;
        spans[*n] = span_of(s->plan, f);
        if (spans[*n].how == LAC_MATCH_REDACT_HASH || f->end - f->start > STARS_MOST)
            spans[*n].how = LAC_MATCH_REDACT_REPLACE;
        (*n)++;
    }
    return true;
}

void lac_scan_excerpt(struct lac_scan *s, const struct lac_scan_result *r, size_t index,
                      struct lac_str text, struct lac_redact *redact, bool bare,
                      struct lac_buf *out)
{
    const struct lac_scan_finding *f = &r->at[index];
    struct lac_redact_span spans[EXCERPT_SPANS];
    size_t lo = f->start, hi = f->end, n = 0;

    while (lo > 0 && f->start - lo < LAC_SCAN_EXCERPT_BYTES && !is_break(text.ptr[lo - 1]))
        lo--;
    while (lo < f->start && is_inside(text.ptr[lo]))
        lo++;
    if (lo == 0 && lac_utf8_mark(text) <= f->start)
        lo = lac_utf8_mark(text);
    while (hi < text.len && hi - f->end < LAC_SCAN_EXCERPT_BYTES && !is_break(text.ptr[hi]))
        hi++;
    while (hi > f->end && hi < text.len && is_inside(text.ptr[hi]))
        hi--;
    while (lo < f->start && (text.ptr[lo] == ' ' || text.ptr[lo] == '\t'))
        lo++;
    if (!bare && !gather(s, r, index, &lo, &hi, spans, &n)) {
        lo = f->start;
        hi = f->end;
        spans[0] = span_of(s->plan, f);
        spans[0].how = LAC_MATCH_REDACT_REPLACE;
        n = 1;
    }
    for (size_t i = 0; i < n; i++) {
        spans[i].start -= lo;
        spans[i].end -= lo;
    }
    (void)lac_redact_text(redact, lac_str_slice(text, lo, hi), spans, n, out);
}
