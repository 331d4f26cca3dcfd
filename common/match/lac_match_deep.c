/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in a field in some encoding, scanned like the field itself. Each decoded text has a
 * level: its bytes, and where in the level above each of them comes from; the field is the top.
 * Hits of a level count as hits of the field, over the bytes that encode them.
 *
 * Values that line ends cut in two are another such level (lac_match_join.c).
 *
 * Every byte is decoded at most once per kind and level, in pieces of bounded size, and on the
 * first level once more where lines may be one text or many, so the work is a constant times the
 * field's length. What the last level holds in yet another encoding is not looked at, and said to
 * be there: who wraps a text often enough must not make it harmless.
 */
#include "lac_match_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "lac_match_cells.h"
#include "lac_match_decode.h"

enum {
    HITS_MAX = 8192,                     /* of one decoded piece */
    JOINED_SCORE = 700000,               /* most that a hit over two lines has */
    SURE_LEAST = 25,                     /* bytes of a number that is one without a word */
    TOLD_MAX = 64,                       /* hits before a place that may reach over it */
    LEVELS = LAC_MATCH_DECODE_DEPTH + 1, /* and one to see whether there is more */
};

struct lac_match_deep {
    struct lac_match_scratch *scratch; /* for decoded texts */
    struct lac_match_decoded level[LEVELS];
    struct lac_match_hit hits[HITS_MAX];
    struct lac_match_seam seams[LAC_MATCH_SEAMS_MAX]; /* of the text that was scanned last */
    struct lac_match_cuts cuts;
    struct lac_match_table table;
    struct lac_match_cells cells;
};

struct level {
    const struct level *above; /* NULL: the field */
    struct lac_str text;
    const struct lac_match_decoded *decoded; /* NULL: the field */
    unsigned depth;
};

enum lac_status lac_match_deep_open(struct lac_match_deep **out, struct lac_err *err)
{
    struct lac_match_deep *d = calloc(1, sizeof(*d));
    bool full = d != NULL;

    for (size_t i = 0; full && i < LEVELS; i++) {
        d->level[i].text = malloc(LAC_MATCH_DECODE_BYTES);
        d->level[i].map = calloc(LAC_MATCH_DECODE_BYTES + 1, sizeof(uint32_t));
        full = d->level[i].text && d->level[i].map;
    }
    if (!full || lac_match_scratch_new(&d->scratch, LAC_MATCH_DECODE_BYTES, err) != LAC_OK) {
        lac_match_deep_close(d);
        return lac_err_set(err, LAC_FATAL, ENOMEM, "match: no memory for decoded texts");
    }
    *out = d;
    return LAC_OK;
}

void lac_match_deep_close(struct lac_match_deep *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < LEVELS; i++) {
        free(d->level[i].text);
        free(d->level[i].map);
    }
    lac_match_scratch_close(d->scratch);
    free(d);
}

enum lac_status lac_match_deep_fit(struct lac_match_deep *d, const struct lac_match *m,
                                   struct lac_err *err)
{
    return lac_match_scratch_fit(d->scratch, m, err);
}

/* From a level's bytes to the field's. */
static void to_field(const struct level *l, size_t *start, size_t *end)
{
    for (; l->decoded; l = l->above) {
        const struct lac_match_decoded *d = l->decoded;
        size_t last = *end > 0 ? *end - 1 : 0;

        *start = d->map[*start];
        *end = d->tail ? d->map[last] + d->tail : d->map[*end];
    }
}

/* A hit of a decoded text, as one of the field; unless the rule has found it there by itself. */
static void take_hit(struct lac_match_scratch *s, const struct level *l,
                     const struct lac_match_hit *h)
{
    size_t start = h->start, end = h->end;
    struct lac_match_hit hit = {h->rule, h->score, 0, 0};
    size_t from, to;

    if (s->m->rules[h->rule].strength == LAC_MATCH_ALLOW)
        return; /* what is hidden is never allowed */
    to_field(l, &start, &end);
    hit.start = (uint32_t)start;
    hit.end = (uint32_t)(end < s->text.len ? end : s->text.len);
    lac_match_reported_in(s, h->rule, hit.start, hit.end, &from, &to);
    for (size_t i = from; i < to; i++)
        if (s->hits->at[i].rule == h->rule && s->hits->at[i].start < hit.end &&
            s->hits->at[i].end > hit.start)
            return;
    lac_match_record(s, &hit);
}

