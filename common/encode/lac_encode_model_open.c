/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_buf.h"
#include "lac_encode_model_config.h"
#include "lac_encode_model_index.h"
#include "lac_encode_model_internal.h"
#include "lac_encode_model_tensors.h"
#include "lac_file.h"

enum { PATH_SIZE = 4096 };

/* More than any model within our limits in 32-bit floats, so that sizes never surprise. */
static const off_t file_bytes_max = (off_t)8 << 30;

/* Puts the file's name before the text of an error. */
static enum lac_status in_file(enum lac_status status, const char *name, struct lac_err *err)
{
    struct lac_err inner;

    if (status == LAC_OK || !err)
        return status;
    inner = *err;
    return lac_err_set(err, status, inner.code, "%s: %s", name, inner.text);
}

/* Reads a small file below the folder. `*found` is false, and all is well, where an optional one
 * does not exist. */
static enum lac_status read_small(const struct lac_encode_model *m, const char *name,
                                  struct lac_buf *out, bool *found, struct lac_err *err)
{
    char path[PATH_SIZE];

    if (snprintf(path, sizeof(path), "%s/%s", m->folder, name) >= (int)sizeof(path))
        return lac_err_set(err, LAC_FATAL, ENAMETOOLONG, "the path of %s is too long", name);
    lac_buf_reset(out);
    if (found) {
        *found = access(path, F_OK) == 0;
        if (!*found && errno == ENOENT)
            return LAC_OK;
    }
    return lac_file_read(path, out, err);
}

static enum lac_status read_config(struct lac_encode_model *m, struct lac_buf *buf,
                                   struct lac_err *err)
{
    enum lac_status status = read_small(m, "config.json", buf, NULL, err);

    if (status != LAC_OK)
        return status;
    return in_file(lac_encode_config_read(lac_buf_str(buf), &m->weights, err), "config.json", err);
}

/* How vectors of tokens become one. Without modules.json the mean, as sentence-transformers does.
 */
static enum lac_status read_modules(struct lac_encode_model *m, struct lac_buf *buf,
                                    struct lac_err *err)
{
    char name[LAC_ENCODE_MODEL_PATH_MAX + sizeof("/config.json")];
    struct lac_encode_modules modules;
    enum lac_status status;
    bool found = false;

    status = read_small(m, "modules.json", buf, &found, err);
    if (status != LAC_OK || !found)
        return status;
    status = lac_encode_modules_read(lac_buf_str(buf), &modules, err);
    if (status != LAC_OK)
        return in_file(status, "modules.json", err);
    m->weights.normalize = modules.normalize;
    memcpy(m->pooling_folder, modules.pooling_folder, sizeof(m->pooling_folder));
    (void)snprintf(name, sizeof(name), "%s/config.json", m->pooling_folder);
    status = read_small(m, name, buf, NULL, err);
    if (status != LAC_OK)
        return status;
    return in_file(
        lac_encode_pooling_read(lac_buf_str(buf), m->weights.hidden, &m->weights.pooling, err),
        name, err);
}

/* How long a text may be, as sentence-transformers finds it: its own file, else the tokenizer's. */
static enum lac_status read_window(struct lac_encode_model *m, struct lac_buf *buf,
                                   struct lac_err *err)
{
    static const struct {
        const char *name;
        enum lac_status (*read)(struct lac_str, uint32_t *, struct lac_err *);
    } files[] = {{"tokenizer_config.json", lac_encode_limit_read},
                 {"sentence_bert_config.json", lac_encode_window_read}};
    enum lac_status status = LAC_OK;

    for (size_t i = 0; status == LAC_OK && i < LAC_COUNT(files); i++) {
        bool found;

        status = read_small(m, files[i].name, buf, &found, err);
        if (status != LAC_OK || !found)
            continue;
        status = files[i].read(lac_buf_str(buf), &m->weights.window, err);
        if (status == LAC_OK)
            status = lac_encode_shape_check(&m->weights, err);
        status = in_file(status, files[i].name, err);
    }
    return status;
}

