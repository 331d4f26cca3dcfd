/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ctrl-C while a scan prints. Main may be waiting for a pipe that never ends and so may workers, so
 * a thread of its own waits for the signal: it ends the document where the last record ended, says
 * that it is not all, and ends the process. A second signal ends it at once, wherever it is.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "lac_cli_scan.h"
#include "lac_thread.h"

static void end_now(struct lac_cli_scan_run *run)
{
    const char *what = run->collected ? "The baseline is left as it was."
                                      : "What was printed is not all there is to say.";

    /* Whoever writes finishes the records at hand first; nobody writes any more after this. */
    pthread_mutex_lock(&run->talk);
    lac_progress_clear(&run->progress);
    if (run->open && !run->output_error) {
        run->interrupted = true;
        lac_buf_reset(&run->out);
        lac_cli_scan_end(run, &run->out);
        (void)lac_tool_write(run->tool, &run->out);
    }
    (void)lac_tool_fail(run->tool, LAC_EXIT_SIGNAL, "stopped by a signal", what);
    _exit(LAC_EXIT_SIGNAL);
}

static void *watch(void *ctx)
{
    struct lac_cli_scan_run *run = ctx;

    while (sigwaitinfo(&run->watched, NULL) < 0 && errno == EINTR)
        ;
    if (!atomic_load(&run->done)) {
        (void)pthread_sigmask(SIG_UNBLOCK, &run->watched, NULL);
        end_now(run);
    }
    return NULL;
}

enum lac_status lac_cli_scan_watch(struct lac_cli_scan_run *run, struct lac_err *err)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    enum lac_status status;

    sigemptyset(&run->watched);
    for (size_t i = 0; i < LAC_COUNT(numbers); i++) {
        struct sigaction now;

        /* Who starts a program in the background may have it ignored: so it stays. */
        if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaddset(&run->watched, numbers[i]);
    }
    sigaddset(&run->watched, SIGUSR1); /* from lac_cli_scan_unwatch() */
    (void)pthread_sigmask(SIG_BLOCK, &run->watched, &run->mask);
    status = lac_thread_start(&run->watcher, watch, run, err);
    run->watching = status == LAC_OK;
    if (!run->watching)
        (void)pthread_sigmask(SIG_SETMASK, &run->mask, NULL);
    return status;
}

void lac_cli_scan_unwatch(struct lac_cli_scan_run *run)
{
    if (!run->watching)
        return;
    atomic_store(&run->done, true);
    (void)pthread_kill(run->watcher, SIGUSR1);
    pthread_join(run->watcher, NULL);
    run->watching = false;
    (void)pthread_sigmask(SIG_SETMASK, &run->mask, NULL);
}
