/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_cuda - the encoder on NVIDIA GPUs, as a plug-in (lac_encode.h, struct
 * lac_encode_backend); this header is the plug-in's own.
 *
 * A device holds the weights, as bf16 or e4m3, and one plan per kind of matrix product. A session
 * has two slots; a call is cut into pieces of whole sequences, which take turns on the slots, so
 * that one piece is copied while another is computed. A slot's work is a CUDA graph per size class:
 * the number of rows is rounded up to one of a few dozen sizes, and everything a piece has that
 * other pieces of its class do not (tokens, tiles of attention, counts) lies in its input.
 *
 * Batch invariance. Own kernels make each row from that row or sequence alone, in an order that
 * the shape gives. Matrix products are the library's: each kind runs with one algorithm for all
 * size classes, without split sums, and opening a device fails unless rows of that algorithm come
 * out bit by bit the same in every class and at every offset tried. The engine name carries the
 * machine's kind, the library's version and a digest of the algorithms.
 *
 * Errors. Anything but a lack of memory is FATAL: after most CUDA errors a process can't use its
 * device again. Thread: a device may be used by all threads, a session by one at a time.
 */
#ifndef LAC_ENCODE_CUDA_H
#define LAC_ENCODE_CUDA_H

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include "lac_encode.h"
#include "lac_encode_cuda_kernels.h"
#include "lac_encode_model.h"

/* The matrix products of a layer. */
enum lac_encode_cuda_kind {
    LAC_ENCODE_CUDA_QKV,
    LAC_ENCODE_CUDA_OUT,
    LAC_ENCODE_CUDA_UP,
    LAC_ENCODE_CUDA_DOWN,
    LAC_ENCODE_CUDA_KINDS,
};

enum {
    LAC_ENCODE_CUDA_CLASS_MAX = 24,     /* size classes */
    LAC_ENCODE_CUDA_PIECE_MAX = 16384,  /* rows of the largest one */
    LAC_ENCODE_CUDA_FFN_MAX_FP8 = 4096, /* what one pass of the fp8 rows kernel holds */
    LAC_ENCODE_CUDA_SLOTS = 2,
    LAC_ENCODE_CUDA_WORKSPACE = 32 << 20, /* bytes that an algorithm may use beside its operands */
    LAC_ENCODE_CUDA_ENGINE_SIZE = 96,
    /* Goes up when own kernels or their order change bits: part of the engine name. */
    LAC_ENCODE_CUDA_REVISION = 1,
};

/* Rows of size class `index`, ascending: steps of 128, of 256 from 512 on, of 1024 from 2048 on. */
size_t lac_encode_cuda_class_rows(size_t index);
/* The smallest class that holds `rows`, 1 .. PIECE_MAX. */
size_t lac_encode_cuda_class_of(size_t rows);

/* One kind of product, y = x w^T: [rows][n] = [rows][k] [n][k]^T. */
struct lac_encode_cuda_plan {
    size_t n, k;
    cublasLtMatmulAlgo_t algorithm;
    size_t workspace; /* bytes */
    cublasLtMatrixLayout_t weight;
    cublasLtMatrixLayout_t in[LAC_ENCODE_CUDA_CLASS_MAX], out[LAC_ENCODE_CUDA_CLASS_MAX];
};

/* A product's operands in one layer. */
struct lac_encode_cuda_weight {
    void *values;   /* [n][k] bf16 or e4m3 */
    float *scale;   /* [n], e4m3 only */
    uint16_t *bias; /* [n] bf16 */
    cublasLtMatmulDesc_t product;
};

struct lac_encode_cuda_layer {
    struct lac_encode_cuda_weight weight[LAC_ENCODE_CUDA_KINDS];
    struct lac_encode_cuda_norm norm1, norm2;
};

struct lac_encode_device {
    char engine[LAC_ENCODE_CUDA_ENGINE_SIZE];
    bool fp8;
    size_t hidden, layers, heads, ffn, vocab, positions;
    enum lac_encode_pooling pooling;
    bool normalize;
    size_t piece;   /* rows of the largest class in use */
    size_t classes; /* classes in use */
    int attention_blocks;
    uint16_t *words, *places, *type; /* embeddings, bf16; type: row 0 of the kinds */
    struct lac_encode_cuda_norm norm;
    struct lac_encode_cuda_layer *layer; /* [layers] */
    struct lac_encode_cuda_plan plan[LAC_ENCODE_CUDA_KINDS];
    cublasLtHandle_t library;
    char *memory; /* all weights, one allocation on the device */
};

