/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPU's encoder with MiniLM on sequences of exactly 64 tokens, cut from the starter pack's
 * texts; one thread, its processor time, texts/s.
 *
 * encode.fp32: against the same matrix products alone, through oneDNN.
 * encode.int8, encode.bf16: against our own fp32; vectors are compared by cosine in the same run.
 * encode.cores: two lanes on two cores against one, wall time.
 * encode.ort, encode.st: int8 against ONNX Runtime and sentence-transformers, which run in Python
 * with --peers. Their vectors are compared with our floats.
 * encode.cosine.*: no speed: the smallest cosine to fp32 over all texts of the starter pack and
 * their sentences (more than 10,000), each as long as it is.
 */
#include "bench_encode.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench_encode_texts.h"
#include "bench_peer.h"
#include "lac_bench.h"
#include "lac_clock.h"
#include "lac_cosine.h"
#include "lac_env.h"

enum { ROUNDS = 7, LENGTH = 64, TEXTS = 128, WIDTH = LAC_ENCODE_WIDTH_MAX };

/* Smallest cosines to fp32 that a class may have. */
#define CLOSE8  0.995
#define CLOSE16 0.999

double bench_encode_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct lane {
    struct lac_encode_device *device;
    struct lac_encode_session *session;
    float *out; /* [TEXTS][hidden] */
};

struct encode {
    struct bench_texts texts;
    struct lac_encode_model *model;
    const struct lac_encode_weights *w;
    int32_t ids[TEXTS * LENGTH];
    uint32_t starts[TEXTS + 1];
    size_t count; /* texts of a batch */
    struct lane ours, other;
    struct bench_products *products;
    struct bench_peer peer;
    char folder[BENCH_FOLDER], home[64]; /* the model's; the peer's files */
};

static bool lane_open(struct encode *e, struct lane *l, struct lac_encode_device *shared,
                      enum lac_encode_class class)
{
    struct lac_err err = {0};

    l->device = shared;
    l->out = calloc(TEXTS * e->w->hidden, sizeof *l->out);
    if ((shared || lac_encode_cpu.open(&l->device, e->w, class, &err) == LAC_OK) && l->out &&
        lac_encode_cpu.session_open(&l->session, l->device, TEXTS * LENGTH, TEXTS, false, &err) ==
            LAC_OK)
        return true;
    fprintf(stderr, "encode: %s\n", err.text);
    return false;
}

static bool lane_run(struct encode *e, struct lane *l)
{
    struct lac_encode_batch b = {.ids = e->ids, .starts = e->starts, .count = e->count};
    struct lac_err err = {0};

    if (lac_encode_cpu.run(l->session, &b, l->out, &err) == LAC_OK)
        return true;
    fprintf(stderr, "encode: %s\n", err.text);
    return false;
}

static void encode_close(struct encode *e)
{
    lac_encode_cpu.session_close(e->ours.session);
    lac_encode_cpu.session_close(e->other.session);
    if (e->other.device != e->ours.device)
        lac_encode_cpu.close(e->other.device);
    lac_encode_cpu.close(e->ours.device);
    free(e->ours.out);
    free(e->other.out);
    bench_products_close(e->products);
    lac_encode_model_close(e->model);
    bench_texts_close(&e->texts);
    free(e);
}

static struct encode *encode_open(const struct lac_bench_options *o)
{
    struct encode *e = calloc(1, sizeof *e);
    struct lac_err err = {0};

    if (!e)
        return NULL;
    e->peer.fd = -1;
    bench_encode_folder(e->folder);
    e->count = (size_t)(TEXTS * o->scale) + 1 < TEXTS ? (size_t)(TEXTS * o->scale) + 1 : TEXTS;
    if (lac_encode_model_open(&e->model, e->folder, &err) == LAC_OK &&
        bench_texts_open(&e->texts, e->folder) &&
        bench_texts_cut(&e->texts, LENGTH, e->count, e->ids)) {
        e->w = lac_encode_model_weights(e->model);
        for (size_t i = 0; i <= e->count; i++)
            e->starts[i] = (uint32_t)(i * LENGTH);
        return e;
    }
    fprintf(stderr, "encode: %s\n", err.text);
    encode_close(e);
    return NULL;
}

static double rate(const struct encode *e, double begun)
{
    return (double)e->count / (bench_encode_now() - begun);
}

static double run_ours(void *ctx)
{
    struct encode *e = ctx;
    double begun = bench_encode_now();
    return lane_run(e, &e->ours) ? rate(e, begun) : -1;
}

static double run_other(void *ctx)
{
    struct encode *e = ctx;
    double begun = bench_encode_now();
    return lane_run(e, &e->other) ? rate(e, begun) : -1;
}

static double run_products(void *ctx)
{
    struct encode *e = ctx;
    double begun = bench_encode_now();
    return bench_products_run(e->products) ? rate(e, begun) : -1;
}

