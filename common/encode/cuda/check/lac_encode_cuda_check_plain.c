/* SPDX-License-Identifier: Apache-2.0 */
/* The right answers: BERT's arithmetic (Devlin et al. 2018), step by step, in fp32. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lac_encode_cuda_check.h"

enum { LANES = 16 }; /* partial sums, so that a compiler can use vectors without reordering */

static float dot(const float *a, const float *b, size_t count)
{
    float part[LANES] = {0}, sum = 0;
    size_t i = 0;

    for (; i + LANES <= count; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            part[j] += a[i + j] * b[i + j];
    for (; i < count; i++)
        sum += a[i] * b[i];
    for (size_t j = 0; j < LANES; j++)
        sum += part[j];
    return sum;
}

void lac_check_product(const float *x, const float *w, const float *bias, size_t rows, size_t n,
                       size_t k, float *y)
{
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < rows; i++)
            y[i * n + j] = dot(x + i * k, w + j * k, k) + (bias ? bias[j] : 0.0f);
}

void lac_check_norm(float *row, const float *weight, const float *bias, float eps, size_t hidden)
{
    double mean = 0, variance = 0;

    for (size_t i = 0; i < hidden; i++)
        mean += row[i];
    mean /= (double)hidden;
    for (size_t i = 0; i < hidden; i++)
        variance += (row[i] - mean) * (row[i] - mean);
    variance /= (double)hidden;
    for (size_t i = 0; i < hidden; i++)
        row[i] = (float)((row[i] - mean) / sqrt(variance + (double)eps)) * weight[i] + bias[i];
}

void lac_check_attention(const float *qkv, size_t size, size_t hidden, size_t heads, float *out)
{
    size_t head_size = hidden / heads;
    float *weight = lac_check_memory(size * sizeof(*weight));

    for (size_t h = 0; h < heads; h++) {
        for (size_t i = 0; i < size; i++) {
            const float *q = qkv + i * 3 * hidden + h * head_size;
            float *to = out + i * hidden + h * head_size;
            float largest = -INFINITY, sum = 0;
            for (size_t j = 0; j < size; j++) {
                const float *k = qkv + j * 3 * hidden + hidden + h * head_size;
                weight[j] = dot(q, k, head_size) / sqrtf((float)head_size);
                largest = fmaxf(largest, weight[j]);
            }
            for (size_t j = 0; j < size; j++)
                sum += weight[j] = expf(weight[j] - largest);
            memset(to, 0, head_size * sizeof(*to));
            for (size_t j = 0; j < size; j++) {
                const float *v = qkv + j * 3 * hidden + 2 * hidden + h * head_size;
                for (size_t d = 0; d < head_size; d++)
                    to[d] += weight[j] / sum * v[d];
            }
        }
    }
    free(weight);
}

float lac_check_gelu(float x)
{
    return 0.5f * x * (1.0f + erff(x * 0.70710678f));
}

double lac_check_cosine(const float *a, const float *b, size_t count)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < count; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return ab / sqrt(aa * bb);
}

static const float *values(const struct lac_encode_tensor *t)
{
    return t->data; /* generated weights are fp32 and aligned */
}

/* One layer, in place; `wide` holds size x max(3 hidden, ffn), `a` and `b` size x hidden. */
static void layer(const struct lac_encode_weights *w, const struct lac_encode_layer *l, float *x,
                  size_t size, float *wide, float *a, float *b)
{
    size_t hidden = w->hidden;
    const struct lac_encode_tensor *part[3] = {&l->q, &l->k, &l->v};
    const struct lac_encode_tensor *part_bias[3] = {&l->q_bias, &l->k_bias, &l->v_bias};

    for (size_t p = 0; p < 3; p++) {
        lac_check_product(x, values(part[p]), values(part_bias[p]), size, hidden, hidden, a);
        for (size_t i = 0; i < size; i++)
            memcpy(wide + (i * 3 + p) * hidden, a + i * hidden, hidden * sizeof(*a));
    }
    lac_check_attention(wide, size, hidden, w->heads, a);
    lac_check_product(a, values(&l->out), values(&l->out_bias), size, hidden, hidden, b);
    for (size_t i = 0; i < size * hidden; i++)
        x[i] += b[i];
    for (size_t i = 0; i < size; i++)
        lac_check_norm(x + i * hidden, values(&l->norm1), values(&l->norm1_bias), w->eps, hidden);
    lac_check_product(x, values(&l->up), values(&l->up_bias), size, w->ffn, hidden, wide);
    for (size_t i = 0; i < size * w->ffn; i++)
        wide[i] = lac_check_gelu(wide[i]);
    lac_check_product(wide, values(&l->down), values(&l->down_bias), size, hidden, w->ffn, b);
    for (size_t i = 0; i < size * hidden; i++)
        x[i] += b[i];
    for (size_t i = 0; i < size; i++)
        lac_check_norm(x + i * hidden, values(&l->norm2), values(&l->norm2_bias), w->eps, hidden);
}

static void pool(const struct lac_encode_weights *w, const float *x, size_t size, float *out)
{
    double squares = 0;

    if (w->pooling == LAC_ENCODE_POOL_CLS)
        size = 1;
    for (size_t c = 0; c < w->hidden; c++) {
        double sum = 0;
        for (size_t i = 0; i < size; i++)
            sum += x[i * w->hidden + c];
        out[c] = (float)(sum / (double)size);
        squares += (double)out[c] * out[c];
    }
    for (size_t c = 0; w->normalize && c < w->hidden; c++)
        out[c] = (float)(out[c] / fmax(sqrt(squares), 1e-12));
}

void lac_check_forward(const struct lac_encode_weights *w, const int32_t *ids, size_t size,
                       float *out)
{
    size_t hidden = w->hidden, widest = w->ffn > 3 * hidden ? w->ffn : 3 * hidden;
    float *x = lac_check_memory(size * hidden * sizeof(*x));
    float *a = lac_check_memory(size * hidden * sizeof(*a));
    float *b = lac_check_memory(size * hidden * sizeof(*b));
    float *wide = lac_check_memory(size * widest * sizeof(*wide));

    for (size_t i = 0; i < size; i++) {
        const float *word = values(&w->words) + (size_t)ids[i] * hidden;
        for (size_t c = 0; c < hidden; c++)
            x[i * hidden + c] = word[c] + values(&w->places)[i * hidden + c] + values(&w->kinds)[c];
        lac_check_norm(x + i * hidden, values(&w->norm), values(&w->norm_bias), w->eps, hidden);
    }
    for (size_t i = 0; i < w->layers; i++)
        layer(w, &w->layer[i], x, size, wide, a, b);
    pool(w, x, size, out);
    free(x);
    free(a);
    free(b);
    free(wide);
}
