/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_signal.h"

#include <signal.h>
#include <time.h>

static sigset_t stop_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

void lac_signal_hold(void)
{
    sigset_t set = stop_signals();

    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

bool lac_signal_came(void)
{
    static const struct timespec now = {0};
    sigset_t set = stop_signals();

    return sigtimedwait(&set, NULL, &now) > 0;
}
