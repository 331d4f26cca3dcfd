/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_encode_store.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_encode_model_internal.h"
#include "lac_encode_store_internal.h"
#include "lac_env.h"
#include "lac_file.h"

static bool put(char out[PATH_MAX], const char *folder, const char *rest)
{
    int n;

    if (!folder || folder[0] != '/')
        return false;
    n = snprintf(out, PATH_MAX, "%s%s", folder, rest);
    return n > 0 && n < PATH_MAX;
}

bool lac_encode_store_folder(char out[PATH_MAX], const char *configured)
{
    if (configured && *configured)
        return snprintf(out, PATH_MAX, "%s", configured) < PATH_MAX;
    if (geteuid() == 0)
        return put(out, LAC_FILE_SHARED_FOLDER "/models", "");
    return put(out, lac_env("XDG_DATA_HOME"), "/lacuna/models") ||
           put(out, lac_env("HOME"), "/.local/share/lacuna/models") ||
           put(out, LAC_FILE_SHARED_FOLDER "/models", ""); /* as state.dir does: a container's */
}

static bool is_hex(const char *text, size_t least, size_t most)
{
    size_t n = strspn(text, "0123456789abcdef");

    return text[n] == 0 && n >= least && n <= most;
}

bool lac_encode_store_name_ok(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    return n > 0 && n <= LAC_ENCODE_STORE_NAME_MAX && name[n] == 0 && name[0] != '.' &&
           name[0] != '_' && name[0] != '-' && !is_hex(name, LAC_ENCODE_STORE_PREFIX_MIN, n);
}

enum lac_status lac_encode_store_fail(struct lac_err *err, const char *path)
{
    int code = errno;

    return lac_err_set(err, LAC_FATAL, code, "%s: %s", path, lac_errno_text(code));
}

enum lac_status lac_encode_store_path(char out[PATH_MAX], const char *store, const char *kind,
                                      const char *name, struct lac_err *err)
{
    if (snprintf(out, PATH_MAX, "%s/%s%s", store, kind, name) >= PATH_MAX)
        return lac_err_set(err, LAC_FATAL, ENAMETOOLONG, "the model store's path is too long");
    return LAC_OK;
}

/* Follows a link of names/: "../sha256-<hash>". */
static bool read_name(const char *store, const char *name, unsigned char hash[LAC_ENCODE_HASH_SIZE])
{
    char path[PATH_MAX], to[128];
    size_t prefix = strlen("../" LAC_ENCODE_STORE_PREFIX);
    ssize_t n;

    if (lac_encode_store_path(path, store, "names/", name, NULL) != LAC_OK)
        return false;
    n = readlink(path, to, sizeof(to));
    return n > (ssize_t)prefix && (size_t)n < sizeof(to) &&
           memcmp(to, "../" LAC_ENCODE_STORE_PREFIX, prefix) == 0 &&
           lac_hex_decode(hash, LAC_ENCODE_HASH_SIZE,
                          (struct lac_str){to + prefix, (size_t)n - prefix});
}

/* ---- listing ---- */

/* Of the files of a stored model, which has only such as shape it. What lies in folders in it is
 * small and not counted. */
