/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_bridge_idem - the same key gets the same answer
 *
 * Remembers, for each Idempotency-Key of a tenant, which body came with it and what was answered,
 * for a fixed time and within a fixed memory: what is oldest goes first. A key that has been
 * forgotten is a new one; its request id is the same all the same, because that is derived.
 *
 * Thread: owner (the bridge's loop).
 */
#ifndef LAC_BRIDGE_IDEM_H
#define LAC_BRIDGE_IDEM_H

#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

struct lac_bridge_idem;

/* SHA-256 of tenant and key, or of path and body. */
struct lac_bridge_digest {
    unsigned char bytes[32];
};

/* Keeps up to `count` keys and `bytes` of answers for `ttl_ms`. LAC_FATAL: out of memory. */
enum lac_status lac_bridge_idem_new(struct lac_bridge_idem **out, uint32_t count, size_t bytes,
                                    uint64_t ttl_ms, struct lac_err *err) LAC_MUST_USE;
void lac_bridge_idem_free(struct lac_bridge_idem *t); /* NULL is fine */

enum lac_bridge_idem_state {
    LAC_BRIDGE_IDEM_NEW,      /* `*ref` is yours: store or drop it */
    LAC_BRIDGE_IDEM_STORED,   /* `*answer` is what was said; borrowed until the next call */
    LAC_BRIDGE_IDEM_BUSY,     /* somebody else's request with this key is under way */
    LAC_BRIDGE_IDEM_MISMATCH, /* the key came with another body before */
    LAC_BRIDGE_IDEM_FULL,     /* more than `count` keys are under way at once */
};

enum lac_bridge_idem_state lac_bridge_idem_begin(struct lac_bridge_idem *t,
                                                 const struct lac_bridge_digest *key,
                                                 const struct lac_bridge_digest *body,
                                                 uint64_t now_ms, uint32_t *ref,
                                                 struct lac_str *answer) LAC_MUST_USE;

/* Ends what begin called NEW: with an answer to keep (copied) … */
void lac_bridge_idem_store(struct lac_bridge_idem *t, uint32_t ref, struct lac_str answer,
                           uint64_t now_ms);

/* … or with none: the next one with this key starts afresh. */
void lac_bridge_idem_drop(struct lac_bridge_idem *t, uint32_t ref);

/* Keys remembered at the moment. */
uint32_t lac_bridge_idem_count(const struct lac_bridge_idem *t);

#endif
