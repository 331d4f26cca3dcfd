/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole models with generated weights: vectors against plain C in fp32, and batch invariance. That
 * means here: in any batch, in any order, in small and large sessions, alone and beside another
 * lane, a sequence's vector has the bits that it had in the first batch.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_encode_cuda_check.h"

enum { VOCAB = 30522, POSITIONS = 512, COMPARED = 12, SEQUENCES = 300 };

/* How much is tried. */
struct amount {
    uint32_t vocab;
    size_t sequences; /* SEQUENCES at most */
    size_t batches;   /* random ones per session */
    size_t repeats;   /* of a batch beside other lanes */
    size_t lanes;     /* 3 at most; the last one of them is interactive */
    size_t tokens;    /* of the largest session */
    uint32_t longest; /* of every fifth sequence; the second has all positions */
};
static const struct amount much = {VOCAB, SEQUENCES, 60, 20, 3, LAC_ENCODE_TOKEN_MAX, POSITIONS};
static const struct amount little = {1000, 14, 2, 2, 2, 1024, 140}; /* for an emulation */
static const struct amount *amount = &much;

struct lac_encode_model *lac_check_model(const struct lac_check_shape *shape, uint64_t seed)
{
    static struct lac_encode_weights w; /* large, and all of it but these is zero */
    struct lac_encode_model *m = NULL;
    struct lac_err err = {0};

    w = (struct lac_encode_weights){
        .hidden = shape->hidden,
        .layers = shape->layers,
        .heads = shape->heads,
        .ffn = shape->ffn,
        .vocab = amount->vocab,
        .positions = POSITIONS,
        .types = 2,
        .window = 256,
        .eps = 1e-12f,
        .pooling = shape->pooling,
        .normalize = shape->normalize,
    };
    lac_check_need_ok(lac_encode_model_generate(&m, &w, seed, &err), &err, "generating a model");
    return m;
}

/* Sequences to draw batches from, and the vectors they had first. */
struct texts {
    int32_t *ids;
    uint32_t starts[SEQUENCES + 1];
    float *first;
    size_t hidden;
};

static void make_texts(struct texts *t, size_t hidden)
{
    t->starts[0] = 0;
    for (size_t i = 0; i < amount->sequences; i++) {
        uint32_t size = 1 + lac_check_random(i % 5 == 0 ? amount->longest : 100);
        if (i == 1)
            size = POSITIONS;
        if (i == 2)
            size = 1;
        t->starts[i + 1] = t->starts[i] + size;
    }
    t->ids = lac_check_memory(t->starts[amount->sequences] * sizeof(*t->ids));
    for (size_t i = 0; i < t->starts[amount->sequences]; i++)
        t->ids[i] = (int32_t)lac_check_random(amount->vocab);
    t->first = lac_check_memory(amount->sequences * hidden * sizeof(*t->first));
    t->hidden = hidden;
}

static void drop_texts(struct texts *t)
{
    free(t->ids);
    free(t->first);
}

static struct lac_encode_session *session(struct lac_encode_device *d, size_t tokens,
                                          size_t sequences, bool interactive)
{
    struct lac_encode_session *s = NULL;
    struct lac_err err = {0};
    lac_check_need_ok(lac_encode_plugin.session_open(&s, d, tokens, sequences, interactive, &err),
                      &err, "opening a session");
    return s;
}

static void check_vectors(const struct texts *t, const struct lac_encode_weights *w,
                          const char *name, double wanted)
{
    double least = 1, length = 0;
    float *want = lac_check_memory(t->hidden * sizeof(*want));

    for (size_t i = 0, compared = 0; i < amount->sequences && compared < COMPARED; i++) {
        size_t size = t->starts[i + 1] - t->starts[i];
        /* Plain C is slow: one long text, the rest short. */
        if (size > (compared == 0 && w->layers <= 2 ? 400 : 40))
            continue;
        compared++;
        lac_check_forward(w, t->ids + t->starts[i], size, want);
        double c = lac_check_cosine(want, t->first + i * t->hidden, t->hidden), squares = 0;
        for (size_t j = 0; j < t->hidden; j++)
            squares += (double)t->first[i * t->hidden + j] * t->first[i * t->hidden + j];
        least = c < least || c != c ? c : least;
        if (w->normalize && fabs(sqrt(squares) - 1) > length)
            length = fabs(sqrt(squares) - 1);
    }
    free(want);
    (void)lac_check_line(least >= wanted && length < 1e-5,
                         "%s: smallest cosine to fp32 %.6f, wanted %.4f; length off by %.1e", name,
                         least, wanted, length);
}

