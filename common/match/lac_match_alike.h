/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_alike - what a character is meant to be read as
 *
 * Private to common/match. Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_ALIKE_H
#define LAC_MATCH_ALIKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_str.h"

/* The ASCII digit or hyphen that `code` is read as wherever it stands, a digit of any script or a
 * dash; 0: none. */
char lac_match_alike_always(uint32_t code);

/* The ASCII letter that `code` looks like; 0: none. It is read as one only in a disguised word. */
char lac_match_alike_letter(uint32_t code);

/* A word whose letters all have one answer. Zeroes: none yet. */
struct lac_match_alike_word {
    size_t from, to; /* empty: the answer was for one letter */
    bool disguised;
};

/*
 * Whether the letter at [at, end) of `text`, which looks like one of ASCII, stands in a word that
 * is Latin otherwise, or made of look-alikes alone. Looks at most 32 characters to either side.
 * `w`: the word that was asked about last, in the same text.
 */
bool lac_match_is_disguised(struct lac_str text, size_t at, size_t end,
                            struct lac_match_alike_word *w);

#endif
