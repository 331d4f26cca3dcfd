/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim.h"

enum { STEPS_MAX = 2000000, LOOK_MS = 50 };

/* ---- chance, and what is remembered ---- */

uint64_t sim_random(struct sim *s)
{
    uint64_t z = s->random += 0x9e3779b97f4a7c15ULL;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

uint64_t sim_below(struct sim *s, uint64_t n)
{
    return n ? sim_random(s) % n : 0;
}

bool sim_chance(struct sim *s, uint32_t per_mille)
{
    return s->faults && per_mille && sim_below(s, 1000) < per_mille;
}

void sim_hit(struct sim *s, enum sim_event e)
{
    s->events[e]++;
}

void sim_trace(struct sim *s, const struct sim_proc *p, const char *fmt, ...)
{
    char *line = s->trace[s->traced++ % SIM_TRACE];
    size_t size = sizeof(s->trace[0]);
    int n = p ? snprintf(line, size, "%6llu  %d.%d  ", (unsigned long long)s->now_ms, p->slot,
                         p->incarnation)
              : snprintf(line, size, "%6llu       ", (unsigned long long)s->now_ms);
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(line + n, size - (size_t)n, fmt, args);
    va_end(args);
}

void sim_fail(struct sim *s, const char *fmt, ...)
{
    va_list args;

    if (s->failed)
        return;
    s->failed = true;
    va_start(args, fmt);
    (void)vsnprintf(s->why, sizeof(s->why), fmt, args);
    va_end(args);
    sim_trace(s, NULL, "FAILED: %s", s->why);
}

int sim_part_of(const struct sim *s, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < s->part_count; i++)
        if (s->part[i].partition == partition && strcmp(s->part[i].topic, topic) == 0)
            return (int)i;
    return -1;
}

/* ---- a process ---- */

void sim_wait(struct sim_proc *p, uint64_t ms)
{
    p->wake_ms = p->s->now_ms + ms;
    sim_fiber_yield();
}

static void freeze(struct sim_proc *p, uint64_t ms)
{
    sim_hit(p->s, SIM_EV_FROZEN);
    sim_trace(p->s, p, "frozen for %llu ms", (unsigned long long)ms);
    p->frozen = true;
    p->thaw_ms = p->s->now_ms + ms;
}

static uint64_t freeze_time(struct sim *s)
{
    switch (sim_below(s, 4)) {
    case 0:
        return 500 + sim_below(s, 2000);
    case 1:
        return SIM_SESSION_MS + 500 + sim_below(s, 3000);
    default:
        return SIM_TXN_MS + 500 + sim_below(s, 3000);
    }
}

static void give_way(struct sim_proc *p, uint32_t danger)
{
    struct sim *s = p->s;
    uint64_t r = sim_below(s, 64);

    if (sim_chance(s, danger * s->rate.kill_in_call))
        sim_die(p);
    if (sim_chance(s, danger * s->rate.freeze_in_call)) {
        freeze(p, freeze_time(s));
        sim_wait(p, 0);
    } else if (r < 3) {
        sim_wait(p, 1 + sim_below(s, 20));
    } else if (r < 14) {
        sim_wait(p, 0);
    }
}

void sim_step(struct sim_proc *p)
{
    give_way(p, 1);
}

void sim_crucial(struct sim_proc *p)
{
    give_way(p, 10);
}

static void blame_hand(struct sim_proc *p)
{
    for (size_t i = 0; i < p->hand_count; i++)
        p->hand[i]->crashes++;
}

/* From outside of its fiber. What was sent may still arrive. */
static void bury(struct sim_proc *p)
{
    struct sim *s = p->s;

    sim_kafka_in_flight(p);
    lac_lane_close(p->lane);
    p->lane = NULL;
    sim_fiber_free(p->fiber);
    p->fiber = NULL;
    p->alive = p->killed = p->frozen = false;
    p->wake_ms = s->now_ms + 100 + sim_below(s, 4000);
}

void sim_kill(struct sim_proc *p, const char *how)
{
    sim_hit(p->s, SIM_EV_KILLED);
    if (p->s->mode == SIM_TXN && p->s->tid[p->tid].open)
        sim_hit(p->s, SIM_EV_KILLED_IN_TXN);
    sim_trace(p->s, p, "killed: %s", how);
    blame_hand(p);
    p->killed = true;
}

