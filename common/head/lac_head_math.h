/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_head_math - the little numerical mathematics that training needs
 *
 * Doubles in a fixed order: only operations that IEEE 754 defines to the bit (and this file is
 * compiled without contraction into fused ones), so the same samples give the same head on every
 * machine, whatever its C library.
 *
 * Private to common/head. Thread: any. Pure functions.
 */
#ifndef LAC_HEAD_MATH_H
#define LAC_HEAD_MATH_H

#include <stdbool.h>
#include <stddef.h>

#include "lac_compiler.h"

/* Within 2 units in the last place; below -700 it is 0. x at most 700. */
double lac_head_math_exp(double x);
/* x > 0 and normal. */
double lac_head_math_log(double x);

/*
 * A = U' U of the symmetric positive definite `a` [n][n], in its upper half; the lower half is
 * neither read nor written. False: not positive definite.
 */
bool lac_head_math_cholesky(double *a, size_t n) LAC_MUST_USE;

/* Solves U' U x = b in place for `columns` right sides; b is [n][columns]. */
void lac_head_math_solve(const double *u, size_t n, double *b, size_t columns);

/* U to its inverse, an upper triangle as well, both in the upper half of [n][n]. The lower half is
 * overwritten. */
void lac_head_math_invert(double *u, size_t n);

/* Sum of a[i] b[i]: the same bits whatever the compiler makes of it. */
double lac_head_math_dot(const double *a, const double *b, size_t n);

/* Adds factor x from[i] to to[i]. */
void lac_head_math_add(double *to, const double *from, double factor, size_t n);

#endif
