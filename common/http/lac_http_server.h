/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_http_server - HTTP/1.1 requests in, answers out, and every wait has an end
 *
 * One loop in one thread of its own. A handler answers at once, or keeps the request and answers
 * later from any thread. The library below times out on idleness only and never while a request is
 * kept; here each phase (headers, body, handler, sending, idle) has a deadline of its own, so
 * neither a dripping client nor a forgotten request holds a connection for ever.
 *
 * A body over the limit is 413: with a declared length at once, in chunks after a bounded
 * drain. Unknown paths are 404, known paths with another method 405 with Allow, bodies of
 * another media type 415, all as problem+json (lac_http_problem.h). What is no HTTP, or has more
 * headers than there is room for, the library refuses in HTML: it asks nobody. Answers carry
 * nosniff, no-store and a strict content security policy. Nothing of a request is logged.
 *
 * Thread: the loop's thread, unless a function says otherwise. Handlers and the other
 * callbacks run in it and must not block.
 */
#ifndef LAC_HTTP_SERVER_H
#define LAC_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

struct lac_http_server;
struct lac_http_request;

/*
 * Answers `r`, or calls lac_http_request_keep(r) and returns; one that does neither has its
 * request answered with 500. `ctx` is the options' ctx.
 */
typedef void lac_http_handler(void *ctx, struct lac_http_request *r);

/* One path and method. HEAD is served by GET's handler. */
struct lac_http_route {
    const char *method;       /* "GET", "POST", "PUT", "PATCH" or "DELETE" */
    const char *path;         /* "/api/v1/things/{id}": one {parameter} at most, a whole segment */
    const char *content_type; /* media type a body must have, or NULL: any, or none expected */
    lac_http_handler *handle;
};

enum lac_http_refusal { /* what the server answered or ended by itself, for the metrics */
                        LAC_HTTP_REFUSED_BODY_SIZE,
                        LAC_HTTP_REFUSED_HEADER_TIMEOUT,
                        LAC_HTTP_REFUSED_BODY_TIMEOUT,
                        LAC_HTTP_REFUSED_HANDLER_TIMEOUT,
                        LAC_HTTP_REFUSED_SEND_TIMEOUT,
                        LAC_HTTP_REFUSED_CROWD, /* it rested or dawdled, others wanted in */
                        LAC_HTTP_CLIENT_GONE,   /* while its request was kept */
                        LAC_HTTP_REFUSAL_COUNT,
};

struct lac_http_server_options {
    const char *listen; /* "127.0.0.1:8000", "[::1]:8000", "0.0.0.0:0"; port 0 = a free one */
    const struct lac_http_route *routes; /* borrowed for the server's life */
    size_t route_count;
    void *ctx; /* for the handlers and callbacks */

    /* 0 means the default in brackets. */
    uint32_t connections;        /* [1024] One more ends the one that has rested longest, else one
                                  * whose headers or body are not complete, with some to spare; more
                                  * wait in the kernel's queue. */
    uint32_t connections_per_ip; /* [no limit of its own] */
    size_t header_bytes; /* [8 KiB] request line and headers; more is 431. The library clears that
                          * much memory for every request, so more costs time. */
    size_t body_bytes;   /* [1 MiB] */
    size_t drain_bytes;  /* [1 MiB] read and thrown away beyond the limit, then cut off */
    uint32_t header_ms;  /* [5000] from the connect, or the next request line, to the last header */
    uint32_t body_ms;    /* [10000] from the last header to the last byte */
    uint32_t handler_ms; /* [60000] a kept request unanswered: 503 */
    uint32_t send_ms;    /* [10000] from the answer to its last byte in the kernel's buffer */
    uint32_t idle_ms;    /* [60000] between two requests of a connection */

    /* Called with each refusal; may be NULL. */
    void (*refused)(void *ctx, enum lac_http_refusal why);
    /* Called when an answer goes out, also one by the server itself; `route` is NULL where there
     * was none. `latency_us` counts from the last header. May be NULL. */
    void (*answered)(void *ctx, const struct lac_http_route *route, unsigned status,
                     uint64_t latency_us);
    /* Called in every round of the loop, before requests are served. May be NULL. */
    void (*tick)(void *ctx);
    /* Asked before the loop waits: in how many milliseconds tick must be called again. NULL: it
     * need not. */
    uint32_t (*tick_wait)(void *ctx);
};

/* Listens. The socket accepts from now on, requests are served from start on. FATAL: the
 * address is no address, is in use or not permitted. */
