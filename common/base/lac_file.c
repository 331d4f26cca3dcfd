/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_STEP = 16 << 10, TREE_DEPTH_MAX = 32 };

static enum lac_status refuse(struct lac_err *err, const char *path, int code)
{
    return lac_err_set(err, LAC_FATAL, code, "%s: %s", path, lac_errno_text(code));
}

static enum lac_status read_all(int fd, const char *path, struct lac_buf *out, struct lac_err *err)
{
    char step[READ_STEP];

    for (;;) {
        ssize_t n = read(fd, step, sizeof(step));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return refuse(err, path, errno);
        if (n == 0)
            return LAC_OK;
        lac_buf_put(out, step, (size_t)n);
        if (!lac_buf_ok(out))
            return lac_err_set(err, LAC_FATAL, EFBIG, "%s: larger than %zu bytes", path,
                               out->limit);
    }
}

static bool make_folder(const char *path, bool passable)
{
    enum { MODE = 0755 };

    if (mkdir(path, MODE) != 0)
        return errno == EEXIST;
    return !passable || chmod(path, MODE) == 0;
}

size_t lac_file_shared_len(const char *path)
{
    static const char shared[] = LAC_FILE_SHARED_FOLDER;
    size_t len = sizeof(shared) - 1;

    return strncmp(path, shared, len) == 0 && (path[len] == '\0' || path[len] == '/') ? len : 0;
}

bool lac_file_make_folders(char *path, size_t passable_len)
{
    for (char *slash = strchr(path + (path[0] != '\0'), '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!make_folder(path, (size_t)(slash - path) <= passable_len))
            return false;
        *slash = '/';
    }
    return make_folder(path, strlen(path) <= passable_len);
}

enum lac_status lac_file_read(const char *path, struct lac_buf *out, struct lac_err *err)
{
    /* Without O_NONBLOCK a FIFO would hold us up before fstat() could refuse it. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    enum lac_status status;
    struct stat st;

    if (fd < 0)
        return refuse(err, path, errno);
    if (fstat(fd, &st) != 0)
        status = refuse(err, path, errno);
    else if (!S_ISREG(st.st_mode))
        status = lac_err_set(err, LAC_FATAL, EINVAL, "%s: not a regular file", path);
    else
        status = read_all(fd, path, out, err);
    close(fd);
    return status;
}

void lac_file_hold_standard(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDWR};

    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
            _exit(EXIT_FAILURE); /* and nowhere to say it */
}

int lac_file_lock(int fd)
{
    int code;

    do
        code = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    while (code == EINTR);
    return code;
}

bool lac_file_write_all(int fd, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t n = write(fd, at, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static bool fill(int fd, struct lac_str data, const struct stat *like)
{
    if (!lac_file_write_all(fd, data.ptr, data.len))
        return false;
    if (like && fchown(fd, like->st_uid, like->st_gid) != 0)
        return false;
    return fchmod(fd, like ? like->st_mode & 07777 : 0644) == 0 && fsync(fd) == 0;
}

static enum lac_status cannot_write(const char *path, int code, struct lac_err *err)
{
    return lac_err_set(err, LAC_FATAL, code, "cannot write %s: %s", path, lac_errno_text(code));
}

static enum lac_status write_into(const char *path, struct lac_str data, struct lac_err *err)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY), code = errno;
    bool good;

    if (fd < 0)
        return cannot_write(path, code, err);
    good = lac_file_write_all(fd, data.ptr, data.len);
    code = errno;
    if (close(fd) != 0 && good) {
        good = false;
        code = errno;
    }
    return good ? LAC_OK : cannot_write(path, code, err);
}

static bool has_changed(const char *path, const struct stat *then)
{
    struct stat now;

    return stat(path, &now) != 0 || now.st_dev != then->st_dev || now.st_ino != then->st_ino ||
           now.st_size != then->st_size || now.st_mtim.tv_sec != then->st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != then->st_mtim.tv_nsec;
}

/* A rename is on the disk when its folder is. Some file systems can't do that to a folder; there
 * nothing better is to be had, and the new file is in its place. */
static void sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int fd;

    (void)snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1,
                   slash ? path : ".");
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    (void)close(fd);
}

/* A new file beside the one that it will take the place of. */
struct staged {
    char target[PATH_MAX];    /* what a link leads to */
    char temporary[PATH_MAX]; /* "": it is no file, and is written to */
};

