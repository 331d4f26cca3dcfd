/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_lane.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lac_bench.h"
#include "lac_clock.h"
#include "lac_heap.h"
#include "lac_lane_kafka.h"
#include "lac_log.h"

enum { LANES = BENCH_LANES, ATTEMPTS = 3, TIMEOUT_MS = 10000, STUCK_MS = 60000, NAME = 96 };

/* ---- topics ---- */

struct bench {
    struct bench_topics topics;
    struct lac_kafka_options kafka;
    char input[NAME], small[NAME], large[NAME];
    size_t bare_threads;
    int bare_copy;
    uint32_t commit_ms;
    struct bench_meter meter;
    unsigned run;
    const struct bench_lane_work *work; /* of the runs and the input; never NULL */
    bool look;                          /* whether this run's stage does it */
    lac_bench_side *baseline;
};

static const struct bench_lane_work no_work;
/* Commits come in bursts: a run has to hold many, and where it begins and ends must not count. */
static const struct bench_lane_work long_run = {.records = BENCH_RECORDS / 2 * 5};

static int fill(struct bench *b)
{
    const struct lac_kafka_producer_setup setup = {.queue_records = 200000};
    struct lac_kafka_producer *p = NULL;
    char value[BENCH_INPUT_SIZE], key[24];
    struct lac_err err;
    int topic;

    memset(value, 'x', sizeof(value));
    if (lac_kafka_producer_open(&p, &b->kafka, &setup, &err) != LAC_OK ||
        lac_kafka_producer_topic(p, b->input, &topic, &err) != LAC_OK)
        goto out;
    for (uint64_t i = 0; i < b->topics.records;) {
        struct lac_str filler = {value, sizeof(value)};
        const struct lac_kafka_record r = {
            .key = {key, (size_t)snprintf(key, sizeof(key), "key-%llu", (unsigned long long)i)},
            .value = b->work->value ? b->work->value(b->work->ctx, i) : filler,
            .partition = LAC_KAFKA_ANY_PARTITION,
        };
        enum lac_status status = lac_kafka_produce(p, topic, &r, true, &err);

        if (status == LAC_OK)
            i++;
        else if (status == LAC_AGAIN)
            (void)lac_kafka_producer_poll(p, 10);
        else
            goto out;
    }
    if (lac_kafka_flush(p, TIMEOUT_MS, &err) == LAC_OK && !lac_kafka_producer_failed(p, &err)) {
        lac_kafka_producer_close(p);
        return 0;
    }
out:
    fprintf(stderr, "lane: cannot fill the input: %s\n", err.text);
    lac_kafka_producer_close(p);
    return -1;
}

/* Outputs of this run alone, and those of the one before go; unless somebody was told of them. */
static int renew_outputs(struct bench *b)
{
    static unsigned number;

    if (b->small[0] && b->work->filled)
        return 0;
    if (b->small[0])
        bench_topics_remove(&b->kafka, b->topics.outputs, 2);
    number++;
    (void)snprintf(b->small, NAME, "bench-%ld-%u-small", (long)getpid(), number);
    (void)snprintf(b->large, NAME, "bench-%ld-%u-large", (long)getpid(), number);
    return bench_topics_make(&b->kafka, b->topics.outputs, 2);
}

static void finish(struct bench *b)
{
    const char *const names[] = {b->input, b->small, b->large};

    bench_topics_remove(&b->kafka, names, b->small[0] ? 3 : 1);
}

static int prepare(struct bench *b, const struct bench_lane_work *work,
                   const struct lac_bench_options *o)
{
    static int number;

    lac_heap_keep(); /* as programs do; the bare loop has it, too */
    memset(b, 0, sizeof(*b));
    b->work = work;
    b->kafka = (struct lac_kafka_options){
        .bootstrap_servers = o->brokers,
        .compression = "none",
        .queue_bytes = BENCH_QUEUE_KBYTES * 1024ull,
        .linger_ms = LAC_LANE_LINGER_MS,
        .fetch_wait_max_ms = 100,
        .session_timeout_ms = 6000,
        .transaction_timeout_ms = 10000,
    };
    (void)snprintf(b->input, NAME, "bench-%ld-%d-in", (long)getpid(), ++number);
    b->topics = (struct bench_topics){
        .brokers = o->brokers,
        .input = b->input,
        .outputs = {b->small, b->large},
        .records = (uint64_t)((work->records ? (double)work->records : BENCH_RECORDS) * o->scale),
    };
    return bench_topics_make(&b->kafka, &b->topics.input, 1) == 0 ? fill(b) : -1;
}

