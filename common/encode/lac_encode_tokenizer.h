/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_tokenizer - text to the ids of a BERT-family model: WordPiece
 *
 * Ids and places are those of Hugging Face's `tokenizers` (0.23): BERT's normalisation (cleaning,
 * ideographs apart, accents off, lower case, as the model's files say), its split at white space
 * and punctuation, then greedy longest match in the vocabulary (Wu et al. 2016, "Google's Neural
 * Machine Translation System", section 4.1). Two differences, both meant:
 *   - A text is data: "[SEP]" in it is six characters, never the special token. Words that a user
 *     added to the vocabulary (added_tokens that are not special) are found as the library does.
 *   - Places are bytes of the original text, not characters.
 * Bytes that are not UTF-8 count as U+FFFD, one per maximal subpart (Unicode 15, section 3.9), as
 * other languages' lossy decoding makes them; a model that cleans its texts drops them.
 *
 * Files: tokenizer.json, or else vocab.txt; tokenizer_config.json beside either, and
 * sentence_bert_config.json, which may ask for lower case a second time. What
 * tokenizer.json says about truncation and padding is ignored: see lac_encode_windows.h. Hostile or
 * unsupported files are refused with the file and the place in it.
 *
 * Thread: a tokenizer is immutable and shared; each lane has words of its own.
 */
#ifndef LAC_ENCODE_TOKENIZER_H
#define LAC_ENCODE_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

enum {
    LAC_ENCODE_VOCAB_MAX = 1 << 20,       /* ids (LaBSE, the largest BERT, has 501,153) */
    LAC_ENCODE_VOCAB_BYTES = 16 << 20,    /* of vocab.txt and of tokenizer.json, each */
    LAC_ENCODE_PIECE_MAX = 1024,          /* bytes of one entry of the vocabulary */
    LAC_ENCODE_WORD_MAX = 256,            /* characters; models say 100 */
    LAC_ENCODE_TEXT_MAX = 1 << 30,        /* bytes of one text */
    LAC_ENCODE_WORDS_DEFAULT = 16 * 1024, /* words that a lane remembers: 1 MiB */
};

struct lac_encode_tokenizer;
struct lac_encode_words; /* a lane's memory: words seen lately, and buffers */

struct lac_encode_tokenizer_info {
    uint32_t vocab;        /* highest id + 1 */
    int32_t unk, cls, sep; /* [UNK], [CLS], [SEP] */
    uint32_t word_max;     /* characters; a longer word is [UNK] */
    bool clean, ideographs, strip_accents, lower;
};

/* A token's bytes of the original text: [from, to). */
struct lac_encode_span {
    uint32_t from, to;
};

/* REJECT: a file is not acceptable; the text says "FILE: PLACE: why". FATAL: the folder has no
 * vocabulary, a file can't be read, or no memory. Thread: any. */
enum lac_status lac_encode_tokenizer_open(struct lac_encode_tokenizer **out, const char *folder,
                                          struct lac_err *err) LAC_MUST_USE;

/* The same from bytes; a file that doesn't exist is absent (ptr NULL). `json` goes before `vocab`.
 * Nothing is borrowed. */
struct lac_encode_tokenizer_files {
    struct lac_str json, vocab, config; /* tokenizer.json, vocab.txt, tokenizer_config.json */
    struct lac_str sentence;            /* sentence_bert_config.json */
};
enum lac_status lac_encode_tokenizer_parse(struct lac_encode_tokenizer **out,
                                           const struct lac_encode_tokenizer_files *files,
                                           struct lac_err *err) LAC_MUST_USE;

/* REJECT: it has more ids than the model has vectors for (`rows`, the weights' vocab). */
enum lac_status lac_encode_tokenizer_fits(const struct lac_encode_tokenizer *t, uint32_t rows,
                                          struct lac_err *err) LAC_MUST_USE;

/* Accepts NULL. No words may be in use any more. */
void lac_encode_tokenizer_close(struct lac_encode_tokenizer *t);

/* Borrowed until close. */
const struct lac_encode_tokenizer_info *
lac_encode_tokenizer_info(const struct lac_encode_tokenizer *t);

/* The vocabulary's entry of an id, with its "##"; absent where there is none. Borrowed until
 * close. */
struct lac_str lac_encode_tokenizer_piece(const struct lac_encode_tokenizer *t, int32_t id);

/* `remember`: how many words at least, rounded up to a power of two; 64 bytes each. RETRY: no
 * memory. Thread: any; then the owner. */
enum lac_status lac_encode_words_new(struct lac_encode_words **out,
                                     const struct lac_encode_tokenizer *t, size_t remember,
                                     struct lac_err *err) LAC_MUST_USE;
void lac_encode_words_free(struct lac_encode_words *w); /* accepts NULL */

/*
 * The tokens of `text`, at most LAC_ENCODE_TEXT_MAX bytes of anything, without [CLS] and [SEP].
 * Returns how many there are, which is at most text.len. When that is more than `capacity`, the
 * first `capacity` of them were written: ask again with room for all. `spans` may be NULL.
 * Allocates nothing. Thread: the owner of `w`.
 */
size_t lac_encode_tokenize(struct lac_encode_words *w, struct lac_str text, int32_t *ids,
                           struct lac_encode_span *spans, size_t capacity);

#endif
