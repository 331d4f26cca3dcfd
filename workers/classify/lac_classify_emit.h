/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_classify_emit - one decision as records on topics
 *
 * Headers follow CloudEvents' Kafka binding (binary mode) and W3C trace context. ce_source
 * names the topic and ce_id the event and its revision, so the pair is the same however often
 * the decision is made.
 *
 * Thread: lane.
 */
#ifndef LAC_CLASSIFY_EMIT_H
#define LAC_CLASSIFY_EMIT_H

#include "lac_classify.h"

/* A request with all that is known about it. Borrowed. */
struct lac_classify_item {
    const struct lac_kafka_msg *msg;
    const struct lac_request *request;
    const struct lac_engine_out *out;
    struct lac_event_id event_id;
    int64_t started_us; /* wall clock: start of the batch */
    int64_t decide_us;  /* the batch's time in the engine */
    bool may_reply;     /* the topic's writer is trusted to name a partition */
};

/* Hands routing, lineage and, where asked for, reply over to `b`, and an escalation when the
 * decision is not final. AGAIN: `b` is full. */
enum lac_status lac_classify_emit(const struct lac_classify *c, struct lac_wire *w,
                                  struct lac_batch *b, const struct lac_classify_item *item,
                                  struct lac_err *err) LAC_MUST_USE;

#endif
