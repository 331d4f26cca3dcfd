/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of cublasLt that the encoder uses: D = A^T B for columns, A and B bf16 or e4m3, sums in
 * fp32, D bf16, with a bias along D's rows and gelu's tanh form where the epilogue says so.
 *
 * Every argument is checked as the library's manual has it. The algorithms differ in the order of
 * their sums alone, which is what the encoder has to notice. What one column of B (a row of the
 * encoder) comes to is remembered, as choosing an algorithm asks for the same ones again and again.
 */
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_map>
#include <vector>

#include <cublasLt.h>
#include <cuda_bf16.h>
#include <cuda_fp8.h>

#include "sim_cuda_internal.h"

namespace
{

struct Desc {
    cublasOperation_t transa = CUBLAS_OP_N;
    uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    const uint16_t *bias = nullptr;
    int32_t bias_type = -1;
    int8_t fast = 0;
};

struct Layout {
    cudaDataType type;
    uint64_t rows, cols;
    int64_t ld;

    size_t size() const
    {
        return rows * cols * (type == CUDA_R_8F_E4M3 ? 1 : 2);
    }
};

struct Preference {
    uint64_t workspace = 0;
    uint32_t reductions = ~0u, align[4] = {};
};

constexpr size_t workspace_limit = 32 << 20, workspace_usual = 64 << 10;
constexpr size_t remembered_max = 96 << 20;

struct {
    std::vector<enum sim_cuda_algorithm> proposed = {SIM_CUDA_SPLIT, SIM_CUDA_GOOD};
    std::unordered_map<uint64_t, std::vector<uint16_t>> remembered; /* columns of D */
    size_t remembered_size = 0;
} sim;

using Guard = std::lock_guard<std::recursive_mutex>;

#define ENTER()                                \
    const Guard guard(sim_cuda_lock());        \
    if (sim_cuda_broken())                     \
        return CUBLAS_STATUS_EXECUTION_FAILED; \
    if (sim_cuda_fails(SIM_CUDA_FAIL_LIBRARY)) \
    return CUBLAS_STATUS_INTERNAL_ERROR

template <class T, class Handle> T *real(Handle handle)
{
    return reinterpret_cast<T *>(handle);
}

template <class T, class Handle> void create(Handle *out, const T &value)
{
    *out = reinterpret_cast<Handle>(new T(value));
    sim_cuda_count(1);
}

template <class T, class Handle> cublasStatus_t destroy(Handle handle)
{
    const Guard guard(sim_cuda_lock());
    delete real<T>(handle);
    sim_cuda_count(-1);
    return CUBLAS_STATUS_SUCCESS;
}

template <class T> cublasStatus_t put(T *to, const void *value, size_t size)
{
    if (size != sizeof(*to))
        return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(to, value, size);
    return CUBLAS_STATUS_SUCCESS;
}

enum sim_cuda_algorithm id_of(const cublasLtMatmulAlgo_t *algorithm)
{
    return static_cast<enum sim_cuda_algorithm>(algorithm->data[0]);
}

size_t workspace_of(enum sim_cuda_algorithm id, uint64_t rows)
{
    return id == SIM_CUDA_LARGE && rows >= 4096 ? 2 * workspace_limit
           : rows >= 1024                       ? workspace_usual
                                                : 0;
}

/* What the library's manual asks of a product of this form. NULL: nothing is wrong. */
const char *wrong(const Desc &p, const Layout &a, const Layout &b, const Layout &c, const Layout &d)
{
    const bool fp8 = a.type == CUDA_R_8F_E4M3;
    const uint64_t step = fp8 ? 16 : 8; /* 16 bytes: what alignments of 16 promise */
    if (p.transa != CUBLAS_OP_T)
        return "A is not transposed";
    if ((!fp8 && a.type != CUDA_R_16BF) || b.type != a.type || d.type != CUDA_R_16BF ||
        c.type != d.type)
        return "types";
    if (a.rows != b.rows || a.cols != d.rows || b.cols != d.cols || c.rows != d.rows ||
        c.cols != d.cols)
        return "shapes";
    for (const Layout *l : {&a, &b, &c, &d})
        if (l->ld != static_cast<int64_t>(l->rows))
            return "columns that do not follow each other are not emulated";
    if (a.rows % step != 0 || d.rows % 8 != 0)
        return "columns that are not aligned";
    if (p.epilogue != CUBLASLT_EPILOGUE_DEFAULT &&
        (!p.bias || (p.bias_type != -1 && p.bias_type != CUDA_R_16BF)))
        return "an epilogue without its bias in bf16";
    if (p.epilogue != CUBLASLT_EPILOGUE_DEFAULT && p.epilogue != CUBLASLT_EPILOGUE_BIAS &&
        p.epilogue != CUBLASLT_EPILOGUE_GELU_BIAS)
        return "an epilogue that is not emulated";
    return nullptr;
}

/* ---- arithmetic ---- */

float bf16(uint16_t bits)
{
    return __uint_as_float(static_cast<uint32_t>(bits) << 16);
}

void widen(const void *from, cudaDataType type, size_t count, float *to)
{
    static float e4m3[256];
    if (e4m3[1] == 0.0f)
        for (unsigned i = 0; i < 256; i++)
            e4m3[i] = __half2float(__nv_cvt_fp8_to_halfraw(static_cast<uint8_t>(i), __NV_E4M3));
    for (size_t i = 0; i < count; i++)
        to[i] = type == CUDA_R_16BF ? bf16(static_cast<const uint16_t *>(from)[i])
                                    : e4m3[static_cast<const uint8_t *>(from)[i]];
}

/* In one go, in `parts` that are added at the end. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
float dot(const float *x, const float *y, size_t count)
{
    float sum[16] = {}, all = 0;
    for (size_t i = 0; i + 16 <= count; i += 16)
        for (size_t j = 0; j < 16; j++)
            sum[j] += x[i + j] * y[i + j];
    for (size_t i = count / 16 * 16; i < count; i++)
        sum[0] += x[i] * y[i];
    for (const float s : sum)
        all += s;
    return all;
}

float gelu(float x)
{
    return 0.5f * x * (1.0f + std::tanh(0.79788456f * (x + 0.044715f * x * x * x)));
}

/* FNV-1a, eight bytes at once. */
uint64_t hash(uint64_t seed, const void *bytes, size_t size)
{
    const char *at = static_cast<const char *>(bytes);
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = 0;
        std::memcpy(&word, at + i, size - i < 8 ? size - i : 8);
        seed = (seed ^ word) * 0x100000001b3u;
        seed ^= seed >> 29;
    }
    return seed;
}

