/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte says what the rest is: tokenizer.json (0), vocab.txt (1), tokenizer_config.json
 * with a good vocabulary (2). It is refused with a place, or the tokenizer works: its special ids
 * have entries, and a text that it makes up of its own vocabulary gives ids of the vocabulary.
 */
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_encode_tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 4096 };

static void use(const struct lac_encode_tokenizer *t)
{
    const struct lac_encode_tokenizer_info *info = lac_encode_tokenizer_info(t);
    static int32_t ids[ROOM];
    static struct lac_encode_span spans[ROOM];
    struct lac_encode_words *w;

    LAC_ASSERT(info->vocab <= LAC_ENCODE_VOCAB_MAX);
    LAC_ASSERT(lac_encode_tokenizer_piece(t, info->unk).ptr);
    LAC_ASSERT(lac_encode_tokenizer_piece(t, info->cls).ptr);
    LAC_ASSERT(lac_encode_tokenizer_piece(t, info->sep).ptr);
    LAC_ASSERT(lac_encode_words_new(&w, t, 64, NULL) == LAC_OK);
    for (int32_t id = 0; id < (int32_t)info->vocab && id < 64; id++) {
        struct lac_str text = lac_encode_tokenizer_piece(t, id);
        size_t n = text.ptr ? lac_encode_tokenize(w, text, ids, spans, ROOM) : 0;

        LAC_ASSERT(n <= text.len);
        for (size_t i = 0; i < n; i++) {
            LAC_ASSERT(ids[i] == info->unk || lac_encode_tokenizer_piece(t, ids[i]).ptr);
            LAC_ASSERT(ids[i] == info->unk || (ids[i] != info->cls && ids[i] != info->sep));
            LAC_ASSERT(spans[i].from < spans[i].to && spans[i].to <= text.len);
        }
    }
    lac_encode_words_free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lac_encode_tokenizer_files files = {0};
    struct lac_encode_tokenizer *t;
    struct lac_err err;
    struct lac_str rest;

    if (size == 0)
        return 0;
    rest = (struct lac_str){(const char *)data + 1, size - 1};
    if (data[0] % 3 == 0) {
        files.json = rest;
    } else if (data[0] % 3 == 1) {
        files.vocab = rest;
        files.config = LAC_STR("{}");
    } else {
        files.vocab = LAC_STR("[UNK]\n[CLS]\n[SEP]\na\n##b\n");
        files.config = rest;
    }
    if (lac_encode_tokenizer_parse(&t, &files, &err) == LAC_OK)
        use(t);
    else
        LAC_ASSERT(err.status == LAC_REJECT && strstr(err.text, ": "));
    lac_encode_tokenizer_close(t);
    return 0;
}
