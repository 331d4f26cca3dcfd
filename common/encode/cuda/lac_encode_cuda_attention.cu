/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention within packed sequences, out of the packed q, k and v.
 *
 * A piece of work is one head and up to 64 queries of one sequence: four warps with 16 queries
 * each, over keys in blocks of 64. Scores stay in registers; the softmax is taken block by block
 * with a running maximum m and sum l per query (Milakov and Gimelshein 2018, "Online normalizer
 * calculation for softmax"; Dao et al. 2022, FlashAttention). A lane holds the scores of the two
 * queries g and g + 8 of its warp (lac_encode_cuda_mma.cuh), so row maxima and sums are taken over
 * the four lanes with equal g.
 *
 * Blocks take pieces in steps of the grid's size: how many pieces there are is known only on the
 * device. The order of a piece's arithmetic depends on its sequence's length alone.
 *
 * Rows in shared memory are 16 bytes longer than a head, so that the eight rows of an ldmatrix lie
 * in different banks: 144 and 80 bytes are odd multiples of 16.
 */
#include "lac_encode_cuda_device.cuh"
#include "lac_encode_cuda_mma.cuh"

namespace lac
{

constexpr int tile = LAC_ENCODE_CUDA_TILE;
constexpr int warps = 4;
constexpr int threads = warps * warp_size;
constexpr int rows_per_warp = tile / warps;

struct Attention {
    const uint16_t *qkv;
    Late late;
    const struct lac_encode_cuda_head *head;
    const struct lac_encode_cuda_tile *tiles;
    size_t hidden, heads;
    float scale; /* log2(e) / sqrt(head size): scores become exponents of two */
    uint16_t *out;
};

template <int D> struct Shared {
    static constexpr int stride = D + vector;
    uint16_t q[tile * stride], k[tile * stride], v[tile * stride];
};

/* Rows from..from + 64 of the sequence at `start`, columns `column` .. + D, into shared memory;
 * zeros beyond the sequence's end, for what lies there is another text. */
template <int D, bool Scaled>
__device__ void load_tile(const Attention &p, uint16_t *to, uint32_t start, int from, int size,
                          size_t column)
{
    constexpr int per_row = D / vector;
#pragma unroll
    for (int i = threadIdx.x; i < tile * per_row; i += threads) {
        const int row = i / per_row, piece = i % per_row * vector;
        uint4 raw = make_uint4(0, 0, 0, 0);
        if (from + row < size) {
            const size_t at = start + static_cast<size_t>(from + row);
            const uint16_t *source = p.qkv + at * 3 * p.hidden + column + piece;
            if (Scaled) {
                float y[vector];
                load8(source, y);
                complete8(y, p.late, p.late.row[at], column + piece);
                raw = pack8(y);
            } else {
                raw = *reinterpret_cast<const uint4 *>(source);
            }
        }
        *reinterpret_cast<uint4 *>(to + row * Shared<D>::stride + piece) = raw;
    }
}

/* What a warp knows of its 16 queries. */
template <int D> struct Queries {
    uint32_t q[D / 16][4];
    float sum[D / 8][4]; /* of values, weighted: columns 8j + 2t, +1 of queries g and g + 8 */
    float largest[2], weight[2];
};

/* s = q k^T for 64 keys: s[j] holds keys 8j + 2t, +1. Keys from `size` on get -infinity. */
template <int D>
__device__ void scores(const Queries<D> &w, const uint16_t *k, int size, float (&s)[8][4])
{
    constexpr int stride = Shared<D>::stride;
    const int lane = threadIdx.x % warp_size;
    const int key = (lane & 7) + (lane >> 4) * 8, column = (lane >> 3 & 1) * 8;
#pragma unroll
    for (int j = 0; j < 8; j += 2) {
#pragma unroll
        for (int i = 0; i < 4; i++)
            s[j][i] = s[j + 1][i] = 0.0f;
        if (j * 8 < size) {
#pragma unroll
            for (int d = 0; d < D / 16; d++) {
                uint32_t b[4];
                ldmatrix_x4(b, k + (j * 8 + key) * stride + d * 16 + column);
                mma(s[j], w.q[d], b[0], b[1]);
                mma(s[j + 1], w.q[d], b[2], b[3]);
            }
        }
    }
    const int first = lane % 4 * 2;
#pragma unroll
    for (int j = 0; j < 8; j++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            if (j * 8 + first + i % 2 >= size)
                s[j][i] = -INFINITY;
        }
    }
}

/* Turns scores into weights against a running maximum, and rescales what was summed before. */
template <int D>
__device__ void soften(Queries<D> &w, float scale, float (&s)[8][4])
{
#pragma unroll
    for (int r = 0; r < 2; r++) {
        float largest = w.largest[r];
#pragma unroll
        for (int j = 0; j < 8; j++)
            largest = fmaxf(largest, fmaxf(s[j][2 * r], s[j][2 * r + 1]));
        largest = fmaxf(largest, __shfl_xor_sync(whole_warp, largest, 1));
        largest = fmaxf(largest, __shfl_xor_sync(whole_warp, largest, 2));
        /* Each block holds a key, so `largest` is finite; before the first one the factor is 0. */
        const float factor = exp2f((w.largest[r] - largest) * scale);
        w.largest[r] = largest;
        w.weight[r] *= factor;
#pragma unroll
        for (int d = 0; d < D / 8; d++) {
            w.sum[d][2 * r] *= factor;
            w.sum[d][2 * r + 1] *= factor;
        }
#pragma unroll
        for (int j = 0; j < 8; j++) {
#pragma unroll
            for (int i = 2 * r; i < 2 * r + 2; i++) {
                s[j][i] = exp2f((s[j][i] - largest) * scale);
                w.weight[r] += s[j][i]; /* this lane's share; the four are added at the end */
            }
        }
    }
}

/* sum += weights v. The accumulator's layout of 16 keys is that of a left operand. */
template <int D>
__device__ void weigh(Queries<D> &w, const uint16_t *v, int size, const float (&s)[8][4])
{
    constexpr int stride = Shared<D>::stride;
    const int lane = threadIdx.x % warp_size;
    const int key = lane & 15, column = (lane >> 4) * 8;
#pragma unroll
    for (int j = 0; j < 4; j++) {
        if (j * 16 >= size)
            continue;
        const uint32_t a[4] = {
            bf16_pair(s[2 * j][0], s[2 * j][1]), bf16_pair(s[2 * j][2], s[2 * j][3]),
            bf16_pair(s[2 * j + 1][0], s[2 * j + 1][1]),
            bf16_pair(s[2 * j + 1][2], s[2 * j + 1][3])};
#pragma unroll
        for (int d = 0; d < D / 16; d++) {
            uint32_t b[4];
            ldmatrix_x4_trans(b, v + (j * 16 + key) * stride + d * 16 + column);
            mma(w.sum[2 * d], a, b[0], b[1]);
            mma(w.sum[2 * d + 1], a, b[2], b[3]);
        }
    }
}

/* Divides by the sums of weights and stores `count` rows, through this warp's rows of shared
 * memory, so that whole 16 bytes go out. */
template <int D>
__device__ void finish(Queries<D> &w, uint16_t *rows, uint16_t *out, size_t hidden, int count)
{
    constexpr int stride = Shared<D>::stride, per_row = D / vector;
    const int lane = threadIdx.x % warp_size;
    float inverse[2];
#pragma unroll
    for (int r = 0; r < 2; r++) {
        float weight = w.weight[r];
        weight += __shfl_xor_sync(whole_warp, weight, 1);
        weight += __shfl_xor_sync(whole_warp, weight, 2);
        inverse[r] = 1.0f / weight;
    }
#pragma unroll
    for (int d = 0; d < D / 8; d++) {
#pragma unroll
        for (int r = 0; r < 2; r++) {
            uint16_t *to = rows + (lane / 4 + r * 8) * stride + d * 8 + lane % 4 * 2;
            *reinterpret_cast<uint32_t *>(to) =
                bf16_pair(w.sum[d][2 * r] * inverse[r], w.sum[d][2 * r + 1] * inverse[r]);
        }
    }
    __syncwarp();
#pragma unroll
    for (int i = lane; i < rows_per_warp * per_row; i += warp_size) {
        const int row = i / per_row, piece = i % per_row * vector;
        if (row < count)
            *reinterpret_cast<uint4 *>(out + row * hidden + piece) =
                *reinterpret_cast<const uint4 *>(rows + row * stride + piece);
    }
}

template <int D, bool Scaled>
__device__ void attend(const Attention &p, Shared<D> &m, const struct lac_encode_cuda_tile t,
                       size_t head)
{
    constexpr int stride = Shared<D>::stride;
    const int lane = threadIdx.x % warp_size;
    const int base = threadIdx.x / warp_size * rows_per_warp; /* this warp's first query */
    const bool active = t.query + base < t.size;
    const size_t column = head * D;

    __syncthreads(); /* the piece before has been stored */
    load_tile<D, Scaled>(p, m.q, t.start, t.query, t.size, column);
    __syncthreads();
    Queries<D> w = {};
    w.largest[0] = w.largest[1] = -INFINITY;
#pragma unroll
    for (int d = 0; d < D / 16; d++)
        ldmatrix_x4(w.q[d], m.q + (base + (lane & 15)) * stride + d * 16 + (lane >> 4) * 8);

    for (int key = 0; key < t.size; key += tile) {
        __syncthreads(); /* the block before has been used */
        load_tile<D, Scaled>(p, m.k, t.start, key, t.size, p.hidden + column);
        load_tile<D, Scaled>(p, m.v, t.start, key, t.size, 2 * p.hidden + column);
        __syncthreads();
        if (!active)
            continue;
        float s[8][4];
        scores<D>(w, m.k, t.size - key, s);
        soften<D>(w, p.scale, s);
        weigh<D>(w, m.v, t.size - key, s);
    }
    if (active)
        finish<D>(w, m.q + base * stride,
                  p.out + (t.start + static_cast<size_t>(t.query + base)) * p.hidden + column,
                  p.hidden, t.size - t.query - base);
}

template <int D, bool Scaled> __global__ void __launch_bounds__(threads) attention(Attention p)
{
    __shared__ __align__(16) Shared<D> shared;
    const size_t pieces = p.head->tiles * p.heads;
    for (size_t i = blockIdx.x; i < pieces; i += gridDim.x)
        attend<D, Scaled>(p, shared, p.tiles[i / p.heads], i % p.heads);
}

template <int D, bool Scaled> static cudaError_t blocks_at_once(int *blocks)
{
    int device = 0, processors = 0, each = 0;
    cudaError_t status = cudaGetDevice(&device);
    if (status == cudaSuccess)
        status = cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
    if (status == cudaSuccess)
        status = cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, attention<D, Scaled>, threads,
                                                               0);
    *blocks = processors * each;
    return status == cudaSuccess && *blocks < 1 ? cudaErrorInvalidConfiguration : status;
}

} // namespace lac

