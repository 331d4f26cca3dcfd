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

static enum lac_status map_file(struct lac_encode_model *m, const char *path, struct lac_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    enum lac_status status = LAC_OK;
    struct stat st;

    if (fd < 0 && errno == ENOENT)
        return lac_err_set(err, LAC_FATAL, ENOENT,
                           "%s: there is none; weights are read from a single file of this name",
                           path);
    if (fd < 0 || fstat(fd, &st) != 0) {
        status = lac_err_set(err, LAC_FATAL, errno, "%s: %s", path, lac_errno_text(errno));
    } else if (!S_ISREG(st.st_mode)) {
        status = lac_err_set(err, LAC_FATAL, EINVAL, "%s: not a regular file", path);
    } else if (st.st_size == 0 || st.st_size > file_bytes_max) {
        status = lac_err_set(err, LAC_REJECT, 0, "model.safetensors: is empty or over 8 GiB");
    } else {
        m->size = (size_t)st.st_size;
        m->map = mmap(NULL, m->size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (m->map == MAP_FAILED) {
            m->map = NULL;
            status = lac_err_set(err, LAC_FATAL, errno, "%s: cannot map it: %s", path,
                                 lac_errno_text(errno));
        }
    }
    if (fd >= 0)
        close(fd);
    return status;
}

static enum lac_status read_weights(struct lac_encode_model *m, struct lac_err *err)
{
    struct lac_encode_tensors tensors;
    char path[PATH_SIZE];
    enum lac_status status;

    if (snprintf(path, sizeof(path), "%s/model.safetensors", m->folder) >= (int)sizeof(path))
        return lac_err_set(err, LAC_FATAL, ENAMETOOLONG, "the model folder's path is too long");
    status = map_file(m, path, err);
    if (status != LAC_OK)
        return status;
    status = lac_encode_tensors_init(&tensors, m->map, m->size, err);
    if (status == LAC_OK) {
        status = lac_encode_tensors_bind(&tensors, &m->weights, err);
        lac_encode_tensors_deinit(&tensors);
    }
    return in_file(status, "model.safetensors", err);
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
        status = read_weights(m, err);
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
