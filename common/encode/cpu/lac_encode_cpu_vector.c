/* SPDX-License-Identifier: Apache-2.0 */
/* The plain form of the vector functions, and which form is used. */
#include "lac_encode_cpu_vector.h"

#include "lac_compiler.h"

#define TARGET
enum { BLOCK = 1 }; /* vectors that attention keeps per query row */

#include "lac_encode_cpu_ops_plain.h"
#include "lac_encode_cpu_vector_body.h"

const struct lac_encode_cpu_vector lac_encode_cpu_vector_plain = LAC_ENCODE_CPU_VECTOR("plain");

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

size_t lac_encode_cpu_head_floats(size_t length, size_t width)
{
    size_t keys = round_up(length, LAC_ENCODE_CPU_KEYS);
    size_t values = round_up(width, LAC_ENCODE_CPU_KEYS);

    return keys * width + length * values + LAC_ENCODE_CPU_ROWS * (keys + values);
}

const struct lac_encode_cpu_vector *lac_encode_cpu_vector_at(size_t index)
{
    const struct lac_encode_cpu_vector *forms[4] = {NULL};
    size_t count = 0;

#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        forms[count++] = &lac_encode_cpu_vector_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        forms[count++] = &lac_encode_cpu_vector_avx2;
#endif
    forms[count++] = &lac_encode_cpu_vector_plain;
    return index < count ? forms[index] : NULL;
}

const struct lac_encode_cpu_vector *lac_encode_cpu_vector(void)
{
    return lac_encode_cpu_vector_at(0);
}