static enum lac_status read_rest(struct lac_encode_model *m, struct lac_buf *buf,
                                 struct lac_err *err)
{
    enum lac_status status;
    bool found = false;

    status = read_window(m, buf, err);
    if (status != LAC_OK)
        return status;
    status = read_small(m, "config_sentence_transformers.json", buf, &found, err);
    if (status == LAC_OK && found)
        status = in_file(lac_encode_prompts_read(lac_buf_str(buf), m->prefix, err),
                         "config_sentence_transformers.json", err);
    return status;
}

/* `*budget`: how many bytes of weights may still come. */
static enum lac_status map_open(struct lac_encode_shard *shard, int fd, const char *path,
                                off_t *budget, struct lac_err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return lac_err_set(err, LAC_FATAL, errno, "%s: %s", path, lac_errno_text(errno));
    if (!S_ISREG(st.st_mode))
        return lac_err_set(err, LAC_FATAL, EINVAL, "%s: not a regular file", path);
    if (st.st_size == 0 || st.st_size > *budget)
        return lac_err_set(err, LAC_REJECT, 0, "%s: is empty, or all weights are over 8 GiB",
                           shard->name);
    shard->map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (shard->map == MAP_FAILED) {
        shard->map = NULL;
        return lac_err_set(err, LAC_FATAL, errno, "%s: cannot map it: %s", path,
                           lac_errno_text(errno));
    }
    shard->size = (size_t)st.st_size;
    *budget -= st.st_size;
    return LAC_OK;
}

static enum lac_status map_shard(struct lac_encode_model *m, struct lac_encode_shard *shard,
                                 off_t *budget, struct lac_err *err)
{
    enum lac_status status;
    char path[PATH_SIZE];
    int fd;

    if (snprintf(path, sizeof(path), "%s/%s", m->folder, shard->name) >= (int)sizeof(path))
        return lac_err_set(err, LAC_FATAL, ENAMETOOLONG, "the model folder's path is too long");
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT && !m->indexed)
        return lac_err_set(err, LAC_FATAL, ENOENT,
                           "%s: there is none, and no " LAC_ENCODE_INDEX " either", path);
    if (fd < 0)
        return lac_err_set(err, LAC_FATAL, errno, "%s: %s", path, lac_errno_text(errno));
    status = map_open(shard, fd, path, budget, err);
    close(fd);
    return status;
}

/* Puts the tensors of a shard behind those of `all`, which has room for them. */
static enum lac_status add_shard(struct lac_encode_model *m, const struct lac_encode_index *x,
                                 uint32_t index, struct lac_encode_tensors *table,
                                 struct lac_encode_tensors *all, struct lac_err *err)
{
    const struct lac_encode_shard *shard = &m->shards[index];
    enum lac_status status = lac_encode_tensors_init(table, shard->map, shard->size, err);

    if (status != LAC_OK)
        return in_file(status, shard->name, err);
    status = lac_encode_index_check(x, index, table, err);
    if (status != LAC_OK)
        return in_file(status, LAC_ENCODE_INDEX, err);
    if (table->count)
        memcpy(all->entries + all->count, table->entries, table->count * sizeof(*all->entries));
    all->count += table->count;
    return LAC_OK;
}

/* The tensors of all files as if they were in one. */
static enum lac_status bind_shards(struct lac_encode_model *m, const struct lac_encode_index *x,
                                   struct lac_err *err)
{
    struct lac_encode_tensors *tables = calloc(x->shard_count, sizeof(*tables));
    struct lac_encode_tensors all = {.entries = calloc(x->count, sizeof(*all.entries))};
    off_t budget = file_bytes_max;
    enum lac_status status = LAC_OK;

