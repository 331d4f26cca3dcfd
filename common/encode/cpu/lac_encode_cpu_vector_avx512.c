/* SPDX-License-Identifier: Apache-2.0 */
/* The vector functions with AVX-512: sixteen floats are one register. */
#include "lac_encode_cpu_vector.h"

#ifdef __x86_64__
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")))
enum { BLOCK = 2 };

#include "lac_encode_cpu_ops_avx512.h"
#include "lac_encode_cpu_vector_body.h"

const struct lac_encode_cpu_vector lac_encode_cpu_vector_avx512 = LAC_ENCODE_CPU_VECTOR("avx512");

#else
typedef int lac_encode_cpu_vector_avx512_is_empty;
#endif
