/* SPDX-License-Identifier: Apache-2.0 */
/* The vector functions with AVX2 and FMA: sixteen floats are two registers. */
#include "lac_encode_cpu_vector.h"

#ifdef __x86_64__
#define TARGET __attribute__((target("avx2,fma")))
enum { BLOCK = 1 };

#include "lac_encode_cpu_ops_avx2.h"
#include "lac_encode_cpu_vector_body.h"

const struct lac_encode_cpu_vector lac_encode_cpu_vector_avx2 = LAC_ENCODE_CPU_VECTOR("avx2");

#else
typedef int lac_encode_cpu_vector_avx2_is_empty;
#endif
