/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix products by cublasLt. The library counts columns first, so y = x w^T of rows is asked for
 * as y^T = w x^T of columns: its A is w, k x n and transposed, its B is x, k x rows, and its D is
 * y, n x rows. A bias goes along D's rows, which is what a bias per output is. fp8 knows this form
 * alone.
 *
 * The algorithm. The library proposes some for the largest class, best first; the first one is
 * taken that adds each sum up in one go, can do all classes, and gives the same bits for the same
 * row in all of them and at other offsets. Times play no part, so equal machines choose equally.
 */
#include <string.h>

#include "lac_encode_cuda.h"

enum { CANDIDATES = 16, SHIFT = 37 /* rows; no multiple of any tile */ };

static enum lac_status multiply(const struct lac_encode_device *d, enum lac_encode_cuda_kind kind,
                                const struct lac_encode_cuda_weight *w, size_t class, const void *x,
                                void *y, void *workspace, cudaStream_t stream, struct lac_err *err)
{
    static const float one = 1.0f, zero = 0.0f;
    const struct lac_encode_cuda_plan *p = &d->plan[kind];

    return lac_encode_cuda_check_library(
        cublasLtMatmul(d->library, w->product, &one, w->values, p->weight, x, p->in[class], &zero,
                       y, p->out[class], y, p->out[class], &p->algorithm, workspace, p->workspace,
                       stream),
        "a matrix product", err);
}

enum lac_status lac_encode_cuda_multiply(const struct lac_encode_device *d, size_t layer,
                                         enum lac_encode_cuda_kind kind, size_t class,
                                         const void *x, void *y, void *workspace,
                                         cudaStream_t stream, struct lac_err *err)
{
    return multiply(d, kind, &d->layer[layer].weight[kind], class, x, y, workspace, stream, err);
}

static cublasStatus_t set(cublasLtMatmulDesc_t product, cublasLtMatmulDescAttributes_t name,
                          const void *value, size_t size)
{
    return cublasLtMatmulDescSetAttribute(product, name, value, size);
}

/*
 * What one product of one layer is. bf16: bias and, on the way up, gelu are done by the library,
 * which has the tanh form. Against erf that moves MiniLM's vectors by less than a fifth of what
 * bf16 itself does (smallest cosine over 250 texts 0.999993 against 0.99995).
 */
static enum lac_status describe(struct lac_encode_device *d, enum lac_encode_cuda_kind kind,
                                struct lac_encode_cuda_weight *w, struct lac_err *err)
{
    const cublasOperation_t transposed = CUBLAS_OP_T;
    const int8_t fast = 1; /* Hopper's fp8 sums at full speed; inexact by far less than e4m3 is */
    const cublasLtEpilogue_t epilogue =
        kind == LAC_ENCODE_CUDA_UP ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
    const int32_t bias_type = CUDA_R_16BF;

    cublasStatus_t status = cublasLtMatmulDescCreate(&w->product, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = set(w->product, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof(transposed));
    if (d->fp8) {
        if (status == CUBLAS_STATUS_SUCCESS)
            status = set(w->product, CUBLASLT_MATMUL_DESC_FAST_ACCUM, &fast, sizeof(fast));
        return lac_encode_cuda_check_library(status, "describing a product", err);
    }
    const void *bias = w->bias;
    if (status == CUBLAS_STATUS_SUCCESS)
        status = set(w->product, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof(epilogue));
    if (status == CUBLAS_STATUS_SUCCESS)
        status = set(w->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof(bias));
    if (status == CUBLAS_STATUS_SUCCESS)
        status =
            set(w->product, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &bias_type, sizeof(bias_type));
    return lac_encode_cuda_check_library(status, "describing a product", err);
}

static enum lac_status lay_out(const struct lac_encode_device *d, struct lac_encode_cuda_plan *p,
                               struct lac_err *err)
{
    const cudaDataType_t type = d->fp8 ? CUDA_R_8F_E4M3 : CUDA_R_16BF;

