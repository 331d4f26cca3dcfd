/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipe.tier2: Kafka -> lacuna-classify's stage with tier 2 -> two records, exactly-once, against
 * the encoder alone: as many threads, the same device, the same texts as tokens, calls of the same
 * size. So what is measured is all that is not the encoder: Kafka, decoding, rules, tokenizer,
 * head, decision, records.
 *
 * Checked before anything is timed: each decision of the lanes has the hash that an engine of its
 * own gave, and each vector of the encoder alone the likelihoods in that decision.
 *
 * Texts are those of packs/starter that rules leave open, each with a number behind it: no two are
 * equal. The pack is the built-in one, or the folder LACUNA_BENCH_PACK; the model MiniLM as the
 * tests find it.
 */
#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_lane.h"
#include "lac_arena.h"
#include "lac_assert.h"
#include "lac_classify.h"
#include "lac_clock.h"
#include "lac_encode_model.h"
#include "lac_encode_plugin.h"
#include "lac_encode_windows.h"
#include "lac_engine.h"
#include "lac_file.h"
#include "lac_head.h"
#include "lac_json.h"
#include "lac_semantic.h"

enum {
    RECORDS = 12000, /* at scale 1 */
    TEXTS_MAX = 8192,
    FILE_BYTES = 4 << 20,
    STEP = 256, /* requests of one call of the engine that is asked before */
    WINDOW = LAC_ENCODE_POSITION_MAX,
    CALL_TOKENS = LAC_SEMANTIC_TOKENS_CPU, /* as the lanes */
    CALL_SEQUENCES = LAC_SEMANTIC_SEQUENCES,
};

/* One record of the input with what is right. */
struct item {
    struct lac_str raw, text; /* in the arena */
    struct lac_hash256 hash;
    uint32_t likelihood[LAC_TIER_COUNT];
    int32_t *ids; /* one sequence, in the arena */
    uint32_t id_count;
};

struct pipe {
    struct lac_pack *pack;
    struct lac_semantic *semantic;
    struct lac_engine_options engine;
    struct lac_classify shared;
    struct lac_classify_lane *lanes[BENCH_LANES];
    struct lac_arena memory;
    struct lac_str *texts;
    size_t text_count;
    struct item *items;
    size_t count;
    /* The encoder alone. */
    struct lac_encode_model *model;
    struct lac_encode_weights weights;
    const struct lac_encode_backend *backend;
    struct lac_encode_device *device;
    bool check_lanes, check_encoder;
    atomic_size_t checked, wrong;
};

static bool say(const char *what, const struct lac_err *err)
{
    fprintf(stderr, "pipe.tier2: %s: %s\n", what, err->text);
    return false;
}

/* ---- texts ---- */

static struct lac_str keep(struct pipe *p, const char *text, size_t len)
{
    char *copy = lac_arena_alloc(&p->memory, len + 1);

    LAC_ASSERT(copy); /* the arena is as large as all texts need */
    memcpy(copy, text, len);
    return (struct lac_str){copy, len};
}

static void read_lines(struct pipe *p, struct lac_str lines)
{
    while (lines.len > 0 && p->text_count < TEXTS_MAX) {
        const char *end = memchr(lines.ptr, '\n', lines.len);
        size_t len = end ? (size_t)(end - lines.ptr) : lines.len;
        struct lac_json *doc = NULL;
        struct lac_err err;

        if (lac_json_parse(&doc, (struct lac_str){lines.ptr, len}, &err) == LAC_OK) {
            struct lac_str text = lac_json_string(lac_json_get(doc, "text"));

            p->texts[p->text_count++] = keep(p, text.ptr, text.len);
        }
        lac_json_free(doc);
        len += end != NULL;
        lines.ptr += len;
        lines.len -= len;
    }
}

static bool read_texts(struct pipe *p)
{
    struct dirent **names = NULL;
    int n = scandir("packs/starter", &names, NULL, alphasort);
    struct lac_err err = {0};

    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];
        struct lac_buf b;

        lac_buf_init(&b, FILE_BYTES);
        snprintf(path, sizeof(path), "packs/starter/%s", names[i]->d_name);
        if (strstr(path, ".jsonl") && lac_file_read(path, &b, &err) == LAC_OK)
            read_lines(p, lac_buf_str(&b));
        lac_buf_deinit(&b);
        free(names[i]);
    }
    free(names);
    if (p->text_count == 0)
        fprintf(stderr, "pipe.tier2: no texts below packs/starter: run it in the source tree\n");
    return p->text_count > 0;
}