struct Product {
    Desc p;
    Layout a, b, d;
    const char *va, *vb;
    uint16_t *vd;
    enum sim_cuda_algorithm algorithm;
    char *workspace;
    size_t workspace_size;
};

/* Whether the algorithm adds up column `col` (of a batch of `cols`) in its other order. */
bool otherwise(const Product &m, uint64_t col)
{
    return m.algorithm == SIM_CUDA_ALSO_GOOD ||
           (m.algorithm == SIM_CUDA_BY_ROWS && m.b.cols < 512) ||
           (m.algorithm == SIM_CUDA_BY_PLACE && col % 128 >= 96);
}

void column(const Product &m, const std::vector<float> &a, const float *x, bool other, uint16_t *to)
{
    const size_t k = m.a.rows, half = k / 2;
    for (uint64_t n = 0; n < m.d.rows; n++) {
        const float *w = a.data() + n * k;
        float y = other ? dot(w + half, x + half, k - half) + dot(w, x, half) : dot(w, x, k);
        if (m.p.epilogue != CUBLASLT_EPILOGUE_DEFAULT)
            y += bf16(m.p.bias[n]);
        if (m.p.epilogue == CUBLASLT_EPILOGUE_GELU_BIAS)
            y = gelu(y);
        const __nv_bfloat16 rounded = __float2bfloat16_rn(y);
        std::memcpy(to + n, &rounded, sizeof(*to));
    }
}

/* D may be neither A nor B, nor the workspace: columns come one by one here, in no order there. */
bool in_place(const Product &m)
{
    if (!sim_cuda_on_device(m.va, m.a.size()) || !sim_cuda_on_device(m.vb, m.b.size()) ||
        !sim_cuda_on_device(m.vd, m.d.size()) ||
        (m.p.bias && !sim_cuda_on_device(m.p.bias, m.d.rows * 2)) ||
        (m.workspace_size && !sim_cuda_on_device(m.workspace, m.workspace_size)))
        return false;
    const char *d = reinterpret_cast<const char *>(m.vd);
    const auto apart = [d, &m](const char *p, size_t size) {
        return p + size <= d || d + m.d.size() <= p;
    };
    return apart(m.va, m.a.size()) && apart(m.vb, m.b.size()) &&
           apart(m.workspace, m.workspace_size);
}

