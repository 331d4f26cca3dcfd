/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_bridge - a load of keep-alive clients, and servers to aim it at
 *
 * One thread sends the same POST over BENCH_CONNECTIONS connections, each waiting for its answer
 * before it asks again; the server has one thread. Both are pinned to a core of their own where
 * there are two.
 */
#ifndef BENCH_BRIDGE_H
#define BENCH_BRIDGE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { BENCH_CONNECTIONS = 64, BENCH_SERVER_CORE = 0, BENCH_LOAD_CORE = 1 };

struct bench_load {
    uint16_t port; /* on 127.0.0.1 */
    uint32_t ms;
    double rate;         /* out: requests answered per second, after a warm-up of a tenth */
    uint64_t answered;   /* out: all of them */
    size_t answer_bytes; /* out: the size of an answer's body */
};

/* -1: an error, or an answer that is not 200. */
int bench_load(struct bench_load *l);

struct bench_latency {
    double p50_us, p99_us;
};

/* Latencies, sorted at the end. */
struct bench_samples {
    uint64_t *ns; /* owned */
    size_t count, capacity;
    int failed; /* out of memory */
};
void bench_samples_add(struct bench_samples *s, uint64_t ns);
int bench_samples_end(struct bench_samples *s, struct bench_latency *out); /* frees */

/* Asks `rate` times a second, whatever comes back, and times each answer from the moment when its
 * question was due: a server that stalls can't hide it. -1 as bench_load(). */
int bench_paced(uint16_t port, double rate, uint32_t ms, struct bench_latency *out);

/* A port that is free at the moment. */
uint16_t bench_free_port(void);

/* produce -> consume and produce back -> consume, with librdkafka alone. */
struct bench_hops;
struct bench_hops *bench_hops_start(const char *brokers, const char *prefix);
int bench_hops_paced(struct bench_hops *h, double rate, uint32_t ms, struct bench_latency *out);
void bench_hops_stop(struct bench_hops *h);

/* The libmicrohttpd hello world: reads the body, answers `bytes` bytes of JSON. */
struct bench_hello;
struct bench_hello *bench_hello_start(size_t bytes);
uint16_t bench_hello_port(const struct bench_hello *h);
uint64_t bench_hello_cpu_ns(const struct bench_hello *h); /* spent by its thread */
void bench_hello_stop(struct bench_hello *h);

/* The floor: epoll, recv, send, nothing parsed but the end of a request. */
struct bench_raw;
struct bench_raw *bench_raw_start(size_t bytes);
uint16_t bench_raw_port(const struct bench_raw *r);
void bench_raw_stop(struct bench_raw *r);

/* Pins the calling thread where the machine has two cores or more. */
void bench_pin(int core);

#endif
