/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_runtime - what every long-running program does before and after its work
 *
 * Configuration, log, blocked signals, state folder, health and metrics page, systemd's
 * notifications, an orderly stop with a deadline. A program's main is
 *
 *     status = lac_runtime_open(&rt, &program, argc, argv, &err);   // prints --help itself
 *     ... build lanes or a server from lac_runtime_conf(rt) ...
 *     lac_runtime_add_lane(rt, ..);  or its own threads
 *     exit_code = lac_runtime_run(rt, &err);                        // until a signal
 *     ... close what was built ...
 *     lac_runtime_close(rt);
 *
 * Thread: main, unless said otherwise.
 */
#ifndef LAC_RUNTIME_H
#define LAC_RUNTIME_H

#include "lac_buf.h"
#include "lac_conf.h"
#include "lac_err.h"
#include "lac_lane.h"
#include "lac_metrics.h"

struct lac_runtime;

struct lac_runtime_program {
    const char *name; /* "lacuna-classify" */
    enum lac_conf_program id;
    const char *summary; /* one line, for --help */
};

/*
 * Sets how the heap behaves (lac_heap.h), reads the configuration, opens the log, blocks the
 * signals that lac_runtime_run() waits for (so call it before any thread starts), makes state.dir,
 * registers process metrics. AGAIN: --help or --version was asked for and printed: exit with 0.
 * FATAL: already logged.
 */
enum lac_status lac_runtime_open(struct lac_runtime **out, const struct lac_runtime_program *p,
                                 int argc, char **argv, struct lac_err *err) LAC_MUST_USE;

/* Accepts NULL. After everything that uses conf, metrics or lanes is closed. */
void lac_runtime_close(struct lac_runtime *rt);

const struct lac_conf *lac_runtime_conf(const struct lac_runtime *rt);
struct lac_metrics *lac_runtime_metrics(const struct lac_runtime *rt);

/* instance.id, by default the host name; a second process of the same program with the same
 * state folder gets ".1" behind it, a third ".2": two must not share a transactional id. */
const char *lac_runtime_instance(const struct lac_runtime *rt);

/* The state folder, existing and writable. */
const char *lac_runtime_state_dir(const struct lac_runtime *rt);

/* "0.1.0". */
const char *lac_runtime_version(void);

/*
 * A check for the health page: writes a short reason into `why` (`size` bytes) and returns
 * false when the component can't do its work now. A reason with true is shown, too: it does its
 * work, but not as well as it could. Thread: the page's; must not block.
 */
typedef bool lac_runtime_check(void *ctx, char *why, size_t size);
void lac_runtime_add_check(struct lac_runtime *rt, const char *name, lac_runtime_check *fn,
                           void *ctx); /* `name` borrowed */

/* Runs `lane` in a thread of its own during lac_runtime_run(), and checks its health. `lane`
 * stays the caller's, who closes it afterwards. `on_exit` is called in the lane's thread after
 * lac_lane_run() returned (may be NULL): the place to close its consumer. */
void lac_runtime_add_lane(struct lac_runtime *rt, struct lac_lane *lane, void (*on_exit)(void *ctx),
                          void *ctx);

/*
 * Starts page and lanes, tells systemd READY=1, waits for SIGTERM, SIGINT or
 * lac_runtime_quit(), tells STOPPING=1, stops the lanes and joins them. From the first signal
 * on a watchdog ends the process at a second one or after drain.timeout_ms; programs with
 * threads of their own stop them after this returns, still under the watchdog, and call
 * lac_runtime_close() last. Returns the process's exit status: 0, or 1 when a lane broke.
 */
int lac_runtime_run(struct lac_runtime *rt, struct lac_err *err) LAC_MUST_USE;

/* Ends lac_runtime_run() as a signal would; `status` is what it returns. Thread: any. */
void lac_runtime_quit(struct lac_runtime *rt, int status);

/* True from the first signal on. Thread: any. */
bool lac_runtime_stopping(const struct lac_runtime *rt);

/* All of `o` from the settings; waits for a first broker end when the program is stopped. */
void lac_runtime_kafka(struct lac_runtime *rt, struct lac_kafka_options *o);

#endif
