/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_bridge_lookup - stored decisions, read beside the loop
 *
 * Postgres answers when it answers; the loop must not wait. One thread with one connection takes
 * look-ups from a bounded queue, reads the exact Decision bytes and answers with what classify
 * would have answered. Where conflicting decisions were stored, the strictest tier counts.
 */
#ifndef LAC_BRIDGE_LOOKUP_H
#define LAC_BRIDGE_LOOKUP_H

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_event_id.h"
#include "lac_http_server.h"
#include "lac_str.h"

struct lac_bridge_lookup;

enum {
    LAC_BRIDGE_LOOKUPS_MAX = 256,     /* waiting; one more is refused */
    LAC_BRIDGE_LOOKUP_ID_MAX = 512,   /* bytes of a request id, as the table holds them */
    LAC_BRIDGE_LOOKUP_ROWS_MAX = 100, /* decisions of one request id */
};

struct lac_bridge_lookup_options {
    const char *url;      /* borrowed, like all texts here, for the lookup's life */
    const char *password; /* NULL or "": none */
    uint32_t connect_timeout_ms;
    uint32_t statement_timeout_ms;
};

/* Starts the thread; connects when first needed. FATAL: out of memory or threads. */
enum lac_status lac_bridge_lookup_open(struct lac_bridge_lookup **out,
                                       const struct lac_bridge_lookup_options *options,
                                       struct lac_err *err) LAC_MUST_USE;

/* Answers what still waits and ends the thread. NULL is fine. Before the server closes. */
void lac_bridge_lookup_close(struct lac_bridge_lookup *l);

/*
 * Keeps `r` and answers it later: 200 with the last revision, 404, or 503. AGAIN: the queue is
 * full, `r` is untouched. Thread: the loop's.
 */
enum lac_status lac_bridge_lookup_event(struct lac_bridge_lookup *l, struct lac_http_request *r,
                                        struct lac_str tenant,
                                        const struct lac_event_id *id) LAC_MUST_USE;

/* The same for all decisions of a request id, newest first: {"decisions": [...]}. `request_id` is
 * copied; at most LAC_BRIDGE_LOOKUP_ID_MAX bytes. */
enum lac_status lac_bridge_lookup_request(struct lac_bridge_lookup *l, struct lac_http_request *r,
                                          struct lac_str tenant,
                                          struct lac_str request_id) LAC_MUST_USE;

/* Whether the last contact with Postgres went well; `why` gets the reason if not. Thread: any. */
bool lac_bridge_lookup_ok(struct lac_bridge_lookup *l, char *why, size_t size);

#endif
