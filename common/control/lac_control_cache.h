/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_control_cache - packs on disk, to start from when Kafka is away
 *
 * One file for each pack that was taken, "<role>-<version>-<hash>.control": the records as they
 * came from the topic, so that signatures are checked again at every start, and nothing that lies
 * there is believed for lying there. A file appears whole or not at all. The newest few of each
 * role are kept, and nothing else in the folder is touched.
 *
 *     "LACCTL1\n"
 *     for each chunk: its record's size, four bytes, lowest first; the record, Avro without framing
 *
 * Thread: owner. Processes may share a folder.
 */
#ifndef LAC_CONTROL_CACHE_H
#define LAC_CONTROL_CACHE_H

#include "lac_control_assembly.h"

enum { LAC_CONTROL_CACHE_PATH_MAX = 4096, LAC_CONTROL_CACHE_FILES_MAX = 256 };

struct lac_control_cache {
    char dir[LAC_CONTROL_CACHE_PATH_MAX];
    size_t keep; /* files of each role */
};

/* Makes the folder (0700) if there is none. FATAL: it can't, what is there can't be listed, or the
 * path is too long. */
enum lac_status lac_control_cache_open(struct lac_control_cache *c, const char *dir, size_t keep,
                                       struct lac_err *err) LAC_MUST_USE;

/* Stores a complete offer, over a file of its name (it may be damaged), and removes those of its
 * role that are too old to be kept. FATAL: the disk refused; nothing else changed. */
enum lac_status lac_control_cache_store(const struct lac_control_cache *c,
                                        const struct lac_control_offer *o,
                                        struct lac_err *err) LAC_MUST_USE;

/*
 * Reads the role's files, newest first, and gives each record to `take`, until a file's last one
 * was answered LAC_AGAIN (enough) or there are no more. Damaged files are logged and passed over.
 * The record is borrowed during the call. `last`: of its file.
 */
typedef enum lac_status lac_control_cache_take(void *ctx, const struct lac_control *r, bool last);
void lac_control_cache_load(const struct lac_control_cache *c, enum lac_control_role role,
                            lac_control_cache_take *take, void *ctx);

/* Parses a cached file's bytes. REJECT: no such file. As above otherwise; for tests and fuzzing. */
enum lac_status lac_control_cache_parse(struct lac_str bytes, lac_control_cache_take *take,
                                        void *ctx, struct lac_err *err) LAC_MUST_USE;

#endif