enum lac_status lac_http_server_open(struct lac_http_server **out,
                                     const struct lac_http_server_options *options,
                                     struct lac_err *err) LAC_MUST_USE;

/* The version of the HTTP library that is loaded, for example "0.9.75". */
const char *lac_http_library(void);

/* "host:port" as bound, with the real port. Borrowed for the server's life. */
const char *lac_http_server_address(const struct lac_http_server *s);
uint16_t lac_http_server_port(const struct lac_http_server *s);

/* Whether a listen text has the form of one: HOST:PORT, [IPv6]:PORT or :PORT. */
bool lac_http_is_address(const char *listen);

/* True for 127.0.0.0/8, ::1 and "localhost" in a listen text: nobody else can connect. */
bool lac_http_is_loopback(const char *listen);

/* Serves in a thread of its own until lac_http_server_close(). FATAL: no thread to be had. */
enum lac_status lac_http_server_start(struct lac_http_server *s, struct lac_err *err) LAC_MUST_USE;

/*
 * For servers that also wait for something else: the loop calls `ready` whenever `fd` is readable
 * (level-triggered). At most LAC_HTTP_WATCHES of them, before start.
 */
enum { LAC_HTTP_WATCHES = 8 };
enum lac_status lac_http_server_watch(struct lac_http_server *s, int fd, void (*ready)(void *ctx),
                                      void *ctx, struct lac_err *err) LAC_MUST_USE;

/* Makes the loop go round at once. Thread: any. */
void lac_http_server_wake(struct lac_http_server *s);

/* Stops accepting; answers from now on close their connection, idle connections are closed.
 * Requests already there are served. Thread: any. */
void lac_http_server_quiesce(struct lac_http_server *s);

/* Connections still open. Zero after quiesce: everything is answered. Thread: any. */
size_t lac_http_server_connections(const struct lac_http_server *s);

/*
 * Ends the thread, if any, and closes whatever is open. Kept requests are told through their
 * `gone` callback; whoever holds one must still answer it (to nobody) before this call
 * returns to the caller, or in that callback. NULL is fine.
 */
void lac_http_server_close(struct lac_http_server *s);

/* ---- A request. Everything read from it is borrowed until it is answered or `gone`. ---- */

struct lac_str
lac_http_request_method(const struct lac_http_request *r);               /* as sent: "HEAD" stays */
struct lac_str lac_http_request_path(const struct lac_http_request *r);  /* decoded, no query */
struct lac_str lac_http_request_param(const struct lac_http_request *r); /* the {parameter} */
struct lac_str lac_http_request_body(const struct lac_http_request *r);

/* When all of it was there, by lac_clock_mono_ns(); when its headers were, if the body came with
 * them. */
uint64_t lac_http_request_arrived_ns(const struct lac_http_request *r);

/* The value of a header (name in any letter case) or query argument (decoded); absent if not
 * there. Thread: the loop's, until the request is answered. */
struct lac_str lac_http_request_header(const struct lac_http_request *r, const char *name);
struct lac_str lac_http_request_query(const struct lac_http_request *r, const char *name);

/*
 * Whether `Authorization: Bearer` carries `key`. Takes the same time whatever differs.
 * An empty or NULL key accepts everything.
 */
bool lac_http_request_authorized(const struct lac_http_request *r, const char *key);

/* The caller's own pointer, for the time between keep and answer. */
void lac_http_request_set_user(struct lac_http_request *r, void *user);
void *lac_http_request_user(const struct lac_http_request *r);

/*
 * Keeps `r` beyond its handler. It is the caller's until it is answered, and answered it must
 * be, also when nobody waits any more: `gone` (may be NULL) is called in the loop's thread
 * when the client left or the handler's time is over, and may answer right there.
 */
void lac_http_request_keep(struct lac_http_request *r,
                           void (*gone)(void *ctx, struct lac_http_request *r));

struct lac_http_header {
    const char *name;
    const char *value;
};

struct lac_http_answer {
    unsigned status;          /* 200 … 599 */
    const char *content_type; /* NULL: application/json */
    struct lac_str body;      /* copied */
    const struct lac_http_header *headers;
    size_t header_count;
    const char *content_security_policy; /* NULL: nothing may be loaded or framed */
    bool cacheable;                      /* leaves out Cache-Control: no-store */
};

/* Answers and gives `r` back; it must not be touched afterwards. For a kept request, Thread: any.
 */
void lac_http_answer(struct lac_http_request *r, const struct lac_http_answer *answer);

/* "Not Found" for 404; "Error" for a status without a name. Thread: any. */
const char *lac_http_reason(unsigned status);

#endif