/* ".NAME.XXXXXX": a folder that is read meanwhile, or was left so by a process that died, has no
 * other file in it that means anything. */
static bool name_temporary(struct staged *s)
{
    const char *slash = strrchr(s->target, '/');
    const char *name = slash ? slash + 1 : s->target;

    return snprintf(s->temporary, sizeof(s->temporary), "%.*s.%s.XXXXXX", (int)(name - s->target),
                    s->target, name) < (int)sizeof(s->temporary);
}

/* The new file is made beside the old one, so that the rename stays on one file system. A rename
 * would take the name away from a device or a pipe (for root, /dev/null's too), or from a link. */
static enum lac_status stage(struct staged *s, const char *path, struct lac_str data,
                             const struct stat *like, struct lac_err *err)
{
    struct stat there;
    int fd, code;
    bool good;

    s->temporary[0] = '\0';
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode))
        return LAC_OK;
    if (!realpath(path, s->target) &&
        snprintf(s->target, sizeof(s->target), "%s", path) >= (int)sizeof(s->target))
        return lac_err_set(err, LAC_FATAL, ENAMETOOLONG, "%.80s...: the path is too long", path);
    if (!name_temporary(s)) {
        s->temporary[0] = '\0';
        return lac_err_set(err, LAC_FATAL, ENAMETOOLONG, "%.80s...: the path is too long", path);
    }
    fd = mkostemp(s->temporary, O_CLOEXEC);
    if (fd < 0) {
        s->temporary[0] = '\0';
        return cannot_write(path, errno, err);
    }
    good = fill(fd, data, like);
    code = errno;
    if (close(fd) != 0 && good) {
        good = false;
        code = errno;
    }
    return good ? LAC_OK : cannot_write(path, code, err);
}

static enum lac_status put_in_place(struct staged *s, const char *path, struct lac_str data,
                                    const struct stat *like, struct lac_err *err)
{
    if (!s->temporary[0])
        return write_into(path, data, err);
    if (like && has_changed(s->target, like))
        return cannot_write(path, ESTALE, err);
    if (rename(s->temporary, s->target) != 0)
        return cannot_write(path, errno, err);
    s->temporary[0] = '\0';
    sync_folder_of(s->target);
    return LAC_OK;
}

static void forget(const struct staged *s)
{
    if (s->temporary[0])
        (void)unlink(s->temporary);
}

enum lac_status lac_file_replace(const char *path, struct lac_str data, const struct stat *like,
                                 struct lac_err *err)
{
    struct staged s;
    enum lac_status status = stage(&s, path, data, like, err);

    if (status == LAC_OK)
        status = put_in_place(&s, path, data, like, err);
    forget(&s);
    return status;
}

enum lac_status lac_file_replace_all(const struct lac_file_part *parts, size_t count,
                                     struct lac_err *err)
{
    struct staged *s = calloc(count + 1, sizeof(*s));
    enum lac_status status = LAC_OK;

    if (!s)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "out of memory");
    for (size_t i = 0; i < count && status == LAC_OK; i++)
        status = stage(&s[i], parts[i].path, parts[i].data, NULL, err);
    for (size_t i = 0; i < count && status == LAC_OK; i++)
        status = put_in_place(&s[i], parts[i].path, parts[i].data, NULL, err);
    for (size_t i = 0; i < count; i++)
        forget(&s[i]);
    free(s);
    return status;
}

/* Not every file system says what kind its entries are; unlink() knows a folder. */
static void remove_below(const char *path, int depth)
{
    DIR *dir = depth < TREE_DEPTH_MAX ? opendir(path) : NULL;
    const struct dirent *entry;

    while (dir && (entry = readdir(dir))) { /* NOLINT(concurrency-mt-unsafe): its own stream */
        char child[PATH_MAX];

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            snprintf(child, sizeof(child), "%s/%s", path, entry->d_name) >= (int)sizeof(child))
            continue;
        if (unlink(child) != 0 && (errno == EISDIR || errno == EPERM))
            remove_below(child, depth + 1);
    }
    if (dir)
        (void)closedir(dir);
    (void)rmdir(path);
}

void lac_file_remove_tree(const char *path)
{
    remove_below(path, 0);
}
