/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_tokenizer_internal - the parts of a tokenizer and of a lane's words
 *
 * Private to common/encode.
 */
#ifndef LAC_ENCODE_TOKENIZER_INTERNAL_H
#define LAC_ENCODE_TOKENIZER_INTERNAL_H

#include "lac_buf.h"
#include "lac_encode_added.h"
#include "lac_encode_ascii.h"
#include "lac_encode_tokenizer.h"
#include "lac_encode_trie.h"
#include "lac_encode_unicode.h"

#define LAC_ENCODE_PREFIX "##"

enum {
    LAC_ENCODE_WORD_BYTES = LAC_ENCODE_WORD_MAX * 4,
    LAC_ENCODE_NO_ID = -1,
};

/* The entries of a vocabulary by id: slices of `bytes`. */
struct lac_encode_vocab {
    struct lac_buf bytes;
    struct lac_encode_slot {
        uint32_t at, len; /* len 0: no such id */
        bool special;     /* never made of a text's pieces */
    } *slots;             /* [capacity] */
    uint32_t count, capacity;
};

struct lac_encode_tokenizer {
    struct lac_encode_tokenizer_info info;
    struct lac_encode_vocab vocab;
    struct lac_encode_trie trie;
    struct lac_encode_chars chars;
    struct lac_encode_added added;
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

/* ---- words (lac_encode_tokenizer_words.c) ---- */

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

/* The pieces of a word. */
struct lac_encode_pieces {
    uint32_t count;
    int32_t ids[LAC_ENCODE_WORD_BYTES];
    uint16_t ends[LAC_ENCODE_WORD_BYTES]; /* bytes of the word up to the end of each */
};

enum {
    LAC_ENCODE_KEY = 16,
    LAC_ENCODE_KEPT = 5,
    LAC_ENCODE_AT_ONCE = 4, /* pieces that are written without asking how many there are */
    LAC_ENCODE_AHEAD = 64,  /* words whose entries are fetched before they are read */
};

/*
 * A word that was split before: one cache line. A free one has the key (0, -1), which no word has.
 * A word belongs into one pair of entries. It comes into the second, and into the first when it is
 * seen again: what is seen only once, as most numbers are, drives out only its like.
 */
struct lac_encode_entry {
    uint64_t low, high; /* its bytes, zeroes behind them */
    int32_t ids[LAC_ENCODE_KEPT];
    uint16_t places[2 * LAC_ENCODE_KEPT]; /* where each piece begins and ends */
    uint32_t count;                       /* of its pieces */
    uint32_t _unused;
};

_Static_assert(sizeof(struct lac_encode_entry) == 64, "one cache line");

/* Words of a piece of text, and the pairs where they are remembered if they are. */
struct lac_encode_ahead {
    uint64_t low[LAC_ENCODE_AHEAD], high[LAC_ENCODE_AHEAD];
    struct lac_encode_entry *pair[LAC_ENCODE_AHEAD];
};

struct lac_encode_words {
    const struct lac_encode_tokenizer *t;
    lac_encode_ascii_pass *pass;
    struct lac_encode_entry (*pairs)[2]; /* owned: 1 << (64 - shift) of them */
    uint32_t shift;
    struct lac_encode_out out;
    struct lac_encode_ascii ascii;
    struct lac_encode_ahead ahead;
    struct lac_encode_word word;
    struct lac_encode_pieces pieces;
    bool streaming; /* what is normalised goes through `stream` */
    struct lac_encode_stream stream;
    /* Tokens of a piece of text, where the caller's room is short. */
    int32_t ids[LAC_ENCODE_PIECE + LAC_ENCODE_AT_ONCE];
    struct lac_encode_span spans[LAC_ENCODE_PIECE + LAC_ENCODE_AT_ONCE];
};

/* The products' upper bits depend on all bytes; odd constants without a pattern. */
static inline uint64_t lac_encode_key_hash(uint64_t low, uint64_t high)
{
    return low * 0x9E3779B97F4A7C15u + high * 0xC2B2AE3D27D4EB4Fu;
}

static inline bool lac_encode_entry_is(const struct lac_encode_entry *e, uint64_t low,
                                       uint64_t high)
{
    return ((e->low ^ low) | (e->high ^ high)) == 0;
}

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

/* Splits a word of at most word_max characters into w->pieces: [UNK] alone, where it can't be
 * split to its end. Remembers what is short enough. */
void lac_encode_split(struct lac_encode_words *w, const unsigned char *bytes, uint32_t len);

/* The word's entry in its pair, or NULL. */
const struct lac_encode_entry *lac_encode_recall(struct lac_encode_entry pair[2], uint64_t low,
                                                 uint64_t high);

/* The next code point of a text after normalising; GONE is nothing. */
void lac_encode_word_put(struct lac_encode_words *w, enum lac_encode_char_kind kind, uint32_t code,
                         uint32_t from, uint32_t to);

/* Splits the gathered word, puts its tokens and empties it. */
void lac_encode_word_end(struct lac_encode_words *w);

/* ---- texts ---- */

/* The tokens of text[from, to) without words that were added before normalising. */
void lac_encode_segment(struct lac_encode_words *w, struct lac_str text, size_t from, size_t to);

/* The tokens of text[from, to), whatever bytes are in it (lac_encode_tokenizer_exact.c). Words end
 * at both ends. */
void lac_encode_exact(struct lac_encode_words *w, struct lac_str text, size_t from, size_t to);

#endif
