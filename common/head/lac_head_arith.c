/* SPDX-License-Identifier: Apache-2.0 */
/* Integers only, apart from the one step that makes them. */
#include "lac_head_params.h"

#include <math.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { VECTOR_BITS = 15 };

/* Multiplying by a power of two and adding a half are exact in doubles for every float of a unit
 * vector, so this rounds the same way on every machine. */
bool lac_head_quantise(const float *vector, size_t width, int16_t *out)
{
    const int64_t one = (int64_t)1 << (2 * VECTOR_BITS);
    int64_t squares = 0;

    for (size_t i = 0; i < width; i++) {
        double scaled = (double)vector[i] * (1 << VECTOR_BITS);

        if (!(scaled >= INT16_MIN && scaled <= INT16_MAX + 1.0)) /* also when it is no number */
            return false;
        scaled = floor(scaled + 0.5);
        out[i] = (int16_t)(scaled > INT16_MAX ? INT16_MAX : scaled);
        squares += (int64_t)out[i] * out[i];
    }
    return squares > one - one / 50 && squares < one + one / 50;
}

static uint64_t square_root(uint64_t v)
{
    uint64_t root = 0;

    for (int bit = 31; bit >= 0; bit--) {
        uint64_t next = root | (uint64_t)1 << bit;

        if (next * next <= v)
            root = next;
    }
    return root;
}

int64_t lac_head_root_part(uint32_t n)
{
    return (int64_t)square_root(((uint64_t)1 << 40) / n);
}

/* similarity = dot / (2^15 |e|) = dot x multiplier / 2^44, and Q20 is 2^20 of that. */
uint32_t lac_head_multiplier(const int8_t *exemplar, size_t width)
{
    uint64_t squares = 0;

    for (size_t i = 0; i < width; i++)
        squares += (uint64_t)(exemplar[i] * exemplar[i]);
    return squares == 0 ? 0 : (uint32_t)square_root(((uint64_t)1 << 58) / squares);
}

/* No sum of some of the products can pass 2^15 |e| (Cauchy and Schwarz), which is below 2^28. */
static int32_t dot_plain(const int16_t *q, const int8_t *e, size_t width)
{
    int32_t sum = 0;

    for (size_t i = 0; i < width; i++)
        sum += q[i] * e[i];
    return sum;
}

int32_t lac_head_similarity_plain(const int16_t *q, const int8_t *exemplar, size_t width,
                                  uint32_t multiplier)
{
    return lac_head_scaled(dot_plain(q, exemplar, width), multiplier);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static int32_t dot_avx2(const int16_t *q, const int8_t *e,
                                                        size_t width)
{
    __m256i sum = _mm256_setzero_si256();
    __m128i half;
    size_t i = 0;

    for (; i + 16 <= width; i += 16) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(q + i));
        __m256i b = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(e + i)));

        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
    }
    half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1));
    return _mm_cvtsi128_si32(half) + dot_plain(q + i, e + i, width - i);
}
#endif

int32_t lac_head_similarity(const int16_t *q, const int8_t *exemplar, size_t width,
                            uint32_t multiplier)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        return lac_head_scaled(dot_avx2(q, exemplar, width), multiplier);
#endif
    return lac_head_similarity_plain(q, exemplar, width, multiplier);
}

/* e^x = 2^-(n + f): the fraction's bits choose factors 2^-(2^-k), k = 1 .. 30, in Q32. */
uint64_t lac_head_exp(int64_t x)
{
    static const uint64_t factors[30] = {
        3037000500, 3611622603, 3938502376, 4112874773, 4202935003, 4248701965,
        4271771996, 4283353945, 4289156690, 4292061010, 4293513907, 4294240540,
        4294603903, 4294785595, 4294876445, 4294921870, 4294944583, 4294955939,
        4294961618, 4294964457, 4294965876, 4294966586, 4294966941, 4294967119,
        4294967207, 4294967252, 4294967274, 4294967285, 4294967290, 4294967293};
    const int64_t least = -(int64_t)22 * LAC_HEAD_ONE; /* 2^-32 is nothing */
    const uint64_t log2_e = 1549082005;                /* Q30 */
    uint64_t power, value = (uint64_t)1 << 32;

    if (x >= 0)
        return value;
    if (x < least)
        return 0;
    power = ((uint64_t)-x * log2_e) >> 20; /* Q30 */
    for (int k = 0; k < 30; k++)
        if (power >> (29 - k) & 1)
            value = (value * factors[k] + ((uint64_t)1 << 31)) >> 32;
    return value >> (power >> 30);
}

