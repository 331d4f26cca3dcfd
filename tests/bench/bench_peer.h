/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_peer - a baseline that lives in another process
 *
 * Some of what we compare ourselves with is a Python package. It runs in a child that loads and
 * warms it up once, then answers questions: a line in, a line with a number out. It does its own
 * timing around the calls that count, so starting, reading and talking cost it nothing.
 *
 * Thread: the one that opened it.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

enum { BENCH_PEER_WAIT_S = 300, BENCH_PEER_ARGS_MAX = 12 };

struct bench_peer {
    const char *script;
    pid_t pid; /* 0: none */
    int fd;
    FILE *from; /* owns fd once it is there */
};

/* The Python that peers run in: LACUNA_BENCH_PYTHON, which tools/bench sets; NULL: there is none.
 */
const char *bench_peer_python(void);

/* Starts tests/bench/`script` with `args`, up to a NULL. False: the reason is on stderr. Close it
 * in any case. */
bool bench_peer_open(struct bench_peer *p, const char *python, const char *script,
                     const char *const *args);

/* Asks for a number; waits BENCH_PEER_WAIT_S at most. False: the reason is on stderr. */
bool bench_peer_ask(struct bench_peer *p, const char *question, double *answer);

void bench_peer_close(struct bench_peer *p);

#endif
