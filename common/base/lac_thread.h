/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_thread - starts a thread that signals pass by
 *
 * Signals are for the thread that waits for them; a helper thread with an open mask could be the
 * one that the kernel picks.
 */
#ifndef LAC_THREAD_H
#define LAC_THREAD_H

#include <pthread.h>

#include "lac_compiler.h"
#include "lac_err.h"

/*
 * Runs `run(ctx)` in a new thread with every signal blocked; the caller joins `*out`. FATAL: the
 * system has no thread left. The caller's mask is as before. Thread: any.
 */
enum lac_status lac_thread_start(pthread_t *out, void *(*run)(void *), void *ctx,
                                 struct lac_err *err) LAC_MUST_USE;

#endif
