/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_file - a small file in one piece, and folders to put it in
 *
 * For key files, sources of a pack and the like: things that are read once and must not be
 * larger than somebody thought of, and things that are there whole or not at all.
 *
 * Thread: any.
 */
#ifndef LAC_FILE_H
#define LAC_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

struct stat;

/*
 * Appends the content of the regular file at `path` to `out`, which bounds its size. FATAL: it
 * does not exist, is no regular file, can't be read or is too large; the text names the path.
 * `out` is undefined unless LAC_OK.
 */
enum lac_status lac_file_read(const char *path, struct lac_buf *out,
                              struct lac_err *err) LAC_MUST_USE;

/* Root's folder for state, models and the data of `lacuna dev`, whose Postgres runs as another
 * user: whoever makes it first makes it for all of them. */
#define LAC_FILE_SHARED_FOLDER "/var/lib/lacuna"

/* The length of that folder's path when `path` is it or lies below it, else 0. */
size_t lac_file_shared_len(const char *path);

/*
 * As `mkdir -p`: makes the folder at `path` and those above it that are not there. Others may pass
 * and list what is made as far as the umask lets them; whatever the umask within the first
 * `passable_len` bytes of the path. False: errno says why, and `path` is cut behind the one that
 * could not be made.
 */
bool lac_file_make_folders(char *path, size_t passable_len) LAC_MUST_USE;

/*
 * First thing in a main(): a program may be started with stdin, stdout or stderr closed, and what
 * it opens first, a lock, a database, a broker's socket, would then take their numbers and be given
 * what it logs. Their places are taken by /dev/null: reading stdin and writing to stdout fail as
 * they would have, what goes to stderr is dropped. Ends the program where even that can't be had.
 */
void lac_file_hold_standard(void);

/* Writes all of it, through short writes and interruptions. False: errno says why. */
bool lac_file_write_all(int fd, const void *data, size_t size) LAC_MUST_USE;

/* Locks the open file for whoever has this descriptor, until it is closed or the process ends, and
 * waits for nobody. 0: it is ours; EWOULDBLOCK: another process has it; else errno: the file system
 * has no locks to give. */
int lac_file_lock(int fd) LAC_MUST_USE;

/*
 * Puts `data` in the place of the file at `path`, on the disk: who reads it meanwhile sees the old
 * or the new file, never half of one. Owner and rights are those of `like`; NULL: the caller's and
 * 0644. A link stays, what it leads to is replaced; a device or a pipe stays, and is written to.
 * With `like`, the state of the old file when it was read, one that has changed since is not
 * replaced: what somebody wrote meanwhile would be lost without a word.
 * FATAL: the old file, if any, is still there; the code is the errno, ESTALE where it changed; the
 * text names the path.
 */
enum lac_status lac_file_replace(const char *path, struct lac_str data, const struct stat *like,
                                 struct lac_err *err) LAC_MUST_USE;

struct lac_file_part {
    const char *path;
    struct lac_str data;
};

/*
 * The same of several files, in their order and with the caller's rights. None is touched before
 * all are on the disk under other names, so that a full disk changes nothing. FATAL: as above; a
 * rename that fails after that leaves those before it replaced.
 */
enum lac_status lac_file_replace_all(const struct lac_file_part *parts, size_t count,
                                     struct lac_err *err) LAC_MUST_USE;

/* Removes a folder with all that is in it, 32 folders deep, as far as it may; a link goes, what it
 * leads to stays. There may be nothing at `path`. */
void lac_file_remove_tree(const char *path);

#endif
