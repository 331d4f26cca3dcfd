/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bf16 rows to e4m3 rows with a scale each, for fp8 products: of attention's result, of the
 * weights, and of the feed-forward's inner side with its gelu on the way.
 *
 * One block of four warps per row. Thread t holds the vectors t, t + 128, .. of eight numbers, so a
 * row of up to 4096 is read once. The largest number of a row becomes 448.
 */
#include "lac_encode_cuda_device.cuh"

namespace lac
{

constexpr int row_threads = 128;
constexpr int row_slots = 4;

/* x Phi(x), as BERT has it: not the tanh form. */
__device__ __forceinline__ float gelu(float x)
{
    return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
}

__device__ float block_max(float value)
{
    __shared__ float of_warp[row_threads / warp_size];
    const float largest = warp_max(value);
    if (threadIdx.x % warp_size == 0)
        of_warp[threadIdx.x / warp_size] = largest;
    __syncthreads();
    return fmaxf(fmaxf(of_warp[0], of_warp[1]), fmaxf(of_warp[2], of_warp[3]));
}

template <bool Scaled, bool Gelu>
__global__ void __launch_bounds__(row_threads)
    rows_to_8(const uint16_t *in, Late late, size_t cols, Rows8 out)
{
    const size_t row = blockIdx.x;
    const float row_scale = Scaled ? late.row[row] : 1.0f;
    float v[row_slots][vector];
    float largest = 0.0f;
#pragma unroll
    for (int i = 0; i < row_slots; i++) {
        const size_t column = (threadIdx.x + static_cast<size_t>(i) * row_threads) * vector;
        if (column >= cols)
            continue;
        load8(in + row * cols + column, v[i]);
        if (Scaled)
            complete8(v[i], late, row_scale, column);
#pragma unroll
        for (int j = 0; j < vector; j++) {
            if (Gelu)
                v[i][j] = gelu(v[i][j]);
            largest = fmaxf(largest, fabsf(v[i][j]));
        }
    }
    const float scale = scale_of(block_max(largest));
    if (threadIdx.x == 0)
        out.scale[row] = scale;
#pragma unroll
    for (int i = 0; i < row_slots; i++) {
        const size_t column = (threadIdx.x + static_cast<size_t>(i) * row_threads) * vector;
        if (column < cols)
            store8_e4m3(out.values + row * cols + column, v[i], 1.0f / scale);
    }
}

} // namespace lac

using namespace lac;

extern "C" cudaError_t lac_encode_cuda_rows_to_8(const uint16_t *in,
                                                 struct lac_encode_cuda_late late, bool gelu,
                                                 size_t rows, size_t cols,
                                                 struct lac_encode_cuda_rows8 out,
                                                 cudaStream_t stream)
{
    if (cols > static_cast<size_t>(row_threads) * row_slots * vector || cols % vector != 0)
        return cudaErrorInvalidValue;
    const unsigned blocks = static_cast<unsigned>(rows);
    if (late.row && gelu)
        rows_to_8<true, true><<<blocks, row_threads, 0, stream>>>(in, late, cols, out);
    else if (late.row)
        rows_to_8<true, false><<<blocks, row_threads, 0, stream>>>(in, late, cols, out);
    else if (gelu)
        rows_to_8<false, true><<<blocks, row_threads, 0, stream>>>(in, late, cols, out);
    else
        rows_to_8<false, false><<<blocks, row_threads, 0, stream>>>(in, late, cols, out);
    return cudaGetLastError();
}