static int run_fp32(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    struct encode *e = encode_open(o);
    int rc = -1;

    if (!e)
        return -1;
    e->products = bench_products_open(e->w, e->count * LENGTH);
    if (e->products && lane_open(e, &e->ours, NULL, LAC_ENCODE_CPU_FP32)) {
        struct lac_bench_pair p = {self->name,
                                   "the matrix products alone, oneDNN",
                                   "texts of 64 tokens/s",
                                   run_ours,
                                   run_products,
                                   e,
                                   ROUNDS};
        rc = lac_bench_run_pair(&p, o);
    }
    encode_close(e);
    return rc;
}

static bool alike(const struct encode *e, double least)
{
    for (size_t i = 0; i < e->count; i++) {
        double c = lac_cosine(e->ours.out + i * e->w->hidden, e->other.out + i * e->w->hidden,
                              e->w->hidden);
        if (!(c >= least)) {
            fprintf(stderr, "encode: text %zu has cosine %.5f to fp32\n", i, c);
            return false;
        }
    }
    return true;
}

static int run_class(const struct lac_bench_case *self, const struct lac_bench_options *o,
                     enum lac_encode_class class, double least)
{
    struct encode *e;
    struct lac_err err;
    int rc = -1;

    if (lac_encode_cpu.probe(class, &err) != LAC_OK) {
        fprintf(stderr, "%s: %s\n", self->name, err.text);
        return 0; /* this machine has no such class */
    }
    e = encode_open(o);
    if (!e)
        return -1;
    if (lane_open(e, &e->ours, NULL, class) && lane_open(e, &e->other, NULL, LAC_ENCODE_CPU_FP32)) {
        struct lac_bench_pair p = {
            self->name, "own fp32", "texts of 64 tokens/s", run_ours, run_other, e, ROUNDS};
        rc = lac_bench_run_pair(&p, o);
    }
    if (rc == 0 && !alike(e, least))
        rc = -1;
    encode_close(e);
    return rc;
}

static int run_int8(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    return run_class(self, o, LAC_ENCODE_CPU_INT8, CLOSE8);
}

static int run_bf16(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    return run_class(self, o, LAC_ENCODE_CPU_BF16, CLOSE16);
}

struct worker {
    struct encode *e;
    struct lane *lane;
    bool failed;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    w->failed = !lane_run(w->e, w->lane);
    return NULL;
}

/* The batch by each of `count` lanes at once. */
static double run_lanes(struct encode *e, size_t count)
{
    struct worker workers[2] = {{e, &e->ours, false}, {e, &e->other, false}};
    pthread_t threads[2];
    uint64_t begun = lac_clock_mono_ns();
    size_t started = 0;
    bool failed = false;

    for (; started < count; started++)
        if (pthread_create(&threads[started], NULL, work, &workers[started]) != 0)
            break;
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        failed = failed || workers[i].failed;
    }
    if (failed || started < count)
        return -1;
    return (double)(count * e->count) / ((double)(lac_clock_mono_ns() - begun) * 1e-9);
}

static double run_two(void *ctx)
{
    return run_lanes(ctx, 2);
}

static double run_one(void *ctx)
{
    return run_lanes(ctx, 1);
}

static int run_cores(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    struct encode *e = encode_open(o);
    int rc = -1;

    if (!e)
        return -1;
    if (lane_open(e, &e->ours, NULL, LAC_ENCODE_CPU_INT8) &&
        lane_open(e, &e->other, e->ours.device, LAC_ENCODE_CPU_INT8)) {
        struct lac_bench_pair p = {self->name, "one core", "texts of 64 tokens/s", run_two, run_one,
                                   e,          ROUNDS};
        rc = lac_bench_run_pair(&p, o);
    }
    if (rc == 0 && memcmp(e->ours.out, e->other.out, e->count * e->w->hidden * sizeof(float)) != 0)
        rc = -1;
    encode_close(e);
    return rc;
}

/* ---- peers ---- */

static void peer_path(const struct encode *e, const char *name, char out[BENCH_FOLDER])
{
    snprintf(out, BENCH_FOLDER, "%s/%s", e->home, name);
}

static void peer_close(struct encode *e)
{
    static const char *const names[] = {"ids", "vectors"};
    char path[BENCH_FOLDER];

    bench_peer_close(&e->peer);
    for (size_t i = 0; e->home[0] && i < LAC_COUNT(names); i++) {
        peer_path(e, names[i], path);
        (void)unlink(path);
    }
    if (e->home[0])
        (void)rmdir(e->home);
}

static bool peer_open(struct encode *e, const char *kind, const char *folder)
{
    char python[BENCH_FOLDER], ids[BENCH_FOLDER], vectors[BENCH_FOLDER], length[16];
    const char *const args[] = {kind, e->folder, ids, length, vectors, NULL};
    FILE *f;
    bool good;

    snprintf(python, sizeof python, "%s/%s/bin/python", folder, kind);
    snprintf(length, sizeof length, "%d", LENGTH);
    snprintf(e->home, sizeof e->home, "/tmp/lacuna-bench-encode-XXXXXX");
    if (!mkdtemp(e->home)) {
        e->home[0] = '\0';
        fprintf(stderr, "encode: no folder for the peer's files\n");
        return false;
    }
    peer_path(e, "ids", ids);
    peer_path(e, "vectors", vectors);
    f = fopen(ids, "w");
    good = f && fwrite(e->ids, LENGTH * sizeof *e->ids, e->count, f) == e->count;
    if (f && fclose(f) != 0)
        good = false;
    if (!good)
        fprintf(stderr, "encode: %s can't be written\n", ids);
    return good && bench_peer_open(&e->peer, python, "peer_encode.py", args);
}

