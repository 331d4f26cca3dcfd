/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink_row - a Decision as a row of table `decisions`
 *
 * Columns that people filter on are cut to what an index holds; the record itself goes into the
 * last column, byte for byte as it stood on the topic, and stays the proof of all the others.
 *
 * Thread: any. Pure functions.
 */
#ifndef SINK_ROW_H
#define SINK_ROW_H

#include "lac_buf.h"
#include "lac_output_pg.h"
#include "lac_records.h"

enum {
    SINK_TEXT_MAX = 512,  /* bytes of a text column or array element */
    SINK_UNIQUE_MAX = 64, /* different rules or entities in their columns; findings has all */
};

/* Table `decisions` and its evidence, as schemas/sql has them. */
extern const struct lac_output_pg_table sink_decisions_table;

/*
 * Appends one row. `core` is decoded from `d->core`; `record` is the value of the message. Text
 * is valid UTF-8, as the decoder checked. The row can't be refused for what a request contained:
 * texts are cut, NUL is replaced, times are clamped. Errors are the buffer's.
 */
void sink_row_put(struct lac_buf *b, const struct lac_decision *d,
                  const struct lac_decision_core *core, struct lac_str record);

#endif
