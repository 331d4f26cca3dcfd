/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_ascii - where the words of plain ASCII text are
 *
 * Private to common/encode. Most texts are ASCII but for a few places, and for ASCII normalising
 * is trivial: letters and digits make words, every other printable character is a word of its own.
 * One pass turns 64 bytes at a time into masks, the masks into lists of places, and the text into
 * lower case. It stops at the first byte that needs more thought: a control, or beyond ASCII.
 *
 * One implementation per instruction set, all of the same answer; lac_encode_ascii_best() chooses.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_ENCODE_ASCII_H
#define LAC_ENCODE_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LAC_ENCODE_BLOCK = 64,
    LAC_ENCODE_PIECE = 4096, /* bytes of text at a time; lists and copy stay in the L1 cache */
};

struct lac_encode_ascii {
    size_t clean; /* bytes up to the first that needs more thought */
    size_t count; /* words in them; the last may go on behind them */
    uint16_t begin[LAC_ENCODE_PIECE + LAC_ENCODE_BLOCK];
    uint16_t end[LAC_ENCODE_PIECE + LAC_ENCODE_BLOCK];
    /* The clean bytes in lower case, or as they are. As many as are read in one go lie behind. */
    unsigned char bytes[LAC_ENCODE_PIECE + LAC_ENCODE_BLOCK];
};

/* `len` is 1 to LAC_ENCODE_PIECE. Reads no byte behind it. */
typedef void lac_encode_ascii_pass(const unsigned char *text, size_t len, bool lower,
                                   struct lac_encode_ascii *out);

enum lac_encode_isa { LAC_ENCODE_PORTABLE, LAC_ENCODE_AVX2, LAC_ENCODE_AVX512, LAC_ENCODE_ISAS };

/* The best one that this processor can run; never NULL. */
lac_encode_ascii_pass *lac_encode_ascii_best(void);

/* A given one; NULL where the processor can't. For tests. */
lac_encode_ascii_pass *lac_encode_ascii_of(enum lac_encode_isa isa);

/* What a byte is. */
enum lac_encode_byte {
    LAC_ENCODE_BYTE_WORD,  /* a letter or digit */
    LAC_ENCODE_BYTE_ALONE, /* any other printable character */
    LAC_ENCODE_BYTE_BLANK, /* blank, tab, line break */
    LAC_ENCODE_BYTE_OTHER, /* needs more thought */
};
extern const uint8_t lac_encode_bytes[256];

lac_encode_ascii_pass lac_encode_ascii_portable, lac_encode_ascii_avx2, lac_encode_ascii_avx512;

/* ---- what the implementations have in common ---- */

struct lac_encode_masks {
    uint64_t word, alone, other;
};

/* What a block leaves for the next: whether its last byte was part of a word, and a word. */
struct lac_encode_carry {
    uint64_t word, alone;
    size_t begins, ends; /* how many are in the lists */
};

/* Where words begin and where they end: bits of the block, the ends one byte behind their last. */
struct lac_encode_edges {
    uint64_t begin, end;
};

static inline struct lac_encode_edges lac_encode_edges(const struct lac_encode_masks *m,
                                                       struct lac_encode_carry *c)
{
    uint64_t before = m->word << 1 | c->word;
    struct lac_encode_edges e = {
        .begin = (m->word & ~before) | m->alone,
        .end = (before & ~m->word) | m->alone << 1 | c->alone,
    };

    c->word = m->word >> 63;
    c->alone = m->alone >> 63;
    return e;
}

/* Bits of the bytes before the first other one, of which there is at least one. */
static inline uint64_t lac_encode_before(uint64_t other)
{
    return (other & -other) - 1;
}

/* Closes the lists: a word that reaches the end ends there. */
static inline void lac_encode_ascii_close(struct lac_encode_ascii *out,
                                          const struct lac_encode_carry *c, size_t clean)
{
    out->clean = clean;
    out->count = c->begins;
    if (c->ends < c->begins)
        out->end[c->ends] = (uint16_t)clean;
}

#endif
