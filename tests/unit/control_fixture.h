/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_fixture - small packs, keys, and records of them, for tests of common/control
 *
 * Thread: the test's.
 */
#ifndef CONTROL_FIXTURE_H
#define CONTROL_FIXTURE_H

#include "lac_control_record.h"

enum { FIXTURE_PACKS = 8, FIXTURE_CHUNKS = 3 };

/* Packs that differ; [i] as a file. The odd ones are of FIXTURE_CHUNKS chunks, the others of 1. */
extern struct lac_buf fixture_packs[FIXTURE_PACKS];
extern struct lac_hash256 fixture_hashes[FIXTURE_PACKS]; /* what decisions name */

extern struct lac_sign_key *fixture_key, *fixture_stranger;
extern struct lac_control_signers fixture_signers; /* fixture_key alone; required */

void fixture_open(void);
void fixture_close(void);

/* A push: the record of its first chunk, without content. */
struct lac_control fixture_push(enum lac_control_role role, int64_t version,
                                struct lac_str content);

/* The record of chunk `i` of a push over `content`, signed with `key` (NULL: not). `signature`
 * holds LAC_SIGN_SIZE bytes and is borrowed. */
struct lac_control fixture_chunk(const struct lac_control *push, struct lac_str content, int32_t i,
                                 const struct lac_sign_key *key, unsigned char *signature);

#endif
