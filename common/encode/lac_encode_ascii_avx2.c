/* SPDX-License-Identifier: Apache-2.0 */
/* The ASCII pass with AVX2: a block is two registers, places are taken out of the masks one by
 * one, but many at a time: a branch on how many there are would be wrong too often. */
#include "lac_encode_ascii.h"

#ifdef __x86_64__
#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx2,bmi,popcnt")))

enum { AT_ONCE = 16 }; /* a block of prose has about a dozen words */

/* 0xFF where from <= byte < from + count; bytes are signed, so beyond ASCII is below all. */
TARGET static inline __m256i in_range(__m256i x, char from, char count)
{
    __m256i moved = _mm256_add_epi8(x, _mm256_set1_epi8((char)(-128 - from)));

    return _mm256_cmpgt_epi8(_mm256_set1_epi8((char)(-128 + count)), moved);
}

struct half {
    uint32_t word, blank, other;
};

TARGET static inline struct half classify(__m256i x, unsigned char *bytes, bool lower)
{
    __m256i upper = in_range(x, 'A', 26), digit = in_range(x, '0', 10);
    __m256i letter = _mm256_or_si256(upper, in_range(x, 'a', 26));
    __m256i blank = _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(x, _mm256_set1_epi8(' ')),
                                                    _mm256_cmpeq_epi8(x, _mm256_set1_epi8('\r'))),
                                    in_range(x, '\t', 2)); /* and line feed */
    __m256i printable = in_range(x, ' ', 0x7F - ' ');
    __m256i set = lower ? _mm256_and_si256(upper, _mm256_set1_epi8(0x20)) : _mm256_setzero_si256();

    _mm256_storeu_si256((__m256i *)(void *)bytes, _mm256_or_si256(x, set));
    return (struct half){
        .word = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(letter, digit)),
        .blank = (uint32_t)_mm256_movemask_epi8(blank),
        .other = ~(uint32_t)_mm256_movemask_epi8(_mm256_or_si256(printable, blank)),
    };
}

/* The place of the lowest bit, which it takes away. Volatile, because gcc packs neighbours into a
 * register before it stores them, which takes longer. */
TARGET static inline uint64_t put_lowest(uint16_t *out, uint64_t bits, size_t base)
{
    *(volatile uint16_t *)out = (uint16_t)(base + _tzcnt_u64(bits));
    return _blsr_u64(bits);
}

TARGET static inline size_t places(uint16_t *out, size_t count, uint64_t bits, size_t base)
{
    size_t n = count + (size_t)__builtin_popcountll(bits);

    /* What is written too much, of no bits, lies behind n: the lists have room for a block more. */
    for (uint16_t *p = out + count, *end = out + n; p < end; p += AT_ONCE)
        for (size_t i = 0; i < AT_ONCE; i += 4) {
            bits = put_lowest(p + i, bits, base);
            bits = put_lowest(p + i + 1, bits, base);
            bits = put_lowest(p + i + 2, bits, base);
            bits = put_lowest(p + i + 3, bits, base);
        }
    return n;
}

TARGET void lac_encode_ascii_avx2(const unsigned char *text, size_t len, bool lower,
                                  struct lac_encode_ascii *out)
{
    struct lac_encode_carry c = {0};
    unsigned char pad[LAC_ENCODE_BLOCK];
    size_t at = 0;

    for (;; at += LAC_ENCODE_BLOCK) {
        const unsigned char *block = text + at;
        struct lac_encode_masks m;
        struct lac_encode_edges e;
        struct half a, b;

        if (len - at < LAC_ENCODE_BLOCK) {
            memset(pad, 0, sizeof(pad)); /* a NUL is an other byte: the text ends at one */
            memcpy(pad, block, len - at);
            block = pad;
        }
        a = classify(_mm256_loadu_si256((const __m256i *)(const void *)block), out->bytes + at,
                     lower);
        b = classify(_mm256_loadu_si256((const __m256i *)(const void *)(block + 32)),
                     out->bytes + at + 32, lower);
        m.word = a.word | (uint64_t)b.word << 32;
        m.other = a.other | (uint64_t)b.other << 32;
        m.alone = ~(m.word | m.other | a.blank | (uint64_t)b.blank << 32);
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
