/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CUDA encoder on a device that is emulated (sim_cuda.h): that its vectors are right and do not
 * depend on neighbours, the order of threads or the moment at which a stream gets on, and what it
 * does when memory lacks, calls fail or the device breaks. The kernels one by one are the business
 * of sim_cuda_check. The last test is about the emulation: it must see what it is there for.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lac_cosine.h"
#include "lac_encode_cuda.h"
#include "lac_test.h"
#include "sim_cuda.h"
#include "sim_cuda_bad.h"

enum { VOCAB = 500, POSITIONS = 512 };

static const struct lac_encode_weights narrow = {
    .hidden = 64,
    .layers = 2,
    .heads = 2,
    .ffn = 128,
    .vocab = VOCAB,
    .positions = POSITIONS,
    .types = 2,
    .window = 256,
    .eps = 1e-12f,
    .normalize = true,
};

/* A model on the device. */
struct rig {
    struct lac_encode_model *model;
    const struct lac_encode_weights *w;
    struct lac_encode_device *device;
};

static struct lac_encode_model *generate(void)
{
    struct lac_encode_model *m = NULL;
    struct lac_err err = {0};
    LAC_TEST_EQ(lac_encode_model_generate(&m, &narrow, 3, &err), LAC_OK);
    LAC_TEST_NEED(m);
    return m;
}

