/* SPDX-License-Identifier: Apache-2.0 */
/* Adding and removing: what is written, in which order, so that no reader sees half of a model. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dirent.h>

#include "lac_encode_model_internal.h"
#include "lac_encode_store_internal.h"
#include "lac_encode_tokenizer.h"
#include "lac_file.h"

enum { STEP = 1 << 18 };

static enum lac_status make_folder(const char *path, struct lac_err *err)
{
    return mkdir(path, 0755) == 0 || errno == EEXIST ? LAC_OK : lac_encode_store_fail(err, path);
}

/* The store with the folders above it. */
static enum lac_status make_store(const char *store, struct lac_err *err)
{
    char path[PATH_MAX];
    enum lac_status status = lac_encode_store_path(path, store, "names", "", err);

    if (status == LAC_OK && !lac_file_make_folders(path, lac_file_shared_len(path)))
        status = lac_encode_store_fail(err, path);
    return status;
}

static enum lac_status sync_folder(const char *path, struct lac_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    enum lac_status status = ok ? LAC_OK : lac_encode_store_fail(err, path);

    if (fd >= 0)
        close(fd);
    return status;
}

static enum lac_status copy_bytes(int from, const char *source, int to, const char *target,
                                  struct lac_err *err)
{
    char *step = malloc(STEP);
    enum lac_status status = LAC_OK;

    if (!step)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory to copy a model");
    for (;;) {
        ssize_t n = read(from, step, STEP);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            status = lac_encode_store_fail(err, source);
        else if (n > 0 && !lac_file_write_all(to, step, (size_t)n))
            status = lac_encode_store_fail(err, target);
        if (n <= 0 || status != LAC_OK)
            break;
    }
    free(step);
    if (status == LAC_OK && fsync(to) != 0)
        status = lac_encode_store_fail(err, target);
    return status;
}

/* One file of the model; one that isn't there need not be. */
static enum lac_status copy_file(const char *folder, const char *into, const char *name,
                                 struct lac_err *err)
{
    char source[PATH_MAX], target[PATH_MAX];
    enum lac_status status;
    int from, to;

    if (snprintf(source, sizeof(source), "%s/%s", folder, name) >= PATH_MAX ||
        snprintf(target, sizeof(target), "%s/%s", into, name) >= PATH_MAX)
        return lac_err_set(err, LAC_FATAL, ENAMETOOLONG, "the path of %s is too long", name);
    from = open(source, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (from < 0)
        return errno == ENOENT ? LAC_OK : lac_encode_store_fail(err, source);
    to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    status =
        to < 0 ? lac_encode_store_fail(err, target) : copy_bytes(from, source, to, target, err);
    close(from);
    if (to >= 0 && close(to) != 0 && status == LAC_OK)
        status = lac_encode_store_fail(err, target);
    return status;
}

/* The pooling's folder may have folders above it. */
static enum lac_status copy_pooling(const struct lac_encode_model *m, const char *into,
                                    struct lac_err *err)
{
    char name[LAC_ENCODE_MODEL_PATH_MAX + sizeof("/config.json")], path[PATH_MAX];
    enum lac_status status = LAC_OK;

    if (!m->pooling_folder[0])
        return LAC_OK;
    (void)snprintf(name, sizeof(name), "%s/config.json", m->pooling_folder);
    for (char *at = strchr(name, '/'); status == LAC_OK && at; at = strchr(at + 1, '/')) {
        *at = 0;
        if (snprintf(path, sizeof(path), "%s/%s", into, name) >= PATH_MAX)
            status = lac_err_set(err, LAC_FATAL, ENAMETOOLONG, "the path of %s is too long", name);
        else
            status = make_folder(path, err);
        if (status == LAC_OK)
            status = sync_folder(path, err);
        *at = '/';
    }
    return status == LAC_OK ? copy_file(m->folder, into, name, err) : status;
}

/* Removes a model's folder: files, and folders in it two levels deep at most. */
static void remove_folder(const char *path, int depth)
{
    struct dirent *entry;
    DIR *dir = opendir(path);

    while (dir && (entry = readdir(dir))) { /* NOLINT(concurrency-mt-unsafe): our own stream */
        char inner[PATH_MAX];

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name) >= PATH_MAX)
            continue;
        if (unlink(inner) != 0 && depth > 0)
            remove_folder(inner, depth - 1);
    }
    if (dir)
        closedir(dir);
    (void)rmdir(path);
}

