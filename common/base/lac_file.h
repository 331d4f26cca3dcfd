/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_file - a small file in one piece
 *
 * For key files, sources of a pack and the like: things that are read once and must not be
 * larger than somebody thought of.
 *
 * Thread: any.
 */
#ifndef LAC_FILE_H
#define LAC_FILE_H

#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_err.h"

/*
 * Appends the content of the regular file at `path` to `out`, which bounds its size. FATAL: it
 * does not exist, is no regular file, can't be read or is too large; the text names the path.
 * `out` is undefined unless LAC_OK.
 */
enum lac_status lac_file_read(const char *path, struct lac_buf *out,
                              struct lac_err *err) LAC_MUST_USE;

#endif
