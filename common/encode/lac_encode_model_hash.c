/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_digest.h"
#include "lac_encode_model_internal.h"

_Static_assert((int)LAC_ENCODE_HASH_SIZE == (int)LAC_SHA256_SIZE, "a hash is a SHA-256");

enum { STEP = 1 << 18, PATH_SIZE = 4096, LINE_SIZE = 256 };

/* Those without weights. */
static const char *const files[] = {
    "config.json",
    "config_sentence_transformers.json",
    "modules.json",
    "sentence_bert_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
};

_Static_assert(LAC_COUNT(files) + LAC_ENCODE_SHARD_MAX + 1 < LAC_ENCODE_NAMES_MAX,
               "room for them, the index and the pooling's");

size_t lac_encode_model_names(const struct lac_encode_model *m,
                              const char *out[LAC_ENCODE_NAMES_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < LAC_COUNT(files); i++)
        out[count++] = files[i];
    for (uint32_t i = 0; i < m->shard_count; i++)
        out[count++] = m->shards[i].name;
    if (m->indexed)
        out[count++] = LAC_ENCODE_INDEX;
    return count;
}

struct hasher {
    struct lac_sha256_ctx *lines, *file;
    char *step; /* [STEP] */
};

static enum lac_status hash_content(struct hasher *h, int fd, const char *path, const char *name,
                                    struct lac_err *err)
{
    unsigned char digest[LAC_SHA256_SIZE];
    char hex[2 * LAC_SHA256_SIZE + 1], line[LINE_SIZE];
    unsigned long long size = 0;
    struct stat st;
    int n;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return lac_err_set(err, LAC_FATAL, EINVAL, "%s: not a regular file", path);
    lac_sha256_init(h->file);
    for (;;) {
        ssize_t got = read(fd, h->step, STEP);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return lac_err_set(err, LAC_FATAL, errno, "%s: %s", path, lac_errno_text(errno));
        if (got == 0)
            break;
        lac_sha256_update(h->file, h->step, (size_t)got);
        size += (unsigned long long)got;
    }
    lac_sha256_final(h->file, digest);
    lac_hex_encode(hex, digest, sizeof(digest));
    n = snprintf(line, sizeof(line), "%s, %llu, %s\n", name, size, hex);
    lac_sha256_update(h->lines, line, (size_t)n);
    return LAC_OK;
}

static enum lac_status hash_file(struct hasher *h, const char *folder, const char *name,
                                 struct lac_err *err)
{
    char path[PATH_SIZE];
    enum lac_status status;
    int fd;

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return lac_err_set(err, LAC_FATAL, ENAMETOOLONG, "the path of %s is too long", name);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return LAC_OK;
    if (fd < 0)
        return lac_err_set(err, LAC_FATAL, errno, "%s: %s", path, lac_errno_text(errno));
    status = hash_content(h, fd, path, name, err);
    close(fd);
    return status;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum lac_status hash_folder(struct hasher *h, const struct lac_encode_model *m,
                                   struct lac_err *err)
{
    char pooling[LAC_ENCODE_MODEL_PATH_MAX + sizeof("/config.json")];
    const char *names[LAC_ENCODE_NAMES_MAX];
    enum lac_status status = LAC_OK;
    size_t count = lac_encode_model_names(m, names);

    if (m->pooling_folder[0]) {
        (void)snprintf(pooling, sizeof(pooling), "%s/config.json", m->pooling_folder);
        names[count++] = pooling;
    }
    qsort(names, count, sizeof(*names), by_bytes);
    for (size_t i = 0; status == LAC_OK && i < count; i++)
        status = hash_file(h, m->folder, names[i], err);
    return status;
}

/* Shape and seed are all there is to know about a generated one. */
static void hash_generated(struct hasher *h, const struct lac_encode_model *m)
{
    const struct lac_encode_weights *w = &m->weights;
    char line[LINE_SIZE];
    int n = snprintf(line, sizeof(line), "generated, %u %u %u %u %u %u %u %u %a %d %d, %llu\n",
                     w->hidden, w->layers, w->heads, w->ffn, w->vocab, w->positions, w->types,
                     w->window, (double)w->eps, (int)w->pooling, w->normalize,
                     (unsigned long long)m->seed);

    lac_sha256_update(h->lines, line, (size_t)n);
}

enum lac_status lac_encode_model_hash(const struct lac_encode_model *m,
                                      unsigned char out[LAC_ENCODE_HASH_SIZE], struct lac_err *err)
{
    struct hasher h = {0};
    enum lac_status status;

    if (m->hash_known) {
        memcpy(out, m->hash, LAC_ENCODE_HASH_SIZE);
        return LAC_OK;
    }
    status = lac_sha256_new(&h.lines, err);
    if (status == LAC_OK)
        status = lac_sha256_new(&h.file, err);
    if (status == LAC_OK) {
        h.step = malloc(STEP);
        if (!h.step)
            status = lac_err_set(err, LAC_FATAL, ENOMEM, "no memory to hash a model");
    }
    if (status == LAC_OK) {
        lac_sha256_init(h.lines);
        if (m->folder)
            status = hash_folder(&h, m, err);
        else
            hash_generated(&h, m);
    }
    if (status == LAC_OK)
        lac_sha256_final(h.lines, out);
    free(h.step);
    lac_sha256_free(h.file);
    lac_sha256_free(h.lines);
    return status;
}
