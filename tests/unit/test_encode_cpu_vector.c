/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: the encoder's vector functions are right, and the same bits on every processor. */
#include "cpu/lac_encode_cpu_vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lac_test.h"

enum { MOST = 600 };

static float any(float scale)
{
    return ((float)lac_test_random(2000001) / 1000000 - 1) * scale;
}

static void fill(float *x, size_t count, float scale)
{
    for (size_t i = 0; i < count; i++)
        x[i] = any(scale);
}

static const struct lac_encode_cpu_vector *form(size_t i)
{
    const struct lac_encode_cpu_vector *v = lac_encode_cpu_vector_at(i);
    if (v)
        lac_test_row("%s", v->name);
    return v;
}

static void gelu_is_that_of_erf(void)
{
    const struct lac_encode_cpu_vector *v;

    for (size_t f = 0; (v = form(f)); f++) {
        double worst = 0;
        for (int block = -1200; block < 1200; block++) {
            float x[100], got[100];
            for (int i = 0; i < 100; i++)
                x[i] = (float)block * 0.01f + (float)i * 0.0001f;
            memcpy(got, x, sizeof got);
            v->gelu(got, 100);
            for (int i = 0; i < 100; i++) {
                double want = (double)x[i] * erfc((double)-x[i] / sqrt(2)) / 2;
                worst = fmax(worst, fabs((double)got[i] - want) / fmax(1, fabs(want)));
            }
        }
        CU_ASSERT(worst < 3e-7);
    }
}

static void norm_has_mean_and_variance_of_its_own(void)
{
    float x[MOST], y[MOST], gain[MOST], bias[MOST], out[MOST];
    const struct lac_encode_cpu_vector *v;

    for (size_t f = 0; (v = form(f)); f++)
        for (size_t count = 1; count < MOST; count += 1 + count / 9) {
            double mean = 0, variance = 0, worst = 0;
            fill(x, count, 3);
            fill(y, count, 3);
            fill(gain, count, 2);
            fill(bias, count, 1);
            for (size_t i = 0; i < count; i++)
                mean += (double)(x[i] + y[i]) / (double)count;
            for (size_t i = 0; i < count; i++)
                variance += pow((double)(x[i] + y[i]) - mean, 2) / (double)count;
            v->norm(out, x, y, gain, bias, count, 1e-5f);
            for (size_t i = 0; i < count; i++) {
                double want = ((double)(x[i] + y[i]) - mean) / sqrt(variance + 1e-5);
                want = want * (double)gain[i] + (double)bias[i];
                worst = fmax(worst, fabs(want - (double)out[i]));
            }
            CU_ASSERT(worst < 1e-5);
        }
}

static float *head_scratch(size_t length, size_t width)
{
    size_t size = (lac_encode_cpu_head_floats(length, width) * sizeof(float) + 63) / 64 * 64;
    float *p = aligned_alloc(64, size);
    LAC_TEST_NEED(p);
    memset(p, 0xff, size); /* NaN wherever something is used that wasn't written */
    return p;
}

/* q, k, v and two results: what stands beside a head belongs to others. */
static void attend(const struct lac_encode_cpu_vector *v, size_t length, size_t width,
                   const float *qkv, float *out)
{
    float *scratch = head_scratch(length, width);
    struct lac_encode_cpu_head h = {.q = qkv,
                                    .k = qkv + width,
                                    .v = qkv + 2 * width,
                                    .out = out,
                                    .length = length,
                                    .width = width,
                                    .stride = 3 * width,
                                    .out_stride = width + 1,
                                    .scratch = scratch};
    v->attend(&h);
    free(scratch);
}

static double attention_error(size_t length, size_t width, const float *qkv, const float *out)
{
    double worst = 0;

    for (size_t i = 0; i < length; i++) {
        double weights[MOST], sum = 0;
        for (size_t j = 0; j < length; j++) {
            double score = 0;
            for (size_t c = 0; c < width; c++)
                score += (double)qkv[i * 3 * width + c] * (double)qkv[(j * 3 + 1) * width + c];
            weights[j] = exp(score / sqrt((double)width));
            sum += weights[j];
        }
        for (size_t c = 0; c < width; c++) {
            double want = 0;
            for (size_t j = 0; j < length; j++)
                want += weights[j] / sum * (double)qkv[(j * 3 + 2) * width + c];
            worst = fmax(worst, fabs(want - (double)out[i * (width + 1) + c]));
        }
    }
    return worst;
}