void multiply(const Product &m)
{
    if (!in_place(m)) {
        sim_cuda_fault("a product of what is not (all) the device's, or overlaps");
        return;
    }
    std::vector<float> a, x(m.b.rows);
    const size_t column_size = m.b.size() / m.b.cols;
    uint64_t seed = hash(m.p.epilogue + 1, m.va, m.a.size());
    if (m.p.bias)
        seed = hash(seed, m.p.bias, m.d.rows * 2);
    if (m.workspace_size) /* it is the library's to write on */
        std::memset(m.workspace, 0xff, m.workspace_size);
    if (sim.remembered_size > remembered_max) {
        sim.remembered.clear();
        sim.remembered_size = 0;
    }
    for (uint64_t i = 0; i < m.b.cols; i++) {
        const char *from = m.vb + i * column_size;
        const bool other = otherwise(m, i);
        std::vector<uint16_t> &known = sim.remembered[hash(seed + other, from, column_size)];
        if (known.empty()) {
            if (a.empty()) {
                a.resize(m.a.rows * m.a.cols);
                widen(m.va, m.a.type, a.size(), a.data());
            }
            widen(from, m.b.type, m.b.rows, x.data());
            known.resize(m.d.rows);
            column(m, a, x.data(), other, known.data());
            sim.remembered_size += m.d.rows * 2;
        }
        std::memcpy(m.vd + i * m.d.rows, known.data(), m.d.rows * 2);
    }
}

} // namespace

void sim_cuda_propose(const enum sim_cuda_algorithm *list, size_t count)
{
    sim.proposed.assign(list, list + count);
}

void sim_cuda_reset_library()
{
    sim.proposed = decltype(sim)().proposed;
}

/* ---- the library ---- */

const char *CUBLASWINAPI cublasLtGetStatusString(cublasStatus_t)
{
    return "an emulated status";
}

size_t CUBLASWINAPI cublasLtGetVersion(void)
{
    return 0; /* an engine name that no real device has */
}

cublasStatus_t CUBLASWINAPI cublasLtCreate(cublasLtHandle_t *out)
{
    ENTER();
    if (sim_cuda_fails(SIM_CUDA_FAIL_MEMORY))
        return CUBLAS_STATUS_ALLOC_FAILED;
    create(out, 0);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t CUBLASWINAPI cublasLtDestroy(cublasLtHandle_t handle)
{
    return destroy<int>(handle);
}

cublasStatus_t CUBLASWINAPI cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *out,
                                                     cublasComputeType_t compute,
                                                     cudaDataType_t scale)
{
    ENTER();
    if (compute != CUBLAS_COMPUTE_32F || scale != CUDA_R_32F)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    create(out, Desc());
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t CUBLASWINAPI cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t handle)
{
    return destroy<Desc>(handle);
}

cublasStatus_t CUBLASWINAPI cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t handle,
                                                           cublasLtMatmulDescAttributes_t name,
                                                           const void *value, size_t size)
{
    ENTER();
    Desc *p = real<Desc>(handle);
    switch (name) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
        return put(&p->transa, value, size);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
        return put(&p->epilogue, value, size);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
        return put(&p->bias, value, size);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
        return put(&p->bias_type, value, size);
    case CUBLASLT_MATMUL_DESC_FAST_ACCUM:
        return put(&p->fast, value, size);
    default:
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
}

cublasStatus_t CUBLASWINAPI cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *out,
                                                       cudaDataType type, uint64_t rows,
                                                       uint64_t cols, int64_t ld)
{
    ENTER();
    create(out, Layout{type, rows, cols, ld});
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t CUBLASWINAPI cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t handle)
{
    return destroy<Layout>(handle);
}

cublasStatus_t CUBLASWINAPI cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *out)
{
    ENTER();
    create(out, Preference());
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t CUBLASWINAPI cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t handle)
{
    return destroy<Preference>(handle);
}

cublasStatus_t CUBLASWINAPI cublasLtMatmulPreferenceSetAttribute(
    cublasLtMatmulPreference_t handle, cublasLtMatmulPreferenceAttributes_t name, const void *value,
    size_t size)
{
    ENTER();
    Preference *p = real<Preference>(handle);
    switch (name) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
        return put(&p->workspace, value, size);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
        return put(&p->reductions, value, size);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
        return put(&p->align[0], value, size);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
        return put(&p->align[1], value, size);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
        return put(&p->align[2], value, size);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
        return put(&p->align[3], value, size);
    default:
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
}

