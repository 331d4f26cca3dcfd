/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_words - how common a word is in everyday texts
 *
 * A customer called Apple and a project called Summit can't be told from the fruit and the
 * mountain by their letters. The loader and the linter ask here which terms are such words. The
 * list, packs/words/english.txt, is compiled in: English words by how common they are, names of
 * people and places, and brands and words of work and software.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_PACK_WORDS_H
#define LAC_PACK_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_str.h"

/* The list, lines of "word class", sorted. */
extern const char lac_pack_words_english[];
extern const size_t lac_pack_words_english_size;

enum lac_pack_word {
    LAC_PACK_WORD_NONE,     /* not on the list */
    LAC_PACK_WORD_EVERYDAY, /* of the few thousand that most texts are made of */
    LAC_PACK_WORD_FREQUENT, /* of the next ten thousand */
    LAC_PACK_WORD_KNOWN,    /* in every small dictionary */
    LAC_PACK_WORD_NAME,     /* of people or places */
    LAC_PACK_WORD_BRAND,    /* a well-known brand, or a word of work and software */
};

/* The class of one word, folded, or of its singular. */
enum lac_pack_word lac_pack_word(struct lac_str word);

/* "one of the most used English words", ...: what a class is, for people. */
const char *lac_pack_word_text(enum lac_pack_word word);

/*
 * Looks at all words of a folded phrase. True when it takes context to tell it from common text:
 * a single common word, besides articles and the like, or less than three letters. With `all`,
 * also several words that are all common. `*why` is the class of the first common word.
 */
bool lac_pack_words_common(struct lac_str folded, bool all, enum lac_pack_word *why);

#endif
