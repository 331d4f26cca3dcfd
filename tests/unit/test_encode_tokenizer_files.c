/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: a tokenizer's files are read as Hugging Face's library means them, or refused with the file
 * and the place; nothing in them is guessed.
 */
#include "lac_encode_tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_encode_trie.h"
#include "lac_test.h"

#define VOCAB      "\"[PAD]\":0,\"[UNK]\":1,\"[CLS]\":2,\"[SEP]\":3,\"a\":4,\"##b\":5"
#define NORMALIZER "\"normalizer\":{\"type\":\"BertNormalizer\",\"lowercase\":true}"
#define SPLIT      "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}"
#define MODEL      "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"vocab\":{" VOCAB "}}"
#define GOOD       NORMALIZER "," SPLIT "," MODEL
#define ADDED(of)  ",\"added_tokens\":[{" of "}]"

static enum lac_status parse(const char *json, const char *vocab, const char *config,
                             struct lac_encode_tokenizer **t, struct lac_err *err)
{
    struct lac_encode_tokenizer_files files = {
        .json = lac_str_from(json),
        .vocab = lac_str_from(vocab),
        .config = lac_str_from(config),
    };

    return lac_encode_tokenizer_parse(t, &files, err);
}

static void tokenizer_json_is_read(void)
{
    const struct lac_encode_tokenizer_info *info;
    struct lac_encode_tokenizer *t;
    struct lac_err err;

    LAC_TEST_NEED(parse("{" GOOD
                        ",\"truncation\":{\"max_length\":128},\"post_processor\":{\"type\":"
                        "\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"[CLS]\"}},{"
                        "\"Sequence\":{\"id\":\"A\"}},{\"SpecialToken\":{\"id\":\"[SEP]\"}}]}}",
                        NULL, NULL, &t, &err) == LAC_OK);
    info = lac_encode_tokenizer_info(t);
    LAC_TEST_EQ(info->vocab, 6);
    LAC_TEST_EQ(info->unk, 1);
    LAC_TEST_EQ(info->cls, 2);
    LAC_TEST_EQ(info->sep, 3);
    LAC_TEST_EQ(info->word_max, 100);
    CU_ASSERT(info->lower && info->strip_accents && info->clean && info->ideographs);
    CU_ASSERT(lac_str_is(lac_encode_tokenizer_piece(t, 5), "##b"));
    CU_ASSERT(!lac_encode_tokenizer_piece(t, 6).ptr && !lac_encode_tokenizer_piece(t, -1).ptr);
    lac_encode_tokenizer_close(t);
    lac_encode_tokenizer_close(NULL);
    lac_encode_words_free(NULL);
}

static void special_tokens_are_never_found_in_a_text(void)
{
    struct lac_encode_tokenizer *t;
    struct lac_encode_words *w;
    struct lac_err err;
    int32_t ids[8];

    LAC_TEST_NEED(parse(NULL, "u\ncls\nsep\na\na\n\n",
                        "{\"unk_token\":\"u\",\"cls_token\":{\"content\":\"cls\"},\"sep_token\":"
                        "\"sep\",\"model_max_length\":1000000000000000019884624838656}",
                        &t, &err) == LAC_OK);
    LAC_TEST_NEED(lac_encode_words_new(&w, t, 0, &err) == LAC_OK);
    LAC_TEST_EQ(lac_encode_tokenize(w, LAC_STR("cls sep a"), ids, NULL, 8), 3);
    LAC_TEST_EQ(ids[0], 0);
    LAC_TEST_EQ(ids[1], 0);
    LAC_TEST_EQ(ids[2], 4); /* of equal lines the last counts, as in the library */
    LAC_TEST_EQ(lac_encode_tokenizer_info(t)->vocab, 6);
    lac_encode_words_free(w);
    lac_encode_tokenizer_close(t);
}

static void check_ids(const char *json, const char *vocab, const char *config, const char *text,
                      const char *want)
{
    struct lac_encode_tokenizer *t;
    struct lac_encode_words *w;
    struct lac_encode_span spans[32];
    struct lac_err err;
    int32_t ids[32];
    char got[512] = "";
    size_t n;

    if (parse(json, vocab, config, &t, &err) != LAC_OK)
        LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(t && lac_encode_words_new(&w, t, 0, &err) == LAC_OK);
    n = lac_encode_tokenize(w, lac_str_from(text), ids, spans, LAC_COUNT(ids));
    for (size_t i = 0; i < n && i < LAC_COUNT(ids); i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%d:%u-%u", i ? " " : "", ids[i],
                 spans[i].from, spans[i].to);
    LAC_TEST_STR(got, want);
    lac_encode_words_free(w);
    lac_encode_tokenizer_close(t);
}

