/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_env - a variable of the process's environment
 *
 * For the few things that are no configuration (which comes from lac_conf, with the environment
 * handed in): terminal, home folder, supervisor, test switches.
 *
 * Thread: any, because no Lacuna program ever changes its environment. That is why setenv() and
 * its kin must not be used, and why this is the only place that calls getenv().
 */
#ifndef LAC_ENV_H
#define LAC_ENV_H

/* The value, borrowed for the life of the process; NULL when `name` is not set. */
const char *lac_env(const char *name);

#endif
