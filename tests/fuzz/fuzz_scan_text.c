/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a text that is scanned and redacted with all built-in rules. Findings lie inside of
 * the text, whole characters each, in order and no matter where the text is cut in two or which
 * instruction set looks; a redacted text has every byte outside of them and none inside, and no
 * excerpt shows one. The first byte picks the way to redact and whether weak candidates count, the
 * second where to cut.
 */
#include <stdint.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_match_internal.h"
#include "lac_pack.h"
#include "lac_redact.h"
#include "lac_scan.h"
#include "lac_scan_internal.h"
#include "lac_utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Wherever it is cut, all of a text of LAC_SCAN_MARGIN bytes is seen from both sides. */
enum { TEXT_MAX = LAC_SCAN_MARGIN, FOUND_MAX = 4096 };

static struct lac_scan_plan *plans[2];
static struct lac_scan *scan;
static struct lac_redact *redact;
static struct lac_buf shown;

struct found {
    struct lac_scan_finding at[FOUND_MAX];
    size_t count;
};

static void open_all(void)
{
    const struct lac_scan_options options[2] = {{.min_score = LAC_MATCH_SCORE_COUNTS},
                                                {.min_score = 0}};
    struct lac_pack *pack;
    struct lac_err err = {0};

    LAC_ASSERT(lac_pack_open(&pack, NULL, &err) == LAC_OK);
    for (size_t i = 0; i < LAC_COUNT(plans); i++)
        LAC_ASSERT(lac_scan_plan_open(&plans[i], pack, &options[i], &err) == LAC_OK);
    LAC_ASSERT(lac_scan_open(&scan, plans[0], &err) == LAC_OK);
    LAC_ASSERT(lac_redact_open(&redact, LAC_STR("0123456789abcdef"), &err) == LAC_OK);
    lac_buf_init(&shown, 1 << 20);
}

/* Adds what is listed in [from, to). */
static void look(struct lac_str text, size_t from, size_t to, struct found *f,
                 struct lac_scan_result *r)
{
    struct lac_err err = {0};

    LAC_ASSERT(lac_scan_text(scan, text, from, to, r, &err) == LAC_OK && !r->truncated);
    for (size_t i = 0; i < r->count; i++) {
        LAC_ASSERT(r->at[i].start < r->at[i].end && r->at[i].end <= text.len);
        LAC_ASSERT(r->at[i].score <= LAC_DECIDE_PPM);
        LAC_ASSERT(i == 0 || r->at[i - 1].start <= r->at[i].start);
        if (r->at[i].listed && f->count < FOUND_MAX)
            f->at[f->count++] = r->at[i];
    }
}

static bool is_edge(struct lac_str text, size_t at)
{
    return at == text.len || ((unsigned char)text.ptr[at] & 0xC0) != 0x80;
}

static bool equal(const struct found *a, const struct found *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct lac_scan_finding *x = &a->at[i], *y = &b->at[i];

        if (x->start != y->start || x->end != y->end || x->rule != y->rule || x->score != y->score)
            return false;
    }
    return true;
}

/* What [from, to) of the text has become: "<ENTITY>", "<ENTITY:hash>" or at least no character of
 * it but those that its way shows. Returns where the redacted text goes on. */
static size_t skip_place(struct lac_str place, enum lac_match_redaction how, size_t at)
{
    struct lac_str out = lac_buf_str(&shown);
    const char *end;

    if (how == LAC_MATCH_REDACT_REPLACE || how == LAC_MATCH_REDACT_HASH) {
        LAC_ASSERT(at < out.len && out.ptr[at] == '<');
        end = memchr(out.ptr + at, '>', out.len - at);
        LAC_ASSERT(end);
        return (size_t)(end - out.ptr) + 1;
    }
    for (size_t i = 0; i < place.len;) {
        size_t from = i;
        uint32_t code = lac_utf8_next(place, &i);

        LAC_ASSERT(at < out.len);
        if (out.ptr[at] == '*' && code != '\n' && code != '\r') {
            at++;
            continue;
        }
        LAC_ASSERT(how == LAC_MATCH_REDACT_LAST4 || code == '\n' || code == '\r');
        LAC_ASSERT(out.len - at >= i - from &&
                   memcmp(out.ptr + at, place.ptr + from, i - from) == 0);
        at += i - from;
    }
    return at;
}

