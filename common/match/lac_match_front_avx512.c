/* SPDX-License-Identifier: Apache-2.0 */
/* The first pass with AVX-512: a block is one register, comparisons give masks, and words are
 * looked up by eight. */
#include "lac_match_front.h"

#ifdef __x86_64__
#include <immintrin.h>

#define TARGET      \
    __attribute__(( \
        target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,bmi,bmi2,lzcnt,popcnt")))

/* Sixteen bits at a time become their places. */
TARGET static inline void flatten_avx512(struct lac_match_list *l, uint64_t bits, size_t base)
{
    __m512i place =
        _mm512_add_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                         _mm512_set1_epi32((int)base));
    size_t n = l->count; /* in a register: for all that is known the stores may change l->count */

    for (int i = 0; i < 4; i++) {
        __mmask16 some = (__mmask16)bits;
        __m256i at = _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(some, place));

        _mm256_storeu_si256((__m256i *)(void *)&l->at[n], at);
        n += (size_t)__builtin_popcount(some);
        place = _mm512_add_epi32(place, _mm512_set1_epi32(16));
        bits >>= 16;
    }
    l->count = n;
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

/* ---- eight words at a time ---- */

struct eight {
    __m128i at; /* 16 bits each */
    __m512i place;
    __m512i bytes; /* the first of each */
    __m512i in;    /* all ones below the first byte that is none of the word */
    __m512i len;
    __mmask8 some; /* those that are there */
    __mmask8 digits;
};

TARGET static inline __m512i window_of(__m512i masks, __m512i block, __m512i bit)
{
    __m512i next = _mm512_permutexvar_epi64(_mm512_add_epi64(block, _mm512_set1_epi64(1)), masks);
    __m512i up = _mm512_sub_epi64(_mm512_set1_epi64(63), bit);

    return _mm512_or_si512(_mm512_srlv_epi64(_mm512_permutexvar_epi64(block, masks), bit),
                           _mm512_sllv_epi64(_mm512_slli_epi64(next, 1), up));
}

/* All ones below the lowest bit. */
TARGET static inline __m512i below_lowest(__m512i x)
{
    return _mm512_andnot_si512(x, _mm512_sub_epi64(x, _mm512_set1_epi64(1)));
}

/* False: the words lie too far apart. */
TARGET static inline bool load_eight(struct eight *w, const struct lac_match_piece *piece,
                                     const struct word_masks *m, const uint16_t *at, size_t left)
{
    size_t n = left < 8 ? left : 8;
    size_t base = at[0] / LAC_MATCH_BLOCK;
    __m512i block, bit, in, letters, digits;

    w->some = (__mmask8)((1u << n) - 1);
    w->at = _mm_maskz_loadu_epi16(w->some, at);
    w->place = _mm512_cvtepu16_epi64(w->at);
    block = _mm512_sub_epi64(_mm512_srli_epi64(w->place, 6), _mm512_set1_epi64((long long)base));
    bit = _mm512_and_si512(w->place, _mm512_set1_epi64(63));
    in = window_of(_mm512_loadu_si512(m->alnum + base), block, bit);
    digits = window_of(_mm512_loadu_si512(m->digit + base), block, bit);
    in = below_lowest(_mm512_xor_si512(in, _mm512_set1_epi64(-1)));
    w->digits = _mm512_mask_test_epi64_mask(w->some, digits, in);
    w->len = _mm512_sub_epi64(_mm512_set1_epi64(64), _mm512_lzcnt_epi64(in));
    w->bytes =
        _mm512_mask_i64gather_epi64(_mm512_setzero_si512(), w->some, w->place, piece->bytes, 1);
    letters = _mm512_or_si512(w->bytes, _mm512_set1_epi8(0x20));
    w->in = below_lowest(
        _mm512_movm_epi8(_mm512_cmpge_epu8_mask(_mm512_sub_epi8(letters, _mm512_set1_epi8('a')),
                                                _mm512_set1_epi8(26)) &
                         _mm512_cmpge_epu8_mask(_mm512_sub_epi8(w->bytes, _mm512_set1_epi8('0')),
                                                _mm512_set1_epi8(10))));
    return at[n - 1] / LAC_MATCH_BLOCK - base < WORD_MASKS_MORE - 1;
}

/* Whether two bits of each word are set. */
TARGET static inline __mmask8 both_set(__mmask8 some, __m512i words, __m512i hash, unsigned high,
                                       unsigned low)
{
    const __m512i six = _mm512_set1_epi64(63);
    __m512i a = _mm512_and_si512(_mm512_srl_epi64(hash, _mm_cvtsi32_si128((int)high)), six);
    __m512i b = _mm512_and_si512(_mm512_srl_epi64(hash, _mm_cvtsi32_si128((int)low)), six);

    return _mm512_mask_test_epi64_mask(
        some, _mm512_and_si512(_mm512_srlv_epi64(words, a), _mm512_srlv_epi64(words, b)),
        _mm512_set1_epi64(1));
}

TARGET static inline __m512i hash_of(__m512i x)
{
    return _mm512_mullo_epi64(x, _mm512_set1_epi64((long long)LAC_MATCH_HASH));
}

TARGET static inline __m512i words_at(const uint64_t *bits, __m512i hash, unsigned shift)
{
    __m512i index = _mm512_srl_epi64(hash, _mm_cvtsi32_si128((int)shift));

    return _mm512_i64gather_epi64(index, bits, 8);
}

TARGET static inline __mmask8 words_hit(const struct lac_match_front_tables *t,
                                        const struct eight *w)
{
    __m512i key = _mm512_and_si512(_mm512_or_si512(w->bytes, _mm512_set1_epi8(0x20)), w->in);
    __m512i hash = hash_of(key);
    unsigned shift = t->word_shift;

    return both_set(w->some, words_at(t->word_bits, hash, shift + 6), hash, shift, shift - 6);
}

TARGET static inline __mmask8 prefixes_hit(const struct lac_match_front_tables *t,
                                           const struct eight *w)
{
    __m512i three = hash_of(_mm512_and_si512(w->bytes, _mm512_set1_epi64(0xFFFFFF)));
    __m512i four = hash_of(_mm512_slli_epi64(w->bytes, 32));
    __m512i words = words_at(t->prefix_bits, three, t->prefix_shift + 6);

    return both_set(w->some, words, three, 40, 34) | both_set(w->some, words, four, 58, 52);
}

/* See may_be_bare(): of the lengths that some such token has, one by one. */
TARGET static inline __mmask8 bare_hit(const struct lac_match_front_tables *t,
                                       const struct lac_match_piece *piece, const struct eight *w)
{
    __m512i len = _mm512_min_epu64(w->len, _mm512_set1_epi64(63));
    __m512i known = _mm512_srlv_epi64(_mm512_set1_epi64((long long)t->bare_lengths), len);
    unsigned left = _mm512_mask_test_epi64_mask(w->some, known, _mm512_set1_epi64(1)) & ~w->digits;
    unsigned hits = 0;
    uint64_t lens[8];
    uint16_t at[8];

    _mm512_storeu_si512(lens, w->len);
    _mm_storeu_si128((__m128i *)(void *)at, w->at);
    for (; left; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctz(left);

        hits |= (unsigned)may_be_bare(t, (unsigned)lens[i], piece->bytes + at[i] + lens[i]) << i;
    }
    return (__mmask8)hits;
}

/* Returns how many are in the list then. */
TARGET static inline size_t put_eight(struct lac_match_list *l, size_t count, const struct eight *w,
                                      __mmask8 keep)
{
    __m256i at = _mm256_maskz_compress_epi32(keep, _mm256_cvtepu16_epi32(w->at));

    _mm_storeu_si128((__m128i *)(void *)&l->at[count], _mm256_cvtepi32_epi16(at));
    return count + (size_t)__builtin_popcount(keep);
}

/* Words with letters beyond ASCII are told by the masks, not by their bytes: one at a time. */
TARGET static inline void put_all_avx512(const struct lac_match_front_tables *t,
                                         const struct lac_match_piece *piece,
                                         const struct word_masks *m, struct lac_match_events *e)
{
    /* In registers: for all that is known the stores may change those of the lists. */
    size_t count = e->word.count, words = 0, prefixes = 0, tokens = 0;

    for (size_t i = 0; i < count; i += 8) {
        struct eight w;

        if (piece->wide || !load_eight(&w, piece, m, e->word.at + i, count - i)) {
            e->word.count = words;
            e->prefix.count = prefixes;
            e->token.count = tokens;
            put_words(t, piece, m, i, count - i < 8 ? count : i + 8, e);
            words = e->word.count;
            prefixes = e->prefix.count;
            tokens = e->token.count;
            continue;
        }
        words = put_eight(&e->word, words, &w, words_hit(t, &w));
        prefixes = put_eight(&e->prefix, prefixes, &w, prefixes_hit(t, &w));
        tokens = put_eight(&e->token, tokens, &w, w.digits | bare_hit(t, piece, &w));
    }
    e->word.count = words;
    e->prefix.count = prefixes;
    e->token.count = tokens;
}

/* ---- blocks ---- */

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
    front_body(t, piece, masks, put_all_avx512, events);
}

TARGET void lac_match_sieve_tokens_avx512(const struct lac_match_front_tables *t,
                                          const struct lac_match_piece *piece,
                                          const struct lac_match_masks *masks, uint32_t gates,
                                          struct lac_match_events *events)
{
    sieve_tokens(t, piece, masks, gates, events);
}

TARGET static inline uint64_t run_bits(const unsigned char *block)
{
    __m512i x = _mm512_loadu_si512(block);

    return in_range(_mm512_or_si512(x, _mm512_set1_epi8(0x20)), 'a', 26) |
           in_range(x, '/', 11) | /* '0' to '9' come behind it */
           is(x, '+') | is(x, '-') | is(x, '_');
}

TARGET bool lac_match_find_run_avx512(const unsigned char *text, size_t len, size_t *at)
{
    return find_run(text, len, at, run_bits);
}
#endif
