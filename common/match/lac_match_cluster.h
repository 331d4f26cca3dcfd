/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_cluster - what a character and the marks on it become in the two views
 *
 * Private to common/match. Thread: any. Pure functions.
 */
#ifndef LAC_MATCH_CLUSTER_H
#define LAC_MATCH_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_str.h"

enum {
    LAC_MATCH_CLUSTER_MAX = 32, /* code points; longer piles of marks are cut */
    LAC_MATCH_CLUSTER_CELLS =
        LAC_MATCH_CLUSTER_MAX * 18, /* NFKC makes at most 18 of one (U+FDFA) */
};

/* Memory for utf8proc, and then UTF-8. One cell more: utf8proc_reencode() ends its text with NUL.
 */
union lac_match_cluster_text {
    int32_t cells[LAC_MATCH_CLUSTER_CELLS + 1];
    unsigned char bytes[(LAC_MATCH_CLUSTER_CELLS + 1) * sizeof(int32_t)];
};

/* Length of the cluster at `at`, a base character and what combines with it; 0 for a malformed
 * byte. */
size_t lac_match_cluster_len(struct lac_str text, size_t at, uint32_t *base);

/* A mark that is part of the cluster of the character before it. */
bool lac_match_combines(uint32_t code);

/* Blanks that NFKC does not make one: those of other scripts, line and paragraph ends, and what
 * Braille and Hangul leave empty. */
bool lac_match_is_blank(uint32_t code);

/* Non-ASCII punctuation, symbols, blanks and controls part words, like their ASCII relatives; the
 * full-width forms become ASCII first. */
bool lac_match_separates(uint32_t code);

/* The cluster in NFKC and, for `fold`, without letter case; of a character of ASCII without marks
 * that only decorate it. Returns the bytes written; 0: nothing visible is left. */
size_t lac_match_normalise(struct lac_str cluster, bool fold, union lac_match_cluster_text *out);

#endif
