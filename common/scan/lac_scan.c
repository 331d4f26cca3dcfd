/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_scan_internal.h"

enum {
    WINDOWS_BEFORE_LARGER = 4,
    BACK_MOST = 40 << 10,             /* bytes that a part ends earlier, to cut nothing in two */
    REACH_MOST = LAC_SCAN_MARGIN / 2, /* of a finding behind its part: what has more may be cut */
};

_Static_assert(LAC_SCAN_TEXT_MAX <= UINT32_MAX, "a finding's reach is a place in the text");
_Static_assert(LAC_SCAN_WINDOW > 4 * LAC_SCAN_MARGIN, "most of a window is its own part");

enum lac_status lac_scan_open(struct lac_scan **out, const struct lac_scan_plan *plan,
                              struct lac_err *err)
{
    struct lac_scan *s = calloc(1, sizeof(*s));
    enum lac_status status;

    *out = NULL;
    if (!s)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory to scan with");
    s->plan = plan;
    s->hits = malloc(LAC_SCAN_WINDOW_HITS * sizeof(*s->hits));
    s->spoke = calloc(plan->rule_count + 1, sizeof(*s->spoke));
    s->heard = calloc(plan->rule_count + 1, sizeof(*s->heard));
    if (!s->hits || !s->spoke || !s->heard)
        status = lac_err_set(err, LAC_FATAL, ENOMEM, "no memory to scan with");
    else
        status = lac_match_scratch_open(&s->scratch, LAC_SCAN_WINDOW, err);
    if (status == LAC_OK)
        status = lac_match_scratch_fit(s->scratch, plan->m, err);
    if (status != LAC_OK) {
        lac_scan_close(s);
        return status;
    }
    *out = s;
    return LAC_OK;
}

void lac_scan_close(struct lac_scan *s)
{
    if (!s)
        return;
    lac_match_scratch_close(s->scratch);
    lac_scan_cells_close(s->cells);
    free(s->hits);
    free(s->at);
    free(s->spans);
    free(s->spoke);
    free(s->heard);
    free(s);
}

void lac_scan_use(struct lac_scan *s, const struct lac_scan_plan *plan)
{
    LAC_ASSERT(s->plan->m == plan->m);
    s->plan = plan;
}

/* ---- Windows ---- */

/* A cut inside of a character would make two broken ones: at most three bytes further out. */
static size_t cut_before(struct lac_str text, size_t at)
{
    for (int i = 0; i < 3 && at > 0 && at < text.len; i++, at--)
        if (((unsigned char)text.ptr[at] & 0xC0) != 0x80)
            break;
    return at;
}

static size_t cut_behind(struct lac_str text, size_t at)
{
    for (int i = 0; i < 3 && at < text.len; i++, at++)
        if (((unsigned char)text.ptr[at] & 0xC0) != 0x80)
            break;
    return at;
}

enum lac_status lac_scan_push(struct lac_scan *s, const struct lac_scan_finding *f,
                              struct lac_scan_result *out, struct lac_err *err)
{
    if (s->count == LAC_SCAN_FINDINGS_MAX) {
        out->truncated = true;
        return LAC_OK;
    }
    if (s->count == s->capacity) {
        size_t more = s->capacity ? 2 * s->capacity : 256;
        struct lac_scan_finding *grown = realloc(s->at, more * sizeof(*grown));

        if (!grown)
            return lac_err_set(err, LAC_RETRY, ENOMEM, "no memory for %zu findings", more);
        s->at = grown;
        s->capacity = more;
    }
    s->at[s->count] = *f;
    s->at[s->count].reach = (uint32_t)f->end;
    if (s->count > 0 && s->at[s->count - 1].reach > f->end)
        s->at[s->count].reach = s->at[s->count - 1].reach;
    s->count++;
    out->listed += f->listed;
    return LAC_OK;
}

