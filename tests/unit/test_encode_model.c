/* SPDX-License-Identifier: Apache-2.0 */
/* Models are read as they are, and whatever is wrong in a folder is refused by its name. */
#include "lac_encode_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lac_digest.h"
#include "lac_encode_model_tensors.h"
#include "lac_model_folder.h"
#include "lac_test.h"

#define ST    "model.safetensors"
#define QUERY "encoder.layer.0.attention.self.query"

static void check_refused(const struct lac_model_change *c, const char *want)
{
    char *folder = lac_model_folder_make(c);
    struct lac_encode_model *m;
    struct lac_err err = {0};
    enum lac_status status = lac_encode_model_open(&m, folder, &err);

    lac_test_row("%s: %s -> %s", c->file, c->from, c->to ? c->to : "(none)");
    CU_ASSERT(status != LAC_OK && !m);
    if (!strstr(err.text, want))
        LAC_TEST_STR(err.text, want);
    CU_ASSERT(strstr(err.text, c->file) != NULL || strncmp(c->file, "1_", 2) == 0);
    lac_encode_model_close(m);
    lac_model_folder_remove(folder);
}

static void folder_is_read_as_it_is(void)
{
    char *folder = lac_model_folder_make(NULL);
    struct lac_encode_model *m;
    struct lac_err err = {0};
    const struct lac_encode_weights *w;
    float value;

    LAC_TEST_NEED(lac_encode_model_open(&m, folder, &err) == LAC_OK);
    w = lac_encode_model_weights(m);
    LAC_TEST_EQ(w->hidden, 8);
    LAC_TEST_EQ(w->layers, 1);
    LAC_TEST_EQ(w->heads, 2);
    LAC_TEST_EQ(w->ffn, 16);
    LAC_TEST_EQ(w->vocab, 10);
    LAC_TEST_EQ(w->positions, 8);
    LAC_TEST_EQ(w->types, 2);
    LAC_TEST_EQ(w->window, 6);
    LAC_TEST_EQ(w->pooling, LAC_ENCODE_POOL_MEAN);
    CU_ASSERT(w->normalize);
    CU_ASSERT(w->eps == 1e-12f);
    LAC_TEST_EQ(w->layer[0].down.rows, 8);
    LAC_TEST_EQ(w->layer[0].down.cols, 16);
    lac_encode_tensor_read(&w->places, 3, 1, &value);
    CU_ASSERT(value == 83 * 0.001f); /* behind 10 x 8 of the words */
    CU_ASSERT(lac_str_is(lac_encode_model_prefix(m, true), "query: "));
    CU_ASSERT(lac_str_is(lac_encode_model_prefix(m, false), "passage: "));
    LAC_TEST_STR(lac_encode_model_folder(m), folder);
    lac_encode_model_close(m);
    lac_model_folder_remove(folder);
}

