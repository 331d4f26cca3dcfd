/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_bridge_slots - who waits for which reply, and until when
 *
 * A request that is on its way holds a slot. Its correlation id names the slot, so a reply finds
 * its asker without a search, and the slot's generation, so a reply that comes after the asker
 * has gone finds nobody. A random number of this process tells replies to a predecessor on the
 * same partition apart. Deadlines are kept in a wheel: taking, giving back and expiring are O(1).
 *
 * Thread: owner (the bridge's loop).
 */
#ifndef LAC_BRIDGE_SLOTS_H
#define LAC_BRIDGE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

enum {
    LAC_BRIDGE_CORRELATION_SIZE = 33, /* 32 hex digits and a NUL */
    LAC_BRIDGE_TICK_MS = 8,           /* deadlines end up to this much late */
};

struct lac_bridge_slots;

/* LAC_FATAL: out of memory. */
enum lac_status lac_bridge_slots_new(struct lac_bridge_slots **out, uint32_t count, uint64_t now_ms,
                                     struct lac_err *err) LAC_MUST_USE;
void lac_bridge_slots_free(struct lac_bridge_slots *s); /* NULL is fine */

uint32_t lac_bridge_slots_free_count(const struct lac_bridge_slots *s);

/* Takes a slot for `owner` and `index`. False: none is free. `*ref` (never 0) names it until it
 * is given back. */
bool lac_bridge_slots_take(struct lac_bridge_slots *s, void *owner, uint32_t index,
                           uint64_t deadline_ms, uint64_t *ref) LAC_MUST_USE;

/* Whose slot it is; NULL when it has been given back. `index` may be NULL. */
void *lac_bridge_slots_owner(const struct lac_bridge_slots *s, uint64_t ref, uint32_t *index);

/* Does nothing when it has been given back already. */
void lac_bridge_slots_give(struct lac_bridge_slots *s, uint64_t ref);

/* The text that travels with the request and comes back with the reply. */
void lac_bridge_slots_correlation(const struct lac_bridge_slots *s, uint64_t ref,
                                  char out[LAC_BRIDGE_CORRELATION_SIZE]);

/* Its opposite. False: not of this process, or not a correlation id at all. */
bool lac_bridge_slots_parse(const struct lac_bridge_slots *s, struct lac_str correlation,
                            uint64_t *ref) LAC_MUST_USE;

/* Gives back every slot whose deadline has passed and calls `expired` for each. */
void lac_bridge_slots_expire(struct lac_bridge_slots *s, uint64_t now_ms,
                             void (*expired)(void *ctx, void *owner, uint32_t index), void *ctx);

#endif
