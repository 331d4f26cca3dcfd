/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_fiber - several call stacks in one thread, for the lane's simulator
 *
 * A lane's code blocks in the middle of its calls. In a fiber, "blocks" means that the
 * scheduler runs another lane, and "is killed" means that the fiber is never resumed. The
 * sanitizers are told about each switch.
 *
 * Thread: owner; all fibers of a process run in one thread.
 */
#ifndef SIM_FIBER_H
#define SIM_FIBER_H

#include <stdbool.h>

struct sim_fiber;

/* Makes a fiber that will run `run(arg)`. Aborts when memory runs out. */
struct sim_fiber *sim_fiber_new(void (*run)(void *arg), void *arg);

/* What the fiber's stack refers to is the caller's to free. Accepts NULL; never the current. */
void sim_fiber_free(struct sim_fiber *f);

/* Runs `f` until it yields or returns. True: it has returned. Never from inside a fiber. */
bool sim_fiber_resume(struct sim_fiber *f);

/* Goes back to who resumed this fiber. */
void sim_fiber_yield(void);

#endif
