/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_metrics - numbers that a monitoring system reads
 *
 * A program declares its metrics at start, keeps the pointers and counts through them; the
 * page is written from what is there. Counting is a relaxed atomic operation, so a lane never
 * waits for another one or for the page.
 *
 * Everything is bounded: a registry takes LAC_METRICS_SERIES_MAX series and then answers NULL,
 * and every counting function ignores NULL. A monitoring gap is better than a worker that
 * stops for it, and lacuna_metrics_refused_total tells that it happened. Label values come
 * from small fixed sets (a layer, a tier, a partition), never from a key, a user or a text.
 *
 * Thread: any, all functions but lac_metrics_free().
 */
#ifndef LAC_METRICS_H
#define LAC_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

enum {
    LAC_METRICS_SERIES_MAX = 8192,
    LAC_METRICS_BOUNDS_MAX = 64,  /* buckets of a histogram, without +Inf */
    LAC_METRICS_LABELS_MAX = 512, /* bytes of one series' labels */
};

struct lac_metrics;
struct lac_counter;
struct lac_gauge;
struct lac_histogram;

/* LAC_FATAL: out of memory; `*out` is NULL. */
enum lac_status lac_metrics_new(struct lac_metrics **out, struct lac_err *err) LAC_MUST_USE;

/* NULL is fine. Invalidates every pointer that the registry gave out. */
void lac_metrics_free(struct lac_metrics *m);

/*
 * The three below find or make a series and return it; the pointer is good until
 * lac_metrics_free(). They take a lock and search: call them at start or when a label is new,
 * not per record.
 *
 * `name` is [a-zA-Z_:][a-zA-Z0-9_:]*, begins with "lacuna_" or "process_" and ends in its unit
 * in base units (_seconds, _bytes, _ratio); a counter ends in _total. `help` is one sentence.
 * Both are copied, and the first call for a name decides the help, kind and bounds. A bad name
 * or a second kind for one name is our mistake and aborts.
 *
 * `labels` is "layer=\"heuristic\",tier=\"PUBLIC\"" without braces, NULL for none; values are
 * escaped already (lac_metrics_label()). Series with the same labels in another order are two.
 *
 * NULL: the registry is full, labels are too long or memory ran out.
 */
struct lac_counter *lac_metrics_counter(struct lac_metrics *m, const char *name, const char *help,
                                        const char *labels);
struct lac_gauge *lac_metrics_gauge(struct lac_metrics *m, const char *name, const char *help,
                                    const char *labels);

/* `bounds` are upper limits of buckets, finite and ascending, at least one, copied. */
struct lac_histogram *lac_metrics_histogram(struct lac_metrics *m, const char *name,
                                            const char *help, const char *labels,
                                            const double *bounds, size_t count);

/* 0.1 ms to 10 s in steps of 1-2.5-5: for latencies of programs, lanes and requests. */
enum { LAC_METRICS_LATENCY_COUNT = 16 };
extern const double lac_metrics_latency_seconds[LAC_METRICS_LATENCY_COUNT];

/* 0.05 to 1 in steps of 0.05, and 0.99: for confidences and other ratios. */
enum { LAC_METRICS_RATIO_COUNT = 21 };
extern const double lac_metrics_ratio[LAC_METRICS_RATIO_COUNT];

/* Appends name="value" to `labels`, after a comma if it is not empty, escaping the value. */
void lac_metrics_label(struct lac_buf *labels, const char *name, struct lac_str value);

/* NULL is ignored everywhere below. */
void lac_counter_add(struct lac_counter *c, uint64_t n);
uint64_t lac_counter_value(const struct lac_counter *c);

void lac_gauge_set(struct lac_gauge *g, double value);
double lac_gauge_value(const struct lac_gauge *g);

/* Leaves the series out of the page until it is set again: a partition that was given away
 * has no lag, not the last one. */
void lac_gauge_hide(struct lac_gauge *g);

/* Gives `g`, of the registry `m`, other labels: for a gauge whose labels are its message, such as
 * the version of what is in force. Unlike a new series for each, this never fills the registry.
 * False, and nothing changed: they are too long or memory ran out. NULL `g` is ignored. */
bool lac_gauge_relabel(struct lac_metrics *m, struct lac_gauge *g, const char *labels);

/* NaN is ignored: it would spoil the sum for ever. */
void lac_histogram_observe(struct lac_histogram *h, double value);

/* A value that the exporter computes itself: called by each lac_metrics_write(), in its thread
 * and before it locks, to set gauges. Up to 16 of them; more is our mistake and aborts. */
void lac_metrics_on_write(struct lac_metrics *m, void (*fn)(void *ctx), void *ctx);

/* Adds process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds,
 * process_max_fds, process_threads and process_start_time_seconds, read when written. */
void lac_metrics_add_process(struct lac_metrics *m);

enum lac_metrics_format {
    LAC_METRICS_PROMETHEUS,  /* text/plain; version=0.0.4; charset=utf-8 */
    LAC_METRICS_OPENMETRICS, /* application/openmetrics-text; version=1.0.0; charset=utf-8 */
};

/* What an HTTP answer says in Content-Type. */
const char *lac_metrics_content_type(enum lac_metrics_format format);

/* Picks the format from the value of an Accept header (absent: Prometheus). */
enum lac_metrics_format lac_metrics_negotiate(struct lac_str accept);

/* Appends the whole page; families in the order of their declaration. Check lac_buf_ok(). */
void lac_metrics_write(struct lac_metrics *m, struct lac_buf *buf, enum lac_metrics_format format);

#endif
