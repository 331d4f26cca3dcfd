/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_cuda_kernels - what the encoder does on the device besides matrix products
 *
 * Every launcher puts one kernel on a stream and returns without waiting; what is wrong with the
 * launch is its result, what goes wrong on the device shows at the next wait. All pointers are the
 * device's and 16-byte aligned. Matrices are row by row. bf16 numbers are passed as uint16_t and
 * e4m3 ones as uint8_t, because this header is C and C++.
 *
 * Each row of a result depends on that row (for attention and pooling: that sequence) alone and is
 * made in an order that the shape alone gives. That is what keeps bits free of a text's neighbours.
 *
 * fp8 products are made of rows with a scale each: x = x8 * x_scale[row], w = w8 * w_scale[column
 * of the product]. Their results come unscaled and without bias, and whoever reads them next makes
 *
 *     y * x_scale[row] * w_scale[column] + bias[column]
 *
 * of them: struct lac_encode_cuda_late. Scales of whole tensors would tie a text to its neighbours.
 */
#ifndef LAC_ENCODE_CUDA_KERNELS_H
#define LAC_ENCODE_CUDA_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is put beside a position of a batch: a token's id and its place in its sequence. id < 0: no
 * token, a row that only fills up the batch. */
struct lac_encode_cuda_token {
    int32_t id, place;
};

enum { LAC_ENCODE_CUDA_TILE = 64 }; /* queries of one piece of attention's work */

/* One piece: up to 64 queries from `query` on of the sequence of `size` tokens at row `start`. */
struct lac_encode_cuda_tile {
    uint32_t start;
    uint16_t size, query;
};

/* First in a batch's input on the device: sizes that a graph can't hold. */
struct lac_encode_cuda_head {
    uint32_t tiles, sequences, tokens, unused;
};

/* The rest of an fp8 product, see above. row NULL: the product is complete (bf16). */
struct lac_encode_cuda_late {
    const float *row, *column;
    const uint16_t *bias;
};

struct lac_encode_cuda_norm {
    const float *weight, *bias; /* [hidden] */
    float eps;
};

/* Rows as e4m3 with one scale each, for the next fp8 product. values NULL: not wanted. */
struct lac_encode_cuda_rows8 {
    uint8_t *values;
    float *scale;
};

/* x[row] = norm(words[id] + places[place] + kind), zeros where there is no token. hidden is a
 * multiple of 8 and at most 1024, as in all others. */
cudaError_t lac_encode_cuda_embed(const struct lac_encode_cuda_token *tokens, size_t rows,
                                  size_t hidden, const uint16_t *words, const uint16_t *places,
                                  const uint16_t *kind, struct lac_encode_cuda_norm norm,
                                  uint16_t *x, struct lac_encode_cuda_rows8 x8,
                                  cudaStream_t stream);

/* x[row] = norm(x[row] + y[row]), in place. */
cudaError_t lac_encode_cuda_add_norm(const uint16_t *y, struct lac_encode_cuda_late late,
                                     size_t rows, size_t hidden, struct lac_encode_cuda_norm norm,
                                     uint16_t *x, struct lac_encode_cuda_rows8 x8,
                                     cudaStream_t stream);

/*
 * out[row][head] = softmax(q k^T / sqrt(head size)) v within each sequence. qkv[row] holds q, k and
 * v of all heads one after another: 3 x hidden. hidden / heads is 32 or 64. `blocks`: how many
 * blocks share the tiles x heads pieces of work, from lac_encode_cuda_attention_blocks().
 */
cudaError_t lac_encode_cuda_attention(const uint16_t *qkv, struct lac_encode_cuda_late late,
                                      const struct lac_encode_cuda_head *head,
                                      const struct lac_encode_cuda_tile *tiles, size_t hidden,
                                      size_t heads, int blocks, uint16_t *out, cudaStream_t stream);

/* As many blocks as the current device runs at once. */
cudaError_t lac_encode_cuda_attention_blocks(size_t head_size, bool scaled, int *blocks);

/* out[row] = e4m3 of in[row], after gelu (the erf form) if wanted. cols: a multiple of 8, at most
 * 4096. */
cudaError_t lac_encode_cuda_rows_to_8(const uint16_t *in, struct lac_encode_cuda_late late,
                                      bool gelu, size_t rows, size_t cols,
                                      struct lac_encode_cuda_rows8 out, cudaStream_t stream);

/* out[sequence] = mean of its rows (or its first row), of unit length if wanted. `blocks`: the most
 * sequences there may be. */
cudaError_t lac_encode_cuda_pool(const uint16_t *x, const struct lac_encode_cuda_head *head,
                                 const uint32_t *starts, size_t blocks, size_t hidden, bool first,
                                 bool normalize, float *out, cudaStream_t stream);

/* For checks at start: random rows as bf16 or e4m3 whose second halves repeat the first ones, or
 * are their opposites: a row of one kind times a row of the other is 0 but for rounding. And how
 * many words of two buffers differ, added to *different; size: bytes, a multiple of 4. */
cudaError_t lac_encode_cuda_fill(void *out, size_t rows, size_t cols, bool as8, uint32_t seed,
                                 bool opposite, cudaStream_t stream);
cudaError_t lac_encode_cuda_compare(const void *a, const void *b, size_t size, unsigned *different,
                                    cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
