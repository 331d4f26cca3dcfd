/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_str.h"

#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static unsigned char fold(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool lac_str_eq_nocase(struct lac_str s, const char *text)
{
    if (strlen(text) != s.len)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (fold(s.ptr[i]) != fold(text[i]))
            return false;
    return true;
}

bool lac_str_lists_eq(const struct lac_str *a, size_t a_count, const struct lac_str *b,
                      size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++)
        if (!lac_str_eq(a[i], b[i]))
            return false;
    return true;
}

int lac_str_cmp(struct lac_str a, struct lac_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;

    if (c)
        return c;
    return (a.len > b.len) - (a.len < b.len);
}

char *lac_str_dup(struct lac_str s)
{
    char *copy = malloc(s.len + 1);

    if (!copy)
        return NULL;
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

bool lac_str_to_u64(struct lac_str s, uint64_t *out)
{
    uint64_t v = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        if (__builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.ptr[i] - '0'), &v))
            return false;
    }
    *out = v;
    return true;
}

bool lac_str_to_i64(struct lac_str s, int64_t *out)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    uint64_t v;

    if (negative)
        s = (struct lac_str){s.ptr + 1, s.len - 1};
    if (!lac_str_to_u64(s, &v) || v > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    *out = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

#ifdef __SSE2__ /* every x86-64; others take the plain way */
/* Sixteen halves of bytes to their digits: what is above nine is as far above 'a'. */
static __m128i hex_digits(__m128i halves)
{
    __m128i letter = _mm_cmpgt_epi8(halves, _mm_set1_epi8(9));
    __m128i digit = _mm_add_epi8(halves, _mm_set1_epi8('0'));
    return _mm_add_epi8(digit, _mm_and_si128(letter, _mm_set1_epi8('a' - '0' - 10)));
}

static void hex_sixteen(char *out, const unsigned char *p)
{
    const __m128i low_half = _mm_set1_epi8(0x0F);
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i high = hex_digits(_mm_and_si128(_mm_srli_epi16(x, 4), low_half));
    __m128i low = hex_digits(_mm_and_si128(x, low_half));

    _mm_storeu_si128((__m128i *)(void *)out, _mm_unpacklo_epi8(high, low));
    _mm_storeu_si128((__m128i *)(void *)(out + 16), _mm_unpackhi_epi8(high, low));
}
#endif

void lac_hex_encode(char *out, const void *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = data;
    size_t i = 0;

#ifdef __SSE2__
    for (; size - i >= 16; i += 16)
        hex_sixteen(out + 2 * i, p + i);
#endif
    for (; i < size; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * size] = '\0';
}

/* [byte]: the digit's value and one; 0 for what is none. */
static const unsigned char hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

bool lac_hex_decode(void *out, size_t size, struct lac_str text)
{
    const unsigned char *from = (const unsigned char *)text.ptr;
    unsigned char *p = out;

    if (text.len != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        unsigned high = hex_values[from[2 * i]], low = hex_values[from[2 * i + 1]];

        if (!high || !low)
            return false;
        p[i] = (unsigned char)((high - 1) << 4 | (low - 1));
    }
    return true;
}
