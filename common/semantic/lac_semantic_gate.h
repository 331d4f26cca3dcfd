/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_semantic_gate - who may use a device now; private to common/semantic
 *
 * Interactive lanes never wait here. Any other lane, before each call, waits while an interactive
 * call runs, for at most LAC_SEMANTIC_YIELD_MS: so it always moves on, by one call in that time.
 * An interactive call therefore shares the device with no more than the calls that had begun, one
 * for each other lane, which are as long as the limit of tokens makes them.
 *
 * Thread: any.
 */
#ifndef LAC_SEMANTIC_GATE_H
#define LAC_SEMANTIC_GATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct lac_semantic_gate {
    atomic_uint urgent; /* interactive calls that run */
    pthread_mutex_t lock;
    pthread_cond_t calm; /* `urgent` is 0 again */
};

void lac_semantic_gate_init(struct lac_semantic_gate *g);
void lac_semantic_gate_deinit(struct lac_semantic_gate *g);

/* Before and after each call. `enter` returns whether it has waited. */
bool lac_semantic_gate_enter(struct lac_semantic_gate *g, bool interactive);
void lac_semantic_gate_leave(struct lac_semantic_gate *g, bool interactive);

#endif
