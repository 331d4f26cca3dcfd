/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_err - what went wrong, and what the caller has to do about it
 *
 * A worker has four honest answers to a failure, and each failing function
 * picks one. The status is that answer: control flow switches on it and on
 * nothing else. The rest of struct lac_err is for the log line.
 *
 * Never allocates, never fails: an error has to be reportable when memory is
 * what ran out.
 */
#ifndef LAC_ERR_H
#define LAC_ERR_H

#include "lac_compiler.h"

enum lac_status {
    LAC_OK = 0,
    LAC_AGAIN,  /* nothing is wrong: full, empty or not yet; call again later */
    LAC_RETRY,  /* a dependency failed: back off, then redo the whole batch */
    LAC_REJECT, /* this input can never succeed: dead-letter it, go on */
    LAC_FATAL,  /* our configuration or an invariant is broken: drain, exit */
};

enum { LAC_ERR_TEXT_SIZE = 512 };

struct lac_err {
    enum lac_status status;
    int code;                     /* errno or the library's code, 0 if none */
    char text[LAC_ERR_TEXT_SIZE]; /* one line, NUL-terminated, fit for a log */
};

/*
 * Fills `err` and returns `status`, so that a failing line can read
 *
 *     return lac_err_set(err, LAC_RETRY, 0, "pg: %s", PQerrorMessage(conn));
 *
 * `err` may be NULL when the caller wants only the status. Text that does not
 * fit is cut. No argument may lie in `err` itself.
 */
enum lac_status lac_err_set(struct lac_err *err, enum lac_status status, int code, const char *fmt,
                            ...) LAC_PRINTF(4, 5);

#if defined(__clang_analyzer__)
/* It looks at one file at a time, and would else take a failure that was set for LAC_OK.
 * NOLINTNEXTLINE(readability-identifier-naming) */
#define lac_err_set(err, status, ...) (lac_err_set(err, status, __VA_ARGS__), (status))
#endif

/*
 * What an errno value means, in English: strerror() without its shared buffer. Never NULL, never
 * to be freed, leaves errno alone. Thread: any.
 */
const char *lac_errno_text(int code);

/* "ok", "again", "retry", "reject" or "fatal": the value of the log's `status` field. */
const char *lac_status_name(enum lac_status status);

#endif
