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

/* Into the function that names the processor: compiled alone they would be for any. */
#define INLINE static inline __attribute__((always_inline))

enum { FLATTEN_STEP = 16 };

/* One more than can be told is enough: see LAC_MATCH_SHAPE_LONG. */
INLINE unsigned run_length(uint64_t run)
{
    return run == UINT64_MAX ? 64 : (unsigned)__builtin_ctzll(~run);
}

/* The bits of `now` from `at` on, continued by those of the next block. */
INLINE uint64_t window(uint64_t now, uint64_t next, unsigned at)
{
    return now >> at | next << 1 << (63 - at);
}

INLINE uint64_t low_bits(unsigned n)
{
    return n >= 64 ? UINT64_MAX : ((uint64_t)1 << n) - 1;
}

/* `run`: which of the bytes from here on belong to the word. */
INLINE uint64_t word_key(uint64_t bytes, uint64_t run)
{
    return (bytes | 0x2020202020202020u) & lac_match_key_masks[run & 0xFF];
}

INLINE uint64_t load_bytes(const unsigned char *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof(x));
    return le64toh(x);
}

INLINE uint64_t word_hit(const struct lac_match_front_tables *t, uint64_t key)
{
    return lac_match_bits_have(t->word_bits, lac_match_hash_word(key), t->word_shift);
}

INLINE uint64_t prefix_word(const struct lac_match_front_tables *t, uint64_t bytes)
{
    return t->prefix_bits[lac_match_hash_short(bytes) >> (t->prefix_shift + 6)];
}

INLINE uint64_t short_hit(const struct lac_match_front_tables *t, uint64_t bytes)
{
    return (~prefix_word(t, bytes) & lac_match_short_bits(bytes)) == 0;
}

INLINE uint64_t prefix_hit(const struct lac_match_front_tables *t, uint64_t bytes)
{
    uint64_t unset = ~prefix_word(t, bytes);

    return (uint64_t)((unset & lac_match_short_bits(bytes)) == 0) |
           (uint64_t)((unset & lac_match_prefix_bits(bytes)) == 0);
}

/* Whether bytes may begin with a literal: one that has three, four or five of them, or one with
 * these six. */
INLINE uint64_t prefix_stays(const struct lac_match_front_tables *t, uint64_t bytes)
{
    return short_hit(t, bytes) |
           lac_match_bits_have(t->prefix_more, lac_match_hash_prefix(bytes), t->prefix_shift) |
           lac_match_bits_have(t->prefix_more, lac_match_hash_more(bytes), t->prefix_shift);
}

INLINE void put(struct lac_match_list *l, size_t at, uint64_t keep)
{
    l->at[l->count] = (uint16_t)at;
    l->count += keep;
}

INLINE void put_bits(struct lac_match_list *l, uint64_t bits, size_t base)
{
    for (; bits; bits &= bits - 1)
        put(l, base + (unsigned)__builtin_ctzll(bits), 1);
}

/* Lists the places of a block's bits: those of most blocks without a branch that depends on them.
 */
INLINE void flatten(struct lac_match_list *l, uint64_t bits, size_t base)
{
    for (size_t n = l->count; bits; n += FLATTEN_STEP) {
        for (size_t k = 0; k < FLATTEN_STEP; k++) {
            l->count += bits != 0;
            l->at[n + k] = (uint16_t)(base + (bits ? (unsigned)__builtin_ctzll(bits) : 0));
            bits &= bits - 1;
        }
    }
}

#ifndef FLATTEN
#define FLATTEN flatten
#endif

/* The highest bit of each byte, the first byte's lowest. */
INLINE uint64_t top_bits(uint64_t x)
{
    return ((x & 0x8080808080808080u) >> 7) * 0x0102040810204080u >> 56;
}

/* Letters beyond ASCII in the folded view. Those of two bytes belong to scripts that part words
 * by blanks, and continue a word. Each longer one begins something of its own: many of their
 * scripts have no blanks. Fills `begin` with those. `*lead`: whether a sequence of two has begun at
 * the end of the block before; and then of this one. Only texts that need it pay for the loop. */
