/* SPDX-License-Identifier: Apache-2.0 */
/* What the router and the linter need to know of a pattern, read off its elements. */
#include "lac_match_regex_internal.h"

#include <string.h>

/* What is known of the text before an element begins, over all ways that lead there. */
struct before {
    struct lac_match_regex_set last; /* the byte before may be one of these */
    bool start;                      /* or there is none: the match begins here ... */
    bool start_open;                 /* ... and some way has no assertion before it */
    bool open;                       /* some way has no assertion behind that byte */
};

static bool is_edge(unsigned assertion)
{
    return assertion != REGEX_ALWAYS && assertion != REGEX_INSIDE;
}

void lac_match_regex_piece_set(const struct lac_match_regex_work *w, size_t piece, size_t k,
                               struct lac_match_regex_set *out)
{
    const struct lac_match_regex_piece *p = &w->pieces[piece];
    uint8_t value, mask;

    if (p->op == REGEX_OP_SET) {
        *out = w->sets[p->arg];
        return;
    }
    *out = (struct lac_match_regex_set){0};
    value = w->literals[p->literal + k];
    mask = w->literals[p->literal + p->min + k];
    lac_match_regex_set_add(out, value);
    if (mask != 0xFF)
        lac_match_regex_set_add(out, (unsigned char)(value | 0x20));
}

static void before_join(struct before *b, const struct before *o)
{
    lac_match_regex_set_join(&b->last, &o->last);
    b->start = b->start || o->start;
    b->start_open = b->start_open || o->start_open;
    b->open = b->open || o->open;
}

/* What holds behind a piece, if `in` holds before it. */
static struct before behind(const struct lac_match_regex_work *w, size_t i, const struct before *in)
{
    const struct lac_match_regex_piece *p = &w->pieces[i];
    struct before out = *in;

    if (p->op == REGEX_OP_ASSERT) {
        out.open = in->open && !is_edge(p->arg);
        out.start_open = in->start_open && !is_edge(p->arg);
        return out;
    }
    out = (struct before){.open = true};
    lac_match_regex_piece_set(w, i, p->min - 1U, &out.last);
    return out;
}

/* ---- where matches begin and end ---- */

static void edges_of_matches(const struct lac_match_regex_work *w,
                             struct lac_match_regex_info *info)
{
    struct before in[LAC_MATCH_REGEX_ELEMENTS] = {0};
    bool begins_edged = true, ends_edged = true, text_start = true;

    for (size_t i = 0; i < w->piece_count; i++) {
        const struct lac_match_regex_piece *p = &w->pieces[i];
        struct before out;

        if (lac_match_regex_bit(&w->start, i))
            before_join(&in[i], &(struct before){.start = true, .start_open = true});
        if (in[i].start && p->op != REGEX_OP_ASSERT) {
            struct lac_match_regex_set first;

            lac_match_regex_piece_set(w, i, 0, &first);
            lac_match_regex_set_join(&info->first, &first);
            begins_edged = begins_edged && !in[i].start_open;
        }
        if (in[i].start && lac_match_regex_bit(&w->start, i) &&
            (p->op != REGEX_OP_ASSERT || p->arg != REGEX_BEGIN))
            text_start = false;
        out = behind(w, i, &in[i]);
        if (p->accepts) {
            lac_match_regex_set_join(&info->last, &out.last);
            ends_edged = ends_edged && !out.open;
        }
        for (size_t k = i + 1; k < w->piece_count; k++)
            if (lac_match_regex_bit(&w->follow[i], k))
                before_join(&in[k], &out);
    }
    info->word_start = begins_edged && lac_match_regex_set_is_word(&info->first);
    info->word_end = ends_edged && lac_match_regex_set_is_word(&info->last);
    info->text_start = text_start;
}

/* ---- the literal that is in every match ---- */

/* Whether a match can do without piece `without`. */
static bool can_avoid(const struct lac_match_regex_work *w, size_t without)
{
    struct lac_match_regex_bits seen = w->start;

    for (size_t i = 0; i < w->piece_count; i++) {
        if (i == without || !lac_match_regex_bit(&seen, i))
            continue;
        if (w->pieces[i].accepts)
            return true;
        for (size_t k = 0; k < REGEX_WORDS; k++)
            seen.word[k] |= w->follow[i].word[k];
    }
    return false;
}

