/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_state_fixture - a state that packs are pushed to, and what it told, for tests of
 * common/control
 *
 * Thread: the test's.
 */
#ifndef CONTROL_STATE_FIXTURE_H
#define CONTROL_STATE_FIXTURE_H

#include <stdbool.h>

#include "control_fixture.h"
#include "lac_control_state.h"

enum { FIXTURE_NOW = 1000000 };

struct fixture_state {
    struct lac_control_packs *packs;
    struct lac_control_state *state;
    size_t refused[LAC_CONTROL_REFUSAL_COUNT], swaps;
    int64_t last_current; /* version */
    bool went_down;
};

/* Opens the packs of control_fixture as well; the first is in force until one is pushed. */
void fixture_state_open(struct fixture_state *f, const struct lac_control_signers *signers,
                        const struct lac_control_cache *cache);
void fixture_state_close(struct fixture_state *f);

/* -1: no pack has the role. */
int64_t fixture_version_of(const struct fixture_state *f, enum lac_control_role role);

void fixture_settle(struct fixture_state *f, int64_t now);

/* All chunks of a push, signed with `key`. */
void fixture_send(struct fixture_state *f, const struct lac_control *p, struct lac_str content,
                  const struct lac_sign_key *key);

/* The file of pack `i`. */
struct lac_str fixture_pack(size_t i);

/* Sends it, signed with fixture_key, and settles. */
void fixture_send_pack(struct fixture_state *f, enum lac_control_role role, int64_t version,
                       size_t i);

#endif
