/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the emulation share. All of it is called with the device's lock held. */
#ifndef SIM_CUDA_INTERNAL_H
#define SIM_CUDA_INTERNAL_H

#include <cstdarg>
#include <functional>
#include <mutex>

#include <cuda_runtime_api.h>

#include "sim_cuda.h"
#include "sim_cuda_kernel.h"

/* Runs a whole grid. False: a fault ended it. */
bool sim_cuda_run_grid(const sim_cuda_work &work);
void sim_cuda_seed_blocks(uint64_t seed);

/* `size` bytes at an address of shared memory; a fault where there are none. */
const void *sim_cuda_shared_memory(uint32_t address, size_t size);

/* Random numbers of the order, not of the data. */
uint64_t sim_cuda_random();

/* Prints, counts, and breaks the device. */
void sim_cuda_fault(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void sim_cuda_fault_list(const char *fmt, va_list args);

/* Whether [p, p + size) lies in an allocation of the device. */
bool sim_cuda_on_device(const void *p, size_t size);

/* The one lock, and the failures to inject. */
std::recursive_mutex &sim_cuda_lock();
bool sim_cuda_fails(enum sim_cuda_failure what);
void sim_cuda_count(long change); /* of things alive */

/* Puts work on a stream, or into the graph that it is being captured into. */
cudaError_t sim_cuda_enqueue(cudaStream_t stream, std::function<void()> work);
bool sim_cuda_broken();

void sim_cuda_reset_library();

#endif
