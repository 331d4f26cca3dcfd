/* SPDX-License-Identifier: Apache-2.0 */
/* Every kernel alone, on random inputs of awkward sizes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_encode_cuda_check.h"

/* bf16 numbers on host and device, and what they are as floats. */
struct matrix {
    float *values;
    uint16_t *device;
    size_t count;
};

static struct matrix make(size_t count, float size)
{
    struct matrix m = {lac_check_memory(count * sizeof(float)), NULL, count};
    uint16_t *bits = lac_check_memory(count * sizeof(*bits));

    for (size_t i = 0; i < count; i++) {
        bits[i] = lac_check_to_bf16(lac_check_number(size));
        m.values[i] = lac_check_from_bf16(bits[i]);
    }
    m.device = lac_check_device(bits, count * sizeof(*bits));
    free(bits);
    return m;
}

static void drop(struct matrix *m)
{
    free(m->values);
    (void)cudaFree(m->device);
}

struct floats {
    float *values, *device;
};

static struct floats make_floats(size_t count, float low, float high)
{
    struct floats f = {lac_check_memory(count * sizeof(float)), NULL};
    for (size_t i = 0; i < count; i++)
        f.values[i] = (low + high) / 2 + lac_check_number((high - low) / 2);
    f.device = lac_check_device(f.values, count * sizeof(float));
    return f;
}

static void drop_floats(struct floats *f)
{
    free(f->values);
    (void)cudaFree(f->device);
}

/* The late part of an fp8 product, and the same applied to floats. */
struct late {
    struct floats row, column;
    struct matrix bias;
    struct lac_encode_cuda_late device;
};

static struct late make_late(size_t rows, size_t cols, bool wanted)
{
    struct late l = {0};
    if (!wanted)
        return l;
    l.row = make_floats(rows, 0.5f, 1.5f);
    l.column = make_floats(cols, 0.5f, 1.5f);
    l.bias = make(cols, 0.5f);
    l.device = (struct lac_encode_cuda_late){l.row.device, l.column.device, l.bias.device};
    return l;
}

static float complete(const struct late *l, float y, size_t row, size_t column)
{
    if (!l->device.row)
        return y;
    return y * l->row.values[row] * l->column.values[column] + l->bias.values[column];
}

static void drop_late(struct late *l)
{
    drop_floats(&l->row);
    drop_floats(&l->column);
    drop(&l->bias);
}

/* How far bf16 results are off: the length of the difference over that of what is wanted, in units
 * of 2^-7, and the largest single difference in units of a twentieth of the largest wanted number.
 * Rounding stays below 1 in both; a wrong index does not. */
static float compare(const uint16_t *device, const float *want, size_t count)
{
    uint16_t *got = lac_check_memory(count * sizeof(*got));
    double errors = 0, squares = 0, worst = 0, largest = 0;

    lac_check_fetch(got, device, count * sizeof(*got));
    for (size_t i = 0; i < count; i++) {
        double error = fabs((double)lac_check_from_bf16(got[i]) - (double)want[i]);
        errors += error * error;
        squares += (double)want[i] * want[i];
        worst = error > worst ? error : worst;
        largest = fmax(largest, fabs((double)want[i]));
    }
    free(got);
    if (isnan(errors)) /* fmax and > pass over NaN */
        return INFINITY;
    return (float)fmax(sqrt(errors / squares) * 128, worst / largest * 20);
}

struct rows8 {
    struct lac_encode_cuda_rows8 device;
    size_t rows, cols;
};

static struct rows8 make_rows8(size_t rows, size_t cols, bool wanted)
{
    struct rows8 r = {{NULL, NULL}, rows, cols};
    if (wanted) {
        r.device.values = lac_check_device(NULL, rows * cols);
        r.device.scale = lac_check_device(NULL, rows * sizeof(float));
    }
    return r;
}

/* Each number within half a step of e4m3 (2^-4 of it, or of the smallest normal), in units of
 * that; and the largest of a row at 448. */
