/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pooling and normalisation, and two helpers for the checks at start.
 *
 * One block per sequence; a thread sums pairs of columns over the sequence's rows from first to
 * last. Unit length as in sentence-transformers: divided by max(length, 1e-12).
 */
#include "lac_encode_cuda_device.cuh"

namespace lac
{

constexpr int pool_threads = 128;
constexpr int pool_pairs = 4; /* of columns per thread: 1024 columns */

/* The sum over the block; the order is fixed. */
__device__ float block_sum(float value)
{
    __shared__ float of_warp[pool_threads / warp_size];
    const float sum = warp_sum(value);
    if (threadIdx.x % warp_size == 0)
        of_warp[threadIdx.x / warp_size] = sum;
    __syncthreads();
    return (of_warp[0] + of_warp[1]) + (of_warp[2] + of_warp[3]);
}

__global__ void __launch_bounds__(pool_threads)
    pool(const uint16_t *x, const struct lac_encode_cuda_head *head, const uint32_t *starts,
         size_t hidden, bool first, bool normalize, float *out)
{
    if (blockIdx.x >= head->sequences)
        return;
    const size_t pairs = hidden / 2, begin = starts[blockIdx.x];
    const size_t size = first ? 1 : starts[blockIdx.x + 1] - begin;
    const uint32_t *rows = reinterpret_cast<const uint32_t *>(x) + begin * pairs;
    float low[pool_pairs] = {}, high[pool_pairs] = {};
#pragma unroll 4
    for (size_t row = 0; row < size; row++) {
#pragma unroll
        for (int i = 0; i < pool_pairs; i++) {
            const size_t pair = threadIdx.x + static_cast<size_t>(i) * pool_threads;
            if (pair >= pairs)
                continue;
            const uint32_t both = rows[row * pairs + pair];
            low[i] += bf16_low(both);
            high[i] += bf16_high(both);
        }
    }
    float squares = 0.0f;
#pragma unroll
    for (int i = 0; i < pool_pairs; i++) {
        low[i] /= static_cast<float>(size);
        high[i] /= static_cast<float>(size);
        squares += low[i] * low[i] + high[i] * high[i];
    }
    const float length = sqrtf(block_sum(squares));
    const float divisor = normalize ? fmaxf(length, 1e-12f) : 1.0f;
#pragma unroll
    for (int i = 0; i < pool_pairs; i++) {
        const size_t pair = threadIdx.x + static_cast<size_t>(i) * pool_threads;
        if (pair < pairs)
            reinterpret_cast<float2 *>(out + blockIdx.x * hidden)[pair] =
                make_float2(low[i] / divisor, high[i] / divisor);
    }
}

/* A fixed mixing of index and seed (the finaliser of MurmurHash3). */
__device__ __forceinline__ uint32_t noise_bits(size_t index, uint32_t seed)
{
    uint32_t h = static_cast<uint32_t>(index) * 0x9e3779b9u + seed;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return h ^ h >> 16;
}

__device__ __forceinline__ float noise(size_t index, uint32_t seed)
{
    return static_cast<float>(static_cast<int32_t>(noise_bits(index, seed))) * 0x1p-31f;
}

/* Rows of `cols` numbers, cols even. The second half of a row is the first one again or its
 * opposite, turned by a few places, so that halves added apart do not cancel out to the last bit.
 * Sizes spread over eight powers of two: sums that are not exact are what this is for. */
__global__ void fill(void *out, size_t rows, size_t cols, bool as8, uint32_t seed, bool opposite)
{
    const size_t step = static_cast<size_t>(gridDim.x) * blockDim.x, half = cols / 2;
    for (size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < rows * cols;
         i += step) {
        const size_t row = i / cols, col = i % cols;
        const bool second = col >= half;
        const size_t index = row * half + (second ? (col + 7) % half : col);
        const float size = static_cast<float>(1u << (noise_bits(index, ~seed) & 7u));
        const float value = noise(index, seed) * (second && opposite ? -size : size);
        if (as8)
            static_cast<uint8_t *>(out)[i] =
                __nv_cvt_float_to_fp8(value, __NV_SATFINITE, __NV_E4M3);
        else
            static_cast<uint16_t *>(out)[i] =
                static_cast<uint16_t>(bf16_pair(value, value) & 0xffffu);
    }
}

__global__ void compare(const uint32_t *a, const uint32_t *b, size_t words, unsigned *different)
{
    const size_t step = static_cast<size_t>(gridDim.x) * blockDim.x;
    unsigned found = 0;
    for (size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < words;
         i += step)
        found += a[i] != b[i];
    if (found)
        atomicAdd(different, found);
}

constexpr unsigned helper_blocks = 512, helper_threads = 256;

} // namespace lac

using namespace lac;

extern "C" cudaError_t lac_encode_cuda_pool(const uint16_t *x,
                                            const struct lac_encode_cuda_head *head,
                                            const uint32_t *starts, size_t blocks, size_t hidden,
                                            bool first, bool normalize, float *out,
                                            cudaStream_t stream)
{
    if (hidden > 2 * static_cast<size_t>(pool_threads) * pool_pairs)
        return cudaErrorInvalidValue;
    pool<<<static_cast<unsigned>(blocks), pool_threads, 0, stream>>>(x, head, starts, hidden,
                                                                     first, normalize, out);
    return cudaGetLastError();
}

extern "C" cudaError_t lac_encode_cuda_fill(void *out, size_t rows, size_t cols, bool as8,
                                            uint32_t seed, bool opposite, cudaStream_t stream)
{
    fill<<<helper_blocks, helper_threads, 0, stream>>>(out, rows, cols, as8, seed, opposite);
    return cudaGetLastError();
}

extern "C" cudaError_t lac_encode_cuda_compare(const void *a, const void *b, size_t size,
                                               unsigned *different, cudaStream_t stream)
{
    compare<<<helper_blocks, helper_threads, 0, stream>>>(
        static_cast<const uint32_t *>(a), static_cast<const uint32_t *>(b), size / 4, different);
    return cudaGetLastError();
}
