/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_dev.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lac_clock.h"
#include "lac_file.h"

enum {
    READY_MS = 60000, /* everything up, or something is wrong */
    HEALTH_MS = 1000, /* one question to a health page */
    STATUS_MS = 1000, /* between two looks */
    RESTART_FIRST_MS = 500,
    RESTART_MOST_MS = 8000,
    RESTART_GIVE_UP = 6, /* ends in a row, each sooner than ... */
    STABLE_MS = 30000,   /* ... this after its start */
    LAST_LINES = 8,
    USAGE_STATUS = 2,
};

void lac_dev_say(struct lac_dev *d, enum lac_style style, const char *fmt, ...)
{
    char memory[LAC_CHILD_TAIL_BYTES + 1024];
    struct lac_buf b;
    va_list args;

    lac_progress_clear(&d->progress);
    lac_buf_init_fixed(&b, memory, sizeof(memory));
    lac_buf_put_text(&b, lac_term_on(&d->term, style));
    va_start(args, fmt);
    lac_buf_vprintf(&b, fmt, args);
    va_end(args);
    lac_buf_put_text(&b, lac_term_off(&d->term, style));
    lac_buf_put_char(&b, '\n');
    (void)lac_term_flush(&d->term, &b);
}

/* Speaks of an end that nobody asked for, and plans the restart. */
static void part_ended(struct lac_dev *d, enum lac_dev_part part)
{
    struct lac_child *c = &d->parts[part];
    struct lac_dev_health *h = &d->health[part];
    uint64_t now = lac_clock_mono_ms(), pause = RESTART_FIRST_MS;
    bool usage = WIFEXITED(c->exit_status) && WEXITSTATUS(c->exit_status) == USAGE_STATUS;
    char how[100];

    if (!h->wanted)
        return;
    lac_child_describe(c, how, sizeof(how));
    lac_dev_say(d, LAC_STYLE_BAD, "%s %s; its last lines (all of them: %s):\n%s", c->name, how,
                c->log_path, lac_child_last_lines(c, LAST_LINES));
    h->fails = now - c->started_ms > STABLE_MS ? 1 : h->fails + 1;
    for (unsigned i = 1; i < h->fails && pause < RESTART_MOST_MS; i++)
        pause *= 2;
    h->restart_ms = now + pause;
    /* A wrong setting stays wrong, however often it is tried. */
    if (h->fails >= RESTART_GIVE_UP || (usage && !h->ready)) {
        lac_dev_say(d, LAC_STYLE_BAD, "%s can't be kept running: stopping everything", c->name);
        d->giving_up = true;
    } else {
        lac_dev_say(d, LAC_STYLE_NOTE, "%s is started again in %.1f s", c->name,
                    (double)pause / 1000.0);
    }
}

static void restart_due(struct lac_dev *d)
{
    struct lac_err err;

    for (int part = 0; part < LAC_DEV_PARTS && !d->stop && !d->giving_up; part++) {
        struct lac_dev_health *h = &d->health[part];

        if (!h->wanted || d->parts[part].pid || lac_clock_mono_ms() < h->restart_ms)
            continue;
        if (lac_child_start(&d->parts[part], &err) != LAC_OK) {
            lac_dev_say(d, LAC_STYLE_BAD, "%s", err.text);
            h->restart_ms = lac_clock_mono_ms() + RESTART_MOST_MS;
        }
    }
}

static void read_signals(struct lac_dev *d)
{
    struct signalfd_siginfo info;

    while (read(d->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGWINCH)
            lac_term_resize(&d->term);
        else if (info.ssi_signo != SIGCHLD)
            d->stop++;
    }
}

bool lac_dev_pump(struct lac_dev *d, uint32_t ms)
{
    struct pollfd p[LAC_DEV_PARTS + 1];

    for (int part = 0; part < LAC_DEV_PARTS; part++)
        p[part] = (struct pollfd){.fd = d->parts[part].output_fd, .events = POLLIN};
    p[LAC_DEV_PARTS] = (struct pollfd){.fd = d->signal_fd, .events = POLLIN};
    (void)poll(p, LAC_DEV_PARTS + 1, (int)ms);
    read_signals(d);
    for (int part = 0; part < LAC_DEV_PARTS; part++) {
        lac_child_drain(&d->parts[part]);
        if (lac_child_reap(&d->parts[part]))
            part_ended(d, (enum lac_dev_part)part);
    }
    restart_due(d);
    return !d->stop && !d->giving_up;
}

bool lac_dev_wait_end(struct lac_dev *d, enum lac_dev_part part, uint32_t ms)
{
    uint64_t end = lac_clock_mono_ms() + ms;

    while (d->parts[part].pid && lac_clock_mono_ms() < end && d->stop < 2)
        (void)lac_dev_pump(d, 20);
    return d->parts[part].pid == 0;
}

