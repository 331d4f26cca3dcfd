/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of slots. Main fills at `tail`, workers take at `next`, and whoever finishes the slot at
 * `head` emits it and those behind it that are done. Head, next and tail only grow.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "lac_assert.h"
#include "lac_cli_pool.h"
#include "lac_thread.h"

enum { TICK_MS = 100 };

struct lac_cli_pool {
    struct lac_cli_pool_options o;
    pthread_mutex_t lock;
    pthread_cond_t work, space;      /* on the monotonic clock */
    uint64_t head, next, tail;       /* lock */
    bool *done;                      /* [slot_count]; lock */
    bool emitting, stopped, closing; /* lock */
    unsigned started, given_numbers; /* given_numbers: lock */
    pthread_t *threads;
};

static void *slot_at(const struct lac_cli_pool *p, uint64_t i)
{
    return (char *)p->o.slots + i % p->o.slot_count * p->o.slot_size;
}

/* With the lock held; without it while emitting. */
static void emit_done(struct lac_cli_pool *p)
{
    if (p->emitting)
        return; /* that thread will see this slot too */
    p->emitting = true;
    while (p->head < p->next && p->done[p->head % p->o.slot_count]) {
        bool go = !p->stopped;

        pthread_mutex_unlock(&p->lock);
        if (go)
            go = p->o.emit(p->o.ctx, slot_at(p, p->head));
        pthread_mutex_lock(&p->lock);
        p->stopped = p->stopped || !go;
        p->done[p->head % p->o.slot_count] = false;
        p->head++;
        pthread_cond_signal(&p->space);
    }
    p->emitting = false;
}

static void *run(void *ctx)
{
    struct lac_cli_pool *p = ctx;
    unsigned number;

    pthread_mutex_lock(&p->lock);
    number = p->given_numbers++;
    for (;;) {
        uint64_t i;

        while (p->next == p->tail && !p->closing)
            pthread_cond_wait(&p->work, &p->lock);
        if (p->next == p->tail)
            break;
        i = p->next++;
        if (!p->stopped) {
            pthread_mutex_unlock(&p->lock);
            p->o.work(p->o.ctx, number, slot_at(p, i));
            pthread_mutex_lock(&p->lock);
        }
        p->done[i % p->o.slot_count] = true;
        emit_done(p);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void wait_a_tick(struct lac_cli_pool *p)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TICK_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    if (pthread_cond_timedwait(&p->space, &p->lock, &until) == ETIMEDOUT && p->o.tick) {
        pthread_mutex_unlock(&p->lock);
        p->o.tick(p->o.ctx);
        pthread_mutex_lock(&p->lock);
    }
}

enum lac_status lac_cli_pool_open(struct lac_cli_pool **out, const struct lac_cli_pool_options *o,
                                  struct lac_err *err)
{
    struct lac_cli_pool *p = calloc(1, sizeof(*p));
    enum lac_status status = LAC_OK;
    pthread_condattr_t clock;

    *out = NULL;
    if (!p)
        return lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for threads");
    p->o = *o;
    p->done = calloc(o->slot_count, sizeof(*p->done));
    p->threads = calloc(o->threads, sizeof(*p->threads));
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&p->work, &clock);
    pthread_cond_init(&p->space, &clock);
    pthread_condattr_destroy(&clock);
    if (!p->done || !p->threads)
        status = lac_err_set(err, LAC_FATAL, ENOMEM, "no memory for threads");
    for (; status == LAC_OK && p->started < o->threads; p->started += status == LAC_OK)
        status = lac_thread_start(&p->threads[p->started], run, p, err);
    if (status != LAC_OK) {
        lac_cli_pool_close(p);
        return status;
    }
    *out = p;
    return LAC_OK;
}

void *lac_cli_pool_slot(struct lac_cli_pool *p)
{
    void *slot;

    pthread_mutex_lock(&p->lock);
    while (p->tail - p->head == p->o.slot_count && !p->stopped)
        wait_a_tick(p);
    slot = p->stopped ? NULL : slot_at(p, p->tail);
    pthread_mutex_unlock(&p->lock);
    return slot;
}

void lac_cli_pool_submit(struct lac_cli_pool *p)
{
    pthread_mutex_lock(&p->lock);
    LAC_ASSERT(p->tail - p->head < p->o.slot_count);
    p->tail++;
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
}

void lac_cli_pool_close(struct lac_cli_pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    while (p->head < p->tail && p->started > 0)
        wait_a_tick(p);
    p->closing = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->started; i++)
        pthread_join(p->threads[i], NULL);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->space);
    pthread_mutex_destroy(&p->lock);
    free(p->threads);
    free(p->done);
    free(p);
}
