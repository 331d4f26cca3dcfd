/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipe.python: Kafka -> lacuna-classify's stage with tier 2 -> two records, exactly-once, against
 * the worker that one would write in Python for the same job (peer_pipe.py: confluent-kafka,
 * sentence-transformers, numpy): the same broker, topics, partitions and requests, as many cores,
 * as many records of the same size, and the best for it elsewhere: at least once instead of
 * exactly once, batches of 64 out of 512 requests sorted by length, one process for each core or
 * one with that many threads, whichever is faster here.
 *
 * pipe.python runs the model as sentence-transformers loads it. pipe.python.layers has it cut to
 * the layers that the pack's head wants, as we do: the encoder's work is the same then.
 *
 * Checked before anything is timed: each decision of the lanes has the hash that an engine of its
 * own gave; the Python worker answers each request exactly once in both topics; and the likeliest
 * tier by its head, which numpy fits to the pack's exemplars, is that of the pack's head for most
 * texts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_peer.h"
#include "bench_tier2.h"
#include "lac_env.h"
#include "lac_head.h"

enum { RECORDS = 12000 }; /* at scale 1 */

/* The share of texts about which both heads agree. They learned from the same texts in different
 * ways: what this finds is a worker that answers at random or for the wrong request. */
#define AGREE 0.85

struct python {
    struct bench_tier2 t; /* first: it is what the lanes get */
    struct bench_peer peer;
    bool cut; /* to the head's layers */
    char home[64];
    struct bench_topics topics;
    size_t processes, threads; /* the layout that was faster; 0: not chosen yet */
};

static void answers_path(const struct python *p, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s/answers", p->home);
}

static void filled(void *ctx, const struct bench_topics *topics)
{
    struct python *p = ctx;

    p->topics = *topics;
}

static bool start_peer(struct python *p)
{
    char python[PATH_MAX], answers[PATH_MAX], count[24], layers[16], lanes[16];
    const char *const args[] = {p->topics.brokers,
                                p->topics.input,
                                p->topics.outputs[0],
                                p->topics.outputs[1],
                                count,
                                p->t.model,
                                layers,
                                bench_tier2_pack(),
                                lanes,
                                answers,
                                NULL};

    snprintf(python, sizeof(python), "%s/st/bin/python", lac_env("LACUNA_BENCH_PEERS"));
    snprintf(count, sizeof(count), "%llu", (unsigned long long)p->topics.records);
    snprintf(layers, sizeof(layers), "%u", p->cut ? lac_head_layers(lac_pack_head(p->t.pack)) : 0);
    snprintf(lanes, sizeof(lanes), "%d", BENCH_LANES);
    answers_path(p, answers);
    return bench_peer_open(&p->peer, python, "peer_pipe.py", args);
}

static enum lac_tier likeliest(const uint32_t likelihood[LAC_TIER_COUNT])
{
    int best = 0;

    for (int i = 1; i < LAC_TIER_COUNT; i++)
        if (likelihood[i] > likelihood[best])
            best = i;
    return (enum lac_tier)best;
}

/* What the worker's records of its last run say: one byte for each request, its tier. */
static bool check_peer(struct python *p)
{
    char path[PATH_MAX];
    unsigned char *tiers = calloc(p->topics.records, 1);
    uint64_t agreed = 0, n = p->topics.records;
    double once;
    FILE *f = NULL;
    bool ok = tiers && bench_peer_ask(&p->peer, "check", &once);

    answers_path(p, path);
    if (ok && once != (double)n) {
        fprintf(stderr, "%s: %.0f of %llu requests were answered once\n", p->t.name, once,
                (unsigned long long)n);
        ok = false;
    }
    if (ok)
        f = fopen(path, "re");
    ok = f && fread(tiers, 1, n, f) == n;
    if (f)
        (void)fclose(f);
    for (uint64_t i = 0; ok && i < n; i++)
        agreed += tiers[i] == likeliest(p->t.items[i % p->t.count].likelihood);
    free(tiers);
    if (!ok)
        return false;
    fprintf(stderr, "%s: the heads agree on %.1f %% of %llu texts\n", p->t.name,
            100 * (double)agreed / (double)n, (unsigned long long)n);
    return (double)agreed >= AGREE * (double)n;
}