/* {"text": "... 17"} */
static void make_item(struct pipe *p, struct item *it, struct lac_str text, size_t number)
{
    struct lac_json_writer w;
    struct lac_buf b;
    char tail[24];

    lac_buf_init(&b, FILE_BYTES);
    lac_buf_put_str(&b, text);
    lac_buf_put(&b, tail, (size_t)snprintf(tail, sizeof(tail), " %zu", number));
    it->text = keep(p, b.ptr, b.len);
    b.len = 0;
    lac_json_begin(&w, &b);
    lac_json_open_object(&w);
    lac_json_key(&w, "text");
    lac_json_put_str(&w, it->text);
    lac_json_close_object(&w);
    LAC_ASSERT(lac_json_done(&w));
    it->raw = keep(p, b.ptr, b.len);
    lac_buf_deinit(&b);
}

/* ---- what is right ---- */

static const struct lac_opinion *spoken(const struct lac_decision_core *core)
{
    for (size_t i = 0; i < core->opinions_count; i++)
        if (lac_str_is(core->opinions[i].layer, "semantic"))
            return &core->opinions[i];
    return NULL;
}

/* Asks an engine about items [from, from + n) and moves those that tier 2 decided to the front. */
static bool ask(struct pipe *p, struct lac_engine *e, struct lac_arena *a, size_t from, size_t n)
{
    static struct lac_request requests[STEP];
    static struct lac_engine_in in[STEP];
    static struct lac_engine_out out[STEP];
    struct lac_err err;

    lac_arena_reset(a);
    for (size_t i = 0; i < n; i++) {
        lac_request_init(&requests[i]);
        requests[i].text = p->items[from + i].text;
        requests[i].tenant = LAC_STR("default");
        in[i] = (struct lac_engine_in){.request = &requests[i], .raw = p->items[from + i].raw};
    }
    if (lac_engine_run(e, p->pack, in, n, a, out, &err) != LAC_OK)
        return say("the engine", &err);
    for (size_t i = 0; i < n; i++) {
        const struct lac_opinion *o = spoken(&out[i].core);
        struct item it = p->items[from + i];

        if (!o)
            continue;
        it.hash = out[i].decision_hash;
        it.likelihood[0] = (uint32_t)o->likelihoods.public;
        it.likelihood[1] = (uint32_t)o->likelihoods.internal;
        it.likelihood[2] = (uint32_t)o->likelihoods.proprietary;
        p->items[p->count++] = it;
    }
    return true;
}

static bool ask_all(struct pipe *p, size_t wanted)
{
    struct lac_engine *e = NULL;
    struct lac_arena a = {0};
    struct lac_err err;
    bool ok = true;

    p->items = calloc(wanted + STEP, sizeof(*p->items));
    if (!p->items || lac_engine_open(&e, &p->engine, &err) != LAC_OK ||
        lac_arena_init(&a, 64 << 20, &err) != LAC_OK)
        ok = false;
    for (size_t number = 0; ok && p->count < wanted;) {
        size_t from = p->count;

        for (size_t i = 0; i < STEP; i++, number++)
            make_item(p, &p->items[from + i], p->texts[number % p->text_count], number);
        ok = ask(p, e, &a, from, STEP);
        if (ok && number > 4 * wanted) {
            fprintf(stderr, "pipe.tier2: tier 2 speaks about too few of the texts\n");
            ok = false;
        }
    }
    p->count = p->count < wanted ? p->count : wanted;
    lac_arena_deinit(&a);
    lac_engine_close(e);
    return ok;
}

/* ---- the lanes ---- */

static struct lac_str value(void *ctx, uint64_t i)
{
    const struct pipe *p = ctx;

    return p->items[i % p->count].raw;
}

static bool is_right(const struct pipe *p, const struct lac_kafka_msg *m,
                     const struct lac_kafka_record *lineage)
{
    struct lac_str number = lac_str_slice(m->key, sizeof("key-") - 1, m->key.len);
    uint64_t i;

    /* The hash stands in the record as it is; what framing surrounds it doesn't matter. */
    return lac_str_to_u64(number, &i) &&
           memmem(lineage->value.ptr, lineage->value.len, &p->items[i % p->count].hash,
                  sizeof(struct lac_hash256)) != NULL;
}

static enum lac_status stage(void *ctx, size_t lane, struct lac_batch *b, struct lac_err *err)
{
    struct pipe *p = ctx;
    struct lac_stage inner = lac_classify_stage(p->lanes[lane]);
    size_t mark = b->record_count, at = 0;
    enum lac_status status = inner.run(inner.ctx, b, err);

