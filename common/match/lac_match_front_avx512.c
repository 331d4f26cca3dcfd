/* SPDX-License-Identifier: Apache-2.0 */
/* The first pass with AVX-512BW: a block is one register, comparisons give masks. */
#include "lac_match_front.h"

#ifdef __x86_64__
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx2,bmi,bmi2,lzcnt,popcnt")))

/* Sixteen bits at a time become their places. */
TARGET static inline void flatten_avx512(struct lac_match_list *l, uint64_t bits, size_t base)
{
    __m512i place =
        _mm512_add_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                         _mm512_set1_epi32((int)base));

    for (int i = 0; i < 4; i++) {
        __mmask16 some = (__mmask16)bits;
        __m256i at = _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(some, place));

        _mm256_storeu_si256((__m256i *)(void *)&l->at[l->count], at);
        l->count += (size_t)__builtin_popcount(some);
        place = _mm512_add_epi32(place, _mm512_set1_epi32(16));
        bits >>= 16;
    }
}

#define FLATTEN flatten_avx512
#include "lac_match_front_body.h"

TARGET static inline uint64_t in_range(__m512i x, char from, char count)
{
    return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(x, _mm512_set1_epi8(from)),
                                  _mm512_set1_epi8(count));
}

TARGET static inline uint64_t is(__m512i x, char c)
{
    return _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(c));
}

TARGET static inline void classify(__m512i table, __m512i bits, __m512i x,
                                   struct lac_match_masks *m)
{
    const __m512i nibble = _mm512_set1_epi8(15);
    __m512i low = _mm512_shuffle_epi8(table, _mm512_and_si512(x, nibble));
    __m512i high = _mm512_shuffle_epi8(bits, _mm512_and_si512(_mm512_srli_epi16(x, 4), nibble));

    m->letter = in_range(_mm512_or_si512(x, _mm512_set1_epi8(0x20)), 'a', 26);
    m->upper = in_range(x, 'A', 26);
    m->digit = in_range(x, '0', 10);
    m->joint = is(x, '_') | is(x, '-') | is(x, '+') | is(x, '/');
    m->symbol = _mm512_test_epi8_mask(low, high);
    m->high = _mm512_movepi8_mask(x);
}

TARGET bool lac_match_is_ascii_avx512(const unsigned char *text, size_t len)
{
    __m512i all = _mm512_setzero_si512();
    size_t i = 0;

    for (; i + 64 <= len; i += 64)
        all = _mm512_or_si512(all, _mm512_loadu_si512(text + i));
    if (i < len)
        all =
            _mm512_or_si512(all, _mm512_maskz_loadu_epi8(UINT64_MAX >> (64 - (len - i)), text + i));
    return _mm512_movepi8_mask(all) == 0;
}

TARGET void lac_match_first_pass_avx512(const struct lac_match_front_tables *t,
                                        const struct lac_match_piece *piece,
                                        struct lac_match_masks *masks,
                                        struct lac_match_events *events)
{
    __m512i table =
        _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)t->symbols));
    __m512i bits =
        _mm512_broadcast_i32x4(_mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0));

    for (size_t b = 0; b < piece->blocks; b++)
        classify(table, bits, _mm512_loadu_si512(piece->bytes + b * LAC_MATCH_BLOCK), &masks[b]);
    masks[piece->blocks] = (struct lac_match_masks){0};
    front_body(t, piece, masks, events);
}

TARGET void lac_match_sieve_tokens_avx512(const struct lac_match_front_tables *t,
                                          const struct lac_match_piece *piece,
                                          const struct lac_match_masks *masks, uint32_t gates,
                                          struct lac_match_list *tokens)
{
    sieve_tokens(t, piece, masks, gates, tokens);
}
#endif