    cublasStatus_t status = cublasLtMatrixLayoutCreate(&p->weight, type, p->k, p->n, (int64_t)p->k);
    for (size_t i = 0; i < d->classes && status == CUBLAS_STATUS_SUCCESS; i++) {
        size_t rows = lac_encode_cuda_class_rows(i);
        status = cublasLtMatrixLayoutCreate(&p->in[i], type, p->k, rows, (int64_t)p->k);
        if (status == CUBLAS_STATUS_SUCCESS)
            status = cublasLtMatrixLayoutCreate(&p->out[i], CUDA_R_16BF, p->n, rows, (int64_t)p->n);
    }
    return lac_encode_cuda_check_library(status, "laying out a matrix", err);
}

/*
 * Memory for trying algorithms. A model's own numbers would show another order of a sum in one
 * result of ten thousand: it moves fp32's last bits, and bf16 drops them. So the second half of
 * each row of x is the first one again, that of each row of w its opposite, and there is no bias:
 * every sum comes to nothing but what its order has left of rounding, and another order to
 * something else.
 */
struct trial {
    char *x;              /* PIECE + SHIFT rows of the widest input */
    uint16_t *all, *part; /* rows of the widest output, of the largest class and of another */
    unsigned *different;
    void *workspace;
    struct lac_encode_cuda_weight weight; /* values and bias for the largest product */
};

static enum lac_status trial_open(struct trial *t, const struct lac_encode_device *d,
                                  struct lac_err *err)
{
    size_t k = d->ffn > d->hidden ? d->ffn : d->hidden;
    size_t n = d->ffn > 3 * d->hidden ? d->ffn : 3 * d->hidden;
    size_t element = d->fp8 ? 1 : sizeof(uint16_t), y_size = d->piece * n * sizeof(uint16_t);

    cudaError_t status = cudaMalloc((void **)&t->x, (d->piece + SHIFT) * k * element);
    if (status == cudaSuccess)
        status = cudaMalloc((void **)&t->all, y_size);
    if (status == cudaSuccess)
        status = cudaMalloc((void **)&t->part, y_size);
    if (status == cudaSuccess)
        status = cudaMalloc((void **)&t->different, sizeof(*t->different));
    if (status == cudaSuccess)
        status = cudaMalloc(&t->workspace, LAC_ENCODE_CUDA_WORKSPACE);
    if (status == cudaSuccess)
        status = cudaMalloc(&t->weight.values, n * d->hidden * element);
    if (status == cudaSuccess)
        status = cudaMalloc((void **)&t->weight.bias, n * sizeof(*t->weight.bias));
    if (status == cudaSuccess)
        status = cudaMemset(t->weight.bias, 0, n * sizeof(*t->weight.bias));
    return lac_encode_cuda_check(status, "memory for trying matrix products", err);
}

static void trial_close(struct trial *t)
{
    (void)cudaFree(t->x);
    (void)cudaFree(t->all);
    (void)cudaFree(t->part);
    (void)cudaFree(t->different);
    (void)cudaFree(t->workspace);
    (void)cudaFree(t->weight.values);
    (void)cudaFree(t->weight.bias);
}

/* Operands for the products of a kind; trial_forget() after it in any case. */
static enum lac_status trial_prepare(struct trial *t, struct lac_encode_device *d,
                                     enum lac_encode_cuda_kind kind, struct lac_err *err)
{
    const struct lac_encode_cuda_plan *p = &d->plan[kind];
    cudaError_t status = lac_encode_cuda_fill(t->x, d->piece + SHIFT, p->k, d->fp8, 1, false, NULL);
    if (status == cudaSuccess)
        status = lac_encode_cuda_fill(t->weight.values, p->n, p->k, d->fp8, 2, true, NULL);
    if (status != cudaSuccess)
        return lac_encode_cuda_check(status, "filling matrices to try", err);
    return describe(d, kind, &t->weight, err);
}

static void trial_forget(struct trial *t)
{
    if (t->weight.product)
        (void)cublasLtMatmulDescDestroy(t->weight.product);
    t->weight.product = NULL;
}

/* Runs `class` on the rows from `shift` on and counts what differs from the largest class. */
static enum lac_status try_class(const struct lac_encode_device *d, enum lac_encode_cuda_kind kind,
                                 struct trial *t, size_t class, size_t shift, struct lac_err *err)
{
    const struct lac_encode_cuda_plan *p = &d->plan[kind];
    size_t element = d->fp8 ? 1 : sizeof(uint16_t), rows = lac_encode_cuda_class_rows(class);
    size_t same = rows < d->piece - shift ? rows : d->piece - shift; /* rows that both have */

