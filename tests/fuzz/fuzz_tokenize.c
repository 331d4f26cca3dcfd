/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte chooses among models of all kinds (cased or not, cleaning or not, ...), the rest
 * is a text. All instruction sets and the exact path say the same; places lie inside the text, in
 * order; with less room the first tokens are the same ones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_encode_tokenizer_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KINDS = 16, TEXT_MAX = 1 << 16 };

static struct lac_encode_words *words_of(unsigned kind)
{
    static struct lac_encode_words *words[KINDS];
    char json[2048];
    struct lac_encode_tokenizer *t;
    struct lac_err err;

    if (words[kind])
        return words[kind];
    snprintf(
        json, sizeof(json),
        "{\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":%s,"
        "\"handle_chinese_chars\":%s,\"strip_accents\":%s,\"lowercase\":%s},"
        "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"model\":{\"unk_token\":\"[UNK]\","
        "\"max_input_chars_per_word\":20,\"vocab\":{\"[UNK]\":0,\"[CLS]\":1,\"[SEP]\":2,"
        "\"a\":3,\"##a\":4,\"b\":5,\"##b\":6,\"ab\":7,\"##ab\":8,\"A\":9,\"##A\":10,"
        "\"aba\":11,\"\xc3\xa9\":12,\"##\xc3\xa9\":13,\"\xe4\xb8\xad\":14,\"!\":15,"
        "\"##\xcc\x81\":16,\"\xe1\x84\x92\":17,\"##\xe1\x85\xa1\":18,\"i\":19,\"##\\u0001\":20}"
        "}}",
        kind & 1 ? "true" : "false", kind & 2 ? "true" : "false", kind & 4 ? "true" : "false",
        kind & 8 ? "true" : "false");
    LAC_ASSERT(lac_encode_tokenizer_parse(
                   &t, &(struct lac_encode_tokenizer_files){.json = lac_str_from(json)}, &err) ==
               LAC_OK);
    LAC_ASSERT(lac_encode_words_new(&words[kind], t, 64, &err) == LAC_OK);
    return words[kind];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int32_t want[TEXT_MAX], ids[TEXT_MAX];
    static struct lac_encode_span want_spans[TEXT_MAX], spans[TEXT_MAX];
    struct lac_encode_words *w;
    struct lac_str text;
    size_t count;

    if (size == 0 || size > TEXT_MAX)
        return 0;
    w = words_of(data[0] % KINDS);
    text = (struct lac_str){(const char *)data + 1, size - 1};
    w->out = (struct lac_encode_out){want, want_spans, TEXT_MAX, 0};
    lac_encode_exact(w, text, 0, text.len);
    count = w->out.count;
    LAC_ASSERT(count <= text.len);
    for (size_t i = 0; i < count; i++) {
        LAC_ASSERT(want_spans[i].from < want_spans[i].to && want_spans[i].to <= text.len);
        LAC_ASSERT(i == 0 || want_spans[i].from >= want_spans[i - 1].from);
    }
    for (int isa = 0; isa < LAC_ENCODE_ISAS; isa++) {
        size_t room = isa == 0 ? count / 2 : text.len;
        size_t written = room < count ? room : count;

        w->pass = lac_encode_ascii_of((enum lac_encode_isa)isa);
        if (!w->pass)
            continue;
        LAC_ASSERT(lac_encode_tokenize(w, text, ids, spans, room) == count);
        LAC_ASSERT(memcmp(ids, want, written * sizeof(*ids)) == 0);
        LAC_ASSERT(memcmp(spans, want_spans, written * sizeof(*spans)) == 0);
    }
    return 0;
}
