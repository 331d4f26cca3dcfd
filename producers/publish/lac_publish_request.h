/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_publish_request - from what a file holds to a Request
 *
 * JSON has the Request's names (`query` for `text` works too). A CSV header names the same
 * fields, parts of records with a dot: user.id, operation.destination, metadata.ticket; lists
 * (files, operation.sources) are separated by ';' inside their field. An empty CSV field is
 * absent. Anything else becomes the text.
 *
 * Thread: owner.
 */
#ifndef LAC_PUBLISH_REQUEST_H
#define LAC_PUBLISH_REQUEST_H

#include "lac_arena.h"
#include "lac_buf.h"
#include "lac_err.h"
#include "lac_publish_reader.h"
#include "lac_records.h"

/* What a request gets that does not say so itself. NULL: nothing. */
struct lac_publish_defaults {
    const char *tenant;
    const char *project;
    const char *user;
    const char *environment;
    const char *purpose;
    const char *session;
    const char *kind; /* a symbol of Kind, checked by lac_publish_defaults_check() */
};

enum lac_status lac_publish_defaults_check(const struct lac_publish_defaults *d,
                                           struct lac_err *err) LAC_MUST_USE;

/* Parses one JSON object. REJECT: bad; the text begins with a place. AGAIN: the arena is full. */
enum lac_status lac_publish_from_json(struct lac_request *out, struct lac_str json,
                                      const struct lac_publish_defaults *d, struct lac_arena *a,
                                      struct lac_err *err) LAC_MUST_USE;

/* Makes a request of plain text; `name` (may be absent) is the file it is the content of: such
 * a request is a document. Everything is borrowed. */
void lac_publish_from_text(struct lac_request *out, struct lac_str text, struct lac_str name,
                           const struct lac_publish_defaults *d, struct lac_arena *a);

enum lac_publish_cell {
    LAC_PUBLISH_CELL_TEXT,
    LAC_PUBLISH_CELL_NUMBER,
    LAC_PUBLISH_CELL_BOOL,
    LAC_PUBLISH_CELL_LIST,
};

struct lac_publish_columns {
    size_t count;
    struct {
        char group[32]; /* "user", or "" for a field of the request itself */
        char name[128];
        enum lac_publish_cell cell;
    } at[LAC_PUBLISH_FIELDS_MAX];
};

/* Reads a header row. REJECT names the column that is unknown and the nearest known one. */
enum lac_status lac_publish_columns_set(struct lac_publish_columns *c, const struct lac_str *names,
                                        size_t count, struct lac_err *err) LAC_MUST_USE;

/* Writes a row as a JSON object. REJECT: more or fewer fields than the header has. */
enum lac_status lac_publish_columns_json(const struct lac_publish_columns *c,
                                         const struct lac_str *fields, size_t count,
                                         struct lac_buf *json, struct lac_err *err) LAC_MUST_USE;

#endif
