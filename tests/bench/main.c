/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lacuna-bench [--rounds=N] [--scale=X] [--brokers=HOST:PORT] [--postgres=URL] [--list] [NAME...]
 *
 * Runs the named benchmarks, or all. LACUNA_BENCH_BROKERS and LACUNA_BENCH_POSTGRES stand in
 * for the flags; a benchmark whose component is missing is skipped, and says so on stderr.
 * Exit status: 0, 1 when one failed, 2 for a wrong command line.
 */
#include "lac_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_env.h"
#include "lac_log.h"

enum { CASES_MAX = 64, ROUNDS = 5 };

static const struct lac_bench_case *cases[CASES_MAX];
static size_t case_count;

void lac_bench_register(const struct lac_bench_case *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        LAC_ASSERT(case_count < CASES_MAX);
        cases[case_count++] = &list[i];
    }
}

/* ---- figures ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double lac_bench_sort(double *values, size_t n)
{
    LAC_ASSERT(n > 0);
    qsort(values, n, sizeof(*values), by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static double median(const double *values, size_t n)
{
    double sorted[LAC_BENCH_ROUNDS_MAX];

    LAC_ASSERT(n <= LAC_BENCH_ROUNDS_MAX);
    memcpy(sorted, values, n * sizeof(*values));
    return lac_bench_sort(sorted, n);
}

uint64_t lac_bench_clock_ns(clockid_t clock)
{
    struct timespec t = {0};

    (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static const char *note_name; /* NULL: none */
static double note_value;

void lac_bench_note(const char *name, double value)
{
    note_name = name;
    note_value = value;
}

void lac_bench_report(const char *name, const char *baseline_name, const char *unit,
                      const double *ours, const double *baseline, size_t n)
{
    double ratios[LAC_BENCH_ROUNDS_MAX] = {0}, least, most;

    LAC_ASSERT(n > 0 && n <= LAC_BENCH_ROUNDS_MAX);
    for (size_t i = 0; i < n; i++)
        ratios[i] = ours[i] / baseline[i];
    least = most = ratios[0];
    for (size_t i = 1; i < n; i++) {
        least = ratios[i] < least ? ratios[i] : least;
        most = ratios[i] > most ? ratios[i] : most;
    }
    printf("{\"name\":\"%s\",\"ratio\":%.4f,\"ours\":%.1f,\"baseline\":%.1f,"
           "\"baseline_name\":\"%s\",\"unit\":\"%s\",\"rounds\":%zu,\"min\":%.4f,\"max\":%.4f",
           name, median(ratios, n), median(ours, n), median(baseline, n), baseline_name, unit, n,
           least, most);
    if (note_name)
        printf(",\"%s\":%.1f", note_name, note_value);
    note_name = NULL;
    puts("}");
    (void)fflush(stdout);
}

int lac_bench_run_pair(const struct lac_bench_pair *p, const struct lac_bench_options *o)
{
    double ours[LAC_BENCH_ROUNDS_MAX], baseline[LAC_BENCH_ROUNDS_MAX];
    size_t rounds = o->rounds ? o->rounds : p->rounds ? p->rounds : ROUNDS;

    if (rounds > LAC_BENCH_ROUNDS_MAX)
        rounds = LAC_BENCH_ROUNDS_MAX;
    if (p->ours(p->ctx) < 0 || p->baseline(p->ctx) < 0)
        return -1;
    for (size_t i = 0; i < rounds; i++) {
        /* In turn each is the first: what drifts or wears off is nobody's advantage. */
        if (i % 2)
            baseline[i] = p->baseline(p->ctx);
        ours[i] = p->ours(p->ctx);
        if (i % 2 == 0)
            baseline[i] = p->baseline(p->ctx);
        if (ours[i] <= 0 || baseline[i] <= 0)
            return -1;
    }
    lac_bench_report(p->name, p->baseline_name, p->unit, ours, baseline, rounds);
    return 0;
}

/* ---- command line ---- */

static const char *value_of(const char *arg, const char *flag)
{
    size_t len = strlen(flag);

    return strncmp(arg, flag, len) == 0 && arg[len] == '=' ? arg + len + 1 : NULL;
}

static int take_flag(struct lac_bench_options *o, const char *arg)
{
    const char *rounds = value_of(arg, "--rounds"), *scale = value_of(arg, "--scale");
    const char *brokers = value_of(arg, "--brokers"), *postgres = value_of(arg, "--postgres");

    if (rounds)
        o->rounds = strtoul(rounds, NULL, 10);
    else if (scale)
        o->scale = strtod(scale, NULL);
    else if (brokers)
        o->brokers = brokers;
    else if (postgres)
        o->postgres = postgres;
    else
        return -1;
    return 0;
}

static int is_wanted(const char *name, int argc, char **argv)
{
    int named = 0;

    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-')
            continue;
        named = 1;
        if (strcmp(argv[i], name) == 0)
            return 1;
    }
    return !named;
}

static int is_known(const char *name)
{
    for (size_t i = 0; i < case_count; i++)
        if (strcmp(cases[i]->name, name) == 0)
            return 1;
    return 0;
}

static int run_one(const struct lac_bench_case *c, const struct lac_bench_options *o)
{
    int missing = c->needs && ((strcmp(c->needs, "brokers") == 0 && !o->brokers) ||
                               (strcmp(c->needs, "postgres") == 0 && !o->postgres));

    if (missing) {
        fprintf(stderr, "%s: skipped, it needs --%s\n", c->name, c->needs);
        return 0;
    }
    if (c->run(c, o) == 0)
        return 0;
    fprintf(stderr, "%s: failed\n", c->name);
    return 1;
}

int main(int argc, char **argv)
{
    struct lac_bench_options o = {
        .brokers = lac_env("LACUNA_BENCH_BROKERS"),
        .postgres = lac_env("LACUNA_BENCH_POSTGRES"),
        .scale = 1,
    };
    int status = 0;

    lac_log_open("lacuna-bench", LAC_LOG_WARN, LAC_LOG_KEY_VALUE);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) {
            for (size_t k = 0; k < case_count; k++)
                printf("%s%s%s\n", cases[k]->name, cases[k]->needs ? " needs --" : "",
                       cases[k]->needs ? cases[k]->needs : "");
            return 0;
        }
        if (argv[i][0] == '-' ? take_flag(&o, argv[i]) != 0 : !is_known(argv[i])) {
            fprintf(stderr, "lacuna-bench: what is \"%s\"? --list names the benchmarks\n", argv[i]);
            return 2;
        }
    }
    for (size_t i = 0; i < case_count; i++)
        if (is_wanted(cases[i]->name, argc, argv))
            status |= run_one(cases[i], &o);
    return status;
}
