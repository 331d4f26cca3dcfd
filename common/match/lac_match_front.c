/* SPDX-License-Identifier: Apache-2.0 */
/* The portable first pass, and which of them this processor runs. */
#include "lac_match_front.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "lac_match_front_body.h"

#define M0(i)  ((i)&1 ? (uint64_t)0xFF | M1(i) : 0)
#define M1(i)  ((i)&2 ? (uint64_t)0xFF << 8 | M2(i) : 0)
#define M2(i)  ((i)&4 ? (uint64_t)0xFF << 16 | M3(i) : 0)
#define M3(i)  ((i)&8 ? (uint64_t)0xFF << 24 | M4(i) : 0)
#define M4(i)  ((i)&16 ? (uint64_t)0xFF << 32 | M5(i) : 0)
#define M5(i)  ((i)&32 ? (uint64_t)0xFF << 40 | M6(i) : 0)
#define M6(i)  ((i)&64 ? (uint64_t)0xFF << 48 | M7(i) : 0)
#define M7(i)  ((i)&128 ? (uint64_t)0xFF << 56 : 0)
#define M_2(i) M0(i), M0((i) + 1), M0((i) + 2), M0((i) + 3)
#define M_4(i) M_2(i), M_2((i) + 4), M_2((i) + 8), M_2((i) + 12)
#define M_6(i) M_4(i), M_4((i) + 16), M_4((i) + 32), M_4((i) + 48)

const uint64_t lac_match_key_masks[256] = {M_6(0), M_6(64), M_6(128), M_6(192)};

static uint64_t load(const unsigned char *p)
{
    uint64_t x = 0;

    for (int i = 7; i >= 0; i--)
        x = x << 8 | p[i];
    return x;
}

#define EACH(byte) (0x0101010101010101u * (uint64_t)(byte))

/* The top bits of eight bytes, side by side. */
static uint64_t gather(uint64_t x)
{
    return ((x & EACH(0x80)) >> 7) * 0x0102040810204080u >> 56;
}

/* Top bit of each byte that is in [from, to]; bytes below 0x80 only. */
static uint64_t in_range(uint64_t x, unsigned from, unsigned to)
{
    uint64_t low = x & EACH(0x7F);

    return (low + EACH(0x80 - from)) & ~(low + EACH(0x7F - to)) & ~x;
}

/* Likewise of each byte that is `c`. */
static uint64_t is(uint64_t x, unsigned char c)
{
    return in_range(x, c, c);
}

static uint64_t symbols_in(const uint8_t symbols[16], const unsigned char *p)
{
    uint64_t found = 0;

    for (unsigned i = 0; i < 8; i++)
        found |= (uint64_t)(p[i] < 0x80 && (symbols[p[i] & 15] >> (p[i] >> 4) & 1)) << i;
    return found;
}

static void classify(const struct lac_match_front_tables *t, const unsigned char *p,
                     struct lac_match_masks *m)
{
    *m = (struct lac_match_masks){0};
    for (unsigned i = 0; i < 64; i += 8) {
        uint64_t x = load(p + i);

        m->letter |= gather(in_range(x | EACH(0x20), 'a', 'z')) << i;
        m->upper |= gather(in_range(x, 'A', 'Z')) << i;
        m->digit |= gather(in_range(x, '0', '9')) << i;
        m->joint |= gather(is(x, '_') | is(x, '-') | is(x, '+') | is(x, '/')) << i;
        m->high |= gather(x) << i;
        m->symbol |= symbols_in(t->symbols, p + i) << i;
    }
}

bool lac_match_is_ascii_portable(const unsigned char *text, size_t len)
{
    unsigned char all = 0;

    for (size_t i = 0; i < len; i++)
        all |= text[i];
    return all < 0x80;
}

