/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipe.tier2: Kafka -> lacuna-classify's stage with tier 2 -> two records, exactly-once, against
 * the encoder alone: a thread per core, the same device, the same texts as tokens, calls of the
 * same size. So what is measured is all that is not the encoder: Kafka, decoding, rules, tokenizer,
 * head, decision, records.
 *
 * Checked before anything is timed: each decision of the lanes has the hash that an engine of its
 * own gave, and each vector of the encoder alone the likelihoods in that decision.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_tier2.h"
#include "lac_assert.h"
#include "lac_clock.h"
#include "lac_encode_model.h"
#include "lac_encode_plugin.h"
#include "lac_encode_windows.h"
#include "lac_env.h"
#include "lac_head.h"
#include "lac_semantic_parts.h"

enum {
    RECORDS = 12000, /* at scale 1 */
    WINDOW = LAC_ENCODE_POSITION_MAX,
    CALL_TOKENS = LAC_SEMANTIC_TOKENS_CPU, /* as the lanes */
    CALL_SEQUENCES = LAC_SEMANTIC_SEQUENCES,
    LANES = BENCH_LANES + 1, /* a lane waits for its commits; the cores then have another */
};

struct pipe {
    struct bench_tier2 t; /* first: it is what the lanes get */
    /* The encoder alone. */
    struct lac_encode_model *model;
    struct lac_encode_weights weights;
    const struct lac_encode_backend *backend;
    struct lac_encode_device *device;
    bool check_encoder;
};

/* ---- the encoder alone ---- */

struct encoding {
    struct pipe *p;
    size_t from, to;
    pthread_t thread;
    uint64_t began_ns, ended_ns, cpu_ns;
    bool failed;
};

static void compare(struct pipe *p, size_t from, const float *vectors, size_t n)
{
    const struct lac_head *head = lac_pack_head(p->t.pack);
    struct lac_head_out out;

    for (size_t i = 0; i < n; i++) {
        const struct bench_tier2_item *it = &p->t.items[from + i];

        lac_head_ask(head, vectors + i * p->weights.hidden, it->ids + 1, it->id_count - 2, &out);
        if (!lac_head_language(head, it->text))
            lac_head_foreign(&out);
        (void)atomic_fetch_add(&p->t.checked, 1);
        if (memcmp(out.likelihood, it->likelihood, sizeof(out.likelihood)) != 0)
            (void)atomic_fetch_add(&p->t.wrong, 1);
    }
}

static bool encode_share(struct encoding *e, struct lac_encode_session *s, int32_t *ids,
                         uint32_t *starts, float *vectors)
{
    struct pipe *p = e->p;
    size_t at = e->from;

    while (at < e->to) {
        struct lac_encode_batch batch = {.ids = ids, .starts = starts};
        struct lac_err err;

        starts[0] = 0;
        while (at + batch.count < e->to && batch.count < CALL_SEQUENCES &&
               starts[batch.count] + p->weights.window <= CALL_TOKENS) {
            const struct bench_tier2_item *it = &p->t.items[at + batch.count];

            memcpy(ids + starts[batch.count], it->ids, it->id_count * sizeof(*ids));
            starts[batch.count + 1] = starts[batch.count] + it->id_count;
            batch.count++;
        }
        if (p->backend->run(s, &batch, vectors, &err) != LAC_OK)
            return bench_tier2_say(&p->t, "the encoder", &err);
        if (p->check_encoder)
            compare(p, at, vectors, batch.count);
        at += batch.count;
    }
    return true;
}

static void *encode(void *arg)
{
    struct encoding *e = arg;
    struct lac_encode_session *s = NULL;
    int32_t *ids = calloc(CALL_TOKENS, sizeof(*ids));
    uint32_t *starts = calloc(CALL_SEQUENCES + 1, sizeof(*starts));
    float *vectors = calloc((size_t)CALL_SEQUENCES * e->p->weights.hidden, sizeof(*vectors));
    struct lac_err err;

    e->failed = !ids || !starts || !vectors ||
                e->p->backend->session_open(&s, e->p->device, CALL_TOKENS, CALL_SEQUENCES, false,
                                            &err) != LAC_OK;
    e->began_ns = lac_clock_mono_ns();
    e->cpu_ns = lac_bench_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    if (!e->failed)
        e->failed = !encode_share(e, s, ids, starts, vectors);
    e->cpu_ns = lac_bench_clock_ns(CLOCK_THREAD_CPUTIME_ID) - e->cpu_ns;
    e->ended_ns = lac_clock_mono_ns();
    e->p->backend->session_close(s);
    free(ids);
    free(starts);
    free(vectors);
    return NULL;
}