static enum lac_status scan_level(struct lac_match_scratch *s, const struct level *l,
                                  struct lac_err *err)
{
    struct lac_match_deep *d = s->deep;
    struct lac_match_hits hits = {.at = d->hits,
                                  .capacity = HITS_MAX,
                                  .per_rule = s->hits->per_rule,
                                  .keep_shadowed = true, /* the field's hits are compared */
                                  .decode = true,        /* tables; it has no levels of its own */
                                  .want_weak = s->hits->want_weak};
    enum lac_status status = lac_match_scan(s->m, d->scratch, l->text, &hits, err);

    if (status != LAC_OK)
        return status;
    s->hits->truncated = s->hits->truncated || hits.truncated;
    for (size_t i = 0; i < hits.count; i++)
        take_hit(s, l, &hits.at[i]);
    /* Rules that hit and found no room in the list count all the same. */
    for (size_t i = 0; hits.truncated && i < s->m->count; i++)
        if (hits.rule_hit[i] && s->m->rules[i].strength != LAC_MATCH_ALLOW)
            lac_match_state(s, (uint32_t)i)->total++, s->rule_hit[i] = true;
    return LAC_OK;
}

/* ---- values over line ends ---- */

/* Whether something of the same kind was found in [start, end), or over it. */
static bool is_told(const struct lac_match_scratch *s, uint32_t rule, uint32_t start, uint32_t end)
{
    const struct lac_match_hits *hits = s->hits;
    size_t low = 0, high = hits->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (hits->at[mid].start < end)
            low = mid + 1;
        else
            high = mid;
    }
    for (size_t n = 0; low > 0 && n < TOLD_MAX; n++)
        if (hits->at[--low].end > start &&
            lac_str_eq(s->m->rules[hits->at[low].rule].entity, s->m->rules[rule].entity))
            return true;
    return false;
}

/* Two unrelated numbers are one with a right check digit once in ten times. With groups on either
 * side of the seam they are none; nor is a long one, or one that has the word right before it. */
static bool is_sure(const struct lac_match_scratch *s, const struct level *l,
                    const struct lac_match_hit *h)
{
    const struct lac_match_live *r = &s->m->live[h->rule];
    unsigned joins = lac_match_joins_in(&s->deep->cuts, h->start, h->end);
    bool letters = false;

    if (!(joins & r->joins))
        return false;
    if (joins & r->joins & LAC_MATCH_JOIN_TOKEN || h->end - h->start >= SURE_LEAST)
        return true;
    for (size_t i = h->start; i < h->end; i++) {
        unsigned char c = (unsigned char)l->text.ptr[i];

        if (!lac_match_is_alnum(c) && !lac_match_joins_in(&s->deep->cuts, i - 1, i + 1))
            return true;
        letters = letters || lac_match_is_alpha(c);
    }
    return joins & LAC_MATCH_JOIN_BESIDE || (letters && r->context_count == 0);
}

static void take_joined(struct lac_match_scratch *s, const struct level *l,
                        const struct lac_match_hit *h)
{
    struct lac_match_hit hit = *h;
    size_t start = h->start, end = h->end;

    if (!is_sure(s, l, h))
        return;
    to_field(l, &start, &end);
    if (is_told(s, h->rule, (uint32_t)start, (uint32_t)end))
        return;
    hit.score = hit.score < JOINED_SCORE ? hit.score : JOINED_SCORE;
    take_hit(s, l, &hit);
}

/* Only what reaches over a seam is new. */
static enum lac_status scan_joined(struct lac_match_scratch *s, const struct level *above,
                                   struct lac_err *err)
{
    struct lac_match_deep *d = s->deep;
    const struct lac_match_decoded *joined = &d->level[above->depth];
    struct level l = {above, {joined->text, joined->len}, joined, above->depth + 1};
    struct lac_match_hits hits = {.at = d->hits,
                                  .capacity = HITS_MAX,
                                  .per_rule = HITS_MAX,
                                  .keep_shadowed = true,
                                  .want_weak = s->hits->want_weak};
    enum lac_status status = lac_match_scan(s->m, d->scratch, l.text, &hits, err);

    for (size_t i = 0; status == LAC_OK && i < hits.count; i++)
        take_joined(s, &l, &hits.at[i]);
    return status;
}

/* `from`: the scratch that has scanned the level's text. */
static __attribute__((noinline)) enum lac_status joins(struct lac_match_scratch *s,
                                                       const struct level *l,
                                                       const struct lac_match_scratch *from,
                                                       struct lac_err *err)
{
    struct lac_match_deep *d = s->deep;
    enum lac_status status = LAC_OK;
    size_t count = from->seam_count;
    unsigned passes;

