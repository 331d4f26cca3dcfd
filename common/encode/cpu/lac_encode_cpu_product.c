/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_encode_cpu_product.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_assert.h"
#include "lac_compiler.h"
#include "lac_encode_cpu_onednn.h"
#include "lac_encode_cpu_vector.h"

/* Of OpenMP's run time (libgomp), which oneDNN is built on; its header comes with a compiler. */
extern void omp_set_num_threads(int count);

/* Rows of a tile, best first: the large ones keep oneDNN's kernels full, the small one takes what
 * is left. 24 rows are a whole number of steps of its AVX2 kernel, 16 and 32 of the others. */
static const int large_tiles[] = {64, 96, 48, 24, 16, 8, 1};
enum { SMALL_TILE = 16, TILES = 2 };

struct lac_encode_cpu_onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream; /* of open() */
};

struct tile {
    size_t rows; /* 0: there is none */
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;
};

struct lac_encode_cpu_shape {
    struct lac_encode_cpu_onednn *library;
    size_t in, width;
    bool bf16;
    struct tile tiles[TILES]; /* large, small */
    uint64_t fingerprint;
};

struct lac_encode_cpu_packed {
    dnnl_memory_t weights, bias;
    void *weights_bytes;
    float *bias_floats;
};

struct lac_encode_cpu_binding {
    const struct lac_encode_cpu_shape *shape;
    dnnl_stream_t stream;
    void *scratch_bytes;
    dnnl_memory_t x[TILES], out[TILES], scratch[TILES];
};

static enum lac_status failed(struct lac_err *err, dnnl_status_t status, const char *what)
{
    enum lac_status s = LAC_FATAL;

    if (status == dnnl_out_of_memory)
        s = LAC_RETRY;
    else if (status == dnnl_unimplemented || status == dnnl_invalid_arguments)
        s = LAC_REJECT;
    return lac_err_set(err, s, (int)status, "oneDNN: %s: error %d", what, (int)status);
}

static enum lac_status no_memory(struct lac_err *err)
{
    return lac_err_set(err, LAC_RETRY, 0, "encoder: no memory for weights");
}

/* Whole cache lines, as aligned_alloc() wants them, and never none. */
static void *take(size_t size)
{
    return aligned_alloc(64, (size + 64) / 64 * 64);
}

void lac_encode_cpu_library(char *out, size_t size)
{
    const dnnl_version_t *v = dnnl_version();
    snprintf(out, size, "onednn%d.%d.%d", v->major, v->minor, v->patch);
}

const char *lac_encode_cpu_isa(void)
{
    switch ((int)dnnl_get_effective_cpu_isa()) {
    case dnnl_cpu_isa_sse41:
        return "sse41";
    case dnnl_cpu_isa_avx:
        return "avx";
    case dnnl_cpu_isa_avx2:
        return "avx2";
    case dnnl_cpu_isa_avx2_vnni:
        return "avx2_vnni";
    case dnnl_cpu_isa_avx512_core:
        return "avx512_core";
    case dnnl_cpu_isa_avx512_core_vnni:
        return "avx512_core_vnni";
    case dnnl_cpu_isa_avx512_core_bf16:
        return "avx512_core_bf16";
    case dnnl_cpu_isa_avx512_core_amx:
        return "avx512_core_amx";
#if DNNL_VERSION_MAJOR >= 3
    case dnnl_cpu_isa_avx2_vnni_2:
        return "avx2_vnni_2";
    case dnnl_cpu_isa_avx512_core_fp16:
        return "avx512_core_fp16";
    case dnnl_cpu_isa_avx512_core_amx_fp16:
        return "avx512_core_amx_fp16";
#endif
    default:
        return "other";
    }
}

