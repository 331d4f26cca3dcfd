/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts to vectors to heads. How many of the encoder's layers the vectors should come from is found
 * by trying a few: the one with the least loss on domains held out is kept.
 */
#include "lac_cli_train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_cli_model.h"
#include "lac_encode_model.h"

enum {
    BATCH = 128,  /* texts between two looks at the clock */
    PER_TIER = 5, /* neighbours whose similarity is averaged */
    NEAREST = 15, /* neighbours whose tiers are counted */
    /* How much surer than a text a sentence must be (lac_head_doubts()): so that one in the midst
     * of harmless ones is found, and few texts are blocked for what only sounds odd on its own. */
    DOUBT_PUBLIC = 100,
    DOUBT_INTERNAL = 15,
};

/* ---- the model ---- */

/* Models that have no name are named by their folder. */
static void name_model(struct lac_cli_train *r, const char *model)
{
    struct lac_str s = lac_str_from(model);
    const char *slash;

    while (s.len > 1 && s.ptr[s.len - 1] == '/')
        s.len--;
    slash = s.ptr ? memrchr(s.ptr, '/', s.len) : NULL;
    if (slash && s.len > 1)
        s = lac_str_slice(s, (size_t)(slash + 1 - s.ptr), s.len);
    snprintf(r->name, sizeof(r->name), "%.*s", LAC_STR_FMT(s));
}

/* What pack.yaml calls its model, else the head that is there; null: neither does. */
static struct lac_str model_of_pack(const struct lac_pack *p)
{
    const struct lac_pack_model *named = lac_pack_model(p);
    const struct lac_head *head = lac_pack_head(p);

    return named ? named->name : head ? lac_head_model_name(head) : LAC_STR_NULL;
}

/*
 * The one of --model, else what pack.yaml names, else that of the head which is there, else the
 * configured one. `by`: room for a name or a hash in the store, and the answer when it is taken.
 */
static const char *wanted_model(const struct lac_cli_train *r, char by[2 * LAC_HEAD_HASH_SIZE + 1])
{
    const struct lac_head *head = lac_pack_head(r->pack);
    const struct lac_pack_model *named = lac_pack_model(r->pack);
    const char *configured = lac_conf_text(r->t->conf, "classify.model");
    struct lac_str name = model_of_pack(r->pack);

    if (r->o->model)
        return r->o->model;
    if (!named && !head)
        return *configured ? configured : NULL;
    snprintf(by, 2 * LAC_HEAD_HASH_SIZE + 1, "%.*s", LAC_STR_FMT(name));
    if (name.len > LAC_HEAD_NAME_MAX || !lac_cli_model_known(by))
        lac_hex_encode(by, named ? named->hash : lac_head_model_hash(head), LAC_HEAD_HASH_SIZE);
    return by;
}

/* A pack whose pack.yaml and head differ would be refused by all who open it. */
static int check_named(const struct lac_cli_train *r, const struct lac_semantic_device *device)
{
    const struct lac_pack_model *named = lac_pack_model(r->pack);
    char hex[2 * LAC_HEAD_HASH_SIZE + 1], why[2 * LAC_HEAD_HASH_SIZE + 128];

    if (!named || memcmp(named->hash, lac_semantic_hash(device), LAC_HEAD_HASH_SIZE) == 0)
        return -1;
    lac_hex_encode(hex, lac_semantic_hash(device), LAC_HEAD_HASH_SIZE);
    snprintf(why, sizeof(why), "Change its `model`: {name: %s, hash: %s}", r->name, hex);
    return lac_tool_fail(r->t, LAC_EXIT_USAGE, "pack.yaml names another model than --model", why);
}

static int open_semantic(struct lac_cli_train *r, const char *store)
{
    /* What vectors are made of is the most exact class: others come near it. */
    const struct lac_semantic_options options = {.store = store, .class = LAC_ENCODE_CPU_FP32};
    struct lac_err err;

    if (lac_semantic_open(&r->semantic, &options, &err) != LAC_OK)
        return lac_cli_train_failed(r, &err);
    return -1;
}

static int open_device(struct lac_cli_train *r, const char *model, uint32_t layers,
                       const struct lac_semantic_device **out)
{
    struct lac_err err;

    if (lac_semantic_device_of(r->semantic, model, layers, out, &err) == LAC_OK)
        return -1;
    return lac_cli_train_failed(r, &err);
}