_Noreturn void sim_die(struct sim_proc *p)
{
    sim_kill(p, "inside of a call");
    for (;;)
        sim_fiber_yield();
}

static void live(void *arg)
{
    struct sim_proc *p = arg;
    struct sim *s = p->s;
    struct lac_lane_io io = {p, &sim_io_ops};
    struct lac_stage stage = {p, sim_stage};
    struct lac_lane_options o = s->options;
    struct lac_output output;
    struct lac_err err = {0};

    o.name = s->names[p->slot];
    o.fuse_path = s->fuses ? s->fuse_paths[p->slot] : NULL;
    if (s->mode == SIM_PG)
        output = sim_pg_output(p);
    else if (s->mode == SIM_TXN)
        output = lac_output_kafka_txn(&p->kafka, io, SIM_CALL_MS);
    else
        output = lac_output_kafka_idempotent(&p->kafka, io, SIM_CALL_MS);
    if (lac_lane_open(&p->lane, &o, io, output, stage, &err) != LAC_OK) {
        sim_fail(s, "lane not opened: %s", err.text);
        return;
    }
    if (s->mode != SIM_PG)
        p->kafka.lane = p->lane;
    if (lac_lane_run(p->lane, &err) == LAC_FATAL)
        sim_fail(s, "the lane broke: %s", err.text);
    sim_group_leave(p);
    sim_trace(s, p, "stopped");
}

static void start(struct sim *s, int slot)
{
    struct sim_proc *p = &s->proc[slot];
    int incarnation = p->incarnation + 1, tid = p->tid;

    sim_group_forget(p);
    if (incarnation == 1 || (!s->stable_ids && s->tid_count < SIM_TIDS))
        tid = s->tid_count++;
    memset(p, 0, sizeof(*p));
    p->s = s;
    p->slot = slot;
    p->incarnation = incarnation;
    p->tid = tid;
    p->alive = true;
    p->wake_ms = s->now_ms;
    p->beat_ms = s->now_ms;
    p->fiber = sim_fiber_new(live, p);
    sim_trace(s, p, "started");
}

/* ---- fate ---- */

static void befall(struct sim *s)
{
    struct sim_proc *p = &s->proc[sim_below(s, SIM_SLOTS)];

    s->next_ms = s->now_ms + 100 + sim_below(s, 2000);
    switch (sim_below(s, 8)) {
    case 0:
        if (p->alive)
            sim_kill(p, "by fate");
        break;
    case 1:
    case 2:
        if (p->alive && !p->frozen)
            freeze(p, freeze_time(s));
        break;
    case 3:
        if (!p->alive || p->frozen)
            break;
        sim_hit(s, SIM_EV_CUT);
        p->cut_ms = s->now_ms + SIM_SESSION_MS / 2 + sim_below(s, SIM_SESSION_MS);
        sim_trace(s, p, "cut off from the group until %llu", (unsigned long long)p->cut_ms);
        break;
    case 4:
        if (!p->alive || !p->lane)
            break;
        sim_hit(s, SIM_EV_STOPPED);
        sim_trace(s, p, "told to stop");
        lac_lane_stop(p->lane);
        break;
    case 5:
        s->coordinator_ms = s->now_ms + 200 + sim_below(s, 4000);
        sim_trace(s, NULL, "coordinator down until %llu", (unsigned long long)s->coordinator_ms);
        break;
    case 6:
        s->stage_ms = s->now_ms + 200 + sim_below(s, 1500);
        break;
    default:
        if (p->alive && p->member && !s->preparing && s->generation) { /* a rebalance for nothing */
            s->preparing = true;
            s->preparing_ms = s->now_ms;
            for (int i = 0; i < SIM_SLOTS; i++) {
                s->proc[i].joined = false;
                s->proc[i].learn_ms = s->now_ms + sim_below(s, 600);
            }
        }
    }
}

/* ---- time ---- */

static void earlier(uint64_t *at, uint64_t other)
{
    if (other < *at)
        *at = other;
}

static bool advance(struct sim *s)
{
    uint64_t to = s->now_ms + LOOK_MS;

    if (s->faults)
        earlier(&to, s->next_ms > s->now_ms ? s->next_ms : s->now_ms + 1);
    for (int i = 0; i < SIM_SLOTS; i++) {
        const struct sim_proc *p = &s->proc[i];

        if (p->alive)
            earlier(&to, p->frozen ? p->thaw_ms : p->wake_ms);
    }
    s->now_ms = to > s->now_ms ? to : s->now_ms + 1;
    return s->now_ms < SIM_LIMIT_MS;
}