    enum lac_status status = multiply(d, kind, &t->weight, class, t->x + shift * p->k * element,
                                      t->part, t->workspace, NULL, err);
    if (status == LAC_OK)
        status = lac_encode_cuda_check(lac_encode_cuda_compare(t->all + shift * p->n, t->part,
                                                               same * p->n * sizeof(*t->all),
                                                               t->different, NULL),
                                       "comparing matrix products", err);
    return status;
}

/* Whether a row has the same bits in all classes, at the front, shifted and at the end. */
static enum lac_status try_all(const struct lac_encode_device *d, enum lac_encode_cuda_kind kind,
                               struct trial *t, bool *invariant, struct lac_err *err)
{
    unsigned different = 0;
    enum lac_status status = lac_encode_cuda_check(
        cudaMemset(t->different, 0, sizeof(*t->different)), "comparing matrix products", err);
    if (status == LAC_OK)
        status =
            multiply(d, kind, &t->weight, d->classes - 1, t->x, t->all, t->workspace, NULL, err);
    for (size_t i = 0; i < d->classes && status == LAC_OK; i++) {
        size_t last = d->piece - lac_encode_cuda_class_rows(i);
        status = try_class(d, kind, t, i, 0, err);
        if (status == LAC_OK)
            status = try_class(d, kind, t, i, SHIFT, err);
        if (status == LAC_OK && last > 0)
            status = try_class(d, kind, t, i, last, err);
    }
    if (status == LAC_OK)
        status = lac_encode_cuda_check(
            cudaMemcpy(&different, t->different, sizeof(different), cudaMemcpyDeviceToHost),
            "comparing matrix products", err);
    *invariant = different == 0;
    return status;
}

/* Whether an algorithm adds up without splitting and can do every class; how much it needs. */
static bool fits(const struct lac_encode_device *d, enum lac_encode_cuda_kind kind,
                 const cublasLtMatmulAlgo_t *algorithm, size_t *workspace)
{
    const struct lac_encode_cuda_plan *p = &d->plan[kind];
    int32_t split = 0;
    uint32_t reduction = 0;
    size_t size = 0;

    if (cublasLtMatmulAlgoConfigGetAttribute(algorithm, CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &split,
                                             sizeof(split), &size) != CUBLAS_STATUS_SUCCESS ||
        cublasLtMatmulAlgoConfigGetAttribute(algorithm, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME,
                                             &reduction, sizeof(reduction),
                                             &size) != CUBLAS_STATUS_SUCCESS)
        return false;
    if (split > 1 || split < 0 || reduction != CUBLASLT_REDUCTION_SCHEME_NONE)
        return false;
    *workspace = 0;
    for (size_t i = 0; i < d->classes; i++) {
        cublasLtMatmulHeuristicResult_t result;
        memset(&result, 0, sizeof(result));
        if (cublasLtMatmulAlgoCheck(d->library, d->layer[0].weight[kind].product, p->weight,
                                    p->in[i], p->out[i], p->out[i], algorithm,
                                    &result) != CUBLAS_STATUS_SUCCESS ||
            result.workspaceSize > LAC_ENCODE_CUDA_WORKSPACE)
            return false;
        if (result.workspaceSize > *workspace)
            *workspace = result.workspaceSize;
    }
    return true;
}

static enum lac_status propose(struct lac_encode_device *d, enum lac_encode_cuda_kind kind,
                               cublasLtMatmulHeuristicResult_t *list, int *count,
                               struct lac_err *err)
{
    const struct lac_encode_cuda_plan *p = &d->plan[kind];
    const size_t top = d->classes - 1;
    const uint64_t workspace = LAC_ENCODE_CUDA_WORKSPACE;
    const uint32_t reduction = CUBLASLT_REDUCTION_SCHEME_NONE, align = 16;
    static const cublasLtMatmulPreferenceAttributes_t aligned[] = {
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES};
    cublasLtMatmulPreference_t wish = NULL;

    *count = 0;
    cublasStatus_t status = cublasLtMatmulPreferenceCreate(&wish);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = cublasLtMatmulPreferenceSetAttribute(
            wish, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof(workspace));
    if (status == CUBLAS_STATUS_SUCCESS)
        status = cublasLtMatmulPreferenceSetAttribute(
            wish, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &reduction, sizeof(reduction));
    for (size_t i = 0; i < LAC_COUNT(aligned) && status == CUBLAS_STATUS_SUCCESS; i++)
        status = cublasLtMatmulPreferenceSetAttribute(wish, aligned[i], &align, sizeof(align));
    if (status == CUBLAS_STATUS_SUCCESS)
        status = cublasLtMatmulAlgoGetHeuristic(d->library, d->layer[0].weight[kind].product,
                                                p->weight, p->in[top], p->out[top], p->out[top],
                                                wish, CANDIDATES, list, count);
    if (wish)
        (void)cublasLtMatmulPreferenceDestroy(wish);
    if (status == CUBLAS_STATUS_NOT_SUPPORTED) /* none: the caller says so */
        return LAC_OK;
    return lac_encode_cuda_check_library(status, "choosing an algorithm", err);
}

static enum lac_status choose(struct lac_encode_device *d, enum lac_encode_cuda_kind kind,
                              struct trial *t, struct lac_err *err)
{
    struct lac_encode_cuda_plan *p = &d->plan[kind];
    cublasLtMatmulHeuristicResult_t list[CANDIDATES];
    int count = 0;

