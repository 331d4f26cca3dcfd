/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_scan_ignore - which paths a person does not want to be looked at
 *
 * Patterns as in a .gitignore (gitignore(5)): one a line, '#' begins a comment, '!' takes back what
 * an earlier one said, a final '/' means folders only, a '/' elsewhere ties the pattern to the
 * folder of its file, '*' and '?' stay within a name, "**" between slashes stands for any number of
 * folders, [a-z] for one character, a backslash takes the next one literally. The last pattern
 * that fits decides.
 *
 * What can't be used (an unclosed bracket, a pattern over LAC_SCAN_IGNORE_BYTES) fits nothing: more
 * is looked at, never less. A comparison costs at most (bytes of the path) x (bytes of the
 * pattern) / 64, whatever the pattern.
 *
 * Thread: owner.
 */
#ifndef LAC_SCAN_IGNORE_H
#define LAC_SCAN_IGNORE_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

enum {
    LAC_SCAN_IGNORE_BYTES = 1000,        /* of one pattern */
    LAC_SCAN_IGNORE_PATTERNS_MAX = 65536 /* at one time */
};

struct lac_scan_ignore;

/* NULL: no memory. */
struct lac_scan_ignore *lac_scan_ignore_new(void) LAC_MUST_USE;
/* Accepts NULL. */
void lac_scan_ignore_free(struct lac_scan_ignore *g);

/*
 * Adds the patterns of a file's `content` for the paths below `folder` ("" is the root; no slash
 * at its ends); both are copied. REJECT: too many patterns. RETRY: no memory. Then those before
 * the failure count.
 */
enum lac_status lac_scan_ignore_add(struct lac_scan_ignore *g, struct lac_str folder,
                                    struct lac_str content, struct lac_err *err) LAC_MUST_USE;

/* For a walk: patterns that were added after `mark` are forgotten when their folder is left. */
size_t lac_scan_ignore_mark(const struct lac_scan_ignore *g);
void lac_scan_ignore_forget(struct lac_scan_ignore *g, size_t mark);

/* Whether the patterns say so of `path` itself (relative to the root, '/' between names). A walk
 * never enters a folder that is ignored, so it never asks about what is inside. */
bool lac_scan_ignored(const struct lac_scan_ignore *g, struct lac_str path, bool is_folder);

/* The same for a file that was not found by walking: its folders are asked about too. */
bool lac_scan_ignored_file(const struct lac_scan_ignore *g, struct lac_str path);

#endif
