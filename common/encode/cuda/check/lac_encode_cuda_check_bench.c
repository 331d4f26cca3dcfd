/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How near the encoder comes to its matrix products alone: calls of run() in two lanes, copies and
 * hand-over included, against the same products, same algorithms, same sizes, replayed as graphs on
 * two streams without anything in between. Sequences of 64 tokens. Besides: fp8 against bf16.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lac_encode_cuda_check.h"

enum { LENGTH = 64, COUNT = LAC_ENCODE_TOKEN_MAX / LENGTH, LANES = 2, ROUNDS_MAX = 64 };

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct lane {
    struct lac_encode_session *session;
    struct lac_encode_batch batch;
    float *out;
    double until;
    size_t calls;
    bool failed;
};

struct bench {
    struct lac_encode_model *model;
    struct lac_encode_device *device;
    struct lane lane[LANES];
    int32_t *ids;
    uint32_t starts[COUNT + 1];
    cudaGraphExec_t products[LAC_ENCODE_CUDA_SLOTS]; /* of the largest class, on lane 0's slots */
};

static void *lane_run(void *arg)
{
    struct lane *l = arg;
    struct lac_err err = {0};
    l->calls = 0;
    while (now() < l->until && !l->failed) {
        l->failed = lac_encode_plugin.run(l->session, &l->batch, l->out, &err) != LAC_OK;
        l->calls++;
    }
    if (l->failed)
        (void)fprintf(stderr, "%s\n", err.text);
    return NULL;
}

/* Sequences per second of the encoder; negative: failed. */
static double encode(struct bench *b, double seconds)
{
    pthread_t thread[LANES];
    double from = now();
    size_t calls = 0;

    for (size_t i = 0; i < LANES; i++) {
        b->lane[i].until = from + seconds;
        if (pthread_create(&thread[i], NULL, lane_run, &b->lane[i]) != 0)
            lac_check_give_up();
    }
    for (size_t i = 0; i < LANES; i++) {
        (void)pthread_join(thread[i], NULL);
        calls += b->lane[i].calls;
        if (b->lane[i].failed)
            return -1;
    }
    return (double)(calls * COUNT) / (now() - from);
}

/* Sequences per second if there were nothing but matrix products. */
static double replay(struct bench *b, double seconds)
{
    struct lac_encode_session *s = b->lane[0].session;
    size_t pieces = 0;
    double from = now();

    while (now() < from + seconds) {
        for (size_t i = 0; i < 8; i++, pieces++) {
            struct lac_encode_cuda_slot *slot = &s->slot[pieces % LAC_ENCODE_CUDA_SLOTS];
            if (cudaGraphLaunch(b->products[pieces % LAC_ENCODE_CUDA_SLOTS], slot->stream) !=
                cudaSuccess)
                return -1;
        }
        if (cudaDeviceSynchronize() != cudaSuccess)
            return -1;
    }
    return (double)(pieces * s->piece) / LENGTH / (now() - from);
}

static void bench_open(struct bench *b, const struct lac_check_shape *shape,
                       enum lac_encode_class class)
{
    struct lac_err err = {0};

    memset(b, 0, sizeof(*b));
    b->model = lac_check_model(shape, 7);
    const struct lac_encode_weights *w = lac_encode_model_weights(b->model);
    lac_check_need_ok(lac_encode_plugin.open(&b->device, w, class, &err), &err, shape->name);
    b->ids = lac_check_memory((size_t)COUNT * LENGTH * sizeof(*b->ids));
    for (size_t i = 0; i < (size_t)COUNT * LENGTH; i++)
        b->ids[i] = (int32_t)lac_check_random(w->vocab);
    for (uint32_t i = 0; i <= COUNT; i++)
        b->starts[i] = i * LENGTH;
    for (size_t i = 0; i < LANES; i++) {
        struct lane *l = &b->lane[i];
        lac_check_need_ok(lac_encode_plugin.session_open(&l->session, b->device,
                                                         LAC_ENCODE_TOKEN_MAX, COUNT, false, &err),
                          &err, "opening a session");
        l->batch = (struct lac_encode_batch){b->ids, b->starts, COUNT};
        l->out = lac_check_memory((size_t)COUNT * w->hidden * sizeof(*l->out));
    }
    struct lac_encode_session *s = b->lane[0].session;
    for (size_t i = 0; i < LAC_ENCODE_CUDA_SLOTS; i++)
        lac_check_need_ok(
            lac_encode_cuda_capture(s, &s->slot[i], s->classes - 1, true, &b->products[i], &err),
            &err, "capturing the products");
}

