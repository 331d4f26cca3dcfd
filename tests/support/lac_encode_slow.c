/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_encode_slow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double *take(size_t count)
{
    double *p = calloc(count, sizeof *p);
    if (!p)
        abort();
    return p;
}

static float *read_all(const struct lac_encode_tensor *t)
{
    size_t count = (size_t)t->rows * t->cols;
    float *p = calloc(count, sizeof *p);
    if (!p)
        abort();
    lac_encode_tensor_read(t, 0, count, p);
    return p;
}

/* y = x W^T + b */
static void linear(const struct lac_encode_tensor *weight, const struct lac_encode_tensor *bias,
                   const double *x, size_t rows, double *y)
{
    float *w = read_all(weight), *b = read_all(bias);

    for (size_t r = 0; r < rows; r++)
        for (size_t o = 0; o < weight->rows; o++) {
            double sum = b[o];
            for (size_t i = 0; i < weight->cols; i++)
                sum += x[r * weight->cols + i] * w[o * weight->cols + i];
            y[r * weight->rows + o] = sum;
        }
    free(w);
    free(b);
}

static void norm(const struct lac_encode_tensor *gain, const struct lac_encode_tensor *bias,
                 double eps, double *x, size_t rows, size_t count)
{
    float *g = read_all(gain), *b = read_all(bias);

    for (size_t r = 0; r < rows; r++, x += count) {
        double mean = 0, variance = 0;
        for (size_t i = 0; i < count; i++)
            mean += x[i] / (double)count;
        for (size_t i = 0; i < count; i++)
            variance += (x[i] - mean) * (x[i] - mean) / (double)count;
        for (size_t i = 0; i < count; i++)
            x[i] = (x[i] - mean) / sqrt(variance + eps) * g[i] + b[i];
    }
    free(g);
    free(b);
}

static void attend(const struct lac_encode_weights *w, const double *q, const double *k,
                   const double *v, size_t rows, double *out)
{
    size_t width = w->hidden / w->heads;
    double *p = take(rows);

    for (size_t h = 0; h < w->heads; h++)
        for (size_t i = 0; i < rows; i++) {
            double sum = 0;
            for (size_t j = 0; j < rows; j++) {
                double score = 0;
                for (size_t c = h * width; c < (h + 1) * width; c++)
                    score += q[i * w->hidden + c] * k[j * w->hidden + c];
                p[j] = exp(score / sqrt((double)width));
                sum += p[j];
            }
            for (size_t c = h * width; c < (h + 1) * width; c++) {
                double value = 0;
                for (size_t j = 0; j < rows; j++)
                    value += p[j] / sum * v[j * w->hidden + c];
                out[i * w->hidden + c] = value;
            }
        }
    free(p);
}

static void add(double *x, const double *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] += y[i];
}

static void run_layer(const struct lac_encode_weights *w, const struct lac_encode_layer *l,
                      double *x, size_t rows)
{
    size_t size = rows * w->hidden;
    double *q = take(size), *k = take(size), *v = take(size), *y = take(size);
    double *wide = take(rows * w->ffn);

    linear(&l->q, &l->q_bias, x, rows, q);
    linear(&l->k, &l->k_bias, x, rows, k);
    linear(&l->v, &l->v_bias, x, rows, v);
    attend(w, q, k, v, rows, y);
    linear(&l->out, &l->out_bias, y, rows, q);
    add(x, q, size);
    norm(&l->norm1, &l->norm1_bias, (double)w->eps, x, rows, w->hidden);
    linear(&l->up, &l->up_bias, x, rows, wide);
    for (size_t i = 0; i < rows * w->ffn; i++)
        wide[i] = wide[i] * erfc(-wide[i] / sqrt(2)) / 2;
    linear(&l->down, &l->down_bias, wide, rows, q);
    add(x, q, size);
    norm(&l->norm2, &l->norm2_bias, (double)w->eps, x, rows, w->hidden);
    free(q);
    free(k);
    free(v);
    free(y);
    free(wide);
}

void lac_encode_slow(const struct lac_encode_weights *w, const int32_t *ids, size_t count,
                     double *out)
{
    size_t hidden = w->hidden, pooled = w->pooling == LAC_ENCODE_POOL_CLS ? 1 : count;
    float *words = read_all(&w->words), *places = read_all(&w->places);
    float *kinds = read_all(&w->kinds);
    double *x = take(count * hidden), length = 0;

    for (size_t t = 0; t < count; t++)
        for (size_t c = 0; c < hidden; c++)
            x[t * hidden + c] = (double)words[(size_t)ids[t] * hidden + c] +
                                (double)places[t * hidden + c] + (double)kinds[c];
    norm(&w->norm, &w->norm_bias, (double)w->eps, x, count, hidden);
    for (size_t i = 0; i < w->layers; i++)
        run_layer(w, &w->layer[i], x, count);
    memset(out, 0, hidden * sizeof *out);
    for (size_t t = 0; t < pooled; t++)
        for (size_t c = 0; c < hidden; c++)
            out[c] += x[t * hidden + c] / (double)pooled;
    for (size_t c = 0; c < hidden; c++)
        length += out[c] * out[c];
    for (size_t c = 0; c < hidden && w->normalize; c++)
        out[c] /= sqrt(length);
    free(words);
    free(places);
    free(kinds);
    free(x);
}
