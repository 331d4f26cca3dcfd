/* SPDX-License-Identifier: Apache-2.0 */
/* A small head that is made in memory: six exemplars of four dimensions, two of each tier. */
#ifndef HEAD_FIXTURE_H
#define HEAD_FIXTURE_H

#include "lac_head_params.h"

enum { FIXTURE_WIDTH = 4, FIXTURE_COUNT = 6 };

struct fixture {
    struct lac_head_params params;
    struct lac_buf json, vec;
};

/* The vectors that the exemplars were made of, unit length. */
extern const float fixture_vectors[FIXTURE_COUNT][FIXTURE_WIDTH];

/* Numbers of a head whose logits are 8 x (best cosine to the tier's exemplars); exemplars and the
 * words 7 and 9 have no weight. */
void fixture_open(struct fixture *f);
/* Writes both files from what the parameters are now. */
void fixture_write(struct fixture *f);
void fixture_close(struct fixture *f);

#endif
