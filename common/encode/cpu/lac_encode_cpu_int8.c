/* SPDX-License-Identifier: Apache-2.0 */
/* Weights in 8 bits, the plain form of their products, and which form is used. */
#include "lac_encode_cpu_int8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TARGET
enum { ROWS = 1, VECTORS = 1, BIAS = 0, SPREAD_MOST = 32 };
#define EACH_ROW(X)       X(0)
#define EACH_VECTOR(X, r) X(r, 0)

#include "lac_encode_cpu_ops_plain.h"

struct sums {
    int32_t i[LAC_ENCODE_CPU_LANES];
};
typedef struct sums sums;
typedef const uint8_t *four;
typedef const int8_t *sixteen;

static inline sums s_start(const int32_t *offsets)
{
    (void)offsets; /* activations are stored without BIAS */
    return (sums){{0}};
}

static inline four s_load(const uint8_t *x)
{
    return x;
}

static inline sixteen s_weights(const int8_t *w)
{
    return w;
}

static inline sums s_add(sums s, four x, sixteen w)
{
    for (size_t o = 0; o < LAC_ENCODE_CPU_LANES; o++)
        for (size_t k = 0; k < LAC_ENCODE_CPU_GROUP; k++)
            s.i[o] += (int8_t)x[k] * w[o * LAC_ENCODE_CPU_GROUP + k];
    return s;
}

static inline vec s_floats(sums s)
{
    vec v;
    for (size_t i = 0; i < LAC_ENCODE_CPU_LANES; i++)
        v.f[i] = (float)s.i[i];
    return v;
}

/* The low byte of a float that 1.5 * 2^23 was added to is the number, rounded to the nearest. */
static inline void s_bytes(uint8_t *out, vec v, size_t n)
{
    v = v_max(v_min(v, v_set(127.0f)), v_set(-128.0f));
    v = v_add(v, v_set(0x1.8p23f));
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &v.f[i], sizeof bits);
        out[i] = (uint8_t)bits;
    }
}

#include "lac_encode_cpu_int8_body.h"

const struct lac_encode_cpu_int8 lac_encode_cpu_int8_plain = LAC_ENCODE_CPU_INT8("plain");

#ifdef __x86_64__
/* CPUID leaf 7, subleaf 1, EAX bit 4: AVX-VNNI (Intel's manual, volume 2). gcc 12 has no name. */
static bool has_avxvnni(void)
{
    uint32_t a = 7, b, c = 1, d;

    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return false; /* also: the system saves the registers */
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return a >> 4 & 1;
}
#endif

const struct lac_encode_cpu_int8 *lac_encode_cpu_int8_at(size_t index)
{
    const struct lac_encode_cpu_int8 *forms[4] = {NULL};
    size_t count = 0;

#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        forms[count++] = &lac_encode_cpu_int8_avx512vnni;
    if (has_avxvnni())
        forms[count++] = &lac_encode_cpu_int8_avxvnni;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        forms[count++] = &lac_encode_cpu_int8_avx2;
#endif
    forms[count++] = &lac_encode_cpu_int8_plain;
    return index < count ? forms[index] : NULL;
}

size_t lac_encode_cpu_int8_group(size_t in)
{
    size_t vectors = in / LANES, group = vectors & -vectors; /* its largest power of two */

    return group > SPREAD_MOST ? SPREAD_MOST : group > 0 ? group : 1;
}

/* What an input is divided by: sqrt(its size / the size of its largest weight). */
static void choose_factors(struct lac_encode_cpu_weights8 *w, float *weights, const float *squares)
{
    float most = 0, largest = 0;

    for (size_t k = 0; k < w->in; k++)
        most = squares[k] > most ? squares[k] : most;
    for (size_t i = 0; i < w->width * w->in; i++)
        largest = fabsf(weights[i]) > largest ? fabsf(weights[i]) : largest;
    if (!(most > 0) || !(largest > 0) || !isfinite(most))
        return;
    for (size_t k = 0; k < w->in; k++) {
        float size = sqrtf(squares[k] / most), weight = 0, factor;
        for (size_t o = 0; o < w->width; o++)
            weight = fmaxf(weight, fabsf(weights[o * w->in + k]) / largest);
        factor = sqrtf(fmaxf(size, 1e-4f) / fmaxf(weight, 1e-4f));
        w->smooth[k] = 1 / factor;
        for (size_t o = 0; o < w->width; o++)
            weights[o * w->in + k] *= factor;
    }
}

