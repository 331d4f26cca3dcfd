/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_bench - our code against the best that can be had without it, in one run
 *
 * Absolute rates depend on the machine and its neighbours; a ratio of two measurements taken
 * alternately does much less. So a benchmark is a pair of functions that do the same work, run
 * in rounds: ours, baseline, baseline, ours. One line of JSON per benchmark says
 *
 *     {"name":..,"ratio":..,"ours":..,"baseline":..,"baseline_name":..,"unit":..,
 *      "rounds":..,"min":..,"max":..}
 *
 * ratio, ours and baseline are medians, min and max those of the rounds' ratios; a higher ratio
 * is better.
 *
 * A file of benchmarks lists them with LAC_BENCH_CASES, and stands in a tests/bench/NAME.cmake
 * as lac_bench(SOURCES bench_x.c USES record).
 */
#ifndef LAC_BENCH_H
#define LAC_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lac_compiler.h"

enum { LAC_BENCH_ROUNDS_MAX = 64 };

/* How the benchmarks are run; from the command line. */
struct lac_bench_options {
    size_t rounds;        /* pairs to measure; 0: the benchmark's own number */
    const char *brokers;  /* a real Kafka, NULL without */
    const char *postgres; /* a connection URL, NULL without */
    double scale;         /* of the work of a round: 1, less for a quick look */
};

struct lac_bench_case {
    const char *name;  /* "lane.passthrough" */
    const char *needs; /* "brokers", "postgres" or NULL */
    /* 0: measured and reported; otherwise failed, and the reason is on stderr. */
    int (*run)(const struct lac_bench_case *self, const struct lac_bench_options *o);
};

/* One side of a pair: does its work and returns how much it did per second (or per whatever,
 * higher is better), negative when it failed. */
typedef double lac_bench_side(void *ctx);

struct lac_bench_pair {
    const char *name;
    const char *baseline_name;
    const char *unit; /* "records/s" */
    lac_bench_side *ours;
    lac_bench_side *baseline;
    void *ctx;
    size_t rounds;
};

/* Warms both up once, measures, prints the line. 0: done. */
int lac_bench_run_pair(const struct lac_bench_pair *p, const struct lac_bench_options *o);

/* For benchmarks that measure in another way: medians of `n` given pairs. */
void lac_bench_report(const char *name, const char *baseline_name, const char *unit,
                      const double *ours, const double *baseline, size_t n);

/* Puts the values in rising order and returns their median; n > 0. */
double lac_bench_sort(double *values, size_t n);

/* Nanoseconds of a clock, such as the CPU time of this thread. */
uint64_t lac_bench_clock_ns(clockid_t clock);

/* The next line that is reported also says {NAME: VALUE}; `name` is borrowed until then. */
void lac_bench_note(const char *name, double value);

void lac_bench_register(const struct lac_bench_case *list, size_t n);

/* At the end of a file: LAC_BENCH_CASES({"record.decode", NULL, run_decode}, {..}) */
#define LAC_BENCH_CASES(...)                                               \
    static const struct lac_bench_case lac_bench_cases_[] = {__VA_ARGS__}; \
    __attribute__((constructor)) static void lac_bench_register_(void)     \
    {                                                                      \
        lac_bench_register(lac_bench_cases_, LAC_COUNT(lac_bench_cases_)); \
    }                                                                      \
    typedef int lac_bench_wants_a_semicolon_

#endif