static uint64_t bytes_of(const char *folder)
{
    struct dirent *entry;
    DIR *dir = opendir(folder);
    uint64_t sum = 0;

    while (dir && (entry = readdir(dir))) { /* NOLINT(concurrency-mt-unsafe): our own stream */
        struct stat st;

        if (fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
            sum += (uint64_t)st.st_size;
    }
    if (dir)
        closedir(dir);
    return sum;
}

static int by_hash(const void *a, const void *b)
{
    return memcmp(((const struct lac_encode_stored *)a)->hash,
                  ((const struct lac_encode_stored *)b)->hash, LAC_ENCODE_HASH_SIZE);
}

/* Gives the models their first names in the order of bytes. */
static void add_names(const char *store, struct lac_encode_stored *all, size_t count)
{
    char path[PATH_MAX];
    struct dirent *entry;
    DIR *dir;

    if (lac_encode_store_path(path, store, "names", "", NULL) != LAC_OK)
        return;
    dir = opendir(path);
    if (!dir)
        return;
    while ((entry = readdir(dir))) { /* NOLINT(concurrency-mt-unsafe): a stream of our own */
        struct lac_encode_stored key;
        struct lac_encode_stored *m;

        if (!lac_encode_store_name_ok(entry->d_name) || !read_name(store, entry->d_name, key.hash))
            continue;
        m = count ? bsearch(&key, all, count, sizeof(*all), by_hash) : NULL;
        if (m && (m->name[0] == 0 || strcmp(entry->d_name, m->name) < 0))
            memcpy(m->name, entry->d_name, strlen(entry->d_name) + 1); /* name_ok() bounds it */
    }
    closedir(dir);
}

static enum lac_status list_models(DIR *dir, const char *store, struct lac_encode_stored *all,
                                   size_t *count, struct lac_err *err)
{
    size_t prefix = strlen(LAC_ENCODE_STORE_PREFIX);
    struct dirent *entry;

    while ((entry = readdir(dir))) { /* NOLINT(concurrency-mt-unsafe): a stream of our own */
        struct lac_encode_stored *m = &all[*count];

        if (strncmp(entry->d_name, LAC_ENCODE_STORE_PREFIX, prefix) != 0 ||
            !lac_hex_decode(m->hash, sizeof(m->hash), lac_str_from(entry->d_name + prefix)))
            continue;
        if (*count == LAC_ENCODE_STORE_MODEL_MAX)
            return lac_err_set(err, LAC_FATAL, 0, "%s: more than %d models", store,
                               LAC_ENCODE_STORE_MODEL_MAX);
        m->name[0] = 0;
        if (lac_encode_store_path(m->path, store, "", entry->d_name, err) != LAC_OK)
            return LAC_FATAL;
        m->bytes = bytes_of(m->path);
        (*count)++;
    }
    return LAC_OK;
}

enum lac_status lac_encode_store_list(const char *store, struct lac_encode_stored **out,
                                      size_t *count, struct lac_err *err)
{
    DIR *dir = opendir(store);
    enum lac_status status;

    *out = NULL;
    *count = 0;
    if (!dir && errno == ENOENT)
        return LAC_OK;
    if (!dir)
        return lac_encode_store_fail(err, store);
    *out = calloc(LAC_ENCODE_STORE_MODEL_MAX + 1, sizeof(**out));
    status = *out ? list_models(dir, store, *out, count, err)
                  : lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for a list of models");
    closedir(dir);
    if (status == LAC_OK && *count > 0) {
        qsort(*out, *count, sizeof(**out), by_hash);
        add_names(store, *out, *count);
        return LAC_OK;
    }
    free(*out);
    *out = NULL;
    *count = 0;
    return status;
}

/* ---- finding one ---- */

/* The model whose hash begins with these digits; false: none, or more than one. */
static bool find_prefix(const char *store, const char *digits,
                        unsigned char hash[LAC_ENCODE_HASH_SIZE])
{
    struct lac_encode_stored *all;
    size_t count, hits = 0;

    if (lac_encode_store_list(store, &all, &count, NULL) != LAC_OK)
        return false;
    for (size_t i = 0; i < count; i++) {
        char hex[2 * LAC_ENCODE_HASH_SIZE + 1];

        lac_hex_encode(hex, all[i].hash, LAC_ENCODE_HASH_SIZE);
        if (strncmp(hex, digits, strlen(digits)) != 0)
            continue;
        memcpy(hash, all[i].hash, LAC_ENCODE_HASH_SIZE);
        hits++;
    }
    free(all);
    return hits == 1;
}

bool lac_encode_store_find(const char *store, const char *what,
                           unsigned char hash[LAC_ENCODE_HASH_SIZE])
{
    if (is_hex(what, LAC_ENCODE_STORE_PREFIX_MIN, 2 * (size_t)LAC_ENCODE_HASH_SIZE))
        return find_prefix(store, what, hash);
    return lac_encode_store_name_ok(what) && read_name(store, what, hash);
}

enum lac_status lac_encode_store_open(struct lac_encode_model **out, const char *store,
                                      const char *what, struct lac_err *err)
{
    unsigned char want[LAC_ENCODE_HASH_SIZE], got[LAC_ENCODE_HASH_SIZE];
    char hex[2 * LAC_ENCODE_HASH_SIZE + 1], path[PATH_MAX];
    enum lac_status status;
    struct stat st;

    *out = NULL;
    if (strchr(what, '/') || !lac_encode_store_find(store, what, want)) {
        if (stat(what, &st) == 0 && S_ISDIR(st.st_mode))
            return lac_encode_model_open(out, what, err);
        if (strchr(what, '/'))
            return lac_err_set(err, LAC_REJECT, 0, "no folder \"%.300s\" with a model in it", what);
        return lac_err_set(err, LAC_REJECT, 0,
                           "no model \"%.80s\" in %s; `lacuna model add` puts one there", what,
                           store);
    }
    lac_hex_encode(hex, want, sizeof(want));
    status = lac_encode_store_path(path, store, LAC_ENCODE_STORE_PREFIX, hex, err);
    if (status == LAC_OK)
        status = lac_encode_model_open(out, path, err);
    if (status == LAC_OK)
        status = lac_encode_model_hash(*out, got, err);
    if (status == LAC_OK && memcmp(want, got, sizeof(got)) != 0)
        status = lac_err_set(err, LAC_REJECT, 0,
                             "%s was changed: it is not the model of that hash any more", path);
    if (status == LAC_OK) {
        memcpy((*out)->hash, got, sizeof(got));
        (*out)->hash_known = true;
        return LAC_OK;
    }
    lac_encode_model_close(*out);
    *out = NULL;
    return status;
}
