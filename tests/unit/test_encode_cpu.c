/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the CPU's encoder computes what the model says, whatever the shape and whoever is beside.
 */
#include "cpu/lac_encode_cpu_internal.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_encode_texts.h"
#include "lac_encode_slow.h"
#include "lac_test.h"

static const enum lac_encode_class classes[] = {LAC_ENCODE_CPU_FP32, LAC_ENCODE_CPU_BF16,
                                                LAC_ENCODE_CPU_INT8};

/* Smallest cosine to the oracle that is accepted. */
static double tolerance(enum lac_encode_class class)
{
    return class == LAC_ENCODE_CPU_FP32 ? 1 - 1e-10 : class == LAC_ENCODE_CPU_BF16 ? 0.999 : 0.995;
}

static const struct lac_encode_weights shapes[] = {
    {.hidden = 32, .layers = 2, .heads = 4, .ffn = 64, .vocab = 50, .positions = 40, .types = 2},
    {.hidden = 40, .layers = 3, .heads = 5, .ffn = 72, .vocab = 99, .positions = 512, .types = 1},
    {.hidden = 33, .layers = 1, .heads = 3, .ffn = 17, .vocab = 8, .positions = 70, .types = 2},
    {.hidden = 9, .layers = 2, .heads = 1, .ffn = 8, .vocab = 8, .positions = 9, .types = 1},
    {.hidden = 8, .layers = 1, .heads = 8, .ffn = 8, .vocab = 8, .positions = 8, .types = 1},
    {.hidden = 192, .layers = 1, .heads = 1, .ffn = 200, .vocab = 20, .positions = 130, .types = 1},
};

static struct lac_encode_model *generate(const struct lac_encode_weights *shape, bool cls)
{
    struct lac_encode_weights w = *shape;
    struct lac_encode_model *m = NULL;
    struct lac_err err = {0};

