/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_width - somebody else's text on our terminal
 *
 * Texts come from outside: they may hold escape sequences that rewrite the screen, direction
 * overrides that make it lie, bytes that are no UTF-8. What passes through here is printable,
 * takes a known number of columns and is cut between characters. A control or format
 * character appears as its code, a line break as a visible mark.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_WIDTH_H
#define LAC_WIDTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_buf.h"
#include "lac_str.h"

/* Columns that `s` takes once it has gone through lac_width_put(). */
size_t lac_width(struct lac_str s);

/*
 * Appends `s`, made safe, in at most `columns` columns (0: no bound); what is cut ends in "…"
 * ("..." when `ascii`). Returns the columns used. With `ascii`, all that is not ASCII is shown
 * as its code.
 */
size_t lac_width_put(struct lac_buf *b, struct lac_str s, size_t columns, bool ascii);

#endif