static void other_forms_are_read(void)
{
    static const struct {
        struct lac_model_change change;
        enum lac_encode_pooling pooling;
        bool normalize;
        uint32_t window;
    } cases[] = {
        {{"modules.json", "", NULL}, LAC_ENCODE_POOL_MEAN, false, 6},
        {{"modules.json",
          ", {\"idx\": 2, \"path\": \"2_Normalize\", \"type\": "
          "\"sentence_transformers.models.Normalize\"}",
          ""},
         LAC_ENCODE_POOL_MEAN,
         false,
         6},
        {{"sentence_bert_config.json", "", NULL}, LAC_ENCODE_POOL_MEAN, true, 7},
        {{"sentence_bert_config.json", "6", "null"}, LAC_ENCODE_POOL_MEAN, true, 7},
        {{"config_sentence_transformers.json", "", NULL}, LAC_ENCODE_POOL_MEAN, true, 6},
        {{"tokenizer_config.json", "_length\": 7", "_length\": 4"}, LAC_ENCODE_POOL_MEAN, true, 6},
        {{"sentence_bert_config.json", "max_seq_length", "modality"},
         LAC_ENCODE_POOL_MEAN,
         true,
         7},
        {{"config.json", "\"absolute\"", "null"}, LAC_ENCODE_POOL_MEAN, true, 6},
        {{"config.json", "\"hidden_act\"", "\"quantization_config\": null, \"hidden_act\""},
         LAC_ENCODE_POOL_MEAN,
         true,
         6},
        {{"config.json", "\"hidden_act\"",
          "\"chunk_size\": 1000000000000000019884624838656, \"hidden_act\""},
         LAC_ENCODE_POOL_MEAN,
         true,
         6},
        {{"1_Pooling/config.json", "cls_token\": false, \"pooling_mode_mean_tokens\": true",
          "cls_token\": true, \"pooling_mode_mean_tokens\": false"},
         LAC_ENCODE_POOL_CLS,
         true,
         6},
        {{"1_Pooling/config.json",
          "\"pooling_mode_cls_token\": false, \"pooling_mode_mean_tokens\": true",
          "\"pooling_mode\": \"cls\""},
         LAC_ENCODE_POOL_CLS,
         true,
         6},
        {{ST, "embeddings.LayerNorm.weight", "embeddings.LayerNorm.gamma"},
         LAC_ENCODE_POOL_MEAN,
         true,
         6},
        {{ST, "pooler.dense.bias", "cls.predictions.bias"}, LAC_ENCODE_POOL_MEAN, true, 6},
        {{ST, "pooler.dense.bias", "embeddings.position_ids"}, LAC_ENCODE_POOL_MEAN, true, 6},
    };

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        char *folder = lac_model_folder_make(&cases[i].change);
        struct lac_encode_model *m;
        struct lac_err err = {0};

        lac_test_row("%s: %s", cases[i].change.file, cases[i].change.from);
        if (lac_encode_model_open(&m, folder, &err) != LAC_OK) {
            LAC_TEST_STR(err.text, "");
        } else {
            const struct lac_encode_weights *w = lac_encode_model_weights(m);

            LAC_TEST_EQ(w->pooling, cases[i].pooling);
            LAC_TEST_EQ(w->normalize, cases[i].normalize);
            LAC_TEST_EQ(w->window, cases[i].window);
        }
        lac_encode_model_close(m);
        lac_model_folder_remove(folder);
    }
}

