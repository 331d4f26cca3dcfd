/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_publish_journal - how far a file was published, kept over a crash
 *
 * A small text file that is replaced as a whole. It names the source by device, inode, the
 * hash of its beginning and of the bytes just before the position: a file that grew since goes
 * on where it was, a file that was replaced or rewritten is noticed. It keeps the options that the
 * records were made with (lac_publish_shape.h). All before the position
 * was acknowledged by the brokers, and all behind it is sent again: a crash may repeat up to half
 * a second of records; brokers that fail, what they acknowledged behind the first record that
 * they did not, a window at most; an orderly stop none.
 *
 * Thread: owner.
 */
#ifndef LAC_PUBLISH_JOURNAL_H
#define LAC_PUBLISH_JOURNAL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_publish_shape.h"
#include "lac_str.h"

enum {
    LAC_PUBLISH_HEAD_BYTES = 64 << 10, /* of the file's beginning that are hashed at most */
    LAC_PUBLISH_TAIL_BYTES = 4 << 10,  /* before the position */
};

struct lac_publish_mark {
    char path[PATH_MAX]; /* of the file that was being read */
    uint64_t device, inode;
    uint64_t position; /* bytes of it that are done */
    uint64_t line;     /* lines of it that are done */
    uint64_t delivered, bad;
    char head[65], tail[65]; /* SHA-256 in hex of those bytes; depend on `position` */
    struct lac_publish_shape shape;
};

struct lac_publish_journal {
    char path[PATH_MAX]; /* "" : nothing is kept */
    bool _locked;
    int _lock; /* owned while _locked */
};

/* Names the journal of `identity` (sources, topic and brokers in one text) in `state_dir`,
 * and makes its folder. RETRY: the folder can't be made; publishing works, resuming won't. REJECT:
 * another process has it open. Close it in every case. */
enum lac_status lac_publish_journal_open(struct lac_publish_journal *j, const char *state_dir,
                                         struct lac_str identity, struct lac_err *err) LAC_MUST_USE;

void lac_publish_journal_close(struct lac_publish_journal *j); /* safe on a zeroed one, and twice */

/* OK: `m` is what was saved; its shape is not known if an earlier version saved it. AGAIN: nothing
 * was. REJECT: the file is damaged, or a later version's. */
enum lac_status lac_publish_journal_load(const struct lac_publish_journal *j,
                                         struct lac_publish_mark *m,
                                         struct lac_err *err) LAC_MUST_USE;

/* Of a known shape. */
enum lac_status lac_publish_journal_save(const struct lac_publish_journal *j,
                                         const struct lac_publish_mark *m,
                                         struct lac_err *err) LAC_MUST_USE;

/* All is published: the next run starts from the beginning. */
void lac_publish_journal_remove(const struct lac_publish_journal *j);

/* Fills device, inode, head and tail from `fd` for m->position. */
enum lac_status lac_publish_mark_take(struct lac_publish_mark *m, int fd,
                                      struct lac_err *err) LAC_MUST_USE;

/* REJECT: `fd` is not the file that was marked, or its part before the position changed. */
enum lac_status lac_publish_mark_check(const struct lac_publish_mark *m, int fd,
                                       struct lac_err *err) LAC_MUST_USE;

#endif