/* oneDNN numbers its instruction sets by bits: a larger set has those of the smaller ones. */
bool lac_encode_cpu_has_bf16(void)
{
    int isa = (int)dnnl_get_effective_cpu_isa();
    return (isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
}

enum lac_status lac_encode_cpu_onednn_open(struct lac_encode_cpu_onednn **out, struct lac_err *err)
{
    struct lac_encode_cpu_onednn *l = calloc(1, sizeof *l);
    dnnl_status_t status;

    if (!l)
        return no_memory(err);
    omp_set_num_threads(1);
    status = dnnl_engine_create(&l->engine, dnnl_cpu, 0);
    if (!status)
        status = dnnl_stream_create(&l->stream, l->engine, dnnl_stream_default_flags);
    if (status) {
        lac_encode_cpu_onednn_close(l);
        return failed(err, status, "start");
    }
    *out = l;
    return LAC_OK;
}

void lac_encode_cpu_onednn_close(struct lac_encode_cpu_onednn *l)
{
    if (!l)
        return;
    if (l->stream)
        dnnl_stream_destroy(l->stream);
    if (l->engine)
        dnnl_engine_destroy(l->engine);
    free(l);
}

static dnnl_data_type_t kind_of(const struct lac_encode_cpu_shape *s)
{
    return s->bf16 ? dnnl_bf16 : dnnl_f32;
}

static onednn_layout weights_of(const struct lac_encode_cpu_shape *s)
{
    return dnnl_primitive_desc_query_md(s->tiles[0].desc, dnnl_query_weights_md, 0);
}

/* The first tile chooses the weights' layout, the second has to take the same. */
static dnnl_status_t make_tile(struct lac_encode_cpu_shape *s, size_t index, size_t rows)
{
    struct tile *t = &s->tiles[index];
    struct onednn_matrix x = {0}, weights = {0}, bias = {0}, out = {0};
    dnnl_primitive_attr_t attr = NULL;
    dnnl_status_t status = onednn_matrix_init(&x, rows, s->in, kind_of(s), dnnl_ab);

    if (!status)
        status = onednn_matrix_init(&weights, s->in, s->width, kind_of(s), dnnl_format_tag_any);
    if (!status)
        status = onednn_matrix_init(&bias, 1, s->width, dnnl_f32, dnnl_ab);
    if (!status)
        status = onednn_matrix_init(&out, rows, s->width, dnnl_f32, dnnl_ab);
    if (!status)
        status = dnnl_primitive_attr_create(&attr);
    if (!status)
        status = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    if (!status)
        status = onednn_matmul(&t->desc, s->library->engine, onednn_matrix_layout(&x),
                               index > 0 ? weights_of(s) : onednn_matrix_layout(&weights),
                               onednn_matrix_layout(&bias), onednn_matrix_layout(&out), attr);
    if (!status)
        status = dnnl_primitive_create(&t->primitive, t->desc);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    onednn_matrix_drop(&x);
    onednn_matrix_drop(&weights);
    onednn_matrix_drop(&bias);
    onednn_matrix_drop(&out);
    t->rows = status ? 0 : rows;
    return status;
}

static void drop_tile(struct tile *t)
{
    if (t->primitive)
        dnnl_primitive_destroy(t->primitive);
    if (t->desc)
        dnnl_primitive_desc_destroy(t->desc);
    memset(t, 0, sizeof *t);
}

size_t lac_encode_cpu_shape_tile(const struct lac_encode_cpu_shape *s)
{
    return s->tiles[0].rows;
}

size_t lac_encode_cpu_shape_rows(const struct lac_encode_cpu_shape *s, size_t rows)
{
    size_t unit = s->tiles[1].rows ? s->tiles[1].rows : s->tiles[0].rows;
    return (rows + unit - 1) / unit * unit;
}

/* oneDNN's handles are not const, its reads are. */
static void *handle_of(const void *p)
{
    void *handle;

    memcpy(&handle, &p, sizeof handle);
    return handle;
}

static enum lac_status run_tile(struct lac_encode_cpu_binding *b, size_t index,
                                const struct lac_encode_cpu_packed *p, const void *x, float *out,
                                struct lac_err *err)
{
    dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, b->x[index]},
        {DNNL_ARG_WEIGHTS, p->weights},
        {DNNL_ARG_BIAS, p->bias},
        {DNNL_ARG_DST, b->out[index]},
        {DNNL_ARG_SCRATCHPAD, b->scratch[index]},
    };
    dnnl_status_t status = dnnl_memory_set_data_handle(b->x[index], handle_of(x));

    if (!status)
        status = dnnl_memory_set_data_handle(b->out[index], out);
    if (!status)
        status = dnnl_primitive_execute(b->shape->tiles[index].primitive, b->stream,
                                        (int)LAC_COUNT(args), args);
    if (!status)
        return LAC_OK;
    failed(err, status, "product");
    return lac_err_set(err, LAC_FATAL, (int)status, "oneDNN: product: error %d", (int)status);
}

