/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_bridge_hold - requests that wait for the producer to have room
 *
 * A queue of copies, first in, first out, within a fixed memory.
 *
 * Thread: owner (the bridge's loop).
 */
#ifndef LAC_BRIDGE_HOLD_H
#define LAC_BRIDGE_HOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_bridge.h"

struct lac_bridge_held;

/* Zeroed: empty. */
struct lac_bridge_hold {
    struct lac_bridge_held *first, *last; /* owned */
    size_t bytes;
};

/* False: it is large, or there is no memory left for it; then it has to go without waiting. */
bool lac_bridge_hold_add(struct lac_bridge_hold *h, const struct lac_bridge_message *m);

/* The next one, or NULL. Borrowed until it is dropped. */
const struct lac_bridge_message *lac_bridge_hold_first(const struct lac_bridge_hold *h);
void lac_bridge_hold_drop(struct lac_bridge_hold *h);

#endif
