/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_semantic_gate.h"

#include <time.h>

#include "lac_assert.h"
#include "lac_semantic.h"

void lac_semantic_gate_init(struct lac_semantic_gate *g)
{
    pthread_condattr_t attr;

    atomic_init(&g->urgent, 0);
    (void)pthread_mutex_init(&g->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&g->calm, &attr);
    (void)pthread_condattr_destroy(&attr);
}

void lac_semantic_gate_deinit(struct lac_semantic_gate *g)
{
    (void)pthread_cond_destroy(&g->calm);
    (void)pthread_mutex_destroy(&g->lock);
}

static struct timespec deadline(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += LAC_SEMANTIC_YIELD_MS * 1000000L;
    t.tv_sec += t.tv_nsec / 1000000000L;
    t.tv_nsec %= 1000000000L;
    return t;
}

bool lac_semantic_gate_enter(struct lac_semantic_gate *g, bool interactive)
{
    struct timespec until;
    int code = 0;

    if (interactive) {
        atomic_fetch_add(&g->urgent, 1);
        return false;
    }
    if (atomic_load(&g->urgent) == 0)
        return false;
    until = deadline();
    (void)pthread_mutex_lock(&g->lock);
    while (code == 0 && atomic_load(&g->urgent) > 0)
        code = pthread_cond_timedwait(&g->calm, &g->lock, &until);
    (void)pthread_mutex_unlock(&g->lock);
    return true;
}

void lac_semantic_gate_leave(struct lac_semantic_gate *g, bool interactive)
{
    if (!interactive || atomic_fetch_sub(&g->urgent, 1) != 1)
        return;
    /* Under the lock: who has looked and is about to wait must not miss it. */
    (void)pthread_mutex_lock(&g->lock);
    (void)pthread_cond_broadcast(&g->calm);
    (void)pthread_mutex_unlock(&g->lock);
}