static void step_world(struct sim *s, bool restart)
{
    for (int i = 0; i < SIM_SLOTS; i++) {
        struct sim_proc *p = &s->proc[i];

        if (p->killed)
            bury(p);
        if (p->frozen && s->now_ms >= p->thaw_ms) {
            p->frozen = false;
            sim_trace(s, p, "thawed");
        }
        if (!p->alive && restart && s->now_ms >= p->wake_ms)
            start(s, i);
    }
    sim_group_tick(s);
    sim_kafka_tick(s);
}

static void run_one(struct sim *s)
{
    struct sim_proc *ready[SIM_SLOTS];
    size_t n = 0;
    struct sim_proc *p;

    for (int i = 0; i < SIM_SLOTS; i++)
        if (s->proc[i].alive && !s->proc[i].frozen && !s->proc[i].killed &&
            s->proc[i].wake_ms <= s->now_ms)
            ready[n++] = &s->proc[i];
    if (!n) {
        if (!advance(s))
            sim_fail(s, "not everything was processed in %d s", SIM_LIMIT_MS / 1000);
        return;
    }
    p = ready[sim_below(s, n)];
    if (!sim_fiber_resume(p->fiber))
        return;
    lac_lane_close(p->lane);
    p->lane = NULL;
    sim_fiber_free(p->fiber);
    p->fiber = NULL;
    p->alive = false;
    p->wake_ms = s->now_ms + 100 + sim_below(s, 3000);
}

static bool anybody(const struct sim *s)
{
    for (int i = 0; i < SIM_SLOTS; i++)
        if (s->proc[i].alive)
            return true;
    return false;
}

static void stop_all(struct sim *s)
{
    for (int i = 0; i < SIM_SLOTS; i++)
        if (s->proc[i].alive && s->proc[i].lane)
            lac_lane_stop(s->proc[i].lane);
    for (uint64_t step = 0; anybody(s) && !s->failed && step < STEPS_MAX; step++) {
        step_world(s, false);
        run_one(s);
    }
}

void sim_run(struct sim *s)
{
    uint64_t quiet_ms = 0, step = 0;

    for (; !s->failed && !(quiet_ms && s->now_ms >= quiet_ms); step++) {
        if (s->faults && s->now_ms >= SIM_FAULTS_MS) {
            s->faults = false;
            sim_trace(s, NULL, "the faults are over");
        }
        if (s->faults && s->now_ms >= s->next_ms)
            befall(s);
        step_world(s, true);
        run_one(s);
        if (!s->faults && !quiet_ms && sim_check_done(s))
            quiet_ms = s->now_ms + SIM_QUIET_MS;
        if (step == STEPS_MAX)
            sim_fail(s, "the lanes spin without getting anywhere");
    }
    stop_all(s);
    /* A position that is too low shows when the next one starts. */
    quiet_ms = s->now_ms + SIM_SESSION_MS + SIM_QUIET_MS;
    if (!s->failed)
        start(s, 0);
    while (!s->failed && s->now_ms < quiet_ms) {
        step_world(s, false);
        run_one(s);
    }
    stop_all(s);
    if (!s->failed)
        sim_check_end(s);
}

/* ---- a history ---- */

static enum sim_kind draw_kind(struct sim *s)
{
    enum sim_kind kind = (enum sim_kind)sim_below(s, SIM_KINDS);

    if (sim_below(s, 8))
        return SIM_GOOD;
    /* Each costs the life of a process three times, on each instance that it comes to. */
    if (kind == SIM_CRASHER && (!s->fuses || s->crashers++ > 1))
        return SIM_POISON;
    if (s->mode == SIM_PG && kind == SIM_LARGE)
        return SIM_REFUSED;
    return kind;
}

