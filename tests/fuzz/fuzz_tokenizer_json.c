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

static void check(const struct lac_encode_tokenizer *t, struct lac_str text, const int32_t *ids,
                  const struct lac_encode_span *spans, size_t n)
{
    const struct lac_encode_tokenizer_info *info = lac_encode_tokenizer_info(t);

    LAC_ASSERT(n <= text.len);
    for (size_t i = 0; i < n && i < ROOM; i++) {
        LAC_ASSERT(ids[i] == info->unk || lac_encode_tokenizer_piece(t, ids[i]).ptr);
        LAC_ASSERT(ids[i] == info->unk || (ids[i] != info->cls && ids[i] != info->sep));
        LAC_ASSERT(spans[i].from < spans[i].to && spans[i].to <= text.len);
    }
}

/* All entries, the highest ids first, where added words are, now and then with a blank between. */
static void use_all(const struct lac_encode_tokenizer *t, struct lac_encode_words *w)
{
    static int32_t ids[ROOM];
    static struct lac_encode_span spans[ROOM];
    static char bytes[ROOM];
    struct lac_str text = {bytes, 0};
    uint32_t vocab = lac_encode_tokenizer_info(t)->vocab;

    for (uint32_t k = 0; k < vocab && k < 64; k++) {
        struct lac_str piece = lac_encode_tokenizer_piece(t, (int32_t)(vocab - 1 - k));

        if (text.len + piece.len + 1 > ROOM)
            break;
        if (piece.len)
            memcpy(bytes + text.len, piece.ptr, piece.len);
        text.len += piece.len;
        if (k % 2)
            bytes[text.len++] = ' ';
    }
    check(t, text, ids, spans, lac_encode_tokenize(w, text, ids, spans, ROOM));
}

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

        check(t, text, ids, spans, n);
    }
    use_all(t, w);
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
