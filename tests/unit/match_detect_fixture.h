/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match_detect_fixture - what one detector finds, row by row
 *
 * Thread: the test's.
 */
#ifndef MATCH_DETECT_FIXTURE_H
#define MATCH_DETECT_FIXTURE_H

#include <stddef.h>

struct fixture_row {
    const char *text;
    const char *want; /* what is hit, joined by '|' */
};

#define FIXTURE_LONG \
    "Zk3vQ8xLr0TnWb7YcPd2MhJf5GsUe1AoQi4XtP9nKq7mLp2wVb6RyDs8HgTj0FxCzNuEa3Bk" /* 74 bytes */

/* Checks what a rule of the detector alone hits in each row. */
void fixture_detect(const char *detector, const struct fixture_row *rows, size_t count);

#endif
