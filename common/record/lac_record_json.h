/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_record_json - any record to and from JSON, by its descriptor
 *
 * The JSON has the schema's field names and no union wrappers: an absent optional field is left
 * out (null is accepted), an enum is its symbol, bytes and fixed are lower-case hex, a map is an
 * object. The schema's aliases are accepted ("query" for "text").
 *
 * Thread: any.
 */
#ifndef LAC_RECORD_JSON_H
#define LAC_RECORD_JSON_H

#include "lac_arena.h"
#include "lac_err.h"
#include "lac_json.h"
#include "lac_record.h"

/* Writes `record` as one JSON object. Errors are the writer's buffer's. */
void lac_record_to_json(struct lac_json_writer *w, const struct lac_record_type *t,
                        const void *record);

/*
 * Fills `out` (t->size bytes) from the object `json`: defaults first, then its members. Everything
 * is copied into `a`, so the document may be freed. LAC_REJECT: the text starts with a JSON
 * pointer ("/user/id: ...") and names what was expected, for an unknown key also the nearest known
 * one; it never contains a value. LAC_AGAIN: the arena is full.
 */
enum lac_status lac_record_from_json(const struct lac_record_type *t, void *out,
                                     const struct lac_json *json, struct lac_arena *a,
                                     struct lac_err *err) LAC_MUST_USE;

#endif
