/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_files - the files a pack is made of, and their hash
 *
 * Private to common/pack.
 */
#ifndef LAC_PACK_FILES_H
#define LAC_PACK_FILES_H

#include "lac_pack.h"
#include "lac_pack_pool.h"

struct lac_pack_files {
    struct lac_pack_file at[LAC_PACK_FILE_MAX];
    size_t count;
    size_t bytes;
};

/* Reads a folder into `pool`. REJECT: names or sizes; FATAL: can't be read. */
enum lac_status lac_pack_files_read(struct lac_pack_files *f, struct lac_pack_pool *pool,
                                    const char *path, struct lac_err *err) LAC_MUST_USE;

/* Copies names and contents into `pool`. */
enum lac_status lac_pack_files_copy(struct lac_pack_files *f, struct lac_pack_pool *pool,
                                    const struct lac_pack_file *files, size_t count,
                                    struct lac_err *err) LAC_MUST_USE;

/* Adds one; borrowed. */
enum lac_status lac_pack_files_add(struct lac_pack_files *f, struct lac_pack_file file,
                                   struct lac_err *err) LAC_MUST_USE;

/* NULL when there is none. */
const struct lac_pack_file *lac_pack_files_find(const struct lac_pack_files *f, const char *path);

/* Sorts by path and hashes as lac_pack.h says. FATAL: no memory. */
enum lac_status lac_pack_files_hash(struct lac_pack_files *f, unsigned char out[LAC_PACK_HASH_SIZE],
                                    struct lac_err *err) LAC_MUST_USE;

#endif