    if (count == 0)
        return LAC_OK;
    memcpy(d->seams, from->seams, count * sizeof(*d->seams));
    count = lac_match_seams_sort(d->seams, count);
    passes = lac_match_join_passes(d->seams, count);
    for (unsigned pass = 0; pass < passes; pass++) {
        size_t next = 0;

        while (status == LAC_OK &&
               lac_match_join(l->text, d->seams, count, &next, pass, &d->level[l->depth], &d->cuts))
            status = scan_joined(s, l, err);
    }
    return status;
}

/* ---- tables ---- */

/* Of lines of cells behind their headings what is in a cell. */
static enum lac_status scan_cells(struct lac_match_scratch *s, const struct level *l, size_t len,
                                  struct lac_err *err)
{
    struct lac_match_deep *d = s->deep;
    const struct lac_match_decoded *out = &d->level[l->depth];
    struct lac_match_hits hits = {.at = d->hits,
                                  .capacity = HITS_MAX,
                                  .per_rule = HITS_MAX,
                                  .keep_shadowed = true,
                                  .want_weak = s->hits->want_weak};
    enum lac_status status =
        lac_match_scan(s->m, d->scratch, (struct lac_str){out->text, len}, &hits, err);

    s->hits->truncated = s->hits->truncated || hits.truncated;
    for (size_t i = 0; status == LAC_OK && i < hits.count; i++) {
        const struct lac_match_hit *h = &hits.at[i];
        size_t start = out->map[h->start], end = out->map[h->end];
        struct lac_match_hit hit = {h->rule, h->score, 0, 0};

        if (out->map[h->start + 1] <= start || end <= start ||
            s->m->rules[h->rule].strength == LAC_MATCH_ALLOW)
            continue; /* of a heading; and what is read so is never allowed */
        to_field(l, &start, &end);
        hit.start = (uint32_t)start;
        hit.end = (uint32_t)(end < s->text.len ? end : s->text.len);
        lac_match_record(s, &hit);
    }
    return status;
}

/* `*behind`: where it ends. */
static enum lac_status table(struct lac_match_scratch *s, const struct level *l, size_t at,
                             size_t *behind, struct lac_err *err)
{
    struct lac_match_deep *d = s->deep;
    struct lac_match_decoded *out = &d->level[l->depth];
    bool more = lac_match_table_open(&d->table, l->text, at);
    enum lac_status status = LAC_OK;
    size_t len;

    d->table.rows.strict = true;
    while (status == LAC_OK && more) {
        more = lac_match_cells_take(&d->cells, &d->table, l->text, 0, l->text.len);
        more = more && d->table.rows.row < l->text.len;
        while (status == LAC_OK && (len = lac_match_cells_lines(&d->cells, &d->table, l->text,
                                                                out->text, out->map)) > 0)
            status = scan_cells(s, l, len, err);
    }
    *behind = d->table.rows.row < l->text.len ? d->table.rows.row : l->text.len;
    return status;
}

/* `from`: the scratch that has scanned the level's text. Those of the field are told. */
static __attribute__((noinline)) enum lac_status tables(struct lac_match_scratch *s,
                                                        const struct level *l,
                                                        const struct lac_match_scratch *from,
                                                        struct lac_err *err)
{
    uint32_t headings[LAC_MATCH_HEADINGS_MAX]; /* cells are scanned with the same scratch */
    const size_t count = from->heading_count;
    enum lac_status status = LAC_OK;
    size_t behind = 0;

    memcpy(headings, from->headings, count * sizeof(*headings));
    for (size_t i = 0; i < count && status == LAC_OK; i++) {
        if (headings[i] < behind)
            continue;
        status = table(s, l, headings[i], &behind, err);
        if (!l->above)
            s->tables[s->hits->table_count++] =
                (struct lac_match_extent){headings[i], (uint32_t)behind};
    }
    return status;
}

/* ---- encodings ---- */

static enum lac_status look_into(struct lac_match_scratch *s, const struct level *l,
                                 struct lac_err *err);

static __attribute__((noinline)) enum lac_status
decoded(struct lac_match_scratch *s, const struct level *above, struct lac_err *err)
{
    const struct lac_match_decoded *d = &s->deep->level[above->depth];
    struct level l = {above, {d->text, d->len}, d, above->depth + 1};
    enum lac_status status = scan_level(s, &l, err);

    if (status == LAC_OK)
        status = joins(s, &l, s->deep->scratch, err);
    if (status == LAC_OK)
        status = tables(s, &l, s->deep->scratch, err);
    return status == LAC_OK ? look_into(s, &l, err) : status;
}

