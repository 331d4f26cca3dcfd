/* SPDX-License-Identifier: Apache-2.0 */
#include "match_fixture.h"

#include <stdio.h>
#include <time.h>

#include "lac_test.h"

static struct lac_match_hit hit_array[FIXTURE_HITS];

struct lac_match_rule fixture_rule_of(const char *id)
{
    return (struct lac_match_rule){
        .id = lac_str_from(id),
        .entity = LAC_STR("X"),
        .tier = LAC_TIER_PROPRIETARY,
        .score = 1000000,
        .likelihood = {1, 1, 1},
    };
}

bool fixture_set_open(struct fixture_set *t, const struct lac_match_rule *rules, size_t count)
{
    struct lac_err err = {0};

    *t = (struct fixture_set){.hits = {.at = hit_array, .capacity = FIXTURE_HITS}};
    if (lac_match_open(&t->m, rules, count, NULL, &err) != LAC_OK ||
        lac_match_scratch_open(&t->s, FIXTURE_FIELD_BYTES, &err) != LAC_OK ||
        lac_match_scratch_fit(t->s, t->m, &err) != LAC_OK) {
        lac_test_row("%s", err.text);
        LAC_TEST_EQ(err.status, LAC_OK);
        return false;
    }
    return true;
}

void fixture_set_close(struct fixture_set *t)
{
    lac_match_scratch_close(t->s);
    lac_match_close(t->m);
}

void fixture_scan(struct fixture_set *t, struct lac_str text)
{
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_match_scan(t->m, t->s, text, &t->hits, &err), LAC_OK);
}

uint64_t fixture_cost_ns(struct fixture_set *t, struct lac_str text)
{
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < 2; i++) {
        struct timespec from, to;
        uint64_t took;

        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
        fixture_scan(t, text);
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
        took = (uint64_t)(to.tv_sec - from.tv_sec) * 1000000000 + (uint64_t)to.tv_nsec -
               (uint64_t)from.tv_nsec;
        best = took < best ? took : best;
    }
    return best;
}

const char *fixture_found(struct fixture_set *t, const char *text)
{
    static char out[2048];
    size_t n = 0;

    fixture_scan(t, lac_str_from(text));
    for (size_t i = 0; i < t->hits.count; i++) {
        const struct lac_match_hit *h = &t->hits.at[i];

        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s", i ? "|" : "",
                              (int)(h->end - h->start), text + h->start);
    }
    out[n] = 0;
    return out;
}
