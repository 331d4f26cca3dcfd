/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_control_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_arena.h"
#include "lac_clock.h"
#include "lac_file.h"
#include "lac_log.h"

enum {
    NAME_SIZE = 80,
    HEAD_SIZE = 8,
    LEFTOVER_AGE_S = 3600,
    RECORD_MAX = LAC_CONTROL_CHUNK_BYTES + 4096,
    FILE_MAX = LAC_PACK_BYTES_MAX + LAC_CONTROL_CHUNK_MAX * 4096,
};

static const char head[HEAD_SIZE + 1] = "LACCTL1\n";

static enum lac_status disk(struct lac_err *err, const char *path)
{
    int code = errno;

    return lac_err_set(err, LAC_FATAL, code, "control: %s: %s", path, lac_errno_text(code));
}

/* What a process that died while it wrote has left; a young one may be somebody's at work. */
static void remove_leftovers(const char *dir)
{
    char path[LAC_CONTROL_CACHE_PATH_MAX + NAME_SIZE];
    DIR *d = opendir(dir);
    struct stat st;

    /* NOLINTNEXTLINE(concurrency-mt-unsafe): this stream is ours alone */
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strncmp(e->d_name, ".new.", 5) != 0 || strlen(e->d_name) >= NAME_SIZE)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
            st.st_mtime < lac_clock_wall_ms() / 1000 - LEFTOVER_AGE_S)
            (void)unlink(path);
    }
    if (d)
        (void)closedir(d);
}

/* One that nobody can list would look empty, and a start without Kafka would wait for it. */
static enum lac_status make_folder(const char *dir, struct lac_err *err)
{
    bool made = mkdir(dir, 0700) == 0 || errno == EEXIST;
    DIR *d = made ? opendir(dir) : NULL;
    int code = errno;

    if (!d)
        return lac_err_set(err, LAC_FATAL, code,
                           "control: cannot use %s: %s; set pack.cache_dir to a folder of this "
                           "user",
                           dir, lac_errno_text(code));
    (void)closedir(d);
    return LAC_OK;
}

enum lac_status lac_control_cache_open(struct lac_control_cache *c, const char *dir, size_t keep,
                                       struct lac_err *err)
{
    size_t len = strlen(dir);

    if (len + NAME_SIZE + 8 > sizeof(c->dir))
        return lac_err_set(err, LAC_FATAL, 0, "pack.cache_dir: the path is too long");
    memcpy(c->dir, dir, len + 1);
    c->keep = keep;
    if (make_folder(dir, err) != LAC_OK)
        return LAC_FATAL;
    remove_leftovers(dir);
    return LAC_OK;
}

/* ---- names ---- */

struct entry {
    char name[NAME_SIZE];
    int64_t version;
};

static void name_of(char out[NAME_SIZE], const struct lac_control_offer *o)
{
    char hash[17];

    lac_hex_encode(hash, o->hash.bytes, 8);
    (void)snprintf(out, NAME_SIZE, "%s-%" PRId64 "-%s.control", lac_control_role_name(o->role),
                   o->version, hash);
}

static bool parse_name(struct entry *e, enum lac_control_role role, const char *name)
{
    const char *prefix = lac_control_role_name(role), *at, *dash;
    size_t len = strlen(name), n = strlen(prefix);

    if (len >= sizeof(e->name) || strncmp(name, prefix, n) != 0 || name[n] != '-')
        return false;
    at = name + n + 1;
    dash = strchr(at, '-');
    if (!dash || len < 8 || strcmp(name + len - 8, ".control") != 0 ||
        !lac_str_to_i64((struct lac_str){at, (size_t)(dash - at)}, &e->version))
        return false;
    memcpy(e->name, name, len + 1);
    return e->version > 0;
}

static int newest_first(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->version != y->version)
        return x->version < y->version ? 1 : -1;
    return strcmp(x->name, y->name);
}

/* The role's files, newest first. Of more than the table holds, some are not seen this time. */
static size_t list(const struct lac_control_cache *c, enum lac_control_role role, struct entry *out)
{
    DIR *d = opendir(c->dir);
    size_t n = 0;

    /* NOLINTNEXTLINE(concurrency-mt-unsafe): this stream is ours alone */
    for (struct dirent *e; d && n < LAC_CONTROL_CACHE_FILES_MAX && (e = readdir(d));)
        n += parse_name(&out[n], role, e->d_name);
    if (d)
        (void)closedir(d);
    qsort(out, n, sizeof(*out), newest_first);
    return n;
}

static void path_of(char *out, size_t size, const struct lac_control_cache *c, const char *name)
{
    (void)snprintf(out, size, "%s/%s", c->dir, name);
}

/* ---- storing ---- */

