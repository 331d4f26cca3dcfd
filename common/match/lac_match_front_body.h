/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_front_body - the part of the first pass that is the same for all instruction sets
 *
 * Included by lac_match_front_*.c only, so that each compiles it for its own processor. The body is
 * plain C on 64-bit masks; what differs is how a block becomes masks.
 */
#ifndef LAC_MATCH_FRONT_BODY_H
#define LAC_MATCH_FRONT_BODY_H

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

static inline uint64_t word_key(uint64_t bytes, unsigned len)
{
    return (bytes | 0x2020202020202020u) & low_bits(len >= 8 ? 64 : len * 8);
}

static inline uint64_t test_bit(const uint8_t *bits, uint64_t index)
{
    return bits[index >> 3] >> (index & 7) & 1;
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

static inline uint64_t tokens_of(const struct lac_match_front_tables *t, const unsigned char *base,
                                 uint64_t starts, uint64_t alnum, uint64_t alnum_next,
                                 uint64_t digit, uint64_t digit_next)
{
    uint64_t tokens = 0;

    for (; starts; starts &= starts - 1) {
        unsigned at = (unsigned)__builtin_ctzll(starts);
        unsigned len = run_length(window(alnum, alnum_next, at));
        uint64_t digits = window(digit, digit_next, at) & low_bits(len);
        const struct lac_match_shape_class *c =
            &t->shape_classes[t->shape_index[lac_match_shape_cell(len, digits)]];

        tokens |= (uint64_t)(c->ends | lac_match_regex_set_has(&c->follow, base[at + len])) << at;
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
        uint64_t words = 0, prefixes = 0, tokens = 0;
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
            unsigned len = run_length(window(alnum, next, at));
            uint64_t digits = window(m->digit, m[1].digit, at) & low_bits(len);
            uint64_t bytes;

            memcpy(&bytes, base + at, sizeof(bytes));
            words |= word_hit(t, word_key(bytes, len)) << at;
            prefixes |= prefix_hit(t, bytes) << at;
            tokens |= ((digits != 0) | (t->bare_lengths >> (len < 63 ? len : 63) & 1)) << at;
        }
        events[b].word = words;
        events[b].prefix = prefixes;
        events[b].token =
            piece->wide ? 0 : tokens_of(t, base, tokens, alnum, next, m->digit, m[1].digit);
        events[b].symbol = m->symbol;
        events[b].start = starts | begin;
        events[b].run = runs_of(alnum | m->joint, next | m[1].joint, run_before);
        run_before = (alnum | m->joint) >> 63;
        events[b].hump = humps_of(m, m + 1, lower_before, upper_before, digit_before);
        lower_before = (m->letter & ~m->upper) >> 63;
        upper_before = m->upper >> 63;
        digit_before = m->digit >> 63;
    }
}

#endif
