/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_steps - how much work some code does, in numbers that are the same on every run
 *
 * A text that costs too much can't be told by a clock: machines differ and are busy. What is
 * compiled with lac_steps_instrument() (tests/support/LacSteps.cmake) counts each basic block that
 * it enters, and what it has the C library do to memory, a step for every 16 bytes.
 *
 * Thread: one.
 */
#ifndef LAC_STEPS_H
#define LAC_STEPS_H

#include <stdint.h>

/* Since the program began. */
uint64_t lac_steps(void);

#endif
