/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lacuna-cuda-check [--quick|--tiny] [--seed=N] [--replay=FILE] [--bench] [--seconds=S]
 * [--rounds=N]
 *
 * Checks every kernel, whole models and batch invariance on the GPU of this machine; with --bench
 * measures instead and prints lines of JSON as tools/bench does; with --replay compares a real
 * model instead. Exit status: 0 all well, 1 a check failed, 2 wrong command line, 77 no GPU.
 */
#include "lac_encode_cuda_check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POISON = 0x7f, NO_DEVICE = 77 }; /* 0x7f7f: 3.4e38 as bf16, far from any right answer */

static size_t failures;
static uint64_t state = 1;

bool lac_check_line(bool good, const char *fmt, ...)
{
    va_list args;

    (void)fputs(good ? "PASS  " : "FAIL  ", stdout);
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
    (void)putchar('\n');
    (void)fflush(stdout);
    failures += !good;
    return good;
}

size_t lac_check_failures(void)
{
    return failures;
}

void lac_check_give_up(void)
{
    (void)fflush(NULL);
    _Exit(1); /* other threads may be at work, which exit() would not be safe beside */
}

void lac_check_need(cudaError_t status, const char *what)
{
    if (status == cudaSuccess)
        return;
    (void)lac_check_line(false, "%s: %s", what, cudaGetErrorString(status));
    lac_check_give_up(); /* the device can't be relied on any more */
}

void lac_check_need_ok(enum lac_status status, const struct lac_err *err, const char *what)
{
    if (status == LAC_OK)
        return;
    (void)lac_check_line(false, "%s: %s", what, err->text);
    lac_check_give_up();
}

void *lac_check_memory(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory) {
        (void)fprintf(stderr, "no memory\n");
        lac_check_give_up();
    }
    return memory;
}

void lac_check_seed(uint64_t seed)
{
    state = seed * 0x9e3779b97f4a7c15u | 1;
}

uint32_t lac_check_random(uint32_t below)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 0x2545f4914f6cdd1du >> 32) % below);
}

float lac_check_number(float size)
{
    return ((float)lac_check_random(1u << 24) / (float)(1u << 23) - 1.0f) * size;
}

float lac_check_from_bf16(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof(value));
    return value;
}

uint16_t lac_check_to_bf16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

/* 1 sign, 4 exponent (bias 7), 3 mantissa bits; no infinity, S1111111 is NaN (OCP 8-bit formats).
 */
float lac_check_from_e4m3(uint8_t bits)
{
    int exponent = bits >> 3 & 15, mantissa = bits & 7;
    float value =
        exponent ? ldexpf((float)(8 + mantissa), exponent - 10) : ldexpf((float)mantissa, -9);
    if ((bits & 0x7f) == 0x7f)
        value = NAN;
    return bits & 0x80 ? -value : value;
}

void *lac_check_device(const void *from, size_t size)
{
    void *to = NULL;
    lac_check_need(cudaMalloc(&to, size), "memory on the device");
    if (from)
        lac_check_need(cudaMemcpy(to, from, size, cudaMemcpyHostToDevice), "copying");
    else
        lac_check_need(cudaMemset(to, POISON, size), "filling");
    return to;
}

void lac_check_fetch(void *to, const void *from, size_t size)
{
    lac_check_need(cudaDeviceSynchronize(), "running");
    lac_check_need(cudaMemcpy(to, from, size, cudaMemcpyDeviceToHost), "copying");
}

struct options {
    enum lac_check_amount amount;
    bool bench;
    double seconds;
    size_t rounds;
    uint64_t seed;
    const char *replay;
};

static bool take(struct options *o, const char *arg)
{
    if (strcmp(arg, "--quick") == 0)
        o->amount = LAC_CHECK_QUICK;
    else if (strcmp(arg, "--tiny") == 0)
        o->amount = LAC_CHECK_TINY;
    else if (strcmp(arg, "--bench") == 0)
        o->bench = true;
    else if (strncmp(arg, "--seconds=", 10) == 0)
        o->seconds = strtod(arg + 10, NULL);
    else if (strncmp(arg, "--rounds=", 9) == 0)
        o->rounds = strtoul(arg + 9, NULL, 10);
    else if (strncmp(arg, "--replay=", 9) == 0)
        o->replay = arg + 9;
    else if (strncmp(arg, "--seed=", 7) == 0)
        o->seed = strtoull(arg + 7, NULL, 10);
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    struct options o = {.seconds = 2, .rounds = 5, .seed = 1};
    struct lac_err err = {0};

    for (int i = 1; i < argc; i++) {
        if (take(&o, argv[i]))
            continue;
        (void)fprintf(
            stderr,
            "usage: lacuna-cuda-check [--quick|--tiny] [--seed=N] [--replay=FILE] [--bench] "
            "[--seconds=S] [--rounds=N]\n");
        return 2;
    }
    if (lac_encode_plugin.probe(LAC_ENCODE_CUDA_BF16, &err) != LAC_OK) {
        printf("SKIP  %s\n", err.text);
        return NO_DEVICE;
    }
    if (o.bench)
        return lac_check_bench(o.seconds, o.rounds) ? 1 : 0;
    if (o.replay) {
        lac_check_replay(o.replay);
        return failures ? 1 : 0;
    }
    printf("seed %llu\n", (unsigned long long)o.seed);
    lac_check_seed(o.seed);
    lac_check_kernels();
    lac_check_models(o.amount);
    printf("%zu failed\n", failures);
    return failures ? 1 : 0;
}
