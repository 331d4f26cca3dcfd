/* SPDX-License-Identifier: Apache-2.0 */
/* Small kernels with a mistake each, to see that the emulation sees it. */
#ifndef SIM_CUDA_BAD_H
#define SIM_CUDA_BAD_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum sim_cuda_bad {
    SIM_CUDA_BAD_NONE,
    SIM_CUDA_BAD_BARRIER, /* half of the threads are at another barrier */
    SIM_CUDA_BAD_LEAVES,  /* some leave before it */
    SIM_CUDA_BAD_WARP,    /* half of a warp shuffles, the other half waits at a barrier */
    SIM_CUDA_BAD_POINTER, /* a pointer of the host's */
    SIM_CUDA_BAD_COPY,    /* a copy the other way round */
    SIM_CUDA_BAD_RACE,    /* no barrier between writing and reading */
    SIM_CUDA_BAD_UNSET,   /* shared memory that nobody wrote */
};

/* Each thread shall hand its number to the next one, by shared memory. Whether that came right. */
bool sim_cuda_run_bad(enum sim_cuda_bad which);

#ifdef __cplusplus
}
#endif

#endif
