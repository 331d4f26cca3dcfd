/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_opprogram - reads a foreign writer's bytes straight into our struct
 *
 * Avro's schema resolution (specification 1.11) is done once per writer schema and written down
 * as a flat list of steps: read, skip, branch, loop. Running it is a loop over these steps, with
 * the same bounds as the generated decoders and no recursion. Covered: defaults, dropped fields,
 * promotions that our fields can meet (int to long, string to bytes and back), the reader's
 * aliases, unknown enum symbols (the reader's default), unions on both sides, named types used
 * many times. Recursive writer types are refused.
 *
 * Thread: a program is immutable and may be run by any number of threads.
 */
#ifndef LAC_OPPROGRAM_H
#define LAC_OPPROGRAM_H

#include "lac_arena.h"
#include "lac_err.h"
#include "lac_record.h"
#include "lac_schema.h"
#include "lac_str.h"

enum {
    LAC_OPPROGRAM_OPS_MAX = 8192,
    LAC_OPPROGRAM_WALK_MAX = 65536, /* steps of the compiler: reuse of types can be exponential */
    LAC_OPPROGRAM_LOOPS_MAX = 32,   /* arrays and maps inside each other */
    LAC_OPPROGRAM_EMPTY_MAX = 1024, /* array items of no bytes at all, in one record */
};

struct lac_opprogram;

/*
 * Resolves the writer's schema `root` against `t`. LAC_REJECT: it can't be read as `t` (the text
 * names the field and both types), or it is too large. LAC_RETRY: out of memory.
 */
enum lac_status lac_opprogram_new(struct lac_opprogram **out, const struct lac_record_type *t,
                                  struct lac_schema_node *root, struct lac_err *err) LAC_MUST_USE;

/* NULL is fine. */
void lac_opprogram_free(struct lac_opprogram *p);

/* As the generated decoders: lac_records.h. */
enum lac_status lac_opprogram_run(const struct lac_opprogram *p, void *out, struct lac_str bytes,
                                  struct lac_arena *a, struct lac_err *err) LAC_MUST_USE;

#endif
