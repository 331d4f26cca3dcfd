/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_mention - whether a short text has one of a list of words anywhere
 *
 * Private to common/match. The lists are long, the texts short, and hardly any word is there. So a
 * list has its words by their first letter, and for each letter which second ones there are: for
 * nearly all places in a text, two of its bytes are all that is looked at. Letters count in either
 * case.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_MENTION_H
#define LAC_MATCH_MENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_str.h"

/* Of a byte what a letter has in either case; some signs and digits have it as well. */
#define LAC_MATCH_LETTER(c) ((c)&31)

enum { LAC_MATCH_LETTERS = 32, LAC_MATCH_WORDS_MAX = 8 };

/* Words in lower case, of two bytes or more, by the LAC_MATCH_LETTER() that they begin with. */
struct lac_match_mentions {
    uint32_t second[LAC_MATCH_LETTERS]; /* a bit for each LAC_MATCH_LETTER() that is a second */
    uint32_t third[LAC_MATCH_LETTERS];  /* the same; all of them where a word has no third */
    const char *words[LAC_MATCH_LETTERS][LAC_MATCH_WORDS_MAX + 1]; /* "" behind the last */
};

/* The words that begin with one letter, at most LAC_MATCH_WORDS_MAX. For one more, or one with
 * another letter, the compiler would have to divide by zero, and says so. */
#define LAC_MATCH_WORDS(letter, ...) \
    LAC_MATCH_WORDS_OF(LAC_MATCH_LETTER(letter), __VA_ARGS__, "", "", "", "", "", "", "", "", "")
#define LAC_MATCH_WORDS_OF(n, a, b, c, d, e, f, g, h, more, ...)                             \
    .second[n] =                                                                             \
        LAC_MATCH_BITS(LAC_MATCH_BIT_AT, 1, a, b, c, d, e, f, g, h) | 0u / ((more)[0] == 0), \
    .third[n] = LAC_MATCH_BITS(LAC_MATCH_BIT_AT, 2, a, b, c, d, e, f, g, h) |                \
                LAC_MATCH_BITS(LAC_MATCH_BEGINS, n, a, b, c, d, e, f, g, h),                 \
    .words[n] = {a, b, c, d, e, f, g, h, ""}
#define LAC_MATCH_BITS(of, x, a, b, c, d, e, f, g, h) \
    (of(x, a) | of(x, b) | of(x, c) | of(x, d) | of(x, e) | of(x, f) | of(x, g) | of(x, h))
#define LAC_MATCH_BEGINS(n, word) (0u / ((word)[0] == 0 || LAC_MATCH_LETTER((word)[0]) == (n)))
#define LAC_MATCH_BIT_AT(i, word) \
    (sizeof(word) == 1 ? 0u       \
     : sizeof(word) - 1 == (i)    \
         ? UINT32_MAX             \
         : (uint32_t)1 << LAC_MATCH_LETTER((word)[sizeof(word) == 1 ? 0 : (i)]))

/* The first place from `*at` on where one of the words is, and which: of several there, the one
 * that stands first in the list. NULL: there is none. */
const char *lac_match_mention_next(struct lac_str text, const struct lac_match_mentions *list,
                                   size_t *at);

/* Whether one of the words is anywhere in the text. */
bool lac_match_mentions(struct lac_str text, const struct lac_match_mentions *list);

#endif
