/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_pack_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_buf.h"
#include "lac_digest.h"
#include "lac_utf8.h"

enum { PATH_BYTES_MAX = 512 };

const struct lac_pack_file *lac_pack_files_find(const struct lac_pack_files *f, const char *path)
{
    for (size_t i = 0; i < f->count; i++)
        if (lac_str_is(f->at[i].path, path))
            return &f->at[i];
    return NULL;
}

static enum lac_status check_name(struct lac_str path, struct lac_err *err)
{
    if (path.len == 0 || path.len > PATH_BYTES_MAX || !lac_utf8_valid(path))
        return lac_err_set(err, LAC_REJECT, 0, "pack: a file name is too long or no UTF-8");
    for (size_t i = 0; i < path.len; i++)
        if ((unsigned char)path.ptr[i] < ' ' || path.ptr[i] == 0x7f)
            return lac_err_set(err, LAC_REJECT, 0, "pack: a file name holds a control character");
    return LAC_OK;
}

enum lac_status lac_pack_files_add(struct lac_pack_files *f, struct lac_pack_file file,
                                   struct lac_err *err)
{
    enum lac_status status = check_name(file.path, err);

    if (status != LAC_OK)
        return status;
    if (f->count == LAC_PACK_FILE_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "pack: more than %d files", LAC_PACK_FILE_MAX);
    if (file.data.len > LAC_PACK_FILE_BYTES || f->bytes + file.data.len > LAC_PACK_TOTAL_BYTES)
        return lac_err_set(err, LAC_REJECT, 0, "%.*s: a file may have %d MiB, a pack %d MiB",
                           LAC_STR_FMT(file.path), LAC_PACK_FILE_BYTES >> 20,
                           LAC_PACK_TOTAL_BYTES >> 20);
    for (size_t i = 0; i < f->count; i++)
        if (lac_str_eq(f->at[i].path, file.path))
            return lac_err_set(err, LAC_REJECT, 0, "%.*s: twice in one pack",
                               LAC_STR_FMT(file.path));
    f->at[f->count++] = file;
    f->bytes += file.data.len;
    return LAC_OK;
}

enum lac_status lac_pack_files_copy(struct lac_pack_files *f, struct lac_pack_pool *pool,
                                    const struct lac_pack_file *files, size_t count,
                                    struct lac_err *err)
{
    enum lac_status status = LAC_OK;

    for (size_t i = 0; i < count && status == LAC_OK; i++) {
        struct lac_pack_file copy = {lac_pack_pool_copy(pool, files[i].path),
                                     lac_pack_pool_copy(pool, files[i].data)};

        if (!copy.path.ptr || !copy.data.ptr)
            return lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory");
        status = lac_pack_files_add(f, copy, err);
    }
    return status;
}

/* ---- a folder ---- */

struct reader {
    struct lac_pack_files *files;
    struct lac_pack_pool *pool;
    struct lac_err *err;
};

static enum lac_status fail_errno(struct lac_err *err, const char *path)
{
    char why[128];
    int code = errno;

    return lac_err_set(err, LAC_FATAL, code, "pack: cannot read %s: %s", path,
                       strerror_r(code, why, sizeof(why)));
}

static enum lac_status read_file(struct reader *r, int fd, const char *path)
{
    struct lac_pack_file file = {.path = lac_pack_pool_copy(r->pool, lac_str_from(path))};
    struct stat st;
    size_t done = 0;
    char *data;

