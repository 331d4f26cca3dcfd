/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_bridge - HTTP in, Kafka through, HTTP out
 *
 * The bridge owns the HTTP server and everything between a request and its answer: bodies, ids,
 * slots, deadlines, idempotency. How a request travels is a link: Kafka in production
 * (lac_bridge_kafka.h), a function in tests and benchmarks.
 *
 * Thread: the HTTP server's loop, unless a function says otherwise.
 */
#ifndef LAC_BRIDGE_H
#define LAC_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_event_id.h"
#include "lac_http_server.h"
#include "lac_metrics.h"
#include "lac_str.h"

struct lac_bridge;
struct lac_bridge_lookup;
struct lac_bridge_scan;
struct lac_schema_source;

/* A request on its way out. Borrowed during send(). */
struct lac_bridge_message {
    struct lac_str key;         /* the request id */
    struct lac_str value;       /* Request, framed */
    struct lac_str correlation; /* comes back with the reply */
    struct lac_str traceparent;
    int64_t timestamp_ms; /* of the record */
    uint64_t ref;         /* for lac_bridge_delivered() */
};

struct lac_bridge_link {
    void *ctx;
    /* AGAIN or RETRY: not now (503). REJECT: this one can't be sent (413). */
    enum lac_status (*send)(void *ctx, const struct lac_bridge_message *m, struct lac_err *err);
    /* The event id that a worker gives to the record at that place. */
    void (*event_id)(void *ctx, int32_t partition, int64_t offset, int64_t timestamp_ms,
                     struct lac_event_id *out);
    /* Whether it is worth trying to send, and whether the whole way is known to work; `why` (256
     * bytes) says why not. */
    bool (*usable)(void *ctx, char *why, size_t size);
    bool (*ready)(void *ctx, char *why, size_t size);
    /* Serves what the link has to do, in every round of the loop. May be NULL. */
    void (*tick)(void *ctx);
};

struct lac_bridge_options {
    struct lac_http_server_options http; /* listen, limits and deadlines; routes are ours */
    const char *api_key;                 /* NULL or "": everybody may, then listen is loopback */
    const char *version;
    const char *environment; /* for the health page; "": it says none */
    uint32_t in_flight;
    uint32_t deadline_ms; /* when a request names none */
    uint64_t idempotency_ttl_ms;
    struct lac_metrics *metrics; /* outlives the bridge */
    struct lac_bridge_link link;
    const struct lac_schema_source *schemas; /* for replies in foreign schemas; NULL: none */
    struct lac_bridge_lookup *lookup; /* NULL: stored decisions can't be read. Outlives it. */
    struct lac_bridge_scan *scan;     /* NULL: texts can't be scanned here. Outlives it. */
    bool (*stopping)(void *ctx);      /* not ready any more; may be NULL. Thread: any. */
    void *stopping_ctx;
};

/* FATAL: others can reach the address `listen`, and there is no key (NULL or ""). */
enum lac_status lac_bridge_check_listen(const char *listen, const char *api_key,
                                        struct lac_err *err) LAC_MUST_USE;

/* FATAL: an address that others can reach without a key, or one that can't be listened on. */
enum lac_status lac_bridge_open(struct lac_bridge **out, const struct lac_bridge_options *options,
                                struct lac_err *err) LAC_MUST_USE;

/* The server, to watch descriptors, to start and to quiesce. */
struct lac_http_server *lac_bridge_server(struct lac_bridge *b);

/* Ends all that waits. NULL is fine. The link outlives it and is not served any more. */
void lac_bridge_close(struct lac_bridge *b);

/* ---- What links report ---- */

/* From now on requests are framed with this registry id. */
void lac_bridge_set_schema_id(struct lac_bridge *b, uint32_t id);

/* The record `ref` was acknowledged at that place, or could not be delivered. */
void lac_bridge_delivered(struct lac_bridge *b, uint64_t ref, bool ok, int32_t partition,
                          int64_t offset);

/* A reply came: a Decision, framed, with its correlation id. Borrowed during the call. */
void lac_bridge_reply(struct lac_bridge *b, struct lac_str correlation, struct lac_str content_type,
                      struct lac_str value);

#endif
