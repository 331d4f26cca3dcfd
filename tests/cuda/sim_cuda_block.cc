/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One block after the other, its threads as fibers. A fiber runs until it waits for others (at a
 * barrier or a warp operation) or ends, and then hands over to one that can go on: which one, the
 * seed says. Three orders take turns, grid by grid: at random; the one that was set free last,
 * which lets one warp run as far ahead as the barriers allow; and the one that has waited longest.
 *
 * Stricter than the hardware: threads that have left a block are missed at its barriers, and a
 * barrier or operation is one place in the source, not one of its kind.
 */
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "sim_cuda_internal.h"

#ifndef __x86_64__
#include <ucontext.h>
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

const sim_cuda_place *sim_cuda_here;

namespace
{

constexpr size_t stack_size = 64 << 10, guard_size = 4096;
constexpr int warp_size = 32, threads_max = 1024, shared_max = 48 << 10;

struct Fiber {
#ifdef __x86_64__
    void *stack_pointer;
#else
    ucontext_t context;
#endif
    char *stack;
    void *fake; /* ASan's */
    sim_cuda_place place;
    int number;
    const char *waits; /* for what; NULL: it does not */
    void *operand;
};

struct Warp {
    sim_cuda_site site;
    int waiting;
};

struct Shared {
    char *memory;
    size_t size;
    uint64_t poisoned; /* the last block that has met it */
};

struct {
    Fiber fiber[threads_max];
    Fiber outside; /* who asked for the grid */
    const void *outside_bottom;
    size_t outside_size;
    bool from_outside;
    Fiber *now;

    const std::function<void()> *thread;
    int count, ended, at_barrier;
    sim_cuda_site barrier;
    Warp warp[threads_max / warp_size];
    Fiber *ready[threads_max]; /* a ring */
    unsigned first, size;
    int order;
    bool failed, stacks;

