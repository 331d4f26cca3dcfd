/* SPDX-License-Identifier: Apache-2.0 */
/* The ASCII pass with AVX-512: a block is one register, comparisons give masks, and the places of
 * a mask's bits come from compressing the numbers 0 to 63. */
#include "lac_encode_ascii.h"

#ifdef __x86_64__
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi,bmi2,popcnt")))

static const unsigned char numbers[LAC_ENCODE_BLOCK] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
};

TARGET static inline uint64_t in_range(__m512i x, char from, char count)
{
    return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(x, _mm512_set1_epi8(from)),
                                  _mm512_set1_epi8(count));
}

TARGET static inline uint64_t is(__m512i x, char c)
{
    return _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(c));
}

TARGET static inline size_t places(uint16_t *out, size_t count, uint64_t bits, size_t base)
{
    __m512i packed = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(numbers));
    __m512i from = _mm512_set1_epi16((short)base);
    size_t n = (size_t)__builtin_popcountll(bits);

    _mm512_storeu_si512(
        out + count, _mm512_add_epi16(from, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(packed))));
    if (n > 32)
        _mm512_storeu_si512(
            out + count + 32,
            _mm512_add_epi16(from, _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(packed, 1))));
    return count + n;
}

TARGET void lac_encode_ascii_avx512(const unsigned char *text, size_t len, bool lower,
                                    struct lac_encode_ascii *out)
{
    const __m512i bit = _mm512_set1_epi8(lower ? 0x20 : 0);
    struct lac_encode_carry c = {0};
    size_t at = 0;

    for (;; at += LAC_ENCODE_BLOCK) {
        /* Bytes that are not there read as NUL, an other byte: the text ends at one. */
        __m512i x = len - at >= LAC_ENCODE_BLOCK
                        ? _mm512_loadu_si512(text + at)
                        : _mm512_maskz_loadu_epi8(((uint64_t)1 << (len - at)) - 1, text + at);
        uint64_t upper = in_range(x, 'A', 26), printable = in_range(x, ' ', 0x7F - ' ');
        uint64_t blank = is(x, ' ') | in_range(x, '\t', 2) | is(x, '\r');
        struct lac_encode_masks m = {
            .word = upper | in_range(x, 'a', 26) | in_range(x, '0', 10),
            .other = ~(printable | blank),
        };
        struct lac_encode_edges e;

        _mm512_storeu_si512(out->bytes + at, _mm512_or_si512(x, _mm512_maskz_mov_epi8(upper, bit)));
        m.alone = printable & ~(m.word | blank);
        if (m.other) {
            uint64_t keep = lac_encode_before(m.other);

            m.word &= keep;
            m.alone &= keep;
        }
        e = lac_encode_edges(&m, &c);
        c.begins = places(out->begin, c.begins, e.begin, at);
        c.ends = places(out->end, c.ends, e.end, at);
        if (m.other) {
            lac_encode_ascii_close(out, &c, at + (size_t)__builtin_ctzll(m.other));
            return;
        }
        if (at + LAC_ENCODE_BLOCK == len) {
            lac_encode_ascii_close(out, &c, len);
            return;
        }
    }
}
#endif
