/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end, in the order of the data: no new requests, then what is there is decided, then
 * stored, then Postgres. With dev's broker everything that is still in a topic is gone after
 * that, so each step waits a while for the one before it to run dry. A second signal cuts it
 * short.
 */
#include "lac_dev.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lac_clock.h"

enum { DRY_MS = 8000, WORKER_MS = 15000, POSTGRES_MS = 20000, ORPHAN_MS = 2000 };

static void end_part(struct lac_dev *d, enum lac_dev_part part, int sig, uint32_t ms)
{
    d->health[part].wanted = false;
    if (d->parts[part].pid == 0)
        return;
    lac_child_signal(&d->parts[part], sig, false);
    if (lac_dev_wait_end(d, part, ms))
        return;
    lac_dev_say(d, LAC_STYLE_NOTE, "%s did not stop: killed", d->parts[part].name);
    lac_child_signal(&d->parts[part], SIGKILL, true);
    (void)lac_dev_wait_end(d, part, ORPHAN_MS);
}

/* Waits until `left` says 0, the part is gone, the time is up or a second signal came. */
static void run_dry(struct lac_dev *d, enum lac_dev_part part,
                    int64_t (*left)(const struct lac_dev_counts *c))
{
    uint64_t end = lac_clock_mono_ms() + DRY_MS;

    while (d->parts[part].pid && d->stop < 2 && lac_clock_mono_ms() < end) {
        lac_dev_count(d);
        if (!d->counts.known || left(&d->counts) <= 0)
            return;
        lac_dev_show_status(d);
        (void)lac_dev_pump(d, 50);
    }
}

static int64_t unclassified(const struct lac_dev_counts *c)
{
    return c->requests - c->classified;
}

static int64_t unstored(const struct lac_dev_counts *c)
{
    return c->decisions - c->lost_decisions - c->stored;
}

static void say_left(struct lac_dev *d)
{
    int64_t open = d->counts.known ? unclassified(&d->counts) + unstored(&d->counts) : 0;

    if (d->mock && open > 0)
        lac_dev_say(d, LAC_STYLE_BAD,
                    "warning: %lld records were still on their way; they are gone with dev's "
                    "broker. Publish them again after the next start.",
                    (long long)open);
}

/* What a killed child left behind came to us, as the subreaper: nothing survives. */
static void end_orphans(void)
{
    uint64_t end = lac_clock_mono_ms() + ORPHAN_MS;
    char path[64], text[4096];

    snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
    while (waitpid(-1, NULL, WNOHANG) >= 0 && lac_clock_mono_ms() < end) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
        char *at = text, *rest;

        if (fd >= 0)
            close(fd);
        text[n > 0 ? n : 0] = '\0';
        /* A blank stands behind each, but for one that was cut off: that is another's number. */
        for (long pid; (pid = strtol(at, &rest, 10)) > 0 && *rest == ' '; at = rest)
            (void)kill((pid_t)pid, SIGKILL);
        lac_clock_sleep_ms(10);
    }
}

void lac_dev_stop(struct lac_dev *d)
{
    bool running = false;

    for (int part = 0; part < LAC_DEV_PARTS; part++)
        running |= d->parts[part].pid != 0;
    if (running)
        lac_dev_say(d, LAC_STYLE_DIM, "stopping");
    end_part(d, LAC_DEV_BRIDGE, SIGTERM, WORKER_MS);
    run_dry(d, LAC_DEV_CLASSIFY, unclassified);
    end_part(d, LAC_DEV_CLASSIFY, SIGTERM, WORKER_MS);
    run_dry(d, LAC_DEV_SINK, unstored);
    end_part(d, LAC_DEV_SINK, SIGTERM, WORKER_MS);
    if (d->pg)
        say_left(d);
    lac_pg_close(d->pg);
    d->pg = NULL;
    end_part(d, LAC_DEV_POSTGRES, SIGINT, POSTGRES_MS);
    for (int part = 0; part < LAC_DEV_PARTS; part++)
        lac_child_close(&d->parts[part]);
    end_orphans();
    lac_kafka_admin_close(d->admin);
    lac_kafka_mock_free(d->mock);
    lac_progress_clear(&d->progress);
}
