/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_log - one line per event, on stderr
 *
 *     lac_log(LAC_LOG_INFO, "batch_committed", "rows=%zu topic=%s first=%lld", n, topic, first);
 *
 * gives   time=2026-11-21T05:33:00.123Z level=info program=lacuna-sink event=batch_committed
 *         rows=512 topic=lacuna.lineage first=100
 *
 * or, in the json format, one object with the same names, every value a string. The event is in
 * the past tense. A value that may hold more than a word stands in quotes in the format
 * (reason=\"%s\"): whatever is in it stays in it, escaped as in JSON, so a message from outside
 * can't add a field. Never payloads, keys, texts or credentials: an offset identifies a record
 * well enough.
 *
 * Thread: any. A line is written with one write(2), so lines of threads never mix.
 */
#ifndef LAC_LOG_H
#define LAC_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"

enum lac_log_level {
    LAC_LOG_ERROR, /* someone must act */
    LAC_LOG_WARN,  /* it recovered by itself */
    LAC_LOG_INFO,  /* a state changed */
    LAC_LOG_DEBUG, /* per batch; off by default */
};

enum lac_log_format { LAC_LOG_KEY_VALUE, LAC_LOG_JSON };

enum { LAC_LOG_LINE_SIZE = 1024 }; /* longer lines are cut, and stay well-formed */

/* Before threads start. `program` is borrowed for ever. */
void lac_log_open(const char *program, enum lac_log_level level, enum lac_log_format format);

/* `event` is a bare word; `fmt` formats "key=value key=\"quoted value\" ..." or is "". */
void lac_log(enum lac_log_level level, const char *event, const char *fmt, ...) LAC_PRINTF(3, 4);

/* The usual line for a failed call: status, code and text of `err`. */
void lac_log_err(enum lac_log_level level, const char *event, const struct lac_err *err);

/*
 * Speaks at most once per `period_ms` and counts what it swallowed: a state that is kept by
 * the caller, one per place that can repeat. Returns true when the caller should log now, with
 * the number of swallowed lines in `*suppressed`.
 */
struct lac_log_every {
    uint64_t _next_ms;
    uint64_t _suppressed;
};
bool lac_log_every(struct lac_log_every *e, uint32_t period_ms, uint64_t *suppressed);

#endif
