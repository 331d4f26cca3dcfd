/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_bridge_ids - request ids and trace contexts
 *
 * Thread: owner; an lac_bridge_ids holds a store of random bytes.
 */
#ifndef LAC_BRIDGE_IDS_H
#define LAC_BRIDGE_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "lac_bridge_idem.h"
#include "lac_str.h"
#include "lac_trace.h"

enum {
    LAC_BRIDGE_UUID_SIZE = 37, /* text and NUL */
    LAC_BRIDGE_KEY_MAX = 255,  /* bytes of an Idempotency-Key */
};

struct lac_bridge_ids {
    unsigned char store[8192]; /* random bytes, taken from the end; asking is what costs */
    uint32_t left;
    uint64_t last; /* milliseconds and counter of the last UUID: they only go up */
};

/* A UUID, version 7, of the time `wall_ms`: ids sort by time, also within a millisecond. */
void lac_bridge_ids_request(struct lac_bridge_ids *g, int64_t wall_ms,
                            char out[LAC_BRIDGE_UUID_SIZE]);

/* W3C trace context, version 00, sampled. */
void lac_bridge_ids_trace(struct lac_bridge_ids *g, char out[LAC_TRACE_SIZE]);

/* The value of an Idempotency-Key header, with or without the quotes of a structured field.
 * False: empty, too long or not printable ASCII. */
bool lac_bridge_key_parse(struct lac_str header, struct lac_str *key);

/* What the key of a tenant is remembered by, and what stands for a path's body. */
void lac_bridge_key_digest(struct lac_bridge_digest *out, struct lac_str tenant,
                           struct lac_str key);
void lac_bridge_body_digest(struct lac_bridge_digest *out, struct lac_str path,
                            struct lac_str body);

/* The request id of item `index` under that key: a UUID, version 8, always the same. */
void lac_bridge_key_request(const struct lac_bridge_digest *key, uint32_t index,
                            char out[LAC_BRIDGE_UUID_SIZE]);

#endif
