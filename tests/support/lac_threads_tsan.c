/* SPDX-License-Identifier: Apache-2.0 */
/*
 * librdkafka runs on C11 threads, which ThreadSanitizer does not know: the first instrumented
 * line in such a thread crashes. In builds with TSan these definitions stand before those of
 * the C library and make them pthreads, which it does know. In other builds the file is empty.
 */
#ifdef __SANITIZE_THREAD__

#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

struct start {
    thrd_start_t fn;
    void *arg;
};

_Static_assert(sizeof(thrd_t) == sizeof(pthread_t), "one stands for the other");
_Static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t), "one stands for the other");
_Static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t), "one stands for the other");

static int answer(int code)
{
    switch (code) {
    case 0:
        return thrd_success;
    case ETIMEDOUT:
        return thrd_timedout;
    case EBUSY:
        return thrd_busy;
    default:
        return thrd_error;
    }
}

static void *run(void *arg)
{
    struct start s = *(struct start *)arg;

    free(arg);
    return (void *)(long)s.fn(s.arg);
}

int thrd_create(thrd_t *thread, thrd_start_t fn, void *arg)
{
    struct start *s = malloc(sizeof(*s));
    int code;

    if (!s)
        return thrd_nomem;
    *s = (struct start){fn, arg};
    code = pthread_create((pthread_t *)thread, NULL, run, s);
    if (code)
        free(s);
    return answer(code);
}

int thrd_join(thrd_t thread, int *result)
{
    void *value = NULL;
    int code = pthread_join((pthread_t)thread, &value);

    if (result)
        *result = (int)(long)value;
    return answer(code);
}

int thrd_detach(thrd_t thread)
{
    return answer(pthread_detach((pthread_t)thread));
}

int mtx_init(mtx_t *m, int type)
{
    pthread_mutexattr_t attr;
    int code;

    (void)pthread_mutexattr_init(&attr);
    if (type & mtx_recursive)
        (void)pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    code = pthread_mutex_init((pthread_mutex_t *)m, &attr);
    (void)pthread_mutexattr_destroy(&attr);
    return answer(code);
}

void mtx_destroy(mtx_t *m)
{
    (void)pthread_mutex_destroy((pthread_mutex_t *)m);
}

int mtx_lock(mtx_t *m)
{
    return answer(pthread_mutex_lock((pthread_mutex_t *)m));
}

int mtx_trylock(mtx_t *m)
{
    return answer(pthread_mutex_trylock((pthread_mutex_t *)m));
}

int mtx_unlock(mtx_t *m)
{
    return answer(pthread_mutex_unlock((pthread_mutex_t *)m));
}

int cnd_init(cnd_t *c)
{
    return answer(pthread_cond_init((pthread_cond_t *)c, NULL));
}

void cnd_destroy(cnd_t *c)
{
    (void)pthread_cond_destroy((pthread_cond_t *)c);
}

int cnd_signal(cnd_t *c)
{
    return answer(pthread_cond_signal((pthread_cond_t *)c));
}

int cnd_broadcast(cnd_t *c)
{
    return answer(pthread_cond_broadcast((pthread_cond_t *)c));
}

int cnd_wait(cnd_t *c, mtx_t *m)
{
    return answer(pthread_cond_wait((pthread_cond_t *)c, (pthread_mutex_t *)m));
}

int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict until)
{
    return answer(pthread_cond_timedwait((pthread_cond_t *)c, (pthread_mutex_t *)m, until));
}

/*
 * librdkafka counts the holders of locks and of what it has received with atomics that TSan does
 * not see. The last holder destroys them; TSan takes that for a race with any use before.
 */
int __interceptor_pthread_rwlock_destroy(pthread_rwlock_t *lock);
void __interceptor_free(void *memory);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);

static struct {
    uintptr_t from, to;
} library; /* librdkafka's code */

static int find_library(struct dl_phdr_info *info, size_t size, void *ctx)
{
    (void)size;
    (void)ctx;
    if (!strstr(info->dlpi_name, "/librdkafka.so"))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X)) {
            library.from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            library.to = library.from + info->dlpi_phdr[i].p_memsz;
        }
    return 1;
}

__attribute__((constructor)) static void note_library(void)
{
    (void)dl_iterate_phdr(find_library, NULL);
}

/* Taken once more, the lock shows that all others came before. */
int pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
    if (pthread_rwlock_wrlock(lock) == 0)
        (void)pthread_rwlock_unlock(lock);
    return __interceptor_pthread_rwlock_destroy(lock);
}

/* Of what librdkafka frees, AddressSanitizer says in its own builds whether it is used later. */
__attribute__((no_sanitize("thread"))) void free(void *memory)
{
    uintptr_t caller = (uintptr_t)__builtin_return_address(0);
    bool theirs = caller >= library.from && caller < library.to;

    if (theirs)
        AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
    __interceptor_free(memory);
    if (theirs)
        AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
}

#else
typedef int lac_threads_tsan_is_empty; /* ISO C wants something in every file */
#endif