/* Weights for inputs that are spread: the transform is its own inverse, times the group's size, a
 * power of two, so that dividing by it rounds nothing. It makes inputs larger by the root of that:
 * those that are not spread become so by their factors. */
static void spread_weights(struct lac_encode_cpu_weights8 *w, float *weights)
{
    size_t whole = w->in / LANES * LANES;
    float by = (float)lac_encode_cpu_int8_group(w->in), root = sqrtf(by);

    for (size_t k = whole; k < w->in; k++)
        w->smooth[k] *= root;
    for (size_t o = 0; o < w->width; o++) {
        float *row = weights + o * w->in;
        spread_row(row, row, NULL, w->in, NULL);
        for (size_t k = 0; k < w->in; k++)
            row[k] /= k < whole ? by : root;
    }
}

/* What round() makes of an input before it is rounded. */
static void spread_input(const struct lac_encode_cpu_weights8 *w, const float *x, float *out)
{
    spread_row(out, x, w->smooth, w->in, NULL);
    for (size_t k = w->in / LANES * LANES; k < w->in; k++)
        out[k] = x[k] * w->smooth[k];
}

/* One output's weights, rounded to the nearest step of a range that spans the largest. What that
 * does to the mean input is taken off the bias. */
static void round_output(struct lac_encode_cpu_weights8 *w, size_t output, const float *row,
                         const float *mean)
{
    int8_t *panel = w->bytes + output / PANEL * PANEL * w->groups * GROUP;
    float most = 0, lost = 0;
    int32_t total = 0;

    for (size_t k = 0; k < w->in; k++)
        most = fabsf(row[k]) > most ? fabsf(row[k]) : most;
    w->scale[output] = most / 127;
    for (size_t k = 0; k < w->in; k++) {
        float steps = w->scale[output] > 0 ? rintf(row[k] / w->scale[output]) : 0;
        int8_t byte = (int8_t)(steps > 127 ? 127 : steps < -127 ? -127 : steps);
        panel[(k / GROUP * PANEL + output % PANEL) * GROUP + k % GROUP] = byte;
        total += byte;
        if (mean)
            lost += (row[k] - (float)byte * w->scale[output]) * mean[k];
    }
    w->bias[output] += lost;
    w->total[output] = (float)total * w->scale[output];
    w->offset[output] = -128 * total;
}

static bool take_memory(struct lac_encode_cpu_weights8 *w)
{
    size_t outputs = w->panels * PANEL, size = outputs * w->groups * GROUP;

    w->bytes = aligned_alloc(64, size); /* a multiple of 64: PANEL * GROUP is 128 */
    w->scale = calloc(outputs, sizeof *w->scale);
    w->total = calloc(outputs, sizeof *w->total);
    w->bias = calloc(outputs, sizeof *w->bias);
    w->offset = calloc(outputs, sizeof *w->offset);
    w->smooth = calloc(w->in, sizeof *w->smooth);
    if (!w->bytes || !w->scale || !w->total || !w->bias || !w->offset || !w->smooth)
        return false;
    memset(w->bytes, 0, size);
    for (size_t k = 0; k < w->in; k++)
        w->smooth[k] = 1;
    return true;
}

static enum lac_status no_memory(struct lac_err *err)
{
    return lac_err_set(err, LAC_RETRY, 0, "encoder: no memory for weights");
}

enum lac_status lac_encode_cpu_weights8_open(struct lac_encode_cpu_weights8 **out, size_t in,
                                             size_t width, float *weights, const float *bias,
                                             const struct lac_encode_cpu_usual *usual,
                                             struct lac_err *err)
{
    struct lac_encode_cpu_weights8 *w;
    float *mean = NULL;