/* A random batch of distinct or repeated sequences that fits the limits. */
struct drawn {
    size_t which[LAC_ENCODE_SEQUENCE_MAX];
    uint32_t starts[LAC_ENCODE_SEQUENCE_MAX + 1];
    int32_t *ids;
    struct lac_encode_batch batch;
};

static void draw(struct drawn *b, const struct texts *t, size_t tokens, size_t sequences)
{
    size_t count = 0, most = 1 + lac_check_random((uint32_t)sequences);

    b->starts[0] = 0;
    b->ids = lac_check_memory(tokens * sizeof(*b->ids));
    while (count < most) {
        size_t i = lac_check_random((uint32_t)amount->sequences);
        uint32_t size = t->starts[i + 1] - t->starts[i];
        if (b->starts[count] + size > tokens)
            break;
        memcpy(b->ids + b->starts[count], t->ids + t->starts[i], size * sizeof(*b->ids));
        b->which[count] = i;
        b->starts[count + 1] = b->starts[count] + size;
        count++;
    }
    b->batch = (struct lac_encode_batch){b->ids, b->starts, count};
}

/* Runs a batch; the number of its sequences whose bits are not the first ones. */
static size_t differing(const struct texts *t, struct lac_encode_session *s, const struct drawn *b)
{
    size_t bytes = t->hidden * sizeof(float), wrong = 0;
    float *out = lac_check_memory((b->batch.count + 1) * bytes);
    struct lac_err err = {0};

    memset(out, 0xff, b->batch.count * bytes);
    if (lac_encode_plugin.run(s, &b->batch, out, &err) != LAC_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        free(out);
        return SIZE_MAX / 2;
    }
    for (size_t i = 0; i < b->batch.count; i++)
        wrong += memcmp(out + i * t->hidden, t->first + b->which[i] * t->hidden, bytes) != 0;
    free(out);
    return wrong;
}

static void check_invariance(const struct texts *t, struct lac_encode_device *d, const char *name)
{
    const struct {
        size_t tokens, sequences;
        bool interactive;
    } kinds[] = {{amount->tokens, LAC_ENCODE_SEQUENCE_MAX, false},
                 {amount->tokens < 3000 ? 700 : 3000, 64, false},
                 {600, 8, true},
                 {512, 1, true}};
    struct drawn *b = lac_check_memory(sizeof(*b));
    size_t wrong = 0, sequences = 0;

    for (size_t k = 0; k < LAC_COUNT(kinds); k++) {
        struct lac_encode_session *s =
            session(d, kinds[k].tokens, kinds[k].sequences, kinds[k].interactive);
        for (size_t i = 0; i < amount->batches; i++) {
            draw(b, t, kinds[k].tokens, kinds[k].sequences);
            wrong += differing(t, s, b);
            sequences += b->batch.count;
            free(b->ids);
        }
        lac_encode_plugin.session_close(s);
    }
    free(b);
    (void)lac_check_line(wrong == 0, "%s: %zu of %zu sequences changed bits in %zu random batches",
                         name, wrong, sequences, LAC_COUNT(kinds) * amount->batches);
}

/* Another lane on the same device; its batches were drawn before, as random numbers are not
 * shared between threads. */
struct lane {
    const struct texts *texts;
    struct lac_encode_session *session;
    struct drawn drawn;
    size_t wrong;
};

static void *lane_run(void *arg)
{
    struct lane *l = arg;
    for (size_t i = 0; i < amount->repeats; i++)
        l->wrong += differing(l->texts, l->session, &l->drawn);
    return NULL;
}

static void check_lanes(const struct texts *t, struct lac_encode_device *d, const char *name)
{
    enum { LANES = 3 };
    size_t lanes = amount->lanes;
    struct lane *lane = lac_check_memory(LANES * sizeof(*lane));
    pthread_t thread[LANES];
    size_t wrong = 0;

    for (size_t i = 0; i < lanes; i++) {
        size_t tokens = i == lanes - 1 ? 1024 : amount->tokens < 20000 ? amount->tokens : 20000;
        lane[i].texts = t;
        lane[i].session = session(d, tokens, 256, i == lanes - 1);
        draw(&lane[i].drawn, t, tokens, 256);
    }
    for (size_t i = 0; i < lanes; i++)
        if (pthread_create(&thread[i], NULL, lane_run, &lane[i]) != 0)
            lac_check_give_up();
    for (size_t i = 0; i < lanes; i++) {
        (void)pthread_join(thread[i], NULL);
        wrong += lane[i].wrong;
        lac_encode_plugin.session_close(lane[i].session);
        free(lane[i].drawn.ids);
    }
    free(lane);
    (void)lac_check_line(wrong == 0, "%s: %zu sequences changed bits beside other lanes", name,
                         wrong);
}

