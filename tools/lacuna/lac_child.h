/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_child - one supervised process
 *
 * Started in a process group of its own, so that Ctrl-C reaches the supervisor alone, which
 * stops its children in order. The kernel ends it when the supervisor dies (PR_SET_PDEATHSIG).
 * What it prints goes through a pipe into a file of bounded size, and the last lines are kept
 * for the moment when it dies.
 *
 * Thread: main; lac_child_start() forks, and PDEATHSIG is tied to the thread that forked.
 */
#ifndef LAC_CHILD_H
#define LAC_CHILD_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lac_compiler.h"
#include "lac_err.h"

enum {
    LAC_CHILD_ARGS_MAX = 40,
    LAC_CHILD_LOG_BYTES = 8 << 20, /* then the file becomes FILE.1 */
    LAC_CHILD_TAIL_BYTES = 4096,   /* kept in memory */
};

struct lac_child {
    /* Set before start, borrowed. */
    const char *name; /* for people */
    const char *argv[LAC_CHILD_ARGS_MAX];
    char *const *envp;
    const char *log_path;
    bool change_user; /* drop to uid, gid and no other groups */
    uid_t uid;
    gid_t gid;
    int death_signal; /* when the supervisor dies */
    bool echo;        /* repeat its output on our stderr */

    pid_t pid;       /* 0: not running */
    int output_fd;   /* readable when it printed; -1: closed */
    int exit_status; /* as of wait(2), once it ended */
    uint64_t started_ms;
    int _log_fd;
    uint64_t _log_size;
    char _tail[LAC_CHILD_TAIL_BYTES];
    size_t _tail_len;
};

void lac_child_init(struct lac_child *c, const char *name);

/* RETRY: no process or pipe to be had. FATAL: argv[0] can't be run; the text says why. */
enum lac_status lac_child_start(struct lac_child *c, struct lac_err *err) LAC_MUST_USE;

/* Moves what it printed into the log; never blocks. */
void lac_child_drain(struct lac_child *c);

/* Notices its end, without blocking: true exactly once per start. Afterwards pid is 0 and
 * exit_status says how. */
bool lac_child_reap(struct lac_child *c);

/* Sends `sig` to it; with `group`, to all processes of its group. Nothing when not running. */
void lac_child_signal(const struct lac_child *c, int sig, bool group);

/* "exited with status 1", "was killed by signal 9 (Killed)". */
void lac_child_describe(const struct lac_child *c, char *out, size_t size);

/* The last lines that it printed, at most `lines`, NUL-terminated. Borrowed until the next
 * drain. */
const char *lac_child_last_lines(struct lac_child *c, size_t lines);

/* Closes pipe and log. The process must have ended. */
void lac_child_close(struct lac_child *c);

#endif
