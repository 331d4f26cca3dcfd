/* SPDX-License-Identifier: Apache-2.0 */
/* Units whose matches lie in long runs of letters, digits and what joins them. */
#include "lac_match_internal.h"

/* A run of letters, digits and joints: where it is, and what three bytes of it say. */
struct found_run {
    size_t block, bit, at, end;
    uint64_t marks;
};

static uint64_t alnum_of(const struct lac_match_masks *m)
{
    return m->letter | m->digit;
}

/* How far the run reaches that begins here, as far as the piece shows. */
static size_t run_end(const struct lac_match_scratch *s, size_t block, size_t bit, size_t at)
{
    size_t end = at;

    for (size_t b = block; b < s->piece.blocks; b++) {
        uint64_t in = (alnum_of(&s->masks[b]) | s->masks[b].joint) >> (b == block ? bit : 0);
        size_t most = 64 - (b == block ? bit : 0);
        size_t n = in == UINT64_MAX ? 64 : (size_t)__builtin_ctzll(~in);

        end += n < most ? n : most;
        if (n < most)
            break;
    }
    return end;
}

/* Marks of the three bytes at `p`. */
static uint64_t mark_at(const struct lac_match *m, const unsigned char *p)
{
    size_t i = lac_match_marked_of(p);

    return m->run_marked[i / 64] >> (i % 64) & 1 ? m->run_marks[lac_match_mark_of(i)] : 0;
}

/* Marks of all that begins in the run of `len` bytes at `p` or right behind it. Hardly any three
 * bytes have one. The piece has bytes to be read behind the run. */
static uint64_t marks_of(const struct lac_match *m, const unsigned char *p, size_t len)
{
    uint64_t marks = (uint64_t)1 << LAC_MATCH_MARK_ALWAYS;

    for (size_t i = 0; i <= len; i += LAC_MATCH_TRIO_STEP) {
        uint8_t buckets[LAC_MATCH_TRIO_STEP];
        unsigned places = lac_match_trio_at(&m->run_trio, p + i, buckets);

        if (len - i < LAC_MATCH_TRIO_STEP)
            places &= ((unsigned)2 << (len - i)) - 1;
        for (; places; places &= places - 1)
            marks |= mark_at(m, p + i + (unsigned)__builtin_ctz(places));
    }
    return marks;
}

/* A unit that begins where a word does, at the starts in [at, to): the masks say where. */
static void run_words(struct lac_match_scratch *s, const struct lac_match_run *r,
                      const struct found_run *f, size_t to)
{
    const struct lac_match_regex_set *first = &s->m->units[r->unit].first;
    size_t block = f->block, base = f->at - f->bit;
    uint64_t before =
        lac_match_is_alnum(lac_match_before(s->view, f->at)) ? (uint64_t)1 << f->bit : 0;
    uint64_t skip = ((uint64_t)1 << f->bit) - 1;

    for (; base < to; block++, base += LAC_MATCH_BLOCK) {
        uint64_t alnum = alnum_of(&s->masks[block]);
        uint64_t starts = ~(alnum << 1 | before | skip);

        if (to - base < LAC_MATCH_BLOCK)
            starts &= ((uint64_t)1 << (to - base)) - 1;
        for (; starts; starts &= starts - 1) {
            size_t at = base + (size_t)__builtin_ctzll(starts);

            if (lac_match_regex_set_has(first, (unsigned char)s->view.ptr[at]))
                lac_match_unit_at(s, r->unit, at);
        }
        before = alnum >> 63;
        skip = 0;
    }
}

static void run_unit(struct lac_match_scratch *s, const struct lac_match_run *r,
                     const struct found_run *f, size_t core_end)
{
    const struct lac_match_unit *u = &s->m->units[r->unit];
    size_t to = f->end - r->least + 1;

    to = to < core_end ? to : core_end;
    if (u->flags & LAC_MATCH_UNIT_WORD_START && u->inner.len == 0)
        run_words(s, r, f, to);
    else
        lac_match_unit_in(s, r->unit, f->at, to);
}

/* Which of the `n` units from `i` on, all of one group, the run has what they look for: a bit each.
 * A mark is a unit's place in the list, so those of the run only have to be turned. */
static uint64_t asked(const struct lac_match_scratch *s, const struct found_run *f, size_t i,
                      size_t n)
{
    const uint64_t all = ((uint64_t)1 << LAC_MATCH_MARK_ALWAYS) - 1;
    const struct lac_match_run *r = &s->m->runs[i];
    uint64_t marks = f->marks & all, ask = 0;
    unsigned turn = (unsigned)(i % LAC_MATCH_MARK_ALWAYS);

    if (r->mark != LAC_MATCH_MARK_ALWAYS)
        return (marks >> turn | marks << (LAC_MATCH_MARK_ALWAYS - turn)) & (all >> (63 - n));
    /* Which of them are left is as good as random: not a branch for each. */
    for (size_t k = 0; k < n; k++)
        ask |= (uint64_t)lac_match_gate(s, r[k].rule) << k;
    return ask;
}

static void run_group(struct lac_match_scratch *s, const struct lac_match_run_group *g,
                      const struct found_run *f, size_t core_end)
{
    const struct lac_match_run *r = s->m->runs + g->first;
    size_t len = f->end - f->at;

    for (size_t from = 0; from < g->count && r[from].least <= len; from += LAC_MATCH_MARK_ALWAYS) {
        size_t left = g->count - from;
        uint64_t ask = asked(s, f, g->first + from,
                             left < LAC_MATCH_MARK_ALWAYS ? left : LAC_MATCH_MARK_ALWAYS);

        for (; ask; ask &= ask - 1) {
            const struct lac_match_run *one = &r[from + (unsigned)__builtin_ctzll(ask)];

            if (one->least <= len && lac_match_gate(s, one->rule))
                run_unit(s, one, f, core_end);
        }
    }
}

/* Whether a rule of the group may count, and the run has what one of them asks for. */
static bool group_fits(const struct lac_match_scratch *s, const struct lac_match_run_group *g,
                       const struct found_run *f)
{
    return (g->marks & f->marks) && (g->rules & s->enabled[g->block]) &&
           s->m->runs[g->first].least <= f->end - f->at;
}

void lac_match_run_at(struct lac_match_scratch *s, size_t offset, size_t at, size_t core_end)
{
    const struct lac_match *m = s->m;
    struct found_run f = {.block = offset / LAC_MATCH_BLOCK, .bit = offset % LAC_MATCH_BLOCK};
    uint64_t groups = 0, enabled = m->groups_open;

    f.at = at;
    f.end = run_end(s, f.block, f.bit, at);
    f.marks = marks_of(m, s->piece.bytes + offset, f.end - at);
    for (uint64_t left = f.marks; left; left &= left - 1)
        groups |= m->groups_of_mark[__builtin_ctzll(left)];
    for (uint32_t left = s->gated_blocks; left; left &= left - 1)
        enabled |= m->groups_gated[__builtin_ctz(left)];
    for (groups &= enabled; groups; groups &= groups - 1) {
        const struct lac_match_run_group *g = &m->run_groups[__builtin_ctzll(groups)];

        if (group_fits(s, g, &f))
            run_group(s, g, &f, core_end);
    }
    for (size_t i = 64; i < m->run_group_count; i++)
        if (group_fits(s, &m->run_groups[i], &f))
            run_group(s, &m->run_groups[i], &f, core_end);
}