static void attention_is_the_softmax_weighted_mean(void)
{
    static const size_t lengths[] = {1, 2, 3, 4, 5, 15, 16, 17, 31, 33, 64, 100, 512};
    static const size_t widths[] = {1, 3, 8, 16, 20, 32, 33, 64, 128};
    const struct lac_encode_cpu_vector *v;

    for (size_t f = 0; (v = form(f)); f++)
        for (size_t l = 0; l < LAC_COUNT(lengths); l++)
            for (size_t w = 0; w < LAC_COUNT(widths); w++) {
                size_t length = lengths[l], width = widths[w];
                float *qkv = malloc(length * 3 * width * sizeof *qkv);
                float *out = calloc(length * (width + 1), sizeof *out);
                bool apart = true;
                LAC_TEST_NEED(qkv && out);
                fill(qkv, length * 3 * width, 1.5f);
                attend(v, length, width, qkv, out);
                lac_test_row("%s, %zu tokens, width %zu", v->name, length, width);
                CU_ASSERT(attention_error(length, width, qkv, out) < 3e-6);
                for (size_t i = 0; i < length; i++)
                    apart = apart && out[i * (width + 1) + width] == 0;
                CU_ASSERT(apart);
                free(qkv);
                free(out);
            }
}

static void huge_scores_neither_overflow_nor_vanish(void)
{
    const struct lac_encode_cpu_vector *v;
    float qkv[20 * 3 * 8], out[20 * 9] = {0};

    for (size_t f = 0; (v = form(f)); f++) {
        fill(qkv, LAC_COUNT(qkv), 60);
        attend(v, 20, 8, qkv, out);
        CU_ASSERT(attention_error(20, 8, qkv, out) < 1e-3);
    }
}

static void bfloat16_is_the_nearest(void)
{
    const struct lac_encode_cpu_vector *v;

    for (size_t f = 0; (v = form(f)); f++)
        for (int i = 0; i < 2000; i++) {
            float x[19], back;
            uint16_t got[20] = {0};
            fill(x, 19, 1000);
            v->bf16(got, x, 19);
            for (int c = 0; c < 19; c++) {
                uint32_t bits = (uint32_t)got[c] << 16;
                memcpy(&back, &bits, sizeof back);
                CU_ASSERT(fabsf(back - x[c]) <= fabsf(x[c]) * 0x1p-8f);
            }
            LAC_TEST_EQ(got[19], 0);
        }
}

/* Everything at once, for one form of the functions. */
static size_t do_all(const struct lac_encode_cpu_vector *v, const float *in, size_t count,
                     float *out)
{
    size_t width = count / 12 + 1, length = count / (3 * width), n = 0;
    uint16_t half[MOST];

    v->norm(out + n, in, in + count, in + 2 * count, in + 3 * count, count, 1e-12f);
    n += count;
    memcpy(out + n, in, count * sizeof *out);
    v->gelu(out + n, count);
    n += count;
    memcpy(out + n, in, count * sizeof *out);
    v->add(out + n, in + count, count);
    v->finish(out + n, count, 7, true);
    n += count;
    v->bf16(half, in, count);
    for (size_t i = 0; i < count; i++)
        out[n++] = (float)half[i];
    if (length > 0) {
        memset(out + n, 0, length * (width + 1) * sizeof *out);
        attend(v, length, width, in, out + n);
        n += length * (width + 1);
    }
    return n;
}

static void all_processors_give_the_same_bits(void)
{
    static float in[4 * MOST], want[8 * MOST], got[8 * MOST];
    const struct lac_encode_cpu_vector *v;

    lac_test_seed();
    for (int round = 0; round < LAC_TEST_ROUNDS(300, 40); round++) {
        size_t count = 1 + lac_test_random(MOST - 1), n;
        fill(in, 4 * count, any(1) > 0 ? 1 : 30);
        n = do_all(&lac_encode_cpu_vector_plain, in, count, want);
        for (size_t f = 0; (v = form(f)); f++) {
            LAC_TEST_EQ(do_all(v, in, count, got), n);
            CU_ASSERT(memcmp(got, want, n * sizeof *got) == 0);
        }
    }
}

LAC_TEST_MAIN(encode_cpu_vector, gelu_is_that_of_erf, norm_has_mean_and_variance_of_its_own,
              attention_is_the_softmax_weighted_mean, huge_scores_neither_overflow_nor_vanish,
              bfloat16_is_the_nearest, all_processors_give_the_same_bits)