    if (status != LAC_OK || !p->check_lanes)
        return status;
    for (size_t i = mark; i < b->record_count; i++) {
        if (b->records[i].topic != LAC_CLASSIFY_LINEAGE)
            continue;
        (void)atomic_fetch_add(&p->checked, 1);
        if (at >= b->count || !is_right(p, &b->msgs[at++], &b->records[i].record))
            (void)atomic_fetch_add(&p->wrong, 1);
    }
    if (at != b->count)
        (void)atomic_fetch_add(&p->wrong, b->count - at);
    return LAC_OK;
}

/* ---- the encoder alone ---- */

struct encoding {
    struct pipe *p;
    size_t from, to;
    pthread_t thread;
    uint64_t began_ns, ended_ns;
    bool failed;
};

static void compare(struct pipe *p, size_t from, const float *vectors, size_t n)
{
    const struct lac_head *head = lac_pack_head(p->pack);
    struct lac_head_out out;

    for (size_t i = 0; i < n; i++) {
        const struct item *it = &p->items[from + i];

        lac_head_ask(head, vectors + i * p->weights.hidden, it->ids + 1, it->id_count - 2, &out);
        if (!lac_head_language(head, it->text))
            lac_head_foreign(&out);
        (void)atomic_fetch_add(&p->checked, 1);
        if (memcmp(out.likelihood, it->likelihood, sizeof(out.likelihood)) != 0)
            (void)atomic_fetch_add(&p->wrong, 1);
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
            const struct item *it = &p->items[at + batch.count];

            memcpy(ids + starts[batch.count], it->ids, it->id_count * sizeof(*ids));
            starts[batch.count + 1] = starts[batch.count] + it->id_count;
            batch.count++;
        }
        if (p->backend->run(s, &batch, vectors, &err) != LAC_OK)
            return say("the encoder", &err);
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
    if (!e->failed)
        e->failed = !encode_share(e, s, ids, starts, vectors);
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
    uint64_t began = 0, ended = UINT64_MAX;
    double rate = 0;

    for (size_t i = 0; i < BENCH_LANES; i++) {
        e[i] = (struct encoding){
            .p = p, .from = p->count * i / BENCH_LANES, .to = p->count * (i + 1) / BENCH_LANES};
        (void)pthread_create(&e[i].thread, NULL, encode, &e[i]);
    }
    for (size_t i = 0; i < BENCH_LANES; i++) {
        (void)pthread_join(e[i].thread, NULL);
        if (e[i].failed)
            return -1;
        rate += (double)(e[i].to - e[i].from) * 1e9 / (double)(e[i].ended_ns - e[i].began_ns);
        began = e[i].began_ns > began ? e[i].began_ns : began;
        ended = e[i].ended_ns < ended ? e[i].ended_ns : ended;
    }
    /* The lanes were checked in the first run, which is no round; now it is our turn. */
    p->check_lanes = p->check_encoder = false;
    if (atomic_load(&p->wrong) > 0 || ended <= began) {
        fprintf(stderr, "pipe.tier2: %zu of %zu answers are wrong\n", atomic_load(&p->wrong),
                atomic_load(&p->checked));
        return -1;
    }
    return rate;
}

/* ---- setting up ---- */

static bool make_ids(struct pipe *p, const char *folder)
{
    static int32_t text[WINDOW];
    struct lac_encode_tokenizer *t = NULL;
    struct lac_encode_words *words = NULL;
    struct lac_err err;
    size_t kept = 0;
    bool ok = lac_encode_tokenizer_open(&t, folder, &err) == LAC_OK &&
              lac_encode_words_new(&words, t, LAC_ENCODE_WORDS_DEFAULT, &err) == LAC_OK;

    if (!ok)
        (void)say("the tokenizer", &err);
    for (size_t i = 0; ok && i < p->count; i++) {
        struct item *it = &p->items[i];
        size_t n = lac_encode_tokenize(words, it->text, text, NULL, WINDOW);
        struct lac_encode_windows w = lac_encode_windows_of(
            n, p->weights.window, 0, lac_encode_windows_overlap(p->weights.window, 0), 64);

        if (w.count > 1)
            continue; /* one sequence each */
        it->ids = lac_arena_alloc(&p->memory, (n + 2) * sizeof(*it->ids));
        LAC_ASSERT(it->ids);
        it->id_count = (uint32_t)lac_encode_windows_put(&w, 0, t, NULL, 0, text, it->ids);
        p->items[kept++] = *it;
    }
    p->count = kept;
    lac_encode_words_free(words);
    lac_encode_tokenizer_close(t);
    return ok;
}

