/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_bridge_scan - what the rules find in a text, and the text without it, at once
 *
 * Tier 1 alone, in this process: no record, no decision, nothing stored. A few threads do it, so
 * that a large text never holds up the loop; requests wait in a bounded queue. Each request is
 * answered with the pack that is in force when a thread begins with it; while the control topic
 * is not read to its end, requests wait a few seconds and are refused then.
 *
 * Bodies: {"text": "..."} or {"texts": ["...", ...]}, with "entities": [...] and "min_score": 0..1
 * for both, and "mode": "replace" | "mask" | "last4" | "hash" to redact. A member that nobody knows
 * is an error, and errors never repeat what was sent.
 *
 * Thread: the loop's, unless a function says otherwise.
 */
#ifndef LAC_BRIDGE_SCAN_H
#define LAC_BRIDGE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_http_server.h"
#include "lac_metrics.h"

struct lac_bridge_scan;
struct lac_control_follower;
struct lac_pack;

enum {
    LAC_BRIDGE_SCAN_WAITING_MAX = 64,  /* requests; one more is refused */
    LAC_BRIDGE_SCAN_THREADS = 2,       /* a scan takes milliseconds even for a whole body */
    LAC_BRIDGE_SCAN_ANSWER = 64 << 20, /* bytes of an answer */
};

struct lac_bridge_scan_options {
    const struct lac_pack *pack;           /* without a follower; outlives it */
    struct lac_control_follower *follower; /* NULL: packs are not followed; outlives it */
    const char *key_file;        /* of the hashes; NULL or "": a key of this process; borrowed */
    struct lac_metrics *metrics; /* NULL: none; outlives it */
};

/* Starts the threads. FATAL: the key can't be read, out of memory or threads. */
enum lac_status lac_bridge_scan_open(struct lac_bridge_scan **out,
                                     const struct lac_bridge_scan_options *options,
                                     struct lac_err *err) LAC_MUST_USE;

/* Answers what still waits and ends the threads. NULL is fine. Before the server closes. */
void lac_bridge_scan_close(struct lac_bridge_scan *s);

/* Whether requests can be answered; why not goes into `why`. Thread: any. */
bool lac_bridge_scan_ok(struct lac_bridge_scan *s, char *why, size_t size);

/* Keeps `r` and answers it later. AGAIN: the queue is full, or no memory; `r` is untouched. */
enum lac_status lac_bridge_scan_push(struct lac_bridge_scan *s, struct lac_http_request *r,
                                     bool redact) LAC_MUST_USE;

#endif
