/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_answer - a decision as people and HTTP clients read it
 *
 * Members, in this order: tier, confidence (0..1), reasoning, tags, classifier, latency_ms; then
 * request_id, event_id, revision, final and decision_hash of the record; posterior, route,
 * findings, opinions with the ids of exemplars, observations, stop, pack (its hash), model (its
 * hash, null where no encoder was asked) and engine. All but latency_ms are functions of the
 * records. Nothing of the classified text is in it: findings carry places, not contents.
 *
 * Thread: any. Pure functions.
 */
#ifndef LAC_ANSWER_H
#define LAC_ANSWER_H

#include <stdint.h>

#include "lac_buf.h"
#include "lac_err.h"

struct lac_json_writer;
struct lac_decision;
struct lac_decision_core;

struct lac_answer {
    const struct lac_decision *decision;  /* NULL when no record exists (a dry run): no ids */
    const struct lac_decision_core *core; /* decoded from decision->core */
    uint64_t latency_us;                  /* as the asker saw it */
};

/* Writes one object where a value is due. */
void lac_answer_json(struct lac_json_writer *w, const struct lac_answer *a);

/*
 * One or two sentences, deterministic, without content: "PROPRIETARY: e-mail address at /text
 * bytes 11-27 (rule email) sets a floor." At most LAC_ANSWER_REASONING_MAX bytes.
 */
enum { LAC_ANSWER_REASONING_MAX = 1024 };
void lac_answer_reasoning(struct lac_buf *out, const struct lac_decision_core *core);

/* P(true tier <= the answer), ppm; a core from elsewhere may hold no distribution: 0 to a million
 * all the same. */
int32_t lac_answer_confidence(const struct lac_decision_core *core);

/* Which layer settled it, borrowed for ever: "heuristic", "embedding", "llm" or "default". */
const char *lac_answer_classifier(const struct lac_decision_core *core);

#endif
