/* SPDX-License-Identifier: Apache-2.0 */
/* Weights in several files are one model, each tensor once; what does not agree is refused. */
#include "lac_encode_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_model_folder.h"
#include "lac_test.h"

#define INDEX LAC_MODEL_INDEX
#define ONE   LAC_MODEL_SHARD_1
#define TWO   LAC_MODEL_SHARD_2
#define QUERY "encoder.layer.0.attention.self.query"
#define LAST  "pooler.dense.bias"

static struct lac_encode_model *open_good(const char *folder)
{
    struct lac_encode_model *m;
    struct lac_err err = {0};

    if (lac_encode_model_open(&m, folder, &err) != LAC_OK)
        LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(m);
    return m;
}

static bool same_values(const struct lac_encode_tensor *a, const struct lac_encode_tensor *b)
{
    float x[LAC_MODEL_HIDDEN * LAC_MODEL_FFN], y[LAC_MODEL_HIDDEN * LAC_MODEL_FFN];
    size_t count = (size_t)a->rows * a->cols;

    LAC_TEST_NEED(a->rows == b->rows && a->cols == b->cols && count <= LAC_COUNT(x));
    lac_encode_tensor_read(a, 0, count, x);
    lac_encode_tensor_read(b, 0, count, y);
    return memcmp(x, y, count * sizeof(*x)) == 0;
}

static void files_together_are_the_model(void)
{
    char *folder = lac_model_folder_make(NULL), *shards = lac_model_folder_make(NULL);
    struct lac_encode_model *one = open_good(folder), *two;
    const struct lac_encode_weights *a, *b;

    lac_model_folder_split(shards, NULL);
    two = open_good(shards);
    a = lac_encode_model_weights(one);
    b = lac_encode_model_weights(two);
    CU_ASSERT(same_values(&a->words, &b->words));
    CU_ASSERT(same_values(&a->layer[0].q, &b->layer[0].q));
    CU_ASSERT(same_values(&a->layer[0].out, &b->layer[0].out));
    CU_ASSERT(same_values(&a->layer[0].down, &b->layer[0].down));
    CU_ASSERT(same_values(&a->layer[0].norm2_bias, &b->layer[0].norm2_bias));
    lac_encode_model_close(one);
    lac_encode_model_close(two);
    lac_model_folder_remove(folder);
    lac_model_folder_remove(shards);
}

static void what_does_not_agree_is_refused_by_tensor_or_file(void)
{
    static const struct {
        struct lac_model_change change;
        const char *want;
    } cases[] = {
        {{INDEX, "", NULL}, "model.safetensors: there is none, and no " INDEX},
        {{INDEX, "{", "{{"}, INDEX ": line 1 column"},
        {{INDEX, "weight_map", "weights"}, INDEX ": weight_map must be an object with tensors"},
        {{INDEX, "\"weight_map\": {", "\"weight_map\": {}, \"x\": {"}, "with tensors"},
        {{INDEX, "\"" LAST "\"", "\"" QUERY ".bias\""}, "twice"},
        {{INDEX, "\"" LAST "\"", "\"pooler bias\""}, "not printable"},
        {{INDEX, ": \"" ONE "\"", ": 1"}, "tensor \"embeddings.word_embeddings.weight\": its file"},
        {{INDEX, ONE, "../" ONE}, "its file is none such as"},
        {{INDEX, ONE, "/" ONE}, "its file is none such as"},
        {{INDEX, ONE, ".safetensors"}, "its file is none such as"},
        {{INDEX, ONE, "pytorch_model.bin"}, "its file is none such as"},
        {{INDEX, ONE, "m\\n.safetensors"}, "its file is none such as"},
        {{INDEX, ONE, "m\\u0000.safetensors"}, "NUL"},
        {{INDEX, ONE, "elsewhere.safetensors"}, "elsewhere.safetensors: "},
        {{INDEX, "\"" LAST "\": \"" TWO "\"", "\"" LAST "\": \"" ONE "\""},
         INDEX ": tensor \"" LAST "\": is not in " ONE},
        {{INDEX, ", \"" LAST "\": \"" TWO "\"", ""},
         INDEX ": tensor \"" LAST "\": is in " TWO ", where the index has none"},
        {{INDEX, "\"" LAST "\": ", "\"pooler.dense.weight\": \"" TWO "\", \"" LAST "\": "},
         INDEX ": tensor \"pooler.dense.weight\": is not in " TWO},
        /* The same one in both files: the index has it in one. */
        {{TWO, LAST, "embeddings.LayerNorm.bias"},
         INDEX ": tensor \"embeddings.LayerNorm.bias\": is in " TWO ", where the index has none"},
        {{ONE, QUERY ".bias\": {\"dtype\": \"F32\"", QUERY ".bias\": {\"dtype\": \"Q4\""},
         ONE ": tensor \"" QUERY ".bias\": dtype is none"},
        {{TWO, "[8,16]", "[16,8]"},
         INDEX ": tensor \"encoder.layer.0.output.dense.weight\": shape is [16, 8]"},
        {{TWO, "{\"__meta", "[\"__meta"}, TWO ": header is no JSON object"},
    };

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        char *folder = lac_model_folder_make(NULL);
        struct lac_encode_model *m;
        struct lac_err err = {0};

        lac_model_folder_split(folder, &cases[i].change);
        lac_test_row("%s: %s -> %s", cases[i].change.file, cases[i].change.from,
                     cases[i].change.to ? cases[i].change.to : "(none)");
        CU_ASSERT(lac_encode_model_open(&m, folder, &err) != LAC_OK && !m);
        if (!strstr(err.text, cases[i].want))
            LAC_TEST_STR(err.text, cases[i].want);
        lac_model_folder_remove(folder);
    }
}

