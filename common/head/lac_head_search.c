/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_head_search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static void look_plain(const struct lac_head_search *s, uint32_t panel, const int16_t *q,
                       size_t rows, int32_t cosines[LAC_HEAD_ROWS][LAC_HEAD_PANEL])
{
    const int8_t *bytes = s->bytes + (size_t)panel * s->pairs * LAC_HEAD_PANEL * 2;
    const uint32_t *multipliers = s->multipliers + (size_t)panel * LAC_HEAD_PANEL;

    for (size_t r = 0; r < rows; r++) {
        int32_t sums[LAC_HEAD_PANEL] = {0};

        for (size_t p = 0; p < s->pairs; p++) {
            const int16_t *both = q + (p * LAC_HEAD_ROWS + r) * 2;

            for (size_t e = 0; e < LAC_HEAD_PANEL; e++)
                sums[e] += both[0] * bytes[(p * LAC_HEAD_PANEL + e) * 2] +
                           both[1] * bytes[(p * LAC_HEAD_PANEL + e) * 2 + 1];
        }
        for (size_t e = 0; e < LAC_HEAD_PANEL; e++)
            cosines[r][e] = lac_head_scaled(sums[e], multipliers[e]);
    }
}

#if defined(__x86_64__)
enum { PAIR_BYTES = 2 * LAC_HEAD_PANEL, PAIR_ROWS = 2 * LAC_HEAD_ROWS }; /* two elements of each */

/* Two elements of the row-th vector. */
static inline int32_t pair_at(const int16_t *q, size_t row)
{
    int32_t both;

    memcpy(&both, q + row * 2, sizeof(both));
    return both;
}

#define AVX2 __attribute__((target("avx2")))

/* Low halves of (sum x multiplier + half) >> 24, see lac_head_scaled(); an odd place of eight comes
 * from its upper half. */
AVX2 static inline __m256i scale8(__m256i sums, const uint32_t *multipliers)
{
    const __m256i half = _mm256_set1_epi64x((int64_t)1 << (LAC_HEAD_SIMILARITY_SHIFT - 1));
    __m256i m = _mm256_loadu_si256((const __m256i *)(const void *)multipliers);
    __m256i even = _mm256_mul_epi32(sums, m);
    __m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(sums, 32), _mm256_srli_epi64(m, 32));

    even = _mm256_srli_epi64(_mm256_add_epi64(even, half), LAC_HEAD_SIMILARITY_SHIFT);
    odd = _mm256_slli_epi64(_mm256_add_epi64(odd, half), 32 - LAC_HEAD_SIMILARITY_SHIFT);
    return _mm256_blend_epi32(even, odd, 0xaa);
}

/* A panel with vectors, whose number is known when this is compiled: their sums are registers. */
AVX2 static inline __attribute__((always_inline)) void rows_avx2(const struct lac_head_search *s,
                                                                 uint32_t panel, const int16_t *q,
                                                                 const size_t rows,
                                                                 int32_t (*cosines)[LAC_HEAD_PANEL])
{
    const int8_t *bytes = s->bytes + (size_t)panel * s->pairs * LAC_HEAD_PANEL * 2;
    const uint32_t *multipliers = s->multipliers + (size_t)panel * LAC_HEAD_PANEL;
    __m256i sums[4][2];

#pragma GCC unroll 4
    for (size_t r = 0; r < rows; r++)
        sums[r][0] = sums[r][1] = _mm256_setzero_si256();
    for (size_t p = 0; p < s->pairs; p++, bytes += PAIR_BYTES, q += PAIR_ROWS) {
        const __m128i *at = (const __m128i *)(const void *)bytes;
        __m256i a = _mm256_cvtepi8_epi16(_mm_loadu_si128(at));
        __m256i b = _mm256_cvtepi8_epi16(_mm_loadu_si128(at + 1));
#pragma GCC unroll 4
        for (size_t r = 0; r < rows; r++) {
            __m256i x = _mm256_set1_epi32(pair_at(q, r));
            sums[r][0] = _mm256_add_epi32(sums[r][0], _mm256_madd_epi16(a, x));
            sums[r][1] = _mm256_add_epi32(sums[r][1], _mm256_madd_epi16(b, x));
        }
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < rows; r++) {
        __m256i *out = (__m256i *)(void *)cosines[r];
        _mm256_storeu_si256(out, scale8(sums[r][0], multipliers));
        _mm256_storeu_si256(out + 1, scale8(sums[r][1], multipliers + 8));
    }
}

AVX2 static void look_avx2(const struct lac_head_search *s, uint32_t panel, const int16_t *q,
                           size_t rows, int32_t cosines[LAC_HEAD_ROWS][LAC_HEAD_PANEL])
{
    size_t r = 0;

    for (; r + 4 <= rows; r += 4)
        rows_avx2(s, panel, q + r * 2, 4, cosines + r);
    for (; r < rows; r++)
        rows_avx2(s, panel, q + r * 2, 1, cosines + r);
}

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2")))

enum { AHEAD = 2048 }; /* bytes: what the processor fetches by itself ends with each page */

struct pair {
    int16_t of[2];
};