/* `f` is all that is listed, by start. */
static void check_redacted(struct lac_str text, const struct found *f,
                           const struct lac_scan_result *r, enum lac_match_redaction how)
{
    struct lac_str out;
    struct lac_err err = {0};
    size_t places, seen = 0, at = 0, from = 0;

    lac_buf_reset(&shown);
    LAC_ASSERT(lac_scan_redact(scan, r, text, redact, &how, &shown, &places, &err) == LAC_OK);
    out = lac_buf_str(&shown);
    for (size_t i = 0; i < f->count; seen++) {
        size_t start = f->at[i].start, end = f->at[i].end;

        for (i++; i < f->count && f->at[i].start < end; i++)
            end = f->at[i].end > end ? f->at[i].end : end;
        LAC_ASSERT(out.len - at >= start - from &&
                   memcmp(out.ptr + at, text.ptr + from, start - from) == 0);
        at = skip_place(lac_str_slice(text, start, end), how, at + start - from);
        from = end;
    }
    LAC_ASSERT(seen == places);
    LAC_ASSERT(lac_str_eq(lac_str_slice(out, at, out.len), lac_str_slice(text, from, text.len)));
}

/* An excerpt of the same text with something else in all places that are to be hidden. */
static void check_excerpts(struct lac_str text, const struct lac_scan_result *r)
{
    enum { OTHER = 1, EXCERPTS = 16 };
    static char other[TEXT_MAX];

    if (text.len == 0 || memchr(text.ptr, OTHER, text.len))
        return;
    memcpy(other, text.ptr, text.len);
    for (size_t i = 0; i < r->count; i++)
        for (size_t at = r->at[i].start; at < r->at[i].end; at++)
            if ((r->at[i].listed ||
                 lac_scan_rule(scan->plan, r->at[i].rule)->strength == LAC_MATCH_FLOOR) &&
                other[at] != '\n' && other[at] != '\r')
                other[at] = OTHER;
    for (size_t i = 0; i < r->count && i < EXCERPTS; i++) {
        lac_buf_reset(&shown);
        lac_scan_excerpt(scan, r, i, (struct lac_str){other, text.len}, redact, false, &shown);
        LAC_ASSERT(lac_buf_ok(&shown) && shown.len > 0 && !memchr(shown.ptr, OTHER, shown.len));
    }
}

/* As lac_scan_text() looks, with each instruction set there is. */
static void check_instruction_sets(struct lac_str text, const struct found *whole)
{
    static struct found f;
    const struct lac_match_front *best = scan->scratch->front;
    struct lac_scan_result r;

    for (int isa = 0; isa < LAC_MATCH_ISAS; isa++) {
        scan->scratch->front = lac_match_front_of((enum lac_match_isa)isa);
        if (!scan->scratch->front || scan->scratch->front == best)
            continue;
        f.count = 0;
        look(text, 0, text.len, &f, &r);
        LAC_ASSERT(equal(&f, whole));
    }
    scan->scratch->front = best;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct found whole, parts;
    struct lac_str text = {(const char *)data + 2, size - 2};
    struct lac_scan_result r;
    size_t cut;

    if (size < 2 || text.len > TEXT_MAX)
        return 0;
    if (!scan)
        open_all();
    lac_scan_use(scan, plans[data[0] >> 2 & 1]);
    whole.count = parts.count = 0;
    look(text, 0, text.len, &whole, &r);
    for (size_t i = 0; !r.undecodable && i < whole.count; i++)
        LAC_ASSERT(is_edge(text, whole.at[i].start) && is_edge(text, whole.at[i].end));
    check_redacted(text, &whole, &r, (enum lac_match_redaction)(data[0] & 3));
    check_excerpts(text, &r);
    check_instruction_sets(text, &whole);
    cut = text.len * data[1] / 255;
    look(text, 0, cut, &parts, &r);
    lac_scan_shift(scan, text, 0);
    look(text, cut, text.len, &parts, &r);
    LAC_ASSERT(equal(&parts, &whole));
    return 0;
}