    if (!tables || !all.entries)
        status = lac_err_set(err, LAC_RETRY, 0, "out of memory");
    for (uint32_t i = 0; status == LAC_OK && i < x->shard_count; i++) {
        memcpy(m->shards[i].name, x->shards[i], sizeof(m->shards[i].name));
        m->shard_count = i + 1;
        status = map_shard(m, &m->shards[i], &budget, err);
        if (status == LAC_OK)
            status = add_shard(m, x, i, &tables[i], &all, err);
    }
    if (status == LAC_OK) {
        lac_encode_tensors_sort(&all);
        status = in_file(lac_encode_tensors_bind(&all, &m->weights, err), LAC_ENCODE_INDEX, err);
    }
    for (uint32_t i = 0; tables && i < x->shard_count; i++)
        lac_encode_tensors_deinit(&tables[i]);
    lac_encode_tensors_deinit(&all);
    free(tables);
    return status;
}

static enum lac_status read_shards(struct lac_encode_model *m, struct lac_str json,
                                   struct lac_err *err)
{
    struct lac_encode_index *x = malloc(sizeof(*x));
    enum lac_status status;

    if (!x)
        return lac_err_set(err, LAC_RETRY, 0, "out of memory");
    status = in_file(lac_encode_index_read(x, json, err), LAC_ENCODE_INDEX, err);
    if (status == LAC_OK) {
        m->indexed = true;
        status = bind_shards(m, x, err);
        lac_encode_index_deinit(x);
    }
    free(x);
    return status;
}

static enum lac_status read_single(struct lac_encode_model *m, struct lac_err *err)
{
    struct lac_encode_shard *shard = &m->shards[0];
    struct lac_encode_tensors tensors;
    off_t budget = file_bytes_max;
    enum lac_status status;

    memcpy(shard->name, LAC_ENCODE_WEIGHTS, sizeof(LAC_ENCODE_WEIGHTS));
    m->shard_count = 1;
    status = map_shard(m, shard, &budget, err);
    if (status != LAC_OK)
        return status;
    status = lac_encode_tensors_init(&tensors, shard->map, shard->size, err);
    if (status == LAC_OK) {
        status = lac_encode_tensors_bind(&tensors, &m->weights, err);
        lac_encode_tensors_deinit(&tensors);
    }
    return in_file(status, LAC_ENCODE_WEIGHTS, err);
}

/* A single file goes before an index, as in transformers. */
static enum lac_status read_weights(struct lac_encode_model *m, struct lac_buf *buf,
                                    struct lac_err *err)
{
    char path[PATH_SIZE];
    enum lac_status status = LAC_OK;
    bool found = false;

    if (snprintf(path, sizeof(path), "%s/" LAC_ENCODE_WEIGHTS, m->folder) >= (int)sizeof(path))
        return lac_err_set(err, LAC_FATAL, ENAMETOOLONG, "the model folder's path is too long");
    if (access(path, F_OK) != 0 && errno == ENOENT)
        status = read_small(m, LAC_ENCODE_INDEX, buf, &found, err);
    if (status != LAC_OK)
        return status;
    return found ? read_shards(m, lac_buf_str(buf), err) : read_single(m, err);
}

enum lac_status lac_encode_model_open(struct lac_encode_model **out, const char *folder,
                                      struct lac_err *err)
{
    struct lac_encode_model *m = calloc(1, sizeof(*m));
    enum lac_status status;
    struct lac_buf buf;

    *out = NULL;
    if (m)
        m->folder = strdup(folder);
    if (!m || !m->folder) {
        free(m);
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for a model");
    }
    lac_buf_init(&buf, LAC_ENCODE_CONFIG_BYTES);
    status = read_config(m, &buf, err);
    if (status == LAC_OK)
        status = read_modules(m, &buf, err);
    if (status == LAC_OK)
        status = read_rest(m, &buf, err);
    if (status == LAC_OK)
        status = read_weights(m, &buf, err);
    lac_buf_deinit(&buf);
    if (status == LAC_OK) {
        *out = m;
        return LAC_OK;
    }
    lac_encode_model_close(m);
    /* A caller that opens a model has nothing to try again with. */
    return status == LAC_RETRY && err ? lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for a model")
                                      : (status == LAC_RETRY ? LAC_FATAL : status);
}
