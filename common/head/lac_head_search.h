/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_head_search - cosines of several vectors with all exemplars, sixteen exemplars at a time, and
 * what these weigh
 *
 * What lac_head_similarity() and lac_head_kernel_of() give, to the bit: sums of whole numbers,
 * whose order doesn't matter. Exemplars stand in panels of sixteen, pair of elements by pair of
 * elements, so that a panel's sums are one register each. All exemplars together are larger than a
 * processor's second cache: so many vectors share each panel while it is near.
 *
 * Forms: AVX-512 VNNI, AVX2 (of the search), plain C; the fastest that the machine runs is chosen
 * when it is made.
 *
 * Private to common/head. Thread: any; immutable once made.
 */
#ifndef LAC_HEAD_SEARCH_H
#define LAC_HEAD_SEARCH_H

#include "lac_head_params.h"

enum {
    LAC_HEAD_PANEL = 16, /* exemplars */
    LAC_HEAD_ROWS = 24,  /* vectors of one call: their sums and a panel fill 32 registers */
    LAC_HEAD_PARTS = 8,  /* of a sum */
};

struct lac_head_search;

/* cosines[row][exemplar of the panel], Q20, for 1 .. LAC_HEAD_ROWS vectors as
 * lac_head_search_put() left them. */
typedef void lac_head_search_fn(const struct lac_head_search *s, uint32_t panel, const int16_t *q,
                                size_t rows, int32_t cosines[LAC_HEAD_ROWS][LAC_HEAD_PANEL]);

/*
 * What a vector's cosines to the `n` exemplars of a panel come to: kernel x weight of each is added
 * to one of the parts of its tier's sum. Returns which of them are above the `least` of their
 * exemplars' tier, the first exemplar's as the lowest bit. tiers: of all exemplars.
 */
typedef uint32_t lac_head_score_fn(const struct lac_head_search *s, const uint32_t *kernel,
                                   uint32_t panel, uint32_t n,
                                   const int32_t cosines[LAC_HEAD_PANEL], const uint8_t *tiers,
                                   const int32_t least[LAC_TIER_COUNT],
                                   int64_t sums[LAC_TIER_COUNT][LAC_HEAD_PARTS]);

struct lac_head_search {
    uint32_t panels;
    uint32_t pairs;           /* of elements, rounded up */
    lac_head_search_fn *look; /* the fastest form */
    lac_head_score_fn *score; /* the fastest form */
    int8_t *bytes;            /* owned; [panel][pair][LAC_HEAD_PANEL][2]; zeroes where none is */
    uint32_t *multipliers;    /* owned; [panel][LAC_HEAD_PANEL] */
    int32_t *weights;         /* owned; [panel][tier][LAC_HEAD_PANEL], Q20; zeroes as well */
};

/* multipliers: of each exemplar; weights: [exemplar][tier]. RETRY: no memory; what there is may be
 * closed. */
enum lac_status lac_head_search_open(struct lac_head_search *s, const struct lac_head_exemplars *e,
                                     const uint32_t *multipliers, const int32_t *weights,
                                     struct lac_err *err) LAC_MUST_USE;
void lac_head_search_close(struct lac_head_search *s); /* safe on a zeroed one */

/* A vector of `width` elements becomes the row-th of `q`, [pairs][LAC_HEAD_ROWS][2]. */
void lac_head_search_put(const struct lac_head_search *s, int16_t *q, size_t row,
                         const int16_t *vector, size_t width);

/* All forms that this machine runs, fastest first; NULL beyond the last. */
lac_head_search_fn *lac_head_search_at(size_t index);
lac_head_score_fn *lac_head_score_at(size_t index);

#endif
