/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_front_body - the part of the first pass that is the same for all instruction sets
 *
 * Included by lac_match_front_*.c only, so that each compiles it for its own processor. The body is
 * plain C on 64-bit masks; what differs is how a block becomes masks.
 */
#ifndef LAC_MATCH_FRONT_BODY_H
#define LAC_MATCH_FRONT_BODY_H

#include <endian.h>
#include <string.h>

#include "lac_match_front.h"

/* One more than can be told is enough: see LAC_MATCH_SHAPE_LONG. */
static inline unsigned run_length(uint64_t run)
{
    return run == UINT64_MAX ? 64 : (unsigned)__builtin_ctzll(~run);
}

/* The bits of `now` from `at` on, continued by those of the next block. */
static inline uint64_t window(uint64_t now, uint64_t next, unsigned at)
{
    return now >> at | next << 1 << (63 - at);
}

static inline uint64_t low_bits(unsigned n)
{
    return n >= 64 ? UINT64_MAX : ((uint64_t)1 << n) - 1;
}

/* `run`: which of the bytes from here on belong to the word. */
static inline uint64_t word_key(uint64_t bytes, uint64_t run)
{
    return (bytes | 0x2020202020202020u) & lac_match_key_masks[run & 0xFF];
}

static inline uint64_t load_bytes(const unsigned char *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof(x));
    return le64toh(x);
}

static inline uint64_t test_bit(const uint64_t *bits, uint64_t index)
{
    return bits[index >> 6] >> (index & 63) & 1;
}

static inline uint64_t word_hit(const struct lac_match_front_tables *t, uint64_t key)
{
    return test_bit(t->word_bits, lac_match_hash_word(key) >> t->word_shift);
}

static inline uint64_t prefix_hit(const struct lac_match_front_tables *t, uint64_t bytes)
{
    return test_bit(t->prefix_bits, lac_match_hash_prefix((uint32_t)bytes) >> t->prefix_shift);
}

/* Letters beyond ASCII in the folded view. Those of two bytes belong to scripts that part words
 * by blanks, and continue a word. Each longer one begins something of its own: many of their
 * scripts have no blanks. Fills `begin` with those. Only texts that need it pay for the loop. */
static inline uint64_t wide_letters(const struct lac_match_piece *piece, size_t block,
                                    const unsigned char *base, uint64_t high, uint64_t *begin)
{
    uint64_t letters = 0;

    *begin = 0;
    for (uint64_t left = high; left; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        unsigned char c = base[i];
        unsigned char before = i > 0 ? base[i - 1] : block > 0 ? piece->text[block * 64 - 1] : 0;

        if ((c >= 0xC0 && c < 0xE0) || (c < 0xC0 && before >= 0xC0 && before < 0xE0))
            letters |= (uint64_t)1 << i;
        else if (c >= 0xE0)
            *begin |= (uint64_t)1 << i;
    }
    return letters;
}

/* Where the parts of identifiers like getFooBar, HTTPServer or foo2Bar begin. */
static inline uint64_t humps_of(const struct lac_match_masks *m, const struct lac_match_masks *next,
                                uint64_t lower_before, uint64_t upper_before, uint64_t digit_before)
{
    uint64_t lower = m->letter & ~m->upper;
    uint64_t lower_behind = lower >> 1 | (next->letter & ~next->upper) << 63;
    uint64_t after_lower = lower << 1 | lower_before;
    uint64_t after_upper = m->upper << 1 | upper_before;
    uint64_t after_digit = m->digit << 1 | digit_before;

    return m->upper & (after_lower | after_digit | (after_upper & lower_behind));
}

/* Which humps to look at: those that begin a part which may be in a table, or end one. What
 * reaches over the block's edge is looked at in any case. */
static inline uint64_t hump_hits(const struct lac_match_front_tables *t, const unsigned char *base,
                                 uint64_t humps, uint64_t starts, uint64_t alnum)
{
    uint64_t begins = humps | starts;
    uint64_t hits = 0;

    for (uint64_t left = humps; left; left &= left - 1) {
        unsigned at = (unsigned)__builtin_ctzll(left);
        uint64_t below = begins & (((uint64_t)1 << at) - 1);
        uint64_t bytes = load_bytes(base + at);
        uint64_t part = (alnum & ~begins) >> at | 1;
        uint64_t hit =
            (at > 55) | (below == 0) | word_hit(t, word_key(bytes, part)) | prefix_hit(t, bytes);

        if (below) {
            unsigned from = 63 - (unsigned)__builtin_clzll(below);

            hit |= word_hit(t, word_key(load_bytes(base + from), ((uint64_t)1 << (at - from)) - 1));
        }
        hits |= hit << at;
    }
    return hits;
}

/* Where runs of LAC_MATCH_RUN_LEAST begin. */
static inline uint64_t runs_of(uint64_t now, uint64_t next, uint64_t before)
{
    unsigned __int128 v = now | (unsigned __int128)next << 64;

    v &= v >> 1;
    v &= v >> 2;
    v &= v >> 4;
    v &= v >> 8;
    v &= v >> (LAC_MATCH_RUN_LEAST - 16);
    return (uint64_t)v & ~(now << 1 | before);
}

