/* SPDX-License-Identifier: Apache-2.0 */
/* What the exemplars of a panel weigh for a vector, and which of them may be among its nearest. */
#include "lac_head_search.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static const int32_t *weights_of(const struct lac_head_search *s, uint32_t panel)
{
    return s->weights + (size_t)panel * LAC_TIER_COUNT * LAC_HEAD_PANEL;
}

static uint32_t score_plain(const struct lac_head_search *s, const uint32_t *kernel, uint32_t panel,
                            uint32_t n, const int32_t cosines[LAC_HEAD_PANEL], const uint8_t *tiers,
                            const int32_t least[LAC_TIER_COUNT],
                            int64_t sums[LAC_TIER_COUNT][LAC_HEAD_PARTS])
{
    const int32_t *weights = weights_of(s, panel);
    uint32_t above = 0;

    tiers += (size_t)panel * LAC_HEAD_PANEL;
    for (uint32_t i = 0; i < n; i++) {
        int64_t k = lac_head_kernel_of(kernel, cosines[i]);

        for (size_t t = 0; t < LAC_TIER_COUNT; t++)
            sums[t][0] += k * weights[t * LAC_HEAD_PANEL + i];
        above |= (uint32_t)(cosines[i] > least[tiers[i]]) << i;
    }
    return above;
}

#if defined(__x86_64__)
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2")))

/* lac_head_kernel_of() of eight cosines: both of the steps around each are one read. */
AVX512 static inline __m512i kernel_of8(const uint32_t *kernel, __m256i cosines)
{
    const __m256i one = _mm256_set1_epi32(LAC_HEAD_ONE);
    const __m256i most = _mm256_set1_epi32(LAC_HEAD_ONE - 1);
    const __m256i part_mask = _mm256_set1_epi32((1 << LAC_HEAD_KERNEL_PART_BITS) - 1);
    const __m256i c =
        _mm256_max_epi32(_mm256_min_epi32(cosines, most), _mm256_set1_epi32(-LAC_HEAD_ONE));
    const __m256i place = _mm256_add_epi32(c, one);
    const __m256i at = _mm256_srli_epi32(place, LAC_HEAD_KERNEL_PART_BITS);
    __m512i both, below, rise;

    both = _mm512_i32gather_epi64(at, kernel, sizeof(*kernel));
    below = _mm512_and_si512(both, _mm512_set1_epi64(UINT32_MAX));
    rise = _mm512_sub_epi64(_mm512_srli_epi64(both, 32), below);
    rise = _mm512_mul_epu32(rise, _mm512_cvtepu32_epi64(_mm256_and_si256(place, part_mask)));
    return _mm512_add_epi64(below, _mm512_srli_epi64(rise, LAC_HEAD_KERNEL_PART_BITS));
}

/* Places beyond the last exemplar have weights of zero. */
AVX512 static uint32_t score_avx512(const struct lac_head_search *s, const uint32_t *kernel,
                                    uint32_t panel, uint32_t n,
                                    const int32_t cosines[LAC_HEAD_PANEL], const uint8_t *tiers,
                                    const int32_t least[LAC_TIER_COUNT],
                                    int64_t sums[LAC_TIER_COUNT][LAC_HEAD_PARTS])
{
    const int32_t *weights = weights_of(s, panel);
    const __mmask16 there = (__mmask16)((1u << n) - 1);
    __m512i c = _mm512_loadu_si512(cosines);
    __m512i k0 = kernel_of8(kernel, _mm512_castsi512_si256(c));
    __m512i k1 = kernel_of8(kernel, _mm512_extracti64x4_epi64(c, 1));
    __m128i of = _mm_maskz_loadu_epi8(there, tiers + (size_t)panel * LAC_HEAD_PANEL);
    __m512i leasts = _mm512_maskz_loadu_epi32((1 << LAC_TIER_COUNT) - 1, least);

#pragma GCC unroll 3
    for (size_t t = 0; t < LAC_TIER_COUNT; t++) {
        __m512i w = _mm512_loadu_si512(weights + t * LAC_HEAD_PANEL);
        __m512i w0 = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(w));
        __m512i w1 = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(w, 1));
        __m512i sum = _mm512_loadu_si512(sums[t]);

        sum = _mm512_add_epi64(sum, _mm512_mul_epi32(k0, w0));
        sum = _mm512_add_epi64(sum, _mm512_mul_epi32(k1, w1));
        _mm512_storeu_si512(sums[t], sum);
    }
    return _mm512_mask_cmpgt_epi32_mask(there, c,
                                        _mm512_permutexvar_epi32(_mm512_cvtepu8_epi32(of), leasts));
}
#endif

lac_head_score_fn *lac_head_score_at(size_t index)
{
    lac_head_score_fn *forms[2] = {NULL};
    size_t count = 0;

#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq"))
        forms[count++] = score_avx512;
#endif
    forms[count++] = score_plain;
    return index < count ? forms[index] : NULL;
}