/* ---- vectors ---- */

static void take_window(void *ctx, const struct lac_semantic_window *w)
{
    struct lac_cli_train *r = ctx;
    size_t at = r->first + w->text;
    size_t count = w->tokens < LAC_HEAD_TOKEN_MAX ? w->tokens : LAC_HEAD_TOKEN_MAX;

    if (w->index > 0)
        return;
    r->cut += w->count > 1;
    memcpy(r->vectors + at * r->width, w->vector, r->width * sizeof(float));
    memcpy(r->ids + at * LAC_HEAD_TOKEN_MAX, w->ids, count * sizeof(int32_t));
    r->id_count[at] = (uint32_t)count;
}

static int embed_all(struct lac_cli_train *r, struct lac_semantic_lane *lane)
{
    size_t count = lac_head_data_count(r->data);
    struct lac_str texts[BATCH];
    struct lac_err err;

    r->cut = 0;
    for (r->first = 0; r->first < count; r->first += BATCH) {
        size_t n = count - r->first < BATCH ? count - r->first : BATCH;
        char line[64];

        snprintf(line, sizeof(line), "vectors of %u layers", r->trials[r->trial_count].layers);
        lac_cli_train_step(r, r->first, count, line);
        for (size_t i = 0; i < n; i++)
            texts[i] = lac_head_data_at(r->data, r->first + i)->text;
        if (lac_semantic_encode(lane, texts, n, NULL, take_window, r, &err) != LAC_OK)
            return lac_cli_train_failed(r, &err);
    }
    return -1;
}

static int embed(struct lac_cli_train *r, const struct lac_semantic_device *device)
{
    const struct lac_semantic_lane_options options = {.tokens = 0};
    size_t count = lac_head_data_count(r->data);
    struct lac_semantic_lane *lane = NULL;
    struct lac_err err;
    int status;

    r->width = lac_semantic_width(device);
    if (!r->vectors) {
        r->vectors = calloc(count * r->width, sizeof(*r->vectors));
        r->ids = calloc(count * LAC_HEAD_TOKEN_MAX, sizeof(*r->ids));
        r->id_count = calloc(count, sizeof(*r->id_count));
    }
    if (!r->vectors || !r->ids || !r->id_count)
        return lac_tool_fail(r->t, LAC_EXIT_FAILURE, "no memory for the vectors", NULL);
    if (lac_semantic_lane_open(&lane, device, &options, &err) != LAC_OK)
        return lac_cli_train_failed(r, &err);
    status = embed_all(r, lane);
    lac_semantic_lane_close(lane);
    return status;
}

/* ---- heads ---- */

static bool show_step(void *ctx, uint32_t done, uint32_t total)
{
    struct lac_cli_train *r = ctx;
    char line[64];

    snprintf(line, sizeof(line), "head on %u layers", r->trials[r->trial_count].layers);
    lac_cli_train_step(r, done, total, line);
    return true;
}

static void describe(struct lac_cli_train *r, const struct lac_semantic_device *device,
                     struct lac_head_params *p)
{
    memcpy(p->model, r->name, sizeof(p->model));
    memcpy(p->model_hash, lac_semantic_hash(device), LAC_HEAD_HASH_SIZE);
    memcpy(p->texts_hash, lac_head_data_hash(r->data), LAC_HEAD_HASH_SIZE);
    memcpy(p->data_hash, lac_head_data_hash(r->data), LAC_HEAD_HASH_SIZE);
    p->width = r->width;
    p->per_tier = PER_TIER;
    p->nearest = NEAREST;
    p->seed = r->o->seed;
    p->language = LAC_HEAD_ENGLISH;
    p->doubts[0] = DOUBT_PUBLIC;
    p->doubts[1] = DOUBT_INTERNAL;
}

