/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_tokenizer_internal - the parts of a tokenizer and of a lane's words
 *
 * Private to common/encode.
 */
#ifndef LAC_ENCODE_TOKENIZER_INTERNAL_H
#define LAC_ENCODE_TOKENIZER_INTERNAL_H

#include "lac_buf.h"
#include "lac_encode_tokenizer.h"
#include "lac_encode_trie.h"
#include "lac_encode_unicode.h"

#define LAC_ENCODE_PREFIX "##"

enum {
    LAC_ENCODE_WORD_BYTES = LAC_ENCODE_WORD_MAX * 4,
    LAC_ENCODE_NO_ID = -1,
    LAC_ENCODE_ADDED_MAX = 256, /* special tokens beyond the vocabulary's own */
};

/* The entries of a vocabulary by id: slices of `bytes`. */
struct lac_encode_vocab {
    struct lac_buf bytes;
    struct lac_encode_slot {
        uint32_t at, len; /* len 0: no such id */
        bool special;     /* never made of a text */
    } *slots;             /* [capacity] */
    uint32_t count, capacity;
};

struct lac_encode_tokenizer {
    struct lac_encode_tokenizer_info info;
    struct lac_encode_vocab vocab;
    struct lac_encode_trie trie;
    struct lac_encode_chars chars;
};

/* ---- reading (lac_encode_tokenizer_read.c) ---- */

/* Fills info and vocab. Errors name the file and the place. */
enum lac_status lac_encode_tokenizer_read(struct lac_encode_tokenizer *t,
                                          const struct lac_encode_tokenizer_files *files,
                                          struct lac_err *err) LAC_MUST_USE;

/* ---- vocabulary (lac_encode_vocab.c) ---- */

void lac_encode_vocab_init(struct lac_encode_vocab *v);
void lac_encode_vocab_deinit(struct lac_encode_vocab *v);

/* Adds an entry. LAC_REJECT with a reason that has no place: the id is out of bounds or taken, the
 * text is too long or holds a NUL. An empty text is counted and never found. */
enum lac_status lac_encode_vocab_add(struct lac_encode_vocab *v, struct lac_str text, int64_t id,
                                     struct lac_err *err) LAC_MUST_USE;

struct lac_str lac_encode_vocab_at(const struct lac_encode_vocab *v, uint32_t id);

/* LAC_ENCODE_NO_ID: not there. Looks at all of them: for a few special tokens at open. */
int32_t lac_encode_vocab_find(const struct lac_encode_vocab *v, struct lac_str text);

/* ---- words (lac_encode_tokenizer.c) ---- */

/* Where tokens go. */
struct lac_encode_out {
    int32_t *ids;
    struct lac_encode_span *spans; /* may be NULL */
    size_t capacity, count;        /* count may pass capacity; nothing is written then */
};

/* A normalised word as it is gathered. */
struct lac_encode_word {
    uint32_t chars;    /* more than word_max: only counted */
    uint32_t len;      /* bytes */
    uint32_t from, to; /* all of it in the text */
    unsigned char bytes[LAC_ENCODE_WORD_BYTES];
    struct lac_encode_span places[LAC_ENCODE_WORD_BYTES]; /* of each byte: its character's */
};

struct lac_encode_words {
    const struct lac_encode_tokenizer *t;
    struct lac_encode_out out;
    struct lac_encode_word word;
};

static inline void lac_encode_put(struct lac_encode_out *out, int32_t id, uint32_t from,
                                  uint32_t to)
{
    if (out->count < out->capacity) {
        out->ids[out->count] = id;
        if (out->spans)
            out->spans[out->count] = (struct lac_encode_span){from, to};
    }
    out->count++;
}

/* The tokens of text[from, to), whatever bytes are in it (lac_encode_tokenizer_exact.c). Words end
 * at both ends. */
void lac_encode_exact(struct lac_encode_words *w, struct lac_str text, size_t from, size_t to);

/* Splits the gathered word and empties it. */
void lac_encode_word_end(struct lac_encode_words *w);

#endif