using namespace lac;

extern "C" cudaError_t lac_encode_cuda_attention_blocks(size_t head_size, bool scaled, int *blocks)
{
    if (head_size == 64)
        return scaled ? blocks_at_once<64, true>(blocks) : blocks_at_once<64, false>(blocks);
    if (head_size == 32)
        return scaled ? blocks_at_once<32, true>(blocks) : blocks_at_once<32, false>(blocks);
    return cudaErrorInvalidValue;
}

extern "C" cudaError_t
lac_encode_cuda_attention(const uint16_t *qkv, struct lac_encode_cuda_late late,
                          const struct lac_encode_cuda_head *head,
                          const struct lac_encode_cuda_tile *tiles, size_t hidden, size_t heads,
                          int blocks, uint16_t *out, cudaStream_t stream)
{
    const size_t size = hidden / heads;
    const float scale = 1.44269504088896341f / sqrtf(static_cast<float>(size));
    const Attention p = {qkv, late, head, tiles, hidden, heads, scale, out};
    const bool scaled = late.row != NULL;
    const unsigned grid = static_cast<unsigned>(blocks);
    if (size == 64 && scaled)
        attention<64, true><<<grid, threads, 0, stream>>>(p);
    else if (size == 64)
        attention<64, false><<<grid, threads, 0, stream>>>(p);
    else if (size == 32 && scaled)
        attention<32, true><<<grid, threads, 0, stream>>>(p);
    else if (size == 32)
        attention<32, false><<<grid, threads, 0, stream>>>(p);
    else
        return cudaErrorInvalidValue;
    return cudaGetLastError();
}