    w.window = w.positions;
    w.eps = 1e-12f;
    w.normalize = true;
    w.pooling = cls ? LAC_ENCODE_POOL_CLS : LAC_ENCODE_POOL_MEAN;
    LAC_TEST_EQ(lac_encode_model_generate(&m, &w, 7, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(m);
    return m;
}

/* A device, a session on it and a batch for it. */
struct rig {
    struct lac_encode_model *model;
    const struct lac_encode_weights *w;
    struct lac_encode_device *device;
    struct lac_encode_session *session;
};

static struct lac_encode_session *session_of(struct lac_encode_device *d, size_t tokens)
{
    struct lac_encode_session *s = NULL;
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_encode_cpu.session_open(&s, d, tokens, 64, false, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(s);
    return s;
}

static struct rig open_rig(struct lac_encode_model *model, enum lac_encode_class class,
                           size_t tokens)
{
    struct rig r = {.model = model, .w = lac_encode_model_weights(model)};
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_encode_cpu.open(&r.device, r.w, class, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(r.device);
    r.session = session_of(r.device, tokens);
    return r;
}

static void close_rig(struct rig *r)
{
    lac_encode_cpu.session_close(r->session);
    lac_encode_cpu.close(r->device);
    lac_encode_model_close(r->model);
}

static bool offered(enum lac_encode_class class)
{
    struct lac_err err;
    lac_test_row("%s", lac_encode_class_name(class));
    return lac_encode_cpu.probe(class, &err) == LAC_OK;
}

static void run_one(struct lac_encode_session *s, const int32_t *ids, size_t count, float *out)
{
    uint32_t starts[2] = {0, (uint32_t)count};
    struct lac_encode_batch b = {.ids = ids, .starts = starts, .count = 1};
    struct lac_err err = {0};

    LAC_TEST_EQ(lac_encode_cpu.run(s, &b, out, &err), LAC_OK);
}

static double cosine(const float *a, const double *b, size_t count)
{
    double ab = 0, aa = 0, bb = 0;

    for (size_t i = 0; i < count; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * (double)a[i];
        bb += b[i] * b[i];
    }
    return ab / sqrt(aa * bb);
}

static void models_of_any_shape_agree_with_the_oracle(void)
{
    for (size_t c = 0; c < LAC_COUNT(classes); c++)
        for (size_t i = 0; i < 2 * LAC_COUNT(shapes) && offered(classes[c]); i++) {
            const struct lac_encode_weights *shape = &shapes[i / 2];
            struct rig r = open_rig(generate(shape, i % 2), classes[c], 512);
            for (size_t length = 1; length <= shape->positions;
                 length += LAC_TEST_ROUNDS(1 + length / 2, 5 + length)) {
                float got[LAC_ENCODE_WIDTH_MAX];
                double want[LAC_ENCODE_WIDTH_MAX];
                int32_t ids[LAC_ENCODE_POSITION_MAX];
                for (size_t t = 0; t < length; t++)
                    ids[t] = (int32_t)lac_test_random(shape->vocab);
                run_one(r.session, ids, length, got);
                lac_encode_slow(r.w, ids, length, want);
                lac_test_row("%s, shape %zu, %zu tokens", lac_encode_class_name(classes[c]), i,
                             length);
                CU_ASSERT(cosine(got, want, shape->hidden) >= tolerance(classes[c]));
                for (size_t k = 0; k < shape->hidden && classes[c] == LAC_ENCODE_CPU_FP32; k++)
                    CU_ASSERT(fabs((double)got[k] - want[k]) < 1e-5);
            }
            close_rig(&r);
        }
}

/* Many sequences of random length and content, with what each gives alone. */
enum { SEQUENCES = LAC_TEST_ROUNDS(60, 20) };
struct many {
    int32_t ids[SEQUENCES][LAC_ENCODE_POSITION_MAX];
    size_t lengths[SEQUENCES];
    float alone[SEQUENCES][LAC_ENCODE_WIDTH_MAX];
};

static void make_many(struct many *m, const struct lac_encode_weights *w,
                      struct lac_encode_session *s)
{
    size_t most = w->positions < LAC_ENCODE_POSITION_MAX ? w->positions : LAC_ENCODE_POSITION_MAX;

    for (size_t i = 0; i < SEQUENCES; i++) {
        m->lengths[i] = 1 + lac_test_random((uint32_t)(i % 7 == 0 ? most : most / 6 + 1));
        for (size_t t = 0; t < m->lengths[i]; t++)
            m->ids[i][t] = (int32_t)lac_test_random(w->vocab);
        run_one(s, m->ids[i], m->lengths[i], m->alone[i]);
    }
}

/* One batch of up to `most` sequences in random order: number of vectors that differ. */
static size_t run_random_batch(const struct many *m, struct rig *r, size_t most, size_t tokens)
{
    static _Thread_local int32_t ids[SEQUENCES * LAC_ENCODE_POSITION_MAX];
    static _Thread_local float out[SEQUENCES * LAC_ENCODE_WIDTH_MAX];
    uint32_t starts[SEQUENCES + 1] = {0};
    size_t which[SEQUENCES], wrong = 0;
    struct lac_encode_batch b = {.ids = ids, .starts = starts};
    struct lac_err err;

    for (size_t i = 0; i < most; i++) {
        size_t w = lac_test_random(SEQUENCES);
        if (starts[b.count] + m->lengths[w] > tokens)
            continue;
        memcpy(ids + starts[b.count], m->ids[w], m->lengths[w] * sizeof *ids);
        which[b.count++] = w;
        starts[b.count] = starts[b.count - 1] + (uint32_t)m->lengths[w];
    }
    if (lac_encode_cpu.run(r->session, &b, out, &err) != LAC_OK)
        return SIZE_MAX;
    for (size_t i = 0; i < b.count; i++)
        wrong +=
            memcmp(out + i * r->w->hidden, m->alone[which[i]], r->w->hidden * sizeof *out) != 0;
    return wrong;
}

static void check_batches(struct lac_encode_model *model, enum lac_encode_class class, int rounds)
{
    struct many *m = malloc(sizeof *m);
    struct rig r = open_rig(model, class, 6000);

    LAC_TEST_NEED(m);
    make_many(m, r.w, r.session);
    for (int i = 0; i < rounds; i++)
        LAC_TEST_EQ(run_random_batch(m, &r, 1 + lac_test_random(SEQUENCES), 6000), 0);
    free(m);
    close_rig(&r);
}

static void a_text_has_the_same_bits_in_any_batch(void)
{
    lac_test_seed();
    for (size_t c = 0; c < LAC_COUNT(classes); c++)
        for (size_t i = 0; i < LAC_COUNT(shapes) && offered(classes[c]); i++) {
            lac_test_row("%s, shape %zu", lac_encode_class_name(classes[c]), i);
            check_batches(generate(&shapes[i], false), classes[c], LAC_TEST_ROUNDS(30, 4));
        }
}

static struct lac_encode_model *minilm(void)
{
    struct lac_encode_model *m = NULL;
    const char *folder = getenv("LACUNA_TEST_MODEL");
    const char *cache = getenv("LACUNA_CACHE"), *home = getenv("HOME");
    char path[4096];
    struct lac_err err = {0};

    if (!folder) {
        snprintf(path, sizeof path, "%s%s/hf/all-minilm-l6-v2",
                 cache  ? cache
                 : home ? home
                        : "",
                 cache ? "" : "/.cache/lacuna");
        folder = path;
    }
    if (access(folder, R_OK) != 0)
        lac_test_skip("no model: tools/setup fetches it");
    LAC_TEST_EQ(lac_encode_model_open(&m, folder, &err), LAC_OK);
    LAC_TEST_STR(err.text, "");
    LAC_TEST_NEED(m);
    return m;
}

static size_t read_ids(char *line, int32_t *ids)
{
    size_t count = 0;
    char *save = NULL;

    for (char *w = strtok_r(line, " \n", &save); w; w = strtok_r(NULL, " \n", &save))
        ids[count++] = (int32_t)strtol(w, NULL, 10);
    return count;
}

static void read_vector(char *line, double *out, size_t width)
{
    for (size_t i = 0; i < width; i++)
        out[i] = strtod(line, &line);
}

/* tests/golden/encode/minilm.txt: a line "ids ..." and a line "vector ..." for each text. */
static size_t compare_golden(struct rig *r, enum lac_encode_class class, FILE *f)
{
    char *line = NULL;
    size_t size = 0, texts = 0, count = 0;
    int32_t ids[LAC_ENCODE_POSITION_MAX];

    while (getline(&line, &size, f) > 0) {
        float got[LAC_ENCODE_WIDTH_MAX];
        double want[LAC_ENCODE_WIDTH_MAX], worst = 0;
        if (strncmp(line, "ids ", 4) == 0) {
            count = read_ids(line + 4, ids);
            continue;
        }
        LAC_TEST_NEED(strncmp(line, "vector ", 7) == 0);
        read_vector(line + 7, want, r->w->hidden);
        run_one(r->session, ids, count, got);
        for (size_t i = 0; i < r->w->hidden; i++)
            worst = fmax(worst, fabs((double)got[i] - want[i]));
        lac_test_row("%s, text %zu: worst difference %.1e, cosine %.6f",
                     lac_encode_class_name(class), texts, worst, cosine(got, want, r->w->hidden));
        CU_ASSERT(cosine(got, want, r->w->hidden) >= tolerance(class));
        CU_ASSERT(class != LAC_ENCODE_CPU_FP32 || worst < 1e-6);
        texts++;
    }
    free(line);
    return texts;
}

static void minilm_agrees_with_the_reference(void)
{
    for (size_t c = 0; c < LAC_COUNT(classes); c++)
        if (offered(classes[c])) {
            FILE *f = fopen("tests/golden/encode/minilm.txt", "r");
            struct rig r = open_rig(minilm(), classes[c], 512);
            LAC_TEST_NEED(f);
            CU_ASSERT(compare_golden(&r, classes[c], f) >= 12);
            fclose(f);
            close_rig(&r);
        }
}

/* Texts of the starter pack, as long as they are. encode.cosine.* of tools/bench takes all. */
static void classes_stay_close_to_floats(void)
{
    struct bench_texts t = {0};
    char folder[BENCH_FOLDER];

    if (LAC_TEST_ROUNDS(false, true)) /* a matter of numbers, not of memory */
        return;
    lac_encode_model_close(minilm()); /* or the test is skipped */
    bench_encode_folder(folder);
    LAC_TEST_NEED(bench_texts_open(&t, folder));
    for (size_t c = 1; c < LAC_COUNT(classes); c++) {
        struct rig r, floats;
        if (!offered(classes[c]))
            continue;
        r = open_rig(minilm(), classes[c], 512);
        floats = open_rig(minilm(), LAC_ENCODE_CPU_FP32, 512);
        for (size_t i = 0; i < t.count; i += 97) {
            float got[LAC_ENCODE_WIDTH_MAX], want[LAC_ENCODE_WIDTH_MAX];
            double exact[LAC_ENCODE_WIDTH_MAX];
            int32_t ids[LAC_ENCODE_POSITION_MAX];
            size_t count = bench_texts_ids(&t, i, 256, ids);
            run_one(r.session, ids, count, got);
            run_one(floats.session, ids, count, want);
            for (size_t k = 0; k < r.w->hidden; k++)
                exact[k] = (double)want[k];
            lac_test_row("%s, text %zu: cosine %.6f", lac_encode_class_name(classes[c]), i,
                         cosine(got, exact, r.w->hidden));
            CU_ASSERT(cosine(got, exact, r.w->hidden) >= tolerance(classes[c]));
        }
        close_rig(&r);
        close_rig(&floats);
    }
    bench_texts_close(&t);
}

static void minilm_has_the_same_bits_in_any_batch(void)
{
    for (size_t c = 0; c < LAC_COUNT(classes); c++)
        if (offered(classes[c]) &&
            LAC_TEST_ROUNDS(true, false)) /* small models do with sanitizers */
            check_batches(minilm(), classes[c], 2);
}

/* Does a device with these forms give what `m` holds, under the same name? */
static void check_forms(const struct rig *r, const struct many *m, enum lac_encode_class class,
                        struct lac_encode_cpu_forms forms)
{
    struct rig other = {.w = r->w};
    struct lac_err err;

    lac_test_row("%s, %s, %s", lac_encode_class_name(class), forms.vector->name, forms.int8->name);
    LAC_TEST_EQ(lac_encode_cpu_device_open_with(&other.device, r->w, class, forms, &err), LAC_OK);
    LAC_TEST_NEED(other.device);
    other.session = session_of(other.device, 6000);
    LAC_TEST_EQ(run_random_batch(m, &other, SEQUENCES, 6000), 0);
    LAC_TEST_STR(lac_encode_cpu.engine(other.device), lac_encode_cpu.engine(r->device));
    close_rig(&other);
}

/* Only oneDNN's products may differ from machine to machine, and the name says what they were. */
static void forms_of_our_own_don_t_change_the_result(void)
{
    struct many *m = malloc(sizeof *m);

    LAC_TEST_NEED(m);
    for (size_t c = 0; c < LAC_COUNT(classes); c++) {
        struct rig r;
        struct lac_encode_cpu_forms f;
        if (!offered(classes[c]))
            continue;
        r = open_rig(generate(&shapes[LAC_TEST_ROUNDS(1, 0)], false), classes[c], 512);
        make_many(m, r.w, r.session);
        for (size_t v = 0; (f.vector = lac_encode_cpu_vector_at(v)); v++)
            for (size_t i = 0; (f.int8 = lac_encode_cpu_int8_at(i)); i++)
                if (i == 0 || classes[c] == LAC_ENCODE_CPU_INT8)
                    check_forms(&r, m, classes[c], f);
        close_rig(&r);
    }
    free(m);
}

struct lane {
    struct rig rig; /* device and weights shared, the session its own */
    const struct many *many;
    size_t wrong;
};

static void *run_lane(void *arg)
{
    struct lane *l = arg;
    uint32_t starts[2] = {0, 0};
    struct lac_err err;

    for (size_t i = 0; i < SEQUENCES; i++) {
        float out[LAC_ENCODE_WIDTH_MAX];
        struct lac_encode_batch b = {.ids = l->many->ids[i], .starts = starts, .count = 1};
        starts[1] = (uint32_t)l->many->lengths[i];
        if (lac_encode_cpu.run(l->rig.session, &b, out, &err) != LAC_OK ||
            memcmp(out, l->many->alone[i], l->rig.w->hidden * sizeof *out) != 0)
            l->wrong++;
    }
    return NULL;
}

static void check_lanes(enum lac_encode_class class, struct lac_encode_cpu_forms forms)
{
    struct lane lanes[3];
    pthread_t threads[3];
    struct many *m = malloc(sizeof *m);
    struct rig r = {.model = generate(&shapes[0], false)};
    struct lac_err err;

    LAC_TEST_NEED(m);
    r.w = lac_encode_model_weights(r.model);
    LAC_TEST_EQ(lac_encode_cpu_device_open_with(&r.device, r.w, class, forms, &err), LAC_OK);
    LAC_TEST_NEED(r.device);
    r.session = session_of(r.device, 512);
    make_many(m, r.w, r.session);
    for (size_t i = 0; i < 3; i++) {
        lanes[i] = (struct lane){.rig = r, .many = m};
        lanes[i].rig.session = session_of(r.device, 512);
        LAC_TEST_NEED(pthread_create(&threads[i], NULL, run_lane, &lanes[i]) == 0);
    }
    for (size_t i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        LAC_TEST_EQ(lanes[i].wrong, 0);
        lac_encode_cpu.session_close(lanes[i].rig.session);
    }
    free(m);
    close_rig(&r);
}

/* Also with the plain forms, which are the ones that a sanitizer sees through. */
static void lanes_share_a_device(void)
{
    struct lac_encode_cpu_forms best = {lac_encode_cpu_vector(), lac_encode_cpu_int8_at(0)};
    struct lac_encode_cpu_forms plain = {&lac_encode_cpu_vector_plain, &lac_encode_cpu_int8_plain};

    for (size_t c = 0; c < LAC_COUNT(classes); c++)
        if (offered(classes[c])) {
            check_lanes(classes[c], best);
            check_lanes(classes[c], plain);
        }
}

/* A batch that breaks the contract stops the process before it reads or writes anywhere. */
static bool dies(struct lac_encode_session *s, const struct lac_encode_batch *b)
{
    static float out[64 * LAC_ENCODE_WIDTH_MAX];
    int state = 0;
    pid_t pid = fork();

    if (pid == 0) {
        struct lac_err err;
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        _exit(lac_encode_cpu.run(s, b, out, &err) == LAC_OK ? 0 : 1);
    }
    LAC_TEST_NEED(pid > 0 && waitpid(pid, &state, 0) == pid);
    return WIFSIGNALED(state);
}

static void batches_that_break_the_contract_are_not_run(void)
{
    struct rig r = open_rig(generate(&shapes[0], false), LAC_ENCODE_CPU_FP32, 60);
    int32_t ids[80] = {0};
    static const struct {
        const char *what;
        uint32_t starts[3];
        int32_t id;
        bool dies;
    } cases[] = {
        {"a good one", {0, 40, 60}, 49, false},
        {"an id beyond the vocabulary", {0, 1, 2}, 50, true},
        {"a negative id", {0, 1, 2}, -1, true},
        {"a sequence without tokens", {0, 0, 2}, 0, true},
        {"starts that go back", {0, 20, 10}, 0, true},
        {"more than the positions", {0, 41, 42}, 0, true},
        {"more than the session", {0, 40, 61}, 0, true},
        {"a beginning after the first token", {1, 2, 3}, 0, true},
    };

    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        struct lac_encode_batch b = {.ids = ids, .starts = cases[i].starts, .count = 2};
        lac_test_row("%s", cases[i].what);
        ids[1] = cases[i].id;
        LAC_TEST_EQ(dies(r.session, &b), cases[i].dies);
    }
    close_rig(&r);
}

static void an_empty_batch_is_nothing(void)
{
    struct rig r = open_rig(generate(&shapes[0], false), LAC_ENCODE_CPU_FP32, 1);
    uint32_t starts[1] = {0};
    struct lac_encode_batch b = {.starts = starts};
    struct lac_err err;

    LAC_TEST_EQ(lac_encode_cpu.run(r.session, &b, NULL, &err), LAC_OK);
    close_rig(&r);
}

static void classes_of_other_backends_are_refused(void)
{
    struct lac_encode_model *m = generate(&shapes[0], false);
    struct lac_encode_device *d = NULL;
    struct lac_err err;

    LAC_TEST_EQ(lac_encode_cpu.open(&d, lac_encode_model_weights(m), LAC_ENCODE_CUDA_BF16, &err),
                LAC_REJECT);
    LAC_TEST_STR(err.text, "cuda-bf16: not a class of the CPU's encoder");
    CU_ASSERT_PTR_NULL(d);
    lac_encode_model_close(m);
}

static void engine_names_what_bits_depend_on(void)
{
    struct rig r = open_rig(generate(&shapes[0], false), LAC_ENCODE_CPU_FP32, 1);
    const char *name = lac_encode_cpu.engine(r.device);
    char want[64] = "cpu-fp32/";

    lac_encode_cpu_library(want + strlen(want), sizeof want - strlen(want));
    snprintf(want + strlen(want), sizeof want - strlen(want), "/%s/", lac_encode_cpu_isa());
    CU_ASSERT(strncmp(name, want, strlen(want)) == 0);
    LAC_TEST_EQ(strlen(name), strlen(want) + 8);
    close_rig(&r);
}

LAC_TEST_MAIN(encode_cpu, models_of_any_shape_agree_with_the_oracle,
              a_text_has_the_same_bits_in_any_batch, forms_of_our_own_don_t_change_the_result,
              lanes_share_a_device, batches_that_break_the_contract_are_not_run,
              an_empty_batch_is_nothing, classes_of_other_backends_are_refused,
              engine_names_what_bits_depend_on, minilm_agrees_with_the_reference,
              classes_stay_close_to_floats, minilm_has_the_same_bits_in_any_batch)
