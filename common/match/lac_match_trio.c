/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_match_trio.h"

#ifdef __x86_64__
#include <immintrin.h>

/* Of Vectorscan, which we can't do without, SSSE3 is the least too. */
#define TARGET __attribute__((target("ssse3")))

TARGET static __m128i place(const struct lac_match_trio *t, unsigned at, const unsigned char *bytes)
{
    const __m128i nibble = _mm_set1_epi8(15);
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(bytes + at));
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)t->low[at]);
    __m128i high = _mm_loadu_si128((const __m128i *)(const void *)t->high[at]);

    return _mm_and_si128(_mm_shuffle_epi8(low, _mm_and_si128(x, nibble)),
                         _mm_shuffle_epi8(high, _mm_and_si128(_mm_srli_epi16(x, 4), nibble)));
}

TARGET unsigned lac_match_trio_at(const struct lac_match_trio *t, const unsigned char *bytes,
                                  uint8_t buckets[LAC_MATCH_TRIO_STEP])
{
    __m128i in =
        _mm_and_si128(_mm_and_si128(place(t, 0, bytes), place(t, 1, bytes)), place(t, 2, bytes));

    _mm_storeu_si128((__m128i *)(void *)buckets, in);
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(in, _mm_setzero_si128())) ^ 0xFFFF;
}
#else
unsigned lac_match_trio_at(const struct lac_match_trio *t, const unsigned char *bytes,
                           uint8_t buckets[LAC_MATCH_TRIO_STEP])
{
    unsigned any = 0;

    for (unsigned i = 0; i < LAC_MATCH_TRIO_STEP; i++) {
        unsigned in = 0xFF;

        for (unsigned k = 0; k < LAC_MATCH_TRIO; k++)
            in &= t->low[k][bytes[i + k] & 15] & t->high[k][bytes[i + k] >> 4];
        buckets[i] = (uint8_t)in;
        any |= (unsigned)(in != 0) << i;
    }
    return any;
}
#endif
