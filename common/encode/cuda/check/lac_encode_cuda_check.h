/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lac_encode_cuda_check - is what the GPU computes right? To be run where a GPU is.
 *
 * Each check compares with plain C in fp32 that shares no code with what it checks, and prints one
 * line, PASS or FAIL with what was found. Numbers come from a seed. Outputs are poisoned before,
 * so that what was not written shows.
 */
#ifndef LAC_ENCODE_CUDA_CHECK_H
#define LAC_ENCODE_CUDA_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac_compiler.h"
#include "lac_encode_cuda.h"

/* ---- reporting ---- */

/* Prints the line, counts failures. Returns `good`. */
bool lac_check_line(bool good, const char *fmt, ...) LAC_PRINTF(2, 3);
size_t lac_check_failures(void);

/* Ends the program, status 1, with what was printed. */
_Noreturn void lac_check_give_up(void);

/* The same when a step that no check is about went wrong. */
void lac_check_need(cudaError_t status, const char *what);
void lac_check_need_ok(enum lac_status status, const struct lac_err *err, const char *what);
void *lac_check_memory(size_t size); /* zeros, to free() */

/* ---- random numbers (xorshift64*) ---- */

void lac_check_seed(uint64_t seed);
uint32_t lac_check_random(uint32_t below);
float lac_check_number(float size); /* -size .. size */

/* ---- bf16, e4m3 and the device's memory ---- */

float lac_check_from_bf16(uint16_t bits);
uint16_t lac_check_to_bf16(float value);
float lac_check_from_e4m3(uint8_t bits);
void *lac_check_device(const void *from, size_t size);         /* a copy; from NULL: poison */
void lac_check_fetch(void *to, const void *from, size_t size); /* waits for the device */

/* ---- what is right, in plain C and fp32 ---- */

/* y[rows][n] = x[rows][k] w[n][k]^T + bias */
void lac_check_product(const float *x, const float *w, const float *bias, size_t rows, size_t n,
                       size_t k, float *y);
void lac_check_norm(float *row, const float *weight, const float *bias, float eps, size_t hidden);
/* qkv[size][3 hidden] of one sequence */
void lac_check_attention(const float *qkv, size_t size, size_t hidden, size_t heads, float *out);
float lac_check_gelu(float x);
double lac_check_cosine(const float *a, const float *b, size_t count);
/* One sequence through the whole model. */
void lac_check_forward(const struct lac_encode_weights *w, const int32_t *ids, size_t size,
                       float *out);

/* ---- the parts ---- */

void lac_check_kernels(void);

/* Shapes of models to generate. */
struct lac_check_shape {
    const char *name;
    uint32_t hidden, layers, heads, ffn;
    enum lac_encode_pooling pooling;
    bool normalize;
};
/* To be closed by the caller. */
struct lac_encode_model *lac_check_model(const struct lac_check_shape *shape, uint64_t seed);

/* Whole models; TINY: what an emulated device can do in seconds. */
enum lac_check_amount { LAC_CHECK_FULL, LAC_CHECK_QUICK, LAC_CHECK_TINY };
void lac_check_models(enum lac_check_amount how_much);

/* A real model with its vectors out of a file, see lac_encode_cuda_check_replay.c. */
void lac_check_replay(const char *path);

/* Measures; 0: done. `seconds` per side and round. */
int lac_check_bench(double seconds, size_t rounds);

#endif
