/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_publish_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_assert.h"
#include "lac_buf.h"
#include "lac_digest.h"
#include "lac_file.h"

/* The entry holds two hashes, a path and the shape. */
enum { TEXT_MAX = PATH_MAX * 2 + 2048, HEX = 2 * LAC_SHA256_SIZE, LOCK_TRIES = 8 };

static const char program[] = "lacuna-publish ";
enum { VERSION = 2, VERSION_WITHOUT_SHAPE = 1 };

static void lock_path(char out[PATH_MAX + 8], const struct lac_publish_journal *j)
{
    snprintf(out, PATH_MAX + 8, "%s.lock", j->path);
}

/* Whether `fd` is what lies at `path`: who had it may have removed it meanwhile. */
static bool is_there(int fd, const char *path)
{
    struct stat held, there;

    return fstat(fd, &held) == 0 && stat(path, &there) == 0 && held.st_dev == there.st_dev &&
           held.st_ino == there.st_ino;
}

/* A second run of the same command would go on from where the first one is now, and each would
 * save over the other. Where locks can't be had, there is none. */
static enum lac_status lock(struct lac_publish_journal *j, struct lac_err *err)
{
    char path[PATH_MAX + 8];

    lock_path(path, j);
    for (int i = 0; i < LOCK_TRIES && !j->_locked; i++) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        int code = fd < 0 ? errno : lac_file_lock(fd);

        if (code == 0 && is_there(fd, path)) {
            j->_lock = fd;
            j->_locked = true;
        } else if (fd >= 0) {
            close(fd);
        }
        if (code == EWOULDBLOCK)
            return lac_err_set(err, LAC_REJECT, code,
                               "the same command is running already and publishes these files");
        if (code)
            break;
    }
    return LAC_OK;
}

void lac_publish_journal_close(struct lac_publish_journal *j)
{
    char path[PATH_MAX + 8];

    if (!j->_locked)
        return;
    lock_path(path, j);
    (void)unlink(path);
    close(j->_lock);
    j->_locked = false;
}

enum lac_status lac_publish_journal_open(struct lac_publish_journal *j, const char *state_dir,
                                         struct lac_str identity, struct lac_err *err)
{
    unsigned char hash[LAC_SHA256_SIZE];
    char name[HEX + 1], folder[PATH_MAX], state[PATH_MAX];
    int n;

    *j = (struct lac_publish_journal){0};
    n = snprintf(folder, sizeof(folder), "%s/publish", state_dir);
    if (n < 0 || (size_t)n >= sizeof(folder) - 64)
        return lac_err_set(err, LAC_RETRY, ENAMETOOLONG, "state.dir is too long a path");
    (void)snprintf(state, sizeof(state), "%s", state_dir); /* shorter than the above */
    if (!lac_file_make_folders(state, lac_file_shared_len(state)) ||
        (mkdir(folder, 0700) != 0 && errno != EEXIST))
        return lac_err_set(err, LAC_RETRY, errno, "%s: %s", folder, lac_errno_text(errno));
    lac_sha256(hash, identity.ptr, identity.len);
    lac_hex_encode(name, hash, sizeof(hash));
    snprintf(j->path, sizeof(j->path), "%.*s/%.24s.journal", (int)sizeof(folder) - 64, folder,
             name);
    return lock(j, err);
}

static enum lac_status damaged(const struct lac_publish_journal *j, struct lac_err *err)
{
    return lac_err_set(err, LAC_REJECT, 0,
                       "%s is damaged: nobody knows how far the last run came. Remove it or use "
                       "--restart to publish everything from the beginning",
                       j->path);
}

/* "name=value\n" at `*at`; moves behind it. */
static bool take(const char **at, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);
    const char *end = strchr(*at, '\n');

    if (!end || strncmp(*at, name, len) != 0 || (*at)[len] != '=')
        return false;
    *at += len + 1;
    if ((size_t)(end - *at) >= size)
        return false;
    memcpy(out, *at, (size_t)(end - *at));
    out[end - *at] = '\0';
    *at = end + 1;
    return true;
}

/* "=VALUE" and "#HEX" stand in the journal as they are, behind "name=". */
static bool take_shape(const char **at, struct lac_publish_shape *s)
{
    for (size_t i = 0; i < LAC_PUBLISH_SHAPE_COUNT; i++) {
        char *value = s->value[i];

        if (!take(at, lac_publish_shape_name((enum lac_publish_shape_part)i), value,
                  sizeof(s->value[i])) ||
            (*value && *value != '=' && *value != '#'))
            return false;
    }
    s->known = true;
    return true;
}