cublasStatus_t CUBLASWINAPI cublasLtMatmulAlgoGetHeuristic(
    cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a,
    cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
    cublasLtMatmulPreference_t preference, int wanted, cublasLtMatmulHeuristicResult_t results[],
    int *count)
{
    ENTER();
    const Preference *p = real<Preference>(preference);
    *count = 0;
    if (!handle || p->workspace != workspace_limit || p->align[0] != 16 || p->align[1] != 16 ||
        p->align[2] != 16 || p->align[3] != 16 || p->reductions != CUBLASLT_REDUCTION_SCHEME_NONE)
        return CUBLAS_STATUS_INVALID_VALUE; /* what the algorithms here were proposed for */
    if (wrong(*real<Desc>(desc), *real<Layout>(a), *real<Layout>(b), *real<Layout>(c),
              *real<Layout>(d)) ||
        sim.proposed.empty())
        return CUBLAS_STATUS_NOT_SUPPORTED;
    for (const enum sim_cuda_algorithm id : sim.proposed) {
        if (*count == wanted)
            break;
        cublasLtMatmulHeuristicResult_t *r = &results[(*count)++];
        std::memset(r, 0, sizeof(*r));
        r->algo.data[0] = id;
        r->state =
            id == SIM_CUDA_NOT_SUPPORTED ? CUBLAS_STATUS_NOT_SUPPORTED : CUBLAS_STATUS_SUCCESS;
    }
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t CUBLASWINAPI cublasLtMatmulAlgoCheck(
    cublasLtHandle_t, cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
    cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, const cublasLtMatmulAlgo_t *algorithm,
    cublasLtMatmulHeuristicResult_t *result)
{
    ENTER();
    if (wrong(*real<Desc>(desc), *real<Layout>(a), *real<Layout>(b), *real<Layout>(c),
              *real<Layout>(d)))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    result->algo = *algorithm;
    result->state = CUBLAS_STATUS_SUCCESS;
    result->workspaceSize = workspace_of(id_of(algorithm), real<Layout>(b)->cols);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t CUBLASWINAPI cublasLtMatmulAlgoConfigGetAttribute(
    const cublasLtMatmulAlgo_t *algorithm, cublasLtMatmulAlgoConfigAttributes_t name, void *out,
    size_t size, size_t *written)
{
    ENTER();
    const enum sim_cuda_algorithm id = id_of(algorithm);
    const bool small = name == CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID ||
                       name == CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID;
    uint32_t value = 0;
    if (name == CUBLASLT_ALGO_CONFIG_ID)
        value = id;
    if (name == CUBLASLT_ALGO_CONFIG_SPLITK_NUM)
        value = id == SIM_CUDA_SPLIT ? 4 : 1;
    if (name == CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME)
        value = CUBLASLT_REDUCTION_SCHEME_NONE; /* so that the number of parts has to be asked */
    *written = small ? 2 : 4;
    if (size != *written)
        return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(out, &value, *written); /* little-endian, as all that CUDA runs on */
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t CUBLASWINAPI cublasLtMatmul(
    cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void *alpha, const void *a,
    cublasLtMatrixLayout_t la, const void *b, cublasLtMatrixLayout_t lb, const void *beta,
    const void *c, cublasLtMatrixLayout_t lc, void *d, cublasLtMatrixLayout_t ld,
    const cublasLtMatmulAlgo_t *algorithm, void *workspace, size_t size, cudaStream_t stream)
{
    ENTER();
    /* Copies: what a graph replays is what the descriptors held when it was captured. */
    const Product m = {*real<Desc>(desc),
                       *real<Layout>(la),
                       *real<Layout>(lb),
                       *real<Layout>(ld),
                       static_cast<const char *>(a),
                       static_cast<const char *>(b),
                       static_cast<uint16_t *>(d),
                       id_of(algorithm),
                       static_cast<char *>(workspace),
                       workspace_of(id_of(algorithm), real<Layout>(lb)->cols)};
    const char *why = wrong(m.p, m.a, m.b, *real<Layout>(lc), m.d);
    if (!handle || *static_cast<const float *>(alpha) != 1.0f ||
        *static_cast<const float *>(beta) != 0.0f || c != d)
        why = "a call that is not emulated";
    if (size < m.workspace_size)
        why = "too small a workspace";
    if (m.algorithm == SIM_CUDA_SPLIT || m.algorithm == SIM_CUDA_LARGE ||
        m.algorithm == SIM_CUDA_NOT_SUPPORTED)
        why = "an algorithm that must not be used";
    if (reinterpret_cast<uintptr_t>(a) % 16 != 0 || reinterpret_cast<uintptr_t>(b) % 16 != 0 ||
        reinterpret_cast<uintptr_t>(d) % 16 != 0 ||
        reinterpret_cast<uintptr_t>(workspace) % 16 != 0)
        why = "operands that are not aligned to 16 bytes";
    if (why) {
        sim_cuda_fault("a product: %s", why);
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    return sim_cuda_enqueue(stream, [m] { multiply(m); }) == cudaSuccess
               ? CUBLAS_STATUS_SUCCESS
               : CUBLAS_STATUS_EXECUTION_FAILED;
}
