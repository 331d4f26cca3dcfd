/* SPDX-License-Identifier: Apache-2.0 */
#include "match_detect_fixture.h"

#include <stdio.h>

#include "lac_match.h"
#include "lac_test.h"

enum { FIELD_BYTES = 1 << 16, HITS = 16 };

void fixture_detect(const char *detector, const struct fixture_row *rows, size_t count)
{
    static struct lac_match_hit at[HITS];
    struct lac_match_hits hits = {.at = at, .capacity = HITS};
    struct lac_match_rule rule = {.id = LAC_STR("r"),
                                  .entity = LAC_STR("E"),
                                  .tier = LAC_TIER_PROPRIETARY,
                                  .score = 1000000,
                                  .detector = lac_str_from(detector)};
    struct lac_match_scratch *s = NULL;
    struct lac_match *m = NULL;
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_match_open(&m, &rule, 1, NULL, &err), LAC_OK);
    LAC_TEST_EQ(lac_match_scratch_open(&s, FIELD_BYTES, &err), LAC_OK);
    LAC_TEST_NEED(m && s);
    LAC_TEST_EQ(lac_match_scratch_fit(s, m, &err), LAC_OK);
    for (size_t i = 0; i < count; i++) {
        char out[4096];
        size_t n = 0;

        lac_test_row("%s: %.80s", detector, rows[i].text);
        LAC_TEST_EQ(lac_match_scan(m, s, lac_str_from(rows[i].text), &hits, &err), LAC_OK);
        out[0] = 0;
        for (size_t k = 0; k < hits.count && n < sizeof(out); k++)
            n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s", k ? "|" : "",
                                  (int)(at[k].end - at[k].start), rows[i].text + at[k].start);
        LAC_TEST_STR(out, rows[i].want);
    }
    lac_match_scratch_close(s);
    lac_match_close(m);
}
