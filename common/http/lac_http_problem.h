/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_http_problem - errors as RFC 9457 problem details
 *
 * One writer for every error this project answers with, so that each has the same five members
 * in the same order. `detail` is written for the person who reads it and never repeats what
 * was sent: not the text, not a key.
 *
 * Thread: any.
 */
#ifndef LAC_HTTP_PROBLEM_H
#define LAC_HTTP_PROBLEM_H

#include <stddef.h>

#include "lac_buf.h"
#include "lac_http_server.h"
#include "lac_str.h"

/* An extension member; a value with is_raw is written as it is (a number, an array). */
struct lac_http_member {
    const char *name;
    struct lac_str value;
    bool is_raw;
};

struct lac_http_problem {
    unsigned status;
    const char *type;   /* slug, becomes "urn:lacuna:problem:<slug>"; NULL: "about:blank" */
    const char *title;  /* NULL: the status' reason phrase */
    const char *detail; /* one sentence; NULL: left out */
    struct lac_str
        instance; /* what it is about, for example "urn:lacuna:request:…"; absent: left out */
    const struct lac_http_member *members;
    size_t member_count;
};

/* Appends the JSON object. Bytes that are not UTF-8 become U+FFFD. */
void lac_http_problem_write(struct lac_buf *out, const struct lac_http_problem *p);

/* Answers `r` with it (lac_http_answer's rules), with these headers besides. */
void lac_http_answer_problem(struct lac_http_request *r, const struct lac_http_problem *p,
                             const struct lac_http_header *headers, size_t header_count);

/* The common case: status, slug and detail. */
void lac_http_refuse(struct lac_http_request *r, unsigned status, const char *type,
                     const char *detail);

#endif