static struct rig open_rig(struct lac_encode_model *m, enum lac_encode_class class)
{
    struct rig r = {m, lac_encode_model_weights(m), NULL};
    struct lac_err err = {0};
    LAC_TEST_EQ(lac_encode_plugin.open(&r.device, r.w, class, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(r.device);
    return r;
}

static void close_rig(struct rig *r)
{
    lac_encode_plugin.close(r->device);
    lac_encode_model_close(r->model);
    LAC_TEST_EQ(sim_cuda_faults(), 0);
    LAC_TEST_EQ(sim_cuda_alive(), 0);
}

static struct lac_encode_session *session(struct rig *r, size_t tokens, size_t sequences)
{
    struct lac_encode_session *s = NULL;
    struct lac_err err = {0};
    LAC_TEST_EQ(lac_encode_plugin.session_open(&s, r->device, tokens, sequences, false, &err),
                LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(s);
    return s;
}

/* Random sequences of the sizes given, `count` of them at most 32. */
struct texts {
    int32_t *ids;
    uint32_t starts[33];
    size_t count;
};

static struct texts make_texts(const uint32_t *sizes, size_t count, uint32_t vocab)
{
    struct texts t = {NULL, {0}, count};
    for (size_t i = 0; i < count; i++)
        t.starts[i + 1] = t.starts[i] + sizes[i];
    t.ids = malloc((t.starts[count] + 1) * sizeof(*t.ids));
    LAC_TEST_NEED(t.ids);
    for (size_t i = 0; i < t.starts[count]; i++)
        t.ids[i] = (int32_t)lac_test_random(vocab);
    return t;
}

/* Encodes sequences from .. to; [to - from][hidden], the caller's. */
static float *encode(struct lac_encode_session *s, const struct texts *t, size_t from, size_t to,
                     size_t hidden)
{
    float *out = malloc((to - from + 1) * hidden * sizeof(*out));
    uint32_t starts[33];
    struct lac_err err = {0};
    LAC_TEST_NEED(out);
    memset(out, 0xff, (to - from) * hidden * sizeof(*out));
    for (size_t i = from; i <= to; i++)
        starts[i - from] = t->starts[i] - t->starts[from];
    const struct lac_encode_batch batch = {t->ids + t->starts[from], starts, to - from};
    LAC_TEST_EQ(lac_encode_plugin.run(s, &batch, out, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    return out;
}

/* The CPU's encoder defines what is right. */
static float *encode_plainly(const struct lac_encode_model *m, const struct texts *t)
{
    const struct lac_encode_backend *cpu = &lac_encode_cpu;
    size_t hidden = lac_encode_model_weights(m)->hidden;
    struct lac_encode_device *d = NULL;
    struct lac_encode_session *s = NULL;
    float *out = malloc(t->count * hidden * sizeof(*out));
    struct lac_err err = {0};
    const struct lac_encode_batch batch = {t->ids, t->starts, t->count};

    LAC_TEST_NEED(out);
    LAC_TEST_EQ(cpu->open(&d, lac_encode_model_weights(m), LAC_ENCODE_CPU_FP32, &err), LAC_OK);
    LAC_TEST_NEED(d);
    LAC_TEST_EQ(cpu->session_open(&s, d, t->starts[t->count], t->count, false, &err), LAC_OK);
    LAC_TEST_NEED(s);
    LAC_TEST_EQ(cpu->run(s, &batch, out, &err), LAC_OK);
    cpu->session_close(s);
    cpu->close(d);
    return out;
}

static void check_close(const float *got, const float *want, size_t count, size_t hidden,
                        double least)
{
    for (size_t i = 0; i < count; i++) {
        double c = lac_cosine(got + i * hidden, want + i * hidden, hidden);
        lac_test_row("text %zu: cosine %.6f", i, c);
        CU_ASSERT(c >= least);
    }
}

/* Sizes around those of tiles, of 16 queries per warp and of the position table. */
static const uint32_t awkward[] = {1, 2, 15, 16, 17, 31, 33, 48, 63, 64, 65, 128, 129, 200, 512, 7};

static void sequences_of_awkward_sizes_have_the_cpus_vectors(void)
{
    static const enum lac_encode_class classes[] = {LAC_ENCODE_CUDA_BF16, LAC_ENCODE_CUDA_FP8};

    lac_test_seed();
    for (size_t c = 0; c < LAC_COUNT(classes); c++) {
        sim_cuda_reset(c + 1);
        struct rig r = open_rig(generate(), classes[c]);
        struct texts t = make_texts(awkward, LAC_COUNT(awkward), VOCAB);
        struct lac_encode_session *s = session(&r, t.starts[t.count], t.count);
        float *want = encode_plainly(r.model, &t);
        float *all = encode(s, &t, 0, t.count, narrow.hidden);
        check_close(all, want, t.count, narrow.hidden, c == 0 ? 0.999 : 0.99);
        /* Alone, in another order of threads: the same bits. */
        for (size_t i = 0; i < t.count; i++) {
            float *alone = encode(s, &t, i, i + 1, narrow.hidden);
            lac_test_row("class %zu, %u tokens", c, awkward[i]);
            LAC_TEST_EQ(memcmp(alone, all + i * narrow.hidden, narrow.hidden * sizeof(*alone)), 0);
            free(alone);
        }
        lac_encode_plugin.session_close(s);
        free(all);
        free(want);
        free(t.ids);
        close_rig(&r);
    }
}

/* The largest class at its fullest; more than two pieces, so that slots are used again; by two
 * sessions that take turns; and nothing at all. */
static void pieces_of_all_classes_have_the_same_bits(void)
{
    enum { TOKENS = 2 * 8192 + 700 };
    static uint32_t sizes[32];

    lac_test_seed();
    sim_cuda_reset(5);
    sim_cuda_machine(90, 132);
    struct rig r = open_rig(generate(), LAC_ENCODE_CUDA_BF16);
    struct lac_encode_session *large = session(&r, 16384, 40), *small = session(&r, 512, 8);
    for (size_t i = 0; i < LAC_COUNT(sizes); i++)
        sizes[i] = i < 16 ? 512 : 1 + lac_test_random(150);
    struct texts t = make_texts(sizes, LAC_COUNT(sizes), VOCAB);
    float *all = encode(large, &t, 0, t.count, narrow.hidden);
    float *some = encode(small, &t, 3, 3, narrow.hidden);
    free(some);
    for (size_t i = 10; i < t.count; i += 5) {
        some = encode(i % 2 ? small : large, &t, i, i + 1, narrow.hidden);
        lac_test_row("sequence %zu", i);
        LAC_TEST_EQ(memcmp(some, all + i * narrow.hidden, narrow.hidden * sizeof(*some)), 0);
        free(some);
    }
    lac_encode_plugin.session_close(large);
    lac_encode_plugin.session_close(small);
    free(all);
    free(t.ids);
    close_rig(&r);
}

/* What was chosen for a kind of product; 0: opening failed as it should where nothing is left. */
static uint64_t chosen(struct lac_encode_model *m, enum lac_encode_class class,
                       const enum sim_cuda_algorithm *list, size_t count)
{
    struct lac_encode_device *d = NULL;
    struct lac_err err = {0};
    uint64_t answer = 0;

    sim_cuda_propose(list, count);
    enum lac_status status = lac_encode_plugin.open(&d, lac_encode_model_weights(m), class, &err);
    if (status != LAC_OK) {
        LAC_TEST_EQ(status, LAC_REJECT);
        CU_ASSERT(strstr(err.text, "the same bits") != NULL);
        return 0;
    }
    answer = d->plan[0].algorithm.data[0];
    for (size_t i = 0; i < LAC_ENCODE_CUDA_KINDS; i++)
        LAC_TEST_EQ(d->plan[i].algorithm.data[0], answer);
    lac_encode_plugin.close(d);
    return answer;
}

static void algorithms_that_know_a_texts_neighbours_are_not_chosen(void)
{
    static const enum sim_cuda_algorithm bad[] = {SIM_CUDA_NOT_SUPPORTED, SIM_CUDA_SPLIT,
                                                  SIM_CUDA_LARGE, SIM_CUDA_BY_ROWS,
                                                  SIM_CUDA_BY_PLACE};
    static const enum sim_cuda_algorithm mixed[] = {
        SIM_CUDA_NOT_SUPPORTED, SIM_CUDA_SPLIT,     SIM_CUDA_LARGE, SIM_CUDA_BY_ROWS,
        SIM_CUDA_BY_PLACE,      SIM_CUDA_ALSO_GOOD, SIM_CUDA_GOOD};
    struct lac_encode_model *m = generate();

    sim_cuda_reset(6);
    LAC_TEST_EQ(chosen(m, LAC_ENCODE_CUDA_BF16, mixed, LAC_COUNT(mixed)), SIM_CUDA_ALSO_GOOD);
    LAC_TEST_EQ(chosen(m, LAC_ENCODE_CUDA_FP8, mixed, LAC_COUNT(mixed)), SIM_CUDA_ALSO_GOOD);
    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        lac_test_row("algorithm %d", (int)bad[i]);
        LAC_TEST_EQ(chosen(m, LAC_ENCODE_CUDA_BF16, &bad[i], 1), 0);
    }
    LAC_TEST_EQ(chosen(m, LAC_ENCODE_CUDA_BF16, bad, 0), 0);
    LAC_TEST_EQ(sim_cuda_faults(), 0);
    LAC_TEST_EQ(sim_cuda_alive(), 0);
    lac_encode_model_close(m);
}

/* Opens, encodes, closes, with the n-th occasion failing. True: it came to that. */
static bool fail_at(struct lac_encode_model *m, struct rig *r, enum sim_cuda_failure what, size_t n)
{
    static const uint32_t starts[] = {0, 3, 5};
    static const int32_t ids[] = {1, 2, 3, 4, 5};
    static const struct lac_encode_batch batch = {ids, starts, 2};
    struct lac_encode_device *d = r ? r->device : NULL;
    struct lac_encode_session *s = NULL;
    struct lac_err err = {0};
    float out[2 * 64];
    size_t before = sim_cuda_alive();

    sim_cuda_fail(what, n);
    enum lac_status status = LAC_OK;
    if (!r)
        status = lac_encode_plugin.open(&d, lac_encode_model_weights(m), LAC_ENCODE_CUDA_FP8, &err);
    if (status == LAC_OK)
        status = lac_encode_plugin.session_open(&s, d, 200, 2, n % 2, &err);
    if (status == LAC_OK)
        status = lac_encode_plugin.run(s, &batch, out, &err);
    bool failed = sim_cuda_failed();
    lac_test_row("failure %d at %zu: %s", (int)what, n, err.text);
    if (!failed)
        LAC_TEST_EQ(status, LAC_OK);
    else if (what == SIM_CUDA_FAIL_MEMORY)
        LAC_TEST_EQ(status, LAC_RETRY);
    else if (what != SIM_CUDA_FAIL_LIBRARY || status != LAC_OK) /* it may cost one candidate */
        CU_ASSERT(status == LAC_FATAL || status == LAC_REJECT);
    if (failed && what == SIM_CUDA_FAIL_KERNEL && s) /* for good: it says so again */
        LAC_TEST_EQ(lac_encode_plugin.run(s, &batch, out, &err), LAC_FATAL);
    lac_encode_plugin.session_close(s);
    if (!r)
        lac_encode_plugin.close(d);
    LAC_TEST_EQ(sim_cuda_alive(), before);
    LAC_TEST_EQ(sim_cuda_faults(), 0);
    if (what != SIM_CUDA_FAIL_KERNEL) { /* nothing is left for an innocent call to report */
        sim_cuda_fail(SIM_CUDA_NO_FAILURE, 0);
        LAC_TEST_EQ(cudaGetLastError(), cudaSuccess);
    }
    return failed;
}

static void lack_of_memory_anywhere_can_be_tried_again(void)
{
    struct lac_encode_model *m = generate();
    size_t n = 0;

    sim_cuda_reset(7);
    /* The library, weights, a weight in bf16, seven to try products. */
    while (n < 1 + 2 + 7 && fail_at(m, NULL, SIM_CUDA_FAIL_MEMORY, n))
        n++;
    LAC_TEST_EQ(n, 1 + 2 + 7);
    sim_cuda_fail(SIM_CUDA_NO_FAILURE, 0);
    struct rig r = open_rig(m, LAC_ENCODE_CUDA_FP8);
    for (n = 0; fail_at(m, &r, SIM_CUDA_FAIL_MEMORY, n);)
        n++;
    LAC_TEST_EQ(n, 2 * 3); /* for each slot: its memory, and two pinned */
    close_rig(&r);
}

static void failing_calls_anywhere_end_in_an_error_and_leave_nothing(void)
{
    struct lac_encode_model *m = generate();

    sim_cuda_reset(8);
    /* Up to the trial of algorithms each call, then some; sessions on a device of their own. */
    const size_t some = LAC_TEST_ROUNDS(1, 5);
    for (size_t n = 0; n < 110; n += some + n / 20)
        CU_ASSERT(fail_at(m, NULL, SIM_CUDA_FAIL_CALL, n));
    for (size_t n = 0; n < 170; n += some + n / 10)
        CU_ASSERT(fail_at(m, NULL, SIM_CUDA_FAIL_LIBRARY, n));
    sim_cuda_fail(SIM_CUDA_NO_FAILURE, 0);
    struct rig r = open_rig(m, LAC_ENCODE_CUDA_FP8);
    for (size_t n = 0; fail_at(m, &r, SIM_CUDA_FAIL_CALL, n); n += some) {
    }
    for (size_t n = 0; fail_at(m, &r, SIM_CUDA_FAIL_LIBRARY, n); n += some) {
    }
    close_rig(&r);
}

static void broken_device_stays_broken_and_is_left_in_order(void)
{
    static const size_t opening[] = {0, 8, 33}, running[] = {1, 17, 36};
    struct lac_encode_model *m = generate();

    sim_cuda_reset(9);
    for (size_t i = 0; i < LAC_COUNT(opening); i++) {
        CU_ASSERT(fail_at(m, NULL, SIM_CUDA_FAIL_KERNEL, opening[i]));
        sim_cuda_reset(i);
    }
    for (size_t i = 0; i < LAC_COUNT(running); i++) {
        struct rig r = open_rig(generate(), LAC_ENCODE_CUDA_FP8);
        CU_ASSERT(fail_at(m, &r, SIM_CUDA_FAIL_KERNEL, running[i]));
        close_rig(&r);
        sim_cuda_reset(i);
    }
    lac_encode_model_close(m);
}

static void machines_that_lack_something_are_told_what(void)
{
    static const struct {
        int capability;
        enum lac_encode_class class;
        const char *says;
    } rows[] = {
        {0, LAC_ENCODE_CUDA_BF16, "no CUDA device"},
        {75, LAC_ENCODE_CUDA_BF16, "has compute capability 7.5, cuda-bf16 needs 8.0"},
        {80, LAC_ENCODE_CUDA_FP8, "has compute capability 8.0, cuda-fp8 needs 8.9"},
    };

    sim_cuda_reset(10);
    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        struct lac_encode_device *d = NULL;
        struct lac_err err = {0};
        sim_cuda_machine(rows[i].capability, 4);
        lac_test_row("%s", rows[i].says);
        LAC_TEST_EQ(lac_encode_plugin.open(&d, &narrow, rows[i].class, &err), LAC_REJECT);
        CU_ASSERT(strstr(err.text, rows[i].says) != NULL);
        LAC_TEST_EQ(cudaGetLastError(), cudaSuccess);
    }
}

/* ---- MiniLM ---- */

static struct lac_encode_model *minilm(void)
{
    const char *folder = getenv("LACUNA_TEST_MODEL");
    const char *cache = getenv("LACUNA_CACHE"), *home = getenv("HOME");
    struct lac_encode_model *m = NULL;
    struct lac_err err = {0};
    char path[4096];

    snprintf(path, sizeof(path), "%s%s/hf/all-minilm-l6-v2",
             cache  ? cache
             : home ? home
                    : "",
             cache ? "" : "/.cache/lacuna");
    if (!folder)
        folder = path;
    if (LAC_TEST_ROUNDS(0, 1) || access(folder, R_OK) != 0)
        return NULL; /* too slow under sanitizers; without it, other tests say what is missing */
    LAC_TEST_EQ(lac_encode_model_open(&m, folder, &err), LAC_OK);
    LAC_TEST_NEED(m);
    return m;
}

static void minilm_has_the_cpus_vectors(void)
{
    static const uint32_t sizes[] = {9, 21, 70};
    struct lac_encode_model *m = minilm();

    if (!m) {
        CU_PASS("without MiniLM");
        return;
    }
    lac_test_seed();
    sim_cuda_reset(11);
    struct rig r = open_rig(m, LAC_ENCODE_CUDA_BF16);
    struct texts t = make_texts(sizes, LAC_COUNT(sizes), r.w->vocab);
    struct lac_encode_session *s = session(&r, 128, LAC_COUNT(sizes));
    float *want = encode_plainly(m, &t), *got = encode(s, &t, 0, t.count, r.w->hidden);
    check_close(got, want, t.count, r.w->hidden, 0.999);
    lac_encode_plugin.session_close(s);
    free(want);
    free(got);
    free(t.ids);
    close_rig(&r);
}

/* ---- the emulation ---- */

static void what_is_wrong_on_a_device_is_seen(void)
{
    static const struct {
        enum sim_cuda_bad kernel;
        const char *says;
    } rows[] = {
        {SIM_CUDA_BAD_NONE, ""},
        {SIM_CUDA_BAD_BARRIER, "meet"},
        {SIM_CUDA_BAD_LEAVES, "leave"},
        {SIM_CUDA_BAD_WARP, "waits for ever"},
        {SIM_CUDA_BAD_POINTER, "not the device's"},
        {SIM_CUDA_BAD_COPY, "a copy of 4 bytes"},
        {SIM_CUDA_BAD_RACE, NULL},
        {SIM_CUDA_BAD_UNSET, NULL},
    };

    for (size_t i = 0; i < LAC_COUNT(rows); i++) {
        size_t wrong = 0;
        for (uint64_t seed = 1; seed <= 8; seed++) {
            sim_cuda_reset(seed);
            sim_cuda_quiet(true);
            wrong += !sim_cuda_run_bad(rows[i].kernel);
            lac_test_row("kernel %d: %s", (int)rows[i].kernel, sim_cuda_last_fault());
            if (rows[i].says)
                CU_ASSERT(strstr(sim_cuda_last_fault(), rows[i].says) != NULL);
        }
        CU_ASSERT((wrong > 0) == (rows[i].kernel != SIM_CUDA_BAD_NONE));
        sim_cuda_reset(1);
        LAC_TEST_EQ(sim_cuda_alive(), 0);
    }
}

LAC_TEST_MAIN(cuda_sim, what_is_wrong_on_a_device_is_seen,
              sequences_of_awkward_sizes_have_the_cpus_vectors,
              pieces_of_all_classes_have_the_same_bits,
              algorithms_that_know_a_texts_neighbours_are_not_chosen,
              lack_of_memory_anywhere_can_be_tried_again,
              failing_calls_anywhere_end_in_an_error_and_leave_nothing,
              broken_device_stays_broken_and_is_left_in_order,
              machines_that_lack_something_are_told_what, minilm_has_the_cpus_vectors)
