/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_fuse - remembers, across a crash, which records were in hand
 *
 * A record that makes the process crash would be read again after every restart, for ever.
 * So the ranges of offsets that are being processed stand in a small mapped file, which
 * survives the death of the process (not that of the machine, which no record causes) and
 * costs a few stores per batch. After a crash those ranges are suspects: their records are
 * processed one at a time, so that the next crash names the one; and a record that is alone
 * and has crashed before, LAC_FUSE_ATTEMPTS - 1 times in all, is not touched again.
 *
 * The file is locked: one process at a time.
 *
 * Thread: owner.
 */
#ifndef LAC_FUSE_H
#define LAC_FUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_kafka.h"

enum {
    LAC_FUSE_ATTEMPTS = 3, /* at this one the record is dead-lettered unseen */
    /* In hand and suspected, each; more are not watched: as many as a lane has partitions. */
    LAC_FUSE_RANGES = 1024,
};

struct lac_fuse;

/* Makes or opens the file at `path` and turns what was in hand into suspects. FATAL: can't be
 * made, or another process has it locked. A file that is damaged is started anew. */
enum lac_status lac_fuse_open(struct lac_fuse **out, const char *path,
                              struct lac_err *err) LAC_MUST_USE;
void lac_fuse_close(struct lac_fuse *f); /* accepts NULL; keeps the file */

/*
 * Counts what `other` suspects on top of what `f` does: after a restart the partition may belong
 * to another lane of the process, and three attempts are three in all. Kept until `f` is closed,
 * never in its file. Once for each other lane, before either runs; both may be NULL.
 */
void lac_fuse_learn(struct lac_fuse *f, const struct lac_fuse *other);

/* True while any record is suspected: only then the two below need asking. */
bool lac_fuse_any(const struct lac_fuse *f);

/* How often this record was in hand in a crash; 0 for most. A record with one or more is
 * processed alone. */
uint32_t lac_fuse_crashes(const struct lac_fuse *f, const struct lac_kafka_msg *msg);

/* These records are in hand from now until lac_fuse_disarm(). */
void lac_fuse_arm(struct lac_fuse *f, const struct lac_kafka_msg *msgs, size_t n);
void lac_fuse_disarm(struct lac_fuse *f);

/* The result of this record, or its dead letter, is committed: it is no suspect any more, nor are
 * those before it in its partition. Only topic, partition and offset of `msg` are read. */
void lac_fuse_passed(struct lac_fuse *f, const struct lac_kafka_msg *msg);

#endif
