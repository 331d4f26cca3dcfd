/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_lane - what the lane's benchmarks share: the topics and the work
 *
 * Every input record of INPUT_SIZE bytes becomes two records, of SMALL_SIZE and INPUT_SIZE
 * bytes, as classify makes a small one and a large one. The input is filled once and read from
 * its start in every round; every run writes to new topics.
 */
#ifndef BENCH_LANE_H
#define BENCH_LANE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_batch.h"
#include "lac_bench.h"
#include "lac_kafka.h"
#include "lac_str.h"

enum {
    BENCH_PARTITIONS = 8,
    BENCH_LANES = 2,
    BENCH_LANES_MAX = 4,
    BENCH_RECORDS = 1200000, /* of the input, at scale 1 */
    BENCH_INPUT_SIZE = 275,
    BENCH_SMALL_SIZE = 60,
    BENCH_THREADS_MAX = 4,
    BENCH_QUEUE_KBYTES = 32768,
};

/* The rate of the middle of a run: from the moment when every thread has begun to the moment
 * when nearly all is done. Joining a group and the last flush are not what is compared. */
struct bench_sample {
    uint64_t at_ns, done;
    uint64_t cpu_ns, broker_ns; /* CPU time so far: of this process, of the broker (0: unknown) */
};

struct bench_meter {
    size_t threads;
    uint64_t total;
    atomic_uint_fast64_t done;
    atomic_size_t begun;
    atomic_bool started, measured;  /* `start` is being taken, is taken */
    struct bench_sample start, end; /* read when all threads have ended */
};

/* CPU time is less noisy than a rate on a busy machine, and says what a record costs. The broker's
 * is known if LACUNA_BENCH_BROKER_PID says which process it is. */
struct bench_cost {
    double rate;              /* records per second */
    double cpu_us, broker_us; /* CPU time per record: this process, the broker */
};

void bench_meter_reset(struct bench_meter *m, size_t threads, uint64_t total);
void bench_meter_begin(struct bench_meter *m); /* once per thread, at its first batch */
void bench_meter_add(struct bench_meter *m, uint64_t n);
int bench_meter_ended(const struct bench_meter *m);
double bench_meter_rate(const struct bench_meter *m); /* records per second; -1: no end */
bool bench_meter_cost(const struct bench_meter *m, struct bench_cost *cost); /* false: no end */

/* The rate of several runs of as many records each: all records by all time. */
double bench_cost_rate(const struct bench_cost *costs, size_t n);

/* Medians and spread of CPU time on stderr; at most 32 runs. */
void bench_cost_print(const char *name, const char *side, const struct bench_cost *costs, size_t n);

struct bench_topics {
    const char *brokers;
    const char *input;
    const char *outputs[2];
    uint64_t records;
};

/* Makes up to four topics; 0: they are there. Removing is tried, and said when it failed. */
int bench_topics_make(const struct lac_kafka_options *kafka, const char *const *names, size_t n);
void bench_topics_remove(const struct lac_kafka_options *kafka, const char *const *names, size_t n);

/* librdkafka alone: `threads` loops, each with its own consumer of a share of the partitions
 * and its own producer. `copy`: librdkafka copies the values, else they stand in a ring. */
double bench_bare_run(const struct bench_topics *t, size_t threads, int copy,
                      struct bench_meter *m);

/* What a stage does beside passing on. */
struct bench_lane_work {
    struct lac_str (*value)(void *ctx, uint64_t i); /* of the i-th record; NULL: filler */
    /* Looks at one record, in its lane's thread. False: failed. */
    bool (*look)(void *ctx, size_t lane, struct lac_str value);
    /* Instead: all of a batch, in its lane's thread, two records for each. */
    enum lac_status (*stage)(void *ctx, size_t lane, struct lac_batch *b, struct lac_err *err);
    /* Once the input is filled, before anything runs: these topics then stay. NULL: nobody wants
     * to know, and each run has its own outputs. */
    void (*filled)(void *ctx, const struct bench_topics *topics);
    void *ctx;
    uint64_t records; /* of the input, at scale 1; 0: BENCH_RECORDS */
    size_t lanes;     /* 0: BENCH_LANES; at most BENCH_LANES_MAX */
};

/* Exactly-once lanes with this work against the same lanes without. 0: measured and reported. */
int bench_lane_compare(const char *name, const struct bench_lane_work *work,
                       const struct lac_bench_options *o);

/* The same against something else, which gets the work's ctx. */
int bench_lane_against(const char *name, const struct bench_lane_work *work,
                       const char *baseline_name, lac_bench_side *side,
                       const struct lac_bench_options *o);

#endif