enum { REMOVE_DEPTH = LAC_ENCODE_MODEL_PATH_MAX / 2 };

static enum lac_status copy_model(const struct lac_encode_model *m, const char *into,
                                  struct lac_err *err)
{
    const char *names[LAC_ENCODE_NAMES_MAX];
    size_t count = lac_encode_model_names(m, names);
    enum lac_status status = LAC_OK;

    for (size_t i = 0; status == LAC_OK && i < count; i++)
        status = copy_file(m->folder, into, names[i], err);
    if (status == LAC_OK)
        status = copy_pooling(m, into, err);
    return status == LAC_OK ? sync_folder(into, err) : status;
}

/* A model without a tokenizer of its own would only be refused where texts are waiting for it. */
static enum lac_status check_tokenizer(const struct lac_encode_model *m, struct lac_err *err)
{
    struct lac_encode_tokenizer *t;
    enum lac_status status = lac_encode_tokenizer_open(&t, m->folder, err);

    if (status == LAC_OK)
        status = lac_encode_tokenizer_fits(t, m->weights.vocab, err);
    lac_encode_tokenizer_close(t);
    return status;
}

/* The copy decides: whatever became of the source meanwhile, what is stored is what was hashed. */
static enum lac_status hash_copy(const char *folder, unsigned char hash[LAC_ENCODE_HASH_SIZE],
                                 struct lac_err *err)
{
    struct lac_encode_model *copy;
    enum lac_status status = lac_encode_model_open(&copy, folder, err);

    if (status != LAC_OK)
        return status;
    status = check_tokenizer(copy, err);
    if (status == LAC_OK)
        status = lac_encode_model_hash(copy, hash, err);
    lac_encode_model_close(copy);
    return status;
}

static enum lac_status put_name(const char *store, const char *name, const char *hex,
                                struct lac_err *err)
{
    char path[PATH_MAX], fresh[PATH_MAX], to[128];
    enum lac_status status = lac_encode_store_path(path, store, "names/", name, err);

    if (status == LAC_OK)
        status = lac_encode_store_path(fresh, store, "names/.new-", name, err);
    if (status != LAC_OK)
        return status;
    (void)snprintf(to, sizeof(to), "../" LAC_ENCODE_STORE_PREFIX "%s", hex);
    (void)unlink(fresh);
    if (symlink(to, fresh) != 0 || rename(fresh, path) != 0)
        return lac_encode_store_fail(err, path);
    return LAC_OK;
}

/* Takes the finished copy for what lies at its place, unless that is the same still. Programs that
 * have the old files mapped keep them. */
static enum lac_status repair(const char *fresh, const char *path, const char *hex,
                              struct lac_err *err)
{
    unsigned char hash[LAC_ENCODE_HASH_SIZE];
    char there[2 * LAC_ENCODE_HASH_SIZE + 1] = "";

    if (hash_copy(path, hash, err) == LAC_OK)
        lac_hex_encode(there, hash, sizeof(hash));
    if (strcmp(there, hex) == 0)
        return LAC_OK;
    return renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_EXCHANGE) == 0
               ? LAC_OK
               : lac_encode_store_fail(err, path);
}

/* Moves the finished copy to where it belongs. */
static enum lac_status publish(const char *store, const char *fresh, const char *hex,
                               struct lac_err *err)
{
    char path[PATH_MAX];
    enum lac_status status = lac_encode_store_path(path, store, LAC_ENCODE_STORE_PREFIX, hex, err);

