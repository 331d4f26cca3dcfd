/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real model and the vectors that it has in fp32, out of a file that tools/cuda/export_replay.py
 * wrote elsewhere: a machine with a GPU may have neither the model nor what reads its files.
 *
 * The file, little-endian: "LACRPLY1"; 12 x u32: hidden, layers, heads, ffn, vocab, positions,
 * types, pooling (0 mean, 1 first), normalize, sequences, tokens, 0; f32 eps, u32 0; the tensors in
 * the order of lac_encode_top_parts, then per layer of lac_encode_layer_parts: bf16, but those of
 * one row as f32; u32 starts[sequences + 1]; i32 ids[tokens]; f32 vectors[sequences][hidden].
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lac_encode_cuda_check.h"
#include "lac_encode_model_internal.h"

enum { HEADER = 8 + 13 * 4 + 4, FIELDS = 12 };

struct replay {
    unsigned char *map;
    size_t size, at;
    struct lac_encode_weights weights;
    size_t sequences, tokens;
    uint32_t *starts;
    int32_t *ids;
    float *want;
};

/* The next `size` bytes of the file; ends the program where there are fewer. */
static const void *take(struct replay *r, size_t size)
{
    if (size > r->size - r->at) {
        (void)fprintf(stderr, "the replay file ends early\n");
        lac_check_give_up();
    }
    r->at += size;
    return r->map + r->at - size;
}

static void *copy(struct replay *r, size_t size)
{
    void *to = lac_check_memory(size);
    memcpy(to, take(r, size), size);
    return to;
}

static void take_parts(struct replay *r, const struct lac_encode_part *parts, size_t count,
                       void *base)
{
    for (size_t i = 0; i < count; i++) {
        struct lac_encode_tensor *t = lac_encode_part_tensor(&parts[i], base);
        t->rows = lac_encode_extent_of(&r->weights, parts[i].rows);
        t->cols = lac_encode_extent_of(&r->weights, parts[i].cols);
        /* By what the part is, not by its number of rows: a table of one row is a table. */
        t->dtype = parts[i].rows == LAC_ENCODE_ONE ? LAC_ENCODE_F32 : LAC_ENCODE_BF16;
        t->data = take(r, (size_t)t->rows * t->cols * (t->dtype == LAC_ENCODE_F32 ? 4 : 2));
    }
}

static bool replay_open(struct replay *r, const char *path)
{
    struct lac_encode_weights *w = &r->weights;
    struct lac_err err = {0};
    uint32_t field[FIELDS];
    struct stat st;

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size < HEADER) {
        (void)fprintf(stderr, "%s: no replay file\n", path);
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    r->size = (size_t)st.st_size;
    r->map = mmap(NULL, r->size, PROT_READ, MAP_PRIVATE, fd, 0);
    (void)close(fd);
    if (r->map == MAP_FAILED || memcmp(take(r, 8), "LACRPLY1", 8) != 0) {
        (void)fprintf(stderr, "%s: no replay file\n", path);
        return false;
    }
    memcpy(field, take(r, sizeof(field)), sizeof(field));
    w->hidden = field[0], w->layers = field[1], w->heads = field[2], w->ffn = field[3];
    w->vocab = field[4], w->positions = field[5], w->types = field[6];
    w->pooling = field[7] ? LAC_ENCODE_POOL_CLS : LAC_ENCODE_POOL_MEAN;
    w->normalize = field[8] != 0;
    w->window = w->positions < LAC_ENCODE_POSITION_MAX ? w->positions : LAC_ENCODE_POSITION_MAX;
    r->sequences = field[9], r->tokens = field[10];
    memcpy(&w->eps, take(r, sizeof(w->eps)), sizeof(w->eps));
    (void)take(r, sizeof(uint32_t));
    if (lac_encode_shape_check(w, &err) != LAC_OK) {
        (void)fprintf(stderr, "%s: %s\n", path, err.text);
        return false;
    }
    take_parts(r, lac_encode_top_parts, LAC_ENCODE_TOP_PARTS, w);
    for (uint32_t i = 0; i < w->layers; i++)
        take_parts(r, lac_encode_layer_parts, LAC_ENCODE_LAYER_PARTS, &w->layer[i]);
    r->starts = copy(r, (r->sequences + 1) * sizeof(*r->starts));
    r->ids = copy(r, r->tokens * sizeof(*r->ids));
    r->want = copy(r, r->sequences * w->hidden * sizeof(*r->want));
    return true;
}

