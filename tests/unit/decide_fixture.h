/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide_fixture - a policy, and what tests of common/decide ask of each answer
 *
 * Thread: the test's.
 */
#ifndef DECIDE_FIXTURE_H
#define DECIDE_FIXTURE_H

#include <stdbool.h>

#include "lac_decide.h"

extern const struct lac_decide_policy fixture_policy; /* one that the check accepts */

/* One failed check per round at most: a flood of them would hide the first. Returns `ok`. */
bool fixture_expect(bool ok, const char *what, int round);

bool fixture_same(const struct lac_decide_out *a, const struct lac_decide_out *b);

#endif
