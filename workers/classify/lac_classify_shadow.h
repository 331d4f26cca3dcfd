/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_classify_shadow - what the pack in shadow would have decided
 *
 * After a batch is decided, a sample of it (by event id, the share of the push) is decided once
 * more with the shadow's pack, an engine and memory of its own. Each pair of tiers is counted;
 * where tiers, routes or rules differ, a record goes to the shadow topic, without text. It never
 * shows in a decision, and nothing that fails here fails the batch.
 *
 * It is dropped first: in a full batch, which is one with more work behind it, the shadow gets an
 * eighth of the time that deciding took, otherwise twice as much; what is beyond is counted as
 * dropped. Records are at most LAC_CLASSIFY_SHADOW_RATE a second and lane, and take no more than
 * part of the room for replies.
 *
 * Thread: lane.
 */
#ifndef LAC_CLASSIFY_SHADOW_H
#define LAC_CLASSIFY_SHADOW_H

#include "lac_classify_emit.h"

enum { LAC_CLASSIFY_SHADOW_RATE = 1000 };

struct lac_classify_shadow;

enum lac_status lac_classify_shadow_open(struct lac_classify_shadow **out,
                                         const struct lac_classify *shared,
                                         const struct lac_engine_options *engine,
                                         struct lac_err *err) LAC_MUST_USE;
void lac_classify_shadow_close(struct lac_classify_shadow *s); /* accepts NULL */

/* Compares `n` decided items with what `pack` says; `engine_ns`: what deciding them took. */
void lac_classify_shadow_run(struct lac_classify_shadow *s, const struct lac_pack *pack,
                             int32_t share_ppm, struct lac_wire *w, struct lac_batch *b,
                             const struct lac_classify_item *items, size_t n, uint64_t engine_ns,
                             bool full);

/* Whether an event is in a sample of so many parts per million. */
bool lac_classify_sampled(const struct lac_event_id *id, int32_t share_ppm);

#endif