void lac_scan_hear(struct lac_scan *s, uint32_t rule, uint32_t score, struct lac_scan_result *out)
{
    const struct lac_match_rule *r = lac_match_rule_at(s->plan->m, rule);

    if (!s->plan->asked[rule] || score < LAC_MATCH_SCORE_COUNTS)
        return;
    if (r->strength == LAC_MATCH_FLOOR)
        out->tier = lac_tier_join(out->tier, r->tier);
    if (r->strength != LAC_MATCH_OPINION || s->spoke[rule])
        return;
    s->spoke[rule] = true;
    s->heard[s->heard_count++] = rule;
}

/* Of what a seam would cut in two for good. A JWT's five parts have 40 KiB at most. */
static bool is_token(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c != '\0' && strchr("-_+/=.%~", c));
}

/* Whether a part may end at `at` instead of `to`: most of it is left, whatever the text. */
static bool may_end(size_t from, size_t to, size_t at)
{
    return to - from > 2 * (size_t)BACK_MOST && to - at <= BACK_MOST;
}

size_t lac_scan_seam(struct lac_str text, size_t from, size_t to)
{
    size_t end = to, begin = to;

    while (end < text.len && end - to < LAC_SCAN_MARGIN && is_token(text.ptr[end]))
        end++;
    if (end - to < LAC_SCAN_MARGIN)
        return to;
    while (begin > 0 && may_end(from, to, begin) && is_token(text.ptr[begin - 1]))
        begin--;
    return may_end(from, to, begin) ? begin : to;
}

struct part {
    size_t base;             /* where the window begins in the text */
    size_t from, to;         /* its own part */
    size_t all_from, all_to; /* the caller's */
};

static enum lac_status take(struct lac_scan *s, const struct lac_match_hits *hits,
                            const struct part *p, struct lac_scan_result *out, struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    out->undecodable = out->undecodable || hits->undecodable;
    out->too_deep = out->too_deep || hits->too_deep;
    for (size_t i = 0; i < hits->count && status == LAC_OK; i++) {
        const struct lac_match_hit *h = &hits->at[i];
        struct lac_scan_finding f = {.start = p->base + h->start,
                                     .end = p->base + h->end,
                                     .rule = h->rule,
                                     .score = h->score};
        bool own = f.start >= p->from && f.start < p->to;

        /* The first window also tells what is before the caller's part, the last one what is
         * behind it. */
        if (!own && !(f.start < p->all_from && p->from == p->all_from) &&
            !(f.start >= p->all_to && p->to == p->all_to))
            continue;
        f.listed = own && s->plan->listed[h->rule] && h->score >= s->plan->min_score;
        if (own)
            lac_scan_hear(s, h->rule, h->score, out);
        status = lac_scan_push(s, &f, out, err);
    }
    return status;
}

/* Ends the part before what reaches far behind it, and perhaps further than was seen: the next part
 * begins with it and sees more. At the end of the caller's part it would not. */
static void leave_what_is_cut(const struct lac_match_hits *hits, struct part *p)
{
    const size_t to = p->to;

    for (size_t i = 0; to < p->all_to && i < hits->count; i++) {
        size_t start = p->base + hits->at[i].start;

        if (start < p->to && p->base + hits->at[i].end > to + REACH_MOST &&
            may_end(p->from, to, start))
            p->to = start;
    }
}

static enum lac_status look(struct lac_scan *s, struct lac_str text, struct part *p,
                            struct lac_match_hits *hits, struct lac_err *err)
{
    size_t begin = p->from > LAC_SCAN_MARGIN ? p->from - LAC_SCAN_MARGIN : 0;
    size_t end = text.len - p->to > LAC_SCAN_MARGIN ? p->to + LAC_SCAN_MARGIN : text.len;

