/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_encode_cuda.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum lac_status lac_encode_cuda_check(cudaError_t status, const char *what, struct lac_err *err)
{
    if (status == cudaSuccess)
        return LAC_OK;
    (void)cudaGetLastError();
    enum lac_status answer = status == cudaErrorMemoryAllocation ? LAC_RETRY : LAC_FATAL;
    return lac_err_set(err, answer, (int)status, "cuda: %s: %s", what, cudaGetErrorString(status));
}

enum lac_status lac_encode_cuda_check_library(cublasStatus_t status, const char *what,
                                              struct lac_err *err)
{
    if (status == CUBLAS_STATUS_SUCCESS)
        return LAC_OK;
    enum lac_status answer = status == CUBLAS_STATUS_ALLOC_FAILED ? LAC_RETRY : LAC_FATAL;
    return lac_err_set(err, answer, (int)status, "cuda: %s: cublasLt: %s", what,
                       cublasLtGetStatusString(status));
}

size_t lac_encode_cuda_class_rows(size_t index)
{
    if (index < 4)
        return (index + 1) * 128;
    if (index < 10)
        return 512 + (index - 3) * 256;
    return 2048 + (index - 9) * 1024;
}

size_t lac_encode_cuda_class_of(size_t rows)
{
    if (rows <= 512)
        return (rows - 1) / 128;
    if (rows <= 2048)
        return 4 + (rows - 513) / 256;
    return 10 + (rows - 2049) / 1024;
}

/* The device that CUDA_VISIBLE_DEVICES puts first. */
static enum lac_status probe(enum lac_encode_class class, struct lac_err *err)
{
    int count = 0, major = 0, minor = 0;

    if (class != LAC_ENCODE_CUDA_BF16 && class != LAC_ENCODE_CUDA_FP8)
        return lac_err_set(err, LAC_REJECT, 0, "not a class of the CUDA encoder");
    cudaError_t status = cudaGetDeviceCount(&count);
    if (status == cudaSuccess && count == 0)
        status = cudaErrorNoDevice;
    if (status == cudaSuccess)
        status = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0);
    if (status == cudaSuccess)
        status = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0);
    if (status != cudaSuccess) {
        (void)cudaGetLastError();
        return lac_err_set(err, LAC_REJECT, (int)status, "no CUDA device: %s",
                           cudaGetErrorString(status));
    }
    int has = major * 10 + minor, needs = class == LAC_ENCODE_CUDA_FP8 ? 89 : 80;
    if (has < needs)
        return lac_err_set(err, LAC_REJECT, 0,
                           "the CUDA device has compute capability %d.%d, %s needs %d.%d", major,
                           minor, class == LAC_ENCODE_CUDA_FP8 ? "cuda-fp8" : "cuda-bf16",
                           needs / 10, needs % 10);
    return LAC_OK;
}

static enum lac_status check_shape(const struct lac_encode_weights *w, bool fp8,
                                   struct lac_err *err)
{
    uint32_t head = w->heads ? w->hidden / w->heads : 0;
    uint32_t step = fp8 ? 16 : 8; /* the library wants rows of 16 bytes' multiples */

    if (w->hidden == 0 || w->hidden > LAC_ENCODE_WIDTH_MAX || w->layers == 0 ||
        w->layers > LAC_ENCODE_LAYER_MAX || w->ffn == 0 || w->positions == 0 || w->types == 0 ||
        w->vocab == 0 || w->vocab > INT32_MAX)
        return lac_err_set(err, LAC_REJECT, 0, "the model's shape is out of range");
    if ((head != 32 && head != 64) || head * w->heads != w->hidden)
        return lac_err_set(err, LAC_REJECT, 0,
                           "the CUDA encoder knows heads of 32 and 64, not %u of %u", w->heads,
                           w->hidden);
    if (w->ffn % step != 0 || w->hidden % step != 0)
        return lac_err_set(err, LAC_REJECT, 0,
                           "the CUDA encoder needs hidden and ffn in steps of %u", step);
    if (fp8 && w->ffn > LAC_ENCODE_CUDA_FFN_MAX_FP8)
        return lac_err_set(err, LAC_REJECT, 0, "cuda-fp8 knows an ffn of up to %d, not %u",
                           LAC_ENCODE_CUDA_FFN_MAX_FP8, w->ffn);
    return LAC_OK;
}

