/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layer norms: of the embeddings' sum, and of a block's result on top of its input.
 *
 * One warp per row. Lane l holds the vectors l, l + 32, .. of eight numbers each: V of them, so a
 * row has at most V * 256 numbers and is read once. Mean and variance are taken in fp32, the
 * variance from the differences.
 */
#include "lac_encode_cuda_device.cuh"

namespace lac
{

constexpr int rows_per_block = 8;

/* A row in registers; slots beyond `hidden` are not touched. */
template <int V> struct Row {
    float v[V][vector];
};

__device__ __forceinline__ size_t column_of(int slot)
{
    return static_cast<size_t>(slot * warp_size + threadIdx.x) * vector;
}

template <int V>
__device__ void norm_row(Row<V> &row, size_t hidden, const Norm &norm)
{
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < V; i++) {
        if (column_of(i) >= hidden)
            continue;
#pragma unroll
        for (int j = 0; j < vector; j++)
            sum += row.v[i][j];
    }
    const float mean = warp_sum(sum) / static_cast<float>(hidden);

    float squares = 0.0f;
#pragma unroll
    for (int i = 0; i < V; i++) {
        if (column_of(i) >= hidden)
            continue;
#pragma unroll
        for (int j = 0; j < vector; j++) {
            row.v[i][j] -= mean;
            squares += row.v[i][j] * row.v[i][j];
        }
    }
    const float variance = warp_sum(squares) / static_cast<float>(hidden);
    const float inverse = 1.0f / sqrtf(variance + norm.eps);

#pragma unroll
    for (int i = 0; i < V; i++) {
        if (column_of(i) >= hidden)
            continue;
        float weight[vector], bias[vector];
        load8(norm.weight + column_of(i), weight);
        load8(norm.bias + column_of(i), bias);
#pragma unroll
        for (int j = 0; j < vector; j++)
            row.v[i][j] = row.v[i][j] * inverse * weight[j] + bias[j];
    }
}

/* Stores a row as bf16, and as e4m3 for the next product if that is fp8. */
template <int V>
__device__ void store_row(const Row<V> &row, size_t index, size_t hidden, uint16_t *x,
                          const Rows8 &x8)
{
    float largest = 0.0f;
#pragma unroll
    for (int i = 0; i < V; i++) {
        if (column_of(i) >= hidden)
            continue;
        store8(x + index * hidden + column_of(i), row.v[i]);
#pragma unroll
        for (int j = 0; j < vector; j++)
            largest = fmaxf(largest, fabsf(row.v[i][j]));
    }
    if (!x8.values)
        return;
    const float scale = scale_of(warp_max(largest));
    if (threadIdx.x == 0)
        x8.scale[index] = scale;
#pragma unroll
    for (int i = 0; i < V; i++) {
        if (column_of(i) < hidden)
            store8_e4m3(x8.values + index * hidden + column_of(i), row.v[i], 1.0f / scale);
    }
}

struct Tables {
    const uint16_t *words, *places, *kind;
};

template <int V>
__global__ void __launch_bounds__(warp_size *rows_per_block)
    embed(const struct lac_encode_cuda_token *tokens, size_t rows, size_t hidden, Tables tables,
          Norm norm, uint16_t *x, Rows8 x8)
{
    const size_t index = static_cast<size_t>(blockIdx.x) * rows_per_block + threadIdx.y;
    if (index >= rows)
        return; /* a whole warp, as all lanes have one row */
    const struct lac_encode_cuda_token token = tokens[index];
    Row<V> row = {};
    if (token.id >= 0) {
        const uint16_t *word = tables.words + static_cast<size_t>(token.id) * hidden;
        const uint16_t *place = tables.places + static_cast<size_t>(token.place) * hidden;
#pragma unroll
        for (int i = 0; i < V; i++) {
            if (column_of(i) >= hidden)
                continue;
            float b[vector], c[vector];
            load8(word + column_of(i), row.v[i]);
            load8(place + column_of(i), b);
            load8(tables.kind + column_of(i), c);
#pragma unroll
            for (int j = 0; j < vector; j++)
                row.v[i][j] += b[j] + c[j];
        }
        norm_row<V>(row, hidden, norm);
    }
    store_row<V>(row, index, hidden, x, x8);
}

