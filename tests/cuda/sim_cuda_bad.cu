/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_cuda_bad.h"

static constexpr int threads = 128;

static __global__ void pass_on(float *out, enum sim_cuda_bad which)
{
    __shared__ float number[threads + 1];
    const int i = static_cast<int>(threadIdx.x);
    if (which != SIM_CUDA_BAD_UNSET || i != 5)
        number[i] = static_cast<float>(i);
    if (which == SIM_CUDA_BAD_LEAVES && i == 77)
        return;
    if (which == SIM_CUDA_BAD_WARP && i % 32 < 16)
        number[i] = __shfl_xor_sync(0xffffffffu, number[i], 0);
    if (which == SIM_CUDA_BAD_BARRIER && i % 2)
        __syncthreads();
    else if (which != SIM_CUDA_BAD_RACE)
        __syncthreads();
    out[i] = number[(i + 1) % threads];
}

bool sim_cuda_run_bad(enum sim_cuda_bad which)
{
    float *out = NULL, got[threads] = {};
    bool right = cudaMalloc(reinterpret_cast<void **>(&out), sizeof(got)) == cudaSuccess;
    if (which == SIM_CUDA_BAD_COPY)
        (void)cudaMemcpy(got, out, 4, cudaMemcpyHostToDevice);
    pass_on<<<1, threads, 0, nullptr>>>(which == SIM_CUDA_BAD_POINTER ? got : out, which);
    right = right && cudaMemcpy(got, out, sizeof(got), cudaMemcpyDeviceToHost) == cudaSuccess;
    for (int i = 0; i < threads; i++)
        right = right && got[i] == static_cast<float>((i + 1) % threads);
    (void)cudaFree(out);
    return right;
}