static bool open_encoder(struct pipe *p, const char *folder)
{
    enum lac_encode_class class;
    struct lac_err err;

    if (lac_encode_model_open(&p->model, folder, &err) != LAC_OK)
        return say("the model", &err);
    p->weights = *lac_encode_model_weights(p->model);
    p->weights.layers = lac_head_layers(lac_pack_head(p->pack));
    if (lac_encode_model_prefix(p->model, true).len > 0) {
        fprintf(stderr, "pipe.tier2: a model with a prefix\n");
        return false;
    }
    if (lac_encode_backend_best(&p->backend, &class, NULL, &err) != LAC_OK ||
        p->backend->open(&p->device, &p->weights, class, &err) != LAC_OK)
        return say("the encoder", &err);
    fprintf(stderr, "pipe.tier2: %zu texts, %s, %u layers\n", p->count,
            p->backend->engine(p->device), p->weights.layers);
    return true;
}

static void find_model(char out[PATH_MAX])
{
    const char *given = getenv("LACUNA_TEST_MODEL"), *cache = getenv("LACUNA_CACHE");
    const char *home = getenv("HOME");

    if (given)
        snprintf(out, PATH_MAX, "%s", given);
    else if (cache)
        snprintf(out, PATH_MAX, "%s/hf/all-minilm-l6-v2", cache);
    else
        snprintf(out, PATH_MAX, "%s/.cache/lacuna/hf/all-minilm-l6-v2", home ? home : "/root");
}

static bool open_lanes(struct pipe *p)
{
    struct lac_err err;

    p->shared = (struct lac_classify){.pack = p->pack,
                                      .origin = LAC_STR("bench"),
                                      .instance = LAC_STR("bench"),
                                      .version = LAC_STR("0"),
                                      .topic_prefix = "lacuna."};
    if (lac_classify_init(&p->shared, &err) != LAC_OK)
        return say("the stage", &err);
    for (size_t i = 0; i < BENCH_LANES; i++) {
        const struct lac_classify_lane_options o = {.shared = &p->shared,
                                                    .engine = p->engine,
                                                    .input = LAC_TOPIC_REQUESTS,
                                                    .batch_count = 512};

        if (lac_classify_lane_open(&p->lanes[i], &o, &err) != LAC_OK)
            return say("the stage", &err);
    }
    return true;
}

static bool open_pipe(struct pipe *p, size_t wanted)
{
    char folder[PATH_MAX];
    struct lac_semantic_options o = {.store = "/nonexistent", .model = folder, .auto_class = true};
    struct lac_err err;

    find_model(folder);
    p->texts = calloc(TEXTS_MAX, sizeof(*p->texts));
    if (!p->texts || lac_arena_init(&p->memory, 256 << 20, &err) != LAC_OK)
        return false;
    if (lac_pack_open(&p->pack, getenv("LACUNA_BENCH_PACK"), &err) != LAC_OK)
        return say("the pack", &err);
    if (!lac_pack_head(p->pack)) {
        fprintf(stderr, "pipe.tier2: the pack has no tier 2\n");
        return false;
    }
    if (lac_semantic_open(&p->semantic, &o, &err) != LAC_OK)
        return say("the model", &err);
    p->engine = (struct lac_engine_options){
        .strategy = LAC_STRATEGY_BALANCED,
        .commitment_key = LAC_STR("a key of the benchmark"),
        .commitment_key_id = LAC_STR("bench"),
        .semantic = p->semantic,
    };
    return read_texts(p) && ask_all(p, wanted) && open_encoder(p, folder) && make_ids(p, folder) &&
           open_lanes(p);
}

static void close_pipe(struct pipe *p)
{
    for (size_t i = 0; i < BENCH_LANES; i++)
        lac_classify_lane_close(p->lanes[i]);
    if (p->device)
        p->backend->close(p->device);
    lac_encode_model_close(p->model);
    lac_semantic_close(p->semantic);
    lac_pack_close(p->pack);
    lac_arena_deinit(&p->memory);
    free(p->items);
    free(p->texts);
    free(p);
}

static int run(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    struct pipe *p = calloc(1, sizeof(*p));
    const struct bench_lane_work work = {
        .value = value, .stage = stage, .ctx = p, .records = RECORDS};
    int result = -1;

    if (!p)
        return -1;
    p->check_lanes = p->check_encoder = true;
    if (open_pipe(p, (size_t)(RECORDS * o->scale)))
        result = bench_lane_against(self->name, &work, "the encoder alone", encoder_alone, o);
    if (result == 0 && atomic_load(&p->checked) < p->count) {
        fprintf(stderr, "pipe.tier2: only %zu answers were compared\n", atomic_load(&p->checked));
        result = -1;
    }
    close_pipe(p);
    return result;
}

LAC_BENCH_CASES({"pipe.tier2", "brokers", run});