    uint64_t block; /* counts all blocks ever run */
    std::vector<Shared> shared;
    uint64_t random = 1;
} sim;

/* ---- switching ---- */

#ifdef __x86_64__
/* Keeps what the System V ABI lets a function keep. Signal masks are all alike here. */
extern "C" void sim_cuda_switch(void **from, void *to);
__asm__(".text\n"
        ".type sim_cuda_switch, @function\n"
        "sim_cuda_switch:\n"
        "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n"
        "    pushq %r13\n    pushq %r14\n    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n    popq %r14\n    popq %r13\n"
        "    popq %r12\n    popq %rbx\n    popq %rbp\n"
        "    ret\n"
        ".size sim_cuda_switch, . - sim_cuda_switch\n");
#endif

/* Runs on the stack that has been come to. `fake` is what it had left behind. */
void arrived(void *fake)
{
#ifdef __SANITIZE_ADDRESS__
    const void *bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(fake, &bottom, &size);
    if (sim.from_outside) {
        sim.outside_bottom = bottom;
        sim.outside_size = size;
    }
#endif
    (void)fake;
    sim.from_outside = false;
}

void switch_to(Fiber *to)
{
    Fiber *from = sim.now;
    sim.from_outside = from == &sim.outside;
    sim.now = to;
    sim_cuda_here = &to->place;
#ifdef __SANITIZE_ADDRESS__
    const bool out = to == &sim.outside;
    __sanitizer_start_switch_fiber(&from->fake, out ? sim.outside_bottom : to->stack,
                                   out ? sim.outside_size : stack_size);
#endif
#ifdef __x86_64__
    sim_cuda_switch(&from->stack_pointer, to->stack_pointer);
#else
    if (swapcontext(&from->context, &to->context) != 0)
        std::abort();
#endif
    arrived(from->fake);
}

/* ---- who is next ---- */

void make_ready(Fiber *f)
{
    f->waits = nullptr;
    sim.ready[(sim.first + sim.size++) % threads_max] = f;
}

Fiber *take_ready()
{
    if (sim.order == 0) {
        Fiber **some = &sim.ready[(sim.first + sim_cuda_random() % sim.size) % threads_max];
        Fiber *f = *some;
        *some = sim.ready[(sim.first + --sim.size) % threads_max];
        return f;
    }
    if (sim.order == 1)
        return sim.ready[(sim.first + --sim.size) % threads_max];
    sim.size--;
    return sim.ready[sim.first++ % threads_max];
}

[[noreturn]] void give_up()
{
    sim.failed = true;
    switch_to(&sim.outside);
    std::abort(); /* nobody comes back to a failed block */
}

/* The running thread can't go on. */
void hand_over()
{
    if (sim.size > 0) {
        Fiber *next = take_ready();
        if (next != sim.now)
            switch_to(next);
        return;
    }
    if (sim.ended == sim.count) {
        switch_to(&sim.outside);
        return; /* to begin a thread of another block */
    }
    const Fiber &f = *sim.now;
    if (f.waits == nullptr) /* it has ended; the others wait for what does not come */
        for (int i = 0; i < sim.count; i++)
            if (sim.fiber[i].waits)
                sim_cuda_kernel_fault("thread %d waits for ever at %s: others have left", i,
                                      sim.fiber[i].waits);
    sim_cuda_kernel_fault("thread %d waits for ever at %s: not all others come", f.number, f.waits);
}

void run_fiber()
{
    arrived(nullptr);
    for (;;) {
        Fiber *f = sim.now;
        (*sim.thread)();
        f->waits = nullptr;
        sim.ended++;
        if (sim.at_barrier > 0)
            sim_cuda_kernel_fault("thread %d leaves while others wait at line %d", f->number,
                                  sim.barrier.line);
        hand_over();
    }
}

/* ---- stacks ---- */

void make_stacks()
{
    constexpr size_t each = stack_size + guard_size;
    char *all = static_cast<char *>(mmap(nullptr, each * threads_max, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (all == MAP_FAILED)
        std::abort();
    for (int i = 0; i < threads_max; i++) {
        (void)mprotect(all + static_cast<size_t>(i) * each, guard_size, PROT_NONE);
        sim.fiber[i].stack = all + static_cast<size_t>(i) * each + guard_size;
        sim.fiber[i].number = i;
    }
}

/* Stacks that begin at the same place of a page would share a few lines of the cache. */
size_t colour_of(const Fiber &f)
{
    return static_cast<size_t>(f.number) * 320 % 4096;
}

/* All fibers at their beginnings; before the first block, and after one that failed. */
void reset_stacks()
{
    if (!sim.fiber[0].stack)
        make_stacks();
    for (Fiber &f : sim.fiber) {
#ifdef __SANITIZE_ADDRESS__
        __asan_unpoison_memory_region(f.stack, stack_size);
#endif
        f.fake = nullptr;
#ifdef __x86_64__
        /* Six registers and where to go; a function begins 8 bytes off a multiple of 16. */
        void **top = reinterpret_cast<void **>(f.stack + stack_size - colour_of(f)) - 8;
        std::memset(top, 0, 8 * sizeof(*top));
        top[6] = reinterpret_cast<void *>(run_fiber);
        f.stack_pointer = top;
#else
        if (getcontext(&f.context) != 0)
            std::abort();
        f.context.uc_stack.ss_sp = f.stack;
        f.context.uc_stack.ss_size = stack_size - colour_of(f);
        f.context.uc_link = nullptr;
        makecontext(&f.context, run_fiber, 0);
#endif
    }
    sim.stacks = true;
}

bool run_block(const sim_cuda_work &work, uint3 block)
{
    const dim3 t = work.threads;
    sim.count = static_cast<int>(t.x * t.y * t.z);
    sim.ended = sim.at_barrier = 0;
    sim.first = sim.size = 0;
    sim.block++;
    std::memset(sim.warp, 0, sizeof(sim.warp));
    if (!sim.stacks)
        reset_stacks();
    for (int i = 0; i < sim.count; i++) {
        const unsigned n = static_cast<unsigned>(i);
        sim.fiber[i].place = {{n % t.x, n / t.x % t.y, n / t.x / t.y}, block, t, work.blocks};
        make_ready(&sim.fiber[i]);
    }
    sim.now = &sim.outside;
    switch_to(take_ready());
    return !sim.failed;
}

} // namespace

uint64_t sim_cuda_random()
{
    sim.random ^= sim.random >> 12;
    sim.random ^= sim.random << 25;
    sim.random ^= sim.random >> 27;
    return sim.random * 0x2545f4914f6cdd1du >> 32;
}

void sim_cuda_seed_blocks(uint64_t seed)
{
    sim.random = seed * 0x9e3779b97f4a7c15u | 1;
}

bool sim_cuda_run_grid(const sim_cuda_work &work)
{
    sim.thread = &work.thread;
    sim.failed = false;
    sim.order = static_cast<int>(sim_cuda_random() % 3);
    for (unsigned z = 0; z < work.blocks.z; z++)
        for (unsigned y = 0; y < work.blocks.y; y++)
            for (unsigned x = 0; x < work.blocks.x; x++)
                if (!run_block(work, {x, y, z})) {
                    sim.stacks = false;
                    return false;
                }
    return true;
}

void sim_cuda_kernel_fault(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    sim_cuda_fault_list(fmt, args);
    va_end(args);
    give_up();
}

void sim_cuda_barrier(const sim_cuda_site &site)
{
    Fiber *f = sim.now;
    if (sim.ended > 0)
        sim_cuda_kernel_fault("%s:%d: __syncthreads after a thread has left", site.file, site.line);
    if (sim.at_barrier == 0)
        sim.barrier = site;
    if (sim.barrier.line != site.line)
        sim_cuda_kernel_fault("%s: __syncthreads of lines %d and %d meet", site.file, site.line,
                              sim.barrier.line);
    f->waits = site.what;
    if (++sim.at_barrier < sim.count) {
        hand_over();
        return;
    }
    sim.at_barrier = 0;
    for (int i = 0; i < sim.count; i++)
        make_ready(&sim.fiber[i]);
    hand_over();
}

void sim_cuda_together(const sim_cuda_site &site, unsigned mask, void (*act)(void *const *operands),
                       void *operand)
{
    Fiber *f = sim.now;
    Warp *warp = &sim.warp[f->number / warp_size];
    if (mask != 0xffffffffu)
        sim_cuda_kernel_fault("%s:%d: a part of a warp is not emulated", site.file, site.line);
    if (warp->waiting == 0)
        warp->site = site;
    if (warp->site.line != site.line)
        sim_cuda_kernel_fault("%s: warp operations of lines %d and %d meet", site.file, site.line,
                              warp->site.line);
    f->operand = operand;
    f->waits = site.what;
    if (++warp->waiting < warp_size) {
        hand_over();
        return;
    }
    void *operands[warp_size];
    Fiber *first = &sim.fiber[f->number / warp_size * warp_size];
    for (int i = 0; i < warp_size; i++)
        operands[i] = first[i].operand;
    warp->waiting = 0;
    act(operands);
    for (int i = 0; i < warp_size; i++)
        make_ready(&first[i]);
    hand_over();
}

void sim_cuda_nothing(void *const *)
{
}

void sim_cuda_do_shuffle(void *const *operands)
{
    for (int i = 0; i < warp_size; i++) {
        sim_cuda_shuffled *to = static_cast<sim_cuda_shuffled *>(operands[i]);
        const int other = i ^ to->lanes;
        /* Beyond the warp a thread gets its own number back. */
        to->theirs =
            static_cast<sim_cuda_shuffled *>(operands[other < warp_size ? other : i])->mine;
    }
}

void sim_cuda_shared(void *variable, size_t size)
{
    Shared *s = nullptr;
    for (Shared &known : sim.shared)
        if (known.memory == variable)
            s = &known;
    if (!s) {
        sim.shared.push_back({static_cast<char *>(variable), size, 0});
        s = &sim.shared.back();
    }
    if (s->poisoned == sim.block)
        return;
    s->poisoned = sim.block;
    std::memset(variable, 0xff, size); /* NaN as bf16 and as fp32 */
    size_t all = 0;
    for (const Shared &other : sim.shared)
        all += other.poisoned == sim.block ? other.size : 0;
    if (all > shared_max)
        sim_cuda_kernel_fault("a block with %zu bytes of shared memory", all);
}

/* A variable has 64 KiB of addresses, the first one from 64 KiB on. */
size_t sim_cuda_shared_address(const void *p)
{
    for (size_t i = 0; i < sim.shared.size(); i++) {
        const Shared &s = sim.shared[i];
        const char *at = static_cast<const char *>(p);
        if (s.poisoned == sim.block && at >= s.memory && at < s.memory + s.size)
            return ((i + 1) << 16) + static_cast<size_t>(at - s.memory);
    }
    sim_cuda_kernel_fault("%p is not in shared memory", p);
}

const void *sim_cuda_shared_memory(uint32_t address, size_t size)
{
    const size_t i = address >> 16, offset = address & 0xffffu;
    if (i == 0 || i > sim.shared.size() || sim.shared[i - 1].poisoned != sim.block ||
        offset + size > sim.shared[i - 1].size)
        sim_cuda_kernel_fault("0x%x is no address of %zu bytes in shared memory", address, size);
    return sim.shared[i - 1].memory + offset;
}
