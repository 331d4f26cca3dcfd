/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_control_state - which packs count, given what the control topic said so far
 *
 * The follower without thread, clock and Kafka: records and the time go in, lineups come out. So
 * tests drive it through histories that nobody would wish for.
 *
 *  - A record is checked, then believed or not (lac_control_trust()), and only then kept.
 *  - While the topic's past is read, nothing is opened: settle() comes when its end was met, and
 *    takes for each role the newest complete content whose time has come.
 *  - Versions only go up, for each role, and a shadow or canary must be newer than the current one.
 *    The cache remembers the newest over restarts.
 *  - What is expired, damaged or no pack is refused, and what counted before goes on counting. A
 *    current pack that expires while it counts goes on, too, also from the cache: falling back to
 *    less would be looser. An expired shadow or canary ends.
 *  - Opening takes as long as it takes: in the caller's thread, and never in a lane's.
 *
 * Thread: owner.
 */
#ifndef LAC_CONTROL_STATE_H
#define LAC_CONTROL_STATE_H

#include "lac_control_assembly.h"
#include "lac_control_cache.h"
#include "lac_control_packs.h"

/* What happened, for log and metrics. Each may be NULL. */
struct lac_control_events {
    void *ctx;
    /* Once for what was pushed and a reason, however many records it has and however often they
     * come; for each record that is malformed. `version` 0: not known. */
    void (*refused)(void *ctx, enum lac_control_refusal why, enum lac_control_role role,
                    int64_t version, const char *text);
    /* Lineup changed for `role`: the pack that counts now, NULL when the role is empty. `reason`:
     * "pushed", "cached", "configured", "withdrawn", "expired" or "superseded". */
    void (*swapped)(void *ctx, enum lac_control_role role, const struct lac_control_pack *pack,
                    const char *reason);
    /* Before a pack counts: the time to get ready what it needs. */
    void (*opened)(void *ctx, enum lac_control_role role, const struct lac_pack *pack);
};

struct lac_control_state_options {
    const char *name;                          /* the setting that is followed; borrowed */
    const struct lac_control_signers *signers; /* borrowed */
    const struct lac_control_cache *cache;     /* borrowed; NULL: none */
    struct lac_control_packs *packs;           /* borrowed: where lineups go */
    struct lac_control_events events;
};

struct lac_control_state;

/* `fallback`: the configured pack, version 0; taken over on LAC_OK. Publishes it. */
enum lac_status lac_control_state_open(struct lac_control_state **out,
                                       const struct lac_control_state_options *o,
                                       struct lac_pack *fallback, struct lac_err *err) LAC_MUST_USE;

/* Accepts NULL. The lineups that were published live on in `packs`. */
void lac_control_state_close(struct lac_control_state *s);

/* Takes from the cache what can be believed. Returns whether there was a current pack. */
bool lac_control_state_load(struct lac_control_state *s, int64_t now_ms);

/* One record of the topic. `past`: it was there before reading began, where old versions are
 * history and no attack. */
void lac_control_state_feed(struct lac_control_state *s, const struct lac_control *r, bool past);

/* A record that could not even be decoded. */
void lac_control_state_malformed(struct lac_control_state *s, const char *text);

/* Opens and publishes what is due at `now_ms` and not over at `latest_ms`, which may be later where
 * clocks differ. FATAL: no memory; call again later. */
enum lac_status lac_control_state_settle(struct lac_control_state *s, int64_t now_ms,
                                         int64_t latest_ms, struct lac_err *err) LAC_MUST_USE;

/* What counts for a role; NULL: nothing. */
const struct lac_control_pack *lac_control_state_pack(const struct lac_control_state *s,
                                                      enum lac_control_role role);

/* Whether the current pack is past its time, which counts all the same. */
bool lac_control_state_expired(const struct lac_control_state *s);

#endif
