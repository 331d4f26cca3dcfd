/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_publish_wait - what became of the published records, out of Postgres
 *
 * Event ids are a function of where a record stands, so they are known as soon as it is
 * delivered. Waiting asks Postgres for these ids until all are there or the time is up; an id
 * that is missing then was not decided, is a dead letter, or its decision has not arrived.
 *
 * Thread: owner.
 */
#ifndef LAC_PUBLISH_WAIT_H
#define LAC_PUBLISH_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_err.h"
#include "lac_records.h"
#include "lac_str.h"

struct lac_pg;
struct lac_table;

enum {
    LAC_PUBLISH_WAIT_MAX = 10000000, /* ids, 24 bytes each */
    LAC_PUBLISH_TEXTS_MAX = 1000,    /* rows of the table */
    LAC_PUBLISH_TEXT_BYTES = 256,    /* of a text that the table can show */
};

struct lac_publish_wait;

enum lac_status lac_publish_wait_open(struct lac_publish_wait **out,
                                      struct lac_err *err) LAC_MUST_USE;
void lac_publish_wait_close(struct lac_publish_wait *w); /* accepts NULL */

/* Keeps the start of record `number`'s text for the table. */
void lac_publish_wait_text(struct lac_publish_wait *w, uint64_t number, struct lac_str text);

/* Expects the decision of `id`, made of record `number`. */
enum lac_status lac_publish_wait_add(struct lac_publish_wait *w, uint64_t number,
                                     const struct lac_event_id *id,
                                     struct lac_err *err) LAC_MUST_USE;

/* Asks once for those still missing; `*missing` is how many are. */
enum lac_status lac_publish_wait_ask(struct lac_publish_wait *w, struct lac_pg *pg, size_t *missing,
                                     struct lac_err *err) LAC_MUST_USE;

size_t lac_publish_wait_count(const struct lac_publish_wait *w);

/* Fills `t` (TEXT, TIER, CONFIDENCE, WHY, ROUTE) in the order of the source. */
enum lac_status lac_publish_wait_table(struct lac_publish_wait *w, struct lac_pg *pg,
                                       struct lac_table *t, struct lac_err *err) LAC_MUST_USE;

#endif