static bool take_number(const char **at, const char *name, uint64_t *out)
{
    char text[32];

    return take(at, name, text, sizeof(text)) && lac_str_to_u64(lac_str_from(text), out);
}

/* The last line is the hash of all before it. */
static bool whole(const char *text, size_t n)
{
    unsigned char hash[LAC_SHA256_SIZE], want[LAC_SHA256_SIZE];
    size_t body = n - HEX - 1;

    if (n < HEX + 1 || text[n - 1] != '\n' ||
        !lac_hex_decode(want, sizeof(want), (struct lac_str){text + body, HEX}))
        return false;
    lac_sha256(hash, text, body);
    return memcmp(hash, want, sizeof(hash)) == 0;
}

/* Moves behind the first line; 0: it is none of ours. */
static uint64_t take_version(const char **at)
{
    const char *end = strchr(*at, '\n');
    size_t len = sizeof(program) - 1;
    uint64_t version = 0;

    if (!end || strncmp(*at, program, len) != 0 ||
        !lac_str_to_u64((struct lac_str){*at + len, (size_t)(end - *at) - len}, &version))
        return 0;
    *at = end + 1;
    return version;
}

enum lac_status lac_publish_journal_load(const struct lac_publish_journal *j,
                                         struct lac_publish_mark *m, struct lac_err *err)
{
    char text[TEXT_MAX + 1];
    const char *at = text;
    uint64_t version;
    ssize_t n;
    int fd = j->path[0] ? open(j->path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0 && (!j->path[0] || errno == ENOENT))
        return LAC_AGAIN;
    if (fd < 0)
        return lac_err_set(err, LAC_REJECT, errno, "%s: %s", j->path, lac_errno_text(errno));
    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n < 0)
        return lac_err_set(err, LAC_REJECT, errno, "%s: %s", j->path, lac_errno_text(errno));
    text[n] = '\0';
    *m = (struct lac_publish_mark){0};
    version = whole(text, (size_t)n) ? take_version(&at) : 0;
    if (version > VERSION)
        return lac_err_set(err, LAC_REJECT, 0,
                           "%s was left by a later version of lacuna-publish. Go on with that one, "
                           "or use --restart to publish everything from the beginning",
                           j->path);
    if (version == 0 || !take(&at, "path", m->path, sizeof(m->path)) ||
        !take_number(&at, "device", &m->device) || !take_number(&at, "inode", &m->inode) ||
        !take_number(&at, "position", &m->position) || !take_number(&at, "line", &m->line) ||
        !take_number(&at, "delivered", &m->delivered) || !take_number(&at, "bad", &m->bad) ||
        !take(&at, "head", m->head, sizeof(m->head)) ||
        !take(&at, "tail", m->tail, sizeof(m->tail)) ||
        (version > VERSION_WITHOUT_SHAPE && !take_shape(&at, &m->shape)))
        return damaged(j, err);
    return LAC_OK;
}

static enum lac_status write_whole(const char *path, const char *text, size_t n,
                                   struct lac_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t written;

    if (fd < 0)
        return lac_err_set(err, LAC_RETRY, errno, "%s: %s", path, lac_errno_text(errno));
    written = write(fd, text, n);
    /* Before the rename: otherwise a power cut may leave the new name with old or no bytes. */
    if (written == (ssize_t)n && fdatasync(fd) == 0) {
        if (close(fd) == 0) /* fails or not: afterwards the number is somebody else's */
            return LAC_OK;
        fd = -1;
    }
    (void)lac_err_set(err, LAC_RETRY, errno, "%s: %s", path,
                      written >= 0 && written < (ssize_t)n ? "disk full" : lac_errno_text(errno));
    if (fd >= 0)
        close(fd);
    unlink(path);
    return LAC_RETRY;
}

