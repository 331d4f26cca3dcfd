/* SPDX-License-Identifier: Apache-2.0 */
/* Words to pieces: remembered, or by the longest match. */
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_encode_tokenizer_internal.h"

enum { PAIRS_LEAST_BITS = 4, PAIRS_MOST_BITS = 23 };

/* Greedy longest match. False: some rest matches nothing. */
static bool match(const struct lac_encode_trie *trie, const unsigned char *bytes, uint32_t len,
                  struct lac_encode_pieces *p)
{
    lac_encode_node root = trie->begin;

    p->count = 0;
    for (uint32_t at = 0; at < len; root = trie->more) {
        lac_encode_node node = root;
        int32_t id = LAC_ENCODE_NO_ID;

        for (uint32_t i = at; i < len && lac_encode_trie_step(trie, &node, bytes[i]); i++)
            if (lac_encode_node_id(node) >= 0) {
                id = lac_encode_node_id(node);
                at = i + 1;
            }
        if (id < 0)
            return false;
        p->ids[p->count] = id;
        p->ends[p->count++] = (uint16_t)at;
    }
    return true;
}

struct key {
    uint64_t low, high;
};

/* `len` is at most LAC_ENCODE_KEY. */
static struct key key_of(const unsigned char *bytes, uint32_t len)
{
    unsigned char padded[LAC_ENCODE_KEY] = {0};
    struct key key;

    memcpy(padded, bytes, len);
    memcpy(&key, padded, sizeof(key));
    return key;
}

static struct lac_encode_entry *pair_of(const struct lac_encode_words *w, struct key key)
{
    return w->pairs[lac_encode_key_hash(key.low, key.high) >> w->shift];
}

const struct lac_encode_entry *lac_encode_recall(struct lac_encode_entry pair[2], uint64_t low,
                                                 uint64_t high)
{
    struct lac_encode_entry seen_again;

    if (lac_encode_entry_is(&pair[0], low, high))
        return &pair[0];
    if (!lac_encode_entry_is(&pair[1], low, high))
        return NULL;
    seen_again = pair[1];
    pair[1] = pair[0];
    pair[0] = seen_again;
    return &pair[0];
}

static void remember(struct lac_encode_words *w, const unsigned char *bytes, uint32_t len)
{
    const struct lac_encode_pieces *p = &w->pieces;
    struct key key = key_of(bytes, len);
    struct lac_encode_entry *e = &pair_of(w, key)[1];

    e->low = key.low;
    e->high = key.high;
    e->count = p->count;
    memcpy(e->ids, p->ids, p->count * sizeof(*e->ids));
    for (uint32_t i = 0; i < p->count; i++) {
        e->places[(size_t)2 * i] = i ? p->ends[i - 1] : 0;
        e->places[(size_t)2 * i + 1] = p->ends[i];
    }
}

void lac_encode_split(struct lac_encode_words *w, const unsigned char *bytes, uint32_t len)
{
    struct lac_encode_pieces *p = &w->pieces;

    LAC_ASSERT(len > 0 && len <= LAC_ENCODE_WORD_BYTES);
    if (!match(&w->t->trie, bytes, len, p)) {
        p->count = 1;
        p->ids[0] = w->t->info.unk;
        p->ends[0] = (uint16_t)len;
    }
    /* A word that ends in NUL has the key of the word without. */
    if (len <= LAC_ENCODE_KEY && p->count <= LAC_ENCODE_KEPT && bytes[len - 1] != 0)
        remember(w, bytes, len);
}

/* The gathered word, if it is remembered. Its pieces are then in w->pieces. */
static bool recall(struct lac_encode_words *w)
{
    const struct lac_encode_word *word = &w->word;
    struct lac_encode_pieces *p = &w->pieces;
    const struct lac_encode_entry *e;
    struct key key;

    if (word->len > LAC_ENCODE_KEY || word->bytes[word->len - 1] == 0)
        return false;
    key = key_of(word->bytes, word->len);
    e = lac_encode_recall(pair_of(w, key), key.low, key.high);
    if (!e)
        return false;
    p->count = e->count;
    memcpy(p->ids, e->ids, sizeof(e->ids));
    for (uint32_t i = 0; i < LAC_ENCODE_KEPT; i++)
        p->ends[i] = e->places[2 * i + 1];
    return true;
}

void lac_encode_word_end(struct lac_encode_words *w)
{
    struct lac_encode_word *word = &w->word;
    const struct lac_encode_pieces *p = &w->pieces;

    if (word->chars == 0)
        return;
    if (word->chars > w->t->info.word_max) {
        lac_encode_put(&w->out, w->t->info.unk, word->from, word->to);
    } else {
        if (!recall(w))
            lac_encode_split(w, word->bytes, word->len);
        for (uint32_t i = 0, at = 0; i < p->count; at = p->ends[i++])
            lac_encode_put(&w->out, p->ids[i], word->places[at].from,
                           word->places[p->ends[i] - 1].to);
    }
    word->chars = word->len = 0;
}

enum lac_status lac_encode_words_new(struct lac_encode_words **out,
                                     const struct lac_encode_tokenizer *t, size_t remembered,
                                     struct lac_err *err)
{
    struct lac_encode_words *w = calloc(1, sizeof(*w));
    uint32_t bits = PAIRS_LEAST_BITS;
    size_t size;

    *out = NULL;
    while (bits < PAIRS_MOST_BITS && (size_t)2 << bits < remembered)
        bits++;
    size = sizeof(*w->pairs) << bits;
    if (w)
        w->pairs = aligned_alloc(sizeof(*w->pairs), size);
    if (!w || !w->pairs) {
        lac_encode_words_free(w);
        return lac_err_set(err, LAC_RETRY, 0, "no memory for a tokenizer's words");
    }
    for (size_t i = 0; i < (size_t)1 << bits; i++)
        w->pairs[i][0] = w->pairs[i][1] = (struct lac_encode_entry){.high = UINT64_MAX};
    w->shift = 64 - bits;
    w->t = t;
    w->streaming = t->added.longest > 0;
    w->pass = lac_encode_ascii_best();
    *out = w;
    return LAC_OK;
}

void lac_encode_words_free(struct lac_encode_words *w)
{
    if (!w)
        return;
    free(w->pairs);
    free(w);
}
