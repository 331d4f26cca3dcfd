/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encode.labels.*: no speed: on how many of the starter and evaluation texts and their sentences
 * (more than 10,000) the head's likeliest tier is the same with a class of arithmetic as with fp32.
 * The head is that of the built-in pack, or of the folder LACUNA_BENCH_PACK.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench_encode_texts.h"
#include "lac_bench.h"
#include "lac_encode_model.h"
#include "lac_env.h"
#include "lac_head.h"
#include "lac_pack.h"

/* Shares of equal labels that a class must have. */
#define EQUAL8  0.995
#define EQUAL16 0.998

struct side {
    struct lac_encode_device *device;
    struct lac_encode_session *session;
    float vector[LAC_ENCODE_WIDTH_MAX];
    struct lac_head_out out;
};

struct labels {
    struct bench_texts texts;
    struct lac_pack *pack;
    struct lac_encode_model *model;
    struct lac_encode_weights weights; /* as many layers as the head wants */
    struct side ours, floats;
    int32_t ids[LAC_ENCODE_POSITION_MAX];
};

static bool side_open(struct labels *l, struct side *s, enum lac_encode_class class,
                      struct lac_err *err)
{
    return lac_encode_cpu.open(&s->device, &l->weights, class, err) == LAC_OK &&
           lac_encode_cpu.session_open(&s->session, s->device, LAC_ENCODE_POSITION_MAX, 1, false,
                                       err) == LAC_OK;
}

static void side_close(struct side *s)
{
    lac_encode_cpu.session_close(s->session);
    lac_encode_cpu.close(s->device);
}

static bool labels_open(struct labels *l, enum lac_encode_class class, struct lac_err *err)
{
    char folder[BENCH_FOLDER];

    bench_encode_folder(folder);
    if (lac_pack_open(&l->pack, lac_env("LACUNA_BENCH_PACK"), err) != LAC_OK ||
        lac_encode_model_open(&l->model, folder, err) != LAC_OK)
        return false;
    l->weights = *lac_encode_model_weights(l->model);
    if (!lac_pack_head(l->pack) || lac_head_layers(lac_pack_head(l->pack)) > l->weights.layers) {
        (void)lac_err_set(err, LAC_REJECT, 0, "the pack has no head for this model");
        return false;
    }
    l->weights.layers = lac_head_layers(lac_pack_head(l->pack));
    return bench_texts_open(&l->texts, folder) && side_open(l, &l->ours, class, err) &&
           side_open(l, &l->floats, LAC_ENCODE_CPU_FP32, err);
}

static void labels_close(struct labels *l)
{
    side_close(&l->ours);
    side_close(&l->floats);
    bench_texts_close(&l->texts);
    lac_encode_model_close(l->model);
    lac_pack_close(l->pack);
    free(l);
}

/* The head's likeliest tier, the stricter of equal ones; -1: the encoder failed. */
static int label(struct labels *l, struct side *s, size_t length, struct lac_err *err)
{
    const uint32_t starts[2] = {0, (uint32_t)length};
    const struct lac_encode_batch batch = {.ids = l->ids, .starts = starts, .count = 1};
    int tier = 0;

    if (lac_encode_cpu.run(s->session, &batch, s->vector, err) != LAC_OK)
        return -1;
    lac_head_ask(lac_pack_head(l->pack), s->vector, l->ids + 1, length - 2, &s->out);
    for (int t = 1; t < LAC_TIER_COUNT; t++)
        if (s->out.likelihood[t] >= s->out.likelihood[tier])
            tier = t;
    return tier;
}

static int run(const struct lac_bench_case *self, const struct lac_bench_options *o,
               enum lac_encode_class class, double bound)
{
    struct labels *l;
    struct lac_err err = {.text = ""};
    size_t count = 0, equal = 0, wanted;
    double share, one = 1;
    bool ok;

    if (lac_encode_cpu.probe(class, &err) != LAC_OK) {
        fprintf(stderr, "%s: %s\n", self->name, err.text);
        return 0; /* this machine has no such class */
    }
    l = calloc(1, sizeof(*l));
    if (!l)
        return -1;
    ok = labels_open(l, class, &err);
    wanted = (size_t)((double)l->texts.count * o->scale);
    for (; ok && count < wanted && count < l->texts.count; count++) {
        size_t length = bench_texts_ids(&l->texts, count, l->weights.window, l->ids);
        int ours = label(l, &l->ours, length, &err);
        int floats = label(l, &l->floats, length, &err);

        ok = ours >= 0 && floats >= 0;
        equal += ours == floats;
    }
    labels_close(l);
    if (!ok || count == 0) {
        fprintf(stderr, "%s: %s\n", self->name, err.text);
        return -1;
    }
    share = (double)equal / (double)count;
    fprintf(stderr, "%s: %zu texts, %zu with another tier\n", self->name, count, count - equal);
    lac_bench_report(self->name, "fp32", "share of texts with the same tier", &share, &one, 1);
    return share >= bound ? 0 : -1;
}

static int run_int8(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    return run(self, o, LAC_ENCODE_CPU_INT8, EQUAL8);
}

static int run_bf16(const struct lac_bench_case *self, const struct lac_bench_options *o)
{
    return run(self, o, LAC_ENCODE_CPU_BF16, EQUAL16);
}

LAC_BENCH_CASES({"encode.labels.int8", NULL, run_int8}, {"encode.labels.bf16", NULL, run_bf16});
