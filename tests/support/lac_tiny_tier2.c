/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_tiny_tier2.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_digest.h"
#include "lac_encode_model.h"
#include "lac_head_params.h"
#include "lac_model_folder.h"

enum { WIDTH = LAC_MODEL_HIDDEN, EXEMPLARS = 3 };

#define NEED(cond, err)                                                     \
    do {                                                                    \
        if (!(cond)) {                                                      \
            fprintf(stderr, "lac_tiny_tier2: %s: %s\n", #cond, (err).text); \
            abort();                                                        \
        }                                                                   \
    } while (0)

struct lac_tiny_backend lac_tiny_backend;

struct lac_encode_device {
    uint32_t width;
};

struct lac_encode_session {
    uint32_t width;
    bool interactive;
};

static enum lac_status probe(enum lac_encode_class class, struct lac_err *err)
{
    (void)class;
    (void)err;
    return LAC_OK;
}

static enum lac_status open_device(struct lac_encode_device **out,
                                   const struct lac_encode_weights *weights,
                                   enum lac_encode_class class, struct lac_err *err)
{
    (void)class;
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return lac_err_set(err, LAC_RETRY, 0, "no memory");
    (*out)->width = weights->hidden;
    return LAC_OK;
}

static void close_device(struct lac_encode_device *d)
{
    free(d);
}

static const char *engine(const struct lac_encode_device *d)
{
    (void)d;
    return "tiny/1";
}

static enum lac_status open_session(struct lac_encode_session **out, struct lac_encode_device *d,
                                    size_t tokens, size_t sequences, bool interactive,
                                    struct lac_err *err)
{
    (void)tokens;
    (void)sequences;
    lac_tiny_backend.sessions++;
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return lac_err_set(err, LAC_RETRY, 0, "no memory");
    (*out)->width = d->width;
    (*out)->interactive = interactive;
    return LAC_OK;
}

static void close_session(struct lac_encode_session *s)
{
    free(s);
}

/* One axis per word of the vocabulary that is no special token. */
static void add_up(const int32_t *ids, size_t count, uint32_t width, float *out)
{
    float squares = 0;

    memset(out, 0, width * sizeof(*out));
    for (size_t i = 0; i < count; i++)
        if (ids[i] >= 5 && ids[i] < 5 + (int32_t)width)
            out[ids[i] - 5] += 1;
    for (uint32_t i = 0; i < width; i++)
        squares += out[i] * out[i];
    if (squares == 0)
        out[width - 1] = 1;
    for (uint32_t i = 0; squares > 0 && i < width; i++)
        out[i] /= sqrtf(squares);
}

static enum lac_status run(struct lac_encode_session *s, const struct lac_encode_batch *batch,
                           float *out, struct lac_err *err)
{
    if (lac_tiny_backend.in_call)
        lac_tiny_backend.in_call(s->interactive);
    else {
        lac_tiny_backend.calls++;
        lac_tiny_backend.sequences += batch->count;
        lac_tiny_backend.tokens += (size_t)batch->starts[batch->count];
    }
    if (lac_tiny_backend.status != LAC_OK)
        return lac_err_set(err, lac_tiny_backend.status, 0, "the tiny device does as it was told");
    for (size_t i = 0; i < batch->count; i++)
        add_up(batch->ids + batch->starts[i], batch->starts[i + 1] - batch->starts[i], s->width,
               out + i * s->width);
    return LAC_OK;
}

const struct lac_encode_backend lac_tiny_cpu = {
    .abi = LAC_ENCODE_BACKEND_ABI,
    .name = "tiny",
    .probe = probe,
    .open = open_device,
    .close = close_device,
    .engine = engine,
    .session_open = open_session,
    .session_close = close_session,
    .run = run,
};

void lac_tiny_head(const unsigned char model[32], const unsigned char texts[32],
                   struct lac_buf *json, struct lac_buf *vec)
{
    static const struct lac_str ids[EXEMPLARS] = {{"p-1", 3}, {"i-1", 3}, {"x-1", 3}};
    static const enum lac_tier tiers[EXEMPLARS] = {LAC_TIER_PUBLIC, LAC_TIER_INTERNAL,
                                                   LAC_TIER_PROPRIETARY};
    static const float vectors[EXEMPLARS][WIDTH] = {
        {0, 0, 0, 1}, {0, 0, 1}, {1}}; /* sea, the, plan */
    struct lac_head_params p = {.model = "tiny",
                                .layers = LAC_MODEL_LAYERS,
                                .width = WIDTH,
                                .per_tier = 1,
                                .nearest = 1,
                                .sharpness = 2 << 16,
                                .exemplars = EXEMPLARS,
                                .floor = 1,
                                .closeness = LAC_HEAD_ONE / 4};
    unsigned char digest[LAC_SHA256_SIZE];
    struct lac_err err = {0};

    memcpy(p.model_hash, model, sizeof(p.model_hash));
    memcpy(p.texts_hash, texts, sizeof(p.texts_hash));
    NEED(lac_head_params_alloc(&p, &err) == LAC_OK, err);
    for (int t = 0; t < LAC_TIER_COUNT; t++) /* what is closest, and by far */
        p.weights[t][LAC_TIER_COUNT + t] = 12 * LAC_HEAD_ONE;
    lac_buf_init(json, LAC_HEAD_JSON_MAX);
    lac_buf_init(vec, LAC_HEAD_VEC_MAX);
    lac_head_exemplars_write(p.texts_hash, EXEMPLARS, WIDTH, ids, tiers, &vectors[0][0], vec);
    lac_sha256(digest, vec->ptr, vec->len);
    lac_head_params_write(&p, digest, LAC_STR("{}"), json);
    lac_head_params_free(&p);
}

static struct lac_pack *compile_pack(const unsigned char model[32], const char *tail)
{
    char yaml[512];
    static const unsigned char texts[32] = {0};
    struct lac_pack *pack = NULL;
    struct lac_buf json, vec;
    struct lac_err err = {0};

    lac_tiny_head(model, texts, &json, &vec);
    (void)snprintf(yaml, sizeof(yaml), "name: tiny\nversion: 1\nbase: builtin\n%s", tail);
    const struct lac_pack_file files[] = {
        {LAC_STR("pack.yaml"), lac_str_from(yaml)},
        {LAC_STR("semantic/head.json"), lac_buf_str(&json)},
        {LAC_STR("semantic/exemplars.vec"), lac_buf_str(&vec)},
    };

    NEED(lac_pack_open_files(&pack, files, LAC_COUNT(files), &err) == LAC_OK, err);
    lac_buf_deinit(&json);
    lac_buf_deinit(&vec);
    return pack;
}

/* Compiled once: each pack of the same model and settings is opened from the first one's file. */
struct lac_pack *lac_tiny_pack(const unsigned char model[32], const char *tail)
{
    static struct {
        unsigned char model[32];
        const char *tail;
        struct lac_buf file;
    } made[4];
    struct lac_pack *pack = NULL;
    struct lac_err err = {0};
    size_t i = 0;

    while (i < LAC_COUNT(made) && made[i].tail &&
           (memcmp(made[i].model, model, 32) != 0 || strcmp(made[i].tail, tail) != 0))
        i++;
    if (i < LAC_COUNT(made) && made[i].tail) {
        NEED(lac_pack_open_bytes(&pack, lac_buf_str(&made[i].file), &err) == LAC_OK, err);
        return pack;
    }
    pack = compile_pack(model, tail);
    if (i < LAC_COUNT(made)) {
        memcpy(made[i].model, model, 32);
        made[i].tail = tail;
        lac_buf_init(&made[i].file, LAC_PACK_BYTES_MAX);
        NEED(lac_pack_write(pack, &made[i].file, &err) == LAC_OK, err);
    }
    return pack;
}

void lac_tiny_open(struct lac_tiny *t, bool with_model, const char *tail)
{
    static const struct lac_model_change no_prefix = {"config_sentence_transformers.json", "",
                                                      NULL};
    struct lac_semantic_options options = {.backend = &lac_tiny_cpu};
    struct lac_encode_model *m;
    struct lac_err err = {0};

    lac_tiny_backend = (struct lac_tiny_backend){.status = LAC_OK};
    t->folder = lac_model_folder_make(&no_prefix);
    NEED(lac_encode_model_open(&m, t->folder, &err) == LAC_OK, err);
    NEED(lac_encode_model_hash(m, t->hash, &err) == LAC_OK, err);
    lac_encode_model_close(m);
    options.store = t->folder; /* holds no models by hash */
    options.model = with_model ? t->folder : NULL;
    NEED(lac_semantic_open(&t->semantic, &options, &err) == LAC_OK, err);
    t->pack = lac_tiny_pack(t->hash, tail);
}

void lac_tiny_close(struct lac_tiny *t)
{
    lac_semantic_close(t->semantic);
    lac_pack_close(t->pack);
    lac_model_folder_remove(t->folder);
}
