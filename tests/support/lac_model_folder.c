/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_model_folder.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEED(cond)                                            \
    do {                                                      \
        if (!(cond)) {                                        \
            fprintf(stderr, "lac_model_folder: %s\n", #cond); \
            abort();                                          \
        }                                                     \
    } while (0)

static const char config[] =
    "{\"model_type\": \"bert\", \"hidden_size\": 8, \"num_hidden_layers\": 1,"
    " \"num_attention_heads\": 2, \"intermediate_size\": 16, \"vocab_size\": 10,"
    " \"max_position_embeddings\": 8, \"type_vocab_size\": 2, \"hidden_act\": \"gelu\","
    " \"layer_norm_eps\": 1e-12, \"position_embedding_type\": \"absolute\"}";
static const char modules[] =
    "[{\"idx\": 0, \"path\": \"\", \"type\": \"sentence_transformers.models.Transformer\"},"
    " {\"idx\": 1, \"path\": \"1_Pooling\", \"type\": \"sentence_transformers.models.Pooling\"},"
    " {\"idx\": 2, \"path\": \"2_Normalize\", \"type\": "
    "\"sentence_transformers.models.Normalize\"}]";
static const char pooling[] =
    "{\"word_embedding_dimension\": 8, \"pooling_mode_cls_token\": false,"
    " \"pooling_mode_mean_tokens\": true, \"pooling_mode_max_tokens\": false}";
static const char sentence[] = "{\"max_seq_length\": 6, \"do_lower_case\": false}";
static const char prompts[] = "{\"prompts\": {\"query\": \"query: \", \"passage\": \"passage: \"}}";
static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nplan\nof\nthe\nsea\n##s\n";

static const struct {
    const char *name;
    int rows, cols; /* rows 0: a vector */
} tensors[] = {
    {"embeddings.word_embeddings.weight", 10, 8},
    {"embeddings.position_embeddings.weight", 8, 8},
    {"embeddings.token_type_embeddings.weight", 2, 8},
    {"embeddings.LayerNorm.weight", 0, 8},
    {"embeddings.LayerNorm.bias", 0, 8},
    {"encoder.layer.0.attention.self.query.weight", 8, 8},
    {"encoder.layer.0.attention.self.query.bias", 0, 8},
    {"encoder.layer.0.attention.self.key.weight", 8, 8},
    {"encoder.layer.0.attention.self.key.bias", 0, 8},
    {"encoder.layer.0.attention.self.value.weight", 8, 8},
    {"encoder.layer.0.attention.self.value.bias", 0, 8},
    {"encoder.layer.0.attention.output.dense.weight", 8, 8},
    {"encoder.layer.0.attention.output.dense.bias", 0, 8},
    {"encoder.layer.0.attention.output.LayerNorm.weight", 0, 8},
    {"encoder.layer.0.attention.output.LayerNorm.bias", 0, 8},
    {"encoder.layer.0.intermediate.dense.weight", 16, 8},
    {"encoder.layer.0.intermediate.dense.bias", 0, 16},
    {"encoder.layer.0.output.dense.weight", 8, 16},
    {"encoder.layer.0.output.dense.bias", 0, 8},
    {"encoder.layer.0.output.LayerNorm.weight", 0, 8},
    {"encoder.layer.0.output.LayerNorm.bias", 0, 8},
    {"pooler.dense.bias", 0, 8},
};

/* `text` with the change made; to free(). NULL: the file is left out. */
static char *changed(const char *file, const char *text, const struct lac_model_change *c)
{
    const char *at;
    size_t size;
    char *out;

    if (!c || strcmp(c->file, file) != 0)
        return strdup(text);
    if (!c->to)
        return NULL;
    at = strstr(text, c->from);
    NEED(at);
    size = strlen(text) + strlen(c->to) + 1;
    out = calloc(1, size);
    NEED(out);
    (void)snprintf(out, size, "%.*s%s%s", (int)(at - text), text, c->to, at + strlen(c->from));
    return out;
}

/* A file of the tensors [first, end). */
static unsigned char *make_tensors(const char *file, size_t first, size_t end,
                                   const struct lac_model_change *change, size_t *size)
{
    char header[8192] = "{\"__metadata__\": {\"format\": \"pt\"}";
    size_t at = strlen(header), before = 0, count = 0, length;
    unsigned char *out;
    char *text;

    for (size_t i = 0; i < end; i++) {
        size_t n = (size_t)(tensors[i].rows ? tensors[i].rows : 1) * (size_t)tensors[i].cols;
        char shape[32];

        if (i < first) {
            before += n;
            continue;
        }
        if (tensors[i].rows)
            snprintf(shape, sizeof(shape), "[%d,%d]", tensors[i].rows, tensors[i].cols);
        else
            snprintf(shape, sizeof(shape), "[%d]", tensors[i].cols);
        at += (size_t)snprintf(header + at, sizeof(header) - at,
                               ", \"%s\": {\"dtype\": \"F32\", \"shape\": %s, "
                               "\"data_offsets\": [%zu,%zu]}",
                               tensors[i].name, shape, 4 * count, 4 * (count + n));
        count += n;
    }
    (void)snprintf(header + at, sizeof(header) - at, "}");
    text = changed(file, header, change);
    NEED(text);
    length = strlen(text);
    *size = 8 + length + 4 * count;
    out = calloc(1, *size);
    NEED(out);
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)((uint64_t)length >> (8 * i));
    memcpy(out + 8, text, length);
    for (size_t i = 0; i < count; i++) {
        float value = (float)(before + i) * 0.001f;

        memcpy(out + 8 + length + 4 * i, &value, sizeof(value));
    }
    free(text);
    return out;
}

