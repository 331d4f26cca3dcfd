/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_slow - a BERT encoder as the paper has it, in doubles, one element after another
 *
 * The oracle for models of any shape. Aborts without memory: it is for tests.
 */
#ifndef LAC_ENCODE_SLOW_H
#define LAC_ENCODE_SLOW_H

#include "lac_encode_model.h"

/* out: [hidden] */
void lac_encode_slow(const struct lac_encode_weights *w, const int32_t *ids, size_t count,
                     double *out);

#endif