/* The ids and places are the library's (tests/integration/test_tokenize.py compares many). */
static void added_words_are_found_before_all_else(void)
{
    static const char usual[] = "{" GOOD ADDED("\"id\":6,\"content\":\"A b\"") "}";
    static const char raw[] =
        "{" GOOD ADDED("\"id\":6,\"content\":\"A b\",\"normalized\":false,\"lstrip\":true") "}";
    static const char greedy[] = "{" GOOD ADDED("\"id\":6,\"content\":\"a\xE4\xB8\xAD\",\"rstrip\":"
                                                "true},{\"id\":4,\"content\":\"a\"") "}";

    check_ids(usual, NULL, "{}", "ab\u00e1 B. xa b", "4:0-1 5:1-2 6:2-6 1:6-7 1:8-9 6:9-12");
    check_ids(raw, NULL, "{}", "a b  A bA b", "4:0-1 1:2-3 6:3-8 6:8-11");
    check_ids(greedy, NULL, "{}", "a\xE4\xB8\xAD  aa", "6:0-6 4:6-7 4:7-8");
    /* What is part of a longer word hides a shorter one in it. */
    check_ids(
        "{" GOOD ADDED("\"id\":6,\"content\":\"a-a\",\"single_word\":true},{\"id\":4,\"content\":"
                       "\"a\",\"normalized\":true") "}",
        NULL, "{}", "a-a a-ab", "6:0-3 4:4-5 1:5-6 4:6-7 5:7-8");
    check_ids(
        "{" GOOD ADDED("\"id\":4,\"content\":\"a\",\"single_word\":true,\"normalized\":false") "}",
        NULL, "{}",
        "a \xC3\xA9"
        "a a\xC3\xA9 -a-",
        "4:0-1 1:2-5 1:6-9 1:10-11 4:11-12 1:12-13");
    /* Special ones are text, also where they are listed beside words. */
    check_ids("{" GOOD ADDED("\"id\":6,\"content\":\"A b\"},{\"id\":3,\"content\":\"[SEP]\","
                             "\"special\":true") "}",
              NULL, "{}", "[SEP]a b", "1:0-1 1:1-4 1:4-5 6:5-8");
    /* Without a tokenizer.json the configuration lists them. */
    check_ids(NULL, "[UNK]\n[CLS]\n[SEP]\na\n",
              "{\"added_tokens_decoder\":{\"4\":{\"content\":\"a a\"}}}", "a a a", "4:0-3 3:4-5");
}

