/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_lane.h"
#include "lac_assert.h"
#include "lac_clock.h"
#include "lac_env.h"

enum { COSTS_MAX = 32 };

void bench_meter_reset(struct bench_meter *m, size_t threads, uint64_t total)
{
    memset(m, 0, sizeof(*m));
    m->threads = threads;
    m->total = total;
}

/* Of all its threads; 0 where nobody says which process the broker is. */
static uint64_t broker_ns(void)
{
    const char *pid = lac_env("LACUNA_BENCH_BROKER_PID");
    uint64_t number;
    clockid_t clock;

    if (!pid || !lac_str_to_u64(lac_str_from(pid), &number) || number > INT_MAX ||
        clock_getcpuclockid((pid_t)number, &clock) != 0)
        return 0;
    return lac_bench_clock_ns(clock);
}

static void sample(struct bench_sample *s, uint64_t done)
{
    s->done = done;
    s->cpu_ns = lac_bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    s->broker_ns = broker_ns();
    s->at_ns = lac_clock_mono_ns();
}

void bench_meter_begin(struct bench_meter *m)
{
    (void)atomic_fetch_add(&m->begun, 1);
}

/*
 * The middle counts: before it, idempotent producers wait half a second for their ids, and what is
 * done meanwhile is only queued; behind it, one thread may be through before the other.
 */
void bench_meter_add(struct bench_meter *m, uint64_t n)
{
    uint64_t before = atomic_fetch_add(&m->done, n), mark = m->total / 10 * 9;
    uint64_t latest = m->total / 2;

    /* From a quarter on, as soon as all threads work. */
    if (before + n >= m->total / 4 && before < latest && atomic_load(&m->begun) == m->threads &&
        !atomic_exchange(&m->started, true)) {
        sample(&m->start, before + n);
        atomic_store(&m->measured, true);
    }
    if (before < mark && before + n >= mark && atomic_load(&m->measured))
        sample(&m->end, before + n);
}

int bench_meter_ended(const struct bench_meter *m)
{
    return atomic_load(&m->done) >= m->total;
}

bool bench_meter_cost(const struct bench_meter *m, struct bench_cost *cost)
{
    double records = (double)(m->end.done - m->start.done);

    if (m->end.done <= m->start.done || m->end.at_ns <= m->start.at_ns)
        return false;
    *cost = (struct bench_cost){
        .rate = records * 1e9 / (double)(m->end.at_ns - m->start.at_ns),
        .cpu_us = (double)(m->end.cpu_ns - m->start.cpu_ns) / 1e3 / records,
        .broker_us = (double)(m->end.broker_ns - m->start.broker_ns) / 1e3 / records,
    };
    return true;
}

double bench_meter_rate(const struct bench_meter *m)
{
    struct bench_cost cost;

    if (!bench_meter_cost(m, &cost))
        return -1;
    if (getenv("LACUNA_BENCH_VERBOSE"))
        fprintf(stderr, "%zu threads: %.0f records/s, %.3f us of CPU per record, broker %.3f\n",
                m->threads, cost.rate, cost.cpu_us, cost.broker_us);
    return cost.rate;
}

double bench_cost_rate(const struct bench_cost *costs, size_t n)
{
    double time = 0;

    for (size_t i = 0; i < n; i++)
        time += 1 / costs[i].rate;
    return (double)n / time;
}

void bench_cost_print(const char *name, const char *side, const struct bench_cost *costs, size_t n)
{
    double cpu[COSTS_MAX], broker[COSTS_MAX], cpu_median, broker_median;

    LAC_ASSERT(n > 0 && n <= COSTS_MAX);
    for (size_t i = 0; i < n; i++) {
        cpu[i] = costs[i].cpu_us;
        broker[i] = costs[i].broker_us;
    }
    cpu_median = lac_bench_sort(cpu, n);
    broker_median = lac_bench_sort(broker, n);
    fprintf(stderr,
            "%s: %s: CPU per record, median of %zu runs (least, most): this process %.3f us "
            "(%.3f, %.3f), broker %.3f us (%.3f, %.3f)\n",
            name, side, n, cpu_median, cpu[0], cpu[n - 1], broker_median, broker[0], broker[n - 1]);
}
