/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_cpu_int8_bytes_avx2 - sums and bytes in 256-bit registers
 *
 * What AVX2 and AVX-VNNI have in common, for lac_encode_cpu_int8_body.h; BIAS is the including
 * file's.
 */
#ifndef LAC_ENCODE_CPU_INT8_BYTES_AVX2_H
#define LAC_ENCODE_CPU_INT8_BYTES_AVX2_H

struct sums {
    __m256i a, b;
};
typedef struct sums sums;
typedef struct sums sixteen;

TARGET static inline __m256i load_bytes(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

TARGET static inline sixteen s_weights(const int8_t *w)
{
    return (sixteen){load_bytes(w), load_bytes(w + 32)};
}

TARGET static inline __m256i repeat(const uint8_t *x)
{
    int32_t bytes;
    __builtin_memcpy(&bytes, x, sizeof bytes);
    return _mm256_set1_epi32(bytes);
}

TARGET static inline vec s_floats(sums s)
{
    return (vec){_mm256_cvtepi32_ps(s.a), _mm256_cvtepi32_ps(s.b)};
}

/* The low byte of a float that 1.5 * 2^23 was added to is the number, rounded to the nearest. */
TARGET static inline void s_bytes(uint8_t *out, vec v, size_t n)
{
    uint32_t bits[LAC_ENCODE_CPU_LANES];

    v = v_max(v_min(v, v_set(127.0f)), v_set(-128.0f));
    v = v_add(v, v_set(0x1.8p23f));
    if (n == LAC_ENCODE_CPU_LANES) {
        const __m256i low = _mm256_set1_epi32(0xff);
        __m256i words = _mm256_packus_epi32(_mm256_and_si256(_mm256_castps_si256(v.a), low),
                                            _mm256_and_si256(_mm256_castps_si256(v.b), low));
        __m256i bytes = _mm256_permute4x64_epi64(words, 0xd8); /* packing works within halves */
        __m128i all =
            _mm_packus_epi16(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
        _mm_storeu_si128((__m128i *)(void *)out, _mm_xor_si128(all, _mm_set1_epi8((char)BIAS)));
        return;
    }
    _mm256_storeu_si256((__m256i *)(void *)bits, _mm256_castps_si256(v.a));
    _mm256_storeu_si256((__m256i *)(void *)(bits + 8), _mm256_castps_si256(v.b));
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(bits[i] ^ BIAS);
}

#endif
