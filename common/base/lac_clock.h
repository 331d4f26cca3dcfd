/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_clock - the two clocks, told apart by name
 *
 * Durations and deadlines use the monotonic clock, which nobody can set. Wall-clock time is
 * only for what leaves the process: record timestamps and log lines.
 *
 * Thread: any.
 */
#ifndef LAC_CLOCK_H
#define LAC_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nanoseconds since an arbitrary start; never goes back. */
uint64_t lac_clock_mono_ns(void);

/* Milliseconds since an arbitrary start; the same clock. */
uint64_t lac_clock_mono_ms(void);

/* Microseconds and milliseconds since 1970-01-01 UTC. */
int64_t lac_clock_wall_us(void);
int64_t lac_clock_wall_ms(void);

/* Sleeps on the monotonic clock; returns early on a signal. */
void lac_clock_sleep_ms(uint32_t ms);

enum { LAC_CLOCK_TEXT_SIZE = 32 };

/* "2026-11-21T05:33:00.123Z" for any `wall_ms`, with as many digits as the year has; `out` holds
 * LAC_CLOCK_TEXT_SIZE bytes. */
void lac_clock_format(char *out, int64_t wall_ms);

/* Whether there is such a day in the Gregorian calendar; `year` 0 stands for one that is not known
 * (any leap year). */
bool lac_clock_is_date(unsigned year, unsigned month, unsigned day);

#endif