static void inner_literal(const struct lac_match_regex_work *w, struct lac_match_regex_info *info)
{
    for (size_t i = 0; i < w->piece_count; i++) {
        const struct lac_match_regex_piece *p = &w->pieces[i];
        size_t len = p->min < LAC_MATCH_REGEX_INNER_BYTES ? p->min : LAC_MATCH_REGEX_INNER_BYTES;

        if (p->op != REGEX_OP_LITERAL || len <= info->inner_len || can_avoid(w, i))
            continue;
        info->inner_len = (uint8_t)len;
        info->inner_nocase = false;
        info->inner_min = (uint16_t)w->reach[i].in_min;
        info->inner_max = (uint16_t)w->reach[i].in_max;
        memcpy(info->inner, w->literals + p->literal, len);
        for (size_t k = 0; k < len; k++)
            info->inner_nocase = info->inner_nocase || w->literals[p->literal + p->min + k] != 0xFF;
        for (size_t k = 0; k < len && info->inner_nocase; k++)
            if (info->inner[k] >= 'A' && info->inner[k] <= 'Z')
                info->inner[k] |= 0x20;
    }
}

/* How seldom a byte stands in a text, roughly. */
static unsigned rarity(uint8_t c)
{
    if ((unsigned)c - '0' < 10 || (unsigned)(c | 0x20) - 'a' < 26)
        return c == 'e' || c == 'a' || c == 't' || c == 'o' || c == 'i' ? 1 : 2;
    return c && strchr(" .,-_/:=\"", c) ? 3 : 4;
}

void lac_match_regex_must(const struct lac_match_regex_work *w, struct lac_match_regex *r)
{
    unsigned best = 0;

    for (size_t i = 0; i < w->piece_count; i++) {
        const struct lac_match_regex_piece *p = &w->pieces[i];

        if (p->op != REGEX_OP_LITERAL || can_avoid(w, i))
            continue;
        for (size_t k = 0; k < p->min; k++) {
            uint8_t value = w->literals[p->literal + k];
            uint32_t from = w->reach[i].in_min + (uint32_t)k, to = w->reach[i].in_max + (uint32_t)k;
            unsigned how = rarity(value) * (to - from < 8 ? 2 : 1);

            /* The first byte is looked at anyway. */
            if (w->literals[p->literal + p->min + k] != 0xFF || to == 0 || how <= best)
                continue;
            best = how;
            r->must_byte = value;
            r->must_min = (uint16_t)from;
            r->must_max = (uint16_t)to;
        }
    }
}

/* ---- cost ---- */

/* Whether `b` can begin `shift` bytes behind the start of `a`. */
static bool overlaps(const struct lac_match_regex_prefix *a, const struct lac_match_regex_prefix *b,
                     size_t shift)
{
    size_t n = a->len - shift < b->len ? a->len - shift : b->len;

    return memcmp(a->text + shift, b->text, n) == 0;
}

/* How many bytes lie between two places where a match may begin, at least. */
static uint32_t spacing(const struct lac_match_regex_info *info)
{
    uint32_t least = info->prefix_count ? LAC_MATCH_REGEX_PREFIX_BYTES : 1;

    if (info->text_start)
        return LAC_MATCH_REGEX_WIDTH; /* once, for texts of any length */
    for (size_t a = 0; a < info->prefix_count; a++)
        if (info->prefix[a].len < least)
            least = info->prefix[a].len;
    for (size_t a = 0; a < info->prefix_count; a++)
        for (size_t b = 0; b < info->prefix_count; b++)
            for (uint32_t shift = 1; shift < least; shift++)
                if (overlaps(&info->prefix[a], &info->prefix[b], shift))
                    least = shift;
    return least < 2 && info->word_start ? 2 : least;
}

/* Bytes looked at from one start, if all elements are reached from as many offsets as can be. */
static uint64_t steps(const struct lac_match_regex_work *w)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < w->piece_count; i++) {
        const struct lac_match_regex_piece *p = &w->pieces[i];
        uint64_t offsets = w->reach[i].in_max - w->reach[i].in_min + 1;

        if (p->op == REGEX_OP_LITERAL)
            sum += offsets * p->min;
        else
            sum += offsets + p->max;
    }
    return sum;
}

void lac_match_regex_analyse(const struct lac_match_regex_work *w,
                             struct lac_match_regex_info *info)
{
    info->supported = true;
    info->min_width = (uint16_t)w->min_width;
    info->max_width = (uint16_t)w->max_width;
    info->elements = (uint16_t)w->piece_count;
    edges_of_matches(w, info);
    inner_literal(w, info);
    lac_match_regex_prefixes(w, info);
    lac_match_regex_shapes(w, info);
    info->cost = (uint32_t)((steps(w) + spacing(info) - 1) / spacing(info));
}
