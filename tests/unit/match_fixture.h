/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match_fixture - a small set of rules and what it finds, for tests of common/match
 *
 * Thread: the test's.
 */
#ifndef MATCH_FIXTURE_H
#define MATCH_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_match.h"

enum { FIXTURE_FIELD_BYTES = 1 << 20, FIXTURE_HITS = 64 };

struct fixture_set {
    struct lac_match *m;
    struct lac_match_scratch *s;
    struct lac_match_hits hits; /* of the last scan; room for FIXTURE_HITS, which all sets share */
};

/* What is to be found in a text, as fixture_found() gives it. */
struct fixture_row {
    const char *text;
    const char *want;
};

/* A rule that finds nothing yet. */
struct lac_match_rule fixture_rule_of(const char *id);

/* False: the rules are refused, which has failed the test. Close it all the same. */
bool fixture_set_open(struct fixture_set *t, const struct lac_match_rule *rules, size_t count);
void fixture_set_close(struct fixture_set *t);

void fixture_scan(struct fixture_set *t, struct lac_str text);

/* What a scan takes of this thread's CPU time: what else the machine does is not ours. */
uint64_t fixture_cost_ns(struct fixture_set *t, struct lac_str text);

/* What was hit, joined by '|', for comparison with a table; until the next call. */
const char *fixture_found(struct fixture_set *t, const char *text);

#endif