    memset(list, 0, sizeof(list));
    enum lac_status status = trial_prepare(t, d, kind, err);
    if (status == LAC_OK)
        status = propose(d, kind, list, &count, err);
    for (int i = 0; i < count && status == LAC_OK; i++) {
        bool invariant = false;
        if (list[i].state != CUBLAS_STATUS_SUCCESS || !fits(d, kind, &list[i].algo, &p->workspace))
            continue;
        p->algorithm = list[i].algo;
        status = try_all(d, kind, t, &invariant, err);
        if (status == LAC_OK && invariant)
            return LAC_OK;
    }
    if (status != LAC_OK)
        return status;
    return lac_err_set(err, LAC_REJECT, 0,
                       "cuda: none of %d algorithms gives a product of %zu x %zu the same bits in "
                       "batches of all sizes",
                       count, p->n, p->k);
}

/* FNV-1a over what makes two algorithms different. */
static uint64_t add_digest(uint64_t digest, const cublasLtMatmulAlgo_t *algorithm)
{
    static const struct {
        cublasLtMatmulAlgoConfigAttributes_t name;
        size_t size;
    } parts[] = {
        {CUBLASLT_ALGO_CONFIG_ID, 4},
        {CUBLASLT_ALGO_CONFIG_TILE_ID, 4},
        {CUBLASLT_ALGO_CONFIG_STAGES_ID, 4},
        {CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING, 4},
        {CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION, 4},
        {CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID, 2},
        {CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID, 2},
    };

    for (size_t i = 0; i < LAC_COUNT(parts); i++) {
        unsigned char value[4] = {0};
        size_t size = 0;
        (void)cublasLtMatmulAlgoConfigGetAttribute(algorithm, parts[i].name, value, parts[i].size,
                                                   &size);
        for (size_t j = 0; j < sizeof(value); j++)
            digest = (digest ^ value[j]) * 0x100000001b3u;
    }
    return digest;
}

enum lac_status lac_encode_cuda_plan(struct lac_encode_device *d, uint64_t *digest,
                                     struct lac_err *err)
{
    const size_t shape[LAC_ENCODE_CUDA_KINDS][2] = {
        [LAC_ENCODE_CUDA_QKV] = {3 * d->hidden, d->hidden},
        [LAC_ENCODE_CUDA_OUT] = {d->hidden, d->hidden},
        [LAC_ENCODE_CUDA_UP] = {d->ffn, d->hidden},
        [LAC_ENCODE_CUDA_DOWN] = {d->hidden, d->ffn},
    };
    struct trial trial = {0};

    *digest = 0xcbf29ce484222325u;
    enum lac_status status = LAC_OK;
    for (int kind = 0; kind < LAC_ENCODE_CUDA_KINDS && status == LAC_OK; kind++) {
        for (size_t i = 0; i < d->layers && status == LAC_OK; i++)
            status = describe(d, (enum lac_encode_cuda_kind)kind, &d->layer[i].weight[kind], err);
        d->plan[kind].n = shape[kind][0];
        d->plan[kind].k = shape[kind][1];
        if (status == LAC_OK)
            status = lay_out(d, &d->plan[kind], err);
    }
    if (status == LAC_OK)
        status = trial_open(&trial, d, err);
    for (int kind = 0; kind < LAC_ENCODE_CUDA_KINDS && status == LAC_OK; kind++) {
        status = choose(d, (enum lac_encode_cuda_kind)kind, &trial, err);
        trial_forget(&trial);
        *digest = add_digest(*digest, &d->plan[kind].algorithm);
    }
    trial_close(&trial);
    return status;
}

void lac_encode_cuda_free_plans(struct lac_encode_device *d)
{
    for (int kind = 0; kind < LAC_ENCODE_CUDA_KINDS; kind++) {
        struct lac_encode_cuda_plan *p = &d->plan[kind];
        for (size_t i = 0; d->layer && i < d->layers; i++) {
            if (d->layer[i].weight[kind].product)
                (void)cublasLtMatmulDescDestroy(d->layer[i].weight[kind].product);
        }
        if (p->weight)
            (void)cublasLtMatrixLayoutDestroy(p->weight);
        for (size_t i = 0; i < LAC_ENCODE_CUDA_CLASS_MAX; i++) {
            if (p->in[i])
                (void)cublasLtMatrixLayoutDestroy(p->in[i]);
            if (p->out[i])
                (void)cublasLtMatrixLayoutDestroy(p->out[i]);
        }
    }
}
