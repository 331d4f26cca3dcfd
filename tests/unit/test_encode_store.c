/* SPDX-License-Identifier: Apache-2.0 */
/* A model is found by hash, digits and name, and only as long as it is the one that was added. */
#include "lac_encode_store.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lac_file.h"
#include "lac_model_folder.h"
#include "lac_test.h"

static char *store, *folder;
static unsigned char hash[LAC_ENCODE_HASH_SIZE];
static char hex[2 * LAC_ENCODE_HASH_SIZE + 1];

static void begin(void)
{
    struct lac_err err = {0};

    store = strdup("/tmp/lacuna-store-XXXXXX");
    LAC_TEST_NEED(store && mkdtemp(store));
    folder = lac_model_folder_make(NULL);
    if (lac_encode_store_add(store, folder, "tiny-1", hash, &err) != LAC_OK)
        LAC_TEST_STR(err.text, "");
    lac_hex_encode(hex, hash, sizeof(hash));
}

static void end(void)
{
    lac_model_folder_remove(folder);
    lac_model_folder_remove(store);
}

static bool opens(const char *what)
{
    unsigned char got[LAC_ENCODE_HASH_SIZE];
    struct lac_encode_model *m;
    struct lac_err err = {0};
    bool same;

    if (lac_encode_store_open(&m, store, what, &err) != LAC_OK)
        return false;
    same = lac_encode_model_hash(m, got, &err) == LAC_OK && memcmp(got, hash, sizeof(got)) == 0;
    lac_encode_model_close(m);
    return same;
}

static void model_is_found_by_hash_digits_name_and_folder(void)
{
    char digits[9];

    begin();
    memcpy(digits, hex, 8);
    digits[8] = 0;
    CU_ASSERT(opens(hex));
    CU_ASSERT(opens(digits));
    CU_ASSERT(opens("tiny-1"));
    CU_ASSERT(opens(folder));
    digits[7] = 0;
    CU_ASSERT(!opens(digits)); /* too short to be meant */
    CU_ASSERT(!opens("tiny-2"));
    CU_ASSERT(!opens("../tiny-1"));
    CU_ASSERT(!opens(""));
    end();
}

static void adding_twice_is_adding_once_and_moves_names(void)
{
    static const struct lac_model_change other = {"vocab.txt", "sea", "bay"};
    char *second = lac_model_folder_make(&other);
    unsigned char again[LAC_ENCODE_HASH_SIZE], changed[LAC_ENCODE_HASH_SIZE];
    struct lac_encode_stored *all;
    struct lac_err err = {0};
    size_t count;

    begin();
    LAC_TEST_EQ(lac_encode_store_add(store, folder, NULL, again, &err), LAC_OK);
    CU_ASSERT(memcmp(again, hash, sizeof(again)) == 0);
    LAC_TEST_EQ(lac_encode_store_list(store, &all, &count, &err), LAC_OK);
    LAC_TEST_EQ(count, 1);
    LAC_TEST_STR(all[0].name, "tiny-1");
    CU_ASSERT(all[0].bytes > 3000);
    free(all);
    LAC_TEST_EQ(lac_encode_store_add(store, second, "tiny-1", changed, &err), LAC_OK);
    LAC_TEST_EQ(lac_encode_store_list(store, &all, &count, &err), LAC_OK);
    LAC_TEST_EQ(count, 2);
    for (size_t i = 0; i < count; i++)
        LAC_TEST_STR(all[i].name,
                     memcmp(all[i].hash, changed, sizeof(changed)) == 0 ? "tiny-1" : "");
    free(all);
    CU_ASSERT(!opens("tiny-1")); /* it is the other one now */
    CU_ASSERT(opens(hex));
    lac_model_folder_remove(second);
    end();
}

static void changed_model_is_refused(void)
{
    char path[512];
    struct lac_encode_model *m;
    struct lac_err err = {0};
    FILE *f;

    begin();
    snprintf(path, sizeof(path), "%s/sha256-%s/vocab.txt", store, hex);
    CU_ASSERT(chmod(path, 0644) == 0);
    f = fopen(path, "a");
    LAC_TEST_NEED(f);
    fputs("more\n", f);
    fclose(f);
    CU_ASSERT(lac_encode_store_open(&m, store, "tiny-1", &err) == LAC_REJECT && !m);
    CU_ASSERT(strstr(err.text, "was changed") != NULL);
    end();
}

