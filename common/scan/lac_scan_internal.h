/* SPDX-License-Identifier: Apache-2.0 */
/* lac_scan_internal - what the files of common/scan share. Thread: see lac_scan.h. */
#ifndef LAC_SCAN_INTERNAL_H
#define LAC_SCAN_INTERNAL_H

#include "lac_decide.h"
#include "lac_redact.h"
#include "lac_scan.h"
#include "lac_scan_table.h"

struct lac_scan_plan {
    const struct lac_pack *pack; /* borrowed */
    const struct lac_match *m;
    uint32_t rule_count;
    uint32_t min_score;
    bool want_weak;
    bool *asked;  /* [rule_count], in flags: the names ask for it; counts for the tier */
    bool *listed; /* [rule_count], in flags: the same, and the tier and strength fit */
    bool flags[];
};

struct lac_scan {
    const struct lac_scan_plan *plan; /* borrowed */
    struct lac_match_scratch *scratch;
    struct lac_match_hit *hits;  /* [LAC_SCAN_WINDOW_HITS] */
    struct lac_scan_finding *at; /* grows */
    size_t count, capacity;
    struct lac_redact_span *spans; /* grows */
    size_t span_capacity;
    bool *spoke;     /* [rule_count]: opinions that were heard in this text */
    uint32_t *heard; /* [rule_count]: which, in the order of the first of each */
    size_t heard_count;
    struct lac_decide_opinion opinions[LAC_DECIDE_OPINION_MAX];
    struct lac_scan_table table;
    struct lac_scan_later later;
    struct lac_scan_queue queue;
    struct lac_scan_cells *cells;
    bool shifted; /* the next text goes on where the last one ended */
};

/* Keeps a finding, in the order in which they come. RETRY: no memory. */
enum lac_status lac_scan_push(struct lac_scan *s, const struct lac_scan_finding *f,
                              struct lac_scan_result *out, struct lac_err *err) LAC_MUST_USE;

/* What a finding says beyond its place: floors and opinions, of rules that were asked for. */
void lac_scan_hear(struct lac_scan *s, uint32_t rule, uint32_t score, struct lac_scan_result *out);

#endif
