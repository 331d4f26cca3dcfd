/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipe.tier1: Kafka -> tier 1 -> two records, exactly-once, against the same lanes whose stage
 * writes the same two records without looking at the text. All rules that are built in.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench_lane.h"
#include "bench_tier1.h"

enum { MESSAGES = 20000, FINDINGS = 5, FIELD_BYTES = 1 << 16, HITS = 64 };

struct lane {
    struct lac_match_scratch *scratch;
    struct lac_match_hit at[HITS];
};

struct pipe {
    struct bench_rules rules;
    struct bench_corpus corpus;
    struct lane lanes[BENCH_LANES];
};

static struct lac_str value(void *ctx, uint64_t i)
{
    const struct pipe *p = ctx;

    return p->corpus.messages[i % p->corpus.count];
}

static bool look(void *ctx, size_t lane, struct lac_str text)
{
    struct pipe *p = ctx;
    struct lac_match_hits hits = {.at = p->lanes[lane].at, .capacity = HITS};

    return lac_match_scan(lac_pack_match(p->rules.pack), p->lanes[lane].scratch, text, &hits,
                          NULL) == LAC_OK;
}

static bool open_pipe(struct pipe *p)
{
    struct lac_err err;

    if (!bench_rules_open(&p->rules) ||
        !bench_corpus_open(&p->corpus, MESSAGES, FINDINGS, p->rules.examples,
                           p->rules.example_count))
        return false;
    for (size_t i = 0; i < BENCH_LANES; i++)
        if (lac_match_scratch_open(&p->lanes[i].scratch, FIELD_BYTES, &err) != LAC_OK ||
            lac_match_scratch_fit(p->lanes[i].scratch, lac_pack_match(p->rules.pack), &err) !=
                LAC_OK) {
            fprintf(stderr, "pipe.tier1: %s\n", err.text);
            return false;
        }
    return true;
}

static int run(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    struct pipe *p = calloc(1, sizeof(*p));
    const struct bench_lane_work work = {.value = value, .look = look, .ctx = p};
    int result = -1;

    if (!p)
        return -1;
    if (open_pipe(p))
        result = bench_lane_compare(self->name, &work, o);
    for (size_t i = 0; i < BENCH_LANES; i++)
        lac_match_scratch_close(p->lanes[i].scratch);
    bench_corpus_close(&p->corpus);
    bench_rules_close(&p->rules);
    free(p);
    return result;
}

LAC_BENCH_CASES({"pipe.tier1", "brokers", run});