static void replay_close(struct replay *r)
{
    if (r->map && r->map != MAP_FAILED)
        (void)munmap(r->map, r->size);
    free(r->starts);
    free(r->ids);
    free(r->want);
    free(r);
}

/* How many sequences from `from` on fit one call; their starts, from 0, go into `starts`. */
static size_t next_batch(const struct replay *r, size_t from, uint32_t *starts)
{
    size_t count = 0;
    while (from + count < r->sequences && count < LAC_ENCODE_SEQUENCE_MAX &&
           r->starts[from + count + 1] - r->starts[from] <= LAC_ENCODE_TOKEN_MAX) {
        starts[count] = r->starts[from + count] - r->starts[from];
        count++;
    }
    starts[count] = r->starts[from + count] - r->starts[from];
    return count;
}

static void compare(const struct replay *r, const float *got, const char *class, double wanted)
{
    double least = 1, sum = 0;
    size_t hidden = r->weights.hidden;

    for (size_t i = 0; i < r->sequences; i++) {
        double cosine = lac_check_cosine(got + i * hidden, r->want + i * hidden, hidden);
        least = cosine < least || isnan(cosine) ? cosine : least;
        sum += cosine;
    }
    (void)lac_check_line(least >= wanted,
                         "replay %s: %zu texts, cosine to fp32: smallest %.6f, mean %.6f, wanted "
                         "%.4f",
                         class, r->sequences, least, sum / (double)r->sequences, wanted);
}

static void run(const struct replay *r, enum lac_encode_class class, const char *name,
                double wanted)
{
    struct lac_encode_device *d = NULL;
    struct lac_encode_session *s = NULL;
    struct lac_err err = {0};
    float *got = lac_check_memory(r->sequences * r->weights.hidden * sizeof(*got));
    uint32_t *starts = lac_check_memory((LAC_ENCODE_SEQUENCE_MAX + 1) * sizeof(*starts));

    lac_check_need_ok(lac_encode_plugin.open(&d, &r->weights, class, &err), &err, name);
    printf("      replay: engine %s\n", lac_encode_plugin.engine(d));
    lac_check_need_ok(lac_encode_plugin.session_open(&s, d, LAC_ENCODE_TOKEN_MAX,
                                                     LAC_ENCODE_SEQUENCE_MAX, false, &err),
                      &err, name);
    for (size_t from = 0; from < r->sequences;) {
        size_t count = next_batch(r, from, starts);
        const struct lac_encode_batch batch = {r->ids + r->starts[from], starts, count};
        if (count == 0) {
            (void)fprintf(stderr, "the replay file has a sequence that is too long\n");
            lac_check_give_up();
        }
        lac_check_need_ok(lac_encode_plugin.run(s, &batch, got + from * r->weights.hidden, &err),
                          &err, name);
        from += count;
    }
    compare(r, got, name, wanted);
    lac_encode_plugin.session_close(s);
    lac_encode_plugin.close(d);
    free(starts);
    free(got);
}

void lac_check_replay(const char *path)
{
    struct replay *r = lac_check_memory(sizeof(*r));

    if (!replay_open(r, path) || r->sequences == 0) {
        (void)lac_check_line(false, "replay: %s", path);
        replay_close(r);
        return;
    }
    run(r, LAC_ENCODE_CUDA_BF16, "bf16", 0.999);
    if (lac_encode_plugin.probe(LAC_ENCODE_CUDA_FP8, NULL) == LAC_OK)
        run(r, LAC_ENCODE_CUDA_FP8, "fp8", 0.995);
    replay_close(r);
}
