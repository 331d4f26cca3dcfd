/* SPDX-License-Identifier: Apache-2.0 */
/* bench_encode_texts - the starter pack's texts as token ids */
#ifndef BENCH_ENCODE_TEXTS_H
#define BENCH_ENCODE_TEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_encode_tokenizer.h"

enum { BENCH_FOLDER = 4096 };

struct bench_texts {
    struct lac_encode_tokenizer *tokenizer;
    struct lac_encode_words *words;
    char *memory;
    struct lac_str *texts; /* whole ones and their sentences, none twice in a row */
    size_t count;
};

/* MiniLM's folder, as the tests find it. */
void bench_encode_folder(char out[BENCH_FOLDER]);

/* Reads the *.jsonl in packs/starter below the working folder. Says why not on stderr. */
bool bench_texts_open(struct bench_texts *t, const char *folder);
void bench_texts_close(struct bench_texts *t);

/* `count` sequences of exactly `length` tokens with [CLS] and [SEP]. False: too few texts. */
bool bench_texts_cut(struct bench_texts *t, size_t length, size_t count, int32_t *ids);

/* A text as one sequence of at most `most` tokens; ids has room for them. */
size_t bench_texts_ids(struct bench_texts *t, size_t text, size_t most, int32_t *ids);

#endif
