/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_term - what a person's terminal can show
 *
 * Everything that prints for people asks here whether there is a terminal, how wide it is and
 * whether colour is wanted. Colour and moving lines appear on a terminal only; NO_COLOR (any
 * value but empty) and TERM=dumb turn colour off. What goes into a pipe or a file is plain.
 *
 * Thread: owner.
 */
#ifndef LAC_TERM_H
#define LAC_TERM_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_str.h"

enum lac_style {
    LAC_STYLE_NONE,
    LAC_STYLE_BOLD,
    LAC_STYLE_DIM,
    LAC_STYLE_GOOD, /* green: PUBLIC, ok */
    LAC_STYLE_NOTE, /* yellow: INTERNAL, warn */
    LAC_STYLE_BAD,  /* red: PROPRIETARY, fail */
    LAC_STYLE_LINK, /* cyan: addresses and commands to copy */
    LAC_STYLE_COUNT,
};

struct lac_term {
    int fd;
    bool terminal; /* a person looks at it */
    bool moves;    /* and it can redraw a line: TERM is not "dumb", as in editors and in CI */
    bool colour;
    bool utf8;        /* the locale's encoding; otherwise lines and dots are ASCII */
    unsigned columns; /* of the terminal; 0 = unknown or no terminal: cut nothing */
};

/* Looks at `fd` and at the environment. `fd` is borrowed. */
void lac_term_open(struct lac_term *t, int fd);

/* Asks for the width again, after SIGWINCH or before a redraw. */
void lac_term_resize(struct lac_term *t);

/* The sequences that start `style` and end any style; "" without colour. */
const char *lac_term_on(const struct lac_term *t, enum lac_style style);
const char *lac_term_off(const struct lac_term *t, enum lac_style style);

/* Appends `text` in `style`. `text` is trusted: our own words. */
void lac_term_put(const struct lac_term *t, struct lac_buf *b, enum lac_style style,
                  const char *text);

/* Writes all of `b` to the terminal, then empties it. False when the reader has gone or the
 * device is full: errno says which. */
bool lac_term_flush(const struct lac_term *t, struct lac_buf *b);

/* The style in which a tier's name is shown. `tier` is the name; unknown names are plain. */
enum lac_style lac_term_tier_style(struct lac_str tier);

#endif
