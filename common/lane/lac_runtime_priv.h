/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_runtime_priv - what the runtime's files share
 */
#ifndef LAC_RUNTIME_PRIV_H
#define LAC_RUNTIME_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "lac_http_server.h"
#include "lac_runtime.h"

enum {
    RUNTIME_CHECKS_MAX = 64,
    RUNTIME_LANES_MAX = 64,
    RUNTIME_PATH_SIZE = 4096,
    RUNTIME_INSTANCE_SIZE = 128,
};

struct runtime_lane {
    struct lac_runtime *rt;
    struct lac_lane *lane;
    void (*on_exit)(void *ctx);
    void *ctx;
    pthread_t thread;
    bool started;
};

struct lac_runtime {
    struct lac_runtime_program program;
    struct lac_conf *conf;
    struct lac_metrics *metrics;
    struct lac_http_server *page;
    char instance[RUNTIME_INSTANCE_SIZE];
    char state_dir[RUNTIME_PATH_SIZE];
    int lock_fd; /* holds the instance's slot */
    uint64_t started_ms;

    struct {
        const char *name;
        lac_runtime_check *fn;
        void *ctx;
    } checks[RUNTIME_CHECKS_MAX];
    size_t check_count;
    struct runtime_lane lanes[RUNTIME_LANES_MAX];
    size_t lane_count;

    atomic_bool stopping;
    atomic_int quit_status; /* what run() returns; -1: nobody quit */
    atomic_bool closing;    /* ends the watchdog */
    pthread_t watchdog;
    bool watched;
};

/* lac_runtime_page.c */
enum lac_status runtime_page_open(struct lac_runtime *rt, struct lac_err *err) LAC_MUST_USE;
void runtime_page_close(struct lac_runtime *rt);

/* lac_runtime_state.c: the state folder and this instance's slot in it. */
enum lac_status runtime_state_open(struct lac_runtime *rt, struct lac_err *err) LAC_MUST_USE;

/* One datagram to systemd, if it is there: "READY=1". */
void runtime_notify(const char *text);

#endif