static bool write_records(int fd, const struct lac_control_offer *o)
{
    if (!lac_file_write_all(fd, head, HEAD_SIZE))
        return false;
    for (int32_t i = 0; i < o->chunk_count; i++) {
        const struct lac_control_chunk *c = &o->chunks[i];
        uint32_t n = (uint32_t)c->record_size;
        const unsigned char size[4] = {(unsigned char)n, (unsigned char)(n >> 8),
                                       (unsigned char)(n >> 16), (unsigned char)(n >> 24)};

        if (!lac_file_write_all(fd, size, sizeof(size)) ||
            !lac_file_write_all(fd, c->record, c->record_size))
            return false;
    }
    return fsync(fd) == 0;
}

static void sync_folder(const struct lac_control_cache *c)
{
    int fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

static void prune(const struct lac_control_cache *c, enum lac_control_role role)
{
    struct entry *entries = calloc(LAC_CONTROL_CACHE_FILES_MAX, sizeof(*entries));
    char path[LAC_CONTROL_CACHE_PATH_MAX + NAME_SIZE];
    size_t n = entries ? list(c, role, entries) : 0;

    for (size_t i = c->keep; i < n; i++) {
        path_of(path, sizeof(path), c, entries[i].name);
        (void)unlink(path);
    }
    free(entries);
}

enum lac_status lac_control_cache_store(const struct lac_control_cache *c,
                                        const struct lac_control_offer *o, struct lac_err *err)
{
    char path[LAC_CONTROL_CACHE_PATH_MAX + NAME_SIZE], made[LAC_CONTROL_CACHE_PATH_MAX + NAME_SIZE];
    char name[NAME_SIZE];
    enum lac_status status = LAC_OK;
    int fd;

    name_of(name, o);
    path_of(path, sizeof(path), c, name);
    path_of(made, sizeof(made), c, ".new.XXXXXX");
    fd = mkostemp(made, O_CLOEXEC); /* 0600 */
    if (fd < 0)
        return disk(err, c->dir);
    if (!write_records(fd, o))
        status = disk(err, made);
    if (close(fd) != 0 && status == LAC_OK)
        status = disk(err, made);
    if (status == LAC_OK && rename(made, path) != 0)
        status = disk(err, path);
    if (status != LAC_OK) {
        (void)unlink(made);
        return status;
    }
    sync_folder(c);
    prune(c, o->role);
    return LAC_OK;
}

/* ---- loading ---- */

static enum lac_status damaged(struct lac_err *err, const char *what)
{
    return lac_err_set(err, LAC_REJECT, 0, "control: a cached pack is damaged: %s", what);
}

enum lac_status lac_control_cache_parse(struct lac_str bytes, lac_control_cache_take *take,
                                        void *ctx, struct lac_err *err)
{
    size_t at = HEAD_SIZE;

    if (bytes.len <= HEAD_SIZE || memcmp(bytes.ptr, head, HEAD_SIZE) != 0)
        return damaged(err, "it begins with something else");
    while (at < bytes.len) {
        const unsigned char *p = (const unsigned char *)bytes.ptr + at;
        struct lac_arena none = {0};
        struct lac_control r;
        size_t size;
        enum lac_status status;

        if (bytes.len - at < 4)
            return damaged(err, "it is cut");
        size = p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
        at += 4;
        if (size > RECORD_MAX || size > bytes.len - at)
            return damaged(err, "it is cut");
        status = lac_control_decode(&r, lac_str_slice(bytes, at, at + size), &none, err);
        if (status == LAC_OK)
            status = lac_control_check(&r, err);
        if (status != LAC_OK)
            return LAC_REJECT;
        at += size;
        status = take(ctx, &r, at == bytes.len);
        if (status != LAC_OK)
            return status;
    }
    return LAC_OK;
}

void lac_control_cache_load(const struct lac_control_cache *c, enum lac_control_role role,
                            lac_control_cache_take *take, void *ctx)
{
    struct entry *entries = calloc(LAC_CONTROL_CACHE_FILES_MAX, sizeof(*entries));
    size_t n = entries ? list(c, role, entries) : 0;
    enum lac_status status = LAC_OK;

    for (size_t i = 0; i < n && status != LAC_AGAIN; i++) {
        char path[LAC_CONTROL_CACHE_PATH_MAX + NAME_SIZE];
        struct lac_buf file;
        struct lac_err err;

        path_of(path, sizeof(path), c, entries[i].name);
        lac_buf_init(&file, FILE_MAX);
        status = lac_file_read(path, &file, &err);
        if (status == LAC_OK)
            status = lac_control_cache_parse(lac_buf_str(&file), take, ctx, &err);
        if (status != LAC_OK && status != LAC_AGAIN)
            lac_log(LAC_LOG_WARN, "cached_pack_refused", "file=\"%s\" reason=\"%s\"", path,
                    err.text);
        lac_buf_deinit(&file);
    }
    free(entries);
}
