/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_head_search - cosines of several vectors with all exemplars, sixteen exemplars at a time
 *
 * What lac_head_similarity() gives, to the bit: sums of whole numbers, whose order doesn't matter.
 * Exemplars stand in panels of sixteen, pair of elements by pair of elements, so that a panel's
 * sums are one register each and several vectors share what was loaded of it.
 *
 * Forms: AVX-512 VNNI, AVX2, plain C; the fastest that the machine runs is chosen when it is made.
 *
 * Private to common/head. Thread: any; immutable once made.
 */
#ifndef LAC_HEAD_SEARCH_H
#define LAC_HEAD_SEARCH_H

#include "lac_head_params.h"

enum {
    LAC_HEAD_PANEL = 16, /* exemplars */
    LAC_HEAD_ROWS = 8,   /* vectors of one call */
};

struct lac_head_search;

/* cosines[row][exemplar of the panel], Q20, for 1 .. LAC_HEAD_ROWS vectors of 2 x pairs elements,
 * one behind the other. */
typedef void lac_head_search_fn(const struct lac_head_search *s, uint32_t panel, const int16_t *q,
                                size_t rows, int32_t cosines[LAC_HEAD_ROWS][LAC_HEAD_PANEL]);

struct lac_head_search {
    uint32_t panels;
    uint32_t pairs;           /* of elements, rounded up */
    lac_head_search_fn *look; /* the fastest form */
    int8_t *bytes;            /* owned; [panel][pair][LAC_HEAD_PANEL][2]; zeroes where none is */
    uint32_t *multipliers;    /* owned; [panel][LAC_HEAD_PANEL] */
};

/* multipliers: of each exemplar. RETRY: no memory; what there is may be closed. */
enum lac_status lac_head_search_open(struct lac_head_search *s, const struct lac_head_exemplars *e,
                                     const uint32_t *multipliers, struct lac_err *err) LAC_MUST_USE;
void lac_head_search_close(struct lac_head_search *s); /* safe on a zeroed one */

/* All forms that this machine runs, fastest first; NULL beyond the last. */
lac_head_search_fn *lac_head_search_at(size_t index);

#endif
