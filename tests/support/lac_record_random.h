/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_record_random - any record with random content, the same for the same seed
 *
 * Strings are UTF-8 of all lengths of encoding, numbers favour the limits, optional fields are
 * there half the time, keys of a map differ.
 *
 * Thread: owner of the state.
 */
#ifndef LAC_RECORD_RANDOM_H
#define LAC_RECORD_RANDOM_H

#include <stdint.h>

#include "lac_arena.h"
#include "lac_record.h"

struct lac_random {
    uint64_t state; /* the seed */
};

uint64_t lac_random_next(struct lac_random *r);

/* Fills `record` (t->size bytes); strings and arrays are the arena's. Aborts when it is full. */
void lac_record_random(struct lac_random *r, const struct lac_record_type *t, void *record,
                       struct lac_arena *a);

#endif