template <int V, bool Scaled>
__global__ void __launch_bounds__(warp_size *rows_per_block)
    add_norm(const uint16_t *y, Late late, size_t rows, size_t hidden, Norm norm, uint16_t *x,
             Rows8 x8)
{
    const size_t index = static_cast<size_t>(blockIdx.x) * rows_per_block + threadIdx.y;
    if (index >= rows)
        return;
    const float row_scale = Scaled ? late.row[index] : 1.0f;
    Row<V> row = {};
#pragma unroll
    for (int i = 0; i < V; i++) {
        if (column_of(i) >= hidden)
            continue;
        float before[vector];
        load8(y + index * hidden + column_of(i), row.v[i]);
        load8(x + index * hidden + column_of(i), before);
        if (Scaled)
            complete8(row.v[i], late, row_scale, column_of(i));
#pragma unroll
        for (int j = 0; j < vector; j++)
            row.v[i][j] += before[j];
    }
    norm_row<V>(row, hidden, norm);
    store_row<V>(row, index, hidden, x, x8);
}

static unsigned blocks_for(size_t rows)
{
    return static_cast<unsigned>((rows + rows_per_block - 1) / rows_per_block);
}

/* The smallest V that holds a row: 1 .. 4. */
static int slots_for(size_t hidden)
{
    const size_t lane = static_cast<size_t>(warp_size) * vector;
    return static_cast<int>((hidden + lane - 1) / lane);
}

} // namespace lac

using namespace lac;

extern "C" cudaError_t
lac_encode_cuda_embed(const struct lac_encode_cuda_token *tokens, size_t rows, size_t hidden,
                      const uint16_t *words, const uint16_t *places, const uint16_t *kind,
                      struct lac_encode_cuda_norm norm, uint16_t *x,
                      struct lac_encode_cuda_rows8 x8, cudaStream_t stream)
{
    const Tables tables = {words, places, kind};
    const dim3 threads(warp_size, rows_per_block);
    const unsigned blocks = blocks_for(rows);
    switch (slots_for(hidden)) {
    case 1:
        embed<1><<<blocks, threads, 0, stream>>>(tokens, rows, hidden, tables, norm, x, x8);
        break;
    case 2:
        embed<2><<<blocks, threads, 0, stream>>>(tokens, rows, hidden, tables, norm, x, x8);
        break;
    case 3:
        embed<3><<<blocks, threads, 0, stream>>>(tokens, rows, hidden, tables, norm, x, x8);
        break;
    case 4:
        embed<4><<<blocks, threads, 0, stream>>>(tokens, rows, hidden, tables, norm, x, x8);
        break;
    default:
        return cudaErrorInvalidValue;
    }
    return cudaGetLastError();
}

template <bool Scaled>
static cudaError_t add_norm_launch(const uint16_t *y, const Late &late, size_t rows, size_t hidden,
                                   const Norm &norm, uint16_t *x, const Rows8 &x8,
                                   cudaStream_t stream)
{
    const dim3 threads(warp_size, rows_per_block);
    const unsigned blocks = blocks_for(rows);
    switch (slots_for(hidden)) {
    case 1:
        add_norm<1, Scaled><<<blocks, threads, 0, stream>>>(y, late, rows, hidden, norm, x, x8);
        break;
    case 2:
        add_norm<2, Scaled><<<blocks, threads, 0, stream>>>(y, late, rows, hidden, norm, x, x8);
        break;
    case 3:
        add_norm<3, Scaled><<<blocks, threads, 0, stream>>>(y, late, rows, hidden, norm, x, x8);
        break;
    case 4:
        add_norm<4, Scaled><<<blocks, threads, 0, stream>>>(y, late, rows, hidden, norm, x, x8);
        break;
    default:
        return cudaErrorInvalidValue;
    }
    return cudaGetLastError();
}

extern "C" cudaError_t
lac_encode_cuda_add_norm(const uint16_t *y, struct lac_encode_cuda_late late, size_t rows,
                         size_t hidden, struct lac_encode_cuda_norm norm, uint16_t *x,
                         struct lac_encode_cuda_rows8 x8, cudaStream_t stream)
{
    if (late.row)
        return add_norm_launch<true>(y, late, rows, hidden, norm, x, x8, stream);
    return add_norm_launch<false>(y, late, rows, hidden, norm, x, x8, stream);
}
