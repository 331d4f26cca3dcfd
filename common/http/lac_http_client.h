/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_http_client - one HTTP exchange, bounded in time and size
 *
 * http and https only, TLS verified, no redirects, no signals, no proxy surprises: what is
 * asked for is what is contacted. Where a redirect points is told, for whoever can mend a setting:
 * credentials stay where they were meant for, and a POST what it is. The answer's size is enforced
 * while it arrives, because a chunked answer declares none. A client keeps its connections between
 * calls.
 *
 * Thread: one at a time per client.
 */
#ifndef LAC_HTTP_CLIENT_H
#define LAC_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_buf.h"
#include "lac_compiler.h"
#include "lac_err.h"
#include "lac_str.h"

struct lac_http_client;

struct lac_http_client_options {
    uint32_t connect_ms;  /* 0: 5000 */
    uint32_t total_ms;    /* 0: 30000; the whole exchange */
    const char *ca_file;  /* PEM; NULL: the system's */
    const char *username; /* with password: Basic authentication; NULL: none */
    const char *password;
    const char *bearer; /* Authorization: Bearer; NULL: none */
};

/* Options are copied. FATAL: out of memory, or the library can't be used. */
enum lac_status lac_http_client_new(struct lac_http_client **out,
                                    const struct lac_http_client_options *options,
                                    struct lac_err *err) LAC_MUST_USE;
void lac_http_client_free(struct lac_http_client *c); /* NULL is fine */

struct lac_http_call {
    const char *method; /* NULL: GET without, POST with a body */
    const char *url;
    const char *const *headers; /* "Name: value" lines */
    size_t header_count;
    struct lac_str body; /* borrowed during the call; absent: none */
    uint32_t total_ms;   /* 0: the client's */
    unsigned *status;    /* out, may be NULL: the HTTP status, 0 when there was none */
    struct lac_buf
        *into; /* receives the answer's body; its limit is the most accepted. NULL: dropped */
    uint32_t *retry_after_s; /* out, may be NULL: Retry-After in seconds, 0 when not given */
    /* out, may be NULL: the address that a 3xx answer points to, as far as it fits, and without
     * credentials, query and fragment, which may be nobody's business; "" when there is none */
    char *moved_to;
    size_t moved_to_size;
};

/*
 * OK: there was an answer, whatever its status. RETRY: no connection, a certificate that can't
 * be verified, a timeout, no memory for the answer, or 429, 502, 503, 504 (status and body are
 * filled then too, as far as the body fits). REJECT: an answer with another status is larger than
 * `into` may grow. FATAL: a URL that is none or of another scheme.
 * Error texts name host and reason, never credentials: URLs that contain some are refused.
 */
enum lac_status lac_http_client_send(struct lac_http_client *c, const struct lac_http_call *call,
                                     struct lac_err *err) LAC_MUST_USE;

/* The two usual calls. `*status` and `into` as above. */
enum lac_status lac_http_get(struct lac_http_client *c, const char *url, struct lac_buf *into,
                             unsigned *status, struct lac_err *err) LAC_MUST_USE;
enum lac_status lac_http_post(struct lac_http_client *c, const char *url, const char *content_type,
                              struct lac_str body, struct lac_buf *into, unsigned *status,
                              struct lac_err *err) LAC_MUST_USE;

#endif