static void bad_files_are_refused_with_the_place(void)
{
    static const struct {
        const char *json, *vocab, *config, *want;
    } cases[] = {
        {"{", NULL, NULL, "tokenizer.json: line 1"},
        {"[]", NULL, NULL, "tokenizer.json: /: must be an object"},
        {"{}", NULL, NULL, "tokenizer.json: /normalizer: missing"},
        {"{\"normalizer\":3}", NULL, NULL, "/normalizer: must be of type object"},
        {"{\"normalizer\":{\"type\":\"NFC\"}}", NULL, NULL, "/normalizer/type: only BertN"},
        {"{" NORMALIZER "}", NULL, NULL, "/pre_tokenizer: missing"},
        {"{" NORMALIZER ",\"pre_tokenizer\":{\"type\":\"Whitespace\"}}", NULL, NULL,
         "/pre_tokenizer/type"},
        {"{\"normalizer\":{\"type\":\"BertNormalizer\",\"lowercase\":1}}", NULL, NULL,
         "/normalizer/lowercase: must be of type boolean"},
        {"{" NORMALIZER "," SPLIT ",\"model\":{\"type\":\"BPE\"}}", NULL, NULL, "/model/type"},
        {"{" NORMALIZER "," SPLIT ",\"model\":{}}", NULL, NULL, "/model/vocab: missing"},
        {"{" NORMALIZER "," SPLIT ",\"model\":{\"vocab\":{\"a\":-1}}}", NULL, NULL,
         "/model/vocab: entry 1: an id must be"},
        {"{" NORMALIZER "," SPLIT ",\"model\":{\"vocab\":{\"a\":1048576}}}", NULL, NULL,
         "/model/vocab: entry 1: an id must be"},
        {"{" NORMALIZER "," SPLIT ",\"model\":{\"vocab\":{\"a\":0,\"b\":0}}}", NULL, NULL,
         "/model/vocab: entry 2: another entry"},
        {"{" NORMALIZER "," SPLIT ",\"model\":{\"vocab\":{\"a\":\"0\"}}}", NULL, NULL,
         "/model/vocab: entry 1: the id must be an integer"},
        {"{" NORMALIZER "," SPLIT ",\"model\":{\"vocab\":{},\"unk_token\":\"[UNK]\"}}", NULL, NULL,
         "/model/unk_token: the vocabulary has no such entry"},
        {"{" NORMALIZER "," SPLIT ",\"model\":{\"continuing_subword_prefix\":\"@@\"}}", NULL, NULL,
         "/model/continuing_subword_prefix: only ##"},
        {"{" NORMALIZER "," SPLIT ",\"model\":{\"max_input_chars_per_word\":0}}", NULL, NULL,
         "/model/max_input_chars_per_word: must be 1"},
        {"{" GOOD ADDED("\"id\":4,\"content\":\"a\",\"lstrip\":1") "}", NULL, NULL,
         "/added_tokens/0/lstrip: must be of type boolean"},
        {"{" GOOD ADDED("\"id\":6,\"content\":\"\\u0301\"") "}", NULL, NULL,
         "tokenizer.json: added token 6: normalising leaves nothing of it"},
        {"{" GOOD ADDED("\"id\":6,\"content\":\" \\t\"") "}", NULL, NULL, "leaves nothing"},
        {"{" GOOD ADDED("\"id\":6,\"content\":\"\"") "}", NULL, NULL, "/0: no content"},
        {"{" GOOD ADDED("\"id\":6,\"content\":\"x\"},{\"id\":6,\"content\":\"x\"") "}", NULL, NULL,
         "/added_tokens/1: another one has the id"},
        {"{" GOOD ADDED("\"id\":6,\"content\":\"x\"},{\"id\":6,\"content\":\"y\"") "}", NULL, NULL,
         "/added_tokens/1: another entry has the id 6"},
        {"{" GOOD ADDED("\"id\":1048576,\"content\":\"x\"") "}", NULL, NULL, "an id must be"},
        {"{" GOOD ADDED("\"id\":1,\"content\":\"[UNK]\"") "}", NULL, NULL,
         "/added_tokens/0: it is a special token, and it is not"},
        {"{" GOOD ADDED("\"id\":2,\"content\":\"[CLS]\"") "}", NULL, "{}",
         "/added_tokens: [UNK], [CLS] or [SEP] is not special"},
        {"{" GOOD ADDED("\"id\":6,\"content\":\"x\"") "}", NULL,
         "{\"added_tokens_decoder\":{\"6\":{\"content\":\"x\",\"rstrip\":true}}}",
         "/added_tokens_decoder/6: tokenizer.json says otherwise"},
        {"{" GOOD ADDED("\"id\":6,\"content\":\"x\"") "}", NULL,
         "{\"added_tokens_decoder\":{\"6\":{\"content\":\"x\",\"special\":true}}}",
         "/added_tokens_decoder/6: it is a special token"},
        {"{" GOOD ",\"added_tokens\":[{\"id\":3,\"content\":\"a\",\"special\":true}]}", NULL, NULL,
         "/added_tokens/0: the vocabulary has it under another id"},
        {"{" GOOD ",\"added_tokens\":[{\"content\":\"a\",\"special\":true}]}", NULL, NULL,
         "/added_tokens/0: no id"},
        {"{" GOOD ",\"post_processor\":{\"type\":\"ByteLevel\"}}", NULL, NULL,
         "/post_processor/type"},
        {"{" GOOD ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[]}}", NULL,
         NULL, "/post_processor/single"},
        {"{" GOOD "}", NULL, "{\"do_lower_case\":false}", "/do_lower_case: tokenizer.json says"},
        {"{" GOOD "}", NULL, "{\"sep_token\":\"a\",\"cls_token\":7}", "/cls_token: must be"},
        {"{" GOOD "}", NULL, "{\"unk_token\":\"a\"}", "/unk_token: tokenizer.json says otherwise"},
        {"{" GOOD "}", NULL, "{\"added_tokens_decoder\":{\"x\":{}}}",
         "/added_tokens_decoder: a key"},
        {"{" GOOD "}", NULL, "{\"added_tokens_decoder\":{\"4\":{\"content\":\"a\"}}}",
         "/added_tokens_decoder/4: tokenizer.json says otherwise"},
        {NULL, "[UNK]\n[CLS]\n[SEP]\n", NULL, "tokenizer_config.json: missing"},
        {NULL, "[UNK]\n\xff\n", "{}", "vocab.txt: line 2: not UTF-8"},
        {NULL, "[UNK]\n[SEP]\n", "{}", "tokenizer_config.json: /cls_token: the vocabulary has no"},
        {NULL, "", "[]", "tokenizer_config.json: /: must be an object"},
    };

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        struct lac_encode_tokenizer *t;
        struct lac_err err;

        lac_test_row("case %zu", i);
        LAC_TEST_EQ(parse(cases[i].json, cases[i].vocab, cases[i].config, &t, &err), LAC_REJECT);
        CU_ASSERT_PTR_NULL(t);
        if (!strstr(err.text, cases[i].want))
            LAC_TEST_STR(err.text, cases[i].want);
    }
}