/* Warms up, measures and reports; what prepare() has made is removed. */
static int measure(struct bench *b, const struct lac_bench_pair *pair,
                   const struct lac_bench_options *o)
{
    int result = lac_bench_run_pair(pair, o);

    finish(b);
    return result;
}

/* ---- lanes ---- */

struct worker {
    struct bench *bench;
    struct lac_lane_kafka *kafka;
    struct lac_output_kafka output;
    struct lac_lane *lane;
    char name[NAME];
    size_t index;
    int begun;
    pthread_t thread;
};

/* The empty stage: two slices of what came, under the same key. */
static enum lac_status pass_on(void *ctx, struct lac_batch *batch, struct lac_err *err)
{
    struct worker *w = ctx;

    if (!w->begun) {
        w->begun = 1;
        bench_meter_begin(&w->bench->meter);
    }
    if (w->bench->look && w->bench->work->stage) {
        enum lac_status status = w->bench->work->stage(w->bench->work->ctx, w->index, batch, err);

        if (status == LAC_OK)
            bench_meter_add(&w->bench->meter, batch->count);
        return status;
    }
    for (size_t i = 0; i < batch->count; i++) {
        const struct lac_kafka_msg *m = &batch->msgs[i];
        struct lac_kafka_record r = {
            .key = m->key, .value = m->value, .partition = LAC_KAFKA_ANY_PARTITION};

        if (w->bench->look && !w->bench->work->look(w->bench->work->ctx, w->index, m->value))
            return lac_err_set(err, LAC_FATAL, 0, "the stage failed");
        if (lac_batch_emit(batch, 1, &r) != LAC_OK)
            return LAC_AGAIN;
        if (r.value.len > BENCH_SMALL_SIZE)
            r.value.len = BENCH_SMALL_SIZE;
        if (lac_batch_emit(batch, 0, &r) != LAC_OK)
            return LAC_AGAIN;
    }
    bench_meter_add(&w->bench->meter, batch->count);
    return LAC_OK;
}

static void *run_lane(void *arg)
{
    struct worker *w = arg;
    struct lac_err err;

    if (lac_lane_run(w->lane, &err) != LAC_OK)
        fprintf(stderr, "lane: %s\n", err.text);
    lac_lane_kafka_leave(w->kafka);
    return NULL;
}

static enum lac_status open_worker(struct worker *w, const char *group, int txn, size_t index,
                                   struct lac_err *err)
{
    struct bench *b = w->bench;
    const char *const inputs[] = {b->input};
    const struct lac_lane_kafka_options kafka = {
        .kafka = &b->kafka,
        .group = group,
        .inputs = inputs,
        .input_count = 1,
        .topics = b->topics.outputs,
        .topic_count = 2,
        .transactional_id = txn ? w->name : NULL,
        .linger_ms = txn ? LAC_LANE_LINGER_TXN_MS : LAC_LANE_LINGER_MS,
    };
    const struct lac_lane_options options = {
        .name = w->name,
        .topics = b->topics.outputs,
        .topic_count = 2,
        .batch_count = 512,
        .batch_bytes = 1 << 20,
        .batch_age_ms = 10,
        .commit_interval_ms = b->commit_ms,
        .records_per_message = 2,
        .arena_bytes = 96 << 20,
    };
    enum lac_status status;

    (void)snprintf(w->name, sizeof(w->name), "%s-%zu", group, index);
    status = lac_lane_kafka_open(&w->kafka, &kafka, err);
    if (status == LAC_OK) {
        struct lac_lane_io io = lac_lane_kafka_io(w->kafka);
        struct lac_output output = txn ? lac_output_kafka_txn(&w->output, io, TIMEOUT_MS)
                                       : lac_output_kafka_idempotent(&w->output, io, TIMEOUT_MS);

        status = lac_lane_open(&w->lane, &options, io, output,
                               (struct lac_stage){.ctx = w, .run = pass_on}, err);
    }
    if (status != LAC_OK)
        return status;
    w->output.lane = w->lane;
    lac_lane_kafka_bind(w->kafka, w->lane);
    return LAC_OK;
}