static void wrong_config_is_refused_by_field(void)
{
    static const struct {
        struct lac_model_change change;
        const char *want;
    } cases[] = {
        {{"config.json", "", NULL}, "No such file"},
        {{"config.json", "{", "["}, "line 1 column"},
        {{"config.json", "\"bert\"", "\"roberta\""}, "model_type: only \"bert\""},
        {{"config.json", "\"model_type\": \"bert\", ", ""}, "model_type: is missing"},
        {{"config.json", "\"gelu\"", "\"gelu_new\""}, "hidden_act: only \"gelu\""},
        {{"config.json", "\"absolute\"", "\"relative_key\""}, "position_embedding_type"},
        {{"config.json", "\"hidden_size\": 8", "\"hidden_size\": 8000"}, "hidden_size is 8000"},
        {{"config.json", "\"hidden_size\": 8", "\"hidden_size\": -8"}, "hidden_size: must be"},
        {{"config.json", "\"hidden_size\": 8", "\"hidden_size\": 8.0"}, "hidden_size: must be"},
        {{"config.json", "\"hidden_size\": 8, ", ""}, "hidden_size: is missing"},
        {{"config.json", "_layers\": 1", "_layers\": 49"}, "num_hidden_layers is 49"},
        {{"config.json", "heads\": 2", "heads\": 3"}, "no multiple of num_attention_heads"},
        {{"config.json", "vocab_size\": 10", "vocab_size\": 2000000"}, "vocab_size is 2000000"},
        {{"config.json", "\"vocab_size\"", "\"hidden_size\": 8, \"vocab_size\""}, "twice"},
        {{"config.json", "embeddings\": 8", "embeddings\": 9000"}, "max_position_embeddings"},
        {{"config.json", "1e-12", "0"}, "layer_norm_eps"},
        {{"config.json", "1e-12", "\"small\""}, "layer_norm_eps: must be a number"},
        {{"config.json", "\"hidden_act\"", "\"is_decoder\": true, \"hidden_act\""}, "is_decoder"},
        {{"config.json", "\"hidden_act\"", "\"quantization_config\": {}, \"hidden_act\""},
         "quantization_config"},
        {{"modules.json", "[", "{"}, "line 1"},
        {{"modules.json", "models.Normalize", "models.Dense"}, "only Normalize is supported"},
        {{"modules.json", "models.Pooling", "models.WordWeights"}, "only Pooling"},
        {{"modules.json", "\"path\": \"\"", "\"path\": \"0_T\""}, "Transformer: must lie"},
        {{"modules.json", "1_Pooling", "../1_Pooling"}, "Pooling: path"},
        {{"modules.json", "1_Pooling", "/etc"}, "Pooling: path"},
        {{"modules.json", "1_Pooling", ""}, "Pooling: path"},
        {{"modules.json", "1_Pooling", "a/./b"}, "Pooling: path"},
        {{"1_Pooling/config.json", "", NULL}, "1_Pooling/config.json: No such file"},
        {{"1_Pooling/config.json", ": 8", ": 16"}, "word_embedding_dimension"},
        {{"1_Pooling/config.json", "cls_token\": false", "cls_token\": true"}, "one of mean"},
        {{"1_Pooling/config.json", "max_tokens\": false", "max_tokens\": true"}, "only mean"},
        {{"1_Pooling/config.json", "\"pooling_mode_cls_token\"", "\"include_prompt\""},
         "include_prompt"},
        {{"sentence_bert_config.json", "6", "9"}, "max_seq_length is 9, must be 3 to 8"},
        {{"sentence_bert_config.json", "6", "0"}, "max_seq_length: must be"},
        {{"tokenizer_config.json", "_length\": 7", "_length\": 0"}, "model_max_length: must be"},
        {{"tokenizer_config.json", "{", "["}, "tokenizer_config.json: line 1"},
        {{"config_sentence_transformers.json", "query: ",
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaa"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
         "prompts: one is longer"},
    };

    for (size_t i = 0; i < LAC_COUNT(cases); i++)
        check_refused(&cases[i].change, cases[i].want);
}

static void wrong_weights_are_refused_by_tensor(void)
{
    static const struct {
        struct lac_model_change change;
        const char *want;
    } cases[] = {
        {{ST, "", NULL}, "there is none, and no model.safetensors.index.json"},
        {{ST, "{\"__meta", "[\"__meta"}, "header is no JSON object"},
        {{ST, "pooler.dense.bias\": {", "pooler.dense.bias\": {{"}, "line 1 column"},
        {{ST, "{\"format\": \"pt\"}", "[]"}, "__metadata__ is no object"},
        {{ST, "\"pt\"", "1"}, "__metadata__ holds"},
        {{ST, "pooler.dense.bias", "pooler\\u0000bias"}, "NUL"},
        {{ST, "pooler.dense.bias", "pooler\\nbias"}, "not printable"},
        {{ST, "pooler.dense.bias", ""}, "is empty"},
        {{ST, "pooler.dense.bias", "embeddings.LayerNorm.bias"}, "twice"},
        {{ST, QUERY ".bias\": {\"dtype\": \"F32\"", QUERY ".bias\": {\"dtype\": \"Q4\""},
         "\"" QUERY ".bias\": dtype is none"},
        {{ST, QUERY ".bias\": {\"dtype\": \"F32\"", QUERY ".bias\": {\"dtype\": \"I32\""},
         "\"" QUERY ".bias\": dtype I32 is none"},
        {{ST, QUERY ".bias\": {\"dtype\": \"F32\"", QUERY ".bias\": {\"dtype\": \"F16\""},
         "\"" QUERY ".bias\": data_offsets hold another number"},
        {{ST, "\"shape\": [10,8]", "\"shape\": [8,10]"},
         "\"embeddings.word_embeddings.weight\": shape is [8, 10], config.json asks for [10, 8]"},
        {{ST, "\"shape\": [10,8]", "\"shape\": [80]"},
         "\"embeddings.word_embeddings.weight\": shape is [80]"},
        {{ST, "\"shape\": [10,8]", "\"shape\": [1,1,1,1,80]"}, "more than 4 dimensions"},
        {{ST, "\"shape\": [10,8]", "\"shape\": [10,-8]"}, "something else than whole numbers"},
        {{ST, "\"shape\": [10,8]", "\"shape\": \"80\""}, "shape is no list"},
        {{ST, "\"shape\": [10,8]", "\"shape\": [4611686018427387904,8]"},
         "\"embeddings.word_embeddings.weight\": shape is too large"},
        {{ST, "[0,320]", "[0,999999999]"}, "weight\": data_offsets lie beyond the end"},
        {{ST, "[0,320]", "[320,0]"}, "weight\": data_offsets end before they begin"},
        {{ST, "[0,320]", "[320]"}, "data_offsets are not two"},
        {{ST, "[0,320]", "[0.0,320]"}, "data_offsets are not two"},
        {{ST, "[0,320]", "[0,321]"}, "another number of bytes"},
        {{ST, "[320,576]", "[256,512]"},
         "\"embeddings.position_embeddings.weight\": overlaps tensor "
         "\"embeddings.word_embeddings.weight\""},
        {{ST, "pooler.dense.bias", "embeddings.distance_embedding.weight"},
         "\"embeddings.distance_embedding.weight\": a model as config.json describes it has none"},
        {{ST, "pooler.dense.bias", "encoder.layer.1.output.dense.bias"},
         "\"encoder.layer.1.output.dense.bias\": a model as"},
        {{ST, QUERY ".bias", "attention.query.bias"}, "\"" QUERY ".bias\": is missing"},
        {{ST,
          ", \"embeddings.word_embeddings.weight\": {\"dtype\": \"F32\", \"shape\": [10,8], "
          "\"data_offsets\": [0,320]}",
          ""},
         "bytes before it belong to no tensor"},
    };

    for (size_t i = 0; i < LAC_COUNT(cases); i++)
        check_refused(&cases[i].change, cases[i].want);
}

/* What is wrong with bytes rather than with text. */
static void cut_and_hostile_files_are_refused(void)
{
    struct lac_encode_tensors t;
    struct lac_err err = {0};
    size_t size;
    unsigned char *bytes = lac_model_tensors_make(NULL, &size);

    for (size_t n = 0; n < size; n += n < 64 ? 1 : 37) {
        lac_test_row("the first %zu of %zu bytes", n, size);
        CU_ASSERT(lac_encode_tensors_init(&t, bytes, n, &err) == LAC_REJECT);
    }
    memset(bytes, 0xff, 8);
    CU_ASSERT(lac_encode_tensors_init(&t, bytes, size, &err) == LAC_REJECT);
    CU_ASSERT(strstr(err.text, "over the limit") != NULL);
    memset(bytes, 0, 8);
    CU_ASSERT(lac_encode_tensors_init(&t, bytes, size, &err) == LAC_REJECT);
    free(bytes);
}

static void values_that_are_no_numbers_are_refused(void)
{
    static const uint32_t bad[] = {0x7f800000u, 0xff800000u, 0x7fc00001u};

    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        struct lac_encode_weights w = {.hidden = 8,
                                       .layers = 1,
                                       .heads = 2,
                                       .ffn = 16,
                                       .vocab = 10,
                                       .positions = 8,
                                       .types = 2};
        struct lac_encode_tensors t;
        struct lac_err err = {0};
        size_t size;
        unsigned char *bytes = lac_model_tensors_make(NULL, &size);

        LAC_TEST_NEED(lac_encode_tensors_init(&t, bytes, size, &err) == LAC_OK);
        LAC_TEST_EQ(lac_encode_tensors_bind(&t, &w, &err), LAC_OK);
        memcpy(bytes + size - 12 * 4, &bad[i], 4); /* the last but the pooler's 8 */
        CU_ASSERT(lac_encode_tensors_bind(&t, &w, &err) == LAC_REJECT);
        LAC_TEST_STR(err.text, "tensor \"encoder.layer.0.output.LayerNorm.bias\": holds a value "
                               "that is not a finite number");
        lac_encode_tensors_deinit(&t);
        free(bytes);
    }
}