static int train(struct lac_cli_train *r, const struct lac_semantic_device *device)
{
    const struct lac_decide_policy *policy = lac_pack_policy(r->pack);
    struct lac_cli_train_trial *trial = &r->trials[r->trial_count];
    size_t count = lac_head_data_count(r->data);
    struct lac_head_sample *samples = calloc(count, sizeof(*samples));
    struct lac_head_train_in in = {.samples = samples,
                                   .count = count,
                                   .domains = lac_head_data_domains(r->data),
                                   .step = show_step,
                                   .ctx = r};
    struct lac_err err;
    enum lac_status status;

    if (!samples)
        return lac_tool_fail(r->t, LAC_EXIT_FAILURE, "no memory for the texts", NULL);
    for (size_t i = 0; i < count; i++) {
        const struct lac_head_text *text = lac_head_data_at(r->data, i);

        samples[i] = (struct lac_head_sample){.id = text->id,
                                              .tier = text->tier,
                                              .domain = text->domain,
                                              .vector = r->vectors + i * r->width,
                                              .ids = r->ids + i * LAC_HEAD_TOKEN_MAX,
                                              .id_count = r->id_count[i]};
    }
    memcpy(in.prior, policy->prior, sizeof(in.prior));
    memcpy(in.cost, policy->cost[LAC_STRATEGY_CONSERVATIVE], sizeof(in.cost));
    memcpy(in.bound, r->bound, sizeof(in.bound));
    describe(r, device, &trial->params);
    trial->params.layers = trial->layers;
    lac_buf_init(&trial->vec, LAC_HEAD_VEC_MAX);
    status = lac_head_train(&in, &trial->params, &trial->vec, &trial->report, &err);
    free(samples);
    return status == LAC_OK ? -1 : lac_cli_train_failed(r, &err);
}

/* A third, a half, two thirds and all of them: subjects come last, manner before. */
static size_t list_layers(const struct lac_cli_train *r, uint32_t all,
                          uint32_t out[LAC_CLI_TRAIN_TRIALS])
{
    const uint32_t candidates[LAC_CLI_TRAIN_TRIALS] = {(all + 2) / 3, (all + 1) / 2,
                                                       (2 * all + 2) / 3, all};
    size_t n = 0;

    if (r->o->layers) {
        out[0] = (uint32_t)r->o->layers;
        return 1;
    }
    for (size_t i = 0; i < LAC_CLI_TRAIN_TRIALS; i++)
        if (n == 0 || out[n - 1] < candidates[i])
            out[n++] = candidates[i];
    return n;
}

/* The memory of one that is not the best is given back at once. */
static void compare(struct lac_cli_train *r)
{
    struct lac_cli_train_trial *trial = &r->trials[r->trial_count];
    struct lac_cli_train_trial *worse = trial;

    if (!r->best || trial->report.held_out.loss < r->best->report.held_out.loss) {
        worse = r->best;
        r->best = trial;
    }
    if (!worse)
        return;
    lac_head_params_free(&worse->params);
    lac_buf_deinit(&worse->vec);
    worse->vec = (struct lac_buf){0};
}

int lac_cli_train_fit(struct lac_cli_train *r)
{
    char hex[2 * LAC_HEAD_HASH_SIZE + 1], store[PATH_MAX], path[PATH_MAX];
    const char *model = wanted_model(r, hex);
    const struct lac_semantic_device *device = NULL;
    uint32_t layers[LAC_CLI_TRAIN_TRIALS];
    size_t trials;
    int status = lac_cli_model_store(r->t, store);

    if (status < 0 && !model)
        status = lac_tool_fail(r->t, LAC_EXIT_USAGE, "which encoder to train for is not known",
                               "Give --model; `lacuna model list` shows what there is.");
    if (status < 0)
        status = open_semantic(r, store);
    if (status >= 0)
        return status;
    if (model == hex)
        snprintf(r->name, sizeof(r->name), "%.*s", LAC_STR_FMT(model_of_pack(r->pack)));
    else
        name_model(r, model);
    model = lac_cli_model_where(store, model, path);
    status = open_device(r, model, (uint32_t)r->o->layers, &device);
    if (status < 0)
        status = check_named(r, device);
    if (status >= 0)
        return status;
    trials = list_layers(r, lac_encode_model_weights(lac_semantic_model(device))->layers, layers);
    for (size_t i = 0; i < trials && status < 0; i++) {
        r->trials[r->trial_count].layers = layers[i];
        status = open_device(r, model, layers[i], &device);
        if (status < 0)
            status = embed(r, device);
        if (status < 0)
            status = train(r, device);
        if (status < 0)
            compare(r);
        r->trial_count++;
    }
    lac_progress_clear(&r->progress);
    return status;
}