static double run_lanes(struct bench *b, int txn)
{
    size_t lanes = b->work->lanes ? b->work->lanes : LANES;
    struct worker workers[BENCH_LANES_MAX];
    char group[NAME / 2];
    uint64_t until = lac_clock_mono_ms() + STUCK_MS;
    struct lac_err err = {0};
    enum lac_status status = LAC_OK;
    size_t n = 0;

    if (renew_outputs(b) != 0)
        return -1;
    memset(workers, 0, sizeof(workers));
    bench_meter_reset(&b->meter, lanes, b->topics.records);
    (void)snprintf(group, sizeof(group), "bench-%ld-%p-%u", (long)getpid(), (void *)b, b->run++);
    for (; n < lanes && status == LAC_OK; n++) {
        workers[n].bench = b;
        workers[n].index = n;
        status = open_worker(&workers[n], group, txn, n, &err);
    }
    if (status != LAC_OK)
        fprintf(stderr, "lane: %s\n", err.text);
    for (size_t i = 0; status == LAC_OK && i < n; i++)
        (void)pthread_create(&workers[i].thread, NULL, run_lane, &workers[i]);
    while (status == LAC_OK && !bench_meter_ended(&b->meter) && lac_clock_mono_ms() < until)
        lac_clock_sleep_ms(5);
    for (size_t i = 0; status == LAC_OK && i < n; i++)
        lac_lane_stop(workers[i].lane);
    for (size_t i = 0; status == LAC_OK && i < n; i++)
        (void)pthread_join(workers[i].thread, NULL);
    for (size_t i = 0; i < n; i++) {
        if (workers[i].kafka && workers[i].lane)
            lac_lane_kafka_leave(workers[i].kafka);
        lac_lane_close(workers[i].lane);
        lac_lane_kafka_close(workers[i].kafka);
    }
    return status == LAC_OK ? bench_meter_rate(&b->meter) : -1;
}

/* On a busy machine one lane may have read everything before the other has joined: then the
 * middle of the run, in which both work, does not exist. */
static double insist(struct bench *b, int txn)
{
    double rate = -1;

    for (int i = 0; i < ATTEMPTS && rate < 0; i++)
        rate = run_lanes(b, txn);
    return rate;
}

static bool run_once(struct bench *b, struct bench_cost *out, int txn)
{
    return insist(b, txn) > 0 && bench_meter_cost(&b->meter, out);
}

/* In the order ours, baseline, baseline, ours. False: failed. */
static bool run_block(struct bench *b, struct bench_cost ours[2], struct bench_cost baseline[2])
{
    return run_once(b, &ours[0], 1) && run_once(b, &baseline[0], 0) &&
           run_once(b, &baseline[1], 0) && run_once(b, &ours[1], 1);
}

/*
 * Runs blocks until the broker needs no less for a record than before, and says so twice: a block
 * that others disturbed proves nothing. One that has just started spends half as much again, for
 * minutes: it compiles, and what few requests take, which is what transactions are made of, comes
 * last. False: failed.
 */
static bool warm_up(struct bench *b)
{
    enum { MOST = 12, SETTLED = 2 };
    const double better = 0.95;
    struct bench_cost ours[2], baseline[2];
    double best = 0;
    int settled = 0;

    for (int i = 0; i < MOST && settled < SETTLED; i++) {
        if (!run_block(b, ours, baseline))
            return false;
        double now = ours[0].broker_us + ours[1].broker_us;
        settled = i == 0 || now < better * best ? 0 : settled + 1;
        if (i == 0 || now < best)
            best = now;
    }
    return true;
}

/* The same for benchmarks whose own runs ask too little of a broker to warm it up: with lanes that
 * pass on what comes, once per process. */
static int warm_broker(const struct lac_bench_options *o)
{
    static bool warm;
    struct bench b;

    if (warm)
        return 0;
    if (prepare(&b, &no_work, o) != 0)
        return -1;
    b.commit_ms = 100;
    warm = warm_up(&b);
    finish(&b);
    return warm ? 0 : -1;
}

static double at_least_once(void *ctx)
{
    return insist(ctx, 0);
}

/* To the topics of the lanes before: until new ones are known, records are only queued, and a bare
 * loop queues nearly all of them. */
static double bare(void *ctx)
{
    struct bench *b = ctx;

    return bench_bare_run(&b->topics, b->bare_threads, b->bare_copy, &b->meter);
}

static double with_work(void *ctx)
{
    struct bench *b = ctx;

    b->look = true;
    return insist(b, 1);
}

static double without_work(void *ctx)
{
    struct bench *b = ctx;

    b->look = false;
    return insist(b, 1);
}

/* ---- cases ---- */

int bench_lane_compare(const char *name, const struct bench_lane_work *work,
                       const struct lac_bench_options *o)
{
    struct bench b;
    const struct lac_bench_pair pair = {
        .name = name,
        .baseline_name = "the same lanes with an empty stage",
        .unit = "records/s",
        .ours = with_work,
        .baseline = without_work,
        .ctx = &b,
        .rounds = 7,
    };

    if (warm_broker(o) != 0 || prepare(&b, work, o) != 0)
        return -1;
    b.commit_ms = 100;
    return measure(&b, &pair, o);
}