static void write_inputs(struct sim *s)
{
    bool special = sim_below(s, 3) > 0;

    s->part_count = 1 + (size_t)sim_below(s, SIM_PARTS);
    for (size_t k = 0; k < s->part_count; k++) {
        struct sim_part *p = &s->part[k];
        int64_t offset = (int64_t)sim_below(s, 3);
        uint64_t at = sim_below(s, 1000);

        p->topic = k % 2 ? "requests.b" : "requests.a";
        p->partition = (int32_t)(k / 2);
        p->committed = LAC_KAFKA_NONE;
        p->count = (size_t)sim_below(s, SIM_PART_INPUTS + 1);
        for (size_t i = 0; i < p->count; i++) {
            struct sim_input *in = &p->in[i];

            in->offset = offset;
            in->kind = special ? draw_kind(s) : SIM_GOOD;
            in->visible_ms = at < SIM_INPUT_MS ? at : SIM_INPUT_MS;
            if (in->kind != SIM_TOMBSTONE) {
                in->key_len = (size_t)snprintf(in->key, sizeof(in->key), "k%zu.%zu", k, i);
                in->value_len = (size_t)snprintf(in->value, sizeof(in->value), "value %llx",
                                                 (unsigned long long)sim_random(s));
            }
            /* Control records and compaction leave holes; records come in bursts. */
            offset += sim_below(s, 8) ? 1 : 1 + (int64_t)sim_below(s, 5);
            at += sim_below(s, 4) ? sim_below(s, 5) : sim_below(s, 1500);
        }
    }
}

static uint32_t draw_rate(struct sim *s, uint32_t most)
{
    return sim_below(s, 3) ? (uint32_t)sim_below(s, most + 1) : 0;
}

static void draw_rates(struct sim *s)
{
    s->rate = (struct sim_rates){
        .kill_in_call = draw_rate(s, 3),
        .freeze_in_call = draw_rate(s, 3),
        .lost_reply = draw_rate(s, 150),
        .queue_full = draw_rate(s, 30),
        .delivery = draw_rate(s, 15),
        .seek = draw_rate(s, 150),
        .reopen = draw_rate(s, 200),
        .poll = draw_rate(s, 10),
        .stage_retry = draw_rate(s, 30),
        .pg = draw_rate(s, 40),
        .left_behind = draw_rate(s, 1000),
        .resend = draw_rate(s, 100),
        .undo = draw_rate(s, 200),
    };
    s->queue_limit = sim_below(s, 2) ? SIM_QUEUE - 1 : 4 + (size_t)sim_below(s, 32);
    s->row_limit = sim_below(s, 2) ? SIM_QUEUE - 1 : 2 + (size_t)sim_below(s, 32);
}

void sim_init(struct sim *s, uint64_t seed, uint64_t *events, const char *folder)
{
    static const uint32_t intervals[] = {0, 50, 100, 300};
    static const char *const topics[] = {"routing", "lineage", "deadletter", "replies"};

    memset(s, 0, sizeof(*s));
    s->seed = s->random = seed;
    s->events = events;
    s->mode = (enum sim_mode)sim_below(s, SIM_MODES);
    s->faults = true;
    s->next_ms = 500;
    s->stable_ids = sim_below(s, 3) > 0;
    s->fuses = sim_below(s, 3) == 0;
    s->replies_early = s->mode == SIM_IDEMPOTENT && sim_below(s, 2);
    draw_rates(s);
    write_inputs(s);
    s->options = (struct lac_lane_options){
        .topics = topics,
        .topic_count = SIM_TOPICS,
        .deadletter_topic = SIM_DEADLETTER,
        .batch_count = 1 + (size_t)sim_below(s, SIM_BATCH),
        .batch_bytes = 1 << 16,
        .batch_age_ms = sim_below(s, 2) ? 10 : 1,
        .commit_interval_ms = intervals[sim_below(s, LAC_COUNT(intervals))],
        .arena_bytes = 256 << 10,
        .records_per_message = sim_below(s, 4) ? 4 : 1,
        .replies_early = s->replies_early,
    };
    for (int i = 0; i < SIM_SLOTS; i++) {
        (void)snprintf(s->names[i], sizeof(s->names[i]), "sim-%d", i);
        (void)snprintf(s->fuse_paths[i], sizeof(s->fuse_paths[i]), "%s/fuse-%d", folder, i);
        (void)unlink(s->fuse_paths[i]);
        s->proc[i].s = s;
        s->proc[i].slot = i;
        s->proc[i].wake_ms = i < 2 ? sim_below(s, 300) : sim_below(s, SIM_FAULTS_MS);
    }
}

void sim_deinit(struct sim *s)
{
    for (int i = 0; i < SIM_SLOTS; i++) {
        lac_lane_close(s->proc[i].lane);
        sim_fiber_free(s->proc[i].fiber);
        (void)unlink(s->fuse_paths[i]);
    }
    free(s->txns);
}