static void adding_again_repairs_what_was_changed(void)
{
    static const char *const damaged[] = {"vocab.txt", "config.json", "model.safetensors"};
    unsigned char again[LAC_ENCODE_HASH_SIZE];
    struct lac_encode_stored *all;
    struct lac_err err = {0};
    size_t count;

    begin();
    for (size_t i = 0; i < LAC_COUNT(damaged); i++) {
        char path[512];

        lac_test_row("%s", damaged[i]);
        snprintf(path, sizeof(path), "%s/sha256-%s/%s", store, hex, damaged[i]);
        CU_ASSERT(chmod(path, 0644) == 0 && truncate(path, 3) == 0);
        CU_ASSERT(!opens("tiny-1"));
        LAC_TEST_EQ(lac_encode_store_add(store, folder, NULL, again, &err), LAC_OK);
        CU_ASSERT(memcmp(again, hash, sizeof(again)) == 0);
        CU_ASSERT(opens("tiny-1"));
    }
    LAC_TEST_EQ(lac_encode_store_list(store, &all, &count, &err), LAC_OK);
    LAC_TEST_EQ(count, 1);
    free(all);
    end();
}

/* What is in the store can be used: with a tokenizer, and with the one that it was made for. */
static void models_without_their_tokenizer_are_not_added(void)
{
    static const struct {
        struct lac_model_change change;
        const char *want;
    } cases[] = {
        {{"vocab.txt", "", NULL}, "neither tokenizer.json nor vocab.txt"},
        {{"vocab.txt", "[UNK]", "UNK"}, "/unk_token: the vocabulary has no such entry"},
        {{"vocab.txt", "sea", "sea\nsky"},
         "the tokenizer has 11 words, embeddings.word_embeddings"},
    };

    begin();
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        char *bad = lac_model_folder_make(&cases[i].change);
        unsigned char any[LAC_ENCODE_HASH_SIZE];
        struct lac_err err = {0};

        lac_test_row("%s", cases[i].want);
        CU_ASSERT(lac_encode_store_add(store, bad, NULL, any, &err) != LAC_OK);
        if (!strstr(err.text, cases[i].want))
            LAC_TEST_STR(err.text, cases[i].want);
        lac_model_folder_remove(bad);
    }
    end();
}

static void wrong_models_and_names_are_not_added(void)
{
    static const struct lac_model_change wrong = {"config.json", "gelu", "relu"};
    static const char *const names[] = {"", ".x", "-x", "a/b", "..", "a b", "deadbeef", "\xc3\xa9"};
    char *bad = lac_model_folder_make(&wrong);
    struct lac_encode_stored *all;
    struct lac_err err = {0};
    unsigned char any[LAC_ENCODE_HASH_SIZE];
    size_t count;

    begin();
    CU_ASSERT(lac_encode_store_add(store, bad, NULL, any, &err) == LAC_REJECT);
    for (size_t i = 0; i < LAC_COUNT(names); i++) {
        lac_test_row("name %s", names[i]);
        CU_ASSERT(!lac_encode_store_name_ok(names[i]));
        CU_ASSERT(lac_encode_store_add(store, folder, names[i], any, &err) == LAC_REJECT);
    }
    LAC_TEST_EQ(lac_encode_store_list(store, &all, &count, &err), LAC_OK);
    LAC_TEST_EQ(count, 1);
    free(all);
    lac_model_folder_remove(bad);
    end();
}

static void removed_model_is_gone_with_its_names(void)
{
    unsigned char gone[LAC_ENCODE_HASH_SIZE];
    struct lac_encode_stored *all;
    struct lac_err err = {0};
    char path[512];
    struct stat st;
    size_t count;

    begin();
    LAC_TEST_EQ(lac_encode_store_remove(store, "tiny-1", gone, &err), LAC_OK);
    CU_ASSERT(memcmp(gone, hash, sizeof(gone)) == 0);
    LAC_TEST_EQ(lac_encode_store_list(store, &all, &count, &err), LAC_OK);
    LAC_TEST_EQ(count, 0);
    snprintf(path, sizeof(path), "%s/names/tiny-1", store);
    CU_ASSERT(lstat(path, &st) != 0);
    CU_ASSERT(lac_encode_store_remove(store, "tiny-1", gone, &err) == LAC_REJECT);
    end();
}

/* In a process of its own, which may become somebody without a home, as a container's user. */
static int folder_of_the_homeless(void)
{
    char found[PATH_MAX];

    if (geteuid() == 0 && setuid(65534) != 0)
        return 2;
    (void)unsetenv("HOME");
    (void)unsetenv("XDG_DATA_HOME");
    return !lac_encode_store_folder(found, "") ||
           strcmp(found, LAC_FILE_SHARED_FOLDER "/models") != 0;
}

static void who_has_no_home_has_the_shared_store(void)
{
    pid_t child = fork();
    int status = -1;

    if (child == 0)
        _exit(folder_of_the_homeless());
    CU_ASSERT_FATAL(child > 0 && waitpid(child, &status, 0) == child);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

LAC_TEST_MAIN(encode_store, model_is_found_by_hash_digits_name_and_folder,
              adding_twice_is_adding_once_and_moves_names, changed_model_is_refused,
              adding_again_repairs_what_was_changed, models_without_their_tokenizer_are_not_added,
              wrong_models_and_names_are_not_added, removed_model_is_gone_with_its_names,
              who_has_no_home_has_the_shared_store)