enum lac_status lac_encode_cpu_multiply(struct lac_encode_cpu_binding *b,
                                        const struct lac_encode_cpu_packed *p, size_t rows,
                                        const void *x, float *out, struct lac_err *err)
{
    const struct lac_encode_cpu_shape *s = b->shape;
    size_t row_size = s->in * (s->bf16 ? sizeof(uint16_t) : sizeof(float));
    size_t left = lac_encode_cpu_shape_rows(s, rows);

    omp_set_num_threads(1);
    while (left > 0) {
        size_t index = left >= s->tiles[0].rows ? 0 : 1;
        size_t step = s->tiles[index].rows;
        enum lac_status status = run_tile(b, index, p, x, out, err);
        if (status != LAC_OK)
            return status;
        x = (const char *)x + step * row_size;
        out += step * s->width;
        left -= step;
    }
    return LAC_OK;
}

void lac_encode_cpu_binding_close(struct lac_encode_cpu_binding *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < TILES; i++) {
        if (b->x[i])
            dnnl_memory_destroy(b->x[i]);
        if (b->out[i])
            dnnl_memory_destroy(b->out[i]);
        if (b->scratch[i])
            dnnl_memory_destroy(b->scratch[i]);
    }
    if (b->stream)
        dnnl_stream_destroy(b->stream);
    free(b->scratch_bytes);
    free(b);
}

static size_t scratch_size(const struct lac_encode_cpu_shape *s)
{
    size_t most = 0;
    for (size_t i = 0; i < TILES && s->tiles[i].rows; i++) {
        size_t size = dnnl_memory_desc_get_size(
            dnnl_primitive_desc_query_md(s->tiles[i].desc, dnnl_query_scratchpad_md, 0));
        most = size > most ? size : most;
    }
    return most;
}

static dnnl_status_t bind_tile(struct lac_encode_cpu_binding *b, size_t index)
{
    dnnl_engine_t engine = b->shape->library->engine;
    const_dnnl_primitive_desc_t desc = b->shape->tiles[index].desc;
    dnnl_status_t status =
        dnnl_memory_create(&b->x[index], dnnl_primitive_desc_query_md(desc, dnnl_query_src_md, 0),
                           engine, DNNL_MEMORY_NONE);

    if (!status)
        status = dnnl_memory_create(&b->out[index],
                                    dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0),
                                    engine, DNNL_MEMORY_NONE);
    if (!status)
        status = dnnl_memory_create(&b->scratch[index],
                                    dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0),
                                    engine, b->scratch_bytes);
    return status;
}

enum lac_status lac_encode_cpu_binding_open(struct lac_encode_cpu_binding **out,
                                            const struct lac_encode_cpu_shape *s,
                                            struct lac_err *err)
{
    struct lac_encode_cpu_binding *b = calloc(1, sizeof *b);
    dnnl_status_t status = dnnl_success;

    if (!b)
        return no_memory(err);
    b->shape = s;
    b->scratch_bytes = take(scratch_size(s));
    if (!b->scratch_bytes)
        status = dnnl_out_of_memory;
    if (!status)
        status = dnnl_stream_create(&b->stream, s->library->engine, dnnl_stream_default_flags);
    for (size_t i = 0; i < TILES && s->tiles[i].rows && !status; i++)
        status = bind_tile(b, i);
    if (status) {
        lac_encode_cpu_binding_close(b);
        return failed(err, status, "session");
    }
    *out = b;
    return LAC_OK;
}

void lac_encode_cpu_packed_close(struct lac_encode_cpu_packed *p)
{
    if (!p)
        return;
    if (p->weights)
        dnnl_memory_destroy(p->weights);
    if (p->bias)
        dnnl_memory_destroy(p->bias);
    free(p->weights_bytes);
    free(p->bias_floats);
    free(p);
}

