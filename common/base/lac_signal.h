/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_signal - being told to stop, without a handler
 *
 * For tools that have a loop of their own: SIGINT and SIGTERM wait until the loop asks for them.
 * Daemons have lac_runtime instead.
 */
#ifndef LAC_SIGNAL_H
#define LAC_SIGNAL_H

#include <stdbool.h>

/*
 * From now on SIGINT and SIGTERM wait. Thread: main, before any other is started (librdkafka's
 * count too), since threads take this over from the one that starts them.
 */
void lac_signal_hold(void);

/* Whether SIGINT or SIGTERM came since this was asked last. Never waits. Thread: any. */
bool lac_signal_came(void);

#endif