INLINE uint64_t wide_letters(const unsigned char *base, uint64_t high, uint64_t *lead,
                             uint64_t *begin)
{
    uint64_t two = 0, more = 0, inner = 0;
    uint64_t before = *lead;

    for (unsigned i = 0; high && i < LAC_MATCH_BLOCK; i += sizeof(uint64_t)) {
        uint64_t x = load_bytes(base + i);

        two |= top_bits(x & x << 1 & ~(x << 2)) << i;
        more |= top_bits(x & x << 1 & x << 2) << i;
        inner |= top_bits(x & ~(x << 1)) << i;
    }
    *begin = more;
    *lead = two >> 63;
    return two | (inner & (two << 1 | before));
}

/* Where the parts of identifiers like getFooBar, HTTPServer or foo2Bar begin. */
INLINE uint64_t humps_of(const struct lac_match_masks *m, const struct lac_match_masks *next,
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
 * reaches over the block's edge, or may have letters beyond ASCII (`odd`), is looked at in any
 * case. */
INLINE uint64_t hump_hits(const struct lac_match_front_tables *t, const unsigned char *base,
                          uint64_t humps, uint64_t starts, uint64_t alnum, bool odd)
{
    uint64_t begins = humps | starts;
    uint64_t hits = 0;

    for (uint64_t left = humps; left; left &= left - 1) {
        unsigned at = (unsigned)__builtin_ctzll(left);
        uint64_t below = begins & (((uint64_t)1 << at) - 1);
        uint64_t bytes = load_bytes(base + at);
        uint64_t hit = prefix_hit(t, bytes) & prefix_stays(t, bytes);

        if (t->names) {
            uint64_t part = (alnum & ~begins) >> at | 1;
            unsigned from = below ? 63 - (unsigned)__builtin_clzll(below) : at;
            uint64_t before = word_key(load_bytes(base + from), ((uint64_t)1 << (at - from)) - 1);

            hit |= odd | (at > 55) | (below == 0) | word_hit(t, word_key(bytes, part)) |
                   word_hit(t, before);
        }
        hits |= hit << at;
    }
    return hits;
}

/* Where runs of LAC_MATCH_RUN_LEAST begin. */
INLINE uint64_t runs_of(uint64_t now, uint64_t next, uint64_t before)
{
    unsigned __int128 v = now | (unsigned __int128)next << 64;

    v &= v >> 1;
    v &= v >> 2;
    v &= v >> 4;
    v &= v >> 8;
    v &= v >> (LAC_MATCH_RUN_LEAST - 16);
    return (uint64_t)v & ~(now << 1 | before);
}

/* The letters and digits from a word's start on, as far as 64 bytes show. */
struct word_run {
    uint64_t in;     /* the bytes that are letters or digits */
    uint64_t digits; /* of the word alone */
    unsigned len;
};

INLINE struct word_run word_run_of(const uint64_t *alnum, const uint64_t *digit, unsigned bit)
{
    struct word_run r = {.in = window(alnum[0], alnum[1], bit)};

    r.digits = window(digit[0], digit[1], bit) & (~r.in ^ (~r.in - 1));
    r.len = run_length(r.in);
    return r;
}

/* Whether a word without a digit may be a token, by what stands behind it. */
INLINE bool may_be_bare(const struct lac_match_front_tables *t, unsigned len,
                        const unsigned char *behind)
{
    const uint16_t *kinds = t->bare[len < 63 ? len : 63];

    return ((kinds[0] & lac_match_kind[behind[0]]) != 0) &
           ((kinds[1] & lac_match_kind[behind[1]]) != 0);
}

/* The masks of words, of all blocks one behind the other; so many more than blocks are zeroes. */
enum { WORD_MASKS_MORE = 8 };
struct word_masks {
    uint64_t alnum[LAC_MATCH_PIECE_BLOCKS + WORD_MASKS_MORE];
    uint64_t digit[LAC_MATCH_PIECE_BLOCKS + WORD_MASKS_MORE];
};

/* Looks the words from the list's `from` on up in the two bit maps, and appends those that are
 * there, and those that may be tokens. */
INLINE void put_words(const struct lac_match_front_tables *t, const struct lac_match_piece *piece,
                      const struct word_masks *m, size_t from, size_t to,
                      struct lac_match_events *e)
{
    size_t words = e->word.count, prefixes = e->prefix.count, tokens = e->token.count;

    for (size_t i = from; i < to; i++) {
        size_t at = e->word.at[i];
        size_t b = at / LAC_MATCH_BLOCK;
        struct word_run run = word_run_of(&m->alnum[b], &m->digit[b], at % LAC_MATCH_BLOCK);
        uint64_t bytes = load_bytes(piece->bytes + at);

        e->word.at[words] = e->prefix.at[prefixes] = e->token.at[tokens] = (uint16_t)at;
        words += word_hit(t, word_key(bytes, run.in));
        prefixes += prefix_hit(t, bytes);
        tokens += (run.digits != 0) | may_be_bare(t, run.len, piece->bytes + at + run.len);
    }
    e->word.count = words;
    e->prefix.count = prefixes;
    e->token.count = tokens;
}

/* All words: where they begin is in e->word on entry. */
INLINE void put_all_words(const struct lac_match_front_tables *t,
                          const struct lac_match_piece *piece, const struct word_masks *m,
                          struct lac_match_events *e)
{
    size_t count = e->word.count;

    e->word.count = 0;
    put_words(t, piece, m, 0, count, e);
}

typedef void put_all(const struct lac_match_front_tables *t, const struct lac_match_piece *piece,
                     const struct word_masks *m, struct lac_match_events *e);

INLINE void sieve_tokens(const struct lac_match_front_tables *t,
                         const struct lac_match_piece *piece, const struct lac_match_masks *masks,
                         uint32_t gates, struct lac_match_events *e)
{
    struct lac_match_list *l = &e->token;
    size_t count = l->count;

    l->count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = l->at[i];
        const struct lac_match_masks *m = &masks[at / LAC_MATCH_BLOCK];
        const uint64_t alnum[2] = {m->letter | m->digit, m[1].letter | m[1].digit};
        const uint64_t digit[2] = {m->digit, m[1].digit};
        struct word_run run = word_run_of(alnum, digit, at % LAC_MATCH_BLOCK);
        const struct lac_match_shape_sieve *s =
            &t->shape_sieves[t->shape_index[lac_match_shape_cell(run.len, run.digits)]];
        uint32_t bits = s->first[piece->bytes[at] & 127] &
                        lac_match_sieve_bits(&s->token, piece->bytes + at + run.len);
        uint32_t gated = (uint32_t)((s->gates & gates) != 0) << LAC_MATCH_SIEVE_GATED;

        bits &= gated | LAC_MATCH_SIEVE_OPEN;
        e->sieved[l->count] = bits;
        put(l, at, bits != 0);
    }
}

