/* SPDX-License-Identifier: Apache-2.0 */
/* The first pass with AVX2: two halves of 32 bytes per block. */
#include "lac_match_front.h"

#ifdef __x86_64__
#include <immintrin.h>

#include "lac_match_front_body.h"

#define TARGET __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))

/* Bytes in [from, from + count), by one comparison: signed bytes, shifted to begin at -128. */
TARGET static inline uint32_t in_range(__m256i x, char from, char count)
{
    __m256i shifted = _mm256_add_epi8(x, _mm256_set1_epi8((char)(-128 - from)));

    return (uint32_t)_mm256_movemask_epi8(
        _mm256_cmpgt_epi8(_mm256_set1_epi8((char)(-128 + count)), shifted));
}

TARGET static inline uint32_t symbols_in(__m256i table, __m256i x)
{
    /* Bit by high nibble; bytes from 0x80 on have none. */
    const __m256i bits = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0));
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(x, nibble));
    __m256i high = _mm256_shuffle_epi8(bits, _mm256_and_si256(_mm256_srli_epi16(x, 4), nibble));
    __m256i none = _mm256_cmpeq_epi8(_mm256_and_si256(low, high), _mm256_setzero_si256());

    return ~(uint32_t)_mm256_movemask_epi8(none);
}

TARGET static inline uint32_t is(__m256i x, char c)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(x, _mm256_set1_epi8(c)));
}

TARGET static inline void classify(__m256i table, const unsigned char *p, unsigned half,
                                   struct lac_match_masks *m)
{
    __m256i x = _mm256_loadu_si256((const __m256i *)(p + (size_t)half * 32));
    unsigned shift = half * 32;

    m->letter |= (uint64_t)in_range(_mm256_or_si256(x, _mm256_set1_epi8(0x20)), 'a', 26) << shift;
    m->upper |= (uint64_t)in_range(x, 'A', 26) << shift;
    m->digit |= (uint64_t)in_range(x, '0', 10) << shift;
    m->joint |= (uint64_t)(is(x, '_') | is(x, '-') | is(x, '+') | is(x, '/')) << shift;
    m->symbol |= (uint64_t)symbols_in(table, x) << shift;
    m->high |= (uint64_t)(uint32_t)_mm256_movemask_epi8(x) << shift;
}

TARGET bool lac_match_is_ascii_avx2(const unsigned char *text, size_t len)
{
    __m256i all = _mm256_setzero_si256();
    size_t i = 0;

    if (len < 32)
        return lac_match_is_ascii_portable(text, len);
    for (; i + 32 <= len; i += 32)
        all = _mm256_or_si256(all, _mm256_loadu_si256((const __m256i *)(text + i)));
    all = _mm256_or_si256(all, _mm256_loadu_si256((const __m256i *)(text + len - 32)));
    return _mm256_movemask_epi8(all) == 0;
}

TARGET void lac_match_first_pass_avx2(const struct lac_match_front_tables *t,
                                      const struct lac_match_piece *piece,
                                      struct lac_match_masks *masks,
                                      struct lac_match_events *events)
{
    __m256i table =
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)t->symbols));

    for (size_t b = 0; b < piece->blocks; b++) {
        const unsigned char *p = piece->bytes + b * LAC_MATCH_BLOCK;

        masks[b] = (struct lac_match_masks){0};
        classify(table, p, 0, &masks[b]);
        classify(table, p, 1, &masks[b]);
    }
    masks[piece->blocks] = (struct lac_match_masks){0};
    front_body(t, piece, masks, put_all_words, events);
}

TARGET void lac_match_sieve_tokens_avx2(const struct lac_match_front_tables *t,
                                        const struct lac_match_piece *piece,
                                        const struct lac_match_masks *masks, uint32_t gates,
                                        struct lac_match_events *events)
{
    sieve_tokens(t, piece, masks, gates, events);
}

TARGET static inline uint32_t run_half(__m256i x)
{
    return in_range(_mm256_or_si256(x, _mm256_set1_epi8(0x20)), 'a', 26) |
           in_range(x, '/', 11) | /* '0' to '9' come behind it */
           is(x, '+') | is(x, '-') | is(x, '_');
}

TARGET static inline uint64_t run_bits(const unsigned char *block)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)block);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(block + 32));

    return run_half(low) | (uint64_t)run_half(high) << 32;
}

TARGET bool lac_match_find_run_avx2(const unsigned char *text, size_t len, size_t *at)
{
    return find_run(text, len, at, run_bits);
}
#endif