unsigned char *lac_model_tensors_make(const struct lac_model_change *change, size_t *size)
{
    return make_tensors("model.safetensors", 0, sizeof(tensors) / sizeof(tensors[0]), change, size);
}

static void write_file(const char *folder, const char *name, const void *data, size_t size)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "wb");
    NEED(f);
    NEED(fwrite(data, 1, size, f) == size);
    NEED(fclose(f) == 0);
}

char *lac_model_folder_make(const struct lac_model_change *change)
{
    const struct {
        const char *name, *text;
    } files[] = {
        {"config.json", config},
        {"modules.json", modules},
        {"1_Pooling/config.json", pooling},
        {"sentence_bert_config.json", sentence},
        {"config_sentence_transformers.json", prompts},
        {"vocab.txt", vocab},
        {"tokenizer_config.json",
         "{\"do_lower_case\": true, \"unk_token\": \"[UNK]\", \"model_max_length\": 7}"},
    };
    char *folder = strdup("/tmp/lacuna-model-XXXXXX");
    bool weights = !change || strcmp(change->file, "model.safetensors") != 0 || change->to;
    char path[512];

    NEED(folder && mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/1_Pooling", folder);
    NEED(mkdir(path, 0755) == 0);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *text = changed(files[i].name, files[i].text, change);

        if (text)
            write_file(folder, files[i].name, text, strlen(text));
        free(text);
    }
    if (weights) {
        size_t size;
        unsigned char *bytes = lac_model_tensors_make(change, &size);

        write_file(folder, "model.safetensors", bytes, size);
        free(bytes);
    }
    return folder;
}

void lac_model_folder_split(const char *folder, const struct lac_model_change *change)
{
    static const char *const names[2] = {LAC_MODEL_SHARD_1, LAC_MODEL_SHARD_2};
    size_t total = sizeof(tensors) / sizeof(tensors[0]), half = total / 2;
    char index[4096] = "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {", path[512], *text;
    size_t at = strlen(index);

    snprintf(path, sizeof(path), "%s/model.safetensors", folder);
    NEED(remove(path) == 0);
    for (size_t i = 0; i < 2; i++) {
        size_t size;
        unsigned char *bytes =
            make_tensors(names[i], i ? half : 0, i ? total : half, change, &size);

        write_file(folder, names[i], bytes, size);
        free(bytes);
    }
    for (size_t i = 0; i < total; i++)
        at += (size_t)snprintf(index + at, sizeof(index) - at, "%s\"%s\": \"%s\"", i ? ", " : "",
                               tensors[i].name, names[i >= half]);
    (void)snprintf(index + at, sizeof(index) - at, "}}\n");
    text = changed(LAC_MODEL_INDEX, index, change);
    if (text)
        write_file(folder, LAC_MODEL_INDEX, text, strlen(text));
    free(text);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void lac_model_folder_remove(char *folder)
{
    if (folder)
        (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(folder);
}
