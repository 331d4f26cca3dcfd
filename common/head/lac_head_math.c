/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_head_math.h"

#include <math.h>

enum { BLOCK = 32, TILE = 512 };

/* x = k ln 2 + r, |r| <= 0.35; the series to r^13 is exact to the last place there. */
double lac_head_math_exp(double x)
{
    const double ln2_high = 0x1.62e42fefa0000p-1, ln2_low = 0x1.cf79abc9e3b3ap-40;
    double k = floor(x * 0x1.71547652b82fep+0 + 0.5), r, sum = 1;

    if (x < -700)
        return 0;
    r = x - k * ln2_high - k * ln2_low;
    for (int i = 13; i >= 1; i--)
        sum = 1 + sum * r / i;
    return ldexp(sum, (int)k);
}

/* x = 2^k m, m around 1; log m = 2 artanh((m - 1) / (m + 1)). */
double lac_head_math_log(double x)
{
    int k;
    double m = frexp(x, &k), s, square, sum = 0;

    if (m < 0x1.6a09e667f3bcdp-1) {
        m *= 2;
        k--;
    }
    s = (m - 1) / (m + 1);
    square = s * s;
    for (int i = 23; i >= 1; i -= 2)
        sum = sum * square + 1.0 / i;
    return 2 * s * sum + k * 0x1.62e42fefa39efp-1;
}

void lac_head_math_add(double *to, const double *from, double factor, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += factor * from[i];
}

/* row[i] minus the block's rows p, each times its element in column i: four at a time, because
 * memory is what it waits for. */
__attribute__((always_inline)) static inline void subtract_body(const double *restrict a, size_t n,
                                                                size_t from, size_t to, size_t i,
                                                                double *restrict row, size_t first,
                                                                size_t last)
{
    size_t p = from;

    for (; p + 4 <= to; p += 4) {
        const double *p0 = a + p * n, *p1 = p0 + n, *p2 = p1 + n, *p3 = p2 + n;
        double f0 = p0[i], f1 = p1[i], f2 = p2[i], f3 = p3[i];

        for (size_t j = first; j < last; j++)
            row[j] -= (f0 * p0[j] + f1 * p1[j]) + (f2 * p2[j] + f3 * p3[j]);
    }
    for (; p < to; p++) {
        const double *p0 = a + p * n;

        for (size_t j = first; j < last; j++)
            row[j] -= p0[i] * p0[j];
    }
}

/* Wider registers hold more columns at once; each column's sum is taken in the same order, so all
 * of them give the same bits. */
#if defined(__x86_64__)
__attribute__((target("avx512f"))) static void subtract_avx512(const double *a, size_t n,
                                                               size_t from, size_t to, size_t i,
                                                               double *row, size_t first,
                                                               size_t last)
{
    subtract_body(a, n, from, to, i, row, first, last);
}

__attribute__((target("avx2"))) static void subtract_avx2(const double *a, size_t n, size_t from,
                                                          size_t to, size_t i, double *row,
                                                          size_t first, size_t last)
{
    subtract_body(a, n, from, to, i, row, first, last);
}
#endif

static void subtract(const double *a, size_t n, size_t from, size_t to, size_t i, double *row,
                     size_t first, size_t last)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        subtract_avx512(a, n, from, to, i, row, first, last);
        return;
    }
    if (__builtin_cpu_supports("avx2")) {
        subtract_avx2(a, n, from, to, i, row, first, last);
        return;
    }
#endif
    subtract_body(a, n, from, to, i, row, first, last);
}

static bool factor_rows(double *a, size_t n, size_t from, size_t to)
{
    for (size_t k = from; k < to; k++) {
        double *row = a + k * n, part;

        subtract(a, n, from, k, k, row, k, n);
        if (!(row[k] > 0)) /* also when it is no number */
            return false;
        part = 1 / sqrt(row[k]);
        for (size_t j = k; j < n; j++)
            row[j] *= part;
    }
    return true;
}

bool lac_head_math_cholesky(double *a, size_t n)
{
    for (size_t from = 0; from < n; from += BLOCK) {
        size_t to = from + BLOCK < n ? from + BLOCK : n;

        if (!factor_rows(a, n, from, to))
            return false;
        for (size_t tile = to; tile < n; tile += TILE) {
            size_t end = tile + TILE < n ? tile + TILE : n;

            for (size_t i = to; i < end; i++)
                subtract(a, n, from, to, i, a + i * n, i > tile ? i : tile, end);
        }
    }
    return true;
}

/* Rows [from, to) of U become those of R = U^-1, whose rows below are there: U R = I gives
 * R[i] = (e_i - sum over p > i of U[i][p] R[p]) / U[i][i]. The lower half holds U', so that the
 * factors are where subtract() looks for them. */
static void invert_rows(double *u, size_t n, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        for (size_t j = i + 1; j < n; j++)
            u[i * n + j] = 0;
    for (size_t p = to; p < n; p += BLOCK) {
        size_t end = p + BLOCK < n ? p + BLOCK : n;

        for (size_t i = from; i < to; i++)
            for (size_t k = p; k < end; k++) /* the block's own triangle */
                subtract(u, n, k, k + 1, i, u + i * n, k, end);
        for (size_t tile = end; tile < n; tile += TILE)
            for (size_t i = from; i < to; i++)
                subtract(u, n, p, end, i, u + i * n, tile, tile + TILE < n ? tile + TILE : n);
    }
    for (size_t i = to; i-- > from;) {
        double part = 1 / u[i * n + i];

        for (size_t k = i + 1; k < to; k++)
            subtract(u, n, k, k + 1, i, u + i * n, k, n);
        for (size_t j = i + 1; j < n; j++)
            u[i * n + j] *= part;
        u[i * n + i] = part;
    }
}

void lac_head_math_invert(double *u, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            u[j * n + i] = u[i * n + j];
    for (size_t to = n; to > 0;) {
        size_t from = (to - 1) / BLOCK * BLOCK;

        invert_rows(u, n, from, to);
        to = from;
    }
}

double lac_head_math_dot(const double *a, const double *b, size_t n)
{
    double sums[8] = {0};
    size_t i = 0;

    for (; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++)
            sums[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        sums[i % 8] += a[i] * b[i];
    return ((sums[0] + sums[4]) + (sums[1] + sums[5])) +
           ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

void lac_head_math_solve(const double *u, size_t n, double *b, size_t columns)
{
    for (size_t k = 0; k < n; k++) {
        const double *row = u + k * n;

        for (size_t c = 0; c < columns; c++) {
            double y = b[k * columns + c] /= row[k];

            for (size_t j = k + 1; j < n; j++)
                b[j * columns + c] -= row[j] * y;
        }
    }
    for (size_t k = n; k-- > 0;) {
        const double *row = u + k * n;

        for (size_t c = 0; c < columns; c++) {
            double sum = b[k * columns + c];

            for (size_t j = k + 1; j < n; j++)
                sum -= row[j] * b[j * columns + c];
            b[k * columns + c] = sum / row[k];
        }
    }
}
