/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_thread.h"

#include <signal.h>

enum lac_status lac_thread_start(pthread_t *out, void *(*run)(void *), void *ctx,
                                 struct lac_err *err)
{
    sigset_t all, old;
    int code;

    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    code = pthread_create(out, NULL, run, ctx);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (code != 0)
        return lac_err_set(err, LAC_FATAL, code, "no thread: %s", lac_errno_text(code));
    return LAC_OK;
}