/* Memory and graphs of one piece in flight. Pointers are the device's unless they say otherwise. */
struct lac_encode_cuda_slot {
    cudaStream_t stream;
    cudaEvent_t done;
    cudaGraphExec_t graph[LAC_ENCODE_CUDA_CLASS_MAX];
    char *memory;                           /* one allocation: all of the following */
    char *input;                            /* head, tokens, starts, tiles */
    uint16_t *x;                            /* [rows][hidden] what a layer starts from */
    uint16_t *attention;                    /* [rows][hidden] */
    uint16_t *y;                            /* [rows][hidden] what is added to x */
    uint16_t *wide;                         /* [rows][3 hidden] and then [rows][ffn] */
    struct lac_encode_cuda_rows8 x8, wide8; /* fp8 only */
    void *workspace;
    float *out;         /* [sequences][hidden] */
    char *host_input;   /* pinned */
    float *host_out;    /* pinned */
    float *destination; /* the caller's, while in flight */
    size_t in_flight;   /* sequences; 0: free */
};

struct lac_encode_session {
    struct lac_encode_device *d; /* borrowed */
    size_t tokens, sequences;    /* limits of a call */
    size_t piece, classes;       /* of a piece */
    size_t piece_sequences;
    struct lac_encode_cuda_slot slot[LAC_ENCODE_CUDA_SLOTS];
};

/* Where the parts of a piece's input lie: bytes from its beginning. The head is at 0. */
struct lac_encode_cuda_layout {
    size_t tokens, starts, tiles, size;
};
struct lac_encode_cuda_layout lac_encode_cuda_layout(size_t rows, size_t sequences);

/* `what` failed with `status`: RETRY where memory lacks, else FATAL. OK for success. Takes the
 * error off the runtime, or the next, innocent call would report it again. */
enum lac_status lac_encode_cuda_check(cudaError_t status, const char *what, struct lac_err *err);
enum lac_status lac_encode_cuda_check_library(cublasStatus_t status, const char *what,
                                              struct lac_err *err);

/* Uploads weights; fills all pointers of the device. lac_encode_cuda_free_weights() after it in any
 * case. REJECT: a number that is not finite, or too large for bf16. */
enum lac_status lac_encode_cuda_upload(struct lac_encode_device *d,
                                       const struct lac_encode_weights *w, struct lac_err *err);
void lac_encode_cuda_free_weights(struct lac_encode_device *d);

/* Makes plans and descriptors, chooses algorithms and checks them bit by bit; adds their digest to
 * *digest. _free_plans() after it in any case. */
enum lac_status lac_encode_cuda_plan(struct lac_encode_device *d, uint64_t *digest,
                                     struct lac_err *err);
void lac_encode_cuda_free_plans(struct lac_encode_device *d);

/* Puts y = x w^T of a layer on a stream, with the rows of a class. bf16: plus bias, and gelu for
 * UP. fp8: neither (struct lac_encode_cuda_late). */
enum lac_status lac_encode_cuda_multiply(const struct lac_encode_device *d, size_t layer,
                                         enum lac_encode_cuda_kind kind, size_t class,
                                         const void *x, void *y, void *workspace,
                                         cudaStream_t stream, struct lac_err *err);

/* Puts the model's work for a class on the slot's stream. `products_only`: the matrix products and
 * nothing else, what a benchmark compares with. */
enum lac_status lac_encode_cuda_forward(const struct lac_encode_session *s,
                                        const struct lac_encode_cuda_slot *slot, size_t class,
                                        bool products_only, struct lac_err *err);

/* The same as a graph, to be destroyed by the caller. */
enum lac_status lac_encode_cuda_capture(const struct lac_encode_session *s,
                                        const struct lac_encode_cuda_slot *slot, size_t class,
                                        bool products_only, cudaGraphExec_t *out,
                                        struct lac_err *err);

/* The table's functions of lac_encode_cuda_session.c. */
enum lac_status lac_encode_cuda_session_open(struct lac_encode_session **out,
                                             struct lac_encode_device *d, size_t tokens,
                                             size_t sequences, bool interactive,
                                             struct lac_err *err);
void lac_encode_cuda_session_close(struct lac_encode_session *s);
enum lac_status lac_encode_cuda_run(struct lac_encode_session *s,
                                    const struct lac_encode_batch *batch, float *out,
                                    struct lac_err *err);

/* What the plug-in exports. */
extern const struct lac_encode_backend lac_encode_plugin;

#endif