static int start_worker(struct lac_dev *d, enum lac_dev_part part)
{
    static char programs[LAC_DEV_PARTS][PATH_MAX + 32];
    struct lac_child *c = &d->parts[part];
    char folder[PATH_MAX];
    struct lac_err err;
    int n = 0;

    if (!lac_tool_program_folder(folder))
        return lac_tool_fail(d->t, LAC_EXIT_FAILURE, "this program doesn't know where it is", NULL);
    snprintf(programs[part], sizeof(programs[part]), "%s/%s", folder, c->name);
    if (access(programs[part], X_OK) != 0) {
        snprintf(folder, sizeof(folder), "%.2000s: %s", programs[part], lac_errno_text(errno));
        return lac_tool_fail(d->t, LAC_EXIT_FAILURE, folder,
                             "`lacuna dev` runs its siblings from its own folder: build or "
                             "install all programs.");
    }
    c->argv[n++] = programs[part];
    c->argv[n++] = "--config";
    c->argv[n++] = d->conf_path;
    if (d->health[part].flag[0])
        c->argv[n++] = d->health[part].flag;
    c->argv[n] = NULL;
    c->envp = d->envp;
    c->log_path = d->log_paths[part];
    c->echo = d->o->verbose;
    if (lac_child_start(c, &err) != LAC_OK)
        return lac_tool_fail(d->t, LAC_EXIT_FAILURE, err.text, NULL);
    d->health[part].wanted = true;
    return -1;
}

static bool all_ready(struct lac_dev *d)
{
    bool all = true;

    for (int part = LAC_DEV_CLASSIFY; part < LAC_DEV_PARTS; part++) {
        struct lac_dev_health *h = &d->health[part];
        struct lac_http_call call = {.url = h->url, .total_ms = HEALTH_MS};
        unsigned status = 0;
        struct lac_err err;

        call.status = &status;
        if (!h->ready && d->parts[part].pid)
            h->ready = lac_http_client_send(d->http, &call, &err) == LAC_OK && status == 200;
        all &= h->ready;
    }
    return all;
}

/* -1 or the exit status. */
static int wait_ready(struct lac_dev *d)
{
    uint64_t end = lac_clock_mono_ms() + READY_MS;
    char waiting[200];

    while (!all_ready(d)) {
        struct lac_buf b;

        lac_buf_init_fixed(&b, waiting, sizeof(waiting) - 1);
        lac_buf_put_text(&b, "waiting for");
        for (int part = LAC_DEV_CLASSIFY; part < LAC_DEV_PARTS; part++)
            if (!d->health[part].ready)
                lac_buf_printf(&b, " %s", d->parts[part].name);
        if (!lac_dev_pump(d, 50))
            return d->stop ? LAC_EXIT_SIGNAL : LAC_EXIT_FAILURE;
        lac_progress_line(&d->progress, lac_buf_cstr(&b));
        if (lac_clock_mono_ms() > end) {
            lac_progress_clear(&d->progress);
            return lac_tool_fail(d->t, LAC_EXIT_DEPENDENCY, waiting,
                                 "They did not get ready within a minute. Their logs are in the "
                                 "data folder.");
        }
    }
    return -1;
}

/* The broker and classify come first: a group's first round takes three seconds, in which
 * Postgres is made. */
static int start(struct lac_dev *d)
{
    struct lac_err err;
    int status = lac_dev_open_folder(d);

    for (int part = 0; part < LAC_DEV_PARTS && status < 0; part++)
        snprintf(d->log_paths[part], sizeof(d->log_paths[part]), "%s/log/%s.log", d->data,
                 d->parts[part].name);
    if (status < 0 &&
        lac_http_client_new(&d->http, &(struct lac_http_client_options){0}, &err) != LAC_OK)
        status = lac_tool_fail(d->t, LAC_EXIT_FAILURE, err.text, NULL);
    if (status < 0)
        status = lac_dev_prepare_postgres(d);
    if (status < 0)
        status = lac_dev_open_kafka(d);
    if (status < 0)
        status = lac_dev_write_conf(d);
    if (status < 0)
        status = start_worker(d, LAC_DEV_CLASSIFY);
    if (status < 0)
        status = lac_dev_start_postgres(d);
    if (status < 0)
        status = start_worker(d, LAC_DEV_SINK);
    if (status < 0)
        status = start_worker(d, LAC_DEV_BRIDGE);
    return status < 0 ? wait_ready(d) : status;
}

/* Whoever waits for it may read it at once, so it is there whole or not at all. */
static int write_ready_file(struct lac_dev *d)
{
    char pid[24];
    struct lac_err err;

    if (!d->o->ready_file)
        return -1;
    snprintf(pid, sizeof(pid), "%d\n", getpid());
    if (lac_file_replace(d->o->ready_file, lac_str_from(pid), NULL, &err) == LAC_OK)
        return -1;
    return lac_tool_fail(d->t, LAC_EXIT_FAILURE, err.text, NULL);
}

