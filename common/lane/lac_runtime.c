/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_runtime.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lac_assert.h"
#include "lac_clock.h"
#include "lac_file.h"
#include "lac_heap.h"
#include "lac_log.h"
#include "lac_runtime_priv.h"

enum { WATCH_SLICE_MS = 50, HELP_BYTES = 256 << 10, EXIT_CUT_SHORT = 75 };

/* Waking the main thread from inside, apart from what people send. */
enum { WAKE_SIGNAL = SIGUSR1 };

static void stop_signals(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
}

static void all_signals(sigset_t *set)
{
    stop_signals(set);
    (void)sigaddset(set, SIGHUP);
    (void)sigaddset(set, WAKE_SIGNAL);
}

/* ---- opening ---- */

const char *lac_runtime_version(void)
{
    return LAC_VERSION;
}

static void print_help(const struct lac_runtime *rt)
{
    struct lac_buf text;

    lac_buf_init(&text, HELP_BYTES);
    lac_conf_help(&text, rt->program.id);
    printf("%s: %s\n\nUsage: %s [--setting=value]...\n\n%s%s", rt->program.name,
           rt->program.summary, rt->program.name, lac_buf_cstr(&text),
           "\nExit status\n"
           "  0   stopped as asked, by SIGTERM or SIGINT, with all work in hand finished\n"
           "  1   could not start, or not go on; the log's last line of level error says why\n"
           "  75  stopped before the work in hand was finished; it will be done again\n");
    lac_buf_deinit(&text);
}

/* --help and --version: nobody is served by half of them and a status of 0. */
static enum lac_status printed(struct lac_err *err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return LAC_AGAIN;
    return lac_err_set(err, LAC_FATAL, errno, "can't write the output: %s", lac_errno_text(errno));
}

static enum lac_status load_conf(struct lac_runtime *rt, int argc, char **argv, struct lac_err *err)
{
    const struct lac_conf_sources sources = {
        .program = rt->program.id,
        .envp = environ,
        .argc = argc,
        .argv = argv,
    };
    enum lac_status status = lac_conf_load(&rt->conf, &sources, err);

    if (status != LAC_OK)
        return LAC_FATAL;
    switch (lac_conf_asked(rt->conf)) {
    case LAC_CONF_ASK_HELP:
        print_help(rt);
        return printed(err);
    case LAC_CONF_ASK_VERSION:
        printf("%s %s (librdkafka %s)\n", rt->program.name, LAC_VERSION, lac_kafka_library());
        return printed(err);
    default:
        return LAC_OK;
    }
}

static void open_log(struct lac_runtime *rt)
{
    enum lac_log_level level = (enum lac_log_level)lac_conf_choice(rt->conf, "log.level");
    bool json = strcmp(lac_conf_text(rt->conf, "log.format"), "json") == 0;

    lac_log_open(rt->program.name, level, json ? LAC_LOG_JSON : LAC_LOG_KEY_VALUE);
    for (size_t i = 0; lac_conf_warning(rt->conf, i); i++)
        lac_log(LAC_LOG_WARN, "configuration_doubted", "reason=\"%s\"",
                lac_conf_warning(rt->conf, i));
    if (lac_conf_bool(rt->conf, "kafka.ssl_insecure"))
        lac_log(LAC_LOG_WARN, "brokers_not_verified",
                "reason=\"kafka.ssl_insecure: whoever is on the way can be the broker\"");
}

static enum lac_status open_metrics(struct lac_runtime *rt, struct lac_err *err)
{
    char memory[128];
    struct lac_buf labels;
    enum lac_status status = lac_metrics_new(&rt->metrics, err);

    if (status != LAC_OK)
        return status;
    lac_metrics_add_process(rt->metrics);
    lac_buf_init_fixed(&labels, memory, sizeof(memory));
    lac_metrics_label(&labels, "program", lac_str_from(rt->program.name));
    lac_metrics_label(&labels, "version", lac_str_from(LAC_VERSION));
    lac_gauge_set(lac_metrics_gauge(rt->metrics, "lacuna_build_info",
                                    "Always 1; the labels tell what runs.", lac_buf_cstr(&labels)),
                  1);
    return LAC_OK;
}

/* Threads reserve far more addresses than memory. Where they can't be had, librdkafka ends the
 * program with an assertion that says nothing about it. */
static void warn_of_limits(void)
{
    struct rlimit space;

    if (getrlimit(RLIMIT_AS, &space) != 0 || space.rlim_cur == RLIM_INFINITY)
        return;
    lac_log(
        LAC_LOG_WARN, "address_space_limited",
        "mib=%llu advice=\"remove ulimit -v or LimitAS=, which can end this program in the middle "
        "of its work; MemoryMax= limits memory\"",
        (unsigned long long)(space.rlim_cur >> 20));
}

