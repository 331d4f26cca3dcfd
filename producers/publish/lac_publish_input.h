/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_publish_input - all records of all files, one after the other
 *
 * Takes files, folders (their files in sorted order, hidden ones left out) and "-" for stdin.
 * The format is that of the option, else of the file's name (.jsonl .ndjson .json, .csv); a
 * file in a folder without such a name is one document, any other file is looked into: lines
 * of JSON if it begins with "{", else plain lines.
 *
 * Thread: owner.
 */
#ifndef LAC_PUBLISH_INPUT_H
#define LAC_PUBLISH_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "lac_arena.h"
#include "lac_err.h"
#include "lac_publish_journal.h"
#include "lac_publish_request.h"

enum lac_publish_format {
    LAC_PUBLISH_AUTO,
    LAC_PUBLISH_JSONL,
    LAC_PUBLISH_CSV,
    LAC_PUBLISH_LINES,
    LAC_PUBLISH_FILE, /* the whole file is one document */
};

enum { LAC_PUBLISH_SOURCES_MAX = 1000000, LAC_PUBLISH_DEPTH_MAX = 32 };

struct lac_publish_input;

/* LAC_REJECT: a name doesn't exist or can't be read; the text says which. */
enum lac_status lac_publish_input_open(struct lac_publish_input **out, char *const *names,
                                       size_t count, enum lac_publish_format format,
                                       const struct lac_publish_defaults *defaults,
                                       struct lac_err *err) LAC_MUST_USE;
void lac_publish_input_close(struct lac_publish_input *in); /* accepts NULL */

/* While nothing comes from a pipe, `stopped` is asked several times a second: once it says so,
 * lac_publish_input_next() is FATAL. */
void lac_publish_input_until(struct lac_publish_input *in, bool (*stopped)(void *ctx), void *ctx);

/* Bytes of all sources, 0 when one of them has no size (a pipe). */
uint64_t lac_publish_input_size(const struct lac_publish_input *in);

/* True when every source is a regular file, so that a run can go on where one stopped. */
bool lac_publish_input_resumable(const struct lac_publish_input *in);

/* Goes to `m`, before the first record is taken. REJECT: the files are not those any more. */
enum lac_status lac_publish_input_resume(struct lac_publish_input *in,
                                         const struct lac_publish_mark *m,
                                         struct lac_err *err) LAC_MUST_USE;

struct lac_publish_record {
    struct lac_request request; /* borrows from the input and the arena until the next call */
    const char *file;           /* for people; borrowed until close */
    uint32_t source;            /* index, ascending */
    uint64_t line;              /* 0: the whole file */
    uint64_t position;          /* of the source, behind this record */
    uint64_t lines;             /* of the source up to there; 0: the whole file */
    uint64_t done;              /* bytes of all sources up to here */
};

/* OK: a record. AGAIN: the end. REJECT: a bad one; file, line and position are filled.
 * FATAL: reading failed, the text names the file. `a` is reset by the caller. */
enum lac_status lac_publish_input_next(struct lac_publish_input *in, struct lac_arena *a,
                                       struct lac_publish_record *r,
                                       struct lac_err *err) LAC_MUST_USE;

/* Fills `m` for a position in source `source`; opens the file if it is not the current one. */
enum lac_status lac_publish_input_mark(const struct lac_publish_input *in, uint32_t source,
                                       struct lac_publish_mark *m,
                                       struct lac_err *err) LAC_MUST_USE;

#endif