static enum lac_status escapes(struct lac_match_scratch *s, const struct level *l,
                               struct lac_err *err)
{
    enum lac_status status = LAC_OK;
    size_t from = 0;

    while (status == LAC_OK && lac_match_unescape(l->text, &from, &s->deep->level[l->depth]))
        status = decoded(s, l, err);
    return status;
}

/* A run's lines, each as a text of its own. */
static enum lac_status lines(struct lac_match_scratch *s, const struct level *l, size_t from,
                             size_t end, struct lac_err *err)
{
    struct lac_match_decoded *out = &s->deep->level[l->depth];
    enum lac_status status = LAC_OK;
    size_t start, stop;

    while (status == LAC_OK && lac_match_run_line(l->text, &from, end, &start, &stop)) {
        bool goes_on = false;

        while (status == LAC_OK && stop - start >= LAC_MATCH_DECODE_RUN_LEAST &&
               lac_match_decode(l->text, start, stop, goes_on, out)) {
            start = out->next;
            goes_on = out->goes_on;
            status = decoded(s, l, err);
        }
    }
    return status;
}

/* A run, piece by piece; where it is no text as a whole, the parts that are. */
static enum lac_status run(struct lac_match_scratch *s, const struct level *l, size_t start,
                           size_t end, struct lac_err *err)
{
    struct lac_match_decoded *out = &s->deep->level[l->depth];
    enum lac_status status = LAC_OK;
    bool goes_on = false, refused;
    const size_t first = start;

    while (status == LAC_OK && start < end && lac_match_decode(l->text, start, end, goes_on, out)) {
        start = out->next;
        goes_on = out->goes_on;
        status = decoded(s, l, err);
    }
    refused = !goes_on; /* nearly every run is a name, which was asked from its begin */
    while (status == LAC_OK && lac_match_decode_part(l->text, &start, end, refused, out)) {
        status = decoded(s, l, err);
        refused = false;
    }
    if (status == LAC_OK && start > first && l->depth == 0 &&
        !lac_match_run_is_wrapped(l->text, first, end))
        status = lines(s, l, first, end, err);
    return status;
}

/* Whether an escape stands for a letter or a digit: what parts words and lines hides nothing. */
static bool escapes_hide(const struct lac_match_decoded *d)
{
    for (size_t i = 0; i < d->len; i++) {
        unsigned char c = (unsigned char)d->text[i];

        if (d->map[i + 1] - d->map[i] > 1 && (lac_match_is_alnum(c) || c >= 0x80))
            return true;
    }
    return false;
}

/* Whether the last level's text is, in part, still the encoding of another one. */
static bool is_still_encoded(struct lac_match_scratch *s, const struct level *l)
{
    struct lac_match_decoded *out = &s->deep->level[l->depth];
    size_t from = 0, start, end;

    while (lac_match_unescape(l->text, &from, out))
        if (escapes_hide(out))
            return true;
    from = 0;
    while (lac_match_next_run(l->text, &from, &start, &end))
        if (lac_match_decode(l->text, start, end, false, out) ||
            lac_match_decode_part(l->text, &start, end, true, out))
            return true;
    return false;
}

static enum lac_status look_into(struct lac_match_scratch *s, const struct level *l,
                                 struct lac_err *err)
{
    enum lac_status status;
    size_t from = 0, start, end;

    if (l->depth == LAC_MATCH_DECODE_DEPTH) {
        s->hits->too_deep = s->hits->too_deep || is_still_encoded(s, l);
        return LAC_OK;
    }
    status = escapes(s, l, err);
    while (status == LAC_OK && lac_match_next_run(l->text, &from, &start, &end))
        status = run(s, l, start, end, err);
    return status;
}

enum lac_status lac_match_deep(struct lac_match_scratch *s, struct lac_err *err)
{
    const struct lac_match_decoded plain = {
        .text = s->copy.text, .map = s->copy.map, .len = s->copy.len};
    struct level field = {NULL, s->text, NULL, 0};
    struct level view = {&field, s->plain, &plain, 0};
    enum lac_status status = joins(s, &field, s, err);

    if (status == LAC_OK)
        status = tables(s, &field, s, err);
    if (status != LAC_OK)
        return status;
    /* Nothing invisible, and no letter of another alphabet, is then between what is encoded. */
    return look_into(s, s->ascii ? &field : &view, err);
}
