/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_fiber.h"

#include <stdlib.h>
#include <ucontext.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SIM_ASAN
#endif
#if __has_feature(thread_sanitizer)
#define SIM_TSAN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SIM_ASAN
#endif
#if defined(__SANITIZE_THREAD__)
#define SIM_TSAN
#endif

#ifdef SIM_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef SIM_TSAN
#include <sanitizer/tsan_interface.h>
/* TSan keeps a stack of calls for each fiber: what switches must not be on it. */
#define SIM_UNSEEN __attribute__((no_sanitize("thread"), noinline))
#else
#define SIM_UNSEEN
#endif

enum { STACK_SIZE = 256 << 10 };

struct sim_fiber {
    ucontext_t context;
    void *stack;
    void (*run)(void *arg);
    void *arg;
    bool done;
    void *fake; /* ASan's */
    void *tsan;
};

static ucontext_t scheduler;
static struct sim_fiber *current;
#if defined(SIM_ASAN) || defined(SIM_TSAN)
static struct {
    const void *bottom;
    size_t size;
    void *fake;
    void *tsan;
} outside; /* what the sanitizers know of the scheduler's stack */
#endif

SIM_UNSEEN static void entering(struct sim_fiber *f, void *fake)
{
#ifdef SIM_ASAN
    const void *bottom;
    size_t size;

    __sanitizer_finish_switch_fiber(fake, &bottom, &size);
    outside.bottom = bottom;
    outside.size = size;
#endif
    (void)f;
    (void)fake;
}

SIM_UNSEEN static void leaving(struct sim_fiber *f)
{
#ifdef SIM_ASAN
    __sanitizer_start_switch_fiber(f->done ? NULL : &f->fake, outside.bottom, outside.size);
#endif
#ifdef SIM_TSAN
    __tsan_switch_to_fiber(outside.tsan, 0);
#endif
    (void)f;
}

SIM_UNSEEN static void start(void)
{
    struct sim_fiber *f = current;

    entering(f, NULL);
    f->run(f->arg);
    f->done = true;
    leaving(f);
    (void)setcontext(&scheduler);
    abort();
}

struct sim_fiber *sim_fiber_new(void (*run)(void *arg), void *arg)
{
    struct sim_fiber *f = calloc(1, sizeof(*f));

    if (!f || getcontext(&f->context) != 0)
        abort();
    f->stack = malloc(STACK_SIZE);
    if (!f->stack)
        abort();
    f->run = run;
    f->arg = arg;
    f->context.uc_stack.ss_sp = f->stack;
    f->context.uc_stack.ss_size = STACK_SIZE;
    f->context.uc_link = NULL;
    makecontext(&f->context, start, 0);
#ifdef SIM_TSAN
    f->tsan = __tsan_create_fiber(0);
#endif
    return f;
}

void sim_fiber_free(struct sim_fiber *f)
{
    if (!f)
        return;
#ifdef SIM_ASAN
    /* Frames that never returned have left their red zones behind. */
    __asan_unpoison_memory_region(f->stack, STACK_SIZE);
#endif
#ifdef SIM_TSAN
    __tsan_destroy_fiber(f->tsan);
#endif
    free(f->stack);
    free(f);
}

SIM_UNSEEN bool sim_fiber_resume(struct sim_fiber *f)
{
    current = f;
#ifdef SIM_ASAN
    __sanitizer_start_switch_fiber(&outside.fake, f->stack, STACK_SIZE);
#endif
#ifdef SIM_TSAN
    outside.tsan = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(f->tsan, 0);
#endif
    if (swapcontext(&scheduler, &f->context) != 0)
        abort();
#ifdef SIM_ASAN
    __sanitizer_finish_switch_fiber(outside.fake, NULL, NULL);
#endif
    current = NULL;
    return f->done;
}

SIM_UNSEEN void sim_fiber_yield(void)
{
    struct sim_fiber *f = current;

    leaving(f);
    if (swapcontext(&f->context, &scheduler) != 0)
        abort();
    entering(f, f->fake);
}