/* The words that have a digit: for each run of digits, where its word begins. */
static inline uint64_t words_with_digits(uint64_t starts, uint64_t alnum, uint64_t alnum_next,
                                         uint64_t digit, uint64_t digit_next)
{
    uint64_t found = 0;

    for (uint64_t left = digit & ~(digit << 1); left; left &= left - 1) {
        uint64_t below = starts & (left ^ (left - 1));

        if (below) /* else its word began in the block before */
            found |= (uint64_t)1 << (63 - __builtin_clzll(below));
    }
    /* The last word may go on in the next block, and have its digits there. */
    if (starts && alnum >> 63 && (digit_next & (alnum_next & ~(alnum_next + 1))))
        found |= (uint64_t)1 << (63 - __builtin_clzll(starts));
    return found;
}

/* Which words are tokens of a shape that rules ask for. Nearly all words have neither digits nor
 * eight letters, and are passed over. */
static inline uint64_t tokens_of(const struct lac_match_front_tables *t, const unsigned char *base,
                                 uint64_t starts, uint64_t alnum, uint64_t alnum_next,
                                 uint64_t digit, uint64_t digit_next)
{
    unsigned __int128 eight = alnum | (unsigned __int128)alnum_next << 64;
    uint64_t left = words_with_digits(starts, alnum, alnum_next, digit, digit_next);
    uint64_t tokens = 0;

    eight &= eight >> 1;
    eight &= eight >> 2;
    eight &= eight >> 4;
    left |= starts & (t->bare_lengths & 0xFF ? UINT64_MAX : (uint64_t)eight);
    for (; left; left &= left - 1) {
        unsigned at = (unsigned)__builtin_ctzll(left);
        unsigned len = run_length(window(alnum, alnum_next, at));
        uint64_t digits = window(digit, digit_next, at) & low_bits(len);
        const struct lac_match_shape_class *c =
            &t->shape_classes[t->shape_index[lac_match_shape_cell(len, digits)]];
        uint64_t any = (digits != 0) | (t->bare_lengths >> (len < 63 ? len : 63) & 1);

        tokens |= (any & (c->ends | lac_match_regex_set_has(&c->follow, base[at + len]))) << at;
    }
    return tokens;
}

static inline __attribute__((always_inline)) void front_body(const struct lac_match_front_tables *t,
                                                             const struct lac_match_piece *piece,
                                                             const struct lac_match_masks *masks,
                                                             struct lac_match_events *events)
{
    uint64_t before = 0; /* whether the byte before the block is in a word */
    uint64_t lower_before = 0, upper_before = 0, digit_before = 0;
    uint64_t run_before = 0;
    uint64_t begin = 0, begin_next = 0;
    uint64_t wide_now = 0, wide_next = 0;

    if (piece->wide)
        wide_next =
            wide_letters(piece, 0, lac_match_block_at(piece, 0), masks[0].high, &begin_next);
    for (size_t b = 0; b < piece->blocks; b++) {
        const struct lac_match_masks *m = &masks[b];
        const unsigned char *base = lac_match_block_at(piece, b);
        uint64_t alnum = m->letter | m->digit;
        uint64_t next = m[1].letter | m[1].digit;
        uint64_t words = 0, prefixes = 0;
        uint64_t humps = 0;
        uint64_t starts;

        if (b == piece->core)
            run_before = 0;
        if (piece->wide) {
            wide_now = wide_next;
            begin = begin_next;
            wide_next = b + 1 == piece->blocks
                            ? 0
                            : wide_letters(piece, b + 1, base + 64, m[1].high, &begin_next);
            alnum |= wide_now;
            next |= wide_next;
        }
        starts = alnum & ~(alnum << 1 | before);
        before = alnum >> 63;
        for (uint64_t left = starts | begin; left; left &= left - 1) {
            unsigned at = (unsigned)__builtin_ctzll(left);
            uint64_t bytes = load_bytes(base + at);

            words |= word_hit(t, word_key(bytes, window(alnum, next, at))) << at;
            prefixes |= prefix_hit(t, bytes) << at;
        }
        events[b].word = words;
        events[b].prefix = prefixes;
        events[b].token =
            piece->wide ? 0 : tokens_of(t, base, starts, alnum, next, m->digit, m[1].digit);
        events[b].symbol = m->symbol;
        events[b].start = starts | begin;
        events[b].run = runs_of(alnum | m->joint, next | m[1].joint, run_before);
        run_before = (alnum | m->joint) >> 63;
        if (t->humps)
            humps = humps_of(m, m + 1, lower_before, upper_before, digit_before);
        events[b].hump = humps ? hump_hits(t, base, humps, starts, alnum) : 0;
        lower_before = (m->letter & ~m->upper) >> 63;
        upper_before = m->upper >> 63;
        digit_before = m->digit >> 63;
    }
}

#endif