void lac_head_kernel(uint32_t sharpness, uint32_t out[LAC_HEAD_KERNEL_SIZE])
{
    for (int64_t i = 0; i < LAC_HEAD_KERNEL_SIZE; i++) {
        int64_t below_one = (LAC_HEAD_KERNEL_SIZE - 1 - i) << (20 - LAC_HEAD_KERNEL_BITS);

        out[i] = (uint32_t)((lac_head_exp(-(below_one * sharpness >> 16)) + 128) >> 8);
    }
}

/* Shell's sort: no memory, and there are at most a thousand. Returns how many different ones. */
static size_t distinct(int32_t *ids, size_t count)
{
    size_t kept = 0;

    for (size_t gap = count / 2; gap > 0; gap /= 2)
        for (size_t i = gap; i < count; i++) {
            int32_t v = ids[i];
            size_t at = i;

            for (; at >= gap && ids[at - gap] > v; at -= gap)
                ids[at] = ids[at - gap];
            ids[at] = v;
        }
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    return kept;
}

/* The multipliers are odd numbers with many bits set: neighbouring ids end far apart. */
static int32_t pair_id(int32_t a, int32_t b)
{
    uint64_t x = ((uint64_t)(uint32_t)a << 32 | (uint32_t)b) * 0x9E3779B97F4A7C15u;

    x = (x ^ x >> 32) * 0xD6E8FEB86659FD93u;
    return LAC_HEAD_PAIR_FIRST + (int32_t)(x >> (64 - LAC_HEAD_PAIR_BITS));
}

size_t lac_head_words(const int32_t *ids, size_t count, int32_t out[LAC_HEAD_TEXT_WORD_MAX])
{
    enum { BEGIN = -1, END = -2 };
    int32_t before = BEGIN;
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        if (ids[i] >= 0 && ids[i] < LAC_HEAD_PAIR_FIRST)
            out[n++] = ids[i];
        out[n++] = pair_id(before, ids[i]);
        before = ids[i];
    }
    if (count > 0)
        out[n++] = pair_id(before, END);
    return distinct(out, n);
}

/* Scores are below 2^14 x 2^24 x 2^24 / 2^24 = 2^38 in Q20, weights below 2^27: a 128-bit product
 * is needed only for what no training makes, so values are clamped to +-2^30 (1,024) instead. */
void lac_head_likelihoods(const struct lac_head_params *p, const int64_t *f,
                          uint32_t out[LAC_TIER_COUNT])
{
    const int64_t most = (int64_t)1 << 30;
    int64_t logs[LAC_TIER_COUNT], top = INT64_MIN;

    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        int64_t sum = 0;

        for (int i = 0; i < LAC_HEAD_INPUTS; i++) {
            int64_t v = f[i] < -most ? -most : f[i] > most ? most : f[i];

            sum += v * p->weights[t][i];
        }
        logs[t] = (sum >> 20) + p->bias[t] - p->log_prior[t] + p->guard[t];
        top = logs[t] > top ? logs[t] : top;
    }
    for (int t = 0; t < LAC_TIER_COUNT; t++) {
        uint64_t v = (lac_head_exp(logs[t] - top) * 1000000 + ((uint64_t)1 << 31)) >> 32;

        out[t] = v < p->floor ? p->floor : (uint32_t)v;
    }
}
