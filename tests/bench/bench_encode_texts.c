/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_encode_texts.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_buf.h"
#include "lac_env.h"
#include "lac_file.h"
#include "lac_json.h"

enum { FILE_BYTES = 64 << 20, TEXTS_MAX = 100000, SENTENCE_LEAST = 16 };

void bench_encode_folder(char out[BENCH_FOLDER])
{
    const char *given = lac_env("LACUNA_TEST_MODEL"), *cache = lac_env("LACUNA_CACHE");
    const char *home = lac_env("HOME");

    if (given)
        snprintf(out, BENCH_FOLDER, "%s", given);
    else
        snprintf(out, BENCH_FOLDER, "%s%s/hf/all-minilm-l6-v2",
                 cache  ? cache
                 : home ? home
                        : "/root",
                 cache ? "" : "/.cache/lacuna");
}

static void put(struct bench_texts *t, const char *text, size_t len)
{
    if (t->count < TEXTS_MAX)
        t->texts[t->count++] = (struct lac_str){text, len};
}

/* A text, and its sentences if it has several. */
static void put_all(struct bench_texts *t, const char *text, size_t len)
{
    size_t from = 0;

    put(t, text, len);
    for (size_t i = 1; i < len; i++) {
        bool end = text[i] == ' ' && strchr(".!?:;", text[i - 1]) != NULL;
        if (!end || i - from < SENTENCE_LEAST)
            continue;
        put(t, text + from, i - from);
        from = i + 1;
    }
    if (from > 0 && len - from >= SENTENCE_LEAST)
        put(t, text + from, len - from);
}

/* One line of a file; its text is kept in `kept`, where it stays. */
static bool read_line(struct bench_texts *t, struct lac_str line, char **kept)
{
    struct lac_json *root = NULL;
    struct lac_err err;
    struct lac_str text;

    if (lac_json_parse(&root, line, &err) != LAC_OK) {
        fprintf(stderr, "encode: %s\n", err.text);
        return false;
    }
    text = lac_json_string(lac_json_get(root, "text"));
    if (text.ptr) {
        memcpy(*kept, text.ptr, text.len);
        put_all(t, *kept, text.len);
        *kept += text.len;
    }
    lac_json_free(root);
    return true;
}

/* A text is shorter than the line that holds it: one buffer of all files' size has room. */
static bool read_files(struct bench_texts *t, const glob_t *files)
{
    struct lac_buf all;
    struct lac_err err = {0};
    bool ok = true;
    char *kept;

    lac_buf_init(&all, FILE_BYTES);
    for (size_t i = 0; i < files->gl_pathc && ok; i++)
        ok = lac_file_read(files->gl_pathv[i], &all, &err) == LAC_OK;
    t->memory = malloc(all.len + 1);
    t->texts = calloc(TEXTS_MAX, sizeof *t->texts);
    ok = ok && t->memory && t->texts;
    kept = t->memory;
    for (size_t i = 0, end; i < all.len && ok; i = end + 1) {
        const char *newline = memchr(all.ptr + i, '\n', all.len - i);
        end = newline ? (size_t)(newline - all.ptr) : all.len;
        ok = end == i || read_line(t, (struct lac_str){all.ptr + i, end - i}, &kept);
    }
    lac_buf_deinit(&all);
    if (err.text[0])
        fprintf(stderr, "encode: %s\n", err.text);
    return ok;
}

bool bench_texts_open(struct bench_texts *t, const char *folder)
{
    struct lac_err err = {0};
    glob_t files;
    bool ok = false;

    if (glob("packs/starter/*.jsonl", 0, NULL, &files) != 0) {
        fprintf(stderr, "encode: no packs/starter/*.jsonl: run it in the source tree\n");
        return false;
    }
    (void)glob("tests/data/eval/*.jsonl", GLOB_APPEND, NULL, &files);
    if (lac_encode_tokenizer_open(&t->tokenizer, folder, &err) == LAC_OK &&
        lac_encode_words_new(&t->words, t->tokenizer, LAC_ENCODE_WORDS_DEFAULT, &err) == LAC_OK)
        ok = read_files(t, &files);
    else
        fprintf(stderr, "encode: %s\n", err.text);
    globfree(&files);
    return ok;
}

void bench_texts_close(struct bench_texts *t)
{
    lac_encode_words_free(t->words);
    lac_encode_tokenizer_close(t->tokenizer);
    free(t->memory);
    free(t->texts);
}

size_t bench_texts_ids(struct bench_texts *t, size_t text, size_t most, int32_t *ids)
{
    const struct lac_encode_tokenizer_info *info = lac_encode_tokenizer_info(t->tokenizer);
    size_t room = most - 2, count;
    int32_t *all = ids + 1;
    struct lac_encode_span spans[512];

    if (room > LAC_COUNT(spans))
        room = LAC_COUNT(spans);
    count = lac_encode_tokenize(t->words, t->texts[text], all, spans, room);
    count = count < room ? count : room;
    ids[0] = info->cls;
    ids[count + 1] = info->sep;
    return count + 2;
}

bool bench_texts_cut(struct bench_texts *t, size_t length, size_t count, int32_t *ids)
{
    const struct lac_encode_tokenizer_info *info = lac_encode_tokenizer_info(t->tokenizer);
    int32_t some[512 + 2];
    size_t at = 0, done = 0;

    for (size_t i = 0; i < t->count && done < count; i++) {
        size_t n = bench_texts_ids(t, i, LAC_COUNT(some), some) - 1;
        for (size_t k = 1; k < n && done < count; k++) {
            int32_t *row = ids + done * length;
            row[0] = info->cls;
            row[1 + at++] = some[k];
            if (at < length - 2)
                continue;
            row[length - 1] = info->sep;
            at = 0;
            done++;
        }
    }
    return done == count;
}