typedef uint64_t run_bits_of(const unsigned char *block);

/* See lac_match_find_run. `bits_of`: which of 64 bytes may be in such a row. */
INLINE bool find_run(const unsigned char *text, size_t len, size_t *at, run_bits_of *bits_of)
{
    enum { ROW = 16 };
    size_t i = *at, before = 0; /* of the bytes right before `i`, fewer than a row */

    for (; len - i >= LAC_MATCH_BLOCK; i += LAC_MATCH_BLOCK) {
        uint64_t bits = bits_of(text + i);
        uint64_t rows = bits & bits >> 1;

        if (before + run_length(bits) >= ROW) {
            *at = i - before;
            return true;
        }
        rows &= rows >> 2;
        rows &= rows >> 4;
        rows &= rows >> 8;
        if (rows) {
            *at = i + (size_t)__builtin_ctzll(rows);
            return true;
        }
        before = (size_t)__builtin_clzll(~bits);
    }
    *at = i - before;
    return false;
}

/* Keeps the symbols that something is known to begin at. */
INLINE void keep_symbols(const struct lac_match_front_tables *t,
                         const struct lac_match_piece *piece, struct lac_match_list *l)
{
    size_t count = l->count;

    l->count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = l->at[i];
        const unsigned char *p = piece->bytes + at;

        put(l, at, lac_match_sieve_bits(&t->symbol_sieves[*p & 127], p + 1) != 0);
    }
}

