/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_pack_import - rules that people have elsewhere, as rules of a pack
 *
 * Reads the rule files of other tools and writes a rules file. Patterns are rewritten where ours
 * differ: unbounded repeats get a bound, what stands around the value that is looked for becomes
 * context words. Each rule is compiled before it is taken; what can't be carried over is reported
 * with the reason, never silently left out or weakened.
 *
 * Thread: any; pure functions of their inputs.
 */
#ifndef LAC_PACK_IMPORT_H
#define LAC_PACK_IMPORT_H

#include <stddef.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

struct lac_buf;

enum { LAC_PACK_IMPORT_BYTES = 8 << 20 }; /* of a file to import */

enum lac_pack_import_kind {
    LAC_PACK_IMPORT_GITLEAKS, /* a TOML configuration of gitleaks */
    LAC_PACK_IMPORT_PRESIDIO, /* a YAML file of Presidio's pattern recognizers */
};

/* Something that was not carried over, or not exactly. Texts are borrowed for the call. */
struct lac_pack_import_remark {
    unsigned line;       /* of the file that is read */
    struct lac_str rule; /* its name there; empty: about the file */
    bool lost;           /* the whole rule is missing */
    const char *why;
};
typedef void lac_pack_import_fn(void *ctx, const struct lac_pack_import_remark *remark);

struct lac_pack_import {
    enum lac_pack_import_kind kind;
    struct lac_str name; /* of the file, for errors and the header */
    struct lac_str data;
    lac_pack_import_fn *say;
    void *ctx;
    size_t taken, lost; /* set: rules */
};

/* Appends the rules file to `out`. REJECT: the file is not of that kind, "file:line: why". FATAL:
 * no memory, or `out` is full. */
enum lac_status lac_pack_import_run(struct lac_pack_import *im, struct lac_buf *out,
                                    struct lac_err *err) LAC_MUST_USE;

#endif