    for (size_t i = 0; i < width * in; i++)
        if (!isfinite(weights[i]))
            return lac_err_set(err, LAC_REJECT, 0, "cpu-int8: a weight is no finite number");
    w = calloc(1, sizeof *w);
    if (!w)
        return no_memory(err);
    w->in = in;
    w->width = width;
    w->groups = (in + GROUP - 1) / GROUP;
    w->panels = (width + PANEL - 1) / PANEL;
    if (!take_memory(w)) {
        lac_encode_cpu_weights8_close(w);
        return no_memory(err);
    }
    memcpy(w->bias, bias, width * sizeof *bias);
    if (usual)
        choose_factors(w, weights, usual->squares);
    spread_weights(w, weights);
    if (usual) {
        mean = malloc(in * sizeof *mean);
        if (!mean) {
            lac_encode_cpu_weights8_close(w);
            return no_memory(err);
        }
        spread_input(w, usual->means, mean);
    }
    for (size_t o = 0; o < width; o++)
        round_output(w, o, weights + o * in, mean);
    free(mean);
    *out = w;
    return LAC_OK;
}

void lac_encode_cpu_weights8_close(struct lac_encode_cpu_weights8 *w)
{
    if (!w)
        return;
    free(w->bytes);
    free(w->scale);
    free(w->total);
    free(w->bias);
    free(w->offset);
    free(w->smooth);
    free(w);
}

/* A product with every kind of block: whole and partial rows, panels, groups. */
enum { TRY_IN = 70, TRY_WIDTH = 90, TRY_ROWS = 9, TRY_ROW = (TRY_IN + 3) / 4 * 4 };

static void try_form(const struct lac_encode_cpu_int8 *form,
                     const struct lac_encode_cpu_weights8 *w, const float *x, float *out)
{
    uint8_t bytes[TRY_ROWS * TRY_ROW];
    struct lac_encode_cpu_range ranges[TRY_ROWS];
    float room[TRY_IN];

    for (size_t r = 0; r < TRY_ROWS; r++)
        ranges[r] = form->round(bytes + r * TRY_ROW, x + r * TRY_IN, w, room);
    form->multiply(w, TRY_ROWS, bytes, ranges, out, false);
}

enum lac_status lac_encode_cpu_int8_check(const struct lac_encode_cpu_int8 *form,
                                          struct lac_err *err)
{
    float weights[TRY_WIDTH * TRY_IN], bias[TRY_WIDTH], x[TRY_ROWS * TRY_IN];
    float want[TRY_ROWS * TRY_WIDTH], got[TRY_ROWS * TRY_WIDTH], squares[TRY_IN], means[TRY_IN];
    const struct lac_encode_cpu_usual usual = {squares, means};
    struct lac_encode_cpu_weights8 *w = NULL;
    enum lac_status status;

    for (size_t i = 0; i < LAC_COUNT(weights); i++)
        weights[i] = (float)((i * 7919) % 1009) - 504;
    for (size_t i = 0; i < TRY_WIDTH; i++)
        bias[i] = (float)i - 40;
    for (size_t i = 0; i < LAC_COUNT(x); i++)
        x[i] = (float)((i * 104729) % 997) * 0.01f - 3;
    for (size_t i = 0; i < TRY_IN; i++) {
        squares[i] = (float)(i % 9);
        means[i] = (float)(i % 5) - 2;
    }
    status = lac_encode_cpu_weights8_open(&w, TRY_IN, TRY_WIDTH, weights, bias, &usual, err);
    if (status != LAC_OK)
        return status;
    try_form(&lac_encode_cpu_int8_plain, w, x, want);
    try_form(form, w, x, got);
    lac_encode_cpu_weights8_close(w);
    /* Every bit counts.
     * NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
    if (memcmp(got, want, sizeof got) == 0)
        return LAC_OK;
    return lac_err_set(err, LAC_REJECT, 0, "cpu-int8: this processor's %s gives other results",
                       form->name);
}
