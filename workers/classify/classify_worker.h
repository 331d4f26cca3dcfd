/* SPDX-License-Identifier: Apache-2.0 */
/*
 * classify_worker - one lane of lacuna-classify with everything that belongs to it
 *
 * Two kinds: bulk lanes read lacuna.requests in large batches, exactly-once unless configured
 * otherwise; interactive lanes read lacuna.requests.interactive, where somebody waits, in small
 * batches, at-least-once.
 *
 * Thread: main makes and closes it; in between it is its lane's.
 */
#ifndef CLASSIFY_WORKER_H
#define CLASSIFY_WORKER_H

#include <pthread.h>

#include "classify_semantic.h"
#include "lac_classify.h"
#include "lac_control_follower.h"
#include "lac_runtime.h"

enum { CLASSIFY_ORIGIN_SIZE = 256, CLASSIFY_KEY_MAX = 4096 };

/* What main reads once and all lanes share. */
struct classify_program {
    struct lac_runtime *rt;
    struct lac_kafka_options kafka;
    struct lac_classify shared;
    struct lac_engine_options engine;
    struct classify_semantic semantic;
    struct lac_control_follower *follower; /* NULL: pack.follow is off */
    pthread_mutex_t origin_lock;           /* shared.origin, until a broker has told it */
    char origin[CLASSIFY_ORIGIN_SIZE];
};

struct classify_worker;

/* Makes lane `index` of a kind and gives it to the runtime. */
enum lac_status classify_worker_open(struct classify_worker **out, struct classify_program *p,
                                     bool interactive, size_t index,
                                     struct lac_err *err) LAC_MUST_USE;

/* Accepts NULL. After lac_runtime_run(). */
void classify_worker_close(struct classify_worker *w);

#endif
