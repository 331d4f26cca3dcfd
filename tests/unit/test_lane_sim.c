/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: no history of crashes, freezes, lost replies, fencing and rebalances makes a lane lose
 * a record, nor, with transactions, write one twice.
 *
 * Each seed is one history. LACUNA_SIM_SEEDS sets how many are run, LACUNA_SIM_SEED the first;
 * a failure prints its seed.
 */
#include "lac_lane.h"

#include <stdio.h>
#include <stdlib.h>

#include "lac_log.h"
#include "lac_test.h"
#include "lane_model.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SEEDS = 1000 }; /* ten times slower, and the same code */
#else
enum { SEEDS = 5000 };
#endif
enum { TURNS = 400, LAST_TURNS = 40000 };

static struct model model;
static unsigned total_crashes, total_freezes, total_aborts, total_fences, total_lost,
    total_rebalances, total_dead;

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

/* A while of everything that can go wrong. */
static void run_trouble(struct model *m)
{
    for (int i = 0; i < TURNS; i++) {
        int slot = (int)(model_random(m) % MODEL_LANES);
        struct model_lane *l = &m->lanes[slot];

        if (!l->alive && model_chance(m, 4))
            (void)model_start(m, slot);
        else if (l->alive && model_chance(m, 60))
            model_stop(m, slot);
        else if (l->alive && m->fault_ppm && model_chance(m, 120))
            model_kill(m, slot);
        else
            model_turn(m, slot);
        m->now_ms += model_random(m) % 20;
    }
}

/* Everybody is well again: now all of it has to come to an end. */
static bool run_calm(struct model *m)
{
    m->fault_ppm = 0;
    for (int slot = 0; slot < MODEL_LANES; slot++)
        if (!m->lanes[slot].alive)
            (void)model_start(m, slot);
    for (int i = 0; i < LAST_TURNS && !model_done(m); i++) {
        model_turn(m, (int)(model_random(m) % MODEL_LANES));
        m->now_ms++;
    }
    for (int slot = 0; slot < MODEL_LANES; slot++)
        model_stop(m, slot);
    return model_done(m);
}

static bool fail(uint64_t seed, const char *what, int p, int64_t o, unsigned count)
{
    char text[160];

    (void)snprintf(text, sizeof(text), "LACUNA_SIM_SEED=%llu LACUNA_SIM_SEEDS=1: %s %d:%lld (%u)",
                   (unsigned long long)seed, what, p, (long long)o, count);
    fprintf(stderr, "%s\n", text);
    CU_FAIL("a history broke a promise; its seed is on stderr");
    return false;
}

static bool check(const struct model *m, uint64_t seed)
{
    for (int p = 0; p < MODEL_PARTITIONS; p++) {
        for (int64_t o = 0; o < m->length[p]; o++) {
            unsigned n = m->visible[p][o];

            if (!n)
                return fail(seed, "lost", p, o, n);
            if (m->transactional && n > 1)
                return fail(seed, "doubled", p, o, n);
            if ((m->kind[p][o] != MODEL_PLAIN) != (m->dead[p][o] > 0))
                return fail(seed, "in the wrong topic", p, o, m->dead[p][o]);
            if (m->dead[p][o] && m->dead[p][o] != n)
                return fail(seed, "both decided and dead-lettered", p, o, n);
            total_dead += m->dead[p][o];
        }
    }
    return true;
}

static bool run_history(uint64_t seed, bool transactional)
{
    struct model *m = &model;

    model_init(m, seed, transactional);
    run_trouble(m);
    if (!run_calm(m))
        return fail(seed, "stuck before", 0, m->committed[0], 0);
    if (m->fatal)
        return fail(seed, "gave up", 0, 0, m->fatal);
    total_crashes += m->crashes;
    total_freezes += m->freezes;
    total_aborts += m->aborts;
    total_fences += m->fences;
    total_lost += m->lost_replies;
    total_rebalances += m->rebalances;
    return check(m, seed);
}

static void run_all(bool transactional)
{
    uint64_t first = number_from("LACUNA_SIM_SEED", 1);
    uint64_t count = number_from("LACUNA_SIM_SEEDS", SEEDS);

    lac_log_open("test_lane_sim", LAC_LOG_ERROR, LAC_LOG_KEY_VALUE);
    total_crashes = total_freezes = total_aborts = total_fences = total_lost = 0;
    total_rebalances = total_dead = 0;
    for (uint64_t seed = first; seed < first + count; seed++) {
        bool held = run_history(seed, transactional);

        CU_ASSERT(held);
        if (!held)
            return;
    }
    printf("histories=%llu crashes=%u freezes=%u aborts=%u fenced=%u lost_replies=%u "
           "rebalances=%u dead_letters=%u ",
           (unsigned long long)count, total_crashes, total_freezes, total_aborts, total_fences,
           total_lost, total_rebalances, total_dead);
    /* A simulator in which nothing happens proves nothing. */
    if (count >= 1000) {
        CU_ASSERT(total_crashes > count && total_freezes > count && total_rebalances > count);
        CU_ASSERT(total_dead > count);
        CU_ASSERT(!transactional ||
                  (total_aborts > count && total_fences > 0 && total_lost > count / 4));
    }
}

static void transactions_neither_lose_nor_double(void)
{
    run_all(true);
}

static void at_least_once_loses_nothing(void)
{
    run_all(false);
}

LAC_TEST_MAIN(lane_sim, transactions_neither_lose_nor_double, at_least_once_loses_nothing)
