/* SPDX-License-Identifier: Apache-2.0 */
/* bench_tier1_re2 - RE2::Set as C sees it */
#ifndef BENCH_TIER1_RE2_H
#define BENCH_TIER1_RE2_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench_re2;

/* NULL: no memory. */
struct bench_re2 *bench_re2_new(void);

/* Expressions are numbered from 0. False, with the reason: it is none. */
bool bench_re2_add(struct bench_re2 *r, const char *expression, size_t len, char *why, size_t size);

/* Once, behind the last expression. */
bool bench_re2_compile(struct bench_re2 *r);

/* Which expressions match somewhere in the text; borrowed until the next call. NULL: failed. */
const int *bench_re2_match(struct bench_re2 *r, const char *text, size_t len, size_t *count);

/* Accepts NULL. */
void bench_re2_free(struct bench_re2 *r);

#ifdef __cplusplus
}
#endif

#endif