/* From the file's layout, [width][in] floats, into the one that oneDNN asked for. */
static dnnl_status_t reorder(const struct lac_encode_cpu_shape *s, const float *weights,
                             dnnl_memory_t to)
{
    dnnl_engine_t engine = s->library->engine;
    dnnl_primitive_desc_t desc = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_memory_t from = NULL;
    struct onednn_matrix plain = {0};
    dnnl_status_t status = onednn_matrix_init(&plain, s->in, s->width, dnnl_f32, dnnl_ba);

    if (!status)
        status =
            dnnl_memory_create(&from, onednn_matrix_layout(&plain), engine, handle_of(weights));
    if (!status)
        status = dnnl_reorder_primitive_desc_create(&desc, onednn_matrix_layout(&plain), engine,
                                                    weights_of(s), engine, NULL);
    if (!status)
        status = dnnl_primitive_create(&primitive, desc);
    if (!status) {
        dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
        status = dnnl_primitive_execute(primitive, s->library->stream, 2, args);
    }
    if (!status)
        status = dnnl_stream_wait(s->library->stream);
    if (primitive)
        dnnl_primitive_destroy(primitive);
    if (desc)
        dnnl_primitive_desc_destroy(desc);
    if (from)
        dnnl_memory_destroy(from);
    onednn_matrix_drop(&plain);
    return status;
}

enum lac_status lac_encode_cpu_packed_open(struct lac_encode_cpu_packed **out,
                                           const struct lac_encode_cpu_shape *s,
                                           const float *weights, const float *bias,
                                           struct lac_err *err)
{
    struct lac_encode_cpu_packed *p = calloc(1, sizeof *p);
    dnnl_engine_t engine = s->library->engine;
    dnnl_status_t status = dnnl_success;
    struct onednn_matrix plain = {0};

    if (!p)
        return no_memory(err);
    omp_set_num_threads(1);
    p->weights_bytes = take(dnnl_memory_desc_get_size(weights_of(s)));
    p->bias_floats = take(s->width * sizeof(float));
    if (!p->weights_bytes || !p->bias_floats)
        status = dnnl_out_of_memory;
    if (!status) {
        memcpy(p->bias_floats, bias, s->width * sizeof(float));
        status = onednn_matrix_init(&plain, 1, s->width, dnnl_f32, dnnl_ab);
    }
    if (!status)
        status = dnnl_memory_create(&p->bias, onednn_matrix_layout(&plain), engine, p->bias_floats);
    onednn_matrix_drop(&plain);
    if (!status)
        status = dnnl_memory_create(&p->weights, weights_of(s), engine, p->weights_bytes);
    if (!status)
        status = reorder(s, weights, p->weights);
    if (status) {
        lac_encode_cpu_packed_close(p);
        return failed(err, status, "weights");
    }
    *out = p;
    return LAC_OK;
}

/* Numbers for the trial: what they are doesn't matter, that they are the same everywhere does. */
static void fill(float *out, size_t count, uint64_t seed)
{
    uint64_t x = seed;

    for (size_t i = 0; i < count; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX generator */
        out[i] = (float)(int32_t)(x >> 33) * 0x1p-30f - 1.0f;
    }
}

static uint64_t hash(uint64_t h, const void *bytes, size_t size)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < size; i++)
        h = (h ^ p[i]) * 0x100000001b3u; /* FNV-1a, 64 bits */
    return h;
}

/* Buffers and handles of a trial. */
struct trial {
    struct lac_encode_cpu_binding *binding;
    struct lac_encode_cpu_packed *packed;
    float *row; /* the row that is looked for */
    void *x;    /* [LAC_ENCODE_CPU_TILE][in] */
    float *out; /* [LAC_ENCODE_CPU_TILE][width] */
    float *want;
};

static void put_row(const struct lac_encode_cpu_shape *s, struct trial *t, size_t at,
                    const float *row)
{
    if (s->bf16)
        lac_encode_cpu_vector_plain.bf16((uint16_t *)t->x + at * s->in, row, s->in);
    else
        memcpy((float *)t->x + at * s->in, row, s->in * sizeof(float));
}

/* Has the row the same result at each place that is congruent to `phase`, between others? */
static enum lac_status try_tile(struct lac_encode_cpu_shape *s, struct trial *t, size_t index,
                                size_t phase, bool *same, struct lac_err *err)
{
    size_t rows = s->tiles[index].rows, size = s->width * sizeof(float);
    float *other = t->row + s->in;
    enum lac_status status;

    for (size_t i = 0; i < rows; i++) {
        fill(other, s->in, i + 17);
        put_row(s, t, i, i % 3 == phase ? t->row : other);
    }
    status = run_tile(t->binding, index, t->packed, t->x, t->out, err);
    if (status != LAC_OK)
        return status;
    if (index == 0 && phase == 0)
        memcpy(t->want, t->out, size);
    for (size_t i = phase; i < rows; i += 3)
        *same = *same && memcmp(t->out + i * s->width, t->want, size) == 0;
    return LAC_OK;
}

