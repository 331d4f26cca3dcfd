/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_progress - one line that moves
 *
 * Redraws a line in place, at most ten times a second, on a terminal only: elsewhere every
 * call does nothing, so that logs don't fill with bars. lac_progress_clear() takes the line
 * away before something else is printed; the next update draws it again below.
 *
 * Thread: owner.
 */
#ifndef LAC_PROGRESS_H
#define LAC_PROGRESS_H

#include <stdint.h>

#include "lac_term.h"

struct lac_progress {
    struct lac_term *term; /* borrowed */
    uint64_t _next_ms;
    bool _drawn;
};

void lac_progress_init(struct lac_progress *p, struct lac_term *term);

/* True when a redraw is due; costs a clock read, so call it once per batch and not per item. */
bool lac_progress_due(const struct lac_progress *p);

/* Draws a bar for done/total (no bar when total is 0), then `text`, cut to the width. */
void lac_progress_bar(struct lac_progress *p, uint64_t done, uint64_t total, const char *text);

/* Draws `line`, which may hold styles and is trusted; `columns` is what it takes. */
void lac_progress_line(struct lac_progress *p, const char *line);

void lac_progress_clear(struct lac_progress *p);

enum { LAC_PROGRESS_NUMBER_SIZE = 32 };

/* 1234567 -> "1,234,567". */
const char *lac_progress_count(char out[LAC_PROGRESS_NUMBER_SIZE], uint64_t n);

/* 1536 -> "1.5 KiB". */
const char *lac_progress_size(char out[LAC_PROGRESS_NUMBER_SIZE], uint64_t bytes);

/* 83500 ms -> "1 min 23 s". */
const char *lac_progress_time(char out[LAC_PROGRESS_NUMBER_SIZE], uint64_t ms);

#endif
