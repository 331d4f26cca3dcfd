/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_head_params - the numbers of a head, and the two files that hold them
 *
 * Fixed point: Q20 means a whole number of 2^-20.
 *
 *     score[t]  = sum over exemplars e of weight[e][t] x k(cosine of e)
 *                 + (sum over known words w of the text of weight[w][t]) / sqrt(their number)
 *     k(c)      = exp(sharpness x (c - 1)), looked up in steps of 2^-12 of c
 *     f         = (score[3], best[3], mean[3], share[3])
 *     log likelihood[t] = bias[t] + sum of weights[t] x f - log prior[t] + guard[t]
 *     likelihood[t]     = max(floor, exp(log likelihood[t] - the largest)), in ppm
 *
 * best[t]: the highest cosine to an exemplar of tier t; mean[t]: the mean of the `per_tier`
 * highest; share[t]: the part of the `nearest` most similar exemplars that are of tier t. A known
 * word is a token id, or a pair of neighbours (the text's ends are neighbours, too), that is
 * listed; each counts once however often it occurs. A pair's id is a hash: few share one.
 *
 * The scores are kernel ridge regression (Saunders, Gammerman, Vovk 1998) with a Gaussian kernel on
 * the sphere plus the sum over common words of the square of their rarity, log(texts / texts with
 * the word), divided by the root of the product of both texts' numbers of known words; the words'
 * dual weights are summed up in advance;
 * what is made of them is multinomial logistic regression. `prior` is the share of each tier in the
 * training texts: it is taken out so that the pack's own prior counts once.
 *
 * exemplars.vec, all numbers little-endian:
 *
 *     8   "LACVEC1\n"
 *     4   count
 *     4   width
 *     4   size of the ids
 *     4   zero
 *     32  SHA-256 of the exemplars' texts
 *     1 x count             tiers, as enum lac_tier
 *     4 x (count + 1)       where each id begins among the ids
 *     size of the ids       ids, one after another
 *     count x width         vectors, signed bytes; only their direction counts
 *
 * and nothing else. head.json is a JSON object with the members below; "report" is for people, what
 * the training measured, and not read.
 */
#ifndef LAC_HEAD_PARAMS_H
#define LAC_HEAD_PARAMS_H

#include "lac_buf.h"
#include "lac_head.h"

enum {
    LAC_HEAD_FORMAT = 2,
    LAC_HEAD_FORMAT_WHOLE = 1,              /* texts are judged as a whole: it has no "sentences" */
    LAC_HEAD_NEIGHBOUR_MAX = 64,            /* per_tier and nearest */
    LAC_HEAD_FEATURES = 3 * LAC_TIER_COUNT, /* of the neighbourhood */
    LAC_HEAD_INPUTS = LAC_TIER_COUNT + LAC_HEAD_FEATURES,
    LAC_HEAD_WORD_MAX = 65536,     /* known words */
    LAC_HEAD_PAIR_FIRST = 1 << 20, /* token ids are below, pairs of tokens from here on */
    LAC_HEAD_PAIR_BITS = 19,
    LAC_HEAD_WORD_ID_MAX = LAC_HEAD_PAIR_FIRST + (1 << LAC_HEAD_PAIR_BITS) - 1,
    LAC_HEAD_TEXT_WORD_MAX = 2 * LAC_HEAD_TOKEN_MAX + 1, /* words of one text */
    LAC_HEAD_WEIGHT_MAX = 1 << 24,                       /* Q20: 16; of exemplars and words */
    LAC_HEAD_VALUE_MAX = 1 << 27,      /* Q20: 128; of the regression, logarithms and the guard */
    LAC_HEAD_SHARPNESS_MAX = 64 << 16, /* Q16 */
    LAC_HEAD_KERNEL_BITS = 12,
    LAC_HEAD_KERNEL_PART_BITS = 20 - LAC_HEAD_KERNEL_BITS, /* of a cosine, between two steps */
    LAC_HEAD_KERNEL_SIZE = (2 << LAC_HEAD_KERNEL_BITS) + 1,
    LAC_HEAD_ONE = 1 << 20,      /* 1 in Q20 */
    LAC_HEAD_NAME_MAX = 64,      /* bytes of a model's name */
    LAC_HEAD_FLOOR_MAX = 100000, /* ppm */
};

enum lac_head_speech { LAC_HEAD_ENGLISH, LAC_HEAD_ANY_LANGUAGE };

struct lac_head_params {
    char model[LAC_HEAD_NAME_MAX + 1];
    unsigned char model_hash[LAC_HEAD_HASH_SIZE];
    unsigned char texts_hash[LAC_HEAD_HASH_SIZE]; /* of the exemplars, as in exemplars.vec */
    unsigned char data_hash[LAC_HEAD_HASH_SIZE];  /* of all training texts */
    uint32_t layers;                              /* of the encoder, see lac_head_layers() */
    uint32_t width;
    uint32_t per_tier, nearest;                       /* 1 .. LAC_HEAD_NEIGHBOUR_MAX */
    uint32_t sharpness;                               /* Q16 */
    uint32_t exemplars;                               /* how many */
    int32_t *exemplar_weights;                        /* owned; [exemplars][3], Q20 */
    uint32_t words;                                   /* how many known ones */
    int32_t *word_ids;                                /* owned; [words], rising */
    int32_t *word_weights;                            /* owned; [words][3], Q20 */
    int32_t weights[LAC_TIER_COUNT][LAC_HEAD_INPUTS]; /* Q20 */
    int32_t bias[LAC_TIER_COUNT];                     /* Q20 */
    int32_t log_prior[LAC_TIER_COUNT];                /* Q20, natural, at most 0 */
    int32_t guard[LAC_TIER_COUNT];                    /* Q20 */
    uint32_t floor;                                   /* ppm */
    uint32_t doubts[2];                               /* see lac_head_doubts(); 0: none */
    int32_t closeness;                                /* Q20: the gate's threshold */
    enum lac_head_speech language;
    uint64_t seed;
};

/* Room for the three arrays, zeroed, for the counts that are set. RETRY: no memory. */
enum lac_status lac_head_params_alloc(struct lac_head_params *p, struct lac_err *err) LAC_MUST_USE;
/* Safe on a zeroed one. */
void lac_head_params_free(struct lac_head_params *p);

/* Reads head.json; REJECT with the member's name. `vec_hash`: SHA-256 of the exemplars.vec that it
 * belongs to. To be freed also when it fails. */
enum lac_status lac_head_params_read(struct lac_head_params *p, struct lac_str json,
                                     unsigned char vec_hash[LAC_HEAD_HASH_SIZE],
                                     struct lac_err *err) LAC_MUST_USE;

/* Appends head.json; `report` is a JSON object. The same numbers give the same bytes. */
void lac_head_params_write(const struct lac_head_params *p,
                           const unsigned char vec_hash[LAC_HEAD_HASH_SIZE], struct lac_str report,
                           struct lac_buf *out);

/* The exemplars; arrays have `count` elements, all borrowed. */
struct lac_head_exemplars {
    uint32_t count, width;
    const unsigned char *texts_hash; /* LAC_HEAD_HASH_SIZE bytes */
    const uint8_t *tiers;
    const unsigned char *id_starts; /* [count + 1] little-endian, at any address */
    const char *ids;
    const int8_t *vectors; /* [count][width] */
};

/* Checks everything about exemplars.vec, so that what is lent can be used without further checks.
 * REJECT: it isn't one. */
enum lac_status lac_head_exemplars_read(struct lac_head_exemplars *out, struct lac_str bytes,
                                        struct lac_err *err) LAC_MUST_USE;

/* Appends exemplars.vec of `count` vectors of unit length; each id is 1 to LAC_HEAD_ID_MAX bytes.
 */
void lac_head_exemplars_write(const unsigned char texts_hash[LAC_HEAD_HASH_SIZE], uint32_t count,
                              uint32_t width, const struct lac_str *ids, const enum lac_tier *tiers,
                              const float *vectors, struct lac_buf *out);

struct lac_str lac_head_exemplars_id(const struct lac_head_exemplars *e, uint32_t index);

/* ---- arithmetic that training and running share ---- */

/* A vector as integers: x 2^15, rounded. False: not finite, or its length is not 1 within 1 %. */
bool lac_head_quantise(const float *vector, size_t width, int16_t *out) LAC_MUST_USE;

/* How a dot product of a quantised vector with this exemplar becomes a cosine in Q20, see
 * lac_head_similarity(). 0: the exemplar has no direction. */
uint32_t lac_head_multiplier(const int8_t *exemplar, size_t width);

/* A dot product with that multiplier becomes a cosine in Q20: the nearest, halves up. */
enum { LAC_HEAD_SIMILARITY_SHIFT = 24 };
static inline int32_t lac_head_scaled(int32_t dot, uint32_t multiplier)
{
    const int64_t half = (int64_t)1 << (LAC_HEAD_SIMILARITY_SHIFT - 1);

    return (int32_t)((dot * (int64_t)multiplier + half) >> LAC_HEAD_SIMILARITY_SHIFT);
}

/* Cosine in Q20. */
int32_t lac_head_similarity(const int16_t *q, const int8_t *exemplar, size_t width,
                            uint32_t multiplier);

/* The same without the machine's vector instructions: for the test that compares them. */
int32_t lac_head_similarity_plain(const int16_t *q, const int8_t *exemplar, size_t width,
                                  uint32_t multiplier);

/* 1 / sqrt(n) in Q20; n at least 1. */
int64_t lac_head_root_part(uint32_t n);

/* e to the power of `x` <= 0 (Q20), in Q32. */
uint64_t lac_head_exp(int64_t x);

/* k() for each step, Q24. */
void lac_head_kernel(uint32_t sharpness, uint32_t out[LAC_HEAD_KERNEL_SIZE]);

/*
 * k() of a cosine (Q20), Q24: between two steps on the straight line through them. By the nearest
 * step alone thousands of exemplars' small errors add up to more than an encoder in bfloat16 is
 * off.
 */
static inline int64_t lac_head_kernel_of(const uint32_t table[LAC_HEAD_KERNEL_SIZE], int32_t cosine)
{
    int32_t c = cosine > LAC_HEAD_ONE - 1 ? LAC_HEAD_ONE - 1
                : cosine < -LAC_HEAD_ONE  ? -LAC_HEAD_ONE
                                          : cosine;
    uint32_t place = (uint32_t)(c + LAC_HEAD_ONE);
    uint32_t at = place >> LAC_HEAD_KERNEL_PART_BITS;
    uint32_t part = place & ((1U << LAC_HEAD_KERNEL_PART_BITS) - 1);

    /* k() rises, and by less than 2^24 in all: no overflow even for the steepest. */
    return table[at] + (((table[at + 1] - table[at]) * part) >> LAC_HEAD_KERNEL_PART_BITS);
}

/*
 * The neighbourhood of a vector: features in their order, closeness, the nearest, and the cosine to
 * each exemplar where `cosines` is not NULL (also to those left out). `skip` is an exemplar that
 * doesn't count (leave one out), UINT32_MAX for none; further ones may be left out by `skip_group`
 * with groups[i] == skip_group (groups NULL: none).
 */
struct lac_head_around {
    int32_t features[LAC_HEAD_FEATURES]; /* Q20 */
    int32_t closeness;                   /* Q20 */
    uint32_t near_index[LAC_HEAD_NEIGHBOUR_MAX];
    int32_t near_similarity[LAC_HEAD_NEIGHBOUR_MAX]; /* Q20, falling */
    uint32_t near_count;
};

struct lac_head_leave {
    uint32_t skip;
    const uint16_t *groups;
    uint16_t skip_group;
};

/* The same piece by piece: begin, each exemplar's cosine in the order of their places, end. */
struct lac_head_look {
    struct lac_head_around *out;
    uint32_t counts[LAC_TIER_COUNT];
    int32_t best[LAC_TIER_COUNT][LAC_HEAD_NEIGHBOUR_MAX]; /* Q20, falling */
    int32_t least[LAC_TIER_COUNT]; /* what is of this tier and not above changes nothing */
};

void lac_head_look_begin(struct lac_head_look *l, struct lac_head_around *out);
void lac_head_look_take(struct lac_head_look *l, const struct lac_head_params *p,
                        enum lac_tier tier, uint32_t index, int32_t cosine);
void lac_head_look_end(struct lac_head_look *l, const uint8_t *tiers);

/* What is not above its tier's `least` needs no call. */
static inline void lac_head_look_at(struct lac_head_look *l, const struct lac_head_params *p,
                                    enum lac_tier tier, uint32_t index, int32_t cosine)
{
    if (cosine > l->least[tier])
        lac_head_look_take(l, p, tier, index, cosine);
}

void lac_head_look_around(const struct lac_head_exemplars *e, const uint32_t *multipliers,
                          const struct lac_head_params *p, const int16_t *q,
                          const struct lac_head_leave *leave, int32_t *cosines,
                          struct lac_head_around *out);

/* The words of a text of `count` tokens, at most LAC_HEAD_TOKEN_MAX: token ids and those of pairs,
 * rising, each once. Returns how many. */
size_t lac_head_words(const int32_t *ids, size_t count, int32_t out[LAC_HEAD_TEXT_WORD_MAX]);

/* Whether a text can be English, see lac_head_language(). */
bool lac_head_english(struct lac_str text);

/* From f, LAC_HEAD_INPUTS values in Q20 within +-2^40, to likelihoods in ppm. */
void lac_head_likelihoods(const struct lac_head_params *p, const int64_t *f,
                          uint32_t out[LAC_TIER_COUNT]);

#endif