AVX512 static inline __attribute__((always_inline)) void
rows_avx512(const struct lac_head_search *s, uint32_t panel, const int16_t *q, const size_t rows,
            int32_t (*cosines)[LAC_HEAD_PANEL])
{
    const int8_t *bytes = s->bytes + (size_t)panel * s->pairs * LAC_HEAD_PANEL * 2;
    const uint32_t *multipliers = s->multipliers + (size_t)panel * LAC_HEAD_PANEL;
    __m512i sums[LAC_HEAD_ROWS];

#pragma GCC unroll 24
    for (size_t r = 0; r < rows; r++)
        sums[r] = _mm512_setzero_si512();
    for (size_t p = 0; p < s->pairs; p++, bytes += PAIR_BYTES, q += PAIR_ROWS) {
        __m512i e = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)bytes));
        _mm_prefetch((const char *)bytes + AHEAD, _MM_HINT_T0);
#pragma GCC unroll 24
        for (size_t r = 0; r < rows; r++)
            /* as an intrinsic gcc 12 moves every sum through another register */
            __asm__("vpdpwssd %2%{1to16%}, %1, %0"
                    : "+v"(sums[r])
                    : "v"(e), "m"(*(const struct pair *)(const void *)(q + r * 2)));
    }
#pragma GCC unroll 24
    for (size_t r = 0; r < rows; r++) {
        __m256i *out = (__m256i *)(void *)cosines[r];
        _mm256_storeu_si256(out, scale8(_mm512_castsi512_si256(sums[r]), multipliers));
        _mm256_storeu_si256(out + 1,
                            scale8(_mm512_extracti64x4_epi64(sums[r], 1), multipliers + 8));
    }
}

AVX512 static void look_avx512(const struct lac_head_search *s, uint32_t panel, const int16_t *q,
                               size_t rows, int32_t cosines[LAC_HEAD_ROWS][LAC_HEAD_PANEL])
{
    size_t r = 0;

    if (rows == LAC_HEAD_ROWS) {
        rows_avx512(s, panel, q, LAC_HEAD_ROWS, cosines);
        return;
    }
    for (; r + 8 <= rows; r += 8)
        rows_avx512(s, panel, q + r * 2, 8, cosines + r);
    for (; r + 2 <= rows; r += 2)
        rows_avx512(s, panel, q + r * 2, 2, cosines + r);
    if (r < rows)
        rows_avx512(s, panel, q + r * 2, 1, cosines + r);
}
#endif

lac_head_search_fn *lac_head_search_at(size_t index)
{
    lac_head_search_fn *forms[3] = {NULL};
    size_t count = 0;

#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        forms[count++] = look_avx512;
    if (__builtin_cpu_supports("avx2"))
        forms[count++] = look_avx2;
#endif
    forms[count++] = look_plain;
    return index < count ? forms[index] : NULL;
}

enum lac_status lac_head_search_open(struct lac_head_search *s, const struct lac_head_exemplars *e,
                                     const uint32_t *multipliers, const int32_t *weights,
                                     struct lac_err *err)
{
    size_t panel_bytes;

    s->panels = (e->count + LAC_HEAD_PANEL - 1) / LAC_HEAD_PANEL;
    s->pairs = (e->width + 1) / 2;
    s->look = lac_head_search_at(0);
    s->score = lac_head_score_at(0);
    panel_bytes = (size_t)s->pairs * LAC_HEAD_PANEL * 2;
    s->bytes = calloc(s->panels, panel_bytes);
    s->multipliers = calloc(s->panels, LAC_HEAD_PANEL * sizeof(*s->multipliers));
    s->weights = calloc(s->panels, (size_t)LAC_TIER_COUNT * LAC_HEAD_PANEL * sizeof(*s->weights));
    if (!s->bytes || !s->multipliers || !s->weights)
        return lac_err_set(err, LAC_RETRY, ENOMEM, "head: no memory");
    memcpy(s->multipliers, multipliers, e->count * sizeof(*multipliers));
    for (size_t i = 0; i < e->count; i++) {
        int8_t *panel = s->bytes + i / LAC_HEAD_PANEL * panel_bytes;
        int32_t *own = s->weights + i / LAC_HEAD_PANEL * LAC_TIER_COUNT * LAC_HEAD_PANEL;

        for (size_t k = 0; k < e->width; k++)
            panel[(k / 2 * LAC_HEAD_PANEL + i % LAC_HEAD_PANEL) * 2 + k % 2] =
                e->vectors[i * e->width + k];
        for (size_t t = 0; t < LAC_TIER_COUNT; t++)
            own[t * LAC_HEAD_PANEL + i % LAC_HEAD_PANEL] = weights[i * LAC_TIER_COUNT + t];
    }
    return LAC_OK;
}

void lac_head_search_close(struct lac_head_search *s)
{
    free(s->bytes);
    free(s->multipliers);
    free(s->weights);
    *s = (struct lac_head_search){0};
}

void lac_head_search_put(const struct lac_head_search *s, int16_t *q, size_t row,
                         const int16_t *vector, size_t width)
{
    for (size_t k = 0; k < 2 * (size_t)s->pairs; k++) {
        int16_t *to = &q[(k / 2 * LAC_HEAD_ROWS + row) * 2 + k % 2];

        *to = 0;
        if (k < width)
            *to = vector[k];
    }
}
