/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_front - the first pass: where in a text something could begin
 *
 * Private to common/match. Blocks of 64 bytes become bit masks, one bit per byte: letters, digits,
 * the symbols that rules ask for. Where words begin and how long they are falls out of the masks.
 * Of every word the first bytes are hashed and looked up in two bit maps, and of every token with
 * digits its length and which bytes are digits, in a table. Nearly none of that branches on the
 * text; what comes out are lists of few places, for lac_match_scan.c to look at closely.
 *
 * The maps of the built-in rules take 8 KiB each and stay in a core's first cache: a key has two
 * bits in one word of 64. With AVX-512 eight words of text are hashed and looked up at a time.
 *
 * One implementation per instruction set, all of the same answer; lac_match_front_of() chooses.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_FRONT_H
#define LAC_MATCH_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_match_image.h"

enum {
    LAC_MATCH_BLOCK = 64,
    LAC_MATCH_PAD = 128, /* zeroes behind a piece: what is looked at of a byte reaches so far */
};

enum {
    LAC_MATCH_CORE_BLOCKS = 128, /* a long text is scanned in pieces of 8 KiB */
    /* ... with so much on either side that context and any match lie inside */
    LAC_MATCH_MARGIN_BLOCKS = 16,
    LAC_MATCH_PIECE_BLOCKS = LAC_MATCH_CORE_BLOCKS + 2 * LAC_MATCH_MARGIN_BLOCKS,
};

enum lac_match_isa { LAC_MATCH_PORTABLE, LAC_MATCH_AVX2, LAC_MATCH_AVX512, LAC_MATCH_ISAS };

/* What the bytes of a block are. */
struct lac_match_masks {
    uint64_t letter;
    uint64_t upper;
    uint64_t digit;
    uint64_t joint; /* _ - + / : what joins the parts of long tokens */
    uint64_t symbol;
    uint64_t high; /* 0x80 and more */
};

enum { LAC_MATCH_PLACES = LAC_MATCH_PIECE_BLOCKS * LAC_MATCH_BLOCK + LAC_MATCH_BLOCK };

/* Offsets in the piece, ascending. */
struct lac_match_list {
    size_t count;
    uint16_t at[LAC_MATCH_PLACES];
};

/* Where in a piece something could begin. What is appended is decided without a branch: the place
 * is written, and counted or not. */
struct lac_match_events {
    struct lac_match_list word;   /* words whose key may be in the table */
    struct lac_match_list prefix; /* words whose first bytes may be in the table */
    struct lac_match_list token;  /* tokens with a digit, or of a length that rules ask for; then
                                     those that a sieve let through */
    uint32_t
        sieved[LAC_MATCH_PLACES]; /* for each of those what the sieve let through: of what token
                                     and sieve_bits() say, see struct lac_match_shape_sieve */
    struct lac_match_list symbol;
    struct lac_match_list run;  /* of LAC_MATCH_RUN_LEAST or more letters, digits and joints */
    struct lac_match_list hump; /* a part of an identifier like fooBar that may be in a table, or
                                   the one before it */
};

/* What the first pass reads of an image. */
struct lac_match_front_tables {
    const uint64_t *word_bits;
    const uint64_t *prefix_bits;
    const uint64_t *prefix_more; /* the next two bytes, or that a literal has no more */
    const struct lac_match_sieve *symbol_sieves; /* [128]: what may stand behind one */
    const uint16_t *shape_index;                 /* [LAC_MATCH_SHAPE_CELLS] */
    const struct lac_match_shape_class *shape_classes;
    const struct lac_match_shape_sieve *shape_sieves; /* of each class */
    const uint16_t (*bare)[2];                        /* see struct lac_match_image_header */
    uint64_t bare_lengths; /* of which lengths it allows any, 63 and more as one */
    uint32_t word_shift;
    uint32_t prefix_shift; /* of both */
    uint8_t symbols[16];
    bool humps; /* parts of identifiers are looked for ... */
    bool names; /* ... as words too */
};

/* A piece of text, in blocks; the last may be shorter. It is a copy, so that bytes may be read
 * behind it. */
struct lac_match_piece {
    size_t blocks;
    size_t core; /* the first block that is looked at closely: runs begin anew there */
    bool wide;   /* letters beyond ASCII count as such: the folded view of a text that has some */
    unsigned char bytes[LAC_MATCH_PIECE_BLOCKS * LAC_MATCH_BLOCK + LAC_MATCH_PAD];
};

/* [mask of the bytes that belong to a word, the first lowest]: all bits of those up to the first
 * that does not. */
extern const uint64_t lac_match_key_masks[256];

typedef bool lac_match_is_ascii(const unsigned char *text, size_t len);

/* `masks` has one more than there are blocks, for zeroes. */
typedef void lac_match_first_pass(const struct lac_match_front_tables *t,
                                  const struct lac_match_piece *piece,
                                  struct lac_match_masks *masks, struct lac_match_events *events);

/* Keeps the tokens of a shape that rules ask for, and fills `sieved`. `gates`: the blocks of 64
 * rules, modulo 32, where one that needs context has a word. */
typedef void lac_match_sieve_tokens(const struct lac_match_front_tables *t,
                                    const struct lac_match_piece *piece,
                                    const struct lac_match_masks *masks, uint32_t gates,
                                    struct lac_match_events *events);

/* Where sixteen bytes in a row are letters, digits or one of + - / _, of which base64 consists, as
 * far as the blocks of 64 from `*at` on show. False: nowhere, and `*at` is where such a row may
 * begin that ends behind them. */
typedef bool lac_match_find_run(const unsigned char *text, size_t len, size_t *at);

struct lac_match_front {
    lac_match_is_ascii *is_ascii;
    lac_match_first_pass *first_pass;
    lac_match_sieve_tokens *sieve_tokens;
    lac_match_find_run *find_run;
};

/* Fills blocks and bytes. 0 < `len` <= LAC_MATCH_PIECE_BLOCKS * LAC_MATCH_BLOCK. */
void lac_match_piece_init(struct lac_match_piece *piece, const char *text, size_t len);

/* The best one that this processor can run; never NULL. */
const struct lac_match_front *lac_match_front_best(void);

/* A given one; NULL where the processor can't. For tests. */
const struct lac_match_front *lac_match_front_of(enum lac_match_isa isa);

lac_match_is_ascii lac_match_is_ascii_portable, lac_match_is_ascii_avx2, lac_match_is_ascii_avx512;
lac_match_first_pass lac_match_first_pass_portable, lac_match_first_pass_avx2,
    lac_match_first_pass_avx512;
lac_match_sieve_tokens lac_match_sieve_tokens_portable, lac_match_sieve_tokens_avx2,
    lac_match_sieve_tokens_avx512;
lac_match_find_run lac_match_find_run_portable, lac_match_find_run_avx2, lac_match_find_run_avx512;

#endif
