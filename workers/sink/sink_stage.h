/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink_stage - lineage records become rows
 *
 * Each message is decoded, its core is decoded, the core's hash is checked, and a row is handed
 * over. What can't be read, or claims a hash that isn't its core's, is rejected alone.
 *
 * Thread: lane. A stage has its own wire and scratch.
 */
#ifndef SINK_STAGE_H
#define SINK_STAGE_H

#include "lac_batch.h"
#include "lac_buf.h"
#include "lac_wire.h"

enum { SINK_ROW_BYTES_MAX = 8 << 20 }; /* of one row */

struct sink_stage {
    struct lac_wire *wire; /* owned */
    struct lac_buf row;    /* scratch */
};

/* `source`: where unknown schemas are looked up; NULL: nowhere. Copied, its ctx borrowed. */
enum lac_status sink_stage_init(struct sink_stage *s, const struct lac_schema_source *source,
                                struct lac_err *err) LAC_MUST_USE;

/* Safe on a zeroed one. */
void sink_stage_deinit(struct sink_stage *s);

/* struct lac_stage.run; `ctx` is a struct sink_stage. */
enum lac_status sink_stage_run(void *ctx, struct lac_batch *b, struct lac_err *err);

#endif