    begin = cut_before(text, begin);
    end = cut_behind(text, end);
    p->base = begin;
    hits->at = s->hits;
    hits->capacity = LAC_SCAN_WINDOW_HITS;
    hits->per_rule = LAC_SCAN_WINDOW_HITS;
    hits->want_weak = s->plan->want_weak;
    hits->keep_shadowed = s->plan->want_weak;
    hits->decode = true;
    hits->is_name = false;
    return lac_match_scan(s->plan->m, s->scratch, lac_str_slice(text, begin, end), hits, err);
}

/* ---- The tier ---- */

static int by_rule(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void weigh(struct lac_scan *s, struct lac_scan_result *out)
{
    struct lac_decide_in in = {.floor = out->tier,
                               .opinions = s->opinions,
                               .strategy = LAC_STRATEGY_BALANCED,
                               .public_permitted = true};
    enum lac_tier most = LAC_TIER_PUBLIC; /* that any of them speaks for: a hint of a harmless
                                             topic is no reason to call a text INTERNAL */
    struct lac_decide_out decided;

    /* In the order of the rules, whatever the text's: where there are too many, the same ones. */
    if (s->heard_count > 1)
        qsort(s->heard, s->heard_count, sizeof(*s->heard), by_rule);
    for (size_t i = 0; i < s->heard_count; i++) {
        const struct lac_match_rule *r = lac_match_rule_at(s->plan->m, s->heard[i]);

        if (in.opinion_count < LAC_DECIDE_OPINION_MAX) {
            memcpy(s->opinions[in.opinion_count++].likelihood, r->likelihood,
                   sizeof(r->likelihood));
            most = lac_tier_join(most, r->tier);
        }
        s->spoke[s->heard[i]] = false;
    }
    s->heard_count = 0;
    if (in.opinion_count == 0)
        return; /* the prior alone is no finding */
    lac_decide(lac_pack_policy(s->plan->pack), &in, &decided);
    out->tier = lac_tier_join(out->tier, decided.tier < most ? decided.tier : most);
}

enum lac_status lac_scan_text(struct lac_scan *s, struct lac_str text, size_t from, size_t to,
                              struct lac_scan_result *out, struct lac_err *err)
{
    enum lac_status status = LAC_OK;
    const size_t most = LAC_SCAN_WINDOW - 2 * LAC_SCAN_MARGIN - 8; /* 8: whole characters */
    size_t size = most, fits = 0;

    LAC_ASSERT(from <= to && to <= text.len && text.len <= LAC_SCAN_TEXT_MAX);
    *out = (struct lac_scan_result){.tier = LAC_TIER_PUBLIC};
    s->count = 0;
    s->later.count = s->later.next = 0;
    for (size_t at = from; at < to && status == LAC_OK;) {
        struct part p = {0, at, to - at > size ? lac_scan_seam(text, at, at + size) : to, from, to};
        struct lac_match_hits hits = {0};

        status = look(s, text, &p, &hits, err);
        if (status != LAC_OK)
            break;
        /* Too much in one window, or a view of it too large: smaller ones can tell it all. */
        if ((hits.truncated || hits.over_limit) && size > LAC_SCAN_WINDOW_LEAST) {
            size /= 2;
            fits = 0;
            continue;
        }
        out->truncated = out->truncated || hits.truncated || hits.over_limit;
        leave_what_is_cut(&hits, &p);
        for (size_t i = 0; i < hits.table_count; i++)
            if (p.base + hits.tables[i].start < p.to && p.base + hits.tables[i].end > p.to)
                lac_scan_table_later(s, p.base + hits.tables[i].start);
        status = take(s, &hits, &p, out, err);
        at = p.to;
        /* Larger again, but where one is like the other no attempt in vain for each of them. */
        if (size < most && ++fits % WINDOWS_BEFORE_LARGER == 0)
            size = size * 2 < most ? size * 2 : most;
    }
    if (status == LAC_OK)
        status = lac_scan_tables(s, text, from, to, out, err);
    weigh(s, out);
    out->at = s->at;
    out->count = s->count;
    return status;
}