enum lac_status lac_runtime_open(struct lac_runtime **out, const struct lac_runtime_program *p,
                                 int argc, char **argv, struct lac_err *err)
{
    struct lac_runtime *rt = calloc(1, sizeof(*rt));
    enum lac_status status;
    sigset_t set;

    lac_file_hold_standard();
    lac_heap_keep();
    lac_log_open(p->name, LAC_LOG_INFO, LAC_LOG_KEY_VALUE);
    if (!rt)
        return lac_err_set(err, LAC_FATAL, 0, "out of memory");
    rt->program = *p;
    rt->lock_fd = -1;
    rt->started_ms = lac_clock_mono_ms();
    atomic_store(&rt->quit_status, -1);
    status = load_conf(rt, argc, argv, err);
    if (status == LAC_OK) {
        open_log(rt);
        all_signals(&set);
        (void)pthread_sigmask(SIG_BLOCK, &set, NULL); /* threads to come inherit it */
        (void)signal(SIGPIPE, SIG_IGN);
        status = runtime_state_open(rt, err);
    }
    if (status == LAC_OK)
        status = open_metrics(rt, err);
    if (status != LAC_OK) {
        if (status == LAC_FATAL)
            lac_log_err(LAC_LOG_ERROR, "start_refused", err);
        lac_runtime_close(rt);
        return status;
    }
    lac_log(LAC_LOG_INFO, "program_started", "version=%s instance=%s state_dir=%s librdkafka=%s",
            LAC_VERSION, rt->instance, rt->state_dir, lac_kafka_library());
    warn_of_limits();
    *out = rt;
    return LAC_OK;
}

void lac_runtime_close(struct lac_runtime *rt)
{
    if (!rt)
        return;
    runtime_page_close(rt);
    atomic_store(&rt->closing, true);
    if (rt->watched)
        (void)pthread_join(rt->watchdog, NULL);
    if (rt->metrics)
        lac_log(LAC_LOG_INFO, "program_stopped", "uptime_ms=%llu",
                (unsigned long long)(lac_clock_mono_ms() - rt->started_ms));
    lac_metrics_free(rt->metrics);
    lac_conf_free(rt->conf);
    if (rt->lock_fd >= 0)
        (void)close(rt->lock_fd);
    free(rt);
}

/* ---- asking ---- */

const struct lac_conf *lac_runtime_conf(const struct lac_runtime *rt)
{
    return rt->conf;
}

struct lac_metrics *lac_runtime_metrics(const struct lac_runtime *rt)
{
    return rt->metrics;
}

const char *lac_runtime_instance(const struct lac_runtime *rt)
{
    return rt->instance;
}

const char *lac_runtime_state_dir(const struct lac_runtime *rt)
{
    return rt->state_dir;
}

bool lac_runtime_stopping(const struct lac_runtime *rt)
{
    return atomic_load_explicit(&rt->stopping, memory_order_acquire);
}

/* Thread: any. */
static bool is_stopping(void *rt)
{
    return lac_runtime_stopping(rt);
}

void lac_runtime_kafka(struct lac_runtime *rt, struct lac_kafka_options *o)
{
    lac_kafka_options_from_conf(o, rt->conf);
    o->stopped = is_stopping;
    o->stopped_ctx = rt;
}

void lac_runtime_add_check(struct lac_runtime *rt, const char *name, lac_runtime_check *fn,
                           void *ctx)
{
    LAC_ASSERT(rt->check_count < RUNTIME_CHECKS_MAX);
    rt->checks[rt->check_count].name = name;
    rt->checks[rt->check_count].fn = fn;
    rt->checks[rt->check_count++].ctx = ctx;
}

void lac_runtime_add_lane(struct lac_runtime *rt, struct lac_lane *lane, void (*on_exit)(void *ctx),
                          void *ctx)
{
    LAC_ASSERT(rt->lane_count < RUNTIME_LANES_MAX);
    rt->lanes[rt->lane_count++] =
        (struct runtime_lane){.rt = rt, .lane = lane, .on_exit = on_exit, .ctx = ctx};
}

/* ---- running ---- */

void lac_runtime_quit(struct lac_runtime *rt, int status)
{
    int none = -1;

    (void)atomic_compare_exchange_strong(&rt->quit_status, &none, status);
    (void)kill(getpid(), WAKE_SIGNAL);
}

