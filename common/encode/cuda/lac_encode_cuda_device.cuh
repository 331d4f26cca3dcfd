/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces that several kernels are made of: eight bf16 numbers at once, sums over a warp, e4m3. */
#ifndef LAC_ENCODE_CUDA_DEVICE_CUH
#define LAC_ENCODE_CUDA_DEVICE_CUH

#include <cuda_bf16.h>
#include <cuda_fp8.h>

#include "lac_encode_cuda_kernels.h"

namespace lac
{

using Late = struct lac_encode_cuda_late;
using Norm = struct lac_encode_cuda_norm;
using Rows8 = struct lac_encode_cuda_rows8;

constexpr int warp_size = 32;
constexpr int vector = 8; /* bf16 numbers of one 16-byte access */
constexpr unsigned whole_warp = 0xffffffffu;

/* Largest finite e4m3 number, and the smallest row maximum that is told from zero. */
constexpr float e4m3_max = 448.0f;
constexpr float row_min = 1e-20f;

__device__ __forceinline__ float bf16_low(uint32_t pair)
{
    return __uint_as_float(pair << 16);
}

__device__ __forceinline__ float bf16_high(uint32_t pair)
{
    return __uint_as_float(pair & 0xffff0000u);
}

/* To the nearest, ties to even; `low` lies at the lower address. */
__device__ __forceinline__ uint32_t bf16_pair(float low, float high)
{
    __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
    uint32_t bits;
    memcpy(&bits, &pair, sizeof(bits));
    return bits;
}

__device__ __forceinline__ void load8(const uint16_t *from, float (&out)[vector])
{
    const uint4 raw = *reinterpret_cast<const uint4 *>(from);
    const uint32_t word[4] = {raw.x, raw.y, raw.z, raw.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        out[2 * i] = bf16_low(word[i]);
        out[2 * i + 1] = bf16_high(word[i]);
    }
}

__device__ __forceinline__ uint4 pack8(const float (&in)[vector])
{
    return make_uint4(bf16_pair(in[0], in[1]), bf16_pair(in[2], in[3]), bf16_pair(in[4], in[5]),
                      bf16_pair(in[6], in[7]));
}

__device__ __forceinline__ void store8(uint16_t *to, const float (&in)[vector])
{
    *reinterpret_cast<uint4 *>(to) = pack8(in);
}

__device__ __forceinline__ void load8(const float *from, float (&out)[vector])
{
    const float4 a = reinterpret_cast<const float4 *>(from)[0];
    const float4 b = reinterpret_cast<const float4 *>(from)[1];
    out[0] = a.x, out[1] = a.y, out[2] = a.z, out[3] = a.w;
    out[4] = b.x, out[5] = b.y, out[6] = b.z, out[7] = b.w;
}

/* Completes eight results of an fp8 product, from `column` on. */
__device__ __forceinline__ void complete8(float (&y)[vector], const Late &late, float row_scale,
                                          size_t column)
{
    float scale[vector], bias[vector];
    load8(late.column + column, scale);
    load8(late.bias + column, bias);
#pragma unroll
    for (int i = 0; i < vector; i++)
        y[i] = y[i] * (row_scale * scale[i]) + bias[i];
}

/* All lanes get the result; the order of additions is fixed. */
__device__ __forceinline__ float warp_sum(float value)
{
#pragma unroll
    for (int step = warp_size / 2; step > 0; step /= 2)
        value += __shfl_xor_sync(whole_warp, value, step);
    return value;
}

__device__ __forceinline__ float warp_max(float value)
{
#pragma unroll
    for (int step = warp_size / 2; step > 0; step /= 2)
        value = fmaxf(value, __shfl_xor_sync(whole_warp, value, step));
    return value;
}

__device__ __forceinline__ float scale_of(float row_max)
{
    return row_max > row_min ? row_max / e4m3_max : 1.0f;
}

__device__ __forceinline__ void store8_e4m3(uint8_t *to, const float (&in)[vector], float inverse)
{
    uint32_t word[2];
#pragma unroll
    for (int i = 0; i < 2; i++) {
        const uint32_t low = __nv_cvt_float2_to_fp8x2(
            make_float2(in[4 * i] * inverse, in[4 * i + 1] * inverse), __NV_SATFINITE, __NV_E4M3);
        const uint32_t high = __nv_cvt_float2_to_fp8x2(
            make_float2(in[4 * i + 2] * inverse, in[4 * i + 3] * inverse), __NV_SATFINITE,
            __NV_E4M3);
        word[i] = low | high << 16;
    }
    *reinterpret_cast<uint2 *>(to) = make_uint2(word[0], word[1]);
}

} // namespace lac

#endif
