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
 * Thread: any.
 */
#ifndef LAC_FAULT_H
#define LAC_FAULT_H

#ifdef LAC_FAULTS
void lac_fault_hit(const char *name);
/* NOLINTNEXTLINE(readability-identifier-naming): used like the function it stands for */
#define lac_fault(name) lac_fault_hit(name)
#else
/* NOLINTNEXTLINE(readability-identifier-naming): as above */
#define lac_fault(name) ((void)0)
#endif

#endif