static float compare8(const struct rows8 *r, const float *want)
{
    uint8_t *got = lac_check_memory(r->rows * r->cols);
    float *scale = lac_check_memory(r->rows * sizeof(*scale)), worst = 0;

    lac_check_fetch(got, r->device.values, r->rows * r->cols);
    lac_check_fetch(scale, r->device.scale, r->rows * sizeof(*scale));
    for (size_t i = 0; i < r->rows; i++) {
        float largest = 0;
        for (size_t j = 0; j < r->cols; j++) {
            float value = lac_check_from_e4m3(got[i * r->cols + j]);
            float expected = want[i * r->cols + j];
            float step = fmaxf(fabsf(expected) / 16, scale[i] / 1024) * 1.05f + 0.004f * scale[i];
            float error = fabsf(value * scale[i] - expected) / step;
            if (error != error)
                worst = INFINITY;
            worst = fmaxf(worst, error);
            largest = fmaxf(largest, fabsf(value));
        }
        if (largest != 448.0f && scale[i] != 1.0f)
            worst = INFINITY;
    }
    free(got);
    free(scale);
    (void)cudaFree(r->device.values);
    (void)cudaFree(r->device.scale);
    return worst;
}

struct norm {
    struct floats weight, bias;
    struct lac_encode_cuda_norm device;
};

static struct norm make_norm(size_t hidden)
{
    struct norm n = {
        make_floats(hidden, 0.5f, 1.5f), make_floats(hidden, -0.5f, 0.5f), {NULL, NULL, 1e-12f}};
    n.device.weight = n.weight.device;
    n.device.bias = n.bias.device;
    return n;
}

static void drop_norm(struct norm *n)
{
    drop_floats(&n->weight);
    drop_floats(&n->bias);
}

static void check_embed(size_t hidden, size_t rows, bool fp8)
{
    enum { WORDS = 300, PLACES = 40 };
    struct matrix words = make(WORDS * hidden, 1), places = make(PLACES * hidden, 1);
    struct matrix kind = make(hidden, 1);
    struct norm norm = make_norm(hidden);
    struct lac_encode_cuda_token *token = lac_check_memory(rows * sizeof(*token));
    float *want = lac_check_memory(rows * hidden * sizeof(*want));
    uint16_t *x = lac_check_device(NULL, rows * hidden * sizeof(*x));
    struct rows8 x8 = make_rows8(rows, hidden, fp8);

    for (size_t i = 0; i < rows; i++) {
        token[i].id = i % 7 == 3 ? -1 : (int32_t)lac_check_random(WORDS);
        token[i].place = (int32_t)lac_check_random(PLACES);
        if (token[i].id < 0)
            continue;
        for (size_t c = 0; c < hidden; c++)
            want[i * hidden + c] = words.values[(size_t)token[i].id * hidden + c] +
                                   places.values[(size_t)token[i].place * hidden + c] +
                                   kind.values[c];
        lac_check_norm(want + i * hidden, norm.weight.values, norm.bias.values, 1e-12f, hidden);
    }
    struct lac_encode_cuda_token *on_device = lac_check_device(token, rows * sizeof(*token));
    lac_check_need(lac_encode_cuda_embed(on_device, rows, hidden, words.device, places.device,
                                         kind.device, norm.device, x, x8.device, NULL),
                   "embed");
    float worst = compare(x, want, rows * hidden), worst8 = fp8 ? compare8(&x8, want) : 0;
    (void)lac_check_line(worst < 1 && worst8 < 1.1f,
                         "embed: hidden %zu, %zu rows%s: error %.2f, e4m3 %.2f of what is allowed",
                         hidden, rows, fp8 ? ", fp8" : "", (double)worst, (double)worst8);
    drop(&words);
    drop(&places);
    drop(&kind);
    drop_norm(&norm);
    free(token);
    free(want);
    (void)cudaFree(x);
    (void)cudaFree(on_device);
}