static double baseline(void *ctx)
{
    struct bench *b = ctx;

    return b->baseline(b->work->ctx);
}

int bench_lane_against(const char *name, const struct bench_lane_work *work,
                       const char *baseline_name, lac_bench_side *side,
                       const struct lac_bench_options *o)
{
    struct bench b;
    const struct lac_bench_pair pair = {
        .name = name,
        .baseline_name = baseline_name,
        .unit = "records/s",
        .ours = with_work,
        .baseline = baseline,
        .ctx = &b,
        .rounds = 3,
    };

    if (warm_broker(o) != 0 || prepare(&b, work, o) != 0)
        return -1;
    b.commit_ms = 100;
    b.baseline = side;
    if (work->filled && renew_outputs(&b) != 0)
        return -1;
    if (work->filled)
        work->filled(work->ctx, &b.topics);
    return measure(&b, &pair, o);
}

/* The best of what we can write: one loop or as many as lanes, copying or not. */
static int choose_bare(struct bench *b)
{
    double best = -1;

    if (run_lanes(b, 0) < 0) /* makes the outputs, and the broker knows them */
        return -1;
    for (size_t threads = 1; threads <= LANES; threads++) {
        for (int copy = 0; copy <= 1; copy++) {
            double rate = bench_bare_run(&b->topics, threads, copy, &b->meter);

            fprintf(stderr, "lane.passthrough: bare loop, %zu thread(s), %s: %.0f records/s\n",
                    threads, copy ? "copying" : "ring", rate);
            if (rate <= best)
                continue;
            best = rate;
            b->bare_threads = threads;
            b->bare_copy = copy;
        }
    }
    return best > 0 ? 0 : -1;
}

static int passthrough(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    struct bench b;
    const struct lac_bench_pair pair = {
        .name = self->name,
        .baseline_name = "the best bare librdkafka loop",
        .unit = "records/s",
        .ours = at_least_once,
        .baseline = bare,
        .ctx = &b,
        .rounds = 7,
    };

    if (prepare(&b, &no_work, o) != 0)
        return -1;
    b.commit_ms = 100;
    if (!warm_up(&b) || choose_bare(&b) != 0)
        return -1;
    return measure(&b, &pair, o);
}

/*
 * What is compared is the time that the same work takes. A round is a block of four runs, so that
 * what drifts (the broker's compiler, a disk, a clock) falls on both sides alike, and its ratio is
 * that of the sides' times, both runs together. The median of the blocks counts: what disturbs a
 * shared machine comes in bursts, which spoil single blocks, and a mean would be theirs. The true
 * median lies between the least and the greatest of seven blocks with 98 % confidence, however they
 * are distributed. Blocks before warm the broker up. CPU time is said beside it, on stderr: it
 * tells what a transaction costs, and whom, even where neighbours make the rates worthless.
 */
static int txn(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    enum { BLOCKS = 7, BLOCKS_MAX = 16 };
    struct bench_cost ours[BLOCKS_MAX][2], baseline[BLOCKS_MAX][2];
    double rate[BLOCKS_MAX], other[BLOCKS_MAX];
    size_t blocks = o->rounds ? o->rounds : BLOCKS;
    struct bench b;
    bool ran;

    blocks = blocks < BLOCKS_MAX ? blocks : BLOCKS_MAX;
    if (prepare(&b, &long_run, o) != 0)
        return -1;
    b.commit_ms = strstr(self->name, "200") ? 200 : 100;
    ran = warm_up(&b);
    for (size_t i = 0; i < blocks && ran; i++) {
        ran = run_block(&b, ours[i], baseline[i]);
        rate[i] = bench_cost_rate(ours[i], 2);
        other[i] = bench_cost_rate(baseline[i], 2);
    }
    finish(&b);
    if (!ran)
        return -1;
    bench_cost_print(self->name, "ours", ours[0], 2 * blocks);
    bench_cost_print(self->name, "baseline", baseline[0], 2 * blocks);
    lac_bench_report(self->name, "lane.passthrough, same lanes and interval", "records/s", rate,
                     other, blocks);
    return 0;
}

LAC_BENCH_CASES({"lane.passthrough", "brokers", passthrough}, {"lane.txn", "brokers", txn},
                {"lane.txn_200ms", "brokers", txn});
