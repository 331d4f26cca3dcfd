/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_metrics_impl - what the registry and its page share; private to common/metrics
 *
 * Families and series are only ever added, at the end of their lists and under `lock`, so a
 * pointer that was given out stays good without reference counts.
 */
#ifndef LAC_METRICS_IMPL_H
#define LAC_METRICS_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "lac_metrics.h"

enum { LAC_METRICS_HOOKS_MAX = 16 };

enum lac_metrics_kind {
    LAC_METRICS_COUNTER,
    LAC_METRICS_GAUGE,
    LAC_METRICS_HISTOGRAM,
    LAC_METRICS_SET_COUNTER, /* a counter that somebody else counts, kept as a struct lac_gauge */
};

struct lac_counter {
    atomic_uint_fast64_t value;
};

struct lac_gauge {
    _Atomic uint64_t bits; /* of the double */
    atomic_bool shown;
};

struct lac_histogram {
    const double *bounds; /* borrowed from the family */
    size_t count;
    _Atomic uint64_t sum_bits;
    atomic_uint_fast64_t *buckets; /* [count + 1], not cumulative; the last one is +Inf */
};

struct lac_metrics_series {
    struct lac_metrics_series *next;
    char *labels; /* "" for none */
    union {
        struct lac_counter counter;
        struct lac_gauge gauge;
        struct lac_histogram histogram;
    };
};

struct lac_metrics_family {
    struct lac_metrics_family *next;
    enum lac_metrics_kind kind;
    char *name;
    char *help;
    double *bounds; /* [count]; NULL unless a histogram */
    size_t count;
    struct lac_metrics_series *series;
};

struct lac_metrics {
    pthread_mutex_t lock; /* the lists and counts below, not the values */
    struct lac_metrics_family *families;
    size_t series_count;
    size_t hook_count;
    struct {
        void (*fn)(void *ctx);
        void *ctx;
    } hooks[LAC_METRICS_HOOKS_MAX];
    struct lac_counter *refused; /* in `families`; series that did not fit */
    struct lac_metrics_process *process;
};

/* A counter with a fraction, set to what the system counted. NULL as lac_metrics_gauge(). */
struct lac_gauge *lac_metrics_set_counter(struct lac_metrics *m, const char *name,
                                          const char *help);

double lac_metrics_double(uint64_t bits);

#endif
