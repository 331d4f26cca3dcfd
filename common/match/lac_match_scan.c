/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One field: plain database (triggers of detectors, ends of patterns), the patterns' starts, then
 * the folded database (phrases). Databases only nominate; lac_match_add() records.
 */
#include "lac_match_internal.h"

#include "lac_assert.h"

/* Grows the rule's region to hold this end, or opens the next one. */
static void note_region(struct lac_match_scratch *s, uint32_t rule, uint32_t end)
{
    struct lac_match_rule_state *state = lac_match_state(s, rule);
    uint32_t width = s->m->compiled[rule].pattern_width + 1; /* one more: see scan_region() */
    uint32_t start = end > width ? end - width : 0;

    if (state->region &&
        (start <= s->regions[state->region - 1].end || s->region_count == LAC_MATCH_REGION_MAX)) {
        s->regions[state->region - 1].end = end;
        return;
    }
    if (s->region_count == LAC_MATCH_REGION_MAX) {
        s->regions_full = true;
        return;
    }
    s->regions[s->region_count++] = (struct lac_match_region){rule, start, end};
    state->region = (uint32_t)s->region_count;
}

static int on_plain(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *arg)
{
    struct lac_match_scratch *s = arg;
    const struct lac_match_trigger *t = &s->m->triggers[id];
    const struct lac_match_detector *d = s->m->compiled[t->rule].detector;
    struct lac_match_rule_state *state = lac_match_state(s, t->rule);
    struct lac_match_span span = {0};
    struct lac_str text = s->plain;

    (void)from;
    (void)flags;
    if (!d) {
        note_region(s, t->rule, (uint32_t)to);
        return 0;
    }
    if (to <= state->resume)
        return 0;
    if (d->verify(text, (size_t)to, t->index, &span)) {
        LAC_ASSERT(span.start < span.end && span.end <= text.len);
        if (lac_match_passes(s->m, t->rule, lac_str_slice(text, span.start, span.end)))
            lac_match_add(s, t->rule, lac_match_plain_at(s, span.start),
                          lac_match_plain_at(s, span.end));
    }
    if (span.resume > state->resume)
        state->resume = (uint32_t)span.resume;
    return 0;
}

static int on_pattern(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
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
    if (lac_match_passes(s->m, r->rule,
                         lac_str_slice(s->plain, r->start + (size_t)from, r->start + (size_t)to)))
        lac_match_add(s, r->rule, lac_match_plain_at(s, r->start + (size_t)from),
                      lac_match_plain_at(s, r->start + (size_t)to));
    return 0;
}

static int on_phrase(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                     void *arg)
{
    struct lac_match_scratch *s = arg;
    const struct lac_match_phrase *p = &s->m->phrases[id];
    struct lac_str text = {s->folded.text, s->folded.len};
    size_t end = (size_t)to;
    size_t start = end - p->len;

    (void)from;
    (void)flags;
    if (lac_match_boundary(text, start) && lac_match_boundary(text, end))
        lac_match_add(s, p->rule, s->folded.map[start], s->folded.map[end]);
    return 0;
}

static enum lac_status scan(struct lac_match_scratch *s, const hs_database_t *db, const char *text,
                            size_t len, match_event_handler on_match, struct lac_err *err)
{
    hs_error_t rc;

    if (!db || len == 0)
        return LAC_OK;
    rc = hs_scan(db, text, (unsigned)len, 0, s->hs, on_match, s);
    if (rc == HS_SUCCESS)
        return LAC_OK;
    return lac_err_set(err, LAC_FATAL, rc, "match: the matcher failed (%d)", rc);
}

/* The region reaches one byte further to both sides than a match can, so that a match that
 * touches its edges is known to be one that the cut made up. */
static enum lac_status scan_region(struct lac_match_scratch *s, const struct lac_match_region *r,
                                   struct lac_err *err)
{
    size_t end = r->end < s->plain.len ? (size_t)r->end + 1 : r->end;

    s->region = r;
    return scan(s, s->m->compiled[r->rule].pattern, s->plain.ptr + r->start, end - r->start,
                on_pattern, err);
}

static enum lac_status scan_patterns(struct lac_match_scratch *s, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    if (s->regions_full) {
        /* So many places that they can't be listed: every pattern rule once over everything. */
        for (uint32_t i = 0; i < s->m->count && status == LAC_OK; i++) {
            struct lac_match_region all = {i, 0, (uint32_t)s->plain.len};

            if (s->m->compiled[i].pattern)
                status = scan_region(s, &all, err);
        }
        return status;
    }
    for (size_t i = 0; i < s->region_count && status == LAC_OK; i++)
        status = scan_region(s, &s->regions[i], err);
    return status;
}

static void reset(struct lac_match_scratch *s, struct lac_match_hits *hits)
{
    for (size_t i = 0; i < s->touched_count; i++) {
        s->states[s->touched[i]].seen = false;
        s->rule_hit[s->touched[i]] = false;
    }
    s->touched_count = 0;
    s->region_count = 0;
    s->regions_full = false;
    s->hits = hits;
    hits->count = 0;
    hits->rule_hit = s->rule_hit;
    hits->floor = LAC_TIER_PUBLIC;
    hits->truncated = false;
    hits->over_limit = false;
    hits->undecodable = false;
    hits->whole_allowed = false;
}

enum lac_status lac_match_scan(const struct lac_match *m, struct lac_match_scratch *s,
                               struct lac_str text, struct lac_match_hits *hits,
                               struct lac_err *err)
{
    enum lac_status status;

    if (s->m != m)
        return lac_err_set(err, LAC_FATAL, 0,
                           "match: the scratch was not made fit for these rules");
    reset(s, hits);
    lac_match_views(s, text, hits);
    hits->blank = !hits->over_limit && !hits->undecodable &&
                  (s->folded.len == 0 || (s->folded.len == 1 && s->folded.text[0] == ' '));
    status = scan(s, m->plain, s->plain.ptr, s->plain.len, on_plain, err);
    if (status == LAC_OK && (s->region_count || s->regions_full))
        status = scan_patterns(s, err);
    if (status == LAC_OK)
        status = scan(s, m->folded, s->folded.text, s->folded.len, on_phrase, err);
    lac_match_settle(s);
    return status;
}
