/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_glyph - what folding makes of one character
 *
 * Private to common/match. utf8proc takes some five hundred instructions for a character, and a
 * text has few different ones: a scratch keeps what became of each. The cells are filled when a
 * character is met for the first time, so that the memory that is touched is that of the scripts
 * that are read.
 */
#ifndef LAC_MATCH_GLYPH_H
#define LAC_MATCH_GLYPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_match_alike.h"
#include "lac_match_internal.h"

enum {
    LAC_MATCH_GLYPHS = 0x20000, /* the first two planes: all living scripts, and emoji */
    LAC_MATCH_GLYPH_ROOM = 3,   /* bytes of either form; what grows more is not kept */
    LAC_MATCH_PILES = 1024,     /* a power of two */
    LAC_MATCH_PILE_ROOM = 12,   /* bytes of the text and of either form */
};

struct lac_match_glyph {
    uint8_t known : 1;                     /* or not met yet */
    uint8_t combines : 1;                  /* with the character before it */
    uint8_t simple : 1;                    /* the rest tells all, where nothing combines with it */
    uint8_t plain_len : 2, folded_len : 2; /* bytes */
    char alike;                            /* see lac_match_alike_letter() */
    unsigned char plain[LAC_MATCH_GLYPH_ROOM];
    unsigned char folded[LAC_MATCH_GLYPH_ROOM];
};

_Static_assert(sizeof(struct lac_match_glyph) == 8, "eight of them to a line of the cache");

/* A cluster of several code points that has not more bytes. */
struct lac_match_pile {
    uint8_t len; /* 0: none */
    uint8_t plain_len, folded_len;
    unsigned char text[LAC_MATCH_PILE_ROOM]; /* zeroes behind it */
    unsigned char plain[LAC_MATCH_PILE_ROOM];
    unsigned char folded[LAC_MATCH_PILE_ROOM];
};

struct lac_match_glyphs {
    struct lac_match_glyph one[LAC_MATCH_GLYPHS];
    struct lac_match_pile piles[LAC_MATCH_PILES]; /* by a hash of the text */
};

/* One text on its way into its views. */
struct lac_match_folder {
    struct lac_match_view *folded;
    struct lac_match_view *plain;    /* NULL: not wanted */
    struct lac_match_glyphs *glyphs; /* filled as they are met; NULL: none */
    struct lac_match_alike_word word;
    bool full;
};

/* Separators run together: "project  apollo" and "project -\n apollo" are one phrase. */
void lac_match_put_folded(struct lac_match_folder *f, unsigned char c, size_t from);

/* Puts `c`, which is ASCII, into both views. */
void lac_match_put_both(struct lac_match_folder *f, unsigned char c, size_t from);

/*
 * Each folds what begins at `at` and returns how many bytes it has; 0: try the next one. The first
 * takes characters on their own, one behind the other, up to two of ASCII; the second one with the
 * marks on it. The last takes anything, `*bad` becomes true at a malformed byte; f->full: there was
 * no room for all of it.
 */
size_t lac_match_fold_glyphs(struct lac_match_folder *f, struct lac_str text, size_t at);
size_t lac_match_fold_pile(struct lac_match_folder *f, struct lac_str text, size_t at);
size_t lac_match_fold_cluster(struct lac_match_folder *f, struct lac_str text, size_t at,
                              bool *bad);

#endif
