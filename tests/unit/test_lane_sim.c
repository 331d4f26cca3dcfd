/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes in a simulated world, history after history: nothing lost, nothing doubled beyond what
 * the output promises, whatever happens to them. sim.h describes the world.
 *
 * It has been seen to find a lane that, in turn: commits after a revocation instead of inside of
 * it; goes on writing after a lost assignment; does not go back after an abort, or does not abort;
 * commits positions one too high, or one too low; takes an aborted transaction for a committed
 * one; ignores failed deliveries; reuses memory before what it holds is delivered; sends replies
 * before the commit; takes partitions over without a new epoch; forgets a record that crashes
 * while its dead letter may still be undone; keeps a message; begins a transaction in the epoch of
 * one that it gave up; blames a record for another one's dead letter.
 *
 *   LACUNA_SIM_HISTORIES=N   so many histories
 *   LACUNA_SIM_SEED=S        this one alone, with its trace
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lac_env.h"
#include "lac_log.h"
#include "lac_test.h"
#include "sim.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { HISTORIES = 120 }; /* each costs ten times as much */
#else
enum { HISTORIES = 1500 };
#endif

static uint64_t events[SIM_EVENTS];

/* How often each has to happen in 1,000 histories, so that a run proves something. */
static const struct {
    const char *name;
    uint64_t least;
} kinds[SIM_EVENTS] = {
    [SIM_EV_KILLED] = {"killed", 100},
    [SIM_EV_KILLED_IN_TXN] = {"killed_in_txn", 100},
    [SIM_EV_FROZEN] = {"frozen", 100},
    [SIM_EV_EXPELLED] = {"expelled", 100},
    [SIM_EV_TXN_TIMEOUT] = {"txn_timeout", 50},
    [SIM_EV_CUT] = {"cut", 100},
    [SIM_EV_STOPPED] = {"stopped", 100},
    [SIM_EV_JOINED] = {"joined", 100},
    [SIM_EV_REVOKED] = {"revoked", 100},
    [SIM_EV_REVOKED_LOST] = {"revoked_lost", 100},
    [SIM_EV_COMMIT_IN_REVOKE] = {"commit_in_revoke", 100},
    [SIM_EV_FENCED_EPOCH] = {"fenced_epoch", 20},
    [SIM_EV_FENCED_GENERATION] = {"fenced_generation", 20},
    [SIM_EV_LOST_INIT] = {"lost_init", 50},
    [SIM_EV_LOST_OFFSETS] = {"lost_offsets", 50},
    [SIM_EV_LOST_COMMIT] = {"lost_commit", 50},
    [SIM_EV_LEFT_BEHIND] = {"left_behind", 2},
    [SIM_EV_END_LATE] = {"end_late", 50},
    [SIM_EV_COORDINATOR_DOWN] = {"coordinator_down", 100},
    [SIM_EV_QUEUE_FULL] = {"queue_full", 100},
    [SIM_EV_DELIVERY_FAILED] = {"delivery_failed", 50},
    [SIM_EV_REFUSED] = {"refused", 50},
    [SIM_EV_UNSTABLE] = {"unstable", 10},
    [SIM_EV_BEGAN_EARLY] = {"began_early", 10},
    [SIM_EV_SEEK_FAILED] = {"seek_failed", 20},
    [SIM_EV_SEEK_UNDONE] = {"seek_undone", 50},
    [SIM_EV_REOPEN_FAILED] = {"reopen_failed", 20},
    [SIM_EV_POLL_FAILED] = {"poll_failed", 100},
    [SIM_EV_STAGE_RETRY] = {"stage_retry", 100},
    [SIM_EV_STAGE_REJECT] = {"stage_reject", 100},
    [SIM_EV_STAGE_FULL] = {"stage_full", 100},
    [SIM_EV_CRASHED] = {"crashed", 100},
    [SIM_EV_FUSED] = {"fused", 50},
    [SIM_EV_PG_DOWN] = {"pg_down", 100},
    [SIM_EV_PG_LOST_COMMIT] = {"pg_lost_commit", 50},
    [SIM_EV_PG_FENCED] = {"pg_fenced", 5},
    [SIM_EV_PG_REFUSED] = {"pg_refused", 20},
    [SIM_EV_PG_OWNER_GONE] = {"pg_owner_gone", 5},
};

static uint64_t number_from(const char *name, uint64_t fallback)
{
    const char *text = lac_env(name);

    return text ? strtoull(text, NULL, 0) : fallback;
}

static void print_trace(const struct sim *s)
{
    uint64_t from = s->traced > SIM_TRACE ? s->traced - SIM_TRACE : 0;

    for (uint64_t i = from; i < s->traced; i++)
        (void)fprintf(stderr, "%s\n", s->trace[i % SIM_TRACE]);
}

/* False: it failed, and was printed. */
static bool run_history(struct sim *s, uint64_t seed, const char *folder, bool verbose)
{
    bool passed;

    sim_init(s, seed, events, folder);
    sim_run(s);
    passed = !s->failed;
    if (!passed || verbose) {
        print_trace(s);
        (void)fprintf(stderr, "LACUNA_SIM_SEED=%llu mode %d: %s\n", (unsigned long long)seed,
                      (int)s->mode, passed ? "passed" : s->why);
    }
    sim_deinit(s);
    return passed;
}

static void nothing_is_lost_or_doubled(void)
{
    struct sim *s = malloc(sizeof(*s));
    char folder[] = "/tmp/lacuna-sim-XXXXXX";
    uint64_t n = number_from("LACUNA_SIM_HISTORIES", HISTORIES);
    uint64_t failures = 0;

    LAC_TEST_NEED(s && mkdtemp(folder));
    lac_log_open("test_lane_sim", LAC_LOG_ERROR, LAC_LOG_KEY_VALUE);
    if (lac_env("LACUNA_SIM_SEED")) {
        CU_ASSERT(run_history(s, number_from("LACUNA_SIM_SEED", 0), folder, true));
    } else {
        for (uint64_t seed = 1; seed <= n && failures < 3; seed++)
            failures += !run_history(s, seed, folder, false);
        LAC_TEST_EQ(failures, 0);
        for (size_t i = 0; !failures && i < SIM_EVENTS; i++) {
            lac_test_row("%s happened %llu times", kinds[i].name, (unsigned long long)events[i]);
            CU_ASSERT(n < 1000 || events[i] >= kinds[i].least * n / 1000);
            (void)printf("%s%s %llu", i ? ", " : "\n    ", kinds[i].name,
                         (unsigned long long)events[i]);
        }
        (void)printf("\n");
    }
    (void)rmdir(folder);
    free(s);
}

LAC_TEST_MAIN(lane_sim, nothing_is_lost_or_doubled)
