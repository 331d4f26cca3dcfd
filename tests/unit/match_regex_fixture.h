/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match_regex_fixture - a pattern's program, and what its compiler says of it, as text
 *
 * Thread: the test's.
 */
#ifndef MATCH_REGEX_FIXTURE_H
#define MATCH_REGEX_FIXTURE_H

#include "lac_buf.h"
#include "lac_match_regex.h"

enum { FIXTURE_PROGRAMS = 1 << 20 };

/* Of the pattern that was compiled last. */
extern struct lac_buf fixture_program;
extern struct lac_match_regex_info fixture_info;

/* The program, borrowed until the next one; NULL when it was refused or is unsupported. */
const struct lac_match_regex *fixture_compile_text(struct lac_str pattern, struct lac_err *err);

/* The same; the test ends where there is none. */
const struct lac_match_regex *fixture_compile(const char *pattern);

/* What the router is told, until the next call. */
const char *fixture_prefixes(void);
const char *fixture_inner(void);
const char *fixture_shapes(void); /* "3:ddd- e" is three digits, then '-' or the match's end */

#endif