    if (status != LAC_OK)
        return status;
    if (rename(fresh, path) != 0) {
        if (errno != EEXIST && errno != ENOTEMPTY)
            return lac_encode_store_fail(err, path);
        status = repair(fresh, path, hex, err);
        if (status != LAC_OK)
            return status;
        remove_folder(fresh, REMOVE_DEPTH);
    }
    return sync_folder(store, err);
}

enum lac_status lac_encode_store_add(const char *store, const char *folder, const char *name,
                                     unsigned char hash[LAC_ENCODE_HASH_SIZE], struct lac_err *err)
{
    char fresh[PATH_MAX], hex[2 * LAC_ENCODE_HASH_SIZE + 1];
    struct lac_encode_model *m;
    enum lac_status status;

    if (name && !lac_encode_store_name_ok(name))
        return lac_err_set(err, LAC_REJECT, 0,
                           "a model's name has at most %d letters, digits, '.', '_' and '-' and is "
                           "no hash",
                           LAC_ENCODE_STORE_NAME_MAX);
    status = lac_encode_model_open(&m, folder, err);
    if (status != LAC_OK)
        return status;
    status = check_tokenizer(m, err);
    if (status == LAC_OK)
        status = make_store(store, err);
    if (status == LAC_OK)
        status = lac_encode_store_path(fresh, store, ".new-XXXXXX", "", err);
    if (status == LAC_OK && (!mkdtemp(fresh) || chmod(fresh, 0755) != 0))
        status = lac_encode_store_fail(err, fresh);
    if (status == LAC_OK) {
        status = copy_model(m, fresh, err);
        if (status == LAC_OK)
            status = hash_copy(fresh, hash, err);
        if (status == LAC_OK) {
            lac_hex_encode(hex, hash, LAC_ENCODE_HASH_SIZE);
            status = publish(store, fresh, hex, err);
        }
        if (status != LAC_OK)
            remove_folder(fresh, REMOVE_DEPTH);
    }
    lac_encode_model_close(m);
    return status == LAC_OK && name ? put_name(store, name, hex, err) : status;
}

static void remove_names(const char *store, const char *hex)
{
    char folder[PATH_MAX], want[128];
    struct dirent *entry;
    DIR *dir;

    (void)snprintf(want, sizeof(want), "../" LAC_ENCODE_STORE_PREFIX "%s", hex);
    if (lac_encode_store_path(folder, store, "names", "", NULL) != LAC_OK)
        return;
    dir = opendir(folder);
    if (!dir)
        return;
    while ((entry = readdir(dir))) { /* NOLINT(concurrency-mt-unsafe): our own stream */
        char path[PATH_MAX], to[128];
        ssize_t n;

        if (lac_encode_store_path(path, store, "names/", entry->d_name, NULL) != LAC_OK)
            continue;
        n = readlink(path, to, sizeof(to) - 1);
        if (n < 0)
            continue;
        to[n] = 0;
        if (strcmp(to, want) == 0)
            (void)unlink(path);
    }
    closedir(dir);
}

enum lac_status lac_encode_store_remove(const char *store, const char *what,
                                        unsigned char hash[LAC_ENCODE_HASH_SIZE],
                                        struct lac_err *err)
{
    char path[PATH_MAX], aside[PATH_MAX], hex[2 * LAC_ENCODE_HASH_SIZE + 1];
    enum lac_status status;

    if (!lac_encode_store_find(store, what, hash))
        return lac_err_set(err, LAC_REJECT, 0, "no model \"%.80s\" in %s", what, store);
    lac_hex_encode(hex, hash, LAC_ENCODE_HASH_SIZE);
    status = lac_encode_store_path(path, store, LAC_ENCODE_STORE_PREFIX, hex, err);
    if (status == LAC_OK)
        status = lac_encode_store_path(aside, store, ".old-", hex, err);
    if (status != LAC_OK)
        return status;
    remove_names(store, hex); /* first: a name never leads to nothing */
    if (rename(path, aside) != 0)
        return lac_encode_store_fail(err, path);
    remove_folder(aside, REMOVE_DEPTH);
    return LAC_OK;
}