/* Thread: the lane's. */
static void *run_lane(void *arg)
{
    struct runtime_lane *r = arg;
    struct lac_err err;
    enum lac_status status = lac_lane_run(r->lane, &err);

    if (status == LAC_FATAL) {
        lac_log(LAC_LOG_ERROR, "lane_broke", "lane=%s code=%d reason=\"%s\"",
                lac_lane_name(r->lane), err.code, err.text);
        lac_runtime_quit(r->rt, 1);
    } else if (status != LAC_OK) {
        lac_log(LAC_LOG_WARN, "drain_incomplete", "lane=%s code=%d reason=\"%s\"",
                lac_lane_name(r->lane), err.code, err.text);
    }
    if (r->on_exit)
        r->on_exit(r->ctx);
    return NULL;
}

/* A lane that broke is why we stop, whatever came of the others: nobody should start us again and
 * expect more. */
static int status_cut_short(const struct lac_runtime *rt)
{
    int quit = atomic_load(&rt->quit_status);

    return quit > 0 ? quit : EXIT_CUT_SHORT;
}

/* Thread: its own, from the first signal on. What it cuts short is redone by the successor:
 * nothing is committed before it is safe. */
static void *watch(void *arg)
{
    struct lac_runtime *rt = arg;
    uint64_t limit = lac_conf_number(rt->conf, "drain.timeout_ms");
    uint64_t deadline = lac_clock_mono_ms() + limit;
    const struct timespec slice = {.tv_nsec = WATCH_SLICE_MS * 1000000L};
    sigset_t set;

    stop_signals(&set);
    while (!atomic_load(&rt->closing)) {
        if (sigtimedwait(&set, NULL, &slice) > 0) {
            lac_log(LAC_LOG_WARN, "drain_cut_short", "reason=\"second signal\"");
            _exit(status_cut_short(rt));
        }
        if (lac_clock_mono_ms() >= deadline) {
            lac_log(LAC_LOG_WARN, "drain_cut_short", "reason=\"drain.timeout_ms is over\" ms=%llu",
                    (unsigned long long)limit);
            _exit(status_cut_short(rt));
        }
    }
    return NULL;
}

/* Any lane may get the partition on which another one crashed. */
static void share_suspects(struct lac_runtime *rt)
{
    for (size_t i = 0; i < rt->lane_count; i++)
        for (size_t k = 0; k < rt->lane_count; k++)
            if (i != k)
                lac_lane_learn(rt->lanes[i].lane, rt->lanes[k].lane);
}

static enum lac_status start_lanes(struct lac_runtime *rt, struct lac_err *err)
{
    share_suspects(rt);
    for (size_t i = 0; i < rt->lane_count; i++) {
        int code = pthread_create(&rt->lanes[i].thread, NULL, run_lane, &rt->lanes[i]);

        if (code != 0)
            return lac_err_set(err, LAC_FATAL, code, "cannot start a thread: %s",
                               lac_errno_text(code));
        rt->lanes[i].started = true;
    }
    return LAC_OK;
}

static void stop_lanes(struct lac_runtime *rt)
{
    for (size_t i = 0; i < rt->lane_count; i++)
        lac_lane_stop(rt->lanes[i].lane);
    for (size_t i = 0; i < rt->lane_count; i++)
        if (rt->lanes[i].started)
            (void)pthread_join(rt->lanes[i].thread, NULL);
}

static void await_stop(struct lac_runtime *rt)
{
    sigset_t set;

    all_signals(&set);
    for (;;) {
        siginfo_t info;
        int number = sigwaitinfo(&set, &info);

        if (number == SIGHUP)
            lac_log(LAC_LOG_INFO, "signal_ignored", "signal=SIGHUP");
        if (number == SIGTERM || number == SIGINT) {
            lac_log(LAC_LOG_INFO, "stop_requested", "signal=%s",
                    number == SIGTERM ? "SIGTERM" : "SIGINT");
            return;
        }
        if (number == WAKE_SIGNAL && atomic_load(&rt->quit_status) >= 0)
            return;
        if (number < 0 && errno != EINTR)
            return;
    }
}

int lac_runtime_run(struct lac_runtime *rt, struct lac_err *err)
{
    enum lac_status status = runtime_page_open(rt, err);
    int quit;

    if (status == LAC_OK)
        status = start_lanes(rt, err);
    if (status == LAC_OK) {
        runtime_notify("READY=1");
        await_stop(rt);
    } else {
        lac_log_err(LAC_LOG_ERROR, "start_refused", err);
    }
    atomic_store_explicit(&rt->stopping, true, memory_order_release);
    runtime_notify("STOPPING=1");
    rt->watched = pthread_create(&rt->watchdog, NULL, watch, rt) == 0;
    stop_lanes(rt);
    quit = atomic_load(&rt->quit_status);
    if (status != LAC_OK)
        return 1;
    return quit > 0 ? quit : 0;
}