/* Small models run out of the cache when their widest activations fit it twice (two slots);
 * large ones want products that fill the device. */
static size_t piece_rows(size_t hidden)
{
    return hidden <= 512 ? 8192 : LAC_ENCODE_CUDA_PIECE_MAX;
}

static enum lac_status name_engine(struct lac_encode_device *d, uint64_t digest,
                                   struct lac_err *err)
{
    int major = 0, minor = 0, processors = 0;
    cudaError_t status = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0);
    if (status == cudaSuccess)
        status = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0);
    if (status == cudaSuccess)
        status = cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0);
    if (status != cudaSuccess)
        return lac_encode_cuda_check(status, "reading the device's kind", err);
    (void)snprintf(d->engine, sizeof(d->engine), "%s/sm%d%dx%d-r%d-lt%zu-%08" PRIx32,
                   d->fp8 ? "cuda-fp8" : "cuda-bf16", major, minor, processors,
                   (int)LAC_ENCODE_CUDA_REVISION, cublasLtGetVersion(),
                   (uint32_t)(digest ^ digest >> 32));
    return LAC_OK;
}

static void device_close(struct lac_encode_device *d)
{
    if (!d)
        return;
    lac_encode_cuda_free_plans(d);
    lac_encode_cuda_free_weights(d);
    if (d->library)
        (void)cublasLtDestroy(d->library);
    free(d->layer);
    free(d);
}

static enum lac_status fill_device(struct lac_encode_device *d, const struct lac_encode_weights *w,
                                   struct lac_err *err)
{
    uint64_t digest = 0;

    d->hidden = w->hidden;
    d->layers = w->layers;
    d->heads = w->heads;
    d->ffn = w->ffn;
    d->vocab = w->vocab;
    d->positions = w->positions;
    d->pooling = w->pooling;
    d->normalize = w->normalize;
    d->piece = piece_rows(d->hidden);
    d->classes = lac_encode_cuda_class_of(d->piece) + 1;
    d->layer = calloc(d->layers, sizeof(*d->layer));
    if (!d->layer)
        return lac_err_set(err, LAC_RETRY, 0, "cuda: no memory");
    enum lac_status status =
        lac_encode_cuda_check_library(cublasLtCreate(&d->library), "opening the library", err);
    if (status == LAC_OK)
        status = lac_encode_cuda_check(
            lac_encode_cuda_attention_blocks(d->hidden / d->heads, d->fp8, &d->attention_blocks),
            "sizing attention", err);
    if (status == LAC_OK)
        status = lac_encode_cuda_upload(d, w, err);
    if (status == LAC_OK)
        status = lac_encode_cuda_plan(d, &digest, err);
    if (status == LAC_OK)
        status = name_engine(d, digest, err);
    return status;
}

static enum lac_status device_open(struct lac_encode_device **out,
                                   const struct lac_encode_weights *w, enum lac_encode_class class,
                                   struct lac_err *err)
{
    bool fp8 = class == LAC_ENCODE_CUDA_FP8;
    enum lac_status status = probe(class, err);
    if (status == LAC_OK)
        status = check_shape(w, fp8, err);
    if (status != LAC_OK)
        return status;
    struct lac_encode_device *d = calloc(1, sizeof(*d));
    if (!d)
        return lac_err_set(err, LAC_RETRY, 0, "cuda: no memory");
    d->fp8 = fp8;
    status = fill_device(d, w, err);
    if (status != LAC_OK) {
        device_close(d);
        return status;
    }
    *out = d;
    return LAC_OK;
}

static const char *device_engine(const struct lac_encode_device *d)
{
    return d->engine;
}

__attribute__((visibility("default"))) const struct lac_encode_backend lac_encode_plugin = {
    .abi = LAC_ENCODE_BACKEND_ABI,
    .name = "cuda",
    .probe = probe,
    .open = device_open,
    .close = device_close,
    .engine = device_engine,
    .session_open = lac_encode_cuda_session_open,
    .session_close = lac_encode_cuda_session_close,
    .run = lac_encode_cuda_run,
};