/* A pipe or a device is somebody's: root may have named /dev/null. */
static void remove_ready_file(const struct lac_dev *d)
{
    struct stat there;

    if (d->o->ready_file && stat(d->o->ready_file, &there) == 0 && S_ISREG(there.st_mode))
        (void)unlink(d->o->ready_file);
}

/* A session of ours to a Postgres that was restarted. */
static void reconnect(struct lac_dev *d)
{
    struct lac_pg_options o = {.url = d->postgres_url, .connect_timeout_ms = HEALTH_MS};
    struct lac_err err;

    if (d->pg && lac_pg_usable(d->pg))
        return;
    lac_pg_close(d->pg);
    d->pg = NULL;
    if (d->parts[LAC_DEV_POSTGRES].pid && lac_pg_connect(&d->pg, &o, &err) != LAC_OK)
        d->pg = NULL; /* the status line shows no numbers until it is back */
}

static int run(struct lac_dev *d)
{
    uint64_t next = 0;
    int status = start(d);

    if (status >= 0)
        return status;
    lac_dev_banner(d);
    status = write_ready_file(d);
    while (status < 0 && lac_dev_pump(d, 200)) {
        if (lac_clock_mono_ms() < next)
            continue;
        reconnect(d);
        lac_dev_count(d);
        lac_dev_show_status(d);
        next = lac_clock_mono_ms() + STATUS_MS;
    }
    if (status < 0)
        remove_ready_file(d);
    if (status >= 0)
        return status;
    return d->giving_up ? LAC_EXIT_FAILURE : LAC_EXIT_OK;
}

static bool open_signals(struct lac_dev *d)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, SIGWINCH};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < LAC_COUNT(signals); i++)
        sigaddset(&set, signals[i]);
    d->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    sigaddset(&set, SIGPIPE); /* a pager that ends must not end dev */
    return d->signal_fd >= 0 && pthread_sigmask(SIG_BLOCK, &set, NULL) == 0 &&
           prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

static int supervise(const struct lac_tool *t, const struct lac_dev_options *o)
{
    static const char *const names[] = {"postgres", "lacuna-classify", "lacuna-sink",
                                        "lacuna-bridge"};
    struct lac_dev *d = calloc(1, sizeof(*d));
    int status;

    if (!d)
        return lac_tool_fail(t, LAC_EXIT_FAILURE, "out of memory", NULL);
    d->t = t;
    d->o = o;
    d->lock_fd = d->signal_fd = -1;
    d->term = t->out;
    d->opened_ms = lac_clock_mono_ms();
    lac_progress_init(&d->progress, &d->term);
    for (int part = 0; part < LAC_DEV_PARTS; part++) {
        lac_child_init(&d->parts[part], names[part]);
        d->parts[part].death_signal = SIGTERM;
    }
    if (open_signals(d))
        status = run(d);
    else
        status = lac_tool_fail(t, LAC_EXIT_FAILURE, lac_errno_text(errno), NULL);
    if (d->lock_fd >= 0)
        lac_dev_stop(d);
    lac_http_client_free(d->http);
    lac_dev_close_folder(d);
    if (d->signal_fd >= 0)
        close(d->signal_fd);
    free(d);
    return status;
}

int lac_cli_dev(int argc, char **argv)
{
    struct lac_dev_options o = {0};
    const struct lac_args_option options[] = {
        {'p', "port", LAC_ARGS_NUMBER, &o.port, "N", "The bridge's port on 127.0.0.1 (8000)", 1,
         65535},
        {0, "brokers", LAC_ARGS_TEXT, &o.brokers, "HOST:PORT",
         "Use this Kafka instead of the built-in broker; topics are created", 0, 0},
        {0, "data", LAC_ARGS_TEXT, &o.data, "DIR", "Keep the data here", 0, 0},
        {0, "ready-file", LAC_ARGS_TEXT, &o.ready_file, "FILE",
         "Write the process id here once all is ready; removed at the end", 0, 0},
        {0, "verbose", LAC_ARGS_SWITCH, &o.verbose, NULL, "Show what the programs log", 0, 0},
    };
    const struct lac_tool_command command = {
        .name = "lacuna dev",
        .usage = "[OPTION]...",
        .summary = "Start everything on this machine: broker, Postgres, classify, sink, bridge.",
        .details = "Ctrl-C stops all of it. Decisions stay in the data folder's Postgres for the\n"
                   "next start. Other terminals reach it with `lacuna --dev COMMAND`.",
        .examples = "  lacuna dev\n"
                    "  lacuna dev --port 8080 --classification-strategy=conservative\n"
                    "  lacuna dev --brokers localhost:9092   # with your own Kafka\n",
        .options = options,
        .option_count = LAC_COUNT(options),
        .own_settings = true,
    };
    struct lac_tool t;
    int status = lac_tool_open(&t, &command, argc, argv);

    if (status < 0)
        status = supervise(&t, &o);
    lac_tool_close(&t);
    return status;
}
