/* SPDX-License-Identifier: Apache-2.0 */
/* lac_cosine - how alike two vectors are; for tests and benchmarks of encoders */
#ifndef LAC_COSINE_H
#define LAC_COSINE_H

#include <math.h>
#include <stddef.h>

/* a . b / (|a| |b|), in doubles; NaN where one is all zeros. */
static inline double lac_cosine(const float *a, const float *b, size_t count)
{
    double ab = 0, aa = 0, bb = 0;

    for (size_t i = 0; i < count; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

#endif
