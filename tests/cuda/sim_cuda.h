/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_cuda - a GPU that is not there: the encoder's CUDA code, run on the CPU
 *
 * common/encode/cuda is compiled as it is, the kernels as C++ (translate.cmake), against NVIDIA's
 * own headers, and linked with these files in place of the CUDA runtime and cublasLt. What runs is
 * the code's logic: indices, masks, barriers, fragment layouts, graphs, pieces, error paths.
 *
 *   sim_cuda_block.cc    a block's threads as fibers, switched at barriers and warp operations in
 * an order that the seed gives; shared memory is NaN until it is written sim_cuda_ptx.cc ldmatrix
 * and mma, out of the text of the assembler instructions sim_cuda_runtime.cc  memory, streams,
 * events, graphs. Streams are late: what is put on one runs when somebody waits for it, or earlier
 * by chance, so that what was not waited for is not there sim_cuda_blas.cc     cublasLt's products,
 * with algorithms that must not be chosen
 *
 * What it cannot show: speed, NVIDIA's own cublasLt, the hardware's memory model (threads take
 * turns here), how many registers a kernel needs, what nvcc makes of the code.
 *
 * Memory of the device comes from malloc(), so that AddressSanitizer knows its ends. A kernel's
 * pointers must point into it, a copy's must point to the side that they say.
 *
 * Thread: any; the device does one thing at a time. The calls below: while no other thread uses it.
 */
#ifndef SIM_CUDA_H
#define SIM_CUDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Another order of threads and streams; clears what was injected, heals the device. */
void sim_cuda_reset(uint64_t seed);

/* What devices there are: none for capability 0, else one, e.g. 90 for 9.0. */
void sim_cuda_machine(int capability, int processors);

/* What goes wrong, at the n-th occasion from now on (0: the next one). */
enum sim_cuda_failure {
    SIM_CUDA_NO_FAILURE,
    SIM_CUDA_FAIL_MEMORY,  /* an allocation: out of memory */
    SIM_CUDA_FAIL_CALL,    /* a call of the runtime answers with an error */
    SIM_CUDA_FAIL_LIBRARY, /* a call of cublasLt does */
    SIM_CUDA_FAIL_KERNEL,  /* what runs on the device breaks it for good */
};
void sim_cuda_fail(enum sim_cuda_failure what, size_t n);
bool sim_cuda_failed(void); /* whether it has happened */

/* Things made and not destroyed: allocations, streams, events, graphs, what cublasLt creates. */
size_t sim_cuda_alive(void);

/* Misuse that a real device would answer with chance: each is printed and breaks the device. */
size_t sim_cuda_faults(void);
const char *sim_cuda_last_fault(void);
/* For tests of this emulation: says nothing on stderr. */
void sim_cuda_quiet(bool quiet);

/* cublasLt's algorithms. */
enum sim_cuda_algorithm {
    SIM_CUDA_GOOD = 11,     /* bits depend on nothing but the row */
    SIM_CUDA_ALSO_GOOD,     /* the same, another order of sums */
    SIM_CUDA_BY_ROWS,       /* fewer than 512 rows: another order of sums */
    SIM_CUDA_BY_PLACE,      /* another order in the last quarter of each 128 rows */
    SIM_CUDA_SPLIT,         /* a sum in parts that are added later */
    SIM_CUDA_LARGE,         /* wants more workspace than allowed for 4096 rows and more */
    SIM_CUDA_NOT_SUPPORTED, /* proposed with a status that says no */
};
/* What is proposed from now on, best first; reset: SPLIT, GOOD. Each one tried takes its time. */
void sim_cuda_propose(const enum sim_cuda_algorithm *list, size_t count);

#ifdef __cplusplus
}
#endif

#endif
