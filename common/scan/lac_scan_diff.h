/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_scan_diff - the lines that a change adds, with their numbers
 *
 * Reads what `git diff --unified=0` prints and gives, file by file, the added lines as one text. A
 * hunk's own counts say where it ends, so a line that looks like a header is none inside of one.
 *
 * Thread: owner.
 */
#ifndef LAC_SCAN_DIFF_H
#define LAC_SCAN_DIFF_H

#include <stddef.h>
#include <stdint.h>

#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

enum { LAC_SCAN_DIFF_BYTES = 512 << 20 /* of a whole diff */ };

/* Lines that follow each other in the file. */
struct lac_scan_hunk {
    size_t at;     /* where they begin in the text */
    uint64_t line; /* number of the first one, from 1 */
};

struct lac_scan_diff {
    /* the file at hand; valid until the next call */
    struct lac_str path;               /* as it is called in the new tree */
    struct lac_str text;               /* added lines, each with its '\n' */
    const struct lac_scan_hunk *hunks; /* by `at` */
    size_t hunk_count;
    /* private */
    struct lac_str _rest;
    struct lac_buf _path, _text, _hunks;
};

/* `diff` is borrowed until deinit. */
void lac_scan_diff_init(struct lac_scan_diff *d, struct lac_str diff);
void lac_scan_diff_deinit(struct lac_scan_diff *d);

/*
 * The next file that has added lines. AGAIN: there is none. REJECT: this is no such diff; the text
 * says what was expected. RETRY: no memory.
 */
enum lac_status lac_scan_diff_next(struct lac_scan_diff *d, struct lac_err *err) LAC_MUST_USE;

/* The hunk of the byte `at` of the text: the index of the last one that begins at or before it.
 * Requires a hunk. */
size_t lac_scan_diff_hunk(const struct lac_scan_diff *d, size_t at);

#endif