void lac_match_first_pass_portable(const struct lac_match_front_tables *t,
                                   const struct lac_match_piece *piece,
                                   struct lac_match_masks *masks, struct lac_match_events *events)
{
    for (size_t b = 0; b < piece->blocks; b++)
        classify(t, piece->bytes + b * LAC_MATCH_BLOCK, &masks[b]);
    masks[piece->blocks] = (struct lac_match_masks){0};
    front_body(t, piece, masks, put_all_words, events);
}

void lac_match_sieve_tokens_portable(const struct lac_match_front_tables *t,
                                     const struct lac_match_piece *piece,
                                     const struct lac_match_masks *masks, uint32_t gates,
                                     struct lac_match_events *events)
{
    sieve_tokens(t, piece, masks, gates, events);
}

#if defined(__SSE2__)
static inline uint64_t run_bits(const unsigned char *block)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < LAC_MATCH_BLOCK; i += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(block + i));
        __m128i letter = _mm_sub_epi8(_mm_or_si128(x, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
        __m128i digit = _mm_sub_epi8(x, _mm_set1_epi8('/')); /* '0' to '9' come behind it */
        __m128i in = _mm_cmpeq_epi8(letter, _mm_min_epu8(letter, _mm_set1_epi8(25)));

        in = _mm_or_si128(in, _mm_cmpeq_epi8(digit, _mm_min_epu8(digit, _mm_set1_epi8(10))));
        in = _mm_or_si128(in, _mm_cmpeq_epi8(x, _mm_set1_epi8('+')));
        in = _mm_or_si128(in, _mm_cmpeq_epi8(x, _mm_set1_epi8('-')));
        in = _mm_or_si128(in, _mm_cmpeq_epi8(x, _mm_set1_epi8('_')));
        bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(in) << i;
    }
    return bits;
}
#else
static inline uint64_t run_bits(const unsigned char *block)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < LAC_MATCH_BLOCK; i += 8) {
        uint64_t x = load(block + i);

        bits |= gather(in_range(x | EACH(0x20), 'a', 'z') | in_range(x, '/', '9') | is(x, '+') |
                       is(x, '-') | is(x, '_'))
                << i;
    }
    return bits;
}
#endif

bool lac_match_find_run_portable(const unsigned char *text, size_t len, size_t *at)
{
    return find_run(text, len, at, run_bits);
}

void lac_match_piece_init(struct lac_match_piece *piece, const char *text, size_t len)
{
    piece->blocks = (len + LAC_MATCH_BLOCK - 1) / LAC_MATCH_BLOCK;
    memcpy(piece->bytes, text, len);
    memset(piece->bytes + len, 0, piece->blocks * LAC_MATCH_BLOCK + LAC_MATCH_PAD - len);
}

static const struct lac_match_front fronts[LAC_MATCH_ISAS] = {
    {lac_match_is_ascii_portable, lac_match_first_pass_portable, lac_match_sieve_tokens_portable,
     lac_match_find_run_portable},
#ifdef __x86_64__
    {lac_match_is_ascii_avx2, lac_match_first_pass_avx2, lac_match_sieve_tokens_avx2,
     lac_match_find_run_avx2},
    {lac_match_is_ascii_avx512, lac_match_first_pass_avx512, lac_match_sieve_tokens_avx512,
     lac_match_find_run_avx512},
#endif
};

const struct lac_match_front *lac_match_front_of(enum lac_match_isa isa)
{
#ifdef __x86_64__
    if (isa == LAC_MATCH_AVX2 &&
        !(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")))
        return NULL;
    if (isa == LAC_MATCH_AVX512 &&
        !(__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
          __builtin_cpu_supports("bmi2")))
        return NULL;
#endif
    return fronts[isa].first_pass ? &fronts[isa] : NULL;
}

const struct lac_match_front *lac_match_front_best(void)
{
    for (int isa = LAC_MATCH_ISAS - 1; isa > 0; isa--)
        if (lac_match_front_of((enum lac_match_isa)isa))
            return lac_match_front_of((enum lac_match_isa)isa);
    return &fronts[LAC_MATCH_PORTABLE];
}