/* Keeps the prefixes that more bytes than four do not refute. */
INLINE void keep_prefixes(const struct lac_match_front_tables *t,
                          const struct lac_match_piece *piece, struct lac_match_list *l)
{
    size_t count = l->count;

    l->count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = l->at[i];

        put(l, at, prefix_stays(t, load_bytes(piece->bytes + at)));
    }
}

/* What the last block has to tell the next one. */
struct before {
    uint64_t word, run, lower, upper, digit;
};

INLINE void list_block(const struct lac_match_front_tables *t, const struct lac_match_piece *piece,
                       size_t b, const struct lac_match_masks *m, const uint64_t *alnum,
                       uint64_t begin, struct before *before, struct lac_match_events *e)
{
    uint64_t runs = alnum[0] | m->joint;
    uint64_t starts = alnum[0] & ~(alnum[0] << 1 | before->word);
    uint64_t long_runs = runs_of(runs, alnum[1] | m[1].joint, b == piece->core ? 0 : before->run);
    const unsigned char *base = piece->bytes + b * LAC_MATCH_BLOCK;
    uint64_t humps = 0;

    FLATTEN(&e->word, starts | begin, b * 64);
    FLATTEN(&e->symbol, m->symbol, b * 64);
    if (long_runs)
        put_bits(&e->run, long_runs, b * 64);
    if (t->humps)
        humps = humps_of(m, m + 1, before->lower, before->upper, before->digit);
    if (humps)
        put_bits(&e->hump, hump_hits(t, base, humps, starts, alnum[0], (m->high | m[1].high) != 0),
                 b * 64);
    *before = (struct before){.word = alnum[0] >> 63,
                              .run = runs >> 63,
                              .lower = (m->letter & ~m->upper) >> 63,
                              .upper = m->upper >> 63,
                              .digit = m->digit >> 63};
}

INLINE void front_body(const struct lac_match_front_tables *t, const struct lac_match_piece *piece,
                       const struct lac_match_masks *masks, put_all *put_them,
                       struct lac_match_events *events)
{
    struct word_masks words;
    uint64_t begin[LAC_MATCH_PIECE_BLOCKS], lead = 0;
    struct before before = {0};

    for (size_t b = 0; b < piece->blocks; b++) {
        words.alnum[b] = masks[b].letter | masks[b].digit;
        words.digit[b] = masks[b].digit;
        begin[b] = 0;
        if (piece->wide)
            words.alnum[b] |=
                wide_letters(piece->bytes + b * LAC_MATCH_BLOCK, masks[b].high, &lead, &begin[b]);
    }
    memset(words.alnum + piece->blocks, 0, WORD_MASKS_MORE * sizeof(words.alnum[0]));
    memset(words.digit + piece->blocks, 0, WORD_MASKS_MORE * sizeof(words.digit[0]));
    events->word.count = events->prefix.count = events->token.count = 0;
    events->symbol.count = events->run.count = events->hump.count = 0;
    for (size_t b = 0; b < piece->blocks; b++)
        list_block(t, piece, b, &masks[b], &words.alnum[b], begin[b], &before, events);
    put_them(t, piece, &words, events);
    if (piece->wide)
        events->token.count = 0;
    keep_prefixes(t, piece, &events->prefix);
    keep_symbols(t, piece, &events->symbol);
}

#endif
