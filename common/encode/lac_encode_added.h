/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_added - words that were added to a vocabulary, and are found before all else
 *
 * Private to common/encode. `added_tokens` that are not special: whole words of a user's own, each
 * one token. As in Hugging Face's library, some are looked for in the text as it came (normalized:
 * false), the others in what normalising made of the rest; of several that begin at one place the
 * longest counts, of equally long ones the first. A special token is never looked for: a text is
 * data. Texts of a tokenizer with words of the second kind go the exact path, some ten times
 * slower.
 *
 * Thread: immutable once it is made; the stream of a text belongs to the lane's words.
 */
#ifndef LAC_ENCODE_ADDED_H
#define LAC_ENCODE_ADDED_H

#include <stdbool.h>
#include <stdint.h>

#include "lac_err.h"
#include "lac_str.h"

enum {
    LAC_ENCODE_ADDED_MAX = 256,   /* tokens beyond the vocabulary's own */
    LAC_ENCODE_ADDED_CHARS = 256, /* of a word after normalising */
};

struct lac_encode_words;
struct lac_encode_tokenizer;

struct lac_encode_added_word {
    int32_t id;
    bool lstrip, rstrip;   /* white space before and behind belongs to it */
    bool single;           /* no part of a longer word, as \w sees words */
    bool normalized;       /* looked for after normalising */
    struct lac_str bytes;  /* of the vocabulary, borrowed; unless normalized */
    const uint32_t *codes; /* [count]; if normalized */
    uint32_t count;
};

struct lac_encode_added {
    struct lac_encode_added_word words[LAC_ENCODE_ADDED_MAX]; /* in the order of the file */
    uint32_t count;
    uint32_t *codes;  /* owned */
    uint32_t longest; /* code points of a normalized one; 0: there is none */
    bool first[256];  /* bytes that one of the others begins with */
};

/* A code point as normalising leaves it; kind: LAC_ENCODE_CHAR_SELF, _BLANK or _ALONE. */
struct lac_encode_added_char {
    uint32_t kind, code, from, to;
};

/* A normalised text as it goes by. */
struct lac_encode_stream {
    struct lac_encode_added_char head[LAC_ENCODE_ADDED_CHARS + 1]; /* undecided, and what follows */
    uint32_t count;
    uint32_t last; /* code point that went by; 0: none */
    uint32_t skip; /* of the undecided ones begin no word: a part of a longer one was there */
    bool blank;    /* what went by last were blanks, from `blank_from` on */
    uint32_t blank_from;
    bool held; /* a word that still takes the blanks behind it */
    int32_t id;
    uint32_t from, to;
    uint32_t *record; /* not NULL: only writes down [LAC_ENCODE_ADDED_CHARS] code points */
    uint32_t recorded;
};

/* Makes the list ready that reading filled in with ids and switches. REJECT: a word leaves nothing
 * to look for, or is too long; *id says which. */
enum lac_status lac_encode_added_init(struct lac_encode_tokenizer *t, int32_t *id,
                                      struct lac_err *err) LAC_MUST_USE;
void lac_encode_added_deinit(struct lac_encode_added *a);

/* All tokens of a text that may have words in it. */
void lac_encode_added_text(struct lac_encode_words *w, struct lac_str text);

/* The next code point of a normalised piece of text; the end of the piece. */
void lac_encode_added_put(struct lac_encode_words *w, const struct lac_encode_added_char *c);
void lac_encode_added_end(struct lac_encode_words *w);

#endif
