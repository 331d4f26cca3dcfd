/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_cli_pool - threads that work on what main reads, and tell of it in the order it was read
 *
 * Thread: main, unless it says otherwise.
 */
#ifndef LAC_CLI_POOL_H
#define LAC_CLI_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_compiler.h"
#include "lac_err.h"

struct lac_cli_pool;

struct lac_cli_pool_options {
    unsigned threads;
    void *slots; /* [slot_count] of slot_size bytes each; the caller's */
    size_t slot_size, slot_count;
    void *ctx;
    void (*work)(void *ctx, unsigned worker, void *slot); /* Thread: worker */
    /* In order, one at a time. False: stop. Thread: any of them. */
    bool (*emit)(void *ctx, void *slot);
    void (*tick)(void *ctx); /* about ten times a second while main waits; may be NULL */
};

enum lac_status lac_cli_pool_open(struct lac_cli_pool **out, const struct lac_cli_pool_options *o,
                                  struct lac_err *err) LAC_MUST_USE;
/* The next slot to fill; waits for one. NULL: emit said stop. */
void *lac_cli_pool_slot(struct lac_cli_pool *p) LAC_MUST_USE;
/* Hands the slot over that was given last. */
void lac_cli_pool_submit(struct lac_cli_pool *p);
/* Waits for all that was handed over, and ends the threads. NULL is fine. */
void lac_cli_pool_close(struct lac_cli_pool *p);

#endif