enum lac_status lac_publish_journal_save(const struct lac_publish_journal *j,
                                         const struct lac_publish_mark *m, struct lac_err *err)
{
    char text[TEXT_MAX], temporary[PATH_MAX + 8], hex[HEX + 1];
    unsigned char hash[LAC_SHA256_SIZE];
    struct lac_buf b;
    size_t n;

    if (!j->path[0])
        return LAC_OK;
    LAC_ASSERT(m->shape.known);
    if (strchr(m->path, '\n'))
        return lac_err_set(err, LAC_RETRY, 0, "a file name with a line break can't be resumed");
    lac_buf_init_fixed(&b, text, sizeof(text));
    lac_buf_printf(&b,
                   "%s%d\npath=%s\ndevice=%" PRIu64 "\ninode=%" PRIu64 "\nposition=%" PRIu64
                   "\nline=%" PRIu64 "\ndelivered=%" PRIu64 "\nbad=%" PRIu64 "\nhead=%s\ntail=%s\n",
                   program, VERSION, m->path, m->device, m->inode, m->position, m->line,
                   m->delivered, m->bad, m->head, m->tail);
    for (size_t i = 0; i < LAC_PUBLISH_SHAPE_COUNT; i++)
        lac_buf_printf(&b, "%s=%s\n", lac_publish_shape_name((enum lac_publish_shape_part)i),
                       m->shape.value[i]);
    n = lac_buf_str(&b).len;
    lac_sha256(hash, text, n);
    lac_hex_encode(hex, hash, sizeof(hash));
    lac_buf_printf(&b, "%s\n", hex);
    if (!lac_buf_ok(&b))
        return lac_err_set(err, LAC_RETRY, ENAMETOOLONG, "the journal's entry is too long");
    n = lac_buf_str(&b).len;
    snprintf(temporary, sizeof(temporary), "%s.new", j->path);
    if (write_whole(temporary, text, n, err) != LAC_OK)
        return LAC_RETRY;
    if (rename(temporary, j->path) != 0)
        return lac_err_set(err, LAC_RETRY, errno, "%s: %s", j->path, lac_errno_text(errno));
    return LAC_OK;
}

void lac_publish_journal_remove(const struct lac_publish_journal *j)
{
    if (j->path[0])
        (void)unlink(j->path); /* not there: nothing was ever interrupted */
}

static enum lac_status hash_range(char out[HEX + 1], int fd, uint64_t from, size_t n,
                                  struct lac_err *err)
{
    static _Thread_local char bytes[LAC_PUBLISH_HEAD_BYTES];
    unsigned char hash[LAC_SHA256_SIZE];
    size_t got = 0;

    while (got < n) {
        ssize_t k = pread(fd, bytes + got, n - got, (off_t)(from + got));

        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return lac_err_set(err, LAC_RETRY, errno, "can't be read: %s", lac_errno_text(errno));
        if (k == 0)
            break; /* shorter than it was: the hash differs */
        got += (size_t)k;
    }
    lac_sha256(hash, bytes, got);
    lac_hex_encode(out, hash, sizeof(hash));
    return LAC_OK;
}

enum lac_status lac_publish_mark_take(struct lac_publish_mark *m, int fd, struct lac_err *err)
{
    uint64_t head = m->position, tail = m->position;
    struct stat st;

    if (head > LAC_PUBLISH_HEAD_BYTES)
        head = LAC_PUBLISH_HEAD_BYTES;
    if (tail > LAC_PUBLISH_TAIL_BYTES)
        tail = LAC_PUBLISH_TAIL_BYTES;
    if (fstat(fd, &st) != 0)
        return lac_err_set(err, LAC_RETRY, errno, "%s", lac_errno_text(errno));
    m->device = (uint64_t)st.st_dev;
    m->inode = (uint64_t)st.st_ino;
    if (hash_range(m->head, fd, 0, head, err) != LAC_OK)
        return LAC_RETRY;
    return hash_range(m->tail, fd, m->position - tail, tail, err);
}

enum lac_status lac_publish_mark_check(const struct lac_publish_mark *m, int fd,
                                       struct lac_err *err)
{
    struct lac_publish_mark now = {.position = m->position};

    if (lac_publish_mark_take(&now, fd, err) != LAC_OK)
        return LAC_RETRY;
    /* Device numbers change over a restart of the machine and inodes when a file is copied back:
     * the content decides. */
    if (strcmp(now.head, m->head) != 0 || strcmp(now.tail, m->tail) != 0)
        return lac_err_set(err, LAC_REJECT, 0,
                           "%s changed since the last run stopped in it at byte %" PRIu64
                           ". Use --restart to publish everything from the beginning",
                           m->path, m->position);
    return LAC_OK;
}