    if (fstat(fd, &st) != 0 || st.st_size < 0)
        return fail_errno(r->err, path);
    if (st.st_size > LAC_PACK_FILE_BYTES)
        return lac_err_set(r->err, LAC_REJECT, 0, "%s: larger than %d MiB", path,
                           LAC_PACK_FILE_BYTES >> 20);
    data = lac_pack_pool_alloc(r->pool, (size_t)st.st_size + 1);
    if (!data || !file.path.ptr)
        return lac_err_set(r->err, LAC_FATAL, ENOMEM, "pack: no memory");
    while (done < (size_t)st.st_size) {
        ssize_t n = read(fd, data + done, (size_t)st.st_size - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(r->err, path);
        if (n == 0)
            break;
        done += (size_t)n;
    }
    file.data = (struct lac_str){data, done};
    return lac_pack_files_add(r->files, file, r->err);
}

static enum lac_status read_folder(struct reader *r, int fd, const char *path, unsigned depth);

static enum lac_status read_entry(struct reader *r, int dir, const char *folder, const char *name,
                                  unsigned depth)
{
    char path[PATH_BYTES_MAX + 1];
    enum lac_status status;
    struct stat st;
    int fd;

    if (snprintf(path, sizeof(path), "%s%s%s", folder, folder[0] ? "/" : "", name) >=
        (int)sizeof(path))
        return lac_err_set(r->err, LAC_REJECT, 0, "pack: a path is longer than %d bytes",
                           PATH_BYTES_MAX);
    fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ELOOP)
        return lac_err_set(r->err, LAC_REJECT, 0, "%s: links are not followed in a pack", path);
    if (fd < 0 || fstat(fd, &st) != 0) {
        status = fail_errno(r->err, path);
        if (fd >= 0)
            close(fd);
        return status;
    }
    if (S_ISDIR(st.st_mode))
        return read_folder(r, fd, path, depth + 1);
    if (S_ISREG(st.st_mode))
        status = read_file(r, fd, path);
    else
        status = lac_err_set(r->err, LAC_REJECT, 0, "%s: neither file nor folder", path);
    close(fd);
    return status;
}

/* Takes over `fd`. */
static enum lac_status read_folder(struct reader *r, int fd, const char *path, unsigned depth)
{
    enum lac_status status = LAC_OK;
    const struct dirent *entry;
    DIR *dir;

    if (depth > LAC_PACK_DEPTH_MAX) {
        close(fd);
        return lac_err_set(r->err, LAC_REJECT, 0, "%s: folders nested too deeply", path);
    }
    dir = fdopendir(fd);
    if (!dir) {
        status = fail_errno(r->err, path);
        close(fd);
        return status;
    }
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): this stream is ours alone */
    while (status == LAC_OK && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            status = read_entry(r, fd, path, entry->d_name, depth);
    closedir(dir);
    return status;
}

enum lac_status lac_pack_files_read(struct lac_pack_files *f, struct lac_pack_pool *pool,
                                    const char *path, struct lac_err *err)
{
    struct reader r = {f, pool, err};
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return fail_errno(err, path);
    return read_folder(&r, fd, "", 0);
}

/* ---- hash ---- */

static int by_path(const void *a, const void *b)
{
    const struct lac_pack_file *x = a;
    const struct lac_pack_file *y = b;

    return lac_str_cmp(x->path, y->path);
}

enum lac_status lac_pack_files_hash(struct lac_pack_files *f, unsigned char out[LAC_PACK_HASH_SIZE],
                                    struct lac_err *err)
{
    unsigned char digest[LAC_SHA256_SIZE];
    struct lac_buf lines;
    bool ok;

    qsort(f->at, f->count, sizeof(f->at[0]), by_path);
    lac_buf_init(&lines, (size_t)LAC_PACK_FILE_MAX * (PATH_BYTES_MAX + 100));
    for (size_t i = 0; i < f->count; i++) {
        char hex[2 * LAC_SHA256_SIZE + 1];

        lac_sha256(digest, f->at[i].data.ptr, f->at[i].data.len);
        lac_hex_encode(hex, digest, sizeof(digest));
        lac_buf_put_str(&lines, f->at[i].path);
        lac_buf_printf(&lines, ", %zu, %s\n", f->at[i].data.len, hex);
    }
    ok = lac_buf_ok(&lines);
    if (ok)
        lac_sha256(out, lac_buf_str(&lines).ptr, lac_buf_str(&lines).len);
    lac_buf_deinit(&lines);
    return ok ? LAC_OK : lac_err_set(err, LAC_FATAL, ENOMEM, "pack: no memory");
}