static double run_peer(struct python *p, size_t processes, size_t threads)
{
    char question[128];
    double rate = -1;
    /* Our records are the peer's measure. */
    uint64_t requests = atomic_load(&p->t.checked);

    if (requests == 0)
        return -1;
    snprintf(question, sizeof(question), "run %zu %zu %llu %llu", processes, threads,
             (unsigned long long)(atomic_load(&p->t.bytes[0]) / requests),
             (unsigned long long)(atomic_load(&p->t.bytes[1]) / requests));
    return bench_peer_ask(&p->peer, question, &rate) ? rate : -1;
}

/* Both layouts, each checked; the faster one stays. */
static double choose(struct python *p)
{
    static const size_t layouts[][2] = {{BENCH_LANES, 1}, {1, BENCH_LANES}};
    double best = -1;

    if (atomic_load(&p->t.wrong) > 0 || atomic_load(&p->t.checked) < p->t.count) {
        fprintf(stderr, "%s: %zu of our %zu answers are wrong\n", p->t.name,
                atomic_load(&p->t.wrong), atomic_load(&p->t.checked));
        return -1;
    }
    p->t.check = false;
    if (!start_peer(p))
        return -1;
    for (size_t i = 0; i < LAC_COUNT(layouts); i++) {
        double rate = run_peer(p, layouts[i][0], layouts[i][1]);

        if (rate <= 0 || !check_peer(p))
            return -1;
        fprintf(stderr, "%s: Python, %zu process(es) of %zu thread(s): %.0f records/s\n", p->t.name,
                layouts[i][0], layouts[i][1], rate);
        if (rate <= best)
            continue;
        best = rate;
        p->processes = layouts[i][0];
        p->threads = layouts[i][1];
    }
    return best;
}

static double python_worker(void *ctx)
{
    struct python *p = ctx;

    return p->processes ? run_peer(p, p->processes, p->threads) : choose(p);
}

static void close_python(struct python *p)
{
    char path[PATH_MAX];

    bench_peer_close(&p->peer);
    if (p->home[0]) {
        answers_path(p, path);
        (void)unlink(path);
        (void)rmdir(p->home);
    }
    bench_tier2_close(&p->t);
    free(p);
}

static int run(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    const char *baseline = "a Python worker: confluent-kafka, sentence-transformers, numpy";
    struct python *p;
    int result = -1;

    if (!lac_env("LACUNA_BENCH_PEERS")) {
        fprintf(stderr, "%s: skipped, it needs tools/bench --peers\n", self->name);
        return 0;
    }
    p = calloc(1, sizeof(*p));
    if (!p)
        return -1;
    p->peer.fd = -1;
    p->cut = strstr(self->name, ".layers") != NULL;
    snprintf(p->home, sizeof(p->home), "/tmp/lacuna-bench-python-XXXXXX");
    if (!mkdtemp(p->home)) {
        p->home[0] = '\0';
        fprintf(stderr, "%s: no folder for the peer's files\n", self->name);
    } else if (bench_tier2_open(&p->t, self->name, (size_t)(RECORDS * o->scale))) {
        const struct bench_lane_work work = {.value = bench_tier2_value,
                                             .stage = bench_tier2_stage,
                                             .filled = filled,
                                             .ctx = p,
                                             .records = RECORDS};

        result = bench_lane_against(self->name, &work, baseline, python_worker, o);
    }
    close_python(p);
    return result;
}

LAC_BENCH_CASES({"pipe.python", "brokers", run}, {"pipe.python.layers", "brokers", run});
