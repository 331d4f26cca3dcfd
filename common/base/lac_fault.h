/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_fault - named places where a test makes the process fail
 *
 *     lac_fault("sink.after_copy");
 *
 * Does something only when the environment has LACUNA_FAULT=NAME:ACTION[:N], and only in builds
 * with LAC_FAULTS: ACTION is `kill` (SIGKILL to itself), `stop` (SIGSTOP to itself) or `abort`;
 * N is the how-manieth pass acts (default 1). Several are separated by commas. In builds
 * without LAC_FAULTS the macro is nothing.
 *
 * lac_fault_set() says whether the environment names the place at all: for what has to be true
 * there if it is to prove something.
 *
 * Thread: any.
 */
#ifndef LAC_FAULT_H
#define LAC_FAULT_H

#include <stdbool.h>

#ifdef LAC_FAULTS
void lac_fault_hit(const char *name);
bool lac_fault_set(const char *name);
/* NOLINTNEXTLINE(readability-identifier-naming): used like the function it stands for */
#define lac_fault(name) lac_fault_hit(name)
#else
/* NOLINTNEXTLINE(readability-identifier-naming): as above */
#define lac_fault(name)     ((void)0)
/* NOLINTNEXTLINE(readability-identifier-naming): as above */
#define lac_fault_set(name) false
#endif

#endif