static enum lac_status try_tiles(struct lac_encode_cpu_shape *s, struct trial *t, bool *same,
                                 struct lac_err *err)
{
    *same = true;
    for (size_t phase = 0; phase < 3; phase++) {
        enum lac_status status = try_tile(s, t, 0, phase, same, err);
        if (status != LAC_OK)
            return status;
    }
    for (size_t phase = 0; phase < 3 && *same && s->tiles[1].rows; phase++) {
        bool fits = true;
        enum lac_status status = try_tile(s, t, 1, phase, &fits, err);
        if (status != LAC_OK)
            return status;
        if (!fits)
            drop_tile(&s->tiles[1]);
    }
    s->fingerprint = hash(0xcbf29ce484222325u, t->want, s->width * sizeof(float));
    return LAC_OK;
}

/* Packs made-up weights and tries the tiles with them. */
static enum lac_status trial(struct lac_encode_cpu_shape *s, bool *same, struct lac_err *err)
{
    struct trial t = {0};
    float *weights = take(s->in * s->width * sizeof(float));
    float *bias = take(s->width * sizeof(float));
    enum lac_status status = LAC_OK;

    t.row = take(2 * s->in * sizeof(float));
    t.x = take(LAC_ENCODE_CPU_TILE * s->in * sizeof(float));
    t.out = take(LAC_ENCODE_CPU_TILE * s->width * sizeof(float));
    t.want = take(s->width * sizeof(float));
    if (!weights || !bias || !t.row || !t.x || !t.out || !t.want)
        status = no_memory(err);
    if (status == LAC_OK) {
        fill(weights, s->in * s->width, 1);
        fill(bias, s->width, 2);
        fill(t.row, s->in, 3);
        status = lac_encode_cpu_packed_open(&t.packed, s, weights, bias, err);
    }
    if (status == LAC_OK)
        status = lac_encode_cpu_binding_open(&t.binding, s, err);
    if (status == LAC_OK)
        status = try_tiles(s, &t, same, err);
    lac_encode_cpu_binding_close(t.binding);
    lac_encode_cpu_packed_close(t.packed);
    free(weights);
    free(bias);
    free(t.row);
    free(t.x);
    free(t.out);
    free(t.want);
    return status;
}

static enum lac_status choose_tiles(struct lac_encode_cpu_shape *s, struct lac_err *err)
{
    for (size_t i = 0; i < LAC_COUNT(large_tiles); i++) {
        bool same = false;
        enum lac_status status;
        dnnl_status_t made = make_tile(s, 0, (size_t)large_tiles[i]);
        if (made)
            return failed(err, made, "matrix product");
        /* Without the small one, what is left is computed as a whole tile. */
        if (large_tiles[i] > SMALL_TILE && make_tile(s, 1, SMALL_TILE))
            drop_tile(&s->tiles[1]);
        status = trial(s, &same, err);
        if (status != LAC_OK || same)
            return status;
        drop_tile(&s->tiles[0]);
        drop_tile(&s->tiles[1]);
    }
    return lac_err_set(err, LAC_REJECT, 0,
                       "oneDNN: a row's product of %zu by %zu depends on its place", s->in,
                       s->width);
}

enum lac_status lac_encode_cpu_shape_open(struct lac_encode_cpu_shape **out,
                                          struct lac_encode_cpu_onednn *l, size_t in, size_t width,
                                          bool bf16, struct lac_err *err)
{
    struct lac_encode_cpu_shape *s = calloc(1, sizeof *s);
    enum lac_status status;

    LAC_ASSERT(in > 0 && width > 0);
    if (!s)
        return no_memory(err);
    omp_set_num_threads(1);
    s->library = l;
    s->in = in;
    s->width = width;
    s->bf16 = bf16;
    status = choose_tiles(s, err);
    if (status != LAC_OK) {
        lac_encode_cpu_shape_close(s);
        return status;
    }
    *out = s;
    return LAC_OK;
}

void lac_encode_cpu_shape_close(struct lac_encode_cpu_shape *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < TILES; i++)
        drop_tile(&s->tiles[i]);
    free(s);
}

uint64_t lac_encode_cpu_shape_fingerprint(const struct lac_encode_cpu_shape *s)
{
    return s->fingerprint;
}
