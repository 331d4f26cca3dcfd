/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_tier2.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_env.h"
#include "lac_file.h"
#include "lac_head.h"
#include "lac_json.h"

enum {
    TEXTS_MAX = 8192,
    FILE_BYTES = 4 << 20,
    STEP = 256, /* requests of one call of the engine that is asked before */
};

bool bench_tier2_say(const struct bench_tier2 *t, const char *what, const struct lac_err *err)
{
    fprintf(stderr, "%s: %s: %s\n", t->name, what, err->text);
    return false;
}

/* ---- texts ---- */

static struct lac_str keep(struct bench_tier2 *t, const char *text, size_t len)
{
    char *copy = lac_arena_alloc(&t->memory, len + 1);

    LAC_ASSERT(copy); /* the arena is as large as all texts need */
    memcpy(copy, text, len);
    return (struct lac_str){copy, len};
}

static void read_lines(struct bench_tier2 *t, struct lac_str lines)
{
    while (lines.len > 0 && t->text_count < TEXTS_MAX) {
        const char *end = memchr(lines.ptr, '\n', lines.len);
        size_t len = end ? (size_t)(end - lines.ptr) : lines.len;
        struct lac_json *doc = NULL;
        struct lac_err err;

        if (lac_json_parse(&doc, (struct lac_str){lines.ptr, len}, &err) == LAC_OK) {
            struct lac_str text = lac_json_string(lac_json_get(doc, "text"));

            t->texts[t->text_count++] = keep(t, text.ptr, text.len);
        }
        lac_json_free(doc);
        len += end != NULL;
        lines.ptr += len;
        lines.len -= len;
    }
}

static bool read_texts(struct bench_tier2 *t)
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
            read_lines(t, lac_buf_str(&b));
        lac_buf_deinit(&b);
        free(names[i]);
    }
    free(names);
    if (t->text_count == 0)
        fprintf(stderr, "%s: no texts below packs/starter: run it in the source tree\n", t->name);
    return t->text_count > 0;
}

