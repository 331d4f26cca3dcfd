/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_cuda_kernel - what nvcc knows and a C++ compiler does not; included before a translated .cu
 * file. The qualifiers (__global__, __device__) are nothing in NVIDIA's headers when another
 * compiler reads them.
 */
#ifndef SIM_CUDA_KERNEL_H
#define SIM_CUDA_KERNEL_H

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <tuple>
#include <type_traits>

#include <cuda_runtime.h>

#ifndef __launch_bounds__
#define __launch_bounds__(...)
#endif

/* ---- where a thread is ---- */

struct sim_cuda_place {
    uint3 thread, block;
    dim3 threads, blocks;
};
extern const sim_cuda_place *sim_cuda_here;

#define threadIdx (sim_cuda_here->thread)
#define blockIdx  (sim_cuda_here->block)
#define blockDim  (sim_cuda_here->threads)
#define gridDim   (sim_cuda_here->blocks)

/* ---- what a warp or a block does together ---- */

/* A place in the source: all threads must come to the same one. */
struct sim_cuda_site {
    const char *file, *what;
    int line;
};

void sim_cuda_barrier(const sim_cuda_site &site);
/* Waits for the warp's 32 threads; one of them calls act() with what each brought. */
void sim_cuda_together(const sim_cuda_site &site, unsigned mask, void (*act)(void *const *operands),
                       void *operand);
void sim_cuda_nothing(void *const *operands);
/* Ends the launch with a fault. Never returns. */
[[noreturn]] void sim_cuda_kernel_fault(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define SIM_CUDA_SITE(what) (sim_cuda_site{__FILE__, what, __LINE__})
#define __syncthreads()     sim_cuda_barrier(SIM_CUDA_SITE("__syncthreads"))
#define __syncwarp() \
    sim_cuda_together(SIM_CUDA_SITE("__syncwarp"), 0xffffffffu, sim_cuda_nothing, nullptr)
#define __shfl_xor_sync(mask, value, lanes) \
    sim_cuda_shuffle(SIM_CUDA_SITE("__shfl_xor_sync"), mask, value, lanes)

struct sim_cuda_shuffled {
    float mine, theirs;
    int lanes;
};
void sim_cuda_do_shuffle(void *const *operands);

inline float sim_cuda_shuffle(const sim_cuda_site &site, unsigned mask, float value, int lanes)
{
    sim_cuda_shuffled s = {value, 0, lanes};
    sim_cuda_together(site, mask, sim_cuda_do_shuffle, &s);
    return s.theirs;
}

/* ---- shared memory ---- */

/* Fills a variable with NaN when a block's first thread meets it. */
void sim_cuda_shared(void *variable, size_t size);
/* Shared memory has addresses of its own, of 32 bits. */
size_t sim_cuda_shared_address(const void *p);
#define __cvta_generic_to_shared sim_cuda_shared_address

/* ---- assembler ---- */

struct sim_cuda_argument {
    const char *constraint;
    void *value; /* 32 bits */
};

template <class T> sim_cuda_argument sim_cuda_operand(const char *constraint, T &value)
{
    static_assert(sizeof(T) == 4, "all registers here have 32 bits");
    using plain = typename std::remove_const<T>::type;
    if ((constraint[std::strlen(constraint) - 1] == 'f') != std::is_same<plain, float>::value)
        sim_cuda_kernel_fault("an operand \"%s\" of another type", constraint);
    if (std::is_const<T>::value && std::strlen(constraint) > 1)
        sim_cuda_kernel_fault("an output \"%s\" that is constant", constraint);
    return {constraint, const_cast<plain *>(&value)};
}

void sim_cuda_asm(const sim_cuda_site &site, const char *text,
                  std::initializer_list<sim_cuda_argument> arguments);
#define SIM_CUDA_ASM(text, ...) sim_cuda_asm(SIM_CUDA_SITE("asm"), text, {__VA_ARGS__})

/* ---- intrinsics ---- */

inline float __uint_as_float(unsigned bits)
{
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
}

inline unsigned atomicAdd(unsigned *to, unsigned value)
{
    const unsigned before = *to;
    *to += value; /* threads take turns, and none ends in here */
    return before;
}

/* ---- launches ---- */

/* A pointer that is none of the device's is a fault. */
void sim_cuda_check_pointer(const void *p, const char *kernel);

/* Finds the pointers in what a kernel is given: structures are taken apart, field by field. */
struct sim_cuda_any {
    template <class T> operator T() const;
};

template <class T, class Fields, class = void> struct sim_cuda_made_of : std::false_type {
};
template <class T, class... F>
struct sim_cuda_made_of<T, std::tuple<F...>, std::void_t<decltype(T{F{}...})>> : std::true_type {
};
template <class T, class... F> constexpr size_t sim_cuda_fields(std::tuple<F...>)
{
    if constexpr (sim_cuda_made_of<T, std::tuple<F..., sim_cuda_any>>::value)
        return sim_cuda_fields<T>(std::tuple<F..., sim_cuda_any>());
    else
        return sizeof...(F);
}

template <class T> void sim_cuda_check_argument(const T &value, const char *kernel)
{
    const auto each = [kernel](const auto &...field) {
        (sim_cuda_check_argument(field, kernel), ...);
    };
    if constexpr (std::is_pointer<T>::value) {
        sim_cuda_check_pointer(value, kernel);
    } else if constexpr (std::is_class<T>::value) {
        constexpr size_t count = sim_cuda_fields<T>(std::tuple<>());
        static_assert(count == 2 || count == 3 || count >= 8, "add a case for this many fields");
        if constexpr (count == 2) {
            const auto &[a, b] = value;
            each(a, b);
        } else if constexpr (count == 3) {
            const auto &[a, b, c] = value;
            each(a, b, c);
        } else {
            const auto &[a, b, c, d, e, f, g, h] = value;
            each(a, b, c, d, e, f, g, h);
        }
    }
}

/* Something to be run later: a kernel with its arguments as they were. */
struct sim_cuda_work {
    const char *name;
    dim3 blocks, threads;
    std::function<void()> thread, check;
};
void sim_cuda_put(cudaStream_t stream, size_t shared, const sim_cuda_work &work);

template <class... P> struct sim_cuda_launcher {
    void (*kernel)(P...);
    const char *name;
    dim3 blocks, threads;
    size_t shared;
    cudaStream_t stream;

    void operator()(P... arguments) const
    {
        const std::tuple<P...> kept(arguments...);
        const auto run = kernel;
        const auto called = name;
        sim_cuda_put(stream, shared,
                     {name, blocks, threads, [run, kept] { std::apply(run, kept); },
                      [called, kept] {
                          std::apply(
                              [called](const auto &...argument) {
                                  (sim_cuda_check_argument(argument, called), ...);
                              },
                              kept);
                      }});
    }
};

template <class... P>
sim_cuda_launcher<P...> sim_cuda_make_launcher(const char *name, void (*kernel)(P...), dim3 blocks,
                                               dim3 threads, size_t shared, cudaStream_t stream)
{
    return {kernel, name, blocks, threads, shared, stream};
}

/* The kernel's name has commas if it is a template's, so all arguments come as they stand. */
#define sim_cuda_launch(...) sim_cuda_make_launcher(__func__, __VA_ARGS__)

template <class... P>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void (*kernel)(P...),
                                                          int threads, size_t shared)
{
    return cudaOccupancyMaxActiveBlocksPerMultiprocessor(
        blocks, reinterpret_cast<const void *>(kernel), threads, shared);
}

#endif
