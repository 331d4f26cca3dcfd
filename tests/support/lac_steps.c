/* SPDX-License-Identifier: Apache-2.0 */
#include "lac_steps.h"

#include <stddef.h>
#include <string.h>

enum { BYTES_PER_STEP = 16 };

static uint64_t steps;

uint64_t lac_steps(void)
{
    return steps;
}

/* NOLINTBEGIN(readability-identifier-naming): the compiler and the linker want these names */

/* Called at each basic block of what was compiled with -fsanitize-coverage=trace-pc: unwatched, or
 * the count would cost a sanitizer more than what is counted. */
void __sanitizer_cov_trace_pc(void);

__attribute__((no_sanitize("thread", "address", "undefined"))) void __sanitizer_cov_trace_pc(void)
{
    steps++;
}

/* ---- the C library's part: the linker's --wrap sends calls here ---- */

static void touched(size_t bytes)
{
    steps += 1 + bytes / BYTES_PER_STEP;
}

/* Up to where it was found, or all of it. */
static void searched(const void *from, const void *found, size_t bytes)
{
    touched(found ? (size_t)((const char *)found - (const char *)from) : bytes);
}

void *__real_memmove(void *to, const void *from, size_t n);
void *__wrap_memmove(void *to, const void *from, size_t n);

void *__wrap_memmove(void *to, const void *from, size_t n)
{
    touched(n);
    return __real_memmove(to, from, n);
}

void *__real_memcpy(void *to, const void *from, size_t n);
void *__wrap_memcpy(void *to, const void *from, size_t n);

void *__wrap_memcpy(void *to, const void *from, size_t n)
{
    touched(n);
    return __real_memcpy(to, from, n);
}

void *__real_memset(void *to, int c, size_t n);
void *__wrap_memset(void *to, int c, size_t n);

void *__wrap_memset(void *to, int c, size_t n)
{
    touched(n);
    return __real_memset(to, c, n);
}

void *__real_memchr(const void *in, int c, size_t n);
void *__wrap_memchr(const void *in, int c, size_t n);

void *__wrap_memchr(const void *in, int c, size_t n)
{
    void *found = __real_memchr(in, c, n);

    searched(in, found, n);
    return found;
}

void *__real_memmem(const void *in, size_t n, const void *what, size_t len);
void *__wrap_memmem(const void *in, size_t n, const void *what, size_t len);

void *__wrap_memmem(const void *in, size_t n, const void *what, size_t len)
{
    void *found = __real_memmem(in, n, what, len);

    searched(in, found, n);
    return found;
}

/* NOLINTEND(readability-identifier-naming) */