/* {"text": "... 17"} */
static void make_item(struct bench_tier2 *t, struct bench_tier2_item *it, struct lac_str text,
                      size_t number)
{
    struct lac_json_writer w;
    struct lac_buf b;
    char tail[24];

    lac_buf_init(&b, FILE_BYTES);
    lac_buf_put_str(&b, text);
    lac_buf_put(&b, tail, (size_t)snprintf(tail, sizeof(tail), " %zu", number));
    it->text = keep(t, b.ptr, b.len);
    b.len = 0;
    lac_json_begin(&w, &b);
    lac_json_open_object(&w);
    lac_json_key(&w, "text");
    lac_json_put_str(&w, it->text);
    lac_json_close_object(&w);
    LAC_ASSERT(lac_json_done(&w));
    it->raw = keep(t, b.ptr, b.len);
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
static bool ask(struct bench_tier2 *t, struct lac_engine *e, struct lac_arena *a, size_t from,
                size_t n)
{
    static struct lac_request requests[STEP];
    static struct lac_engine_in in[STEP];
    static struct lac_engine_out out[STEP];
    struct lac_err err;

    lac_arena_reset(a);
    for (size_t i = 0; i < n; i++) {
        lac_request_init(&requests[i]);
        requests[i].text = t->items[from + i].text;
        requests[i].tenant = LAC_STR("default");
        in[i] = (struct lac_engine_in){.request = &requests[i], .raw = t->items[from + i].raw};
    }
    if (lac_engine_run(e, t->pack, in, n, a, out, &err) != LAC_OK)
        return bench_tier2_say(t, "the engine", &err);
    for (size_t i = 0; i < n; i++) {
        const struct lac_opinion *o = spoken(&out[i].core);
        struct bench_tier2_item it = t->items[from + i];

        if (!o)
            continue;
        it.hash = out[i].decision_hash;
        it.likelihood[0] = (uint32_t)o->likelihoods.public;
        it.likelihood[1] = (uint32_t)o->likelihoods.internal;
        it.likelihood[2] = (uint32_t)o->likelihoods.proprietary;
        t->items[t->count++] = it;
    }
    return true;
}

static bool ask_all(struct bench_tier2 *t, size_t wanted)
{
    struct lac_engine *e = NULL;
    struct lac_arena a = {0};
    struct lac_err err;
    bool ok = true;

    t->items = calloc(wanted + STEP, sizeof(*t->items));
    if (!t->items || lac_engine_open(&e, &t->engine, &err) != LAC_OK ||
        lac_arena_init(&a, 64 << 20, &err) != LAC_OK)
        ok = false;
    for (size_t number = 0; ok && t->count < wanted;) {
        size_t from = t->count;

        for (size_t i = 0; i < STEP; i++, number++)
            make_item(t, &t->items[from + i], t->texts[number % t->text_count], number);
        ok = ask(t, e, &a, from, STEP);
        if (ok && number > 4 * wanted) {
            fprintf(stderr, "%s: tier 2 speaks about too few of the texts\n", t->name);
            ok = false;
        }
    }
    t->count = t->count < wanted ? t->count : wanted;
    lac_arena_deinit(&a);
    lac_engine_close(e);
    return ok;
}

/* ---- the lanes ---- */

struct lac_str bench_tier2_value(void *ctx, uint64_t i)
{
    const struct bench_tier2 *t = ctx;

    return t->items[i % t->count].raw;
}

static bool is_right(const struct bench_tier2 *t, const struct lac_kafka_msg *m,
                     const struct lac_kafka_record *lineage)
{
    struct lac_str number = lac_str_slice(m->key, sizeof("key-") - 1, m->key.len);
    uint64_t i;

    /* The hash stands in the record as it is; what framing surrounds it doesn't matter. */
    return lac_str_to_u64(number, &i) &&
           memmem(lineage->value.ptr, lineage->value.len, &t->items[i % t->count].hash,
                  sizeof(struct lac_hash256)) != NULL;
}

enum lac_status bench_tier2_stage(void *ctx, size_t lane, struct lac_batch *b, struct lac_err *err)
{
    struct bench_tier2 *t = ctx;
    struct lac_stage inner = lac_classify_stage(t->lanes[lane]);
    size_t mark = b->record_count, at = 0;
    enum lac_status status = inner.run(inner.ctx, b, err);

    if (status != LAC_OK || !t->check)
        return status;
    for (size_t i = mark; i < b->record_count; i++) {
        bool lineage = b->records[i].topic == LAC_CLASSIFY_LINEAGE;

        (void)atomic_fetch_add(&t->bytes[lineage], b->records[i].record.value.len);
        if (!lineage)
            continue;
        (void)atomic_fetch_add(&t->checked, 1);
        if (at >= b->count || !is_right(t, &b->msgs[at++], &b->records[i].record))
            (void)atomic_fetch_add(&t->wrong, 1);
    }
    if (at != b->count)
        (void)atomic_fetch_add(&t->wrong, b->count - at);
    return LAC_OK;
}

/* ---- setting up ---- */

static void find_model(struct bench_tier2 *t)
{
    const char *given = lac_env("LACUNA_TEST_MODEL"), *cache = lac_env("LACUNA_CACHE");
    const char *home = lac_env("HOME");

    if (given)
        snprintf(t->model, PATH_MAX, "%s", given);
    else if (cache)
        snprintf(t->model, PATH_MAX, "%s/hf/all-minilm-l6-v2", cache);
    else
        snprintf(t->model, PATH_MAX, "%s/.cache/lacuna/hf/all-minilm-l6-v2", home ? home : "/root");
}

const char *bench_tier2_pack(void)
{
    const char *given = lac_env("LACUNA_BENCH_PACK");

    return given ? given : LAC_BENCH_SOURCE "/packs/builtin";
}

static bool open_lanes(struct bench_tier2 *t)
{
    struct lac_err err;

    t->shared = (struct lac_classify){.pack = t->pack,
                                      .origin = LAC_STR("bench"),
                                      .instance = LAC_STR("bench"),
                                      .version = LAC_STR("0"),
                                      .topic_prefix = "lacuna."};
    if (lac_classify_init(&t->shared, &err) != LAC_OK)
        return bench_tier2_say(t, "the stage", &err);
    for (size_t i = 0; i < BENCH_LANES_MAX; i++) {
        const struct lac_classify_lane_options o = {.shared = &t->shared,
                                                    .engine = t->engine,
                                                    .input = LAC_TOPIC_REQUESTS,
                                                    .batch_count = 512};

        if (lac_classify_lane_open(&t->lanes[i], &o, &err) != LAC_OK)
            return bench_tier2_say(t, "the stage", &err);
    }
    return true;
}

bool bench_tier2_open(struct bench_tier2 *t, const char *name, size_t wanted)
{
    struct lac_semantic_options o = {
        .store = "/nonexistent", .model = t->model, .auto_class = true};
    struct lac_err err;

    t->name = name;
    t->check = true;
    find_model(t);
    t->texts = calloc(TEXTS_MAX, sizeof(*t->texts));
    if (!t->texts || lac_arena_init(&t->memory, 256 << 20, &err) != LAC_OK)
        return false;
    if (lac_pack_open(&t->pack, lac_env("LACUNA_BENCH_PACK"), &err) != LAC_OK)
        return bench_tier2_say(t, "the pack", &err);
    if (!lac_pack_head(t->pack)) {
        fprintf(stderr, "%s: the pack has no tier 2\n", name);
        return false;
    }
    if (lac_semantic_open(&t->semantic, &o, &err) != LAC_OK)
        return bench_tier2_say(t, "the model", &err);
    t->engine = (struct lac_engine_options){
        .strategy = LAC_STRATEGY_BALANCED,
        .commitment_key = LAC_STR("a key of the benchmark"),
        .commitment_key_id = LAC_STR("bench"),
        .semantic = t->semantic,
    };
    return read_texts(t) && ask_all(t, wanted) && open_lanes(t);
}

void bench_tier2_close(struct bench_tier2 *t)
{
    for (size_t i = 0; i < BENCH_LANES_MAX; i++)
        lac_classify_lane_close(t->lanes[i]);
    lac_semantic_close(t->semantic);
    lac_pack_close(t->pack);
    lac_arena_deinit(&t->memory);
    free(t->items);
    free(t->texts);
}
