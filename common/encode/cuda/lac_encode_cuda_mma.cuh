/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tensor core's m16n8k16 product of bf16 numbers with fp32 sums, and the loads that fit it.
 * PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type": with g = lane / 4 and
 * t = lane % 4, a lane holds
 *
 *     a0: A[g][2t, 2t+1]   a1: A[g+8][2t, 2t+1]   a2: A[g][2t+8, 2t+9]   a3: A[g+8][2t+8, 2t+9]
 *     b0: B[2t, 2t+1][g]   b1: B[2t+8, 2t+9][g]
 *     c0, c1: C[g][2t, 2t+1]   c2, c3: C[g+8][2t, 2t+1]
 */
#ifndef LAC_ENCODE_CUDA_MMA_CUH
#define LAC_ENCODE_CUDA_MMA_CUH

#include <cstdint>

namespace lac
{

/* Four 8 x 8 matrices of 16-bit numbers from shared memory. Lane 8m + r gives the address of row r
 * of matrix m; a lane gets M[lane / 4][2 (lane % 4), +1] of each. */
__device__ __forceinline__ void ldmatrix_x4(uint32_t (&out)[4], const uint16_t *row)
{
    const uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(address)
                 : "memory");
}

/* The same, transposed: a lane gets M[2 (lane % 4), +1][lane / 4] of each. */
__device__ __forceinline__ void ldmatrix_x4_trans(uint32_t (&out)[4], const uint16_t *row)
{
    const uint32_t address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];\n"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(address)
                 : "memory");
}

/* c += a b */
__device__ __forceinline__ void mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1)
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};\n"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

} // namespace lac

#endif
