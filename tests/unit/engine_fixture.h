/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_fixture - two packs, an engine for each strategy, and single requests to them
 *
 * Thread: the test's.
 */
#ifndef ENGINE_FIXTURE_H
#define ENGINE_FIXTURE_H

#include <stdbool.h>

#include "lac_arena.h"
#include "lac_engine.h"
#include "lac_pack.h"

extern struct lac_pack *fixture_pack;  /* the built-in one */
extern struct lac_pack *fixture_sharp; /* evidence so strong that any of it tips the balance */
extern struct lac_engine *fixture_engines[LAC_STRATEGY_COUNT];
extern struct lac_arena fixture_arena; /* of what is answered */

/* Once is enough: it stays open. False: it has failed the test. */
bool fixture_open(void);
void fixture_close(void); /* the last test of a program */

struct lac_request fixture_request(const char *text);

enum lac_status fixture_run_with(const struct lac_pack *use, enum lac_strategy s,
                                 const struct lac_request *r, struct lac_engine_out *out);

/* With fixture_pack. */
enum lac_status fixture_run(enum lac_strategy s, const struct lac_request *r,
                            struct lac_engine_out *out);

/* The same; what was answered before is gone. */
enum lac_tier fixture_tier_of(enum lac_strategy s, const struct lac_request *r);

bool fixture_observed(const struct lac_engine_out *out, const char *kind, const char *name,
                      const char *value);

#endif