static void check_add_norm(size_t hidden, size_t rows, bool fp8)
{
    struct matrix x = make(rows * hidden, 2), y = make(rows * hidden, 2);
    struct norm norm = make_norm(hidden);
    struct late late = make_late(rows, hidden, fp8);
    struct rows8 x8 = make_rows8(rows, hidden, fp8);

    for (size_t i = 0; i < rows; i++) {
        for (size_t c = 0; c < hidden; c++)
            x.values[i * hidden + c] += complete(&late, y.values[i * hidden + c], i, c);
        lac_check_norm(x.values + i * hidden, norm.weight.values, norm.bias.values, 1e-12f, hidden);
    }
    lac_check_need(lac_encode_cuda_add_norm(y.device, late.device, rows, hidden, norm.device,
                                            x.device, x8.device, NULL),
                   "add_norm");
    float worst = compare(x.device, x.values, rows * hidden);
    float worst8 = fp8 ? compare8(&x8, x.values) : 0;
    (void)lac_check_line(worst < 1 && worst8 < 1.1f,
                         "add and norm: hidden %zu, %zu rows%s: error %.2f, e4m3 %.2f of what is "
                         "allowed",
                         hidden, rows, fp8 ? ", fp8" : "", (double)worst, (double)worst8);
    drop(&x);
    drop(&y);
    drop_norm(&norm);
    drop_late(&late);
}

static void check_rows8(size_t cols, size_t rows, bool gelu, bool late_wanted)
{
    struct matrix in = make(rows * cols, 3);
    struct late late = make_late(rows, cols, late_wanted);
    struct rows8 out = make_rows8(rows, cols, true);

    for (size_t i = 0; i < rows * cols; i++) {
        in.values[i] = complete(&late, in.values[i], i / cols, i % cols);
        if (gelu)
            in.values[i] = lac_check_gelu(in.values[i]);
    }
    lac_check_need(
        lac_encode_cuda_rows_to_8(in.device, late.device, gelu, rows, cols, out.device, NULL),
        "rows to e4m3");
    float worst = compare8(&out, in.values);
    (void)lac_check_line(worst < 1.1f, "rows to e4m3: %zu x %zu%s%s: error %.2f of what is allowed",
                         rows, cols, gelu ? ", gelu" : "", late_wanted ? ", late" : "",
                         (double)worst);
    drop(&in);
    drop_late(&late);
}

/* Lengths of sequences that fill `rows` or less, from 1 to 512, at least one longer than a tile. */
static size_t cut(uint32_t *starts, size_t rows, size_t most)
{
    size_t count = 0;
    starts[0] = 0;
    while (count < most && starts[count] < rows) {
        uint32_t left = (uint32_t)rows - starts[count], size = 1 + lac_check_random(130);
        if (count == 1)
            size = 512;
        if (count == 2)
            size = 64;
        starts[count + 1] = starts[count] + (size < left ? size : left);
        count++;
    }
    return count;
}

static void check_attention(size_t head_size, size_t heads, bool late_wanted)
{
    enum { ROWS = 1800, MOST = 40 };
    size_t hidden = head_size * heads, tiles = 0;
    uint32_t starts[MOST + 1];
    size_t count = cut(starts, ROWS, MOST), rows = starts[count];
    struct matrix qkv = make(3 * hidden * ROWS, 2);
    struct late late = make_late(ROWS, 3 * hidden, late_wanted);
    struct lac_encode_cuda_tile tile[ROWS / LAC_ENCODE_CUDA_TILE + MOST];
    float *want = lac_check_memory(rows * hidden * sizeof(*want));
    uint16_t *out = lac_check_device(NULL, ROWS * hidden * sizeof(*out));
    int blocks = 0;

    for (size_t i = 0; i < 3 * hidden * ROWS; i++)
        qkv.values[i] = lac_check_from_bf16(
            lac_check_to_bf16(complete(&late, qkv.values[i], i / (3 * hidden), i % (3 * hidden))));
    for (size_t i = 0; i < count; i++) {
        uint32_t size = starts[i + 1] - starts[i];
        lac_check_attention(qkv.values + 3 * hidden * starts[i], size, hidden, heads,
                            want + starts[i] * hidden);
        for (uint32_t query = 0; query < size; query += LAC_ENCODE_CUDA_TILE)
            tile[tiles++] =
                (struct lac_encode_cuda_tile){starts[i], (uint16_t)size, (uint16_t)query};
    }
    struct lac_encode_cuda_head head = {(uint32_t)tiles, (uint32_t)count, (uint32_t)rows, 0};
    struct lac_encode_cuda_head *head_device = lac_check_device(&head, sizeof(head));
    struct lac_encode_cuda_tile *tile_device = lac_check_device(tile, tiles * sizeof(*tile));
    lac_check_need(lac_encode_cuda_attention_blocks(head_size, late_wanted, &blocks), "blocks");
    lac_check_need(lac_encode_cuda_attention(qkv.device, late.device, head_device, tile_device,
                                             hidden, heads, blocks, out, NULL),
                   "attention");
    float worst = compare(out, want, rows * hidden);
    (void)lac_check_line(worst < 1,
                         "attention: %zu heads of %zu, %zu sequences, %zu tiles%s: error %.2f of "
                         "what is allowed",
                         heads, head_size, count, tiles, late_wanted ? ", late" : "",
                         (double)worst);
    drop(&qkv);
    drop_late(&late);
    free(want);
    (void)cudaFree(out);
    (void)cudaFree(head_device);
    (void)cudaFree(tile_device);
}

