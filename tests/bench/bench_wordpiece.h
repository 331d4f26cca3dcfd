/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_wordpiece - WordPiece as it is usually written
 *
 * The baseline: one byte after another is cleaned, put into lower case and split at white space
 * and punctuation; of each word the longest prefix that a hash map has is taken, looking up every
 * shorter one on the way. The map is a good one: open addressing, half full, eight bytes at a time
 * hashed. ASCII only; the texts have the rest replaced.
 */
#ifndef BENCH_WORDPIECE_H
#define BENCH_WORDPIECE_H

#include "lac_encode_tokenizer.h"

struct bench_plain;

/* Takes the vocabulary out of `t`, which it borrows. NULL: no memory. */
struct bench_plain *bench_plain_open(const struct lac_encode_tokenizer *t);
void bench_plain_close(struct bench_plain *p);

/* As lac_encode_tokenize(), with room for text.len tokens. */
size_t bench_plain_tokenize(struct bench_plain *p, struct lac_str text, int32_t *ids,
                            struct lac_encode_span *spans);

#endif