static void hash_is_over_what_shapes_a_vector(void)
{
    static const struct {
        struct lac_model_change change;
        bool differs;
    } cases[] = {
        {{"", "", ""}, false},
        {{"config.json", "{", "{ "}, true},
        {{"vocab.txt", "sea", "ocean"}, true},
        {{"config_sentence_transformers.json", "query: ", "ask: "}, true},
        {{"1_Pooling/config.json", "{", "{ "}, true},
    };
    unsigned char first[LAC_ENCODE_HASH_SIZE], other[LAC_ENCODE_HASH_SIZE];

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        char *folder = lac_model_folder_make(&cases[i].change), path[256];
        struct lac_encode_model *m;
        struct lac_err err = {0};
        FILE *f;

        snprintf(path, sizeof(path), "%s/README.md", folder); /* shapes nothing */
        f = fopen(path, "w");
        LAC_TEST_NEED(f);
        fprintf(f, "%zu", i);
        fclose(f);
        LAC_TEST_NEED(lac_encode_model_open(&m, folder, &err) == LAC_OK);
        LAC_TEST_EQ(lac_encode_model_hash(m, i ? other : first, &err), LAC_OK);
        lac_test_row("%s", cases[i].change.file);
        if (i == 0)
            LAC_TEST_EQ(lac_encode_model_hash(m, other, &err), LAC_OK);
        LAC_TEST_EQ(memcmp(first, other, sizeof(first)) != 0, cases[i].differs);
        lac_encode_model_close(m);
        lac_model_folder_remove(folder);
    }
}

