/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_encode_tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_encode_tokenizer_internal.h"

/* Greedy longest match from `at` on. Returns where it ends, `at` when nothing matches. */
static uint32_t longest(const struct lac_encode_trie *trie, const struct lac_encode_word *word,
                        uint32_t at, int32_t *id)
{
    lac_encode_node node = at ? trie->more : trie->begin;
    uint32_t end = at;

    for (uint32_t i = at; i < word->len && lac_encode_trie_step(trie, &node, word->bytes[i]);)
        if (i++, lac_encode_node_id(node) >= 0) {
            end = i;
            *id = lac_encode_node_id(node);
        }
    return end;
}

void lac_encode_word_end(struct lac_encode_words *w)
{
    struct lac_encode_word *word = &w->word;
    size_t begun = w->out.count;
    int32_t id;

    if (word->chars == 0)
        return;
    for (uint32_t at = 0, end; at < word->len && word->chars <= w->t->info.word_max; at = end) {
        end = longest(&w->t->trie, word, at, &id);
        if (end == at) {
            word->chars = UINT32_MAX;
            break;
        }
        lac_encode_put(&w->out, id, word->places[at].from, word->places[end - 1].to);
    }
    if (word->chars > w->t->info.word_max) {
        w->out.count = begun; /* a word that can't be split to its end is unknown as a whole */
        lac_encode_put(&w->out, w->t->info.unk, word->from, word->to);
    }
    word->chars = word->len = 0;
}

enum lac_status lac_encode_words_new(struct lac_encode_words **out,
                                     const struct lac_encode_tokenizer *t, size_t remember,
                                     struct lac_err *err)
{
    struct lac_encode_words *w = calloc(1, sizeof(*w));

    (void)remember;
    *out = w;
    if (!w)
        return lac_err_set(err, LAC_RETRY, 0, "no memory for a tokenizer's words");
    w->t = t;
    return LAC_OK;
}

void lac_encode_words_free(struct lac_encode_words *w)
{
    free(w);
}

size_t lac_encode_tokenize(struct lac_encode_words *w, struct lac_str text, int32_t *ids,
                           struct lac_encode_span *spans, size_t capacity)
{
    LAC_ASSERT(text.len <= LAC_ENCODE_TEXT_MAX);
    w->out = (struct lac_encode_out){ids, spans, capacity, 0};
    w->word.chars = w->word.len = 0;
    lac_encode_exact(w, text, 0, text.len);
    return w->out.count;
}
