/* SPDX-License-Identifier: Apache-2.0 */
/*
 * librdkafka (2.0.2 to 2.15) waits for its queues until a time of the wall clock. Where that is set
 * back, whoever waits at that moment waits as much longer: a poll of 200 ms takes hours, an open
 * interval is not committed, a lane does not hear that it should stop. C11's cnd_timedwait(), by
 * which it waits, knows no other clock. So the program has a cnd_timedwait() of its own, which
 * takes the place of glibc's also for the libraries that it loads, and counts the same time on the
 * monotonic clock.
 */
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <threads.h>
#include <time.h>

#include "lac_clock.h"
#include "lac_kafka_priv.h"

/* glibc's own cnd_*() and mtx_*() are its pthread_*() under other names; nothing else does this. */
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t) && sizeof(mtx_t) == sizeof(pthread_mutex_t),
               "this C library's condition variables are not those of its pthreads");

/* Not with ThreadSanitizer: it has not seen librdkafka take the mutex that this gives back. */
#ifndef __SANITIZE_THREAD__

/* Under a name of our own here: the parameters of glibc's have reserved ones. */
int lac_kafka_wait_until(cnd_t *cond, mtx_t *mutex,
                         const struct timespec *until) __asm__("cnd_timedwait")
    __attribute__((visibility("default")));

int lac_kafka_wait_until(cnd_t *cond, mtx_t *mutex, const struct timespec *until)
{
    struct timespec now, end;
    int64_t left_ns, end_ns;
    int status;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    left_ns = ((int64_t)until->tv_sec - now.tv_sec) * 1000000000 + until->tv_nsec - now.tv_nsec;
    end_ns = (int64_t)lac_clock_mono_ns() + (left_ns > 0 ? left_ns : 0);
    end = (struct timespec){(time_t)(end_ns / 1000000000), (long)(end_ns % 1000000000)};
    status = pthread_cond_clockwait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex,
                                    CLOCK_MONOTONIC, &end);
    return status == 0 ? thrd_success : status == ETIMEDOUT ? thrd_timedout : thrd_error;
}

#endif

void lac_kafka_wait_monotonic(void)
{
}
