/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_match_slow - tier 1 without anything that makes it fast: the answer that the scan must give
 *
 * Every unit is run at every byte, every phrase compared at every byte, and context words are read
 * from the text. What is shared with the real scan is what happens at a place (verifying,
 * comparing, recording), not how places are found.
 *
 * Thread: as lac_match_scan().
 */
#ifndef LAC_MATCH_SLOW_H
#define LAC_MATCH_SLOW_H

#include "lac_match_internal.h"

/* As lac_match_scan(), for texts below the scratch's limit and rule sets that leave nothing to
 * Vectorscan alone. */
enum lac_status lac_match_slow(const struct lac_match *m, struct lac_match_scratch *s,
                               struct lac_str text, struct lac_match_hits *hits,
                               struct lac_err *err) LAC_MUST_USE;

#endif
