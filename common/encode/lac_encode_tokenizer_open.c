/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lac_encode_tokenizer_internal.h"
#include "lac_file.h"

/* Which entries can begin a word and which can go on with one. Special tokens can do neither: a
 * text is data. */
static enum lac_status index_vocab(struct lac_encode_tokenizer *t, struct lac_err *err)
{
    const size_t prefix = sizeof(LAC_ENCODE_PREFIX) - 1;
    struct lac_encode_trie_key *begin = calloc(t->vocab.count + 1, sizeof(*begin));
    struct lac_encode_trie_key *more = calloc(t->vocab.count + 1, sizeof(*more));
    size_t begin_count = 0, more_count = 0;
    enum lac_status status;

    for (uint32_t id = 0; begin && more && id < t->vocab.count; id++) {
        struct lac_str text = lac_encode_vocab_at(&t->vocab, id);

        if (!text.len || t->vocab.slots[id].special)
            continue;
        if (text.len < prefix || memcmp(text.ptr, LAC_ENCODE_PREFIX, prefix) != 0)
            begin[begin_count++] = (struct lac_encode_trie_key){text, (int32_t)id};
        else if (text.len > prefix)
            more[more_count++] =
                (struct lac_encode_trie_key){lac_str_slice(text, prefix, text.len), (int32_t)id};
    }
    status = begin && more
                 ? lac_encode_trie_init(&t->trie, begin, begin_count, more, more_count, err)
                 : lac_err_set(err, LAC_RETRY, 0, "no memory for a tokenizer");
    free(begin);
    free(more);
    return status;
}

/* Errors name the word by its id: whichever file has it. */
static enum lac_status index_added(struct lac_encode_tokenizer *t, struct lac_err *err)
{
    struct lac_err why;
    int32_t id = LAC_ENCODE_NO_ID;
    enum lac_status status = lac_encode_added_init(t, &id, &why);

    return status == LAC_REJECT
               ? lac_err_set(err, status, 0, "tokenizer.json: added token %d: %s", id, why.text)
           : status != LAC_OK ? lac_err_set(err, status, why.code, "%s", why.text)
                              : LAC_OK;
}

enum lac_status lac_encode_tokenizer_parse(struct lac_encode_tokenizer **out,
                                           const struct lac_encode_tokenizer_files *files,
                                           struct lac_err *err)
{
    struct lac_encode_tokenizer *t = calloc(1, sizeof(*t));
    enum lac_status status;

    *out = NULL;
    if (!t)
        return lac_err_set(err, LAC_RETRY, 0, "no memory for a tokenizer");
    lac_encode_vocab_init(&t->vocab);
    status = lac_encode_tokenizer_read(t, files, err);
    if (status == LAC_OK)
        status = index_vocab(t, err);
    if (status == LAC_OK)
        status =
            lac_encode_chars_init(&t->chars,
                                  (struct lac_encode_steps){t->info.clean, t->info.ideographs,
                                                            t->info.strip_accents, t->info.lower},
                                  err);
    if (status == LAC_OK)
        status = index_added(t, err);
    if (status != LAC_OK) {
        lac_encode_tokenizer_close(t);
        return status;
    }
    *out = t;
    return LAC_OK;
}

/* Absent where there is none. */
static enum lac_status read_file(const char *folder, const char *name, struct lac_buf *b,
                                 struct lac_str *out, struct lac_err *err)
{
    char path[PATH_MAX];
    enum lac_status status;

    *out = LAC_STR_NULL;
    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return lac_err_set(err, LAC_FATAL, ENAMETOOLONG, "%s: the path is too long", name);
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return LAC_OK;
    status = lac_file_read(path, b, err);
    if (status == LAC_OK)
        *out = lac_buf_str(b);
    return status;
}

/* Errors of the content name the folder too: a machine has several models. */
static enum lac_status in_folder(enum lac_status status, const char *folder, struct lac_err *err)
{
    char why[LAC_ERR_TEXT_SIZE];

    if (!err)
        return status;
    memcpy(why, err->text, sizeof(why));
    return lac_err_set(err, status, err->code, "%s/%s", folder, why);
}

enum lac_status lac_encode_tokenizer_open(struct lac_encode_tokenizer **out, const char *folder,
                                          struct lac_err *err)
{
    struct lac_buf json, vocab, config, sentence;
    struct lac_encode_tokenizer_files files;
    enum lac_status status;

    *out = NULL;
    lac_buf_init(&json, LAC_ENCODE_VOCAB_BYTES);
    lac_buf_init(&vocab, LAC_ENCODE_VOCAB_BYTES);
    lac_buf_init(&config, LAC_ENCODE_VOCAB_BYTES);
    lac_buf_init(&sentence, LAC_ENCODE_VOCAB_BYTES);
    status = read_file(folder, "tokenizer.json", &json, &files.json, err);
    if (status == LAC_OK)
        status = read_file(folder, "vocab.txt", &vocab, &files.vocab, err);
    if (status == LAC_OK)
        status = read_file(folder, "tokenizer_config.json", &config, &files.config, err);
    if (status == LAC_OK)
        status = read_file(folder, "sentence_bert_config.json", &sentence, &files.sentence, err);
    if (status == LAC_OK && !files.json.ptr && !files.vocab.ptr)
        status =
            lac_err_set(err, LAC_FATAL, ENOENT, "%s: neither tokenizer.json nor vocab.txt", folder);
    else if (status == LAC_OK) {
        status = lac_encode_tokenizer_parse(out, &files, err);
        if (status == LAC_REJECT)
            status = in_folder(status, folder, err);
    }
    lac_buf_deinit(&json);
    lac_buf_deinit(&vocab);
    lac_buf_deinit(&config);
    lac_buf_deinit(&sentence);
    return status;
}

enum lac_status lac_encode_tokenizer_fits(const struct lac_encode_tokenizer *t, uint32_t rows,
                                          struct lac_err *err)
{
    if (t->info.vocab <= rows)
        return LAC_OK;
    return lac_err_set(err, LAC_REJECT, 0,
                       "the tokenizer has %u words, embeddings.word_embeddings.weight has rows for "
                       "%u: they don't belong together",
                       t->info.vocab, rows);
}

void lac_encode_tokenizer_close(struct lac_encode_tokenizer *t)
{
    if (!t)
        return;
    lac_encode_vocab_deinit(&t->vocab);
    lac_encode_added_deinit(&t->added);
    lac_encode_trie_deinit(&t->trie);
    lac_encode_chars_deinit(&t->chars);
    free(t);
}

const struct lac_encode_tokenizer_info *
lac_encode_tokenizer_info(const struct lac_encode_tokenizer *t)
{
    return &t->info;
}

struct lac_str lac_encode_tokenizer_piece(const struct lac_encode_tokenizer *t, int32_t id)
{
    return id < 0 ? LAC_STR_NULL : lac_encode_vocab_at(&t->vocab, (uint32_t)id);
}
