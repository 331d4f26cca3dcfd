/* SPDX-License-Identifier: Apache-2.0 */
/* bench_encode - what the encoder's benchmarks share */
#ifndef BENCH_ENCODE_H
#define BENCH_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_encode_model.h"

/*
 * The matrix products of a model alone: for each layer q, k and v as one, attention's output, and
 * the two of the feed-forward net, through oneDNN in one thread, each over all rows at once with
 * weights packed as oneDNN likes them and a bias. NULL: no memory, or oneDNN failed.
 */
struct bench_products;
struct bench_products *bench_products_open(const struct lac_encode_weights *w, size_t rows);
void bench_products_close(struct bench_products *p); /* accepts NULL */
bool bench_products_run(struct bench_products *p);

/* Seconds of processor time of this thread. */
double bench_encode_now(void);

#endif