static bool peer_vectors(struct encode *e, float *out)
{
    char path[BENCH_FOLDER];
    double count;
    FILE *f;
    bool good;

    peer_path(e, "vectors", path);
    if (!bench_peer_ask(&e->peer, "vectors", &count))
        return false;
    f = fopen(path, "r");
    good = f && fread(out, e->w->hidden * sizeof *out, e->count, f) == e->count;
    if (f)
        (void)fclose(f);
    return good;
}

static double run_peer_side(void *ctx)
{
    struct encode *e = ctx;
    double answer;
    return bench_peer_ask(&e->peer, "rate", &answer) ? answer : -1;
}

/* `least`: what the peer's vectors must come to beside our floats, for the same work to be done. */
static int run_peer(const struct lac_bench_case *self, const struct lac_bench_options *o,
                    const char *kind, const char *what, double least)
{
    const char *folder = lac_env("LACUNA_BENCH_PEERS");
    struct encode *e;
    int rc = -1;

    if (!folder) {
        fprintf(stderr, "%s: skipped, it needs tools/bench --peers\n", self->name);
        return 0;
    }
    e = encode_open(o);
    if (!e)
        return -1;
    if (lane_open(e, &e->ours, NULL, LAC_ENCODE_CPU_INT8) &&
        lane_open(e, &e->other, NULL, LAC_ENCODE_CPU_FP32) && peer_open(e, kind, folder)) {
        struct lac_bench_pair p = {
            self->name, what, "texts of 64 tokens/s", run_ours, run_peer_side, e, ROUNDS};
        rc = lac_bench_run_pair(&p, o);
    }
    if (rc == 0 && !(lane_run(e, &e->other) && alike(e, CLOSE8) && peer_vectors(e, e->ours.out) &&
                     alike(e, least)))
        rc = -1;
    peer_close(e);
    encode_close(e);
    return rc;
}

static int run_ort(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    return run_peer(self, o, "ort", "ONNX Runtime, dynamic int8, signed per channel", 0.95);
}

static int run_st(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    return run_peer(self, o, "st", "sentence-transformers, torch fp32", 0.99999);
}

/* ---- cosines ---- */

/* One text by both lanes; false: it failed. */
static bool compare(struct encode *e, size_t text, size_t *count, double *least)
{
    size_t length = bench_texts_ids(&e->texts, text, e->w->window, e->ids);
    double c;

    e->count = 1;
    e->starts[0] = 0;
    e->starts[1] = (uint32_t)length;
    if (!lane_run(e, &e->ours) || !lane_run(e, &e->other))
        return false;
    c = lac_cosine(e->ours.out, e->other.out, e->w->hidden);
    *least = c < *least ? c : *least;
    ++*count;
    return true;
}

static int run_cosine(const struct lac_bench_case *self, const struct lac_bench_options *o,
                      enum lac_encode_class class, double bound)
{
    struct encode *e;
    struct lac_err err;
    double least = 1, one = 1;
    size_t count = 0;
    bool ok;

    if (lac_encode_cpu.probe(class, &err) != LAC_OK) {
        fprintf(stderr, "%s: %s\n", self->name, err.text);
        return 0;
    }
    e = encode_open(o);
    if (!e)
        return -1;
    ok = lane_open(e, &e->ours, NULL, class) && lane_open(e, &e->other, NULL, LAC_ENCODE_CPU_FP32);
    for (size_t i = 0; ok && i < (size_t)((double)e->texts.count * o->scale); i++)
        ok = compare(e, i, &count, &least);
    encode_close(e);
    fprintf(stderr, "%s: %zu texts\n", self->name, count);
    if (ok)
        lac_bench_report(self->name, "fp32", "smallest cosine", &least, &one, 1);
    return ok && least >= bound ? 0 : -1;
}

static int run_cosine8(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    return run_cosine(self, o, LAC_ENCODE_CPU_INT8, CLOSE8);
}

static int run_cosine16(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    return run_cosine(self, o, LAC_ENCODE_CPU_BF16, CLOSE16);
}

LAC_BENCH_CASES({"encode.fp32", NULL, run_fp32}, {"encode.int8", NULL, run_int8},
                {"encode.bf16", NULL, run_bf16}, {"encode.cores", NULL, run_cores},
                {"encode.ort", NULL, run_ort}, {"encode.st", NULL, run_st},
                {"encode.cosine.int8", NULL, run_cosine8},
                {"encode.cosine.bf16", NULL, run_cosine16});