static void a_folder_without_a_vocabulary_is_fatal(void)
{
    struct lac_encode_tokenizer *t;
    struct lac_err err;

    LAC_TEST_EQ(lac_encode_tokenizer_open(&t, "tests/unit", &err), LAC_FATAL);
    CU_ASSERT_PTR_NULL(t);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "neither tokenizer.json nor vocab.txt"));
}

static void every_key_of_a_large_trie_is_found(void)
{
    enum { KEYS = 60000 };
    struct lac_encode_trie_key *keys = calloc(KEYS, sizeof(*keys));
    char(*texts)[16] = calloc(KEYS, sizeof(*texts));
    struct lac_encode_trie t;
    struct lac_err err;
    size_t wrong = 0;

    LAC_TEST_NEED(keys && texts);
    lac_test_seed();
    for (int i = 0; i < KEYS; i++) {
        size_t n = (size_t)snprintf(texts[i], sizeof(texts[i]), "%x", (unsigned)i * 2654435761u);

        texts[i][n] = (char)(0x80 + lac_test_random(0x70));
        keys[i] = (struct lac_encode_trie_key){{texts[i], n + 1}, i};
    }
    LAC_TEST_NEED(lac_encode_trie_init(&t, keys, KEYS, NULL, 0, &err) == LAC_OK);
    for (int i = 0; i < KEYS; i++) { /* sorted by now */
        lac_encode_node node = t.begin;
        bool there = true;

        for (size_t k = 0; there && k < keys[i].text.len; k++)
            there = lac_encode_trie_step(&t, &node, (unsigned char)keys[i].text.ptr[k]);
        wrong += !there || lac_encode_node_id(node) != keys[i].id;
        wrong += there && lac_encode_trie_step(&t, &node, 'x');
    }
    LAC_TEST_EQ(wrong, 0);
    CU_ASSERT(t.count <= 1 << 20);
    lac_encode_trie_deinit(&t);
    free(keys);
    free(texts);
}

static void lower_case_is_not_asked_of_a_tokenizer_that_keeps_upper(void)
{
    static const struct {
        const char *config, *sentence, *want;
    } cases[] = {
        {"{\"do_lower_case\":true}", "{\"do_lower_case\":true}", NULL},
        {"{\"do_lower_case\":false}", "{\"do_lower_case\":false}", NULL},
        {"{\"do_lower_case\":false}", "{\"max_seq_length\":8}", NULL},
        {"{\"do_lower_case\":false}", "{\"do_lower_case\":true}",
         "sentence_bert_config.json: /do_lower_case: the tokenizer keeps upper case"},
        {"{}", "{\"do_lower_case\":1}", "sentence_bert_config.json: /do_lower_case: must be of"},
        {"{}", "{", "sentence_bert_config.json: line 1"},
    };

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        struct lac_encode_tokenizer_files files = {
            .vocab = LAC_STR("[UNK]\n[CLS]\n[SEP]\n"),
            .config = lac_str_from(cases[i].config),
            .sentence = lac_str_from(cases[i].sentence),
        };
        struct lac_encode_tokenizer *t;
        struct lac_err err = {0};

        lac_test_row("%s %s", cases[i].config, cases[i].sentence);
        LAC_TEST_EQ(lac_encode_tokenizer_parse(&t, &files, &err),
                    cases[i].want ? LAC_REJECT : LAC_OK);
        CU_ASSERT(!cases[i].want || strstr(err.text, cases[i].want) != NULL);
        lac_encode_tokenizer_close(t);
    }
}

LAC_TEST_MAIN(encode_tokenizer_files, tokenizer_json_is_read,
              special_tokens_are_never_found_in_a_text, added_words_are_found_before_all_else,
              bad_files_are_refused_with_the_place,
              lower_case_is_not_asked_of_a_tokenizer_that_keeps_upper,
              a_folder_without_a_vocabulary_is_fatal, every_key_of_a_large_trie_is_found)
