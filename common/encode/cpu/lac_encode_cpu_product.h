/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_cpu_product - matrix products in floats and bfloat16 on oneDNN
 *
 * out = x W^T + b for the four shapes of a transformer layer. oneDNN chooses its kernel, and with
 * it the order of additions, by the number of rows; and some of its kernels treat the last rows
 * of a product in another way than the first. So products run over tiles of a fixed number of
 * rows only, and a shape tries out when it is opened that a row's result has the same bits at
 * every place of a tile and whatever stands beside it. What was computed there is also hashed:
 * equal fingerprints mean the same order of additions, hence the same bits on two machines.
 *
 * Products run in the calling thread alone; they set OpenMP's thread count for it, to 1.
 * With lac_encode_cpu_onednn.h the only users of oneDNN's headers.
 */
#ifndef LAC_ENCODE_CPU_PRODUCT_H
#define LAC_ENCODE_CPU_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_err.h"

/* Rows that are computed at once; rows of buffers are rounded up to this. */
enum { LAC_ENCODE_CPU_TILE = 96 };

struct lac_encode_cpu_onednn;  /* the library, made ready; immutable */
struct lac_encode_cpu_shape;   /* products of one width in and out; immutable */
struct lac_encode_cpu_packed;  /* weights and bias as a shape wants them; immutable */
struct lac_encode_cpu_binding; /* a session's handles for one shape; owned by a thread */

/* "onednn2.6.3": the version that is loaded. */
void lac_encode_cpu_library(char *out, size_t size);

/* "avx512_core", "avx2": the instructions that oneDNN uses here, its environment considered. */
const char *lac_encode_cpu_isa(void);

/* Whether products in bfloat16 are fast here: AVX-512 with BF16. */
bool lac_encode_cpu_has_bf16(void);

enum lac_status lac_encode_cpu_onednn_open(struct lac_encode_cpu_onednn **out,
                                           struct lac_err *err) LAC_MUST_USE;
void lac_encode_cpu_onednn_close(struct lac_encode_cpu_onednn *l); /* accepts NULL */

/* REJECT: no tile gives results that are independent of a row's place. `bf16`: x and W are
 * rounded to bfloat16, sums are floats. */
enum lac_status lac_encode_cpu_shape_open(struct lac_encode_cpu_shape **out,
                                          struct lac_encode_cpu_onednn *l, size_t in, size_t width,
                                          bool bf16, struct lac_err *err) LAC_MUST_USE;
void lac_encode_cpu_shape_close(struct lac_encode_cpu_shape *s); /* accepts NULL */
uint64_t lac_encode_cpu_shape_fingerprint(const struct lac_encode_cpu_shape *s);

/* Copies weights [width][in] and bias [width]. */
enum lac_status lac_encode_cpu_packed_open(struct lac_encode_cpu_packed **out,
                                           const struct lac_encode_cpu_shape *s,
                                           const float *weights, const float *bias,
                                           struct lac_err *err) LAC_MUST_USE;
void lac_encode_cpu_packed_close(struct lac_encode_cpu_packed *p); /* accepts NULL */

enum lac_status lac_encode_cpu_binding_open(struct lac_encode_cpu_binding **out,
                                            const struct lac_encode_cpu_shape *s,
                                            struct lac_err *err) LAC_MUST_USE;
void lac_encode_cpu_binding_close(struct lac_encode_cpu_binding *b); /* accepts NULL */

/*
 * x: [rows][in] floats (bfloat16: uint16_t), out: [rows][width] floats, both with room for as many
 * rows as lac_encode_cpu_shape_rows() says; what stands in the rows beyond is undefined, before
 * and after. FATAL: oneDNN failed, which means no memory or a broken library.
 */
enum lac_status lac_encode_cpu_multiply(struct lac_encode_cpu_binding *b,
                                        const struct lac_encode_cpu_packed *p, size_t rows,
                                        const void *x, float *out, struct lac_err *err);

/* Rows of a whole tile, at most LAC_ENCODE_CPU_TILE. */
size_t lac_encode_cpu_shape_tile(const struct lac_encode_cpu_shape *s);

/* `rows` rounded up to whole tiles; at most rows + LAC_ENCODE_CPU_TILE - 1. */
size_t lac_encode_cpu_shape_rows(const struct lac_encode_cpu_shape *s, size_t rows);

#endif