static void check_refusals(struct lac_encode_device *d, const char *name)
{
    static const uint32_t starts[] = {0, 3}, empty[] = {0, 0, 3}, none[] = {0};
    static const uint32_t backwards[] = {0, 3, 1}, longer[] = {0, 513};
    static const int32_t good[600] = {1, 2, 3}, over[] = {1, INT32_MAX, 3}, under[] = {1, -1, 3};
    const struct {
        struct lac_encode_batch batch;
        enum lac_status answer;
    } rows[] = {
        {{good, starts, 1}, LAC_OK},     {{good, none, 0}, LAC_OK},
        {{over, starts, 1}, LAC_REJECT}, {{under, starts, 1}, LAC_REJECT},
        {{good, empty, 2}, LAC_REJECT},  {{good, backwards, 2}, LAC_REJECT},
        {{good, longer, 1}, LAC_REJECT}, {{good, starts, 3}, LAC_REJECT},
        {{good, starts, 1}, LAC_OK},
    };
    struct lac_encode_session *s = session(d, 2000, 2, true);
    float *out = lac_check_memory(sizeof(*out) * 2 * LAC_ENCODE_WIDTH_MAX);
    size_t wrong = 0;

    for (size_t i = 0; i < LAC_COUNT(rows); i++)
        wrong += lac_encode_plugin.run(s, &rows[i].batch, out, NULL) != rows[i].answer;
    lac_encode_plugin.session_close(s);
    free(out);
    (void)lac_check_line(wrong == 0, "%s: %zu of %zu batches were taken or refused wrongly", name,
                         wrong, LAC_COUNT(rows));
}

static void check_model(const struct lac_check_shape *shape, enum lac_encode_class class,
                        double wanted)
{
    struct lac_encode_model *m = lac_check_model(shape, 7);
    const struct lac_encode_weights *w = lac_encode_model_weights(m);
    struct lac_encode_device *d = NULL;
    struct lac_err err = {0};
    struct texts texts;
    char name[96];

    (void)snprintf(name, sizeof(name), "%s %s", shape->name,
                   class == LAC_ENCODE_CUDA_FP8 ? "fp8" : "bf16");
    if (lac_encode_plugin.open(&d, w, class, &err) != LAC_OK) {
        /* A card before 8.9 has no fp8: nothing is wrong with that. */
        bool lacks = class == LAC_ENCODE_CUDA_FP8 && lac_encode_plugin.probe(class, NULL) != LAC_OK;
        (void)lac_check_line(lacks, "%s: %s", name, err.text);
        lac_encode_model_close(m);
        return;
    }
    printf("      %s: engine %s\n", name, lac_encode_plugin.engine(d));
    make_texts(&texts, w->hidden);
    /* As many tokens as there are, so that an emulation has no more rows than it needs. */
    size_t tokens = texts.starts[amount->sequences];
    if (amount == &much)
        tokens = LAC_ENCODE_TOKEN_MAX;
    struct lac_encode_session *s = session(d, tokens, LAC_ENCODE_SEQUENCE_MAX, false);
    const struct lac_encode_batch all = {texts.ids, texts.starts, amount->sequences};
    lac_check_need_ok(lac_encode_plugin.run(s, &all, texts.first, &err), &err, name);
    lac_encode_plugin.session_close(s);
    check_vectors(&texts, w, name, wanted);
    check_invariance(&texts, d, name);
    check_lanes(&texts, d, name);
    check_refusals(d, name);
    drop_texts(&texts);
    lac_encode_plugin.close(d);
    lac_encode_model_close(m);
}

void lac_check_models(enum lac_check_amount how_much)
{
    static const struct lac_check_shape shapes[] = {
        {"minilm", 384, 6, 12, 1536, LAC_ENCODE_POOL_MEAN, true},
        {"narrow", 64, 2, 2, 128, LAC_ENCODE_POOL_MEAN, false},
        {"base", 768, 2, 12, 3072, LAC_ENCODE_POOL_CLS, true},
        {"large", 1024, 24, 16, 4096, LAC_ENCODE_POOL_CLS, true},
    };
    static const struct lac_check_shape tiny[] = {
        {"narrow", 64, 2, 2, 128, LAC_ENCODE_POOL_MEAN, false},
        {"wide heads", 192, 2, 3, 304, LAC_ENCODE_POOL_CLS, true},
    };
    const struct lac_check_shape *shape = how_much == LAC_CHECK_TINY ? tiny : shapes;
    size_t count = how_much == LAC_CHECK_FULL ? LAC_COUNT(shapes) : 2;

    amount = how_much == LAC_CHECK_TINY ? &little : &much;
    for (size_t i = 0; i < count; i++) {
        check_model(&shape[i], LAC_ENCODE_CUDA_BF16, 0.999);
        check_model(&shape[i], LAC_ENCODE_CUDA_FP8, 0.995);
    }
}