/* An index of `tensors` tensors, each in a file of its own if `files`. */
static void check_many(int tensors, bool files, const char *want)
{
    char *folder = lac_model_folder_make(NULL), path[512];
    struct lac_encode_model *m;
    struct lac_err err = {0};
    FILE *f;

    lac_model_folder_split(folder, NULL);
    snprintf(path, sizeof(path), "%s/" INDEX, folder);
    f = fopen(path, "w");
    LAC_TEST_NEED(f);
    fputs("{\"weight_map\": {", f);
    for (int i = 0; i < tensors; i++)
        fprintf(f, "%s\"t%d\": \"s%d.safetensors\"", i ? ", " : "", i, files ? i : 0);
    fputs("}}", f);
    fclose(f);
    lac_test_row("%d", tensors);
    CU_ASSERT(lac_encode_model_open(&m, folder, &err) == LAC_REJECT && !m);
    if (!strstr(err.text, want))
        LAC_TEST_STR(err.text, want);
    lac_model_folder_remove(folder);
}

static void number_of_files_and_tensors_is_bounded(void)
{
    check_many(65, true, INDEX ": tensor \"t64\": is in one of more than 64 files");
    check_many(4097, false, INDEX ": 4097 tensors are over the limit of 4096");
}

static void a_single_file_goes_before_an_index(void)
{
    char *folder = lac_model_folder_make(NULL), *plain = lac_model_folder_make(NULL), path[512];
    unsigned char with[LAC_ENCODE_HASH_SIZE], without[LAC_ENCODE_HASH_SIZE];
    struct lac_encode_model *m;
    struct lac_err err = {0};
    FILE *f;

    snprintf(path, sizeof(path), "%s/" INDEX, folder);
    f = fopen(path, "w");
    LAC_TEST_NEED(f);
    fputs("nothing", f);
    fclose(f);
    m = open_good(folder);
    LAC_TEST_EQ(lac_encode_model_hash(m, with, &err), LAC_OK);
    lac_encode_model_close(m);
    m = open_good(plain);
    LAC_TEST_EQ(lac_encode_model_hash(m, without, &err), LAC_OK);
    lac_encode_model_close(m);
    CU_ASSERT(memcmp(with, without, sizeof(with)) == 0); /* it shapes nothing */
    lac_model_folder_remove(folder);
    lac_model_folder_remove(plain);
}

static void append(const char *folder, const char *name, const char *more)
{
    char path[4096 + 256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    CU_ASSERT(chmod(path, 0644) == 0);
    f = fopen(path, "r+");
    LAC_TEST_NEED(f);
    CU_ASSERT(fseek(f, -(long)strlen(more), SEEK_END) == 0);
    fputs(more, f);
    fclose(f);
}

static void store_has_all_files_and_notices_a_change_in_each(void)
{
    static const struct {
        const char *name, *end;
    } changes[] = {{ONE, "1"}, {TWO, "2"}, {INDEX, " "}};
    char *folder = lac_model_folder_make(NULL), *store = strdup("/tmp/lacuna-store-XXXXXX");
    unsigned char hash[LAC_ENCODE_HASH_SIZE];
    struct lac_encode_stored *all;
    struct lac_err err = {0};
    size_t count;

    LAC_TEST_NEED(store && mkdtemp(store));
    lac_model_folder_split(folder, NULL);
    for (size_t i = 0; i < LAC_COUNT(changes); i++) {
        struct lac_encode_model *m;

        lac_test_row("%s", changes[i].name);
        if (lac_encode_store_add(store, folder, "tiny", hash, &err) != LAC_OK)
            LAC_TEST_STR(err.text, "");
        LAC_TEST_EQ(lac_encode_store_open(&m, store, "tiny", &err), LAC_OK);
        lac_encode_model_close(m);
        LAC_TEST_EQ(lac_encode_store_list(store, &all, &count, &err), LAC_OK);
        LAC_TEST_NEED(count == 1);
        CU_ASSERT(all[0].bytes > 3000); /* of numbers alone */
        append(all[0].path, changes[i].name, changes[i].end);
        CU_ASSERT(lac_encode_store_open(&m, store, "tiny", &err) == LAC_REJECT && !m);
        CU_ASSERT(strstr(err.text, "was changed") != NULL);
        free(all);
    }
    lac_model_folder_remove(folder);
    lac_model_folder_remove(store);
}

LAC_TEST_MAIN(encode_shards, files_together_are_the_model,
              what_does_not_agree_is_refused_by_tensor_or_file,
              number_of_files_and_tensors_is_bounded, a_single_file_goes_before_an_index,
              store_has_all_files_and_notices_a_change_in_each)