static void check_pool(size_t hidden, bool first, bool normalize)
{
    enum { ROWS = 900, MOST = 12 };
    uint32_t starts[MOST + 1];
    size_t count = cut(starts, ROWS, MOST);
    struct matrix x = make(ROWS * hidden, 2);
    struct lac_encode_cuda_head head = {0, (uint32_t)count, starts[count], 0};
    struct lac_encode_cuda_head *head_device = lac_check_device(&head, sizeof(head));
    uint32_t *starts_device = lac_check_device(starts, sizeof(starts));
    float *out = lac_check_device(NULL, MOST * hidden * sizeof(*out)), worst = 0;
    float *got = lac_check_memory(MOST * hidden * sizeof(*got));

    lac_check_need(lac_encode_cuda_pool(x.device, head_device, starts_device, MOST, hidden, first,
                                        normalize, out, NULL),
                   "pool");
    lac_check_fetch(got, out, MOST * hidden * sizeof(*got));
    for (size_t i = 0; i < count; i++) {
        size_t size = first ? 1 : starts[i + 1] - starts[i];
        double squares = 0;
        for (size_t pass = 0; pass < 2; pass++) {
            for (size_t c = 0; c < hidden; c++) {
                double sum = 0;
                for (size_t j = 0; j < size; j++)
                    sum += x.values[(starts[i] + j) * hidden + c];
                sum /= (double)size;
                if (pass == 0)
                    squares += sum * sum;
                else
                    worst = fmaxf(worst, fabsf(got[i * hidden + c] -
                                               (float)(normalize ? sum / sqrt(squares) : sum)));
            }
        }
    }
    (void)lac_check_line(worst < 1e-5f, "pool: hidden %zu, %s%s: error %.1e", hidden,
                         first ? "first" : "mean", normalize ? ", unit length" : "", (double)worst);
    drop(&x);
    free(got);
    (void)cudaFree(head_device);
    (void)cudaFree(starts_device);
    (void)cudaFree(out);
}

void lac_check_kernels(void)
{
    static const size_t hidden[] = {32, 384, 512, 768, 1024};

    for (size_t i = 0; i < LAC_COUNT(hidden); i++) {
        for (int fp8 = 0; fp8 < 2; fp8++) {
            check_embed(hidden[i], 203, fp8);
            check_add_norm(hidden[i], 77, fp8);
        }
        for (int k = 0; k < 4; k++)
            check_pool(hidden[i], k & 1, k & 2);
    }
    for (int k = 0; k < 4; k++) {
        check_rows8(384, 50, k & 1, k & 2);
        check_rows8(4096, 9, k & 1, k & 2);
        check_rows8(1040, 9, k & 1, k & 2);
    }
    for (int late = 0; late < 2; late++) {
        check_attention(32, 12, late);
        check_attention(64, 3, late);
    }
}