static const struct lac_encode_weights generated = {.hidden = 64,
                                                    .layers = 2,
                                                    .heads = 4,
                                                    .ffn = 128,
                                                    .vocab = 100,
                                                    .positions = 32,
                                                    .types = 2,
                                                    .window = 32,
                                                    .eps = 1e-12f,
                                                    .normalize = true};

/* The values are the same on every machine: plug-ins are compared on them. */
static void generated_weights_are_bell_shaped_and_fixed(void)
{
    struct lac_encode_model *m, *same, *other;
    const struct lac_encode_weights *w;
    struct lac_err err = {0};
    double sum = 0, squares = 0;
    float value[100 * 64], again[4];

    LAC_TEST_NEED(lac_encode_model_generate(&m, &generated, 1, &err) == LAC_OK);
    LAC_TEST_NEED(lac_encode_model_generate(&same, &generated, 1, &err) == LAC_OK);
    LAC_TEST_NEED(lac_encode_model_generate(&other, &generated, 2, &err) == LAC_OK);
    w = lac_encode_model_weights(m);
    lac_encode_tensor_read(&w->words, 0, LAC_COUNT(value), value);
    for (size_t i = 0; i < LAC_COUNT(value); i++) {
        sum += (double)value[i];
        squares += (double)value[i] * (double)value[i];
    }
    CU_ASSERT(fabs(sum / (double)LAC_COUNT(value)) < 0.003);
    CU_ASSERT(fabs(sqrt(squares / (double)LAC_COUNT(value)) - 0.0625) < 0.002);
    lac_encode_tensor_read(&lac_encode_model_weights(same)->words, 0, 4, again);
    CU_ASSERT(memcmp(again, value, sizeof(again)) == 0);
    lac_encode_tensor_read(&lac_encode_model_weights(other)->words, 0, 4, again);
    CU_ASSERT(memcmp(again, value, sizeof(again)) != 0);
    lac_encode_tensor_read(&w->layer[1].norm2, 0, 4, again);
    CU_ASSERT(fabsf(again[0] - 1.0f) < 0.4f);
    CU_ASSERT(lac_encode_model_folder(m) == NULL);
    lac_encode_model_close(other);
    lac_encode_model_close(same);
    lac_encode_model_close(m);
}

static void shapes_out_of_range_are_not_generated(void)
{
    struct lac_encode_weights shape = generated;
    struct lac_encode_model *m;
    struct lac_err err = {0};

    shape.heads = 3;
    CU_ASSERT(lac_encode_model_generate(&m, &shape, 1, &err) == LAC_REJECT && !m);
    shape = generated;
    shape.window = 64;
    CU_ASSERT(lac_encode_model_generate(&m, &shape, 1, &err) == LAC_REJECT && !m);
}

LAC_TEST_MAIN(encode_model, folder_is_read_as_it_is, other_forms_are_read,
              wrong_config_is_refused_by_field, wrong_weights_are_refused_by_tensor,
              cut_and_hostile_files_are_refused, values_that_are_no_numbers_are_refused,
              hash_is_over_what_shapes_a_vector, generated_weights_are_bell_shaped_and_fixed,
              shapes_out_of_range_are_not_generated)