static void bench_close(struct bench *b)
{
    for (size_t i = 0; i < LAC_ENCODE_CUDA_SLOTS; i++)
        (void)cudaGraphExecDestroy(b->products[i]);
    for (size_t i = 0; i < LANES; i++) {
        lac_encode_plugin.session_close(b->lane[i].session);
        free(b->lane[i].out);
    }
    lac_encode_plugin.close(b->device);
    lac_encode_model_close(b->model);
    free(b->ids);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The line that tools/bench prints, see lac_bench.h. */
static void report(const char *name, const char *baseline_name, double *ours, double *baseline,
                   size_t rounds)
{
    double ratio[ROUNDS_MAX];
    for (size_t i = 0; i < rounds; i++)
        ratio[i] = ours[i] / baseline[i];
    qsort(ratio, rounds, sizeof(*ratio), by_value);
    qsort(ours, rounds, sizeof(*ours), by_value);
    qsort(baseline, rounds, sizeof(*baseline), by_value);
    printf("{\"name\":\"%s\",\"ratio\":%.4f,\"ours\":%.1f,\"baseline\":%.1f,"
           "\"baseline_name\":\"%s\",\"unit\":\"sequences/s\",\"rounds\":%zu,\"min\":%.4f,"
           "\"max\":%.4f}\n",
           name, ratio[rounds / 2], ours[rounds / 2], baseline[rounds / 2], baseline_name, rounds,
           ratio[0], ratio[rounds - 1]);
    (void)fflush(stdout);
}

/* What is measured must be right: both lanes agree, and every vector has unit length. */
static bool sound(const struct bench *b, size_t hidden)
{
    for (size_t i = 0; i < COUNT; i++) {
        double squares = 0;
        for (size_t c = 0; c < hidden; c++)
            squares += (double)b->lane[0].out[i * hidden + c] * b->lane[0].out[i * hidden + c];
        if (!(squares > 0.999 && squares < 1.001))
            return false;
    }
    return memcmp(b->lane[0].out, b->lane[1].out, (size_t)COUNT * hidden * sizeof(float)) == 0;
}

static int measure(const char *name, const struct lac_check_shape *shape,
                   enum lac_encode_class class, double seconds, size_t rounds, double *median)
{
    double ours[ROUNDS_MAX], baseline[ROUNDS_MAX];
    struct bench *b = lac_check_memory(sizeof(*b));
    bool good = true;

    bench_open(b, shape, class);
    good = encode(b, seconds < 1 ? seconds : 1) > 0 && replay(b, seconds < 1 ? seconds : 1) > 0;
    for (size_t i = 0; i < rounds && good; i++) {
        ours[i] = encode(b, seconds);
        baseline[i] = replay(b, seconds);
        good = ours[i] > 0 && baseline[i] > 0;
    }
    good = good && sound(b, shape->hidden);
    if (good) {
        report(name, "its matrix products alone", ours, baseline, rounds);
        *median = ours[rounds / 2];
    } else {
        (void)fprintf(stderr, "%s: failed\n", name);
    }
    bench_close(b);
    free(b);
    return good ? 0 : -1;
}

int lac_check_bench(double seconds, size_t rounds)
{
    static const struct lac_check_shape minilm = {"minilm", 384, 6, 12, 1536, LAC_ENCODE_POOL_MEAN,
                                                  true};
    static const struct lac_check_shape large = {"large", 1024, 24, 16, 4096, LAC_ENCODE_POOL_CLS,
                                                 true};
    double small = 0, bf16 = 0, fp8 = 0;

    rounds = rounds < 1 ? 1 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
    int bad = measure("encode.cuda.minilm", &minilm, LAC_ENCODE_CUDA_BF16, seconds, rounds, &small);
    bad |= measure("encode.cuda.large", &large, LAC_ENCODE_CUDA_BF16, seconds, rounds, &bf16);
    if (lac_encode_plugin.probe(LAC_ENCODE_CUDA_FP8, NULL) == LAC_OK)
        bad |= measure("encode.cuda.large.fp8", &large, LAC_ENCODE_CUDA_FP8, seconds, rounds, &fp8);
    if (!bad && fp8 > 0)
        report("encode.cuda.fp8", "own bf16", &fp8, &bf16, 1);
    return bad;
}
