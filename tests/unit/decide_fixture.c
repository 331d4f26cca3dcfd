/* SPDX-License-Identifier: Apache-2.0 */
#include "decide_fixture.h"

#include <string.h>

#include "lac_test.h"

const struct lac_decide_policy fixture_policy = {
    .prior = {350000, 500000, 150000},
    .cost = {{{0, 1, 4}, {60, 0, 2}, {400, 100, 0}},
             {{0, 1, 5}, {20, 0, 3}, {60, 12, 0}},
             {{0, 1, 3}, {3, 0, 1}, {8, 2, 0}}},
    .price = {0, 100000, 500000},
};

bool fixture_expect(bool ok, const char *what, int round)
{
    lac_test_row("%s, round %d", what, round);
    LAC_TEST_EQ(ok, true);
    return ok;
}

bool fixture_same(const struct lac_decide_out *a, const struct lac_decide_out *b)
{
    return a->tier == b->tier && a->confidence == b->confidence &&
           a->expected_cost == b->expected_cost &&
           memcmp(a->posterior, b->posterior, sizeof(a->posterior)) == 0;
}