/* Texts per second while both threads work. */
static double encoder_alone(void *ctx)
{
    struct pipe *p = ctx;
    struct encoding e[BENCH_LANES];
    uint64_t began = 0, ended = UINT64_MAX, cpu = 0;
    double rate = 0;

    for (size_t i = 0; i < BENCH_LANES; i++) {
        e[i] = (struct encoding){
            .p = p, .from = p->t.count * i / BENCH_LANES, .to = p->t.count * (i + 1) / BENCH_LANES};
        (void)pthread_create(&e[i].thread, NULL, encode, &e[i]);
    }
    for (size_t i = 0; i < BENCH_LANES; i++) {
        (void)pthread_join(e[i].thread, NULL);
        if (e[i].failed)
            return -1;
        rate += (double)(e[i].to - e[i].from) * 1e9 / (double)(e[i].ended_ns - e[i].began_ns);
        cpu += e[i].cpu_ns;
        began = e[i].began_ns > began ? e[i].began_ns : began;
        ended = e[i].ended_ns < ended ? e[i].ended_ns : ended;
    }
    if (lac_env("LACUNA_BENCH_VERBOSE")) /* as bench_meter_rate() says it of the lanes */
        fprintf(stderr, "the encoder alone: %.0f texts/s, %.3f us of CPU per text\n", rate,
                (double)cpu / 1e3 / (double)p->t.count);
    /* The lanes were checked in the first run, which is no round; now it is our turn. */
    p->t.check = p->check_encoder = false;
    if (atomic_load(&p->t.wrong) > 0 || ended <= began) {
        fprintf(stderr, "pipe.tier2: %zu of %zu answers are wrong\n", atomic_load(&p->t.wrong),
                atomic_load(&p->t.checked));
        return -1;
    }
    return rate;
}

/* ---- setting up ---- */

static bool make_ids(struct pipe *p)
{
    static int32_t text[WINDOW];
    static struct lac_encode_span spans[WINDOW];
    static uint32_t ends[WINDOW / LAC_SEMANTIC_PART_LEAST + 1];
    struct lac_encode_tokenizer *t = NULL;
    struct lac_encode_words *words = NULL;
    struct lac_err err;
    size_t kept = 0;
    bool ok = lac_encode_tokenizer_open(&t, p->t.model, &err) == LAC_OK &&
              lac_encode_words_new(&words, t, LAC_ENCODE_WORDS_DEFAULT, &err) == LAC_OK;

    if (!ok)
        (void)bench_tier2_say(&p->t, "the tokenizer", &err);
    for (size_t i = 0; ok && i < p->t.count; i++) {
        struct bench_tier2_item *it = &p->t.items[i];
        size_t n = lac_encode_tokenize(words, it->text, text, spans, WINDOW);
        struct lac_encode_windows w = lac_encode_windows_of(
            n, p->weights.window, 0, lac_encode_windows_overlap(p->weights.window, 0), 64);

        if (w.count > 1 || lac_semantic_parts(it->text, spans, n, ends) > 0)
            continue; /* one sequence each: no windows, no sentences */
        it->ids = lac_arena_alloc(&p->t.memory, (n + 2) * sizeof(*it->ids));
        LAC_ASSERT(it->ids);
        it->id_count = (uint32_t)lac_encode_windows_put(&w, 0, t, NULL, 0, text, it->ids);
        p->t.items[kept++] = *it;
    }
    p->t.count = kept;
    lac_encode_words_free(words);
    lac_encode_tokenizer_close(t);
    return ok;
}

static bool open_encoder(struct pipe *p)
{
    enum lac_encode_class class;
    struct lac_err err;

    if (lac_encode_model_open(&p->model, p->t.model, &err) != LAC_OK)
        return bench_tier2_say(&p->t, "the model", &err);
    p->weights = *lac_encode_model_weights(p->model);
    p->weights.layers = lac_head_layers(lac_pack_head(p->t.pack));
    if (lac_encode_model_prefix(p->model, true).len > 0) {
        fprintf(stderr, "pipe.tier2: a model with a prefix\n");
        return false;
    }
    if (lac_encode_backend_best(&p->backend, &class, NULL, &err) != LAC_OK ||
        p->backend->open(&p->device, &p->weights, class, &err) != LAC_OK)
        return bench_tier2_say(&p->t, "the encoder", &err);
    fprintf(stderr, "pipe.tier2: %zu texts, %s, %u layers\n", p->t.count,
            p->backend->engine(p->device), p->weights.layers);
    return true;
}

static void close_pipe(struct pipe *p)
{
    if (p->device)
        p->backend->close(p->device);
    lac_encode_model_close(p->model);
    bench_tier2_close(&p->t);
    free(p);
}

static int run(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    struct pipe *p = calloc(1, sizeof(*p));
    const struct bench_lane_work work = {.value = bench_tier2_value,
                                         .stage = bench_tier2_stage,
                                         .ctx = p,
                                         .records = RECORDS,
                                         .lanes = LANES};
    int result = -1;

    if (!p)
        return -1;
    p->check_encoder = true;
    if (bench_tier2_open(&p->t, self->name, (size_t)(RECORDS * o->scale)) && open_encoder(p) &&
        make_ids(p))
        result = bench_lane_against(self->name, &work, "the encoder alone", encoder_alone, o);
    if (result == 0 && atomic_load(&p->t.checked) < p->t.count) {
        fprintf(stderr, "pipe.tier2: only %zu answers were compared\n", atomic_load(&p->t.checked));
        result = -1;
    }
    close_pipe(p);
    return result;
}

LAC_BENCH_CASES({"pipe.tier2", "brokers", run});
