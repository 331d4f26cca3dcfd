/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_bundle - a pack as one file
 *
 * Private to common/pack. Numbers are little-endian, sections begin at multiples of 64 bytes, gaps
 * are zero:
 *
 *      0  8   89 'L' 'A' 'C' 'P' 'A' 'K' 0a
 *      8  u32 format, LAC_PACK_BUNDLE_FORMAT
 *     12  u32 number of sections
 *     16  u64 size of the whole file
 *     24  32  the pack's hash, as lac_pack.h defines it
 *     56  32  SHA-256 of bytes 0 to 55 and of all from 88 on
 *     88  40  zero
 *    128      per section: u32 kind, u32 flags, u64 offset, u64 size; ascending offsets
 *
 * Section 1, the source: u32 number of files, u32 zero; per file u64 size of its path, u64 size of
 * its content; then path, content, path, content ..., in the order of paths, ending with the
 * section.
 *
 * Section 2, which can be done without: lac_match_image() of the pack's rules. A program of another
 * version or kind of machine compiles the rules instead. Opening makes sure that it can be run
 * within bounds of memory, and that its patterns stay within LAC_PACK_STEPS_MAX, by what its
 * programs say; each can understate that eightfold at most. That it finds what the source says is
 * its maker's word, whose pack it is; lac_pack_write(), and so a push, makes it anew.
 *
 * A reader refuses a section that it does not know, unless its flag says that it can be
 * done without.
 *
 * Opening checks every number and, of what comes from outside, both hashes before anything else
 * looks at the content.
 *
 * Thread: owner.
 */
#ifndef LAC_PACK_BUNDLE_H
#define LAC_PACK_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_pack.h"
#include "lac_str.h"

enum {
    LAC_PACK_BUNDLE_FORMAT = 1,
    LAC_PACK_BUNDLE_ALIGN = 64,
    LAC_PACK_BUNDLE_SECTION_MAX = 16,
};

struct lac_pack_files;

struct lac_pack_bundle {
    struct lac_str bytes; /* the file; aligned as its sections are */
    bool mapped, copied;  /* neither: borrowed */
    unsigned char hash[LAC_PACK_HASH_SIZE];
    struct lac_str source; /* section 1 */
    struct lac_str image;  /* section 2; absent: there is none */
};

/* Maps the file, copies `bytes`, or borrows the program's own (aligned to LAC_PACK_BUNDLE_ALIGN)
 * until deinit; checks all but the source, and of its own bytes neither hash. FATAL: it can't be
 * read or no memory. REJECT: it is no pack file, or a damaged one. Call deinit in every case. */
enum lac_status lac_pack_bundle_map(struct lac_pack_bundle *b, int fd, const char *path,
                                    struct lac_err *err) LAC_MUST_USE;
enum lac_status lac_pack_bundle_copy(struct lac_pack_bundle *b, struct lac_str bytes,
                                     struct lac_err *err) LAC_MUST_USE;
enum lac_status lac_pack_bundle_borrow(struct lac_pack_bundle *b, struct lac_str bytes,
                                       struct lac_err *err) LAC_MUST_USE;
void lac_pack_bundle_deinit(struct lac_pack_bundle *b);

/* Whether there is a file, and it is one that the program carries. */
static inline bool lac_pack_bundle_is_own(const struct lac_pack_bundle *b)
{
    return b->bytes.ptr && !b->mapped && !b->copied;
}

/* Adds the files of the source; borrowed from the bundle. */
enum lac_status lac_pack_bundle_files(const struct lac_pack_bundle *b, struct lac_pack_files *f,
                                      struct lac_err *err) LAC_MUST_USE;

#endif
