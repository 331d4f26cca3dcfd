/* SPDX-License-Identifier: Apache-2.0 */
/* Linked into tests with ONE_THREAD (see lac_test() in tools/cmake/LacTargets.cmake): one that
 * starts a thread after all ends there. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc's are its own */
int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr,
                   void *(*start)(void *), void *restrict arg)
{
    (void)thread, (void)attr, (void)start, (void)arg;
    (void)fputs("this test starts a thread: take ONE_THREAD from its lac_test()\n", stderr);
    abort();
}
