/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_control_follower - one thread that keeps a program's packs up to date
 *
 * Reads the control topic from its beginning with a consumer of its own and no group, follows it
 * for as long as the program runs, and publishes lineups (lac_control_packs.h). Kafka away, the
 * topic missing, a push that is wrong: what counted before goes on counting, and a log line and a
 * metric say so.
 *
 * A program waits for lac_control_follower_ready() before its first decision. It is ready when the
 * topic was read to its end, or does not exist, or, with a pack from the cache in hand, after
 * LAC_CONTROL_CACHED_WAIT_MS: a worker that has nothing else must not decide with less than what
 * was pushed.
 *
 * Thread: main opens and closes; ready and the packs are for any.
 */
#ifndef LAC_CONTROL_FOLLOWER_H
#define LAC_CONTROL_FOLLOWER_H

#include "lac_control_packs.h"
#include "lac_kafka.h"
#include "lac_metrics.h"

enum { LAC_CONTROL_CACHED_WAIT_MS = 5000 };

struct lac_control_follower_options {
    const struct lac_kafka_options *kafka; /* borrowed until close */
    const char *topic;                     /* full name; borrowed until close */
    const char *name;                      /* pack.name; borrowed until close */
    const char *signers;                   /* pack.signers */
    bool require_signature;
    const char *cache_dir; /* NULL: no cache */
    size_t cache_keep;
    struct lac_metrics *metrics; /* borrowed until close; NULL: not counted */
    /* Called before a pack counts, `current` when it is to be the current one: the time to open
     * what lanes would otherwise wait for. NULL: nothing. Thread: the follower's; for the first
     * packs the one that opens it. */
    void (*prepare)(void *ctx, const struct lac_pack *pack, bool current);
    void *prepare_ctx;
};

struct lac_control_follower;

/* Reads signers and cache, publishes the first lineup, starts the thread. `fallback`, the
 * configured pack, counts while nothing was pushed; taken over, closed on failure. FATAL. */
enum lac_status lac_control_follower_open(struct lac_control_follower **out,
                                          const struct lac_control_follower_options *o,
                                          struct lac_pack *fallback,
                                          struct lac_err *err) LAC_MUST_USE;

/* Stops the thread, within seconds, and closes all packs: no lane holds one any more. Accepts
 * NULL. */
void lac_control_follower_close(struct lac_control_follower *f);

/* Waits up to `timeout_ms` until decisions may begin. */
bool lac_control_follower_ready(struct lac_control_follower *f, uint32_t timeout_ms);

/* Where lanes take lineups from. */
struct lac_control_packs *lac_control_follower_packs(struct lac_control_follower *f);

#endif
